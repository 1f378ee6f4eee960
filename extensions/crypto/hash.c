/* SPDX-License-Identifier: MIT */
/* hash.c - the four hashes, and HMAC, HKDF and PBKDF2, which are made of them.
 *
 * HMAC keeps two contexts that have eaten the key, so that PBKDF2 hashes two
 * blocks for each iteration instead of four. */
#include "crypto.h"
#include "mbedtls/constant_time.h"
#include "mbedtls/md.h"
#include "mbedtls/platform_util.h"

enum { BLOCK_MOST = 128 };

typedef struct hmac {
  size_t size;
  mbedtls_md_context_t inner;
  mbedtls_md_context_t outer;
  mbedtls_md_context_t work;
} hmac;

static const struct {
  uint8_t kind;
  uint8_t size;
  uint8_t block;
} hashes[] = {
    {MBEDTLS_MD_SHA1, 20, 64},
    {MBEDTLS_MD_SHA256, 32, 64},
    {MBEDTLS_MD_SHA384, 48, 128},
    {MBEDTLS_MD_SHA512, 64, 128},
};

size_t hash_size(int hash) {
  return hashes[hash].size;
}

size_t hash_block(int hash) {
  return hashes[hash].block;
}

int mbedtls_kind(int hash) {
  return hashes[hash].kind;
}

static const mbedtls_md_info_t *hash_info(int hash) {
  return mbedtls_md_info_from_type((mbedtls_md_type_t)hashes[hash].kind);
}

int hash_run(JSContext *ctx, int hash, const bytes *data, uint8_t *to) {
  int code = mbedtls_md(hash_info(hash), data->data, data->size, to);
  return library_check(ctx, code, "the hash cannot be made");
}

/* --- HMAC ---------------------------------------------------------------- */

static int absorb_pad(mbedtls_md_context_t *to, const uint8_t *secret,
                      size_t block, uint8_t pad) {
  uint8_t padded[BLOCK_MOST];
  for (size_t i = 0; i < block; i++) padded[i] = secret[i] ^ pad;
  int code = mbedtls_md_starts(to);
  if (code == 0) code = mbedtls_md_update(to, padded, block);
  mbedtls_platform_zeroize(padded, sizeof padded);
  return code;
}

static int hmac_start(hmac *to, int hash, const bytes *secret) {
  const mbedtls_md_info_t *info = hash_info(hash);
  size_t block = hash_block(hash);
  uint8_t short_key[BLOCK_MOST] = {0};
  int code = 0;
  memset(to, 0, sizeof *to);
  to->size = hash_size(hash);
  if (secret->size > block)
    code = mbedtls_md(info, secret->data, secret->size, short_key);
  else if (secret->size > 0)
    memcpy(short_key, secret->data, secret->size);
  if (code == 0) code = mbedtls_md_setup(&to->inner, info, 0);
  if (code == 0) code = mbedtls_md_setup(&to->outer, info, 0);
  if (code == 0) code = mbedtls_md_setup(&to->work, info, 0);
  if (code == 0) code = absorb_pad(&to->inner, short_key, block, 0x36);
  if (code == 0) code = absorb_pad(&to->outer, short_key, block, 0x5C);
  if (code == 0) code = mbedtls_md_clone(&to->work, &to->inner);
  mbedtls_platform_zeroize(short_key, sizeof short_key);
  return code;
}

static int hmac_update(hmac *of, const void *data, size_t size) {
  return size == 0 ? 0 : mbedtls_md_update(&of->work, data, size);
}

/* Gives the code of what came in since the last one, and begins anew. */
static int hmac_finish(hmac *of, uint8_t *to) {
  int code = mbedtls_md_finish(&of->work, to);
  if (code == 0) code = mbedtls_md_clone(&of->work, &of->outer);
  if (code == 0) code = mbedtls_md_update(&of->work, to, of->size);
  if (code == 0) code = mbedtls_md_finish(&of->work, to);
  if (code == 0) code = mbedtls_md_clone(&of->work, &of->inner);
  return code;
}

static void hmac_stop(hmac *of) {
  mbedtls_md_free(&of->inner);
  mbedtls_md_free(&of->outer);
  mbedtls_md_free(&of->work);
}

int hmac_run(JSContext *ctx, int hash, const bytes *secret, const bytes *data,
             uint8_t *to) {
  hmac state;
  int code = hmac_start(&state, hash, secret);
  if (code == 0) code = hmac_update(&state, data->data, data->size);
  if (code == 0) code = hmac_finish(&state, to);
  hmac_stop(&state);
  return library_check(ctx, code, "the code cannot be made");
}

int hmac_verify(JSContext *ctx, const key *with, const bytes *signature,
                const bytes *data, bool *good) {
  uint8_t expected[HASH_MOST];
  bytes secret = key_bytes(with);
  size_t size = hash_size(with->hash);
  if (hmac_run(ctx, with->hash, &secret, data, expected) < 0) return -1;
  *good = signature->size == size &&
          mbedtls_ct_memcmp(signature->data, expected, size) == 0;
  mbedtls_platform_zeroize(expected, sizeof expected);
  return 0;
}

/* --- HKDF (RFC 5869) ----------------------------------------------------- */

static int expand(hmac *of, const bytes *info, bytes *to) {
  uint8_t block[HASH_MOST], number = 1;
  int code = 0;
  for (size_t done = 0, part; code == 0 && done < to->size; done += part) {
    part = to->size - done < of->size ? to->size - done : of->size;
    if (number > 1) code = hmac_update(of, block, of->size);
    if (code == 0) code = hmac_update(of, info->data, info->size);
    if (code == 0) code = hmac_update(of, &number, 1);
    if (code == 0) code = hmac_finish(of, block);
    memcpy(to->data + done, block, part);
    number++;
  }
  mbedtls_platform_zeroize(block, sizeof block);
  return code;
}

int hkdf_run(JSContext *ctx, const params *how, const bytes *secret,
             bytes *to) {
  hmac state;
  uint8_t extracted[HASH_MOST];
  bytes between = {extracted, hash_size(how->hash)};
  if (to->size > 255 * between.size)
    return fail(ctx, OPERATION_ERROR,
                "HKDF gives at most 255 times the size of its hash");
  if (hmac_run(ctx, how->hash, &how->salt, secret, extracted) < 0) return -1;
  int code = hmac_start(&state, how->hash, &between);
  if (code == 0) code = expand(&state, &how->info, to);
  hmac_stop(&state);
  mbedtls_platform_zeroize(extracted, sizeof extracted);
  return library_check(ctx, code, "the bits cannot be derived");
}

/* --- PBKDF2 (RFC 8018) --------------------------------------------------- */

/* Block 'number' of the result, all iterations of it. */
static int iterate(hmac *of, const params *how, uint32_t number, uint8_t *sum) {
  uint8_t block[HASH_MOST] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 8), (uint8_t)number};
  int code = hmac_update(of, how->salt.data, how->salt.size);
  if (code == 0) code = hmac_update(of, block, 4);
  if (code == 0) code = hmac_finish(of, block);
  memcpy(sum, block, of->size);
  for (uint32_t i = 1; code == 0 && i < how->iterations; i++) {
    if (i % 256 == 0) torpor_extension_poll();
    code = hmac_update(of, block, of->size);
    if (code == 0) code = hmac_finish(of, block);
    for (size_t j = 0; j < of->size; j++) sum[j] ^= block[j];
  }
  mbedtls_platform_zeroize(block, sizeof block);
  return code;
}

int pbkdf2_run(JSContext *ctx, const params *how, const bytes *secret,
               bytes *to) {
  hmac state;
  uint8_t sum[HASH_MOST];
  uint32_t number = 1;
  if (how->iterations == 0)
    return fail(ctx, OPERATION_ERROR, "PBKDF2 iterates at least once");
  int code = hmac_start(&state, how->hash, secret);
  for (size_t done = 0, part; code == 0 && done < to->size; done += part) {
    part = to->size - done < state.size ? to->size - done : state.size;
    code = iterate(&state, how, number++, sum);
    memcpy(to->data + done, sum, part);
  }
  hmac_stop(&state);
  mbedtls_platform_zeroize(sum, sizeof sum);
  return library_check(ctx, code, "the bits cannot be derived");
}
