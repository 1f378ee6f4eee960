/* SPDX-License-Identifier: MIT */
/* test_engine_load.c - VMs and snapshots of an engine that is not built in.
 *
 * The engine is the real one, as lib/torpor/engines/<id>.so, under another id:
 * the 64 digits in the file and in its name are changed. So it is loaded, and
 * two engines live in the process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/file.h"
#include "test/support/vm.h"
#include "torpor-engine.h"
#include "vm/engines/engine.h"
#include "vm/vm.h"

#define ID_SIZE 64

static char folder[] = "/tmp/torpor-engines-XXXXXX";
static char other_id[ID_SIZE + 1], shorter_id[ID_SIZE + 1];

static void write_engine(const char *id, const void *data, size_t size) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s.so", folder, id);
  test_file_write(path, data, size);
}

/* Writes the engine of the build under 'other_id'. */
static void make_other_engine(void) {
  const char *build = getenv("TORPOR_BUILD"), *own = torpor_engine_id();
  char path[512];
  torpor_bytes bytes;
  unsigned found = 0;
  assert_non_null(build);
  snprintf(path, sizeof(path), "%s/lib/torpor/engines/%s.so", build, own);
  bytes = test_file_read(path);
  assert_non_null(bytes.data);
  memcpy(other_id, own, sizeof(other_id));
  other_id[0] = own[0] == 'f' ? '0' : 'f';
  for (size_t at = 0; at + ID_SIZE <= bytes.size; at++) {
    if (memcmp(bytes.data + at, own, ID_SIZE) != 0) continue;
    bytes.data[at] = (uint8_t)other_id[0];
    found++;
  }
  assert_int_equal(found, 1);
  write_engine(other_id, bytes.data, bytes.size);
  free(bytes.data);
}

/* The struct of the engine in 'file', which begins before its id. */
static torpor__engine *find_table(const torpor_bytes *file) {
  for (size_t at = 0; at + sizeof(torpor__engine) <= file->size; at++)
    if (memcmp(file->data + at, other_id, ID_SIZE) == 0)
      return (torpor__engine *)(file->data + at - offsetof(torpor__engine, id));
  fail_msg("there is no id in the file");
  return NULL;
}

/* As if it had been translated before torpor_inspect and all that came since
 * were added. */
static void drop_exports(torpor__engine *table) {
  table->size = offsetof(torpor__engine, exports.torpor_inspect);
}

/* Writes the other engine once more, without its last exports. */
static void make_shorter_engine(void) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s.so", folder, other_id);
  torpor_bytes bytes = test_file_read(path);
  assert_non_null(bytes.data);
  torpor__engine *table = find_table(&bytes);
  memset(shorter_id, 'b', ID_SIZE);
  memcpy(table->id, shorter_id, ID_SIZE);
  drop_exports(table);
  write_engine(shorter_id, bytes.data, bytes.size);
  free(bytes.data);
}

static torpor_options other_options(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.engine = other_id;
  return options;
}

static int setup(void **state) {
  assert_non_null(mkdtemp(folder));
  make_other_engine();
  assert_int_equal(setenv("TORPOR_ENGINE_PATH", folder, 1), 0);
  /* An engine's image stays: made now, it is not taken for a leak. */
  torpor_options options = other_options();
  torpor_vm_close(test_vm_open(&options));
  make_shorter_engine();
  options.engine = shorter_id;
  torpor_vm_close(test_vm_open(&options));
  return test_vm_setup(state);
}

static int teardown(void **state) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s.so", folder, other_id);
  unlink(path);
  snprintf(path, sizeof(path), "%s/%s.so", folder, shorter_id);
  unlink(path);
  rmdir(folder);
  return test_vm_teardown(state);
}

static void test_refused(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  char id[ID_SIZE + 1], path[256];
  torpor_vm *vm;
  (void)state;
  memset(id, 'a', ID_SIZE);
  id[ID_SIZE] = 0;
  options.engine = id;
  snprintf(path, sizeof(path), "%s/%s.so", folder, id);
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_ENGINE);
  assert_non_null(strstr(torpor_last_error(NULL), "not installed"));
  write_engine(id, "not an engine", 13);
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_ENGINE);
  assert_non_null(strstr(torpor_last_error(NULL), "cannot be loaded"));
  unlink(path);
  /* The engine that is there, under a name that is not its own. */
  char real[256];
  snprintf(real, sizeof(real), "%s/%s.so", folder, other_id);
  torpor_bytes bytes = test_file_read(real);
  write_engine(id, bytes.data, bytes.size);
  free(bytes.data);
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_ENGINE);
  assert_non_null(strstr(torpor_last_error(NULL), "another engine"));
  unlink(path);
}

/* What the engine's file says when its table is changed by 'change'. */
static torpor_engine_info read_changed(void (*change)(torpor__engine *table)) {
  char path[256];
  torpor_engine_info info = TORPOR_ENGINE_INFO_INIT;
  snprintf(path, sizeof(path), "%s/%s.so", folder, other_id);
  torpor_bytes bytes = test_file_read(path);
  assert_non_null(bytes.data);
  change(find_table(&bytes));
  write_engine("changed", bytes.data, bytes.size);
  free(bytes.data);
  snprintf(path, sizeof(path), "%s/changed.so", folder);
  torpor_status status = torpor_engine_read(path, &info);
  assert_int_equal(status, info.unusable ? TORPOR_ENGINE : TORPOR_OK);
  unlink(path);
  return info;
}

static void make_table_older(torpor__engine *table) {
  table->table_version--;
}

static void make_table_newer(torpor__engine *table) {
  table->table_version++;
}

static void make_border_newer(torpor__engine *table) {
  table->abi_version++;
}

static void make_border_older(torpor__engine *table) {
  table->abi_version = TORPOR__ENGINE_ABI_OLDEST - 1;
}

static void make_other_bounds(torpor__engine *table) {
  table->soft_bounds ^= 1;
}

static void make_longer(torpor__engine *table) {
  table->size++;
}

static void make_damaged(torpor__engine *table) {
  table->size = 8;
}

static void test_versions(void **state) {
  const struct {
    void (*change)(torpor__engine *);
    const char *words;
  } cases[] = {
      {make_table_older, "by an older Torpor"},
      {make_table_newer, "for a newer Torpor"},
      {make_border_newer, "for a newer Torpor"},
      {make_border_older, "use an older Torpor"},
      {make_other_bounds, "TORPOR_SOFT_BOUNDS"},
      {make_longer, "for a newer Torpor"},
      {make_damaged, "damaged"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    torpor_engine_info info = read_changed(cases[i].change);
    assert_non_null(info.unusable);
    assert_non_null(strstr(info.unusable, cases[i].words));
  }
}

/* An engine that is older than some exports has none of them. */
static void test_older_table(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_promise_state found;
  torpor_token token;
  torpor_value value;
  (void)state;
  assert_null(read_changed(drop_exports).unusable);
  options.engine = shorter_id;
  torpor_vm *vm = test_vm_open(&options);
  assert_null(vm->engine->exports.torpor_inspect);
  assert_null(vm->engine->exports.torpor_export_state);
  assert_null(vm->engine->exports.torpor_promise_look);
  test_eval_is(vm, "1 + 1", "2");
  test_status(vm, torpor_state_hand_over(vm, &value), TORPOR_UNSUPPORTED);
  value = test_eval(vm, "Promise.resolve()");
  test_ok(vm, torpor_token_add(vm, value, &token));
  test_ok(vm, torpor_promise_look(vm, token, &found)); /* in another way */
  assert_int_equal(found, TORPOR_FULFILLED);
  test_eval_is(vm, "1 + 2", "3");
  torpor_vm_close(vm);
}

static void test_runs(void **state) {
  torpor_options options = other_options();
  torpor_vm *own = test_vm_open(NULL), *other = test_vm_open(&options);
  (void)state;
  assert_string_equal(torpor_vm_engine(other), other_id);
  assert_ptr_not_equal(own->engine, other->engine);
  test_eval_is(other, "[3, 1, 2].sort().map(x => x * 2).join()", "2,4,6");
  test_eval_is(own, "[3, 1, 2].sort().map(x => x * 2).join()", "2,4,6");
  assert_int_equal(test_eval_status(other, "null.x"), TORPOR_THROWN);
  torpor_vm_close(own);
  torpor_vm_close(other);
}

/* A snapshot names its engine; whoever wakes it need not. */
static void test_snapshot_finds_its_engine(void **state) {
  torpor_options options = other_options();
  torpor_vm *vm = test_vm_open(&options);
  torpor_bytes bytes;
  (void)state;
  test_eval(vm, "globalThis.n = 41; 0");
  bytes = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&bytes, NULL);
  assert_string_equal(torpor_vm_engine(vm), other_id);
  test_eval_is(vm, "n + 1", "42");
  torpor_vm_close(vm);
  options.engine = torpor_engine_id();
  assert_int_equal(
      torpor_snapshot_restore(bytes.data, bytes.size, &options, &vm),
      TORPOR_ENGINE);
  assert_null(vm);
  torpor_bytes_free(&bytes);
}

/* A fault in the loaded engine's code is a trap as well. */
static void test_traps(void **state) {
  torpor_options options = other_options();
  torpor_vm *vm;
  (void)state;
  options.deadline_ms = 100;
  vm = test_vm_open(&options);
  assert_int_equal(test_eval_status(vm, TEST_LONG_BUILTIN), TORPOR_TRAPPED);
  torpor_vm_close(vm);
  vm = test_vm_open(&options);
  test_eval_is(vm, "'well'", "well");
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_older_table),
      cmocka_unit_test(test_runs),
      cmocka_unit_test(test_snapshot_finds_its_engine),
      cmocka_unit_test(test_traps),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
