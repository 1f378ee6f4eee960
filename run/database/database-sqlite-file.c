/* SPDX-License-Identifier: MIT */
/* database-sqlite-file.c - where the file of a database is, and whether it is
 * still there.
 *
 * A database is a file, not a path. Many paths lead to one file, and all of
 * them must find the same log and locks beside it. And a path may lead to
 * another file tomorrow, while SQLite goes on writing to the one that it
 * opened, which nobody will ever read.
 *
 *  (1) SQLite is given plain paths: none of its URIs, whose options turn locks
 *      off, and none of its names for databases without a file.
 *  (2) Log and locks are named after where the file really lies, links
 *      followed. A file with several names (hard links), or that is mounted by
 *      itself, would have several logs: it is refused.
 *  (3) After each commit, before anybody is told of it, the file that is open
 *      is compared with the one that its path leads to; the files beside it
 *      when a run has ended, and now and then.
 *  (4) Nothing else in this process may open the file: closing any descriptor
 *      of it would give up SQLite's locks. So there is a list of those that are
 *      open.
 *
 * On the thread of the database, but for torpor__sqlite_covers. */
#define _GNU_SOURCE /* statx, O_NOATIME */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/database/database-sqlite-state.h"
#include "run/protocol/clock.h"

enum {
  LOOK_MS = 200, /* between two looks at what lies beside the file */
  HEAD_SIZE = 72 /* of a file, to tell whether it is a store */
};

/* ---- names ---------------------------------------------------------------*/

static int digit_of(char text) {
  if (text >= '0' && text <= '9') return text - '0';
  if (text >= 'a' && text <= 'f') return text - 'a' + 10;
  if (text >= 'A' && text <= 'F') return text - 'A' + 10;
  return -1;
}

static bool starts_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

/* Writes the path of a URI, after its "file:", to 'out', which has room for it.
 * False when the URI has more than a path. */
static bool read_uri(const char *uri, char *out) {
  if (starts_with(uri, "//localhost/"))
    uri += strlen("//localhost");
  else if (starts_with(uri, "///"))
    uri += 2;
  else if (starts_with(uri, "//"))
    return false;
  for (; *uri != '\0'; uri++) {
    int high = *uri == '%' ? digit_of(uri[1]) : -1;
    int low = high < 0 ? -1 : digit_of(uri[2]);
    if (*uri == '?' || *uri == '#') return false;
    if (low < 0) {
      *out++ = *uri;
      continue;
    }
    if (high * 16 + low == 0) return false;
    *out++ = (char)(high * 16 + low);
    uri += 2;
  }
  *out = '\0';
  return true;
}

torpor_status torpor__sqlite_file_name(struct torpor__sqlite *db,
                                       const char *vfs, char **name) {
  const char *given = db->path;
  bool uri = starts_with(given, "file:");
  char *plain = malloc(strlen(given) + 3);
  *name = plain;
  if (plain == NULL)
    return torpor__database_fail(&db->database, TORPOR_NOMEM, NULL);
  memcpy(plain, "./", 2);
  if (!uri) strcpy(plain + 2, given);
  if (uri && !read_uri(given + strlen("file:"), plain + 2))
    return torpor__database_fail(&db->database, TORPOR_MISUSE,
                                 "%s: a store takes no options, and is on this "
                                 "machine; give its path alone",
                                 given);
  if (plain[2] == '\0' || strcmp(plain + 2, ":memory:") == 0 ||
      (vfs != NULL && strcmp(vfs, "memdb") == 0))
    return torpor__database_fail(
        &db->database, TORPOR_MISUSE,
        "'%s' names no file, so nothing would be kept; "
        "give the path of a file",
        given);
  if (!starts_with(plain + 2, "file:"))
    memmove(plain, plain + 2, strlen(plain + 2) + 1);
  return TORPOR_OK;
}

/* ---- those that are open -------------------------------------------------*/

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct torpor__sqlite *open_here; /* a list, and the 'files' of each */

static void lock_list(void) {
  pthread_mutex_lock(&mutex);
}

static void unlock_list(void) {
  pthread_mutex_unlock(&mutex);
}

/* So that a process can fork while a thread has the lock. */
static void handle_forks(void) {
  pthread_atfork(lock_list, unlock_list, unlock_list);
}

static void enter(struct torpor__sqlite *db) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, handle_forks);
  lock_list();
  db->next = open_here;
  open_here = db;
  unlock_list();
}

void torpor__sqlite_file_leave(struct torpor__sqlite *db) {
  lock_list();
  for (struct torpor__sqlite **at = &open_here; *at != NULL; at = &(*at)->next)
    if (*at == db) {
      *at = db->next;
      break;
    }
  unlock_list();
}

/* ---- files ---------------------------------------------------------------*/

static const char *const endings[] = {"", "-wal", "-shm", "-locks", "-journal"};

enum { ENDINGS = sizeof endings / sizeof endings[0] };

/* Whether a file is mounted by itself, which gives it one more name. */
static bool is_mounted(const char *path) {
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx found;
  return statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, 0, &found) == 0 &&
         (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
  (void)path;
  return false;
#endif
}

static torpor_status check_names(struct torpor__sqlite *db,
                                 const struct stat *found) {
  if (found->st_nlink > 1)
    return torpor__database_fail(
        &db->database, TORPOR_MISUSE,
        "%s: the file has %ju names, and a log for each would damage it; "
        "remove the others, or make them symbolic links",
        db->path, (uintmax_t)found->st_nlink);
  if (is_mounted(db->file))
    return torpor__database_fail(
        &db->database, TORPOR_MISUSE,
        "%s: the file is mounted by itself, so its log would lie elsewhere; "
        "mount its folder",
        db->path);
  return TORPOR_OK;
}

torpor_status torpor__sqlite_file_find(struct torpor__sqlite *db,
                                       const char *vfs) {
  const char *opened = sqlite3_db_filename(db->db, "main");
  char resolved[PATH_MAX];
  struct stat found;
  if (opened == NULL || opened[0] == '\0')
    return torpor__database_fail(&db->database, TORPOR_MISUSE,
                                 "%s: there is no file behind it", db->path);
  bool real = realpath(opened, resolved) != NULL && stat(resolved, &found) == 0;
  db->file = strdup(real ? resolved : opened);
  if (db->file == NULL)
    return torpor__database_fail(&db->database, TORPOR_NOMEM, NULL);
  db->real = real;
  enter(db);
  if (real) return check_names(db, &found);
  return vfs != NULL ? TORPOR_OK
                     : torpor__database_fail(&db->database, TORPOR_IO, "%s: %s",
                                             db->path, strerror(errno));
}

/* Whether the file with that ending is still the same; remembers it when it is
 * seen for the first time. */
static bool is_same(struct torpor__sqlite *db, int which) {
  char path[PATH_MAX + 8];
  struct torpor__sqlite_file *known = &db->files[which];
  struct stat found;
  if (which > 0) snprintf(path, sizeof path, "%s%s", db->file, endings[which]);
  if (stat(which > 0 ? path : db->file, &found) != 0) return !known->known;
  if (known->known)
    return found.st_ino == known->inode && found.st_dev == known->device;
  lock_list();
  *known = (struct torpor__sqlite_file){
      .known = true, .inode = found.st_ino, .device = found.st_dev};
  unlock_list();
  return true;
}

torpor_status torpor__sqlite_file_check(struct torpor__sqlite *db, bool all) {
  if (!db->real) return TORPOR_OK;
  bool same = is_same(db, 0);
  int64_t now = (int64_t)torpor__clock_ms();
  if (all || now >= db->look_due) {
    db->look_due = now + LOOK_MS;
    for (int i = 1; i < TORPOR__SQLITE_FILES; i++)
      same = same && is_same(db, i);
  }
  if (same) return TORPOR_OK;
  return torpor__database_fail(
      &db->database, TORPOR_IO,
      "%s was removed, renamed or replaced while it was open, or a file "
      "beside it was; nothing that was not told before is kept",
      db->path);
}

/* ---- what is part of a store ---------------------------------------------*/

static bool is_file_of(const struct torpor__sqlite *db, const char *path,
                       const struct stat *found) {
  size_t size = strlen(db->file);
  for (int i = 0; i < TORPOR__SQLITE_FILES && found != NULL; i++)
    if (db->files[i].known && db->files[i].inode == found->st_ino &&
        db->files[i].device == found->st_dev)
      return true;
  if (strncmp(path, db->file, size) != 0) return false;
  for (int i = 0; i < ENDINGS; i++)
    if (strcmp(path + size, endings[i]) == 0) return true;
  return false;
}

static bool is_open_here(const char *path, const struct stat *found) {
  bool ours = false;
  lock_list();
  for (struct torpor__sqlite *db = open_here; db != NULL && !ours;
       db = db->next)
    ours = db->real && is_file_of(db, path, found);
  unlock_list();
  return ours;
}

/* Whether a file that begins with these bytes is a store, as far as a first
 * look tells. */
static bool has_marks(const uint8_t head[HEAD_SIZE]) {
  static const char text[] = "SQLite format 3"; /* with its zero */
  uint32_t application = TORPOR__SQLITE_APPLICATION;
  const uint8_t mark[] = {(uint8_t)(application >> 24),
                          (uint8_t)(application >> 16),
                          (uint8_t)(application >> 8), (uint8_t)application};
  return memcmp(head, text, sizeof text) == 0 &&
         memcmp(head + 68, mark, sizeof mark) == 0;
}

static bool is_marked(const char *path) {
  uint8_t head[HEAD_SIZE];
  const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  /* That we looked is not to be seen; only the owner may ask for that. */
  int file = open(path, flags | O_NOATIME);
  if (file < 0 && errno == EPERM) file = open(path, flags);
  if (file < 0) return false;
  ssize_t size = pread(file, head, sizeof head, 0);
  close(file);
  return size == (ssize_t)sizeof head && has_marks(head);
}

static bool is_store(const char *path) {
  struct stat found;
  bool there = lstat(path, &found) == 0;
  if (is_open_here(path, there ? &found : NULL)) return true;
  return there && S_ISREG(found.st_mode) && is_marked(path);
}

/* What lies beside the file counts also while it is not there. */
bool torpor__sqlite_covers(const char *path) {
  char base[PATH_MAX];
  size_t size = strlen(path);
  if (is_store(path)) return true;
  for (int i = 1; i < ENDINGS; i++) {
    size_t ending = strlen(endings[i]);
    if (size <= ending || size >= sizeof base ||
        strcmp(path + size - ending, endings[i]) != 0)
      continue;
    memcpy(base, path, size - ending);
    base[size - ending] = '\0';
    if (is_store(base)) return true;
  }
  return false;
}
