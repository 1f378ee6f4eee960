/* SPDX-License-Identifier: MIT */
/* bundle.c - reading a bundle. Nothing in it is trusted before it was looked
 * at: each size against what is there, each name for its end. */
#include "cli/program/bundle.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torpor.h"

static uint64_t read_number(const uint8_t *at, size_t size) {
  uint64_t number = 0;
  while (size-- > 0) number = number << 8 | at[size];
  return number;
}

uint32_t cli_bundle_sum(const uint8_t *data, size_t size) {
  uint8_t head[CLI_BUNDLE_HEAD];
  memcpy(head, data, sizeof(head));
  memset(head + 12, 0, 4);
  uint32_t sum = libdeflate_crc32(0, head, sizeof(head));
  return libdeflate_crc32(sum, data + sizeof(head), size - sizeof(head));
}

int cli_bundle_compare(enum cli_entry_kind kind, const char *name,
                       const struct cli_entry *entry) {
  if (kind != entry->kind) return kind < entry->kind ? -1 : 1;
  return strcmp(name, entry->name);
}

/* Reads one entry of what is left, and goes on behind it. */
static bool read_entry(const uint8_t **at, const uint8_t *end,
                       struct cli_entry *entry) {
  const uint8_t *head = *at;
  if (end - head < CLI_BUNDLE_ENTRY_HEAD) return false;
  uint64_t kind = read_number(head, 4), name = read_number(head + 4, 4);
  uint64_t size = read_number(head + 8, 8);
  uint64_t left = (uint64_t)(end - head) - CLI_BUNDLE_ENTRY_HEAD;
  if (kind == 0 || kind >= CLI_ENTRY_KINDS) return false;
  if (name >= left || size > left - name - 1) return false;
  entry->kind = (enum cli_entry_kind)kind;
  entry->name = (const char *)head + CLI_BUNDLE_ENTRY_HEAD;
  entry->data = head + CLI_BUNDLE_ENTRY_HEAD + name + 1;
  entry->size = (size_t)size;
  *at = entry->data + size;
  return memchr(entry->name, 0, name + 1) == entry->name + name;
}

static bool read_entries(struct cli_bundle *bundle, const uint8_t *data,
                         size_t size, size_t count) {
  const uint8_t *at = data + CLI_BUNDLE_HEAD, *end = data + size;
  for (; bundle->count < count; bundle->count++) {
    struct cli_entry *entry = &bundle->entries[bundle->count];
    if (!read_entry(&at, end, entry)) return false;
    if (bundle->count > 0 &&
        cli_bundle_compare(entry->kind, entry->name, entry - 1) <= 0)
      return false;
  }
  return at == end;
}

/* Copies an ABOUT entry that is a short text. */
static void copy_about(const struct cli_bundle *bundle, const char *name,
                       char *out, size_t room) {
  const struct cli_entry *entry =
      cli_bundle_find(bundle, CLI_ENTRY_ABOUT, name);
  size_t size = entry == NULL ? 0 : entry->size;
  if (size >= room) size = room - 1;
  if (size > 0) memcpy(out, entry->data, size);
  out[size] = '\0';
}

/* What can be said before the entries are read. */
static const char *check_head(const uint8_t *data, uint64_t size,
                              char words[160]) {
  if (size < CLI_BUNDLE_HEAD || memcmp(data, CLI_BUNDLE_MAGIC, 8) != 0)
    return "is no program of 'torpor build'";
  uint64_t version = read_number(data + 8, 4);
  if (version != CLI_BUNDLE_VERSION) {
    snprintf(words, 160,
             "has format %llu, and this is Torpor %s, which reads format %d: "
             "build it again",
             (unsigned long long)version, torpor_version(), CLI_BUNDLE_VERSION);
    return words;
  }
  if (read_number(data + 16, 8) != size || size > CLI_BUNDLE_LARGEST)
    return "was cut short: build it again";
  if (read_number(data + 12, 4) != cli_bundle_sum(data, (size_t)size))
    return "was altered (its checksum is wrong): build it again";
  return NULL;
}

const char *cli_bundle_open(struct cli_bundle *bundle, const void *given,
                            uint64_t size, char words[160]) {
  const uint8_t *data = given;
  *bundle = (struct cli_bundle){0};
  const char *wrong = check_head(data, size, words);
  if (wrong != NULL) return wrong;
  size_t count = read_number(data + 88, 4);
  if (count > (size - CLI_BUNDLE_HEAD) / (CLI_BUNDLE_ENTRY_HEAD + 1))
    return "makes no sense (the number of its entries)";
  memcpy(bundle->engine, data + 24, 64);
  bundle->entries = calloc(count + 1, sizeof(*bundle->entries));
  if (bundle->entries == NULL) return "does not fit into memory";
  if (!read_entries(bundle, data, (size_t)size, count)) {
    cli_bundle_close(bundle);
    return "makes no sense (its entries)";
  }
  copy_about(bundle, "torpor", bundle->version, sizeof(bundle->version));
  return NULL;
}

void cli_bundle_close(struct cli_bundle *bundle) {
  free(bundle->entries);
  *bundle = (struct cli_bundle){0};
}

const struct cli_entry *cli_bundle_find(const struct cli_bundle *bundle,
                                        enum cli_entry_kind kind,
                                        const char *name) {
  size_t low = 0, high = bundle == NULL ? 0 : bundle->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = cli_bundle_compare(kind, name, &bundle->entries[middle]);
    if (order == 0) return &bundle->entries[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

const struct cli_entry *cli_bundle_list(const struct cli_bundle *bundle,
                                        enum cli_entry_kind kind,
                                        size_t *count) {
  size_t first = 0;
  while (first < bundle->count && bundle->entries[first].kind != kind) first++;
  *count = 0;
  while (first + *count < bundle->count &&
         bundle->entries[first + *count].kind == kind)
    ++*count;
  return *count == 0 ? NULL : &bundle->entries[first];
}
