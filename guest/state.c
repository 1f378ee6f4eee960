/* SPDX-License-Identifier: MIT */
/* state.c - what a program hands to the one that takes its place.
 *
 * A program that may be replaced by newer code registers a function that gives
 * what the new one has to know (exportState of torpor:run). The host calls it
 * when the time has come, in the old VM. */

static JSValue state_exporter = JS_UNDEFINED;

static void torpor__state_export_with(JSValueConst function) {
  JS_FreeValue(torpor__ctx, state_exporter);
  state_exporter = js_dup(function);
}

static torpor_status state_export(void) {
  JSValue function, state;
  torpor_status status = torpor__wake_first();
  if (status) return status;
  if (JS_IsUndefined(state_exporter)) return TORPOR_NOT_FOUND;
  function = js_dup(state_exporter);
  state = JS_Call(torpor__ctx, function, JS_UNDEFINED, 0, NULL);
  JS_FreeValue(torpor__ctx, function);
  return torpor__give(state);
}

EXPORT(torpor_export_state)
torpor_status export_export_state(void) {
  torpor__enter();
  return torpor__leave(state_export());
}
