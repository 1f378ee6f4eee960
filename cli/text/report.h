/* SPDX-License-Identifier: MIT */
/* report.h - errors of programs, as people read them. */
#ifndef TORPOR_CLI_REPORT_H
#define TORPOR_CLI_REPORT_H

#include "torpor-loop.h"

/* Where source lines may be shown from. */
struct cli_sources {
  torpor_loader *loader; /* may be NULL */
  const char *name;      /* of code that is in no file; may be NULL */
  const char *code;
  size_t size;
};

/* Prints 'error', which nobody caught, to stderr: what it says, the line that
 * it comes from, its stack, its causes. */
void cli_report_error(torpor_vm *vm, torpor_value error,
                      const struct cli_sources *sources);

#endif
