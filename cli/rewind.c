/* SPDX-License-Identifier: MIT */
/* rewind.c - torpor rewind ID@STEP: a run goes on from an earlier state. */
#include "cli/snapshot/snapshot.h"
#include "cli/text/progress.h"

struct rewind_settings {
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_STORE_OPTION(struct rewind_settings, store),
    CLI_KEY_OPTION(struct rewind_settings, store),
    {0},
};

static int run(const struct cli_call *call) {
  const struct rewind_settings *settings = call->settings;
  const char *given = call->count > 1 ? call->arguments[1] : NULL;
  char id[TORPOR_RUN_ID_SIZE];
  torpor_store *store;
  int64_t step;
  int code = cli_snapshot_state(call->arguments[0], given, id, &step);
  if (code == CLI_EXIT_DONE && step < 0) {
    cli_complain(
        "say to which step: %s@STEP ('torpor show %s --steps' lists "
        "them)",
        id, id);
    return CLI_EXIT_USAGE;
  }
  if (code == CLI_EXIT_DONE)
    code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code != CLI_EXIT_DONE) return code;
  cli_progress("rewinding", id);
  code = cli_store_check_run(store, torpor_run_rewind(store, id, step), id);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_rewind = {
    .name = "rewind",
    .group = CLI_GROUP_CHANGE,
    .arguments = "ID [STEP]",
    .summary = "let a run go on from an earlier state",
    .details =
        "It goes on in a new branch, also when it had ended or was parked.\n"
        "The step may stand behind the id, as in ID@STEP. The states after\n"
        "it are gone, the output stays; 0 begins the program anew.\n"
        "'torpor show ID --steps' lists the states that are kept.",
    .examples = "torpor rewind order-1 1\n",
    .options = options,
    .settings_size = sizeof(struct rewind_settings),
    .least = 1,
    .most = 2,
    .run = run,
};
