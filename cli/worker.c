/* SPDX-License-Identifier: MIT */
/* worker.c - torpor worker: drives every run of a store until told to stop. */
#include <stdio.h>

#include "cli/store/drive.h"
#include "cli/text/output.h"

struct worker_settings {
  struct cli_store store;
  struct cli_drive drive;
};

static const struct cli_option options[] = {
    CLI_STORE_OPTION(struct worker_settings, store),
    CLI_KEY_OPTION(struct worker_settings, store),
    CLI_DRIVE_OPTIONS(struct worker_settings, drive),
    {0},
};

static int run(const struct cli_call *call) {
  const struct worker_settings *settings = call->settings;
  torpor_store *store;
  int code = cli_store_open(&settings->store, CLI_STORE_MAKE, &store);
  if (code != CLI_EXIT_DONE) return code;
  const struct cli_driven driven = {.store = store, .place = &settings->store};
  if (!settings->drive.json && !settings->drive.quiet)
    cli_print(stderr, "torpor: driving the runs of %s; Ctrl-C stops\n",
              cli_store_path(&settings->store));
  code = cli_drive(&driven, &settings->drive);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_worker = {
    .name = "worker",
    .group = CLI_GROUP_RUN,
    .arguments = "",
    .summary = "drive every run of a store until stopped",
    .details =
        "Also those that come later. Several workers may share a store; each\n"
        "run is driven by one of them. SIGINT, SIGTERM, SIGHUP and\n"
        "SIGQUIT stop it cleanly.",
    .examples = "torpor worker --store=shop.db\n",
    .options = options,
    .settings_size = sizeof(struct worker_settings),
    .least = 0,
    .most = 0,
    .run = run,
};
