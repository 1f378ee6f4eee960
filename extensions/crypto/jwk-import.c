/* SPDX-License-Identifier: MIT */
/* jwk-import.c - keys from JSON Web Keys. */
#include "jwk.h"

/* --- base64url ----------------------------------------------------------- */

static int digit_value(int c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static bool decode_text(const char *text, size_t length, bytes *to) {
  uint32_t bits = 0, count = 0;
  to->size = 0;
  for (size_t i = 0; i < length; i++) {
    int digit = digit_value(text[i]);
    if (digit < 0) return false;
    bits = bits << 6 | (uint32_t)digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    to->data[to->size++] = (uint8_t)(bits >> count);
  }
  return count < 6 && (bits & ((1u << count) - 1)) == 0;
}

/* --- reading ------------------------------------------------------------- */

static int bad_member(JSContext *ctx, const char *name) {
  JS_ThrowDOMException(ctx, DATA_ERROR,
                       "'%s' of the JSON Web Key does not fit this key", name);
  return -1;
}

/* The text of a member; 0 and NULL when it is not there. */
static int read_text(JSContext *ctx, JSValueConst from, const char *name,
                     const char **text, size_t *length) {
  *text = NULL;
  if (!JS_IsObject(from)) return 0; /* null is a dictionary without members */
  JSValue value = JS_GetPropertyStr(ctx, from, name);
  if (JS_IsException(value)) return -1;
  if (JS_IsUndefined(value)) return 0;
  *text = JS_ToCStringLen(ctx, length, value);
  JS_FreeValue(ctx, value);
  return *text == NULL ? -1 : 0;
}

static int read_bytes(JSContext *ctx, JSValueConst from, const char *name,
                      bytes *to) {
  const char *text;
  size_t length;
  if (read_text(ctx, from, name, &text, &length) < 0) return -1;
  if (text == NULL) return 0;
  int result = bytes_make(ctx, to, length);
  if (result == 0 && !decode_text(text, length, to))
    result = bad_member(ctx, name);
  JS_FreeCString(ctx, text);
  return result;
}

/* Whether a member is one of the two; where it is missing, 'missing'. */
static int check_text(JSContext *ctx, JSValueConst from, const char *name,
                      const char *expected, const char *other, bool missing) {
  const char *text;
  size_t length;
  if (read_text(ctx, from, name, &text, &length) < 0) return -1;
  bool good = text == NULL ? missing
                           : strcmp(text, expected) == 0 ||
                                 (other != NULL && strcmp(text, other) == 0);
  JS_FreeCString(ctx, text);
  return good ? 0 : bad_member(ctx, name);
}

static int check_alg(JSContext *ctx, JSValueConst from, const params *how) {
  char expected[16];
  jwk_name(expected, sizeof expected, how);
  if (expected[0] == '\0') return 0;
  return check_text(ctx, from, "alg", expected,
                    how->algorithm == ED25519 ? "EdDSA" : NULL, true);
}

static bool is_for_signing(int algorithm) {
  return algorithm == HMAC || algorithm == ECDSA || algorithm == ED25519 ||
         algorithm == RSA_PKCS1 || algorithm == RSA_PSS;
}

/* Adds a usage to 'found'; one that is there already is refused. */
static int add_operation(JSContext *ctx, JSValueConst value, void *found) {
  const char *name = JS_ToCString(ctx, value);
  if (name == NULL) return -1;
  int usage = usage_of_name(name), *all = found;
  JS_FreeCString(ctx, name);
  if ((usage & *all) != 0) return bad_member(ctx, "key_ops");
  *all |= usage;
  return 0;
}

static int check_operations(JSContext *ctx, JSValueConst from, int usages) {
  int found = 0, result = 0;
  JSValue list = JS_GetPropertyStr(ctx, from, "key_ops");
  if (JS_IsException(list)) return -1;
  if (!JS_IsUndefined(list)) {
    result = sequence_read(ctx, list, add_operation, &found);
    if (result == 0 && (usages & ~found) != 0)
      result = bad_member(ctx, "key_ops");
  }
  JS_FreeValue(ctx, list);
  return result;
}

static int check_extractable(JSContext *ctx, JSValueConst from,
                             bool extractable) {
  JSValue value = JS_GetPropertyStr(ctx, from, "ext");
  if (JS_IsException(value)) return -1;
  int is_so = JS_IsUndefined(value) ? 1 : JS_ToBool(ctx, value);
  JS_FreeValue(ctx, value);
  if (is_so < 0) return -1;
  return extractable && !is_so ? bad_member(ctx, "ext") : 0;
}

static int check_frame(JSContext *ctx, JSValueConst from, const params *how,
                       bool extractable, int usages) {
  if (usages != 0 && check_text(ctx, from, "use",
                                is_for_signing(how->algorithm) ? "sig" : "enc",
                                NULL, true) < 0)
    return -1;
  if (check_operations(ctx, from, usages) < 0) return -1;
  return check_extractable(ctx, from, extractable);
}

/* A point as raw keys have it. */
static int join_point(JSContext *ctx, int curve, const bytes *members,
                      bytes *made) {
  size_t size = curve_size(curve);
  if (members[0].size != size || members[1].size != size)
    return bad_member(ctx, members[0].size != size ? "x" : "y");
  if (bytes_make(ctx, made, 2 * size + 1) < 0) return -1;
  made->data[0] = 4;
  memcpy(made->data + 1, members[0].data, size);
  memcpy(made->data + 1 + size, members[1].data, size);
  return 0;
}

static int join_rsa(JSContext *ctx, params *how, const bytes *members,
                    bytes *made) {
  int missing = 0;
  for (int i = MEMBER_D + 1; i < RSA_NUMBERS; i++)
    missing += members[i].data == NULL;
  if (members[MEMBER_D].data != NULL && missing != 0 &&
      missing != RSA_NUMBERS - MEMBER_D - 1)
    return bad_member(ctx, "p, q, dp, dq, qi");
  return rsa_import_numbers(ctx, members, &how->length, made);
}

/* The bytes of a key from its members. */
static int join_members(JSContext *ctx, params *how, const bytes *members,
                        bytes *made) {
  const bytes *d = members[MEMBER_D].data == NULL ? NULL : &members[MEMBER_D];
  bytes point;
  int result;
  switch (jwk_kind_of(how->algorithm)) {
  case KIND_SECRET:
    return bytes_copy(ctx, made, members[0].data, members[0].size);
  case KIND_CURVE:
    if (join_point(ctx, how->curve, members, &point) < 0) return -1;
    result = curve_import(ctx, how->curve, &point, d, made);
    bytes_free(ctx, &point);
    return result;
  case KIND_EDWARDS:
    return edwards_import(ctx, how->algorithm, &members[0], d, made);
  default:
    return join_rsa(ctx, how, members, made);
  }
}

static int read_members(JSContext *ctx, JSValueConst from, const jwk_kind *of,
                        bytes *members) {
  for (int i = 0; i < MEMBER_MOST; i++) {
    const char *name = of->members[i];
    if (name[0] == '\0') continue;
    if (read_bytes(ctx, from, name, &members[i]) < 0) return -1;
    if (i < MEMBER_D && members[i].data == NULL) return bad_member(ctx, name);
  }
  return 0;
}

static JSValue import_members(JSContext *ctx, JSValueConst from, params *how,
                              bool extractable, int usages,
                              const bytes *members) {
  bytes made = {NULL, 0};
  int type = jwk_kind_of(how->algorithm) == KIND_SECRET ? KEY_SECRET
             : members[MEMBER_D].data != NULL           ? KEY_PRIVATE
                                                        : KEY_PUBLIC;
  if (usages_check(ctx, how->algorithm, type, usages) < 0 ||
      check_frame(ctx, from, how, extractable, usages) < 0 ||
      join_members(ctx, how, members, &made) < 0)
    return JS_EXCEPTION;
  JSValue value = JS_EXCEPTION;
  params named = *how; /* the name of a secret key tells its length */
  if (type == KEY_SECRET) named.length = (uint32_t)made.size * 8;
  if (check_alg(ctx, from, &named) == 0)
    value = key_finish(ctx, how, type, extractable, usages, &made);
  bytes_free(ctx, &made);
  return value;
}

JSValue jwk_import(JSContext *ctx, JSValueConst from, params *how,
                   bool extractable, int usages) {
  bytes members[MEMBER_MOST];
  int which = jwk_kind_of(how->algorithm);
  JSValue value = JS_EXCEPTION;
  memset(members, 0, sizeof members);
  if (how->algorithm == PBKDF2 || how->algorithm == HKDF) {
    fail(ctx, SUPPORT_ERROR, "keys of this algorithm have no such format");
    return JS_EXCEPTION;
  }
  if (which == KIND_SECRET &&
      usages_check(ctx, how->algorithm, KEY_SECRET, usages) < 0)
    return JS_EXCEPTION;
  if (check_text(ctx, from, "kty", jwk_kinds[which].type, NULL, false) < 0)
    return JS_EXCEPTION;
  if ((which == KIND_CURVE || which == KIND_EDWARDS) &&
      check_text(ctx, from, "crv", jwk_curve(how->algorithm, how->curve), NULL,
                 false) < 0)
    return JS_EXCEPTION;
  if (read_members(ctx, from, &jwk_kinds[which], members) == 0)
    value = import_members(ctx, from, how, extractable, usages, members);
  for (int i = 0; i < MEMBER_MOST; i++) bytes_free(ctx, &members[i]);
  return value;
}
