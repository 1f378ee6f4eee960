/* SPDX-License-Identifier: MIT */
/* compress.c - the inner functions of SHA-1, SHA-256 and SHA-512 (FIPS 180-4).
 *
 * Mbed TLS calls these in place of its own, which keep their words in memory:
 * there they are wiped, here they live in registers. Steps are unrolled by as
 * many as it takes for the names to be where they were. */
#include "mbedtls/platform_util.h"
#include "mbedtls/sha1.h"
#include "mbedtls/sha256.h"
#include "mbedtls/sha512.h"

/* Of SHA-256, the constants are the upper halves of the first 64. */
static const uint64_t constants[80] = {
    0x428A2F98D728AE22, 0x7137449123EF65CD, 0xB5C0FBCFEC4D3B2F,
    0xE9B5DBA58189DBBC, 0x3956C25BF348B538, 0x59F111F1B605D019,
    0x923F82A4AF194F9B, 0xAB1C5ED5DA6D8118, 0xD807AA98A3030242,
    0x12835B0145706FBE, 0x243185BE4EE4B28C, 0x550C7DC3D5FFB4E2,
    0x72BE5D74F27B896F, 0x80DEB1FE3B1696B1, 0x9BDC06A725C71235,
    0xC19BF174CF692694, 0xE49B69C19EF14AD2, 0xEFBE4786384F25E3,
    0x0FC19DC68B8CD5B5, 0x240CA1CC77AC9C65, 0x2DE92C6F592B0275,
    0x4A7484AA6EA6E483, 0x5CB0A9DCBD41FBD4, 0x76F988DA831153B5,
    0x983E5152EE66DFAB, 0xA831C66D2DB43210, 0xB00327C898FB213F,
    0xBF597FC7BEEF0EE4, 0xC6E00BF33DA88FC2, 0xD5A79147930AA725,
    0x06CA6351E003826F, 0x142929670A0E6E70, 0x27B70A8546D22FFC,
    0x2E1B21385C26C926, 0x4D2C6DFC5AC42AED, 0x53380D139D95B3DF,
    0x650A73548BAF63DE, 0x766A0ABB3C77B2A8, 0x81C2C92E47EDAEE6,
    0x92722C851482353B, 0xA2BFE8A14CF10364, 0xA81A664BBC423001,
    0xC24B8B70D0F89791, 0xC76C51A30654BE30, 0xD192E819D6EF5218,
    0xD69906245565A910, 0xF40E35855771202A, 0x106AA07032BBD1B8,
    0x19A4C116B8D2D0C8, 0x1E376C085141AB53, 0x2748774CDF8EEB99,
    0x34B0BCB5E19B48A8, 0x391C0CB3C5C95A63, 0x4ED8AA4AE3418ACB,
    0x5B9CCA4F7763E373, 0x682E6FF3D6B2B8A3, 0x748F82EE5DEFB2FC,
    0x78A5636F43172F60, 0x84C87814A1F0AB72, 0x8CC702081A6439EC,
    0x90BEFFFA23631E28, 0xA4506CEBDE82BDE9, 0xBEF9A3F7B2C67915,
    0xC67178F2E372532B, 0xCA273ECEEA26619C, 0xD186B8C721C0C207,
    0xEADA7DD6CDE0EB1E, 0xF57D4F7FEE6ED178, 0x06F067AA72176FBA,
    0x0A637DC5A2C898A6, 0x113F9804BEF90DAE, 0x1B710B35131C471B,
    0x28DB77F523047D84, 0x32CAAB7B40C72493, 0x3C9EBE0A15C9BEBC,
    0x431D67C49C100D4C, 0x4CC5D4BECB3E42B6, 0x597F299CFC657E2A,
    0x5FCB6FAB3AD6FAEC, 0x6C44198C4A475817,
};

#define LEFT(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define RIGHT(x, n) ((x) >> (n) | (x) << (8 * sizeof(x) - (n)))
#define CHOOSE(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MAJORITY(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))

/* x turned right by i, by i + j and by i + j + k. */
#define THREE(x, i, j, k) RIGHT((x) ^ RIGHT((x) ^ RIGHT(x, k), j), i)

static inline uint32_t load_32(const uint8_t *from) {
  return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 |
         (uint32_t)from[2] << 8 | from[3];
}

static inline uint64_t load_64(const uint8_t *from) {
  return (uint64_t)load_32(from) << 32 | load_32(from + 4);
}

#define EACH_16(X)                                                             \
  X(0)                                                                         \
  X(1)                                                                         \
  X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

/* Exported, so that it is a function of its own that can be found. */
#define NATIVE(name) __attribute__((export_name(#name), noinline))

/* --- SHA-256 and SHA-512 ------------------------------------------------- */

/* 'last' is b ^ c, which is a ^ b of the step before. */
#define STEP(i, a, b, c, d, e, f, g, h)                                        \
  now = a ^ b;                                                                 \
  h += SUM_1(e) + CHOOSE(e, f, g) + CONSTANT(t + i) + w[i];                    \
  d += h;                                                                      \
  h += SUM_0(a) + (b ^ (now & last));                                          \
  last = now;

#define STEPS_8(i)                                                             \
  STEP(i, a, b, c, d, e, f, g, h)                                              \
  STEP(i + 1, h, a, b, c, d, e, f, g)                                          \
  STEP(i + 2, g, h, a, b, c, d, e, f)                                          \
  STEP(i + 3, f, g, h, a, b, c, d, e)                                          \
  STEP(i + 4, e, f, g, h, a, b, c, d)                                          \
  STEP(i + 5, d, e, f, g, h, a, b, c)                                          \
  STEP(i + 6, c, d, e, f, g, h, a, b)                                          \
  STEP(i + 7, b, c, d, e, f, g, h, a)

#define EXTEND(i)                                                              \
  w[i] += MIX_1(w[(i + 14) % 16]) + w[(i + 9) % 16] + MIX_0(w[(i + 1) % 16]);

/* Compresses 16 words 'w' into 'state'. */
#define COMPRESS(word, steps)                                                  \
  word a = state[0], b = state[1], c = state[2], d = state[3], e = state[4],   \
       f = state[5], g = state[6], h = state[7], last = b ^ c, now;            \
  for (unsigned t = 0;;) {                                                     \
    STEPS_8(0)                                                                 \
    STEPS_8(8)                                                                 \
    if ((t += 16) == (steps)) break;                                           \
    EACH_16(EXTEND)                                                            \
  }                                                                            \
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;                  \
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;

#define SUM_0(x) THREE(x, 2, 11, 9)
#define SUM_1(x) THREE(x, 6, 5, 14)
#define MIX_0(x) (RIGHT(x, 7) ^ RIGHT(x, 18) ^ (x) >> 3)
#define MIX_1(x) (RIGHT(x, 17) ^ RIGHT(x, 19) ^ (x) >> 10)
#define CONSTANT(i) (uint32_t)(constants[i] >> 32)

/* native.h does the same with the processor's instructions for it. */
NATIVE(sha256_block)
void sha256_block(uint32_t state[8], const uint8_t data[64],
                  const uint64_t constants[64]) {
  uint32_t w[16];
#define LOAD(i) w[i] = load_32(data + 4 * (i));
  EACH_16(LOAD)
#undef LOAD
  COMPRESS(uint32_t, 64)
}

int mbedtls_internal_sha256_process(mbedtls_sha256_context *ctx,
                                    const unsigned char data[64]) {
  sha256_block(ctx->MBEDTLS_PRIVATE(state), data, constants);
  return 0;
}

#undef SUM_0
#undef SUM_1
#undef MIX_0
#undef MIX_1
#undef CONSTANT
#define SUM_0(x) THREE(x, 28, 6, 5)
#define SUM_1(x) THREE(x, 14, 4, 23)
#define MIX_0(x) (RIGHT(x, 1) ^ RIGHT(x, 8) ^ (x) >> 7)
#define MIX_1(x) (RIGHT(x, 19) ^ RIGHT(x, 61) ^ (x) >> 6)
#define CONSTANT(i) constants[i]

int mbedtls_internal_sha512_process(mbedtls_sha512_context *ctx,
                                    const unsigned char data[128]) {
  uint64_t *state = ctx->MBEDTLS_PRIVATE(state), w[16];
#define LOAD(i) w[i] = load_64(data + 8 * (i));
  EACH_16(LOAD)
#undef LOAD
  COMPRESS(uint64_t, 80)
  return 0;
}

/* --- SHA-1 --------------------------------------------------------------- */

/* Word t of the 80, of which the last 16 are kept. */
static inline uint32_t extend(uint32_t *w, unsigned t) {
  if (t >= 16)
    w[t % 16] = LEFT(
        w[(t + 13) % 16] ^ w[(t + 8) % 16] ^ w[(t + 2) % 16] ^ w[t % 16], 1);
  return w[t % 16];
}

#define TURN(i, a, b, c, d, e)                                                 \
  e += LEFT(a, 5) + MIXED(b, c, d) + constant + extend(w, t + i);              \
  b = LEFT(b, 30);

#define TURNS_20(first, number)                                                \
  for (unsigned t = first; t < first + 20; t += 5) {                           \
    const uint32_t constant = number;                                          \
    TURN(0, a, b, c, d, e)                                                     \
    TURN(1, e, a, b, c, d)                                                     \
    TURN(2, d, e, a, b, c)                                                     \
    TURN(3, c, d, e, a, b)                                                     \
    TURN(4, b, c, d, e, a)                                                     \
  }

int mbedtls_internal_sha1_process(mbedtls_sha1_context *ctx,
                                  const unsigned char data[64]) {
  uint32_t *state = ctx->MBEDTLS_PRIVATE(state), w[16];
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 16; i++) w[i] = load_32(data + 4 * i);
#define MIXED CHOOSE
  TURNS_20(0, 0x5A827999)
#undef MIXED
#define MIXED(x, y, z) ((x) ^ (y) ^ (z))
  TURNS_20(20, 0x6ED9EBA1)
#undef MIXED
#define MIXED MAJORITY
  TURNS_20(40, 0x8F1BBCDC)
#undef MIXED
#define MIXED(x, y, z) ((x) ^ (y) ^ (z))
  TURNS_20(60, 0xCA62C1D6)
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
  mbedtls_platform_zeroize(w, sizeof w);
  return 0;
}
