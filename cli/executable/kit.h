/* SPDX-License-Identifier: MIT */
/* kit.h - running the Python programs that are installed with the command, in
 * share/torpor: they translate engines, and make extensions. */
#ifndef TORPOR_CLI_KIT_H
#define TORPOR_CLI_KIT_H

#include <limits.h>
#include <stdbool.h>

struct cli_kit {
  const char *program; /* its place in share/torpor */
  const char *work;    /* "translating an engine", for messages */
  const char *needs;   /* what it needs besides python3, likewise */
};

/* Runs the program with 'words', behind which there is a NULL. It says for
 * itself what goes wrong, and so does this. An exit code. */
int cli_kit_run(const struct cli_kit *kit, const char *const *words);

#endif
