/* SPDX-License-Identifier: MIT */
/* protocol-bench.c - see protocol-bench.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/request.h"
#include "test/support/protocol-bench.h"
#include "test/support/sqlite-database.h"

struct protocol_bench protocol_bench;

static void note_start(void *data, const struct torpor__operation *operation,
                       bool woken) {
  (void)data;
  protocol_bench.started++;
  protocol_bench.woken += woken;
  snprintf(protocol_bench.last_key, sizeof protocol_bench.last_key, "%s",
           operation->key);
}

static void note_stop(void *data, int64_t branch, uint64_t operation) {
  (void)data;
  (void)branch;
  (void)operation;
  protocol_bench.stopped++;
}

static void note_show(void *data, const struct torpor__line *line) {
  (void)data;
  (void)line;
  protocol_bench.shown++;
}

void protocol_bench_open(void) {
  assert_int_equal(torpor__protocol_open(&protocol_bench.protocol,
                                         protocol_bench.store,
                                         protocol_bench.run,
                                         &protocol_bench.drivers, ATTEMPTS_MAX),
                   TORPOR_OK);
}

void protocol_bench_claim(void) {
  protocol_bench_open();
  assert_int_equal(torpor__protocol_flush(protocol_bench.store,
                                          &protocol_bench.protocol, 1, 100),
                   TORPOR_OK);
}

void protocol_bench_give_up(void) {
  torpor__protocol_close(protocol_bench.protocol);
  protocol_bench.protocol = NULL;
}

int protocol_bench_set_up(void **state) {
  (void)state;
  char message[TORPOR__DATABASE_MESSAGE_MAX];
  const struct torpor__run row = {.id = "run", .program = "p", .access = ""};
  memset(&protocol_bench, 0, sizeof protocol_bench);
  snprintf(protocol_bench.path, sizeof protocol_bench.path,
           "/tmp/torpor-protocol-%d", (int)getpid());
  const struct torpor__database_options options = {.path = protocol_bench.path};
  if (torpor__sqlite_open(&options, &protocol_bench.store, message) !=
      TORPOR_OK)
    return -1;
  protocol_bench.drivers = (struct torpor__drivers){
      .start = note_start, .stop = note_stop, .show = note_show};
  assert_int_equal(torpor__request_create(protocol_bench.store, &row, NULL, 0,
                                          false, &protocol_bench.run),
                   TORPOR_OK);
  protocol_bench_claim();
  return 0;
}

int protocol_bench_tear_down(void **state) {
  (void)state;
  static const char *const ends[] = {"", "-wal", "-shm", "-locks"};
  protocol_bench_give_up();
  protocol_bench.store->calls->close(protocol_bench.store);
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    char path[96];
    snprintf(path, sizeof path, "%s%s", protocol_bench.path, ends[i]);
    unlink(path);
  }
  return 0;
}

enum torpor__phase protocol_bench_phase(void) {
  return torpor__protocol_phase(protocol_bench.protocol);
}

void protocol_bench_flush(void) {
  assert_int_equal(torpor__protocol_flush(protocol_bench.store,
                                          &protocol_bench.protocol, 1, 200),
                   TORPOR_OK);
}

void protocol_bench_wake(void) {
  assert_int_equal(torpor__protocol_refresh(protocol_bench.protocol, 0),
                   TORPOR_OK);
  assert_int_equal(torpor__protocol_prepare(protocol_bench.protocol),
                   TORPOR_OK);
  if (protocol_bench_phase() == TORPOR__PHASE_COUNTING) protocol_bench_flush();
  protocol_bench.deliveries = torpor__protocol_deliveries(
      protocol_bench.protocol, &protocol_bench.delivery_count);
}

struct torpor__step protocol_bench_state(struct torpor__operation *begun,
                                         size_t count) {
  return (struct torpor__step){.engine = {.data = "e", .size = 1},
                               .snapshot = {.data = "state", .size = 5},
                               .begun = begun,
                               .begun_count = count};
}

void protocol_bench_step(struct torpor__operation *begun, size_t count) {
  protocol_bench_wake();
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_STEPPING);
  for (size_t i = 0; i < protocol_bench.delivery_count; i++)
    protocol_bench.deliveries[i].accepted = true;
  struct torpor__step step = protocol_bench_state(begun, count);
  assert_int_equal(torpor__protocol_stage(protocol_bench.protocol, &step),
                   TORPOR_OK);
  protocol_bench_flush();
}

struct torpor__operation protocol_bench_timer(uint64_t id) {
  return (struct torpor__operation){.id = id, .kind = "timer", .due_ms = 1000};
}

struct torpor__operation protocol_bench_waiter(uint64_t id, const char *topic) {
  return (struct torpor__operation){.id = id,
                                    .kind = "signal",
                                    .topic = topic,
                                    .due_ms = TORPOR__NEVER,
                                    .policy = TORPOR__POLICY_REATTACH};
}

void protocol_bench_settle(uint64_t id) {
  assert_int_equal(torpor__protocol_receive(protocol_bench.protocol, 0, id,
                                            TORPOR__OUTCOME_FULFILLED,
                                            (torpor_slice){0}),
                   TORPOR_OK);
}

struct torpor__head protocol_bench_head(void) {
  struct torpor__head row;
  assert_int_equal(protocol_bench.store->calls->head_get(
                       protocol_bench.store, protocol_bench.run, &row),
                   TORPOR_OK);
  return row;
}

static char reason[256];

static torpor_status see_exit(void *data, const struct torpor__exit *row) {
  (void)data;
  snprintf(reason, sizeof reason, "%s", row->reason);
  return TORPOR_OK;
}

const char *protocol_bench_exit_reason(void) {
  reason[0] = '\0';
  protocol_bench.store->calls->exit_each(protocol_bench.store,
                                         protocol_bench.run, see_exit, NULL);
  return reason;
}

void protocol_bench_expect_parked(const char *why) {
  assert_int_equal(protocol_bench_phase(), TORPOR__PHASE_ENDED);
  assert_int_equal(protocol_bench_head().status, TORPOR__RUN_PARKED);
  assert_non_null(strstr(protocol_bench_exit_reason(), why));
  assert_false(torpor__protocol_pending(protocol_bench.protocol));
}

void protocol_bench_sql(const char *sql) {
  assert_int_equal(
      torpor__sqlite_exec((struct torpor__sqlite *)protocol_bench.store, sql),
      TORPOR_OK);
}
