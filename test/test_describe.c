/* SPDX-License-Identifier: MIT */
/* test_describe.c - values in one line for people, whatever they are, and that
 * no code runs for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/heap.h"
#include "test/support/one-vm.h"
#include "vm/vm.h"

static char *describe(torpor_value value) {
  static char text[20000];
  torpor_bytes bytes;
  test_ok(vm, torpor_value_describe(vm, value, &bytes));
  assert_true(bytes.size < sizeof text);
  memcpy(text, bytes.data, bytes.size + 1);
  torpor_bytes_free(&bytes);
  return text;
}

static const struct {
  const char *source, *text;
} cases[] = {
    {"undefined", "undefined"},
    {"null", "null"},
    {"true", "true"},
    {"1.5", "1.5"},
    {"-0", "-0"},
    {"0 / 0", "NaN"},
    {"-123n", "-123n"},
    {"2n ** 80n", "1208925819614629174706176n"},
    {"2n ** 80000n", "[BigInt of 80032 bits]"},
    {"'text'", "'text'"},
    {"\"it's\"", "\"it's\""},
    {"'both \\' and \"'", "'both \\' and \"'"},
    {"'a\\n\\t\\\\\\0\\x7f'", "'a\\n\\t\\\\\\u0000\\u007f'"},
    {"'\\u20ac\\ud83d\\ude00'", "'\xe2\x82\xac\xf0\x9f\x98\x80'"},
    {"'\\ud83d!\\ude00'", "'\\ud83d!\\ude00'"},
    {"'\\u2028'", "'\\u2028'"},
    {"'a' + 'b'.repeat(1200)", NULL},
    {"Symbol('s')", "Symbol(s)"},
    {"Symbol()", "Symbol()"},
    {"({})", "{}"},
    {"({a: 1, 'b c': 'x', 3: 4, [Symbol.iterator]: 5})",
     "{ '3': 4, a: 1, 'b c': 'x', [Symbol(Symbol.iterator)]: 5 }"},
    {"({get g() { ran() }, set s(v) {}, get b() {}, set b(v) {}})",
     "{ g: [Getter], s: [Setter], b: [Getter/Setter] }"},
    {"Object.create(null)", "[Object: null prototype] {}"},
    {"new (class Point { x = 1; #y = 2 })", "Point { x: 1 }"},
    {"[]", "[]"},
    {"[1, 'a', null]", "[ 1, 'a', null ]"},
    {"[1, , , 2, ,]", "[ 1, <2 empty items>, 2, <1 empty item> ]"},
    {"new Array(2 ** 32 - 1)", "[ <4294967295 empty items> ]"},
    {"{ const a = [0, , 1]; a[5e8] = a[5e8 + 1] = 2; a[4e9] = 3; a.x = 4; a }",
     "[ 0, <1 empty item>, 1, <499999997 empty items>, 2, 2, <3499999998 empty "
     "items>, 3, x: 4 ]"},
    {"{ const a = []; for (let i = 1; i < 9; i++) a[i * 1000] = i; a }",
     "[ <1000 empty items>, 1, <999 empty items>, 2, <999 empty items>, 3, "
     "<999 empty items>, 4, <999 empty items>, ... 3001 more ]"},
    {"Object.assign([1], {x: 2})", "[ 1, x: 2 ]"},
    {"new (class List extends Array {})(2)", "List [ <2 empty items> ]"},
    {"Array.from({length: 25}, (_, i) => i)",
     "[ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, "
     "... 5 more ]"},
    {"({a: {b: {c: {d: 1}}}})", "{ a: { b: { c: [Object] } } }"},
    {"[[[[1]]]]", "[ [ [ [Array] ] ] ]"},
    {"(() => { const o = {x: 1}; o.self = o; return [o] })()",
     "[ { x: 1, self: [Circular] } ]"},
    {"new Map([[1, {a: 2}], ['k', new Map]])",
     "Map(2) { 1 => { a: 2 }, 'k' => Map(0) {} }"},
    {"new Set(['x', 1])", "Set(2) { 'x', 1 }"},
    {"new Set(Array.from({length: 30}, (_, i) => 0 * i + 'v'.repeat(i)))",
     NULL},
    {"new WeakMap", "WeakMap { <items unknown> }"},
    {"new WeakSet", "WeakSet { <items unknown> }"},
    {"new Date(0)", "1970-01-01T00:00:00.000Z"},
    {"new Date(NaN)", "Invalid Date"},
    {"/a\\/b/gi", "/a\\/b/gi"},
    {"new TypeError('wrong\\nline')", "[TypeError: wrong line]"},
    {"new Error", "[Error]"},
    {"new DOMException('gone', 'AbortError')", "[AbortError: gone]"},
    {"Object.assign(new Error('full', {cause: 1}), {path: '/a'})",
     "[Error: full] { [cause]: 1, path: '/a' }"},
    {"new AggregateError([new Error('a'), 2], 'all')",
     "[AggregateError: all] { [errors]: [ [Error: a], 2 ] }"},
    {"(() => { let e = 1; for (let i = 0; i < 99; i++) e = new Error(i, "
     "{cause: e}); return e })()",
     "[Error: 98] { [cause]: [Error: 97] { [cause]: [Error: 96] { [cause]: "
     "[Error: 95] } } }"},
    {"(e => (e.cause = e, e))(new Error('self'))",
     "[Error: self] { cause: [Circular] }"},
    {"Object.assign(() => 1, {a: 1})", "[Function (anonymous)] { a: 1 }"},
    {"Object.defineProperty(new Error, 'errors', {get() { ran() }})",
     "[Error] { [errors]: [Getter] }"},
    {"new Error('p', {cause: new Proxy({}, {get() { ran() }})})",
     "[Error: p] { [cause]: [Proxy] }"},
    {"Promise.resolve(5)", "Promise { 5 }"},
    {"new Promise(() => 1)", "Promise { <pending> }"},
    {"(p => (p.catch(() => 1), p))(Promise.reject('no'))",
     "Promise { <rejected> 'no' }"},
    {"new Uint8Array([1, 2])", "Uint8Array(2) [ 1, 2 ]"},
    {"new BigInt64Array(1)", "BigInt64Array(1) [ 0n ]"},
    {"new ArrayBuffer(8)", "ArrayBuffer { byteLength: 8 }"},
    {"new SharedArrayBuffer(8)", "SharedArrayBuffer { byteLength: 8 }"},
    {"new Number(-0)", "[Number: -0]"},
    {"new String('x')", "[String: 'x']"},
    {"Object(5n)", "[BigInt: 5n]"},
    {"Object(Symbol('q'))", "[Symbol: Symbol(q)]"},
    {"(function f() {})", "[Function: f]"},
    {"(() => 1)", "[Function (anonymous)]"},
    {"(class A {})", "[class A]"},
    {"(class {})", "[class (anonymous)]"},
    {"(async function g() {})", "[AsyncFunction: g]"},
    {"Math.max", "[Function: max]"},
    {"new Proxy({}, {get() { ran() }})", "[Proxy]"},
    {"new Proxy(() => 1, {})", "[Proxy of a function]"},
    {"[new Proxy([], {get() { ran() }})]", "[ [Proxy] ]"},
    {"(function* () {})()", "Object [Generator] {}"},
    {"(function () { return arguments })(1)", "Object [Arguments] { '0': 1 }"},
    {"[].values()", "Object [Array Iterator] {}"},
};

static void test_kinds(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *text = describe(test_eval(vm, cases[i].source));
    assert_null(strchr(text, '\n'));
    if (cases[i].text && strcmp(text, cases[i].text) != 0)
      print_error("%s\n", cases[i].source);
    if (cases[i].text) assert_string_equal(text, cases[i].text);
  }
  assert_string_equal(describe(test_eval(vm, "'a'.repeat(1003)")) + 1000,
                      "a'... 3 more");
}

/* However large a value is, its line is short. */
static void test_bounded(void **state) {
  static const char *const large[] = {
      "(function f(n) { return n ? Array.from({length: 30}, () => f(n - 1)) : "
      "'text '.repeat(300) })(3)",
      "Object.fromEntries(Array.from({length: 5000}, (_, i) => ['k' + i, 'v'."
      "repeat(2000)]))",
      "new Array(4294967295)",
      "Object.assign([], {4294967290: 1})",
      "'x'.repeat(1e6)",
      "new Map(Array.from({length: 40}, (_, i) => [i, 'y'.repeat(3000)]))",
      "new (class { constructor() { this.a = this.constructor } })",
      "Object.defineProperty(() => 1, 'name', {value: 'n'.repeat(1e6)})",
      "new Error('m'.repeat(1e6))",
      "Symbol('s'.repeat(100000)).description",
  };
  (void)state;
  for (size_t i = 0; i < sizeof large / sizeof *large; i++)
    assert_true(strlen(describe(test_eval(vm, large[i]))) < 9000);
}

static void test_runs_nothing(void **state) {
  torpor_value value;
  (void)state;
  test_eval(vm, "var count = 0; const ran = () => { count++; throw 'ran' }; 0");
  value = test_eval(
      vm,
      "class Odd { get [Symbol.toStringTag]() { ran() } static get name() { "
      "ran() } toString() { ran() } toJSON() { ran() } [Symbol.toPrimitive]() "
      "{ ran() } get x() { ran() } };"
      "Object.defineProperty(Odd.prototype, 'constructor', {get: ran});"
      "[new Odd, Odd, new Proxy(new Odd, {get: ran, getPrototypeOf: ran, "
      "ownKeys: ran, has: ran, getOwnPropertyDescriptor: ran}),"
      " Object.create(new Proxy({}, {get: ran, getPrototypeOf: ran})),"
      " Object.defineProperties(new Error, {name: {get: ran}, message: {get: "
      "ran}, stack: {get: ran}, cause: {get: ran}}),"
      " Object.defineProperty(new Date, 'toISOString', {get: ran}),"
      " Object.defineProperty(/x/, 'flags', {get: ran}),"
      " Object.defineProperty(new Map([[1, 2]]), 'size', {get: ran})]");
  test_eval(vm,
            "{ const all = [Array, Map, Date, RegExp, Error, Function,"
            "String, Number, Object], {ownKeys, defineProperty} = Reflect;"
            "for (let i = 0; i < all.length; i++) {"
            "  const keys = ownKeys(all[i].prototype);"
            "  for (let k = 0; k < keys.length; k++)"
            "    defineProperty(all[i].prototype, keys[k], {__proto__: "
            "null, get: ran}); } } 0");
  describe(value);
  test_eval_is(vm, "count", "0");
}

/* It needs no fuel, and cannot be interrupted. */
static void test_without_fuel(void **state) {
  torpor_value value = test_eval(vm, "({a: [1, 2, {b: 'x'}]})");
  (void)state;
  torpor_vm_set_fuel(vm, 1);
  test_status(vm, test_eval_status(vm, "for (;;);"), TORPOR_INTERRUPTED);
  assert_string_equal(describe(value), "{ a: [ 1, 2, { b: 'x' } ] }");
  torpor_vm_interrupt(vm);
  assert_string_equal(describe(value), "{ a: [ 1, 2, { b: 'x' } ] }");
  torpor_vm_set_fuel(vm, 0);
}

/* What cannot be made for lack of memory is missing, or the call says so. */
static void test_every_allocation(void **state) {
  torpor_value value = test_eval(
      vm,
      "[{a: 'b', 'c d': 2n ** 70n}, new Map([[Symbol('x'), /r/g]]), new "
      "Date(0), new Error('m', {cause: 1}), 'l' + 'o'.repeat(9000), [ , 1], "
      "Promise.resolve(new Uint8Array(3))]");
  uint32_t count;
  torpor_bytes text;
  unsigned failed = 0;
  (void)state;
  describe(value);
  test_fail_allocations(vm, UINT32_MAX - 1, 0);
  describe(value);
  count = test_fail_allocations(vm, UINT32_MAX, 0);
  assert_true(count > 20);
  for (uint32_t more = 0; more < 2; more++)
    for (uint32_t n = 0; n < count; n++) {
      test_fail_allocations(vm, n, more);
      torpor_status status = torpor_value_describe(vm, value, &text);
      test_fail_allocations(vm, UINT32_MAX, 0);
      failed += status != TORPOR_OK;
      assert_true(status == TORPOR_OK || status == TORPOR_THROWN ||
                  status == TORPOR_LIMIT);
      torpor_bytes_free(&text);
    }
  assert_true(failed > 0);
  test_eval_is(vm, "[1, 2].join()", "1,2");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      TEST(test_kinds),
      TEST(test_bounded),
      TEST(test_runs_nothing),
      TEST(test_without_fuel),
      TEST(test_every_allocation),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
