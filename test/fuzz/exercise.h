/* SPDX-License-Identifier: MIT */
/* exercise.h - using what may be a snapshot in every way that there is. */
#ifndef TORPOR_TEST_EXERCISE_H
#define TORPOR_TEST_EXERCISE_H

#include "test/fuzz/recipe.h"

/* Reads, opens, wakes, runs, forks and saves what is in 'dish'. Calls may fail
 * with a code and a sentence; what must hold whatever the bytes are is
 * asserted. Gives whether a VM woke. */
bool exercise(const recipe_dish *dish);

/* Enters a VM in many ways, whatever state it is in. */
void exercise_use(torpor_vm *vm);

#endif
