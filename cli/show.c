/* SPDX-License-Identifier: MIT */
/* show.c - torpor show ID: what a run is, how it stands, and what it waits
 * for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "output.h"
#include "show.h"
#include "store.h"
#include "wait.h"
#include "when.h"

struct show_settings {
  bool json, steps;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct show_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object"),
    CLI_OPTION(struct show_settings, steps, "steps", 0, CLI_FLAG, NULL,
               "list the states that it keeps"),
    CLI_STORE_OPTION(struct show_settings, store),
    {0},
};

void cli_show_members(const torpor_run_info *info) {
  cli_json_text("id", info->id);
  cli_json_text("file", info->file);
  cli_json_text("state", torpor_run_state_name(info->state));
  cli_json_number("step", info->step);
  cli_json_number("branch", info->branch);
  cli_json_number("attempts", info->attempts);
  cli_json_time("created", info->created_ms);
  cli_json_time("changed", info->changed_ms);
  cli_json_number("snapshot_bytes", (int64_t)info->snapshot_size);
  cli_json_number("signals", (int64_t)info->signals);
  cli_json_boolean("worked", info->worked);
  cli_json_boolean("cancelling", info->cancelling);
  cli_json_text("reason", info->reason);
}

void cli_show_list_open(bool json) {
  if (json) cli_json_open(NULL, '[');
}

void cli_show_list_close(bool json, torpor_status status, size_t count,
                         const char *none) {
  if (json)
    cli_json_close(']');
  else if (status == TORPOR_OK && count == 0)
    cli_complain("%s", none);
}

/* ---- What it waits for ---------------------------------------------------*/

/* torpor_run_operation_fn */
static bool print_operation(void *user, const torpor_run_operation *operation) {
  char waits_for[CLI_WAIT_SIZE];
  (void)user;
  cli_json_open(NULL, '{');
  cli_wait_members(operation);
  cli_json_number("begun_step", operation->begun_step);
  cli_json_time("due", operation->due_ms);
  cli_json_text("key", operation->key);
  cli_json_text("waking", operation->waking);
  cli_json_text("waits_for", cli_wait_describe(operation, waits_for));
  cli_json_close('}');
  return true;
}

static bool show_operation(void *user, const torpor_run_operation *operation) {
  char waits_for[CLI_WAIT_SIZE], when[CLI_WHEN_SIZE];
  bool *any = user;
  cli_print(stdout, "%s", *any ? "           " : "waits for  ");
  cli_output_plain(stdout, cli_wait_describe(operation, waits_for));
  cli_print(stdout,
            "\n           since %s, step %" PRId64 "; after waking: %s\n",
            cli_when_about(operation->begun_ms, when), operation->begun_step,
            operation->waking);
  *any = true;
  return true;
}

/* ---- The run -------------------------------------------------------------*/

/* torpor_run_visit_fn */
static bool print_run(void *user, const torpor_run_info *info) {
  (void)user;
  cli_show_members(info);
  cli_json_text("engine", info->engine);
  cli_json_text("access", info->access);
  cli_json_data("value", info->value, info->value_size);
  return true;
}

static void show_access(const char *access) {
  const char *label = "may        ";
  for (const char *line = access; *line != '\0';) {
    int size = (int)strcspn(line, "\n");
    if (strncmp(line, "folder ", 7) != 0) {
      cli_print(stdout, "%s%.*s%s\n", label, size, line,
                memchr(line, ' ', (size_t)size) ? "" : " everything");
      label = "           ";
    }
    line += size + (line[size] == '\n');
  }
}

static bool show_run(void *user, const torpor_run_info *info) {
  char when[CLI_WHEN_SIZE];
  torpor_bytes value = {0};
  (void)user;
  cli_print(stdout, "run        %s\n", info->id);
  cli_print(stdout, "state      %s%s%s%s", torpor_run_state_name(info->state),
            info->worked ? ", driven by a process now" : "",
            info->cancelling ? ", being cancelled" : "",
            info->reason[0] ? ": " : "");
  cli_output_plain(stdout, info->reason);
  putchar('\n');
  cli_print(stdout, "program    %s\n", info->file);
  cli_print(stdout,
            "step       %" PRId64 " (branch %" PRId64 ", %" PRId64
            " attempts since)\n",
            info->step, info->branch, info->attempts);
  cli_print(stdout, "made       %s\n", cli_when_about(info->created_ms, when));
  cli_print(stdout, "changed    %s\n", cli_when_about(info->changed_ms, when));
  cli_print(stdout, "asleep in  %" PRIu64 " bytes\n", info->snapshot_size);
  cli_print(stdout, "engine     %.16s...\n", info->engine);
  show_access(info->access);
  if (info->signals > 0)
    cli_print(stdout, "mailbox    %" PRIu64 " signal%s not taken yet\n",
              info->signals, info->signals == 1 ? "" : "s");
  if (info->value != NULL &&
      torpor_cbor_to_json(info->value, info->value_size, &value) == TORPOR_OK) {
    cli_print(stdout, "%s",
              info->state == TORPOR_RUN_DONE ? "result     " : "error      ");
    cli_output_plain(stdout, (const char *)value.data);
    putchar('\n');
  }
  torpor_bytes_free(&value);
  return true;
}

static torpor_status print_all(torpor_store *store, const char *id) {
  cli_json_open(NULL, '{');
  torpor_status status = torpor_run_each(store, id, print_run, NULL);
  cli_json_open("operations", '[');
  if (status == TORPOR_OK)
    status = torpor_run_operations(store, id, print_operation, NULL);
  cli_json_close(']');
  cli_json_close('}');
  return status;
}

static torpor_status show_all(torpor_store *store, const char *id) {
  bool any = false;
  torpor_status status = torpor_run_each(store, id, show_run, NULL);
  if (status == TORPOR_OK)
    status = torpor_run_operations(store, id, show_operation, &any);
  return status;
}

/* ---- Its states ----------------------------------------------------------*/

/* torpor_run_step_fn */
static bool print_step(void *user, const torpor_run_step *step) {
  (void)user;
  cli_json_open(NULL, '{');
  cli_json_number("step", step->step);
  cli_json_number("branch", step->branch);
  cli_json_number("bytes", (int64_t)step->size);
  if (step->parent_step < 0)
    cli_json_text("parent_step", NULL);
  else
    cli_json_number("parent_step", step->parent_step);
  cli_json_time("made", step->made_ms);
  cli_json_text("engine", step->engine);
  cli_json_close('}');
  return true;
}

/* torpor_run_step_fn */
static bool show_step(void *user, const torpor_run_step *step) {
  char when[CLI_WHEN_SIZE], from[32] = "whole";
  size_t *count = user;
  if ((*count)++ == 0)
    cli_print(stdout, "%8s %6s %10s  %-16s %s\n", "STEP", "BRANCH", "BYTES",
              "STORED", "MADE");
  if (step->parent_step >= 0)
    snprintf(from, sizeof(from), "from %" PRId64, step->parent_step);
  cli_print(stdout, "%8" PRId64 " %6" PRId64 " %10" PRIu64 "  %-16s %s\n",
            step->step, step->branch, step->size, from,
            cli_when_about(step->made_ms, when));
  return true;
}

static torpor_status show_steps(torpor_store *store, const char *id,
                                bool json) {
  size_t count = 0;
  cli_show_list_open(json);
  torpor_status status =
      torpor_run_steps(store, id, json ? print_step : show_step, &count);
  cli_show_list_close(json, status, count, "the run keeps no state");
  return status;
}

/* cli_run_work_fn */
static torpor_status show(torpor_store *store, const char *id,
                          const void *data) {
  const struct show_settings *settings = data;
  if (settings->steps) return show_steps(store, id, settings->json);
  return settings->json ? print_all(store, id) : show_all(store, id);
}

static int run(const struct cli_call *call) {
  const struct show_settings *settings = call->settings;
  return cli_store_with_run(&settings->store, CLI_STORE_LOOK,
                            call->arguments[0], show, settings);
}

const struct cli_command cli_show = {
    .name = "show",
    .arguments = "ID",
    .summary = "show how a run stands and what it waits for",
    .options = options,
    .settings_size = sizeof(struct show_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
