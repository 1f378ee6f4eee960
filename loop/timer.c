/* SPDX-License-Identifier: MIT */
/* timer.c - the driver of kind "timer": waits for an operation's due time.
 *
 * The result is undefined. An operation without a due time is due at once. The
 * loop does not go on for the sake of one that is requested with true
 * (AbortSignal.timeout); other requests say nothing.
 *
 * Waking: TORPOR_REARM. The due time is wall-clock time and part of the
 * operation, so a timer whose moment passed while its VM slept fires as soon as
 * the VM is back, and none fires twice.
 *
 * Runs on the loop's thread. */
#include <math.h>

#include "loop/loop.h"

static const uint8_t CBOR_TRUE = 0xf5, CBOR_UNDEFINED = 0xf7;

static void ring_timer(void *user) {
  torpor__task_finish(
      user, TORPOR_RESOLVE,
      (struct torpor__result){.data = &CBOR_UNDEFINED, .size = 1});
}

static bool is_background(const torpor_operation *operation) {
  return operation->request_size == 1 && operation->request[0] == CBOR_TRUE;
}

static void start_timer(torpor_task *task, void *user) {
  (void)user;
  const torpor_operation *operation = torpor_task_operation(task);
  double due = operation->due;
  torpor_alarm *alarm;
  if (isnan(due)) due = 0;
  if (torpor_alarm_open(torpor_task_loop(task), due, ring_timer, task,
                        &alarm) != TORPOR_OK) {
    torpor_task_fail(task, "RangeError", "out of memory on the host", NULL);
    return;
  }
  torpor_task_set_state(task, alarm);
  if (!is_background(operation)) return;
  torpor__task_background(task);
  torpor__alarm_background(alarm);
}

static void cancel_timer(torpor_task *task, void *user) {
  (void)user;
  torpor_alarm_close(torpor_task_state(task));
}

torpor_status torpor__timer_add(torpor_loop *loop) {
  static const torpor_driver driver = {.size = sizeof(torpor_driver),
                                       .kind = "timer",
                                       .waking = TORPOR_REARM,
                                       .start = start_timer,
                                       .cancel = cancel_timer};
  return torpor_loop_add_driver(loop, &driver);
}
