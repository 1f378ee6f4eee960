/* SPDX-License-Identifier: MIT */
/* jwk-export.c - keys to JSON Web Keys. */
#include "jwk.h"

static JSValue encode_text(JSContext *ctx, const bytes *from) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  bytes text;
  uint32_t bits = 0, count = 0;
  size_t length = 0;
  if (bytes_make(ctx, &text, from->size / 3 * 4 + 4) < 0) return JS_EXCEPTION;
  for (size_t i = 0; i < from->size; i++) {
    bits = bits << 8 | from->data[i];
    for (count += 8; count >= 6;) {
      count -= 6;
      text.data[length++] = (uint8_t)digits[bits >> count & 63];
    }
  }
  if (count > 0)
    text.data[length++] = (uint8_t)digits[bits << (6 - count) & 63];
  JSValue value = JS_NewStringLen(ctx, (char *)text.data, length);
  bytes_free(ctx, &text);
  return value;
}

static int put_value(JSContext *ctx, JSValueConst to, const char *name,
                     JSValue value) {
  if (JS_IsException(value)) return -1;
  return JS_DefinePropertyValueStr(ctx, to, name, value, JS_PROP_C_W_E);
}

static int put_text(JSContext *ctx, JSValueConst to, const char *name,
                    const char *text) {
  return put_value(ctx, to, name, JS_NewString(ctx, text));
}

/* The members that a key has, borrowed from it (of RSA: owned). */
static int split_members(JSContext *ctx, const key *of, bytes *members) {
  uint8_t *data = (uint8_t *)of->bytes;
  size_t size = curve_size(of->curve);
  bool is_private = of->type == KEY_PRIVATE;
  switch (jwk_kind_of(of->algorithm)) {
  case KIND_SECRET:
    members[0] = key_bytes(of);
    return 0;
  case KIND_CURVE:
    members[0] = (bytes){data + 1, size};
    members[1] = (bytes){data + 1 + size, size};
    if (is_private) members[MEMBER_D] = (bytes){data + 1 + 2 * size, size};
    return 0;
  case KIND_EDWARDS:
    members[0] = (bytes){data, 32};
    if (is_private) members[MEMBER_D] = (bytes){data + 32, 32};
    return 0;
  default:
    return rsa_export_numbers(ctx, of, members);
  }
}

static int put_members(JSContext *ctx, JSValueConst to, const key *of) {
  bytes members[MEMBER_MOST];
  int which = jwk_kind_of(of->algorithm);
  memset(members, 0, sizeof members);
  int result = split_members(ctx, of, members);
  for (int i = 0; result >= 0 && i < MEMBER_MOST; i++)
    if (members[i].data != NULL)
      result = put_value(ctx, to, jwk_kinds[which].members[i],
                         encode_text(ctx, &members[i]));
  for (int i = 0; which == KIND_RSA && i < MEMBER_MOST; i++)
    bytes_free(ctx, &members[i]);
  return result;
}

static int put_frame(JSContext *ctx, JSValueConst to, const key *of) {
  char alg[16];
  params like = {.algorithm = of->algorithm,
                 .hash = of->hash,
                 .length = of->length,
                 .curve = of->curve};
  int which = jwk_kind_of(of->algorithm);
  int result = put_text(ctx, to, "kty", jwk_kinds[which].type);
  if (result >= 0 && (which == KIND_CURVE || which == KIND_EDWARDS))
    result = put_text(ctx, to, "crv", jwk_curve(of->algorithm, of->curve));
  jwk_name(alg, sizeof alg, &like);
  if (result >= 0 && alg[0] != '\0' && which != KIND_CURVE)
    result = put_text(ctx, to, "alg", alg);
  if (result >= 0)
    result = put_value(ctx, to, "key_ops", usages_write(ctx, of->usages));
  if (result >= 0)
    result = put_value(ctx, to, "ext", JS_NewBool(ctx, of->extractable));
  return result;
}

JSValue jwk_export(JSContext *ctx, const key *of) {
  JSValue made = JS_NewObject(ctx);
  if (JS_IsException(made)) return made;
  if (put_frame(ctx, made, of) >= 0 && put_members(ctx, made, of) >= 0)
    return made;
  JS_FreeValue(ctx, made);
  return JS_EXCEPTION;
}
