/* SPDX-License-Identifier: MIT */
/* test_writer.c - trees of values that C writes and reads, call by call, and
 * what a program sees of them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cbor.h"
#include "test/support/vm.h"

#define Z SIZE_MAX

static long live_before;
static torpor_writer *w;

static int setup(void **state) {
  (void)state;
  live_before = torpor__alloc_live();
  test_ok(NULL, torpor_writer_open(NULL, 0, &w));
  return 0;
}

static int close_writer(void **state) {
  (void)state;
  torpor__alloc_fail(-1);
  torpor_writer_close(w);
  w = NULL;
  return 0;
}

static int teardown(void **state) {
  close_writer(state);
  assert_int_equal(torpor__alloc_live(), live_before);
  return 0;
}

/* ---- Writing --------------------------------------------------------------*/

static void to_hex(torpor_slice bytes, char *text, size_t room) {
  text[0] = 0;
  assert_true(bytes.size * 2 < room);
  for (size_t i = 0; i < bytes.size; i++)
    snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)bytes.data)[i]);
}

/* Asserts what was written, and begins anew. */
static void assert_wrote(const char *hex) {
  char text[600];
  torpor_slice out;
  test_ok(NULL, torpor_writer_finish(w, &out));
  to_hex(out, text, sizeof(text));
  assert_string_equal(text, hex);
  torpor_writer_reset(w);
}

#define WROTE(call, hex) (call, assert_wrote(hex))

static void test_scalars(void **state) {
  const uint64_t words[] = {0, 0, 1}, small[] = {256, 0}, top[] = {UINT64_MAX};
  const uint16_t units[] = {'a', 0xd83d, 0xde00, 0xe9}, lone[] = {0xdc00, 'b'};
  (void)state;
  WROTE(torpor_writer_undefined(w), "f7");
  WROTE(torpor_writer_null(w), "f6");
  WROTE(torpor_writer_boolean(w, true), "f5");
  WROTE(torpor_writer_boolean(w, false), "f4");
  WROTE(torpor_writer_number(w, 1.5), "f93e00");
  WROTE(torpor_writer_number(w, -500), "3901f3");
  WROTE(torpor_writer_number(w, -0.0), "f98000");
  WROTE(torpor_writer_number(w, (double)NAN), "f97e00");
  WROTE(torpor_writer_number(w, 1e300), "fb7e37e43c8800759c");
  WROTE(torpor_writer_integer(w, INT64_MIN), "3b7fffffffffffffff");
  WROTE(torpor_writer_integer(w, 24), "1818");
  WROTE(torpor_writer_bigint(w, false, NULL, 0), "c240");
  WROTE(torpor_writer_bigint(w, true, NULL, 0), "c240");
  WROTE(torpor_writer_bigint(w, false, small, 2), "c2420100");
  WROTE(torpor_writer_bigint(w, true, small, 2), "c341ff");
  WROTE(torpor_writer_bigint(w, true, top, 1), "c348fffffffffffffffe");
  WROTE(torpor_writer_bigint(w, true, words, 3),
        "c350ffffffffffffffffffffffffffffffff");
  WROTE(torpor_writer_string(w, "\xc3\xbc", Z), "62c3bc");
  WROTE(torpor_writer_string(w, "a\0b", 3), "63610062");
  WROTE(torpor_writer_utf16(w, units, 4), "6761f09f9880c3a9");
  WROTE(torpor_writer_utf16(w, lone, 2), "d9011144edb08062");
  WROTE(torpor_writer_symbol(w, "s", Z), "da00746f736173");
  WROTE(torpor_writer_date(w, 1500), "c1f93e00");
  WROTE(torpor_writer_regexp(w, "a", "g"), "d9524a8261616167");
  WROTE(torpor_writer_error(w, "E", "m", NULL),
        "da00746f65a2646e616d656145676d657373616765616d");
  WROTE(torpor_writer_bytes(w, "\1\2", 2), "420102");
  WROTE(torpor_writer_view(w, TORPOR_VIEW_UINT16, "\1\0", 2), "d845420100");
  WROTE(torpor_writer_view(w, TORPOR_VIEW_BUFFER, NULL, 0), "da00746f6240");
}

static void test_levels(void **state) {
  (void)state;
  torpor_writer_array(w, 2);
  torpor_writer_number(w, 1);
  torpor_writer_hole(w);
  torpor_writer_end(w);
  assert_wrote("8201d81ff7");
  torpor_writer_object(w, Z);
  torpor_writer_key(w, "a", Z);
  torpor_writer_array(w, Z);
  for (int i = 0; i < 24; i++) torpor_writer_number(w, 0);
  torpor_writer_end(w);
  torpor_writer_end(w);
  assert_wrote(
      "a16161981800000000000000000000000000000000000000"
      "0000000000");
  torpor_writer_map(w, 1);
  torpor_writer_null(w);
  torpor_writer_set(w, Z);
  torpor_writer_end(w);
  torpor_writer_end(w);
  assert_wrote("d90103a1f6d9010280");
  torpor_writer_array(w, 2);
  assert_int_equal(torpor_writer_share(w), 0);
  torpor_writer_set(w, 1);
  assert_int_equal(torpor_writer_share(w), 1);
  torpor_writer_object(w, 0);
  torpor_writer_end(w);
  torpor_writer_end(w);
  torpor_writer_reference(w, 1);
  torpor_writer_end(w);
  assert_wrote("82d81cd9010281d81ca0d81d01");
}

/* An array in an array: with heads that need 1, 2, 3 and 5 bytes. */
static void test_counted(void **state) {
  static const size_t counts[] = {0, 23, 24, 255, 256, 65535, 65536};
  (void)state;
  for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
    torpor_slice counted, known;
    torpor_writer *other;
    test_ok(NULL, torpor_writer_open(NULL, 0, &other));
    for (int k = 0; k < 2; k++) {
      torpor_writer *to = k ? other : w;
      torpor_writer_array(to, k ? 1 : Z);
      torpor_writer_array(to, k ? counts[i] : Z);
      for (size_t n = 0; n < counts[i]; n++)
        torpor_writer_integer(to, (int64_t)n);
      torpor_writer_end(to);
      torpor_writer_end(to);
    }
    test_ok(NULL, torpor_writer_finish(w, &counted));
    test_ok(NULL, torpor_writer_finish(other, &known));
    assert_int_equal(counted.size, known.size);
    assert_memory_equal(counted.data, known.data, known.size);
    torpor_writer_close(other);
    torpor_writer_reset(w);
  }
}

static void assert_mistake(torpor_status status, const char *part) {
  torpor_slice out = {"", 1};
  torpor_writer_null(w); /* changes nothing */
  test_status(NULL, torpor_writer_finish(w, &out), status);
  assert_null(out.data);
  if (!strstr(torpor_last_error(NULL), part))
    fail_msg("'%s' lacks '%s'", torpor_last_error(NULL), part);
  torpor_writer_reset(w);
}

#define MISTAKE(calls, part) (calls, assert_mistake(TORPOR_MISUSE, part))

static void test_mistakes(void **state) {
  torpor_slice out;
  (void)state;
  test_status(NULL, torpor_writer_finish(w, &out), TORPOR_MISUSE);
  torpor_writer_reset(w);
  MISTAKE(torpor_writer_null(w), "a value already");
  MISTAKE(torpor_writer_end(w), "no array or map is open");
  MISTAKE(torpor_writer_array(w, 0), "more items");
  MISTAKE(torpor_writer_array(w, Z), "not ended");
  MISTAKE((torpor_writer_array(w, 1), torpor_writer_end(w)), "fewer items");
  MISTAKE(torpor_writer_object(w, Z), "where a key is expected");
  MISTAKE((torpor_writer_object(w, Z), torpor_writer_key(w, "a", 1),
           torpor_writer_end(w)),
          "a key without a value");
  MISTAKE((torpor_writer_object(w, Z), torpor_writer_key(w, "a", 1),
           torpor_writer_key(w, "b", 1)),
          "where a value is expected");
  MISTAKE(torpor_writer_key(w, "a", 1), "where a value is expected");
  MISTAKE((torpor_writer_array(w, Z), torpor_writer_tag(w, 1),
           torpor_writer_end(w)),
          "a tag without a value");
  MISTAKE(torpor_writer_string(w, "\xff", 1), "not UTF-8");
  MISTAKE(torpor_writer_string(w, "\xed\xa0\x80", 3), "not UTF-8");
  MISTAKE(torpor_writer_string(w, NULL, 1), "NULL");
  MISTAKE(torpor_writer_bytes(w, NULL, 1), "NULL");
  MISTAKE(torpor_writer_bigint(w, false, NULL, 1), "NULL");
  MISTAKE(torpor_writer_regexp(w, NULL, "g"), "NULL");
  MISTAKE(torpor_writer_error(w, "Error", NULL, NULL), "NULL");
  MISTAKE(torpor_writer_view(w, (torpor_view)3, "a", 1), "no such kind");
  MISTAKE(torpor_writer_view(w, TORPOR_VIEW_INT32, "abc", 3), "an element");
  MISTAKE(torpor_writer_reference(w, 0), "number that is not there");
  for (int i = 0; i < 4; i++) torpor_writer_tag(w, 1000);
  assert_mistake(TORPOR_LIMIT, "tags");
  for (int i = 0; i < TORPOR_DATA_DEPTH + 1; i++) torpor_writer_array(w, Z);
  assert_mistake(TORPOR_LIMIT, "DEPTH");
  torpor_writer_array(w, Z - 1);
  assert_mistake(TORPOR_LIMIT, "LARGEST");
}

static void test_buffer_of_the_caller(void **state) {
  uint8_t buffer[8];
  torpor_slice out;
  torpor_writer *into;
  (void)state;
  for (size_t room = 0; room <= sizeof(buffer); room++) {
    memset(buffer, 0xee, sizeof(buffer));
    test_ok(NULL, torpor_writer_open(buffer, room, &into));
    torpor_writer_array(into, Z);
    torpor_writer_string(into, "abcd", 4);
    torpor_writer_null(into);
    torpor_writer_end(into);
    if (room >= 7) {
      test_ok(NULL, torpor_writer_finish(into, &out));
      assert_ptr_equal(out.data, buffer);
      assert_int_equal(out.size, 7);
    } else {
      test_status(NULL, torpor_writer_finish(into, &out), TORPOR_LIMIT);
    }
    for (size_t i = room; i < sizeof(buffer); i++)
      assert_int_equal(buffer[i], 0xee);
    torpor_writer_close(into);
  }
}

/* Lengths that no tree has, of what has one element: nothing else is read. */
static void test_too_large(void **state) {
  static const char text[1];
  static const size_t lengths[] = {TORPOR_DATA_LARGEST + 1, SIZE_MAX / 2,
                                   SIZE_MAX - 1};
  static const char limit[] = "TORPOR_DATA_LARGEST";
  const uint64_t word = 1;
  const uint16_t unit = 'x';
  (void)state;
  for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
    torpor_writer_bytes(w, text, lengths[i]);
    assert_mistake(TORPOR_LIMIT, limit);
    torpor_writer_view(w, TORPOR_VIEW_INT8, text, lengths[i]);
    assert_mistake(TORPOR_LIMIT, limit);
    torpor_writer_string(w, text, lengths[i]);
    assert_mistake(TORPOR_LIMIT, limit);
    torpor_writer_symbol(w, text, lengths[i]);
    assert_mistake(TORPOR_LIMIT, limit);
    torpor_writer_utf16(w, &unit, lengths[i]);
    assert_mistake(TORPOR_LIMIT, limit);
    torpor_writer_bigint(w, i % 2, &word, lengths[i]);
    assert_mistake(TORPOR_LIMIT, limit);
    torpor_writer_object(w, 1);
    torpor_writer_key(w, text, lengths[i]);
    assert_mistake(TORPOR_LIMIT, limit);
  }
}

static void test_writer_null(void **state) {
  torpor_slice out;
  (void)state;
  torpor_writer_array(NULL, 1);
  torpor_writer_string(NULL, "a", Z);
  torpor_writer_bytes(NULL, NULL, 5);
  torpor_writer_view(NULL, TORPOR_VIEW_INT8, "a", 1);
  torpor_writer_reference(NULL, 1);
  torpor_writer_share(NULL);
  torpor_writer_end(NULL);
  test_status(NULL, torpor_writer_finish(NULL, &out), TORPOR_MISUSE);
  torpor_writer_null(w);
  test_ok(NULL, torpor_writer_finish(w, NULL));
}

/* ---- Reading --------------------------------------------------------------*/

static uint8_t in[4096];

static torpor_reader *read_hex(const char *hex) {
  torpor_reader *r = NULL;
  size_t size = strlen(hex) / 2;
  for (size_t i = 0; i < size; i++) {
    unsigned value;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
    in[i] = (uint8_t)value;
  }
  test_ok(NULL, torpor_reader_open(in, size, &r));
  return r;
}

/* Asserts that all went well and everything was read. */
static void end_reading(torpor_reader *r) {
  test_ok(NULL, torpor_reader_status(r));
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_END);
  torpor_reader_close(r);
}

static void assert_slice(torpor_slice slice, const char *text) {
  assert_int_equal(slice.size, strlen(text));
  assert_memory_equal(slice.data, text, slice.size);
}

static void test_reads_scalars(void **state) {
  torpor_reader *r = read_hex(
      "8cf7f6f518183903e7f93e0061611b0020000000000000"
      "c1f93e00d9011143eda080420102d81ff7");
  uint64_t words[2];
  bool negative;
  torpor_view kind;
  (void)state;
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_ARRAY);
  assert_int_equal(torpor_reader_enter(r), 12);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_UNDEFINED);
  torpor_reader_skip(r);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_NULL);
  torpor_reader_skip(r);
  assert_true(torpor_reader_boolean(r));
  assert_int_equal(torpor_reader_integer(r), 24);
  assert_true(torpor_reader_number(r) == -1000);
  assert_true(torpor_reader_number(r) == 1.5);
  assert_slice(torpor_reader_string(r), "a");
  assert_int_equal(torpor_reader_bigint(r, NULL, NULL, 0), 1);
  assert_int_equal(torpor_reader_bigint(r, &negative, words, 2), 1);
  assert_int_equal(words[0], UINT64_C(1) << 53);
  assert_int_equal(words[1], 0);
  assert_false(negative);
  assert_true(torpor_reader_date(r) == 1500);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_WTF8);
  assert_slice(torpor_reader_wtf8(r), "\xed\xa0\x80");
  assert_slice(torpor_reader_view(r, &kind), "\1\2");
  assert_int_equal(kind, TORPOR_VIEW_UINT8);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_HOLE);
  torpor_reader_leave(r);
  end_reading(r);
}

static void assert_bigint(const char *hex, bool sign, uint64_t low,
                          uint64_t high, size_t count) {
  torpor_reader *r = read_hex(hex);
  uint64_t words[2];
  bool negative;
  assert_int_equal(torpor_reader_bigint(r, &negative, words, 2), count);
  assert_int_equal(negative, sign);
  assert_int_equal(words[0], low);
  assert_int_equal(words[1], high);
  end_reading(r);
}

static void assert_integer(const char *hex, int64_t number) {
  torpor_reader *r = read_hex(hex);
  assert_int_equal(torpor_reader_integer(r), number);
  end_reading(r);
}

static void test_reads_integers(void **state) {
  static const char *const none[] = {"1b8000000000000000",
                                     "3b8000000000000000",
                                     "c249010000000000000000",
                                     "f93e00",
                                     "fa5f000000",
                                     "f97e00",
                                     "f97c00",
                                     "6131"};
  (void)state;
  assert_bigint("c240", false, 0, 0, 0);
  assert_bigint("c340", true, 1, 0, 1);
  assert_bigint("c348ffffffffffffffff", true, 0, 1, 2);
  assert_bigint("3bffffffffffffffff", true, 0, 1, 2);
  assert_bigint("c249000000000000000005", false, 5, 0, 1);
  assert_integer("c24105", 5);
  assert_integer("c34105", -6);
  assert_integer("1b7fffffffffffffff", INT64_MAX);
  assert_integer("3b7fffffffffffffff", INT64_MIN);
  assert_integer("fa5a000000", INT64_C(1) << 53);
  for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
    torpor_reader *r = read_hex(none[i]);
    assert_int_equal(torpor_reader_integer(r), 0);
    test_status(NULL, torpor_reader_status(r), TORPOR_WRONG_TYPE);
    torpor_reader_close(r);
  }
}

static void test_goes_about(void **state) {
  /* {"a": [1, [2]], "b": Map {1 => 2}, "c": Error {name: "E"}} */
  torpor_reader *r = read_hex(
      "a3616182018102616"
      "2d90103a101026163da00746f65a1646e616d656145");
  (void)state;
  assert_int_equal(torpor_reader_enter(r), 3);
  assert_false(torpor_reader_find(r, "x", Z));
  assert_true(torpor_reader_find(r, "c", Z));
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_ERROR);
  assert_int_equal(torpor_reader_enter(r), 1);
  assert_true(torpor_reader_find(r, "name", 4));
  assert_slice(torpor_reader_string(r), "E");
  torpor_reader_leave(r);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_END);
  assert_true(torpor_reader_find(r, "a", Z));
  assert_int_equal(torpor_reader_enter(r), 2);
  assert_true(torpor_reader_number(r) == 1);
  torpor_reader_leave(r);
  assert_slice(torpor_reader_string(r), "b");
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_MAP);
  assert_int_equal(torpor_reader_enter(r), 1);
  assert_true(torpor_reader_number(r) == 1);
  assert_true(torpor_reader_number(r) == 2);
  torpor_reader_leave(r);
  torpor_reader_leave(r);
  end_reading(r);
}

static void test_follows(void **state) {
  torpor_reader *r = read_hex("82d81c8107d81d00"); /* [a, a] with a = [7] */
  uint32_t number;
  (void)state;
  torpor_reader_enter(r);
  assert_true(torpor_reader_is_shared(r, &number));
  assert_int_equal(number, 0);
  torpor_reader_skip(r);
  assert_false(torpor_reader_is_shared(r, &number));
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_REFERENCE);
  torpor_reader_follow(r);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_ARRAY);
  assert_int_equal(torpor_reader_enter(r), 1);
  assert_true(torpor_reader_number(r) == 7);
  torpor_reader_leave(r);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_END);
  torpor_reader_leave(r);
  torpor_reader_leave(r);
  end_reading(r);
  r = read_hex("d81c81d81d00"); /* a circle */
  while (torpor_reader_status(r) == TORPOR_OK) {
    torpor_reader_enter(r);
    torpor_reader_follow(r);
  }
  test_status(NULL, torpor_reader_status(r), TORPOR_LIMIT);
  torpor_reader_close(r);
}

/* Two views of one buffer: the second of its bytes 2 and 3. */
static void test_reads_views(void **state) {
  torpor_reader *r = read_hex(
      "83da00746f774401020304"
      "da00746f70841845d81d000202d81d00");
  torpor_view kind;
  (void)state;
  torpor_reader_enter(r);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_VIEW);
  assert_slice(torpor_reader_view(r, &kind), "\1\2\3\4");
  assert_int_equal(kind, TORPOR_VIEW_UINT8);
  assert_slice(torpor_reader_view(r, &kind), "\3\4");
  assert_int_equal(kind, TORPOR_VIEW_UINT16);
  torpor_reader_follow(r);
  assert_slice(torpor_reader_view(r, &kind), "\1\2\3\4");
  assert_int_equal(kind, TORPOR_VIEW_BUFFER);
  torpor_reader_leave(r);
  torpor_reader_leave(r);
  end_reading(r);
}

static void test_reads_tags(void **state) {
  torpor_reader *r = read_hex("83d9270f01da00746f736161da00746f6f01");
  (void)state;
  torpor_reader_enter(r);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_TAG);
  assert_int_equal(torpor_reader_tag(r), 9999);
  assert_true(torpor_reader_number(r) == 1);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_SYMBOL);
  assert_int_equal(torpor_reader_enter(r), 1);
  assert_slice(torpor_reader_string(r), "a");
  torpor_reader_leave(r);
  assert_int_equal(torpor_reader_type(r), TORPOR_DATA_BOXED);
  torpor_reader_enter(r);
  assert_true(torpor_reader_number(r) == 1);
  torpor_reader_leave(r);
  torpor_reader_leave(r);
  end_reading(r);
}

/* What is asked for is not there: zeros, and a sentence. */
static void test_wrong_type(void **state) {
  torpor_view kind;
  torpor_reader *r;
  (void)state;
  for (int i = 0; i < 14; i++) {
    r = read_hex(i == 7 ? "01" : "d9270f01");
    switch (i) {
    case 0:
      assert_false(torpor_reader_boolean(r));
      break;
    case 1:
      assert_true(torpor_reader_number(r) == 0);
      break;
    case 2:
      assert_int_equal(torpor_reader_integer(r), 0);
      break;
    case 3:
      assert_int_equal(torpor_reader_bigint(r, NULL, NULL, 0), 0);
      break;
    case 4:
      assert_slice(torpor_reader_string(r), "");
      break;
    case 5:
      assert_slice(torpor_reader_wtf8(r), "");
      break;
    case 6:
      assert_slice(torpor_reader_view(r, &kind), "");
      break;
    case 7:
      assert_int_equal(torpor_reader_tag(r), 0);
      break;
    case 8:
      assert_int_equal(torpor_reader_reference(r), 0);
      break;
    case 9:
      torpor_reader_follow(r);
      break;
    case 10:
      assert_int_equal(torpor_reader_enter(r), 0);
      break;
    case 11:
      assert_true(torpor_reader_date(r) == 0);
      break;
    case 12:
      torpor_reader_leave(r);
      break;
    default:
      assert_false(torpor_reader_find(r, "a", Z));
      break;
    }
    test_status(NULL, torpor_reader_status(r),
                i >= 12 ? TORPOR_MISUSE : TORPOR_WRONG_TYPE);
    assert_non_null(strstr(torpor_last_error(NULL), "byte 0"));
    assert_int_equal(torpor_reader_type(r), TORPOR_DATA_END);
    torpor_reader_skip(r);
    torpor_reader_close(r);
  }
  r = read_hex("80");
  torpor_reader_enter(r);
  torpor_reader_skip(r);
  test_status(NULL, torpor_reader_status(r), TORPOR_WRONG_TYPE);
  torpor_reader_close(r);
}

static void test_reader_refuses(void **state) {
  static const char *const bad[] = {
      "",           "18",
      "ff",         "9f01ff",
      "5f4101ff",   "0000",
      "62ff",       "61ff",
      "63eda080",   "d81d00",
      "d81d6161",   "d81c82d81d0100",
      "d9011141ff", "9bffffffffffffffff",
  };
  static uint8_t deep[TORPOR__CBOR_DEPTH + 2];
  torpor_reader *r;
  (void)state;
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    size_t size = strlen(bad[i]) / 2;
    for (size_t k = 0; k < size; k++) {
      unsigned value;
      sscanf(bad[i] + 2 * k, "%2x", &value);
      in[k] = (uint8_t)value;
    }
    if (torpor_reader_open(in, size, &r) != TORPOR_FORMAT)
      fail_msg("%s was read", bad[i]);
    assert_null(r);
    assert_non_null(strstr(torpor_last_error(NULL), "byte"));
  }
  memset(deep, 0x81, sizeof(deep));
  deep[sizeof(deep) - 1] = 0;
  test_status(NULL, torpor_reader_open(deep, sizeof(deep), &r), TORPOR_FORMAT);
  test_ok(NULL, torpor_reader_open(deep + 1, sizeof(deep) - 1, &r));
  torpor_reader_close(r);
  test_status(NULL, torpor_reader_open(deep, TORPOR_DATA_LARGEST + 1, &r),
              TORPOR_LIMIT);
}

static void test_reader_null(void **state) {
  (void)state;
  test_status(NULL, torpor_reader_status(NULL), TORPOR_MISUSE);
  assert_int_equal(torpor_reader_type(NULL), TORPOR_DATA_END);
  assert_int_equal(torpor_reader_enter(NULL), 0);
  assert_false(torpor_reader_is_shared(NULL, NULL));
  assert_false(torpor_reader_find(NULL, "a", Z));
  assert_slice(torpor_reader_wtf8(NULL), "");
  assert_slice(torpor_reader_view(NULL, NULL), "");
  torpor_reader_skip(NULL);
  torpor_reader_leave(NULL);
  torpor_reader_follow(NULL);
  torpor_reader_close(NULL);
}

/* ---- Both -----------------------------------------------------------------*/

/* One of everything, written with what a program then looks at. */
static void write_all(void) {
  static const uint64_t big[] = {0, 1};
  static const uint16_t lone[] = {0xd800};
  torpor_writer_object(w, Z);
  torpor_writer_key(w, "list", Z);
  uint32_t list = torpor_writer_share(w);
  torpor_writer_array(w, Z);
  torpor_writer_hole(w);
  torpor_writer_undefined(w);
  torpor_writer_bigint(w, true, big, 2);
  torpor_writer_reference(w, list);
  torpor_writer_hole(w);
  torpor_writer_end(w);
  torpor_writer_key(w, "again", Z);
  torpor_writer_reference(w, list);
  torpor_writer_utf16(w, lone, 1);
  torpor_writer_utf16(w, lone, 1);
  torpor_writer_key(w, "symbol", Z);
  torpor_writer_symbol(w, "mine", Z);
  torpor_writer_key(w, "map", Z);
  torpor_writer_map(w, 1);
  torpor_writer_date(w, 1500);
  torpor_writer_set(w, 1);
  torpor_writer_regexp(w, "a+", "gi");
  torpor_writer_end(w);
  torpor_writer_end(w);
  torpor_writer_key(w, "error", Z);
  torpor_writer_error(w, "RangeError", "far", "E_FAR");
  torpor_writer_key(w, "floats", Z);
  torpor_writer_view(w, TORPOR_VIEW_FLOAT32, "\0\0\x80\x3f", 4);
  torpor_writer_key(w, "boxed", Z);
  torpor_writer_tag(w, TORPOR__TAG_BOXED);
  torpor_writer_number(w, 7);
  torpor_writer_key(w, "whole", Z);
  torpor_writer_tag(w, TORPOR__TAG_WHOLE);
  torpor_writer_bytes(w, "\1\2\3\4", 4);
  torpor_writer_key(w, "part", Z);
  torpor_writer_tag(w, TORPOR__TAG_PART);
  torpor_writer_array(w, 4);
  torpor_writer_integer(w, TORPOR_VIEW_UINT16);
  torpor_writer_reference(w, list + 1);
  torpor_writer_integer(w, 2);
  torpor_writer_integer(w, 2);
  torpor_writer_end(w);
  torpor_writer_end(w);
}

static void test_program_sees(void **state) {
  static const char check[] =
      "x => { const l = x.list, [d] = x.map.keys(), [s] = x.map.values(),"
      " [r] = s; return JSON.stringify(["
      "l.length === 5 && !(0 in l) && 1 in l && l[1] === undefined &&"
      " l[2] === -(2n ** 64n) && l[3] === l && !(4 in l) && x.again === l,"
      "x['\\ud800'] === '\\ud800', x.symbol === Symbol.for('mine'),"
      "d instanceof Date && d.getTime() === 1500,"
      "s instanceof Set && r.source === 'a+' && r.flags === 'gi',"
      "x.error instanceof RangeError && x.error.message === 'far' &&"
      " x.error.code === 'E_FAR',"
      "x.floats instanceof Float32Array && x.floats[0] === 1,"
      "typeof x.boxed === 'object' && x.boxed instanceof Number &&"
      " +x.boxed === 7,"
      "x.whole instanceof Uint8Array && x.part instanceof Uint16Array &&"
      " x.part.buffer === x.whole.buffer && x.part.byteOffset === 2 &&"
      " x.part.length === 1 && x.whole.join() === '1,2,3,4'"
      "].map(Number)); }";
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value tree, seen;
  torpor_slice cbor;
  torpor_bytes text;
  (void)state;
  write_all();
  test_ok(NULL, torpor_writer_finish(w, &cbor));
  test_ok(vm, torpor_cbor_decode(vm, cbor.data, cbor.size, &tree));
  test_ok(vm, torpor_call(vm, test_eval(vm, check), torpor_undefined(), &tree,
                          1, &seen));
  test_ok(vm, torpor_string_read(vm, seen, &text));
  assert_string_equal((const char *)text.data, "[1,1,1,1,1,1,1,1,1]");
  torpor_bytes_free(&text);
  torpor_vm_close(vm);
}

/* As deep as can be, with tags before each: a VM reads it. */
static void assert_deepest(torpor_vm *vm, bool set, int depth) {
  torpor_slice cbor;
  torpor_value value;
  torpor_reader *r;
  for (int i = 0; i < depth; i++) {
    torpor_writer_share(w);
    (set ? torpor_writer_set : torpor_writer_array)(w, SIZE_MAX);
  }
  torpor_writer_share(w);
  torpor_writer_date(w, 1);
  for (int i = 0; i < depth; i++) torpor_writer_end(w);
  test_ok(NULL, torpor_writer_finish(w, &cbor));
  test_ok(NULL, torpor_reader_open(cbor.data, cbor.size, &r));
  torpor_reader_close(r);
  test_ok(vm, torpor_cbor_decode(vm, cbor.data, cbor.size, &value));
  torpor_writer_reset(w);
}

static void test_deepest(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  assert_deepest(vm, false, TORPOR_DATA_DEPTH);
  assert_deepest(vm, true, TORPOR_DATA_DEPTH);
  torpor_vm_close(vm);
}

static void test_shown_as_json(void **state) {
  torpor_slice cbor;
  torpor_bytes text;
  (void)state;
  write_all();
  test_ok(NULL, torpor_writer_finish(w, &cbor));
  test_ok(NULL, torpor_cbor_to_json(cbor.data, cbor.size, &text));
  assert_string_equal(
      (const char *)text.data,
      "{\"list\":[null,null,\"-0x10000000000000000\",\"[Circular]\",null],"
      "\"again\":[null,null,\"-0x10000000000000000\",\"[Circular]\",null],"
      "\"\\ud800\":\"\\ud800\",\"symbol\":\"mine\","
      "\"map\":{\"\\\"1970-01-01T00:00:01.500Z\\\"\":[[\"a+\",\"gi\"]]},"
      "\"error\":{\"name\":\"RangeError\",\"message\":\"far\","
      "\"code\":\"E_FAR\"},\"floats\":\"AACAPw==\",\"boxed\":7,"
      "\"whole\":\"AQIDBA==\",\"part\":\"AwQ=\"}");
  torpor_bytes_free(&text);
}

/* Every allocation fails once. */
static void test_out_of_memory(void **state) {
  (void)state;
  for (long after = 0;; after++) {
    torpor_slice cbor = {NULL, 0};
    torpor_reader *r = NULL;
    torpor_status status;
    torpor_writer_close(w);
    torpor__alloc_fail(after);
    status = torpor_writer_open(NULL, 0, &w);
    if (status == TORPOR_OK) {
      write_all();
      status = torpor_writer_finish(w, &cbor);
    }
    if (status == TORPOR_OK)
      status = torpor_reader_open(cbor.data, cbor.size, &r);
    for (int i = 0; status == TORPOR_OK && i < 12; i++) {
      torpor_reader_enter(r);
      torpor_reader_find(r, "list", Z);
      torpor_reader_enter(r);
      for (int k = 0; k < 3; k++) torpor_reader_skip(r);
      torpor_reader_follow(r);
      status = torpor_reader_status(r);
      if (status == TORPOR_MISUSE) status = TORPOR_OK;
      if (i > 0) break;
    }
    torpor__alloc_fail(-1);
    torpor_reader_close(r);
    assert_true(status == TORPOR_OK || status == TORPOR_NOMEM);
    if (status == TORPOR_OK) break;
    assert_true(after < 100);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_scalars),
      TEST(test_levels),
      TEST(test_counted),
      TEST(test_mistakes),
      TEST(test_buffer_of_the_caller),
      TEST(test_too_large),
      TEST(test_writer_null),
      TEST(test_reads_scalars),
      TEST(test_reads_integers),
      TEST(test_goes_about),
      TEST(test_follows),
      TEST(test_reads_views),
      TEST(test_reads_tags),
      TEST(test_wrong_type),
      TEST(test_reader_refuses),
      TEST(test_reader_null),
      cmocka_unit_test_setup_teardown(test_program_sees, setup, close_writer),
      cmocka_unit_test_setup_teardown(test_deepest, setup, close_writer),
      TEST(test_shown_as_json),
      TEST(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
