/* SPDX-License-Identifier: MIT */
/* input-check.h - what is handed over to a run is looked at before the store
 * keeps it.
 *
 * Inputs, values of signals and states of older programs are CBOR that may come
 * from anywhere. Whoever hands over what no program could read is told so,
 * rather than the program that waits for it. What reads it here is what will
 * read it there: a VM, which is closed again.
 *
 * A run whose engine or memory is another one may still fail to read it: that
 * rejects its wait (run-vm.c).
 *
 * On the thread of the store. */
#ifndef TORPOR_RUN_INPUT_CHECK_H
#define TORPOR_RUN_INPUT_CHECK_H

#include "database.h"

/* The largest result that a run keeps: of its own, and of an operation that
 * must not be repeated. A row of the store cannot hold much more. */
#define TORPOR__RESULT_LARGEST ((size_t)256 << 20)

/* Whether 'value' is one whole value of CBOR that a program can read in
 * 'memory_max' bytes (0: the default). OK; FORMAT or LIMIT, with 'what' and
 * where the mistake is in the store's message; NOMEM. */
torpor_status torpor__input_check(struct torpor__database *database,
                                  torpor_slice value, uint64_t memory_max,
                                  const char *what);

/* Whether 'name' may be that of a signal, as text for people and as a key.
 * OK; MISUSE or LIMIT with a sentence. */
torpor_status torpor__input_check_name(struct torpor__database *database,
                                       const char *name);

#endif
