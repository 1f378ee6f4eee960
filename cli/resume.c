/* SPDX-License-Identifier: MIT */
/* resume.c - torpor resume [ID...]: goes on with runs that nobody drives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "drive.h"
#include "output.h"

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
  return !cli_store_goes_on(info->state) || choose(user, info->id);
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
    int code = cli_store_check(
        store, torpor_run_each(store, NULL, choose_unfinished, chosen));
    if (code != CLI_EXIT_DONE) return code;
  }
  if (chosen->failed) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  if (call->count == 0 && !all && chosen->count > 1) {
    cli_complain(
        "%zu runs have not ended; say which ('torpor list' shows "
        "them), or --all",
        chosen->count);
    return CLI_EXIT_USAGE;
  }
  return CLI_EXIT_DONE;
}

struct ended {
  bool ended;
  torpor_run_state state;
};

/* torpor_run_visit_fn */
static bool look_whether_ended(void *user, const torpor_run_info *info) {
  struct ended *ended = user;
  ended->state = info->state;
  ended->ended =
      !cli_store_goes_on(info->state) && info->state != TORPOR_RUN_PARKED;
  return true;
}

/* Parked runs try again; one that has ended is said so. */
static int prepare_runs(torpor_store *store, const struct chosen *chosen,
                        bool *nothing) {
  for (size_t i = 0; i < chosen->count; i++) {
    struct ended ended = {0};
    int code =
        cli_store_check(store, torpor_run_each(store, chosen->ids[i],
                                               look_whether_ended, &ended));
    if (code != CLI_EXIT_DONE) return code;
    if (ended.ended) {
      cli_complain("run '%s' has ended: %s; 'torpor show %s' says how",
                   chosen->ids[i], torpor_run_state_name(ended.state),
                   chosen->ids[i]);
      *nothing = true;
      return cli_store_exit(ended.state);
    }
    if (ended.state == TORPOR_RUN_PARKED)
      code = cli_store_check(store, torpor_run_unpark(store, chosen->ids[i]));
    if (code != CLI_EXIT_DONE) return code;
  }
  return CLI_EXIT_DONE;
}

static int run(const struct cli_call *call) {
  const struct resume_settings *settings = call->settings;
  struct chosen chosen = {0};
  torpor_store *store;
  bool nothing = false;
  int code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code != CLI_EXIT_DONE) return code;
  code = choose_runs(store, call, settings->all, &chosen);
  if (code == CLI_EXIT_DONE) code = prepare_runs(store, &chosen, &nothing);
  if (code == CLI_EXIT_DONE && !nothing && chosen.count == 0 &&
      !settings->drive.json)
    fputs("torpor: every run of the store has ended\n", stderr);
  if (code == CLI_EXIT_DONE && !nothing && chosen.count > 0) {
    const struct cli_driven driven = {.store = store,
                                      .place = &settings->store,
                                      .ids = (const char *const *)chosen.ids,
                                      .count = chosen.count};
    code = cli_drive(&driven, &settings->drive);
  }
  for (size_t i = 0; i < chosen.count; i++) free(chosen.ids[i]);
  free(chosen.ids);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_resume = {
    .name = "resume",
    .arguments = "[ID...]",
    .summary = "go on with runs from their last commit",
    .details =
        "Without an id: the one run that has not ended. A run that another\n"
        "process drives is waited for. A parked run gets new attempts.",
    .options = options,
    .settings_size = sizeof(struct resume_settings),
    .least = 0,
    .most = SIZE_MAX,
    .run = run,
};
