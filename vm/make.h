/* SPDX-License-Identifier: MIT */
/* make.h - values that the engine makes of what the host gives, and what it
 * tells of one. In a call that has begun. */
#ifndef TORPOR_VM_MAKE_H
#define TORPOR_VM_MAKE_H

#include <string.h>

#include "vm/border/loan.h"
#include "vm/vm.h"

/* Arguments of torpor_make, as the guest takes them (guest/abi.h); begins as
 * zeros, ends with torpor__make. */
typedef struct torpor__making {
  uint32_t count;
  uint64_t slots[10];
  torpor__loan loan;
} torpor__making;

void torpor__making_add(torpor__making *making, uint64_t slot);
/* Lends 'size' bytes; two slots. */
torpor_status torpor__making_lend(torpor_vm *vm, torpor__making *making,
                                  const void *data, size_t size);
/* Lends 'count' values, which the guest gets as border values; two slots. STALE
 * when one is another VM's. */
torpor_status torpor__making_values(torpor_vm *vm, torpor__making *making,
                                    const torpor_value *values, size_t count);
/* Makes a value of kind 'what' (TORPOR_ABI_MAKE_), in vm->result[0], unless
 * 'status', of what went before, is not OK; ends the loan either way.
 * UNSUPPORTED when the engine is older than 'what'. */
torpor_status torpor__make(torpor_vm *vm, torpor_status status, uint32_t what,
                           torpor__making *making);
/* The same as the end of a public call, with its result. */
torpor_status torpor__make_end(torpor_vm *vm, torpor_status status,
                               uint32_t what, torpor__making *making,
                               torpor_value *out);
/* A whole public call that makes a value of 'making', to which nothing was
 * lent; 'out' may be NULL. */
torpor_status torpor__make_call(torpor_vm *vm, uint32_t what,
                                torpor__making *making, torpor_value *out);

/* Looks at 'value' (TORPOR_ABI_LOOK_); what it finds is in vm->result. */
torpor_status torpor__look(torpor_vm *vm, uint32_t what, torpor_value value);

/* The same as the beginning of a public call: OK, and the caller ends it, or it
 * has ended. */
torpor_status torpor__look_begin(torpor_vm *vm, uint32_t what,
                                 torpor_value value);
/* A whole public call that gives the value which the look found. */
torpor_status torpor__look_value(torpor_vm *vm, uint32_t what,
                                 torpor_value value, torpor_value *out);
/* The same as torpor__look_begin for torpor_apply (TORPOR_ABI_APPLY_). */
torpor_status torpor__apply_begin(torpor_vm *vm, uint32_t what, torpor_value a,
                                  torpor_value b, torpor_value c);

/* For out parameters, which may be NULL. */
static inline void torpor__put(torpor_value *out, torpor_value value) {
  if (out) *out = value;
}

/* The size of a text; SIZE_MAX: it ends with zero. */
static inline size_t torpor__text_size(const char *text, size_t size) {
  return size == SIZE_MAX && text ? strlen(text) : size;
}

/* The bytes that vm->result[0] and [1] say; NULL: they are not there, and the
 * VM is broken. */
const uint8_t *torpor__looked_at(torpor_vm *vm);

#endif
