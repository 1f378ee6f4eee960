/* SPDX-License-Identifier: MIT */
/* place.c - where that lies which executables are made of. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/executable/executable.h"

/* From the folder of the program: once installed, and in the build folder. */
#ifndef TORPOR_LIBDIR
#define TORPOR_LIBDIR "lib"
#endif
static const char *const places[][2] = {
    [CLI_PLACE_RUNTIME] = {"../" TORPOR_LIBDIR "/torpor/standalone",
                           "lib/torpor/standalone"},
    [CLI_PLACE_ARCHIVE] = {"../" TORPOR_LIBDIR "/libtorpor-standalone.a",
                           "libtorpor-standalone.a"},
    [CLI_PLACE_HEADERS] = {"../include", "include"},
};

bool cli_executable_place(enum cli_place place, char *path) {
  char own[PATH_MAX], header[PATH_MAX + 32];
  ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
  own[size > 0 ? size : 0] = '\0';
  char *slash = strrchr(own, '/');
  if (slash == NULL) return false;
  *slash = '\0';
  for (size_t i = 0; i < 2; i++) {
    int length = snprintf(path, PATH_MAX, "%s/%s", own, places[place][i]);
    if (length >= PATH_MAX) continue;
    snprintf(header, sizeof(header), "%s%s", path,
             place == CLI_PLACE_HEADERS ? "/torpor-standalone.h" : "");
    if (access(header, R_OK) == 0) return true;
  }
  return false;
}
