/* SPDX-License-Identifier: MIT */
/* module-make.c - a C module's exports in its VM: bound, and made.
 *
 * Each binding holds the module, until it is replaced or the VM is closed.
 *
 * See module.h. */
#include <stdio.h>
#include <string.h>

#include "loop/modules/module.h"

/* ---- Binding -------------------------------------------------------------*/

static torpor_function_def function_def(torpor_module *module,
                                        const struct torpor__export *export) {
  torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
  def.name = export->bound;
  def.function = export->function.function;
  def.user = module;
  def.finalize = torpor__module_release;
  def.length = export->function.length;
  def.flags = export->function.flags;
  return def;
}

static torpor_class_def class_def(torpor_module *module,
                                  const struct torpor__export *export) {
  torpor_class_def def = export->class;
  def.name = export->bound;
  def.user = module;
  def.release = torpor__module_release;
  def.flags = TORPOR_CLASS_HIDDEN;
  return def;
}

static torpor_status bind_function(torpor_module *module,
                                   const struct torpor__export *export) {
  torpor_function_def def = function_def(module, export);
  torpor_status status = torpor_function_bind_with(module->home->vm, &def);
  if (status == TORPOR_OK) torpor__module_retain(module);
  return status;
}

static torpor_status bind_class(torpor_module *module,
                                struct torpor__export *export) {
  torpor_class_def def = class_def(module, export);
  torpor_status status = torpor_class_bind(module->home->vm, &def);
  if (status != TORPOR_OK) return status;
  torpor__module_retain(module);
  export->is_bound = true;
  return TORPOR_OK;
}

static torpor_status bind_export(torpor_module *module,
                                 struct torpor__export *export) {
  if (export->kind == TORPOR__EXPORT_FUNCTION)
    return bind_function(module, export);
  if (export->kind == TORPOR__EXPORT_CLASS && !export->is_bound)
    return bind_class(module, export);
  return TORPOR_OK;
}

torpor_status torpor__module_bind(torpor_module *module) {
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; i < module->count && status == TORPOR_OK; i++)
    status = bind_export(module, &module->exports[i]);
  return status;
}

/* ---- Making --------------------------------------------------------------*/

static torpor_status make_function(torpor_module *module,
                                   const struct torpor__export *export,
                                   torpor_value *out) {
  torpor_function_def def = function_def(module, export);
  torpor_status status = torpor_function_new_with(module->home->vm, &def, out);
  if (status == TORPOR_OK) torpor__module_retain(module);
  return status;
}

/* The class is made once, however often the module is imported. */
static torpor_status make_class(torpor_module *module,
                                struct torpor__export *export,
                                torpor_value *out) {
  torpor_vm *vm = module->home->vm;
  torpor_class_def def = class_def(module, export);
  if (!export->is_bound) {
    torpor_status status = torpor_class_add(vm, &def);
    if (status != TORPOR_OK) return status;
    torpor__module_retain(module);
    export->is_bound = true;
  }
  return torpor_class_get(vm, def.name, out);
}

static torpor_status make_export(torpor_module *module,
                                 struct torpor__export *export,
                                 torpor_value *out) {
  torpor_vm *vm = module->home->vm;
  switch (export->kind) {
  case TORPOR__EXPORT_FUNCTION:
    return make_function(module, export, out);
  case TORPOR__EXPORT_CLASS:
    return make_class(module, export, out);
  case TORPOR__EXPORT_TEXT:
    return torpor_string_new(vm, export->text, SIZE_MAX, out);
  case TORPOR__EXPORT_VALUE:
    *out = torpor_undefined();
    return export->make(vm, module, out);
  default:
    *out = export->value;
    return TORPOR_OK;
  }
}

torpor_status torpor__module_make(torpor_module *module, torpor_value *out) {
  torpor_vm *vm = module->home->vm;
  torpor_status status = torpor_object_new(vm, out);
  for (size_t i = 0; i < module->count && status == TORPOR_OK; i++) {
    torpor_value value;
    status = make_export(module, &module->exports[i], &value);
    const torpor_descriptor descriptor = torpor_descriptor_data(
        value, TORPOR_WRITABLE | TORPOR_ENUMERABLE | TORPOR_CONFIGURABLE);
    if (status == TORPOR_OK)
      status = torpor_define(vm, *out, torpor_key_name(module->exports[i].name),
                             &descriptor);
  }
  return status;
}

/* ---- Modules that are not there any more ---------------------------------*/

/* torpor_host_fn */
static torpor_status throw_absent(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  (void)arguments, (void)result;
  return torpor_throw(vm, "LostError", "%s", (const char *)user);
}

torpor_status torpor__module_bind_absent(torpor_vm *vm, const char *name,
                                         const char *sentence) {
  char *copy = strdup(sentence);
  if (copy == NULL) return TORPOR_NOMEM;
  torpor_status status =
      torpor_function_bind(vm, name, throw_absent, copy, free);
  if (status != TORPOR_OK) free(copy);
  return status;
}
