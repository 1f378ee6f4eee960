/* SPDX-License-Identifier: MIT */
/* curl.c - loads libcurl. See curl.h.
 *
 *  (1) It is loaded once in a process, by whichever thread is first, and never
 *      unloaded: it has threads and handlers of its own.
 *
 * Any thread. */
#include "loop/fetch/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Debian's packages with OpenSSL and with GnuTLS; the name without a version
 * is elsewhere all there is. */
static const char *const files[] = {"libcurl.so.4", "libcurl-gnutls.so.4",
                                    "libcurl.so"};

static const char *const missing =
    "fetch needs libcurl, which is not installed; on Debian and Ubuntu: "
    "apt-get install libcurl4";
static const char *const too_old =
    "fetch needs libcurl 7.62 or newer; on Debian and Ubuntu: "
    "apt-get install libcurl4";

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct torpor__curl table;
static const char *failure;

static void *open_library(void) {
  void *library = NULL;
  for (size_t i = 0; library == NULL && i < sizeof(files) / sizeof(*files); i++)
    library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
  return library;
}

static bool find_functions(void *library) {
  const struct {
    const char *name;
    size_t place;
  } functions[] = {
#define X(name) {"curl_" #name, offsetof(struct torpor__curl, name)},
      TORPOR__CURL_FUNCTIONS(X)
#undef X
  };
  for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
    void *found = dlsym(library, functions[i].name);
    if (found == NULL) return false;
    *(void **)((char *)&table + functions[i].place) = found;
  }
  return true;
}

static void load(void) {
  void *library = open_library();
  if (library == NULL)
    failure = missing;
  else if (!find_functions(library) ||
           table.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    failure = too_old;
}

const struct torpor__curl *torpor__curl_load(const char **why) {
  pthread_once(&once, load);
  *why = failure;
  return failure == NULL ? &table : NULL;
}
