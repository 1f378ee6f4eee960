/* SPDX-License-Identifier: MIT */
/* bundle-make.c - a program as a bundle, from its files. */
#include "cli/executable/bundle-make.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/options/words.h"
#include "cli/program/program.h"
#include "cli/program/standalone.h"
#include "cli/text/output.h"

static int complain_memory(void) {
  cli_complain("out of memory");
  return CLI_EXIT_HOST;
}

static bool add_about(struct cli_draft *draft, const char *name,
                      const char *text) {
  return cli_draft_add(draft, CLI_ENTRY_ABOUT, name, text, strlen(text));
}

/* cli_word_fn */
static bool add_option(void *user, const char *word) {
  return cli_draft_add(user, CLI_ENTRY_OPTION, word, NULL, 0);
}

/* What is not in the modules. */
static int add_settings(const struct cli_making *making,
                        struct cli_draft *draft) {
  const struct cli_standalone_settings settings = {*making->sandbox};
  char stack[24];
  snprintf(stack, sizeof(stack), "%" PRIu64, making->stack);
  bool added =
      add_about(draft, "torpor", torpor_version()) &&
      (making->stack == 0 || add_about(draft, "stack", stack)) &&
      cli_words_each(cli_standalone_kept, &settings, add_option, draft);
  return added ? CLI_EXIT_DONE : complain_memory();
}

static int write_draft(struct cli_draft *draft, torpor_bytes *out) {
  torpor_status status = cli_draft_write(draft, out);
  if (status == TORPOR_NOMEM) return complain_memory();
  if (status == TORPOR_OK) return CLI_EXIT_DONE;
  cli_complain("the program is too large: an executable holds 2 GB of it");
  return CLI_EXIT_FILE;
}

/* Starts what the draft has, in a VM as the executable will have it, and puts
 * it to sleep. */
static int sleep_draft(const struct cli_making *making, struct cli_draft *draft,
                       torpor_bytes *snapshot, torpor_token *token) {
  torpor_bytes bytes;
  struct cli_bundle bundle;
  char words[160];
  int code = write_draft(draft, &bytes);
  if (code != CLI_EXIT_DONE) return code;
  const char *wrong = cli_bundle_open(&bundle, bytes.data, bytes.size, words);
  if (wrong != NULL) {
    cli_complain("the program %s", wrong);
    code = CLI_EXIT_HOST;
  } else {
    const struct cli_program_settings program = {.bundle = &bundle,
                                                 .sandbox = making->sandbox};
    code = cli_program_sleep(&program, snapshot, token);
    cli_bundle_close(&bundle);
  }
  torpor_bytes_free(&bytes);
  return code;
}

static int add_snapshot(const struct cli_making *making,
                        struct cli_draft *draft) {
  torpor_bytes snapshot = {NULL, 0};
  torpor_token token = 0;
  char text[24];
  int code = sleep_draft(making, draft, &snapshot, &token);
  snprintf(text, sizeof(text), "%" PRIu32, token);
  if (code == CLI_EXIT_DONE && (!cli_draft_add(draft, CLI_ENTRY_SLEEP, "",
                                               snapshot.data, snapshot.size) ||
                                !add_about(draft, "token", text)))
    code = complain_memory();
  torpor_bytes_free(&snapshot);
  return code;
}

int cli_bundle_make(const struct cli_making *making, torpor_bytes *out) {
  struct cli_draft draft = {0};
  int code = cli_graph_read(&making->graph, &draft);
  if (code == CLI_EXIT_DONE) code = add_settings(making, &draft);
  if (code == CLI_EXIT_DONE && making->snapshot)
    code = add_snapshot(making, &draft);
  if (code == CLI_EXIT_DONE) code = write_draft(&draft, out);
  cli_draft_free(&draft);
  return code;
}
