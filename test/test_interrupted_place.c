/* SPDX-License-Identifier: MIT */
/* test_interrupted_place.c - where in its source a program was interrupted. */
#include <stdio.h>
#include <string.h>

#include "test/support/vm.h"

static void assert_error_says(const torpor_vm *vm, const char *text) {
  if (strstr(torpor_last_error(vm), text)) return;
  print_error("'%s' lacks '%s'\n", torpor_last_error(vm), text);
  fail();
}

/* What is interrupted says where, also in an async function, which ends without
 * a word to its caller. */
static void what_runs_is_the_place(void **state) {
  static const char *const sources[] = {
      "let n = 0;\nfunction f() { n++; }\nfor (;;)\n  f();",
      "let n = 0;\nfunction f() { n++; }\n(async () => { for (;;)\n  f(); "
      "})(); 0",
      "let n = 0;\nfunction f() { n++; }\n[1, 2].sort(() => { for (;;)\n  f(); "
      "})",
      "let n = 0;\nfunction f() { n++; }\nPromise.resolve().then(() => { for "
      "(;;)\n  f(); }); 0"};
  (void)state;
  for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
    torpor_vm *vm = test_vm_open(NULL);
    torpor_status status;
    torpor_vm_set_fuel(vm, 20001);
    status =
        torpor_eval(vm, sources[i], SIZE_MAX, "place.js", TORPOR_SCRIPT, NULL);
    if (status == TORPOR_OK) status = torpor_job_run(vm, 0, NULL);
    test_status(vm, status, TORPOR_INTERRUPTED);
    assert_error_says(vm, "used up (place.js:");
    torpor_vm_close(vm);
  }
}

/* A loop is where it stands itself, not the statement before it. */
static void a_loop_is_its_own_place(void **state) {
  static const char *const loops[] = {
      "for (;;);",
      "for (;;) {}",
      "for (let i = 0; ; i++);",
      "for (let i = 0; i >= 0; );",
      "for (let i = 0; i >= 0; i = (i + 1) % 7);",
      "for (n of [1, 2, 3].concat(Array(99999))) n = 1;",
      "for (n in 'x'.repeat(99999)) n = 1;",
      "while (true);",
      "while (n < 2) n = 0;",
      "do; while (n < 2);",
      "do { n = 0; } while (n < 2);",
      "a: for (;;) { if (n > 2) break; else continue a; }",
      "for (;;) switch (n) { case 3: n = 1; break; default: n = 0; }",
      "for (;;) try { throw 1; } catch { n = 1; } finally { n = 0; }"};
  (void)state;
  for (size_t i = 0; i < sizeof(loops) / sizeof(*loops); i++) {
    char source[256];
    torpor_vm *vm = test_vm_open(NULL);
    snprintf(source, sizeof(source),
             "(function loop(n) {\n  n = n + 1;\n  %s\n  n = n + 2;\n})(0)",
             loops[i]);
    torpor_vm_set_fuel(vm, 50);
    test_status(
        vm, torpor_eval(vm, source, SIZE_MAX, "loop.js", TORPOR_SCRIPT, NULL),
        TORPOR_INTERRUPTED);
    assert_error_says(vm, "used up (loop.js:3:");
    torpor_vm_close(vm);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_runs_is_the_place),
      cmocka_unit_test(a_loop_is_its_own_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
