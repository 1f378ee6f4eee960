/* SPDX-License-Identifier: MIT */
/* sized.h - structs that programs of other versions know with fewer fields, or
 * with more. A struct of this kind begins with its size, as the program knows
 * it. Fields that it does not know are 0; those that we do not know have to be.
 */
#ifndef TORPOR_COMMON_SIZED_H
#define TORPOR_COMMON_SIZED_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the program's struct says a size that one of its kind can have. */
bool torpor__sized_is_good(const void *given);
/* Copies the program's struct to 'own', which has 'size' bytes and keeps its
 * own size. False: its size is none, or it sets a field that we do not know. */
bool torpor__sized_take(void *own, size_t size, const void *given);
/* Fills what the program knows of 'out', whose size is good, from 'own'. */
void torpor__sized_give(void *out, const void *own, size_t size);

#endif
