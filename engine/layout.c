/* SPDX-License-Identifier: MIT */
/* layout.c - tells bake.mjs where the fields of the control block lie. Compiled
 * for the engine's own target, and thrown away after baking. */
#include <stddef.h>

#include "guest/abi.h"

#define EXPORT(name) __attribute__((export_name(#name)))

EXPORT(version) uint32_t version(void) {
  return TORPOR_ABI_VERSION;
}

EXPORT(stack_size) uint32_t stack_size(void) {
  return offsetof(torpor_abi_control, stack_size);
}

EXPORT(heap_break) uint32_t heap_break(void) {
  return offsetof(torpor_abi_control, heap_break);
}

EXPORT(host_start) uint32_t host_start(void) {
  return offsetof(torpor_abi_control, host);
}

EXPORT(result) uint32_t result(void) {
  return offsetof(torpor_abi_control, host.result);
}

EXPORT(host_end) uint32_t host_end(void) {
  return sizeof(torpor_abi_control);
}
