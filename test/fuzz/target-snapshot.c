/* SPDX-License-Identifier: MIT */
/* target-snapshot.c - snapshots that are almost right (recipe.h), used in every
 * way that there is (exercise.h).
 *
 * The mutator knows what steps are: it adds, drops, repeats, moves and alters
 * whole ones. */
#include <string.h>

#include "test/fuzz/exercise.h"
#include "test/fuzz/target.h"

static bool run(const uint8_t *data, size_t size) {
  recipe_dish dish;
  bool woke;
  recipe_cook(data, size, &dish);
  woke = exercise(&dish);
  recipe_dish_free(&dish);
  return woke;
}

static void make_step(uint8_t *to, uint64_t *state) {
  uint64_t bits = fuzz_random(state);
  unsigned shift = (unsigned)(fuzz_random(state) % 33);
  uint32_t value = (uint32_t)fuzz_random(state);
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
  size_t at = count > 0 ? fuzz_random(state) % count : 0;
  unsigned what = (unsigned)(fuzz_random(state) % 8);
  uint8_t copy[RECIPE_STEP];
  if (count == 0) {
    make_step(insert_step(steps, count, 0), state);
    steps[0] = RECIPE_SEED;
    return 1;
  }
  if (what < 3 && count < count_max) {
    make_step(insert_step(steps, count, at + fuzz_random(state) % 2), state);
    return count + 1;
  }
  memcpy(copy, steps + at * RECIPE_STEP, RECIPE_STEP);
  if (what == 3 || what == 4) {
    memmove(steps + at * RECIPE_STEP, steps + (at + 1) * RECIPE_STEP,
            (count - at - 1) * RECIPE_STEP);
    count--;
    if (what == 3 || count == 0) return count;
    memcpy(insert_step(steps, count, fuzz_random(state) % count), copy,
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

static size_t mutate(uint8_t *data, size_t size, size_t size_max,
                     uint64_t *random) {
  size_t count;
  if (size_max < RECIPE_HEAD + 2 * RECIPE_STEP) return size;
  if (size < RECIPE_HEAD) {
    memset(data + size, 0, RECIPE_HEAD - size);
    size = RECIPE_HEAD;
  }
  if (fuzz_random(random) % 16 == 0)
    data[fuzz_random(random) % RECIPE_HEAD] = (uint8_t)fuzz_random(random);
  count = (size - RECIPE_HEAD) / RECIPE_STEP;
  for (uint64_t times = 1 + fuzz_random(random) % 3; times > 0; times--)
    count = mutate_steps(data + RECIPE_HEAD, count,
                         (size_max - RECIPE_HEAD) / RECIPE_STEP, random);
  return RECIPE_HEAD + count * RECIPE_STEP;
}

const fuzz_target fuzz_snapshot = {
    .name = "snapshot",
    .size_max = 400,
    .setup = recipe_setup,
    .teardown = recipe_teardown,
    .run = run,
    .mutate = mutate,
};
