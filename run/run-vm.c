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

struct torpor__awake {
  torpor_vm *vm;
  struct torpor__brief brief;
  bool started;
  bool thrown; /* the main module gave no promise, but 'exception' */
  torpor_value exception;
  bool told;       /* the VM was entered: its program knows that it woke */
  bool cancelling; /* a cancel was delivered, what came of it not looked at */
  int64_t step;
  uint64_t step_began_ms; /* monotonic */
  uint64_t step_most_ms;  /* that the step may take */
  char message[TORPOR__STORE_MESSAGE_MAX];

  bool remembered;      /* the VM remembers the state of the last commit */
  size_t whole;         /* bytes of the last whole state; 0: none */
  size_t links, linked; /* differences since then, and their bytes */

  /* What the step that is described did; owned, reused. */
  torpor_bytes snapshot;
  struct torpor__gathered gathered;
  struct torpor__line *lines;
  size_t line_count, line_capacity;
  size_t line_bytes;
  bool lines_lost;    /* memory ran out */
  bool lines_refused; /* one more would have been beyond OUTPUT_LARGEST */
  torpor_bytes exit_value;
  char reason[TORPOR__STORE_MESSAGE_MAX];
};

/* ---- What the program may ask --------------------------------------------*/

static torpor_status give_input(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  const struct torpor__awake *awake = user;
  (void)arguments;
  if (awake->brief.input.size == 0) return TORPOR_OK;
  return torpor_cbor_decode(vm, awake->brief.input.data,
                            awake->brief.input.size, result);
}

static torpor_status give_id(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  const struct torpor__awake *awake = user;
  (void)arguments;
  return torpor_string_new(vm, awake->brief.id, strlen(awake->brief.id),
                           result);
}

static torpor_status give_step(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  const struct torpor__awake *awake = user;
  (void)vm;
  (void)arguments;
  *result = torpor_number((double)awake->step);
  return TORPOR_OK;
}

static torpor_status give_upgrade(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  const struct torpor__awake *awake = user;
  torpor_bytes handed = {0};
  (void)arguments;
  torpor_status status = awake->brief.upgrade(awake->brief.user, &handed);
  if (status == TORPOR_OK && handed.size > 0)
    status = torpor_cbor_decode(vm, handed.data, handed.size, result);
  torpor_bytes_free(&handed);
  return status;
}

static torpor_status give_module(void *user, const char *name,
                                 torpor_bytes *source) {
  const struct torpor__awake *awake = user;
  return awake->brief.module(awake->brief.user, name, source);
}

static bool is_interrupted(void *user) {
  const struct torpor__awake *awake = user;
  return awake->brief.interrupt(awake->brief.user);
}

/* ---- Console -------------------------------------------------------------*/

static void add_line(struct torpor__awake *awake, torpor_level level,
                     const char *text, size_t size) {
  awake->line_bytes += size + LINE_COST;
  void *copy = torpor__array_copy(text, size);
  if (copy == NULL ||
      !torpor__array_reserve(&awake->lines, &awake->line_capacity,
                             awake->line_count + 1, sizeof *awake->lines)) {
    free(copy);
    awake->lines_lost = true;
    return;
  }
  awake->lines[awake->line_count++] = (struct torpor__line){
      .level = level, .text = {.data = copy, .size = size}};
}

/* The console has no way to refuse a line. What one job writes beyond the limit
 * is left out, and the last line says so. */
static void refuse_lines(struct torpor__awake *awake) {
  char text[128];
  int size = snprintf(text, sizeof text,
                      "torpor: more than %d MiB were written to the console "
                      "at once; what follows in this step was left out",
                      OUTPUT_MIB);
  if (!awake->lines_refused)
    add_line(awake, TORPOR_LEVEL_ERROR, text, (size_t)size);
  awake->lines_refused = true;
}

static void keep_line(void *user, torpor_level level, const char *text,
                      size_t size) {
  struct torpor__awake *awake = user;
  if (awake->lines_refused || size > OUTPUT_LARGEST ||
      awake->line_bytes + LINE_COST > OUTPUT_LARGEST - size)
    refuse_lines(awake);
  else
    add_line(awake, level, text, size);
}

/* ---- Opening and closing -------------------------------------------------*/

static torpor_status bind_functions(struct torpor__awake *awake) {
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
    status = torpor_function_bind(awake->vm, functions[i].name,
                                  functions[i].function, awake, NULL);
  return status;
}

/* What a restored VM waits for was begun before; only what comes is news. */
static torpor_status skip_known(struct torpor__awake *awake) {
  torpor_operation operation;
  torpor_status status;
  do {
    status = torpor_operation_next(awake->vm, &operation);
  } while (status == TORPOR_OK);
  return status == TORPOR_NOT_FOUND ? TORPOR_OK : status;
}

static void count_links(struct torpor__awake *awake,
                        const struct torpor__chain *chain) {
  awake->remembered = true;
  awake->whole = chain->parts[0].size;
  awake->links = chain->count - 1;
  for (size_t i = 1; i < chain->count; i++)
    awake->linked += chain->parts[i].size;
}

static torpor_status open_vm(struct torpor__awake *awake,
                             const struct torpor__chain *chain) {
  const struct torpor__brief *brief = &awake->brief;
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.host.user = awake;
  options.host.console = keep_line;
  options.host.module = give_module;
  options.host.interrupt = is_interrupted;
  options.memory_max = brief->memory_max;
  options.deadline_ms = brief->deadline_ms;
  awake->started = chain != NULL;
  if (awake->started) awake->step = chain->step;
  if (awake->started && chain->clone)
    options.wake = TORPOR_WAKE_CLONE | TORPOR_WAKE_RESEED;
  torpor_status status =
      awake->started ? torpor__chain_restore(chain, &options, &awake->vm)
                     : torpor_vm_open(&options, &awake->vm);
  if (status != TORPOR_OK) return status;
  if (awake->started) count_links(awake, chain);
  status = bind_functions(awake);
  if (status == TORPOR_OK && awake->started) status = skip_known(awake);
  return status;
}

torpor_status torpor__awake_open(struct torpor__awake **out,
                                 const struct torpor__brief *brief,
                                 const struct torpor__chain *chain,
                                 char message[TORPOR__STORE_MESSAGE_MAX]) {
  struct torpor__awake *awake = calloc(1, sizeof *awake);
  *out = NULL;
  snprintf(message, TORPOR__STORE_MESSAGE_MAX, "out of memory");
  if (awake == NULL) return TORPOR_NOMEM;
  awake->brief = *brief;
  if (brief->fuel == 0) awake->brief.fuel = TORPOR_RUN_FUEL;
  if (brief->deadline_ms == 0)
    awake->brief.deadline_ms = TORPOR_RUN_DEADLINE_MS;
  torpor_status status = open_vm(awake, chain);
  if (status == TORPOR_OK) {
    *out = awake;
    return TORPOR_OK;
  }
  snprintf(message, TORPOR__STORE_MESSAGE_MAX, "%s",
           torpor_last_error(awake->vm));
  torpor__awake_close(awake);
  return status;
}

/* Forgets what the last step did. */
static void forget_step(struct torpor__awake *awake) {
  torpor__gathered_clear(&awake->gathered);
  for (size_t i = 0; i < awake->line_count; i++)
    free((void *)awake->lines[i].text.data);
  awake->line_count = 0;
  awake->line_bytes = 0;
  awake->lines_lost = awake->lines_refused = false;
  awake->reason[0] = '\0';
  torpor_bytes_free(&awake->snapshot);
  torpor_bytes_free(&awake->exit_value);
}

void torpor__awake_close(struct torpor__awake *awake) {
  if (awake == NULL) return;
  forget_step(awake);
  torpor_vm_close(awake->vm);
  torpor__gathered_free(&awake->gathered);
  free(awake->lines);
  free(awake);
}

const char *torpor__awake_error(const struct torpor__awake *awake) {
  return awake->message;
}

torpor_vm *torpor__awake_vm(const struct torpor__awake *awake) {
  return awake->vm;
}

/* The VM said why. What it advises its owner to do comes behind a semicolon,
 * and is done anyway. */
static torpor_status fail(struct torpor__awake *awake, torpor_status status) {
  const char *sentence = torpor_last_error(awake->vm);
  snprintf(awake->message, sizeof awake->message, "%.*s",
           (int)strcspn(sentence, ";"), sentence);
  return status;
}

static torpor_status fail_memory(struct torpor__awake *awake) {
  snprintf(awake->message, sizeof awake->message, "out of memory");
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
static torpor_status check_deadline(struct torpor__awake *awake) {
  if (monotonic_ms() - awake->step_began_ms < awake->step_most_ms)
    return TORPOR_OK;
  snprintf(awake->message, sizeof awake->message,
           "the program did not wait for anything within its deadline of "
           "%" PRIu64 " ms",
           awake->step_most_ms);
  return TORPOR_INTERRUPTED;
}

/* Runs jobs until there are none, or the step's share of fuel or output is
 * used: then 'spent' is set. */
static torpor_status drain_jobs(struct torpor__awake *awake, bool *spent) {
  while (torpor_job_pending(awake->vm)) {
    *spent = FUEL_FULL - torpor_vm_fuel(awake->vm) >= awake->brief.fuel ||
             awake->line_bytes >= OUTPUT_SHARE;
    if (*spent) return TORPOR_OK;
    torpor_status status = check_deadline(awake);
    if (status != TORPOR_OK) return status;
    status = torpor_job_run(awake->vm, 1, NULL);
    if (status != TORPOR_OK) return fail(awake, status);
  }
  return TORPOR_OK;
}

static torpor_status export_main(struct torpor__awake *awake,
                                 const torpor_bytes *source) {
  torpor_value main;
  torpor_scope scope;
  torpor_token token = 0;
  torpor_status status = torpor_scope_open(awake->vm, &scope);
  if (status == TORPOR_OK)
    status = torpor_eval(awake->vm, (const char *)source->data, source->size,
                         awake->brief.program, TORPOR_MODULE, &main);
  if (status == TORPOR_THROWN) {
    awake->thrown = true;
    awake->exception = main;
    return TORPOR_OK;
  }
  if (status == TORPOR_OK)
    status = torpor_value_export(awake->vm, main, &token);
  /* How it ends is how the run ends. Engines that lack this do so anyway. */
  if (status == TORPOR_OK) status = torpor_promise_handle(awake->vm, main);
  if (status == TORPOR_UNSUPPORTED) status = TORPOR_OK;
  if (status != TORPOR_OK) return fail(awake, status);
  if (token != MAIN_TOKEN) {
    snprintf(awake->message, sizeof awake->message,
             "the VM's memory is damaged (its tokens)");
    return TORPOR_TRAPPED;
  }
  status = torpor_scope_close(awake->vm, scope);
  return status == TORPOR_OK ? status : fail(awake, status);
}

static torpor_status start_program(struct torpor__awake *awake) {
  torpor_bytes source = {0};
  torpor_status status = give_module(awake, awake->brief.program, &source);
  if (status != TORPOR_OK) {
    snprintf(awake->message, sizeof awake->message,
             "the main module %s is missing from the run",
             awake->brief.program);
    return status;
  }
  status = export_main(awake, &source);
  torpor_bytes_free(&source);
  if (status == TORPOR_OK) awake->started = awake->told = true;
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
static torpor_status settle(struct torpor__awake *awake, uint64_t id,
                            torpor_outcome outcome, struct torpor__slice value,
                            bool *accepted) {
  torpor_scope scope;
  torpor_status status = torpor_scope_open(awake->vm, &scope);
  if (status != TORPOR_OK) return fail(awake, status);
  status = torpor_operation_settle_cbor(awake->vm, id, outcome, value.data,
                                        value.size);
  *accepted = status != TORPOR_NOT_FOUND;
  if (status == TORPOR_NOT_FOUND)
    status = TORPOR_OK;
  else if (status == TORPOR_THROWN)
    status = torpor__refuse_unread(awake->vm, id, awake->message);
  else if (status == TORPOR_LIMIT)
    status = torpor__refuse_large(awake->vm, id, value.size, awake->message);
  else if (status != TORPOR_OK)
    fail(awake, status);
  if (status != TORPOR_OK) return status;
  status = torpor_scope_close(awake->vm, scope);
  return status == TORPOR_OK ? status : fail(awake, status);
}

static torpor_status deliver(struct torpor__awake *awake,
                             struct torpor__delivery *delivery) {
  struct torpor__slice value = delivery->value;
  torpor_outcome outcome = delivery->outcome == TORPOR__OUTCOME_FULFILLED
                               ? TORPOR_RESOLVE
                               : TORPOR_REJECT;
  torpor_bytes error = {0};
  if (value.size == 0 && outcome == TORPOR_REJECT) {
    if (outcome_error(delivery->outcome, &error) != TORPOR_OK)
      return fail_memory(awake);
    value = (struct torpor__slice){.data = error.data, .size = error.size};
  } else if (value.size == 0) {
    value = (struct torpor__slice){.data = cbor_undefined,
                                   .size = sizeof cbor_undefined};
  }
  torpor_status status =
      settle(awake, delivery->operation, outcome, value, &delivery->accepted);
  torpor_bytes_free(&error);
  return status;
}

/* Lets a VM that was just restored learn that it slept, before anything is
 * settled in it: it may then end waits that a result has come for. */
static torpor_status tell_waking(struct torpor__awake *awake) {
  if (awake->told) return TORPOR_OK;
  torpor_status status = torpor_job_run(awake->vm, 1, NULL);
  if (status != TORPOR_OK) return fail(awake, status);
  awake->told = true;
  return TORPOR_OK;
}

static torpor_status run_step(struct torpor__awake *awake,
                              struct torpor__delivery *deliveries, size_t count,
                              bool *spent) {
  torpor_status status = TORPOR_OK;
  torpor_vm_set_fuel(awake->vm, FUEL_FULL);
  if (awake->started)
    status = tell_waking(awake);
  else
    status = start_program(awake);
  if (awake->thrown) return status;
  if (status == TORPOR_OK) status = drain_jobs(awake, spent);
  for (size_t i = 0; i < count; i++) {
    deliveries[i].untold = true;
    deliveries[i].accepted = false;
  }
  for (size_t i = 0; status == TORPOR_OK && !*spent && i < count; i++) {
    deliveries[i].untold = false;
    if (deliveries[i].outcome == TORPOR__OUTCOME_CANCELLED)
      awake->cancelling = true;
    status = deliver(awake, &deliveries[i]);
    if (status == TORPOR_OK) status = drain_jobs(awake, spent);
  }
  return status;
}

/* ---- Looking at what it did ----------------------------------------------*/

/* What was refused is told to the program, which may begin others then. */
static torpor_status collect_all(struct torpor__awake *awake, bool *spent) {
  torpor_status status;
  bool refused;
  do {
    refused = false;
    status = torpor__gather(&awake->gathered, awake->vm, &awake->brief,
                            awake->message, &refused);
    if (status == TORPOR_OK && refused && !*spent)
      status = drain_jobs(awake, spent);
  } while (status == TORPOR_OK && refused);
  return status;
}

/* ---- How it ended --------------------------------------------------------*/

/* "TypeError: x is not a function (main.mjs:3:7)" into the reason. */
static torpor_status describe_error(struct torpor__awake *awake,
                                    const char *before, torpor_value error) {
  torpor_error read;
  torpor_status status = torpor_error_read(awake->vm, error, &read);
  if (status != TORPOR_OK) return fail(awake, status);
  size_t line = strcspn(read.stack, "\n"), place = line;
  while (place > 0 && read.stack[place - 1] != ' ' &&
         read.stack[place - 1] != '(')
    place--;
  bool closed = line > place && read.stack[line - 1] == ')';
  const char *message =
      *read.name || *read.message ? read.message : "a value without a text";
  snprintf(awake->reason, sizeof awake->reason, "%s%s%s%s%s%.*s%s", before,
           read.name, *read.name && *message ? ": " : "", message,
           line > place ? " (" : "", (int)(line - place - (closed ? 1 : 0)),
           read.stack + place, line > place ? ")" : "");
  torpor__refuse_trim(awake->reason);
  torpor_error_free(&read);
  return TORPOR_OK;
}

/* The value of a failed exit: the error itself or, when it cannot be written
 * down, one that says the same. */
static torpor_status keep_error(struct torpor__awake *awake, const char *before,
                                torpor_value error) {
  torpor_status status = describe_error(awake, before, error);
  if (status != TORPOR_OK) return status;
  status = torpor_cbor_encode(awake->vm, error, &awake->exit_value);
  if (status == TORPOR_OK && awake->exit_value.size > TORPOR__RESULT_LARGEST) {
    torpor_bytes_free(&awake->exit_value);
    status = TORPOR_THROWN;
  }
  if (status == TORPOR_THROWN)
    status =
        torpor_cbor_error("Error", awake->reason, NULL, &awake->exit_value);
  return status == TORPOR_OK ? status : fail(awake, status);
}

/* A result that no row of a store can hold. */
static torpor_status refuse_result(struct torpor__awake *awake,
                                   enum torpor__run_status *ended) {
  torpor_bytes_free(&awake->exit_value);
  *ended = TORPOR__RUN_FAILED;
  snprintf(awake->reason, sizeof awake->reason,
           "RangeError: the default export cannot be kept: it takes more than "
           "%zu MiB",
           TORPOR__RESULT_LARGEST >> 20);
  torpor_status status =
      torpor_cbor_error("RangeError", strchr(awake->reason, ' ') + 1, "LIMIT",
                        &awake->exit_value);
  return status == TORPOR_OK ? status : fail_memory(awake);
}

/* The default export is the result. */
static torpor_status keep_result(struct torpor__awake *awake,
                                 torpor_value namespace,
                                 enum torpor__run_status *ended) {
  torpor_value result;
  torpor_status status = torpor_get(awake->vm, namespace, "default", &result);
  if (status == TORPOR_OK)
    status = torpor_cbor_encode(awake->vm, result, &awake->exit_value);
  *ended = TORPOR__RUN_DONE;
  if (status == TORPOR_THROWN) {
    *ended = TORPOR__RUN_FAILED;
    return keep_error(awake, "the default export cannot be kept: ",
                      torpor_exception(awake->vm));
  }
  if (status != TORPOR_OK) return fail(awake, status);
  return awake->exit_value.size > TORPOR__RESULT_LARGEST
             ? refuse_result(awake, ended)
             : TORPOR_OK;
}

/* How the main module ended, if nothing else is pending. */
static torpor_status keep_outcome(struct torpor__awake *awake,
                                  enum torpor__run_status *ended) {
  torpor_value main, value;
  torpor_promise_state state;
  torpor_status status = torpor_value_import(awake->vm, MAIN_TOKEN, &main);
  if (status == TORPOR_OK)
    status = torpor_promise_read(awake->vm, main, &state, &value);
  if (status != TORPOR_OK) return fail(awake, status);
  if (state == TORPOR_FULFILLED) return keep_result(awake, value, ended);
  *ended = TORPOR__RUN_FAILED;
  return keep_error(awake, "", value);
}

/* Fails the run by a rejection that nobody handled. */
static torpor_status look_for_rejection(struct torpor__awake *awake,
                                        enum torpor__run_status *ended) {
  torpor_value reason;
  torpor_status status = torpor_rejection_take(awake->vm, &reason);
  if (status == TORPOR_NOT_FOUND) return TORPOR_OK;
  if (status != TORPOR_OK) return fail(awake, status);
  *ended = TORPOR__RUN_FAILED;
  return keep_error(awake, "unhandled rejection: ", reason);
}

/* Drops the oldest unhandled rejection if that is the cancel itself. */
static torpor_status drop_cancel(struct torpor__awake *awake,
                                 enum torpor__run_status *ended) {
  torpor_value reason;
  torpor_error error;
  torpor_status status = torpor_rejection_take(awake->vm, &reason);
  if (status == TORPOR_OK)
    status = torpor_error_read(awake->vm, reason, &error);
  if (status == TORPOR_NOT_FOUND) return status;
  if (status != TORPOR_OK) return fail(awake, status);
  bool cancel = strcmp(error.name, "Cancelled") == 0;
  torpor_error_free(&error);
  if (cancel) return TORPOR_OK;
  *ended = TORPOR__RUN_FAILED;
  return keep_error(awake, "unhandled rejection: ", reason);
}

/* That nobody caught a cancel in one place does not keep others from tidying
 * up: while the run waits for something it goes on. */
static torpor_status look_for_cancel(struct torpor__awake *awake,
                                     enum torpor__run_status *ended) {
  torpor_scope scope;
  if (torpor_operation_count(awake->vm) == 0)
    return look_for_rejection(awake, ended);
  torpor_status status = torpor_scope_open(awake->vm, &scope);
  if (status != TORPOR_OK) return fail(awake, status);
  do {
    status = drop_cancel(awake, ended);
  } while (status == TORPOR_OK && *ended == TORPOR__RUN_ACTIVE);
  if (status != TORPOR_NOT_FOUND) return status;
  status = torpor_scope_close(awake->vm, scope);
  return status == TORPOR_OK ? status : fail(awake, status);
}

/* A cancelled run that waits for nothing more has ended by that. */
static torpor_status end_cancelled(struct torpor__awake *awake,
                                   enum torpor__run_status *ended) {
  snprintf(awake->reason, sizeof awake->reason,
           "Cancelled: the run was cancelled");
  *ended = TORPOR__RUN_FAILED;
  return outcome_error(TORPOR__OUTCOME_CANCELLED, &awake->exit_value) ==
                 TORPOR_OK
             ? TORPOR_OK
             : fail_memory(awake);
}

/* Ended with its main module, once nothing else is pending; failed by that, or
 * by a rejection that nobody handled. What is looked at then has handles, which
 * stay: a run that ended is not saved. */
static torpor_status look_for_end(struct torpor__awake *awake,
                                  enum torpor__run_status *ended) {
  torpor_promise_state state;
  if (awake->thrown) {
    *ended = TORPOR__RUN_FAILED;
    return keep_error(awake, "", awake->exception);
  }
  torpor_status status = torpor_promise_look(awake->vm, MAIN_TOKEN, &state);
  if (status != TORPOR_OK) return fail(awake, status);
  if (state == TORPOR_REJECTED) return keep_outcome(awake, ended);
  status = awake->cancelling ? look_for_cancel(awake, ended)
                             : look_for_rejection(awake, ended);
  if (status != TORPOR_OK || *ended != TORPOR__RUN_ACTIVE) return status;
  if (torpor_operation_count(awake->vm) > 0) return TORPOR_OK;
  if (state == TORPOR_FULFILLED) return keep_outcome(awake, ended);
  return awake->cancelling ? end_cancelled(awake, ended) : TORPOR_OK;
}

/* Says where the program waits when nothing is left that it could wait for. */
static void explain_deadlock(struct torpor__awake *awake) {
  torpor_bytes places;
  if (torpor_operation_count(awake->vm) > 0) return;
  if (torpor_vm_waiting(awake->vm, &places) != TORPOR_OK) return;
  if (places.size > 0)
    snprintf(awake->reason, sizeof awake->reason,
             "nothing is left that could wake it: the program waits at %s",
             (const char *)places.data);
  torpor__refuse_trim(awake->reason);
  torpor_bytes_free(&places);
}

static void fill_step(const struct torpor__awake *awake,
                      enum torpor__run_status ended, bool spent,
                      struct torpor__step *step) {
  const struct torpor__gathered *gathered = &awake->gathered;
  const char *engine = torpor_vm_engine(awake->vm);
  *step = (struct torpor__step){
      .engine = {engine, strlen(engine)},
      .runnable = spent,
      .begun = gathered->begun,
      .begun_count = gathered->begun_count,
      .cancelled = gathered->cancelled,
      .cancelled_count = gathered->cancelled_count,
      .lines = awake->lines,
      .line_count = awake->line_count,
      .status = ended,
      .exit = {.value = {awake->exit_value.data, awake->exit_value.size},
               .reason = awake->reason}};
}

static torpor_status describe_step(struct torpor__awake *awake, bool spent,
                                   struct torpor__step *step) {
  enum torpor__run_status ended = TORPOR__RUN_ACTIVE;
  torpor_status status = spent ? TORPOR_OK : look_for_end(awake, &ended);
  if (!spent) awake->cancelling = false;
  if (status == TORPOR_OK && awake->lines_lost) status = fail_memory(awake);
  if (status != TORPOR_OK) return status;
  if (ended == TORPOR__RUN_ACTIVE && !spent) explain_deadlock(awake);
  fill_step(awake, ended, spent, step);
  return TORPOR_OK;
}

/* Memory ran out where the program could not be told. It would do so again, so
 * the run fails by that name, from its last commit: what the step did is
 * forgotten, and what it was told stays untold. */
static torpor_status end_exhausted(struct torpor__awake *awake,
                                   struct torpor__delivery *deliveries,
                                   size_t count, struct torpor__step *step) {
  const uint64_t most = awake->brief.memory_max != 0 ? awake->brief.memory_max
                                                     : TORPOR_MEMORY_DEFAULT;
  forget_step(awake);
  for (size_t i = 0; i < count; i++) {
    deliveries[i].accepted = false;
    deliveries[i].untold = true;
  }
  snprintf(awake->reason, sizeof awake->reason,
           "OutOfMemory: the program needs more memory than its %" PRIu64
           " MiB; start it with a larger --memory",
           most >> 20);
  if (torpor_cbor_error("OutOfMemory", strchr(awake->reason, ' ') + 1,
                        "OUT_OF_MEMORY", &awake->exit_value) != TORPOR_OK)
    return fail_memory(awake);
  fill_step(awake, TORPOR__RUN_FAILED, false, step);
  return TORPOR_OK;
}

/* ---- Writing it down -----------------------------------------------------*/

static torpor_status save_difference(struct torpor__awake *awake) {
  torpor_status status = torpor_snapshot_save_with(
      awake->vm, TORPOR_SAVE_DELTA | TORPOR_SAVE_PARENT, &awake->snapshot);
  if (status != TORPOR_OK) return status;
  awake->links++;
  awake->linked += awake->snapshot.size;
  return TORPOR_OK;
}

static torpor_status save_whole(struct torpor__awake *awake) {
  bool large = awake->whole > WHOLE_SMALL;
  torpor_status status =
      large ? torpor_snapshot_save_with(awake->vm, TORPOR_SAVE_PARENT,
                                        &awake->snapshot)
            : torpor_snapshot_save(awake->vm, &awake->snapshot);
  if (status != TORPOR_OK) return status;
  awake->remembered = large;
  awake->whole = awake->snapshot.size;
  awake->links = awake->linked = 0;
  return TORPOR_OK;
}

static torpor_status save_state(struct torpor__awake *awake,
                                struct torpor__step *step) {
  torpor_status status = TORPOR_NOT_FOUND;
  if (awake->remembered && awake->whole > WHOLE_SMALL &&
      awake->links < LINKS_MAX && awake->linked < awake->whole)
    status = save_difference(awake);
  step->delta = status == TORPOR_OK;
  if (status == TORPOR_NOT_FOUND) status = save_whole(awake);
  if (status != TORPOR_OK) return fail(awake, status);
  status = awake->brief.seal(awake->brief.user, awake->step, &awake->snapshot);
  if (status != TORPOR_OK) {
    snprintf(awake->message, sizeof awake->message,
             "the state could not be encrypted");
    return status;
  }
  step->snapshot = (struct torpor__slice){.data = awake->snapshot.data,
                                          .size = awake->snapshot.size};
  return TORPOR_OK;
}

torpor_status torpor__awake_step(struct torpor__awake *awake, int64_t number,
                                 struct torpor__delivery *deliveries,
                                 size_t count, uint64_t allowance_ms,
                                 struct torpor__step *step) {
  uint64_t deadline = awake->brief.deadline_ms;
  bool spent = false;
  forget_step(awake);
  awake->step = number;
  awake->step_began_ms = monotonic_ms();
  awake->step_most_ms =
      allowance_ms > 0 && allowance_ms < deadline ? allowance_ms : deadline;
  torpor_vm_set_deadline(awake->vm, awake->step_most_ms);
  torpor_status status = run_step(awake, deliveries, count, &spent);
  if (status == TORPOR_OK) status = collect_all(awake, &spent);
  if (status == TORPOR_OK) status = describe_step(awake, spent, step);
  if (status == TORPOR_TRAPPED && torpor_vm_exhausted(awake->vm))
    return end_exhausted(awake, deliveries, count, step);
  if (status != TORPOR_OK) return status;
  return step->status == TORPOR__RUN_ACTIVE ? save_state(awake, step)
                                            : TORPOR_OK;
}

bool torpor__awake_is_late(const struct torpor__awake *awake) {
  return awake->step_most_ms < awake->brief.deadline_ms &&
         monotonic_ms() - awake->step_began_ms >= awake->step_most_ms;
}
