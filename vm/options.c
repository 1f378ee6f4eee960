/* SPDX-License-Identifier: MIT */
/* options.c - what callers ask for when they open a VM.
 *
 * A caller may know fewer fields than we do, or more: 'size' says which. Those
 * that it does not know are 0; those that we do not know have to be.
 *
 * Any thread. */
#include "vm/options.h"

#include <string.h>

#include "common/sized.h"
#include "vm/common/error.h"
#include "vm/engines/engine.h"

#define STACK_LEAST 16384u
#define OMIT_LARGEST 4096u
#define SAVE_FLAGS                                                             \
  (TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA | TORPOR_SAVE_WAITING)

uint64_t torpor__options_memory(const torpor_options *options) {
  return options && options->memory_max ? options->memory_max
                                        : TORPOR_MEMORY_DEFAULT;
}

/* Copies the struct 'given', of a caller of any version, to 'own', which has
 * the 'known' bytes that this version knows. 'name' is the type's. */
static torpor_status copy_struct(torpor_vm *vm, const char *name,
                                 const void *given, void *own, size_t known) {
  if (!torpor__sized_is_good(given))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "%s cannot have size %zu: start from its ..._INIT",
                        name, *(const size_t *)given);
  if (!torpor__sized_take(own, known, given))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "%s has size %zu and sets a field that version %s of "
                        "the library does not know: leave it 0, or link a "
                        "newer one",
                        name, *(const size_t *)given, TORPOR_VERSION);
  return TORPOR_OK;
}

static torpor_status check_options(const torpor_options *options) {
  if (options->memory > TORPOR_MEMORY_MAPPED ||
      options->wake & ~(unsigned)(TORPOR_WAKE_CLONE | TORPOR_WAKE_RESEED))
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "torpor_options has an unknown 'memory', or unknown "
                        "flags in 'wake'");
  if (options->colors & ~(unsigned)(TORPOR_COLORS_OUT | TORPOR_COLORS_ERROR))
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "torpor_options has unknown flags in 'colors'");
  if (options->zone_is > TORPOR_ZONE_FIXED || options->zone_minutes < -1440 ||
      options->zone_minutes > 1440)
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "torpor_options has an unknown 'zone_is', or its "
                        "'zone_minutes' are more than a day");
  if (options->stack != 0 && options->stack < STACK_LEAST)
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "'stack' of torpor_options is at least %u, or 0",
                        STACK_LEAST);
  if (options->omit && strlen(options->omit) > OMIT_LARGEST)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "'omit' of torpor_options has at most %u bytes",
                        OMIT_LARGEST);
  if (options->memory_max > TORPOR_MEMORY_LARGEST)
    return torpor__fail(NULL, TORPOR_MISUSE, "memory_max is at most %llu bytes",
                        (unsigned long long)TORPOR_MEMORY_LARGEST);
  return TORPOR_OK;
}

torpor_status torpor__options_take(const torpor_options **options,
                                   torpor_options *own) {
  torpor_status status;
  if (!*options) return TORPOR_OK;
  *own = (torpor_options)TORPOR_OPTIONS_INIT;
  status = copy_struct(NULL, "torpor_options", *options, own, sizeof(*own));
  *options = own;
  return status == TORPOR_OK ? check_options(own) : status;
}

static torpor_status check_save(torpor_vm *vm,
                                const torpor_save_options *options) {
  if (options->flags & ~(unsigned)SAVE_FLAGS ||
      options->packing > TORPOR_PACKED)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "torpor_save_options has an unknown 'packing', or "
                        "unknown flags");
  if (options->level < TORPOR_SAVE_LEVEL_SMALLEST ||
      options->level > TORPOR_SAVE_LEVEL_LARGEST)
    return torpor__fail(vm, TORPOR_MISUSE, "a save's level is %d to %d, not %d",
                        TORPOR_SAVE_LEVEL_SMALLEST, TORPOR_SAVE_LEVEL_LARGEST,
                        options->level);
  return TORPOR_OK;
}

torpor_status torpor__options_take_save(torpor_vm *vm,
                                        const torpor_save_options *options,
                                        torpor_save_options *own) {
  torpor_status status = TORPOR_OK;
  *own = (torpor_save_options)TORPOR_SAVE_OPTIONS_INIT;
  if (options)
    status = copy_struct(vm, "torpor_save_options", options, own, sizeof(*own));
  return status == TORPOR_OK ? check_save(vm, own) : status;
}

torpor_status torpor__options_take_cbor(torpor_vm *vm,
                                        const torpor_cbor_options *options,
                                        torpor_cbor_options *own) {
  torpor_status status = TORPOR_OK;
  *own = (torpor_cbor_options)TORPOR_CBOR_OPTIONS_INIT;
  if (options)
    status = copy_struct(vm, "torpor_cbor_options", options, own, sizeof(*own));
  if (status != TORPOR_OK) return status;
  if (own->not_data > TORPOR_LIVE || own->views > TORPOR_VIEWS_COPY)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "torpor_cbor_options has an unknown 'not_data' or "
                        "'views'");
  return TORPOR_OK;
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
