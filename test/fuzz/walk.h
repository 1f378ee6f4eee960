/* SPDX-License-Identifier: MIT */
/* walk.h - going through CBOR with torpor_reader, in C. */
#ifndef TORPOR_TEST_FUZZ_WALK_H
#define TORPOR_TEST_FUZZ_WALK_H

#include "torpor.h"

/* Reads what may be CBOR: all of it if it can be opened, then at random, with
 * what is wrong at its place as well, and as JSON. Gives whether it can be
 * opened. */
bool fuzz_walk(const void *data, size_t size);

/* Copies a tree with reader and writer, value by value. True: 'out' is to be
 * freed. False: it has something in it that no writer's function makes. */
bool fuzz_walk_copy(const torpor_bytes *tree, torpor_bytes *out);

#endif
