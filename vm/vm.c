/* SPDX-License-Identifier: MIT */
/* vm.c - opening and closing VMs, and what every call into one begins and ends
 * with.
 *
 * A VM comes clean from the pool and goes back to it (pool.c). Public calls may
 * nest, through host functions; what concerns the program as a whole happens at
 * the outermost one: the deadline is armed when it begins, and a VM that was
 * closed below it goes when it ends.
 *
 * A restored VM sleeps until something enters it, so that until then it equals
 * its snapshot. */
#include "vm/vm.h"

#include <assert.h>
#include <string.h>

#include "vm/alloc.h"
#include "vm/binding.h"
#include "vm/check.h"
#include "vm/engine.h"
#include "vm/error.h"
#include "vm/image.h"
#include "vm/invoke.h"
#include "vm/limit.h"
#include "vm/memory.h"
#include "vm/open.h"
#include "vm/operation.h"
#include "vm/pool.h"
#include "vm/remember.h"
#include "vm/still.h"
#include "vm/value.h"

/* Larger images are mapped, also those that only one VM ever starts from; and
 * more copies than this are not in use. */
#define COPIED_LARGEST (UINT32_C(64) << 20)
#define COPIED_ONCE_LARGEST (UINT32_C(4) << 20)
#define COPIES_MOST 128
/* Larger than the options of any version to come. */
#define OPTIONS_LARGEST 4096

/* ---- Calls ----------------------------------------------------------------*/

torpor_status torpor__check_open(torpor_vm *vm) {
  TORPOR__REQUIRE(vm, vm);
  if (!vm->broken) return TORPOR_OK;
  return vm->closed ? TORPOR_MISUSE : TORPOR_BROKEN; /* the sentence is there */
}

static torpor_status check_usable(torpor_vm *vm) {
  torpor_status status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  if (vm->in_callback)
    return torpor__fail(vm, TORPOR_BUSY,
                        "callbacks of torpor_host and finalizers may not enter "
                        "the VM");
  if (vm->closing)
    return torpor__fail(vm, TORPOR_BUSY, "the VM is being closed");
  return TORPOR_OK;
}

bool torpor__is_published(const torpor_vm *vm) {
  return vm->calls == 0 && !vm->asleep && !vm->broken && !vm->in_callback &&
         !vm->closing;
}

torpor_status torpor__check_idle(torpor_vm *vm, const char *what) {
  torpor_status status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  if (vm->calls == 0 && !vm->in_callback && !vm->closing) return TORPOR_OK;
  return torpor__fail(vm, TORPOR_BUSY,
                      "%s while guest code is on the stack; return from the "
                      "host function first",
                      what);
}

torpor_status torpor__begin(torpor_vm *vm) {
  torpor_status status = check_usable(vm);
  if (status != TORPOR_OK) return status;
  if (vm->calls++ == 0) torpor__limit_arm(vm);
  if (!vm->asleep) return TORPOR_OK;
  status = TORPOR__INVOKE(vm, wake, vm->wake);
  if (status != TORPOR_OK) return torpor__end(vm, status);
  vm->asleep = false;
  return TORPOR_OK;
}

torpor_status torpor__begin_outside(torpor_vm *vm) {
  torpor_status status = check_usable(vm);
  if (status == TORPOR_OK) vm->calls++;
  return status;
}

torpor_status torpor__begin_running(torpor_vm *vm) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  if (vm->calls > 1 || !torpor__limit_requested(vm)) return TORPOR_OK;
  return torpor__end(vm, torpor__limit_interrupted(vm));
}

torpor_status torpor__begin_on(torpor_vm *vm, torpor_value value) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, value);
  return status == TORPOR_OK ? status : torpor__end(vm, status);
}

torpor_status torpor__begin_running_on(torpor_vm *vm, torpor_value value) {
  torpor_status status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__check_value(vm, value);
  return status == TORPOR_OK ? status : torpor__end(vm, status);
}

torpor_status torpor__end(torpor_vm *vm, torpor_status status) {
  assert(vm->calls > 0);
  if (--vm->calls > 0) return status;
  torpor__vm_check(vm);
  vm->deadline_ns = 0;
  if (vm->retired) torpor__binding_sweep(vm, false);
  if (vm->closing) torpor__vm_give(vm);
  return status;
}

/* ---- Options --------------------------------------------------------------*/

uint64_t torpor__options_memory(const torpor_options *options) {
  return options && options->memory_max ? options->memory_max
                                        : TORPOR_MEMORY_DEFAULT;
}

/* What is behind the fields that we know: a newer program may have set it. */
static bool tail_is_zero(const torpor_options *options) {
  const uint8_t *bytes = (const uint8_t *)options;
  for (size_t i = sizeof(*options); i < options->size; i++)
    if (bytes[i] != 0) return false;
  return true;
}

static torpor_status copy_options(const torpor_options *options,
                                  torpor_options *own) {
  size_t size = options->size;
  *own = (torpor_options)TORPOR_OPTIONS_INIT;
  if (size < sizeof(size) || size > OPTIONS_LARGEST)
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "torpor_options has size %zu, which none has: start "
                        "from TORPOR_OPTIONS_INIT",
                        size);
  if (!tail_is_zero(options))
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "torpor_options has size %zu and sets a field that "
                        "version %s of the library does not know: leave it 0, "
                        "or link a newer one",
                        size, TORPOR_VERSION);
  memcpy(own, options, size < sizeof(*own) ? size : sizeof(*own));
  own->size = sizeof(*own);
  return TORPOR_OK;
}

static torpor_status check_options(const torpor_options *options) {
  if (options->memory > TORPOR_MEMORY_MAPPED ||
      options->wake & ~(unsigned)(TORPOR_WAKE_CLONE | TORPOR_WAKE_RESEED))
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "torpor_options has a kind of memory or flags of wake "
                        "that do not exist");
  if (options->memory_max > TORPOR_MEMORY_LARGEST)
    return torpor__fail(NULL, TORPOR_MISUSE, "memory_max is at most %llu bytes",
                        (unsigned long long)TORPOR_MEMORY_LARGEST);
  return TORPOR_OK;
}

torpor_status torpor__options_take(const torpor_options **options,
                                   torpor_options *own) {
  torpor_status status;
  if (!*options) return TORPOR_OK;
  status = copy_options(*options, own);
  *options = own;
  return status == TORPOR_OK ? check_options(own) : status;
}

torpor_status torpor__options_engine(const torpor_options *options,
                                     const char *id,
                                     const torpor__engine **out) {
  const char *why = "there is no such engine";
  if (options && options->engine) id = options->engine;
  *out = torpor__engine_find(id, &why);
  if (*out) return TORPOR_OK;
  return torpor__fail(NULL, TORPOR_ENGINE, "engine %.64s: %s", id, why);
}

/* ---- Open and close -------------------------------------------------------*/

static torpor_status fail_memory(void) {
  return torpor__fail(NULL, TORPOR_NOMEM,
                      "the system has no memory or address space for a VM");
}

static void set_up(torpor_vm *vm, const torpor_options *options) {
  static _Atomic uint64_t owners;
  vm->owner = atomic_fetch_add_explicit(&owners, 1, memory_order_relaxed) + 1;
  vm->error = vm->error_short;
  vm->exception = torpor_undefined();
  vm->memory_max = torpor__options_memory(options);
  vm->control->host.memory_max = (uint32_t)vm->memory_max;
  if (!options) return;
  vm->host = options->host;
  vm->wake = options->wake;
  torpor_vm_set_fuel(vm, options->fuel);
  torpor_vm_set_deadline(vm, options->deadline_ms);
}

/* Whether a VM of 'image' is to be mapped. A copy is the faster as long as it
 * can be recycled; many at once take too much memory, and what is noted of a
 * very large one takes too long to look through. */
static bool is_mapped(const torpor__image *image,
                      const torpor_options *options) {
  torpor_memory memory = options ? options->memory : TORPOR_MEMORY_AUTO;
  uint32_t most = image->retired ? COPIED_ONCE_LARGEST : COPIED_LARGEST;
  if (memory == TORPOR_MEMORY_POOLED || image->file < 0) return false;
  return memory == TORPOR_MEMORY_MAPPED || image->size > most ||
         torpor__pool_live() >= COPIES_MOST;
}

torpor_status torpor__vm_take(torpor__image *image,
                              const torpor_options *options, torpor_vm **out) {
  uint64_t memory = torpor__options_memory(options);
  uint32_t pages = (uint32_t)(memory / TORPOR__WASM_PAGE);
  torpor_vm *vm;
  *out = NULL;
  if (pages < image->pages)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "memory_max is %llu bytes; this VM needs at least "
                        "%llu",
                        (unsigned long long)memory,
                        (unsigned long long)image->pages * TORPOR__WASM_PAGE);
  vm = torpor__pool_take(image, pages, is_mapped(image, options));
  if (!vm) return fail_memory();
  set_up(vm, options);
  *out = vm;
  return TORPOR_OK;
}

torpor_status torpor__engine_baseline(const torpor__engine *engine,
                                      torpor__image **out) {
  *out = torpor__image_find(engine);
  return *out ? TORPOR_OK : fail_memory();
}

void torpor__vm_give(torpor_vm *vm) {
  vm->closing = true; /* what finalizers ask is refused */
  torpor__binding_sweep(vm, true);
  torpor__alloc_free(vm->scopes);
  torpor__operation_forget(vm);
  torpor__remember_forget(vm);
  torpor__still_forget(vm);
  torpor__error_reset(vm);
  torpor__pool_give(vm);
}

/* The first entry: seeds Math.random, sets the time origin. */
static torpor_status start_program(torpor_vm *vm) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, open, 0);
  return torpor__end(vm, status);
}

torpor_status torpor_vm_open(const torpor_options *options, torpor_vm **out) {
  const torpor__engine *engine;
  torpor__image *image;
  torpor_options own;
  torpor_status status;
  TORPOR__REQUIRE(NULL, out);
  *out = NULL;
  status = torpor__options_take(&options, &own);
  if (status == TORPOR_OK)
    status = torpor__options_engine(options, NULL, &engine);
  if (status == TORPOR_OK) status = torpor__engine_baseline(engine, &image);
  if (status == TORPOR_OK) status = torpor__vm_take(image, options, out);
  if (status != TORPOR_OK) return status;
  status = start_program(*out);
  if (status == TORPOR_OK) return TORPOR_OK;
  torpor__fail(NULL, status, "%s", torpor_last_error(*out));
  torpor__vm_give(*out);
  *out = NULL;
  return status;
}

void torpor_vm_close(torpor_vm *vm) {
  if (!vm || vm->closed || vm->closing) return;
  if (vm->calls > 0 || vm->in_callback)
    vm->closing = true;
  else
    torpor__vm_give(vm);
}

/* ---- Facts about a VM -----------------------------------------------------*/

const char *torpor_vm_engine(const torpor_vm *vm) {
  return vm && !vm->closed ? vm->engine->id : "";
}

const char *torpor_engine_id(void) {
  return torpor__engine_builtin.id;
}

void torpor_vm_set_user(torpor_vm *vm, void *user) {
  if (vm && !vm->closed) vm->user = user;
}

void *torpor_vm_user(const torpor_vm *vm) {
  return vm ? vm->user : NULL;
}

torpor_status torpor_vm_usage(torpor_vm *vm, torpor_usage *out) {
  const torpor_abi_control *control;
  uint64_t heap = 0;
  torpor_status status = torpor__check_open(vm);
  TORPOR__REQUIRE(vm, out);
  *out = (torpor_usage){0};
  if (status != TORPOR_OK) return status;
  control = vm->control;
  if (control->heap_break > control->heap_base)
    heap = control->heap_break - control->heap_base;
  out->memory = torpor__memory_size(vm);
  out->heap_used = control->heap_used < heap ? control->heap_used : heap;
  out->heap_free = heap - out->heap_used;
  out->handles = control->handles;
  out->operations = torpor_operation_count(vm);
  return TORPOR_OK;
}

torpor_status torpor_state_export(torpor_vm *vm, torpor_value *out) {
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = torpor_undefined();
  status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, export_state, 0);
  if (status == TORPOR_OK) *out = torpor__value_of(vm, vm->result[0]);
  if (status == TORPOR_THROWN) *out = vm->exception;
  return torpor__end(vm, status);
}

torpor_status torpor_vm_collect(torpor_vm *vm) {
  torpor_status status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = TORPOR__INVOKE(vm, collect, 0);
  if (status == TORPOR_OK && vm->calls == 1) torpor__memory_trim(vm);
  return torpor__end(vm, status);
}
