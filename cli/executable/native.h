/* SPDX-License-Identifier: MIT */
/* native.h - native code of extensions that a run brings with it. */
#ifndef TORPOR_CLI_NATIVE_H
#define TORPOR_CLI_NATIVE_H

#include <stdbool.h>
#include <stddef.h>

/* torpor_make_extension_fn: makes it as 'torpor extension build' does, and says
 * what goes wrong. 'user' is not used. */
bool cli_native_make(void *user, const void *module, size_t size);

#endif
