/* SPDX-License-Identifier: MIT */
/* test_region.c - linear memory: its bounds, what is committed, what is zero.
 * ctest: thread */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test/wasm/probe.h"

#define CHUNK TORPOR__CHUNK

static int open_probe(void **state) {
  *state = malloc(sizeof(probe));
  assert_non_null(*state);
  probe_open(*state);
  return 0;
}

static int close_probe(void **state) {
  probe_close(*state);
  free(*state);
  torpor__region_drain();
  return 0;
}

/* Loads at 'address' in the guest; the value is only there without a trap. */
static torpor__trap load(probe *probe, uint32_t address, uint32_t *value) {
  torpor__trap trap;
  volatile uint32_t result = 0;
  PROBE_ENTER(probe, trap, result = Z_probeZ_load(probe->instance, address));
  *value = result;
  return trap;
}

static torpor__trap store(probe *probe, uint32_t address, uint32_t value) {
  torpor__trap trap;
  PROBE_ENTER(probe, trap, Z_probeZ_store(probe->instance, address, value));
  return trap;
}

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
  wasm_rt_cell_t *data = probe->memory->data;
  uint32_t value;
  probe->memory->data = NULL;
  torpor__trap stored = store(probe, 1000, 0x12345678);
  torpor__trap loaded = load(probe, 1000, &value);
  probe->memory->data = data;
  assert_int_equal(stored, TORPOR__TRAP_NONE);
  assert_int_equal(loaded, TORPOR__TRAP_NONE);
  assert_int_equal(value, 0x12345678);
}

static void test_fresh_memory_is_zero(void **state) {
  probe *probe = *state;
  uint32_t value;
  for (uint32_t address = 0; address < 4 * 65536; address += 4096) {
    assert_int_equal(load(probe, address, &value), TORPOR__TRAP_NONE);
    assert_int_equal(value, 0);
  }
}

static void test_bounds(void **state) {
  static const uint32_t outside[] = {4 * 65536,  4 * 65536 - 3, 4 * 65536 - 1,
                                     5 * 65536,  0x7fffffff,    0x80000000,
                                     0xfffffffc, 0xffffffff};
  probe *probe = *state;
  uint32_t value;
  assert_int_equal(load(probe, 4 * 65536 - 4, &value), TORPOR__TRAP_NONE);
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    assert_int_equal(load(probe, outside[i], &value), TORPOR__TRAP_BOUNDS);
    assert_int_equal(store(probe, outside[i], 1), TORPOR__TRAP_BOUNDS);
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
  assert_int_equal(load(probe, 4, &value), TORPOR__TRAP_NONE);
  assert_int_equal(value, 0x07070707);
  /* Too long by one: nothing is written. */
  PROBE_ENTER(probe, trap, Z_probeZ_fill(instance, 1, 9, 4 * 65536));
  assert_int_equal(trap, TORPOR__TRAP_BOUNDS);
  PROBE_ENTER(probe, trap, Z_probeZ_copy(instance, 0xffffffff, 0, 2));
  assert_int_equal(trap, TORPOR__TRAP_BOUNDS);
  assert_int_equal(load(probe, 4, &value), TORPOR__TRAP_NONE);
  assert_int_equal(value, 0x07070707);
}

static void test_growth(void **state) {
  probe *probe = *state;
  uint32_t value;
  assert_int_equal(grow(probe, 0), 4);
  assert_int_equal(grow(probe, 61), UINT32_MAX);
  assert_int_equal(grow(probe, UINT32_MAX), UINT32_MAX);
  assert_int_equal(load(probe, 6 * 65536 - 4, &value), TORPOR__TRAP_BOUNDS);
  assert_int_equal(grow(probe, 2), 4);
  assert_int_equal(load(probe, 6 * 65536 - 4, &value), TORPOR__TRAP_NONE);
  assert_int_equal(value, 0);
  assert_int_equal(grow(probe, 58), 6);
  assert_int_equal(grow(probe, 1), UINT32_MAX);
  assert_int_equal(probe->memory->pages, 64);
}

static void test_shrinking_forgets(void **state) {
  probe *probe = *state;
  uint32_t value;
  assert_int_equal(store(probe, 3 * 65536, 1), TORPOR__TRAP_NONE);
  assert_true(torpor__region_set_pages(probe->region, 2, 64));
  assert_int_equal(load(probe, 3 * 65536, &value), TORPOR__TRAP_BOUNDS);
  assert_int_equal(grow(probe, 2), 2);
  assert_int_equal(load(probe, 3 * 65536, &value), TORPOR__TRAP_NONE);
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
  assert_int_equal(store(probe, 0xfffefffc, 5), TORPOR__TRAP_NONE);
  assert_int_equal(load(probe, 0xffff0000, &value), TORPOR__TRAP_BOUNDS);
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
  assert_int_equal(store(probe, 2 * CHUNK + 100, 1), TORPOR__TRAP_NONE);
  assert_string_equal(list_committed(probe->region), "0-1 2-3");
  assert_int_equal(store(probe, 2 * CHUNK - 2, 1), TORPOR__TRAP_NONE);
  assert_string_equal(list_committed(probe->region), "0-3");
  assert_int_equal(grow(probe, 60), 4);
  assert_int_equal(store(probe, 64 * CHUNK - 4, 1), TORPOR__TRAP_NONE);
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
  assert_int_equal(store(probe, 2 * CHUNK, 1), TORPOR__TRAP_NONE);
  /* Not aligned: only what lies whole in the range goes. */
  assert_true(torpor__region_decommit(probe->region, CHUNK + 1, 4 * CHUNK - 1));
  assert_string_equal(list_committed(probe->region), "0-2 3-4");
  assert_int_equal(load(probe, 2 * CHUNK, &value), TORPOR__TRAP_NONE);
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
  cmocka_unit_test_setup_teardown(name, open_probe, close_probe)
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
#endif
      TEST(test_recycled_is_zero),
      TEST(test_thousands_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
