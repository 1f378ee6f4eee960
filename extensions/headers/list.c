/* SPDX-License-Identifier: MIT */
/* list.c - a header list (see headers.h). */
#include <string.h>

#include "headers.h"

char *headers__bytes(JSContext *ctx, JSValueConst value, char *room) {
  size_t length;
  const char *text = JS_ToCStringLen(ctx, &length, value);
  if (text == NULL) return NULL;
  bool fits = room != NULL && length < HEADERS_ROOM;
  char *copy = fits ? room : js_malloc(ctx, length + 1);
  for (size_t i = 0; copy != NULL && i <= length; i++) {
    copy[i] = text[i];
    if (i == length) break;
    if (copy[i] == 0)
      copy[i] = (char)0xff;
    else if ((uint8_t)copy[i] >= 0xc4) {
      if (!fits) js_free(ctx, copy);
      copy = NULL;
      JS_ThrowTypeError(ctx, "a header has a character above U+00FF");
    }
  }
  JS_FreeCString(ctx, text);
  return copy;
}

/* ---- Names and values -----------------------------------------------------*/

int headers__check_name(JSContext *ctx, char *name) {
  char *at = name;
  for (; *at != 0; at++) {
    if (*at >= 'A' && *at <= 'Z')
      *at |= 32;
    else if ((*at < 'a' || *at > 'z') && (*at < '0' || *at > '9') &&
             strchr("-!#$%&'*+.^_`|~", *at) == NULL)
      break;
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

uint32_t headers__find(const headers_list *list, const char *name,
                       bool behind) {
  uint32_t low = 0, high = list->count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (strcmp(list->entries[middle].name, name) < (int)behind)
      low = middle + 1;
    else
      high = middle;
  }
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
    at = headers__find(list, entry.name, false);
    end = headers__find(list, entry.name, true);
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
