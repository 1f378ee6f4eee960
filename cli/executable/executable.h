/* SPDX-License-Identifier: MIT */
/* executable.h - making an executable of a bundle. */
#ifndef TORPOR_CLI_EXECUTABLE_H
#define TORPOR_CLI_EXECUTABLE_H

#include "cli/command.h"
#include "torpor.h"

/* A module that C code gives. */
struct cli_extern {
  const char *name;  /* as programs import it */
  const char *cname; /* torpor_module_init_<cname> is its function */
  const char *file;  /* to link; NULL: none */
};

struct cli_executable {
  const char *path; /* of what is made */
  const torpor_bytes *bundle;
  const struct cli_extern *externs;
  size_t extern_count;
  bool append; /* do not look for a compiler */
  bool strip;  /* leave out symbols, when it is linked */
  bool lto;    /* -flto */
};

/* Whether 'path' may be written: a file that is there and no regular one is
 * not replaced. An exit code, after saying why not. */
int cli_executable_check(const char *path);

/* Makes it: whole, or not at all. An exit code, as above. */
int cli_executable_make(const struct cli_executable *executable);

/* What is installed with this command, or lies in its build folder. */
enum cli_place {
  CLI_PLACE_RUNTIME, /* the executable that programs are put behind */
  CLI_PLACE_ARCHIVE, /* libtorpor-standalone.a */
  CLI_PLACE_HEADERS, /* the folder of torpor-standalone.h */
};
/* False: it is not there. 'path' has PATH_MAX bytes. */
bool cli_executable_place(enum cli_place place, char *path);

/* link.c: links it to 'draft', a file that is there. 'tried' becomes false when
 * there is no compiler, or nothing to link with; then nothing was done or
 * said. */
int cli_link(const struct cli_executable *executable, const char *draft,
             bool *tried);

/* link.c: lets programs of this process import the modules, all of which have
 * a file, as those of the executable will: they are linked into a shared object
 * and loaded. An exit code, after saying what is wrong. */
int cli_link_here(const struct cli_extern *externs, size_t count);

/* link.c: says what linking modules needs, with 'more' behind it. */
void cli_link_complain(const char *more);

#endif
