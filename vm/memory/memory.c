/* SPDX-License-Identifier: MIT */
/* memory.c - the way from guest addresses to pointers.
 *
 * With memory.h the only code that turns an address which the guest chose into
 * a pointer. The range is checked against the memory's size, in 64 bits, and
 * made accessible before anyone touches it. Guest memory never moves, but it
 * may change with every entry: so a pointer is good until the next one. */
#include "vm/memory/memory.h"

#include <string.h>

#include "vm/common/bytes.h"
#include "vm/memory/image.h"
#include "vm/vm.h"

uint32_t torpor__memory_limit_of(const torpor__image *baseline,
                                 uint32_t heap_break, uint64_t size) {
  uint64_t limit = ((uint64_t)heap_break + 7) & ~UINT64_C(7);
  if (limit > size) limit = size;
  if (limit < baseline->size) limit = baseline->size;
  return (uint32_t)limit;
}

uint32_t torpor__memory_limit(const torpor_vm *vm) {
  return torpor__memory_limit_of(vm->image->baseline, vm->control->heap_break,
                                 torpor__memory_size(vm));
}

const uint8_t *torpor__memory_kept(torpor_vm *vm, uint32_t address,
                                   uint64_t size) {
  const torpor__image *image = vm->image;
  uint64_t end = (uint64_t)address + size;
  if (size == 0) return vm->memory;
  if (address < image->stack_size || end > torpor__memory_limit(vm))
    return NULL;
  if (address < image->host_end && end > image->host_start) return NULL;
  return torpor__memory_at(vm, address, size);
}

uint8_t *torpor__memory_to(torpor_vm *vm, uint32_t address, uint64_t size) {
  uint64_t end = (uint64_t)address + size;
  if (end > torpor__memory_size(vm)) return NULL;
  if (!torpor__region_commit(vm->region, address, (uint32_t)end)) return NULL;
  return vm->memory + address;
}

bool torpor__memory_cut(torpor_vm *vm, uint32_t end) {
  uint32_t at = torpor__memory_limit(vm);
  while (at < end) {
    uint32_t size = TORPOR__PAGE - at % TORPOR__PAGE;
    const uint8_t *bytes = torpor__memory_at(vm, at, size);
    if (!bytes) return false;
    if (!torpor__bytes_are_zero(bytes, size)) {
      uint8_t *place = torpor__memory_to(vm, at, size);
      if (!place) return false;
      memset(place, 0, size);
    }
    at += size;
  }
  return true;
}

/* ---- Giving back ----------------------------------------------------------*/

/* Whether what is remembered of 'page' is not what the image has: then the page
 * has to count as written, so that the next difference looks at it. */
static bool is_remembered(const torpor_vm *vm, uint32_t page) {
  return vm->remembered.known &&
         (vm->remembered.pieces || torpor__shadow_at(vm->region, page) ||
          torpor__shadow_shares(vm->region, page));
}

/* The stack is empty between entries, and zero in every image. */
static bool is_needless(const torpor_vm *vm, uint32_t page) {
  size_t at = (size_t)page * TORPOR__PAGE;
  if (at + TORPOR__PAGE <= vm->image->stack_size) return true;
  return !is_remembered(vm, page) &&
         memcmp(vm->memory + at, torpor__image_page(vm->image, page),
                TORPOR__PAGE) == 0;
}

static void trim_range(void *user, uint32_t start, uint32_t end) {
  torpor_vm *vm = user;
  uint32_t page = start / TORPOR__PAGE, limit = end / TORPOR__PAGE;
  while (page < limit) {
    uint32_t first = page;
    while (page < limit && is_needless(vm, page)) page++;
    torpor__region_drop(vm->region, first * TORPOR__PAGE, page * TORPOR__PAGE);
    while (page < limit && !is_needless(vm, page)) page++;
  }
}

void torpor__memory_trim(torpor_vm *vm) {
  if (vm->mapped) torpor__region_written(vm->region, trim_range, vm);
}
