/* SPDX-License-Identifier: MIT */
/* os-linux-signal.c - faults and interrupts, on Linux: the signals SIGSEGV and
 * SIGBUS, and SIGURG.
 *
 *  (1) Handlers take no lock, allocate nothing and keep errno.
 *  (2) A jump out of a handler restores the signal mask of the code that
 *      faulted: another handler that called ours may have blocked the signal.
 *  (3) A handler that replaced ours is called after ours once
 *      torpor__os_faults_catch was called again. If that one calls ours in
 *      turn, the chain ends with the first handler that we replaced. */
#define _GNU_SOURCE
#include "wasm/os.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#define INTERRUPT_SIGNAL SIGURG
#define HANDLER_STACK_SIZE 65536u

void torpor__os_jump(torpor__os_place place) {
  siglongjmp(place, 1);
}

void torpor__os_jump_out(torpor__os_place place,
                         const torpor__os_context *context) {
  const ucontext_t *interrupted = (const ucontext_t *)context;
  pthread_sigmask(SIG_SETMASK, &interrupted->uc_sigmask, NULL);
  siglongjmp(place, 1);
}

#ifndef TORPOR_SOFT_BOUNDS

/* ---- Faults ---------------------------------------------------------------*/

/* The handlers that ours replaced: when it was first installed, and when it was
 * last. */
struct chain {
  struct sigaction first, last;
  bool installed;
};

static struct chain chain_segv, chain_bus;
static torpor__os_fault_fn *_Atomic handle_fault;

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

/* Whether it was a fault, and not a signal that somebody sent, and ours. */
static bool is_handled(const siginfo_t *info, const void *context) {
  torpor__os_fault fault = {
      .address = (uintptr_t)info->si_addr,
      .stack_pointer = read_stack_pointer(context),
      .context = context,
  };
  return info->si_code > 0 && handle_fault(&fault);
}

static void on_fault(int number, siginfo_t *info, void *context) {
  int error = errno;
  if (!is_handled(info, context)) pass_on(number, info, context);
  errno = error;
}

/* Whether the signal is ours, with who has it in 'now' if it is not. */
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

bool torpor__os_faults_are_caught(void) {
  struct sigaction now;
  return is_installed(SIGSEGV, &now) && is_installed(SIGBUS, &now);
}

void torpor__os_faults_catch(torpor__os_fault_fn *handle) {
  handle_fault = handle;
  install_handler(SIGSEGV, &chain_segv);
  install_handler(SIGBUS, &chain_bus);
}

/* ---- Interrupts -----------------------------------------------------------*/

static struct sigaction interrupts_before;
static torpor__os_interrupt_fn *_Atomic handle_interrupt;

static void pass_interrupt_on(int number, siginfo_t *info, void *context) {
  const struct sigaction *before = &interrupts_before;
  if (before->sa_flags & SA_SIGINFO)
    before->sa_sigaction(number, info, context);
  else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
    before->sa_handler(number);
}

static void on_interrupt(int number, siginfo_t *info, void *context) {
  int error = errno;
  if (!handle_interrupt(context)) pass_interrupt_on(number, info, context);
  errno = error;
}

void torpor__os_interrupts_catch(torpor__os_interrupt_fn *handle) {
  struct sigaction action = {
      .sa_sigaction = on_interrupt,
      .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART,
  };
  sigemptyset(&action.sa_mask);
  handle_interrupt = handle;
  sigaction(INTERRUPT_SIGNAL, &action, &interrupts_before);
}

void torpor__os_thread_interrupt(const torpor__os_thread *thread) {
  pthread_kill((pthread_t)thread->id, INTERRUPT_SIGNAL);
}

/* ---- What handlers need of a thread ---------------------------------------*/

bool torpor__os_handler_stack_add(void **stack) {
  stack_t now;
  *stack = NULL;
  if (sigaltstack(NULL, &now) != 0) return false;
  if (!(now.ss_flags & SS_DISABLE)) return true;
  *stack = malloc(HANDLER_STACK_SIZE);
  if (*stack == NULL) return false;
  stack_t ours = {.ss_sp = *stack, .ss_size = HANDLER_STACK_SIZE};
  if (!torpor__os_is_refused() && sigaltstack(&ours, NULL) == 0) return true;
  free(*stack);
  *stack = NULL;
  return false;
}

void torpor__os_handler_stack_remove(void *stack) {
  stack_t now;
  if (stack == NULL) return;
  if (sigaltstack(NULL, &now) == 0 && now.ss_sp == stack) {
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
  }
  free(stack);
}

void torpor__os_handlers_let_in(void) {
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGSEGV);
  sigaddset(&ours, SIGBUS);
  sigaddset(&ours, INTERRUPT_SIGNAL);
  pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
}

#endif
