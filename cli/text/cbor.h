/* SPDX-License-Identifier: MIT */
/* cbor.h - reads the CBOR in which reports and operations come, an item at a
 * time.
 *
 * An item is a range of bytes, which are not trusted: what is cut off, of
 * another type or absent reads as nothing. Tags are skipped.
 * Containers and strings have definite lengths. */
#ifndef TORPOR_CLI_CBOR_H
#define TORPOR_CLI_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cbor.h"

struct cli_item {
  const uint8_t *data; /* NULL: nothing */
  size_t size;
};

/* The elements of an array, or the keys and values of a map in turn. */
struct cli_items {
  torpor__cbor_reader reader;
  uint64_t left;
};

struct cli_item cli_item_of(const torpor_bytes *bytes);

/* Of an array or a map; none of anything else. */
struct cli_items cli_item_elements(struct cli_item item);
bool cli_items_next(struct cli_items *items, struct cli_item *out);
uint64_t cli_item_count(struct cli_item array);

/* What a map has under 'key'. */
struct cli_item cli_item_get(struct cli_item map, const char *key);

/* The bytes of a text or a byte string, borrowed; nothing: size 0. */
const char *cli_item_text(struct cli_item item, size_t *size);
double cli_item_number(struct cli_item item);   /* 0: it is none */
int64_t cli_item_integer(struct cli_item item); /* the same, rounded down */

#endif
