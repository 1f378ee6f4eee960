/* SPDX-License-Identifier: MIT */
/* algorithm.c - names of algorithms, and the dictionaries that go with them.
 *
 * What the Web Cryptography API calls "normalizing an algorithm", by one table:
 * for each algorithm the operations that it has, and for each of those the
 * members of its dictionary, one letter each, in the order of reading. */
#include "crypto.h"

enum {
  MEMBER_ADDITIONAL = 'a',
  MEMBER_COUNTER = 'c',
  MEMBER_COUNTER_LENGTH = 'C',
  MEMBER_EXPONENT = 'e',
  MEMBER_INFO = 'f',
  MEMBER_HASH = 'h',
  MEMBER_IV = 'i',
  MEMBER_CURVE = 'k',
  MEMBER_LABEL = 'l',
  MEMBER_LENGTH = 'L',
  MEMBER_MODULUS = 'm',
  MEMBER_ITERATIONS = 'n',
  MEMBER_LENGTH_MAYBE = 'o',
  MEMBER_PUBLIC = 'p',
  MEMBER_SALT = 's',
  MEMBER_SALT_LENGTH = 'S',
  MEMBER_TAG_LENGTH = 't',
};

enum { OP_KEYS = OP_GENERATE | OP_IMPORT };

typedef struct algorithm {
  char name[18];
  uint8_t operations;
  char use[4]; /* OP_ENCRYPT, OP_SIGN, OP_DERIVE: no algorithm has two */
  char generate[4];
  char import[4];
  char length[4];
} algorithm;

static const algorithm algorithms[ALGORITHM_COUNT] = {
    {"SHA-1", OP_DIGEST, "", "", "", ""},
    {"SHA-256", OP_DIGEST, "", "", "", ""},
    {"SHA-384", OP_DIGEST, "", "", "", ""},
    {"SHA-512", OP_DIGEST, "", "", "", ""},
    {"HMAC", OP_SIGN | OP_KEYS | OP_LENGTH, "", "ho", "ho", "ho"},
    {"AES-CBC", OP_ENCRYPT | OP_KEYS | OP_LENGTH, "i", "L", "", "L"},
    {"AES-CTR", OP_ENCRYPT | OP_KEYS | OP_LENGTH, "cC", "L", "", "L"},
    {"AES-GCM", OP_ENCRYPT | OP_KEYS | OP_LENGTH, "ait", "L", "", "L"},
    {"AES-KW", OP_WRAP | OP_KEYS | OP_LENGTH, "", "L", "", "L"},
    {"PBKDF2", OP_DERIVE | OP_IMPORT | OP_LENGTH, "hns", "", "", ""},
    {"HKDF", OP_DERIVE | OP_IMPORT | OP_LENGTH, "hfs", "", "", ""},
    {"ECDSA", OP_SIGN | OP_KEYS, "h", "k", "k", ""},
    {"ECDH", OP_DERIVE | OP_KEYS, "p", "k", "k", ""},
    {"Ed25519", OP_SIGN | OP_KEYS, "", "", "", ""},
    {"X25519", OP_DERIVE | OP_KEYS, "p", "", "", ""},
    {"RSASSA-PKCS1-v1_5", OP_SIGN | OP_KEYS, "", "meh", "h", ""},
    {"RSA-PSS", OP_SIGN | OP_KEYS, "S", "meh", "h", ""},
    {"RSA-OAEP", OP_ENCRYPT | OP_KEYS, "l", "meh", "h", ""},
};

static const char curves[CURVE_COUNT][6] = {"P-256", "P-384", "P-521"};

const char *algorithm_name(int algorithm) {
  return algorithms[algorithm].name;
}

const char *curve_name(int curve) {
  return curves[curve];
}

static int lower(int c) {
  return c >= 'A' && c <= 'Z' ? c | 32 : c;
}

static bool is_same_name(const char *a, const char *b) {
  while (*a != '\0' && lower(*a) == lower(*b)) a++, b++;
  return *a == *b;
}

/* The first operation of 'operations' that the algorithm has, or 0. */
static int find_operation(const algorithm *of, int operations) {
  int both = of->operations & operations;
  return both & -both;
}

static int find_algorithm(JSContext *ctx, params *read, JSValueConst name,
                          int operations) {
  const char *text = JS_ToCString(ctx, name);
  if (text == NULL) return -1;
  int i = 0;
  while (i < ALGORITHM_COUNT && !is_same_name(algorithms[i].name, text)) i++;
  read->algorithm = (uint8_t)i;
  read->operation = 0;
  if (i < ALGORITHM_COUNT)
    read->operation = (uint8_t)find_operation(&algorithms[i], operations);
  if (read->operation == 0)
    JS_ThrowDOMException(ctx, SUPPORT_ERROR, "'%s' is no algorithm for this",
                         text);
  JS_FreeCString(ctx, text);
  return read->operation == 0 ? -1 : 0;
}

static int missing_member(JSContext *ctx, const char *name) {
  JS_ThrowTypeError(ctx, "the algorithm needs a member '%s'", name);
  return -1;
}

/* A member of a dictionary; undefined where the algorithm is only a name. */
static JSValue get_member(JSContext *ctx, JSValueConst from, const char *name) {
  if (!JS_IsObject(from)) return JS_UNDEFINED;
  return JS_GetPropertyStr(ctx, from, name);
}

static int read_bytes(JSContext *ctx, JSValueConst from, const char *name,
                      bool is_required, bytes *to) {
  source opened;
  JSValue value = get_member(ctx, from, name);
  int result = -1;
  if (JS_IsException(value)) return -1;
  if (JS_IsUndefined(value)) return is_required ? missing_member(ctx, name) : 0;
  if (bytes_are(ctx, value, name) && source_open(ctx, value, &opened) == 0) {
    bytes borrowed = source_bytes(ctx, &opened);
    result = bytes_copy(ctx, to, borrowed.data, borrowed.size);
    source_close(ctx, &opened);
  }
  JS_FreeValue(ctx, value);
  return result;
}

/* An integer from 0 to 'most', else TypeError. Gives 1 when it was given. */
static int read_number(JSContext *ctx, JSValueConst from, const char *name,
                       bool is_required, uint32_t most, uint32_t *to) {
  double number = 0;
  JSValue value = get_member(ctx, from, name);
  if (JS_IsException(value)) return -1;
  if (JS_IsUndefined(value)) return is_required ? missing_member(ctx, name) : 0;
  int result = JS_ToFloat64(ctx, &number, value);
  JS_FreeValue(ctx, value);
  if (result < 0) return -1;
  if (!(number > -1 && number < (double)most + 1)) {
    JS_ThrowTypeError(ctx, "'%s' is not between 0 and %u", name, most);
    return -1;
  }
  *to = (uint32_t)(int64_t)number;
  return 1;
}

static int read_hash(JSContext *ctx, JSValueConst from, uint8_t *to) {
  params hash;
  JSValue value = get_member(ctx, from, "hash");
  if (JS_IsException(value)) return -1;
  if (JS_IsUndefined(value)) return missing_member(ctx, "hash");
  int result = params_read(ctx, &hash, value, OP_DIGEST);
  JS_FreeValue(ctx, value);
  *to = hash.algorithm;
  return result;
}

static int read_curve(JSContext *ctx, JSValueConst from, uint8_t *to) {
  JSValue value = get_member(ctx, from, "namedCurve");
  if (JS_IsException(value)) return -1;
  if (JS_IsUndefined(value)) return missing_member(ctx, "namedCurve");
  const char *text = JS_ToCString(ctx, value);
  JS_FreeValue(ctx, value);
  if (text == NULL) return -1;
  for (*to = 0; *to < CURVE_COUNT && strcmp(text, curves[*to]) != 0;) ++*to;
  JS_FreeCString(ctx, text);
  return *to < CURVE_COUNT ? 0
                           : fail(ctx, SUPPORT_ERROR,
                                  "namedCurve is none of P-256, P-384, P-521");
}

static int read_public(JSContext *ctx, JSValueConst from, JSValue *to) {
  JSValue value = get_member(ctx, from, "public");
  if (JS_IsException(value)) return -1;
  if (JS_IsUndefined(value)) return missing_member(ctx, "public");
  *to = value;
  return key_of(ctx, value) == NULL ? -1 : 0;
}

static int read_exponent(JSContext *ctx, JSValueConst from, bytes *to) {
  JSValue value = get_member(ctx, from, "publicExponent");
  bool is_array = JS_GetTypedArrayType(value) == JS_TYPED_ARRAY_UINT8;
  JS_FreeValue(ctx, value);
  if (JS_IsException(value)) return -1;
  if (JS_IsUndefined(value)) return missing_member(ctx, "publicExponent");
  if (!is_array)
    return fail(ctx, TYPE_ERROR, "publicExponent is not a Uint8Array");
  return read_bytes(ctx, from, "publicExponent", true, to);
}

static int read_member(JSContext *ctx, params *to, JSValueConst from,
                       char member) {
  int result;
  switch (member) {
  case MEMBER_ADDITIONAL:
    return read_bytes(ctx, from, "additionalData", false, &to->additional);
  case MEMBER_COUNTER:
    return read_bytes(ctx, from, "counter", true, &to->iv);
  case MEMBER_COUNTER_LENGTH:
    return read_number(ctx, from, "length", true, 255, &to->length);
  case MEMBER_EXPONENT:
    return read_exponent(ctx, from, &to->info);
  case MEMBER_INFO:
    return read_bytes(ctx, from, "info", true, &to->info);
  case MEMBER_HASH:
    return read_hash(ctx, from, &to->hash);
  case MEMBER_IV:
    return read_bytes(ctx, from, "iv", true, &to->iv);
  case MEMBER_CURVE:
    return read_curve(ctx, from, &to->curve);
  case MEMBER_LABEL:
    return read_bytes(ctx, from, "label", false, &to->info);
  case MEMBER_LENGTH:
    return read_number(ctx, from, "length", true, 65535, &to->length);
  case MEMBER_MODULUS:
    return read_number(ctx, from, "modulusLength", true, UINT32_MAX,
                       &to->length);
  case MEMBER_ITERATIONS:
    return read_number(ctx, from, "iterations", true, UINT32_MAX,
                       &to->iterations);
  case MEMBER_LENGTH_MAYBE:
    result = read_number(ctx, from, "length", false, UINT32_MAX, &to->length);
    to->has_length = result > 0;
    return result;
  case MEMBER_PUBLIC:
    return read_public(ctx, from, &to->public_key);
  case MEMBER_SALT:
    return read_bytes(ctx, from, "salt", true, &to->salt);
  case MEMBER_SALT_LENGTH:
    return read_number(ctx, from, "saltLength", true, UINT32_MAX,
                       &to->salt_length);
  default: /* MEMBER_TAG_LENGTH */
    to->tag_length = 128;
    return read_number(ctx, from, "tagLength", false, 255, &to->tag_length);
  }
}

static const char *members_of(const params *read) {
  const algorithm *of = &algorithms[read->algorithm];
  switch (read->operation) {
  case OP_GENERATE:
    return of->generate;
  case OP_IMPORT:
    return of->import;
  case OP_LENGTH:
    return of->length;
  default:
    return of->use;
  }
}

static int read_name(JSContext *ctx, params *read, JSValueConst value,
                     int operations) {
  if (!JS_IsObject(value)) return find_algorithm(ctx, read, value, operations);
  JSValue name = JS_GetPropertyStr(ctx, value, "name");
  if (JS_IsException(name)) return -1;
  if (JS_IsUndefined(name)) return missing_member(ctx, "name");
  int result = find_algorithm(ctx, read, name, operations);
  JS_FreeValue(ctx, name);
  return result;
}

int params_read(JSContext *ctx, params *read, JSValueConst value,
                int operations) {
  memset(read, 0, sizeof *read);
  read->public_key = JS_UNDEFINED;
  if (read_name(ctx, read, value, operations) < 0) return -1;
  const char *members = members_of(read);
  for (int i = 0; i < 4 && members[i] != '\0'; i++)
    if (read_member(ctx, read, value, members[i]) < 0) {
      params_free(ctx, read);
      return -1;
    }
  return 0;
}

void params_free(JSContext *ctx, params *read) {
  bytes_free(ctx, &read->iv);
  bytes_free(ctx, &read->additional);
  bytes_free(ctx, &read->salt);
  bytes_free(ctx, &read->info);
  JS_FreeValue(ctx, read->public_key);
  read->public_key = JS_UNDEFINED;
}

int64_t params_key_length(JSContext *ctx, const params *of) {
  switch (of->algorithm) {
  case PBKDF2:
  case HKDF:
    return -1;
  case HMAC:
    if (!of->has_length) return (int64_t)hash_block(of->hash) * 8;
    if (of->length > 0) return of->length;
    fail(ctx, of->operation == OP_LENGTH ? TYPE_ERROR : OPERATION_ERROR,
         "a key of HMAC has at least one bit");
    return -2;
  default: /* AES */
    if (of->length == 128 || of->length == 192 || of->length == 256)
      return of->length;
    fail(ctx, OPERATION_ERROR, "a key of AES has 128, 192 or 256 bits");
    return -2;
  }
}
