/* SPDX-License-Identifier: MIT */
/* mistaken.c - an extension for tests that takes one of the engine's functions
 * for one of another type. */
struct JSContext;
struct JSRuntime;
double JS_NewObject(struct JSContext *ctx, double number);

__attribute__((visibility("default"))) int
qjs_ext_mistaken_init(struct JSContext *ctx, struct JSRuntime *rt) {
  (void)rt;
  return (int)JS_NewObject(ctx, 0.5);
}
