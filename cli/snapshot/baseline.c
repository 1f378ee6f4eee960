/* SPDX-License-Identifier: MIT */
/* baseline.c - what every VM has, and what is a program's own. See baseline.h.
 *
 * The report of a VM that was just opened is compared with the one at hand, as
 * 'torpor diff' compares two, and what is left is written as a report. What is
 * the same is told by what the reports say of it: class, size, name, and what
 * holds it. */
#include "cli/snapshot/baseline.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diff.h"
#include "common/array.h"
#include "common/buffer.h"
#include "common/cbor.h"

/* ---- Pieces --------------------------------------------------------------*/

static void put_item(torpor__buffer *writer, const char *key,
                     struct cli_item item) {
  if (item.data == NULL) return;
  torpor__cbor_string(writer, key);
  torpor__buffer_add(writer, item.data, item.size);
}

static bool has_item(struct cli_item list, struct cli_item wanted) {
  struct cli_items items = cli_item_elements(list);
  struct cli_item item;
  while (cli_items_next(&items, &item))
    if (item.size == wanted.size &&
        memcmp(item.data, wanted.data, item.size) == 0)
      return true;
  return false;
}

/* ---- Classes -------------------------------------------------------------*/

struct classes {
  struct cli_class_change *changes;
  size_t count, capacity;
};

static void take_class(const struct cli_class_change *change, void *user) {
  struct classes *classes = user;
  if (change->bytes > 0 &&
      torpor__array_reserve(&classes->changes, &classes->capacity,
                            classes->count + 1, sizeof(*classes->changes)))
    classes->changes[classes->count++] = *change;
}

/* For qsort: the largest first. */
static int compare_classes(const void *a, const void *b) {
  const struct cli_class_change *left = a, *right = b;
  return (left->bytes < right->bytes) - (left->bytes > right->bytes);
}

static void put_classes(torpor__buffer *writer,
                        const struct cli_difference *difference) {
  struct classes classes = {0};
  cli_diff_classes(difference, take_class, &classes);
  if (classes.count > 0)
    qsort(classes.changes, classes.count, sizeof(*classes.changes),
          compare_classes);
  torpor__cbor_string(writer, "classes");
  torpor__cbor_head(writer, TORPOR__CBOR_ARRAY, classes.count);
  for (size_t i = 0; i < classes.count; i++) {
    const struct cli_class_change *change = &classes.changes[i];
    torpor__cbor_head(writer, TORPOR__CBOR_MAP, 3);
    put_item(writer, "class", change->name);
    torpor__cbor_string(writer, "count");
    torpor__cbor_integer(writer, change->count > 0 ? change->count : 0);
    torpor__cbor_string(writer, "bytes");
    torpor__cbor_integer(writer, change->bytes);
  }
  free(classes.changes);
}

/* ---- The report ----------------------------------------------------------*/

static void put_heap(torpor__buffer *writer,
                     const struct cli_difference *difference) {
  struct cli_item heap =
      cli_item_get(cli_item_of(&difference->b->report), "heap");
  int64_t own;
  cli_diff_heap(difference, "used", &own);
  torpor__cbor_string(writer, "heap");
  torpor__cbor_head(writer, TORPOR__CBOR_MAP, 4);
  put_item(writer, "used", cli_item_get(heap, "used"));
  put_item(writer, "free", cli_item_get(heap, "free"));
  torpor__cbor_string(writer, "own");
  torpor__cbor_integer(writer, own);
  put_classes(writer, difference);
}

/* The elements of list 'key' that are in b alone. */
static void put_list(torpor__buffer *writer,
                     const struct cli_difference *difference, const char *key) {
  struct cli_item from = cli_item_get(cli_item_of(&difference->a->report), key);
  struct cli_items items =
      cli_item_elements(cli_item_get(cli_item_of(&difference->b->report), key));
  torpor__buffer left = {0};
  struct cli_item item;
  size_t count = 0;
  while (cli_items_next(&items, &item)) {
    if (has_item(from, item)) continue;
    torpor__buffer_add(&left, item.data, item.size);
    count++;
  }
  torpor__cbor_string(writer, key);
  torpor__cbor_head(writer, TORPOR__CBOR_ARRAY, left.failed ? 0 : count);
  torpor__buffer_add(writer, left.data, left.failed ? 0 : left.size);
  torpor__buffer_free(&left);
}

static torpor_status write_own(const struct cli_difference *difference,
                               torpor_bytes *out) {
  static const char *const same[] = {"waiting", "operations", "jobs"};
  struct cli_item report = cli_item_of(&difference->b->report);
  torpor__buffer writer = {0};
  torpor__cbor_head(&writer, TORPOR__CBOR_MAP, 6);
  for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
    put_item(&writer, same[i], cli_item_get(report, same[i]));
  put_heap(&writer, difference);
  put_list(&writer, difference, "largest");
  put_list(&writer, difference, "functions");
  return torpor__buffer_finish(&writer, out);
}

/* The report of a VM that was just opened; empty where that fails. */
static torpor_bytes report_usual(const char *engine) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_bytes report = {NULL, 0};
  torpor_vm *vm = NULL;
  options.engine = engine;
  if (torpor_vm_open(&options, &vm) == TORPOR_OK)
    torpor_vm_inspect(vm, &report);
  torpor_vm_close(vm);
  return report;
}

void cli_baseline_leave_out(const char *engine, torpor_bytes *report) {
  struct cli_snapshot usual = {.report = report_usual(engine)};
  struct cli_snapshot own = {.report = *report};
  const struct cli_difference difference = {.a = &usual, .b = &own};
  torpor_bytes left;
  if (report->size > 0 && usual.report.size > 0 &&
      write_own(&difference, &left) == TORPOR_OK) {
    torpor_bytes_free(report);
    *report = left;
  }
  torpor_bytes_free(&usual.report);
}
