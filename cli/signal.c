/* SPDX-License-Identifier: MIT */
/* signal.c - torpor signal ID NAME [VALUE]: tells a run something. */
#include "cli/store/store.h"
#include "cli/text/output.h"
#include "cli/text/value.h"

/* A value of 1 MiB, which is the most, may be longer as JSON. */
enum { VALUE_LARGEST = 8 << 20 };

struct signal_settings {
  bool text;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_VALUE_TEXT_OPTION(struct signal_settings, text, "VALUE"),
    CLI_STORE_OPTION(struct signal_settings, store),
    {0},
};

/* Leaves 'out' empty when there is no value. */
static int read_value(const struct cli_call *call, torpor_bytes *out) {
  const struct signal_settings *settings = call->settings;
  const struct cli_value value = {
      .what = "the value", .largest = VALUE_LARGEST, .text = settings->text};
  if (call->count > 2) return cli_value_read(call->arguments[2], &value, out);
  if (!settings->text) return CLI_EXIT_DONE;
  cli_complain("--text is for a value, and there is none");
  return CLI_EXIT_USAGE;
}

static int run(const struct cli_call *call) {
  const struct signal_settings *settings = call->settings;
  const char *id = call->arguments[0], *name = call->arguments[1];
  torpor_bytes data = {0};
  torpor_store *store;
  int code = read_value(call, &data);
  if (code == CLI_EXIT_DONE)
    code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code == CLI_EXIT_DONE) {
    code = cli_store_check_run(
        store, torpor_run_signal(store, id, name, data.data, data.size), id);
    torpor_store_close(store);
  }
  torpor_bytes_free(&data);
  return code;
}

const struct cli_command cli_signal = {
    .name = "signal",
    .group = CLI_GROUP_CHANGE,
    .arguments = "ID NAME [VALUE]",
    .summary = "send a signal to a run, with a value",
    .details =
        "What signal(NAME) of module torpor:run gives the program. It is kept\n"
        "until the program asks for it, whether the run is driven now or not.\n"
        "VALUE is JSON, or with --text a text; '@FILE' stands for what a file\n"
        "holds, '-' for standard input, and '@@' begins a text with '@'.",
    .examples =
        "torpor signal order-1 decision '{\"ok\": true}'\n"
        "torpor signal order-1 note --text \"call back\"\n"
        "torpor signal order-1 decision @decision.json\n",
    .options = options,
    .settings_size = sizeof(struct signal_settings),
    .least = 2,
    .most = 3,
    .run = run,
};
