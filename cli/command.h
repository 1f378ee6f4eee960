/* SPDX-License-Identifier: MIT */
/* command.h - what a command of 'torpor' is.
 *
 * A command is one file, cli/NAME.c, with one 'const struct cli_command
 * cli_NAME', and one line in CLI_COMMANDS. Its table of options is all that
 * parsing and help know about it: an option says where in the command's
 * settings its value goes.
 *
 *   struct greet_settings { bool loud; const char *name; };
 *   static const struct cli_option options[] = {
 *       CLI_OPTION(struct greet_settings, loud, "loud", 'l', CLI_FLAG, NULL,
 *                  "in capitals"),
 *       CLI_OPTION(struct greet_settings, name, "name", 0, CLI_TEXT, "NAME",
 *                  "whom to greet"),
 *       {0},
 *   };
 *
 * Every command also understands --help. */
#ifndef TORPOR_CLI_COMMAND_H
#define TORPOR_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exit.h"

/* The commands in the order in which help lists them. 'torpor FILE' has no name
 * and is not among them, see main.c. */
#define CLI_COMMANDS(X)                                                        \
  X(eval)                                                                      \
  X(run)                                                                       \
  X(resume)                                                                    \
  X(worker)                                                                    \
  X(list)                                                                      \
  X(show)                                                                      \
  X(logs)                                                                      \
  X(signal)                                                                    \
  X(signals)                                                                   \
  X(cancel)                                                                    \
  X(fork)                                                                      \
  X(rewind)                                                                    \
  X(upgrade)                                                                   \
  X(prune)                                                                     \
  X(inspect)                                                                   \
  X(diff)                                                                      \
  X(export)                                                                    \
  X(import)                                                                    \
  X(engine)                                                                    \
  X(extension)                                                                 \
  X(build)                                                                     \
  X(compile)

/* What an option's value is, and its type in the settings. */
enum cli_kind {
  CLI_FLAG,     /* bool: there or not */
  CLI_TEXT,     /* const char * */
  CLI_COUNT,    /* uint64_t: digits */
  CLI_KEEP,     /* struct cli_keep: digits or "all" */
  CLI_BYTES,    /* uint64_t: digits with an optional K, M or G */
  CLI_DURATION, /* uint64_t milliseconds: digits with ms, s, m, h or d */
  CLI_FILES,    /* struct cli_grant: a path each, again and again */
  CLI_GRANT, /* struct cli_grant: --name, or --name=PATH,... again and again */
};

enum { CLI_GRANTS_MAX = 64 };

struct cli_grant {
  bool all;
  const char *lists[CLI_GRANTS_MAX]; /* paths with commas between them */
  size_t count;
};

/* How many states of a run stay; all: UINT64_MAX. */
struct cli_keep {
  bool given;
  uint64_t states;
};

struct cli_option {
  const char *name; /* without the dashes; NULL ends a table */
  char letter;      /* 0: none */
  enum cli_kind kind;
  size_t offset;        /* in the settings */
  const char *argument; /* its name in help; NULL for flags */
  const char *help;
};

/* One line of a table: the value goes to 'member' of settings 'type'. */
#define CLI_OPTION(type, member, name, letter, kind, argument, help)           \
  {name, letter, kind, offsetof(type, member), argument, help}

struct cli_command;

/* A command as it was called. */
struct cli_call {
  const struct cli_command *command;
  const void *settings; /* zero where no option said otherwise */
  char **arguments;     /* those that are no options */
  size_t count;
};

struct cli_command {
  const char *name;      /* "" for torpor FILE */
  const char *arguments; /* "FILE [ARGUMENT...]" */
  const char *summary;   /* one line, for the list of commands */
  const char *details;   /* what help says before the options; may be NULL */
  const struct cli_option *options;
  size_t settings_size;
  size_t least, most; /* number of arguments */
  bool passes_rest;   /* what follows the first argument is the program's own */
  int (*run)(const struct cli_call *call);
};

#define X(name) extern const struct cli_command cli_##name;
CLI_COMMANDS(X)
#undef X
extern const struct cli_command cli_script;

/* option.c: reads 'words' into 'call', whose settings are in 'settings',
 * zeroed. False after saying on stderr what is wrong. '*help' tells that --help
 * was there; nothing else is checked then. */
bool cli_parse(const struct cli_command *command, char **words, size_t count,
               void *settings, struct cli_call *call, bool *help);

/* help.c: to stdout. */
void cli_help_command(const struct cli_command *command);
void cli_help_all(void);

/* suggest.c: which of 'names' is spelt nearly like 'word'; NULL: none. */
const char *cli_suggest(const char *word, const char *const *names,
                        size_t count);

#endif
