/* SPDX-License-Identifier: MIT */
/* command.c - the commands, by their names. */
#include <string.h>

#include "cli/command.h"
#include "cli/text/output.h"

const struct cli_command *const cli_commands[CLI_COMMAND_COUNT] = {
#define X(name) &cli_##name,
    CLI_COMMANDS(X)
#undef X
};

const struct cli_command *cli_command_find(const char *name) {
  for (size_t i = 0; i < CLI_COMMAND_COUNT; i++)
    if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
  return NULL;
}

const char *cli_command_near(const char *word) {
  const char *names[CLI_COMMAND_COUNT];
  for (size_t i = 0; i < CLI_COMMAND_COUNT; i++)
    names[i] = cli_commands[i]->name;
  return cli_suggest(word, names, CLI_COMMAND_COUNT);
}
