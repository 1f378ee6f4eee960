/* SPDX-License-Identifier: MIT */
/* engine.c - finding the engine that a VM or a snapshot needs.
 *
 * The built-in engine is linked, others are loaded from the folders that
 * engine-file.c knows, when they are first asked for. What was loaded once
 * stays, since VMs point to it.
 *
 * Any thread; one lock. */
#include "vm/engines/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "torpor-engine.h"
#include "vm/common/error.h"
#include "wasm/mutex.h"
#include "wasm/os.h"

#define SUFFIX ".so"
#define LOADED_LARGEST 64
#define OTHER_ENGINE "its file holds another engine; install it again"

/* Hex digits of an id. */
enum { ID_SIZE = sizeof(torpor__engine_builtin.id) - 1 };

static const torpor__engine *loaded[LOADED_LARGEST];
static size_t loaded_count;

/* ---- Finding --------------------------------------------------------------*/

static const torpor__engine *find_loaded(const char *id) {
  for (size_t i = 0; i < loaded_count; i++)
    if (strcmp(loaded[i]->id, id) == 0) return loaded[i];
  return NULL;
}

/* 'folder'/'id'.so, when there is such a file. */
static bool put_path(const char *folder, const char *id, char *path,
                     size_t size) {
  int length = snprintf(path, size, "%s/%s" SUFFIX, folder, id);
  return folder[0] && length > 0 && (size_t)length < size &&
         torpor__os_path_exists(path);
}

/* Loads engine 'id' from the first folder that has a good one. */
static const torpor__engine *load_engine(const char *id, const char **why) {
  char folder[TORPOR__OS_PATH_LARGEST], path[TORPOR__OS_PATH_LARGEST];
  for (size_t i = 0; torpor__engine_folder(i, folder, sizeof(folder)); i++) {
    torpor__engine *engine;
    if (!put_path(folder, id, path, sizeof(path))) continue;
    engine = torpor__engine_load(path, why);
    if (engine && strcmp(engine->id, id) == 0) return engine;
    if (engine) *why = OTHER_ENGINE;
    torpor__alloc_free(engine);
  }
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
      "it is not installed; add it with 'torpor engine add', or name its "
      "folder in TORPOR_ENGINE_PATH";
  engine = load_engine(id, why);
  if (engine) loaded[loaded_count++] = engine;
  return engine;
}

const torpor__engine *torpor__engine_find(const char *id, const char **why) {
  const torpor__engine *engine;
  const char *reason;
  if (!why) why = &reason;
  if (!id || strcmp(id, torpor__engine_builtin.id) == 0)
    return &torpor__engine_builtin;
  if (!torpor__engine_is_id(id, strlen(id))) {
    *why = "an engine id has 64 lower-case hex digits";
    return NULL;
  }
  torpor__mutex_take(TORPOR__MUTEX_ENGINES);
  engine = find_other(id, why);
  torpor__mutex_give(TORPOR__MUTEX_ENGINES);
  return engine;
}

/* ---- For people -----------------------------------------------------------*/

static void describe(const torpor__engine *engine, torpor_engine_info *info) {
  snprintf(info->id, sizeof(info->id), "%s", engine->id);
  snprintf(info->quickjs, sizeof(info->quickjs), "%s", engine->quickjs);
  info->abi = engine->abi_version;
}

torpor_status torpor_engine_read(const char *path, torpor_engine_info *info) {
  torpor_engine_info own = TORPOR_ENGINE_INFO_INIT;
  torpor__engine found;
  bool usable;
  TORPOR__REQUIRE(NULL, path);
  TORPOR__REQUIRE(NULL, info);
  TORPOR__REQUIRE_SIZE(NULL, info, "TORPOR_ENGINE_INFO_INIT");
  own.path = path;
  usable = torpor__engine_peek(path, &found, &own.unusable);
  describe(&found, &own);
  torpor__sized_give(info, &own, sizeof(own));
  if (usable) return TORPOR_OK;
  return torpor__fail(NULL, TORPOR_ENGINE, "%s: %s", path, own.unusable);
}

torpor_status torpor_engine_folder(char *path, size_t size) {
  char folder[TORPOR__OS_PATH_LARGEST];
  size_t count = 0;
  const char *entry = torpor__os_setting("TORPOR_ENGINE_PATH");
  TORPOR__REQUIRE(NULL, path);
  if (!entry || !*entry)
    while (torpor__engine_folder(count, folder, sizeof(folder))) count++;
  if (!torpor__engine_folder(count ? count - 1 : 0, folder, sizeof(folder)) ||
      !folder[0] || strlen(folder) >= size)
    return torpor__fail(NULL, TORPOR_LIMIT,
                        "there is no folder for engines, or its path is longer "
                        "than %zu bytes",
                        size);
  memcpy(path, folder, strlen(folder) + 1);
  return TORPOR_OK;
}

/* A search through a folder. */
typedef struct folder_search {
  const char *folder;
  torpor_engine_visit_fn visit;
  void *user;
} folder_search;

/* One file of a folder: what it holds, if its name is that of an engine. */
static bool visit_file(void *user, const char *name) {
  const folder_search *search = user;
  size_t length = strlen(name);
  torpor_engine_info info = TORPOR_ENGINE_INFO_INIT;
  char path[TORPOR__OS_PATH_LARGEST], id[ID_SIZE + 1];
  if (length != ID_SIZE + strlen(SUFFIX) ||
      strcmp(name + ID_SIZE, SUFFIX) != 0 ||
      !torpor__engine_is_id(name, ID_SIZE))
    return true;
  memcpy(id, name, ID_SIZE);
  id[ID_SIZE] = 0;
  if (!put_path(search->folder, id, path, sizeof(path))) return true;
  if (torpor_engine_read(path, &info) == TORPOR_OK && strcmp(info.id, id) != 0)
    info.unusable = OTHER_ENGINE;
  memcpy(info.id, id, sizeof(id));
  return search->visit(search->user, &info);
}

static bool visit_folder(const char *folder, torpor_engine_visit_fn visit,
                         void *user) {
  folder_search search = {folder, visit, user};
  if (!folder[0]) return true;
  return torpor__os_folder_each(folder, visit_file, &search);
}

void torpor_engine_each(torpor_engine_visit_fn visit, void *user) {
  torpor_engine_info info = TORPOR_ENGINE_INFO_INIT;
  char folder[TORPOR__OS_PATH_LARGEST];
  bool more;
  if (!visit) return;
  describe(&torpor__engine_builtin, &info);
  more = visit(user, &info);
  for (size_t i = 0; more && torpor__engine_folder(i, folder, sizeof(folder));
       i++)
    more = visit_folder(folder, visit, user);
}
