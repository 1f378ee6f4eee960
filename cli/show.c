/* SPDX-License-Identifier: MIT */
/* show.c - torpor show ID: what a run is, how it stands, and what it waits
 * for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/show.h"
#include "cli/store/store.h"
#include "cli/text/amount.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/wait.h"
#include "cli/text/when.h"

enum { INPUT_SHOWN = 400 /* characters */ };

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

/* ---- Its programs --------------------------------------------------------*/

/* torpor_run_version_fn */
static bool print_version(void *user, const torpor_run_version *version) {
  (void)user;
  cli_json_open(NULL, '{');
  cli_json_number("number", version->number);
  cli_json_text("file", version->file);
  cli_json_text("engine", version->engine);
  cli_json_number("start", version->start);
  cli_json_close('}');
  return true;
}

/* torpor_run_version_fn */
static bool count_version(void *user, const torpor_run_version *version) {
  (void)version;
  ++*(size_t *)user;
  return true;
}

/* torpor_run_version_fn */
static bool show_version(void *user, const torpor_run_version *version) {
  (void)user;
  cli_print(stdout, "%-11s%s, ", version->number == 0 ? "versions" : "",
            version->file);
  if (version->number > 0)
    cli_print(stdout, "after step %" PRId64 ", ", version->start);
  cli_print(stdout, "engine %.16s...\n", version->engine);
  return true;
}

/* Of a run that was upgraded. */
static torpor_status show_versions(torpor_store *store, const char *id) {
  size_t count = 0;
  torpor_status status = torpor_run_versions(store, id, count_version, &count);
  if (status != TORPOR_OK || count < 2) return status;
  return torpor_run_versions(store, id, show_version, NULL);
}

/* ---- Its limits ----------------------------------------------------------*/

/* What a run has that was made without saying so. */
static uint64_t or_usual(uint64_t value, uint64_t usual) {
  return value != 0 ? value : usual;
}

/* How many stay; null: all. */
static void print_kept(const char *name, uint64_t count) {
  if (count == TORPOR_RUN_KEEP_ALL)
    cli_json_text(name, NULL);
  else
    cli_json_number(name, (int64_t)count);
}

static void print_limits(const torpor_run_info *info) {
  cli_json_number("memory",
                  (int64_t)or_usual(info->memory_max, TORPOR_MEMORY_DEFAULT));
  cli_json_number("fuel", (int64_t)or_usual(info->fuel, TORPOR_RUN_FUEL));
  cli_json_number("deadline_ms",
                  (int64_t)or_usual(info->deadline_ms, TORPOR_RUN_DEADLINE_MS));
  print_kept("keep", info->keep);
  print_kept("keep_lines", info->keep_lines);
  cli_json_number("lines", (int64_t)info->lines);
  cli_json_number("lines_dropped", (int64_t)info->lines_dropped);
}

static void show_kept(uint64_t count, const char *what) {
  char text[CLI_AMOUNT_SIZE];
  bool all = count == TORPOR_RUN_KEEP_ALL;
  cli_print(stdout, "%s %s%s", all ? "all" : cli_amount_count(count, text),
            what, count == 1 ? "" : "s");
}

static void show_limits(const torpor_run_info *info) {
  char memory[CLI_AMOUNT_SIZE], fuel[CLI_AMOUNT_SIZE], time[CLI_WHEN_SIZE];
  cli_print(stdout, "limits     %s of memory; a step has %s of fuel and %s\n",
            cli_amount_bytes(or_usual(info->memory_max, TORPOR_MEMORY_DEFAULT),
                             memory),
            cli_amount_count(or_usual(info->fuel, TORPOR_RUN_FUEL), fuel),
            cli_when_exact(or_usual(info->deadline_ms, TORPOR_RUN_DEADLINE_MS),
                           time));
  cli_print(stdout, "keeps      ");
  show_kept(info->keep, "state");
  cli_print(stdout, ", ");
  show_kept(info->keep_lines, "console line");
  cli_print(stdout, "\n");
}

/* ---- The run -------------------------------------------------------------*/

/* torpor_run_visit_fn */
static bool print_run(void *user, const torpor_run_info *info) {
  (void)user;
  cli_show_members(info);
  cli_json_text("engine", info->engine);
  cli_json_text("access", info->access);
  cli_json_data("input", info->input, info->input_size);
  cli_json_text("parent", info->parent[0] != '\0' ? info->parent : NULL);
  print_limits(info);
  cli_json_data("value", info->value, info->value_size);
  return true;
}

/* A line with data as JSON; none when there is none. */
static void show_data(const char *label, const uint8_t *data, size_t size,
                      size_t most) {
  torpor_bytes json = {0};
  if (data == NULL || torpor_cbor_to_json(data, size, &json) != TORPOR_OK)
    return;
  cli_print(stdout, "%-11s", label);
  cli_output_cut(stdout, (const char *)json.data, json.size, most);
  cli_print(stdout, "\n");
  torpor_bytes_free(&json);
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
  (void)user;
  cli_print(stdout, "run        %s\n", info->id);
  const char *state = torpor_run_state_name(info->state);
  cli_print(stdout, "state      ");
  cli_output_style(stdout, cli_store_style(state));
  cli_print(stdout, "%s", state);
  cli_output_style(stdout, CLI_STYLE_PLAIN);
  cli_print(stdout, "%s%s%s", info->worked ? ", driven by a process now" : "",
            info->cancelling ? ", being cancelled" : "",
            info->reason[0] ? ": " : "");
  cli_output_plain(stdout, info->reason);
  putchar('\n');
  cli_print(stdout, "program    %s\n", info->file);
  if (info->parent[0] != '\0')
    cli_print(stdout, "forked     from %s\n", info->parent);
  show_data("input", info->input, info->input_size, INPUT_SHOWN);
  cli_print(stdout,
            "step       %" PRId64 " (branch %" PRId64 ", %" PRId64
            " attempts since)\n",
            info->step, info->branch, info->attempts);
  cli_print(stdout, "made       %s\n", cli_when_about(info->created_ms, when));
  cli_print(stdout, "changed    %s\n", cli_when_about(info->changed_ms, when));
  cli_print(stdout, "asleep in  %" PRIu64 " bytes\n", info->snapshot_size);
  show_limits(info);
  cli_print(stdout, "engine     %.16s...\n", info->engine);
  show_access(info->access);
  if (info->signals > 0)
    cli_print(stdout, "mailbox    %" PRIu64 " signal%s not taken yet\n",
              info->signals, info->signals == 1 ? "" : "s");
  show_data(info->state == TORPOR_RUN_DONE ? "result" : "error", info->value,
            info->value_size, SIZE_MAX);
  return true;
}

static torpor_status print_all(torpor_store *store, const char *id) {
  cli_json_open(NULL, '{');
  torpor_status status = torpor_run_each(store, id, print_run, NULL);
  cli_json_open("versions", '[');
  if (status == TORPOR_OK)
    status = torpor_run_versions(store, id, print_version, NULL);
  cli_json_close(']');
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
  if (status == TORPOR_OK) status = show_versions(store, id);
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
    .group = CLI_GROUP_LOOK,
    .arguments = "ID",
    .summary = "show how a run stands and what it waits for",
    .examples =
        "torpor show order-1\n"
        "torpor show order-1 --steps\n",
    .options = options,
    .settings_size = sizeof(struct show_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
