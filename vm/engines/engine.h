/* SPDX-License-Identifier: MIT */
/* engine.h - an engine as an object: the only way into translated code.
 *
 * engine/bind.c, compiled once per engine together with the C that wasm2c made
 * of it, fills one of these, torpor__engine_builtin. One is linked, others are
 * loaded from lib/torpor/engines/<id>.so, where the same symbol is looked up
 * (torpor__engine_find). Several may live in one process, so nothing here is
 * reached by any other symbol.
 *
 * An engine outlives the Torpor that made it, in two forms:
 *
 *   engine.wasm   for ever. Its border (guest/abi.h) has a version, and later
 *                 ones only add to it: what an older engine lacks is NULL here
 *   its .so       as long as this struct stays as it is. It too may be older:
 *                 'exports' is last and grows at its end, 'size' says how far
 *                 it went then, and the rest counts as NULL. Whatever else
 *                 changes (also in what wasm/layout.h fixes) raises
 *                 TORPOR__ENGINE_TABLE_VERSION, and the .so is made anew of its
 *                 engine.wasm */
#ifndef TORPOR_VM_ENGINE_H
#define TORPOR_VM_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/abi.h"
#include "wasm/layout.h"

#define TORPOR__ENGINE_TABLE_VERSION 4
/* The oldest border that we understand. */
#define TORPOR__ENGINE_ABI_OLDEST 2

#ifdef TORPOR_SOFT_BOUNDS
#define TORPOR__ENGINE_SOFT_BOUNDS 1
#else
#define TORPOR__ENGINE_SOFT_BOUNDS 0
#endif

typedef struct torpor__instance torpor__instance; /* generated, see bind.c */

/* C types for the letters of TORPOR_ABI_EXPORTS. Every function takes the
 * instance first. */
#define TORPOR__C_i uint32_t
#define TORPOR__C_v
#define TORPOR__C_l uint64_t
#define TORPOR__C_ll uint64_t, uint64_t
#define TORPOR__C_ii uint32_t, uint32_t
#define TORPOR__C_il uint32_t, uint64_t
#define TORPOR__C_li uint64_t, uint32_t
#define TORPOR__C_iii uint32_t, uint32_t, uint32_t
#define TORPOR__C_lii uint64_t, uint32_t, uint32_t
#define TORPOR__C_lil uint64_t, uint32_t, uint64_t
#define TORPOR__C_iiii uint32_t, uint32_t, uint32_t, uint32_t
#define TORPOR__C_illl uint32_t, uint64_t, uint64_t, uint64_t
#define TORPOR__C_iild uint32_t, uint32_t, uint64_t, double
#define TORPOR__C_illl uint32_t, uint64_t, uint64_t, uint64_t
#define TORPOR__C_liii uint64_t, uint32_t, uint32_t, uint32_t
#define TORPOR__C_liil uint64_t, uint32_t, uint32_t, uint64_t
#define TORPOR__C_llii uint64_t, uint64_t, uint32_t, uint32_t
#define TORPOR__C_iil uint32_t, uint32_t, uint64_t
#define TORPOR__C_iiiii uint32_t, uint32_t, uint32_t, uint32_t, uint32_t
#define TORPOR__C_iiiiii                                                       \
  uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t

/* One function pointer each, by the name of the export. */
typedef struct torpor__engine_exports {
#define TORPOR__C_FIRST(...) (torpor__instance *, ##__VA_ARGS__)
#define TORPOR__C_PARAMETERS(types) TORPOR__C_FIRST(types)
#define X(result, name, parameters)                                            \
  TORPOR__C_##result(*name) TORPOR__C_PARAMETERS(TORPOR__C_##parameters);
  TORPOR_ABI_EXPORTS(X)
#undef X
} torpor__engine_exports;

/* What an engine calls on its host (module "torpor"). 'host' is what was given
 * to instantiate; the vm library fills one static table of these. */
typedef struct torpor__engine_imports {
  uint32_t (*call)(void *host, uint32_t function, uint64_t self, uint32_t args,
                   uint32_t count);                             /* older */
  uint32_t (*module)(void *host, uint32_t name, uint32_t size); /* older */
  uint32_t (*poll)(void *host);
  double (*clock)(void *host, uint32_t which);
  uint32_t (*zone)(void *host, double ms);
  void (*random)(void *host, uint32_t address, uint32_t size);
  void (*console)(void *host, uint32_t level, uint32_t address, uint32_t size);
  void (*trap)(void *host, uint32_t code, uint32_t address, uint32_t size);
  uint32_t (*source)(void *host, uint32_t name, uint32_t size, uint32_t type,
                     uint32_t importer, uint32_t importer_size);
  uint32_t (*resolve)(void *host, uint32_t name, uint32_t size,
                      uint32_t importer, uint32_t importer_size);
  uint32_t (*invoke)(void *host, uint32_t function, uint32_t values,
                     uint32_t count);
} torpor__engine_imports;

/* A run of non-zero bytes of the baseline. */
typedef struct torpor__engine_segment {
  uint32_t address, size;
  const uint8_t *data;
} torpor__engine_segment;

typedef struct torpor__engine {
  uint32_t table_version; /* TORPOR__ENGINE_TABLE_VERSION */
  uint32_t abi_version;   /* of engine.wasm, not of who translated it */
  uint32_t size;          /* of this struct, where the engine was translated */
  char id[65];            /* hex SHA-256 of engine.wasm */
  uint32_t soft_bounds;   /* 1: bounds are checked in code (wasm-rt.h) */
  char quickjs[32];       /* the version of its QuickJS-NG, "0.17.0" */
  uint32_t control;       /* address of the control block */
  uint32_t pages;         /* initial memory, in wasm pages of 64 KiB */
  uint32_t stack_pointer; /* its initial value */
  size_t instance_size;
  const torpor__engine_segment *segments; /* ascending, disjoint */
  size_t segment_count;

  /* Called once by whoever loads the engine, before all else: gives it the
   * functions that translated code calls. The built-in one has them. */
  void (*use_runtime)(const torpor__wasm_runtime *runtime);

  /* Makes 'instance' (torpor__region_instance) ready: globals, function table,
   * imports; its memory, which is the region's, is left alone. May be done
   * again to reset it. 'imports' and 'host' stay borrowed. false: no memory. */
  bool (*instantiate)(torpor__instance *instance,
                      const torpor__engine_imports *imports, void *host);
  /* Frees what instantiate allocated (the table). */
  void (*release)(torpor__instance *instance);
  /* The mutable globals, as snapshots keep them: now only __stack_pointer. */
  uint32_t (*get_stack_pointer)(const torpor__instance *instance);
  void (*set_stack_pointer)(torpor__instance *instance, uint32_t value);
  uint32_t (*table_size)(const torpor__instance *instance);
  /* What extensions share with it. */
  uint32_t *(*share_stack_pointer)(torpor__instance *instance);
  wasm_rt_funcref_table_t *(*share_table)(torpor__instance *instance);

  torpor__engine_exports exports; /* NULL: it is older than this export */
} torpor__engine;

extern const torpor__engine torpor__engine_builtin;

/* engine.c: the engine with this id: the built-in one, one that was loaded
 * before, or one from the folders of engine-file.c. NULL when there is none;
 * 'why' (may be NULL) then points to a static sentence. Safe from any thread.
 * 'id' NULL: the built-in one. */
const torpor__engine *torpor__engine_find(const char *id, const char **why);

/* engine-file.c: the engine that a file holds, as an object to keep; its code
 * stays loaded. NULL: it cannot be used, as 'why' says. */
torpor__engine *torpor__engine_load(const char *path, const char **why);
/* What a file says of itself, without its pointers' being of use afterwards;
 * all zero where that cannot be known. false: it cannot be used, as 'why' says.
 * Both run code of the file. */
bool torpor__engine_peek(const char *path, torpor__engine *found,
                         const char **why);
/* Whether we understand an engine that says this of itself; if not, 'why' is a
 * static sentence. NULL: its file has none. */
bool torpor__engine_check(const torpor__engine *engine, const char **why);
/* Copies an engine that passed the check, or is of today's table, which may be
 * shorter than ours. */
void torpor__engine_copy(const torpor__engine *engine, torpor__engine *copy);
/* Folder number 'index' of those that may hold engines. false: no more. An
 * empty path stands for one that is not to be had. */
bool torpor__engine_folder(size_t index, char *path, size_t size);
bool torpor__engine_is_id(const char *text, size_t size);

/* engine-check.c: what is impossible in the numbers that 'engine', of today's
 * table, gives of itself; a static sentence, or NULL: nothing. */
const char *torpor__engine_fault(const torpor__engine *engine);

#endif
