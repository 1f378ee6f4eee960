/* SPDX-License-Identifier: MIT */
/* json.c - JSON text to CBOR, without a VM.
 *
 * CBOR says the number of elements before the elements, JSON does not. So the
 * text is read twice by the same functions: first counting, into a list in the
 * order in which arrays and objects begin, then writing. The first pass finds
 * every mistake; the second cannot fail but for memory.
 *
 * Strict JSON (RFC 8259), in UTF-8. Lone surrogates become U+FFFD. */
#include <string.h>

#include "vm/cbor.h"
#include "vm/vm.h"

typedef struct parser {
  const char *start, *at, *end;
  const char *mistake; /* what is wrong at 'at' */
  unsigned depth;
  uint32_t *counts; /* elements of each array and object, as they begin */
  size_t count, room, next;
  torpor__buffer *out; /* NULL in the first pass */
  torpor__buffer text; /* the string that is being read */
} parser;

static bool fail(parser *p, const char *mistake) {
  p->mistake = mistake;
  return false;
}

static void skip_space(parser *p) {
  while (p->at < p->end &&
         (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
    p->at++;
}

static bool accept(parser *p, char wanted) {
  skip_space(p);
  if (p->at == p->end || *p->at != wanted) return false;
  p->at++;
  return true;
}

/* ---- Strings --------------------------------------------------------------*/

static void put_point(parser *p, uint32_t point) {
  uint8_t utf8[4];
  if (point < 0x80) {
    utf8[0] = (uint8_t)point;
    torpor__buffer_add(&p->text, utf8, 1);
  } else if (point < 0x800) {
    utf8[0] = (uint8_t)(0xc0 | point >> 6);
    utf8[1] = (uint8_t)(0x80 | (point & 0x3f));
    torpor__buffer_add(&p->text, utf8, 2);
  } else if (point < 0x10000) {
    utf8[0] = (uint8_t)(0xe0 | point >> 12);
    utf8[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    utf8[2] = (uint8_t)(0x80 | (point & 0x3f));
    torpor__buffer_add(&p->text, utf8, 3);
  } else {
    utf8[0] = (uint8_t)(0xf0 | point >> 18);
    utf8[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    utf8[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    utf8[3] = (uint8_t)(0x80 | (point & 0x3f));
    torpor__buffer_add(&p->text, utf8, 4);
  }
}

/* Four hex digits at 'at'; false when they are not there. */
static bool read_hex(const char *at, const char *end, uint32_t *unit) {
  if (end - at < 4) return false;
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    char digit = at[i];
    uint32_t value;
    if (digit >= '0' && digit <= '9')
      value = (uint32_t)(digit - '0');
    else if ((digit | 32) >= 'a' && (digit | 32) <= 'f')
      value = (uint32_t)((digit | 32) - 'a' + 10);
    else
      return false;
    *unit = *unit << 4 | value;
  }
  return true;
}

/* \uXXXX, and the second half of a pair if it follows. */
static bool read_unicode(parser *p) {
  uint32_t point, low;
  if (!read_hex(p->at, p->end, &point)) return fail(p, "four hex digits");
  p->at += 4;
  if (point >= 0xd800 && point < 0xdc00 && p->end - p->at >= 6 &&
      p->at[0] == '\\' && p->at[1] == 'u' &&
      read_hex(p->at + 2, p->end, &low) && low >= 0xdc00 && low < 0xe000) {
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    p->at += 6;
  }
  if (point >= 0xd800 && point < 0xe000) point = 0xfffd;
  put_point(p, point);
  return true;
}

static bool read_escape(parser *p) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  const char *name;
  char escaped = p->at < p->end ? *p->at : 0;
  if (escaped == 'u') {
    p->at++;
    return read_unicode(p);
  }
  name = escaped ? strchr(names, escaped) : NULL;
  if (!name) return fail(p, "a valid escape");
  put_point(p, (uint32_t)values[name - names]);
  p->at++;
  return true;
}

/* The string whose quote was accepted, into p->text and out. */
static bool read_string(parser *p) {
  p->text.size = 0;
  while (p->at < p->end && *p->at != '"') {
    size_t step =
        torpor__utf8_step((const uint8_t *)p->at, (size_t)(p->end - p->at));
    if (*p->at == '\\') {
      p->at++;
      if (!read_escape(p)) return false;
      continue;
    }
    if (step == 0) return fail(p, "valid UTF-8");
    if ((unsigned char)*p->at < 0x20)
      return fail(p, "an escape instead of a control character");
    torpor__buffer_add(&p->text, p->at, step);
    p->at += step;
  }
  if (p->at == p->end) return fail(p, "the end of the string");
  p->at++;
  if (p->out)
    torpor__cbor_bytes(p->out, TORPOR__CBOR_TEXT, p->text.data, p->text.size);
  return true;
}

/* ---- Numbers --------------------------------------------------------------*/

static size_t count_digits(const char *at, const char *end) {
  const char *start = at;
  while (at < end && *at >= '0' && *at <= '9') at++;
  return (size_t)(at - start);
}

/* The size of the number at p->at by JSON's grammar; 0: it is none. */
static size_t measure_number(const parser *p) {
  const char *at = p->at;
  size_t digits;
  if (at < p->end && *at == '-') at++;
  digits = count_digits(at, p->end);
  if (digits == 0 || (digits > 1 && *at == '0')) return 0;
  at += digits;
  if (at < p->end && *at == '.') {
    digits = count_digits(++at, p->end);
    if (digits == 0) return 0;
    at += digits;
  }
  if (at < p->end && (*at | 32) == 'e') {
    at++;
    if (at < p->end && (*at == '+' || *at == '-')) at++;
    digits = count_digits(at, p->end);
    if (digits == 0) return 0;
    at += digits;
  }
  return (size_t)(at - p->at);
}

static bool read_number(parser *p) {
  size_t size = measure_number(p);
  if (size == 0) return fail(p, "a value");
  if (p->out) {
    p->text.size = 0;
    torpor__buffer_add(&p->text, p->at, size);
    torpor__buffer_add(&p->text, "", 1);
    if (p->text.failed)
      p->out->failed = true;
    else
      torpor__cbor_number(p->out,
                          torpor__number_parse((const char *)p->text.data));
  }
  p->at += size;
  return true;
}

/* ---- Values ---------------------------------------------------------------*/

static bool read_value(parser *p);

/* Counts in the first pass; writes the head in the second. */
static bool begin_container(parser *p, torpor__major major, size_t *index) {
  if (++p->depth > TORPOR__JSON_DEPTH) return fail(p, "less nesting");
  *index = p->next++;
  if (p->out) {
    torpor__cbor_head(p->out, major, p->counts[*index]);
    return true;
  }
  if (p->count == p->room) {
    size_t room = p->room ? p->room * 2 : 64;
    uint32_t *larger = torpor__alloc_resize(p->counts, room * sizeof(*larger));
    if (!larger) {
      p->text.failed = true;
      return fail(p, "memory");
    }
    p->counts = larger;
    p->room = room;
  }
  p->count++;
  p->counts[*index] = 0;
  return true;
}

static bool read_elements(parser *p, torpor__major major, char close) {
  size_t index;
  uint32_t count = 0;
  if (!begin_container(p, major, &index)) return false;
  if (!accept(p, close)) {
    do {
      if (major == TORPOR__CBOR_MAP) {
        if (!accept(p, '"')) return fail(p, "a name in double quotes");
        if (!read_string(p)) return false;
        if (!accept(p, ':')) return fail(p, "':'");
      }
      if (!read_value(p)) return false;
      count++;
    } while (accept(p, ','));
    if (!accept(p, close))
      return fail(p, close == ']' ? "',' or ']'" : "',' or '}'");
  }
  p->counts[index] = count;
  p->depth--;
  return true;
}

static bool read_word(parser *p, const char *word, uint64_t simple) {
  size_t size = strlen(word);
  if ((size_t)(p->end - p->at) < size || memcmp(p->at, word, size) != 0)
    return fail(p, "a value");
  p->at += size;
  if (p->out) torpor__cbor_head(p->out, TORPOR__CBOR_SIMPLE, simple);
  return true;
}

static bool read_value(parser *p) {
  skip_space(p);
  switch (p->at < p->end ? *p->at : 0) {
  case '"':
    p->at++;
    return read_string(p);
  case '[':
    p->at++;
    return read_elements(p, TORPOR__CBOR_ARRAY, ']');
  case '{':
    p->at++;
    return read_elements(p, TORPOR__CBOR_MAP, '}');
  case 't':
    return read_word(p, "true", TORPOR__CBOR_TRUE);
  case 'f':
    return read_word(p, "false", TORPOR__CBOR_FALSE);
  case 'n':
    return read_word(p, "null", TORPOR__CBOR_NULL);
  default:
    return read_number(p);
  }
}

static bool read_document(parser *p) {
  p->at = p->start;
  p->next = 0;
  p->depth = 0;
  if (!read_value(p)) return false;
  skip_space(p);
  return p->at == p->end || fail(p, "the end of the text");
}

torpor_status torpor_json_to_cbor(const char *json, size_t size,
                                  torpor_bytes *out) {
  parser p = {.start = json, .end = json + size};
  torpor__buffer writer = {0};
  torpor_status status = TORPOR_OK;
  TORPOR__REQUIRE(NULL, out);
  *out = (torpor_bytes){NULL, 0};
  if (size > 0) TORPOR__REQUIRE(NULL, json);
  if (size > TORPOR_SOURCE_LARGEST)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "the JSON text has %zu bytes; the "
                        "limit is %zu",
                        size, TORPOR_SOURCE_LARGEST);
  if (!read_document(&p) && !p.text.failed)
    status =
        torpor__fail(NULL, TORPOR_FORMAT, "not JSON: expected %s at byte %zu",
                     p.mistake, (size_t)(p.at - p.start));
  if (status == TORPOR_OK && !p.text.failed) {
    p.out = &writer;
    read_document(&p);
  }
  if (p.text.failed) writer.failed = true;
  if (status == TORPOR_OK) {
    status = torpor__buffer_finish(&writer, out);
    if (status != TORPOR_OK) torpor__fail(NULL, status, "out of memory");
  }
  torpor__buffer_free(&p.text);
  torpor__alloc_free(p.counts);
  return status;
}
