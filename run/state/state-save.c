/* SPDX-License-Identifier: MIT */
/* state-save.c - saving the VM of a run, for a store or for travelling.
 *
 * Both pack: what is written to a disk and synced, or sent, costs more by the
 * byte than zstd's lowest level does. Higher levels were tried: states of 24 MB
 * got 3 % smaller and took eight times as long.
 *
 * On the VM's thread. */
#include "run/state/state-save.h"

#define EXPORT_THREADS 4

static torpor_status save(torpor_vm *vm, unsigned flags, unsigned threads,
                          torpor_bytes *out) {
  torpor_save_options options = TORPOR_SAVE_OPTIONS_INIT;
  options.flags = flags;
  options.packing = TORPOR_PACKED;
  options.threads = threads;
  return torpor_snapshot_save_with(vm, &options, out);
}

torpor_status torpor__state_save(torpor_vm *vm, unsigned flags,
                                 torpor_bytes *out) {
  return save(vm, flags, 1, out);
}

torpor_status torpor__state_save_export(torpor_vm *vm, torpor_bytes *out) {
  return save(vm, TORPOR_SAVE_WAITING, EXPORT_THREADS, out);
}
