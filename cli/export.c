/* SPDX-License-Identifier: MIT */
/* export.c - torpor export ID > FILE: a run's state, to take elsewhere. */
#include <string.h>

#include "cli/snapshot/snapshot.h"
#include "cli/text/key.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"
#include "cli/text/whole.h"

struct export_settings {
  const char *step, *output, *encrypt, *authenticate;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct export_settings, step, "step", 0, CLI_TEXT, "STEP",
               "a state that the run keeps (the newest)"),
    CLI_OPTION(struct export_settings, output, "output", 'o', CLI_PATH, "FILE",
               "write to FILE, whole or not at all"),
    CLI_STORE_OPTION(struct export_settings, store),
    CLI_KEY_OPTION(struct export_settings, store),
    CLI_OPTION(struct export_settings, encrypt, "encrypt", 0, CLI_PATH, "PATH",
               "encrypt what is written with the key in the file PATH"),
    CLI_OPTION(struct export_settings, authenticate, "authenticate", 0,
               CLI_PATH, "PATH",
               "the same, but leave it readable: only tampering is detected"),
    {0},
};

/* Puts 'bytes' under the key that the settings name, if they do. */
static int protect(const struct export_settings *settings,
                   torpor_bytes *bytes) {
  uint8_t key[TORPOR_KEY_SIZE];
  torpor_bytes safe = {NULL, 0};
  const char *path = settings->encrypt;
  torpor_protection how = TORPOR_ENCRYPT;
  if (path == NULL) {
    path = settings->authenticate;
    how = TORPOR_AUTHENTICATE;
  }
  if (path == NULL) return CLI_EXIT_DONE;
  int code = cli_key_read(path, key);
  if (code != CLI_EXIT_DONE) return code;
  torpor_status status =
      torpor_snapshot_protect(bytes->data, bytes->size, key, how, "", 0, &safe);
  explicit_bzero(key, sizeof(key));
  if (status != TORPOR_OK) cli_complain("%s", torpor_last_error(NULL));
  torpor_bytes_free(bytes);
  *bytes = safe;
  return cli_store_code(status);
}

static int run(const struct cli_call *call) {
  const struct export_settings *settings = call->settings;
  char id[TORPOR_RUN_ID_SIZE];
  torpor_bytes bytes = {NULL, 0};
  torpor_store *store;
  int64_t step;
  if (settings->encrypt != NULL && settings->authenticate != NULL) {
    cli_complain("give --encrypt or --authenticate, not both");
    return CLI_EXIT_USAGE;
  }
  int code = cli_whole_check(settings->output);
  if (code == CLI_EXIT_DONE)
    code = cli_snapshot_state(call->arguments[0], settings->step, id, &step);
  if (code == CLI_EXIT_DONE)
    code = cli_store_open(&settings->store, CLI_STORE_LOOK, &store);
  if (code != CLI_EXIT_DONE) return code;
  cli_progress("exporting", id);
  code = cli_store_check_run(store, torpor_run_export(store, id, step, &bytes),
                             id);
  torpor_store_close(store);
  if (code == CLI_EXIT_DONE) code = protect(settings, &bytes);
  if (code == CLI_EXIT_DONE) code = cli_whole_write(settings->output, &bytes);
  torpor_bytes_free(&bytes);
  return code;
}

const struct cli_command cli_export = {
    .name = "export",
    .group = CLI_GROUP_CARRY,
    .arguments = "ID",
    .summary = "write a run's state to a file, to take it elsewhere",
    .details =
        "To standard output, which must not be a terminal; ID@STEP is an\n"
        "earlier state. The file holds the\n"
        "program, its input, its state and what it waits for: 'torpor import'\n"
        "makes a run of it, anywhere. The run itself stays as it is.",
    .examples =
        "torpor export order-1 -o order-1.snap\n"
        "torpor export order-1@1 -o before.snap\n",
    .options = options,
    .settings_size = sizeof(struct export_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
