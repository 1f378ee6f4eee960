/* SPDX-License-Identifier: MIT */
/* target.c - the targets, and what they share. */
#include "test/fuzz/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const fuzz_target *fuzz_target_find(const char *name) {
  static const fuzz_target *const targets[] = {&fuzz_snapshot, &fuzz_cbor,
                                               &fuzz_json,     &fuzz_bytecode,
                                               &fuzz_modules,  &fuzz_engine};
  for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
    if (strcmp(targets[i]->name, name) == 0) return targets[i];
  return NULL;
}

_Noreturn void fuzz_give_up(const char *what, const char *file, int line) {
  fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, what);
  abort();
}

/* What was thrown may be as short as the program likes. */
bool fuzz_succeeded(const torpor_vm *vm, torpor_status status) {
  const char *sentence = torpor_last_error(vm);
  fuzz_must(strcmp(torpor_status_name(status), "UNKNOWN") != 0);
  fuzz_must(status == TORPOR_OK || status == TORPOR_THROWN ||
            strlen(sentence) > 10);
  return status == TORPOR_OK;
}

static double stand_still(void *user, torpor_clock which) {
  (void)user;
  return which == TORPOR_CLOCK_WALL ? 1700000000000.0 : 1000.0;
}

static void give_zeros(void *user, void *data, size_t size) {
  (void)user;
  memset(data, 0, size);
}

static void be_silent(void *user, torpor_level level, const char *text,
                      size_t size) {
  size_t sum = 0;
  (void)user, (void)level;
  for (size_t i = 0; i < size; i++) sum += (unsigned char)text[i];
  fuzz_must(sum <= size * 255);
}

torpor_options fuzz_options(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.clock = stand_still;
  options.random = give_zeros;
  options.console = be_silent;
  return options;
}

torpor_vm *fuzz_open(const torpor_options *options) {
  torpor_vm *vm = NULL;
  fuzz_must(torpor_vm_open(options, &vm) == TORPOR_OK);
  return vm;
}

torpor_value fuzz_eval(torpor_vm *vm, const char *source) {
  torpor_value value = torpor_undefined();
  fuzz_must(torpor_eval(vm, source, SIZE_MAX, "fuzz.js", TORPOR_SCRIPT,
                        &value) == TORPOR_OK);
  return value;
}

void fuzz_still_works(void) {
  torpor_vm *vm = fuzz_open(NULL);
  torpor_value value = fuzz_eval(vm, "[3, 1, 2].sort().join() === '1,2,3'");
  fuzz_must(torpor_value_is_true(value));
  torpor_vm_close(vm);
}

uint64_t fuzz_random(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}
