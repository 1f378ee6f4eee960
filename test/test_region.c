/* SPDX-License-Identifier: MIT */
/* test_region.c - linear memory: its bounds, what is committed, what is zero.
 * ctest: thread */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/wasm/probe.h"
#include "wasm/region.h"

#define CHUNK TORPOR__CHUNK

static uint32_t grow(probe *probe, uint32_t pages) {
  torpor__trap trap;
  volatile uint32_t result = 0;
  PROBE_ENTER(probe, trap, result = Z_probeZ_grow(probe->instance, pages));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  return result;
}

static void test_layout(void **state) {
  probe *probe = *state;
  assert_ptr_equal(probe->instance, probe->memory);
  assert_ptr_equal(probe->memory->data,
                   (char *)probe->instance + TORPOR__MEMORY_DISTANCE);
  assert_true(sizeof(Z_probe_instance_t) <= TORPOR__INSTANCE_MAX);
  assert_int_equal(probe->memory->pages, 4);
  assert_int_equal(probe->memory->size, 4 * 65536);
  assert_memory_equal(probe->memory->data + 65528, "edge", 4);
}

/* Generated code finds memory from the instance: 'data' is not looked at. */
static void test_address_needs_no_load(void **state) {
  probe *probe = *state;
  uint8_t *data = probe->memory->data;
  uint32_t value;
  probe->memory->data = NULL;
  torpor__trap stored = probe_store(probe, 1000, 0x12345678);
  torpor__trap loaded = probe_load(probe, 1000, &value);
  probe->memory->data = data;
  assert_int_equal(stored, TORPOR__TRAP_NONE);
  assert_int_equal(loaded, TORPOR__TRAP_NONE);
  assert_int_equal(value, 0x12345678);
}

static void test_fresh_memory_is_zero(void **state) {
  probe *probe = *state;
  uint32_t value;
  for (uint32_t address = 0; address < 4 * 65536; address += 4096) {
    assert_int_equal(probe_load(probe, address, &value), TORPOR__TRAP_NONE);
    assert_int_equal(value, 0);
  }
}

static void test_bounds(void **state) {
  static const uint32_t outside[] = {4 * 65536,  4 * 65536 - 3, 4 * 65536 - 1,
                                     5 * 65536,  0x7fffffff,    0x80000000,
                                     0xfffffffc, 0xffffffff};
  probe *probe = *state;
  uint32_t value;
  assert_int_equal(probe_load(probe, 4 * 65536 - 4, &value), TORPOR__TRAP_NONE);
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    assert_int_equal(probe_load(probe, outside[i], &value),
                     TORPOR__TRAP_BOUNDS);
    assert_int_equal(probe_store(probe, outside[i], 1), TORPOR__TRAP_BOUNDS);
  }
}

/* A constant offset on top of the largest address stays in the reservation. */
static void test_bounds_with_offset(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  volatile uint64_t value = 0;
  (void)value;
  PROBE_ENTER(probe, trap,
              value = Z_probeZ_load_wide(probe->instance, 0xffffffff));
  assert_int_equal(trap, TORPOR__TRAP_BOUNDS);
  PROBE_ENTER(probe, trap, value = Z_probeZ_load_wide(probe->instance, 0));
  assert_int_equal(trap, TORPOR__TRAP_BOUNDS);
  assert_int_equal(grow(probe, 60), 4);
  PROBE_ENTER(probe, trap, value = Z_probeZ_load_wide(probe->instance, 0));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
}

/* Loads that the compiler may fold and vectorise still trap. */
static void test_bounds_in_a_loop(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  volatile uint32_t sum = 0;
  PROBE_ENTER(probe, trap, sum = Z_probeZ_sum(probe->instance, 4 * 65536));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  assert_int_equal(sum, 'e' + 'd' + 'g' + 'e');
  PROBE_ENTER(probe, trap, sum = Z_probeZ_sum(probe->instance, 4 * 65536 + 1));
  assert_int_equal(trap, TORPOR__TRAP_BOUNDS);
}

static void test_bulk_operations(void **state) {
  probe *probe = *state;
  Z_probe_instance_t *instance = probe->instance;
  torpor__trap trap;
  uint32_t value;
  PROBE_ENTER(probe, trap, Z_probeZ_fill(instance, 65536, 7, 3 * 65536));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  PROBE_ENTER(probe, trap, Z_probeZ_copy(instance, 0, 65536, 8));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  assert_int_equal(probe_load(probe, 4, &value), TORPOR__TRAP_NONE);
  assert_int_equal(value, 0x07070707);
  /* Too long by one: nothing is written. */
  PROBE_ENTER(probe, trap, Z_probeZ_fill(instance, 1, 9, 4 * 65536));
  assert_int_equal(trap, TORPOR__TRAP_BOUNDS);
  PROBE_ENTER(probe, trap, Z_probeZ_copy(instance, 0xffffffff, 0, 2));
  assert_int_equal(trap, TORPOR__TRAP_BOUNDS);
  assert_int_equal(probe_load(probe, 4, &value), TORPOR__TRAP_NONE);
  assert_int_equal(value, 0x07070707);
}

static void test_growth(void **state) {
  probe *probe = *state;
  uint32_t value;
  assert_int_equal(grow(probe, 0), 4);
  assert_int_equal(grow(probe, 61), UINT32_MAX);
  assert_int_equal(grow(probe, UINT32_MAX), UINT32_MAX);
  assert_int_equal(probe_load(probe, 6 * 65536 - 4, &value),
                   TORPOR__TRAP_BOUNDS);
  assert_int_equal(grow(probe, 2), 4);
  assert_int_equal(probe_load(probe, 6 * 65536 - 4, &value), TORPOR__TRAP_NONE);
  assert_int_equal(value, 0);
  assert_int_equal(grow(probe, 58), 6);
  assert_int_equal(grow(probe, 1), UINT32_MAX);
  assert_int_equal(probe->memory->pages, 64);
}

static void test_shrinking_forgets(void **state) {
  probe *probe = *state;
  uint32_t value;
  assert_int_equal(probe_store(probe, 3 * 65536, 1), TORPOR__TRAP_NONE);
  assert_true(torpor__region_set_pages(probe->region, 2, 64));
  assert_int_equal(probe_load(probe, 3 * 65536, &value), TORPOR__TRAP_BOUNDS);
  assert_int_equal(grow(probe, 2), 2);
  assert_int_equal(probe_load(probe, 3 * 65536, &value), TORPOR__TRAP_NONE);
  assert_int_equal(value, 0);
}

static void test_limits_of_size(void **state) {
  probe *probe = *state;
#ifdef TORPOR_SOFT_BOUNDS
  (void)probe; /* 4 GiB would be committed */
#else
  uint32_t value;
  assert_true(torpor__region_set_pages(probe->region, 65536, UINT32_MAX));
  assert_int_equal(probe->memory->pages, TORPOR__PAGES_MAX);
  assert_int_equal(probe->memory->max_pages, TORPOR__PAGES_MAX);
  assert_int_equal(probe_store(probe, 0xfffefffc, 5), TORPOR__TRAP_NONE);
  assert_int_equal(probe_load(probe, 0xffff0000, &value), TORPOR__TRAP_BOUNDS);
  assert_true(torpor__region_set_pages(probe->region, 4, 64));
#endif
}

#ifndef TORPOR_SOFT_BOUNDS

/* The committed ranges as text: "0-1 3-4" in chunks. */
struct ranges {
  size_t size;
  char text[200];
};

static void write_range(void *user, uint32_t start, uint32_t end) {
  struct ranges *ranges = user;
  assert_int_equal(start % CHUNK, 0);
  assert_int_equal(end % CHUNK, 0);
  ranges->size += (size_t)snprintf(
      ranges->text + ranges->size, sizeof ranges->text - ranges->size,
      "%s%u-%u", ranges->size > 0 ? " " : "", start / CHUNK, end / CHUNK);
}

static const char *list_committed(torpor__region *region) {
  static _Thread_local struct ranges ranges;
  ranges.size = 0;
  ranges.text[0] = 0;
  torpor__region_committed(region, write_range, &ranges);
  return ranges.text;
}

static void test_committed_is_what_was_touched(void **state) {
  probe *probe = *state;
  assert_string_equal(list_committed(probe->region), "0-1");
  assert_int_equal(probe_store(probe, 2 * CHUNK + 100, 1), TORPOR__TRAP_NONE);
  assert_string_equal(list_committed(probe->region), "0-1 2-3");
  assert_int_equal(probe_store(probe, 2 * CHUNK - 2, 1), TORPOR__TRAP_NONE);
  assert_string_equal(list_committed(probe->region), "0-3");
  assert_int_equal(grow(probe, 60), 4);
  assert_int_equal(probe_store(probe, 64 * CHUNK - 4, 1), TORPOR__TRAP_NONE);
  assert_string_equal(list_committed(probe->region), "0-3 63-64");
}

static void test_commit_and_decommit(void **state) {
  probe *probe = *state;
  uint32_t value;
  assert_false(torpor__region_commit(probe->region, 0, 4 * CHUNK + 1));
  assert_false(torpor__region_commit(probe->region, 8, 4));
  assert_true(torpor__region_commit(probe->region, 5, 5));
  assert_true(torpor__region_commit(probe->region, CHUNK + 5, 3 * CHUNK + 1));
  assert_string_equal(list_committed(probe->region), "0-4");
  assert_int_equal(probe_store(probe, 2 * CHUNK, 1), TORPOR__TRAP_NONE);
  /* Not aligned: only what lies whole in the range goes. */
  assert_true(torpor__region_decommit(probe->region, CHUNK + 1, 4 * CHUNK - 1));
  assert_string_equal(list_committed(probe->region), "0-2 3-4");
  assert_int_equal(probe_load(probe, 2 * CHUNK, &value), TORPOR__TRAP_NONE);
  assert_int_equal(value, 0);
}

static uint32_t read_memory(void *user, uint32_t address) {
  probe *probe = user;
  return ((volatile uint8_t *)probe->memory->data)[address];
}

/* Host code called by the guest may touch what is not committed yet. */
static void test_host_access_commits(void **state) {
  probe *probe = *state;
  torpor__trap trap;
  volatile uint32_t value = 0;
  probe->host = (struct Z_host_instance_t){read_memory, probe};
  PROBE_ENTER(probe, trap,
              value = Z_probeZ_call_host(probe->instance, 3 * CHUNK));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  assert_int_equal(value, 1);
  assert_string_equal(list_committed(probe->region), "0-1 3-4");
}

#endif

/* ---- On a file, tracked, shared -------------------------------------------*/

#ifndef TORPOR_SOFT_BOUNDS

enum { FILE_CHUNKS = 3, MAPPED_PAGES = 6 };

/* A file of memory whose byte number i is i / 4096 + 1. */
static int make_file(void) {
  static uint8_t page[TORPOR__PAGE];
  int file = memfd_create("test", MFD_CLOEXEC);
  assert_true(file >= 0);
  for (unsigned i = 0; i < FILE_CHUNKS * CHUNK / TORPOR__PAGE; i++) {
    memset(page, (int)i + 1, sizeof page);
    assert_int_equal(write(file, page, sizeof page), sizeof page);
  }
  return file;
}

static torpor__region *open_on_file(bool tracked) {
  torpor__region *region = torpor__region_open(MAPPED_PAGES, MAPPED_PAGES);
  int file = make_file();
  assert_non_null(region);
  assert_true(torpor__region_map(region, file, FILE_CHUNKS * CHUNK, tracked));
  close(file);
  return region;
}

static torpor__region *open_mapped(void) {
  return open_on_file(false);
}

/* The pages that were found, as bits. */
struct found {
  uint64_t pages[MAPPED_PAGES * CHUNK / TORPOR__PAGE / 64 + 1];
  uint32_t end;
};

static void add_found(void *user, uint32_t start, uint32_t end) {
  struct found *found = user;
  assert_true(start >= found->end && start < end);
  found->end = end;
  for (uint32_t page = start / TORPOR__PAGE; page < end / TORPOR__PAGE; page++)
    found->pages[page / 64] |= UINT64_C(1) << page % 64;
}

static bool has(const struct found *found, uint32_t page) {
  return found->pages[page / 64] >> page % 64 & 1;
}

static void put(torpor__region *region, uint32_t at, uint8_t byte) {
  assert_true(torpor__region_commit(region, at, at + 1));
  ((uint8_t *)torpor__region_memory(region)->data)[at] = byte;
}

static uint8_t get(torpor__region *region, uint32_t at) {
  assert_true(torpor__region_reach(region, at, at + 1));
  return ((uint8_t *)torpor__region_memory(region)->data)[at];
}

/* What was written is found, in each way, on the file and behind it. */
static void test_written_is_found(void **state) {
  static const uint32_t places[] = {0, 5, 16, 47, 48, 63, 95};
  (void)state;
  for (torpor__finder finder = 0; finder <= TORPOR__FINDER_EVERYTHING;
       finder++) {
    torpor__region *region = open_mapped();
    struct found found = {{0}, 0};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
      put(region, places[i] * TORPOR__PAGE + 77, 200);
    torpor__finder_force(finder);
    torpor__region_written(region, add_found, &found);
    torpor__finder_force(TORPOR__FINDER_BEST);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
      assert_true(has(&found, places[i]));
    if (finder == TORPOR__FINDER_BEST) { /* and little else */
      assert_false(has(&found, 1));
      assert_false(has(&found, 40));
    }
    torpor__region_close(region);
  }
}

static struct found find_written(torpor__region *region) {
  struct found found = {{0}, 0};
  torpor__region_written(region, add_found, &found);
  return found;
}

/* On a file that is tracked just what was written is found, and what is given
 * back is the file's again. */
static void test_tracked_on_file(void **state) {
  torpor__region *region = open_on_file(true);
  struct found found;
  (void)state;
  for (uint32_t at = 0; at < FILE_CHUNKS * CHUNK; at += TORPOR__PAGE)
    assert_int_equal(get(region, at), at / TORPOR__PAGE + 1);
  found = find_written(region);
  assert_int_equal(found.end, 0);
  put(region, 5 * TORPOR__PAGE, 200);
  put(region, 20 * TORPOR__PAGE, 201);
  found = find_written(region);
  assert_int_equal(found.pages[0], 1 << 5 | 1 << 20);
  assert_true(torpor__region_decommit(region, 0, CHUNK));
  assert_int_equal(get(region, 5 * TORPOR__PAGE), 6);
  assert_int_equal(get(region, 20 * TORPOR__PAGE), 201);
  found = find_written(region);
  assert_int_equal(found.pages[0], 1 << 20);
  put(region, 5 * TORPOR__PAGE, 202);
  assert_int_equal(get(region, 5 * TORPOR__PAGE), 202);
  torpor__region_close(region);
}

/* Resetting gives the file's bytes again, and zeros behind it. */
static void test_mapped_is_reset(void **state) {
  torpor__region *region = open_mapped();
  (void)state;
  for (uint32_t at = 0; at < MAPPED_PAGES * CHUNK; at += TORPOR__PAGE)
    put(region, at, 0xee);
  assert_true(torpor__region_share(region, 0, CHUNK));
  put(region, 10, 0xef);
  assert_true(torpor__region_forget(region));
  assert_true(torpor__region_reset(region));
  for (uint32_t at = 0; at < FILE_CHUNKS * CHUNK; at++)
    if (get(region, at) != at / TORPOR__PAGE + 1) fail_msg("byte %u", at);
  for (uint32_t at = FILE_CHUNKS * CHUNK; at < MAPPED_PAGES * CHUNK; at++)
    if (get(region, at) != 0) fail_msg("byte %u", at);
  torpor__region_close(region);
}

/* The file is gone from a region that is used again. */
static void test_mapped_is_recycled(void **state) {
  torpor__region *region = open_mapped(), *second;
  (void)state;
  put(region, 3, 9);
  torpor__region_close(region);
  second = torpor__region_open(MAPPED_PAGES, MAPPED_PAGES);
  assert_ptr_equal(second, region);
  for (uint32_t at = 0; at < MAPPED_PAGES * CHUNK; at++)
    if (get(second, at) != 0) fail_msg("byte %u is %u", at, get(second, at));
  torpor__region_close(second);
}

/* A page that is shared has its copy made when it is written. */
static void test_shared_is_copied(void **state) {
  probe *probe = *state;
  torpor__region *region = probe->region;
  uint32_t value;
  for (uint32_t page = 0; page < 16; page++)
    assert_int_equal(probe_store(probe, page * TORPOR__PAGE, 1000 + page),
                     TORPOR__TRAP_NONE);
  assert_true(torpor__region_share(region, 0, 8 * TORPOR__PAGE));
  for (uint32_t page = 0; page < 16; page++) {
    assert_int_equal(torpor__shadow_shares(region, page), page < 8);
    assert_null(torpor__shadow_at(region, page));
  }
  assert_int_equal(probe_load(probe, 3 * TORPOR__PAGE, &value),
                   TORPOR__TRAP_NONE);
  assert_true(torpor__shadow_shares(region, 3)); /* reading is no writing */
  assert_int_equal(probe_store(probe, 3 * TORPOR__PAGE, 7), TORPOR__TRAP_NONE);
  assert_true(
      torpor__region_commit(region, 5 * TORPOR__PAGE, 5 * TORPOR__PAGE + 1));
  for (uint32_t page = 0; page < 16; page++) {
    const uint8_t *copy = torpor__shadow_at(region, page);
    bool written = page == 3 || page == 5;
    assert_int_equal(copy != NULL, written);
    assert_int_equal(torpor__shadow_shares(region, page), page < 8 && !written);
    if (copy) memcpy(&value, copy, 4);
    if (copy) assert_int_equal(value, 1000 + page);
  }
  struct found since = {{0}, 0}, all = {{0}, 0};
  torpor__region_written_since(region, add_found, &since);
  torpor__region_written(region, add_found, &all);
  assert_int_equal(since.pages[0] & 0xffff, 0xff28);
  assert_int_equal(all.pages[0] & 0xffff, 0xffff);
  assert_true(torpor__region_forget(region));
  memset(&since, 0, sizeof since);
  torpor__region_written_since(region, add_found, &since);
  assert_int_equal(since.pages[0] & 0xffff, 0xffff);
}

/* A system that refuses to share, at each of its calls: nothing has changed,
 * also where it had done a part; and no place is taken without a shadow. */
static void test_share_is_refused(void **state) {
  probe *probe = *state;
  torpor__region *region = probe->region;
  struct found all = {{0}, 0};
  assert_true(torpor__region_commit(region, 0, 2 * CHUNK));
  torpor__os_refuse(0, 1);
  assert_false(torpor__region_share(region, 0, 2 * CHUNK));
  torpor__os_refuse(UINT32_MAX, 0);
  assert_false(region->is_sharing);
  assert_true(torpor__region_share(region, 0, TORPOR__PAGE));
  torpor__os_refuse(0, 1);
  assert_false(torpor__region_share(region, 2 * TORPOR__PAGE, 2 * CHUNK));
  torpor__os_refuse(UINT32_MAX, 0);
  torpor__region_check(region, true);
  memset(torpor__region_memory(region)->data + TORPOR__PAGE, 7,
         2 * CHUNK - TORPOR__PAGE);
  torpor__region_written_since(region, add_found, &all);
  assert_int_equal(all.pages[0] & 0xffffffff, 0xfffffffe);
  assert_true(torpor__region_forget(region));
}

/* A system that refuses to forget: pages that are shared still are found. */
static void test_forget_is_refused(void **state) {
  probe *probe = *state;
  torpor__region *region = probe->region;
  assert_true(torpor__region_commit(region, 0, 3 * CHUNK));
  for (unsigned chunk = 0; chunk < 3; chunk++) {
    struct found all = {{0}, 0};
    assert_true(torpor__region_share(region, 0, 3 * CHUNK));
    torpor__os_refuse(chunk, 1);
    assert_false(torpor__region_forget(region));
    torpor__os_refuse(UINT32_MAX, 0);
    torpor__region_check(region, true);
    torpor__region_written(region, add_found, &all);
    assert_int_equal(all.pages[0] & 0xffffffffffff, 0xffffffffffff);
    assert_true(torpor__region_forget(region));
    torpor__region_check(region, true);
  }
}

/* When it refuses to take back what it did in part, nothing is let in. */
static void test_torn(void **state) {
  probe *probe = *state;
  torpor__region *region = probe->region;
  uint32_t value;
  assert_true(torpor__region_commit(region, 0, 2 * CHUNK));
  assert_true(torpor__region_share(region, 0, 2 * TORPOR__PAGE));
  torpor__os_refuse(0, 2);
  assert_false(torpor__region_share(region, CHUNK, 2 * CHUNK));
  torpor__os_refuse(UINT32_MAX, 0);
  assert_true(torpor__region_is_torn(region));
  assert_false(torpor__region_commit(region, 3 * CHUNK, 3 * CHUNK + 1));
  assert_int_equal(probe_load(probe, 3 * CHUNK, &value), TORPOR__TRAP_MEMORY);
  assert_true(torpor__region_forget(region));
  assert_false(torpor__region_reset(region)); /* nobody gets it again */
}

/* One that writes to very many shared pages: all copies are right, and the
 * system is asked for few mappings. */
static void test_many_shared(void **state) {
  enum { CHUNKS = 60, PAGES = CHUNKS * CHUNK / TORPOR__PAGE };
  torpor__region *region = torpor__region_open(CHUNKS, CHUNKS);
  (void)state;
  assert_non_null(region);
  for (uint32_t page = 0; page < PAGES; page++)
    put(region, page * TORPOR__PAGE + 1, (uint8_t)(page % 251 + 1));
  for (int round = 0; round < 3; round++) {
    assert_true(torpor__region_share(region, 0, CHUNKS * CHUNK));
    for (uint32_t page = round ? 1 : 0; page < PAGES; page += 2)
      put(region, page * TORPOR__PAGE + 1, (uint8_t)(100 + round));
    for (uint32_t page = 0; page < PAGES; page++) {
      const uint8_t *copy = torpor__shadow_at(region, page);
      if (page % 2 == (round ? 1 : 0)) assert_non_null(copy);
      if (copy && round == 0) assert_int_equal(copy[1], page % 251 + 1);
    }
  }
  torpor__region_close(region);
}

#endif

static void note_range(void *user, uint32_t start, uint32_t end) {
  (void)start, (void)end;
  *(bool *)user = true;
}

/* A closed region's bytes are in no other one. */
static void test_recycled_is_zero(void **state) {
  probe *probe = *state;
  torpor__region *first = torpor__region_open(64, 64);
  assert_non_null(first);
  assert_true(torpor__region_commit(first, 0, 64 * CHUNK));
  memset(torpor__region_memory(first)->data, 0x5a, 64 * CHUNK);
  memset((char *)torpor__region_instance(first) + sizeof(torpor__wasm_memory),
         0x5a, 1000);
  torpor__region_close(first);
  torpor__region *second = torpor__region_open(0, 64);
  assert_ptr_equal(first, second);
  bool any = false;
  torpor__region_committed(second, note_range, &any);
  assert_false(any);
  assert_true(torpor__region_set_pages(second, 64, 64));
  assert_true(torpor__region_commit(second, 0, 64 * CHUNK));
  const uint8_t *bytes = (uint8_t *)torpor__region_memory(second)->data;
  for (size_t i = 0; i < 64 * CHUNK; i++)
    if (bytes[i] != 0) fail_msg("byte %zu is %d", i, bytes[i]);
  bytes = torpor__region_instance(second);
  for (size_t i = sizeof(torpor__wasm_memory); i < TORPOR__INSTANCE_MAX; i++)
    if (bytes[i] != 0) fail_msg("instance byte %zu is %d", i, bytes[i]);
  torpor__region_close(second);
  (void)probe;
}

/* The thread sanitizer leaves less than 4 TiB of the address space. */
#ifdef __SANITIZE_THREAD__
enum { COUNT = 500 };
#else
enum { COUNT = 5000 };
#endif

static void test_thousands_at_once(void **state) {
  torpor__region **regions = calloc(COUNT, sizeof *regions);
  (void)state;
  assert_non_null(regions);
  for (size_t i = 0; i < COUNT; i++) {
    regions[i] = torpor__region_open(4, 64);
    if (regions[i] == NULL) fail_msg("region %zu could not be opened", i);
  }
  for (size_t i = 0; i < COUNT; i++) torpor__region_close(regions[i]);
  free(regions);
}

int main(void) {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, probe_set_up, probe_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_layout),
      TEST(test_address_needs_no_load),
      TEST(test_fresh_memory_is_zero),
      TEST(test_bounds),
      TEST(test_bounds_with_offset),
      TEST(test_bounds_in_a_loop),
      TEST(test_bulk_operations),
      TEST(test_growth),
      TEST(test_shrinking_forgets),
      TEST(test_limits_of_size),
#ifndef TORPOR_SOFT_BOUNDS
      TEST(test_committed_is_what_was_touched),
      TEST(test_commit_and_decommit),
      TEST(test_host_access_commits),
      TEST(test_written_is_found),
      TEST(test_tracked_on_file),
      TEST(test_mapped_is_reset),
      TEST(test_mapped_is_recycled),
      TEST(test_shared_is_copied),
      TEST(test_share_is_refused),
      TEST(test_forget_is_refused),
      TEST(test_torn),
      TEST(test_many_shared),
#endif
      TEST(test_recycled_is_zero),
      TEST(test_thousands_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
