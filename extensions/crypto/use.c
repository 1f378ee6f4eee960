/* SPDX-License-Identifier: MIT */
/* use.c - the methods that use a key: encrypt, decrypt, sign, verify; and
 * digest. */
#include "crypto.h"

/* --- running an algorithm ------------------------------------------------ */

int use_crypt(JSContext *ctx, const key *with, const params *how,
              const bytes *data, bool decrypt, bytes *made) {
  if (how->algorithm != RSA_OAEP)
    return aes_run(ctx, with, how, data, decrypt, made);
  if (with->type != (decrypt ? KEY_PRIVATE : KEY_PUBLIC))
    return fail(ctx, ACCESS_ERROR, "the other key of the pair does this");
  return rsa_crypt(ctx, with, how, data, decrypt, made);
}

static int run_sign(JSContext *ctx, const key *with, const params *how,
                    const bytes *data, bytes *made) {
  bytes secret = key_bytes(with);
  switch (how->algorithm) {
  case HMAC:
    if (bytes_make(ctx, made, hash_size(with->hash)) < 0) return -1;
    return hmac_run(ctx, with->hash, &secret, data, made->data);
  case ECDSA:
    return curve_sign(ctx, with, how->hash, data, made);
  case ED25519:
    return edwards_sign(ctx, with, data, made);
  default:
    return rsa_sign(ctx, with, how, data, made);
  }
}

static int run_verify(JSContext *ctx, const key *with, const params *how,
                      const bytes *signature, const bytes *data, bool *good) {
  switch (how->algorithm) {
  case HMAC:
    return hmac_verify(ctx, with, signature, data, good);
  case ECDSA:
    return curve_verify(ctx, with, how->hash, signature, data, good);
  case ED25519:
    return edwards_verify(ctx, with, signature, data, good);
  default:
    return rsa_verify(ctx, with, how, signature, data, good);
  }
}

/* Reads (algorithm, key, data) for an operation that needs 'usage'; 'how' is to
 * be freed when this was 0. */
int use_read(JSContext *ctx, JSValueConst *args, int operations, int usage,
             params *how, const key **with) {
  *with = key_of(ctx, args[1]);
  if (*with == NULL || params_read(ctx, how, args[0], operations) < 0)
    return -1;
  if (key_check(ctx, *with, how, usage) == 0) return 0;
  params_free(ctx, how);
  return -1;
}

/* --- digest, encrypt, decrypt, sign, verify ------------------------------ */

JSValue subtle_digest(JSContext *ctx, JSValueConst *args) {
  params how;
  source from;
  bytes made = {NULL, 0};
  if (!bytes_are(ctx, args[1], "data") ||
      params_read(ctx, &how, args[0], OP_DIGEST) < 0 ||
      source_open(ctx, args[1], &from) < 0)
    return JS_EXCEPTION;
  bytes data = source_bytes(ctx, &from);
  int result = bytes_make(ctx, &made, hash_size(how.algorithm));
  if (result == 0) result = hash_run(ctx, how.algorithm, &data, made.data);
  source_close(ctx, &from);
  if (result == 0) return bytes_to_buffer(ctx, &made);
  bytes_free(ctx, &made);
  return JS_EXCEPTION;
}

static JSValue crypt(JSContext *ctx, JSValueConst *args, bool decrypt) {
  params how;
  source from;
  bytes made;
  const key *with;
  if (!bytes_are(ctx, args[2], "data") ||
      use_read(ctx, args, OP_ENCRYPT, decrypt ? USE_DECRYPT : USE_ENCRYPT, &how,
               &with) < 0)
    return JS_EXCEPTION;
  int result = source_open(ctx, args[2], &from);
  if (result == 0) {
    bytes data = source_bytes(ctx, &from);
    result = use_crypt(ctx, with, &how, &data, decrypt, &made);
    source_close(ctx, &from);
  }
  params_free(ctx, &how);
  return result == 0 ? bytes_to_buffer(ctx, &made) : JS_EXCEPTION;
}

JSValue subtle_encrypt(JSContext *ctx, JSValueConst *args) {
  return crypt(ctx, args, false);
}

JSValue subtle_decrypt(JSContext *ctx, JSValueConst *args) {
  return crypt(ctx, args, true);
}

static int check_half(JSContext *ctx, const key *with, int type) {
  if (with->type == KEY_SECRET || with->type == type) return 0;
  return fail(ctx, ACCESS_ERROR, "the other key of the pair does this");
}

JSValue subtle_sign(JSContext *ctx, JSValueConst *args) {
  params how;
  source from;
  bytes made;
  const key *with;
  if (!bytes_are(ctx, args[2], "data") ||
      use_read(ctx, args, OP_SIGN, USE_SIGN, &how, &with) < 0)
    return JS_EXCEPTION;
  int result = check_half(ctx, with, KEY_PRIVATE);
  if (result == 0) result = source_open(ctx, args[2], &from);
  if (result == 0) {
    bytes data = source_bytes(ctx, &from);
    result = run_sign(ctx, with, &how, &data, &made);
    source_close(ctx, &from);
  }
  params_free(ctx, &how);
  return result == 0 ? bytes_to_buffer(ctx, &made) : JS_EXCEPTION;
}

static int verify_sources(JSContext *ctx, const key *with, const params *how,
                          JSValueConst *args, bool *good) {
  source of_signature, of_data;
  if (source_open(ctx, args[2], &of_signature) < 0) return -1;
  int result = source_open(ctx, args[3], &of_data);
  if (result == 0) {
    bytes signature = source_bytes(ctx, &of_signature);
    bytes data = source_bytes(ctx, &of_data);
    result = run_verify(ctx, with, how, &signature, &data, good);
    source_close(ctx, &of_data);
  }
  source_close(ctx, &of_signature);
  return result;
}

JSValue subtle_verify(JSContext *ctx, JSValueConst *args) {
  params how;
  const key *with;
  bool good = false;
  if (!bytes_are(ctx, args[2], "signature") ||
      !bytes_are(ctx, args[3], "data") ||
      use_read(ctx, args, OP_SIGN, USE_VERIFY, &how, &with) < 0)
    return JS_EXCEPTION;
  int result = check_half(ctx, with, KEY_PUBLIC);
  if (result == 0) result = verify_sources(ctx, with, &how, args, &good);
  params_free(ctx, &how);
  return result == 0 ? JS_NewBool(ctx, good) : JS_EXCEPTION;
}
