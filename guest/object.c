/* SPDX-License-Identifier: MIT */
/* object.c - objects across the border: what they are, reading and writing.
 *
 * Keys are turned into atoms before anything else runs, because they may lie
 * in the window, which a host function may overwrite. */

/* Classes of the engine and what the host calls them. */
static torpor_brand torpor__brand_of(JSValueConst value) {
  JSClassID class = JS_GetClassID(value);
  if (class == JS_CLASS_PROXY) return TORPOR_BRAND_PROXY;
  if (JS_IsFunction(torpor__ctx, value)) return TORPOR_BRAND_FUNCTION;
  if (class >= JS_CLASS_ARRAY_BUFFER && class <= JS_CLASS_DATAVIEW)
    return TORPOR_BRAND_BUFFER;
  switch (class) {
  case JS_CLASS_ARRAY:
    return TORPOR_BRAND_ARRAY;
  case JS_CLASS_ERROR:
  case JS_CLASS_DOM_EXCEPTION:
    return TORPOR_BRAND_ERROR;
  case JS_CLASS_PROMISE:
    return TORPOR_BRAND_PROMISE;
  case JS_CLASS_DATE:
    return TORPOR_BRAND_DATE;
  case JS_CLASS_REGEXP:
    return TORPOR_BRAND_REGEXP;
  case JS_CLASS_MAP:
    return TORPOR_BRAND_MAP;
  case JS_CLASS_SET:
    return TORPOR_BRAND_SET;
  default:
    return TORPOR_BRAND_OBJECT;
  }
}

EXPORT(torpor_object_class)
torpor_status export_object_class(uint64_t bits) {
  JSValue value;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  return torpor__give_integer(JS_IsObject(value) ? torpor__brand_of(value)
                                                 : TORPOR_BRAND_NONE);
}

EXPORT(torpor_global)
torpor_status export_global(void) {
  return torpor__give(JS_GetGlobalObject(torpor__ctx));
}

EXPORT(torpor_object_new)
torpor_status export_object_new(void) {
  return torpor__give(JS_NewObject(torpor__ctx));
}

EXPORT(torpor_array_new)
torpor_status export_array_new(void) {
  return torpor__give(JS_NewArray(torpor__ctx));
}

static torpor_status property_get(uint64_t bits, const char *key,
                                  uint32_t size) {
  JSValue object;
  JSAtom atom;
  torpor_status status = torpor__value(bits, &object);
  if (status) return status;
  atom = JS_NewAtomLen(torpor__ctx, key, size);
  if (atom == JS_ATOM_NULL) return torpor__thrown();
  status = torpor__give(JS_GetProperty(torpor__ctx, object, atom));
  JS_FreeAtom(torpor__ctx, atom);
  return status;
}

static torpor_status property_set(uint64_t bits, const char *key, uint32_t size,
                                  uint64_t to) {
  JSValue object, value;
  JSAtom atom;
  torpor_status status = torpor__value(bits, &object);
  if (status == TORPOR_OK) status = torpor__value(to, &value);
  if (status) return status;
  atom = JS_NewAtomLen(torpor__ctx, key, size);
  if (atom == JS_ATOM_NULL) return torpor__thrown();
  if (JS_SetProperty(torpor__ctx, object, atom, js_dup(value)) < 0)
    status = torpor__thrown();
  JS_FreeAtom(torpor__ctx, atom);
  return status;
}

static torpor_status index_get(uint64_t bits, uint32_t index) {
  JSValue object;
  torpor_status status = torpor__value(bits, &object);
  if (status) return status;
  return torpor__give(JS_GetPropertyUint32(torpor__ctx, object, index));
}

static torpor_status index_set(uint64_t bits, uint32_t index, uint64_t to) {
  JSValue object, value;
  torpor_status status = torpor__value(bits, &object);
  if (status == TORPOR_OK) status = torpor__value(to, &value);
  if (status) return status;
  if (JS_SetPropertyUint32(torpor__ctx, object, index, js_dup(value)) < 0)
    return torpor__thrown();
  return TORPOR_OK;
}

EXPORT(torpor_get)
torpor_status export_get(uint64_t bits, const char *key, uint32_t size) {
  torpor__enter();
  return torpor__leave(property_get(bits, key, size));
}

EXPORT(torpor_set)
torpor_status export_set(uint64_t bits, const char *key, uint32_t size,
                         uint64_t to) {
  torpor__enter();
  return torpor__leave(property_set(bits, key, size, to));
}

EXPORT(torpor_get_index)
torpor_status export_get_index(uint64_t bits, uint32_t index) {
  torpor__enter();
  return torpor__leave(index_get(bits, index));
}

EXPORT(torpor_set_index)
torpor_status export_set_index(uint64_t bits, uint32_t index, uint64_t to) {
  torpor__enter();
  return torpor__leave(index_set(bits, index, to));
}
