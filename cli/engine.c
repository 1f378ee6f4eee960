/* SPDX-License-Identifier: MIT */
/* engine.c - torpor engine: the engines that this computer has, and more of
 * them. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/install.h"
#include "cli/text/json.h"
#include "cli/text/output.h"

struct engine_settings {
  bool json, quick;
  const char *to;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct engine_settings, json, "json", 0, CLI_FLAG, NULL,
               "print JSON"),
    CLI_OPTION(struct engine_settings, to, "to", 'o', CLI_PATH, "DIR",
               "add, build: the folder to put it into"),
    CLI_OPTION(struct engine_settings, quick, "quick", 0, CLI_FLAG, NULL,
               "compile in less time an engine that runs slower"),
    {0},
};

/* ---- Listing --------------------------------------------------------------*/

static void print_engine(const char *name, const torpor_engine_info *info) {
  cli_json_open(name, '{');
  cli_json_text("id", info->id);
  cli_json_boolean("builtIn", info->path == NULL);
  cli_json_text("path", info->path);
  cli_json_text("quickjs", info->quickjs[0] != '\0' ? info->quickjs : NULL);
  cli_json_number("abi", info->abi);
  cli_json_boolean("usable", info->unusable == NULL);
  cli_json_text("reason", info->unusable);
  cli_json_close('}');
}

/* torpor_engine_visit_fn */
static bool print_listed(void *user, const torpor_engine_info *info) {
  (void)user;
  print_engine(NULL, info);
  return true;
}

/* torpor_engine_visit_fn */
static bool show_listed(void *user, const torpor_engine_info *info) {
  (void)user;
  cli_print(stdout, "%s  %-8s  ", info->id,
            info->quickjs[0] != '\0' ? info->quickjs : "?");
  cli_output_plain(stdout, info->path != NULL ? info->path : "(built in)");
  if (info->unusable != NULL)
    cli_print(stdout, "\n    not usable: %s", info->unusable);
  putchar('\n');
  return true;
}

static int list(const struct cli_call *call) {
  const struct engine_settings *settings = call->settings;
  if (settings->json) {
    cli_json_open(NULL, '[');
    torpor_engine_each(print_listed, NULL);
    cli_json_close(']');
  } else {
    cli_print(stdout, "%-64s  %-8s  %s\n", "ENGINE", "QUICKJS", "FILE");
    torpor_engine_each(show_listed, NULL);
  }
  return CLI_EXIT_DONE;
}

/* ---- Adding and building --------------------------------------------------*/

static int install_into(const struct cli_call *call, const char *folder) {
  const struct engine_settings *settings = call->settings;
  struct cli_install install = {
      .from = call->arguments[1], .folder = folder, .quick = settings->quick};
  char path[PATH_MAX];
  torpor_engine_info info = TORPOR_ENGINE_INFO_INIT;
  int code = cli_install(&install, path, &info);
  if (code != CLI_EXIT_DONE) return code;
  if (settings->json) {
    print_engine(NULL, &info);
  } else {
    cli_print(stdout, "engine %s (QuickJS %s) is in ", info.id, info.quickjs);
    cli_output_plain(stdout, path);
    putchar('\n');
  }
  return CLI_EXIT_DONE;
}

static int add(const struct cli_call *call) {
  const struct engine_settings *settings = call->settings;
  char folder[PATH_MAX];
  if (settings->to != NULL) return install_into(call, settings->to);
  if (torpor_engine_folder(folder, sizeof(folder)) == TORPOR_OK)
    return install_into(call, folder);
  cli_complain("there is no folder for engines; name one with --to");
  return CLI_EXIT_FILE;
}

static int build(const struct cli_call *call) {
  const struct engine_settings *settings = call->settings;
  return install_into(call, settings->to != NULL ? settings->to : ".");
}

/* ---- The command ----------------------------------------------------------*/

static const struct {
  const char *name;
  size_t count; /* of arguments, with the name */
  int (*run)(const struct cli_call *call);
} verbs[] = {{"list", 1, list}, {"add", 2, add}, {"build", 2, build}};

enum { VERBS = sizeof(verbs) / sizeof(*verbs) };

static int complain_unknown(const char *word) {
  const char *names[VERBS];
  for (size_t i = 0; i < VERBS; i++) names[i] = verbs[i].name;
  const char *near = cli_suggest(word, names, VERBS);
  cli_complain("'torpor engine' can list, add and build, not '%s'%s%s%s", word,
               near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
               near != NULL ? "'?" : "");
  return CLI_EXIT_USAGE;
}

static int run(const struct cli_call *call) {
  const char *word = call->arguments[0];
  for (size_t i = 0; i < VERBS; i++) {
    if (strcmp(word, verbs[i].name) != 0) continue;
    if (verbs[i].count == call->count) return verbs[i].run(call);
    cli_complain(verbs[i].count > call->count
                     ? "'torpor engine %s' needs a file"
                     : "'torpor engine %s' takes no file",
                 word);
    return CLI_EXIT_USAGE;
  }
  return complain_unknown(word);
}

const struct cli_command cli_engine = {
    .name = "engine",
    .group = CLI_GROUP_CARRY,
    .arguments = "list | add FILE | build ENGINE.wasm",
    .summary = "list the engines that are here, or add one",
    .details =
        "A snapshot wakes in the engine that it was made with. One is built\n"
        "in; those of other versions are files.\n\n"
        "  list              each engine: its id, the version of QuickJS in\n"
        "                    it, its file, and whether it can be used\n"
        "  add FILE          put an engine where torpor looks for it: FILE is\n"
        "                    its .so, or its engine.wasm, which is translated\n"
        "  build ENGINE.wasm translate it into <id>.so in the current folder\n"
        "\n"
        "Engines lie in the folders of TORPOR_ENGINE_PATH (the first is where\n"
        "new ones go), and in lib/torpor/engines. Translating needs python3,\n"
        "wasm2c and a C compiler. A .so is code that runs in torpor: add only\n"
        "what you would run. An engine.wasm is confined to its sandbox.",
    .examples = "torpor engine list\n",
    .options = options,
    .settings_size = sizeof(struct engine_settings),
    .least = 1,
    .most = 2,
    .run = run,
};
