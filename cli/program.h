/* SPDX-License-Identifier: MIT */
/* program.h - a program that runs from beginning to end in this process. */
#ifndef TORPOR_CLI_PROGRAM_H
#define TORPOR_CLI_PROGRAM_H

#include "command.h"
#include "sandbox.h"

/* What is run: a file, or code. */
struct cli_program_settings {
  const char *file; /* NULL: 'code' is run */
  const char *code;
  torpor_mode mode; /* of code; a file is a module */
  bool print;       /* the result, with the program's console */
  char **arguments; /* what args() of module torpor:script gives */
  size_t count;
  const struct cli_sandbox *sandbox;
};

/* Runs it and gives the exit code, after saying what went wrong. */
int cli_program_run(const struct cli_program_settings *settings);

#endif
