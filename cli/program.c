/* SPDX-License-Identifier: MIT */
/* program.c - a program that runs from beginning to end in this process.
 *
 * One VM on one loop. The first error that nobody catches ends the program, as
 * do a reader of its output that goes away, and Ctrl-C.
 *
 *  (1) 'code' is the exit code as soon as something went wrong that was said.
 *  (2) A signal ends the process as it would have without us, but only after
 *      what the program had written is out; a second one does so at once.
 *
 * Runs on the main thread. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "program.h"
#include "report.h"

struct program {
  const struct cli_program_settings *settings;
  torpor_access *access;
  torpor_loader *loader;
  torpor_loop *loop;
  torpor_vm *vm;
  char name[PATH_MAX + 16]; /* of code */
  struct cli_sources sources;
  int code;
  bool lost; /* nobody reads the output */
};

/* ---- What the VM sees ----------------------------------------------------*/

static void write_console(void *user, torpor_level level, const char *text,
                          size_t size) {
  struct program *program = user;
  if (program->lost || cli_output_line(level, text, size)) return;
  program->lost = true;
  torpor_loop_stop(program->loop);
  if (program->vm != NULL) torpor_vm_interrupt(program->vm);
}

static torpor_status load_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  struct program *program = user;
  return torpor_loader_source(program->loader, request, answer);
}

static bool is_stopping(void *user) {
  const struct program *program = user;
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

static void report_rejection(void *user, torpor_vm *vm, torpor_value reason) {
  struct program *program = user;
  if (program->code == CLI_EXIT_DONE)
    cli_report_error(vm, reason, &program->sources);
  program->code = CLI_EXIT_THROWN;
  torpor_loop_stop(program->loop);
}

/* ---- Opening -------------------------------------------------------------*/

static int fail_on_host(const char *what, torpor_status status) {
  cli_complain("%s: %s", what, torpor_status_text(status));
  return CLI_EXIT_HOST;
}

/* Reads the file, or gives code a name in the current folder. */
static int open_source(struct program *program, torpor_bytes *source) {
  const struct cli_program_settings *settings = program->settings;
  torpor_status status = torpor_loader_open(settings->file, program->access,
                                            &program->loader, source);
  program->sources.loader = program->loader;
  if (status != TORPOR_OK) {
    cli_complain("%s", torpor_loader_error(program->loader));
    return status == TORPOR_NOMEM ? CLI_EXIT_HOST : CLI_EXIT_FILE;
  }
  if (settings->file != NULL) return CLI_EXIT_DONE;
  char folder[PATH_MAX];
  if (getcwd(folder, sizeof(folder)) == NULL) strcpy(folder, "/");
  snprintf(program->name, sizeof(program->name), "%s/[eval]", folder);
  program->sources.name = program->name;
  program->sources.code = settings->code;
  program->sources.size = strlen(settings->code);
  return CLI_EXIT_DONE;
}

static int open_vm(struct program *program) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = program;
  options.console = write_console;
  options.module = load_module;
  options.resolve = torpor_loader_resolve;
  options.interrupt = is_stopping;
  options.extensions = true;
  int code = cli_sandbox_limits(program->settings->sandbox, &options);
  if (code != CLI_EXIT_DONE) return code;
  torpor_status status = torpor_vm_open(&options, &program->vm);
  if (status != TORPOR_OK) {
    cli_complain("%s", torpor_last_error(NULL));
    return CLI_EXIT_HOST;
  }
  status =
      torpor_function_bind(program->vm, "torpor:script.args", give_arguments,
                           (void *)program->settings, NULL);
  if (status != TORPOR_OK) return fail_on_host("opening a VM", status);
  return cli_sandbox_extend(program->settings->sandbox, program->vm);
}

static bool flush_output(void *user) {
  struct program *program = user;
  if (!cli_output_flush()) program->lost = true;
  return false;
}

static int open_loop(struct program *program) {
  torpor_attachment world = TORPOR_ATTACHMENT_INIT;
  world.access = program->access;
  world.rejected = report_rejection;
  world.user = program;
  torpor_status status = torpor_loop_open(NULL, &program->loop);
  if (status != TORPOR_OK) return fail_on_host("opening a loop", status);
  torpor_loop_on_turn(program->loop, flush_output, program);
  torpor_loop_stop_on(program->loop, SIGINT);
  torpor_loop_stop_on(program->loop, SIGTERM);
  torpor_loop_stop_on(program->loop, SIGHUP);
  status = torpor_loop_attach(program->loop, program->vm, &world);
  return status == TORPOR_OK ? CLI_EXIT_DONE
                             : fail_on_host("attaching a VM", status);
}

static void close_program(struct program *program) {
  torpor_loop_close(program->loop);
  torpor_vm_close(program->vm);
  torpor_loader_close(program->loader);
  torpor_access_close(program->access);
}

/* ---- Running -------------------------------------------------------------*/

/* Says what limit ended the program; what the library advises its callers to do
 * comes behind a semicolon and is of no use here. */
static void complain_limit(const struct program *program) {
  const char *sentence = torpor_last_error(program->vm);
  cli_complain("%.*s; see --memory, --fuel and --deadline",
               (int)strcspn(sentence, ";"), sentence);
}

static void complain_deadlock(struct program *program) {
  torpor_bytes places = {NULL, 0};
  bool known =
      torpor_vm_waiting(program->vm, &places) == TORPOR_OK && places.size > 0;
  cli_complain(
      "the program waits for a promise that nothing can settle any "
      "more: no timer, no file and no other operation is pending%s%s",
      known ? "; it waits at " : "", known ? (const char *)places.data : "");
  torpor_bytes_free(&places);
}

/* What 'status' is as an exit code, said unless it was already. */
static int conclude(struct program *program, torpor_status status) {
  if (torpor_loop_signal(program->loop) != 0) return CLI_EXIT_STOPPED;
  if (program->lost) return CLI_EXIT_DONE; /* cli_output_finish knows why */
  if (program->code != CLI_EXIT_DONE) return program->code;
  switch (status) {
  case TORPOR_OK:
    return CLI_EXIT_DONE;
  case TORPOR_THROWN:
    cli_report_error(program->vm, torpor_exception(program->vm),
                     &program->sources);
    return CLI_EXIT_THROWN;
  case TORPOR_INTERRUPTED:
    complain_limit(program);
    return CLI_EXIT_INTERRUPTED;
  case TORPOR_TRAPPED:
  case TORPOR_BROKEN:
    complain_limit(program);
    return CLI_EXIT_TRAPPED;
  case TORPOR_DEADLOCK:
    complain_deadlock(program);
    return CLI_EXIT_DEADLOCK;
  default:
    cli_complain("%s", torpor_last_error(program->vm));
    return CLI_EXIT_HOST;
  }
}

/* Prints 'value' as the program's own console does. */
static torpor_status print_value(torpor_vm *vm, torpor_value value) {
  torpor_value global, console, log;
  torpor_status status = torpor_global(vm, &global);
  if (status == TORPOR_OK) status = torpor_get(vm, global, "console", &console);
  if (status == TORPOR_OK) status = torpor_get(vm, console, "log", &log);
  if (status == TORPOR_OK)
    status = torpor_call(vm, log, console, &value, 1, NULL);
  return status;
}

/* Waits for what 'value', the result of the evaluation, stands for. */
static torpor_status finish(struct program *program, torpor_value *value) {
  torpor_brand brand;
  torpor_status status = torpor_value_brand(program->vm, *value, &brand);
  if (status != TORPOR_OK) return status;
  if (brand == TORPOR_BRAND_PROMISE)
    return torpor_loop_finish(program->loop, program->vm, *value, value);
  return torpor_loop_run(program->loop);
}

static int evaluate(struct program *program, const torpor_bytes *source) {
  const struct cli_program_settings *settings = program->settings;
  torpor_vm *vm = program->vm;
  bool file = settings->file != NULL;
  torpor_value value = torpor_undefined();
  torpor_mode mode = file ? TORPOR_MODULE : settings->mode;
  torpor_status status = torpor_eval(
      vm, file ? (const char *)source->data : settings->code,
      file ? source->size : program->sources.size,
      file ? torpor_loader_name(program->loader) : program->name, mode, &value);
  torpor_loader_linked(program->loader);
  if (status == TORPOR_OK) status = finish(program, &value);
  if (status == TORPOR_OK && settings->print) {
    if (mode == TORPOR_MODULE)
      status = torpor_get(vm, value, "default", &value);
    if (status == TORPOR_OK) status = print_value(vm, value);
  }
  return conclude(program, status);
}

int cli_program_run(const struct cli_program_settings *settings) {
  struct program program = {.settings = settings};
  torpor_bytes source = {0};
  int code = cli_sandbox_access(settings->sandbox, &program.access);
  if (code == CLI_EXIT_DONE) code = open_source(&program, &source);
  if (code == CLI_EXIT_DONE) code = open_vm(&program);
  if (code == CLI_EXIT_DONE) code = open_loop(&program);
  if (code == CLI_EXIT_DONE) code = evaluate(&program, &source);
  int signal = program.loop == NULL ? 0 : torpor_loop_signal(program.loop);
  torpor_bytes_free(&source);
  close_program(&program);
  if (signal != 0 && cli_output_flush()) raise(signal);
  return code;
}
