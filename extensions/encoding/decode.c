/* SPDX-License-Identifier: MIT */
/* decode.c - from bytes to UTF-16: UTF-8, UTF-16 and windows-1252. */
#include "encoding.h"

#define HIGH_BITS 0x8080808080808080u

size_t encoding_ascii_prefix(const uint8_t *in, size_t size) {
  size_t at = 0;
  uint64_t word;
  for (; at + sizeof word <= size; at += sizeof word) {
    memcpy(&word, in + at, sizeof word);
    if (word & HIGH_BITS) break;
  }
  while (at < size && in[at] < 0x80) at++;
  return at;
}

/* ---- UTF-8 ---- */

static void decode_utf8(const struct encoding *encoding, struct decoding *d) {
  (void)encoding;
  const uint8_t *at = d->at, *end = d->end;
  uint16_t *out = d->out;
  while (at < end) {
    uint32_t c = *at;
    if (c < 0x80) {
      *out++ = (uint16_t)c;
      at++;
      for (uint32_t word; end - at >= 4; at += 4, out += 4) {
        memcpy(&word, at, sizeof word);
        if (word & 0x80808080u) break;
        uint64_t wide = word;
        wide = (wide | wide << 16) & 0x0000ffff0000ffffu;
        wide = (wide | wide << 8) & 0x00ff00ff00ff00ffu;
        memcpy(out, &wide, sizeof wide);
      }
      continue;
    }
    /* How many bytes follow, and what the first of them may be. */
    int left = c < 0xc2 || c > 0xf4 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    const uint8_t *next = at + 1;
    bool is_valid = left != 0;
    for (c &= 0x3fu >> left; left > 0 && next < end; left--, next++) {
      if (*next < low || *next > high) break;
      c = c << 6 | (*next & 0x3f);
      low = 0x80, high = 0xbf;
    }
    if (left > 0) {
      if (next == end && !d->ends) break; /* the rest may follow */
      is_valid = false;
    }
    at = next;
    if (!is_valid) {
      d->malformed = true;
      c = REPLACEMENT;
    } else if (c > 0xffff) {
      *out++ = (uint16_t)(0xd7c0 + (c >> 10));
      c = 0xdc00 | (c & 0x3ff);
    }
    *out++ = (uint16_t)c;
  }
  d->at = at;
  d->out = out;
}

/* ---- UTF-16 ---- */

static void decode_utf16(const struct encoding *encoding, struct decoding *d) {
  int high = !encoding->is_high_first;
  const uint8_t *at = d->at, *end = d->end;
  uint16_t *out = d->out;
  for (; end - at >= 2; at += 2) {
    uint16_t unit = (uint16_t)(at[high] << 8 | at[!high]);
    if ((unit & 0xf800) == 0xd800) {
      bool is_first = unit < 0xdc00;
      if (is_first && end - at < 4) break;
      if (is_first && (at[2 + high] & 0xfc) == 0xdc) {
        *out++ = unit;
        at += 2;
        unit = (uint16_t)(at[high] << 8 | at[!high]);
      } else {
        d->malformed = true;
        unit = REPLACEMENT;
      }
    }
    *out++ = unit;
  }
  d->at = at;
  d->out = out;
  if (d->ends && at < end) {
    decoding_fail(d);
    d->at = end;
  }
}

/* ---- windows-1252 ---- */

/* 80..9F; the rest is as in Unicode. */
static const uint16_t windows1252[] = {
    0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
    0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
    0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

static void decode_windows1252(const struct encoding *encoding,
                               struct decoding *d) {
  (void)encoding;
  uint16_t *out = d->out;
  const uint8_t *end = d->end;
  for (const uint8_t *at = d->at; at < end; at++)
    *out++ = (*at & 0xe0) == 0x80 ? windows1252[*at & 0x1f] : *at;
  d->at = end;
  d->out = out;
}

/* ---- What there is ---- */

static const struct encoding encodings[] = {
    {"utf-8", decode_utf8, NULL, true, true, false},
    {"utf-16le", decode_utf16, NULL, false, true, false},
    {"utf-16be", decode_utf16, NULL, false, true, true},
    {"windows-1252", decode_windows1252, NULL, true, false, false},
};

/* The labels of one after those of the other. */
static const char labels[] =
    " unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8 "
    "\0 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le "
    "\0 unicodefffe utf-16be "
    "\0 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 "
    "iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 "
    "us-ascii windows-1252 x-cp1252 ";

const struct encoding *encoding_find(const char *label) {
  const struct encoding *encoding = encodings;
  const char *end = labels + sizeof labels;
  for (const char *at = labels; at < end; at += strlen(at) + 1, encoding++)
    if (strstr(at, label) != NULL) return encoding;
  return NULL;
}
