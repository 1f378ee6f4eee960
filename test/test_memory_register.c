/* SPDX-License-Identifier: MIT */
/* test_memory_register.c - the register that has the address of guest memory
 * (wasm/entry.c): guest code finds its own memory in all orders of entries, and
 * the embedder its own value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "test/support/vm.h"
#include "test/wasm/probe.h"

#if defined(__x86_64__) && !defined(TORPOR_SOFT_BOUNDS)
#define HAS_REGISTER 1
#else
#define HAS_REGISTER 0
#endif

#define PLACE 1000u /* in the memory of a probe */

static void store(probe *probe, uint32_t value) {
  assert_int_equal(probe_store(probe, PLACE, value), TORPOR__TRAP_NONE);
}

static uint32_t load(probe *probe) {
  uint32_t value;
  assert_int_equal(probe_load(probe, PLACE, &value), TORPOR__TRAP_NONE);
  return value;
}

static void test_in_turns(void **state) {
  probe a, b;
  (void)state;
  probe_open(&a);
  probe_open(&b);
  store(&a, 1);
  store(&b, 2);
  assert_int_equal(load(&a), 1);
  assert_int_equal(load(&a), 1);
  assert_int_equal(load(&b), 2);
  probe_close(&b);
  assert_int_equal(load(&a), 1);
  probe_close(&a);
}

/* What a host function does while 'outer' waits for it. */
struct inside {
  probe *outer, *inner;
  torpor__trap trap;
  uintptr_t base;
};

static uint32_t go_inside(void *user, uint32_t argument) {
  struct inside *inside = user;
  Z_probe_instance_t *instance = inside->inner->instance;
  inside->base = torpor__os_base();
  /* One that stores, and one that traps. */
  PROBE_ENTER(inside->inner, inside->trap,
              Z_probeZ_store(instance, PLACE, argument));
  assert_int_equal(inside->trap, TORPOR__TRAP_NONE);
  PROBE_ENTER(inside->inner, inside->trap, Z_probeZ_divide(instance, 1, 0));
  assert_int_equal(torpor__os_base(), inside->base);
  /* Guest code of the outer goes on, and touches its own memory. */
  Z_probeZ_store(inside->outer->instance, PLACE, argument + 1);
  return 0;
}

static void nest(probe *outer, probe *inner, uint32_t argument) {
  struct inside inside = {.outer = outer, .inner = inner};
  torpor__trap trap;
  outer->host = (struct Z_host_instance_t){go_inside, &inside};
  PROBE_ENTER(outer, trap, Z_probeZ_call_host(outer->instance, argument));
  assert_int_equal(trap, TORPOR__TRAP_NONE);
  assert_int_equal(inside.trap, TORPOR__TRAP_ARITHMETIC);
  if (HAS_REGISTER)
    assert_int_equal(inside.base, (uintptr_t)outer->memory->data);
}

static void test_nested(void **state) {
  probe a, b;
  (void)state;
  probe_open(&a);
  probe_open(&b);
  nest(&a, &b, 10);
  assert_int_equal(load(&a), 11);
  assert_int_equal(load(&b), 10);
  nest(&b, &a, 20);
  assert_int_equal(load(&b), 21);
  assert_int_equal(load(&a), 20);
  nest(&a, &a, 30);
  assert_int_equal(load(&a), 31);
  probe_close(&a);
  probe_close(&b);
}

/* Another user of the register, as a runtime like ours would be. */
static void test_embedder_keeps_its_own(void **state) {
  static char theirs[64];
  probe a, b;
  (void)state;
  if (!HAS_REGISTER) skip();
  probe_open(&a);
  probe_open(&b);
  uintptr_t before = torpor__os_base();
  for (int i = 0; i < 3; i++) {
    torpor__os_base_set((uintptr_t)theirs + (uintptr_t)i);
    store(&a, 5);
    assert_int_equal(torpor__os_base(), (uintptr_t)theirs + (uintptr_t)i);
    nest(&b, &a, 7);
    assert_int_equal(torpor__os_base(), (uintptr_t)theirs + (uintptr_t)i);
  }
  torpor__trap trap;
  PROBE_ENTER(&a, trap, Z_probeZ_unreachable(a.instance));
  assert_int_equal(trap, TORPOR__TRAP_UNREACHABLE);
  assert_int_equal(torpor__os_base(), (uintptr_t)theirs + 2);
  torpor__os_base_set(before);
  assert_int_equal(load(&a), 7);
  probe_close(&a);
  probe_close(&b);
}

/* ---- Random histories ----------------------------------------------------*/

/* Three memories, and what should stand in each at PLACE. */
struct world {
  probe probes[3];
  uint32_t values[3];
  unsigned current; /* whose guest code is innermost */
  unsigned entered;
  test_random random;
};

static unsigned choose(struct world *world, unsigned limit) {
  return (unsigned)(test_random_next(&world->random) % limit);
}

static void act(struct world *world, uint32_t depth);

/* A host function: does what it likes, then its guest goes on. */
static uint32_t wander(void *user, uint32_t depth) {
  struct world *world = user;
  unsigned mine = world->current;
  for (unsigned left = choose(world, 4); left > 0; left--) act(world, depth);
  world->current = mine;
  assert_int_equal(Z_probeZ_load(world->probes[mine].instance, PLACE),
                   world->values[mine]);
  return 0;
}

static void act(struct world *world, uint32_t depth) {
  unsigned i = choose(world, 3);
  probe *probe = &world->probes[i];
  torpor__trap trap;
  world->entered++;
  switch (choose(world, depth < 6 ? 4 : 3)) {
  case 0:
    world->values[i] = (uint32_t)choose(world, 1000);
    store(probe, world->values[i]);
    break;
  case 1:
    assert_int_equal(load(probe), world->values[i]);
    break;
  case 2:
    PROBE_ENTER(probe, trap, Z_probeZ_divide(probe->instance, 1, 0));
    assert_int_equal(trap, TORPOR__TRAP_ARITHMETIC);
    break;
  default:
    world->current = i;
    PROBE_ENTER(probe, trap, Z_probeZ_call_host(probe->instance, depth + 1));
    assert_int_equal(trap, TORPOR__TRAP_NONE);
  }
}

/* Entries in random order and depth, from an embedder that has a value of its
 * own in the register now and then, on processors of both kinds. */
static void test_histories(void **state) {
  struct world world = {.random = {4711}};
  uintptr_t before = torpor__os_base();
  (void)state;
  for (unsigned i = 0; i < 3; i++) {
    probe_open(&world.probes[i]);
    world.probes[i].host = (struct Z_host_instance_t){wander, &world};
    store(&world.probes[i], 0);
  }
  while (world.entered < 20000) {
    uintptr_t theirs = choose(&world, 3) == 0 ? (uintptr_t)&world : 0;
    torpor__os_base_by_call = HAS_REGISTER && choose(&world, 4) == 0;
    torpor__os_base_set(theirs);
    for (unsigned left = choose(&world, 5); left > 0; left--) act(&world, 0);
    if (HAS_REGISTER && theirs != 0)
      assert_int_equal(torpor__os_base(), theirs);
  }
  torpor__os_base_by_call = false;
  torpor__os_base_set(before);
  for (unsigned i = 0; i < 3; i++) probe_close(&world.probes[i]);
}

/* A processor without instructions for the register. */
static void test_by_call(void **state) {
  if (!HAS_REGISTER) skip();
  torpor__os_base_by_call = true;
  test_in_turns(state);
  test_nested(state);
  test_embedder_keeps_its_own(state);
  uintptr_t base = torpor__os_base();
  torpor__os_base_by_call = false;
  assert_int_equal(torpor__os_base(), base);
}

/* And one where the system refuses that, too: nothing is entered. */
static void test_refused(void **state) {
  probe a;
  torpor__entry entry;
  (void)state;
  if (!HAS_REGISTER) skip();
  probe_open(&a);
  store(&a, 3);
  uintptr_t before = torpor__os_base();
  torpor__os_base_set(0);
  torpor__os_base_by_call = true;
  torpor__os_refuse(0, 1);
  assert_false(torpor__entry_start(&entry, a.region, 0));
  torpor__os_refuse(0, 0);
  torpor__os_base_by_call = false;
  assert_int_equal(entry.trap, TORPOR__TRAP_REGISTER);
  assert_int_equal(torpor__os_base(), 0);
  assert_int_equal(load(&a), 3);
  torpor__os_base_set(before);
  probe_close(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_in_turns),
      cmocka_unit_test(test_nested),
      cmocka_unit_test(test_embedder_keeps_its_own),
      cmocka_unit_test(test_histories),
      cmocka_unit_test(test_by_call),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
