/* SPDX-License-Identifier: MIT */
/* protect.h - snapshots under a key of the caller. Included by
 * torpor.h. */
#ifndef TORPOR_PUBLIC_PROTECT_H
#define TORPOR_PUBLIC_PROTECT_H

#include "vm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Protection with the caller's key, so that whoever keeps a snapshot need not
 * be trusted: AES-256-GCM under a key derived from 'key' and random salt with
 * HKDF-SHA256. AUTHENTICATE leaves the bytes readable. */
typedef enum torpor_protection {
  TORPOR_AUTHENTICATE = 1,
  TORPOR_ENCRYPT = 2,
} torpor_protection;
#define TORPOR_KEY_SIZE 32

/* 'context' (may be empty) says what the bytes belong to and is bound to them:
 * whoever opens them must give the same.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_snapshot_protect(
    const void *data, size_t size, const uint8_t key[TORPOR_KEY_SIZE],
    torpor_protection how, const void *context, size_t context_size,
    torpor_bytes *out);
/* TORPOR_KEY when key, context or bytes are not those of the protecting call;
 * TORPOR_FORMAT when the bytes are not protected.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_snapshot_unprotect(
    const void *data, size_t size, const uint8_t key[TORPOR_KEY_SIZE],
    const void *context, size_t context_size, torpor_bytes *out);
/* Whether the bytes are those of a protected snapshot.
 * [any thread] */
TORPOR_API bool torpor_snapshot_is_protected(const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif
