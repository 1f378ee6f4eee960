/* SPDX-License-Identifier: MIT */
/* disk.h - whole files, read and written by blocking calls.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_DISK_H
#define TORPOR_LOOP_DISK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Results besides 0 and negated errnos. */
enum {
  TORPOR__DISK_IRREGULAR = 1, /* a device, a pipe, a socket */
  TORPOR__DISK_LARGE = 2,     /* larger than the limit */
};

/* What is in a file: 'size' bytes behind the first 'room' bytes of 'memory',
 * which comes from malloc, and a zero byte behind them. */
struct torpor__content {
  uint8_t *memory;
  size_t size;
};

/* Reads the file 'path', a resolved one, of at most 'largest' bytes; ends with
 * -ECANCELED soon after '*cancelled' (may be NULL) became true. 'out' is empty
 * unless 0 is returned. */
int torpor__disk_read(const char *path, size_t room, size_t largest,
                      const atomic_bool *cancelled,
                      struct torpor__content *out);

/* Makes 'path', a resolved one, a file of these bytes; see disk.c. */
int torpor__disk_write(const char *path, const void *data, size_t size,
                       const atomic_bool *cancelled);

/* "ENOENT" and the like, and a few words; for the results above. */
const char *torpor__disk_code(int failure);
const char *torpor__disk_text(int failure);

#endif
