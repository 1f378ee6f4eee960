/* SPDX-License-Identifier: MIT */
/* module-import.c - an import that means a C module, and waking those of a VM
 * that slept.
 *
 * See module.h. */
#include "loop/modules/module.h"

#include <stdio.h>
#include <string.h>

#include "loop/path.h"

/* ---- The source ----------------------------------------------------------*/

/* A line of the source for each export, and what is around them. */
static torpor_status write_source(const torpor_module *module,
                                  torpor_bytes *out) {
  const size_t line = 2 * TORPOR__EXPORT_NAME_LARGEST + 64;
  size_t room = 128 + TORPOR__MODULE_NAME_LARGEST + module->count * line;
  char *text = malloc(room);
  if (text == NULL) return TORPOR_NOMEM;
  char *at = text;
  at += sprintf(at,
                "import load from \"torpor-module:load\";\n"
                "const $ = load(\"%s\");\n",
                module->name);
  for (size_t i = 0; i < module->count; i++)
    at += sprintf(at, "const $%zu = $.%s; export { $%zu as %s };\n", i,
                  module->exports[i].name, i, module->exports[i].name);
  *out = (torpor_bytes){(uint8_t *)text, (size_t)(at - text)};
  return TORPOR_OK;
}

/* ---- Imports -------------------------------------------------------------*/

static bool ends_with(const char *text, const char *end) {
  size_t size = strlen(text), end_size = strlen(end);
  return size > end_size && strcmp(text + size - end_size, end) == 0;
}

bool torpor__module_is_meant(const char *name) {
  if (name[0] == '/') return ends_with(name, ".so");
  return torpor__module_linked(name) != NULL;
}

static torpor_module *find_path(const struct torpor__modules *modules,
                                const char *path) {
  for (size_t i = 0; i < modules->count; i++)
    if (strcmp(modules->items[i]->path, path) == 0) return modules->items[i];
  return NULL;
}

/* A host that repeats what it did wants modules that allow it. */
static torpor_status check_flags(const struct torpor__modules *modules,
                                 const torpor_module_def *def, const char *name,
                                 torpor_bytes *sentence) {
  if ((modules->flags & ~def->flags) == 0) return TORPOR_OK;
  torpor_status status = torpor__format(
      sentence,
      "loading %s: it is not declared TORPOR_MODULE_PURE, and a durable run "
      "would do again, after a crash, what it does outside of the VM; run the "
      "program without a store, or declare the module pure if it does nothing "
      "there",
      name);
  return status == TORPOR_OK ? TORPOR_DENIED : status;
}

/* The module of the file 'path', a resolved one. */
static torpor_status import_file(struct torpor__modules *modules,
                                 const char *path, torpor_module **out,
                                 torpor_bytes *sentence) {
  const torpor_module_def *def;
  *out = find_path(modules, path);
  if (*out != NULL) return TORPOR_OK;
  torpor_status status = torpor__module_load(path, &def, sentence);
  if (status == TORPOR_OK) status = check_flags(modules, def, path, sentence);
  if (status != TORPOR_OK) return status;
  return torpor__modules_start(modules, def, def->name, path, out, sentence);
}

/* What is linked in as 'def' (NULL: nothing is) and imported as 'name'. */
static torpor_status import_linked(struct torpor__modules *modules,
                                   const torpor_module_def *def,
                                   const char *name, torpor_module **out,
                                   torpor_bytes *sentence) {
  if (def == NULL) return TORPOR_NOT_FOUND;
  *out = torpor__modules_find(modules, def->name);
  if (*out != NULL && (*out)->def == def) return TORPOR_OK;
  torpor_status status = check_flags(modules, def, name, sentence);
  if (status != TORPOR_OK) return status;
  return torpor__modules_start(modules, def, def->name, "", out, sentence);
}

/* Asks for the grant, whoever has modules: a program that may not load a file
 * is told nothing else about it. */
static torpor_status check_file(const torpor_access *access, const char *name,
                                torpor_bytes *path, torpor_bytes *sentence) {
  torpor_bytes answer;
  torpor_status status = torpor_access_check(access, TORPOR_FFI, name, &answer);
  *(status == TORPOR_OK ? path : sentence) = answer;
  return status;
}

static torpor_status refuse_all(const char *name, torpor_bytes *sentence) {
  torpor_status status = torpor__format(
      sentence,
      "loading %s: this host gives its programs no C modules; it would have to "
      "attach the VM with a loader, or call torpor_loader_bind",
      name);
  return status == TORPOR_OK ? TORPOR_UNSUPPORTED : status;
}

torpor_status torpor__module_import(struct torpor__modules *modules,
                                    const torpor_access *access,
                                    const char *name, torpor_bytes *source,
                                    torpor_bytes *sentence) {
  torpor_module *module;
  torpor_bytes path = {NULL, 0};
  torpor_status status = TORPOR_OK;
  if (name[0] == '/') status = check_file(access, name, &path, sentence);
  if (status == TORPOR_OK && modules == NULL)
    status = refuse_all(name, sentence);
  if (status == TORPOR_OK && name[0] == '/')
    status = import_file(modules, (char *)path.data, &module, sentence);
  else if (status == TORPOR_OK)
    status = import_linked(modules, torpor__module_linked(name), name, &module,
                           sentence);
  if (status == TORPOR_OK) status = write_source(module, source);
  torpor_bytes_free(&path);
  return status;
}

/* ---- At once -------------------------------------------------------------*/

/* Makes 'module' a module of the host. */
static torpor_status give_module(struct torpor__modules *modules,
                                 torpor_module *module) {
  torpor_vm *vm = modules->vm;
  torpor_value object;
  torpor_scope scope;
  torpor_status status = torpor_scope_open(vm, &scope);
  if (status != TORPOR_OK) return status;
  status = torpor__module_make(module, &object);
  if (status == TORPOR_OK) status = torpor_module_new(vm, module->name, object);
  if (status == TORPOR_OK) status = torpor__modules_remember(modules, module);
  torpor_scope_close(vm, scope);
  return status;
}

static torpor_status open_module(struct torpor__modules *modules,
                                 const torpor_module_def *def) {
  torpor_bytes sentence = {NULL, 0};
  torpor_module *module = torpor__modules_find(modules, def->name);
  bool known;
  if (module != NULL) return module->def == def ? TORPOR_OK : TORPOR_EXISTS;
  torpor_status status =
      torpor__modules_start(modules, def, def->name, "", &module, &sentence);
  torpor_bytes_free(&sentence);
  if (status == TORPOR_OK)
    status = torpor__modules_recall(modules, module->name, &known);
  if (status != TORPOR_OK) return status;
  return known ? torpor__module_bind(module) : give_module(modules, module);
}

torpor_status torpor_module_open(torpor_loop *loop, torpor_vm *vm,
                                 torpor_module_init_fn init) {
  const torpor_module_def *def;
  struct torpor__modules *modules;
  if (loop == NULL || vm == NULL || init == NULL) return TORPOR_MISUSE;
  struct attached *attached = torpor__attached_find(loop, vm);
  if (attached == NULL) return TORPOR_MISUSE;
  torpor_status status = torpor__module_ask(init, &def);
  if (status == TORPOR_OK) status = torpor__modules_open(vm, true, &modules);
  if (status != TORPOR_OK) return status;
  torpor__modules_settle(modules, attached);
  return open_module(modules, def);
}

/* ---- Waking --------------------------------------------------------------*/

static torpor_status import_again(struct torpor__modules *modules,
                                  const torpor_access *access, const char *name,
                                  const char *path, torpor_module **out,
                                  torpor_bytes *sentence) {
  torpor_bytes resolved = {NULL, 0};
  if (path[0] == '\0')
    return import_linked(modules, torpor__module_linked_as(name), name, out,
                         sentence);
  torpor_status status = check_file(access, path, &resolved, sentence);
  if (status != TORPOR_OK) return status;
  status = import_file(modules, (char *)resolved.data, out, sentence);
  torpor_bytes_free(&resolved);
  return status;
}

/* The functions that were bound say why they are gone. */
static torpor_status bind_absent(torpor_vm *vm, const char *name,
                                 char *const *exports, size_t count,
                                 const torpor_bytes *why) {
  char bound[TORPOR__MODULE_NAME_LARGEST + TORPOR__EXPORT_NAME_LARGEST + 2];
  torpor_bytes sentence;
  torpor_status status = torpor__format(
      &sentence, "C module '%s' is lost, which the program had: %s", name,
      why->data == NULL ? "there is none of that name any more"
                        : (const char *)why->data);
  for (size_t i = 0; i < count && status == TORPOR_OK; i++) {
    int size = snprintf(bound, sizeof(bound), "%s.%s", name, exports[i]);
    if (size > 0 && (size_t)size < sizeof(bound))
      status =
          torpor__module_bind_absent(vm, bound, (const char *)sentence.data);
  }
  torpor_bytes_free(&sentence);
  return status;
}

/* torpor__remembered_fn */
static torpor_status wake_module(struct torpor__modules *modules,
                                 const char *name, const char *path,
                                 char *const *exports, size_t count,
                                 void *user) {
  torpor_bytes sentence = {NULL, 0};
  torpor_module *module;
  if (!torpor__module_is_name(name, TORPOR__MODULE_NAME_LARGEST, '-'))
    return TORPOR_FORMAT;
  if (torpor__modules_find(modules, name) != NULL) return TORPOR_OK;
  torpor_status status =
      import_again(modules, user, name, path, &module, &sentence);
  if (status == TORPOR_OK && strcmp(module->name, name) == 0)
    status = torpor__module_bind(module);
  else if (status != TORPOR_NOMEM)
    status = bind_absent(modules->vm, name, exports, count, &sentence);
  torpor_bytes_free(&sentence);
  return status;
}

torpor_status torpor__modules_wake(struct torpor__modules *modules,
                                   const torpor_access *access) {
  return torpor__modules_each(modules, wake_module, (void *)access);
}
