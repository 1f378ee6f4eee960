/* SPDX-License-Identifier: MIT */
/* file.c - files that tests read and write whole. */
#include "test/support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "test/support/vm.h"

torpor_bytes test_file_read(const char *path) {
  struct torpor__file_bytes bytes;
  int failure = torpor__file_load(path, (size_t)1 << 32, &bytes);
  if (failure == -ENOENT) return (torpor_bytes){NULL, 0};
  assert_int_equal(failure, 0);
  bytes.data[bytes.size] = 0; /* there is room, see common/file.h */
  return (torpor_bytes){bytes.data, bytes.size};
}

void test_file_write(const char *path, const void *data, size_t size) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  assert_true(file >= 0);
  assert_int_equal(torpor__file_write(file, data, size, NULL), 0);
  assert_int_equal(close(file), 0);
}

void test_file_write_text(const char *path, const char *text) {
  test_file_write(path, text, strlen(text));
}
