/* SPDX-License-Identifier: MIT */
/* help.c - what --help prints, made from the same tables that parsing uses. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

enum { COLUMN = 26 };

static const struct cli_command *const commands[] = {
#define X(name) &cli_##name,
    CLI_COMMANDS(X)
#undef X
};

/* One line of two columns; help of several lines continues in its own. */
static void print_row(const char *left, const char *right) {
  printf("  %-*s", COLUMN, left);
  if (strlen(left) >= COLUMN) printf("\n  %-*s", COLUMN, "");
  for (; *right != '\0'; right++) {
    putchar(*right);
    if (*right == '\n') printf("  %-*s", COLUMN, "");
  }
  putchar('\n');
}

static void print_option(const struct cli_option *option) {
  char left[96];
  char letter[8] = "";
  const char *argument = option->argument == NULL ? "" : option->argument;
  if (option->letter != 0)
    snprintf(letter, sizeof(letter), "-%c, ", option->letter);
  snprintf(left, sizeof(left), "%s--%s%s%s%s", letter, option->name,
           option->kind == CLI_FLAG    ? ""
           : option->kind == CLI_GRANT ? "[="
                                       : "=",
           argument, option->kind == CLI_GRANT ? ",...]" : "");
  print_row(left, option->help);
}

static void print_options(const struct cli_option *options) {
  printf("\nOptions:\n");
  for (; options->name != NULL; options++) print_option(options);
  print_row("-h, --help", "this text");
}

static void print_exit_codes(void) {
  printf("\nExit codes:\n");
#define X(number, name, text) printf("  %-5d %s\n", number, text);
  CLI_EXIT_LIST(X)
#undef X
}

void cli_help_command(const struct cli_command *command) {
  printf("Usage: torpor %s%s[OPTIONS]%s%s\n\n", command->name,
         command->name[0] == '\0' ? "" : " ",
         command->arguments[0] == '\0' ? "" : " ", command->arguments);
  printf("%c%s.\n", toupper((unsigned char)command->summary[0]),
         command->summary + 1);
  if (command->details != NULL) printf("\n%s\n", command->details);
  print_options(command->options);
}

void cli_help_all(void) {
  printf(
      "torpor runs JavaScript in sandboxes that can sleep.\n\n"
      "Usage: torpor [OPTIONS] FILE [ARGUMENT...]\n"
      "       torpor COMMAND ...\n\n"
      "Commands:\n");
  print_row("FILE", cli_script.summary);
  for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
    print_row(commands[i]->name, commands[i]->summary);
  print_row("help COMMAND", "say more about a command");
  if (cli_script.details != NULL) printf("\n%s\n", cli_script.details);
  print_options(cli_script.options);
  print_row("-V, --version", "the version and the engine's id");
  print_exit_codes();
}
