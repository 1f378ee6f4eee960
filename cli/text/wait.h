/* SPDX-License-Identifier: MIT */
/* wait.h - what an operation waits for, as people read it. */
#ifndef TORPOR_CLI_WAIT_H
#define TORPOR_CLI_WAIT_H

#include "cli/text/cbor.h"
#include "torpor-run.h"

enum { CLI_WAIT_SIZE = 512 };

/* 'the signal "approved", until 14:05:03 (in 2 h)'; 'text' has CLI_WAIT_SIZE
 * bytes and is returned. A program may have made up parts of it. */
const char *cli_wait_describe(const torpor_run_operation *operation,
                              char *text);

/* 'signal approved until 2026-03-01 14:05:03': its kind, what of it, and until
 * when, in the same form for all kinds. As above. */
const char *cli_wait_short(const torpor_run_operation *operation, char *text);

/* Its id, kind, topic, request and beginning, as members of a JSON object. */
void cli_wait_members(const torpor_run_operation *operation);

/* An operation as snapshots tell it, see docs/snapshot-format.md: as above, and
 * as a JSON object. */
const char *cli_wait_describe_item(struct cli_item item, char *text);
void cli_wait_print_item(struct cli_item item);

#endif
