/* SPDX-License-Identifier: MIT */
/* os-file.h - descriptors that are files of a disk, folders and devices: what
 * has a position, or is there at once.
 *
 * Where the program stands in one is kept in its own memory, so that it sleeps
 * with it (library/files.js). Operations do not work on them, but for the
 * standard input; the functions of bind.h do. */
#ifndef TORPOR_LOOP_OS_FILE_H
#define TORPOR_LOOP_OS_FILE_H

#include "loop/descriptor.h"

/* One that takes 'file' over, in no world yet. NULL: memory ran out. */
struct torpor__descriptor *torpor__os_file_new(int file);

/* One of standard input, in no world yet, which stays open when it is closed
 * and is read where it stands. NULL: memory ran out. */
struct torpor__descriptor *torpor__os_file_standard(void);

#endif
