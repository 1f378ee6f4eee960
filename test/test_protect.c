/* SPDX-License-Identifier: MIT */
/* test_protect.c - snapshots that a key protects: what was put in comes out,
 * and nothing else opens.
 *
 * The bytes themselves are checked against the documented algorithms by
 * test_read_snapshot.c, where another implementation opens them. */
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "common/alloc.h"
#include "test/support/vm.h"

static const uint8_t key[TORPOR_KEY_SIZE] = {1, 2, 3, 250};
static const char context[] = "run 7, step 12";

static torpor_bytes protect(const torpor_bytes *plain, torpor_protection how) {
  torpor_bytes bytes;
  test_ok(NULL, torpor_snapshot_protect(plain->data, plain->size, key, how,
                                        context, sizeof(context), &bytes));
  return bytes;
}

static torpor_status open_status(const uint8_t *data, size_t size,
                                 const uint8_t *with) {
  torpor_bytes plain;
  torpor_status status = torpor_snapshot_unprotect(data, size, with, context,
                                                   sizeof(context), &plain);
  assert_true((status == TORPOR_OK) == (plain.data != NULL));
  if (status != TORPOR_OK) assert_true(strlen(torpor_last_error(NULL)) > 10);
  torpor_bytes_free(&plain);
  return status;
}

static bool contains(const torpor_bytes *bytes, const char *text) {
  size_t size = strlen(text);
  for (size_t i = 0; i + size <= bytes->size; i++)
    if (memcmp(bytes->data + i, text, size) == 0) return true;
  return false;
}

static torpor_bytes sleeping(void) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes bytes;
  test_eval(vm, "globalThis.secret = 'a very ' + 'secret word'; 0");
  bytes = test_save(vm);
  torpor_vm_close(vm);
  return bytes;
}

static void test_there_and_back(void **state) {
  torpor_bytes plain = sleeping();
  (void)state;
  assert_true(contains(&plain, "a very secret word"));
  for (int how = TORPOR_AUTHENTICATE; how <= TORPOR_ENCRYPT; how++) {
    torpor_bytes sealed = protect(&plain, (torpor_protection)how), opened;
    assert_int_equal(sealed.size, plain.size + 64);
    assert_true(torpor_snapshot_is_protected(sealed.data, sealed.size));
    assert_int_equal(contains(&sealed, "a very secret word"),
                     how == TORPOR_AUTHENTICATE);
    test_ok(NULL, torpor_snapshot_unprotect(sealed.data, sealed.size, key,
                                            context, sizeof(context), &opened));
    assert_int_equal(opened.size, plain.size);
    assert_memory_equal(opened.data, plain.data, plain.size);
    torpor_bytes_free(&opened);
    torpor_bytes_free(&sealed);
  }
  assert_false(torpor_snapshot_is_protected(plain.data, plain.size));
  assert_false(torpor_snapshot_is_protected(NULL, 0));
  torpor_bytes_free(&plain);
}

/* No two envelopes are alike, so none tells that two snapshots are. */
static void test_salted(void **state) {
  torpor_bytes plain = sleeping();
  torpor_bytes one = protect(&plain, TORPOR_ENCRYPT);
  torpor_bytes two = protect(&plain, TORPOR_ENCRYPT);
  (void)state;
  assert_memory_not_equal(one.data + 16, two.data + 16, 32);
  assert_memory_not_equal(one.data + 48, two.data + 48, 32);
  torpor_bytes_free(&one);
  torpor_bytes_free(&two);
  torpor_bytes_free(&plain);
}

static torpor_status expected_of_byte(size_t at) {
  if (at < 8) return TORPOR_FORMAT; /* the magic */
  if (at < 16) return TORPOR_NEWER; /* version and kind */
  return TORPOR_KEY;
}

/* Every byte counts, and so does every cut. */
static void test_altered(void **state) {
  torpor_bytes plain = {(uint8_t *)"some twenty bytes", 17};
  (void)state;
  for (int how = TORPOR_AUTHENTICATE; how <= TORPOR_ENCRYPT; how++) {
    torpor_bytes sealed = protect(&plain, (torpor_protection)how);
    assert_true(open_status(sealed.data, sealed.size, key) == TORPOR_OK);
    for (size_t i = 0; i < sealed.size; i++) {
      sealed.data[i] ^= 0x10;
      test_status(NULL, open_status(sealed.data, sealed.size, key),
                  expected_of_byte(i));
      sealed.data[i] ^= 0x10;
    }
    /* Authenticated cannot pass for encrypted, nor the reverse. */
    sealed.data[12] ^= TORPOR_AUTHENTICATE ^ TORPOR_ENCRYPT;
    test_status(NULL, open_status(sealed.data, sealed.size, key), TORPOR_KEY);
    sealed.data[12] ^= TORPOR_AUTHENTICATE ^ TORPOR_ENCRYPT;
    for (size_t size = 0; size < sealed.size; size++)
      test_status(NULL, open_status(sealed.data, size, key),
                  size < 64 ? TORPOR_FORMAT : TORPOR_KEY);
    torpor_bytes_free(&sealed);
  }
}

static void test_wrong_key_and_context(void **state) {
  torpor_bytes plain = sleeping(), out;
  torpor_bytes sealed = protect(&plain, TORPOR_AUTHENTICATE);
  uint8_t other[TORPOR_KEY_SIZE];
  (void)state;
  for (size_t bit = 0; bit < 8 * sizeof(other); bit++) {
    memcpy(other, key, sizeof(other));
    other[bit / 8] ^= (uint8_t)(1 << bit % 8);
    test_status(NULL, open_status(sealed.data, sealed.size, other), TORPOR_KEY);
  }
  test_status(NULL,
              torpor_snapshot_unprotect(sealed.data, sealed.size, key,
                                        "run 7, step 13", 15, &out),
              TORPOR_KEY);
  test_status(
      NULL,
      torpor_snapshot_unprotect(sealed.data, sealed.size, key, NULL, 0, &out),
      TORPOR_KEY);
  torpor_bytes_free(&sealed);
  torpor_bytes_free(&plain);
}

static void test_misuse(void **state) {
  torpor_bytes plain = sleeping(), out;
  torpor_bytes sealed = protect(&plain, TORPOR_ENCRYPT);
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  torpor_vm *vm;
  (void)state;
  test_status(NULL,
              torpor_snapshot_protect(plain.data, plain.size, NULL,
                                      TORPOR_ENCRYPT, NULL, 0, &out),
              TORPOR_MISUSE);
  test_status(NULL,
              torpor_snapshot_protect(plain.data, plain.size, key,
                                      (torpor_protection)3, NULL, 0, &out),
              TORPOR_MISUSE);
  test_status(NULL, open_status(sealed.data, sealed.size, NULL), TORPOR_MISUSE);
  test_status(NULL, open_status(plain.data, plain.size, key), TORPOR_FORMAT);
  /* Whoever forgets the key is told so. */
  test_status(NULL,
              torpor_snapshot_restore(sealed.data, sealed.size, NULL, &vm),
              TORPOR_KEY);
  assert_non_null(strstr(torpor_last_error(NULL), "torpor_snapshot_unprotect"));
  test_status(NULL, torpor_snapshot_read(sealed.data, sealed.size, &info, NULL),
              TORPOR_KEY);
  torpor_bytes_free(&sealed);
  torpor_bytes_free(&plain);
}

static void test_no_memory(void **state) {
  torpor_bytes plain = {(uint8_t *)"x", 1}, out;
  torpor_bytes sealed = protect(&plain, TORPOR_ENCRYPT);
  (void)state;
  torpor__alloc_fail(0);
  test_status(
      NULL, torpor_snapshot_protect("x", 1, key, TORPOR_ENCRYPT, NULL, 0, &out),
      TORPOR_NOMEM);
  test_status(NULL, open_status(sealed.data, sealed.size, key), TORPOR_NOMEM);
  torpor__alloc_fail(-1);
  torpor_bytes_free(&sealed);
}

static void test_identify(void **state) {
  torpor_bytes plain = sleeping();
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE], expected[SHA256_DIGEST_LENGTH];
  (void)state;
  test_ok(NULL, torpor_snapshot_identify(plain.data, plain.size, id));
  SHA256(plain.data, plain.size, expected);
  assert_memory_equal(id, expected, sizeof(id));
  torpor_bytes_free(&plain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_there_and_back),
      cmocka_unit_test(test_salted),
      cmocka_unit_test(test_altered),
      cmocka_unit_test(test_wrong_key_and_context),
      cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_identify),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
