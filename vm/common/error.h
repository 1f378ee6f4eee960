/* SPDX-License-Identifier: MIT */
/* error.h - the sentence about the last failure. */
#ifndef TORPOR_VM_ERROR_H
#define TORPOR_VM_ERROR_H

#include "torpor.h"

#include "common/sized.h"

/* Sets the sentence of 'vm', or of this thread when it is NULL, and gives back
 * 'status'. */
torpor_status torpor__fail(torpor_vm *vm, torpor_status status,
                           const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with 'text' as the sentence; 'vm' is not NULL. */
torpor_status torpor__fail_as(torpor_vm *vm, torpor_status status,
                              const char *text);
/* Guest memory contradicts itself: the VM is broken from here on. */
torpor_status torpor__fail_damaged(torpor_vm *vm, const char *what);
/* No sentence. */
void torpor__error_reset(torpor_vm *vm);

/* Returns MISUSE from the public function that it stands in when 'argument' is
 * NULL. */
#define TORPOR__REQUIRE(vm, argument)                                          \
  if (!(argument)) return torpor__fail_missing((vm), #argument)
torpor_status torpor__fail_missing(torpor_vm *vm, const char *argument);
/* The same when the size of the caller's struct makes no sense. */
#define TORPOR__REQUIRE_SIZE(vm, out, name)                                    \
  if (!torpor__sized_is_good(out))                                             \
  return torpor__fail_size((vm), (out)->size, name)
torpor_status torpor__fail_size(torpor_vm *vm, size_t size, const char *name);
/* STALE: a value is a handle of another VM. */
torpor_status torpor__fail_foreign(torpor_vm *vm);

/* 'status', which a call for 'token' gave; says of NOT_FOUND which it was. */
torpor_status torpor__fail_token(torpor_vm *vm, torpor_status status,
                                 torpor_token token);

#endif
