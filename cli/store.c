/* SPDX-License-Identifier: MIT */
/* store.c - the store that a command works on. */
#include <stdlib.h>

#include "store.h"

const char *cli_store_path(const struct cli_store *settings) {
  const char *path = settings->path;
  if (path == NULL) path = getenv("TORPOR_STORE");
  return path != NULL && path[0] != '\0' ? path : CLI_STORE_DEFAULT;
}

static int exit_code(torpor_status status) {
  switch (status) {
  case TORPOR_OK:
    return CLI_EXIT_DONE;
  case TORPOR_THROWN:
    return CLI_EXIT_THROWN;
  case TORPOR_NOMEM:
    return CLI_EXIT_HOST;
  case TORPOR_MISUSE:
  case TORPOR_LIMIT:
  case TORPOR_EXISTS:
  case TORPOR_NOT_FOUND:
  case TORPOR_ENDED:
    return CLI_EXIT_USAGE;
  case TORPOR_LOCKED:
    return CLI_EXIT_HELD;
  default:
    return CLI_EXIT_FILE;
  }
}

int cli_store_check(const torpor_store *store, torpor_status status) {
  if (status != TORPOR_OK) cli_complain("%s", torpor_store_error(store));
  return exit_code(status);
}

int cli_store_open(const struct cli_store *settings, enum cli_store_use use,
                   torpor_store **out) {
  const char *path = cli_store_path(settings);
  torpor_store_options options = TORPOR_STORE_OPTIONS_INIT;
  options.read_only = use == CLI_STORE_LOOK;
  options.must_exist = use != CLI_STORE_MAKE;
  torpor_status status = torpor_store_open(path, &options, out);
  if (status != TORPOR_NOT_FOUND) return cli_store_check(NULL, status);
  cli_complain(
      "there is no store '%s'; 'torpor run' makes one, and --store "
      "names another",
      path);
  return CLI_EXIT_USAGE;
}

int cli_store_exit(torpor_run_state state) {
  switch (state) {
  case TORPOR_RUN_DEADLOCK:
    return CLI_EXIT_DEADLOCK;
  case TORPOR_RUN_FAILED:
    return CLI_EXIT_THROWN;
  case TORPOR_RUN_KILLED:
    return CLI_EXIT_KILLED;
  case TORPOR_RUN_PARKED:
    return CLI_EXIT_PARKED;
  default:
    return CLI_EXIT_DONE;
  }
}
