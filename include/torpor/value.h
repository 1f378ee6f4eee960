/* SPDX-License-Identifier: MIT */
/* value.h - a value of a VM as its host sees it, and handles.
 *
 * Undefined, null, booleans and numbers are the same in every VM; they are made
 * and read without one. Every other value is a handle of one VM, which belongs
 * to a scope. Values are passed by value. Included by torpor.h. */
#ifndef TORPOR_PUBLIC_VALUE_H
#define TORPOR_PUBLIC_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct torpor_value {
  uint64_t bits;
  uint64_t owner; /* of a handle: its VM's number, which is never reused */
} torpor_value;

typedef enum torpor_type {
  TORPOR_TYPE_UNDEFINED,
  TORPOR_TYPE_NULL,
  TORPOR_TYPE_BOOLEAN,
  TORPOR_TYPE_NUMBER,
  TORPOR_TYPE_STRING,
  TORPOR_TYPE_SYMBOL,
  TORPOR_TYPE_BIGINT,
  TORPOR_TYPE_OBJECT, /* see torpor_value_brand */
} torpor_type;

/* Layout of torpor_value.bits: the bits of an IEEE double (one NaN only), or
 * one of these tags in the upper 16 bits. A handle has a number in the lower 48
 * bits, which its VM never uses again. */
#define TORPOR_TAG_UNDEFINED 0xfff9u
#define TORPOR_TAG_NULL 0xfffau
#define TORPOR_TAG_BOOLEAN 0xfffbu
#define TORPOR_TAG_STRING 0xfffcu
#define TORPOR_TAG_SYMBOL 0xfffdu
#define TORPOR_TAG_BIGINT 0xfffeu
#define TORPOR_TAG_OBJECT 0xffffu
#define TORPOR_NAN_BITS UINT64_C(0x7ff8000000000000)

static inline torpor_value torpor_undefined(void) {
  torpor_value value = {(uint64_t)TORPOR_TAG_UNDEFINED << 48, 0};
  return value;
}

static inline torpor_value torpor_null(void) {
  torpor_value value = {(uint64_t)TORPOR_TAG_NULL << 48, 0};
  return value;
}

static inline torpor_value torpor_boolean(bool b) {
  torpor_value value = {((uint64_t)TORPOR_TAG_BOOLEAN << 48) | (b ? 1u : 0u),
                        0};
  return value;
}

static inline torpor_value torpor_number(double number) {
  torpor_value value = {0, 0};
  memcpy(&value.bits, &number, sizeof(number));
  if (number != number) value.bits = TORPOR_NAN_BITS;
  return value;
}

static inline torpor_type torpor_value_type(torpor_value value) {
  unsigned tag = (unsigned)(value.bits >> 48);
  if (tag < TORPOR_TAG_UNDEFINED) return TORPOR_TYPE_NUMBER;
  if (tag == TORPOR_TAG_UNDEFINED) return TORPOR_TYPE_UNDEFINED;
  if (tag == TORPOR_TAG_NULL) return TORPOR_TYPE_NULL;
  if (tag == TORPOR_TAG_BOOLEAN) return TORPOR_TYPE_BOOLEAN;
  if (tag == TORPOR_TAG_STRING) return TORPOR_TYPE_STRING;
  if (tag == TORPOR_TAG_SYMBOL) return TORPOR_TYPE_SYMBOL;
  if (tag == TORPOR_TAG_BIGINT) return TORPOR_TYPE_BIGINT;
  return TORPOR_TYPE_OBJECT;
}

/* The number; NaN when 'value' is not a number. No conversion. */
static inline double torpor_value_number(torpor_value value) {
  uint64_t bits = value.bits;
  double number;
  if (torpor_value_type(value) != TORPOR_TYPE_NUMBER) bits = TORPOR_NAN_BITS;
  memcpy(&number, &bits, sizeof(number));
  return number;
}

/* True only for the boolean true. No conversion. */
static inline bool torpor_value_is_true(torpor_value value) {
  return value.bits == torpor_boolean(true).bits;
}

/* ---- Scopes and handles --------------------------------------------------*/

/* Handles end with the scope that was open when they were made: a stretch of
 * the host's code between torpor_scope_open and torpor_scope_close. Scopes
 * nest; closing an outer one closes those in it. Each call of a host function
 * has a scope of its own, out of which its result is kept. Handles made outside
 * of all scopes live until the VM is closed. 4,194,304 may live at once. A
 * handle that was released or is of another VM, and a scope that is closed, are
 * never mistaken for others: TORPOR_STALE. */
typedef uint64_t torpor_scope;
/* Begins a scope inside the one that is open.
 * [fails] */
TORPOR_API torpor_status torpor_scope_open(torpor_vm *vm, torpor_scope *out);
/* Ends it, and the handles in it.
 * [fails] */
TORPOR_API torpor_status torpor_scope_close(torpor_vm *vm, torpor_scope scope);
/* Closes 'scope' and keeps one of its values, which then belongs to the scope
 * around it. Use '*value' afterwards. When it fails the scope is still open.
 * [fails] */
TORPOR_API torpor_status torpor_scope_leave(torpor_vm *vm, torpor_scope scope,
                                            torpor_value *value);

/* Retained handles belong to no scope and end one by one, in any order. With
 * retain_results of torpor_options every handle that a call gives is one, as
 * long as no scope is open in the host function that runs, or outside of all;
 * so are cause, code and errors of a torpor_error. What a callback is given
 * (arguments, a rejection, an object of torpor_instance_each) ends with it all
 * the same, and what torpor_exception gives is the VM's; retain what is to
 * stay. An iterator's handles end when it is closed. */

/* A handle to the same value that outlives scopes; release it.
 * [fails] */
TORPOR_API torpor_status torpor_value_retain(torpor_vm *vm, torpor_value value,
                                             torpor_value *out);
/* Ends a handle that was retained; does nothing to others.
 * [fails] */
TORPOR_API torpor_status torpor_value_release(torpor_vm *vm,
                                              torpor_value value);

/* Handles are gone after a restore. A token names a value in the VM in which it
 * was added, and in every VM restored from its later snapshots, until it is
 * removed. Tokens are never 0. NOT_FOUND: no such token. */
typedef uint32_t torpor_token;
/* Makes a token for a value, which it keeps alive.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_token_add(torpor_vm *vm, torpor_value value,
                                          torpor_token *out);
/* The value that a token names, as a handle.
 * [fails] */
TORPOR_API torpor_status torpor_token_value(torpor_vm *vm, torpor_token token,
                                            torpor_value *out);
/* Ends a token.
 * [fails] */
TORPOR_API torpor_status torpor_token_remove(torpor_vm *vm, torpor_token token);

#ifdef __cplusplus
}
#endif

#endif
