/* SPDX-License-Identifier: MIT */
/* japanese.c - the decoders of euc-jp, shift_jis and iso-2022-jp. */
#include "legacy.h"

#define HALFWIDTH 0xff61 /* the first katakana of half width */

static uint16_t jis0208(uint32_t pointer) {
  return pointer < JIS0208_SIZE ? legacy_jis0208[pointer] : 0;
}

static bool is_high(uint8_t byte) {
  return byte >= 0xa1 && byte <= 0xfe;
}

/* ---- euc-jp ---- */

/* Behind 8F: two bytes of the other character set. */
static enum ending take_jis0212(struct decoding *d, size_t *size) {
  const uint8_t *b = d->at;
  *size = 3;
  if (d->end - b < 3) return CUT;
  if (!is_high(b[2])) return REFUSED;
  uint32_t pointer = (b[1] - 0xa1u) * 94 + b[2] - 0xa1u;
  return take(d, pointer < JIS0212_SIZE ? legacy_jis0212[pointer] : 0);
}

static enum ending take_euc_jp(struct decoding *d, size_t *size) {
  uint8_t lead = d->at[0], trail;
  *size = 1;
  if (lead != 0x8e && lead != 0x8f && !is_high(lead)) return REFUSED;
  if (d->end - d->at < 2) return CUT;
  trail = d->at[1];
  *size = 2;
  if (lead == 0x8e)
    return trail >= 0xa1 && trail <= 0xdf
               ? take(d, (uint16_t)(HALFWIDTH + trail - 0xa1))
               : REFUSED;
  if (!is_high(trail)) return REFUSED;
  if (lead == 0x8f) return take_jis0212(d, size);
  return take(d, jis0208((lead - 0xa1u) * 94 + trail - 0xa1u));
}

void decode_euc_jp(const struct encoding *encoding, struct decoding *d) {
  (void)encoding;
  while (d->at < d->end) {
    size_t size = 1;
    enum ending how = *d->at < 0x80 ? TAKEN : take_euc_jp(d, &size);
    if (*d->at < 0x80) *d->out++ = *d->at;
    if (!go_on(d, how, size)) return;
  }
}

/* ---- shift_jis ---- */

static enum ending take_shift_jis(struct decoding *d, size_t *size) {
  uint8_t lead = d->at[0], trail;
  *size = 1;
  if (lead >= 0xa1 && lead <= 0xdf)
    return take(d, (uint16_t)(HALFWIDTH + lead - 0xa1));
  if (lead == 0xa0 || lead > 0xfc) return REFUSED;
  if (d->end - d->at < 2) return CUT;
  trail = d->at[1];
  *size = 2;
  if (trail < 0x40 || trail == 0x7f || trail > 0xfc) return REFUSED;
  uint32_t pointer = (uint32_t)(lead - (lead < 0xa0 ? 0x81 : 0xc1)) * 188 +
                     trail - (trail < 0x7f ? 0x40u : 0x41u);
  if (pointer >= 8836 && pointer <= 10715) /* the private use of vendors */
    return take(d, (uint16_t)(0xe000 - 8836 + pointer));
  return take(d, jis0208(pointer));
}

void decode_shift_jis(const struct encoding *encoding, struct decoding *d) {
  (void)encoding;
  while (d->at < d->end) {
    size_t size = 1;
    enum ending how = *d->at <= 0x80 ? TAKEN : take_shift_jis(d, &size);
    if (*d->at <= 0x80) *d->out++ = *d->at;
    if (!go_on(d, how, size)) return;
  }
}

/* ---- iso-2022-jp ---- */

/* What bytes mean, which escape sequences change; and whether the last thing
 * was such a sequence: two in a row are not valid. */
enum { ASCII, ROMAN, KATAKANA, TWO_BYTES };
enum { MEANING, WAS_ESCAPE };

/* The meaning that a sequence sets; below 0: it is none. */
static int escape_meaning(uint8_t second, uint8_t third) {
  if (second == '$') return third == '@' || third == 'B' ? TWO_BYTES : -1;
  return third == 'B'   ? ASCII
         : third == 'J' ? ROMAN
         : third == 'I' ? KATAKANA
                        : -1;
}

/* False: more bytes are needed. */
static bool escape(struct decoding *d) {
  size_t left = (size_t)(d->end - d->at);
  if (left < 2 && !d->ends) return false;
  bool begins = left >= 2 && (d->at[1] == '$' || d->at[1] == '(');
  if (begins && left < 3 && !d->ends) return false;
  int meaning = begins && left >= 3 ? escape_meaning(d->at[1], d->at[2]) : -1;
  bool was_escape = d->mode[WAS_ESCAPE];
  d->mode[WAS_ESCAPE] = meaning >= 0;
  if (meaning < 0) {
    decoding_fail(d); /* and what follows is read as characters */
    d->at++;
    return true;
  }
  d->mode[MEANING] = (uint8_t)meaning;
  if (was_escape) decoding_fail(d);
  d->at += 3;
  return true;
}

/* False: more bytes are needed. */
static bool take_jis_pair(struct decoding *d) {
  uint8_t lead = d->at[0];
  size_t size = 1;
  uint16_t unit = 0;
  if (lead >= 0x21 && lead <= 0x7e) {
    if (d->end - d->at < 2 && !d->ends) return false;
    /* What follows is gone with it, but for an escape. */
    if (d->end - d->at >= 2 && d->at[1] != 0x1b) {
      uint8_t trail = d->at[1];
      size = 2;
      if (trail >= 0x21 && trail <= 0x7e)
        unit = jis0208((lead - 0x21u) * 94 + trail - 0x21u);
    }
  }
  if (unit == 0)
    decoding_fail(d);
  else
    *d->out++ = unit;
  d->at += size;
  return true;
}

static uint16_t one_byte(uint8_t byte, uint8_t meaning) {
  if (meaning == KATAKANA)
    return byte >= 0x21 && byte <= 0x5f ? (uint16_t)(HALFWIDTH + byte - 0x21)
                                        : REPLACEMENT;
  if (meaning == ROMAN && byte == 0x5c) return 0xa5;
  if (meaning == ROMAN && byte == 0x7e) return 0x203e;
  return byte < 0x80 && byte != 0x0e && byte != 0x0f ? byte : REPLACEMENT;
}

void decode_iso_2022_jp(const struct encoding *encoding, struct decoding *d) {
  (void)encoding;
  while (d->at < d->end) {
    if (*d->at == 0x1b) {
      if (!escape(d)) return;
      continue;
    }
    d->mode[WAS_ESCAPE] = 0;
    if (d->mode[MEANING] == TWO_BYTES) {
      if (!take_jis_pair(d)) return;
      continue;
    }
    uint16_t unit = one_byte(*d->at++, d->mode[MEANING]);
    d->malformed |= unit == REPLACEMENT;
    *d->out++ = unit;
  }
}
