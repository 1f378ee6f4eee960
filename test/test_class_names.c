/* SPDX-License-Identifier: MIT */
/* test_class_names.c - functions that the host makes under the names of its
 * classes and their methods, which know nothing of objects. */
#include <string.h>

#include "test/support/vm.h"

static int constructed, called;

static torpor_status construct(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_instance *instance, void *user) {
  (void)vm, (void)arguments, (void)user;
  instance->id = 0xffff000000000001u; /* the bits of a handle */
  constructed++;
  return TORPOR_OK;
}

static torpor_status method(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)vm, (void)user;
  called++;
  *result = torpor_boolean(arguments->instance.id != 0);
  return TORPOR_OK;
}

static torpor_vm *open_with_class(void) {
  static const torpor_function_entry members[] = {
      {"read", method, 0, 0},
      {"open", method, 0, TORPOR_FUNCTION_STATIC},
  };
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  torpor_vm *vm = test_vm_open(NULL);
  def.name = "fs.File";
  def.construct = construct;
  def.members = members;
  def.member_count = 2;
  test_ok(vm, torpor_class_add(vm, &def));
  constructed = called = 0;
  return vm;
}

/* A function of the name, as a global 'f'. */
static void make(torpor_vm *vm, const char *name, unsigned flags) {
  torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
  torpor_value function, global;
  def.name = name;
  def.flags = flags;
  def.captured = torpor_number(1);
  test_ok(vm, torpor_function_new_with(vm, &def, &function));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, "f", function));
}

static void assert_refused(torpor_vm *vm, const char *call) {
  test_status(vm, test_eval_status(vm, call), TORPOR_THROWN);
  assert_ptr_equal(strstr(torpor_last_error(vm), "TypeError"),
                   torpor_last_error(vm));
}

static void test_methods(void **state) {
  static const unsigned kinds[] = {0, TORPOR_FUNCTION_CAPTURES,
                                   TORPOR_FUNCTION_CONSTRUCTOR};
  torpor_vm *vm = open_with_class();
  (void)state;
  for (int i = 0; i < 3; i++) {
    make(vm, "fs.File.read", kinds[i]);
    assert_refused(vm, "f()");
    assert_refused(vm, "f.call(new File)");
  }
  assert_refused(vm, "new f");
  assert_int_equal(called, 0);
  test_eval_is(vm, "new File().read()", "true");
  make(vm, "fs.File.static open", 0);
  test_eval_is(vm, "f()", "false");
  torpor_vm_close(vm);
}

static void test_constructors(void **state) {
  torpor_vm *vm = open_with_class();
  (void)state;
  make(vm, "fs.File", 0);
  assert_refused(vm, "f()");
  make(vm, "fs.File", TORPOR_FUNCTION_CONSTRUCTOR);
  assert_refused(vm, "f()");
  assert_refused(vm, "new f");
  assert_refused(vm, "new (class extends f {})");
  assert_int_equal(constructed, 0);
  test_eval_is(vm, "new File() instanceof File", "true");
  assert_int_equal(constructed, 1);
  torpor_vm_close(vm);
}

/* What JavaScript sees of a name is the same for classes and functions. */
static void test_names_that_end_in_a_dot(void **state) {
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  def.name = "odd.";
  test_ok(vm, torpor_class_add(vm, &def));
  test_ok(vm, torpor_function_add(vm, "even.", method, NULL));
  test_eval_is(vm, "globalThis['odd.'].name + globalThis['even.'].name",
               "odd.even.");
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_methods),
      cmocka_unit_test(test_constructors),
      cmocka_unit_test(test_names_that_end_in_a_dot),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
