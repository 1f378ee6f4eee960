/* SPDX-License-Identifier: MIT */
/* program-bundle.c - runs the program of a bundle (bundle.h). It brings its
 * modules as bytecode, or a VM that sleeps: then its function 'main' is
 * called. See program-state.h. */
#include <stdlib.h>
#include <string.h>

#include "cli/program/program-state.h"
#include "cli/text/output.h"

/* What the bundle says under 'name', of at most 'room' - 1 bytes; false after
 * saying that it does not. */
static bool read_about(const struct cli_program *program, const char *name,
                       char *out, size_t room) {
  const struct cli_entry *entry =
      cli_bundle_find(program->settings->bundle, CLI_ENTRY_ABOUT, name);
  if (entry == NULL || entry->size >= room ||
      memchr(entry->data, 0, entry->size) != NULL) {
    cli_complain(
        "the program in this executable does not say '%s': build it "
        "again",
        name);
    return false;
  }
  memcpy(out, entry->data, entry->size);
  out[entry->size] = '\0';
  return true;
}

int cli_program_start_main(struct cli_program *program, torpor_value *promise) {
  const struct cli_bundle *bundle = program->settings->bundle;
  char name[PATH_MAX + 16];
  if (!read_about(program, "main", name, sizeof(name))) return CLI_EXIT_FILE;
  const struct cli_entry *code = cli_bundle_find(bundle, CLI_ENTRY_CODE, name);
  if (code == NULL) {
    cli_complain(
        "the program in this executable has no module %s: build it "
        "again",
        name);
    return CLI_EXIT_FILE;
  }
  torpor_status status =
      torpor_bytecode_run(program->vm, code->data, code->size, promise);
  torpor_loader_linked(program->loader);
  return cli_program_conclude(program, status);
}

/* Calls function main of a VM that slept with the program's arguments. */
static torpor_status call_main(struct cli_program *program, torpor_token token,
                               torpor_value *result) {
  const struct cli_program_settings *settings = program->settings;
  torpor_value *values = calloc(settings->count + 1, sizeof(*values));
  torpor_value function;
  if (values == NULL) return TORPOR_NOMEM;
  torpor_status status = torpor_token_value(program->vm, token, &function);
  for (size_t i = 0; i < settings->count && status == TORPOR_OK; i++)
    status = torpor_string_new(program->vm, settings->arguments[i], SIZE_MAX,
                               &values[i]);
  if (status == TORPOR_OK)
    status = torpor_call(program->vm, function, torpor_undefined(), values,
                         settings->count, result);
  free(values);
  return status;
}

static int wake_main(struct cli_program *program) {
  char text[24];
  torpor_value result;
  if (!read_about(program, "token", text, sizeof(text))) return CLI_EXIT_FILE;
  unsigned long token = strtoul(text, NULL, 10);
  torpor_loader_linked(program->loader);
  torpor_status status =
      call_main(program, token > UINT32_MAX ? 0 : (torpor_token)token, &result);
  if (status == TORPOR_NOT_FOUND) {
    cli_complain(
        "the program in this executable has no function main: build "
        "it again");
    return CLI_EXIT_FILE;
  }
  if (status == TORPOR_OK) status = cli_program_finish(program, &result);
  return cli_program_conclude(program, status);
}

int cli_program_run_bundle(struct cli_program *program) {
  torpor_value value;
  if (cli_bundle_find(program->settings->bundle, CLI_ENTRY_SLEEP, "") != NULL)
    return wake_main(program);
  int code = cli_program_start_main(program, &value);
  if (code != CLI_EXIT_DONE || program->exited || program->lost) return code;
  return cli_program_conclude(program, cli_program_finish(program, &value));
}
