/* SPDX-License-Identifier: MIT */
/* request.c - reading an operation's request, writing its result. See
 * request.h; common/cbor.h has what CBOR is.
 *
 * No state; any thread. */
#include <string.h>

#include "loop/request.h"

/* Reads a head that is not a tag. */
static bool read_untagged(torpor__cbor_reader *reader,
                          torpor__cbor_item *item) {
  do {
    if (!torpor__cbor_next(reader, item)) return false;
  } while (item->major == TORPOR__CBOR_TAG);
  return true;
}

/* Whether the next item, which is read, is the text 'key'. */
static bool read_key(torpor__cbor_reader *reader, const char *key, bool *same) {
  torpor__cbor_reader from = *reader;
  torpor__cbor_item item;
  *same = read_untagged(&from, &item) && torpor__cbor_is_text(&item, key);
  return torpor__cbor_skip(reader);
}

static bool read_string(torpor__cbor_reader *reader,
                        struct torpor__field *out) {
  torpor__cbor_item item;
  if (!read_untagged(reader, &item) || item.data == NULL) return false;
  *out = (struct torpor__field){item.data, (size_t)item.value,
                                item.major == TORPOR__CBOR_TEXT};
  return true;
}

bool torpor__request_field(const void *request, size_t size, const char *key,
                           struct torpor__field *out) {
  torpor__cbor_reader reader = torpor__cbor_read(request, size);
  torpor__cbor_item map;
  *out = (struct torpor__field){0};
  if (!read_untagged(&reader, &map) || map.major != TORPOR__CBOR_MAP ||
      map.indefinite)
    return false;
  for (uint64_t i = 0; i < map.value; i++) {
    bool same;
    if (!read_key(&reader, key, &same)) return false;
    if (same) return read_string(&reader, out);
    if (!torpor__cbor_skip(&reader)) return false;
  }
  return false;
}

uint8_t *torpor__result_head(uint8_t *end, uint64_t size) {
  uint8_t head[TORPOR__RESULT_HEAD];
  size_t length = torpor__cbor_put(head, TORPOR__CBOR_TAG, 64);
  length += torpor__cbor_put(head + length, TORPOR__CBOR_BYTES, size);
  return memcpy(end - length, head, length);
}
