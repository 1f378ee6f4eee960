/* SPDX-License-Identifier: MIT */
/* fault.c - the handlers for SIGSEGV and SIGBUS.
 *
 * A fault in linear memory below its size lets the page in and goes on; one
 * beyond, or at the end of the stack while guest code runs, leaves the entry
 * with a trap. All else goes to whoever had the signal before.
 *
 *  (1) Handlers take no lock, allocate nothing and keep errno.
 *  (2) Leaving by a jump restores the signal mask of the code that faulted: who
 *      calls us from a handler of his own may have blocked the signal.
 *  (3) Whoever takes a signal from us later is before us in the chain once
 *      torpor__runtime_start has been called again. If that one passes on to
 *      us, the chain ends with the first that we replaced.
 *  (4) While the handler works, in_guest is false: the watchdog's handler that
 *      comes in between leaves nothing, and is called again. */
#define _GNU_SOURCE
#include "wasm/thread.h"

#include <errno.h>
#include <ucontext.h>

#include "wasm/mutex.h"

#ifdef TORPOR_SOFT_BOUNDS

void torpor__fault_install(void) {
}

#else

/* A fault this close to the stack pointer is the stack's. Frames are probed
 * page by page (-fstack-clash-protection), so that none reaches beyond. */
#define STACK_BELOW 65536u
#define STACK_ABOVE (1u << 20)

/* Whom a signal belonged to: when the handler was first installed, and before
 * it was installed last. */
struct chain {
  struct sigaction first, last;
  bool installed;
};

static struct chain chain_segv, chain_bus;

/* This thread is passing a signal on. */
static _Thread_local volatile sig_atomic_t passing
    __attribute__((tls_model("initial-exec")));

static uintptr_t read_stack_pointer(const ucontext_t *context) {
#if defined(__x86_64__)
  return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  return (uintptr_t)context->uc_mcontext.sp;
#else
#error "name the stack pointer of this processor, or use TORPOR_SOFT_BOUNDS"
#endif
}

static bool is_near_stack(uintptr_t address, const ucontext_t *context) {
  uintptr_t stack = read_stack_pointer(context);
  return address + STACK_BELOW >= stack && address < stack + STACK_ABOVE;
}

/* What to do about a fault at 'address': TRAP_NONE with '*ours' set: go on. */
static torpor__trap judge_fault(torpor__entry *entry, uintptr_t address,
                                const ucontext_t *context, bool in_guest,
                                bool *ours) {
  torpor__touch touch = torpor__region_touch(entry->region, address);
  *ours = true;
  if (touch == TORPOR__TOUCH_COMMITTED) return TORPOR__TRAP_NONE;
  *ours = in_guest;
  if (touch == TORPOR__TOUCH_BOUNDS) return TORPOR__TRAP_BOUNDS;
  if (touch == TORPOR__TOUCH_FAILED) return TORPOR__TRAP_MEMORY;
  *ours = in_guest && is_near_stack(address, context);
  return TORPOR__TRAP_STACK;
}

/* Leaves the entry or returns: true when the fault was dealt with. */
static bool handle_fault(siginfo_t *info, const ucontext_t *context) {
  struct torpor__thread *thread = torpor__thread_self;
  torpor__entry *entry = thread != NULL ? thread->entry : NULL;
  if (entry == NULL || info->si_code <= 0) return false;
  bool in_guest = atomic_load_explicit(&thread->in_guest, memory_order_relaxed);
  bool ours;
  atomic_store_explicit(&thread->in_guest, false, memory_order_relaxed);
  torpor__trap trap =
      judge_fault(entry, (uintptr_t)info->si_addr, context, in_guest, &ours);
  if (ours && trap != TORPOR__TRAP_NONE)
    torpor__entry_leave_signal(entry, trap, context);
  atomic_store_explicit(&thread->in_guest, in_guest, memory_order_relaxed);
  return ours;
}

/* Gives the signal to the default action: it ends the process. */
static void end_process(int number, const siginfo_t *info) {
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigaction(number, &standard, NULL);
  if (info->si_code <= 0) raise(number); /* sent, and not coming again */
}

static void call_handler(const struct sigaction *before, int number,
                         siginfo_t *info, void *context) {
  sigset_t mask = before->sa_mask, restore;
  if (!(before->sa_flags & SA_NODEFER)) sigaddset(&mask, number);
  pthread_sigmask(SIG_BLOCK, &mask, &restore);
  if (before->sa_flags & SA_SIGINFO)
    before->sa_sigaction(number, info, context);
  else
    before->sa_handler(number);
  pthread_sigmask(SIG_SETMASK, &restore, NULL);
}

static void pass_on(int number, siginfo_t *info, void *context) {
  const struct chain *chain = number == SIGSEGV ? &chain_segv : &chain_bus;
  const struct sigaction *before = passing ? &chain->first : &chain->last;
  bool was_passing = passing;
  bool simple = !(before->sa_flags & SA_SIGINFO);
  if (simple && before->sa_handler == SIG_IGN && info->si_code <= 0) return;
  if (simple &&
      (before->sa_handler == SIG_IGN || before->sa_handler == SIG_DFL)) {
    end_process(number, info);
    return;
  }
  passing = 1;
  call_handler(before, number, info, context);
  passing = was_passing;
}

static void on_fault(int number, siginfo_t *info, void *context) {
  int error = errno;
  if (!handle_fault(info, context)) pass_on(number, info, context);
  errno = error;
}

/* Whether the signal is ours, with who had it before in 'now' if it is not. */
static bool is_installed(int number, struct sigaction *now) {
  if (sigaction(number, NULL, now) != 0) return true; /* none can be */
  return now->sa_flags & SA_SIGINFO && now->sa_sigaction == on_fault;
}

static void install_handler(int number, struct chain *chain) {
  struct sigaction now;
  struct sigaction action = {
      .sa_sigaction = on_fault,
      .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
  };
  sigemptyset(&action.sa_mask);
  if (is_installed(number, &now)) return;
  chain->last = now;
  if (!chain->installed) chain->first = now;
  chain->installed = true;
  sigaction(number, &action, NULL);
}

/* Asked for every VM, and nearly always done already: then without the lock. */
void torpor__fault_install(void) {
  struct sigaction now;
  if (is_installed(SIGSEGV, &now) && is_installed(SIGBUS, &now)) return;
  torpor__mutex_take(TORPOR__MUTEX_FAULT);
  install_handler(SIGSEGV, &chain_segv);
  install_handler(SIGBUS, &chain_bus);
  torpor__mutex_give(TORPOR__MUTEX_FAULT);
}

#endif
