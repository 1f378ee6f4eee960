/* SPDX-License-Identifier: MIT */
/* diff-heap.c - what changed in the heap. */
#include <string.h>

#include "cli/diff.h"

static struct cli_item heap_of(const struct cli_snapshot *snapshot) {
  return cli_item_get(cli_item_of(&snapshot->report), "heap");
}

bool cli_diff_heap(const struct cli_difference *difference, const char *key,
                   int64_t *out) {
  struct cli_item a = heap_of(difference->a), b = heap_of(difference->b);
  *out = cli_item_integer(cli_item_get(b, key)) -
         cli_item_integer(cli_item_get(a, key));
  return a.data != NULL && b.data != NULL;
}

struct sum {
  bool any;
  int64_t count, bytes;
};

/* All of 'classes' that are called 'name': several may be. */
static struct sum sum_class(struct cli_items classes, struct cli_item name) {
  struct sum sum = {0};
  struct cli_item item;
  while (cli_items_next(&classes, &item)) {
    struct cli_item other = cli_item_get(item, "class");
    if (other.size != name.size ||
        (name.size > 0 && memcmp(other.data, name.data, name.size) != 0))
      continue;
    sum.any = true;
    sum.count += cli_item_integer(cli_item_get(item, "count"));
    sum.bytes += cli_item_integer(cli_item_get(item, "bytes"));
  }
  return sum;
}

/* The part of 'classes' that ends before 'items', as a list of its own. */
static struct cli_items before_items(struct cli_items all,
                                     const struct cli_items *items) {
  all.left -= items->left + 1;
  return all;
}

void cli_diff_classes(const struct cli_difference *difference,
                      void (*visit)(const struct cli_class_change *change,
                                    void *user),
                      void *user) {
  struct cli_item classes[] = {cli_item_get(heap_of(difference->b), "classes"),
                               cli_item_get(heap_of(difference->a), "classes")};
  struct cli_items lists[] = {cli_item_elements(classes[0]),
                              cli_item_elements(classes[1])};
  if (classes[0].data == NULL || classes[1].data == NULL) return;
  for (int only_a = 0; only_a < 2; only_a++) {
    struct cli_items items = lists[only_a];
    struct cli_item item;
    while (cli_items_next(&items, &item)) {
      struct cli_item name = cli_item_get(item, "class");
      struct sum after = sum_class(lists[0], name);
      struct sum before = sum_class(lists[1], name);
      bool told = sum_class(before_items(lists[only_a], &items), name).any ||
                  (only_a && after.any);
      struct cli_class_change change = {name, after.count - before.count,
                                        after.bytes - before.bytes};
      if (!told && (change.count != 0 || change.bytes != 0))
        visit(&change, user);
    }
  }
}
