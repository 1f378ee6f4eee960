/* SPDX-License-Identifier: MIT */
/* edwards.c - Ed25519 (RFC 8032) and X25519 (RFC 7748).
 *
 * Monocypher has the mathematics, SHA-512 comes from Mbed TLS. The bytes of a
 * key are its public half and then, if it is private, its secret, 32 each. */
#include "crypto.h"
#include "mbedtls/constant_time.h"
#include "mbedtls/md.h"
#include "mbedtls/platform_util.h"
#include "monocypher.h"

enum { SIZE = 32 };

/* SHA-512 of up to three pieces. */
static int hash_pieces(uint8_t *to, const bytes *pieces, int count) {
  mbedtls_md_context_t state;
  mbedtls_md_init(&state);
  int code =
      mbedtls_md_setup(&state, mbedtls_md_info_from_type(MBEDTLS_MD_SHA512), 0);
  if (code == 0) code = mbedtls_md_starts(&state);
  for (int i = 0; code == 0 && i < count; i++)
    code = mbedtls_md_update(&state, pieces[i].data, pieces[i].size);
  if (code == 0) code = mbedtls_md_finish(&state, to);
  mbedtls_md_free(&state);
  return code;
}

/* The scalar of a secret, and the prefix that goes into a signature. */
static int expand_secret(const uint8_t *secret, uint8_t *expanded) {
  bytes piece = {(uint8_t *)secret, SIZE};
  int code = hash_pieces(expanded, &piece, 1);
  crypto_eddsa_trim_scalar(expanded, expanded);
  return code;
}

int edwards_public(int algorithm, const uint8_t *secret, uint8_t *made) {
  uint8_t expanded[2 * SIZE];
  if (algorithm == X25519) {
    crypto_x25519_public_key(made, secret);
    return 0;
  }
  int code = expand_secret(secret, expanded);
  crypto_eddsa_scalarbase(made, expanded);
  mbedtls_platform_zeroize(expanded, sizeof expanded);
  return code;
}

int edwards_generate(JSContext *ctx, int algorithm, bytes *made) {
  if (bytes_make(ctx, made, 2 * SIZE) < 0) return -1;
  int code = random_fill(NULL, made->data + SIZE, SIZE);
  if (code == 0)
    code = edwards_public(algorithm, made->data + SIZE, made->data);
  if (code != 0) bytes_free(ctx, made);
  return library_check(ctx, code, "the key cannot be generated");
}

/* SHA-512 of the pieces, modulo the order of the group. */
static int hash_to_scalar(uint8_t *to, const bytes *pieces, int count) {
  uint8_t hashed[HASH_MOST];
  int code = hash_pieces(hashed, pieces, count);
  crypto_eddsa_reduce(to, hashed);
  mbedtls_platform_zeroize(hashed, sizeof hashed);
  return code;
}

static int sign(const key *with, const bytes *data, uint8_t *signature) {
  uint8_t expanded[2 * SIZE], nonce[SIZE], challenge[SIZE];
  bytes first[] = {{expanded + SIZE, SIZE}, *data};
  bytes second[] = {{signature, SIZE}, {(uint8_t *)with->bytes, SIZE}, *data};
  int code = expand_secret(with->bytes + SIZE, expanded);
  if (code == 0) code = hash_to_scalar(nonce, first, 2);
  if (code == 0) {
    crypto_eddsa_scalarbase(signature, nonce);
    code = hash_to_scalar(challenge, second, 3);
  }
  if (code == 0)
    crypto_eddsa_mul_add(signature + SIZE, challenge, expanded, nonce);
  mbedtls_platform_zeroize(expanded, sizeof expanded);
  mbedtls_platform_zeroize(nonce, sizeof nonce);
  return code;
}

int edwards_sign(JSContext *ctx, const key *with, const bytes *data,
                 bytes *made) {
  if (bytes_make(ctx, made, 2 * SIZE) < 0) return -1;
  int code = sign(with, data, made->data);
  if (code != 0) bytes_free(ctx, made);
  return library_check(ctx, code, "the data cannot be signed");
}

/* Whether a point, if it is one, is of order 1, 2, 4 or 8: by its y, also where
 * that is not reduced. */
static bool is_of_small_order(const uint8_t *point) {
  enum { PRIME = 0xed }; /* the first byte of 2^255 - 19 */
  static const uint8_t of_order_8[2][SIZE + 1] = {
      "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f"
      "\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
      "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0"
      "\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05"};
  uint8_t y[SIZE], zeros = 0, ones = 0xff;
  memcpy(y, point, SIZE);
  y[SIZE - 1] &= 0x7f;
  for (int i = 1; i < SIZE; i++) {
    zeros |= y[i];
    ones &= i < SIZE - 1 ? y[i] : y[i] | 0x80;
  }
  return (zeros == 0 && y[0] <= 1) ||                                /* 0, 1 */
         (ones == 0xff && y[0] >= PRIME - 1 && y[0] <= PRIME + 1) || /* -1 */
         memcmp(y, of_order_8[0], SIZE) == 0 ||
         memcmp(y, of_order_8[1], SIZE) == 0;
}

/* As the standard has it, a signature with a point of small order is bad. */
int edwards_verify(JSContext *ctx, const key *with, const bytes *signature,
                   const bytes *data, bool *good) {
  uint8_t challenge[SIZE];
  *good = false;
  if (signature->size != 2 * SIZE || is_of_small_order(signature->data) ||
      is_of_small_order(with->bytes))
    return 0;
  bytes pieces[] = {
      {signature->data, SIZE}, {(uint8_t *)with->bytes, SIZE}, *data};
  int code = hash_to_scalar(challenge, pieces, 3);
  if (code == 0)
    *good = crypto_eddsa_check_equation(signature->data, with->bytes,
                                        challenge) == 0;
  return library_check(ctx, code, "the signature cannot be checked");
}

int edwards_share(JSContext *ctx, const key *own, const key *other,
                  bytes *made) {
  static const uint8_t nothing[SIZE];
  if (bytes_make(ctx, made, SIZE) < 0) return -1;
  crypto_x25519(made->data, own->bytes + SIZE, other->bytes);
  if (mbedtls_ct_memcmp(made->data, nothing, SIZE) != 0) return 0;
  bytes_free(ctx, made);
  return fail(ctx, OPERATION_ERROR, "the public key is a point of small order");
}
