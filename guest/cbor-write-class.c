/* SPDX-License-Identifier: MIT */
/* cbor-write-class.c - plain data to CBOR: what there is besides arrays and
 * plain objects, what is no data, and the way in.
 *
 * What is no data is refused with its path or, with TORPOR_ABI_CBOR_LEAVE_OUT,
 * left out: of objects, Maps, Sets and errors it is absent, elsewhere it is
 * undefined. With TORPOR_ABI_CBOR_LIVE a host is to see as much as there is:
 * only functions and symbols are undefined, and only proxies refused. See
 * cbor-write.c. */

/* ---- What is no data -----------------------------------------------------*/

/* Whether the object has the prototype that literals have, or none. */
static bool object_is_plain(const JSObject *object) {
  JSObject *prototype = object->shape->proto;
  return prototype == NULL ||
         prototype ==
             JS_VALUE_GET_OBJ(torpor__ctx->class_proto[JS_CLASS_OBJECT]);
}

/* What a buffer or view lacks; NULL: nothing. */
static const char *bytes_lack(JSValueConst value, JSClassID class) {
  uint32_t size;
  uint8_t *data;
  if (class == JS_CLASS_SHARED_ARRAY_BUFFER)
    return "is a SharedArrayBuffer, which is not data";
  if (!torpor__bytes(value, &data, &size))
    return "is a view of memory that is gone";
  return NULL;
}

/* Why an object is no data; NULL: it is. */
static const char *object_lacks(JSValueConst value) {
  JSObject *object = JS_VALUE_GET_OBJ(value);
  JSClassID class = object->class_id;
  if (class >= JS_CLASS_ARRAY_BUFFER && class <= JS_CLASS_DATAVIEW)
    return bytes_lack(value, class);
  switch (class) {
  case JS_CLASS_ARRAY:
  case JS_CLASS_MODULE_NS:
  case JS_CLASS_DATE:
  case JS_CLASS_REGEXP:
  case JS_CLASS_MAP:
  case JS_CLASS_SET:
  case JS_CLASS_ERROR:
  case JS_CLASS_DOM_EXCEPTION:
  case JS_CLASS_NUMBER:
  case JS_CLASS_STRING:
  case JS_CLASS_BOOLEAN:
  case JS_CLASS_BIG_INT:
    return NULL;
  case JS_CLASS_PROXY:
    return "is a Proxy, not data";
  case JS_CLASS_PROMISE:
    return "is a promise; await it";
  default:
    break;
  }
  if (JS_IsFunction(torpor__ctx, value))
    return "is a function, which is not data";
  if (class == JS_CLASS_OBJECT && object_is_plain(object)) return NULL;
  return "is an object of a class, which is not data";
}

/* Whether Symbol.for gives this symbol. */
static bool symbol_is_registered(JSValueConst symbol) {
  const JSAtomStruct *atom = JS_VALUE_GET_PTR(symbol);
  return atom->atom_type == JS_ATOM_TYPE_GLOBAL_SYMBOL;
}

static bool value_is_data(JSValueConst value) {
  if (JS_IsObject(value)) return object_lacks(value) == NULL;
  return !JS_IsSymbol(value) || symbol_is_registered(value);
}

static bool is_live(const cbor_writer *w) {
  return w->flags & TORPOR_ABI_CBOR_LIVE;
}

static bool leaves_out(const cbor_writer *w) {
  return (w->flags & TORPOR_ABI_CBOR_LEAVE_OUT) && !is_live(w);
}

/* Whether a live value is undefined to the host. A proxy is refused, even if it
 * can be called. */
static bool value_is_hidden(JSValueConst value) {
  if (JS_IsObject(value))
    return JS_IsFunction(torpor__ctx, value) &&
           JS_GetClassID(value) != JS_CLASS_PROXY;
  return JS_IsSymbol(value) && !symbol_is_registered(value);
}

/* ---- Other objects -------------------------------------------------------*/

/* Whether a record is to be written. Of the keys that are undefined to the host
 * one is, as no key may occur twice. */
static bool record_counts(const cbor_writer *w, const JSMapRecord *record,
                          bool *had_undefined) {
  bool had = *had_undefined;
  if (leaves_out(w))
    return value_is_data(record->key) && value_is_data(record->value);
  if (!is_live(w) ||
      !(JS_IsUndefined(record->key) || value_is_hidden(record->key)))
    return true;
  *had_undefined = true;
  return !had;
}

/* The live records of a Map or Set as pairs of key and value, each with a
 * reference: getters may change the collection while it is written. */
static JSValue *records_copy(const cbor_writer *w, const JSMapState *state,
                             uint32_t *count) {
  bool had_undefined = false;
  struct list_head *link;
  JSValue *pairs =
      js_malloc(torpor__ctx, (state->record_count + 1) * 2 * sizeof(*pairs));
  *count = 0;
  if (pairs == NULL) return NULL;
  list_for_each(link, &state->records) {
    const JSMapRecord *record = list_entry(link, JSMapRecord, link);
    if (record->empty || *count == state->record_count) continue;
    if (!record_counts(w, record, &had_undefined)) continue;
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
      records_copy(w, JS_VALUE_GET_OBJ(collection)->u.map_state, &count);
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

/* ---- Buffers and views ---------------------------------------------------*/

static uint32_t view_tag(JSClassID class) {
  if (class == JS_CLASS_DATAVIEW) return CBOR_TAG_VIEW;
  return cbor_typed_tag[class - JS_CLASS_UINT8C_ARRAY];
}

/* The bytes that a buffer or view covers; none, where they are gone. Uint8Array
 * is a byte string without a tag: what hosts have most. */
static int write_covered(cbor_writer *w, JSValueConst value, JSClassID class) {
  uint32_t size = 0, tag = CBOR_TAG_BUFFER;
  uint8_t *data = NULL;
  if (!torpor__bytes(value, &data, &size)) size = 0;
  if (!class_is_buffer(class)) tag = view_tag(class);
  if (class != JS_CLASS_UINT8_ARRAY && write_head(w, CBOR_TAG, tag)) return -1;
  return write_blob(w, CBOR_BYTES, data, size);
}

/* A view of a part of a buffer, or of one that was met before. */
static int write_window(cbor_writer *w, JSValueConst value, JSValueConst buffer,
                        JSClassID class) {
  const uint8_t *start = JS_VALUE_GET_OBJ(buffer)->u.array_buffer->data;
  uint32_t size;
  uint8_t *data;
  int met;
  torpor__bytes(value, &data, &size);
  if (write_head(w, CBOR_TAG, CBOR_TAG_PART) || write_head(w, CBOR_ARRAY, 4) ||
      write_head(w, CBOR_UNSIGNED, view_tag(class)))
    return -1;
  met = object_meet(w, buffer);
  if (met < 0 || (met == 0 && write_covered(w, buffer, JS_CLASS_ARRAY_BUFFER)))
    return -1;
  return write_head(w, CBOR_UNSIGNED, (uint64_t)(data - start)) ||
                 write_head(w, CBOR_UNSIGNED, size)
             ? -1
             : 0;
}

static bool view_is_gone(JSValueConst value) {
  uint32_t size;
  uint8_t *data;
  return !torpor__bytes(value, &data, &size);
}

static bool view_is_whole(const JSObject *view) {
  const JSTypedArray *typed = view->u.typed_array;
  const JSArrayBuffer *buffer = typed->buffer->u.array_buffer;
  return typed->offset == 0 &&
         (typed->track_rab || typed->length == (uint32_t)buffer->byte_length);
}

/* Views of shared memory are copied: the memory itself is no data. */
static int write_buffer(cbor_writer *w, JSValueConst value, JSClassID class) {
  JSObject *view = JS_VALUE_GET_OBJ(value);
  JSValue buffer;
  int met = 1;
  if (class_is_buffer(class) || w->flags & TORPOR_ABI_CBOR_COPY_VIEWS ||
      view->u.typed_array->buffer->class_id != JS_CLASS_ARRAY_BUFFER ||
      view_is_gone(value))
    return write_covered(w, value, class);
  buffer = JS_MKPTR(JS_TAG_OBJECT, view->u.typed_array->buffer);
  if (view_is_whole(view)) met = buffer_meet(w, buffer);
  if (met < 0) return -1;
  return met ? write_window(w, value, buffer, class)
             : write_covered(w, value, class);
}

/* A Number, String, Boolean or BigInt object. */
static int write_boxed(cbor_writer *w, JSValueConst value,
                       const cbor_place *place) {
  return write_head(w, CBOR_TAG, CBOR_TAG_BOXED) ||
                 write_value(w, JS_VALUE_GET_OBJ(value)->u.object_data, place)
             ? -1
             : 0;
}

/* ---- Errors --------------------------------------------------------------*/

/* A field of an error; undefined when it is not to be written. */
static JSValue error_field_get(const cbor_writer *w, JSValueConst error,
                               const char *name) {
  JSValue field = JS_GetPropertyStr(torpor__ctx, error, name);
  if (JS_IsException(field)) return field;
  if (is_live(w) ? !value_is_hidden(field)
                 : !leaves_out(w) || value_is_data(field))
    return field;
  JS_FreeValue(torpor__ctx, field);
  return JS_UNDEFINED;
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
    fields[i] =
        status || legacy ? JS_UNDEFINED : error_field_get(w, error, names[i]);
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

/* ---- Values --------------------------------------------------------------*/

static int write_plain_object(cbor_writer *w, JSValueConst value,
                              const cbor_place *place) {
  JSShape *shape = JS_VALUE_GET_OBJ(value)->shape;
  if (leaves_out(w)) return write_data_of(w, value, place);
  if (form_of(w, shape)->shape == shape || shape_is_plain(shape))
    return write_plain(w, value, place);
  return write_object(w, value, place);
}

/* A promise, as a handle of its own. */
static int write_handle(cbor_writer *w, JSValueConst value) {
  cbor_handles *kept = w->handles;
  uint64_t bits;
  if (js_resize_array(torpor__ctx, (void **)&kept->bits, sizeof(kept->bits[0]),
                      &kept->capacity, kept->count + 1))
    return -1;
  if (!handle_add(&retained, js_dup(value), &bits)) {
    JS_ThrowOutOfMemory(torpor__ctx);
    return -1;
  }
  kept->bits[kept->count++] = bits;
  return write_head(w, CBOR_TAG, CBOR_TAG_HANDLE) ||
                 write_head(w, CBOR_UNSIGNED, bits & HANDLE_BITS)
             ? -1
             : 0;
}

/* What has no form as data, for a host: what there is to see of it. */
static int write_live(cbor_writer *w, JSValueConst value, JSClassID class,
                      const cbor_place *place) {
  if (class == JS_CLASS_PROMISE) return write_handle(w, value);
  if (class == JS_CLASS_OBJECT) return write_plain_object(w, value, place);
  if (class_is_buffer(class) || class_is_view(class))
    return write_buffer(w, value, class);
  return write_object(w, value, place);
}

static int write_class(cbor_writer *w, JSValueConst value,
                       const cbor_place *place) {
  const JSObject *object = JS_VALUE_GET_OBJ(value);
  JSClassID class = object->class_id;
  const char *lack;
  if (class == JS_CLASS_OBJECT && object_is_plain(object))
    return write_plain_object(w, value, place);
  if (class == JS_CLASS_ARRAY) return write_array(w, value, place);
  lack = object_lacks(value);
  if (lack && is_live(w) && class != JS_CLASS_PROXY)
    return write_live(w, value, class, place);
  if (lack) return write_refuse(place, lack);
  switch (class) {
  case JS_CLASS_MODULE_NS:
    return write_plain_object(w, value, place);
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
  case JS_CLASS_NUMBER:
  case JS_CLASS_STRING:
  case JS_CLASS_BOOLEAN:
  case JS_CLASS_BIG_INT:
    return write_boxed(w, value, place);
  default:
    return write_buffer(w, value, class);
  }
}

static int write_symbol(cbor_writer *w, JSValueConst value,
                        const cbor_place *place) {
  JSValue key;
  int status;
  if (!symbol_is_registered(value)) {
    if (leaves_out(w) || is_live(w)) return write_simple(w, CBOR_UNDEFINED);
    return write_refuse(place, "is a symbol, which is not data");
  }
  key = js_symbol_keyFor(torpor__ctx, JS_UNDEFINED, 1, &value);
  status = write_head(w, CBOR_TAG, CBOR_TAG_SYMBOL) || write_text(w, key);
  JS_FreeValue(torpor__ctx, key);
  return status ? -1 : 0;
}

static int write_reference_type(cbor_writer *w, JSValueConst value,
                                const cbor_place *place) {
  int status;
  if (is_live(w) ? value_is_hidden(value)
                 : leaves_out(w) && object_lacks(value))
    return write_simple(w, CBOR_UNDEFINED);
  if (!write_fits(w, 1)) return write_too_large();
  status = object_meet(w, value);
  if (status) return status < 0 ? -1 : 0;
  if (w->depth == CBOR_DEPTH)
    return write_refuse_by(JS_ThrowRangeError, place, "is nested too deeply");
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
    return write_symbol(w, value, place);
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
        status =
            bytes_move(to, &w->out, &at, w->seen[seen].at) ||
            write_head(to, CBOR_TAG,
                       w->seen[seen].whole ? CBOR_TAG_WHOLE : CBOR_TAG_SHARED);
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

/* Encodes 'value', by TORPOR_ABI_CBOR_, into 'out', which the caller frees with
 * dbuf_free whether or not it went well. 'handles', for LIVE, gets those that
 * were made, also when it failed. Not 0: thrown. */
static int cbor_write(JSValueConst value, uint32_t flags, cbor_handles *handles,
                      DynBuf *out) {
  cbor_writer w = {.flags = flags, .handles = handles}, merged = {0};
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
  if (status == 0 && out->size > TORPOR_DATA_LARGEST) return write_too_large();
  return status;
}

/* The same without LIVE. */
static int torpor__cbor_write(JSValueConst value, uint32_t flags, DynBuf *out) {
  return cbor_write(value, flags & ~(uint32_t)TORPOR_ABI_CBOR_LIVE, NULL, out);
}

/* The host gets the handles, or there are none. */
static void handles_end(cbor_handles *handles, bool given) {
  while (!given && handles->count > 0)
    handle_drop(handles->bits[--handles->count]);
  js_free(torpor__ctx, handles->bits);
}

static torpor_status cbor_encode(uint64_t bits, uint32_t flags) {
  JSValue value;
  DynBuf out;
  cbor_handles handles = {0};
  uint8_t *place;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  js_dup(value);
  if (cbor_write(value, flags, &handles, &out)) {
    status = torpor__thrown();
  } else if ((place = torpor__text_place(out.size)) == NULL) {
    status = TORPOR_LIMIT;
  } else {
    memcpy(place, out.buf, out.size);
  }
  handles_end(&handles, status == TORPOR_OK && !torpor__is_in_vain());
  dbuf_free(&out);
  JS_FreeValue(torpor__ctx, value);
  return status;
}

EXPORT(torpor_cbor_encode)
torpor_status export_cbor_encode(uint64_t bits) {
  torpor__enter();
  return torpor__leave_text(cbor_encode(bits, 0));
}

EXPORT(torpor_cbor_encode_with)
torpor_status export_cbor_encode_with(uint64_t bits, uint32_t flags) {
  torpor__enter();
  return torpor__leave_text(cbor_encode(bits, flags));
}
