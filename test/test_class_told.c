/* SPDX-License-Identifier: MIT */
/* test_class_told.c - where a host function has ended, its VM may tell the host
 * which objects were collected. What the function answered, what it threw and
 * the id of what it constructed are not lost. */
#include <stdio.h>

#include "test/support/vm.h"

enum { MANY = 1000 };

static int live;
static uint64_t last_id, restored;

static torpor_status construct(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_instance *instance, void *user) {
  (void)vm, (void)arguments, (void)user;
  instance->id = ++last_id;
  live++;
  return TORPOR_OK;
}

static torpor_status restore(torpor_vm *vm, torpor_instance *instance,
                             void *user) {
  (void)vm, (void)user;
  restored = instance->id;
  live++;
  return TORPOR_OK;
}

static void finalize(const torpor_instance *instance, void *user) {
  (void)instance, (void)user;
  live--;
}

static torpor_status touch(torpor_vm *vm, const torpor_arguments *arguments,
                           torpor_value *result, void *user) {
  (void)vm, (void)arguments, (void)result, (void)user;
  return TORPOR_OK;
}

/* Answers its first argument, or throws it if the second one is true. Before
 * that 'all' is dropped; that an object is made lets the guest count. */
static torpor_status answer(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)user;
  test_eval_is(vm, "all = null; new Thing(); 'dropped'", "dropped");
  assert_true(live >= MANY);
  *result = torpor_argument(arguments, 0);
  return torpor_value_is_true(torpor_argument(arguments, 1))
             ? torpor_throw_value(vm, *result)
             : TORPOR_OK;
}

static torpor_class_def thing(void) {
  static const torpor_function_entry members[] = {{"touch", touch, 0, 0}};
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  def.name = "Thing";
  def.construct = construct;
  def.restore = restore;
  def.finalize = finalize;
  def.members = members;
  def.member_count = 1;
  return def;
}

static torpor_vm *open_with_class(void) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_class_def def = thing();
  test_ok(vm, torpor_class_add(vm, &def));
  test_ok(vm, torpor_function_add(vm, "answer", answer, NULL));
  live = 0;
  return vm;
}

/* Runs 'code' with 'all', which holds many objects and nothing else does. */
static void run_with_many(torpor_vm *vm, const char *code) {
  char making[128];
  snprintf(making, sizeof(making),
           "globalThis.all = Array.from({ length: %d }, () => new Thing());"
           "'made'",
           MANY);
  test_eval_is(vm, making, "made");
  assert_true(live >= MANY);
  test_eval_is(vm, code, "it");
  assert_true(live < MANY / 2);
}

static void test_answer(void **state) {
  torpor_vm *vm = open_with_class();
  (void)state;
  run_with_many(vm, "answer('it')");
  run_with_many(vm, "answer(0.5) === 0.5 ? 'it' : 'another'");
  torpor_vm_close(vm);
}

static void test_thrown(void **state) {
  torpor_vm *vm = open_with_class();
  (void)state;
  run_with_many(vm,
                "try { answer('it', true); 'not thrown' }"
                "catch (thrown) { thrown }");
  torpor_vm_close(vm);
}

static void test_constructed(void **state) {
  torpor_vm *vm = open_with_class(), *copy;
  torpor_class_def def = thing();
  (void)state;
  run_with_many(vm, "all = null; globalThis.made = new Thing(); 'it'");
  restored = 0;
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  test_ok(copy, torpor_class_bind(copy, &def));
  test_eval_is(copy, "made.touch(); 'restored'", "restored");
  assert_true(restored == last_id);
  torpor_vm_close(copy);
  torpor_vm_close(vm);
  assert_int_equal(live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answer),
      cmocka_unit_test(test_thrown),
      cmocka_unit_test(test_constructed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
