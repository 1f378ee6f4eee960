/* SPDX-License-Identifier: MIT */
/* fork.c - a copy of a VM that goes on living.
 *
 * The copy is a VM of the same image, into which the pages are copied that may
 * have been written since, up to the end of the heap; what the image has behind
 * that is cleared. Like a restored VM it sleeps until it is entered.
 *
 *  (1) The copy saves to the same bytes as its original does, until one of them
 *      is entered.
 *  (2) Nothing of the host's is shared: bindings, callbacks.
 *  (3) Without options the copy has the limits of its original, so that copying
 *      is no way around them.
 *
 * Runs on the original's thread; the copy is not bound to it. */
#include <string.h>

#include "common/alloc.h"
#include "vm/border/invoke.h"
#include "vm/common/error.h"
#include "vm/extensions/linking.h"
#include "vm/life.h"
#include "vm/load.h"
#include "vm/memory/check.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/options.h"
#include "vm/vm.h"

typedef struct copying {
  torpor_vm *from, *to;
  uint32_t limit;
  bool failed;
} copying;

static void copy_part(copying *c, uint32_t start, uint32_t end, uint32_t low,
                      uint32_t high) {
  uint8_t *place;
  if (start < low) start = low;
  if (end > high) end = high;
  if (start >= end || c->failed) return;
  place = torpor__memory_to(c->to, start, end - start);
  if (place)
    memcpy(place, c->from->memory + start, end - start);
  else
    c->failed = true;
}

/* Leaves out what a snapshot leaves out. */
static void copy_range(void *user, uint32_t start, uint32_t end) {
  copying *c = user;
  const torpor__image *image = c->from->image;
  copy_part(c, start, end, image->stack_size, image->host_start);
  copy_part(c, start, end, image->host_end, c->limit);
}

static torpor_status copy_memory(torpor_vm *from, torpor_vm *to) {
  const torpor__wasm_memory *memory = torpor__region_memory(from->region);
  uint32_t pages_max = torpor__region_memory(to->region)->max_pages;
  copying c = {.from = from, .to = to, .limit = torpor__memory_limit(from)};
  if (memory->pages > pages_max)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "the VM has %u pages of memory, memory_max allows %u; "
                        "raise it in the options",
                        memory->pages, pages_max);
  if (torpor__region_set_pages(to->region, memory->pages, pages_max)) {
    torpor__region_written(from->region, copy_range, &c);
    if (!c.failed && torpor__memory_cut(to, to->image->end)) return TORPOR_OK;
  }
  return torpor__fail(NULL, TORPOR_NOMEM, "no memory for a copy of the VM");
}

static torpor_status copy_links(const torpor_vm *from, torpor_vm *to) {
  torpor__link_list *list;
  torpor_status status = torpor__link_copy(from, &list);
  if (status == TORPOR_OK) status = torpor__link_all(to, list);
  torpor__alloc_free(list);
  return status;
}

/* What the options of 'vm' say, without its callbacks and what is for one VM
 * alone: how it is woken, of what memory it is. */
static torpor_options data_options(const torpor_vm *vm) {
  torpor_options same = TORPOR_OPTIONS_INIT;
  same.memory_max = vm->memory_max;
  same.deadline_ms = vm->deadline_ms;
  same.zone_is = vm->options.zone_is;
  same.zone_minutes = vm->options.zone_minutes;
  same.omit = vm->options.omit;
  same.stack = vm->options.stack;
  same.collect = vm->options.collect;
  same.retain_results = vm->options.retain_results;
  same.extensions = vm->options.extensions;
  return same;
}

static torpor_status make_copy(torpor_vm *vm, const torpor_options *options,
                               torpor_vm **out) {
  torpor_options own, same = data_options(vm);
  torpor_status status = torpor__options_take(&options, &own);
  if (status == TORPOR_OK)
    status = torpor__vm_take(vm->image, options ? options : &same, out);
  if (status == TORPOR_OK) status = torpor__load_when_touched(*out);
  if (status == TORPOR_OK) status = copy_links(vm, *out);
  if (status == TORPOR_OK) status = copy_memory(vm, *out);
  /* As the guest counts it: 'used up' and 'no limit' are two numbers there. */
  if (status == TORPOR_OK && !options)
    (*out)->control->host.fuel = vm->control->host.fuel;
  return status;
}

torpor_status torpor_vm_fork(torpor_vm *vm, const torpor_options *options,
                             torpor_vm **out) {
  torpor_status status;
  torpor_vm *copy = NULL;
  TORPOR__REQUIRE(vm, out);
  *out = NULL;
  status = torpor__check_idle(vm, "no copy can be made");
  if (status != TORPOR_OK) return status;
  status = make_copy(vm, options, &copy);
  if (status != TORPOR_OK) {
    torpor__fail(vm, status, "%s", torpor_last_error(NULL));
    if (copy) torpor__vm_give(copy);
    return status;
  }
  copy->asleep = true;
  copy->wake |= TORPOR_WAKE_CLONE;
  torpor__vm_check(vm);
  torpor__vm_check(copy);
  torpor__vm_check_copy(vm, copy);
  *out = copy;
  return TORPOR_OK;
}

torpor_status torpor_vm_reseed(torpor_vm *vm) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, reseed, 0);
  return torpor__end(vm, status);
}
