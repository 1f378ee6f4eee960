/* SPDX-License-Identifier: MIT */
/* safe-open.h - opening what a resolved path means, and nothing else.
 *
 * Paths are resolved before they are checked (path.h). Between the check and
 * the use somebody may put a link in the place of a folder. Here no link is
 * followed, in no part of the path: then the call fails with -ELOOP, or
 * -ENOTDIR where a folder was expected. So what is opened lies where it was
 * checked that it may lie.
 *
 * What is done to a name (making, renaming, removing, looking without opening)
 * is done in its folder, opened by torpor__safe_folder, with the calls of the
 * system that end in "at" and do not follow links:
 *
 *   const char *name;
 *   int folder = torpor__safe_folder(path, &name);
 *   if (folder < 0) return folder;
 *   int failure = unlinkat(folder, name, 0) == 0 ? 0 : -errno;
 *   close(folder);
 *
 * All paths are absolute and have no ".", ".." or double slash in them, as
 * those of torpor_access_check.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_SAFE_OPEN_H
#define TORPOR_LOOP_SAFE_OPEN_H

#include <stdbool.h>

/* Opens 'path' with the 'flags' of open, O_CLOEXEC and O_NOFOLLOW; 'mode' is
 * for O_CREAT. A descriptor, or a negated errno. */
int torpor__safe_open(const char *path, int flags, unsigned mode);

/* The same for 'name', one part of a path, within 'folder'. */
int torpor__safe_entry(int folder, const char *name, int flags, unsigned mode);

/* Opens the folder that 'path' lies in, to look names up in it (O_PATH).
 * '*name' is the last part, within 'path'; "." for the root itself. A
 * descriptor, or a negated errno. */
int torpor__safe_folder(const char *path, const char **name);

#ifdef TORPOR_TESTING
/* Goes through paths part by part, as on a kernel that has no openat2. */
void torpor__safe_without_openat2(bool without);
#endif

#endif
