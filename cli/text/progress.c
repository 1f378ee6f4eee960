/* SPDX-License-Identifier: MIT */
/* progress.c - a line on the terminal while a command takes long.
 *
 * A thread draws it, since the work is one call of the library. The cursor
 * stays at the line's beginning: what another process writes, or the shell
 * after Ctrl-C, takes its place.
 *
 *  (1) Between cli_progress and what is said next (cli_output_before) only the
 *      thread writes to standard error. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/text/output.h"
#include "cli/text/progress.h"

enum { FIRST_MS = 1000, NEXT_MS = 250, OBJECT_SIZE = 256 };

static struct {
  pthread_t thread;
  bool running; /* the thread is there; main thread only */

  pthread_mutex_t lock; /* of all that follows */
  pthread_cond_t changed;
  bool over, drawn;
  struct timespec begun;
  const char *doing, *unit;
  char object[OBJECT_SIZE];
  size_t done, total;
} progress;

/* ---- Drawing -------------------------------------------------------------*/

static struct timespec read_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now;
}

static void draw(void) {
  char line[OBJECT_SIZE + 160], count[64] = "";
  size_t width = cli_output_width(stderr);
  if (progress.total > 0)
    snprintf(count, sizeof(count), ", %zu of %zu %s", progress.done,
             progress.total, progress.unit);
  else if (progress.done > 0)
    snprintf(count, sizeof(count), ", %zu %s", progress.done, progress.unit);
  snprintf(line, sizeof(line), "torpor: %s%s%s%s, %ld s", progress.doing,
           progress.object[0] == '\0' ? "" : " ", progress.object, count,
           (long)(read_clock().tv_sec - progress.begun.tv_sec));
  fputs("\r\033[K", stderr);
  cli_output_cut(stderr, line, strlen(line), width - 1);
  fputs("\r", stderr);
  progress.drawn = true;
}

/* Waits until it is over, 'ms' at most; tells whether it is. */
static bool wait_until_over(int ms) {
  struct timespec end = read_clock();
  end.tv_nsec += ms % 1000 * 1000000L;
  end.tv_sec += ms / 1000 + end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  while (!progress.over)
    if (pthread_cond_timedwait(&progress.changed, &progress.lock, &end) != 0)
      break;
  return progress.over;
}

static void *draw_until_over(void *unused) {
  pthread_mutex_lock(&progress.lock);
  for (int ms = FIRST_MS; !wait_until_over(ms); ms = NEXT_MS) draw();
  pthread_mutex_unlock(&progress.lock);
  return unused;
}

/* ---- Beginning and end ---------------------------------------------------*/

static bool is_terminal(void) {
  const char *term = getenv("TERM");
  return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

/* Signals are the main thread's. False: there is no thread, and no line. */
static bool start_thread(void) {
  sigset_t all, former;
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&progress.lock, NULL);
  pthread_cond_init(&progress.changed, &attributes);
  pthread_condattr_destroy(&attributes);
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &former);
  bool good =
      pthread_create(&progress.thread, NULL, draw_until_over, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &former, NULL);
  return good;
}

static void end(void) {
  if (!progress.running) return;
  pthread_mutex_lock(&progress.lock);
  progress.over = true;
  pthread_cond_signal(&progress.changed);
  pthread_mutex_unlock(&progress.lock);
  pthread_join(progress.thread, NULL);
  progress.running = false;
  if (progress.drawn) fputs("\r\033[K", stderr);
}

void cli_progress(const char *doing, const char *object) {
  if (!is_terminal()) return;
  end();
  progress.over = progress.drawn = false;
  progress.begun = read_clock();
  progress.doing = doing;
  progress.done = progress.total = 0;
  snprintf(progress.object, sizeof(progress.object), "%s", object);
  progress.running = start_thread();
  cli_output_before(end);
}

void cli_progress_count(size_t done, size_t total, const char *unit) {
  if (!progress.running) return;
  pthread_mutex_lock(&progress.lock);
  progress.done = done;
  progress.total = total;
  progress.unit = unit;
  pthread_mutex_unlock(&progress.lock);
}
