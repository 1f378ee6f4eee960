/* SPDX-License-Identifier: MIT */
/* curl.h - libcurl, which is loaded when a program first fetches something, so
 * that others do not pay for it.
 *
 * Its headers are needed to compile, the library only to fetch. A function
 * curl_NAME is called as curl->NAME.
 *
 * Any thread. */
#ifndef TORPOR_LOOP_CURL_H
#define TORPOR_LOOP_CURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* All that is used of it. */
#define TORPOR__CURL_FUNCTIONS(X)                                              \
  X(easy_cleanup)                                                              \
  X(easy_getinfo)                                                              \
  X(easy_init)                                                                 \
  X(easy_pause)                                                                \
  X(easy_reset)                                                                \
  X(easy_setopt)                                                               \
  X(easy_strerror)                                                             \
  X(free)                                                                      \
  X(global_init)                                                               \
  X(multi_add_handle)                                                          \
  X(multi_assign)                                                              \
  X(multi_cleanup)                                                             \
  X(multi_info_read)                                                           \
  X(multi_init)                                                                \
  X(multi_remove_handle)                                                       \
  X(multi_setopt)                                                              \
  X(multi_socket_action)                                                       \
  X(slist_append)                                                              \
  X(slist_free_all)                                                            \
  X(url)                                                                       \
  X(url_cleanup)                                                               \
  X(url_get)                                                                   \
  X(url_set)

struct torpor__curl {
#define X(name) __typeof__(curl_##name) *name;
  TORPOR__CURL_FUNCTIONS(X)
#undef X
};

/* The library; NULL: it is not there or too old, and '*why' is a sentence that
 * says what to install. It stays loaded. */
const struct torpor__curl *torpor__curl_load(const char **why);

#endif
