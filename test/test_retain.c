/* SPDX-License-Identifier: MIT */
/* test_retain.c - VMs whose calls give retained handles (retain_results): these
 * outlive scopes and host functions, end in any order, and there is none that
 * nobody was given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/heap.h"
#include "test/support/vm.h"
#include "vm/engines/engine.h"
#include "vm/memory/image.h"
#include "vm/vm.h"

static torpor_vm *vm;

static int open_vm(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  (void)state;
  options.retain_results = true;
  vm = test_vm_open(&options);
  return 0;
}

static int close_vm(void **state) {
  (void)state;
  torpor_vm_close(vm);
  return 0;
}

static uint64_t handles(void) {
  torpor_usage usage = TORPOR_USAGE_INIT;
  test_ok(vm, torpor_vm_usage(vm, &usage));
  return usage.handles;
}

static void release(torpor_value value) {
  test_ok(vm, torpor_value_release(vm, value));
}

static void assert_stale(torpor_value value) {
  test_status(vm, torpor_value_to_boolean(vm, value, NULL), TORPOR_STALE);
}

/* 'value' is an object whose x is 1. */
static void assert_has_x(torpor_value value) {
  torpor_value x;
  test_ok(vm, torpor_get(vm, value, "x", &x));
  assert_true(torpor_value_number(x) == 1);
}

static void assert_lives(torpor_value value) {
  test_ok(vm, torpor_value_to_boolean(vm, value, NULL));
}

/* ---- Scopes ---------------------------------------------------------------*/

/* While a scope is open, handles are its own. */
static void test_scopes(void **state) {
  torpor_value outside = test_eval(vm, "({})"), inside, left, kept;
  torpor_scope outer, inner;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &outer));
  inside = test_eval(vm, "({})");
  test_ok(vm, torpor_scope_open(vm, &inner));
  left = test_eval(vm, "({x: 1})");
  test_ok(vm, torpor_scope_leave(vm, inner, &left));
  assert_lives(left);
  test_ok(vm, torpor_scope_leave(vm, outer, &left));
  assert_stale(inside);
  assert_lives(outside);
  assert_has_x(left);
  assert_int_equal(handles(), 2);
  test_ok(vm, torpor_value_retain(vm, left, &kept));
  release(left);
  assert_stale(left);
  release(kept);
  release(outside);
  assert_int_equal(handles(), 0);
}

/* A scope does not end what is retained, whoever closes it. */
static void test_scope_keeps(void **state) {
  torpor_value before = test_eval(vm, "({})");
  torpor_scope scope;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_scope_leave(vm, scope, &before));
  assert_lives(before);
  release(before);
  assert_int_equal(handles(), 0);
}

/* ---- Many -----------------------------------------------------------------*/

static void shuffle(torpor_value *values, size_t count) {
  test_random random = {7};
  for (size_t i = count - 1; i > 0; i--) {
    size_t other = test_random_next(&random) % (i + 1);
    torpor_value value = values[i];
    values[i] = values[other];
    values[other] = value;
  }
}

/* Some go, others come, in no order: none is mistaken for another. */
static void test_many(void **state) {
  const size_t count = test_count("handles", 3000, 100000);
  torpor_value *values = malloc(count * sizeof(*values));
  torpor_value made;
  (void)state;
  assert_non_null(values);
  for (size_t i = 0; i < count; i++)
    test_ok(vm, torpor_object_new(vm, &values[i]));
  assert_int_equal(handles(), count);
  shuffle(values, count);
  for (size_t i = 0; i < count / 2; i++) {
    test_ok(vm, torpor_set(vm, values[i], "n", torpor_number((double)i)));
    release(values[i]);
    assert_stale(values[i]);
    if (i % 3 == 0) {
      test_ok(vm, torpor_object_new(vm, &made));
      release(made);
    }
  }
  for (size_t i = count / 2; i < count; i++) {
    test_ok(vm, torpor_get(vm, values[i], "n", &made));
    assert_int_equal(torpor_value_type(made), TORPOR_TYPE_UNDEFINED);
  }
  assert_int_equal(handles(), count - count / 2);
  for (size_t i = count / 2; i < count; i++) release(values[i]);
  assert_int_equal(handles(), 0);
  free(values);
}

/* Holes are used up before the table of handles grows. */
static void test_holes(void **state) {
  torpor_value values[64];
  uint64_t used;
  torpor_usage usage = TORPOR_USAGE_INIT;
  (void)state;
  for (int i = 0; i < 64; i++) test_ok(vm, torpor_object_new(vm, &values[i]));
  test_ok(vm, torpor_vm_usage(vm, &usage));
  used = usage.heap_used;
  for (int round = 0; round < 1000; round++) {
    int gone = (round * 37) % 60;
    release(values[gone]);
    test_ok(vm, torpor_object_new(vm, &values[gone]));
  }
  test_ok(vm, torpor_vm_usage(vm, &usage));
  assert_true(usage.heap_used <= used + 64 * 64);
  for (int i = 0; i < 64; i++) release(values[i]);
  assert_int_equal(handles(), 0);
}

/* ---- Host functions -------------------------------------------------------*/

static torpor_value given, made, caught;

static torpor_status host(torpor_vm *of, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  torpor_scope scope;
  torpor_value inside;
  (void)user;
  given = torpor_argument(arguments, 0);
  test_ok(of, torpor_object_new(of, &made));
  test_ok(of, torpor_scope_open(of, &scope));
  test_ok(of, torpor_object_new(of, &inside)); /* ends with the call */
  *result = made;
  return TORPOR_OK;
}

static void test_host_function(void **state) {
  torpor_value result;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "host", host, NULL));
  assert_int_equal(handles(), 0);
  result = test_eval(vm, "host({})");
  assert_stale(given);
  assert_lives(made);
  assert_int_equal(handles(), 2);
  release(result);
  release(made);
  assert_int_equal(handles(), 0);
}

static torpor_status fail_inside(torpor_vm *of,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  torpor_status status;
  (void)arguments, (void)user;
  test_status(of, test_eval_status(of, "throw {first: 1}"), TORPOR_THROWN);
  status = torpor_get(of, torpor_argument(arguments, 0), "x", result);
  caught = torpor_exception(of);
  return status;
}

static torpor_status throw_own(torpor_vm *of, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)arguments, (void)result, (void)user;
  return torpor_throw(of, "RangeError", "%d", 7);
}

static torpor_status refuse(torpor_vm *of, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)of, (void)arguments, (void)result, (void)user;
  return TORPOR_DENIED;
}

/* What is thrown through host functions leaves nothing behind. */
static void test_thrown_through(void **state) {
  (void)state;
  test_ok(vm, torpor_function_add(vm, "failInside", fail_inside, NULL));
  test_ok(vm, torpor_function_add(vm, "throwOwn", throw_own, NULL));
  test_ok(vm, torpor_function_add(vm, "refuse", refuse, NULL));
  for (int i = 0; i < 3; i++) {
    test_eval_is(vm,
                 "try { failInside({get x() { throw {n: 5} }}) }"
                 "catch (e) { e.n + '' }",
                 "5");
    assert_stale(caught);
    test_eval_is(vm, "try { throwOwn() } catch (e) { String(e) }",
                 "RangeError: 7");
    test_eval_is(vm, "try { refuse() } catch (e) { e.name }", "Error");
    test_eval_is(vm, "try { unbound() } catch (e) { e.name }",
                 "ReferenceError");
  }
  assert_int_equal(handles(), 0);
}

/* ---- What was thrown ------------------------------------------------------*/

static void test_exceptions(void **state) {
  torpor_value first, own = test_eval(vm, "({own: 1})"), kept;
  (void)state;
  for (int i = 0; i < 10; i++)
    test_status(vm, test_eval_status(vm, "throw {n: 1}"), TORPOR_THROWN);
  assert_int_equal(handles(), 2);
  first = torpor_exception(vm);
  test_ok(vm, torpor_value_retain(vm, first, &kept));
  test_status(vm, torpor_throw_value(vm, first), TORPOR_THROWN);
  assert_lives(first);
  test_status(vm, torpor_throw_value(vm, own), TORPOR_THROWN);
  assert_stale(first);
  assert_lives(kept);
  test_status(vm, torpor_throw(vm, "Error", "x"), TORPOR_THROWN);
  assert_lives(own);
  test_status(vm, torpor_throw(vm, "Error", "y"), TORPOR_THROWN);
  test_status(vm, test_eval_status(vm, "throw 1"), TORPOR_THROWN);
  release(own);
  release(kept);
  assert_int_equal(handles(), 0);
}

static void test_await(void **state) {
  torpor_value promise = test_eval(vm, "Promise.resolve({x: 1})"), value;
  torpor_promise_state settled;
  (void)state;
  test_ok(vm, torpor_await(vm, promise, &value));
  test_ok(vm, torpor_await(vm, promise, NULL));
  test_ok(vm, torpor_promise_read(vm, promise, &settled, NULL));
  assert_has_x(value);
  release(promise);
  release(value);
  assert_int_equal(handles(), 0);
  promise = test_eval(vm, "Promise.reject({x: 1})");
  for (int i = 0; i < 3; i++)
    test_status(vm, torpor_await(vm, promise, &value), TORPOR_THROWN);
  assert_int_equal(handles(), 2);
  assert_has_x(torpor_exception(vm));
  test_status(vm, test_eval_status(vm, "throw 1"), TORPOR_THROWN);
  release(promise);
  assert_int_equal(handles(), 0);
}

/* ---- What the library makes for itself ------------------------------------*/

static torpor_status visit(torpor_vm *of, torpor_value value,
                           const torpor_instance *instance, void *user) {
  (void)instance;
  given = value;
  test_ok(of, torpor_get(of, value, "x", &made));
  return *(torpor_status *)user == TORPOR_OK
             ? TORPOR_OK
             : torpor_throw_value(of,
                                  torpor_argument(&(torpor_arguments){0}, 0));
}

static torpor_status visit_and_fail(torpor_vm *of, torpor_value value,
                                    const torpor_instance *instance,
                                    void *user) {
  (void)instance, (void)user;
  return torpor_get(of, value, "bad", NULL);
}

static void test_instances(void **state) {
  const torpor_instance instance = {1, NULL};
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  torpor_status wanted = TORPOR_OK;
  torpor_value object, class;
  (void)state;
  def.name = "Thing";
  test_ok(vm, torpor_class_add(vm, &def));
  assert_int_equal(handles(), 0);
  test_ok(vm, torpor_class_get(vm, "Thing", &class));
  test_ok(vm, torpor_instance_new(vm, "Thing", &instance, &object));
  release(class);
  release(test_eval(vm,
                    "Object.defineProperty(Thing.prototype, 'bad', {get() {"
                    "throw {}}}); Thing.prototype.x = {}"));
  test_ok(vm, torpor_instance_each(vm, "Thing", visit, &wanted));
  assert_stale(given);
  assert_lives(made);
  release(made);
  for (int i = 0; i < 3; i++)
    test_status(vm, torpor_instance_each(vm, "Thing", visit_and_fail, NULL),
                TORPOR_THROWN);
  assert_lives(torpor_exception(vm));
  wanted = TORPOR_THROWN;
  test_status(vm, torpor_instance_each(vm, "Thing", visit, &wanted),
              TORPOR_THROWN);
  release(made);
  release(object);
  assert_int_equal(handles(), 0);
}

static torpor_status give_nothing(torpor_vm *of,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  (void)of, (void)arguments, (void)result, (void)user;
  return TORPOR_OK;
}

static void test_tables(void **state) {
  const torpor_module_export exports[] = {
      {.name = "f", .function = give_nothing},
      {.name = "n", .value = torpor_number(1)},
  };
  const torpor_function_entry table[] = {{"a", give_nothing, 0, 0},
                                         {"b", give_nothing, 0, 0}};
  torpor_value object = test_eval(vm, "({set b(x) { throw {} }})");
  (void)state;
  test_ok(vm, torpor_module_add(vm, "made", exports, 2));
  test_ok(vm, torpor_function_add_all(vm, object, table, 2, NULL));
  test_ok(vm, torpor_function_add(vm, "f", give_nothing, NULL));
  release(object);
  assert_int_equal(handles(), 0);
}

static void test_parts(void **state) {
  const char *const keys[] = {"a", "b"};
  torpor_value object = test_eval(vm, "({a: {}, get b() { throw 1 }})");
  torpor_value map = test_eval(vm, "new Map([[{}, {}], [{}, {}]])");
  torpor_value list = test_eval(vm, "[{}, {}]"), item, values[2];
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_descriptor descriptor;
  torpor_iterator iterator;
  torpor_status status;
  size_t count;
  (void)state;
  test_status(vm, torpor_get_each(vm, object, keys, 2, values), TORPOR_THROWN);
  test_ok(vm, torpor_collection_read(vm, map, values, 1, &count));
  assert_int_equal(count, 2);
  assert_int_equal(handles(), 3 + 2);
  release(values[0]);
  release(values[1]);
  test_ok(vm, torpor_get_own(vm, object, torpor_key_name("b"), &descriptor));
  release(descriptor.getter);
  test_ok(vm, torpor_iterator_open(vm, list, &iterator));
  while ((status = torpor_iterator_next(vm, &iterator, &item)) == TORPOR_OK)
    release(item);
  test_ok(vm, torpor_iterator_close(vm, &iterator, status));
  assert_int_equal(handles(), 3);
  release(object);
  object = test_eval(vm,
                     "Object.assign(new Error('', {cause: {}}), {code: {}, "
                     "errors: []})");
  test_ok(vm, torpor_error_read(vm, object, &error));
  release(error.cause);
  release(error.code);
  release(error.errors);
  torpor_error_free(&error);
  release(object);
  release(map);
  release(list);
  assert_int_equal(handles(), 0);
}

static void tell_rejected(void *user, torpor_vm *of,
                          const torpor_rejection *rejection) {
  (void)user;
  given = rejection->reason;
  assert_int_equal(torpor_value_type(given), TORPOR_TYPE_OBJECT);
  made = test_eval(of, "({})");
}

static void test_rejections(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_value reason;
  (void)state;
  test_eval(vm, "Promise.reject({}); 0");
  test_run_jobs(vm);
  test_ok(vm, torpor_rejection_take(vm, &reason));
  assert_lives(reason);
  torpor_vm_close(vm);
  options.retain_results = true;
  options.rejected = tell_rejected;
  vm = test_vm_open(&options);
  test_eval(vm, "Promise.reject({}); 0");
  test_run_jobs(vm);
  assert_stale(given);
  assert_lives(made);
  release(made);
  assert_int_equal(handles(), 0);
}

/* ---- Calls that fail ------------------------------------------------------*/

/* What an interrupted call would have given is not kept. */
static void test_interrupted(void **state) {
  torpor_value result;
  (void)state;
  for (int i = 0; i < 5; i++) {
    torpor_vm_set_fuel(vm, 20000);
    test_status(vm,
                torpor_eval(vm, "for (;;);", SIZE_MAX, "endless.js",
                            TORPOR_MODULE, &result),
                TORPOR_INTERRUPTED);
    torpor_vm_set_fuel(vm, 20000);
    test_status(vm,
                torpor_eval(vm, "(async () => { for (;;); })()", SIZE_MAX,
                            "endless.js", TORPOR_SCRIPT, &result),
                TORPOR_INTERRUPTED);
  }
  torpor_vm_set_fuel(vm, 0);
  assert_int_equal(handles(), 0);
}

/* With 'n' allocations: what fails gives nothing, what succeeds all. */
static bool starve(torpor_value error, torpor_value map, uint32_t n) {
  torpor_value promise, resolve, reject, entries[200];
  torpor_error read = TORPOR_ERROR_INIT;
  torpor_status status;
  bool done;
  test_fail_allocations(vm, n, 1);
  status = torpor_promise_new(vm, &promise, &resolve, &reject);
  done = status == TORPOR_OK;
  if (done) {
    release(promise);
    release(resolve);
    release(reject);
  }
  test_fail_allocations(vm, n, 1);
  status = torpor_error_read(vm, error, &read);
  done &= status == TORPOR_OK;
  if (status == TORPOR_OK) {
    release(read.cause);
    release(read.code);
    release(read.errors);
    torpor_error_free(&read);
  }
  test_fail_allocations(vm, n, 1);
  status = torpor_collection_read(vm, map, entries, 100, NULL);
  done &= status == TORPOR_OK;
  if (status == TORPOR_OK)
    for (int i = 0; i < 200; i++) release(entries[i]);
  test_fail_allocations(vm, UINT32_MAX, 0);
  return done;
}

static void test_starved(void **state) {
  torpor_value error = test_eval(vm,
                                 "Object.assign(new Error('x'.repeat(9000),"
                                 "{cause: {}}), {code: {}, errors: []})");
  torpor_value map =
      test_eval(vm, "new Map(Array.from({length: 100}, () => [{}, {}]))");
  torpor_value fill[29];
  uint32_t n = 0;
  (void)state;
  /* So that the table has to grow in the middle of results. */
  for (int i = 0; i < 29; i++) test_ok(vm, torpor_object_new(vm, &fill[i]));
  while (!starve(error, map, n)) {
    assert_true(handles() <= 31 + 1); /* and what was thrown */
    assert_true(++n < 200);
  }
  assert_true(n > 3);
  test_status(vm, test_eval_status(vm, "throw 1"), TORPOR_THROWN);
  assert_int_equal(handles(), 31);
  for (int i = 0; i < 29; i++) release(fill[i]);
}

/* ---- Sleeping -------------------------------------------------------------*/

/* Handles that are gone leave no trace in a snapshot, and none wakes. */
static void test_sleep(void **state) {
  torpor_bytes before = test_save(vm), after;
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_value values[100];
  (void)state;
  for (int i = 0; i < 100; i++) test_ok(vm, torpor_object_new(vm, &values[i]));
  for (int i = 0; i < 100; i++) release(values[(i * 37) % 100]);
  after = test_save(vm);
  assert_int_equal(after.size, before.size);
  assert_memory_equal(after.data, before.data, before.size);
  torpor_bytes_free(&after);
  values[0] = test_eval(vm, "({})");
  after = test_save(vm);
  torpor_vm_close(vm);
  options.retain_results = true;
  vm = test_restore(&after, &options);
  assert_int_equal(torpor_value_type(test_eval(vm, "1")), TORPOR_TYPE_NUMBER);
  assert_int_equal(handles(), 0);
  values[0] = test_eval(vm, "({})");
  assert_int_equal(handles(), 1);
  torpor_bytes_free(&after);
  torpor_bytes_free(&before);
}

/* A copy is as its original, unless options say otherwise. */
static void test_fork(void **state) {
  torpor_vm *copy, *outer = vm;
  torpor_value value;
  torpor_scope scope;
  (void)state;
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  vm = copy;
  value = test_eval(vm, "({})");
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_scope_close(vm, scope));
  release(value);
  assert_stale(value);
  torpor_vm_close(copy);
  vm = outer;
}

static void test_older_engine(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  const torpor__engine *engine = vm->engine;
  torpor__engine older = *engine;
  torpor_vm *other;
  (void)state;
  older.exports.torpor_collector = NULL;
  options.retain_results = true;
  vm->engine = vm->image->engine = &older;
  test_status(vm, torpor_vm_fork(vm, &options, &other), TORPOR_UNSUPPORTED);
  test_says(vm, "retain_results");
  vm->engine = vm->image->engine = engine;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_scopes),        TEST(test_scope_keeps),
      TEST(test_many),          TEST(test_holes),
      TEST(test_host_function), TEST(test_thrown_through),
      TEST(test_exceptions),    TEST(test_await),
      TEST(test_instances),     TEST(test_tables),
      TEST(test_parts),         TEST(test_rejections),
      TEST(test_interrupted),   TEST(test_starved),
      TEST(test_sleep),         TEST(test_fork),
      TEST(test_older_engine),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
