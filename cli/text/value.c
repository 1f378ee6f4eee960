/* SPDX-License-Identifier: MIT */
/* value.c - a value for a program, as a command line gives it. See value.h.
 *
 * A file may be anything that ends: also a pipe, as "@<(command)" of a shell
 * names one, but none that nobody writes to, which would be waited for without
 * end. */
#include "cli/text/value.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/text/amount.h"
#include "cli/text/output.h"
#include "common/buffer.h"
#include "common/cbor.h"
#include "common/file.h"
#include "common/utf8.h"

/* What is read, and from where. */
struct source {
  const struct cli_value *value;
  const char *name; /* for messages; a file's is in quotes */
  const char *quote;
  struct torpor__file_bytes file; /* owned; empty if the word is the value */
  const char *data;
  size_t size;
};

static int fail(const struct source *source, enum cli_exit code,
                const char *wrong, const char *more) {
  cli_complain("%s%s%s %s%s", source->quote, source->name, source->quote, wrong,
               more);
  return code;
}

/* ---- Files ---------------------------------------------------------------*/

/* Whether 'file', at whose end we are, is a pipe that had no writer. */
static bool is_abandoned(int file) {
  struct stat found;
  struct pollfd events = {.fd = file, .events = POLLIN};
  return fstat(file, &found) == 0 && S_ISFIFO(found.st_mode) &&
         poll(&events, 1, 0) == 0;
}

static int fail_read(const struct source *source, int failure) {
  char size[CLI_AMOUNT_SIZE];
  if (failure != TORPOR__FILE_LARGE)
    return fail(source, CLI_EXIT_FILE, "cannot be read: ", strerror(-failure));
  return fail(source, CLI_EXIT_USAGE, "is too large: at most ",
              cli_amount_bytes(source->value->largest, size));
}

static int read_from(struct source *source, int file) {
  int failure =
      torpor__file_read(file, source->value->largest, NULL, &source->file);
  source->data = (const char *)source->file.data;
  source->size = source->file.size;
  return failure == 0 ? CLI_EXIT_DONE : fail_read(source, failure);
}

/* Opened without waiting for a writer, then read with waiting for what one
 * writes. */
static int read_file(struct source *source, const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return fail_read(source, -errno);
  fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK);
  int code = read_from(source, file);
  if (code == CLI_EXIT_DONE && source->size == 0 && is_abandoned(file))
    code = fail(source, CLI_EXIT_FILE, "is a pipe that nobody writes to", "");
  close(file);
  return code;
}

static int read_source(struct source *source, const char *word) {
  if (strcmp(word, "-") == 0) {
    source->name = "standard input";
    return read_from(source, STDIN_FILENO);
  }
  if (word[0] == '@' && word[1] == '\0') {
    cli_complain("'@' names no file; say @FILE, or @@ for a text '@'");
    return CLI_EXIT_USAGE;
  }
  if (word[0] == '@' && word[1] != '@') {
    source->name = word + 1;
    source->quote = "'";
    return read_file(source, word + 1);
  }
  source->data = word[0] == '@' ? word + 1 : word;
  source->size = strlen(source->data);
  return CLI_EXIT_DONE;
}

/* ---- What it holds -------------------------------------------------------*/

static int take_text(const struct source *source, torpor_bytes *out) {
  torpor__buffer writer = {0};
  if (!torpor__utf8_valid(source->data, source->size))
    return fail(source, CLI_EXIT_USAGE, "is not UTF-8, as a text has to be",
                "");
  torpor__cbor_bytes(&writer, TORPOR__CBOR_TEXT, source->data, source->size);
  if (torpor__buffer_finish(&writer, out) == TORPOR_OK) return CLI_EXIT_DONE;
  cli_complain("out of memory");
  return CLI_EXIT_HOST;
}

static int take_json(const struct source *source, torpor_bytes *out) {
  static const char mark[] = "\xef\xbb\xbf"; /* of the byte order */
  const char *json = source->data;
  size_t size = source->size;
  if (size == 0)
    return fail(source, CLI_EXIT_USAGE, "is empty, and that is no JSON", "");
  if (size >= 3 && memcmp(json, mark, 3) == 0) json += 3, size -= 3;
  torpor_status status = torpor_json_to_cbor(json, size, out);
  if (status == TORPOR_OK) return CLI_EXIT_DONE;
  if (status == TORPOR_FORMAT)
    cli_complain("%s%s%s is %s; with --text a text needs no quotes",
                 source->quote, source->name, source->quote,
                 torpor_last_error(NULL));
  else
    fail(source, CLI_EXIT_USAGE, "cannot be taken: ", torpor_last_error(NULL));
  return status == TORPOR_NOMEM ? CLI_EXIT_HOST : CLI_EXIT_USAGE;
}

int cli_value_read(const char *word, const struct cli_value *value,
                   torpor_bytes *out) {
  struct source source = {.value = value, .name = value->what, .quote = ""};
  int code = read_source(&source, word);
  if (code == CLI_EXIT_DONE)
    code = (value->text ? take_text : take_json)(&source, out);
  free(source.file.data);
  return code;
}
