/* SPDX-License-Identifier: MIT */
/* os-linux-base.c - the register that translated code adds to addresses of
 * guest memory, on Linux: GS of x86-64, which nothing else uses there.
 *
 * Instructions read and write it in a few nanoseconds where processor and
 * kernel (5.9) have them; else a system call does, which some sandboxes refuse
 * (gVisor, filters of system calls). */
#define _GNU_SOURCE
#include "wasm/os.h"

#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef TORPOR_TESTING
bool torpor__os_base_by_call;
#else
enum { torpor__os_base_by_call = false };
#endif

#if defined(__x86_64__) && !defined(TORPOR_SOFT_BOUNDS)

/* Numbers of the kernel, whose headers not every system has. */
#define HWCAP2_FSGSBASE 2u
#define ARCH_SET_GS 0x1001
#define ARCH_GET_GS 0x1004

static bool has_instructions(void) {
  return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE && !torpor__os_base_by_call;
}

uintptr_t torpor__os_base(void) {
  uintptr_t base = 0;
  if (has_instructions())
    __asm__ volatile("rdgsbase %0" : "=r"(base));
  else
    syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
  return base;
}

bool torpor__os_base_set(uintptr_t base) {
  if (!has_instructions())
    return !torpor__os_is_refused() &&
           syscall(SYS_arch_prctl, ARCH_SET_GS, base) == 0;
  __asm__ volatile("wrgsbase %0" : : "r"(base) : "memory");
  return true;
}

#else

uintptr_t torpor__os_base(void) {
  return 0;
}

bool torpor__os_base_set(uintptr_t base) {
  (void)base;
  return true;
}

#endif
