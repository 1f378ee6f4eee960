/* SPDX-License-Identifier: MIT */
/* run-vm.c - the VM of one run while it is in memory: opening and closing it,
 * and running its steps. See run-vm.h; run-vm-state.h lists its other files.
 *
 *  (1) The promise of the main module is exported first of all, so that its
 *      token is TORPOR__RUN_VM_MAIN in every snapshot of the run.
 *  (2) No handle is open when a snapshot is taken.
 *  (3) A step that has used its share of fuel, or has written much to the
 *      console, ends between two jobs; the rest of them, and what was not
 *      delivered yet, wait for the next step.
 *  (4) What the program begins and a run cannot keep (a limit) is rejected in
 *      the same step, so that no commit knows of it, and the step goes on. */
#include <inttypes.h>
#include <stdlib.h>

#include "run/protocol/clock.h"
#include "run/state/extension-load.h"
#include "run/vm/run-vm-state.h"

#include "torpor-loop.h"
#include "torpor-run.h"

#define FUEL_FULL (UINT64_C(1) << 62)

/* ---- Opening and closing -------------------------------------------------*/

static bool is_interrupted(void *user) {
  const struct torpor__run_vm *run_vm = user;
  return run_vm->context.interrupt(run_vm->context.user);
}

/* Passes over the operations that a restored VM waits for already. */
static torpor_status skip_known(struct torpor__run_vm *run_vm) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_status status;
  do {
    status = torpor_operation_next(run_vm->vm, &operation);
  } while (status == TORPOR_OK);
  return status == TORPOR_NOT_FOUND ? TORPOR_OK : status;
}

static torpor_status open_vm(struct torpor__run_vm *run_vm,
                             const struct torpor__state_chain *chain) {
  const struct torpor__run_context *context = &run_vm->context;
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = run_vm;
  options.console = torpor__run_vm_print;
  options.module = torpor__run_vm_give_module;
  options.resolve = torpor_loader_resolve;
  options.interrupt = is_interrupted;
  options.extensions = true;
  options.library = torpor_library_source;
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
  if (status == TORPOR_OK && !run_vm->started)
    status = torpor__extension_load(run_vm->vm, context->module, context->user);
  if (status != TORPOR_OK) return status;
  if (run_vm->started) torpor__run_vm_note_chain(run_vm, chain);
  status = torpor__run_vm_bind(run_vm);
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
  torpor__run_vm_forget_lines(run_vm);
  run_vm->reason[0] = '\0';
  torpor_bytes_free(&run_vm->snapshot);
  torpor_bytes_free(&run_vm->exit_value);
}

void torpor__run_vm_close(struct torpor__run_vm *run_vm) {
  if (run_vm == NULL) return;
  forget_step(run_vm);
  torpor_vm_close(run_vm->vm);
  torpor_loader_close(run_vm->loader);
  torpor__step_changes_free(&run_vm->changes);
  free(run_vm->lines);
  free(run_vm);
}

const char *torpor__run_vm_error(const struct torpor__run_vm *run_vm) {
  return run_vm->message;
}

void torpor__run_vm_set_cancelling(struct torpor__run_vm *run_vm) {
  run_vm->cancelling = true;
}

int64_t torpor__run_vm_number(const struct torpor__run_vm *run_vm) {
  return run_vm->step;
}

torpor_vm *torpor__run_vm_get(const struct torpor__run_vm *run_vm) {
  return run_vm->vm;
}

/* ---- Running -------------------------------------------------------------*/

/* The VM limits the time of one entry; this that of all entries of the step
 * together. */
static torpor_status check_deadline(struct torpor__run_vm *run_vm) {
  if (torpor__clock_ms() - run_vm->step_began_ms < run_vm->step_most_ms)
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
             torpor__run_vm_printed_enough(run_vm);
    if (*spent) return TORPOR_OK;
    torpor_status status = check_deadline(run_vm);
    if (status != TORPOR_OK) return status;
    status = torpor_job_run(run_vm->vm, 1, NULL);
    if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
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
    run_vm->exception = torpor_exception(run_vm->vm);
    return TORPOR_OK;
  }
  if (status == TORPOR_OK) status = torpor_token_add(run_vm->vm, main, &token);
  /* No rejection is unhandled: how it ends is how the run ends. Engines that
   * lack this do so anyway. */
  if (status == TORPOR_OK) status = torpor_promise_handle(run_vm->vm, main);
  if (status == TORPOR_UNSUPPORTED) status = TORPOR_OK;
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  if (token != TORPOR__RUN_VM_MAIN) {
    snprintf(run_vm->message, sizeof run_vm->message,
             "the VM's memory is damaged (its tokens)");
    return TORPOR_TRAPPED;
  }
  status = torpor_scope_close(run_vm->vm, scope);
  return status == TORPOR_OK ? status : torpor__run_vm_fail(run_vm, status);
}

static torpor_status start_program(struct torpor__run_vm *run_vm) {
  torpor_bytes source = {0};
  torpor_status status = run_vm->context.module(
      run_vm->context.user, run_vm->context.program, &source);
  if (status != TORPOR_OK) {
    snprintf(run_vm->message, sizeof run_vm->message,
             "the main module %s is missing from the run",
             run_vm->context.program);
    return status;
  }
  status = export_main(run_vm, &source);
  torpor_bytes_free(&source);
  if (status == TORPOR_OK) run_vm->started = run_vm->entered = true;
  return status;
}

/* Lets a VM that was just restored learn that it slept, before anything is
 * settled in it: it may then end waits that a result has come for. */
static torpor_status tell_waking(struct torpor__run_vm *run_vm) {
  if (run_vm->entered) return TORPOR_OK;
  torpor_status status = torpor_job_run(run_vm->vm, 1, NULL);
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  run_vm->entered = true;
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
    deliveries[i].undelivered = true;
    deliveries[i].accepted = false;
  }
  for (size_t i = 0; status == TORPOR_OK && !*spent && i < count; i++) {
    deliveries[i].undelivered = false;
    if (deliveries[i].outcome == TORPOR__OUTCOME_CANCELLED)
      run_vm->cancelling = true;
    status = torpor__run_vm_deliver(run_vm, &deliveries[i]);
    if (status == TORPOR_OK) status = drain_jobs(run_vm, spent);
  }
  return status;
}

/* ---- Looking at what it did ----------------------------------------------*/

/* Reads what the step has begun and cancelled, until nothing more is refused: a
 * program that learns of a refusal may begin something else. */
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

/* Describes the step for the protocol. */
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
  torpor_status status =
      spent ? TORPOR_OK : torpor__run_vm_look_for_end(run_vm, &ended);
  if (!spent) run_vm->cancelling = false;
  if (status == TORPOR_OK && run_vm->lines_lost)
    status = torpor__run_vm_fail_memory(run_vm);
  if (status != TORPOR_OK) return status;
  if (ended == TORPOR__RUN_ACTIVE && !spent)
    torpor__run_vm_explain_deadlock(run_vm);
  fill_step(run_vm, ended, spent, step);
  return TORPOR_OK;
}

/* Fails the run from its last commit since memory ran out where no error could
 * be thrown: it would do so again. What the step did is forgotten, and what was
 * delivered in it stays undelivered. */
static torpor_status end_exhausted(struct torpor__run_vm *run_vm,
                                   struct torpor__delivery *deliveries,
                                   size_t count, struct torpor__step *step) {
  forget_step(run_vm);
  for (size_t i = 0; i < count; i++) {
    deliveries[i].accepted = false;
    deliveries[i].undelivered = true;
  }
  torpor_status status = torpor__run_vm_end_exhausted(run_vm);
  if (status != TORPOR_OK) return status;
  fill_step(run_vm, TORPOR__RUN_FAILED, false, step);
  return TORPOR_OK;
}

torpor_status torpor__run_vm_step(struct torpor__run_vm *run_vm, int64_t number,
                                  struct torpor__delivery *deliveries,
                                  size_t count, uint64_t budget_ms,
                                  struct torpor__step *step) {
  uint64_t deadline = run_vm->context.deadline_ms;
  bool spent = false;
  forget_step(run_vm);
  run_vm->step = number;
  run_vm->step_began_ms = torpor__clock_ms();
  run_vm->step_most_ms =
      budget_ms > 0 && budget_ms < deadline ? budget_ms : deadline;
  torpor_vm_set_deadline(run_vm->vm, run_vm->step_most_ms);
  torpor_status status = run_step(run_vm, deliveries, count, &spent);
  if (status == TORPOR_OK) status = collect_all(run_vm, &spent);
  if (status == TORPOR_OK) status = describe_step(run_vm, spent, step);
  if (status == TORPOR_TRAPPED && torpor_vm_exhausted(run_vm->vm))
    return end_exhausted(run_vm, deliveries, count, step);
  if (status != TORPOR_OK) return status;
  return step->status == TORPOR__RUN_ACTIVE ? torpor__run_vm_save(run_vm, step)
                                            : TORPOR_OK;
}

bool torpor__run_vm_is_late(const struct torpor__run_vm *run_vm) {
  return run_vm->step_most_ms < run_vm->context.deadline_ms &&
         torpor__clock_ms() - run_vm->step_began_ms >= run_vm->step_most_ms;
}
