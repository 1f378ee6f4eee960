/* SPDX-License-Identifier: MIT */
/* bench.h - a store with runs and a worker, for tests of durable runs.
 *
 * One store in a folder of its own, opened before each test and removed after
 * it. What fails here fails the test. */
#ifndef TORPOR_TEST_BENCH_H
#define TORPOR_TEST_BENCH_H

#include "torpor-run.h"

struct run_bench {
  char folder[64], path[96], file[96];
  torpor_store *store;
  char error[512]; /* text of the last TORPOR_EVENT_ERROR */
  int errors;
  uint64_t largest, smallest; /* of the states that were committed */
};

extern struct run_bench run_bench;

/* For cmocka. */
int run_bench_open(void **state);
int run_bench_close(void **state);

/* Closes the store and opens it again, with 'key' (may be NULL). */
void run_bench_reopen(const uint8_t *key);

/* Makes a run of this program; 'keep' as in torpor_run_options. */
void run_bench_add(const char *id, const char *source, uint64_t keep);

/* Sends the numbers from 'first' to 'last' as signals named "go". */
void run_bench_signals(const char *id, int first, int last);

/* Drives a run until it is at step 'until' and nothing is left to do, or, when
 * that is 0, until it ends. */
void run_bench_drive(const char *id, int64_t until);

/* What there is of a run; strings are valid until the next call. */
const torpor_run_info *run_bench_look(const char *id);

/* Its result as JSON. */
const char *run_bench_value(const char *id);

#endif
