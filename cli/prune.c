/* SPDX-License-Identifier: MIT */
/* prune.c - torpor prune [ID...]: drops states that runs keep. */
#include <inttypes.h>
#include <stdio.h>

#include "amount.h"
#include "json.h"
#include "store.h"
#include "output.h"

struct prune_settings {
  struct cli_keep keep;
  bool all, dry_run, json;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct prune_settings, keep, "keep", 0, CLI_KEEP, "N|all",
               "how many states of each run stay"),
    CLI_OPTION(struct prune_settings, all, "all", 'a', CLI_FLAG, NULL,
               "every run of the store"),
    CLI_OPTION(struct prune_settings, dry_run, "dry-run", 'n', CLI_FLAG, NULL,
               "say what would happen, and change nothing"),
    CLI_OPTION(struct prune_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object"),
    CLI_STORE_OPTION(struct prune_settings, store),
    {0},
};

static int check_call(const struct cli_call *call) {
  const struct prune_settings *settings = call->settings;
  const char *wrong =
      !settings->keep.given              ? "say how many states stay: --keep=N"
      : call->count > 0 && settings->all ? "give ids or --all, not both"
      : call->count == 0 && !settings->all
          ? "say which runs ('torpor list' shows them), or --all"
          : NULL;
  if (wrong != NULL) cli_complain("%s", wrong);
  return wrong == NULL ? CLI_EXIT_DONE : CLI_EXIT_USAGE;
}

static int prune_runs(torpor_store *store, const struct cli_call *call,
                      torpor_run_pruned *total) {
  const struct prune_settings *settings = call->settings;
  if (settings->all)
    return cli_store_check(store,
                           torpor_run_prune(store, NULL, settings->keep.states,
                                            settings->dry_run, total));
  for (size_t i = 0; i < call->count; i++) {
    torpor_run_pruned pruned = TORPOR_RUN_PRUNED_INIT;
    const char *id = call->arguments[i];
    torpor_status status = torpor_run_prune(store, id, settings->keep.states,
                                            settings->dry_run, &pruned);
    int code = cli_store_check_run(store, status, id);
    if (code != CLI_EXIT_DONE) return code;
    total->states += pruned.states;
    total->bytes += pruned.bytes;
  }
  return CLI_EXIT_DONE;
}

static void tell(const torpor_run_pruned *total,
                 const struct prune_settings *settings) {
  char size[CLI_AMOUNT_SIZE];
  bool dry = settings->dry_run;
  if (settings->json) {
    cli_json_open(NULL, '{');
    cli_json_boolean("changed", !dry);
    cli_json_number("states", (int64_t)total->states);
    cli_json_number("bytes", (int64_t)total->bytes);
    cli_json_close('}');
    return;
  }
  cli_print(stdout, "%" PRIu64 " state%s %s, %s %s\n", total->states,
            total->states == 1 ? "" : "s", dry ? "would be dropped" : "dropped",
            cli_amount_bytes(total->bytes, size), dry ? "in them" : "freed");
}

static int run(const struct cli_call *call) {
  const struct prune_settings *settings = call->settings;
  torpor_run_pruned total = TORPOR_RUN_PRUNED_INIT;
  torpor_store *store;
  int code = check_call(call);
  if (code == CLI_EXIT_DONE)
    code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code != CLI_EXIT_DONE) return code;
  code = prune_runs(store, call, &total);
  if (code == CLI_EXIT_DONE) tell(&total, settings);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_prune = {
    .name = "prune",
    .arguments = "[ID...]",
    .summary = "drop earlier states that runs keep",
    .details =
        "The newest states stay, as many as --keep says, and what those are\n"
        "differences from. With 0 the newest stays to a run that has not\n"
        "ended, and nothing to one that has.",
    .options = options,
    .settings_size = sizeof(struct prune_settings),
    .least = 0,
    .most = SIZE_MAX,
    .run = run,
};
