/* SPDX-License-Identifier: MIT */
/* manage.c - the methods that make keys: generateKey, importKey, exportKey,
 * deriveBits, deriveKey, wrapKey, unwrapKey. */
#include "crypto.h"

/* --- keys ---------------------------------------------------------------- */

static int read_format(JSContext *ctx, JSValueConst value, int *format) {
  static const char names[][6] = {[FORMAT_RAW] = "raw",
                                  [FORMAT_PKCS8] = "pkcs8",
                                  [FORMAT_SPKI] = "spki",
                                  [FORMAT_JWK] = "jwk"};
  const char *text = JS_ToCString(ctx, value);
  if (text == NULL) return -1;
  for (*format = 0; *format <= FORMAT_JWK; ++*format)
    if (strcmp(text, names[*format]) == 0) break;
  if (*format > FORMAT_JWK)
    JS_ThrowTypeError(ctx, "'%s' is none of raw, pkcs8, spki, jwk", text);
  JS_FreeCString(ctx, text);
  return *format > FORMAT_JWK ? -1 : 0;
}

JSValue subtle_generate_key(JSContext *ctx, JSValueConst *args) {
  params how;
  int usages;
  bool extractable = JS_ToBool(ctx, args[1]);
  if (usages_read(ctx, args[2], &usages) < 0 ||
      params_read(ctx, &how, args[0], OP_GENERATE) < 0)
    return JS_EXCEPTION;
  JSValue value = key_generate(ctx, &how, extractable, usages);
  params_free(ctx, &how);
  return value;
}

/* Imports from a buffer source or, as a JSON Web Key, an object. */
static JSValue import_from(JSContext *ctx, int format, JSValueConst from,
                           params *how, bool extractable, int usages) {
  source opened;
  if (format == FORMAT_JWK)
    return jwk_import(ctx, from, how, extractable, usages);
  if (source_open(ctx, from, &opened) < 0) return JS_EXCEPTION;
  bytes data = source_bytes(ctx, &opened);
  JSValue value = key_import(ctx, format, &data, how, extractable, usages);
  source_close(ctx, &opened);
  return value;
}

static bool is_dictionary(JSValueConst value) {
  if (JS_IsUndefined(value) || JS_IsNull(value)) return true;
  return JS_IsObject(value) && !JS_IsArrayBuffer(value) &&
         !JS_IsDataView(value) && JS_GetTypedArrayType(value) < 0;
}

JSValue subtle_import_key(JSContext *ctx, JSValueConst *args) {
  params how;
  int format, usages;
  bool extractable = JS_ToBool(ctx, args[3]);
  if (read_format(ctx, args[0], &format) < 0) return JS_EXCEPTION;
  if (format != FORMAT_JWK) {
    if (!bytes_are(ctx, args[1], "keyData")) return JS_EXCEPTION;
  } else if (!is_dictionary(args[1])) {
    return JS_ThrowTypeError(ctx, "keyData is no JSON Web Key");
  }
  if (usages_read(ctx, args[4], &usages) < 0 ||
      params_read(ctx, &how, args[2], OP_IMPORT) < 0)
    return JS_EXCEPTION;
  JSValue value = import_from(ctx, format, args[1], &how, extractable, usages);
  params_free(ctx, &how);
  return value;
}

static int check_extractable(JSContext *ctx, const key *of) {
  if (of->algorithm == PBKDF2 || of->algorithm == HKDF)
    return fail(ctx, SUPPORT_ERROR, "keys of this algorithm are not exported");
  if (of->extractable) return 0;
  return fail(ctx, ACCESS_ERROR, "the key is not extractable");
}

JSValue subtle_export_key(JSContext *ctx, JSValueConst *args) {
  int format;
  bytes made;
  const key *of = key_of(ctx, args[1]);
  if (of == NULL || read_format(ctx, args[0], &format) < 0 ||
      check_extractable(ctx, of) < 0)
    return JS_EXCEPTION;
  if (format == FORMAT_JWK) return jwk_export(ctx, of);
  if (key_export(ctx, of, format, &made) < 0) return JS_EXCEPTION;
  return bytes_to_buffer(ctx, &made);
}

/* --- deriving ------------------------------------------------------------ */

static int read_length(JSContext *ctx, JSValueConst value, int64_t *length) {
  uint32_t number;
  *length = -1;
  if (JS_IsUndefined(value) || JS_IsNull(value)) return 0;
  if (JS_ToUint32(ctx, &number, value) < 0) return -1;
  *length = number;
  return 0;
}

JSValue subtle_derive_bits(JSContext *ctx, JSValueConst *args) {
  params how;
  bytes made;
  const key *from;
  int64_t length;
  if (read_length(ctx, args[2], &length) < 0 ||
      use_read(ctx, args, OP_DERIVE, USE_DERIVE_BITS, &how, &from) < 0)
    return JS_EXCEPTION;
  int result = bits_derive(ctx, from, &how, length, &made);
  params_free(ctx, &how);
  return result == 0 ? bytes_to_buffer(ctx, &made) : JS_EXCEPTION;
}

/* Derives with 'how' the bits that a key of 'to' has, and imports them. */
static JSValue derive_into(JSContext *ctx, const key *from, const params *how,
                           JSValueConst to, bool extractable, int usages) {
  params made_for, length_of;
  bytes made;
  if (params_read(ctx, &made_for, to, OP_IMPORT) < 0) return JS_EXCEPTION;
  JSValue value = JS_EXCEPTION;
  if (params_read(ctx, &length_of, to, OP_LENGTH) == 0) {
    int64_t length = params_key_length(ctx, &length_of);
    if (length != -2 && bits_derive(ctx, from, how, length, &made) == 0) {
      value =
          key_import(ctx, FORMAT_RAW, &made, &made_for, extractable, usages);
      bytes_free(ctx, &made);
    }
    params_free(ctx, &length_of);
  }
  params_free(ctx, &made_for);
  return value;
}

JSValue subtle_derive_key(JSContext *ctx, JSValueConst *args) {
  params how;
  const key *from;
  int usages;
  bool extractable = JS_ToBool(ctx, args[3]);
  if (usages_read(ctx, args[4], &usages) < 0 ||
      use_read(ctx, args, OP_DERIVE, USE_DERIVE_KEY, &how, &from) < 0)
    return JS_EXCEPTION;
  JSValue value = derive_into(ctx, from, &how, args[2], extractable, usages);
  params_free(ctx, &how);
  return value;
}

/* --- wrapping ------------------------------------------------------------ */

/* The text ends with spaces, so that its size is one that AES-KW takes. */
static int write_json(JSContext *ctx, const key *of, bytes *made) {
  JSValue object = jwk_export(ctx, of);
  if (JS_IsException(object)) return -1;
  JSValue json = JS_JSONStringify(ctx, object, JS_UNDEFINED, JS_UNDEFINED);
  JS_FreeValue(ctx, object);
  if (JS_IsException(json)) return -1;
  size_t size;
  const char *text = JS_ToCStringLen(ctx, &size, json);
  JS_FreeValue(ctx, json);
  if (text == NULL) return -1;
  int result = bytes_make(ctx, made, (size + 7) / 8 * 8);
  if (result == 0) {
    memcpy(made->data, text, size);
    memset(made->data + size, ' ', made->size - size);
  }
  JS_FreeCString(ctx, text);
  return result;
}

JSValue subtle_wrap_key(JSContext *ctx, JSValueConst *args) {
  params how;
  bytes plain = {NULL, 0}, made;
  const key *with;
  int format;
  const key *of = key_of(ctx, args[1]);
  if (of == NULL || read_format(ctx, args[0], &format) < 0 ||
      use_read(ctx, (JSValueConst[]){args[3], args[2]}, OP_WRAP | OP_ENCRYPT,
               USE_WRAP, &how, &with) < 0)
    return JS_EXCEPTION;
  int result = check_extractable(ctx, of);
  if (result == 0)
    result = format == FORMAT_JWK ? write_json(ctx, of, &plain)
                                  : key_export(ctx, of, format, &plain);
  if (result == 0) result = use_crypt(ctx, with, &how, &plain, false, &made);
  bytes_free(ctx, &plain);
  params_free(ctx, &how);
  return result == 0 ? bytes_to_buffer(ctx, &made) : JS_EXCEPTION;
}

/* Imports what was unwrapped. */
static JSValue import_plain(JSContext *ctx, int format, const bytes *plain,
                            params *how, bool extractable, int usages) {
  if (format != FORMAT_JWK)
    return key_import(ctx, format, plain, how, extractable, usages);
  JSValue object = JS_ParseJSON(ctx, (char *)plain->data, plain->size, "key");
  if (JS_IsException(object)) JS_FreeValue(ctx, JS_GetException(ctx));
  JSValue value = JS_EXCEPTION;
  if (JS_IsObject(object))
    value = jwk_import(ctx, object, how, extractable, usages);
  else
    fail(ctx, DATA_ERROR, "what was wrapped is no JSON Web Key");
  JS_FreeValue(ctx, object);
  return value;
}

JSValue subtle_unwrap_key(JSContext *ctx, JSValueConst *args) {
  params how, made_for;
  source from;
  bytes plain = {NULL, 0};
  const key *with;
  int format, usages;
  bool extractable = JS_ToBool(ctx, args[5]);
  if (read_format(ctx, args[0], &format) < 0 ||
      !bytes_are(ctx, args[1], "wrappedKey") ||
      usages_read(ctx, args[6], &usages) < 0 ||
      use_read(ctx, (JSValueConst[]){args[3], args[2]}, OP_WRAP | OP_ENCRYPT,
               USE_UNWRAP, &how, &with) < 0)
    return JS_EXCEPTION;
  JSValue value = JS_EXCEPTION;
  if (params_read(ctx, &made_for, args[4], OP_IMPORT) == 0) {
    int result = source_open(ctx, args[1], &from);
    if (result == 0) {
      bytes data = source_bytes(ctx, &from);
      result = use_crypt(ctx, with, &how, &data, true, &plain);
      source_close(ctx, &from);
    }
    if (result == 0)
      value = import_plain(ctx, format, &plain, &made_for, extractable, usages);
    bytes_free(ctx, &plain);
    params_free(ctx, &made_for);
  }
  params_free(ctx, &how);
  return value;
}
