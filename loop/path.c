/* SPDX-License-Identifier: MIT */
/* path.c - names of files, resolved before they are judged or used.
 *
 * Resolving asks the file system (realpath), since only it knows links. What
 * does not exist yet is resolved as far as it exists:
 *
 *   /home/me/link/new/file    link -> /data    new does not exist
 *   [ realpath: /data      ]  [ new/file ]     => /data/new/file
 *
 *  (1) A resolved path has no link in it at the time of the call. Those who
 *      open it use O_NOFOLLOW, and expect that others may move folders about.
 *
 * No state; any thread. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/path.h"

torpor_status torpor__format(torpor_bytes *out, const char *format, ...) {
  *out = (torpor_bytes){0};
  va_list list, again;
  va_start(list, format);
  va_copy(again, list);
  int size = vsnprintf(NULL, 0, format, list);
  char *text = size < 0 ? NULL : malloc((size_t)size + 1);
  if (text != NULL) {
    vsnprintf(text, (size_t)size + 1, format, again);
    *out = (torpor_bytes){(uint8_t *)text, (size_t)size};
  }
  va_end(again);
  va_end(list);
  return text == NULL ? TORPOR_NOMEM : TORPOR_OK;
}

/* 'folder'/'path', or 'path' when it is absolute. */
static char *join(const char *folder, const char *path) {
  torpor_bytes joined;
  if (path[0] == '/') return strdup(path);
  torpor__format(&joined, "%s/%s", folder, path);
  return (char *)joined.data;
}

char *torpor__path_normalise(const char *folder, const char *path) {
  char *text = join(folder, path);
  if (text == NULL) return NULL;
  char *end = text; /* of what is done: no longer than what was read */
  char *part = text;
  while (*part != '\0') {
    while (*part == '/') part++;
    size_t size = strcspn(part, "/");
    if (size == 2 && memcmp(part, "..", 2) == 0) {
      while (end > text && *--end != '/') continue;
    } else if (size > 0 && !(size == 1 && *part == '.')) {
      *end++ = '/';
      memmove(end, part, size);
      end += size;
    }
    part += size;
  }
  if (end == text) *end++ = '/';
  *end = '\0';
  return text;
}

/* Cuts the last part off 'text' and gives where it begins; NULL at the root. */
static char *cut_last(char *text) {
  size_t size = strlen(text);
  while (size > 0 && text[size - 1] == '/') text[--size] = '\0';
  char *slash = strrchr(text, '/');
  if (slash == NULL) return NULL;
  *slash = '\0';
  return slash + 1;
}

static bool exists(const char *path) {
  struct stat found;
  return lstat(path, &found) == 0;
}

/* Resolves 'text', which it destroys, as far as it exists; '*rest' is what
 * follows, without a slash, within 'whole', a copy of 'text'. */
static int resolve_existing(char *text, const char *whole, char *resolved,
                            const char **rest) {
  *rest = whole + strlen(whole);
  while (realpath(text[0] == '\0' ? "/" : text, resolved) == NULL) {
    if (errno != ENOENT) return -errno;
    if (exists(text)) return -ENOENT; /* a link that leads nowhere */
    char *last = cut_last(text);
    if (last == NULL || strcmp(last, "..") == 0) return -ENOENT;
    *rest = whole + (last - text);
  }
  return 0;
}

int torpor__path_resolve(const char *folder, const char *path, char **out) {
  char resolved[PATH_MAX];
  const char *rest;
  *out = NULL;
  if (path[0] == '\0') return -ENOENT;
  char *text = join(folder, path);
  char *whole = text == NULL ? NULL : strdup(text);
  int failure = -ENOMEM;
  if (whole != NULL) failure = resolve_existing(text, whole, resolved, &rest);
  if (failure == 0) {
    *out = *rest == '\0' ? strdup(resolved)
                         : torpor__path_normalise(resolved, rest);
    if (*out == NULL) failure = -ENOMEM;
  }
  free(whole);
  free(text);
  return failure;
}

/* What link 'path' leads to, below 'path' less its last part; NULL: it is none,
 * or memory ran out. */
static char *follow_link(const char *path) {
  char target[PATH_MAX];
  ssize_t size = readlink(path, target, sizeof(target) - 1);
  if (size <= 0) return NULL;
  target[size] = '\0';
  char *folder = strdup(path);
  if (folder == NULL) return NULL;
  char *followed = cut_last(folder) == NULL ? NULL : join(folder, target);
  free(folder);
  return followed;
}

int torpor__path_furthest(const char *folder, const char *path, char **out) {
  enum { LINKS_MAX = 40 };
  char resolved[PATH_MAX];
  char *text = join(folder, path);
  for (int links = 0; text != NULL;) {
    if (realpath(text[0] == '\0' ? "/" : text, resolved) != NULL) break;
    char *followed = links++ < LINKS_MAX ? follow_link(text) : NULL;
    if (followed != NULL) {
      free(text);
      text = followed;
    } else if (cut_last(text) == NULL) {
      strcpy(resolved, "/");
      break;
    }
  }
  *out = text == NULL ? NULL : strdup(resolved);
  free(text);
  return *out == NULL ? -ENOMEM : 0;
}

/* Puts 'name' behind 'folder', which it frees. */
static int append_name(char *folder, const char *name, char **out) {
  torpor_bytes joined;
  torpor_status status = torpor__format(
      &joined, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
  free(folder);
  *out = (char *)joined.data;
  return status == TORPOR_OK ? 0 : -ENOMEM;
}

int torpor__path_resolve_entry(const char *folder, const char *path,
                               char **out) {
  char *parent;
  *out = NULL;
  if (path[0] == '\0') return -ENOENT;
  char *text = join(folder, path);
  if (text == NULL) return -ENOMEM;
  const char *last = cut_last(text);
  int failure;
  if (last == NULL || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
    failure = torpor__path_resolve(folder, path, out);
  } else {
    failure = torpor__path_resolve("/", text[0] == '\0' ? "/" : text, &parent);
    if (failure == 0) failure = append_name(parent, last, out);
  }
  free(text);
  return failure;
}

bool torpor__path_covers(const char *folder, const char *path) {
  size_t size = strlen(folder);
  if (size == 1) return true; /* the root */
  return strncmp(folder, path, size) == 0 &&
         (path[size] == '\0' || path[size] == '/');
}
