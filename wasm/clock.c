/* SPDX-License-Identifier: MIT */
/* clock.c - the time that deadlines are in. Any thread, and signal handlers. */
#include <time.h>

#include "wasm/runtime.h"

uint64_t torpor__monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
