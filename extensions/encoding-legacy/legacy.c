/* SPDX-License-Identifier: MIT */
/* legacy.c - adds to TextDecoder the labels of the Encoding Standard that the
 * extension encoding does not have.
 *
 * The tables are as large as twenty of that extension, and live in the
 * memory of the VM and in its snapshots. So they are an extension of their
 * own. */
#include "legacy.h"

#include "tables.h"

TORPOR_EXTENSION("encoding-legacy", "1.0")

const uint16_t *const legacy_jis0208 = index_jis0208;
const uint16_t *const legacy_jis0212 = index_jis0212;

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* All pairs of a lead and a trail byte have an entry. */
_Static_assert(COUNT(index_gb18030) == 126 * 190, "gb18030");
_Static_assert(COUNT(index_big5) == 126 * 157, "big5");
_Static_assert(sizeof index_jis0208 == 2 * JIS0208_SIZE, "jis0208");
_Static_assert(sizeof index_jis0212 == 2 * JIS0212_SIZE, "jis0212");

/* ---- Single bytes ---- */

static void decode_bytes(const struct encoding *encoding,
                         struct decoding *decoding) {
  struct decoding d = *decoding;
  const uint16_t *table = encoding->table;
  for (; d.at < d.end; d.at++) {
    uint16_t unit = *d.at < 0x80 ? *d.at : table[*d.at - 0x80];
    d.malformed |= unit == REPLACEMENT;
    *d.out++ = unit;
  }
  *decoding = d;
}

static void decode_user_defined(const struct encoding *encoding,
                                struct decoding *d) {
  (void)encoding;
  for (; d->at < d->end; d->at++)
    *d->out++ = (uint16_t)(*d->at < 0x80 ? *d->at : 0xf700 + *d->at);
}

/* ---- Two bytes ---- */

static enum ending take_euc_kr(struct decoding *d, uint8_t lead,
                               uint8_t trail) {
  if (trail < 0x41 || trail > 0xfe) return REFUSED;
  int pointer = (lead - 0x81) * 190 + trail - 0x41;
  return pointer < COUNT(index_euc_kr) ? take(d, index_euc_kr[pointer])
                                       : REFUSED;
}

void decode_euc_kr(const struct encoding *encoding, struct decoding *d) {
  (void)encoding;
  enum ending how;
  for (size_t size; d->at < d->end;) {
    uint8_t lead = d->at[0];
    size = 1;
    if (lead < 0x80) {
      how = TAKEN;
      *d->out++ = lead;
    } else if (lead == 0x80 || lead == 0xff) {
      how = REFUSED;
    } else if (d->end - d->at < 2) {
      how = CUT;
    } else {
      size = 2;
      how = take_euc_kr(d, lead, d->at[1]);
    }
    if (!go_on(d, how, size)) return;
  }
}

/* The four characters that are two in Unicode: a letter and a mark. */
static bool take_two(struct decoding *d, int pointer) {
  if (pointer != 1133 && pointer != 1135 && pointer != 1164 && pointer != 1166)
    return false;
  *d->out++ = pointer < 1150 ? 0xca : 0xea;
  *d->out++ = pointer == 1133 || pointer == 1164 ? 0x304 : 0x30c;
  return true;
}

static enum ending take_big5(struct decoding *d, uint8_t lead, uint8_t trail) {
  if (trail < 0x40 || (trail > 0x7e && trail < 0xa1) || trail > 0xfe)
    return REFUSED;
  int pointer = (lead - 0x81) * 157 + trail - (trail < 0x7f ? 0x40 : 0x62);
  if (take_two(d, pointer)) return TAKEN;
  if ((index_big5_planes[pointer >> 3] >> (pointer & 7) & 1) == 0)
    return take(d, index_big5[pointer]);
  uint32_t c = 0x20000u | index_big5[pointer];
  *d->out++ = (uint16_t)(0xd7c0 + (c >> 10));
  *d->out++ = (uint16_t)(0xdc00 | (c & 0x3ff));
  return TAKEN;
}

void decode_big5(const struct encoding *encoding, struct decoding *d) {
  (void)encoding;
  enum ending how;
  for (size_t size; d->at < d->end;) {
    uint8_t lead = d->at[0];
    size = 1;
    if (lead < 0x80) {
      how = TAKEN;
      *d->out++ = lead;
    } else if (lead == 0x80 || lead == 0xff) {
      how = REFUSED;
    } else if (d->end - d->at < 2) {
      how = CUT;
    } else {
      size = 2;
      how = take_big5(d, lead, d->at[1]);
    }
    if (!go_on(d, how, size)) return;
  }
}

/* ---- gb18030 ---- */

/* Four bytes by their number, in ranges. */
static enum ending take_ranged(struct decoding *d, uint32_t pointer) {
  const uint16_t *ranges = index_gb18030_ranges;
  if (pointer >= 189000) {
    uint32_t c = 0x10000 + pointer - 189000;
    if (c > 0x10ffff) return REFUSED;
    *d->out++ = (uint16_t)(0xd7c0 + (c >> 10));
    *d->out++ = (uint16_t)(0xdc00 | (c & 0x3ff));
    return TAKEN;
  }
  if (pointer > 39419) return REFUSED;
  if (pointer == 7457) return take(d, 0xe7c7);
  int low = 0, high = COUNT(index_gb18030_ranges) /
                      2; /* the range begins in [low, high) */
  while (high - low > 1) {
    int middle = (low + high) / 2;
    if (ranges[2 * middle] <= pointer)
      low = middle;
    else
      high = middle;
  }
  return take(d, (uint16_t)(ranges[2 * low + 1] + pointer - ranges[2 * low]));
}

/* Of four bytes of which one is not valid only the first is gone. */
static enum ending take_four(struct decoding *d, size_t *size) {
  const uint8_t *b = d->at;
  size_t left = (size_t)(d->end - b);
  *size = 1;
  if (left < 3) return CUT;
  if (b[2] < 0x81 || b[2] > 0xfe) return REFUSED;
  if (left < 4) return CUT;
  if (b[3] < 0x30 || b[3] > 0x39) return REFUSED;
  *size = 4;
  enum ending how =
      take_ranged(d, (uint32_t)(b[0] - 0x81) * 12600 + (b[1] - 0x30u) * 1260 +
                         (b[2] - 0x81u) * 10 + (b[3] - 0x30u));
  if (how != REFUSED) return how;
  /* All four are gone, also the last one, although it is ASCII. */
  decoding_fail(d);
  return TAKEN;
}

static enum ending take_two_or_four(struct decoding *d, size_t *size) {
  uint8_t lead = d->at[0], trail;
  *size = 1;
  if (lead == 0xff) return REFUSED;
  if (d->end - d->at < 2) return CUT;
  trail = d->at[1];
  if (trail >= 0x30 && trail <= 0x39) return take_four(d, size);
  *size = 2;
  if (trail < 0x40 || trail == 0x7f || trail == 0xff) return REFUSED;
  return take(d, index_gb18030[(lead - 0x81) * 190 + trail -
                               (trail < 0x7f ? 0x40 : 0x41)]);
}

void decode_gb18030(const struct encoding *encoding, struct decoding *d) {
  (void)encoding;
  enum ending how;
  for (size_t size; d->at < d->end;) {
    how = TAKEN;
    size = 1;
    if (*d->at < 0x80)
      *d->out++ = *d->at;
    else if (*d->at == 0x80)
      *d->out++ = 0x20ac;
    else
      how = take_two_or_four(d, &size);
    if (!go_on(d, how, size)) return;
  }
}

/* ---- What there is ---- */

#define CODED(name, decode, labels)                                            \
  {{name, decode, NULL, true, false, false}, labels},
#define SINGLE(name, table, labels)                                            \
  {{name, decode_bytes, table, true, false, false}, labels},

static const struct {
  struct encoding encoding;
  const char *labels;
} known[] = {
    CODED("gbk", decode_gb18030, LABELS_gbk) CODED("gb18030", decode_gb18030,
                                                   LABELS_gb18030)
        CODED("big5", decode_big5, LABELS_big5) CODED(
            "euc-jp", decode_euc_jp,
            LABELS_euc_jp) CODED("euc-kr", decode_euc_kr, LABELS_euc_kr)
            CODED("shift_jis", decode_shift_jis, LABELS_shift_jis) CODED(
                "x-user-defined", decode_user_defined, LABELS_x_user_defined){
                {"iso-2022-jp", decode_iso_2022_jp, NULL, false, false, false},
                LABELS_iso_2022_jp},
    SINGLE_BYTES(SINGLE)};

static const struct encoding *find(const char *label) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strstr(known[i].labels, label) != NULL) return &known[i].encoding;
  return NULL;
}

/* The engine's class of that name; 0: there is none. */
static JSClassID find_class(JSContext *ctx, JSRuntime *rt, const char *name) {
  JSAtom wanted = JS_NewAtom(ctx, name);
  JSClassID found = 0, end = 0;
  JS_NewClassID(rt, &end);
  for (JSClassID id = 1; id < end && wanted != JS_ATOM_NULL; id++) {
    if (!JS_IsRegisteredClass(rt, id)) continue;
    JSAtom atom = JS_GetClassName(rt, id);
    if (atom == wanted) found = id;
    JS_FreeAtom(ctx, atom);
  }
  JS_FreeAtom(ctx, wanted);
  return found;
}

/* Whatever a program has put in place of the constructor: only an object of the
 * class carries something. */
static struct encoding_registry *find_registry(JSContext *ctx, JSClassID id) {
  JSValue proto = JS_GetClassProto(ctx, id);
  JSValue constructor = JS_GetPropertyStr(ctx, proto, "constructor");
  JSValue encoder = JS_CallConstructor(ctx, constructor, 0, NULL);
  struct encoding_registry *registry = JS_GetOpaque(encoder, id);
  JS_FreeValue(ctx, encoder);
  JS_FreeValue(ctx, constructor);
  JS_FreeValue(ctx, proto);
  return registry;
}

TORPOR_EXTENSION_INIT(encoding_legacy) {
  JSClassID id = find_class(ctx, rt, "TextEncoder");
  struct encoding_registry *registry = id ? find_registry(ctx, id) : NULL;
  if (registry == NULL || registry->magic != ENCODING_MAGIC) {
    JS_ThrowTypeError(ctx,
                      "load the extension encoding before this one, which "
                      "adds to it");
    return -1;
  }
  registry->find = find;
  return 0;
}
