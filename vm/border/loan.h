/* SPDX-License-Identifier: MIT */
/* loan.h - bytes into guest memory and out of it. */
#ifndef TORPOR_VM_LOAN_H
#define TORPOR_VM_LOAN_H

#include "vm/vm.h"

/* Loans of one call that lie in allocated memory; two are the most now. */
#define TORPOR__LOANS_MOST 3

/* Bytes lent to the guest for one call: in the control block's window while
 * they fit, else in memory that the guest allocated. */
typedef struct torpor__loan {
  uint32_t window_used;
  uint32_t count;
  uint32_t allocated[TORPOR__LOANS_MOST];
} torpor__loan;

/* Lends a copy of 'data' with a zero byte behind it. LIMIT: the guest has no
 * memory for it. */
torpor_status torpor__loan_add(torpor_vm *vm, torpor__loan *loan,
                               const void *data, size_t size,
                               uint64_t *address);
/* Takes all of it back; vm->result and the error stay as they are. */
void torpor__loan_end(torpor_vm *vm, torpor__loan *loan);

/* Copies the text that the last entry gave out ("text out" of abi.h). */
torpor_status torpor__text_take(torpor_vm *vm, torpor_bytes *out);
/* The same in two steps: the copy, and giving back what was copied. */
torpor_status torpor__text_copy(torpor_vm *vm, torpor_bytes *out);
void torpor__text_end(torpor_vm *vm);

#endif
