/* SPDX-License-Identifier: MIT */
/* bundle-write.c - making a bundle.
 *
 *  (1) The same entries give the same bytes, in whatever order they came. */
#include "cli/executable/bundle-write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

const struct cli_entry *cli_draft_find(const struct cli_draft *draft,
                                       enum cli_entry_kind kind,
                                       const char *name) {
  for (size_t i = 0; i < draft->count; i++)
    if (cli_bundle_compare(kind, name, &draft->entries[i].entry) == 0)
      return &draft->entries[i].entry;
  return NULL;
}

bool cli_draft_add(struct cli_draft *draft, enum cli_entry_kind kind,
                   const char *name, const void *data, size_t size) {
  if (cli_draft_find(draft, kind, name) != NULL) return true;
  if (!torpor__array_reserve(&draft->entries, &draft->capacity,
                             draft->count + 1, sizeof(*draft->entries)))
    return false;
  char *own_name = torpor__array_copy(name, strlen(name) + 1);
  void *own_data = torpor__array_copy(data, size);
  if (own_name == NULL || own_data == NULL) {
    free(own_name);
    free(own_data);
    return false;
  }
  draft->entries[draft->count++].entry =
      (struct cli_entry){kind, own_name, own_data, size};
  return true;
}

bool cli_draft_edge(struct cli_draft *draft, const char *importer,
                    const char *specifier, const char *name) {
  size_t size = strlen(importer) + strlen(specifier) + 2;
  char *key = malloc(size);
  if (key == NULL) return false;
  snprintf(key, size, "%s\n%s", importer, specifier);
  bool added = cli_draft_add(draft, CLI_ENTRY_EDGE, key, name, strlen(name));
  free(key);
  return added;
}

static void free_entry(struct cli_entry *entry) {
  free((char *)entry->name);
  free((uint8_t *)entry->data);
}

void cli_draft_remove(struct cli_draft *draft, enum cli_entry_kind kind,
                      const char *name) {
  for (size_t i = 0; i < draft->count; i++) {
    if (cli_bundle_compare(kind, name, &draft->entries[i].entry) != 0) continue;
    free_entry(&draft->entries[i].entry);
    draft->entries[i] = draft->entries[--draft->count];
    return;
  }
}

void cli_draft_free(struct cli_draft *draft) {
  for (size_t i = 0; i < draft->count; i++)
    free_entry(&draft->entries[i].entry);
  free(draft->entries);
  *draft = (struct cli_draft){0};
}

/* ---- Writing -------------------------------------------------------------*/

static uint8_t *write_number(uint8_t *at, uint64_t number, size_t size) {
  for (size_t i = 0; i < size; i++) at[i] = (uint8_t)(number >> 8 * i);
  return at + size;
}

static uint8_t *write_bytes(uint8_t *at, const void *data, size_t size) {
  if (size > 0) memcpy(at, data, size);
  return at + size;
}

static int compare(const void *left, const void *right) {
  const struct cli_draft_entry *a = left, *b = right;
  return cli_bundle_compare(a->entry.kind, a->entry.name, &b->entry);
}

static uint64_t measure(const struct cli_draft *draft) {
  uint64_t size = CLI_BUNDLE_HEAD;
  for (size_t i = 0; i < draft->count; i++) {
    const struct cli_entry *entry = &draft->entries[i].entry;
    size += CLI_BUNDLE_ENTRY_HEAD + strlen(entry->name) + 1 + entry->size;
  }
  return size;
}

torpor_status cli_draft_write(struct cli_draft *draft, torpor_bytes *out) {
  uint64_t size = measure(draft);
  *out = (torpor_bytes){NULL, 0};
  if (size > CLI_BUNDLE_LARGEST) return TORPOR_LIMIT;
  uint8_t *data = malloc(size + 1), *at = data;
  if (data == NULL) return TORPOR_NOMEM;
  if (draft->count > 0)
    qsort(draft->entries, draft->count, sizeof(*draft->entries), compare);
  at = write_bytes(at, CLI_BUNDLE_MAGIC, 8);
  at = write_number(at, CLI_BUNDLE_VERSION, 4);
  at = write_number(at, 0, 4);
  at = write_number(at, size, 8);
  at = write_bytes(at, torpor_engine_id(), 64);
  at = write_number(at, draft->count, 4);
  at = write_number(at, 0, 4);
  for (size_t i = 0; i < draft->count; i++) {
    const struct cli_entry *entry = &draft->entries[i].entry;
    size_t name = strlen(entry->name);
    at = write_number(at, entry->kind, 4);
    at = write_number(at, name, 4);
    at = write_number(at, entry->size, 8);
    at = write_bytes(at, entry->name, name + 1);
    at = write_bytes(at, entry->data, entry->size);
  }
  write_number(data + 12, cli_bundle_sum(data, size), 4);
  data[size] = 0;
  *out = (torpor_bytes){data, size};
  return TORPOR_OK;
}
