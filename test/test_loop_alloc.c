/* SPDX-License-Identifier: MIT */
/* test_loop_alloc.c - every allocation of the loop fails once.
 *
 * ctest: nosanitize
 *
 * malloc and its kin are replaced here: while a scene plays, the n-th call
 * returns NULL, for n = 0, 1, 2... until the scene plays through without one.
 * Each time nothing may crash, nothing may leak, and what reports success must
 * have happened. libuv keeps the real ones, since it ends the process when it
 * cannot grow its tables. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "torpor-loop.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static atomic_bool playing;
static atomic_long left; /* calls until one fails; negative: none will */
static atomic_long live; /* blocks made while playing and not freed */

static bool must_fail(void) {
  if (!atomic_load(&playing)) return false;
  if (atomic_fetch_sub(&left, 1) != 0) return false;
  errno = ENOMEM;
  return true;
}

static void *note(void *block) {
  if (block != NULL && atomic_load(&playing)) atomic_fetch_add(&live, 1);
  return block;
}

/* libc's own callers, such as strdup, must find these too. */
#define REPLACES __attribute__((visibility("default")))

REPLACES void *malloc(size_t size) {
  return must_fail() ? NULL : note(__libc_malloc(size));
}

REPLACES void *calloc(size_t count, size_t size) {
  return must_fail() ? NULL : note(__libc_calloc(count, size));
}

REPLACES void *realloc(void *block, size_t size) {
  if (must_fail()) return NULL;
  void *grown = __libc_realloc(block, size);
  return block == NULL ? note(grown) : grown;
}

REPLACES void free(void *block) {
  if (block != NULL && atomic_load(&playing)) atomic_fetch_sub(&live, 1);
  __libc_free(block);
}

/* ---- The scene -----------------------------------------------------------*/

static char folder[] = "/tmp/torpor-alloc-XXXXXX";

struct stage {
  torpor_loop *loop;
  torpor_access *access;
  int started, done, rejected, rung;
};

static void count_done(void *user, torpor_task *task, torpor_outcome outcome,
                       const void *data, size_t size) {
  struct stage *stage = user;
  (void)task, (void)data, (void)size;
  stage->done++;
  if (outcome == TORPOR_REJECT) stage->rejected++;
}

static void count_ring(void *user) {
  ((struct stage *)user)->rung++;
}

static void start(struct stage *stage, const char *kind, const char *json) {
  torpor_bytes request = {0};
  torpor_task *task;
  if (torpor_json_to_cbor(json, strlen(json), &request) != TORPOR_OK) return;
  torpor_operation operation = {.size = sizeof(torpor_operation),
                                .id = 1,
                                .kind = kind,
                                .request = request.data,
                                .request_size = request.size};
  torpor_status status = torpor_loop_start(
      stage->loop, &operation, stage->access, count_done, stage, &task);
  assert_true(status == TORPOR_OK || status == TORPOR_NOMEM);
  if (status == TORPOR_OK) stage->started++;
  torpor_bytes_free(&request);
}

static void play_access(struct stage *stage) {
  torpor_bytes text;
  torpor_access *again;
  torpor_access_allow(stage->access, TORPOR_READ, folder);
  torpor_access_allow(stage->access, TORPOR_WRITE, NULL);
  if (torpor_access_write(stage->access, &text) != TORPOR_OK) return;
  if (torpor_access_read((char *)text.data, text.size, &again) == TORPOR_OK)
    torpor_access_close(again);
  torpor_bytes_free(&text);
}

static void play_loop(struct stage *stage) {
  torpor_alarm *alarm;
  torpor_bytes source;
  torpor_loader *loader;
  int alarms = 0;
  start(stage, "file-write", "{\"path\": \"f\", \"data\": \"x\"}");
  start(stage, "timer", "null");
  start(stage, "teleport", "null");
  start(stage, "file-read", "{\"path\": \"/etc/passwd\"}");
  if (torpor_alarm_open(stage->loop, 0, count_ring, stage, &alarm) == TORPOR_OK)
    alarms++;
  assert_int_equal(torpor_loop_run(stage->loop), TORPOR_OK);
  start(stage, "file-read", "{\"path\": \"f\"}");
  assert_int_equal(torpor_loop_run(stage->loop), TORPOR_OK);
  assert_int_equal(stage->rung, alarms);
  torpor_status status =
      torpor_loader_open("f", stage->access, &loader, &source);
  if (status != TORPOR_NOMEM) assert_non_null(torpor_loader_error(loader));
  torpor_bytes_free(&source);
  torpor_loader_close(loader);
}

static void play(struct stage *stage) {
  if (torpor_loop_open(NULL, &stage->loop) != TORPOR_OK) return;
  if (torpor_access_open(folder, &stage->access) == TORPOR_OK) {
    play_access(stage);
    play_loop(stage);
    assert_int_equal(stage->done, stage->started);
  }
  torpor_loop_close(stage->loop);
  torpor_access_close(stage->access);
}

static void every_failed_allocation_is_survived(void **state) {
  struct stage stage = {0};
  long failed = 0;
  (void)state;
  play(&stage); /* the threads of libuv's pool are made, and stay */
  do {
    stage = (struct stage){0};
    atomic_store(&live, 0);
    atomic_store(&left, failed);
    atomic_store(&playing, true);
    play(&stage);
    atomic_store(&playing, false);
    if (atomic_load(&live) != 0)
      fail_msg("allocation %ld: %ld blocks are left", failed,
               atomic_load(&live));
    failed++;
  } while (atomic_load(&left) < 0);
  assert_true(failed > 40);
  assert_int_equal(stage.started, 5);
  assert_int_equal(stage.rejected, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_failed_allocation_is_survived),
  };
  if (uv_replace_allocator(__libc_malloc, __libc_realloc, __libc_calloc,
                           __libc_free) != 0 ||
      mkdtemp(folder) == NULL || chdir(folder) != 0)
    return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink("f");
  return chdir("/") != 0 || rmdir(folder) != 0 ? 1 : failed;
}
