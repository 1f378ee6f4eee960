/* SPDX-License-Identifier: MIT */
/* crypto.h - what the files of the extension share.
 *
 *   crypto.c      the global, its three classes, random values
 *   subtle.c      SubtleCrypto, whose methods give promises
 *   use.c, manage.c   those methods: with keys, and to keys
 *   algorithm.c   names, and the dictionaries that say how to run one
 *   key.c         CryptoKey; generate.c makes new ones
 *   import.c, export.c   its four forms
 *   jwk*.c, der.c two of those forms, as text and as bytes
 *   cipher.c, hash.c, curve.c, edwards.c, rsa.c   the mathematics
 *
 *  (1) A key is flat bytes in the VM's heap, wiped when it is collected. No
 *      context of a library outlives a call, so what sleeps is only keys.
 *  (2) What a function reads from arguments that may run guest code is read
 *      before any address of guest bytes is taken; from then on nothing runs.
 *  (3) An int result is 0, or -1 with an exception pending. */
#ifndef TORPOR_CRYPTO_H
#define TORPOR_CRYPTO_H

#include <string.h>
#include <torpor-extension.h>

/* --- bytes.c ------------------------------------------------------------- */

/* Owned ones are wiped when they are freed. */
typedef struct bytes {
  uint8_t *data;
  size_t size;
} bytes;

int bytes_make(JSContext *ctx, bytes *made, size_t size);
int bytes_copy(JSContext *ctx, bytes *made, const void *data, size_t size);
void bytes_free(JSContext *ctx, bytes *owned);

/* Takes over 'owned' (on failure too). */
JSValue bytes_to_buffer(JSContext *ctx, bytes *owned);

/* Whether 'value' is an ArrayBuffer or a view; else throws TypeError. */
bool bytes_are(JSContext *ctx, JSValueConst value, const char *name);

/* Where the bytes of a buffer source are. Opening one may run guest code, which
 * may detach others: take the bytes when all are open. They are none when it is
 * detached, and borrowed until guest code runs or it is closed. */
typedef struct source {
  JSValue buffer;
  size_t offset;
  size_t length;
} source;

int source_open(JSContext *ctx, JSValueConst value, source *of);
bytes source_bytes(JSContext *ctx, const source *of);
void source_close(JSContext *ctx, source *of);

/* Looks up once what reading a view needs. */
int bytes_start(JSContext *ctx, JSValueConst global);

/* For Mbed TLS: 0, or a number below 0. */
int random_fill(void *unused, uint8_t *to, size_t size);

/* --- algorithm.c --------------------------------------------------------- */

enum {
  SHA_1,
  SHA_256,
  SHA_384,
  SHA_512,
  HMAC,
  AES_CBC,
  AES_CTR,
  AES_GCM,
  AES_KW,
  PBKDF2,
  HKDF,
  ECDSA,
  ECDH,
  ED25519,
  X25519,
  RSA_PKCS1,
  RSA_PSS,
  RSA_OAEP,
  ALGORITHM_COUNT
};

enum {
  OP_DIGEST = 1,
  OP_ENCRYPT = 2,
  OP_SIGN = 4,
  OP_GENERATE = 8,
  OP_IMPORT = 16,
  OP_DERIVE = 32,
  OP_LENGTH = 64,
  OP_WRAP = 128,
};

enum { P_256, P_384, P_521, CURVE_COUNT };

typedef struct key key;

/* An algorithm with its dictionary; what was not given is 0. */
typedef struct params {
  uint8_t algorithm;
  uint8_t operation;
  uint8_t hash;
  uint8_t curve;
  bool has_length;
  uint32_t length;      /* in bits: of a key, or of a counter; a modulus */
  uint32_t tag_length;  /* in bits */
  uint32_t salt_length; /* in bytes */
  uint32_t iterations;
  bytes iv; /* or a counter */
  bytes additional;
  bytes salt;
  bytes info; /* or a label, or a public exponent */
  JSValue public_key;
} params;

/* Reads 'value' for one of 'operations' (it is the first that the algorithm
 * has, in the order above). */
int params_read(JSContext *ctx, params *read, JSValueConst value,
                int operations);
void params_free(JSContext *ctx, params *read);

const char *algorithm_name(int algorithm);
const char *curve_name(int curve);

/* The number of bits that deriveKey asks for, or -1 for "as many as you like",
 * or -2 with an exception. */
int64_t params_key_length(JSContext *ctx, const params *of);

/* --- key.c --------------------------------------------------------------- */

enum { KEY_SECRET, KEY_PUBLIC, KEY_PRIVATE };

enum {
  USE_ENCRYPT = 1,
  USE_DECRYPT = 2,
  USE_SIGN = 4,
  USE_VERIFY = 8,
  USE_DERIVE_KEY = 16,
  USE_DERIVE_BITS = 32,
  USE_WRAP = 64,
  USE_UNWRAP = 128,
  USE_COUNT = 8,
};

/* What 'bytes' is: of a secret key, the key; of a curve, the public half, then
 * the private one if it has it; of RSA, the DER of PKCS #1. */
struct key {
  uint8_t type;
  uint8_t algorithm;
  uint8_t hash;
  uint8_t curve;
  uint8_t usages;
  bool extractable;
  uint32_t length; /* in bits */
  JSValue algorithm_value;
  JSValue usages_value;
  uint32_t size;
  uint8_t bytes[];
};

/* Gives class "id" its prototype and a constructor that only throws. */
int class_start(JSContext *ctx, JSClassID id, const char *name,
                JSValueConst global, const JSCFunctionListEntry *members,
                int count);

int key_start(JSContext *ctx, JSRuntime *rt, JSValueConst global);
key *key_of(JSContext *ctx, JSValueConst value);

/* A CryptoKey with a copy of 'from'. */
JSValue key_make(JSContext *ctx, const params *like, int type, bool extractable,
                 int usages, const bytes *from);
bytes key_bytes(const key *of);

/* Whether the key is one for 'how' and has the usage; else throws. */
int key_check(JSContext *ctx, const key *of, const params *how, int usage);

/* Calls 'take' with each value of an iterable, until that gives -1. */
typedef int take_value(JSContext *ctx, JSValueConst value, void *data);
void sequence_start(JSContext *ctx, JSValueConst global);
int sequence_read(JSContext *ctx, JSValueConst sequence, take_value *take,
                  void *data);

int usages_read(JSContext *ctx, JSValueConst sequence, int *usages);
JSValue usages_write(JSContext *ctx, int usages);

/* The usages that an algorithm allows, of keys of one type. */
int usages_allowed(int algorithm, int type);
int usages_check(JSContext *ctx, int algorithm, int type, int usages);

/* The bit of the usage named so, or 0. */
int usage_of_name(const char *name);

/* --- generate.c ---------------------------------------------------------- */

/* A CryptoKey, or an object with a pair of them. */
JSValue key_generate(JSContext *ctx, params *how, bool extractable, int usages);

/* 'length' is in bits; below 0: as many as there are. */
int bits_derive(JSContext *ctx, const key *from, const params *how,
                int64_t length, bytes *made);

/* Clears what is behind 'length' bits in the last byte. */
void bits_cut(bytes *of, uint32_t length);

/* --- import.c, export.c, jwk.c ------------------------------------------- */

enum { FORMAT_RAW, FORMAT_PKCS8, FORMAT_SPKI, FORMAT_JWK };

JSValue key_import(JSContext *ctx, int format, const bytes *from, params *how,
                   bool extractable, int usages);
int edwards_import(JSContext *ctx, int algorithm, const bytes *public_key,
                   const bytes *secret, bytes *made);
/* The AlgorithmIdentifier of such a key, in DER. */
bytes key_identifier(int algorithm, int curve);
int key_export(JSContext *ctx, const key *of, int format, bytes *made);
JSValue jwk_import(JSContext *ctx, JSValueConst from, params *how,
                   bool extractable, int usages);
JSValue jwk_export(JSContext *ctx, const key *of);

/* Checks the numbers of a secret key, and the usages (none at all is refused
 * for what is not public); then makes it. */
JSValue key_finish(JSContext *ctx, params *how, int type, bool extractable,
                   int usages, const bytes *from);

/* --- the mathematics ----------------------------------------------------- */

enum { HASH_MOST = 64, SCALAR_MOST = 66, POINT_MOST = 2 * SCALAR_MOST + 1 };

/* By number of the hash: sizes in bytes. */
size_t hash_size(int hash);
size_t hash_block(int hash);
int hash_run(JSContext *ctx, int hash, const bytes *data, uint8_t *to);
int hmac_run(JSContext *ctx, int hash, const bytes *secret, const bytes *data,
             uint8_t *to);
int hmac_verify(JSContext *ctx, const key *with, const bytes *signature,
                const bytes *data, bool *good);
int hkdf_run(JSContext *ctx, const params *how, const bytes *secret, bytes *to);
int pbkdf2_run(JSContext *ctx, const params *how, const bytes *secret,
               bytes *to);
int mbedtls_kind(int hash);

int aes_run(JSContext *ctx, const key *with, const params *how,
            const bytes *data, bool decrypt, bytes *made);

size_t curve_size(int curve);
int curve_generate(JSContext *ctx, int curve, bytes *made);
/* 'd' may be NULL (a public key), or 'point' (its public half is computed). */
int curve_import(JSContext *ctx, int curve, const bytes *point, const bytes *d,
                 bytes *made);
int curve_sign(JSContext *ctx, const key *with, int hash, const bytes *data,
               bytes *made);
int curve_verify(JSContext *ctx, const key *with, int hash,
                 const bytes *signature, const bytes *data, bool *good);
int curve_share(JSContext *ctx, const key *own, const key *other, bytes *made);

int edwards_generate(JSContext *ctx, int algorithm, bytes *made);
int edwards_public(int algorithm, const uint8_t *secret, uint8_t *made);
int edwards_sign(JSContext *ctx, const key *with, const bytes *data,
                 bytes *made);
int edwards_verify(JSContext *ctx, const key *with, const bytes *signature,
                   const bytes *data, bool *good);
int edwards_share(JSContext *ctx, const key *own, const key *other,
                  bytes *made);

enum { RSA_NUMBERS = 8 }; /* n e d p q dp dq qi, as in a JWK */

int rsa_generate(JSContext *ctx, const params *how, bytes *private_key,
                 bytes *public_key);
/* Checks DER of PKCS #1 and gives it anew, with the bits of the modulus. */
int rsa_import(JSContext *ctx, bool is_private, const bytes *from,
               uint32_t *length, bytes *made);
int rsa_import_numbers(JSContext *ctx, const bytes *numbers, uint32_t *length,
                       bytes *made);
int rsa_export_numbers(JSContext *ctx, const key *of, bytes *numbers);
int rsa_exponent(JSContext *ctx, const key *of, bytes *made);
int rsa_sign(JSContext *ctx, const key *with, const params *how,
             const bytes *data, bytes *made);
int rsa_verify(JSContext *ctx, const key *with, const params *how,
               const bytes *signature, const bytes *data, bool *good);
int rsa_crypt(JSContext *ctx, const key *with, const params *how,
              const bytes *data, bool decrypt, bytes *made);

/* --- der.c --------------------------------------------------------------- */

typedef struct der {
  const uint8_t *at;
  const uint8_t *end;
} der;

enum {
  DER_INTEGER = 0x02,
  DER_BITS = 0x03,
  DER_OCTETS = 0x04,
  DER_NULL = 0x05,
  DER_OID = 0x06,
  DER_SEQUENCE = 0x30,
  DER_FIRST = 0xA0,
  DER_SECOND = 0xA1,
};

/* Takes one value of 'tag' from the front of 'from'. */
bool der_take(der *from, int tag, der *inside);
bool der_take_bytes(der *from, int tag, const void *same, size_t size);

/* Writes from the end of 'made' to its front: first the last value. */
typedef struct der_writer {
  uint8_t *start;
  uint8_t *at;
} der_writer;

void der_put(der_writer *to, const void *data, size_t size);
/* Puts what was written since 'end' into a value of 'tag'. */
void der_close(der_writer *to, int tag, const uint8_t *end);

/* --- use.c, manage.c ----------------------------------------------------- */

/* Reads (algorithm, key) for an operation that needs 'usage'; 'how' is to be
 * freed when this was 0. */
int use_read(JSContext *ctx, JSValueConst *args, int operations, int usage,
             params *how, const key **with);
int use_crypt(JSContext *ctx, const key *with, const params *how,
              const bytes *data, bool decrypt, bytes *made);

/* As many arguments as the longest method takes, missing ones undefined. */
typedef JSValue subtle_method(JSContext *ctx, JSValueConst *args);
subtle_method subtle_decrypt, subtle_derive_bits, subtle_derive_key,
    subtle_digest, subtle_encrypt, subtle_export_key, subtle_generate_key,
    subtle_import_key, subtle_sign, subtle_unwrap_key, subtle_verify,
    subtle_wrap_key;

/* --- subtle.c ------------------------------------------------------------ */

/* Makes the class and the object that 'crypto.subtle' is. */
JSValue subtle_start(JSContext *ctx, JSRuntime *rt, JSValueConst global);

/* --- errors -------------------------------------------------------------- */

/* A DOMException of this name; -1. */
int fail(JSContext *ctx, const char *name, const char *message);
/* 0 when a library gave 0; else memory was short, or an OperationError. */
int library_check(JSContext *ctx, int code, const char *message);

#define TYPE_ERROR NULL
#define DATA_ERROR "DataError"
#define OPERATION_ERROR "OperationError"
#define ACCESS_ERROR "InvalidAccessError"
#define SYNTAX_ERROR "SyntaxError"
#define SUPPORT_ERROR "NotSupportedError"

#endif
