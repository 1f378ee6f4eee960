/* SPDX-License-Identifier: MIT */
/* link.c - linking with the C compiler that is here: an executable, or its
 * modules in C for this process.
 *
 * What is compiled for an executable is an array with the bundle, and main().
 * All is written to a folder of its own, which is removed again. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/executable/emit.h"
#include "cli/executable/executable.h"
#include "cli/executable/spawn.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"
#include "cli/text/whole.h"
#include "torpor-module.h"

enum { COMPILER_WORDS = 16, MORE_WORDS = 24 };

/* Whether PATH, or 'name' itself, leads to a program. */
static bool is_program(const char *name) {
  char path[PATH_MAX];
  if (strchr(name, '/') != NULL) return access(name, X_OK) == 0;
  const char *folders = getenv("PATH");
  while (folders != NULL && *folders != '\0') {
    size_t size = strcspn(folders, ":");
    int length =
        snprintf(path, sizeof(path), "%.*s/%s", (int)size, folders, name);
    if (length < PATH_MAX && access(path, X_OK) == 0) return true;
    folders += size;
    folders += *folders == ':';
  }
  return false;
}

/* The words of the compiler's name, which lie in 'room'; 0: there is none. */
static size_t find_compiler(char room[PATH_MAX],
                            const char *words[COMPILER_WORDS]) {
  static const char *const names[] = {"cc", "gcc", "clang"};
  const char *set = getenv("CC");
  size_t count = 0;
  if (set != NULL && set[0] != '\0' && strlen(set) < PATH_MAX) {
    char *rest = strcpy(room, set), *word;
    while ((word = strsep(&rest, " ")) != NULL && count < COMPILER_WORDS)
      if (word[0] != '\0') words[count++] = word;
    return count > 0 && is_program(words[0]) ? count : 0;
  }
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    if (!is_program(names[i])) continue;
    words[0] = names[i];
    return 1;
  }
  return 0;
}

static int write_source(const struct cli_executable *executable,
                        const char *path) {
  torpor__buffer buffer = {0};
  torpor_bytes text;
  cli_emit_head(&buffer);
  cli_emit_array(&buffer, "program", executable->bundle->data,
                 executable->bundle->size);
  cli_emit_main(&buffer, "program", executable->externs,
                executable->extern_count);
  if (torpor__buffer_finish(&buffer, &text) != TORPOR_OK) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  int code = cli_whole_write(path, &text);
  free(text.data);
  return code;
}

/* A folder to compile in, and the words of the compiler's command line. */
struct linking {
  const char **words;
  size_t count;
  char folder[PATH_MAX], room[PATH_MAX];
};

/* Room for the words, and those of the compiler's name. False: there is no
 * compiler, no memory, or nothing to link with. */
static bool find_means(struct linking *linking, size_t extern_count) {
  char archive[PATH_MAX];
  linking->words = calloc(COMPILER_WORDS + MORE_WORDS + 2 * extern_count,
                          sizeof(*linking->words));
  linking->count =
      linking->words == NULL ? 0 : find_compiler(linking->room, linking->words);
  return linking->count > 0 && cli_executable_place(CLI_PLACE_ARCHIVE, archive);
}

static int make_folder(struct linking *linking) {
  const char *temporary = getenv("TMPDIR");
  if (temporary == NULL || temporary[0] == '\0') temporary = "/tmp";
  snprintf(linking->folder, sizeof(linking->folder), "%s/torpor-build-XXXXXX",
           temporary);
  if (mkdtemp(linking->folder) != NULL) return CLI_EXIT_DONE;
  cli_complain("a folder in %s: %s", temporary, strerror(errno));
  return CLI_EXIT_FILE;
}

static void add_word(struct linking *linking, const char *word) {
  linking->words[linking->count++] = word;
}

static void add_files(struct linking *linking, const struct cli_extern *externs,
                      size_t count) {
  for (size_t i = 0; i < count; i++)
    if (externs[i].file != NULL) add_word(linking, externs[i].file);
}

/* Runs the compiler, and says what else there is if it failed. */
static int compile(struct linking *linking, const char *advice) {
  const char *compiler = linking->words[0];
  add_word(linking, NULL);
  int failed, code = cli_spawn(linking->words, &failed);
  if (failed != 0)
    cli_complain("the C compiler %s: %s", compiler, strerror(failed));
  else if (code == CLI_EXIT_FILE)
    cli_complain(
        "the C compiler %s failed; nothing was written. Its words are "
        "above%s",
        compiler, advice);
  return code;
}

/* ---- An executable -------------------------------------------------------*/

static int compile_executable(struct linking *linking,
                              const struct cli_executable *executable,
                              const char *source, const char *draft) {
  char include[PATH_MAX + 2] = "-I", archive[PATH_MAX];
  if (!cli_executable_place(CLI_PLACE_ARCHIVE, archive)) return CLI_EXIT_FILE;
  if (cli_executable_place(CLI_PLACE_HEADERS, include + 2))
    add_word(linking, include);
  if (executable->lto) add_word(linking, "-flto");
  if (executable->strip) add_word(linking, "-s");
  add_word(linking, "-rdynamic"); /* for C modules under --allow-ffi */
  add_word(linking, "-o");
  add_word(linking, draft);
  add_word(linking, source);
  add_files(linking, executable->externs, executable->extern_count);
  add_word(linking, archive);
  add_word(linking, "-lm");
  add_word(linking, "-lpthread");
  add_word(linking, "-ldl");
  cli_progress("linking the executable", "");
  return compile(linking, executable->extern_count == 0
                              ? "; --append does without it"
                              : "");
}

int cli_link(const struct cli_executable *executable, const char *draft,
             bool *tried) {
  struct linking linking;
  char source[PATH_MAX + 16];
  int code = CLI_EXIT_DONE;
  *tried = find_means(&linking, executable->extern_count);
  if (*tried) {
    code = make_folder(&linking);
    if (code == CLI_EXIT_DONE) {
      snprintf(source, sizeof(source), "%s/program.c", linking.folder);
      code = write_source(executable, source);
      if (code == CLI_EXIT_DONE)
        code = compile_executable(&linking, executable, source, draft);
      unlink(source);
      rmdir(linking.folder);
    }
  }
  free(linking.words);
  return code;
}

/* ---- Modules for this process --------------------------------------------*/

static int register_module(void *object, const struct cli_extern *module) {
  char symbol[sizeof("torpor_module_init_") + NAME_MAX];
  torpor_module_init_fn init;
  snprintf(symbol, sizeof(symbol), "torpor_module_init_%s", module->cname);
  void *found = dlsym(object, symbol);
  if (found == NULL) {
    cli_complain("--module=%s: %s has no function %s, see TORPOR_MODULE_DEFINE",
                 module->name, module->file, symbol);
    return CLI_EXIT_FILE;
  }
  memcpy(&init, &found, sizeof(init));
  torpor_status status = torpor_module_register(module->name, init);
  if (status == TORPOR_OK) return CLI_EXIT_DONE;
  cli_complain("--module=%s: %s", module->name, torpor_status_text(status));
  return status == TORPOR_NOMEM ? CLI_EXIT_HOST : CLI_EXIT_FILE;
}

/* It stays in the process: a thread of a module may run until the end. */
static int load_object(const char *path, const struct cli_extern *externs,
                       size_t count) {
  int code = CLI_EXIT_DONE;
  void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (object == NULL) {
    cli_complain("the modules cannot be loaded to run the program: %s",
                 dlerror());
    return CLI_EXIT_FILE;
  }
  for (size_t i = 0; i < count && code == CLI_EXIT_DONE; i++)
    code = register_module(object, &externs[i]);
  dlclose(object);
  return code;
}

/* Members of archives are asked for by the name of their function. */
static int compile_object(struct linking *linking,
                          const struct cli_extern *externs, size_t count,
                          const char *object) {
  char include[PATH_MAX + 2] = "-I";
  char (*wanted)[NAME_MAX + 40] = calloc(count, sizeof(*wanted));
  if (wanted == NULL) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  if (cli_executable_place(CLI_PLACE_HEADERS, include + 2))
    add_word(linking, include);
  add_word(linking, "-shared");
  add_word(linking, "-fPIC");
  add_word(linking, "-o");
  add_word(linking, object);
  for (size_t i = 0; i < count; i++) {
    snprintf(wanted[i], sizeof(wanted[i]), "-Wl,-u,torpor_module_init_%s",
             externs[i].cname);
    add_word(linking, wanted[i]);
  }
  add_files(linking, externs, count);
  int code = compile(linking,
                     "; --snapshot runs the program with its modules "
                     "now, which must be compiled with -fPIC");
  free(wanted);
  return code;
}

int cli_link_here(const struct cli_extern *externs, size_t count) {
  struct linking linking;
  char object[PATH_MAX + 16];
  int code = CLI_EXIT_FILE;
  if (!find_means(&linking, count)) {
    cli_link_complain("");
  } else {
    code = make_folder(&linking);
    if (code == CLI_EXIT_DONE) {
      snprintf(object, sizeof(object), "%s/modules.so", linking.folder);
      code = compile_object(&linking, externs, count, object);
      if (code == CLI_EXIT_DONE) code = load_object(object, externs, count);
      unlink(object);
      rmdir(linking.folder);
    }
  }
  free(linking.words);
  return code;
}

void cli_link_complain(const char *more) {
  cli_complain(
      "modules in C are linked, which needs a C compiler (cc, gcc, "
      "clang, or what CC names) and libtorpor-standalone.a beside "
      "this command%s",
      more);
}
