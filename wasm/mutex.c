/* SPDX-License-Identifier: MIT */
/* mutex.c - the locks of the library, and what becomes of them in a child.
 *
 * Before a fork all of them are taken, and after it they are given back, in
 * parent and child. So in a child none is held, and what they guard is whole.
 *
 *  (1) Locks are taken in the order of mutex.h, also before a fork.
 *  (2) No lock is held while host code or guest code runs, which may fork.
 *
 * Any thread. */
#include "wasm/mutex.h"

static torpor__os_mutex mutexes[TORPOR__MUTEXES];
static torpor__os_once_flag once;

static void take_all(void) {
  for (int i = 0; i < TORPOR__MUTEXES; i++) torpor__os_mutex_take(&mutexes[i]);
}

static void give_all(void) {
  for (int i = TORPOR__MUTEXES; i-- > 0;) torpor__os_mutex_give(&mutexes[i]);
}

static void prepare_forks(void) {
  torpor__os_at_fork(take_all, give_all, give_all);
}

void torpor__mutex_take(torpor__mutex mutex) {
  torpor__os_once(&once, prepare_forks);
  torpor__os_mutex_take(&mutexes[mutex]);
}

void torpor__mutex_give(torpor__mutex mutex) {
  torpor__os_mutex_give(&mutexes[mutex]);
}

torpor__os_mutex *torpor__mutex_of(torpor__mutex mutex) {
  return &mutexes[mutex];
}
