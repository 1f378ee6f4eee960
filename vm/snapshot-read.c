/* SPDX-License-Identifier: MIT */
/* snapshot-read.c - what the bytes of a snapshot say of themselves, without an
 * engine: whose they are, their sizes, the sections that are CBOR. And putting
 * a section into them, for what an exported run is besides its VM.
 *
 * Memory is not looked at, and is unpacked only for who asks for it
 * (docs/snapshot-format.md).
 *
 * Any thread. */
#include <string.h>

#include "common/buffer.h"
#include "common/cbor.h"
#include "vm/common/error.h"
#include "vm/format/container.h"
#include "wasm/runtime.h"

/* One item of CBOR, an array or map; gives how many it holds. */
static torpor_status check_cbor(const torpor__content *content,
                                torpor__major major, uint64_t *count) {
  torpor__cbor_reader reader = torpor__cbor_read(content->data, content->size);
  torpor__cbor_item item;
  if (!torpor__cbor_next(&reader, &item) || item.major != major ||
      item.indefinite || item.value > UINT32_MAX)
    return torpor__container_damaged("a list in it");
  *count = item.value;
  reader.at = reader.start;
  if (!torpor__cbor_skip(&reader) || reader.at != reader.end)
    return torpor__container_damaged("a list in it");
  return TORPOR_OK;
}

static torpor_status copy_content(const torpor__content *content,
                                  torpor_bytes *out) {
  torpor__buffer buffer = {0};
  torpor__buffer_add(&buffer, content->data, content->size);
  if (torpor__buffer_finish(&buffer, out) == TORPOR_OK) return TORPOR_OK;
  return torpor__fail(NULL, TORPOR_NOMEM, "out of memory");
}

static torpor_status describe(const torpor__container *container,
                              torpor_snapshot_info *info,
                              torpor_bytes *operations) {
  const torpor__content *list =
      &container->sections[TORPOR__SECTION_OPERATIONS];
  const torpor__content *memory = &container->sections[TORPOR__SECTION_MEMORY];
  uint64_t count = 0;
  torpor_status status;
  memcpy(info->engine, container->engine, sizeof(info->engine));
  info->version = container->version;
  info->memory = (uint64_t)container->pages * TORPOR__WASM_PAGE;
  info->bytes = memory->raw_size;
  info->has_parent = container->has_parent;
  memcpy(info->parent, container->parent, sizeof(info->parent));
  for (size_t i = 0; i < TORPOR__SECTION_END; i++)
    info->sections[i] = (torpor_section_size){
        container->sections[i].raw_size, container->sections[i].stored_size};
  status = check_cbor(list, TORPOR__CBOR_ARRAY, &count);
  info->operations = (uint32_t)count;
  if (status != TORPOR_OK || !operations) return status;
  return copy_content(list, operations);
}

torpor_status torpor_snapshot_read(const void *data, size_t size,
                                   torpor_snapshot_info *info,
                                   torpor_bytes *operations) {
  torpor_snapshot_info own = TORPOR_SNAPSHOT_INFO_INIT;
  torpor__container container;
  torpor_status status;
  TORPOR__REQUIRE(NULL, info);
  TORPOR__REQUIRE_SIZE(NULL, info, "TORPOR_SNAPSHOT_INFO_INIT");
  torpor__sized_give(info, &own, sizeof(own));
  if (operations) *operations = (torpor_bytes){NULL, 0};
  if (size > 0) TORPOR__REQUIRE(NULL, data);
  status = torpor__container_read(&container, data, size, TORPOR_MEMORY_LARGEST,
                                  false);
  if (status != TORPOR_OK) return status;
  status = torpor_snapshot_identify(data, size, own.id);
  if (status == TORPOR_OK) status = describe(&container, &own, operations);
  torpor__container_free(&container);
  if (status == TORPOR_OK) torpor__sized_give(info, &own, sizeof(own));
  return status;
}

/* ---- One section ----------------------------------------------------------*/

static torpor_status take_section(const torpor__container *container,
                                  torpor_section section, torpor_bytes *out) {
  const torpor__content *content = &container->sections[section];
  torpor__major major =
      section == TORPOR_SECTION_RUN ? TORPOR__CBOR_MAP : TORPOR__CBOR_ARRAY;
  uint64_t count;
  torpor_status status;
  if (!content->present)
    return torpor__fail(NULL, TORPOR_NOT_FOUND,
                        "the snapshot has no section %d", (int)section);
  if (section == TORPOR_SECTION_MEMORY) return copy_content(content, out);
  status = check_cbor(content, major, &count);
  return status == TORPOR_OK ? copy_content(content, out) : status;
}

torpor_status torpor_snapshot_section(const void *data, size_t size,
                                      torpor_section section,
                                      torpor_bytes *out) {
  torpor__container container;
  torpor_status status;
  TORPOR__REQUIRE(NULL, out);
  *out = (torpor_bytes){NULL, 0};
  if (size > 0) TORPOR__REQUIRE(NULL, data);
  if (section < TORPOR_SECTION_EXTENSIONS || section > TORPOR_SECTION_RUN)
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "section %d of a snapshot cannot be read alone",
                        (int)section);
  status = torpor__container_read(&container, data, size, TORPOR_MEMORY_LARGEST,
                                  section == TORPOR_SECTION_MEMORY);
  if (status != TORPOR_OK) return status;
  status = take_section(&container, section, out);
  torpor__container_free(&container);
  return status;
}

torpor_status torpor_snapshot_attach(const void *data, size_t size,
                                     const void *run, size_t run_size,
                                     torpor_bytes *out) {
  const torpor__content content = {.data = run, .size = run_size};
  torpor__container container;
  torpor_status status;
  uint64_t count;
  TORPOR__REQUIRE(NULL, out);
  *out = (torpor_bytes){NULL, 0};
  if (size > 0) TORPOR__REQUIRE(NULL, data);
  if (run_size > 0) TORPOR__REQUIRE(NULL, run);
  if (run_size > TORPOR__SECTION_LARGEST ||
      check_cbor(&content, TORPOR__CBOR_MAP, &count) != TORPOR_OK)
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "what is attached to a snapshot must be a CBOR map of "
                        "at most %llu bytes",
                        (unsigned long long)TORPOR__SECTION_LARGEST);
  status = torpor__container_read(&container, data, size, TORPOR_MEMORY_LARGEST,
                                  false);
  if (status != TORPOR_OK) return status;
  torpor__container_free(&container);
  status = torpor__container_replace(data, size, TORPOR__SECTION_RUN, run,
                                     run_size, out);
  if (status == TORPOR_OK) return TORPOR_OK;
  return torpor__fail(NULL, status, "out of memory");
}
