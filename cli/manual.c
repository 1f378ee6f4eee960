/* SPDX-License-Identifier: MIT */
/* manual.c - the manual page torpor(1), made from the same tables as help.
 *
 * An option that several commands have is described once, with the first of
 * them; the others name it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "torpor.h"

/* What the command reads from its environment, each once: name, meaning. */
#define ENVIRONMENT(X)                                                         \
  X("TORPOR_STORE", "the store, where --store names none")                     \
  X("TORPOR_ENGINE_PATH",                                                      \
    "folders of engines, with colons between; new ones go into the first")     \
  X("TORPOR_EXTENSION_PATH",                                                   \
    "folders of native extensions, with colons between")                       \
  X("TORPOR_PORTABLE",                                                         \
    "1: extensions use no instructions that some "                             \
    "processors lack")                                                         \
  X("NO_COLOR", "no colours, unless --color says otherwise")                   \
  X("FORCE_COLOR",                                                             \
    "colours, also where there is no terminal; '0' and "                       \
    "'false': none")                                                           \
  X("TERM", "'dumb', or not set: no colours")                                  \
  X("CC", "the C compiler of 'build', 'compile', 'engine' and 'extension'")    \
  X("SSL_CERT_FILE", "certificates that fetch trusts, where --ca names none")  \
  X("XDG_CACHE_HOME", "where extensions that were built here are kept")        \
  X("TMPDIR", "where temporary files go")

/* Files and folders, as above. */
#define FILES(X)                                                               \
  X("torpor.db", "the store, where nothing names another")                     \
  X("torpor.db-wal, torpor.db-shm", "SQLite's, while the store is open")       \
  X("torpor.db-locks", "says which process drives which run")                  \
  X("lib/torpor/engines", "engines of other versions")

/* ---- Text ----------------------------------------------------------------*/

/* Writes 'size' bytes as text that the formatter changes nothing of. */
static void write_text(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    bool first = i == 0 || text[i - 1] == '\n';
    if (first && (text[i] == '.' || text[i] == '\'')) fputs("\\&", stdout);
    if (text[i] == '\\')
      fputs("\\e", stdout);
    else if (text[i] == '-')
      fputs("\\-", stdout);
    else if (text[i] == '\'')
      fputs("\\(aq", stdout);
    else
      putchar(text[i]);
  }
}

static void write_line(const char *text) {
  write_text(text, strlen(text));
  putchar('\n');
}

static void write_sentence(const char *text) {
  putchar(toupper((unsigned char)text[0]));
  write_text(text + 1, strlen(text + 1));
  puts(".");
}

/* As help.c shows them: lines that begin with a space stay as they are. */
static void write_details(const char *text) {
  bool plain = false;
  puts(".PP");
  while (*text != '\0') {
    size_t size = strcspn(text, "\n");
    bool empty = size == 0, indented = *text == ' ';
    if (!empty && plain != indented) puts(indented ? ".EX" : ".EE");
    if (!empty) plain = indented;
    if (empty && !plain)
      puts(".PP");
    else if (!empty)
      write_text(text, size), putchar('\n');
    text += size + (text[size] == '\n');
  }
  if (plain) puts(".EE");
}

static void write_item(const char *name, const char *meaning) {
  fputs(".TP\n.B ", stdout);
  write_line(name);
  write_line(meaning);
}

/* ---- Options -------------------------------------------------------------*/

static bool is_same(const struct cli_option *a, const struct cli_option *b) {
  return strcmp(a->name, b->name) == 0 && a->kind == b->kind &&
         strcmp(a->help, b->help) == 0;
}

static bool has_same(const struct cli_command *command,
                     const struct cli_option *option) {
  const struct cli_option *at = command->options;
  for (; at != NULL && at->name != NULL; at++)
    if (is_same(at, option)) return true;
  return false;
}

/* Whether 'command' is described before 'later'. */
static bool is_earlier(const struct cli_command *command,
                       const struct cli_command *later) {
  if (command == &cli_script || later == &cli_script)
    return command == &cli_script && later != command;
  if (command->group != later->group) return command->group < later->group;
  size_t i = 0;
  while (cli_commands[i] != command && cli_commands[i] != later) i++;
  return cli_commands[i] == command && command != later;
}

static bool is_described(const struct cli_command *command,
                         const struct cli_option *option) {
  if (is_earlier(&cli_script, command) && has_same(&cli_script, option))
    return true;
  for (size_t i = 0; i < CLI_COMMAND_COUNT; i++)
    if (is_earlier(cli_commands[i], command) &&
        has_same(cli_commands[i], option))
      return true;
  return false;
}

static void write_option(const struct cli_option *option) {
  char label[CLI_OPTION_LABEL_SIZE];
  write_item(cli_option_label(option, label), option->help);
}

/* Names those that another command has described. */
static void write_described(const struct cli_command *command) {
  const char *before = ".PP\nAs above: ";
  const struct cli_option *at = command->options;
  for (; at != NULL && at->name != NULL; at++) {
    if (!is_described(command, at)) continue;
    printf("%s\\fB\\-\\-", before);
    write_text(at->name, strlen(at->name));
    fputs("\\fR", stdout);
    before = ",\n";
  }
  if (before[0] == ',') puts(".");
}

static void write_options(const struct cli_command *command) {
  const struct cli_option *at = command->options;
  for (; at != NULL && at->name != NULL; at++)
    if (!is_described(command, at)) write_option(at);
  write_described(command);
}

/* ---- Examples ------------------------------------------------------------*/

static void write_examples(const struct cli_command *command) {
  puts(".PP\nExamples:\n.PP\n.EX");
  write_text(command->examples, strlen(command->examples));
  puts(".EE");
}

/* ---- The page ------------------------------------------------------------*/

static void write_command(const struct cli_command *command) {
  printf(".SS torpor %s", command->name);
  if (command->arguments[0] != '\0') putchar(' ');
  write_line(command->arguments);
  write_sentence(command->summary);
  if (command->details != NULL) write_details(command->details);
  write_options(command);
  write_examples(command);
}

static void write_group(enum cli_group group, const char *title) {
  fputs(".SH ", stdout);
  for (; *title != '\0'; title++) putchar(toupper((unsigned char)*title));
  putchar('\n');
  for (size_t i = 0; i < CLI_COMMAND_COUNT; i++)
    if (cli_commands[i]->group == group) write_command(cli_commands[i]);
}

static void write_head(void) {
  printf(".TH TORPOR 1 \"\" \"Torpor %s\" \"User Commands\"\n",
         torpor_version());
  puts(".nh\n.ad l");
  puts(".SH NAME\ntorpor \\- run JavaScript in sandboxes that can sleep");
  puts(".SH SYNOPSIS");
  puts(".B torpor\n[\\fIOPTIONS\\fR] \\fIFILE\\fR [\\fIARGUMENT\\fR...]");
  puts(".br\n.B torpor\n\\fICOMMAND\\fR ...");
  puts(".SH DESCRIPTION");
  write_sentence(cli_script.summary);
  write_details(cli_script.details);
  puts(".SH OPTIONS");
  write_options(&cli_script);
  write_item("-V, --version", "the version and the engine's id");
  write_examples(&cli_script);
  puts(".PP\nEvery command has as well:");
  for (const struct cli_option *at = cli_common_options; at->name != NULL; at++)
    write_option(at);
}

void cli_manual_print(void) {
  char number[16];
  puts(".\\\" Made by 'torpor help --man'.");
  write_head();
#define X(name, title) write_group(CLI_GROUP_##name, title);
  CLI_GROUPS(X)
#undef X
  puts(".SH EXIT STATUS");
#define X(code, name, text)                                                    \
  snprintf(number, sizeof(number), "%d", code);                                \
  write_item(number, text);
  CLI_EXIT_LIST(X)
#undef X
  puts(".SH ENVIRONMENT");
#define X(name, text) write_item(name, text);
  ENVIRONMENT(X)
  puts(".SH FILES");
  FILES(X)
#undef X
}
