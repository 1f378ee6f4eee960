/* SPDX-License-Identifier: MIT */
/* wasm-rt.h - what C made by wasm2c (wabt 1.0.32) includes under this name.
 *
 * The idea: a load or store needs no base address from memory. Linear memory
 * lies at a fixed distance behind the memory's descriptor, which is at hand;
 * and on x86-64 the address of its first byte is in the register GS while
 * guest code runs, so that it takes none of the others. tune.py has loads and
 * stores say WASM_RT_LOAD and WASM_RT_STORE.
 *
 *  (1) data == (char *)descriptor + WASM_RT_DISTANCE, always.
 *  (2) 'size' has 64 bits: offset + length never wraps in a range check.
 *  (3) GS is that of the innermost entry's memory (entry.c), also while guest
 *      code calls the host.
 *
 * The functions are defined in wasm/ (see runtime.h). Code that must not depend
 * on symbols of the program, as engine/bind.c, defines WASM_RT_LINKAGE as
 * static, and the functions itself. */
#ifndef TORPOR_WASM_RT_H
#define TORPOR_WASM_RT_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef WASM_RT_LINKAGE
#define WASM_RT_LINKAGE extern
#endif

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Bounds of loads and stores: by pages without access, or in code. */
#ifdef TORPOR_SOFT_BOUNDS
#define WASM_RT_MEMCHECK_SIGNAL_HANDLER 0
#else
#define WASM_RT_MEMCHECK_SIGNAL_HANDLER 1
#endif

/* ---- Memory --------------------------------------------------------------*/

/* From a memory's descriptor to its first byte. */
#define WASM_RT_DISTANCE 4096

typedef struct wasm_rt_memory {
  uint8_t *data;
  uint32_t pages, max_pages; /* of 64 KiB */
  uint64_t size;             /* in bytes */
  /* With TORPOR_SOFT_BOUNDS: guest frames may not lie below this address. */
  uintptr_t stack_limit;
} wasm_rt_memory_t;

#if defined(__linux__) && defined(__x86_64__) && defined(__SEG_GS) &&          \
    !defined(TORPOR_SOFT_BOUNDS)
/* What lies at 'addr' of the memory that GS is of. */
#define WASM_RT_BY_GS(type, addr) (*(type __seg_gs *)(uintptr_t)(addr))
/* gcc 12 cannot compile constant addresses in this form. */
#define WASM_RT_IS_FAR(addr) __builtin_constant_p(addr)
#else
#define WASM_RT_BY_GS(type, addr) (*(type *)(uintptr_t)(addr))
#define WASM_RT_IS_FAR(addr) true
#endif

#define WASM_RT_BY_DISTANCE(type, mem, addr)                                   \
  (*(type *)((char *)(mem) + WASM_RT_DISTANCE + (addr)))

/* Sets 'to', of 'type', to what lies at 'addr' of 'mem'; and the reverse. */
#define WASM_RT_LOAD(type, to, mem, addr)                                      \
  do {                                                                         \
    typedef type wasm_rt_at __attribute__((aligned(1), may_alias));            \
    if (WASM_RT_IS_FAR(addr))                                                  \
      (to) = WASM_RT_BY_DISTANCE(const wasm_rt_at, mem, addr);                 \
    else                                                                       \
      (to) = WASM_RT_BY_GS(const wasm_rt_at, addr);                            \
  } while (0)
#define WASM_RT_STORE(type, from, mem, addr)                                   \
  do {                                                                         \
    typedef type wasm_rt_at __attribute__((aligned(1), may_alias));            \
    if (WASM_RT_IS_FAR(addr))                                                  \
      WASM_RT_BY_DISTANCE(wasm_rt_at, mem, addr) = (from);                     \
    else                                                                       \
      WASM_RT_BY_GS(wasm_rt_at, addr) = (from);                                \
  } while (0)

/* Grows by 'pages' and returns the pages before, or UINT32_MAX when the maximum
 * or the system does not allow it. */
WASM_RT_LINKAGE uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory,
                                             uint32_t pages);

/* A region (runtime.h) makes a memory together with its instance, and ends it
 * with it: here nothing is left to do. */
static inline void wasm_rt_allocate_memory(wasm_rt_memory_t *memory,
                                           uint32_t pages, uint32_t max_pages) {
  (void)memory, (void)pages, (void)max_pages;
}
static inline void wasm_rt_free_memory(wasm_rt_memory_t *memory) {
  (void)memory;
}

/* ---- Functions and tables -------------------------------------------------*/

typedef enum wasm_rt_type {
  WASM_RT_I32,
  WASM_RT_I64,
  WASM_RT_F32,
  WASM_RT_F64,
  WASM_RT_FUNCREF,
  WASM_RT_EXTERNREF,
} wasm_rt_type_t;

typedef void (*wasm_rt_function_ptr_t)(void);

typedef struct wasm_rt_funcref {
  uint32_t func_type; /* from wasm_rt_register_func_type */
  wasm_rt_function_ptr_t func;
  void *module_instance; /* first argument of 'func' */
} wasm_rt_funcref_t;

typedef struct wasm_rt_funcref_table {
  wasm_rt_funcref_t *data;
  uint32_t max_size, size;
} wasm_rt_funcref_table_t;

/* Generated code defines helpers for tables of this type in every module. */
typedef void *wasm_rt_externref_t;
typedef struct wasm_rt_externref_table {
  wasm_rt_externref_t *data;
  uint32_t max_size, size;
} wasm_rt_externref_table_t;

static const wasm_rt_funcref_t wasm_rt_funcref_null_value = {0, NULL, NULL};
static const wasm_rt_externref_t wasm_rt_externref_null_value = NULL;

/* The number of a function type: parameters, then results, each a
 * wasm_rt_type_t. The same number for the same signature, in all modules of the
 * process; never 0. */
WASM_RT_LINKAGE uint32_t wasm_rt_register_func_type(uint32_t params,
                                                    uint32_t results, ...);

/* Makes a table of 'size' empty entries. One that has room for 'size' already
 * keeps its storage. Traps when there is no memory. */
WASM_RT_LINKAGE void
wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t size,
                               uint32_t max_size);
WASM_RT_LINKAGE void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table);

/* ---- Traps ----------------------------------------------------------------*/

typedef enum wasm_rt_trap {
  WASM_RT_TRAP_NONE,
  WASM_RT_TRAP_OOB,
  WASM_RT_TRAP_INT_OVERFLOW,
  WASM_RT_TRAP_DIV_BY_ZERO,
  WASM_RT_TRAP_INVALID_CONVERSION,
  WASM_RT_TRAP_UNREACHABLE,
  WASM_RT_TRAP_CALL_INDIRECT,
  WASM_RT_TRAP_EXHAUSTION,
} wasm_rt_trap_t;

/* Leaves guest code. */
WASM_RT_LINKAGE _Noreturn void wasm_rt_trap(wasm_rt_trap_t trap);

static inline bool wasm_rt_is_initialized(void) {
  return true;
}

/* At the start of each generated function, which tune.py sees to. With page
 * protection the end of the stack is a fault; without, it is looked for. */
#ifdef TORPOR_SOFT_BOUNDS
#define WASM_RT_PROLOGUE_AT(memory)                                            \
  if (UNLIKELY((uintptr_t)__builtin_frame_address(0) < (memory)->stack_limit)) \
    wasm_rt_trap(WASM_RT_TRAP_EXHAUSTION);
#else
#define WASM_RT_PROLOGUE_AT(memory)
#endif
#define WASM_RT_PROLOGUE WASM_RT_PROLOGUE_AT(&instance->w2c_memory)

#endif
