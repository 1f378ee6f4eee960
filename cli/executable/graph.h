/* SPDX-License-Identifier: MIT */
/* graph.h - all modules of a program, read from files. */
#ifndef TORPOR_CLI_GRAPH_H
#define TORPOR_CLI_GRAPH_H

#include "cli/command.h"
#include "cli/executable/bundle-write.h"
#include "torpor-loop.h"

/* What a program is made of. */
struct cli_graph_settings {
  const char *file;
  const struct cli_grant *include; /* files that import() may ask for */
  const struct cli_grant *from;    /* where else modules may be read from */
  const char *const *externs;      /* modules that C code gives */
  size_t extern_count;
  const char *name; /* of the main module, inside; NULL: of its file */
  bool strip;       /* leave out what stack traces need */
  bool script;      /* the file is a script: it imports nothing statically */
};

/* Reads the main module and all that it imports, links them, and adds them to
 * 'draft', compiled. None of them runs. An exit code, after saying what is
 * wrong. */
int cli_graph_read(const struct cli_graph_settings *settings,
                   struct cli_draft *draft);

#endif
