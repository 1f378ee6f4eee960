/* SPDX-License-Identifier: MIT */
/* engine-file.c - engines in files: where they lie, and loading one.
 *
 * An engine is a shared object with one symbol, named <id>.so, in one of the
 * folders
 *
 *   of TORPOR_ENGINE_PATH (separated by colons; not in set-user-id programs),
 *   <folder of libtorpor.so>/torpor/engines,
 *   <folder of the executable>/../lib/torpor/engines.
 *
 * An engine is code: whoever may write to these folders may run code in this
 * process. A snapshot only names one, by 64 hex digits, so it cannot lead
 * elsewhere.
 *
 * What is loaded is copied into an object of today's size: that of an older
 * engine is shorter (vm/engines/engine.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/engines/engine.h"
#include "vm/engines/folder.h"
#include "wasm/os.h"

#define ENGINE_SYMBOL "torpor__engine_builtin"

/* Hex digits of an id. */
enum { ID_SIZE = sizeof(torpor__engine_builtin.id) - 1 };

bool torpor__engine_is_id(const char *text, size_t size) {
  return size == ID_SIZE && strspn(text, "0123456789abcdef") >= ID_SIZE;
}

bool torpor__engine_folder(size_t index, char *path, size_t size) {
  return torpor__folder("TORPOR_ENGINE_PATH", "engines", index, path, size);
}

/* ---- Loading --------------------------------------------------------------*/

bool torpor__engine_check(const torpor__engine *engine, const char **why) {
  *why = NULL;
  if (!engine)
    *why = "its file is not an engine; install it again";
  else if (engine->table_version < TORPOR__ENGINE_TABLE_VERSION)
    *why =
        "its file was made by an older Torpor; make it again from its "
        "engine.wasm with 'torpor engine add'";
  else if (engine->table_version > TORPOR__ENGINE_TABLE_VERSION ||
           engine->abi_version > TORPOR_ABI_VERSION ||
           engine->size > sizeof(torpor__engine))
    *why = "it was made for a newer Torpor; use that";
  else if (engine->abi_version < TORPOR__ENGINE_ABI_OLDEST)
    *why = "it is older than what this Torpor can use; use an older Torpor";
  else if (engine->soft_bounds != TORPOR__ENGINE_SOFT_BOUNDS)
    *why =
        "its file and this Torpor differ in TORPOR_SOFT_BOUNDS; make it again "
        "from its engine.wasm with 'torpor engine add'";
  else if (engine->size <= offsetof(torpor__engine, exports) ||
           !torpor__engine_is_id(engine->id, strnlen(engine->id, ID_SIZE + 1)))
    *why = "its file is damaged; install it again";
  else
    *why = torpor__engine_fault(engine);
  return *why == NULL;
}

void torpor__engine_copy(const torpor__engine *engine, torpor__engine *copy) {
  size_t size = engine->size < sizeof(*copy) ? engine->size : sizeof(*copy);
  memset(copy, 0, sizeof(*copy));
  memcpy(copy, engine, size);
}

/* The engine that 'path' holds, which may be one that we do not understand;
 * NULL: it holds none. */
static const torpor__engine *open_engine(const char *path, void **library,
                                         const char **why) {
  *library = torpor__os_library_open(path);
  if (*library) return torpor__os_library_find(*library, ENGINE_SYMBOL);
  *why = "its file cannot be loaded; install it again";
  return NULL;
}

bool torpor__engine_peek(const char *path, torpor__engine *found,
                         const char **why) {
  void *library;
  const torpor__engine *engine = open_engine(path, &library, why);
  bool usable = library && torpor__engine_check(engine, why);
  memset(found, 0, sizeof(*found));
  if (engine && engine->table_version == TORPOR__ENGINE_TABLE_VERSION)
    torpor__engine_copy(engine, found);
  if (library) torpor__os_library_close(library);
  return usable;
}

torpor__engine *torpor__engine_load(const char *path, const char **why) {
  void *library;
  const torpor__engine *engine = open_engine(path, &library, why);
  torpor__engine *copy;
  if (!library) return NULL;
  if (torpor__engine_check(engine, why)) {
    copy = torpor__alloc(sizeof(*copy));
    if (copy) {
      torpor__engine_copy(engine, copy);
      copy->use_runtime(&torpor__wasm_runtime_here);
      return copy;
    }
    *why = "there is no memory for it";
  }
  torpor__os_library_close(library);
  return NULL;
}
