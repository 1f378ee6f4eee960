/* SPDX-License-Identifier: MIT */
/* worker-threads.c - the pool of threads on which long steps are computed. See
 * worker-threads.h.
 *
 * There are more threads than processors, since the system shares those fairly
 * and at no loss, while a step that waits here for a thread may wait for one
 * that never ends. They are a little less urgent than the loop's thread
 * ('nice', which Linux has for each thread), so that however many there are,
 * what is short goes on beside them; where others use the machine as well,
 * they still get a third of what those get. */
#define _GNU_SOURCE /* gettid */
#include "run/worker/worker-threads.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { THREADS_MOST = 16, NICE = 5 };

/* What programs have on the main thread of a process. */
#define STACK_SIZE ((size_t)8 << 20)

struct torpor__threads {
  torpor_loop *loop;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* work came or was done, or the pool closes */
  struct torpor__work *first, *last;
  size_t waiting; /* in that list */
  pthread_t threads[THREADS_MOST];
  size_t count;
  size_t idle; /* threads that wait for work */
  bool closing;
  atomic_bool is_short;
};

/* ---- The list of work, under the lock ------------------------------------*/

/* The only place where the state of work changes. */
static void set_state(struct torpor__work *work, enum torpor__work_state from,
                      enum torpor__work_state to) {
  assert(work->state == from);
  (void)from;
  work->state = to;
}

static void note_shortage(struct torpor__threads *threads) {
  assert((threads->first == NULL) == (threads->waiting == 0));
  assert(threads->idle <= threads->count && threads->count <= THREADS_MOST);
  atomic_store(&threads->is_short, threads->waiting > threads->idle &&
                                       threads->count == THREADS_MOST);
}

static void add_work(struct torpor__threads *threads,
                     struct torpor__work *work) {
  set_state(work, TORPOR__WORK_NONE, TORPOR__WORK_WAITS);
  work->next = NULL;
  if (threads->last != NULL)
    threads->last->next = work;
  else
    threads->first = work;
  threads->last = work;
  threads->waiting++;
}

static void remove_work(struct torpor__threads *threads,
                        struct torpor__work *work) {
  struct torpor__work *before = NULL;
  for (struct torpor__work *at = threads->first; at != work; at = at->next)
    before = at;
  if (before != NULL)
    before->next = work->next;
  else
    threads->first = work->next;
  if (threads->last == work) threads->last = before;
  threads->waiting--;
}

/* ---- The threads ---------------------------------------------------------*/

/* Takes the first work of the list, and waits for some. NULL: the pool
 * closes. */
static struct torpor__work *await_work(struct torpor__threads *threads) {
  threads->idle++;
  note_shortage(threads);
  while (threads->first == NULL && !threads->closing)
    pthread_cond_wait(&threads->changed, &threads->lock);
  threads->idle--;
  struct torpor__work *work = threads->first;
  if (work == NULL) return NULL;
  remove_work(threads, work);
  set_state(work, TORPOR__WORK_WAITS, TORPOR__WORK_RUNS);
  note_shortage(threads);
  return work;
}

static void *run_thread(void *user) {
  struct torpor__threads *threads = user;
  struct torpor__work *work;
  int own = getpriority(PRIO_PROCESS, (id_t)gettid());
  setpriority(PRIO_PROCESS, (id_t)gettid(), own + NICE); /* if it may */
  pthread_mutex_lock(&threads->lock);
  while ((work = await_work(threads)) != NULL) {
    pthread_mutex_unlock(&threads->lock);
    work->work(work);
    pthread_mutex_lock(&threads->lock);
    set_state(work, TORPOR__WORK_RUNS, TORPOR__WORK_DONE);
    pthread_cond_broadcast(&threads->changed);
    torpor_loop_wake(threads->loop);
  }
  pthread_mutex_unlock(&threads->lock);
  return NULL;
}

/* Chooses all signals to be blocked but those that a thread brings upon itself,
 * and the watchdog's SIGURG: others are for other threads of the process. */
static void choose_signals(sigset_t *blocked) {
  static const int own[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                            SIGTRAP, SIGABRT, SIGSYS, SIGURG};
  sigfillset(blocked);
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
    sigdelset(blocked, own[i]);
}

static bool add_thread(struct torpor__threads *threads) {
  sigset_t blocked, before;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  choose_signals(&blocked);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  bool made = pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
              pthread_create(&threads->threads[threads->count], &attributes,
                             run_thread, threads) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (made) threads->count++;
  return made;
}

/* ---- For the loop's thread -----------------------------------------------*/

struct torpor__threads *torpor__threads_open(torpor_loop *loop) {
  struct torpor__threads *threads = calloc(1, sizeof *threads);
  if (threads == NULL) return NULL;
  threads->loop = loop;
  pthread_mutex_init(&threads->lock, NULL);
  pthread_cond_init(&threads->changed, NULL);
  return threads;
}

void torpor__threads_close(struct torpor__threads *threads) {
  if (threads == NULL) return;
  pthread_mutex_lock(&threads->lock);
  assert(threads->first == NULL);
  threads->closing = true;
  pthread_cond_broadcast(&threads->changed);
  pthread_mutex_unlock(&threads->lock);
  for (size_t i = 0; i < threads->count; i++)
    pthread_join(threads->threads[i], NULL);
  pthread_cond_destroy(&threads->changed);
  pthread_mutex_destroy(&threads->lock);
  free(threads);
}

bool torpor__threads_start(struct torpor__threads *threads,
                           struct torpor__work *work) {
  pthread_mutex_lock(&threads->lock);
  bool wanting =
      threads->waiting >= threads->idle && threads->count < THREADS_MOST;
  bool served = (wanting && add_thread(threads)) || threads->count > 0;
  if (served) {
    add_work(threads, work);
    note_shortage(threads);
    pthread_cond_broadcast(&threads->changed);
  }
  pthread_mutex_unlock(&threads->lock);
  return served;
}

bool torpor__threads_done(struct torpor__threads *threads,
                          struct torpor__work *work) {
  pthread_mutex_lock(&threads->lock);
  bool done = work->state == TORPOR__WORK_DONE;
  if (done) set_state(work, TORPOR__WORK_DONE, TORPOR__WORK_NONE);
  pthread_mutex_unlock(&threads->lock);
  return done;
}

void torpor__threads_wait(struct torpor__threads *threads,
                          struct torpor__work *work) {
  pthread_mutex_lock(&threads->lock);
  if (work->state == TORPOR__WORK_WAITS) {
    remove_work(threads, work);
    set_state(work, TORPOR__WORK_WAITS, TORPOR__WORK_NONE);
  } else {
    while (work->state == TORPOR__WORK_RUNS)
      pthread_cond_wait(&threads->changed, &threads->lock);
    set_state(work, TORPOR__WORK_DONE, TORPOR__WORK_NONE);
  }
  note_shortage(threads);
  pthread_mutex_unlock(&threads->lock);
}

bool torpor__threads_is_short(const struct torpor__threads *threads) {
  return atomic_load(&threads->is_short);
}
