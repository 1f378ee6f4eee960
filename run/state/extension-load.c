/* SPDX-License-Identifier: MIT */
/* extension-load.c - loading the extensions that a run keeps. See
 * extension-load.h. */
#include "run/state/extension-load.h"

#include <stdio.h>
#include <string.h>

#include "run/database/source-hash.h"

const char *torpor__extension_name(size_t index,
                                   char name[TORPOR__EXTENSION_NAME]) {
  snprintf(name, TORPOR__EXTENSION_NAME, TORPOR__EXTENSION_PREFIX "%zu",
           index + 1);
  return name;
}

bool torpor__extension_is(const char *name) {
  return strncmp(name, TORPOR__EXTENSION_PREFIX,
                 strlen(TORPOR__EXTENSION_PREFIX)) == 0;
}

bool torpor__extension_id(torpor_slice module, char id[TORPOR__EXTENSION_ID]) {
  uint8_t hash[TORPOR__SOURCE_HASH];
  if (!torpor__source_hash(module, hash)) return false;
  for (size_t i = 0; i < sizeof hash; i++)
    snprintf(id + 2 * i, 3, "%02x", hash[i]);
  return true;
}

torpor_status torpor__extension_load(torpor_vm *vm,
                                     torpor__extension_give_fn *give,
                                     void *user) {
  char name[TORPOR__EXTENSION_NAME], id[TORPOR__EXTENSION_ID];
  for (size_t i = 0; i < TORPOR__EXTENSIONS_MAX; i++) {
    torpor_bytes module = {0};
    torpor_status status = give(user, torpor__extension_name(i, name), &module);
    if (status == TORPOR_NOT_FOUND) return TORPOR_OK;
    if (status != TORPOR_OK) return status;
    bool hashed = torpor__extension_id(
        (torpor_slice){.data = module.data, .size = module.size}, id);
    torpor_bytes_free(&module);
    status = hashed ? torpor_vm_load_extension(vm, id, NULL) : TORPOR_NOMEM;
    if (status != TORPOR_OK) return status;
  }
  return TORPOR_OK;
}
