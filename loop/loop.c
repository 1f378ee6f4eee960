/* SPDX-License-Identifier: MIT */
/* loop.c - the turns of a loop.
 *
 * A turn goes through the same stations each time:
 *
 *   pump      attached VMs run their jobs; what they began is started
 *   deliver   tasks that are complete settle their operations, one at a time
 *   turned    the host commits what that brought
 *   wait      libuv: alarms ring, drivers complete tasks
 *
 *  (1) Nobody but the turn calls a host's callback for a task; alarms and
 *      watches are called from the last station.
 *  (2) A stop is seen between any two callbacks.
 *
 * Runs on the loop's thread. */
#include "loop.h"

static bool is_idle(const torpor_loop *loop) {
  return torpor__list_empty(&loop->started) &&
         torpor__list_empty(&loop->completed) && loop->alarms.count == 0;
}

/* What ended the turn so far: a stop, a VM's failure, or nothing. */
static torpor_status take_verdict(torpor_loop *loop) {
  torpor_status failure = loop->failure;
  if (failure != TORPOR_OK) {
    loop->failure = TORPOR_OK;
    return failure;
  }
  if (!atomic_load(&loop->stopping)) return TORPOR_OK;
  atomic_store(&loop->stopping, false);
  return TORPOR_CANCELLED;
}

static torpor_status turn(torpor_loop *loop, bool wait) {
  torpor__attached_pump(loop);
  torpor__tasks_deliver(loop);
  torpor_status status = take_verdict(loop);
  if (status != TORPOR_OK) return status;
  bool again = loop->turned != NULL && loop->turned(loop->turned_user);
  status = take_verdict(loop);
  if (status != TORPOR_OK) return status;
  if (is_idle(loop) && !again) return TORPOR_NOT_FOUND;
  bool now = !wait || again || !torpor__list_empty(&loop->completed);
  torpor__alarms_arm(loop);
  uv_run(&loop->uv, now ? UV_RUN_NOWAIT : UV_RUN_ONCE);
  return take_verdict(loop);
}

/* Between two turns: asserts what loop.h and the files of the loop promise. */
static void check_loop(const torpor_loop *loop) {
#ifdef TORPOR_TESTING
  torpor__tasks_check(loop);
  torpor__alarms_check(loop);
  torpor__files_check(loop);
#endif
  (void)loop;
}

torpor_status torpor_loop_turn(torpor_loop *loop, bool wait) {
  if (loop->turning) return TORPOR_BUSY;
  check_loop(loop);
  loop->turning = true;
  torpor_status status = take_verdict(loop);
  if (status == TORPOR_OK) status = turn(loop, wait);
  loop->turning = false;
  check_loop(loop);
  return status;
}

torpor_status torpor_loop_run(torpor_loop *loop) {
  torpor_status status;
  do {
    status = torpor_loop_turn(loop, true);
  } while (status == TORPOR_OK);
  return status == TORPOR_NOT_FOUND ? TORPOR_OK : status;
}

void torpor_loop_on_turn(torpor_loop *loop, torpor_turned_fn turned,
                         void *user) {
  loop->turned = turned;
  loop->turned_user = user;
}

torpor_status torpor_loop_finish(torpor_loop *loop, torpor_vm *vm,
                                 torpor_value promise, torpor_value *result) {
  torpor_value value;
  torpor_promise_state state;
  if (result != NULL) *result = torpor_undefined();
  torpor_status status = torpor_promise_handle(vm, promise);
  if (status != TORPOR_OK && status != TORPOR_UNSUPPORTED) return status;
  status = torpor_loop_run(loop);
  if (status != TORPOR_OK) return status;
  status = torpor_promise_read(vm, promise, &state, &value);
  if (status != TORPOR_OK) return status;
  if (state == TORPOR_PENDING) return TORPOR_DEADLOCK;
  if (state == TORPOR_REJECTED) return torpor_throw_value(vm, value);
  if (result != NULL) *result = value;
  return TORPOR_OK;
}
