/* SPDX-License-Identifier: MIT */
/* spawn.h - running another program, and waiting for it. */
#ifndef TORPOR_CLI_SPAWN_H
#define TORPOR_CLI_SPAWN_H

/* Runs 'words', behind which is NULL; the first is looked for in PATH. An exit
 * code: FILE when it ended with any code but 0, for reasons that it said
 * itself. 'failed': the errno, if it could not be started; nobody said so. */
int cli_spawn(const char *const *words, int *failed);

#endif
