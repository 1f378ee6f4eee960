/* SPDX-License-Identifier: MIT */
/* run-vm-exit.c - whether a run has ended after a step of its VM, and how.
 *
 *     its main module threw, or was rejected      failed with that
 *     a rejection that nobody handled             failed with that
 *     its main module is done, nothing pending    done: the default export
 *     cancelled, and nothing pending              failed: Cancelled
 *     no memory, where no error could be thrown   failed: OutOfMemory
 *
 * On the VM's thread. */
#include <inttypes.h>

#include "run/input-check.h"
#include "run/vm/run-vm-state.h"

/* The place in a line of a stack: what is in its brackets, or behind its last
 * blank. Size 0 when it is code of the engine, which has no lines. */
static size_t line_place(const char **line, size_t size) {
  size_t start = size;
  while (start > 0 && (*line)[start - 1] != ' ' && (*line)[start - 1] != '(')
    start--;
  if (size > start && (*line)[size - 1] == ')') size--;
  *line += start;
  return memchr(*line, ':', size - start) ? size - start : 0;
}

/* The first place in 'stack' that is in the program. */
static size_t stack_place(const char *stack, const char **place) {
  while (*stack) {
    size_t line = strcspn(stack, "\n"), size;
    *place = stack;
    size = line_place(place, line);
    if (size > 0) return size;
    stack += line + (stack[line] == '\n');
  }
  *place = "";
  return 0;
}

/* Adds what 'error' has besides, and 'errors' if it is an AggregateError. */
static void describe_rest(struct torpor__run_vm *run_vm, torpor_value error,
                          torpor_value errors) {
  torpor_bytes text = {NULL, 0}, list = {NULL, 0};
  size_t size = strlen(run_vm->reason);
  torpor_brand brand;
  if (torpor_value_brand(run_vm->vm, error, &brand) == TORPOR_OK &&
      brand == TORPOR_BRAND_ERROR)
    torpor_error_properties(run_vm->vm, error, &text);
  if (torpor_value_type(errors) == TORPOR_TYPE_OBJECT)
    torpor_value_describe(run_vm->vm, errors, &list);
  snprintf(run_vm->reason + size, sizeof run_vm->reason - size, "%s%s%s",
           text.size > 0 ? (const char *)text.data : "",
           list.size > 0 ? " " : "",
           list.size > 0 ? (const char *)list.data : "");
  torpor_bytes_free(&text);
  torpor_bytes_free(&list);
}

/* "TypeError: x is not a function (main.mjs:3:7)" into the reason. */
static torpor_status describe_error(struct torpor__run_vm *run_vm,
                                    const char *before, torpor_value error) {
  torpor_error read = TORPOR_ERROR_INIT;
  torpor_status status = torpor_error_read(run_vm->vm, error, &read);
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  const char *place;
  size_t size = stack_place(read.stack, &place);
  const char *message =
      *read.name || *read.message ? read.message : "a value without a text";
  snprintf(run_vm->reason, sizeof run_vm->reason, "%s%s%s%s%s%.*s%s", before,
           read.name, *read.name && *message ? ": " : "", message,
           size > 0 ? " (" : "", (int)size, place, size > 0 ? ")" : "");
  describe_rest(run_vm, error, read.errors);
  torpor__refuse_trim(run_vm->reason);
  torpor_error_free(&read);
  return TORPOR_OK;
}

/* The value of a failed exit: the error itself or, when it cannot be written
 * down, one that says the same. */
static torpor_status keep_error(struct torpor__run_vm *run_vm,
                                const char *before, torpor_value error) {
  torpor_status status = describe_error(run_vm, before, error);
  if (status != TORPOR_OK) return status;
  status = torpor_cbor_encode(run_vm->vm, error, &run_vm->exit_value);
  if (status == TORPOR_OK && run_vm->exit_value.size > TORPOR__RESULT_LARGEST) {
    torpor_bytes_free(&run_vm->exit_value);
    status = TORPOR_THROWN;
  }
  if (status == TORPOR_THROWN)
    status =
        torpor_cbor_error("Error", run_vm->reason, NULL, &run_vm->exit_value);
  return status == TORPOR_OK ? status : torpor__run_vm_fail(run_vm, status);
}

/* Fails the run, whose result is larger than a row of a store. */
static torpor_status refuse_result(struct torpor__run_vm *run_vm,
                                   enum torpor__run_status *ended) {
  torpor_bytes_free(&run_vm->exit_value);
  *ended = TORPOR__RUN_FAILED;
  snprintf(run_vm->reason, sizeof run_vm->reason,
           "RangeError: the default export cannot be kept: it takes more than "
           "%zu MiB",
           TORPOR__RESULT_LARGEST >> 20);
  torpor_status status =
      torpor_cbor_error("RangeError", strchr(run_vm->reason, ' ') + 1, "LIMIT",
                        &run_vm->exit_value);
  return status == TORPOR_OK ? status : torpor__run_vm_fail_memory(run_vm);
}

/* Keeps the default export, which is the run's result. */
static torpor_status keep_result(struct torpor__run_vm *run_vm,
                                 torpor_value namespace,
                                 enum torpor__run_status *ended) {
  torpor_value result;
  torpor_status status = torpor_get(run_vm->vm, namespace, "default", &result);
  if (status == TORPOR_OK)
    status = torpor_cbor_encode(run_vm->vm, result, &run_vm->exit_value);
  *ended = TORPOR__RUN_DONE;
  if (status == TORPOR_THROWN) {
    *ended = TORPOR__RUN_FAILED;
    return keep_error(run_vm, "the default export cannot be kept: ",
                      torpor_exception(run_vm->vm));
  }
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  return run_vm->exit_value.size > TORPOR__RESULT_LARGEST
             ? refuse_result(run_vm, ended)
             : TORPOR_OK;
}

/* Keeps how the main module ended, which is how the run does. */
static torpor_status keep_outcome(struct torpor__run_vm *run_vm,
                                  enum torpor__run_status *ended) {
  torpor_value main, value;
  torpor_promise_state state;
  torpor_status status =
      torpor_token_value(run_vm->vm, TORPOR__RUN_VM_MAIN, &main);
  if (status == TORPOR_OK)
    status = torpor_promise_read(run_vm->vm, main, &state, &value);
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  if (state == TORPOR_FULFILLED) return keep_result(run_vm, value, ended);
  *ended = TORPOR__RUN_FAILED;
  return keep_error(run_vm, "", value);
}

/* Fails the run by a rejection that nobody handled. */
static torpor_status look_for_rejection(struct torpor__run_vm *run_vm,
                                        enum torpor__run_status *ended) {
  torpor_value reason;
  torpor_status status = torpor_rejection_take(run_vm->vm, &reason);
  if (status == TORPOR_NOT_FOUND) return TORPOR_OK;
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  *ended = TORPOR__RUN_FAILED;
  return keep_error(run_vm, "unhandled rejection: ", reason);
}

/* Drops the oldest unhandled rejection if that is the cancel itself. */
static torpor_status drop_cancel(struct torpor__run_vm *run_vm,
                                 enum torpor__run_status *ended) {
  torpor_value reason;
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_status status = torpor_rejection_take(run_vm->vm, &reason);
  if (status == TORPOR_OK)
    status = torpor_error_read(run_vm->vm, reason, &error);
  if (status == TORPOR_NOT_FOUND) return status;
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  bool cancel = strcmp(error.name, "Cancelled") == 0;
  torpor_error_free(&error);
  if (cancel) return TORPOR_OK;
  *ended = TORPOR__RUN_FAILED;
  return keep_error(run_vm, "unhandled rejection: ", reason);
}

/* Whether it waits for an operation that keeps it alive: all but the timers of
 * AbortSignal.timeout, which are requested with true (docs/operations.md). */
static bool is_kept(torpor_vm *vm) {
  static const uint8_t TRUE = 0xf5;
  torpor_operation operation = TORPOR_OPERATION_INIT;
  for (size_t i = 0; torpor_operation_at(vm, i, &operation) == TORPOR_OK; i++)
    if (strcmp(operation.kind, "timer") != 0 || operation.request_size != 1 ||
        operation.request[0] != TRUE)
      return true;
  return false;
}

/* The same in a run that was cancelled: while it waits for something, a cancel
 * that nobody caught in one place does not keep others from tidying up. */
static torpor_status look_for_cancel(struct torpor__run_vm *run_vm,
                                     enum torpor__run_status *ended) {
  torpor_scope scope;
  if (torpor_operation_count(run_vm->vm) == 0)
    return look_for_rejection(run_vm, ended);
  torpor_status status = torpor_scope_open(run_vm->vm, &scope);
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  do {
    status = drop_cancel(run_vm, ended);
  } while (status == TORPOR_OK && *ended == TORPOR__RUN_ACTIVE);
  if (status != TORPOR_NOT_FOUND) return status;
  status = torpor_scope_close(run_vm->vm, scope);
  return status == TORPOR_OK ? status : torpor__run_vm_fail(run_vm, status);
}

/* Fails a cancelled run that waits for nothing more. */
static torpor_status end_cancelled(struct torpor__run_vm *run_vm,
                                   enum torpor__run_status *ended) {
  snprintf(run_vm->reason, sizeof run_vm->reason,
           "Cancelled: the run was cancelled");
  *ended = TORPOR__RUN_FAILED;
  return torpor__run_vm_outcome_error(TORPOR__OUTCOME_CANCELLED,
                                      &run_vm->exit_value) == TORPOR_OK
             ? TORPOR_OK
             : torpor__run_vm_fail_memory(run_vm);
}

torpor_status torpor__run_vm_look_for_end(struct torpor__run_vm *run_vm,
                                          enum torpor__run_status *ended) {
  torpor_promise_state state;
  if (run_vm->thrown) {
    *ended = TORPOR__RUN_FAILED;
    return keep_error(run_vm, "", run_vm->exception);
  }
  torpor_status status =
      torpor_promise_look(run_vm->vm, TORPOR__RUN_VM_MAIN, &state);
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  if (state == TORPOR_REJECTED) return keep_outcome(run_vm, ended);
  status = run_vm->cancelling ? look_for_cancel(run_vm, ended)
                              : look_for_rejection(run_vm, ended);
  if (status != TORPOR_OK || *ended != TORPOR__RUN_ACTIVE) return status;
  if (is_kept(run_vm->vm)) return TORPOR_OK;
  if (state == TORPOR_FULFILLED) return keep_outcome(run_vm, ended);
  if (torpor_operation_count(run_vm->vm) > 0) return TORPOR_OK;
  return run_vm->cancelling ? end_cancelled(run_vm, ended) : TORPOR_OK;
}

void torpor__run_vm_explain_deadlock(struct torpor__run_vm *run_vm) {
  torpor_bytes places;
  if (torpor_operation_count(run_vm->vm) > 0) return;
  if (torpor_vm_waiting(run_vm->vm, &places) != TORPOR_OK) return;
  if (places.size > 0)
    snprintf(run_vm->reason, sizeof run_vm->reason,
             "nothing is left that could wake it: the program waits at %s",
             (const char *)places.data);
  torpor__refuse_trim(run_vm->reason);
  torpor_bytes_free(&places);
}

torpor_status torpor__run_vm_end_exhausted(struct torpor__run_vm *run_vm) {
  const uint64_t most = run_vm->context.memory_max != 0
                            ? run_vm->context.memory_max
                            : TORPOR_MEMORY_DEFAULT;
  snprintf(run_vm->reason, sizeof run_vm->reason,
           "OutOfMemory: the program needs more memory than its %" PRIu64
           " MiB; start it with a larger --memory",
           most >> 20);
  return torpor_cbor_error("OutOfMemory", strchr(run_vm->reason, ' ') + 1,
                           "OUT_OF_MEMORY", &run_vm->exit_value) == TORPOR_OK
             ? TORPOR_OK
             : torpor__run_vm_fail_memory(run_vm);
}
