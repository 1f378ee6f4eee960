/* SPDX-License-Identifier: MIT */
/* amount.h - sizes and counts as people read them. */
#ifndef TORPOR_CLI_AMOUNT_H
#define TORPOR_CLI_AMOUNT_H

#include <stdint.h>

enum { CLI_AMOUNT_SIZE = 32 };

/* "812 bytes", "5.8 KB", "24 MB"; 'text' has CLI_AMOUNT_SIZE bytes and is
 * returned. A KB is 1,024 bytes. */
const char *cli_amount_bytes(uint64_t bytes, char *text);

/* The same with its sign: "+5.8 KB", "-812 bytes", "no change". */
const char *cli_amount_change(int64_t bytes, char *text);

/* "1,376,284" */
const char *cli_amount_count(uint64_t count, char *text);

#endif
