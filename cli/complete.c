/* SPDX-License-Identifier: MIT */
/* complete.c - what may stand at the end of a command line, by the tables of
 * commands and options.
 *
 * What an option takes is its kind, and for texts the name of its value. What
 * an argument is, is its name in the command's usage: ID and FILE|ID are runs
 * that are there, FILE and its like files; names in small letters stand for
 * themselves. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/complete.h"
#include "cli/store/store.h"
#include "cli/text/output.h"

/* How many runs are offered, and how long they are looked for. */
enum { RUNS_MAX = 500, RUNS_MS = 200 };

/* The command line as it was read until its last word. */
struct line {
  const struct cli_command *command;
  const char *last;
  const char *attached;            /* the part behind '=' of an option */
  const struct cli_option *option; /* whose value the last word is */
  char *const *words;              /* behind the command's name */
  size_t arguments;                /* how many there are */
  const char *first;               /* of these */
  bool options;                    /* may still come */
  struct cli_store store;
};

/* ---- Offers --------------------------------------------------------------*/

static bool begins(const char *word, const char *with) {
  return strncmp(word, with, strlen(with)) == 0;
}

/* Offers 'before' and 'word', of 'size' bytes, if the last word may become it.
 * 'after' is "=" if a value has to follow. */
static void offer(const struct line *line, const char *word, size_t size,
                  const char *after, const char *about) {
  const char *typed = line->attached != NULL ? line->attached : line->last;
  size_t length = strlen(typed);
  if (length > size || memcmp(typed, word, length) != 0) return;
  cli_print(stdout, "%.*s%.*s%s",
            line->attached != NULL ? (int)(line->attached - line->last) : 0,
            line->last, (int)size, word, after);
  fputs("\t", stdout);
  cli_print(stdout, "%s\n", about);
}

static void offer_word(const struct line *line, const char *word,
                       const char *about) {
  offer(line, word, strlen(word), "", about);
}

static void offer_commands(const struct line *line) {
  for (size_t i = 0; i < CLI_COMMAND_COUNT; i++)
    offer_word(line, cli_commands[i]->name, cli_commands[i]->summary);
}

static void offer_options(const struct line *line,
                          const struct cli_option *option) {
  char word[80];
  for (; option != NULL && option->name != NULL; option++) {
    snprintf(word, sizeof(word), "--%s", option->name);
    offer(line, word, strlen(word), cli_option_takes_word(option) ? "=" : "",
          option->help);
  }
}

/* The words of 'choices', which have '|' between. */
static void offer_choices(const struct line *line, const char *choices) {
  while (*choices != '\0') {
    size_t size = strcspn(choices, "|");
    offer(line, choices, size, "", "");
    choices += size + (choices[size] == '|');
  }
}

/* ---- Out of the store ----------------------------------------------------*/

struct search {
  const struct line *line;
  struct timespec begun;
  size_t count;
};

static bool goes_on(struct search *search) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long ms = (long)(now.tv_sec - search->begun.tv_sec) * 1000 +
            (now.tv_nsec - search->begun.tv_nsec) / 1000000;
  return ms < RUNS_MS && search->count < RUNS_MAX;
}

/* torpor_run_visit_fn */
static bool offer_run(void *user, const torpor_run_info *info) {
  struct search *search = user;
  /* Older versions made runs whose ids look like options. */
  const struct line *line = search->line;
  const char *typed = line->attached != NULL ? line->attached : line->last;
  if (begins(info->id, typed) && info->id[0] != '-') {
    offer_word(search->line, info->id, torpor_run_state_name(info->state));
    search->count++;
  }
  return goes_on(search);
}

/* torpor_run_operation_fn */
static bool offer_topic(void *user, const torpor_run_operation *operation) {
  struct search *search = user;
  if (strcmp(operation->kind, "signal") == 0 && operation->topic != NULL) {
    offer_word(search->line, operation->topic, "it waits for this");
    search->count++;
  }
  return goes_on(search);
}

/* Runs; or, if 'id' is not NULL, the signals that this one waits for. */
static void offer_from_store(const struct line *line, const char *id) {
  torpor_store_options options = TORPOR_STORE_OPTIONS_INIT;
  struct search search = {.line = line};
  torpor_store *store;
  options.read_only = true;
  options.must_exist = true;
  if (torpor_store_open(cli_store_path(&line->store), &options, &store) !=
      TORPOR_OK)
    return;
  clock_gettime(CLOCK_MONOTONIC, &search.begun);
  if (id == NULL)
    torpor_run_each(store, NULL, offer_run, &search);
  else
    torpor_run_operations(store, id, offer_topic, &search);
  torpor_store_close(store);
}

/* ---- Arguments -----------------------------------------------------------*/

/* Offers what the word of a usage stands for, of 'size' bytes, without the
 * brackets and points around it. */
static void offer_named(const struct line *line, const char *name,
                        size_t size) {
  static const struct {
    const char *name;
    bool runs, files;
  } names[] = {{"ID", true, false},      {"FILE|ID", true, true},
               {"A", true, true},        {"B", true, true},
               {"FILE", false, true},    {"ENGINE.wasm", false, true},
               {"ARGUMENT", false, true}};
  if (islower((unsigned char)name[0])) offer(line, name, size, "", "");
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    if (strlen(names[i].name) != size || memcmp(names[i].name, name, size) != 0)
      continue;
    if (names[i].runs) offer_from_store(line, NULL);
    if (names[i].files) fputs(":files\n", stdout);
  }
  if (line->command == &cli_help) offer_commands(line);
  if (line->command == &cli_signal && line->arguments == 1)
    offer_from_store(line, line->first);
}

/* The word of a usage at 'at'; gives where the next one begins. */
static const char *read_word(const char *at, const char **name, size_t *size,
                             bool *repeats) {
  size_t length = strcspn(at, " ");
  const char *next = at + length + (at[length] == ' ');
  while (length > 0 && *at == '[') at++, length--;
  while (length > 0 && at[length - 1] == ']') length--;
  *repeats = length > 3 && memcmp(at + length - 3, "...", 3) == 0;
  *name = at;
  *size = *repeats ? length - 3 : length;
  return next;
}

/* Offers what one form of the usage has for the argument that comes. */
static void offer_form(const struct line *line, const char *form,
                       const char *end) {
  const char *name;
  size_t size;
  bool repeats;
  for (size_t number = 0; form < end; number++) {
    form = read_word(form, &name, &size, &repeats);
    if (number == line->arguments || repeats) {
      offer_named(line, name, size);
      return;
    }
    /* A form that begins with another word is not meant. */
    if (number == 0 && islower((unsigned char)name[0]) &&
        (strlen(line->first) != size || memcmp(line->first, name, size) != 0))
      return;
  }
}

static void offer_arguments(const struct line *line) {
  const char *form = line->command->arguments;
  while (form != NULL) {
    const char *next = strstr(form, " | ");
    offer_form(line, form, next == NULL ? form + strlen(form) : next);
    form = next == NULL ? NULL : next + 3;
  }
}

/* States, of which several may be given with commas. */
static void offer_states(struct line *line) {
  const char *comma = strrchr(line->last, ',');
  if (comma != NULL) line->attached = comma + 1;
  for (int state = 0; state <= TORPOR_RUN_DAMAGED; state++)
    offer_word(line, torpor_run_state_name((torpor_run_state)state), "");
}

static void offer_value(struct line *line) {
  const struct cli_option *option = line->option;
  switch (option->kind) {
  case CLI_TEXT:
    if (strcmp(option->argument, "STATE") == 0) offer_states(line);
    /* --id is that of a new run. */
    if (strcmp(option->argument, "ID") == 0 && strcmp(option->name, "id") != 0)
      offer_from_store(line, NULL);
    return;
  case CLI_CHOICE:
    offer_choices(line, option->argument);
    return;
  case CLI_KEEP:
    offer_word(line, "all", option->help);
    return;
  case CLI_PATH:
  case CLI_FILES:
    if (strcmp(option->argument, "DIR") == 0)
      fputs(":folders\n", stdout);
    else
      fputs(":files\n", stdout);
    return;
  case CLI_GRANT:
    if (strcmp(option->argument, "PATH") == 0) fputs(":files\n", stdout);
    return;
  default:
    return;
  }
}

/* ---- The line ------------------------------------------------------------*/

/* Reads the options that 'word' is; what the last one takes may be 'next'. */
static void read_option(struct line *line, const char *word, const char *next) {
  size_t size = strcspn(word, "=");
  const struct cli_option *option = NULL;
  bool attached = word[size] == '=';
  if (word[1] == '-') {
    option = cli_option_named(line->command, word + 2, size - 2);
  } else {
    for (word++; *word != '\0'; word++) {
      option = cli_option_lettered(line->command, *word);
      if (option == NULL || !cli_option_takes_word(option)) continue;
      attached = word[1] != '\0';
      break;
    }
  }
  if (option == NULL || !cli_option_takes_word(option)) return;
  if (strcmp(option->name, "store") == 0)
    line->store.path = attached ? word + size + 1 : next;
  if (!attached) line->option = option;
}

/* Reads all words but the last. */
static void read_words(struct line *line, size_t count) {
  for (size_t i = 0; i + 1 < count; i++) {
    const char *word = line->words[i];
    if (line->option != NULL) {
      line->option = NULL; /* this is its value */
    } else if (line->options && strcmp(word, "--") == 0) {
      line->options = false;
    } else if (line->options && cli_option_is(word)) {
      read_option(line, word, line->words[i + 1]);
    } else {
      if (line->arguments++ == 0) line->first = word;
      size_t own = line->command->own;
      if (own != 0 && line->arguments >= own) line->options = false;
    }
  }
}

/* Finds out whether the last word is, or holds, the value of an option. */
static void read_last(struct line *line) {
  size_t size = strcspn(line->last, "=");
  if (line->option != NULL || !line->options || !begins(line->last, "--") ||
      line->last[size] != '=')
    return;
  line->option = cli_option_named(line->command, line->last + 2, size - 2);
  line->attached = line->last + size + 1;
}

static void complete_line(struct line *line, size_t count) {
  read_words(line, count);
  read_last(line);
  if (line->option != NULL) {
    offer_value(line);
  } else if (line->attached != NULL) {
    return; /* the value of an option that is not known */
  } else if (line->options && line->last[0] == '-') {
    offer_options(line, line->command->options);
    offer_options(line, cli_common_options);
  } else {
    offer_arguments(line);
  }
}

void cli_complete(char *const *words, size_t count) {
  static char empty[] = "";
  static char *const nothing[] = {empty};
  if (count == 0) words = nothing, count = 1;
  struct line line = {.command = &cli_script,
                      .last = words[count - 1],
                      .words = words,
                      .options = true};
  const struct cli_command *command = cli_command_find(words[0]);
  if (count == 1) offer_commands(&line);
  if (count > 1 && command != NULL) {
    line.command = command;
    line.words++;
    count--;
  }
  complete_line(&line, count);
}
