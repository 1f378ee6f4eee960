/* SPDX-License-Identifier: MIT */
/* list.c - a header list (see headers.h). */
#include <string.h>

#include "headers.h"

/* Whether UTF-8 has no character above U+00FF. */
static bool is_narrow(JSContext *ctx, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if ((uint8_t)text[i] < 0xc4) continue;
    JS_ThrowTypeError(ctx, "a header has a character above U+00FF");
    return false;
  }
  return true;
}

/* The name that the UTF-8 of a ByteString is, whatever it consists of. */
static char *copy_name(JSContext *ctx, const char *text, size_t length) {
  if (!is_narrow(ctx, text, length)) return NULL;
  size_t size = HEADERS_SIZE(length);
  char *name = js_malloc(ctx, size);
  if (name == NULL) return NULL;
  memset(name + size - 8, 0, 8);
  for (size_t i = 0; i < length; i++)
    name[i] = text[i] != 0 ? text[i] : (char)0xff;
  return name;
}

char *headers__raw_name(JSContext *ctx, JSValueConst value) {
  size_t length;
  const char *text = JS_ToCStringLen(ctx, &length, value);
  if (text == NULL) return NULL;
  char *name = copy_name(ctx, text, length);
  JS_FreeCString(ctx, text);
  return name;
}

JSValue headers__raw_value(JSContext *ctx, JSValueConst value) {
  size_t length;
  JSValue string = JS_ToString(ctx, value);
  if (JS_IsException(string)) return string;
  const char *text = JS_ToCStringLen(ctx, &length, string);
  bool good = text != NULL && is_narrow(ctx, text, length);
  JS_FreeCString(ctx, text);
  if (good) return string;
  JS_FreeValue(ctx, string);
  return JS_EXCEPTION;
}

/* ---- Names and values -----------------------------------------------------*/

/* What a name may consist of: a bit for each character of ASCII. */
static bool is_token(uint8_t c) {
  uint64_t bits =
      c < 64 ? UINT64_C(0x03ff6cfa00000000) : UINT64_C(0x57ffffffc7fffffe);
  return c < 128 && bits >> (c & 63) & 1;
}

/* Writes a name in lower case. False: it is none, and stays as it is from the
 * first character that cannot be. */
static bool lower_name(char *lower, const char *name, size_t length) {
  for (size_t i = 0; i < length; i++) {
    uint8_t c = (uint8_t)name[i];
    if (!is_token(c)) return false;
    lower[i] = (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
  }
  return length > 0;
}

static int refuse_name(JSContext *ctx, const char *name) {
  JS_ThrowTypeError(ctx, "'%s' is not a header name", name);
  return -1;
}

char *headers__name(JSContext *ctx, JSValueConst value, char *room) {
  size_t length;
  const char *text = JS_ToCStringLen(ctx, &length, value);
  if (text == NULL) return NULL;
  size_t size = HEADERS_SIZE(length);
  char *name = size > HEADERS_ROOM ? js_malloc(ctx, size) : room;
  if (name != NULL) {
    memset(name + size - 8, 0, 8);
    if (!lower_name(name, text, length)) {
      if (name != room) js_free(ctx, name);
      /* what is no ByteString is refused as such */
      name = copy_name(ctx, text, length);
      if (name != NULL) refuse_name(ctx, name);
      js_free(ctx, name);
      name = NULL;
    }
  }
  JS_FreeCString(ctx, text);
  return name;
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What is kept of a value: without space at both ends. */
static JSValue make_value(JSContext *ctx, JSValueConst raw) {
  size_t length;
  const char *text = JS_ToCStringLen(ctx, &length, raw);
  if (text == NULL) return JS_EXCEPTION;
  const char *start = text, *end = text + length;
  while (end > start && is_space(end[-1])) end--;
  while (start < end && is_space(*start)) start++;
  const char *at = start;
  while (at < end && *at != '\n' && *at != '\r' && *at != 0) at++;
  JSValue value =
      at == end ? JS_NewStringLen(ctx, start, (size_t)(end - start))
                : JS_ThrowTypeError(
                      ctx, "a header value has a line break or NUL in it");
  JS_FreeCString(ctx, text);
  return value;
}

/* ---- Entries --------------------------------------------------------------*/

const char headers__set_cookie[HEADERS_SIZE(10)] = "set-cookie";

/* As strcmp, eight bytes at a time (see headers.h). */
static int compare(const char *one, const char *other) {
  uint64_t word, other_word;
  for (;; one += 8, other += 8) {
    memcpy(&word, one, 8);
    memcpy(&other_word, other, 8);
    if (word != other_word) break;
    if (word >> 56 == 0) return 0;
  }
  /* the first byte that differs: the lowest one */
  int at = __builtin_ctzll(word ^ other_word) & 56;
  return (int)(word >> at & 0xff) - (int)(other_word >> at & 0xff);
}

uint32_t headers__find(const headers_list *list, const char *name,
                       uint32_t *end) {
  uint32_t low = 0, high = list->count;
  bool found = false; /* the entry at 'high' has that name */
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    int order = compare(list->entries[middle].name, name);
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
      found = order == 0;
    }
  }
  for (high += found; found && high < list->count; high++)
    if (compare(list->entries[high].name, name) != 0) break;
  *end = high;
  return low;
}

static void free_entry(JSContext *ctx, headers_entry *entry) {
  js_free(ctx, entry->name);
  JS_FreeValue(ctx, entry->value);
}

void headers__remove(JSContext *ctx, headers_list *list, uint32_t from,
                     uint32_t to) {
  for (uint32_t i = from; i < to; i++) free_entry(ctx, &list->entries[i]);
  memmove(list->entries + from, list->entries + to,
          (list->count - to) * sizeof(headers_entry));
  list->count -= to - from;
}

int headers__insert(JSContext *ctx, headers_list *list, headers_entry entry,
                    uint32_t at) {
  uint32_t count = list->count;
  if ((count & (count - 1)) == 0) { /* full at each power of two, or might be */
    headers_entry *entries =
        js_realloc(ctx, list->entries, (count * 2 + 1) * sizeof entry);
    if (entries == NULL) {
      free_entry(ctx, &entry);
      return -1;
    }
    list->entries = entries;
  }
  memmove(list->entries + at + 1, list->entries + at,
          (count - at) * sizeof entry);
  list->entries[at] = entry;
  list->count++;
  return 0;
}

JSValue headers__join(JSContext *ctx, JSValue one, JSValueConst other) {
  size_t length, added;
  const char *text = JS_ToCStringLen(ctx, &length, one);
  const char *more = JS_ToCStringLen(ctx, &added, other);
  char *both = NULL;
  JSValue joined = JS_EXCEPTION;
  if (text != NULL && more != NULL) both = js_malloc(ctx, length + added + 2);
  if (both != NULL) {
    memcpy(both, text, length);
    memcpy(both + length, ", ", 2);
    memcpy(both + length + 2, more, added);
    joined = JS_NewStringLen(ctx, both, length + added + 2);
    js_free(ctx, both);
  }
  JS_FreeCString(ctx, text);
  JS_FreeCString(ctx, more);
  JS_FreeValue(ctx, one);
  return joined;
}

/* Puts a name and a value that are good. */
static int put(JSContext *ctx, headers_list *list, headers_entry entry,
               bool replace) {
  uint32_t end, at = headers__find(list, entry.name, &end);
  if (replace)
    headers__remove(ctx, list, at, end);
  else if (at == end || compare(entry.name, headers__set_cookie) == 0)
    at = end;
  else {
    JSValue *value = &list->entries[at].value;
    JSValue joined = headers__join(ctx, JS_DupValue(ctx, *value), entry.value);
    free_entry(ctx, &entry);
    if (JS_IsException(joined)) return -1;
    JS_FreeValue(ctx, *value);
    *value = joined;
    return 0;
  }
  return headers__insert(ctx, list, entry, at);
}

int headers__put(JSContext *ctx, headers_list *list, headers_entry raw,
                 bool replace) {
  headers_entry entry = {raw.name, JS_EXCEPTION};
  if (lower_name(raw.name, raw.name, strlen(raw.name)))
    entry.value = make_value(ctx, raw.value);
  else
    refuse_name(ctx, raw.name);
  JS_FreeValue(ctx, raw.value);
  if (!JS_IsException(entry.value)) return put(ctx, list, entry, replace);
  js_free(ctx, entry.name);
  return -1;
}
