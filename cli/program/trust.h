/* SPDX-License-Identifier: MIT */
/* trust.h - whose certificates fetch trusts, for commands that run programs. */
#ifndef TORPOR_CLI_TRUST_H
#define TORPOR_CLI_TRUST_H

#include "cli/command.h"

#define CLI_TRUST_OPTION(type, member)                                         \
  CLI_OPTION(type, member, "ca", 0, CLI_PATH, "FILE",                          \
             "certificates that fetch trusts in place of the system's")

/* Trusts 'file' (NULL: whom the system trusts). CLI_EXIT_DONE, or an exit code
 * after saying what is wrong. */
int cli_trust(const char *file);

#endif
