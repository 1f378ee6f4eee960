/* SPDX-License-Identifier: MIT */
/* test_snapshot.c - putting VMs to sleep and waking them; refusing what is not
 * a snapshot.
 * ctest: timeout=120 */
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

static void assert_equal(const torpor_bytes *a, const torpor_bytes *b) {
  assert_int_equal(a->size, b->size);
  assert_memory_equal(a->data, b->data, a->size);
}

/* ---- Sleeping and waking --------------------------------------------------*/

static void test_small(void **state) {
  torpor_bytes bytes = test_save_after(
      "let n = 41; (async () => { await new Promise(r => globalThis.go = r); "
      "globalThis.answer = ++n })(); 0");
  torpor_vm *vm;
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  (void)state;
  print_message("one pending promise: %zu bytes\n", bytes.size);
  assert_true(bytes.size < 6000);
  test_ok(NULL, torpor_snapshot_read(bytes.data, bytes.size, &info, NULL));
  assert_int_equal(info.version, 1);
  assert_true(info.bytes < bytes.size);
  vm = test_restore(&bytes, NULL);
  torpor_bytes_free(&bytes);
  test_eval(vm, "go(); 0");
  test_run_jobs(vm);
  test_eval_is(vm, "answer", "42");
  torpor_vm_close(vm);
}

static void test_untouched_equals(void **state) {
  static const char *const sources[] = {
      "0",
      "globalThis.a = []; for (let i = 0; i < 1000; i++) a.push({i}); 0",
      "globalThis.a = new Uint8Array(3 << 20).fill(7); 0",
      "globalThis.a = 'x'.repeat(1e6); a = null; 0",
      "Promise.resolve().then(() => 1); 0",
      "globalThis.g = (function* () { yield 1; yield 2 })(); g.next(); 0",
  };
  (void)state;
  for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
    torpor_bytes first = test_save_after(sources[i]), second;
    torpor_vm *vm = test_restore(&first, NULL);
    second = test_save(vm);
    assert_equal(&first, &second);
    torpor_vm_close(vm);
    torpor_bytes_free(&first);
    torpor_bytes_free(&second);
  }
}

/* A program in steps; its history is in its variables. */
static const char program[] =
    "globalThis.h = []; globalThis.m = new Map; class P { #x = 1; "
    "next() { return this.#x = this.#x * 48271 % 2147483647 } } "
    "const p = new P; function* gen() { for (let i = 0;; i++) yield i * "
    "p.next() } const g = gen(); globalThis.step = i => { const v = "
    "g.next().value; m.set('k' + i % 7, v); h.push({v, s: String(v), at: i}); "
    "if (h.length > 20) h = h.slice(10); Promise.resolve(i).then(j => m.set(j, "
    "{j})); return h.length }; 0";

static const double fixed_now = 1700000000000.0;
static double fixed_clock(void *user, torpor_clock which) {
  (void)user, (void)which;
  return fixed_now;
}

static torpor_options fixed_options(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.clock = fixed_clock;
  return options;
}

static void run_steps(torpor_vm *vm, int from, int to) {
  torpor_value step, global, result;
  torpor_scope scope;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_get(vm, global, "step", &step));
  for (int i = from; i < to; i++) {
    torpor_value index = torpor_number(i);
    test_ok(vm, torpor_call(vm, step, global, &index, 1, &result));
    test_run_jobs(vm);
  }
  test_ok(vm, torpor_scope_close(vm, scope));
}

/* n steps = k steps, save, restore, n - k steps; for every k. */
static void test_histories_are_equal(void **state) {
  enum { STEPS = 30 };
  torpor_options options = fixed_options();
  torpor_vm *straight = test_vm_open(&options);
  torpor_bytes expected;
  (void)state;
  test_eval(straight, program);
  run_steps(straight, 0, STEPS);
  test_eval_is(straight, "JSON.stringify([h.length, m.size])", "[20,37]");
  expected = test_save(straight);
  torpor_vm_close(straight);
  for (int k = 0; k <= STEPS; k += 3) {
    torpor_vm *vm = test_vm_open(&options);
    torpor_bytes middle, end;
    test_eval(vm, program);
    run_steps(vm, 0, k);
    middle = test_save(vm);
    torpor_vm_close(vm);
    vm = test_restore(&middle, &options);
    run_steps(vm, k, STEPS);
    test_eval_is(vm, "JSON.stringify([h.length, m.size])", "[20,37]");
    end = test_save(vm);
    assert_equal(&end, &expected);
    torpor_vm_close(vm);
    torpor_bytes_free(&middle);
    torpor_bytes_free(&end);
  }
  torpor_bytes_free(&expected);
}

static void test_goes_on_running(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes first, second;
  (void)state;
  test_eval(vm, "globalThis.x = [1]; 0");
  first = test_save(vm);
  test_eval_is(vm, "x.push(2)", "2");
  second = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&first, NULL);
  test_eval_is(vm, "x.join()", "1");
  torpor_vm_close(vm);
  vm = test_restore(&second, NULL);
  test_eval_is(vm, "x.join()", "1,2");
  torpor_vm_close(vm);
  torpor_bytes_free(&first);
  torpor_bytes_free(&second);
}

static bool contains(const torpor_bytes *bytes, const char *text) {
  size_t size = strlen(text);
  for (size_t i = 0; i + size <= bytes->size; i++)
    if (memcmp(bytes->data + i, text, size) == 0) return true;
  return false;
}

/* The same text as UTF-16, as strings with other letters have it. */
static bool contains_wide(const torpor_bytes *bytes, const char *text) {
  size_t size = strlen(text);
  for (size_t i = 0; i + 2 * size <= bytes->size; i++) {
    size_t at = 0;
    while (at < size && bytes->data[i + 2 * at] == (uint8_t)text[at] &&
           bytes->data[i + 2 * at + 1] == 0)
      at++;
    if (at == size) return true;
  }
  return false;
}

/* Whether the memory of 'vm' does, which is never packed. */
static bool holds(torpor_vm *vm, const char *text) {
  torpor_bytes memory = {vm->memory + vm->image->host_end, 0};
  memory.size = vm->control->heap_break - vm->image->host_end;
  return contains(&memory, text) || contains_wide(&memory, text);
}

static void assert_absent(torpor_vm *vm, unsigned flags) {
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  torpor_bytes bytes;
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(flags), &bytes));
  test_ok(NULL, torpor_snapshot_read(bytes.data, bytes.size, &info, NULL));
  assert_int_equal(info.sections[5].raw, info.sections[5].stored);
  assert_false(contains(&bytes, "OPSECRE"));
  assert_false(contains_wide(&bytes, "OPSECRE"));
  torpor_bytes_free(&bytes);
}

/* What a program freed is in no snapshot. The secret is put together at run
 * time, so that the program's own text does not have it. */
static void test_freed_is_gone(void **state) {
  static const char *const holders[] = {
      /* strings: alone, many, joined, with wide letters, as keys */
      "globalThis.it = s; 0",
      "globalThis.it = Array.from({length: 1000}, (_, i) => s + i); 0",
      "globalThis.it = s.repeat(5000); 0",
      "globalThis.it = s + '\\u2603'; 0",
      "globalThis.it = {[s]: {[s + 1]: Symbol(s)}}; 0",
      "globalThis.it = new Map([[s, new Set([s + 2])]]); 0",
      /* buffers: small, large, grown, shared by views */
      "globalThis.it = Uint8Array.from(s, c => c.charCodeAt(0)); 0",
      "globalThis.it = new Uint8Array(1 << 20); it.set(Uint8Array.from(s, c "
      "=> c.charCodeAt(0)), 5e5); 0",
      "globalThis.it = new Uint16Array(Uint8Array.from(s, c => "
      "c.charCodeAt(0))).subarray(1); 0",
      /* closures, generators, promises, errors, regular expressions */
      "globalThis.it = (x => () => x)(s); 0",
      "globalThis.it = (function* () { const x = s; yield 1; yield x })(); "
      "it.next(); 0",
      "globalThis.it = (async x => { await new Promise(() => 0); return x "
      "})(s); 0",
      "globalThis.it = new Error(s); 0",
      "globalThis.it = new RegExp(s + '(.*)').exec(s + 'tail'); 0",
      "globalThis.it = new WeakRef({s}); 0",
      "globalThis.it = JSON.stringify({s}); 0",
  };
  (void)state;
  for (size_t i = 0; i < sizeof(holders) / sizeof(*holders); i++) {
    torpor_vm *vm = test_vm_open(NULL);
    torpor_bytes bytes;
    test_eval(vm, "globalThis.make = () => ['TOP', 'SEC', 'RET'].join(''); 0");
    test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_PARENT),
                                          &bytes));
    torpor_bytes_free(&bytes);
    test_eval(vm, "globalThis.s = make(); 0");
    test_eval(vm, holders[i]);
    assert_true(holds(vm, "OPSECRE"));
    test_ok(vm,
            torpor_snapshot_save_with(
                vm, TEST_SAVE(TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA), &bytes));
    torpor_bytes_free(&bytes);
    test_eval(vm,
              "delete globalThis.it; delete globalThis.s; /x/.exec('x'); "
              "0");
    test_ok(vm, torpor_vm_collect(vm));
    test_run_jobs(vm);
    test_ok(vm, torpor_vm_collect(vm));
    assert_absent(vm, 0);
    assert_absent(vm, TORPOR_SAVE_DELTA | TORPOR_SAVE_PARENT);
    torpor_vm_close(vm);
  }
}

/* A program that once used much and dropped it sleeps as small as before. */
static void test_dropped_is_small(void **state) {
  static const char *const users[] = {
      "globalThis.a = []; for (let i = 0; i < 100; i++) a.push(new "
      "Uint8Array(1 << 20).fill(i + 1)); 0",
      "globalThis.a = Array.from({length: 500000}, (_, i) => ({i, s: 's' + "
      "i})); 0",
  };
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    torpor_vm *vm = test_vm_open(NULL);
    torpor_bytes before, after, delta;
    torpor_usage usage = TORPOR_USAGE_INIT;
    test_eval(vm, "globalThis.a = null; 0");
    before = test_save(vm);
    test_eval(vm, users[i]);
    test_ok(vm, torpor_vm_usage(vm, &usage));
    assert_true(usage.heap_used > 40 << 20);
    test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_PARENT),
                                          &after));
    torpor_bytes_free(&after);
    test_eval(vm, "a = null; 0");
    test_ok(vm, torpor_vm_collect(vm));
    after = test_save(vm);
    test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA),
                                          &delta));
    print_message("%zu bytes before, %zu after, %zu as a difference\n",
                  before.size, after.size, delta.size);
    assert_true(after.size < before.size + (8 << 10));
    assert_true(delta.size < 32 << 10);
    torpor_bytes_free(&before);
    torpor_bytes_free(&after);
    torpor_bytes_free(&delta);
    torpor_vm_close(vm);
  }
}

static void test_large(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  torpor_bytes bytes;
  (void)state;
  test_eval(vm,
            "globalThis.a = []; for (let i = 0; i < 100000; i++) a.push({i}); "
            "0");
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_PACK(0, 1), &bytes));
  torpor_vm_close(vm);
  test_ok(NULL, torpor_snapshot_read(bytes.data, bytes.size, &info, NULL));
  print_message("%llu bytes of memory in %zu\n", (unsigned long long)info.bytes,
                bytes.size);
  assert_true(bytes.size < info.bytes / 2); /* compressed */
  vm = test_restore(&bytes, NULL);
  test_eval_is(vm, "a.length + a[99999].i", "199999");
  torpor_vm_close(vm);
  torpor_bytes_free(&bytes);
}

static torpor_status twice(torpor_vm *vm, const torpor_arguments *arguments,
                           torpor_value *result, void *user) {
  (void)vm, (void)user;
  *result = torpor_number(2 * torpor_value_number(arguments->args[0]));
  return TORPOR_OK;
}

static void test_host_functions_are_bound_again(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes bytes;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "twice", twice, NULL));
  test_eval_is(vm, "twice(4)", "8");
  bytes = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&bytes, NULL);
  torpor_bytes_free(&bytes);
  test_status(vm, test_eval_status(vm, "twice(4)"), TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "'twice' is not bound"));
  test_ok(vm, torpor_function_bind(vm, "twice", twice, NULL, NULL));
  test_eval_is(vm, "twice(4)", "8");
  torpor_vm_close(vm);
}

static void test_handles_are_gone(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value object = test_eval(vm, "({a: 1})"), out;
  torpor_bytes bytes = test_save(vm);
  (void)state;
  torpor_vm_close(vm);
  vm = test_restore(&bytes, NULL);
  torpor_bytes_free(&bytes);
  test_status(vm, torpor_get(vm, object, "a", &out), TORPOR_STALE);
  torpor_vm_close(vm);
}

static double monotonic_now;
static double moving_clock(void *user, torpor_clock which) {
  (void)user;
  return which == TORPOR_CLOCK_WALL ? fixed_now : monotonic_now;
}

/* Monotonic time goes on from where it was, wherever the VM wakes. */
static void test_time_never_goes_back(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_bytes bytes;
  double before;
  (void)state;
  options.clock = moving_clock;
  monotonic_now = 50000;
  vm = test_vm_open(&options);
  monotonic_now = 58000;
  before = test_eval_number(vm, "performance.now()");
  assert_true(before == 8000);
  bytes = test_save(vm);
  torpor_vm_close(vm);
  monotonic_now = 3; /* another machine, just started */
  vm = test_restore(&bytes, &options);
  torpor_bytes_free(&bytes);
  assert_true(test_eval_number(vm, "performance.now()") >= before);
  monotonic_now = 103;
  assert_true(test_eval_number(vm, "performance.now()") >= before + 99);
  torpor_vm_close(vm);
}

/* ---- At every step --------------------------------------------------------*/

/* Writes little at most steps, and then where nothing was written for long. */
static const char sparse_program[] =
    "globalThis.n = 0; globalThis.list = Array.from({length: 300}, (_, i) => "
    "({i, s: 's' + i})); globalThis.bytes = new Uint8Array(40000).fill(1);"
    "globalThis.step = (i) => { n += i; Promise.resolve(i).then(v => n += v);"
    "if (i % 9 === 8) list[i].s = 'was ' + i;"
    "if (bytes && i % 13 === 12) bytes[i * 600] = i;"
    "if (i % 17 === 16) list[i + 100] = null;"
    "if (i % 29 === 28) for (const o of list) if (o) o.t = i;"
    "if (i === 40) bytes = null; return n }; 0";

static torpor_vm *open_sparse(torpor_memory memory) {
  torpor_options options = fixed_options();
  torpor_vm *vm;
  options.memory = memory;
  vm = test_vm_open(&options);
  test_eval(vm, sparse_program);
  test_run_jobs(vm);
  return vm;
}

/* Differences change which pages are tracked: whole snapshots stay the
 * same. */
static void save_difference(torpor_vm *vm, int i) {
  torpor_bytes bytes;
  unsigned flags = TORPOR_SAVE_PARENT;
  if (i % 5 == 2) flags |= TORPOR_SAVE_DELTA;
  if (i % 5 != 1 && i % 5 != 2) return;
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(flags), &bytes));
  torpor_bytes_free(&bytes);
}

static void assert_wakes_with(const torpor_bytes *bytes, double expected) {
  torpor_vm *woken = test_restore(bytes, NULL);
  assert_true(test_eval_number(woken, "n") == expected);
  torpor_vm_close(woken);
}

/* However its memory is kept, and whatever was saved before, a VM that is saved
 * at every step gives the same bytes, and they wake. */
static void test_saved_at_every_step(void **state) {
  torpor_vm *vms[] = {open_sparse(TORPOR_MEMORY_POOLED),
                      open_sparse(TORPOR_MEMORY_MAPPED),
                      open_sparse(TORPOR_MEMORY_POOLED)};
  double expected = 0;
  (void)state;
  for (int i = 0; i < 60; i++) {
    torpor_bytes saved[3];
    expected += 2 * i;
    for (int k = 0; k < 3; k++) {
      run_steps(vms[k], i, i + 1);
      if (i % 25 == 24) test_ok(vms[k], torpor_vm_collect(vms[k]));
      if (k == 2) save_difference(vms[k], i);
      saved[k] = test_save(vms[k]);
    }
    assert_equal(&saved[0], &saved[1]);
    assert_equal(&saved[0], &saved[2]);
    assert_wakes_with(&saved[0], expected);
    for (int k = 0; k < 3; k++) torpor_bytes_free(&saved[k]);
  }
  for (int k = 0; k < 3; k++) torpor_vm_close(vms[k]);
}

static void flip_bit(torpor_vm *vm, uint32_t address) {
  uint8_t *byte = torpor__memory_to(vm, address, 1);
  assert_non_null(byte);
  *byte ^= 0x80;
}

/* What the host writes, into a page that was written before or not, is in the
 * next snapshot. */
static void test_host_writes(void **state) {
  torpor_vm *vm = open_sparse(TORPOR_MEMORY_POOLED);
  uint32_t end = torpor__memory_limit(vm) & ~(TORPOR__PAGE - 1);
  uint32_t address = vm->image->host_end / TORPOR__PAGE * TORPOR__PAGE;
  (void)state;
  for (address += TORPOR__PAGE; address < end; address += TORPOR__PAGE) {
    torpor_bytes before = test_save(vm), after, again;
    flip_bit(vm, address + 100);
    after = test_save(vm);
    assert_true(before.size != after.size ||
                memcmp(before.data, after.data, after.size) != 0);
    flip_bit(vm, address + 100);
    again = test_save(vm);
    assert_equal(&before, &again);
    torpor_bytes_free(&before);
    torpor_bytes_free(&after);
    torpor_bytes_free(&again);
  }
  torpor_vm_close(vm);
}

/* A VM that is recycled saves as a new one, however often it was saved. */
static void test_recycled(void **state) {
  torpor_bytes first = {NULL, 0}, bytes;
  (void)state;
  for (int round = 0; round < 3; round++) {
    torpor_vm *vm = open_sparse(TORPOR_MEMORY_POOLED);
    bytes = test_save(vm);
    if (round > 0) assert_equal(&first, &bytes);
    torpor_bytes_free(&first);
    first = bytes;
    for (int i = 0; i < 12; i++) {
      bytes = test_save(vm);
      assert_equal(&first, &bytes);
      torpor_bytes_free(&bytes);
    }
    torpor_vm_close(vm);
  }
  torpor_bytes_free(&first);
}

/* ---- Refusing -------------------------------------------------------------*/

static void set_checksum(torpor_bytes *bytes) {
  uint32_t sum = libdeflate_crc32(0, bytes->data, bytes->size - 4);
  for (int i = 0; i < 4; i++, sum >>= 8)
    bytes->data[bytes->size - 4 + (size_t)i] = (uint8_t)sum;
}

static torpor_bytes copy_of(const torpor_bytes *bytes) {
  torpor_bytes copy = {malloc(bytes->size), bytes->size};
  assert_non_null(copy.data);
  memcpy(copy.data, bytes->data, bytes->size);
  return copy;
}

static torpor_status restore_status(const uint8_t *data, size_t size,
                                    const torpor_options *options) {
  torpor_vm *vm = NULL;
  torpor_status status = torpor_snapshot_restore(data, size, options, &vm);
  assert_true((status == TORPOR_OK) == (vm != NULL));
  if (status != TORPOR_OK) assert_true(strlen(torpor_last_error(NULL)) > 10);
  torpor_vm_close(vm);
  return status;
}

/* Sets the byte at 'offset', corrects the checksum, and expects 'expected'. */
static void assert_refused(const torpor_bytes *good, size_t offset,
                           uint8_t byte, torpor_status expected) {
  torpor_bytes bad = copy_of(good);
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  bad.data[offset] = byte;
  set_checksum(&bad);
  test_status(NULL, restore_status(bad.data, bad.size, NULL), expected);
  /* What needs the engine to be judged, a reader without one lets pass. */
  if (expected != TORPOR_ENGINE && expected != TORPOR_LIMIT && offset != 80 &&
      (offset < 120 || offset > 127))
    test_status(NULL, torpor_snapshot_read(bad.data, bad.size, &info, NULL),
                expected);
  free(bad.data);
}

static void test_header(void **state) {
  torpor_bytes good = test_save_after("0"), bad;
  torpor_options options = TORPOR_OPTIONS_INIT;
  (void)state;
  assert_refused(&good, 0, 0x88, TORPOR_FORMAT); /* magic */
  assert_refused(&good, 8, 2, TORPOR_NEWER);     /* version */
  assert_refused(&good, 8, 0, TORPOR_FORMAT);
  assert_refused(&good, 12, 95, TORPOR_FORMAT); /* header size */
  assert_refused(&good, 16, (uint8_t)~good.data[16], TORPOR_ENGINE);
  assert_refused(&good, 48, 1, TORPOR_FORMAT);    /* parent, unsaid */
  assert_refused(&good, 80, 1, TORPOR_FORMAT);    /* pages: too few */
  assert_refused(&good, 82, 0x80, TORPOR_FORMAT); /* too many at all */
  assert_refused(&good, 81, 0x80, TORPOR_LIMIT);  /* 2 GiB */
  assert_refused(&good, 84, 2, TORPOR_NEWER);     /* flags */
  assert_refused(&good, 88, 2, TORPOR_FORMAT);    /* sections */
  assert_refused(&good, 88, 200, TORPOR_FORMAT);
  assert_refused(&good, 92, 1, TORPOR_FORMAT); /* reserved */
  assert_refused(&good, 96, 3, TORPOR_FORMAT); /* section type */
  assert_refused(&good, 96, 2, TORPOR_FORMAT);
  assert_refused(&good, 96, 9, TORPOR_NEWER);
  assert_refused(&good, 100, 3, TORPOR_NEWER);  /* method */
  assert_refused(&good, 100, 1, TORPOR_FORMAT); /* not compressed */
  assert_refused(&good, 100, 2, TORPOR_FORMAT);
  assert_refused(&good, 104, 9, TORPOR_FORMAT);    /* raw size */
  assert_refused(&good, 119, 0xff, TORPOR_FORMAT); /* stored size */
  assert_refused(&good, 120, 1, TORPOR_FORMAT);    /* stack pointer */
  assert_refused(&good, 124, (uint8_t)~good.data[124], TORPOR_FORMAT);

  bad = copy_of(&good);
  bad.data[bad.size / 2] ^= 1;
  test_status(NULL, restore_status(bad.data, bad.size, NULL), TORPOR_CHECKSUM);
  free(bad.data);

  options.memory_max = 65536;
  assert_true(restore_status(good.data, good.size, &options) == TORPOR_LIMIT);
  options.memory_max = 0;
  options.engine = "other";
  assert_true(restore_status(good.data, good.size, &options) == TORPOR_ENGINE);
  torpor_bytes_free(&good);
}

static void test_cut_off(void **state) {
  torpor_bytes good = test_save_after("globalThis.x = {a: 1}; 0");
  (void)state;
  for (size_t size = 0; size < good.size; size++) {
    torpor_status status = restore_status(good.data, size, NULL);
    assert_true(status == TORPOR_FORMAT || status == TORPOR_CHECKSUM);
  }
  torpor_bytes_free(&good);
}

/* Where the runs begin: the last section's content. */
static size_t find_runs(const torpor_bytes *bytes, size_t *head) {
  size_t at = 96;
  while (bytes->data[at] != 5) {
    uint64_t size;
    memcpy(&size, bytes->data + at + 16, 8);
    at += 24 + (size_t)size;
  }
  *head = at;
  return at + 24;
}

/* A snapshot with 'runs' instead of its own. */
static torpor_bytes with_runs(const torpor_bytes *good, const char *runs,
                              size_t size) {
  size_t head, at = find_runs(good, &head);
  torpor_bytes bytes = {malloc(at + size + 4), at + size + 4};
  uint64_t size64 = size;
  assert_non_null(bytes.data);
  memcpy(bytes.data, good->data, at);
  memcpy(bytes.data + head + 8, &size64, 8);
  memcpy(bytes.data + head + 16, &size64, 8);
  memcpy(bytes.data + at, runs, size);
  set_checksum(&bytes);
  return bytes;
}

static void test_lying_runs(void **state) {
  static const struct {
    const char *runs;
    size_t size;
  } lies[] = {
      {"\x10", 1},          /* no length */
      {"\x10\x00", 2},      /* length 0 */
      {"\x10\x01", 2},      /* zero run of length 0 */
      {"\x80", 1},          /* varint cut off */
      {"\x80\x00\x02z", 4}, /* varint with superfluous byte */
      {"\xff\xff\xff\xff\xff\xff\xff\x02z", 9},    /* too long */
      {"\x00\x02z", 3},                            /* into the stack */
      {"\xff\xff\xff\xff\x0f\x02z", 7},            /* beyond memory */
      {"\x80\x80\x80\x01\x81\x80\x80\x80\x20", 9}, /* reaches beyond memory */
      {"\x80\x80\x80\x01\x20zzz", 8},              /* content cut off */
  };
  torpor_bytes good = test_save_after("0"), bad;
  (void)state;
  for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
    bad = with_runs(&good, lies[i].runs, lies[i].size);
    test_status(NULL, restore_status(bad.data, bad.size, NULL), TORPOR_FORMAT);
    free(bad.data);
  }
  /* No runs at all: the baseline. */
  bad = with_runs(&good, "", 0);
  assert_true(restore_status(bad.data, bad.size, NULL) == TORPOR_OK);
  free(bad.data);
  torpor_bytes_free(&good);
}

/* A few bytes that claim to unpack to gigabytes. */
static void test_bomb(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes good;
  size_t head;
  (void)state;
  test_eval(vm, "globalThis.a = new Uint8Array(9e5).fill(1); 0");
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_PACK(0, 1), &good));
  torpor_vm_close(vm);
  find_runs(&good, &head);
  assert_int_equal(good.data[head + 4], 1);           /* compressed */
  assert_refused(&good, head + 12, 1, TORPOR_FORMAT); /* 4 GiB more */
  assert_refused(&good, head + 8, (uint8_t)~good.data[head + 8], TORPOR_FORMAT);
  torpor_bytes_free(&good);
}

static void be_silent(void *user, torpor_level level, const char *text,
                      size_t size) {
  (void)user, (void)level, (void)text, (void)size;
}

/* Whatever is altered, with a right checksum: an error, or a VM that the host
 * survives. */
static void test_altered(void **state) {
  unsigned rounds = test_count("TORPOR_ALTERED", 1500, 100000);
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_bytes good = test_save_after(
      "globalThis.x = [1, 'a', {b: 2}]; setTimeout(() => x.push(1), 5); 0");
  test_random random = {4};
  (void)state;
  options.deadline_ms = 100;
  options.memory_max = 32 << 20;
  options.console = be_silent;
  for (unsigned i = 0; i < rounds; i++) {
    torpor_bytes bad = copy_of(&good);
    torpor_vm *vm;
    torpor_value out;
    torpor_bytes again;
    for (int flips = 1 + (int)(i % 4); flips > 0; flips--)
      bad.data[96 + test_random_next(&random) % (bad.size - 100)] =
          (uint8_t)test_random_next(&random);
    set_checksum(&bad);
    if (torpor_snapshot_restore(bad.data, bad.size, &options, &vm) ==
        TORPOR_OK) {
      torpor_eval(vm, "x.push(2); JSON.stringify(x)", 28, "x.js", TORPOR_SCRIPT,
                  &out);
      torpor_job_run(vm, 0, NULL);
      if (torpor_snapshot_save(vm, &again) == TORPOR_OK)
        torpor_bytes_free(&again);
      torpor_vm_close(vm);
    }
    free(bad.data);
  }
  torpor_bytes_free(&good);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small),
      cmocka_unit_test(test_untouched_equals),
      cmocka_unit_test(test_histories_are_equal),
      cmocka_unit_test(test_goes_on_running),
      cmocka_unit_test(test_freed_is_gone),
      cmocka_unit_test(test_dropped_is_small),
      cmocka_unit_test(test_large),
      cmocka_unit_test(test_host_functions_are_bound_again),
      cmocka_unit_test(test_handles_are_gone),
      cmocka_unit_test(test_time_never_goes_back),
      cmocka_unit_test(test_saved_at_every_step),
      cmocka_unit_test(test_host_writes),
      cmocka_unit_test(test_recycled),
      cmocka_unit_test(test_header),
      cmocka_unit_test(test_cut_off),
      cmocka_unit_test(test_lying_runs),
      cmocka_unit_test(test_bomb),
      cmocka_unit_test(test_altered),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
