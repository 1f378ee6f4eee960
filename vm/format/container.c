/* SPDX-License-Identifier: MIT */
/* container.c - writing and reading the bytes of a snapshot.
 *
 * Little-endian (docs/snapshot-format.md):
 *
 *      0  magic 89 54 4f 52 50 0d 0a 1a
 *      8  u32 version, u32 size of this header (96)
 *     16  engine id, 32 bytes; 48  parent id, 32 bytes, zero: the baseline
 *     80  u32 pages, u32 flags (bit 0: a parent), u32 number of sections,
 *         u32 reserved (0)
 *     96  sections: u32 type, u32 method, u64 raw size, u64 stored size, bytes
 *    end  u32 CRC-32 of all before
 *
 *  (1) A reader believes no length before it has compared it with what is
 *      there, and allocates no more than the VM may have memory.
 *  (2) The order of checks is: magic, version, checksum, the rest. So a newer
 *      snapshot is called newer and a damaged one damaged. */
#include "vm/format/container.h"

#include <string.h>

#include "common/alloc.h"
#include "common/buffer.h"
#include "vm/common/bytes.h"
#include "vm/common/error.h"
#include "wasm/runtime.h"

#define HEADER_SIZE 96u
#define SECTION_SIZE 24u
#define CHECKSUM_SIZE 4u
#define ID_SIZE 32

#define AT_VERSION 8
#define AT_HEADER 12
#define AT_ENGINE 16
#define AT_PARENT 48
#define AT_PAGES 80
#define AT_FLAGS 84
#define AT_SECTIONS 88
#define AT_RESERVED 92

#define FLAG_PARENT 1u

static const uint8_t magic[8] = {0x89, 'T', 'O', 'R', 'P', '\r', '\n', 0x1a};

/* ---- Writing --------------------------------------------------------------*/

static unsigned hex_digit(char digit) {
  return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

void torpor__container_start(torpor__container_writer *writer, const char *id,
                             uint32_t pages, const torpor__packing *packing) {
  uint8_t header[HEADER_SIZE] = {0};
  *writer = (torpor__container_writer){.packing = *packing};
  memcpy(header, magic, sizeof(magic));
  torpor__bytes_write(header + AT_VERSION, TORPOR__SNAPSHOT_VERSION, 4);
  torpor__bytes_write(header + AT_HEADER, HEADER_SIZE, 4);
  for (size_t i = 0; i < ID_SIZE; i++)
    header[AT_ENGINE + i] =
        (uint8_t)(hex_digit(id[2 * i]) << 4 | hex_digit(id[2 * i + 1]));
  torpor__bytes_write(header + AT_PAGES, pages, 4);
  torpor__buffer_reserve(&writer->out, 6000); /* most small VMs fit */
  torpor__buffer_add(&writer->out, header, sizeof(header));
}

void torpor__container_set_parent(
    torpor__container_writer *writer,
    const uint8_t parent[TORPOR_SNAPSHOT_ID_SIZE]) {
  if (writer->out.failed) return;
  memcpy(writer->out.data + AT_PARENT, parent, ID_SIZE);
  torpor__bytes_write(writer->out.data + AT_FLAGS, FLAG_PARENT, 4);
}

void torpor__section_start(torpor__container_writer *writer,
                           torpor__section type) {
  uint8_t head[SECTION_SIZE] = {0};
  torpor__bytes_write(head, type, 4);
  writer->section_at = writer->out.size;
  writer->sections++;
  torpor__buffer_add(&writer->out, head, sizeof(head));
}

void torpor__section_stop(torpor__container_writer *writer) {
  torpor__buffer *out = &writer->out;
  size_t content = writer->section_at + SECTION_SIZE, size;
  torpor__method method;
  if (out->failed) return;
  if (writer->pieces) {
    size = torpor__pieces_size(writer->pieces);
    method = torpor__pack_pieces(out, writer->pieces, &writer->packing);
  } else {
    size = out->size - content;
    method = torpor__pack_tail(out, size, &writer->packing);
  }
  if (out->failed) return;
  torpor__bytes_write(out->data + writer->section_at + 4, method, 4);
  torpor__bytes_write(out->data + writer->section_at + 8, size, 8);
  torpor__bytes_write(out->data + writer->section_at + 16, out->size - content,
                      8);
}

/* Of all that there is, of which a part may be known. */
static uint32_t add_up(torpor__container_writer *writer) {
  const torpor__buffer *out = &writer->out;
  torpor__running_checksum *sum = &writer->sum;
  if (sum->end == sum->start) return torpor__checksum(out->data, out->size);
  torpor__checksum_follow(sum, out);
  return torpor__checksum_join(torpor__checksum(out->data, sum->start),
                               sum->value, sum->end - sum->start);
}

torpor_status torpor__container_finish(torpor__container_writer *writer,
                                       torpor_bytes *out) {
  torpor__buffer *buffer = &writer->out;
  uint8_t checksum[CHECKSUM_SIZE];
  if (!buffer->failed) {
    torpor__bytes_write(buffer->data + AT_SECTIONS, writer->sections, 4);
    torpor__bytes_write(checksum, add_up(writer), 4);
    torpor__buffer_add(buffer, checksum, sizeof(checksum));
  }
  return torpor__buffer_finish(buffer, out);
}

/* ---- Reading --------------------------------------------------------------*/

static torpor_status damaged(const char *what) {
  return torpor__fail(NULL, TORPOR_FORMAT,
                      "the snapshot is damaged or was cut off (%s); use "
                      "another copy of it",
                      what);
}

static torpor_status check_frame(const uint8_t *data, size_t size) {
  uint32_t version, checksum;
  if (torpor_snapshot_is_protected(data, size))
    return torpor__fail(NULL, TORPOR_KEY,
                        "the snapshot is protected; open it with its key first "
                        "(torpor_snapshot_unprotect)");
  if (size < sizeof(magic) || memcmp(data, magic, sizeof(magic)) != 0)
    return torpor__fail(NULL, TORPOR_FORMAT,
                        "this is not a Torpor snapshot (bad magic)");
  if (size < HEADER_SIZE + CHECKSUM_SIZE) return damaged("it is too short");
  version = torpor__bytes_read_u32(data + AT_VERSION);
  if (version > TORPOR__SNAPSHOT_VERSION)
    return torpor__fail(NULL, TORPOR_NEWER,
                        "the snapshot has format version %u, this Torpor reads "
                        "up to %d; use the newer Torpor that made it",
                        version, TORPOR__SNAPSHOT_VERSION);
  checksum = torpor__bytes_read_u32(data + size - CHECKSUM_SIZE);
  if (torpor__checksum(data, size - CHECKSUM_SIZE) != checksum)
    return torpor__fail(NULL, TORPOR_CHECKSUM,
                        "the snapshot's checksum does not match: its bytes "
                        "were altered or cut off; use another copy of it");
  if (version == 0 || torpor__bytes_read_u32(data + AT_HEADER) != HEADER_SIZE)
    return damaged("its header");
  return TORPOR_OK;
}

static torpor_status read_header(torpor__container *container,
                                 const uint8_t *data, uint64_t memory_max) {
  static const char digits[] = "0123456789abcdef";
  uint64_t memory;
  for (size_t i = 0; i < ID_SIZE; i++) {
    container->engine[2 * i] = digits[data[AT_ENGINE + i] >> 4];
    container->engine[2 * i + 1] = digits[data[AT_ENGINE + i] & 15];
  }
  container->version = torpor__bytes_read_u32(data + AT_VERSION);
  container->pages = torpor__bytes_read_u32(data + AT_PAGES);
  memory = (uint64_t)container->pages * TORPOR__WASM_PAGE;
  container->has_parent = torpor__bytes_read_u32(data + AT_FLAGS) & FLAG_PARENT;
  memcpy(container->parent, data + AT_PARENT, ID_SIZE);
  if (torpor__bytes_read_u32(data + AT_FLAGS) & ~FLAG_PARENT)
    return torpor__fail(NULL, TORPOR_NEWER,
                        "the snapshot uses a feature that this Torpor does not "
                        "know; use the newer one that made it");
  if (!torpor__bytes_are_zero(data + AT_RESERVED, 4) ||
      (!container->has_parent &&
       !torpor__bytes_are_zero(data + AT_PARENT, ID_SIZE)))
    return damaged("its header");
  if (memory > TORPOR_MEMORY_LARGEST) return damaged("its memory's size");
  if (memory > memory_max)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "the snapshot's VM has %llu bytes of memory, "
                        "memory_max allows %llu; raise it in the options",
                        (unsigned long long)memory,
                        (unsigned long long)memory_max);
  return TORPOR_OK;
}

/* No section is larger than the VM's memory, but for its own description and
 * for what an exported run has besides its VM. */
static uint64_t largest_content(const torpor__container *container,
                                uint32_t type) {
  uint64_t memory = (uint64_t)container->pages * TORPOR__WASM_PAGE;
  if (type == TORPOR__SECTION_MEMORY ||
      (type != TORPOR__SECTION_RUN && memory < TORPOR__SECTION_LARGEST))
    return memory + HEADER_SIZE;
  return TORPOR__SECTION_LARGEST;
}

static torpor_status unpack_content(torpor__content *content,
                                    torpor__method method,
                                    const uint8_t *stored, size_t stored_size) {
  size_t size = (size_t)content->raw_size;
  content->owned = torpor__alloc(size);
  if (!content->owned)
    return torpor__fail(NULL, TORPOR_NOMEM,
                        "no memory to unpack %zu bytes of a snapshot", size);
  if (!torpor__pack_undo(method, stored, stored_size, content->owned, size))
    return damaged("a compressed section");
  content->data = content->owned;
  content->size = size;
  return TORPOR_OK;
}

typedef struct section_head {
  uint32_t type, method;
  uint64_t raw_size, stored_size;
} section_head;

static torpor_status check_section(const section_head *head, uint32_t last) {
  if (head->type <= last) return damaged("the order of its sections");
  if (head->type >= TORPOR__SECTION_SKIPPED) return TORPOR_OK;
  if (head->type >= TORPOR__SECTION_END || head->method >= TORPOR__METHOD_END)
    return torpor__fail(NULL, TORPOR_NEWER,
                        "the snapshot has a section (type %u, method %u) that "
                        "this Torpor does not know; use a newer one",
                        head->type, head->method);
  return TORPOR_OK;
}

static bool is_wanted(uint32_t type, bool waking) {
  if (!waking) return type != TORPOR__SECTION_MEMORY;
  return type == TORPOR__SECTION_GLOBALS || type == TORPOR__SECTION_MEMORY ||
         type == TORPOR__SECTION_EXTENSIONS;
}

static torpor_status read_content(torpor__container *container,
                                  const section_head *head,
                                  const uint8_t *stored, bool waking) {
  torpor__content *content = &container->sections[head->type];
  size_t stored_size = (size_t)head->stored_size;
  content->present = true;
  content->raw_size = head->raw_size;
  content->stored_size = head->stored_size;
  if (head->method == TORPOR__METHOD_STORED) {
    if (head->raw_size != head->stored_size) return damaged("a section's size");
    content->data = stored;
    content->size = stored_size;
    return TORPOR_OK;
  }
  if (head->raw_size > largest_content(container, head->type) ||
      !torpor__pack_has_size(head->method, stored, stored_size, head->raw_size))
    return damaged("the size of a compressed section");
  if (!is_wanted(head->type, waking)) return TORPOR_OK;
  return unpack_content(content, head->method, stored, stored_size);
}

static section_head read_head(const uint8_t *bytes) {
  return (section_head){
      torpor__bytes_read_u32(bytes), torpor__bytes_read_u32(bytes + 4),
      torpor__bytes_read(bytes + 8, 8), torpor__bytes_read(bytes + 16, 8)};
}

/* Reads the section at '*at' and moves '*at' behind it. '*last' is the type of
 * the one before. */
static torpor_status read_section(torpor__container *container,
                                  const uint8_t **at, const uint8_t *end,
                                  uint32_t *last, bool waking) {
  const uint8_t *bytes = *at, *stored = bytes + SECTION_SIZE;
  section_head head;
  torpor_status status;
  if ((size_t)(end - bytes) < SECTION_SIZE) return damaged("its sections");
  head = read_head(bytes);
  if (head.stored_size > (uint64_t)(end - stored))
    return damaged("a section's size");
  status = check_section(&head, *last);
  if (status != TORPOR_OK) return status;
  *last = head.type;
  *at = stored + head.stored_size;
  if (head.type >= TORPOR__SECTION_SKIPPED) return TORPOR_OK;
  return read_content(container, &head, stored, waking);
}

static torpor_status read_sections(torpor__container *container,
                                   const uint8_t *data, size_t size,
                                   bool waking) {
  const uint8_t *at = data + HEADER_SIZE, *end = data + size - CHECKSUM_SIZE;
  uint32_t count = torpor__bytes_read_u32(data + AT_SECTIONS), last = 0;
  for (uint32_t i = 0; i < count; i++) {
    torpor_status status = read_section(container, &at, end, &last, waking);
    if (status != TORPOR_OK) return status;
  }
  if (at != end) return damaged("what follows its sections");
  if (!container->sections[TORPOR__SECTION_GLOBALS].present ||
      !container->sections[TORPOR__SECTION_OPERATIONS].present ||
      !container->sections[TORPOR__SECTION_MEMORY].present)
    return damaged("a missing section");
  return TORPOR_OK;
}

torpor_status torpor__container_read(torpor__container *container,
                                     const uint8_t *data, size_t size,
                                     uint64_t memory_max, bool waking) {
  torpor_status status;
  memset(container, 0, sizeof(*container));
  status = check_frame(data, size);
  if (status == TORPOR_OK) status = read_header(container, data, memory_max);
  if (status == TORPOR_OK)
    status = read_sections(container, data, size, waking);
  if (status != TORPOR_OK) torpor__container_free(container);
  return status;
}

void torpor__container_free(torpor__container *container) {
  for (int i = 0; i < TORPOR__SECTION_END; i++) {
    torpor__alloc_free(container->sections[i].owned);
    container->sections[i] = (torpor__content){0};
  }
}

torpor_status torpor__container_damaged(const char *what) {
  return torpor__fail(NULL, TORPOR_FORMAT,
                      "the snapshot is damaged (%s); use another copy of it",
                      what);
}

/* ---- Replacing a section --------------------------------------------------*/

static void add_section(torpor__container_writer *writer, torpor__section type,
                        const void *content, size_t size) {
  torpor__section_start(writer, type);
  torpor__buffer_add(&writer->out, content, size);
  torpor__section_stop(writer);
}

torpor_status torpor__container_replace(const uint8_t *data, size_t size,
                                        torpor__section type,
                                        const void *content,
                                        size_t content_size,
                                        torpor_bytes *out) {
  torpor__container_writer writer = {.packing = TORPOR__PACK_USUAL};
  const uint8_t *at = data + HEADER_SIZE, *end = data + size - CHECKSUM_SIZE;
  bool added = false;
  torpor__buffer_add(&writer.out, data, HEADER_SIZE);
  while (at < end) {
    section_head head = read_head(at);
    size_t whole = SECTION_SIZE + (size_t)head.stored_size;
    if (!added && head.type >= (uint32_t)type) {
      add_section(&writer, type, content, content_size);
      added = true;
    }
    if (head.type != (uint32_t)type) {
      torpor__buffer_add(&writer.out, at, whole);
      writer.sections++;
    }
    at += whole;
  }
  if (!added) add_section(&writer, type, content, content_size);
  return torpor__container_finish(&writer, out);
}
