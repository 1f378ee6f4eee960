/* SPDX-License-Identifier: MIT */
/* linking.c - the extensions of a VM.
 *
 * The function table of a VM begins with the engine's functions; behind them
 * each extension has, in the order of loading,
 *
 *   its own functions, aligned | three slots, empty but while it is loaded
 *
 * and an instance on the host's heap, with the functions of the engine that it
 * calls. Where it lies is part of a snapshot, so binding it again needs nothing
 * from the guest.
 *
 *  (1) Binding writes no byte of guest memory.
 *  (2) A function of the engine is called by extensions with the engine's own
 *      instance, and only if its type is the one that they want.
 *  (3) What is known of an engine is asked of a VM in which no program ever
 *      ran: all VMs of the process rely on it.
 *  (4) A VM of an image has the image's extensions for as long as its memory is
 *      recycled; others are taken off when it is closed.
 *
 * The VM's thread; what is known of engines is shared, under a lock. */
#include "vm/extensions/linking.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/border/enter.h"
#include "vm/common/error.h"
#include "vm/memory/memory.h"
#include "wasm/mutex.h"

#define ENGINES_MOST 65

/* ---- What engines have ----------------------------------------------------*/

/* The functions of an engine that extensions may call. */
typedef struct engine_functions {
  const torpor__engine *engine;
  uint32_t interface; /* 0: it is older, and has none */
  uint32_t count, poll_counter;
  uint32_t *indexes; /* in its function table */
} engine_functions;

static engine_functions engines[ENGINES_MOST];
static size_t engine_count;

static const engine_functions *find_engine(const torpor__engine *engine) {
  const engine_functions *found = NULL;
  torpor__mutex_take(TORPOR__MUTEX_EXTENSIONS);
  for (size_t i = 0; i < engine_count && !found; i++)
    if (engines[i].engine == engine) found = &engines[i];
  torpor__mutex_give(TORPOR__MUTEX_EXTENSIONS);
  return found;
}

/* Another thread may have added it meanwhile: then it is there twice, and the
 * first one is found. */
static bool add_engine(const engine_functions *functions) {
  bool added;
  torpor__mutex_take(TORPOR__MUTEX_EXTENSIONS);
  added = engine_count < ENGINES_MOST;
  if (added) engines[engine_count++] = *functions;
  torpor__mutex_give(TORPOR__MUTEX_EXTENSIONS);
  return added;
}

/* Asks the guest, which answers from its constants. */
static bool ask_engine(torpor_vm *vm, engine_functions *functions) {
  uint64_t *result = vm->control->host.result;
  const uint8_t *indexes;
  size_t size;
  if (!vm->engine->exports.torpor_extension_functions) return true;
  if (torpor__enter(vm, TORPOR__EXPORT_torpor_extension_functions, NULL) !=
      TORPOR_OK)
    return false;
  functions->interface = (uint32_t)result[0];
  functions->count = (uint32_t)result[1];
  functions->poll_counter = (uint32_t)result[2];
  memset(result, 0, sizeof(vm->control->host.result));
  size = functions->count * sizeof(*functions->indexes);
  indexes = torpor__memory_at(vm, vm->returned, size);
  functions->indexes = indexes ? torpor__alloc(size) : NULL;
  if (functions->indexes) memcpy(functions->indexes, indexes, size);
  return functions->indexes != NULL;
}

bool torpor__link_knows(const torpor__engine *engine) {
  return find_engine(engine) != NULL;
}

bool torpor__link_ask(torpor_vm *vm) {
  engine_functions functions = {.engine = vm->engine};
  bool asked;
  vm->calls++;
  asked = ask_engine(vm, &functions);
  vm->calls--;
  if (!asked) return false;
  if (add_engine(&functions)) return true;
  torpor__alloc_free(functions.indexes);
  return false;
}

/* ---- One extension --------------------------------------------------------*/

struct torpor__linked {
  torpor__link link;
  uint32_t table_before; /* where the table ended */
  wasm_rt_function_ptr_t *functions;
  uint32_t *pointers;
  void *instance;
};

static wasm_rt_funcref_table_t *table_of(const torpor_vm *vm) {
  return vm->engine->share_table(vm->instance);
}

static torpor_status refuse(torpor_vm *told, const torpor__link *link,
                            const char *what, const char *name,
                            const char *remedy) {
  return torpor__fail(told, TORPOR_EXTENSION,
                      "extension '%.64s' cannot be loaded: %s%.100s%s",
                      link->name, what, name, remedy);
}

static torpor_status check_interface(torpor_vm *told, const torpor__link *link,
                                     uint32_t interface) {
  if (interface == 0)
    return refuse(told, link, "the engine of this VM is older than extensions",
                  "", "; use a newer one");
  if (link->known->extension->interface <= interface) return TORPOR_OK;
  return refuse(told, link,
                "it was made for a newer interface than this VM's engine has",
                "", "; use a newer Torpor, or build it with this one's header");
}

/* The entry of the engine's function 'number', or NULL. */
static const wasm_rt_funcref_t *find_entry(const torpor_vm *vm,
                                           const engine_functions *functions,
                                           uint32_t number, uint32_t *index) {
  const wasm_rt_funcref_table_t *table = table_of(vm);
  if (number >= functions->count) return NULL;
  *index = functions->indexes[number];
  if (*index == 0 || *index >= vm->table_size || *index >= table->size)
    return NULL;
  return &table->data[*index];
}

static torpor_status find_imports(const torpor_vm *vm, torpor_vm *told,
                                  const engine_functions *functions,
                                  struct torpor__linked *bound) {
  const torpor__extension_known *known = bound->link.known;
  const torpor__extension *extension = known->extension;
  uint32_t index;
  for (size_t i = 0; i < extension->import_count; i++) {
    const torpor__extension_import *import = &extension->imports[i];
    const wasm_rt_funcref_t *entry =
        find_entry(vm, functions, known->functions[i], &index);
    if (!entry)
      return refuse(told, &bound->link, "the engine has no function ",
                    import->name, "");
    if (entry->func_type != known->types[i] || known->types[i] == 0)
      return refuse(told, &bound->link, "it calls ", import->name,
                    " with other types than the engine's; build it with this "
                    "Torpor's headers");
    bound->functions[i] = entry->func;
  }
  for (size_t i = 0; i < extension->pointer_count; i++)
    if (!find_entry(vm, functions, known->pointers[i], &bound->pointers[i]))
      return refuse(told, &bound->link, "the engine has no function ",
                    extension->pointers[i], "");
  return TORPOR_OK;
}

/* One block: the instance, then both arrays. */
static bool make_parts(struct torpor__linked *bound) {
  const torpor__extension *extension = bound->link.known->extension;
  size_t functions = extension->import_count * sizeof(*bound->functions);
  size_t pointers = extension->pointer_count * sizeof(*bound->pointers);
  size_t instance = (extension->instance_size + 15) & ~(size_t)15;
  uint8_t *block = torpor__alloc(instance + functions + pointers);
  if (!block) return false;
  memset(block, 0, instance);
  bound->instance = block;
  bound->functions = (wasm_rt_function_ptr_t *)(void *)(block + instance);
  bound->pointers = (uint32_t *)(void *)(block + instance + functions);
  return true;
}

static bool bind(torpor_vm *vm, uint32_t poll_counter,
                 struct torpor__linked *bound) {
  const torpor__extension *extension = bound->link.known->extension;
  const torpor__extension_env env = {
      .engine = vm->instance,
      .memory = torpor__region_memory(vm->region),
      .table = table_of(vm),
      .stack_pointer = vm->engine->share_stack_pointer(vm->instance),
      .memory_base = bound->link.memory,
      .table_base = bound->link.table,
      .poll_counter = poll_counter,
      .functions = bound->functions,
      .pointers = bound->pointers,
  };
  return extension->bind(bound->instance, &env);
}

static uint32_t end_of(uint32_t table, const torpor__extension *extension) {
  return table + extension->table_size + TORPOR__LINK_SLOTS;
}

static uint32_t place_at(uint32_t end, const torpor__extension *extension) {
  uint32_t mask = (UINT32_C(1) << extension->table_align) - 1;
  return (end + mask) & ~mask;
}

uint32_t torpor__link_place(const torpor_vm *vm,
                            const torpor__extension *extension) {
  return place_at(table_of(vm)->size, extension);
}

static torpor_status fill(torpor_vm *vm, torpor_vm *told,
                          const engine_functions *functions,
                          struct torpor__linked *bound) {
  const torpor__link *link = &bound->link;
  torpor_status status = check_interface(told, link, functions->interface);
  if (status == TORPOR_OK) status = find_imports(vm, told, functions, bound);
  if (status != TORPOR_OK) return status;
  if (!torpor__table_resize(table_of(vm),
                            end_of(link->table, link->known->extension)) ||
      !bind(vm, functions->poll_counter, bound))
    return torpor__fail(told, TORPOR_NOMEM, "no memory for an extension");
  return TORPOR_OK;
}

static bool make_room(torpor_vm *vm) {
  struct torpor__linked *bound;
  size_t room = vm->link_count ? 2 * (size_t)vm->link_count : 4;
  if (vm->link_count < vm->link_room) return true;
  bound = torpor__alloc_resize(vm->links, room * sizeof(*bound));
  if (!bound) return false;
  vm->links = bound;
  vm->link_room = (uint32_t)room;
  return true;
}

torpor_status torpor__link_add(torpor_vm *vm, torpor_vm *told,
                               const torpor__link *link) {
  const engine_functions *functions = find_engine(vm->engine);
  struct torpor__linked bound = {.link = *link,
                                 .table_before = table_of(vm)->size};
  torpor_status status;
  if (vm->link_count == TORPOR__LINKS_MOST)
    return torpor__fail(told, TORPOR_LIMIT, "a VM has at most %d extensions",
                        TORPOR__LINKS_MOST);
  if (!functions || !make_room(vm) || !make_parts(&bound))
    return torpor__fail(told, TORPOR_NOMEM, "no memory for an extension");
  status = fill(vm, told, functions, &bound);
  if (status == TORPOR_OK) {
    vm->links[vm->link_count++] = bound;
    return TORPOR_OK;
  }
  torpor__table_resize(table_of(vm), bound.table_before);
  torpor__alloc_free(bound.instance);
  return status;
}

/* ---- All of them ----------------------------------------------------------*/

static bool is_same(const torpor__link *one, const torpor__link *other) {
  return one->known == other->known && one->memory == other->memory &&
         one->table == other->table && strcmp(one->name, other->name) == 0;
}

torpor_status torpor__link_all(torpor_vm *vm, const torpor__link_list *list) {
  uint32_t count = list ? list->count : 0;
  if (count < vm->link_count)
    return torpor__fail(NULL, TORPOR_EXTENSION,
                        "the snapshot lacks extension '%.64s' of its parent",
                        vm->links[count].link.name);
  for (uint32_t i = 0; i < count; i++) {
    torpor_status status = TORPOR_OK;
    if (i >= vm->link_count)
      status = torpor__link_add(vm, NULL, &list->items[i]);
    else if (!is_same(&vm->links[i].link, &list->items[i]))
      status = torpor__fail(NULL, TORPOR_EXTENSION,
                            "the snapshot has extension '%.64s' where its "
                            "parent has '%.64s'",
                            list->items[i].name, vm->links[i].link.name);
    if (status != TORPOR_OK) return status;
  }
  return TORPOR_OK;
}

torpor_status torpor__link_copy(const torpor_vm *vm, torpor__link_list **out) {
  torpor__link_list *list;
  *out = NULL;
  if (vm->link_count == 0) return TORPOR_OK;
  list = torpor__alloc(sizeof(*list) + vm->link_count * sizeof(*list->items));
  if (!list)
    return torpor__fail(NULL, TORPOR_NOMEM, "no memory for extensions");
  list->count = vm->link_count;
  for (uint32_t i = 0; i < list->count; i++) list->items[i] = vm->links[i].link;
  *out = list;
  return TORPOR_OK;
}

void torpor__link_cut(torpor_vm *vm, uint32_t count) {
  if (count < vm->link_count) {
    /* Without memory for a smaller table, a longer one stays: such a VM is not
     * used again (pool.c). */
    torpor__table_resize(table_of(vm), vm->links[count].table_before);
    while (vm->link_count > count)
      torpor__alloc_free(vm->links[--vm->link_count].instance);
  }
  if (vm->link_count > 0) return;
  torpor__alloc_free(vm->links);
  vm->links = NULL;
  vm->link_room = 0;
}

const torpor__link *torpor__link_at(const torpor_vm *vm, uint32_t index) {
  return &vm->links[index].link;
}

uint32_t torpor__link_end(uint32_t table_size, const torpor__link_list *list) {
  const torpor__link *last;
  if (!list) return table_size;
  last = &list->items[list->count - 1];
  return end_of(last->table, last->known->extension);
}

bool torpor__link_is_placed(uint32_t end, const torpor__link *link) {
  return link->table == place_at(end, link->known->extension);
}

/* ---- Slots ----------------------------------------------------------------*/

static const torpor__extension_export *
find_export(const torpor__extension *extension, const char *name,
            const char *type) {
  for (size_t i = 0; i < extension->export_count; i++)
    if (strcmp(extension->exports[i].name, name) == 0 &&
        strcmp(extension->exports[i].type, type) == 0)
      return &extension->exports[i];
  return NULL;
}

static uint32_t first_slot(const struct torpor__linked *bound) {
  return bound->link.table + bound->link.known->extension->table_size;
}

uint32_t torpor__link_slot(torpor_vm *vm, uint32_t slot, const char *name,
                           const char *type) {
  const struct torpor__linked *bound = &vm->links[vm->link_count - 1];
  const torpor__extension_export *export =
      find_export(bound->link.known->extension, name, type);
  uint32_t index = first_slot(bound) + slot;
  if (!export) return 0;
  table_of(vm)->data[index] = (wasm_rt_funcref_t){
      torpor__type_number(type), export->function, bound->instance};
  return index;
}

void torpor__link_empty(torpor_vm *vm) {
  uint32_t first = first_slot(&vm->links[vm->link_count - 1]);
  memset(&table_of(vm)->data[first], 0,
         TORPOR__LINK_SLOTS * sizeof(wasm_rt_funcref_t));
}
