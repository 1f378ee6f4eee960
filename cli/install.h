/* SPDX-License-Identifier: MIT */
/* install.h - putting an engine's .so into a folder. */
#ifndef TORPOR_CLI_INSTALL_H
#define TORPOR_CLI_INSTALL_H

#include <limits.h>
#include <stdbool.h>

#include "torpor-engine.h"

struct cli_install {
  const char *from;   /* FILE.so, or an engine.wasm to translate */
  const char *folder; /* made when it is missing */
  bool quick;         /* translate in less time to slower code */
};

/* Puts the engine into the folder as <id>.so, once it was seen to be one that
 * this Torpor can use; 'path' and 'info' receive where and what it is. Nothing
 * is left when it fails, which stderr says. An exit code. */
int cli_install(const struct cli_install *install, char path[PATH_MAX],
                torpor_engine_info *info);

#endif
