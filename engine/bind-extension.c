/* SPDX-License-Identifier: MIT */
/* bind-extension.c - makes an extension object of the C that wasm2c generated.
 *
 * As bind.c does for an engine. TORPOR__EXTENSION_SYMBOL is the object's name;
 * without it, that of an extension to load. Where it is linked decides who sees
 * it: in a library of Torpor nobody does. TORPOR__EXTENSION_NATIVE, for those
 * that ship, is a file of functions that take the place of translated ones.
 *
 *  (1) Binding writes no byte of linear memory: what a VM that wakes has there
 *      is right already.
 *
 * Runs on the instance's thread; types are registered once for all. */
#define WASM_RT_LINKAGE static
#include "vm/extensions/extension.h"

#include <pthread.h>

#ifndef TORPOR__EXTENSION_SYMBOL
#define TORPOR__EXTENSION_SYMBOL torpor__extension_here
#endif

#include "extension.h"

/* What generated code knows as modules "env" and "GOT.func". */
struct Z_env_instance_t {
  void *engine;
  wasm_rt_memory_t *memory;
  wasm_rt_funcref_table_t *table;
  uint32_t *stack_pointer;
  uint32_t memory_base, table_base, poll_counter;
  const wasm_rt_function_ptr_t *functions;
  const uint32_t *pointers;
};

static inline wasm_rt_memory_t *Z_envZ_memory(struct Z_env_instance_t *env) {
  return env->memory;
}

static inline wasm_rt_funcref_table_t *
Z_envZ___indirect_function_table(struct Z_env_instance_t *env) {
  return env->table;
}

static inline u32 *Z_envZ___stack_pointer(struct Z_env_instance_t *env) {
  return env->stack_pointer;
}

#include "extension-imports.h"

#include "extension.c"

#ifdef TORPOR__EXTENSION_NATIVE
#include "extension-native.h"

#include TORPOR__EXTENSION_NATIVE
#endif

#include "extension-id.h"
#include "extension-shape.h"

/* Not there in an extension that is loaded: it is given one by use_runtime. */
extern const torpor__wasm_runtime torpor__wasm_runtime_here
    __attribute__((weak));
static const torpor__wasm_runtime *runtime = &torpor__wasm_runtime_here;

/* All that lies at an instance's address. */
struct bound {
  Z_extension_instance_t instance;
  struct Z_env_instance_t env;
};

/* ---- The runtime, for the generated code ----------------------------------*/

static _Noreturn void wasm_rt_trap(wasm_rt_trap_t trap) {
  runtime->trap(trap);
  __builtin_unreachable();
}

static uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results,
                                           ...) {
  va_list types;
  va_start(types, results);
  uint32_t number = runtime->register_func_type(params, results, types);
  va_end(types);
  return number;
}

/* ---- Instances ------------------------------------------------------------*/

static bool types_known;

static void prepare_once(void) {
  size_t count = sizeof func_types / sizeof *func_types;
#ifdef TORPOR__EXTENSION_NATIVE
  native_decide();
#endif
  init_func_types();
  types_known = true;
  for (size_t i = 0; i < count; i++)
    if (func_types[i] == 0) types_known = false; /* no memory */
}

static bool bind(void *instance, const torpor__extension_env *env) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  struct bound *bound = instance;
  pthread_once(&once, prepare_once);
  if (!types_known) return false;
  bound->env = (struct Z_env_instance_t){
      env->engine,        env->memory,      env->table,
      env->stack_pointer, env->memory_base, env->table_base,
      env->poll_counter,  env->functions,   env->pointers};
  EXTENSION_IMPORT(&bound->instance, &bound->env);
  EXTENSION_PREPARE(&bound->instance);
  return true;
}

static void use_runtime(const torpor__wasm_runtime *given) {
  runtime = given;
}

/* ---- The object -----------------------------------------------------------*/

/* The first entry stands for nothing, since there may be none. */
#define X(name, type) {name, type},
static const torpor__extension_import imports[] = {{NULL, NULL},
                                                   EXTENSION_FUNCTIONS(X)};
#undef X

#define X(name) name,
static const char *const pointers[] = {NULL, EXTENSION_POINTERS(X)};
#undef X

#define X(name, type, function) {name, type, (wasm_rt_function_ptr_t)function},
static const torpor__extension_export exports[] = {{NULL, NULL, NULL},
                                                   EXTENSION_EXPORTS(X)};
#undef X

#define COUNT(list) (sizeof list / sizeof *list - 1)

__attribute__((visibility("default")))
const torpor__extension TORPOR__EXTENSION_SYMBOL = {
    .table_version = TORPOR__EXTENSION_TABLE_VERSION,
    .size = sizeof(torpor__extension),
    .id = TORPOR_EXTENSION_ID,
    .name = EXTENSION_NAME,
    .version = EXTENSION_VERSION,
    .interface = EXTENSION_INTERFACE,
#ifdef TORPOR_SOFT_BOUNDS
    .soft_bounds = 1,
#endif
    .instrumented = EXTENSION_INSTRUMENTED,
    .memory_size = EXTENSION_MEMORY_SIZE,
    .memory_align = EXTENSION_MEMORY_ALIGN,
    .table_size = EXTENSION_TABLE_SIZE,
    .table_align = EXTENSION_TABLE_ALIGN,
#ifdef EXTENSION_DATA
    .data = EXTENSION_DATA,
    .data_size = EXTENSION_DATA_SIZE,
#endif
    .imports = imports + 1,
    .import_count = COUNT(imports),
    .pointers = pointers + 1,
    .pointer_count = COUNT(pointers),
    .exports = exports + 1,
    .export_count = COUNT(exports),
    .instance_size = sizeof(struct bound),
    .use_runtime = use_runtime,
    .bind = bind,
};
