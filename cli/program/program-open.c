/* SPDX-License-Identifier: MIT */
/* program-open.c - opens what a program needs, and closes it. See
 * program-state.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/program/program-state.h"
#include "cli/text/output.h"

/* What torpor_options.stack takes. */
enum { STACK_LEAST = 16384, STACK_MOST = 240 << 10 };

static int fail_on_host(const char *what, torpor_status status) {
  cli_complain("%s: %s", what,
               status == TORPOR_IO && errno != 0 ? strerror(errno)
                                                 : torpor_status_text(status));
  return CLI_EXIT_HOST;
}

/* Reads the file, or gives code a name in the current folder. */
static int open_source(struct cli_program *program, torpor_bytes *source) {
  const struct cli_program_settings *settings = program->settings;
  torpor_status status = torpor_loader_open(settings->file, program->access,
                                            &program->loader, source);
  program->sources.loader = program->loader;
  if (status != TORPOR_OK) {
    cli_complain("%s", torpor_loader_error(program->loader));
    return status == TORPOR_NOMEM || torpor_loader_exhausted(program->loader)
               ? CLI_EXIT_HOST
               : CLI_EXIT_FILE;
  }
  if (settings->file != NULL || settings->bundle != NULL) return CLI_EXIT_DONE;
  char folder[PATH_MAX];
  if (getcwd(folder, sizeof(folder)) == NULL) strcpy(folder, "/");
  snprintf(program->name, sizeof(program->name), "%s/%s",
           strcmp(folder, "/") == 0 ? "" : folder, settings->title);
  program->sources.name = program->name;
  program->sources.code = settings->code;
  program->sources.size = settings->code_size;
  return CLI_EXIT_DONE;
}

/* The guest's stack, in bytes, that the bundle asks for; 0: all. */
static uint32_t find_stack(const struct cli_program *program) {
  const struct cli_entry *entry =
      cli_bundle_find(program->settings->bundle, CLI_ENTRY_ABOUT, "stack");
  uint32_t size = 0;
  for (size_t i = 0; entry != NULL && i < entry->size && i < 6; i++)
    if (entry->data[i] >= '0' && entry->data[i] <= '9')
      size = size * 10 + (uint32_t)(entry->data[i] - '0');
  return size < STACK_LEAST || size > STACK_MOST ? 0 : size;
}

static int open_vm(struct cli_program *program) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  cli_program_host(program, &options);
  options.extensions = true;
  options.library = torpor_library_source;
  options.colors = cli_output_colors();
  int code = cli_sandbox_limits(program->settings->sandbox, &options);
  if (code != CLI_EXIT_DONE) return code;
  const struct cli_entry *asleep =
      cli_bundle_find(program->settings->bundle, CLI_ENTRY_SLEEP, "");
  options.wake = TORPOR_WAKE_CLONE | TORPOR_WAKE_RESEED;
  options.stack = find_stack(program);
  torpor_status status =
      asleep == NULL ? torpor_vm_open(&options, &program->vm)
                     : torpor_snapshot_restore(asleep->data, asleep->size,
                                               &options, &program->vm);
  if (status != TORPOR_OK) {
    cli_complain("%s", torpor_last_error(NULL));
    return CLI_EXIT_HOST;
  }
  status = cli_program_bind(program);
  if (status != TORPOR_OK) return fail_on_host("opening a VM", status);
  return cli_sandbox_extend(program->settings->sandbox, program->vm);
}

static bool flush_output(void *user) {
  struct cli_program *program = user;
  if (!cli_output_flush()) program->lost = true;
  return false;
}

static int open_loop(struct cli_program *program) {
  torpor_status status = torpor_loop_open(NULL, &program->loop);
  if (status != TORPOR_OK) return fail_on_host("opening a loop", status);
  torpor_loop_on_turn(program->loop, flush_output, program);
  torpor_loop_stop_on(program->loop, SIGINT);
  torpor_loop_stop_on(program->loop, SIGTERM);
  torpor_loop_stop_on(program->loop, SIGHUP);
  status = cli_program_attach(program);
  return status == TORPOR_OK ? CLI_EXIT_DONE
                             : fail_on_host("attaching a VM", status);
}

int cli_program_open(struct cli_program *program, torpor_bytes *source) {
  const struct cli_sandbox *sandbox = program->settings->sandbox;
  int code = cli_trust(sandbox->ca);
  if (code == CLI_EXIT_DONE)
    code = cli_sandbox_access(sandbox, &program->access);
  if (code == CLI_EXIT_DONE) code = open_source(program, source);
  if (code == CLI_EXIT_DONE) code = open_vm(program);
  if (code == CLI_EXIT_DONE) code = open_loop(program);
  return code;
}

void cli_program_close(struct cli_program *program) {
  torpor_loop_close(program->loop);
  torpor_vm_close(program->vm);
  torpor_loader_close(program->loader);
  torpor_access_close(program->access);
}
