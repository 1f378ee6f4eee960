/* SPDX-License-Identifier: MIT */
/* link.c - linking an executable with the C compiler that is here.
 *
 * What is compiled is an array with the bundle, and main(); it is written to a
 * folder of its own, which is removed again. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emit.h"
#include "executable.h"
#include "output.h"
#include "spawn.h"
#include "whole.h"

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

/* Runs the compiler. */
static int compile(const struct cli_executable *executable, const char **words,
                   size_t count, const char *source, const char *draft) {
  char include[PATH_MAX + 2] = "-I", archive[PATH_MAX];
  const char *compiler = words[0];
  if (!cli_executable_place(CLI_PLACE_ARCHIVE, archive)) return CLI_EXIT_FILE;
  if (cli_executable_place(CLI_PLACE_HEADERS, include + 2))
    words[count++] = include;
  if (executable->lto) words[count++] = "-flto";
  if (executable->strip) words[count++] = "-s";
  words[count++] = "-rdynamic"; /* for C modules under --allow-ffi */
  words[count++] = "-o";
  words[count++] = draft;
  words[count++] = source;
  for (size_t i = 0; i < executable->extern_count; i++)
    if (executable->externs[i].file != NULL)
      words[count++] = executable->externs[i].file;
  words[count++] = archive;
  words[count++] = "-lm";
  words[count++] = "-lpthread";
  words[count++] = "-ldl";
  words[count] = NULL;
  int failed, code = cli_spawn(words, &failed);
  if (failed != 0)
    cli_complain("the C compiler %s: %s", compiler, strerror(failed));
  else if (code == CLI_EXIT_FILE)
    cli_complain(
        "the C compiler %s failed; nothing was written. Its words are "
        "above%s",
        compiler,
        executable->extern_count == 0 ? "; --append does without it" : "");
  return code;
}

int cli_link(const struct cli_executable *executable, const char *draft,
             bool *tried) {
  char room[PATH_MAX], folder[PATH_MAX], source[PATH_MAX + 16];
  const char *temporary = getenv("TMPDIR");
  const char **words = calloc(
      COMPILER_WORDS + MORE_WORDS + executable->extern_count, sizeof(*words));
  size_t count = words == NULL ? 0 : find_compiler(room, words);
  int code = CLI_EXIT_DONE;
  *tried = count > 0 && cli_executable_place(CLI_PLACE_ARCHIVE, folder);
  if (*tried) {
    if (temporary == NULL || temporary[0] == '\0') temporary = "/tmp";
    snprintf(folder, sizeof(folder), "%s/torpor-build-XXXXXX", temporary);
    if (mkdtemp(folder) == NULL) {
      cli_complain("a folder in %s: %s", temporary, strerror(errno));
      code = CLI_EXIT_FILE;
    } else {
      snprintf(source, sizeof(source), "%s/program.c", folder);
      code = write_source(executable, source);
      if (code == CLI_EXIT_DONE)
        code = compile(executable, words, count, source, draft);
      unlink(source);
      rmdir(folder);
    }
  }
  free(words);
  return code;
}
