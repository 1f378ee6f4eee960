/* SPDX-License-Identifier: MIT */
/* reader.c - trees of values, read where they lie.
 *
 * All bytes are looked at once, when a reader is opened: they are well-formed,
 * of definite lengths and not too deep, texts are UTF-8, and references lead
 * back. From then on heads are read without fear; what a tag has in it, and of
 * what kind a value is, is looked at when it is asked for.
 *
 * Numbers of shared values are indexes into a list of the places of tag 28 (and
 * of the one that counts a view's buffer), which is in ascending order.
 *
 *  (1) Once 'status' is not OK the reader is at its end and stays there.
 *  (2) 'at' is where an item begins while 'left' of the innermost level is not
 *      0.
 *
 * No state but the reader's; any thread. */
#include <math.h>
#include <string.h>

#include "common/alloc.h"
#include "common/array.h"
#include "common/cbor.h"
#include "common/search.h"
#include "common/utf8.h"
#include "vm/common/error.h"
#include "vm/vm.h"

/* What is being read: the tree, an array or map, or where a reference leads. */
typedef struct level {
  const uint8_t *start; /* the first item */
  uint64_t count, left; /* items in it, and to come */
  const uint8_t *back;  /* of a reference: behind it; else NULL */
  bool keyed;           /* an object or error */
  bool buffer;          /* of a reference: to the buffer of the view there */
} level;

struct torpor_reader {
  const uint8_t *data, *at, *end;
  torpor_status status;
  const char *mistake;
  size_t mistake_at;
  const uint8_t **shared;
  size_t shared_count, shared_room;
  level *levels;
  size_t depth, room; /* levels[depth] is the innermost */
};

/* An item with the tags before it. */
typedef struct tagged {
  torpor__cbor_item item;
  torpor__cbor_reader body; /* behind the head, and the text or bytes */
  const uint8_t *start;     /* of the item without tags */
  const uint8_t *content;   /* behind the tag */
  uint64_t tag;             /* the one that says what it is */
  bool is_tagged;
} tagged;

/* ---- Checking it all ------------------------------------------------------*/

static bool note_shared(torpor_reader *r, const uint8_t *at) {
  if (!torpor__array_reserve_by(torpor__alloc_resize, &r->shared,
                                &r->shared_room, r->shared_count + 1,
                                sizeof(*r->shared)))
    return false;
  r->shared[r->shared_count++] = at;
  return true;
}

static bool is_counting(uint64_t tag) {
  return tag == TORPOR__TAG_SHARED || tag == TORPOR__TAG_WHOLE;
}

/* What is wrong with an item that is well-formed; NULL: nothing. 'tag' is what
 * stands before it, 0: none. */
static const char *check_item(const torpor_reader *r,
                              const torpor__cbor_item *item, uint64_t tag) {
  if (item->indefinite || item->is_break) return "an indefinite length";
  if (item->major == TORPOR__CBOR_TEXT &&
      !torpor__utf8_valid(item->data, (size_t)item->value))
    return "text that is not UTF-8";
  if (tag == TORPOR__TAG_WTF8 && item->major == TORPOR__CBOR_BYTES &&
      !torpor__wtf8_valid(item->data, (size_t)item->value))
    return "text that is not UTF-8 with lone surrogates";
  if (tag == TORPOR__TAG_REFERENCE &&
      (item->major != TORPOR__CBOR_UNSIGNED || item->value >= r->shared_count))
    return "a reference to what is not there";
  return NULL;
}

/* Looks at each head and notes what is shared; '*at' is where one is wrong. */
static torpor_status check_items(torpor_reader *r, size_t *at) {
  torpor__cbor_reader in = {.start = r->data, .at = r->data, .end = r->end};
  torpor__cbor_item item;
  uint64_t tag = 0;
  while (in.at < in.end) {
    const uint8_t *start = in.at;
    *at = (size_t)(start - r->data);
    torpor__cbor_next(&in, &item);
    r->mistake = check_item(r, &item, tag);
    if (r->mistake) return TORPOR_FORMAT;
    tag = item.major == TORPOR__CBOR_TAG ? item.value : 0;
    if (is_counting(tag) && !note_shared(r, start)) return TORPOR_NOMEM;
  }
  return TORPOR_OK;
}

static torpor_status check_all(torpor_reader *r, size_t *at) {
  torpor__cbor_reader in = {.start = r->data, .at = r->data, .end = r->end};
  bool good = torpor__cbor_skip(&in);
  *at = (size_t)(in.at - r->data);
  r->mistake = good ? "there is more than one value"
                    : "it is not well-formed, or nested too deep,";
  if (!good || in.at != in.end) return TORPOR_FORMAT;
  return check_items(r, at);
}

static torpor_status start(torpor_reader *r) {
  size_t at = 0;
  torpor_status status = check_all(r, &at);
  if (status == TORPOR_FORMAT)
    return torpor__fail(NULL, status,
                        "not a tree of values as CBOR: %s at "
                        "byte %zu",
                        r->mistake, at);
  if (status == TORPOR_OK &&
      !torpor__array_reserve_by(torpor__alloc_resize, &r->levels, &r->room, 1,
                                sizeof(*r->levels)))
    status = TORPOR_NOMEM;
  if (status != TORPOR_OK) return torpor__fail(NULL, status, "out of memory");
  r->levels[0] = (level){.start = r->data, .count = 1, .left = 1};
  return TORPOR_OK;
}

torpor_status torpor_reader_open(const void *data, size_t size,
                                 torpor_reader **out) {
  torpor_reader *r;
  torpor_status status;
  TORPOR__REQUIRE(NULL, out);
  *out = NULL;
  if (size > 0) TORPOR__REQUIRE(NULL, data);
  if (size > TORPOR_DATA_LARGEST)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "the tree has %zu bytes; the limit is %zu", size,
                        TORPOR_DATA_LARGEST);
  r = torpor__alloc(sizeof(*r));
  if (!r) return torpor__fail(NULL, TORPOR_NOMEM, "out of memory");
  *r = (torpor_reader){.data = data, .at = data};
  r->end = size > 0 ? r->data + size : r->data;
  status = start(r);
  if (status == TORPOR_OK)
    *out = r;
  else
    torpor_reader_close(r);
  return status;
}

void torpor_reader_close(torpor_reader *reader) {
  if (!reader) return;
  torpor__alloc_free(reader->shared);
  torpor__alloc_free(reader->levels);
  torpor__alloc_free(reader);
}

torpor_status torpor_reader_status(const torpor_reader *reader) {
  TORPOR__REQUIRE(NULL, reader);
  if (reader->status == TORPOR_OK) return TORPOR_OK;
  return torpor__fail(NULL, reader->status,
                      "the tree cannot be read: %s at "
                      "byte %zu",
                      reader->mistake, reader->mistake_at);
}

/* ---- What is there --------------------------------------------------------*/

static void fail(torpor_reader *r, torpor_status status, const char *mistake) {
  r->status = status;
  r->mistake = mistake;
  r->mistake_at = (size_t)(r->at - r->data);
}

static level *innermost(const torpor_reader *r) {
  return &r->levels[r->depth];
}

static bool is_at_end(const torpor_reader *r) {
  return !r || r->status != TORPOR_OK || innermost(r)->left == 0;
}

/* Reads the item at 'at' with its tags. */
static tagged look_at(const torpor_reader *r, const uint8_t *at) {
  tagged found = {.body = {.start = r->data, .at = at, .end = r->end}};
  for (;;) {
    found.start = found.body.at;
    torpor__cbor_next(&found.body, &found.item);
    if (found.item.major != TORPOR__CBOR_TAG) return found;
    if (is_counting(found.item.value) && !found.is_tagged) continue;
    if (found.is_tagged) return found; /* a tag in a tag is its content */
    found.is_tagged = true;
    found.tag = found.item.value;
    found.content = found.body.at;
  }
}

/* Whether a tag and what is behind it are what docs/cbor.md says; 'want' is
 * its major type. */
static torpor_data_type type_if(bool good, torpor_data_type type) {
  return good ? type : TORPOR_DATA_TAG;
}

static bool is_primitive(const torpor__cbor_item *item) {
  return item->major == TORPOR__CBOR_UNSIGNED ||
         item->major == TORPOR__CBOR_NEGATIVE ||
         item->major == TORPOR__CBOR_TEXT || item->major == TORPOR__CBOR_TAG ||
         (item->major == TORPOR__CBOR_SIMPLE &&
          (item->is_number || item->value == TORPOR__CBOR_TRUE ||
           item->value == TORPOR__CBOR_FALSE));
}

static bool is_float_or_integer(const torpor__cbor_item *item) {
  return item->major == TORPOR__CBOR_UNSIGNED ||
         item->major == TORPOR__CBOR_NEGATIVE || item->is_number;
}

static torpor_data_type type_of_tag(const tagged *t) {
  const torpor__cbor_item *item = &t->item;
  bool bytes = item->major == TORPOR__CBOR_BYTES;
  if (torpor__cbor_element(t->tag) > 0)
    return type_if(bytes && item->value % torpor__cbor_element(t->tag) == 0,
                   TORPOR_DATA_VIEW);
  switch (t->tag) {
  case TORPOR__TAG_DATE:
    return type_if(is_float_or_integer(item), TORPOR_DATA_DATE);
  case TORPOR__TAG_BIGINT:
  case TORPOR__TAG_BIGINT_NEGATIVE:
    return type_if(bytes, TORPOR_DATA_BIGINT);
  case TORPOR__TAG_REFERENCE:
    return TORPOR_DATA_REFERENCE;
  case TORPOR__TAG_HOLE:
    return TORPOR_DATA_HOLE;
  case TORPOR__TAG_WTF8:
    return type_if(bytes, TORPOR_DATA_WTF8);
  case TORPOR__TAG_SET:
    return type_if(item->major == TORPOR__CBOR_ARRAY, TORPOR_DATA_SET);
  case TORPOR__TAG_MAP:
    return type_if(item->major == TORPOR__CBOR_MAP, TORPOR_DATA_MAP);
  case TORPOR__TAG_REGEXP:
    return type_if(item->major == TORPOR__CBOR_ARRAY && item->value == 2,
                   TORPOR_DATA_REGEXP);
  case TORPOR__TAG_ERROR:
    return type_if(item->major == TORPOR__CBOR_MAP, TORPOR_DATA_ERROR);
  case TORPOR__TAG_SYMBOL:
    return type_if(item->major == TORPOR__CBOR_TEXT ||
                       item->major == TORPOR__CBOR_TAG,
                   TORPOR_DATA_SYMBOL);
  case TORPOR__TAG_BOXED:
    return type_if(is_primitive(item), TORPOR_DATA_BOXED);
  case TORPOR__TAG_HANDLE:
    return type_if(item->major == TORPOR__CBOR_UNSIGNED &&
                       item->value <= TORPOR__CBOR_HANDLE,
                   TORPOR_DATA_VALUE);
  case TORPOR__TAG_PART:
    return type_if(item->major == TORPOR__CBOR_ARRAY && item->value == 4,
                   TORPOR_DATA_VIEW);
  default:
    return TORPOR_DATA_TAG;
  }
}

static torpor_data_type type_of_simple(const torpor__cbor_item *item) {
  if (item->is_number) return TORPOR_DATA_NUMBER;
  switch (item->value) {
  case TORPOR__CBOR_FALSE:
  case TORPOR__CBOR_TRUE:
    return TORPOR_DATA_BOOLEAN;
  case TORPOR__CBOR_NULL:
    return TORPOR_DATA_NULL;
  default:
    return TORPOR_DATA_UNDEFINED;
  }
}

static bool is_safe(const torpor__cbor_item *item) {
  uint64_t least = item->major == TORPOR__CBOR_NEGATIVE;
  return item->value <= (UINT64_C(1) << 53) - 1 - least;
}

static torpor_data_type type_of(const tagged *t) {
  if (t->is_tagged) return type_of_tag(t);
  switch (t->item.major) {
  case TORPOR__CBOR_UNSIGNED:
  case TORPOR__CBOR_NEGATIVE:
    return is_safe(&t->item) ? TORPOR_DATA_NUMBER : TORPOR_DATA_BIGINT;
  case TORPOR__CBOR_BYTES:
    return TORPOR_DATA_VIEW;
  case TORPOR__CBOR_TEXT:
    return TORPOR_DATA_STRING;
  case TORPOR__CBOR_ARRAY:
    return TORPOR_DATA_ARRAY;
  case TORPOR__CBOR_MAP:
    return TORPOR_DATA_OBJECT;
  default:
    return type_of_simple(&t->item);
  }
}

torpor_data_type torpor_reader_type(const torpor_reader *reader) {
  tagged found;
  if (is_at_end(reader)) return TORPOR_DATA_END;
  found = look_at(reader, reader->at);
  return type_of(&found);
}

/* torpor__compare_fn */
static int compare_places(const void *key, const void *item) {
  const uint8_t *at = *(const uint8_t *const *)key;
  const uint8_t *other = *(const uint8_t *const *)item;
  return (at > other) - (at < other);
}

bool torpor_reader_is_shared(const torpor_reader *reader, uint32_t *number) {
  torpor__cbor_item item;
  torpor__cbor_reader in;
  if (number) *number = 0;
  if (is_at_end(reader)) return false;
  in = (torpor__cbor_reader){.at = reader->at, .end = reader->end};
  torpor__cbor_next(&in, &item);
  if (item.major != TORPOR__CBOR_TAG || item.value != TORPOR__TAG_SHARED)
    return false;
  if (number)
    *number = (uint32_t)torpor__search(&reader->at, reader->shared,
                                       reader->shared_count,
                                       sizeof(*reader->shared), compare_places);
  return true;
}

/* ---- Going about ----------------------------------------------------------*/

/* One item of the level is over, and ended at 'at'. */
static void go_behind(torpor_reader *r, const uint8_t *at) {
  r->at = at;
  innermost(r)->left--;
}

/* Behind the item at 'at' with all that is in it. */
static const uint8_t *behind(const torpor_reader *r, const uint8_t *at) {
  torpor__cbor_reader in = {.start = r->data, .at = at, .end = r->end};
  torpor__cbor_skip(&in);
  return in.at;
}

/* Looks at a value of type 'wanted', or fails. */
static bool expect(torpor_reader *r, torpor_data_type wanted, tagged *found,
                   const char *mistake) {
  if (!r || r->status != TORPOR_OK) return false;
  if (!is_at_end(r)) {
    *found = look_at(r, r->at);
    if (type_of(found) == wanted) return true;
  }
  fail(r, TORPOR_WRONG_TYPE, mistake);
  return false;
}

void torpor_reader_skip(torpor_reader *reader) {
  if (!reader || reader->status != TORPOR_OK) return;
  if (is_at_end(reader))
    fail(reader, TORPOR_WRONG_TYPE, "a value is expected, and none is there");
  else
    go_behind(reader, behind(reader, reader->at));
}

static bool open_level(torpor_reader *r, level next) {
  if (r->depth >= TORPOR__CBOR_DEPTH) {
    fail(r, TORPOR_LIMIT, "it was entered too deep, as in a circle,");
    return false;
  }
  if (!torpor__array_reserve_by(torpor__alloc_resize, &r->levels, &r->room,
                                r->depth + 2, sizeof(*r->levels))) {
    fail(r, TORPOR_NOMEM, "out of memory");
    return false;
  }
  r->levels[++r->depth] = next;
  r->at = next.start;
  return true;
}

/* The level that 'found' is to be entered as; false: nothing is in it. */
static bool level_of(const tagged *found, level *next) {
  const torpor__cbor_item *item = &found->item;
  *next = (level){.start = found->body.at, .count = 1};
  switch (type_of(found)) {
  case TORPOR_DATA_ARRAY:
  case TORPOR_DATA_SET:
  case TORPOR_DATA_REGEXP:
    next->count = item->value;
    break;
  case TORPOR_DATA_OBJECT:
  case TORPOR_DATA_ERROR:
    next->keyed = true;
    next->count = item->value * 2;
    break;
  case TORPOR_DATA_MAP:
    next->count = item->value * 2;
    break;
  case TORPOR_DATA_SYMBOL:
  case TORPOR_DATA_BOXED:
    next->start = found->content;
    break;
  default:
    return false;
  }
  next->left = next->count;
  return true;
}

size_t torpor_reader_enter(torpor_reader *reader) {
  tagged found;
  level next;
  if (!reader || reader->status != TORPOR_OK) return 0;
  if (!is_at_end(reader)) {
    found = look_at(reader, reader->at);
    if (level_of(&found, &next)) {
      if (!open_level(reader, next)) return 0;
      return (size_t)(found.item.major == TORPOR__CBOR_MAP ? next.count / 2
                                                           : next.count);
    }
  }
  fail(reader, TORPOR_WRONG_TYPE,
       "an array, object or the like is expected, and something else is there");
  return 0;
}

void torpor_reader_leave(torpor_reader *reader) {
  torpor_reader *r = reader;
  const uint8_t *back;
  if (!r || r->status != TORPOR_OK) return;
  if (r->depth == 0) {
    fail(r, TORPOR_MISUSE, "nothing was entered");
    return;
  }
  while (innermost(r)->left > 0) go_behind(r, behind(r, r->at));
  back = innermost(r)->back ? innermost(r)->back : r->at;
  r->depth--;
  go_behind(r, back);
}

static bool is_key(const torpor_reader *r, const uint8_t *at, const char *key,
                   size_t size) {
  tagged found = look_at(r, at);
  return !found.is_tagged && found.item.major == TORPOR__CBOR_TEXT &&
         torpor__slice_equals(
             (torpor_slice){found.item.data, (size_t)found.item.value}, key,
             size);
}

bool torpor_reader_find(torpor_reader *reader, const char *key, size_t size) {
  torpor_reader *r = reader;
  const uint8_t *at;
  level *in;
  if (!r || r->status != TORPOR_OK) return false;
  in = innermost(r);
  if (!key || !in->keyed) {
    fail(r, TORPOR_MISUSE,
         key ? "a key is looked for outside of an object" : "the key is NULL");
    return false;
  }
  if (size == SIZE_MAX) size = strlen(key);
  at = in->start;
  for (uint64_t left = in->count; left > 0; left -= 2) {
    const uint8_t *value = behind(r, at);
    if (is_key(r, at, key, size)) {
      r->at = value;
      in->left = left - 1;
      return true;
    }
    at = behind(r, value);
  }
  return false;
}

uint32_t torpor_reader_reference(torpor_reader *reader) {
  tagged found;
  if (!expect(reader, TORPOR_DATA_REFERENCE, &found,
              "a reference is expected, and something else is there"))
    return 0;
  go_behind(reader, found.body.at);
  return (uint32_t)found.item.value;
}

/* Whether a shared value is the buffer of the view at 'at', not the view. */
static bool is_whole(const torpor_reader *r, const uint8_t *at) {
  torpor__cbor_reader in = {.start = r->data, .at = at, .end = r->end};
  torpor__cbor_item item;
  torpor__cbor_next(&in, &item);
  return item.value == TORPOR__TAG_WHOLE;
}

void torpor_reader_follow(torpor_reader *reader) {
  tagged found;
  level next = {.count = 1, .left = 1};
  if (!expect(reader, TORPOR_DATA_REFERENCE, &found,
              "a reference is expected, and something else is there"))
    return;
  next.start = reader->shared[found.item.value];
  next.back = found.body.at;
  next.buffer = is_whole(reader, next.start);
  open_level(reader, next);
}

uint64_t torpor_reader_tag(torpor_reader *reader) {
  tagged found;
  if (!reader || reader->status != TORPOR_OK) return 0;
  if (!is_at_end(reader)) {
    found = look_at(reader, reader->at);
    if (found.is_tagged) {
      reader->at = found.content;
      return found.tag;
    }
  }
  fail(reader, TORPOR_WRONG_TYPE,
       "a tag is expected, and something else is there");
  return 0;
}

/* ---- Scalars --------------------------------------------------------------*/

bool torpor_reader_boolean(torpor_reader *reader) {
  tagged found;
  if (!expect(reader, TORPOR_DATA_BOOLEAN, &found,
              "a boolean is expected, and something else is there"))
    return false;
  go_behind(reader, found.body.at);
  return found.item.value == TORPOR__CBOR_TRUE;
}

static double number_of(const torpor__cbor_item *item) {
  if (item->is_number) return item->number;
  if (item->major == TORPOR__CBOR_NEGATIVE) return -1 - (double)item->value;
  return (double)item->value;
}

double torpor_reader_number(torpor_reader *reader) {
  tagged found;
  if (!expect(reader, TORPOR_DATA_NUMBER, &found,
              "a number is expected, and something else is there"))
    return 0;
  go_behind(reader, found.body.at);
  return number_of(&found.item);
}

double torpor_reader_date(torpor_reader *reader) {
  tagged found;
  if (!expect(reader, TORPOR_DATA_DATE, &found,
              "a date is expected, and something else is there"))
    return 0;
  go_behind(reader, found.body.at);
  return round(number_of(&found.item) * 1000);
}

/* A BigInt in either of its forms: what is stored is the magnitude, of a
 * negative one less 1. */
typedef struct big {
  const uint8_t *bytes; /* the highest first; NULL: 'value' */
  size_t size;
  uint64_t value;
  bool negative;
} big;

static big big_of(const tagged *found) {
  const torpor__cbor_item *item = &found->item;
  big result = {.value = item->value};
  result.negative = found->is_tagged ? found->tag == TORPOR__TAG_BIGINT_NEGATIVE
                                     : item->major == TORPOR__CBOR_NEGATIVE;
  if (!found->is_tagged) {
    result.size = sizeof(item->value);
    return result;
  }
  result.bytes = item->data;
  result.size = (size_t)item->value;
  for (; result.size > 0 && *result.bytes == 0; result.bytes++) result.size--;
  return result;
}

/* Word 'i' of what is stored. */
static uint64_t big_word(const big *number, size_t i) {
  uint64_t word = 0;
  if (!number->bytes) return i == 0 ? number->value : 0;
  for (size_t k = i * 8; k < i * 8 + 8 && k < number->size; k++)
    word |= (uint64_t)number->bytes[number->size - 1 - k] << k % 8 * 8;
  return word;
}

/* Adds what is missing of a negative one; '*carry' is 1 at first. */
static uint64_t big_magnitude(const big *number, size_t i, unsigned *carry) {
  uint64_t word = big_word(number, i);
  if (!number->negative || *carry == 0) return word;
  *carry = word == UINT64_MAX;
  return word + 1;
}

size_t torpor_reader_bigint(torpor_reader *reader, bool *negative,
                            uint64_t *words, size_t room) {
  tagged found;
  unsigned carry = 1;
  size_t count = 0;
  if (negative) *negative = false;
  if (!expect(reader, TORPOR_DATA_BIGINT, &found,
              "a BigInt is expected, and something else is there"))
    return 0;
  const big number = big_of(&found);
  for (size_t i = 0; i <= number.size / 8; i++) {
    uint64_t word = big_magnitude(&number, i, &carry);
    if (word != 0) count = i + 1;
    if (words && i < room) words[i] = word;
  }
  for (size_t i = count; words && i < room; i++) words[i] = 0;
  if (negative) *negative = number.negative;
  if (room > 0) go_behind(reader, found.body.at);
  return count;
}

/* False: it is not one of int64_t. */
static bool exact_integer(const tagged *found, torpor_data_type type,
                          int64_t *out) {
  if (type == TORPOR_DATA_NUMBER) {
    double number = number_of(&found->item);
    *out = fabs(number) < 9223372036854775808.0 ? (int64_t)number : 0;
    return (double)*out == number && fabs(number) < 9223372036854775808.0;
  }
  if (type != TORPOR_DATA_BIGINT) return false;
  const big number = big_of(found);
  uint64_t low = big_word(&number, 0);
  if (number.bytes && number.size > 8) return false;
  *out = number.negative ? (int64_t)~low : (int64_t)low;
  return low <= INT64_MAX;
}

int64_t torpor_reader_integer(torpor_reader *reader) {
  tagged found;
  int64_t number;
  if (!reader || reader->status != TORPOR_OK) return 0;
  if (!is_at_end(reader)) {
    found = look_at(reader, reader->at);
    if (exact_integer(&found, type_of(&found), &number)) {
      go_behind(reader, found.body.at);
      return number;
    }
  }
  fail(reader, TORPOR_WRONG_TYPE,
       "an integer of 64 bits is expected, and something else is there");
  return 0;
}

/* Only promises are written as handles, and those are objects. */
torpor_value torpor_reader_value(torpor_reader *reader, const torpor_vm *vm) {
  tagged found;
  if (!expect(reader, TORPOR_DATA_VALUE, &found,
              "a value of a VM is expected, and something else is there"))
    return torpor_undefined();
  if (!vm || vm->closed) {
    fail(reader, TORPOR_MISUSE, "a value is of a VM, and there is none");
    return torpor_undefined();
  }
  go_behind(reader, found.body.at);
  return (torpor_value){(uint64_t)TORPOR_TAG_OBJECT << 48 | found.item.value,
                        vm->owner};
}

/* ---- Text and bytes -------------------------------------------------------*/

torpor_slice torpor_reader_string(torpor_reader *reader) {
  tagged found;
  if (!expect(reader, TORPOR_DATA_STRING, &found,
              "text is expected, and something else is there"))
    return (torpor_slice){"", 0};
  go_behind(reader, found.body.at);
  return (torpor_slice){found.item.data, (size_t)found.item.value};
}

torpor_slice torpor_reader_wtf8(torpor_reader *reader) {
  tagged found;
  if (torpor_reader_type(reader) != TORPOR_DATA_WTF8)
    return torpor_reader_string(reader);
  found = look_at(reader, reader->at);
  go_behind(reader, found.body.at);
  return (torpor_slice){found.item.data, (size_t)found.item.value};
}

/* The next unsigned integer at '*at', which moves on; UINT64_MAX: another kind
 * of item is there. */
static uint64_t take_unsigned(const torpor_reader *r, const uint8_t **at) {
  tagged found = look_at(r, *at);
  *at = found.body.at;
  if (found.is_tagged || found.item.major != TORPOR__CBOR_UNSIGNED)
    return UINT64_MAX;
  return found.item.value;
}

/* The bytes of the buffer at '*at', which moves on: itself, a reference to it,
 * or to the view whose buffer it is. */
static bool take_buffer(const torpor_reader *r, const uint8_t **at,
                        torpor_slice *bytes) {
  tagged found = look_at(r, *at);
  *at = behind(r, *at);
  if (type_of(&found) == TORPOR_DATA_REFERENCE)
    found = look_at(r, r->shared[found.item.value]);
  if (type_of(&found) != TORPOR_DATA_VIEW ||
      found.item.major != TORPOR__CBOR_BYTES)
    return false;
  *bytes = (torpor_slice){found.item.data, (size_t)found.item.value};
  return true;
}

/* A view of a part: [kind, buffer, offset, size]. */
static bool part_of(const torpor_reader *r, const tagged *found,
                    torpor_view *kind, torpor_slice *bytes) {
  const uint8_t *at = found->body.at;
  uint64_t tag = take_unsigned(r, &at), offset, size;
  if (!take_buffer(r, &at, bytes)) return false;
  offset = take_unsigned(r, &at);
  size = take_unsigned(r, &at);
  if (torpor__cbor_element(tag) == 0 || offset > bytes->size ||
      size > bytes->size - offset || size % torpor__cbor_element(tag) != 0)
    return false;
  *kind = (torpor_view)tag;
  bytes->data = (const uint8_t *)bytes->data + offset;
  bytes->size = (size_t)size;
  return true;
}

torpor_slice torpor_reader_view(torpor_reader *reader, torpor_view *kind) {
  torpor_slice bytes = {"", 0};
  torpor_view found_kind = TORPOR_VIEW_UINT8;
  tagged found;
  bool good = true;
  if (kind) *kind = found_kind;
  if (!expect(reader, TORPOR_DATA_VIEW, &found,
              "bytes are expected, and something else is there"))
    return bytes;
  if (found.item.major == TORPOR__CBOR_BYTES) {
    bytes = (torpor_slice){found.item.data, (size_t)found.item.value};
    if (found.is_tagged) found_kind = (torpor_view)found.tag;
  } else {
    good = part_of(reader, &found, &found_kind, &bytes);
  }
  if (!good) {
    fail(reader, TORPOR_WRONG_TYPE, "a view that is not within its buffer");
    return (torpor_slice){"", 0};
  }
  if (innermost(reader)->buffer) found_kind = TORPOR_VIEW_BUFFER;
  if (kind) *kind = found_kind;
  go_behind(reader, behind(reader, reader->at));
  return bytes;
}
