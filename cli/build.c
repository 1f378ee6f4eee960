/* SPDX-License-Identifier: MIT */
/* build.c - torpor build FILE: one executable of a program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/executable/bundle-make.h"
#include "cli/executable/emit.h"
#include "cli/executable/executable.h"
#include "cli/executable/held.h"
#include "cli/text/output.h"

struct build_settings {
  const char *out;
  bool snapshot, strip, append, show, json;
  struct cli_grant include, from, modules;
  struct cli_sandbox sandbox;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct build_settings, out, "out", 'o', CLI_PATH, "FILE",
               "the executable (FILE without .js)"),
    CLI_OPTION(struct build_settings, snapshot, "snapshot", 0, CLI_FLAG, NULL,
               "run the module now, keep it asleep, and call its main(...) "
               "when it is started"),
    CLI_OPTION(
        struct build_settings, include, "include", 0, CLI_FILES, "FILE",
        "a module whose name the program puts together for import(), or a "
        "file: it may be there again and again"),
    CLI_OPTION(struct build_settings, from, "allow-import", 0, CLI_GRANT,
               "PATH", "read modules below PATH, or all, for this build"),
    CLI_OPTION(struct build_settings, modules, "module", 0, CLI_FILES,
               "[NAME=]FILE",
               "a module in C to link: FILE is a .o, .a or .c, NAME what is "
               "imported"),
    CLI_OPTION(struct build_settings, strip, "strip", 0, CLI_FLAG, NULL,
               "leave out what stack traces and toString need"),
    CLI_OPTION(struct build_settings, append, "append", 0, CLI_FLAG, NULL,
               "do not link, even if there is a C compiler"),
    CLI_OPTION(struct build_settings, show, "show", 0, CLI_FLAG, NULL,
               "say what the executable FILE holds, and what it may do"),
    CLI_OPTION(struct build_settings, json, "json", 0, CLI_FLAG, NULL,
               "with --show: one JSON object"),
    CLI_KEPT_OPTIONS(struct build_settings, sandbox),
    {0},
};

/* ---- Modules in C --------------------------------------------------------*/

/* Reads "NAME=FILE" or "FILE", whose name without its ending is NAME then.
 * NAME and the name in C lie in memory of malloc, at 'name'. */
static int read_module(const char *text, struct cli_extern *out, char **name) {
  const char *equals = strchr(text, '=');
  const char *slash = strrchr(text, '/');
  const char *from = equals != NULL || slash == NULL ? text : slash + 1;
  size_t size = equals != NULL ? (size_t)(equals - text) : strcspn(from, ".");
  char *copy = *name = malloc(2 * size + 2);
  if (copy == NULL) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  char *cname = copy + size + 1;
  memcpy(copy, from, size);
  copy[size] = '\0';
  strcpy(cname, copy);
  for (char *at = cname; *at != '\0'; at++)
    if (*at == '-' || *at == '.' || *at == ':') *at = '_';
  *out = (struct cli_extern){copy, cname, equals != NULL ? equals + 1 : text};
  if (cli_emit_is_name(cname)) return CLI_EXIT_DONE;
  cli_complain(
      "--module=%s: say NAME=FILE with a name of letters, digits, '-' "
      "and '_'; torpor_module_init_NAME is the function in FILE",
      text);
  return CLI_EXIT_USAGE;
}

struct modules {
  struct cli_extern externs[CLI_GRANTS_MAX];
  const char *names[CLI_GRANTS_MAX];
  char *owned[CLI_GRANTS_MAX];
  size_t count;
};

static int read_modules(const struct cli_grant *grant,
                        struct modules *modules) {
  int code = CLI_EXIT_DONE;
  for (size_t i = 0; i < grant->count && code == CLI_EXIT_DONE; i++) {
    code =
        read_module(grant->lists[i], &modules->externs[i], &modules->owned[i]);
    modules->names[i] = modules->externs[i].name;
    modules->count = i + 1;
  }
  return code;
}

static void free_modules(struct modules *modules) {
  for (size_t i = 0; i < modules->count; i++) free(modules->owned[i]);
}

/* ---- Building ------------------------------------------------------------*/

/* The name of the file without its folder and ending, from malloc; NULL: it
 * has no ending. */
static char *choose_name(const char *file) {
  const char *slash = strrchr(file, '/');
  const char *from = slash == NULL ? file : slash + 1;
  const char *dot = strrchr(from, '.');
  if (dot == NULL || dot == from) return NULL;
  return strndup(from, (size_t)(dot - from));
}

static int build(const struct build_settings *settings, const char *file,
                 const char *out, const struct modules *modules) {
  const struct cli_making making = {.graph = {.file = file,
                                              .include = &settings->include,
                                              .from = &settings->from,
                                              .externs = modules->names,
                                              .extern_count = modules->count,
                                              .strip = settings->strip},
                                    .sandbox = &settings->sandbox,
                                    .snapshot = settings->snapshot};
  torpor_bytes bundle = {NULL, 0};
  int code = cli_executable_check(out);
  if (code == CLI_EXIT_DONE && settings->snapshot && modules->count > 0)
    code = cli_link_here(modules->externs, modules->count);
  if (code == CLI_EXIT_DONE) code = cli_bundle_make(&making, &bundle);
  if (code == CLI_EXIT_DONE) {
    const struct cli_executable executable = {.path = out,
                                              .bundle = &bundle,
                                              .externs = modules->externs,
                                              .extern_count = modules->count,
                                              .append = settings->append,
                                              .strip = settings->strip};
    code = cli_executable_make(&executable);
  }
  torpor_bytes_free(&bundle);
  return code;
}

static int build_file(const struct build_settings *settings, const char *file) {
  struct modules modules = {.count = 0};
  char *chosen = settings->out == NULL ? choose_name(file) : NULL;
  const char *out = chosen != NULL ? chosen : settings->out;
  int code = read_modules(&settings->modules, &modules);
  if (code == CLI_EXIT_DONE && out == NULL) {
    cli_complain("name the executable with -o: '%s' has no ending to leave out",
                 file);
    code = CLI_EXIT_USAGE;
  }
  if (code == CLI_EXIT_DONE) code = build(settings, file, out, &modules);
  free_modules(&modules);
  free(chosen);
  return code;
}

static int run(const struct cli_call *call) {
  const struct build_settings *settings = call->settings;
  if (settings->show) return cli_held_show(call->arguments[0], settings->json);
  if (settings->json) {
    cli_complain("--json goes with --show");
    return CLI_EXIT_USAGE;
  }
  return build_file(settings, call->arguments[0]);
}

const struct cli_command cli_build = {
    .name = "build",
    .group = CLI_GROUP_CARRY,
    .arguments = "FILE",
    .summary = "make one executable of the ES module FILE",
    .details =
        "It has the module, all that it imports, and the runtime in it, and\n"
        "runs where no Torpor is installed. What the options allow is kept,\n"
        "paths as they are written here; nothing else can be granted later.\n"
        "All words on its command line are the program's.\n\n"
        "With a C compiler the executable is linked; without one the program\n"
        "is put behind a copy of the runtime.",
    .examples =
        "torpor build app.mjs -o app\n"
        "torpor build app.mjs -o app --allow-read=data\n",
    .options = options,
    .settings_size = sizeof(struct build_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
