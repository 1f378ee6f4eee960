/* SPDX-License-Identifier: MIT */
/* many.c - making a run of each line of a file. See many.h. */
#include "cli/store/many.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text/output.h"
#include "cli/text/progress.h"

enum {
  BATCH_RUNS = 1000,
  BATCH_BYTES = 8 << 20,   /* of inputs, in one transaction */
  LINE_LARGEST = 256 << 20 /* bytes */
};

struct making {
  torpor_store *store;
  const torpor_run_options *options;
  const struct cli_many *many;
  FILE *file;
  char *line;
  size_t line_capacity, line_number;

  torpor_slice inputs[BATCH_RUNS];
  torpor_bytes owned[BATCH_RUNS]; /* what 'inputs' are of */
  size_t batch, bytes;
  size_t made; /* in batches before */
};

static const char *name_of(const struct making *making) {
  return strcmp(making->many->path, "-") == 0 ? "standard input"
                                              : making->many->path;
}

static void free_batch(struct making *making) {
  for (size_t i = 0; i < making->batch; i++)
    torpor_bytes_free(&making->owned[i]);
  making->batch = making->bytes = 0;
}

/* ---- Lines ---------------------------------------------------------------*/

static bool is_empty(const char *line, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (strchr(" \t\r\n", line[i]) == NULL || line[i] == '\0') return false;
  return true;
}

static int refuse_line(const struct making *making, const char *why) {
  cli_complain("%s, line %zu: %s", name_of(making), making->line_number, why);
  return CLI_EXIT_USAGE;
}

static int take_line(struct making *making, size_t size) {
  torpor_bytes *input = &making->owned[making->batch];
  if (is_empty(making->line, size)) return CLI_EXIT_DONE;
  if (size > LINE_LARGEST) return refuse_line(making, "more than 256 MiB");
  torpor_status status = torpor_json_to_cbor(making->line, size, input);
  if (status == TORPOR_NOMEM) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  if (status != TORPOR_OK) return refuse_line(making, torpor_last_error(NULL));
  making->inputs[making->batch++] =
      (torpor_slice){.data = input->data, .size = input->size};
  making->bytes += input->size;
  return CLI_EXIT_DONE;
}

/* Reads lines until a batch is full, or there are no more. */
static int read_batch(struct making *making, bool *ended) {
  int code = CLI_EXIT_DONE;
  while (code == CLI_EXIT_DONE && making->batch < BATCH_RUNS &&
         making->bytes < BATCH_BYTES) {
    errno = 0;
    ssize_t size = getline(&making->line, &making->line_capacity, making->file);
    *ended = size < 0;
    if (*ended) break;
    making->line_number++;
    code = take_line(making, (size_t)size);
  }
  if (code != CLI_EXIT_DONE || !*ended || feof(making->file)) return code;
  cli_complain("%s cannot be read: %s", name_of(making), strerror(errno));
  return CLI_EXIT_FILE;
}

/* ---- Batches -------------------------------------------------------------*/

static int make_batch(struct making *making) {
  torpor_run_batch batch = TORPOR_RUN_BATCH_INIT;
  if (making->batch == 0) return CLI_EXIT_DONE;
  batch.inputs = making->inputs;
  batch.count = making->batch;
  batch.first = making->made + 1;
  torpor_status status =
      torpor_run_add_many(making->store, making->options, &batch,
                          making->many->made, making->many->user);
  if (status == TORPOR_OK) making->made += making->batch;
  int code = cli_store_check(making->store, status);
  return status == TORPOR_NOT_FOUND ? CLI_EXIT_FILE : code; /* a module */
}

static void tell_what_is_there(const struct making *making) {
  if (making->made == 0)
    cli_complain("no run was made");
  else
    cli_complain(
        "%zu runs were made, of the lines before; of this one and "
        "those behind it none was",
        making->made);
}

static int make_all(struct making *making) {
  bool ended = false;
  int code = CLI_EXIT_DONE;
  while (code == CLI_EXIT_DONE && !ended) {
    code = read_batch(making, &ended);
    if (code == CLI_EXIT_DONE) code = make_batch(making);
    free_batch(making);
    cli_progress_count(making->made, 0, "runs");
  }
  if (code != CLI_EXIT_DONE) tell_what_is_there(making);
  return code;
}

int cli_many_make(torpor_store *store, const torpor_run_options *options,
                  const struct cli_many *many, size_t *count) {
  bool standard = strcmp(many->path, "-") == 0;
  struct making *making = calloc(1, sizeof(*making));
  *count = 0;
  if (making == NULL) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  making->store = store;
  making->options = options;
  making->many = many;
  making->file = standard ? stdin : fopen(many->path, "re");
  int code = CLI_EXIT_FILE;
  if (making->file == NULL) {
    cli_complain("'%s' cannot be read: %s", many->path, strerror(errno));
  } else {
    cli_progress("making runs of", name_of(making));
    code = make_all(making);
    if (!standard) fclose(making->file);
  }
  *count = making->made;
  free(making->line);
  free(making);
  return code;
}
