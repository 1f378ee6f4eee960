/* SPDX-License-Identifier: MIT */
/* value.h - a value for a program, as a command line gives it: JSON or a text,
 * said there, or where it is to be read.
 *
 *   WORD     the value itself
 *   @FILE    what the file holds
 *   -        what standard input holds
 *   @@WORD   a value that begins with "@" */
#ifndef TORPOR_CLI_VALUE_H
#define TORPOR_CLI_VALUE_H

#include "cli/command.h"
#include "torpor.h"

/* An argument or option that is a value. */
struct cli_value {
  const char *what; /* "--input", for messages */
  size_t largest;   /* bytes that are read of a file */
  bool text;        /* a text as it is, and not JSON */
};

/* Reads what 'word' says, as CBOR in '*out', which torpor_bytes_free releases.
 * CLI_EXIT_DONE, or an exit code after saying what is wrong. */
int cli_value_read(const char *word, const struct cli_value *value,
                   torpor_bytes *out);

#define CLI_VALUE_TEXT_OPTION(type, member, what)                              \
  CLI_OPTION(type, member, "text", 0, CLI_FLAG, NULL,                          \
             what " is a text as it is, without JSON's quotes")

#endif
