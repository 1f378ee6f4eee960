/* SPDX-License-Identifier: MIT */
/* loan.c - bytes into guest memory and out of it.
 *
 * Bytes go in as a *loan*, for one call. Small ones lie in the window, a buffer
 * in the control block, which costs no entry; larger ones in memory that the
 * guest allocates for them. The guest copies what it needs before it runs code
 * that could call the host, so a call below may use the window again. */
#include "vm/border/loan.h"

#include <assert.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/border/enter.h"
#include "vm/common/error.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

/* Lends in memory that the guest allocates. */
static torpor_status lend_allocated(torpor_vm *vm, torpor__loan *loan,
                                    const void *data, size_t size,
                                    uint64_t *address) {
  const size_t largest = UINT32_MAX - TORPOR__PAGE;
  torpor_status status;
  uint8_t *place;
  uint32_t block;
  assert(loan->count < TORPOR__LOANS_MOST);
  if (size > largest)
    return torpor__fail(vm, TORPOR_LIMIT,
                        "%zu bytes are more than a VM can take at once", size);
  status =
      torpor__enter(vm, TORPOR__EXPORT_torpor_allocate, &(uint64_t){size + 1});
  if (status != TORPOR_OK) return status;
  block = vm->returned;
  if (block == 0)
    return torpor__fail(vm, TORPOR_LIMIT,
                        "the VM has no memory left for %zu bytes; raise "
                        "memory_max in its options",
                        size);
  place = torpor__memory_to(vm, block, (uint64_t)size + 1);
  if (!place) return torpor__fail_damaged(vm, "its heap");
  memcpy(place, data, size);
  place[size] = 0;
  loan->allocated[loan->count++] = block;
  *address = block;
  return TORPOR_OK;
}

torpor_status torpor__loan_add(torpor_vm *vm, torpor__loan *loan,
                               const void *data, size_t size,
                               uint64_t *address) {
  uint8_t *window = vm->control->host.window;
  uint32_t used = loan->window_used;
  if (size >= (size_t)TORPOR_ABI_WINDOW - used)
    return lend_allocated(vm, loan, data, size, address);
  if (size > 0) memcpy(window + used, data, size);
  window[used + size] = 0;
  *address = (uint64_t)(window + used - vm->memory);
  loan->window_used = (used + (uint32_t)size + 8) & ~7u;
  return TORPOR_OK;
}

void torpor__loan_end(torpor_vm *vm, torpor__loan *loan) {
  while (loan->count > 0 && !vm->broken) {
    uint64_t block = loan->allocated[--loan->count];
    torpor__enter(vm, TORPOR__EXPORT_torpor_release, &block);
  }
}

torpor_status torpor__text_copy(torpor_vm *vm, torpor_bytes *out) {
  uint64_t address = vm->result[0], size = vm->result[1];
  const uint8_t *text = NULL;
  uint8_t *copy;
  *out = (torpor_bytes){NULL, 0};
  if (address <= UINT32_MAX && size <= UINT32_MAX)
    text = torpor__memory_at(vm, (uint32_t)address, size);
  if (!text) return torpor__fail_damaged(vm, "a text that it gave out");
  copy = torpor__alloc((size_t)size + 1);
  if (!copy) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  memcpy(copy, text, (size_t)size);
  copy[size] = 0;
  *out = (torpor_bytes){copy, (size_t)size};
  return TORPOR_OK;
}

void torpor__text_end(torpor_vm *vm) {
  if (vm->result[2] == 1 && !vm->broken)
    torpor__enter(vm, TORPOR__EXPORT_torpor_release, vm->result);
}

torpor_status torpor__text_take(torpor_vm *vm, torpor_bytes *out) {
  torpor_status status = torpor__text_copy(vm, out);
  torpor__text_end(vm);
  return status;
}
