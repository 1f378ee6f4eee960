/* SPDX-License-Identifier: MIT */
/* base.c - snapshots that many VMs are opened from.
 *
 * A base is read and checked once, when it is opened.
 *
 *  (1) A base never changes, and outlives whoever closed it for as long as VMs
 *      need it.
 *
 * Safe from any thread. */
#include <string.h>

#include "vm/vm.h"

struct torpor_base {
  size_t count;
  torpor_slice *chain; /* each slice's bytes are behind it */
};

static torpor_base *copy_chain(const torpor_slice *chain, size_t count) {
  size_t size = sizeof(torpor_base) + count * sizeof(torpor_slice);
  torpor_base *base;
  uint8_t *bytes;
  for (size_t i = 0; i < count; i++) size += chain[i].size;
  base = torpor__alloc(size);
  if (!base) return NULL;
  base->count = count;
  base->chain = (torpor_slice *)(base + 1);
  bytes = (uint8_t *)(base->chain + count);
  for (size_t i = 0; i < count; i++) {
    memcpy(bytes, chain[i].data, chain[i].size);
    base->chain[i] = (torpor_slice){bytes, chain[i].size};
    bytes += chain[i].size;
  }
  return base;
}

torpor_status torpor_base_open(const torpor_slice *chain, size_t count,
                               const torpor_options *options,
                               torpor_base **out) {
  torpor_vm *vm;
  torpor_status status;
  *out = NULL;
  status = torpor_snapshot_restore_chain(chain, count, options, &vm);
  if (status != TORPOR_OK) return status;
  torpor_vm_close(vm);
  *out = copy_chain(chain, count);
  if (*out) return TORPOR_OK;
  return torpor__fail(NULL, TORPOR_NOMEM, "no memory for a base");
}

void torpor_base_close(torpor_base *base) {
  torpor__alloc_free(base);
}

torpor_status torpor_base_restore(torpor_base *base, const torpor_slice *deltas,
                                  size_t count, const torpor_options *options,
                                  torpor_vm **out) {
  torpor_slice *chain;
  torpor_status status;
  *out = NULL;
  chain = torpor__alloc((base->count + count) * sizeof(*chain));
  if (!chain) return torpor__fail(NULL, TORPOR_NOMEM, "out of memory");
  memcpy(chain, base->chain, base->count * sizeof(*chain));
  memcpy(chain + base->count, deltas, count * sizeof(*chain));
  status =
      torpor_snapshot_restore_chain(chain, base->count + count, options, out);
  torpor__alloc_free(chain);
  return status;
}
