/* SPDX-License-Identifier: MIT */
/* test_run_history.c - keeping states, going back to them, going two ways.
 *
 * ctest: timeout=120
 *
 * Real programs in a real store, in a folder of their own that is removed
 * afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/bench.h"

/* Waits for "go" again and again, and says what it has seen. */
#define COUNTER                                                                \
  "import { signal } from 'torpor:run';\n"                                     \
  "const seen = [];\n"                                                         \
  "while (seen.length < 6) {\n"                                                \
  "  seen.push(await signal('go'));\n"                                         \
  "  console.log(`seen ${seen}`);\n"                                           \
  "}\n"                                                                        \
  "export default seen;\n"

static const struct run_bench *bench = &run_bench;

/* ---- keeping -------------------------------------------------------------*/

static struct {
  int64_t steps[64], branches[64], parents[64];
  size_t count;
} kept;

static bool note_step(void *user, const torpor_run_step *step) {
  (void)user;
  kept.steps[kept.count] = step->step;
  kept.branches[kept.count] = step->branch;
  kept.parents[kept.count++] = step->parent_step;
  assert_true(step->size > 0 && step->made_ms > 0);
  assert_string_equal(step->engine, torpor_engine_id());
  return true;
}

static void list_steps(const char *id) {
  kept.count = 0;
  assert_int_equal(torpor_run_steps(bench->store, id, note_step, NULL),
                   TORPOR_OK);
}

static void the_newest_states_are_kept(void **state) {
  (void)state;
  run_bench_add("run", COUNTER, 3);
  run_bench_signals("run", 1, 4);
  run_bench_drive("run", 5);
  list_steps("run");
  assert_int_equal(kept.count, 3);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(kept.steps[i], 3 + i);
    assert_int_equal(kept.parents[i], -1);
  }
}

static void an_ended_run_keeps_its_states(void **state) {
  (void)state;
  run_bench_add("run", COUNTER, 2);
  run_bench_signals("run", 1, 6);
  run_bench_drive("run", 0);
  assert_int_equal(run_bench_look("run")->state, TORPOR_RUN_DONE);
  list_steps("run");
  assert_int_equal(kept.count, 2);
  assert_int_equal(kept.steps[1], 6);
}

static void pruning_leaves_what_is_asked_for(void **state) {
  (void)state;
  torpor_run_pruned pruned = TORPOR_RUN_PRUNED_INIT;
  run_bench_add("run", COUNTER, TORPOR_RUN_KEEP_ALL);
  run_bench_signals("run", 1, 4);
  run_bench_drive("run", 5);
  list_steps("run");
  assert_int_equal(kept.count, 5);
  for (int dry_run = 1; dry_run >= 0; dry_run--) {
    assert_int_equal(torpor_run_prune(bench->store, "run", 2, dry_run, &pruned),
                     TORPOR_OK);
    assert_int_equal(pruned.states, 3);
    list_steps("run");
    assert_int_equal(kept.count, dry_run ? 5 : 2);
  }
  assert_true(pruned.bytes > 0);
  assert_int_equal(torpor_run_prune(bench->store, NULL, 0, false, &pruned),
                   TORPOR_OK);
  assert_int_equal(pruned.states, 1);
  run_bench_signals("run", 5, 6);
  run_bench_drive("run", 0);
  assert_int_equal(run_bench_look("run")->state, TORPOR_RUN_DONE);
  assert_int_equal(torpor_run_prune(bench->store, NULL, 0, false, NULL),
                   TORPOR_OK);
  list_steps("run");
  assert_int_equal(kept.count, 0);
  assert_int_equal(torpor_run_rewind(bench->store, "run", TORPOR_RUN_NEWEST),
                   TORPOR_NOT_FOUND);
  assert_non_null(strstr(torpor_store_error(bench->store), "0, its beginning"));
}

/* ---- chains of differences -----------------------------------------------*/

/* A heap of 256 KB that is random, of which each step changes 'bytes'. */
#define CHANGES(bytes)                                                         \
  "import { signal } from 'torpor:run';\n"                                     \
  "const heap = new Uint32Array(65536); let x = 1;\n"                          \
  "const fill = (n) => { for (let i = 0; i < n; i++)\n"                        \
  "  heap[i] = x = (Math.imul(x, 1664525) + 1013904223) >>> 0; };\n"           \
  "fill(65536);\n"                                                             \
  "for (;;) { await signal('go'); fill(" #bytes " / 4); }\n"

/* The longest chain, in differences, that the states of a run are in. */
static int longest_chain(const char *id) {
  int longest = 0, chain = 0;
  list_steps(id);
  for (size_t i = 0; i < kept.count; i++) {
    chain = kept.parents[i] == -1 ? 0 : chain + 1;
    assert_true(i == 0 || chain == 0 || kept.parents[i] == kept.steps[i - 1]);
    if (chain > longest) longest = chain;
  }
  return longest;
}

/* Waking from it takes them all: so a chain has an end, by number ... */
static void chains_are_short(void **state) {
  (void)state;
  run_bench_add("run", CHANGES(64), TORPOR_RUN_KEEP_ALL);
  run_bench_signals("run", 1, 48);
  run_bench_drive("run", 49);
  assert_int_equal(longest_chain("run"), 32);
}

/* ... and by bytes: differences take no more than a whole state, and one. */
static void chains_are_small(void **state) {
  (void)state;
  run_bench_add("run", CHANGES(131072), TORPOR_RUN_KEEP_ALL);
  run_bench_signals("run", 1, 12);
  run_bench_drive("run", 13);
  assert_in_range(longest_chain("run"), 2, 3);
}

/* Also after the run was taken again, whose chain is counted anew. */
static void chains_are_counted_when_waking(void **state) {
  (void)state;
  run_bench_add("run", CHANGES(131072), TORPOR_RUN_KEEP_ALL);
  for (int step = 1; step <= 9; step++) {
    run_bench_drive("run", step);
    run_bench_signals("run", step, step);
  }
  assert_in_range(longest_chain("run"), 2, 3);
}

/* ---- going back ----------------------------------------------------------*/

static void rewinding_goes_on_from_there(void **state) {
  (void)state;
  run_bench_add("run", COUNTER, 0);
  run_bench_signals("run", 1, 4);
  run_bench_drive("run", 5);
  assert_int_equal(torpor_run_rewind(bench->store, "run", 9), TORPOR_NOT_FOUND);
  assert_non_null(strstr(torpor_store_error(bench->store), "1 to 5"));
  assert_int_equal(torpor_run_rewind(bench->store, "run", 3), TORPOR_OK);
  const torpor_run_info *info = run_bench_look("run");
  assert_int_equal(info->step, 3);
  assert_int_equal(info->branch, 1);
  assert_int_equal(info->operations, 1);
  assert_int_equal(info->signals, 0); /* what was consumed stays so */
  run_bench_signals("run", 11, 14);
  run_bench_drive("run", 0);
  assert_string_equal(run_bench_value("run"), "[1,2,11,12,13,14]");
  list_steps("run");
  assert_int_equal(kept.steps[1], 2);
  assert_int_equal(kept.branches[1], 0);
  assert_int_equal(kept.steps[2], 3);
  assert_int_equal(kept.branches[2], 1);
}

static void an_ended_run_can_be_rewound(void **state) {
  (void)state;
  run_bench_add("run",
                "import { signal } from 'torpor:run';\n"
                "const first = await signal('go');\n"
                "if ((await signal('go')) !== 7) throw new Error('not 7');\n"
                "export default first;\n",
                0);
  run_bench_signals("run", 1, 2);
  run_bench_drive("run", 0);
  assert_int_equal(run_bench_look("run")->state, TORPOR_RUN_FAILED);
  assert_int_equal(torpor_run_rewind(bench->store, "run", TORPOR_RUN_NEWEST),
                   TORPOR_OK);
  assert_int_equal(run_bench_look("run")->state, TORPOR_RUN_WAITING);
  run_bench_signals("run", 7, 7);
  run_bench_drive("run", 0);
  assert_string_equal(run_bench_value("run"), "1");
}

static void step_0_begins_anew(void **state) {
  (void)state;
  run_bench_add("run", COUNTER, 0);
  run_bench_signals("run", 1, 2);
  run_bench_drive("run", 3);
  assert_int_equal(torpor_run_rewind(bench->store, "run", 0), TORPOR_OK);
  assert_int_equal(run_bench_look("run")->step, 0);
  list_steps("run");
  assert_int_equal(kept.count, 0);
  run_bench_signals("run", 3, 8);
  run_bench_drive("run", 0);
  assert_string_equal(run_bench_value("run"), "[3,4,5,6,7,8]");
}

static char keys[4][160];
static int64_t dues[4];
static int key_count;

static bool note_key(void *user, const torpor_run_operation *operation) {
  (void)user;
  snprintf(keys[key_count], sizeof keys[0], "%s %s", operation->key,
           operation->waking);
  dues[key_count++] = operation->due_ms;
  return true;
}

static void list_keys(const char *id) {
  key_count = 0;
  assert_int_equal(torpor_run_operations(bench->store, id, note_key, NULL),
                   TORPOR_OK);
}

#define TWO_WAITS                                                              \
  "import { signal, sleep } from 'torpor:run';\n"                              \
  "const late = sleep('30 days');\n"                                           \
  "await signal('go');\n"                                                      \
  "await signal('go');\n"                                                      \
  "await late;\n"

/* What was begun before keeps key and due time; what is begun since has a key
 * that was never used. */
static void keys_and_due_times_stay(void **state) {
  (void)state;
  run_bench_add("run", TWO_WAITS, 0);
  run_bench_drive("run", 1);
  list_keys("run");
  int64_t due = dues[0];
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_string_equal(keys[1], "run/0/2 reattach");
  run_bench_signals("run", 1, 1);
  run_bench_drive("run", 2);
  list_keys("run");
  assert_string_equal(keys[1], "run/0/3 reattach");
  assert_int_equal(torpor_run_rewind(bench->store, "run", 1), TORPOR_OK);
  list_keys("run");
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_string_equal(keys[1], "run/0/2 reattach");
  assert_int_equal(dues[0], due);
  run_bench_signals("run", 1, 1);
  run_bench_drive("run", 2);
  list_keys("run");
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_string_equal(keys[1], "run/1/3 reattach");
  assert_int_equal(torpor_run_rewind(bench->store, "run", 2), TORPOR_OK);
  list_keys("run");
  assert_int_equal(key_count, 2);
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_string_equal(keys[1], "run/1/3 reattach");
  assert_int_equal(dues[0], due);
}

/* ---- going two ways ------------------------------------------------------*/

static void a_fork_goes_its_own_way(void **state) {
  (void)state;
  char id[TORPOR_RUN_ID_SIZE];
  run_bench_add("run", COUNTER, 0);
  run_bench_signals("run", 1, 3);
  run_bench_drive("run", 4);
  run_bench_signals("run", 4, 4); /* stays with the original */
  assert_int_equal(torpor_run_fork(bench->store, "run", 2, "other", id),
                   TORPOR_OK);
  assert_int_equal(torpor_run_fork(bench->store, "run", 2, "other", id),
                   TORPOR_EXISTS);
  const torpor_run_info *info = run_bench_look("other");
  assert_string_equal(info->parent, "run");
  assert_int_equal(info->step, 2);
  assert_int_equal(info->signals, 0);
  list_keys("other");
  assert_string_equal(keys[0], "run/0/2 reattach");
  run_bench_signals("other", 12, 16);
  run_bench_drive("other", 0);
  assert_string_equal(run_bench_value("other"), "[1,12,13,14,15,16]");
  run_bench_signals("run", 5, 6);
  run_bench_drive("run", 0);
  assert_string_equal(run_bench_value("run"), "[1,2,3,4,5,6]");
}

static void a_fork_of_a_fork_keeps_the_first_keys(void **state) {
  (void)state;
  char id[TORPOR_RUN_ID_SIZE];
  run_bench_add("run", TWO_WAITS, 0);
  run_bench_drive("run", 1);
  assert_int_equal(
      torpor_run_fork(bench->store, "run", TORPOR_RUN_NEWEST, "b", id),
      TORPOR_OK);
  run_bench_signals("b", 1, 1);
  run_bench_drive("b", 2);
  assert_int_equal(
      torpor_run_fork(bench->store, "b", TORPOR_RUN_NEWEST, NULL, id),
      TORPOR_OK);
  list_keys(id);
  assert_int_equal(key_count, 2);
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_string_equal(keys[1], "b/1/3 reattach");
  assert_int_equal(torpor_run_rewind(bench->store, id, 2), TORPOR_OK);
  list_keys(id);
  assert_string_equal(keys[0], "run/0/1 re-arm");
  assert_string_equal(keys[1], "b/1/3 reattach");
}

static void forks_draw_other_numbers(void **state) {
  (void)state;
  char id[TORPOR_RUN_ID_SIZE], first[64];
  run_bench_add("run",
                "import { signal } from 'torpor:run';\n"
                "await signal('go');\n"
                "export default Math.random();\n",
                0);
  run_bench_drive("run", 1);
  torpor_run_fork(bench->store, "run", TORPOR_RUN_NEWEST, "a", id);
  torpor_run_fork(bench->store, "run", TORPOR_RUN_NEWEST, "b", id);
  run_bench_signals("a", 1, 1);
  run_bench_signals("b", 1, 1);
  run_bench_drive("a", 0);
  run_bench_drive("b", 0);
  snprintf(first, sizeof first, "%s", run_bench_value("a"));
  assert_string_not_equal(first, run_bench_value("b"));
}

/* ---- differences ---------------------------------------------------------*/

#define LARGE                                                                  \
  "import { signal } from 'torpor:run';\n"                                     \
  "const bytes = new Uint8Array(1 << 20);\n"                                   \
  "for (let i = 0, x = 1; i < bytes.length; i++)\n"                            \
  "  bytes[i] = (x = (x * 48271) % 2147483647);\n"                             \
  "let sum = 0;\n"                                                             \
  "for (let i = 0; i < 50; i++) {\n"                                           \
  "  const n = await signal('go');\n"                                          \
  "  bytes[i * 4099] = n;\n"                                                   \
  "  sum = 0;\n"                                                               \
  "  for (let k = 0; k <= i; k++) sum += bytes[k * 4099];\n"                   \
  "}\n"                                                                        \
  "export default sum;\n"

static void large_states_are_kept_as_differences(void **state) {
  (void)state;
  run_bench_add("run", LARGE, 3);
  run_bench_signals("run", 1, 20);
  run_bench_drive("run", 10);
  run_bench_drive("run", 21);
  assert_true(run_bench.largest > 1 << 20);
  assert_true(run_bench.smallest < 32 << 10);
  list_steps("run");
  int differences = 0;
  for (size_t i = 0; i < kept.count; i++) {
    assert_int_equal(kept.branches[i], 0);
    if (kept.parents[i] < 0) continue;
    assert_int_equal(kept.parents[i], kept.steps[i] - 1);
    assert_int_equal(kept.steps[i - 1], kept.parents[i]);
    differences++;
  }
  assert_true(differences > 2);
  assert_int_equal(kept.parents[0], -1);
  assert_int_equal(torpor_run_rewind(bench->store, "run", 19), TORPOR_OK);
  list_steps("run");
  assert_int_equal(kept.steps[kept.count - 1], 19);
  assert_int_equal(kept.parents[kept.count - 1], -1);
  run_bench_signals("run", 19, 50);
  run_bench_drive("run", 40);
  run_bench_drive("run", 0);
  assert_string_equal(run_bench_value("run"), "1275");
  list_steps("run");
  assert_true(kept.count <= 3 + 32);
}

/* A difference keeps what it is one from, also where one state is asked for. */
static void a_difference_is_never_alone(void **state) {
  (void)state;
  run_bench_add("run", LARGE, 1);
  for (int i = 0; i < 5; i++) {
    run_bench_signals("run", 10 * i + 1, 10 * i + 10);
    run_bench_drive("run", i < 4 ? 10 * i + 11 : 0);
    if (i == 4) break;
    list_steps("run");
    assert_true(kept.count > 1);
    assert_int_equal(kept.parents[0], -1);
    for (size_t k = 1; k < kept.count; k++)
      assert_int_equal(kept.parents[k], kept.steps[k - 1]);
  }
  assert_string_equal(run_bench_value("run"), "1275");
}

/* ---- one whole snapshot --------------------------------------------------*/

static void a_step_can_be_read(void **state) {
  (void)state;
  torpor_bytes bytes;
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  run_bench_add("run", TWO_WAITS, 0);
  run_bench_signals("run", 1, 1);
  run_bench_drive("run", 2);
  assert_int_equal(torpor_run_snapshot(bench->store, "run", 7, &bytes),
                   TORPOR_NOT_FOUND);
  assert_int_equal(
      torpor_run_snapshot(bench->store, "run", TORPOR_RUN_NEWEST, &bytes),
      TORPOR_OK);
  assert_int_equal(torpor_snapshot_read(bytes.data, bytes.size, &info, NULL),
                   TORPOR_OK);
  assert_int_equal(info.operations, 2);
  torpor_bytes_free(&bytes);
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(the_newest_states_are_kept),
      ON_BENCH(an_ended_run_keeps_its_states),
      ON_BENCH(pruning_leaves_what_is_asked_for),
      ON_BENCH(chains_are_short),
      ON_BENCH(chains_are_small),
      ON_BENCH(chains_are_counted_when_waking),
      ON_BENCH(rewinding_goes_on_from_there),
      ON_BENCH(an_ended_run_can_be_rewound),
      ON_BENCH(step_0_begins_anew),
      ON_BENCH(keys_and_due_times_stay),
      ON_BENCH(a_fork_goes_its_own_way),
      ON_BENCH(a_fork_of_a_fork_keeps_the_first_keys),
      ON_BENCH(forks_draw_other_numbers),
      ON_BENCH(large_states_are_kept_as_differences),
      ON_BENCH(a_difference_is_never_alone),
      ON_BENCH(a_step_can_be_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
