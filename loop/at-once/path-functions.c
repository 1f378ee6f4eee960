/* SPDX-License-Identifier: MIT */
/* path-functions.c - what is done to files and folders by their names, at once.
 *
 *   torpor:path.cwd()                     where relative paths start from
 *   torpor:path.stat(path, follow)        numbers, in the order of 'fill_stat'
 *   torpor:path.realpath(path)            the path without links
 *   torpor:path.readlink(path)            what a link says
 *   torpor:path.readdir(path)             an array of names, with "." and ".."
 *   torpor:path.remove(path)              a file, a link, or an empty folder
 *   torpor:path.rename(from, to)
 *   torpor:path.mkdir(path, mode)
 *   torpor:path.symlink(target, path)
 *   torpor:path.utimes(path, accessed, modified)   milliseconds since 1970
 *
 * Paths are absolute, or relative to the folder of the access. All of them give
 * a negated errno when the system refuses, and throw what is not allowed.
 * Reading needs --allow-read, changing --allow-write; moving something needs
 * both for what is moved, and a link both for what it leads to, so that nothing
 * comes to lie where it may be read that may not be read where it was.
 *
 * Runs on the VM's thread. */
#define _GNU_SOURCE /* O_PATH */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/at-once/checked.h"
#include "loop/path.h"

static const char ADVICE[] =
    "use writeFile of torpor:fs, or a function of the program's host";

/* The result of a call of the system. */
static int result_of(int done) {
  return done < 0 ? -errno : 0;
}

/* Gives the program what a call of the system made of 'checked', which is
 * freed: 0 or a negated errno. */
static torpor_status give_end(struct torpor__checked *checked, int failure,
                              torpor_value *result) {
  torpor__checked_free(checked);
  return torpor__give_result(failure, result);
}

/* Checks that the program may change the path that argument 'index' is, 'doing'
 * that; as torpor__check_argument. */
static torpor_status check_change(torpor_vm *vm, const torpor_world *world,
                                  const torpor_arguments *arguments,
                                  size_t index, const char *doing,
                                  unsigned want, struct torpor__checked *out,
                                  int *failure) {
  torpor_status status = torpor__refuse_durable(vm, world, doing, ADVICE);
  return status == TORPOR_OK
             ? torpor__check_argument(vm, world, arguments, index,
                                      want | TORPOR__MAY_WRITE, out, failure)
             : status;
}

/* ---- Looking -------------------------------------------------------------*/

static torpor_status give_cwd(torpor_vm *vm, const torpor_arguments *arguments,
                              torpor_value *result, void *user) {
  char current[PATH_MAX];
  (void)arguments;
  const char *folder = torpor__access_folder(torpor_world_access(user));
  if (folder == NULL) folder = getcwd(current, sizeof(current));
  return torpor_string_new(vm, folder == NULL ? "/" : folder, SIZE_MAX, result);
}

static double ms_of(struct timespec time) {
  return (double)time.tv_sec * 1e3 + floor((double)time.tv_nsec / 1e6);
}

enum { STAT_FIELDS = 12 };

static void fill_stat(const struct stat *found, double *out) {
  const double fields[STAT_FIELDS] = {
      (double)found->st_dev,   (double)found->st_ino,  (double)found->st_mode,
      (double)found->st_nlink, (double)found->st_uid,  (double)found->st_gid,
      (double)found->st_rdev,  (double)found->st_size, (double)found->st_blocks,
      ms_of(found->st_atim),   ms_of(found->st_mtim),  ms_of(found->st_ctim),
  };
  memcpy(out, fields, sizeof(fields));
}

static torpor_status stat_path(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  struct torpor__checked checked;
  struct stat found;
  double fields[STAT_FIELDS];
  bool follow = torpor_value_is_true(torpor_argument(arguments, 1));
  int failure;
  torpor_status status = torpor__check_argument(
      vm, user, arguments, 0, TORPOR__MAY_READ | (follow ? 0 : TORPOR__ENTRY),
      &checked, &failure);
  if (status != TORPOR_OK) return status;
  if (failure == 0)
    failure = result_of(
        fstatat(checked.folder, checked.name, &found, AT_SYMLINK_NOFOLLOW));
  torpor__checked_free(&checked);
  if (failure != 0) return torpor__give_result(failure, result);
  fill_stat(&found, fields);
  return torpor_buffer_new_as(vm, TORPOR_BRAND_FLOAT64_ARRAY, fields,
                              sizeof(fields), result);
}

static torpor_status resolve_path(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  struct torpor__checked checked;
  struct stat found;
  int failure;
  torpor_status status = torpor__check_argument(
      vm, user, arguments, 0, TORPOR__MAY_READ, &checked, &failure);
  if (status != TORPOR_OK) return status;
  if (failure == 0)
    failure = result_of(
        fstatat(checked.folder, checked.name, &found, AT_SYMLINK_NOFOLLOW));
  status = failure != 0 ? torpor__give_result(failure, result)
                        : torpor_string_new(vm, checked.path, SIZE_MAX, result);
  torpor__checked_free(&checked);
  return status;
}

static torpor_status read_link(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  struct torpor__checked checked;
  char text[PATH_MAX];
  int failure;
  ssize_t size = 0;
  torpor_status status = torpor__check_argument(
      vm, user, arguments, 0, TORPOR__MAY_READ | TORPOR__ENTRY, &checked,
      &failure);
  if (status != TORPOR_OK) return status;
  if (failure == 0) {
    size = readlinkat(checked.folder, checked.name, text, sizeof(text));
    failure = size < 0 ? -errno : 0;
  }
  torpor__checked_free(&checked);
  if (failure != 0) return torpor__give_result(failure, result);
  return torpor_string_new(vm, text, (size_t)size, result);
}

/* ---- Folders -------------------------------------------------------------*/

static torpor_status add_names(torpor_vm *vm, DIR *folder,
                               torpor_value *result) {
  const struct dirent *entry;
  torpor_status status = torpor_array_new(vm, result);
  uint32_t count = 0;
  while (status == TORPOR_OK && (entry = readdir(folder)) != NULL) {
    torpor_scope scope;
    torpor_value name;
    status = torpor_scope_open(vm, &scope);
    if (status != TORPOR_OK) break;
    status = torpor_string_new(vm, entry->d_name, SIZE_MAX, &name);
    if (status == TORPOR_OK)
      status = torpor_set_index(vm, *result, count++, name);
    torpor_scope_close(vm, scope);
  }
  return status;
}

static torpor_status read_folder(torpor_vm *vm,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  struct torpor__checked checked;
  int failure;
  torpor_status status = torpor__check_argument(
      vm, user, arguments, 0, TORPOR__MAY_READ, &checked, &failure);
  if (status != TORPOR_OK) return status;
  DIR *folder = NULL;
  if (failure == 0) {
    int file = openat(checked.folder, checked.name,
                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    folder = file < 0 ? NULL : fdopendir(file);
    if (folder == NULL) failure = -errno;
    if (folder == NULL && file >= 0) close(file);
  }
  torpor__checked_free(&checked);
  if (failure != 0) return torpor__give_result(failure, result);
  status = add_names(vm, folder, result);
  closedir(folder);
  return status;
}

/* ---- Changing ------------------------------------------------------------*/

static torpor_status remove_entry(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  struct torpor__checked checked;
  int failure;
  torpor_status status = check_change(vm, user, arguments, 0, "removing a file",
                                      TORPOR__ENTRY, &checked, &failure);
  if (status != TORPOR_OK) return status;
  if (failure == 0) {
    failure = result_of(unlinkat(checked.folder, checked.name, 0));
    if (failure == -EISDIR || failure == -EPERM)
      failure = result_of(unlinkat(checked.folder, checked.name, AT_REMOVEDIR));
  }
  return give_end(&checked, failure, result);
}

static torpor_status rename_entry(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  struct torpor__checked from, to = {.folder = -1};
  int failure;
  torpor_status status =
      check_change(vm, user, arguments, 0, "moving a file",
                   TORPOR__MAY_READ | TORPOR__ENTRY, &from, &failure);
  if (status != TORPOR_OK) return status;
  if (failure == 0)
    status = torpor__check_argument(vm, user, arguments, 1,
                                    TORPOR__MAY_WRITE | TORPOR__ENTRY, &to,
                                    &failure);
  if (status == TORPOR_OK && failure == 0)
    failure = result_of(renameat(from.folder, from.name, to.folder, to.name));
  torpor__checked_free(&from);
  torpor__checked_free(&to);
  return status == TORPOR_OK ? torpor__give_result(failure, result) : status;
}

static torpor_status make_folder(torpor_vm *vm,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  struct torpor__checked checked;
  int failure;
  torpor_status status = check_change(vm, user, arguments, 0, "making a folder",
                                      0, &checked, &failure);
  if (status != TORPOR_OK) return status;
  mode_t mode = (mode_t)(torpor__take_integer(arguments, 1, 0777) & 07777);
  if (failure == 0)
    failure = result_of(mkdirat(checked.folder, checked.name, mode));
  return give_end(&checked, failure, result);
}

/* Whether a link in the folder of 'link' may say 'target'. */
static torpor_status check_target(torpor_vm *vm, const torpor_world *world,
                                  const char *target, const char *link,
                                  int *failure) {
  struct torpor__checked checked;
  torpor_bytes joined = {0};
  torpor_status status = TORPOR_OK;
  if (target[0] != '/')
    status = torpor__format(&joined, "%.*s/%s",
                            (int)(strrchr(link, '/') - link), link, target);
  if (status == TORPOR_OK)
    status = torpor__check_path(
        vm, world, target[0] == '/' ? target : (char *)joined.data,
        TORPOR__MAY_READ | TORPOR__MAY_WRITE, &checked, failure);
  if (status == TORPOR_OK) torpor__checked_free(&checked);
  torpor_bytes_free(&joined);
  return status;
}

static torpor_status make_link(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  struct torpor__checked checked = {.folder = -1};
  char *target = NULL;
  int failure = 0;
  torpor_status status = check_change(vm, user, arguments, 1, "making a link",
                                      TORPOR__ENTRY, &checked, &failure);
  if (status == TORPOR_OK)
    status = torpor__take_text(vm, arguments, 0, &target);
  if (status == TORPOR_OK && failure == 0)
    status = check_target(vm, user, target, checked.path, &failure);
  if (status == TORPOR_OK && failure == 0)
    failure = result_of(symlinkat(target, checked.folder, checked.name));
  torpor__checked_free(&checked);
  free(target);
  return status == TORPOR_OK ? torpor__give_result(failure, result) : status;
}

static struct timespec time_of(double ms) {
  double seconds = floor(ms / 1e3);
  return (struct timespec){.tv_sec = (time_t)seconds,
                           .tv_nsec = (long)((ms - seconds * 1e3) * 1e6)};
}

static torpor_status set_times(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  struct torpor__checked checked;
  int failure;
  double accessed = torpor_value_number(torpor_argument(arguments, 1));
  double modified = torpor_value_number(torpor_argument(arguments, 2));
  if (!(fabs(accessed) <= 8.64e15 && fabs(modified) <= 8.64e15))
    return torpor_throw(vm, "TypeError",
                        "expected times in milliseconds since 1970");
  torpor_status status = check_change(
      vm, user, arguments, 0, "setting a file's times", 0, &checked, &failure);
  if (status != TORPOR_OK) return status;
  const struct timespec times[] = {time_of(accessed), time_of(modified)};
  if (failure == 0)
    failure = result_of(
        utimensat(checked.folder, checked.name, times, AT_SYMLINK_NOFOLLOW));
  return give_end(&checked, failure, result);
}

static const torpor_function_entry functions[] = {
    {"torpor:path.cwd", give_cwd, 0, 0},
    {"torpor:path.stat", stat_path, 2, 0},
    {"torpor:path.realpath", resolve_path, 1, 0},
    {"torpor:path.readlink", read_link, 1, 0},
    {"torpor:path.readdir", read_folder, 1, 0},
    {"torpor:path.remove", remove_entry, 1, 0},
    {"torpor:path.rename", rename_entry, 2, 0},
    {"torpor:path.mkdir", make_folder, 2, 0},
    {"torpor:path.symlink", make_link, 2, 0},
    {"torpor:path.utimes", set_times, 3, 0},
};
const struct torpor__functions torpor__path_functions = {
    functions, sizeof(functions) / sizeof(*functions)};
