/* SPDX-License-Identifier: MIT */
/* buffer.c - bytes that grow, by doubling. One thread at a time. */
#include "common/buffer.h"

#include <string.h>

#include "common/alloc.h"

#define ROOM_FIRST 256
#define SPARE_MOST ((size_t)64 << 10)

bool torpor__buffer_reserve(torpor__buffer *buffer, size_t more) {
  size_t needed = buffer->size + more + 1; /* the zero byte of finish */
  size_t room = buffer->room * 2;
  uint8_t *larger;
  if (buffer->failed) return false;
  if (needed <= buffer->room) return true;
  if (room < ROOM_FIRST) room = ROOM_FIRST;
  if (room < needed) room = needed;
  larger = torpor__alloc_resize(buffer->data, room);
  if (!larger) {
    buffer->failed = true;
    return false;
  }
  buffer->data = larger;
  buffer->room = room;
  return true;
}

void torpor__buffer_add(torpor__buffer *buffer, const void *data, size_t size) {
  if (size == 0 || !torpor__buffer_reserve(buffer, size)) return;
  memcpy(buffer->data + buffer->size, data, size);
  buffer->size += size;
}

/* Gives back what is far too much, as for bytes that were packed since. Not by
 * cutting it off: malloc would give that to the system, and the next buffer of
 * such a size would be page faults again. */
static void trim(torpor__buffer *buffer) {
  size_t needed = buffer->size + 1;
  uint8_t *smaller;
  if (needed > buffer->room / 2 || buffer->room - needed < SPARE_MOST) return;
  smaller = torpor__alloc(needed);
  if (!smaller) return;
  memcpy(smaller, buffer->data, needed);
  torpor__alloc_free(buffer->data);
  buffer->data = smaller;
  buffer->room = needed;
}

torpor_status torpor__buffer_finish(torpor__buffer *buffer, torpor_bytes *out) {
  *out = (torpor_bytes){NULL, 0};
  if (!torpor__buffer_reserve(buffer, 0)) {
    torpor__buffer_free(buffer);
    return TORPOR_NOMEM;
  }
  buffer->data[buffer->size] = 0;
  trim(buffer);
  *out = (torpor_bytes){buffer->data, buffer->size};
  *buffer = (torpor__buffer){0};
  return TORPOR_OK;
}

void torpor__buffer_free(torpor__buffer *buffer) {
  torpor__alloc_free(buffer->data);
  *buffer = (torpor__buffer){0};
}
