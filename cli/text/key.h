/* SPDX-License-Identifier: MIT */
/* key.h - the key that --key-file names, with which states are protected. */
#ifndef TORPOR_CLI_KEY_H
#define TORPOR_CLI_KEY_H

#include <stdint.h>

#include "torpor.h"

/* Reads the file 'path'. CLI_EXIT_DONE, or an exit code after saying what is
 * wrong. */
int cli_key_read(const char *path, uint8_t key[TORPOR_KEY_SIZE]);

#endif
