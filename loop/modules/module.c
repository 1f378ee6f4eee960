/* SPDX-License-Identifier: MIT */
/* module.c - one C module in one VM: what it says that it exports, and its own
 * data.
 *
 * It lives as long as anything of it is bound in the VM, and its home has it.
 *
 *  (1) Exports are added by 'start' alone, each name once.
 *
 * See module.h. */
#include "loop/modules/module.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/array.h"
#include "common/sized.h"

bool torpor__module_is_name(const char *text, size_t largest, char more) {
  if (text == NULL || text[0] == '\0') return false;
  size_t size = 0;
  for (; text[size] != '\0'; size++) {
    char c = text[size];
    if (size == largest) return false;
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
          (c >= '0' && c <= '9') || c == '_' || c == more))
      return false;
  }
  return true;
}

/* An identifier, in ASCII. */
static bool is_export_name(const char *name) {
  return torpor__module_is_name(name, TORPOR__EXPORT_NAME_LARGEST, '$') &&
         !(name[0] >= '0' && name[0] <= '9');
}

/* ---- Its life ------------------------------------------------------------*/

static void free_exports(torpor_module *module) {
  for (size_t i = 0; i < module->count; i++) {
    free(module->exports[i].name);
    free(module->exports[i].bound);
    free(module->exports[i].text);
  }
  free(module->exports);
}

torpor_module *torpor__module_new(struct torpor__modules *home,
                                  const char *name, const char *path) {
  torpor_module *module = calloc(1, sizeof(*module));
  if (module == NULL) return NULL;
  module->home = home;
  module->references = 1;
  module->name = strdup(name);
  module->path = strdup(path);
  home->references++;
  if (module->name != NULL && module->path != NULL) return module;
  torpor__module_release(module);
  return NULL;
}

void torpor__module_retain(torpor_module *module) {
  module->references++;
}

void torpor__module_release(void *given) {
  torpor_module *module = given;
  if (--module->references > 0) return;
  if (module->finalize != NULL) module->finalize(module->user);
  free_exports(module);
  if (--module->home->references == 0) free(module->home);
  free(module->name);
  free(module->path);
  free(module->failure);
  free(module);
}

/* ---- Exports -------------------------------------------------------------*/

static char *bound_name(const torpor_module *module, const char *name) {
  size_t size = strlen(module->name) + strlen(name) + 2;
  char *bound = malloc(size);
  if (bound != NULL) snprintf(bound, size, "%s.%s", module->name, name);
  return bound;
}

static torpor_status check_new(const torpor_module *module, const char *name) {
  if (module == NULL || !is_export_name(name)) return TORPOR_MISUSE;
  if (module->started) return TORPOR_BUSY;
  if (module->count == TORPOR_MODULE_EXPORTS_LARGEST) return TORPOR_LIMIT;
  for (size_t i = 0; i < module->count; i++)
    if (strcmp(module->exports[i].name, name) == 0) return TORPOR_EXISTS;
  return TORPOR_OK;
}

/* Adds 'export', which is copied; its 'text' is taken over, also when that
 * fails. */
static torpor_status add(torpor_module *module, const char *name,
                         struct torpor__export *export) {
  torpor_status status = check_new(module, name);
  if (status == TORPOR_OK) {
    export->name = strdup(name);
    export->bound = bound_name(module, name);
    if (export->name == NULL || export->bound == NULL ||
        !torpor__array_reserve(&module->exports, &module->capacity,
                               module->count + 1, sizeof(*module->exports)))
      status = TORPOR_NOMEM;
  }
  if (status == TORPOR_OK) {
    module->exports[module->count++] = *export;
    return TORPOR_OK;
  }
  free(export->name);
  free(export->bound);
  free(export->text);
  return status;
}

torpor_status torpor_module_add_functions(torpor_module *module,
                                          const torpor_function_entry *table,
                                          size_t count) {
  const unsigned known = TORPOR_FUNCTION_ASYNC | TORPOR_FUNCTION_CONSTRUCTOR;
  if (count > 0 && table == NULL) return TORPOR_MISUSE;
  for (size_t i = 0; i < count; i++) {
    struct torpor__export export = {.kind = TORPOR__EXPORT_FUNCTION,
                                    .function = table[i]};
    if (table[i].function == NULL || table[i].length < 0 ||
        (table[i].flags & ~known) != 0)
      return TORPOR_MISUSE;
    torpor_status status = add(module, table[i].name, &export);
    if (status != TORPOR_OK) return status;
  }
  return TORPOR_OK;
}

torpor_status torpor_module_add_function(torpor_module *module,
                                         const char *name, int length,
                                         torpor_host_fn function) {
  const torpor_function_entry entry = {name, function, length, 0};
  return torpor_module_add_functions(module, &entry, 1);
}

torpor_status torpor_module_add_class(torpor_module *module,
                                      const torpor_class_def *def) {
  struct torpor__export export = {.kind = TORPOR__EXPORT_CLASS,
                                  .class = TORPOR_CLASS_DEF_INIT};
  if (def == NULL ||
      !torpor__sized_take(&export.class, sizeof(export.class), def))
    return TORPOR_MISUSE;
  if (export.class.user != NULL || export.class.release != NULL ||
      export.class.flags != 0)
    return TORPOR_MISUSE;
  return add(module, export.class.name, &export);
}

torpor_status torpor_module_add_constant(torpor_module *module,
                                         const char *name, torpor_value value) {
  struct torpor__export export = {.kind = TORPOR__EXPORT_CONSTANT,
                                  .value = value};
  switch (torpor_value_type(value)) {
  case TORPOR_TYPE_UNDEFINED:
  case TORPOR_TYPE_NULL:
  case TORPOR_TYPE_BOOLEAN:
  case TORPOR_TYPE_NUMBER:
    return add(module, name, &export);
  default:
    return TORPOR_MISUSE;
  }
}

torpor_status torpor_module_add_text(torpor_module *module, const char *name,
                                     const char *text, size_t size) {
  struct torpor__export export = {.kind = TORPOR__EXPORT_TEXT};
  if (text == NULL) return TORPOR_MISUSE;
  export.text = size == SIZE_MAX ? strdup(text) : strndup(text, size);
  if (export.text == NULL) return TORPOR_NOMEM;
  return add(module, name, &export);
}

torpor_status torpor_module_add_value(torpor_module *module, const char *name,
                                      torpor_module_make_fn make) {
  struct torpor__export export = {.kind = TORPOR__EXPORT_VALUE, .make = make};
  if (make == NULL) return TORPOR_MISUSE;
  return add(module, name, &export);
}

torpor_status torpor_module_fail(torpor_module *module, const char *format,
                                 ...) {
  va_list list, again;
  va_start(list, format);
  va_copy(again, list);
  int size = vsnprintf(NULL, 0, format, list);
  char *text = size < 0 ? NULL : malloc((size_t)size + 1);
  if (text != NULL) vsnprintf(text, (size_t)size + 1, format, again);
  va_end(again);
  va_end(list);
  free(module->failure);
  module->failure = text;
  return TORPOR_UNSUPPORTED;
}

/* ---- Its own data --------------------------------------------------------*/

void torpor_module_set_user(torpor_module *module, void *user,
                            void (*finalize)(void *user)) {
  module->user = user;
  module->finalize = finalize;
}

void *torpor_module_user(const torpor_module *module) {
  return module->user;
}

torpor_vm *torpor_module_vm(const torpor_module *module) {
  return module->home->vm;
}

torpor_loop *torpor_module_loop(const torpor_module *module) {
  const struct attached *attached = module->home->attached;
  return attached == NULL ? NULL : torpor__attached_loop(attached);
}

torpor_status torpor_module_lost(torpor_module *module, const char *what) {
  torpor_vm *vm = module->home->vm;
  torpor_error_parts parts = TORPOR_ERROR_PARTS_INIT;
  torpor_value code, error;
  char message[512];
  snprintf(message, sizeof(message),
           "%s is lost: module '%s' has it no longer, since the program slept "
           "or moved; make a new one",
           what, module->name);
  torpor_status status = torpor_string_new(vm, "LOST", SIZE_MAX, &code);
  parts.name = "LostError";
  parts.message = message;
  parts.code = &code;
  if (status == TORPOR_OK) status = torpor_error_new_with(vm, &parts, &error);
  return status == TORPOR_OK ? torpor_throw_value(vm, error) : status;
}

/* ---- Its loop ------------------------------------------------------------*/

torpor_status torpor__module_lacks_loop(const torpor_module *module,
                                        const char *what) {
  return torpor_throw(module->home->vm, "Error",
                      "%s of module '%s' needs a loop, and its VM is attached "
                      "to none",
                      what, module->name);
}

torpor_status torpor_module_call(torpor_module *module, torpor_value function,
                                 const torpor_value *args, size_t count) {
  torpor_vm *vm = module->home->vm;
  torpor_scope scope;
  torpor_status status = torpor_scope_open(vm, &scope);
  if (status != TORPOR_OK) return status;
  status = torpor_call(vm, function, torpor_undefined(), args, count, NULL);
  if (module->home->attached != NULL)
    torpor__attached_tell(module->home->attached, status);
  torpor_scope_close(vm, scope);
  return status;
}

torpor_status torpor_module_watch(torpor_module *module, int descriptor,
                                  unsigned events, torpor_ready_fn ready,
                                  void *user, torpor_poll **out) {
  torpor_loop *loop = torpor_module_loop(module);
  if (out == NULL) return TORPOR_MISUSE;
  *out = NULL;
  if (loop == NULL)
    return torpor__module_lacks_loop(module, "watching a descriptor");
  return torpor__poll_open(loop, descriptor, events, ready, user, module->home,
                           out);
}
