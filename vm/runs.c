/* SPDX-License-Identifier: MIT */
/* runs.c - reading the runs of a snapshot's memory. */
#include "vm/runs.h"

#include "vm/image.h"

typedef struct run_reader {
  const uint8_t *at, *end;
} run_reader;

static bool read_varint(run_reader *reader, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; shift < 42 && reader->at < reader->end; shift += 7) {
    uint8_t byte = *reader->at++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return byte != 0 || shift == 0;
  }
  return false;
}

/* Whether the run [start, end) touches what a snapshot leaves out. */
static bool is_forbidden(const torpor__image *image, uint64_t start,
                         uint64_t end) {
  return start < image->stack_size ||
         (start < image->host_end && end > image->host_start);
}

/* The next run: where it starts, its length, and its bytes or NULL. */
static bool read_run(run_reader *reader, uint64_t *address, uint64_t *length,
                     const uint8_t **content) {
  uint64_t gap;
  bool zero;
  if (!read_varint(reader, &gap) || !read_varint(reader, length)) return false;
  *address += gap;
  zero = *length & 1;
  *length >>= 1;
  *content = NULL;
  if (zero) return true;
  if (*length > (uint64_t)(reader->end - reader->at)) return false;
  *content = reader->at;
  reader->at += *length;
  return true;
}

torpor_status torpor__runs_read(const torpor__image *image, uint64_t memory,
                                const uint8_t *data, size_t size,
                                torpor__put_fn *put, void *user) {
  run_reader reader = {data, data + size};
  uint64_t address = 0, length;
  while (reader.at < reader.end) {
    const uint8_t *content;
    torpor_status status;
    if (!read_run(&reader, &address, &length, &content) || length == 0 ||
        address > memory || length > memory - address ||
        is_forbidden(image, address, address + length))
      return TORPOR_FORMAT;
    status = put(user, (uint32_t)address, (uint32_t)length, content);
    if (status != TORPOR_OK) return status;
    address += length;
  }
  return TORPOR_OK;
}
