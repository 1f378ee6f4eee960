/* SPDX-License-Identifier: MIT */
/* source-hash.h - by what a program's sources are found in a store: SHA-256. */
#ifndef TORPOR_RUN_SOURCE_HASH_H
#define TORPOR_RUN_SOURCE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "torpor.h"

enum { TORPOR__SOURCE_HASH = 32 /* bytes */ };

/* The SHA-256 of 'bytes'. False when memory ran out.
 * [any thread] */
bool torpor__source_hash(torpor_slice bytes, uint8_t hash[TORPOR__SOURCE_HASH]);

#endif
