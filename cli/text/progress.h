/* SPDX-License-Identifier: MIT */
/* progress.h - a line on the terminal while a command takes long. */
#ifndef TORPOR_CLI_PROGRESS_H
#define TORPOR_CLI_PROGRESS_H

#include <stddef.h>

/* The command is 'doing' this from here on, "importing" say, with 'object' (may
 * be empty). If that takes more than a second and standard error is a terminal,
 * a line there says so, and for how long, until the command says anything else
 * or ends. */
void cli_progress(const char *doing, const char *object);

/* How much of it is done: 'done' of 'total' things called 'unit', a literal;
 * 'total' is 0 where nobody knows it. */
void cli_progress_count(size_t done, size_t total, const char *unit);

#endif
