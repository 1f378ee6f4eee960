/* SPDX-License-Identifier: MIT */
/* watchdog.c - ends guest code that runs past its deadline without polling.
 *
 * The watchdog is one thread for the process, which sleeps until the earliest
 * deadline of all threads. Threads that are past theirs it looks at again and
 * again, and counts what each has used of its grace: processor time, which is
 * guest code's if that runs at the moment of looking. So a slow host, a process
 * that was stopped, or a busy machine use nothing of it. Once it is used up,
 * the thread is interrupted whenever guest code is found running; the handler
 * jumps out of it.
 *
 * Starting an entry costs two atomic accesses: it stores the deadline, then
 * reads 'wake'. The watchdog stores 'wake', then reads the deadlines. As both
 * are sequentially consistent, one of the two sees what the other stored.
 *
 *  (1) While the watchdog waits, 'wake' is no later than any deadline that was
 *      set before it looked. Whoever sets an earlier one then wakes it.
 *
 * With TORPOR_SOFT_BOUNDS there is no such thread: the grace is counted when
 * guest code calls the host. */
#include "wasm/thread.h"

#include "wasm/mutex.h"

#define GRACE_NS (TORPOR__GRACE_MS * UINT64_C(1000000))

#ifdef TORPOR_SOFT_BOUNDS

void torpor__watchdog_prepare(void) {
}

void torpor__watchdog_watch(struct torpor__thread *thread, uint64_t deadline) {
  thread->deadline = deadline;
}

void torpor__grace_pause(struct torpor__thread *thread) {
  if (thread->counted != thread->entry->deadline) return;
  thread->used += torpor__os_thread_used(&thread->os) - thread->cpu;
  if (thread->used >= GRACE_NS)
    torpor__entry_leave(thread->entry, TORPOR__TRAP_WATCHDOG);
}

void torpor__grace_go_on(struct torpor__thread *thread) {
  uint64_t deadline = thread->entry->deadline;
  if (deadline == UINT64_MAX || torpor__os_now() < deadline) return;
  if (thread->counted != deadline) thread->used = 0;
  thread->counted = deadline;
  thread->cpu = torpor__os_thread_used(&thread->os);
}

#else

#define AGAIN_NS UINT64_C(5000000)  /* between two looks at one thread */
#define CHARGED_MOST (2 * AGAIN_NS) /* by one look */

static torpor__os_condition changed;
static bool started;
static _Atomic uint64_t wake = UINT64_MAX; /* when it looks again */

/* On a thread that was interrupted. */
static bool handle_interrupt(const torpor__os_context *context) {
  struct torpor__thread *thread = torpor__thread_self;
  torpor__entry *entry = thread != NULL ? thread->entry : NULL;
  if (entry == NULL || atomic_load(&thread->doomed) != entry->deadline)
    return false;
  if (atomic_exchange(&thread->in_guest, false)) /* once */
    torpor__entry_leave_handler(entry, TORPOR__TRAP_WATCHDOG, context);
  return true;
}

/* ---- The thread -----------------------------------------------------------*/

/* Charges guest code that is past 'deadline' with what it has used since the
 * last look; whether its grace is over. */
static bool charge(struct torpor__thread *thread, uint64_t deadline) {
  uint64_t cpu = torpor__os_thread_used(&thread->os), used = cpu - thread->cpu;
  bool in_guest = atomic_load_explicit(&thread->in_guest, memory_order_relaxed);
  if (used > CHARGED_MOST) used = CHARGED_MOST;
  if (thread->counted != deadline)
    thread->used = 0;
  else if (in_guest)
    thread->used += used;
  thread->counted = deadline;
  thread->cpu = cpu;
  return in_guest && thread->used >= GRACE_NS;
}

/* The time to look at it again. */
static uint64_t look_at(struct torpor__thread *thread, uint64_t now) {
  uint64_t deadline = atomic_load(&thread->deadline);
  if (deadline > now) return deadline;
  atomic_store(&thread->late, true);
  if (charge(thread, deadline)) {
    atomic_store(&thread->doomed, deadline);
    torpor__os_thread_interrupt(&thread->os);
  }
  return now + AGAIN_NS;
}

/* The time to look again. Under the lock. */
static uint64_t look_at_threads(void) {
  uint64_t now = torpor__os_now();
  uint64_t next = UINT64_MAX;
  for (struct torpor__thread *thread = torpor__threads; thread;
       thread = thread->next) {
    uint64_t again = look_at(thread, now);
    if (again < next) next = again;
  }
  return next;
}

static void run_watchdog(void) {
  torpor__mutex_take(TORPOR__MUTEX_THREADS);
  for (;;) {
    atomic_store(&wake, UINT64_MAX);
    uint64_t next = look_at_threads();
    atomic_store(&wake, next); /* who saw "never" waits for the lock by now */
    torpor__os_condition_wait(&changed, torpor__mutex_of(TORPOR__MUTEX_THREADS),
                              next);
  }
}

/* The child of a fork has no watchdog: the next deadline starts one. */
static void forget_in_child(void) {
  started = false;
  atomic_store(&wake, UINT64_MAX);
}

/* Under the lock. When there is no thread to be had, the next deadline tries
 * again. */
static void start_watchdog(void) {
  static bool prepared;
  if (!prepared) torpor__os_interrupts_catch(handle_interrupt);
  prepared = true;
  torpor__os_condition_start(&changed);
  started = torpor__os_thread_start(run_watchdog);
}

/* ---- What threads call ----------------------------------------------------*/

static void prepare_forks(void) {
  torpor__os_at_fork(NULL, NULL, forget_in_child);
}

void torpor__watchdog_prepare(void) {
  static torpor__os_once_flag once;
  torpor__os_once(&once, prepare_forks);
}

void torpor__watchdog_watch(struct torpor__thread *thread, uint64_t deadline) {
  uint64_t seen = atomic_load_explicit(&thread->deadline, memory_order_relaxed);
  if (deadline == seen) return; /* the watchdog saw it, or was woken for it */
  atomic_store_explicit(&thread->late, false, memory_order_relaxed);
  atomic_store(&thread->deadline, deadline);
  if (deadline >= atomic_load(&wake)) return;
  torpor__mutex_take(TORPOR__MUTEX_THREADS);
  if (!started) start_watchdog();
  torpor__os_condition_wake(&changed);
  torpor__mutex_give(TORPOR__MUTEX_THREADS);
}

#endif
