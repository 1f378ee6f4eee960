/* SPDX-License-Identifier: MIT */
/* bind.c - makes an engine object of the C that wasm2c generated.
 *
 * The only file that names generated symbols. It includes the generated source,
 * so that functions and data that are static there can be reached, and fills
 * one torpor__engine (vm/engines/engine.h). One object serves both ways: linked
 * into the library it is the built-in engine; linked alone it is an engine to
 * load, whose only visible symbol is torpor__engine_builtin and which needs
 * nothing but the C library.
 *
 * An engine.wasm may be older than this file. What it says of itself (its
 * border's version) is taken from it, and exports that it lacks are NULL.
 *
 *  (1) What translated code calls of the runtime goes through 'runtime'.
 *  (2) Instantiating writes no byte of linear memory: the image is the host's
 *      to put there.
 *
 * Runs on the instance's thread; types are registered once for all. */
#define WASM_RT_LINKAGE static
#include "vm/engines/engine.h"

#include <pthread.h>

/* The struct that the generated code works on is what others see as opaque. */
#define Z_engine_instance_t torpor__instance

/* The generated functions have these types. One that is not generated, since
 * the engine is older, is a weak symbol that nobody defines: NULL. */
#define X(result, name, parameters)                                            \
  __attribute__((weak)) TORPOR__C_##result Z_engineZ_##name                    \
      TORPOR__C_PARAMETERS(TORPOR__C_##parameters);
TORPOR_ABI_EXPORTS(X)
#undef X

#include "engine-id.h"
#include "engine-shape.h"
#include "engine.c"

/* Not there in an engine that is loaded: it is given one by use_runtime. */
extern const torpor__wasm_runtime torpor__wasm_runtime_here
    __attribute__((weak));
static const torpor__wasm_runtime *runtime = &torpor__wasm_runtime_here;

/* What generated code knows as module "torpor". */
struct Z_torpor_instance_t {
  const torpor__engine_imports *imports;
  void *host;
};

/* All that lies at an instance's address. */
struct bound {
  torpor__instance instance;
  struct Z_torpor_instance_t torpor;
};

_Static_assert(offsetof(torpor__instance, w2c_memory) == 0,
               "linear memory is found from the instance");
_Static_assert(sizeof(struct bound) <= TORPOR__INSTANCE_MAX,
               "an instance does not reach into its memory");

/* ---- The runtime, for the generated code ----------------------------------*/

static _Noreturn void wasm_rt_trap(wasm_rt_trap_t trap) {
  runtime->trap(trap);
  __builtin_unreachable();
}

static uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages) {
  return runtime->grow_memory(memory, pages);
}

static uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results,
                                           ...) {
  va_list types;
  va_start(types, results);
  uint32_t number = runtime->register_func_type(params, results, types);
  va_end(types);
  return number;
}

/* The table is reserved before the generated code asks for it. */
static void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table,
                                           uint32_t size, uint32_t max_size) {
  (void)table, (void)size, (void)max_size;
}

static void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table) {
  runtime->free_table(table);
}

/* ---- The host, for the generated code -------------------------------------*/

uint32_t Z_torporZ_invoke(struct Z_torpor_instance_t *torpor, uint32_t function,
                          uint32_t values, uint32_t count) {
  return torpor->imports->invoke(torpor->host, function, values, count);
}

uint32_t Z_torporZ_call(struct Z_torpor_instance_t *torpor, uint32_t function,
                        uint64_t self, uint32_t args, uint32_t count) {
  return torpor->imports->call(torpor->host, function, self, args, count);
}

uint32_t Z_torporZ_module(struct Z_torpor_instance_t *torpor, uint32_t name,
                          uint32_t size) {
  return torpor->imports->module(torpor->host, name, size);
}

uint32_t Z_torporZ_source(struct Z_torpor_instance_t *torpor, uint32_t name,
                          uint32_t size, uint32_t type, uint32_t importer,
                          uint32_t importer_size) {
  return torpor->imports->source(torpor->host, name, size, type, importer,
                                 importer_size);
}

uint32_t Z_torporZ_resolve(struct Z_torpor_instance_t *torpor, uint32_t name,
                           uint32_t size, uint32_t importer,
                           uint32_t importer_size) {
  return torpor->imports->resolve(torpor->host, name, size, importer,
                                  importer_size);
}

uint32_t Z_torporZ_poll(struct Z_torpor_instance_t *torpor) {
  return torpor->imports->poll(torpor->host);
}

double Z_torporZ_clock(struct Z_torpor_instance_t *torpor, uint32_t which) {
  return torpor->imports->clock(torpor->host, which);
}

uint32_t Z_torporZ_zone(struct Z_torpor_instance_t *torpor, double ms) {
  return torpor->imports->zone(torpor->host, ms);
}

void Z_torporZ_random(struct Z_torpor_instance_t *torpor, uint32_t address,
                      uint32_t size) {
  torpor->imports->random(torpor->host, address, size);
}

void Z_torporZ_console(struct Z_torpor_instance_t *torpor, uint32_t level,
                       uint32_t address, uint32_t size) {
  torpor->imports->console(torpor->host, level, address, size);
}

void Z_torporZ_trap(struct Z_torpor_instance_t *torpor, uint32_t code,
                    uint32_t address, uint32_t size) {
  torpor->imports->trap(torpor->host, code, address, size);
}

/* ---- Instances ------------------------------------------------------------*/

static bool types_known;

static void register_types(void) {
  size_t count = sizeof func_types / sizeof *func_types;
  init_func_types();
  types_known = true;
  for (size_t i = 0; i < count; i++)
    if (func_types[i] == 0) types_known = false; /* no memory */
}

static bool instantiate(torpor__instance *instance,
                        const torpor__engine_imports *imports, void *host) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  struct bound *bound = (struct bound *)instance;
  pthread_once(&once, register_types);
  if (!types_known ||
      !runtime->reserve_table(&instance->ENGINE_TABLE, ENGINE_TABLE_SIZE,
                              ENGINE_TABLE_MAX))
    return false;
  bound->torpor.imports = imports;
  bound->torpor.host = host;
  init_instance_import(instance, &bound->torpor);
  init_globals(instance);
  init_tables(instance);
  return true;
}

static void release(torpor__instance *instance) {
  runtime->free_table(&instance->ENGINE_TABLE);
}

static void use_runtime(const torpor__wasm_runtime *given) {
  runtime = given;
}

static uint32_t get_stack_pointer(const torpor__instance *instance) {
  return instance->w2c___stack_pointer;
}

static void set_stack_pointer(torpor__instance *instance, uint32_t value) {
  instance->w2c___stack_pointer = value;
}

static uint32_t table_size(const torpor__instance *instance) {
  return instance->ENGINE_TABLE.size;
}

static uint32_t *share_stack_pointer(torpor__instance *instance) {
  return &instance->w2c___stack_pointer;
}

static wasm_rt_funcref_table_t *share_table(torpor__instance *instance) {
  return &instance->ENGINE_TABLE;
}

/* ---- The object -----------------------------------------------------------*/

#define X(address, size, data) {address, size, data},
static const torpor__engine_segment segments[] = {ENGINE_SEGMENTS(X)};
#undef X

#define X(result, name, parameters) .name = Z_engineZ_##name,
__attribute__((visibility("default")))
const torpor__engine torpor__engine_builtin = {
    .table_version = TORPOR__ENGINE_TABLE_VERSION,
    .abi_version = ENGINE_ABI,
    .size = sizeof(torpor__engine),
    .id = TORPOR_ENGINE_ID,
    .soft_bounds = TORPOR__ENGINE_SOFT_BOUNDS,
    .quickjs = ENGINE_QUICKJS,
    .control = ENGINE_INITIAL_w2c_torpor_control,
    .pages = ENGINE_PAGES,
    .stack_pointer = ENGINE_INITIAL_w2c___stack_pointer,
    .instance_size = sizeof(struct bound),
    .segments = segments,
    .segment_count = sizeof segments / sizeof *segments,
    .use_runtime = use_runtime,
    .instantiate = instantiate,
    .release = release,
    .get_stack_pointer = get_stack_pointer,
    .set_stack_pointer = set_stack_pointer,
    .table_size = table_size,
    .share_stack_pointer = share_stack_pointer,
    .share_table = share_table,
    .exports = {TORPOR_ABI_EXPORTS(X)},
};
#undef X
