/* SPDX-License-Identifier: MIT */
/* export.c - keys to bytes: raw, PKCS #8 and SubjectPublicKeyInfo.
 *
 * DER is written from its end, so that a length is known when it is put. */
#include "crypto.h"

/* More than the longest frame around the bytes of a key. */
enum { FRAME_MOST = 128 };

/* The size of the public half, which stands first. */
static size_t public_size(const key *of) {
  switch (of->algorithm) {
  case ECDSA:
  case ECDH:
    return 2 * curve_size(of->curve) + 1;
  case ED25519:
  case X25519:
    return 32;
  default:
    return of->size;
  }
}

static void put_identifier(der_writer *to, const key *of) {
  bytes identifier = key_identifier(of->algorithm, of->curve);
  der_put(to, identifier.data, identifier.size);
}

static void put_bits(der_writer *to, const uint8_t *data, size_t size) {
  const uint8_t *end = to->at;
  der_put(to, data, size);
  der_put(to, "", 1);
  der_close(to, DER_BITS, end);
}

static void put_number(der_writer *to, uint8_t number) {
  const uint8_t *end = to->at;
  der_put(to, &number, 1);
  der_close(to, DER_INTEGER, end);
}

static void put_spki(der_writer *to, const key *of) {
  const uint8_t *end = to->at;
  put_bits(to, of->bytes, of->size);
  put_identifier(to, of);
  der_close(to, DER_SEQUENCE, end);
}

/* What RFC 5915 calls an ECPrivateKey. */
static void put_scalar(der_writer *to, const key *of) {
  const uint8_t *end = to->at;
  size_t point = public_size(of);
  put_bits(to, of->bytes, point);
  der_close(to, DER_SECOND, end);
  const uint8_t *inner = to->at;
  der_put(to, of->bytes + point, of->size - point);
  der_close(to, DER_OCTETS, inner);
  put_number(to, 1);
  der_close(to, DER_SEQUENCE, end);
}

static void put_pkcs8(der_writer *to, const key *of) {
  const uint8_t *end = to->at;
  size_t skipped = public_size(of);
  if (of->algorithm >= RSA_PKCS1) {
    der_put(to, of->bytes, of->size);
  } else if (of->algorithm <= ECDH) {
    put_scalar(to, of);
  } else {
    der_put(to, of->bytes + skipped, of->size - skipped);
    der_close(to, DER_OCTETS, end);
  }
  der_close(to, DER_OCTETS, end);
  put_identifier(to, of);
  put_number(to, 0);
  der_close(to, DER_SEQUENCE, end);
}

static int export_der(JSContext *ctx, const key *of, bytes *made) {
  bytes room;
  if (bytes_make(ctx, &room, of->size + FRAME_MOST) < 0) return -1;
  der_writer writer = {room.data, room.data + room.size};
  if (of->type == KEY_PUBLIC)
    put_spki(&writer, of);
  else
    put_pkcs8(&writer, of);
  int result = bytes_copy(ctx, made, writer.at,
                          (size_t)(room.data + room.size - writer.at));
  bytes_free(ctx, &room);
  return result;
}

int key_export(JSContext *ctx, const key *of, int format, bytes *made) {
  static const uint8_t types[] = {[FORMAT_PKCS8] = KEY_PRIVATE,
                                  [FORMAT_SPKI] = KEY_PUBLIC};
  bool is_secret = of->type == KEY_SECRET;
  if (is_secret ? format != FORMAT_RAW
                : format == FORMAT_RAW && of->algorithm >= RSA_PKCS1)
    return fail(ctx, SUPPORT_ERROR,
                "keys of this algorithm have no such format");
  if (format == FORMAT_RAW && of->type != KEY_PRIVATE)
    return bytes_copy(ctx, made, of->bytes, of->size);
  if (format == FORMAT_RAW || of->type != types[format])
    return fail(ctx, ACCESS_ERROR, "keys of this type have no such format");
  return export_der(ctx, of, made);
}
