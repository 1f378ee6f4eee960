/* SPDX-License-Identifier: MIT */
/* version.c - torpor version: which Torpor this is. */
#include "cli/command.h"
#include "cli/text/output.h"
#include "torpor.h"

static int run(const struct cli_call *call) {
  (void)call;
  cli_print(stdout, "torpor %s\n", torpor_version());
  cli_print(stdout, "engine %s\n", torpor_engine_id());
  return CLI_EXIT_DONE;
}

const struct cli_command cli_version = {
    .name = "version",
    .group = CLI_GROUP_SELF,
    .arguments = "",
    .summary = "print the version and the engine's id",
    .examples = "torpor version\n",
    .run = run,
};
