/* SPDX-License-Identifier: MIT */
/* helper.h - what all files of the helper module share.
 *
 * The helper does for JavaScript hosts what loops in JavaScript are slow at:
 * comparing memory, checksums, SHA-256. It is a wasm module of its own with a
 * memory of its own, into which the host copies what is to be looked at, since
 * the engine has no SIMD and one module has one memory. It imports nothing,
 * allocates nothing, and its memory from __heap_base on is the host's to lay
 * out.
 *
 * What it is given is the host's own; no address comes from a guest. */
#ifndef TORPOR_HELPER_H
#define TORPOR_HELPER_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

#endif
