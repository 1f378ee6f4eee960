/* SPDX-License-Identifier: MIT */
/* modules.c - the C modules of a VM.
 *
 * What the host has of them is found again by a class of the host's that no
 * program sees: its one object is the modules, and its constructor keeps a
 * list of what there is, which sleeps with the VM:
 *
 *   [[name, path, ...names of what is bound], ...]
 *
 *  (1) A VM has one struct torpor__modules, from the first time that one is
 *      asked for until it is closed.
 *  (2) What is read of the list is checked as if the program had written it.
 *
 * See module.h. */
#include <stdio.h>
#include <string.h>

#include "common/array.h"
#include "loop/modules/module.h"
#include "loop/path.h"

static const char CLASS[] = "torpor-module.Modules";

enum { REMEMBERED_LARGEST = 256 };

/* ---- Finding and making --------------------------------------------------*/

static torpor_status give_modules(torpor_vm *vm, torpor_instance *instance,
                                  void *user) {
  (void)vm;
  instance->data = user;
  return TORPOR_OK;
}

void torpor__modules_release(struct torpor__modules *modules) {
  if (--modules->references == 0) free(modules);
}

static void leave(struct torpor__tenant *tenant) {
  struct torpor__modules *modules = (struct torpor__modules *)tenant;
  torpor__deferreds_leave(modules);
  if (modules->attached != NULL)
    torpor__polls_cut(torpor__attached_loop(modules->attached), modules);
  modules->attached = NULL;
}

/* The VM is closed: what is bound lets go of the modules in a moment. */
static void end_modules(void *user) {
  struct torpor__modules *modules = user;
  if (modules->attached != NULL) torpor__attached_let(modules->attached, NULL);
  leave(&modules->tenant);
  modules->references++;
  for (size_t i = 0; i < modules->count; i++)
    torpor__module_release(modules->items[i]);
  free(modules->items);
  modules->items = NULL;
  modules->count = modules->capacity = 0;
  modules->references--;
  torpor__modules_release(modules);
}

/* Makes the object and the list, unless the VM had them when it slept. */
static torpor_status make_object(torpor_vm *vm, struct torpor__modules *modules,
                                 torpor_value class) {
  const torpor_instance instance = {1, modules};
  torpor_value object, list;
  torpor_status status = torpor_get(vm, class, "modules", &object);
  if (status != TORPOR_OK || torpor_value_type(object) != TORPOR_TYPE_UNDEFINED)
    return status;
  status = torpor_instance_new(vm, CLASS, &instance, &object);
  if (status == TORPOR_OK) status = torpor_array_new(vm, &list);
  if (status == TORPOR_OK) status = torpor_set(vm, class, "list", list);
  if (status == TORPOR_OK) status = torpor_set(vm, class, "modules", object);
  return status;
}

static torpor_status make_modules(torpor_vm *vm, struct torpor__modules **out) {
  struct torpor__modules *modules = calloc(1, sizeof(*modules));
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  torpor_value class;
  if (modules == NULL) return TORPOR_NOMEM;
  modules->tenant.leave = leave;
  modules->references = 1;
  modules->vm = vm;
  torpor__list_init(&modules->begun);
  torpor__list_init(&modules->started);
  def.name = CLASS;
  def.restore = give_modules;
  def.user = modules;
  def.release = end_modules;
  def.flags = TORPOR_CLASS_HIDDEN;
  torpor_status status = torpor_class_add(vm, &def);
  if (status != TORPOR_OK) {
    free(modules);
    return status;
  }
  status = torpor_class_get(vm, CLASS, &class);
  if (status == TORPOR_OK) status = make_object(vm, modules, class);
  if (status == TORPOR_OK) *out = modules;
  return status;
}

/* Those that this process knows; NOT_FOUND: there are none, or they slept,
 * which 'slept' says. */
static torpor_status find_modules(torpor_vm *vm, struct torpor__modules **out,
                                  bool *slept) {
  torpor_instance instance;
  torpor_value class, object;
  torpor_status status = torpor_class_get(vm, CLASS, &class);
  *slept = status == TORPOR_OK;
  if (status == TORPOR_OK) status = torpor_get(vm, class, "modules", &object);
  if (status == TORPOR_OK)
    status = torpor_instance_read(vm, object, CLASS, &instance);
  if (status == TORPOR_WRONG_TYPE) status = TORPOR_NOT_FOUND;
  if (status == TORPOR_OK) *out = instance.data;
  return status;
}

torpor_status torpor__modules_open(torpor_vm *vm, bool make,
                                   struct torpor__modules **out) {
  torpor_scope scope;
  bool slept;
  torpor_status status = torpor_scope_open(vm, &scope);
  if (status != TORPOR_OK) return status;
  status = find_modules(vm, out, &slept);
  if (status == TORPOR_NOT_FOUND && (make || slept))
    status = make_modules(vm, out);
  torpor_scope_close(vm, scope);
  return status;
}

void torpor__modules_settle(struct torpor__modules *modules,
                            struct attached *attached) {
  if (modules->attached == attached) return;
  modules->attached = attached;
  torpor__attached_let(attached, &modules->tenant);
}

/* ---- Starting ------------------------------------------------------------*/

torpor_module *torpor__modules_find(const struct torpor__modules *modules,
                                    const char *name) {
  for (size_t i = 0; i < modules->count; i++)
    if (strcmp(modules->items[i]->name, name) == 0) return modules->items[i];
  return NULL;
}

static torpor_status fail_starting(const torpor_module *module,
                                   torpor_status why, torpor_bytes *sentence) {
  torpor_status status = torpor__format(
      sentence, "starting C module '%s'%s%s: %s", module->name,
      module->path[0] == '\0' ? "" : " of ", module->path,
      module->failure != NULL ? module->failure : torpor_status_text(why));
  return status == TORPOR_OK ? why : status;
}

static torpor_status fail_existing(const torpor_module *module,
                                   torpor_bytes *sentence) {
  torpor_status status = torpor__format(
      sentence,
      "there is a C module '%s' already, which is %s%s: names of modules have "
      "to differ within a program",
      module->name, module->path[0] == '\0' ? "linked in" : "loaded from ",
      module->path);
  return status == TORPOR_OK ? TORPOR_EXISTS : status;
}

torpor_status torpor__modules_start(struct torpor__modules *modules,
                                    const torpor_module_def *def,
                                    const char *name, const char *path,
                                    torpor_module **out,
                                    torpor_bytes *sentence) {
  torpor_module *same = torpor__modules_find(modules, name);
  if (same != NULL) return fail_existing(same, sentence);
  if (!torpor__array_reserve(&modules->items, &modules->capacity,
                             modules->count + 1, sizeof(*modules->items)))
    return TORPOR_NOMEM;
  torpor_module *module = torpor__module_new(modules, name, path);
  if (module == NULL) return TORPOR_NOMEM;
  module->def = def;
  torpor_status status = def->start(module);
  if (status != TORPOR_OK) {
    status = fail_starting(module, status, sentence);
    torpor__module_release(module);
    return status;
  }
  module->started = true;
  modules->items[modules->count++] = module;
  *out = module;
  return TORPOR_OK;
}

/* ---- load() --------------------------------------------------------------*/

/* torpor_host_fn */
static torpor_status load(torpor_vm *vm, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  struct torpor__modules *modules = user;
  torpor_bytes name;
  torpor_status status =
      torpor_string_read(vm, torpor_argument(arguments, 0), &name);
  if (status != TORPOR_OK) return status;
  torpor_module *module = torpor__modules_find(modules, (char *)name.data);
  if (module == NULL)
    status = torpor_throw(vm, "TypeError",
                          "no C module '%s' was imported: import it by name",
                          (char *)name.data);
  else
    status = torpor__module_make(module, result);
  torpor_bytes_free(&name);
  if (status == TORPOR_OK) status = torpor__modules_remember(modules, module);
  return status;
}

torpor_status torpor__modules_give_load(struct torpor__modules *modules) {
  torpor_module_export export = {
      .name = "default", .function = load, .length = 1, .user = modules};
  return torpor_module_add(modules->vm, "torpor-module:load", &export, 1);
}

/* ---- What the VM remembers -----------------------------------------------*/

static torpor_status append_text(torpor_vm *vm, torpor_value list,
                                 uint32_t index, const char *text) {
  torpor_value value;
  torpor_status status = torpor_string_new(vm, text, SIZE_MAX, &value);
  return status == TORPOR_OK ? torpor_set_index(vm, list, index, value)
                             : status;
}

static torpor_status make_entry(torpor_vm *vm, const torpor_module *module,
                                torpor_value *out) {
  torpor_status status = torpor_array_new(vm, out);
  uint32_t count = 0;
  if (status == TORPOR_OK)
    status = append_text(vm, *out, count++, module->name);
  if (status == TORPOR_OK)
    status = append_text(vm, *out, count++, module->path);
  for (size_t i = 0; i < module->count && status == TORPOR_OK; i++)
    if (module->exports[i].kind == TORPOR__EXPORT_FUNCTION)
      status = append_text(vm, *out, count++, module->exports[i].name);
  return status;
}

/* Where the entry of 'name' is in 'list', or is to be if it is not 'known'. */
static torpor_status find_entry(torpor_vm *vm, torpor_value list,
                                const char *name, uint32_t *index,
                                bool *known) {
  torpor_bytes text;
  torpor_value entry, value;
  uint64_t length;
  torpor_status status = torpor_length(vm, list, &length);
  *known = false;
  for (*index = 0; status == TORPOR_OK && *index < length; ++*index) {
    if (*index == REMEMBERED_LARGEST) return TORPOR_LIMIT;
    status = torpor_get_index(vm, list, *index, &entry);
    if (status == TORPOR_OK) status = torpor_get_index(vm, entry, 0, &value);
    if (status == TORPOR_OK) status = torpor_string_read(vm, value, &text);
    if (status != TORPOR_OK) break;
    *known = strcmp((char *)text.data, name) == 0;
    torpor_bytes_free(&text);
    if (*known) break;
  }
  return status;
}

static torpor_status get_list(torpor_vm *vm, torpor_value *out) {
  torpor_value class;
  torpor_status status = torpor_class_get(vm, CLASS, &class);
  return status == TORPOR_OK ? torpor_get(vm, class, "list", out) : status;
}

torpor_status torpor__modules_recall(struct torpor__modules *modules,
                                     const char *name, bool *known) {
  torpor_vm *vm = modules->vm;
  torpor_value list;
  torpor_scope scope;
  uint32_t index;
  torpor_status status = torpor_scope_open(vm, &scope);
  if (status != TORPOR_OK) return status;
  status = get_list(vm, &list);
  if (status == TORPOR_OK) status = find_entry(vm, list, name, &index, known);
  torpor_scope_close(vm, scope);
  return status;
}

torpor_status torpor__modules_remember(struct torpor__modules *modules,
                                       const torpor_module *module) {
  torpor_vm *vm = modules->vm;
  torpor_value list, entry;
  torpor_scope scope;
  uint32_t index;
  bool known;
  torpor_status status = torpor_scope_open(vm, &scope);
  if (status != TORPOR_OK) return status;
  status = get_list(vm, &list);
  if (status == TORPOR_OK)
    status = find_entry(vm, list, module->name, &index, &known);
  if (status == TORPOR_OK) status = make_entry(vm, module, &entry);
  if (status == TORPOR_OK) status = torpor_set_index(vm, list, index, entry);
  torpor_scope_close(vm, scope);
  return status;
}

/* The list as CBOR. */
static torpor_status read_list(torpor_vm *vm, torpor_bytes *out) {
  torpor_value list;
  torpor_scope scope;
  torpor_status status = torpor_scope_open(vm, &scope);
  if (status != TORPOR_OK) return status;
  status = get_list(vm, &list);
  if (status == TORPOR_OK) status = torpor_cbor_encode(vm, list, out);
  torpor_scope_close(vm, scope);
  return status;
}

static void free_texts(char **texts, size_t count) {
  for (size_t i = 0; i < count; i++) free(texts[i]);
  free(texts);
}

/* Reads the texts of an entry that the reader has entered. */
static torpor_status read_texts(torpor_reader *reader, char **texts,
                                size_t count) {
  for (size_t i = 0; i < count; i++) {
    torpor_slice text = torpor_reader_string(reader);
    if (torpor_reader_status(reader) != TORPOR_OK) return TORPOR_FORMAT;
    if (memchr(text.data, 0, text.size) != NULL) return TORPOR_FORMAT;
    texts[i] = strndup(text.data, text.size);
    if (texts[i] == NULL) return TORPOR_NOMEM;
  }
  return TORPOR_OK;
}

static torpor_status visit_entry(struct torpor__modules *modules,
                                 torpor_reader *reader,
                                 torpor__remembered_fn visit, void *user) {
  size_t count = torpor_reader_enter(reader);
  if (torpor_reader_status(reader) != TORPOR_OK || count < 2 ||
      count > TORPOR_MODULE_EXPORTS_LARGEST + 2)
    return TORPOR_FORMAT;
  char **texts = calloc(count, sizeof(*texts));
  if (texts == NULL) return TORPOR_NOMEM;
  torpor_status status = read_texts(reader, texts, count);
  if (status == TORPOR_OK)
    status = visit(modules, texts[0], texts[1], texts + 2, count - 2, user);
  free_texts(texts, count);
  torpor_reader_leave(reader);
  return status;
}

torpor_status torpor__modules_each(struct torpor__modules *modules,
                                   torpor__remembered_fn visit, void *user) {
  torpor_reader *reader;
  torpor_bytes list = {NULL, 0};
  torpor_status status = read_list(modules->vm, &list);
  if (status != TORPOR_OK) return status;
  status = torpor_reader_open(list.data, list.size, &reader);
  if (status == TORPOR_OK) {
    size_t count = torpor_reader_enter(reader);
    if (torpor_reader_status(reader) != TORPOR_OK || count > REMEMBERED_LARGEST)
      status = TORPOR_FORMAT;
    for (size_t i = 0; i < count && status == TORPOR_OK; i++)
      status = visit_entry(modules, reader, visit, user);
    torpor_reader_close(reader);
  }
  torpor_bytes_free(&list);
  return status;
}
