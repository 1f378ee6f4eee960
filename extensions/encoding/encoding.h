/* SPDX-License-Identifier: MIT */
/* encoding.h - what the parts of this extension and encoding-legacy share. */
#ifndef TORPOR_ENCODING_H
#define TORPOR_ENCODING_H

#include <torpor-extension.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT 0xfffd

/* One call of a decoder.
 *
 *  (1) It has room for one unit more than there are bytes.
 *  (2) Where no bytes follow, all of them are used. Else up to DECODING_REST
 *      may stay: the beginning of a character, which comes again in front of
 *      the bytes of the next call. */
#define DECODING_REST 3
struct decoding {
  const uint8_t *at, *end; /* the bytes; 'at' moves */
  uint16_t *out;           /* the units; moves */
  bool ends;               /* no bytes follow */
  bool malformed;          /* set when something is not valid */
  uint8_t *mode; /* two bytes that the decoder keeps; 0 at the start */
};

struct encoding {
  char name[16]; /* with its end */
  void (*decode)(const struct encoding *encoding, struct decoding *decoding);
  const uint16_t *table;
  bool is_ascii;      /* bytes below 80 mean themselves, after any others */
  bool has_mark;      /* U+FEFF at the start is a mark of the byte order */
  bool is_high_first; /* of UTF-16 */
};

/* What every TextEncoder carries: by it encoding-legacy finds this
 * extension. */
#define ENCODING_MAGIC 0x65636f31 /* the last digit is that of this interface */
struct encoding_registry {
  uint32_t magic;
  /* The encoding of a label in small letters between two blanks; NULL: not
   * known. That of encoding-legacy, which sets it; NULL: it is not loaded. */
  const struct encoding *(*find)(const char *label);
};
extern struct encoding_registry encoding_registry;

/* Something is not valid. */
static inline void decoding_fail(struct decoding *decoding) {
  decoding->malformed = true;
  *decoding->out++ = REPLACEMENT;
}

/* As many bytes of ASCII as there are at the start. */
size_t encoding_ascii_prefix(const uint8_t *in, size_t size);

/* The encoding of a label, as in the registry, among those that are here. */
const struct encoding *encoding_find(const char *label);

/* Define the globals; below 0 when they have thrown. */
int encoding_define_encoder(JSContext *ctx, JSRuntime *rt);
int encoding_define_decoder(JSContext *ctx, JSRuntime *rt);

/* What was thrown is forgotten: buffers that are detached, or out of bounds,
 * have no bytes. */
void encoding_drop_error(JSContext *ctx);

/* Makes a class with its prototype and constructor, and defines the latter. */
int encoding_define_class(JSContext *ctx, JSRuntime *rt, JSClassID *id,
                          const JSClassDef *class, JSCFunction *construct,
                          const JSCFunctionListEntry *members, int count);

/* An object of that class whose prototype is that of 'new_target'. */
JSValue encoding_new_object(JSContext *ctx, JSValueConst new_target,
                            JSClassID id);

/* Members of an interface are enumerable, unlike those of the language. */
#define ENCODING_METHOD(name, length, function)                                \
  JS_CFUNC_DEF2(name, length, function,                                        \
                JS_PROP_WRITABLE | JS_PROP_ENUMERABLE | JS_PROP_CONFIGURABLE)
#define ENCODING_ATTRIBUTE(name, get, magic)                                   \
  JS_CGETSET_MAGIC_DEF2(name, get, NULL, magic,                                \
                        JS_PROP_ENUMERABLE | JS_PROP_CONFIGURABLE)
#define ENCODING_TAG(name)                                                     \
  JS_PROP_STRING_DEF("[Symbol.toStringTag]", name, JS_PROP_CONFIGURABLE)

#endif
