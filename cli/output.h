/* SPDX-License-Identifier: MIT */
/* output.h - what a program says, on standard output and standard error. */
#ifndef TORPOR_CLI_OUTPUT_H
#define TORPOR_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "torpor.h"

/* Writes a line of a program's console: debug, log and info to standard output,
 * warn and error to standard error, in the order of the calls. False when
 * nobody takes it any more; what went wrong is kept for cli_output_finish. */
bool cli_output_line(torpor_level level, const char *text, size_t size);

/* Writes what a program writes to its standard output (1) or error (2), in the
 * same order. False as above. */
bool cli_output_bytes(int stream, const void *data, size_t size);

/* As fprintf, but of the text that results each control character is written
 * as a space, except the newlines that 'format' begins and ends with, and each
 * byte that is no UTF-8 as a question mark. So what a program may have made up
 * stays on its line and does not steer a terminal. */
void cli_print(FILE *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "torpor: ", a sentence by the same rules, and a newline to standard error. */
void cli_complain(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Who complains, in place of "torpor"; 'name' is kept. */
void cli_output_speaker(const char *name);

/* The same for a text as it is. */
void cli_output_plain(FILE *file, const char *text);

/* Passes on what is buffered. False as above. */
bool cli_output_flush(void);

/* The exit code after all output is out: 'code', or what says that it could not
 * be written. */
int cli_output_finish(int code);

/* Where values are shown in colours (torpor_options.colors): on terminals,
 * unless NO_COLOR is set or TERM is "dumb"; everywhere if FORCE_COLOR is. */
unsigned cli_output_colors(void);

#endif
