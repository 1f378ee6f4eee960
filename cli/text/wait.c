/* SPDX-License-Identifier: MIT */
/* wait.c - what an operation waits for, as people read it. */
#include <stdio.h>
#include <string.h>

#include "cli/text/json.h"
#include "cli/text/wait.h"
#include "cli/text/when.h"

enum { KIND_SIZE = TORPOR_KIND_LARGEST + 1, TOPIC_SIZE = 257 };

/* What the request has under 'key'; empty when it has none. */
static void find_text(const torpor_run_operation *operation, const char *key,
                      char *text, size_t size) {
  struct cli_item request = {operation->request, operation->request_size};
  size_t length;
  const char *found = cli_item_text(cli_item_get(request, key), &length);
  snprintf(text, size, "%.*s", (int)(length < size ? length : size), found);
}

const char *cli_wait_describe(const torpor_run_operation *operation,
                              char *text) {
  char when[CLI_WHEN_SIZE], path[256];
  int at;
  find_text(operation, "path", path, sizeof(path));
  if (operation->topic != NULL)
    at = snprintf(text, CLI_WAIT_SIZE, "the signal \"%s\"", operation->topic);
  else if (strcmp(operation->kind, "timer") == 0)
    at = snprintf(text, CLI_WAIT_SIZE, "a timer");
  else if (strcmp(operation->kind, "file-read") == 0)
    at = snprintf(text, CLI_WAIT_SIZE, "reading %s", path);
  else if (strcmp(operation->kind, "file-write") == 0)
    at = snprintf(text, CLI_WAIT_SIZE, "writing %s", path);
  else
    at = snprintf(text, CLI_WAIT_SIZE, "%s", operation->kind);
  if (operation->due_ms >= 0 && at >= 0 && at < CLI_WAIT_SIZE)
    snprintf(text + at, CLI_WAIT_SIZE - (size_t)at, ", until %s",
             cli_when_about(operation->due_ms, when));
  return text;
}

const char *cli_wait_short(const torpor_run_operation *operation, char *text) {
  static const char *const keys[] = {"path", "url"};
  char when[CLI_WHEN_SIZE], what[256] = "";
  for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && what[0] == '\0'; i++)
    find_text(operation, keys[i], what, sizeof(what));
  bool timed = operation->due_ms >= 0;
  snprintf(text, CLI_WAIT_SIZE, "%s%s%s%s%s", operation->kind,
           operation->topic != NULL || what[0] != '\0' ? " " : "",
           operation->topic != NULL ? operation->topic : what,
           timed ? " until " : "",
           timed ? cli_when_stamp(operation->due_ms, when) : "");
  return text;
}

/* An operation in a snapshot, with room for its texts. */
struct told {
  torpor_run_operation operation;
  char kind[KIND_SIZE], topic[TOPIC_SIZE];
};

static int64_t read_moment(struct cli_item item, const char *key) {
  double ms = cli_item_number(cli_item_get(item, key));
  return ms > 0 && ms < 9e15 ? (int64_t)ms : -1;
}

static void read_told(struct cli_item item, struct told *out) {
  torpor_run_operation *operation = &out->operation;
  size_t size;
  const char *kind = cli_item_text(cli_item_get(item, "kind"), &size);
  *out = (struct told){0};
  snprintf(out->kind, KIND_SIZE, "%.*s", size < KIND_SIZE ? (int)size : 0,
           kind);
  operation->kind = out->kind;
  operation->id = (uint64_t)cli_item_integer(cli_item_get(item, "id"));
  operation->request = (const uint8_t *)cli_item_text(
      cli_item_get(item, "request"), &operation->request_size);
  operation->due_ms = read_moment(item, "due");
  operation->begun_ms = read_moment(item, "begun");
  if (strcmp(out->kind, "signal") != 0) return;
  find_text(operation, "name", out->topic, TOPIC_SIZE);
  operation->topic = out->topic;
}

const char *cli_wait_describe_item(struct cli_item item, char *text) {
  struct told told;
  read_told(item, &told);
  return cli_wait_describe(&told.operation, text);
}

void cli_wait_members(const torpor_run_operation *operation) {
  cli_json_number("id", (int64_t)operation->id);
  cli_json_text("kind", operation->kind);
  cli_json_text("topic", operation->topic);
  cli_json_data("request", operation->request, operation->request_size);
  cli_json_time("begun", operation->begun_ms);
}

void cli_wait_print_item(struct cli_item item) {
  char text[CLI_WAIT_SIZE];
  struct told told;
  read_told(item, &told);
  const torpor_run_operation *operation = &told.operation;
  cli_json_open(NULL, '{');
  cli_wait_members(operation);
  cli_json_time("due", operation->due_ms);
  cli_json_text("waits_for", cli_wait_describe(operation, text));
  cli_json_close('}');
}
