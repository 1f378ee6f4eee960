/* SPDX-License-Identifier: MIT */
/* program-host.c - what the VM of a program asks of this process. See
 * program-state.h. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/program/program-state.h"
#include "cli/text/output.h"

/* Ends what the program runs and what it waits for. */
static void end_program(struct cli_program *program) {
  torpor_loop_stop(program->loop);
  if (program->vm != NULL) torpor_vm_interrupt(program->vm);
}

static void write_console(void *user, torpor_level level, const char *text,
                          size_t size) {
  struct cli_program *program = user;
  if (program->lost || cli_output_line(level, text, size)) return;
  program->lost = true;
  end_program(program);
}

/* torpor_attachment.output */
static bool write_bytes(void *user, int stream, const void *data, size_t size) {
  struct cli_program *program = user;
  if (!program->lost && !cli_output_bytes(stream, data, size)) {
    program->lost = true;
    end_program(program);
  }
  return !program->lost;
}

/* torpor_attachment.exit */
static void note_exit(void *user, int code) {
  struct cli_program *program = user;
  program->exited = true;
  program->exit_code = code;
  torpor_loop_stop(program->loop);
}

/* A module that is in the bundle. UNSUPPORTED: it cannot be, being a file. Any
 * thread: torpor_attachment.worker_module. */
static torpor_status load_bundled(void *user,
                                  const torpor_module_request *request,
                                  torpor_module_answer *answer) {
  const struct cli_program *program = user;
  const struct cli_bundle *bundle = program->settings->bundle;
  if (bundle == NULL) return TORPOR_UNSUPPORTED;
  bool code = request->type == TORPOR_MODULE_CODE;
  const struct cli_entry *entry = cli_bundle_find(
      bundle, code ? CLI_ENTRY_CODE : CLI_ENTRY_DATA, request->name);
  if (entry != NULL)
    return (code ? torpor_module_give_compiled
                 : torpor_module_give)(answer, entry->data, entry->size);
  if (strncmp(request->name, CLI_BUNDLE_ROOT, strlen(CLI_BUNDLE_ROOT)) != 0)
    return TORPOR_UNSUPPORTED;
  return torpor_module_refuse(answer, TORPOR_NOT_FOUND,
                              "it is not in this executable: name it with "
                              "--include when you build");
}

static torpor_status load_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  struct cli_program *program = user;
  torpor_status status = load_bundled(program, request, answer);
  return status == TORPOR_UNSUPPORTED
             ? torpor_loader_source(program->loader, request, answer)
             : status;
}

/* What was resolved when the bundle was made; else as files are. Any thread. */
static torpor_status resolve_module(void *user, const char *specifier,
                                    const char *importer,
                                    torpor_module_answer *answer) {
  const struct cli_program *program = user;
  const struct cli_bundle *bundle = program->settings->bundle;
  const struct cli_entry *edge = NULL;
  if (bundle != NULL) {
    size_t size = strlen(importer) + strlen(specifier) + 2;
    char *key = malloc(size);
    if (key == NULL) return TORPOR_NOMEM;
    snprintf(key, size, "%s\n%s", importer, specifier);
    edge = cli_bundle_find(bundle, CLI_ENTRY_EDGE, key);
    free(key);
  }
  if (edge != NULL) return torpor_module_give(answer, edge->data, edge->size);
  /* A file of the machine, also for a module that is none; or a module in C,
   * also if the library has one of that name. */
  if (specifier[0] == '/' ||
      cli_bundle_find(bundle, CLI_ENTRY_EXTERN, specifier) != NULL)
    return torpor_module_give(answer, specifier, strlen(specifier));
  return torpor_loader_resolve(NULL, specifier, importer, answer);
}

static bool is_stopping(void *user) {
  const struct cli_program *program = user;
  return program->loop != NULL && torpor_loop_stopping(program->loop);
}

/* Host function of args() in module torpor:script. */
static torpor_status give_arguments(torpor_vm *vm,
                                    const torpor_arguments *arguments,
                                    torpor_value *result, void *user) {
  const struct cli_program_settings *settings = user;
  (void)arguments;
  torpor_status status = torpor_array_new(vm, result);
  for (size_t i = 0; i < settings->count && status == TORPOR_OK; i++) {
    torpor_value text;
    const char *argument = settings->arguments[i];
    status = torpor_string_new(vm, argument, SIZE_MAX, &text);
    if (status == TORPOR_OK)
      status = torpor_set_index(vm, *result, (uint32_t)i, text);
  }
  return status;
}

/* Functions of module torpor:run that only a run has. */
static const char *const run_functions[] = {"torpor:run.input", "torpor:run.id",
                                            "torpor:run.step",
                                            "torpor:run.upgrade"};
enum { RUN_FUNCTIONS = sizeof(run_functions) / sizeof(*run_functions) };

static const char FOR_RUNS[] =
    "this is for durable runs: start the program with 'torpor run'";

/* Host function of each of them. */
static torpor_status refuse_run(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  (void)arguments, (void)result, (void)user;
  return torpor_throw(vm, "Error", FOR_RUNS);
}

/* torpor_driver.start of signals. */
static void refuse_signal(torpor_task *task, void *user) {
  (void)user;
  torpor_task_fail(task, "Error", FOR_RUNS, "NO_RUN");
}

/* torpor_driver.cancel: a signal is complete when it was started. */
static void cancel_signal(torpor_task *task, void *user) {
  (void)task, (void)user;
}

static void report_rejection(void *user, torpor_vm *vm, torpor_value reason) {
  struct cli_program *program = user;
  if (program->code == CLI_EXIT_DONE)
    cli_report_error(vm, reason, &program->sources);
  program->code = CLI_EXIT_THROWN;
  torpor_loop_stop(program->loop);
}

/* ---- All of it -----------------------------------------------------------*/

void cli_program_host(struct cli_program *program, torpor_options *options) {
  options->user = program;
  options->console = write_console;
  options->module = load_module;
  options->resolve = resolve_module;
  options->interrupt = is_stopping;
}

torpor_status cli_program_bind(struct cli_program *program) {
  torpor_status status =
      torpor_function_bind(program->vm, "torpor:script.args", give_arguments,
                           (void *)program->settings, NULL);
  for (size_t i = 0; i < RUN_FUNCTIONS && status == TORPOR_OK; i++)
    status = torpor_function_bind(program->vm, run_functions[i], refuse_run,
                                  NULL, NULL);
  return status;
}

torpor_status cli_program_attach(struct cli_program *program) {
  static const torpor_driver signals = {.size = sizeof(torpor_driver),
                                        .kind = "signal",
                                        .waking = TORPOR_REPEAT,
                                        .start = refuse_signal,
                                        .cancel = cancel_signal};
  torpor_attachment world = TORPOR_ATTACHMENT_INIT;
  world.access = program->access;
  world.standard = true;
  world.loader = program->loader;
  world.rejected = report_rejection;
  world.user = program;
  world.output = write_bytes;
  world.exit = note_exit;
  world.worker_module = load_bundled;
  world.worker_resolve = resolve_module;
  torpor_status status = torpor_loop_add_driver(program->loop, &signals);
  return status == TORPOR_OK
             ? torpor_loop_attach(program->loop, program->vm, &world)
             : status;
}
