/* SPDX-License-Identifier: MIT */
/* run-vm-state.h - the VM of one run from the inside, for the files run-vm*.c:
 *
 *     run-vm.c          opens and closes it, and runs its steps
 *     run-vm-host.c     what its program may ask of us: its input, its id, ...
 *     run-vm-console.c  what it writes to the console
 *     run-vm-exit.c     whether the run has ended, and how
 *     run-vm-deliver.c  settles an operation with what came for it
 *     run-vm-save.c     writes its state down
 *
 * Each calls only those further down.
 *
 * On one thread at a time. */
#ifndef TORPOR_RUN_RUN_VM_STATE_H
#define TORPOR_RUN_RUN_VM_STATE_H

#include <stdio.h>
#include <string.h>

#include "run/vm/refuse.h"
#include "run/vm/run-vm.h"
#include "run/vm/step-changes.h"

/* The token of the main module's promise: the first that a VM gives. */
enum { TORPOR__RUN_VM_MAIN = 1 };

struct torpor__run_vm {
  torpor_vm *vm;
  torpor_loader *loader; /* of C modules */
  struct torpor__run_context context;
  bool started;
  bool thrown; /* the main module gave no promise, but 'exception' */
  torpor_value exception;
  bool
      entered; /* since it was opened, so that its program knows that it woke */
  bool
      cancelling; /* a cancel was delivered; what came of it is not known yet */
  int64_t step;
  uint64_t step_began_ms; /* monotonic */
  uint64_t step_most_ms;  /* that the step may take */
  char message[TORPOR__DATABASE_MESSAGE_MAX];

  bool remembered;      /* the VM remembers the state of the last commit */
  size_t whole;         /* bytes of the last whole state; 0: none */
  size_t links, linked; /* differences since then, and their bytes */

  /* What the step that is described did; owned, reused. */
  torpor_bytes snapshot;
  struct torpor__step_changes changes;
  struct torpor__line *lines;
  size_t line_count, line_capacity;
  size_t line_bytes;
  bool lines_lost;    /* memory ran out */
  bool lines_refused; /* one more would have been beyond OUTPUT_LARGEST */
  torpor_bytes exit_value;
  char reason[TORPOR__DATABASE_MESSAGE_MAX];
};

/* Returns 'status', with what the VM says of it as the run's message. */
static inline torpor_status torpor__run_vm_fail(struct torpor__run_vm *run_vm,
                                                torpor_status status) {
  return torpor__refuse_fail(run_vm->vm, status, run_vm->message);
}

static inline torpor_status
torpor__run_vm_fail_memory(struct torpor__run_vm *run_vm) {
  return torpor__refuse_fail_memory(run_vm->message);
}

/* ---- run-vm-host.c -------------------------------------------------------*/

/* torpor_options.module; 'user' is the run's VM. */
torpor_status torpor__run_vm_give_module(void *user,
                                         const torpor_module_request *request,
                                         torpor_module_answer *answer);

/* Gives the VM the functions that its program may call. */
torpor_status torpor__run_vm_bind(struct torpor__run_vm *run_vm);

/* ---- run-vm-console.c ----------------------------------------------------*/

/* torpor_options.console; 'user' is the run's VM. */
void torpor__run_vm_print(void *user, torpor_level level, const char *text,
                          size_t size);

/* Whether the step has written so much that it ends with its job. */
bool torpor__run_vm_printed_enough(const struct torpor__run_vm *run_vm);

void torpor__run_vm_forget_lines(struct torpor__run_vm *run_vm);

/* ---- run-vm-deliver.c ----------------------------------------------------*/

/* Settles the operation that 'delivery' is for, and notes whether the VM waited
 * for that. */
torpor_status torpor__run_vm_deliver(struct torpor__run_vm *run_vm,
                                     struct torpor__delivery *delivery);

/* The error for an outcome that brought no value (timed out, cancelled, lost),
 * as CBOR. */
torpor_status torpor__run_vm_outcome_error(enum torpor__outcome outcome,
                                           torpor_bytes *out);

/* ---- run-vm-exit.c -------------------------------------------------------*/

/* Whether the run has ended, and with what ('exit_value', 'reason'): with its
 * main module, once nothing else is pending; failed by that, or by a rejection
 * that nobody handled. What is looked at then has handles, which stay: a run
 * that ended is not saved. '*ended' is left alone when it goes on. */
torpor_status torpor__run_vm_look_for_end(struct torpor__run_vm *run_vm,
                                          enum torpor__run_status *ended);

/* Says where the program waits when nothing is left that it could wait for. */
void torpor__run_vm_explain_deadlock(struct torpor__run_vm *run_vm);

/* Fails the run since memory ran out where no error could be thrown. */
torpor_status torpor__run_vm_end_exhausted(struct torpor__run_vm *run_vm);

/* ---- run-vm-save.c -------------------------------------------------------*/

/* Notes that the VM was restored from 'chain'. */
void torpor__run_vm_note_chain(struct torpor__run_vm *run_vm,
                               const struct torpor__state_chain *chain);

/* Writes the state down and seals it, whole or as a difference; fills in what
 * 'step' says of it. */
torpor_status torpor__run_vm_save(struct torpor__run_vm *run_vm,
                                  struct torpor__step *step);

#endif
