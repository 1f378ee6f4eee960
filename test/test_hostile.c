/* SPDX-License-Identifier: MIT */
/* test_hostile.c - guests whose memory was scribbled on at random run on.
 *
 * Whatever a guest does to itself: the host has no fault, every call answers,
 * and none outlives its deadline. TORPOR_HOSTILE is how many VMs.
 * ctest: full serial timeout=120 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/vm.h"
#include "vm/image.h"

#define DEADLINE_MS 30
/* Beyond deadline and grace: what the system and sanitizers take. */
#define SLACK_MS 1500

static torpor_status call_back(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)user;
  if (arguments->count == 0) return TORPOR_OK;
  return torpor_call(vm, arguments->args[0], arguments->self, NULL, 0, result);
}

static void be_silent(void *user, torpor_level level, const char *text,
                      size_t size) {
  size_t sum = 0;
  (void)user, (void)level;
  for (size_t i = 0; i < size; i++) sum += (unsigned char)text[i];
  assert_true(sum <= size * 255);
}

static torpor_vm *open_victim(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  options.deadline_ms = DEADLINE_MS;
  options.memory_max = 16 << 20;
  options.host.console = be_silent;
  vm = test_vm_open(&options);
  test_ok(vm, torpor_function_add(vm, "back", call_back, NULL));
  test_eval(vm,
            "globalThis.list = []; globalThis.map = new Map; class K { #p = 1; "
            "get p() { return this.#p } } for (let i = 0; i < 50; i++) { "
            "list.push({i, s: 'text' + i, f: () => i, k: new K}); map.set(i, "
            "list[i]) } setTimeout(() => list.sort(), 1000); setInterval(() => "
            "map.clear(), 10); Promise.reject(1).catch(() => 2); 0");
  return vm;
}

/* Overwrites a few words in the places that matter most. */
static void scribble(torpor_vm *vm, test_random *random) {
  uint32_t low = vm->image->stack_size, high = vm->control->heap_break;
  int writes = 1 + (int)(test_random_next(random) % 40);
  if (test_random_next(random) % 3 == 0) {
    low = vm->engine->control;
    high = low + (uint32_t)offsetof(torpor_abi_control, host);
  }
  while (writes-- > 0) {
    uint32_t at =
        low + (uint32_t)(test_random_next(random) % (high - low - 4) & ~3ull);
    uint64_t choice = test_random_next(random);
    uint32_t word = (uint32_t)(choice >> 32);
    uint8_t *place = torpor__memory_to(vm, at, sizeof(word));
    if (!place) continue;
    if (choice % 4 == 0) word &= 0xff;
    if (choice % 4 == 1) word = low + word % (high - low);
    memcpy(place, &word, sizeof(word));
  }
}

static uint64_t slowest_ns;

/* Every call must answer, in time. */
static void done(uint64_t start, const char *what) {
  uint64_t took = torpor__monotonic_ns() - start;
  if (took > slowest_ns) slowest_ns = took;
  if (took / 1000000 < DEADLINE_MS + TORPOR_WATCHDOG_GRACE_MS + SLACK_MS)
    return;
  print_error("%s took %llu ms\n", what, (unsigned long long)(took / 1000000));
  fail();
}

#define TIMED(call)                                                            \
  do {                                                                         \
    uint64_t start = torpor__monotonic_ns();                                   \
    call;                                                                      \
    done(start, #call);                                                        \
  } while (0)

static void list_operations(torpor_vm *vm) {
  torpor_operation operation;
  for (int i = 0; i < 1000; i++)
    if (torpor_operation_next(vm, &operation) != TORPOR_OK) break;
  torpor_operation_count(vm);
}

static void evaluate(torpor_vm *vm) {
  static const char source[] =
      "back(() => list.map(x => x.f())); for (const x of list) x.k.p; "
      "JSON.stringify([...map]); try { null.x } catch (e) { e.stack } "
      "console.log(list); /t(e)x/.exec(list[3].s); new Date().toString()";
  torpor_value out;
  torpor_bytes bytes = {NULL, 0};
  torpor_error error;
  torpor_status status =
      torpor_eval(vm, source, strlen(source), "x.js", TORPOR_SCRIPT, &out);
  if (status == TORPOR_OK) status = torpor_string_read(vm, out, &bytes);
  torpor_bytes_free(&bytes);
  if (status == TORPOR_THROWN &&
      torpor_error_read(vm, torpor_exception(vm), &error) == TORPOR_OK)
    torpor_error_free(&error);
}

static void use_objects(torpor_vm *vm) {
  torpor_value global, list, item;
  torpor_bytes bytes;
  torpor_class class;
  torpor_usage usage;
  if (torpor_global(vm, &global) != TORPOR_OK) return;
  if (torpor_get(vm, global, "list", &list) != TORPOR_OK) return;
  if (torpor_get_index(vm, list, 7, &item) != TORPOR_OK) return;
  torpor_object_class(vm, item, &class);
  if (torpor_cbor_encode(vm, list, &bytes) == TORPOR_OK)
    torpor_bytes_free(&bytes);
  torpor_vm_usage(vm, &usage);
}

static void settle(torpor_vm *vm) {
  uint64_t id;
  for (uint64_t i = 1; i < 4; i++)
    torpor_operation_settle(vm, i, TORPOR_RESOLVE, torpor_null());
  torpor_operation_take_cancelled(vm, &id);
  torpor_rejection_take(vm, &(torpor_value){0});
}

static void save_and_restore(torpor_vm *vm) {
  torpor_bytes bytes;
  torpor_vm *copy;
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.deadline_ms = DEADLINE_MS;
  options.memory_max = 16 << 20;
  options.host.console = be_silent;
  if (torpor_snapshot_save(vm, &bytes) != TORPOR_OK) return;
  if (torpor_snapshot_restore(bytes.data, bytes.size, &options, &copy) ==
      TORPOR_OK) {
    torpor_bytes again;
    if (torpor_snapshot_save(copy, &again) == TORPOR_OK) {
      assert_int_equal(again.size, bytes.size);
      assert_memory_equal(again.data, bytes.data, bytes.size);
      torpor_bytes_free(&again);
    }
    TIMED(evaluate(copy));
    torpor_vm_close(copy);
  }
  torpor_bytes_free(&bytes);
}

static void test_scribbled(void **state) {
  unsigned count = test_count("TORPOR_HOSTILE", 500, 10000);
  unsigned seed = test_count("TORPOR_SEED", 1, 1), broken = 0;
  (void)state;
  for (unsigned i = 0; i < count; i++) {
    test_random random = {((uint64_t)seed << 32) + i};
    torpor_vm *vm = open_victim();
    scribble(vm, &random);
    TIMED(list_operations(vm));
    TIMED(save_and_restore(vm));
    TIMED(evaluate(vm));
    TIMED(torpor_job_run(vm, 0, NULL));
    TIMED(use_objects(vm));
    TIMED(settle(vm));
    scribble(vm, &random);
    TIMED(torpor_vm_collect(vm));
    TIMED(evaluate(vm));
    broken += vm->broken;
    torpor_vm_close(vm);
  }
  print_message("%u VMs, %u of them broken, slowest call %.1f ms\n", count,
                broken, (double)slowest_ns / 1e6);
  assert_true(broken > count / 20); /* else nothing was hit */
  assert_true(broken < count);
}

/* After all that, a new VM is as good as ever. */
static void test_others_are_well(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  test_eval_is(vm, "JSON.stringify([...'abc'].map((c, i) => ({[c]: i})))",
               "[{\"a\":0},{\"b\":1},{\"c\":2}]");
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_scribbled),
      cmocka_unit_test(test_others_are_well),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
