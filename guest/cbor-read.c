/* SPDX-License-Identifier: MIT */
/* cbor-read.c - CBOR to values.
 *
 * The bytes may come from anywhere. Every length is checked against what is
 * left before anything is allocated, nesting is bounded, and what is not
 * understood is refused with the offset where it stands. No code of the
 * program runs: objects are made from the engine's own prototypes, properties
 * are defined, not set.
 *
 *  (1) read_value leaves nothing behind when it fails but what 'shared' holds.
 *  (2) A container is entered in 'shared' before its contents are read, so
 *      that it may contain itself.
 *
 * Here are the pieces, numbers and containers; cbor-read-tags.c has what tags
 * say. docs/cbor.md specifies the format. */

enum { CBOR_NOT_SHARED = -1 };

typedef struct cbor_reader {
  const uint8_t *data;
  uint32_t size, at;
  int depth;
  int share;  /* the number that the next value gets, or CBOR_NOT_SHARED */
  bool live;  /* handles are values */
  bool stale; /* what was thrown is that one has ended */
  JSValue *shared;
  int shared_count, shared_capacity;
  cbor_form *forms; /* CBOR_FORM_KEYS of them, by the number of keys less 1 */
} cbor_reader;

/* The first byte of an item and the number that belongs to it. */
typedef struct cbor_head {
  enum cbor_major major;
  int info;
  uint64_t number;
  uint32_t at;
} cbor_head;

static JSValue read_value(cbor_reader *r);

/* ---- Pieces --------------------------------------------------------------*/

static JSValue read_refuse(uint32_t at, const char *what) {
  return JS_ThrowSyntaxError(torpor__ctx, "CBOR: %s at byte %u", what, at);
}

static bool read_head(cbor_reader *r, cbor_head *head) {
  int size;
  head->at = r->at;
  if (r->at == r->size) {
    read_refuse(r->at, "the data ends early");
    return false;
  }
  head->major = r->data[r->at] >> 5;
  head->info = r->data[r->at++] & 31;
  head->number = (uint64_t)head->info;
  if (head->info < 24) return true;
  if (head->info > 27) {
    read_refuse(head->at,
                head->info == 31 ? "an indefinite length" : "a reserved value");
    return false;
  }
  size = 1 << (head->info - 24);
  if (r->size - r->at < (uint32_t)size) {
    read_refuse(head->at, "the data ends early");
    return false;
  }
  head->number = 0;
  while (size-- > 0) head->number = head->number << 8 | r->data[r->at++];
  return true;
}

/* Whether 'each' bytes for each of the head's count are there. */
static bool head_fits(const cbor_reader *r, const cbor_head *head,
                      uint32_t each) {
  if (head->number <= (r->size - r->at) / each) return true;
  read_refuse(head->at, "a length beyond the end of the data");
  return false;
}

/* Adds a number for a value that is not there yet. */
static bool share_add(cbor_reader *r) {
  if (js_resize_array(torpor__ctx, (void **)&r->shared, sizeof(r->shared[0]),
                      &r->shared_capacity, r->shared_count + 1))
    return false;
  r->shared[r->shared_count++] = JS_UNINITIALIZED;
  return true;
}

/* Enters the container that has just been made. */
static void share_bind(cbor_reader *r, JSValueConst value) {
  if (r->share == CBOR_NOT_SHARED) return;
  r->shared[r->share] = js_dup(value);
  r->share = CBOR_NOT_SHARED;
}

/* The size of the UTF-8 sequence at 'p', 0 if it is none. */
static uint32_t utf8_sequence(const uint8_t *p, uint32_t left) {
  uint32_t size = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
  if (p[0] < 0xc2 || p[0] > 0xf4 || left < size) return 0;
  for (uint32_t i = 1; i < size; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
  if (p[0] == 0xed && p[1] > 0x9f) return 0;
  if (p[0] == 0xf0 && p[1] < 0x90) return 0;
  if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
  return size;
}

/* How many bytes are ASCII, counted by eights as far as all of them are. */
static uint32_t count_ascii(const uint8_t *text, uint32_t size) {
  uint32_t count = 0;
  for (; size - count >= 8; count += 8) {
    uint64_t eight;
    memcpy(&eight, text + count, sizeof(eight));
    if (eight & UINT64_C(0x8080808080808080)) break;
  }
  return count;
}

/* Whether three bytes at 'p' are a surrogate, written as if it were a
 * character. */
static bool surrogate_sequence(const uint8_t *p, uint32_t left) {
  return left >= 3 && p[0] == 0xed && p[1] >= 0xa0 && p[1] <= 0xbf &&
         (p[2] & 0xc0) == 0x80;
}

/* Passes over 'size' bytes of text, with or without lone surrogates; NULL:
 * thrown. */
static const char *take_text(cbor_reader *r, uint32_t size, bool surrogates) {
  const uint8_t *text = r->data + r->at;
  for (uint32_t i = count_ascii(text, size); i < size;) {
    uint32_t step = text[i] < 0x80 ? 1 : utf8_sequence(text + i, size - i);
    if (step == 0 && surrogates && surrogate_sequence(text + i, size - i))
      step = 3;
    if (step == 0) {
      read_refuse(r->at + i, "text that is not UTF-8");
      return NULL;
    }
    i += step;
  }
  r->at += size;
  return (const char *)text;
}

/* The text of a head that has been read; NULL: thrown. The head becomes that of
 * the bytes where the text has lone surrogates, which is a tag and bytes. */
static const char *read_text(cbor_reader *r, cbor_head *head) {
  uint32_t at = head->at;
  bool surrogates = head->major == CBOR_TAG && head->number == CBOR_TAG_WTF8;
  if (surrogates && !read_head(r, head)) return NULL;
  if (head->major != (surrogates ? CBOR_BYTES : CBOR_TEXT)) {
    read_refuse(at, "text is expected, and something else is there");
    return NULL;
  }
  head->at = at;
  if (!head_fits(r, head, 1)) return NULL;
  return take_text(r, (uint32_t)head->number, surrogates);
}

static const uint8_t *read_blob(cbor_reader *r, uint32_t *size) {
  const uint8_t *data;
  cbor_head head;
  if (!read_head(r, &head)) return NULL;
  if (head.major != CBOR_BYTES) {
    read_refuse(head.at, "bytes are expected, and something else is there");
    return NULL;
  }
  if (!head_fits(r, &head, 1)) return NULL;
  data = r->data + r->at;
  *size = (uint32_t)head.number;
  r->at += *size;
  return data;
}

/* ---- Numbers -------------------------------------------------------------*/

/* -1 - n for negative ones; a BigInt where a number is not exact. */
static JSValue read_integer(const cbor_head *head) {
  bool negative = head->major == CBOR_NEGATIVE;
  uint64_t n = head->number;
  JSBigInt *big;
  if (n < (uint64_t)MAX_SAFE_INTEGER + !negative)
    return js_int64(negative ? -1 - (int64_t)n : (int64_t)n);
  big = js_bigint_new(torpor__ctx, 3);
  if (big == NULL) return JS_EXCEPTION;
  if (negative) n = ~n;
  big->tab[0] = (js_limb_t)n;
  big->tab[1] = (js_limb_t)(n >> 32);
  big->tab[2] = negative ? (js_limb_t)-1 : 0;
  return JS_CompactBigInt(torpor__ctx, js_bigint_normalize(torpor__ctx, big));
}

static JSValue read_bigint(cbor_reader *r, bool negative) {
  uint32_t at = r->at, size = 0, limbs;
  const uint8_t *bytes = read_blob(r, &size);
  JSBigInt *big;
  if (bytes == NULL) return JS_EXCEPTION;
  limbs = size / (uint32_t)sizeof(js_limb_t) + 1;
  if (limbs > JS_BIGINT_MAX_SIZE) return read_refuse(at, "too large a BigInt");
  big = js_bigint_new(torpor__ctx, (int)limbs);
  if (big == NULL) return JS_EXCEPTION;
  memset(big->tab, 0, limbs * sizeof(js_limb_t));
  for (uint32_t i = 0; i < size; i++)
    ((uint8_t *)big->tab)[i] = bytes[size - 1 - i];
  for (uint32_t i = 0; negative && i < limbs; i++) big->tab[i] = ~big->tab[i];
  return JS_CompactBigInt(torpor__ctx, js_bigint_normalize(torpor__ctx, big));
}

static double float_of(const cbor_head *head) {
  uint32_t bits = (uint32_t)head->number;
  double number;
  float single;
  if (head->info == CBOR_HALF) return fromfp16((uint16_t)head->number);
  if (head->info == CBOR_FLOAT) {
    memcpy(&single, &bits, sizeof(single));
    return single;
  }
  memcpy(&number, &head->number, sizeof(number));
  return number;
}

static JSValue read_simple(const cbor_head *head) {
  switch (head->info) {
  case CBOR_FALSE:
    return JS_FALSE;
  case CBOR_TRUE:
    return JS_TRUE;
  case CBOR_NULL:
    return JS_NULL;
  case CBOR_UNDEFINED:
    return JS_UNDEFINED;
  case CBOR_HALF:
  case CBOR_FLOAT:
  case CBOR_DOUBLE:
    return js_number(float_of(head));
  default:
    return read_refuse(head->at, "an unknown simple value");
  }
}

/* ---- Containers ----------------------------------------------------------*/

/* Passes over a hole, if one is there. */
static bool read_hole(cbor_reader *r) {
  cbor_reader start = *r;
  cbor_head tag, undefined;
  if (r->at == r->size || r->data[r->at] >> 5 != CBOR_TAG) return false;
  if (read_head(r, &tag) && tag.number == CBOR_TAG_HOLE &&
      read_head(r, &undefined) && undefined.major == CBOR_SIMPLE &&
      undefined.info == CBOR_UNDEFINED)
    return true;
  if (JS_HasException(torpor__ctx)) torpor__exception_drop();
  r->at = start.at;
  return false;
}

/* Reads what comes behind the first hole, from item 'i' on, into the array. */
static int read_sparse(cbor_reader *r, JSValueConst array, uint32_t i,
                       uint32_t count) {
  for (; i < count; i++) {
    JSValue item;
    if (read_hole(r)) continue;
    item = read_value(r);
    if (JS_IsException(item) ||
        JS_DefinePropertyValueUint32(torpor__ctx, array, i, item,
                                     JS_PROP_C_W_E) < 0)
      return -1;
  }
  return JS_SetLength(torpor__ctx, array, count) < 0 ? -1 : 0;
}

static int read_items(cbor_reader *r, JSValueConst array, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    JSValue item;
    if (read_hole(r)) return read_sparse(r, array, i + 1, count);
    item = read_value(r);
    if (JS_IsException(item) ||
        add_fast_array_element(torpor__ctx, JS_VALUE_GET_OBJ(array), item, 0) <
            0)
      return -1;
  }
  return 0;
}

static JSValue read_array(cbor_reader *r, const cbor_head *head) {
  JSValue array;
  if (!head_fits(r, head, 1)) return JS_EXCEPTION;
  array = JS_NewArray(torpor__ctx);
  if (JS_IsException(array)) return array;
  share_bind(r, array);
  if (read_items(r, array, (uint32_t)head->number) == 0) return array;
  JS_FreeValue(torpor__ctx, array);
  return JS_EXCEPTION;
}

/* Reads a key and its value into 'object', where the key must be new; 'size' is
 * what the key took. */
static int read_property(cbor_reader *r, JSValueConst object, uint32_t *size) {
  cbor_head head;
  const char *text;
  JSAtom key;
  JSValue value;
  int status = -1;
  if (!read_head(r, &head) || (text = read_text(r, &head)) == NULL) return -1;
  *size = r->at - head.at;
  key = JS_NewAtomLen(torpor__ctx, text, (size_t)head.number);
  if (key == JS_ATOM_NULL) return -1;
  if (JS_GetOwnProperty(torpor__ctx, NULL, object, key) != 0) {
    read_refuse(head.at, "a key that was there before");
  } else {
    value = read_value(r);
    if (!JS_IsException(value))
      status = JS_DefinePropertyValue(torpor__ctx, object, key, value,
                                      JS_PROP_C_W_E);
  }
  JS_FreeAtom(torpor__ctx, key);
  return status < 0 ? -1 : 0;
}

/* Reads what an object has from key 'first' on into it. Of a small one, 'form'
 * gets the keys. Takes the object, and gives it back. */
static JSValue read_properties(cbor_reader *r, JSValue object, uint32_t first,
                               uint64_t count, cbor_form *form) {
  for (uint64_t i = first; i < count; i++) {
    uint32_t at = r->at, size;
    if (read_property(r, object, &size)) {
      JS_FreeValue(torpor__ctx, object);
      return JS_EXCEPTION;
    }
    if (form == NULL) continue;
    form->at[i] = at;
    form->size[i] = size;
  }
  return object;
}

/* Passes over key 'i' of the form; false: another key is there. */
static bool read_same_key(cbor_reader *r, const cbor_form *form, uint32_t i) {
  uint32_t size = form->size[i];
  if (r->size - r->at < size ||
      memcmp(r->data + r->at, r->data + form->at[i], size) != 0)
    return false;
  r->at += size;
  return true;
}

/* Reads the values of an object while its keys are those of the form. Gives how
 * many, or -1 and none when one was refused. */
static int read_same_values(cbor_reader *r, const cbor_form *form,
                            uint32_t count, JSProperty *values) {
  int i = 0;
  while (i < (int)count && read_same_key(r, form, (uint32_t)i)) {
    values[i].u.value = read_value(r);
    if (!JS_IsException(values[i++].u.value)) continue;
    while (i-- > 0) JS_FreeValue(torpor__ctx, values[i].u.value);
    return -1;
  }
  return i;
}

/* An object with the first 'count' keys of the form; takes the values. */
static JSValue object_begin(const cbor_form *form, JSProperty *values,
                            int count) {
  JSValue object = JS_NewObject(torpor__ctx);
  bool failed = JS_IsException(object);
  for (int i = 0; i < count; i++) {
    if (failed) {
      JS_FreeValue(torpor__ctx, values[i].u.value);
      continue;
    }
    failed = JS_DefinePropertyValue(torpor__ctx, object,
                                    get_shape_prop(form->shape)[i].atom,
                                    values[i].u.value, JS_PROP_C_W_E) < 0;
  }
  if (!failed) return object;
  JS_FreeValue(torpor__ctx, object);
  return JS_EXCEPTION;
}

/* The keys of 'object' are those that the next ones of its size may have. */
static void form_learn(cbor_reader *r, JSValueConst object, uint32_t count,
                       cbor_form *form) {
  JSShape *shape = JS_VALUE_GET_OBJ(object)->shape;
  if (!shape->is_hashed || shape->prop_count != (int)count) return;
  form->shape = shape;
  form_keep(&r->forms[count - 1], form);
}

/* An object of few keys. While they are those of the last one of its size, it
 * is made of the same shape, without looking for each. What is read inside may
 * change the reader's forms: so there is a copy. */
static JSValue read_small_object(cbor_reader *r, uint32_t count) {
  cbor_form form = r->forms[count - 1];
  JSProperty values[CBOR_FORM_KEYS];
  JSShape *shape = form.shape;
  JSValue object;
  int same = 0;
  if (shape) {
    js_dup_shape(shape);
    same = read_same_values(r, &form, count, values);
    if (same == (int)count) /* takes the reference */
      return JS_NewObjectFromShape(torpor__ctx, shape, JS_CLASS_OBJECT, values);
  }
  object = same < 0 ? JS_EXCEPTION : object_begin(&form, values, same);
  if (!JS_IsException(object))
    object = read_properties(r, object, (uint32_t)same, count, &form);
  if (!JS_IsException(object)) form_learn(r, object, count, &form);
  if (shape) js_free_shape(torpor__rt, shape);
  return object;
}

static JSValue read_object(cbor_reader *r, const cbor_head *head) {
  JSValue object;
  if (!head_fits(r, head, 2)) return JS_EXCEPTION;
  if (head->number > 0 && head->number <= CBOR_FORM_KEYS &&
      r->share == CBOR_NOT_SHARED)
    return read_small_object(r, (uint32_t)head->number);
  object = JS_NewObject(torpor__ctx);
  if (JS_IsException(object)) return object;
  share_bind(r, object);
  return read_properties(r, object, 0, head->number, NULL);
}

/* One entry of a Map or Set. */
static int read_record(cbor_reader *r, JSValueConst collection, int set) {
  JSMapState *state = JS_VALUE_GET_OBJ(collection)->u.map_state;
  uint32_t at = r->at;
  JSValue pair[2] = {read_value(r), JS_UNDEFINED}, result = JS_EXCEPTION;
  if (JS_IsException(pair[0])) return -1;
  if (map_find_record(torpor__ctx, state, pair[0])) {
    read_refuse(at, "a key that was there before");
  } else {
    if (!set) pair[1] = read_value(r);
    if (!JS_IsException(pair[1]))
      result = js_map_set(torpor__ctx, collection, 2, vc(pair), set);
  }
  JS_FreeValue(torpor__ctx, pair[0]);
  JS_FreeValue(torpor__ctx, pair[1]);
  JS_FreeValue(torpor__ctx, result);
  return JS_IsException(result) ? -1 : 0;
}

static JSValue read_collection(cbor_reader *r, int set) {
  cbor_head head;
  JSValue collection;
  if (!read_head(r, &head)) return JS_EXCEPTION;
  if (head.major != (set ? CBOR_ARRAY : CBOR_MAP))
    return read_refuse(head.at, "a Map or Set of something else");
  if (!head_fits(r, &head, set ? 1 : 2)) return JS_EXCEPTION;
  collection = js_map_constructor(torpor__ctx, JS_UNDEFINED, 0, NULL, set);
  if (JS_IsException(collection)) return collection;
  share_bind(r, collection);
  for (uint32_t i = 0; i < head.number; i++) {
    if (read_record(r, collection, set)) {
      JS_FreeValue(torpor__ctx, collection);
      return JS_EXCEPTION;
    }
  }
  return collection;
}
