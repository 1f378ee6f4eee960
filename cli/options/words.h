/* SPDX-License-Identifier: MIT */
/* words.h - settings as words of a command line, to be read once more later. */
#ifndef TORPOR_CLI_WORDS_H
#define TORPOR_CLI_WORDS_H

#include "cli/command.h"

/* Called with each word; false ends it. */
typedef bool cli_word_fn(void *user, const char *word);

/* Calls 'take' with a word "--name=value" for each option of 'options' that
 * 'settings' have. False: 'take' gave false, or memory ran out. */
bool cli_words_each(const struct cli_option *options, const void *settings,
                    cli_word_fn *take, void *user);

#endif
