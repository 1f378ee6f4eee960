/* SPDX-License-Identifier: MIT */
/* brand.h - what a value is, whatever the program says it is.
 *
 * A *brand* is the kind of object that the engine made. A program can change an
 * object's prototype, its properties, instanceof and Symbol.toStringTag, and it
 * can trap all of them with a proxy; but not this. Nothing here but the
 * conversions runs code of the program. Included by torpor.h. */
#ifndef TORPOR_PUBLIC_BRAND_H
#define TORPOR_PUBLIC_BRAND_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum torpor_brand {
  TORPOR_BRAND_NONE,   /* not an object */
  TORPOR_BRAND_OBJECT, /* what has no brand of its own, also of a class of the
                          program */
  TORPOR_BRAND_ARRAY,
  TORPOR_BRAND_FUNCTION, /* also classes, bound and built-in functions */
  TORPOR_BRAND_ERROR,    /* also DOMException */
  TORPOR_BRAND_PROMISE,
  TORPOR_BRAND_DATE,
  TORPOR_BRAND_REGEXP,
  TORPOR_BRAND_MAP,
  TORPOR_BRAND_SET,
  TORPOR_BRAND_BUFFER, /* one of those below, which an older engine does not
                          tell apart */
  TORPOR_BRAND_PROXY,  /* see torpor_proxy_read */
  TORPOR_BRAND_ASYNC_FUNCTION,
  TORPOR_BRAND_GENERATOR_FUNCTION,
  TORPOR_BRAND_ASYNC_GENERATOR_FUNCTION,
  TORPOR_BRAND_GENERATOR,
  TORPOR_BRAND_ASYNC_GENERATOR,
  TORPOR_BRAND_ITERATOR, /* of the engine's own collections and helpers */
  TORPOR_BRAND_WEAK_MAP,
  TORPOR_BRAND_WEAK_SET,
  TORPOR_BRAND_WEAK_REF,
  TORPOR_BRAND_FINALIZATION_REGISTRY,
  TORPOR_BRAND_ARGUMENTS,
  TORPOR_BRAND_MODULE,        /* what import * gives */
  TORPOR_BRAND_NUMBER_OBJECT, /* new Number(1); see torpor_object_unbox */
  TORPOR_BRAND_STRING_OBJECT,
  TORPOR_BRAND_BOOLEAN_OBJECT,
  TORPOR_BRAND_SYMBOL_OBJECT,
  TORPOR_BRAND_BIGINT_OBJECT,
  TORPOR_BRAND_ARRAY_BUFFER,
  TORPOR_BRAND_SHARED_ARRAY_BUFFER,
  TORPOR_BRAND_DATA_VIEW,
  TORPOR_BRAND_INT8_ARRAY,
  TORPOR_BRAND_UINT8_ARRAY,
  TORPOR_BRAND_UINT8_CLAMPED_ARRAY,
  TORPOR_BRAND_INT16_ARRAY,
  TORPOR_BRAND_UINT16_ARRAY,
  TORPOR_BRAND_INT32_ARRAY,
  TORPOR_BRAND_UINT32_ARRAY,
  TORPOR_BRAND_BIGINT64_ARRAY,
  TORPOR_BRAND_BIGUINT64_ARRAY,
  TORPOR_BRAND_FLOAT16_ARRAY,
  TORPOR_BRAND_FLOAT32_ARRAY,
  TORPOR_BRAND_FLOAT64_ARRAY,
} torpor_brand;
#define TORPOR_BRAND_LAST TORPOR_BRAND_FLOAT64_ARRAY

static inline bool torpor_brand_is_typed_array(torpor_brand brand) {
  return brand >= TORPOR_BRAND_INT8_ARRAY && brand <= TORPOR_BRAND_LAST;
}

/* An ArrayBuffer, shared or not, a typed array or a DataView. */
static inline bool torpor_brand_is_buffer(torpor_brand brand) {
  return brand == TORPOR_BRAND_BUFFER ||
         (brand >= TORPOR_BRAND_ARRAY_BUFFER && brand <= TORPOR_BRAND_LAST);
}

/* A function of any kind. Of a proxy torpor_object_read says whether it can be
 * called. */
static inline bool torpor_brand_is_function(torpor_brand brand) {
  return brand == TORPOR_BRAND_FUNCTION ||
         (brand >= TORPOR_BRAND_ASYNC_FUNCTION &&
          brand <= TORPOR_BRAND_ASYNC_GENERATOR_FUNCTION);
}

/* The brand of any value.
 * [fails] */
TORPOR_API torpor_status torpor_value_brand(torpor_vm *vm, torpor_value value,
                                            torpor_brand *out);

/* What else the engine knows of an object. */
typedef struct torpor_object_info {
  size_t size; /* of this struct */
  torpor_brand brand;
  uint32_t class_id; /* the engine's number, for those that know the engine */
  bool is_callable;  /* also of proxies of functions */
  bool is_constructor;
  bool is_extensible; /* what a proxy's target says is not asked */
} torpor_object_info;
#define TORPOR_OBJECT_INFO_INIT TORPOR_INIT(torpor_object_info)

/* TORPOR_WRONG_TYPE: 'object' is none.
 * [fails] */
TORPOR_API torpor_status torpor_object_read(torpor_vm *vm, torpor_value object,
                                            torpor_object_info *out);
/* The engine's name for the object's class, as "Uint8Array", "Error" also for a
 * TypeError, "Object" also for a class of the program.
 * [fails] */
TORPOR_API torpor_status torpor_object_class_name(torpor_vm *vm,
                                                  torpor_value object,
                                                  torpor_bytes *out);
/* What a Number, String, Boolean, Symbol or BigInt object holds.
 * [fails] */
TORPOR_API torpor_status torpor_object_unbox(torpor_vm *vm, torpor_value object,
                                             torpor_value *out);
/* Target and handler of a proxy; null, both, once it is revoked.
 * TORPOR_WRONG_TYPE: 'proxy' is none.
 * [fails] */
TORPOR_API torpor_status torpor_proxy_read(torpor_vm *vm, torpor_value proxy,
                                           torpor_value *target,
                                           torpor_value *handler);

/* Any value in one line, for people to read, as the console shows it: "{ name:
 * 'x', list: [ 1, 2, ... 90 more ] }". Bounded, whatever the value is; no
 * getter and no proxy runs.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_value_describe(torpor_vm *vm,
                                               torpor_value value,
                                               torpor_bytes *out);

/* ---- Identity -------------------------------------------------------------*/

typedef enum torpor_sameness {
  TORPOR_SAME_STRICT, /* a === b: NaN is not NaN, 0 is -0 */
  TORPOR_SAME_VALUE,  /* Object.is(a, b): NaN is NaN, 0 is not -0 */
  TORPOR_SAME_KEY,    /* as keys of a Map: NaN is NaN, 0 is -0 */
} torpor_sameness;

/* Whether two values are the same. The bits of handles do not tell: two handles
 * of one object differ.
 * [fails] */
TORPOR_API torpor_status torpor_value_same(torpor_vm *vm, torpor_value a,
                                           torpor_value b, torpor_sameness how,
                                           bool *out);

/* An integer for tables of the host's own: the same for all handles of one
 * object, symbol, string or BigInt, and no other value's while one of them
 * lives; it may be another's after that. 0: undefined, null, booleans, numbers
 * and small BigInts, which have none. Equal strings may be two values: see
 * torpor_value_same.
 * [fails] */
TORPOR_API torpor_status torpor_value_identity(torpor_vm *vm,
                                               torpor_value value,
                                               uint64_t *out);

/* ---- Conversions -----------------------------------------------------------
 *
 * As JavaScript converts where it needs a number, a condition or a string. A
 * symbol is no number and no string, a BigInt no number: those throw. */

/* [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_value_to_number(torpor_vm *vm,
                                                torpor_value value,
                                                double *out);
/* [fails] */
TORPOR_API torpor_status torpor_value_to_boolean(torpor_vm *vm,
                                                 torpor_value value, bool *out);
/* [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_value_to_string(torpor_vm *vm,
                                                torpor_value value,
                                                torpor_value *out);

#ifdef __cplusplus
}
#endif

#endif
