/* SPDX-License-Identifier: MIT */
/* remember.h - the state of a VM that its next difference is from. */
#ifndef TORPOR_VM_REMEMBER_H
#define TORPOR_VM_REMEMBER_H

#include "vm/format/container.h"
#include "vm/vm.h"

/* A snapshot that a VM was restored from, or a difference in its chain. */
struct torpor__piece {
  struct torpor__piece *next;
  uint8_t *owned;      /* what was decompressed, or NULL */
  const uint8_t *runs; /* in 'owned' or in 'bytes' */
  size_t size;         /* of 'runs' */
  size_t copied;       /* of the snapshot; 0 when 'owned' is enough */
  uint8_t bytes[];
};

/* The id of a state that is remembered. It is known once the bytes of that
 * state are packed, which may be later and on another thread. */
struct torpor__name {
  _Atomic uint32_t references;
  _Atomic bool known;
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
};

/* A name, with one reference; NULL: no memory. */
torpor__name *torpor__name_new(void);
void torpor__name_set(torpor__name *name,
                      const uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]);
void torpor__name_retain(torpor__name *name);
void torpor__name_release(torpor__name *name); /* NULL is fine */

/* Keeps a snapshot that was just put into 'vm', the next one of its chain:
 * takes over its 'runs' if they were decompressed, else copies the bytes in
 * 'data' that they lie in. false: no memory. */
bool torpor__remember_piece(torpor_vm *vm, torpor__content *runs,
                            const void *data, size_t size);
/* After the last snapshot of the chain, with its id, or NULL when its bytes
 * were copied or the image has their sketch: then the id is made when it is
 * asked for. */
bool torpor__remember_pieces(torpor_vm *vm, const uint8_t *id);

/* Makes image and shadow the remembered state. NOT_FOUND, NOMEM. */
torpor_status torpor__remember_ready(torpor_vm *vm);
/* What 'page' was in that state; after torpor__remember_ready. */
const uint8_t *torpor__remember_page(const torpor_vm *vm, uint32_t page);

/* Lets 'vm' remember the state that it is in, whose id will be in 'name' (which
 * gets one more reference). NOMEM: it remembers nothing. */
torpor_status torpor__remember_now(torpor_vm *vm, torpor__name *name);
void torpor__remember_forget(torpor_vm *vm);

#endif
