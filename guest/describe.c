/* SPDX-License-Identifier: MIT */
/* describe.c - any value in one line, for people to read.
 *
 * Looks like what the console prints (js/inspect.js), but is written in C: no
 * code runs, not even the library's, so it needs no fuel and cannot be
 * interrupted. Getters are named, not called; proxies are not looked into. All
 * of it is bounded: depth, entries, characters, and the line. */

enum {
  DESCRIBE_DEPTH = 3,    /* of objects in objects */
  DESCRIBE_ENTRIES = 20, /* of one object */
  DESCRIBE_TEXT = 1000,  /* characters of one string */
  DESCRIBE_LINE = 4000,  /* of all; what begins before is finished */
  DESCRIBE_LIMBS = 64,   /* of a BigInt whose digits are shown */
  DESCRIBE_CHAIN = 100,  /* prototypes that are looked at */
  DESCRIBE_NEAR = 100,   /* holes of an array that are tried one by one */
  DESCRIBE_FAR = 4,      /* longer gaps that are shown, and one more */
};

typedef struct description {
  StringBuffer text;
  const JSObject *open[DESCRIBE_DEPTH];
  int depth;
} description;

static void describe(description *to, JSValueConst value);

static void put(description *to, const char *text) {
  string_buffer_puts8(&to->text, text);
}

static void put_count(description *to, const char *before, uint32_t count,
                      const char *behind) {
  char digits[16];
  put(to, before);
  string_buffer_write8(&to->text, (const uint8_t *)digits,
                       (int)u32toa(digits, count));
  put(to, behind);
}

/* Takes the reference; what could not be made is left out. */
static void put_value(description *to, JSValue text) {
  if (JS_IsString(text))
    string_buffer_concat_value(&to->text, text);
  else if (JS_IsException(text))
    torpor__exception_drop();
  JS_FreeValue(torpor__ctx, text);
}

static bool is_full(const description *to) {
  return to->text.error_status || to->text.len > DESCRIBE_LINE;
}

/* ---- Strings and keys ----------------------------------------------------*/

static void put_escaped(description *to, uint32_t unit, uint32_t mark) {
  static const char hex[] = "0123456789abcdef";
  if (unit == mark || unit == '\\') {
    string_buffer_putc8(&to->text, '\\');
    string_buffer_putc8(&to->text, unit);
  } else if (unit == '\n') {
    put(to, "\\n");
  } else if (unit == '\t') {
    put(to, "\\t");
  } else if (unit == '\r') {
    put(to, "\\r");
  } else {
    put(to, "\\u");
    for (int shift = 12; shift >= 0; shift -= 4)
      string_buffer_putc8(&to->text, (uint8_t)hex[unit >> shift & 15]);
  }
}

/* In single quotes, or double ones if that saves escapes. */
static void put_quoted(description *to, JSString *string) {
  uint32_t size = string->len < DESCRIBE_TEXT ? string->len : DESCRIBE_TEXT;
  uint32_t singles = 0, doubles = 0, mark;
  for (uint32_t i = 0; i < size; i++) {
    singles += string_get(string, (int)i) == '\'';
    doubles += string_get(string, (int)i) == '"';
  }
  mark = singles && !doubles ? '"' : '\'';
  string_buffer_putc8(&to->text, mark);
  for (uint32_t i = 0; i < size; i++) {
    uint32_t unit = (uint32_t)string_get(string, (int)i);
    bool pair = is_hi_surrogate(unit) && i + 1 < string->len &&
                is_lo_surrogate((uint32_t)string_get(string, (int)i + 1));
    if (pair) {
      string_buffer_putc16(&to->text, unit);
      string_buffer_putc16(&to->text, (uint32_t)string_get(string, (int)++i));
    } else if (unit < 0x20 || unit == 0x7f || unit == '\\' || unit == mark ||
               unit == 0x2028 || unit == 0x2029 || is_surrogate(unit)) {
      put_escaped(to, unit, mark);
    } else {
      string_buffer_putc16(&to->text, unit);
    }
  }
  string_buffer_putc8(&to->text, mark);
  if (size < string->len) put_count(to, "... ", string->len - size, " more");
}

static void describe_string(description *to, JSValueConst value) {
  JSString *string = torpor__flat(value);
  if (string == NULL) {
    torpor__exception_drop();
    return;
  }
  put_quoted(to, string);
  js_free_string(torpor__rt, string);
}

static bool is_name(JSString *text) {
  for (uint32_t i = 0; i < text->len; i++) {
    int unit = string_get(text, (int)i);
    bool letter = (unit | 32) >= 'a' && (unit | 32) <= 'z';
    bool digit = unit >= '0' && unit <= '9' && i > 0;
    if (!letter && !digit && unit != '_' && unit != '$') return false;
  }
  return text->len > 0;
}

static void describe_key(description *to, JSAtom key) {
  JSValue value = JS_AtomToValue(torpor__ctx, key);
  if (JS_IsException(value)) {
    torpor__exception_drop();
  } else if (JS_IsSymbol(value)) {
    put(to, "[");
    put_value(to, js_symbol_toString(torpor__ctx, value, 0, NULL));
    put(to, "]");
  } else {
    JSValue text = JS_AtomToString(torpor__ctx, key);
    if (JS_IsString(text) && is_name(JS_VALUE_GET_STRING(text)))
      string_buffer_concat_value(&to->text, text);
    else if (JS_IsString(text))
      describe_string(to, text);
    else
      torpor__exception_drop();
    JS_FreeValue(torpor__ctx, text);
  }
  JS_FreeValue(torpor__ctx, value);
}

/* ---- Names ---------------------------------------------------------------*/

/* The name of the class that made 'object', as its prototypes say; NULL. */
static JSString *made_by(JSObject *object) {
  for (int i = 0; object && i < DESCRIBE_CHAIN; i++) {
    JSValueConst maker;
    if (object->class_id == JS_CLASS_PROXY) return NULL;
    maker =
        torpor__own_data(JS_MKPTR(JS_TAG_OBJECT, object), JS_ATOM_constructor);
    if (JS_IsObject(maker)) {
      JSValueConst name = torpor__own_data(maker, JS_ATOM_name);
      if (JS_VALUE_GET_TAG(name) == JS_TAG_STRING &&
          JS_VALUE_GET_STRING(name)->len > 0)
        return JS_VALUE_GET_STRING(name);
    }
    object = object->shape->proto;
  }
  return NULL;
}

static void put_string(description *to, JSString *string) {
  uint32_t size = string->len < DESCRIBE_TEXT ? string->len : DESCRIBE_TEXT;
  string_buffer_concat(&to->text, string, 0, size);
}

static void put_class(description *to, const JSObject *object) {
  put_value(to, JS_AtomToString(
                    torpor__ctx,
                    torpor__rt->class_array[object->class_id].class_name));
}

/* The name before the brace. */
static void put_made_by(description *to, JSObject *object) {
  JSString *name = made_by(object);
  if (name) {
    put_string(to, name);
    return;
  }
  put(to, "[");
  put_class(to, object);
  put(to, ": null prototype]");
}

static bool is_named(JSObject *object, const char *text) {
  JSString *name = made_by(object);
  return name && !name->is_wide_char && name->len == strlen(text) &&
         memcmp(str8(name), text, name->len) == 0;
}

static bool is_class(const JSObject *object) {
  const JSFunctionBytecode *code;
  if (object->class_id != JS_CLASS_BYTECODE_FUNCTION) return false;
  code = object->u.func.function_bytecode;
  return code->source && code->source_len > 5 &&
         memcmp(code->source, "class", 5) == 0;
}

static void describe_function(description *to, JSObject *object) {
  JSValueConst name =
      torpor__own_data(JS_MKPTR(JS_TAG_OBJECT, object), JS_ATOM_name);
  bool named = JS_VALUE_GET_TAG(name) == JS_TAG_STRING &&
               JS_VALUE_GET_STRING(name)->len > 0;
  put(to, "[");
  if (is_class(object))
    put(to, "class");
  else if (torpor__brand(JS_MKPTR(JS_TAG_OBJECT, object)) ==
           TORPOR_BRAND_FUNCTION)
    put(to, "Function");
  else
    put_class(to, object);
  put(to, !named ? " (anonymous)" : is_class(object) ? " " : ": ");
  if (named) put_string(to, JS_VALUE_GET_STRING(name));
  put(to, "]");
}

/* "[TypeError: message]"; line breaks become spaces. */
static void describe_error(description *to, JSValueConst value) {
  JSString *texts[ERROR_TEXTS] = {0};
  error_look_texts(value, texts);
  put(to, "[");
  if (texts[0]) put_string(to, texts[0]);
  if (texts[0] && texts[1] && texts[1]->len > 0) put(to, ": ");
  for (uint32_t i = 0; texts[1] && i < texts[1]->len && i < DESCRIBE_TEXT;
       i++) {
    uint32_t unit = (uint32_t)string_get(texts[1], (int)i);
    string_buffer_putc16(&to->text, unit < 0x20 ? ' ' : unit);
  }
  put(to, "]");
  for (int i = 0; i < ERROR_TEXTS; i++)
    if (texts[i]) js_free_string(torpor__rt, texts[i]);
}

/* ---- Entries -------------------------------------------------------------*/

/* Puts what stands before entry number 'index'; false: no more are shown. */
static bool begin_entry(description *to, uint32_t index) {
  if (index >= DESCRIBE_ENTRIES || is_full(to)) return false;
  put(to, index == 0 ? " " : ", ");
  return true;
}

static void put_rest(description *to, uint32_t shown, uint32_t count) {
  if (shown >= count) return;
  put_count(to, shown == 0 ? " ... " : ", ... ", count - shown, " more");
}

static void describe_property(description *to, JSObject *object, JSAtom key) {
  JSPropertyDescriptor property;
  int found = JS_GetOwnPropertyInternal(torpor__ctx, &property, object, key);
  if (found <= 0) {
    if (found < 0) torpor__exception_drop();
    put(to, "<uninitialized>");
    return;
  }
  if (!(property.flags & JS_PROP_GETSET))
    describe(to, property.value);
  else if (JS_IsUndefined(property.setter))
    put(to, "[Getter]");
  else
    put(to, JS_IsUndefined(property.getter) ? "[Setter]" : "[Getter/Setter]");
  js_free_desc(torpor__ctx, &property);
}

/* What was shown before: indexes; message and stack of an error; all that
 * torpor_error has of it. */
enum shown_before { SHOWN_NONE, SHOWN_INDEXES, SHOWN_TEXTS, SHOWN_PARTS };

static bool is_shown_before(JSAtom key, enum shown_before what) {
  uint32_t index;
  if (what == SHOWN_INDEXES)
    return JS_AtomIsArrayIndex(torpor__ctx, &index, key);
  if (what == SHOWN_PARTS && (key == JS_ATOM_cause || key == JS_ATOM_errors))
    return true;
  return what >= SHOWN_TEXTS &&
         (key == JS_ATOM_message || key == JS_ATOM_stack);
}

/* Own enumerable properties behind the 'shown' entries before. */
static void describe_properties(description *to, JSObject *object,
                                uint32_t shown, enum shown_before before) {
  const int flags = JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK | JS_GPN_ENUM_ONLY;
  JSPropertyEnum *keys;
  uint32_t count, rest = 0;
  if (JS_GetOwnPropertyNamesInternal(torpor__ctx, &keys, &count, object,
                                     flags) < 0) {
    torpor__exception_drop();
    return;
  }
  for (uint32_t i = 0; i < count; i++) {
    if (is_shown_before(keys[i].atom, before)) continue;
    if (rest > 0 || !begin_entry(to, shown)) {
      rest++;
      continue;
    }
    describe_key(to, keys[i].atom);
    put(to, ": ");
    describe_property(to, object, keys[i].atom);
    shown++;
  }
  put_rest(to, shown, shown + rest);
  js_free_prop_enum(torpor__ctx, keys, count);
}

static bool has_index(JSObject *array, uint32_t index) {
  JSAtom key = JS_NewAtomUInt32(torpor__ctx, index);
  bool has = key != JS_ATOM_NULL &&
             JS_GetOwnPropertyInternal(torpor__ctx, NULL, array, key) > 0;
  if (key == JS_ATOM_NULL) torpor__exception_drop();
  JS_FreeAtom(torpor__ctx, key);
  return has;
}

/* The first index from 'index' on that an array has, else its length. What is
 * near is tried; what is far is looked for among all properties. */
static uint32_t next_index(JSObject *array, uint32_t index, uint32_t length) {
  const JSShapeProperty *property = get_shape_prop(array->shape);
  uint32_t next = length, near = index, found;
  for (; near < length && near - index < DESCRIBE_NEAR; near++)
    if (has_index(array, near)) return near;
  for (int i = 0; i < array->shape->prop_count; i++, property++)
    if (property->atom != JS_ATOM_NULL &&
        JS_AtomIsArrayIndex(torpor__ctx, &found, property->atom) &&
        found >= index && found < next)
      next = found;
  return next;
}

/* The elements of an array; gives how many entries were put. */
static uint32_t describe_elements(description *to, JSObject *array,
                                  uint32_t length) {
  uint32_t index = 0, shown = 0, far = 0;
  for (; index < length && far <= DESCRIBE_FAR; shown++) {
    if (!begin_entry(to, shown)) break;
    uint32_t next = next_index(array, index, length);
    if (next - index >= DESCRIBE_NEAR) far++;
    if (next > index) {
      put_count(to, "<", next - index,
                next - index == 1 ? " empty item>" : " empty items>");
      index = next;
    } else {
      JSAtom key = JS_NewAtomUInt32(torpor__ctx, index);
      if (key == JS_ATOM_NULL) {
        torpor__exception_drop();
        return shown;
      }
      describe_property(to, array, key);
      JS_FreeAtom(torpor__ctx, key);
      index++;
    }
  }
  put_rest(to, shown, shown + (length - index));
  return index < length ? DESCRIBE_ENTRIES : shown;
}

static uint32_t describe_records(description *to, const JSMapState *map,
                                 bool is_map) {
  struct list_head *link;
  uint32_t shown = 0;
  list_for_each(link, &map->records) {
    const JSMapRecord *record = list_entry(link, JSMapRecord, link);
    if (record->empty) continue;
    if (!begin_entry(to, shown)) break;
    describe(to, record->key);
    if (is_map) {
      put(to, " => ");
      describe(to, record->value);
    }
    shown++;
  }
  put_rest(to, shown, map->record_count);
  return shown;
}

static uint32_t describe_view(description *to, JSObject *view) {
  uint32_t count = view->u.array.count, shown = 0;
  while (shown < count && begin_entry(to, shown)) {
    JSValue item =
        JS_GetPropertyUint32(torpor__ctx, JS_MKPTR(JS_TAG_OBJECT, view), shown);
    if (JS_IsException(item)) torpor__exception_drop();
    describe(to, item);
    JS_FreeValue(torpor__ctx, item);
    shown++;
  }
  put_rest(to, shown, count);
  return shown;
}

static uint32_t describe_promise(description *to, JSValueConst promise) {
  const JSPromiseData *data = JS_GetOpaque(promise, JS_CLASS_PROMISE);
  begin_entry(to, 0);
  if (data->promise_state == JS_PROMISE_PENDING) {
    put(to, "<pending>");
    return 1;
  }
  if (data->promise_state == JS_PROMISE_REJECTED) put(to, "<rejected> ");
  describe(to, data->promise_result);
  return 1;
}

/* ---- Objects -------------------------------------------------------------*/

static JSValue torpor__regexp_flags(const JSObject *regexp) {
  static const struct {
    int flag;
    char letter;
  } all[] = {
      {LRE_FLAG_INDICES, 'd'},      {LRE_FLAG_GLOBAL, 'g'},
      {LRE_FLAG_IGNORECASE, 'i'},   {LRE_FLAG_MULTILINE, 'm'},
      {LRE_FLAG_DOTALL, 's'},       {LRE_FLAG_UNICODE, 'u'},
      {LRE_FLAG_UNICODE_SETS, 'v'}, {LRE_FLAG_STICKY, 'y'},
  };
  int flags = lre_get_flags(str8(regexp->u.regexp.bytecode));
  char text[countof(all)];
  size_t size = 0;
  for (size_t i = 0; i < countof(all); i++)
    if (flags & all[i].flag) text[size++] = all[i].letter;
  return JS_NewStringLen(torpor__ctx, text, size);
}

/* What has a text of its own instead of entries; false: none. */
static bool describe_as_text(description *to, JSValueConst value) {
  JSContext *ctx = torpor__ctx;
  JSObject *object = JS_VALUE_GET_OBJ(value);
  switch (torpor__brand(value)) {
  case TORPOR_BRAND_PROXY:
    put(to, JS_IsFunction(ctx, value) ? "[Proxy of a function]" : "[Proxy]");
    return true;
  case TORPOR_BRAND_ERROR:
    describe_error(to, value);
    return true;
  case TORPOR_BRAND_DATE:
    if (JS_VALUE_IS_NAN(object->u.object_data))
      put(to, "Invalid Date");
    else
      put_value(to, get_date_string(ctx, value, 0, NULL, 0x23));
    return true;
  case TORPOR_BRAND_REGEXP:
    put(to, "/");
    put_value(to, js_regexp_get_source(ctx, value));
    put(to, "/");
    put_value(to, torpor__regexp_flags(object));
    return true;
  case TORPOR_BRAND_NUMBER_OBJECT:
  case TORPOR_BRAND_STRING_OBJECT:
  case TORPOR_BRAND_BOOLEAN_OBJECT:
  case TORPOR_BRAND_SYMBOL_OBJECT:
  case TORPOR_BRAND_BIGINT_OBJECT:
    put(to, "[");
    put_class(to, object);
    put(to, ": ");
    describe(to, object->u.object_data);
    put(to, "]");
    return true;
  default:
    if (!JS_IsFunction(ctx, value)) return false;
    describe_function(to, object);
    return true;
  }
}

/* The entries that are no properties; gives how many were put. */
static uint32_t describe_entries(description *to, JSValueConst value) {
  JSObject *object = JS_VALUE_GET_OBJ(value);
  torpor_brand brand = torpor__brand(value);
  uint32_t length = 0;
  switch (brand) {
  case TORPOR_BRAND_ARRAY:
    JS_ToUint32(torpor__ctx, &length, object->prop[0].u.value);
    return describe_elements(to, object, length);
  case TORPOR_BRAND_MAP:
  case TORPOR_BRAND_SET:
    return describe_records(to, object->u.map_state, brand == TORPOR_BRAND_MAP);
  case TORPOR_BRAND_WEAK_MAP:
  case TORPOR_BRAND_WEAK_SET:
    begin_entry(to, 0);
    put(to, "<items unknown>");
    return 1;
  case TORPOR_BRAND_PROMISE:
    return describe_promise(to, value);
  case TORPOR_BRAND_ARRAY_BUFFER:
  case TORPOR_BRAND_SHARED_ARRAY_BUFFER:
    begin_entry(to, 0);
    put_count(to, "byteLength: ", (uint32_t)object->u.array_buffer->byte_length,
              "");
    return 1;
  default:
    return torpor_brand_is_typed_array(brand) ? describe_view(to, object) : 0;
  }
}

/* What stands before the brace. */
static void describe_prefix(description *to, JSValueConst value) {
  JSObject *object = JS_VALUE_GET_OBJ(value);
  torpor_brand brand = torpor__brand(value);
  if (brand == TORPOR_BRAND_ARRAY && is_named(object, "Array")) return;
  if (brand == TORPOR_BRAND_OBJECT && is_named(object, "Object")) return;
  put_made_by(to, object);
  if (brand == TORPOR_BRAND_MAP || brand == TORPOR_BRAND_SET)
    put_count(to, "(", object->u.map_state->record_count, ")");
  else if (torpor_brand_is_typed_array(brand))
    put_count(to, "(", object->u.array.count, ")");
  else if (brand != TORPOR_BRAND_OBJECT && is_named(object, "Object")) {
    put(to, " [");
    put_class(to, object);
    put(to, "]");
  }
  put(to, " ");
}

static bool is_open(const description *to, const JSObject *object) {
  for (int i = 0; i < to->depth; i++)
    if (to->open[i] == object) return true;
  return false;
}

/* The properties of an error that are not enumerable; gives how many were put.
 */
static uint32_t describe_hidden(description *to, JSObject *error,
                                enum shown_before before) {
  static const char *const all[] = {"[cause]", "[errors]", "[error]",
                                    "[suppressed]", "code"};
  uint32_t shown = 0;
  for (size_t i = 0; i < countof(all); i++) {
    size_t mark = all[i][0] == '[';
    JSAtom key =
        JS_NewAtomLen(torpor__ctx, all[i] + mark, strlen(all[i]) - 2 * mark);
    const JSShapeProperty *found;
    if (key == JS_ATOM_NULL) {
      torpor__exception_drop();
      continue;
    }
    found = find_own_property1(error, key);
    if (found && !(found->flags & JS_PROP_ENUMERABLE) &&
        !is_shown_before(key, before) && begin_entry(to, shown)) {
      shown++;
      put(to, all[i]);
      put(to, ": ");
      describe_property(to, error, key);
    }
    JS_FreeAtom(torpor__ctx, key);
  }
  return shown;
}

/* What errors and functions have besides their text, as " { code: 5 }". */
static void describe_rest(description *to, JSValueConst value,
                          enum shown_before shown) {
  JSObject *object = JS_VALUE_GET_OBJ(value);
  torpor_brand brand = torpor__brand(value);
  bool error = brand == TORPOR_BRAND_ERROR;
  uint32_t hidden = 0;
  int before = to->text.len;
  if (brand == TORPOR_BRAND_PROXY || to->depth == DESCRIBE_DEPTH ||
      (!error && !JS_IsFunction(torpor__ctx, value)))
    return;
  put(to, " {");
  to->open[to->depth++] = object;
  if (error) hidden = describe_hidden(to, object, shown);
  describe_properties(to, object, hidden, error ? shown : SHOWN_NONE);
  to->depth--;
  if (to->text.len > before + 2)
    put(to, " }");
  else
    to->text.len = before;
}

static void describe_object(description *to, JSValueConst value) {
  JSObject *object = JS_VALUE_GET_OBJ(value);
  torpor_brand brand = torpor__brand(value);
  bool list = brand == TORPOR_BRAND_ARRAY || torpor_brand_is_typed_array(brand);
  int before;
  if (is_open(to, object)) {
    put(to, "[Circular]");
    return;
  }
  if (describe_as_text(to, value)) {
    describe_rest(to, value, SHOWN_TEXTS);
    return;
  }
  if (to->depth == DESCRIBE_DEPTH) {
    put(to, "[");
    put_made_by(to, object);
    put(to, "]");
    return;
  }
  describe_prefix(to, value);
  put(to, list ? "[" : "{");
  before = to->text.len;
  to->open[to->depth++] = object;
  describe_properties(to, object, describe_entries(to, value),
                      list ? SHOWN_INDEXES : SHOWN_NONE);
  to->depth--;
  if (to->text.len > before) put(to, " ");
  put(to, list ? "]" : "}");
}

/* ---- Values --------------------------------------------------------------*/

static void describe_bigint(description *to, JSValueConst value) {
  const JSBigInt *number = JS_VALUE_GET_PTR(value);
  if (JS_VALUE_GET_TAG(value) == JS_TAG_BIG_INT &&
      number->len > DESCRIBE_LIMBS) {
    put_count(to, "[BigInt of ", number->len * JS_LIMB_BITS, " bits]");
    return;
  }
  put_value(to, js_bigint_to_string(torpor__ctx, value));
  put(to, "n");
}

static void describe(description *to, JSValueConst value) {
  int tag = JS_VALUE_GET_NORM_TAG(value);
  if (is_full(to)) {
    put(to, "...");
  } else if (JS_IsString(value)) {
    describe_string(to, value);
  } else if (tag == JS_TAG_SHORT_BIG_INT || tag == JS_TAG_BIG_INT) {
    describe_bigint(to, value);
  } else if (JS_IsSymbol(value)) {
    put_value(to, js_symbol_toString(torpor__ctx, value, 0, NULL));
  } else if (JS_IsObject(value)) {
    describe_object(to, value);
  } else if (tag == JS_TAG_FLOAT64 && JS_VALUE_GET_FLOAT64(value) == 0 &&
             signbit(JS_VALUE_GET_FLOAT64(value))) {
    put(to, "-0");
  } else {
    put_value(to, JS_ToString(torpor__ctx, value));
  }
}

/* A string, or an exception. */
static JSValue describe_with(JSValueConst value,
                             void (*put_it)(description *, JSValueConst)) {
  description to = {.depth = 0};
  string_buffer_init(torpor__ctx, &to.text, 64);
  put_it(&to, value);
  return string_buffer_end(&to.text);
}

static JSValue torpor__describe(JSValueConst value) {
  return describe_with(value, describe);
}

static torpor_status describe_give(JSValue text) {
  torpor_status status;
  if (JS_IsException(text)) return torpor__thrown();
  status = text_give(JS_VALUE_GET_STRING(text));
  JS_FreeValue(torpor__ctx, text);
  return status;
}

static torpor_status torpor__look_describe(JSValueConst value) {
  return describe_give(torpor__describe(value));
}

static void describe_parts(description *to, JSValueConst value) {
  describe_rest(to, value, SHOWN_PARTS);
}

static torpor_status torpor__look_rest(JSValueConst value) {
  if (!JS_IsObject(value)) return TORPOR_WRONG_TYPE;
  return describe_give(describe_with(value, describe_parts));
}
