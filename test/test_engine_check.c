/* SPDX-License-Identifier: MIT */
/* test_engine_check.c - engines whose numbers were changed do no harm.
 *
 * What an engine.wasm says of itself reaches the host as one torpor__engine.
 * Copies of the built-in one are changed at random; each is either refused, or
 * a VM of it runs, fails or traps, but never takes the host along: it runs in a
 * child process, which must end by itself. With TORPOR_SOFT_BOUNDS nothing ends
 * guest code that never polls, so there the child ends itself.
 *
 * ctest: full */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/fuzz/forged.h"
#include "test/support/vm.h"
#include "vm/engines/engine.h"
#include "vm/life.h"
#include "vm/memory/image.h"

static uint32_t random_below(uint32_t limit) {
  return limit == 0 ? 0 : (uint32_t)rand() % limit;
}

/* A number near 'number', or one that is a limit somewhere, or any. */
static uint32_t change_number(uint32_t number) {
  static const uint32_t limits[] = {
      0,     1,          4095,       65535,      65536,
      65537, 0x7fffffff, 0x80000000, 0xfffffff0, UINT32_MAX};
  switch (random_below(4)) {
  case 0:
    return number + random_below(17) - 8;
  case 1:
    return limits[random_below(sizeof(limits) / sizeof(*limits))];
  case 2:
    return number ^ UINT32_C(1) << random_below(32);
  default:
    return (uint32_t)rand() * 2654435761u;
  }
}

static void change(struct forged *forged) {
  torpor__engine *engine = &forged->engine;
  torpor__engine_segment *segment =
      &forged->segments[random_below((uint32_t)engine->segment_count)];
  uint32_t *words = (uint32_t *)forged->control;
  uint32_t *const numbers[] = {&engine->pages,
                               &engine->control,
                               &engine->stack_pointer,
                               &segment->address,
                               &forged->control->stack_size,
                               &words[random_below(18)]};
  const size_t count = sizeof(numbers) / sizeof(*numbers);
  uint32_t *number = numbers[random_below((uint32_t)count)];
  *number = change_number(*number);
}

#ifdef TORPOR_SOFT_BOUNDS
static void end_loop(int signal) {
  (void)signal;
  _exit(0);
}
#endif

/* Runs in a child: ends with 0 whatever the engine does inside its sandbox. */
static void use(const torpor__engine *engine) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor__image *image;
  torpor_vm *vm;
  torpor_value value;
  torpor_bytes bytes;
  options.deadline_ms = 200;
  options.memory_max = TORPOR_MEMORY_LARGEST;
  options.memory =
      random_below(2) ? TORPOR_MEMORY_POOLED : TORPOR_MEMORY_MAPPED;
#ifdef TORPOR_SOFT_BOUNDS
  signal(SIGALRM, end_loop);
  alarm(1);
#else
  alarm(20);
#endif
  if (torpor__engine_baseline(engine, &image) != TORPOR_OK) _exit(0);
  for (int i = 0; i < 2; i++) {
    if (torpor__vm_take(image, &options, &vm) != TORPOR_OK) _exit(0);
    torpor_eval(vm, "[1, 2, 3].map(String).join()", 28, "a.js", TORPOR_SCRIPT,
                &value);
    if (torpor_snapshot_save(vm, &bytes) == TORPOR_OK)
      torpor_bytes_free(&bytes);
    torpor_vm_close(vm);
  }
  _exit(0);
}

static void expect_harmless(const torpor__engine *engine, unsigned seed) {
  int state;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) use(engine);
  assert_int_equal(waitpid(child, &state, 0), child);
  if (!WIFEXITED(state) || WEXITSTATUS(state) != 0)
    fail_msg("seed %u ended the host: state %x", seed, state);
}

static void test_ours_is_good(void **state) {
  (void)state;
  assert_null(torpor__engine_fault(&torpor__engine_builtin));
  struct forged *forged = forged_new();
  assert_null(torpor__engine_fault(&forged->engine));
  expect_harmless(&forged->engine, 0);
  forged_free(forged);
}

static void test_changed_numbers(void **state) {
  const char *tier = getenv("TORPOR_TIER"), *given = getenv("TORPOR_SEED");
  bool full = tier && strcmp(tier, "full") == 0;
  unsigned first = given ? (unsigned)atoi(given) : 1;
  unsigned count = given ? 1 : full ? 200000 : 4000, accepted = 0, refused = 0;
  (void)state;
  for (unsigned seed = first; seed < first + count; seed++) {
    struct forged *forged = forged_new();
    srand(seed);
    for (uint32_t i = random_below(3) + 1; i > 0; i--) change(forged);
    if (torpor__engine_fault(&forged->engine)) {
      refused++;
    } else {
      accepted++;
      expect_harmless(&forged->engine, seed);
    }
    forged_free(forged);
  }
  printf("%u accepted, %u refused\n", accepted, refused);
  if (!given) assert_true(accepted > count / 50 && refused > count / 4);
}

/* Each of these was believed, and written to or read where it led. */
static void test_impossible_numbers(void **state) {
  (void)state;
  const uint32_t end = torpor__engine_builtin.pages * TORPOR__WASM_PAGE;
  for (int i = 0; i < 9; i++) {
    struct forged *forged = forged_new();
    torpor__engine *engine = &forged->engine;
    torpor__engine_segment *last = &forged->segments[engine->segment_count - 1];
    if (i == 0) engine->pages = 0;
    if (i == 1) engine->pages = 65537;
    if (i == 2) engine->pages = 1;
    if (i == 3) last->address = end - last->size + 1;
    if (i == 4) last->address = UINT32_MAX - 8;
    if (i == 5) engine->control = end - 8;
    if (i == 6) engine->control += 4;
    if (i == 7) forged->control->stack_size = UINT32_MAX;
    if (i == 8) engine->stack_pointer = forged->control->stack_size + 16;
    if (!torpor__engine_fault(engine)) fail_msg("change %d was believed", i);
    forged_free(forged);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ours_is_good),
      cmocka_unit_test(test_impossible_numbers),
      cmocka_unit_test(test_changed_numbers),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
