/* SPDX-License-Identifier: MIT */
/* room.c - see room.h. */
#include "loop/room.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum {
  PIPES = 2,          /* descriptors of a first loop are 4 */
  POOL_USUAL = 4,     /* threads of libuv's pool, */
  POOL_LARGEST = 1024 /* unless UV_THREADPOOL_SIZE says another number */
};

#define POOL_STACK ((size_t)8 << 20)

int torpor__room_for_loop(void) {
  uv_file pipes[PIPES][2];
  int made = 0, failure = 0;
  while (made < PIPES && failure == 0) {
    failure = uv_pipe(pipes[made], 0, 0);
    if (failure == 0) made++;
  }
  while (made-- > 0) {
    close(pipes[made][0]);
    close(pipes[made][1]);
  }
  return failure;
}

/* ---- Threads -------------------------------------------------------------*/

static int pool_size(void) {
  const char *text = getenv("UV_THREADPOOL_SIZE");
  int size = text == NULL ? POOL_USUAL : atoi(text);
  if (size == 0) size = 1;
  return size < 0 || size > POOL_LARGEST ? POOL_LARGEST : size;
}

/* uv_thread_cb */
static void wait_for_end(void *user) {
  uv_sem_wait(user);
}

/* A thread that was joined counts until the system has cleaned up behind it:
 * waits for that, but not for ever. */
static void wait_until_gone(nlink_t before) {
  struct stat threads;
  for (int i = 0; i < 1000; i++) {
    if (stat("/proc/self/task", &threads) != 0 || threads.st_nlink <= before)
      return;
    uv_sleep(1);
  }
}

/* Starts as many threads as the pool has, and ends them. */
static int try_threads(uv_thread_t *threads, int count) {
  const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                       .stack_size = POOL_STACK};
  struct stat before;
  uv_sem_t end;
  int started = 0, failure = uv_sem_init(&end, 0);
  if (failure != 0) return failure;
  if (stat("/proc/self/task", &before) != 0) before.st_nlink = 0;
  while (started < count && failure == 0) {
    failure =
        uv_thread_create_ex(&threads[started], &options, wait_for_end, &end);
    if (failure == 0) started++;
  }
  for (int i = 0; i < started; i++) uv_sem_post(&end);
  for (int i = 0; i < started; i++) uv_thread_join(&threads[i]);
  uv_sem_destroy(&end);
  if (before.st_nlink > 0) wait_until_gone(before.st_nlink);
  return failure;
}

int torpor__room_for_pool(void) {
  static atomic_bool known;
  if (atomic_load(&known)) return 0;
  const int count = pool_size();
  uv_thread_t *threads = malloc((size_t)count * sizeof(*threads));
  int failure = threads == NULL ? UV_ENOMEM : try_threads(threads, count);
  free(threads);
  if (failure == 0) atomic_store(&known, true);
  return failure;
}
