/* SPDX-License-Identifier: MIT */
/* import.c - torpor import FILE: a run of what 'torpor export' wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/program/sandbox.h"
#include "cli/store/store.h"
#include "cli/text/json.h"
#include "cli/text/key.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"
#include "cli/text/whole.h"

struct import_settings {
  const char *id;
  const char *file_key;
  struct cli_keep keep, keep_lines;
  bool json, make_extensions;
  struct cli_store store;
  struct cli_sandbox sandbox;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct import_settings, id, "id", 0, CLI_TEXT, "ID",
               "the run's id (the one it had)"),
    CLI_OPTION(struct import_settings, keep, "keep", 0, CLI_KEEP, "N|all",
               "how many of its states stay (10)"),
    CLI_KEEP_LINES_OPTION(struct import_settings, keep_lines),
    CLI_GRANT_OPTIONS(struct import_settings, sandbox),
    CLI_OPTION(struct import_settings, make_extensions, "make-extensions", 0,
               CLI_FLAG, NULL,
               "make native code, where it is missing, of the extensions that "
               "FILE brings"),
    CLI_OPTION(struct import_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object"),
    CLI_STORE_OPTION(struct import_settings, store),
    CLI_KEY_OPTION(struct import_settings, store),
    CLI_OPTION(struct import_settings, file_key, "file-key", 0, CLI_PATH,
               "PATH", "the key that FILE is protected with"),
    {0},
};

/* Replaces a protected file by what is in it. '*owned' is the library's. */
static int unprotect(const struct import_settings *settings, const char *name,
                     const torpor_bytes *file, torpor_bytes *owned) {
  uint8_t key[TORPOR_KEY_SIZE];
  if (settings->file_key == NULL) {
    cli_complain("'%s' is protected; give its key with --file-key", name);
    return CLI_EXIT_USAGE;
  }
  int code = cli_key_read(settings->file_key, key);
  if (code != CLI_EXIT_DONE) return code;
  torpor_status status =
      torpor_snapshot_unprotect(file->data, file->size, key, "", 0, owned);
  explicit_bzero(key, sizeof(key));
  if (status != TORPOR_OK)
    cli_complain("'%s': %s", name, torpor_last_error(NULL));
  return cli_store_code(status);
}

/* Makes the run of 'bytes'; 'id' receives its id. */
static int add_run(torpor_store *store, const struct import_settings *settings,
                   const torpor_bytes *bytes, char *id) {
  torpor_run_import_options with = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  torpor_bytes grants = {NULL, 0};
  int code = cli_store_keep(&settings->keep);
  if (code == CLI_EXIT_DONE) code = cli_store_keep_lines(&settings->keep_lines);
  if (code == CLI_EXIT_DONE)
    code = cli_sandbox_grants(&settings->sandbox, &grants);
  if (code == CLI_EXIT_DONE) {
    with.id = settings->id;
    with.access = (const char *)grants.data;
    with.make_extensions = settings->make_extensions;
    with.keep = settings->keep.states;
    with.keep_lines = settings->keep_lines.states;
    torpor_status status =
        torpor_run_import(store, bytes->data, bytes->size, &with, id);
    code = cli_store_check(store, status);
    if (status == TORPOR_EXTENSION && !with.make_extensions)
      cli_complain(
          "--make-extensions makes native code of the extensions that "
          "the file brings");
  }
  torpor_bytes_free(&grants);
  return code;
}

static void print_made(const char *id, bool json) {
  if (!json) {
    cli_print(stdout, "%s\n", id);
    return;
  }
  cli_json_open(NULL, '{');
  cli_json_text("run", id);
  cli_json_close('}');
}

static int import_bytes(const struct import_settings *settings,
                        const torpor_bytes *bytes) {
  char id[TORPOR_RUN_ID_SIZE];
  torpor_store *store;
  int code = cli_store_open(&settings->store, CLI_STORE_MAKE, &store);
  if (code != CLI_EXIT_DONE) return code;
  code = add_run(store, settings, bytes, id);
  if (code == CLI_EXIT_DONE) print_made(id, settings->json);
  torpor_store_close(store);
  return code;
}

static int run(const struct cli_call *call) {
  const struct import_settings *settings = call->settings;
  const char *name = call->arguments[0];
  torpor_bytes file, owned = {NULL, 0};
  cli_progress("importing", name);
  int code = cli_whole_read(name, &file);
  if (code != CLI_EXIT_DONE) return code;
  bool protected = torpor_snapshot_is_protected(file.data, file.size);
  if (protected) code = unprotect(settings, name, &file, &owned);
  if (code == CLI_EXIT_DONE)
    code = import_bytes(settings, protected ? &owned : &file);
  torpor_bytes_free(&owned);
  free(file.data);
  return code;
}

const struct cli_command cli_import = {
    .name = "import",
    .group = CLI_GROUP_CARRY,
    .arguments = "FILE",
    .summary = "make a run of a file that 'torpor export' wrote",
    .details =
        "FILE may be '-', standard input. Prints the run's id; 'torpor\n"
        "resume' or 'torpor worker' drives it. It has no access but what the\n"
        "options here allow, whatever it had where it came from.",
    .examples =
        "torpor import order-1.snap --id copy-1\n"
        "torpor export order-1 | torpor import - --id copy-2\n",
    .options = options,
    .settings_size = sizeof(struct import_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
