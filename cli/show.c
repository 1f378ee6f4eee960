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
#include "when.h"

struct show_settings {
  bool json;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct show_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object"),
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

/* ---- What an operation waits for -----------------------------------------*/

/* The value of "path" in a request, which is small JSON; empty when none. */
static void find_path(const torpor_run_operation *operation, char *path,
                      size_t size) {
  static const char key[] = "\"path\":\"";
  torpor_bytes json = {0};
  path[0] = '\0';
  if (torpor_cbor_to_json(operation->request, operation->request_size, &json) !=
      TORPOR_OK)
    return;
  const char *at = strstr((const char *)json.data, key);
  if (at != NULL) {
    at += strlen(key);
    snprintf(path, size, "%.*s", (int)strcspn(at, "\""), at);
  }
  torpor_bytes_free(&json);
}

/* "the signal "approved", until 14:05:03 (in 2 h)" */
static void describe_wait(const torpor_run_operation *operation, char *text,
                          size_t size) {
  char when[CLI_WHEN_SIZE] = "", path[256];
  int at;
  find_path(operation, path, sizeof(path));
  if (operation->topic != NULL)
    at = snprintf(text, size, "the signal \"%s\"", operation->topic);
  else if (strcmp(operation->kind, "timer") == 0)
    at = snprintf(text, size, "a timer");
  else if (strcmp(operation->kind, "file-read") == 0)
    at = snprintf(text, size, "reading %s", path);
  else if (strcmp(operation->kind, "file-write") == 0)
    at = snprintf(text, size, "writing %s", path);
  else
    at = snprintf(text, size, "%s", operation->kind);
  if (operation->due_ms < 0 || at < 0 || (size_t)at >= size) return;
  snprintf(text + at, size - (size_t)at, ", until %s",
           cli_when_about(operation->due_ms, when));
}

/* torpor_run_operation_fn */
static bool print_operation(void *user, const torpor_run_operation *operation) {
  char waits_for[512];
  (void)user;
  describe_wait(operation, waits_for, sizeof(waits_for));
  cli_json_open(NULL, '{');
  cli_json_number("id", (int64_t)operation->id);
  cli_json_text("kind", operation->kind);
  cli_json_text("topic", operation->topic);
  cli_json_data("request", operation->request, operation->request_size);
  cli_json_time("begun", operation->begun_ms);
  cli_json_number("begun_step", operation->begun_step);
  cli_json_time("due", operation->due_ms);
  cli_json_text("key", operation->key);
  cli_json_text("waking", operation->waking);
  cli_json_text("waits_for", waits_for);
  cli_json_close('}');
  return true;
}

static bool show_operation(void *user, const torpor_run_operation *operation) {
  char waits_for[512], when[CLI_WHEN_SIZE];
  bool *any = user;
  describe_wait(operation, waits_for, sizeof(waits_for));
  fputs(*any ? "           " : "waits for  ", stdout);
  cli_output_plain(stdout, waits_for);
  printf("\n           since %s, step %" PRId64 "; after waking: %s\n",
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
      printf("%s%.*s%s\n", label, size, line,
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
  printf("run        %s\n", info->id);
  printf("state      %s%s%s%s", torpor_run_state_name(info->state),
         info->worked ? ", driven by a process now" : "",
         info->cancelling ? ", being cancelled" : "",
         info->reason[0] ? ": " : "");
  cli_output_plain(stdout, info->reason);
  putchar('\n');
  printf("program    %s\n", info->file);
  printf("step       %" PRId64 " (branch %" PRId64 ", %" PRId64
         " attempts since)\n",
         info->step, info->branch, info->attempts);
  printf("made       %s\n", cli_when_about(info->created_ms, when));
  printf("changed    %s\n", cli_when_about(info->changed_ms, when));
  printf("asleep in  %" PRIu64 " bytes\n", info->snapshot_size);
  printf("engine     %.16s...\n", info->engine);
  show_access(info->access);
  if (info->signals > 0)
    printf("mailbox    %" PRIu64 " signal%s not taken yet\n", info->signals,
           info->signals == 1 ? "" : "s");
  if (info->value != NULL &&
      torpor_cbor_to_json(info->value, info->value_size, &value) == TORPOR_OK) {
    fputs(info->state == TORPOR_RUN_DONE ? "result     " : "error      ",
          stdout);
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

/* torpor_run_visit_fn */
static bool look(void *user, const torpor_run_info *info) {
  (void)user;
  (void)info;
  return true;
}

static int run(const struct cli_call *call) {
  const struct show_settings *settings = call->settings;
  const char *id = call->arguments[0];
  torpor_store *store;
  int code = cli_store_open(&settings->store, CLI_STORE_LOOK, &store);
  if (code != CLI_EXIT_DONE) return code;
  torpor_status status = torpor_run_each(store, id, look, NULL);
  if (status == TORPOR_OK)
    status = settings->json ? print_all(store, id) : show_all(store, id);
  code = cli_store_check(store, status);
  torpor_store_close(store);
  return code;
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
