/* SPDX-License-Identifier: MIT */
/* import.c - keys from bytes: raw, PKCS #8 and SubjectPublicKeyInfo.
 *
 *   spki   SEQUENCE { identifier, BITS { 0, the key } }
 *   pkcs8  SEQUENCE { INTEGER, identifier, OCTETS { the key }, ... }
 *
 * An identifier has one form for each kind of key, so it is compared whole. */
#include "crypto.h"

static const uint8_t identifiers[][22] = {
    [P_256] =
        "\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01"
        "\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07",
    [P_384] =
        "\x30\x10\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01"
        "\x06\x05\x2B\x81\x04\x00\x22",
    [P_521] =
        "\x30\x10\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01"
        "\x06\x05\x2B\x81\x04\x00\x23",
    [CURVE_COUNT] = "\x30\x05\x06\x03\x2B\x65\x70",
    [CURVE_COUNT + 1] = "\x30\x05\x06\x03\x2B\x65\x6E",
    [CURVE_COUNT + 2] =
        "\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"
        "\x05\x00",
};

bytes key_identifier(int algorithm, int curve) {
  int which = algorithm == ECDSA || algorithm == ECDH ? curve
              : algorithm == ED25519                  ? CURVE_COUNT
              : algorithm == X25519                   ? CURVE_COUNT + 1
                                                      : CURVE_COUNT + 2;
  const uint8_t *found = identifiers[which];
  return (bytes){(uint8_t *)found, found[1] + 2u};
}

static int bad_data(JSContext *ctx) {
  return fail(ctx, DATA_ERROR, "no key of this format and algorithm");
}

static bytes bytes_of(const der *from) {
  return (bytes){(uint8_t *)from->at, (size_t)(from->end - from->at)};
}

static bool take_identifier(der *from, const params *how) {
  bytes expected = key_identifier(how->algorithm, how->curve);
  return der_take_bytes(from, DER_SEQUENCE, expected.data + 2,
                        expected.size - 2);
}

/* BITS without unused ones. */
static bool take_bits(der *from, der *inside) {
  return der_take(from, DER_BITS, inside) && inside->at < inside->end &&
         *inside->at++ == 0;
}

static bool open_spki(const bytes *from, const params *how, der *inside) {
  der whole = {from->data, from->data + from->size}, body;
  return der_take(&whole, DER_SEQUENCE, &body) && whole.at == whole.end &&
         take_identifier(&body, how) && take_bits(&body, inside) &&
         body.at == body.end;
}

static bool open_pkcs8(const bytes *from, const params *how, der *inside) {
  der whole = {from->data, from->data + from->size}, body, version;
  return der_take(&whole, DER_SEQUENCE, &body) && whole.at == whole.end &&
         der_take(&body, DER_INTEGER, &version) &&
         version.end - version.at == 1 && *version.at <= 1 &&
         take_identifier(&body, how) && der_take(&body, DER_OCTETS, inside);
}

/* --- each kind of key ---------------------------------------------------- */

/* SEQUENCE { 1, OCTETS { scalar }, [0] curve?, [1] { BITS { point } }? }, as
 * RFC 5915 has it. */
static int import_scalar(JSContext *ctx, const params *how, der *from,
                         bytes *made) {
  der body, scalar, skipped, outer, point = {NULL, NULL};
  if (!der_take(from, DER_SEQUENCE, &body) || from->at != from->end ||
      !der_take_bytes(&body, DER_INTEGER, "\1", 1) ||
      !der_take(&body, DER_OCTETS, &scalar))
    return bad_data(ctx);
  der_take(&body, DER_FIRST, &skipped);
  if (der_take(&body, DER_SECOND, &outer) && !take_bits(&outer, &point))
    return bad_data(ctx);
  bytes d = bytes_of(&scalar), q = bytes_of(&point);
  return curve_import(ctx, how->curve, q.data == NULL ? NULL : &q, &d, made);
}

int edwards_import(JSContext *ctx, int algorithm, const bytes *public_key,
                   const bytes *secret, bytes *made) {
  enum { SIZE = 32 };
  uint8_t computed[SIZE];
  if ((public_key != NULL && public_key->size != SIZE) ||
      (secret != NULL && secret->size != SIZE))
    return fail(ctx, DATA_ERROR, "such a key has 32 bytes");
  if (secret == NULL) return bytes_copy(ctx, made, public_key->data, SIZE);
  if (edwards_public(algorithm, secret->data, computed) != 0)
    return library_check(ctx, -1, "the key cannot be read");
  if (public_key != NULL && memcmp(public_key->data, computed, SIZE) != 0)
    return fail(ctx, DATA_ERROR, "the halves of the key do not fit");
  if (bytes_make(ctx, made, 2 * SIZE) < 0) return -1;
  memcpy(made->data, computed, SIZE);
  memcpy(made->data + SIZE, secret->data, SIZE);
  return 0;
}

static int import_private(JSContext *ctx, params *how, const bytes *from,
                          bytes *made) {
  der inside, secret;
  if (!open_pkcs8(from, how, &inside)) return bad_data(ctx);
  if (how->algorithm == ECDSA || how->algorithm == ECDH)
    return import_scalar(ctx, how, &inside, made);
  bytes key = bytes_of(&inside);
  if (how->algorithm >= RSA_PKCS1)
    return rsa_import(ctx, true, &key, &how->length, made);
  if (!der_take(&inside, DER_OCTETS, &secret) || inside.at != inside.end)
    return bad_data(ctx);
  key = bytes_of(&secret);
  return edwards_import(ctx, how->algorithm, NULL, &key, made);
}

static int import_public(JSContext *ctx, params *how, const bytes *from,
                         bytes *made) {
  if (how->algorithm == ECDSA || how->algorithm == ECDH)
    return curve_import(ctx, how->curve, from, NULL, made);
  if (how->algorithm >= RSA_PKCS1)
    return rsa_import(ctx, false, from, &how->length, made);
  return edwards_import(ctx, how->algorithm, from, NULL, made);
}

/* --- secret keys --------------------------------------------------------- */

/* A length that was asked for is that of the data, or up to 7 bits less. */
static int finish_hmac(JSContext *ctx, params *how, const bytes *from) {
  uint64_t bits = (uint64_t)from->size * 8;
  if (bits == 0) return fail(ctx, DATA_ERROR, "a key of HMAC is not empty");
  if (!how->has_length) {
    how->length = (uint32_t)bits;
    return 0;
  }
  if (how->length > bits || how->length + 8 <= bits)
    return fail(ctx, DATA_ERROR, "length is not that of the key");
  return 0;
}

static int finish_secret(JSContext *ctx, params *how, bool extractable,
                         const bytes *from) {
  if (how->algorithm == HMAC) return finish_hmac(ctx, how, from);
  if (how->algorithm == PBKDF2 || how->algorithm == HKDF)
    return extractable
               ? fail(ctx, SYNTAX_ERROR, "such a key cannot be extractable")
               : 0;
  how->length = (uint32_t)from->size * 8;
  if (from->size == 16 || from->size == 24 || from->size == 32) return 0;
  return fail(ctx, DATA_ERROR, "a key of AES has 16, 24 or 32 bytes");
}

JSValue key_finish(JSContext *ctx, params *how, int type, bool extractable,
                   int usages, const bytes *from) {
  if (type == KEY_SECRET && finish_secret(ctx, how, extractable, from) < 0)
    return JS_EXCEPTION;
  if (type != KEY_PUBLIC && usages == 0) {
    fail(ctx, SYNTAX_ERROR, "a key that is not public needs a usage");
    return JS_EXCEPTION;
  }
  return key_make(ctx, how, type, extractable || type == KEY_PUBLIC, usages,
                  from);
}

JSValue key_import(JSContext *ctx, int format, const bytes *from, params *how,
                   bool extractable, int usages) {
  bytes made = {NULL, 0};
  der inside;
  bool is_secret = how->algorithm < ECDSA;
  int type = format == FORMAT_PKCS8 ? KEY_PRIVATE
             : is_secret            ? KEY_SECRET
                                    : KEY_PUBLIC;
  if ((is_secret && format != FORMAT_RAW) ||
      (how->algorithm >= RSA_PKCS1 && format == FORMAT_RAW)) {
    fail(ctx, SUPPORT_ERROR, "keys of this algorithm have no such format");
    return JS_EXCEPTION;
  }
  if (usages_check(ctx, how->algorithm, type, usages) < 0) return JS_EXCEPTION;
  if (is_secret) return key_finish(ctx, how, type, extractable, usages, from);
  int result;
  if (format == FORMAT_PKCS8) {
    result = import_private(ctx, how, from, &made);
  } else if (format == FORMAT_RAW) {
    result = import_public(ctx, how, from, &made);
  } else if (open_spki(from, how, &inside)) {
    bytes key = bytes_of(&inside);
    result = import_public(ctx, how, &key, &made);
  } else {
    result = bad_data(ctx);
  }
  if (result < 0) return JS_EXCEPTION;
  JSValue value = key_finish(ctx, how, type, extractable, usages, &made);
  bytes_free(ctx, &made);
  return value;
}
