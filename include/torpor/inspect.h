/* SPDX-License-Identifier: MIT */
/* inspect.h - what a VM holds, and where it waits. Included by
 * torpor.h. */
#ifndef TORPOR_PUBLIC_INSPECT_H
#define TORPOR_PUBLIC_INSPECT_H

#include "vm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What 'vm' holds and where it waits, as CBOR (docs/inspect.md): suspended
 * functions, the heap by class, the largest objects and what holds them. It
 * looks at a copy and runs no code of the program. TORPOR_BUSY while guest code
 * is on the stack; TORPOR_LIMIT when there is too little memory for that;
 * TORPOR_FORMAT when the VM's memory contradicts itself.
 * [fails] [outside] */
TORPOR_API torpor_status torpor_vm_inspect(torpor_vm *vm, torpor_bytes *out);

/* What the heap of a VM is made of: bytes, and how many there are. */
typedef struct torpor_heap {
  size_t size;                    /* sizeof(torpor_heap) */
  uint64_t string_bytes, strings; /* without those that are names */
  uint64_t name_bytes, names;
  uint64_t object_bytes, objects;
  uint64_t property_bytes, properties;
  uint64_t shape_bytes, shapes; /* shared by objects with the same names */
  uint64_t function_bytes, functions; /* code */
  uint64_t element_bytes, arrays;
  uint64_t buffer_bytes, buffers;
  uint64_t collect; /* bytes of heap at which the collector has its next turn */
  uint64_t used;    /* bytes of heap, whatever for */
} torpor_heap;

#define TORPOR_HEAP_INIT TORPOR_INIT(torpor_heap)

/* Counts what the heap is made of, which takes time with its size.
 * [fails] */
TORPOR_API torpor_status torpor_vm_heap(torpor_vm *vm, torpor_heap *out);

/* The places at which functions wait, as text for a sentence: "load
 * (app.js:12:3), main.js:4:1 and 3 more"; empty when none waits. Errors as
 * above.
 * [fails] [outside] */
TORPOR_API torpor_status torpor_vm_waiting(torpor_vm *vm, torpor_bytes *out);

#ifdef __cplusplus
}
#endif

#endif
