/* SPDX-License-Identifier: MIT */
/* step-changes.c - what a step of a VM has begun and cancelled. See
 * step-changes.h. */
#include "run/vm/step-changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/search.h"
#include "run/state/operation.h"
#include "run/vm/refuse.h"

/* Requests are in the host's memory until the commit. Those of one guest memory
 * may overlap, so that all together are larger than that. */
#define REQUESTS_MIB 256
#define REQUESTS_LARGEST ((size_t)REQUESTS_MIB << 20)

/* ---- What was begun ------------------------------------------------------*/

/* Copies one operation; LIMIT, with a sentence, when no run can keep it. */
static torpor_status copy_begun(struct torpor__step_changes *changes,
                                const torpor_operation *operation,
                                const struct torpor__run_context *context,
                                char *message) {
  struct torpor__operation *begun = &changes->begun[changes->begun_count];
  if (operation->request_size > REQUESTS_LARGEST - changes->request_bytes) {
    snprintf(message, TORPOR__DATABASE_MESSAGE_MAX,
             "the requests of the operations that are begun in one step take "
             "at most %d MiB",
             REQUESTS_MIB);
    return TORPOR_LIMIT;
  }
  torpor_status status = torpor__operation_copy(operation, begun, message);
  if (status != TORPOR_OK) return status;
  changes->request_bytes += operation->request_size;
  begun->policy = context->policy(context->user, operation);
  changes->begun_count++;
  return TORPOR_OK;
}

static torpor_status keep_begun(struct torpor__step_changes *changes,
                                torpor_vm *vm,
                                const torpor_operation *operation,
                                const struct torpor__run_context *context,
                                char *message, bool *refused) {
  char text[TORPOR__DATABASE_MESSAGE_MAX];
  uint64_t id = operation->id;
  if (!torpor__array_reserve(&changes->begun, &changes->begun_capacity,
                             changes->begun_count + 1, sizeof *changes->begun))
    return torpor__refuse_fail_memory(message);
  torpor_status status = copy_begun(changes, operation, context, message);
  if (status != TORPOR_LIMIT) return status;
  *refused = true;
  memcpy(text, message, sizeof text);
  return torpor__refuse(vm, id, "RangeError", text, "LIMIT", message);
}

/* Rejects the newest operations until there are not too many. */
static torpor_status refuse_excess(torpor_vm *vm, char *message,
                                   bool *refused) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  char text[96];
  size_t count;
  snprintf(text, sizeof text, "a run waits for at most %d operations",
           TORPOR__OPERATIONS_MAX);
  while ((count = torpor_operation_count(vm)) > TORPOR__OPERATIONS_MAX) {
    torpor_status status = torpor_operation_at(vm, count - 1, &operation);
    if (status != TORPOR_OK) return torpor__refuse_fail(vm, status, message);
    status =
        torpor__refuse(vm, operation.id, "RangeError", text, "LIMIT", message);
    if (status != TORPOR_OK) return status;
    *refused = true;
  }
  return TORPOR_OK;
}

/* ---- What was cancelled --------------------------------------------------*/

/* Forgets an operation that this step has begun; false when it is older. */
static bool forget_begun(struct torpor__step_changes *changes, uint64_t id) {
  struct torpor__operation *begun =
      torpor__find(&id, changes->begun, changes->begun_count,
                   sizeof *changes->begun, torpor__operation_compare);
  if (begun == NULL) return false;
  changes->request_bytes -= begun->request.size;
  torpor__operation_free(begun, 1);
  changes->begun_count--;
  size_t behind = (size_t)(changes->begun + changes->begun_count - begun);
  memmove(begun, begun + 1, behind * sizeof *begun);
  return true;
}

static torpor_status read_cancelled(struct torpor__step_changes *changes,
                                    torpor_vm *vm, char *message) {
  torpor_status status;
  uint64_t id;
  while ((status = torpor_operation_take_cancelled(vm, &id)) == TORPOR_OK) {
    if (forget_begun(changes, id)) continue;
    if (!torpor__array_reserve(
            &changes->cancelled, &changes->cancelled_capacity,
            changes->cancelled_count + 1, sizeof *changes->cancelled))
      return torpor__refuse_fail_memory(message);
    changes->cancelled[changes->cancelled_count++] = id;
  }
  return status == TORPOR_NOT_FOUND ? TORPOR_OK
                                    : torpor__refuse_fail(vm, status, message);
}

/* ---- All of it -----------------------------------------------------------*/

torpor_status
torpor__step_changes_read(struct torpor__step_changes *changes, torpor_vm *vm,
                          const struct torpor__run_context *context,
                          char message[TORPOR__DATABASE_MESSAGE_MAX],
                          bool *refused) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_status status = read_cancelled(changes, vm, message);
  if (status == TORPOR_OK) status = refuse_excess(vm, message, refused);
  if (status != TORPOR_OK) return status;
  while ((status = torpor_operation_next(vm, &operation)) == TORPOR_OK) {
    status = keep_begun(changes, vm, &operation, context, message, refused);
    if (status != TORPOR_OK) return status;
  }
  return status == TORPOR_NOT_FOUND ? TORPOR_OK
                                    : torpor__refuse_fail(vm, status, message);
}

void torpor__step_changes_clear(struct torpor__step_changes *changes) {
  torpor__operation_free(changes->begun, changes->begun_count);
  changes->begun_count = changes->cancelled_count = 0;
  changes->request_bytes = 0;
}

void torpor__step_changes_free(struct torpor__step_changes *changes) {
  torpor__step_changes_clear(changes);
  free(changes->begun);
  free(changes->cancelled);
  *changes = (struct torpor__step_changes){0};
}
