/* SPDX-License-Identifier: MIT */
/* list.c - torpor list: the runs of a store. */
#include <inttypes.h>
#include <stdio.h>

#include "json.h"
#include "show.h"
#include "store.h"
#include "when.h"
#include "output.h"

struct list_settings {
  bool json;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct list_settings, json, "json", 0, CLI_FLAG, NULL,
               "print a JSON array"),
    CLI_STORE_OPTION(struct list_settings, store),
    {0},
};

/* torpor_run_visit_fn */
static bool print_run(void *user, const torpor_run_info *info) {
  (void)user;
  cli_json_open(NULL, '{');
  cli_show_members(info);
  cli_json_number("operations", (int64_t)info->operations);
  cli_json_close('}');
  return true;
}

static bool show_run(void *user, const torpor_run_info *info) {
  char when[CLI_WHEN_SIZE];
  size_t *count = user;
  if ((*count)++ == 0)
    cli_print(stdout, "%-16s %-9s %8s %10s %6s  %s\n", "RUN", "STATE", "STEP",
              "BYTES", "WAITS", "CHANGED");
  cli_print(stdout, "%-16s %-9s %8" PRId64 " %10" PRIu64 " %6" PRIu64 "  %s\n",
            info->id, torpor_run_state_name(info->state), info->step,
            info->snapshot_size, info->operations,
            cli_when_about(info->changed_ms, when));
  return true;
}

static int run(const struct cli_call *call) {
  const struct list_settings *settings = call->settings;
  torpor_store *store;
  size_t count = 0;
  int code = cli_store_open(&settings->store, CLI_STORE_LOOK, &store);
  if (code != CLI_EXIT_DONE) return code;
  cli_show_list_open(settings->json);
  torpor_status status = torpor_run_each(
      store, NULL, settings->json ? print_run : show_run, &count);
  cli_show_list_close(settings->json, status, count, "the store has no runs");
  code = cli_store_check(store, status);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_list = {
    .name = "list",
    .arguments = "",
    .summary = "list the runs of a store",
    .options = options,
    .settings_size = sizeof(struct list_settings),
    .least = 0,
    .most = 0,
    .run = run,
};
