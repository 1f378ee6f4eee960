/* SPDX-License-Identifier: MIT */
/* curve.c - P-256, P-384 and P-521: keys, ECDSA, ECDH.
 *
 * The bytes of a key are its point, uncompressed, and then its scalar if it is
 * private; both have the size of the curve. */
#include "crypto.h"
#include "mbedtls/ecdsa.h"
#include "mbedtls/ecp.h"

static const struct {
  uint8_t id;
  uint8_t size;
} curves[CURVE_COUNT] = {
    {MBEDTLS_ECP_DP_SECP256R1, 32},
    {MBEDTLS_ECP_DP_SECP384R1, 48},
    {MBEDTLS_ECP_DP_SECP521R1, 66},
};

/* What a calculation uses; started and stopped together. */
typedef struct work {
  size_t size;
  mbedtls_ecp_group group;
  mbedtls_ecp_point point;
  mbedtls_mpi d;
  mbedtls_mpi r;
  mbedtls_mpi s;
} work;

size_t curve_size(int curve) {
  return curves[curve].size;
}

static size_t point_size(int curve) {
  return 2 * curve_size(curve) + 1;
}

static int work_start(work *of, int curve) {
  of->size = curve_size(curve);
  mbedtls_ecp_group_init(&of->group);
  mbedtls_ecp_point_init(&of->point);
  mbedtls_mpi_init(&of->d);
  mbedtls_mpi_init(&of->r);
  mbedtls_mpi_init(&of->s);
  return mbedtls_ecp_group_load(&of->group,
                                (mbedtls_ecp_group_id)curves[curve].id);
}

static void work_stop(work *of) {
  mbedtls_ecp_group_free(&of->group);
  mbedtls_ecp_point_free(&of->point);
  mbedtls_mpi_free(&of->d);
  mbedtls_mpi_free(&of->r);
  mbedtls_mpi_free(&of->s);
}

/* Reads the halves of a key, which were checked when it was made. */
static int read_key(work *to, const key *from) {
  size_t size = point_size(from->curve);
  int code =
      mbedtls_ecp_point_read_binary(&to->group, &to->point, from->bytes, size);
  if (code == 0 && from->type == KEY_PRIVATE)
    code = mbedtls_mpi_read_binary(&to->d, from->bytes + size, to->size);
  return code;
}

/* Writes point and, if 'is_private', scalar. */
static int write_key(JSContext *ctx, work *from, bool is_private, bytes *made) {
  size_t point = 2 * from->size + 1, written;
  if (bytes_make(ctx, made, point + (is_private ? from->size : 0)) < 0)
    return -1;
  int code = mbedtls_ecp_point_write_binary(&from->group, &from->point,
                                            MBEDTLS_ECP_PF_UNCOMPRESSED,
                                            &written, made->data, point);
  if (code == 0 && is_private)
    code = mbedtls_mpi_write_binary(&from->d, made->data + point, from->size);
  if (code != 0) bytes_free(ctx, made);
  return library_check(ctx, code, "the key cannot be written");
}

int curve_generate(JSContext *ctx, int curve, bytes *made) {
  work now;
  int code = work_start(&now, curve);
  if (code == 0)
    code = mbedtls_ecp_gen_keypair(&now.group, &now.d, &now.point, random_fill,
                                   NULL);
  int result = library_check(ctx, code, "the key cannot be generated");
  if (result == 0) result = write_key(ctx, &now, true, made);
  work_stop(&now);
  return result;
}

/* The public half of the scalar, as 'point' has it or as it is computed. */
static int complete_private(work *of, const bytes *point, const bytes *d) {
  mbedtls_ecp_point own;
  mbedtls_ecp_point_init(&own);
  int code = mbedtls_mpi_read_binary(&of->d, d->data, d->size);
  if (code == 0) code = mbedtls_ecp_check_privkey(&of->group, &of->d);
  if (code == 0)
    code = mbedtls_ecp_mul(&of->group, &own, &of->d, &of->group.G, random_fill,
                           NULL);
  if (code == 0 && point != NULL)
    code = mbedtls_ecp_point_cmp(&own, &of->point);
  if (code == 0) code = mbedtls_ecp_copy(&of->point, &own);
  mbedtls_ecp_point_free(&own);
  return code;
}

int curve_import(JSContext *ctx, int curve, const bytes *point, const bytes *d,
                 bytes *made) {
  work now;
  int code = work_start(&now, curve);
  if (code == 0 && point != NULL) {
    code = mbedtls_ecp_point_read_binary(&now.group, &now.point, point->data,
                                         point->size);
    if (code == 0) code = mbedtls_ecp_check_pubkey(&now.group, &now.point);
  }
  if (code == 0 && d != NULL)
    code = d->size == now.size ? complete_private(&now, point, d) : -1;
  int result = code == 0 ? write_key(ctx, &now, d != NULL, made)
                         : fail(ctx, DATA_ERROR, "no key of this curve");
  work_stop(&now);
  return result;
}

int curve_sign(JSContext *ctx, const key *with, int hash, const bytes *data,
               bytes *made) {
  work now;
  uint8_t hashed[HASH_MOST];
  if (hash_run(ctx, hash, data, hashed) < 0) return -1;
  if (bytes_make(ctx, made, 2 * curve_size(with->curve)) < 0) return -1;
  int code = work_start(&now, with->curve);
  if (code == 0) code = read_key(&now, with);
  if (code == 0)
    code = mbedtls_ecdsa_sign(&now.group, &now.r, &now.s, &now.d, hashed,
                              hash_size(hash), random_fill, NULL);
  if (code == 0) code = mbedtls_mpi_write_binary(&now.r, made->data, now.size);
  if (code == 0)
    code = mbedtls_mpi_write_binary(&now.s, made->data + now.size, now.size);
  work_stop(&now);
  if (code != 0) bytes_free(ctx, made);
  return library_check(ctx, code, "the data cannot be signed");
}

int curve_verify(JSContext *ctx, const key *with, int hash,
                 const bytes *signature, const bytes *data, bool *good) {
  work now;
  uint8_t hashed[HASH_MOST];
  size_t size = curve_size(with->curve);
  *good = false;
  if (signature->size != 2 * size) return 0;
  if (hash_run(ctx, hash, data, hashed) < 0) return -1;
  int code = work_start(&now, with->curve);
  if (code == 0) code = read_key(&now, with);
  if (code == 0) code = mbedtls_mpi_read_binary(&now.r, signature->data, size);
  if (code == 0)
    code = mbedtls_mpi_read_binary(&now.s, signature->data + size, size);
  int result = library_check(ctx, code, "the key cannot be read");
  if (result == 0)
    *good = mbedtls_ecdsa_verify(&now.group, hashed, hash_size(hash),
                                 &now.point, &now.r, &now.s) == 0;
  work_stop(&now);
  return result;
}

int curve_share(JSContext *ctx, const key *own, const key *other, bytes *made) {
  work now;
  mbedtls_ecp_point shared;
  if (bytes_make(ctx, made, curve_size(own->curve)) < 0) return -1;
  mbedtls_ecp_point_init(&shared);
  int code = work_start(&now, own->curve);
  if (code == 0) code = read_key(&now, own);
  if (code == 0) code = read_key(&now, other);
  if (code == 0)
    code = mbedtls_ecp_mul(&now.group, &shared, &now.d, &now.point, random_fill,
                           NULL);
  if (code == 0)
    code = mbedtls_mpi_write_binary(&shared.MBEDTLS_PRIVATE(X), made->data,
                                    now.size);
  mbedtls_ecp_point_free(&shared);
  work_stop(&now);
  if (code != 0) bytes_free(ctx, made);
  return library_check(ctx, code, "the bits cannot be derived");
}
