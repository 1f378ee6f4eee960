/* SPDX-License-Identifier: MIT */
/* output.c - what a program says, on standard output and standard error.
 *
 * Standard output is buffered when it is no terminal; it is passed on before
 * anything goes to standard error, so that both together read in order, and
 * before the program waits.
 *
 *  (1) A reader that went away (SIGPIPE is ignored) is no error of the program:
 *      it ends silently with its own exit code.
 *  (2) Any other failure is said once, at the end.
 *  (3) But for the lines of a program's own console, nothing of a program, a
 *      file or a store steers the terminal: cli_print takes what it is given as
 *      plain text. The other files of cli/ print by it alone, and JSON by
 *      json.c; tools/check-text sees to that. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/exit.h"
#include "cli/text/output.h"
#include "cli/text/utf8.h"

static const char *speaker = "torpor";
static int failure; /* errno of the first write that failed */
static void (*called_before)(void);

/* Opens what stands for a stream that was closed: reading and writing it fail
 * as before. */
static int open_stand_in(int stream) {
  int way = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
  int fd = open("/dev/null", way);
  return fd >= 0 ? fd : open("/", O_RDONLY | O_DIRECTORY);
}

void cli_output_prepare(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  for (int stream = 0; stream <= STDERR_FILENO; stream++)
    if (fcntl(stream, F_GETFD) < 0 && errno == EBADF &&
        open_stand_in(stream) != stream)
      _exit(CLI_EXIT_HOST);
}

static bool note_failure(bool good) {
  if (!good && failure == 0) failure = errno != 0 ? errno : EIO;
  return failure == 0;
}

void cli_output_before(void (*before)(void)) {
  called_before = before;
}

void cli_output_begin(void) {
  void (*before)(void) = called_before;
  called_before = NULL;
  if (before != NULL) before();
}

bool cli_output_flush(void) {
  errno = 0;
  return note_failure(fflush(stdout) == 0);
}

/* ---- Colours -------------------------------------------------------------*/

enum { COLORS_ALL = TORPOR_COLORS_OUT | TORPOR_COLORS_ERROR };

static const char *color_when = "auto";
static bool colors_known;
static unsigned colors; /* where they are, if that is known */

void cli_output_color(const char *when) {
  color_when = when;
  colors_known = false;
}

static bool is_set(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0';
}

/* What the environment asks for, as 'when'. */
static const char *read_environment(void) {
  const char *term = getenv("TERM");
  if (is_set("NO_COLOR")) return "never";
  if (is_set("FORCE_COLOR")) {
    const char *force = getenv("FORCE_COLOR");
    bool off = strcmp(force, "0") == 0 || strcmp(force, "false") == 0;
    return off ? "never" : "always";
  }
  return term == NULL || strcmp(term, "dumb") == 0 ? "never" : "auto";
}

static unsigned find_colors(void) {
  const char *when = color_when;
  if (strcmp(when, "auto") == 0) when = read_environment();
  if (strcmp(when, "never") == 0) return 0;
  if (strcmp(when, "always") == 0) return COLORS_ALL;
  return (isatty(STDOUT_FILENO) ? TORPOR_COLORS_OUT : 0u) |
         (isatty(STDERR_FILENO) ? TORPOR_COLORS_ERROR : 0u);
}

unsigned cli_output_colors(void) {
  if (!colors_known) colors = find_colors();
  colors_known = true;
  return colors;
}

void cli_output_style(FILE *file, enum cli_style style) {
  static const char *const codes[] = {
      [CLI_STYLE_PLAIN] = "0",  [CLI_STYLE_HEADING] = "1",
      [CLI_STYLE_ERROR] = "31", [CLI_STYLE_GOOD] = "32",
      [CLI_STYLE_BUSY] = "36",  [CLI_STYLE_FAINT] = "2"};
  unsigned where = file == stdout ? TORPOR_COLORS_OUT : TORPOR_COLORS_ERROR;
  if (cli_output_colors() & where) fprintf(file, "\033[%sm", codes[style]);
}

/* ---- What programs write -------------------------------------------------*/

bool cli_output_line(torpor_level level, const char *text, size_t size) {
  FILE *file = stdout;
  cli_output_begin();
  if (level >= TORPOR_LEVEL_WARN) {
    cli_output_flush();
    file = stderr;
  }
  errno = 0;
  bool good = fwrite(text, 1, size, file) == size && fputc('\n', file) != EOF;
  return note_failure(good);
}

bool cli_output_bytes(int stream, const void *data, size_t size) {
  FILE *file = stream == 1 ? stdout : stderr;
  cli_output_begin();
  if (file == stderr) cli_output_flush();
  errno = 0;
  return note_failure(fwrite(data, 1, size, file) == size);
}

/* ---- What the command says -----------------------------------------------*/

static void write_plain(FILE *file, const char *text, size_t size) {
  while (size > 0) {
    struct cli_character next = cli_utf8_read(text, size);
    if (!next.valid)
      fputc('?', file);
    else if (next.control || next.turns)
      fputc(' ', file);
    else
      fwrite(text, 1, next.size, file);
    text += next.size;
    size -= next.size;
  }
}

void cli_output_plain(FILE *file, const char *text) {
  write_plain(file, text, strlen(text));
}

size_t cli_output_cut(FILE *file, const char *text, size_t size, size_t most) {
  static const char dots[] = "...";
  size_t columns = cli_utf8_columns(text, size);
  if (columns <= most) {
    write_plain(file, text, size);
    return columns;
  }
  size_t dotted = most < 3 ? most : 3;
  size_t shown = cli_utf8_fit(text, size, most - dotted);
  write_plain(file, text, shown);
  fwrite(dots, 1, dotted, file);
  return cli_utf8_columns(text, shown) + dotted;
}

size_t cli_output_width(FILE *file) {
  struct winsize size;
  int number = fileno(file);
  if (!isatty(number) || ioctl(number, TIOCGWINSZ, &size) != 0 ||
      size.ws_col == 0)
    return SIZE_MAX;
  return size.ws_col;
}

/* The text that 'format' and 'list' make: in 'small' if it fits, else from
 * malloc; cut off where memory runs out. */
static char *make_text(char *small, size_t room, const char *format,
                       va_list list) {
  va_list again;
  va_copy(again, list);
  int size = vsnprintf(small, room, format, list);
  char *text =
      size < 0 || (size_t)size < room ? NULL : malloc((size_t)size + 1);
  if (text != NULL) vsnprintf(text, (size_t)size + 1, format, again);
  va_end(again);
  return text != NULL ? text : small;
}

/* How many newlines 'format', of 'size' bytes, ends with. */
static size_t count_newlines(const char *format, size_t size) {
  size_t count = 0;
  while (count < size && format[size - count - 1] == '\n') count++;
  return count;
}

static void print_list(FILE *file, const char *format, va_list list) {
  char small[1024];
  cli_output_begin();
  char *text = make_text(small, sizeof(small), format, list);
  size_t before = strspn(format, "\n"), size = strlen(text);
  size_t after = count_newlines(format + before, strlen(format + before));
  if (size < before + after) before = after = 0; /* it was cut off */
  fwrite(text, 1, before, file);
  write_plain(file, text + before, size - before - after);
  fwrite(text + size - after, 1, after, file);
  if (text != small) free(text);
}

void cli_print(FILE *file, const char *format, ...) {
  va_list list;
  va_start(list, format);
  print_list(file, format, list);
  va_end(list);
}

void cli_output_speaker(const char *name) {
  speaker = name;
}

void cli_complain(const char *format, ...) {
  va_list list;
  cli_output_begin();
  fflush(stdout);
  cli_output_style(stderr, CLI_STYLE_ERROR);
  write_plain(stderr, speaker, strlen(speaker));
  fputc(':', stderr);
  cli_output_style(stderr, CLI_STYLE_PLAIN);
  fputc(' ', stderr);
  va_start(list, format);
  print_list(stderr, format, list);
  va_end(list);
  fputc('\n', stderr);
}

int cli_output_finish(int code) {
  cli_output_begin();
  cli_output_flush();
  if (failure == 0) return code;
  if (failure == EPIPE) return CLI_EXIT_PIPE;
  cli_complain("writing output: %s", strerror(failure));
  return code == CLI_EXIT_DONE ? CLI_EXIT_FILE : code;
}
