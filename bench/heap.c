/* SPDX-License-Identifier: MIT */
/* heap.c - Torpor's side of the rows and curves about a program with a heap.
 *
 *   bench-heap WORK BYTES MILLISECONDS
 *
 *   save      a number is changed, then a whole snapshot taken; measured is
 *             the saving
 *   pack      the same, packed; pack-2: on two threads
 *   copy      what save has to copy, copied to memory that malloc gives
 *   zstd      what pack has to compress, compressed by zstd alone
 *   delta     one record is changed, then the difference is saved; what is
 *             measured is the saving
 *   restore   from the bytes of a snapshot: wake, settle, read, close
 *   unpack    the same from a packed one
 *   base      the same from a base, a snapshot that was laid out in memory
 *             before
 *   fork      a copy of a live VM is made; settle, read, close
 *
 * BYTES 0 is the small program of the other rows. Prints microseconds and, as
 * notes, "heap", the bytes that the program has in use, and "bytes", the size
 * of what was saved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "bench/probe.h"
#include "bench/sleeper.h"

struct heap {
  struct probe probe;
  double bytes, ms;
  double used; /* of the program's heap */
  double size; /* of what was saved */
  torpor_slice snapshot;
  torpor_base *base;
  torpor_vm *vm;
};

static torpor_vm *open_program(struct heap *heap) {
  torpor_usage usage = TORPOR_USAGE_INIT;
  torpor_vm *vm = sleeper_open(heap->bytes);
  sleeper_check(torpor_vm_usage(vm, &usage), vm, "usage");
  heap->used = (double)usage.heap_used;
  return vm;
}

static torpor_slice slice_of(const torpor_bytes *bytes) {
  return (torpor_slice){bytes->data, bytes->size};
}

/* Ends the program unless 'chain' wakes as what was saved. */
static void check_chain(const struct heap *heap, const torpor_slice *chain,
                        size_t count, double changes) {
  torpor_value global, found;
  torpor_vm *vm = sleeper_restore(chain, count, heap->bytes);
  sleeper_check(torpor_global(vm, &global), vm, "global");
  sleeper_check(torpor_get(vm, global, "changes", &found), vm, "changes");
  if (changes > 0 && torpor_value_number(found) != changes)
    probe_fail("the snapshot has %g changes, not %g",
               torpor_value_number(found), changes);
  if (!sleeper_finish(vm)) probe_fail("the snapshot gave another answer");
}

static torpor_save_options packed_on(unsigned threads) {
  torpor_save_options options = TORPOR_SAVE_OPTIONS_INIT;
  options.packing = TORPOR_PACKED;
  options.threads = threads;
  return options;
}

/* Between two snapshots a number is changed, as between any two steps. */
static void measure_saving(struct heap *heap,
                           const torpor_save_options *options) {
  torpor_vm *vm = open_program(heap);
  double end = probe_now() + heap->ms * 1000;
  do {
    sleeper_change(vm);
    double start = probe_now();
    torpor_bytes bytes = sleeper_save(vm, options);
    probe_add(&heap->probe, probe_now() - start);
    torpor_bytes_free(&bytes);
  } while (probe_now() < end);
  torpor_bytes bytes = sleeper_save(vm, options);
  torpor_slice chain = slice_of(&bytes);
  heap->size = (double)bytes.size;
  check_chain(heap, &chain, 1, 0);
  torpor_bytes_free(&bytes);
  torpor_vm_close(vm);
}

static void measure_save(struct heap *heap) {
  measure_saving(heap, NULL);
}

static void measure_pack(struct heap *heap) {
  const torpor_save_options options = packed_on(1);
  measure_saving(heap, &options);
}

static void measure_pack_2(struct heap *heap) {
  const torpor_save_options options = packed_on(2);
  measure_saving(heap, &options);
}

/* The memory that a snapshot of the program holds, as runs. */
static torpor_bytes read_memory(struct heap *heap,
                                const torpor_save_options *options) {
  torpor_vm *vm = open_program(heap);
  torpor_bytes bytes = sleeper_save(vm, options), memory;
  sleeper_check(torpor_snapshot_section(bytes.data, bytes.size,
                                        TORPOR_SECTION_MEMORY, &memory),
                NULL, "reading a snapshot");
  torpor_bytes_free(&bytes);
  torpor_vm_close(vm);
  return memory;
}

struct block {
  torpor_bytes from, to;
};

static bool copy_block(void *user) {
  const struct block *block = user;
  uint8_t *copy = malloc(block->from.size);
  if (copy == NULL) return false;
  memcpy(copy, block->from.data, block->from.size);
  bool good = *(volatile uint8_t *)copy == block->from.data[0];
  free(copy);
  return good;
}

static bool compress_block(void *user) {
  struct block *block = user;
  size_t size = ZSTD_compress(block->to.data, block->to.size, block->from.data,
                              block->from.size, 1);
  return !ZSTD_isError(size);
}

static void measure_copy(struct heap *heap) {
  struct block block = {.from = read_memory(heap, NULL)};
  heap->size = (double)block.from.size;
  if (!probe_repeat(&heap->probe, heap->ms, copy_block, &block))
    probe_fail("out of memory");
  torpor_bytes_free(&block.from);
}

static void measure_zstd(struct heap *heap) {
  const torpor_save_options options = packed_on(1);
  struct block block = {.from = read_memory(heap, &options)};
  block.to.size = ZSTD_compressBound(block.from.size);
  block.to.data = malloc(block.to.size);
  heap->size = (double)block.from.size;
  if (!probe_repeat(&heap->probe, heap->ms, compress_block, &block))
    probe_fail("zstd failed");
  free(block.to.data);
  torpor_bytes_free(&block.from);
}

static torpor_bytes save_flags(torpor_vm *vm, unsigned flags) {
  torpor_save_options options = TORPOR_SAVE_OPTIONS_INIT;
  options.flags = flags;
  return sleeper_save(vm, &options);
}

/* Saves one difference, measured; gives its bytes. */
static torpor_bytes save_delta(struct heap *heap, torpor_vm *vm) {
  sleeper_change(vm);
  double start = probe_now();
  torpor_bytes delta = save_flags(vm, TORPOR_SAVE_DELTA | TORPOR_SAVE_PARENT);
  probe_add(&heap->probe, probe_now() - start);
  return delta;
}

/* The first differences are checked, and not measured. */
static void measure_delta(struct heap *heap) {
  enum { FIRST = 8 };
  torpor_bytes saved[1 + FIRST];
  torpor_slice chain[1 + FIRST];
  torpor_vm *vm = open_program(heap);
  saved[0] = save_flags(vm, TORPOR_SAVE_PARENT);
  for (int i = 1; i <= FIRST; i++) saved[i] = save_delta(heap, vm);
  for (int i = 0; i <= FIRST; i++) chain[i] = slice_of(&saved[i]);
  check_chain(heap, chain, 1 + FIRST, FIRST);
  for (int i = 0; i <= FIRST; i++) torpor_bytes_free(&saved[i]);

  double end = probe_now() + heap->ms * 1000;
  heap->probe.count = 0;
  do {
    torpor_bytes delta = save_delta(heap, vm);
    heap->size = (double)delta.size;
    torpor_bytes_free(&delta);
  } while (probe_now() < end);
  torpor_vm_close(vm);
}

static bool restore(void *user) {
  const struct heap *heap = user;
  return sleeper_finish(sleeper_restore(&heap->snapshot, 1, heap->bytes));
}

static bool restore_base(void *user) {
  const struct heap *heap = user;
  torpor_options options = sleeper_options(heap->bytes);
  torpor_vm *vm = NULL;
  sleeper_check(torpor_base_restore(heap->base, NULL, 0, &options, &vm), NULL,
                "opening a VM from a base");
  return sleeper_finish(vm);
}

static void measure_waking(struct heap *heap, const torpor_save_options *saved,
                           bool from_base) {
  torpor_options options = sleeper_options(heap->bytes);
  torpor_vm *vm = open_program(heap);
  torpor_bytes bytes = sleeper_save(vm, saved);
  torpor_vm_close(vm);
  heap->size = (double)bytes.size;
  heap->snapshot = slice_of(&bytes);
  if (from_base)
    sleeper_check(torpor_base_open(&heap->snapshot, 1, &options, &heap->base),
                  NULL, "opening a base");
  if (!probe_repeat(&heap->probe, heap->ms, from_base ? restore_base : restore,
                    heap))
    probe_fail("waking gave another answer");
  torpor_base_close(heap->base);
  torpor_bytes_free(&bytes);
}

static void measure_restore(struct heap *heap) {
  measure_waking(heap, NULL, false);
}

static void measure_unpack(struct heap *heap) {
  const torpor_save_options packed = packed_on(1);
  measure_waking(heap, &packed, false);
}

static void measure_base(struct heap *heap) {
  measure_waking(heap, NULL, true);
}

static bool fork_vm(void *user) {
  const struct heap *heap = user;
  torpor_options options = sleeper_options(heap->bytes);
  torpor_vm *copy = NULL;
  sleeper_check(torpor_vm_fork(heap->vm, &options, &copy), heap->vm,
                "forking a VM");
  return sleeper_finish(copy);
}

static void measure_fork(struct heap *heap) {
  heap->vm = open_program(heap);
  if (!probe_repeat(&heap->probe, heap->ms, fork_vm, heap))
    probe_fail("a copy gave another answer");
  if (!sleeper_finish(heap->vm)) probe_fail("the original is not as it was");
}

static const struct {
  const char *name;
  void (*measure)(struct heap *heap);
} works[] = {
    {"save", measure_save},       {"pack", measure_pack},
    {"pack-2", measure_pack_2},   {"copy", measure_copy},
    {"zstd", measure_zstd},       {"delta", measure_delta},
    {"restore", measure_restore}, {"unpack", measure_unpack},
    {"base", measure_base},       {"fork", measure_fork},
};

int main(int count, char **args) {
  struct heap heap = {0};
  for (size_t i = 0; count == 4 && i < sizeof works / sizeof works[0]; i++) {
    if (strcmp(args[1], works[i].name) != 0) continue;
    heap.bytes = strtod(args[2], NULL);
    heap.ms = strtod(args[3], NULL);
    works[i].measure(&heap);
    probe_note(&heap.probe, "heap", heap.used);
    probe_note(&heap.probe, "bytes", heap.size);
    return probe_print(&heap.probe, "us", "42", torpor_version());
  }
  probe_fail(
      "usage: bench-heap "
      "save|pack|pack-2|copy|zstd|delta|restore|unpack|base|fork BYTES "
      "MILLISECONDS");
}
