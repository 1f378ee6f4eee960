/* SPDX-License-Identifier: MIT */
/* descriptor.h - what a program has open: streams, processes, listeners.
 *
 * A descriptor is a number that the guest chose, and an object here that has a
 * type. Programs use it by operations, which drivers in descriptor.c hand to
 * the type:
 *
 *   descriptor-read   {fd, largest}   bytes, or null at the end
 *   descriptor-write  {fd, data}      undefined, when all of it is out
 *   descriptor-end    {fd}            undefined: nothing more is written. A
 *                                     pipe is to be closed then
 *   descriptor-next   {fd}            what happened next, as the type says
 *   descriptor-close  {fd}            undefined; also if it is not open
 *
 *   absent --torpor__descriptor_add--> open --torpor__descriptor_close--> gone
 *
 *  (1) A number is used once in the life of a program: its guest counts up.
 *  (2) Numbers sleep with the guest, objects do not. An operation on a number
 *      that is not open ends with a LostError.
 *  (3) A task that a type was given is completed by the type, once, unless the
 *      type's 'cancel' was called for it. Closing completes those that are
 *      left.
 *
 * Runs on the loop's thread. */
#ifndef TORPOR_LOOP_DESCRIPTOR_H
#define TORPOR_LOOP_DESCRIPTOR_H

#include "loop/loop.h"

struct torpor__descriptor;

/* What a type can do; NULL: it cannot. */
struct torpor__descriptor_type {
  const char *name; /* "a stream", for sentences */
  /* 'largest' is from 1 to TORPOR__READ_LARGEST. */
  void (*read)(struct torpor__descriptor *descriptor, torpor_task *task,
               size_t largest);
  /* 'data' lives as long as the task. */
  void (*write)(struct torpor__descriptor *descriptor, torpor_task *task,
                torpor_slice data);
  void (*end)(struct torpor__descriptor *descriptor, torpor_task *task);
  void (*next)(struct torpor__descriptor *descriptor, torpor_task *task);
  /* Forgets 'task', which one of the above was given. */
  void (*cancel)(struct torpor__descriptor *descriptor, torpor_task *task);
  /* Takes back a result, CBOR, of a task that was cancelled before anybody
   * took it, so that nothing is lost. */
  void (*untake)(struct torpor__descriptor *descriptor, const void *data,
                 size_t size);
  /* Ends it: completes what tasks it has, and frees it, now or when libuv lets
   * go of its handles. */
  void (*close)(struct torpor__descriptor *descriptor);

  /* For the functions of bind.h, which do it at once: reading and writing give
   * how many bytes that were, 0 at the end, or a negated errno. 'position' is
   * from the beginning; -1: where it stands. 'wait': until there is something,
   * or all is written; else -EAGAIN. -ECANCELED: the loop is stopping. */
  int64_t (*read_now)(struct torpor__descriptor *descriptor, void *data,
                      size_t size, int64_t position, bool wait);
  int64_t (*write_now)(struct torpor__descriptor *descriptor, const void *data,
                       size_t size, int64_t position, bool wait);
  /* The number that the system knows it by, which stays its own. */
  int (*file)(struct torpor__descriptor *descriptor);
};

/* The beginning of each object. */
struct torpor__descriptor {
  const struct torpor__descriptor_type *type;
  torpor_world *world;
  uint64_t number;
};

/* Most bytes of one read. */
enum { TORPOR__READ_LARGEST = 1 << 20 };

/* Most descriptors of one program. */
enum { TORPOR__DESCRIPTORS_MAX = 65536 };

/* Opens 'descriptor', whose type is set, under 'number'. False: the number is
 * in use or none, there are too many, or memory ran out; the descriptor is the
 * caller's. */
bool torpor__descriptor_add(torpor_world *world, uint64_t number,
                            struct torpor__descriptor *descriptor);
/* The descriptor of that number; NULL: it is not open. */
struct torpor__descriptor *torpor__descriptor_find(torpor_world *world,
                                                   uint64_t number);
/* The number that the system knows it by; -1: it has none. */
static inline int
torpor__descriptor_file(struct torpor__descriptor *descriptor) {
  return descriptor->type->file == NULL ? -1
                                        : descriptor->type->file(descriptor);
}
/* Takes it out of its world and has its type close it. NULL is accepted. */
void torpor__descriptor_close(struct torpor__descriptor *descriptor);

/* torpor_driver.drop of drivers that open descriptor {fd}: one that nobody
 * knows of is closed. */
void torpor__descriptor_drop(torpor_task *task, void *user,
                             torpor_outcome outcome, const void *data,
                             size_t size);

/* The drivers above. */
torpor_status torpor__descriptor_add_drivers(torpor_loop *loop);

#endif
