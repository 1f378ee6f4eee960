/* SPDX-License-Identifier: MIT */
/* test_walk.c - every public function of torpor.h, called in every wrong way.
 *
 * test/support/walk-table.h has each function once, with what it takes and
 * where it may not be called; test_api.py looks that none is missing. Each is
 * called without its VM, without each pointer that it needs, with values of
 * another VM and with values that have ended, and at wrong moments: in a host
 * function, in a callback, in a finalizer, after a trap, after the VM was
 * closed. Each of these is answered with a code and a sentence, and harms
 * nobody. */
#include <sys/mman.h>

#include "common/alloc.h"
#include "test/support/heap.h"
#include "test/support/walk-table.h"
#include "test/support/walk.h"
#include "vm/common/error.h"
#include "vm/vm.h"

/* Large enough for whatever one of them gives. */
static union {
  uint64_t bytes[512];
  double align;
} outs[3];

typedef struct function {
  const char *name;
  unsigned flags;
  torpor_status (*call)(const with *w);
} function;

#define X(name, flags, how)                                                    \
  static torpor_status call_##name(const with *w) {                            \
    (void)w;                                                                   \
    outs[0].bytes[0] = sizeof(outs[0]); /* where that is a struct's size */    \
    how;                                                                       \
  }
FUNCTIONS(X)
#undef X

static const function functions[] = {
#define X(name, flags, how) {#name, (flags), call_##name},
    FUNCTIONS(X)
#undef X
};

#define FUNCTION_COUNT (sizeof(functions) / sizeof(*functions))

/* ---- The walk -------------------------------------------------------------*/

static torpor_base *base;

static with good(torpor_vm *vm) {
  with w = {.vm = vm,
            .value = torpor_number(1),
            .second = torpor_number(2),
            .function = torpor_undefined(),
            .text = "text",
            .data = "1",
            .size = 1,
            .length = SIZE_MAX,
            .count = 1,
            .out = {&outs[0], &outs[1], &outs[2]},
            .base = base,
            .table = table};
  return w;
}

/* Calls 'f', which must refuse with 'status' (OK: with any) and a sentence. */
static void refuse(const function *f, const with *w, torpor_status status,
                   const char *how) {
  torpor_vm *of = f->flags & VM ? w->vm : NULL;
  torpor_status got;
  if (!of || !of->broken) torpor__fail(of, TORPOR_OK, "%s", "");
  got = f->call(w);
  if (f->flags & SILENT) return;
  if (got == TORPOR_OK || (status != TORPOR_OK && got != status) ||
      !*torpor_last_error(of) ||
      strstr(torpor_last_error(of), "see torpor_last_error")) {
    print_error("%s, %s: %s '%s'\n", f->name, how, torpor_status_name(got),
                torpor_last_error(of));
    fail();
  }
}

static void test_pointers(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  for (size_t i = 0; i < FUNCTION_COUNT; i++) {
    const function *f = &functions[i];
    with w = good(NULL);
    if (f->flags & (VM | SILENT)) refuse(f, &w, TORPOR_MISUSE, "no VM");
    for (unsigned k = 0; k < 3; k++) {
      w = good(vm);
      w.out[k] = NULL;
      if (f->flags & (OUT1 << k)) refuse(f, &w, TORPOR_MISUSE, "no out");
    }
    w = good(vm);
    w.text = NULL;
    if (f->flags & TEXT) refuse(f, &w, TORPOR_MISUSE, "no text");
    w = good(vm);
    w.table = NULL;
    if (f->flags & TABLE) refuse(f, &w, TORPOR_MISUSE, "no table");
    w = good(vm);
    w.data = NULL;
    w.size = 5;
    if (f->flags & DATA) refuse(f, &w, TORPOR_MISUSE, "no data");
    for (int k = 0; k < 4; k++) {
      const double times[] = {(double)NAN, (double)INFINITY, -(double)INFINITY,
                              -1};
      w = good(vm);
      w.due = times[k];
      if (f->flags & DUE) refuse(f, &w, TORPOR_MISUSE, "no time");
    }
  }
  test_eval_is(vm, "'well'", "well");
  torpor_vm_close(vm);
}

/* Calls 'f' without places for its results: that leaves no handle, and changes
 * no answer. Whether that is OK. */
static bool want_nothing(const function *f, torpor_vm *vm, const char *source) {
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  torpor_status status;
  with w = good(vm);
  w.value = test_eval(vm, source);
  w.function = test_eval(vm, "(function () { return {} })");
  w.second = torpor_undefined();
  w.text = "x";
  status = f->call(&w);
  test_ok(vm, torpor_vm_usage(vm, &before));
  w.out[0] = w.out[1] = w.out[2] = NULL;
  test_status(vm, f->call(&w), status);
  test_ok(vm, torpor_vm_usage(vm, &after));
  if (status != TORPOR_OK) return false;
  if (after.handles != before.handles) fail_msg("%s leaves a handle", f->name);
  return true;
}

static void want_nothing_of(bool retain_results) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_token token;
  options.retain_results = retain_results;
  vm = test_vm_open(&options);
  test_ok(vm, torpor_token_add(vm, test_eval(vm, "Promise.resolve()"), &token));
  assert_int_equal(token, 1);
  test_eval(vm, "for (let i = 0; i < 4; i++) Promise.reject({}); 0");
  test_run_jobs(vm);
  for (size_t i = 0; i < FUNCTION_COUNT; i++) {
    const function *f = &functions[i];
    bool done;
    if (!(f->flags & FREE1)) continue;
    done = want_nothing(f, vm, "Promise.resolve({})");
    done |= want_nothing(f, vm, "({x: {}})");
    done |= want_nothing(f, vm, "({x: () => ({})})");
    if (!done && strcmp(f->name, "torpor_state_hand_over") != 0)
      fail_msg("%s was not tried", f->name);
  }
  test_eval_is(vm, "'well'", "well");
  torpor_vm_close(vm);
}

static void test_unwanted(void **state) {
  (void)state;
  want_nothing_of(false);
  want_nothing_of(true);
}

/* More than there can be: refused before what lies there is looked at, or what
 * is there says that it is none of its kind. */
static void test_lengths(void **state) {
  static const size_t lengths[] = {(size_t)1 << 33, (size_t)1 << 40,
                                   SIZE_MAX / 2, SIZE_MAX - 7};
  const size_t page = 65536;
  char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  assert_ptr_not_equal(memory, MAP_FAILED);
  assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
  for (size_t i = 0; i < FUNCTION_COUNT; i++) {
    const function *f = &functions[i];
    for (size_t k = 0; k < 2 * sizeof(lengths) / sizeof(*lengths); k++) {
      with w = good(vm);
      memset(memory, k % 2 ? 'x' : 0, page - 1);
      w.data = w.text = memory;
      w.size = w.length = w.count = lengths[k / 2];
      if (f->flags & LENGTH) refuse(f, &w, TORPOR_OK, "too much");
    }
  }
  test_eval_is(vm, "'well'", "well");
  torpor_vm_close(vm);
  munmap(memory, 2 * page);
}

/* With 'bad' in each place where there is a value. */
static void try_value(torpor_vm *vm, torpor_value bad, const char *how) {
  for (size_t i = 0; i < FUNCTION_COUNT; i++) {
    const function *f = &functions[i];
    with w = good(vm);
    w.value = w.function = bad;
    if (f->flags & VALUE) refuse(f, &w, TORPOR_STALE, how);
    w = good(vm);
    w.value = test_eval(vm, "({})");
    w.function = test_eval(vm, "(() => 1)");
    w.second = bad;
    if (f->flags & SECOND) refuse(f, &w, TORPOR_STALE, how);
  }
}

static void test_values(void **state) {
  static const char *const sources[] = {"({})", "'text'", "Symbol()", "1n",
                                        "Promise.resolve()"};
  torpor_vm *vm = test_vm_open(NULL), *other = test_vm_open(NULL), *gone;
  torpor_scope scope;
  (void)state;
  for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
    torpor_value value;
    try_value(vm, test_eval(other, sources[i]), "of another VM");
    gone = test_vm_open(NULL);
    value = test_eval(gone, sources[i]);
    torpor_vm_close(gone);
    try_value(vm, value, "of a closed VM");
    test_ok(vm, torpor_scope_open(vm, &scope));
    value = test_eval(vm, sources[i]);
    test_ok(vm, torpor_scope_close(vm, scope));
    try_value(vm, value, "of a closed scope");
    test_ok(vm, torpor_value_retain(vm, test_eval(vm, sources[i]), &value));
    test_ok(vm, torpor_value_release(vm, value));
    try_value(vm, value, "released");
  }
  test_eval_is(vm, "'well'", "well");
  torpor_vm_close(vm);
  torpor_vm_close(other);
}

/* All that have one of 'flags', with good arguments. */
static void try_all(torpor_vm *vm, unsigned flags, torpor_status status,
                    const char *how) {
  const with w = good(vm);
  for (size_t i = 0; i < FUNCTION_COUNT; i++)
    if (functions[i].flags & (flags | SILENT))
      refuse(&functions[i], &w, status, how);
}

static void test_unusable(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  vm->broken = true;
  torpor__fail(vm, TORPOR_TRAPPED, "it trapped");
  try_all(vm, VM, TORPOR_BROKEN, "after a trap");
  torpor_vm_close(vm);
  try_all(vm, VM, TORPOR_MISUSE, "after it was closed");
  torpor_vm_close(vm);
}

/* Those that may be called here are not refused. */
static torpor_status try_in_host(torpor_vm *vm,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  const with w = good(vm);
  (void)arguments, (void)result, (void)user;
  try_all(vm, IDLE, TORPOR_BUSY, "in a host function");
  for (size_t i = 0; i < FUNCTION_COUNT; i++)
    if (!(functions[i].flags & (IDLE | SILENT)) &&
        functions[i].call(&w) == TORPOR_BUSY)
      fail_msg("%s may not be called in a host function", functions[i].name);
  return TORPOR_OK;
}

static void try_in_console(void *user, torpor_level level, const char *text,
                           size_t size) {
  (void)level, (void)text, (void)size;
  try_all(*(torpor_vm **)user, ENTERS, TORPOR_BUSY, "in a callback");
}

static void try_in_finalizer(void *user) {
  torpor_vm **vm = user;
  try_all(*vm, ENTERS, TORPOR_BUSY, "in a finalizer");
  torpor_vm_close(*vm);
}

static void test_moments(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.console = try_in_console;
  options.user = &vm;
  vm = test_vm_open(&options);
  test_ok(vm, torpor_function_add(vm, "inHost", try_in_host, NULL));
  test_eval_is(vm, "inHost(); 'well'", "well");
  test_eval_is(vm, "console.log('x'); 'well'", "well");
  test_ok(vm, torpor_function_bind(vm, "f", host, &vm, try_in_finalizer));
  torpor_vm_close(vm);
  vm = test_vm_open(NULL);
  test_ok(vm, torpor_function_bind(vm, "f", host, &vm, try_in_finalizer));
  test_ok(vm, torpor_function_bind(vm, "f", host, NULL, NULL)); /* closes it */
}

/* ---- What the tags say ----------------------------------------------------*/

#define STARVED_MOST 30 /* of the allocations of a call, one fails */

/* Values whose use runs code of the program, which counts in 'ran' and throws.
 */
static const char *const probes[] = {
    "new Proxy(function () {}, traps)",
    "({get x() { tell() }, toString() { tell() }, get message() { tell() },"
    " then: 1})",
    "Object.defineProperty([1, 2], 1, {get() { tell() }, set() { tell() }})",
    "Promise.resolve({get then() { tell() }})",
    "Promise.resolve().then(tell)",
};

static const char probe_tools[] =
    "globalThis.ran = 0; function tell() { ran++; throw new Error('told') }"
    "const traps = Object.fromEntries(Reflect.ownKeys(Reflect)"
    ".filter(k => typeof k === 'string').map(k => [k, tell]));"
    "Object.defineProperty(globalThis, 'x', {get: tell, set: tell}); 0";

/* Calls 'f' with a probe, when 'n' allocations succeed; gives whether that
 * threw, and whether it ran code. */
static void probe(const function *f, const char *source, uint32_t n,
                  bool *threw, bool *ran) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_status status;
  torpor_token token;
  with w = good(vm);
  test_eval(vm, probe_tools);
  test_eval_module(vm,
                   "import { exportState } from 'torpor:run';"
                   "exportState(tell);");
  w.value = w.second = w.function = test_eval(vm, source);
  test_eval(vm, "Promise.resolve().then(tell); ran = 0; 0");
  test_ok(vm, torpor_token_add(vm, w.value, &token));
  w.text = "x";
  w.data = "ran++; throw 1";
  w.size = SIZE_MAX;
  if (strstr(f->name, "cbor")) w.data = "\x9f", w.size = 1;
  if (strstr(f->name, "buffer")) w.size = strlen(w.data);
  test_fail_allocations(vm, n, 0);
  status = f->call(&w);
  *threw |= status == TORPOR_THROWN;
  if (!vm->broken) {
    test_fail_allocations(vm, UINT32_MAX, 0);
    *ran |= test_eval_number(vm, "ran") > 0;
  }
  torpor_vm_close(vm);
}

static void test_tags(void **state) {
  (void)state;
  for (size_t i = 0; i < FUNCTION_COUNT; i++) {
    const function *f = &functions[i];
    bool threw = false, ran = false;
    if (!(f->flags & VM)) continue;
    for (size_t k = 0; k < sizeof(probes) / sizeof(*probes); k++)
      probe(f, probes[k], UINT32_MAX, &threw, &ran);
    for (uint32_t n = 0; n < STARVED_MOST; n++)
      probe(f, "({})", n, &threw, &ran);
    if (threw != !!(f->flags & THROWS))
      fail_msg("%s %s", f->name, threw ? "threw" : "never threw");
    if (ran != !!(f->flags & RUNS))
      fail_msg("%s %s code", f->name, ran ? "ran" : "never ran");
  }
}

/* ---- Memory that runs out -------------------------------------------------*/

/* Values that a function may take in. */
static const char *const kinds[] = {
    "({a: [1, {b: 'text'}], get x() { return {} }})",
    "'text'.repeat(50)",
    "[{}, 'x', 1n << 70n]",
    "new Map([[{}, 'x'], [2, 3]])",
    "new Uint16Array(8)",
    "new Error('e', {cause: {}})",
    "(async () => ({ x: await null }))()",
    "1n << 300n",
    "Symbol('x')",
    "/x/g",
    "new Date(1)",
    "new Proxy({}, {})",
    "(class { constructor() { this.made = {} } })",
};

enum { ALLOCATIONS_MOST = 5000 };

/* Calls 'f' when 'n' allocations of the guest succeed and the next fails, or of
 * the host, which then has no more. Whether the call needed no more than these.
 * What comes out is a status, and the VM works or is plainly broken. */
static bool starve(const function *f, const char *value, uint32_t n,
                   bool of_host) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_status status;
  bool enough;
  with w = good(vm);
  w.value = w.second = test_eval(vm, value);
  w.function = test_eval(vm, "(function (x) { this.made = [x, {}] })");
  w.text = "x";
  w.data = strstr(f->name, "cbor") ? "\x81" : "[1]";
  w.size = strstr(f->name, "cbor") ? 1 : 3;
  if (of_host)
    torpor__alloc_fail((long)n);
  else
    test_fail_allocations(vm, n, 0);
  status = f->call(&w);
  enough = of_host && torpor__alloc_count() < (long)n;
  torpor__alloc_fail(-1);
  if (vm->broken) {
    assert_true(status == TORPOR_TRAPPED || status == TORPOR_BROKEN);
    test_status(vm, torpor_eval(vm, "1", 1, "b.js", TORPOR_SCRIPT, NULL),
                TORPOR_BROKEN);
  } else {
    if (!of_host) enough = test_fail_allocations(vm, UINT32_MAX, 0) <= n;
    if (status != TORPOR_OK && !enough && !(f->flags & SILENT) &&
        !*torpor_last_error(f->flags & VM ? vm : NULL))
      fail_msg("%s, allocation %u: %s without a sentence", f->name, (unsigned)n,
               torpor_status_name(status));
    test_eval_is(vm, "[1, 2].map(n => `${n}`).join()", "1,2");
    test_ok(vm, torpor_vm_collect(vm));
  }
  torpor_vm_close(vm);
  return enough;
}

static void test_memory(void **state) {
  uint32_t failed = 0;
  (void)state;
  for (size_t i = 0; i < FUNCTION_COUNT; i++) {
    const function *f = &functions[i];
    size_t count = f->flags & VALUE ? sizeof(kinds) / sizeof(*kinds) : 1;
    for (size_t k = 0; k < count * 2; k++) {
      uint32_t n = 0;
      if (!(f->flags & VM) && k % 2 == 0) continue;
      while (!starve(f, kinds[k / 2], n, k % 2 != 0)) n++;
      assert_true(n < ALLOCATIONS_MOST);
      failed += n;
    }
  }
  assert_true(failed > 5000);
}

static int setup(void **state) {
  torpor_vm *vm;
  torpor_bytes bytes;
  int failed = test_vm_setup(state);
  vm = test_vm_open(NULL);
  bytes = test_save(vm);
  torpor_vm_close(vm);
  test_ok(NULL, torpor_base_open(&(torpor_slice){bytes.data, bytes.size}, 1,
                                 NULL, &base));
  torpor_bytes_free(&bytes);
  return failed;
}

static int teardown(void **state) {
  torpor_base_close(base);
  return test_vm_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pointers), cmocka_unit_test(test_unwanted),
      cmocka_unit_test(test_values),   cmocka_unit_test(test_unusable),
      cmocka_unit_test(test_moments),  cmocka_unit_test(test_tags),
      cmocka_unit_test(test_lengths),  cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
