/* SPDX-License-Identifier: MIT */
/* target.h - what is fuzzed: a target for each parser of bytes from anywhere.
 *
 *   target-snapshot.c   snapshots that are almost right, as recipes
 *   target-cbor.c       CBOR, read in a VM and in C
 *   target-json.c       JSON text, likewise
 *   target-bytecode.c   bytecode that was altered, as recipes
 *   target-modules.c    graphs of modules, and when their sources come
 *   target-engine.c     what an engine's file says of itself, as recipes
 *
 * tools/fuzz has libFuzzer look for inputs (libfuzzer.c); test_fuzz.c tries
 * those that were kept, in corpus/NAME/. */
#ifndef TORPOR_TEST_TARGET_H
#define TORPOR_TEST_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "torpor.h"

typedef struct fuzz_target {
  const char *name;
  size_t size_max; /* of an input */
  void (*setup)(void);
  void (*teardown)(void); /* nothing of setup is left */
  /* Tries an input, whatever its bytes are. What must hold is asserted with
   * fuzz_must; the sanitizers find the rest. Gives whether it got past what
   * refuses input. */
  bool (*run)(const uint8_t *data, size_t size);
  /* Alters an input in its own terms and gives its new size, at most
   * 'size_max'. NULL: bytes are altered as libFuzzer does it. */
  size_t (*mutate)(uint8_t *data, size_t size, size_t size_max,
                   uint64_t *random);
} fuzz_target;

extern const fuzz_target fuzz_snapshot, fuzz_cbor, fuzz_json, fuzz_bytecode,
    fuzz_modules, fuzz_engine;

/* NULL: there is none of that name. */
const fuzz_target *fuzz_target_find(const char *name);

/* ---- What targets share --------------------------------------------------*/

/* Asserts what must hold whatever the input is. */
#define fuzz_must(truth)                                                       \
  do {                                                                         \
    if (!(truth)) fuzz_give_up(#truth, __FILE__, __LINE__);                    \
  } while (0)
_Noreturn void fuzz_give_up(const char *what, const char *file, int line);

/* Notes what a call answered, and that it said why if it failed. 'vm' NULL: a
 * call that has no VM. True: it is TORPOR_OK. */
bool fuzz_succeeded(const torpor_vm *vm, torpor_status status);

/* A world that is the same for each input: a clock that stands still, no
 * randomness, a console that is silent. */
torpor_options fuzz_options(void);
/* Opens a VM, which must succeed. */
torpor_vm *fuzz_open(const torpor_options *options);
/* Evaluates a script, which must succeed. */
torpor_value fuzz_eval(torpor_vm *vm, const char *source);
/* A VM opened now, maybe in the memory of the one that was closed last, works.
 */
void fuzz_still_works(void);

/* splitmix64 */
uint64_t fuzz_random(uint64_t *state);

#endif
