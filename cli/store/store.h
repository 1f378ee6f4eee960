/* SPDX-License-Identifier: MIT */
/* store.h - the store that a command works on, and what its failures mean. */
#ifndef TORPOR_CLI_STORE_H
#define TORPOR_CLI_STORE_H

#include "cli/command.h"
#include "cli/text/output.h"
#include "torpor-run.h"

#define CLI_STORE_DEFAULT "torpor.db"

/* Part of such a command's settings. */
struct cli_store {
  const char *path;
  const char *key_file; /* of commands that read or write states */
};

#define CLI_STORE_OPTION(type, member)                                         \
  CLI_OPTION(type, member.path, "store", 0, CLI_PATH, "PATH",                  \
             "where runs sleep ($TORPOR_STORE, else ./" CLI_STORE_DEFAULT ")")

#define CLI_KEY_OPTION(type, member)                                           \
  CLI_OPTION(type, member.key_file, "key-file", 0, CLI_PATH, "PATH",           \
             "the key that states are encrypted with: 32 bytes, or 64 hex "    \
             "digits")

#define CLI_KEEP_LINES_OPTION(type, member)                                    \
  CLI_OPTION(type, member, "keep-lines", 0, CLI_KEEP, "COUNT|all",             \
             "how many of its console lines stay (10000)")

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

/* Whether there is a run 'id'. */
bool cli_store_has(torpor_store *store, const char *id);

/* As cli_store_check after a call for the run 'id': when there is none of that
 * id, says which one may have been meant; when it has ended, where to look. */
int cli_store_check_run(torpor_store *store, torpor_status status,
                        const char *id);

/* Whether all of these runs are there and can be read, before anything is done
 * to one of them. As above. */
int cli_store_check_runs(torpor_store *store, char *const *ids, size_t count);

typedef torpor_status cli_run_work_fn(torpor_store *store, const char *id,
                                      const void *settings);

/* Opens the store of 'place', does 'work' in it for the run 'id', which must be
 * there, and closes it. The exit code, after saying what went wrong. */
int cli_store_with_run(const struct cli_store *place, enum cli_store_use use,
                       const char *id, cli_run_work_fn *work,
                       const void *settings);

/* Whether a run in that state is one that a worker goes on with. */
static inline bool cli_store_goes_on(torpor_run_state state) {
  return state == TORPOR_RUN_READY || state == TORPOR_RUN_WAITING;
}

/* Whether a run can be made that keeps so many states: one at least. As
 * cli_store_open. */
int cli_store_keep(const struct cli_keep *keep);

/* The same of console lines. */
int cli_store_keep_lines(const struct cli_keep *keep);

/* The exit code for a status of the library's. */
int cli_store_code(torpor_status status);

/* The exit code for how a run stands. */
int cli_store_exit(torpor_run_state state);

/* How a run's state looks, by its name. */
enum cli_style cli_store_style(const char *state);

#endif
