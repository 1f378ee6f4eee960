/* SPDX-License-Identifier: MIT */
/* test_property_moments.c - properties, calls and iteration while a program
 * calls back and releases what is worked on, and while memory runs out. */
#include <string.h>

#include "test/support/heap.h"
#include "test/support/one-vm.h"
#include "vm/vm.h"

static torpor_key name(const char *text) {
  return torpor_key_name(text);
}

static torpor_key value_key(const char *source) {
  return torpor_key_value(test_eval(vm, source));
}

/* ---- Programs that come back ----------------------------------------------*/

static torpor_value retained;

/* Releases what the host works on, opens and closes scopes, and overwrites
 * window and slots. */
static torpor_status meddle(torpor_vm *given, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  torpor_value args[20], out;
  torpor_scope scope;
  (void)arguments, (void)user;
  if (torpor_value_type(retained) == TORPOR_TYPE_OBJECT)
    test_ok(given, torpor_value_release(given, retained));
  retained = torpor_undefined();
  test_ok(given, torpor_scope_open(given, &scope));
  for (int i = 0; i < 20; i++) args[i] = torpor_number(1000 + i);
  test_ok(given, torpor_call(given, test_eval(given, "((...a) => a.length)"),
                             args[0], args, 20, &out));
  test_ok(given, torpor_vm_collect(given));
  test_ok(given, torpor_scope_close(given, scope));
  *result = torpor_number(5);
  return TORPOR_OK;
}

/* Evaluates and keeps the only reference to what that gives. */
static torpor_value keep(const char *source) {
  torpor_scope scope;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_value_retain(vm, test_eval(vm, source), &retained));
  test_ok(vm, torpor_scope_close(vm, scope));
  return retained;
}

static void test_released_while_it_runs(void **state) {
  static const char *const keys[] = {"x", "y", "z"};
  torpor_value out[3];
  torpor_iterator iterator;
  torpor_descriptor d;
  bool has;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "meddle", meddle, NULL));
  test_eval(vm,
            "globalThis.wild = () => new Proxy({y: 2, z: 3}, new Proxy({}, "
            "{get(t, k) { return (...a) => (meddle(), Reflect[k](...a)) }"
            "})); 0");
  test_ok(vm,
          torpor_get(vm, keep("({get x() { return meddle() }})"), "x", out));
  assert_true(torpor_value_number(out[0]) == 5);
  test_ok(vm, torpor_get(vm, keep("wild()"), "z", out));
  assert_true(torpor_value_number(out[0]) == 3);
  test_ok(vm, torpor_set(vm, keep("wild()"), "z", torpor_number(1)));
  test_ok(vm, torpor_get_index(vm, keep("wild()"), 1, out));
  test_ok(vm, torpor_set_index(vm, keep("wild()"), 1, torpor_number(1)));
  test_ok(vm, torpor_get_each(vm, keep("wild()"), keys, 3, out));
  assert_true(torpor_value_number(out[1]) == 2);
  assert_true(torpor_value_number(out[2]) == 3);
  test_ok(vm, torpor_get_elements(vm, keep("wild()"), 0, 3, out));
  test_ok(vm, torpor_has(vm, keep("wild()"), name("y"), &has));
  assert_true(has);
  test_ok(vm, torpor_has_own(vm, keep("wild()"), name("y"), &has));
  test_ok(vm, torpor_delete(vm, keep("wild()"), name("y"), &has));
  test_ok(vm, torpor_get_own(vm, keep("wild()"), name("y"), &d));
  assert_true(torpor_value_number(d.value) == 2);
  d = torpor_descriptor_data(torpor_number(9), 7);
  test_ok(vm, torpor_define(vm, keep("wild()"), name("y"), &d));
  test_ok(vm, torpor_keys(vm, keep("wild()"), TORPOR_KEYS_ALL, out));
  test_ok(vm, torpor_length(vm, keep("wild()"), NULL));
  test_ok(vm, torpor_prototype_get(vm, keep("wild()"), out));
  test_ok(vm, torpor_prototype_set(vm, keep("wild()"), torpor_null()));
  test_ok(vm, torpor_integrity_set(vm, keep("wild()"), TORPOR_FROZEN));
  test_ok(vm, torpor_integrity_test(vm, keep("wild()"), TORPOR_FROZEN, &has));
  test_ok(vm,
          torpor_iterator_open(vm,
                               keep("({[Symbol.iterator]() { meddle(); return "
                                    "[1][Symbol.iterator]() }})"),
                               &iterator));
  test_ok(vm, torpor_iterator_close(vm, &iterator, TORPOR_OK));
  test_ok(vm, torpor_get_key(
                  vm, keep("({x: 1})"),
                  value_key("({toString() { meddle(); return 'x' }})"), out));
  assert_true(torpor_value_number(out[0]) == 1);
}

/* ---- Exhaustion -----------------------------------------------------------*/

typedef torpor_status step(torpor_value object);

static torpor_status do_get(torpor_value object) {
  return torpor_get_key(vm, object, name("never seen before"), NULL);
}
static torpor_status do_set(torpor_value object) {
  return torpor_set_key(vm, object, name("new \xc3\xa9"), torpor_number(1));
}
static torpor_status do_has(torpor_value object) {
  return torpor_has_own(vm, object, name("another name"), NULL);
}
static torpor_status do_delete(torpor_value object) {
  return torpor_delete(vm, object, torpor_key_index(1e40), NULL);
}
static torpor_status do_define(torpor_value object) {
  torpor_descriptor d = torpor_descriptor_data(object, 0);
  return torpor_define(vm, object, name("defined"), &d);
}
static torpor_status do_get_own(torpor_value object) {
  torpor_descriptor d;
  return torpor_get_own(vm, object, name("own"), &d);
}
static torpor_status do_keys(torpor_value object) {
  torpor_value out;
  torpor_status status = torpor_keys(vm, object, TORPOR_KEYS_ALL, &out);
  return status;
}
static torpor_status do_get_each(torpor_value object) {
  static const char *const keys[] = {"first of all", "second of all", "list"};
  torpor_value out[3];
  return torpor_get_each(vm, object, keys, 3, out);
}
static torpor_status do_prototype(torpor_value object) {
  torpor_status status = torpor_prototype_get(vm, object, NULL);
  return status ? status : torpor_prototype_set(vm, object, torpor_null());
}
static torpor_status do_freeze(torpor_value object) {
  torpor_status status = torpor_integrity_set(vm, object, TORPOR_FROZEN);
  return status ? status
                : torpor_integrity_test(vm, object, TORPOR_FROZEN, NULL);
}
static torpor_status do_iterate(torpor_value object) {
  torpor_iterator iterator;
  torpor_value list, item;
  torpor_status status = torpor_get(vm, object, "list", &list);
  if (status == TORPOR_OK) status = torpor_iterator_open(vm, list, &iterator);
  if (status != TORPOR_OK) return status;
  while ((status = torpor_iterator_next(vm, &iterator, &item)) == TORPOR_OK) {
  }
  return torpor_iterator_close(vm, &iterator, status);
}
static torpor_status do_call(torpor_value object) {
  torpor_value args[100];
  for (int i = 0; i < 100; i++) args[i] = object;
  return torpor_call_method(vm, object, "method", args, 100, NULL);
}
static torpor_status do_construct(torpor_value object) {
  torpor_value class;
  torpor_status status = torpor_get(vm, object, "Class", &class);
  if (status != TORPOR_OK) return status;
  return torpor_construct(vm, class, torpor_undefined(), &object, 1, NULL);
}

/* Each allocation of each step fails in turn, with all that follow: something
 * is thrown or a code comes back, and after that the VM works. */
static void test_no_memory(void **state) {
  static step *const steps[] = {
      do_get,  do_set,       do_has,       do_delete, do_define,
      do_keys, do_get_each,  do_prototype, do_freeze, do_iterate,
      do_call, do_construct, do_get_own,
  };
  unsigned failures = 0;
  (void)state;
  for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
    torpor_status status = TORPOR_NOMEM;
    for (uint32_t n = 0; status != TORPOR_OK; n++) {
      torpor_value object;
      assert_true(n < 200);
      vm = test_vm_open(NULL);
      object = test_eval(vm,
                         "({list: new Set([1, {}, 'x']), own: 'text' + 1,"
                         "method(...a) { return a },"
                         "Class: class { #a = {} }})");
      test_fail_allocations(vm, n, 1);
      status = steps[i](object);
      failures += status != TORPOR_OK;
      if (status == TORPOR_TRAPPED)
        assert_true(torpor_vm_exhausted(vm));
      else if (status != TORPOR_LIMIT && status != TORPOR_OK)
        test_status(vm, status, TORPOR_THROWN);
      if (status != TORPOR_OK) assert_true(torpor_last_error(vm)[0] != 0);
      if (status != TORPOR_TRAPPED) {
        test_fail_allocations(vm, UINT32_MAX, 1);
        test_eval_is(vm, "[1, 2].map(x => x * 2).join()", "2,4");
      }
      torpor_vm_close(vm);
    }
  }
  assert_true(failures > 30);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_released_while_it_runs, open_vm,
                                      close_vm),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
