/* SPDX-License-Identifier: MIT */
/* program.h - a program that runs from beginning to end in this process. */
#ifndef TORPOR_CLI_PROGRAM_H
#define TORPOR_CLI_PROGRAM_H

#include "cli/command.h"
#include "cli/program/bundle.h"
#include "cli/program/sandbox.h"

/* What is run: a file, code, or what is in a bundle. */
struct cli_program_settings {
  const char *file; /* NULL: 'code' is run */
  const char *code;
  size_t code_size;
  const char *title;               /* of code, in stack traces: "[eval]" */
  const struct cli_bundle *bundle; /* not NULL: it is what is run */
  torpor_mode mode;                /* of code; a file is a module */
  bool print;                      /* the result, with the program's console */
  char **arguments; /* what args() of module torpor:script gives */
  size_t count;
  const struct cli_sandbox *sandbox;
};

/* Runs it and gives the exit code, after saying what went wrong. */
int cli_program_run(const struct cli_program_settings *settings);

/* Evaluates the main module of settings->bundle until nothing is left to do at
 * once and the module is done; then saves the VM. 'token' names the function
 * 'main' that the module exports. An exit code, as above. */
int cli_program_sleep(const struct cli_program_settings *settings,
                      torpor_bytes *snapshot, torpor_token *token);

#endif
