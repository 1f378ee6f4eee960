/* SPDX-License-Identifier: MIT */
/* fetch-head.c - the head of a response, line by line. See fetch.h.
 *
 * Headers are bytes, and characters up to U+00FF to programs: what is above
 * ASCII is kept as UTF-8.
 *
 * Runs on the loop's thread. */
#include <ctype.h>

#include "common/array.h"
#include "loop/fetch/fetch.h"

enum { HEAD_LARGEST = 1 << 18, HEADERS_MOST = 1000 };

void torpor__head_clear(struct torpor__fetch_head *head) {
  free(head->text);
  *head = (struct torpor__fetch_head){0};
}

/* Appends text and, if 'end', a zero byte. */
static bool append(struct torpor__fetch_head *head, const char *text,
                   size_t size, bool end) {
  if (head->size + 2 * size + 1 > HEAD_LARGEST) {
    head->crowded = true;
    return false;
  }
  if (!torpor__array_reserve(&head->text, &head->capacity,
                             head->size + 2 * size + 1, 1))
    return false;
  for (size_t i = 0; i < size; i++) {
    uint8_t byte = (uint8_t)text[i];
    if (byte >= 0x80)
      head->text[head->size++] = (char)(uint8_t)(0xc0 | byte >> 6);
    if (byte >= 0x80) byte = 0x80 | (byte & 0x3f);
    head->text[head->size++] = byte == 0 ? ' ' : (char)byte;
  }
  if (end) head->text[head->size++] = '\0';
  return true;
}

static void trim(const char **text, size_t *size) {
  while (*size > 0 && strchr(" \t\r\n", (*text)[*size - 1]) != NULL) --*size;
  while (*size > 0 && strchr(" \t", **text) != NULL) ++*text, --*size;
}

/* "HTTP/1.1 200 OK" */
static bool take_status(struct torpor__fetch_head *head, const char *line,
                        size_t size) {
  torpor__head_clear(head);
  const char *space = memchr(line, ' ', size);
  if (space == NULL) return false;
  size_t left = size - (size_t)(space - line);
  trim(&space, &left);
  if (left < 3 || !isdigit((unsigned char)space[0]) ||
      !isdigit((unsigned char)space[1]) || !isdigit((unsigned char)space[2]))
    return false;
  head->status =
      (space[0] - '0') * 100 + (space[1] - '0') * 10 + (space[2] - '0');
  space += 3;
  left -= 3;
  trim(&space, &left);
  return append(head, space, left, true);
}

/* Goes on with the header before. */
static bool take_fold(struct torpor__fetch_head *head, const char *line,
                      size_t size) {
  if (head->count == 0) return true;
  head->text[head->size - 1] = ' ';
  return append(head, line, size, true);
}

static bool take_pair(struct torpor__fetch_head *head, const char *line,
                      size_t size) {
  const char *colon = memchr(line, ':', size);
  if (colon == NULL) return true;
  size_t name_size = (size_t)(colon - line);
  const char *value = colon + 1;
  size_t value_size = size - name_size - 1, from = head->size;
  trim(&line, &name_size);
  trim(&value, &value_size);
  if (name_size == 0) return true;
  if (head->count == HEADERS_MOST) {
    head->crowded = true;
    return false;
  }
  if (!append(head, line, name_size, true)) return false;
  for (char *c = head->text + from; *c != '\0'; c++)
    *c = (char)tolower((unsigned char)*c);
  head->count++;
  return append(head, value, value_size, true);
}

bool torpor__head_take(struct torpor__fetch_head *head, const char *line,
                       size_t size) {
  if (head->done) return true; /* behind the body: trailers */
  if (size >= 5 && memcmp(line, "HTTP/", 5) == 0)
    return take_status(head, line, size);
  if (head->status == 0) return true;
  bool folded = size > 0 && (*line == ' ' || *line == '\t');
  trim(&line, &size);
  if (size == 0) {
    head->done = head->status >= 200;
    return true;
  }
  return folded ? take_fold(head, line, size) : take_pair(head, line, size);
}

const char *torpor__head_value(const struct torpor__fetch_head *head,
                               const char *name) {
  const char *at =
      head->text == NULL ? "" : head->text + strlen(head->text) + 1;
  for (size_t i = 0; i < head->count; i++) {
    const char *value = at + strlen(at) + 1;
    if (strcmp(at, name) == 0) return value;
    at = value + strlen(value) + 1;
  }
  return NULL;
}

void torpor__head_write(const struct torpor__fetch_head *head,
                        torpor_writer *writer) {
  const char *at = head->text;
  torpor_writer_key(writer, "statusText", SIZE_MAX);
  torpor_writer_string(writer, at, SIZE_MAX);
  torpor_writer_key(writer, "headers", SIZE_MAX);
  torpor_writer_array(writer, head->count);
  for (size_t i = 0; i < head->count; i++) {
    torpor_writer_array(writer, 2);
    for (int part = 0; part < 2; part++) {
      at += strlen(at) + 1;
      torpor_writer_string(writer, at, SIZE_MAX);
    }
    torpor_writer_end(writer);
  }
  torpor_writer_end(writer);
}
