/* SPDX-License-Identifier: MIT */
/* os-linux-thread.c - threads, locks and forks, on Linux: those of POSIX. */
#define _GNU_SOURCE
#include "wasm/os.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(torpor__os_mutex) &&
                   sizeof(pthread_cond_t) <= sizeof(torpor__os_condition) &&
                   sizeof(pthread_once_t) <= sizeof(torpor__os_once_flag) &&
                   sizeof(pthread_t) <= sizeof(uintptr_t),
               "os.h has room for what the system has");

/* ---- Threads --------------------------------------------------------------*/

torpor__os_thread torpor__os_thread_self(void) {
  clockid_t clock;
  if (pthread_getcpuclockid(pthread_self(), &clock) != 0)
    clock = CLOCK_MONOTONIC;
  return (torpor__os_thread){(uintptr_t)pthread_self(), (uintptr_t)clock};
}

void torpor__os_thread_stack(uintptr_t *low, uintptr_t *high) {
  pthread_attr_t attributes;
  void *start;
  size_t size, guard = 0;
  *low = *high = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  if (pthread_attr_getstack(&attributes, &start, &size) == 0) {
    pthread_attr_getguardsize(&attributes, &guard);
    *low = (uintptr_t)start + guard;
    *high = (uintptr_t)start + size;
  }
  pthread_attr_destroy(&attributes);
}

uint64_t torpor__os_thread_used(const torpor__os_thread *thread) {
  struct timespec used;
  if (clock_gettime((clockid_t)thread->clock, &used) != 0)
    return torpor__os_now();
  return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

/* A thread that takes no signals. */
static bool start_thread(pthread_t *thread, void *(*run)(void *), void *user) {
  sigset_t all, restore;
  if (torpor__os_is_refused()) return false;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &restore);
  bool started = pthread_create(thread, NULL, run, user) == 0;
  pthread_sigmask(SIG_SETMASK, &restore, NULL);
  return started;
}

static void *run_thread(void *start) {
  void (*run)(void);
  *(void **)&run = start;
  run();
  return NULL;
}

bool torpor__os_thread_start(void (*run)(void)) {
  pthread_t thread;
  bool started = start_thread(&thread, run_thread, *(void **)&run);
  if (started) pthread_detach(thread);
  return started;
}

typedef struct together {
  void (*work)(void *user);
  void *user;
} together;

static void *run_together(void *user) {
  const together *t = user;
  t->work(t->user);
  return NULL;
}

void torpor__os_thread_together(unsigned count, void (*work)(void *user),
                                void *user) {
  pthread_t threads[TORPOR__OS_TOGETHER_MOST];
  together t = {work, user};
  unsigned started = 0;
  if (count > TORPOR__OS_TOGETHER_MOST) count = TORPOR__OS_TOGETHER_MOST;
  while (started + 1 < count &&
         start_thread(&threads[started], run_together, &t))
    started++;
  work(user);
  while (started > 0) pthread_join(threads[--started], NULL);
}

/* The key, plus one; 0: there is none to be had. Of two threads that make it at
 * once one throws its own away. */
static uintptr_t find_key(torpor__os_at_end *at_end) {
  uintptr_t known = at_end->key;
  pthread_key_t key;
  if (known != 0) return known;
  if (pthread_key_create(&key, at_end->end) != 0) return 0;
  if (atomic_compare_exchange_strong(&at_end->key, &known, (uintptr_t)key + 1))
    return (uintptr_t)key + 1;
  pthread_key_delete(key);
  return known;
}

bool torpor__os_at_thread_end(torpor__os_at_end *at_end, void *value) {
  uintptr_t key = torpor__os_is_refused() ? 0 : find_key(at_end);
  return key != 0 && pthread_setspecific((pthread_key_t)(key - 1), value) == 0;
}

/* ---- Locks ----------------------------------------------------------------
 *
 * What is all zero is one of POSIX's that was just initialised. */

void torpor__os_once(torpor__os_once_flag *once, void (*run)(void)) {
  pthread_once((pthread_once_t *)once, run);
}

void torpor__os_mutex_take(torpor__os_mutex *mutex) {
  pthread_mutex_lock((pthread_mutex_t *)mutex);
}

void torpor__os_mutex_give(torpor__os_mutex *mutex) {
  pthread_mutex_unlock((pthread_mutex_t *)mutex);
}

void torpor__os_condition_start(torpor__os_condition *condition) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init((pthread_cond_t *)condition, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

void torpor__os_condition_wait(torpor__os_condition *condition,
                               torpor__os_mutex *mutex, uint64_t time) {
  struct timespec until = {.tv_sec = (time_t)(time / NS_PER_S),
                           .tv_nsec = (long)(time % NS_PER_S)};
  pthread_cond_t *native = (pthread_cond_t *)condition;
  if (time == UINT64_MAX)
    pthread_cond_wait(native, (pthread_mutex_t *)mutex);
  else
    pthread_cond_timedwait(native, (pthread_mutex_t *)mutex, &until);
}

void torpor__os_condition_wake(torpor__os_condition *condition) {
  pthread_cond_signal((pthread_cond_t *)condition);
}

void torpor__os_at_fork(void (*before)(void), void (*in_parent)(void),
                        void (*in_child)(void)) {
  pthread_atfork(before, in_parent, in_child);
}
