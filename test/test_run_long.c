/* SPDX-License-Identifier: MIT */
/* test_run_long.c - a run that lives long takes no more space, nor longer to
 * wake, than one that has just begun.
 *
 * ctest: slow full nosanitize timeout=300
 *
 * 100,000 steps of a real program. The store does not sync, which has nothing
 * to do with space. TORPOR_TIER=full: as many with a large state, which is kept
 * as differences; else 2,000.
 *
 * The store is in a folder of its own and is removed afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "support/bench.h"

static int64_t file_size(void) {
  char path[128];
  struct stat store, log = {0};
  snprintf(path, sizeof path, "%s-wal", run_bench.path);
  assert_int_equal(stat(run_bench.path, &store), 0);
  stat(path, &log);
  return (int64_t)store.st_size + (int64_t)log.st_size;
}

static uint64_t states;

static bool count_state(void *user, const torpor_run_step *step) {
  (void)user;
  (void)step;
  states++;
  return true;
}

static uint64_t count_states(void) {
  states = 0;
  assert_int_equal(torpor_run_steps(run_bench.store, "run", count_state, NULL),
                   TORPOR_OK);
  return states;
}

static void a_hundred_thousand_steps(void **state) {
  (void)state;
  run_bench_add("run",
                "import { sleep } from 'torpor:run';\n"
                "for (let i = 0; ; i++) await sleep(0);\n",
                0);
  run_bench_drive("run", 2000);
  int64_t early = file_size();
  run_bench_drive("run", 100000);
  assert_true(run_bench_look("run")->step >= 100000);
  assert_int_equal(count_states(), TORPOR_RUN_KEEP);
  assert_true(file_size() < early + early / 4);
}

/* 4 MiB of which each step changes little. */
static void many_differences(void **state) {
  (void)state;
  const char *tier = getenv("TORPOR_TIER");
  int64_t steps = tier != NULL && strcmp(tier, "full") == 0 ? 100000 : 2000;
  run_bench_add("run",
                "import { sleep } from 'torpor:run';\n"
                "const bytes = new Uint8Array(1 << 22);\n"
                "for (let i = 0, x = 1; i < bytes.length; i++)\n"
                "  bytes[i] = (x = (x * 48271) % 2147483647);\n"
                "for (let i = 0; ; i++) {\n"
                "  bytes[i * 4099 % bytes.length]++;\n"
                "  await sleep(0);\n"
                "}\n",
                0);
  run_bench_drive("run", 500);
  int64_t early = file_size();
  assert_true(run_bench.largest > 4 << 20);
  assert_true(run_bench.smallest < 64 << 10);
  run_bench_drive("run", steps);
  assert_true(count_states() <= TORPOR_RUN_KEEP + 32);
  assert_true(file_size() < early * 2);
}

#define ON_BENCH(test)                                                         \
  cmocka_unit_test_setup_teardown(test, run_bench_open, run_bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BENCH(a_hundred_thousand_steps),
      ON_BENCH(many_differences),
  };
  setenv("TORPOR_BREAK", "no-sync", 1);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
