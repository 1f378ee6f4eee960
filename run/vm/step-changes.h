/* SPDX-License-Identifier: MIT */
/* step-changes.h - what a step of a VM has begun and cancelled, copied for its
 * commit.
 *
 * On the VM's thread. */
#ifndef TORPOR_RUN_STEP_CHANGES_H
#define TORPOR_RUN_STEP_CHANGES_H

#include "run/vm/run-vm.h"

/* Zeroed is empty. */
struct torpor__step_changes {
  struct torpor__operation *begun; /* by rising id */
  size_t begun_count, begun_capacity;
  uint64_t *cancelled; /* those that were begun in earlier steps */
  size_t cancelled_count, cancelled_capacity;
  size_t request_bytes;
};

/* Adds what is new since the last call. What is beyond a limit of a run is
 * rejected, and '*refused' set: then jobs may have been added to the VM, and
 * this has to be called again once they have run. OK; or NOMEM or what the VM
 * says, with a sentence in 'message'. */
torpor_status
torpor__step_changes_read(struct torpor__step_changes *changes, torpor_vm *vm,
                          const struct torpor__run_context *context,
                          char message[TORPOR__DATABASE_MESSAGE_MAX],
                          bool *refused);

/* Forgets what was read, and keeps the arrays. */
void torpor__step_changes_clear(struct torpor__step_changes *changes);
void torpor__step_changes_free(struct torpor__step_changes *changes);

#endif
