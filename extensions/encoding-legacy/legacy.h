/* SPDX-License-Identifier: MIT */
/* legacy.h - the decoders of this extension (../encoding/encoding.h says what a
 * decoder does), and what they share.
 *
 * All but iso-2022-jp are alike: ASCII means itself, and other bytes begin
 * characters of up to four. What is not valid becomes U+FFFD, and a last
 * byte that is ASCII is then looked at again. */
#ifndef TORPOR_LEGACY_H
#define TORPOR_LEGACY_H

#include "../encoding/encoding.h"

typedef void decode_fn(const struct encoding *encoding,
                       struct decoding *decoding);

extern decode_fn decode_gb18030, decode_big5, decode_euc_kr, decode_euc_jp,
    decode_shift_jis, decode_iso_2022_jp;

extern const uint16_t *const legacy_jis0208, *const legacy_jis0212;
#define JIS0208_SIZE 11104
#define JIS0212_SIZE 7211

/* How a character that begins at d->at ends. */
enum ending {
  TAKEN,   /* it was written */
  REFUSED, /* it is not valid */
  CUT,     /* its bytes end */
};

/* After the first 'size' bytes, where 'how' tells what they are. False: the
 * call is over, since more bytes are needed. */
static inline bool go_on(struct decoding *d, enum ending how, size_t size) {
  if (how == CUT) {
    if (!d->ends) return false;
    size = (size_t)(d->end - d->at);
  } else if (how == REFUSED && size > 1 && d->at[size - 1] < 0x80) {
    size--;
  }
  if (how != TAKEN) decoding_fail(d);
  d->at += size;
  return true;
}

/* A unit that a table has; 0: there is none. */
static inline enum ending take(struct decoding *d, uint16_t unit) {
  if (unit == 0) return REFUSED;
  *d->out++ = unit;
  return TAKEN;
}

#endif
