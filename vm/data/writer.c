/* SPDX-License-Identifier: MIT */
/* writer.c - trees of values, written call by call.
 *
 * CBOR says how many items an array or map has before the items. Where that is
 * not known at the beginning, one byte is left for it; when the level ends,
 * what is in it moves up if its head needs more.
 *
 *   levels   0: the tree, of one item; then each array or map that is open
 *   tags     of the item that comes; it is counted with the first of them
 *
 *  (1) Once 'status' is not OK nothing changes any more.
 *  (2) Bytes up to 'size' are whole items, heads, and gaps of one byte for the
 *      heads of open levels that are 'counted'.
 *
 * No state but the writer's; any thread. */
#include <math.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cbor.h"
#include "common/utf8.h"
#include "vm/common/error.h"

/* TAGS_MOST: before a value. ITEMS_MOST: around one, so that it can be read
 * with its tags. */
enum {
  TAGS_MOST = 3,
  ITEMS_MOST = TORPOR__CBOR_DEPTH - TAGS_MOST - 1,
  ROOM_FIRST = 512
};

/* What may come in a level. */
typedef enum level_kind {
  LEVEL_ITEMS,
  LEVEL_PROPERTIES, /* each second item is a key, which is text */
  LEVEL_PAIRS,
} level_kind;

typedef struct level {
  size_t head;  /* where its head is, or will be */
  size_t items; /* around what is in it, with tags */
  size_t count; /* of items so far */
  size_t most;  /* items that it has in the end; SIZE_MAX: any */
  torpor__major major;
  level_kind kind;
} level;

struct torpor_writer {
  uint8_t *data;
  size_t size, room;
  bool borrowed; /* 'data' is the caller's */
  torpor_status status;
  const char *mistake;
  unsigned depth, tags;
  unsigned before; /* tags before the item that was begun last */
  uint32_t shared;
  level levels[TORPOR_DATA_DEPTH + 1];
};

static void begin_tree(torpor_writer *w) {
  w->size = 0;
  w->status = TORPOR_OK;
  w->depth = w->tags = w->before = 0;
  w->shared = 0;
  w->levels[0] = (level){.most = 1};
}

torpor_status torpor_writer_open(void *buffer, size_t size,
                                 torpor_writer **out) {
  torpor_writer *w;
  TORPOR__REQUIRE(NULL, out);
  *out = NULL;
  w = torpor__alloc(sizeof(*w));
  if (!w) return torpor__fail(NULL, TORPOR_NOMEM, "out of memory");
  w->borrowed = buffer != NULL;
  w->data = buffer;
  w->room = buffer ? size : 0;
  begin_tree(w);
  *out = w;
  return TORPOR_OK;
}

void torpor_writer_close(torpor_writer *writer) {
  if (!writer) return;
  if (!writer->borrowed) torpor__alloc_free(writer->data);
  torpor__alloc_free(writer);
}

void torpor_writer_reset(torpor_writer *writer) {
  if (writer) begin_tree(writer);
}

static bool fail(torpor_writer *w, torpor_status status, const char *mistake) {
  w->status = status;
  w->mistake = mistake;
  return false;
}

torpor_status torpor_writer_finish(torpor_writer *writer, torpor_slice *out) {
  torpor_writer *w = writer;
  TORPOR__REQUIRE(NULL, writer);
  if (out) *out = (torpor_slice){NULL, 0};
  if (w->status == TORPOR_OK && w->depth > 0)
    fail(w, TORPOR_MISUSE, "an array or map was not ended");
  if (w->status == TORPOR_OK && (w->levels[0].count == 0 || w->tags > 0))
    fail(w, TORPOR_MISUSE, "there is no value");
  if (w->status != TORPOR_OK)
    return torpor__fail(NULL, w->status,
                        "the tree cannot be written: %s, at "
                        "byte %zu",
                        w->mistake, w->size);
  if (out) *out = (torpor_slice){w->data, w->size};
  return TORPOR_OK;
}

/* ---- Bytes ----------------------------------------------------------------*/

static bool grow(torpor_writer *w, size_t needed) {
  size_t room = w->room * 2;
  uint8_t *data;
  if (needed > TORPOR_DATA_LARGEST)
    return fail(w, TORPOR_LIMIT,
                "it would have more than TORPOR_DATA_LARGEST "
                "bytes");
  if (w->borrowed)
    return fail(w, TORPOR_LIMIT, "the buffer that was given is full");
  if (room < ROOM_FIRST) room = ROOM_FIRST;
  if (room < needed) room = needed;
  data = torpor__alloc_resize(w->data, room);
  if (!data) return fail(w, TORPOR_NOMEM, "out of memory");
  w->data = data;
  w->room = room;
  return true;
}

/* Makes room for 'more' bytes. */
static bool reserve(torpor_writer *w, size_t more) {
  if (more > TORPOR_DATA_LARGEST) return grow(w, SIZE_MAX);
  if (more <= w->room - w->size && w->size + more <= TORPOR_DATA_LARGEST)
    return true;
  return grow(w, w->size + more);
}

/* A head alone, for which there is an item already. */
static bool put_head(torpor_writer *w, torpor__major major, uint64_t value) {
  uint8_t head[TORPOR__CBOR_HEAD];
  size_t size;
  if (w->room - w->size >= TORPOR__CBOR_HEAD &&
      w->size < TORPOR_DATA_LARGEST - TORPOR__CBOR_HEAD) {
    w->size += torpor__cbor_put(w->data + w->size, major, value);
    return true;
  }
  size = torpor__cbor_put(head, major, value);
  if (!reserve(w, size)) return false;
  memcpy(w->data + w->size, head, size);
  w->size += size;
  return true;
}

static void put_blob(torpor_writer *w, torpor__major major, const void *data,
                     size_t size) {
  if (!put_head(w, major, size) || !reserve(w, size)) return;
  if (size > 0) memcpy(w->data + w->size, data, size);
  w->size += size;
}

/* ---- Places ---------------------------------------------------------------*/

/* Whether an item may come here, which is counted then; 'text': it can be a
 * key. */
static bool begin_item(torpor_writer *w, bool text) {
  level *in;
  if (!w || w->status != TORPOR_OK) return false;
  w->before = w->tags;
  w->tags = 0;
  if (w->before > 0) return true;
  in = &w->levels[w->depth];
  if (in->count == in->most)
    return fail(w, TORPOR_MISUSE,
                w->depth > 0 ? "there are more items than were announced"
                             : "there is a value already");
  if (in->kind == LEVEL_PROPERTIES && in->count % 2 == 0 && !text)
    return fail(w, TORPOR_MISUSE, "a value stands where a key is expected");
  in->count++;
  return true;
}

/* A tag of what comes next. */
static bool begin_tag(torpor_writer *w, uint64_t tag) {
  if (!begin_item(w, false)) return false;
  if (w->before == TAGS_MOST)
    return fail(w, TORPOR_LIMIT, "there are too many tags before a value");
  w->tags = w->before + 1;
  return put_head(w, TORPOR__CBOR_TAG, tag);
}

/* The tag that belongs to an item, whose head follows. */
static bool tag_item(torpor_writer *w, uint64_t tag) {
  if (!begin_tag(w, tag)) return false;
  w->before = w->tags;
  w->tags = 0;
  return true;
}

/* A text or bytes that was given, and is missing. */
static bool is_missing(torpor_writer *w, const void *data, size_t size) {
  if (data || size == 0) return false;
  if (w && w->status == TORPOR_OK) fail(w, TORPOR_MISUSE, "a pointer is NULL");
  return true;
}

/* Whether 'size' bytes are more than any tree has. Asked before they are looked
 * at: nobody has so many, so what lies there is something else. */
static bool is_too_long(torpor_writer *w, size_t size) {
  if (size <= TORPOR_DATA_LARGEST) return false;
  if (w && w->status == TORPOR_OK) grow(w, SIZE_MAX);
  return true;
}

static size_t measure(const char *text, size_t size) {
  return text && size == SIZE_MAX ? strlen(text) : size;
}

/* ---- Arrays and objects ---------------------------------------------------*/

static void begin_level(torpor_writer *w, torpor__major major, level_kind kind,
                        size_t count) {
  size_t each = kind == LEVEL_ITEMS ? 1 : 2;
  size_t items = w->levels[w->depth].items + w->before + 1;
  bool counted = count == SIZE_MAX;
  if (w->depth == TORPOR_DATA_DEPTH || items > ITEMS_MOST) {
    fail(w, TORPOR_LIMIT, "it is nested deeper than TORPOR_DATA_DEPTH");
    return;
  }
  if (!counted && count > TORPOR_DATA_LARGEST) {
    fail(w, TORPOR_LIMIT, "more items are announced than TORPOR_DATA_LARGEST");
    return;
  }
  level next = {.head = w->size,
                .items = items,
                .most = counted ? SIZE_MAX : count * each,
                .major = major,
                .kind = kind};
  if (put_head(w, major, counted ? 0 : count)) w->levels[++w->depth] = next;
}

void torpor_writer_array(torpor_writer *writer, size_t count) {
  if (begin_item(writer, false))
    begin_level(writer, TORPOR__CBOR_ARRAY, LEVEL_ITEMS, count);
}

void torpor_writer_object(torpor_writer *writer, size_t count) {
  if (begin_item(writer, false))
    begin_level(writer, TORPOR__CBOR_MAP, LEVEL_PROPERTIES, count);
}

void torpor_writer_map(torpor_writer *writer, size_t count) {
  if (tag_item(writer, TORPOR__TAG_MAP))
    begin_level(writer, TORPOR__CBOR_MAP, LEVEL_PAIRS, count);
}

void torpor_writer_set(torpor_writer *writer, size_t count) {
  if (tag_item(writer, TORPOR__TAG_SET))
    begin_level(writer, TORPOR__CBOR_ARRAY, LEVEL_ITEMS, count);
}

/* Writes the head of a level whose items were counted. */
static void put_counted_head(torpor_writer *w, const level *ended) {
  size_t count = ended->kind == LEVEL_ITEMS ? ended->count : ended->count / 2;
  uint8_t head[TORPOR__CBOR_HEAD];
  size_t size = torpor__cbor_put(head, ended->major, count);
  if (!reserve(w, size - 1)) return;
  uint8_t *at = w->data + ended->head;
  if (size > 1) memmove(at + size, at + 1, w->size - ended->head - 1);
  memcpy(at, head, size);
  w->size += size - 1;
}

void torpor_writer_end(torpor_writer *writer) {
  torpor_writer *w = writer;
  const level *ended;
  if (!w || w->status != TORPOR_OK) return;
  ended = &w->levels[w->depth];
  if (w->depth == 0)
    fail(w, TORPOR_MISUSE, "no array or map is open");
  else if (w->tags > 0)
    fail(w, TORPOR_MISUSE, "a tag without a value");
  else if (ended->kind != LEVEL_ITEMS && ended->count % 2 != 0)
    fail(w, TORPOR_MISUSE, "a key without a value");
  else if (ended->most == SIZE_MAX)
    put_counted_head(w, ended);
  else if (ended->count != ended->most)
    fail(w, TORPOR_MISUSE, "there are fewer items than were announced");
  if (w->status == TORPOR_OK) w->depth--;
}

/* ---- Numbers and the like -------------------------------------------------*/

static void write_simple(torpor_writer *w, uint64_t simple) {
  if (begin_item(w, false)) put_head(w, TORPOR__CBOR_SIMPLE, simple);
}

void torpor_writer_undefined(torpor_writer *writer) {
  write_simple(writer, TORPOR__CBOR_UNDEFINED);
}

void torpor_writer_null(torpor_writer *writer) {
  write_simple(writer, TORPOR__CBOR_NULL);
}

void torpor_writer_boolean(torpor_writer *writer, bool value) {
  write_simple(writer, value ? TORPOR__CBOR_TRUE : TORPOR__CBOR_FALSE);
}

void torpor_writer_hole(torpor_writer *writer) {
  if (tag_item(writer, TORPOR__TAG_HOLE))
    put_head(writer, TORPOR__CBOR_SIMPLE, TORPOR__CBOR_UNDEFINED);
}

static void put_number(torpor_writer *w, double number) {
  if (!reserve(w, TORPOR__CBOR_HEAD)) return;
  w->size += torpor__cbor_put_number(w->data + w->size, number);
}

void torpor_writer_number(torpor_writer *writer, double number) {
  if (begin_item(writer, false)) put_number(writer, number);
}

void torpor_writer_integer(torpor_writer *writer, int64_t number) {
  if (!begin_item(writer, false)) return;
  if (number >= 0)
    put_head(writer, TORPOR__CBOR_UNSIGNED, (uint64_t)number);
  else
    put_head(writer, TORPOR__CBOR_NEGATIVE, ~(uint64_t)number);
}

/* Byte 'i' of a magnitude, from the lowest. */
static uint8_t byte_of(const uint64_t *words, size_t i) {
  return (uint8_t)(words[i / 8] >> i % 8 * 8);
}

void torpor_writer_bigint(torpor_writer *writer, bool negative,
                          const uint64_t *words, size_t count) {
  torpor_writer *w = writer;
  size_t size, zeros = 0;
  if (is_missing(w, words, count)) return;
  if (is_too_long(w, count > SIZE_MAX / 8 ? SIZE_MAX : count * 8)) return;
  while (count > 0 && words[count - 1] == 0) count--;
  if (count == 0) negative = false;
  size = count * 8;
  while (size > 0 && byte_of(words, size - 1) == 0) size--;
  /* A negative one is stored as its magnitude less 1. */
  while (negative && byte_of(words, zeros) == 0) zeros++;
  if (!tag_item(w, negative ? TORPOR__TAG_BIGINT_NEGATIVE : TORPOR__TAG_BIGINT))
    return;
  if (negative && zeros == size - 1 && byte_of(words, zeros) == 1) size--;
  if (!put_head(w, TORPOR__CBOR_BYTES, size) || !reserve(w, size)) return;
  for (size_t i = size; i-- > 0;) {
    uint8_t byte = byte_of(words, i);
    if (negative && i <= zeros) byte--;
    w->data[w->size++] = byte;
  }
}

void torpor_writer_date(torpor_writer *writer, double ms) {
  if (tag_item(writer, TORPOR__TAG_DATE)) put_number(writer, ms / 1000);
}

void torpor_writer_value(torpor_writer *writer, torpor_value value) {
  switch (torpor_value_type(value)) {
  case TORPOR_TYPE_UNDEFINED:
    torpor_writer_undefined(writer);
    break;
  case TORPOR_TYPE_NULL:
    torpor_writer_null(writer);
    break;
  case TORPOR_TYPE_BOOLEAN:
    torpor_writer_boolean(writer, torpor_value_is_true(value));
    break;
  case TORPOR_TYPE_NUMBER:
    torpor_writer_number(writer, torpor_value_number(value));
    break;
  default:
    if (tag_item(writer, TORPOR__TAG_HANDLE))
      put_head(writer, TORPOR__CBOR_UNSIGNED, value.bits & TORPOR__CBOR_HANDLE);
  }
}

/* ---- Text -----------------------------------------------------------------*/

static void put_text(torpor_writer *w, const char *text, size_t size) {
  if (is_too_long(w, size)) return;
  if (torpor__utf8_valid(text, size))
    put_blob(w, TORPOR__CBOR_TEXT, text, size);
  else
    fail(w, TORPOR_MISUSE, "a text is not UTF-8");
}

/* A text that stands alone or is a key. */
static void write_text(torpor_writer *w, const char *text, size_t size) {
  size = measure(text, size);
  if (!is_missing(w, text, size) && begin_item(w, true))
    put_text(w, text, size);
}

void torpor_writer_string(torpor_writer *writer, const char *text,
                          size_t size) {
  write_text(writer, text, size);
}

void torpor_writer_key(torpor_writer *writer, const char *key, size_t size) {
  const level *in = writer ? &writer->levels[writer->depth] : NULL;
  if (in && writer->status == TORPOR_OK &&
      (in->kind == LEVEL_ITEMS || in->count % 2 != 0 || writer->tags > 0))
    fail(writer, TORPOR_MISUSE, "a key stands where a value is expected");
  write_text(writer, key, size);
}

static bool is_high(uint16_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint16_t unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

/* The code point at '*at', which moves on; a lone surrogate as it is. */
static uint32_t next_point(const uint16_t *units, size_t count, size_t *at) {
  uint16_t unit = units[(*at)++];
  if (!is_high(unit) || *at == count || !is_low(units[*at])) return unit;
  return 0x10000 + ((unit - 0xd800u) << 10) + (units[(*at)++] - 0xdc00u);
}

static size_t point_size(uint32_t point) {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

void torpor_writer_utf16(torpor_writer *writer, const uint16_t *units,
                         size_t count) {
  torpor_writer *w = writer;
  size_t size = 0;
  bool lone = false;
  if (is_missing(w, units, count) || is_too_long(w, count)) return;
  for (size_t i = 0; i < count;) {
    uint32_t point = next_point(units, count, &i);
    size += point_size(point);
    lone |= point >= 0xd800 && point < 0xe000;
  }
  if (!begin_item(w, true)) return;
  if (lone && !put_head(w, TORPOR__CBOR_TAG, TORPOR__TAG_WTF8)) return;
  if (!put_head(w, lone ? TORPOR__CBOR_BYTES : TORPOR__CBOR_TEXT, size) ||
      !reserve(w, size))
    return;
  for (size_t i = 0; i < count;)
    w->size +=
        torpor__utf8_put(w->data + w->size, next_point(units, count, &i));
}

void torpor_writer_symbol(torpor_writer *writer, const char *key, size_t size) {
  size = measure(key, size);
  if (!is_missing(writer, key, size) && tag_item(writer, TORPOR__TAG_SYMBOL))
    put_text(writer, key, size);
}

void torpor_writer_regexp(torpor_writer *writer, const char *source,
                          const char *flags) {
  if (is_missing(writer, source, 1) || is_missing(writer, flags, 1)) return;
  if (!tag_item(writer, TORPOR__TAG_REGEXP) ||
      !put_head(writer, TORPOR__CBOR_ARRAY, 2))
    return;
  put_text(writer, source, strlen(source));
  if (writer->status == TORPOR_OK) put_text(writer, flags, strlen(flags));
}

static void put_field(torpor_writer *w, const char *key, const char *text) {
  if (w->status == TORPOR_OK) put_text(w, key, strlen(key));
  if (w->status == TORPOR_OK) put_text(w, text, strlen(text));
}

void torpor_writer_error(torpor_writer *writer, const char *name,
                         const char *message, const char *code) {
  if (is_missing(writer, name, 1) || is_missing(writer, message, 1)) return;
  if (!tag_item(writer, TORPOR__TAG_ERROR) ||
      !put_head(writer, TORPOR__CBOR_MAP, code ? 3 : 2))
    return;
  put_field(writer, "name", name);
  put_field(writer, "message", message);
  if (code) put_field(writer, "code", code);
}

/* ---- Bytes, and the same value twice --------------------------------------*/

void torpor_writer_bytes(torpor_writer *writer, const void *data, size_t size) {
  if (!is_missing(writer, data, size) && begin_item(writer, false))
    put_blob(writer, TORPOR__CBOR_BYTES, data, size);
}

void torpor_writer_view(torpor_writer *writer, torpor_view kind,
                        const void *data, size_t size) {
  size_t element = torpor__cbor_element(kind);
  if (is_missing(writer, data, size)) return;
  if (!writer || writer->status != TORPOR_OK) return;
  if (element == 0)
    fail(writer, TORPOR_MISUSE, "there is no such kind of view");
  else if (size % element != 0)
    fail(writer, TORPOR_MISUSE, "a typed array ends within an element");
  else if (kind == TORPOR_VIEW_UINT8)
    torpor_writer_bytes(writer, data, size);
  else if (tag_item(writer, kind))
    put_blob(writer, TORPOR__CBOR_BYTES, data, size);
}

uint32_t torpor_writer_share(torpor_writer *writer) {
  if (!begin_tag(writer, TORPOR__TAG_SHARED)) return 0;
  return writer->shared++;
}

void torpor_writer_reference(torpor_writer *writer, uint32_t number) {
  if (!writer || writer->status != TORPOR_OK) return;
  if (number >= writer->shared)
    fail(writer, TORPOR_MISUSE, "a reference to a number that is not there");
  else if (tag_item(writer, TORPOR__TAG_REFERENCE))
    put_head(writer, TORPOR__CBOR_UNSIGNED, number);
}

void torpor_writer_tag(torpor_writer *writer, uint64_t tag) {
  if (begin_tag(writer, tag) &&
      (tag == TORPOR__TAG_SHARED || tag == TORPOR__TAG_WHOLE))
    writer->shared++;
}
