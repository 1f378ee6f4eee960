/* SPDX-License-Identifier: MIT */
/* watchdog.c - ends guest code that runs past its deadline without polling.
 *
 * One thread for the process sleeps until the earliest deadline of all threads,
 * and sends TORPOR__WATCHDOG_SIGNAL to those that are past theirs, again and
 * again until they have left. The handler jumps out of guest code; while host
 * code runs it only leaves a mark, which torpor__host_end reads.
 *
 *     guest runs --signal--> left: TRAP_WATCHDOG
 *     host runs  --signal--> late = 1 --host_end--> left: TRAP_WATCHDOG
 *
 * Starting an entry costs two atomic accesses: the deadline is stored, then
 * 'wake' is read. The watchdog stores 'wake', then reads the deadlines. So one
 * of the two sees the other (both are sequentially consistent).
 *
 *  (1) Threads in 'list' are alive: they leave it, under the lock, as they end.
 *  (2) While the watchdog waits, 'wake' is no later than any deadline that was
 *      set before it looked; a later one that is earlier wakes it.
 *
 * With TORPOR_SOFT_BOUNDS there is neither thread nor signal. */
#define _GNU_SOURCE
#include "wasm/thread.h"

#include <errno.h>
#include <time.h>

#ifdef TORPOR_SOFT_BOUNDS

void torpor__watchdog_add(struct torpor__thread *thread) {
  (void)thread;
}

void torpor__watchdog_remove(struct torpor__thread *thread) {
  (void)thread;
}

void torpor__watchdog_watch(struct torpor__thread *thread, uint64_t deadline) {
  (void)thread, (void)deadline;
}

#else

#define AGAIN_NS UINT64_C(5000000) /* between two signals to one thread */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct torpor__thread *list;
static bool started;
static _Atomic uint64_t wake = UINT64_MAX; /* when it looks again */

static struct sigaction before;

/* ---- The handler ----------------------------------------------------------*/

static void pass_on(int number, siginfo_t *info, void *context) {
  if (before.sa_flags & SA_SIGINFO)
    before.sa_sigaction(number, info, context);
  else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
    before.sa_handler(number);
}

static void on_signal(int number, siginfo_t *info, void *context) {
  struct torpor__thread *thread = torpor__thread_self;
  torpor__entry *entry;
  int error = errno;
  if (thread == NULL || thread->entry == NULL ||
      thread->entry->deadline == UINT64_MAX ||
      torpor__monotonic_ns() < thread->entry->deadline) {
    pass_on(number, info, context);
    errno = error;
    return;
  }
  thread->late = 1;
  errno = error;
  entry = thread->entry;
  if (!entry->in_guest) return;
  entry->in_guest = 0; /* the next one, that comes in between, leaves nothing */
  torpor__entry_leave_signal(entry, TORPOR__TRAP_WATCHDOG, context);
}

static void install_handler(void) {
  struct sigaction action = {
      .sa_sigaction = on_signal,
      .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART,
  };
  sigemptyset(&action.sa_mask);
  sigaction(TORPOR__WATCHDOG_SIGNAL, &action, &before);
}

/* ---- The thread -----------------------------------------------------------*/

/* Signals those past their deadline; the time to look again. Under the lock. */
static uint64_t look_at_threads(void) {
  uint64_t now = torpor__monotonic_ns();
  uint64_t next = UINT64_MAX;
  for (struct torpor__thread *thread = list; thread; thread = thread->next) {
    uint64_t deadline = atomic_load(&thread->deadline);
    if (deadline <= now) {
      pthread_kill(thread->id, TORPOR__WATCHDOG_SIGNAL);
      deadline = now + AGAIN_NS;
    }
    if (deadline < next) next = deadline;
  }
  return next;
}

static void wait_until(uint64_t time) {
  if (time == UINT64_MAX) {
    pthread_cond_wait(&changed, &lock);
    return;
  }
  struct timespec until = {.tv_sec = (time_t)(time / 1000000000u),
                           .tv_nsec = (long)(time % 1000000000u)};
  pthread_cond_timedwait(&changed, &lock, &until);
}

static void *run_watchdog(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  for (;;) {
    atomic_store(&wake, UINT64_MAX);
    uint64_t next = look_at_threads();
    atomic_store(&wake, next); /* who saw "never" waits for the lock by now */
    wait_until(next);
  }
  return NULL;
}

/* After fork only the calling thread is there: the list is that one, and the
 * watchdog starts anew with the next deadline. */
static void start_in_child(void) {
  struct torpor__thread *self = torpor__thread_self;
  pthread_mutex_init(&lock, NULL);
  list = NULL;
  started = false;
  atomic_store(&wake, UINT64_MAX);
  if (self != NULL) torpor__watchdog_add(self);
}

/* Under the lock. When there is no thread to be had, the next deadline tries
 * again. */
static void start_watchdog(void) {
  static bool prepared;
  sigset_t all, restore;
  pthread_t thread;
  pthread_condattr_t monotonic;
  if (!prepared) {
    prepared = true;
    install_handler();
    pthread_atfork(NULL, NULL, start_in_child);
  }
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &restore);
  started = pthread_create(&thread, NULL, run_watchdog, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &restore, NULL);
  if (started) pthread_detach(thread);
}

/* ---- What threads call ----------------------------------------------------*/

void torpor__watchdog_add(struct torpor__thread *thread) {
  pthread_mutex_lock(&lock);
  thread->next = list;
  thread->link = &list;
  if (list != NULL) list->link = &thread->next;
  list = thread;
  pthread_mutex_unlock(&lock);
}

void torpor__watchdog_remove(struct torpor__thread *thread) {
  pthread_mutex_lock(&lock);
  *thread->link = thread->next;
  if (thread->next != NULL) thread->next->link = thread->link;
  pthread_mutex_unlock(&lock);
}

void torpor__watchdog_watch(struct torpor__thread *thread, uint64_t deadline) {
  uint64_t seen = atomic_load_explicit(&thread->deadline, memory_order_relaxed);
  if (deadline == seen) return; /* the watchdog saw it, or was woken for it */
  atomic_store(&thread->deadline, deadline);
  if (deadline >= atomic_load(&wake)) return;
  pthread_mutex_lock(&lock);
  if (!started) start_watchdog();
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

#endif
