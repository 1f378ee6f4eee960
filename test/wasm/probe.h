/* SPDX-License-Identifier: MIT */
/* probe.h - a translated module (probe.wat) in a region, for tests of wasm/. */
#ifndef TORPOR_TEST_WASM_PROBE_H
#define TORPOR_TEST_WASM_PROBE_H

#include "wasm/runtime.h"

/* What the module calls as "host" "call"; set by the test. */
struct Z_host_instance_t {
  uint32_t (*call)(void *user, uint32_t argument);
  void *user;
};

#include "wasm-probe.h"

typedef struct probe {
  torpor__region *region;
  Z_probe_instance_t *instance;
  torpor__wasm_memory *memory;
  struct Z_host_instance_t host;
} probe;

/* A probe with the pages of the module; its data segment is written. */
void probe_open(probe *probe);
void probe_close(probe *probe);

/* Load and store at 'address' in the guest; the value is only there without a
 * trap. */
torpor__trap probe_load(probe *probe, uint32_t address, uint32_t *value);
torpor__trap probe_store(probe *probe, uint32_t address, uint32_t value);

/* Opening and closing for cmocka: what the tests of a group get as their
 * state. */
int probe_set_up(void **state);
int probe_tear_down(void **state);

/* Evaluates EXPRESSION, calls of the module's exports, as guest code entered
 * with DEADLINE, and gives the trap that ended it into TRAP. */
#define PROBE_ENTER_UNTIL(probe, deadline, trap, expression)                   \
  do {                                                                         \
    torpor__entry entry_;                                                      \
    if (!torpor__entry_start(&entry_, (probe)->region, (deadline))) abort();   \
    if (sigsetjmp(entry_.leave, 0) == 0) {                                     \
      torpor__guest_begin(&entry_);                                            \
      expression;                                                              \
    }                                                                          \
    (trap) = torpor__entry_end(&entry_);                                       \
  } while (0)
#define PROBE_ENTER(probe, trap, expression)                                   \
  PROBE_ENTER_UNTIL(probe, 0, trap, expression)

#endif
