/* SPDX-License-Identifier: MIT */
/* extension-load.h - loading the extensions that a run keeps.
 *
 * A run keeps their side modules with the modules of its program, as
 * "extension:1" and so on, in the order of loading (extension.h says why).
 *
 * Any thread. */
#ifndef TORPOR_RUN_EXTENSION_LOAD_H
#define TORPOR_RUN_EXTENSION_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "torpor.h"

enum {
  TORPOR__EXTENSIONS_MAX = 32, /* of one run */
  TORPOR__EXTENSION_NAME = 32, /* bytes, with NUL */
  TORPOR__EXTENSION_ID = 65
};

/* The name under which number 'index', from 0, is kept; how all of them begin;
 * and whether a name is one. */
#define TORPOR__EXTENSION_PREFIX "extension:"
const char *torpor__extension_name(size_t index,
                                   char name[TORPOR__EXTENSION_NAME]);
bool torpor__extension_is(const char *name);

/* What a module goes by: its SHA-256, in hex. False when memory ran out. */
bool torpor__extension_id(torpor_slice module, char id[TORPOR__EXTENSION_ID]);

/* Gives a copy of the module of that name. OK, NOT_FOUND, NOMEM, IO. */
typedef torpor_status torpor__extension_give_fn(void *user, const char *name,
                                                torpor_bytes *module);

/* Loads what 'give' has into 'vm', in which no code ran yet. The error is that
 * of 'vm'. */
torpor_status torpor__extension_load(torpor_vm *vm,
                                     torpor__extension_give_fn *give,
                                     void *user);

#endif
