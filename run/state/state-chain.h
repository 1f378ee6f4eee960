/* SPDX-License-Identifier: MIT */
/* state-chain.h - the states that are needed to wake from one: a whole one, and
 * the differences that lead from it to the one that is wanted.
 *
 *   whole ◄── difference ◄── ... ◄── the state that is wanted
 *   parts[0]  parts[1]               parts[count - 1]
 *
 * In a store with a key each is encrypted and bound to run, branch and step. In
 * a chain they are decrypted; one that fails to is TORPOR_KEY.
 *
 * On the thread of the store, unless it says otherwise. */
#ifndef TORPOR_RUN_STATE_CHAIN_H
#define TORPOR_RUN_STATE_CHAIN_H

#include "run/store.h"

/* Zeroed is empty. */
struct torpor__state_chain {
  int64_t run;
  int64_t branch, step, version; /* of the state that is wanted */
  bool runnable, clone;
  char engine[TORPOR__ENGINE_ID_MAX + 1];
  torpor_slice *parts; /* the whole one first; owned */
  size_t count, capacity;
  size_t stored; /* bytes of all of them in the store */
};

/* Reads the chain of run 'number' that ends with its newest state up to 'step'.
 * OK, and the chain is to be freed; TORPOR_NOT_FOUND when there is none;
 * TORPOR_KEY; TORPOR_CORRUPT when one is missing; or what the database says. */
torpor_status torpor__state_chain_read(struct torpor__state_chain *chain,
                                       torpor_store *store, int64_t number,
                                       const char *id, int64_t step);
void torpor__state_chain_free(struct torpor__state_chain *chain);

/* Whether a first state of run 'id' may be written: TORPOR_KEY when the store
 * was opened without a key, but other states in it are encrypted. */
torpor_status torpor__state_chain_check(torpor_store *store, const char *id);

/* Restores a VM from 'chain'. */
torpor_status
torpor__state_chain_restore(const struct torpor__state_chain *chain,
                            const torpor_options *options, torpor_vm **vm);

/* Encrypts 'bytes', which are a state's, if the store has a key. Leaves no
 * sentence. Any thread. */
torpor_status torpor__state_chain_seal(torpor_store *store, const char *id,
                                       int64_t branch, int64_t step,
                                       torpor_bytes *bytes);

#endif
