/* SPDX-License-Identifier: MIT */
/* test_blocks.c - the engine's blocks (guest/blocks.c): what is allocated,
 * grown and freed again is counted as it came, and keeps what was written. */
#include "test/support/one-vm.h"

/* Blocks of every size class and larger, made, grown, shrunk and freed in a
 * random order that is the same each time. */
static const char program[] =
    "let seed = 1;"
    "function random(limit) {"
    "  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;"
    "  return (seed >> 8) % limit;"
    "}"
    "function make(size) {"
    "  switch (random(4)) {"
    "    case 0: return 'x'.repeat(size) + size;"
    "    case 1: return new Uint8Array(size).fill(size & 255);"
    "    case 2: return Array.from({length: size >> 3}, (_, i) => i);"
    "    default: {"
    "      const made = {};"
    "      for (let i = 0; i < size >> 6; i++) made['name' + i] = i;"
    "      return made;"
    "    }"
    "  }"
    "}"
    "function check(made, size) {"
    "  if (typeof made === 'string') {"
    "    if (made.length !== size + String(size).length) throw made.length;"
    "  } else if (Array.isArray(made)) {"
    "    made.forEach((value, i) => { if (value !== i) throw i; });"
    "  } else if (made instanceof Uint8Array) {"
    "    if (!made.every((byte) => byte === (size & 255))) throw size;"
    "  } else {"
    "    Object.values(made).forEach((value, i) => {"
    "      if (value !== i) throw i;"
    "    });"
    "  }"
    "}"
    "function round() {"
    "  seed = 4711;"
    "  const kept = [];"
    "  for (let i = 0; i < 2000; i++) {"
    "    if (kept.length > 0 && random(3) === 0) {"
    "      const [made, size] = kept.splice(random(kept.length), 1)[0];"
    "      check(made, size);"
    "      if (Array.isArray(made)) {" /* grows and shrinks where it lies */
    "        const length = made.length;"
    "        for (let j = 0; j < 500; j++) made.push(length + j);"
    "        check(made, size);"
    "        made.length = random(length + 1);"
    "        check(made, size);"
    "      }"
    "    } else {"
    "      const size = random(10) ? random(2200) : random(100000);"
    "      kept.push([make(size), size]);"
    "    }"
    "  }"
    "  for (const [made, size] of kept) check(made, size);"
    "}"
    "round(); round();";

static void counts(uint64_t *handed_out, uint64_t *counted) {
  torpor_usage usage = TORPOR_USAGE_INIT;
  torpor_heap heap = TORPOR_HEAP_INIT;
  test_ok(vm, torpor_vm_collect(vm));
  test_ok(vm, torpor_vm_usage(vm, &usage));
  test_ok(vm, torpor_vm_heap(vm, &heap));
  *handed_out = usage.heap_used;
  *counted = heap.used;
}

static void test_counted_as_it_came(void **state) {
  uint64_t handed_out, counted, handed_out_again, counted_again;
  (void)state;
  test_eval(vm, program);
  counts(&handed_out, &counted);
  for (int i = 0; i < 5; i++) {
    test_eval(vm, "round()");
    counts(&handed_out_again, &counted_again);
    assert_int_equal(handed_out_again, handed_out);
    assert_int_equal(counted_again, counted);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_counted_as_it_came, open_vm,
                                      close_vm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
