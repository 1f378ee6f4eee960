/* SPDX-License-Identifier: MIT */
/* manifest.c - the section of a snapshot that names its extensions.
 *
 * docs/snapshot-format.md says what it looks like. Here only its numbers are
 * checked against each other and against the extension that is at hand: what
 * binds a VM to it must not depend on what somebody else wrote.
 *
 * Any thread. */
#include "vm/extensions/manifest.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cbor.h"
#include "vm/common/error.h"
#include "vm/format/container.h"

#define FIELDS 7

static void write_link(const torpor__link *link, torpor__buffer *out) {
  const torpor__extension *extension = link->known->extension;
  torpor__cbor_head(out, TORPOR__CBOR_ARRAY, FIELDS);
  torpor__cbor_string(out, link->name);
  torpor__cbor_string(out, extension->version);
  torpor__cbor_bytes(out, TORPOR__CBOR_BYTES, link->known->hash,
                     sizeof(link->known->hash));
  torpor__cbor_integer(out, link->memory);
  torpor__cbor_integer(out, extension->memory_size);
  torpor__cbor_integer(out, link->table);
  torpor__cbor_integer(out, extension->table_size);
}

void torpor__manifest_write(const torpor_vm *vm, torpor__buffer *out) {
  torpor__cbor_head(out, TORPOR__CBOR_ARRAY, vm->link_count);
  for (uint32_t i = 0; i < vm->link_count; i++)
    write_link(torpor__link_at(vm, i), out);
}

/* ---- Reading --------------------------------------------------------------*/

typedef struct entry {
  torpor_slice name, version, hash;
  int64_t memory, memory_size, table, table_size;
} entry;

static bool read_entry(torpor__cbor_reader *reader, entry *out) {
  if (torpor__cbor_get_array(reader) != FIELDS) return false;
  out->name = torpor__cbor_get_text(reader);
  out->version = torpor__cbor_get_text(reader);
  out->hash = torpor__cbor_get_bytes(reader);
  out->memory = torpor__cbor_get_integer(reader);
  out->memory_size = torpor__cbor_get_integer(reader);
  out->table = torpor__cbor_get_integer(reader);
  out->table_size = torpor__cbor_get_integer(reader);
  return !reader->bad && out->name.size > 0 &&
         out->name.size < TORPOR__EXTENSION_NAME_SIZE && out->hash.size == 32 &&
         out->memory >= 0 && out->memory <= UINT32_MAX && out->table >= 0 &&
         out->table <= UINT32_MAX;
}

static torpor_status fail_missing(const entry *read) {
  char id[17];
  const uint8_t *hash = read->hash.data;
  for (int i = 0; i < 8; i++) snprintf(id + 2 * i, 3, "%02x", hash[i]);
  return torpor__fail(NULL, TORPOR_EXTENSION,
                      "the snapshot needs extension '%.*s' %.*s (SHA-256 "
                      "%s...), which is not here; load its .so once, or name "
                      "its folder in TORPOR_EXTENSION_PATH",
                      (int)read->name.size, (const char *)read->name.data,
                      (int)read->version.size, (const char *)read->version.data,
                      id);
}

static bool fits(const entry *read, const torpor__link *link, uint32_t end,
                 uint64_t memory) {
  const torpor__extension *extension = link->known->extension;
  uint32_t mask = (UINT32_C(1) << extension->memory_align) - 1;
  return read->memory_size == extension->memory_size &&
         read->table_size == extension->table_size &&
         (link->memory & mask) == 0 &&
         (uint64_t)link->memory + extension->memory_size <= memory &&
         torpor__link_is_placed(end, link);
}

static bool is_listed(const torpor__link_list *list, const torpor__link *link) {
  for (uint32_t i = 0; i < list->count; i++)
    if (list->items[i].known == link->known) return true;
  return false;
}

static torpor_status read_link(torpor__cbor_reader *reader, uint64_t memory,
                               uint32_t table_size, torpor__link_list *list) {
  torpor__link *link = &list->items[list->count];
  uint32_t end = list->count ? torpor__link_end(table_size, list) : table_size;
  torpor_status status;
  entry read;
  if (!read_entry(reader, &read))
    return torpor__container_damaged("its list of extensions");
  memset(link, 0, sizeof(*link));
  memcpy(link->name, read.name.data, read.name.size);
  link->memory = (uint32_t)read.memory;
  link->table = (uint32_t)read.table;
  status = torpor__extension_with(read.hash.data, &link->known);
  if (status != TORPOR_OK) return status;
  if (!link->known) return fail_missing(&read);
  if (!fits(&read, link, end, memory) || is_listed(list, link))
    return torpor__container_damaged("its list of extensions");
  list->count++;
  return TORPOR_OK;
}

torpor_status torpor__manifest_read(const uint8_t *data, size_t size,
                                    uint32_t table_size, uint64_t memory,
                                    torpor__link_list **out) {
  torpor__cbor_reader reader = torpor__cbor_read(data, size);
  size_t count = torpor__cbor_get_array(&reader);
  torpor_status status = TORPOR_OK;
  torpor__link_list *list;
  *out = NULL;
  if (reader.bad || count == 0 || count > TORPOR__LINKS_MOST)
    return torpor__container_damaged("its list of extensions");
  list = torpor__alloc(sizeof(*list) + count * sizeof(*list->items));
  if (!list)
    return torpor__fail(NULL, TORPOR_NOMEM, "no memory for extensions");
  list->count = 0;
  for (size_t i = 0; i < count && status == TORPOR_OK; i++)
    status = read_link(&reader, memory, table_size, list);
  if (status == TORPOR_OK && reader.at != reader.end)
    status = torpor__container_damaged("its list of extensions");
  if (status == TORPOR_OK) {
    *out = list;
    return TORPOR_OK;
  }
  torpor__alloc_free(list);
  return status;
}
