/* SPDX-License-Identifier: MIT */
/* test_packing.c - what becomes of the bytes of a snapshot: stored or packed,
 * with each level, on any number of threads. The same state gives the same
 * bytes, and all of them wake as the same. */
/* ctest: thread */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include "common/alloc.h"
#include "test/fuzz/draft.h"
#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/format/checksum.h"
#include "vm/format/container.h"
#include "vm/vm.h"
#include "wasm/os.h"

#define METHOD 4 /* in the head of a section */

/* Little, some kilobytes, and more than a block. */
static const char *const sources[] = {
    "globalThis.a = 1; 0",
    "globalThis.a = [...Array(3000)].map((_, i) => ({i})); 0",
    "globalThis.a = [...Array(30000)].map((_, i) => ({i, s: 's' + i})); 0",
    "globalThis.a = new Uint8Array(5e6).map((_, i) => i * i >> 3); 0",
};
#define SOURCES (sizeof(sources) / sizeof(*sources))

static torpor_bytes save(torpor_vm *vm, const torpor_save_options *options) {
  torpor_bytes bytes;
  test_ok(vm, torpor_snapshot_save_with(vm, options, &bytes));
  return bytes;
}

static bool are_equal(const torpor_bytes *a, const torpor_bytes *b) {
  return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* Where the head of the section of memory is. */
static size_t find_memory(const torpor_bytes *bytes) {
  size_t at = 96;
  while (bytes->data[at] != TORPOR__SECTION_MEMORY) {
    uint64_t size;
    memcpy(&size, bytes->data + at + 16, 8);
    at += 24 + (size_t)size;
  }
  return at;
}

static uint8_t method_of(const torpor_bytes *bytes) {
  return bytes->data[find_memory(bytes) + METHOD];
}

/* Asserts that 'bytes' wake as a VM that is saved as 'expected', with
 * 'options', and as the same bytes with 'again'. */
static void check_wakes(const torpor_bytes *bytes,
                        const torpor_save_options *again,
                        const torpor_bytes *expected) {
  static const torpor_memory kinds[] = {
      TORPOR_MEMORY_AUTO, TORPOR_MEMORY_POOLED, TORPOR_MEMORY_MAPPED};
  for (int i = 0; i < 3; i++) {
    torpor_options options = TORPOR_OPTIONS_INIT;
    torpor_bytes same, plain;
    torpor_vm *vm;
    options.memory = kinds[i];
    vm = test_restore(bytes, &options);
    same = save(vm, again);
    plain = save(vm, NULL);
    assert_true(are_equal(&same, bytes));
    assert_true(are_equal(&plain, expected));
    torpor_bytes_free(&same);
    torpor_bytes_free(&plain);
    torpor_vm_close(vm);
  }
}

static void test_round_trips(void **state) {
  static const int levels[] = {0, -5, 1, 3, 9};
  (void)state;
  for (size_t i = 0; i < SOURCES; i++) {
    torpor_vm *vm = test_vm_open(NULL);
    torpor_bytes stored;
    test_eval(vm, sources[i]);
    stored = save(vm, NULL);
    assert_int_equal(method_of(&stored), TORPOR__METHOD_STORED);
    check_wakes(&stored, NULL, &stored);
    for (size_t j = 0; j < sizeof(levels) / sizeof(*levels); j++) {
      torpor_save_options how = *TEST_PACK(0, 1);
      torpor_bytes packed;
      how.level = levels[j];
      packed = save(vm, &how);
      if (i > 0) assert_true(packed.size < stored.size);
      assert_in_range(malloc_usable_size(packed.data), packed.size,
                      2 * packed.size + (68 << 10));
      check_wakes(&packed, &how, &stored);
      torpor_bytes_free(&packed);
    }
    torpor_bytes_free(&stored);
    torpor_vm_close(vm);
  }
}

/* However many threads pack, and when the system gives none. */
static void test_threads(void **state) {
  static const uint8_t methods[SOURCES] = {
      TORPOR__METHOD_STORED, TORPOR__METHOD_ZSTD, TORPOR__METHOD_FRAMES,
      TORPOR__METHOD_FRAMES};
  static const unsigned threads[] = {0, 2, 3, 64, 1000};
  (void)state;
  for (size_t i = 0; i < SOURCES; i++) {
    torpor_vm *vm = test_vm_open(NULL);
    torpor_bytes alone, more;
    test_eval(vm, sources[i]);
    alone = save(vm, TEST_PACK(0, 1));
    assert_int_equal(method_of(&alone), methods[i]);
    for (size_t j = 0; j < sizeof(threads) / sizeof(*threads); j++) {
      more = save(vm, TEST_PACK(0, threads[j]));
      assert_true(are_equal(&more, &alone));
      torpor_bytes_free(&more);
    }
    torpor__os_refuse(0, 1000);
    more = save(vm, TEST_PACK(0, 8));
    torpor__os_refuse(0, 0);
    assert_true(are_equal(&more, &alone));
    torpor_bytes_free(&more);
    torpor_bytes_free(&alone);
    torpor_vm_close(vm);
  }
}

/* What a job copies out of the VM first gets the same bytes as what is packed
 * where it lies. */
static void test_copied_or_lent(void **state) {
  (void)state;
  for (size_t i = 0; i < SOURCES; i++) {
    torpor_vm *vm = test_vm_open(NULL);
    torpor_snapshot_job *job;
    torpor_bytes lent, copied;
    test_eval(vm, sources[i]);
    lent = save(vm, TEST_PACK(0, 1));
    test_ok(vm, torpor_snapshot_save_start(vm, TEST_PACK(0, 1), &job));
    test_eval(vm, "globalThis.a = null; 0");
    test_ok(vm, torpor_snapshot_job_finish(job, &copied));
    assert_true(are_equal(&copied, &lent));
    torpor_bytes_free(&copied);
    torpor_bytes_free(&lent);
    torpor_vm_close(vm);
  }
}

/* Adds bytes to both. */
static void add_piece(torpor__pieces *pieces, torpor__buffer *flat,
                      const uint8_t *data, size_t size, bool lent) {
  torpor__buffer_add(flat, data, size);
  if (lent)
    torpor__pieces_lend(pieces, data, size);
  else
    torpor__buffer_add(&pieces->own, data, size);
}

/* Packs 'flat' and the same in pieces, which gets the same bytes. */
static torpor__method check_packed(const torpor__pieces *pieces,
                                   const torpor__buffer *flat,
                                   unsigned threads) {
  torpor__packing packing = {true, TORPOR__PACK_LEVEL, threads};
  torpor__buffer whole = {0}, gathered = {0};
  torpor__method method;
  torpor__buffer_add(&whole, "head", 4);
  torpor__buffer_add(&whole, flat->data, flat->size);
  torpor__buffer_add(&gathered, "head", 4);
  method = torpor__pack_tail(&whole, flat->size, &packing);
  assert_int_equal(torpor__pack_pieces(&gathered, pieces, &packing), method);
  assert_false(whole.failed || gathered.failed);
  assert_int_equal(gathered.size, whole.size);
  assert_memory_equal(gathered.data, whole.data, whole.size);
  torpor__buffer_free(&whole);
  torpor__buffer_free(&gathered);
  return method;
}

static size_t below(test_random *random, size_t end) {
  return (size_t)(test_random_next(random) % end);
}

/* Pieces of random sizes, of which any part can be read. */
static void test_pieces(void **state) {
  enum { SIZE = 300 << 10, ROUNDS = 24 };
  uint8_t *data = malloc(SIZE), *part = malloc(SIZE);
  test_random random = {3};
  unsigned methods = 0;
  (void)state;
  for (int round = 0; round < ROUNDS; round++) {
    bool noise = round % 2 == 0;
    size_t most = round % 3 == 0 ? 2 << 20 : round % 3 == 1 ? 200 << 10 : 999;
    torpor__pieces pieces = {0};
    torpor__buffer flat = {0};
    for (size_t i = 0; i < SIZE; i++)
      data[i] = (uint8_t)(noise ? test_random_next(&random) : i % 1000 / 10);
    while (flat.size < most) {
      size_t size = below(&random, round % 4 < 2 ? SIZE : 5000);
      add_piece(&pieces, &flat, data, size, below(&random, 2) == 0);
    }
    assert_int_equal(torpor__pieces_size(&pieces), flat.size);
    for (int i = 0; i < 200; i++) {
      size_t at = below(&random, flat.size + 1);
      size_t left = flat.size - at < SIZE ? flat.size - at : SIZE;
      size_t size = below(&random, left + 1);
      torpor__pieces_copy(&pieces, at, size, part);
      assert_memory_equal(part, flat.data + at, size);
    }
    methods |= 1u << check_packed(&pieces, &flat, 1 + round % 3);
    torpor__pieces_free(&pieces);
    torpor__buffer_free(&flat);
  }
  assert_int_equal(methods, (1u << TORPOR__METHOD_END) - 1);
  free(data);
  free(part);
}

/* What packing makes no smaller is stored. */
static void test_not_smaller(void **state) {
  enum { SIZE = 3 << 20 };
  uint8_t *data = malloc(SIZE);
  test_random random = {4};
  torpor__pieces pieces = {0};
  torpor__buffer flat = {0};
  (void)state;
  for (size_t i = 0; i < SIZE; i++)
    data[i] = (uint8_t)test_random_next(&random);
  add_piece(&pieces, &flat, data, 100, false);
  add_piece(&pieces, &flat, data + 100, SIZE - 200, true);
  add_piece(&pieces, &flat, data + SIZE - 100, 100, false);
  for (unsigned threads = 1; threads <= 2; threads++)
    assert_int_equal(check_packed(&pieces, &flat, threads),
                     TORPOR__METHOD_STORED);
  torpor__pieces_free(&pieces);
  torpor__buffer_free(&flat);
  free(data);
}

/* A large heap is stored by whole pages; what is zero is left out. */
static void test_stored_is_copied(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes stored;
  (void)state;
  test_eval(vm, "globalThis.a = new Uint8Array(5e6); 0");
  stored = save(vm, NULL);
  assert_true(stored.size < 100000);
  torpor_bytes_free(&stored);
  /* One byte in each page but the last hundred. */
  test_eval(vm,
            "for (let i = 0; i < 5e6 - 409600; i += 4096) a[i + 100] = 7; 0");
  stored = save(vm, NULL);
  assert_in_range(stored.size, 4500000, 4800000);
  torpor_bytes_free(&stored);
  stored = save(vm, TEST_PACK(0, 1));
  assert_true(stored.size < 100000);
  torpor_bytes_free(&stored);
  torpor_vm_close(vm);
}

/* ---- Differences ----------------------------------------------------------*/

/* A chain of pieces that are stored and packed by turns. */
static void test_differences(void **state) {
  const unsigned delta = TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA;
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes pieces[5], expected;
  torpor_slice chain[5];
  (void)state;
  for (int i = 0; i < 5; i++) {
    unsigned flags = i == 0 ? TORPOR_SAVE_PARENT : delta;
    torpor_bytes again;
    torpor_vm *woken;
    test_eval(vm, sources[(unsigned)(i + 2) % SOURCES]);
    pieces[i] = save(vm, i % 2 ? TEST_PACK(flags, 2) : TEST_SAVE(flags));
    chain[i] = (torpor_slice){pieces[i].data, pieces[i].size};
    expected = save(vm, NULL);
    test_ok(NULL,
            torpor_snapshot_restore_chain(chain, (size_t)i + 1, NULL, &woken));
    again = save(woken, NULL);
    assert_true(are_equal(&again, &expected));
    torpor_bytes_free(&again);
    torpor_bytes_free(&expected);
    torpor_vm_close(woken);
  }
  assert_int_equal(method_of(&pieces[1]), TORPOR__METHOD_FRAMES);
  for (int i = 0; i < 5; i++) torpor_bytes_free(&pieces[i]);
  torpor_vm_close(vm);
}

/* ---- Ids ------------------------------------------------------------------*/

/* Asserts that the difference that is made after 'bytes' woke names them. */
static void check_named(const torpor_bytes *bytes) {
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
  torpor_vm *vm = test_restore(bytes, NULL);
  torpor_bytes delta = save(vm, TEST_SAVE(TORPOR_SAVE_DELTA));
  test_ok(NULL, torpor_snapshot_identify(bytes->data, bytes->size, id));
  assert_memory_equal(delta.data + 48, id, sizeof(id));
  torpor_bytes_free(&delta);
  torpor_vm_close(vm);
}

/* Of a large stored snapshot the id is made of the image and what is kept
 * besides. */
static void test_named_later(void **state) {
  static const uint8_t map[] = {0xa1, 0x61, 'a', 1};
  const unsigned flags[] = {0, TORPOR_SAVE_WAITING};
  (void)state;
  for (size_t i = 0; i < 2 * SOURCES; i++) {
    torpor_vm *vm = test_vm_open(NULL);
    torpor_bytes bytes, with;
    test_eval(vm, sources[i % SOURCES]);
    bytes = save(vm, TEST_SAVE(flags[i / SOURCES]));
    check_named(&bytes);
    test_ok(NULL, torpor_snapshot_attach(bytes.data, bytes.size, map,
                                         sizeof(map), &with));
    check_named(&with);
    torpor_bytes_free(&with);
    torpor_bytes_free(&bytes);
    torpor_vm_close(vm);
  }
}

/* The image loses what lies behind the heap's end; the id does not. */
static void test_named_though_cut(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  uint32_t at = vm->engine->control + 12, end;
  torpor_bytes bytes;
  draft whole;
  (void)state;
  test_eval(vm, sources[3]);
  end = vm->control->heap_break - 100000;
  bytes = save(vm, NULL);
  draft_read(&whole, bytes.data, bytes.size);
  torpor_bytes_free(&bytes);
  draft_patch(&draft_find(&whole, DRAFT_MEMORY)->content, at, &end, 4);
  bytes = draft_write(&whole, NULL);
  check_named(&bytes);
  draft_free(&whole);
  torpor_bytes_free(&bytes);
  torpor_vm_close(vm);
}

/* ---- Checksums ------------------------------------------------------------*/

static void test_checksums(void **state) {
  static const size_t cuts[] = {0, 1, 2, 3, 4, 7, 64, 65537, 99999, 100000};
  const size_t size = 100000;
  uint8_t *bytes = malloc(size);
  uint32_t sum;
  test_random random = {1};
  (void)state;
  assert_non_null(bytes);
  for (size_t i = 0; i < size; i++)
    bytes[i] = (uint8_t)test_random_next(&random);
  sum = torpor__checksum(bytes, size);
  assert_int_equal(sum, libdeflate_crc32(0, bytes, size));
  for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
    uint32_t first = torpor__checksum(bytes, cuts[i]);
    uint32_t second = torpor__checksum(bytes + cuts[i], size - cuts[i]);
    assert_int_equal(torpor__checksum_join(first, second, size - cuts[i]), sum);
  }
  free(bytes);
}

/* Bytes that are copied while their checksum is made, to and from every
 * alignment, and behind others. */
static void test_copied_checksums(void **state) {
  static const size_t sizes[] = {0,    1,    63,   64,    100,
                                 4095, 4096, 4097, 4110,  4159,
                                 4160, 8192, 8255, 65536, 99999};
  uint8_t *bytes = malloc(100100);
  test_random random = {2};
  (void)state;
  assert_non_null(bytes);
  for (size_t i = 0; i < 100100; i++)
    bytes[i] = (uint8_t)test_random_next(&random);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
    for (size_t at = 0; at < 33; at++) {
      torpor__buffer buffer = {0};
      torpor__running_checksum sum;
      const uint8_t *from = bytes + at * 7 % 32;
      torpor__buffer_add(&buffer, bytes, at);
      torpor__checksum_begin(&sum, &buffer);
      torpor__buffer_add(&buffer, bytes, at % 5);
      assert_true(torpor__buffer_reserve(&buffer, sizes[i]));
      torpor__checksum_add(&sum, &buffer, from, sizes[i]);
      assert_int_equal(buffer.size, at + at % 5 + sizes[i]);
      assert_int_equal(sum.end, buffer.size);
      assert_memory_equal(buffer.data + at + at % 5, from, sizes[i]);
      assert_int_equal(sum.value,
                       libdeflate_crc32(0, buffer.data + at, buffer.size - at));
      torpor__buffer_free(&buffer);
    }
  free(bytes);
}

/* ---- Options --------------------------------------------------------------*/

static void test_options(void **state) {
  static const torpor_save_options wrong[] = {
      {.size = 0},
      {.size = 7},
      {.size = 1 << 20},
      {.size = sizeof(torpor_save_options), .flags = 8},
      {.size = sizeof(torpor_save_options), .packing = (torpor_packing)2},
      {.size = sizeof(torpor_save_options), .level = 23},
      {.size = sizeof(torpor_save_options), .level = -131073},
  };
  struct {
    torpor_save_options known;
    uint64_t unknown;
  } newer = {*TEST_SAVE(0), 0};
  torpor_save_options older = *TEST_SAVE(99);
  torpor_vm *vm = test_vm_open(NULL);
  torpor_snapshot_job *job;
  torpor_bytes bytes;
  (void)state;
  for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
    test_status(vm, torpor_snapshot_save_with(vm, &wrong[i], &bytes),
                TORPOR_MISUSE);
    assert_null(bytes.data);
    assert_true(strlen(torpor_last_error(vm)) > 10);
    test_status(vm, torpor_snapshot_save_start(vm, &wrong[i], &job),
                TORPOR_MISUSE);
    assert_null(job);
  }
  newer.known.size = sizeof(newer);
  bytes = save(vm, &newer.known);
  torpor_bytes_free(&bytes);
  newer.unknown = 1;
  test_status(vm, torpor_snapshot_save_with(vm, &newer.known, &bytes),
              TORPOR_MISUSE);
  older.size = offsetof(torpor_save_options, flags);
  bytes = save(vm, &older);
  torpor_bytes_free(&bytes);
  torpor_vm_close(vm);
}

/* ---- Hostile --------------------------------------------------------------*/

static void set_checksum(torpor_bytes *bytes) {
  uint32_t sum = libdeflate_crc32(0, bytes->data, bytes->size - 4);
  memcpy(bytes->data + bytes->size - 4, &sum, 4);
}

/* 'good' with 'content' of 'size' bytes as what is stored of its memory. */
static torpor_bytes with_memory(const torpor_bytes *good,
                                const uint8_t *content, size_t size) {
  size_t at = find_memory(good) + 24;
  uint64_t stored = size;
  torpor_bytes bytes = {malloc(at + size + 4), at + size + 4};
  assert_non_null(bytes.data);
  memcpy(bytes.data, good->data, at);
  memcpy(bytes.data + at - 8, &stored, 8);
  memcpy(bytes.data + at, content, size);
  set_checksum(&bytes);
  return bytes;
}

static torpor_status wake_status(const torpor_bytes *bytes) {
  torpor_vm *vm;
  torpor_status status =
      torpor_snapshot_restore(bytes->data, bytes->size, NULL, &vm);
  torpor_vm_close(vm);
  return status;
}

static void assert_refused(const torpor_bytes *good, const uint8_t *content,
                           size_t size) {
  torpor_bytes bad = with_memory(good, content, size);
  test_status(NULL, wake_status(&bad), TORPOR_FORMAT);
  free(bad.data);
}

/* Frames that are cut off, missing, too many, empty, or of another size. */
static void test_frames(void **state) {
  static const uint8_t empty[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0};
  static const uint8_t skipped[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes good, same, bad;
  uint8_t *content, *more;
  size_t head, size;
  (void)state;
  test_eval(vm, sources[3]);
  good = save(vm, TEST_PACK(0, 2));
  head = find_memory(&good);
  content = good.data + head + 24;
  size = good.size - head - 28;
  same = with_memory(&good, content, size);
  assert_true(are_equal(&same, &good));
  free(same.data);
  more = malloc(size + sizeof(empty));
  assert_non_null(more);
  memcpy(more, content, size);
  memcpy(more + size, empty, sizeof(empty));
  assert_refused(&good, more, size + sizeof(empty));
  memcpy(more + size, skipped, sizeof(skipped));
  assert_refused(&good, more, size + sizeof(skipped));
  memcpy(more, skipped, sizeof(skipped));
  memcpy(more + sizeof(skipped), content, size);
  assert_refused(&good, more, size + sizeof(skipped));
  free(more);
  for (size_t cut = 1; cut < size; cut = cut * 2 + 1)
    assert_refused(&good, content, size - cut);
  for (int i = 0; i < 200; i++) {
    bad = with_memory(&good, content, size);
    bad.data[head + 24 + (size_t)i * (size / 200)] ^= 0x11;
    set_checksum(&bad);
    wake_status(&bad); /* whatever comes of it */
    free(bad.data);
  }
  good.data[head + METHOD] = TORPOR__METHOD_ZSTD;
  assert_refused(&good, content, size);
  torpor_bytes_free(&good);
  torpor_vm_close(vm);
}

/* A draft writes frames of its own; here they have other sizes. */
static void test_other_blocks(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes good, bad;
  draft whole;
  (void)state;
  test_eval(vm, sources[1]);
  good = save(vm, TEST_PACK(0, 1));
  draft_read(&whole, good.data, good.size);
  bad = draft_write(&whole, NULL);
  test_ok(NULL, wake_status(&bad));
  torpor_bytes_free(&bad);
  draft_find(&whole, DRAFT_MEMORY)->method = TORPOR__METHOD_FRAMES;
  bad = draft_write(&whole, NULL); /* it has less than a block */
  test_status(NULL, wake_status(&bad), TORPOR_FORMAT);
  torpor_bytes_free(&bad);
  draft_free(&whole);
  torpor_bytes_free(&good);
  torpor_vm_close(vm);
}

/* ---- Allocation -----------------------------------------------------------*/

/* Saves with 'how' until no allocation of this thread fails. */
static void run_out(torpor_vm *vm, const torpor_save_options *how,
                    const torpor_bytes *expected) {
  torpor_status status = TORPOR_NOMEM;
  torpor_bytes bytes;
  for (long after = 0; status != TORPOR_OK; after++) {
    torpor__alloc_fail(after);
    status = torpor_snapshot_save_with(vm, how, &bytes);
    torpor__alloc_fail(-1);
    assert_true(after < 100);
    if (status != TORPOR_OK) {
      assert_int_equal(status, TORPOR_NOMEM);
      assert_null(bytes.data);
    }
  }
  assert_true(are_equal(&bytes, expected));
  torpor_bytes_free(&bytes);
}

/* Every allocation fails in turn: an error, and the VM is as it was. */
static void test_memory(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_status status = TORPOR_NOMEM;
  torpor_bytes expected;
  (void)state;
  test_eval(vm, sources[2]);
  expected = save(vm, TEST_PACK(0, 1));
  run_out(vm, TEST_PACK(0, 1), &expected); /* of pieces, too */
  run_out(vm, TEST_PACK(0, 2), &expected); /* in one of the two */
  for (long after = 0; status != TORPOR_OK; after++) {
    torpor__alloc_fail(after);
    status = wake_status(&expected);
    torpor__alloc_fail(-1);
    assert_true(after < 100);
    if (status != TORPOR_OK) assert_int_equal(status, TORPOR_NOMEM);
  }
  torpor_bytes_free(&expected);
  torpor_vm_close(vm);
}

/* The same when the system refuses, at each place in turn. */
static void test_refusals(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_bytes stored, again;
  unsigned asked, passed = 0;
  (void)state;
  test_eval(vm, sources[2]);
  stored = save(vm, NULL);
  torpor_vm_close(vm);
  do {
    torpor_status status;
    torpor_pool_drain();
    torpor__os_refuse(passed, 1);
    status = torpor_snapshot_restore(stored.data, stored.size, NULL, &vm);
    asked = torpor__os_asked();
    torpor__os_refuse(0, 0);
    if (status != TORPOR_OK) {
      assert_int_equal(status, TORPOR_NOMEM);
      continue;
    }
    again = save(vm, NULL);
    assert_true(are_equal(&again, &stored));
    torpor_bytes_free(&again);
    torpor_vm_close(vm);
  } while (asked > passed++); /* until nothing was refused */
  assert_in_range(asked, 10, 1000);
  torpor_bytes_free(&stored);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trips),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_copied_or_lent),
      cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_not_smaller),
      cmocka_unit_test(test_stored_is_copied),
      cmocka_unit_test(test_differences),
      cmocka_unit_test(test_named_later),
      cmocka_unit_test(test_named_though_cut),
      cmocka_unit_test(test_checksums),
      cmocka_unit_test(test_copied_checksums),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_frames),
      cmocka_unit_test(test_other_blocks),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
