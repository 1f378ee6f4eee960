/* SPDX-License-Identifier: MIT */
/* object.h - objects: what they are, and their properties. Included by
 * torpor.h. */
#ifndef TORPOR_PUBLIC_OBJECT_H
#define TORPOR_PUBLIC_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "brand.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The global object.
 * [fails] */
TORPOR_API torpor_status torpor_global(torpor_vm *vm, torpor_value *out);
/* A new {}.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_object_new(torpor_vm *vm, torpor_value *out);
/* A new [].
 * [fails] [throws] */
TORPOR_API torpor_status torpor_array_new(torpor_vm *vm, torpor_value *out);

/* ---- Properties ----------------------------------------------------------*/

/* These read and write as obj[key] does in strict JavaScript, so getters,
 * setters and proxies run, and what cannot be set throws. 'key' is UTF-8 and
 * ends with a zero byte; any other key: torpor_get_key. 'object' may be any
 * value that has properties, so also a string.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_get(torpor_vm *vm, torpor_value object,
                                    const char *key, torpor_value *out);
/* Writes object[key].
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_set(torpor_vm *vm, torpor_value object,
                                    const char *key, torpor_value value);
/* Reads object[index].
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_get_index(torpor_vm *vm, torpor_value object,
                                          uint32_t index, torpor_value *out);
/* Writes object[index].
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_set_index(torpor_vm *vm, torpor_value object,
                                          uint32_t index, torpor_value value);

/* Several at once, in their order, which is faster: 'count' keys, and room for
 * as many values. When one throws, none is given.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_get_each(torpor_vm *vm, torpor_value object,
                                         const char *const *keys, size_t count,
                                         torpor_value *out);
/* The same of the elements from 'first' on, whatever the length is.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_get_elements(torpor_vm *vm, torpor_value object,
                                             uint32_t first, size_t count,
                                             torpor_value *out);

/* The property 'length' as JavaScript takes it: a whole number from 0 to
 * 2^53-1.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_length(torpor_vm *vm, torpor_value object,
                                       uint64_t *out);

/* Any key, made by one of the functions below: a text of up to 65,535 bytes
 * (SIZE_MAX: it ends with a zero byte), an index, or a value, which is
 * converted as by obj[value]: a symbol, a number, a string with lone
 * surrogates. The text is borrowed. */
typedef struct torpor_key {
  const char *text; /* NULL: 'value' is the key */
  size_t size;
  torpor_value value;
} torpor_key;

static inline torpor_key torpor_key_text(const char *text, size_t size) {
  torpor_key key;
  key.text = text == NULL && size == 0 ? "" : text;
  key.size = size;
  key.value = torpor_undefined();
  return key;
}

static inline torpor_key torpor_key_value(torpor_value value) {
  torpor_key key;
  key.text = NULL;
  key.size = 0;
  key.value = value;
  return key;
}

static inline torpor_key torpor_key_name(const char *name) {
  return torpor_key_text(name, SIZE_MAX);
}

static inline torpor_key torpor_key_index(double index) {
  return torpor_key_value(torpor_number(index));
}

/* As torpor_get.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_get_key(torpor_vm *vm, torpor_value object,
                                        torpor_key key, torpor_value *out);
/* As torpor_set.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_set_key(torpor_vm *vm, torpor_value object,
                                        torpor_key key, torpor_value value);

/* Whether 'key' is in the object or its prototypes. Here and in all that
 * follows 'object' must be an object, else TORPOR_WRONG_TYPE.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_has(torpor_vm *vm, torpor_value object,
                                    torpor_key key, bool *out);
/* The same without prototypes.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_has_own(torpor_vm *vm, torpor_value object,
                                        torpor_key key, bool *out);

/* Removes a property. 'out' is false when it cannot be removed, and true when
 * there is none now.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_delete(torpor_vm *vm, torpor_value object,
                                       torpor_key key, bool *out);

/* ---- Descriptors ---------------------------------------------------------*/

/* What a property is. A field counts where its TORPOR_HAS_ flag is set; what is
 * absent stays as it is, or is false or undefined in a new property. */
enum {
  TORPOR_WRITABLE = 1,
  TORPOR_ENUMERABLE = 2,
  TORPOR_CONFIGURABLE = 4,
  TORPOR_HAS_WRITABLE = 8, /* the flag above counts; likewise the next two */
  TORPOR_HAS_ENUMERABLE = 16,
  TORPOR_HAS_CONFIGURABLE = 32,
  TORPOR_HAS_VALUE = 64,
  TORPOR_HAS_GET = 128,
  TORPOR_HAS_SET = 256,
};

typedef struct torpor_descriptor {
  unsigned flags;
  torpor_value value;
  torpor_value getter, setter; /* functions, or undefined for none */
} torpor_descriptor;

/* The descriptor of a data property. Of TORPOR_WRITABLE, TORPOR_ENUMERABLE and
 * TORPOR_CONFIGURABLE, those that are not in 'flags' are false. */
static inline torpor_descriptor torpor_descriptor_data(torpor_value value,
                                                       unsigned flags) {
  torpor_descriptor d;
  d.flags = flags | TORPOR_HAS_VALUE | TORPOR_HAS_WRITABLE |
            TORPOR_HAS_ENUMERABLE | TORPOR_HAS_CONFIGURABLE;
  d.value = value;
  d.getter = d.setter = torpor_undefined();
  return d;
}

/* The same of an accessor. */
static inline torpor_descriptor torpor_descriptor_accessor(torpor_value getter,
                                                           torpor_value setter,
                                                           unsigned flags) {
  torpor_descriptor d;
  d.flags = flags | TORPOR_HAS_GET | TORPOR_HAS_SET | TORPOR_HAS_ENUMERABLE |
            TORPOR_HAS_CONFIGURABLE;
  d.getter = getter;
  d.setter = setter;
  d.value = torpor_undefined();
  return d;
}

/* Object.defineProperty: throws when it cannot be.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_define(torpor_vm *vm, torpor_value object,
                                       torpor_key key,
                                       const torpor_descriptor *descriptor);

/* Object.getOwnPropertyDescriptor, without running a getter. 'flags' is 0 when
 * the object has no such property of its own.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_get_own(torpor_vm *vm, torpor_value object,
                                        torpor_key key, torpor_descriptor *out);

/* Which keys. */
enum {
  TORPOR_KEYS_STRINGS = 1,
  TORPOR_KEYS_SYMBOLS = 2,
  TORPOR_KEYS_ENUMERABLE = 4, /* only enumerable ones */
  TORPOR_KEYS_PLAIN = TORPOR_KEYS_STRINGS | TORPOR_KEYS_ENUMERABLE,
  TORPOR_KEYS_ALL = TORPOR_KEYS_STRINGS | TORPOR_KEYS_SYMBOLS,
};

/* A new array of an object's own keys: indexes in ascending order, other
 * strings in the order in which they were added, symbols likewise.
 * TORPOR_KEYS_PLAIN gives what Object.keys does, TORPOR_KEYS_ALL what
 * Reflect.ownKeys does.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_keys(torpor_vm *vm, torpor_value object,
                                     unsigned which, torpor_value *out);

/* ---- Objects as a whole --------------------------------------------------*/

/* The prototype: an object or null.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_prototype_get(torpor_vm *vm,
                                              torpor_value object,
                                              torpor_value *out);
/* Sets it; throws when it cannot be.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_prototype_set(torpor_vm *vm,
                                              torpor_value object,
                                              torpor_value prototype);

/* How far an object can still be changed. Each includes those before it. */
typedef enum torpor_integrity {
  TORPOR_INEXTENSIBLE = 1, /* Object.preventExtensions: no new properties */
  TORPOR_SEALED = 2,       /* Object.seal: none removed or defined anew */
  TORPOR_FROZEN = 3,       /* Object.freeze: none changed */
} torpor_integrity;

/* Makes it so; throws when it cannot be.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_integrity_set(torpor_vm *vm,
                                              torpor_value object,
                                              torpor_integrity level);
/* Tells whether it is so.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_integrity_test(torpor_vm *vm,
                                               torpor_value object,
                                               torpor_integrity level,
                                               bool *out);

/* ---- Iteration -----------------------------------------------------------*/

/* Takes one value after another out of whatever for...of does: arrays, Maps,
 * Sets, strings, generators, objects of the program's own.
 *
 *   status = torpor_iterator_open(vm, list, &iterator);
 *   if (status != TORPOR_OK) return status;
 *   while ((status = torpor_iterator_next(vm, &iterator, &item)) == TORPOR_OK)
 *     if (!use(item)) break;
 *   return torpor_iterator_close(vm, &iterator, status);
 *
 * Iterator and items are handles of the scope that is open when they are made.
 * 'next' answers TORPOR_NOT_FOUND at the end. 'close' calls the iterator's
 * 'return' when it has not come to its end, and gives back 'status', but
 * TORPOR_OK for TORPOR_NOT_FOUND; with TORPOR_OK what 'return' throws is
 * thrown, else that does not count. An iterator that threw is at its end. */
typedef struct torpor_iterator {
  torpor_value object, next;
  bool done;
} torpor_iterator;
/* Begins.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_iterator_open(torpor_vm *vm,
                                              torpor_value iterable,
                                              torpor_iterator *out);
/* Gives the next value; TORPOR_NOT_FOUND at the end.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_iterator_next(torpor_vm *vm,
                                              torpor_iterator *iterator,
                                              torpor_value *out);
/* Ends the loop, whose last status is 'status'.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_iterator_close(torpor_vm *vm,
                                               torpor_iterator *iterator,
                                               torpor_status status);

#ifdef __cplusplus
}
#endif

#endif
