/* SPDX-License-Identifier: MIT */
/* at-once.c - operations whose driver is done when it was started, performed
 * without waiting for a turn of the loop.
 *
 *   torpor:at-once(kind, request)           what the operation gives, or throws
 *   torpor:process.wait(fd, wait)           [code, signal]; null: it runs
 *   torpor:process.kill(pid, signal)        of any process; needs --allow-run
 *   torpor:sleep(ms)
 *   torpor:worker.parent()                  whether the program is a worker
 *   torpor:world.durable()                  whether it is a durable run
 *
 * Plain scripts only: a durable run starts operations when a step is committed.
 *
 * Runs on the VM's thread, which is the loop's. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "loop/at-once/bind.h"
#include "loop/block.h"
#include "loop/field.h"
#include "loop/process/process.h"

static const char ADVICE[] = "await spawn or exec of torpor:process";

/* The kinds, what they do, and what a durable run does instead. */
static const struct kind {
  const char *name, *doing, *advice;
} kinds[] = {
    {"os-signal", "os.signal", "await signal(name) of torpor:run"},
    {"process", "starting a process", ADVICE},
    {"process-signal", "os.kill", "await the kill method of a Process"},
    {"worker", "os.Worker", "start another run"},
    {"worker-post", "postMessage", "start another run"},
};

static const struct kind *find_kind(const char *name) {
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
    if (strcmp(name, kinds[i].name) == 0) return &kinds[i];
  return NULL;
}

/* torpor_done_fn. Is not called: the task is taken before. */
static void ignore_done(void *user, torpor_task *task, torpor_outcome outcome,
                        const void *data, size_t size) {
  (void)user, (void)task, (void)outcome, (void)data, (void)size;
}

/* Throws the error that a driver failed its task with, {name, message, code}.
 */
static torpor_status throw_failure(torpor_vm *vm,
                                   const struct torpor__result *given) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_error_parts parts = TORPOR_ERROR_PARTS_INIT;
  torpor_value code, error;
  torpor_status status = TORPOR_OK;
  operation.request = given->data;
  operation.request_size = given->size;
  char *name = torpor__field_text(&operation, "name");
  char *message = torpor__field_text(&operation, "message");
  char *code_text = torpor__field_text(&operation, "code");
  parts.name = name;
  parts.message = message;
  if (code_text != NULL) {
    status = torpor_string_new(vm, code_text, SIZE_MAX, &code);
    parts.code = &code;
  }
  if (status == TORPOR_OK) status = torpor_error_new_with(vm, &parts, &error);
  free(name);
  free(message);
  free(code_text);
  return status == TORPOR_OK ? torpor_throw_value(vm, error) : status;
}

static torpor_status give_outcome(torpor_vm *vm, torpor_outcome outcome,
                                  const struct torpor__result *given,
                                  torpor_value *result) {
  torpor_value value;
  if (outcome == TORPOR_REJECT) return throw_failure(vm, given);
  torpor_status status =
      torpor_cbor_decode(vm, given->data, given->size, &value);
  if (status == TORPOR_OK) *result = value;
  return status;
}

static torpor_status perform(torpor_vm *vm, torpor_world *world,
                             const char *kind, const torpor_bytes *request,
                             torpor_value *result) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_task *task;
  torpor_outcome outcome;
  struct torpor__result given;
  operation.kind = kind;
  operation.request = request->data;
  operation.request_size = request->size;
  torpor_status status = torpor_loop_start(world->loop, &operation, world,
                                           ignore_done, NULL, &task);
  if (status != TORPOR_OK) return status;
  if (!torpor__task_take(task, &outcome, &given)) {
    torpor_task_cancel(task);
    return torpor_throw(vm, "Error", "the operation takes time: await it");
  }
  status = give_outcome(vm, outcome, &given, result);
  free(given.memory);
  return status;
}

static torpor_status at_once(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  char *kind = NULL;
  torpor_bytes request = {0};
  torpor_status status = torpor__take_text(vm, arguments, 0, &kind);
  const struct kind *known = status == TORPOR_OK ? find_kind(kind) : NULL;
  if (status == TORPOR_OK)
    status = known == NULL ? torpor_throw(vm, "TypeError", "no such operation")
                           : torpor__refuse_durable(vm, user, known->doing,
                                                    known->advice);
  if (status == TORPOR_OK)
    status = torpor_cbor_encode(vm, torpor_argument(arguments, 1), &request);
  if (status == TORPOR_OK) status = perform(vm, user, kind, &request, result);
  torpor_bytes_free(&request);
  free(kind);
  return status;
}

static torpor_status give_end(torpor_vm *vm, int code, int signal,
                              torpor_value *result) {
  torpor_status status = torpor_array_new(vm, result);
  if (status == TORPOR_OK)
    status = torpor_set_index(vm, *result, 0, torpor_number(code));
  if (status == TORPOR_OK)
    status = torpor_set_index(vm, *result, 1, torpor_number(signal));
  return status;
}

static torpor_status wait_process(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  torpor_world *world = user;
  int64_t number = torpor__take_integer(arguments, 0, -1);
  bool wait = torpor_value_is_true(torpor_argument(arguments, 1));
  int code = 0, signal = 0;
  torpor_status status =
      torpor__refuse_durable(vm, world, "waiting for a process", ADVICE);
  if (status != TORPOR_OK || number < 0) return status;
  int done =
      torpor__process_wait(world, (uint64_t)number, wait, &code, &signal);
  *result = torpor_null();
  if (done < 0) return torpor__give_result(done, result);
  return done == 0 ? TORPOR_OK : give_end(vm, code, signal, result);
}

static torpor_status kill_process(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  const torpor_world *world = user;
  int64_t process = torpor__take_integer(arguments, 0, INT64_MAX);
  int64_t number = torpor__take_integer(arguments, 1, -1);
  torpor_status status = torpor__refuse_durable(vm, world, "os.kill", ADVICE);
  if (status != TORPOR_OK) return status;
  if (!torpor_access_allows_all(torpor_world_access(world), TORPOR_RUN))
    return torpor_throw(vm, "NotAllowedError",
                        "sending a signal to a process that the program did "
                        "not start is not allowed; run with --allow-run, "
                        "without the names of programs");
  if (process != (pid_t)process || number < 0 || number >= NSIG)
    return torpor__give_result(-EINVAL, result);
  int failure = kill((pid_t)process, (int)number) == 0 ? 0 : -errno;
  return torpor__give_result(failure, result);
}

static torpor_status sleep_now(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  const torpor_world *world = user;
  double ms = torpor_value_number(torpor_argument(arguments, 0));
  torpor_status status =
      torpor__refuse_durable(vm, world, "os.sleep", "await os.sleepAsync(ms)");
  if (status != TORPOR_OK || !(ms > 0)) return status;
  return torpor__give_result(torpor__block_sleep(world->loop, ms), result);
}

static torpor_status is_worker(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  const torpor_world *world = user;
  (void)vm, (void)arguments;
  *result = torpor_boolean(world->is_worker);
  return TORPOR_OK;
}

static torpor_status is_durable(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  const torpor_world *world = user;
  (void)vm, (void)arguments;
  *result = torpor_boolean(world->options.durable);
  return TORPOR_OK;
}

static const torpor_function_entry functions[] = {
    {"torpor:at-once", at_once, 2, 0},
    {"torpor:process.wait", wait_process, 2, 0},
    {"torpor:process.kill", kill_process, 2, 0},
    {"torpor:sleep", sleep_now, 1, 0},
    {"torpor:worker.parent", is_worker, 0, 0},
    {"torpor:world.durable", is_durable, 0, 0},
};
const struct torpor__functions torpor__at_once_functions = {
    functions, sizeof(functions) / sizeof(*functions)};
