/* SPDX-License-Identifier: MIT */
/* held.h - what an executable holds. */
#ifndef TORPOR_CLI_HELD_H
#define TORPOR_CLI_HELD_H

#include <stdbool.h>

/* Prints it, as text or one object of JSON. An exit code, after saying what is
 * wrong. */
int cli_held_show(const char *path, bool json);

#endif
