/* SPDX-License-Identifier: MIT */
/* loader.c - modules from files.
 *
 * A module's name is its absolute path, as the guest resolved it against its
 * importer; the main module's is resolved here. The program is the folder of
 * the main module with all below it, judged after links are followed: a link
 * inside the program that leads outside of it needs a grant.
 *
 *  (1) 'given' has every name that was given out, in order, once.
 *  (2) Without a grant a file is read only if a static import names it, or one
 *      did before: what import() names is chosen by the running program.
 *
 * Runs on the VM's thread. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "common/array.h"
#include "common/search.h"
#include "loop/files/disk.h"
#include "loop/loop.h"
#include "loop/modules/module.h"
#include "loop/path.h"

struct torpor_loader {
  const torpor_access *access;
  char *name;   /* of the main module; NULL: there is none */
  char *folder; /* the program; NULL: nothing is */
  char **given; /* sorted */
  size_t count, capacity;
  bool linked;                     /* only import() can ask for more */
  struct torpor__modules *modules; /* of its VM; NULL: it has none */
  torpor_bytes error;
  bool exhausted; /* that was for want of file descriptors */
};

/* torpor__compare_fn */
static int compare_name(const void *key, const void *item) {
  return strcmp(key, *(char *const *)item);
}

/* Where 'name' is among those given out, or belongs. */
static size_t find_place(const torpor_loader *loader, const char *name) {
  return torpor__search(name, loader->given, loader->count,
                        sizeof(*loader->given), compare_name);
}

bool torpor_loader_gave(const torpor_loader *loader, const char *name) {
  size_t place = find_place(loader, name);
  return place < loader->count && strcmp(loader->given[place], name) == 0;
}

/* Asserts (1). */
static void check_given(const torpor_loader *loader) {
#ifdef TORPOR_TESTING
  for (size_t i = 1; i < loader->count; i++)
    assert(strcmp(loader->given[i - 1], loader->given[i]) < 0);
#endif
  (void)loader;
}

static bool note_given(torpor_loader *loader, const char *name) {
  if (torpor_loader_gave(loader, name)) return true;
  char *copy = strdup(name);
  if (copy == NULL ||
      !torpor__array_reserve(&loader->given, &loader->capacity,
                             loader->count + 1, sizeof(*loader->given))) {
    free(copy);
    return false;
  }
  size_t place = find_place(loader, name);
  memmove(&loader->given[place + 1], &loader->given[place],
          (loader->count - place) * sizeof(*loader->given));
  loader->given[place] = copy;
  loader->count++;
  check_given(loader);
  return true;
}

static void set_error(torpor_loader *loader, torpor_bytes error) {
  torpor_bytes_free(&loader->error);
  loader->error = error;
  loader->exhausted = false;
}

/* Keeps the sentence for a file that could not be read; gives the status. */
static torpor_status fail_reading(torpor_loader *loader, const char *path,
                                  int failure) {
  torpor_bytes error;
  if (failure == -ENOMEM) return TORPOR_NOMEM;
  if (torpor__format(&error, "reading module %s: %s", path,
                     torpor__disk_text(failure)) != TORPOR_OK)
    return TORPOR_NOMEM;
  set_error(loader, error);
  loader->exhausted = failure == -EMFILE || failure == -ENFILE;
  if (failure == TORPOR__FILE_LARGE) return TORPOR_LIMIT;
  return failure == -ENOENT || failure == -ENOTDIR ? TORPOR_NOT_FOUND
                                                   : TORPOR_IO;
}

/* Reads the module 'name' from 'path', which was resolved and is allowed. */
static torpor_status read_module(torpor_loader *loader, const char *name,
                                 const char *path, torpor_bytes *source) {
  struct torpor__file_bytes content;
  torpor_bytes sentence;
  if (torpor__access_reserved(path)) {
    if (torpor__access_refuse("reading module", path, &sentence) !=
        TORPOR_DENIED)
      return TORPOR_NOMEM;
    set_error(loader, sentence);
    return TORPOR_IO; /* no grant would help */
  }
  int failure =
      torpor__disk_read(path, 0, TORPOR_SOURCE_LARGEST, NULL, &content);
  if (failure != 0) return fail_reading(loader, path, failure);
  if (!note_given(loader, name)) {
    free(content.data);
    return TORPOR_NOMEM;
  }
  *source = (torpor_bytes){content.data, content.size};
  return TORPOR_OK;
}

/* Whether module 'name', which leads to 'path' or, when that is NULL, nowhere,
 * may be looked at. Keeps the sentence if not. */
static torpor_status check_module(torpor_loader *loader, const char *name,
                                  const char *path) {
  torpor_bytes sentence;
  char *text = path != NULL ? NULL : torpor__path_normalise("/", name);
  const char *where = path != NULL ? path : text;
  if (where == NULL) return TORPOR_NOMEM;
  bool part = loader->folder != NULL &&
              torpor__path_covers(loader->folder, where) &&
              (!loader->linked || torpor_loader_gave(loader, name));
  free(text);
  if (part) return TORPOR_OK;
  torpor_status status =
      torpor_access_check(loader->access, TORPOR_READ, name, &sentence);
  if (status == TORPOR_OK) {
    torpor_bytes_free(&sentence);
  } else {
    set_error(loader, sentence);
  }
  return status;
}

static torpor_status load_file(torpor_loader *loader, const char *name,
                               torpor_bytes *source) {
  char *path;
  *source = (torpor_bytes){0};
  if (name[0] != '/') return fail_reading(loader, name, -ENOENT);
  int failure = torpor__path_resolve("/", name, &path);
  torpor_status status = check_module(loader, name, path);
  if (status == TORPOR_OK)
    status = failure != 0 ? fail_reading(loader, name, failure)
                          : read_module(loader, name, path, source);
  free(path);
  return status;
}

/* ---- C modules -----------------------------------------------------------*/

void torpor__loader_use(torpor_loader *loader,
                        struct torpor__modules *modules) {
  loader->modules = modules;
}

const torpor_access *torpor__loader_access(const torpor_loader *loader) {
  return loader->access;
}

static torpor_status import_module(torpor_loader *loader, const char *name,
                                   torpor_bytes *source) {
  torpor_bytes sentence = {NULL, 0};
  torpor_status status = torpor__module_import(loader->modules, loader->access,
                                               name, source, &sentence);
  if (sentence.data != NULL) set_error(loader, sentence);
  return status;
}

torpor_status torpor_loader_module(torpor_loader *loader, const char *name,
                                   torpor_bytes *source) {
  *source = (torpor_bytes){0};
  return torpor__module_is_meant(name) ? import_module(loader, name, source)
                                       : load_file(loader, name, source);
}

bool torpor_loader_is_native(const torpor_module_request *request) {
  return request->type == TORPOR_MODULE_CODE &&
         torpor__module_is_meant(request->name);
}

/* A file that is not there needs no words: the guest says who wants it. */
torpor_status torpor_loader_source(void *user,
                                   const torpor_module_request *request,
                                   torpor_module_answer *answer) {
  torpor_status status = torpor_loader_is_native(request)
                             ? import_module(user, request->name, &answer->text)
                             : load_file(user, request->name, &answer->text);
  if (status == TORPOR_OK || status == TORPOR_NOT_FOUND) return status;
  return torpor_module_refuse(answer, status, "%s", torpor_loader_error(user));
}

/* ---- File URLs -----------------------------------------------------------*/

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Decodes the path of a URL in place. False: a slash or a zero byte in it is
 * encoded, which no path can say. */
static bool decode_path(char *path) {
  char *out = path;
  for (const char *in = path; *in != '\0'; in++) {
    int high = *in == '%' ? hex_digit(in[1]) : -1;
    int low = high < 0 ? -1 : hex_digit(in[2]);
    if (low < 0) {
      *out++ = *in;
      continue;
    }
    *out = (char)(high << 4 | low);
    if (*out == '/' || *out == '\0') return false;
    out++, in += 2;
  }
  *out = '\0';
  return true;
}

/* Modules of the library that are imported by their name alone. */
static const char *const bare[] = {"os", "process", "std"};

static bool is_bare(const char *specifier) {
  for (size_t i = 0; i < sizeof(bare) / sizeof(*bare); i++)
    if (strcmp(specifier, bare[i]) == 0) return true;
  return false;
}

static torpor_status give_library(const char *specifier,
                                  torpor_module_answer *answer) {
  torpor_bytes name;
  if (torpor__format(&name, "torpor:%s", specifier) != TORPOR_OK)
    return TORPOR_NOMEM;
  torpor_status status = torpor_module_give(answer, name.data, name.size);
  torpor_bytes_free(&name);
  return status;
}

torpor_status torpor_loader_resolve(void *user, const char *specifier,
                                    const char *importer,
                                    torpor_module_answer *answer) {
  (void)user, (void)importer;
  if (is_bare(specifier) && torpor__module_linked(specifier) == NULL)
    return give_library(specifier, answer);
  if (strncmp(specifier, "file:", 5) != 0) return TORPOR_OK;
  const char *path = specifier + 5;
  if (strncmp(path, "//localhost/", 12) == 0)
    path += 11;
  else if (strncmp(path, "///", 3) == 0)
    path += 2;
  char *copy = path[0] == '/' && path[1] != '/' ? strdup(path) : NULL;
  if (copy != NULL && decode_path(copy)) {
    char *name = torpor__path_normalise("/", copy);
    torpor_status status = name == NULL
                               ? TORPOR_NOMEM
                               : torpor_module_give(answer, name, strlen(name));
    free(name);
    free(copy);
    return status;
  }
  free(copy);
  return torpor_module_refuse(answer, TORPOR_NOT_FOUND,
                              "the URL names no file of this machine");
}

/* ---- Opening -------------------------------------------------------------*/

/* Sets the names of the main module and its folder. */
static int find_main(torpor_loader *loader, const char *path) {
  char current[PATH_MAX];
  if (getcwd(current, sizeof(current)) == NULL) return -errno;
  int failure = torpor__path_resolve(current, path, &loader->name);
  if (failure != 0) return failure;
  const char *slash = strrchr(loader->name, '/');
  size_t size = slash == loader->name ? 1 : (size_t)(slash - loader->name);
  loader->folder = strndup(loader->name, size);
  return loader->folder == NULL ? -ENOMEM : 0;
}

torpor_status torpor_loader_open(const char *path, const torpor_access *access,
                                 torpor_loader **out, torpor_bytes *source) {
  *source = (torpor_bytes){0};
  torpor_loader *loader = *out = calloc(1, sizeof(*loader));
  if (loader == NULL) return TORPOR_NOMEM;
  loader->access = access;
  if (path == NULL) return TORPOR_OK;
  int failure = find_main(loader, path);
  if (failure != 0) return fail_reading(loader, path, failure);
  return read_module(loader, loader->name, loader->name, source);
}

void torpor_loader_close(torpor_loader *loader) {
  if (loader == NULL) return;
  for (size_t i = 0; i < loader->count; i++) free(loader->given[i]);
  free(loader->given);
  free(loader->name);
  free(loader->folder);
  torpor_bytes_free(&loader->error);
  free(loader);
}

const char *torpor_loader_name(const torpor_loader *loader) {
  return loader->name == NULL ? "" : loader->name;
}

void torpor_loader_linked(torpor_loader *loader) {
  loader->linked = true;
}

bool torpor_loader_exhausted(const torpor_loader *loader) {
  return loader != NULL && loader->exhausted;
}

const char *torpor_loader_error(const torpor_loader *loader) {
  if (loader == NULL || loader->error.data == NULL) return "out of memory";
  return (const char *)loader->error.data;
}
