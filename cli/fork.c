/* SPDX-License-Identifier: MIT */
/* fork.c - torpor fork ID: a new run that goes on from a state of another. */
#include <stdio.h>

#include "cli/snapshot/snapshot.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"

struct fork_settings {
  bool json;
  const char *step, *id;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct fork_settings, step, "step", 0, CLI_TEXT, "STEP",
               "a state that the run keeps (the newest)"),
    CLI_OPTION(struct fork_settings, id, "id", 0, CLI_TEXT, "ID",
               "the new run's id (one is made)"),
    CLI_OPTION(struct fork_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object"),
    CLI_STORE_OPTION(struct fork_settings, store),
    CLI_KEY_OPTION(struct fork_settings, store),
    {0},
};

/* torpor_run_visit_fn */
static bool print_fork(void *user, const torpor_run_info *info) {
  const char *from = user;
  cli_json_open(NULL, '{');
  cli_json_text("run", info->id);
  cli_json_text("from", from);
  cli_json_number("step", info->step);
  cli_json_number("branch", info->branch);
  cli_json_close('}');
  return true;
}

static int run(const struct cli_call *call) {
  const struct fork_settings *settings = call->settings;
  char from[TORPOR_RUN_ID_SIZE], id[TORPOR_RUN_ID_SIZE];
  torpor_store *store;
  int64_t step;
  int code =
      cli_snapshot_state(call->arguments[0], settings->step, from, &step);
  if (code == CLI_EXIT_DONE)
    code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code != CLI_EXIT_DONE) return code;
  cli_progress("forking", from);
  code = cli_store_check_run(
      store, torpor_run_fork(store, from, step, settings->id, id), from);
  if (code == CLI_EXIT_DONE && settings->json)
    code = cli_store_check(store, torpor_run_each(store, id, print_fork, from));
  else if (code == CLI_EXIT_DONE)
    cli_print(stdout, "%s\n", id);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_fork = {
    .name = "fork",
    .group = CLI_GROUP_CHANGE,
    .arguments = "ID",
    .summary = "make a run that goes on from a state of another",
    .details =
        "Prints the new run's id. It has the same program, input, access and\n"
        "state, and waits for the same; signals in the mailbox stay with the\n"
        "original. 'torpor resume' or 'torpor worker' drives it. ID@STEP is\n"
        "an earlier state, as with --step; step 0 is\n"
        "the program before it began.",
    .examples =
        "torpor fork order-1 --id what-if\n"
        "torpor fork order-1@1\n",
    .options = options,
    .settings_size = sizeof(struct fork_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
