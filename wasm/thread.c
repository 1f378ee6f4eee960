/* SPDX-License-Identifier: MIT */
/* thread.c - what the runtime keeps for each thread.
 *
 * A record is made at the thread's first use of the runtime: the bounds of its
 * stack, a stack of its own for signals (without one the end of the stack could
 * not be handled), and a place in the watchdog's list. It is freed when the
 * thread ends. Our signals are let in then, and whenever a VM is opened: where
 * they are blocked the first page that guest code touches ends the process.
 * Asking at each entry would cost more than the entry.
 *
 *  (1) A record is reached by its own thread, and by the watchdog while it is
 *      in the list, which is locked: it leaves that as its thread ends.
 *  (2) A signal stack that the thread has already is used, and never freed. */
#define _GNU_SOURCE
#include "wasm/thread.h"

#include <stdlib.h>

#include "wasm/mutex.h"

#define SIGNAL_STACK_SIZE 65536u

_Thread_local struct torpor__thread *torpor__thread_self
    __attribute__((tls_model("initial-exec")));

struct torpor__thread *torpor__threads;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_made;

static void remove_signal_stack(struct torpor__thread *thread) {
  stack_t now;
  if (thread->signal_stack == NULL) return;
  if (sigaltstack(NULL, &now) == 0 && now.ss_sp == thread->signal_stack) {
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
  }
  free(thread->signal_stack);
}

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

/* Finds the clock that counts the processor time of this thread. */
static void find_clock(struct torpor__thread *thread) {
  if (pthread_getcpuclockid(pthread_self(), &thread->cpu_clock) != 0)
    thread->cpu_clock = CLOCK_MONOTONIC;
}

/* After fork only the calling thread is there: the list is that one. */
static void start_in_child(void) {
  struct torpor__thread *self = torpor__thread_self;
  torpor__threads = NULL;
  if (self == NULL) return;
  find_clock(self);
  enlist(self);
}

/* ---- Records --------------------------------------------------------------*/

static void end_thread(void *record) {
  struct torpor__thread *thread = record;
  remove_from_list(thread);
  torpor__thread_self = NULL;
  remove_signal_stack(thread);
  free(thread);
}

static void start_once(void) {
  key_made = pthread_key_create(&key, end_thread) == 0;
  pthread_atfork(NULL, NULL, start_in_child);
}

static bool add_signal_stack(struct torpor__thread *thread) {
#ifndef TORPOR_SOFT_BOUNDS
  stack_t now;
  if (sigaltstack(NULL, &now) != 0) return false;
  if (!(now.ss_flags & SS_DISABLE)) return true;
  thread->signal_stack = malloc(SIGNAL_STACK_SIZE);
  if (thread->signal_stack == NULL) return false;
  stack_t ours = {.ss_sp = thread->signal_stack, .ss_size = SIGNAL_STACK_SIZE};
  return sigaltstack(&ours, NULL) == 0;
#else
  (void)thread;
  return true;
#endif
}

static void find_stack(struct torpor__thread *thread) {
  pthread_attr_t attributes;
  void *low;
  size_t size, guard = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
    pthread_attr_getguardsize(&attributes, &guard);
    thread->stack_low = (uintptr_t)low + guard;
    thread->stack_high = (uintptr_t)low + size;
  }
  pthread_attr_destroy(&attributes);
}

void torpor__thread_let_signals_in(void) {
#ifndef TORPOR_SOFT_BOUNDS
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGSEGV);
  sigaddset(&ours, SIGBUS);
  sigaddset(&ours, TORPOR__WATCHDOG_SIGNAL);
  pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
#endif
}

static struct torpor__thread *make_thread(void) {
  struct torpor__thread *thread = calloc(1, sizeof *thread);
  if (thread == NULL) return NULL;
  thread->id = pthread_self();
  atomic_init(&thread->deadline, UINT64_MAX);
  find_clock(thread);
  find_stack(thread);
  if (!add_signal_stack(thread) || pthread_setspecific(key, thread) != 0) {
    remove_signal_stack(thread);
    free(thread);
    return NULL;
  }
  add_to_list(thread);
  return thread;
}

struct torpor__thread *torpor__thread_find(void) {
  if (torpor__thread_self == NULL) {
    pthread_once(&once, start_once);
    if (key_made) torpor__thread_self = make_thread();
    torpor__thread_let_signals_in();
  }
  return torpor__thread_self;
}
