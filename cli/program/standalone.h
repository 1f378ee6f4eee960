/* SPDX-License-Identifier: MIT */
/* standalone.h - running a program that is in this executable. */
#ifndef TORPOR_CLI_STANDALONE_H
#define TORPOR_CLI_STANDALONE_H

#include "cli/command.h"
#include "cli/program/bundle.h"
#include "cli/program/program.h"

/* What the options in a bundle say. */
struct cli_standalone_settings {
  struct cli_sandbox sandbox;
};

/* Those options. */
extern const struct cli_option cli_standalone_kept[];

/* Reads them: their words stay in the bundle. An exit code, after saying what
 * is wrong. */
int cli_standalone_options(const struct cli_bundle *bundle,
                           struct cli_standalone_settings *settings);

/* Runs the program at the end of this executable and gives its exit code; -1:
 * there is none. */
int cli_standalone_own(int count, char **words);

#endif
