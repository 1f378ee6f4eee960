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
 * docs/cbor.md specifies the format. */

enum { CBOR_NOT_SHARED = -1 };

typedef struct cbor_reader {
  const uint8_t *data;
  uint32_t size, at;
  int depth;
  int share; /* the number that the next value gets, or CBOR_NOT_SHARED */
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

/* The text of a head that has been read; NULL: thrown. */
static const char *read_text(cbor_reader *r, const cbor_head *head) {
  const uint8_t *text = r->data + r->at;
  uint32_t size = (uint32_t)head->number;
  if (head->major != CBOR_TEXT) {
    read_refuse(head->at, "text is expected, and something else is there");
    return NULL;
  }
  if (!head_fits(r, head, 1)) return NULL;
  for (uint32_t i = count_ascii(text, size); i < size;) {
    uint32_t step = text[i] < 0x80 ? 1 : utf8_sequence(text + i, size - i);
    if (step == 0) {
      read_refuse(r->at + i, "text that is not UTF-8");
      return NULL;
    }
    i += step;
  }
  r->at += size;
  return (const char *)text;
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

static JSValue read_array(cbor_reader *r, const cbor_head *head) {
  JSValue array;
  if (!head_fits(r, head, 1)) return JS_EXCEPTION;
  array = JS_NewArray(torpor__ctx);
  if (JS_IsException(array)) return array;
  share_bind(r, array);
  for (uint32_t i = 0; i < head->number; i++) {
    JSValue item = read_value(r);
    if (JS_IsException(item) ||
        add_fast_array_element(torpor__ctx, JS_VALUE_GET_OBJ(array), item, 0) <
            0) {
      JS_FreeValue(torpor__ctx, array);
      return JS_EXCEPTION;
    }
  }
  return array;
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

/* ---- Tagged values -------------------------------------------------------*/

static JSValue read_date(cbor_reader *r) {
  uint32_t at = r->at;
  double seconds;
  JSValue value = read_value(r);
  if (JS_IsException(value)) return value;
  if (!JS_IsNumber(value)) {
    JS_FreeValue(torpor__ctx, value);
    return read_refuse(at, "a date that is not a number");
  }
  JS_ToFloat64(torpor__ctx, &seconds, value);
  return JS_NewDate(torpor__ctx, round(seconds * 1000));
}

static JSValue read_string(cbor_reader *r) {
  cbor_head head;
  const char *text;
  if (!read_head(r, &head) || (text = read_text(r, &head)) == NULL)
    return JS_EXCEPTION;
  return JS_NewStringLen(torpor__ctx, text, (size_t)head.number);
}

static JSValue read_regexp(cbor_reader *r) {
  JSValue source, flags, code, regexp = JS_EXCEPTION;
  cbor_head head;
  if (!read_head(r, &head)) return JS_EXCEPTION;
  if (head.major != CBOR_ARRAY || head.number != 2)
    return read_refuse(head.at, "a RegExp that is not [source, flags]");
  source = read_string(r);
  if (JS_IsException(source)) return source;
  flags = read_string(r);
  code = JS_IsException(flags) ? JS_EXCEPTION
                               : js_compile_regexp(torpor__ctx, source, flags);
  if (!JS_IsException(code))
    regexp = js_regexp_constructor_internal(torpor__ctx, JS_UNDEFINED,
                                            js_dup(source), code);
  JS_FreeValue(torpor__ctx, flags);
  JS_FreeValue(torpor__ctx, source);
  return regexp;
}

static JSValue read_buffer(cbor_reader *r) {
  uint32_t size = 0;
  const uint8_t *data = read_blob(r, &size);
  if (data == NULL) return JS_EXCEPTION;
  return JS_NewArrayBufferCopy(torpor__ctx, data, size);
}

/* A view of all of a new buffer: 'kind' of typed array, or -1: DataView. */
static JSValue read_view(cbor_reader *r, int kind) {
  uint32_t at = r->at;
  int shift = kind < 0 ? 0 : typed_array_size_log2[kind];
  JSValue args[3] = {read_buffer(r), JS_UNDEFINED, JS_UNDEFINED};
  JSValue view;
  if (JS_IsException(args[0])) return JS_EXCEPTION;
  if (JS_VALUE_GET_OBJ(args[0])->u.array_buffer->byte_length &
      ((1 << shift) - 1)) {
    JS_FreeValue(torpor__ctx, args[0]);
    return read_refuse(at, "a typed array of half an element");
  }
  if (kind < 0)
    view = js_dataview_constructor(torpor__ctx, JS_UNDEFINED, 1, vc(args));
  else
    view = js_typed_array_constructor(torpor__ctx, JS_UNDEFINED, 1, vc(args),
                                      JS_CLASS_UINT8C_ARRAY + kind);
  JS_FreeValue(torpor__ctx, args[0]);
  return view;
}

/* The kind of typed array that has this tag, or -1. */
static int typed_kind(uint64_t tag) {
  for (int i = 0; i < JS_TYPED_ARRAY_COUNT; i++)
    if (cbor_typed_tag[i] == tag) return i;
  return -1;
}

/* ---- Errors --------------------------------------------------------------*/

static bool text_is(const char *text, uint64_t size, const char *word) {
  return size == strlen(word) && memcmp(text, word, (size_t)size) == 0;
}

/* Puts a field into an error; takes the reference. What is no field of an
 * error is dropped, so that newer writers can say more. */
static int error_field(JSValueConst error, const char *key, uint64_t size,
                       JSValue value) {
  static const char *const names[] = {"message", "stack", "cause", "code",
                                      "errors"};
  JSObject *object = JS_VALUE_GET_OBJ(error);
  bool dom = object->class_id == JS_CLASS_DOM_EXCEPTION;
  if (text_is(key, size, "stack") && !dom && JS_IsString(value)) {
    JS_FreeValue(torpor__ctx, object->u.object_data);
    object->u.object_data = value;
    return 0;
  }
  if (dom && text_is(key, size, "message") && JS_IsString(value)) {
    JSDOMExceptionData *data = object->u.opaque;
    set_value(torpor__ctx, &data->message, value);
    return 0;
  }
  for (size_t i = dom; i < countof(names); i++)
    if (text_is(key, size, names[i]))
      return JS_DefinePropertyValueStr(torpor__ctx, error, names[i], value,
                                       JS_PROP_WRITABLE |
                                           JS_PROP_CONFIGURABLE) < 0
                 ? -1
                 : 0;
  JS_FreeValue(torpor__ctx, value);
  return 0;
}

static int read_error_field(cbor_reader *r, JSValueConst error) {
  cbor_head head;
  const char *key;
  JSValue value;
  if (!read_head(r, &head) || (key = read_text(r, &head)) == NULL) return -1;
  value = read_value(r);
  if (JS_IsException(value)) return -1;
  return error_field(error, key, head.number, value);
}

/* The error of the name that comes first, if one does: '*count' fields are
 * left then. */
static JSValue read_error_start(cbor_reader *r, uint64_t *count) {
  cbor_reader start = *r;
  cbor_head key, name;
  const char *text;
  JSValue error;
  if (*count > 0 && read_head(r, &key) && (text = read_text(r, &key)) &&
      text_is(text, key.number, "name") && read_head(r, &name) &&
      (text = read_text(r, &name))) {
    --*count;
    error = torpor__error_new(text, (size_t)name.number, "", 0);
  } else {
    if (JS_HasException(torpor__ctx)) torpor__exception_drop();
    *r = start;
    error = torpor__error_new("Error", 5, "", 0);
  }
  return error;
}

static JSValue read_error(cbor_reader *r) {
  cbor_head head;
  JSValue error;
  if (!read_head(r, &head)) return JS_EXCEPTION;
  if (head.major != CBOR_MAP)
    return read_refuse(head.at, "an error that is not a map");
  if (!head_fits(r, &head, 2)) return JS_EXCEPTION;
  error = read_error_start(r, &head.number);
  if (JS_IsException(error)) return error;
  share_bind(r, error);
  while (head.number-- > 0) {
    if (read_error_field(r, error)) {
      JS_FreeValue(torpor__ctx, error);
      return JS_EXCEPTION;
    }
  }
  return error;
}

/* ---- Shared values -------------------------------------------------------*/

static JSValue read_shared(cbor_reader *r) {
  int number = r->shared_count;
  JSValue value;
  if (js_resize_array(torpor__ctx, (void **)&r->shared, sizeof(r->shared[0]),
                      &r->shared_capacity, number + 1))
    return JS_EXCEPTION;
  r->shared[r->shared_count++] = JS_UNINITIALIZED;
  r->share = number;
  value = read_value(r);
  r->share = CBOR_NOT_SHARED;
  if (!JS_IsException(value) && JS_IsUninitialized(r->shared[number]))
    r->shared[number] = js_dup(value);
  return value;
}

static JSValue read_reference(cbor_reader *r) {
  cbor_head head;
  if (!read_head(r, &head)) return JS_EXCEPTION;
  if (head.major != CBOR_UNSIGNED || head.number >= (uint64_t)r->shared_count ||
      JS_IsUninitialized(r->shared[head.number]))
    return read_refuse(head.at, "a reference to what is not there");
  return js_dup(r->shared[head.number]);
}

/* ---- Values --------------------------------------------------------------*/

static JSValue read_tagged(cbor_reader *r, const cbor_head *head) {
  int kind = typed_kind(head->number);
  if (kind >= 0) return read_view(r, kind);
  switch (head->number) {
  case CBOR_TAG_DATE:
    return read_date(r);
  case CBOR_TAG_BIGINT:
    return read_bigint(r, false);
  case CBOR_TAG_BIGINT_NEGATIVE:
    return read_bigint(r, true);
  case CBOR_TAG_SHARED:
    return read_shared(r);
  case CBOR_TAG_REFERENCE:
    return read_reference(r);
  case CBOR_TAG_SET:
    return read_collection(r, MAGIC_SET);
  case CBOR_TAG_MAP:
    return read_collection(r, 0);
  case CBOR_TAG_REGEXP:
    return read_regexp(r);
  case CBOR_TAG_BUFFER:
    return read_buffer(r);
  case CBOR_TAG_VIEW:
    return read_view(r, -1);
  case CBOR_TAG_ERROR:
    return read_error(r);
  default:
    return read_refuse(head->at, "an unknown tag");
  }
}

static JSValue read_item(cbor_reader *r) {
  cbor_head head;
  if (!read_head(r, &head)) return JS_EXCEPTION;
  switch (head.major) {
  case CBOR_UNSIGNED:
  case CBOR_NEGATIVE:
    return read_integer(&head);
  case CBOR_BYTES:
    r->at = head.at;
    return read_view(r, JS_TYPED_ARRAY_UINT8);
  case CBOR_TEXT:
    r->at = head.at;
    return read_string(r);
  case CBOR_ARRAY:
    return read_array(r, &head);
  case CBOR_MAP:
    return read_object(r, &head);
  case CBOR_TAG:
    return read_tagged(r, &head);
  default:
    return read_simple(&head);
  }
}

static JSValue read_value(cbor_reader *r) {
  JSValue value;
  if (r->depth == CBOR_DEPTH_READ)
    return read_refuse(r->at, "nesting that is too deep");
  if (js_check_stack_overflow(torpor__rt, 0))
    return JS_ThrowStackOverflow(torpor__ctx);
  r->depth++;
  value = read_item(r);
  r->depth--;
  return value;
}

/* The value of 'size' bytes of CBOR, all of them. */
static JSValue torpor__cbor_read(const uint8_t *data, uint32_t size) {
  cbor_form forms[CBOR_FORM_KEYS] = {0};
  cbor_reader r = {
      .data = data, .size = size, .share = CBOR_NOT_SHARED, .forms = forms};
  JSValue value = read_value(&r);
  forms_end(forms, CBOR_FORM_KEYS);
  for (int i = 0; i < r.shared_count; i++)
    JS_FreeValue(torpor__ctx, r.shared[i]);
  js_free(torpor__ctx, r.shared);
  if (!JS_IsException(value) && r.at != size) {
    JS_FreeValue(torpor__ctx, value);
    return read_refuse(r.at, "more data than one value");
  }
  return value;
}

EXPORT(torpor_cbor_decode)
torpor_status export_cbor_decode(const uint8_t *data, uint32_t size) {
  torpor__enter();
  return torpor__leave(torpor__give(torpor__cbor_read(data, size)));
}
