/* SPDX-License-Identifier: MIT */
/* reflect.c - properties across the border, one entry for all that may be done
 * with one (torpor_reflect), and what takes more operands than that.
 *
 * All of it goes straight to the engine's own functions: nothing is looked up
 * that a program could have replaced.
 *
 *  (1) What an entry works on is held while it runs: a host function that is
 *      called meanwhile may release the handles.
 *  (2) Keys become atoms before anything else runs, because their text may lie
 *      in the window, which a host function may overwrite. */

/* ---- Keys ----------------------------------------------------------------*/

static bool text_is_ascii(const char *text, uint32_t size) {
  for (uint32_t i = 0; i < size; i++)
    if ((uint8_t)text[i] >= 0x80) return false;
  return true;
}

/* The atom of a text, JS_ATOM_NULL: thrown. */
static JSAtom torpor__text_atom(const char *text, uint32_t size) {
  JSValue string;
  if (text_is_ascii(text, size)) {
    JSAtom atom = JS_ATOM_NULL;
    if (size == 0 || !is_digit(*text))
      atom = __JS_FindAtom(torpor__rt, text, size, JS_ATOM_TYPE_STRING);
    return atom ? atom : JS_NewAtomLen(torpor__ctx, text, size);
  }
  string = torpor__text_string(text, size);
  if (JS_IsException(string)) return JS_ATOM_NULL;
  return JS_NewAtomStr(torpor__ctx, JS_VALUE_GET_STRING(string));
}

/* A key of abi.h; '*status' is not OK when there is none. */
static JSAtom torpor__key_atom(uint64_t bits, torpor_status *status) {
  JSValue value;
  JSAtom atom;
  *status = TORPOR_OK;
  if (bits >> 48 == TORPOR_ABI_TEXT) {
    atom = torpor__text_atom((const char *)(uintptr_t)(uint32_t)bits,
                             (uint32_t)(bits >> 32) & 0xffff);
  } else {
    *status = torpor__value(bits, &value);
    if (*status) return JS_ATOM_NULL;
    js_dup(value);
    atom = JS_ValueToAtom(torpor__ctx, value);
    JS_FreeValue(torpor__ctx, value);
  }
  if (atom == JS_ATOM_NULL) *status = torpor__thrown();
  return atom;
}

/* ---- One property --------------------------------------------------------*/

/* What an entry works on, held. */
typedef struct operands {
  JSValue object, value;
  JSAtom key; /* JS_ATOM_NULL: none */
} operands;

static void operands_free(const operands *with) {
  JS_FreeAtom(torpor__ctx, with->key);
  JS_FreeValue(torpor__ctx, with->object);
  JS_FreeValue(torpor__ctx, with->value);
}

/* Whether 'op' takes a key, or a plain integer in the place of the value. */
static bool op_has_key(uint32_t op) {
  return op >= TORPOR_ABI_GET && op <= TORPOR_ABI_OWN;
}
static bool op_has_integer(uint32_t op) {
  return op == TORPOR_ABI_KEYS || op == TORPOR_ABI_INTEGRITY_SET ||
         op == TORPOR_ABI_INTEGRITY_TEST || op == TORPOR_ABI_ITERATE_END;
}
/* Whether it works on values that are no objects as well. */
static bool op_takes_all(uint32_t op) {
  return op == TORPOR_ABI_GET || op == TORPOR_ABI_SET ||
         op == TORPOR_ABI_KEYS || op == TORPOR_ABI_LENGTH ||
         op == TORPOR_ABI_PROTOTYPE || op == TORPOR_ABI_ITERATE;
}

/* With OK, to be freed; else nothing is held. */
static torpor_status operands_take(uint32_t op, uint64_t object, uint64_t key,
                                   uint64_t value, operands *out) {
  torpor_status status;
  *out = (operands){JS_UNDEFINED, JS_UNDEFINED, JS_ATOM_NULL};
  status = torpor__value(object, &out->object);
  if (status == TORPOR_OK && !op_has_integer(op))
    status = torpor__value(value, &out->value);
  if (status) return status;
  if (!op_takes_all(op) && !JS_IsObject(out->object)) return TORPOR_WRONG_TYPE;
  js_dup(out->object);
  js_dup(out->value);
  if (op_has_key(op)) out->key = torpor__key_atom(key, &status);
  if (status) operands_free(out);
  return status;
}

/* A boolean of the engine: -1 when it threw. */
static torpor_status give_answer(int answer) {
  if (answer < 0) return torpor__thrown();
  torpor_control.host.result[0] = torpor_boolean(answer != 0).bits;
  return TORPOR_OK;
}

/* Nothing but that it was done; -1 when it threw. */
static torpor_status give_done(int done) {
  return done < 0 ? torpor__thrown() : TORPOR_OK;
}

/* A descriptor: its flags, value, getter and setter; no flags when there is no
 * such property. Takes what is in it. */
static torpor_status give_descriptor(int found, const JSPropertyDescriptor *d) {
  uint64_t *result = torpor_control.host.result;
  uint32_t flags = TORPOR_HAS_ENUMERABLE | TORPOR_HAS_CONFIGURABLE;
  for (int i = 0; i < TORPOR_ABI_RESULTS; i++)
    result[i] = torpor_undefined().bits;
  result[0] = 0;
  if (found <= 0) return give_done(found);
  if (d->flags & JS_PROP_ENUMERABLE) flags |= TORPOR_ENUMERABLE;
  if (d->flags & JS_PROP_CONFIGURABLE) flags |= TORPOR_CONFIGURABLE;
  if (d->flags & JS_PROP_GETSET) {
    flags |= TORPOR_HAS_GET | TORPOR_HAS_SET;
  } else {
    flags |= TORPOR_HAS_VALUE | TORPOR_HAS_WRITABLE;
    if (d->flags & JS_PROP_WRITABLE) flags |= TORPOR_WRITABLE;
  }
  result[0] = flags;
  return torpor__give_all((JSValue[]){d->value, d->getter, d->setter}, 3,
                          &result[1]);
}

static torpor_status reflect_own(JSValueConst object, JSAtom key) {
  JSPropertyDescriptor d = {0, JS_UNDEFINED, JS_UNDEFINED, JS_UNDEFINED};
  int found = JS_GetOwnProperty(torpor__ctx, &d, object, key);
  return give_descriptor(found, &d);
}

static torpor_status reflect_property(uint32_t op, const operands *with) {
  JSContext *ctx = torpor__ctx;
  switch (op) {
  case TORPOR_ABI_GET:
    return torpor__give(JS_GetProperty(ctx, with->object, with->key));
  case TORPOR_ABI_SET:
    return give_done(
        JS_SetProperty(ctx, with->object, with->key, js_dup(with->value)));
  case TORPOR_ABI_HAS:
    return give_answer(JS_HasProperty(ctx, with->object, with->key));
  case TORPOR_ABI_HAS_OWN:
    return give_answer(JS_GetOwnProperty(ctx, NULL, with->object, with->key));
  case TORPOR_ABI_DELETE:
    return give_answer(JS_DeleteProperty(ctx, with->object, with->key, 0));
  default:
    return reflect_own(with->object, with->key);
  }
}

/* ---- A whole object ------------------------------------------------------*/

static torpor_status reflect_keys(JSValueConst object, uint32_t which) {
  int flags = 0;
  if (which & TORPOR_KEYS_STRINGS) flags |= JS_GPN_STRING_MASK;
  if (which & TORPOR_KEYS_SYMBOLS) flags |= JS_GPN_SYMBOL_MASK;
  if (which & TORPOR_KEYS_ENUMERABLE) flags |= JS_GPN_ENUM_ONLY;
  return torpor__give(JS_GetOwnPropertyNames2(torpor__ctx, object, flags,
                                              JS_ITERATOR_KIND_KEY));
}

static torpor_status reflect_length(JSValueConst object) {
  int64_t length;
  if (js_get_length64(torpor__ctx, &length, object)) return torpor__thrown();
  torpor_control.host.result[0] = torpor_number((double)length).bits;
  return TORPOR_OK;
}

static torpor_status integrity_set(JSValueConst object, uint32_t level) {
  JSContext *ctx = torpor__ctx;
  JSValue value;
  int done;
  if (level >= TORPOR_SEALED) {
    value =
        js_object_seal(ctx, JS_UNDEFINED, 1, &object, level == TORPOR_FROZEN);
    if (JS_IsException(value)) return torpor__thrown();
    JS_FreeValue(ctx, value);
    return TORPOR_OK;
  }
  done = JS_PreventExtensions(ctx, object);
  if (done == 0) {
    JS_ThrowTypeError(ctx, "cannot prevent extensions of this object");
    done = -1;
  }
  return give_done(done);
}

static torpor_status integrity_test(JSValueConst object, uint32_t level) {
  JSContext *ctx = torpor__ctx;
  int extensible;
  if (level >= TORPOR_SEALED)
    return torpor__give(js_object_isSealed(ctx, JS_UNDEFINED, 1, &object,
                                           level == TORPOR_FROZEN));
  extensible = JS_IsExtensible(ctx, object);
  return give_answer(extensible < 0 ? extensible : !extensible);
}

/* ---- Iteration -----------------------------------------------------------*/

static torpor_status iterate(JSValueConst object) {
  uint64_t *result = torpor_control.host.result;
  JSContext *ctx = torpor__ctx;
  JSValue iterator = JS_GetIterator(ctx, object, false), next;
  if (JS_IsException(iterator)) return torpor__thrown();
  next = JS_GetProperty(ctx, iterator, JS_ATOM_next);
  if (JS_IsException(next)) {
    JS_FreeValue(ctx, iterator);
    return torpor__thrown();
  }
  return torpor__give_all((JSValue[]){iterator, next}, 2, result);
}

static torpor_status iterate_next(JSValueConst iterator, JSValueConst next) {
  int done = false;
  JSValue value = JS_IteratorNext(torpor__ctx, iterator, next, 0, NULL, &done);
  torpor_control.host.result[1] = done;
  return torpor__give(value);
}

/* With 'thrown' there is something more important: what 'return' throws does
 * not count, but for an interrupt. */
static torpor_status iterate_end(JSValueConst iterator, bool thrown) {
  JSValue exception;
  bool interrupted;
  if (JS_IteratorClose(torpor__ctx, iterator, false) == 0) return TORPOR_OK;
  if (!thrown) return torpor__thrown();
  exception = torpor__exception_take();
  interrupted = JS_IsUncatchableError(exception);
  JS_FreeValue(torpor__ctx, exception);
  return interrupted ? TORPOR_INTERRUPTED : TORPOR_OK;
}

/* ---- The entries ---------------------------------------------------------*/

static torpor_status reflect_object(uint32_t op, const operands *with,
                                    uint64_t integer) {
  JSContext *ctx = torpor__ctx;
  switch (op) {
  case TORPOR_ABI_KEYS:
    return reflect_keys(with->object, (uint32_t)integer);
  case TORPOR_ABI_LENGTH:
    return reflect_length(with->object);
  case TORPOR_ABI_PROTOTYPE:
    return torpor__give(JS_GetPrototype(ctx, with->object));
  case TORPOR_ABI_PROTOTYPE_SET:
    return give_done(JS_SetPrototype(ctx, with->object, with->value));
  case TORPOR_ABI_INTEGRITY_SET:
    return integrity_set(with->object, (uint32_t)integer);
  case TORPOR_ABI_INTEGRITY_TEST:
    return integrity_test(with->object, (uint32_t)integer);
  case TORPOR_ABI_ITERATE:
    return iterate(with->object);
  case TORPOR_ABI_ITERATE_NEXT:
    return iterate_next(with->object, with->value);
  case TORPOR_ABI_ITERATE_END:
    return iterate_end(with->object, integer != 0);
  default:
    return TORPOR_MISUSE;
  }
}

static torpor_status reflect(uint32_t op, uint64_t object, uint64_t key,
                             uint64_t value) {
  operands with;
  torpor_status status = operands_take(op, object, key, value, &with);
  if (status) return status;
  status = op_has_key(op) ? reflect_property(op, &with)
                          : reflect_object(op, &with, value);
  operands_free(&with);
  return status;
}

EXPORT(torpor_reflect)
torpor_status export_reflect(uint32_t op, uint64_t object, uint64_t key,
                             uint64_t value) {
  torpor__enter();
  return torpor__leave(reflect(op, object, key, value));
}

/* The commonest ones, with an entry of their own. */
static torpor_status property_get(uint64_t bits, const char *key,
                                  uint32_t size) {
  JSValue object;
  JSAtom atom;
  torpor_status status = torpor__value(bits, &object);
  if (status) return status;
  atom = torpor__text_atom(key, size);
  if (atom == JS_ATOM_NULL) return torpor__thrown();
  js_dup(object);
  status = torpor__give(JS_GetProperty(torpor__ctx, object, atom));
  JS_FreeValue(torpor__ctx, object);
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
  atom = torpor__text_atom(key, size);
  if (atom == JS_ATOM_NULL) return torpor__thrown();
  js_dup(object);
  status = give_done(JS_SetProperty(torpor__ctx, object, atom, js_dup(value)));
  JS_FreeValue(torpor__ctx, object);
  JS_FreeAtom(torpor__ctx, atom);
  return status;
}

static torpor_status index_get(uint64_t bits, uint32_t index) {
  JSValue object;
  torpor_status status = torpor__value(bits, &object);
  if (status) return status;
  js_dup(object);
  status = torpor__give(JS_GetPropertyUint32(torpor__ctx, object, index));
  JS_FreeValue(torpor__ctx, object);
  return status;
}

static torpor_status index_set(uint64_t bits, uint32_t index, uint64_t to) {
  JSValue object, value;
  torpor_status status = torpor__value(bits, &object);
  if (status == TORPOR_OK) status = torpor__value(to, &value);
  if (status) return status;
  js_dup(object);
  status = give_done(
      JS_SetPropertyUint32(torpor__ctx, object, index, js_dup(value)));
  JS_FreeValue(torpor__ctx, object);
  return status;
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

/* ---- Several properties --------------------------------------------------*/

/* Fills 'atoms', as many as '*made' says. */
static torpor_status keys_take(const uint64_t *keys, uint32_t count,
                               JSAtom *atoms, uint32_t *made) {
  for (*made = 0; *made < count; ++*made) {
    torpor_status status;
    atoms[*made] = torpor__key_atom(keys[*made], &status);
    if (status) return status;
  }
  return TORPOR_OK;
}

/* Reads properties in order; those read go out when all were. */
static torpor_status read_each(JSValueConst object, const JSAtom *atoms,
                               uint32_t count) {
  JSContext *ctx = torpor__ctx;
  JSValue values[TORPOR_ABI_SLOTS];
  for (uint32_t i = 0; i < count; i++) {
    values[i] = JS_GetProperty(ctx, object, atoms[i]);
    if (!JS_IsException(values[i])) continue;
    while (i-- > 0) JS_FreeValue(ctx, values[i]);
    return torpor__thrown();
  }
  return torpor__give_all(values, count, torpor_control.host.slots);
}

static torpor_status get_each(uint64_t bits, const uint64_t *keys,
                              uint32_t count) {
  JSAtom atoms[TORPOR_ABI_SLOTS];
  JSValue object;
  uint32_t made;
  torpor_status status = torpor__value(bits, &object);
  if (status) return status;
  if (count > TORPOR_ABI_SLOTS) return TORPOR_MISUSE;
  js_dup(object);
  status = keys_take(keys, count, atoms, &made);
  if (status == TORPOR_OK) status = read_each(object, atoms, count);
  while (made-- > 0) JS_FreeAtom(torpor__ctx, atoms[made]);
  JS_FreeValue(torpor__ctx, object);
  return status;
}

EXPORT(torpor_get_each)
torpor_status export_get_each(uint64_t object, const uint64_t *keys,
                              uint32_t count) {
  torpor__enter();
  return torpor__leave(get_each(object, keys, count));
}

/* ---- Definitions ---------------------------------------------------------*/

enum { PARTS = 3 }; /* of a descriptor: value, getter, setter */

static bool is_accessor(JSValueConst value) {
  return JS_IsUndefined(value) || JS_IsFunction(torpor__ctx, value);
}

/* The engine's flags of a descriptor; -1: thrown, it contradicts itself. */
static int define_flags(uint32_t flags, JSValueConst parts[PARTS]) {
  static const uint32_t data = TORPOR_HAS_VALUE | TORPOR_HAS_WRITABLE;
  static const uint32_t accessor = TORPOR_HAS_GET | TORPOR_HAS_SET;
  int out = JS_PROP_THROW;
  if ((flags & data) && (flags & accessor)) {
    JS_ThrowTypeError(torpor__ctx,
                      "cannot have setter/getter and value or "
                      "writable");
    return -1;
  }
  if (!is_accessor(parts[1]) || !is_accessor(parts[2])) {
    JS_ThrowTypeError(torpor__ctx, "invalid getter or setter");
    return -1;
  }
  if (flags & TORPOR_HAS_VALUE) out |= JS_PROP_HAS_VALUE;
  if (flags & TORPOR_HAS_GET) out |= JS_PROP_HAS_GET;
  if (flags & TORPOR_HAS_SET) out |= JS_PROP_HAS_SET;
  if (flags & TORPOR_HAS_WRITABLE) out |= JS_PROP_HAS_WRITABLE;
  if (flags & TORPOR_HAS_ENUMERABLE) out |= JS_PROP_HAS_ENUMERABLE;
  if (flags & TORPOR_HAS_CONFIGURABLE) out |= JS_PROP_HAS_CONFIGURABLE;
  if (flags & TORPOR_WRITABLE) out |= JS_PROP_WRITABLE;
  if (flags & TORPOR_ENUMERABLE) out |= JS_PROP_ENUMERABLE;
  if (flags & TORPOR_CONFIGURABLE) out |= JS_PROP_CONFIGURABLE;
  return out;
}

static torpor_status define(const operands *with, uint32_t given,
                            JSValueConst parts[PARTS]) {
  int flags = define_flags(given, parts);
  if (flags >= 0)
    flags = JS_DefineProperty(torpor__ctx, with->object, with->key, parts[0],
                              parts[1], parts[2], flags);
  return give_done(flags);
}

static torpor_status define_with(uint64_t object, uint64_t key, uint32_t flags,
                                 const uint64_t *bits) {
  JSValue parts[PARTS];
  operands with;
  torpor_status status = TORPOR_OK;
  for (int i = 0; i < PARTS && status == TORPOR_OK; i++)
    status = torpor__value(bits[i], &parts[i]);
  if (status) return status;
  for (int i = 0; i < PARTS; i++) js_dup(parts[i]);
  status = operands_take(TORPOR_ABI_OWN, object, key, torpor_undefined().bits,
                         &with);
  if (status == TORPOR_OK) {
    status = define(&with, flags, vc(parts));
    operands_free(&with);
  }
  for (int i = 0; i < PARTS; i++) JS_FreeValue(torpor__ctx, parts[i]);
  return status;
}

EXPORT(torpor_define)
torpor_status export_define(uint64_t object, uint64_t key, uint32_t flags,
                            const uint64_t *parts) {
  torpor__enter();
  return torpor__leave(define_with(object, key, flags, parts));
}
