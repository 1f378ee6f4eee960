/* SPDX-License-Identifier: MIT */
/* cbor.c - reads CBOR, an item at a time. See cbor.h.
 *
 * An item begins with a head: three bits of type, five of which 0 to 23 are the
 * argument and 24 to 27 say that it follows in 1, 2, 4 or 8 bytes. The argument
 * is the number, the size, the count or the bits of a float. */
#include <math.h>
#include <string.h>

#include "cbor.h"

enum { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };
enum { DEPTH_MAX = 64, HALF = 25, SINGLE = 26, DOUBLE = 27 };

struct head {
  unsigned type, form; /* the lower five bits */
  uint64_t argument;
};

static bool read_head(const uint8_t **at, const uint8_t *end,
                      struct head *out) {
  if (*at == NULL || *at >= end) return false;
  unsigned byte = *(*at)++;
  out->type = byte >> 5;
  out->form = byte & 31;
  out->argument = out->form;
  if (out->form < 24) return true;
  if (out->form > 27) return false;
  size_t size = (size_t)1 << (out->form - 24);
  if ((size_t)(end - *at) < size) return false;
  out->argument = 0;
  for (size_t i = 0; i < size; i++)
    out->argument = out->argument << 8 | *(*at)++;
  return true;
}

/* Moves '*at' behind an item. */
static bool skip(const uint8_t **at, const uint8_t *end, int depth) {
  struct head head;
  if (depth == DEPTH_MAX || !read_head(at, end, &head)) return false;
  uint64_t inner = 0;
  if (head.type == BYTES || head.type == TEXT) {
    if (head.argument > (uint64_t)(end - *at)) return false;
    *at += head.argument;
  } else if (head.type == TAG) {
    inner = 1;
  } else if (head.type == ARRAY || head.type == MAP) {
    if (head.argument > (uint64_t)(end - *at)) return false;
    inner = head.type == MAP ? 2 * head.argument : head.argument;
  }
  for (; inner > 0; inner--)
    if (!skip(at, end, depth + 1)) return false;
  return true;
}

/* The head of 'item' without its tags; '*at' is behind it. */
static bool open_item(struct cli_item item, const uint8_t **at,
                      struct head *out) {
  if (item.data == NULL) return false;
  *at = item.data;
  do {
    if (!read_head(at, item.data + item.size, out)) return false;
  } while (out->type == TAG);
  return true;
}

struct cli_item cli_item_of(const torpor_bytes *bytes) {
  return (struct cli_item){bytes->data, bytes->size};
}

struct cli_items cli_item_elements(struct cli_item item) {
  struct head head;
  struct cli_items items = {NULL, NULL, 0};
  if (!open_item(item, &items.at, &head)) return items;
  items.end = item.data + item.size;
  if (head.type == ARRAY) items.left = head.argument;
  if (head.type == MAP && head.argument <= item.size)
    items.left = 2 * head.argument;
  return items;
}

bool cli_items_next(struct cli_items *items, struct cli_item *out) {
  const uint8_t *from = items->at;
  *out = (struct cli_item){NULL, 0};
  if (items->left == 0 || !skip(&items->at, items->end, 0)) return false;
  items->left--;
  *out = (struct cli_item){from, (size_t)(items->at - from)};
  return true;
}

uint64_t cli_item_count(struct cli_item array) {
  return cli_item_elements(array).left;
}

struct cli_item cli_item_get(struct cli_item map, const char *key) {
  struct cli_items items = cli_item_elements(map);
  struct cli_item name, value;
  while (cli_items_next(&items, &name) && cli_items_next(&items, &value))
    if (cli_item_is(name, key)) return value;
  return (struct cli_item){NULL, 0};
}

const char *cli_item_text(struct cli_item item, size_t *size) {
  struct head head;
  const uint8_t *at;
  *size = 0;
  if (!open_item(item, &at, &head) ||
      (head.type != TEXT && head.type != BYTES) ||
      head.argument > (uint64_t)(item.data + item.size - at))
    return "";
  *size = (size_t)head.argument;
  return (const char *)at;
}

bool cli_item_is(struct cli_item item, const char *text) {
  size_t size;
  const char *got = cli_item_text(item, &size);
  return size == strlen(text) && memcmp(got, text, size) == 0;
}

static double read_half(unsigned bits) {
  int exponent = (int)(bits >> 10 & 31);
  double fraction = bits & 1023;
  double value = exponent == 0    ? ldexp(fraction, -24)
                 : exponent != 31 ? ldexp(fraction + 1024, exponent - 25)
                 : fraction == 0  ? HUGE_VAL
                                  : (double)NAN;
  return bits >> 15 ? -value : value;
}

static double read_float(const struct head *head) {
  if (head->form == HALF) return read_half((unsigned)head->argument);
  if (head->form == SINGLE) {
    uint32_t bits = (uint32_t)head->argument;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return (double)value;
  }
  double value = 0;
  if (head->form == DOUBLE) memcpy(&value, &head->argument, sizeof(value));
  return value;
}

double cli_item_number(struct cli_item item) {
  struct head head;
  const uint8_t *at;
  if (!open_item(item, &at, &head)) return 0;
  if (head.type == UNSIGNED) return (double)head.argument;
  if (head.type == NEGATIVE) return -1 - (double)head.argument;
  return head.type == SIMPLE ? read_float(&head) : 0;
}

int64_t cli_item_integer(struct cli_item item) {
  double number = floor(cli_item_number(item));
  return number > -9e18 && number < 9e18 ? (int64_t)number : 0;
}
