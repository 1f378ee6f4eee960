/* SPDX-License-Identifier: MIT */
/* upgrade.c - torpor upgrade ID FILE: moves a run to a new program. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/store/store.h"
#include "cli/text/amount.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"
#include "cli/text/wait.h"

enum { STATE_SHOWN = 400 /* characters */ };

struct upgrade_settings {
  const char *exporter;
  bool dry_run, json;
  struct cli_grant extensions;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct upgrade_settings, exporter, "exporter", 0, CLI_PATH,
               "FILE",
               "module whose default export is the state, or gives it; it "
               "runs in the old program's VM"),
    CLI_OPTION(struct upgrade_settings, extensions, "extension", 0, CLI_FILES,
               "NAME|FILE",
               "load this extension for the new program (those that the run "
               "has)"),
    CLI_OPTION(struct upgrade_settings, dry_run, "dry-run", 'n', CLI_FLAG, NULL,
               "say what would happen, and change nothing"),
    CLI_OPTION(struct upgrade_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object"),
    CLI_STORE_OPTION(struct upgrade_settings, store),
    CLI_KEY_OPTION(struct upgrade_settings, store),
    {0},
};

/* ---- For people ----------------------------------------------------------*/

static void show_change(const char *label, const char *from, const char *to) {
  cli_print(stdout, "%-11s", label);
  cli_output_plain(stdout, from);
  if (strcmp(from, to) != 0) {
    fputs(" -> ", stdout);
    cli_output_plain(stdout, to);
  }
  putchar('\n');
}

static void show_state(const torpor_bytes *state) {
  torpor_bytes json = {NULL, 0};
  char size[CLI_AMOUNT_SIZE];
  cli_print(stdout, "state      %s", cli_amount_bytes(state->size, size));
  if (torpor_cbor_to_json(state->data, state->size, &json) == TORPOR_OK) {
    fputs(": ", stdout);
    cli_output_cut(stdout, (const char *)json.data, json.size, STATE_SHOWN);
  }
  putchar('\n');
  torpor_bytes_free(&json);
}

static void show_lost(const torpor_run_upgrade_report *report) {
  char text[CLI_WAIT_SIZE];
  for (size_t i = 0; i < report->lost_count; i++) {
    cli_print(stdout, "%s", i == 0 ? "dropped    " : "           ");
    cli_output_plain(stdout, cli_wait_describe(report->lost[i], text));
    putchar('\n');
  }
  if (report->answered > 0)
    cli_print(stdout,
              "           %" PRIu64
              " of these had a result, which is dropped\n",
              report->answered);
}

static void show_report(const char *id, const torpor_run_upgrade_report *report,
                        bool dry) {
  cli_print(stdout,
            "run        %s, step %" PRId64 ", branch %" PRId64 " -> %" PRId64
            "\n",
            id, report->step, report->from_branch, report->to_branch);
  show_change("program", report->from_file, report->to_file);
  cli_print(stdout, "           %" PRIu64 " file%s\n", report->modules,
            report->modules == 1 ? "" : "s");
  show_change("engine", report->from_engine, report->to_engine);
  show_state(&report->state);
  show_lost(report);
  if (report->signals > 0)
    cli_print(stdout,
              "mailbox    %" PRIu64 " signal%s, for the new program to take\n",
              report->signals, report->signals == 1 ? "" : "s");
  cli_print(stdout, "%s\n",
            dry ? "nothing was changed"
                : "the new program begins when the run is driven");
}

/* ---- For programs --------------------------------------------------------*/

static void print_lost(const torpor_run_operation *operation) {
  char text[CLI_WAIT_SIZE];
  cli_json_open(NULL, '{');
  cli_json_number("id", (int64_t)operation->id);
  cli_json_text("kind", operation->kind);
  cli_json_text("topic", operation->topic);
  cli_json_data("request", operation->request, operation->request_size);
  cli_json_time("due", operation->due_ms);
  cli_json_text("waits_for", cli_wait_describe(operation, text));
  cli_json_close('}');
}

static void print_report(const char *id,
                         const torpor_run_upgrade_report *report, bool dry) {
  cli_json_open(NULL, '{');
  cli_json_text("run", id);
  cli_json_boolean("changed", !dry);
  cli_json_number("step", report->step);
  cli_json_number("from_branch", report->from_branch);
  cli_json_number("to_branch", report->to_branch);
  cli_json_text("from_file", report->from_file);
  cli_json_text("to_file", report->to_file);
  cli_json_text("from_engine", report->from_engine);
  cli_json_text("to_engine", report->to_engine);
  cli_json_number("modules", (int64_t)report->modules);
  cli_json_number("state_bytes", (int64_t)report->state.size);
  cli_json_data("state", report->state.data, report->state.size);
  cli_json_open("dropped", '[');
  for (size_t i = 0; i < report->lost_count; i++) print_lost(report->lost[i]);
  cli_json_close(']');
  cli_json_number("answered", (int64_t)report->answered);
  cli_json_number("signals", (int64_t)report->signals);
  cli_json_close('}');
}

/* The exit code, after saying what went wrong. */
static int check_upgrade(torpor_store *store, torpor_status status,
                         const char *id) {
  int code = cli_store_check_run(store, status, id);
  bool module = status == TORPOR_NOT_FOUND && cli_store_has(store, id);
  return module ? CLI_EXIT_FILE : code;
}

static int run(const struct cli_call *call) {
  const struct upgrade_settings *settings = call->settings;
  const char *id = call->arguments[0];
  torpor_run_upgrade_options with = TORPOR_RUN_UPGRADE_OPTIONS_INIT;
  torpor_run_upgrade_report report = TORPOR_RUN_UPGRADE_REPORT_INIT;
  torpor_store *store;
  int code = cli_store_open(&settings->store, CLI_STORE_USE, &store);
  if (code != CLI_EXIT_DONE) return code;
  cli_progress("upgrading", id);
  with.file = call->arguments[1];
  with.exporter = settings->exporter;
  with.dry_run = settings->dry_run;
  with.extensions = settings->extensions.lists;
  with.extension_count = settings->extensions.count;
  code =
      check_upgrade(store, torpor_run_upgrade(store, id, &with, &report), id);
  if (code == CLI_EXIT_DONE) {
    (settings->json ? print_report : show_report)(id, &report,
                                                  settings->dry_run);
    torpor_run_upgrade_report_free(&report);
  }
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_upgrade = {
    .name = "upgrade",
    .group = CLI_GROUP_CHANGE,
    .arguments = "ID FILE",
    .summary = "move a run to a new program, with its data",
    .details =
        "The old program gave exportState() of torpor:run a function, or\n"
        "--exporter brings one: what it gives is handed to the function that\n"
        "the new program FILE gives onUpgrade(). That program begins from its\n"
        "start, on this Torpor's own engine. Signals that were not taken\n"
        "stay; what the old program waits for is dropped.",
    .examples =
        "torpor upgrade order-1 order-2.mjs --dry-run\n"
        "torpor upgrade order-1 order-2.mjs --exporter=exporter.mjs\n",
    .options = options,
    .settings_size = sizeof(struct upgrade_settings),
    .least = 2,
    .most = 2,
    .run = run,
};
