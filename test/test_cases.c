/* SPDX-License-Identifier: MIT */
/* test_cases.c - runs every case of test/cases/.
 *
 * ctest: slow full timeout=240
 *
 * Each runs plainly twice, then with a sleep at every boundary, then with one
 * at boundary k alone, for every k; where that would take long, for some of
 * them spread evenly. All that in every way of sleeping that there is (support/
 * case-sleep.c); the quick tier takes one way for each k in turn. Each time it
 * must print the same, end the same way, and leave the same snapshot, byte for
 * byte. TORPOR_CASES=TEXT runs those whose file name contains TEXT.
 *
 * Not in cmocka, which puts its own handler in the place of the library's for
 * each test, while the library recycles VMs from one case to the next. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/case.h"

/* How often a case sleeps in one run, at how many boundaries it sleeps alone,
 * and how many jobs that may take in all. */
enum {
  QUICK_SLEEPS = 40,
  FULL_SLEEPS = 2000,
  QUICK_RUNS = 30,
  QUICK_JOBS = 5000,
  FULL_JOBS = 500000,
};

static char folder[1024];

static bool is_full_tier(void) {
  const char *tier = getenv("TORPOR_TIER");
  return tier != NULL && strcmp(tier, "full") == 0;
}

/* Sleep at each boundary, or at so many of them. */
static test_plan plan_every(uint64_t boundaries, test_way way) {
  uint64_t step = boundaries / (is_full_tier() ? FULL_SLEEPS : QUICK_SLEEPS);
  return (test_plan){TEST_SLEEP_EVERY, step + 1, way};
}

/* At how many boundaries of a case to sleep alone. */
static uint64_t count_runs(uint64_t boundaries) {
  uint64_t jobs = is_full_tier() ? FULL_JOBS : QUICK_JOBS;
  uint64_t runs = jobs / (boundaries + 1) + 1;
  if (!is_full_tier() && runs > QUICK_RUNS) runs = QUICK_RUNS;
  return runs > boundaries ? boundaries : runs;
}

/* Is each line of 'wanted' somewhere in 'text'? */
static bool has_lines(const test_text *text, const test_text *wanted) {
  char line[512];
  const char *at = wanted->data;
  for (const char *end; at != NULL && (end = strchr(at, '\n')) != NULL;
       at = end + 1) {
    snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
    if (text->data == NULL || strstr(text->data, line) == NULL) return false;
  }
  return true;
}

static const char *text_of(const test_text *text) {
  return text->data == NULL ? "" : text->data;
}

/* Says what is wrong with 'test' when it ran by 'plan'; gives false. */
static bool complain(const test_case *test, test_plan plan, const char *format,
                     ...) {
  va_list arguments;
  printf("not ok %s", test->file);
  if (plan.sleep == TEST_SLEEP_EVERY)
    printf(", sleeping every %llu", (unsigned long long)plan.boundary);
  if (plan.sleep == TEST_SLEEP_ONCE)
    printf(", sleeping at %llu", (unsigned long long)plan.boundary);
  if (plan.sleep != TEST_SLEEP_NEVER) printf(" %s", test_way_name(plan.way));
  printf(": ");
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
  return false;
}

static bool check_result(const test_case *test, test_plan plan,
                         const test_result *result) {
  if (strcmp(text_of(&result->output), text_of(&test->expected)) != 0)
    return complain(test, plan, "printed\n%swhere was expected\n%s(error: %s)",
                    text_of(&result->output), text_of(&test->expected),
                    text_of(&result->error));
  if (result->exit != test->exit)
    return complain(test, plan, "ended as %s, expected %s: %s",
                    test_exit_name(result->exit), test_exit_name(test->exit),
                    text_of(&result->error));
  if (!has_lines(&result->error, &test->error))
    return complain(test, plan, "the error was\n%s\nand should contain\n%s",
                    text_of(&result->error), text_of(&test->error));
  return true;
}

static bool check_equal(const test_case *test, test_plan plan,
                        const test_result *plain, const test_result *result) {
  if (strcmp(text_of(&plain->error), text_of(&result->error)) != 0)
    return complain(test, plan, "the error was\n%s\nnot\n%s",
                    text_of(&result->error), text_of(&plain->error));
  if (result->boundaries != plain->boundaries)
    return complain(test, plan, "%llu boundaries, not %llu",
                    (unsigned long long)result->boundaries,
                    (unsigned long long)plain->boundaries);
  if (result->final.size != plain->final.size ||
      memcmp(result->final.data, plain->final.data, plain->final.size) != 0)
    return complain(test, plan, "the final snapshot is another");
  return true;
}

/* Runs 'test' by 'plan' and compares with 'plain' (NULL: this is it). */
static bool run_by(const test_case *test, test_plan plan,
                   const test_result *plain, test_result *result) {
  const char *failure = test_case_run(test, plan, result);
  if (failure != NULL) return complain(test, plan, "%s", failure);
  return check_result(test, plan, result) &&
         (plain == NULL || check_equal(test, plan, plain, result));
}

static bool run_again(const test_case *test, test_plan plan,
                      const test_result *plain) {
  test_result result = {0};
  bool is_good = run_by(test, plan, plain, &result);
  test_result_free(&result);
  return is_good;
}

/* With sleeps in each way at every boundary, and at some boundaries alone. */
static bool run_sleeping(const test_case *test, const test_result *plain) {
  uint64_t all = plain->boundaries, runs = count_runs(all);
  for (int way = 0; way < TEST_WAY_COUNT; way++)
    if (!run_again(test, plan_every(all, (test_way)way), plain)) return false;
  int ways = is_full_tier() ? TEST_WAY_COUNT : 1;
  for (uint64_t i = 0; i < runs; i++)
    for (int j = 0; j < ways; j++) {
      test_way way = (test_way)((i + (uint64_t)j) % TEST_WAY_COUNT);
      test_plan once = {TEST_SLEEP_ONCE, i * all / runs, way};
      if (!run_again(test, once, plain)) return false;
    }
  return true;
}

static bool run_all(const test_case *test) {
  test_result plain = {0};
  test_plan never = {.sleep = TEST_SLEEP_NEVER};
  bool is_good = run_by(test, never, NULL, &plain);
  if (is_good && test->is_exact && plain.exit != TEST_EXIT_TRAPPED)
    is_good = run_again(test, never, &plain) && run_sleeping(test, &plain);
  test_result_free(&plain);
  return is_good;
}

static bool run_file(const char *file) {
  test_case test;
  const char *wrong = test_case_load(folder, file, &test);
  bool is_good = wrong == NULL ? run_all(&test)
                               : complain(&test, (test_plan){0}, "%s", wrong);
  if (is_good) printf("ok %s\n", file);
  fflush(stdout);
  test_case_free(&test);
  return is_good;
}

static int is_case(const struct dirent *entry) {
  const char *wanted = getenv("TORPOR_CASES");
  const char *end = strrchr(entry->d_name, '.');
  if (end == NULL || (strcmp(end, ".js") != 0 && strcmp(end, ".mjs") != 0))
    return 0;
  return wanted == NULL || strstr(entry->d_name, wanted) != NULL;
}

int main(void) {
  struct dirent **entries;
  const char *source = getenv("TORPOR_SOURCE");
  snprintf(folder, sizeof(folder), "%s/test/cases",
           source == NULL ? "." : source);
  int count = scandir(folder, &entries, is_case, alphasort), failed = 0;
  if (count <= 0) {
    fprintf(stderr, "%s: no cases there\n", folder);
    return 1;
  }
  for (int i = 0; i < count; i++) {
    if (!run_file(entries[i]->d_name)) failed++;
    free(entries[i]);
  }
  free(entries);
  printf("%d cases, %d failed\n", count, failed);
  return failed > 0;
}
