/* SPDX-License-Identifier: MIT */
/* option.c - reading a command line by a command's table of options.
 *
 *   --name  --name=value  --name value  -n  -n value  -nvalue
 *
 * "--" ends the options. A grant takes its value by '=' only, since it may have
 * none. What is wrong is said at once, with what may have been meant. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"

/* The command line that is being read. */
struct reading {
  const struct cli_command *command;
  char **words;
  size_t count, at;
  char *settings;
  struct cli_call *call;
  bool help;
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

static bool store_value(const struct reading *reading,
                        const struct cli_option *option, const char *value) {
  void *field = reading->settings + option->offset;
  switch (option->kind) {
  case CLI_FLAG:
    *(bool *)field = true;
    return true;
  case CLI_TEXT:
    *(const char **)field = value;
    return true;
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

static bool complain_unknown(const struct reading *reading, const char *word,
                             size_t size) {
  const char *names[OPTIONS_MAX];
  size_t count = 0;
  char name[64];
  const struct cli_option *option = reading->command->options;
  names[count++] = "help";
  for (; option->name != NULL && count < OPTIONS_MAX; option++)
    names[count++] = option->name;
  snprintf(name, sizeof(name), "%.*s", (int)(size < 63 ? size : 63), word);
  const char *near = cli_suggest(name, names, count);
  if (near != NULL) {
    cli_complain("unknown option '--%s'; did you mean '--%s'?", name, near);
  } else {
    cli_complain("unknown option '%s%s'", size == 1 ? "-" : "--", name);
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
  if (value == NULL && option->kind != CLI_FLAG && option->kind != CLI_GRANT) {
    if (reading->at == reading->count) {
      cli_complain("--%s needs a value: --%s=%s", option->name, option->name,
                   option->argument);
      return false;
    }
    value = reading->words[reading->at++];
  }
  return store_value(reading, option, value);
}

/* Reads the letters of 'word', behind its dash: flags, and at the end of them
 * perhaps an option with its value. */
static bool read_letters(struct reading *reading, const char *letters) {
  const struct cli_option *options = reading->command->options;
  for (; *letters != '\0'; letters++) {
    const struct cli_option *option = options;
    while (option->name != NULL && option->letter != *letters) option++;
    if (option->name == NULL) {
      reading->help = *letters == 'h';
      return reading->help || complain_unknown(reading, letters, 1);
    }
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
  const char *attached = name[size] == '=' ? name + size + 1 : NULL;
  const struct cli_option *option = reading->command->options;
  for (; option->name != NULL; option++)
    if (strlen(option->name) == size && memcmp(option->name, name, size) == 0)
      return read_value(reading, option, attached);
  reading->help = strcmp(name, "help") == 0;
  return reading->help || complain_unknown(reading, name, size);
}

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

bool cli_parse(const struct cli_command *command, char **words, size_t count,
               void *settings, struct cli_call *call, bool *help) {
  struct reading reading = {.command = command,
                            .words = words,
                            .count = count,
                            .settings = settings,
                            .call = call};
  bool options = true;
  *call = (struct cli_call){command, settings, words, 0};
  while (reading.at < count && !reading.help) {
    char *word = words[reading.at++];
    if (options && strcmp(word, "--") == 0) {
      options = false;
    } else if (options && word[0] == '-' && word[1] != '\0') {
      if (!read_option(&reading, word)) return false;
    } else {
      /* Arguments move to the front: no word is read twice. */
      words[call->count++] = word;
      if (command->passes_rest) break;
    }
  }
  *help = reading.help;
  if (reading.help) return true;
  while (reading.at < count) words[call->count++] = words[reading.at++];
  return check_count(&reading);
}
