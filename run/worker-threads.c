/* SPDX-License-Identifier: MIT */
/* worker-threads.c - the threads on which long steps are done. See
 * worker-threads.h.
 *
 * There are more threads than processors, since the system shares those fairly
 * and at no loss, while an errand that waits here for a thread may wait for one
 * that never ends. They are a little less urgent than the loop's thread
 * ('nice', which Linux has for each thread), so that however many there are,
 * what is short goes on beside them; where others use the machine as well, they
 * still get a third of what those get. */
#define _GNU_SOURCE /* gettid */
#include "worker-threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { THREADS_MOST = 16, NICE = 5 };

/* What programs have on the main thread of a process. */
#define STACK_SIZE ((size_t)8 << 20)

struct torpor__crew {
  torpor_loop *loop;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* an errand came, or one was done, or the end */
  struct torpor__errand *first, *last;
  size_t waiting; /* errands in that list */
  pthread_t threads[THREADS_MOST];
  size_t count;
  size_t idle; /* threads that wait for an errand */
  bool closing;
  atomic_bool is_short;
};

/* ---- The list of errands, under the lock ---------------------------------*/

static void note_shortage(struct torpor__crew *crew) {
  atomic_store(&crew->is_short,
               crew->waiting > crew->idle && crew->count == THREADS_MOST);
}

static void add_errand(struct torpor__crew *crew,
                       struct torpor__errand *errand) {
  errand->next = NULL;
  errand->state = TORPOR__ERRAND_WAITS;
  if (crew->last != NULL)
    crew->last->next = errand;
  else
    crew->first = errand;
  crew->last = errand;
  crew->waiting++;
}

static void remove_errand(struct torpor__crew *crew,
                          struct torpor__errand *errand) {
  struct torpor__errand *before = NULL;
  for (struct torpor__errand *at = crew->first; at != errand; at = at->next)
    before = at;
  if (before != NULL)
    before->next = errand->next;
  else
    crew->first = errand->next;
  if (crew->last == errand) crew->last = before;
  crew->waiting--;
}

/* ---- The threads ---------------------------------------------------------*/

/* NULL: the crew closes. */
static struct torpor__errand *await_errand(struct torpor__crew *crew) {
  crew->idle++;
  note_shortage(crew);
  while (crew->first == NULL && !crew->closing)
    pthread_cond_wait(&crew->changed, &crew->lock);
  crew->idle--;
  struct torpor__errand *errand = crew->first;
  if (errand == NULL) return NULL;
  remove_errand(crew, errand);
  errand->state = TORPOR__ERRAND_RUNS;
  note_shortage(crew);
  return errand;
}

static void *run_thread(void *user) {
  struct torpor__crew *crew = user;
  struct torpor__errand *errand;
  int own = getpriority(PRIO_PROCESS, (id_t)gettid());
  setpriority(PRIO_PROCESS, (id_t)gettid(), own + NICE); /* or not */
  pthread_mutex_lock(&crew->lock);
  while ((errand = await_errand(crew)) != NULL) {
    pthread_mutex_unlock(&crew->lock);
    errand->work(errand);
    pthread_mutex_lock(&crew->lock);
    errand->state = TORPOR__ERRAND_DONE;
    pthread_cond_broadcast(&crew->changed);
    torpor_loop_wake(crew->loop);
  }
  pthread_mutex_unlock(&crew->lock);
  return NULL;
}

/* The process's signals are the business of its other threads; what a thread
 * brings upon itself, and the watchdog's SIGURG, is not. */
static void choose_signals(sigset_t *blocked) {
  static const int own[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                            SIGTRAP, SIGABRT, SIGSYS, SIGURG};
  sigfillset(blocked);
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
    sigdelset(blocked, own[i]);
}

static bool add_thread(struct torpor__crew *crew) {
  sigset_t blocked, before;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  choose_signals(&blocked);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  bool made = pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
              pthread_create(&crew->threads[crew->count], &attributes,
                             run_thread, crew) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (made) crew->count++;
  return made;
}

/* ---- For the loop's thread -----------------------------------------------*/

struct torpor__crew *torpor__crew_open(torpor_loop *loop) {
  struct torpor__crew *crew = calloc(1, sizeof *crew);
  if (crew == NULL) return NULL;
  crew->loop = loop;
  pthread_mutex_init(&crew->lock, NULL);
  pthread_cond_init(&crew->changed, NULL);
  return crew;
}

void torpor__crew_close(struct torpor__crew *crew) {
  if (crew == NULL) return;
  pthread_mutex_lock(&crew->lock);
  crew->closing = true;
  pthread_cond_broadcast(&crew->changed);
  pthread_mutex_unlock(&crew->lock);
  for (size_t i = 0; i < crew->count; i++) pthread_join(crew->threads[i], NULL);
  pthread_cond_destroy(&crew->changed);
  pthread_mutex_destroy(&crew->lock);
  free(crew);
}

bool torpor__crew_start(struct torpor__crew *crew,
                        struct torpor__errand *errand) {
  pthread_mutex_lock(&crew->lock);
  bool wanting = crew->waiting >= crew->idle && crew->count < THREADS_MOST;
  bool served = (wanting && add_thread(crew)) || crew->count > 0;
  if (served) {
    add_errand(crew, errand);
    note_shortage(crew);
    pthread_cond_broadcast(&crew->changed);
  }
  pthread_mutex_unlock(&crew->lock);
  return served;
}

bool torpor__crew_done(struct torpor__crew *crew,
                       struct torpor__errand *errand) {
  pthread_mutex_lock(&crew->lock);
  bool done = errand->state == TORPOR__ERRAND_DONE;
  if (done) errand->state = TORPOR__ERRAND_NONE;
  pthread_mutex_unlock(&crew->lock);
  return done;
}

void torpor__crew_wait(struct torpor__crew *crew,
                       struct torpor__errand *errand) {
  pthread_mutex_lock(&crew->lock);
  if (errand->state == TORPOR__ERRAND_WAITS) remove_errand(crew, errand);
  while (errand->state == TORPOR__ERRAND_RUNS)
    pthread_cond_wait(&crew->changed, &crew->lock);
  errand->state = TORPOR__ERRAND_NONE;
  note_shortage(crew);
  pthread_mutex_unlock(&crew->lock);
}

bool torpor__crew_is_short(const struct torpor__crew *crew) {
  return atomic_load(&crew->is_short);
}
