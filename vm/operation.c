/* SPDX-License-Identifier: MIT */
/* operation.c - the operations that a VM waits for, as the host sees them.
 *
 * Their table lies in guest memory, sorted by id (abi.h), in what a snapshot
 * keeps; one that does not is damaged. It is read without entering the guest,
 * so that listing what a sleeping VM waits for does not wake it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "vm/border/given.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/memory/memory.h"
#include "vm/value.h"
#include "vm/vm.h"

/* One call passes over at most so many cancelled operations that the host was
 * never given, so that it ends; the next call goes on. */
#define CANCELLED_LOOK 65536
#define NONE_CANCELLED 1 /* see abi.h */

/* ---- The table ------------------------------------------------------------*/

/* The table of addresses and its length; NULL and 0 when it does not lie in
 * guest memory. */
static const uint8_t *find_table(torpor_vm *vm, uint32_t *count) {
  const uint8_t *table;
  *count = vm->control->operation_count;
  table = torpor__memory_kept(vm, vm->control->operations,
                              (uint64_t)*count * sizeof(uint32_t));
  if (!table) *count = 0;
  return table;
}

static bool read_entry(torpor_vm *vm, const uint8_t *table, uint32_t index,
                       torpor_abi_operation *entry) {
  const uint8_t *place;
  uint32_t address;
  memcpy(&address, table + (size_t)index * sizeof(address), sizeof(address));
  place = torpor__memory_kept(vm, address, sizeof(*entry));
  if (!place) return false;
  memcpy(entry, place, sizeof(*entry));
  return true;
}

/* Entry 'index' for the caller: kind copied, request borrowed. */
static torpor_status give_entry(torpor_vm *vm, const uint8_t *table,
                                uint32_t index, torpor_operation *out) {
  torpor_abi_operation entry;
  const uint8_t *kind = NULL, *request = NULL;
  if (read_entry(vm, table, index, &entry)) {
    if (entry.kind_size <= TORPOR_KIND_LARGEST)
      kind = torpor__memory_kept(vm, entry.kind, entry.kind_size);
    request = torpor__memory_kept(vm, entry.request, entry.request_size);
  }
  if (!kind || !request)
    return torpor__fail_damaged(vm, "its table of operations");
  memcpy(vm->operation_kind, kind, entry.kind_size);
  vm->operation_kind[entry.kind_size] = 0;
  *out = (torpor_operation){
      .size = sizeof(*out),
      .id = entry.id,
      .kind = vm->operation_kind,
      .request = request,
      .request_size = entry.request_size,
      .due = entry.due,
      .begun = entry.begun,
      .woken = vm->asleep || entry.id <= vm->operation_woken,
  };
  return TORPOR_OK;
}

/* The index of the first entry whose id is above 'id'. */
static torpor_status find_above(torpor_vm *vm, const uint8_t *table,
                                uint32_t count, uint64_t id, uint32_t *index) {
  uint32_t low = 0, high = count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    torpor_abi_operation entry;
    if (!read_entry(vm, table, middle, &entry))
      return torpor__fail_damaged(vm, "its table of operations");
    if (entry.id > id)
      high = middle;
    else
      low = middle + 1;
  }
  *index = low;
  return TORPOR_OK;
}

/* The index of the first entry that was not given yet. New ones are at the end
 * of the table, so most often it is behind the one that was given last. */
static torpor_status find_next(torpor_vm *vm, const uint8_t *table,
                               uint32_t count, uint32_t *index) {
  uint32_t place = vm->operation_place;
  torpor_abi_operation entry;
  *index = count;
  if (vm->control->operation_last <= vm->operation_cursor) return TORPOR_OK;
  *index = place + 1;
  if (place < count && read_entry(vm, table, place, &entry) &&
      entry.id == vm->operation_cursor)
    return TORPOR_OK;
  return find_above(vm, table, count, vm->operation_cursor, index);
}

torpor_status torpor_operation_next(torpor_vm *vm, torpor_operation *out) {
  torpor_operation next = TORPOR_OPERATION_INIT;
  uint32_t count, index = 0;
  const uint8_t *table;
  torpor_status status = torpor__check_open(vm);
  TORPOR__REQUIRE(vm, out);
  TORPOR__REQUIRE_SIZE(vm, out, "TORPOR_OPERATION_INIT");
  torpor__sized_give(out, &next, sizeof(next));
  if (status != TORPOR_OK) return status;
  table = find_table(vm, &count);
  status = find_next(vm, table, count, &index);
  if (status != TORPOR_OK) return status;
  if (index >= count)
    return torpor__fail_as(vm, TORPOR_NOT_FOUND,
                           "no operation was begun since");
  status = give_entry(vm, table, index, &next);
  if (status != TORPOR_OK) return status;
  if (!torpor__given_add(vm, next.id))
    return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  vm->operation_cursor = next.id;
  vm->operation_place = index;
  torpor__sized_give(out, &next, sizeof(next));
  return TORPOR_OK;
}

size_t torpor_operation_count(const torpor_vm *vm) {
  uint32_t count;
  if (!vm || vm->broken) return 0;
  /* Looking makes pages accessible, which changes nothing that counts. */
  find_table((torpor_vm *)(uintptr_t)vm, &count);
  return count;
}

torpor_status torpor_operation_at(torpor_vm *vm, size_t index,
                                  torpor_operation *out) {
  torpor_operation found = TORPOR_OPERATION_INIT;
  uint32_t count;
  const uint8_t *table;
  torpor_status status = torpor__check_open(vm);
  TORPOR__REQUIRE(vm, out);
  TORPOR__REQUIRE_SIZE(vm, out, "TORPOR_OPERATION_INIT");
  torpor__sized_give(out, &found, sizeof(found));
  if (status != TORPOR_OK) return status;
  table = find_table(vm, &count);
  if (index >= count)
    return torpor__fail(vm, TORPOR_NOT_FOUND,
                        "there is no operation %zu: %u are pending", index,
                        count);
  status = give_entry(vm, table, (uint32_t)index, &found);
  if (status == TORPOR_OK) torpor__sized_give(out, &found, sizeof(found));
  return status;
}

torpor_status torpor_operation_take_cancelled(torpor_vm *vm, uint64_t *id) {
  torpor_status status = torpor__check_open(vm);
  TORPOR__REQUIRE(vm, id);
  *id = 0;
  if (status != TORPOR_OK) return status;
  if (vm->given_count == 0 && !vm->broken)
    return torpor__fail_as(vm, TORPOR_NOT_FOUND, "no operation was given yet");
  if (torpor__is_published(vm) &&
      (uint32_t)vm->control->host.cancelled == NONE_CANCELLED)
    return torpor__fail_as(vm, TORPOR_NOT_FOUND, "no operation was cancelled");
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  for (int i = 0; i < CANCELLED_LOOK; i++) {
    status = TORPOR__INVOKE(vm, operation_cancelled, 0);
    if (status != TORPOR_OK || torpor__given_remove(vm, vm->result[0])) break;
    status = TORPOR_NOT_FOUND;
  }
  if (status == TORPOR_OK) *id = vm->result[0];
  return torpor__end(vm, status);
}

/* ---- Beginning and settling -----------------------------------------------*/

torpor_status torpor_operation_begin(torpor_vm *vm, const char *kind,
                                     torpor_value request, double due,
                                     uint64_t *id, torpor_value *promise) {
  torpor__loan loan = {0};
  size_t size = kind ? strlen(kind) : 0;
  uint64_t address, due_bits;
  torpor_status status;
  if (id) *id = 0;
  if (promise) *promise = torpor_undefined();
  if (size == 0 || size > TORPOR_KIND_LARGEST)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "the kind of an operation has 1 to %d bytes",
                        TORPOR_KIND_LARGEST);
  if (!isfinite(due) || due < 0)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "an operation is due at %g, which is not a time: give "
                        "milliseconds since 1970, or 0 for none",
                        due);
  status = torpor__begin_running_on(vm, request);
  if (status != TORPOR_OK) return status;
  memcpy(&due_bits, &due, sizeof(due_bits));
  status = torpor__loan_add(vm, &loan, kind, size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, operation_begin, address, size, request.bits,
                            due_bits);
  if (status == TORPOR_OK && id) *id = vm->result[0];
  vm->result[0] = vm->result[1];
  status = torpor__give_value(vm, status, promise);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}

/* Ends a call that settles an operation: says why it did not. */
static torpor_status end_settling(torpor_vm *vm, torpor_status status,
                                  uint64_t id, torpor_outcome outcome) {
  if (status == TORPOR_OK) torpor__given_remove(vm, id);
  if (status == TORPOR_NOT_FOUND)
    torpor__fail(vm, status,
                 "operation %" PRIu64
                 " is not pending: it was settled, or cancelled",
                 id);
  if (status == TORPOR_MISUSE)
    torpor__fail(vm, status, "%d is not a torpor_outcome", (int)outcome);
  return torpor__end(vm, status);
}

torpor_status torpor_operation_settle(torpor_vm *vm, uint64_t id,
                                      torpor_outcome outcome,
                                      torpor_value value) {
  torpor_status status = torpor__begin_running_on(vm, value);
  if (status != TORPOR_OK) return status;
  status =
      TORPOR__INVOKE(vm, operation_settle, id, (uint64_t)outcome, value.bits);
  return end_settling(vm, status, id, outcome);
}

torpor_status torpor_operation_settle_cbor(torpor_vm *vm, uint64_t id,
                                           torpor_outcome outcome,
                                           const void *data, size_t size) {
  torpor__loan loan = {0};
  uint64_t address;
  torpor_status status;
  if (size > 0) TORPOR__REQUIRE(vm, data);
  status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  if (size > TORPOR_DATA_LARGEST)
    status = torpor__fail(vm, TORPOR_LIMIT,
                          "the result has %zu bytes; the limit is %zu", size,
                          TORPOR_DATA_LARGEST);
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, &loan, data, size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, operation_settle_cbor, id, (uint64_t)outcome,
                            address, size);
  torpor__loan_end(vm, &loan);
  return end_settling(vm, status, id, outcome);
}
