/* SPDX-License-Identifier: MIT */
/* resume.c - torpor resume [ID...]: goes on with runs that nobody drives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/store/drive.h"
#include "cli/text/output.h"
#include "common/array.h"

struct resume_settings {
  bool all;
  struct cli_store store;
  struct cli_drive drive;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct resume_settings, all, "all", 'a', CLI_FLAG, NULL,
               "every run that has not ended"),
    CLI_STORE_OPTION(struct resume_settings, store),
    CLI_KEY_OPTION(struct resume_settings, store),
    CLI_DRIVE_OPTIONS(struct resume_settings, drive),
    {0},
};

/* The runs to resume; the ids are owned. */
struct chosen {
  char **ids;
  size_t count, capacity;
  bool failed;
};

static bool choose(struct chosen *chosen, const char *id) {
  char *copy = strdup(id);
  chosen->failed = copy == NULL || !torpor__array_reserve(
                                       &chosen->ids, &chosen->capacity,
                                       chosen->count + 1, sizeof(*chosen->ids));
  if (chosen->failed) {
    free(copy);
    return false;
  }
  chosen->ids[chosen->count++] = copy;
  return true;
}

/* torpor_run_visit_fn */
static bool choose_unfinished(void *user, const torpor_run_info *info) {
  return choose(user, info->id);
}

/* The run that has not ended. With 'all' one of those, if there is any: a
 * worker finds the others. */
static int choose_for_itself(torpor_store *store, bool all,
                             struct chosen *chosen) {
  torpor_run_list_options unfinished = TORPOR_RUN_LIST_OPTIONS_INIT;
  unfinished.states = TORPOR_RUN_LISTED(TORPOR_RUN_READY) |
                      TORPOR_RUN_LISTED(TORPOR_RUN_WAITING);
  unfinished.limit = all ? 1 : 2;
  int code = cli_store_check(
      store, torpor_run_list(store, &unfinished, choose_unfinished, chosen));
  if (code != CLI_EXIT_DONE || all || chosen->count < 2) return code;
  cli_complain(
      "several runs have not ended; say which ('torpor list' shows them), or "
      "--all");
  return CLI_EXIT_USAGE;
}

static int choose_runs(torpor_store *store, const struct cli_call *call,
                       bool all, struct chosen *chosen) {
  if (call->count > 0 && all) {
    cli_complain("give ids or --all, not both");
    return CLI_EXIT_USAGE;
  }
  for (size_t i = 0; i < call->count && !chosen->failed; i++)
    choose(chosen, call->arguments[i]);
  if (call->count == 0) {
    int code = choose_for_itself(store, all, chosen);
    if (code != CLI_EXIT_DONE) return code;
  }
  if (chosen->failed) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  return cli_store_check_runs(store, call->arguments, call->count);
}

/* torpor_run_visit_fn */
static bool take_state(void *user, const torpor_run_info *info) {
  *(torpor_run_state *)user = info->state;
  return true;
}

/* Gives a parked run new attempts, and says so of one that has ended; '*state'
 * is how it stood. */
static int prepare_run(torpor_store *store, const char *id,
                       torpor_run_state *state) {
  torpor_status status = torpor_run_each(store, id, take_state, state);
  if (status == TORPOR_OK && *state == TORPOR_RUN_PARKED)
    status = torpor_run_unpark(store, id);
  else if (status == TORPOR_OK && !cli_store_goes_on(*state))
    cli_complain("run '%s' has ended: %s; 'torpor show %s' says how", id,
                 torpor_run_state_name(*state), id);
  return cli_store_check_run(store, status, id);
}

/* Leaves out those that have ended. '*end': the exit code of the last one. */
static int prepare_runs(torpor_store *store, struct chosen *chosen, int *end) {
  size_t left = 0;
  int code = CLI_EXIT_DONE;
  for (size_t i = 0; i < chosen->count; i++) {
    char *id = chosen->ids[i];
    torpor_run_state state = TORPOR_RUN_READY;
    if (code == CLI_EXIT_DONE) code = prepare_run(store, id, &state);
    if (cli_store_goes_on(state) || state == TORPOR_RUN_PARKED) {
      chosen->ids[left++] = id;
    } else {
      *end = cli_store_exit(state);
      free(id);
    }
  }
  chosen->count = left;
  return code;
}

/* Drives what 'call' names, which is in 'chosen'. */
static int drive_runs(torpor_store *store, const struct cli_call *call,
                      struct chosen *chosen) {
  const struct resume_settings *settings = call->settings;
  bool one = call->count == 1 || (call->count == 0 && !settings->all);
  int end = CLI_EXIT_DONE;
  if (chosen->count == 0 && !settings->drive.json)
    cli_complain("every run of the store has ended");
  int code = prepare_runs(store, chosen, &end);
  if (code != CLI_EXIT_DONE) return code;
  if (chosen->count == 0) return one ? end : CLI_EXIT_DONE;
  const struct cli_driven driven = {
      .store = store,
      .place = &settings->store,
      .ids = settings->all ? NULL : (const char *const *)chosen->ids,
      .until_ended = settings->all,
      .count = chosen->count,
      .several = !one};
  return cli_drive(&driven, &settings->drive);
}

static int run(const struct cli_call *call) {
  const struct resume_settings *settings = call->settings;
  struct chosen chosen = {0};
  torpor_store *store;
  int code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code != CLI_EXIT_DONE) return code;
  code = choose_runs(store, call, settings->all, &chosen);
  if (code == CLI_EXIT_DONE) code = drive_runs(store, call, &chosen);
  for (size_t i = 0; i < chosen.count; i++) free(chosen.ids[i]);
  free(chosen.ids);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_resume = {
    .name = "resume",
    .group = CLI_GROUP_RUN,
    .arguments = "[ID...]",
    .summary = "go on with runs from their last commit",
    .details =
        "Without an id: the one run that has not ended. A run that another\n"
        "process drives is waited for. A parked run gets new attempts. With\n"
        "several ids those that have ended are left out, after saying so.",
    .examples =
        "torpor resume order-1\n"
        "torpor resume --all\n",
    .options = options,
    .settings_size = sizeof(struct resume_settings),
    .least = 0,
    .most = SIZE_MAX,
    .run = run,
};
