/* SPDX-License-Identifier: MIT */
/* pointers.c - a set of addresses, numbered in the order in which they came.
 *
 * For walks over the heap: what was met before is known, and what still has to
 * be visited lies behind a place in the list.
 *
 *   items  | a | b | c |            table: open addressing, index in 'items'
 *            0   1   2              plus 1, at most half full
 *
 * Memory comes from the allocator below the engine, so that running out of it
 * throws nothing. */

enum { POINTERS_NONE = -1 };

typedef struct pointers {
  const void **items;
  uint32_t count, room;
  uint32_t *table;
  uint32_t table_size; /* a power of two, or 0 */
} pointers;

static void pointers_free(pointers *set) {
  free(set->items);
  free(set->table);
  *set = (pointers){0};
}

/* Where 'item' is in the table, or where it would be. */
static uint32_t *pointers_place(const pointers *set, const void *item) {
  uint32_t mask = set->table_size - 1;
  uint32_t at = ((uint32_t)(uintptr_t)item >> 3) * UINT32_C(2654435761);
  for (at >>= 4;; at++) {
    uint32_t *place = &set->table[at & mask];
    if (*place == 0 || set->items[*place - 1] == item) return place;
  }
}

/* The number of 'item', or POINTERS_NONE. */
static int32_t pointers_find(const pointers *set, const void *item) {
  if (set->table_size == 0) return POINTERS_NONE;
  return (int32_t)*pointers_place(set, item) - 1;
}

static bool pointers_grow(pointers *set) {
  uint32_t room = set->room ? set->room * 2 : 256;
  const void **items = realloc(set->items, room * sizeof(*items));
  uint32_t *table;
  if (items == NULL) return false;
  set->items = items;
  table = calloc(room * 2, sizeof(*table));
  if (table == NULL) return false;
  free(set->table);
  set->table = table;
  set->table_size = room * 2;
  set->room = room;
  for (uint32_t i = 0; i < set->count; i++)
    *pointers_place(set, set->items[i]) = i + 1;
  return true;
}

/* False: no memory. 'item' is not NULL. */
static bool pointers_add(pointers *set, const void *item) {
  uint32_t *place;
  if (set->count == set->room && !pointers_grow(set)) return false;
  place = pointers_place(set, item);
  if (*place != 0) return true;
  set->items[set->count++] = item;
  *place = set->count;
  return true;
}
