/* SPDX-License-Identifier: MIT */
/* look.c - what a value is and holds: the entries torpor_look and torpor_apply.
 *
 * All of it goes by the class that the engine knows an object by, which no
 * program can change or fake, and reads what the engine keeps there: no getter,
 * no trap of a proxy and no method runs. The conversions are the exception. */

/* Gives two values. */
static torpor_status give_two(JSValue first, JSValue second) {
  uint64_t *result = torpor_control.host.result;
  if (JS_IsException(first) || JS_IsException(second)) {
    JS_FreeValue(torpor__ctx, first);
    JS_FreeValue(torpor__ctx, second);
    return torpor__thrown();
  }
  return torpor__give_all((JSValue[]){first, second}, 2, result);
}

/* The object, if it is of 'class'; or NULL. */
static JSObject *object_of(JSValueConst value, JSClassID class) {
  return JS_GetClassID(value) == class ? JS_VALUE_GET_OBJ(value) : NULL;
}

static torpor_status look_symbol(JSValueConst value) {
  JSValueConst undefined = JS_UNDEFINED;
  if (!JS_IsSymbol(value)) return TORPOR_WRONG_TYPE;
  return give_two(js_symbol_get_description(torpor__ctx, value),
                  js_symbol_keyFor(torpor__ctx, undefined, 1, &value));
}

/* ---- BigInt --------------------------------------------------------------*/

/* Writes the words of 'number' without its sign; gives how many there are. */
static uint32_t bigint_words(const JSBigInt *number, bool negative,
                             uint8_t *out) {
  js_limb_t carry = negative;
  uint32_t used = 1;
  for (uint32_t i = 0; i < number->len; i++) {
    js_limb_t word = number->tab[i];
    if (negative) {
      word = ~word + carry;
      carry &= word == 0;
    }
    memcpy(out + (size_t)i * sizeof(word), &word, sizeof(word));
    if (word) used = i + 1;
  }
  return used;
}

static torpor_status look_bigint(JSValueConst value) {
  uint64_t *result = torpor_control.host.result;
  JSBigIntBuf small;
  const JSBigInt *number;
  uint8_t *place;
  bool negative;
  if (JS_VALUE_GET_TAG(value) == JS_TAG_SHORT_BIG_INT)
    number = js_bigint_set_short(&small, value);
  else if (JS_VALUE_GET_TAG(value) == JS_TAG_BIG_INT)
    number = JS_VALUE_GET_PTR(value);
  else
    return TORPOR_WRONG_TYPE;
  place = torpor__text_place((uint64_t)number->len * sizeof(js_limb_t));
  if (place == NULL) return TORPOR_LIMIT;
  negative = js_bigint_sign(number);
  result[1] =
      (uint64_t)bigint_words(number, negative, place) * sizeof(js_limb_t);
  result[3] = negative;
  return TORPOR_OK;
}

/* ---- Objects -------------------------------------------------------------*/

static torpor_status look_date(JSValueConst value) {
  const JSObject *object = object_of(value, JS_CLASS_DATE);
  double ms;
  if (object == NULL) return TORPOR_WRONG_TYPE;
  if (JS_ToFloat64(torpor__ctx, &ms, object->u.object_data))
    return torpor__thrown();
  torpor_control.host.result[0] = torpor_number(ms).bits;
  return TORPOR_OK;
}

static torpor_status look_regexp(JSValueConst value) {
  const JSObject *object = object_of(value, JS_CLASS_REGEXP);
  if (object == NULL) return TORPOR_WRONG_TYPE;
  return give_two(js_regexp_get_source(torpor__ctx, value),
                  torpor__regexp_flags(object));
}

static torpor_status look_proxy(JSValueConst value) {
  const JSObject *object = object_of(value, JS_CLASS_PROXY);
  const JSProxyData *proxy;
  if (object == NULL) return TORPOR_WRONG_TYPE;
  proxy = object->u.proxy_data;
  if (proxy->is_revoked) return give_two(JS_NULL, JS_NULL);
  return give_two(js_dup(proxy->target), js_dup(proxy->handler));
}

static torpor_status look_boxed(JSValueConst value) {
  switch (JS_GetClassID(value)) {
  case JS_CLASS_NUMBER:
  case JS_CLASS_STRING:
  case JS_CLASS_BOOLEAN:
  case JS_CLASS_SYMBOL:
  case JS_CLASS_BIG_INT:
    return torpor__give(js_dup(JS_VALUE_GET_OBJ(value)->u.object_data));
  default:
    return TORPOR_WRONG_TYPE;
  }
}

/* Where it lies on the heap: nothing else is there while a handle lives. */
static torpor_status look_identity(JSValueConst value) {
  bool lies = JS_VALUE_HAS_REF_COUNT(value);
  return torpor__give_integer(lies ? (uintptr_t)JS_VALUE_GET_PTR(value) : 0);
}

/* ---- The entries ---------------------------------------------------------*/

/* 'value' is kept by the caller. */
static torpor_status look(uint32_t what, JSValueConst value) {
  switch (what) {
  case TORPOR_ABI_LOOK_STRING:
    return torpor__string_look(value);
  case TORPOR_ABI_LOOK_BRAND:
    return torpor__look_brand(value);
  case TORPOR_ABI_LOOK_CLASS:
    return torpor__look_class(value);
  case TORPOR_ABI_LOOK_BUFFER:
    return torpor__look_buffer(value);
  case TORPOR_ABI_LOOK_VIEWED:
    return torpor__look_viewed(value);
  case TORPOR_ABI_LOOK_ENTRIES:
    return torpor__look_entries(value);
  case TORPOR_ABI_LOOK_COUNT:
    return torpor__look_count(value);
  case TORPOR_ABI_LOOK_DESCRIBE:
    return torpor__look_describe(value);
  case TORPOR_ABI_LOOK_REST:
    return torpor__look_rest(value);
  case TORPOR_ABI_LOOK_SYMBOL:
    return look_symbol(value);
  case TORPOR_ABI_LOOK_BIGINT:
    return look_bigint(value);
  case TORPOR_ABI_LOOK_DATE:
    return look_date(value);
  case TORPOR_ABI_LOOK_REGEXP:
    return look_regexp(value);
  case TORPOR_ABI_LOOK_PROXY:
    return look_proxy(value);
  case TORPOR_ABI_LOOK_BOXED:
    return look_boxed(value);
  case TORPOR_ABI_LOOK_IDENTITY:
    return look_identity(value);
  case TORPOR_ABI_LOOK_NUMBER:
    return torpor__give(JS_ToNumber(torpor__ctx, value));
  case TORPOR_ABI_LOOK_BOOLEAN:
    return torpor__give(js_bool(JS_ToBool(torpor__ctx, value)));
  case TORPOR_ABI_LOOK_TEXT:
    return torpor__give(JS_ToString(torpor__ctx, value));
  default:
    return TORPOR_UNSUPPORTED;
  }
}

static bool look_gives_text(uint32_t what) {
  return what == TORPOR_ABI_LOOK_CLASS || what == TORPOR_ABI_LOOK_BIGINT ||
         what == TORPOR_ABI_LOOK_ENTRIES || what == TORPOR_ABI_LOOK_DESCRIBE ||
         what == TORPOR_ABI_LOOK_REST;
}

EXPORT(torpor_look)
torpor_status export_look(uint32_t what, uint64_t bits) {
  JSValue value;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  torpor__enter();
  value = js_dup(value);
  status = look(what, value);
  JS_FreeValue(torpor__ctx, value);
  return look_gives_text(what) ? torpor__leave_text(status)
                               : torpor__leave(status);
}

static torpor_status apply(uint32_t what, JSValueConst a, JSValueConst b,
                           JSValueConst c) {
  switch (what) {
  case TORPOR_ABI_APPLY_EQUAL:
    return torpor__give_integer(js_strict_eq(torpor__ctx, a, b));
  case TORPOR_ABI_APPLY_SAME:
    return torpor__give_integer(js_same_value(torpor__ctx, a, b));
  case TORPOR_ABI_APPLY_SAME_KEY:
    return torpor__give_integer(js_same_value_zero(torpor__ctx, a, b));
  case TORPOR_ABI_APPLY_PUT:
  case TORPOR_ABI_APPLY_GET:
  case TORPOR_ABI_APPLY_HAS:
  case TORPOR_ABI_APPLY_REMOVE:
  case TORPOR_ABI_APPLY_CLEAR:
    return torpor__collection_apply(what, a, b, c);
  default:
    return TORPOR_UNSUPPORTED;
  }
}

EXPORT(torpor_apply)
torpor_status export_apply(uint32_t what, uint64_t a_bits, uint64_t b_bits,
                           uint64_t c_bits) {
  JSValue a, b, c;
  torpor_status status = torpor__value(a_bits, &a);
  if (status == TORPOR_OK) status = torpor__value(b_bits, &b);
  if (status == TORPOR_OK) status = torpor__value(c_bits, &c);
  if (status) return status;
  torpor__enter();
  return torpor__leave(apply(what, a, b, c));
}
