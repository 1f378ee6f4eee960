/* SPDX-License-Identifier: MIT */
/* option-table.c - looking into tables of options: a command's own, and the one
 * that all commands have. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

const struct cli_option cli_common_options[] = {
    CLI_OPTION(
        struct cli_common, color, "color", 0, CLI_CHOICE, "auto|always|never",
        "colours: on terminals (auto), in files and pipes too, or not at "
        "all"),
    CLI_OPTION(struct cli_common, help, "help", 'h', CLI_FLAG, NULL,
               "say how the command is used"),
    {0},
};

bool cli_option_is_common(const struct cli_option *option) {
  for (const struct cli_option *at = cli_common_options; at->name != NULL; at++)
    if (at == option) return true;
  return false;
}

static bool is_named(const struct cli_option *option, const char *name,
                     size_t size) {
  return strlen(option->name) == size && memcmp(option->name, name, size) == 0;
}

const struct cli_option *cli_option_named(const struct cli_command *command,
                                          const char *name, size_t size) {
  const struct cli_option *at = command->options;
  for (; at != NULL && at->name != NULL; at++)
    if (is_named(at, name, size)) return at;
  for (at = cli_common_options; at->name != NULL; at++)
    if (is_named(at, name, size)) return at;
  return NULL;
}

const struct cli_option *cli_option_lettered(const struct cli_command *command,
                                             char letter) {
  const struct cli_option *at = command->options;
  for (; at != NULL && at->name != NULL; at++)
    if (at->letter == letter) return at;
  for (at = cli_common_options; at->name != NULL; at++)
    if (at->letter == letter) return at;
  return NULL;
}

bool cli_option_takes_word(const struct cli_option *option) {
  return option->kind != CLI_FLAG && option->kind != CLI_GRANT;
}

const char *cli_option_label(const struct cli_option *option,
                             char label[CLI_OPTION_LABEL_SIZE]) {
  char letter[8] = "";
  const char *argument = option->argument == NULL ? "" : option->argument;
  if (option->letter != 0)
    snprintf(letter, sizeof(letter), "-%c, ", option->letter);
  snprintf(label, CLI_OPTION_LABEL_SIZE, "%s--%s%s%s%s", letter, option->name,
           option->kind == CLI_FLAG    ? ""
           : option->kind == CLI_GRANT ? "[="
                                       : "=",
           argument, option->kind == CLI_GRANT ? ",...]" : "");
  return label;
}

bool cli_option_is(const char *word) {
  if (word[0] != '-' || word[1] == '\0') return false;
  const char *digit = word[1] == '.' ? word + 2 : word + 1;
  return !isdigit((unsigned char)*digit);
}
