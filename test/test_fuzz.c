/* SPDX-License-Identifier: MIT */
/* test_fuzz.c - what the fuzzers found or reached once, tried again, and a
 * slice of what the one of snapshots does: bytes from anywhere are refused, or
 * do what they do in VMs that hurt only themselves.
 *
 * test/fuzz/target.h lists what is fuzzed; tools/fuzz looks for new inputs for
 * as long as it is told to. TORPOR_RECIPES is how many random recipes for
 * snapshots are tried here.
 * ctest: full timeout=120 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/recipe.h"
#include "test/fuzz/target.h"
#include "test/support/file.h"
#include "test/support/vm.h"

#define STEPS_LARGEST 12

static unsigned tried, accepted;

static void try_input(const fuzz_target *target, const uint8_t *data,
                      size_t size) {
  tried++;
  accepted += target->run(data, size);
}

static void try_file(const fuzz_target *target, const char *path) {
  torpor_bytes input = test_file_read(path);
  assert_non_null(input.data);
  assert_true(input.size <= target->size_max);
  try_input(target, input.data, input.size);
  free(input.data);
}

static void try_corpus(const fuzz_target *target) {
  const char *source = getenv("TORPOR_SOURCE");
  char folder[1024], path[1400];
  struct dirent *entry;
  DIR *corpus;
  snprintf(folder, sizeof(folder), "%s/test/fuzz/corpus/%s",
           source ? source : ".", target->name);
  corpus = opendir(folder);
  assert_non_null(corpus);
  tried = accepted = 0;
  target->setup();
  while ((entry = readdir(corpus)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
    try_file(target, path);
  }
  target->teardown();
  closedir(corpus);
  print_message("%u inputs of %s, %u accepted\n", tried, target->name,
                accepted);
  assert_true(tried >= 20);
  assert_true(accepted > 0 && accepted < tried);
}

#define TARGETS(X) X(snapshot) X(cbor) X(json) X(bytecode) X(modules) X(engine)
#define X(name)                                                                \
  static void test_##name(void **state) {                                      \
    (void)state;                                                               \
    try_corpus(&fuzz_##name);                                                  \
  }
TARGETS(X)
#undef X

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
  tried = accepted = 0;
  fuzz_snapshot.setup();
  while (tried < count)
    try_input(&fuzz_snapshot, recipe, make_recipe(recipe, &random));
  fuzz_snapshot.teardown();
  print_message("%u random recipes, %u gave a VM\n", tried, accepted);
  assert_true(accepted > count / 20 && accepted < count);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define X(name) cmocka_unit_test(test_##name),
      TARGETS(X)
#undef X
          cmocka_unit_test(test_random_recipes),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
