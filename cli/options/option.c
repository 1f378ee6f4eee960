/* SPDX-License-Identifier: MIT */
/* option.c - reading a command line by a command's table of options.
 *
 *   --name  --name=value  --name value  -n  -n value  -nvalue
 *
 * "--" ends the options; "-" and what begins as a negative number are none. A
 * grant takes its value by '=' only, since it may have none. What is wrong is
 * said at once, with what may have been meant. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/text/output.h"

/* The command line that is being read. */
struct reading {
  const struct cli_command *command;
  char **words;
  size_t count, at;
  void *settings;
  struct cli_common common;
  struct cli_call *call;
  const struct cli_option *bare; /* a grant of everything, which stands right
                                    before the first argument */
};

static void refer_to_help(const struct cli_command *command) {
  bool named = command->name[0] != '\0';
  cli_print(stderr, "See 'torpor %s%s--help'.\n", command->name,
            named ? " " : "");
}

/* ---- Values --------------------------------------------------------------*/

struct unit {
  const char *name;
  uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},         {"K", 1 << 10},  {"M", 1 << 20},  {"G", 1 << 30},
    {"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {NULL, 0}};

static const struct unit time_units[] = {{"ms", 1},       {"s", 1000},
                                         {"m", 60000},    {"h", 3600000},
                                         {"d", 86400000}, {NULL, 0}};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

/* Reads digits and a unit; false when it is anything else or too large. */
static bool read_quantity(const char *text, const struct unit *units,
                          uint64_t *out) {
  char *end;
  if (!isdigit((unsigned char)text[0])) return false;
  errno = 0;
  unsigned long long number = strtoull(text, &end, 10);
  if (errno != 0) return false;
  for (; units->name != NULL; units++) {
    if (strcmp(end, units->name) != 0) continue;
    *out = number * units->factor;
    return number <= UINT64_MAX / units->factor;
  }
  return false;
}

static bool store_quantity(const struct cli_option *option, const char *value,
                           uint64_t *field) {
  const struct unit *units = option->kind == CLI_BYTES      ? size_units
                             : option->kind == CLI_DURATION ? time_units
                                                            : no_units;
  const char *hint = option->kind == CLI_BYTES      ? "a size such as 64M"
                     : option->kind == CLI_DURATION ? "a time such as 5s or 2h"
                                                    : "a number";
  if (read_quantity(value, units, field)) return true;
  cli_complain("--%s takes %s, not '%s'", option->name, hint, value);
  return false;
}

static bool store_keep(const struct cli_option *option, const char *value,
                       struct cli_keep *keep) {
  *keep = (struct cli_keep){true, UINT64_MAX};
  if (strcmp(value, "all") == 0) return true;
  if (read_quantity(value, no_units, &keep->states)) return true;
  cli_complain("--%s takes a number or 'all', not '%s'", option->name, value);
  return false;
}

static bool store_grant(const struct cli_option *option, const char *value,
                        struct cli_grant *grant) {
  if (value == NULL) {
    grant->all = true;
    return true;
  }
  if (value[0] == '\0') {
    cli_complain("--%s= names no path; without '=' it grants everything",
                 option->name);
    return false;
  }
  if (grant->count == CLI_GRANTS_MAX) {
    cli_complain("--%s is there more than %d times; put commas between paths",
                 option->name, CLI_GRANTS_MAX);
    return false;
  }
  grant->lists[grant->count++] = value;
  return true;
}

static bool store_path(const struct cli_option *option, const char *value,
                       const char **path) {
  *path = value;
  if (value[0] != '\0') return true;
  cli_complain("--%s names no %s: it is empty", option->name, option->argument);
  return false;
}

/* Whether 'value' is one of 'choices', with '|' between. */
static bool is_choice(const char *choices, const char *value) {
  size_t size = strlen(value);
  for (const char *at = choices; *at != '\0'; at += *at == '|') {
    size_t length = strcspn(at, "|");
    if (length == size && memcmp(at, value, size) == 0) return true;
    at += length;
  }
  return false;
}

static bool store_choice(const struct cli_option *option, const char *value,
                         const char **choice) {
  *choice = value;
  if (is_choice(option->argument, value)) return true;
  cli_complain("--%s is one of %s, not '%s'", option->name, option->argument,
               value);
  return false;
}

static bool store_value(struct reading *reading,
                        const struct cli_option *option, const char *value) {
  char *settings = cli_option_is_common(option) ? (char *)&reading->common
                                                : reading->settings;
  void *field = settings + option->offset;
  switch (option->kind) {
  case CLI_FLAG:
    *(bool *)field = true;
    return true;
  case CLI_TEXT:
    *(const char **)field = value;
    return true;
  case CLI_PATH:
    return store_path(option, value, field);
  case CLI_CHOICE:
    return store_choice(option, value, field);
  case CLI_KEEP:
    return store_keep(option, value, field);
  case CLI_FILES:
  case CLI_GRANT:
    return store_grant(option, value, field);
  default:
    return store_quantity(option, value, field);
  }
}

/* ---- Options -------------------------------------------------------------*/

enum { OPTIONS_MAX = 64 };

static size_t add_names(const struct cli_option *option, const char **names,
                        size_t count) {
  for (; option != NULL && option->name != NULL && count < OPTIONS_MAX;
       option++)
    names[count++] = option->name;
  return count;
}

/* Of a word that is no option, but perhaps an argument, says how to give it. */
static bool complain_unknown(const struct reading *reading, const char *word,
                             size_t size) {
  const char *names[OPTIONS_MAX];
  char name[64];
  size_t count = add_names(cli_common_options, names, 0);
  count = add_names(reading->command->options, names, count);
  snprintf(name, sizeof(name), "%.*s", (int)(size < 63 ? size : 63), word);
  const char *near = cli_suggest(name, names, count);
  if (near != NULL) {
    cli_complain("unknown option '--%s'; did you mean '--%s'?", name, near);
  } else {
    cli_complain("unknown option '%s%s'%s", size == 1 ? "-" : "--", name,
                 reading->command->most > 0
                     ? "; an argument that begins with '-' stands behind '--'"
                     : "");
  }
  refer_to_help(reading->command);
  return false;
}

/* Reads the value of 'option', of which 'attached' (may be NULL) was written
 * behind a '='. */
static bool read_value(struct reading *reading, const struct cli_option *option,
                       const char *attached) {
  const char *value = attached;
  if (option->kind == CLI_FLAG && attached != NULL) {
    cli_complain("--%s takes no value", option->name);
    return false;
  }
  if (value == NULL && cli_option_takes_word(option)) {
    if (reading->at == reading->count) {
      cli_complain("--%s needs a value: --%s=%s", option->name, option->name,
                   option->argument);
      return false;
    }
    value = reading->words[reading->at++];
  }
  bool bare = option->kind == CLI_GRANT && value == NULL;
  if (reading->call->count == 0) reading->bare = bare ? option : NULL;
  return store_value(reading, option, value);
}

/* Reads the letters of 'word', behind its dash: flags, and at the end of them
 * perhaps an option with its value. */
static bool read_letters(struct reading *reading, const char *letters) {
  for (; *letters != '\0'; letters++) {
    const struct cli_option *option =
        cli_option_lettered(reading->command, *letters);
    if (option == NULL) return complain_unknown(reading, letters, 1);
    if (option->kind != CLI_FLAG || letters[1] == '=')
      return read_value(reading, option,
                        letters[1] == '\0' ? NULL
                                           : letters + 1 + (letters[1] == '='));
    if (!read_value(reading, option, NULL)) return false;
  }
  return true;
}

/* Reads the option that 'word' is. */
static bool read_option(struct reading *reading, const char *word) {
  if (word[1] != '-') return read_letters(reading, word + 1);
  const char *name = word + 2;
  size_t size = strcspn(name, "=");
  const struct cli_option *option =
      cli_option_named(reading->command, name, size);
  if (option == NULL) return complain_unknown(reading, name, size);
  return read_value(reading, option,
                    name[size] == '=' ? name + size + 1 : NULL);
}

/* ---- Arguments -----------------------------------------------------------*/

/* Where the usage of 'command' names argument 'number', from 0; the last one
 * may be any of several. */
static const char *find_argument(const struct cli_command *command,
                                 size_t number) {
  const char *at = command->arguments;
  for (const char *next; number > 0 && (next = strchr(at, ' ')) != NULL;
       number--)
    at = next + 1;
  return at;
}

/* A command of several forms, with " | " between them, lacks one of them, and
 * not just its first word. */
static void complain_missing(const struct cli_command *command, size_t count) {
  const char *missing = find_argument(command, count);
  if (strstr(command->arguments, " | ") != NULL)
    cli_complain("usage: torpor %s %s", command->name, command->arguments);
  else
    cli_complain("missing argument: %.*s", (int)strcspn(missing, " "), missing);
}

static bool check_count(const struct reading *reading) {
  const struct cli_command *command = reading->command;
  size_t count = reading->call->count;
  if (count >= command->least && count <= command->most) return true;
  if (count < command->least)
    complain_missing(command, count);
  else
    cli_complain("unexpected argument '%s'",
                 reading->call->arguments[command->most]);
  refer_to_help(command);
  return false;
}

/* A grant takes its value behind '=' only. In "--allow-read /tmp x.mjs" the
 * value was taken for the program: what cannot be one is not run. */
static bool check_bare(const struct reading *reading) {
  const struct cli_call *call = reading->call;
  struct stat found;
  if (reading->bare == NULL || call->count < 2) return true;
  const char *word = call->arguments[0];
  bool there = stat(word, &found) == 0;
  bool program = there ? !S_ISDIR(found.st_mode)
                       : strncmp(reading->command->arguments, "FILE", 4) != 0;
  if (program && call->count <= reading->command->most) return true;
  cli_complain("--%s takes no value from the next word: write --%s=%s",
               reading->bare->name, reading->bare->name, word);
  return false;
}

static void read_common(const struct reading *reading) {
  if (reading->common.color != NULL) cli_output_color(reading->common.color);
}

/* Reads the words until --help, or until the rest is the program's own. */
static bool read_words(struct reading *reading) {
  const struct cli_command *command = reading->command;
  struct cli_call *call = reading->call;
  bool options = true;
  while (reading->at < reading->count && !reading->common.help) {
    char *word = reading->words[reading->at++];
    if (options && strcmp(word, "--") == 0) {
      options = false;
    } else if (options && cli_option_is(word)) {
      if (!read_option(reading, word)) return false;
      read_common(reading);
    } else {
      /* Arguments move to the front: no word is read twice. */
      reading->words[call->count++] = word;
      if (call->count == command->own) break;
    }
  }
  return true;
}

/* Behind --help nothing is looked at but what all commands have. */
static bool read_behind_help(struct reading *reading) {
  while (reading->at < reading->count) {
    const char *word = reading->words[reading->at++];
    if (strncmp(word, "--", 2) != 0) continue;
    const struct cli_option *option =
        cli_option_named(reading->command, word + 2, strcspn(word + 2, "="));
    if (option == NULL || !cli_option_is_common(option)) continue;
    if (!read_option(reading, word)) return false;
    read_common(reading);
  }
  return true;
}

bool cli_parse(const struct cli_command *command, char **words, size_t count,
               void *settings, struct cli_call *call, bool *help) {
  struct reading reading = {.command = command,
                            .words = words,
                            .count = count,
                            .settings = settings,
                            .call = call};
  *call = (struct cli_call){command, settings, words, 0};
  if (!read_words(&reading)) return false;
  *help = reading.common.help;
  if (*help) return read_behind_help(&reading);
  while (reading.at < count) words[call->count++] = words[reading.at++];
  return check_bare(&reading) && check_count(&reading);
}
