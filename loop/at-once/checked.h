/* SPDX-License-Identifier: MIT */
/* checked.h - paths that functions of the library are given, checked. */
#ifndef TORPOR_LOOP_CHECKED_H
#define TORPOR_LOOP_CHECKED_H

#include "loop/at-once/bind.h"

/* A path that may be used: resolved, with the folder that it lies in. */
struct torpor__checked {
  char *path;
  int folder;       /* open to look names up in; -1: it cannot be opened */
  const char *name; /* in it */
};

/* Checks that argument 'index' may be what 'want' says, of TORPOR__MAY_READ and
 * the like (loop.h). TORPOR_OK with 'failure' 0, or a negated errno and
 * nothing in 'out'; what is not allowed is thrown. */
torpor_status torpor__check_argument(torpor_vm *vm, const torpor_world *world,
                                     const torpor_arguments *arguments,
                                     size_t index, unsigned want,
                                     struct torpor__checked *out, int *failure);

/* The same for 'path'. */
torpor_status torpor__check_path(torpor_vm *vm, const torpor_world *world,
                                 const char *path, unsigned want,
                                 struct torpor__checked *out, int *failure);

void torpor__checked_free(struct torpor__checked *checked);

#endif
