/* SPDX-License-Identifier: MIT */
/* remove.c - torpor remove ID...: removes runs that have ended. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/store/store.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"

struct remove_settings {
  bool json;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct remove_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object"),
    CLI_STORE_OPTION(struct remove_settings, store),
    {0},
};

/* torpor_run_visit_fn */
static bool note_state(void *user, const torpor_run_info *info) {
  *(torpor_run_state *)user = info->state;
  return true;
}

/* Whether each of them can go, before any of them does. */
static int check_runs(torpor_store *store, const struct cli_call *call) {
  for (size_t i = 0; i < call->count; i++) {
    const char *id = call->arguments[i];
    torpor_run_state state = TORPOR_RUN_DAMAGED;
    torpor_status status = torpor_run_each(store, id, note_state, &state);
    if (status == TORPOR_CORRUPT) continue;
    if (status != TORPOR_OK) return cli_store_check_run(store, status, id);
    if (!cli_store_goes_on(state) && state != TORPOR_RUN_PARKED) continue;
    cli_complain(
        "run '%s' has not ended (it is %s); 'torpor cancel --kill %s' "
        "ends it; nothing was removed",
        id, torpor_run_state_name(state), id);
    return CLI_EXIT_USAGE;
  }
  return CLI_EXIT_DONE;
}

static void tell(const torpor_run_pruned *removed, bool json) {
  if (json) {
    cli_json_open(NULL, '{');
    cli_json_number("runs", (int64_t)removed->runs);
    cli_json_number("states", (int64_t)removed->states);
    cli_json_number("bytes", (int64_t)removed->bytes);
    cli_json_close('}');
    return;
  }
  cli_print(stdout, "%" PRIu64 " run%s removed\n", removed->runs,
            removed->runs == 1 ? "" : "s");
}

static int run(const struct cli_call *call) {
  const struct remove_settings *settings = call->settings;
  torpor_run_pruned removed = TORPOR_RUN_PRUNED_INIT;
  torpor_store *store;
  int code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code != CLI_EXIT_DONE) return code;
  cli_progress("removing runs", "");
  code = check_runs(store, call);
  if (code == CLI_EXIT_DONE)
    code = cli_store_check(
        store, torpor_run_remove(store, (const char *const *)call->arguments,
                                 call->count, &removed));
  if (code == CLI_EXIT_DONE) tell(&removed, settings->json);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_remove = {
    .name = "remove",
    .group = CLI_GROUP_CHANGE,
    .arguments = "ID...",
    .summary = "remove runs that have ended, for good",
    .details =
        "All that the store has of them goes: states, console lines, signals,\n"
        "the result. If one of them is not there, or has not ended, nothing\n"
        "is removed. 'torpor prune --older-than' removes all that ended long\n"
        "ago.",
    .examples = "torpor remove order-1\n",
    .options = options,
    .settings_size = sizeof(struct remove_settings),
    .least = 1,
    .most = SIZE_MAX,
    .run = run,
};
