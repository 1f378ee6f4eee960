/* SPDX-License-Identifier: MIT */
/* snapshot.c - putting a VM to sleep.
 *
 * A snapshot is guest memory, as its difference from the baseline, and the
 * little outside of it that the guest can observe: globals, table size. Host
 * functions are not stored: they are bound again by name. Pending operations
 * lie in memory, and are listed once more as CBOR, so that they can be read
 * without an engine. Bytes: docs/snapshot-format.md.
 *
 *  (1) Saved only between turns, so no guest frame is on the native stack.
 *  (2) Saving changes nothing in the VM but what it remembers (remember.c).
 *
 * Saving has two steps: copying what there is out of the VM, on the VM's
 * thread, and packing it, on any. */
#include <string.h>

#include "common/alloc.h"
#include "common/buffer.h"
#include "common/cbor.h"
#include "vm/common/bytes.h"
#include "vm/common/error.h"
#include "vm/extensions/manifest.h"
#include "vm/format/container.h"
#include "vm/inspect.h"
#include "vm/memory/changes.h"
#include "vm/memory/check.h"
#include "vm/memory/memory.h"
#include "vm/memory/remember.h"
#include "vm/options.h"
#include "vm/vm.h"

/* ---- Save -----------------------------------------------------------------*/

static void write_globals(torpor_vm *vm, torpor__buffer *out) {
  uint8_t globals[TORPOR__GLOBALS_SIZE];
  torpor__bytes_write(globals, vm->engine->get_stack_pointer(vm->instance), 4);
  torpor__bytes_write(globals + 4, vm->engine->table_size(vm->instance), 4);
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
    torpor_operation operation = TORPOR_OPERATION_INIT;
    torpor_status status = torpor_operation_at(vm, i, &operation);
    if (status != TORPOR_OK) return status;
    write_operation(out, &operation);
    /* A damaged table may list one large request many times. */
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

static torpor_status write_waiting(torpor_vm *vm, torpor__buffer *out) {
  torpor_bytes list;
  torpor_status status = torpor__inspect_waiting(vm, &list);
  if (status != TORPOR_OK) return status;
  torpor__buffer_add(out, list.data, list.size);
  torpor_bytes_free(&list);
  return TORPOR_OK;
}

/* All sections but that of memory. */
static torpor_status write_sections(torpor_vm *vm, unsigned flags,
                                    torpor__container_writer *writer) {
  torpor_status status;
  torpor__section_start(writer, TORPOR__SECTION_GLOBALS);
  write_globals(vm, &writer->out);
  torpor__section_stop(writer);
  if (vm->link_count > 0) {
    torpor__section_start(writer, TORPOR__SECTION_EXTENSIONS);
    torpor__manifest_write(vm, &writer->out);
    torpor__section_stop(writer);
  }
  torpor__section_start(writer, TORPOR__SECTION_OPERATIONS);
  status = write_operations(vm, &writer->out);
  torpor__section_stop(writer);
  if (status != TORPOR_OK || !(flags & TORPOR_SAVE_WAITING)) return status;
  torpor__section_start(writer, TORPOR__SECTION_WAITING);
  status = write_waiting(vm, &writer->out);
  torpor__section_stop(writer);
  return status;
}

/* ---- Jobs -----------------------------------------------------------------*/

/* A snapshot that is being made; the last section, memory, is neither
 * compressed nor closed. All bytes have been copied out of the VM, but for a
 * job that 'lends': that refers to the VM's pages, and is finished before the
 * VM is entered again. */
struct torpor_snapshot_job {
  torpor__container_writer writer;
  torpor__pieces pieces; /* of a packed one that lends: its memory */
  bool lends;
  torpor__name *parent; /* what it is a difference from, or NULL */
  torpor__name *name;   /* what is to get its id, or NULL */
};

static void end_job(torpor_snapshot_job *job) {
  torpor__buffer_free(&job->writer.out);
  torpor__pieces_free(&job->pieces);
  torpor__name_release(job->parent);
  torpor__name_release(job->name);
}

static void write_whole(torpor_vm *vm, torpor_snapshot_job *job) {
  torpor__container_writer *writer = &job->writer;
  bool packed = writer->packing.packed;
  torpor__checksum_begin(&writer->sum, &writer->out);
  if (packed && job->lends) {
    writer->pieces = &job->pieces;
    torpor__changes_lend(vm, writer->pieces);
  } else {
    torpor__changes_write(vm, &writer->out, packed ? NULL : &writer->sum);
  }
}

static torpor_status write_memory(torpor_vm *vm, bool delta,
                                  torpor_snapshot_job *job) {
  torpor__container_writer *writer = &job->writer;
  torpor__section_start(writer, TORPOR__SECTION_MEMORY);
  if (delta)
    torpor__changes_write_since(vm, &writer->out);
  else
    write_whole(vm, job);
  if (!writer->out.failed && !job->pieces.own.failed) return TORPOR_OK;
  return torpor__fail(vm, TORPOR_NOMEM, "out of memory for the snapshot");
}

static torpor_status remember(torpor_vm *vm, torpor_snapshot_job *job) {
  torpor_status status;
  job->name = torpor__name_new();
  if (!job->name)
    return torpor__fail(vm, TORPOR_NOMEM, "out of memory for the snapshot");
  status = torpor__remember_now(vm, job->name);
  if (status == TORPOR_OK) torpor__vm_check_remembers(vm);
  return status;
}

static torpor__packing packing_of(const torpor_save_options *options) {
  return (torpor__packing){.packed = options->packing == TORPOR_PACKED,
                           .level = options->level ? options->level
                                                   : TORPOR__PACK_LEVEL,
                           .threads = options->threads ? options->threads : 1};
}

static torpor_status fill_job(torpor_vm *vm, const torpor_save_options *options,
                              torpor_snapshot_job *job) {
  unsigned flags = options->flags;
  bool delta = flags & TORPOR_SAVE_DELTA;
  torpor__packing packing = packing_of(options);
  uint64_t sum = torpor__vm_check_sum(vm);
  torpor_status status = TORPOR_OK;
  torpor__container_start(&job->writer, vm->engine->id,
                          torpor__region_memory(vm->region)->pages, &packing);
  if (delta) status = torpor__remember_ready(vm);
  if (status == TORPOR_OK && delta) {
    job->parent = vm->remembered.name;
    torpor__name_retain(job->parent);
  }
  if (status == TORPOR_OK) status = write_sections(vm, flags, &job->writer);
  if (status == TORPOR_OK) status = write_memory(vm, delta, job);
  if (status == TORPOR_OK && flags & TORPOR_SAVE_PARENT)
    status = remember(vm, job);
  torpor__vm_check_same(vm, sum);
  torpor__vm_check(vm);
  return status;
}

/* Copies 'given' to 'own' first. */
static torpor_status start_job(torpor_vm *vm, const torpor_save_options *given,
                               bool lends, torpor_save_options *own,
                               torpor_snapshot_job *job) {
  torpor_status status = torpor__check_idle(vm, "no snapshot can be taken");
  *job = (torpor_snapshot_job){.lends = lends};
  if (status == TORPOR_OK) status = torpor__options_take_save(vm, given, own);
  if (status == TORPOR_OK) status = fill_job(vm, own, job);
  if (status != TORPOR_OK) end_job(job);
  return status;
}

static torpor_status name_bytes(const torpor_snapshot_job *job,
                                const torpor_bytes *bytes) {
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
  torpor_status status;
  if (!job->name) return TORPOR_OK;
  status = torpor_snapshot_identify(bytes->data, bytes->size, id);
  if (status == TORPOR_OK) torpor__name_set(job->name, id);
  return status;
}

/* Packs the snapshot and frees what the job has. The sentence about a failure
 * is that of 'vm', or of this thread when it is NULL. */
static torpor_status finish_job(torpor_snapshot_job *job, torpor_vm *vm,
                                torpor_bytes *out) {
  torpor_status status = TORPOR_MISUSE;
  *out = (torpor_bytes){NULL, 0};
  if (job->parent && !job->parent->known) {
    torpor__fail(vm, TORPOR_MISUSE,
                 "the snapshot that this one is a difference from was not "
                 "finished; finish its job first");
  } else {
    if (job->parent)
      torpor__container_set_parent(&job->writer, job->parent->id);
    torpor__section_stop(&job->writer);
    status = torpor__container_finish(&job->writer, out);
    if (status == TORPOR_OK) status = name_bytes(job, out);
    if (status != TORPOR_OK)
      torpor__fail(vm, status, "out of memory for the snapshot");
  }
  end_job(job);
  if (status != TORPOR_OK) torpor_bytes_free(out);
  return status;
}

torpor_status torpor_snapshot_save_with(torpor_vm *vm,
                                        const torpor_save_options *options,
                                        torpor_bytes *out) {
  torpor_save_options own;
  torpor_snapshot_job job;
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = (torpor_bytes){NULL, 0};
  status = start_job(vm, options, true, &own, &job);
  if (status != TORPOR_OK) return status;
  status = finish_job(&job, vm, out);
  if (status != TORPOR_OK && own.flags & TORPOR_SAVE_PARENT)
    torpor__remember_forget(vm);
  return status;
}

torpor_status torpor_snapshot_save(torpor_vm *vm, torpor_bytes *out) {
  return torpor_snapshot_save_with(vm, NULL, out);
}

torpor_status torpor_snapshot_save_start(torpor_vm *vm,
                                         const torpor_save_options *options,
                                         torpor_snapshot_job **out) {
  torpor_save_options own;
  torpor_snapshot_job *job;
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = NULL;
  job = torpor__alloc(sizeof(*job));
  if (!job) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  status = start_job(vm, options, false, &own, job);
  if (status == TORPOR_OK)
    *out = job;
  else
    torpor__alloc_free(job);
  return status;
}

torpor_status torpor_snapshot_job_finish(torpor_snapshot_job *job,
                                         torpor_bytes *out) {
  torpor_bytes bytes;
  torpor_status status;
  TORPOR__REQUIRE(NULL, job);
  status = finish_job(job, NULL, out ? out : &bytes);
  torpor__alloc_free(job);
  if (out) return status;
  if (status == TORPOR_OK) torpor_bytes_free(&bytes);
  TORPOR__REQUIRE(NULL, out);
  return status;
}

void torpor_snapshot_job_free(torpor_snapshot_job *job) {
  if (!job) return;
  end_job(job);
  torpor__alloc_free(job);
}
