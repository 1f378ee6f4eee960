/* SPDX-License-Identifier: MIT */
/* base64.c - atob, btoa, and the base64 and hex methods of Uint8Array.
 *
 * The engine has all of them, and no C that gets strings as UTF-8 was faster
 * (README.md). Loading this makes sure that they are there. */
#include <string.h>

#include "torpor-extension.h"

TORPOR_EXTENSION("base64", "1.0")

/* -1: a function is not there, or asking for it threw. */
static int check(JSContext *ctx, JSValueConst holder, const char *name) {
  JSValue found = JS_UNDEFINED;
  if (JS_IsObject(holder)) found = JS_GetPropertyStr(ctx, holder, name);
  bool is_there = JS_IsFunction(ctx, found);
  bool has_thrown = JS_IsException(found);
  JS_FreeValue(ctx, found);
  if (is_there) return 0;
  if (!has_thrown)
    JS_ThrowTypeError(ctx,
                      "the VM has no %s: do not leave out or delete it "
                      "before base64 is loaded",
                      name);
  return -1;
}

/* Each of 'names' ends with NUL, the last one with two. */
static int check_all(JSContext *ctx, JSValueConst holder, const char *names) {
  for (; *names != 0; names += strlen(names) + 1)
    if (check(ctx, holder, names) < 0) return -1;
  return 0;
}

TORPOR_EXTENSION_INIT(base64) {
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue array = JS_GetPropertyStr(ctx, global, "Uint8Array");
  JSValue prototype = JS_IsObject(array)
                          ? JS_GetPropertyStr(ctx, array, "prototype")
                          : JS_UNDEFINED;
  int status = -1;
  if (check_all(ctx, global, "atob\0btoa\0") == 0 &&
      check_all(ctx, array, "fromBase64\0fromHex\0") == 0 &&
      check_all(ctx, prototype,
                "setFromBase64\0setFromHex\0toBase64\0toHex\0") == 0)
    status = 0;
  JS_FreeValue(ctx, prototype);
  JS_FreeValue(ctx, array);
  JS_FreeValue(ctx, global);
  return status;
}
