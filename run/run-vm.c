/* SPDX-License-Identifier: MIT */
/* run-vm.c - the VM of one run while it is in memory. See run-vm.h.
 *
 *  (1) The promise of the main module is exported first of all, so that its
 *      token is MAIN_TOKEN in every snapshot of the run.
 *  (2) No handle is open when a snapshot is taken.
 *  (3) A large state is written as the difference from that of the last commit,
 *      for which the VM must remember just that one ('remembered'). A chain of
 *      differences ends before waking from it becomes dear: after LINKS_MAX, or
 *      when they are larger than a whole one.
 *  (4) A step that has used its share of fuel, or has written much to the
 *      console, ends between two jobs; the rest of them, and what was not
 *      delivered yet, wait for the next step.
 *  (5) What the program begins and a run cannot keep (a limit) is rejected in
 *      the same step, so that no commit knows of it; and what comes for it and
 *      it cannot read, or has no room for, rejects that wait. Neither makes a
 *      step come to nothing.
 *
 * The program may call back for its input, its id, its step and what an older
 * program handed to it, which are the same whenever it asks: nothing else
 * reaches out of the VM but operations. */
#include "run-vm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array.h"
#include "input-check.h"
#include "step-changes.h"
#include "torpor-run.h"

enum { MAIN_TOKEN = 1, LINKS_MAX = 32 };

#define FUEL_FULL (UINT64_C(1) << 62)

/* What a step holds of the console in the host's memory until its commit, with
 * what keeping a line takes. A step that has written OUTPUT_SHARE ends with its
 * job. */
#define OUTPUT_MIB 64
#define OUTPUT_LARGEST ((size_t)OUTPUT_MIB << 20)
#define OUTPUT_SHARE ((size_t)8 << 20)
#define LINE_COST (sizeof(struct torpor__line) + 32)

/* Below this a whole state is written faster than a difference. */
#define WHOLE_SMALL ((size_t)64 << 10)

static const uint8_t cbor_undefined[] = {0xf7};

struct torpor__run_vm {
  torpor_vm *vm;
  struct torpor__run_context context;
  bool started;
  bool thrown; /* the main module gave no promise, but 'exception' */
  torpor_value exception;
  bool told;       /* the VM was entered: its program knows that it woke */
  bool cancelling; /* a cancel was delivered, what came of it not looked at */
  int64_t step;
  uint64_t step_began_ms; /* monotonic */
  uint64_t step_most_ms;  /* that the step may take */
  char message[TORPOR__DATABASE_MESSAGE_MAX];

  bool remembered;      /* the VM remembers the state of the last commit */
  size_t whole;         /* bytes of the last whole state; 0: none */
  size_t links, linked; /* differences since then, and their bytes */

  /* What the step that is described did; owned, reused. */
  torpor_bytes snapshot;
  struct torpor__step_changes changes;
  struct torpor__line *lines;
  size_t line_count, line_capacity;
  size_t line_bytes;
  bool lines_lost;    /* memory ran out */
  bool lines_refused; /* one more would have been beyond OUTPUT_LARGEST */
  torpor_bytes exit_value;
  char reason[TORPOR__DATABASE_MESSAGE_MAX];
};

/* ---- What the program may ask --------------------------------------------*/

static torpor_status give_input(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  const struct torpor__run_vm *run_vm = user;
  (void)arguments;
  if (run_vm->context.input.size == 0) return TORPOR_OK;
  return torpor_cbor_decode(vm, run_vm->context.input.data,
                            run_vm->context.input.size, result);
}

static torpor_status give_id(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  const struct torpor__run_vm *run_vm = user;
  (void)arguments;
  return torpor_string_new(vm, run_vm->context.id, strlen(run_vm->context.id),
                           result);
}

static torpor_status give_step(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  const struct torpor__run_vm *run_vm = user;
  (void)vm;
  (void)arguments;
  *result = torpor_number((double)run_vm->step);
  return TORPOR_OK;
}

static torpor_status give_upgrade(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  const struct torpor__run_vm *run_vm = user;
  torpor_bytes handed = {0};
  (void)arguments;
  torpor_status status = run_vm->context.upgrade(run_vm->context.user, &handed);
  if (status == TORPOR_OK && handed.size > 0)
    status = torpor_cbor_decode(vm, handed.data, handed.size, result);
  torpor_bytes_free(&handed);
  return status;
}

static torpor_status give_module(void *user, const char *name,
                                 torpor_bytes *source) {
  const struct torpor__run_vm *run_vm = user;
  return run_vm->context.module(run_vm->context.user, name, source);
}

static bool is_interrupted(void *user) {
  const struct torpor__run_vm *run_vm = user;
  return run_vm->context.interrupt(run_vm->context.user);
}

/* ---- Console -------------------------------------------------------------*/

static void add_line(struct torpor__run_vm *run_vm, torpor_level level,
                     const char *text, size_t size) {
  run_vm->line_bytes += size + LINE_COST;
  void *copy = torpor__array_copy(text, size);
  if (copy == NULL ||
      !torpor__array_reserve(&run_vm->lines, &run_vm->line_capacity,
                             run_vm->line_count + 1, sizeof *run_vm->lines)) {
    free(copy);
    run_vm->lines_lost = true;
    return;
  }
  run_vm->lines[run_vm->line_count++] = (struct torpor__line){
      .level = level, .text = {.data = copy, .size = size}};
}

/* The console has no way to refuse a line. What one job writes beyond the limit
 * is left out, and the last line says so. */
static void refuse_lines(struct torpor__run_vm *run_vm) {
  char text[128];
  int size = snprintf(text, sizeof text,
                      "torpor: more than %d MiB were written to the console "
                      "at once; what follows in this step was left out",
                      OUTPUT_MIB);
  if (!run_vm->lines_refused)
    add_line(run_vm, TORPOR_LEVEL_ERROR, text, (size_t)size);
  run_vm->lines_refused = true;
}

static void keep_line(void *user, torpor_level level, const char *text,
                      size_t size) {
  struct torpor__run_vm *run_vm = user;
  if (run_vm->lines_refused || size > OUTPUT_LARGEST ||
      run_vm->line_bytes + LINE_COST > OUTPUT_LARGEST - size)
    refuse_lines(run_vm);
  else
    add_line(run_vm, level, text, size);
}

/* ---- Opening and closing -------------------------------------------------*/

static torpor_status bind_functions(struct torpor__run_vm *run_vm) {
  static const struct {
    const char *name;
    torpor_host_fn function;
  } functions[] = {{"torpor:run.input", give_input},
                   {"torpor:run.id", give_id},
                   {"torpor:run.step", give_step},
                   {"torpor:run.upgrade", give_upgrade}};
  torpor_status status = TORPOR_OK;
  for (size_t i = 0;
       status == TORPOR_OK && i < sizeof functions / sizeof functions[0]; i++)
    status = torpor_function_bind(run_vm->vm, functions[i].name,
                                  functions[i].function, run_vm, NULL);
  return status;
}

/* What a restored VM waits for was begun before; only what comes is news. */
static torpor_status skip_known(struct torpor__run_vm *run_vm) {
  torpor_operation operation;
  torpor_status status;
  do {
    status = torpor_operation_next(run_vm->vm, &operation);
  } while (status == TORPOR_OK);
  return status == TORPOR_NOT_FOUND ? TORPOR_OK : status;
}

static void count_links(struct torpor__run_vm *run_vm,
                        const struct torpor__state_chain *chain) {
  run_vm->remembered = true;
  run_vm->whole = chain->parts[0].size;
  run_vm->links = chain->count - 1;
  for (size_t i = 1; i < chain->count; i++)
    run_vm->linked += chain->parts[i].size;
}

static torpor_status open_vm(struct torpor__run_vm *run_vm,
                             const struct torpor__state_chain *chain) {
  const struct torpor__run_context *context = &run_vm->context;
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.host.user = run_vm;
  options.host.console = keep_line;
  options.host.module = give_module;
  options.host.interrupt = is_interrupted;
  options.memory_max = context->memory_max;
  options.deadline_ms = context->deadline_ms;
  run_vm->started = chain != NULL;
  if (run_vm->started) run_vm->step = chain->step;
  if (run_vm->started && chain->clone)
    options.wake = TORPOR_WAKE_CLONE | TORPOR_WAKE_RESEED;
  torpor_status status =
      run_vm->started
          ? torpor__state_chain_restore(chain, &options, &run_vm->vm)
          : torpor_vm_open(&options, &run_vm->vm);
  if (status != TORPOR_OK) return status;
  if (run_vm->started) count_links(run_vm, chain);
  status = bind_functions(run_vm);
  if (status == TORPOR_OK && run_vm->started) status = skip_known(run_vm);
  return status;
}

torpor_status torpor__run_vm_open(struct torpor__run_vm **out,
                                  const struct torpor__run_context *context,
                                  const struct torpor__state_chain *chain,
                                  char message[TORPOR__DATABASE_MESSAGE_MAX]) {
  struct torpor__run_vm *run_vm = calloc(1, sizeof *run_vm);
  *out = NULL;
  snprintf(message, TORPOR__DATABASE_MESSAGE_MAX, "out of memory");
  if (run_vm == NULL) return TORPOR_NOMEM;
  run_vm->context = *context;
  if (context->fuel == 0) run_vm->context.fuel = TORPOR_RUN_FUEL;
  if (context->deadline_ms == 0)
    run_vm->context.deadline_ms = TORPOR_RUN_DEADLINE_MS;
  torpor_status status = open_vm(run_vm, chain);
  if (status == TORPOR_OK) {
    *out = run_vm;
    return TORPOR_OK;
  }
  snprintf(message, TORPOR__DATABASE_MESSAGE_MAX, "%s",
           torpor_last_error(run_vm->vm));
  torpor__run_vm_close(run_vm);
  return status;
}

/* Forgets what the last step did. */
static void forget_step(struct torpor__run_vm *run_vm) {
  torpor__step_changes_clear(&run_vm->changes);
  for (size_t i = 0; i < run_vm->line_count; i++)
    free((void *)run_vm->lines[i].text.data);
  run_vm->line_count = 0;
  run_vm->line_bytes = 0;
  run_vm->lines_lost = run_vm->lines_refused = false;
  run_vm->reason[0] = '\0';
  torpor_bytes_free(&run_vm->snapshot);
  torpor_bytes_free(&run_vm->exit_value);
}

void torpor__run_vm_close(struct torpor__run_vm *run_vm) {
  if (run_vm == NULL) return;
  forget_step(run_vm);
  torpor_vm_close(run_vm->vm);
  torpor__step_changes_free(&run_vm->changes);
  free(run_vm->lines);
  free(run_vm);
}

const char *torpor__run_vm_error(const struct torpor__run_vm *run_vm) {
  return run_vm->message;
}

torpor_vm *torpor__run_vm_get(const struct torpor__run_vm *run_vm) {
  return run_vm->vm;
}

/* The VM said why. What it advises its owner to do comes behind a semicolon,
 * and is done anyway. */
static torpor_status fail(struct torpor__run_vm *run_vm, torpor_status status) {
  const char *sentence = torpor_last_error(run_vm->vm);
  snprintf(run_vm->message, sizeof run_vm->message, "%.*s",
           (int)strcspn(sentence, ";"), sentence);
  return status;
}

static torpor_status fail_memory(struct torpor__run_vm *run_vm) {
  snprintf(run_vm->message, sizeof run_vm->message, "out of memory");
  return TORPOR_NOMEM;
}

/* ---- Running -------------------------------------------------------------*/

static uint64_t monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The VM sees to the deadline within an entry, this to that of all entries of
 * the step together. */
static torpor_status check_deadline(struct torpor__run_vm *run_vm) {
  if (monotonic_ms() - run_vm->step_began_ms < run_vm->step_most_ms)
    return TORPOR_OK;
  snprintf(run_vm->message, sizeof run_vm->message,
           "the program did not wait for anything within its deadline of "
           "%" PRIu64 " ms",
           run_vm->step_most_ms);
  return TORPOR_INTERRUPTED;
}

/* Runs jobs until there are none, or the step's share of fuel or output is
 * used: then 'spent' is set. */
static torpor_status drain_jobs(struct torpor__run_vm *run_vm, bool *spent) {
  while (torpor_job_pending(run_vm->vm)) {
    *spent = FUEL_FULL - torpor_vm_fuel(run_vm->vm) >= run_vm->context.fuel ||
             run_vm->line_bytes >= OUTPUT_SHARE;
    if (*spent) return TORPOR_OK;
    torpor_status status = check_deadline(run_vm);
    if (status != TORPOR_OK) return status;
    status = torpor_job_run(run_vm->vm, 1, NULL);
    if (status != TORPOR_OK) return fail(run_vm, status);
  }
  return TORPOR_OK;
}

static torpor_status export_main(struct torpor__run_vm *run_vm,
                                 const torpor_bytes *source) {
  torpor_value main;
  torpor_scope scope;
  torpor_token token = 0;
  torpor_status status = torpor_scope_open(run_vm->vm, &scope);
  if (status == TORPOR_OK)
    status = torpor_eval(run_vm->vm, (const char *)source->data, source->size,
                         run_vm->context.program, TORPOR_MODULE, &main);
  if (status == TORPOR_THROWN) {
    run_vm->thrown = true;
    run_vm->exception = main;
    return TORPOR_OK;
  }
  if (status == TORPOR_OK)
    status = torpor_value_export(run_vm->vm, main, &token);
  /* How it ends is how the run ends. Engines that lack this do so anyway. */
  if (status == TORPOR_OK) status = torpor_promise_handle(run_vm->vm, main);
  if (status == TORPOR_UNSUPPORTED) status = TORPOR_OK;
  if (status != TORPOR_OK) return fail(run_vm, status);
  if (token != MAIN_TOKEN) {
    snprintf(run_vm->message, sizeof run_vm->message,
             "the VM's memory is damaged (its tokens)");
    return TORPOR_TRAPPED;
  }
  status = torpor_scope_close(run_vm->vm, scope);
  return status == TORPOR_OK ? status : fail(run_vm, status);
}

static torpor_status start_program(struct torpor__run_vm *run_vm) {
  torpor_bytes source = {0};
  torpor_status status = give_module(run_vm, run_vm->context.program, &source);
  if (status != TORPOR_OK) {
    snprintf(run_vm->message, sizeof run_vm->message,
             "the main module %s is missing from the run",
             run_vm->context.program);
    return status;
  }
  status = export_main(run_vm, &source);
  torpor_bytes_free(&source);
  if (status == TORPOR_OK) run_vm->started = run_vm->told = true;
  return status;
}

/* An error of the outside's own, for an outcome that brought no value. */
static torpor_status outcome_error(enum torpor__outcome outcome,
                                   torpor_bytes *out) {
  switch (outcome) {
  case TORPOR__OUTCOME_TIMED_OUT:
    return torpor_cbor_error("TimeoutError", "nothing came in time", "TIMEOUT",
                             out);
  case TORPOR__OUTCOME_CANCELLED:
    return torpor_cbor_error("Cancelled", "the run was cancelled", "CANCELLED",
                             out);
  default:
    return torpor_cbor_error(
        "Lost", "the worker that did this died, and it must not be done twice",
        "LOST", out);
  }
}

/* Settles an operation. What it brings may be nothing that the program could
 * have: then it is rejected instead. */
static torpor_status settle(struct torpor__run_vm *run_vm, uint64_t id,
                            torpor_outcome outcome, struct torpor__slice value,
                            bool *accepted) {
  torpor_scope scope;
  torpor_status status = torpor_scope_open(run_vm->vm, &scope);
  if (status != TORPOR_OK) return fail(run_vm, status);
  status = torpor_operation_settle_cbor(run_vm->vm, id, outcome, value.data,
                                        value.size);
  *accepted = status != TORPOR_NOT_FOUND;
  if (status == TORPOR_NOT_FOUND)
    status = TORPOR_OK;
  else if (status == TORPOR_THROWN)
    status = torpor__refuse_unread(run_vm->vm, id, run_vm->message);
  else if (status == TORPOR_LIMIT)
    status = torpor__refuse_large(run_vm->vm, id, value.size, run_vm->message);
  else if (status != TORPOR_OK)
    fail(run_vm, status);
  if (status != TORPOR_OK) return status;
  status = torpor_scope_close(run_vm->vm, scope);
  return status == TORPOR_OK ? status : fail(run_vm, status);
}

static torpor_status deliver(struct torpor__run_vm *run_vm,
                             struct torpor__delivery *delivery) {
  struct torpor__slice value = delivery->value;
  torpor_outcome outcome = delivery->outcome == TORPOR__OUTCOME_FULFILLED
                               ? TORPOR_RESOLVE
                               : TORPOR_REJECT;
  torpor_bytes error = {0};
  if (value.size == 0 && outcome == TORPOR_REJECT) {
    if (outcome_error(delivery->outcome, &error) != TORPOR_OK)
      return fail_memory(run_vm);
    value = (struct torpor__slice){.data = error.data, .size = error.size};
  } else if (value.size == 0) {
    value = (struct torpor__slice){.data = cbor_undefined,
                                   .size = sizeof cbor_undefined};
  }
  torpor_status status =
      settle(run_vm, delivery->operation, outcome, value, &delivery->accepted);
  torpor_bytes_free(&error);
  return status;
}

/* Lets a VM that was just restored learn that it slept, before anything is
 * settled in it: it may then end waits that a result has come for. */
static torpor_status tell_waking(struct torpor__run_vm *run_vm) {
  if (run_vm->told) return TORPOR_OK;
  torpor_status status = torpor_job_run(run_vm->vm, 1, NULL);
  if (status != TORPOR_OK) return fail(run_vm, status);
  run_vm->told = true;
  return TORPOR_OK;
}

static torpor_status run_step(struct torpor__run_vm *run_vm,
                              struct torpor__delivery *deliveries, size_t count,
                              bool *spent) {
  torpor_status status = TORPOR_OK;
  torpor_vm_set_fuel(run_vm->vm, FUEL_FULL);
  if (run_vm->started)
    status = tell_waking(run_vm);
  else
    status = start_program(run_vm);
  if (run_vm->thrown) return status;
  if (status == TORPOR_OK) status = drain_jobs(run_vm, spent);
  for (size_t i = 0; i < count; i++) {
    deliveries[i].untold = true;
    deliveries[i].accepted = false;
  }
  for (size_t i = 0; status == TORPOR_OK && !*spent && i < count; i++) {
    deliveries[i].untold = false;
    if (deliveries[i].outcome == TORPOR__OUTCOME_CANCELLED)
      run_vm->cancelling = true;
    status = deliver(run_vm, &deliveries[i]);
    if (status == TORPOR_OK) status = drain_jobs(run_vm, spent);
  }
  return status;
}

/* ---- Looking at what it did ----------------------------------------------*/

/* What was refused is told to the program, which may begin others then. */
static torpor_status collect_all(struct torpor__run_vm *run_vm, bool *spent) {
  torpor_status status;
  bool refused;
  do {
    refused = false;
    status =
        torpor__step_changes_read(&run_vm->changes, run_vm->vm,
                                  &run_vm->context, run_vm->message, &refused);
    if (status == TORPOR_OK && refused && !*spent)
      status = drain_jobs(run_vm, spent);
  } while (status == TORPOR_OK && refused);
  return status;
}

/* ---- How it ended --------------------------------------------------------*/

/* "TypeError: x is not a function (main.mjs:3:7)" into the reason. */
static torpor_status describe_error(struct torpor__run_vm *run_vm,
                                    const char *before, torpor_value error) {
  torpor_error read;
  torpor_status status = torpor_error_read(run_vm->vm, error, &read);
  if (status != TORPOR_OK) return fail(run_vm, status);
  size_t line = strcspn(read.stack, "\n"), place = line;
  while (place > 0 && read.stack[place - 1] != ' ' &&
         read.stack[place - 1] != '(')
    place--;
  bool closed = line > place && read.stack[line - 1] == ')';
  const char *message =
      *read.name || *read.message ? read.message : "a value without a text";
  snprintf(run_vm->reason, sizeof run_vm->reason, "%s%s%s%s%s%.*s%s", before,
           read.name, *read.name && *message ? ": " : "", message,
           line > place ? " (" : "", (int)(line - place - (closed ? 1 : 0)),
           read.stack + place, line > place ? ")" : "");
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
  return status == TORPOR_OK ? status : fail(run_vm, status);
}

/* A result that no row of a store can hold. */
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
  return status == TORPOR_OK ? status : fail_memory(run_vm);
}

/* The default export is the result. */
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
  if (status != TORPOR_OK) return fail(run_vm, status);
  return run_vm->exit_value.size > TORPOR__RESULT_LARGEST
             ? refuse_result(run_vm, ended)
             : TORPOR_OK;
}

/* How the main module ended, if nothing else is pending. */
static torpor_status keep_outcome(struct torpor__run_vm *run_vm,
                                  enum torpor__run_status *ended) {
  torpor_value main, value;
  torpor_promise_state state;
  torpor_status status = torpor_value_import(run_vm->vm, MAIN_TOKEN, &main);
  if (status == TORPOR_OK)
    status = torpor_promise_read(run_vm->vm, main, &state, &value);
  if (status != TORPOR_OK) return fail(run_vm, status);
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
  if (status != TORPOR_OK) return fail(run_vm, status);
  *ended = TORPOR__RUN_FAILED;
  return keep_error(run_vm, "unhandled rejection: ", reason);
}

/* Drops the oldest unhandled rejection if that is the cancel itself. */
static torpor_status drop_cancel(struct torpor__run_vm *run_vm,
                                 enum torpor__run_status *ended) {
  torpor_value reason;
  torpor_error error;
  torpor_status status = torpor_rejection_take(run_vm->vm, &reason);
  if (status == TORPOR_OK)
    status = torpor_error_read(run_vm->vm, reason, &error);
  if (status == TORPOR_NOT_FOUND) return status;
  if (status != TORPOR_OK) return fail(run_vm, status);
  bool cancel = strcmp(error.name, "Cancelled") == 0;
  torpor_error_free(&error);
  if (cancel) return TORPOR_OK;
  *ended = TORPOR__RUN_FAILED;
  return keep_error(run_vm, "unhandled rejection: ", reason);
}

/* That nobody caught a cancel in one place does not keep others from tidying
 * up: while the run waits for something it goes on. */
static torpor_status look_for_cancel(struct torpor__run_vm *run_vm,
                                     enum torpor__run_status *ended) {
  torpor_scope scope;
  if (torpor_operation_count(run_vm->vm) == 0)
    return look_for_rejection(run_vm, ended);
  torpor_status status = torpor_scope_open(run_vm->vm, &scope);
  if (status != TORPOR_OK) return fail(run_vm, status);
  do {
    status = drop_cancel(run_vm, ended);
  } while (status == TORPOR_OK && *ended == TORPOR__RUN_ACTIVE);
  if (status != TORPOR_NOT_FOUND) return status;
  status = torpor_scope_close(run_vm->vm, scope);
  return status == TORPOR_OK ? status : fail(run_vm, status);
}

/* A cancelled run that waits for nothing more has ended by that. */
static torpor_status end_cancelled(struct torpor__run_vm *run_vm,
                                   enum torpor__run_status *ended) {
  snprintf(run_vm->reason, sizeof run_vm->reason,
           "Cancelled: the run was cancelled");
  *ended = TORPOR__RUN_FAILED;
  return outcome_error(TORPOR__OUTCOME_CANCELLED, &run_vm->exit_value) ==
                 TORPOR_OK
             ? TORPOR_OK
             : fail_memory(run_vm);
}

/* Ended with its main module, once nothing else is pending; failed by that, or
 * by a rejection that nobody handled. What is looked at then has handles, which
 * stay: a run that ended is not saved. */
static torpor_status look_for_end(struct torpor__run_vm *run_vm,
                                  enum torpor__run_status *ended) {
  torpor_promise_state state;
  if (run_vm->thrown) {
    *ended = TORPOR__RUN_FAILED;
    return keep_error(run_vm, "", run_vm->exception);
  }
  torpor_status status = torpor_promise_look(run_vm->vm, MAIN_TOKEN, &state);
  if (status != TORPOR_OK) return fail(run_vm, status);
  if (state == TORPOR_REJECTED) return keep_outcome(run_vm, ended);
  status = run_vm->cancelling ? look_for_cancel(run_vm, ended)
                              : look_for_rejection(run_vm, ended);
  if (status != TORPOR_OK || *ended != TORPOR__RUN_ACTIVE) return status;
  if (torpor_operation_count(run_vm->vm) > 0) return TORPOR_OK;
  if (state == TORPOR_FULFILLED) return keep_outcome(run_vm, ended);
  return run_vm->cancelling ? end_cancelled(run_vm, ended) : TORPOR_OK;
}

/* Says where the program waits when nothing is left that it could wait for. */
static void explain_deadlock(struct torpor__run_vm *run_vm) {
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

static void fill_step(const struct torpor__run_vm *run_vm,
                      enum torpor__run_status ended, bool spent,
                      struct torpor__step *step) {
  const struct torpor__step_changes *changes = &run_vm->changes;
  const char *engine = torpor_vm_engine(run_vm->vm);
  *step = (struct torpor__step){
      .engine = {engine, strlen(engine)},
      .runnable = spent,
      .begun = changes->begun,
      .begun_count = changes->begun_count,
      .cancelled = changes->cancelled,
      .cancelled_count = changes->cancelled_count,
      .lines = run_vm->lines,
      .line_count = run_vm->line_count,
      .status = ended,
      .exit = {.value = {run_vm->exit_value.data, run_vm->exit_value.size},
               .reason = run_vm->reason}};
}

static torpor_status describe_step(struct torpor__run_vm *run_vm, bool spent,
                                   struct torpor__step *step) {
  enum torpor__run_status ended = TORPOR__RUN_ACTIVE;
  torpor_status status = spent ? TORPOR_OK : look_for_end(run_vm, &ended);
  if (!spent) run_vm->cancelling = false;
  if (status == TORPOR_OK && run_vm->lines_lost) status = fail_memory(run_vm);
  if (status != TORPOR_OK) return status;
  if (ended == TORPOR__RUN_ACTIVE && !spent) explain_deadlock(run_vm);
  fill_step(run_vm, ended, spent, step);
  return TORPOR_OK;
}

/* Memory ran out where the program could not be told. It would do so again, so
 * the run fails by that name, from its last commit: what the step did is
 * forgotten, and what it was told stays untold. */
static torpor_status end_exhausted(struct torpor__run_vm *run_vm,
                                   struct torpor__delivery *deliveries,
                                   size_t count, struct torpor__step *step) {
  const uint64_t most = run_vm->context.memory_max != 0
                            ? run_vm->context.memory_max
                            : TORPOR_MEMORY_DEFAULT;
  forget_step(run_vm);
  for (size_t i = 0; i < count; i++) {
    deliveries[i].accepted = false;
    deliveries[i].untold = true;
  }
  snprintf(run_vm->reason, sizeof run_vm->reason,
           "OutOfMemory: the program needs more memory than its %" PRIu64
           " MiB; start it with a larger --memory",
           most >> 20);
  if (torpor_cbor_error("OutOfMemory", strchr(run_vm->reason, ' ') + 1,
                        "OUT_OF_MEMORY", &run_vm->exit_value) != TORPOR_OK)
    return fail_memory(run_vm);
  fill_step(run_vm, TORPOR__RUN_FAILED, false, step);
  return TORPOR_OK;
}

/* ---- Writing it down -----------------------------------------------------*/

static torpor_status save_difference(struct torpor__run_vm *run_vm) {
  torpor_status status = torpor_snapshot_save_with(
      run_vm->vm, TORPOR_SAVE_DELTA | TORPOR_SAVE_PARENT, &run_vm->snapshot);
  if (status != TORPOR_OK) return status;
  run_vm->links++;
  run_vm->linked += run_vm->snapshot.size;
  return TORPOR_OK;
}

static torpor_status save_whole(struct torpor__run_vm *run_vm) {
  bool large = run_vm->whole > WHOLE_SMALL;
  torpor_status status =
      large ? torpor_snapshot_save_with(run_vm->vm, TORPOR_SAVE_PARENT,
                                        &run_vm->snapshot)
            : torpor_snapshot_save(run_vm->vm, &run_vm->snapshot);
  if (status != TORPOR_OK) return status;
  run_vm->remembered = large;
  run_vm->whole = run_vm->snapshot.size;
  run_vm->links = run_vm->linked = 0;
  return TORPOR_OK;
}

static torpor_status save_state(struct torpor__run_vm *run_vm,
                                struct torpor__step *step) {
  torpor_status status = TORPOR_NOT_FOUND;
  if (run_vm->remembered && run_vm->whole > WHOLE_SMALL &&
      run_vm->links < LINKS_MAX && run_vm->linked < run_vm->whole)
    status = save_difference(run_vm);
  step->delta = status == TORPOR_OK;
  if (status == TORPOR_NOT_FOUND) status = save_whole(run_vm);
  if (status != TORPOR_OK) return fail(run_vm, status);
  status = run_vm->context.seal(run_vm->context.user, run_vm->step,
                                &run_vm->snapshot);
  if (status != TORPOR_OK) {
    snprintf(run_vm->message, sizeof run_vm->message,
             "the state could not be encrypted");
    return status;
  }
  step->snapshot = (struct torpor__slice){.data = run_vm->snapshot.data,
                                          .size = run_vm->snapshot.size};
  return TORPOR_OK;
}

torpor_status torpor__run_vm_step(struct torpor__run_vm *run_vm, int64_t number,
                                  struct torpor__delivery *deliveries,
                                  size_t count, uint64_t allowance_ms,
                                  struct torpor__step *step) {
  uint64_t deadline = run_vm->context.deadline_ms;
  bool spent = false;
  forget_step(run_vm);
  run_vm->step = number;
  run_vm->step_began_ms = monotonic_ms();
  run_vm->step_most_ms =
      allowance_ms > 0 && allowance_ms < deadline ? allowance_ms : deadline;
  torpor_vm_set_deadline(run_vm->vm, run_vm->step_most_ms);
  torpor_status status = run_step(run_vm, deliveries, count, &spent);
  if (status == TORPOR_OK) status = collect_all(run_vm, &spent);
  if (status == TORPOR_OK) status = describe_step(run_vm, spent, step);
  if (status == TORPOR_TRAPPED && torpor_vm_exhausted(run_vm->vm))
    return end_exhausted(run_vm, deliveries, count, step);
  if (status != TORPOR_OK) return status;
  return step->status == TORPOR__RUN_ACTIVE ? save_state(run_vm, step)
                                            : TORPOR_OK;
}

bool torpor__run_vm_is_late(const struct torpor__run_vm *run_vm) {
  return run_vm->step_most_ms < run_vm->context.deadline_ms &&
         monotonic_ms() - run_vm->step_began_ms >= run_vm->step_most_ms;
}
