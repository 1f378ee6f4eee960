/* SPDX-License-Identifier: MIT */
/* test_reentrance.c - a program whose getters, traps and iterators call the
 * host, which does something else with the same objects meanwhile.
 * ctest: full
 *
 * Random calls with random values, of the program's and those of other calls,
 * also after they ended, some levels deep. Whatever comes of them: the VM is
 * not broken, a call that fails gives nothing, and a method has its object. */
#include <stdlib.h>
#include <string.h>

#include "test/support/vm.h"

enum { VALUES = 24, LEVELS = 4, CALLS = 300 };

static torpor_vm *vm;
static test_random dice;
static torpor_value values[VALUES];
static torpor_scope scopes[8];
static int scope_count, level, functions; /* that run */
static int data_live;

static uint32_t roll(uint32_t count) {
  return (uint32_t)(test_random_next(&dice) >> 16) % count;
}

static torpor_value any(void) {
  return values[roll(VALUES)];
}

static const char *any_key(void) {
  static const char *const keys[] = {
      "a",     "length", "constructor", "prototype", "then", "__proto__", "0",
      "cause", "next",   "value",       "toString",  "",     "\xc3\xa9",  "id"};
  return keys[roll(sizeof(keys) / sizeof(*keys))];
}

static const char *const sources[] = {
    "({a: 1})",
    "[1, {}, 3]",
    "new Proxy({}, {get: host, has: host, set: host, getPrototypeOf: host, "
    "ownKeys() { return ['a', host()] }, defineProperty: host, "
    "getOwnPropertyDescriptor: host, deleteProperty: host})",
    "new Proxy(function () {}, {apply: host, construct: host})",
    "new Map([[1, 2], [{}, 3]])",
    "new WeakMap",
    "Symbol('q')",
    "123456789012345678901234567890n",
    "'lone\\ud800'",
    "'a'.repeat(9000) + 'b'",
    "new Int32Array(new ArrayBuffer(10, {maxByteLength: 100}))",
    "(() => { const b = new ArrayBuffer(8), v = new Uint8Array(b); "
    "b.transfer(); return v })()",
    "(function* () { yield host(); yield 2 })()",
    "({[Symbol.iterator]() { return {next: host, return: host} }})",
    "Object.defineProperty(new Error, 'message', {get: host})",
    "(class extends Box { constructor() { host(); super(); host() } })",
    "new Box",
    "Box",
    "Promise.reject(2)",
    "({get a() { return host() }, set a(v) { host(v) }, valueOf: host, "
    "toString: host, then: host})",
    "(function () { throw host() })",
    "later",
    "null",
    "-0",
};

/* ---- What may be called ---------------------------------------------------*/

/* As a host looks at values, and back again. */
static torpor_status look_live(torpor_value *out) {
  torpor_cbor_options live = TORPOR_CBOR_OPTIONS_INIT;
  torpor_bytes tree;
  torpor_status status;
  live.not_data = TORPOR_LIVE;
  status = torpor_cbor_encode_with(vm, any(), &live, &tree);
  if (status != TORPOR_OK) return status;
  status = torpor_cbor_decode_with(vm, tree.data, tree.size, &live, out);
  torpor_bytes_free(&tree);
  return status;
}

static torpor_status evaluate(torpor_value *out) {
  const char *source = sources[roll(sizeof(sources) / sizeof(*sources))];
  return torpor_eval(vm, source, SIZE_MAX, "r.js", TORPOR_SCRIPT, out);
}

static torpor_status property(torpor_value *out) {
  const torpor_key key =
      roll(2) ? torpor_key_name(any_key()) : torpor_key_value(any());
  bool found;
  switch (roll(7)) {
  case 0:
    return torpor_get(vm, any(), any_key(), out);
  case 1:
    return torpor_set(vm, any(), any_key(), any());
  case 2:
    return torpor_get_key(vm, any(), key, out);
  case 3:
    return torpor_has(vm, any(), key, &found);
  case 4:
    return torpor_delete(vm, any(), key, &found);
  case 5:
    return torpor_keys(vm, any(), TORPOR_KEYS_ALL, out);
  default:
    return torpor_prototype_set(vm, any(), any());
  }
}

static torpor_status call(torpor_value *out) {
  torpor_value args[80];
  size_t count = roll(80);
  for (size_t i = 0; i < count; i++) args[i] = any();
  switch (roll(3)) {
  case 0:
    return torpor_call(vm, any(), any(), args, count, out);
  case 1:
    return torpor_call_method(vm, any(), any_key(), args, count, out);
  default:
    return torpor_construct(vm, any(), torpor_undefined(), args, count, out);
  }
}

static torpor_status iterate(torpor_value *out) {
  torpor_iterator iterator;
  torpor_status status = torpor_iterator_open(vm, any(), &iterator);
  (void)out;
  if (status != TORPOR_OK) return status;
  for (int i = 0; i < 5 && status == TORPOR_OK; i++)
    status = torpor_iterator_next(vm, &iterator, NULL);
  return torpor_iterator_close(vm, &iterator, status);
}

static torpor_status handle(torpor_value *out) {
  switch (roll(4)) {
  case 0:
    return torpor_value_retain(vm, any(), out);
  case 1:
    return torpor_value_release(vm, any());
  case 2:
    if (level == 0 && scope_count < 8)
      return torpor_scope_open(vm, &scopes[scope_count++]);
    return TORPOR_OK;
  default:
    if (scope_count == 0) return TORPOR_OK;
    if (functions > 0) { /* it is not this function's */
      test_status(vm, torpor_scope_close(vm, scopes[0]), TORPOR_STALE);
      return TORPOR_OK;
    }
    if (level > 0) return TORPOR_OK;
    return torpor_scope_close(vm, scopes[--scope_count]);
  }
}

static torpor_status read(torpor_value *out) {
  torpor_bytes text = {NULL, 0};
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_status status;
  switch (roll(5)) {
  case 0:
    status = torpor_string_read(vm, any(), &text);
    break;
  case 1:
    status = torpor_value_describe(vm, any(), &text);
    break;
  case 2:
    status = torpor_cbor_encode(vm, any(), &text);
    break;
  case 3:
    status = torpor_buffer_read(vm, any(), &text);
    break;
  default:
    status = torpor_error_read(vm, any(), &error);
    if (status == TORPOR_OK) *out = error.cause;
    torpor_error_free(&error);
  }
  torpor_bytes_free(&text);
  return status;
}

static torpor_status throw(torpor_value *out) {
  (void)out;
  return roll(2) ? torpor_throw(vm, "RangeError", "%s", any_key())
                 : torpor_throw_value(vm, any());
}

static torpor_status visit(torpor_vm *given, torpor_value value,
                           const torpor_instance *instance, void *user);

static torpor_status objects(torpor_value *out) {
  torpor_instance instance = {7, NULL};
  torpor_status status;
  switch (roll(3)) {
  case 0:
    return torpor_instance_each(vm, "Box", visit, NULL);
  case 1:
    return torpor_vm_collect(vm);
  default:
    instance.data = calloc(1, 8);
    data_live++;
    status = torpor_instance_new(vm, "Box", &instance, out);
    if (status == TORPOR_OK) return status;
    free(instance.data);
    data_live--;
    return status;
  }
}

static torpor_status call_any(void) {
  torpor_status (*const calls[])(torpor_value *) = {
      evaluate, evaluate, property, property, call,     iterate,
      handle,   read,     throw,    objects,  look_live};
  torpor_value out = torpor_undefined();
  torpor_status status = calls[roll(sizeof(calls) / sizeof(*calls))](&out);
  if (status == TORPOR_TRAPPED || status == TORPOR_BROKEN)
    fail_msg("%s", torpor_last_error(vm));
  if (status != TORPOR_OK) {
    assert_int_equal(torpor_value_type(out), TORPOR_TYPE_UNDEFINED);
    assert_true(torpor_last_error(vm)[0] != 0 || status == TORPOR_THROWN);
  }
  values[roll(VALUES)] = out;
  return status;
}

/* ---- What the program calls -----------------------------------------------*/

static torpor_status call_some(uint32_t most) {
  torpor_status status = TORPOR_OK;
  if (level == LEVELS) return status;
  level++;
  for (uint32_t left = roll(most); left > 0; left--) status = call_any();
  level--;
  return status;
}

static torpor_status host(torpor_vm *given, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  torpor_status status;
  (void)given, (void)user;
  if (arguments->count > 0)
    values[roll(VALUES)] = arguments->args[roll((uint32_t)arguments->count)];
  functions++;
  status = call_some(4);
  functions--;
  *result = any();
  return roll(3) > 0 ? TORPOR_OK : status;
}

static torpor_status visit(torpor_vm *given, torpor_value value,
                           const torpor_instance *instance, void *user) {
  (void)given, (void)user;
  memset(instance->data, 1, 8);
  values[roll(VALUES)] = value;
  call_some(2);
  return TORPOR_OK;
}

static torpor_status construct(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_instance *instance, void *user) {
  torpor_status status;
  (void)given, (void)user;
  values[roll(VALUES)] = arguments->self;
  functions++;
  status = call_some(3);
  functions--;
  if (status != TORPOR_OK && roll(2)) return status;
  instance->data = calloc(1, 8);
  data_live++;
  return TORPOR_OK;
}

static torpor_status method(torpor_vm *given, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  torpor_instance instance;
  test_ok(given,
          torpor_instance_read(given, arguments->self, "Box", &instance));
  assert_ptr_equal(instance.data, arguments->instance.data);
  memset(instance.data, 2, 8);
  return host(given, arguments, result, user);
}

static void finalize(const torpor_instance *instance, void *user) {
  (void)user;
  free(instance->data);
  data_live--;
}

static void open_program(void) {
  static const torpor_function_entry members[] = {
      {"id", method, 0, TORPOR_FUNCTION_GETTER}, {"next", method, 0, 0}};
  const torpor_function_entry later = {"later", host, 0, TORPOR_FUNCTION_ASYNC};
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  torpor_value global;
  options.fuel = 100000000;
  options.retain_results = roll(2);
  vm = test_vm_open(&options);
  def.name = "Box";
  def.construct = construct;
  def.finalize = finalize;
  def.members = members;
  def.member_count = 2;
  test_ok(vm, torpor_class_add(vm, &def));
  test_ok(vm, torpor_function_add(vm, "host", host, NULL));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_function_add_all(vm, global, &later, 1, NULL));
  for (int i = 0; i < VALUES; i++) values[i] = torpor_undefined();
  scope_count = level = functions = 0;
}

static void test_random_calls(void **state) {
  unsigned programs = test_count("TORPOR_PROGRAMS", 300, 5000);
  (void)state;
  for (unsigned seed = 1; seed <= programs; seed++) {
    dice.state = seed;
    open_program();
    for (int i = 0; i < CALLS; i++) call_any();
    torpor_vm_close(vm);
    assert_int_equal(data_live, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_calls)};
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
