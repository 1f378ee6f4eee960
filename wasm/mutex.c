/* SPDX-License-Identifier: MIT */
/* mutex.c - the locks of the library, and what becomes of them in a child.
 *
 * Whoever forks takes all of them first and gives them back after, in parent
 * and child. So in a child none is held, and what they guard is whole.
 *
 *  (1) Locks are taken in the order of mutex.h; the one who forks does so too.
 *  (2) No lock is held while host code or guest code runs, which may fork.
 *
 * Any thread. */
#include "wasm/mutex.h"

static pthread_mutex_t mutexes[TORPOR__MUTEXES] = {
    [0 ... TORPOR__MUTEXES - 1] = PTHREAD_MUTEX_INITIALIZER,
};
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void take_all(void) {
  for (int i = 0; i < TORPOR__MUTEXES; i++) pthread_mutex_lock(&mutexes[i]);
}

static void give_all(void) {
  for (int i = TORPOR__MUTEXES; i-- > 0;) pthread_mutex_unlock(&mutexes[i]);
}

static void prepare_forks(void) {
  pthread_atfork(take_all, give_all, give_all);
}

void torpor__mutex_take(torpor__mutex mutex) {
  pthread_once(&once, prepare_forks);
  pthread_mutex_lock(&mutexes[mutex]);
}

void torpor__mutex_give(torpor__mutex mutex) {
  pthread_mutex_unlock(&mutexes[mutex]);
}

pthread_mutex_t *torpor__mutex_of(torpor__mutex mutex) {
  return &mutexes[mutex];
}
