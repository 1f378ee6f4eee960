/* SPDX-License-Identifier: MIT */
/* cancel.c - torpor cancel ID: asks a run to end, or ends it. */
#include "cli/store/store.h"

struct cancel_settings {
  bool kill;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct cancel_settings, kill, "kill", 0, CLI_FLAG, NULL,
               "end it at once, without asking it"),
    CLI_STORE_OPTION(struct cancel_settings, store),
    {0},
};

static int run(const struct cli_call *call) {
  const struct cancel_settings *settings = call->settings;
  torpor_store *store;
  int code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code != CLI_EXIT_DONE) return code;
  code = cli_store_check_run(
      store, torpor_run_cancel(store, call->arguments[0], settings->kill),
      call->arguments[0]);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_cancel = {
    .name = "cancel",
    .group = CLI_GROUP_CHANGE,
    .arguments = "ID",
    .summary = "ask a run to end, or end it",
    .details =
        "What the run waits for rejects with an error named Cancelled, once;\n"
        "its program may still tidy up. That happens as soon as a worker\n"
        "drives it.",
    .examples =
        "torpor cancel order-2\n"
        "torpor cancel order-2 --kill\n",
    .options = options,
    .settings_size = sizeof(struct cancel_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
