/* SPDX-License-Identifier: MIT */
/* libfuzzer.c - what libFuzzer calls; built by tools/fuzz. TORPOR_FUZZ_TARGET
 * names the target.
 *
 * Before it is tried, each input is written to the file that TORPOR_FUZZ_LAST
 * names: whatever ends the process without a word can be done again.
 *
 * Where a target has a mutator of its own, libFuzzer's mutations have their way
 * now and then. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/fuzz/target.h"
#include "vm/extensions/extension.h"

/* No extension is linked. */
const torpor__extension *const torpor__extensions_shipped[] = {NULL};

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max,
                               unsigned seed);

static const fuzz_target *target;
static int last = -1;

static void note_input(const uint8_t *data, size_t size) {
  if (last < 0) return;
  if (ftruncate(last, 0) != 0 || pwrite(last, data, size, 0) != (ssize_t)size)
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  const char *path = getenv("TORPOR_FUZZ_LAST");
  const char *name = getenv("TORPOR_FUZZ_TARGET");
  (void)argc, (void)argv;
  target = fuzz_target_find(name ? name : "");
  if (!target) {
    fprintf(stderr, "fuzz: TORPOR_FUZZ_TARGET names no target\n");
    exit(1);
  }
  if (path) last = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  target->setup();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > target->size_max) return -1;
  note_input(data, size);
  target->run(data, size);
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max,
                               unsigned seed) {
  uint64_t random = seed;
  if (size_max > target->size_max) size_max = target->size_max;
  if (!target->mutate || fuzz_random(&random) % 8 == 0)
    return LLVMFuzzerMutate(data, size, size_max);
  return target->mutate(data, size, size_max, &random);
}
