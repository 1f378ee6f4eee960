/* SPDX-License-Identifier: MIT */
/* folder.c - the folders that may hold engines and extensions to load.
 *
 * What lies there is code: whoever may write to them may run code in this
 * process. A variable lists others (separated by colons), but not for
 * set-user-id programs.
 *
 * Any thread. */
#include "vm/engines/folder.h"

#include <stdio.h>
#include <string.h>

#include "wasm/os.h"

/* Entry number '*index' of a variable. NULL: it has no so many; those that it
 * has are taken off '*index'. */
static const char *find_entry(const char *setting, size_t *index,
                              size_t *size) {
  const char *entry = torpor__os_setting(setting);
  while (entry && *entry) {
    *size = strcspn(entry, ":");
    if ((*index)-- == 0) return entry;
    entry += *size + (entry[*size] == ':');
  }
  return NULL;
}

/* The folder 'below'/'kind' of the one that holds 'file'; empty: none. */
static void put_beside(const char *file, const char *below, const char *kind,
                       char *path, size_t size) {
  const char *slash = strrchr(file, '/');
  path[0] = 0;
  if (!slash) return;
  int length = snprintf(path, size, "%.*s/%s/%s", (int)(slash - file), file,
                        below, kind);
  if (length < 0 || (size_t)length >= size) path[0] = 0;
}

bool torpor__folder(const char *setting, const char *kind, size_t index,
                    char *path, size_t size) {
  size_t length = 0;
  const char *entry = find_entry(setting, &index, &length);
  char file[TORPOR__OS_PATH_LARGEST];
  path[0] = 0;
  if (entry) {
    if (length < size) snprintf(path, size, "%.*s", (int)length, entry);
    return true;
  }
  if (index > 1) return false;
  if (index == 0) {
    if (torpor__os_library_path(file, sizeof(file)))
      put_beside(file, "torpor", kind, path, size);
  } else if (torpor__os_program_path(file, sizeof(file))) {
    put_beside(file, "../lib/torpor", kind, path, size);
  }
  return true;
}
