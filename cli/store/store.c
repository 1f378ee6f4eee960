/* SPDX-License-Identifier: MIT */
/* store.c - the store that a command works on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/executable/native.h"
#include "cli/store/store.h"
#include "cli/text/key.h"
#include "cli/text/output.h"

const char *cli_store_path(const struct cli_store *settings) {
  const char *path = settings->path;
  if (path == NULL) path = getenv("TORPOR_STORE");
  return path != NULL && path[0] != '\0' ? path : CLI_STORE_DEFAULT;
}

int cli_store_code(torpor_status status) {
  switch (status) {
  case TORPOR_OK:
    return CLI_EXIT_DONE;
  case TORPOR_THROWN:
    return CLI_EXIT_THROWN;
  case TORPOR_NOMEM:
    return CLI_EXIT_HOST;
  case TORPOR_MISUSE:
  case TORPOR_LIMIT:
    return CLI_EXIT_USAGE;
  case TORPOR_NOT_FOUND:
  case TORPOR_ENGINE:
    return CLI_EXIT_NOT_FOUND;
  case TORPOR_EXISTS:
    return CLI_EXIT_EXISTS;
  case TORPOR_ENDED:
    return CLI_EXIT_ENDED;
  case TORPOR_LOCKED:
    return CLI_EXIT_HELD;
  default:
    return CLI_EXIT_FILE;
  }
}

int cli_store_check(const torpor_store *store, torpor_status status) {
  if (status != TORPOR_OK) cli_complain("%s", torpor_store_error(store));
  return status == TORPOR_IO && torpor_store_exhausted()
             ? CLI_EXIT_HOST
             : cli_store_code(status);
}

/* ---- What was meant by an id ---------------------------------------------*/

enum { IDS_MAX = 4096 };

/* The ids of a store, as far as there is room for them. */
struct ids {
  char (*ids)[TORPOR_RUN_ID_SIZE];
  const char *names[IDS_MAX];
  size_t count;
};

/* torpor_run_visit_fn */
static bool add_id(void *user, const torpor_run_info *info) {
  struct ids *ids = user;
  char *to = ids->ids[ids->count];
  snprintf(to, TORPOR_RUN_ID_SIZE, "%s", info->id);
  ids->names[ids->count++] = to;
  return ids->count < IDS_MAX;
}

/* torpor_run_visit_fn */
static bool find_id(void *user, const torpor_run_info *info) {
  (void)info;
  *(bool *)user = true;
  return false;
}

/* Says which of the first ids of the store 'id' resembles. */
static void suggest_id(torpor_store *store, const char *id) {
  struct ids *ids = calloc(1, sizeof(*ids));
  const char *near = NULL;
  if (ids != NULL) ids->ids = malloc(sizeof(*ids->ids) * IDS_MAX);
  if (ids != NULL && ids->ids != NULL) {
    torpor_run_each(store, NULL, add_id, ids);
    near = cli_suggest(id, ids->names, ids->count);
  }
  if (near != NULL)
    cli_complain("no run has the id '%s'; did you mean '%s'?", id, near);
  else
    cli_complain("no run has the id '%s'; 'torpor list' shows those there are",
                 id);
  if (ids != NULL) free(ids->ids);
  free(ids);
}

bool cli_store_has(torpor_store *store, const char *id) {
  bool found;
  return torpor_run_each(store, id, find_id, &found) != TORPOR_NOT_FOUND;
}

int cli_store_check_run(torpor_store *store, torpor_status status,
                        const char *id) {
  if (status == TORPOR_NOT_FOUND && !cli_store_has(store, id)) {
    suggest_id(store, id);
    return cli_store_code(status);
  }
  if (status == TORPOR_ENDED) {
    cli_complain("run '%s' has ended; 'torpor show %s' says how", id, id);
    return cli_store_code(status);
  }
  return cli_store_check(store, status);
}

int cli_store_check_runs(torpor_store *store, char *const *ids, size_t count) {
  bool found;
  for (size_t i = 0; i < count; i++) {
    torpor_status status = torpor_run_each(store, ids[i], find_id, &found);
    int code = cli_store_check_run(store, status, ids[i]);
    if (code != CLI_EXIT_DONE) return code;
  }
  return CLI_EXIT_DONE;
}

/* ---- Opening -------------------------------------------------------------*/

int cli_store_open(const struct cli_store *settings, enum cli_store_use use,
                   torpor_store **out) {
  const char *path = cli_store_path(settings);
  uint8_t key[TORPOR_KEY_SIZE];
  torpor_store_options options = TORPOR_STORE_OPTIONS_INIT;
  options.read_only = use == CLI_STORE_LOOK;
  options.must_exist = use != CLI_STORE_MAKE;
  options.make_extension = cli_native_make;
  if (settings->key_file != NULL) {
    int code = cli_key_read(settings->key_file, key);
    if (code != CLI_EXIT_DONE) return code;
    options.key = key;
  }
  torpor_status status = torpor_store_open(path, &options, out);
  explicit_bzero(key, sizeof(key));
  if (status != TORPOR_NOT_FOUND) return cli_store_check(NULL, status);
  cli_complain(
      "there is no store '%s'; 'torpor run' makes one, and --store "
      "names another",
      path);
  return CLI_EXIT_NOT_FOUND;
}

int cli_store_with_run(const struct cli_store *place, enum cli_store_use use,
                       const char *id, cli_run_work_fn *work,
                       const void *settings) {
  torpor_store *store;
  bool found;
  int code = cli_store_open(place, use, &store);
  if (code != CLI_EXIT_DONE) return code;
  torpor_status status = torpor_run_each(store, id, find_id, &found);
  if (status == TORPOR_OK) status = work(store, id, settings);
  code = cli_store_check_run(store, status, id);
  torpor_store_close(store);
  return code;
}

int cli_store_keep(const struct cli_keep *keep) {
  if (!keep->given || keep->states > 0) return CLI_EXIT_DONE;
  cli_complain("--keep is at least 1: the newest state stays always");
  return CLI_EXIT_USAGE;
}

int cli_store_keep_lines(const struct cli_keep *keep) {
  if (!keep->given || keep->states > 0) return CLI_EXIT_DONE;
  cli_complain("--keep-lines is at least 1: the newest line stays always");
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
  case TORPOR_RUN_DAMAGED:
    return CLI_EXIT_PARKED;
  default:
    return CLI_EXIT_DONE;
  }
}

enum cli_style cli_store_style(const char *state) {
  static const struct {
    torpor_run_state state;
    enum cli_style style;
  } styles[] = {{TORPOR_RUN_DONE, CLI_STYLE_GOOD},
                {TORPOR_RUN_READY, CLI_STYLE_BUSY},
                {TORPOR_RUN_WAITING, CLI_STYLE_BUSY}};
  for (size_t i = 0; i < sizeof(styles) / sizeof(*styles); i++)
    if (strcmp(state, torpor_run_state_name(styles[i].state)) == 0)
      return styles[i].style;
  return CLI_STYLE_ERROR;
}
