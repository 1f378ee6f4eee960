/* SPDX-License-Identifier: MIT */
/* collection.h - arrays, maps and sets in one call. Included by torpor.h.
 *
 * A *collection* is a Map, Set, WeakMap or WeakSet. It is read and filled entry
 * by entry where the engine keeps them: no method, iterator or getter of the
 * program runs. Others iterate with what object.h has. */
#ifndef TORPOR_PUBLIC_COLLECTION_H
#define TORPOR_PUBLIC_COLLECTION_H

#include "brand.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An array of 'count' values.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_array_new_of(torpor_vm *vm,
                                             const torpor_value *values,
                                             size_t count, torpor_value *out);
/* An array of 'length' holes, as new Array(length).
 * [fails] [throws] */
TORPOR_API torpor_status torpor_array_new_sized(torpor_vm *vm, uint32_t length,
                                                torpor_value *out);
/* The length of an array. TORPOR_WRONG_TYPE: it is none, perhaps a proxy of
 * one.
 * [fails] */
TORPOR_API torpor_status torpor_array_length(torpor_vm *vm, torpor_value array,
                                             uint32_t *out);

/* A collection of TORPOR_BRAND_MAP, _SET, _WEAK_MAP or _WEAK_SET with 'count'
 * entries: the values of a set, or of a map each key and its value. What cannot
 * be held weakly is TORPOR_THROWN, a TypeError.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_collection_new(torpor_vm *vm,
                                               torpor_brand brand,
                                               const torpor_value *entries,
                                               size_t count, torpor_value *out);
/* Gives 'key' the value 'value'; of a set, adds 'key', and 'value' is ignored.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_collection_put(torpor_vm *vm,
                                               torpor_value collection,
                                               torpor_value key,
                                               torpor_value value);
/* The value of 'key' in a map; undefined when it is not there.
 * [fails] */
TORPOR_API torpor_status torpor_collection_get(torpor_vm *vm, torpor_value map,
                                               torpor_value key,
                                               torpor_value *out);
/* Whether a map or set has 'key'.
 * [fails] */
TORPOR_API torpor_status torpor_collection_has(torpor_vm *vm,
                                               torpor_value collection,
                                               torpor_value key, bool *out);
/* Removes 'key'; 'found' says whether it was there.
 * [fails] */
TORPOR_API torpor_status torpor_collection_remove(torpor_vm *vm,
                                                  torpor_value collection,
                                                  torpor_value key,
                                                  bool *found);
/* Removes all entries; not of weak ones.
 * [fails] */
TORPOR_API torpor_status torpor_collection_clear(torpor_vm *vm,
                                                 torpor_value collection);
/* How many entries there are; of weak ones those that are there still.
 * [fails] */
TORPOR_API torpor_status torpor_collection_count(torpor_vm *vm,
                                                 torpor_value collection,
                                                 size_t *out);
/* The entries in their order, as torpor_collection_new takes them. 'count' is
 * how many entries there are; those that fit into 'room' of them are written,
 * but there are handles of all of them, unless there is no room for any.
 * TORPOR_WRONG_TYPE: it is no Map or Set.
 * [fails] */
TORPOR_API torpor_status torpor_collection_read(torpor_vm *vm,
                                                torpor_value collection,
                                                torpor_value *entries,
                                                size_t room, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
