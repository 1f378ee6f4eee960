/* SPDX-License-Identifier: MIT */
/* module-file.c - where C modules come from: linked in, or a shared object.
 *
 * A shared object is never taken out of the process again: a thread of it might
 * run still, and finalizers are in it.
 *
 *  (1) Nothing but its size and interface is believed of a definition until
 *      these are right.
 *
 * Any thread. */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/array.h"
#include "loop/modules/module.h"
#include "loop/path.h"

/* ---- What a module says of itself ----------------------------------------*/

torpor_status torpor__module_ask(torpor_module_init_fn init,
                                 const torpor_module_def **out) {
  const torpor_module_def *def = init();
  if (def == NULL || def->size < offsetof(torpor_module_def, flags))
    return TORPOR_FORMAT;
  *out = def;
  if (def->interface > TORPOR_MODULE_INTERFACE) return TORPOR_NEWER;
  if (def->interface < TORPOR_MODULE_INTERFACE ||
      def->size < sizeof(torpor_module_def) || def->start == NULL ||
      !torpor__module_is_name(def->name, TORPOR__MODULE_NAME_LARGEST, '_'))
    return TORPOR_FORMAT;
  return TORPOR_OK;
}

/* ---- Linked in -----------------------------------------------------------*/

struct linked {
  char *name;
  torpor_module_init_fn init;
  const torpor_module_def *def;
};

/* Grows only; the process keeps it. */
static struct {
  uv_mutex_t lock;
  struct linked *items;
  size_t count, capacity;
} registry;

static void init_lock(void) {
  if (uv_mutex_init(&registry.lock) != 0) abort();
}

static void lock_registry(void) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, init_lock);
  uv_mutex_lock(&registry.lock);
}

static const struct linked *find_linked(const char *name) {
  for (size_t i = 0; i < registry.count; i++)
    if (strcmp(registry.items[i].name, name) == 0) return &registry.items[i];
  return NULL;
}

static torpor_status add_linked(const char *name, torpor_module_init_fn init,
                                const torpor_module_def *def) {
  const struct linked *same = find_linked(name);
  if (same != NULL) return same->init == init ? TORPOR_OK : TORPOR_EXISTS;
  char *copy = strdup(name);
  if (copy == NULL ||
      !torpor__array_reserve(&registry.items, &registry.capacity,
                             registry.count + 1, sizeof(*registry.items))) {
    free(copy);
    return TORPOR_NOMEM;
  }
  registry.items[registry.count++] = (struct linked){copy, init, def};
  return TORPOR_OK;
}

torpor_status torpor_module_register(const char *name,
                                     torpor_module_init_fn init) {
  const torpor_module_def *def;
  if (init == NULL ||
      !torpor__module_is_name(name, TORPOR__MODULE_NAME_LARGEST, '-'))
    return TORPOR_MISUSE;
  torpor_status status = torpor__module_ask(init, &def);
  if (status != TORPOR_OK) return status;
  lock_registry();
  status = add_linked(name, init, def);
  uv_mutex_unlock(&registry.lock);
  return status;
}

const torpor_module_def *torpor__module_linked(const char *name) {
  lock_registry();
  const struct linked *found = find_linked(name);
  const torpor_module_def *def = found == NULL ? NULL : found->def;
  uv_mutex_unlock(&registry.lock);
  return def;
}

const torpor_module_def *torpor__module_linked_as(const char *name) {
  const torpor_module_def *def = NULL;
  lock_registry();
  for (size_t i = 0; i < registry.count && def == NULL; i++)
    if (strcmp(registry.items[i].def->name, name) == 0)
      def = registry.items[i].def;
  uv_mutex_unlock(&registry.lock);
  return def;
}

bool torpor__module_any_linked(void) {
  lock_registry();
  bool any = registry.count > 0;
  uv_mutex_unlock(&registry.lock);
  return any;
}

/* ---- Shared objects ------------------------------------------------------*/

/* What the dynamic linker said, without the path, which is named already. */
static const char *linker_text(const char *path) {
  const char *text = dlerror();
  size_t size = strlen(path);
  if (text == NULL) return "it cannot be loaded";
  if (strncmp(text, path, size) == 0 && strncmp(text + size, ": ", 2) == 0)
    text += size + 2;
  return text;
}

static torpor_status fail_linking(const char *path, torpor_bytes *sentence) {
  const char *text = linker_text(path);
  const char *advice = "";
  if (strstr(text, "undefined symbol: torpor_") != NULL)
    advice = "; it uses a function that this Torpor " TORPOR_VERSION
             " does not have, or does not export to it";
  torpor_status status =
      torpor__format(sentence, "loading %s: %s%s", path, text, advice);
  return status == TORPOR_OK ? TORPOR_FORMAT : status;
}

static torpor_status fail_asking(const char *path, torpor_status why,
                                 const torpor_module_def *def,
                                 torpor_bytes *sentence) {
  torpor_status status;
  if (def != NULL && def->interface != TORPOR_MODULE_INTERFACE)
    status = torpor__format(
        sentence,
        "loading %s: it was made for version %u of the module interface, and "
        "this Torpor %s has version %u; compile it against the headers of this "
        "one",
        path, def->interface, TORPOR_VERSION,
        (unsigned)TORPOR_MODULE_INTERFACE);
  else
    status = torpor__format(
        sentence,
        "loading %s: what its torpor_module_init gives is no definition of a "
        "module; use TORPOR_MODULE_DEFINE",
        path);
  return status == TORPOR_OK ? why : status;
}

torpor_status torpor__module_load(const char *path,
                                  const torpor_module_def **out,
                                  torpor_bytes *sentence) {
  torpor_status status;
  *out = NULL;
  if (access(path, R_OK) != 0) {
    int failure = errno;
    status =
        torpor__format(sentence, "loading %s: %s", path, uv_strerror(-failure));
    if (status != TORPOR_OK) return status;
    return failure == ENOENT ? TORPOR_NOT_FOUND : TORPOR_IO;
  }
  dlerror();
  void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (object == NULL) return fail_linking(path, sentence);
  void *symbol = dlsym(object, "torpor_module_init");
  dlclose(object);
  if (symbol == NULL) {
    status = torpor__format(sentence,
                            "loading %s: it is no C module of Torpor: it has "
                            "no function torpor_module_init, see "
                            "TORPOR_MODULE_DEFINE",
                            path);
    return status == TORPOR_OK ? TORPOR_FORMAT : status;
  }
  torpor_module_init_fn init;
  memcpy(&init, &symbol, sizeof(init));
  status = torpor__module_ask(init, out);
  return status == TORPOR_OK ? TORPOR_OK
                             : fail_asking(path, status, *out, sentence);
}
