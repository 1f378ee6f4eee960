/* SPDX-License-Identifier: MIT */
/* store.h - the store that a command works on, and what its failures mean. */
#ifndef TORPOR_CLI_STORE_H
#define TORPOR_CLI_STORE_H

#include "command.h"
#include "torpor-run.h"

#define CLI_STORE_DEFAULT "torpor.db"

/* Part of such a command's settings. */
struct cli_store {
  const char *path;
};

#define CLI_STORE_OPTION(type, member)                                         \
  CLI_OPTION(type, member.path, "store", 0, CLI_TEXT, "PATH",                  \
             "where runs sleep ($TORPOR_STORE,\nelse ./" CLI_STORE_DEFAULT     \
             ")")

enum cli_store_use {
  CLI_STORE_LOOK, /* only reads; it must exist */
  CLI_STORE_USE,  /* it must exist */
  CLI_STORE_MAKE, /* made when it is missing */
};

const char *cli_store_path(const struct cli_store *settings);

/* CLI_EXIT_DONE with '*out', or an exit code after saying what is wrong. */
int cli_store_open(const struct cli_store *settings, enum cli_store_use use,
                   torpor_store **out);

/* Says what the last call for 'store' that failed said, and gives the exit code
 * for 'status'; CLI_EXIT_DONE for TORPOR_OK, saying nothing. */
int cli_store_check(const torpor_store *store, torpor_status status);

/* The exit code for how a run stands. */
int cli_store_exit(torpor_run_state state);

#endif
