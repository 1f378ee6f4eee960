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
 * The buffer of a view that covers all of it is numbered as well, without bytes
 * of its own. When it is met again, that view gets the mark for it.
 *
 * Here are the pieces, arrays and plain objects; cbor-write-class.c has the
 * other classes, and the way in. docs/cbor.md specifies the format. */
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
  bool whole; /* the buffer of the view that starts there */
} cbor_seen;

typedef struct cbor_reference {
  uint32_t at, seen;
} cbor_reference;

/* The handles that were made for what is written. */
typedef struct cbor_handles {
  uint64_t *bits;
  int count, capacity;
} cbor_handles;

typedef struct cbor_writer {
  DynBuf out;
  uint32_t flags; /* TORPOR_ABI_CBOR_ */
  cbor_handles *handles;
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

static bool value_is_data(JSValueConst value);

/* ---- Pieces --------------------------------------------------------------*/

static int write_too_large(void) {
  JS_ThrowRangeError(torpor__ctx, "the data is larger than %u MiB",
                     (unsigned)(TORPOR_DATA_LARGEST >> 20));
  return -1;
}

/* Whether 'more' bytes are within the limit. */
static bool write_fits(const cbor_writer *w, uint64_t more) {
  return w->out.size <= TORPOR_DATA_LARGEST &&
         more <= TORPOR_DATA_LARGEST - w->out.size;
}

static __attribute__((noinline)) int write_grow(cbor_writer *w, size_t size) {
  if (dbuf_claim(&w->out, size) == 0) return 0;
  JS_ThrowOutOfMemory(torpor__ctx);
  return -1;
}

/* Makes room for 'size' more bytes, which is nearly always there. */
static inline int write_room(cbor_writer *w, size_t size) {
  return w->out.allocated_size - w->out.size >= size ? 0 : write_grow(w, size);
}

static int write_bytes(cbor_writer *w, const void *data, size_t size) {
  if (write_room(w, size)) return -1;
  memcpy(w->out.buf + w->out.size, data, size);
  w->out.size += size;
  return 0;
}

/* Most heads are one byte. */
static int write_head(cbor_writer *w, enum cbor_major major, uint64_t number) {
  uint8_t *to;
  if (write_room(w, CBOR_HEAD)) return -1;
  to = w->out.buf + w->out.size;
  if (number < 24) {
    *to = (uint8_t)((uint64_t)major << 5 | number);
    w->out.size++;
  } else {
    w->out.size += cbor_put_head(to, major, number);
  }
  return 0;
}

static int write_simple(cbor_writer *w, enum cbor_simple simple) {
  return write_head(w, CBOR_SIMPLE, simple);
}

static int write_blob(cbor_writer *w, enum cbor_major major, const void *data,
                      size_t size) {
  if (!write_fits(w, size)) return write_too_large();
  return write_head(w, major, size) || write_bytes(w, data, size) ? -1 : 0;
}

static int write_integer(cbor_writer *w, int64_t integer) {
  if (integer < 0) return write_head(w, CBOR_NEGATIVE, ~(uint64_t)integer);
  return write_head(w, CBOR_UNSIGNED, (uint64_t)integer);
}

static int write_bits(cbor_writer *w, enum cbor_simple kind, uint64_t bits,
                      int size) {
  if (write_room(w, CBOR_HEAD)) return -1;
  w->out.size +=
      cbor_put(w->out.buf + w->out.size, CBOR_SIMPLE, kind, bits, size);
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

/* Whether there is a surrogate without its other half. */
static bool has_lone(const uint16_t *units, uint32_t size) {
  for (uint32_t i = 0; i < size; i++) {
    if (!is_surrogate(units[i])) continue;
    if (!is_hi_surrogate(units[i]) || i + 1 == size ||
        !is_lo_surrogate(units[i + 1]))
      return true;
    i++;
  }
  return false;
}

/* The code point at '*at', which moves on; a lone surrogate is one. */
static uint32_t next_point(const uint16_t *units, uint32_t size, uint32_t *at) {
  uint32_t c = units[(*at)++];
  if (is_hi_surrogate(c) && *at < size && is_lo_surrogate(units[*at]))
    return from_surrogate(c, units[(*at)++]);
  return c;
}

/* What UTF-8 would be, if a lone surrogate were a character; it has as many
 * bytes as U+FFFD. */
static void write_wtf8(cbor_writer *w, JSString *string) {
  const uint16_t *units = str16(string);
  uint8_t *out = w->out.buf + w->out.size;
  for (uint32_t i = 0; i < string->len;)
    out += utf8_encode(out, next_point(units, string->len, &i));
}

static int write_flat(cbor_writer *w, JSString *string) {
  uint64_t size = torpor__utf8_size(string);
  bool lone = string->is_wide_char && has_lone(str16(string), string->len);
  if (!write_fits(w, size)) return write_too_large();
  if (lone && write_head(w, CBOR_TAG, CBOR_TAG_WTF8)) return -1;
  if (write_head(w, lone ? CBOR_BYTES : CBOR_TEXT, size)) return -1;
  if (write_room(w, (size_t)size)) return -1;
  if (lone)
    write_wtf8(w, string);
  else if (size == string->len && !string->is_wide_char)
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

typedef JSValue cbor_throw(JSContext *ctx, const char *format, ...);

/* Throws an error that says where; only the ends of long ways matter, and
 * messages are cut anyway. Returns -1. */
static int write_refuse_by(cbor_throw *by, const cbor_place *place,
                           const char *what) {
  DynBuf text;
  js_dbuf_init(torpor__ctx, &text);
  place_write(&text, place);
  dbuf_putc(&text, '\0');
  if (dbuf_error(&text))
    JS_ThrowOutOfMemory(torpor__ctx);
  else
    by(torpor__ctx, "%.180s %s", (char *)text.buf, what);
  dbuf_free(&text);
  return -1;
}

static int write_refuse(const cbor_place *place, const char *what) {
  return write_refuse_by(JS_ThrowTypeError, place, what);
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

/* Enters an object that is new, in 'slot' of the table. */
static int seen_add(cbor_writer *w, JSValueConst object, uint32_t slot,
                    bool whole) {
  if (js_resize_array(torpor__ctx, (void **)&w->seen, sizeof(w->seen[0]),
                      &w->seen_capacity, w->seen_count + 1))
    return -1;
  w->seen[w->seen_count++] = (cbor_seen){
      .object = js_dup(object), .at = (uint32_t)w->out.size, .whole = whole};
  w->table[slot] = (uint32_t)w->seen_count;
  return 0;
}

/* 1: met before and noted; 0: new, to be written now; -1: thrown. */
static int object_meet(cbor_writer *w, JSValueConst object) {
  uint32_t slot;
  if (table_grow_seen(w)) return -1;
  slot = table_slot(w, JS_VALUE_GET_PTR(object));
  if (w->table[slot]) return reference_add(w, w->table[slot] - 1) ? -1 : 1;
  return seen_add(w, object, slot, false);
}

/* The buffer of a view that begins here and covers all of it: 1: met before; 0:
 * new, and numbered; -1: thrown. */
static int buffer_meet(cbor_writer *w, JSValueConst buffer) {
  uint32_t slot;
  if (table_grow_seen(w)) return -1;
  slot = table_slot(w, JS_VALUE_GET_PTR(buffer));
  if (w->table[slot]) return 1;
  return seen_add(w, buffer, slot, true);
}

/* ---- Objects -------------------------------------------------------------*/

/* Writes a value that is freed. */
static int write_free(cbor_writer *w, JSValue value, const cbor_place *place) {
  int status = JS_IsException(value) ? -1 : write_value(w, value, place);
  JS_FreeValue(torpor__ctx, value);
  return status;
}

/* Whether an array has no item 'i' of its own. */
static int is_hole(JSValueConst array, uint32_t i) {
  const JSObject *object = JS_VALUE_GET_OBJ(array);
  JSAtom atom;
  int has;
  if (object->fast_array) return i >= object->u.array.count;
  atom = JS_NewAtomUInt32(torpor__ctx, i);
  if (atom == JS_ATOM_NULL) return -1;
  has = JS_GetOwnProperty(torpor__ctx, NULL, array, atom);
  JS_FreeAtom(torpor__ctx, atom);
  return has < 0 ? -1 : !has;
}

static int write_item(cbor_writer *w, JSValueConst array,
                      const cbor_place *place) {
  int hole = is_hole(array, place->index);
  if (hole < 0) return -1;
  if (!hole)
    return write_free(w, JS_GetPropertyUint32(torpor__ctx, array, place->index),
                      place);
  return write_head(w, CBOR_TAG, CBOR_TAG_HOLE) ||
                 write_simple(w, CBOR_UNDEFINED)
             ? -1
             : 0;
}

static int write_array(cbor_writer *w, JSValueConst array,
                       const cbor_place *outer) {
  cbor_place place = {outer, JS_ATOM_NULL, 0};
  uint32_t count;
  if (js_get_length32(torpor__ctx, &count, array)) return -1;
  if (!write_fits(w, count)) return write_too_large();
  if (write_head(w, CBOR_ARRAY, count)) return -1;
  for (; place.index < count; place.index++)
    if (write_item(w, array, &place) || js_poll_interrupts(torpor__ctx))
      return -1;
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

/* ---- Objects of which something is left out ------------------------------*/

/* Gets the properties with these keys into 'values', and moves those that are
 * data to the front, with their keys. Gives how many, or -1. */
static int properties_get(JSValueConst object, JSPropertyEnum *keys,
                          uint32_t count, JSValue *values) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    JSAtom key = keys[i].atom;
    JSValue value = JS_GetProperty(torpor__ctx, object, key);
    bool is_data = !JS_IsException(value) && value_is_data(value);
    if (is_data) {
      keys[i].atom = keys[kept].atom;
      keys[kept].atom = key;
      values[kept++] = value;
      continue;
    }
    JS_FreeValue(torpor__ctx, value);
    if (!JS_IsException(value) && !js_poll_interrupts(torpor__ctx)) continue;
    while (kept > 0) JS_FreeValue(torpor__ctx, values[--kept]);
    return -1;
  }
  return (int)kept;
}

/* Writes what of 'object' is data. How much that is has to be known first: so
 * all of it is there before any of it is written. */
static int write_data_of(cbor_writer *w, JSValueConst object,
                         const cbor_place *outer) {
  cbor_place place = {outer, JS_ATOM_NULL, 0};
  JSPropertyEnum *keys;
  JSValue *values;
  uint32_t count;
  int kept, status;
  if (JS_GetOwnPropertyNames(torpor__ctx, &keys, &count, object,
                             JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
    return -1;
  values = js_malloc(torpor__ctx, ((size_t)count + 1) * sizeof(*values));
  kept = values ? properties_get(object, keys, count, values) : -1;
  status = kept < 0 ? -1 : write_head(w, CBOR_MAP, (uint64_t)kept);
  for (int i = 0; i < kept; i++) {
    place.key = keys[i].atom;
    if (status == 0) status = write_key(w, place.key);
    if (status == 0) status = write_value(w, values[i], &place);
    if (status == 0) status = js_poll_interrupts(torpor__ctx);
    JS_FreeValue(torpor__ctx, values[i]);
  }
  js_free(torpor__ctx, values);
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

/* Writes a key anew and notes where it is. */
static int write_new_key(cbor_writer *w, cbor_form *form, int i, JSAtom key) {
  form->at[i] = (uint32_t)w->out.size;
  if (write_key(w, key)) return -1;
  form->size[i] = (uint32_t)w->out.size - form->at[i];
  return 0;
}

/* Writes key 'i' from where it was written before. */
static int write_known_key(cbor_writer *w, const cbor_form *form, int i) {
  if (write_room(w, form->size[i])) return -1;
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
  cbor_form *kept = form_of(w, shape), noted;
  int count = 0; /* of keys that are noted */
  int status = write_head(w, CBOR_MAP, (uint64_t)shape->prop_count);
  for (int i = 0; status == 0 && i < shape->prop_count; i++) {
    JSValue item;
    place.key = get_shape_prop(shape)[i].atom;
    /* What is inside may have had the place for its own form, or this one. */
    status = kept->shape == shape
                 ? write_known_key(w, kept, i)
                 : write_new_key(w, &noted, count++, place.key);
    if (status) break;
    item = object->shape == shape
               ? js_dup(object->prop[i].u.value)
               : JS_GetProperty(torpor__ctx, value, place.key);
    status = write_free(w, item, &place);
    if (status == 0) status = js_poll_interrupts(torpor__ctx);
  }
  noted.shape = shape;
  if (status == 0 && count > 0 && count == shape->prop_count)
    form_keep(kept, &noted);
  js_free_shape(torpor__rt, shape);
  return status;
}
