/* SPDX-License-Identifier: MIT */
/* command.h - what a command of 'torpor' is.
 *
 * A command is one file, cli/NAME.c, with one 'const struct cli_command
 * cli_NAME', and one line in CLI_COMMANDS. Its table of options is all that
 * parsing, help, the manual page and completion know about it: an option says
 * where in the command's settings its value goes.
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
 * Every command also understands what is in cli_common_options. */
#ifndef TORPOR_CLI_COMMAND_H
#define TORPOR_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/exit.h"

/* What commands are about, in the order in which help lists them. */
#define CLI_GROUPS(X)                                                          \
  X(RUN, "Run programs")                                                       \
  X(LOOK, "Look at runs and snapshots")                                        \
  X(CHANGE, "Change runs")                                                     \
  X(CARRY, "Carry runs and programs elsewhere")                                \
  X(SELF, "About torpor itself")

enum cli_group {
  CLI_GROUP_NONE, /* of what is no command of its own */
#define X(name, title) CLI_GROUP_##name,
  CLI_GROUPS(X)
#undef X
};

/* The commands in the order in which help lists those of a group. 'torpor FILE'
 * has no name and is not among them, see main.c. */
#define CLI_COMMANDS(X)                                                        \
  X(help)                                                                      \
  X(version)                                                                   \
  X(completion)                                                                \
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
  X(remove)                                                                    \
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
  CLI_PATH,     /* const char *: of a file or folder; not empty */
  CLI_CHOICE,   /* const char *: one of the words of 'argument', "a|b|c" */
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

/* How many states, or console lines, of a run stay; all: UINT64_MAX. */
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

/* What every command understands besides its own options. */
struct cli_common {
  const char *color;
  bool help;
};

extern const struct cli_option cli_common_options[];

struct cli_command;

/* A command as it was called. */
struct cli_call {
  const struct cli_command *command;
  const void *settings; /* zero where no option said otherwise */
  char **arguments;     /* those that are no options */
  size_t count;
};

struct cli_command {
  const char *name; /* "" for torpor FILE */
  enum cli_group group;
  const char *arguments; /* "FILE [ARGUMENT...]" */
  const char *summary;   /* one line, for the list of commands */
  const char *details;   /* what help says before the options; may be NULL.
                            Lines are filled, but for those that begin with a
                            space */
  const char *examples;  /* lines for a shell */
  const struct cli_option *options; /* NULL: none */
  size_t settings_size;
  size_t least, most; /* number of arguments */
  size_t own;         /* after so many arguments all words are the program's
                         own; 0: none are */
  int (*run)(const struct cli_call *call);
};

#define X(name) extern const struct cli_command cli_##name;
CLI_COMMANDS(X)
#undef X
extern const struct cli_command cli_script;

enum {
#define X(name) +1
  CLI_COMMAND_COUNT = 0 CLI_COMMANDS(X)
#undef X
};

/* command.c: all of CLI_COMMANDS. */
extern const struct cli_command *const cli_commands[CLI_COMMAND_COUNT];

/* The command of that name; NULL: there is none. */
const struct cli_command *cli_command_find(const char *name);

/* The command whose name is spelt nearly like 'word'; NULL: none is. */
const char *cli_command_near(const char *word);

/* option.c: reads 'words' into 'call', whose settings are in 'settings',
 * zeroed. False after saying on stderr what is wrong. '*help' tells that --help
 * was there; nothing else is checked then. What --color says holds from then
 * on. */
bool cli_parse(const struct cli_command *command, char **words, size_t count,
               void *settings, struct cli_call *call, bool *help);

/* help.c: to stdout. */
void cli_help_command(const struct cli_command *command);
void cli_help_all(void);

/* option-table.c: the option of 'command', or of all commands, whose name are
 * the first 'size' bytes of 'name', or whose letter is 'letter'; NULL: none. */
const struct cli_option *cli_option_named(const struct cli_command *command,
                                          const char *name, size_t size);
const struct cli_option *cli_option_lettered(const struct cli_command *command,
                                             char letter);

/* Whether 'word' is an option: "-" is an argument, and so is a negative number,
 * since no option has a digit for a letter. */
bool cli_option_is(const char *word);

/* Whether it is one of those that all commands have. */
bool cli_option_is_common(const struct cli_option *option);

/* Whether the next word is the option's value, unless one is attached to it. */
bool cli_option_takes_word(const struct cli_option *option);

/* How help writes an option: "-i, --input=JSON". */
enum { CLI_OPTION_LABEL_SIZE = 96 };
const char *cli_option_label(const struct cli_option *option,
                             char label[CLI_OPTION_LABEL_SIZE]);

/* manual.c: the manual page, to stdout. */
void cli_manual_print(void);

/* suggest.c: which of 'names' is spelt nearly like 'word'; NULL: none. */
const char *cli_suggest(const char *word, const char *const *names,
                        size_t count);

#endif
