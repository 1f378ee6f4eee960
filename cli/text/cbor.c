/* SPDX-License-Identifier: MIT */
/* cbor.c - reads CBOR, an item at a time. See cbor.h. */
#include <math.h>
#include <string.h>

#include "cli/text/cbor.h"

/* The head of 'item' without its tags, and a reader behind it. False: there is
 * none, or its length is indefinite. */
static bool open_item(struct cli_item item, torpor__cbor_reader *reader,
                      torpor__cbor_item *out) {
  if (item.data == NULL) return false;
  *reader = torpor__cbor_read(item.data, item.size);
  do {
    if (!torpor__cbor_next(reader, out)) return false;
  } while (out->major == TORPOR__CBOR_TAG);
  return !out->indefinite;
}

struct cli_item cli_item_of(const torpor_bytes *bytes) {
  return (struct cli_item){bytes->data, bytes->size};
}

struct cli_items cli_item_elements(struct cli_item item) {
  torpor__cbor_item head;
  struct cli_items items = {.left = 0};
  if (!open_item(item, &items.reader, &head)) return items;
  if (head.major == TORPOR__CBOR_ARRAY) items.left = head.value;
  if (head.major == TORPOR__CBOR_MAP && head.value <= item.size)
    items.left = 2 * head.value;
  return items;
}

bool cli_items_next(struct cli_items *items, struct cli_item *out) {
  const uint8_t *from = items->reader.at;
  *out = (struct cli_item){NULL, 0};
  if (items->left == 0 || !torpor__cbor_skip(&items->reader)) return false;
  items->left--;
  *out = (struct cli_item){from, (size_t)(items->reader.at - from)};
  return true;
}

uint64_t cli_item_count(struct cli_item array) {
  return cli_item_elements(array).left;
}

const char *cli_item_text(struct cli_item item, size_t *size) {
  torpor__cbor_reader reader;
  torpor__cbor_item head;
  *size = 0;
  if (!open_item(item, &reader, &head) || head.data == NULL) return "";
  *size = (size_t)head.value;
  return (const char *)head.data;
}

static bool is_text(struct cli_item item, const char *text) {
  size_t size;
  const char *got = cli_item_text(item, &size);
  return size == strlen(text) && memcmp(got, text, size) == 0;
}

struct cli_item cli_item_get(struct cli_item map, const char *key) {
  struct cli_items items = cli_item_elements(map);
  struct cli_item name, value;
  while (cli_items_next(&items, &name) && cli_items_next(&items, &value))
    if (is_text(name, key)) return value;
  return (struct cli_item){NULL, 0};
}

double cli_item_number(struct cli_item item) {
  torpor__cbor_reader reader;
  torpor__cbor_item head;
  if (!open_item(item, &reader, &head)) return 0;
  if (head.major == TORPOR__CBOR_UNSIGNED) return (double)head.value;
  if (head.major == TORPOR__CBOR_NEGATIVE) return -1 - (double)head.value;
  return head.is_number ? head.number : 0;
}

int64_t cli_item_integer(struct cli_item item) {
  double number = floor(cli_item_number(item));
  return number > -9e18 && number < 9e18 ? (int64_t)number : 0;
}
