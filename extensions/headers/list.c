/* SPDX-License-Identifier: MIT */
/* list.c - a header list (see headers.h). */
#include <string.h>

#include "headers.h"

/* Replaces each NUL. False: there is a character above U+00FF. */
static bool fit(char *text, size_t length) {
  for (; length > 0; text++, length--) {
    if (*text == 0)
      *text = (char)0xff;
    else if ((uint8_t)*text >= 0xc4)
      return false;
  }
  return true;
}

char *headers__bytes(JSContext *ctx, JSValueConst value, char *room) {
  size_t size;
  const char *text = JS_ToCStringLen(ctx, &size, value);
  if (text == NULL) return NULL;
  size_t length = size; /* one that lives in no memory */
  bool fits = room != NULL && length < HEADERS_ROOM;
  char *copy = fits ? room : js_malloc(ctx, length + 1);
  if (copy != NULL) {
    uint32_t odd = 0; /* gets bit 7 when a byte is 0, or above 0x80 */
    for (size_t i = 0; i < length; i++) {
      copy[i] = text[i];
      odd |= (uint8_t)text[i] - 1u;
    }
    copy[length] = 0;
    if (odd & 0x80 && !fit(copy, length)) {
      if (!fits) js_free(ctx, copy);
      copy = NULL;
      JS_ThrowTypeError(ctx, "a header has a character above U+00FF");
    }
  }
  JS_FreeCString(ctx, text);
  return copy;
}

/* ---- Names and values -----------------------------------------------------*/

/* What a name consists of, a bit for each character of ASCII. */
static const uint32_t name_characters[] = {0, 0x03ff6cfa, 0xc7fffffe,
                                           0x57ffffff};

int headers__check_name(JSContext *ctx, char *name) {
  char *at = name;
  for (uint8_t c; (c = (uint8_t)*at) != 0; at++) {
    if (c >= 0x80 || !(name_characters[c >> 5] >> (c & 31) & 1)) break;
    if (c >= 'A' && c <= 'Z') *at = (char)(c | 32);
  }
  if (*at == 0 && at != name) return 0;
  JS_ThrowTypeError(ctx, "'%s' is not a header name", name);
  return -1;
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes space off both ends. */
static int check_value(JSContext *ctx, char *value) {
  char *end = value + strlen(value), *start = value;
  while (end > value && is_space(end[-1])) end--;
  *end = 0;
  while (is_space(*start)) start++;
  memmove(value, start, (size_t)(end - start) + 1);
  for (; *value != 0; value++) {
    if (*value != '\n' && *value != '\r' && *value != (char)0xff) continue;
    JS_ThrowTypeError(ctx, "a header value has a line break or NUL in it");
    return -1;
  }
  return 0;
}

/* ---- Entries --------------------------------------------------------------*/

/* As strcmp: that of the engine costs a call. */
static int compare(const char *one, const char *other) {
  while (*one == *other && *one != 0) one++, other++;
  return (uint8_t)*one - (uint8_t)*other;
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
  js_free(ctx, entry->value);
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

int headers__join(JSContext *ctx, headers_entry *entry, const char *more) {
  size_t length = strlen(entry->value), added = strlen(more);
  char *value = js_realloc(ctx, entry->value, length + added + 3);
  if (value == NULL) return -1;
  memcpy(value + length, ", ", 2);
  memcpy(value + length + 2, more, added + 1);
  entry->value = value;
  return 0;
}

int headers__put(JSContext *ctx, headers_list *list, headers_entry entry,
                 bool replace) {
  uint32_t at, end;
  int status = -1;
  if (headers__check_name(ctx, entry.name) == 0 &&
      check_value(ctx, entry.value) == 0) {
    at = headers__find(list, entry.name, &end);
    if (replace)
      headers__remove(ctx, list, at, end);
    else if (at != end && strcmp(entry.name, "set-cookie") != 0) {
      status = headers__join(ctx, &list->entries[at], entry.value);
      free_entry(ctx, &entry);
      return status;
    }
    return headers__insert(ctx, list, entry, replace ? at : end);
  }
  free_entry(ctx, &entry);
  return status;
}
