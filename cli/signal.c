/* SPDX-License-Identifier: MIT */
/* signal.c - torpor signal ID NAME [JSON]: tells a run something. */
#include <string.h>

#include "output.h"
#include "store.h"

struct signal_settings {
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_STORE_OPTION(struct signal_settings, store),
    {0},
};

static int run(const struct cli_call *call) {
  const struct signal_settings *settings = call->settings;
  torpor_bytes data = {0};
  torpor_store *store;
  if (call->count == 3 &&
      torpor_json_to_cbor(call->arguments[2], strlen(call->arguments[2]),
                          &data) != TORPOR_OK) {
    cli_complain(
        "the value is not JSON: %s; a text needs quotes of its own: "
        "'\"text\"'",
        torpor_last_error(NULL));
    return CLI_EXIT_USAGE;
  }
  int code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code == CLI_EXIT_DONE) {
    code = cli_store_check_run(store,
                               torpor_run_signal(store, call->arguments[0],
                                                 call->arguments[1], data.data,
                                                 data.size),
                               call->arguments[0]);
    torpor_store_close(store);
  }
  torpor_bytes_free(&data);
  return code;
}

const struct cli_command cli_signal = {
    .name = "signal",
    .arguments = "ID NAME [JSON]",
    .summary = "send a signal to a run, with a value",
    .details =
        "What signal(NAME) of module torpor:run gives the program. It is kept\n"
        "until the program asks for it, whether the run is driven now or not.",
    .options = options,
    .settings_size = sizeof(struct signal_settings),
    .least = 2,
    .most = 3,
    .run = run,
};
