/* SPDX-License-Identifier: MIT */
/* promise.h - jobs, promises, and rejections that nobody handles.
 * Included by torpor.h. */
#ifndef TORPOR_PUBLIC_PROMISE_H
#define TORPOR_PUBLIC_PROMISE_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs up to 'max' jobs of the queue (0: until it is empty). 'ran' is how many
 * ran. Returns TORPOR_OK, TORPOR_INTERRUPTED,
 * TORPOR_TRAPPED, or TORPOR_BUSY. What a job throws becomes an unhandled
 * rejection. A checkpoint is possible between any two jobs.
 * [fails] [runs] [outside] */
TORPOR_API torpor_status torpor_job_run(torpor_vm *vm, uint32_t max,
                                        uint32_t *ran);
/* The same for as long as 'ms' milliseconds have not passed: it is looked at
 * between two jobs.
 * [fails] [runs] [outside] */
TORPOR_API torpor_status torpor_job_run_for(torpor_vm *vm, uint64_t ms,
                                            uint32_t *ran);
/* Whether a job waits.
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

/* State and, once settled, the value or reason.
 * TORPOR_WRONG_TYPE when 'promise' is not a promise.
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

/* A promise and the functions that settle it ('resolve', 'reject' are called
 * with torpor_call). For what must survive a snapshot use an operation.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_promise_new(torpor_vm *vm,
                                            torpor_value *promise,
                                            torpor_value *resolve,
                                            torpor_value *reject);

/* Marks 'promise' as handled by the host: torpor_rejection_take does not give
 * its rejection then. TORPOR_WRONG_TYPE when it is not a promise.
 * [fails] */
TORPOR_API torpor_status torpor_promise_handle(torpor_vm *vm,
                                               torpor_value promise);

/* A rejection that nobody handles, for options.rejected, which is told when the
 * job queue is empty, in torpor_job_run, torpor_job_run_for and torpor_await.
 * It may use the VM but for what is marked [outside]. */
typedef struct torpor_rejection {
  torpor_value promise; /* undefined for what a callback threw */
  torpor_value reason;
  bool handled; /* it was told before, and somebody handles it by now */
} torpor_rejection;

/* At most so many are kept; those beyond are only counted. */
#define TORPOR_REJECTIONS_LARGEST 512

/* How many were not kept since this was asked last.
 * [fails] */
TORPOR_API torpor_status torpor_rejection_dropped(torpor_vm *vm,
                                                  uint64_t *count);

/* Takes the oldest promise rejected without a handler by the time the job
 * queue was empty, and its reason. TORPOR_NOT_FOUND when there is none.
 * [fails] */
TORPOR_API torpor_status torpor_rejection_take(torpor_vm *vm,
                                               torpor_value *reason);

#ifdef __cplusplus
}
#endif

#endif
