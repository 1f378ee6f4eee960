/* SPDX-License-Identifier: MIT */
/* source-hash.c - SHA-256 of a program's sources. See source-hash.h.
 *
 * Any thread. */
#include "run/database/source-hash.h"

#include <openssl/evp.h>

bool torpor__source_hash(torpor_slice bytes,
                         uint8_t hash[TORPOR__SOURCE_HASH]) {
  const void *data = bytes.size > 0 ? bytes.data : "";
  return EVP_Digest(data, bytes.size, hash, NULL, EVP_sha256(), NULL) == 1;
}
