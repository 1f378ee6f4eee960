/* SPDX-License-Identifier: MIT */
/* output.h - what a program says, on standard output and standard error. */
#ifndef TORPOR_CLI_OUTPUT_H
#define TORPOR_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "torpor.h"

/* To be called before anything else. Standard streams that are closed are
 * opened, so that no file and no socket takes their place: using them fails as
 * before. A write to a reader that went away, or past the limit of a file's
 * size, fails instead of ending the process. */
void cli_output_prepare(void);

/* Writes a line of a program's console: debug, log and info to standard output,
 * warn and error to standard error, in the order of the calls. False when
 * nobody takes it any more; what went wrong is kept for cli_output_finish. */
bool cli_output_line(torpor_level level, const char *text, size_t size);

/* Writes what a program writes to its standard output (1) or error (2), in the
 * same order. False as above. */
bool cli_output_bytes(int stream, const void *data, size_t size);

/* As fprintf, but of the text that results each control character, and what
 * turns the direction of text, is written as a space, except the newlines that
 * 'format' begins and ends with, and each byte that is no UTF-8 as a question
 * mark. So what a program may have made up stays on its line and does not steer
 * a terminal. */
void cli_print(FILE *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "torpor: ", a sentence by the same rules, and a newline to standard error. */
void cli_complain(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Who complains, in place of "torpor"; 'name' is kept. */
void cli_output_speaker(const char *name);

/* The same for a text as it is. */
void cli_output_plain(FILE *file, const char *text);

/* The same for what fits into 'most' columns of a text of 'size' bytes; the
 * last three of them are "..." if there is more. How many columns were
 * written. */
size_t cli_output_cut(FILE *file, const char *text, size_t size, size_t most);

/* How many columns 'file', a standard stream, has: SIZE_MAX if it is no
 * terminal. */
size_t cli_output_width(FILE *file);

/* Calls 'before' once, before the next thing is said. */
void cli_output_before(void (*before)(void));

/* Makes that call, for what is written in another way. */
void cli_output_begin(void);

/* Passes on what is buffered. False as above. */
bool cli_output_flush(void);

/* The exit code after all output is out: 'code', or what says that it could not
 * be written. */
int cli_output_finish(int code);

/* Where there are colours, as torpor_options.colors has it: what --color says;
 * else nowhere if NO_COLOR is set, everywhere if FORCE_COLOR is (nowhere if it
 * is "0" or "false"), and otherwise on terminals, unless TERM is "dumb". */
unsigned cli_output_colors(void);

/* What --color says: "auto", "always" or "never". */
void cli_output_color(const char *when);

/* How text looks where there are colours. */
enum cli_style {
  CLI_STYLE_PLAIN,
  CLI_STYLE_HEADING, /* of help and lists */
  CLI_STYLE_ERROR,   /* what went wrong, and runs that failed */
  CLI_STYLE_GOOD,    /* runs that are done */
  CLI_STYLE_BUSY,    /* runs that wait or work */
  CLI_STYLE_FAINT,   /* what matters less */
};

/* What is written to 'file' from here on looks so. */
void cli_output_style(FILE *file, enum cli_style style);

#endif
