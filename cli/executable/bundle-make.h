/* SPDX-License-Identifier: MIT */
/* bundle-make.h - a program as a bundle, from its files. */
#ifndef TORPOR_CLI_BUNDLE_MAKE_H
#define TORPOR_CLI_BUNDLE_MAKE_H

#include "cli/executable/graph.h"
#include "cli/program/sandbox.h"

struct cli_making {
  struct cli_graph_settings graph;
  const struct cli_sandbox *sandbox; /* what the executable keeps */
  uint64_t stack;                    /* bytes; 0: all that there is */
  bool snapshot;                     /* start the program, and keep it asleep */
};

/* Makes it, for torpor_bytes_free. An exit code, after saying what is wrong. */
int cli_bundle_make(const struct cli_making *making, torpor_bytes *out);

#endif
