/* SPDX-License-Identifier: MIT */
/* baseline.h - what every VM has, and what is a program's own. */
#ifndef TORPOR_CLI_BASELINE_H
#define TORPOR_CLI_BASELINE_H

#include "torpor.h"

/* Takes out of 'report' (torpor_vm_inspect) what a VM has that was just opened
 * on the same engine, an id in hex: classes with as many objects, and the same
 * objects among the largest. Its heap gets a member "own": bytes that such a VM
 * does not have. Where that is not known the report stays as it is. */
void cli_baseline_leave_out(const char *engine, torpor_bytes *report);

#endif
