/* SPDX-License-Identifier: MIT */
/* bytes.c - giving back bytes that the library allocated. */
#include "common/alloc.h"
#include "torpor.h"

void torpor_bytes_free(torpor_bytes *bytes) {
  if (!bytes) return;
  torpor__alloc_free(bytes->data);
  *bytes = (torpor_bytes){NULL, 0};
}
