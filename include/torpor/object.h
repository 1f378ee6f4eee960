/* SPDX-License-Identifier: MIT */
/* object.h - objects: what they are, and their properties. Included by
 * torpor.h. */
#ifndef TORPOR_PUBLIC_OBJECT_H
#define TORPOR_PUBLIC_OBJECT_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an object is to the engine, whatever the program did to its prototype or
 * properties. */
typedef enum torpor_brand {
  TORPOR_BRAND_NONE, /* not an object */
  TORPOR_BRAND_OBJECT,
  TORPOR_BRAND_ARRAY,
  TORPOR_BRAND_FUNCTION,
  TORPOR_BRAND_ERROR,
  TORPOR_BRAND_PROMISE,
  TORPOR_BRAND_DATE,
  TORPOR_BRAND_REGEXP,
  TORPOR_BRAND_MAP,
  TORPOR_BRAND_SET,
  TORPOR_BRAND_BUFFER, /* ArrayBuffer, typed array, DataView */
  TORPOR_BRAND_PROXY,
} torpor_brand;

TORPOR_API torpor_status torpor_value_brand(torpor_vm *vm, torpor_value value,
                                            torpor_brand *out);
TORPOR_API torpor_status torpor_global(torpor_vm *vm, torpor_value *out);
TORPOR_API torpor_status torpor_object_new(torpor_vm *vm, torpor_value *out);
TORPOR_API torpor_status torpor_array_new(torpor_vm *vm, torpor_value *out);

/* Reads and writes as obj[key] does in JavaScript, so getters, setters and
 * proxies run. 'key' ends with zero. */
TORPOR_API torpor_status torpor_get(torpor_vm *vm, torpor_value object,
                                    const char *key, torpor_value *out);
TORPOR_API torpor_status torpor_set(torpor_vm *vm, torpor_value object,
                                    const char *key, torpor_value value);
TORPOR_API torpor_status torpor_get_index(torpor_vm *vm, torpor_value object,
                                          uint32_t index, torpor_value *out);
TORPOR_API torpor_status torpor_set_index(torpor_vm *vm, torpor_value object,
                                          uint32_t index, torpor_value value);

#ifdef __cplusplus
}
#endif

#endif
