/* SPDX-License-Identifier: MIT */
/* target.c - what libFuzzer calls; built by tools/fuzz.
 *
 * Before it is tried, each input is written to the file that TORPOR_FUZZ_LAST
 * names: whatever ends the process without a word can be done again.
 *
 * The mutator knows what steps are: it adds, drops, repeats, moves and alters
 * whole ones. Now and then libFuzzer's own mutations have their way. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/fuzz/exercise.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max,
                               unsigned seed);

static int last = -1;

static void note_input(const uint8_t *data, size_t size) {
  if (last < 0) return;
  if (ftruncate(last, 0) != 0 || pwrite(last, data, size, 0) != (ssize_t)size)
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  const char *path = getenv("TORPOR_FUZZ_LAST");
  (void)argc, (void)argv;
  if (path) last = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  recipe_setup();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  recipe_dish dish;
  note_input(data, size);
  recipe_cook(data, size, &dish);
  exercise(&dish);
  recipe_dish_free(&dish);
  return 0;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

static void make_step(uint8_t *to, uint64_t *state) {
  uint64_t bits = next_random(state);
  unsigned shift = (unsigned)(next_random(state) % 33);
  uint32_t value = (uint32_t)next_random(state);
  value = shift < 32 ? value >> shift : 0;
  to[0] = (uint8_t)(bits % RECIPE_KINDS);
  for (int i = 1; i < 4; i++) to[i] = (uint8_t)(bits >> 8 * i);
  if (bits >> 63) to[3] = 0;
  for (int i = 0; i < 4; i++) to[4 + i] = (uint8_t)(value >> 8 * i);
}

/* Opens a gap of a step before step 'at'. */
static uint8_t *insert_step(uint8_t *steps, size_t count, size_t at) {
  uint8_t *place = steps + at * RECIPE_STEP;
  memmove(place + RECIPE_STEP, place, (count - at) * RECIPE_STEP);
  return place;
}

static size_t mutate_steps(uint8_t *steps, size_t count, size_t count_max,
                           uint64_t *state) {
  size_t at = count > 0 ? next_random(state) % count : 0;
  unsigned what = (unsigned)(next_random(state) % 8);
  uint8_t copy[RECIPE_STEP];
  if (count == 0) {
    make_step(insert_step(steps, count, 0), state);
    steps[0] = RECIPE_SEED;
    return 1;
  }
  if (what < 3 && count < count_max) {
    make_step(insert_step(steps, count, at + next_random(state) % 2), state);
    return count + 1;
  }
  memcpy(copy, steps + at * RECIPE_STEP, RECIPE_STEP);
  if (what == 3 || what == 4) {
    memmove(steps + at * RECIPE_STEP, steps + (at + 1) * RECIPE_STEP,
            (count - at - 1) * RECIPE_STEP);
    count--;
    if (what == 3 || count == 0) return count;
    memcpy(insert_step(steps, count, next_random(state) % count), copy,
           RECIPE_STEP);
    return count + 1;
  }
  if (what == 5 && count < count_max) {
    memcpy(insert_step(steps, count, at), copy, RECIPE_STEP);
    return count + 1;
  }
  make_step(copy, state);
  if (what == 6) {
    memcpy(steps + at * RECIPE_STEP + 1, copy + 1, 3);
  } else {
    memcpy(steps + at * RECIPE_STEP + 4, copy + 4, 4);
  }
  return count;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max,
                               unsigned seed) {
  uint64_t state = seed;
  size_t count;
  if (size_max < RECIPE_HEAD + 2 * RECIPE_STEP) return size;
  if (size < RECIPE_HEAD) {
    memset(data + size, 0, RECIPE_HEAD - size);
    size = RECIPE_HEAD;
  }
  if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, size_max);
  if (seed % 16 == 1)
    data[next_random(&state) % RECIPE_HEAD] = (uint8_t)next_random(&state);
  count = (size - RECIPE_HEAD) / RECIPE_STEP;
  for (unsigned times = 1 + seed % 3; times > 0; times--)
    count = mutate_steps(data + RECIPE_HEAD, count,
                         (size_max - RECIPE_HEAD) / RECIPE_STEP, &state);
  return RECIPE_HEAD + count * RECIPE_STEP;
}
