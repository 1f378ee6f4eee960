/* SPDX-License-Identifier: MIT */
/* state.c - what every part of a loop asks it: the time, and whether it is to
 * stop.
 *
 * Runs on any thread and in signal handlers, but for torpor_loop_now, which is
 * the loop's: the others use nothing but lock-free atomics and uv_async_send.
 */
#include "loop/loop.h"

void torpor_loop_wake(torpor_loop *loop) {
  uv_async_send(&loop->wake);
}

void torpor_loop_stop(torpor_loop *loop) {
  atomic_store(&loop->stopping, true);
  torpor_loop_wake(loop);
}

bool torpor_loop_stopping(const torpor_loop *loop) {
  return atomic_load(&loop->stopping);
}

void torpor__loop_signalled(torpor_loop *loop, int signal) {
  atomic_store(&loop->signal, signal);
  torpor_loop_stop(loop);
}

int torpor_loop_signal(const torpor_loop *loop) {
  return atomic_load(&loop->signal);
}

double torpor_loop_now(const torpor_loop *loop, torpor_clock which) {
  return loop->clock(loop->clock_user, which);
}
