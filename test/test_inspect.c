/* SPDX-License-Identifier: MIT */
/* test_inspect.c - looking into VMs: where they wait, what holds what; that
 * looking changes nothing, runs nothing, is bounded, and survives damage.
 * ctest: timeout=120 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

/* The report as JSON. */
static torpor_bytes inspect(torpor_vm *vm) {
  torpor_bytes report, json;
  test_ok(vm, torpor_vm_inspect(vm, &report));
  test_ok(NULL, torpor_cbor_to_json(report.data, report.size, &json));
  torpor_bytes_free(&report);
  return json;
}

static void assert_has(const torpor_bytes *json, const char *text) {
  if (strstr((const char *)json->data, text)) return;
  print_message("not in the report: %s\n%s\n", text, (const char *)json->data);
  fail();
}

static void assert_lacks(const torpor_bytes *json, const char *text) {
  if (!strstr((const char *)json->data, text)) return;
  print_message("in the report: %s\n", text);
  fail();
}

static void assert_places(torpor_vm *vm, const char *expected) {
  torpor_bytes places;
  test_ok(vm, torpor_vm_waiting(vm, &places));
  assert_string_equal((const char *)places.data, expected);
  torpor_bytes_free(&places);
}

/* ---- Where it waits -------------------------------------------------------*/

static const char waiting_program[] =
    "import { sleep, signal } from 'torpor:run';\n"
    "async function inner() {\n"
    "  await sleep('3 days');\n"
    "}\n"
    "async function outer() { await inner(); }\n"
    "async function* source() {\n"
    "  await signal('a');\n"
    "  yield 1;\n"
    "}\n"
    "async function consume() { for await (const x of source()); }\n"
    "function* numbers() {\n"
    "  yield 1;\n"
    "}\n"
    "globalThis.iterator = numbers();\n"
    "globalThis.never = numbers();\n"
    "iterator.next();\n"
    "const named = async () => {\n"
    "  await Promise.all([1, signal('b')].map((x) => x)); };\n"
    "outer(); consume(); named();\n"
    "\n"
    "await signal('c').then((x) => x);\n";

static void test_places(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes json;
  (void)state;
  test_eval_module(vm, waiting_program);
  json = inspect(vm);
  assert_has(&json,
             "{\"function\":\"inner\",\"file\":\"main.mjs\",\"line\":3,"
             "\"column\":9,\"kind\":\"async\",\"operation\":1}");
  assert_has(&json,
             "{\"function\":\"outer\",\"file\":\"main.mjs\",\"line\":5,");
  assert_has(&json, "\"kind\":\"async\",\"operation\":1}");
  assert_has(&json,
             "{\"function\":\"source\",\"file\":\"main.mjs\","
             "\"line\":7,\"column\":9,\"kind\":\"async generator\","
             "\"operation\":2}");
  assert_has(&json,
             "{\"function\":\"consume\",\"file\":\"main.mjs\","
             "\"line\":10,");
  assert_has(&json,
             "{\"function\":\"named\",\"file\":\"main.mjs\","
             "\"line\":18,");
  assert_has(&json, "{\"function\":\"\",\"file\":\"main.mjs\",\"line\":21,");
  assert_has(&json, "\"kind\":\"module\",\"operation\":4}");
  assert_has(&json,
             "{\"function\":\"numbers\",\"file\":\"main.mjs\","
             "\"line\":12,\"column\":3,\"kind\":\"generator\"}");
  assert_has(&json, "\"operations\":4,\"jobs\":0,");
  assert_has(&json, "\"torpor:run.input\"");
  torpor_bytes_free(&json);
  torpor_vm_close(vm);
}

static void test_sentence(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  assert_places(vm, "");
  test_eval_module(vm,
                   "globalThis.keep = [];\n"
                   "async function wait(n) {\n"
                   "  await new Promise((r) => keep.push(r)); }\n"
                   "function* g() { yield }\n"
                   "keep.push(g()); keep[0].next();\n"
                   "wait(1); wait(2);\n"
                   "await new Promise((r) => keep.push(r));\n");
  assert_places(vm,
                "main.mjs:7:11, wait (main.mjs:3:13), wait (main.mjs:3:13)");
  test_eval(vm, "keep.splice(1).forEach((r) => r()); 0");
  test_run_jobs(vm);
  assert_places(vm, "");
  test_eval(vm,
            "for (let i = 0; i < 20; i++)"
            "  (async function f() { await new Promise("
            "    (r) => keep.push(r)) })(); 0");
  torpor_bytes places;
  test_ok(vm, torpor_vm_waiting(vm, &places));
  assert_non_null(strstr((const char *)places.data, " and 15 more"));
  torpor_bytes_free(&places);
  torpor_vm_close(vm);
}

static void test_in_snapshot(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes plain = {NULL, 0}, bytes, list, json;
  (void)state;
  test_eval_module(vm, waiting_program);
  plain = test_save(vm);
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_WAITING),
                                        &bytes));
  torpor_vm_close(vm);
  test_status(NULL,
              torpor_snapshot_section(plain.data, plain.size,
                                      TORPOR_SECTION_WAITING, &list),
              TORPOR_NOT_FOUND);
  test_ok(NULL, torpor_snapshot_section(bytes.data, bytes.size,
                                        TORPOR_SECTION_WAITING, &list));
  test_ok(NULL, torpor_cbor_to_json(list.data, list.size, &json));
  assert_has(&json,
             "{\"function\":\"inner\",\"file\":\"main.mjs\",\"line\":3,");
  torpor_bytes_free(&json);
  torpor_bytes_free(&list);
  vm = test_restore(&bytes, NULL);
  torpor_bytes_free(&bytes);
  bytes = test_save(vm);
  assert_int_equal(bytes.size, plain.size);
  assert_memory_equal(bytes.data, plain.data, plain.size);
  torpor_vm_close(vm);
  torpor_bytes_free(&bytes);
  torpor_bytes_free(&plain);
}

/* ---- What holds what ------------------------------------------------------*/

/* 'program' makes one large thing; the report must begin its list with it. */
static void assert_held(const char *program, const char *expected) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes json;
  const char *first;
  test_eval_module(vm, program);
  json = inspect(vm);
  first = strstr((const char *)json.data, "\"largest\":[");
  assert_non_null(first);
  if (!strstr(first, expected) ||
      strstr(first, expected) > strstr(first, "]}")) {
    print_message("%s\ngives %.400s\nnot %s\n", program, first, expected);
    fail();
  }
  torpor_bytes_free(&json);
  torpor_vm_close(vm);
}

static void test_paths(void **state) {
  (void)state;
  assert_held("globalThis.cache = { list: [1, 2, { text: 'x'.repeat(1e5) }] };",
              "\"held_by\":[\"globalThis\",\".cache\",\".list\",\"[2]\","
              "\".text\"]");
  assert_held("export const bytes = new Uint8Array(1e5);",
              "\"class\":\"ArrayBuffer\"");
  assert_held("export const bytes = new Uint8Array(1e5);",
              "\"held_by\":[\"module main.mjs\",\"(bytes)\"");
  assert_held(
      "const map = new Map([['k', new Array(1e4).fill(1.5)]]);"
      "globalThis.get = () => map;",
      "\"held_by\":[\"module main.mjs\",\"(map)\",\"get(\\\"k\\\")\"]");
  assert_held("globalThis[Symbol('s')] = 'y'.repeat(1e5);",
              "\"held_by\":[\"globalThis\",\"[Symbol(s)]\"]");
  assert_held("class Row { #data = 'z'.repeat(1e5) } globalThis.r = new Row();",
              "\"held_by\":[\"globalThis\",\".r\",\".#data\"]");
  assert_held(
      "globalThis.f = (() => { const big = 'v'.repeat(1e5);"
      "  return () => big })();",
      "\"held_by\":[\"globalThis\",\".f\",\"(big)\"]");
  assert_held(
      "import { sleep } from 'torpor:run';\n"
      "async function work(rows) { await sleep(1e6); return rows }\n"
      "work('w'.repeat(1e5));",
      "\"held_by\":[\"suspended work main.mjs:2\",\"(rows)\"]");
  assert_held("globalThis.p = Promise.resolve('p'.repeat(1e5));",
              "\"held_by\":[\"globalThis\",\".p\",\"[[PromiseResult]]\"]");
  assert_held("globalThis.e = new Proxy({ big: 'q'.repeat(1e5) }, {});",
              "\"held_by\":[\"globalThis\",\".e\",\"[[Inside]]\",\".big\"]");
}

static void test_classes(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes json;
  (void)state;
  test_eval_module(vm,
                   "class Order { constructor(n) { this.n = n } }\n"
                   "class Special extends Map {}\n"
                   "globalThis.all = [];\n"
                   "for (let i = 0; i < 300; i++) all.push(new Order(i));\n"
                   "all.push(new Special(), Object.create(null));\n"
                   "all.push(new (class { static name = 7 })());");
  json = inspect(vm);
  assert_has(&json, "{\"class\":\"Order\",\"count\":300,\"bytes\":");
  assert_has(&json, "{\"class\":\"Special\",\"count\":1,\"bytes\":");
  assert_has(&json, "{\"class\":\"(no constructor)\",\"count\":");
  assert_has(&json, "{\"class\":\"(anonymous)\",\"count\":1,\"bytes\":");
  assert_has(&json, "{\"class\":\"Function\",\"count\":");
  assert_has(&json, "{\"class\":\"(code)\",\"count\":");
  assert_has(&json, "{\"class\":\"(name)\",\"count\":");
  torpor_bytes_free(&json);
  torpor_vm_close(vm);
}

/* The bytes of all classes are what the allocator handed out. */
static void test_sums(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_usage usage = TORPOR_USAGE_INIT;
  torpor_bytes json;
  unsigned long long sum = 0, used, other = 0;
  const char *at, *end;
  (void)state;
  test_eval_module(vm,
                   "globalThis.a = []; for (let i = 0; i < 5000; i++)"
                   "  a.push({ i, s: 'text ' + i, d: new Date(i), m: new Map("
                   "    [[i, [i]]]), f: () => i });");
  test_ok(vm, torpor_vm_usage(vm, &usage));
  json = inspect(vm);
  at = strstr((const char *)json.data, "\"heap\":{\"used\":");
  assert_non_null(at);
  used = strtoull(at + strlen("\"heap\":{\"used\":"), NULL, 10);
  assert_int_equal(used, usage.heap_used);
  end = strstr(at, "\"largest\"");
  while ((at = strstr(at, "\"bytes\":")) && at < end) {
    other = strtoull(at + strlen("\"bytes\":"), NULL, 10);
    sum += other;
    at++;
  }
  assert_int_equal(sum, used);
  /* Little is of unknown use. */
  assert_true(other < used / 10);
  torpor_bytes_free(&json);
  torpor_vm_close(vm);
}

/* The engine counts its blocks as the allocator does: taken, resized and given
 * back, of each size, in slabs and beyond. */
static void test_counted(void **state) {
  static const char *const steps[] = {
      "for (let i = 0; i < 3000; i += 7) kept.push('x'.repeat(i) + i);"
      "for (let i = 1; i < 40; i++) kept.push(new Uint8Array(i * 997))",
      "for (let i = 0; i < 5000; i++) kept.push({ i, more: [i] })",
      "for (let i = 0; i < kept.length; i++) if (i % 3) kept[i] = 0",
      "kept = kept.filter((one) => one !== 0)",
      "kept = []",
  };
  torpor_vm *vm = test_vm_open(NULL);
  torpor_usage usage = TORPOR_USAGE_INIT;
  torpor_heap heap = TORPOR_HEAP_INIT;
  uint64_t used, counted;
  (void)state;
  test_eval(vm, "globalThis.kept = [], 0");
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    test_ok(vm, torpor_vm_usage(vm, &usage));
    test_ok(vm, torpor_vm_heap(vm, &heap));
    used = usage.heap_used;
    counted = heap.used;
    test_eval(vm, steps[i]);
    test_ok(vm, torpor_vm_usage(vm, &usage));
    test_ok(vm, torpor_vm_heap(vm, &heap));
    assert_true(usage.heap_used != used);
    assert_int_equal(heap.used - counted, usage.heap_used - used);
  }
  torpor_vm_close(vm);
}

static void test_garbage(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes json;
  (void)state;
  test_eval(vm, "{ const a = { big: 'x'.repeat(1e5) }; a.self = a } 0");
  json = inspect(vm);
  assert_has(&json, "\"held_by\":[]");
  torpor_bytes_free(&json);
  test_ok(vm, torpor_vm_collect(vm));
  json = inspect(vm);
  assert_lacks(&json, "\"held_by\":[]");
  torpor_bytes_free(&json);
  torpor_vm_close(vm);
}

/* ---- It changes and runs nothing ------------------------------------------*/

static const char weird_program[] =
    "globalThis.ran = 0;\n"
    "const trap = () => { ran++; throw new Error('trap') };\n"
    "const handler = new Proxy({}, { get: trap });\n"
    "globalThis.weird = [\n"
    "  new Proxy({}, handler), new Proxy(function () {}, handler),\n"
    "  { get a() { return trap() }, get constructor() { return trap() } },\n"
    "  Object.create({ get constructor() { return trap() } }),\n"
    "  Object.create({ constructor: { get name() { return trap() } } }),\n"
    "  Object.create(new Proxy({}, handler)),\n"
    "  class { static get name() { return trap() } },\n"
    "  { get [Symbol.toStringTag]() { return trap() } },\n"
    "  new WeakMap([[{}, {}]]), new WeakRef({}), new WeakSet([{}]),\n"
    "  Symbol('s'), 10n ** 50n, /a/g, new Date(NaN), new Error('e'),\n"
    "  new SharedArrayBuffer(8), new DataView(new ArrayBuffer(8)),\n"
    "  (function () { return arguments })(1, 2), Object('boxed'),\n"
    "  [1, 2, 3].values(), new Map([[1, 2]]).entries(),\n"
    "  'ab'[Symbol.iterator](),\n"
    "  trap.bind(null, 1), Promise.reject(1), new FinalizationRegistry(trap),\n"
    "];\n"
    "weird[24]?.catch?.(() => {});\n"
    "const { proxy, revoke } = Proxy.revocable({}, handler); revoke();\n"
    "weird.push(proxy, weird);\n"
    "weird.push('r'.repeat(3000) + weird.length);\n"
    "weird.push('long'.repeat(999).slice(7));\n"
    "const detached = new ArrayBuffer(64);\n"
    "weird.push(new Uint8Array(detached));\n"
    "detached.transfer();\n"
    "Error.prepareStackTrace = trap;\n";

static void test_weird(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes before, after, json;
  (void)state;
  test_eval_module(vm, weird_program);
  before = test_save(vm);
  json = inspect(vm);
  torpor_bytes_free(&json);
  after = test_save(vm);
  assert_int_equal(before.size, after.size);
  assert_memory_equal(before.data, after.data, before.size);
  torpor_bytes_free(&before);
  torpor_bytes_free(&after);
  test_eval_is(vm, "ran", "0");
  torpor_vm_close(vm);
}

static torpor_status inspect_inside(torpor_vm *vm,
                                    const torpor_arguments *arguments,
                                    torpor_value *result, void *user) {
  torpor_bytes report;
  (void)arguments, (void)user;
  test_status(vm, torpor_vm_inspect(vm, &report), TORPOR_BUSY);
  *result = torpor_number(1);
  return TORPOR_OK;
}

static void test_busy(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_ok(vm, torpor_function_add(vm, "look", inspect_inside, NULL));
  test_eval_is(vm, "look()", "1");
  torpor_vm_close(vm);
}

/* ---- It is bounded --------------------------------------------------------*/

static void test_bounds(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes report;
  (void)state;
  test_eval_module(vm,
                   "globalThis.keep = [];\n"
                   "const long = 'n'.repeat(1e5);\n"
                   "for (let i = 0; i < 5000; i++) {\n"
                   "  const f = async () => { await new Promise((r) =>"
                   "    keep.push(r)) };\n"
                   "  Object.defineProperty(f, 'name', { value: long });\n"
                   "  f();\n"
                   "}\n"
                   "for (let i = 0; i < 1000; i++) {\n"
                   "  const C = class {}; Object.defineProperty(C, 'name',\n"
                   "    { value: long + i }); keep.push(new C()); }\n"
                   "let node = null;\n"
                   "for (let i = 0; i < 1e5; i++) node = { node };\n"
                   "globalThis.chain = node;\n"
                   "node = chain; while (node.node) node = node.node;\n"
                   "node[long] = { [long]: 'x'.repeat(2e5) };");
  test_ok(vm, torpor_vm_inspect(vm, &report));
  print_message("a large report: %zu bytes\n", report.size);
  assert_true(report.size < (1u << 20));
  torpor_bytes_free(&report);
  torpor_vm_close(vm);
}

/* A VM with no memory left can be looked into. */
static void test_exhausted(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_bytes json;
  (void)state;
  options.memory_max = 8 << 20;
  vm = test_vm_open(&options);
  test_eval_status(vm, "globalThis.a = []; for (;;) a.push({ a: a.length })");
  json = inspect(vm);
  assert_has(&json, "\"held_by\":[\"globalThis\",\".a\"]");
  torpor_bytes_free(&json);
  torpor_vm_close(vm);
}

/* ---- Damage ---------------------------------------------------------------*/

static void scribble(torpor_vm *vm, test_random *random) {
  uint32_t low = vm->control->heap_base;
  uint32_t size = vm->control->heap_break - low;
  for (int i = 0; i < 20; i++) {
    uint32_t at = low + (uint32_t)(test_random_next(random) % size) / 4 * 4;
    uint8_t *place = torpor__memory_to(vm, at, 4);
    uint32_t value = (uint32_t)test_random_next(random);
    if (!place) continue;
    if (value % 3 == 0) value = at + (value % 4096) * 8;
    memcpy(place, &value, sizeof(value));
  }
}

/* Damage may close a list that is walked to a ring: the watchdog ends that. */
static void test_damaged(void **state) {
  unsigned count = test_count("TORPOR_TEST_DAMAGED", 100, 5000);
#ifdef TORPOR_SOFT_BOUNDS
  skip();
#endif
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = test_vm_open(NULL);
  test_random random = {20};
  unsigned told = 0;
  torpor_bytes bytes;
  (void)state;
  test_eval_module(vm, waiting_program);
  test_eval_module(vm, weird_program);
  bytes = test_save(vm);
  torpor_vm_close(vm);
  for (unsigned i = 0; i < count; i++) {
    torpor_bytes report;
    torpor_status status;
    options.deadline_ms = 100;
    vm = test_restore(&bytes, &options);
    scribble(vm, &random);
    status = torpor_vm_inspect(vm, &report);
    assert_true(status == TORPOR_OK || status == TORPOR_FORMAT ||
                status == TORPOR_LIMIT);
    if (status == TORPOR_OK) told++;
    torpor_bytes_free(&report);
    torpor_vm_close(vm);
  }
  print_message("%u of %u damaged VMs could be looked into\n", told, count);
  torpor_bytes_free(&bytes);
}

static void test_no_memory(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes report;
  torpor_status status = TORPOR_NOMEM;
  (void)state;
  test_eval_module(vm, waiting_program);
  for (long i = 0; status == TORPOR_NOMEM; i++) {
    torpor__alloc_fail(i);
    status = torpor_vm_inspect(vm, &report);
    torpor__alloc_fail(-1);
    assert_true(i < 100);
  }
  test_ok(vm, status);
  torpor_bytes_free(&report);
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_places),      cmocka_unit_test(test_sentence),
      cmocka_unit_test(test_in_snapshot), cmocka_unit_test(test_paths),
      cmocka_unit_test(test_classes),     cmocka_unit_test(test_sums),
      cmocka_unit_test(test_counted),     cmocka_unit_test(test_garbage),
      cmocka_unit_test(test_weird),       cmocka_unit_test(test_busy),
      cmocka_unit_test(test_bounds),      cmocka_unit_test(test_exhausted),
      cmocka_unit_test(test_damaged),     cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
