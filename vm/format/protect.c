/* SPDX-License-Identifier: MIT */
/* protect.c - snapshots under a caller's key: tampering is detected, and if
 * that is asked for they are encrypted.
 *
 * An envelope around the bytes of a snapshot, so that whoever stores them need
 * not be trusted. AES-256-GCM with key and nonce derived by HKDF-SHA256 from
 * the caller's key and a random salt, which WebCrypto can do as well.
 *
 *      0  magic 89 54 4f 52 4b 0d 0a 1a
 *      8  u32 version (1), u32 how (1 authenticated, 2 encrypted as well)
 *     16  salt, 32 bytes
 *     48  the snapshot, as it is or encrypted
 *    end  tag, 16 bytes
 *
 *  (1) Each envelope has a key of its own, since its salt is random: no nonce
 *      is ever used twice.
 *  (2) Nothing that was decrypted is given out before the tag was found right;
 *      when it is wrong, what was decrypted is overwritten.
 *  (3) The tag also covers the header and the size of the context, so that no
 *      part can be taken for another.
 *
 * Bytes: docs/snapshot-format.md. Any thread. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "common/alloc.h"
#include "vm/common/bytes.h"
#include "vm/common/error.h"

#define PROTECT_VERSION 1u
#define AT_VERSION 8
#define AT_HOW 12
#define AT_SALT 16
#define SALT_SIZE 32u
#define HEADER_SIZE 48u
#define TAG_SIZE 16u
#define SIZE_SIZE 8u
#define NONCE_SIZE 12u

/* OpenSSL counts in int. */
#define PART_LARGEST ((size_t)1 << 30)

static const uint8_t magic[8] = {0x89, 'T', 'O', 'R', 'K', '\r', '\n', 0x1a};
static const char purpose[] = "torpor snapshot protection 1";

/* What is derived for one envelope. */
typedef struct secret {
  uint8_t key[TORPOR_KEY_SIZE];
  uint8_t nonce[NONCE_SIZE];
} secret;

/* The snapshot and what is bound to it. */
typedef struct envelope {
  const uint8_t *header;
  const void *context;
  size_t context_size;
  torpor_protection how;
} envelope;

static torpor_status crypto_failed(void) {
  return torpor__fail(NULL, TORPOR_NOMEM,
                      "the crypto library failed: it is out of memory, or "
                      "lacks AES-256-GCM, HKDF or randomness");
}

/* ---- Keys -----------------------------------------------------------------*/

static bool derive(const uint8_t *key, const uint8_t *salt, secret *out) {
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256",
                                       0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key,
                                        TORPOR_KEY_SIZE),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt,
                                        SALT_SIZE),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)purpose,
                                        sizeof(purpose) - 1),
      OSSL_PARAM_construct_end()};
  uint8_t bytes[TORPOR_KEY_SIZE + NONCE_SIZE];
  bool good =
      context && EVP_KDF_derive(context, bytes, sizeof(bytes), parameters) == 1;
  if (good) {
    memcpy(out->key, bytes, TORPOR_KEY_SIZE);
    memcpy(out->nonce, bytes + TORPOR_KEY_SIZE, NONCE_SIZE);
  }
  OPENSSL_cleanse(bytes, sizeof(bytes));
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return good;
}

/* A cipher for one envelope; NULL when there is none. */
static EVP_CIPHER_CTX *open_cipher(const uint8_t *key, const uint8_t *salt,
                                   bool encrypt) {
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
  secret derived;
  bool good = cipher && derive(key, salt, &derived) &&
              EVP_CipherInit_ex2(cipher, EVP_aes_256_gcm(), derived.key,
                                 derived.nonce, encrypt, NULL) == 1;
  OPENSSL_cleanse(&derived, sizeof(derived));
  if (good) return cipher;
  EVP_CIPHER_CTX_free(cipher);
  return NULL;
}

/* ---- Bytes through the cipher ---------------------------------------------*/

/* 'to' NULL: the bytes are authenticated only. */
static bool update(EVP_CIPHER_CTX *cipher, uint8_t *to, const void *data,
                   size_t size) {
  const uint8_t *at = data;
  while (size > 0) {
    size_t part = size < PART_LARGEST ? size : PART_LARGEST;
    int done;
    if (EVP_CipherUpdate(cipher, to, &done, at, (int)part) != 1) return false;
    at += part;
    size -= part;
    if (to) to += part;
  }
  return true;
}

static bool bind_context(EVP_CIPHER_CTX *cipher, const envelope *e) {
  uint8_t size[SIZE_SIZE];
  torpor__bytes_write(size, e->context_size, sizeof(size));
  return update(cipher, NULL, e->header, HEADER_SIZE) &&
         update(cipher, NULL, size, sizeof(size)) &&
         update(cipher, NULL, e->context, e->context_size);
}

/* Sends 'size' bytes through the cipher, or past it when they are only
 * authenticated. */
static bool carry(EVP_CIPHER_CTX *cipher, const envelope *e, uint8_t *to,
                  const uint8_t *from, size_t size) {
  if (!bind_context(cipher, e)) return false;
  if (e->how == TORPOR_ENCRYPT) return update(cipher, to, from, size);
  if (size > 0) memcpy(to, from, size);
  return update(cipher, NULL, from, size);
}

static bool check_arguments(const void *data, size_t size, const uint8_t *key,
                            const void *context, size_t context_size) {
  return key && (data || size == 0) && (context || context_size == 0);
}

static torpor_status misused(void) {
  return torpor__fail(NULL, TORPOR_MISUSE,
                      "protecting a snapshot needs the bytes, a key of %d "
                      "bytes, and TORPOR_AUTHENTICATE or TORPOR_ENCRYPT",
                      TORPOR_KEY_SIZE);
}

/* ---- Protect --------------------------------------------------------------*/

static bool seal(uint8_t *bytes, const void *data, size_t size,
                 const uint8_t *key, const envelope *e) {
  EVP_CIPHER_CTX *cipher = open_cipher(key, bytes + AT_SALT, true);
  uint8_t *tag = bytes + HEADER_SIZE + size;
  int done;
  bool good =
      cipher && carry(cipher, e, bytes + HEADER_SIZE, data, size) &&
      EVP_CipherFinal_ex(cipher, tag, &done) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) == 1;
  EVP_CIPHER_CTX_free(cipher);
  return good;
}

torpor_status torpor_snapshot_protect(const void *data, size_t size,
                                      const uint8_t key[TORPOR_KEY_SIZE],
                                      torpor_protection how,
                                      const void *context, size_t context_size,
                                      torpor_bytes *out) {
  const size_t whole = HEADER_SIZE + size + TAG_SIZE;
  envelope e = {NULL, context, context_size, how};
  uint8_t *bytes;
  TORPOR__REQUIRE(NULL, out);
  *out = (torpor_bytes){NULL, 0};
  if (!check_arguments(data, size, key, context, context_size) ||
      (how != TORPOR_AUTHENTICATE && how != TORPOR_ENCRYPT) || whole < size)
    return misused();
  bytes = torpor__alloc(whole);
  if (!bytes)
    return torpor__fail(NULL, TORPOR_NOMEM, "out of memory for %zu bytes",
                        whole);
  memcpy(bytes, magic, sizeof(magic));
  torpor__bytes_write(bytes + AT_VERSION, PROTECT_VERSION, 4);
  torpor__bytes_write(bytes + AT_HOW, how, 4);
  e.header = bytes;
  if (RAND_bytes(bytes + AT_SALT, SALT_SIZE) != 1 ||
      !seal(bytes, data, size, key, &e)) {
    torpor__alloc_free(bytes);
    return crypto_failed();
  }
  *out = (torpor_bytes){bytes, whole};
  return TORPOR_OK;
}

/* ---- Unprotect ------------------------------------------------------------*/

bool torpor_snapshot_is_protected(const void *data, size_t size) {
  return data && size >= sizeof(magic) &&
         memcmp(data, magic, sizeof(magic)) == 0;
}

static torpor_status read_header(const uint8_t *data, size_t size,
                                 torpor_protection *how) {
  uint32_t version, number;
  if (!torpor_snapshot_is_protected(data, size))
    return torpor__fail(NULL, TORPOR_FORMAT,
                        "this is not a protected snapshot (bad magic)");
  if (size < HEADER_SIZE + TAG_SIZE)
    return torpor__fail(NULL, TORPOR_FORMAT,
                        "the protected snapshot was cut off; use another copy "
                        "of it");
  version = torpor__bytes_read_u32(data + AT_VERSION);
  number = torpor__bytes_read_u32(data + AT_HOW);
  if (version != PROTECT_VERSION ||
      (number != TORPOR_AUTHENTICATE && number != TORPOR_ENCRYPT))
    return torpor__fail(NULL, TORPOR_NEWER,
                        "the snapshot is protected in a way (version %u, kind "
                        "%u) that this Torpor does not know; use a newer one",
                        version, number);
  *how = (torpor_protection)number;
  return TORPOR_OK;
}

/* Gives KEY when the tag does not fit. */
static torpor_status unseal(uint8_t *to, const uint8_t *data, size_t size,
                            const uint8_t *key, const envelope *e) {
  EVP_CIPHER_CTX *cipher = open_cipher(key, data + AT_SALT, false);
  uint8_t tag[TAG_SIZE];
  int done;
  torpor_status status = TORPOR_NOMEM;
  memcpy(tag, data + HEADER_SIZE + size, sizeof(tag));
  if (cipher && carry(cipher, e, to, data + HEADER_SIZE, size) &&
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1)
    status = EVP_CipherFinal_ex(cipher, to + size, &done) == 1 ? TORPOR_OK
                                                               : TORPOR_KEY;
  EVP_CIPHER_CTX_free(cipher);
  return status;
}

torpor_status torpor_snapshot_unprotect(const void *data, size_t size,
                                        const uint8_t key[TORPOR_KEY_SIZE],
                                        const void *context,
                                        size_t context_size,
                                        torpor_bytes *out) {
  envelope e = {data, context, context_size, TORPOR_ENCRYPT};
  size_t inner;
  uint8_t *bytes;
  torpor_status status;
  TORPOR__REQUIRE(NULL, out);
  *out = (torpor_bytes){NULL, 0};
  if (!check_arguments(data, size, key, context, context_size))
    return misused();
  status = read_header(data, size, &e.how);
  if (status != TORPOR_OK) return status;
  inner = size - HEADER_SIZE - TAG_SIZE;
  bytes = torpor__alloc(inner + 1);
  if (!bytes)
    return torpor__fail(NULL, TORPOR_NOMEM, "out of memory for %zu bytes",
                        inner);
  status = unseal(bytes, data, inner, key, &e);
  if (status == TORPOR_OK) {
    bytes[inner] = 0;
    *out = (torpor_bytes){bytes, inner};
    return TORPOR_OK;
  }
  OPENSSL_cleanse(bytes, inner);
  torpor__alloc_free(bytes);
  if (status == TORPOR_NOMEM) return crypto_failed();
  return torpor__fail(NULL, TORPOR_KEY,
                      "the snapshot does not open: wrong key, wrong context, "
                      "or altered bytes");
}
