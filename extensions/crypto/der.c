/* SPDX-License-Identifier: MIT */
/* der.c - the few forms of DER (X.690) that keys are written in. */
#include "crypto.h"

/* A length in its shortest form, of at most three bytes. */
static bool take_length(der *from, size_t *length) {
  if (from->at == from->end) return false;
  size_t first = *from->at++, count = first & 0x7F;
  *length = first;
  if (first < 0x80) return true;
  if (count == 0 || count > 3 || (size_t)(from->end - from->at) < count)
    return false;
  for (*length = 0; count > 0; count--) *length = *length << 8 | *from->at++;
  return *length >= 0x80;
}

bool der_take(der *from, int tag, der *inside) {
  size_t length;
  if (from->at == from->end || *from->at != tag) return false;
  from->at++;
  if (!take_length(from, &length)) return false;
  if (length > (size_t)(from->end - from->at)) return false;
  inside->at = from->at;
  inside->end = from->at + length;
  from->at += length;
  return true;
}

bool der_take_bytes(der *from, int tag, const void *same, size_t size) {
  der inside;
  return der_take(from, tag, &inside) &&
         (size_t)(inside.end - inside.at) == size &&
         (size == 0 || memcmp(inside.at, same, size) == 0);
}

void der_put(der_writer *to, const void *data, size_t size) {
  to->at -= size;
  if (size > 0) memcpy(to->at, data, size);
}

void der_close(der_writer *to, int tag, const uint8_t *end) {
  size_t length = (size_t)(end - to->at), count = 0;
  if (length >= 0x80) {
    for (size_t rest = length; rest > 0; rest >>= 8, count++)
      *--to->at = (uint8_t)rest;
    *--to->at = (uint8_t)(0x80 | count);
  } else {
    *--to->at = (uint8_t)length;
  }
  *--to->at = (uint8_t)tag;
}
