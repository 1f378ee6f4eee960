/* SPDX-License-Identifier: MIT */
/* stack.h - how deep JavaScript may go, and why it never goes too deep.
 *
 * A sandbox has two stacks: the shadow stack in its memory, for what has an
 * address, and the host's, for the rest of its frames. Only the first can be
 * asked about, but the second must not end first: that would break the VM,
 * where a limit of ours is an error that a program can catch.
 *
 * So the limit on the shadow stack must bound the host's stack as well. The
 * functions of the engine that call themselves differ much in how they divide
 * their frames: 1 byte of shadow stack goes with 1.4 bytes on the host's stack
 * in calls, with 12 in JSON.stringify. All of them ask the engine's check,
 * which is inlined into them; taking the address of an array there makes each
 * of these frames larger, and the worst of them alike:
 *
 *   host's stack per KiB of shadow stack (Node 20)  without    with
 *     calls, getters, toString, proxies             1.3-2.6   0.9-1.6
 *     JSON.parse, JSON.stringify, flat              7-12.5    1.0-1.5
 *     parser, nested parentheses                    9.5       9.5
 *
 * The parser asks in a function of its own, so its frames stay as they are; it
 * gets a share of what is left instead (torpor__stack_start).
 *
 * These are of an engine that is compiled for speed throughout. In one that is
 * compiled for size where it is seldom run, calls, conversions, proxies and
 * eval take up to 3.7. So 240 KiB of shadow stack need less than the 984 KiB
 * that JavaScript hosts give. Tests go through every kind of recursion. */
#ifndef TORPOR_GUEST_STACK_H
#define TORPOR_GUEST_STACK_H

enum {
  STACK_USABLE = 240 << 10, /* by JavaScript; the rest is for C code that
                               does not ask */
  STACK_PAD = 128,          /* added to frames that ask */
  STACK_PAD_REGEXP = 192,   /* further, to those of regular expressions */
  STACK_PARSER_SHARE = 3,   /* the parser may use one part in these */
};

static inline __attribute__((always_inline)) void *torpor__stack_address(void) {
  char pad[STACK_PAD];
  __asm__ volatile("" : : "r"(pad));
  return pad;
}

#endif
