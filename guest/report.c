/* SPDX-License-Identifier: MIT */
/* report.c - writing CBOR that describes a VM from outside.
 *
 * Unlike cbor-write.c this runs nothing and throws nothing: when memory ends
 * the buffer says so, and what is written after that is dropped. Texts are cut
 * to REPORT_TEXT_LARGEST characters. */

enum { REPORT_TEXT_LARGEST = 200 };

static void report_head(DynBuf *out, enum cbor_major major, uint64_t number) {
  uint8_t bytes[CBOR_HEAD];
  dbuf_put(out, bytes, cbor_put_head(bytes, major, number));
}

static void report_text(DynBuf *out, const char *text, size_t size) {
  report_head(out, CBOR_TEXT, size);
  dbuf_put(out, (const uint8_t *)text, size);
}

/* A key, or another text of our own. */
static void report_literal(DynBuf *out, const char *text) {
  report_text(out, text, strlen(text));
}

static void report_number(DynBuf *out, const char *key, uint64_t number) {
  report_literal(out, key);
  report_head(out, CBOR_UNSIGNED, number);
}

/* Writes the start of 'string' as UTF-8 and gives its size; 'text' has room
 * for 'room' bytes. */
static size_t report_utf8(const JSString *string, char *text, size_t room) {
  JSString *of = (JSString *)(uintptr_t)string;
  size_t size = 0;
  for (uint32_t i = 0; i < of->len && i < REPORT_TEXT_LARGEST;) {
    uint32_t c =
        of->is_wide_char ? code_point(str16(of), of->len, &i) : str8(of)[i++];
    if (size + 4 > room) break;
    size += utf8_encode((uint8_t *)text + size, c);
  }
  return size;
}

enum { REPORT_TEXT_BYTES = REPORT_TEXT_LARGEST * 4 };

/* The text of an atom in 'text', of REPORT_TEXT_BYTES; gives its size. */
static size_t report_atom(JSAtom atom, char *text) {
  const JSAtomStruct *string;
  if (__JS_AtomIsTaggedInt(atom))
    return (size_t)snprintf(text, REPORT_TEXT_BYTES, "%u",
                            (unsigned)__JS_AtomToUInt32(atom));
  if (atom == JS_ATOM_NULL || atom >= (JSAtom)torpor__rt->atom_size) return 0;
  string = torpor__rt->atom_array[atom];
  if (atom_is_free(string)) return 0;
  return report_utf8(string, text, REPORT_TEXT_BYTES);
}

static void report_atom_text(DynBuf *out, const char *key, JSAtom atom) {
  char text[REPORT_TEXT_BYTES];
  report_literal(out, key);
  report_text(out, text, report_atom(atom, text));
}

/* Gives the report to the host; frees it. */
static torpor_status report_give(DynBuf *report) {
  torpor_status status = TORPOR_LIMIT;
  if (!dbuf_error(report)) {
    uint8_t *place = torpor__text_place(report->size);
    if (place != NULL) {
      memcpy(place, report->buf, report->size);
      status = TORPOR_OK;
    }
  }
  dbuf_free(report);
  return status;
}
