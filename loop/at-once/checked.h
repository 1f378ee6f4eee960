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

/* What to check, flags. */
enum {
  TORPOR__MAY_READ = 1,
  TORPOR__MAY_WRITE = 2,
  TORPOR__ENTRY = 4 /* the entry itself, also if it is a link */
};

/* Checks argument 'index'. TORPOR_OK with 'failure' 0, or a negated errno and
 * nothing in 'out'; what is not allowed is thrown. */
torpor_status torpor__check_argument(torpor_vm *vm, const torpor_world *world,
                                     const torpor_arguments *arguments,
                                     size_t index, unsigned what,
                                     struct torpor__checked *out, int *failure);

/* The same for 'path'. */
torpor_status torpor__check_path(torpor_vm *vm, const torpor_world *world,
                                 const char *path, unsigned what,
                                 struct torpor__checked *out, int *failure);

void torpor__checked_free(struct torpor__checked *checked);

#endif
