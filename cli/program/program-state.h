/* SPDX-License-Identifier: MIT */
/* program-state.h - a program that runs in this process, for the files that run
 * it. Each calls those below it:
 *
 *     program.c         runs a file, or code
 *     program-sleep.c   puts a program to sleep, for an executable
 *     program-bundle.c  begins and wakes what is in a bundle
 *     program-open.c    opens its VM and its loop
 *     program-host.c    what the VM calls: console, modules, arguments, exit
 *     program-end.c     waits for its end; what that is as an exit code
 *
 *  (1) 'code' is the exit code as soon as something went wrong that was said.
 *  (2) A signal ends the process as it would have without us, but only after
 *      what the program had written is out; a second one does so at once. */
#ifndef TORPOR_CLI_PROGRAM_STATE_H
#define TORPOR_CLI_PROGRAM_STATE_H

#include <limits.h>

#include "cli/program/program.h"
#include "cli/text/report.h"

struct cli_program {
  const struct cli_program_settings *settings;
  torpor_access *access;
  torpor_loader *loader;
  torpor_loop *loop;
  torpor_vm *vm;
  char name[PATH_MAX + 16]; /* of code */
  struct cli_sources sources;
  int code;
  bool lost;     /* nobody reads the output */
  bool exited;   /* the program has ended itself */
  int exit_code; /* with this */
};

/* ---- program-end.c -------------------------------------------------------*/

/* Waits for what 'value', the result of an evaluation, stands for, and puts
 * what a promise is fulfilled with in its place. */
torpor_status cli_program_finish(struct cli_program *program,
                                 torpor_value *value);
/* What 'status' is as an exit code, said unless it was already. */
int cli_program_conclude(struct cli_program *program, torpor_status status);

/* ---- program-host.c ------------------------------------------------------*/

/* Sets what the VM asks of 'program', which must outlive it. */
void cli_program_host(struct cli_program *program, torpor_options *options);
/* Binds the functions of the host that the VM, which is open, may call. */
torpor_status cli_program_bind(struct cli_program *program);
/* Attaches the VM to the loop; both are open. */
torpor_status cli_program_attach(struct cli_program *program);

/* ---- program-open.c ------------------------------------------------------*/

/* Opens what the program needs; 'source': of its file, the caller's. An exit
 * code. Whatever it gives, the program is to be closed. */
int cli_program_open(struct cli_program *program, torpor_bytes *source);
void cli_program_close(struct cli_program *program);

/* ---- program-bundle.c ----------------------------------------------------*/

/* Begins to evaluate the main module: a promise of its namespace. An exit
 * code. */
int cli_program_start_main(struct cli_program *program, torpor_value *promise);
/* Runs the bundle to its end: its main module, or function 'main' of the VM
 * that sleeps in it. An exit code. */
int cli_program_run_bundle(struct cli_program *program);

#endif
