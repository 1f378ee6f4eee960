/* SPDX-License-Identifier: MIT */
/* watch.c - what reaches a loop from outside: changes of a path, signals.
 *
 * Signals belong to the process, so one loop at a time may have them. The
 * handler finds it in a global, restores the signal's former handler (so a
 * second Ctrl-C ends a process that does not react to the first), and stops the
 * loop.
 *
 *  (1) 'owner' is set before the first handler is installed and cleared after
 *      the last is gone: a handler always finds a live loop.
 *
 * Runs on the loop's thread; handle_signal in signal handlers. */
#include <assert.h>
#include <signal.h>

#include "loop/loop.h"

/* ---- A path --------------------------------------------------------------*/

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

static void report_change(uv_fs_event_t *watch, const char *file, int events,
                          int status) {
  torpor_loop *loop = watch->data;
  (void)file, (void)events, (void)status;
  loop->stirred = true;
  if (loop->changed != NULL) loop->changed(loop->changed_user);
}

void torpor__watch_close(torpor_loop *loop) {
  if (loop->watch == NULL) return;
  loop->changed = NULL;
  uv_close((uv_handle_t *)loop->watch, free_handle);
  loop->watch = NULL;
}

torpor_status torpor_loop_watch(torpor_loop *loop, const char *path,
                                torpor_changed_fn changed, void *user) {
  torpor__watch_close(loop);
  if (changed == NULL) return TORPOR_OK;
  uv_fs_event_t *watch = malloc(sizeof(*watch));
  if (watch == NULL) return TORPOR_NOMEM;
  if (uv_fs_event_init(&loop->uv, watch) != 0) {
    free(watch);
    return TORPOR_IO;
  }
  watch->data = loop;
  loop->watch = watch;
  int failure = uv_fs_event_start(watch, report_change, path, 0);
  if (failure != 0) {
    torpor__watch_close(loop);
    return failure == UV_ENOENT ? TORPOR_NOT_FOUND : TORPOR_IO;
  }
  loop->changed = changed;
  loop->changed_user = user;
  return TORPOR_OK;
}

/* ---- Signals -------------------------------------------------------------*/

static _Atomic(torpor_loop *) owner;

/* Asserts (1) of a loop that may have handlers. */
static void check_owner(const torpor_loop *loop) {
#ifdef TORPOR_TESTING
  assert(loop->handler_count <= TORPOR__SIGNALS_MAX);
  assert(loop->handler_count == 0 || atomic_load(&owner) == loop);
#endif
  (void)loop;
}

static void handle_signal(int signal) {
  torpor_loop *loop = atomic_load(&owner);
  for (size_t i = 0; i < loop->handler_count; i++)
    if (loop->handlers[i].signal == signal)
      sigaction(signal, &loop->handlers[i].replaced, NULL);
  torpor__loop_signalled(loop, signal);
}

torpor_status torpor_loop_stop_on(torpor_loop *loop, int signal) {
  torpor_loop *nobody = NULL;
  if (!atomic_compare_exchange_strong(&owner, &nobody, loop) && nobody != loop)
    return TORPOR_EXISTS;
  if (loop->handler_count == TORPOR__SIGNALS_MAX) return TORPOR_LIMIT;
  struct torpor__handler *handler = &loop->handlers[loop->handler_count];
  handler->signal = signal;
  if (sigaction(signal, NULL, &handler->replaced) != 0) return TORPOR_MISUSE;
  loop->handler_count++;
  struct sigaction action = {.sa_handler = handle_signal,
                             .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  if (sigaction(signal, &action, NULL) == 0) return TORPOR_OK;
  loop->handler_count--;
  return TORPOR_MISUSE;
}

void torpor__signals_restore(torpor_loop *loop) {
  check_owner(loop);
  if (atomic_load(&owner) != loop) return;
  while (loop->handler_count > 0) {
    struct torpor__handler *handler = &loop->handlers[--loop->handler_count];
    sigaction(handler->signal, &handler->replaced, NULL);
  }
  atomic_store(&owner, NULL);
}
