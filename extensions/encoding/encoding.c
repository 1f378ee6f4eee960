/* SPDX-License-Identifier: MIT */
/* encoding.c - TextEncoder and TextDecoder of the Encoding Standard
 * (https://encoding.spec.whatwg.org/): where they become globals. */
#include "encoding.h"

TORPOR_EXTENSION("encoding", "1.0")

int encoding_define_class(JSContext *ctx, JSRuntime *rt, JSClassID *id,
                          const JSClassDef *class, JSCFunction *construct,
                          const JSCFunctionListEntry *members, int count) {
  JS_NewClassID(rt, id);
  if (JS_NewClass(rt, *id, class) < 0) return -1;
  JSValue proto = JS_NewObject(ctx);
  if (JS_IsException(proto)) return -1;
  JS_SetClassProto(ctx, *id, proto); /* takes it */
  JSValue constructor = JS_NewCFunction2(ctx, construct, class->class_name, 0,
                                         JS_CFUNC_constructor, 0);
  if (JS_IsException(constructor)) return -1;
  if (JS_SetPropertyFunctionList(ctx, proto, members, count) < 0 ||
      JS_SetConstructor(ctx, constructor, proto) < 0) {
    JS_FreeValue(ctx, constructor);
    return -1;
  }
  JSValue global = JS_GetGlobalObject(ctx);
  int done = JS_DefinePropertyValueStr(ctx, global, class->class_name,
                                       constructor, /* takes it */
                                       JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
  JS_FreeValue(ctx, global);
  return done;
}

JSValue encoding_new_object(JSContext *ctx, JSValueConst new_target,
                            JSClassID id) {
  JSValue proto = JS_GetPropertyStr(ctx, new_target, "prototype");
  if (JS_IsException(proto)) return proto;
  JSValue object = JS_IsObject(proto) ? JS_NewObjectProtoClass(ctx, proto, id)
                                      : JS_NewObjectClass(ctx, id);
  JS_FreeValue(ctx, proto);
  return object;
}

void encoding_drop_error(JSContext *ctx) {
  JS_FreeValue(ctx, JS_GetException(ctx));
}

TORPOR_EXTENSION_INIT(encoding) {
  return encoding_define_encoder(ctx, rt) < 0 ||
                 encoding_define_decoder(ctx, rt) < 0
             ? -1
             : 0;
}
