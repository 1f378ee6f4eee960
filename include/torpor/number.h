/* SPDX-License-Identifier: MIT */
/* number.h - integers of any size, and dates. Numbers themselves need no VM,
 * see value.h. Included by torpor.h. */
#ifndef TORPOR_PUBLIC_NUMBER_H
#define TORPOR_PUBLIC_NUMBER_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- BigInt ---------------------------------------------------------------*/

/* [fails] [throws] */
TORPOR_API torpor_status torpor_bigint_new_int64(torpor_vm *vm, int64_t number,
                                                 torpor_value *out);
/* [fails] [throws] */
TORPOR_API torpor_status torpor_bigint_new_uint64(torpor_vm *vm,
                                                  uint64_t number,
                                                  torpor_value *out);
/* Of any size, from 'count' words of its magnitude, the lowest first. Beyond
 * about a million bits TORPOR_THROWN, a RangeError.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_bigint_new_words(torpor_vm *vm, bool negative,
                                                 const uint64_t *words,
                                                 size_t count,
                                                 torpor_value *out);
/* As BigInt(text): decimal, or 0x, 0o, 0b. SIZE_MAX: it ends with zero. What is
 * no integer is TORPOR_THROWN, a SyntaxError.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_bigint_new_text(torpor_vm *vm, const char *text,
                                                size_t size, torpor_value *out);

/* The value when it fits, else TORPOR_LIMIT. TORPOR_WRONG_TYPE: it is no
 * BigInt.
 * [fails] */
TORPOR_API torpor_status torpor_bigint_read_int64(torpor_vm *vm,
                                                  torpor_value value,
                                                  int64_t *out);
/* [fails] */
TORPOR_API torpor_status torpor_bigint_read_uint64(torpor_vm *vm,
                                                   torpor_value value,
                                                   uint64_t *out);
/* The words of its magnitude, the lowest first: 'count' is how many there are,
 * at least one; those that fit into 'room' are written. (Decimal text is what
 * torpor_string_read gives.)
 * [fails] */
TORPOR_API torpor_status torpor_bigint_read_words(torpor_vm *vm,
                                                  torpor_value value,
                                                  bool *negative,
                                                  uint64_t *words, size_t room,
                                                  size_t *count);

/* ---- Dates ----------------------------------------------------------------*/

/* A Date at 'ms' milliseconds since 1970, whole ones; NaN, or beyond what a
 * Date can be: an invalid one.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_date_new(torpor_vm *vm, double ms,
                                         torpor_value *out);
/* Its milliseconds, NaN when it is invalid. TORPOR_WRONG_TYPE: it is no Date.
 * [fails] */
TORPOR_API torpor_status torpor_date_read(torpor_vm *vm, torpor_value date,
                                          double *ms);

#ifdef __cplusplus
}
#endif

#endif
