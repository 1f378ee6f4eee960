/* SPDX-License-Identifier: MIT */
/* extension-find.h - finding the extension that a VM or a snapshot needs. */
#ifndef TORPOR_VM_EXTENSION_FIND_H
#define TORPOR_VM_EXTENSION_FIND_H

#include "torpor/vm.h"

#include "vm/extensions/extension.h"

/* What is known of an extension in this process. */
typedef struct torpor__extension_known {
  const torpor__extension *extension;
  /* By import and by pointer: its number in extension-functions.h. */
  uint32_t *functions, *pointers;
  uint32_t *types; /* of the imports: numbers of function types */
  uint8_t hash[32];
} torpor__extension_known;

/* The extension with this hash: one that ships, or one that was added; NULL:
 * there is none. NOMEM. Any thread. */
torpor_status torpor__extension_with(const uint8_t hash[32],
                                     const torpor__extension_known **out);
/* The one that is called so, as for torpor_vm_load_extension. EXTENSION or
 * NOMEM, with this thread's error. */
torpor_status torpor__extension_find(const char *extension,
                                     const torpor__extension_known **out);
/* The side module of one that ships. Errors as above. */
torpor_status torpor__extension_module(const char *name, torpor_bytes *out);
/* The one in that file, which stays loaded. Errors as above. */
torpor_status torpor__extension_added(const char *path,
                                      const torpor__extension_known **out);

#endif
