/* SPDX-License-Identifier: MIT */
/* test_snapshot_read.c - what a sleeping VM says without an engine: the
 * sections of a snapshot, those it may have besides, and refusing wrong ones.
 */
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include "common/alloc.h"
#include "test/fuzz/draft.h"
#include "test/support/save.h"
#include "test/support/vm.h"

static const uint8_t run[] = {0xa1, 0x62, 'i', 'd', 0x18, 77};

static torpor_bytes sleep_after(const char *source, unsigned flags) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes bytes;
  test_eval(vm, source);
  test_run_jobs(vm);
  test_ok(vm, torpor_snapshot_save_with(vm, TEST_SAVE(flags), &bytes));
  torpor_vm_close(vm);
  return bytes;
}

static char *section_json(const torpor_bytes *snapshot, torpor_section which) {
  torpor_bytes cbor, json;
  test_ok(NULL, torpor_snapshot_section(snapshot->data, snapshot->size, which,
                                        &cbor));
  test_ok(NULL, torpor_cbor_to_json(cbor.data, cbor.size, &json));
  torpor_bytes_free(&cbor);
  return (char *)json.data;
}

static void free_json(char *json) {
  torpor_bytes_free(&(torpor_bytes){(uint8_t *)json, 0});
}

static const char waiting_program[] =
    "async function fetchAll() {\n"
    "  await new Promise(r => setTimeout(r, 1000));\n"
    "}\n"
    "fetchAll(); globalThis.kept = [1, 2]; 0";

static void test_waiting(void **state) {
  torpor_bytes plain = sleep_after(waiting_program, 0), out;
  torpor_bytes told = sleep_after(waiting_program, TORPOR_SAVE_WAITING);
  char *json;
  torpor_vm *vm;
  (void)state;
  test_status(NULL,
              torpor_snapshot_section(plain.data, plain.size,
                                      TORPOR_SECTION_WAITING, &out),
              TORPOR_NOT_FOUND);
  json = section_json(&told, TORPOR_SECTION_WAITING);
  assert_non_null(strstr(json, "\"fetchAll\""));
  assert_non_null(strstr(json, "\"line\":2"));
  free_json(json);
  json = section_json(&told, TORPOR_SECTION_OPERATIONS);
  assert_non_null(strstr(json, "\"timer\""));
  free_json(json);
  vm = test_restore(&told, NULL);
  test_eval_is(vm, "kept.join()", "1,2");
  torpor_vm_close(vm);
  torpor_bytes_free(&plain);
  torpor_bytes_free(&told);
}

/* To say where a VM waits changes nothing in it. */
static void test_waiting_leaves_the_vm_alone(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes before, told, after;
  (void)state;
  test_eval(vm, waiting_program);
  before = test_save(vm);
  test_ok(vm,
          torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_WAITING), &told));
  after = test_save(vm);
  assert_int_equal(before.size, after.size);
  assert_memory_equal(before.data, after.data, before.size);
  torpor_bytes_free(&before);
  torpor_bytes_free(&told);
  torpor_bytes_free(&after);
  torpor_vm_close(vm);
}

static torpor_bytes attach(const torpor_bytes *snapshot, const void *content,
                           size_t size) {
  torpor_bytes out;
  test_ok(NULL, torpor_snapshot_attach(snapshot->data, snapshot->size, content,
                                       size, &out));
  return out;
}

static void assert_holds(const torpor_bytes *snapshot, const void *content,
                         size_t size) {
  torpor_bytes found;
  test_ok(NULL, torpor_snapshot_section(snapshot->data, snapshot->size,
                                        TORPOR_SECTION_RUN, &found));
  assert_int_equal(found.size, size);
  assert_memory_equal(found.data, content, size);
  torpor_bytes_free(&found);
}

static void test_attach(void **state) {
  torpor_bytes plain = sleep_after(waiting_program, TORPOR_SAVE_WAITING), out;
  torpor_bytes with = attach(&plain, run, sizeof(run)), again, large;
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  uint8_t *map = calloc(1, 100005);
  torpor_vm *vm;
  char *json;
  (void)state;
  test_status(
      NULL,
      torpor_snapshot_section(plain.data, plain.size, TORPOR_SECTION_RUN, &out),
      TORPOR_NOT_FOUND);
  assert_int_equal(with.size, plain.size + 24 + sizeof(run));
  assert_holds(&with, run, sizeof(run));
  test_ok(NULL, torpor_snapshot_read(with.data, with.size, &info, NULL));
  assert_int_equal(info.sections[TORPOR_SECTION_RUN].raw, sizeof(run));
  assert_int_equal(info.operations, 1);
  json = section_json(&with, TORPOR_SECTION_WAITING);
  assert_non_null(strstr(json, "fetchAll"));
  free_json(json);
  vm = test_restore(&with, NULL);
  again = test_save(vm);
  torpor_vm_close(vm);
  torpor_bytes_free(&again);

  /* What was attached before is replaced; what is large is packed. */
  assert_non_null(map);
  memcpy(map, (uint8_t[]){0xa1, 0x60, 0x59, 0x86, 0x9b}, 5);
  large = attach(&with, map, 5 + 0x869b);
  assert_true(large.size < with.size + 1000);
  assert_holds(&large, map, 5 + 0x869b);
  again = attach(&large, run, sizeof(run));
  assert_int_equal(again.size, with.size);
  assert_memory_equal(again.data, with.data, with.size);
  free(map);
  torpor_bytes_free(&again);
  torpor_bytes_free(&large);
  torpor_bytes_free(&with);
  torpor_bytes_free(&plain);
}

static void test_wrong_attachments(void **state) {
  static const struct {
    const char *bytes;
    size_t size;
  } wrong[] = {{"", 0},         {"\x80", 1},         {"\x01", 1},
               {"\xa1\x01", 2}, {"\xa0\x00", 2},     {"\xbf\xff", 2},
               {"\xbb", 1},     {"\xa1\x62i\x01", 4}};
  torpor_bytes plain = sleep_after("0", 0), out;
  (void)state;
  for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
    test_status(NULL,
                torpor_snapshot_attach(plain.data, plain.size, wrong[i].bytes,
                                       wrong[i].size, &out),
                TORPOR_MISUSE);
  test_status(NULL,
              torpor_snapshot_attach(plain.data, plain.size - 1, run,
                                     sizeof(run), &out),
              TORPOR_CHECKSUM);
  test_status(
      NULL,
      torpor_snapshot_section(plain.data, plain.size, (torpor_section)1, &out),
      TORPOR_MISUSE);
  torpor_bytes_free(&plain);
}

/* ---- Sections that nobody knows -------------------------------------------*/

/* 'good' with one more section behind all others. */
static torpor_bytes with_section(const torpor_bytes *good, uint32_t type,
                                 uint32_t method, size_t size) {
  size_t at = good->size - 4, whole = good->size + 24 + size;
  torpor_bytes bytes = {calloc(1, whole), whole};
  uint64_t sizes[] = {size, size};
  uint32_t head[] = {type, method}, sum;
  assert_non_null(bytes.data);
  memcpy(bytes.data, good->data, at);
  memcpy(bytes.data + at, head, 8);
  memcpy(bytes.data + at + 8, sizes, 16);
  bytes.data[88]++;
  sum = libdeflate_crc32(0, bytes.data, whole - 4);
  memcpy(bytes.data + whole - 4, &sum, 4);
  return bytes;
}

static torpor_status open_status(const torpor_bytes *bytes) {
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  torpor_vm *vm;
  torpor_status status =
      torpor_snapshot_restore(bytes->data, bytes->size, NULL, &vm);
  if (status == TORPOR_OK)
    test_ok(NULL, torpor_snapshot_read(bytes->data, bytes->size, &info, NULL));
  torpor_vm_close(vm);
  return status;
}

static void test_unknown_sections(void **state) {
  static const struct {
    uint32_t type, method;
    torpor_status expected;
  } cases[] = {{7, 0, TORPOR_NEWER},  {63, 0, TORPOR_NEWER},
               {64, 0, TORPOR_OK},    {64, 9, TORPOR_OK},
               {~0u, 1, TORPOR_OK},   {5, 0, TORPOR_FORMAT},
               {2, 0, TORPOR_FORMAT}, {6, 3, TORPOR_NEWER}};
  torpor_bytes good = sleep_after("0", 0), one, two;
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    one = with_section(&good, cases[i].type, cases[i].method, 5);
    test_status(NULL, open_status(&one), cases[i].expected);
    free(one.data);
  }
  /* What is attached comes before those. */
  one = with_section(&good, 64, 0, 100);
  two = attach(&one, run, sizeof(run));
  assert_int_equal(two.size, one.size + 24 + sizeof(run));
  assert_holds(&two, run, sizeof(run));
  test_ok(NULL, open_status(&two));
  torpor_bytes_free(&two);
  free(one.data);
  torpor_bytes_free(&good);
}

/* ---- Depth ----------------------------------------------------------------*/

/* Asks for section 'type' of 'good', which is made an array around 'depth'
 * heads 'head' within one another. */
static torpor_status section_nested(const torpor_bytes *good, uint32_t type,
                                    uint8_t head, size_t depth) {
  draft whole;
  torpor__buffer *content;
  torpor_bytes bytes, out;
  torpor_status status;
  draft_read(&whole, good->data, good->size);
  content = &draft_find(&whole, type)->content;
  content->size = 0;
  torpor__buffer_add(content, "\x81", 1);
  for (size_t i = 0; i < depth; i++) torpor__buffer_add(content, &head, 1);
  torpor__buffer_add(content, "\x00", 1);
  bytes = draft_write(&whole, NULL);
  status = torpor_snapshot_section(bytes.data, bytes.size, (torpor_section)type,
                                   &out);
  if (status == TORPOR_OK) torpor_bytes_free(&out);
  torpor_bytes_free(&bytes);
  draft_free(&whole);
  return status;
}

/* Lists are no deeper than a VM writes them. */
static void test_depth(void **state) {
  static const torpor_section lists[] = {TORPOR_SECTION_OPERATIONS,
                                         TORPOR_SECTION_WAITING};
  torpor_bytes good = sleep_after(waiting_program, TORPOR_SAVE_WAITING);
  (void)state;
  for (int i = 0; i < 2; i++)
    for (int tags = 0; tags < 2; tags++) {
      uint8_t head = tags ? 0xc1 : 0x81;
      test_ok(NULL, section_nested(&good, lists[i], head, 2047));
      test_status(NULL, section_nested(&good, lists[i], head, 2048),
                  TORPOR_FORMAT);
      test_status(NULL, section_nested(&good, lists[i], head, 3000),
                  TORPOR_FORMAT);
    }
  torpor_bytes_free(&good);
}

static void test_no_memory(void **state) {
  torpor_bytes plain = sleep_after("0", 0), out;
  torpor_status status;
  (void)state;
  for (long after = 0;; after++) {
    torpor__alloc_fail(after);
    status =
        torpor_snapshot_attach(plain.data, plain.size, run, sizeof(run), &out);
    torpor__alloc_fail(-1);
    if (status == TORPOR_OK) break;
    assert_true(status == TORPOR_NOMEM);
    assert_null(out.data);
  }
  torpor_bytes_free(&out);
  torpor_bytes_free(&plain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_waiting),
      cmocka_unit_test(test_waiting_leaves_the_vm_alone),
      cmocka_unit_test(test_attach),
      cmocka_unit_test(test_wrong_attachments),
      cmocka_unit_test(test_unknown_sections),
      cmocka_unit_test(test_depth),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
