/* SPDX-License-Identifier: MIT */
/* whole.h - files that a command reads or writes whole. */
#ifndef TORPOR_CLI_WHOLE_H
#define TORPOR_CLI_WHOLE_H

#include "cli/command.h"
#include "torpor.h"

/* Reads the file 'path', "-" for standard input, into memory of malloc.
 * CLI_EXIT_DONE, or an exit code after saying what is wrong. */
int cli_whole_read(const char *path, torpor_bytes *out);

/* Whether snapshots may go to 'path', NULL and "-" for standard output, which
 * must not be a terminal. As above. */
int cli_whole_check(const char *path);

/* Writes 'bytes' there, such that a file of that name is there whole or as it
 * was. As above. */
int cli_whole_write(const char *path, const torpor_bytes *bytes);

#endif
