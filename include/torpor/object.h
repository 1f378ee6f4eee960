/* SPDX-License-Identifier: MIT */
/* object.h - objects: what they are, and their properties. Included by
 * torpor.h. */
#ifndef TORPOR_PUBLIC_OBJECT_H
#define TORPOR_PUBLIC_OBJECT_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum torpor_class {
  TORPOR_CLASS_NONE, /* not an object */
  TORPOR_CLASS_OBJECT,
  TORPOR_CLASS_ARRAY,
  TORPOR_CLASS_FUNCTION,
  TORPOR_CLASS_ERROR,
  TORPOR_CLASS_PROMISE,
  TORPOR_CLASS_DATE,
  TORPOR_CLASS_REGEXP,
  TORPOR_CLASS_MAP,
  TORPOR_CLASS_SET,
  TORPOR_CLASS_BUFFER, /* ArrayBuffer, typed array, DataView */
  TORPOR_CLASS_PROXY,
} torpor_class;

TORPOR_API torpor_status torpor_object_class(torpor_vm *vm, torpor_value value,
                                             torpor_class *out);
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
