/* SPDX-License-Identifier: MIT */
/* json.c - values to JSON text and back, as JSON.stringify and JSON.parse do,
 * by the engine's own functions: a program that replaces JSON changes nothing.
 * Writing runs getters and toJSON methods; reading runs no code. */

static torpor_status json_encode(uint64_t bits) {
  JSValue value, text;
  JSString *flat;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  text = JS_JSONStringify(torpor__ctx, value, JS_UNDEFINED, JS_UNDEFINED);
  if (JS_IsException(text)) return torpor__thrown();
  if (JS_IsUndefined(text)) return TORPOR_WRONG_TYPE;
  flat = torpor__flat(text);
  JS_FreeValue(torpor__ctx, text);
  if (flat == NULL) return torpor__thrown();
  status = text_give(flat);
  js_free_string(torpor__rt, flat);
  return status;
}

EXPORT(torpor_json_encode)
torpor_status export_json_encode(uint64_t bits) {
  torpor__enter();
  return torpor__leave_text(json_encode(bits));
}

EXPORT(torpor_json_decode)
torpor_status export_json_decode(const char *text, uint32_t size) {
  torpor__enter();
  return torpor__leave(
      torpor__give(JS_ParseJSON(torpor__ctx, text, size, "<json>")));
}
