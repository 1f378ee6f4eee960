/* SPDX-License-Identifier: MIT */
/* run-vm.h - the VM of one run while it is in memory.
 *
 *           open: a new VM, or the         step: tell it what came, let it
 *           last committed snapshot        run until it waits, look at it
 *   asleep ───────────────────────► awake ─────────────────────────┐
 *      ▲                              ▲  │                          │
 *      └────────── close ─────────────┼──┘                          │
 *                                     └─────────────────────────────┘
 *
 * What a step did is described by a torpor__step, for the protocol. After a
 * step that failed the VM is of no use: close it, and the next 'open' begins
 * from the last commit.
 *
 * No store, no drivers, no clock but for the deadline; on one thread at a
 * time. */
#ifndef TORPOR_RUN_RUN_VM_H
#define TORPOR_RUN_RUN_VM_H

#include "torpor-loop.h"

#include "run/protocol/protocol.h"
#include "run/state/state-chain.h"

struct torpor__run_vm;

/* What a VM needs to know of its run. Borrowed until the VM is closed. */
struct torpor__run_context {
  const char *id;
  const char *program; /* name of the main module */
  torpor_slice input;
  const torpor_access *access;            /* for C modules; may be NULL */
  uint64_t memory_max, fuel, deadline_ms; /* 0: the defaults */
  /* Gives the source of one of the run's modules. */
  torpor_status (*module)(void *user, const char *name, torpor_bytes *source);
  /* What an upgrade hands over, CBOR; OK with nothing when there was none. */
  torpor_status (*upgrade)(void *user, torpor_bytes *out);
  /* True when the worker is to stop. */
  bool (*interrupt)(void *user);
  /* Encrypts the bytes of a state, if the store has a key. */
  torpor_status (*seal)(void *user, int64_t step, torpor_bytes *bytes);
  /* What waking means for an operation. */
  enum torpor__policy (*policy)(void *user, const torpor_operation *operation);
  /* What the library's functions look at; NULL: there is nothing. */
  torpor_world *world;
  void *user;
};

/* 'chain' is the state of the last commit; NULL: there is none, and the program
 * starts in the first step. On failure '*run_vm' is NULL and 'message' says
 * why. */
torpor_status torpor__run_vm_open(struct torpor__run_vm **run_vm,
                                  const struct torpor__run_context *context,
                                  const struct torpor__state_chain *chain,
                                  char message[TORPOR__DATABASE_MESSAGE_MAX]);
void torpor__run_vm_close(struct torpor__run_vm *run_vm);

/* Runs step number 'number': tells the VM 'deliveries' in order and drains its
 * jobs after each, marks those that it accepted and those that it did not come
 * to, and describes in 'step' what it did. It may take 'budget_ms'; 0, or
 * more than the deadline of the run: as long as that. The description is valid
 * until the next step or close. OK, also when the program ended or failed; else
 * the step failed, and torpor__run_vm_error says why. */
torpor_status torpor__run_vm_step(struct torpor__run_vm *run_vm, int64_t number,
                                  struct torpor__delivery *deliveries,
                                  size_t count, uint64_t budget_ms,
                                  struct torpor__step *step);
const char *torpor__run_vm_error(const struct torpor__run_vm *run_vm);

/* Whether a step failed since it took longer than its budget, while its
 * deadline is later. */
bool torpor__run_vm_is_late(const struct torpor__run_vm *run_vm);

/* After 'open': a cancel was delivered in an earlier step, and the next one
 * that does not spend its fuel has to see what came of it. */
void torpor__run_vm_set_cancelling(struct torpor__run_vm *run_vm);

/* The number of the step that brought it to its state. */
int64_t torpor__run_vm_number(const struct torpor__run_vm *run_vm);

/* The VM itself, to look into it only (upgrade-state.c). */
torpor_vm *torpor__run_vm_get(const struct torpor__run_vm *run_vm);

#endif
