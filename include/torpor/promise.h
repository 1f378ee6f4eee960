/* SPDX-License-Identifier: MIT */
/* promise.h - jobs, promises, and rejections that nobody handles.
 * Included by torpor.h. */
#ifndef TORPOR_PUBLIC_PROMISE_H
#define TORPOR_PUBLIC_PROMISE_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reactions of promises are *jobs*; they wait in a queue until the host runs
 * them. This runs up to 'max' of them, or with 0 until the queue is empty;
 * 'ran' is how many ran. Returns TORPOR_OK, TORPOR_INTERRUPTED, TORPOR_TRAPPED,
 * or TORPOR_BUSY. What a job throws becomes a rejection that nobody handles. A
 * snapshot can be made between any two jobs.
 * [fails] [runs] [outside] */
TORPOR_API torpor_status torpor_job_run(torpor_vm *vm, uint32_t max,
                                        uint32_t *ran);
/* The same until 'ms' milliseconds have passed, which is looked at between two
 * jobs.
 * [fails] [runs] [outside] */
TORPOR_API torpor_status torpor_job_run_for(torpor_vm *vm, uint64_t ms,
                                            uint32_t *ran);
/* Whether a job waits in the queue.
 * [-] */
TORPOR_API bool torpor_job_pending(const torpor_vm *vm);

/* Runs jobs until 'promise' is settled. Returns TORPOR_OK with its value, or
 * TORPOR_THROWN with its reason, which counts as handled; TORPOR_DEADLOCK when
 * no job is left and it is still pending: settle the operations that it waits
 * for and call this again. A value that is no promise is its own result.
 * [fails] [throws] [runs] [outside] */
TORPOR_API torpor_status torpor_await(torpor_vm *vm, torpor_value promise,
                                      torpor_value *result);

typedef enum torpor_promise_state {
  TORPOR_PENDING,
  TORPOR_FULFILLED,
  TORPOR_REJECTED
} torpor_promise_state;

/* The state of a promise and, once it is settled, its value or reason.
 * TORPOR_WRONG_TYPE: 'promise' is none.
 * [fails] */
TORPOR_API torpor_status torpor_promise_read(torpor_vm *vm,
                                             torpor_value promise,
                                             torpor_promise_state *state,
                                             torpor_value *result);

/* The state of the promise that 'token' names, cheaper than taking its value
 * and reading that: for hosts that ask again and again. NOT_FOUND: no such
 * token; TORPOR_WRONG_TYPE as above.
 * [fails] */
TORPOR_API torpor_status torpor_promise_look(torpor_vm *vm, torpor_token token,
                                             torpor_promise_state *state);

/* A new promise and the functions that settle it, to be called with
 * torpor_call. They are handles, which no snapshot keeps: for what the outside
 * settles after a sleep use an operation.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_promise_new(torpor_vm *vm,
                                            torpor_value *promise,
                                            torpor_value *resolve,
                                            torpor_value *reject);

/* Says that the host takes care of 'promise': if it is rejected, that is not
 * told as a rejection that nobody handles. TORPOR_WRONG_TYPE: it is no promise.
 * [fails] */
TORPOR_API torpor_status torpor_promise_handle(torpor_vm *vm,
                                               torpor_value promise);

/* A rejection that nobody handles, as options.rejected is told, when the queue
 * of jobs is empty, in torpor_job_run, torpor_job_run_for and torpor_await: up
 * to TORPOR_REJECTIONS_LARGEST in a call, also of those that it causes itself,
 * and others in the next. */
typedef struct torpor_rejection {
  size_t size;          /* of this struct in the library */
  torpor_value promise; /* undefined for what a callback threw */
  torpor_value reason;
  bool handled; /* it was told before, and somebody handles it by now */
} torpor_rejection;

/* At most so many wait to be taken or told; those beyond are only counted. */
#define TORPOR_REJECTIONS_LARGEST 512

/* How many were only counted since this was asked last.
 * [fails] */
TORPOR_API torpor_status torpor_rejection_dropped(torpor_vm *vm,
                                                  uint64_t *count);

/* Takes the reason of the oldest rejection that nobody handled by the time the
 * queue of jobs was empty. TORPOR_NOT_FOUND: there is none.
 * [fails] */
TORPOR_API torpor_status torpor_rejection_take(torpor_vm *vm,
                                               torpor_value *reason);

#ifdef __cplusplus
}
#endif

#endif
