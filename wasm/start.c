/* SPDX-License-Identifier: MIT */
/* start.c - what a thread needs before it uses a region: a watchdog that knows
 * of forks, handlers, which are let in, and its record. */
#include "wasm/thread.h"

bool torpor__runtime_start(void) {
  torpor__watchdog_prepare();
  torpor__fault_install();
  torpor__os_handlers_let_in();
  return torpor__thread_find() != NULL;
}
