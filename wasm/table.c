/* SPDX-License-Identifier: MIT */
/* table.c - function tables, and the numbers of function types.
 *
 * A table is an array on the host's heap, which guest code reaches only through
 * checked indirect calls. There is a list of all tables, for leak checkers:
 * what points to a table lies in a region, where they do not look.
 *
 * A function type has one number in the whole process, so that modules that
 * were translated apart can call each other. The registry of types compares
 * signatures, and never forgets one.
 *
 * Tables belong to the thread of their instance; the list and the registry have
 * locks. */
#include "wasm/runtime.h"

#include <stdlib.h>
#include <string.h>

#include "wasm/mutex.h"

#define TYPE_PARTS_MAX 255 /* parameters and results of a function */

/* ---- Tables ---------------------------------------------------------------*/

struct block {
  struct block *next, **link; /* among all */
  wasm_rt_funcref_t entries[];
};

static struct block *blocks;

static wasm_rt_funcref_t *new_entries(uint32_t size) {
  struct block *block =
      calloc(1, sizeof *block + (size_t)size * sizeof *block->entries);
  if (block == NULL) return NULL;
  torpor__mutex_take(TORPOR__MUTEX_TABLES);
  block->next = blocks;
  block->link = &blocks;
  if (blocks != NULL) blocks->link = &block->next;
  blocks = block;
  torpor__mutex_give(TORPOR__MUTEX_TABLES);
  return block->entries;
}

static void free_entries(wasm_rt_funcref_t *entries) {
  struct block *block;
  if (entries == NULL) return;
  block = (struct block *)((char *)entries - offsetof(struct block, entries));
  torpor__mutex_take(TORPOR__MUTEX_TABLES);
  *block->link = block->next;
  if (block->next != NULL) block->next->link = block->link;
  torpor__mutex_give(TORPOR__MUTEX_TABLES);
  free(block);
}

/* Makes room for 'size' empty entries. false: no memory, the table is empty. */
static bool reserve_table(wasm_rt_funcref_table_t *table, uint32_t size,
                          uint32_t max_size) {
  if (table->data == NULL || table->size != size) {
    free_entries(table->data);
    table->data = new_entries(size);
  } else {
    memset(table->data, 0, size * sizeof *table->data);
  }
  table->size = table->data != NULL ? size : 0;
  table->max_size = max_size;
  return table->data != NULL;
}

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table,
                                    uint32_t size, uint32_t max_size) {
  if (!reserve_table(table, size, max_size))
    torpor__trap_raise(TORPOR__TRAP_MEMORY);
}

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table) {
  free_entries(table->data);
  *table = (wasm_rt_funcref_table_t){NULL, 0, 0};
}

bool torpor__table_resize(wasm_rt_funcref_table_t *table, uint32_t size) {
  uint32_t kept = size < table->size ? size : table->size;
  wasm_rt_funcref_t *entries;
  if (size == table->size) return true;
  entries = new_entries(size);
  if (entries == NULL) return false;
  memcpy(entries, table->data, kept * sizeof *entries);
  free_entries(table->data);
  table->data = entries;
  table->size = size;
  return true;
}

/* ---- Types ----------------------------------------------------------------*/

struct type {
  struct type *next;
  uint32_t number, params, count;
  uint8_t parts[]; /* 'count' wasm_rt_type_t: parameters, then results */
};

static struct {
  struct type *first;
  uint32_t count;
} types;

static uint32_t find_type(uint32_t params, const uint8_t *parts,
                          uint32_t count) {
  for (const struct type *type = types.first; type; type = type->next)
    if (type->params == params && type->count == count &&
        memcmp(type->parts, parts, count) == 0)
      return type->number;
  return 0;
}

/* 0 when there is no memory: no call through a table matches that, since
 * a null entry is refused before its type is looked at. */
static uint32_t add_type(uint32_t params, const uint8_t *parts,
                         uint32_t count) {
  struct type *type = malloc(sizeof *type + count);
  if (type == NULL) return 0;
  type->next = types.first;
  type->number = ++types.count;
  type->params = params;
  type->count = count;
  memcpy(type->parts, parts, count);
  types.first = type;
  return type->number;
}

static uint32_t number_of(uint32_t params, const uint8_t *parts,
                          uint32_t count) {
  torpor__mutex_take(TORPOR__MUTEX_TYPES);
  uint32_t number = find_type(params, parts, count);
  if (number == 0) number = add_type(params, parts, count);
  torpor__mutex_give(TORPOR__MUTEX_TYPES);
  return number;
}

static uint32_t register_type(uint32_t params, uint32_t results, va_list list) {
  uint8_t parts[TYPE_PARTS_MAX];
  uint32_t count = params + results;
  if (params > TYPE_PARTS_MAX || count > TYPE_PARTS_MAX) return 0;
  for (uint32_t i = 0; i < count; i++) parts[i] = (uint8_t)va_arg(list, int);
  return number_of(params, parts, count);
}

uint32_t torpor__type_number(const char *signature) {
  static const char letters[] = "ilfd"; /* in the order of wasm_rt_type */
  uint8_t parts[TYPE_PARTS_MAX];
  uint32_t params = 0, count = 0;
  for (; *signature; signature++) {
    const char *letter = strchr(letters, *signature);
    if (*signature == ':') {
      params = count;
      continue;
    }
    if (letter == NULL || count == TYPE_PARTS_MAX) return 0;
    parts[count++] = (uint8_t)(letter - letters);
  }
  return number_of(params, parts, count);
}

uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...) {
  va_list list;
  va_start(list, results);
  uint32_t number = register_type(params, results, list);
  va_end(list);
  return number;
}

/* ---- The runtime as an object ---------------------------------------------*/

static void leave_guest(wasm_rt_trap_t trap) {
  wasm_rt_trap(trap);
}

const torpor__wasm_runtime torpor__wasm_runtime_here = {
    .trap = leave_guest,
    .grow_memory = wasm_rt_grow_memory,
    .register_func_type = register_type,
    .reserve_table = reserve_table,
    .free_table = wasm_rt_free_funcref_table,
};
