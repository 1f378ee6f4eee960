/* SPDX-License-Identifier: MIT */
/* sleeper.h - the program that waits, which the rows about sleeping and waking
 * measure, and the calls around it.
 *
 * It waits for a promise; with a heap of its own it also keeps that many bytes
 * of small records alive. Guest code is the same as in sleeper.mjs, the peer's.
 * Everything here ends the program when it fails (see probe.h). */
#ifndef TORPOR_BENCH_SLEEPER_H
#define TORPOR_BENCH_SLEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "torpor.h"

/* Ends the program unless 'status' is OK. */
void sleeper_check(torpor_status status, torpor_vm *vm, const char *what);

/* Options for a VM with a heap of 'bytes'; the usual ones while it is small. */
torpor_options sleeper_options(double bytes);

torpor_vm *sleeper_open_vm(double bytes);

torpor_value sleeper_eval(torpor_vm *vm, const char *source, const char *file);

/* A VM whose program waits, with a heap of about 'bytes'. Not the first of this
 * process, as in any host that has been running for a while. */
torpor_vm *sleeper_open(double bytes);

/* Changes a number, and one record in a program that has a heap. */
void sleeper_change(torpor_vm *vm);

torpor_bytes sleeper_save(torpor_vm *vm, const torpor_save_options *options);
torpor_vm *sleeper_restore(const torpor_slice *chain, size_t count,
                           double bytes);

/* What the program waits for arrives: settles it, reads the answer, closes the
 * VM. Whether the answer was right. */
bool sleeper_finish(torpor_vm *vm);

#endif
