/* SPDX-License-Identifier: MIT */
/* extension.h - an extension as an object: a side module, translated.
 *
 * engine/bind-extension.c, compiled once per extension together with the C that
 * wasm2c made of it, fills one of these. Those that ship are linked, others are
 * loaded from a shared object whose only symbol is torpor__extension_here.
 *
 * An extension reaches an engine through a table of functions, never by symbol,
 * since several engines live in one process. What it is bound to, once for each
 * VM, is an instance of its own, on the host's heap: the guest's memory has
 * nothing of it but what the module itself put there. */
#ifndef TORPOR_VM_EXTENSION_H
#define TORPOR_VM_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wasm/layout.h"

/* Raised when this struct changes: a .so of another one is made anew. */
#define TORPOR__EXTENSION_TABLE_VERSION 2
#define TORPOR__EXTENSION_NAME_SIZE 64

/* A signature has a letter for each parameter, ':', and one for the result: i =
 * i32, l = i64, f = f32, d = f64. */
typedef struct torpor__extension_import {
  const char *name, *type;
} torpor__extension_import;

typedef struct torpor__extension_export {
  const char *name, *type;
  wasm_rt_function_ptr_t function; /* its first argument is the instance */
} torpor__extension_export;

/* What an instance is bound to. */
typedef struct torpor__extension_env {
  void *engine; /* the engine's instance, their functions' first argument */
  wasm_rt_memory_t *memory;
  wasm_rt_funcref_table_t *table;
  uint32_t *stack_pointer;
  uint32_t memory_base, table_base; /* where its data and its functions lie */
  uint32_t poll_counter;            /* address */
  const wasm_rt_function_ptr_t *functions; /* one for each import */
  const uint32_t *pointers; /* indexes in the table, one for each of those */
} torpor__extension_env;

typedef struct torpor__extension {
  uint32_t table_version;                 /* TORPOR__EXTENSION_TABLE_VERSION */
  uint32_t size;                          /* of this struct */
  char id[65];                            /* hex SHA-256 of the side module */
  char name[TORPOR__EXTENSION_NAME_SIZE]; /* empty: it does not say */
  char version[TORPOR__EXTENSION_NAME_SIZE];
  uint32_t interface; /* the version of extension-functions.h it wants */
  uint32_t soft_bounds, instrumented;
  uint32_t memory_size, memory_align; /* alignments are powers of two */
  uint32_t table_size, table_align;
  const uint8_t *data; /* goes to its memory's start */
  uint32_t data_size;
  const torpor__extension_import *imports;
  size_t import_count;
  const char *const *pointers; /* functions whose indexes it wants */
  size_t pointer_count;
  const torpor__extension_export *exports;
  size_t export_count;
  size_t instance_size;

  /* Called once, before all else, as an engine's. */
  void (*use_runtime)(const torpor__wasm_runtime *runtime);
  /* Makes 'instance', which is zero, an instance that is bound to 'env', whose
   * arrays stay borrowed, and puts its functions into the table. Writes nothing
   * to memory. false: no memory. */
  bool (*bind)(void *instance, const torpor__extension_env *env);
} torpor__extension;

/* Those that ship; NULL ends the list. extensions/CMakeLists.txt makes it. */
extern const torpor__extension *const torpor__extensions_shipped[];

#endif
