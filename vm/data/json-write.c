/* SPDX-License-Identifier: MIT */
/* json-write.c - CBOR to JSON text, for people and for other programs.
 *
 * JSON has less than CBOR. What it lacks becomes what a reader can make most
 * of: dates are ISO strings, bytes are base64, big integers "0x..." strings,
 * undefined, NaN and infinities are null; keys that are not text become the
 * JSON text of the key; other tags are passed over, so that a symbol is its key
 * and a boxed primitive the primitive. CBOR within CBOR (tag 24) is unpacked.
 *
 * A value that is shared is printed again wherever it is referred to; only
 * within itself it is "[Circular]". As few bytes may say a lot that way, a text
 * has at most REPEATED_LARGEST bytes of data again, and nothing is nested
 * deeper for being repeated than data may be: there it is "[shared n]". */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/array.h"
#include "common/buffer.h"
#include "common/cbor.h"
#include "common/search.h"
#include "common/utf8.h"
#include "vm/common/error.h"
#include "vm/data/number.h"

#define REPEATED_LARGEST ((size_t)16 << 20)

enum { KEYS_DEEPEST = 3 };

/* A shared value of a document: where it stands, and of what extent it is. */
typedef struct shared {
  const uint8_t *at;
  size_t size;
  unsigned height; /* how deep it is nested */
  bool open;       /* it is being printed */
} shared;

/* Those of a document that were met so far, in order: references go back. */
typedef struct shares {
  shared *items;
  size_t count, capacity;
  bool repeating; /* what is printed was met before */
} shares;

/* The writer for CBOR serves for text as well. */
typedef struct printer {
  torpor__buffer out;
  torpor__cbor_reader in;
  unsigned depth, deepest;
  unsigned keys; /* within one another */
  shares shares;
  size_t repeated; /* bytes of data */
} printer;

static void put(printer *p, const char *text) {
  torpor__buffer_add(&p->out, text, strlen(text));
}

static bool print_item(printer *p, const torpor__cbor_item *item);

/* ---- Text, bytes, numbers -------------------------------------------------*/

/* Bytes of the character at 'text' that must or had better be escaped; 0 for
 * any other. DEL and U+0080 to U+009F are allowed in JSON, but steer terminals;
 * 'text', which is valid UTF-8, has two bytes for the latter. */
static size_t escaped_size(const uint8_t *text) {
  if (text[0] == 0xc2) return text[1] < 0xa0 ? 2 : 0;
  return text[0] < 0x20 || text[0] == 0x7f || text[0] == '"' || text[0] == '\\'
             ? 1
             : 0;
}

/* The inside of a string: escaped, without quotes. */
static bool put_escaped(printer *p, const uint8_t *text, size_t size) {
  static const char names[] = "btnvfr"; /* \b is 8 ... \r is 13 */
  size_t plain = 0;
  if (!torpor__utf8_valid(text, size)) return false;
  for (size_t i = 0; i < size; i++) {
    char escape[8];
    size_t escaped = escaped_size(text + i);
    if (escaped == 0) continue;
    torpor__buffer_add(&p->out, text + plain, i - plain);
    i += escaped - 1;
    plain = i + 1;
    if (text[i] == '"' || text[i] == '\\')
      snprintf(escape, sizeof(escape), "\\%c", text[i]);
    else if (text[i] >= 8 && text[i] <= 13 && text[i] != 11)
      snprintf(escape, sizeof(escape), "\\%c", names[text[i] - 8]);
    else /* of two bytes the second is the code point */
      snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)text[i]);
    put(p, escape);
  }
  torpor__buffer_add(&p->out, text + plain, size - plain);
  return true;
}

static bool print_text(printer *p, const torpor__cbor_item *item) {
  torpor__cbor_item piece = *item;
  bool good = true;
  put(p, "\"");
  if (!item->indefinite) {
    good = put_escaped(p, item->data, (size_t)item->value);
  } else {
    while ((good = torpor__cbor_next(&p->in, &piece)) && !piece.is_break) {
      if (piece.major != TORPOR__CBOR_TEXT || piece.indefinite) return false;
      if (!put_escaped(p, piece.data, (size_t)piece.value)) return false;
    }
  }
  put(p, "\"");
  return good;
}

static void put_base64(printer *p, const uint8_t *data, size_t size) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < size; i += 3) {
    size_t left = size - i;
    uint32_t three = (uint32_t)data[i] << 16;
    char four[4];
    if (left > 1) three |= (uint32_t)data[i + 1] << 8;
    if (left > 2) three |= data[i + 2];
    four[0] = digits[three >> 18];
    four[1] = digits[three >> 12 & 63];
    four[2] = left > 1 ? digits[three >> 6 & 63] : '=';
    four[3] = left > 2 ? digits[three & 63] : '=';
    torpor__buffer_add(&p->out, four, 4);
  }
}

/* Bytes in pieces are rare enough to be refused: padding could not be right. */
static bool print_bytes(printer *p, const torpor__cbor_item *item) {
  if (item->indefinite) return false;
  put(p, "\"");
  put_base64(p, item->data, (size_t)item->value);
  put(p, "\"");
  return true;
}

static void put_number(printer *p, double number) {
  char text[40];
  if (!isfinite(number)) {
    put(p, "null");
    return;
  }
  torpor__number_print(number, text, sizeof(text));
  put(p, text);
}

static bool print_integer(printer *p, const torpor__cbor_item *item) {
  char text[24];
  if (item->major == TORPOR__CBOR_UNSIGNED)
    snprintf(text, sizeof(text), "%llu", (unsigned long long)item->value);
  else if (item->value == UINT64_MAX)
    snprintf(text, sizeof(text), "-18446744073709551616");
  else
    snprintf(text, sizeof(text), "-%llu", (unsigned long long)item->value + 1);
  put(p, text);
  return true;
}

static bool print_simple(printer *p, const torpor__cbor_item *item) {
  if (item->is_number)
    put_number(p, item->number);
  else if (item->value == TORPOR__CBOR_TRUE)
    put(p, "true");
  else if (item->value == TORPOR__CBOR_FALSE)
    put(p, "false");
  else
    put(p, "null");
  return true;
}

/* ---- Tags -----------------------------------------------------------------*/

static bool read_number(const torpor__cbor_item *item, double *number) {
  if (item->is_number)
    *number = item->number;
  else if (item->major == TORPOR__CBOR_UNSIGNED)
    *number = (double)item->value;
  else if (item->major == TORPOR__CBOR_NEGATIVE)
    *number = -1 - (double)item->value;
  else
    return false;
  return true;
}

#define SECONDS_OF_DAY 86400
#define DAYS_OF_ERA 146097 /* 400 years, after which the calendar repeats */

#define SECONDS_MOST 8.64e12 /* of a Date before or after 1970, by ECMAScript */

/* Prints the date 'days' after 1970 as "2026-01-31"; years of more than four
 * digits or before 0 as ECMAScript shows them: "-000001-12-31". Counted in
 * years from March to February, so that a leap day comes last. */
static void print_day(int64_t days, char *text, size_t size) {
  int64_t from_march = days + 719468; /* since 1 March of the year 0 */
  int64_t first = from_march < 0 ? from_march - DAYS_OF_ERA + 1 : from_march;
  int64_t era = first / DAYS_OF_ERA;
  int64_t day = from_march - era * DAYS_OF_ERA;
  int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  int month;
  day -= 365 * year + year / 4 - year / 100;
  month = (int)(5 * day + 2) / 153; /* 0 is March */
  day -= (153 * month + 2) / 5;
  year += era * 400 + (month >= 10);
  snprintf(text, size,
           year < 0 || year > 9999 ? "%+07d-%02d-%02d" : "%04d-%02d-%02d",
           (int)year, month < 10 ? month + 3 : month - 9, (int)day + 1);
}

/* Seconds since 1970 as "2026-01-31T12:00:00.000Z". */
static bool print_date(printer *p, const torpor__cbor_item *item) {
  double seconds, whole;
  int ms;
  char day[40], text[80];
  int64_t moment, second;
  if (!read_number(item, &seconds)) return false;
  whole = floor(seconds);
  if (!(fabs(seconds) <= SECONDS_MOST)) {
    put(p, "null");
    return true;
  }
  ms = (int)floor((seconds - whole) * 1000 + 0.5);
  moment = (int64_t)whole + ms / 1000;
  second = (moment % SECONDS_OF_DAY + SECONDS_OF_DAY) % SECONDS_OF_DAY;
  print_day((moment - second) / SECONDS_OF_DAY, day, sizeof(day));
  snprintf(text, sizeof(text), "\"%sT%02d:%02d:%02d.%03dZ\"", day,
           (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60),
           ms % 1000);
  put(p, text);
  return true;
}

static void put_hex(printer *p, unsigned byte) {
  static const char digits[] = "0123456789abcdef";
  const char two[2] = {digits[byte >> 4], digits[byte & 15]};
  torpor__buffer_add(&p->out, two, 2);
}

/* Leaves out the zeros before the first digit of what was put since 'from'. */
static void trim_zeros(printer *p, size_t from) {
  char *text = (char *)p->out.data;
  size_t end = p->out.size, first = from;
  if (p->out.failed) return;
  while (first + 1 < end && text[first] == '0') first++;
  memmove(text + from, text + first, end - first);
  p->out.size -= first - from;
}

/* A negative one is stored as n for -1 - n: one is added on the way. */
static bool print_bigint(printer *p, const torpor__cbor_item *item,
                         bool negative) {
  size_t size = (size_t)item->value, carry = size, digits;
  if (item->major != TORPOR__CBOR_BYTES || item->indefinite) return false;
  if (negative)
    while (carry > 0 && item->data[carry - 1] == 0xff) carry--;
  put(p, negative ? "\"-0x" : "\"0x");
  digits = p->out.size;
  if (size == 0) put(p, negative ? "1" : "0");
  if (size > 0 && carry == 0) put(p, "1");
  for (size_t i = 0; i < size; i++) {
    unsigned byte = item->data[i];
    if (i >= carry) byte = 0;
    if (negative && i + 1 == carry) byte++;
    put_hex(p, byte);
  }
  trim_zeros(p, digits);
  put(p, "\"");
  return true;
}

/* Text with lone surrogates, which are escaped. */
static bool print_wtf8(printer *p, const torpor__cbor_item *item) {
  const uint8_t *at = item->data, *start = at, *end;
  if (item->major != TORPOR__CBOR_BYTES || item->indefinite) return false;
  put(p, "\"");
  for (end = at + item->value; at < end;) {
    char escape[8];
    if (end - at < 3 || at[0] != 0xed || at[1] < 0xa0) {
      at++;
      continue;
    }
    if (!put_escaped(p, start, (size_t)(at - start))) return false;
    snprintf(escape, sizeof(escape), "\\ud%x%02x", (unsigned)(at[1] >> 2 & 15),
             (at[1] & 3u) << 6 | (at[2] & 63u));
    put(p, escape);
    start = at += 3;
  }
  if (!put_escaped(p, start, (size_t)(end - start))) return false;
  put(p, "\"");
  return true;
}

/* A document in a byte string. */
static bool print_embedded(printer *p, const torpor__cbor_item *item) {
  torpor__cbor_reader outer = p->in;
  shares outer_shares = p->shares;
  torpor__cbor_item inner;
  bool good;
  if (item->major != TORPOR__CBOR_BYTES || item->indefinite) return false;
  p->in = torpor__cbor_read(item->data, item->value);
  p->shares = (shares){0};
  good = torpor__cbor_next(&p->in, &inner) && print_item(p, &inner) &&
         p->in.at == p->in.end;
  torpor__alloc_free(p->shares.items);
  p->shares = outer_shares;
  p->in = outer;
  return good;
}

/* ---- Shared values --------------------------------------------------------*/

/* torpor__compare_fn */
static int compare_shared(const void *key, const void *item) {
  const uint8_t *at = *(const uint8_t *const *)key;
  const shared *other = item;
  return (at > other->at) - (at < other->at);
}

/* The number of the shared value at 'at', which was met before. */
static size_t find_shared(const shares *all, const uint8_t *at) {
  return torpor__search(&at, all->items, all->count, sizeof(*all->items),
                        compare_shared);
}

static bool add_shared(printer *p) {
  shares *all = &p->shares;
  if (!torpor__array_reserve_by(torpor__alloc_resize, &all->items,
                                &all->capacity, all->count + 1,
                                sizeof(*all->items))) {
    p->out.failed = true;
    return false;
  }
  all->items[all->count++] = (shared){.at = p->in.at};
  return true;
}

/* What tag 28 stands before. */
static bool print_shared(printer *p) {
  bool first = !p->shares.repeating, good;
  unsigned deepest = p->deepest;
  torpor__cbor_item item;
  size_t number;
  if (first && !add_shared(p)) return false;
  number = first ? p->shares.count - 1 : find_shared(&p->shares, p->in.at);
  p->shares.items[number].open = true;
  p->deepest = p->depth;
  good = torpor__cbor_next(&p->in, &item) && print_item(p, &item);
  shared *done = &p->shares.items[number]; /* they may have moved */
  done->open = false;
  if (first) {
    done->size = (size_t)(p->in.at - done->at);
    done->height = p->deepest - p->depth;
  }
  if (p->deepest < deepest) p->deepest = deepest;
  return good;
}

static bool print_again(printer *p, const shared *target) {
  const uint8_t *back = p->in.at;
  bool repeating = p->shares.repeating, good;
  p->repeated += target->size;
  p->in.at = target->at;
  p->shares.repeating = true;
  good = print_shared(p);
  p->shares.repeating = repeating;
  p->in.at = back;
  return good;
}

static bool print_reference(printer *p, const torpor__cbor_item *item) {
  const shared *target;
  char text[40];
  if (item->major != TORPOR__CBOR_UNSIGNED || item->value >= p->shares.count)
    return false;
  target = &p->shares.items[item->value];
  if (target->open) {
    put(p, "\"[Circular]\"");
    return true;
  }
  if (p->depth + target->height <= TORPOR_DATA_DEPTH &&
      target->size <= REPEATED_LARGEST - p->repeated)
    return print_again(p, target);
  snprintf(text, sizeof(text), "\"[shared %llu]\"",
           (unsigned long long)item->value);
  put(p, text);
  return true;
}

/* ---- Tags of our own ------------------------------------------------------*/

/* A view whose buffer has a number: references to that print the bytes. Nothing
 * can be in it, so it is no cycle. */
static bool print_whole(printer *p) {
  const uint8_t *at = p->in.at;
  torpor__cbor_item item;
  size_t number = p->shares.count;
  if (!p->shares.repeating && !add_shared(p)) return false;
  if (!torpor__cbor_next(&p->in, &item)) return false;
  if (item.major == TORPOR__CBOR_TAG &&
      (torpor__cbor_element(item.value) == 0 ||
       !torpor__cbor_next(&p->in, &item)))
    return false;
  if (item.major != TORPOR__CBOR_BYTES || !print_bytes(p, &item)) return false;
  if (!p->shares.repeating)
    p->shares.items[number].size = (size_t)(p->in.at - at);
  return true;
}

/* What a view is of. */
typedef struct buffer {
  torpor__cbor_item bytes;
  bool again;      /* it was met before */
  uint64_t number; /* then: which it is */
} buffer;

/* Reads the buffer that comes next: bytes with tags before them, or a reference
 * to some. */
static bool read_buffer(printer *p, buffer *found) {
  torpor__cbor_item *item = &found->bytes;
  const uint8_t *back = NULL;
  size_t known = p->shares.count;
  bool good;
  while ((good = torpor__cbor_next(&p->in, item)) &&
         item->major == TORPOR__CBOR_TAG) {
    bool counted = item->value == TORPOR__TAG_SHARED && !p->shares.repeating;
    if (counted && !found->again && !add_shared(p)) return false;
    if (item->value != TORPOR__TAG_REFERENCE) continue;
    if (found->again || !torpor__cbor_next(&p->in, item) ||
        item->major != TORPOR__CBOR_UNSIGNED || item->value >= p->shares.count)
      return false;
    found->again = true;
    found->number = item->value;
    back = p->in.at;
    p->in.at = p->shares.items[item->value].at;
  }
  if (back) p->in.at = back;
  for (; known < p->shares.count; known++)
    p->shares.items[known].size =
        (size_t)(p->in.at - p->shares.items[known].at);
  return good && item->major == TORPOR__CBOR_BYTES && !item->indefinite;
}

static void put_part(printer *p, const buffer *of, uint64_t offset,
                     uint64_t size) {
  char text[40];
  if (of->again && size > REPEATED_LARGEST - p->repeated) {
    snprintf(text, sizeof(text), "\"[shared %llu]\"",
             (unsigned long long)of->number);
    put(p, text);
    return;
  }
  if (of->again) p->repeated += (size_t)size;
  put(p, "\"");
  put_base64(p, of->bytes.data + offset, (size_t)size);
  put(p, "\"");
}

static bool next_unsigned(printer *p, uint64_t *number) {
  torpor__cbor_item item;
  if (!torpor__cbor_next(&p->in, &item)) return false;
  *number = item.value;
  return item.major == TORPOR__CBOR_UNSIGNED;
}

/* A view of a part of a buffer: [tag of the view, buffer, offset, size]. */
static bool print_part(printer *p, const torpor__cbor_item *array) {
  buffer of = {.again = false};
  uint64_t kind, offset, size;
  if (array->major != TORPOR__CBOR_ARRAY || array->indefinite ||
      array->value != 4 || !next_unsigned(p, &kind) || !read_buffer(p, &of) ||
      !next_unsigned(p, &offset) || !next_unsigned(p, &size) ||
      offset > of.bytes.value || size > of.bytes.value - offset)
    return false;
  put_part(p, &of, offset, size);
  return true;
}

static bool print_tag(printer *p, uint64_t tag) {
  torpor__cbor_item item;
  if (tag == TORPOR__TAG_SHARED) return print_shared(p);
  if (tag == TORPOR__TAG_WHOLE) return print_whole(p);
  if (!torpor__cbor_next(&p->in, &item) || item.is_break) return false;
  switch (tag) {
  case TORPOR__TAG_DATE:
    return print_date(p, &item);
  case TORPOR__TAG_BIGINT:
  case TORPOR__TAG_BIGINT_NEGATIVE:
    return print_bigint(p, &item, tag == TORPOR__TAG_BIGINT_NEGATIVE);
  case TORPOR__TAG_CBOR:
    return print_embedded(p, &item);
  case TORPOR__TAG_REFERENCE:
    return print_reference(p, &item);
  case TORPOR__TAG_WTF8:
    return print_wtf8(p, &item);
  case TORPOR__TAG_PART:
    return print_part(p, &item);
  default:
    return print_item(p, &item);
  }
}

/* ---- Arrays and maps ------------------------------------------------------*/

/* The next element of a container; false at its end or when it is cut off,
 * which 'good' tells apart. */
static bool next_element(printer *p, const torpor__cbor_item *container,
                         uint64_t index, torpor__cbor_item *element,
                         bool *good) {
  *good = true;
  if (!container->indefinite && index == container->value) return false;
  *good = torpor__cbor_next(&p->in, element);
  if (!*good) return false;
  if (!element->is_break) return true;
  *good = container->indefinite;
  return false;
}

static bool print_array(printer *p, const torpor__cbor_item *array) {
  torpor__cbor_item element;
  bool good;
  put(p, "[");
  for (uint64_t i = 0; next_element(p, array, i, &element, &good); i++) {
    if (i > 0) put(p, ",");
    if (!print_item(p, &element)) return false;
  }
  put(p, "]");
  return good;
}

/* A key that is not text: its own JSON, quoted. As quoting doubles what was
 * quoted, keys within keys within keys have no text of their own. */
static bool print_other_key(printer *p, const torpor__cbor_item *key) {
  torpor__buffer outer = p->out;
  torpor_bytes text;
  bool good;
  p->out = (torpor__buffer){0};
  p->keys++;
  good = print_item(p, key);
  p->keys--;
  if (torpor__buffer_finish(&p->out, &text) != TORPOR_OK) outer.failed = true;
  p->out = outer;
  put(p, "\"");
  if (p->keys >= KEYS_DEEPEST)
    put(p, "[key]");
  else if (good && text.data)
    good = put_escaped(p, text.data, text.size);
  put(p, "\"");
  torpor_bytes_free(&text);
  return good;
}

static bool print_key(printer *p, const torpor__cbor_item *key) {
  if (key->major == TORPOR__CBOR_TEXT ||
      (key->major == TORPOR__CBOR_TAG && key->value == TORPOR__TAG_WTF8))
    return print_item(p, key);
  return print_other_key(p, key);
}

static bool print_map(printer *p, const torpor__cbor_item *map) {
  torpor__cbor_item key, value;
  bool good;
  put(p, "{");
  for (uint64_t i = 0; next_element(p, map, i, &key, &good); i++) {
    if (i > 0) put(p, ",");
    if (!print_key(p, &key)) return false;
    put(p, ":");
    if (!torpor__cbor_next(&p->in, &value) || value.is_break ||
        !print_item(p, &value))
      return false;
  }
  put(p, "}");
  return good;
}

static bool print_item(printer *p, const torpor__cbor_item *item) {
  bool good = false;
  if (item->is_break || p->out.failed) return false;
  if (++p->depth > TORPOR__CBOR_DEPTH) return false;
  if (p->depth > p->deepest) p->deepest = p->depth;
  switch (item->major) {
  case TORPOR__CBOR_UNSIGNED:
  case TORPOR__CBOR_NEGATIVE:
    good = print_integer(p, item);
    break;
  case TORPOR__CBOR_BYTES:
    good = print_bytes(p, item);
    break;
  case TORPOR__CBOR_TEXT:
    good = print_text(p, item);
    break;
  case TORPOR__CBOR_ARRAY:
    good = print_array(p, item);
    break;
  case TORPOR__CBOR_MAP:
    good = print_map(p, item);
    break;
  case TORPOR__CBOR_TAG:
    good = print_tag(p, item->value);
    break;
  case TORPOR__CBOR_SIMPLE:
    good = print_simple(p, item);
    break;
  }
  p->depth--;
  return good;
}

torpor_status torpor_cbor_to_json(const void *data, size_t size,
                                  torpor_bytes *out) {
  const uint8_t *start = data;
  printer p = {.in = {start, start, start + size}};
  torpor__cbor_item item;
  bool good, failed;
  torpor_status status;
  TORPOR__REQUIRE(NULL, out);
  *out = (torpor_bytes){NULL, 0};
  if (size > 0) TORPOR__REQUIRE(NULL, data);
  if (size > TORPOR_DATA_LARGEST)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "the data has %zu bytes; the limit is %zu", size,
                        TORPOR_DATA_LARGEST);
  good = torpor__cbor_next(&p.in, &item) && print_item(&p, &item) &&
         p.in.at == p.in.end;
  failed = p.out.failed;
  torpor__alloc_free(p.shares.items);
  if (!good && !failed) {
    torpor__buffer_free(&p.out);
    return torpor__fail(NULL, TORPOR_FORMAT,
                        "not CBOR that can be shown: byte %zu",
                        (size_t)(p.in.at - start));
  }
  status = torpor__buffer_finish(&p.out, out);
  if (status != TORPOR_OK) torpor__fail(NULL, status, "out of memory");
  return status;
}
