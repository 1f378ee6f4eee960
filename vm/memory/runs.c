/* SPDX-License-Identifier: MIT */
/* runs.c - reading the runs of a snapshot's memory. */
#include "vm/memory/runs.h"

#include "vm/memory/image.h"

static bool read_varint(torpor__run_reader *reader, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; shift < 42 && reader->at < reader->end; shift += 7) {
    uint8_t byte = *reader->at++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return byte != 0 || shift == 0;
  }
  return false;
}

bool torpor__runs_next(torpor__run_reader *reader) {
  uint64_t gap, length;
  reader->head = reader->at;
  if (!read_varint(reader, &gap) || !read_varint(reader, &length)) return false;
  reader->address += reader->length + gap;
  reader->is_zero = length & 1;
  reader->length = length >> 1;
  reader->content = reader->at;
  if (reader->is_zero || reader->heads_alone) return true;
  if (reader->length > (uint64_t)(reader->end - reader->at)) return false;
  reader->at += reader->length;
  return true;
}

/* Whether the run [start, end) touches what a snapshot leaves out. */
static bool is_forbidden(const torpor__image *image, uint64_t start,
                         uint64_t end) {
  return start < image->stack_size ||
         (start < image->host_end && end > image->host_start);
}

torpor_status torpor__runs_read(const torpor__image *image, uint64_t memory,
                                const uint8_t *data, size_t size,
                                torpor__put_fn *put, void *user) {
  torpor__run_reader reader = {.at = data, .end = data + size};
  while (reader.at < reader.end) {
    torpor_status status;
    if (!torpor__runs_next(&reader) || reader.length == 0 ||
        reader.address > memory || reader.length > memory - reader.address ||
        is_forbidden(image, reader.address, reader.address + reader.length))
      return TORPOR_FORMAT;
    status = put(user, (uint32_t)reader.address, (uint32_t)reader.length,
                 reader.is_zero ? NULL : reader.content);
    if (status != TORPOR_OK) return status;
  }
  return TORPOR_OK;
}
