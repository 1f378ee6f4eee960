/* SPDX-License-Identifier: MIT */
/* disk-verbs.h - what is done to names in the file system, by blocking calls.
 *
 * Each takes paths that were resolved and checked (see safe-open.h), follows no
 * link, and gives 0 or a negated errno.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_DISK_VERBS_H
#define TORPOR_LOOP_DISK_VERBS_H

#include <dirent.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Looking (disk-look.c) -----------------------------------------------*/

/* What is known of a file, folder or link; times are milliseconds since
 * 1970. */
struct torpor__disk_stat {
  unsigned mode; /* with the type in it */
  uint64_t size, inode, device, links, uid, gid;
  double accessed, modified, changed;
  double created; /* NaN: the file system does not say */
};
int torpor__disk_stat(const char *path, struct torpor__disk_stat *out);
/* The same of what is open as 'fd'. */
int torpor__disk_stat_open(int fd, struct torpor__disk_stat *out);

/* "file", "directory", "symlink"... by a mode. */
const char *torpor__disk_kind(unsigned mode);

/* The next entry of 'folder' but "." and "..". 1; 0: there is none; or a
 * negated errno. */
int torpor__disk_next(DIR *folder, const struct dirent **entry);

/* A part of what is in a folder, in order of names as bytes. */
struct torpor__disk_entry {
  char *name;    /* in UTF-8; what is not has become U+FFFD */
  unsigned mode; /* the type only */
};
struct torpor__disk_entries {
  struct torpor__disk_entry *entries;
  size_t count, capacity;
  bool more; /* there are others behind these */
};
/* The first 'largest' names in the folder that come behind 'after' (NULL: all).
 * Without "." and "..". Free them in any case. */
int torpor__disk_list(const char *path, const char *after, size_t largest,
                      const atomic_bool *cancelled,
                      struct torpor__disk_entries *out);
void torpor__disk_entries_free(struct torpor__disk_entries *entries);

/* Where a link leads, as it is written in it; the caller frees it. */
int torpor__disk_read_link(const char *path, char **out);

/* ---- Changing (disk-change.c, disk-remove.c) -----------------------------*/

/* Makes a folder; 'recursive': with those above it, and one that is there
 * already is no failure. */
int torpor__disk_make_folder(const char *path, unsigned mode, bool recursive);
/* Makes a new folder, for this user alone, with a name of its own that begins
 * with 'prefix', in 'folder'. '*out' is its path, which the caller frees. */
int torpor__disk_make_temporary(const char *folder, const char *prefix,
                                char **out);
int torpor__disk_rename(const char *from, const char *to);
int torpor__disk_link(const char *from, const char *to);
/* Makes a link 'path' with 'target' written in it. */
int torpor__disk_symlink(const char *target, const char *path);
int torpor__disk_set_mode(const char *path, unsigned mode);
int torpor__disk_set_times(const char *path, double accessed, double modified);
/* Makes the last change of a name in the folder of 'path' survive a power cut.
 */
int torpor__disk_sync_folder(const char *path);

/* Removes a file, a link, or a folder with nothing in it; 'recursive': with all
 * that is in it. What is reserved stays, with EACCES. A cancelled removal has
 * removed a part. */
int torpor__disk_remove(const char *path, bool recursive,
                        const atomic_bool *cancelled);

#endif
