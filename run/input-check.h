/* SPDX-License-Identifier: MIT */
/* input-check.h - data for a run is checked before the store keeps it.
 *
 * Inputs, values of signals and states of older programs are CBOR that may come
 * from anywhere. If no program can read them, the sender is told, and not the
 * program that waits. They are decoded as they will be later: by a VM, which is
 * closed again.
 *
 * A run with another engine or less memory may still fail to read them. That
 * rejects what waits for them (run-vm-deliver.c).
 *
 * On the thread of the store. */
#ifndef TORPOR_RUN_INPUT_CHECK_H
#define TORPOR_RUN_INPUT_CHECK_H

#include "run/database/database.h"

/* The largest result that is kept: that of a run, or of an operation that must
 * not be repeated. A row of the database cannot hold much more. */
#define TORPOR__RESULT_LARGEST ((size_t)256 << 20)

/* Whether 'value' is one value of CBOR that a program with 'memory_max' bytes
 * (0: the default) can read. OK; FORMAT or LIMIT, with 'what' and the mistake's
 * place in the message; NOMEM. */
torpor_status torpor__input_check(struct torpor__database *database,
                                  torpor_slice value, uint64_t memory_max,
                                  const char *what);

/* Whether a signal may have that name. OK; MISUSE or LIMIT with a sentence. */
torpor_status torpor__input_check_name(struct torpor__database *database,
                                       const char *name);

#endif
