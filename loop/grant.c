/* SPDX-License-Identifier: MIT */
/* grant.c - what grants are about. See grant.h.
 *
 *   NET   "example.org", "example.org:443", "[::1]:80", "unix:/run/x.sock",
 *         in lower case, without a dot at the end
 *   RUN   the program's path. The folder that it lies in is resolved, the
 *         program itself is not: programs that are many in one, by links, look
 *         at the name they were called by
 *   ENV   a name without '='
 *
 * No state; any thread. */
#include "loop/grant.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/path.h"

static const char SOCKET[] = "unix:";

bool torpor__grant_is_path(torpor_permission permission) {
  return permission == TORPOR_READ || permission == TORPOR_WRITE ||
         permission == TORPOR_FFI;
}

/* ---- Programs ------------------------------------------------------------*/

/* 'path' with its folder resolved; NULL: there is no such folder, or no memory.
 */
static char *resolve_folder(const char *folder, const char *path) {
  char *text = torpor__path_normalise(folder, path), *parent = NULL;
  torpor_bytes joined = {0};
  if (text == NULL) return NULL;
  char *slash = strrchr(text, '/');
  *slash = '\0';
  if (torpor__path_resolve("/", slash == text ? "/" : text, &parent) == 0)
    torpor__format(&joined, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent,
                   slash + 1);
  free(parent);
  free(text);
  return (char *)joined.data;
}

static bool is_program(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 && S_ISREG(found.st_mode) &&
         access(path, X_OK) == 0;
}

/* The program 'name' in PATH; NULL: there is none. */
static char *look_up(const char *name) {
  const char *path = getenv("PATH");
  if (path == NULL) path = "/usr/local/bin:/usr/bin:/bin";
  while (true) {
    size_t size = strcspn(path, ":");
    char *found = NULL;
    torpor_bytes place = {0};
    if (size > 0 && path[0] == '/')
      torpor__format(&place, "%.*s/%s", (int)size, path, name);
    if (place.data != NULL && is_program((char *)place.data))
      found = resolve_folder("/", (char *)place.data);
    torpor_bytes_free(&place);
    if (found != NULL || path[size] == '\0') return found;
    path += size + 1;
  }
}

static torpor_status make_program(const char *folder, const char *text,
                                  char **out) {
  char *found =
      strchr(text, '/') == NULL ? look_up(text) : resolve_folder(folder, text);
  if (found != NULL && is_program(found)) {
    *out = found;
    return TORPOR_OK;
  }
  free(found);
  return TORPOR_NOT_FOUND;
}

/* ---- Hosts ---------------------------------------------------------------*/

/* Where the port begins, behind the colon; NULL: there is none. */
static const char *find_port(const char *text) {
  const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
  if (colon == NULL || (bracket != NULL && colon < bracket)) return NULL;
  return colon + 1;
}

static bool is_port(const char *port) {
  size_t size = strlen(port);
  return size > 0 && size <= 5 && strspn(port, "0123456789") == size &&
         atoi(port) <= 65535;
}

static bool is_host(const char *host, size_t size) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
  if (size > 2 && host[0] == '[' && host[size - 1] == ']')
    return strspn(host + 1, "0123456789abcdef:.%") == size - 2;
  return size > 0 && size <= 253 && strspn(host, letters) >= size;
}

static torpor_status make_host(const char *text, char **out) {
  char *copy = strdup(text);
  if (copy == NULL) return TORPOR_NOMEM;
  for (char *c = copy; *c != '\0'; c++) *c = (char)tolower((unsigned char)*c);
  const char *port = find_port(copy);
  size_t size = port == NULL ? strlen(copy) : (size_t)(port - copy) - 1;
  size_t end = size > 1 && copy[size - 1] == '.' ? size - 1 : size;
  if ((port != NULL && !is_port(port)) || !is_host(copy, end)) {
    free(copy);
    return TORPOR_MISUSE;
  }
  memmove(copy + end, copy + size, strlen(copy + size) + 1);
  *out = copy;
  return TORPOR_OK;
}

static torpor_status make_path(const char *folder, const char *text,
                               char **out) {
  int failure = torpor__path_resolve(folder, text, out);
  if (failure == 0) return TORPOR_OK;
  return failure == -ENOMEM ? TORPOR_NOMEM : TORPOR_IO;
}

static torpor_status make_socket(const char *folder, const char *text,
                                 char **out) {
  char *path;
  torpor_bytes joined;
  torpor_status status = make_path(folder, text, &path);
  if (status != TORPOR_OK) return status;
  status = torpor__format(&joined, "%s%s", SOCKET, path);
  free(path);
  *out = (char *)joined.data;
  return status;
}

static bool is_socket(const char *text) {
  return strncmp(text, SOCKET, strlen(SOCKET)) == 0;
}

static bool covers_host(const char *granted, const char *asked) {
  size_t size = strlen(granted);
  if (strcmp(granted, asked) == 0) return true;
  return !is_socket(granted) && find_port(granted) == NULL &&
         strncmp(granted, asked, size) == 0 && asked[size] == ':' &&
         find_port(asked) == asked + size + 1;
}

/* ---- All of them ---------------------------------------------------------*/

torpor_status torpor__grant_make(torpor_permission permission,
                                 const char *folder, const char *text,
                                 char **out) {
  *out = NULL;
  if (text[0] == '\0' || strlen(text) >= PATH_MAX) return TORPOR_MISUSE;
  switch (permission) {
  case TORPOR_NET:
    return is_socket(text) ? make_socket(folder, text + strlen(SOCKET), out)
                           : make_host(text, out);
  case TORPOR_RUN:
    return make_program(folder, text, out);
  case TORPOR_ENV:
    if (strchr(text, '=') != NULL) return TORPOR_MISUSE;
    *out = strdup(text);
    return *out == NULL ? TORPOR_NOMEM : TORPOR_OK;
  default:
    return make_path(folder, text, out);
  }
}

bool torpor__grant_covers(torpor_permission permission, const char *granted,
                          const char *asked) {
  if (torpor__grant_is_path(permission))
    return torpor__path_covers(granted, asked);
  return permission == TORPOR_NET ? covers_host(granted, asked)
                                  : strcmp(granted, asked) == 0;
}

bool torpor__grant_is_kept_form(torpor_permission permission,
                                const char *text) {
  switch (permission) {
  case TORPOR_NET:
  case TORPOR_ENV:
    return text[0] != '\0';
  default:
    return text[0] == '/';
  }
}
