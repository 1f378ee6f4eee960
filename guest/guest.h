/* SPDX-License-Identifier: MIT */
/* guest.h - what the files inside the sandbox share.
 *
 * guest/ is one translation unit: engine.c includes the JavaScript engine and
 * then the files of this folder, so that they may use the engine's internals
 * without a patch. reserve.c, pages.c, alloc.c, bytes.c and libc.c come before
 * the engine, which uses them, and blocks.c in its middle; all others come
 * after it. So everything here is static, and this header declares only what
 * lies between the files and the border.
 *
 *  (1) What the guest knows lies in linear memory and in no other place.
 *  (2) An export that may run JavaScript is bracketed by torpor__enter and
 *      torpor__leave; what a host function does in between nests.
 *  (3) No exception is left in the engine when an export returns. */
#ifndef TORPOR_GUEST_H
#define TORPOR_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../common/search.h"
#include "../include/torpor.h"
#include "abi.h"

#define EXPORT(name) __attribute__((export_name(#name), used))
#define IMPORT(name)                                                           \
  __attribute__((import_module("torpor"), import_name(#name)))

/* From the linker: where the shadow stack ends and the heap may begin. */
extern uint8_t __stack_high, __heap_base;

extern torpor_abi_control torpor_control;

IMPORT(invoke)
torpor_status torpor__host_invoke(uint32_t index, const uint64_t *values,
                                  uint32_t count);
IMPORT(source)
torpor_status torpor__host_source(const char *name, uint32_t size,
                                  uint32_t type, const char *importer,
                                  uint32_t importer_size);
IMPORT(resolve)
torpor_status torpor__host_resolve(const char *name, uint32_t size,
                                   const char *importer,
                                   uint32_t importer_size);
IMPORT(poll) int32_t torpor__host_poll(void);
IMPORT(clock) double torpor__host_clock(int32_t which);
IMPORT(zone) int32_t torpor__host_zone(double ms);
IMPORT(random) void torpor__host_random(void *data, uint32_t size);
IMPORT(console)
void torpor__host_console(int32_t level, const char *text, uint32_t size);
IMPORT(trap)
_Noreturn void torpor__host_trap(int32_t code, const char *text, uint32_t size);

/* entry.c: after an import that may have taken long (host.hurry, abi.h). */
static void torpor__look(void);

#endif
