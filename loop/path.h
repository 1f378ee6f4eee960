/* SPDX-License-Identifier: MIT */
/* path.h - names of files, resolved before they are judged or used.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_PATH_H
#define TORPOR_LOOP_PATH_H

#include <stdbool.h>

#include "torpor.h"

/* 'path' below 'folder' (an absolute path; not used when 'path' is absolute)
 * without ".", ".." and double slashes, by looking at the text alone. NULL when
 * memory runs out; the caller frees it. */
char *torpor__path_normalise(const char *folder, const char *path);

/* The file or folder that 'path' means, links followed: an absolute path with
 * no link in it, whose last parts need not exist. Returns 0 with '*out', which
 * the caller frees, or a negated errno. -ENOENT: a link leads nowhere, or ".."
 * follows what does not exist. */
int torpor__path_resolve(const char *folder, const char *path, char **out);

/* The same for a name itself, which may be that of a link: its folder is
 * resolved, the last part is not followed, and slashes at the end count for
 * nothing. A last part "." or ".." is the folder that it means. */
int torpor__path_resolve_entry(const char *folder, const char *path,
                               char **out);

/* For a path that cannot be resolved: how far one gets on the way, a link that
 * leads nowhere followed as far as it leads. '*out' has no link in it; the
 * caller frees it. 0, or a negated errno. */
int torpor__path_furthest(const char *folder, const char *path, char **out);

/* Whether 'path' is 'folder' or lies below it; both resolved. */
bool torpor__path_covers(const char *folder, const char *path);

/* Text of printf's kind into 'out', which torpor_bytes_free releases. */
torpor_status torpor__format(torpor_bytes *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
