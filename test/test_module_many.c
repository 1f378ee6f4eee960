/* SPDX-License-Identifier: MIT */
/* test_module_many.c - many modules: what failed leaves nothing, at whatever
 * moment it failed, and many loads that wait do not disturb each other. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "test/support/vm.h"

static torpor_status give(void *user, const torpor_module_request *request,
                          torpor_module_answer *answer) {
  (void)user;
  if (strstr(request->name, "later"))
    return torpor_module_later(NULL, request, answer);
  if (strstr(request->name, "both")) {
    torpor_module_give(answer, "export default 2", SIZE_MAX);
    answer->later = true;
    return TORPOR_OK;
  }
  if (strstr(request->name, "broken"))
    return torpor_module_give(answer, "export default 1 +", SIZE_MAX);
  if (strstr(request->name, "plain"))
    return torpor_module_give(answer, "export default 1", SIZE_MAX);
  return TORPOR_NOT_FOUND;
}

static torpor_status resolve(void *user, const char *specifier,
                             const char *importer,
                             torpor_module_answer *answer) {
  (void)user, (void)importer, (void)answer;
  return strcmp(specifier, "denied") == 0 ? TORPOR_DENIED : TORPOR_OK;
}

/* Settles all that is pending, with text that is no module or with a reason. */
static void settle_all(torpor_vm *vm, torpor_outcome outcome,
                       const char *text) {
  while (torpor_operation_count(vm) > 0) {
    torpor_operation operation = TORPOR_OPERATION_INIT;
    torpor_scope scope;
    torpor_value value;
    uint64_t id;
    test_ok(vm, torpor_scope_open(vm, &scope));
    test_ok(vm, torpor_operation_at(vm, 0, &operation));
    id = operation.id;
    test_ok(vm, torpor_string_new(vm, text, SIZE_MAX, &value));
    test_ok(vm, torpor_operation_settle(vm, id, outcome, value));
    torpor_scope_close(vm, scope);
  }
  test_run_jobs(vm);
}

/* Something that fails; '#' is a number that is new each time. */
typedef struct failing {
  const char *source;
  torpor_mode mode;
  torpor_outcome outcome; /* of what comes later */
} failing;

/* Copies 'source' with 'number' in the place of each '#'. */
static void write_source(const char *source, unsigned number, char *out) {
  for (; *source; source++) {
    if (*source == '#')
      out += sprintf(out, "%u", number);
    else
      *out++ = *source;
  }
  *out = 0;
}

static void fail_once(torpor_vm *vm, const failing *failing, unsigned number) {
  torpor_scope scope;
  char source[200];
  torpor_status status;
  test_ok(vm, torpor_scope_open(vm, &scope));
  write_source(failing->source, number, source);
  status = torpor_eval(vm, source, SIZE_MAX, "main.js", failing->mode, NULL);
  assert_true(status == TORPOR_OK || status == TORPOR_THROWN);
  test_run_jobs(vm);
  settle_all(vm, failing->outcome, "let let");
  while (torpor_rejection_take(vm, NULL) == TORPOR_OK) continue;
  torpor_scope_close(vm, scope);
}

static uint64_t heap_after(torpor_vm *vm, const failing *failing,
                           unsigned first, unsigned count) {
  torpor_usage usage = TORPOR_USAGE_INIT;
  for (unsigned i = first; i < first + count; i++) fail_once(vm, failing, i);
  test_ok(vm, torpor_vm_collect(vm));
  test_ok(vm, torpor_vm_usage(vm, &usage));
  return usage.heap_used;
}

static void test_failures_leave_nothing(void **state) {
  static const failing all[] = {
      {"import('missing#').catch(() => 0)", TORPOR_SCRIPT, TORPOR_REJECT},
      {"import('broken#').catch(() => 0)", TORPOR_SCRIPT, TORPOR_REJECT},
      {"import('later#').catch(() => 0)", TORPOR_SCRIPT, TORPOR_REJECT},
      {"import('later#').catch(() => 0)", TORPOR_SCRIPT, TORPOR_RESOLVE},
      {"import('later#'); import('later#')", TORPOR_SCRIPT, TORPOR_REJECT},
      {"import('both#').catch(() => 0)", TORPOR_SCRIPT, TORPOR_REJECT},
      {"import 'missing#'", TORPOR_MODULE, TORPOR_REJECT},
      {"import 'broken#'", TORPOR_MODULE, TORPOR_REJECT},
      {"import 'later#'; import 'latera#'", TORPOR_MODULE, TORPOR_REJECT},
      {"import 'later#'", TORPOR_MODULE, TORPOR_RESOLVE},
      {"import { x } from 'plain'; x + #", TORPOR_MODULE, TORPOR_REJECT},
      {"import 'missing#'; import 'denied'", TORPOR_MODULE, TORPOR_REJECT},
      {"import 'missing#'; import 'plain'; let let", TORPOR_MODULE,
       TORPOR_REJECT},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
    torpor_options options = TORPOR_OPTIONS_INIT;
    torpor_vm *vm;
    uint64_t before, after;
    options.module = give;
    options.resolve = resolve;
    vm = test_vm_open(&options);
    before = heap_after(vm, &all[i], 1000, 100);
    after = heap_after(vm, &all[i], 2000, 100);
    if (after > before) print_error("%s\n", all[i].source);
    assert_true(after <= before);
    torpor_vm_close(vm);
  }
}

/* What failed to link is not met again by those that come later. */
static void test_failed_link_is_forgotten(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.module = give;
  vm = test_vm_open(&options);
  test_status(vm,
              torpor_eval(vm, "import { x } from 'plain'", SIZE_MAX, "main.js",
                          TORPOR_MODULE, NULL),
              TORPOR_THROWN);
  test_ok(vm,
          torpor_eval(vm,
                      "import * as own from './main.js'; export const y = 4;"
                      "globalThis.own = own",
                      SIZE_MAX, "main.js", TORPOR_MODULE, NULL));
  test_run_jobs(vm);
  test_eval_is(vm, "own.y", "4");
  torpor_vm_close(vm);
}

/* Loads that wait for modules of their own. The time grew with the third power
 * of their number: half a minute for so many. */
static void test_many_wait(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  clock_t begun = clock();
  (void)state;
  options.module = give;
  for (int rejected = 0; rejected < 2; rejected++) {
    vm = test_vm_open(&options);
    test_eval(vm,
              "globalThis.ends = 0; for (let i = 0; i < 6000; i++)"
              "  import('later' + i).then(m => ends += m.default,"
              "                           () => ends += 2); 0");
    test_run_jobs(vm);
    assert_int_equal(torpor_operation_count(vm), 6000);
    settle_all(vm, rejected ? TORPOR_REJECT : TORPOR_RESOLVE,
               "export default 1");
    test_eval_is(vm, "ends", rejected ? "12000" : "6000");
    torpor_vm_close(vm);
  }
  assert_true((clock() - begun) / CLOCKS_PER_SEC < 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_failures_leave_nothing),
      cmocka_unit_test(test_failed_link_is_forgotten),
      cmocka_unit_test(test_many_wait),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
