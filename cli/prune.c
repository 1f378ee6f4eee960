/* SPDX-License-Identifier: MIT */
/* prune.c - torpor prune [ID...]: drops states that runs keep. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli/store/store.h"
#include "cli/text/amount.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"

struct prune_settings {
  struct cli_keep keep;
  uint64_t older_than; /* milliseconds */
  bool all, dry_run, json;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct prune_settings, keep, "keep", 0, CLI_KEEP, "N|all",
               "how many states of each run stay"),
    CLI_OPTION(struct prune_settings, all, "all", 'a', CLI_FLAG, NULL,
               "every run of the store"),
    CLI_OPTION(struct prune_settings, older_than, "older-than", 0, CLI_DURATION,
               "TIME",
               "remove runs that ended longer ago, such as 30d, with all of "
               "them"),
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
      settings->older_than > 0
          ? settings->keep.given || call->count > 0 || settings->all
                ? "--older-than removes whole runs of the store; it goes with "
                  "neither --keep nor ids"
                : NULL
      : !settings->keep.given
          ? "say how many states stay: --keep=N; or which runs go: "
            "--older-than=TIME (1ms: all that have ended)"
      : call->count > 0 && settings->all ? "give ids or --all, not both"
      : call->count == 0 && !settings->all
          ? "say which runs ('torpor list' shows them), or --all"
          : NULL;
  if (wrong != NULL) cli_complain("%s", wrong);
  return wrong == NULL ? CLI_EXIT_DONE : CLI_EXIT_USAGE;
}

/* The time, in Unix milliseconds, that was 'age_ms' ago. */
static int64_t ago(uint64_t age_ms) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
  return age_ms < (uint64_t)ms ? ms - (int64_t)age_ms : 0;
}

static int prune_runs(torpor_store *store, const struct cli_call *call,
                      torpor_run_pruned *total) {
  const struct prune_settings *settings = call->settings;
  if (settings->older_than > 0)
    return cli_store_check(
        store, torpor_run_remove_ended(store, ago(settings->older_than),
                                       settings->dry_run, total));
  if (settings->all)
    return cli_store_check(store,
                           torpor_run_prune(store, NULL, settings->keep.states,
                                            settings->dry_run, total));
  int code = cli_store_check_runs(store, call->arguments, call->count);
  if (code != CLI_EXIT_DONE) return code;
  for (size_t i = 0; i < call->count; i++) {
    torpor_run_pruned pruned = TORPOR_RUN_PRUNED_INIT;
    const char *id = call->arguments[i];
    cli_progress_count(i, call->count, "runs");
    torpor_status status = torpor_run_prune(store, id, settings->keep.states,
                                            settings->dry_run, &pruned);
    code = cli_store_check_run(store, status, id);
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
    if (settings->older_than > 0) cli_json_number("runs", (int64_t)total->runs);
    cli_json_number("states", (int64_t)total->states);
    cli_json_number("bytes", (int64_t)total->bytes);
    cli_json_close('}');
    return;
  }
  if (settings->older_than > 0) {
    cli_print(stdout, "%" PRIu64 " run%s %s\n", total->runs,
              total->runs == 1 ? "" : "s",
              dry ? "would be removed" : "removed");
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
  cli_progress("dropping states", "");
  code = prune_runs(store, call, &total);
  if (code == CLI_EXIT_DONE) tell(&total, settings);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_prune = {
    .name = "prune",
    .group = CLI_GROUP_CHANGE,
    .arguments = "[ID...]",
    .summary = "drop earlier states of runs, or old runs",
    .details =
        "The newest states stay, as many as --keep says, and what those are\n"
        "differences from. With 0 the newest stays to a run that has not\n"
        "ended, and nothing to one that has. --older-than removes whole runs,\n"
        "as 'torpor remove' does.",
    .examples =
        "torpor prune order-1 --keep=1\n"
        "torpor prune --all --keep=3 --dry-run\n"
        "torpor prune --older-than=30d\n",
    .options = options,
    .settings_size = sizeof(struct prune_settings),
    .least = 0,
    .most = SIZE_MAX,
    .run = run,
};
