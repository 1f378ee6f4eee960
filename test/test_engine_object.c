/* SPDX-License-Identifier: MIT */
/* test_engine_object.c - an engine that is loaded does what the built-in one
 * does, byte for byte, and is reached by its table alone.
 * ctest: thread */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "torpor.h"
#include "vm/engines/engine.h"
#include "wasm/runtime.h"

/* A VM without libtorpor: the engine in a region, with a host of its own. */
struct machine {
  const torpor__engine *engine;
  torpor__region *region;
  torpor__instance *instance;
  uint8_t *memory;
  torpor_abi_control *control;
};

static uint32_t answer_nothing(void *host, uint32_t function, uint64_t self,
                               uint32_t args, uint32_t count) {
  (void)host, (void)function, (void)self, (void)args, (void)count;
  return TORPOR_UNSUPPORTED;
}

static uint32_t find_no_module(void *host, uint32_t name, uint32_t size) {
  (void)host, (void)name, (void)size;
  return TORPOR_NOT_FOUND;
}

static uint32_t go_on(void *host) {
  (void)host;
  return 0;
}

static double tell_time(void *host, uint32_t which) {
  (void)host;
  return which == TORPOR_CLOCK_WALL ? 1700000000000.0 : 5.0;
}

static uint32_t tell_zone(void *host, double ms) {
  (void)host, (void)ms;
  return 60;
}

static void give_zeros(void *host, uint32_t address, uint32_t size) {
  struct machine *machine = host;
  assert_true(torpor__region_commit(machine->region, address, address + size));
  memset(machine->memory + address, 0, size);
}

static void write_nothing(void *host, uint32_t level, uint32_t address,
                          uint32_t size) {
  (void)host, (void)level, (void)address, (void)size;
}

static void end_guest(void *host, uint32_t code, uint32_t address,
                      uint32_t size) {
  (void)host, (void)code, (void)address, (void)size;
  torpor__trap_raise(TORPOR__TRAP_HOST);
}

static const torpor__engine_imports imports = {
    .call = answer_nothing,
    .module = find_no_module,
    .poll = go_on,
    .clock = tell_time,
    .zone = tell_zone,
    .random = give_zeros,
    .console = write_nothing,
    .trap = end_guest,
};

static void put_image(struct machine *machine) {
  const torpor__engine *engine = machine->engine;
  for (size_t i = 0; i < engine->segment_count; i++) {
    const torpor__engine_segment *segment = &engine->segments[i];
    assert_true(torpor__region_commit(machine->region, segment->address,
                                      segment->address + segment->size));
    memcpy(machine->memory + segment->address, segment->data, segment->size);
  }
}

static void open_machine(struct machine *machine,
                         const torpor__engine *engine) {
  machine->engine = engine;
  machine->region = torpor__region_open(engine->pages, 1024);
  assert_non_null(machine->region);
  machine->instance = torpor__region_instance(machine->region);
  machine->memory = (uint8_t *)torpor__region_memory(machine->region)->data;
  machine->control = (torpor_abi_control *)(machine->memory + engine->control);
  put_image(machine);
  assert_true(engine->instantiate(machine->instance, &imports, machine));
}

static void close_machine(struct machine *machine) {
  machine->engine->release(machine->instance);
  torpor__region_close(machine->region);
}

/* Calls EXPORT with these arguments; its result into STATUS. */
#define ENTER(machine, status, name, ...)                                      \
  do {                                                                         \
    torpor__entry entry_;                                                      \
    assert_true(torpor__entry_start(&entry_, (machine)->region, 0));           \
    if (sigsetjmp(entry_.leave, 0) == 0) {                                     \
      torpor__guest_begin(&entry_);                                            \
      (status) =                                                               \
          (machine)->engine->exports.name((machine)->instance, ##__VA_ARGS__); \
    }                                                                          \
    assert_int_equal(torpor__entry_end(&entry_), TORPOR__TRAP_NONE);           \
  } while (0)

static uint32_t lend_text(struct machine *machine, const char *text) {
  volatile uint32_t address = 0;
  uint32_t size = (uint32_t)strlen(text) + 1;
  ENTER(machine, address, torpor_allocate, size);
  assert_int_not_equal(address, 0);
  assert_true(torpor__region_commit(machine->region, address, address + size));
  memcpy(machine->memory + address, text, size);
  return address;
}

static double eval_number(struct machine *machine, const char *code) {
  volatile uint32_t status = UINT32_MAX;
  uint32_t source = lend_text(machine, code);
  uint32_t file = lend_text(machine, "test.js");
  ENTER(machine, status, torpor_eval, source, (uint32_t)strlen(code), file, 7,
        TORPOR_SCRIPT);
  assert_int_equal(status, TORPOR_OK);
  return torpor_value_number(
      (torpor_value){machine->control->host.result[0], 0});
}

static const char program[] =
    "globalThis.list = Array.from({length: 1000}, (_, i) => ({i, s: 'n' + i}));"
    "const map = new Map(list.map((it) => [it.s, it]));"
    "list.sort((a, b) => a.s < b.s ? -1 : 1);"
    "let sum = 0;"
    "for (const it of list) sum += map.get(it.s).i * JSON.stringify(it).length;"
    "sum + /(\\d+)/.exec('abc123')[1] * Math.sqrt(2)";

static void run_program(struct machine *machine, double *result) {
  volatile uint32_t status = UINT32_MAX;
  ENTER(machine, status, torpor_open);
  assert_int_equal(status, TORPOR_OK);
  *result = eval_number(machine, program);
}

/* The engine in the build folder is the built-in one, by its name. */
static void *load_library(void) {
  char path[PATH_MAX];
  const char *build = getenv("TORPOR_BUILD");
  assert_non_null(build);
  int size = snprintf(path, sizeof path, "%s/lib/torpor/engines/%s.so", build,
                      torpor__engine_builtin.id);
  assert_true(size > 0 && (size_t)size < sizeof path);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fail_msg("%s", dlerror());
  return library;
}

static const torpor__engine *load_engine(void **library) {
  *library = load_library();
  const torpor__engine *engine = dlsym(*library, "torpor__engine_builtin");
  assert_non_null(engine);
  assert_ptr_not_equal(engine, &torpor__engine_builtin);
  engine->use_runtime(&torpor__wasm_runtime_here);
  return engine;
}

static void test_table(void **state) {
  const torpor__engine *engine = &torpor__engine_builtin;
  (void)state;
  assert_int_equal(engine->table_version, TORPOR__ENGINE_TABLE_VERSION);
  assert_int_equal(engine->abi_version, TORPOR_ABI_VERSION);
  assert_int_equal(strlen(engine->id), 64);
  assert_true(engine->instance_size <= TORPOR__INSTANCE_MAX);
  uint64_t end = 0;
  for (size_t i = 0; i < engine->segment_count; i++) {
    const torpor__engine_segment *segment = &engine->segments[i];
    assert_true(segment->address >= end && segment->size > 0);
    assert_true(segment->data[0] != 0);
    assert_true(segment->data[segment->size - 1] != 0);
    end = (uint64_t)segment->address + segment->size;
  }
  assert_true(end <= (uint64_t)engine->pages * TORPOR__WASM_PAGE);
  assert_true(engine->segments[0].address >= engine->stack_pointer);
}

/* The loaded engine has no symbol of the program, and the same behaviour. */
static void test_loaded_engine(void **state) {
  struct machine ours, theirs;
  double first, second;
  void *library;
  (void)state;
  const torpor__engine *engine = load_engine(&library);
  assert_string_equal(engine->id, torpor__engine_builtin.id);
  open_machine(&ours, &torpor__engine_builtin);
  open_machine(&theirs, engine);
  run_program(&ours, &first);
  run_program(&theirs, &second);
  assert_true(first > 1e6);
  assert_memory_equal(&first, &second, sizeof first);
  uint64_t size = torpor__region_memory(ours.region)->size;
  assert_int_equal(size, torpor__region_memory(theirs.region)->size);
  assert_true(torpor__region_commit(ours.region, 0, (uint32_t)size));
  assert_true(torpor__region_commit(theirs.region, 0, (uint32_t)size));
  assert_int_equal(memcmp(ours.memory, theirs.memory, size), 0);
  close_machine(&ours);
  close_machine(&theirs);
  dlclose(library);
}

/* Instantiating again resets globals and table, and nothing else. */
static void test_instantiate_again(void **state) {
  struct machine machine;
  double result;
  (void)state;
  open_machine(&machine, &torpor__engine_builtin);
  uint32_t entries = machine.engine->table_size(machine.instance);
  run_program(&machine, &result);
  machine.engine->set_stack_pointer(machine.instance, 12345);
  assert_int_equal(machine.engine->get_stack_pointer(machine.instance), 12345);
  assert_true(
      machine.engine->instantiate(machine.instance, &imports, &machine));
  assert_int_equal(machine.engine->get_stack_pointer(machine.instance),
                   machine.engine->stack_pointer);
  assert_int_equal(machine.engine->table_size(machine.instance), entries);
  assert_true(eval_number(&machine, "list.length") == 1000);
  close_machine(&machine);
}

/* ---- Threads --------------------------------------------------------------*/

enum { THREADS = 4 };

static void *run_thread(void *user) {
  struct machine machine;
  open_machine(&machine, &torpor__engine_builtin);
  run_program(&machine, user);
  close_machine(&machine);
  return NULL;
}

static void test_threads(void **state) {
  pthread_t threads[THREADS];
  double results[THREADS];
  (void)state;
  for (size_t i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, run_thread, &results[i]),
                     0);
  for (size_t i = 0; i < THREADS; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  for (size_t i = 1; i < THREADS; i++) assert_true(results[i] == results[0]);
}

static int drain_regions(void **state) {
  (void)state;
  torpor__region_drain();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),
      cmocka_unit_test(test_loaded_engine),
      cmocka_unit_test(test_instantiate_again),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, drain_regions);
}
