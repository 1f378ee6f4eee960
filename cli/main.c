/* SPDX-License-Identifier: MIT */
/* main.c - the command 'torpor': finds out which command is meant, and runs it.
 *
 *   torpor COMMAND ...        a name of CLI_COMMANDS
 *   torpor [OPTIONS] FILE     cli_script, when the first word is an option or
 *                             looks like a file
 *
 * An executable that 'torpor build' made of this one runs the program at its
 * end, and looks at no word itself.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/program/standalone.h"
#include "cli/text/output.h"
#include "torpor-run.h"

/* Whether the first word can only be meant as a file. */
static bool is_file(const char *word) {
  return strpbrk(word, "./") != NULL || access(word, F_OK) == 0;
}

static int complain_unknown(const char *word) {
  const char *near = cli_command_near(word);
  if (near != NULL) {
    cli_complain("there is no command and no file '%s'; did you mean '%s'?",
                 word, near);
  } else {
    cli_complain("there is no command and no file '%s'; see 'torpor --help'",
                 word);
  }
  return CLI_EXIT_USAGE;
}

/* Says where an option belongs that stands before the name of a command, and
 * that torpor FILE does not have; false: no command has it. */
static bool complain_misplaced(const char *word) {
  const char *name = strncmp(word, "--", 2) == 0 ? word + 2 : "";
  size_t size = strcspn(name, "=");
  if (size == 0 || cli_option_named(&cli_script, name, size) != NULL)
    return false;
  for (size_t i = 0; i < CLI_COMMAND_COUNT; i++) {
    if (cli_option_named(cli_commands[i], name, size) == NULL) continue;
    cli_complain(
        "--%.*s is an option of commands and stands behind the name of one, as "
        "in 'torpor %s --%.*s'",
        (int)size, name, cli_commands[i]->name, (int)size, name);
    return true;
  }
  return false;
}

static int run_command(const struct cli_command *command, char **words,
                       size_t count) {
  struct cli_call call;
  bool help;
  void *settings = calloc(1, command->settings_size + 1);
  if (settings == NULL) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  int code = CLI_EXIT_USAGE;
  if (cli_parse(command, words, count, settings, &call, &help)) {
    code = CLI_EXIT_DONE;
    if (!help) {
      code = command->run(&call);
    } else if (command == &cli_script) {
      cli_help_all();
    } else {
      cli_help_command(command);
    }
  }
  free(settings);
  return code;
}

static int choose(char **words, size_t count) {
  if (count == 0) {
    cli_complain("say which file to run, or see 'torpor --help'");
    return CLI_EXIT_USAGE;
  }
  const char *first = words[0];
  bool version = strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0;
  const struct cli_command *command =
      version ? &cli_version : cli_command_find(first);
  if (command != NULL) return run_command(command, words + 1, count - 1);
  if (complain_misplaced(first)) return CLI_EXIT_USAGE;
  if (first[0] == '-' || is_file(first))
    return run_command(&cli_script, words, count);
  return complain_unknown(first);
}

int main(int count, char **words) {
  cli_output_prepare();
  int code = cli_standalone_own(count, words);
  if (code >= 0) return cli_output_finish(code);
  /* No program gets at the files of a store. */
  torpor_access_reserve(torpor_store_covers);
  code = count > 0 ? choose(words + 1, (size_t)count - 1) : CLI_EXIT_USAGE;
  return cli_output_finish(code);
}
