/* SPDX-License-Identifier: MIT */
/* error.c - status names, and the sentence about the last failure.
 *
 * Each VM keeps one sentence; failures that have no VM keep theirs with the
 * thread. So do those in a callback or finalizer, to which the VM is shut: what
 * it asks for in vain does not hide why the call around it failed. */
#include "vm/common/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/vm.h"

static _Thread_local char thread_error[TORPOR__ERROR_SIZE];

const char *torpor_version(void) {
  return TORPOR_VERSION;
}

const char *torpor_status_name(torpor_status status) {
  switch (status) {
#define X(number, name, text)                                                  \
  case TORPOR_##name:                                                          \
    return #name;
    TORPOR_STATUS_LIST(X)
#undef X
  }
  return "UNKNOWN";
}

const char *torpor_status_text(torpor_status status) {
  switch (status) {
#define X(number, name, text)                                                  \
  case TORPOR_##name:                                                          \
    return text;
    TORPOR_STATUS_LIST(X)
#undef X
  }
  return "unknown status";
}

void torpor__error_reset(torpor_vm *vm) {
  if (vm->error != vm->error_short) torpor__alloc_free(vm->error);
  vm->error = vm->error_short;
  vm->error_short[0] = 0;
  vm->failed = TORPOR_OK;
  vm->sentences++;
}

torpor_status torpor__fail(torpor_vm *vm, torpor_status status,
                           const char *format, ...) {
  char *place = thread_error;
  va_list arguments;
  if (vm && !vm->in_callback) {
    torpor__error_reset(vm);
    vm->failed = status;
    place = vm->error_short;
  }
  va_start(arguments, format);
  vsnprintf(place, TORPOR__ERROR_SIZE, format, arguments);
  va_end(arguments);
  return status;
}

torpor_status torpor__fail_as(torpor_vm *vm, torpor_status status,
                              const char *text) {
  size_t size = strnlen(text, TORPOR__ERROR_SIZE - 1);
  torpor__error_reset(vm);
  vm->failed = status;
  memcpy(vm->error_short, text, size);
  vm->error_short[size] = 0;
  return status;
}

torpor_status torpor__fail_damaged(torpor_vm *vm, const char *what) {
  vm->broken = true;
  return torpor__fail(vm, TORPOR_TRAPPED,
                      "the VM's memory is damaged (%s); close it or restore a "
                      "snapshot",
                      what);
}

torpor_status torpor__fail_token(torpor_vm *vm, torpor_status status,
                                 torpor_token token) {
  if (status != TORPOR_NOT_FOUND) return status;
  return torpor__fail(vm, status,
                      "the VM has no token %" PRIu32
                      ": it was removed, or is another VM's",
                      token);
}

torpor_status torpor__fail_foreign(torpor_vm *vm) {
  return torpor__fail(vm, TORPOR_STALE,
                      "the value belongs to another VM, or to one that was "
                      "closed; pass plain data with torpor_cbor_encode");
}

torpor_status torpor__fail_missing(torpor_vm *vm, const char *argument) {
  return torpor__fail(vm, TORPOR_MISUSE, "the argument '%s' is NULL", argument);
}

torpor_status torpor__fail_size(torpor_vm *vm, size_t size, const char *name) {
  return torpor__fail(vm, TORPOR_MISUSE,
                      "a struct cannot have size %zu: start from %s", size,
                      name);
}

const char *torpor_last_error(const torpor_vm *vm) {
  bool own = vm && (!vm->in_callback || vm->broken);
  return own ? vm->error : thread_error;
}
