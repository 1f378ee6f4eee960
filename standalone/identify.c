/* SPDX-License-Identifier: MIT */
/* identify.c - in place of vm/format/identify.c in what standalone executables
 * are made of: the same SHA-256, by the functions of libcrypto that need
 * nothing else of it. So 20 KB are linked, and not 4 MB loaded at each
 * start. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "vm/format/identify.h"

#include <openssl/sha.h>

#include "vm/common/error.h"

torpor_status torpor__identify_parts(const torpor_slice *parts, size_t count,
                                     uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]) {
  SHA256_CTX context;
  SHA256_Init(&context);
  for (size_t i = 0; i < count; i++)
    SHA256_Update(&context, parts[i].data, parts[i].size);
  SHA256_Final(id, &context);
  return TORPOR_OK;
}

torpor_status torpor_snapshot_identify(const void *data, size_t size,
                                       uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]) {
  TORPOR__REQUIRE(NULL, id);
  if (size > 0) TORPOR__REQUIRE(NULL, data);
  return torpor__identify_parts(&(torpor_slice){data, size}, 1, id);
}
