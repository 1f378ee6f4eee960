/* SPDX-License-Identifier: MIT */
/* test_live.c - trees for the host of a VM to look at (TORPOR_LIVE): what is no
 * data is shown as well, and values of the VM may be in what is decoded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "test/support/heap.h"
#include "test/support/one-vm.h"
#include "vm/engines/engine.h"
#include "vm/memory/image.h"
#include "vm/vm.h"

static const torpor_cbor_options live = {sizeof(live), TORPOR_LIVE,
                                         TORPOR_VIEWS_KEEP};

static torpor_status encode(torpor_value value, torpor_bytes *out) {
  return torpor_cbor_encode_with(vm, value, &live, out);
}

static torpor_status decode(torpor_bytes tree, torpor_value *out) {
  return torpor_cbor_decode_with(vm, tree.data, tree.size, &live, out);
}

static uint64_t handles(void) {
  torpor_usage usage = TORPOR_USAGE_INIT;
  test_ok(vm, torpor_vm_usage(vm, &usage));
  return usage.handles;
}

/* ---- What is shown --------------------------------------------------------*/

static const char tools[] =
    "class Point { constructor(x) { this.x = x } get far() { throw 1 } }"
    "globalThis.Point = Point;"
    "function given() { return arguments }"
    "const gone = new Uint8Array(4); gone.buffer.transfer();"
    "const shared = new Uint8Array(new SharedArrayBuffer(3)); shared[1] = 7;";

/* Each of these is written as the second is without TORPOR_LIVE. */
static const struct {
  const char *value, *as;
} shown[] = {
    {"(() => 1)", "undefined"},
    {"Symbol()", "undefined"},
    {"Symbol.iterator", "undefined"},
    {"Symbol.for('x')", "Symbol.for('x')"},
    {"({a: 1, f() {}, s: Symbol('s'), b: 2})",
     "({a: 1, f: undefined, s: undefined, b: 2})"},
    {"[1, () => 1, class {}]", "[1, undefined, undefined]"},
    {"new Map([[() => 1, 2], [3, () => 4]])",
     "new Map([[undefined, 2], [3, undefined]])"},
    {"new Map([[() => 1, 2], [undefined, 3], [() => 4, 5], [6, 7]])",
     "new Map([[undefined, 2], [6, 7]])"},
    {"new Set([1, undefined, () => 1, Symbol()])", "new Set([1, undefined])"},
    {"Object.assign(new RangeError('m', {cause: () => 1}), {stack: 'at',"
     " code: 5, errors: Symbol()})",
     "Object.assign(new RangeError('m'), {stack: 'at', code: 5})"},
    {"new Point(3)", "({x: 3})"},
    {"new (class extends Point { y = [new Point(1)] })(2)",
     "({x: 2, y: [{x: 1}]})"},
    {"Object.create({a: 1}, {b: {value: 2, enumerable: true}, c: {value: 3}})",
     "({b: 2})"},
    {"given(1, 'a')", "({0: 1, 1: 'a'})"},
    {"new WeakMap([[{}, 1]])", "({})"},
    {"new WeakRef({})", "({})"},
    {"[1][Symbol.iterator]()", "({})"},
    {"Object(Symbol('x'))", "({})"},
    {"(function* () {})()", "({})"},
    {"shared.buffer", "new Uint8Array([0, 7, 0]).buffer"},
    {"shared", "new Uint8Array([0, 7, 0])"},
    {"gone", "new Uint8Array(0)"},
    {"gone.buffer", "new ArrayBuffer(0)"},
    {"new Date(5)", "new Date(5)"},
    {"[1, , 2n]", "[1, , 2n]"},
    {"{ const a = {p: new Point(1)}; a.b = a.c = new Point(2);"
     " Object.assign(new Point(0), {a}) }",
     "{ const a = {p: {x: 1}}; a.b = a.c = {x: 2}; ({x: 0, a}) }"},
};

static void test_shown(void **state) {
  (void)state;
  test_eval(vm, tools);
  for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
    torpor_bytes found, expected;
    test_ok(vm, torpor_cbor_encode(vm, test_eval(vm, shown[i].as), &expected));
    test_ok(vm, encode(test_eval(vm, shown[i].value), &found));
    if (found.size != expected.size ||
        memcmp(found.data, expected.data, found.size) != 0)
      fail_msg("%s is not shown as %s", shown[i].value, shown[i].as);
    torpor_bytes_free(&found);
    torpor_bytes_free(&expected);
  }
}

/* It does not matter what else is asked for. */
static void test_goes_first(void **state) {
  torpor_bytes bytes;
  torpor_value value;
  (void)state;
  test_ok(vm, encode(test_eval(vm, "[function () {}, {f() {}}]"), &bytes));
  test_ok(vm, decode(bytes, &value));
  test_is(vm, value, "JSON.stringify([v.length, Object.keys(v[1])])",
          "[2,[\"f\"]]");
  torpor_bytes_free(&bytes);
}

static void test_refused(void **state) {
  static const struct {
    const char *value, *where;
  } refused[] = {
      {"new Proxy({}, {})", "the value is a Proxy"},
      {"({a: [new Proxy(() => 1, {})]})", "the value.a[0] is a Proxy"},
      {"new Map([[1, new Proxy([], {})]])", "is a Proxy"},
      {"Object.assign(new Error, {cause: Proxy.revocable({}, {}).proxy})",
       "the value.cause is a Proxy"},
      {"{ let deep = {}; for (let i = 0; i < 600; i++) deep = {deep}; deep }",
       "nested too deeply"},
      {"({get a() { throw new Error('mine') }})", "mine"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
    torpor_bytes bytes;
    test_status(vm, encode(test_eval(vm, refused[i].value), &bytes),
                TORPOR_THROWN);
    test_says(vm, refused[i].where);
    assert_null(bytes.data);
  }
}

/* ---- Promises -------------------------------------------------------------*/

static void test_promises(void **state) {
  torpor_value source = test_eval(
      vm, "const p = Promise.resolve({x: 5}); ({p, list: [p, 1], q: p})");
  torpor_value promise, result, back;
  torpor_reader *r;
  torpor_bytes bytes;
  uint32_t number;
  (void)state;
  uint64_t before = handles();
  test_ok(vm, encode(source, &bytes));
  assert_int_equal(handles(), before + 1);
  test_ok(NULL, torpor_reader_open(bytes.data, bytes.size, &r));
  torpor_reader_enter(r);
  assert_true(torpor_reader_find(r, "p", 1));
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_VALUE);
  assert_true(torpor_reader_is_shared(r, &number));
  promise = torpor_reader_value(r, vm);
  assert_true(torpor_reader_find(r, "q", 1));
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_REFERENCE);
  test_ok(NULL, torpor_reader_status(r));
  torpor_reader_close(r);
  test_ok(vm, torpor_await(vm, promise, &result));
  test_is(vm, result, "String(v.x)", "5");
  test_ok(vm, decode(bytes, &back));
  test_is(vm, back, "String(v.p === p && v.list[0] === p && v.q === p)",
          "true");
  test_ok(vm, torpor_value_release(vm, promise));
  test_status(vm, decode(bytes, &back), TORPOR_STALE);
  test_status(vm, torpor_cbor_decode(vm, bytes.data, bytes.size, &back),
              TORPOR_THROWN);
  test_says(vm, "an unknown tag");
  torpor_bytes_free(&bytes);
}

static torpor_value kept;

/* Makes a handle meanwhile, which is the host's own. */
static torpor_status meanwhile(torpor_vm *of, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  torpor_value made;
  (void)arguments, (void)result, (void)user;
  test_ok(of, torpor_object_new(of, &made));
  return torpor_value_retain(of, made, &kept);
}

/* What was made for a tree that nobody gets ends. */
static void test_failed(void **state) {
  static const char *const failing[] = {
      "[Promise.resolve(), {get x() { throw 1 }}, Promise.resolve()]",
      "[Promise.resolve(), Promise.resolve(), new Proxy({}, {})]",
      "[Promise.resolve(), {get x() { meanwhile(); throw 1 }}]",
  };
  torpor_bytes bytes;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "meanwhile", meanwhile, NULL));
  for (size_t i = 0; i < sizeof(failing) / sizeof(*failing); i++) {
    torpor_scope scope;
    uint64_t before = handles();
    test_ok(vm, torpor_scope_open(vm, &scope));
    test_status(vm, encode(test_eval(vm, failing[i]), &bytes), TORPOR_THROWN);
    test_ok(vm, torpor_scope_close(vm, scope));
    assert_int_equal(handles(), before + (i == 2));
  }
  test_ok(vm, torpor_value_release(vm, kept));
}

static void test_unwanted(void **state) {
  torpor_value value = test_eval(vm, "[Promise.resolve(), Promise.resolve()]");
  uint64_t before = handles();
  torpor_bytes bytes;
  (void)state;
  test_ok(vm, encode(value, NULL));
  assert_int_equal(handles(), before);
  for (int n = 0; n < 3; n++) {
    torpor_status status;
    torpor__alloc_fail(n);
    status = encode(value, &bytes);
    torpor__alloc_fail(-1);
    if (status == TORPOR_OK) break;
    test_status(vm, status, TORPOR_NOMEM);
    assert_int_equal(handles(), before);
  }
  torpor_bytes_free(&bytes);
}

static void test_interrupted(void **state) {
  torpor_value value = test_eval(
      vm, "[Promise.resolve(), {get x() { for (;;); }}, Promise.resolve()]");
  uint64_t before = handles();
  torpor_bytes bytes;
  (void)state;
  torpor_vm_set_fuel(vm, 30000);
  test_status(vm, encode(value, &bytes), TORPOR_INTERRUPTED);
  torpor_vm_set_fuel(vm, 0);
  assert_int_equal(handles(), before);
}

static void test_starved(void **state) {
  torpor_value value = test_eval(
      vm,
      "Array.from({length: 40}, (_, i) => ({p: Promise.resolve(), i}))"
      ".concat(['x'.repeat(9000)])");
  uint64_t before = handles();
  uint32_t n = 0;
  (void)state;
  for (;; n++) {
    torpor_bytes bytes;
    torpor_scope scope;
    torpor_status status;
    test_ok(vm, torpor_scope_open(vm, &scope));
    test_fail_allocations(vm, n, 1);
    status = encode(value, &bytes);
    test_fail_allocations(vm, UINT32_MAX, 0);
    test_ok(vm, torpor_scope_close(vm, scope));
    if (status == TORPOR_OK) {
      assert_int_equal(handles(), before + 40);
      torpor_bytes_free(&bytes);
      break;
    }
    assert_int_equal(handles(), before);
  }
  assert_true(n > 5);
}

/* ---- Values in what is decoded --------------------------------------------*/

/* A tree with all of 'values' in it, in several places. */
static torpor_bytes write_tree(const torpor_value *values, size_t count) {
  torpor_writer *w;
  torpor_slice tree;
  torpor_bytes copy;
  test_ok(NULL, torpor_writer_open(NULL, 0, &w));
  torpor_writer_array(w, 2);
  torpor_writer_array(w, count);
  for (size_t i = 0; i < count; i++) torpor_writer_value(w, values[i]);
  torpor_writer_end(w);
  torpor_writer_map(w, SIZE_MAX);
  for (size_t i = 0; i < count; i++) {
    torpor_writer_value(w, values[i]);
    torpor_writer_object(w, 1);
    torpor_writer_key(w, "v", 1);
    torpor_writer_value(w, values[i]);
    torpor_writer_end(w);
  }
  torpor_writer_end(w);
  torpor_writer_end(w);
  test_ok(NULL, torpor_writer_finish(w, &tree));
  copy.data = malloc(tree.size);
  copy.size = tree.size;
  assert_non_null(copy.data);
  memcpy(copy.data, tree.data, tree.size);
  torpor_writer_close(w);
  return copy;
}

static void test_values(void **state) {
  torpor_value values[9], back;
  torpor_bytes tree;
  (void)state;
  values[0] = test_eval(vm, "globalThis.f = () => 1; f");
  values[1] = test_eval(vm, "globalThis.s = Symbol('s'); s");
  values[2] = test_eval(vm, "'ab'.repeat(5000) + 'c'.repeat(9000)");
  values[3] = test_eval(vm, "2n ** 90n");
  values[4] = torpor_number(-0.0);
  values[5] = torpor_undefined();
  values[6] = torpor_null();
  values[7] = torpor_boolean(true);
  test_ok(vm, torpor_value_retain(vm, test_eval(vm, "globalThis"), &values[8]));
  tree = write_tree(values, 9);
  test_ok(vm, decode(tree, &back));
  test_is(vm, back,
          "var [list, map] = v; String(list[0] === f && list[1] === s &&"
          " list[2].length === 19000 && list[3] === 2n ** 90n &&"
          " Object.is(list[4], -0) && list[5] === undefined &&"
          " list[6] === null && list[7] === true && list[8] === globalThis &&"
          " map.size === 9 && list.every(x => Object.is(map.get(x).v, x)))",
          "true");
  test_status(vm, torpor_cbor_decode(vm, tree.data, tree.size, &back),
              TORPOR_THROWN);
  test_status(vm,
              torpor_cbor_decode_with(vm, tree.data, tree.size, NULL, &back),
              TORPOR_THROWN);
  test_ok(vm, torpor_value_release(vm, values[8]));
  test_status(vm, decode(tree, &back), TORPOR_STALE);
  test_eval_is(vm, "'well'", "well");
  free(tree.data);
}

/* A value that the program holds takes the place of what the format expects
 * only where that is sound. */
static void test_odd_places(void **state) {
  static const uint64_t tags[] = {1,       2,       3,       28,      29,
                                  31,      64,      258,     259,     273,
                                  21066,   7630690, 7630693, 7630696, 7630703,
                                  7630704, 7630707, 7630710, 7630711};
  static const char *const sources[] = {
      "({})",
      "'x'.repeat(99) + 'y'.repeat(9999)",
      "Symbol()",
      "9n",
      "new ArrayBuffer(8)",
      "gone.buffer",
      "new SharedArrayBuffer(8)",
      "new Proxy({}, {get() { throw ran = true }})",
      "Object.defineProperty([], 0, {get() { throw ran = true }})"};
  torpor_value value, back;
  torpor_writer *w;
  torpor_slice tree;
  (void)state;
  test_eval(vm, tools);
  test_eval(vm, "var ran = false");
  test_ok(NULL, torpor_writer_open(NULL, 0, &w));
  for (size_t s = 0; s < sizeof(sources) / sizeof(*sources); s++) {
    value = test_eval(vm, sources[s]);
    for (size_t t = 0; t < sizeof(tags) / sizeof(*tags); t++) {
      torpor_status status;
      torpor_writer_reset(w);
      torpor_writer_tag(w, tags[t]);
      torpor_writer_value(w, value);
      test_ok(NULL, torpor_writer_finish(w, &tree));
      status = torpor_cbor_decode_with(vm, tree.data, tree.size, &live, &back);
      assert_true(status == TORPOR_OK || status == TORPOR_THROWN);
    }
    torpor_writer_reset(w); /* a view of it, and an error that has it */
    torpor_writer_tag(w, 7630704);
    torpor_writer_array(w, 4);
    torpor_writer_number(w, 72);
    torpor_writer_value(w, value);
    torpor_writer_number(w, 0);
    torpor_writer_number(w, 8);
    torpor_writer_end(w);
    test_ok(NULL, torpor_writer_finish(w, &tree));
    assert_int_equal(
        torpor_cbor_decode_with(vm, tree.data, tree.size, &live, &back),
        strcmp(sources[s], "new ArrayBuffer(8)") == 0 ? TORPOR_OK
                                                      : TORPOR_THROWN);
    torpor_writer_reset(w);
    torpor_writer_tag(w, 7630693);
    torpor_writer_object(w, 3);
    for (int i = 0; i < 3; i++) {
      static const char *const keys[] = {"message", "stack", "cause"};
      torpor_writer_key(w, keys[i], SIZE_MAX);
      torpor_writer_value(w, value);
    }
    torpor_writer_end(w);
    test_ok(NULL, torpor_writer_finish(w, &tree));
    test_ok(vm,
            torpor_cbor_decode_with(vm, tree.data, tree.size, &live, &back));
    test_ok(vm, torpor_value_describe(vm, back, NULL));
  }
  torpor_writer_close(w);
  test_eval_is(vm, "String(ran)", "false");
}

static void test_hostile(void **state) {
  static const char *const bad[] = {
      "da00746f68",                   /* nothing behind the tag */
      "da00746f6861",                 /* a text */
      "da00746f6820",                 /* negative */
      "da00746f681bffffffffffffffff", /* more than 48 bits */
      "da00746f681b0001000000000000",
      "da00746f68f7",
  };
  test_random random = {11};
  torpor_value back;
  (void)state;
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    uint8_t bytes[16];
    size_t size = strlen(bad[i]) / 2;
    for (size_t k = 0; k < size; k++) {
      char digits[3] = {bad[i][k * 2], bad[i][k * 2 + 1], 0};
      bytes[k] = (uint8_t)strtoul(digits, NULL, 16);
    }
    test_status(vm, torpor_cbor_decode_with(vm, bytes, size, &live, &back),
                TORPOR_THROWN);
    test_says(vm, "SyntaxError");
  }
  for (int i = 0; i < 5000; i++) {
    torpor_value strange = {(uint64_t)0xffff << 48 |
                                test_random_next(&random) >> (16 + i % 48),
                            vm->owner};
    torpor_bytes tree = write_tree(&strange, 1);
    torpor_status status = decode(tree, &back);
    assert_true(status == TORPOR_STALE || status == TORPOR_OK);
    free(tree.data);
  }
}

/* ---- Misuse ---------------------------------------------------------------*/

static void test_misuse(void **state) {
  const torpor__engine *engine = vm->engine;
  torpor__engine older = *engine;
  torpor_cbor_options options = live;
  torpor_bytes bytes, tree;
  torpor_value value = test_eval(vm, "Promise.resolve()"), back;
  torpor_reader *r;
  (void)state;
  options.not_data = 9;
  test_status(vm, torpor_cbor_decode_with(vm, "\x01", 1, &options, &back),
              TORPOR_MISUSE);
  older.exports.torpor_cbor_decode_with = NULL;
  vm->engine = vm->image->engine = &older;
  test_status(vm, encode(value, &bytes), TORPOR_UNSUPPORTED);
  test_says(vm, "older");
  test_status(vm, torpor_cbor_decode_with(vm, "\x01", 1, &live, &back),
              TORPOR_UNSUPPORTED);
  test_says(vm, "older");
  test_ok(vm, torpor_cbor_decode_with(vm, "\x01", 1, NULL, &back));
  vm->engine = vm->image->engine = engine;
  tree = write_tree(&value, 1);
  test_ok(NULL, torpor_reader_open(tree.data, tree.size, &r));
  torpor_reader_enter(r);
  torpor_reader_enter(r);
  assert_int_equal(torpor_value_type(torpor_reader_value(r, NULL)),
                   TORPOR_TYPE_UNDEFINED);
  assert_int_equal(torpor_reader_status(r), TORPOR_MISUSE);
  torpor_reader_close(r);
  test_ok(NULL, torpor_reader_open(tree.data, tree.size, &r));
  assert_int_equal(torpor_value_type(torpor_reader_value(r, vm)),
                   TORPOR_TYPE_UNDEFINED);
  assert_int_equal(torpor_reader_status(r), TORPOR_WRONG_TYPE);
  torpor_reader_close(r);
  free(tree.data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_shown),       TEST(test_goes_first), TEST(test_refused),
      TEST(test_promises),    TEST(test_failed),     TEST(test_unwanted),
      TEST(test_interrupted), TEST(test_starved),    TEST(test_values),
      TEST(test_odd_places),  TEST(test_hostile),    TEST(test_misuse),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
