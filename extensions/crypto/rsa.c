/* SPDX-License-Identifier: MIT */
/* rsa.c - RSA: keys, signatures (PKCS #1 v1.5, PSS), encryption (OAEP).
 *
 * The bytes of a key are the DER of PKCS #1. Every private operation is blinded
 * by the library. */
#include "mbedtls/rsa.h"

#include "crypto.h"
#include "mbedtls/md.h"
#include "rsa_internal.h"

enum {
  BITS_LEAST = 256,      /* of a key that is imported */
  BITS_GENERATED = 1024, /* of one that is made here, at least */
  BITS_MOST = 8192,
  SIZE_MOST = BITS_MOST / 8,
  DER_MOST = 5 * SIZE_MOST + 64,
};

enum { N, E, D, P, Q, DP, DQ, QI };

static int read_der(mbedtls_rsa_context *to, bool is_private, const uint8_t *at,
                    size_t size) {
  mbedtls_rsa_init(to);
  return is_private ? mbedtls_rsa_parse_key(to, at, size)
                    : mbedtls_rsa_parse_pubkey(to, at, size);
}

static int read_key(JSContext *ctx, mbedtls_rsa_context *to, const key *from) {
  int code = read_der(to, from->type == KEY_PRIVATE, from->bytes, from->size);
  return library_check(ctx, code, "the key cannot be read");
}

/* The library writes backwards from the end of what it is given. */
static int write_der(JSContext *ctx, const mbedtls_rsa_context *from,
                     bool is_private, bytes *made) {
  bytes room;
  if (bytes_make(ctx, &room, DER_MOST) < 0) return -1;
  uint8_t *at = room.data + room.size;
  int size = is_private ? mbedtls_rsa_write_key(from, room.data, &at)
                        : mbedtls_rsa_write_pubkey(from, room.data, &at);
  int result =
      library_check(ctx, size < 0 ? size : 0, "the key cannot be written");
  if (result == 0) result = bytes_copy(ctx, made, at, (size_t)size);
  bytes_free(ctx, &room);
  return result;
}

/* --- keys ---------------------------------------------------------------- */

/* The exponent as the library takes it, or 0. */
static int small_exponent(const bytes *from) {
  uint32_t value = 0;
  for (size_t i = 0; i < from->size; i++) {
    if (value >> 23 != 0) return 0;
    value = value << 8 | from->data[i];
  }
  return value >= 3 && value % 2 == 1 ? (int)value : 0;
}

int rsa_generate(JSContext *ctx, const params *how, bytes *private_key,
                 bytes *public_key) {
  mbedtls_rsa_context rsa;
  int exponent = small_exponent(&how->info);
  if (exponent == 0)
    return fail(ctx, OPERATION_ERROR,
                "publicExponent is no odd number from 3 to 2^31-1");
  if (how->length < BITS_GENERATED || how->length > BITS_MOST ||
      how->length % 8 != 0)
    return fail(ctx, OPERATION_ERROR,
                "modulusLength is no multiple of 8 from 1024 to 8192");
  mbedtls_rsa_init(&rsa);
  int code =
      mbedtls_rsa_gen_key(&rsa, random_fill, NULL, how->length, exponent);
  int result = library_check(ctx, code, "the key cannot be generated");
  if (result == 0) result = write_der(ctx, &rsa, true, private_key);
  if (result == 0) {
    result = write_der(ctx, &rsa, false, public_key);
    if (result < 0) bytes_free(ctx, private_key);
  }
  mbedtls_rsa_free(&rsa);
  return result;
}

/* Checks what was read, with 'code' from reading, and writes it anew. */
static int accept_key(JSContext *ctx, int code, mbedtls_rsa_context *rsa,
                      bool is_private, uint32_t *length, bytes *made) {
  if (code == 0)
    code = is_private ? mbedtls_rsa_check_privkey(rsa)
                      : mbedtls_rsa_check_pubkey(rsa);
  *length = code == 0 ? (uint32_t)mbedtls_rsa_get_bitlen(rsa) : 0;
  if (*length >= BITS_LEAST && *length <= BITS_MOST)
    return write_der(ctx, rsa, is_private, made);
  return fail(ctx, DATA_ERROR, "no RSA key of 256 to 8192 bits");
}

int rsa_import(JSContext *ctx, bool is_private, const bytes *from,
               uint32_t *length, bytes *made) {
  mbedtls_rsa_context rsa;
  if (from->size > DER_MOST)
    return fail(ctx, DATA_ERROR, "no RSA key of 256 to 8192 bits");
  int code = read_der(&rsa, is_private, from->data, from->size);
  int result = accept_key(ctx, code, &rsa, is_private, length, made);
  mbedtls_rsa_free(&rsa);
  return result;
}

int rsa_import_numbers(JSContext *ctx, const bytes *numbers, uint32_t *length,
                       bytes *made) {
  mbedtls_rsa_context rsa;
  bool is_private = numbers[D].data != NULL;
  for (int i = 0; i < RSA_NUMBERS; i++)
    if (numbers[i].size > SIZE_MOST)
      return fail(ctx, DATA_ERROR, "no RSA key of 256 to 8192 bits");
  mbedtls_rsa_init(&rsa);
  int code = mbedtls_rsa_import_raw(
      &rsa, numbers[N].data, numbers[N].size, numbers[P].data, numbers[P].size,
      numbers[Q].data, numbers[Q].size, numbers[D].data, numbers[D].size,
      numbers[E].data, numbers[E].size);
  if (code == 0) code = mbedtls_rsa_complete(&rsa);
  int result = accept_key(ctx, code, &rsa, is_private, length, made);
  mbedtls_rsa_free(&rsa);
  return result;
}

static int write_number(JSContext *ctx, mbedtls_mpi *from, bytes *made) {
  if (bytes_make(ctx, made, mbedtls_mpi_size(from)) < 0) return -1;
  return library_check(ctx,
                       mbedtls_mpi_write_binary(from, made->data, made->size),
                       "the key cannot be written");
}

static int export_numbers(JSContext *ctx, mbedtls_rsa_context *rsa,
                          bool is_private, bytes *numbers) {
  mbedtls_mpi values[RSA_NUMBERS];
  for (int i = 0; i < RSA_NUMBERS; i++) mbedtls_mpi_init(&values[i]);
  int code = is_private ? mbedtls_rsa_export(rsa, &values[N], &values[P],
                                             &values[Q], &values[D], &values[E])
                        : mbedtls_rsa_export(rsa, &values[N], NULL, NULL, NULL,
                                             &values[E]);
  if (code == 0 && is_private)
    code = mbedtls_rsa_export_crt(rsa, &values[DP], &values[DQ], &values[QI]);
  int result = library_check(ctx, code, "the key cannot be written");
  for (int i = 0; result == 0 && i < (is_private ? RSA_NUMBERS : D); i++)
    result = write_number(ctx, &values[i], &numbers[i]);
  for (int i = 0; i < RSA_NUMBERS; i++) mbedtls_mpi_free(&values[i]);
  return result;
}

/* Numbers that it has not stay without data; the caller frees all of them. */
int rsa_export_numbers(JSContext *ctx, const key *of, bytes *numbers) {
  mbedtls_rsa_context rsa;
  int result = read_key(ctx, &rsa, of);
  if (result == 0)
    result = export_numbers(ctx, &rsa, of->type == KEY_PRIVATE, numbers);
  mbedtls_rsa_free(&rsa);
  return result;
}

int rsa_exponent(JSContext *ctx, const key *of, bytes *made) {
  mbedtls_rsa_context rsa;
  mbedtls_mpi exponent;
  mbedtls_mpi_init(&exponent);
  int result = read_key(ctx, &rsa, of);
  if (result == 0)
    result = library_check(
        ctx, mbedtls_rsa_export(&rsa, NULL, NULL, NULL, NULL, &exponent),
        "the key cannot be read");
  if (result == 0) result = write_number(ctx, &exponent, made);
  mbedtls_mpi_free(&exponent);
  mbedtls_rsa_free(&rsa);
  return result;
}

/* --- signatures ---------------------------------------------------------- */

static mbedtls_md_type_t kind_of(const key *with) {
  return (mbedtls_md_type_t)mbedtls_kind(with->hash);
}

static int set_padding(mbedtls_rsa_context *rsa, const key *with) {
  return mbedtls_rsa_set_padding(rsa,
                                 with->algorithm == RSA_PKCS1
                                     ? MBEDTLS_RSA_PKCS_V15
                                     : MBEDTLS_RSA_PKCS_V21,
                                 kind_of(with));
}

static int sign(mbedtls_rsa_context *rsa, const key *with, const params *how,
                const uint8_t *hashed, uint8_t *to) {
  unsigned size = (unsigned)hash_size(with->hash);
  int code = set_padding(rsa, with);
  if (code != 0) return code;
  if (with->algorithm == RSA_PKCS1)
    return mbedtls_rsa_pkcs1_sign(rsa, random_fill, NULL, kind_of(with), size,
                                  hashed, to);
  if (how->salt_length > SIZE_MOST) return -1;
  return mbedtls_rsa_rsassa_pss_sign_ext(rsa, random_fill, NULL, kind_of(with),
                                         size, hashed, (int)how->salt_length,
                                         to);
}

int rsa_sign(JSContext *ctx, const key *with, const params *how,
             const bytes *data, bytes *made) {
  mbedtls_rsa_context rsa;
  uint8_t hashed[HASH_MOST];
  if (hash_run(ctx, with->hash, data, hashed) < 0) return -1;
  int result = read_key(ctx, &rsa, with);
  if (result == 0) result = bytes_make(ctx, made, mbedtls_rsa_get_len(&rsa));
  if (result == 0) {
    result = library_check(ctx, sign(&rsa, with, how, hashed, made->data),
                           "the modulus is too short for this signature");
    if (result < 0) bytes_free(ctx, made);
  }
  mbedtls_rsa_free(&rsa);
  return result;
}

static bool verify(mbedtls_rsa_context *rsa, const key *with, const params *how,
                   const uint8_t *hashed, const uint8_t *signature) {
  unsigned size = (unsigned)hash_size(with->hash);
  if (set_padding(rsa, with) != 0) return false;
  if (with->algorithm == RSA_PKCS1)
    return mbedtls_rsa_pkcs1_verify(rsa, kind_of(with), size, hashed,
                                    signature) == 0;
  if (how->salt_length > SIZE_MOST) return false;
  return mbedtls_rsa_rsassa_pss_verify_ext(rsa, kind_of(with), size, hashed,
                                           kind_of(with), (int)how->salt_length,
                                           signature) == 0;
}

int rsa_verify(JSContext *ctx, const key *with, const params *how,
               const bytes *signature, const bytes *data, bool *good) {
  mbedtls_rsa_context rsa;
  uint8_t hashed[HASH_MOST];
  *good = false;
  if (hash_run(ctx, with->hash, data, hashed) < 0) return -1;
  int result = read_key(ctx, &rsa, with);
  if (result == 0 && signature->size == mbedtls_rsa_get_len(&rsa))
    *good = verify(&rsa, with, how, hashed, signature->data);
  mbedtls_rsa_free(&rsa);
  return result;
}

/* --- encryption ---------------------------------------------------------- */

static int crypt(mbedtls_rsa_context *rsa, const key *with, const params *how,
                 const bytes *data, bool decrypt, bytes *made) {
  const bytes *label = &how->info;
  int code = set_padding(rsa, with);
  if (code != 0) return code;
  if (!decrypt)
    return mbedtls_rsa_rsaes_oaep_encrypt(rsa, random_fill, NULL, label->data,
                                          label->size, data->size, data->data,
                                          made->data);
  if (data->size != made->size) return -1;
  return mbedtls_rsa_rsaes_oaep_decrypt(rsa, random_fill, NULL, label->data,
                                        label->size, &made->size, data->data,
                                        made->data, made->size);
}

int rsa_crypt(JSContext *ctx, const key *with, const params *how,
              const bytes *data, bool decrypt, bytes *made) {
  mbedtls_rsa_context rsa;
  int result = read_key(ctx, &rsa, with);
  if (result == 0) result = bytes_make(ctx, made, mbedtls_rsa_get_len(&rsa));
  if (result == 0) {
    result = library_check(ctx, crypt(&rsa, with, how, data, decrypt, made),
                           decrypt ? "not what this key encrypts"
                                   : "the data is too long for this key");
    if (result < 0) bytes_free(ctx, made);
  }
  mbedtls_rsa_free(&rsa);
  return result;
}
