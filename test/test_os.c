/* SPDX-License-Identifier: MIT */
/* test_os.c - what wasm/os.h promises, function by function: the first test of
 * a port. It uses nothing of the system's itself.
 * ctest: thread */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/os.h"

#define CHUNK ((size_t)65536) /* pages have at most so many bytes */
#define MS UINT64_C(1000000)

static bool is_all(const uint8_t *bytes, size_t size, uint8_t byte) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != byte) return false;
  return true;
}

/* ---- Memory ---------------------------------------------------------------*/

static void test_page_size(void **state) {
  size_t size = torpor__os_page_size();
  (void)state;
  assert_true(size >= 4096 && size <= CHUNK);
  assert_int_equal(size & (size - 1), 0);
  assert_true(torpor__os_mappings_most() > 1000);
}

/* Much can be reserved; what gets access is zero, and zero again after it was
 * given back, without losing its access. */
static void test_reserve(void **state) {
  const size_t size = (size_t)8 << 30;
  uint8_t *space = torpor__os_reserve(size), *part = space + size / 2;
  (void)state;
  assert_non_null(space);
  assert_true(torpor__os_protect(part, 2 * CHUNK, TORPOR__OS_WRITE));
  assert_true(is_all(part, 2 * CHUNK, 0));
  memset(part, 7, 2 * CHUNK);
  assert_true(torpor__os_protect(part, CHUNK, TORPOR__OS_READ));
  assert_true(is_all(part, 2 * CHUNK, 7));
  assert_true(torpor__os_protect(part, CHUNK, TORPOR__OS_WRITE));
  assert_true(torpor__os_discard(part, CHUNK));
  assert_true(is_all(part, CHUNK, 0));
  assert_true(is_all(part + CHUNK, CHUNK, 7));
  part[0] = 1;
  assert_true(torpor__os_discard(part, 2 * CHUNK));
  assert_true(torpor__os_protect(part, 2 * CHUNK, TORPOR__OS_NONE));
  assert_true(torpor__os_protect(part, 2 * CHUNK, TORPOR__OS_WRITE));
  assert_true(is_all(part, 2 * CHUNK, 0));
  torpor__os_release(space, size);
}

/* Large and small pieces, whole pages or not: nothing but the speed changes. */
static void test_expect(void **state) {
  const size_t size = 200 * CHUNK;
  uint8_t *space = torpor__os_reserve(size);
  (void)state;
  assert_non_null(space);
  assert_true(torpor__os_protect(space, size, TORPOR__OS_WRITE));
  memset(space, 3, CHUNK);
  torpor__os_expect(space + 7, size - 10);
  torpor__os_expect(space + 9, 0);
  torpor__os_expect(space + 9, 5000);
  assert_true(is_all(space, CHUNK, 3));
  assert_true(is_all(space + CHUNK, size - CHUNK, 0));
  torpor__os_release(space, size);
}

static void test_release_rest(void **state) {
  uint8_t *space = torpor__os_reserve(4 * CHUNK);
  (void)state;
  assert_non_null(space);
  assert_true(torpor__os_protect(space, 4 * CHUNK, TORPOR__OS_WRITE));
  memset(space, 9, 4 * CHUNK);
  assert_true(torpor__os_release_rest(space, 4 * CHUNK, CHUNK));
  assert_true(torpor__os_release_rest(space, CHUNK, CHUNK));
  assert_true(is_all(space, CHUNK, 9));
  torpor__os_release(space, CHUNK);
}

/* ---- Files of memory ------------------------------------------------------*/

/* A sealed file of four chunks, of which number i has the bytes i + 1; none
 * where the system has no such files. */
static torpor__os_file make_file(void) {
  torpor__os_file file = torpor__os_file_open(8 * CHUNK);
  uint8_t *view;
  if (file == TORPOR__OS_NO_FILE) return file;
  view = torpor__os_file_view(file, 8 * CHUNK, TORPOR__OS_WRITE);
  assert_non_null(view);
  assert_true(torpor__os_file_resize(file, 4 * CHUNK));
  assert_true(is_all(view, 4 * CHUNK, 0));
  for (int i = 0; i < 4; i++) memset(view + i * CHUNK, i + 1, CHUNK);
  torpor__os_release(view, 8 * CHUNK);
  assert_true(torpor__os_file_seal(file));
  return file;
}

static void test_view(void **state) {
  torpor__os_file file = make_file();
  uint8_t *view;
  (void)state;
  if (file == TORPOR__OS_NO_FILE) skip();
  view = torpor__os_file_view(file, 4 * CHUNK, TORPOR__OS_READ);
  assert_non_null(view);
  for (int i = 0; i < 4; i++)
    assert_true(is_all(view + i * CHUNK, CHUNK, (uint8_t)(i + 1)));
  torpor__os_release(view, 4 * CHUNK);
  torpor__os_file_close(file);
}

/* What is written to a file shows in a view, and the reverse. */
static void test_file_bytes(void **state) {
  torpor__os_file file = torpor__os_file_open(4 * CHUNK);
  uint8_t *view, *bytes = calloc(4, CHUNK);
  (void)state;
  if (file == TORPOR__OS_NO_FILE) skip();
  assert_non_null(bytes);
  assert_true(torpor__os_file_resize(file, 4 * CHUNK));
  view = torpor__os_file_view(file, 4 * CHUNK, TORPOR__OS_WRITE);
  assert_non_null(view);
  memset(bytes, 5, CHUNK + 9);
  assert_true(torpor__os_file_write(file, CHUNK - 3, bytes, CHUNK + 9));
  assert_true(is_all(view, CHUNK - 3, 0));
  assert_true(is_all(view + CHUNK - 3, CHUNK + 9, 5));
  assert_true(is_all(view + 2 * CHUNK + 6, 2 * CHUNK - 6, 0));
  view[4 * CHUNK - 1] = 6;
  assert_true(torpor__os_file_read(file, 2 * CHUNK, bytes, 2 * CHUNK));
  assert_true(is_all(bytes, 6, 5));
  assert_true(is_all(bytes + 6, 2 * CHUNK - 7, 0));
  assert_int_equal(bytes[2 * CHUNK - 1], 6);
  assert_false(torpor__os_file_read(file, 3 * CHUNK, bytes, 2 * CHUNK));
  torpor__os_release(view, 4 * CHUNK);
  assert_true(torpor__os_file_seal(file));
  assert_false(torpor__os_file_write(file, 0, bytes, 1));
  torpor__os_file_close(file);
  free(bytes);
}

/* Two mappings of a file see nothing of each other; what is given back is the
 * file's again, after the file was closed. */
static void test_map(void **state) {
  torpor__os_file file = make_file();
  uint8_t *spaces[2];
  (void)state;
  if (file == TORPOR__OS_NO_FILE) skip();
  for (int i = 0; i < 2; i++) {
    spaces[i] = torpor__os_reserve(8 * CHUNK);
    assert_non_null(spaces[i]);
    assert_true(torpor__os_file_map(file, spaces[i] + CHUNK, 4 * CHUNK));
  }
  torpor__os_file_close(file);
  memset(spaces[0] + CHUNK, 77, 2 * CHUNK);
  assert_true(is_all(spaces[1] + CHUNK, CHUNK, 1));
  assert_true(torpor__os_discard(spaces[0] + CHUNK, CHUNK));
  assert_true(is_all(spaces[0] + CHUNK, CHUNK, 1));
  assert_true(is_all(spaces[0] + 2 * CHUNK, CHUNK, 77));
  for (int i = 0; i < 2; i++) {
    assert_true(torpor__os_file_unmap(spaces[i] + CHUNK, 4 * CHUNK));
    assert_true(
        torpor__os_protect(spaces[i] + CHUNK, 4 * CHUNK, TORPOR__OS_WRITE));
    assert_true(is_all(spaces[i] + CHUNK, 4 * CHUNK, 0));
    torpor__os_release(spaces[i], 8 * CHUNK);
  }
}

static void add_written(void *user, size_t from, size_t to) {
  uint8_t *chunks = user;
  assert_true(from < to && to <= 4 * CHUNK);
  for (; from < to; from += 4096) chunks[from / CHUNK] = 1;
}

static void find_written(const uint8_t *start, bool slowly) {
  uint8_t chunks[4] = {0};
  bool told;
#ifdef TORPOR_TESTING
  torpor__os_file_refuse_scan(slowly);
#endif
  told = torpor__os_file_written(start, 4 * CHUNK, add_written, chunks);
#ifdef TORPOR_TESTING
  torpor__os_file_refuse_scan(false);
#endif
  (void)slowly;
  if (!told) return;
  assert_true(chunks[1] && chunks[3]);
  assert_false(chunks[0] || chunks[2]); /* one was read only */
}

static void test_written(void **state) {
  torpor__os_file file = make_file();
  uint8_t *space = torpor__os_reserve(8 * CHUNK), *start = space + 2 * CHUNK;
  (void)state;
  if (file == TORPOR__OS_NO_FILE) skip();
  assert_non_null(space);
  assert_true(torpor__os_file_map(file, start, 4 * CHUNK));
  torpor__os_file_close(file);
  start[CHUNK + 100] = start[3 * CHUNK] = 100;
  assert_int_equal(start[2 * CHUNK], 3);
  find_written(start, false);
  find_written(start, true);
  torpor__os_release(space, 8 * CHUNK);
}

static torpor__os_mutex mutex;
static torpor__os_condition condition;

/* ---- Jumps, faults, interrupts --------------------------------------------*/

static torpor__os_place place;

static void test_jump(void **state) {
  volatile int marks = 0;
  (void)state;
  if (TORPOR__OS_MARK(place) == 0) {
    marks = 1;
    torpor__os_jump(place);
  }
  assert_int_equal(marks, 1);
}

#ifndef TORPOR_SOFT_BOUNDS

static const uint8_t *volatile touched;
static int asked; /* for a stack: 1, as expected; 2, not so */

/* Lets in what was touched at an even chunk, and leaves at an odd one. */
static bool handle_fault(const torpor__os_fault *fault) {
  uintptr_t offset = fault->address - (uintptr_t)touched;
  uint8_t *chunk = (uint8_t *)(uintptr_t)touched + offset / CHUNK * CHUNK;
  if (touched == NULL || offset >= 4 * CHUNK) return false;
  if (offset / CHUNK % 2 == 1) torpor__os_jump_out(place, fault->context);
  return torpor__os_protect(chunk, CHUNK, TORPOR__OS_WRITE);
}

static bool read_faults(size_t offset) {
  if (TORPOR__OS_MARK(place) != 0) return true;
  assert_int_equal(touched[offset], 0);
  return false;
}

/* A thread that gets no stack for handlers has none, and can ask again. */
static void ask_for_stack(void) {
  void *stack = &stack;
  bool refused, given;
  torpor__os_refuse(0, 1);
  refused = !torpor__os_handler_stack_add(&stack) && stack == NULL;
  if (torpor__os_asked() == 0) refused = true; /* sanitizers give it one */
  torpor__os_refuse(UINT32_MAX, 0);
  given = torpor__os_handler_stack_add(&stack);
  torpor__os_handler_stack_remove(stack);
  torpor__os_mutex_take(&mutex);
  asked = refused && given ? 1 : 2;
  torpor__os_condition_wake(&condition);
  torpor__os_mutex_give(&mutex);
}

static void test_stack_is_refused(void **state) {
  uint64_t until = torpor__os_now() + 20000 * MS;
  (void)state;
  torpor__os_condition_start(&condition);
  torpor__os_mutex_take(&mutex);
  assert_true(torpor__os_thread_start(ask_for_stack));
  while (asked == 0 && torpor__os_now() < until)
    torpor__os_condition_wait(&condition, &mutex, until);
  torpor__os_mutex_give(&mutex);
  assert_int_equal(asked, 1);
}

/* Again and again: a handler that was left is called the next time. */
static void test_faults(void **state) {
  void *stack;
  uint8_t *space = torpor__os_reserve(4 * CHUNK);
  (void)state;
  assert_non_null(space);
  assert_true(torpor__os_handler_stack_add(&stack));
  torpor__os_faults_catch(handle_fault);
  torpor__os_handlers_let_in();
  assert_true(torpor__os_faults_are_caught());
  touched = space;
  for (int i = 0; i < 3; i++) {
    assert_true(read_faults(CHUNK + 5));
    assert_false(read_faults(2 * CHUNK + 5));
    assert_true(read_faults(3 * CHUNK + 5));
    assert_false(read_faults(7));
    assert_true(torpor__os_protect(space, 4 * CHUNK, TORPOR__OS_NONE));
  }
  touched = NULL;
  torpor__os_handler_stack_remove(stack);
  torpor__os_release(space, 4 * CHUNK);
}

#endif

/* ---- Threads --------------------------------------------------------------*/

static unsigned ended;

static void end_thread(void *value) {
  torpor__os_mutex_take(&mutex);
  ended += *(unsigned *)value;
  torpor__os_condition_wake(&condition);
  torpor__os_mutex_give(&mutex);
}

static void count_once(void) {
  ended += 100;
}

static void run_thread(void) {
  static torpor__os_at_end at_end = {.end = end_thread};
  static torpor__os_once_flag once;
  static unsigned one = 1;
  uintptr_t low, high, here = (uintptr_t)&low;
  torpor__os_thread_stack(&low, &high);
  if (high != 0) assert_true(low < here && here < high);
  torpor__os_mutex_take(&mutex);
  torpor__os_once(&once, count_once);
  torpor__os_mutex_give(&mutex);
  assert_true(torpor__os_at_thread_end(&at_end, &one));
}

/* What a thread has at its end is called; 'once' once for all of them. */
static void test_threads(void **state) {
  uint64_t until = torpor__os_now() + 20000 * MS;
  (void)state;
  torpor__os_condition_start(&condition);
  for (int i = 0; i < 5; i++) assert_true(torpor__os_thread_start(run_thread));
  torpor__os_mutex_take(&mutex);
  while (ended < 105 && torpor__os_now() < until)
    torpor__os_condition_wait(&condition, &mutex, until);
  assert_int_equal(ended, 105);
  torpor__os_mutex_give(&mutex);
}

/* Counts to a thousand, with whoever else does. */
static void count_together(void *user) {
  _Atomic unsigned *counts = user; /* the next number; calls; numbers taken */
  counts[1]++;
  while (atomic_fetch_add(&counts[0], 1) < 1000) counts[2]++;
}

static void test_together(void **state) {
  static const unsigned threads[] = {0, 1, 2, 7, 1000};
  (void)state;
  for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++) {
    _Atomic unsigned counts[3] = {0};
    torpor__os_thread_together(threads[i], count_together, counts);
    assert_int_equal(counts[2], 1000);
    assert_in_range(counts[1], 1, threads[i] > 1 ? threads[i] : 1);
    assert_in_range(counts[1], 1, TORPOR__OS_TOGETHER_MOST);
  }
}

static void test_waiting(void **state) {
  uint64_t start = torpor__os_now(), used;
  torpor__os_thread self = torpor__os_thread_self();
  volatile uint64_t work = 0;
  (void)state;
  torpor__os_condition_start(&condition);
  torpor__os_mutex_take(&mutex);
  torpor__os_condition_wait(&condition, &mutex, start + 20 * MS);
  torpor__os_mutex_give(&mutex);
  assert_true(torpor__os_now() >= start + 20 * MS);
  used = torpor__os_thread_used(&self);
  for (start = used; used < start + MS; work++)
    used = torpor__os_thread_used(&self);
}

/* ---- Time, chance, files --------------------------------------------------*/

static void test_time(void **state) {
  uint64_t first = torpor__os_now(), second = torpor__os_now();
  (void)state;
  assert_true(second >= first);
  assert_true(torpor__os_now_utc() > UINT64_C(1700000000) * 1000 * MS);
  for (int64_t seconds = -1000000000; seconds < 3000000000; seconds += 99999999)
    assert_true(abs(torpor__os_zone(seconds)) <= 24 * 60);
}

static void test_random(void **state) {
  uint8_t first[32] = {0}, second[32] = {0};
  (void)state;
  if (!torpor__os_random(first, sizeof(first))) skip();
  assert_true(torpor__os_random(second, sizeof(second)));
  assert_memory_not_equal(first, second, sizeof(first));
}

static void test_locale(void **state) {
  uintptr_t before = torpor__os_locale_plain();
  char text[8];
  (void)state;
  snprintf(text, sizeof(text), "%.1f", 1.5);
  assert_string_equal(text, "1.5");
  torpor__os_locale_set(before);
}

/* Names come sorted, and end when the caller has enough. */
static bool check_name(void *user, const char *name) {
  char *last = user;
  assert_true(strcmp(last, name) < 0);
  snprintf(last, 256, "%s", name);
  return strcmp(name, "README.md") != 0;
}

static void test_files(void **state) {
  const char *source = getenv("TORPOR_SOURCE");
  char path[TORPOR__OS_PATH_LARGEST], last[256] = "";
  (void)state;
  assert_non_null(source);
  assert_false(torpor__os_folder_each(source, check_name, last));
  assert_string_equal(last, "README.md");
  last[0] = 0;
  assert_true(torpor__os_folder_each("no such folder", check_name, last));
  assert_string_equal(last, "");
  assert_true(torpor__os_program_path(path, sizeof(path)));
  assert_true(torpor__os_path_exists(path));
  assert_false(torpor__os_program_path(path, 2));
  assert_true(torpor__os_library_path(path, sizeof(path)));
  assert_false(torpor__os_path_exists("no such file"));
}

/* What is no library is not loaded. */
static void test_libraries(void **state) {
  char path[TORPOR__OS_PATH_LARGEST];
  (void)state;
  assert_null(torpor__os_library_open("no such file"));
  snprintf(path, sizeof(path), "%s/README.md", getenv("TORPOR_SOURCE"));
  assert_null(torpor__os_library_open(path));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_page_size), cmocka_unit_test(test_reserve),
      cmocka_unit_test(test_expect),    cmocka_unit_test(test_release_rest),
      cmocka_unit_test(test_view),      cmocka_unit_test(test_file_bytes),
      cmocka_unit_test(test_map),       cmocka_unit_test(test_written),
      cmocka_unit_test(test_jump),
#ifndef TORPOR_SOFT_BOUNDS
      cmocka_unit_test(test_faults),    cmocka_unit_test(test_stack_is_refused),
#endif
      cmocka_unit_test(test_threads),   cmocka_unit_test(test_together),
      cmocka_unit_test(test_waiting),   cmocka_unit_test(test_time),
      cmocka_unit_test(test_random),    cmocka_unit_test(test_locale),
      cmocka_unit_test(test_files),     cmocka_unit_test(test_libraries),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
