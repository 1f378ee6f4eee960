/* SPDX-License-Identifier: MIT */
/* eval.c - torpor eval CODE [ARGUMENT...]: runs code from the command line. */
#include "program.h"

struct eval_settings {
  bool print, module;
  struct cli_sandbox sandbox;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct eval_settings, print, "print", 'p', CLI_FLAG, NULL,
               "print the result"),
    CLI_OPTION(struct eval_settings, module, "module", 'm', CLI_FLAG, NULL,
               "CODE is an ES module: it may use\nimport and await; its "
               "result is\nthe default export"),
    CLI_SANDBOX_OPTIONS(struct eval_settings, sandbox),
    {0},
};

static int run(const struct cli_call *call) {
  const struct eval_settings *settings = call->settings;
  const struct cli_program_settings program = {
      .code = call->arguments[0],
      .mode = settings->module ? TORPOR_MODULE : TORPOR_SCRIPT,
      .print = settings->print,
      .arguments = call->arguments + 1,
      .count = call->count - 1,
      .sandbox = &settings->sandbox,
  };
  return cli_program_run(&program);
}

const struct cli_command cli_eval = {
    .name = "eval",
    .arguments = "CODE [ARGUMENT...]",
    .summary = "run CODE",
    .details =
        "CODE is a script; when its result is a promise, that is waited for.\n"
        "Imports are relative to the current folder and need --allow-read.",
    .options = options,
    .settings_size = sizeof(struct eval_settings),
    .least = 1,
    .most = SIZE_MAX,
    .passes_rest = true,
    .run = run,
};
