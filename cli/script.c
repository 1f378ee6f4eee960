/* SPDX-License-Identifier: MIT */
/* script.c - torpor FILE [ARGUMENT...]: runs a module from beginning to end. */
#include "program.h"

struct script_settings {
  struct cli_sandbox sandbox;
};

static const struct cli_option options[] = {
    CLI_SANDBOX_OPTIONS(struct script_settings, sandbox),
    {0},
};

static int run(const struct cli_call *call) {
  const struct script_settings *settings = call->settings;
  const struct cli_program_settings program = {
      .file = call->arguments[0],
      .arguments = call->arguments + 1,
      .count = call->count - 1,
      .sandbox = &settings->sandbox,
  };
  return cli_program_run(&program);
}

const struct cli_command cli_script = {
    .name = "",
    .arguments = "FILE [ARGUMENT...]",
    .summary = "run the ES module FILE from beginning to end",
    .details =
        "A program touches nothing outside of its sandbox but what options\n"
        "allow. What it imports from its own folder, or below it, is part of\n"
        "it and needs no permission. It reads its arguments with args() of\n"
        "module torpor:script.",
    .options = options,
    .settings_size = sizeof(struct script_settings),
    .least = 1,
    .most = SIZE_MAX,
    .passes_rest = true,
    .run = run,
};
