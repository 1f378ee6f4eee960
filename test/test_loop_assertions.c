/* SPDX-License-Identifier: MIT */
/* test_loop_assertions.c - what test builds assert of a loop can fail: each
 * group of invariants is broken in a process of its own, which has to abort. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/assertion.h"
#include "test/support/vm.h"

/* For what only these files know; the library's own are not linked then. */
#include "loop/attach.c"
#include "loop/loader.c"

/* ---- What a loop has ------------------------------------------------------*/

static void never(torpor_task *task, void *user) {
  (void)task;
  (void)user;
}

static void ignore(void *user, torpor_task *task, torpor_outcome outcome,
                   const void *data, size_t size) {
  (void)user, (void)task, (void)outcome, (void)data, (void)size;
}

static void ring(void *user) {
  (void)user;
}

static torpor_loop *open_loop(void) {
  static const torpor_driver driver = {.size = sizeof(torpor_driver),
                                       .kind = "never",
                                       .waking = TORPOR_REARM,
                                       .start = never,
                                       .cancel = never};
  torpor_loop *loop;
  if (torpor_loop_open(NULL, &loop) != TORPOR_OK ||
      torpor_loop_add_driver(loop, &driver) != TORPOR_OK)
    _exit(2);
  return loop;
}

static torpor_task *start_task(torpor_loop *loop) {
  torpor_operation operation = {
      .size = sizeof(torpor_operation), .id = 1, .kind = "never"};
  torpor_task *task;
  if (torpor_loop_start(loop, &operation, NULL, ignore, NULL, &task) !=
      TORPOR_OK)
    _exit(2);
  return task;
}

static void open_alarms(torpor_loop *loop) {
  torpor_alarm *alarm;
  for (int i = 0; i < 3; i++)
    if (torpor_alarm_open(loop, 9e12 + i, ring, NULL, &alarm) != TORPOR_OK)
      _exit(2);
}

static void turn(torpor_loop *loop) {
  torpor_loop_turn(loop, false);
}

/* ---- What breaks ----------------------------------------------------------*/

static void task_in_the_wrong_list(void) {
  torpor_loop *loop = open_loop();
  struct torpor__link *link = (struct torpor__link *)start_task(loop);
  torpor__link_remove(link);
  torpor__list_append(&loop->completed, link);
  turn(loop);
}

static void link_broken(void) {
  torpor_loop *loop = open_loop();
  start_task(loop);
  loop->started.previous = &loop->started;
  turn(loop);
}

static void task_completed_twice(void) {
  torpor_loop *loop = open_loop();
  torpor_task *task = start_task(loop);
  torpor_task_complete(task, TORPOR_RESOLVE, NULL, 0);
  torpor_task_complete(task, TORPOR_RESOLVE, NULL, 0);
}

static void delivered_outside_a_turn(void) {
  torpor_loop *loop = open_loop();
  torpor__tasks_deliver(loop);
}

static void alarm_in_the_wrong_place(void) {
  torpor_loop *loop = open_loop();
  open_alarms(loop);
  torpor_alarm *first = loop->alarms.heap[0];
  loop->alarms.heap[0] = loop->alarms.heap[1];
  loop->alarms.heap[1] = first;
  turn(loop);
}

static void alarm_too_new(void) {
  torpor_loop *loop = open_loop();
  open_alarms(loop);
  loop->alarms.made = 1;
  turn(loop);
}

static void too_many_jobs(void) {
  torpor_loop *loop = open_loop();
  loop->jobs.working = 9;
  turn(loop);
}

static void operations_out_of_order(void) {
  struct entry entries[] = {{.id = 2}, {.id = 1}};
  const struct attached attached = {.tasks = entries, .count = 2, .holes = 2};
  check_table(&attached);
}

static void holes_miscounted(void) {
  struct entry entries[] = {{.id = 1}, {.id = 2}};
  const struct attached attached = {.tasks = entries, .count = 2, .holes = 1};
  check_table(&attached);
}

static void trapped_with_tasks(void) {
  struct entry entries[] = {{.id = 1}};
  const struct attached attached = {
      .tasks = entries, .count = 1, .holes = 1, .trapped = true};
  check_table(&attached);
}

static void module_given_twice(void) {
  char name[] = "/a.mjs", *given[] = {name, name};
  const torpor_loader loader = {.given = given, .count = 2};
  check_given(&loader);
}

static void signals_of_nobody(void) {
  torpor_loop *loop = open_loop();
  loop->handler_count = 1;
  torpor_loop_close(loop);
}

static void nothing(void) {
  torpor_loop *loop = open_loop();
  open_alarms(loop);
  torpor_task_complete(start_task(loop), TORPOR_RESOLVE, NULL, 0);
  start_task(loop);
  turn(loop);
  torpor_loop_close(loop);
}

static void test_each_can_fail(void **state) {
  static const struct test_assertion groups[] = {
      {"a task is in the wrong list", task_in_the_wrong_list},
      {"a list of tasks is broken", link_broken},
      {"a task completes twice", task_completed_twice},
      {"a task is delivered outside of a turn", delivered_outside_a_turn},
      {"an alarm is in the wrong place", alarm_in_the_wrong_place},
      {"an alarm is newer than the newest", alarm_too_new},
      {"too many files are read at once", too_many_jobs},
      {"operations are out of order", operations_out_of_order},
      {"holes are miscounted", holes_miscounted},
      {"a trapped VM has tasks", trapped_with_tasks},
      {"a module was given out twice", module_given_twice},
      {"signals have no owner", signals_of_nobody},
  };
  (void)state;
  test_assertions_fire(groups, sizeof(groups) / sizeof(*groups));
  test_nothing_fires(nothing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_can_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
