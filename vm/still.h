/* SPDX-License-Identifier: MIT */
/* still.h - pages that stay the same from one snapshot of a VM to the next. */
#ifndef TORPOR_VM_STILL_H
#define TORPOR_VM_STILL_H

#include "vm/vm.h"

/* Words [start, end) that differ from the baseline, as close as those of one
 * run, and how many bytes of the first and of the last do not. */
typedef struct torpor__stretch {
  uint32_t start, end;
  uint16_t head, tail;
  uint32_t copy; /* where torpor__still_bytes has its bytes */
} torpor__stretch;

#define TORPOR__STILL_UNCOPIED UINT32_MAX

/* A whole snapshot of 'vm' begins: its pages come in ascending order. Gives
 * what is known of them; NULL: nothing is to be kept. */
torpor__still *torpor__still_start(torpor_vm *vm);
/* Frees what is known; pages that are quiet are looked at again. */
void torpor__still_forget(torpor_vm *vm);

/* What differs in 'page', if it cannot have changed since that was found;
 * NULL: look at it, then say what was found. */
const torpor__stretch *torpor__still_find(torpor__still *still, uint32_t page,
                                          size_t *count);
/* 'page' was looked at; 'sum' stands for what differs in it. true: it cannot
 * change any more without being noticed, so look again and add its
 * stretches. */
bool torpor__still_note(torpor__still *still, uint32_t page, uint64_t sum);
void torpor__still_add(torpor__still *still, const torpor__stretch *stretch);

/* The bytes of a stretch that was found known; NULL: they are where they
 * always are. */
const uint8_t *torpor__still_bytes(const torpor__still *still,
                                   const torpor__stretch *stretch);

#endif
