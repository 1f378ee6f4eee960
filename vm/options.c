/* SPDX-License-Identifier: MIT */
/* options.c - what callers ask for when they open a VM.
 *
 * A caller may know fewer fields than we do, or more: 'size' says which. Those
 * that it does not know are 0; those that we do not know have to be.
 *
 * Any thread. */
#include "vm/options.h"

#include <string.h>

#include "vm/bytes.h"
#include "vm/engine.h"
#include "vm/error.h"

/* Larger than the options of any version to come. */
#define OPTIONS_LARGEST 4096

uint64_t torpor__options_memory(const torpor_options *options) {
  return options && options->memory_max ? options->memory_max
                                        : TORPOR_MEMORY_DEFAULT;
}

/* What is behind the fields that we know: a newer program may have set it. */
static bool tail_is_zero(const torpor_options *options) {
  return options->size <= sizeof(*options) ||
         torpor__bytes_are_zero(options + 1, options->size - sizeof(*options));
}

static torpor_status copy_options(const torpor_options *options,
                                  torpor_options *own) {
  size_t size = options->size;
  *own = (torpor_options)TORPOR_OPTIONS_INIT;
  if (size < sizeof(size) || size > OPTIONS_LARGEST)
    return torpor__fail(NULL, TORPOR_MISUSE,
                        "torpor_options cannot have size %zu: start from "
                        "TORPOR_OPTIONS_INIT",
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
                        "torpor_options has an unknown 'memory', or unknown "
                        "flags in 'wake'");
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
