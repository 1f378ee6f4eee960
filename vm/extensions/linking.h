/* SPDX-License-Identifier: MIT */
/* linking.h - the extensions of a VM: which ones, where they lie, and binding
 * them to its instance. */
#ifndef TORPOR_VM_LINKING_H
#define TORPOR_VM_LINKING_H

#include "common/buffer.h"
#include "vm/extensions/extension-find.h"
#include "vm/vm.h"

/* The most extensions of one VM. */
#define TORPOR__LINKS_MOST 64

/* Slots of the function table behind an extension's own, for functions of it
 * that are called once. */
enum {
  TORPOR__LINK_RELOCATE,
  TORPOR__LINK_CONSTRUCT,
  TORPOR__LINK_INIT,
  TORPOR__LINK_SLOTS,
};

/* An extension, and where it lies: the same in every VM of a snapshot. */
typedef struct torpor__link {
  const torpor__extension_known *known;
  char name[TORPOR__EXTENSION_NAME_SIZE]; /* as it was loaded */
  uint32_t memory;                        /* address of its data */
  uint32_t table;                         /* index of its first function */
} torpor__link;

/* The extensions that a snapshot names, in the order of their loading. */
typedef struct torpor__link_list {
  uint32_t count;
  torpor__link items[];
} torpor__link_list;

/* Whether it is known what 'engine' has for extensions, as it has to be before
 * one is added; and asking a VM of it for that, in which no code ever ran.
 * false: no memory. */
bool torpor__link_knows(const torpor__engine *engine);
bool torpor__link_ask(torpor_vm *vm);

/* Where the next extension's functions go, and where the table ends then. */
uint32_t torpor__link_place(const torpor_vm *vm,
                            const torpor__extension *extension);

/* Adds an extension to 'vm' and binds it, which writes nothing to its memory.
 * EXTENSION, NOMEM, with the error of 'vm' (NULL: this thread's). */
torpor_status torpor__link_add(torpor_vm *vm, torpor_vm *told,
                               const torpor__link *link);
/* Adds those of 'list' (NULL: none) that 'vm' does not have; the first ones
 * have to be those that it has. The error is this thread's. */
torpor_status torpor__link_all(torpor_vm *vm, const torpor__link_list *list);
/* The list of a VM's extensions; NULL without an error: it has none. */
torpor_status torpor__link_copy(const torpor_vm *vm, torpor__link_list **out);
/* Takes off all but the first 'count'. */
void torpor__link_cut(torpor_vm *vm, uint32_t count);
const torpor__link *torpor__link_at(const torpor_vm *vm, uint32_t index);
/* Puts an export of the newest extension, of this signature, into its slot:
 * the slot's index in the function table, or 0: there is no such export. */
uint32_t torpor__link_slot(torpor_vm *vm, uint32_t slot, const char *name,
                           const char *type);
/* Empties those slots. */
void torpor__link_empty(torpor_vm *vm);

/* Where the table of 'engine' ends with the extensions of a list. */
uint32_t torpor__link_end(uint32_t table_size, const torpor__link_list *list);

/* Whether it lies where it belongs when the table ended at 'end' before. */
bool torpor__link_is_placed(uint32_t end, const torpor__link *link);

#endif
