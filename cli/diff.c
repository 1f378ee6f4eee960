/* SPDX-License-Identifier: MIT */
/* diff.c - torpor diff A B: what changed from one snapshot to another.
 *
 * Gathered here, told by diff-show.c and diff-print.c. */
#include <stdlib.h>
#include <string.h>

#include "cli/diff.h"
#include "common/array.h"

struct diff_settings {
  bool json;
  struct cli_snapshot_settings snapshot;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct diff_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object"),
    CLI_SNAPSHOT_OPTIONS(struct diff_settings, snapshot),
    {0},
};

/* ---- Memory --------------------------------------------------------------*/

static bool same_kind(const struct cli_snapshot *a,
                      const struct cli_snapshot *b) {
  return strcmp(a->info.engine, b->info.engine) == 0 && !a->info.has_parent &&
         !b->info.has_parent;
}

static bool compare_memory(const struct cli_snapshot *a,
                           const struct cli_snapshot *b,
                           const struct cli_snapshot_settings *settings,
                           struct cli_pages_difference *out) {
  if (!same_kind(a, b)) return false;
  torpor_bytes left = cli_snapshot_section(a, settings, TORPOR_SECTION_MEMORY);
  torpor_bytes right = cli_snapshot_section(b, settings, TORPOR_SECTION_MEMORY);
  bool compared = left.data != NULL && right.data != NULL &&
                  cli_pages_compare(&left, &right, out);
  torpor_bytes_free(&left);
  torpor_bytes_free(&right);
  return compared;
}

/* ---- Lists ---------------------------------------------------------------*/

static bool add_item(struct cli_list *list, struct cli_item item) {
  if (!torpor__array_reserve(&list->items, &list->capacity, list->count + 1,
                             sizeof(*list->items)))
    return false;
  list->items[list->count++] = item;
  return true;
}

static struct cli_list list_elements(struct cli_item array) {
  struct cli_list list = {NULL, 0, 0};
  struct cli_items items = cli_item_elements(array);
  struct cli_item item;
  while (cli_items_next(&items, &item) && add_item(&list, item)) continue;
  return list;
}

/* Whether two maps have the same under 'key', or both nothing. */
static bool same_member(struct cli_item a, struct cli_item b, const char *key) {
  struct cli_item left = cli_item_get(a, key), right = cli_item_get(b, key);
  return left.size == right.size &&
         (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

typedef bool same_fn(struct cli_item a, struct cli_item b);

static bool same_operation(struct cli_item a, struct cli_item b) {
  return same_member(a, b, "id") && same_member(a, b, "kind") &&
         same_member(a, b, "begun");
}

static bool same_place(struct cli_item a, struct cli_item b) {
  return same_member(a, b, "function") && same_member(a, b, "file") &&
         same_member(a, b, "line") && same_member(a, b, "column") &&
         same_member(a, b, "kind");
}

/* What is in 'a' and not in 'b', each as often as it is there too often. Looks
 * first where the partner of the element before was: lists are mostly alike. */
static struct cli_list subtract(const struct cli_list *a,
                                const struct cli_list *b, same_fn *same) {
  struct cli_list rest = {NULL, 0, 0};
  bool *taken = calloc(b->count + 1, sizeof(*taken));
  size_t next = 0;
  for (size_t i = 0; i < a->count && taken != NULL; i++) {
    size_t tried = 0;
    for (; tried < b->count; tried++, next++) {
      if (next >= b->count) next = 0;
      if (!taken[next] && same(a->items[i], b->items[next])) break;
    }
    if (tried < b->count)
      taken[next++] = true;
    else if (!add_item(&rest, a->items[i]))
      break;
  }
  free(taken);
  return rest;
}

static void compare_lists(struct cli_item a, struct cli_item b, same_fn *same,
                          struct cli_change *out) {
  struct cli_list before = list_elements(a), after = list_elements(b);
  out->known = a.data != NULL && b.data != NULL;
  if (out->known) {
    out->gone = subtract(&before, &after, same);
    out->come = subtract(&after, &before, same);
  }
  free(before.items);
  free(after.items);
}

static void free_change(struct cli_change *change) {
  free(change->gone.items);
  free(change->come.items);
}

/* ---- All of it -----------------------------------------------------------*/

static void compare(const struct cli_snapshot *a, const struct cli_snapshot *b,
                    const struct cli_snapshot_settings *settings,
                    struct cli_difference *out) {
  *out = (struct cli_difference){.a = a, .b = b};
  out->compared = compare_memory(a, b, settings, &out->pages);
  compare_lists(cli_item_of(&a->operations), cli_item_of(&b->operations),
                same_operation, &out->operations);
  compare_lists(cli_inspect_waiting(a), cli_inspect_waiting(b), same_place,
                &out->waiting);
}

static int run(const struct cli_call *call) {
  const struct diff_settings *settings = call->settings;
  struct cli_snapshot a, b;
  struct cli_difference difference;
  int code =
      cli_snapshot_open(&settings->snapshot, call->arguments[0], NULL, &a);
  if (code != CLI_EXIT_DONE) return code;
  code = cli_snapshot_open(&settings->snapshot, call->arguments[1], NULL, &b);
  if (code == CLI_EXIT_DONE) {
    cli_snapshot_look(&a, &settings->snapshot);
    cli_snapshot_look(&b, &settings->snapshot);
    compare(&a, &b, &settings->snapshot, &difference);
    torpor_status status =
        (settings->json ? cli_diff_print : cli_diff_show)(&difference);
    if (status != TORPOR_OK) code = cli_store_check(b.store, status);
    free_change(&difference.operations);
    free_change(&difference.waiting);
    cli_snapshot_close(&b);
  }
  cli_snapshot_close(&a);
  return code;
}

const struct cli_command cli_diff = {
    .name = "diff",
    .group = CLI_GROUP_LOOK,
    .arguments = "A B",
    .summary = "say what changed between two snapshots or states",
    .details =
        "Each is a file ('-': standard input), a run's ID (its newest state),\n"
        "or ID@STEP, a state that the run keeps. Of two states of one run the\n"
        "console output between them is told as well.",
    .examples =
        "torpor diff order-1@1 order-1\n"
        "torpor diff order-1.snap order-1\n",
    .options = options,
    .settings_size = sizeof(struct diff_settings),
    .least = 2,
    .most = 2,
    .run = run,
};
