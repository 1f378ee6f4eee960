/* SPDX-License-Identifier: MIT */
/* load.c - loading extensions into a VM.
 *
 *   memory for its data          in the guest's heap
 *   its functions                into the table: linking.c
 *   its data                     copied there
 *   relocations, constructors,   run by the guest, out of slots of the table
 *   init                         that are empty again afterwards
 *
 *  (1) What ends before init runs leaves nothing but a block of memory behind.
 *  (2) The order of all this is the same on every host, and so are addresses
 *      and indexes. */
#include <stdio.h>
#include <string.h>

#include "vm/load.h"

#include "common/sized.h"
#include "vm/border/binding.h"
#include "vm/border/invoke.h"
#include "vm/common/error.h"
#include "vm/extensions/extension-find.h"
#include "vm/extensions/linking.h"
#include "vm/life.h"
#include "vm/memory/memory.h"
#include "vm/vm.h"

#define INIT_NAME_SIZE (TORPOR__EXTENSION_NAME_SIZE + 32)

static torpor_status find(torpor_vm *vm, const char *name,
                          const torpor__extension_known **out) {
  torpor_status status = torpor__extension_find(name, out);
  return status == TORPOR_OK
             ? status
             : torpor__fail(vm, status, "%s", torpor_last_error(NULL));
}

/* The name that the extension gives itself or, if it gives none, that of its
 * file without folders and suffix. One that is asked for by its hash has no
 * file: it has to give itself a name. */
static void put_name(const torpor__extension *extension, const char *given,
                     char name[TORPOR__EXTENSION_NAME_SIZE]) {
  const char *slash = strrchr(given, '/');
  if (extension->name[0]) {
    memcpy(name, extension->name, TORPOR__EXTENSION_NAME_SIZE);
    return;
  }
  if (slash) given = slash + 1;
  snprintf(name, TORPOR__EXTENSION_NAME_SIZE, "%.*s", (int)strcspn(given, "."),
           given);
}

static torpor_status check_new(torpor_vm *vm, const torpor__link *link) {
  for (uint32_t i = 0; i < vm->link_count; i++) {
    const torpor__link *other = torpor__link_at(vm, i);
    if (other->known == link->known || strcmp(other->name, link->name) == 0)
      return torpor__fail(vm, TORPOR_EXISTS,
                          "the VM has an extension '%s' already", link->name);
  }
  return TORPOR_OK;
}

static void put_init_name(const torpor__link *link, const char *given,
                          char name[INIT_NAME_SIZE]) {
  snprintf(name, INIT_NAME_SIZE, "qjs_ext_%s_init", link->name);
  for (char *at = name; *at; at++)
    if (*at == '-') *at = '_';
  if (given) snprintf(name, INIT_NAME_SIZE, "%s", given);
}

static bool has_init(const torpor__extension *extension, const char *name) {
  for (size_t i = 0; i < extension->export_count; i++)
    if (strcmp(extension->exports[i].name, name) == 0 &&
        strcmp(extension->exports[i].type, "ii:i") == 0)
      return true;
  return false;
}

static torpor_status check_init(torpor_vm *vm, const torpor__link *link,
                                const char *init) {
  if (has_init(link->known->extension, init)) return TORPOR_OK;
  return torpor__fail(vm, TORPOR_EXTENSION,
                      "extension '%s' has no function int %s(JSContext *, "
                      "JSRuntime *)",
                      link->name, init);
}

/* Copies its data to where the guest has memory for it. */
static torpor_status put_data(torpor_vm *vm, const torpor__link *link) {
  const torpor__extension *extension = link->known->extension;
  uint8_t *place;
  if (extension->data_size == 0) return TORPOR_OK;
  place = torpor__memory_to(vm, link->memory, extension->data_size);
  if (!place) return torpor__fail_damaged(vm, "memory for an extension");
  memcpy(place, extension->data, extension->data_size);
  return TORPOR_OK;
}

static torpor_status find_memory(torpor_vm *vm, torpor__link *link) {
  const torpor__extension *extension = link->known->extension;
  uint32_t align = UINT32_C(1) << extension->memory_align;
  torpor_status status =
      TORPOR__INVOKE(vm, extension_memory, extension->memory_size, align);
  link->memory = (uint32_t)vm->result[0];
  if (status == TORPOR_OK &&
      (link->memory % align != 0 ||
       !torpor__memory_to(vm, link->memory, extension->memory_size)))
    return torpor__fail_damaged(vm, "memory for an extension");
  return status;
}

static torpor_status start(torpor_vm *vm, const char *init) {
  uint32_t relocate = torpor__link_slot(vm, TORPOR__LINK_RELOCATE,
                                        "__wasm_apply_data_relocs", ":");
  uint32_t construct =
      torpor__link_slot(vm, TORPOR__LINK_CONSTRUCT, "__wasm_call_ctors", ":");
  uint32_t first = torpor__link_slot(vm, TORPOR__LINK_INIT, init, "ii:i");
  torpor_status status =
      TORPOR__INVOKE(vm, extension_start, relocate, construct, first);
  torpor__link_empty(vm);
  return status;
}

static torpor_status load(torpor_vm *vm, torpor__link *link, const char *init) {
  torpor_status status;
  if (!vm->engine->exports.torpor_extension_start)
    return torpor__fail(vm, TORPOR_EXTENSION,
                        "the engine of this VM is older than extensions; use a "
                        "newer one");
  status = torpor__engine_know(vm->engine);
  if (status != TORPOR_OK)
    return torpor__fail(vm, status, "%s", torpor_last_error(NULL));
  status = find_memory(vm, link);
  if (status != TORPOR_OK) return status;
  link->table = torpor__link_place(vm, link->known->extension);
  status = torpor__link_add(vm, vm, link);
  if (status == TORPOR_OK) status = put_data(vm, link);
  if (status == TORPOR_OK) status = start(vm, init);
  return status;
}

torpor_status torpor_vm_load_extension(torpor_vm *vm, const char *extension,
                                       const char *init) {
  torpor__link link = {0};
  char init_name[INIT_NAME_SIZE];
  torpor_status status;
  TORPOR__REQUIRE(vm, extension);
  status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = find(vm, extension, &link.known);
  if (status != TORPOR_OK) return torpor__end(vm, status);
  put_name(link.known->extension, extension, link.name);
  put_init_name(&link, init, init_name);
  status = check_new(vm, &link);
  if (status == TORPOR_OK) status = check_init(vm, &link, init_name);
  if (status == TORPOR_OK) status = load(vm, &link, init_name);
  return torpor__end(vm, status);
}

/* ---- When a global is touched ---------------------------------------------*/

/* The host function that loads the extension of its argument's name. */
static torpor_status load_late(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  torpor_bytes name;
  torpor_status status =
      torpor_string_read(vm, torpor_argument(arguments, 0), &name);
  (void)result, (void)user;
  if (status != TORPOR_OK) return status;
  status = torpor_vm_load_extension(vm, (const char *)name.data, NULL);
  torpor_bytes_free(&name);
  if (status == TORPOR_EXISTS) return TORPOR_OK;
  if (status != TORPOR_EXTENSION) return status;
  return torpor_throw(vm, "Error", "%s", torpor_last_error(vm));
}

torpor_status torpor__load_when_touched(torpor_vm *vm) {
  if (!vm->options.extensions) return TORPOR_OK;
  return torpor__binding_add(vm, TORPOR_ABI_EXTENSION_NAME,
                             strlen(TORPOR_ABI_EXTENSION_NAME),
                             &(torpor__bound){.function = load_late});
}

/* ---- What there is, and what is loaded ------------------------------------*/

static torpor_extension_info describe(const torpor__extension *extension) {
  torpor_extension_info info = TORPOR_EXTENSION_INFO_INIT;
  snprintf(info.name, sizeof(info.name), "%s", extension->name);
  snprintf(info.version, sizeof(info.version), "%s", extension->version);
  snprintf(info.hash, sizeof(info.hash), "%s", extension->id);
  info.instrumented = extension->instrumented;
  info.memory_size = extension->memory_size;
  return info;
}

torpor_status torpor_extension_find(const char *extension,
                                    torpor_extension_info *info) {
  const torpor__extension_known *known;
  torpor_extension_info own;
  torpor_status status;
  TORPOR__REQUIRE(NULL, extension);
  TORPOR__REQUIRE(NULL, info);
  TORPOR__REQUIRE_SIZE(NULL, info, "TORPOR_EXTENSION_INFO_INIT");
  status = torpor__extension_find(extension, &known);
  if (status != TORPOR_OK) return status;
  own = describe(known->extension);
  torpor__sized_give(info, &own, sizeof(own));
  return TORPOR_OK;
}

torpor_status torpor_extension_module(const char *name, torpor_bytes *out) {
  TORPOR__REQUIRE(NULL, name);
  TORPOR__REQUIRE(NULL, out);
  return torpor__extension_module(name, out);
}

size_t torpor_vm_extension_count(const torpor_vm *vm) {
  return vm && !vm->closed ? vm->link_count : 0;
}

torpor_status torpor_vm_extension_at(torpor_vm *vm, size_t index,
                                     torpor_extension_info *info) {
  torpor_extension_info own;
  const torpor__link *link;
  torpor_status status = torpor__check_open(vm);
  TORPOR__REQUIRE(vm, info);
  TORPOR__REQUIRE_SIZE(vm, info, "TORPOR_EXTENSION_INFO_INIT");
  if (status != TORPOR_OK) return status;
  if (index >= vm->link_count)
    return torpor__fail(vm, TORPOR_NOT_FOUND, "the VM has %u extensions",
                        vm->link_count);
  link = torpor__link_at(vm, (uint32_t)index);
  own = describe(link->known->extension);
  snprintf(own.name, sizeof(own.name), "%s", link->name);
  own.memory = link->memory;
  torpor__sized_give(info, &own, sizeof(own));
  return TORPOR_OK;
}
