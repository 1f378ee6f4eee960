/* SPDX-License-Identifier: MIT */
/* resting.c - the structs of closed VMs, which stay for a while.
 *
 * Each thread has a ring of them, so that threads that open and close VMs do
 * not contend for cache lines. The ring of a thread that has ended, with what
 * is in it, goes on with the next thread that needs one. There are RINGS at
 * most, as a full one takes 320 KB for good; threads beyond that, and those for
 * which there is no memory, use the shared one. */
#include "vm/resting.h"

#include <string.h>

#include "common/alloc.h"
#include "wasm/mutex.h"
#include "wasm/os.h"

#define RINGS 16

typedef struct ring {
  torpor_vm *_Atomic places[TORPOR__RESTING];
  _Atomic uint32_t next;
  bool taken;         /* by a thread; locked */
  struct ring *after; /* among all but the shared one; locked */
} ring;

static ring shared;
static ring *rings;
static unsigned count; /* of 'rings'; locked */
static _Thread_local ring *mine;

/* Of a thread that ends. */
static void leave_ring(void *user) {
  ring *left = user;
  mine = NULL;
  torpor__mutex_take(TORPOR__MUTEX_RESTING);
  left->taken = false;
  torpor__mutex_give(TORPOR__MUTEX_RESTING);
}

/* In a child process only this thread is left. */
static void leave_in_child(void) {
  for (ring *one = rings; one; one = one->after) one->taken = one == mine;
}

static void prepare_forks(void) {
  torpor__os_at_fork(NULL, NULL, leave_in_child);
}

/* One that no thread has; NULL: there is none, and there can be no more. */
static ring *take_ring(void) {
  ring *one;
  torpor__mutex_take(TORPOR__MUTEX_RESTING);
  for (one = rings; one && one->taken;) one = one->after;
  if (!one && count < RINGS && (one = torpor__alloc(sizeof(*one)))) {
    memset(one, 0, sizeof(*one));
    one->after = rings;
    rings = one;
    count++;
  }
  if (one) one->taken = true;
  torpor__mutex_give(TORPOR__MUTEX_RESTING);
  return one;
}

static ring *find_ring(void) {
  static torpor__os_at_end at_end = {.end = leave_ring};
  static torpor__os_once_flag once;
  if (mine) return mine;
  torpor__os_once(&once, prepare_forks);
  mine = take_ring();
  if (mine && !torpor__os_at_thread_end(&at_end, mine)) leave_ring(mine);
  return mine ? mine : &shared;
}

torpor_vm *_Atomic *torpor__resting_place(void) {
  ring *r = find_ring();
  uint32_t next = atomic_fetch_add(&r->next, 1);
  return &r->places[next % TORPOR__RESTING];
}

#ifdef TORPOR_TESTING
static void empty(ring *r) {
  for (size_t i = 0; i < TORPOR__RESTING; i++)
    torpor__alloc_free(atomic_exchange(&r->places[i], NULL));
}

void torpor__resting_drain(void) {
  torpor__mutex_take(TORPOR__MUTEX_RESTING);
  for (ring **link = &rings, *one = *link; one; one = *link) {
    empty(one);
    if (one->taken) {
      link = &one->after;
    } else {
      *link = one->after;
      count--;
      torpor__alloc_free(one);
    }
  }
  torpor__mutex_give(TORPOR__MUTEX_RESTING);
  empty(&shared);
}
#endif
