/* SPDX-License-Identifier: MIT */
/* identify.c - the name of a snapshot: the SHA-256 of its bytes.
 *
 * A difference names its parent so. Nothing is hashed where no name is needed:
 * a plain save does not come here, and a VM that was restored from a large
 * snapshot only with its first difference. Any thread. */
#include "vm/format/identify.h"

#include <openssl/evp.h>

#include "vm/common/error.h"

static bool hash_parts(EVP_MD_CTX *context, const torpor_slice *parts,
                       size_t count, uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]) {
  unsigned made = 0;
  if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) return false;
  for (size_t i = 0; i < count; i++)
    if (EVP_DigestUpdate(context, parts[i].data, parts[i].size) != 1)
      return false;
  return EVP_DigestFinal_ex(context, id, &made) == 1 &&
         made == TORPOR_SNAPSHOT_ID_SIZE;
}

torpor_status torpor__identify_parts(const torpor_slice *parts, size_t count,
                                     uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool made = context && hash_parts(context, parts, count, id);
  EVP_MD_CTX_free(context);
  if (made) return TORPOR_OK;
  return torpor__fail(NULL, TORPOR_NOMEM,
                      "the crypto library made no SHA-256: it is out of "
                      "memory");
}

torpor_status torpor_snapshot_identify(const void *data, size_t size,
                                       uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]) {
  TORPOR__REQUIRE(NULL, id);
  if (size > 0) TORPOR__REQUIRE(NULL, data);
  return torpor__identify_parts(&(torpor_slice){data, size}, 1, id);
}
