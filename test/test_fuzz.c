/* SPDX-License-Identifier: MIT */
/* test_fuzz.c - what the fuzzer of snapshots found once, and a slice of what it
 * does: damaged snapshots are refused, or give VMs that hurt only themselves.
 *
 * test/fuzz/ explains recipes; tools/fuzz looks for new ones for as long as it
 * is told to. TORPOR_RECIPES is how many random ones are tried here.
 * ctest: full timeout=120 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/exercise.h"
#include "test/support/vm.h"
#include "test/support/file.h"

#define RECIPE_LARGEST 4096
#define STEPS_LARGEST 12

static unsigned cooked, woken;

static void try_recipe(const uint8_t *data, size_t size) {
  recipe_dish dish;
  recipe_cook(data, size, &dish);
  cooked++;
  woken += exercise(&dish);
  recipe_dish_free(&dish);
}

static void try_file(const char *path) {
  torpor_bytes recipe = test_file_read(path);
  assert_non_null(recipe.data);
  if (recipe.size > RECIPE_LARGEST) recipe.size = RECIPE_LARGEST;
  try_recipe(recipe.data, recipe.size);
  free(recipe.data);
}

static void test_corpus(void **state) {
  const char *source = getenv("TORPOR_SOURCE");
  char folder[1024], path[1400];
  struct dirent *entry;
  DIR *corpus;
  (void)state;
  snprintf(folder, sizeof(folder), "%s/test/fuzz/corpus",
           source ? source : ".");
  corpus = opendir(folder);
  assert_non_null(corpus);
  cooked = woken = 0;
  while ((entry = readdir(corpus)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
    try_file(path);
  }
  closedir(corpus);
  print_message("%u recipes of the corpus, %u gave a VM\n", cooked, woken);
  assert_true(cooked >= 50);
  assert_true(woken > 0 && woken < cooked);
}

static size_t make_recipe(uint8_t *to, test_random *random) {
  size_t steps = 1 + test_random_next(random) % STEPS_LARGEST;
  size_t size = RECIPE_HEAD + steps * RECIPE_STEP;
  for (size_t i = 0; i < size; i++) to[i] = (uint8_t)test_random_next(random);
  to[RECIPE_HEAD] = RECIPE_SEED;
  return size;
}

static void test_random_recipes(void **state) {
  unsigned count = test_count("TORPOR_RECIPES", 400, 40000);
  test_random random = {test_count("TORPOR_SEED", 1, 1)};
  uint8_t recipe[RECIPE_HEAD + STEPS_LARGEST * RECIPE_STEP];
  (void)state;
  cooked = woken = 0;
  while (cooked < count) try_recipe(recipe, make_recipe(recipe, &random));
  print_message("%u random recipes, %u gave a VM\n", cooked, woken);
  assert_true(woken > count / 20 && woken < count);
}

static int setup(void **state) {
  int failed = test_vm_setup(state);
  recipe_setup();
  return failed;
}

static int teardown(void **state) {
  recipe_teardown();
  return test_vm_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_corpus),
      cmocka_unit_test(test_random_recipes),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
