/* SPDX-License-Identifier: MIT */
/* help.c - what --help and torpor help print, made from the same tables that
 * parsing uses, in lines as wide as the terminal. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/text/output.h"

/* Columns: of a row's right side; of lines where nothing says how wide they can
 * be; and the most and the least that are used. */
enum { COLUMN = 28, WIDTH = 80, WIDEST = 100, NARROWEST = 50 };

static int find_width(void) {
  size_t width = cli_output_width(stdout);
  if (width == SIZE_MAX) return WIDTH;
  return width < NARROWEST ? NARROWEST : width > WIDEST ? WIDEST : (int)width;
}

/* Prints the words of 'text' from column 'indent' on, where it stands. */
static void print_filled(const char *text, size_t size, int indent) {
  int width = find_width(), column = indent;
  for (const char *at = text, *end = text + size; at < end;) {
    while (at < end && isspace((unsigned char)*at)) at++;
    const char *word = at;
    while (at < end && !isspace((unsigned char)*at)) at++;
    int length = (int)(at - word);
    if (length == 0) break;
    if (column > indent && column + 1 + length > width - 1) {
      printf("\n%*s", indent, "");
      column = indent;
    }
    printf("%s%.*s", column > indent ? " " : "", length, word);
    column += length + (column > indent);
  }
  putchar('\n');
}

/* One line of two columns, and further ones of the right one. */
static void print_row(const char *left, const char *right) {
  printf("  %-*s", COLUMN - 2, left);
  if (strlen(left) >= COLUMN - 2) printf("\n%*s", COLUMN, "");
  print_filled(right, strlen(right), COLUMN);
}

static void print_heading(const char *text) {
  putchar('\n');
  cli_output_style(stdout, CLI_STYLE_HEADING);
  printf("%s:", text);
  cli_output_style(stdout, CLI_STYLE_PLAIN);
  putchar('\n');
}

/* Prints paragraphs; lines that begin with a space stay as they are. */
static void print_details(const char *text) {
  putchar('\n');
  while (*text != '\0') {
    size_t size = strcspn(text, "\n");
    if (size > 0 && *text != ' ')
      while (text[size] == '\n' && text[size + 1] != '\n' &&
             text[size + 1] != ' ' && text[size + 1] != '\0')
        size += 1 + strcspn(text + size + 1, "\n");
    if (*text == ' ')
      printf("%.*s\n", (int)size, text);
    else
      print_filled(text, size, 0);
    text += size + (text[size] == '\n');
  }
}

static void print_table(const struct cli_option *options) {
  char label[CLI_OPTION_LABEL_SIZE];
  for (; options != NULL && options->name != NULL; options++)
    print_row(cli_option_label(options, label), options->help);
}

static void print_options(const struct cli_option *options) {
  print_heading("Options");
  print_table(options);
  print_table(cli_common_options);
}

/* Each ends with a newline. */
static void print_examples(const char *text) {
  print_heading("Examples");
  for (size_t size; *text != '\0'; text += size + 1) {
    size = strcspn(text, "\n");
    printf("  %.*s\n", (int)size, text);
  }
}

static void print_exit_codes(void) {
  print_heading("Exit codes");
#define X(number, name, text) printf("  %-5d %s\n", number, text);
  CLI_EXIT_LIST(X)
#undef X
}

/* A line for each form of the arguments, which have " | " between them. */
static void print_usage(const struct cli_command *command) {
  const char *arguments = command->arguments;
  cli_output_style(stdout, CLI_STYLE_HEADING);
  printf("Usage:");
  cli_output_style(stdout, CLI_STYLE_PLAIN);
  for (const char *before = " ", *next; arguments != NULL; arguments = next) {
    next = strstr(arguments, " | ");
    int size = next == NULL ? (int)strlen(arguments) : (int)(next - arguments);
    printf("%storpor %s%s[OPTIONS]%s%.*s\n", before, command->name,
           command->name[0] == '\0' ? "" : " ", size > 0 ? " " : "", size,
           arguments);
    before = "       ";
    if (next != NULL) next += 3;
  }
}

static void print_group(enum cli_group group, const char *title) {
  print_heading(title);
  if (group == cli_script.group) print_row("FILE", cli_script.summary);
  for (size_t i = 0; i < CLI_COMMAND_COUNT; i++)
    if (cli_commands[i]->group == group)
      print_row(cli_commands[i]->name, cli_commands[i]->summary);
}

void cli_help_command(const struct cli_command *command) {
  print_usage(command);
  printf("\n%c%s.\n", toupper((unsigned char)command->summary[0]),
         command->summary + 1);
  if (command->details != NULL) print_details(command->details);
  print_options(command->options);
  print_examples(command->examples);
}

void cli_help_all(void) {
  printf("torpor runs JavaScript in sandboxes that can sleep.\n\n");
  print_usage(&cli_script);
  printf("       torpor COMMAND ...\n");
#define X(name, title) print_group(CLI_GROUP_##name, title);
  CLI_GROUPS(X)
#undef X
  print_details(cli_script.details);
  print_options(cli_script.options);
  print_row("-V, --version", "the version and the engine's id");
  print_examples(cli_script.examples);
  print_exit_codes();
}

/* ---- The command ---------------------------------------------------------*/

struct help_settings {
  bool man;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct help_settings, man, "man", 0, CLI_FLAG, NULL,
               "print the manual page, for man and groff"),
    {0},
};

static int run(const struct cli_call *call) {
  const struct help_settings *settings = call->settings;
  if (settings->man) {
    cli_manual_print();
    return CLI_EXIT_DONE;
  }
  if (call->count == 0) {
    cli_help_all();
    return CLI_EXIT_DONE;
  }
  const char *name = call->arguments[0];
  const struct cli_command *command = cli_command_find(name);
  if (command == NULL) {
    const char *near = cli_command_near(name);
    cli_complain("there is no command '%s'%s%s%s", name,
                 near != NULL ? "; did you mean '" : "; see 'torpor --help",
                 near != NULL ? near : "", near != NULL ? "'?" : "'");
    return CLI_EXIT_USAGE;
  }
  cli_help_command(command);
  return CLI_EXIT_DONE;
}

const struct cli_command cli_help = {
    .name = "help",
    .group = CLI_GROUP_SELF,
    .arguments = "[COMMAND]",
    .summary = "list the commands, or say more about one",
    .examples =
        "torpor help run\n"
        "torpor help --man > torpor.1\n",
    .options = options,
    .settings_size = sizeof(struct help_settings),
    .least = 0,
    .most = 1,
    .run = run,
};
