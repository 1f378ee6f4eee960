/* SPDX-License-Identifier: MIT */
/* file.h - whole files, read and written by blocking calls.
 *
 * What opens a file decides what may be opened and how it becomes visible; here
 * is what all of them do then. Calls that a signal interrupted go on.
 *
 * No state; any thread. */
#ifndef TORPOR_COMMON_FILE_H
#define TORPOR_COMMON_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instead of a negated errno: there is more than was wanted. */
enum { TORPOR__FILE_LARGE = 1 };

/* Zeroed is empty; 'data' comes from malloc and is the caller's. */
struct torpor__file_bytes {
  uint8_t *data;
  size_t size, capacity;
};

/* Appends what 'file' holds from where it stands to its end: at most 'largest'
 * bytes. 'cancelled' (may be NULL) is looked at between parts. 0, a negated
 * errno (ECANCELED when it was cancelled), or TORPOR__FILE_LARGE; 'bytes' has
 * what was read until then. After 0 there is room for a byte more. */
int torpor__file_read(int file, size_t largest, const atomic_bool *cancelled,
                      struct torpor__file_bytes *bytes);

/* Writes all of it. 0, or a negated errno, as above. */
int torpor__file_write(int file, const void *data, size_t size,
                       const atomic_bool *cancelled);

/* Opens 'path', reads all of it, and closes it. As torpor__file_read; when it
 * fails nothing is kept. */
int torpor__file_load(const char *path, size_t largest,
                      struct torpor__file_bytes *out);

#endif
