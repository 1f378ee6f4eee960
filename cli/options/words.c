/* SPDX-License-Identifier: MIT */
/* words.c - settings as words of a command line. */
#include "cli/options/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "--name", or "--name=value" with a unit behind it. */
static bool take_word(const struct cli_option *option, const char *value,
                      const char *unit, cli_word_fn *take, void *user) {
  size_t size = strlen(option->name) + (value == NULL ? 0 : strlen(value)) +
                strlen(unit) + sizeof("--=");
  char *word = malloc(size);
  if (word == NULL) return false;
  snprintf(word, size, "--%s%s%s%s", option->name, value == NULL ? "" : "=",
           value == NULL ? "" : value, unit);
  bool taken = take(user, word);
  free(word);
  return taken;
}

static bool take_number(const struct cli_option *option, uint64_t number,
                        cli_word_fn *take, void *user) {
  char text[24];
  snprintf(text, sizeof(text), "%" PRIu64, number);
  return number == 0 ||
         take_word(option, text, option->kind == CLI_DURATION ? "ms" : "", take,
                   user);
}

static bool take_keep(const struct cli_option *option,
                      const struct cli_keep *keep, cli_word_fn *take,
                      void *user) {
  char text[24] = "all";
  if (keep->states != UINT64_MAX)
    snprintf(text, sizeof(text), "%" PRIu64, keep->states);
  return !keep->given || take_word(option, text, "", take, user);
}

static bool take_grant(const struct cli_option *option,
                       const struct cli_grant *grant, cli_word_fn *take,
                       void *user) {
  bool taken = !grant->all || take_word(option, NULL, "", take, user);
  for (size_t i = 0; i < grant->count && taken; i++)
    taken = take_word(option, grant->lists[i], "", take, user);
  return taken;
}

static bool take_option(const struct cli_option *option, const void *field,
                        cli_word_fn *take, void *user) {
  switch (option->kind) {
  case CLI_FLAG:
    return !*(const bool *)field || take_word(option, NULL, "", take, user);
  case CLI_TEXT:
  case CLI_PATH:
  case CLI_CHOICE: {
    const char *text = *(const char *const *)field;
    return text == NULL || take_word(option, text, "", take, user);
  }
  case CLI_FILES:
  case CLI_GRANT:
    return take_grant(option, field, take, user);
  case CLI_KEEP:
    return take_keep(option, field, take, user);
  default:
    return take_number(option, *(const uint64_t *)field, take, user);
  }
}

bool cli_words_each(const struct cli_option *options, const void *settings,
                    cli_word_fn *take, void *user) {
  for (; options->name != NULL; options++)
    if (!take_option(options, (const char *)settings + options->offset, take,
                     user))
      return false;
  return true;
}
