/* SPDX-License-Identifier: MIT */
/* cbor-read-tags.c - CBOR to values: what tags say, and the way in.
 *
 * See cbor-read.c. What an item within an item takes of the stack decides how
 * deep data may be: functions of one tag alone stay out of that frame. */

#define OFF_STACK __attribute__((noinline))

/* ---- Tagged values -------------------------------------------------------*/

OFF_STACK static JSValue read_date(cbor_reader *r) {
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

OFF_STACK static JSValue read_symbol(cbor_reader *r) {
  JSValue key = read_string(r), symbol;
  if (JS_IsException(key)) return key;
  symbol = js_symbol_for(torpor__ctx, JS_UNDEFINED, 1, vc(&key));
  JS_FreeValue(torpor__ctx, key);
  return symbol;
}

/* A Number, String, Boolean or BigInt object. */
OFF_STACK static JSValue read_boxed(cbor_reader *r) {
  uint32_t at = r->at;
  JSValue value = read_value(r), object;
  if (JS_IsException(value)) return value;
  if (JS_IsObject(value) || JS_IsSymbol(value) || JS_IsNull(value) ||
      JS_IsUndefined(value))
    object = read_refuse(at, "an object of what is no primitive");
  else
    object = JS_ToObject(torpor__ctx, value);
  JS_FreeValue(torpor__ctx, value);
  return object;
}

OFF_STACK static JSValue read_regexp(cbor_reader *r) {
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

/* ---- Views ---------------------------------------------------------------*/

/* The kind of typed array that has this tag, or -1. */
static int typed_kind(uint64_t tag) {
  for (int i = 0; i < JS_TYPED_ARRAY_COUNT; i++)
    if (cbor_typed_tag[i] == tag) return i;
  return -1;
}

/* A view of a buffer, whose reference it takes: 'kind' of typed array, or -1:
 * DataView. 'part' is NULL or has offset and size. */
static JSValue view_new(JSValue buffer, int kind, const uint32_t *part,
                        uint32_t at) {
  int shift = kind < 0 ? 0 : typed_array_size_log2[kind];
  uint32_t all =
      (uint32_t)JS_VALUE_GET_OBJ(buffer)->u.array_buffer->byte_length;
  uint32_t offset = part ? part[0] : 0, size = part ? part[1] : all;
  JSValue args[3] = {buffer, js_uint32(offset), js_uint32(size >> shift)};
  JSValue view;
  if ((offset | size) & ((1u << shift) - 1))
    view = read_refuse(at, "a typed array of half an element");
  else if (offset > all || size > all - offset)
    view = read_refuse(at, "a view that is not within its buffer");
  else if (kind < 0)
    view = js_dataview_constructor(torpor__ctx, JS_UNDEFINED, 3, vc(args));
  else
    view = js_typed_array_constructor(torpor__ctx, JS_UNDEFINED, 3, vc(args),
                                      JS_CLASS_UINT8C_ARRAY + kind);
  JS_FreeValue(torpor__ctx, buffer);
  return view;
}

/* A view of all of a new buffer. */
OFF_STACK static JSValue read_view(cbor_reader *r, int kind) {
  uint32_t at = r->at;
  JSValue buffer = read_buffer(r);
  if (JS_IsException(buffer)) return buffer;
  return view_new(buffer, kind, NULL, at);
}

/* What view a tag says: a kind of typed array, or -1 for a DataView. */
static bool view_kind(const cbor_head *head, int *kind) {
  *kind = typed_kind(head->number);
  return *kind >= 0 || head->number == CBOR_TAG_VIEW;
}

/* A view of a whole buffer, which has a number for the references to it. */
OFF_STACK static JSValue read_whole(cbor_reader *r) {
  int number = r->shared_count, kind = JS_TYPED_ARRAY_UINT8;
  cbor_head head;
  JSValue view;
  if (!share_add(r) || !read_head(r, &head)) return JS_EXCEPTION;
  if (head.major == CBOR_BYTES)
    r->at = head.at;
  else if (head.major != CBOR_TAG || !view_kind(&head, &kind))
    return read_refuse(head.at, "a buffer of what is no view");
  view = read_view(r, kind);
  if (!JS_IsException(view))
    r->shared[number] = js_dup(
        JS_MKPTR(JS_TAG_OBJECT, JS_VALUE_GET_OBJ(view)->u.typed_array->buffer));
  return view;
}

static int read_unsigned(cbor_reader *r, uint32_t *number) {
  cbor_head head;
  if (!read_head(r, &head)) return -1;
  if (head.major != CBOR_UNSIGNED || head.number > UINT32_MAX) {
    read_refuse(head.at, "a number is expected, and something else is there");
    return -1;
  }
  *number = (uint32_t)head.number;
  return 0;
}

/* A buffer that may be shared, or a reference to one. */
static JSValue read_any_buffer(cbor_reader *r) {
  uint32_t at = r->at;
  JSValue buffer = read_value(r);
  if (JS_IsException(buffer) || JS_GetClassID(buffer) == JS_CLASS_ARRAY_BUFFER)
    return buffer;
  JS_FreeValue(torpor__ctx, buffer);
  return read_refuse(at, "a view of what is no buffer");
}

/* A view of a part of a buffer: [tag of the view, buffer, offset, size]. A view
 * that is shared gets its number when it is there. */
OFF_STACK static JSValue read_part(cbor_reader *r) {
  cbor_head head, tag;
  uint32_t part[2];
  int kind;
  JSValue buffer;
  r->share = CBOR_NOT_SHARED;
  if (!read_head(r, &head)) return JS_EXCEPTION;
  if (head.major != CBOR_ARRAY || head.number != 4)
    return read_refuse(head.at,
                       "a view that is not [tag, buffer, offset, size]");
  if (!read_head(r, &tag)) return JS_EXCEPTION;
  if (tag.major != CBOR_UNSIGNED || !view_kind(&tag, &kind))
    return read_refuse(tag.at, "an unknown kind of view");
  buffer = read_any_buffer(r);
  if (JS_IsException(buffer)) return buffer;
  if (read_unsigned(r, &part[0]) || read_unsigned(r, &part[1])) {
    JS_FreeValue(torpor__ctx, buffer);
    return JS_EXCEPTION;
  }
  return view_new(buffer, kind, part, head.at);
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

OFF_STACK static JSValue read_error(cbor_reader *r) {
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

OFF_STACK static JSValue read_shared(cbor_reader *r) {
  int number = r->shared_count;
  JSValue value;
  if (!share_add(r)) return JS_EXCEPTION;
  r->share = number;
  value = read_value(r);
  r->share = CBOR_NOT_SHARED;
  if (!JS_IsException(value) && JS_IsUninitialized(r->shared[number]))
    r->shared[number] = js_dup(value);
  return value;
}

OFF_STACK static JSValue read_reference(cbor_reader *r) {
  cbor_head head;
  if (!read_head(r, &head)) return JS_EXCEPTION;
  if (head.major != CBOR_UNSIGNED || head.number >= (uint64_t)r->shared_count ||
      JS_IsUninitialized(r->shared[head.number]))
    return read_refuse(head.at, "a reference to what is not there");
  return js_dup(r->shared[head.number]);
}

/* ---- Live values ---------------------------------------------------------*/

/* What a handle stands for; strings are flat here, as all that are read. */
OFF_STACK static JSValue read_handle(cbor_reader *r) {
  cbor_head head;
  const handle *found;
  JSString *flat;
  if (!read_head(r, &head)) return JS_EXCEPTION;
  if (head.major != CBOR_UNSIGNED || head.number > HANDLE_BITS)
    return read_refuse(head.at, "a handle that is none");
  found = handle_find_any(head.number);
  r->stale = found == NULL;
  if (found == NULL) return read_refuse(head.at, "a handle that has ended");
  if (JS_VALUE_GET_TAG(found->value) != JS_TAG_STRING_ROPE)
    return js_dup(found->value);
  flat = torpor__flat(found->value);
  return flat ? JS_MKPTR(JS_TAG_STRING, flat) : JS_EXCEPTION;
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
  case CBOR_TAG_WTF8:
    r->at = head->at;
    return read_string(r);
  case CBOR_TAG_SYMBOL:
    return read_symbol(r);
  case CBOR_TAG_BOXED:
    return read_boxed(r);
  case CBOR_TAG_HOLE:
    return read_refuse(head->at, "a hole where no array is");
  case CBOR_TAG_WHOLE:
    return read_whole(r);
  case CBOR_TAG_PART:
    return read_part(r);
  case CBOR_TAG_BUFFER:
    return read_buffer(r);
  case CBOR_TAG_VIEW:
    return read_view(r, -1);
  case CBOR_TAG_ERROR:
    return read_error(r);
  case CBOR_TAG_HANDLE:
    if (r->live) return read_handle(r);
    break;
  }
  return read_refuse(head->at, "an unknown tag");
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
  if (torpor__stack_spent()) return JS_ThrowStackOverflow(torpor__ctx);
  r->depth++;
  value = read_item(r);
  r->depth--;
  return value;
}

/* Reads one value, which all of the data has to be. */
static JSValue read_all(cbor_reader *r) {
  cbor_form forms[CBOR_FORM_KEYS] = {0};
  JSValue value;
  r->share = CBOR_NOT_SHARED;
  r->forms = forms;
  value = read_value(r);
  forms_end(forms, CBOR_FORM_KEYS);
  for (int i = 0; i < r->shared_count; i++)
    JS_FreeValue(torpor__ctx, r->shared[i]);
  js_free(torpor__ctx, r->shared);
  if (!JS_IsException(value) && r->at != r->size) {
    JS_FreeValue(torpor__ctx, value);
    return read_refuse(r->at, "more data than one value");
  }
  return value;
}

/* The value of 'size' bytes of CBOR. */
static JSValue torpor__cbor_read(const uint8_t *data, uint32_t size) {
  cbor_reader r = {.data = data, .size = size};
  return read_all(&r);
}

EXPORT(torpor_cbor_decode)
torpor_status export_cbor_decode(const uint8_t *data, uint32_t size) {
  torpor__enter();
  return torpor__leave(torpor__give(torpor__cbor_read(data, size)));
}

static torpor_status decode_with(const uint8_t *data, uint32_t size,
                                 uint32_t flags) {
  cbor_reader r = {
      .data = data, .size = size, .live = (flags & TORPOR_ABI_CBOR_LIVE) != 0};
  JSValue value = read_all(&r);
  if (!r.stale) return torpor__give(value);
  torpor__exception_drop();
  return TORPOR_STALE;
}

EXPORT(torpor_cbor_decode_with)
torpor_status export_cbor_decode_with(const uint8_t *data, uint32_t size,
                                      uint32_t flags) {
  torpor__enter();
  return torpor__leave(decode_with(data, size, flags));
}
