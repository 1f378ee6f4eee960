/* SPDX-License-Identifier: MIT */
/* test_operation.c - operations: begun, listed, settled, cancelled, asleep. */
#include <stdio.h>
#include <string.h>

#include "test/support/vm.h"
#include "torpor-loop.h"
#include "vm/vm.h"

static uint64_t begin(torpor_vm *vm, const char *name, double due) {
  torpor_value promise, request = test_eval(vm, "({to: 'x', n: 1})"), global;
  uint64_t id;
  test_ok(vm, torpor_operation_begin(vm, "demo", request, due, &id, &promise));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, name, promise));
  return id;
}

static void assert_next(torpor_vm *vm, uint64_t id) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  test_ok(vm, torpor_operation_next(vm, &operation));
  assert_int_equal(operation.id, id);
}

static void assert_no_next(torpor_vm *vm) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  test_status(vm, torpor_operation_next(vm, &operation), TORPOR_NOT_FOUND);
}

static void test_life(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_bytes json;
  (void)state;
  assert_no_next(vm);
  uint64_t id = begin(vm, "p", 1234.5);
  assert_int_equal(torpor_operation_count(vm), 1);
  test_ok(vm, torpor_operation_next(vm, &operation));
  assert_int_equal(operation.id, id);
  assert_string_equal(operation.kind, "demo");
  assert_true(operation.due == 1234.5);
  assert_true(operation.begun > 1.6e12);
  test_ok(NULL, torpor_cbor_to_json(operation.request, operation.request_size,
                                    &json));
  assert_string_equal((const char *)json.data, "{\"to\":\"x\",\"n\":1}");
  torpor_bytes_free(&json);
  assert_no_next(vm);

  test_eval(vm, "globalThis.got = 'nothing'; p.then(v => got = 'is ' + v); 0");
  test_ok(vm,
          torpor_operation_settle(vm, id, TORPOR_RESOLVE, torpor_number(7)));
  assert_int_equal(torpor_operation_count(vm), 0);
  test_eval_is(vm, "got", "nothing");
  test_run_jobs(vm);
  test_eval_is(vm, "got", "is 7");
  test_status(vm,
              torpor_operation_settle(vm, id, TORPOR_RESOLVE, torpor_number(8)),
              TORPOR_NOT_FOUND);
  test_says(vm, "is not pending: it was settled, or cancelled");
  test_status(vm,
              torpor_operation_settle_cbor(vm, id, TORPOR_RESOLVE, "\xf6", 1),
              TORPOR_NOT_FOUND);
  test_says(vm, "is not pending: it was settled, or cancelled");
  test_status(
      vm, torpor_operation_settle(vm, id, (torpor_outcome)7, torpor_number(8)),
      TORPOR_MISUSE);
  test_says(vm, "7 is not a torpor_outcome");
  torpor_vm_close(vm);
}

/* What was settled either way is not remembered as given. */
static void test_given_is_forgotten(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  uint64_t first = begin(vm, "first", 0), second = begin(vm, "second", 0);
  assert_next(vm, first);
  assert_next(vm, second);
  assert_int_equal(vm->given_count, 2);
  test_ok(vm, torpor_operation_settle(vm, first, TORPOR_RESOLVE,
                                      torpor_undefined()));
  test_ok(vm,
          torpor_operation_settle_cbor(vm, second, TORPOR_RESOLVE, "\xf7", 1));
  assert_int_equal(vm->given_count, 0);
  torpor_vm_close(vm);
}

static void test_settle_with_data(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  uint64_t good = begin(vm, "good", 0), bad = begin(vm, "bad", 0);
  torpor_bytes data;
  (void)state;
  test_eval(vm,
            "good.then(v => globalThis.a = v.list[1]); bad.catch(e => "
            "globalThis.b = `${e instanceof TypeError} ${e.message} "
            "${e.code}`); 0");
  test_ok(NULL, torpor_json_to_cbor("{\"list\":[1,22]}", 15, &data));
  test_ok(vm, torpor_operation_settle_cbor(vm, good, TORPOR_RESOLVE, data.data,
                                           data.size));
  torpor_bytes_free(&data);
  test_ok(NULL, torpor_cbor_error("TypeError", "no way", "E_NO", &data));
  test_ok(vm, torpor_operation_settle_cbor(vm, bad, TORPOR_REJECT, data.data,
                                           data.size));
  torpor_bytes_free(&data);
  test_run_jobs(vm);
  test_eval_is(vm, "a", "22");
  test_eval_is(vm, "b", "true no way E_NO");
  torpor_vm_close(vm);
}

/* What the library makes of a result may fail: the promise is rejected. */
static void test_conversion_throws(void **state) {
  static const char source[] =
      "import { readFile } from 'torpor:fs';"
      "globalThis.got = '';"
      "const tell = (e) => got += `${e.name} `;"
      "readFile('a', 'utf8').catch(tell);"
      "readFile('b', { encoding: 'utf8',"
      "  signal: new AbortController().signal }).catch(tell);";
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.library = torpor_library_source;
  torpor_vm *vm = test_vm_open(&options);
  torpor_value value;
  (void)state;
  test_ok(vm, torpor_eval(vm, source, sizeof(source) - 1, "main.mjs",
                          TORPOR_MODULE, &value));
  for (uint64_t id = 1; id <= 2; id++)
    test_ok(vm,
            torpor_operation_settle(vm, id, TORPOR_RESOLVE, torpor_number(1)));
  test_run_jobs(vm);
  test_eval_is(vm, "got", "TypeError TypeError ");
  test_status(vm, torpor_rejection_take(vm, &value), TORPOR_NOT_FOUND);
  torpor_vm_close(vm);
}

/* A host that cancels ends timers, which nobody could catch; a timer that it
 * cannot perform is told. */
static void test_timers_are_cancelled(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value reason;
  torpor_bytes error;
  (void)state;
  test_eval(vm,
            "globalThis.log = '';"
            "for (let i = 0; i < 2; i++) setTimeout(() => log += 't', 1);"
            "setInterval(() => log += 'i', 1); 0");
  for (uint64_t id = 1; id <= 3; id++) {
    test_ok(NULL, torpor_cbor_error(id == 2 ? "Error" : "Cancelled", "x",
                                    "CODE", &error));
    test_ok(vm, torpor_operation_settle_cbor(vm, id, TORPOR_REJECT, error.data,
                                             error.size));
    torpor_bytes_free(&error);
    test_run_jobs(vm);
    test_status(vm, torpor_rejection_take(vm, &reason),
                id == 2 ? TORPOR_OK : TORPOR_NOT_FOUND);
  }
  test_eval_is(vm, "log", "");
  assert_int_equal(torpor_operation_count(vm), 0);
  torpor_vm_close(vm);
}

/* Large data goes through allocated memory. */
static void test_settle_with_much(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  static char text[100000];
  uint64_t id = begin(vm, "p", 0);
  torpor_bytes data;
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  (void)state;
  memset(text, 'x', sizeof(text));
  text[0] = text[sizeof(text) - 1] = '"';
  test_ok(NULL, torpor_json_to_cbor(text, sizeof(text), &data));
  test_eval(vm, "p.then(v => globalThis.size = v.length); 0");
  test_ok(vm, torpor_vm_usage(vm, &before));
  test_ok(vm, torpor_operation_settle_cbor(vm, id, TORPOR_RESOLVE, data.data,
                                           data.size));
  torpor_bytes_free(&data);
  test_run_jobs(vm);
  test_eval_is(vm, "size", "99998");
  test_ok(vm, torpor_vm_collect(vm));
  test_ok(vm, torpor_vm_usage(vm, &after));
  /* The promise keeps the string; the CBOR is gone. */
  assert_true(after.heap_used < before.heap_used + 150000);
  torpor_vm_close(vm);
}

static void test_timers_are_operations(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_operation operation = TORPOR_OPERATION_INIT;
  uint64_t id;
  (void)state;
  test_eval(vm,
            "globalThis.log = ''; globalThis.t = setTimeout(() => log += "
            "'t', 60000); setTimeout(() => log += 'u', 5); 0");
  test_ok(vm, torpor_operation_next(vm, &operation));
  assert_string_equal(operation.kind, "timer");
  id = operation.id;
  test_ok(vm, torpor_operation_next(vm, &operation));
  test_ok(vm, torpor_operation_settle(vm, operation.id, TORPOR_RESOLVE,
                                      torpor_undefined()));
  test_run_jobs(vm);
  test_eval_is(vm, "log", "u");
  test_eval(vm, "clearTimeout(t); 0");
  uint64_t cancelled;
  test_ok(vm, torpor_operation_take_cancelled(vm, &cancelled));
  assert_int_equal(cancelled, id);
  test_status(vm, torpor_operation_take_cancelled(vm, &cancelled),
              TORPOR_NOT_FOUND);
  assert_int_equal(torpor_operation_count(vm), 0);
  torpor_vm_close(vm);
}

/* What was cancelled before anyone saw it is reported to nobody. */
static void test_cancelled_unseen(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  uint64_t cancelled;
  (void)state;
  test_eval(vm, "clearTimeout(setTimeout(() => {}, 1)); 0");
  test_status(vm, torpor_operation_take_cancelled(vm, &cancelled),
              TORPOR_NOT_FOUND);
  test_eval(vm, "clearTimeout(setTimeout(() => {}, 1)); 0");
  uint64_t id = begin(vm, "p", 0);
  assert_next(vm, id);
  test_status(vm, torpor_operation_take_cancelled(vm, &cancelled),
              TORPOR_NOT_FOUND);
  test_eval(vm, "clearTimeout(setTimeout(() => {}, 1)); 0");
  test_status(vm, torpor_operation_take_cancelled(vm, &cancelled),
              TORPOR_NOT_FOUND);
  torpor_vm_close(vm);
}

static void test_asleep(void **state) {
  torpor_vm *vm = test_vm_open(NULL), *copy;
  uint64_t first = begin(vm, "p", 0), second = begin(vm, "q", 5), third;
  torpor_bytes snapshot, again, list, json;
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  torpor_operation operation = TORPOR_OPERATION_INIT;
  (void)state;
  test_eval(vm,
            "Promise.all([p, q]).then(v => globalThis.sum = v[0] + v[1]);"
            "0");
  assert_next(vm, first);
  assert_next(vm, second);
  snapshot = test_save(vm);
  torpor_vm_close(vm);

  test_ok(NULL,
          torpor_snapshot_read(snapshot.data, snapshot.size, &info, &list));
  assert_int_equal(info.operations, 2);
  assert_string_equal(info.engine, torpor_engine_id());
  test_ok(NULL, torpor_cbor_to_json(list.data, list.size, &json));
  assert_non_null(strstr((char *)json.data,
                         "{\"id\":1,\"kind\":\"demo\",\"request\":{\"to\":"
                         "\"x\",\"n\":1},\"due\":0,\"begun\":"));
  torpor_bytes_free(&json);
  torpor_bytes_free(&list);

  copy = test_restore(&snapshot, NULL);
  /* Listing does not wake it. */
  assert_int_equal(torpor_operation_count(copy), 2);
  test_ok(copy, torpor_operation_at(copy, 1, &operation));
  assert_int_equal(operation.id, second);
  test_status(copy, torpor_operation_at(copy, 2, &operation), TORPOR_NOT_FOUND);
  assert_next(copy, first);
  assert_next(copy, second);
  assert_no_next(copy);
  again = test_save(copy);
  assert_int_equal(again.size, snapshot.size);
  assert_memory_equal(again.data, snapshot.data, snapshot.size);
  torpor_bytes_free(&again);
  torpor_bytes_free(&snapshot);

  test_ok(copy, torpor_operation_settle(copy, first, TORPOR_RESOLVE,
                                        torpor_number(40)));
  test_ok(copy, torpor_operation_settle(copy, second, TORPOR_RESOLVE,
                                        torpor_number(2)));
  test_run_jobs(copy);
  test_eval_is(copy, "sum", "42");
  third = begin(copy, "r", 0);
  assert_true(third > second); /* ids are never used again */
  torpor_vm_close(copy);
}

static void test_many(void **state) {
  enum { MANY = 10000 };
  torpor_vm *vm = test_vm_open(NULL), *copy;
  torpor_bytes snapshot;
  torpor_operation operation = TORPOR_OPERATION_INIT;
  uint64_t last = 0;
  (void)state;
  test_eval(vm,
            "globalThis.n = 0; for (let i = 0; i < 10000; i++) "
            "setTimeout(() => n++, i); 0");
  assert_int_equal(torpor_operation_count(vm), MANY);
  snapshot = test_save(vm);
  torpor_vm_close(vm);
  copy = test_restore(&snapshot, NULL);
  torpor_bytes_free(&snapshot);
  for (int i = 0; i < MANY; i++) {
    test_ok(copy, torpor_operation_next(copy, &operation));
    assert_true(operation.id > last);
    last = operation.id;
  }
  assert_no_next(copy);
  for (uint64_t id = last; id > last - MANY; id--)
    test_ok(copy, torpor_operation_settle(copy, id, TORPOR_RESOLVE,
                                          torpor_undefined()));
  test_run_jobs(copy);
  test_eval_is(copy, "n", "10000");
  torpor_vm_close(copy);
}

static void test_refused(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value promise, function = test_eval(vm, "(() => 1)");
  uint64_t id;
  char kind[80];
  (void)state;
  memset(kind, 'k', sizeof(kind));
  kind[TORPOR_KIND_LARGEST + 1] = 0;
  test_status(vm,
              torpor_operation_begin(vm, kind, torpor_null(), 0, &id, &promise),
              TORPOR_MISUSE);
  test_status(vm,
              torpor_operation_begin(vm, "", torpor_null(), 0, &id, &promise),
              TORPOR_MISUSE);
  test_status(vm,
              torpor_operation_begin(vm, "demo", function, 0, &id, &promise),
              TORPOR_THROWN);
  kind[TORPOR_KIND_LARGEST] = 0;
  test_ok(vm,
          torpor_operation_begin(vm, kind, torpor_null(), 0, &id, &promise));
  assert_next(vm, id);
  test_status(
      vm, torpor_operation_settle(vm, id + 1, TORPOR_RESOLVE, torpor_null()),
      TORPOR_NOT_FOUND);
  torpor_vm_close(vm);
}

/* A table that lies makes the VM broken, not the host. */
static void test_damaged_table(void **state) {
  static const uint32_t addresses[] = {0, 1, 0x1000, 0xfffffff0, 0x7fffffff};
  (void)state;
  for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
    torpor_vm *vm = test_vm_open(NULL);
    torpor_operation operation = TORPOR_OPERATION_INIT;
    torpor_bytes bytes;
    torpor_status status;
    begin(vm, "p", 0);
    vm->control->operations = addresses[i];
    vm->control->operation_count = i % 2 ? UINT32_MAX : 100;
    status = torpor_operation_next(vm, &operation);
    while (status == TORPOR_OK) status = torpor_operation_next(vm, &operation);
    assert_true(status == TORPOR_NOT_FOUND || status == TORPOR_TRAPPED);
    status = torpor_snapshot_save(vm, &bytes);
    torpor_bytes_free(&bytes);
    torpor_vm_close(vm);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_life),
      cmocka_unit_test(test_given_is_forgotten),
      cmocka_unit_test(test_conversion_throws),
      cmocka_unit_test(test_timers_are_cancelled),
      cmocka_unit_test(test_settle_with_data),
      cmocka_unit_test(test_settle_with_much),
      cmocka_unit_test(test_timers_are_operations),
      cmocka_unit_test(test_cancelled_unseen),
      cmocka_unit_test(test_asleep),
      cmocka_unit_test(test_many),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_damaged_table),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
