/* SPDX-License-Identifier: MIT */
/* thread.c - the record that the runtime has of each thread.
 *
 * It is made when the thread first uses the runtime, and freed when the thread
 * ends. It has the bounds of the thread's stack; and a second stack for
 * handlers, since one that ran on the first could not handle the end of it.
 *
 * Handlers are let in when the record is made and whenever a VM is opened: were
 * they blocked, the first page that guest code touches would end the process.
 * To ask at each entry would cost more than the entry.
 *
 *  (1) A record is used by its own thread, and by the watchdog while it is in
 *      the list, under a lock. It is taken out before its thread ends.
 *  (2) A stack for handlers that the thread has already is used, and never
 *      freed. */
#include "wasm/thread.h"

#include <stdlib.h>

#include "wasm/mutex.h"

_Thread_local struct torpor__thread *torpor__thread_self
    __attribute__((tls_model("initial-exec")));

struct torpor__thread *torpor__threads;

/* ---- The list -------------------------------------------------------------*/

static void enlist(struct torpor__thread *thread) {
  thread->next = torpor__threads;
  thread->link = &torpor__threads;
  if (torpor__threads != NULL) torpor__threads->link = &thread->next;
  torpor__threads = thread;
}

static void add_to_list(struct torpor__thread *thread) {
  torpor__mutex_take(TORPOR__MUTEX_THREADS);
  enlist(thread);
  torpor__mutex_give(TORPOR__MUTEX_THREADS);
}

static void remove_from_list(struct torpor__thread *thread) {
  torpor__mutex_take(TORPOR__MUTEX_THREADS);
  *thread->link = thread->next;
  if (thread->next != NULL) thread->next->link = thread->link;
  torpor__mutex_give(TORPOR__MUTEX_THREADS);
}

/* In the child of a fork only the thread that forked is left. */
static void start_in_child(void) {
  struct torpor__thread *self = torpor__thread_self;
  torpor__threads = NULL;
  if (self == NULL) return;
  self->os = torpor__os_thread_self();
  enlist(self);
}

/* ---- Records --------------------------------------------------------------*/

static void end_thread(void *record) {
  struct torpor__thread *thread = record;
  remove_from_list(thread);
  torpor__thread_self = NULL;
  torpor__os_handler_stack_remove(thread->handler_stack);
  free(thread);
}

static void prepare_forks(void) {
  torpor__os_at_fork(NULL, NULL, start_in_child);
}

static struct torpor__thread *make_thread(void) {
  static torpor__os_at_end at_end = {.end = end_thread};
  struct torpor__thread *thread = calloc(1, sizeof *thread);
  if (thread == NULL) return NULL;
  thread->os = torpor__os_thread_self();
  atomic_init(&thread->deadline, UINT64_MAX);
  torpor__os_thread_stack(&thread->stack_low, &thread->stack_high);
  if (!torpor__os_handler_stack_add(&thread->handler_stack) ||
      !torpor__os_at_thread_end(&at_end, thread)) {
    torpor__os_handler_stack_remove(thread->handler_stack);
    free(thread);
    return NULL;
  }
  add_to_list(thread);
  return thread;
}

struct torpor__thread *torpor__thread_find(void) {
  static torpor__os_once_flag once;
  if (torpor__thread_self == NULL) {
    torpor__os_once(&once, prepare_forks);
    torpor__thread_self = make_thread();
    torpor__os_handlers_let_in();
  }
  return torpor__thread_self;
}
