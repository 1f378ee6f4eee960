/* SPDX-License-Identifier: MIT */
/* engine.c - everything inside the sandbox, as one translation unit.
 *
 * The JavaScript engine is included, with the patches of engine/patches,
 * between our allocator and C library below it and the guest's files above it.
 * What is defined around it chooses among what its source offers:
 *
 *   CONFIG_ATOMICS        Atomics and SharedArrayBuffer, by way of shim.h
 *   EMSCRIPTEN            a plain switch instead of computed goto, which is
 *                         the faster one once it is translated to C
 *   __SANITIZE_ADDRESS__  no arenas in sources without our patches: each block
 *                         comes from alloc.c, so that what is freed is cleared
 *   __builtin_frame_address   the stack check, see stack.h
 *   JS_BLOCKS_FILE        what it allocates with, see blocks.c
 *
 * At the end: how a VM's life begins, at the bake and at opening; wake.c has
 * how it goes on after a sleep.
 */
#include "guest.h"

torpor_abi_control torpor_control;

#include "reserve.c"
#include "pages.c"
#include "alloc.c"
#include "placement.c"
#include "bytes.c"
#include "libc.c"
#include "print.c"

#include "quickjs-version.h"
#include "shim.h"

#include "stack.h"

static void torpor__interrupted_note(void); /* error.c */
#define JS_INTERRUPTED() torpor__interrupted_note()

#define CONFIG_ATOMICS
#define EMSCRIPTEN
#define __SANITIZE_ADDRESS__
#define __builtin_frame_address(level) torpor__stack_address()
#define JS_BLOCKS_FILE "blocks.c"
#include "quickjs.c"
#undef JS_BLOCKS_FILE
#undef __builtin_frame_address
#undef __SANITIZE_ADDRESS__
#undef EMSCRIPTEN

/* The check of the regular expressions' compiler, whose frames need more. */
static inline __attribute__((always_inline)) bool
regexp_stack_check(void *ctx, size_t size) {
  char pad[STACK_PAD_REGEXP];
  __asm__ volatile("" : : "r"(pad));
  return js_check_stack_overflow(((JSContext *)ctx)->rt, size);
}

#define lre_check_stack_overflow regexp_stack_check
#include "libregexp.c"
#undef lre_check_stack_overflow

#include "dtoa.c"
#include "libunicode.c"

/* ---- The guest -----------------------------------------------------------*/

static JSRuntime *torpor__rt;
static JSContext *torpor__ctx;

static uint32_t torpor__rejection_count(void);
static uint32_t torpor__cancelled_count(void);
static uint32_t torpor__collected_count(void);
static void torpor__wake_note(void);
static void torpor__settings_enter(void);
static torpor_status torpor__wake_first(void);
static bool torpor__border(JSValue value, uint64_t *out);
static torpor_status torpor__give_all(const JSValue *values, uint32_t count,
                                      uint64_t *out);
static JSJobFunc torpor__import_job;

/* Runs file 'name' of the library that the host keeps, unless it ran: 1. 0: the
 * host has no such file. -1: thrown. */
static int torpor__library_load(const char *name);

#include "stack.c"
#include "entry.c"
#include "value.c"
#include "string.c"
#include "object.c"
#include "reflect.c"
#include "error.c"
#include "call.c"
#include "brand.c"
#include "buffer.c"
#include "collection.c"
#include "make.c"
#include "describe.c"
#include "look.c"
#include "name.c"
#include "instance.c"
#include "function.c"
#include "class.c"
#include "settings.c"
#include "job.c"
#include "cbor-write.c"
#include "cbor-write-class.c"
#include "cbor-read.c"
#include "cbor-read-tags.c"
#include "json.c"
#include "operation.c"
#include "timer.c"
#include "module-error.c"
#include "module-name.c"
#include "module-object.c"
#include "module-link.c"
#include "module-load.c"
#include "module.c"
#include "bytecode.c"
#include "wake.c"
#include "state.c"
#include "pointers.c"
#include "report.c"
#include "waiting.c"
#include "edges.c"
#include "holders.c"
#include "census.c"
#include "inspect.c"
#include "failing.c"
#include "library.c"
#include "extension.c"
#include "trim.c"

/* ---- Life ----------------------------------------------------------------*/

static JSProperty *time_origin; /* performance.timeOrigin, wall clock */

static JSProperty *time_origin_find(void) {
  JSContext *ctx = torpor__ctx;
  JSProperty *property = NULL;
  JSValue performance = JS_GetPropertyStr(ctx, ctx->global_obj, "performance");
  JSAtom name = JS_NewAtom(ctx, "timeOrigin");
  if (JS_IsObject(performance))
    find_own_property(&property, JS_VALUE_GET_OBJ(performance), name);
  JS_FreeAtom(ctx, name);
  JS_FreeValue(ctx, performance);
  return property;
}

static const JSMallocFunctions placed_functions = {
    .js_calloc = placed_calloc,
    .js_malloc = placed_malloc,
    .js_free = placed_free,
    .js_realloc = placed_realloc,
    .js_malloc_usable_size = js__malloc_usable_size,
};

/* Memory of shared buffers, which have one owner here: the VM's only agent.
 * Without these functions the engine makes none that grow. */
static void *shared_allocate(void *opaque, size_t size) {
  (void)opaque;
  return js_malloc(torpor__ctx, size); /* throws */
}

static void shared_free(void *opaque, void *block) {
  (void)opaque;
  js_free_rt(torpor__rt, block);
}

static const JSSharedArrayBufferFunctions shared_functions = {
    .sab_alloc = shared_allocate,
    .sab_free = shared_free,
};

static bool runtime_start(void) {
  torpor__rt = JS_NewRuntime2(&placed_functions, NULL);
  if (torpor__rt == NULL) return false;
  JS_SetInterruptHandler(torpor__rt, torpor__interrupt_check, NULL);
  JS_SetHostPromiseRejectionTracker(torpor__rt, torpor__rejection_track, NULL);
  JS_SetSharedArrayBufferFunctions(torpor__rt, &shared_functions);
  torpor__ctx = JS_NewContext(torpor__rt);
  if (torpor__ctx == NULL) return false;
  torpor__stack_start(torpor__ctx);
  return torpor__functions_start() && torpor__instances_start();
}

EXPORT(torpor_bake)
torpor_status export_bake(uint32_t *log, const uint8_t *heat, uint32_t count) {
  placement_start(log, heat, count);
  torpor_control.version = TORPOR_ABI_VERSION;
  torpor_control.stack_size = (uint32_t)(uintptr_t)&__stack_high;
  if (!runtime_start()) return TORPOR_NOMEM;
  torpor__enter();
  time_origin = time_origin_find();
  if (!torpor__modules_start() || !torpor__library_start() ||
      time_origin == NULL)
    return torpor__leave(torpor__thrown());
  JS_RunGC(torpor__rt);
  torpor__trim();
  torpor__rt->mf = def_malloc_funcs;
  placement_stop();
  return torpor__leave(TORPOR_OK);
}

/* Math.random as an engine that starts at this moment would have it: its
 * first draw becomes the hash seed, which here stays as baked. */
static void random_seed(JSContext *ctx) {
  ctx->random_state = (uint64_t)js__gettimeofday_us();
  if (ctx->random_state == 0) ctx->random_state = 1;
  xorshift64star(&ctx->random_state);
}

EXPORT(torpor_open)
torpor_status export_open(void) {
  torpor__clock_open();
  torpor__ctx->time_origin = js__now_ms();
  time_origin->u.value =
      js_float64(torpor__time_sane(torpor__host_clock(TORPOR_CLOCK_WALL)));
  random_seed(torpor__ctx);
  return TORPOR_OK;
}

EXPORT(torpor_collect)
torpor_status export_collect(void) {
  JS_RunGC(torpor__rt);
  torpor__publish();
  return TORPOR_OK;
}
