/* SPDX-License-Identifier: MIT */
/* sha256.c - SHA-256, which is PyCryptodome's: the file is included, so that
 * its state can be a variable. */
#define HAVE_STDINT_H
#define HAVE_POSIX_MEMALIGN
#define NO_CPYTHON_MODULE
#define EXPORT_SYM static __attribute__((unused))

#include <stdint.h>

#include "SHA256.c"

#include "helper.h"

static hash_state state;

/* What assert calls. */
_Noreturn void __assert_fail(const char *what, const char *file, int line,
                             const char *function) {
  (void)what, (void)file, (void)line, (void)function;
  __builtin_trap();
}

EXPORT(sha256_start) void sha256_start(void) {
  state = (hash_state){.digest_size = DIGEST_SIZE};
  memcpy(state.h, H, sizeof(H));
}

/* Whole blocks at once, which spares a call of memcpy for each. */
EXPORT(sha256_add) void sha256_add(const uint8_t *bytes, uint32_t size) {
  for (; state.curlen == 0 && size >= BLOCK_SIZE; size -= BLOCK_SIZE) {
    memcpy(state.buf, bytes, BLOCK_SIZE);
    sha_compress(&state);
    add_bits(&state, BLOCK_SIZE * 8);
    bytes += BLOCK_SIZE;
  }
  SHA256_update(&state, bytes, size);
}

/* Writes 32 bytes. */
EXPORT(sha256_stop) void sha256_stop(uint8_t *to) {
  SHA256_digest(&state, to, DIGEST_SIZE);
}
