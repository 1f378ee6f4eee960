/* SPDX-License-Identifier: MIT */
/* make.c - values that the host makes: the entry torpor_make.
 *
 * Each is made by the engine's own functions and has the realm's first
 * prototypes: no constructor is looked up, so a program can replace none. What
 * lies in the slots is copied before anything else, since a host function may
 * write there. */

enum { MAKE_SLOTS = 10 };

/* What was in the slots; there are no more. */
typedef struct make_slots {
  uint64_t at[MAKE_SLOTS];
} make_slots;

static uint32_t slot_u32(const make_slots *slots, int index) {
  return (uint32_t)slots->at[index];
}

/* The string whose address and size begin at 'index'. */
static JSValue slot_text(const make_slots *slots, int index) {
  const char *text = (const char *)(uintptr_t)slots->at[index];
  return torpor__text_string(text, slot_u32(slots, index + 1));
}

/* The border values whose address is at 'index'. */
static const uint64_t *slot_values(const make_slots *slots, int index) {
  return (const uint64_t *)(uintptr_t)slots->at[index];
}

/* ---- Symbols -------------------------------------------------------------*/

static JSValue make_symbol(const make_slots *slots, int type) {
  JSValue text;
  if (slots->at[0] == 0 && type == JS_ATOM_TYPE_SYMBOL)
    return JS_NewSymbolInternal(torpor__ctx, NULL, type);
  text = slot_text(slots, 0);
  if (JS_IsException(text)) return text;
  return JS_NewSymbolInternal(torpor__ctx, JS_VALUE_GET_STRING(text), type);
}

static const struct {
  const char *name;
  JSAtom atom;
} known_symbols[] = {
    {"toPrimitive", JS_ATOM_Symbol_toPrimitive},
    {"iterator", JS_ATOM_Symbol_iterator},
    {"match", JS_ATOM_Symbol_match},
    {"matchAll", JS_ATOM_Symbol_matchAll},
    {"replace", JS_ATOM_Symbol_replace},
    {"search", JS_ATOM_Symbol_search},
    {"split", JS_ATOM_Symbol_split},
    {"toStringTag", JS_ATOM_Symbol_toStringTag},
    {"isConcatSpreadable", JS_ATOM_Symbol_isConcatSpreadable},
    {"hasInstance", JS_ATOM_Symbol_hasInstance},
    {"species", JS_ATOM_Symbol_species},
    {"unscopables", JS_ATOM_Symbol_unscopables},
    {"asyncIterator", JS_ATOM_Symbol_asyncIterator},
    {"dispose", JS_ATOM_Symbol_dispose},
    {"asyncDispose", JS_ATOM_Symbol_asyncDispose},
};

static torpor_status make_known_symbol(const make_slots *slots) {
  const char *name = (const char *)(uintptr_t)slots->at[0];
  for (size_t i = 0; i < countof(known_symbols); i++)
    if (strlen(known_symbols[i].name) == slots->at[1] &&
        memcmp(known_symbols[i].name, name, slots->at[1]) == 0)
      return torpor__give(JS_AtomToValue(torpor__ctx, known_symbols[i].atom));
  return TORPOR_NOT_FOUND;
}

/* ---- Numbers -------------------------------------------------------------*/

/* The two's complement of 'count' words in 'tab', with room for one more. */
static void bigint_fill(js_limb_t *tab, const uint8_t *words, uint32_t count,
                        bool negative) {
  js_limb_t carry = negative;
  memcpy(tab, words, count * sizeof(*tab));
  tab[count] = 0;
  for (uint32_t i = 0; negative && i <= count; i++) {
    tab[i] = ~tab[i] + carry;
    carry &= tab[i] == 0;
  }
}

static JSValue make_bigint(const make_slots *slots) {
  const uint8_t *words = (const uint8_t *)(uintptr_t)slots->at[1];
  uint32_t count = slot_u32(slots, 2);
  JSBigInt *number;
  js_limb_t top = 0;
  for (; count > 0 && top == 0; count -= top == 0)
    memcpy(&top, words + (size_t)(count - 1) * sizeof(top), sizeof(top));
  if (count > JS_BIGINT_MAX_SIZE) count = JS_BIGINT_MAX_SIZE;
  number = js_bigint_new(torpor__ctx, (int)count + 1);
  if (number == NULL) return JS_EXCEPTION;
  bigint_fill(number->tab, words, count, slots->at[0] != 0);
  number = js_bigint_normalize(torpor__ctx, number);
  torpor__exception_forget();
  return JS_CompactBigInt(torpor__ctx, number);
}

static JSValue make_bigint_text(const make_slots *slots) {
  JSValue text = slot_text(slots, 0);
  if (JS_IsException(text)) return text;
  return JS_StringToBigIntErr(torpor__ctx, text);
}

static JSValue make_date(const make_slots *slots) {
  double ms;
  memcpy(&ms, &slots->at[0], sizeof(ms));
  return JS_NewDate(torpor__ctx, ms);
}

/* ---- Regular expressions -------------------------------------------------*/

static JSValue make_regexp(const make_slots *slots) {
  JSContext *ctx = torpor__ctx;
  JSValue source = slot_text(slots, 0), flags = slot_text(slots, 2);
  JSValue code = JS_EXCEPTION;
  if (!JS_IsException(source) && !JS_IsException(flags))
    code = js_compile_regexp(ctx, source, flags);
  JS_FreeValue(ctx, flags);
  if (!JS_IsException(code))
    return js_regexp_constructor_internal(ctx, JS_UNDEFINED, source, code);
  JS_FreeValue(ctx, source);
  return JS_EXCEPTION;
}

/* ---- Errors --------------------------------------------------------------*/

static bool error_set_stack(JSValueConst error, JSValueConst stack) {
  JSObject *object = JS_VALUE_GET_OBJ(error);
  JSValue before;
  if (object->class_id != JS_CLASS_ERROR)
    return error_define(error, JS_ATOM_stack, stack) >= 0;
  before = object->u.object_data;
  object->u.object_data = js_dup(stack);
  JS_FreeValue(torpor__ctx, before);
  return true;
}

/* Sets what is given of 'parts': cause, code, errors. */
static bool error_set_parts(JSValueConst error, const JSValue *parts) {
  JSAtom code = JS_NewAtom(torpor__ctx, "code");
  JSAtom keys[] = {JS_ATOM_cause, code, JS_ATOM_errors};
  bool done = code != JS_ATOM_NULL;
  for (size_t i = 0; done && i < countof(keys); i++)
    if (!JS_IsUndefined(parts[i]))
      done = error_define(error, keys[i], parts[i]) >= 0;
  JS_FreeAtom(torpor__ctx, code);
  return done;
}

static JSValue error_of(const make_slots *slots, JSValueConst name,
                        JSValueConst message, JSValueConst stack,
                        const JSValue *parts) {
  const char *text = (const char *)(uintptr_t)slots->at[0];
  JSValue error = slots->at[6]
                      ? error_new_dom(name, message)
                      : error_build(text, slot_u32(slots, 1), name, message);
  if (JS_IsException(error)) return error;
  if ((JS_IsUndefined(stack) || error_set_stack(error, stack)) &&
      error_set_parts(error, parts))
    return JS_IsUndefined(stack) && !slots->at[6] ? error_with_stack(error)
                                                  : error;
  JS_FreeValue(torpor__ctx, error);
  return JS_EXCEPTION;
}

static torpor_status make_error(const make_slots *slots) {
  JSValue parts[3], name, message, stack = JS_UNDEFINED, error = JS_EXCEPTION;
  torpor_status status = args_take(&slots->at[7], countof(parts), parts);
  if (status) return status;
  name = slot_text(slots, 0);
  message = slot_text(slots, 2);
  if (slots->at[4]) stack = slot_text(slots, 4);
  if (!JS_IsException(name) && !JS_IsException(message) &&
      !JS_IsException(stack))
    error = error_of(slots, name, message, stack, parts);
  JS_FreeValue(torpor__ctx, name);
  JS_FreeValue(torpor__ctx, message);
  JS_FreeValue(torpor__ctx, stack);
  for (size_t i = 0; i < countof(parts); i++)
    JS_FreeValue(torpor__ctx, parts[i]);
  return torpor__give(error);
}

/* ---- The entry -----------------------------------------------------------*/

static torpor_status make(uint32_t what, const make_slots *slots) {
  switch (what) {
  case TORPOR_ABI_MAKE_LATIN1:
  case TORPOR_ABI_MAKE_UTF16:
    return torpor__string_blank(slots->at[0], what == TORPOR_ABI_MAKE_UTF16);
  case TORPOR_ABI_MAKE_SYMBOL:
    return torpor__give(make_symbol(slots, JS_ATOM_TYPE_SYMBOL));
  case TORPOR_ABI_MAKE_SYMBOL_FOR:
    return torpor__give(make_symbol(slots, JS_ATOM_TYPE_GLOBAL_SYMBOL));
  case TORPOR_ABI_MAKE_SYMBOL_KNOWN:
    return make_known_symbol(slots);
  case TORPOR_ABI_MAKE_BIGINT:
    return torpor__give(make_bigint(slots));
  case TORPOR_ABI_MAKE_BIGINT_TEXT:
    return torpor__give(make_bigint_text(slots));
  case TORPOR_ABI_MAKE_DATE:
    return torpor__give(make_date(slots));
  case TORPOR_ABI_MAKE_ARRAY:
    return torpor__array_make(slot_u32(slots, 0));
  case TORPOR_ABI_MAKE_ARRAY_OF:
    return torpor__array_make_of(slot_values(slots, 0), slot_u32(slots, 1));
  case TORPOR_ABI_MAKE_REGEXP:
    return torpor__give(make_regexp(slots));
  case TORPOR_ABI_MAKE_BUFFER:
    return torpor__buffer_make(slots->at[0], slots->at[1], slots->at[2]);
  case TORPOR_ABI_MAKE_VIEW:
    return torpor__view_make(slots->at[0], slots->at[1], slots->at[2],
                             slots->at[3]);
  case TORPOR_ABI_MAKE_VIEW_NEW:
    return torpor__view_make_new(slots->at[0], slots->at[1]);
  case TORPOR_ABI_MAKE_COLLECTION:
    return torpor__collection_make(slots->at[0], slot_values(slots, 1),
                                   slot_u32(slots, 2));
  case TORPOR_ABI_MAKE_ERROR:
    return make_error(slots);
  default:
    return TORPOR_UNSUPPORTED;
  }
}

EXPORT(torpor_make)
torpor_status export_make(uint32_t what, uint32_t count) {
  make_slots slots = {{0}};
  if (count > MAKE_SLOTS) return TORPOR_MISUSE;
  memcpy(slots.at, torpor_control.host.slots, count * sizeof(slots.at[0]));
  torpor__enter();
  return torpor__leave(make(what, &slots));
}
