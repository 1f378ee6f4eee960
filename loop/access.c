/* SPDX-License-Identifier: MIT */
/* access.c - what a program may touch.
 *
 * A list of grants, each a permission and what it is for (grant.h), or
 * everything.
 * Nothing is cached: every check asks the file system anew where a path leads,
 * since links may have been moved since.
 *
 *  (1) A path is used in the form in which it was checked: resolved.
 *  (2) A refusal says nothing about what exists where nothing is granted: the
 *      sentence and the code depend on the text of the path alone.
 *  (3) What is reserved is never granted, whoever grants it.
 *
 * Runs on one thread at a time; checks change nothing. What is reserved is the
 * process's, and may be asked about on any thread. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <uv.h>

#include "common/array.h"
#include "loop/grant.h"
#include "loop/loop.h"
#include "loop/path.h"

struct grant {
  torpor_permission permission;
  char *text; /* see grant.h; NULL: everything */
};

struct torpor_access {
  char *folder; /* what relative paths start from; resolved */
  struct grant *grants;
  size_t count, capacity;
};

static const char *const words[] = {
#define X(name, word, doing) word,
    TORPOR_PERMISSION_LIST(X)
#undef X
};

static const char *const doings[] = {
#define X(name, word, doing) doing,
    TORPOR_PERMISSION_LIST(X)
#undef X
};

/* Longest text that torpor_access_read takes. */
static const size_t TEXT_LARGEST = (size_t)1 << 20;

/* ---- Making --------------------------------------------------------------*/

/* An access with 'folder', which it takes over, also when it fails. */
static torpor_status make_access(char *folder, torpor_access **out) {
  torpor_access *access = folder == NULL ? NULL : calloc(1, sizeof(*access));
  if (access == NULL) {
    free(folder);
    return TORPOR_NOMEM;
  }
  access->folder = folder;
  *out = access;
  return TORPOR_OK;
}

torpor_status torpor_access_open(const char *folder, torpor_access **out) {
  char current[PATH_MAX];
  char *resolved;
  *out = NULL;
  if (getcwd(current, sizeof(current)) == NULL) return TORPOR_NOT_FOUND;
  if (folder == NULL) folder = current;
  int failure = torpor__path_resolve(current, folder, &resolved);
  if (failure == -ENOMEM) return TORPOR_NOMEM;
  if (failure != 0) return TORPOR_NOT_FOUND;
  return make_access(resolved, out);
}

void torpor_access_close(torpor_access *access) {
  if (access == NULL) return;
  for (size_t i = 0; i < access->count; i++) free(access->grants[i].text);
  free(access->grants);
  free(access->folder);
  free(access);
}

/* Adds a grant for 'text', which it takes over, also when it fails. */
static torpor_status add_grant(torpor_access *access,
                               torpor_permission permission, char *text) {
  if (!torpor__array_reserve(&access->grants, &access->capacity,
                             access->count + 1, sizeof(*access->grants))) {
    free(text);
    return TORPOR_NOMEM;
  }
  access->grants[access->count++] = (struct grant){permission, text};
  return TORPOR_OK;
}

torpor_status torpor_access_allow(torpor_access *access,
                                  torpor_permission permission,
                                  const char *path) {
  char *text = NULL;
  if ((unsigned)permission >= TORPOR_PERMISSION_COUNT) return TORPOR_MISUSE;
  torpor_status status =
      path == NULL
          ? TORPOR_OK
          : torpor__grant_make(permission, access->folder, path, &text);
  return status == TORPOR_OK ? add_grant(access, permission, text) : status;
}

/* ---- What is reserved ----------------------------------------------------*/

enum { RESERVED_MAX = 8 };

static _Atomic(torpor_reserved_fn) reserved_by[RESERVED_MAX];

torpor_status torpor_access_reserve(torpor_reserved_fn reserved) {
  for (size_t i = 0; i < RESERVED_MAX; i++) {
    torpor_reserved_fn there = NULL;
    if (atomic_compare_exchange_strong(&reserved_by[i], &there, reserved) ||
        there == reserved)
      return TORPOR_OK;
  }
  return TORPOR_LIMIT;
}

bool torpor__access_reserved(const char *path) {
  for (size_t i = 0; i < RESERVED_MAX; i++) {
    torpor_reserved_fn reserved = atomic_load(&reserved_by[i]);
    if (reserved != NULL && reserved(path)) return true;
  }
  return false;
}

torpor_status torpor__access_refuse(const char *doing, const char *path,
                                    torpor_bytes *out) {
  torpor_status status = torpor__format(
      out, "%s %s is never allowed: it is part of a store", doing, path);
  return status == TORPOR_OK ? TORPOR_DENIED : status;
}

/* ---- Checking ------------------------------------------------------------*/

bool torpor_access_allows_all(const torpor_access *access,
                              torpor_permission permission) {
  if (access == NULL) return false;
  for (size_t i = 0; i < access->count; i++)
    if (access->grants[i].permission == permission &&
        access->grants[i].text == NULL)
      return true;
  return false;
}

static bool is_granted(const torpor_access *access,
                       torpor_permission permission, const char *text) {
  if (access == NULL) return false;
  for (size_t i = 0; i < access->count; i++) {
    const struct grant *grant = &access->grants[i];
    if (grant->permission == permission &&
        (grant->text == NULL ||
         torpor__grant_covers(permission, grant->text, text)))
      return true;
  }
  return false;
}

bool torpor__access_grants(const torpor_access *access,
                           torpor_permission permission) {
  for (size_t i = 0; access != NULL && i < access->count; i++)
    if (access->grants[i].permission == permission) return true;
  return false;
}

static torpor_status deny(torpor_permission permission, const char *path,
                          const char *leads, torpor_bytes *out) {
  const char *flag = leads == NULL ? path : leads;
  torpor_status status = torpor__format(
      out, "%s %s%s%s is not allowed; run with --allow-%s=%s",
      doings[permission], path, leads == NULL ? "" : ", which is ",
      leads == NULL ? "" : leads, words[permission], flag);
  return status == TORPOR_OK ? TORPOR_DENIED : status;
}

/* Whether the way to 'path', which cannot be resolved, ends where something is
 * granted: only then may be said how it ends. */
static bool reaches_granted(const torpor_access *access,
                            torpor_permission permission, const char *path) {
  char *furthest;
  if (torpor__path_furthest(access->folder, path, &furthest) != 0) return false;
  bool granted = is_granted(access, permission, furthest);
  free(furthest);
  return granted;
}

/* torpor__path_resolve, or torpor__path_resolve_entry. */
typedef int (*resolve_fn)(const char *folder, const char *path, char **out);

/* Checks 'text', a path that is absolute but not resolved. */
static torpor_status check_path(const torpor_access *access,
                                torpor_permission permission, const char *text,
                                const char *path, resolve_fn resolve,
                                torpor_bytes *out) {
  char *resolved;
  const char *folder = access == NULL ? "/" : access->folder;
  bool named = is_granted(access, permission, text);
  int failure = resolve(folder, path, &resolved);
  if (failure == -ENOMEM) return TORPOR_NOMEM;
  if (failure != 0) {
    if (!named || !reaches_granted(access, permission, path))
      return deny(permission, text, NULL, out);
    torpor_status status = torpor__format(out, "%s %s: %s", doings[permission],
                                          text, uv_strerror(failure));
    return status == TORPOR_OK ? TORPOR_IO : status;
  }
  bool granted = is_granted(access, permission, resolved);
  if (granted && torpor__access_reserved(resolved)) {
    torpor_status status =
        torpor__access_refuse(doings[permission], resolved, out);
    free(resolved);
    return status;
  }
  if (granted) {
    *out = (torpor_bytes){(uint8_t *)resolved, strlen(resolved)};
    return TORPOR_OK;
  }
  torpor_status status = deny(permission, text, named ? resolved : NULL, out);
  free(resolved);
  return status;
}

/* The same for what is no path. That a program is not there is said only where
 * all programs are allowed. */
static torpor_status check_word(const torpor_access *access,
                                torpor_permission permission, const char *asked,
                                torpor_bytes *out) {
  char *text;
  torpor_status status = torpor__grant_make(
      permission, access == NULL ? "/" : access->folder, asked, &text);
  if (status == TORPOR_NOMEM) return status;
  bool granted = status == TORPOR_OK
                     ? is_granted(access, permission, text)
                     : torpor_access_allows_all(access, permission);
  if (!granted) {
    free(text);
    return deny(permission, asked, NULL, out);
  }
  if (status == TORPOR_OK) {
    *out = (torpor_bytes){(uint8_t *)text, strlen(text)};
    return TORPOR_OK;
  }
  torpor__format(out, "%s %s: %s", doings[permission], asked,
                 status == TORPOR_NOT_FOUND ? "there is no such program"
                                            : "that is no name of one");
  return status == TORPOR_NOT_FOUND ? TORPOR_IO : status;
}

const char *torpor__access_folder(const torpor_access *access) {
  return access == NULL ? NULL : access->folder;
}

static torpor_status check(const torpor_access *access,
                           torpor_permission permission, const char *path,
                           resolve_fn resolve, torpor_bytes *out) {
  char current[PATH_MAX];
  *out = (torpor_bytes){0};
  if ((unsigned)permission >= TORPOR_PERMISSION_COUNT) return TORPOR_MISUSE;
  if (path[0] == '\0' || strlen(path) >= PATH_MAX) {
    torpor__format(out, "a path has 1 to %d bytes", PATH_MAX - 1);
    return TORPOR_MISUSE;
  }
  if (!torpor__grant_is_path(permission))
    return check_word(access, permission, path, out);
  const char *folder = torpor__access_folder(access);
  if (folder == NULL) folder = getcwd(current, sizeof(current));
  char *text = torpor__path_normalise(folder == NULL ? "/" : folder, path);
  if (text == NULL) return TORPOR_NOMEM;
  torpor_status status =
      check_path(access, permission, text, path, resolve, out);
  free(text);
  return status;
}

torpor_status torpor_access_check(const torpor_access *access,
                                  torpor_permission permission,
                                  const char *path, torpor_bytes *out) {
  return check(access, permission, path, torpor__path_resolve, out);
}

/* Somebody may change a link between two checks: both have to lead to the
 * same. */
static torpor_status check_same(const char *path, torpor_bytes *first,
                                torpor_bytes *second, torpor_bytes *out) {
  bool same = strcmp((char *)first->data, (char *)second->data) == 0;
  torpor_bytes_free(second);
  *out = *first;
  if (same) return TORPOR_OK;
  torpor_bytes_free(first);
  torpor_status status = torpor__format(
      out, "checking %s: a link on the way was changed meanwhile", path);
  return status == TORPOR_OK ? TORPOR_IO : status;
}

torpor_status torpor__access_check_path(const torpor_access *access,
                                        const char *path, unsigned want,
                                        torpor_bytes *out) {
  resolve_fn resolve = (want & TORPOR__ENTRY) != 0 ? torpor__path_resolve_entry
                                                   : torpor__path_resolve;
  bool reads = (want & TORPOR__MAY_READ) != 0;
  bool writes = (want & TORPOR__MAY_WRITE) != 0;
  torpor_bytes first;
  assert(reads || writes);
  torpor_status status =
      check(access, reads ? TORPOR_READ : TORPOR_WRITE, path, resolve, out);
  if (status != TORPOR_OK || !reads || !writes) return status;
  first = *out;
  status = check(access, TORPOR_WRITE, path, resolve, out);
  if (status == TORPOR_OK) {
    torpor_bytes second = *out;
    return check_same(path, &first, &second, out);
  }
  torpor_bytes_free(&first);
  return status;
}

/* ---- As text -------------------------------------------------------------*/

/* Appends 'text' at 'at', escaped; gives the new end. Three bytes for each byte
 * are enough. */
static char *write_escaped(char *at, const char *text) {
  for (; *text != '\0'; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte >= 32 && byte != '%') {
      *at++ = *text;
    } else {
      *at++ = '%';
      *at++ = "0123456789ABCDEF"[byte >> 4];
      *at++ = "0123456789ABCDEF"[byte & 15];
    }
  }
  return at;
}

static char *write_line(char *at, const char *word, const char *path) {
  at = stpcpy(at, word);
  if (path != NULL) {
    *at++ = ' ';
    at = write_escaped(at, path);
  }
  *at++ = '\n';
  return at;
}

static size_t line_largest(const char *path) {
  return 16 + (path == NULL ? 0 : 3 * strlen(path));
}

torpor_status torpor_access_write(const torpor_access *access,
                                  torpor_bytes *out) {
  *out = (torpor_bytes){0};
  size_t largest = line_largest(access->folder) + 1;
  for (size_t i = 0; i < access->count; i++)
    largest += line_largest(access->grants[i].text);
  char *text = malloc(largest);
  if (text == NULL) return TORPOR_NOMEM;
  char *end = write_line(text, "folder", access->folder);
  for (size_t i = 0; i < access->count; i++)
    end = write_line(end, words[access->grants[i].permission],
                     access->grants[i].text);
  *end = '\0';
  *out = (torpor_bytes){(uint8_t *)text, (size_t)(end - text)};
  return TORPOR_OK;
}

static int read_digit(char digit) {
  const char *digits = "0123456789ABCDEF";
  const char *found = digit == '\0' ? NULL : strchr(digits, digit);
  return found == NULL ? -1 : (int)(found - digits);
}

/* Undoes the escapes of 'text' in place; false when there is a wrong one. */
static bool read_escaped(char *text) {
  char *out = text;
  while (*text != '\0') {
    if (*text != '%') {
      *out++ = *text++;
      continue;
    }
    int high = read_digit(text[1]);
    int low = high < 0 ? -1 : read_digit(text[2]);
    if (low < 0 || high * 16 + low == 0) return false;
    *out++ = (char)(high * 16 + low);
    text += 3;
  }
  *out = '\0';
  return true;
}

/* Reads one line "word" or "word path", which it destroys. */
static torpor_status read_grant(torpor_access *access, char *line) {
  char *path = strchr(line, ' ');
  if (path != NULL) {
    *path++ = '\0';
    if (!read_escaped(path)) return TORPOR_FORMAT;
  }
  for (unsigned i = 0; i < TORPOR_PERMISSION_COUNT; i++) {
    if (strcmp(line, words[i]) != 0) continue;
    if (path != NULL && !torpor__grant_is_kept_form((torpor_permission)i, path))
      return TORPOR_FORMAT;
    char *copy = path == NULL ? NULL : strdup(path);
    if (path != NULL && copy == NULL) return TORPOR_NOMEM;
    return add_grant(access, (torpor_permission)i, copy);
  }
  return TORPOR_FORMAT;
}

/* Reads 'text', lines that each end with a newline, which it destroys. */
static torpor_status read_lines(char *text, torpor_access **out) {
  const char *folder = "folder ";
  char *end = strchr(text, '\n');
  if (end == NULL || strncmp(text, folder, strlen(folder)) != 0)
    return TORPOR_FORMAT;
  *end = '\0';
  char *path = text + strlen(folder);
  if (!read_escaped(path) || path[0] != '/') return TORPOR_FORMAT;
  torpor_status status = make_access(strdup(path), out);
  while (status == TORPOR_OK && end[1] != '\0') {
    char *line = end + 1;
    end = strchr(line, '\n');
    if (end == NULL) return TORPOR_FORMAT;
    *end = '\0';
    status = read_grant(*out, line);
  }
  return status;
}

torpor_status torpor_access_read(const char *text, size_t size,
                                 torpor_access **out) {
  *out = NULL;
  if (text != NULL && size == SIZE_MAX) size = strlen(text);
  if (size > TEXT_LARGEST || memchr(text, '\0', size) != NULL)
    return TORPOR_FORMAT;
  char *copy = malloc(size + 1);
  if (copy == NULL) return TORPOR_NOMEM;
  memcpy(copy, text, size);
  copy[size] = '\0';
  torpor_status status = read_lines(copy, out);
  free(copy);
  if (status != TORPOR_OK) {
    torpor_access_close(*out);
    *out = NULL;
  }
  return status;
}
