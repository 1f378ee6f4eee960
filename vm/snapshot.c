/* SPDX-License-Identifier: MIT */
/* snapshot.c - putting a VM to sleep and waking it.
 *
 * A snapshot is guest memory, as its difference from the baseline, plus the
 * little outside it that the guest can observe: globals, table size. Host
 * functions are bound again by name, not stored. Pending operations are listed
 * once more as CBOR, for whoever wants to know without an engine what a
 * sleeping VM waits for. Bytes: docs/snapshot-format.md.
 *
 *  (1) Saved only between turns, so no guest frame is on the native stack.
 *  (2) Loading replaces everything or changes nothing.
 *  (3) What was loaded and not entered since saves to the same bytes.
 *
 * Runs on the VM's thread. */
#include <string.h>

#include "vm/cbor.h"
#include "vm/changes.h"
#include "vm/container.h"
#include "vm/vm.h"

#define GLOBALS_SIZE 8

/* ---- Save -----------------------------------------------------------------*/

static void write_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++, value >>= 8) to[i] = (uint8_t)value;
}

static uint32_t read_u32(const uint8_t *from) {
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
         (uint32_t)from[3] << 24;
}

static void write_globals(torpor_vm *vm, torpor__buffer *out) {
  uint8_t globals[GLOBALS_SIZE];
  write_u32(globals, vm->engine->get_stack_pointer(vm->instance));
  write_u32(globals + 4, vm->engine->table_size(vm->instance));
  torpor__buffer_add(out, globals, sizeof(globals));
}

static void write_operation(torpor__buffer *out,
                            const torpor_operation *operation) {
  torpor__cbor_head(out, TORPOR__CBOR_MAP, 5);
  torpor__cbor_string(out, "id");
  torpor__cbor_head(out, TORPOR__CBOR_UNSIGNED, operation->id);
  torpor__cbor_string(out, "kind");
  torpor__cbor_string(out, operation->kind);
  torpor__cbor_string(out, "request");
  torpor__cbor_head(out, TORPOR__CBOR_TAG, TORPOR__TAG_CBOR);
  torpor__cbor_bytes(out, TORPOR__CBOR_BYTES, operation->request,
                     operation->request_size);
  torpor__cbor_string(out, "due");
  torpor__cbor_number(out, operation->due);
  torpor__cbor_string(out, "begun");
  torpor__cbor_number(out, operation->begun);
}

static torpor_status write_operations(torpor_vm *vm, torpor__buffer *out) {
  size_t count = torpor_operation_count(vm);
  torpor__cbor_head(out, TORPOR__CBOR_ARRAY, count);
  for (size_t i = 0; i < count; i++) {
    torpor_operation operation;
    torpor_status status = torpor_operation_at(vm, i, &operation);
    if (status != TORPOR_OK) return status;
    write_operation(out, &operation);
    /* A damaged table may name one large request many times. */
    if (out->size > torpor__memory_size(vm))
      return torpor__fail_damaged(vm, "its table of operations");
    if (out->size > TORPOR__SECTION_LARGEST)
      return torpor__fail(vm, TORPOR_LIMIT,
                          "the requests of pending operations take more than "
                          "%llu bytes",
                          (unsigned long long)TORPOR__SECTION_LARGEST);
  }
  return TORPOR_OK;
}

torpor_status torpor_snapshot_save(torpor_vm *vm, torpor_bytes *out) {
  torpor__container_writer writer;
  torpor_status status;
  *out = (torpor_bytes){NULL, 0};
  if (vm->broken) return TORPOR_BROKEN;
  if (vm->calls > 0 || vm->in_callback)
    return torpor__fail(vm, TORPOR_BUSY,
                        "no snapshot can be taken while guest code is on the "
                        "stack; return from the host function first");
  torpor__container_start(&writer, vm->engine->id,
                          torpor__region_memory(vm->region)->pages);
  torpor__section_start(&writer, TORPOR__SECTION_GLOBALS);
  write_globals(vm, &writer.out);
  torpor__section_stop(&writer);
  torpor__section_start(&writer, TORPOR__SECTION_OPERATIONS);
  status = write_operations(vm, &writer.out);
  if (status != TORPOR_OK) {
    torpor__buffer_free(&writer.out);
    return status;
  }
  torpor__section_stop(&writer);
  torpor__section_start(&writer, TORPOR__SECTION_MEMORY);
  torpor__changes_write(vm, &writer.out);
  torpor__section_stop(&writer);
  status = torpor__container_finish(&writer, out);
  if (status != TORPOR_OK)
    return torpor__fail(vm, status, "out of memory for the snapshot");
  return TORPOR_OK;
}

/* ---- Restore --------------------------------------------------------------*/

static torpor_status damaged(const char *what) {
  return torpor__fail(NULL, TORPOR_FORMAT,
                      "the snapshot is damaged (%s); use another copy of it",
                      what);
}

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

static torpor_status load_globals(torpor_vm *vm,
                                  const torpor__content *globals) {
  uint32_t stack_pointer;
  if (globals->size != GLOBALS_SIZE) return damaged("its globals");
  stack_pointer = read_u32(globals->data);
  /* Between turns the stack is empty. */
  if (stack_pointer != vm->engine->stack_pointer ||
      read_u32(globals->data + 4) != vm->table_size)
    return damaged("its globals");
  return TORPOR_OK;
}

static torpor_status load_memory(torpor_vm *vm, const torpor__content *memory,
                                 uint32_t pages) {
  uint64_t size = (uint64_t)pages * TORPOR__WASM_PAGE;
  uint32_t pages_max = torpor__region_memory(vm->region)->max_pages;
  torpor_status status;
  if (pages < vm->engine->pages) return damaged("its memory's size");
  if (!torpor__region_set_pages(vm->region, pages, pages_max))
    return torpor__fail(NULL, TORPOR_NOMEM, "no memory to wake the VM in");
  status = torpor__changes_read(vm, memory->data, memory->size);
  if (status == TORPOR_NOMEM)
    return torpor__fail(NULL, TORPOR_NOMEM, "no memory to wake the VM in");
  if (status != TORPOR_OK) return damaged("its memory");
  if (vm->control->version != TORPOR_ABI_VERSION ||
      vm->control->heap_break > size)
    return damaged("its control block");
  return TORPOR_OK;
}

static torpor_status load(const torpor__container *container,
                          const torpor_options *options, torpor_vm **out) {
  const torpor__engine *engine;
  torpor_vm *vm;
  torpor_status status = find_engine(container, options, &engine);
  if (status == TORPOR_OK) status = torpor__vm_take(engine, options, &vm);
  if (status != TORPOR_OK) return status;
  status = load_globals(vm, &container->sections[TORPOR__SECTION_GLOBALS]);
  if (status == TORPOR_OK)
    status = load_memory(vm, &container->sections[TORPOR__SECTION_MEMORY],
                         container->pages);
  if (status != TORPOR_OK) {
    torpor__vm_give(vm);
    return status;
  }
  vm->asleep = true;
  *out = vm;
  return TORPOR_OK;
}

torpor_status torpor_snapshot_restore(const void *data, size_t size,
                                      const torpor_options *options,
                                      torpor_vm **out) {
  torpor__container container;
  torpor_status status;
  *out = NULL;
  status = torpor__options_check(options);
  if (status == TORPOR_OK)
    status = torpor__container_read(&container, data, size,
                                    torpor__options_memory(options), true);
  if (status != TORPOR_OK) return status;
  status = load(&container, options, out);
  torpor__container_free(&container);
  return status;
}

/* ---- Looking into one -----------------------------------------------------*/

/* The pending operations: an array, whose length is in its head. */
static torpor_status check_operations(const torpor__content *content,
                                      uint32_t *count) {
  torpor__cbor_reader reader = {content->data, content->data,
                                content->data + content->size};
  torpor__cbor_item array;
  if (!torpor__cbor_next(&reader, &array) ||
      array.major != TORPOR__CBOR_ARRAY || array.indefinite ||
      array.value > UINT32_MAX)
    return damaged("its list of operations");
  reader.at = reader.start;
  if (!torpor__cbor_skip(&reader) || reader.at != reader.end)
    return damaged("its list of operations");
  *count = (uint32_t)array.value;
  return TORPOR_OK;
}

static torpor_status copy_content(const torpor__content *content,
                                  torpor_bytes *out) {
  torpor__buffer buffer = {0};
  torpor__buffer_add(&buffer, content->data, content->size);
  if (torpor__buffer_finish(&buffer, out) == TORPOR_OK) return TORPOR_OK;
  return torpor__fail(NULL, TORPOR_NOMEM, "out of memory");
}

static torpor_status describe(const torpor__container *container,
                              torpor_snapshot_info *info,
                              torpor_bytes *operations) {
  const torpor__content *list =
      &container->sections[TORPOR__SECTION_OPERATIONS];
  const torpor__content *memory = &container->sections[TORPOR__SECTION_MEMORY];
  torpor_status status;
  memcpy(info->engine, container->engine, sizeof(info->engine));
  info->version = container->version;
  info->memory = (uint64_t)container->pages * TORPOR__WASM_PAGE;
  info->bytes = memory->raw_size;
  status = check_operations(list, &info->operations);
  if (status != TORPOR_OK || !operations) return status;
  return copy_content(list, operations);
}

torpor_status torpor_snapshot_read(const void *data, size_t size,
                                   torpor_snapshot_info *info,
                                   torpor_bytes *operations) {
  torpor__container container;
  torpor_status status;
  memset(info, 0, sizeof(*info));
  if (operations) *operations = (torpor_bytes){NULL, 0};
  status = torpor__container_read(&container, data, size, TORPOR_MEMORY_LARGEST,
                                  false);
  if (status != TORPOR_OK) return status;
  status = describe(&container, info, operations);
  torpor__container_free(&container);
  if (status != TORPOR_OK) memset(info, 0, sizeof(*info));
  return status;
}
