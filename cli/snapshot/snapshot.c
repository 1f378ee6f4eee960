/* SPDX-License-Identifier: MIT */
/* snapshot.c - a snapshot that a command was given. See snapshot.h.
 *
 * What a file holds is hostile: it is read by the library, which checks it, and
 * its VM gets no access, no console, no modules and little time.
 *
 * Runs on the main thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/snapshot/snapshot.h"
#include "cli/text/key.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"
#include "cli/text/whole.h"

/* ---- What is meant -------------------------------------------------------*/

int cli_snapshot_step(const char *text, int64_t *out) {
  char *end;
  *out = -1;
  if (text == NULL) return CLI_EXIT_DONE;
  size_t size = strlen(text);
  if (size > 0 && size <= 18 && strspn(text, "0123456789") == size) {
    *out = strtoll(text, &end, 10);
    return CLI_EXIT_DONE;
  }
  cli_complain("a step is a number, not '%s'", text);
  return CLI_EXIT_USAGE;
}

int cli_snapshot_state(const char *argument, const char *step,
                       char id[TORPOR_RUN_ID_SIZE], int64_t *out) {
  size_t size = strcspn(argument, "@");
  if (size >= TORPOR_RUN_ID_SIZE) {
    cli_complain("no run has so long an id as '%s'", argument);
    return CLI_EXIT_NOT_FOUND;
  }
  memcpy(id, argument, size);
  id[size] = '\0';
  if (argument[size] == '\0') return cli_snapshot_step(step, out);
  if (step != NULL) {
    cli_complain("'%s' names a step, and '%s' is another", argument, step);
    return CLI_EXIT_USAGE;
  }
  return cli_snapshot_step(argument + size + 1, out);
}

static bool is_file(const char *argument) {
  return strcmp(argument, "-") == 0 || strchr(argument, '/') != NULL ||
         access(argument, F_OK) == 0;
}

/* ---- Reading -------------------------------------------------------------*/

static int fail_read(const struct cli_snapshot *snapshot,
                     torpor_status status) {
  cli_complain("'%s': %s", snapshot->name, torpor_last_error(NULL));
  return cli_store_code(status);
}

/* Opens what protects it, if anything does. */
static int unprotect(const struct cli_store *settings,
                     struct cli_snapshot *snapshot) {
  uint8_t key[TORPOR_KEY_SIZE];
  if (!torpor_snapshot_is_protected(snapshot->data, snapshot->data_size))
    return CLI_EXIT_DONE;
  snapshot->protected = true;
  if (settings->key_file == NULL) {
    cli_complain("'%s' is protected; give its key with --key-file",
                 snapshot->name);
    return CLI_EXIT_USAGE;
  }
  int code = cli_key_read(settings->key_file, key);
  if (code != CLI_EXIT_DONE) return code;
  torpor_status status = torpor_snapshot_unprotect(
      snapshot->data, snapshot->data_size, key, "", 0, &snapshot->owned);
  explicit_bzero(key, sizeof(key));
  if (status != TORPOR_OK) return fail_read(snapshot, status);
  snapshot->data = snapshot->owned.data;
  snapshot->data_size = snapshot->owned.size;
  return CLI_EXIT_DONE;
}

static int read_file(const struct cli_store *settings,
                     struct cli_snapshot *snapshot) {
  torpor_bytes bytes;
  int code = cli_whole_read(snapshot->name, &bytes);
  if (code != CLI_EXIT_DONE) return code;
  snapshot->file = bytes.data;
  snapshot->data = bytes.data;
  snapshot->size = snapshot->data_size = bytes.size;
  return unprotect(settings, snapshot);
}

/* torpor_run_step_fn: the last one is the newest. */
static bool take_step(void *user, const torpor_run_step *step) {
  *(int64_t *)user = step->step;
  return true;
}

static int read_state(const struct cli_store *settings, const char *step,
                      struct cli_snapshot *snapshot) {
  int code =
      cli_snapshot_state(snapshot->name, step, snapshot->id, &snapshot->step);
  if (code == CLI_EXIT_DONE)
    code = cli_store_open(settings, CLI_STORE_LOOK, &snapshot->store);
  if (code != CLI_EXIT_DONE) return code;
  torpor_store *store = snapshot->store;
  torpor_status status = TORPOR_OK;
  if (snapshot->step < 0)
    status = torpor_run_steps(store, snapshot->id, take_step, &snapshot->step);
  if (status == TORPOR_OK)
    status = torpor_run_snapshot(store, snapshot->id, snapshot->step,
                                 &snapshot->owned);
  snapshot->data = snapshot->owned.data;
  snapshot->size = snapshot->data_size = snapshot->owned.size;
  return cli_store_check_run(store, status, snapshot->id);
}

int cli_snapshot_open(const struct cli_snapshot_settings *settings,
                      const char *argument, const char *step,
                      struct cli_snapshot *out) {
  *out = (struct cli_snapshot){.name = argument, .step = -1};
  cli_progress("looking into", argument);
  bool file = is_file(argument);
  if (file && step != NULL) {
    cli_complain("--step is for runs, and '%s' is a file", argument);
    return CLI_EXIT_USAGE;
  }
  int code = file ? read_file(&settings->store, out)
                  : read_state(&settings->store, step, out);
  if (code == CLI_EXIT_DONE) {
    out->info.size = sizeof(out->info);
    torpor_status status = torpor_snapshot_read(out->data, out->data_size,
                                                &out->info, &out->operations);
    if (status != TORPOR_OK) code = fail_read(out, status);
  }
  if (code != CLI_EXIT_DONE) cli_snapshot_close(out);
  return code;
}

void cli_snapshot_close(struct cli_snapshot *snapshot) {
  torpor_store_close(snapshot->store);
  torpor_bytes_free(&snapshot->operations);
  torpor_bytes_free(&snapshot->report);
  torpor_bytes_free(&snapshot->waiting);
  torpor_bytes_free(&snapshot->owned);
  free(snapshot->file);
  *snapshot = (struct cli_snapshot){0};
}

/* ---- Looking into it -----------------------------------------------------*/

static uint64_t memory_allowed(const struct cli_snapshot_settings *settings) {
  return settings->memory == 0 ? TORPOR_MEMORY_DEFAULT : settings->memory;
}

torpor_bytes cli_snapshot_section(const struct cli_snapshot *snapshot,
                                  const struct cli_snapshot_settings *settings,
                                  torpor_section section) {
  torpor_bytes content = {NULL, 0};
  if (snapshot->info.sections[section].raw <= memory_allowed(settings))
    torpor_snapshot_section(snapshot->data, snapshot->data_size, section,
                            &content);
  return content;
}

/* What its VM writes while it is looked into goes nowhere. */
static void drop_console(void *user, torpor_level level, const char *text,
                         size_t size) {
  (void)user;
  (void)level;
  (void)text;
  (void)size;
}

static torpor_status make_report(struct cli_snapshot *snapshot,
                                 uint64_t memory) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = NULL;
  options.console = drop_console;
  options.memory_max = memory;
  torpor_status status = torpor_snapshot_restore(
      snapshot->data, snapshot->data_size, &options, &vm);
  snapshot->installed = status != TORPOR_ENGINE;
  if (status == TORPOR_OK) status = torpor_vm_inspect(vm, &snapshot->report);
  if (status != TORPOR_OK)
    snprintf(snapshot->missing, sizeof(snapshot->missing), "%s",
             torpor_last_error(vm));
  torpor_vm_close(vm);
  return status;
}

void cli_snapshot_look(struct cli_snapshot *snapshot,
                       const struct cli_snapshot_settings *settings) {
  if (snapshot->info.has_parent) {
    snprintf(snapshot->missing, sizeof(snapshot->missing),
             "it is a difference from another snapshot, without which it "
             "cannot be woken");
  } else if (make_report(snapshot, memory_allowed(settings)) == TORPOR_OK) {
    return;
  }
  snapshot->waiting =
      cli_snapshot_section(snapshot, settings, TORPOR_SECTION_WAITING);
}
