/* SPDX-License-Identifier: MIT */
/* test_hostile.c - guests whose memory was scribbled on at random run on.
 *
 * Whatever a guest does to itself, and however it came to be: the host has no
 * fault, every call answers, none outlives its deadline, and host functions are
 * given nothing that is out of bounds. TORPOR_HOSTILE is how many VMs,
 * TORPOR_SEED where chance begins.
 * ctest: full serial timeout=240 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

#define DEADLINE_MS 10
/* Beyond deadline and grace: what the system and sanitizers take. */
#define SLACK_MS 1500
#define ARGUMENTS_LARGEST 65536 /* what a call of JavaScript can have */

static unsigned calls_seen;

/* Reads every byte that is said to belong to 'value'. */
static uint64_t look_closer(torpor_vm *vm, torpor_value value) {
  torpor_string_view view;
  torpor_slice slice;
  torpor_bytes text;
  torpor_value entries[8];
  uint64_t words[4], sum = 0;
  size_t count;
  if (torpor_string_look(vm, value, &view) == TORPOR_OK)
    for (size_t i = 0; i < view.length * view.width; i++)
      sum += ((const uint8_t *)view.data)[i];
  if (torpor_buffer_look(vm, value, &slice) == TORPOR_OK)
    for (size_t i = 0; i < slice.size; i++)
      sum += ((const uint8_t *)slice.data)[i];
  if (torpor_value_describe(vm, value, &text) == TORPOR_OK) {
    for (size_t i = 0; i < text.size; i++) sum += text.data[i];
    torpor_bytes_free(&text);
  }
  torpor_bigint_read_words(vm, value, NULL, words, 4, &count);
  torpor_collection_read(vm, value, entries, 4, &count);
  torpor_buffer_write(vm, value, 0, "x", 1);
  return sum;
}

/* All that a host function is given is there to be read. */
static void look_at(torpor_vm *vm, torpor_value value) {
  torpor_type type = torpor_value_type(value);
  torpor_brand brand;
  torpor_bytes bytes;
  uint64_t sum = 0;
  assert_true(type <= TORPOR_TYPE_OBJECT);
  if (type == TORPOR_TYPE_STRING &&
      torpor_string_read(vm, value, &bytes) == TORPOR_OK) {
    assert_true(bytes.size <= torpor__memory_size(vm) * 3);
    for (size_t i = 0; i < bytes.size; i++) sum += bytes.data[i];
    torpor_bytes_free(&bytes);
  }
  if (type == TORPOR_TYPE_OBJECT &&
      torpor_value_brand(vm, value, &brand) == TORPOR_OK &&
      torpor_brand_is_buffer(brand) &&
      torpor_buffer_read(vm, value, &bytes) == TORPOR_OK) {
    assert_true(bytes.size <= torpor__memory_size(vm));
    for (size_t i = 0; i < bytes.size; i++) sum += bytes.data[i];
    torpor_bytes_free(&bytes);
  }
  sum += look_closer(vm, value);
  assert_true(sum <= UINT32_MAX * UINT64_C(255) * 4);
}

static torpor_status call_back(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)user;
  calls_seen++;
  assert_true(arguments->count <= ARGUMENTS_LARGEST);
  look_at(vm, arguments->self);
  for (size_t i = 0; i < arguments->count; i++) look_at(vm, arguments->args[i]);
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

/* ---- Victims --------------------------------------------------------------*/

/* How a victim came to be; each pooled and mapped. */
typedef enum origin {
  ORIGIN_OPENED,
  ORIGIN_RESTORED,
  ORIGIN_CHAIN,
  ORIGIN_BASE,
  ORIGIN_FORKED,
  ORIGINS
} origin;

static torpor_bytes whole, difference;
static torpor_base *base;

static torpor_options victim_options(unsigned index) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.memory_max = 16 << 20;
  options.console = be_silent;
  options.memory =
      index / ORIGINS % 2 == 0 ? TORPOR_MEMORY_POOLED : TORPOR_MEMORY_MAPPED;
  return options;
}

static const char program[] =
    "globalThis.list = []; globalThis.map = new Map; class K { #p = 1; "
    "get p() { return this.#p } } for (let i = 0; i < 50; i++) { "
    "list.push({i, s: 'text' + i, f: () => i, k: new K}); map.set(i, "
    "list[i]) } setTimeout(() => list.sort(), 1000); setInterval(() => "
    "map.clear(), 10); Promise.reject(1).catch(() => 2); 0";

static torpor_vm *open_first(const torpor_options *options) {
  torpor_vm *vm = test_vm_open(options);
  test_ok(vm, torpor_vm_collect(vm));
  test_ok(vm, torpor_function_add(vm, "back", call_back, NULL));
  test_eval(vm, program);
  return vm;
}

static void make_origins(void) {
  torpor_vm *vm = open_first(NULL);
  test_ok(vm,
          torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_PARENT), &whole));
  test_eval(vm, "list.push({i: 1, f: () => 'more', k: list[0].k}); 0");
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA),
                                        &difference));
  torpor_vm_close(vm);
  test_ok(NULL, torpor_base_open(&(torpor_slice){whole.data, whole.size}, 1,
                                 NULL, &base));
}

static void drop_origins(void) {
  torpor_base_close(base);
  torpor_bytes_free(&whole);
  torpor_bytes_free(&difference);
}

static torpor_vm *fork_first(const torpor_options *options) {
  torpor_vm *first = open_first(options), *vm;
  test_ok(first, torpor_vm_fork(first, options, &vm));
  torpor_vm_close(first);
  return vm;
}

/* The deadline comes after all that must succeed. */
static torpor_vm *make_victim(unsigned index) {
  torpor_options options = victim_options(index);
  torpor_slice chain[] = {{whole.data, whole.size},
                          {difference.data, difference.size}};
  torpor_vm *vm = NULL;
  switch ((origin)(index % ORIGINS)) {
  case ORIGIN_RESTORED:
    vm = test_restore(&whole, &options);
    break;
  case ORIGIN_CHAIN:
    test_ok(NULL, torpor_snapshot_restore_chain(chain, 2, &options, &vm));
    break;
  case ORIGIN_BASE:
    test_ok(NULL,
            torpor_base_restore(base, chain + 1, index / 2 % 2, &options, &vm));
    break;
  case ORIGIN_FORKED:
    vm = fork_first(&options);
    break;
  default:
    return open_first(&options);
  }
  test_ok(vm, torpor_function_bind(vm, "back", call_back, NULL, NULL));
  return vm;
}

static torpor_vm *open_victim(unsigned index) {
  torpor_vm *vm = make_victim(index);
  torpor_vm_set_deadline(vm, DEADLINE_MS);
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

/* In the time of this thread, so that others may keep the system busy. */
static uint64_t thread_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Every call must answer, in time. */
static void done(uint64_t start, const char *what) {
  uint64_t took = thread_ns() - start;
  if (took > slowest_ns) slowest_ns = took;
  if (took / 1000000 < DEADLINE_MS + TORPOR_WATCHDOG_GRACE_MS + SLACK_MS)
    return;
  print_error("%s took %llu ms\n", what, (unsigned long long)(took / 1000000));
  fail();
}

#define TIMED(call)                                                            \
  do {                                                                         \
    uint64_t start = thread_ns();                                              \
    call;                                                                      \
    done(start, #call);                                                        \
  } while (0)

static void list_operations(torpor_vm *vm) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  for (int i = 0; i < 1000; i++)
    if (torpor_operation_next(vm, &operation) != TORPOR_OK) break;
  torpor_operation_count(vm);
}

static void evaluate(torpor_vm *vm) {
  static const char source[] =
      "back(() => list.map(x => x.f()), list[1].s, new Uint8Array(99), "
      "list); for (const x of list) x.k.p; "
      "JSON.stringify([...map]); try { null.x } catch (e) { e.stack } "
      "console.log(list); /t(e)x/.exec(list[3].s); new Date().toString()";
  torpor_value out;
  torpor_bytes bytes = {NULL, 0};
  torpor_error error = TORPOR_ERROR_INIT;
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
  torpor_brand brand;
  torpor_usage usage = TORPOR_USAGE_INIT;
  if (torpor_global(vm, &global) != TORPOR_OK) return;
  if (torpor_get(vm, global, "list", &list) != TORPOR_OK) return;
  if (torpor_get_index(vm, list, 7, &item) != TORPOR_OK) return;
  torpor_value_brand(vm, item, &brand);
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

static void assert_saves_to(torpor_vm *vm, const torpor_bytes *expected) {
  torpor_bytes bytes;
  if (torpor_snapshot_save(vm, &bytes) != TORPOR_OK) return;
  assert_int_equal(bytes.size, expected->size);
  assert_memory_equal(bytes.data, expected->data, bytes.size);
  torpor_bytes_free(&bytes);
}

static void use_copy(torpor_vm *copy, const torpor_bytes *bytes) {
  assert_saves_to(copy, bytes);
  torpor_vm_set_deadline(copy, DEADLINE_MS);
  torpor_function_bind(copy, "back", call_back, NULL, NULL);
  TIMED(evaluate(copy));
  torpor_vm_close(copy);
}

static void save_and_restore(torpor_vm *vm, unsigned index) {
  torpor_options options = victim_options(index);
  torpor_bytes bytes, changes;
  torpor_vm *copy;
  if (torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA), &changes) ==
      TORPOR_OK)
    torpor_bytes_free(&changes);
  if (torpor_snapshot_save(vm, &bytes) != TORPOR_OK) return;
  if (torpor_snapshot_restore(bytes.data, bytes.size, &options, &copy) ==
      TORPOR_OK)
    use_copy(copy, &bytes);
  if (torpor_vm_fork(vm, &options, &copy) == TORPOR_OK) use_copy(copy, &bytes);
  torpor_bytes_free(&bytes);
}

static void test_scribbled(void **state) {
  unsigned count = test_count("TORPOR_HOSTILE", 500, 100000);
  unsigned seed = test_count("TORPOR_SEED", 1, 1), broken = 0;
  (void)state;
  make_origins();
  for (unsigned i = 0; i < count; i++) {
    test_random random = {((uint64_t)seed << 32) + i};
    torpor_vm *vm = open_victim(i);
    scribble(vm, &random);
    TIMED(list_operations(vm));
    TIMED(save_and_restore(vm, i));
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
  drop_origins();
  print_message(
      "%u VMs, %u of them broken, %u host calls, slowest call "
      "%.1f ms\n",
      count, broken, calls_seen, (double)slowest_ns / 1e6);
  assert_true(calls_seen > count / 2);
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
