/* SPDX-License-Identifier: MIT */
/* run-vm-save.c - writes the state of a run's VM down: whole, or as the
 * difference from that of the last commit.
 *
 *  (1) A large state is written as a difference, for which the VM must remember
 *      the state of the last commit, and just that one ('remembered').
 *  (2) A chain of differences ends before waking from it takes long: after
 *      LINKS_MAX, or when they are larger than a whole one.
 *
 * On the VM's thread. */
#include "run/state/state-save.h"
#include "run/vm/run-vm-state.h"

enum { LINKS_MAX = 32 };

/* Below this a whole state is written faster than a difference. */
#define WHOLE_SMALL ((size_t)64 << 10)

void torpor__run_vm_note_chain(struct torpor__run_vm *run_vm,
                               const struct torpor__state_chain *chain) {
  run_vm->remembered = true;
  run_vm->whole = chain->parts[0].size;
  run_vm->links = chain->count - 1;
  for (size_t i = 1; i < chain->count; i++)
    run_vm->linked += chain->parts[i].size;
}

static torpor_status save_difference(struct torpor__run_vm *run_vm) {
  torpor_status status = torpor__state_save(
      run_vm->vm, TORPOR_SAVE_DELTA | TORPOR_SAVE_PARENT, &run_vm->snapshot);
  if (status != TORPOR_OK) return status;
  run_vm->links++;
  run_vm->linked += run_vm->snapshot.size;
  return TORPOR_OK;
}

static torpor_status save_whole(struct torpor__run_vm *run_vm) {
  bool large = run_vm->whole > WHOLE_SMALL;
  torpor_status status = torpor__state_save(
      run_vm->vm, large ? TORPOR_SAVE_PARENT : 0, &run_vm->snapshot);
  if (status != TORPOR_OK) return status;
  run_vm->remembered = large;
  run_vm->whole = run_vm->snapshot.size;
  run_vm->links = run_vm->linked = 0;
  return TORPOR_OK;
}

torpor_status torpor__run_vm_save(struct torpor__run_vm *run_vm,
                                  struct torpor__step *step) {
  torpor_status status = TORPOR_NOT_FOUND;
  if (run_vm->remembered && run_vm->whole > WHOLE_SMALL &&
      run_vm->links < LINKS_MAX && run_vm->linked < run_vm->whole)
    status = save_difference(run_vm);
  step->delta = status == TORPOR_OK;
  if (status == TORPOR_NOT_FOUND) status = save_whole(run_vm);
  if (status != TORPOR_OK) return torpor__run_vm_fail(run_vm, status);
  status = run_vm->context.seal(run_vm->context.user, run_vm->step,
                                &run_vm->snapshot);
  if (status != TORPOR_OK) {
    snprintf(run_vm->message, sizeof run_vm->message,
             "the state could not be encrypted");
    return status;
  }
  step->snapshot = (torpor_slice){.data = run_vm->snapshot.data,
                                  .size = run_vm->snapshot.size};
  return TORPOR_OK;
}
