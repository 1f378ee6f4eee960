/* SPDX-License-Identifier: MIT */
/* cbor-error.c - an error as plain data, for operations that fail. No state. */
#include "common/buffer.h"
#include "common/cbor.h"
#include "vm/common/error.h"

torpor_status torpor_cbor_error(const char *name, const char *message,
                                const char *code, torpor_bytes *out) {
  torpor__buffer writer = {0};
  torpor_status status;
  TORPOR__REQUIRE(NULL, out);
  *out = (torpor_bytes){NULL, 0};
  TORPOR__REQUIRE(NULL, name);
  TORPOR__REQUIRE(NULL, message);
  torpor__cbor_head(&writer, TORPOR__CBOR_MAP, code ? 3 : 2);
  torpor__cbor_string(&writer, "name");
  torpor__cbor_string(&writer, name);
  torpor__cbor_string(&writer, "message");
  torpor__cbor_string(&writer, message);
  if (code) {
    torpor__cbor_string(&writer, "code");
    torpor__cbor_string(&writer, code);
  }
  status = torpor__buffer_finish(&writer, out);
  if (status != TORPOR_OK) torpor__fail(NULL, status, "out of memory");
  return status;
}
