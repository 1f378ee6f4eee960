/* SPDX-License-Identifier: MIT */
/* engine.c - finding the engine that a VM or a snapshot needs.
 *
 * The built-in engine is linked. Others are shared objects named <id>.so, each
 * with one symbol, in the folders
 *
 *   of TORPOR_ENGINE_PATH (separated by colons; not in set-user-id programs),
 *   <folder of libtorpor.so>/torpor/engines,
 *   <folder of the executable>/../lib/torpor/engines.
 *
 * An engine is code: whoever may write to these folders may run code in this
 * process. A snapshot only names one, by 64 hex digits, so it cannot lead
 * elsewhere. What was loaded once stays, since VMs point to it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vm/vm.h"

#define ENGINE_SYMBOL "torpor__engine_builtin"
#define ID_SIZE 64
#define LOADED_LARGEST 64

static pthread_mutex_t engines_lock = PTHREAD_MUTEX_INITIALIZER;
static const torpor__engine *loaded[LOADED_LARGEST];
static size_t loaded_count;

static bool is_id(const char *id) {
  return strlen(id) == ID_SIZE && strspn(id, "0123456789abcdef") == ID_SIZE;
}

/* ---- Loading --------------------------------------------------------------*/

/* Whether what 'file' brought can be used as engine 'id'. */
static bool check_engine(const torpor__engine *engine, const char *id,
                         const char **why) {
  if (!engine)
    *why = "its file is not an engine; install it again";
  else if (engine->table_version != TORPOR__ENGINE_TABLE_VERSION ||
           engine->abi_version != TORPOR_ABI_VERSION)
    *why =
        "it was built for another version of Torpor; install the one that "
        "belongs to this version";
  else if (strcmp(engine->id, id) != 0)
    *why = "its file holds another engine; install it again";
  else
    return true;
  return false;
}

/* Loads 'folder'/'id'.so. NULL: no such file, or 'why' says what is wrong. */
static const torpor__engine *load(const char *folder, size_t size,
                                  const char *id, const char **why) {
  char path[PATH_MAX];
  const torpor__engine *engine;
  void *library;
  int length =
      snprintf(path, sizeof(path), "%.*s/%s.so", (int)size, folder, id);
  if (length < 0 || (size_t)length >= sizeof(path)) return NULL;
  if (access(path, F_OK) != 0) return NULL;
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    *why = "its file cannot be loaded; install it again";
    return NULL;
  }
  engine = dlsym(library, ENGINE_SYMBOL);
  if (check_engine(engine, id, why)) {
    engine->use_runtime(&torpor__wasm_runtime_here);
    return engine;
  }
  dlclose(library);
  return NULL;
}

static const torpor__engine *load_from_path(const char *id, const char **why) {
  const char *folder = secure_getenv("TORPOR_ENGINE_PATH");
  const torpor__engine *engine = NULL;
  while (folder && *folder && !engine) {
    size_t size = strcspn(folder, ":");
    engine = load(folder, size, id, why);
    folder += size + (folder[size] == ':');
  }
  return engine;
}

/* From the folder 'below' the one that holds 'file'. */
static const torpor__engine *load_beside(const char *file, const char *below,
                                         const char *id, const char **why) {
  char folder[PATH_MAX];
  const char *slash = strrchr(file, '/');
  int length;
  if (!slash) return NULL;
  length = snprintf(folder, sizeof(folder), "%.*s/%s", (int)(slash - file),
                    file, below);
  if (length < 0 || (size_t)length >= sizeof(folder)) return NULL;
  return load(folder, (size_t)length, id, why);
}

static const torpor__engine *load_installed(const char *id, const char **why) {
  const torpor__engine *engine = NULL;
  char program[PATH_MAX];
  Dl_info own;
  ssize_t size;
  if (dladdr(&loaded_count, &own) && own.dli_fname)
    engine = load_beside(own.dli_fname, "torpor/engines", id, why);
  if (engine) return engine;
  size = readlink("/proc/self/exe", program, sizeof(program) - 1);
  if (size <= 0) return NULL;
  program[size] = 0;
  return load_beside(program, "../lib/torpor/engines", id, why);
}

/* ---- Finding --------------------------------------------------------------*/

static const torpor__engine *find_loaded(const char *id) {
  for (size_t i = 0; i < loaded_count; i++)
    if (strcmp(loaded[i]->id, id) == 0) return loaded[i];
  return NULL;
}

static const torpor__engine *find_other(const char *id, const char **why) {
  const torpor__engine *engine = find_loaded(id);
  if (engine) return engine;
  if (loaded_count == LOADED_LARGEST) {
    *why = "too many engines are loaded; use another process";
    return NULL;
  }
  *why =
      "it is not installed; put its .so into lib/torpor/engines or name its "
      "folder in TORPOR_ENGINE_PATH";
  engine = load_from_path(id, why);
  if (!engine) engine = load_installed(id, why);
  if (engine) loaded[loaded_count++] = engine;
  return engine;
}

const torpor__engine *torpor__engine_find(const char *id, const char **why) {
  const torpor__engine *engine;
  const char *reason;
  if (!why) why = &reason;
  if (!id || strcmp(id, torpor__engine_builtin.id) == 0)
    return &torpor__engine_builtin;
  if (!is_id(id)) {
    *why = "an engine id has 64 lower-case hex digits";
    return NULL;
  }
  pthread_mutex_lock(&engines_lock);
  engine = find_other(id, why);
  pthread_mutex_unlock(&engines_lock);
  return engine;
}
