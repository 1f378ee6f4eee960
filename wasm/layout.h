/* SPDX-License-Identifier: MIT */
/* layout.h - what translated code and its runtime agree on: sizes, distances,
 * and the functions of each that the other calls.
 *
 * An engine that is loaded was compiled with this file as it was then: changes
 * raise TORPOR__ENGINE_TABLE_VERSION (vm/engines/engine.h). */
#ifndef TORPOR_WASM_LAYOUT_H
#define TORPOR_WASM_LAYOUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "wasm/wasm-rt.h"

#define TORPOR__PAGE 4096u
#define TORPOR__WASM_PAGE 65536u
#define TORPOR__CHUNK 65536u
#define TORPOR__MEMORY_DISTANCE WASM_RT_DISTANCE /* instance to memory */
/* Largest instance_size that fits. */
#define TORPOR__INSTANCE_MAX WASM_RT_DISTANCE
/* Largest memory: 64 KiB less than 4 GiB, so that every end has 32 bits. */
#define TORPOR__PAGES_MAX 65535u
/* Behind the 4 GiB; the constant offsets of a module may reach as far. */
#define TORPOR__GUARD (16u << 20)

typedef wasm_rt_memory_t torpor__wasm_memory;

/* What translated code calls. An engine that is loaded gets it as a table,
 * since it cannot see the symbols of the program. */
typedef struct torpor__wasm_runtime {
  void (*trap)(wasm_rt_trap_t trap); /* does not return */
  uint32_t (*grow_memory)(wasm_rt_memory_t *memory, uint32_t pages);
  uint32_t (*register_func_type)(uint32_t params, uint32_t results,
                                 va_list types);
  bool (*reserve_table)(wasm_rt_funcref_table_t *table, uint32_t size,
                        uint32_t max_size);
  void (*free_table)(wasm_rt_funcref_table_t *table);
} torpor__wasm_runtime;

extern const torpor__wasm_runtime torpor__wasm_runtime_here;

#endif
