/* SPDX-License-Identifier: MIT */
/* missing.c - an extension for tests that calls what no engine has. */
struct JSContext;
struct JSRuntime;
int frobnicate(struct JSContext *ctx);

__attribute__((visibility("default"))) int
qjs_ext_missing_init(struct JSContext *ctx, struct JSRuntime *rt) {
  (void)rt;
  return frobnicate(ctx);
}
