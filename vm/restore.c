/* SPDX-License-Identifier: MIT */
/* restore.c - waking VMs: from a snapshot, or from a chain of them.
 *
 * A chain is a whole snapshot and the differences that follow it. Each piece is
 * checked, put over the memory, and let go before the next one is read.
 *
 *  (1) Loading replaces everything or produces nothing.
 *  (2) What was loaded and not entered since saves to the same bytes.
 *  (3) A difference is only put over the snapshot whose id it names.
 *
 * Runs on the VM's thread. */
#include "torpor.h"

#include <string.h>

#include "vm/changes.h"
#include "vm/remember.h"

static uint32_t read_u32(const uint8_t *from) {
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
         (uint32_t)from[3] << 24;
}

static torpor_status damaged(const char *what) {
  return torpor__fail(NULL, TORPOR_FORMAT,
                      "the snapshot is damaged (%s); use another copy of it",
                      what);
}

static torpor_status fail_memory(void) {
  return torpor__fail(NULL, TORPOR_NOMEM, "no memory to wake the VM in");
}

/* ---- One piece ------------------------------------------------------------*/

static torpor_status find_engine(const torpor__container *container,
                                 const torpor_options *options,
                                 const torpor__engine **out) {
  if (options && options->engine &&
      strcmp(options->engine, container->engine) != 0)
    return torpor__fail(NULL, TORPOR_ENGINE,
                        "the snapshot is of engine %s, the options name %.64s; "
                        "leave the engine out of the options",
                        container->engine, options->engine);
  return torpor__options_engine(NULL, container->engine, out);
}

static torpor_status check_globals(const torpor_vm *vm,
                                   const torpor__content *globals) {
  if (globals->size != TORPOR__GLOBALS_SIZE) return damaged("its globals");
  /* Between turns the stack is empty. */
  if (read_u32(globals->data) != vm->engine->stack_pointer ||
      read_u32(globals->data + 4) != vm->table_size)
    return damaged("its globals");
  return TORPOR_OK;
}

static torpor_status put_run(void *user, uint32_t start, uint32_t size,
                             const uint8_t *bytes) {
  uint8_t *place = torpor__memory_to(user, start, size);
  if (!place) return TORPOR_NOMEM;
  if (bytes)
    memcpy(place, bytes, size);
  else
    memset(place, 0, size);
  return TORPOR_OK;
}

static torpor_status load_memory(torpor_vm *vm, const torpor__content *memory,
                                 uint32_t pages) {
  uint64_t size = (uint64_t)pages * TORPOR__WASM_PAGE;
  uint32_t pages_max = torpor__region_memory(vm->region)->max_pages;
  torpor_status status;
  if (size < torpor__memory_size(vm)) return damaged("its memory's size");
  if (!torpor__region_set_pages(vm->region, pages, pages_max))
    return fail_memory();
  status = torpor__changes_read(vm->image, size, memory->data, memory->size,
                                put_run, vm);
  if (status == TORPOR_NOMEM) return fail_memory();
  if (status != TORPOR_OK) return damaged("its memory");
  if (vm->control->version != TORPOR_ABI_VERSION ||
      vm->control->heap_break > size)
    return damaged("its control block");
  return TORPOR_OK;
}

static torpor_status load(torpor_vm *vm, torpor__container *container,
                          const torpor_slice *slice) {
  torpor__content *memory = &container->sections[TORPOR__SECTION_MEMORY];
  torpor_status status =
      check_globals(vm, &container->sections[TORPOR__SECTION_GLOBALS]);
  if (status == TORPOR_OK) status = load_memory(vm, memory, container->pages);
  if (status != TORPOR_OK) return status;
  if (memory->owned) {
    status =
        torpor_snapshot_identify(slice->data, slice->size, vm->remembered.id);
    if (status != TORPOR_OK) return status;
  }
  if (!torpor__remember_piece(vm, memory, slice->data, slice->size))
    return fail_memory();
  return TORPOR_OK;
}

/* ---- Chains ---------------------------------------------------------------*/

/* Whether 'container' is what follows 'before' (NULL: begins a chain). */
static torpor_status check_parent(const torpor__container *container,
                                  const torpor_slice *before) {
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
  torpor_status status;
  if (!before && container->has_parent)
    return torpor__fail(NULL, TORPOR_PARENT,
                        "the snapshot is a difference from another one; give "
                        "the whole chain, the whole snapshot first");
  if (!before) return TORPOR_OK;
  status = torpor_snapshot_identify(before->data, before->size, id);
  if (status != TORPOR_OK) return status;
  if (container->has_parent && memcmp(container->parent, id, sizeof(id)) == 0)
    return TORPOR_OK;
  return torpor__fail(NULL, TORPOR_PARENT,
                      "the snapshot is not a difference from the one before it "
                      "in the chain; give all of the chain in its order");
}

static torpor_status load_next(torpor_vm *vm, const torpor_slice *slice,
                               const torpor_options *options) {
  torpor__container container;
  torpor_status status =
      torpor__container_read(&container, slice->data, slice->size,
                             torpor__options_memory(options), true);
  if (status != TORPOR_OK) return status;
  status = check_parent(&container, slice - 1);
  if (status == TORPOR_OK && strcmp(container.engine, vm->engine->id) != 0)
    status = damaged("its engine is not that of its parent");
  if (status == TORPOR_OK) status = load(vm, &container, slice);
  torpor__container_free(&container);
  return status;
}

static torpor_status load_first(const torpor_slice *slice,
                                const torpor_options *options,
                                torpor_vm **out) {
  const torpor__engine *engine;
  torpor__container container;
  torpor_status status =
      torpor__container_read(&container, slice->data, slice->size,
                             torpor__options_memory(options), true);
  if (status != TORPOR_OK) return status;
  status = check_parent(&container, NULL);
  if (status == TORPOR_OK) status = find_engine(&container, options, &engine);
  if (status == TORPOR_OK) status = torpor__vm_take(engine, options, out);
  if (status == TORPOR_OK) status = load(*out, &container, slice);
  torpor__container_free(&container);
  return status;
}

torpor_status torpor_snapshot_restore_chain(const torpor_slice *chain,
                                            size_t count,
                                            const torpor_options *options,
                                            torpor_vm **out) {
  torpor_vm *vm = NULL;
  torpor_status status = torpor__options_check(options);
  *out = NULL;
  if (status != TORPOR_OK) return status;
  if (count == 0 || count > TORPOR_CHAIN_LARGEST)
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "a chain has 1 to %d snapshots, this one %zu",
                        TORPOR_CHAIN_LARGEST, count);
  status = load_first(chain, options, &vm);
  for (size_t i = 1; i < count && status == TORPOR_OK; i++)
    status = load_next(vm, &chain[i], options);
  if (status != TORPOR_OK) {
    if (vm) torpor__vm_give(vm);
    return status;
  }
  vm->remembered.known = true;
  vm->asleep = true;
  *out = vm;
  return TORPOR_OK;
}

torpor_status torpor_snapshot_restore(const void *data, size_t size,
                                      const torpor_options *options,
                                      torpor_vm **out) {
  return torpor_snapshot_restore_chain(&(torpor_slice){data, size}, 1, options,
                                       out);
}
