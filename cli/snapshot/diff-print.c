/* SPDX-License-Identifier: MIT */
/* diff-print.c - what 'torpor diff' found out, as one JSON object. */
#include "cli/diff.h"
#include "cli/text/json.h"
#include "cli/text/wait.h"

static void print_side(const char *name, const struct cli_snapshot *snapshot) {
  char hex[65];
  cli_json_open(name, '{');
  cli_json_text("name", snapshot->name);
  cli_json_text("id", cli_inspect_hex(snapshot->info.id, hex));
  cli_json_text("engine", snapshot->info.engine);
  cli_json_number("bytes", (int64_t)snapshot->size);
  cli_json_text("missing",
                snapshot->missing[0] == '\0' ? NULL : snapshot->missing);
  cli_json_close('}');
}

static void print_memory(const struct cli_difference *difference) {
  if (!difference->compared) {
    cli_json_text("memory", NULL);
    return;
  }
  cli_json_open("memory", '{');
  cli_json_number("pages", (int64_t)difference->pages.pages);
  cli_json_number("bytes", (int64_t)difference->pages.bytes);
  cli_json_close('}');
}

static void print_class(const struct cli_class_change *change, void *user) {
  (void)user;
  cli_json_open(NULL, '{');
  cli_json_data("class", change->name.data, change->name.size);
  cli_json_number("count", change->count);
  cli_json_number("bytes", change->bytes);
  cli_json_close('}');
}

static void print_heap(const struct cli_difference *difference) {
  int64_t used, freed;
  if (!cli_diff_heap(difference, "used", &used)) {
    cli_json_text("heap", NULL);
    return;
  }
  cli_diff_heap(difference, "free", &freed);
  cli_json_open("heap", '{');
  cli_json_number("used", used);
  cli_json_number("free", freed);
  cli_json_open("classes", '[');
  cli_diff_classes(difference, print_class, NULL);
  cli_json_close(']');
  cli_json_close('}');
}

static void print_operations(const char *name, const struct cli_list *list) {
  cli_json_open(name, '[');
  for (size_t i = 0; i < list->count; i++) cli_wait_print_item(list->items[i]);
  cli_json_close(']');
}

static void print_places(const char *name, const struct cli_list *list) {
  cli_json_open(name, '[');
  for (size_t i = 0; i < list->count; i++)
    cli_json_data(NULL, list->items[i].data, list->items[i].size);
  cli_json_close(']');
}

static void print_waiting(const struct cli_change *change) {
  if (!change->known) {
    cli_json_text("waiting", NULL);
    return;
  }
  cli_json_open("waiting", '{');
  print_places("come", &change->come);
  print_places("gone", &change->gone);
  cli_json_close('}');
}

/* torpor_run_line_fn */
static bool print_line(void *user, const torpor_run_line *line) {
  (void)user;
  cli_json_open(NULL, '{');
  cli_json_number("step", line->step);
  cli_json_string("text", line->text, line->size);
  cli_json_close('}');
  return true;
}

torpor_status cli_diff_print(const struct cli_difference *difference) {
  const struct cli_snapshot *a = difference->a, *b = difference->b;
  cli_json_open(NULL, '{');
  print_side("a", a);
  print_side("b", b);
  cli_json_number("bytes", (int64_t)b->size - (int64_t)a->size);
  cli_json_number("memory_bytes",
                  (int64_t)b->info.memory - (int64_t)a->info.memory);
  print_memory(difference);
  print_heap(difference);
  cli_json_open("operations", '{');
  print_operations("begun", &difference->operations.come);
  print_operations("gone", &difference->operations.gone);
  cli_json_close('}');
  print_waiting(&difference->waiting);
  cli_json_open("lines", '[');
  torpor_status status = cli_diff_lines(difference, print_line, NULL);
  cli_json_close(']');
  cli_json_close('}');
  return status;
}
