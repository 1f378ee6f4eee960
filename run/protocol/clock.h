/* SPDX-License-Identifier: MIT */
/* clock.h - how much time has passed, and how much of it this thread computed.
 * For a difference only: where the clocks begin says nothing.
 *
 * Any thread. */
#ifndef TORPOR_RUN_CLOCK_H
#define TORPOR_RUN_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline double torpor__clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static inline uint64_t torpor__clock_ms(void) {
  return (uint64_t)(torpor__clock_us() / 1e3);
}

static inline uint64_t torpor__clock_used_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
