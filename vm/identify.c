/* SPDX-License-Identifier: MIT */
/* identify.c - the name of a snapshot: the SHA-256 of its bytes.
 *
 * A difference names its parent so. Nothing is hashed where no name is needed:
 * a plain save does not come here. Any thread. */
#include <openssl/evp.h>

#include "vm/error.h"

torpor_status torpor_snapshot_identify(const void *data, size_t size,
                                       uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]) {
  unsigned made = 0;
  TORPOR__REQUIRE(NULL, id);
  if (size > 0) TORPOR__REQUIRE(NULL, data);
  if (EVP_Digest(data, size, id, &made, EVP_sha256(), NULL) != 1 ||
      made != TORPOR_SNAPSHOT_ID_SIZE)
    return torpor__fail(NULL, TORPOR_NOMEM,
                        "the crypto library made no SHA-256: it is out of "
                        "memory");
  return TORPOR_OK;
}
