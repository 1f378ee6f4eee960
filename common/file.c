/* SPDX-License-Identifier: MIT */
/* file.c - whole files. See file.h. */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/array.h"

/* Bytes of one call; between two of them a job can be cancelled. */
enum { FIRST_PART = 64 << 10, LARGEST_PART = 8 << 20 };

static bool is_cancelled(const atomic_bool *cancelled) {
  return cancelled != NULL && atomic_load(cancelled);
}

/* Makes room for more; how much is asked for next. 0: no memory. */
static size_t make_room(struct torpor__file_bytes *bytes) {
  if (bytes->size == bytes->capacity &&
      !torpor__array_reserve(&bytes->data, &bytes->capacity,
                             bytes->capacity + FIRST_PART, 1))
    return 0;
  size_t room = bytes->capacity - bytes->size;
  return room < LARGEST_PART ? room : LARGEST_PART;
}

int torpor__file_read(int file, size_t largest, const atomic_bool *cancelled,
                      struct torpor__file_bytes *bytes) {
  const size_t start = bytes->size;
  for (;;) {
    if (is_cancelled(cancelled)) return -ECANCELED;
    if (bytes->size - start > largest) return TORPOR__FILE_LARGE;
    size_t part = make_room(bytes);
    if (part == 0) return -ENOMEM;
    ssize_t got = read(file, bytes->data + bytes->size, part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) return 0;
    bytes->size += (size_t)got;
  }
}

int torpor__file_write(int file, const void *data, size_t size,
                       const atomic_bool *cancelled) {
  const uint8_t *at = data;
  while (size > 0) {
    if (is_cancelled(cancelled)) return -ECANCELED;
    ssize_t wrote = write(file, at, size < LARGEST_PART ? size : LARGEST_PART);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return -errno;
    at += wrote;
    size -= (size_t)wrote;
  }
  return 0;
}

int torpor__file_load(const char *path, size_t largest,
                      struct torpor__file_bytes *out) {
  *out = (struct torpor__file_bytes){0};
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -errno;
  int failure = torpor__file_read(file, largest, NULL, out);
  close(file);
  if (failure == 0) return 0;
  free(out->data);
  *out = (struct torpor__file_bytes){0};
  return failure;
}
