/* SPDX-License-Identifier: MIT */
/* test_buffer.c - buffers of every kind: made, read, looked at, written; also
 * those that were detached, resized, or made immutable meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/one-vm.h"

static void assert_bytes(torpor_value buffer, const void *expected,
                         size_t size) {
  torpor_bytes copy;
  torpor_slice look;
  test_ok(vm, torpor_buffer_read(vm, buffer, &copy));
  assert_int_equal(copy.size, size);
  assert_memory_equal(copy.data, expected, size);
  torpor_bytes_free(&copy);
  test_ok(vm, torpor_buffer_look(vm, buffer, &look));
  assert_int_equal(look.size, size);
  assert_memory_equal(look.data, expected, size);
}

static torpor_buffer_info inspect(torpor_value buffer) {
  torpor_buffer_info info = TORPOR_BUFFER_INFO_INIT;
  test_ok(vm, torpor_buffer_inspect(vm, buffer, &info));
  return info;
}

static const struct {
  torpor_brand brand;
  const char *name;
  size_t element;
} kinds[] = {
    {TORPOR_BRAND_ARRAY_BUFFER, "ArrayBuffer", 1},
    {TORPOR_BRAND_SHARED_ARRAY_BUFFER, "SharedArrayBuffer", 1},
    {TORPOR_BRAND_DATA_VIEW, "DataView", 1},
    {TORPOR_BRAND_INT8_ARRAY, "Int8Array", 1},
    {TORPOR_BRAND_UINT8_ARRAY, "Uint8Array", 1},
    {TORPOR_BRAND_UINT8_CLAMPED_ARRAY, "Uint8ClampedArray", 1},
    {TORPOR_BRAND_INT16_ARRAY, "Int16Array", 2},
    {TORPOR_BRAND_UINT16_ARRAY, "Uint16Array", 2},
    {TORPOR_BRAND_INT32_ARRAY, "Int32Array", 4},
    {TORPOR_BRAND_UINT32_ARRAY, "Uint32Array", 4},
    {TORPOR_BRAND_BIGINT64_ARRAY, "BigInt64Array", 8},
    {TORPOR_BRAND_BIGUINT64_ARRAY, "BigUint64Array", 8},
    {TORPOR_BRAND_FLOAT16_ARRAY, "Float16Array", 2},
    {TORPOR_BRAND_FLOAT32_ARRAY, "Float32Array", 4},
    {TORPOR_BRAND_FLOAT64_ARRAY, "Float64Array", 8},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static void test_kinds(void **state) {
  enum { SIZE = 4096 };
  uint8_t bytes[SIZE + 1];
  (void)state;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + 1);
  for (size_t i = 0; i < KINDS; i++) {
    torpor_value made, viewed;
    torpor_buffer_info info;
    char source[200];
    test_ok(vm, torpor_buffer_new_as(vm, kinds[i].brand, bytes, SIZE, &made));
    snprintf(source, sizeof source,
             "v.constructor === %s && v.byteLength === 4096 && (v.length ?? "
             "4096 / %zu) === 4096 / %zu",
             kinds[i].name, kinds[i].element, kinds[i].element);
    test_is(vm, made, source, "true");
    assert_bytes(made, bytes, SIZE);
    info = inspect(made);
    assert_int_equal(info.brand, kinds[i].brand);
    assert_int_equal(info.bytes, SIZE);
    assert_int_equal(info.element_size, kinds[i].element);
    assert_int_equal(info.count, SIZE / kinds[i].element);
    assert_int_equal(info.offset, 0);
    assert_int_equal(info.largest, 0);
    assert_false(info.is_gone || info.is_immutable || info.is_tracking);
    assert_int_equal(info.is_shared, i == 1);
    if (i < 2) {
      test_status(vm, torpor_buffer_viewed(vm, made, &viewed),
                  TORPOR_WRONG_TYPE);
    } else {
      test_ok(vm, torpor_buffer_viewed(vm, made, &viewed));
      assert_bytes(viewed, bytes, SIZE);
      test_status(
          vm, torpor_buffer_new_as(vm, kinds[i].brand, bytes, SIZE + 1, &made),
          kinds[i].element > 1 ? TORPOR_MISUSE : TORPOR_OK);
    }
    test_ok(vm, torpor_buffer_new_as(vm, kinds[i].brand, NULL, 16, &made));
    assert_bytes(made, (uint8_t[16]){0}, 16);
    test_ok(vm, torpor_buffer_new_as(vm, kinds[i].brand, NULL, 0, &made));
    assert_bytes(made, "", 0);
  }
}

static void test_views(void **state) {
  torpor_value buffer, view;
  torpor_buffer_info info;
  (void)state;
  for (size_t owner = 0; owner < 2; owner++) {
    test_ok(vm, torpor_buffer_new_as(vm, kinds[owner].brand, "0123456789abcdef",
                                     16, &buffer));
    for (size_t i = 2; i < KINDS; i++) {
      test_ok(vm, torpor_buffer_new_view(vm, kinds[i].brand, buffer, 8,
                                         8 / kinds[i].element, &view));
      assert_bytes(view, "89abcdef", 8);
      info = inspect(view);
      assert_int_equal(info.offset, 8);
      assert_int_equal(info.count, 8 / kinds[i].element);
      test_ok(vm, torpor_buffer_new_view(vm, kinds[i].brand, buffer, 8,
                                         SIZE_MAX, &view));
      assert_bytes(view, "89abcdef", 8);
      test_ok(vm,
              torpor_buffer_new_view(vm, kinds[i].brand, buffer, 16, 0, &view));
      assert_bytes(view, "", 0);
      test_status(
          vm, torpor_buffer_new_view(vm, kinds[i].brand, buffer, 24, 0, &view),
          TORPOR_THROWN);
      test_status(vm,
                  torpor_buffer_new_view(vm, kinds[i].brand, buffer, 8,
                                         16 / kinds[i].element, &view),
                  TORPOR_THROWN);
      test_status(vm,
                  torpor_buffer_new_view(vm, kinds[i].brand, buffer, 0,
                                         SIZE_MAX / 2, &view),
                  TORPOR_THROWN);
      test_status(vm,
                  torpor_buffer_new_view(vm, kinds[i].brand, buffer, SIZE_MAX,
                                         1, &view),
                  TORPOR_THROWN);
      if (kinds[i].element > 1)
        test_status(
            vm, torpor_buffer_new_view(vm, kinds[i].brand, buffer, 1, 1, &view),
            TORPOR_THROWN);
    }
  }
  /* They share the bytes. */
  test_ok(vm, torpor_buffer_new_view(vm, TORPOR_BRAND_UINT16_ARRAY, buffer, 2,
                                     2, &view));
  test_is(vm, view, "v[0] = 0x4241; v[1] = 0x4443; v.length", "2");
  assert_bytes(buffer, "01ABCD6789abcdef", 16);
  test_ok(vm, torpor_buffer_viewed(vm, view, &view));
  assert_bytes(view, "01ABCD6789abcdef", 16);
  /* What is no buffer is not asked for its length. */
  test_eval(vm, "var touched = false");
  test_status(vm,
              torpor_buffer_new_view(
                  vm, TORPOR_BRAND_INT8_ARRAY,
                  test_eval(vm, "({get length() { touched = true }})"), 0, 1,
                  &view),
              TORPOR_WRONG_TYPE);
  test_status(vm,
              torpor_buffer_new_view(vm, TORPOR_BRAND_INT8_ARRAY,
                                     torpor_number(8), 0, 1, &view),
              TORPOR_WRONG_TYPE);
  test_status(vm,
              torpor_buffer_new_view(vm, TORPOR_BRAND_INT8_ARRAY,
                                     test_eval(vm, "new Uint8Array(9)"), 0, 1,
                                     &view),
              TORPOR_WRONG_TYPE);
  test_status(vm,
              torpor_buffer_new_view(vm, TORPOR_BRAND_ARRAY_BUFFER, buffer, 0,
                                     1, &view),
              TORPOR_MISUSE);
  test_eval_is(vm, "touched", "false");
}

static void test_write(void **state) {
  torpor_value buffer, view;
  (void)state;
  test_ok(vm, torpor_buffer_new_as(vm, TORPOR_BRAND_ARRAY_BUFFER, "0123456789",
                                   10, &buffer));
  test_ok(vm, torpor_buffer_write(vm, buffer, 0, "AB", 2));
  test_ok(vm, torpor_buffer_write(vm, buffer, 8, "YZ", 2));
  test_ok(vm, torpor_buffer_write(vm, buffer, 10, NULL, 0));
  assert_bytes(buffer, "AB234567YZ", 10);
  test_status(vm, torpor_buffer_write(vm, buffer, 9, "YZ", 2), TORPOR_MISUSE);
  test_status(vm, torpor_buffer_write(vm, buffer, SIZE_MAX, "YZ", 2),
              TORPOR_MISUSE);
  test_status(vm, torpor_buffer_write(vm, buffer, 0, NULL, 2), TORPOR_MISUSE);
  test_ok(vm, torpor_buffer_new_view(vm, TORPOR_BRAND_INT8_ARRAY, buffer, 4, 3,
                                     &view));
  test_ok(vm, torpor_buffer_write(vm, view, 1, "xx", 2));
  test_status(vm, torpor_buffer_write(vm, view, 2, "xx", 2), TORPOR_MISUSE);
  assert_bytes(buffer, "AB234xx7YZ", 10);
  test_is(vm, view, "v.join()", "52,120,120");
  test_status(vm, torpor_buffer_write(vm, test_eval(vm, "[1]"), 0, "x", 1),
              TORPOR_WRONG_TYPE);
}

/* What is written is in the next snapshot, also in a difference. */
static void test_write_is_saved(void **state) {
  static uint8_t large[1 << 16];
  torpor_value buffer, global;
  torpor_bytes snapshot;
  torpor_vm *copy;
  (void)state;
  test_ok(vm, torpor_buffer_new(vm, large, sizeof large, &buffer));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, "b", buffer));
  snapshot = test_save(vm);
  torpor_bytes_free(&snapshot);
  test_ok(vm, torpor_buffer_write(vm, buffer, 40000, "saved", 5));
  snapshot = test_save(vm);
  copy = test_restore(&snapshot, NULL);
  torpor_bytes_free(&snapshot);
  test_eval_is(copy, "String.fromCharCode(...b.slice(40000, 40005))", "saved");
  torpor_vm_close(copy);
}

static void assert_gone(torpor_value buffer) {
  torpor_bytes copy;
  torpor_slice look;
  torpor_buffer_info info = inspect(buffer);
  assert_true(info.is_gone);
  assert_int_equal(info.bytes, 0);
  assert_int_equal(info.count, 0);
  test_status(vm, torpor_buffer_read(vm, buffer, &copy), TORPOR_WRONG_TYPE);
  assert_null(copy.data);
  test_status(vm, torpor_buffer_look(vm, buffer, &look), TORPOR_WRONG_TYPE);
  assert_null(look.data);
  test_status(vm, torpor_buffer_write(vm, buffer, 0, "x", 1),
              TORPOR_WRONG_TYPE);
  test_status(vm, torpor_buffer_write(vm, buffer, 0, "", 0), TORPOR_WRONG_TYPE);
}

static void test_detached(void **state) {
  torpor_value buffer, view, data_view, made;
  (void)state;
  test_eval(vm,
            "var b = new ArrayBuffer(8), u = new Uint16Array(b, 2, 2), d = "
            "new DataView(b, 1); 0");
  buffer = test_eval(vm, "b");
  view = test_eval(vm, "u");
  data_view = test_eval(vm, "d");
  assert_false(inspect(view).is_gone);
  test_eval(vm, "b.transfer(); 0");
  assert_gone(buffer);
  assert_gone(view);
  assert_gone(data_view);
  test_status(vm,
              torpor_buffer_new_view(vm, TORPOR_BRAND_INT8_ARRAY, buffer, 0,
                                     SIZE_MAX, &made),
              TORPOR_THROWN);
  test_status(vm,
              torpor_buffer_new_view(vm, TORPOR_BRAND_DATA_VIEW, buffer, 0,
                                     SIZE_MAX, &made),
              TORPOR_THROWN);
}

/* Asserts that all that reads the bytes of 'view' finds so many. */
static void assert_covers(torpor_value view, size_t size) {
  torpor_bytes bytes;
  torpor_slice look;
  torpor_value copy;
  test_ok(vm, torpor_buffer_read(vm, view, &bytes));
  assert_int_equal(bytes.size, size);
  torpor_bytes_free(&bytes);
  test_ok(vm, torpor_buffer_look(vm, view, &look));
  assert_int_equal(look.size, size);
  test_ok(vm, torpor_cbor_encode(vm, view, &bytes));
  test_ok(vm, torpor_cbor_decode(vm, bytes.data, bytes.size, &copy));
  torpor_bytes_free(&bytes);
  assert_int_equal(inspect(copy).bytes, size);
}

static void test_resized(void **state) {
  torpor_value buffer, fixed, tracking, view;
  torpor_buffer_info info;
  (void)state;
  test_ok(vm, torpor_buffer_new_resizable(vm, 8, 64, &buffer));
  test_is(vm, buffer, "[v.byteLength, v.maxByteLength, v.resizable].join()",
          "8,64,true");
  info = inspect(buffer);
  assert_int_equal(info.largest, 64);
  test_ok(vm, torpor_buffer_new_view(vm, TORPOR_BRAND_INT16_ARRAY, buffer, 4, 2,
                                     &fixed));
  test_ok(vm, torpor_buffer_new_view(vm, TORPOR_BRAND_INT16_ARRAY, buffer, 4,
                                     SIZE_MAX, &tracking));
  test_ok(vm, torpor_buffer_new_view(vm, TORPOR_BRAND_DATA_VIEW, buffer, 4,
                                     SIZE_MAX, &view));
  assert_false(inspect(fixed).is_tracking);
  assert_true(inspect(tracking).is_tracking);
  assert_true(inspect(view).is_tracking);
  test_eval(vm, "v.resize(33)");
  assert_int_equal(inspect(fixed).bytes, 4);
  info = inspect(tracking);
  assert_int_equal(info.bytes, 28); /* whole elements */
  assert_int_equal(info.count, 14);
  assert_covers(tracking, 28);
  assert_int_equal(inspect(view).bytes, 29);
  test_ok(vm, torpor_buffer_write(vm, view, 28, "e", 1));
  test_status(vm, torpor_buffer_write(vm, tracking, 28, "e", 1), TORPOR_MISUSE);
  test_is(vm, buffer, "new Uint8Array(v)[32]", "101");
  test_eval(vm, "v.resize(6)");
  assert_gone(fixed);
  assert_int_equal(inspect(tracking).bytes, 2);
  assert_int_equal(inspect(view).bytes, 2);
  test_eval(vm, "v.resize(3)");
  assert_gone(fixed);
  assert_gone(tracking);
  assert_gone(view);
  test_eval(vm, "v.resize(8)"); /* and they are back */
  assert_bytes(fixed, "\0\0\0\0", 4);
  assert_int_equal(inspect(tracking).count, 2);
  test_status(vm, torpor_buffer_new_resizable(vm, 8, 7, &buffer),
              TORPOR_THROWN);
  test_status(vm, torpor_buffer_new_resizable(vm, 8, SIZE_MAX, &buffer),
              TORPOR_THROWN);
}

static void test_immutable(void **state) {
  torpor_value buffer;
  (void)state;
  buffer = test_eval(
      vm, "new Uint8Array([1, 2, 3]).buffer.transferToImmutable?.() ?? null");
  if (torpor_value_type(buffer) == TORPOR_TYPE_NULL) skip();
  assert_true(inspect(buffer).is_immutable);
  assert_bytes(buffer, "\1\2\3", 3);
  test_status(vm, torpor_buffer_write(vm, buffer, 0, "x", 1),
              TORPOR_WRONG_TYPE);
  assert_bytes(buffer, "\1\2\3", 3);
}

static void test_too_large(void **state) {
  torpor_value buffer;
  (void)state;
  test_status(vm,
              torpor_buffer_new_as(vm, TORPOR_BRAND_ARRAY_BUFFER, NULL,
                                   SIZE_MAX, &buffer),
              TORPOR_THROWN);
  test_status(vm,
              torpor_buffer_new_as(vm, TORPOR_BRAND_INT8_ARRAY, NULL, SIZE_MAX,
                                   &buffer),
              TORPOR_THROWN);
  test_status(vm,
              torpor_buffer_new_as(vm, TORPOR_BRAND_FLOAT64_ARRAY, NULL,
                                   (size_t)1 << 40, &buffer),
              TORPOR_THROWN);
  test_status(vm, torpor_buffer_new_as(vm, TORPOR_BRAND_MAP, "x", 1, &buffer),
              TORPOR_MISUSE);
  test_status(vm, torpor_buffer_new(vm, NULL, 1, &buffer), TORPOR_MISUSE);
  assert_int_equal(torpor_value_type(buffer), TORPOR_TYPE_UNDEFINED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      TEST(test_kinds),          TEST(test_views),     TEST(test_write),
      TEST(test_write_is_saved), TEST(test_detached),  TEST(test_resized),
      TEST(test_immutable),      TEST(test_too_large),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
