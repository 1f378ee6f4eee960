/* SPDX-License-Identifier: MIT */
/* test_cbor.c - CBOR and JSON on the host, without a VM. */
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/buffer.h"
#include "common/cbor.h"
#include "common/utf8.h"
#include "test/support/vm.h"
#include "vm/data/number.h"

static long live_before;

static int setup(void **state) {
  (void)state;
  live_before = torpor__alloc_live();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  torpor__alloc_fail(-1);
  assert_int_equal(torpor__alloc_live(), live_before);
  return 0;
}

/* ---- Bytes as hex ---------------------------------------------------------*/

static void assert_hex(torpor_bytes *bytes, const char *expected) {
  char text[600] = "";
  assert_true(bytes->size < 290);
  for (size_t i = 0; i < bytes->size; i++)
    snprintf(text + 2 * i, 3, "%02x", bytes->data[i]);
  assert_string_equal(text, expected);
  torpor_bytes_free(bytes);
}

static size_t from_hex(const char *hex, uint8_t *bytes) {
  size_t size = strlen(hex) / 2;
  for (size_t i = 0; i < size; i++) {
    unsigned value;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
    bytes[i] = (uint8_t)value;
  }
  return size;
}

static void assert_encodes(const char *json, const char *hex) {
  torpor_bytes bytes;
  test_ok(NULL, torpor_json_to_cbor(json, strlen(json), &bytes));
  assert_hex(&bytes, hex);
}

static void assert_shows(const char *hex, const char *json) {
  uint8_t bytes[300];
  size_t size = from_hex(hex, bytes);
  torpor_bytes text;
  test_ok(NULL, torpor_cbor_to_json(bytes, size, &text));
  assert_string_equal((const char *)text.data, json);
  assert_int_equal(text.size, strlen(json));
  torpor_bytes_free(&text);
}

/* ---- Numbers --------------------------------------------------------------*/

/* From RFC 8949, Appendix A, as far as JSON has them. */
static const struct {
  const char *json, *hex;
} examples[] = {
    {"0", "00"},
    {"1", "01"},
    {"10", "0a"},
    {"23", "17"},
    {"24", "1818"},
    {"25", "1819"},
    {"100", "1864"},
    {"1000", "1903e8"},
    {"1000000", "1a000f4240"},
    {"1000000000000", "1b000000e8d4a51000"},
    {"-1", "20"},
    {"-10", "29"},
    {"-100", "3863"},
    {"-1000", "3903e7"},
    {"-0.0", "f98000"},
    {"1.5", "f93e00"},
    {"65504.5", "fa477fe080"},
    {"5.960464477539063e-8", "f90001"},
    {"0.00006103515625", "f90400"},
    {"-4.1", "fbc010666666666666"},
    {"1.1", "fb3ff199999999999a"},
    {"3.4028234663852886e+38", "fa7f7fffff"},
    {"1.0e+300", "fb7e37e43c8800759c"},
    {"false", "f4"},
    {"true", "f5"},
    {"null", "f6"},
    {"\"\"", "60"},
    {"\"a\"", "6161"},
    {"\"IETF\"", "6449455446"},
    {"\"\\\"\\\\\"", "62225c"},
    {"\"\\u00fc\"", "62c3bc"},
    {"\"\\u6c34\"", "63e6b0b4"},
    {"\"\\ud800\\udd51\"", "64f0908591"},
    {"[]", "80"},
    {"[1, 2, 3]", "83010203"},
    {"[1, [2, 3], [4, 5]]", "8301820203820405"},
    {"{}", "a0"},
    {"{\"a\": 1, \"b\": [2, 3]}", "a26161016162820203"},
    {"[\"a\", {\"b\": \"c\"}]", "826161a161626163"},
};

static void test_examples(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
    assert_encodes(examples[i].json, examples[i].hex);
}

/* Every half float, written from its double, takes three bytes or is an
 * integer, and reads as the same double. */
static void test_half_floats(void **state) {
  (void)state;
  for (unsigned half = 0; half < 0x10000; half++) {
    const uint8_t bytes[3] = {0xf9, (uint8_t)(half >> 8), (uint8_t)half};
    torpor__cbor_reader in = torpor__cbor_read(bytes, 3);
    torpor__cbor_item item, again;
    torpor__buffer out = {0};
    assert_true(torpor__cbor_next(&in, &item));
    assert_true(item.is_number);
    torpor__cbor_number(&out, item.number);
    assert_true(out.size <= 5);
    in = torpor__cbor_read(out.data, out.size);
    assert_true(torpor__cbor_next(&in, &again));
    if (again.is_number && item.number == item.number)
      assert_memory_equal(out.data, bytes, 3);
    torpor__buffer_free(&out);
  }
}

static void test_numbers_come_back(void **state) {
  test_random random = {1};
  (void)state;
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = test_random_next(&random);
    double number;
    char text[40];
    torpor_bytes cbor, json;
    memcpy(&number, &bits, sizeof(number));
    if (!(number - number == 0)) continue; /* not finite */
    torpor__number_print(number, text, sizeof(text));
    test_ok(NULL, torpor_json_to_cbor(text, strlen(text), &cbor));
    test_ok(NULL, torpor_cbor_to_json(cbor.data, cbor.size, &json));
    assert_true(torpor__number_parse((const char *)json.data) == number);
    torpor_bytes_free(&cbor);
    torpor_bytes_free(&json);
  }
}

/* ---- What JSON lacks ------------------------------------------------------*/

static void test_shows(void **state) {
  (void)state;
  assert_shows("f7", "null");         /* undefined */
  assert_shows("f97e00", "null");     /* NaN */
  assert_shows("fa7f800000", "null"); /* Infinity */
  assert_shows("1bffffffffffffffff", "18446744073709551615");
  assert_shows("3bffffffffffffffff", "-18446744073709551616");
  assert_shows("c249010000000000000000", "\"0x10000000000000000\"");
  assert_shows("c349010000000000000000", "\"-0x10000000000000001\"");
  assert_shows("c342ffff", "\"-0x10000\"");
  assert_shows("c2420000", "\"0x0\"");
  assert_shows("c340", "\"-0x1\"");
  assert_shows("c34100", "\"-0x1\"");
  assert_shows("c11a514b67b0", "\"2013-03-21T20:04:00.000Z\"");
  assert_shows("c1fb41d452d9ec200000", "\"2013-03-21T20:04:00.500Z\"");
  assert_shows("c1fb7ff8000000000000", "null");
  assert_shows("c1fbc29f6ea086000000", "\"-271821-04-20T00:00:00.000Z\"");
  assert_shows("c1fb429f6ea086000000", "\"+275760-09-13T00:00:00.000Z\"");
  assert_shows("c1fbc22cf6ab5f000000", "\"-000001-01-01T00:00:00.000Z\"");
  assert_shows("c1fbc22cf2e8f8000083", "\"-000001-12-31T23:59:59.999Z\"");
  assert_shows("c1fbc22cf2e8f8000000", "\"0000-01-01T00:00:00.000Z\"");
  assert_shows("c1fb424d7ffa20c00000", "\"+010000-01-01T00:00:00.000Z\"");
  assert_shows("c1fbc22cf24038000000", "\"0000-03-05T00:00:00.000Z\"");
  assert_shows("c1fb429f6ea086000400", "null");
  assert_shows("4401020304", "\"AQIDBA==\"");
  assert_shows("d8404401020304", "\"AQIDBA==\"");
  assert_shows("d818456449455446", "\"IETF\""); /* CBOR in CBOR */
}

static void test_shows_structure(void **state) {
  (void)state;
  assert_shows("9f018202039f0405ffff", "[1,[2,3],[4,5]]");
  assert_shows("bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}");
  assert_shows("7f657374726561646d696e67ff", "\"streaming\"");
  assert_shows("a201020304", "{\"1\":2,\"3\":4}");
  assert_shows("a1820102f5", "{\"[1,2]\":true}");
  assert_shows("d901028101", "[1]");
  assert_shows("82d81844a1616101f6", "[{\"a\":1},null]");
  assert_shows("6a000a1f22085c7f2fc3bc",
               "\"\\u0000\\n\\u001f\\\"\\b\\\\\\u007f/ü\"");
  assert_shows("66c280c29fc2a0", "\"\\u0080\\u009f\u00a0\"");
}

static void test_shows_shared(void **state) {
  (void)state;
  assert_shows("82d81ca1616101d81d00", "[{\"a\":1},{\"a\":1}]");
  assert_shows("83d81c82d81c80d81d01d81d00d81d01", "[[[],[]],[[],[]],[]]");
  assert_shows("d81c82d81d0001", "[\"[Circular]\",1]");
  /* In the copy, too; and a cycle that leads through what is shared. */
  assert_shows("82d81c82d81d0001d81d00",
               "[[\"[Circular]\",1],[\"[Circular]\",1]]");
  assert_shows("d81c82d81c81d81d00d81d01",
               "[[\"[Circular]\"],[\"[Circular]\"]]");
  /* CBOR within CBOR counts for itself. */
  assert_shows("83d81c8107d81d00d8184782d81c80d81d00", "[[7],[7],[[],[]]]");
}

static void add_times(torpor__buffer *to, int times, const void *data,
                      size_t size) {
  while (times-- > 0) torpor__buffer_add(to, data, size);
}

/* 'data', which is freed, as JSON: valid whatever it says. */
static torpor_bytes show(torpor__buffer *data) {
  torpor_bytes bytes, json, again;
  test_ok(NULL, torpor__buffer_finish(data, &bytes));
  test_ok(NULL, torpor_cbor_to_json(bytes.data, bytes.size, &json));
  test_ok(NULL,
          torpor_json_to_cbor((const char *)json.data, json.size, &again));
  torpor_bytes_free(&again);
  torpor_bytes_free(&bytes);
  return json;
}

/* [a, a] of [b, b] and so on: a few bytes that would be 2^100 times as many. */
static void test_shows_much_shared(void **state) {
  torpor__buffer data = {0};
  torpor_bytes json;
  (void)state;
  add_times(&data, 100, "\xd8\x1c\x82", 3);
  torpor__buffer_add(&data, "\xd8\x1c\x80", 3);
  for (unsigned i = 100; i > 0; i--) {
    torpor__cbor_head(&data, TORPOR__CBOR_TAG, TORPOR__TAG_REFERENCE);
    torpor__cbor_head(&data, TORPOR__CBOR_UNSIGNED, i);
  }
  json = show(&data);
  assert_non_null(strstr((const char *)json.data, "\"[shared "));
  assert_true(json.size > 1 << 20);
  assert_true(json.size < 64 << 20);
  torpor_bytes_free(&json);
}

/* 400 levels, referred to from within 'levels' others. */
static torpor_bytes show_deep_shared(int levels) {
  torpor__buffer data = {0};
  torpor__buffer_add(&data, "\x82\xd8\x1c", 3);
  add_times(&data, 400, "\x81", 1);
  torpor__buffer_add(&data, "\x80", 1);
  add_times(&data, levels, "\x81", 1);
  torpor__buffer_add(&data, "\xd8\x1d\x00", 3);
  return show(&data);
}

static void test_shows_deep_shared(void **state) {
  torpor_bytes json;
  (void)state;
  json = show_deep_shared(50);
  assert_null(strstr((const char *)json.data, "shared"));
  torpor_bytes_free(&json);
  json = show_deep_shared(150);
  assert_non_null(strstr((const char *)json.data, "\"[shared 0]\""));
  torpor_bytes_free(&json);
}

/* Each level of quotes doubles the escapes of those within. */
static void test_shows_keys_of_keys(void **state) {
  torpor__buffer data = {0};
  torpor_bytes json;
  (void)state;
  assert_shows("a1a1a101020304", "{\"{\\\"{\\\\\\\"1\\\\\\\":2}\\\":3}\":4}");
  add_times(&data, 200, "\xa1", 1);
  add_times(&data, 201, "\x01", 1);
  json = show(&data);
  assert_non_null(strstr((const char *)json.data, "[key]"));
  assert_true(json.size < 100);
  torpor_bytes_free(&json);
}

/* ---- Refusals -------------------------------------------------------------*/

static void assert_refuses_json(const char *json, size_t size,
                                const char *place) {
  torpor_bytes bytes;
  test_status(NULL, torpor_json_to_cbor(json, size, &bytes), TORPOR_FORMAT);
  assert_null(bytes.data);
  assert_non_null(strstr(torpor_last_error(NULL), place));
}

static void test_refuses_json(void **state) {
  static const struct {
    const char *json, *place;
  } bad[] = {
      {"", "byte 0"},
      {"[1,]", "byte 3"},
      {"{\"a\":}", "byte 5"},
      {"{a:1}", "byte 1"},
      {"[1 2]", "byte 3"},
      {"01", "a value"},
      {"1.", "a value"},
      {"-", "a value"},
      {"1e", "a value"},
      {"+1", "a value"},
      {"\"abc", "byte 4"},
      {"\"\\x\"", "escape"},
      {"\"\\u12g4\"", "hex"},
      {"\"\x01\"", "control"},
      {"tru", "a value"},
      {"nul", "a value"},
      {"[1] x", "byte 4"},
      {"\"\xc0\x80\"", "UTF-8"},
      {"\"\xed\xa0\x80\"", "UTF-8"},
      {"{\"a\" 1}", "':'"},
      {"NaN", "a value"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
    assert_refuses_json(bad[i].json, strlen(bad[i].json), bad[i].place);
}

static void test_refuses_depth(void **state) {
  char deep[2 * TORPOR_DATA_DEPTH + 4];
  uint8_t tags[2 * TORPOR__CBOR_DEPTH];
  torpor_bytes bytes;
  (void)state;
  memset(deep, '[', TORPOR_DATA_DEPTH + 1);
  memset(deep + TORPOR_DATA_DEPTH + 1, ']', TORPOR_DATA_DEPTH + 1);
  assert_refuses_json(deep, 2 * TORPOR_DATA_DEPTH + 2, "nesting");
  test_ok(NULL, torpor_json_to_cbor(deep + 1, 2 * TORPOR_DATA_DEPTH, &bytes));
  torpor_bytes_free(&bytes);
  memset(tags, 0xc6, sizeof(tags));
  test_status(NULL, torpor_cbor_to_json(tags, sizeof(tags), &bytes),
              TORPOR_FORMAT);
}

static void test_refuses_cbor(void **state) {
  static const char *const bad[] = {
      "",
      "18",
      "1901",
      "42ff",
      "62ff",
      "8201",
      "a101",
      "ff",
      "81ff",
      "1c",
      "f800",
      "f81f",
      "5bffffffffffffffff00",
      "9bffffffffffffffff",
      "62c328",
      "0000",
      "9f01",
      "bf01ff",
      "5f6161ff",
      "c0",
      "d81d6161",
      "d81d00",
      "82d81c80d81d01",
      "da00746f7782d81d00d81d00", /* within itself, twice */
      "da00746f7701",
      "da00746f70841840d81d000000",
      "da00746f70841840da00746f6241000002",
      "82d81c80da00746f70841840d81d000000",
  };
  (void)state;
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    uint8_t bytes[20];
    size_t size = from_hex(bad[i], bytes);
    torpor_bytes text;
    test_status(NULL, torpor_cbor_to_json(bytes, size, &text), TORPOR_FORMAT);
    assert_null(text.data);
  }
}

static void test_refuses_size(void **state) {
  torpor_bytes out;
  (void)state;
  test_status(NULL, torpor_cbor_to_json("\xf6", TORPOR_DATA_LARGEST + 1, &out),
              TORPOR_LIMIT);
  test_status(NULL, torpor_json_to_cbor("1", TORPOR_DATA_LARGEST + 1, &out),
              TORPOR_LIMIT);
}

/* Views of a part, as the bytes of it. */
static void test_shows_views(void **state) {
  (void)state;
  assert_shows("83da00746f774401020304da00746f70841845d81d000202d81d00",
               "[\"AQIDBA==\",\"AwQ=\",\"AQIDBA==\"]");
  assert_shows(
      "82da00746f70841840d81cda00746f6243010203010"
      "1d81d00",
      "[\"Ag==\",\"AQID\"]");
}

/* Many parts of one buffer are not many times its bytes. */
static void test_shows_much_of_a_buffer(void **state) {
  static uint8_t zeros[1 << 20];
  torpor__buffer data = {0};
  torpor_bytes json;
  (void)state;
  torpor__cbor_head(&data, TORPOR__CBOR_ARRAY, 2001);
  torpor__cbor_head(&data, TORPOR__CBOR_TAG, TORPOR__TAG_WHOLE);
  torpor__cbor_bytes(&data, TORPOR__CBOR_BYTES, zeros, sizeof(zeros));
  for (int i = 0; i < 2000; i++) {
    if (i % 2) {
      torpor__buffer_add(&data, "\xd8\x1d\x00", 3);
      continue;
    }
    torpor__cbor_head(&data, TORPOR__CBOR_TAG, TORPOR__TAG_PART);
    torpor__buffer_add(&data, "\x84\x18\x40\xd8\x1d\x00\x00", 7);
    torpor__cbor_head(&data, TORPOR__CBOR_UNSIGNED, sizeof(zeros));
  }
  json = show(&data);
  assert_non_null(strstr((const char *)json.data, "\"[shared 0]\""));
  assert_true(json.size < 32 << 20);
  torpor_bytes_free(&json);
}

/* Whatever the bytes: an answer, and one that both readers agree on. */
static void test_random_bytes(void **state) {
  test_random random = {2};
  (void)state;
  for (int i = 0; i < 50000; i++) {
    uint8_t bytes[40];
    size_t size = test_random_next(&random) % sizeof(bytes);
    torpor__cbor_reader reader = torpor__cbor_read(bytes, size);
    torpor_bytes text;
    for (size_t at = 0; at < size; at++)
      bytes[at] = (uint8_t)test_random_next(&random);
    if (torpor_cbor_to_json(bytes, size, &text) != TORPOR_OK) continue;
    assert_true(torpor__utf8_valid(text.data, text.size));
    torpor_bytes_free(&text);
    assert_true(torpor__cbor_skip(&reader));
    assert_ptr_equal(reader.at, reader.end);
  }
}

static void test_error(void **state) {
  torpor_bytes bytes, text;
  (void)state;
  test_ok(NULL, torpor_cbor_error("TypeError", "no", "E_NO", &bytes));
  test_ok(NULL, torpor_cbor_to_json(bytes.data, bytes.size, &text));
  assert_string_equal((const char *)text.data,
                      "{\"name\":\"TypeError\",\"message\":\"no\","
                      "\"code\":\"E_NO\"}");
  torpor_bytes_free(&bytes);
  torpor_bytes_free(&text);
}

/* The last value counts, in the place of the first. */
static void test_names_twice(void **state) {
  static const struct {
    const char *json, *hex;
  } twice[] = {
      {"{\"a\":1,\"a\":2}", "a1616102"},
      {"{\"a\":1,\"b\":2,\"a\":3}", "a2616103616202"},
      {"{\"\":1,\"\":2,\"\":3}", "a16003"},
      {"{\"a\":1,\"\\u0061\":2}", "a1616102"},
      {"{\"\\ud800\":1,\"\\udfff\":2}", "a163efbfbd02"},
      {"[{\"a\":[[],1],\"b\":0,\"a\":[2]},[3]]", "82a2616181026162008103"},
      {"{\"a\":0,\"a\":{\"b\":0,\"b\":[1]},\"c\":[]}",
       "a26161a161628101616380"},
      {"{\"a\":{\"b\":0,\"b\":[1]},\"a\":0,\"c\":[2]}", "a261610061638102"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++)
    assert_encodes(twice[i].json, twice[i].hex);
}

/* One in another five hundred deep: each is read once, not each time again. */
static void test_names_twice_in_depth(void **state) {
  torpor__buffer data = {0};
  torpor_bytes json, cbor;
  (void)state;
  add_times(&data, TORPOR_DATA_DEPTH - 1, "{\"a\":0,\"a\":", 11);
  torpor__buffer_add(&data, "[1]", 3);
  add_times(&data, TORPOR_DATA_DEPTH - 1, "}", 1);
  test_ok(NULL, torpor__buffer_finish(&data, &json));
  test_ok(NULL, torpor_json_to_cbor((char *)json.data, json.size, &cbor));
  assert_int_equal(cbor.size, 3 * (TORPOR_DATA_DEPTH - 1) + 2);
  torpor_bytes_free(&cbor);
  torpor_bytes_free(&json);
}

/* Every allocation fails once; then all is as if nothing had happened. */
static void test_out_of_memory(void **state) {
  static const uint8_t shared[] = {0x82, 0xd8, 0x1c, 0x80, 0xd8, 0x1d, 0};
  const char *json =
      "{\"a\":[1,2.5,\"text\"],\"b\":{\"c\":[[],[[]]]},"
      "\"a\":0}";
  (void)state;
  for (long after = 0;; after++) {
    torpor_bytes cbor = {NULL, 0}, text = {NULL, 0};
    torpor_status status;
    torpor__alloc_fail(after);
    status = torpor_json_to_cbor(json, strlen(json), &cbor);
    if (status == TORPOR_OK)
      status = torpor_cbor_to_json(cbor.data, cbor.size, &text);
    torpor_bytes_free(&text);
    if (status == TORPOR_OK)
      status = torpor_cbor_to_json(shared, sizeof(shared), &text);
    torpor__alloc_fail(-1);
    assert_true(status == TORPOR_OK || status == TORPOR_NOMEM);
    torpor_bytes_free(&cbor);
    torpor_bytes_free(&text);
    assert_int_equal(torpor__alloc_live(), live_before);
    if (status == TORPOR_OK) break;
    assert_true(after < 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_examples),
      cmocka_unit_test(test_half_floats),
      cmocka_unit_test(test_numbers_come_back),
      cmocka_unit_test(test_shows),
      cmocka_unit_test(test_shows_structure),
      cmocka_unit_test(test_shows_shared),
      cmocka_unit_test(test_shows_much_shared),
      cmocka_unit_test(test_shows_deep_shared),
      cmocka_unit_test(test_shows_keys_of_keys),
      cmocka_unit_test(test_names_twice),
      cmocka_unit_test(test_names_twice_in_depth),
      cmocka_unit_test(test_refuses_json),
      cmocka_unit_test(test_refuses_depth),
      cmocka_unit_test(test_refuses_cbor),
      cmocka_unit_test(test_refuses_size),
      cmocka_unit_test(test_shows_views),
      cmocka_unit_test(test_shows_much_of_a_buffer),
      cmocka_unit_test(test_random_bytes),
      cmocka_unit_test(test_error),
      cmocka_unit_test(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
