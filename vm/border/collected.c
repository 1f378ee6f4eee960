/* SPDX-License-Identifier: MIT */
/* collected.c - what the guest let go of: objects of the host's classes, and
 * functions.
 *
 * The collector must not call the host, so the guest puts what it frees into a
 * queue, and we take it from there at a good moment: at the end of the
 * outermost call, or of a host function below which there is no other. So
 * between calls the queue is empty, and no snapshot has a trace of it.
 *
 * The VM's thread. */
#include "vm/border/collected.h"

#include <string.h>

#include "vm/border/binding.h"
#include "vm/border/enter.h"
#include "vm/border/instance.h"
#include "vm/common/error.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

/* The guest is not believed that there are more, in one go. */
#define COLLECTED_MOST (UINT32_C(1) << 20)

static void tell_name(torpor_vm *vm, const uint64_t *result) {
  char name[TORPOR__NAME_LARGEST + 1];
  uint64_t size = result[3];
  const uint8_t *text = NULL;
  if (result[1] > UINT32_MAX || result[2] > UINT32_MAX) return;
  if (size <= TORPOR__NAME_LARGEST)
    text = torpor__memory_at(vm, (uint32_t)result[2], size);
  if (text) memcpy(name, text, (size_t)size);
  torpor__binding_collected(vm, (uint32_t)result[1], name, text ? size : 0);
}

/* false: there is nothing more. */
static bool tell_one(torpor_vm *vm) {
  uint64_t result[TORPOR_ABI_RESULTS];
  torpor_status status =
      torpor__enter(vm, TORPOR__EXPORT_torpor_collected_take, NULL);
  if (status != TORPOR_OK || vm->returned != TORPOR_OK) return false;
  memcpy(result, vm->control->host.result, sizeof(result));
  if (result[0] == TORPOR_ABI_COLLECTED_NAME)
    tell_name(vm, result);
  else
    torpor__object_collected(vm, result[1]);
  return !vm->broken;
}

void torpor__collected_tell(torpor_vm *vm) {
  uint64_t *result = vm->control->host.result;
  uint64_t kept[TORPOR_ABI_RESULTS];
  uint32_t count = 0;
  memcpy(kept, result, sizeof(kept));
  while (torpor__collected_count(vm) > 0 && count < COLLECTED_MOST &&
         tell_one(vm))
    count++;
  memcpy(result, kept, sizeof(kept));
}
