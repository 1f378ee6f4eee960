/* SPDX-License-Identifier: MIT */
/* test_common.c - what lies below everything else: arrays, bisection, UTF-8,
 * whole files, and CBOR that is read without a VM. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/array.h"
#include "common/cbor.h"
#include "common/file.h"
#include "common/search.h"
#include "common/utf8.h"
#include "test/support/vm.h"

/* ---- Arrays and bisection -------------------------------------------------*/

static void *resize_nothing(void *block, size_t size) {
  (void)block;
  (void)size;
  return NULL;
}

static void test_array(void **state) {
  uint64_t *items = NULL;
  size_t capacity = 0;
  (void)state;
  for (uint64_t i = 0; i < 1000; i++) {
    assert_true(
        torpor__array_reserve(&items, &capacity, i + 1, sizeof(*items)));
    assert_true(capacity > i && capacity <= 8 + 2 * i);
    items[i] = i;
  }
  for (uint64_t i = 0; i < 1000; i++) assert_int_equal(items[i], i);
  uint64_t *before = items;
  size_t room = capacity;
  assert_false(torpor__array_reserve(&items, &capacity, SIZE_MAX / 8, 8));
  assert_false(torpor__array_reserve_by(resize_nothing, &items, &capacity,
                                        room + 1, sizeof(*items)));
  assert_ptr_equal(items, before);
  assert_int_equal(capacity, room);
  free(items);
}

static void test_array_copy(void **state) {
  (void)state;
  char *copy = torpor__array_copy("abc", 4);
  assert_string_equal(copy, "abc");
  free(copy);
  copy = torpor__array_copy(NULL, 0);
  assert_non_null(copy);
  free(copy);
}

/* All arrays of up to 12 numbers out of 8, each number sought. */
static void test_search(void **state) {
  test_random random = {1};
  (void)state;
  for (int round = 0; round < 5000; round++) {
    uint64_t items[12] = {0};
    size_t count = test_random_next(&random) % 13;
    for (size_t i = 0; i < count; i++)
      items[i] = (i > 0 ? items[i - 1] : 0) + test_random_next(&random) % 3;
    for (uint64_t key = 0; key < 26; key++) {
      size_t place = 0;
      while (place < count && items[place] < key) place++;
      assert_int_equal(torpor__search(&key, items, count, sizeof(*items),
                                      torpor__compare_u64),
                       place);
      const uint64_t *found =
          torpor__find(&key, items, count, sizeof(*items), torpor__compare_u64);
      bool there = place < count && items[place] == key;
      assert_ptr_equal(found, there ? &items[place] : NULL);
    }
  }
  assert_null(torpor__find(&(uint64_t){1}, NULL, 0, 8, torpor__compare_u64));
}

static void test_compare(void **state) {
  const int64_t less = -1, more = 1;
  (void)state;
  assert_true(torpor__compare_i64(&less, &more) < 0);
  assert_true(torpor__compare_u64(&less, &more) > 0);
  assert_int_equal(torpor__compare_i64(&more, &more), 0);
}

/* ---- UTF-8 ----------------------------------------------------------------*/

static void test_utf8(void **state) {
  static const struct {
    const char *text;
    size_t size;
  } texts[] = {
      {"a", 1},
      {"\xc2\x80", 2},
      {"\xed\x9f\xbf", 3},
      {"\xee\x80\x80", 3},
      {"\xf4\x8f\xbf\xbf", 4},
      /* no more bytes than needed; no half of a pair; not above the last */
      {"\x80", 0},
      {"\xc1\xbf", 0},
      {"\xe0\x9f\xbf", 0},
      {"\xed\xa0\x80", 0},
      {"\xf0\x8f\xbf\xbf", 0},
      {"\xf4\x90\x80\x80", 0},
      {"\xf5\x80\x80\x80", 0},
      /* cut off, or broken */
      {"\xe2\x82", 0},
      {"\xe2\x28\xa1", 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
    const char *text = texts[i].text;
    size_t size = strlen(text);
    assert_int_equal(torpor__utf8_step((const uint8_t *)text, size),
                     texts[i].size);
    assert_int_equal(torpor__utf8_valid(text, size), texts[i].size > 0);
  }
  assert_true(torpor__utf8_valid("", 0));
}

/* ---- Files ----------------------------------------------------------------*/

static void test_file(void **state) {
  char path[] = "/tmp/torpor-common-XXXXXX";
  const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};
  (void)state;
  int file = mkstemp(path);
  assert_true(file >= 0);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
    size_t size = sizes[i];
    uint8_t *data = malloc(size + 1);
    struct torpor__file_bytes bytes;
    memset(data, (int)i, size + 1);
    assert_int_equal(ftruncate(file, 0) + lseek(file, 0, SEEK_SET), 0);
    assert_int_equal(torpor__file_write(file, data, size, NULL), 0);
    assert_int_equal(torpor__file_load(path, size, &bytes), 0);
    assert_int_equal(bytes.size, size);
    assert_true(bytes.capacity > size);
    assert_memory_equal(bytes.data, data, size);
    free(bytes.data);
    if (size > 0) {
      assert_int_equal(torpor__file_load(path, size - 1, &bytes),
                       TORPOR__FILE_LARGE);
      assert_null(bytes.data);
    }
    free(data);
  }
  close(file);
  unlink(path);
}

static void test_file_fails(void **state) {
  struct torpor__file_bytes bytes;
  atomic_bool cancelled = true;
  int ends[2];
  (void)state;
  assert_int_equal(torpor__file_load("/no/such", 10, &bytes), -ENOENT);
  assert_int_equal(torpor__file_load("/", 10, &bytes), -EISDIR);
  assert_null(bytes.data);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(torpor__file_read(ends[0], 10, &cancelled, &bytes),
                   -ECANCELED);
  assert_int_equal(torpor__file_write(ends[1], "a", 1, &cancelled), -ECANCELED);
  assert_int_equal(torpor__file_write(ends[0], "a", 1, NULL), -EBADF);
  close(ends[0]);
  close(ends[1]);
}

/* What is there already stays, and does not count. */
static void test_file_appends(void **state) {
  struct torpor__file_bytes bytes = {
      .data = malloc(4), .size = 3, .capacity = 4};
  int ends[2];
  (void)state;
  memcpy(bytes.data, "abc", 3);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(torpor__file_write(ends[1], "defghi", 6, NULL), 0);
  close(ends[1]);
  assert_int_equal(torpor__file_read(ends[0], 6, NULL, &bytes), 0);
  assert_int_equal(bytes.size, 9);
  assert_memory_equal(bytes.data, "abcdefghi", 9);
  free(bytes.data);
  close(ends[0]);
}

/* ---- CBOR -----------------------------------------------------------------*/

static torpor_bytes write_example(void) {
  torpor__buffer out = {0};
  torpor_bytes bytes;
  torpor__cbor_head(&out, TORPOR__CBOR_MAP, 3);
  torpor__cbor_string(&out, "numbers");
  torpor__cbor_head(&out, TORPOR__CBOR_ARRAY, 4);
  torpor__cbor_integer(&out, 0);
  torpor__cbor_integer(&out, -1);
  torpor__cbor_integer(&out, INT64_MAX);
  torpor__cbor_integer(&out, INT64_MIN);
  torpor__cbor_string(&out, "yes");
  torpor__cbor_boolean(&out, true);
  torpor__cbor_string(&out, "data");
  torpor__cbor_bytes(&out, TORPOR__CBOR_BYTES, "\0\1", 2);
  assert_int_equal(torpor__buffer_finish(&out, &bytes), TORPOR_OK);
  return bytes;
}

static void test_cbor_known(void **state) {
  torpor_bytes bytes = write_example();
  torpor__cbor_reader reader = torpor__cbor_read(bytes.data, bytes.size);
  (void)state;
  assert_int_equal(torpor__cbor_get_map(&reader), 3);
  assert_true(torpor__slice_is(torpor__cbor_get_text(&reader), "numbers"));
  torpor__cbor_reader numbers = reader;
  torpor__cbor_get_past(&reader);
  assert_int_equal(torpor__cbor_get_array(&numbers), 4);
  assert_int_equal(torpor__cbor_get_integer(&numbers), 0);
  assert_int_equal(torpor__cbor_get_integer(&numbers), -1);
  assert_true(torpor__cbor_get_integer(&numbers) == INT64_MAX);
  assert_true(torpor__cbor_get_integer(&numbers) == INT64_MIN);
  assert_ptr_equal(numbers.at, reader.at);
  assert_true(torpor__slice_is(torpor__cbor_get_text(&reader), "yes"));
  assert_true(torpor__cbor_get_boolean(&reader));
  assert_true(torpor__slice_is(torpor__cbor_get_text(&reader), "data"));
  assert_int_equal(torpor__cbor_get_bytes(&reader).size, 2);
  assert_false(reader.bad);
  assert_ptr_equal(reader.at, reader.end);
  torpor__cbor_get_past(&reader);
  assert_true(reader.bad);
  torpor_bytes_free(&bytes);
}

/* A bad reader stays bad and gives nothing. */
static void test_cbor_bad(void **state) {
  static const char *const texts[] = {
      "",             /* nothing */
      "\x61",         /* cut off */
      "\x62\xc3\x28", /* no UTF-8 */
      "\x01",         /* a number */
      "\x7f\x61"
      "a\xff", /* of indefinite length */
      "\xc1\x61"
      "a", /* with a tag */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
    torpor__cbor_reader reader = torpor__cbor_read(texts[i], strlen(texts[i]));
    assert_int_equal(torpor__cbor_get_text(&reader).size, 0);
    assert_true(reader.bad);
    assert_int_equal(torpor__cbor_get_integer(&reader), 0);
    assert_false(torpor__cbor_get_boolean(&reader));
    assert_int_equal(torpor__cbor_get_bytes(&reader).size, 0);
    assert_int_equal(torpor__cbor_get_array(&reader), 0);
    assert_int_equal(torpor__cbor_get_map(&reader), 0);
    assert_true(reader.bad);
  }
}

static void test_cbor_counts(void **state) {
  static const uint8_t array[] = {0x83, 0x01, 0x02};
  static const uint8_t zero[] = {0x62, 'a', 0};
  static const uint8_t large[] = {0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0};
  torpor__cbor_reader reader = torpor__cbor_read(array, sizeof(array));
  (void)state;
  assert_int_equal(torpor__cbor_get_array(&reader), 0);
  assert_true(reader.bad);
  reader = torpor__cbor_read(zero, sizeof(zero));
  assert_int_equal(torpor__cbor_get_text(&reader).size, 0);
  assert_true(reader.bad);
  reader = torpor__cbor_read(large, sizeof(large));
  assert_int_equal(torpor__cbor_get_integer(&reader), 0);
  assert_true(reader.bad);
}

/* 'depth' arrays within one another are passed over, or not. */
static bool skips_nested(uint8_t begin, size_t depth, uint8_t middle,
                         size_t ends) {
  uint8_t *bytes = malloc(depth + 1 + ends);
  memset(bytes, begin, depth);
  bytes[depth] = middle;
  memset(bytes + depth + 1, 0xff, ends);
  torpor__cbor_reader reader = torpor__cbor_read(bytes, depth + 1 + ends);
  bool good = torpor__cbor_skip(&reader) && reader.at == reader.end;
  free(bytes);
  return good;
}

static void test_cbor_depth(void **state) {
  const size_t most = TORPOR__CBOR_DEPTH;
  (void)state;
  assert_true(skips_nested(0x9f, most, 0, most));
  assert_false(skips_nested(0x9f, most + 1, 0, most + 1));
  for (int i = 0; i < 2; i++) {
    uint8_t begin = i ? 0xc1 : 0x81;
    assert_true(skips_nested(begin, most, 0, 0));
    assert_false(skips_nested(begin, most + 1, 0, 0));
    assert_false(skips_nested(begin, 1000000, 0, 0));
  }
  assert_true(skips_nested(0x81, most, 0x80, 0));
  assert_false(skips_nested(0xbf, 1, 0, 1)); /* a key without a value */
}

/* Reads as a program would that expects anything; how much it read. */
static size_t read_anything(torpor__cbor_reader *reader, test_random *random) {
  size_t count = 0;
  while (!reader->bad && reader->at < reader->end) {
    torpor__cbor_item item;
    const uint8_t *at = reader->at;
    switch (test_random_next(random) % 8) {
    case 0:
      torpor__cbor_get_integer(reader);
      break;
    case 1:
      torpor__cbor_get_boolean(reader);
      break;
    case 2:
      count += torpor__cbor_get_text(reader).size;
      break;
    case 3:
      count += torpor__cbor_get_bytes(reader).size;
      break;
    case 4:
      assert_true(torpor__cbor_get_array(reader) <= (size_t)(reader->end - at));
      break;
    case 5:
      assert_true(torpor__cbor_get_map(reader) <= (size_t)(reader->end - at));
      break;
    case 6:
      torpor__cbor_get_past(reader);
      break;
    default:
      if (!torpor__cbor_next(reader, &item)) return count;
    }
    assert_true(reader->at <= reader->end && reader->at >= at);
    assert_true(reader->bad || reader->at > at);
  }
  return count;
}

/* Bytes from anywhere: no reader passes the end, which the sanitizers see, as
 * each stretch is a block of its own. */
static void test_cbor_fuzz(void **state) {
  test_random random = {3};
  (void)state;
  for (int i = 0; i < 100000; i++) {
    size_t size = test_random_next(&random) % 24;
    uint8_t *bytes = malloc(size + 1);
    uint8_t *data = bytes + 1; /* ends where the block does */
    for (size_t at = 0; at < size; at++)
      data[at] = (uint8_t)test_random_next(&random);
    torpor__cbor_reader reader = torpor__cbor_read(data, size);
    assert_true(read_anything(&reader, &random) <= size);
    reader = torpor__cbor_read(data, size);
    if (torpor__cbor_skip(&reader)) assert_true(reader.at <= reader.end);
    free(bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_array),       cmocka_unit_test(test_array_copy),
      cmocka_unit_test(test_search),      cmocka_unit_test(test_compare),
      cmocka_unit_test(test_utf8),        cmocka_unit_test(test_file),
      cmocka_unit_test(test_file_fails),  cmocka_unit_test(test_file_appends),
      cmocka_unit_test(test_cbor_known),  cmocka_unit_test(test_cbor_bad),
      cmocka_unit_test(test_cbor_counts), cmocka_unit_test(test_cbor_depth),
      cmocka_unit_test(test_cbor_fuzz),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
