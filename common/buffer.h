/* SPDX-License-Identifier: MIT */
/* buffer.h - bytes that grow.
 *
 * After a failed allocation a buffer takes nothing more and says so once, when
 * it is finished: whoever adds need not look. */
#ifndef TORPOR_COMMON_BUFFER_H
#define TORPOR_COMMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "torpor.h"

/* Starts as all zero. */
typedef struct torpor__buffer {
  uint8_t *data;
  size_t size, room;
  bool failed;
} torpor__buffer;

/* Makes room for 'more' bytes. */
bool torpor__buffer_reserve(torpor__buffer *buffer, size_t more);
void torpor__buffer_add(torpor__buffer *buffer, const void *data, size_t size);
/* Gives the bytes, with a zero byte behind them, or NOMEM; 'buffer' is empty
 * then. */
torpor_status torpor__buffer_finish(torpor__buffer *buffer, torpor_bytes *out);
/* Throws the bytes away. */
void torpor__buffer_free(torpor__buffer *buffer);

#endif
