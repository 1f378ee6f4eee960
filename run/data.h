/* SPDX-License-Identifier: MIT */
/* data.h - writing and reading plain data as CBOR, without a VM.
 *
 * As much of CBOR (RFC 8949) as an exported run needs: integers, texts, bytes,
 * booleans, null, arrays and maps of stated size. What is read is hostile: a
 * reader never passes the end of its bytes, and once something did not fit it
 * stays 'bad' and gives nothing but zeros. Check that once, in the end.
 *
 * No state. */
#ifndef TORPOR_RUN_DATA_H
#define TORPOR_RUN_DATA_H

#include "database.h"

/* Zeroed is empty; 'data' is the caller's to free. */
struct torpor__data_writer {
  uint8_t *data;
  size_t size, capacity;
  bool failed; /* memory ran out */
};

void torpor__data_put_int(struct torpor__data_writer *writer, int64_t value);
void torpor__data_put_text(struct torpor__data_writer *writer,
                           const char *text);
void torpor__data_put_bytes(struct torpor__data_writer *writer,
                            torpor_slice bytes);
void torpor__data_put_null(struct torpor__data_writer *writer);
void torpor__data_put_bool(struct torpor__data_writer *writer, bool value);
void torpor__data_put_array(struct torpor__data_writer *writer, size_t count);
void torpor__data_put_map(struct torpor__data_writer *writer, size_t count);

struct torpor__data_reader {
  const uint8_t *at, *end;
  bool bad;
};

struct torpor__data_reader torpor__data_read(const void *data, size_t size);

int64_t torpor__data_get_int(struct torpor__data_reader *reader);
bool torpor__data_get_bool(struct torpor__data_reader *reader);

/* Borrowed from the reader's bytes. A text is UTF-8 without a zero byte, and
 * ends where 'size' says. */
torpor_slice torpor__data_get_text(struct torpor__data_reader *reader);
torpor_slice torpor__data_get_bytes(struct torpor__data_reader *reader);

/* True, and past it, when null is next. */
bool torpor__data_get_null(struct torpor__data_reader *reader);

/* How many items, or pairs, follow: never more than there are bytes left. */
size_t torpor__data_get_array(struct torpor__data_reader *reader);
size_t torpor__data_get_map(struct torpor__data_reader *reader);

/* Passes over one value of any kind. */
void torpor__data_skip(struct torpor__data_reader *reader);

bool torpor__data_is(torpor_slice text, const char *word);

bool torpor__data_is_utf8(const char *text, size_t size);

#endif
