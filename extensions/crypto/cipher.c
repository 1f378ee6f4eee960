/* SPDX-License-Identifier: MIT */
/* cipher.c - the modes of AES: CBC, CTR, GCM and key wrapping (RFC 3394). */
#include "crypto.h"
#include "mbedtls/aes.h"
#include "mbedtls/constant_time.h"
#include "mbedtls/gcm.h"
#include "mbedtls/platform_util.h"

enum { BLOCK = 16, HALF = 8 };

static int set_key(mbedtls_aes_context *to, const key *with, bool decrypt) {
  mbedtls_aes_init(to);
  return decrypt ? mbedtls_aes_setkey_dec(to, with->bytes, with->size * 8)
                 : mbedtls_aes_setkey_enc(to, with->bytes, with->size * 8);
}

/* --- CBC ----------------------------------------------------------------- */

static int encrypt_cbc(mbedtls_aes_context *aes, const params *how,
                       const bytes *data, bytes *made) {
  size_t whole = data->size / BLOCK * BLOCK, rest = data->size - whole;
  uint8_t last[BLOCK];
  memset(last, (int)(BLOCK - rest), BLOCK);
  if (rest > 0) memcpy(last, data->data + whole, rest);
  int code = mbedtls_aes_crypt_cbc(aes, MBEDTLS_AES_ENCRYPT, whole,
                                   how->iv.data, data->data, made->data);
  if (code != 0) return code;
  return mbedtls_aes_crypt_cbc(aes, MBEDTLS_AES_ENCRYPT, BLOCK, how->iv.data,
                               last, made->data + whole);
}

/* The size without the padding, or 0 when that is wrong, found without a jump
 * that depends on what the padding is. */
static size_t unpadded_size(const bytes *padded) {
  const uint8_t *last = padded->data + padded->size - BLOCK;
  uint32_t pad = last[BLOCK - 1], bad = (pad == 0) | (pad > BLOCK);
  for (uint32_t i = 0; i < BLOCK; i++)
    bad |= (BLOCK - i <= pad) & (last[i] != pad);
  return bad ? SIZE_MAX : padded->size - pad;
}

static int decrypt_cbc(mbedtls_aes_context *aes, const params *how,
                       const bytes *data, bytes *made) {
  if (data->size == 0 || data->size % BLOCK != 0) return -1;
  int code = mbedtls_aes_crypt_cbc(aes, MBEDTLS_AES_DECRYPT, data->size,
                                   how->iv.data, data->data, made->data);
  size_t size = code == 0 ? unpadded_size(made) : SIZE_MAX;
  if (size == SIZE_MAX) return -1;
  mbedtls_platform_zeroize(made->data + size, made->size - size);
  made->size = size;
  return 0;
}

static int run_cbc(JSContext *ctx, const key *with, const params *how,
                   const bytes *data, bool decrypt, bytes *made) {
  mbedtls_aes_context aes;
  size_t size = decrypt ? data->size : data->size / BLOCK * BLOCK + BLOCK;
  if (how->iv.size != BLOCK)
    return fail(ctx, OPERATION_ERROR, "the iv of AES-CBC has 16 bytes");
  if (bytes_make(ctx, made, size) < 0) return -1;
  int code = set_key(&aes, with, decrypt);
  if (code == 0)
    code = decrypt ? decrypt_cbc(&aes, how, data, made)
                   : encrypt_cbc(&aes, how, data, made);
  mbedtls_aes_free(&aes);
  return library_check(ctx, code, "not what this key encrypts");
}

/* --- CTR ----------------------------------------------------------------- */

/* Adds 1 to the lowest 'bits' of the counter; the others stay. */
static void count_up(uint8_t *counter, uint32_t bits) {
  for (int i = BLOCK - 1; bits > 0; i--) {
    uint32_t here = bits < 8 ? bits : 8, mask = (1u << here) - 1;
    uint8_t next = (uint8_t)((counter[i] & ~mask) | ((counter[i] + 1) & mask));
    counter[i] = next;
    if ((next & mask) != 0) return;
    bits -= here;
  }
}

static void mix(uint8_t *to, const uint8_t *from, const uint8_t *stream,
                size_t size) {
  for (size_t i = 0; i < size; i++) to[i] = from[i] ^ stream[i];
}

static int crypt_ctr(mbedtls_aes_context *aes, const params *how,
                     const bytes *data, bytes *made) {
  uint8_t stream[BLOCK];
  int code = 0;
  for (size_t at = 0; code == 0 && at < data->size; at += BLOCK) {
    size_t rest = data->size - at;
    code =
        mbedtls_aes_crypt_ecb(aes, MBEDTLS_AES_ENCRYPT, how->iv.data, stream);
    if (rest >= BLOCK)
      mix(made->data + at, data->data + at, stream, BLOCK);
    else
      mix(made->data + at, data->data + at, stream, rest);
    count_up(how->iv.data, how->length);
  }
  mbedtls_platform_zeroize(stream, sizeof stream);
  return code;
}

static int run_ctr(JSContext *ctx, const key *with, const params *how,
                   const bytes *data, bytes *made) {
  mbedtls_aes_context aes;
  uint64_t blocks = ((uint64_t)data->size + BLOCK - 1) / BLOCK;
  if (how->iv.size != BLOCK || how->length == 0 || how->length > 128)
    return fail(ctx, OPERATION_ERROR,
                "the counter of AES-CTR has 16 bytes, its length is 1 to 128");
  if (how->length < 32 && blocks > (uint64_t)1 << how->length)
    return fail(ctx, OPERATION_ERROR, "the counter is too short for the data");
  if (bytes_make(ctx, made, data->size) < 0) return -1;
  int code = set_key(&aes, with, false);
  if (code == 0) code = crypt_ctr(&aes, how, data, made);
  mbedtls_aes_free(&aes);
  return library_check(ctx, code, "this cannot be encrypted");
}

/* --- GCM ----------------------------------------------------------------- */

static bool is_tag_length(uint32_t bits) {
  return bits == 32 || bits == 64 ||
         (bits >= 96 && bits <= 128 && bits % 8 == 0);
}

static int run_gcm(JSContext *ctx, const key *with, const params *how,
                   const bytes *data, bool decrypt, bytes *made) {
  mbedtls_gcm_context gcm;
  const bytes *iv = &how->iv, *also = &how->additional;
  size_t tag = how->tag_length / 8, size;
  if (!is_tag_length(how->tag_length))
    return fail(ctx, OPERATION_ERROR,
                "tagLength is none of 32, 64, 96, 104, 112, 120, 128");
  if (decrypt && data->size < tag)
    return fail(ctx, OPERATION_ERROR, "the data is shorter than its tag");
  size = decrypt ? data->size - tag : data->size;
  if (bytes_make(ctx, made, decrypt ? size : size + tag) < 0) return -1;
  mbedtls_gcm_init(&gcm);
  int code = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, with->bytes,
                                with->size * 8);
  if (code == 0 && decrypt)
    code = mbedtls_gcm_auth_decrypt(&gcm, size, iv->data, iv->size, also->data,
                                    also->size, data->data + size, tag,
                                    data->data, made->data);
  else if (code == 0)
    code = mbedtls_gcm_crypt_and_tag(
        &gcm, MBEDTLS_GCM_ENCRYPT, size, iv->data, iv->size, also->data,
        also->size, data->data, made->data, tag, made->data + size);
  mbedtls_gcm_free(&gcm);
  return library_check(ctx, code,
                       decrypt ? "not what this key and iv encrypt"
                               : "the iv of AES-GCM must not be empty");
}

/* --- key wrapping -------------------------------------------------------- */

/* One of the 6 * n steps over register 'block' (the check value and a half). */
static int wrap_step(mbedtls_aes_context *aes, uint8_t *check, uint8_t *half,
                     uint32_t number, bool decrypt) {
  uint8_t block[BLOCK];
  uint8_t count[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                      (uint8_t)(number >> 8), (uint8_t)number};
  memcpy(block, check, HALF);
  memcpy(block + HALF, half, HALF);
  if (decrypt) mix(block + 4, block + 4, count, 4);
  int code = mbedtls_aes_crypt_ecb(
      aes, decrypt ? MBEDTLS_AES_DECRYPT : MBEDTLS_AES_ENCRYPT, block, block);
  if (!decrypt) mix(block + 4, block + 4, count, 4);
  memcpy(check, block, HALF);
  memcpy(half, block + HALF, HALF);
  mbedtls_platform_zeroize(block, sizeof block);
  return code;
}

static int wrap_steps(mbedtls_aes_context *aes, uint8_t *check, uint8_t *halves,
                      uint32_t count, bool decrypt) {
  int code = 0;
  for (uint32_t i = 0; code == 0 && i < 6 * count; i++) {
    uint32_t number = decrypt ? 6 * count - i : i + 1;
    uint8_t *half = halves + (number - 1) % count * HALF;
    code = wrap_step(aes, check, half, number, decrypt);
  }
  return code;
}

static int run_wrap(JSContext *ctx, const key *with, const bytes *data,
                    bool decrypt, bytes *made) {
  mbedtls_aes_context aes;
  uint8_t check[HALF];
  size_t least = decrypt ? 3 * HALF : 2 * HALF;
  size_t size = decrypt ? data->size - HALF : data->size;
  if (data->size % HALF != 0 || data->size < least)
    return fail(ctx, OPERATION_ERROR,
                "AES-KW wraps pieces of 8 bytes, at least two of them");
  if (bytes_make(ctx, made, decrypt ? size : size + HALF) < 0) return -1;
  uint8_t *halves = decrypt ? made->data : made->data + HALF;
  memcpy(halves, decrypt ? data->data + HALF : data->data, size);
  if (decrypt)
    memcpy(check, data->data, HALF);
  else
    memset(check, 0xA6, HALF);
  int code = set_key(&aes, with, decrypt);
  if (code == 0)
    code = wrap_steps(&aes, check, halves, (uint32_t)(size / HALF), decrypt);
  mbedtls_aes_free(&aes);
  uint8_t first[HALF];
  memset(first, 0xA6, HALF);
  if (!decrypt)
    memcpy(made->data, check, HALF);
  else if (code == 0 && mbedtls_ct_memcmp(check, first, HALF) != 0)
    code = -1;
  return library_check(ctx, code, "not what this key wraps");
}

int aes_run(JSContext *ctx, const key *with, const params *how,
            const bytes *data, bool decrypt, bytes *made) {
  int result;
  made->data = NULL;
  switch (how->algorithm) {
  case AES_CBC:
    result = run_cbc(ctx, with, how, data, decrypt, made);
    break;
  case AES_CTR:
    result = run_ctr(ctx, with, how, data, made);
    break;
  case AES_GCM:
    result = run_gcm(ctx, with, how, data, decrypt, made);
    break;
  default:
    result = run_wrap(ctx, with, data, decrypt, made);
  }
  if (result < 0) bytes_free(ctx, made);
  return result;
}
