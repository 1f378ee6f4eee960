/* SPDX-License-Identifier: MIT */
/* held.c - what an executable holds: the bundle behind its end, or among its
 * data. Nothing of it runs. */
#define _GNU_SOURCE
#include "cli/executable/held.h"

#include <stdlib.h>
#include <string.h>

#include "cli/program/bundle.h"
#include "cli/program/payload.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/whole.h"

static void print_list(const struct cli_bundle *bundle,
                       enum cli_entry_kind kind, const char *label,
                       const char *unit) {
  size_t count;
  const struct cli_entry *entries = cli_bundle_list(bundle, kind, &count);
  for (size_t i = 0; i < count; i++) {
    cli_print(stdout, "%-9s %s", label, entries[i].name);
    if (unit != NULL)
      cli_print(stdout, " (%zu bytes%s)", entries[i].size, unit);
    cli_print(stdout, "\n");
  }
}

static void print_bundle(const struct cli_bundle *bundle) {
  const struct cli_entry *main =
      cli_bundle_find(bundle, CLI_ENTRY_ABOUT, "main");
  size_t options;
  cli_print(stdout, "torpor    %s\n", bundle->version);
  cli_print(stdout, "engine    %s\n", bundle->engine);
  cli_print(stdout, "main      %.*s\n", main == NULL ? 0 : (int)main->size,
            main == NULL ? "" : (const char *)main->data);
  print_list(bundle, CLI_ENTRY_OPTION, "option", NULL);
  if (cli_bundle_list(bundle, CLI_ENTRY_OPTION, &options) == NULL)
    cli_print(stdout, "option    none: it may touch nothing\n");
  print_list(bundle, CLI_ENTRY_CODE, "module", " of bytecode");
  print_list(bundle, CLI_ENTRY_DATA, "file", "");
  print_list(bundle, CLI_ENTRY_EXTERN, "C module", NULL);
  const struct cli_entry *asleep = cli_bundle_find(bundle, CLI_ENTRY_SLEEP, "");
  if (asleep != NULL) cli_print(stdout, "asleep    %zu bytes\n", asleep->size);
}

/* ---- As JSON -------------------------------------------------------------*/

/* An array of names, or of objects with name and size. */
static void write_list(const struct cli_bundle *bundle,
                       enum cli_entry_kind kind, const char *label,
                       bool sizes) {
  size_t count;
  const struct cli_entry *entries = cli_bundle_list(bundle, kind, &count);
  cli_json_open(label, '[');
  for (size_t i = 0; i < count; i++) {
    if (sizes) {
      cli_json_open(NULL, '{');
      cli_json_text("name", entries[i].name);
      cli_json_number("bytes", (int64_t)entries[i].size);
      cli_json_close('}');
    } else {
      cli_json_text(NULL, entries[i].name);
    }
  }
  cli_json_close(']');
}

static void write_bundle(const struct cli_bundle *bundle) {
  const struct cli_entry *main =
      cli_bundle_find(bundle, CLI_ENTRY_ABOUT, "main");
  const struct cli_entry *asleep = cli_bundle_find(bundle, CLI_ENTRY_SLEEP, "");
  cli_json_open(NULL, '{');
  cli_json_text("torpor", bundle->version);
  cli_json_text("engine", bundle->engine);
  cli_json_string("main", main == NULL ? "" : (const char *)main->data,
                  main == NULL ? 0 : main->size);
  write_list(bundle, CLI_ENTRY_OPTION, "options", false);
  write_list(bundle, CLI_ENTRY_CODE, "modules", true);
  write_list(bundle, CLI_ENTRY_DATA, "files", true);
  write_list(bundle, CLI_ENTRY_EXTERN, "c_modules", false);
  cli_json_number("asleep_bytes", asleep == NULL ? 0 : (int64_t)asleep->size);
  cli_json_close('}');
}

/* ---- Finding it ----------------------------------------------------------*/

/* Looks for a bundle among the bytes of an executable that was linked. */
static const char *find_linked(const torpor_bytes *file,
                               struct cli_bundle *bundle, char words[160]) {
  const uint8_t *at = file->data, *end = at + file->size;
  const char *wrong = "holds no program of 'torpor build'";
  while ((at = memmem(at, (size_t)(end - at), CLI_BUNDLE_MAGIC, 8)) != NULL) {
    uint64_t size = 0, left = (uint64_t)(end - at);
    for (size_t i = 0; i < 8 && left >= CLI_BUNDLE_HEAD; i++)
      size |= (uint64_t)at[16 + i] << 8 * i;
    if (size >= CLI_BUNDLE_HEAD && size <= left) {
      wrong = cli_bundle_open(bundle, at, size, words);
      if (wrong == NULL) return NULL;
    }
    at += 8;
  }
  return wrong;
}

int cli_held_show(const char *path, bool json) {
  torpor_bytes payload, file = {NULL, 0};
  struct cli_bundle bundle = {0};
  char words[160];
  const char *wrong;
  int code = CLI_EXIT_DONE;
  enum cli_payload found = cli_payload_read(path, &payload, &wrong);
  if (found == CLI_PAYLOAD_FOUND) {
    wrong = cli_bundle_open(&bundle, payload.data, payload.size, words);
  } else if (found == CLI_PAYLOAD_NONE) {
    code = cli_whole_read(path, &file);
    if (code == CLI_EXIT_DONE) wrong = find_linked(&file, &bundle, words);
  }
  if (code == CLI_EXIT_DONE && wrong != NULL) {
    cli_complain("'%s': %s%s", path,
                 found == CLI_PAYLOAD_DAMAGED ? "" : "the program in it ",
                 wrong);
    code = CLI_EXIT_FILE;
  }
  if (code == CLI_EXIT_DONE) (json ? write_bundle : print_bundle)(&bundle);
  cli_bundle_close(&bundle);
  torpor_bytes_free(&payload);
  torpor_bytes_free(&file);
  return code;
}
