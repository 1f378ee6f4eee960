/* SPDX-License-Identifier: MIT */
/* compile.c - torpor compile FILE: C source of a program, with the options of
 * qjsc. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/executable/bundle-make.h"
#include "cli/executable/emit.h"
#include "cli/executable/executable.h"
#include "cli/text/output.h"
#include "cli/text/whole.h"

struct compile_settings {
  const char *out, *cname, *name, *prefix;
  bool main, code, module, script, strip;
  struct cli_grant modules, dynamic, features, from;
  uint64_t stack;
  struct cli_sandbox sandbox;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct compile_settings, main, "main", 'e', CLI_FLAG, NULL,
               "write main() and the program: a C file to link with "
               "libtorpor-standalone.a"),
    CLI_OPTION(struct compile_settings, code, "bytecode", 'c', CLI_FLAG, NULL,
               "write the bytecode of each module, for torpor_bytecode_run"),
    CLI_OPTION(struct compile_settings, out, "output", 'o', CLI_PATH, "FILE",
               "where it goes (out.c; without -c and -e an executable, "
               "a.out)"),
    CLI_OPTION(struct compile_settings, cname, "array", 'N', CLI_TEXT, "CNAME",
               "the array's name in C, without prefix"),
    CLI_OPTION(struct compile_settings, prefix, "prefix", 'p', CLI_TEXT,
               "PREFIX", "of names in C (qjsc_)"),
    CLI_OPTION(struct compile_settings, name, "name", 'n', CLI_TEXT, "NAME",
               "of the program, in stack traces"),
    CLI_OPTION(struct compile_settings, module, "module", 'm', CLI_FLAG, NULL,
               "FILE is an ES module, as it is without this option"),
    CLI_OPTION(struct compile_settings, script, "script", 'C', CLI_FLAG, NULL,
               "FILE is a script"),
    CLI_OPTION(struct compile_settings, modules, "c-module", 'M', CLI_FILES,
               "NAME[,CNAME]",
               "a module in C: its function is torpor_module_init_CNAME"),
    CLI_OPTION(struct compile_settings, dynamic, "dynamic", 'D', CLI_FILES,
               "FILE", "a module that import() asks for"),
    CLI_OPTION(struct compile_settings, stack, "stack", 'S', CLI_COUNT, "BYTES",
               "of the program's own stack, from 16384 to 245760 (all)"),
    CLI_OPTION(struct compile_settings, strip, "strip", 's', CLI_FLAG, NULL,
               "leave out what stack traces and toString need"),
    CLI_OPTION(struct compile_settings, features, "feature", 'f', CLI_FILES,
               "NAME",
               "-flto: link an executable with it. What else qjsc knows by -f "
               "changes nothing"),
    CLI_OPTION(struct compile_settings, from, "allow-import", 0, CLI_GRANT,
               "PATH", "read modules below PATH, or all"),
    CLI_KEPT_OPTIONS(struct compile_settings, sandbox),
    {0},
};

static int complain_memory(void) {
  cli_complain("out of memory");
  return CLI_EXIT_HOST;
}

/* ---- Modules in C --------------------------------------------------------*/

struct modules {
  struct cli_extern externs[CLI_GRANTS_MAX];
  const char *names[CLI_GRANTS_MAX];
  char *texts[CLI_GRANTS_MAX];
  size_t count;
};

/* Reads each "name[,cname]". */
static int read_modules(const struct cli_grant *grant,
                        struct modules *modules) {
  for (size_t i = 0; i < grant->count; i++) {
    char *text = modules->texts[i] = strdup(grant->lists[i]);
    if (text == NULL) return complain_memory();
    char *comma = strchr(text, ',');
    if (comma != NULL) *comma = '\0';
    const char *cname = comma != NULL ? comma + 1 : text;
    modules->externs[i] = (struct cli_extern){text, cname, NULL};
    modules->names[i] = text;
    modules->count = i + 1;
    if (cli_emit_is_name(cname) && strpbrk(text, "\"\\\n") == NULL) continue;
    cli_complain(
        "-M %s: say NAME,CNAME, where torpor_module_init_CNAME is the "
        "function of the module",
        grant->lists[i]);
    return CLI_EXIT_USAGE;
  }
  return CLI_EXIT_DONE;
}

static void free_modules(struct modules *modules) {
  for (size_t i = 0; i < modules->count; i++) free(modules->texts[i]);
}

/* ---- Writing C -----------------------------------------------------------*/

/* The name in C of what 'file' holds: without folder and ending, what no name
 * may have as '_'. From malloc. */
static char *make_cname(const char *prefix, const char *file) {
  const char *slash = strrchr(file, '/');
  const char *from = slash == NULL ? file : slash + 1;
  const char *dot = strrchr(from, '.');
  size_t size =
      dot != NULL && dot != from ? (size_t)(dot - from) : strlen(from);
  char *name = malloc(strlen(prefix) + size + 1), *at = name;
  if (name == NULL) return NULL;
  at += sprintf(at, "%s", prefix);
  for (size_t i = 0; i < size; i++)
    *at++ = isalnum((unsigned char)from[i]) ? from[i] : '_';
  *at = '\0';
  return name;
}

static const char *choose_prefix(const struct compile_settings *settings) {
  return settings->prefix == NULL ? "qjsc_" : settings->prefix;
}

static char *choose_cname(const struct compile_settings *settings,
                          const char *file) {
  const char *prefix = choose_prefix(settings);
  if (settings->cname == NULL) return make_cname(prefix, file);
  size_t size = strlen(prefix) + strlen(settings->cname) + 1;
  char *name = malloc(size);
  if (name != NULL) snprintf(name, size, "%s%s", prefix, settings->cname);
  return name;
}

/* The name for the array of module 'file', which none of the 'count' names
 * before it is; from malloc. */
static char *make_other_cname(const char *prefix, const char *file,
                              char *const *names, size_t count) {
  char *base = make_cname(prefix, file);
  size_t size = base == NULL ? 0 : strlen(base) + 24;
  char *name = base == NULL ? NULL : malloc(size);
  unsigned number = 1;
  if (name != NULL) strcpy(name, base);
  for (size_t i = 0; name != NULL && i < count;) {
    if (strcmp(names[i], name) != 0) {
      i++;
      continue;
    }
    snprintf(name, size, "%s_%u", base, ++number);
    i = 0;
  }
  free(base);
  return name;
}

/* Adds an array for each of 'count' modules. The first of 'names', which has
 * room for one more, is that of the main module, the others are made here. */
static bool emit_each(torpor__buffer *out, const char *prefix,
                      const struct cli_entry *code, size_t count,
                      const struct cli_entry *main, char **names) {
  size_t made = 1;
  for (size_t i = 0; i < count; i++) {
    bool is_main = strlen(code[i].name) == main->size &&
                   memcmp(code[i].name, main->data, main->size) == 0;
    char *name = names[0];
    if (!is_main) {
      name = make_other_cname(prefix, code[i].name, names, made);
      if (name == NULL) return false;
      names[made++] = name;
    }
    cli_emit_text(out, "/* \"%s\" */\n",
                  strstr(code[i].name, "*/") == NULL ? code[i].name : "?");
    cli_emit_array(out, name, code[i].data, code[i].size);
  }
  return true;
}

/* The same for all modules of a bundle; that of the main one is 'cname'. */
static int emit_modules(torpor__buffer *out, const char *prefix, char *cname,
                        const torpor_bytes *bytes) {
  struct cli_bundle bundle;
  char words[160];
  size_t count;
  if (cli_bundle_open(&bundle, bytes->data, bytes->size, words) != NULL)
    return complain_memory();
  const struct cli_entry *code =
      cli_bundle_list(&bundle, CLI_ENTRY_CODE, &count);
  char **names = calloc(count + 1, sizeof(*names));
  bool done = false;
  if (names != NULL) {
    names[0] = cname;
    done = emit_each(out, prefix, code, count,
                     cli_bundle_find(&bundle, CLI_ENTRY_ABOUT, "main"), names);
    for (size_t i = 1; i <= count; i++) free(names[i]);
  }
  free(names);
  cli_bundle_close(&bundle);
  return done ? CLI_EXIT_DONE : complain_memory();
}

static int write_c(const struct compile_settings *settings, char *cname,
                   const struct modules *modules, const torpor_bytes *bundle) {
  torpor__buffer buffer = {0};
  torpor_bytes text;
  int code = CLI_EXIT_DONE;
  cli_emit_head(&buffer);
  if (settings->main) {
    cli_emit_array(&buffer, cname, bundle->data, bundle->size);
    cli_emit_main(&buffer, cname, modules->externs, modules->count);
  } else {
    code = emit_modules(&buffer, choose_prefix(settings), cname, bundle);
  }
  if (torpor__buffer_finish(&buffer, &text) != TORPOR_OK)
    return complain_memory();
  if (code == CLI_EXIT_DONE)
    code =
        cli_whole_write(settings->out == NULL ? "out.c" : settings->out, &text);
  free(text.data);
  return code;
}

/* ---- The command ---------------------------------------------------------*/

static bool has_feature(const struct compile_settings *settings,
                        const char *name) {
  for (size_t i = 0; i < settings->features.count; i++)
    if (strcmp(settings->features.lists[i], name) == 0) return true;
  return false;
}

static int link_program(const struct compile_settings *settings,
                        const struct modules *modules,
                        const torpor_bytes *bundle) {
  const char *out = settings->out == NULL ? "a.out" : settings->out;
  const struct cli_executable executable = {.path = out,
                                            .bundle = bundle,
                                            .externs = modules->externs,
                                            .extern_count = modules->count,
                                            .strip = settings->strip,
                                            .lto =
                                                has_feature(settings, "lto")};
  int code = cli_executable_check(out);
  return code == CLI_EXIT_DONE ? cli_executable_make(&executable) : code;
}

static int compile(const struct compile_settings *settings, const char *file,
                   char *cname, const struct modules *modules) {
  const struct cli_making making = {.graph = {.file = file,
                                              .include = &settings->dynamic,
                                              .from = &settings->from,
                                              .externs = modules->names,
                                              .extern_count = modules->count,
                                              .name = settings->name,
                                              .strip = settings->strip,
                                              .script = settings->script},
                                    .sandbox = &settings->sandbox,
                                    .stack = settings->stack};
  torpor_bytes bundle = {NULL, 0};
  int code = cli_bundle_make(&making, &bundle);
  if (code == CLI_EXIT_DONE)
    code = settings->main || settings->code
               ? write_c(settings, cname, modules, &bundle)
               : link_program(settings, modules, &bundle);
  torpor_bytes_free(&bundle);
  return code;
}

static int check(const struct compile_settings *settings, const char *cname) {
  const char *wrong = NULL;
  if (settings->main && settings->code)
    wrong = "say -e for a program or -c for bytecode, not both";
  else if (settings->module && settings->script)
    wrong = "say -m for a module or -C for a script, not both";
  else if (settings->code && settings->modules.count > 0)
    wrong = "-M is of use with -e: bytecode alone registers no modules";
  else if (!cli_emit_is_name(cname))
    wrong = "the array needs a name in C: give one with -N";
  if (wrong == NULL) return CLI_EXIT_DONE;
  cli_complain("%s", wrong);
  return CLI_EXIT_USAGE;
}

static int run(const struct cli_call *call) {
  const struct compile_settings *settings = call->settings;
  struct modules modules = {.count = 0};
  const char *file = call->arguments[0];
  char *cname = choose_cname(settings, file);
  if (cname == NULL) return complain_memory();
  int code = check(settings, cname);
  if (code == CLI_EXIT_DONE) code = read_modules(&settings->modules, &modules);
  if (code == CLI_EXIT_DONE) code = compile(settings, file, cname, &modules);
  free_modules(&modules);
  free(cname);
  return code;
}

const struct cli_command cli_compile = {
    .name = "compile",
    .group = CLI_GROUP_CARRY,
    .arguments = "FILE",
    .summary = "write the program FILE as C source, as qjsc does",
    .details =
        "A Makefile that says 'qjsc -e -m -M process,process -o x.c x.js'\n"
        "works with 'torpor compile' in that place: link x.c and the modules\n"
        "with what pkg-config says of torpor-standalone.",
    .examples = "torpor compile -e -m -o app.c app.mjs\n",
    .options = options,
    .settings_size = sizeof(struct compile_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
