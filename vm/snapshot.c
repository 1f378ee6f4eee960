/* SPDX-License-Identifier: MIT */
/* snapshot.c - putting a VM to sleep, and looking into a sleeping one.
 *
 * A snapshot is guest memory, as its difference from the baseline, plus the
 * little outside it that the guest can observe: globals, table size. Host
 * functions are bound again by name, not stored. Pending operations are listed
 * once more as CBOR, for whoever wants to know without an engine what a
 * sleeping VM waits for. Bytes: docs/snapshot-format.md.
 *
 *  (1) Saved only between turns, so no guest frame is on the native stack.
 *  (2) Saving changes nothing in the VM but what it remembers (remember.c).
 *
 * Runs on the VM's thread. */
#include <string.h>

#include "vm/cbor.h"
#include "vm/changes.h"
#include "vm/remember.h"
#include "vm/vm.h"

/* ---- Save -----------------------------------------------------------------*/

static void write_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++, value >>= 8) to[i] = (uint8_t)value;
}

static void write_globals(torpor_vm *vm, torpor__buffer *out) {
  uint8_t globals[TORPOR__GLOBALS_SIZE];
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

static torpor_status write_snapshot(torpor_vm *vm, bool delta,
                                    torpor_bytes *out) {
  torpor__container_writer writer;
  torpor_status status;
  torpor__container_start(&writer, vm->engine->id,
                          torpor__region_memory(vm->region)->pages,
                          delta ? vm->remembered.id : NULL);
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
  if (delta)
    torpor__changes_write_since(vm, &writer.out);
  else
    torpor__changes_write(vm, &writer.out);
  torpor__section_stop(&writer);
  status = torpor__container_finish(&writer, out);
  if (status != TORPOR_OK)
    return torpor__fail(vm, status, "out of memory for the snapshot");
  return TORPOR_OK;
}

static torpor_status remember(torpor_vm *vm, const torpor_bytes *bytes) {
  torpor_status status = torpor__remember_now(vm);
  if (status != TORPOR_OK) return status;
  status =
      torpor_snapshot_identify(bytes->data, bytes->size, vm->remembered.id);
  if (status != TORPOR_OK) torpor__remember_forget(vm);
  return status;
}

torpor_status torpor_snapshot_save_with(torpor_vm *vm, unsigned flags,
                                        torpor_bytes *out) {
  bool delta = flags & TORPOR_SAVE_DELTA;
  torpor_status status;
  *out = (torpor_bytes){NULL, 0};
  if (flags & ~(unsigned)(TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA))
    return torpor__fail(vm, TORPOR_MISUSE, "these flags of save do not exist");
  status = torpor__check_idle(vm, "no snapshot can be taken");
  if (status == TORPOR_OK && delta) status = torpor__remember_ready(vm);
  if (status == TORPOR_OK) status = write_snapshot(vm, delta, out);
  if (status != TORPOR_OK || !(flags & TORPOR_SAVE_PARENT)) return status;
  status = remember(vm, out);
  if (status != TORPOR_OK) torpor_bytes_free(out);
  return status;
}

torpor_status torpor_snapshot_save(torpor_vm *vm, torpor_bytes *out) {
  return torpor_snapshot_save_with(vm, 0, out);
}

/* ---- Looking into one -----------------------------------------------------*/

static torpor_status damaged(const char *what) {
  return torpor__fail(NULL, TORPOR_FORMAT,
                      "the snapshot is damaged (%s); use another copy of it",
                      what);
}

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
  info->has_parent = container->has_parent;
  memcpy(info->parent, container->parent, sizeof(info->parent));
  for (size_t i = 0; i < TORPOR__SECTION_END; i++)
    info->sections[i] = (torpor_section_size){
        container->sections[i].raw_size, container->sections[i].stored_size};
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
  status = torpor_snapshot_identify(data, size, info->id);
  if (status == TORPOR_OK) status = describe(&container, info, operations);
  torpor__container_free(&container);
  if (status != TORPOR_OK) memset(info, 0, sizeof(*info));
  return status;
}
