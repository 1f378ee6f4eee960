/* SPDX-License-Identifier: MIT */
/* test_extension_native.c - functions of extensions that have code of their own
 * for some processors (extensions/NAME/native.h) do what the translated ones
 * do, whatever a hostile guest calls them with.
 *
 * Each is called with the same arguments in two processes, of which one has
 * TORPOR_PORTABLE set: pointers that overlap, that are not aligned, that lie at
 * the end of memory or behind it; with a host that changes memory while it is
 * polled, or ends the guest there. Traps, polls and each byte of memory are the
 * same. (On a processor without the instructions both are the translated.) */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/vm.h"
#include "vm/extensions/extension.h"
#include "wasm/runtime.h"

enum {
  CALLS = 4000,
  SIZE = TORPOR__WASM_PAGE, /* of memory */
  POLL_COUNTER = 512,
  TABLE_SIZE = 4096,
};

/* What one call did. */
typedef struct outcome {
  uint32_t trap, polls;
  uint64_t memory; /* a hash of all of it */
} outcome;

typedef struct guest {
  torpor__region *region;
  uint8_t *memory;
  test_random random;
  uint32_t polls;
} guest;

typedef void block_fn(void *instance, uint32_t state, uint32_t data,
                      uint32_t third);

static uint32_t choose(guest *guest, uint32_t count) {
  return (uint32_t)(test_random_next(&guest->random) % count);
}

/* Mostly near each other, and near to what polls count down. */
static uint32_t choose_pointer(guest *guest) {
  switch (choose(guest, 16)) {
  case 0:
    return (uint32_t)test_random_next(&guest->random);
  case 1:
    return UINT32_MAX - choose(guest, 600);
  case 2:
    return SIZE - choose(guest, 600);
  case 3:
    return choose(guest, SIZE);
  case 4: /* what lies behind begins anew at 0 */
    return UINT32_MAX - choose(guest, 8);
  default:
    return choose(guest, 1024);
  }
}

static uint64_t hash_memory(const guest *guest) {
  uint64_t hash = 0, word;
  for (size_t at = 0; at < SIZE; at += sizeof(word)) {
    memcpy(&word, guest->memory + at, sizeof(word));
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 29;
  }
  return hash;
}

/* The host, polled: it changes memory, and ends some. */
static void poll_host(void *user) {
  guest *guest = user;
  torpor__entry *entry = torpor__host_begin();
  guest->polls++;
  for (int i = 0; i < 8; i++) guest->memory[choose(guest, 1024)] ^= 0x55;
  guest->memory[POLL_COUNTER] = (uint8_t)choose(guest, 3);
  memset(guest->memory + POLL_COUNTER + 1, 0, 3);
  torpor__host_end(entry);
  if (choose(guest, 8) == 0) torpor__trap_raise(TORPOR__TRAP_HOST);
}

static void never_called(void) {
  abort();
}

static void *bind(guest *guest, const torpor__extension *extension) {
  static wasm_rt_funcref_t entries[TABLE_SIZE];
  static wasm_rt_funcref_table_t table = {entries, TABLE_SIZE, TABLE_SIZE};
  static uint32_t stack_pointer = 4096;
  void *instance = calloc(1, extension->instance_size);
  wasm_rt_function_ptr_t *functions =
      calloc(extension->import_count + 1, sizeof(*functions));
  uint32_t *pointers = calloc(extension->pointer_count + 1, sizeof(*pointers));
  assert_true(instance && functions && pointers);
  for (size_t i = 0; i < extension->import_count; i++)
    functions[i] =
        strcmp(extension->imports[i].name, "torpor_extension_poll") == 0
            ? (wasm_rt_function_ptr_t)poll_host
            : never_called;
  assert_true(extension->bind(
      instance,
      &(torpor__extension_env){.engine = guest,
                               .memory = torpor__region_memory(guest->region),
                               .table = &table,
                               .stack_pointer = &stack_pointer,
                               .memory_base = 1024,
                               .poll_counter = POLL_COUNTER,
                               .functions = functions,
                               .pointers = pointers}));
  return instance;
}

static void open_guest(guest *guest) {
  guest->random.state = 1;
  guest->region = torpor__region_open(SIZE / TORPOR__WASM_PAGE, 1);
  assert_non_null(guest->region);
  assert_true(torpor__region_commit(guest->region, 0, SIZE));
  guest->memory = (uint8_t *)torpor__region_memory(guest->region)->data;
  for (size_t i = 0; i < SIZE; i++)
    guest->memory[i] = (uint8_t)choose(guest, 256);
}

static torpor__trap call(guest *guest, block_fn *function, void *instance) {
  uint32_t first = choose_pointer(guest), second = choose_pointer(guest),
           third = choose_pointer(guest);
  torpor__entry entry;
  assert_true(torpor__entry_start(&entry, guest->region, 0));
  if (TORPOR__OS_MARK(entry.leave) == 0) {
    torpor__guest_begin(&entry);
    function(instance, first, second, third);
  }
  return torpor__entry_end(&entry);
}

/* In a process of its own, which ends here. */
static void play(const torpor__extension *extension, const char *name,
                 bool portable, outcome *outcomes) {
  guest guest = {0};
  block_fn *function = NULL;
  void *instance;
  if (portable)
    setenv("TORPOR_PORTABLE", "1", 1);
  else
    unsetenv("TORPOR_PORTABLE");
  open_guest(&guest);
  instance = bind(&guest, extension);
  for (size_t i = 0; i < extension->export_count; i++)
    if (strcmp(extension->exports[i].name, name) == 0 &&
        strcmp(extension->exports[i].type, "iii:") == 0)
      function = (block_fn *)extension->exports[i].function;
  if (!function) _exit(2);
  for (size_t i = 0; i < CALLS; i++) {
    guest.polls = 0;
    outcomes[i].trap = call(&guest, function, instance);
    outcomes[i].polls = guest.polls;
    outcomes[i].memory = hash_memory(&guest);
  }
  _exit(0);
}

static outcome *play_alone(const torpor__extension *extension, const char *name,
                           bool portable) {
  size_t size = CALLS * sizeof(outcome);
  outcome *outcomes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int status;
  assert_true(outcomes != MAP_FAILED);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) play(extension, name, portable, outcomes);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  return outcomes;
}

static void compare(const char *shipped, const char *name) {
  const torpor__extension *const *at = torpor__extensions_shipped;
  uint32_t traps[TORPOR__TRAP_MEMORY + 1] = {0}, polls = 0, changes = 0;
  while (*at && strcmp((*at)->name, shipped) != 0) at++;
  assert_non_null(*at);
  outcome *native = play_alone(*at, name, false),
          *translated = play_alone(*at, name, true);
  for (size_t i = 0; i < CALLS; i++) {
    if (memcmp(&native[i], &translated[i], sizeof(*native)) != 0)
      fail_msg(
          "call %zu of %s: traps %u and %u, %u and %u polls, memory is "
          "%s",
          i, name, native[i].trap, translated[i].trap, native[i].polls,
          translated[i].polls,
          native[i].memory == translated[i].memory ? "the same"
                                                   : "not the same");
    traps[native[i].trap]++;
    polls += native[i].polls;
    changes += i > 0 && native[i].memory != native[i - 1].memory;
  }
  /* All that was meant to happen did. */
  assert_true(traps[TORPOR__TRAP_NONE] > CALLS / 4);
  assert_true(traps[TORPOR__TRAP_BOUNDS] > CALLS / 8);
  assert_true(traps[TORPOR__TRAP_HOST] > CALLS / 100);
  assert_true(polls > CALLS / 8 && changes > CALLS / 4);
  munmap(native, CALLS * sizeof(*native));
  munmap(translated, CALLS * sizeof(*translated));
}

static void test_sha256(void **state) {
  (void)state;
  compare("crypto", "sha256_block");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sha256)};
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
