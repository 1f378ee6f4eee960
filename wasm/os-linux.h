/* SPDX-License-Identifier: MIT */
/* os-linux.h - what os.h has of each system's own: places to jump to. Included
 * by os.h alone, which says what they are. */
#ifndef TORPOR_WASM_OS_LINUX_H
#define TORPOR_WASM_OS_LINUX_H

#include <setjmp.h>

typedef sigjmp_buf torpor__os_place;
#define TORPOR__OS_MARK(place) sigsetjmp((place), 0)

#endif
