/* SPDX-License-Identifier: MIT */
/* walk.c - going through CBOR with torpor_reader, in C. */
#include "test/fuzz/walk.h"

#include <string.h>

#include "common/buffer.h"
#include "test/fuzz/target.h"

enum {
  FOLLOW_DEEPEST = 20, /* references that lead back to where they are */
  VALUES_MOST = 20000, /* what shares much is read over and over */
  STEPS = 64,          /* of a walk at random */
  TAG_BOXED = 7630703,
  TAG_REGEXP = 21066,
  TAG_ERROR = 7630693,
};

/* ---- All of it -----------------------------------------------------------*/

typedef struct visit {
  torpor_reader *reader;
  unsigned values, followed;
} visit;

static bool is_container(torpor_data_type type) {
  return type == TORPOR_DATA_ARRAY || type == TORPOR_DATA_OBJECT ||
         type == TORPOR_DATA_MAP || type == TORPOR_DATA_SET ||
         type == TORPOR_DATA_ERROR || type == TORPOR_DATA_SYMBOL ||
         type == TORPOR_DATA_BOXED || type == TORPOR_DATA_REGEXP;
}

static void read_values(visit *v);

static void read_inside(visit *v) {
  torpor_reader_enter(v->reader);
  read_values(v);
  torpor_reader_leave(v->reader);
}

static void read_reference(visit *v) {
  if (v->followed == FOLLOW_DEEPEST) {
    torpor_reader_reference(v->reader);
    return;
  }
  v->followed++;
  torpor_reader_follow(v->reader);
  read_values(v);
  torpor_reader_leave(v->reader);
  v->followed--;
}

static void read_value(visit *v, torpor_data_type type) {
  torpor_reader *r = v->reader;
  torpor_view kind;
  uint64_t words[2];
  torpor_slice bytes = {"", 0};
  if (is_container(type)) {
    read_inside(v);
    return;
  }
  switch (type) {
  case TORPOR_DATA_REFERENCE:
    read_reference(v);
    break;
  case TORPOR_DATA_TAG:
    torpor_reader_tag(r);
    break;
  case TORPOR_DATA_BOOLEAN:
    torpor_reader_boolean(r);
    break;
  case TORPOR_DATA_NUMBER:
    torpor_reader_number(r);
    break;
  case TORPOR_DATA_BIGINT:
    torpor_reader_bigint(r, NULL, words, 2);
    break;
  case TORPOR_DATA_DATE:
    torpor_reader_date(r);
    break;
  case TORPOR_DATA_STRING:
    bytes = torpor_reader_string(r);
    break;
  case TORPOR_DATA_WTF8:
    bytes = torpor_reader_wtf8(r);
    break;
  case TORPOR_DATA_VIEW:
    bytes = torpor_reader_view(r, &kind);
    break;
  default:
    torpor_reader_skip(r);
    break;
  }
  /* All of it can be read, as the sanitizer knows. */
  for (size_t i = 0, sum = 0; i < bytes.size; i++) {
    sum += ((const uint8_t *)bytes.data)[i];
    fuzz_must(sum <= (i + 1) * 255);
  }
}

static void read_values(visit *v) {
  torpor_data_type type;
  while ((type = torpor_reader_type(v->reader)) != TORPOR_DATA_END &&
         v->values++ < VALUES_MOST)
    read_value(v, type);
}

/* ---- At random -----------------------------------------------------------*/

static void step(torpor_reader *r, unsigned what) {
  bool negative;
  uint32_t number;
  uint64_t words[2];
  torpor_view kind;
  switch (what) {
  case 0:
    torpor_reader_leave(r);
    break;
  case 1:
    torpor_reader_find(r, "a", 1);
    break;
  case 2:
    torpor_reader_reference(r);
    break;
  case 3:
    torpor_reader_follow(r);
    break;
  case 4:
    torpor_reader_tag(r);
    break;
  case 5:
    torpor_reader_boolean(r);
    break;
  case 6:
    torpor_reader_number(r);
    break;
  case 7:
    torpor_reader_integer(r);
    break;
  case 8:
    torpor_reader_bigint(r, &negative, words, 2);
    break;
  case 9:
    torpor_reader_string(r);
    break;
  case 10:
    torpor_reader_wtf8(r);
    break;
  case 11:
    torpor_reader_date(r);
    break;
  case 12:
    torpor_reader_view(r, &kind);
    break;
  case 13:
    torpor_reader_is_shared(r, &number);
    break;
  case 14:
    torpor_reader_skip(r);
    break;
  default:
    torpor_reader_enter(r);
    break;
  }
}

/* Mostly what fits, so that the reader does not go bad at once. */
static void wander(torpor_reader *r, const uint8_t *data, size_t size) {
  uint64_t random = size;
  visit v = {r, VALUES_MOST, FOLLOW_DEEPEST};
  for (size_t i = 0; i < size; i++) random = random * 31 + data[i];
  for (unsigned i = 0; i < STEPS; i++) {
    unsigned what = (unsigned)(fuzz_random(&random) % 64);
    torpor_data_type type = torpor_reader_type(r);
    if (what < 20 || type == TORPOR_DATA_END)
      step(r, what % 16);
    else if (what < 40)
      read_value(&v, type);
    else
      step(r, type == TORPOR_DATA_REFERENCE ? 3 : 15);
  }
  fuzz_succeeded(NULL, torpor_reader_status(r));
}

/* ---- As JSON -------------------------------------------------------------*/

static void show(const void *data, size_t size) {
  torpor_bytes json, cbor;
  torpor_status status = torpor_cbor_to_json(data, size, &json);
  if (!fuzz_succeeded(NULL, status)) return;
  status = torpor_json_to_cbor((const char *)json.data, json.size, &cbor);
  if (fuzz_succeeded(NULL, status)) torpor_bytes_free(&cbor);
  fuzz_must(status == TORPOR_OK || status == TORPOR_LIMIT);
  torpor_bytes_free(&json);
}

bool fuzz_walk(const void *data, size_t size) {
  visit v = {NULL, 0, 0};
  torpor_status status = torpor_reader_open(data, size, &v.reader);
  fuzz_must((status == TORPOR_OK) == (v.reader != NULL));
  show(data, size);
  if (!fuzz_succeeded(NULL, status)) return false;
  read_values(&v);
  fuzz_succeeded(NULL, torpor_reader_status(v.reader));
  torpor_reader_close(v.reader);
  fuzz_must(torpor_reader_open(data, size, &v.reader) == TORPOR_OK);
  wander(v.reader, data, size);
  torpor_reader_close(v.reader);
  return true;
}

/* ---- Copying -------------------------------------------------------------*/

typedef struct copy {
  torpor_reader *from;
  torpor_writer *to;
  bool impossible;
} copy;

static void copy_value(copy *c, torpor_data_type type);

/* What comes until the end of what the reader is in. */
static void copy_values(copy *c, bool keyed) {
  torpor_data_type type;
  while (!c->impossible &&
         (type = torpor_reader_type(c->from)) != TORPOR_DATA_END) {
    if (keyed && type == TORPOR_DATA_STRING) {
      torpor_slice key = torpor_reader_string(c->from);
      torpor_writer_key(c->to, key.data, key.size);
      type = torpor_reader_type(c->from);
    } else if (keyed) {
      c->impossible = true;
    }
    copy_value(c, type);
  }
}

static void copy_inside(copy *c, torpor_data_type type) {
  size_t count = torpor_reader_enter(c->from);
  bool keyed = type == TORPOR_DATA_OBJECT || type == TORPOR_DATA_ERROR;
  if (type == TORPOR_DATA_ERROR) torpor_writer_tag(c->to, TAG_ERROR);
  if (type == TORPOR_DATA_BOXED) torpor_writer_tag(c->to, TAG_BOXED);
  if (type == TORPOR_DATA_REGEXP) torpor_writer_tag(c->to, TAG_REGEXP);
  if (keyed) torpor_writer_object(c->to, count);
  if (type == TORPOR_DATA_MAP) torpor_writer_map(c->to, count);
  if (type == TORPOR_DATA_SET) torpor_writer_set(c->to, count);
  if (type == TORPOR_DATA_ARRAY || type == TORPOR_DATA_REGEXP)
    torpor_writer_array(c->to, type == TORPOR_DATA_ARRAY ? count : 2);
  copy_values(c, keyed);
  if (type != TORPOR_DATA_BOXED) torpor_writer_end(c->to);
  torpor_reader_leave(c->from);
}

static void copy_bigint(copy *c) {
  uint64_t words[64];
  bool negative = false;
  size_t count = torpor_reader_bigint(c->from, &negative, words, 64);
  c->impossible |= count > 64;
  if (count <= 64) torpor_writer_bigint(c->to, negative, words, count);
}

static void copy_view(copy *c) {
  torpor_view kind;
  torpor_slice bytes = torpor_reader_view(c->from, &kind);
  torpor_writer_view(c->to, kind, bytes.data, bytes.size);
}

static void copy_symbol(copy *c) {
  torpor_reader_enter(c->from);
  if (torpor_reader_type(c->from) == TORPOR_DATA_STRING) {
    torpor_slice key = torpor_reader_string(c->from);
    torpor_writer_symbol(c->to, key.data, key.size);
  } else {
    c->impossible = true;
  }
  torpor_reader_leave(c->from);
}

static void copy_scalar(copy *c, torpor_data_type type) {
  torpor_slice text;
  if (type == TORPOR_DATA_BOOLEAN) {
    torpor_writer_boolean(c->to, torpor_reader_boolean(c->from));
  } else if (type == TORPOR_DATA_NUMBER) {
    torpor_writer_number(c->to, torpor_reader_number(c->from));
  } else if (type == TORPOR_DATA_DATE) {
    torpor_writer_date(c->to, torpor_reader_date(c->from));
  } else if (type == TORPOR_DATA_STRING) {
    text = torpor_reader_string(c->from);
    torpor_writer_string(c->to, text.data, text.size);
  } else if (type == TORPOR_DATA_REFERENCE) {
    torpor_writer_reference(c->to, torpor_reader_reference(c->from));
  } else {
    if (type == TORPOR_DATA_UNDEFINED) torpor_writer_undefined(c->to);
    if (type == TORPOR_DATA_NULL) torpor_writer_null(c->to);
    if (type == TORPOR_DATA_HOLE) torpor_writer_hole(c->to);
    c->impossible |= type == TORPOR_DATA_WTF8 || type == TORPOR_DATA_TAG;
    torpor_reader_skip(c->from);
  }
}

static void copy_value(copy *c, torpor_data_type type) {
  if (torpor_reader_is_shared(c->from, NULL)) torpor_writer_share(c->to);
  if (type == TORPOR_DATA_SYMBOL)
    copy_symbol(c);
  else if (is_container(type))
    copy_inside(c, type);
  else if (type == TORPOR_DATA_BIGINT)
    copy_bigint(c);
  else if (type == TORPOR_DATA_VIEW)
    copy_view(c);
  else
    copy_scalar(c, type);
}

bool fuzz_walk_copy(const torpor_bytes *tree, torpor_bytes *out) {
  copy c = {NULL, NULL, false};
  torpor_slice made;
  torpor__buffer buffer = {0};
  fuzz_must(torpor_reader_open(tree->data, tree->size, &c.from) == TORPOR_OK);
  fuzz_must(torpor_writer_open(NULL, 0, &c.to) == TORPOR_OK);
  copy_values(&c, false);
  if (!c.impossible) {
    fuzz_must(torpor_reader_status(c.from) == TORPOR_OK);
    fuzz_must(torpor_writer_finish(c.to, &made) == TORPOR_OK);
    torpor__buffer_add(&buffer, made.data, made.size);
    fuzz_must(torpor__buffer_finish(&buffer, out) == TORPOR_OK);
  }
  torpor_writer_close(c.to);
  torpor_reader_close(c.from);
  return !c.impossible;
}
