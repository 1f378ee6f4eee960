/* SPDX-License-Identifier: MIT */
/* protect.c - in place of vm/format/protect.c in what standalone executables
 * are made of: keys need all of libcrypto, and a program has none. */
#include "vm/common/error.h"

static torpor_status refuse(torpor_bytes *out) {
  if (out) *out = (torpor_bytes){NULL, 0};
  return torpor__fail(NULL, TORPOR_UNSUPPORTED,
                      "a standalone executable has no keys for snapshots; link "
                      "with torpor-static instead of torpor-standalone");
}

torpor_status torpor_snapshot_protect(const void *data, size_t size,
                                      const uint8_t key[TORPOR_KEY_SIZE],
                                      torpor_protection how,
                                      const void *context, size_t context_size,
                                      torpor_bytes *out) {
  (void)data, (void)size, (void)key, (void)how, (void)context;
  (void)context_size;
  return refuse(out);
}

torpor_status torpor_snapshot_unprotect(const void *data, size_t size,
                                        const uint8_t key[TORPOR_KEY_SIZE],
                                        const void *context,
                                        size_t context_size,
                                        torpor_bytes *out) {
  (void)data, (void)size, (void)key, (void)context, (void)context_size;
  return refuse(out);
}

bool torpor_snapshot_is_protected(const void *data, size_t size) {
  (void)data, (void)size;
  return false;
}
