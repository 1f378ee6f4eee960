/* SPDX-License-Identifier: MIT */
/* complete.h - what may stand at the end of a command line. */
#ifndef TORPOR_CLI_COMPLETE_H
#define TORPOR_CLI_COMPLETE_H

#include <stddef.h>

/* Prints what the last of 'words' may become, the words behind "torpor": a line
 * each, with a tab and what it is; a line ":files" or ":folders" where names of
 * files or folders may stand as well. Says nothing else, makes no store, and
 * gives up on runs after a fraction of a second. */
void cli_complete(char *const *words, size_t count);

#endif
