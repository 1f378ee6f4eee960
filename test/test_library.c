/* SPDX-License-Identifier: MIT */
/* test_library.c - files of a library that the host keeps: modules and globals
 * that come when a program wants them, and then sleep with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/vm.h"

/* A library, and how often it was asked. */
struct library {
  int asked;
  bool works; /* what "torpor:fails" does */
};

static const char counter[] =
    "(function ($) { let n = 0; $.module('counter', { next: () => ++n }); })";

static torpor_status give(torpor_module_answer *answer, const char *text) {
  return torpor_module_give(answer, text, strlen(text));
}

static torpor_status give_file(void *user, const char *name,
                               torpor_module_answer *answer) {
  struct library *library = user;
  library->asked++;
  if (strcmp(name, "torpor:counter") == 0) return give(answer, counter);
  if (strcmp(name, "torpor:user") == 0)
    return give(answer,
                "(function ($) { $.load('shared'); $.load('shared');"
                "$.module('user', { shared: $.shared }); })");
  if (strcmp(name, "torpor:shared") == 0)
    return give(answer, "(function ($) { $.shared = ($.shared || 0) + 1; })");
  if (strcmp(name, "torpor:circle") == 0)
    return give(answer,
                "(function ($) { $.load('circle');"
                "$.module('circle', { a: 1 }); })");
  if (strcmp(name, "torpor:fails") == 0)
    return give(answer, library->works
                            ? "(function ($) { $.module('fails', { a: 1 }); })"
                            : "(function ($) { throw new RangeError('no'); })");
  if (strcmp(name, "torpor:syntax") == 0) return give(answer, "(function (");
  if (strcmp(name, "torpor:number") == 0) return give(answer, "42");
  if (strcmp(name, "torpor:navigator") == 0)
    return give(answer,
                "(function ($) { $.defineGlobal('navigator',"
                "{ userAgent: 'test' }); })");
  if (strcmp(name, "torpor:readable-stream") == 0)
    return give(answer, "(($) => {})");
  return TORPOR_NOT_FOUND;
}

static torpor_options options_for(struct library *library) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = library;
  options.library = give_file;
  return options;
}

/* What importing 'name' says, as text. */
static void import_is(torpor_vm *vm, const char *name, const char *then,
                      const char *expected) {
  char source[512];
  snprintf(source, sizeof(source),
           "globalThis.said = undefined; import('%s').then(m => said = %s, "
           "e => said = String(e))",
           name, then);
  test_eval(vm, source);
  test_run_jobs(vm);
  test_eval_is(vm, "said", expected);
}

static void modules_come_when_they_are_imported(void **state) {
  struct library library = {0};
  torpor_options options = options_for(&library);
  torpor_vm *vm = test_vm_open(&options);
  (void)state;
  assert_int_equal(library.asked, 0);
  import_is(vm, "torpor:counter", "m.next()", "1");
  import_is(vm, "torpor:counter", "m.next()", "2");
  assert_int_equal(library.asked, 1);
  import_is(vm, "torpor:user", "m.shared", "1");
  import_is(vm, "torpor:circle", "m.a", "1");
  import_is(vm, "torpor:run", "typeof m.sleep", "function");
  assert_int_equal(library.asked, 4);
  torpor_vm_close(vm);
}

static void what_is_not_there_is_named(void **state) {
  struct library library = {0};
  torpor_options options = options_for(&library);
  torpor_vm *vm = test_vm_open(&options);
  (void)state;
  import_is(vm, "torpor:nothing", "m",
            "ReferenceError: there is no library module 'torpor:nothing' "
            "(imported by \'test.js\')");
  torpor_vm_close(vm);
  vm = test_vm_open(NULL);
  import_is(vm, "torpor:counter", "m",
            "ReferenceError: there is no library module 'torpor:counter' "
            "(imported by \'test.js\')");
  torpor_vm_close(vm);
}

static void a_file_that_fails_may_be_asked_for_again(void **state) {
  struct library library = {0};
  torpor_options options = options_for(&library);
  torpor_vm *vm = test_vm_open(&options);
  (void)state;
  import_is(vm, "torpor:fails", "m", "RangeError: no");
  library.works = true;
  import_is(vm, "torpor:fails", "m.a", "1");
  import_is(vm, "torpor:syntax", "m", "SyntaxError: missing formal parameter");
  import_is(vm, "torpor:number", "m", "TypeError: not a function");
  torpor_vm_close(vm);
}

static void globals_come_when_they_are_touched(void **state) {
  struct library library = {0};
  torpor_options options = options_for(&library);
  torpor_vm *vm = test_vm_open(&options);
  (void)state;
  test_eval_is(vm, "'navigator' in globalThis", "true");
  assert_int_equal(library.asked, 0);
  test_eval_is(vm, "navigator.userAgent", "test");
  test_eval_is(vm, "navigator === navigator", "true");
  assert_int_equal(library.asked, 1);
  test_eval_is(vm, "try { ReadableStream } catch (e) { String(e) }",
               "Error: 'readable-stream' did not define ReadableStream");
  test_eval_is(vm, "typeof fetch", "undefined");
  test_eval_is(vm, "fetch = 5, fetch", "5");
  test_eval_is(vm, "typeof URL", "undefined");
  torpor_vm_close(vm);
  vm = test_vm_open(NULL);
  test_eval_is(vm, "typeof navigator", "undefined");
  torpor_vm_close(vm);
}

static void both_kinds_of_late_globals_go_together(void **state) {
  struct library library = {0};
  torpor_options options = options_for(&library);
  (void)state;
  options.extensions = true;
  torpor_vm *vm = test_vm_open(&options);
  test_eval_is(vm, "['navigator', 'Headers'].map(n => n in globalThis)",
               "true,true");
  test_eval_is(vm, "new Headers([['a', 'b']]).get('a') + navigator.userAgent",
               "btest");
  torpor_vm_close(vm);
  options.omit = "navigator Headers";
  vm = test_vm_open(&options);
  test_eval_is(vm, "[typeof navigator, typeof Headers]", "undefined,undefined");
  torpor_vm_close(vm);
}

/* What came sleeps with the VM; what did not is asked of the host that wakes
 * it. */
static void they_sleep_with_the_vm(void **state) {
  struct library library = {0}, other = {0};
  torpor_options options = options_for(&library);
  torpor_vm *vm = test_vm_open(&options);
  (void)state;
  import_is(vm, "torpor:counter", "m.next()", "1");
  torpor_bytes bytes = test_save(vm);
  torpor_vm_close(vm);

  vm = test_restore(&bytes, NULL);
  import_is(vm, "torpor:counter", "m.next()", "2");
  import_is(vm, "torpor:user", "m",
            "ReferenceError: there is no library module 'torpor:user' "
            "(imported by \'test.js\')");
  test_eval_is(vm, "typeof navigator", "undefined");
  torpor_vm_close(vm);

  options = options_for(&other);
  vm = test_restore(&bytes, &options);
  import_is(vm, "torpor:counter", "m.next()", "2");
  assert_int_equal(other.asked, 0);
  test_eval_is(vm, "navigator.userAgent", "test");
  assert_int_equal(other.asked, 1);
  torpor_vm_close(vm);
  torpor_bytes_free(&bytes);

  bytes = test_save_after("1");
  vm = test_restore(&bytes, &options);
  test_eval_is(vm, "navigator.userAgent", "test");
  torpor_vm_close(vm);
  torpor_bytes_free(&bytes);
}

/* A prototype that the program gave its global object stays. */
static void the_program_s_own_prototype_stays(void **state) {
  struct library library = {0};
  torpor_options options = options_for(&library);
  torpor_bytes bytes =
      test_save_after("Object.setPrototypeOf(globalThis, { own: 1 }); 1");
  (void)state;
  torpor_vm *vm = test_restore(&bytes, &options);
  test_eval_is(vm, "[own, typeof navigator]", "1,undefined");
  torpor_vm_close(vm);
  torpor_bytes_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(modules_come_when_they_are_imported),
      cmocka_unit_test(what_is_not_there_is_named),
      cmocka_unit_test(a_file_that_fails_may_be_asked_for_again),
      cmocka_unit_test(globals_come_when_they_are_touched),
      cmocka_unit_test(both_kinds_of_late_globals_go_together),
      cmocka_unit_test(they_sleep_with_the_vm),
      cmocka_unit_test(the_program_s_own_prototype_stays),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
