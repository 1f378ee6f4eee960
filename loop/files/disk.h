/* SPDX-License-Identifier: MIT */
/* disk.h - whole files, read and written by blocking calls.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_DISK_H
#define TORPOR_LOOP_DISK_H

#include "common/file.h"

/* A result besides 0, negated errnos and TORPOR__FILE_LARGE: a device, a pipe,
 * a socket. */
enum { TORPOR__DISK_IRREGULAR = -10002 };

/* Reads the file 'path', a resolved one, of at most 'largest' bytes, behind
 * 'room' bytes that are the caller's to fill and that count in 'size'; a zero
 * byte follows. Ends with -ECANCELED soon after '*cancelled' (may be NULL)
 * became true. 'out' is empty unless 0 is returned. */
int torpor__disk_read(const char *path, size_t room, size_t largest,
                      const atomic_bool *cancelled,
                      struct torpor__file_bytes *out);

/* Makes 'path', a resolved one, a file of these bytes; see disk.c. */
int torpor__disk_write(const char *path, const void *data, size_t size,
                       const atomic_bool *cancelled);

/* Makes 'to' a file of what the file 'from' has, in the same way. */
int torpor__disk_copy(const char *from, const char *to,
                      const atomic_bool *cancelled);

/* Opens 'path' with the 'flags' of open, if it is a regular file. A descriptor,
 * or a failure: EISDIR for a folder, IRREGULAR for a device and the like. */
int torpor__disk_open(const char *path, int flags, unsigned mode);

/* Adds these bytes to the end of the file 'path', which is made if it is not
 * there; 'sync': when this returns they survive a power cut. */
int torpor__disk_append(const char *path, const void *data, size_t size,
                        unsigned mode, bool sync);

/* "ENOENT" and the like, and a few words; for the results above. */
const char *torpor__disk_code(int failure);
const char *torpor__disk_text(int failure);

#endif
