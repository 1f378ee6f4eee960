/* SPDX-License-Identifier: MIT */
/* life.c - how a VM's life begins and ends.
 *
 * A VM comes out of the pool, clean, and gets what its options say. It goes
 * back after the finalizers of its bindings have run and all that the host kept
 * for it was freed.
 *
 *  (1) This happens between calls: a VM that is closed in a call goes when the
 *      outermost one ends (vm.c).
 *  (2) Its number, which its handles carry, is not given twice in a process.
 *
 * The VM's thread. */
#include "vm/life.h"

#include <assert.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/border/binding.h"
#include "vm/border/given.h"
#include "vm/border/instance.h"
#include "vm/border/stop.h"
#include "vm/common/error.h"
#include "vm/engines/engine.h"
#include "vm/extensions/linking.h"
#include "vm/memory/image.h"
#include "vm/memory/remember.h"
#include "vm/options.h"
#include "vm/pool.h"
#include "vm/settings.h"
#include "vm/vm.h"
#include "wasm/os.h"

/* The largest image that a VM copies; it is mapped onto larger ones. */
#define COPIED_LARGEST (UINT32_C(64) << 20)
/* The same for an image that was made for this one VM. */
#define COPIED_ONCE_LARGEST (UINT32_C(4) << 20)
/* VMs that have copies at once; those beyond are mapped whatever the size. */
#define COPIES_MOST 128

static torpor_status fail_memory(void) {
  return torpor__fail(NULL, TORPOR_NOMEM,
                      "the system has no memory or address space for a VM");
}

/* Takes the options, with a copy of the names; false: no memory. */
static bool set_options(torpor_vm *vm, const torpor_options *options) {
  size_t size;
  vm->options = *options;
  vm->options.engine = NULL; /* borrowed */
  vm->untold = torpor__settings_are_any(options);
  if (!options->omit) return true;
  size = strlen(options->omit) + 1;
  vm->omit = torpor__alloc(size);
  if (vm->omit) memcpy(vm->omit, options->omit, size);
  vm->options.omit = vm->omit;
  return vm->omit != NULL;
}

/* A number that no other VM of this process has had. Each thread takes several
 * at once, as threads that count together wait for each other. */
static uint64_t next_owner(void) {
  enum { AT_ONCE = 64 };
  static _Atomic uint64_t taken;
  static _Thread_local uint64_t last;
  if (last % AT_ONCE == 0)
    last = AT_ONCE * atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
  return ++last;
}

static bool set_up(torpor_vm *vm, const torpor_options *options) {
  vm->owner = next_owner();
  vm->error = vm->error_short;
  vm->exception = torpor_undefined();
  vm->memory_max = torpor__options_memory(options);
  vm->control->host.memory_max = (uint32_t)vm->memory_max;
  if (!options) return true;
  vm->wake = options->wake;
  torpor_vm_set_fuel(vm, options->fuel);
  torpor_vm_set_deadline(vm, options->deadline_ms);
  return set_options(vm, options);
}

/* Whether a VM of 'image' is mapped onto it, or gets a copy. A copy is faster
 * as long as it is recycled; but many at once take too much memory, and what
 * was written of a very large one takes too long to find. */
static bool is_mapped(const torpor__image *image,
                      const torpor_options *options) {
  torpor_memory memory = options ? options->memory : TORPOR_MEMORY_AUTO;
  uint32_t most = image->retired ? COPIED_ONCE_LARGEST : COPIED_LARGEST;
  if (memory == TORPOR_MEMORY_POOLED || image->file == TORPOR__OS_NO_FILE)
    return false;
  return memory == TORPOR_MEMORY_MAPPED || image->size > most ||
         torpor__pool_copies() >= COPIES_MOST;
}

torpor_status torpor__vm_take(torpor__image *image,
                              const torpor_options *options, torpor_vm **out) {
  uint64_t memory = torpor__options_memory(options);
  uint32_t pages = (uint32_t)(memory / TORPOR__WASM_PAGE);
  torpor_vm *vm;
  *out = NULL;
  if (pages < image->pages)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "memory_max is %llu bytes; this VM needs at least "
                        "%llu",
                        (unsigned long long)memory,
                        (unsigned long long)image->pages * TORPOR__WASM_PAGE);
  if (options && options->retain_results &&
      !image->engine->exports.torpor_collector)
    return torpor__fail(NULL, TORPOR_UNSUPPORTED,
                        "the engine of this VM is older than the option "
                        "retain_results");
  vm = torpor__pool_take(image, pages, is_mapped(image, options));
  if (!vm) return fail_memory();
  if (!set_up(vm, options)) {
    torpor__vm_give(vm);
    return fail_memory();
  }
  *out = vm;
  return TORPOR_OK;
}

torpor_status torpor__engine_baseline(const torpor__engine *engine,
                                      torpor__image **out) {
  *out = torpor__image_find(engine);
  return *out ? TORPOR_OK : fail_memory();
}

torpor_status torpor__engine_know(const torpor__engine *engine) {
  torpor__image *baseline;
  torpor_vm *vm;
  torpor_status status;
  bool known;
  if (torpor__link_knows(engine)) return TORPOR_OK;
  status = torpor__engine_baseline(engine, &baseline);
  if (status != TORPOR_OK) return status;
  vm = torpor__pool_take(baseline, baseline->pages, false);
  if (!vm) return fail_memory();
  known = torpor__link_ask(vm);
  torpor__pool_give(vm);
  return known ? TORPOR_OK : fail_memory();
}

void torpor__vm_give(torpor_vm *vm) {
  assert(vm->calls == 0 && !vm->in_callback);
  vm->closing = true; /* what finalizers ask is refused */
  torpor__stop_forget(vm);
  torpor__objects_end(vm);
  torpor__binding_sweep(vm, true);
  torpor__classes_end(vm);
  torpor__alloc_free(vm->scopes);
  torpor__alloc_free(vm->omit);
  torpor__given_forget(vm);
  torpor__remember_forget(vm);
  torpor__error_reset(vm);
  torpor__pool_give(vm);
}
