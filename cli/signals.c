/* SPDX-License-Identifier: MIT */
/* signals.c - torpor signals ID: what waits in a run's mailbox. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/show.h"
#include "cli/store/store.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/when.h"

enum { VALUE_SHOWN = 100 /* characters */ };

struct signals_settings {
  bool json;
  uint64_t drop;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct signals_settings, drop, "drop", 0, CLI_COUNT, "N",
               "remove the signal with this number, and list nothing"),
    CLI_OPTION(struct signals_settings, json, "json", 0, CLI_FLAG, NULL,
               "print a JSON array"),
    CLI_STORE_OPTION(struct signals_settings, store),
    {0},
};

/* torpor_run_mail_fn */
static bool print_signal(void *user, const torpor_run_mail *mail) {
  (void)user;
  cli_json_open(NULL, '{');
  cli_json_number("number", mail->number);
  cli_json_text("name", mail->name);
  cli_json_time("sent", mail->sent_ms);
  cli_json_number("bytes", (int64_t)mail->size);
  cli_json_data("value", mail->value, mail->size);
  cli_json_close('}');
  return true;
}

/* torpor_run_mail_fn */
static bool show_signal(void *user, const torpor_run_mail *mail) {
  char when[CLI_WHEN_SIZE];
  torpor_bytes value = {0};
  size_t *count = user;
  if ((*count)++ == 0)
    cli_print(stdout, "%8s  %-32s %8s  %s\n", "NUMBER", "SENT", "BYTES",
              "NAME, VALUE");
  bool readable =
      torpor_cbor_to_json(mail->value, mail->size, &value) == TORPOR_OK;
  cli_print(stdout, "%8" PRId64 "  %-32s %8zu  %s ", mail->number,
            cli_when_about(mail->sent_ms, when), mail->size, mail->name);
  if (readable)
    cli_output_cut(stdout, (const char *)value.data, value.size, VALUE_SHOWN);
  cli_print(stdout, "%s\n", readable ? "" : "(cannot be read)");
  torpor_bytes_free(&value);
  return true;
}

static torpor_status list_signals(torpor_store *store, const char *id,
                                  bool json) {
  size_t count = 0;
  cli_show_list_open(json);
  torpor_status status =
      torpor_run_mailbox(store, id, json ? print_signal : show_signal, &count);
  cli_show_list_close(json, status, count, "no signal waits in the mailbox");
  return status;
}

/* cli_run_work_fn */
static torpor_status drop(torpor_store *store, const char *id,
                          const void *data) {
  const struct signals_settings *settings = data;
  return torpor_run_mail_drop(store, id, (int64_t)settings->drop);
}

/* cli_run_work_fn */
static torpor_status list(torpor_store *store, const char *id,
                          const void *data) {
  const struct signals_settings *settings = data;
  return list_signals(store, id, settings->json);
}

static int run(const struct cli_call *call) {
  const struct signals_settings *settings = call->settings;
  bool drops = settings->drop > 0;
  return cli_store_with_run(&settings->store,
                            drops ? CLI_STORE_USE : CLI_STORE_LOOK,
                            call->arguments[0], drops ? drop : list, settings);
}

const struct cli_command cli_signals = {
    .name = "signals",
    .group = CLI_GROUP_LOOK,
    .arguments = "ID",
    .summary = "list the signals that wait in a run's mailbox",
    .details =
        "Those that were sent and not yet taken, the oldest first. --drop\n"
        "takes one of them out, for good; a worker that drives the run has to\n"
        "be stopped first.",
    .examples = "torpor signals order-1\n",
    .options = options,
    .settings_size = sizeof(struct signals_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
