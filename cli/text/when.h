/* SPDX-License-Identifier: MIT */
/* when.h - moments and spans as people read them. Times are Unix milliseconds;
 * 'text' has CLI_WHEN_SIZE bytes and is returned. */
#ifndef TORPOR_CLI_WHEN_H
#define TORPOR_CLI_WHEN_H

#include <stdint.h>

enum { CLI_WHEN_SIZE = 64 };

/* "2026-03-01T14:05:03.250Z" */
const char *cli_when_iso(int64_t ms, char *text);

/* "2026-03-01 14:05:03", local time. */
const char *cli_when_stamp(int64_t ms, char *text);

/* "90 s": a span in the largest unit that tells it exactly. */
const char *cli_when_exact(uint64_t ms, char *text);

/* "14:05:03", with the date when it is not today, and how far off it is: "(in 2
 * h)" or "(3 min ago)". Local time. */
const char *cli_when_about(int64_t ms, char *text);

#endif
