/* SPDX-License-Identifier: MIT */
/* draft.c - taking a snapshot apart and putting it together as it should not
 * be. What is read here was made by the library in this process. */
#include "test/fuzz/draft.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <zstd.h>

#include "test/fuzz/recipe.h"

#define SECTION_HEAD 24
#define AT_PARENT 48
#define AT_FLAGS 84
#define AT_COUNT 88

static uint64_t read_number(const uint8_t *from, unsigned size) {
  uint64_t value = 0;
  for (unsigned i = size; i-- > 0;) value = value << 8 | from[i];
  return value;
}

static void write_number(uint8_t *to, uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; i++, value >>= 8) to[i] = (uint8_t)value;
}

/* ---- Taking apart ---------------------------------------------------------*/

static void unpack(torpor__buffer *out, const uint8_t *data, size_t size,
                   size_t raw) {
  size_t got;
  torpor__buffer_reserve(out, raw);
  assert(!out->failed);
  got = ZSTD_decompress(out->data, raw, data, size);
  assert(got == raw);
  out->size = got;
}

void draft_read(draft *d, const uint8_t *data, size_t size) {
  const uint8_t *at = data + DRAFT_HEADER, *end = data + size - 4;
  *d = (draft){
      .flip = DRAFT_NONE, .truncate = DRAFT_NONE, .protected_flip = DRAFT_NONE};
  memcpy(d->header, data, DRAFT_HEADER);
  while (at < end) {
    draft_section *section = &d->sections[d->count++];
    size_t stored = (size_t)read_number(at + 16, 8);
    assert(d->count <= DRAFT_SECTIONS);
    section->type = (uint32_t)read_number(at, 4);
    section->method = (uint32_t)read_number(at + 4, 4);
    if (section->method == 0)
      torpor__buffer_add(&section->content, at + SECTION_HEAD, stored);
    else
      unpack(&section->content, at + SECTION_HEAD, stored,
             (size_t)read_number(at + 8, 8));
    at += SECTION_HEAD + stored;
  }
  assert(at == end);
}

void draft_section_copy(draft_section *to, const draft_section *from) {
  *to = *from;
  to->content = (torpor__buffer){0};
  torpor__buffer_add(&to->content, from->content.data, from->content.size);
}

void draft_section_free(draft_section *section) {
  torpor__buffer_free(&section->content);
}

void draft_copy(draft *d, const draft *from) {
  *d = *from;
  for (size_t i = 0; i < from->count; i++)
    draft_section_copy(&d->sections[i], &from->sections[i]);
}

void draft_free(draft *d) {
  for (size_t i = 0; i < d->count; i++) draft_section_free(&d->sections[i]);
  d->count = 0;
}

draft_section *draft_find(draft *d, uint32_t type) {
  for (size_t i = 0; i < d->count; i++)
    if (d->sections[i].type == type) return &d->sections[i];
  return NULL;
}

/* ---- Runs -----------------------------------------------------------------*/

/* A bomb's runs, which are many, are left as they are. */
#define RUNS_LARGEST ((size_t)1 << 20)

typedef struct run {
  uint64_t start, size;
  const uint8_t *bytes; /* NULL: all zero */
} run;

typedef struct run_reader {
  const uint8_t *at, *end;
  uint64_t address;
} run_reader;

static uint64_t read_varint(run_reader *reader) {
  uint64_t value = 0;
  for (unsigned shift = 0; reader->at < reader->end && shift < 63; shift += 7) {
    uint8_t byte = *reader->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

/* The next run; false at the end, and where they were spoiled before. */
static bool next_run(run_reader *reader, run *out) {
  uint64_t length;
  if (reader->at >= reader->end) return false;
  reader->address += read_varint(reader);
  length = read_varint(reader);
  *out = (run){reader->address, length >> 1, NULL};
  if (!(length & 1)) {
    if (out->size > (uint64_t)(reader->end - reader->at)) return false;
    out->bytes = reader->at;
    reader->at += out->size;
  }
  reader->address += out->size;
  return true;
}

static void add_varint(torpor__buffer *out, uint64_t value) {
  do {
    uint8_t byte = (uint8_t)(value & 0x7f);
    value >>= 7;
    if (value) byte |= 0x80;
    torpor__buffer_add(out, &byte, 1);
  } while (value);
}

static void add_run(torpor__buffer *out, uint64_t *last, const run *r) {
  add_varint(out, r->start - *last);
  add_varint(out, r->size << 1 | !r->bytes);
  if (r->bytes) torpor__buffer_add(out, r->bytes, (size_t)r->size);
  *last = r->start + r->size;
}

void draft_patch(torpor__buffer *runs, uint32_t address, const void *data,
                 size_t size) {
  run_reader reader = {runs->data, runs->data + runs->size, 0};
  run patch = {address, size, data}, next;
  torpor__buffer out = {0};
  uint64_t last = 0, end = (uint64_t)address + size;
  bool done = false;
  if (runs->size > RUNS_LARGEST) return;
  while (next_run(&reader, &next)) {
    if (!done && last <= address && end <= next.start) {
      add_run(&out, &last, &patch);
      done = true;
    }
    add_run(&out, &last, &next);
    if (!done && next.bytes && address >= next.start && end <= last) {
      memcpy(out.data + out.size - (last - address), data, size);
      done = true;
    }
  }
  if (!done && last <= address) add_run(&out, &last, &patch);
  torpor__buffer_free(runs);
  *runs = out;
}

static void add_lie(torpor__buffer *out, const run *r, uint64_t gap,
                    unsigned which, uint32_t value) {
  uint64_t length = r->size << 1 | !r->bytes;
  static const uint8_t superfluous[] = {0x80, 0x80, 0x00};
  switch (which % 8) {
  case 0:
    gap = value;
    break;
  case 1:
    gap = (uint64_t)value << 20;
    break;
  case 2:
    length = value;
    break;
  case 3:
    length = (uint64_t)value << 12 | 1;
    break;
  case 4:
    length ^= 1;
    break;
  case 5:
    torpor__buffer_add(out, superfluous, sizeof(superfluous));
    break;
  case 6:
    gap = UINT64_MAX - value;
    break;
  default:
    length = UINT64_MAX - value;
    break;
  }
  add_varint(out, gap);
  add_varint(out, length);
  if (r->bytes) torpor__buffer_add(out, r->bytes, (size_t)r->size);
}

void draft_lie(torpor__buffer *runs, unsigned index, unsigned which,
               uint32_t value) {
  run_reader reader = {runs->data, runs->data + runs->size, 0};
  torpor__buffer out = {0};
  uint64_t last = 0;
  run next;
  unsigned total = 0;
  if (runs->size > RUNS_LARGEST) return;
  while (next_run(&reader, &next)) total++;
  if (total == 0) return;
  index %= total;
  reader = (run_reader){runs->data, runs->data + runs->size, 0};
  for (unsigned i = 0; next_run(&reader, &next); i++) {
    if (i == index) {
      add_lie(&out, &next, next.start - last, which, value);
      last = next.start + next.size;
    } else {
      add_run(&out, &last, &next);
    }
  }
  torpor__buffer_free(runs);
  *runs = out;
}

/* ---- Putting together -----------------------------------------------------*/

#define BLOCK ((size_t)1 << 20)

/* Adds a frame for each 'block' bytes; at least one. */
static void write_frames(torpor__buffer *out, const uint8_t *data, size_t size,
                         size_t block) {
  do {
    size_t part = size < block ? size : block;
    size_t room = ZSTD_compressBound(part), frame;
    torpor__buffer_reserve(out, room);
    frame = ZSTD_compress(out->data + out->size, room, data, part, 1);
    assert(!ZSTD_isError(frame));
    out->size += frame;
    data += part;
    size -= part;
  } while (size > 0);
}

static void write_section(torpor__buffer *out, const draft_section *section) {
  const torpor__buffer *content = &section->content;
  uint8_t head[SECTION_HEAD];
  size_t at = out->size, stored;
  torpor__buffer_add(out, head, sizeof(head));
  if (section->method == 1 || section->method == 2)
    write_frames(out, content->data ? content->data : head, content->size,
                 section->method == 1 ? SIZE_MAX : BLOCK);
  else
    torpor__buffer_add(out, content->data, content->size);
  stored = out->size - at - sizeof(head);
  write_number(out->data + at, section->type, 4);
  write_number(out->data + at + 4, section->method, 4);
  write_number(out->data + at + 8, content->size + section->raw_lie, 8);
  write_number(out->data + at + 16, stored + section->stored_lie, 8);
}

/* A difference names the piece before it, unless a step said otherwise. */
static void link_to(uint8_t *header, const torpor_bytes *before) {
  torpor_status status;
  if (!before || read_number(header + AT_FLAGS, 4) != 1) return;
  status =
      torpor_snapshot_identify(before->data, before->size, header + AT_PARENT);
  assert(status == TORPOR_OK);
  (void)status;
}

static void flip_byte(torpor_bytes *bytes, uint32_t at) {
  if (at != DRAFT_NONE && bytes->size > 0)
    bytes->data[at % bytes->size] ^= (uint8_t)(1 + at / 7 % 255);
}

static void protect(torpor_bytes *bytes, uint32_t flip) {
  torpor_bytes sealed;
  torpor_protection how = flip % 2 == 0 ? TORPOR_AUTHENTICATE : TORPOR_ENCRYPT;
  torpor_status status =
      torpor_snapshot_protect(bytes->data, bytes->size, recipe_key, how,
                              RECIPE_CONTEXT, sizeof(RECIPE_CONTEXT), &sealed);
  assert(status == TORPOR_OK);
  (void)status;
  torpor_bytes_free(bytes);
  *bytes = sealed;
  if (flip % 3 == 0) flip_byte(bytes, flip);
}

static torpor_bytes finish(torpor__buffer *out) {
  torpor_bytes bytes;
  torpor_status status = torpor__buffer_finish(out, &bytes);
  assert(status == TORPOR_OK);
  (void)status;
  return bytes;
}

torpor_bytes draft_write(const draft *d, const torpor_bytes *before) {
  torpor__buffer out = {0};
  torpor_bytes bytes;
  uint8_t sum[4];
  if (d->is_literal) {
    torpor__buffer_add(&out, d->sections[0].content.data,
                       d->sections[0].content.size);
    return finish(&out);
  }
  torpor__buffer_add(&out, d->header, DRAFT_HEADER);
  if (!d->is_unlinked) link_to(out.data, before);
  for (size_t i = 0; i < d->count; i++) write_section(&out, &d->sections[i]);
  write_number(out.data + AT_COUNT, d->count + d->count_lie, 4);
  write_number(sum, libdeflate_crc32(0, out.data, out.size) ^ d->checksum_lie,
               4);
  torpor__buffer_add(&out, sum, sizeof(sum));
  bytes = finish(&out);
  flip_byte(&bytes, d->flip);
  if (d->truncate != DRAFT_NONE) bytes.size = d->truncate % (bytes.size + 1);
  if (d->is_protected) protect(&bytes, d->protected_flip);
  return bytes;
}
