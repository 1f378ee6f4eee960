/* SPDX-License-Identifier: MIT */
/* test_string.c - strings made, read and looked at, in every form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/text.h"
#include "test/support/heap.h"
#include "test/support/one-vm.h"
#include "vm/vm.h"

static torpor_value make(const void *data, size_t size,
                         torpor_encoding encoding) {
  torpor_value string;
  test_ok(vm, torpor_string_new_as(vm, data, size, encoding, &string));
  assert_int_equal(torpor_value_type(string), TORPOR_TYPE_STRING);
  return string;
}

static void assert_reads(torpor_value string, torpor_encoding encoding,
                         const void *expected, size_t size) {
  torpor_bytes out;
  test_ok(vm, torpor_string_read_as(vm, string, encoding, &out));
  assert_int_equal(out.size, size);
  assert_memory_equal(out.data, expected, size);
  assert_int_equal(out.data[size], 0);
  if (encoding == TORPOR_UTF16) assert_int_equal(out.data[size + 1], 0);
  torpor_bytes_free(&out);
}

/* What the program sees of a string: its units in hex, joined. */
static void assert_units(torpor_value string, const char *expected) {
  torpor_value global;
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, "s", string));
  test_eval_is(vm,
               "Array.from({length: s.length}, "
               "(_, i) => s.charCodeAt(i).toString(16)).join(' ')",
               expected);
}

/* ---- Forms ----------------------------------------------------------------*/

/* One text in its forms; NULL: it has none in Latin-1. */
static const struct form {
  const char *utf8, *wtf8;
  const uint16_t *units;
  size_t count;
  const char *latin1, *hex;
} forms[] = {
    {"", "", (const uint16_t[]){0}, 0, "", ""},
    {"abc", "abc", (const uint16_t[]){'a', 'b', 'c'}, 3, "abc", "61 62 63"},
    {"\xc3\xa9\x7f\xc2\x80\xc3\xbf", "\xc3\xa9\x7f\xc2\x80\xc3\xbf",
     (const uint16_t[]){0xe9, 0x7f, 0x80, 0xff}, 4, "\xe9\x7f\x80\xff",
     "e9 7f 80 ff"},
    {"\xc4\x80", "\xc4\x80", (const uint16_t[]){0x100}, 1, NULL, "100"},
    {"a\xef\xbf\xbd"
     "b",
     "a\xed\xa0\x80"
     "b",
     (const uint16_t[]){'a', 0xd800, 'b'}, 3, NULL, "61 d800 62"},
    {"\xef\xbf\xbd\xef\xbf\xbd", "\xed\xb0\x80\xed\xaf\xbf",
     (const uint16_t[]){0xdc00, 0xdbff}, 2, NULL, "dc00 dbff"},
    {"\xf0\x9f\x98\x80\xef\xbf\xbd", "\xf0\x9f\x98\x80\xed\xa0\xbd",
     (const uint16_t[]){0xd83d, 0xde00, 0xd83d}, 3, NULL, "d83d de00 d83d"},
    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xee\x80\x80\xef\xbf\xbf",
     "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xee\x80\x80\xef\xbf\xbf",
     (const uint16_t[]){0xd800, 0xdc00, 0xdbff, 0xdfff, 0xe000, 0xffff}, 6,
     NULL, "d800 dc00 dbff dfff e000 ffff"},
};

static void check_form(const struct form *form, torpor_value string) {
  torpor_bytes out;
  assert_units(string, form->hex);
  assert_reads(string, TORPOR_UTF8, form->utf8, strlen(form->utf8));
  assert_reads(string, TORPOR_WTF8, form->wtf8, strlen(form->wtf8));
  assert_reads(string, TORPOR_UTF16, form->units, form->count * 2);
  if (form->latin1)
    assert_reads(string, TORPOR_LATIN1, form->latin1, form->count);
  else
    test_status(vm, torpor_string_read_as(vm, string, TORPOR_LATIN1, &out),
                TORPOR_WRONG_TYPE);
}

static void test_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    const struct form *form = &forms[i];
    uint8_t odd[32]; /* UTF-16 at an odd address */
    check_form(form, make(form->units, form->count * 2, TORPOR_UTF16));
    memcpy(odd + 1, form->units, form->count * 2);
    check_form(form, make(odd + 1, form->count * 2, TORPOR_UTF16));
    check_form(form, make(form->wtf8, strlen(form->wtf8), TORPOR_WTF8));
    check_form(form, make(form->wtf8, SIZE_MAX, TORPOR_WTF8));
    check_form(form, make(form->units, form->count ? form->count * 2 : 0,
                          TORPOR_UTF16));
    if (form->latin1)
      check_form(form, make(form->latin1, form->count, TORPOR_LATIN1));
    if (strcmp(form->utf8, form->wtf8) == 0)
      check_form(form, make(form->utf8, strlen(form->utf8), TORPOR_UTF8));
  }
}

static void test_ends_with_zero(void **state) {
  static const uint16_t units[] = {'a', 0x100, 0};
  torpor_value string;
  (void)state;
  assert_units(make("ab", SIZE_MAX, TORPOR_UTF8), "61 62");
  assert_units(make("a\xff", SIZE_MAX, TORPOR_LATIN1), "61 ff");
  assert_units(make(units, SIZE_MAX, TORPOR_UTF16), "61 100");
  assert_units(make("", SIZE_MAX, TORPOR_UTF8), "");
  assert_units(make("\0a\0", 3, TORPOR_UTF8), "0 61 0");
  assert_reads(make("\0a\0", 3, TORPOR_LATIN1), TORPOR_UTF8, "\0a\0", 3);
  test_ok(vm, torpor_string_new(vm, "x\0y", SIZE_MAX, &string));
  assert_units(string, "78");
}

/* As TextDecoder. In WTF-8 two halves of a surrogate pair are joined, as they
 * would be if two strings were. */
static void test_malformed(void **state) {
  static const struct {
    const char *text, *hex;
  } cases[] = {
      {"\xff", "fffd"},
      {"a\x80z", "61 fffd 7a"},
      {"\xc3", "fffd"},
      {"\xc3z", "fffd 7a"},
      {"\xc0\x80", "fffd fffd"},
      {"\xe2\x82", "fffd"},
      {"\xe2\x82z", "fffd 7a"},
      {"\xe0\x80\x80", "fffd fffd fffd"},
      {"\xed\xa0\x80", "fffd fffd fffd"},
      {"\xed\xa0\xbd\xed\xb8\x80", "fffd fffd fffd fffd fffd fffd"},
      {"\xf0\x9f\x98", "fffd"},
      {"\xf0\x9f\x98z", "fffd 7a"},
      {"\xf4\x90\x80\x80", "fffd fffd fffd fffd"},
      {"\xf8\x88\x80\x80\x80", "fffd fffd fffd fffd fffd"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_units(make(cases[i].text, SIZE_MAX, TORPOR_UTF8), cases[i].hex);
  assert_units(make("\xed\xa0\xbd\xed\xb8\x80", SIZE_MAX, TORPOR_WTF8),
               "d83d de00");
}

/* Any units come back as they were, in each form that has them all, wherever
 * runs of ASCII begin and end. */
static void test_any_units(void **state) {
  static const uint16_t pool[] = {'a', 'b', 0,      0x7f,   0x80,   0xe9,  0xff,
                                  256, 'c', 0xd800, 0xdc00, 0xdbff, 0x20ac};
  test_random random = {7};
  uint16_t units[200];
  (void)state;
  for (int round = 0; round < 600; round++) {
    size_t count = test_random_next(&random) % 200;
    unsigned kinds = round % 3 == 0 ? 4 : round % 3 == 1 ? 7 : 13;
    torpor_value string, again;
    torpor_bytes bytes;
    uint64_t rare = 1 + test_random_next(&random) % 40;
    torpor_scope scope;
    test_ok(vm, torpor_scope_open(vm, &scope));
    for (size_t i = 0; i < count; i++)
      units[i] = test_random_next(&random) % rare == 0
                     ? pool[test_random_next(&random) % kinds]
                     : (uint16_t)('a' + i % 26);
    string = make(units, count * 2, TORPOR_UTF16);
    assert_reads(string, TORPOR_UTF16, units, count * 2);
    test_ok(vm, torpor_string_read_as(vm, string, TORPOR_WTF8, &bytes));
    again = make(bytes.data, bytes.size, TORPOR_WTF8);
    torpor_bytes_free(&bytes);
    assert_reads(again, TORPOR_UTF16, units, count * 2);
    if (kinds <= 7) {
      test_ok(vm, torpor_string_read_as(vm, string, TORPOR_LATIN1, &bytes));
      again = make(bytes.data, bytes.size, TORPOR_LATIN1);
      torpor_bytes_free(&bytes);
      assert_reads(again, TORPOR_UTF16, units, count * 2);
    }
    test_ok(vm, torpor_scope_close(vm, scope));
  }
}

/* What the engine looks at by words of eight bytes: each length, and each place
 * for what is not ASCII. */
static void test_each_place(void **state) {
  static const struct {
    const char *text;
    size_t count; /* of units, and these */
    uint16_t units[2];
  } parts[] = {
      {"\x7f", 1, {0x7f}},
      {"\0", 1, {0}},
      {"\xc2\x80", 1, {0x80}},
      {"\xc3\xbf", 1, {0xff}},
      {"\xc4\x80", 1, {0x100}},
      {"\xef\xbf\xbf", 1, {0xffff}},
      {"\xf0\x9f\x98\x80", 2, {0xd83d, 0xde00}},
      {"\x80", 1, {0xfffd}},
      {"\xff", 1, {0xfffd}},
      {"\xe2\x82", 1, {0xfffd}},
  };
  enum { LENGTH = 40 };
  (void)state;
  for (size_t length = 0; length <= LENGTH; length++) {
    for (size_t place = 0; place <= length; place++) {
      size_t index = (length + place) % (sizeof parts / sizeof *parts);
      for (size_t round = 0; round < 3; round++, index = (index + 3) % 10) {
        size_t size = parts[index].text[0] ? strlen(parts[index].text) : 1;
        char text[LENGTH + 8];
        uint16_t units[LENGTH + 8];
        torpor_scope scope;
        size_t count = parts[index].count;
        test_ok(vm, torpor_scope_open(vm, &scope));
        for (size_t i = 0; i < length; i++) {
          text[i < place ? i : i + size] = (char)('a' + i % 26);
          units[i < place ? i : i + count] = (uint16_t)('a' + i % 26);
        }
        memcpy(text + place, parts[index].text, size);
        memcpy(units + place, parts[index].units, count * sizeof *units);
        count += length;
        assert_reads(make(text, length + size, TORPOR_UTF8), TORPOR_UTF16,
                     units, count * 2);
        test_ok(vm, torpor_scope_close(vm, scope));
      }
    }
  }
}

/* ---- Looking --------------------------------------------------------------*/

static void test_look(void **state) {
  torpor_string_view view;
  torpor_value rope;
  (void)state;
  test_ok(vm, torpor_string_look(vm, test_eval(vm, "'h\\xe9'"), &view));
  assert_int_equal(view.width, 1);
  assert_int_equal(view.length, 2);
  assert_memory_equal(view.data, "h\xe9", 2);
  test_ok(vm, torpor_string_look(vm, test_eval(vm, "'\\ud800x'"), &view));
  assert_int_equal(view.width, 2);
  assert_int_equal(view.length, 2);
  assert_memory_equal(view.data, ((uint16_t[]){0xd800, 'x'}), 4);
  test_ok(vm, torpor_string_look(vm, test_eval(vm, "''"), &view));
  assert_int_equal(view.length, 0);
  assert_non_null(view.data);
  /* Joined strings, whether the program keeps them or not. */
  for (int kept = 0; kept < 2; kept++) {
    char source[200];
    const uint8_t *bytes;
    snprintf(source, sizeof source,
             "%s = (() => { let s = 'x'.repeat(5000); for (let i = 0; i < 40; "
             "i++) s = s + 'y'.repeat(3000) + i; return s })()",
             kept ? "globalThis.r" : "var q");
    test_eval(vm, source);
    rope = test_eval(vm, kept ? "r" : "q + 'z'.repeat(9000)");
    test_ok(vm, torpor_string_look(vm, rope, &view));
    assert_int_equal(view.width, 1);
    assert_int_equal(view.length, 5000 + 40 * 3000 + 70 + (kept ? 0 : 9000));
    bytes = view.data;
    assert_int_equal(bytes[0], 'x');
    assert_int_equal(bytes[5000], 'y');
    assert_int_equal(bytes[8000], '0');
    assert_int_equal(bytes[view.length - 1], kept ? '9' : 'z');
    test_ok(vm, torpor_string_look(vm, rope, &view));
    assert_ptr_equal(view.data, bytes); /* it stays flat */
  }
  /* A part of another string. */
  test_ok(vm,
          torpor_string_look(
              vm, test_eval(vm, "'0123456789'.repeat(2000).slice(5, 15005)"),
              &view));
  assert_int_equal(view.length, 15000);
  assert_memory_equal(view.data, "56789012", 8);
}

static void test_wrong_types(void **state) {
  static const char *const others[] = {"1",        "({})", "new String('x')",
                                       "Symbol()", "5n",   "null"};
  torpor_string_view view;
  torpor_bytes bytes;
  (void)state;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    torpor_value value = test_eval(vm, others[i]);
    test_status(vm, torpor_string_look(vm, value, &view), TORPOR_WRONG_TYPE);
    assert_null(view.data);
    test_status(vm, torpor_string_read_as(vm, value, TORPOR_UTF8, &bytes),
                TORPOR_WRONG_TYPE);
    assert_null(bytes.data);
  }
}

static void test_misuse(void **state) {
  torpor_value string;
  torpor_bytes bytes;
  (void)state;
  test_status(vm, torpor_string_new_as(vm, "abc", 3, TORPOR_UTF16, &string),
              TORPOR_MISUSE);
  test_status(vm, torpor_string_new_as(vm, "abc", 3, 17, &string),
              TORPOR_MISUSE);
  test_status(vm, torpor_string_new_as(vm, NULL, 3, TORPOR_UTF8, &string),
              TORPOR_MISUSE);
  test_status(vm, torpor_string_new(vm, NULL, SIZE_MAX, &string),
              TORPOR_MISUSE);
  test_ok(vm, torpor_string_new_as(vm, NULL, 0, TORPOR_UTF8, &string));
  test_status(vm, torpor_string_read_as(vm, string, 4, &bytes), TORPOR_MISUSE);
  /* What is not wanted. */
  test_ok(vm, torpor_string_new(vm, "abc", 3, NULL));
  test_ok(vm, torpor_string_read(vm, string, NULL));
  test_ok(vm, torpor_string_read_as(vm, string, TORPOR_UTF16, NULL));
  test_ok(vm, torpor_string_look(vm, string, NULL));
}

static void test_too_long(void **state) {
  static uint8_t some[1 << 20];
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_value string;
  torpor_status status;
  (void)state;
  options.memory_max = 2 << 20;
  torpor_vm *small = test_vm_open(&options);
  for (int i = 0; i < 3; i++) {
    status =
        torpor_string_new_as(small, some, sizeof some, TORPOR_LATIN1, &string);
    if (status != TORPOR_OK) break;
  }
  test_status(small, status, TORPOR_THROWN);
  assert_int_equal(torpor_value_type(string), TORPOR_TYPE_UNDEFINED);
  assert_non_null(strstr(torpor_last_error(small), "out of memory"));
  torpor_vm_close(small);
}

/* ---- Memory that is refused -----------------------------------------------*/

static void test_guest_memory(void **state) {
  static const char text[] = "a text that is longer \xe2\x82\xac than none";
  torpor_string_view view;
  torpor_value string;
  torpor_bytes bytes;
  int failed = 0;
  (void)state;
  for (uint32_t n = 0; n < 8; n++) {
    test_fail_allocations(vm, n, 0);
    torpor_status status = torpor_string_new(vm, text, SIZE_MAX, &string);
    if (status != TORPOR_OK) {
      failed++;
      assert_true(status == TORPOR_THROWN || status == TORPOR_LIMIT);
      assert_int_equal(torpor_value_type(string), TORPOR_TYPE_UNDEFINED);
    }
    test_fail_allocations(vm, UINT32_MAX, 0);
    string = test_eval(vm, "'x'.repeat(9000) + 'y'.repeat(9000)");
    test_fail_allocations(vm, n, 0);
    status = torpor_string_look(vm, string, &view);
    test_fail_allocations(vm, UINT32_MAX, 0);
    if (status != TORPOR_OK) {
      failed++;
      assert_true(status == TORPOR_THROWN || status == TORPOR_LIMIT);
    }
    test_ok(vm, torpor_string_read(vm, string, &bytes));
    assert_int_equal(bytes.size, 18000);
    torpor_bytes_free(&bytes);
  }
  assert_true(failed >= 2);
}

static void test_host_memory(void **state) {
  torpor_value string = make("\xe2\x82\xac", SIZE_MAX, TORPOR_UTF8);
  torpor_bytes bytes = {NULL, 1};
  (void)state;
  for (int encoding = TORPOR_UTF8; encoding <= TORPOR_UTF16; encoding++) {
    torpor__alloc_fail(0);
    torpor_status status =
        torpor_string_read_as(vm, string, (torpor_encoding)encoding, &bytes);
    torpor__alloc_fail(-1);
    test_status(vm, status, TORPOR_NOMEM);
    assert_null(bytes.data);
  }
  assert_reads(string, TORPOR_UTF8, "\xe2\x82\xac", 3);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      TEST(test_forms),        TEST(test_ends_with_zero), TEST(test_malformed),
      TEST(test_any_units),    TEST(test_each_place),     TEST(test_look),
      TEST(test_wrong_types),  TEST(test_misuse),         TEST(test_too_long),
      TEST(test_guest_memory), TEST(test_host_memory),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
