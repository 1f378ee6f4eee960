/* SPDX-License-Identifier: MIT */
/* request.c - reading an operation's request, writing its result.
 *
 * Just as much of CBOR (RFC 8949) as that takes: an item is a head, which says
 * what follows, and then bytes or items.
 *
 *   head = major type (3 bits), then 5 bits: the number itself below 24, or
 *          24..27: it follows in 1, 2, 4, 8 bytes, or 31: no number, until a
 *          "break" (0xff)
 *
 *  (1) Every length is compared with what is left before it is used.
 *  (2) Items are skipped with a count of how many are still to come, not by
 *      recursion: depth costs nothing and cannot run out of stack.
 *
 * No state; any thread. */
#include <string.h>

#include "request.h"

enum major { NUMBER, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

enum { INDEFINITE = 31 };

struct reader {
  const uint8_t *at, *end;
};

struct head {
  enum major major;
  uint8_t info;
  uint64_t number;
};

static size_t left(const struct reader *reader) {
  return (size_t)(reader->end - reader->at);
}

static bool read_head(struct reader *reader, struct head *head) {
  if (left(reader) == 0) return false;
  uint8_t first = *reader->at++;
  *head = (struct head){(enum major)(first >> 5), first & 31, first & 31};
  if (head->info < 24) return true;
  if (head->info == INDEFINITE)
    return head->major >= BYTES && head->major != TAG;
  if (head->info > 27) return false;
  size_t size = (size_t)1 << (head->info - 24);
  if (left(reader) < size) return false;
  head->number = 0;
  for (size_t i = 0; i < size; i++)
    head->number = head->number << 8 | *reader->at++;
  return true;
}

/* Reads a head that is not a tag. */
static bool read_untagged(struct reader *reader, struct head *head) {
  do {
    if (!read_head(reader, head)) return false;
  } while (head->major == TAG);
  return true;
}

/* How many items follow 'head' as its parts, its bytes being skipped here.
 * False when they are not there, or it is of indefinite length. */
static bool skip_head(struct reader *reader, const struct head *head,
                      uint64_t *parts) {
  *parts = 0;
  if (head->info == INDEFINITE) return false;
  switch (head->major) {
  case BYTES:
  case TEXT:
    if (head->number > left(reader)) return false;
    reader->at += head->number;
    return true;
  case ARRAY:
    *parts = head->number;
    return head->number <= left(reader);
  case MAP:
    *parts = head->number * 2;
    return head->number <= left(reader) / 2;
  case TAG:
    *parts = 1;
    return true;
  default:
    return true;
  }
}

/* Skips one item, see (2). The count cannot overflow: it grows by at most what
 * is left, once for each byte that is read. */
static bool skip_item(struct reader *reader) {
  for (uint64_t wanted = 1; wanted > 0; wanted--) {
    struct head head;
    uint64_t parts;
    if (!read_head(reader, &head) || !skip_head(reader, &head, &parts))
      return false;
    wanted += parts;
  }
  return true;
}

static bool read_string(struct reader *reader, const struct head *head,
                        struct torpor__field *out) {
  if (head->major != BYTES && head->major != TEXT) return false;
  if (head->info == INDEFINITE || head->number > left(reader)) return false;
  *out = (struct torpor__field){reader->at, (size_t)head->number,
                                head->major == TEXT};
  reader->at += head->number;
  return true;
}

/* Whether the next item, which is read, is the text 'key'. */
static bool read_key(struct reader *reader, const char *key, bool *same) {
  struct reader start = *reader;
  struct torpor__field text;
  struct head head;
  if (!read_untagged(reader, &head)) return false;
  if (!read_string(reader, &head, &text)) {
    *reader = start;
    *same = false;
    return skip_item(reader);
  }
  *same = text.text && text.size == strlen(key) &&
          memcmp(text.data, key, text.size) == 0;
  return true;
}

bool torpor__request_field(const void *request, size_t size, const char *key,
                           struct torpor__field *out) {
  struct reader reader = {request, (const uint8_t *)request + size};
  struct head map, value;
  *out = (struct torpor__field){0};
  if (!read_untagged(&reader, &map) || map.major != MAP ||
      map.info == INDEFINITE)
    return false;
  for (uint64_t i = 0; i < map.number; i++) {
    bool same;
    if (!read_key(&reader, key, &same)) return false;
    if (same)
      return read_untagged(&reader, &value) &&
             read_string(&reader, &value, out);
    if (!skip_item(&reader)) return false;
  }
  return false;
}

uint8_t *torpor__result_head(uint8_t *end, uint64_t size) {
  size_t length = size < 24            ? 0
                  : size < 0x100       ? 1
                  : size < 0x10000     ? 2
                  : size < 0x100000000 ? 4
                                       : 8;
  for (size_t i = 0; i < length; i++) *--end = (uint8_t)(size >> (8 * i));
  static const uint8_t infos[] = {0, 24, 25, 0, 26, 0, 0, 0, 27};
  *--end =
      (uint8_t)(BYTES << 5 | (length == 0 ? (uint8_t)size : infos[length]));
  *--end = 64; /* the tag's number, and its head */
  *--end = TAG << 5 | 24;
  return end;
}
