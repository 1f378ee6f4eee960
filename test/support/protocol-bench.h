/* SPDX-License-Identifier: MIT */
/* protocol-bench.h - a worker of one run, on a real store, whose "VM" is
 * whatever the test says: for test_protocol*.c.
 *
 * The store is in a file of its own and is removed afterwards. */
#ifndef TORPOR_TEST_PROTOCOL_BENCH_H
#define TORPOR_TEST_PROTOCOL_BENCH_H

#include "run/protocol/protocol.h"

enum { ATTEMPTS_MAX = 3 };

extern struct protocol_bench {
  char path[64];
  struct torpor__database *store;
  struct torpor__protocol *protocol;
  struct torpor__drivers drivers;
  struct torpor__delivery *deliveries;
  size_t delivery_count;
  int64_t run;
  int started, stopped, shown, woken;
  char last_key[TORPOR__KEY_MAX];
} protocol_bench;

/* What goes around each test. */
int protocol_bench_set_up(void **state);
int protocol_bench_tear_down(void **state);

/* Claims the run, which was given up. 'open' leaves the flush to the caller. */
void protocol_bench_open(void);
void protocol_bench_claim(void);
void protocol_bench_give_up(void);

enum torpor__phase protocol_bench_phase(void);
void protocol_bench_flush(void);

/* Goes as far as the deliveries of the next step. */
void protocol_bench_wake(void);

/* What a step leaves that begins 'begun'. */
struct torpor__step protocol_bench_state(struct torpor__operation *begun,
                                         size_t count);

/* A step in which the VM accepts all it is told and begins 'begun'. */
void protocol_bench_step(struct torpor__operation *begun, size_t count);

struct torpor__operation protocol_bench_timer(uint64_t id);
struct torpor__operation protocol_bench_waiter(uint64_t id, const char *topic);

/* The result of an operation comes. */
void protocol_bench_settle(uint64_t id);

/* What the store has. */
struct torpor__head protocol_bench_head(void);
const char *protocol_bench_exit_reason(void);
void protocol_bench_expect_parked(const char *why);

/* Runs SQL on the store behind its back. */
void protocol_bench_sql(const char *sql);

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, protocol_bench_set_up,                 \
                                  protocol_bench_tear_down)

#endif
