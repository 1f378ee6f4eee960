/* SPDX-License-Identifier: MIT */
/* trust.c - option --ca: sets what loop/fetch/fetch-hop.c and many other
 * programs look at, the variable SSL_CERT_FILE. */
#include "cli/program/trust.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/text/output.h"

int cli_trust(const char *file) {
  char path[PATH_MAX];
  if (file == NULL) return CLI_EXIT_DONE;
  if (realpath(file, path) == NULL || access(path, R_OK) != 0) {
    cli_complain("the certificates of --ca=%s cannot be read", file);
    return CLI_EXIT_USAGE;
  }
  return setenv("SSL_CERT_FILE", path, 1) == 0 ? CLI_EXIT_DONE : CLI_EXIT_HOST;
}
