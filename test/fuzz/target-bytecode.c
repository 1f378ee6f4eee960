/* SPDX-License-Identifier: MIT */
/* target-bytecode.c - bytecode that was altered, with a size and a checksum
 * that are right all the same: its VM may do whatever it likes, and nothing
 * outside of it.
 *
 * An input is a recipe, since bytecode is of one engine alone:
 *
 *     u8     the seed: which code
 *     steps  of 6 bytes each: u8 kind, u8 value, u32 at
 *
 * A step LITERAL puts the rest of the input, as it is, in place of the code. */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/exercise.h"
#include "test/fuzz/target.h"

enum { SUM_AT = 88, HEADER = 120, STEP = 6, FUEL = 30000, DEADLINE_MS = 20 };
/* Where the engine's own checksum is; all ones: there is none. */
enum { ENGINE_SUM_AT = HEADER + 1, ENGINE_SUM_SIZE = 4 };

enum { SET, FLIP, ADD, TAKE_OUT, PUT_IN, MOVE, CUT, FLAGS, LITERAL, KINDS };

static const struct {
  const char *source;
  torpor_mode mode;
} seeds[] = {
    {"let s = 0; for (let i = 0; i < 9; i++) { s += i } s", TORPOR_SCRIPT},
    {"class A { #x = 1; get x() { return this.#x } static y = [1, 2.5, 'z'] }"
     "new A().x + A.y.map((v) => `${v}`).join()",
     TORPOR_SCRIPT},
    {"function* g(a, {b} = {b: 2}) { try { yield a + b } finally { yield 3n } }"
     "[...g(1)].length; /a(b)+/u.exec('xabb'); ({a: 1, ...{c: 2}})",
     TORPOR_SCRIPT},
    {"import { x } from './x.js'; import d from './d' with { type: 'json' };"
     "export const y = x; export * from './z.js'; await d; export default y",
     TORPOR_MODULE},
};
enum { SEEDS = sizeof(seeds) / sizeof(*seeds) };

static torpor_bytes codes[SEEDS];

static torpor_status give(void *user, const torpor_module_request *request,
                          torpor_module_answer *answer) {
  (void)user;
  return torpor_module_give(
      answer, request->type == TORPOR_MODULE_JSON ? "1" : "export let x = 1",
      SIZE_MAX);
}

static torpor_vm *open_vm(void) {
  torpor_options options = fuzz_options();
  options.module = give;
  options.memory_max = 32 << 20;
  return fuzz_open(&options);
}

static void setup(void) {
  torpor_vm *vm = open_vm();
  for (unsigned i = 0; i < SEEDS; i++) {
    torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
    options.mode = seeds[i].mode;
    options.file = "seed.js";
    fuzz_must(torpor_compile(vm, seeds[i].source, SIZE_MAX, &options,
                             &codes[i]) == TORPOR_OK);
  }
  torpor_vm_close(vm);
}

static void teardown(void) {
  for (unsigned i = 0; i < SEEDS; i++) torpor_bytes_free(&codes[i]);
}

/* Does one step to the code of '*size' bytes, which has room for one more. */
static void alter(const uint8_t *step, uint8_t *code, size_t *size) {
  uint32_t place = (uint32_t)step[2] | (uint32_t)step[3] << 8 |
                   (uint32_t)step[4] << 16 | (uint32_t)step[5] << 24;
  size_t at = place % *size, left = *size - at;
  size_t other = (place / *size) % *size;
  size_t some = step[1] % 16 + 1;
  switch (step[0] % KINDS) {
  case SET:
    code[at] = step[1];
    break;
  case FLIP:
    code[at] ^= (uint8_t)(1 << step[1] % 8);
    break;
  case ADD:
    code[at] = (uint8_t)(code[at] + step[1] % 8 - 4);
    break;
  case TAKE_OUT:
    if (some >= left) return;
    memmove(code + at, code + at + some, left - some);
    *size -= some;
    break;
  case PUT_IN:
    memmove(code + at + 1, code + at, left);
    code[at] = step[1];
    ++*size;
    break;
  case MOVE:
    if (some < left && other + some < *size)
      memmove(code + at, code + other, some);
    break;
  case CUT:
    if (at > 0) *size = at;
    break;
  }
}

/* Makes size and checksums of what was altered right. */
static void make_right(uint8_t *data, size_t size) {
  uint8_t sum[TORPOR_SNAPSHOT_ID_SIZE];
  if (size >= ENGINE_SUM_AT + ENGINE_SUM_SIZE)
    memset(data + ENGINE_SUM_AT, 0xff, ENGINE_SUM_SIZE);
  for (unsigned i = 0; i < 8; i++)
    data[16 + i] = (uint8_t)((uint64_t)(size - HEADER) >> 8 * i);
  memset(data + SUM_AT, 0, sizeof(sum));
  fuzz_must(torpor_snapshot_identify(data, size, sum) == TORPOR_OK);
  memcpy(data + SUM_AT, sum, sizeof(sum));
}

/* Bytecode, from malloc, that the recipe gives. */
static uint8_t *cook(const uint8_t *data, size_t size, size_t *out) {
  const torpor_bytes *seed = &codes[data[0] % SEEDS];
  uint8_t *bytes = malloc(seed->size + size);
  size_t code = seed->size - HEADER;
  fuzz_must(bytes != NULL);
  memcpy(bytes, seed->data, seed->size);
  for (size_t at = 1; at + STEP <= size; at += STEP) {
    const uint8_t *step = data + at;
    if (step[0] % KINDS == FLAGS) {
      bytes[12] = step[1];
    } else if (step[0] % KINDS == LITERAL) {
      code = size - at - STEP;
      memcpy(bytes + HEADER, step + STEP, code);
      break;
    } else {
      alter(step, bytes + HEADER, &code);
    }
  }
  *out = HEADER + code;
  make_right(bytes, *out);
  return bytes;
}

static bool run(const uint8_t *data, size_t size) {
  torpor_vm *vm;
  torpor_value value;
  torpor_status status;
  uint8_t *bytes;
  size_t bytes_size;
  if (size == 0) return false;
  bytes = cook(data, size, &bytes_size);
  vm = open_vm();
  torpor_vm_set_fuel(vm, FUEL);
  torpor_vm_set_deadline(vm, DEADLINE_MS);
  status = torpor_bytecode_run(vm, bytes, bytes_size, &value);
  fuzz_succeeded(vm, status);
  fuzz_must(status != TORPOR_CHECKSUM && status != TORPOR_ENGINE);
  exercise_use(vm);
  torpor_vm_close(vm);
  fuzz_still_works();
  free(bytes);
  return status == TORPOR_OK;
}

static void make_step(uint8_t *step, uint64_t *random) {
  uint64_t bits = fuzz_random(random);
  memcpy(step, &bits, STEP);
  step[0] %= FLAGS;
  if (bits >> 58 == 0) step[0] = FLAGS;
}

/* Adds, drops or alters a step. */
static size_t mutate(uint8_t *data, size_t size, size_t size_max,
                     uint64_t *random) {
  size_t count = size > 0 ? (size - 1) / STEP : 0;
  uint64_t what = fuzz_random(random) % 4;
  uint8_t *step = data + 1;
  if (size == 0) data[0] = (uint8_t)fuzz_random(random);
  if (count > 0) step += fuzz_random(random) % count * STEP;
  if (count == 0 || (what < 2 && 1 + (count + 1) * STEP <= size_max)) {
    memmove(step + STEP, step, (size_t)(data + 1 + count * STEP - step));
    make_step(step, random);
    return 1 + (count + 1) * STEP;
  }
  if (what == 2 && count > 1) {
    memmove(step, step + STEP, (size_t)(data + 1 + (count - 1) * STEP - step));
    return 1 + (count - 1) * STEP;
  }
  step[1 + fuzz_random(random) % (STEP - 1)] = (uint8_t)fuzz_random(random);
  return 1 + count * STEP;
}

const fuzz_target fuzz_bytecode = {
    .name = "bytecode",
    .size_max = 400,
    .setup = setup,
    .teardown = teardown,
    .run = run,
    .mutate = mutate,
};
