/* SPDX-License-Identifier: MIT */
/* diff-show.c - what 'torpor diff' found out, in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/diff.h"
#include "cli/text/amount.h"
#include "cli/text/output.h"
#include "cli/text/wait.h"

static void show_side(const char *label, const struct cli_snapshot *snapshot) {
  char size[CLI_AMOUNT_SIZE];
  cli_inspect_label(label);
  if (snapshot->store != NULL)
    cli_print(stdout, "run %s, step %" PRId64, snapshot->id, snapshot->step);
  else
    cli_output_plain(stdout, snapshot->name);
  cli_print(stdout, ", %s\n", cli_amount_bytes(snapshot->size, size));
}

static void show_memory(const struct cli_difference *difference) {
  const struct cli_snapshot *a = difference->a, *b = difference->b;
  const struct cli_pages_difference *pages = &difference->pages;
  char count[CLI_AMOUNT_SIZE], size[CLI_AMOUNT_SIZE];
  cli_inspect_label("memory");
  if (strcmp(a->info.engine, b->info.engine) != 0)
    puts("cannot be compared: the engines differ");
  else if (!difference->compared)
    puts("cannot be compared: a difference alone, or larger than --memory");
  else if (pages->bytes == 0)
    puts("no change");
  else
    cli_print(stdout, "%s in %s page%s\n", cli_amount_bytes(pages->bytes, size),
              cli_amount_count(pages->pages, count),
              pages->pages == 1 ? "" : "s");
}

/* ---- The heap ------------------------------------------------------------*/

static void show_class(const struct cli_class_change *change, void *user) {
  char size[CLI_AMOUNT_SIZE], name[CLI_INSPECT_TEXT + 1];
  size_t length;
  uint64_t *shown = user;
  if ((*shown)++ >= CLI_INSPECT_LINES) return;
  const char *text = cli_item_text(change->name, &length);
  snprintf(name, sizeof(name), "%.*s",
           (int)(length < CLI_INSPECT_TEXT ? length : CLI_INSPECT_TEXT), text);
  cli_print(stdout, "           %+12" PRId64 " %12s  ", change->count,
            cli_amount_change(change->bytes, size));
  cli_output_plain(stdout, name);
  putchar('\n');
}

static void show_heap(const struct cli_difference *difference) {
  char size[CLI_AMOUNT_SIZE];
  int64_t used;
  uint64_t shown = 0;
  cli_inspect_label("heap");
  if (!cli_diff_heap(difference, "used", &used)) {
    const char *why = difference->a->missing;
    if (why[0] == '\0') why = difference->b->missing;
    fputs("not known: ", stdout);
    cli_output_plain(stdout, why);
    putchar('\n');
    return;
  }
  cli_print(stdout, "%s\n", cli_amount_change(used, size));
  cli_diff_classes(difference, show_class, &shown);
  cli_inspect_rest(shown, CLI_INSPECT_LINES);
}

/* ---- What is waited for --------------------------------------------------*/

static void show_operations(const char *label, const struct cli_list *list) {
  char text[CLI_WAIT_SIZE];
  for (size_t i = 0; i < list->count && i < CLI_INSPECT_LINES; i++) {
    cli_inspect_label(i == 0 ? label : "");
    cli_print(stdout, "%" PRId64 " ",
              cli_item_integer(cli_item_get(list->items[i], "id")));
    cli_output_plain(stdout, cli_wait_describe_item(list->items[i], text));
    putchar('\n');
  }
  cli_inspect_rest(list->count, CLI_INSPECT_LINES);
}

static void show_places(const char *label, const struct cli_list *list) {
  for (size_t i = 0; i < list->count && i < CLI_INSPECT_LINES; i++) {
    cli_inspect_label(i == 0 ? label : "");
    cli_inspect_place(list->items[i]);
    putchar('\n');
  }
  cli_inspect_rest(list->count, CLI_INSPECT_LINES);
}

/* torpor_run_line_fn */
static bool show_line(void *user, const torpor_run_line *line) {
  uint64_t *shown = user;
  if ((*shown)++ >= CLI_INSPECT_LINES) return true;
  cli_inspect_label(*shown == 1 ? "printed" : "");
  cli_inspect_text(line->text, line->size);
  putchar('\n');
  return true;
}

torpor_status cli_diff_show(const struct cli_difference *difference) {
  uint64_t lines = 0;
  show_side("a", difference->a);
  show_side("b", difference->b);
  show_memory(difference);
  show_heap(difference);
  show_operations("begun", &difference->operations.come);
  show_operations("gone", &difference->operations.gone);
  show_places("asleep in", &difference->waiting.come);
  show_places("no longer", &difference->waiting.gone);
  torpor_status status = cli_diff_lines(difference, show_line, &lines);
  cli_inspect_rest(lines, CLI_INSPECT_LINES);
  return status;
}
