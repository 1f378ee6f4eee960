/* SPDX-License-Identifier: MIT */
/* upgrade-state.h - the state that a program hands over to the one that
 * replaces it.
 *
 *   the program called exportState(f) ──► f()     ──┐
 *                                                   ├─► plain data ──► CBOR
 *   an exporter: export default data or function ───┘
 *
 * This runs in a copy of the sleeping VM, which is closed afterwards. The copy
 * has no effect on anything: operations that it begins are not performed, and
 * what it writes to the console is dropped.
 *
 * On the thread of the store. */
#ifndef TORPOR_RUN_UPGRADE_STATE_H
#define TORPOR_RUN_UPGRADE_STATE_H

#include "run/vm/run-vm.h"
#include "torpor-loop.h"

/* Of which run a state is taken, and how. */
struct torpor__upgrade_request {
  const char *id;
  const char *program;
  torpor_slice input;
  uint64_t memory_max, deadline_ms;
  const torpor_access *access; /* for reading the exporter; may be NULL */
  const char *exporter;        /* its file; NULL: exportState */
  int64_t number, version;     /* of the run, for its modules */
  torpor_store *store;
};

/* Gives in 'out' the CBOR of what the VM that sleeps in 'chain' hands over.
 * NOT_FOUND, THROWN, DEADLOCK, WRONG_TYPE, LIMIT as torpor_run_upgrade;
 * INTERRUPTED, TRAPPED; or what reading the exporter and waking the VM say.
 * The store's message says more. */
torpor_status
torpor__upgrade_state_take(const struct torpor__upgrade_request *request,
                           const struct torpor__state_chain *chain,
                           torpor_bytes *out);

/* Encrypts 'bytes', which are such a state, if the store has a key. They are
 * not bound to the run, since a fork of it has them, too. */
torpor_status torpor__upgrade_state_seal(torpor_store *store,
                                         torpor_bytes *bytes);

/* What a version of run 'number' took over, decrypted; empty when that is
 * nothing. OK, KEY, NOMEM. */
torpor_status torpor__upgrade_state_find(torpor_store *store, int64_t number,
                                         int64_t version, torpor_bytes *out);

#endif
