/* SPDX-License-Identifier: MIT */
/* cbor-write.c - plain data to CBOR.
 *
 * One walk over the data, in which getters run once. Objects are numbered as
 * they are met and kept alive until the end, so that their addresses can tell
 * them apart. What is met again is left out and noted:
 *
 *   walk:   bytes ............ bytes ........ | bytes      marks: where a
 *                ^ object 3 starts            ^ 3 again    "shared" or a
 *   finish: the marks of shared objects and    |           reference goes
 *           of references are put in between --+
 *
 * so that only what is shared costs anything.
 *
 *  (1) 'seen' is in the order of the bytes; a shared object's number in the
 *      output is its rank among the shared ones.
 *  (2) The C stack is bounded by CBOR_DEPTH, and by the engine's limit.
 *
 * docs/cbor.md specifies the format. */
#include "cbor.h"

/* Where the walk is, from the inside out, for messages. */
typedef struct cbor_place {
  const struct cbor_place *outer;
  JSAtom key; /* JS_ATOM_NULL: 'index' */
  uint32_t index;
} cbor_place;

typedef struct cbor_seen {
  JSValue object;
  uint32_t at; /* where its bytes start */
  bool shared;
} cbor_seen;

typedef struct cbor_reference {
  uint32_t at, seen;
} cbor_reference;

typedef struct cbor_writer {
  DynBuf out;
  cbor_seen *seen;
  int seen_count, seen_capacity;
  uint32_t *table; /* of numbers in 'seen' plus 1, by address */
  uint32_t table_size;
  cbor_reference *references;
  int reference_count, reference_capacity;
  int depth;
  cbor_form forms[CBOR_FORM_KEYS]; /* by address of the shape */
} cbor_writer;

static int write_value(cbor_writer *w, JSValueConst value,
                       const cbor_place *place);

/* ---- Pieces --------------------------------------------------------------*/

static int write_bytes(cbor_writer *w, const void *data, size_t size) {
  if (dbuf_put(&w->out, data, size) == 0) return 0;
  JS_ThrowOutOfMemory(torpor__ctx);
  return -1;
}

/* Where a head can be written; NULL: thrown. */
static uint8_t *claim_head(cbor_writer *w) {
  if (dbuf_claim(&w->out, CBOR_HEAD) == 0) return w->out.buf + w->out.size;
  JS_ThrowOutOfMemory(torpor__ctx);
  return NULL;
}

/* Most heads are one byte. */
static int write_head(cbor_writer *w, enum cbor_major major, uint64_t number) {
  uint8_t *to;
  if (number < 24 &&
      dbuf_putc(&w->out, (uint8_t)((uint64_t)major << 5 | number)) == 0)
    return 0;
  to = claim_head(w);
  if (to == NULL) return -1;
  w->out.size += cbor_put_head(to, major, number);
  return 0;
}

static int write_simple(cbor_writer *w, enum cbor_simple simple) {
  return write_head(w, CBOR_SIMPLE, simple);
}

static int write_blob(cbor_writer *w, enum cbor_major major, const void *data,
                      size_t size) {
  return write_head(w, major, size) || write_bytes(w, data, size) ? -1 : 0;
}

static int write_integer(cbor_writer *w, int64_t integer) {
  if (integer < 0) return write_head(w, CBOR_NEGATIVE, ~(uint64_t)integer);
  return write_head(w, CBOR_UNSIGNED, (uint64_t)integer);
}

static int write_bits(cbor_writer *w, enum cbor_simple kind, uint64_t bits,
                      int size) {
  uint8_t *to = claim_head(w);
  if (to == NULL) return -1;
  w->out.size += cbor_put(to, CBOR_SIMPLE, kind, bits, size);
  return 0;
}

/* The shortest float that is exactly 'number'; there is one NaN. */
static int write_float(cbor_writer *w, double number) {
  float single = (float)number;
  uint32_t bits32;
  uint64_t bits64;
  uint16_t half = isnan(number) ? 0x7e00 : tofp16(number);
  if (isnan(number) || fromfp16(half) == number)
    return write_bits(w, CBOR_HALF, half, 2);
  memcpy(&bits32, &single, sizeof(single));
  memcpy(&bits64, &number, sizeof(number));
  if ((double)single == number) return write_bits(w, CBOR_FLOAT, bits32, 4);
  return write_bits(w, CBOR_DOUBLE, bits64, 8);
}

static int write_double(cbor_writer *w, double number) {
  if (fabs(number) <= MAX_SAFE_INTEGER && number == trunc(number) &&
      !(number == 0 && signbit(number)))
    return write_integer(w, (int64_t)number);
  return write_float(w, number);
}

static int write_flat(cbor_writer *w, JSString *string) {
  uint64_t size = torpor__utf8_size(string);
  if (write_head(w, CBOR_TEXT, size)) return -1;
  if (dbuf_claim(&w->out, (size_t)size)) {
    JS_ThrowOutOfMemory(torpor__ctx);
    return -1;
  }
  if (size == string->len && !string->is_wide_char)
    memcpy(w->out.buf + w->out.size, str8(string), (size_t)size);
  else
    torpor__utf8_write(string, w->out.buf + w->out.size);
  w->out.size += (size_t)size;
  return 0;
}

static int write_text(cbor_writer *w, JSValueConst value) {
  JSString *flat;
  int status;
  if (JS_VALUE_GET_TAG(value) == JS_TAG_STRING)
    return write_flat(w, JS_VALUE_GET_STRING(value));
  flat = torpor__flat(value);
  if (flat == NULL) return -1;
  status = write_flat(w, flat);
  js_free_string(torpor__rt, flat);
  return status;
}

static int write_text_literal(cbor_writer *w, const char *text) {
  return write_blob(w, CBOR_TEXT, text, strlen(text));
}

/* A BigInt is a tag and its magnitude, big-endian without leading zeros; of a
 * negative one the magnitude is of -1 - n, which is the complement. */
static int write_bigint(cbor_writer *w, JSValueConst value) {
  JSBigIntBuf buffer;
  const JSBigInt *big = JS_VALUE_GET_TAG(value) == JS_TAG_BIG_INT
                            ? JS_VALUE_GET_PTR(value)
                            : js_bigint_set_short(&buffer, value);
  bool negative = (js_slimb_t)big->tab[big->len - 1] < 0;
  uint32_t size = big->len * (uint32_t)sizeof(js_limb_t);
  const uint8_t *bytes = (const uint8_t *)big->tab;
  uint8_t flip = negative ? 0xff : 0;
  while (size > 0 && (bytes[size - 1] ^ flip) == 0) size--;
  if (write_head(w, CBOR_TAG,
                 negative ? CBOR_TAG_BIGINT_NEGATIVE : CBOR_TAG_BIGINT) ||
      write_head(w, CBOR_BYTES, size))
    return -1;
  while (size-- > 0) {
    uint8_t byte = bytes[size] ^ flip;
    if (write_bytes(w, &byte, 1)) return -1;
  }
  return 0;
}

/* ---- Refusing ------------------------------------------------------------*/

static void place_write(DynBuf *text, const cbor_place *place) {
  if (place == NULL) {
    dbuf_putstr(text, "the value");
    return;
  }
  place_write(text, place->outer);
  if (place->key == JS_ATOM_NULL) {
    dbuf_printf(text, "[%u]", place->index);
  } else {
    const char *key = JS_AtomToCString(torpor__ctx, place->key);
    dbuf_printf(text, ".%.40s", key ? key : "?");
    JS_FreeCString(torpor__ctx, key);
  }
}

/* Throws a TypeError that says where; only the ends of long ways matter, and
 * messages are cut anyway. Returns -1. */
static int write_refuse(const cbor_place *place, const char *what) {
  DynBuf text;
  js_dbuf_init(torpor__ctx, &text);
  place_write(&text, place);
  dbuf_putc(&text, '\0');
  if (dbuf_error(&text))
    JS_ThrowOutOfMemory(torpor__ctx);
  else
    JS_ThrowTypeError(torpor__ctx, "%.180s %s", (char *)text.buf, what);
  dbuf_free(&text);
  return -1;
}

/* ---- Objects met before --------------------------------------------------*/

static uint32_t table_slot(const cbor_writer *w, const void *object) {
  uint32_t mask = w->table_size - 1;
  uint32_t slot = ((uint32_t)(uintptr_t)object >> 3) * 2654435761u & mask;
  while (w->table[slot] &&
         JS_VALUE_GET_PTR(w->seen[w->table[slot] - 1].object) != object)
    slot = (slot + 1) & mask;
  return slot;
}

static int table_grow_seen(cbor_writer *w) {
  uint32_t size = w->table_size ? w->table_size * 2 : 16;
  uint32_t *table;
  if ((uint32_t)w->seen_count * 2 < w->table_size) return 0;
  table = js_mallocz(torpor__ctx, size * sizeof(*table));
  if (table == NULL) return -1;
  js_free(torpor__ctx, w->table);
  w->table = table;
  w->table_size = size;
  for (int i = 0; i < w->seen_count; i++)
    w->table[table_slot(w, JS_VALUE_GET_PTR(w->seen[i].object))] =
        (uint32_t)i + 1;
  return 0;
}

static int reference_add(cbor_writer *w, uint32_t seen) {
  w->seen[seen].shared = true;
  if (js_resize_array(torpor__ctx, (void **)&w->references,
                      sizeof(w->references[0]), &w->reference_capacity,
                      w->reference_count + 1))
    return -1;
  w->references[w->reference_count++] =
      (cbor_reference){(uint32_t)w->out.size, seen};
  return 0;
}

/* 1: met before and noted; 0: new, to be written now; -1: thrown. */
static int object_meet(cbor_writer *w, JSValueConst object) {
  uint32_t slot;
  if (table_grow_seen(w)) return -1;
  slot = table_slot(w, JS_VALUE_GET_PTR(object));
  if (w->table[slot]) return reference_add(w, w->table[slot] - 1) ? -1 : 1;
  if (js_resize_array(torpor__ctx, (void **)&w->seen, sizeof(w->seen[0]),
                      &w->seen_capacity, w->seen_count + 1))
    return -1;
  w->seen[w->seen_count++] =
      (cbor_seen){js_dup(object), (uint32_t)w->out.size, false};
  w->table[slot] = (uint32_t)w->seen_count;
  return 0;
}

/* ---- Objects -------------------------------------------------------------*/

/* Writes a value that is freed. */
static int write_free(cbor_writer *w, JSValue value, const cbor_place *place) {
  int status = JS_IsException(value) ? -1 : write_value(w, value, place);
  JS_FreeValue(torpor__ctx, value);
  return status;
}

static int write_array(cbor_writer *w, JSValueConst array,
                       const cbor_place *outer) {
  cbor_place place = {outer, JS_ATOM_NULL, 0};
  uint32_t count;
  if (js_get_length32(torpor__ctx, &count, array)) return -1;
  if (write_head(w, CBOR_ARRAY, count)) return -1;
  for (; place.index < count; place.index++) {
    JSValue item = JS_GetPropertyUint32(torpor__ctx, array, place.index);
    if (write_free(w, item, &place) || js_poll_interrupts(torpor__ctx))
      return -1;
  }
  return 0;
}

static int write_key(cbor_writer *w, JSAtom key) {
  JSValue text = JS_AtomToString(torpor__ctx, key);
  int status = JS_IsException(text) ? -1 : write_text(w, text);
  JS_FreeValue(torpor__ctx, text);
  return status;
}

static int write_object(cbor_writer *w, JSValueConst object,
                        const cbor_place *outer) {
  cbor_place place = {outer, JS_ATOM_NULL, 0};
  JSPropertyEnum *keys;
  uint32_t count;
  int status;
  if (JS_GetOwnPropertyNames(torpor__ctx, &keys, &count, object,
                             JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
    return -1;
  status = write_head(w, CBOR_MAP, count);
  for (uint32_t i = 0; status == 0 && i < count; i++) {
    place.key = keys[i].atom;
    status = write_key(w, place.key);
    if (status == 0)
      status =
          write_free(w, JS_GetProperty(torpor__ctx, object, place.key), &place);
    if (status == 0) status = js_poll_interrupts(torpor__ctx);
  }
  JS_FreePropertyEnum(torpor__ctx, keys, count);
  return status;
}

/* ---- Objects of few keys -------------------------------------------------*/

static bool key_is_plain(const JSShapeProperty *property) {
  uint32_t index;
  return property->flags == JS_PROP_C_W_E &&
         JS_AtomGetKind(torpor__ctx, property->atom) == JS_ATOM_KIND_STRING &&
         !JS_AtomIsArrayIndex(torpor__ctx, &index, property->atom);
}

/* Whether objects of this shape have a few plain values, in the order in which
 * their keys are listed, and nothing else. */
static bool shape_is_plain(JSShape *shape) {
  if (!shape->is_hashed || shape->prop_count > CBOR_FORM_KEYS ||
      shape->deleted_prop_count > 0)
    return false;
  for (int i = 0; i < shape->prop_count; i++)
    if (!key_is_plain(&get_shape_prop(shape)[i])) return false;
  return true;
}

static cbor_form *form_of(cbor_writer *w, const JSShape *shape) {
  return &w->forms[(uintptr_t)shape / 16 % CBOR_FORM_KEYS];
}

/* Writes key 'i': from where it was written before, or anew and notes it. */
static int write_form_key(cbor_writer *w, cbor_form *form, int i, JSAtom key,
                          bool known) {
  if (!known) {
    form->at[i] = (uint32_t)w->out.size;
    if (write_key(w, key)) return -1;
    form->size[i] = (uint32_t)w->out.size - form->at[i];
    return 0;
  }
  if (dbuf_claim(&w->out, form->size[i])) {
    JS_ThrowOutOfMemory(torpor__ctx);
    return -1;
  }
  memcpy(w->out.buf + w->out.size, w->out.buf + form->at[i], form->size[i]);
  w->out.size += form->size[i];
  return 0;
}

/* An object whose shape is plain. A getter in what is inside may change it:
 * then it has another shape, since this one is held, and is asked by name. */
static int write_plain(cbor_writer *w, JSValueConst value,
                       const cbor_place *outer) {
  cbor_place place = {outer, JS_ATOM_NULL, 0};
  JSObject *object = JS_VALUE_GET_OBJ(value);
  JSShape *shape = js_dup_shape(object->shape);
  cbor_form form = *form_of(w, shape);
  bool known = form.shape == shape;
  int status = write_head(w, CBOR_MAP, (uint64_t)shape->prop_count);
  form.shape = shape;
  for (int i = 0; status == 0 && i < shape->prop_count; i++) {
    JSValue item;
    place.key = get_shape_prop(shape)[i].atom;
    status = write_form_key(w, &form, i, place.key, known);
    if (status) break;
    item = object->shape == shape
               ? js_dup(object->prop[i].u.value)
               : JS_GetProperty(torpor__ctx, value, place.key);
    status = write_free(w, item, &place);
    if (status == 0) status = js_poll_interrupts(torpor__ctx);
  }
  if (status == 0 && !known) form_keep(form_of(w, shape), &form);
  js_free_shape(torpor__rt, shape);
  return status;
}

/* ---- Other objects -------------------------------------------------------*/

/* The live records of a Map or Set as pairs of key and value, each with a
 * reference: getters may change the collection while it is written. */
static JSValue *records_copy(const JSMapState *state, uint32_t *count) {
  struct list_head *link;
  JSValue *pairs =
      js_malloc(torpor__ctx, (state->record_count + 1) * 2 * sizeof(*pairs));
  *count = 0;
  if (pairs == NULL) return NULL;
  list_for_each(link, &state->records) {
    const JSMapRecord *record = list_entry(link, JSMapRecord, link);
    if (record->empty || *count == state->record_count) continue;
    pairs[*count * 2] = js_dup(record->key);
    pairs[*count * 2 + 1] = js_dup(record->value);
    ++*count;
  }
  return pairs;
}

static int write_records(cbor_writer *w, JSValueConst collection, bool map,
                         const cbor_place *outer) {
  cbor_place place = {outer, JS_ATOM_NULL, 0};
  uint32_t count;
  JSValue *pairs =
      records_copy(JS_VALUE_GET_OBJ(collection)->u.map_state, &count);
  int status = -1;
  if (pairs == NULL) return -1;
  if (write_head(w, CBOR_TAG, map ? CBOR_TAG_MAP : CBOR_TAG_SET) == 0 &&
      write_head(w, map ? CBOR_MAP : CBOR_ARRAY, count) == 0)
    status = 0;
  for (uint32_t i = 0; i < count; i++) {
    place.index = i;
    if (status == 0) status = write_value(w, pairs[i * 2], &place);
    if (status == 0 && map) status = write_value(w, pairs[i * 2 + 1], &place);
    JS_FreeValue(torpor__ctx, pairs[i * 2]);
    JS_FreeValue(torpor__ctx, pairs[i * 2 + 1]);
  }
  js_free(torpor__ctx, pairs);
  return status;
}

static int write_date(cbor_writer *w, JSValueConst date) {
  double ms;
  if (JS_ToFloat64(torpor__ctx, &ms, JS_VALUE_GET_OBJ(date)->u.object_data))
    return -1;
  return write_head(w, CBOR_TAG, CBOR_TAG_DATE) || write_double(w, ms / 1000)
             ? -1
             : 0;
}

static int write_regexp(cbor_writer *w, JSValueConst value) {
  const JSRegExp *regexp = &JS_VALUE_GET_OBJ(value)->u.regexp;
  int flags = lre_get_flags(str8(regexp->bytecode));
  char letters[countof(cbor_regexp_flags)];
  size_t count = 0;
  for (size_t i = 0; i < countof(cbor_regexp_flags); i++)
    if (flags & cbor_regexp_flags[i].flag)
      letters[count++] = cbor_regexp_flags[i].letter;
  if (write_head(w, CBOR_TAG, CBOR_TAG_REGEXP) ||
      write_head(w, CBOR_ARRAY, 2) || write_flat(w, regexp->pattern))
    return -1;
  return write_blob(w, CBOR_TEXT, letters, count);
}

/* Uint8Array is a byte string without a tag: what hosts have most. */
static int write_buffer(cbor_writer *w, JSValueConst value, JSClassID class,
                        const cbor_place *place) {
  uint32_t size, tag = CBOR_TAG_BUFFER;
  uint8_t *data;
  if (class == JS_CLASS_SHARED_ARRAY_BUFFER)
    return write_refuse(place, "is a SharedArrayBuffer, which is not data");
  if (!torpor__bytes(value, &data, &size))
    return write_refuse(place, "is a view of memory that is gone");
  if (class == JS_CLASS_DATAVIEW)
    tag = CBOR_TAG_VIEW;
  else if (class != JS_CLASS_ARRAY_BUFFER)
    tag = cbor_typed_tag[class - JS_CLASS_UINT8C_ARRAY];
  if (class != JS_CLASS_UINT8_ARRAY && write_head(w, CBOR_TAG, tag)) return -1;
  return write_blob(w, CBOR_BYTES, data, size);
}

/* The fields of an error that are there, in this order. The name comes first:
 * it tells the reader what to make. */
static int write_error(cbor_writer *w, JSValueConst error,
                       const cbor_place *outer) {
  static const char *const names[] = {"name",  "message", "stack",
                                      "cause", "code",    "errors"};
  enum { COUNT = countof(names) };
  bool dom = JS_GetClassID(error) == JS_CLASS_DOM_EXCEPTION;
  JSValue fields[COUNT];
  uint64_t present = 0;
  int status = write_head(w, CBOR_TAG, CBOR_TAG_ERROR);
  for (int i = 0; i < COUNT; i++) {
    bool legacy = dom && strcmp(names[i], "code") == 0;
    fields[i] = status || legacy
                    ? JS_UNDEFINED
                    : JS_GetPropertyStr(torpor__ctx, error, names[i]);
    if (JS_IsException(fields[i])) status = -1;
    present += !JS_IsUndefined(fields[i]);
  }
  if (status == 0) status = write_head(w, CBOR_MAP, present);
  for (int i = 0; i < COUNT; i++) {
    if (status == 0 && !JS_IsUndefined(fields[i])) {
      cbor_place place = {outer, JS_NewAtom(torpor__ctx, names[i]), 0};
      status = write_text_literal(w, names[i]);
      if (status == 0) status = write_value(w, fields[i], &place);
      JS_FreeAtom(torpor__ctx, place.key);
    }
    JS_FreeValue(torpor__ctx, fields[i]);
  }
  return status;
}

/* Whether the object has the prototype that literals have, or none. */
static bool object_is_plain(const JSObject *object) {
  JSObject *prototype = object->shape->proto;
  return prototype == NULL ||
         prototype ==
             JS_VALUE_GET_OBJ(torpor__ctx->class_proto[JS_CLASS_OBJECT]);
}

static int write_class(cbor_writer *w, JSValueConst value,
                       const cbor_place *place) {
  JSObject *object = JS_VALUE_GET_OBJ(value);
  JSClassID class = object->class_id;
  if (class >= JS_CLASS_ARRAY_BUFFER && class <= JS_CLASS_DATAVIEW)
    return write_buffer(w, value, class, place);
  switch (class) {
  case JS_CLASS_ARRAY:
    return write_array(w, value, place);
  case JS_CLASS_MODULE_NS:
    return write_object(w, value, place);
  case JS_CLASS_DATE:
    return write_date(w, value);
  case JS_CLASS_REGEXP:
    return write_regexp(w, value);
  case JS_CLASS_MAP:
    return write_records(w, value, true, place);
  case JS_CLASS_SET:
    return write_records(w, value, false, place);
  case JS_CLASS_ERROR:
  case JS_CLASS_DOM_EXCEPTION:
    return write_error(w, value, place);
  case JS_CLASS_PROXY:
    return write_refuse(place, "is a Proxy, not data");
  case JS_CLASS_PROMISE:
    return write_refuse(place, "is a promise; await it");
  default:
    break;
  }
  if (JS_IsFunction(torpor__ctx, value))
    return write_refuse(place, "is a function, which is not data");
  if (class == JS_CLASS_OBJECT && object_is_plain(object)) {
    if (form_of(w, object->shape)->shape == object->shape ||
        shape_is_plain(object->shape))
      return write_plain(w, value, place);
    return write_object(w, value, place);
  }
  return write_refuse(place, "is an object of a class, which is not data");
}

static int write_reference_type(cbor_writer *w, JSValueConst value,
                                const cbor_place *place) {
  int status = object_meet(w, value);
  if (status) return status < 0 ? -1 : 0;
  if (w->depth == CBOR_DEPTH)
    return write_refuse(place, "is nested too deeply");
  if (js_check_stack_overflow(torpor__rt, 0)) {
    JS_ThrowStackOverflow(torpor__ctx);
    return -1;
  }
  w->depth++;
  status = write_class(w, value, place);
  w->depth--;
  return status;
}

static int write_value(cbor_writer *w, JSValueConst value,
                       const cbor_place *place) {
  switch (JS_VALUE_GET_NORM_TAG(value)) {
  case JS_TAG_INT:
    return write_integer(w, JS_VALUE_GET_INT(value));
  case JS_TAG_FLOAT64:
    return write_double(w, JS_VALUE_GET_FLOAT64(value));
  case JS_TAG_BOOL:
    return write_simple(w, JS_VALUE_GET_BOOL(value) ? CBOR_TRUE : CBOR_FALSE);
  case JS_TAG_NULL:
    return write_simple(w, CBOR_NULL);
  case JS_TAG_UNDEFINED:
    return write_simple(w, CBOR_UNDEFINED);
  case JS_TAG_STRING:
  case JS_TAG_STRING_ROPE:
    return write_text(w, value);
  case JS_TAG_BIG_INT:
  case JS_TAG_SHORT_BIG_INT:
    return write_bigint(w, value);
  case JS_TAG_OBJECT:
    return write_reference_type(w, value, place);
  default:
    return write_refuse(place, "is a symbol, which is not data");
  }
}

/* ---- Putting it together -------------------------------------------------*/

/* Moves the bytes up to 'end' from 'from' to 'to'. */
static int bytes_move(cbor_writer *to, const DynBuf *from, uint32_t *at,
                      uint32_t end) {
  int status = write_bytes(to, from->buf + *at, end - *at);
  *at = end;
  return status;
}

/* Numbers the shared objects: their ranks are left in 'at' of 'ranks'. */
static uint32_t *shared_ranks(const cbor_writer *w) {
  uint32_t next = 0;
  uint32_t *ranks =
      js_malloc(torpor__ctx, (size_t)w->seen_count * sizeof(*ranks));
  for (int i = 0; ranks && i < w->seen_count; i++) {
    ranks[i] = next;
    next += w->seen[i].shared;
  }
  return ranks;
}

/* Puts the tags of shared objects and the references in between. */
static int writer_merge(const cbor_writer *w, cbor_writer *to) {
  uint32_t *ranks = shared_ranks(w);
  uint32_t at = 0;
  int seen = 0, status = ranks ? 0 : -1;
  for (int i = 0; status == 0 && i <= w->reference_count; i++) {
    bool last = i == w->reference_count;
    uint32_t end = last ? (uint32_t)w->out.size : w->references[i].at;
    for (; status == 0 && seen < w->seen_count && w->seen[seen].at < end;
         seen++)
      if (w->seen[seen].shared)
        status = bytes_move(to, &w->out, &at, w->seen[seen].at) ||
                 write_head(to, CBOR_TAG, CBOR_TAG_SHARED);
    if (status == 0) status = bytes_move(to, &w->out, &at, end);
    if (status == 0 && !last)
      status = write_head(to, CBOR_TAG, CBOR_TAG_REFERENCE) ||
               write_head(to, CBOR_UNSIGNED, ranks[w->references[i].seen]);
  }
  js_free(torpor__ctx, ranks);
  return status ? -1 : 0;
}

static void writer_end(cbor_writer *w) {
  for (int i = 0; i < w->seen_count; i++)
    JS_FreeValue(torpor__ctx, w->seen[i].object);
  js_free(torpor__ctx, w->seen);
  js_free(torpor__ctx, w->table);
  js_free(torpor__ctx, w->references);
  dbuf_free(&w->out);
  forms_end(w->forms, CBOR_FORM_KEYS);
}

/* Encodes 'value' into 'out', which the caller frees with dbuf_free whether or
 * not it went well. Not 0: thrown. */
static int torpor__cbor_write(JSValueConst value, DynBuf *out) {
  cbor_writer w = {0}, merged = {0};
  int status;
  js_dbuf_init(torpor__ctx, &w.out);
  js_dbuf_init(torpor__ctx, &merged.out);
  status = write_value(&w, value, NULL);
  if (status == 0 && w.reference_count > 0) {
    status = writer_merge(&w, &merged);
    *out = merged.out;
  } else {
    *out = w.out;
    js_dbuf_init(torpor__ctx, &w.out);
  }
  writer_end(&w);
  return status;
}

static torpor_status cbor_encode(uint64_t bits) {
  JSValue value;
  DynBuf out;
  uint8_t *place;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  js_dup(value);
  if (torpor__cbor_write(value, &out)) {
    status = torpor__thrown();
  } else if ((place = torpor__text_place(out.size)) == NULL) {
    status = TORPOR_LIMIT;
  } else {
    memcpy(place, out.buf, out.size);
  }
  dbuf_free(&out);
  JS_FreeValue(torpor__ctx, value);
  return status;
}

EXPORT(torpor_cbor_encode)
torpor_status export_cbor_encode(uint64_t bits) {
  torpor__enter();
  return torpor__leave(cbor_encode(bits));
}
