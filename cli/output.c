/* SPDX-License-Identifier: MIT */
/* output.c - what a program says, on standard output and standard error.
 *
 * Standard output is buffered when it is no terminal; it is passed on before
 * anything goes to standard error, so that both together read in order, and
 * before the program waits.
 *
 *  (1) A reader that went away (SIGPIPE is ignored) is no error of the program:
 *      it ends silently with its own exit code.
 *  (2) Any other failure is said once, at the end. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

static int failure; /* errno of the first write that failed */

static bool note_failure(bool good) {
  if (!good && failure == 0) failure = errno != 0 ? errno : EIO;
  return failure == 0;
}

bool cli_output_flush(void) {
  errno = 0;
  return note_failure(fflush(stdout) == 0);
}

bool cli_output_line(torpor_level level, const char *text, size_t size) {
  FILE *file = stdout;
  if (level >= TORPOR_LEVEL_WARN) {
    cli_output_flush();
    file = stderr;
  }
  errno = 0;
  bool good = fwrite(text, 1, size, file) == size && fputc('\n', file) != EOF;
  return note_failure(good);
}

void cli_output_plain(FILE *file, const char *text) {
  for (; *text != '\0'; text++) {
    unsigned char byte = (unsigned char)*text, next = (unsigned char)text[1];
    bool second = byte == 0xc2 && next >= 0x80 && next < 0xa0; /* U+0080... */
    if (second) text++;
    fputc(second || byte < 32 || byte == 127 ? ' ' : byte, file);
  }
}

int cli_output_finish(int code) {
  cli_output_flush();
  if (failure == 0) return code;
  if (failure == EPIPE) return CLI_EXIT_PIPE;
  cli_complain("writing output: %s", strerror(failure));
  return code == CLI_EXIT_DONE ? CLI_EXIT_FILE : code;
}
