/* SPDX-License-Identifier: MIT */
/* text-decoder.c - class TextDecoder: bytes to strings.
 *
 * ASCII becomes a string with a byte for each character, all else is decoded to
 * UTF-16, also what would be Latin-1: the engine makes strings of that only
 * from UTF-8, which takes three times as long.
 *
 *  (1) Between calls a decoder is plain data, so one that is in the middle of a
 *      character sleeps and wakes like any other. */
#include "encoding.h"

struct decoder {
  const struct encoding *encoding;
  uint8_t rest[DECODING_REST]; /* the beginning of a character */
  uint8_t rest_size;
  uint8_t mode[2];
  bool fatal, ignores_mark;
  bool goes_on; /* the last call said that more would follow */
  bool began;   /* its first character was seen */
};

static JSClassID decoder_class;
struct encoding_registry encoding_registry = {ENCODING_MAGIC, NULL};

static struct decoder *self_of(JSContext *ctx, JSValueConst self) {
  return JS_GetOpaque2(ctx, self, decoder_class);
}

static void finalize(JSRuntime *rt, JSValueConst object) {
  js_free_rt(rt, JS_GetOpaque(object, decoder_class));
}

/* ---- Making one ---- */

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static const struct encoding *find(const char *text, size_t size) {
  char label[34], *at = label; /* none is longer */
  while (size > 0 && is_blank(*text)) text++, size--;
  while (size > 0 && is_blank(text[size - 1])) size--;
  if (size == 0 || size > sizeof label - 3) return NULL;
  *at++ = ' ';
  for (; size > 0; text++, size--) {
    if (*text <= ' ') return NULL;
    *at++ = (char)(*text >= 'A' && *text <= 'Z' ? *text | 0x20 : *text);
  }
  memcpy(at, " ", 2);
  const struct encoding *found = encoding_find(label);
  if (found == NULL && encoding_registry.find != NULL)
    found = encoding_registry.find(label);
  return found;
}

/* One of the options, a boolean, of the second argument; below 0 when it has
 * thrown. */
static int option(JSContext *ctx, int count, JSValueConst *args,
                  const char *name) {
  if (count < 2 || JS_IsUndefined(args[1]) || JS_IsNull(args[1])) return 0;
  if (!JS_IsObject(args[1])) {
    JS_ThrowTypeError(ctx, "options are no object");
    return -1;
  }
  JSValue value = JS_GetPropertyStr(ctx, args[1], name);
  int is_set = JS_ToBool(ctx, value);
  JS_FreeValue(ctx, value);
  return is_set;
}

static JSValue construct(JSContext *ctx, JSValueConst new_target, int count,
                         JSValueConst *args) {
  bool is_given = count > 0 && !JS_IsUndefined(args[0]);
  size_t size = 5;
  const char *label = is_given ? JS_ToCStringLen(ctx, &size, args[0]) : "utf-8";
  if (label == NULL) return JS_EXCEPTION;
  /* The options are read before the label is looked up. */
  int fatal = option(ctx, count, args, "fatal");
  int ignores = fatal < 0 ? -1 : option(ctx, count, args, "ignoreBOM");
  const struct encoding *encoding = ignores < 0 ? NULL : find(label, size);
  if (ignores >= 0 && encoding == NULL)
    JS_ThrowRangeError(
        ctx, "unknown encoding '%.40s'%s", label,
        encoding_registry.find != NULL ? "" : "; try encoding-legacy");
  if (is_given) JS_FreeCString(ctx, label);
  if (encoding == NULL) return JS_EXCEPTION;
  JSValue object = encoding_new_object(ctx, new_target, decoder_class);
  if (JS_IsException(object)) return object;
  struct decoder *self = js_mallocz(ctx, sizeof *self);
  if (self == NULL) {
    JS_FreeValue(ctx, object);
    return JS_EXCEPTION;
  }
  self->encoding = encoding;
  self->fatal = fatal > 0;
  self->ignores_mark = ignores > 0;
  JS_SetOpaque(object, self);
  return object;
}

/* ---- What is to be decoded ---- */

/* Bytes that a value of the caller keeps; no code of the program runs while
 * they are looked at. */
struct input {
  const uint8_t *bytes;
  size_t size;
};

/* A property of a DataView; a program may have replaced it, so anything is
 * possible, and the caller looks. */
static size_t read_size(JSContext *ctx, JSValueConst view, const char *name) {
  int64_t number = 0;
  JSValue value = JS_GetPropertyStr(ctx, view, name);
  if (JS_IsException(value) || JS_ToInt64(ctx, &number, value) < 0)
    encoding_drop_error(ctx);
  JS_FreeValue(ctx, value);
  return number < 0 || number > SIZE_MAX ? SIZE_MAX : (size_t)number;
}

/* The buffer behind a value, and what part of it the value is. */
static JSValue find_buffer(JSContext *ctx, JSValueConst value, size_t *offset,
                           size_t *size) {
  if (JS_GetTypedArrayType(value) >= 0)
    return JS_GetTypedArrayBuffer(ctx, value, offset, size, NULL);
  if (!JS_IsDataView(value)) return JS_DupValue(ctx, value);
  JSValue buffer = JS_GetPropertyStr(ctx, value, "buffer");
  *offset = read_size(ctx, value, "byteOffset");
  *size = read_size(ctx, value, "byteLength");
  return buffer;
}

/* False when it has thrown. */
static bool open_any(JSContext *ctx, JSValueConst value, struct input *input) {
  size_t offset = 0, size = SIZE_MAX, whole;
  JSValue buffer = find_buffer(ctx, value, &offset, &size);
  bool is_buffer = JS_IsException(buffer) || JS_IsArrayBuffer(buffer);
  const uint8_t *bytes = JS_GetArrayBuffer(ctx, &whole, buffer);
  JS_FreeValue(ctx, buffer);
  if (bytes == NULL) {
    encoding_drop_error(ctx);
    if (is_buffer) return true;
    JS_ThrowTypeError(ctx, "decode takes a buffer or a view");
    return false;
  }
  if (offset > whole) offset = whole;
  input->bytes = bytes + offset;
  input->size = size < whole - offset ? size : whole - offset;
  return true;
}

static bool input_open(JSContext *ctx, JSValueConst value,
                       struct input *input) {
  if (JS_GetTypedArrayType(value) != JS_TYPED_ARRAY_UINT8)
    return open_any(ctx, value, input);
  input->bytes = JS_GetUint8Array(ctx, &input->size, value);
  if (input->bytes == NULL) encoding_drop_error(ctx);
  return true;
}

/* ---- Decoding ---- */

/* The string of what is in [units, end), without the mark at the start. */
static JSValue give(JSContext *ctx, struct decoder *self, const uint16_t *units,
                    const uint16_t *end) {
  if (units < end && !self->began) {
    self->began = true;
    if (*units == 0xfeff && self->encoding->has_mark && !self->ignores_mark)
      units++;
  }
  return JS_NewStringUTF16(ctx, units, (size_t)(end - units));
}

/* With room for the units. */
static JSValue decode_into(JSContext *ctx, struct decoder *self,
                           const uint8_t *in, size_t size, uint16_t *units) {
  struct decoding d = {in, in + size, units, !self->goes_on, false, self->mode};
  self->encoding->decode(self->encoding, &d);
  if (d.malformed && self->fatal) {
    self->goes_on = false;
    return JS_ThrowTypeError(ctx, "not valid %s", self->encoding->name);
  }
  self->rest_size = (uint8_t)(d.end - d.at);
  memcpy(self->rest, d.at, self->rest_size);
  return give(ctx, self, units, d.out);
}

/* What is decoded, with what is left of an earlier call in front, lies
 * behind the room for its units. */
static JSValue decode_all(JSContext *ctx, struct decoder *self,
                          const uint8_t *in, size_t size) {
  size_t rest = self->rest_size, room = (size + rest + 1) * sizeof(uint16_t);
  uint16_t few[256];
  uint16_t *units = rest == 0 && room <= sizeof few
                        ? few
                        : js_malloc(ctx, room + (rest ? size + rest : 0));
  if (units == NULL) return JS_EXCEPTION;
  if (rest != 0) {
    uint8_t *bytes = (uint8_t *)units + room;
    memcpy(bytes, self->rest, rest);
    memcpy(bytes + rest, in, size);
    in = bytes;
  }
  JSValue string = decode_into(ctx, self, in, size + rest, units);
  if (units != few) js_free(ctx, units);
  return string;
}

static JSValue decode(JSContext *ctx, JSValueConst value, int count,
                      JSValueConst *args) {
  struct decoder *self = self_of(ctx, value);
  if (self == NULL) return JS_EXCEPTION;
  int goes_on = option(ctx, count, args, "stream");
  if (goes_on < 0) return JS_EXCEPTION;
  struct input input = {NULL, 0};
  if (count > 0 && !JS_IsUndefined(args[0]) &&
      !input_open(ctx, args[0], &input))
    return JS_EXCEPTION;
  if (!self->goes_on) {
    self->rest_size = self->mode[0] = self->mode[1] = 0;
    self->began = false;
  }
  self->goes_on = goes_on > 0;
  if (self->rest_size > 0 || !self->encoding->is_ascii ||
      encoding_ascii_prefix(input.bytes, input.size) < input.size)
    return decode_all(ctx, self, input.bytes, input.size);
  self->began |= input.size > 0;
  return JS_NewStringLen(ctx, (const char *)input.bytes, input.size);
}

/* ---- The class ---- */

enum { ENCODING, FATAL, IGNORE_BOM };

static JSValue get(JSContext *ctx, JSValueConst value, int magic) {
  struct decoder *self = self_of(ctx, value);
  if (self == NULL) return JS_EXCEPTION;
  if (magic == ENCODING) return JS_NewString(ctx, self->encoding->name);
  return JS_NewBool(ctx, magic == FATAL ? self->fatal : self->ignores_mark);
}

static const JSClassDef class = {"TextDecoder", .finalizer = finalize};

static const JSCFunctionListEntry members[] = {
    ENCODING_ATTRIBUTE("encoding", get, ENCODING),
    ENCODING_ATTRIBUTE("fatal", get, FATAL),
    ENCODING_ATTRIBUTE("ignoreBOM", get, IGNORE_BOM),
    ENCODING_METHOD("decode", 0, decode),
    ENCODING_TAG("TextDecoder"),
};

int encoding_define_decoder(JSContext *ctx, JSRuntime *rt) {
  return encoding_define_class(ctx, rt, &decoder_class, &class, construct,
                               members, sizeof members / sizeof *members);
}
