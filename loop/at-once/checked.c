/* SPDX-License-Identifier: MIT */
/* checked.c - paths that functions of the library are given. See checked.h.
 *
 * No state; any thread. */
#include "loop/at-once/checked.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "loop/path.h"
#include "loop/safe-open.h"

void torpor__checked_free(struct torpor__checked *checked) {
  free(checked->path);
  if (checked->folder >= 0) close(checked->folder);
  *checked = (struct torpor__checked){.folder = -1};
}

/* Why a path that may be used leads nowhere. */
static int failure_of(const torpor_world *world, const char *path) {
  char *resolved = NULL;
  const char *folder = torpor__access_folder(torpor_world_access(world));
  if (path[0] == '\0') return -ENOENT;
  if (strlen(path) >= PATH_MAX) return -ENAMETOOLONG;
  int failure =
      torpor__path_resolve(folder == NULL ? "/" : folder, path, &resolved);
  free(resolved);
  return failure == 0 ? -ENOENT : failure;
}

torpor_status torpor__check_path(torpor_vm *vm, const torpor_world *world,
                                 const char *path, unsigned want,
                                 struct torpor__checked *out, int *failure) {
  torpor_bytes checked;
  *out = (struct torpor__checked){.folder = -1};
  *failure = 0;
  torpor_status status = torpor__access_check_path(torpor_world_access(world),
                                                   path, want, &checked);
  if (status == TORPOR_DENIED || status == TORPOR_NOMEM)
    return torpor__throw_access(vm, status, &checked);
  if (status != TORPOR_OK) {
    torpor_bytes_free(&checked);
    *failure = failure_of(world, path);
    return TORPOR_OK;
  }
  out->path = (char *)checked.data;
  out->folder = torpor__safe_folder(out->path, &out->name);
  if (out->folder < 0) {
    *failure = out->folder;
    torpor__checked_free(out);
  }
  return TORPOR_OK;
}

torpor_status torpor__check_argument(torpor_vm *vm, const torpor_world *world,
                                     const torpor_arguments *arguments,
                                     size_t index, unsigned want,
                                     struct torpor__checked *out,
                                     int *failure) {
  char *path;
  *out = (struct torpor__checked){.folder = -1};
  torpor_status status = torpor__take_text(vm, arguments, index, &path);
  if (status == TORPOR_OK)
    status = torpor__check_path(vm, world, path, want, out, failure);
  free(path);
  return status;
}
