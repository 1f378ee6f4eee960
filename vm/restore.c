/* SPDX-License-Identifier: MIT */
/* restore.c - waking VMs: from a snapshot, or from a chain of them.
 *
 * A chain is a whole snapshot and the differences that follow it. Each is read,
 * checked, put over what there is, and let go before the next one. They are put
 * into the memory of a VM or, for bases and large snapshots, into an image that
 * VMs are mapped onto.
 *
 *  (1) Loading replaces everything or produces nothing.
 *  (2) What was loaded and not entered since saves to the same bytes.
 *  (3) A difference is only put over the snapshot whose id it names.
 *
 * Any thread. */
#include "vm/restore.h"

#include <string.h>

#include "common/alloc.h"
#include "vm/common/bytes.h"
#include "vm/common/error.h"
#include "vm/common/threshold.h"
#include "vm/engines/engine.h"
#include "vm/extensions/manifest.h"
#include "vm/format/container.h"
#include "vm/life.h"
#include "vm/load.h"
#include "vm/memory/check.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/memory/remember.h"
#include "vm/memory/runs.h"
#include "vm/memory/sketch.h"
#include "vm/options.h"
#include "vm/pool.h"
#include "vm/vm.h"

/* Snapshots that take more are laid out as an image of their own. */
TORPOR__THRESHOLD(restored_copied, UINT32_C(1) << 20);

/* What a chain is loaded into: a VM, or an image that is being made. */
typedef struct loader {
  const torpor_options *options;
  const torpor__engine *engine;
  torpor_vm *vm;
  torpor__image *image;
  uint64_t memory;            /* bytes, so far */
  uint32_t end;               /* where the last byte lies that was put in */
  uint32_t table_size;        /* of the engine */
  torpor__link_list *links;   /* extensions of the piece that came last */
  const torpor_slice *before; /* the piece that was loaded last, or NULL */
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]; /* its id, when that is known */
  bool has_id;
  bool is_alone; /* the chain is one piece, for one VM */
} loader;

static torpor_status fail_memory(void) {
  return torpor__fail(NULL, TORPOR_NOMEM, "out of memory for the VM");
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

static torpor_status check_globals(const loader *to,
                                   const torpor__content *globals) {
  if (globals->size != TORPOR__GLOBALS_SIZE)
    return torpor__container_damaged("its globals");
  /* Between turns the stack is empty. */
  if (torpor__bytes_read_u32(globals->data) != to->engine->stack_pointer ||
      torpor__bytes_read_u32(globals->data + 4) !=
          torpor__link_end(to->table_size, to->links))
    return torpor__container_damaged("its globals");
  return TORPOR_OK;
}

/* Each piece names all extensions. */
static torpor_status read_links(loader *to,
                                const torpor__container *container) {
  const torpor__content *content =
      &container->sections[TORPOR__SECTION_EXTENSIONS];
  torpor_status status;
  torpor__alloc_free(to->links);
  to->links = NULL;
  if (!content->present) return TORPOR_OK;
  status = torpor__engine_know(to->engine);
  if (status != TORPOR_OK) return status;
  return torpor__manifest_read(content->data, content->size, to->table_size,
                               (uint64_t)container->pages * TORPOR__WASM_PAGE,
                               &to->links);
}

static torpor_status put_run(void *user, uint32_t start, uint32_t size,
                             const uint8_t *bytes) {
  loader *to = user;
  uint8_t *place = torpor__memory_to(to->vm, start, size);
  if (!place) return TORPOR_NOMEM;
  if (start + size > to->end) to->end = start + size;
  if (bytes)
    memcpy(place, bytes, size);
  else
    memset(place, 0, size);
  return TORPOR_OK;
}

/* Gives what is loaded into 'size' bytes of memory. */
static bool extend(loader *to, uint64_t size) {
  uint32_t pages = (uint32_t)(size / TORPOR__WASM_PAGE);
  to->memory = size;
  if (!to->vm) return torpor__image_extend(to->image, size);
  return torpor__region_set_pages(
      to->vm->region, pages, torpor__region_memory(to->vm->region)->max_pages);
}

static const torpor_abi_control *find_control(const loader *to) {
  const uint8_t *bytes = to->vm ? to->vm->memory : to->image->bytes;
  return (const torpor_abi_control *)(bytes + to->engine->control);
}

static torpor_status load_memory(loader *to, const torpor__content *memory,
                                 uint32_t pages) {
  uint64_t size = (uint64_t)pages * TORPOR__WASM_PAGE;
  const torpor__image *image = to->vm ? to->vm->image : to->image;
  torpor_status status;
  if (size < to->memory) return torpor__container_damaged("its memory's size");
  if (!extend(to, size)) return fail_memory();
  status = torpor__runs_read(image, size, memory->data, memory->size,
                             to->vm ? put_run : torpor__image_put,
                             to->vm ? (void *)to : to->image);
  if (status == TORPOR_OK && to->image && !torpor__image_settle(to->image))
    status = TORPOR_NOMEM;
  if (status == TORPOR_NOMEM) return fail_memory();
  if (status != TORPOR_OK) return torpor__container_damaged("its memory");
  if (find_control(to)->version != to->engine->abi_version ||
      find_control(to)->heap_break > size)
    return torpor__container_damaged("its control block");
  return TORPOR_OK;
}

/* Makes the id of the piece that was loaded last. */
static torpor_status identify(loader *to) {
  to->has_id = true;
  return torpor_snapshot_identify(to->before->data, to->before->size, to->id);
}

/* Where the VM keeps the bytes, or their sketch and the image, the id is made
 * when it is asked for. */
static torpor_status note_piece(loader *to, torpor__content *memory,
                                const torpor_slice *slice) {
  to->before = slice;
  to->has_id = false;
  if (to->vm && !memory->owned) {
    if (torpor__remember_piece(to->vm, memory, slice->data, slice->size))
      return TORPOR_OK;
    return fail_memory();
  }
  if (to->vm && !torpor__remember_piece(to->vm, memory, NULL, 0))
    return fail_memory();
  if (to->is_alone && to->image && !memory->owned)
    to->image->sketch = torpor__sketch_new(slice, memory->data, memory->size);
  return to->image && to->image->sketch ? TORPOR_OK : identify(to);
}

static torpor_status load(loader *to, torpor__container *container,
                          const torpor_slice *slice) {
  torpor__content *memory = &container->sections[TORPOR__SECTION_MEMORY];
  torpor_status status = read_links(to, container);
  if (status == TORPOR_OK)
    status = check_globals(to, &container->sections[TORPOR__SECTION_GLOBALS]);
  if (status == TORPOR_OK) status = load_memory(to, memory, container->pages);
  if (status == TORPOR_OK) status = note_piece(to, memory, slice);
  return status;
}

/* ---- Chains ---------------------------------------------------------------*/

static torpor_status check_first(const torpor__container *container) {
  if (!container->has_parent) return TORPOR_OK;
  return torpor__fail(NULL, TORPOR_PARENT,
                      "the snapshot is a difference from another one; give the "
                      "whole chain, the whole snapshot first");
}

/* Whether 'container' is a difference from what was loaded last. */
static torpor_status check_parent(loader *to,
                                  const torpor__container *container) {
  torpor_status status = to->has_id ? TORPOR_OK : identify(to);
  if (status != TORPOR_OK) return status;
  if (container->has_parent &&
      memcmp(container->parent, to->id, sizeof(to->id)) == 0)
    return TORPOR_OK;
  return torpor__fail(NULL, TORPOR_PARENT,
                      "the snapshot is not a difference from the one before it "
                      "in the chain; give all of the chain in its order");
}

static torpor_status read_piece(const loader *to, const torpor_slice *slice,
                                torpor__container *out) {
  if (slice->size > 0) TORPOR__REQUIRE(NULL, slice->data);
  return torpor__container_read(out, slice->data, slice->size,
                                torpor__options_memory(to->options), true);
}

static torpor_status load_next(loader *to, const torpor_slice *slice) {
  torpor__container container;
  torpor_status status = read_piece(to, slice, &container);
  if (status != TORPOR_OK) return status;
  status = check_parent(to, &container);
  if (status == TORPOR_OK && strcmp(container.engine, to->engine->id) != 0)
    status = torpor__container_damaged("its engine is not that of its parent");
  if (status == TORPOR_OK) status = load(to, &container, slice);
  torpor__container_free(&container);
  return status;
}

static torpor_status load_deltas(loader *to, const torpor_slice *deltas,
                                 size_t count) {
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; i < count && status == TORPOR_OK; i++)
    status = load_next(to, &deltas[i]);
  return status;
}

/* Only an instance knows how large its table is. */
static torpor_status find_table_size(loader *to, torpor__image *baseline) {
  torpor_vm *vm = torpor__pool_take(baseline, baseline->pages, false);
  if (!vm) return fail_memory();
  to->table_size = vm->table_size;
  torpor__pool_give(vm);
  return TORPOR_OK;
}

/* Makes what the chain is loaded into: a VM that is a copy of the baseline, or
 * an image, when that is asked for or the snapshot is large. */
static torpor_status start(loader *to, const torpor__container *container,
                           bool image) {
  uint64_t size = container->sections[TORPOR__SECTION_MEMORY].raw_size;
  torpor_memory memory = to->options ? to->options->memory : TORPOR_MEMORY_AUTO;
  torpor__image *baseline;
  torpor_status status = torpor__engine_baseline(to->engine, &baseline);
  if (status != TORPOR_OK) return status;
  to->memory = (uint64_t)baseline->pages * TORPOR__WASM_PAGE;
  if (image || (memory != TORPOR_MEMORY_POOLED && baseline->file >= 0 &&
                size > torpor__restored_copied)) {
    uint64_t most = torpor__options_memory(to->options);
    to->image = torpor__image_start(to->engine, most);
    return to->image ? find_table_size(to, baseline) : fail_memory();
  }
  status = torpor__vm_take(baseline, to->options, &to->vm);
  if (status == TORPOR_OK) to->table_size = to->vm->table_size;
  return status;
}

static torpor_status load_first(loader *to, const torpor_slice *slice,
                                bool image) {
  torpor__container container;
  torpor_status status = read_piece(to, slice, &container);
  if (status != TORPOR_OK) return status;
  status = check_first(&container);
  if (status == TORPOR_OK)
    status = find_engine(&container, to->options, &to->engine);
  if (status == TORPOR_OK) status = start(to, &container, image);
  if (status == TORPOR_OK) status = load(to, &container, slice);
  torpor__container_free(&container);
  return status;
}

/* Clears what lies behind the end of the heap: we write zeros there, but not
 * every snapshot was made by us. */
static torpor_status cut(loader *to) {
  torpor_status status = TORPOR_OK;
  uint32_t limit;
  if (to->vm) {
    if (to->end < to->vm->image->end) to->end = to->vm->image->end;
    return torpor__memory_cut(to->vm, to->end) ? TORPOR_OK : fail_memory();
  }
  limit = torpor__memory_limit_of(to->image->baseline,
                                  find_control(to)->heap_break, to->memory);
  if (limit < to->image->end && !to->has_id) status = identify(to);
  torpor__image_cut(to->image, limit);
  return status;
}

/* Binds the VM to its extensions; those of an image are bound to each VM. */
static torpor_status bind(loader *to) {
  if (to->vm) return torpor__link_all(to->vm, to->links);
  to->image->links = to->links;
  to->links = NULL;
  return TORPOR_OK;
}

static torpor_status load_chain(loader *to, const torpor_slice *chain,
                                size_t count, bool image) {
  torpor_status status;
  if (count == 0 || count > TORPOR_CHAIN_LARGEST)
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "a chain has 1 to %d snapshots, this one %zu",
                        TORPOR_CHAIN_LARGEST, count);
  TORPOR__REQUIRE(NULL, chain);
  to->is_alone = count == 1 && !image;
  status = load_first(to, chain, image);
  if (status == TORPOR_OK) status = load_deltas(to, chain + 1, count - 1);
  if (status == TORPOR_OK) status = cut(to);
  if (status == TORPOR_OK) status = bind(to);
  return status;
}

/* ---- VMs ------------------------------------------------------------------*/

/* Opens the only VM of the image that was made. */
static torpor_status open_alone(loader *to) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_status status;
  if (!torpor__image_finish(to->image, false)) return fail_memory();
  if (to->options) options = *to->options;
  if (options.memory == TORPOR_MEMORY_AUTO)
    options.memory = TORPOR_MEMORY_MAPPED;
  status = torpor__vm_take(to->image, &options, &to->vm);
  torpor__image_retire(to->image);
  if (status != TORPOR_OK) return status;
  to->vm->remembered.limit = torpor__memory_limit(to->vm);
  return TORPOR_OK;
}

/* The VM, asleep; or nothing. */
static torpor_status finish(loader *to, torpor_status status, torpor_vm **out) {
  if (status == TORPOR_OK && to->image) status = open_alone(to);
  torpor__image_release(to->image);
  torpor__alloc_free(to->links);
  if (status == TORPOR_OK &&
      !torpor__remember_pieces(to->vm, to->has_id ? to->id : NULL))
    status = fail_memory();
  if (status == TORPOR_OK && torpor__load_when_touched(to->vm) != TORPOR_OK)
    status = fail_memory();
  if (status != TORPOR_OK) {
    if (to->vm) torpor__vm_give(to->vm);
    return status;
  }
  to->vm->asleep = true;
  torpor__vm_check_remembers(to->vm);
  torpor__vm_check(to->vm);
  *out = to->vm;
  return TORPOR_OK;
}

torpor_status torpor_snapshot_restore_chain(const torpor_slice *chain,
                                            size_t count,
                                            const torpor_options *options,
                                            torpor_vm **out) {
  torpor_options own;
  torpor_status status = torpor__options_take(&options, &own);
  loader to = {.options = options};
  TORPOR__REQUIRE(NULL, out);
  *out = NULL;
  if (status == TORPOR_OK) status = load_chain(&to, chain, count, false);
  return finish(&to, status, out);
}

torpor_status torpor_snapshot_restore(const void *data, size_t size,
                                      const torpor_options *options,
                                      torpor_vm **out) {
  return torpor_snapshot_restore_chain(&(torpor_slice){data, size}, 1, options,
                                       out);
}

/* ---- Images ---------------------------------------------------------------*/

torpor_status torpor__restore_image(const torpor_slice *chain, size_t count,
                                    const torpor_options *options,
                                    torpor__image **out,
                                    uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]) {
  torpor_options own;
  torpor_status status = torpor__options_take(&options, &own);
  loader to = {.options = options};
  *out = NULL;
  if (status == TORPOR_OK) status = load_chain(&to, chain, count, true);
  if (status == TORPOR_OK && !torpor__image_finish(to.image, true))
    status = fail_memory();
  torpor__alloc_free(to.links);
  if (status != TORPOR_OK) {
    torpor__image_release(to.image);
    return status;
  }
  memcpy(id, to.id, sizeof(to.id));
  *out = to.image;
  return TORPOR_OK;
}

torpor_status torpor__restore_onto(torpor__image *image,
                                   const uint8_t id[TORPOR_SNAPSHOT_ID_SIZE],
                                   const torpor_slice *deltas, size_t count,
                                   const torpor_options *options,
                                   torpor_vm **out) {
  torpor_options own;
  torpor_status status = torpor__options_take(&options, &own);
  loader to = {.options = options, .engine = image->engine, .has_id = true};
  *out = NULL;
  if (status == TORPOR_OK && count >= TORPOR_CHAIN_LARGEST)
    status =
        torpor__fail(NULL, TORPOR_MISUSE, "a chain has at most %d snapshots",
                     TORPOR_CHAIN_LARGEST);
  if (status != TORPOR_OK) return status;
  if (count > 0) TORPOR__REQUIRE(NULL, deltas);
  memcpy(to.id, id, sizeof(to.id));
  status = torpor__vm_take(image, options, &to.vm);
  if (status != TORPOR_OK) return status;
  to.memory = torpor__memory_size(to.vm);
  to.table_size = to.vm->table_size;
  to.vm->remembered.limit = torpor__memory_limit(to.vm);
  status = load_deltas(&to, deltas, count);
  if (status == TORPOR_OK) status = cut(&to);
  if (status == TORPOR_OK && count > 0) status = bind(&to);
  return finish(&to, status, out);
}
