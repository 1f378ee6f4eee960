/* SPDX-License-Identifier: MIT */
/* collection.c - arrays, maps and sets, also weak ones, as the host fills and
 * reads them: entry by entry in the engine's own lists, without the methods
 * that a program may have replaced. */

enum {
  COLLECTION_SET = MAGIC_SET,
  COLLECTION_WEAK = MAGIC_WEAK,
  COLLECTION_LARGEST = 1 << 26, /* values that are given at once */
};

/* ---- Making --------------------------------------------------------------*/

/* The values that 'count' border values at 'args' are, with references, to be
 * freed with js_free; NULL: 'status' says why. */
static JSValue *values_take(const uint64_t *args, uint32_t count,
                            torpor_status *status) {
  JSValue *values;
  *status = TORPOR_LIMIT;
  if (count > COLLECTION_LARGEST) return NULL;
  values = js_malloc(torpor__ctx, (count ? count : 1) * sizeof(*values));
  *status = values ? args_take(args, count, values) : torpor__thrown();
  if (values == NULL || *status == TORPOR_OK) return values;
  js_free(torpor__ctx, values);
  return NULL;
}

static torpor_status torpor__array_make(uint32_t length) {
  JSValue array = JS_NewArray(torpor__ctx);
  if (JS_IsException(array) || length == 0) return torpor__give(array);
  if (JS_SetProperty(torpor__ctx, array, JS_ATOM_length, js_uint32(length)) >=
      0)
    return torpor__give(array);
  JS_FreeValue(torpor__ctx, array);
  return torpor__thrown();
}

static torpor_status torpor__array_make_of(const uint64_t *args,
                                           uint32_t count) {
  torpor_status status;
  JSValue *values = values_take(args, count, &status);
  if (values == NULL) return status;
  status = torpor__give(JS_NewArrayFrom(torpor__ctx, (int)count, values));
  js_free(torpor__ctx, values);
  return status;
}

/* What the engine's functions know the collection by; -1: it is none. */
static int collection_magic(JSClassID class) {
  return class >= JS_CLASS_MAP && class <= JS_CLASS_WEAKSET
             ? (int)(class - JS_CLASS_MAP)
             : -1;
}

/* Sets an entry. */
static bool collection_put(JSValueConst collection, int magic,
                           JSValueConst *entry) {
  JSValue done = js_map_set(torpor__ctx, collection, 2, entry, magic);
  if (JS_IsException(done)) return false;
  JS_FreeValue(torpor__ctx, done);
  torpor__exception_forget();
  return true;
}

/* Puts 'count' values, with keys in turn if they are a map's; their references
 * stay the caller's. False: thrown. */
static bool collection_fill(JSValueConst collection, int magic, JSValue *values,
                            uint32_t count) {
  uint32_t step = magic & COLLECTION_SET ? 1 : 2;
  for (uint32_t i = 0; i + step <= count; i += step) {
    JSValueConst entry[2] = {values[i], values[i + step - 1]};
    if (!collection_put(collection, magic, entry)) return false;
  }
  return true;
}

static JSValue collection_new(int magic, JSValue *values, uint32_t count) {
  JSValue made = js_map_constructor(torpor__ctx, JS_UNDEFINED, 0, NULL, magic);
  if (JS_IsException(made)) return made;
  if (collection_fill(made, magic, values, count)) return made;
  JS_FreeValue(torpor__ctx, made);
  return JS_EXCEPTION;
}

/* 'args' are the address of 'count' border values. */
static torpor_status
torpor__collection_make(uint64_t brand, const uint64_t *args, uint32_t count) {
  int magic = collection_magic(torpor__brand_class(brand));
  JSValue *values;
  torpor_status status;
  if (magic < 0) return TORPOR_WRONG_TYPE;
  values = values_take(args, count, &status);
  if (values == NULL) return status;
  status = torpor__give(collection_new(magic, values, count));
  for (uint32_t i = 0; i < count; i++) JS_FreeValue(torpor__ctx, values[i]);
  js_free(torpor__ctx, values);
  return status;
}

/* ---- Looking -------------------------------------------------------------*/

/* Ends the handles at 'out', where there are 'size' bytes. */
static void entries_drop(const uint8_t *out, size_t size) {
  uint64_t bits;
  while (size > 0) {
    size -= sizeof(bits);
    memcpy(&bits, out + size, sizeof(bits));
    handle_drop(bits);
  }
}

/* Writes the border values of all entries at 'out'; false: no memory. */
static bool entries_write(const JSMapState *map, bool is_set, uint8_t *out) {
  struct list_head *link;
  bool fits = true;
  list_for_each(link, &map->records) {
    const JSMapRecord *record = list_entry(link, JSMapRecord, link);
    uint64_t bits;
    if (record->empty) continue;
    fits &= torpor__border(js_dup(record->key), &bits);
    memcpy(out, &bits, sizeof(bits));
    out += sizeof(bits);
    if (is_set) continue;
    fits &= torpor__border(js_dup(record->value), &bits);
    memcpy(out, &bits, sizeof(bits));
    out += sizeof(bits);
  }
  return fits;
}

static torpor_status torpor__look_entries(JSValueConst value) {
  int magic = collection_magic(JS_GetClassID(value));
  uint64_t *result = torpor_control.host.result;
  const JSMapState *map;
  uint8_t *place;
  uint64_t size;
  if (magic < 0 || magic & COLLECTION_WEAK) return TORPOR_WRONG_TYPE;
  map = JS_VALUE_GET_OBJ(value)->u.map_state;
  size = (uint64_t)map->record_count * sizeof(uint64_t);
  if (!(magic & COLLECTION_SET)) size *= 2;
  place = torpor__text_place(size);
  if (place == NULL) return TORPOR_LIMIT;
  if (entries_write(map, magic & COLLECTION_SET, place)) return TORPOR_OK;
  entries_drop(place, (size_t)size);
  if (result[2]) torpor_release(place);
  return TORPOR_LIMIT;
}

static torpor_status torpor__look_count(JSValueConst value) {
  JSClassID class = JS_GetClassID(value);
  JSObject *object;
  uint32_t length = 0;
  if (class == JS_INVALID_CLASS_ID) return TORPOR_WRONG_TYPE;
  object = JS_VALUE_GET_OBJ(value);
  if (collection_magic(class) >= 0)
    return torpor__give_integer(object->u.map_state->record_count);
  if (class >= JS_CLASS_UINT8C_ARRAY && class <= JS_CLASS_FLOAT64_ARRAY)
    return torpor__give_integer(object->u.array.count);
  if (class != JS_CLASS_ARRAY) return TORPOR_WRONG_TYPE;
  if (JS_ToUint32(torpor__ctx, &length, object->prop[0].u.value))
    return torpor__thrown();
  return torpor__give_integer(length);
}

/* ---- Changing ------------------------------------------------------------*/

/* Gives the integer that the boolean is. */
static torpor_status give_boolean(JSValue boolean) {
  if (JS_IsException(boolean)) return torpor__thrown();
  return torpor__give_integer(JS_VALUE_GET_BOOL(boolean) ? 1 : 0);
}

static torpor_status torpor__collection_apply(uint32_t what,
                                              JSValueConst collection,
                                              JSValueConst key,
                                              JSValueConst value) {
  int magic = collection_magic(JS_GetClassID(collection));
  JSValueConst entry[2] = {key, value};
  JSContext *ctx = torpor__ctx;
  if (magic < 0) return TORPOR_WRONG_TYPE;
  switch (what) {
  case TORPOR_ABI_APPLY_PUT:
    return collection_put(collection, magic, entry) ? TORPOR_OK
                                                    : torpor__thrown();
  case TORPOR_ABI_APPLY_GET:
    if (magic & COLLECTION_SET) return TORPOR_WRONG_TYPE;
    return torpor__give(js_map_get(ctx, collection, 1, entry, magic));
  case TORPOR_ABI_APPLY_HAS:
    return give_boolean(js_map_has(ctx, collection, 1, entry, magic));
  case TORPOR_ABI_APPLY_REMOVE:
    return give_boolean(js_map_delete(ctx, collection, 1, entry, magic));
  default: /* CLEAR */
    if (magic & COLLECTION_WEAK) return TORPOR_WRONG_TYPE;
    JS_FreeValue(ctx, js_map_clear(ctx, collection, 0, NULL, magic));
    return TORPOR_OK;
  }
}
