/* SPDX-License-Identifier: MIT */
/* extension-find.c - finding the extension that a VM or a snapshot needs.
 *
 * Those that ship are linked. Others are shared objects that 'torpor extension
 * build' made; a VM that is told their path loads them, and a snapshot, which
 * has only their hash, finds them by that: among those that this process has
 * loaded already, then as <hash>.so in the folders of folder.c. So those that
 * ship lie there as well: an older snapshot finds them when newer ones are
 * linked. What was loaded once stays, since VMs point to it.
 *
 * An extension's .so is code: whoever may write to these folders may run code
 * in this process. A snapshot only names one, by 64 hex digits.
 *
 * Any thread; one lock. */
#include "vm/extensions/extension-find.h"

#include <stdio.h>
#include <string.h>

#include "torpor/extension-functions.h"

#include "common/alloc.h"
#include "vm/common/error.h"
#include "vm/engines/folder.h"
#include "wasm/mutex.h"
#include "wasm/os.h"
#include "wasm/runtime.h"

#define SYMBOL "torpor__extension_here"
#define KNOWN_MOST 256
#define MODULE_LARGEST ((size_t)16 << 20)
#define FOUND_NOWHERE UINT32_MAX
#define NO_MEMORY "no memory for an extension"

static torpor__extension_known *known[KNOWN_MOST];
static size_t known_count;

static const char *const function_names[] = {
#define X(name) #name,
    TORPOR_EXTENSION_FUNCTIONS(X)
#undef X
};
enum { FUNCTIONS = sizeof function_names / sizeof *function_names };

/* ---- What an extension says of itself -------------------------------------*/

static bool is_text(const char text[TORPOR__EXTENSION_NAME_SIZE]) {
  return memchr(text, 0, TORPOR__EXTENSION_NAME_SIZE) != NULL;
}

static bool parse_hash(const char *id, uint8_t hash[32]) {
  for (int i = 0; i < 32; i++) {
    unsigned byte;
    if (strspn(id + 2 * i, "0123456789abcdef") < 2 ||
        sscanf(id + 2 * i, "%2x", &byte) != 1)
      return false;
    hash[i] = (uint8_t)byte;
  }
  return id[64] == 0;
}

/* What is wrong with it, and what to do; NULL: nothing. */
static const char *find_fault(const torpor__extension *extension) {
  if (!extension) return "it is not an extension";
  if (extension->table_version != TORPOR__EXTENSION_TABLE_VERSION ||
      extension->size != sizeof(*extension))
    return "it was made for another Torpor; make it again with 'torpor "
           "extension build'";
#ifdef TORPOR_SOFT_BOUNDS
  if (!extension->soft_bounds)
#else
  if (extension->soft_bounds)
#endif
    return "it and this Torpor differ in TORPOR_SOFT_BOUNDS";
  if (!is_text(extension->name) || !is_text(extension->version) ||
      memchr(extension->id, 0, sizeof(extension->id)) == NULL ||
      extension->memory_align > 16 || extension->table_align > 16 ||
      extension->data_size > extension->memory_size)
    return "it is damaged";
  return NULL;
}

static uint32_t find_function(const char *name) {
  for (uint32_t i = 0; i < FUNCTIONS; i++)
    if (strcmp(function_names[i], name) == 0) return i;
  return FOUND_NOWHERE;
}

/* ---- Those that are known -------------------------------------------------*/

static void forget(torpor__extension_known *one) {
  if (!one) return;
  torpor__alloc_free(one->functions);
  torpor__alloc_free(one->pointers);
  torpor__alloc_free(one->types);
  torpor__alloc_free(one);
}

static bool take_imports(torpor__extension_known *one) {
  const torpor__extension *extension = one->extension;
  size_t imports = extension->import_count, pointers = extension->pointer_count;
  one->functions = torpor__alloc((imports + 1) * sizeof(*one->functions));
  one->types = torpor__alloc((imports + 1) * sizeof(*one->types));
  one->pointers = torpor__alloc((pointers + 1) * sizeof(*one->pointers));
  if (!one->functions || !one->types || !one->pointers) return false;
  for (size_t i = 0; i < imports; i++) {
    one->functions[i] = find_function(extension->imports[i].name);
    one->types[i] = torpor__type_number(extension->imports[i].type);
  }
  for (size_t i = 0; i < pointers; i++)
    one->pointers[i] = find_function(extension->pointers[i]);
  return true;
}

static const torpor__extension_known *find_known(const uint8_t hash[32]) {
  for (size_t i = 0; i < known_count; i++)
    if (memcmp(known[i]->hash, hash, sizeof(known[i]->hash)) == 0)
      return known[i];
  return NULL;
}

static torpor__extension_known *make_known(const torpor__extension *extension,
                                           const uint8_t hash[32]) {
  torpor__extension_known *one = torpor__alloc(sizeof(*one));
  if (!one) return NULL;
  memset(one, 0, sizeof(*one));
  one->extension = extension;
  memcpy(one->hash, hash, sizeof(one->hash));
  if (take_imports(one)) return one;
  forget(one);
  return NULL;
}

/* One with this hash may be there already. */
static torpor_status add_known(const torpor__extension *extension,
                               const torpor__extension_known **out) {
  torpor__extension_known *one;
  uint8_t hash[32];
  if (!parse_hash(extension->id, hash))
    return torpor__fail(NULL, TORPOR_EXTENSION, "the extension is damaged");
  *out = find_known(hash);
  if (*out) return TORPOR_OK;
  if (known_count == KNOWN_MOST)
    return torpor__fail(NULL, TORPOR_EXTENSION,
                        "the process has loaded %d extensions, as many as it "
                        "can",
                        KNOWN_MOST);
  one = make_known(extension, hash);
  if (!one) return torpor__fail(NULL, TORPOR_NOMEM, NO_MEMORY);
  *out = known[known_count++] = one;
  return TORPOR_OK;
}

/* ---- Those that ship ------------------------------------------------------*/

static bool has_hash(const torpor__extension *extension,
                     const uint8_t hash[32]) {
  uint8_t own[32];
  return parse_hash(extension->id, own) && memcmp(own, hash, sizeof(own)) == 0;
}

static const torpor__extension *shipped_with(const uint8_t hash[32]) {
  const torpor__extension *const *at = torpor__extensions_shipped;
  while (*at && !has_hash(*at, hash)) at++;
  return *at;
}

static const torpor__extension *shipped_as(const char *name) {
  const torpor__extension *const *at = torpor__extensions_shipped;
  while (*at && strcmp((*at)->name, name) != 0) at++;
  return *at;
}

/* ---- Those in files -------------------------------------------------------*/

static torpor_status fail_file(const char *path, const char *why) {
  return torpor__fail(NULL, TORPOR_EXTENSION, "%s cannot be loaded: %s", path,
                      why);
}

static torpor_status load_file(const char *path,
                               const torpor__extension_known **out) {
  const torpor__extension *extension;
  void *library = torpor__os_library_open(path);
  const char *why;
  if (!library)
    return fail_file(path, torpor__os_path_exists(path)
                               ? "it is not a shared object; make one with "
                                 "'torpor extension build'"
                               : "there is no such file");
  extension = torpor__os_library_find(library, SYMBOL);
  why = find_fault(extension);
  if (why) {
    torpor__os_library_close(library);
    return fail_file(path, why);
  }
  extension->use_runtime(&torpor__wasm_runtime_here);
  return add_known(extension, out);
}

/* Where 'torpor extension build' puts what it makes; false: nowhere. */
static bool put_cache(char *path, size_t size) {
  const char *cache = torpor__os_setting("XDG_CACHE_HOME");
  const char *home = torpor__os_setting("HOME");
  bool is_given = cache && *cache;
  int length;
  if (!is_given && !home) return false;
  length = snprintf(path, size, "%s%s/torpor/extensions",
                    is_given ? cache : home, is_given ? "" : "/.cache");
  return length > 0 && (size_t)length < size;
}

/* Puts 'folder'/<hash><suffix>; whether there is such a file. */
static bool put_file(const char *folder, const uint8_t hash[32],
                     const char *suffix, char *path, size_t size) {
  char id[65];
  int length;
  for (int i = 0; i < 32; i++) snprintf(id + 2 * i, 3, "%02x", hash[i]);
  length = snprintf(path, size, "%s/%s%s", folder, id, suffix);
  return *folder && length > 0 && (size_t)length < size &&
         torpor__os_path_exists(path);
}

/* The one in 'folder'/<hash>.so; '*out' stays NULL if there is no such file, or
 * it is not that. NOMEM. */
static torpor_status load_from(const char *folder, const uint8_t hash[32],
                               const torpor__extension_known **out) {
  char path[TORPOR__OS_PATH_LARGEST];
  torpor_status status;
  if (!put_file(folder, hash, ".so", path, sizeof(path))) return TORPOR_OK;
  status = load_file(path, out);
  if (*out && memcmp((*out)->hash, hash, sizeof((*out)->hash)) != 0)
    *out = NULL;
  return status == TORPOR_NOMEM ? status : TORPOR_OK;
}

static torpor_status load_hash(const uint8_t hash[32],
                               const torpor__extension_known **out) {
  torpor_status status = TORPOR_OK;
  char folder[TORPOR__OS_PATH_LARGEST];
  for (size_t i = 0; status == TORPOR_OK && !*out &&
                     torpor__folder("TORPOR_EXTENSION_PATH", "extensions", i,
                                    folder, sizeof(folder));
       i++)
    status = load_from(folder, hash, out);
  if (status == TORPOR_OK && !*out && put_cache(folder, sizeof(folder)))
    status = load_from(folder, hash, out);
  return status;
}

/* ---- Side modules ---------------------------------------------------------*/

static torpor_status fail_reading(const char *path) {
  return fail_file(path, "it cannot be read");
}

static torpor_status read_stream(const char *path, FILE *file,
                                 torpor_bytes *out) {
  out->data = torpor__alloc(MODULE_LARGEST);
  if (!out->data) return torpor__fail(NULL, TORPOR_NOMEM, NO_MEMORY);
  out->size = fread(out->data, 1, MODULE_LARGEST, file);
  if (ferror(file) || out->size == MODULE_LARGEST) {
    torpor_bytes_free(out);
    return fail_reading(path);
  }
  uint8_t *fitting = torpor__alloc_resize(out->data, out->size + 1);
  if (fitting) out->data = fitting;
  return TORPOR_OK;
}

/* A file, and its SHA-256. */
static torpor_status read_module(const char *path, torpor_bytes *out,
                                 uint8_t hash[32]) {
  FILE *file = fopen(path, "rbe");
  torpor_status status;
  *out = (torpor_bytes){NULL, 0};
  if (!file) return fail_reading(path);
  status = read_stream(path, file, out);
  fclose(file);
  if (status != TORPOR_OK) return status;
  status = torpor_snapshot_identify(out->data, out->size, hash);
  if (status != TORPOR_OK) torpor_bytes_free(out);
  return status;
}

static torpor_status hash_file(const char *path, uint8_t hash[32]) {
  torpor_bytes module;
  torpor_status status = read_module(path, &module, hash);
  torpor_bytes_free(&module);
  return status;
}

/* '*out' is NULL if there is none. NOMEM. */
static torpor_status find_with(const uint8_t hash[32],
                               const torpor__extension_known **out) {
  const torpor__extension *shipped;
  *out = find_known(hash);
  if (*out) return TORPOR_OK;
  shipped = shipped_with(hash);
  return shipped ? add_known(shipped, out) : load_hash(hash, out);
}

static torpor_status load_module(const char *path,
                                 const torpor__extension_known **out) {
  uint8_t hash[32];
  torpor_status status = hash_file(path, hash);
  if (status == TORPOR_OK) status = find_with(hash, out);
  if (status != TORPOR_OK || *out) return status;
  return torpor__fail(
      NULL, TORPOR_EXTENSION,
      "%s cannot be loaded: there is no native code of it; make "
      "it with 'torpor extension build %s'",
      path, path);
}

static bool is_module(const char *path) {
  size_t size = strlen(path), suffix = sizeof(".wasm") - 1;
  return size > suffix && strcmp(path + size - suffix, ".wasm") == 0;
}

/* ---- Finding --------------------------------------------------------------*/

torpor_status torpor__extension_with(const uint8_t hash[32],
                                     const torpor__extension_known **out) {
  torpor_status status;
  torpor__mutex_take(TORPOR__MUTEX_EXTENSIONS);
  status = find_with(hash, out);
  torpor__mutex_give(TORPOR__MUTEX_EXTENSIONS);
  return status;
}

static torpor_status find_named(const char *name,
                                const torpor__extension_known **out) {
  const torpor__extension *shipped = shipped_as(name);
  torpor_status status;
  if (!shipped)
    return torpor__fail(NULL, TORPOR_EXTENSION,
                        "no extension '%.64s' ships with Torpor; give the path "
                        "of its file, with a slash in it",
                        name);
  torpor__mutex_take(TORPOR__MUTEX_EXTENSIONS);
  status = add_known(shipped, out);
  torpor__mutex_give(TORPOR__MUTEX_EXTENSIONS);
  return status;
}

static torpor_status find_hashed(const char *id, const uint8_t hash[32],
                                 const torpor__extension_known **out) {
  torpor_status status = torpor__extension_with(hash, out);
  if (status != TORPOR_OK || *out) return status;
  return torpor__fail(NULL, TORPOR_EXTENSION,
                      "there is no native code of the extension whose module "
                      "has the SHA-256 %s; make it of that with 'torpor "
                      "extension build'",
                      id);
}

torpor_status torpor__extension_added(const char *path,
                                      const torpor__extension_known **out) {
  torpor_status status;
  *out = NULL;
  torpor__mutex_take(TORPOR__MUTEX_EXTENSIONS);
  status = is_module(path) ? load_module(path, out) : load_file(path, out);
  torpor__mutex_give(TORPOR__MUTEX_EXTENSIONS);
  return status;
}

/* '*out' stays empty if there is no such file, or it is not that. NOMEM. */
static torpor_status read_from(const char *folder, const uint8_t hash[32],
                               torpor_bytes *out) {
  char path[TORPOR__OS_PATH_LARGEST];
  uint8_t own[32];
  torpor_status status;
  if (!put_file(folder, hash, ".wasm", path, sizeof(path))) return TORPOR_OK;
  status = read_module(path, out, own);
  if (status == TORPOR_OK && memcmp(own, hash, sizeof(own)) != 0)
    torpor_bytes_free(out);
  return status == TORPOR_NOMEM ? status : TORPOR_OK;
}

torpor_status torpor__extension_module(const char *name, torpor_bytes *out) {
  const torpor__extension_known *known;
  torpor_status status = find_named(name, &known);
  char folder[TORPOR__OS_PATH_LARGEST];
  *out = (torpor_bytes){NULL, 0};
  for (size_t i = 0; status == TORPOR_OK && !out->data &&
                     torpor__folder("TORPOR_EXTENSION_PATH", "extensions", i,
                                    folder, sizeof(folder));
       i++)
    status = read_from(folder, known->hash, out);
  if (status != TORPOR_OK || out->data) return status;
  return torpor__fail(NULL, TORPOR_EXTENSION,
                      "the module of extension '%.64s' is not installed: %s."
                      "wasm lies neither in lib/torpor/extensions nor in a "
                      "folder of TORPOR_EXTENSION_PATH",
                      name, known->extension->id);
}

torpor_status torpor__extension_find(const char *extension,
                                     const torpor__extension_known **out) {
  uint8_t hash[32];
  *out = NULL;
  if (strchr(extension, '/')) return torpor__extension_added(extension, out);
  return parse_hash(extension, hash) ? find_hashed(extension, hash, out)
                                     : find_named(extension, out);
}
