/* SPDX-License-Identifier: MIT */
/* test_data.c - plain data inside a VM: docs/cbor.md, case by case, in both
 * directions; what is refused; what bytes from anywhere cannot do. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/one-vm.h"

static void to_hex(const torpor_bytes *bytes, char *out, size_t size) {
  assert_true(bytes->size * 2 < size);
  for (size_t i = 0; i < bytes->size; i++)
    snprintf(out + i * 2, 3, "%02x", bytes->data[i]);
  out[bytes->size * 2] = '\0';
}

static size_t from_hex(const char *hex, uint8_t *out, size_t size) {
  size_t count = strlen(hex) / 2;
  assert_true(count <= size);
  for (size_t i = 0; i < count; i++) {
    char digits[3] = {hex[i * 2], hex[i * 2 + 1], '\0'};
    out[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return count;
}

/* Asserts that the value of 'source' is written as 'hex'. */
static void assert_written(const char *source, const char *hex) {
  torpor_bytes bytes;
  char found[1024];
  test_ok(vm, torpor_cbor_encode(vm, test_eval(vm, source), &bytes));
  to_hex(&bytes, found, sizeof(found));
  if (strcmp(found, hex) != 0)
    fail_msg("%s is %s, expected %s", source, found, hex);
  torpor_bytes_free(&bytes);
}

/* Asserts that 'hex' is read, and that 'check', called with it, is true. */
static void assert_read(const char *hex, const char *check) {
  uint8_t bytes[512];
  size_t size = from_hex(hex, bytes, sizeof(bytes));
  torpor_value value, result;
  test_ok(vm, torpor_cbor_decode(vm, bytes, size, &value));
  test_ok(vm, torpor_call(vm, test_eval(vm, check), torpor_undefined(), &value,
                          1, &result));
  if (!torpor_value_is_true(result)) fail_msg("%s: not %s", hex, check);
}

static const struct {
  const char *source, *hex, *check;
} data[] = {
    {"undefined", "f7", "x => x === undefined"},
    {"null", "f6", "x => x === null"},
    {"true", "f5", "x => x === true"},
    {"0", "00", "x => Object.is(x, 0)"},
    {"-0", "f98000", "x => Object.is(x, -0)"},
    {"23", "17", "x => x === 23"},
    {"24", "1818", "x => x === 24"},
    {"-500", "3901f3", "x => x === -500"},
    {"65536", "1a00010000", "x => x === 65536"},
    {"2 ** 53 - 1", "1b001fffffffffffff", "x => x === 2 ** 53 - 1"},
    {"1 - 2 ** 53", "3b001ffffffffffffe", "x => x === 1 - 2 ** 53"},
    {"2 ** 53", "fa5a000000", "x => x === 2 ** 53"},
    {"1.5", "f93e00", "x => x === 1.5"},
    {"1 / 3", "fb3fd5555555555555", "x => x === 1 / 3"},
    {"2 ** -24", "f90001", "x => x === 2 ** -24"},
    {"Infinity", "f97c00", "x => x === Infinity"},
    {"0 / 0", "f97e00", "x => x !== x"},
    {"0n", "c240", "x => x === 0n"},
    {"-1n", "c340", "x => x === -1n"},
    {"-257n", "c3420100", "x => x === -257n"},
    {"2n ** 64n", "c249010000000000000000", "x => x === 2n ** 64n"},
    {"'a\\u00e9\\u20ac\\u{1f600}'", "6a61c3a9e282acf09f9880",
     "x => x === 'a\\u00e9\\u20ac\\u{1f600}'"},
    {"'\\ud800'", "d9011143eda080", "x => x === '\\ud800'"},
    {"'a\\udc00\\ud83d\\ude00\\ud800'", "d901114b61edb080f09f9880eda080",
     "x => x === 'a\\udc00\\ud83d\\ude00\\ud800'"},
    {"({'\\udfff': 1})", "a1d9011143edbfbf01", "x => x['\\udfff'] === 1"},
    {"[1, , 'b']", "8301d81ff76162",
     "x => !(1 in x) && x[2] === 'b' && x.length === 3"},
    {"[, 1, undefined, ,]", "84d81ff701f7d81ff7",
     "x => !(0 in x) && 2 in x && !(3 in x) && x.length === 4"},
    {"new Array(2)", "82d81ff7d81ff7", "x => x.length === 2 && !(0 in x)"},
    {"{const a = [1]; a[2] = 3; a.x = 4; a}", "8301d81ff703",
     "x => !(1 in x) && x[2] === 3 && !('x' in x)"},
    {"Symbol.for('a')", "da00746f736161", "x => x === Symbol.for('a')"},
    {"Symbol.for('\\ud800')", "da00746f73d9011143eda080",
     "x => x === Symbol.for('\\ud800')"},
    {"[Object(1), Object('a'), Object(false), Object(2n)]",
     "84da00746f6f01da00746f6f6161da00746f6ff4da00746f6fc24102",
     "x => x[0] instanceof Number && x[0] == 1 && x[1] instanceof String &&"
     " x[1] == 'a' && x[2] instanceof Boolean && !x[2].valueOf() &&"
     " x[3] instanceof BigInt && x[3] == 2n"},
    {"({b: 1, a: [], ['__proto__']: 2})",
     "a3616201616180695f5f70726f746f5f5f02",
     "x => Object.keys(x).join() === 'b,a,__proto__' && x.b === 1"},
    {"Object.assign(Object.create(null), {1: 2})", "a1613102",
     "x => x[1] === 2"},
    {"new Map([[1, 2], [{}, 'b']])", "d90103a20102a06162",
     "x => x instanceof Map && x.size === 2 && x.get(1) === 2"},
    {"new Set([1, 'b'])", "d9010282016162",
     "x => x instanceof Set && x.has(1) && x.has('b')"},
    {"new Date(1500)", "c1f93e00", "x => x.getTime() === 1500"},
    {"new Date(NaN)", "c1f97e00", "x => isNaN(x.getTime())"},
    {"/a\\/b/giu", "d9524a8264615c2f6263676975",
     "x => x.source === 'a\\\\/b' && x.flags === 'giu'"},
    {"new Uint8Array([1, 2])", "420102",
     "x => x instanceof Uint8Array && x.join() === '1,2'"},
    {"new Uint16Array([2, 3])", "d8454402000300",
     "x => x instanceof Uint16Array && x.join() === '2,3'"},
    {"new Uint16Array([1, 2, 3]).subarray(1)",
     "da00746f70841845da00746f62460100020003000204",
     "x => x instanceof Uint16Array && x.join() === '2,3' &&"
     " x.byteOffset === 2 && x.buffer.byteLength === 6"},
    {"{const b = new ArrayBuffer(4);"
     " [new Uint8Array(b), new Uint16Array(b, 2, 1), b]}",
     "83da00746f774400000000da00746f70841845d81d000202d81d00",
     "x => x[0].buffer === x[2] && x[1].buffer === x[2] && x[0].length === 4 &&"
     " x[1].byteOffset === 2 && x[1].length === 1"},
    {"{const b = new ArrayBuffer(2);"
     " [b, new Int8Array(b), new DataView(b, 2)]}",
     "83d81cda00746f62420000da00746f70841848d81d000002"
     "da00746f70841a00746f76d81d000200",
     "x => x[1].buffer === x[0] && x[2].buffer === x[0] &&"
     " x[1].length === 2 && x[2].byteOffset === 2"},
    {"{const v = new Uint8Array(1); [v, v, v.buffer]}",
     "83d81cda00746f774100d81d00d81d01",
     "x => x[0] === x[1] && x[0].buffer === x[2]"},
    {"{const v = new Uint8Array(2).subarray(1); [v, v]}",
     "82d81cda00746f70841840da00746f624200000101d81d00",
     "x => x[0] === x[1] && x[0].byteOffset === 1"},
    {"new BigInt64Array([-1n])", "d84f48ffffffffffffffff",
     "x => x instanceof BigInt64Array && x[0] === -1n"},
    {"new ArrayBuffer(2)", "da00746f62420000",
     "x => x instanceof ArrayBuffer && x.byteLength === 2"},
    {"new DataView(new ArrayBuffer(2))", "da00746f76420000",
     "x => x instanceof DataView && x.byteLength === 2"},
    {"new DataView(new ArrayBuffer(3), 1)",
     "da00746f70841a00746f76da00746f62430000000102",
     "x => x instanceof DataView && x.byteLength === 2 && x.byteOffset === 1"},
    {"(() => { const a = []; a.push(a, a); return a; })()",
     "d81c82d81d00d81d00", "x => x[0] === x && x[1] === x"},
    {"(() => { const a = [], b = {}; return [b, a, [a], b]; })()",
     "84d81ca0d81c8081d81d01d81d00", "x => x[0] === x[3] && x[1] === x[2][0]"},
};

static void test_both_ways(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
    assert_written(data[i].source, data[i].hex);
    assert_read(data[i].hex, data[i].check);
  }
}

/* What other writers may have written. */
static void test_read_only(void **state) {
  (void)state;
  assert_read("1b0020000000000000", "x => x === 2n ** 53n");
  assert_read("3bffffffffffffffff", "x => x === -(2n ** 64n)");
  assert_read("d8404101", "x => x instanceof Uint8Array && x[0] === 1");
  assert_read("fb3ff8000000000000", "x => x === 1.5");
  assert_read("c2420001", "x => x === 1n");
  assert_read("da00746f65a0", "x => x instanceof Error && x.message === ''");
  assert_read("da00746f65a2617801646e616d656158",
              "x => x instanceof Error && !('x' in x)");
}

static void test_errors(void **state) {
  torpor_bytes bytes;
  torpor_value value, result;
  (void)state;
  test_ok(vm, torpor_cbor_encode(
                  vm,
                  test_eval(vm,
                            "{const e = new RangeError('r', {cause: "
                            "new DOMException('late', 'TimeoutError')});"
                            "e.code = 'E1'; globalThis.stack = e.stack; e}"),
                  &bytes));
  test_ok(vm, torpor_cbor_decode(vm, bytes.data, bytes.size, &value));
  torpor_bytes_free(&bytes);
  test_ok(vm, torpor_call(vm,
                          test_eval(vm,
                                    "e => e instanceof RangeError &&"
                                    "  e.message === 'r' && e.code === 'E1' &&"
                                    "  e.stack === stack &&"
                                    "  Object.keys(e).length === 0 &&"
                                    "  e.cause instanceof DOMException &&"
                                    "  e.cause.name === 'TimeoutError' &&"
                                    "  e.cause.message === 'late'"),
                          torpor_undefined(), &value, 1, &result));
  assert_true(torpor_value_is_true(result));
}

/* Refused, with a message that has 'part' in it. */
static void assert_refused(const char *source, const char *part) {
  torpor_bytes bytes;
  test_status(vm, torpor_cbor_encode(vm, test_eval(vm, source), &bytes),
              TORPOR_THROWN);
  if (strstr(torpor_last_error(vm), part) == NULL)
    fail_msg("%s: %s", source, torpor_last_error(vm));
}

static void test_refused(void **state) {
  (void)state;
  assert_refused("({a: [1, {b: () => 1}]})", "value.a[1].b is a function");
  assert_refused("[Symbol()]", "[0] is a symbol");
  assert_refused("(class A {}, new (class A {}))", "of a class");
  assert_refused("new Proxy({}, {})", "Proxy");
  assert_refused("[Promise.resolve(1)]", "await it");
  assert_refused("new WeakMap()", "of a class");
  assert_refused("Object(Symbol.for('a'))", "of a class");
  assert_refused("[Symbol.iterator]", "[0] is a symbol");
  assert_refused("({a: new Array(2 ** 29)})", "larger than 256 MiB");
  assert_refused("new SharedArrayBuffer(1)", "SharedArrayBuffer");
  assert_refused("({get a() { throw new Error('mine'); }})", "mine");
  assert_refused("{let a = []; for (let i = 0; i < 513; i++) a = [a]; a}",
                 "nested too deeply");
  assert_refused("{let a = []; for (let i = 0; i < 513; i++) a = [a]; a}",
                 "RangeError");
  assert_refused(
      "{const b = new ArrayBuffer(8);"
      " const v = new Uint8Array(b); b.transfer(); v}",
      "memory that is gone");
}

/* Asserts that the value of 'source' is written as 'hex' with what is no data
 * left out. */
static void assert_left(const char *source, const char *hex) {
  torpor_cbor_options options = TORPOR_CBOR_OPTIONS_INIT;
  torpor_bytes bytes;
  char found[1024];
  options.not_data = TORPOR_LEAVE_OUT;
  test_ok(vm,
          torpor_cbor_encode_with(vm, test_eval(vm, source), &options, &bytes));
  to_hex(&bytes, found, sizeof(found));
  if (strcmp(found, hex) != 0)
    fail_msg("%s is %s, expected %s", source, found, hex);
  torpor_bytes_free(&bytes);
}

static void test_left_out(void **state) {
  (void)state;
  assert_left("() => 1", "f7");
  assert_left("Symbol()", "f7");
  assert_left("[1, () => 1, Symbol.iterator, 2]", "8401f7f702");
  assert_left("({a: 1, f() {}, s: Symbol(), b: 2})", "a2616101616202");
  assert_left("({a: {f() {}}, p: new Proxy({}, {}), w: new WeakMap})",
              "a16161a0");
  assert_left("{class A {}; ({a: new A, b: [new A], c: Promise.resolve()})}",
              "a1616281f7");
  assert_left("new Map([[1, () => 1], [() => 1, 2], [3, 4]])", "d90103a10304");
  assert_left("new Set([1, Symbol(), {}])", "d901028201a0");
  assert_left("({a: new SharedArrayBuffer(1), b: Symbol.for('b')})",
              "a16162da00746f736162");
  assert_left("{const f = () => 1, o = {}; [f, o, f, o]}",
              "84f7d81ca0f7d81d00");
  assert_left(
      "{const e = new Error('m', {cause: () => 1}); e.stack = '';"
      " e.code = Symbol(); e}",
      "da00746f65a3646e616d65654572726f72676d657373616765616d"
      "65737461636b60");
  assert_left(
      "{let n = 0; ({get a() { return ++n; }, get f() { n++; return"
      " () => 1; }, get b() { return ++n; }})}",
      "a2616101616203");
}

/* Views as the bytes that they cover. */
static void test_copied_views(void **state) {
  torpor_cbor_options options = TORPOR_CBOR_OPTIONS_INIT;
  torpor_bytes bytes;
  char found[100];
  (void)state;
  options.views = TORPOR_VIEWS_COPY;
  test_ok(vm, torpor_cbor_encode_with(
                  vm,
                  test_eval(vm,
                            "{const b = new ArrayBuffer(4);"
                            "[new Uint8Array(b), new Uint16Array(b, 2)]}"),
                  &options, &bytes));
  to_hex(&bytes, found, sizeof(found));
  assert_string_equal(found, "824400000000d845420000");
  torpor_bytes_free(&bytes);
  options.views = (torpor_views)7;
  test_status(vm, torpor_cbor_encode_with(vm, torpor_null(), &options, &bytes),
              TORPOR_MISUSE);
  test_ok(vm, torpor_cbor_encode_with(vm, torpor_null(), NULL, NULL));
}

static void test_aggregate(void **state) {
  torpor_bytes bytes;
  torpor_value value, result;
  (void)state;
  test_ok(vm, torpor_cbor_encode(
                  vm,
                  test_eval(vm,
                            "{const e = new TypeError('t'); e.cause = e;"
                            "new AggregateError([e, 1, e], 'all')}"),
                  &bytes));
  test_ok(vm, torpor_cbor_decode(vm, bytes.data, bytes.size, &value));
  torpor_bytes_free(&bytes);
  test_ok(vm, torpor_call(vm,
                          test_eval(vm,
                                    "e => e instanceof AggregateError &&"
                                    " e.message === 'all' && e.errors.length"
                                    " === 3 && e.errors[0] === e.errors[2]"
                                    " && e.errors[0] instanceof TypeError"
                                    " && e.errors[0].cause === e.errors[0]"
                                    " && e.errors[1] === 1"),
                          torpor_undefined(), &value, 1, &result));
  assert_true(torpor_value_is_true(result));
}

/* More shapes than are remembered while data are written, inside each other in
 * any order, so that one takes the place of another half way. */
static void test_many_shapes(void **state) {
  torpor_bytes cbor;
  torpor_value value, back, same;
  (void)state;
  value = test_eval(
      vm,
      "let n = 1; const roll = k => (n = n * 48271 % 2147483647) % k;"
      "const make = depth => { const o = {}, s = roll(40);"
      "  for (let i = 0; i < s % 9; i++)"
      "    o['k' + s + i] = depth && roll(3) ? make(depth - 1) : roll(9);"
      "  return o };"
      "const list = []; for (let i = 0; i < 300; i++) list.push(make(5));"
      "list");
  test_ok(vm, torpor_cbor_encode(vm, value, &cbor));
  test_ok(vm, torpor_cbor_decode(vm, cbor.data, cbor.size, &back));
  test_ok(vm, torpor_call(vm,
                          test_eval(vm,
                                    "x => JSON.stringify(x) ==="
                                    "  JSON.stringify(list)"),
                          torpor_undefined(), &back, 1, &same));
  assert_true(torpor_value_is_true(same));
  torpor_bytes_free(&cbor);
}

/* ---- JSON -----------------------------------------------------------------*/

/* What our printer of CBOR says of a date or a BigInt is what JavaScript says,
 * for moments of all the years that a Date has and any number of digits. */
static void test_json_of_random(void **state) {
  test_random random = {test_count("TORPOR_SEED", 1, 1)};
  unsigned count = test_count("TORPOR_JSON", 1000, 100000);
  (void)state;
  for (unsigned i = 0; i < count; i++) {
    char source[200];
    torpor_bytes cbor, json, text;
    torpor_value list;
    uint64_t bits = test_random_next(&random);
    double ms = (double)(int64_t)(bits % 17280000000000001) - 8.64e15;
    if (i % 2) ms = (double)(int64_t)(bits >> 18) - (double)(1ull << 45);
    snprintf(source, sizeof source,
             "[new Date(%.0f), %s(0x%" PRIx64 "n ** %un >> %un)]", ms,
             i % 3 ? "" : "-", bits >> bits % 64, i % 5, i % 70);
    list = test_eval(vm, source);
    test_ok(vm, torpor_cbor_encode(vm, list, &cbor));
    test_ok(NULL, torpor_cbor_to_json(cbor.data, cbor.size, &json));
    test_ok(vm, torpor_call(vm,
                            test_eval(vm,
                                      "([date, n]) => JSON.stringify([date,"
                                      " n < 0 ? '-0x' + (-n).toString(16)"
                                      " : '0x' + n.toString(16)])"),
                            torpor_undefined(), &list, 1, &list));
    test_ok(vm, torpor_string_read(vm, list, &text));
    assert_string_equal((const char *)json.data, (const char *)text.data);
    torpor_bytes_free(&cbor);
    torpor_bytes_free(&json);
    torpor_bytes_free(&text);
  }
}

static void assert_json(const char *source, const char *json) {
  torpor_bytes text;
  test_ok(vm, torpor_json_encode(vm, test_eval(vm, source), &text));
  assert_string_equal((const char *)text.data, json);
  torpor_bytes_free(&text);
}

static void test_json_written(void **state) {
  torpor_bytes text;
  (void)state;
  test_eval(vm,
            "globalThis.JSON = {stringify() { throw 1; },"
            " parse() { throw 1; }}");
  assert_json("({a: [1, 2.5, null, 'x\\ud800'], b: undefined, c: () => 1})",
              "{\"a\":[1,2.5,null,\"x\\ud800\"]}");
  assert_json("[{toJSON() { return 'own'; }, x: 1}, new Date(0)]",
              "[\"own\",\"1970-01-01T00:00:00.000Z\"]");
  assert_json("'\\u00fc'", "\"\xc3\xbc\"");
  test_status(vm, torpor_json_encode(vm, test_eval(vm, "() => 1"), &text),
              TORPOR_WRONG_TYPE);
  assert_non_null(strstr(torpor_last_error(vm), "no JSON"));
  assert_null(text.data);
  test_status(vm, torpor_json_encode(vm, torpor_undefined(), NULL),
              TORPOR_WRONG_TYPE);
  test_status(vm, torpor_json_encode(vm, test_eval(vm, "1n"), &text),
              TORPOR_THROWN);
  test_status(vm,
              torpor_json_encode(
                  vm, test_eval(vm, "{const a = []; a[0] = a; a}"), &text),
              TORPOR_THROWN);
  test_status(vm,
              torpor_json_encode(vm,
                                 test_eval(vm,
                                           "{let a = []; for (let i = 0;"
                                           " i < 512; i++) a = [a]; a}"),
                                 &text),
              TORPOR_LIMIT);
  test_ok(vm, torpor_json_encode(
                  vm,
                  test_eval(vm,
                            "{let a = []; for (let i = 0; i < 511; i++)"
                            " a = [a]; a}"),
                  NULL));
}

static void test_json_read(void **state) {
  static const struct {
    const char *json, *part;
  } bad[] = {
      {"", "expected a value at byte 0"},
      {"[1,]", "expected a value at byte 3"},
      {"{\"a\" 1}", "expected ':' at byte 5"},
      {"'a'", "expected a value"},
      {"\"\xff\"", "UTF-8"},
      {"[1] 2", "the end of the text at byte 4"},
  };
  static char deep[2 * TORPOR_DATA_DEPTH + 2];
  torpor_value value, result;
  (void)state;
  test_eval(vm,
            "Object.prototype.__defineSetter__('a', () => { throw 1; });"
            "globalThis.JSON = 0");
  test_ok(vm, torpor_json_decode(vm,
                                 " {\"a\": [1, -0, \"\\ud800\"],"
                                 " \"__proto__\": 1, \"b\": 1, \"b\": 2} ",
                                 SIZE_MAX, &value));
  test_ok(vm,
          torpor_call(vm,
                      test_eval(vm,
                                "x => x.a[0] === 1 && Object.is(x.a[1], -0)"
                                " && x.a[2] === '\\ud800' && x.b === 2 &&"
                                " Object.keys(x).join() === 'a,__proto__,b'"),
                      torpor_undefined(), &value, 1, &result));
  assert_true(torpor_value_is_true(result));
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    test_status(vm, torpor_json_decode(vm, bad[i].json, SIZE_MAX, &value),
                TORPOR_THROWN);
    if (!strstr(torpor_last_error(vm), bad[i].part) ||
        !strstr(torpor_last_error(vm), "SyntaxError: not JSON"))
      fail_msg("%s: %s", bad[i].json, torpor_last_error(vm));
  }
  memset(deep, '[', TORPOR_DATA_DEPTH + 1);
  memset(deep + TORPOR_DATA_DEPTH + 1, ']', TORPOR_DATA_DEPTH + 1);
  test_status(vm, torpor_json_decode(vm, deep, sizeof(deep), &value),
              TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "less nesting"));
  test_ok(vm, torpor_json_decode(vm, deep + 1, sizeof(deep) - 2, NULL));
  test_status(vm, torpor_json_decode(vm, deep, TORPOR_DATA_LARGEST + 1, NULL),
              TORPOR_LIMIT);
  test_status(vm, torpor_cbor_decode(vm, deep, TORPOR_DATA_LARGEST + 1, NULL),
              TORPOR_LIMIT);
}

/* Getters run once, and may change what is written. */
static void test_getters(void **state) {
  (void)state;
  assert_written("globalThis.n = 0; ({get a() { return ++n; }})", "a1616101");
  assert_written(
      "{const m = new Map([[1, {get a() { m.clear(); return 2; }}],"
      " [3, 4]]); m}",
      "d90103a201a1616102"
      "0304");
  assert_written("[{get a() { return {}; }}, {get a() { return {}; }}]",
                 "82a16161a0a16161a0");
}

static const char *const malformed[] = {
    "",
    "ff",
    "9f",
    "5f",
    "1c",
    "f8",
    "f820",
    "e0",
    "18",
    "1b00",
    "0001",
    "5affffffff",
    "7affffffff",
    "9affffffff",
    "baffffffff",
    "9bffffffffffffffff",
    "bb8000000000000000",
    "62c328",
    "61ff",
    "63eda080",
    "a10101",
    "a2616101616102",
    "d90102820101",
    "d90103a201010102",
    "d9010380",
    "d81d00",
    "d81c82d81d0100",
    "c16161",
    "c201",
    "d8454101",
    "d9524a816161",
    "d9524a82612860",
    "d86400",
    "da00746f6580",
    "d81ff7",       /* a hole outside of an array */
    "81d81f01",     /* of another value */
    "d9011161",     /* text of lone surrogates: no bytes, */
    "d901116161",   /* text, */
    "d9011141ff",   /* not UTF-8 */
    "da00746f7301", /* a symbol of a number */
    "da00746f6f80", /* an object of an array, */
    "da00746f6ff6", /* of null */
    "da00746f7701", /* the buffer of what is no view */
    "da00746f77da00746f624100",
    "da00746f70831840410000",
    "da00746f7084184041000001",       /* a view of a view, */
    "da00746f708401da00746f62410000", /* of no kind, */
    "da00746f70841840da00746f6241000101",
    "da00746f70841840da00746f6241000200", /* beyond its buffer, */
    "da00746f70841845da00746f624400000000"
    "0102", /* within an element */
    "da00746f70841840da00746f624100200100",
    "da00746f70841840d81d000001",
    "82d81c80da00746f70841840d81d000000",
};

static torpor_usage usage(void) {
  torpor_usage found = TORPOR_USAGE_INIT;
  test_ok(vm, torpor_vm_collect(vm));
  test_ok(vm, torpor_vm_usage(vm, &found));
  return found;
}

/* Reads bytes in a scope of their own. */
static torpor_status read_bytes(const uint8_t *bytes, size_t size) {
  torpor_scope scope;
  torpor_value value;
  torpor_status status;
  test_ok(vm, torpor_scope_open(vm, &scope));
  status = torpor_cbor_decode(vm, bytes, size, &value);
  test_ok(vm, torpor_scope_close(vm, scope));
  return status;
}

static void test_malformed(void **state) {
  uint8_t bytes[64];
  (void)state;
  for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
    size_t size = from_hex(malformed[i], bytes, sizeof(bytes));
    if (read_bytes(bytes, size) != TORPOR_THROWN)
      fail_msg("%s was read", malformed[i]);
    assert_non_null(strstr(torpor_last_error(vm), "SyntaxError"));
  }
}

/* Damaged data is read or refused, and leaves nothing behind either way. */
static void test_damaged(void **state) {
  unsigned rounds = test_count("TORPOR_TEST_ROUNDS", 40, 4000);
  test_random random = {11};
  uint64_t before;
  (void)state;
  read_bytes((const uint8_t *)"\xff", 1);
  before = usage().heap_used;
  for (unsigned round = 0; round < rounds; round++) {
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
      uint8_t bytes[512];
      size_t size = from_hex(data[i].hex, bytes, sizeof(bytes));
      uint64_t dice = test_random_next(&random);
      torpor_status status;
      if (round % 4 == 0) size = (size_t)(dice % size);
      if (round % 4 != 0 && size > 0)
        bytes[dice % size] ^= (uint8_t)(1 + (dice >> 32) % 255);
      status = read_bytes(bytes, size);
      assert_true(status == TORPOR_OK || status == TORPOR_THROWN);
    }
  }
  assert_true(usage().heap_used <= before + 4096);
}

/* Objects that look alike are made and written alike: the same keys, others,
 * other orders, more, fewer, and inside of one another. */
static const char *const alike[] = {
    "[{a: 1, b: 2}, {a: 3, b: 4}, {b: 5, a: 6}, {a: 7, c: 8}, {a: 9, b: 0}]",
    "[{a: {a: {a: 1}}}, {a: {b: {a: 2}}}, {a: {a: {b: 3}}}, {b: {a: 4}}]",
    "[{a: 1, b: {x: 2, y: 3}}, {a: 4, b: {x: 5, z: 6}}, {a: {x: 7, y: 8}}]",
    "[{a: 1}, {}, {a: 2}, {a: 3, b: 4}, {b: 5}, {a: {}}]",
    "[{2: 'two', 1: 'one', a: 0}, {a: 0, 1: 'one'}, {1: 1, 2: 2, a: 3}]",
    "[{a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9},"
    " {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8}]",
    "(() => { const x = {a: 1, b: 2, c: 3}; delete x.b; x.d = 4;"
    " return [x, {a: 1, c: 3, d: 4}, Object.freeze({a: 1, c: 3, d: 4})]; })()",
    "[{'ü': 1, '\\u{1f600}': 2}, {'ü': '\\u00fc12345678', '\\u{1f600}': 4}]",
    "Array.from({length: 50}, (_, i) => ({id: i, ['k' + i % 3]: {id: -i}}))",
};

static void test_alike(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
    torpor_value value = test_eval(vm, alike[i]), copy, same;
    torpor_bytes bytes;
    test_ok(vm, torpor_cbor_encode(vm, value, &bytes));
    test_ok(vm, torpor_cbor_decode(vm, bytes.data, bytes.size, &copy));
    torpor_bytes_free(&bytes);
    torpor_value pair[] = {value, copy};
    const char *check =
        "(a, b) => { for (const x of b) x.late = 1, delete x.late;"
        " return JSON.stringify(a) === JSON.stringify(b); }";
    test_ok(vm, torpor_call(vm, test_eval(vm, check), torpor_undefined(), pair,
                            2, &same));
    if (!torpor_value_is_true(same)) fail_msg("%s differs", alike[i]);
  }
}

/* A getter that is reached on the way changes what is being written. */
static void test_changed_while_written(void **state) {
  (void)state;
  assert_written("globalThis.o = {a: {get x() { o.b = 5; return 1; }}, b: 2}",
                 "a26161a1617801616205");
  assert_written("globalThis.o = {a: {get x() { delete o.b; o.c = 1; }}, b: 2}",
                 "a26161a16178f76162f7");
  assert_written(
      "globalThis.o = {a: {get x() {"
      " Object.defineProperty(o, 'b', {get() { return 7; }}); }},"
      " b: 2}",
      "a26161a16178f7616207");
}

/* Depth that no stack could hold. */
static void test_deep(void **state) {
  static uint8_t bytes[1 << 20];
  (void)state;
  memset(bytes, 0x81, sizeof(bytes));
  assert_int_equal(read_bytes(bytes, sizeof(bytes)), TORPOR_THROWN);
  for (size_t i = 0; i < sizeof(bytes); i += 2)
    memcpy(bytes + i, "\xd8\x1c", 2);
  assert_int_equal(read_bytes(bytes, sizeof(bytes)), TORPOR_THROWN);
}

/* Whatever a VM writes, however deep, is read and shown: maps, sets and errors
 * that occur twice have the most tags for a level. */
static void test_deep_both_ways(void **state) {
  static const char *const levels[] = {"[v]",
                                       "{a: v}",
                                       "new Map([[1, v]])",
                                       "new Set([v])",
                                       "new Error('e', {cause: v})",
                                       "new AggregateError([v], 'e')"};
  torpor_bytes bytes, json;
  torpor_value value;
  char source[400];
  (void)state;
  for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
    snprintf(source, sizeof(source),
             "{ let v = 1, all = [];"
             " for (let i = 0; i < %d; i++) all.push(v = %s);"
             " [v, all] }",
             i == 5 ? 255 : 510, levels[i]); /* two levels for one */
    test_ok(vm, torpor_cbor_encode(vm, test_eval(vm, source), &bytes));
    test_ok(NULL, torpor_cbor_to_json(bytes.data, bytes.size, &json));
    test_ok(vm, torpor_cbor_decode(vm, bytes.data, bytes.size, &value));
    torpor_bytes_free(&bytes);
    torpor_bytes_free(&json);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_both_ways),   TEST(test_read_only),
      TEST(test_errors),      TEST(test_refused),
      TEST(test_left_out),    TEST(test_copied_views),
      TEST(test_aggregate),   TEST(test_json_written),
      TEST(test_json_read),   TEST(test_json_of_random),
      TEST(test_many_shapes), TEST(test_getters),
      TEST(test_malformed),   TEST(test_damaged),
      TEST(test_deep),        TEST(test_deep_both_ways),
      TEST(test_alike),       TEST(test_changed_while_written),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
