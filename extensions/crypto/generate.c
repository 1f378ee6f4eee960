/* SPDX-License-Identifier: MIT */
/* generate.c - new keys, and bits that are derived from keys. */
#include "crypto.h"

/* --- new keys ------------------------------------------------------------ */

static JSValue generate_secret(JSContext *ctx, params *how, bool extractable,
                               int usages) {
  bytes made;
  int64_t length = params_key_length(ctx, how);
  if (length == -2) return JS_EXCEPTION;
  how->length = (uint32_t)length;
  if (bytes_make(ctx, &made, ((size_t)length + 7) / 8) < 0) return JS_EXCEPTION;
  JSValue value = JS_EXCEPTION;
  if (library_check(ctx, random_fill(NULL, made.data, made.size),
                    "the engine has no random bytes") == 0) {
    bits_cut(&made, (uint32_t)length);
    value = key_finish(ctx, how, KEY_SECRET, extractable, usages, &made);
  }
  bytes_free(ctx, &made);
  return value;
}

/* The bytes of both halves. */
static int generate_halves(JSContext *ctx, const params *how,
                           bytes *private_key, bytes *public_key) {
  int algorithm = how->algorithm;
  if (algorithm >= RSA_PKCS1)
    return rsa_generate(ctx, how, private_key, public_key);
  bool is_edwards = algorithm == ED25519 || algorithm == X25519;
  int result = is_edwards ? edwards_generate(ctx, algorithm, private_key)
                          : curve_generate(ctx, how->curve, private_key);
  if (result < 0) return -1;
  size_t size = is_edwards ? 32 : 2 * curve_size(how->curve) + 1;
  return bytes_copy(ctx, public_key, private_key->data, size);
}

static int put_half(JSContext *ctx, JSValueConst pair, const char *name,
                    JSValue half) {
  if (JS_IsException(half)) return -1;
  return JS_DefinePropertyValueStr(ctx, pair, name, half, JS_PROP_C_W_E);
}

static JSValue make_pair(JSContext *ctx, params *how, bool extractable,
                         int usages, const bytes *private_key,
                         const bytes *public_key) {
  int hidden = usages & usages_allowed(how->algorithm, KEY_PRIVATE);
  int shown = usages & usages_allowed(how->algorithm, KEY_PUBLIC);
  JSValue pair = JS_NewObject(ctx);
  if (JS_IsException(pair)) return pair;
  if (put_half(ctx, pair, "publicKey",
               key_finish(ctx, how, KEY_PUBLIC, true, shown, public_key)) >=
          0 &&
      put_half(ctx, pair, "privateKey",
               key_finish(ctx, how, KEY_PRIVATE, extractable, hidden,
                          private_key)) >= 0)
    return pair;
  JS_FreeValue(ctx, pair);
  return JS_EXCEPTION;
}

/* Usages are checked before the work, which may be long. */
static JSValue generate_pair(JSContext *ctx, params *how, bool extractable,
                             int usages) {
  bytes private_key = {NULL, 0}, public_key = {NULL, 0};
  JSValue pair = JS_EXCEPTION;
  if ((usages & usages_allowed(how->algorithm, KEY_PRIVATE)) == 0) {
    fail(ctx, SYNTAX_ERROR, "the private key would have no usage");
    return JS_EXCEPTION;
  }
  if (generate_halves(ctx, how, &private_key, &public_key) == 0)
    pair = make_pair(ctx, how, extractable, usages, &private_key, &public_key);
  bytes_free(ctx, &private_key);
  bytes_free(ctx, &public_key);
  return pair;
}

JSValue key_generate(JSContext *ctx, params *how, bool extractable,
                     int usages) {
  bool is_secret = how->algorithm < ECDSA;
  int allowed = usages_allowed(how->algorithm, KEY_PRIVATE);
  if (!is_secret) allowed |= usages_allowed(how->algorithm, KEY_PUBLIC);
  if ((usages & ~allowed) != 0) {
    fail(ctx, SYNTAX_ERROR, "no key of this algorithm can have such a usage");
    return JS_EXCEPTION;
  }
  return is_secret ? generate_secret(ctx, how, extractable, usages)
                   : generate_pair(ctx, how, extractable, usages);
}

/* --- derived bits -------------------------------------------------------- */

void bits_cut(bytes *of, uint32_t length) {
  uint32_t rest = length % 8;
  if (rest != 0 && of->size > 0)
    of->data[of->size - 1] &= (uint8_t)(0xFF << (8 - rest));
}

static int derive_hashed(JSContext *ctx, const key *from, const params *how,
                         int64_t length, bytes *made) {
  bytes secret = key_bytes(from);
  if (length < 0 || length % 8 != 0)
    return fail(ctx, OPERATION_ERROR, "the length is no multiple of 8");
  if (bytes_make(ctx, made, (size_t)length / 8) < 0) return -1;
  int result = how->algorithm == HKDF ? hkdf_run(ctx, how, &secret, made)
                                      : pbkdf2_run(ctx, how, &secret, made);
  if (result < 0) bytes_free(ctx, made);
  return result;
}

static int derive_shared(JSContext *ctx, const key *from, const params *how,
                         int64_t length, bytes *made) {
  const key *other = key_of(ctx, how->public_key);
  if (other == NULL) return -1;
  if (other->type != KEY_PUBLIC || from->type != KEY_PRIVATE ||
      other->algorithm != from->algorithm || other->curve != from->curve)
    return fail(ctx, ACCESS_ERROR, "the two keys do not go together");
  int result = from->algorithm == X25519 ? edwards_share(ctx, from, other, made)
                                         : curve_share(ctx, from, other, made);
  if (result < 0 || length < 0) return result;
  if ((uint64_t)length > (uint64_t)made->size * 8) {
    bytes_free(ctx, made);
    return fail(ctx, OPERATION_ERROR, "the two keys share fewer bits");
  }
  made->size = ((size_t)length + 7) / 8;
  bits_cut(made, (uint32_t)length);
  return 0;
}

int bits_derive(JSContext *ctx, const key *from, const params *how,
                int64_t length, bytes *made) {
  if (how->algorithm == HKDF || how->algorithm == PBKDF2)
    return derive_hashed(ctx, from, how, length, made);
  return derive_shared(ctx, from, how, length, made);
}
