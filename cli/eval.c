/* SPDX-License-Identifier: MIT */
/* eval.c - torpor eval CODE [ARGUMENT...]: runs code from the command line. */
#include <string.h>

#include "cli/program/program.h"

struct eval_settings {
  bool print, module;
  struct cli_sandbox sandbox;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct eval_settings, print, "print", 'p', CLI_FLAG, NULL,
               "print the result"),
    CLI_OPTION(struct eval_settings, module, "module", 'm', CLI_FLAG, NULL,
               "CODE is an ES module: it may use import; its result is the "
               "default export"),
    CLI_SANDBOX_OPTIONS(struct eval_settings, sandbox),
    {0},
};

static int run(const struct cli_call *call) {
  const struct eval_settings *settings = call->settings;
  const struct cli_program_settings program = {
      .code = call->arguments[0],
      .code_size = strlen(call->arguments[0]),
      .title = "[eval]",
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
    .group = CLI_GROUP_RUN,
    .arguments = "CODE [ARGUMENT...]",
    .summary = "run code from the command line",
    .details =
        "CODE is a script, which may use await; when its result is a promise,\n"
        "that is waited for. Imports are relative to the current folder and\n"
        "need --allow-read. Options may stand behind CODE as well; from the\n"
        "first ARGUMENT on, or from '--' on, all words are the program's.",
    .examples =
        "torpor eval -p '1 + 2'\n"
        "torpor eval 'console.log(await Promise.resolve(3))'\n",
    .options = options,
    .settings_size = sizeof(struct eval_settings),
    .least = 1,
    .most = SIZE_MAX,
    .own = 2,
    .run = run,
};
