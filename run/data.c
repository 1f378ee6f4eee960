/* SPDX-License-Identifier: MIT */
/* data.c - writing and reading plain data as CBOR, without a VM. See data.h.
 *
 * A head is a major type in the upper three bits and a number: below 24 in the
 * lower five, else in the 1, 2, 4 or 8 bytes that follow, high byte first. */
#include "data.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"

enum {
  UNSIGNED = 0,
  NEGATIVE = 1,
  BYTES = 2,
  TEXT = 3,
  ARRAY = 4,
  MAP = 5,
  TAG = 6,
  SIMPLE = 7,
  FALSE_VALUE = 20,
  TRUE_VALUE = 21,
  NULL_VALUE = 22,
  DEPTH_MAX = 32
};

/* ---- writing -------------------------------------------------------------*/

static void put(struct torpor__data_writer *writer, const void *data,
                size_t size) {
  if (writer->failed) return;
  if (size > SIZE_MAX / 2 - writer->size ||
      !torpor__array_reserve(&writer->data, &writer->capacity,
                             writer->size + size, 1)) {
    writer->failed = true;
    return;
  }
  if (size > 0) memcpy(writer->data + writer->size, data, size);
  writer->size += size;
}

static void put_head(struct torpor__data_writer *writer, unsigned major,
                     uint64_t number) {
  uint8_t head[9];
  int more = number < 24            ? 0
             : number <= 0xff       ? 1
             : number <= 0xffff     ? 2
             : number <= 0xffffffff ? 4
                                    : 8;
  static const uint8_t lengths[] = {0, 24, 25, 0, 26, 0, 0, 0, 27};
  head[0] = (uint8_t)(major << 5 | (more == 0 ? number : lengths[more]));
  for (int i = 0; i < more; i++)
    head[1 + i] = (uint8_t)(number >> (8 * (more - 1 - i)));
  put(writer, head, (size_t)(1 + more));
}

void torpor__data_put_int(struct torpor__data_writer *writer, int64_t value) {
  if (value >= 0)
    put_head(writer, UNSIGNED, (uint64_t)value);
  else
    put_head(writer, NEGATIVE, ~(uint64_t)value);
}

void torpor__data_put_text(struct torpor__data_writer *writer,
                           const char *text) {
  put_head(writer, TEXT, strlen(text));
  put(writer, text, strlen(text));
}

void torpor__data_put_bytes(struct torpor__data_writer *writer,
                            torpor_slice bytes) {
  put_head(writer, BYTES, bytes.size);
  put(writer, bytes.data, bytes.size);
}

void torpor__data_put_null(struct torpor__data_writer *writer) {
  put_head(writer, SIMPLE, NULL_VALUE);
}

void torpor__data_put_bool(struct torpor__data_writer *writer, bool value) {
  put_head(writer, SIMPLE, value ? TRUE_VALUE : FALSE_VALUE);
}

void torpor__data_put_array(struct torpor__data_writer *writer, size_t count) {
  put_head(writer, ARRAY, count);
}

void torpor__data_put_map(struct torpor__data_writer *writer, size_t count) {
  put_head(writer, MAP, count);
}

/* ---- reading -------------------------------------------------------------*/

struct torpor__data_reader torpor__data_read(const void *data, size_t size) {
  const uint8_t *at = data;
  return (struct torpor__data_reader){.at = at, .end = at + size};
}

static size_t left_of(const struct torpor__data_reader *reader) {
  return (size_t)(reader->end - reader->at);
}

/* Reads a head; 'major' is SIMPLE and the number 0 once the reader is bad. */
static uint64_t get_head(struct torpor__data_reader *reader, unsigned *major) {
  *major = SIMPLE;
  if (reader->bad || left_of(reader) == 0) {
    reader->bad = true;
    return 0;
  }
  unsigned low = *reader->at & 31, high = *reader->at >> 5;
  size_t more = low < 24 ? 0 : low < 28 ? (size_t)1 << (low - 24) : SIZE_MAX;
  if (more > left_of(reader) - 1) {
    reader->bad = true;
    return 0;
  }
  uint64_t number = low < 24 ? low : 0;
  for (size_t i = 0; i < more; i++) number = number << 8 | reader->at[1 + i];
  reader->at += 1 + more;
  *major = high;
  return number;
}

static uint64_t get_number(struct torpor__data_reader *reader,
                           unsigned wanted) {
  unsigned major;
  uint64_t number = get_head(reader, &major);
  if (major == wanted && !reader->bad) return number;
  reader->bad = true;
  return 0;
}

int64_t torpor__data_get_int(struct torpor__data_reader *reader) {
  unsigned major;
  uint64_t number = get_head(reader, &major);
  if (major > NEGATIVE || number > INT64_MAX) reader->bad = true;
  if (reader->bad) return 0;
  return major == UNSIGNED ? (int64_t)number : -(int64_t)number - 1;
}

static bool is_simple(const struct torpor__data_reader *reader, int value) {
  return !reader->bad && left_of(reader) > 0 &&
         *reader->at == (SIMPLE << 5 | value);
}

bool torpor__data_get_bool(struct torpor__data_reader *reader) {
  bool yes = is_simple(reader, TRUE_VALUE);
  if (!yes && !is_simple(reader, FALSE_VALUE)) reader->bad = true;
  if (reader->bad) return false;
  reader->at++;
  return yes;
}

bool torpor__data_get_null(struct torpor__data_reader *reader) {
  if (!is_simple(reader, NULL_VALUE)) return false;
  reader->at++;
  return true;
}

static torpor_slice get_slice(struct torpor__data_reader *reader,
                              unsigned major) {
  uint64_t size = get_number(reader, major);
  if (size > left_of(reader)) reader->bad = true;
  if (reader->bad) return (torpor_slice){.data = "", .size = 0};
  const torpor_slice slice = {.data = reader->at, .size = (size_t)size};
  reader->at += size;
  return slice;
}

torpor_slice torpor__data_get_text(struct torpor__data_reader *reader) {
  torpor_slice text = get_slice(reader, TEXT);
  if (text.size == 0) return text;
  if (memchr(text.data, 0, text.size) == NULL &&
      torpor__data_is_utf8(text.data, text.size))
    return text;
  reader->bad = true;
  return (torpor_slice){.data = "", .size = 0};
}

torpor_slice torpor__data_get_bytes(struct torpor__data_reader *reader) {
  return get_slice(reader, BYTES);
}

static size_t get_count(struct torpor__data_reader *reader, unsigned major) {
  uint64_t count = get_number(reader, major);
  if (count > left_of(reader)) reader->bad = true;
  return reader->bad ? 0 : (size_t)count;
}

size_t torpor__data_get_array(struct torpor__data_reader *reader) {
  return get_count(reader, ARRAY);
}

size_t torpor__data_get_map(struct torpor__data_reader *reader) {
  return get_count(reader, MAP);
}

/* Values that are still to be passed are counted for each depth. */
void torpor__data_skip(struct torpor__data_reader *reader) {
  uint64_t left[DEPTH_MAX] = {1};
  int depth = 0;
  while (depth >= 0 && !reader->bad) {
    if (left[depth] == 0) {
      depth--;
      continue;
    }
    left[depth]--;
    unsigned major;
    uint64_t number = get_head(reader, &major);
    if (major == BYTES || major == TEXT) {
      if (number > left_of(reader)) reader->bad = true;
      if (!reader->bad) reader->at += number;
    } else if (major == ARRAY || major == MAP || major == TAG) {
      uint64_t inner = major == TAG ? 1 : number;
      if (inner > left_of(reader) || ++depth == DEPTH_MAX) {
        reader->bad = true;
        return;
      }
      left[depth] = major == MAP ? inner * 2 : inner;
    }
  }
}

/* The size of the character at 'text', of at most 'left' bytes; 0: it is none.
 * No character is longer than it has to be, and none is half of a pair. */
static size_t measure_character(const uint8_t *text, size_t left) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (text[0] < 0x80) return 1;
  size_t size = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
  uint32_t point = text[0] & (0x7fu >> size);
  if (text[0] < 0xc0 || text[0] > 0xf7 || left < size) return 0;
  for (size_t i = 1; i < size; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
    point = point << 6 | (text[i] & 0x3f);
  }
  bool half = point >= 0xd800 && point < 0xe000;
  return point < least[size] || point > 0x10ffff || half ? 0 : size;
}

bool torpor__data_is_utf8(const char *text, size_t size) {
  const uint8_t *bytes = (const uint8_t *)text;
  size_t step;
  for (size_t at = 0; at < size; at += step) {
    step = measure_character(bytes + at, size - at);
    if (step == 0) return false;
  }
  return true;
}

bool torpor__data_is(torpor_slice text, const char *word) {
  return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}
