/* SPDX-License-Identifier: MIT */
/* program.c - a program that runs from beginning to end in this process.
 *
 * One VM on one loop. The first error that nobody catches ends the program, as
 * do a reader of its output that goes away, and Ctrl-C. See program-state.h.
 *
 * Runs on the main thread. */
#include <signal.h>

#include "cli/program/program-state.h"
#include "cli/text/output.h"

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

/* Evaluates the file, or the code: a promise, of a module's namespace or of the
 * value of a script, which may await. */
static torpor_status begin(struct cli_program *program,
                           const torpor_bytes *source, torpor_value *promise) {
  const struct cli_program_settings *settings = program->settings;
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  if (settings->file != NULL) {
    options.file = torpor_loader_name(program->loader);
    options.mode = TORPOR_MODULE;
    return torpor_eval_with(program->vm, (const char *)source->data,
                            source->size, &options, promise);
  }
  options.file = program->name;
  options.mode = settings->mode;
  options.async = settings->mode == TORPOR_SCRIPT;
  return torpor_eval_with(program->vm, settings->code, settings->code_size,
                          &options, promise);
}

static int evaluate(struct cli_program *program, const torpor_bytes *source) {
  const struct cli_program_settings *settings = program->settings;
  torpor_vm *vm = program->vm;
  torpor_value value = torpor_undefined();
  bool script = settings->file == NULL && settings->mode == TORPOR_SCRIPT;
  torpor_status status = begin(program, source, &value);
  torpor_loader_linked(program->loader);
  if (status == TORPOR_OK) status = cli_program_finish(program, &value);
  /* A script's value may be a promise itself. */
  if (status == TORPOR_OK && script)
    status = cli_program_finish(program, &value);
  if (status == TORPOR_OK && settings->print) {
    if (!script) status = torpor_get(vm, value, "default", &value);
    if (status == TORPOR_OK) status = print_value(vm, value);
  }
  return cli_program_conclude(program, status);
}

int cli_program_run(const struct cli_program_settings *settings) {
  struct cli_program program = {.settings = settings};
  torpor_bytes source = {0};
  int code = cli_program_open(&program, &source);
  if (code == CLI_EXIT_DONE)
    code = settings->bundle != NULL ? cli_program_run_bundle(&program)
                                    : evaluate(&program, &source);
  int signal = program.loop == NULL ? 0 : torpor_loop_signal(program.loop);
  torpor_bytes_free(&source);
  cli_program_close(&program);
  if (signal != 0 && cli_output_flush()) raise(signal);
  return code;
}
