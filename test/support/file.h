/* SPDX-License-Identifier: MIT */
/* file.h - files that tests read and write whole. */
#ifndef TORPOR_TEST_FILE_H
#define TORPOR_TEST_FILE_H

#include "torpor.h"

/* All of a file, with a zero byte behind it, to be freed; empty, with 'data'
 * NULL, when it cannot be opened. */
torpor_bytes test_file_read(const char *path);

/* Writes a file, in the place of one that is there; fails the test when that
 * fails. */
void test_file_write(const char *path, const void *data, size_t size);
void test_file_write_text(const char *path, const char *text);

#endif
