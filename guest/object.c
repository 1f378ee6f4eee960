/* SPDX-License-Identifier: MIT */
/* object.c - objects across the border: what they are, and making them;
 * reflect.c has their properties. */

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

/* The own property 'key' of 'object' that is plain data; borrowed, undefined if
 * there is none. Runs no code. */
static JSValueConst torpor__own_data(JSValueConst object, JSAtom key) {
  JSProperty *property;
  JSShapeProperty *found;
  if (!JS_IsObject(object)) return JS_UNDEFINED;
  found = find_own_property(&property, JS_VALUE_GET_OBJ(object), key);
  if (found != NULL && (found->flags & JS_PROP_TMASK) == JS_PROP_NORMAL)
    return property->u.value;
  return JS_UNDEFINED;
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
