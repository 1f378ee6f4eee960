/* SPDX-License-Identifier: MIT */
/* key.c - CryptoKey: an object that holds a key, and says what it is for.
 *
 * What JavaScript sees of it (type, extractable, algorithm, usages) is made
 * once and never read again: changing it changes nothing. */
#include "crypto.h"
#include "mbedtls/platform_util.h"

static JSClassID key_class;

static const char usage_names[USE_COUNT][12] = {
    "encrypt",   "decrypt",    "sign",    "verify",
    "deriveKey", "deriveBits", "wrapKey", "unwrapKey"};

static void finalize_key(JSRuntime *rt, JSValueConst value) {
  key *of = JS_GetOpaque(value, key_class);
  if (of == NULL) return;
  JS_FreeValueRT(rt, of->algorithm_value);
  JS_FreeValueRT(rt, of->usages_value);
  mbedtls_platform_zeroize(of, sizeof *of + of->size);
  js_free_rt(rt, of);
}

static void mark_key(JSRuntime *rt, JSValueConst value, JS_MarkFunc *mark) {
  key *of = JS_GetOpaque(value, key_class);
  if (of == NULL) return;
  JS_MarkValue(rt, of->algorithm_value, mark);
  JS_MarkValue(rt, of->usages_value, mark);
}

static const JSClassDef key_definition = {
    "CryptoKey", .finalizer = finalize_key, .gc_mark = mark_key};

key *key_of(JSContext *ctx, JSValueConst value) {
  key *of = JS_GetOpaque(value, key_class);
  if (of == NULL) JS_ThrowTypeError(ctx, "not a CryptoKey");
  return of;
}

bytes key_bytes(const key *of) {
  return (bytes){(uint8_t *)of->bytes, of->size};
}

int key_check(JSContext *ctx, const key *of, const params *how, int usage) {
  if (of->algorithm != how->algorithm)
    return fail(ctx, ACCESS_ERROR, "the key is one of another algorithm");
  if ((of->usages & usage) == 0)
    return fail(ctx, ACCESS_ERROR, "the usages of the key do not allow this");
  return 0;
}

/* --- usages -------------------------------------------------------------- */

int usage_of_name(const char *name) {
  for (int i = 0; i < USE_COUNT; i++)
    if (strcmp(name, usage_names[i]) == 0) return 1 << i;
  return 0;
}

static int add_usage(JSContext *ctx, JSValueConst value, void *usages) {
  const char *name = JS_ToCString(ctx, value);
  if (name == NULL) return -1;
  int usage = usage_of_name(name);
  if (usage == 0) JS_ThrowTypeError(ctx, "'%s' is no usage of a key", name);
  JS_FreeCString(ctx, name);
  *(int *)usages |= usage;
  return usage == 0 ? -1 : 0;
}

int usages_read(JSContext *ctx, JSValueConst sequence, int *usages) {
  *usages = 0;
  return sequence_read(ctx, sequence, add_usage, usages);
}

JSValue usages_write(JSContext *ctx, int usages) {
  JSValue array = JS_NewArray(ctx);
  uint32_t count = 0;
  for (int i = 0; i < USE_COUNT && !JS_IsException(array); i++) {
    if ((usages & 1 << i) == 0) continue;
    JSValue name = JS_NewString(ctx, usage_names[i]);
    if (JS_DefinePropertyValueUint32(ctx, array, count++, name, JS_PROP_C_W_E) <
        0) {
      JS_FreeValue(ctx, array);
      array = JS_EXCEPTION;
    }
  }
  return array;
}

int usages_allowed(int algorithm, int type) {
  enum {
    CRYPT = USE_ENCRYPT | USE_DECRYPT,
    WRAP = USE_WRAP | USE_UNWRAP,
    DERIVE = USE_DERIVE_KEY | USE_DERIVE_BITS,
  };
  switch (algorithm) {
  case HMAC:
    return USE_SIGN | USE_VERIFY;
  case AES_CBC:
  case AES_CTR:
  case AES_GCM:
    return CRYPT | WRAP;
  case AES_KW:
    return WRAP;
  case PBKDF2:
  case HKDF:
    return DERIVE;
  case ECDH:
  case X25519:
    return type == KEY_PRIVATE ? DERIVE : 0;
  case RSA_OAEP:
    return type == KEY_PRIVATE ? USE_DECRYPT | USE_UNWRAP
                               : USE_ENCRYPT | USE_WRAP;
  default:
    return type == KEY_PRIVATE ? USE_SIGN : USE_VERIFY;
  }
}

int usages_check(JSContext *ctx, int algorithm, int type, int usages) {
  if ((usages & ~usages_allowed(algorithm, type)) == 0) return 0;
  return fail(ctx, SYNTAX_ERROR,
              "a usage is none that such a key of this algorithm can have");
}

/* --- what JavaScript sees ------------------------------------------------ */

static int put_value(JSContext *ctx, JSValueConst to, const char *name,
                     JSValue value) {
  if (JS_IsException(value)) return -1;
  return JS_DefinePropertyValueStr(ctx, to, name, value, JS_PROP_C_W_E);
}

/* { name }, as an algorithm is shown. */
static JSValue make_named(JSContext *ctx, int algorithm) {
  JSValue made = JS_NewObject(ctx);
  JSValue name = JS_NewString(ctx, algorithm_name(algorithm));
  if (!JS_IsException(made) && put_value(ctx, made, "name", name) >= 0)
    return made;
  JS_FreeValue(ctx, made);
  return JS_EXCEPTION;
}

static JSValue make_exponent(JSContext *ctx, const key *of) {
  bytes made;
  if (rsa_exponent(ctx, of, &made) < 0) return JS_EXCEPTION;
  JSValue array = JS_NewUint8ArrayCopy(ctx, made.data, made.size);
  bytes_free(ctx, &made);
  return array;
}

static bool has_hash(int algorithm) {
  return algorithm == HMAC || algorithm >= RSA_PKCS1;
}

static int put_details(JSContext *ctx, const key *of, JSValueConst to) {
  int algorithm = of->algorithm, result = 0;
  bool is_rsa = algorithm >= RSA_PKCS1;
  if (is_rsa || (algorithm >= HMAC && algorithm <= AES_KW))
    result = put_value(ctx, to, is_rsa ? "modulusLength" : "length",
                       JS_NewUint32(ctx, of->length));
  if (result >= 0 && is_rsa)
    result = put_value(ctx, to, "publicExponent", make_exponent(ctx, of));
  if (result >= 0 && has_hash(algorithm))
    result = put_value(ctx, to, "hash", make_named(ctx, of->hash));
  if (result >= 0 && (algorithm == ECDSA || algorithm == ECDH))
    result = put_value(ctx, to, "namedCurve",
                       JS_NewString(ctx, curve_name(of->curve)));
  return result;
}

static int describe_key(JSContext *ctx, key *of) {
  of->algorithm_value = make_named(ctx, of->algorithm);
  if (JS_IsException(of->algorithm_value) ||
      put_details(ctx, of, of->algorithm_value) < 0)
    return -1;
  of->usages_value = usages_write(ctx, of->usages);
  return JS_IsException(of->usages_value) ? -1 : 0;
}

JSValue key_make(JSContext *ctx, const params *like, int type, bool extractable,
                 int usages, const bytes *from) {
  JSValue value = JS_NewObjectClass(ctx, (int)key_class);
  if (JS_IsException(value)) return value;
  key *of = js_mallocz(ctx, sizeof *of + from->size);
  if (of == NULL) {
    JS_FreeValue(ctx, value);
    return JS_EXCEPTION;
  }
  of->type = (uint8_t)type;
  of->algorithm = like->algorithm;
  of->hash = like->hash;
  of->curve = like->curve;
  of->usages = (uint8_t)usages;
  of->extractable = extractable;
  of->length = like->length;
  of->algorithm_value = of->usages_value = JS_UNDEFINED;
  of->size = (uint32_t)from->size;
  memcpy(of->bytes, from->data, from->size);
  JS_SetOpaque(value, of);
  if (describe_key(ctx, of) == 0) return value;
  JS_FreeValue(ctx, value);
  return JS_EXCEPTION;
}

enum { GET_TYPE, GET_EXTRACTABLE, GET_ALGORITHM, GET_USAGES };

static JSValue get_part(JSContext *ctx, JSValueConst self, int part) {
  static const char types[][8] = {"secret", "public", "private"};
  const key *of = key_of(ctx, self);
  if (of == NULL) return JS_EXCEPTION;
  switch (part) {
  case GET_TYPE:
    return JS_NewString(ctx, types[of->type]);
  case GET_EXTRACTABLE:
    return JS_NewBool(ctx, of->extractable);
  case GET_ALGORITHM:
    return JS_DupValue(ctx, of->algorithm_value);
  default:
    return JS_DupValue(ctx, of->usages_value);
  }
}

#define PART(name, part)                                                       \
  JS_CGETSET_MAGIC_DEF2(name, get_part, NULL, part,                            \
                        JS_PROP_CONFIGURABLE | JS_PROP_ENUMERABLE)
static const JSCFunctionListEntry key_properties[] = {
    PART("type", GET_TYPE),
    PART("extractable", GET_EXTRACTABLE),
    PART("algorithm", GET_ALGORITHM),
    PART("usages", GET_USAGES),
};

int key_start(JSContext *ctx, JSRuntime *rt, JSValueConst global) {
  enum { COUNT = sizeof key_properties / sizeof *key_properties };
  JS_NewClassID(rt, &key_class);
  if (JS_NewClass(rt, key_class, &key_definition) < 0) return -1;
  return class_start(ctx, key_class, "CryptoKey", global, key_properties,
                     COUNT);
}
