/* SPDX-License-Identifier: MIT */
/* module.h - running scripts and modules. Included by torpor.h. */
#ifndef TORPOR_PUBLIC_MODULE_H
#define TORPOR_PUBLIC_MODULE_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum torpor_mode {
  TORPOR_SCRIPT, /* a script; the result is its completion value */
  TORPOR_MODULE, /* an ES module; the result is a promise of its namespace, for
                    which torpor_promise_handle may be wanted */
} torpor_mode;

/* Evaluates 'source': UTF-8 of 'size' bytes, or of any size that ends with a
 * zero byte when 'size' is SIZE_MAX; at most TORPOR_SOURCE_LARGEST. 'file'
 * names it in stack traces, and a module's relative imports are resolved
 * against it.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_eval(torpor_vm *vm, const char *source,
                                     size_t size, const char *file,
                                     torpor_mode mode, torpor_value *out);
#define TORPOR_SOURCE_LARGEST ((size_t)256 << 20)

#ifdef __cplusplus
}
#endif

#endif
