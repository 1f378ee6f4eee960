/* SPDX-License-Identifier: MIT */
/* json.c - JSON text to CBOR, without a VM.
 *
 * CBOR says the number of elements before the elements, JSON does not. So the
 * text is read twice by the same functions: first counting, into a list in the
 * order in which arrays and objects begin, then writing. The first pass finds
 * every mistake; the second cannot fail but for memory.
 *
 * Of a name that an object has twice the last value counts, in the place of the
 * first, as in JSON.parse. The first pass makes a list of such members: what is
 * written instead of their values, if anything, and where to go on behind them.
 * So the second pass reads each value that counts once, and none that does not.
 *
 * Strict JSON (RFC 8259), in UTF-8. Lone surrogates become U+FFFD. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/array.h"
#include "common/buffer.h"
#include "common/cbor.h"
#include "common/search.h"
#include "common/utf8.h"
#include "vm/common/error.h"
#include "vm/data/json.h"
#include "vm/data/number.h"

/* A place in the text, with the number of arrays and objects that begin before
 * it. */
typedef struct place {
  uint32_t at, next;
} place;

/* A member of an object that is being read. */
typedef struct member {
  uint32_t name, name_size; /* in 'names' */
  uint32_t at;              /* of the name in the text */
  place value, end;
  const uint8_t *text; /* the name, while members are compared */
} member;

/* What becomes of a member whose name its object has twice. */
typedef struct twice {
  uint32_t at; /* of its name */
  bool written;
  place value; /* that is written instead of its own */
  place end;   /* behind its own */
} twice;

typedef struct parser {
  const char *start, *at, *end;
  const char *mistake; /* what is wrong at 'at' */
  unsigned depth;
  uint32_t *counts; /* elements of each array and object, as they begin */
  size_t count, room, next;
  torpor__buffer *out; /* NULL in the first pass */
  torpor__buffer text; /* the string that is being read */

  torpor__buffer members; /* of the objects that are being read, inner last */
  torpor__buffer names;   /* their names */
  torpor__buffer twices;  /* in the second pass by rising place */
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
  torpor__buffer_add(&p->text, utf8, torpor__utf8_put(utf8, point));
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
  if (++p->depth > TORPOR_DATA_DEPTH) return fail(p, "less nesting");
  *index = p->next++;
  if (p->out) {
    torpor__cbor_head(p->out, major, p->counts[*index]);
    return true;
  }
  if (!torpor__array_reserve_by(torpor__alloc_resize, &p->counts, &p->room,
                                p->count + 1, sizeof(*p->counts))) {
    p->text.failed = true;
    return fail(p, "memory");
  }
  p->count++;
  p->counts[*index] = 0;
  return true;
}

/* ---- Members --------------------------------------------------------------*/

static place here(const parser *p) {
  return (place){(uint32_t)(p->at - p->start), (uint32_t)p->next};
}

static void go_to(parser *p, place to) {
  p->at = p->start + to.at;
  p->next = to.next;
}

/* By name, and those of one name by their place. */
static int compare_members(const void *first, const void *second) {
  const member *a = first, *b = second;
  size_t size = a->name_size < b->name_size ? a->name_size : b->name_size;
  int order = size > 0 ? memcmp(a->text, b->text, size) : 0;
  if (order != 0) return order;
  if (a->name_size != b->name_size) return a->name_size < b->name_size ? -1 : 1;
  return a->at < b->at ? -1 : 1;
}

static bool is_same_name(const member *a, const member *b) {
  return a->name_size == b->name_size &&
         (a->name_size == 0 || memcmp(a->text, b->text, a->name_size) == 0);
}

/* Notes what becomes of members[0..count), all of one name, by their places. */
static void note_twices(parser *p, const member *members, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const twice noted = {.at = members[i].at,
                         .written = i == 0,
                         .value = members[count - 1].value,
                         .end = members[i].end};
    torpor__buffer_add(&p->twices, &noted, sizeof(noted));
  }
}

/* Ends an object whose members begin at 'first'; gives how many count. */
static uint32_t end_members(parser *p, size_t first) {
  member *members = (member *)(void *)p->members.data + first;
  size_t count = p->members.size / sizeof(*members) - first;
  uint32_t distinct = 0;
  if (p->members.failed || p->names.failed || count == 0) return 0;
  size_t names = members[0].name;
  for (size_t i = 0; i < count; i++)
    members[i].text =
        p->names.size > 0 ? p->names.data + members[i].name : NULL;
  qsort(members, count, sizeof(*members), compare_members);
  for (size_t i = 0, same; i < count; i += same) {
    for (same = 1; i + same < count; same++)
      if (!is_same_name(&members[i], &members[i + same])) break;
    if (same > 1) note_twices(p, &members[i], same);
    distinct++;
  }
  p->members.size = first * sizeof(*members);
  p->names.size = names;
  return distinct;
}

/* Notes the member whose name was just read; its value comes next. */
static bool note_member(parser *p, uint32_t at) {
  member new = {.name = (uint32_t)p->names.size,
                .name_size = (uint32_t)p->text.size,
                .at = at};
  torpor__buffer_add(&p->names, p->text.data, p->text.size);
  skip_space(p);
  new.value = here(p);
  size_t index = p->members.size / sizeof(new);
  torpor__buffer_add(&p->members, &new, sizeof(new));
  if (!read_value(p)) return false;
  if (p->members.failed) return true;
  ((member *)(void *)p->members.data)[index].end = here(p);
  return true;
}

static int compare_twices(const void *first, const void *second) {
  const twice *a = first, *b = second;
  return a->at < b->at ? -1 : a->at > b->at;
}

/* What becomes of the member whose name is at 'at'; NULL: it is written as it
 * is. */
static const twice *find_twice(const parser *p, uint32_t at) {
  const twice wanted = {.at = at};
  return torpor__find(&wanted, p->twices.data, p->twices.size / sizeof(wanted),
                      sizeof(wanted), compare_twices);
}

/* In the second pass: a member from its name on, whose quote was accepted. */
static bool write_member(parser *p, uint32_t at) {
  const twice *found = find_twice(p, at);
  if (found && !found->written) {
    go_to(p, found->end);
    return true;
  }
  if (!read_string(p) || !accept(p, ':')) return false;
  if (!found) return read_value(p);
  go_to(p, found->value);
  if (!read_value(p)) return false;
  go_to(p, found->end);
  return true;
}

static bool read_member(parser *p) {
  if (!accept(p, '"')) return fail(p, "a name in double quotes");
  uint32_t at = here(p).at;
  if (p->out) return write_member(p, at);
  if (!read_string(p)) return false;
  if (!accept(p, ':')) return fail(p, "':'");
  return note_member(p, at);
}

static bool read_elements(parser *p, torpor__major major, char close) {
  size_t index, members = p->members.size / sizeof(member);
  uint32_t count = 0;
  bool map = major == TORPOR__CBOR_MAP;
  if (!begin_container(p, major, &index)) return false;
  if (!accept(p, close)) {
    do {
      if (!(map ? read_member(p) : read_value(p))) return false;
      count++;
    } while (accept(p, ','));
    if (!accept(p, close))
      return fail(p, close == ']' ? "',' or ']'" : "',' or '}'");
  }
  if (!p->out) p->counts[index] = map ? end_members(p, members) : count;
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

static bool has_memory(const parser *p) {
  return !p->text.failed && !p->members.failed && !p->names.failed &&
         !p->twices.failed;
}

/* The second pass. */
static void write_document(parser *p, torpor__buffer *writer) {
  size_t count = p->twices.size / sizeof(twice);
  if (count > 0) qsort(p->twices.data, count, sizeof(twice), compare_twices);
  p->out = writer;
  read_document(p);
  if (!has_memory(p)) writer->failed = true;
}

static void parser_end(parser *p) {
  torpor__buffer_free(&p->text);
  torpor__buffer_free(&p->members);
  torpor__buffer_free(&p->names);
  torpor__buffer_free(&p->twices);
  torpor__alloc_free(p->counts);
}

torpor_status torpor_json_to_cbor(const char *json, size_t size,
                                  torpor_bytes *out) {
  parser p;
  torpor__buffer writer = {0};
  torpor_status status = TORPOR_OK;
  if (json && size == SIZE_MAX) size = strlen(json);
  p = (parser){.start = json, .end = json + size};
  TORPOR__REQUIRE(NULL, out);
  *out = (torpor_bytes){NULL, 0};
  if (size > 0) TORPOR__REQUIRE(NULL, json);
  if (size > TORPOR_DATA_LARGEST)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "the JSON text has %zu bytes; the "
                        "limit is %zu",
                        size, TORPOR_DATA_LARGEST);
  if (!read_document(&p) && has_memory(&p))
    status =
        torpor__fail(NULL, TORPOR_FORMAT, "not JSON: expected %s at byte %zu",
                     p.mistake, (size_t)(p.at - p.start));
  writer.failed = !has_memory(&p);
  if (status == TORPOR_OK && !writer.failed) write_document(&p, &writer);
  if (status == TORPOR_OK) {
    status = torpor__buffer_finish(&writer, out);
    if (status != TORPOR_OK) torpor__fail(NULL, status, "out of memory");
  }
  parser_end(&p);
  return status;
}

/* ---- What is wrong --------------------------------------------------------*/

bool torpor__json_mistake(const char *json, size_t size, char *sentence,
                          size_t room) {
  parser p = {.start = json, .end = json + size};
  bool wrong = !read_document(&p) && has_memory(&p);
  if (wrong)
    snprintf(sentence, room, "not JSON: expected %s at byte %zu", p.mistake,
             (size_t)(p.at - p.start));
  parser_end(&p);
  return wrong;
}

/* Behind the string that begins at 'at'. */
static size_t skip_string(const char *json, size_t size, size_t at) {
  for (at++; at < size && json[at] != '"'; at++)
    if (json[at] == '\\') at++;
  return at;
}

bool torpor__json_is_deep(const void *json, size_t size) {
  const char *text = json;
  unsigned depth = 0;
  for (size_t at = 0; at < size; at++) {
    if (text[at] == '"')
      at = skip_string(text, size, at);
    else if (text[at] == '[' || text[at] == '{')
      depth++;
    else if ((text[at] == ']' || text[at] == '}') && depth > 0)
      depth--;
    if (depth > TORPOR_DATA_DEPTH) return true;
  }
  return false;
}
