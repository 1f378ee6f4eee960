/* SPDX-License-Identifier: MIT */
/* quickjs-version.h - what differs between the versions of the engine.
 *
 * The guest compiles with each source that tools/engine-source.txt names. What
 * it has to know of their differences is here and in no other place:
 *
 *   sizes of blocks   cutils.h of 0.16 asks the allocator for them only where
 *                     it sees glibc, and takes them for 0 elsewhere; garbage
 *                     would hardly ever be collected. So it is shown glibc
 *                     while it is read, for no more than that
 *   atomics           CONFIG_ATOMICS is ours to define, and <stdatomic.h> is
 *                     what it needs: in 0.17 by a header that 0.16 lacks
 *   stack limit       0.16 has none on WASI; torpor__stack_start sets the
 *                     field itself, and what sets it anew (JS_UpdateStackTop)
 *                     is never called: this serves both
 *   C interface       0.16 lacks some functions that extensions may call; NULL
 *                     stands for them in the table
 *   builtins          the package of 0.16 lacks those that are compiled;
 *                     engine/fit-builtins.py makes them
 *
 * Includes cutils.h, which must be the engine's first header. */
#ifndef TORPOR_GUEST_QUICKJS_VERSION_H
#define TORPOR_GUEST_QUICKJS_VERSION_H

#include <stdatomic.h>

#include "quickjs.h"

#if QJS_VERSION_MAJOR == 0 && QJS_VERSION_MINOR < 17
#define __GLIBC__
#include "cutils.h"
#undef __GLIBC__
#else
#include "cutils.h"
#endif

#endif
