/* SPDX-License-Identifier: MIT */
/* test_loop.c - turns, alarms, clocks that jump, tasks, drivers, stopping.
 *
 * No VM here: see test_loop_vm.c. Clocks are injected where a test is about
 * them; waiting is real. Each test closes its loop, which asserts that nothing
 * is left on it. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "torpor-loop.h"

/* ---- Helpers -------------------------------------------------------------*/

struct clocks {
  double wall, monotonic;
};

static double read_clocks(void *user, torpor_clock which) {
  const struct clocks *clocks = user;
  return which == TORPOR_CLOCK_WALL ? clocks->wall : clocks->monotonic;
}

static torpor_loop *open_loop(struct clocks *clocks) {
  torpor_loop_options options = TORPOR_LOOP_OPTIONS_INIT;
  torpor_loop *loop;
  options.clock = read_clocks;
  options.user = clocks;
  assert_int_equal(torpor_loop_open(clocks != NULL ? &options : NULL, &loop),
                   TORPOR_OK);
  return loop;
}

static void advance(struct clocks *clocks, double ms) {
  clocks->wall += ms;
  clocks->monotonic += ms;
}

/* What was called, in order, as letters. */
struct log {
  char text[64];
  size_t size;
};

struct mark {
  struct log *log;
  char letter;
};

static void note(struct log *log, char letter) {
  assert_true(log->size + 1 < sizeof(log->text));
  log->text[log->size++] = letter;
  log->text[log->size] = '\0';
}

static void ring(void *user) {
  struct mark *mark = user;
  note(mark->log, mark->letter);
}

static torpor_alarm *set_alarm(torpor_loop *loop, double due,
                               struct mark *mark) {
  torpor_alarm *alarm;
  assert_int_equal(torpor_alarm_open(loop, due, ring, mark, &alarm), TORPOR_OK);
  return alarm;
}

static torpor_operation make_operation(uint64_t id, const char *kind) {
  return (torpor_operation){
      .size = sizeof(torpor_operation), .id = id, .kind = kind};
}

/* ---- Alarms --------------------------------------------------------------*/

static void rings_in_due_order(void **state) {
  struct clocks clocks = {1e12, 50};
  struct log log = {0};
  struct mark marks[6];
  torpor_loop *loop = open_loop(&clocks);
  static const double dues[] = {30, 10, 20, 10, -5, 20};
  (void)state;
  for (int i = 0; i < 6; i++) {
    marks[i] = (struct mark){&log, (char)('a' + i)};
    set_alarm(loop, 1e12 + dues[i], &marks[i]);
  }
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  assert_string_equal(log.text, "e");
  advance(&clocks, 20);
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  assert_string_equal(log.text, "ebdcf");
  advance(&clocks, 10);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_string_equal(log.text, "ebdcfa");
  torpor_loop_close(loop);
}

static void closed_alarms_do_not_ring(void **state) {
  struct clocks clocks = {1e12, 0};
  torpor_alarm *alarms[26];
  struct mark marks[26];
  struct log log = {0};
  torpor_loop *loop = open_loop(&clocks);
  (void)state;
  for (int i = 0; i < 26; i++) {
    marks[i] = (struct mark){&log, (char)('a' + i)};
    alarms[i] = set_alarm(loop, 1e12 + (i * 7) % 26, &marks[i]);
  }
  for (int i = 0; i < 26; i += 2) torpor_alarm_close(alarms[i]);
  torpor_alarm_close(NULL);
  advance(&clocks, 100);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_string_equal(log.text, "ptxbfjnrvzdhl");
  torpor_loop_close(loop);
}

struct sorted {
  double last;
  int count;
};

struct dated {
  struct sorted *sorted;
  double due;
};

static void ring_sorted(void *user) {
  struct dated *dated = user;
  assert_true(dated->due >= dated->sorted->last);
  dated->sorted->last = dated->due;
  dated->sorted->count++;
}

static void many_alarms_ring_sorted(void **state) {
  enum { COUNT = 10000 };
  struct clocks clocks = {1e12, 0};
  struct sorted sorted = {0};
  static struct dated dated[COUNT];
  static torpor_alarm *alarms[COUNT];
  torpor_loop *loop = open_loop(&clocks);
  uint32_t random = 1;
  (void)state;
  for (int i = 0; i < COUNT; i++) {
    random = random * 1664525 + 1013904223;
    dated[i] = (struct dated){&sorted, 1e12 + (random >> 16)};
    assert_int_equal(torpor_alarm_open(loop, dated[i].due, ring_sorted,
                                       &dated[i], &alarms[i]),
                     TORPOR_OK);
  }
  for (int i = 0; i < COUNT; i += 3) torpor_alarm_close(alarms[i]);
  advance(&clocks, 65536);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_int_equal(sorted.count, COUNT - (COUNT + 2) / 3);
  torpor_loop_close(loop);
}

static void wrong_alarms_are_refused(void **state) {
  torpor_loop *loop = open_loop(NULL);
  torpor_alarm *alarm;
  (void)state;
  assert_int_equal(torpor_alarm_open(loop, (double)NAN, ring, NULL, &alarm),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_alarm_open(loop, 0, NULL, NULL, &alarm),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_alarm_open(loop, INFINITY, ring, NULL, &alarm),
                   TORPOR_OK);
  torpor_loop_close(loop);
}

struct renewal {
  torpor_loop *loop;
  int rung;
};

static void renew(void *user) {
  struct renewal *renewal = user;
  torpor_alarm *alarm;
  renewal->rung++;
  assert_int_equal(torpor_alarm_open(renewal->loop, 0, renew, renewal, &alarm),
                   TORPOR_OK);
}

/* An alarm that always sets the next one for now must not hold the turn. */
static void new_alarms_wait_for_the_next_turn(void **state) {
  torpor_loop *loop = open_loop(NULL);
  struct renewal renewal = {.loop = loop};
  (void)state;
  renew(&renewal);
  for (int i = 0; i < 5; i++)
    assert_int_equal(torpor_loop_turn(loop, true), TORPOR_OK);
  assert_int_equal(renewal.rung, 6);
  torpor_loop_close(loop);
}

static void really_waits(void **state) {
  torpor_loop *loop = open_loop(NULL);
  struct log log = {0};
  struct mark mark = {&log, 'x'};
  double start = torpor_loop_now(loop, TORPOR_CLOCK_WALL);
  (void)state;
  set_alarm(loop, start + 60, &mark);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  double waited = torpor_loop_now(loop, TORPOR_CLOCK_WALL) - start;
  assert_string_equal(log.text, "x");
  assert_true(waited >= 60 && waited < 5000);
  torpor_loop_close(loop);
}

/* ---- Clocks that jump ----------------------------------------------------*/

static void a_clock_set_back_makes_nothing_late(void **state) {
  struct clocks clocks = {1e12, 0};
  struct log log = {0};
  struct mark before = {&log, 'b'}, after = {&log, 'a'};
  torpor_loop *loop = open_loop(&clocks);
  (void)state;
  set_alarm(loop, clocks.wall + 5000, &before);
  clocks.wall -= 3600e3;
  set_alarm(loop, clocks.wall + 4000, &after);
  advance(&clocks, 3999);
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  assert_string_equal(log.text, "");
  advance(&clocks, 1);
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  assert_string_equal(log.text, "a");
  advance(&clocks, 1000);
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  assert_string_equal(log.text, "ab");
  torpor_loop_close(loop);
}

static void a_clock_set_forward_makes_due_what_is_due(void **state) {
  struct clocks clocks = {1e12, 0};
  struct log log = {0};
  struct mark day = {&log, 'd'}, week = {&log, 'w'};
  torpor_loop *loop = open_loop(&clocks);
  (void)state;
  set_alarm(loop, clocks.wall + 86400e3, &day);
  set_alarm(loop, clocks.wall + 7 * 86400e3, &week);
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  clocks.wall += 86400e3;
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  assert_string_equal(log.text, "d");
  torpor_loop_close(loop);
}

static void small_steps_keep_equal_moments_equal(void **state) {
  struct clocks clocks = {1e12, 0};
  struct log log = {0};
  struct mark first = {&log, '1'}, second = {&log, '2'};
  torpor_loop *loop = open_loop(&clocks);
  (void)state;
  clocks.wall -= 3;
  set_alarm(loop, 1e12 + 100, &first);
  clocks.wall += 2;
  set_alarm(loop, 1e12 + 100, &second);
  advance(&clocks, 200);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_string_equal(log.text, "12");
  torpor_loop_close(loop);
}

/* A loop that sleeps notices a jump by itself: nothing wakes it here. */
static void a_sleeping_loop_notices_a_jump(void **state) {
  struct clocks clocks = {1e12, 0};
  struct log log = {0};
  struct mark mark = {&log, 'x'};
  torpor_loop *loop = open_loop(&clocks);
  (void)state;
  set_alarm(loop, clocks.wall + 86400e3, &mark);
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  clocks.wall += 86400e3 + 1;
  alarm(30);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  alarm(0);
  assert_string_equal(log.text, "x");
  torpor_loop_close(loop);
}

/* ---- Tasks and drivers ---------------------------------------------------*/

/* A driver that completes at once, or when it is told to. */
struct own {
  torpor_task *held[8];
  int started, cancelled;
  bool at_once;
};

static void start_own(torpor_task *task, void *user) {
  struct own *own = user;
  assert_non_null(torpor_task_loop(task));
  if (own->at_once) {
    torpor_task_complete(task, TORPOR_RESOLVE, "\x01", 1);
  } else {
    own->held[own->started] = task;
  }
  own->started++;
}

static void cancel_own(torpor_task *task, void *user) {
  (void)task;
  ((struct own *)user)->cancelled++;
}

static torpor_driver own_driver(struct own *own) {
  return (torpor_driver){.size = sizeof(torpor_driver),
                         .kind = "own",
                         .waking = TORPOR_REATTACH,
                         .start = start_own,
                         .cancel = cancel_own,
                         .user = own};
}

struct outcome {
  int calls;
  torpor_outcome outcome;
  char data[256];
  size_t size;
  struct log *log;
  torpor_task *cancels; /* cancelled by this one */
};

static void keep_outcome(void *user, torpor_task *task, torpor_outcome outcome,
                         const void *data, size_t size) {
  struct outcome *kept = user;
  assert_true(size < sizeof(kept->data));
  kept->calls++;
  kept->outcome = outcome;
  kept->size = size;
  memcpy(kept->data, data, size);
  if (kept->log != NULL)
    note(kept->log, (char)('0' + torpor_task_operation(task)->id));
  torpor_task_cancel(kept->cancels);
}

static torpor_task *start(torpor_loop *loop, uint64_t id, const char *kind,
                          struct outcome *outcome) {
  torpor_operation operation = make_operation(id, kind);
  torpor_task *task;
  assert_int_equal(
      torpor_loop_start(loop, &operation, NULL, keep_outcome, outcome, &task),
      TORPOR_OK);
  return task;
}

static void a_driver_may_complete_at_once(void **state) {
  struct own own = {.at_once = true};
  struct outcome outcome = {0};
  torpor_driver driver = own_driver(&own);
  torpor_loop *loop = open_loop(NULL);
  (void)state;
  assert_int_equal(torpor_loop_add_driver(loop, &driver), TORPOR_OK);
  start(loop, 1, "own", &outcome);
  assert_int_equal(outcome.calls, 0);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_int_equal(outcome.calls, 1);
  assert_int_equal(outcome.outcome, TORPOR_RESOLVE);
  assert_int_equal(outcome.size, 1);
  assert_int_equal(own.cancelled, 0);
  torpor_loop_close(loop);
}

static void results_come_in_order_of_completion(void **state) {
  struct own own = {0};
  struct log log = {0};
  struct outcome outcomes[4];
  torpor_driver driver = own_driver(&own);
  torpor_loop *loop = open_loop(NULL);
  (void)state;
  assert_int_equal(torpor_loop_add_driver(loop, &driver), TORPOR_OK);
  for (int i = 0; i < 4; i++) {
    outcomes[i] = (struct outcome){.log = &log};
    start(loop, (uint64_t)i, "own", &outcomes[i]);
  }
  static const int order[] = {2, 0, 3, 1};
  for (int i = 0; i < 4; i++)
    torpor_task_complete(own.held[order[i]], TORPOR_RESOLVE, "\xf6", 1);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_string_equal(log.text, "2031");
  torpor_loop_close(loop);
}

/* The first result cancels the second task, which was complete already. */
static void a_cancelled_task_is_never_done(void **state) {
  struct own own = {0};
  struct outcome first = {0}, second = {0}, third = {0};
  torpor_driver driver = own_driver(&own);
  torpor_loop *loop = open_loop(NULL);
  (void)state;
  assert_int_equal(torpor_loop_add_driver(loop, &driver), TORPOR_OK);
  start(loop, 1, "own", &first);
  first.cancels = start(loop, 2, "own", &second);
  torpor_task_cancel(start(loop, 3, "own", &third));
  assert_int_equal(own.cancelled, 1);
  torpor_task_complete(own.held[0], TORPOR_RESOLVE, "\xf6", 1);
  torpor_task_complete(own.held[1], TORPOR_RESOLVE, "\xf6", 1);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_int_equal(first.calls, 1);
  assert_int_equal(second.calls, 0);
  assert_int_equal(third.calls, 0);
  assert_int_equal(own.cancelled, 1);
  torpor_loop_close(loop);
}

static void closing_cancels_what_is_pending(void **state) {
  struct own own = {0};
  struct outcome pending = {0}, complete = {0}, timer = {0};
  torpor_driver driver = own_driver(&own);
  torpor_loop *loop = open_loop(NULL);
  (void)state;
  assert_int_equal(torpor_loop_add_driver(loop, &driver), TORPOR_OK);
  start(loop, 1, "own", &pending);
  start(loop, 2, "own", &complete);
  torpor_task_complete(own.held[1], TORPOR_RESOLVE, "\xf6", 1);
  torpor_operation late = make_operation(3, "timer");
  late.due = 1e15;
  torpor_task *task;
  assert_int_equal(
      torpor_loop_start(loop, &late, NULL, keep_outcome, &timer, &task),
      TORPOR_OK);
  torpor_loop_close(loop);
  torpor_loop_close(NULL);
  assert_int_equal(own.cancelled, 1);
  assert_int_equal(pending.calls + complete.calls + timer.calls, 0);
}

static void an_unknown_kind_is_rejected_by_name(void **state) {
  struct outcome outcome = {0};
  torpor_loop *loop = open_loop(NULL);
  torpor_bytes json;
  (void)state;
  start(loop, 1, "teleport", &outcome);
  assert_int_equal(outcome.calls, 0);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_int_equal(outcome.calls, 1);
  assert_int_equal(outcome.outcome, TORPOR_REJECT);
  assert_int_equal(torpor_cbor_to_json(outcome.data, outcome.size, &json),
                   TORPOR_OK);
  assert_non_null(strstr((char *)json.data, "'teleport'"));
  torpor_bytes_free(&json);
  torpor_loop_close(loop);
}

static void drivers_are_known_by_kind(void **state) {
  struct own own = {0};
  torpor_driver driver = own_driver(&own);
  torpor_loop *loop = open_loop(NULL);
  (void)state;
  assert_null(torpor_loop_driver(loop, "own"));
  assert_int_equal(torpor_loop_add_driver(loop, &driver), TORPOR_OK);
  assert_int_equal(torpor_loop_add_driver(loop, &driver), TORPOR_EXISTS);
  assert_int_equal(torpor_loop_driver(loop, "own")->waking, TORPOR_REATTACH);
  assert_int_equal(torpor_loop_driver(loop, "timer")->waking, TORPOR_REARM);
  assert_int_equal(torpor_loop_driver(loop, "file-read")->waking,
                   TORPOR_REPEAT);
  driver.kind = "";
  assert_int_equal(torpor_loop_add_driver(loop, &driver), TORPOR_MISUSE);
  char kind[TORPOR_KIND_LARGEST + 2];
  memset(kind, 'k', sizeof(kind));
  kind[TORPOR_KIND_LARGEST + 1] = '\0';
  driver.kind = kind;
  assert_int_equal(torpor_loop_add_driver(loop, &driver), TORPOR_MISUSE);
  torpor_loop_close(loop);
}

/* Timers of one due time come in the order in which they were started. */
static void timers_keep_their_order(void **state) {
  struct clocks clocks = {1e12, 0};
  struct log log = {0};
  struct outcome outcomes[4];
  torpor_loop *loop = open_loop(&clocks);
  static const double dues[] = {10, 5, 10, 0};
  (void)state;
  for (int i = 0; i < 4; i++) {
    torpor_operation operation = make_operation((uint64_t)i, "timer");
    torpor_task *task;
    operation.due = dues[i] == 0 ? 0 : 1e12 + dues[i];
    outcomes[i] = (struct outcome){.log = &log};
    assert_int_equal(torpor_loop_start(loop, &operation, NULL, keep_outcome,
                                       &outcomes[i], &task),
                     TORPOR_OK);
  }
  advance(&clocks, 10);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_string_equal(log.text, "3102");
  assert_int_equal(outcomes[0].size, 1);
  assert_int_equal((uint8_t)outcomes[0].data[0], 0xf7);
  torpor_loop_close(loop);
}

/* ---- Stopping and waking -------------------------------------------------*/

static void *stop_soon(void *user) {
  usleep(20000);
  torpor_loop_stop(user);
  return NULL;
}

static void another_thread_may_stop(void **state) {
  torpor_loop *loop = open_loop(NULL);
  struct log log = {0};
  struct mark mark = {&log, 'x'};
  pthread_t thread;
  (void)state;
  set_alarm(loop, 1e15, &mark);
  assert_int_equal(pthread_create(&thread, NULL, stop_soon, loop), 0);
  assert_int_equal(torpor_loop_run(loop), TORPOR_CANCELLED);
  pthread_join(thread, NULL);
  assert_false(torpor_loop_stopping(loop));
  assert_int_equal(torpor_loop_signal(loop), 0);
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  torpor_loop_close(loop);
}

static void stop_at_done(void *user, torpor_task *task, torpor_outcome outcome,
                         const void *data, size_t size) {
  (void)outcome, (void)data, (void)size;
  ++*(int *)user;
  torpor_loop_stop(torpor_task_loop(task));
}

/* A stop between two results leaves the second for the next run. */
static void a_stop_loses_no_result(void **state) {
  torpor_loop *loop = open_loop(NULL);
  int calls = 0;
  (void)state;
  for (uint64_t id = 1; id <= 3; id++) {
    torpor_operation operation = make_operation(id, "timer");
    torpor_task *task;
    assert_int_equal(
        torpor_loop_start(loop, &operation, NULL, stop_at_done, &calls, &task),
        TORPOR_OK);
  }
  for (int run = 1; run <= 3; run++) {
    assert_int_equal(torpor_loop_run(loop), TORPOR_CANCELLED);
    assert_int_equal(calls, run);
  }
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  torpor_loop_close(loop);
}

static void a_signal_stops_once(void **state) {
  struct sigaction before, after;
  torpor_loop *loop = open_loop(NULL), *other = open_loop(NULL);
  struct log log = {0};
  struct mark mark = {&log, 'x'};
  (void)state;
  assert_int_equal(sigaction(SIGUSR1, NULL, &before), 0);
  assert_int_equal(torpor_loop_stop_on(loop, SIGUSR1), TORPOR_OK);
  assert_int_equal(torpor_loop_stop_on(other, SIGUSR1), TORPOR_EXISTS);
  set_alarm(loop, 1e15, &mark);
  raise(SIGUSR1);
  assert_true(torpor_loop_stopping(loop));
  assert_int_equal(torpor_loop_run(loop), TORPOR_CANCELLED);
  assert_int_equal(torpor_loop_signal(loop), SIGUSR1);
  assert_int_equal(sigaction(SIGUSR1, NULL, &after), 0);
  assert_true(after.sa_handler == before.sa_handler);
  torpor_loop_close(loop);
  assert_int_equal(torpor_loop_stop_on(other, SIGUSR1), TORPOR_OK);
  torpor_loop_close(other);
}

static void try_running(void *user) {
  torpor_loop *loop = user;
  assert_int_equal(torpor_loop_run(loop), TORPOR_BUSY);
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_BUSY);
}

static void only_one_turn_at_a_time(void **state) {
  torpor_loop *loop = open_loop(NULL);
  torpor_alarm *alarm;
  (void)state;
  assert_int_equal(torpor_alarm_open(loop, 0, try_running, loop, &alarm),
                   TORPOR_OK);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_int_equal(torpor_loop_turn(loop, true), TORPOR_NOT_FOUND);
  torpor_loop_close(loop);
}

static bool count_down(void *user) {
  return --*(int *)user > 0;
}

/* While the turn's end has more to do, the loop turns without waiting. */
static void the_end_of_a_turn_may_ask_for_more(void **state) {
  torpor_loop *loop = open_loop(NULL);
  int left = 5;
  (void)state;
  torpor_loop_on_turn(loop, count_down, &left);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  assert_int_equal(left, 0);
  torpor_loop_on_turn(loop, NULL, NULL);
  assert_int_equal(torpor_loop_run(loop), TORPOR_OK);
  torpor_loop_close(loop);
}

/* ---- Watching ------------------------------------------------------------*/

static void stop_on_change(void *user) {
  torpor_loop_stop(user);
}

static void *write_soon(void *user) {
  usleep(20000);
  FILE *file = fopen(user, "w");
  if (file != NULL) fclose(file);
  return NULL;
}

static void sees_a_folder_change(void **state) {
  char folder[] = "/tmp/torpor-watch-XXXXXX";
  char path[64];
  torpor_loop *loop = open_loop(NULL);
  struct log log = {0};
  struct mark mark = {&log, 'x'};
  pthread_t thread;
  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof(path), "%s/file", folder);
  assert_int_equal(torpor_loop_watch(loop, path, stop_on_change, loop),
                   TORPOR_NOT_FOUND);
  assert_int_equal(torpor_loop_watch(loop, folder, stop_on_change, loop),
                   TORPOR_OK);
  set_alarm(loop, torpor_loop_now(loop, TORPOR_CLOCK_WALL) + 20000, &mark);
  assert_int_equal(pthread_create(&thread, NULL, write_soon, path), 0);
  assert_int_equal(torpor_loop_run(loop), TORPOR_CANCELLED);
  pthread_join(thread, NULL);
  assert_int_equal(torpor_loop_watch(loop, NULL, NULL, NULL), TORPOR_OK);
  torpor_loop_close(loop);
  unlink(path);
  rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rings_in_due_order),
      cmocka_unit_test(closed_alarms_do_not_ring),
      cmocka_unit_test(many_alarms_ring_sorted),
      cmocka_unit_test(wrong_alarms_are_refused),
      cmocka_unit_test(new_alarms_wait_for_the_next_turn),
      cmocka_unit_test(really_waits),
      cmocka_unit_test(a_clock_set_back_makes_nothing_late),
      cmocka_unit_test(a_clock_set_forward_makes_due_what_is_due),
      cmocka_unit_test(small_steps_keep_equal_moments_equal),
      cmocka_unit_test(a_sleeping_loop_notices_a_jump),
      cmocka_unit_test(a_driver_may_complete_at_once),
      cmocka_unit_test(results_come_in_order_of_completion),
      cmocka_unit_test(a_cancelled_task_is_never_done),
      cmocka_unit_test(closing_cancels_what_is_pending),
      cmocka_unit_test(an_unknown_kind_is_rejected_by_name),
      cmocka_unit_test(drivers_are_known_by_kind),
      cmocka_unit_test(timers_keep_their_order),
      cmocka_unit_test(another_thread_may_stop),
      cmocka_unit_test(a_stop_loses_no_result),
      cmocka_unit_test(a_signal_stops_once),
      cmocka_unit_test(only_one_turn_at_a_time),
      cmocka_unit_test(the_end_of_a_turn_may_ask_for_more),
      cmocka_unit_test(sees_a_folder_change),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
