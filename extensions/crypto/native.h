/* SPDX-License-Identifier: MIT */
/* native.h - functions of compress.c by the processor's own instructions.
 *
 * Part of the extension's native code alone, behind what wasm2c made of it
 * (engine/bind-extension.c): the module itself is the same on every host. Where
 * the processor has the instructions, native_NAME does all that the translated
 * NAME does, and otherwise nothing; it is asked first (tune_extension.py).
 *
 *  (1) Loads and stores go by 'load' and 'store', which find the address and
 *      look at bounds as translated code does: they trap in the same way.
 *  (2) What is in memory afterwards is the same, whatever the arguments are:
 *      all is loaded before anything is stored, constants too, and polls stand
 *      at the same place. So hosts do not differ in memory, fuel or traps.
 *  (3) Nothing of the host's is held, so that a trap or the watchdog may leave
 *      at any place.
 *
 * With TORPOR_PORTABLE=1 in the environment nothing here is used. */
#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdlib.h>

#define SHA_CODE __attribute__((target("sha,sse4.1")))

static bool has_sha;

static void native_decide(void) {
  const char *portable = getenv("TORPOR_PORTABLE");
  const unsigned vectors = bit_SSSE3 | bit_SSE4_1;
  unsigned a, b, c, d;
  has_sha = !(portable && *portable) && __get_cpuid(1, &a, &b, &c, &d) &&
            (c & vectors) == vectors &&
            __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

static inline __m128i load(wasm_rt_memory_t *mem, u64 addr) {
  __m128i value;
  MEMCHECK(mem, addr, value);
  WASM_RT_LOAD(__m128i, value, mem, addr);
  return value;
}

static inline void store(wasm_rt_memory_t *mem, u64 addr, __m128i value) {
  MEMCHECK(mem, addr, value);
  WASM_RT_STORE(__m128i, value, mem, addr);
}

/* --- SHA-256 -------------------------------------------------------------- */

/* Four constants: the upper halves of what lies at 'at'. */
static inline SHA_CODE __m128i load_constants(wasm_rt_memory_t *memory,
                                              u64 at) {
  __m128 low = _mm_castsi128_ps(load(memory, at)),
         high = _mm_castsi128_ps(load(memory, at + 16));
  return _mm_castps_si128(_mm_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1)));
}

/* Steps 4 * i to 4 * i + 3, with their words. The instruction does two. */
#define STEPS(i, words)                                                        \
  now =                                                                        \
      _mm_add_epi32(words, load_constants(memory, (u64)constants + 32 * (i))); \
  cdgh = _mm_sha256rnds2_epu32(cdgh, abef, now);                               \
  abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(now, 0x0E));

/* The next four words, in place of the oldest of 16. */
#define EXTEND(w0, w1, w2, w3)                                                 \
  w0 =                                                                         \
      _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4)); \
  w0 = _mm_sha256msg2_epu32(w0, w3);

#define EXTEND_AND_STEPS(i)                                                    \
  EXTEND(w0, w1, w2, w3)                                                       \
  STEPS(i, w0)                                                                 \
  EXTEND(w1, w2, w3, w0)                                                       \
  STEPS(i + 1, w1)                                                             \
  EXTEND(w2, w3, w0, w1)                                                       \
  STEPS(i + 2, w2)                                                             \
  EXTEND(w3, w0, w1, w2)                                                       \
  STEPS(i + 3, w3)

static SHA_CODE void run_sha256(Z_extension_instance_t *instance, u32 state,
                                u32 data, u32 constants) {
  const __m128i big_endian =
      _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);
  FUNC_PROLOGUE;
  __m128i w0 = _mm_shuffle_epi8(load(memory, data), big_endian);
  __m128i w1 = _mm_shuffle_epi8(load(memory, (u64)data + 16), big_endian);
  __m128i w2 = _mm_shuffle_epi8(load(memory, (u64)data + 32), big_endian);
  __m128i w3 = _mm_shuffle_epi8(load(memory, (u64)data + 48), big_endian);
  /* Words from the highest to the lowest: the instructions want them so. */
  __m128i cdab = _mm_shuffle_epi32(load(memory, state), 0xB1);
  __m128i efgh = _mm_shuffle_epi32(load(memory, (u64)state + 16), 0x1B);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
  native_poll(instance);
  const __m128i abef_before = abef, cdgh_before = cdgh;
  __m128i now;
  STEPS(0, w0)
  STEPS(1, w1)
  STEPS(2, w2)
  STEPS(3, w3)
  EXTEND_AND_STEPS(4)
  EXTEND_AND_STEPS(8)
  EXTEND_AND_STEPS(12)
  abef = _mm_shuffle_epi32(_mm_add_epi32(abef, abef_before), 0x1B);
  cdgh = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh_before), 0xB1);
  store(memory, state, _mm_blend_epi16(abef, cdgh, 0xF0));
  store(memory, (u64)state + 16, _mm_alignr_epi8(cdgh, abef, 8));
}

static inline bool native_sha256_block(Z_extension_instance_t *instance,
                                       u32 state, u32 data, u32 constants) {
  /* Translated code adds to the address of the constants in 32 bits. */
  bool use = has_sha && constants <= UINT32_MAX - 512;
  if (use) run_sha256(instance, state, data, constants);
  return use;
}

#else

static void native_decide(void) {
}

static inline bool native_sha256_block(Z_extension_instance_t *instance,
                                       u32 state, u32 data, u32 constants) {
  (void)instance, (void)state, (void)data, (void)constants;
  return false;
}

#endif
