/* SPDX-License-Identifier: MIT */
/* extension.c - torpor extension: making extensions, and saying why one will
 * not load. Programs of the kit do the work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/executable/kit.h"
#include "cli/text/output.h"

struct extension_settings {
  bool cpp, uninstrumented, quick;
  const char *out, *name;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct extension_settings, cpp, "cpp", 0, CLI_FLAG, NULL,
               "new: write it in C++"),
    CLI_OPTION(struct extension_settings, out, "out", 'o', CLI_PATH, "FILE",
               "new: the folder to write it into; build: the file to write"),
    CLI_OPTION(struct extension_settings, name, "name", 0, CLI_TEXT, "NAME",
               "build, check: the extension's name, if it does not say it "
               "itself"),
    CLI_OPTION(struct extension_settings, uninstrumented, "uninstrumented", 0,
               CLI_FLAG, NULL,
               "build, check: limits on time need not hold in its loops"),
    CLI_OPTION(struct extension_settings, quick, "quick", 0, CLI_FLAG, NULL,
               "build: compile native code in less time that runs slower"),
    {0},
};

/* How many options there are, and room for the name of one. */
enum { OPTIONS = sizeof(options) / sizeof(*options), LETTERS = 32 };

struct verb {
  const char *name;
  size_t most;       /* arguments, with the name */
  const char *needs; /* as the first of the others */
  const char *takes; /* names of options, each with a blank behind it */
  struct cli_kit kit;
};

static const struct verb verbs[] = {
    {"new",
     2,
     "a name",
     "cpp out ",
     {"extensions/kit/new.py", "writing a new extension", ""}},
    {"build",
     SIZE_MAX,
     "a file",
     "out name uninstrumented quick ",
     {"extensions/kit/build.py", "building an extension",
      ", clang-22 and wasm-ld-22, or wasm2c and a C compiler"}},
    {"check",
     SIZE_MAX,
     "a file",
     "name uninstrumented ",
     {"extensions/kit/check.py", "checking an extension", ""}}};

enum { VERBS = sizeof(verbs) / sizeof(*verbs) };

/* ---- Options --------------------------------------------------------------*/

static bool is_given(const struct cli_option *option, const void *settings) {
  const char *field = (const char *)settings + option->offset;
  if (option->kind == CLI_FLAG) return *(const bool *)field;
  return *(const char *const *)field != NULL;
}

static bool takes(const struct verb *verb, const char *name) {
  const char *at = strstr(verb->takes, name);
  return at != NULL && at[strlen(name)] == ' ';
}

/* The words for the options that are given, behind which is NULL; false after
 * saying which one the verb does not take. */
static bool add_options(const struct verb *verb, const void *settings,
                        const char **words, size_t *count,
                        char names[][LETTERS]) {
  for (size_t i = 0; options[i].name != NULL; i++) {
    const struct cli_option *option = &options[i];
    if (!is_given(option, settings)) continue;
    if (!takes(verb, option->name)) {
      cli_complain("'torpor extension %s' takes no --%s", verb->name,
                   option->name);
      return false;
    }
    snprintf(names[i], LETTERS, "--%s", option->name);
    words[(*count)++] = names[i];
    if (option->kind != CLI_FLAG)
      words[(*count)++] =
          *(const char *const *)((const char *)settings + option->offset);
  }
  return true;
}

/* The arguments behind the verb. Those from the first that begins with '-' on
 * are behind a "--". */
static void add_arguments(const struct cli_call *call, const char **words,
                          size_t *count) {
  bool behind = false;
  for (size_t i = 1; i < call->count; i++) {
    if (!behind && call->arguments[i][0] == '-') {
      words[(*count)++] = "--";
      behind = true;
    }
    words[(*count)++] = call->arguments[i];
  }
}

static int run_verb(const struct verb *verb, const struct cli_call *call) {
  char names[OPTIONS][LETTERS];
  const char **words = calloc(call->count + 2 * OPTIONS + 3, sizeof(*words));
  size_t count = 0;
  if (words == NULL) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
#ifdef TORPOR_SOFT_BOUNDS
  if (takes(verb, "quick")) words[count++] = "--soft-bounds";
#endif
  int code = CLI_EXIT_USAGE;
  if (add_options(verb, call->settings, words, &count, names)) {
    add_arguments(call, words, &count);
    code = cli_kit_run(&verb->kit, words);
  }
  free(words);
  return code;
}

/* ---- The command ----------------------------------------------------------*/

static int complain_unknown(const char *word) {
  const char *names[VERBS];
  for (size_t i = 0; i < VERBS; i++) names[i] = verbs[i].name;
  const char *near = cli_suggest(word, names, VERBS);
  cli_complain("'torpor extension' knows new, build and check, not '%s'%s%s%s",
               word, near != NULL ? "; did you mean '" : "",
               near != NULL ? near : "", near != NULL ? "'?" : "");
  return CLI_EXIT_USAGE;
}

static int run(const struct cli_call *call) {
  const char *word = call->arguments[0];
  const struct verb *verb = verbs;
  while (verb < verbs + VERBS && strcmp(verb->name, word) != 0) verb++;
  if (verb == verbs + VERBS) return complain_unknown(word);
  if (call->count > 1 && call->count <= verb->most) return run_verb(verb, call);
  if (call->count == 1)
    cli_complain("'torpor extension %s' needs %s", word, verb->needs);
  else
    cli_complain("unexpected argument '%s'", call->arguments[verb->most]);
  return CLI_EXIT_USAGE;
}

const struct cli_command cli_extension = {
    .name = "extension",
    .group = CLI_GROUP_CARRY,
    .arguments = "new NAME | build FILE... [-- FLAG...] | check FILE...",
    .summary = "make an extension, or check one",
    .details =
        "An extension is C or C++ that runs inside a VM and adds classes and\n"
        "functions to it; docs/extensions.md tells how to write one.\n\n"
        "  new NAME    write one to begin with into folder NAME, with a test\n"
        "  build FILE  make NAME.wasm of the sources NAME.c, NAME.cpp and\n"
        "              others; FLAGs go to the compiler. Of a NAME.wasm make\n"
        "              native code for this computer, for --extension\n"
        "  check FILE  say why a VM would not load a module\n"
        "\n"
        "Building needs python3, clang-22, wasm-ld-22 and wasi-libc; for C++\n"
        "libc++-22-dev-wasm32; for native code wasm2c and a C compiler.",
    .examples =
        "torpor extension new my-list\n"
        "torpor extension build my-list/my-list.c\n"
        "torpor extension check my-list.wasm\n",
    .options = options,
    .settings_size = sizeof(struct extension_settings),
    .least = 1,
    .most = SIZE_MAX,
    .run = run,
};
