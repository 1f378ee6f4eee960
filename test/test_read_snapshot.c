/* SPDX-License-Identifier: MIT */
/* test_read_snapshot.c - what the library restores is what a second reader,
 * tools/read-snapshot, puts together from docs/snapshot-format.md alone; and
 * what the one refuses, so does the other, for the same reason.
 * ctest: slow timeout=180 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libdeflate.h>

#include "test/support/file.h"
#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

#define PIECES 5

static char folder[] = "/tmp/torpor-read-XXXXXX";

/* ---- Files ----------------------------------------------------------------*/

static void path_of(char *to, size_t room, const char *name) {
  snprintf(to, room, "%s/%s", folder, name);
}

static void write_file(const char *name, const void *data, size_t size) {
  char path[256];
  path_of(path, sizeof(path), name);
  test_file_write(path, data, size);
}

static torpor_bytes read_file(const char *name) {
  char path[256];
  torpor_bytes bytes;
  path_of(path, sizeof(path), name);
  bytes = test_file_read(path);
  assert_non_null(bytes.data);
  return bytes;
}

static const char *environment(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value ? value : otherwise;
}

/* Runs the reader; what it says is in the files "out" and "err". */
static int run_reader(const char *options, const char *pieces) {
  char command[2048];
  int status;
  snprintf(command, sizeof(command),
           "cd %s && python3 %s/tools/read-snapshot --engine %s/engine.wasm %s "
           "%s >out 2>err",
           folder, environment("TORPOR_SOURCE", "."),
           environment("TORPOR_BUILD", "build"), options, pieces);
  status = system(command);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void assert_says(const char *file, const char *words) {
  torpor_bytes said = read_file(file);
  if (!strstr((const char *)said.data, words)) {
    print_error("'%s' is not in: %.2000s\n", words, (const char *)said.data);
    fail();
  }
  free(said.data);
}

/* ---- Memory ---------------------------------------------------------------*/

/* Asserts that 'vm' has the memory in file "memory": where that is zero because
 * no snapshot keeps it, the VM's is not looked at but for what lies behind the
 * heap. */
static void assert_memory_of(torpor_vm *vm) {
  torpor_bytes expected = read_file("memory");
  const torpor__image *image = vm->image;
  uint64_t size = torpor__memory_size(vm);
  const uint8_t *memory = torpor__memory_at(vm, 0, size);
  assert_non_null(memory);
  assert_int_equal(expected.size, size);
  assert_memory_equal(memory + image->stack_size,
                      expected.data + image->stack_size,
                      image->host_start - image->stack_size);
  assert_memory_equal(memory + image->host_end, expected.data + image->host_end,
                      size - image->host_end);
  free(expected.data);
}

/* ---- Chains ---------------------------------------------------------------*/

typedef struct chain {
  torpor_bytes pieces[PIECES];
  torpor_slice slices[PIECES];
  size_t count;
  bool packed;
} chain;

static void add_piece(chain *c, torpor_vm *vm, unsigned flags) {
  char name[16];
  torpor_bytes bytes;
  assert_true(c->count < PIECES);
  test_ok(vm,
          torpor_snapshot_save_with(
              vm, c->packed ? TEST_PACK(flags, 2) : TEST_SAVE(flags), &bytes));
  snprintf(name, sizeof(name), "%zu", c->count);
  write_file(name, bytes.data, bytes.size);
  c->pieces[c->count] = bytes;
  c->slices[c->count++] = (torpor_slice){bytes.data, bytes.size};
}

static void chain_free(chain *c) {
  while (c->count > 0) torpor_bytes_free(&c->pieces[--c->count]);
}

static const char *piece_names(const chain *c) {
  static const char names[] = "0 1 2 3 4";
  static char text[sizeof(names)];
  snprintf(text, 2 * c->count, "%s", names);
  return text;
}

static void assert_same(const chain *c, torpor_memory kind) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_base *base;
  torpor_vm *vm;
  options.memory = kind;
  test_ok(NULL,
          torpor_snapshot_restore_chain(c->slices, c->count, &options, &vm));
  assert_memory_of(vm);
  torpor_vm_close(vm);
  for (size_t first = 1; first <= c->count; first++) {
    test_ok(NULL, torpor_base_open(c->slices, first, &options, &base));
    test_ok(NULL, torpor_base_restore(base, c->slices + first, c->count - first,
                                      &options, &vm));
    assert_memory_of(vm);
    torpor_vm_close(vm);
    torpor_base_close(base);
  }
}

static void check_chain(const chain *c) {
  assert_int_equal(run_reader("--memory memory", piece_names(c)), 0);
  assert_same(c, TORPOR_MEMORY_POOLED);
  assert_same(c, TORPOR_MEMORY_MAPPED);
}

static const unsigned delta = TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA;

/* Small, large, grown, and with a heap that has shrunk since; stored and
 * packed. */
static void test_same_memory(void **state) {
  static const char *const sources[][PIECES] = {
      {"0"},
      {"globalThis.a = [...Array(9000)].map((_, i) => ({i})); 0"},
      {"globalThis.a = [1]; 0", "a.push(2); 0", "a.push({b: 'c'}); 0", "0"},
      {"globalThis.a = [1]; 0", "a.push(new Uint8Array(3e6).fill(7)); 0",
       "a.pop(); 0", "a.push(new Uint8Array(2e6)); 0"},
      {"globalThis.a = [...Array(9000)].map((_, i) => ({i})); 0",
       "a.length = 10; 0", "a = [...Array(20000)].map((_, i) => [i]); 0"},
      {"globalThis.a = [...Array(30000)].map((_, i) => ({i, s: 's' + i})); 0",
       "a = a.map(it => ({j: it.i, t: it.s + it.s})); 0"},
  };
  const size_t count = sizeof(sources) / sizeof(*sources);
  (void)state;
  for (size_t i = 0; i < 2 * count; i++) {
    torpor_vm *vm = test_vm_open(NULL);
    chain c = {.packed = i >= count};
    for (size_t j = 0; j < PIECES && sources[i % count][j]; j++) {
      test_eval(vm, sources[i % count][j]);
      add_piece(&c, vm, j == 0 ? TORPOR_SAVE_PARENT : delta);
      check_chain(&c);
    }
    chain_free(&c);
    torpor_vm_close(vm);
  }
}

/* ---- Words ----------------------------------------------------------------*/

static void test_words(void **state) {
  static const uint8_t run[] = {0xa1, 0x62, 'i', 'd', 0x63, 'r', '-', '1'};
  torpor_vm *vm = test_vm_open(NULL);
  chain c = {.count = 0};
  torpor_bytes with;
  (void)state;
  test_eval(vm,
            "async function pay() { await new Promise(r => setTimeout(r, "
            "1000)) } pay(); 0");
  add_piece(&c, vm, TORPOR_SAVE_WAITING);
  test_ok(NULL, torpor_snapshot_attach(c.pieces[0].data, c.pieces[0].size, run,
                                       sizeof(run), &with));
  write_file("with", with.data, with.size);
  assert_int_equal(run_reader("", "with"), 0);
  assert_says("out", "waits for timer 1");
  assert_says("out", "in pay (test.js:1)");
  assert_says("out", "carries a run: id");
  assert_int_equal(run_reader("--json", "with"), 0);
  assert_says("out", "\"kind\": \"timer\"");
  assert_says("out", "\"name\": \"waiting\"");
  assert_says("out", "\"id\": \"r-1\"");
  torpor_bytes_free(&with);
  chain_free(&c);
  torpor_vm_close(vm);
}

/* ---- Protection -----------------------------------------------------------*/

static void test_protected(void **state) {
  uint8_t key[TORPOR_KEY_SIZE] = {9, 8, 7};
  torpor_vm *vm = test_vm_open(NULL);
  chain c = {.count = 0};
  (void)state;
  add_piece(&c, vm, 0);
  for (int how = TORPOR_AUTHENTICATE; how <= TORPOR_ENCRYPT; how++) {
    torpor_bytes sealed;
    key[0] = 9;
    write_file("key", key, sizeof(key));
    test_ok(NULL, torpor_snapshot_protect(c.pieces[0].data, c.pieces[0].size,
                                          key, (torpor_protection)how, "run 1",
                                          5, &sealed));
    write_file("sealed", sealed.data, sealed.size);
    assert_int_equal(
        run_reader("--memory memory --key-file key --context 'run 1'",
                   "sealed"),
        0);
    assert_memory_of(vm);
    assert_int_equal(run_reader("", "sealed"), 1);
    assert_says("err", "KEY");
    assert_int_equal(run_reader("--key-file key --context 'run 2'", "sealed"),
                     1);
    assert_says("err", "KEY");
    key[0] ^= 1;
    write_file("key", key, sizeof(key));
    assert_int_equal(run_reader("--key-file key --context 'run 1'", "sealed"),
                     1);
    assert_says("err", "KEY");
    torpor_bytes_free(&sealed);
  }
  chain_free(&c);
  torpor_vm_close(vm);
}

/* ---- Refusing -------------------------------------------------------------*/

/* Both readers must say the same of 'bytes'. */
static void assert_agree(const torpor_bytes *bytes) {
  torpor_vm *vm;
  torpor_status status =
      torpor_snapshot_restore(bytes->data, bytes->size, NULL, &vm);
  torpor_vm_close(vm);
  write_file("bad", bytes->data, bytes->size);
  assert_int_equal(run_reader("", "bad"), status != TORPOR_OK);
  if (status != TORPOR_OK) assert_says("err", torpor_status_name(status));
}

static void set_checksum(torpor_bytes *bytes) {
  uint32_t sum = libdeflate_crc32(0, bytes->data, bytes->size - 4);
  for (int i = 0; i < 4; i++, sum >>= 8)
    bytes->data[bytes->size - 4 + (size_t)i] = (uint8_t)sum;
}

/* Every byte of header and heads, one of the others here and there. */
static void test_refusing(void **state) {
  static const struct {
    size_t at;
    uint8_t value;
  } changes[] = {{0, 0},      {8, 2},     {8, 0},     {12, 95},   {16, 0x55},
                 {48, 1},     {80, 1},    {81, 0x80}, {82, 0x80}, {84, 1},
                 {84, 2},     {88, 2},    {88, 200},  {92, 1},    {96, 3},
                 {96, 2},     {96, 9},    {96, 64},   {100, 1},   {100, 2},
                 {100, 3},    {104, 9},   {112, 9},   {119, 255}, {120, 1},
                 {124, 0},    {128, 1},   {128, 4},   {132, 1},   {136, 200},
                 {144, 200},  {153, 5},   {153, 64},  {157, 1},   {161, 9},
                 {177, 0xff}, {178, 0x80}};
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes good = test_save(vm);
  torpor_bytes bad = {malloc(good.size), good.size};
  (void)state;
  torpor_vm_close(vm);
  assert_agree(&good);
  for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
    memcpy(bad.data, good.data, good.size);
    bad.data[changes[i].at] = changes[i].value;
    set_checksum(&bad);
    assert_agree(&bad);
  }
  memcpy(bad.data, good.data, good.size);
  bad.data[good.size / 2] ^= 1;
  assert_agree(&bad);
  for (size_t cut = 1; cut < good.size; cut *= 3)
    assert_agree(&(torpor_bytes){good.data, good.size - cut});
  free(bad.data);
  torpor_bytes_free(&good);
}

static void test_wrong_chains(void **state) {
  static const char *const wrong[] = {"1", "1 0", "0 2", "0 0", "0 1 1"};
  torpor_vm *vm = test_vm_open(NULL);
  chain c = {.count = 0};
  (void)state;
  add_piece(&c, vm, TORPOR_SAVE_PARENT);
  add_piece(&c, vm, delta);
  test_eval(vm, "globalThis.x = 1; 0");
  add_piece(&c, vm, delta);
  assert_int_equal(run_reader("", "0 1 2"), 0);
  for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
    assert_int_equal(run_reader("", wrong[i]), 1);
    assert_says("err", "PARENT");
  }
  chain_free(&c);
  torpor_vm_close(vm);
}

static int setup(void **state) {
  return test_vm_setup(state) || !mkdtemp(folder);
}

static int teardown(void **state) {
  char command[64];
  snprintf(command, sizeof(command), "rm -rf %s", folder);
  return system(command) || test_vm_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_memory),  cmocka_unit_test(test_words),
      cmocka_unit_test(test_protected),    cmocka_unit_test(test_refusing),
      cmocka_unit_test(test_wrong_chains),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
