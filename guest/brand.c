/* SPDX-License-Identifier: MIT */
/* brand.c - what the engine knows an object by: its class, which a program can
 * neither change nor fake.
 *
 * (torpor_object_class of object.c knows the first twelve only.) */

static const uint8_t brands[JS_CLASS_INIT_COUNT] = {
    [JS_CLASS_ARRAY] = TORPOR_BRAND_ARRAY,
    [JS_CLASS_ERROR] = TORPOR_BRAND_ERROR,
    [JS_CLASS_DOM_EXCEPTION] = TORPOR_BRAND_ERROR,
    [JS_CLASS_NUMBER] = TORPOR_BRAND_NUMBER_OBJECT,
    [JS_CLASS_STRING] = TORPOR_BRAND_STRING_OBJECT,
    [JS_CLASS_BOOLEAN] = TORPOR_BRAND_BOOLEAN_OBJECT,
    [JS_CLASS_SYMBOL] = TORPOR_BRAND_SYMBOL_OBJECT,
    [JS_CLASS_BIG_INT] = TORPOR_BRAND_BIGINT_OBJECT,
    [JS_CLASS_ARGUMENTS] = TORPOR_BRAND_ARGUMENTS,
    [JS_CLASS_MAPPED_ARGUMENTS] = TORPOR_BRAND_ARGUMENTS,
    [JS_CLASS_DATE] = TORPOR_BRAND_DATE,
    [JS_CLASS_MODULE_NS] = TORPOR_BRAND_MODULE,
    [JS_CLASS_GENERATOR_FUNCTION] = TORPOR_BRAND_GENERATOR_FUNCTION,
    [JS_CLASS_ASYNC_FUNCTION] = TORPOR_BRAND_ASYNC_FUNCTION,
    [JS_CLASS_ASYNC_GENERATOR_FUNCTION] = TORPOR_BRAND_ASYNC_GENERATOR_FUNCTION,
    [JS_CLASS_REGEXP] = TORPOR_BRAND_REGEXP,
    [JS_CLASS_ARRAY_BUFFER] = TORPOR_BRAND_ARRAY_BUFFER,
    [JS_CLASS_SHARED_ARRAY_BUFFER] = TORPOR_BRAND_SHARED_ARRAY_BUFFER,
    [JS_CLASS_UINT8C_ARRAY] = TORPOR_BRAND_UINT8_CLAMPED_ARRAY,
    [JS_CLASS_INT8_ARRAY] = TORPOR_BRAND_INT8_ARRAY,
    [JS_CLASS_UINT8_ARRAY] = TORPOR_BRAND_UINT8_ARRAY,
    [JS_CLASS_INT16_ARRAY] = TORPOR_BRAND_INT16_ARRAY,
    [JS_CLASS_UINT16_ARRAY] = TORPOR_BRAND_UINT16_ARRAY,
    [JS_CLASS_INT32_ARRAY] = TORPOR_BRAND_INT32_ARRAY,
    [JS_CLASS_UINT32_ARRAY] = TORPOR_BRAND_UINT32_ARRAY,
    [JS_CLASS_BIG_INT64_ARRAY] = TORPOR_BRAND_BIGINT64_ARRAY,
    [JS_CLASS_BIG_UINT64_ARRAY] = TORPOR_BRAND_BIGUINT64_ARRAY,
    [JS_CLASS_FLOAT16_ARRAY] = TORPOR_BRAND_FLOAT16_ARRAY,
    [JS_CLASS_FLOAT32_ARRAY] = TORPOR_BRAND_FLOAT32_ARRAY,
    [JS_CLASS_FLOAT64_ARRAY] = TORPOR_BRAND_FLOAT64_ARRAY,
    [JS_CLASS_DATAVIEW] = TORPOR_BRAND_DATA_VIEW,
    [JS_CLASS_MAP] = TORPOR_BRAND_MAP,
    [JS_CLASS_SET] = TORPOR_BRAND_SET,
    [JS_CLASS_WEAKMAP] = TORPOR_BRAND_WEAK_MAP,
    [JS_CLASS_WEAKSET] = TORPOR_BRAND_WEAK_SET,
    [JS_CLASS_ITERATOR_CONCAT] = TORPOR_BRAND_ITERATOR,
    [JS_CLASS_ITERATOR_HELPER] = TORPOR_BRAND_ITERATOR,
    [JS_CLASS_ITERATOR_WRAP] = TORPOR_BRAND_ITERATOR,
    [JS_CLASS_MAP_ITERATOR] = TORPOR_BRAND_ITERATOR,
    [JS_CLASS_SET_ITERATOR] = TORPOR_BRAND_ITERATOR,
    [JS_CLASS_ARRAY_ITERATOR] = TORPOR_BRAND_ITERATOR,
    [JS_CLASS_STRING_ITERATOR] = TORPOR_BRAND_ITERATOR,
    [JS_CLASS_REGEXP_STRING_ITERATOR] = TORPOR_BRAND_ITERATOR,
    [JS_CLASS_GENERATOR] = TORPOR_BRAND_GENERATOR,
    [JS_CLASS_ASYNC_GENERATOR] = TORPOR_BRAND_ASYNC_GENERATOR,
    [JS_CLASS_PROXY] = TORPOR_BRAND_PROXY,
    [JS_CLASS_PROMISE] = TORPOR_BRAND_PROMISE,
    [JS_CLASS_WEAK_REF] = TORPOR_BRAND_WEAK_REF,
    [JS_CLASS_FINALIZATION_REGISTRY] = TORPOR_BRAND_FINALIZATION_REGISTRY,
};

static torpor_brand torpor__brand(JSValueConst value) {
  JSClassID class = JS_GetClassID(value);
  if (!JS_IsObject(value)) return TORPOR_BRAND_NONE;
  if (class < JS_CLASS_INIT_COUNT && brands[class] != 0)
    return (torpor_brand)brands[class];
  return JS_IsFunction(torpor__ctx, value) ? TORPOR_BRAND_FUNCTION
                                           : TORPOR_BRAND_OBJECT;
}

/* The class of 'brand', or JS_INVALID_CLASS_ID. Of those that share a brand it
 * is the first. */
static JSClassID torpor__brand_class(uint64_t brand) {
  for (JSClassID class = 0; brand && class < JS_CLASS_INIT_COUNT; class++)
    if (brands[class] == brand) return class;
  return JS_INVALID_CLASS_ID;
}

static torpor_status torpor__look_brand(JSValueConst value) {
  uint64_t *result = torpor_control.host.result;
  result[0] = torpor__brand(value);
  result[1] = result[2] = 0;
  if (!JS_IsObject(value)) return TORPOR_OK;
  result[1] = JS_GetClassID(value);
  result[2] = (JS_IsFunction(torpor__ctx, value) ? 1u : 0u) |
              (JS_IsConstructor(torpor__ctx, value) ? 2u : 0u) |
              (JS_VALUE_GET_OBJ(value)->extensible ? 0u : 4u);
  return TORPOR_OK;
}

/* The engine's class of proxies has another name. */
static torpor_status torpor__look_class(JSValueConst value) {
  JSValue name;
  torpor_status status = TORPOR_LIMIT;
  JSString *text;
  if (!JS_IsObject(value)) return TORPOR_WRONG_TYPE;
  name = JS_AtomToString(
      torpor__ctx,
      JS_GetClassID(value) == JS_CLASS_PROXY
          ? JS_ATOM_Proxy
          : torpor__rt->class_array[JS_GetClassID(value)].class_name);
  if (JS_IsException(name)) return torpor__thrown();
  text = torpor__flat(name);
  JS_FreeValue(torpor__ctx, name);
  if (text == NULL) return torpor__thrown();
  status = text_give(text);
  js_free_string(torpor__rt, text);
  return status;
}
