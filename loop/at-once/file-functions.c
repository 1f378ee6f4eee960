/* SPDX-License-Identifier: MIT */
/* file-functions.c - open files, streams and terminals, at once.
 *
 *   torpor:file.open(fd, path, flags, mode)
 *         0: a file, which has a position; 1: a stream or device; 2: a file
 *         that is opened for each call, by readAt
 *   torpor:file.temporary(fd)                 a file without a name
 *   torpor:file.read(fd, buffer, position, wait)    how many bytes
 *   torpor:file.write(fd, buffer, position, wait)
 *   torpor:file.flush()                       of what stdio has of the output
 *   torpor:file.size(fd)
 *   torpor:file.seek(fd, offset, whence)      of a standard stream
 *   torpor:file.close(fd)
 *   torpor:file.readAt(path, buffer, position)
 *   torpor:file.sizeAt(path)
 *   torpor:file.pipe(from, to)                both are numbers that are free
 *   torpor:terminal.is(fd)
 *   torpor:terminal.size(fd)                  [columns, rows], or null
 *   torpor:terminal.raw(fd)
 *
 * 'position' -1: where it stands. All of them give a negated errno when the
 * system refuses, and undefined when the descriptor is not open in this world.
 *
 * A durable run may be on another thread than its world, so it has no such
 * descriptors: it reads files by readAt.
 *
 * Runs on the VM's thread. */
#define _GNU_SOURCE /* O_TMPFILE, pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/at-once/checked.h"
#include "loop/at-once/os-file.h"
#include "loop/block.h"
#include "loop/stream.h"
#include "loop/terminal.h"

/* Most bytes that one call reads. */
enum { LARGEST = 16 << 20 };

enum { AGAIN_MS = 10 };

static const char READ_ADVICE[] =
    "await what gives its bytes, as readFile of torpor:fs does";
static const char WRITE_ADVICE[] = "await writeFile of torpor:fs";

/* ---- Opening -------------------------------------------------------------*/

enum {
  FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK |
          O_SYNC | O_DSYNC | O_DIRECTORY | O_NOFOLLOW
};

static bool changes(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
}

static bool is_pipe(const struct torpor__checked *checked) {
  struct stat found;
  return fstatat(checked->folder, checked->name, &found, AT_SYMLINK_NOFOLLOW) ==
             0 &&
         S_ISFIFO(found.st_mode);
}

/* Opens it; a pipe when somebody reads it. A file, or a negated errno. */
static int open_checked(const torpor_loop *loop,
                        const struct torpor__checked *checked, int flags,
                        mode_t mode) {
  bool pipe = is_pipe(checked);
  if (pipe) flags |= O_NONBLOCK;
  for (;;) {
    int file = openat(checked->folder, checked->name,
                      flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode);
    if (file >= 0) return file;
    if (errno != EINTR && !(pipe && errno == ENXIO)) return -errno;
    int failure = torpor__block_sleep(loop, AGAIN_MS);
    if (failure != 0) return failure;
  }
}

/* Makes a descriptor of 'file', which it takes over. 0 or 1 as open() gives, or
 * a negated errno. */
static int add_file(torpor_world *world, uint64_t number, int file) {
  struct stat found;
  int failure;
  struct torpor__descriptor *made;
  uv_handle_type type = uv_guess_handle(file);
  bool stream = type == UV_TTY || type == UV_NAMED_PIPE || type == UV_TCP;
  bool device = fstat(file, &found) != 0 || S_ISCHR(found.st_mode);
  if (stream) {
    made = (struct torpor__descriptor *)torpor__stream_of(world->loop, file,
                                                          &failure);
  } else {
    made = torpor__os_file_new(file);
    failure = -ENOMEM;
  }
  if (made == NULL) {
    close(file);
    return failure;
  }
  if (torpor__descriptor_add(world, number, made)) return stream || device;
  made->type->close(made);
  return -EMFILE;
}

/* In a durable run: whether it can be read, see the top. */
static int try_file(int file) {
  struct stat found;
  int failure = fstat(file, &found) != 0 ? -errno : 0;
  close(file);
  if (failure == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode))
    failure = -ENOTSUP;
  return failure == 0 ? 2 : failure;
}

static torpor_status open_file(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  torpor_world *world = user;
  struct torpor__checked checked;
  int64_t number = torpor__take_integer(arguments, 0, -1);
  int64_t flags = torpor__take_integer(arguments, 2, -1);
  mode_t mode = (mode_t)(torpor__take_integer(arguments, 3, 0666) & 07777);
  int failure;
  torpor_status status = TORPOR_OK;
  if (number < 0 || flags < 0 || (flags & ~(int64_t)FLAGS) != 0)
    return torpor__give_result(-EINVAL, result);
  bool writes = changes((int)flags);
  unsigned what = (writes ? TORPOR__MAY_WRITE : 0U) |
                  ((flags & O_ACCMODE) != O_WRONLY ? TORPOR__MAY_READ : 0U);
  if (writes)
    status = torpor__refuse_durable(vm, world, "opening a file to write it",
                                    WRITE_ADVICE);
  if (status == TORPOR_OK)
    status = torpor__check_argument(vm, world, arguments, 1, what, &checked,
                                    &failure);
  if (status != TORPOR_OK) return status;
  if (failure == 0)
    failure = open_checked(world->loop, &checked, (int)flags, mode);
  torpor__checked_free(&checked);
  if (failure >= 0)
    failure = world->options.durable
                  ? try_file(failure)
                  : add_file(world, (uint64_t)number, failure);
  return torpor__give_result(failure, result);
}

static torpor_status open_temporary(torpor_vm *vm,
                                    const torpor_arguments *arguments,
                                    torpor_value *result, void *user) {
  torpor_world *world = user;
  struct torpor__checked checked;
  const char *folder = getenv("TMPDIR");
  int64_t number = torpor__take_integer(arguments, 0, -1);
  int failure;
  torpor_status status = torpor__refuse_durable(
      vm, world, "opening a temporary file", WRITE_ADVICE);
  if (folder == NULL || folder[0] != '/') folder = "/tmp";
  if (status == TORPOR_OK)
    status = torpor__check_path(vm, world, folder,
                                TORPOR__MAY_READ | TORPOR__MAY_WRITE, &checked,
                                &failure);
  if (status != TORPOR_OK) return status;
  if (failure == 0) {
    failure = openat(checked.folder, checked.name,
                     O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (failure < 0) failure = -errno;
  }
  torpor__checked_free(&checked);
  if (failure >= 0) failure = add_file(world, (uint64_t)number, failure);
  return torpor__give_result(failure, result);
}

static torpor_status open_pipe(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  torpor_world *world = user;
  int64_t numbers[] = {torpor__take_integer(arguments, 0, -1),
                       torpor__take_integer(arguments, 1, -1)};
  int files[2];
  torpor_status status = torpor__refuse_durable(
      vm, world, "os.pipe", "spawn of torpor:process makes pipes");
  if (status != TORPOR_OK) return status;
  if (numbers[0] < 0 || numbers[1] < 0)
    return torpor__give_result(-EINVAL, result);
  if (pipe2(files, O_CLOEXEC | O_NONBLOCK) != 0)
    return torpor__give_result(-errno, result);
  int failure = add_file(world, (uint64_t)numbers[0], files[0]);
  if (failure < 0) {
    close(files[1]);
    return torpor__give_result(failure, result);
  }
  failure = add_file(world, (uint64_t)numbers[1], files[1]);
  if (failure < 0)
    torpor__descriptor_close(
        torpor__descriptor_find(world, (uint64_t)numbers[0]));
  return torpor__give_result(failure < 0 ? failure : 0, result);
}

/* ---- Using ---------------------------------------------------------------*/

/* The descriptor that argument 0 says. TORPOR_OK with NULL: it is not open. */
static torpor_status take_descriptor(torpor_vm *vm, torpor_world *world,
                                     const torpor_arguments *arguments,
                                     const char *what, const char *advice,
                                     struct torpor__descriptor **out) {
  int64_t number = torpor__take_integer(arguments, 0, -1);
  torpor_status status = torpor__refuse_durable(vm, world, what, advice);
  *out = status != TORPOR_OK || number < 0
             ? NULL
             : torpor__descriptor_find(world, (uint64_t)number);
  return status;
}

/* Reads into the buffer that argument 1 is: from 'descriptor', or else 'file'.
 */
static torpor_status read_into(torpor_vm *vm, const torpor_arguments *arguments,
                               struct torpor__descriptor *descriptor, int file,
                               torpor_value *result) {
  torpor_value buffer = torpor_argument(arguments, 1);
  torpor_buffer_info info = TORPOR_BUFFER_INFO_INIT;
  int64_t position = torpor__take_integer(arguments, 2, -1);
  bool wait = torpor_value_is_true(torpor_argument(arguments, 3));
  torpor_status status = torpor_buffer_inspect(vm, buffer, &info);
  if (status != TORPOR_OK) return status;
  size_t size = info.bytes < LARGEST ? info.bytes : LARGEST;
  uint8_t *data = malloc(size + 1);
  if (data == NULL) return TORPOR_NOMEM;
  int64_t got;
  if (descriptor == NULL) {
    got = pread(file, data, size, position);
    if (got < 0) got = -errno;
  } else if (descriptor->type->read_now == NULL) {
    got = -EBADF;
  } else {
    got = descriptor->type->read_now(descriptor, data, size, position, wait);
  }
  if (got > 0) status = torpor_buffer_write(vm, buffer, 0, data, (size_t)got);
  free(data);
  return status == TORPOR_OK ? torpor__give_result(got, result) : status;
}

static torpor_status read_now(torpor_vm *vm, const torpor_arguments *arguments,
                              torpor_value *result, void *user) {
  struct torpor__descriptor *descriptor;
  torpor_status status = take_descriptor(
      vm, user, arguments, "reading without await", READ_ADVICE, &descriptor);
  if (status != TORPOR_OK || descriptor == NULL) return status;
  return read_into(vm, arguments, descriptor, -1, result);
}

static torpor_status write_now(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  struct torpor__descriptor *descriptor;
  torpor_bytes data;
  int64_t position = torpor__take_integer(arguments, 2, -1);
  bool wait = torpor_value_is_true(torpor_argument(arguments, 3));
  torpor_status status = take_descriptor(
      vm, user, arguments, "writing without await", WRITE_ADVICE, &descriptor);
  if (status != TORPOR_OK || descriptor == NULL) return status;
  if (descriptor->type->write_now == NULL)
    return torpor__give_result(-EBADF, result);
  status = torpor_buffer_read(vm, torpor_argument(arguments, 1), &data);
  if (status != TORPOR_OK) return status;
  int64_t put = descriptor->type->write_now(descriptor, data.data, data.size,
                                            position, wait);
  torpor_bytes_free(&data);
  return torpor__give_result(put, result);
}

static torpor_status flush_output(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  const torpor_world *world = user;
  (void)vm, (void)arguments;
  bool ours = world->options.standard && !world->options.durable;
  return torpor__give_result(ours && fflush(stdout) != 0 ? -errno : 0, result);
}

static torpor_status give_size(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  struct torpor__descriptor *descriptor;
  struct stat found;
  torpor_status status = take_descriptor(
      vm, user, arguments, "looking at a descriptor", READ_ADVICE, &descriptor);
  if (status != TORPOR_OK || descriptor == NULL) return status;
  int failure =
      fstat(torpor__descriptor_file(descriptor), &found) == 0 ? 0 : -errno;
  if (failure == 0 && !S_ISREG(found.st_mode)) failure = -ESPIPE;
  return torpor__give_result(failure < 0 ? failure : found.st_size, result);
}

static torpor_status seek_standard(torpor_vm *vm,
                                   const torpor_arguments *arguments,
                                   torpor_value *result, void *user) {
  struct torpor__descriptor *descriptor;
  int64_t offset = torpor__take_integer(arguments, 1, 0);
  int64_t whence = torpor__take_integer(arguments, 2, SEEK_SET);
  torpor_status status = take_descriptor(
      vm, user, arguments, "moving in a file", READ_ADVICE, &descriptor);
  if (status != TORPOR_OK || descriptor == NULL) return status;
  int64_t position =
      lseek(torpor__descriptor_file(descriptor), offset, (int)whence);
  return torpor__give_result(position < 0 ? -errno : position, result);
}

static torpor_status close_now(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  struct torpor__descriptor *descriptor;
  torpor_status status =
      take_descriptor(vm, user, arguments, "closing without await",
                      "await its close method", &descriptor);
  if (status != TORPOR_OK || descriptor == NULL) return status;
  torpor__descriptor_close(descriptor);
  return torpor__give_result(0, result);
}

/* ---- Files that are opened for each call ---------------------------------*/

/* Opens the regular file that 'checked' means. A file, or a negated errno. */
static int open_regular(const torpor_loop *loop,
                        const struct torpor__checked *checked,
                        struct stat *found) {
  int file = open_checked(loop, checked, O_RDONLY | O_NONBLOCK, 0);
  if (file < 0) return file;
  int failure = fstat(file, found) != 0    ? -errno
                : S_ISDIR(found->st_mode)  ? -EISDIR
                : !S_ISREG(found->st_mode) ? -ENOTSUP
                                           : 0;
  if (failure == 0) return file;
  close(file);
  return failure;
}

/* Opens the file that argument 0 names, to read it. '*file' -1: it could not be
 * opened; then 'result', or what was thrown, is all that the program gets. */
static torpor_status open_to_read(torpor_vm *vm, const torpor_world *world,
                                  const torpor_arguments *arguments,
                                  struct stat *found, int *file,
                                  torpor_value *result) {
  struct torpor__checked checked;
  int failure;
  *file = -1;
  torpor_status status = torpor__check_argument(
      vm, world, arguments, 0, TORPOR__MAY_READ, &checked, &failure);
  if (status != TORPOR_OK) return status;
  int opened =
      failure == 0 ? open_regular(world->loop, &checked, found) : failure;
  torpor__checked_free(&checked);
  if (opened < 0) return torpor__give_result(opened, result);
  *file = opened;
  return TORPOR_OK;
}

static torpor_status read_at(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  struct stat found;
  int file;
  torpor_status status =
      open_to_read(vm, user, arguments, &found, &file, result);
  if (file < 0) return status;
  status = read_into(vm, arguments, NULL, file, result);
  close(file);
  return status;
}

static torpor_status size_at(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  struct stat found;
  int file;
  torpor_status status =
      open_to_read(vm, user, arguments, &found, &file, result);
  if (file < 0) return status;
  close(file);
  return torpor__give_result(found.st_size, result);
}

/* ---- Terminals -----------------------------------------------------------*/

static struct torpor__descriptor *look_at(torpor_world *world,
                                          const torpor_arguments *arguments) {
  int64_t number = torpor__take_integer(arguments, 0, -1);
  return world->options.durable || number < 0
             ? NULL
             : torpor__descriptor_find(world, (uint64_t)number);
}

static torpor_status is_terminal(torpor_vm *vm,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  (void)vm;
  struct torpor__descriptor *descriptor = look_at(user, arguments);
  int file = descriptor == NULL ? -1 : torpor__descriptor_file(descriptor);
  *result = torpor_boolean(file >= 0 && isatty(file) == 1);
  return TORPOR_OK;
}

static torpor_status give_terminal_size(torpor_vm *vm,
                                        const torpor_arguments *arguments,
                                        torpor_value *result, void *user) {
  int columns, rows;
  struct torpor__descriptor *descriptor = look_at(user, arguments);
  *result = torpor_null();
  if (descriptor == NULL ||
      torpor__terminal_size(descriptor, &columns, &rows) != 0)
    return TORPOR_OK;
  torpor_status status = torpor_array_new(vm, result);
  if (status == TORPOR_OK)
    status = torpor_set_index(vm, *result, 0, torpor_number(columns));
  if (status == TORPOR_OK)
    status = torpor_set_index(vm, *result, 1, torpor_number(rows));
  return status;
}

static torpor_status set_raw(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  struct torpor__descriptor *descriptor;
  torpor_status status =
      take_descriptor(vm, user, arguments, "changing a terminal",
                      "a run has none", &descriptor);
  if (status != TORPOR_OK || descriptor == NULL) return status;
  return torpor__give_result(torpor__terminal_raw(descriptor), result);
}

static const torpor_function_entry functions[] = {
    {"torpor:file.open", open_file, 4, 0},
    {"torpor:file.temporary", open_temporary, 1, 0},
    {"torpor:file.pipe", open_pipe, 2, 0},
    {"torpor:file.read", read_now, 4, 0},
    {"torpor:file.write", write_now, 4, 0},
    {"torpor:file.flush", flush_output, 0, 0},
    {"torpor:file.size", give_size, 1, 0},
    {"torpor:file.seek", seek_standard, 3, 0},
    {"torpor:file.close", close_now, 1, 0},
    {"torpor:file.readAt", read_at, 3, 0},
    {"torpor:file.sizeAt", size_at, 1, 0},
    {"torpor:terminal.is", is_terminal, 1, 0},
    {"torpor:terminal.size", give_terminal_size, 1, 0},
    {"torpor:terminal.raw", set_raw, 1, 0},
};
const struct torpor__functions torpor__file_functions = {
    functions, sizeof(functions) / sizeof(*functions)};
