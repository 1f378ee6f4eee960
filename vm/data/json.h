/* SPDX-License-Identifier: MIT */
/* json.h - what is wrong with a JSON text. data.c asks, before and after the
 * guest reads one. */
#ifndef TORPOR_VM_JSON_H
#define TORPOR_VM_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a text, which need not be JSON, has more than TORPOR_DATA_DEPTH
 * arrays and objects within each other. */
bool torpor__json_is_deep(const void *json, size_t size);

/* Says what is wrong in a sentence with the offset; false: nothing, or there is
 * no memory to find out. */
bool torpor__json_mistake(const char *json, size_t size, char *sentence,
                          size_t room);

#endif
