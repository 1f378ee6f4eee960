/* SPDX-License-Identifier: MIT */
/* extension.c - the native extensions that a run keeps. See extension.h. */
#define _GNU_SOURCE /* memmem */
#include "run/state/extension.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"

enum { TITLE_SIZE = 64 };

#define MODULE_LARGEST ((size_t)16 << 20)

static torpor_slice slice_of(const torpor_bytes *bytes) {
  return (torpor_slice){.data = bytes->data, .size = bytes->size};
}

/* ---- Native code ----------------------------------------------------------*/

/* What the module calls itself, for messages: it may be damaged. */
static void put_title(torpor_slice module, char title[TITLE_SIZE]) {
  static const char section[] = "torpor.extension", key[] = "\nname=";
  const char *end = (const char *)module.data + module.size;
  const char *at =
      memmem(module.data, module.size, section, sizeof section - 1);
  if (at != NULL) at = memmem(at, (size_t)(end - at), key, sizeof key - 1);
  size_t size = 0;
  for (at = at != NULL ? at + sizeof key - 1 : end;
       at < end && size < TITLE_SIZE - 1 &&
       strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *at) != NULL && *at;
       at++)
    title[size++] = *at;
  title[size] = '\0';
}

static torpor_status fail_native(torpor_store *store, const char *run,
                                 torpor_slice module) {
  char why[TORPOR__DATABASE_MESSAGE_MAX], title[TITLE_SIZE];
  snprintf(why, sizeof why, "%s", torpor_last_error(NULL));
  put_title(module, title);
  return torpor__database_fail(
      store->database, TORPOR_EXTENSION, "%s%s%sextension '%s': %.300s",
      run != NULL ? "run '" : "", run != NULL ? run : "",
      run != NULL ? "', " : "", title, why);
}

torpor_status torpor__extension_prepare(torpor_store *store, const char *run,
                                        torpor_slice module, bool make) {
  torpor_extension_info info = TORPOR_EXTENSION_INFO_INIT;
  char id[TORPOR__EXTENSION_ID];
  if (!torpor__extension_id(module, id))
    return torpor__database_fail(store->database, TORPOR_NOMEM, NULL);
  torpor_status status = torpor_extension_find(id, &info);
  if (status == TORPOR_EXTENSION && make && store->make_extension != NULL &&
      store->make_extension(store->make_user, module.data, module.size))
    status = torpor_extension_find(id, &info);
  if (status == TORPOR_EXTENSION) return fail_native(store, run, module);
  return status == TORPOR_OK
             ? status
             : torpor__database_fail(store->database, status, NULL);
}

/* ---- What a version of a run keeps ----------------------------------------*/

/* Who looks at them, and for what. */
struct kept {
  torpor_store *store;
  const char *id;              /* for messages, or NULL */
  struct torpor__program *out; /* where they are copied to */
};

typedef torpor_status kept_fn(const struct kept *kept, torpor_slice module);

static torpor_status fail_missing(const struct kept *kept, int64_t count,
                                  size_t index) {
  return torpor__database_fail(
      kept->store->database, TORPOR_CORRUPT,
      "it keeps %" PRId64
      " extensions of the run, but not number %zu; take a copy of the store "
      "that has all",
      count, index + 1);
}

/* CORRUPT: one is missing among them. */
static torpor_status each_kept(const struct kept *kept, int64_t run,
                               int64_t version, kept_fn *visit) {
  struct torpor__database *database = kept->store->database;
  char name[TORPOR__EXTENSION_NAME];
  int64_t count;
  torpor_status status = database->calls->file_count(
      database, run, version, TORPOR__EXTENSION_PREFIX, &count);
  if (status == TORPOR_OK && count > TORPOR__EXTENSIONS_MAX)
    return torpor__database_fail(database, TORPOR_CORRUPT,
                                 "it keeps %" PRId64
                                 " extensions of the run, which can have %d",
                                 count, TORPOR__EXTENSIONS_MAX);
  for (size_t i = 0; status == TORPOR_OK && i < (size_t)count; i++) {
    torpor_bytes module = {0};
    status = torpor__program_find(database, run, version,
                                  torpor__extension_name(i, name), &module);
    if (status == TORPOR_NOT_FOUND) return fail_missing(kept, count, i);
    if (status == TORPOR_OK) status = visit(kept, slice_of(&module));
    torpor_bytes_free(&module);
  }
  return status;
}

static torpor_status prepare_kept(const struct kept *kept,
                                  torpor_slice module) {
  return torpor__extension_prepare(kept->store, kept->id, module, true);
}

torpor_status torpor__extension_prepare_all(torpor_store *store, const char *id,
                                            int64_t run, int64_t version) {
  const struct kept kept = {.store = store, .id = id};
  return each_kept(&kept, run, version, prepare_kept);
}

/* ---- Taking them in -------------------------------------------------------*/

static torpor_status add_module(torpor_store *store, torpor_slice module,
                                struct torpor__program *out) {
  char name[TORPOR__EXTENSION_NAME];
  torpor_status status = torpor__program_add(
      out, torpor__extension_name(out->count, name), module);
  return status == TORPOR_OK
             ? status
             : torpor__database_fail(store->database, status, NULL);
}

static torpor_status fail_size(torpor_store *store, const char *name) {
  return torpor__database_fail(store->database, TORPOR_LIMIT,
                               "extension %.300s has more than 16 MiB", name);
}

/* An extension is found again by its hash alone, so it has to say its name.
 * 'from' is what the module is called in messages. */
static torpor_status check_module(torpor_store *store, const char *from,
                                  torpor_slice module) {
  char title[TITLE_SIZE];
  if (module.size > MODULE_LARGEST) return fail_size(store, from);
  if (module.size < 8 || memcmp(module.data, "\0asm\1\0\0\0", 8) != 0)
    return torpor__database_fail(
        store->database, TORPOR_FORMAT,
        "%.300s is no side module of an extension; a run keeps NAME.wasm, and "
        "no native code that was made of it",
        from);
  put_title(module, title);
  if (title[0] == '\0')
    return torpor__database_fail(
        store->database, TORPOR_FORMAT,
        "%.300s does not say what it is called, and a run keeps only those "
        "that do; begin its source with TORPOR_EXTENSION(\"name\", \"1.0\")",
        from);
  return TORPOR_OK;
}

torpor_status torpor__extension_receive(torpor_store *store, const char *run,
                                        const struct torpor__file *file,
                                        bool make) {
  char from[TORPOR__EXTENSION_NAME + TORPOR_RUN_ID_SIZE + 16];
  snprintf(from, sizeof from, "'%s' of run '%s'", file->name, run);
  torpor_status status = check_module(store, from, file->source);
  return status == TORPOR_OK
             ? torpor__extension_prepare(store, run, file->source, make)
             : status;
}

static torpor_status fail_reading(torpor_store *store, const char *path,
                                  int failed) {
  if (failed == TORPOR__FILE_LARGE) return fail_size(store, path);
  return torpor__database_fail(
      store->database, failed == -ENOMEM ? TORPOR_NOMEM : TORPOR_NOT_FOUND,
      "extension %.300s cannot be read: %s", path, strerror(-failed));
}

static torpor_status take_module(torpor_store *store, const char *from,
                                 torpor_slice module,
                                 struct torpor__program *out) {
  torpor_status status = check_module(store, from, module);
  if (status == TORPOR_OK)
    status = torpor__extension_prepare(store, NULL, module, true);
  return status == TORPOR_OK ? add_module(store, module, out) : status;
}

static torpor_status read_file(torpor_store *store, const char *path,
                               struct torpor__program *out) {
  struct torpor__file_bytes bytes = {0};
  int failed = torpor__file_load(path, MODULE_LARGEST, &bytes);
  if (failed != 0) return fail_reading(store, path, failed);
  const torpor_slice module = {.data = bytes.data, .size = bytes.size};
  torpor_status status = take_module(store, path, module, out);
  free(bytes.data);
  return status;
}

/* The module of one that ships, which is kept like others: the run may go on
 * under a newer Torpor, which ships another. */
static torpor_status read_shipped(torpor_store *store, const char *name,
                                  struct torpor__program *out) {
  torpor_bytes module;
  torpor_status status = torpor_extension_module(name, &module);
  if (status != TORPOR_OK)
    return torpor__database_fail(
        store->database, status == TORPOR_EXTENSION ? TORPOR_NOT_FOUND : status,
        "%s", torpor_last_error(NULL));
  status = take_module(store, name, slice_of(&module), out);
  torpor_bytes_free(&module);
  return status;
}

/* A name of one that ships has neither a slash nor a dot. */
static torpor_status read_module(torpor_store *store, const char *given,
                                 struct torpor__program *out) {
  return strpbrk(given, "/.") == NULL ? read_shipped(store, given, out)
                                      : read_file(store, given, out);
}

torpor_status torpor__extension_read(torpor_store *store,
                                     const char *const *given, size_t count,
                                     struct torpor__program *out) {
  torpor_status status = TORPOR_OK;
  if (count > TORPOR__EXTENSIONS_MAX)
    return torpor__database_fail(store->database, TORPOR_LIMIT,
                                 "a run keeps at most %d extensions",
                                 TORPOR__EXTENSIONS_MAX);
  for (size_t i = 0; status == TORPOR_OK && i < count; i++)
    status = read_module(store, given[i], out);
  if (status != TORPOR_OK) torpor__program_free(out);
  return status;
}

static torpor_status copy_kept(const struct kept *kept, torpor_slice module) {
  return add_module(kept->store, module, kept->out);
}

torpor_status torpor__extension_copy(torpor_store *store, int64_t run,
                                     int64_t version,
                                     struct torpor__program *out) {
  const struct kept kept = {.store = store, .out = out};
  torpor_status status = each_kept(&kept, run, version, copy_kept);
  if (status != TORPOR_OK) torpor__program_free(out);
  return status;
}
