/* SPDX-License-Identifier: MIT */
/* loop.c - the turns of a loop.
 *
 * A turn goes through the same stations each time:
 *
 *   collect   what other threads sent arrives
 *   pump      attached VMs run their jobs; what they began is started
 *   deliver   tasks that are complete settle their operations, one at a time
 *   turned    the host commits what that brought
 *   wait      libuv: alarms ring, drivers complete tasks
 *
 *  (1) Nobody but the turn calls a host's callback for a task; alarms,
 *      watches and polls are called from the last station.
 *  (2) A stop is seen between any two callbacks.
 *
 * Runs on the loop's thread. */
#include "loop/loop.h"
#include "loop/mail.h"

/* What is in the background counts while a program waits for its end: it may be
 * what that depends on. */
static bool is_idle(const torpor_loop *loop) {
  size_t ignored = loop->awaited_vm == NULL ? loop->alarms.background : 0;
  return torpor__list_empty(&loop->started) &&
         torpor__list_empty(&loop->completed) &&
         loop->alarms.count == ignored && loop->polling == 0;
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

/* Whether the promise that torpor_loop_finish waits for is rejected: nobody is
 * interested in the rest then. */
static bool is_given_up(torpor_loop *loop) {
  torpor_promise_state state = TORPOR_PENDING;
  if (loop->awaited_vm == NULL ||
      torpor_promise_read(loop->awaited_vm, loop->awaited, &state, NULL) !=
          TORPOR_OK ||
      state == TORPOR_PENDING)
    return false;
  loop->awaited_vm = NULL; /* it was looked at for the last time */
  return state == TORPOR_REJECTED;
}

static torpor_status turn(torpor_loop *loop, bool wait) {
  torpor__mail_collect(loop);
  loop->stirred = false;
  torpor__attached_pump(loop);
  torpor__tasks_deliver(loop);
  torpor_status status = take_verdict(loop);
  if (status != TORPOR_OK) return status;
  bool again = loop->turned != NULL && loop->turned(loop->turned_user);
  status = take_verdict(loop);
  if (status != TORPOR_OK) return status;
  loop->stirred |= again;
  bool given_up = is_given_up(loop);
  bool idle = is_idle(loop) && !again;
  if ((idle && wait) || given_up) return TORPOR_NOT_FOUND;
  bool now = !wait || again || !torpor__list_empty(&loop->completed);
  torpor__alarms_arm(loop);
  uv_run(&loop->uv, now ? UV_RUN_NOWAIT : UV_RUN_ONCE);
  status = take_verdict(loop);
  /* An idle loop is looked after all the same: whoever waits for its descriptor
   * would find it readable for ever after a wake. */
  if (status == TORPOR_OK && idle && is_idle(loop) && !loop->stirred)
    return TORPOR_NOT_FOUND;
  return status;
}

/* Between two turns: asserts what loop.h and the files of the loop promise. */
static void check_loop(const torpor_loop *loop) {
#ifdef TORPOR_TESTING
  torpor__tasks_check(loop);
  torpor__alarms_check(loop);
  torpor__jobs_check(loop);
  torpor__polls_check(loop);
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

/* ---- Inside another loop -------------------------------------------------*/

int torpor_loop_backend_descriptor(const torpor_loop *loop) {
  return uv_backend_fd(&loop->uv);
}

int torpor_loop_timeout(torpor_loop *loop) {
  if (loop->stirred || loop->failure != TORPOR_OK ||
      torpor_loop_stopping(loop) || !torpor__list_empty(&loop->completed) ||
      torpor__attached_waiting(loop))
    return 0;
  torpor__alarms_arm(loop);
  uv_update_time(&loop->uv);
  return uv_backend_timeout(&loop->uv);
}

/* ---- What the host is asked ----------------------------------------------*/

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
  loop->awaited_vm = vm;
  loop->awaited = promise;
  status = torpor_loop_run(loop);
  loop->awaited_vm = NULL;
  if (status != TORPOR_OK) return status;
  status = torpor_promise_read(vm, promise, &state, &value);
  if (status != TORPOR_OK) return status;
  if (state == TORPOR_PENDING) return TORPOR_DEADLOCK;
  if (state == TORPOR_REJECTED) return torpor_throw_value(vm, value);
  if (result != NULL) *result = value;
  return TORPOR_OK;
}
