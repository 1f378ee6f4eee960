/* SPDX-License-Identifier: MIT */
/* script.c - torpor FILE [ARGUMENT...]: runs a module from beginning to end.
 *
 * FILE may be "-", standard input, or anything else that is read once: a pipe,
 * a terminal. Such a program lies in no folder; its name is "[stdin]" in the
 * current one, and what it imports needs a grant, as that of 'torpor eval'. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/program/program.h"
#include "cli/text/output.h"
#include "common/file.h"

struct script_settings {
  struct cli_sandbox sandbox;
};

static const struct cli_option options[] = {
    CLI_SANDBOX_OPTIONS(struct script_settings, sandbox),
    {0},
};

static bool is_input(const char *file) {
  return strcmp(file, "-") == 0;
}

/* Runs what is read from 'file' to its end. */
static int run_stream(struct cli_program_settings *program, const char *file) {
  struct torpor__file_bytes bytes = {0};
  int failure =
      is_input(file)
          ? torpor__file_read(STDIN_FILENO, TORPOR_SOURCE_LARGEST, NULL, &bytes)
          : torpor__file_load(file, TORPOR_SOURCE_LARGEST, &bytes);
  int code = CLI_EXIT_FILE;
  if (failure == TORPOR__FILE_LARGE) {
    cli_complain("'%s' cannot be read: a program has at most %d MB", file,
                 (int)(TORPOR_SOURCE_LARGEST >> 20));
  } else if (failure != 0) {
    cli_complain("'%s' cannot be read: %s", file, strerror(-failure));
  } else {
    program->file = NULL;
    program->code = (const char *)bytes.data;
    program->code_size = bytes.size;
    program->title = "[stdin]";
    program->mode = TORPOR_MODULE;
    code = cli_program_run(program);
  }
  free(bytes.data);
  return code;
}

static int complain_missing(const char *file) {
  if (cli_command_find(file) != NULL) {
    cli_complain(
        "there is no file '%s'; options of the command '%s' stand "
        "behind its name: torpor %s ...",
        file, file, file);
    return CLI_EXIT_USAGE;
  }
  cli_complain("there is no file '%s'", file);
  return CLI_EXIT_FILE;
}

static int run(const struct cli_call *call) {
  const struct script_settings *settings = call->settings;
  const char *file = call->arguments[0];
  struct stat found;
  struct cli_program_settings program = {
      .file = file,
      .arguments = call->arguments + 1,
      .count = call->count - 1,
      .sandbox = &settings->sandbox,
  };
  if (is_input(file)) return run_stream(&program, file);
  if (stat(file, &found) != 0)
    return errno == ENOENT ? complain_missing(file) : cli_program_run(&program);
  if (S_ISREG(found.st_mode)) return cli_program_run(&program);
  if (!S_ISDIR(found.st_mode)) return run_stream(&program, file);
  cli_complain("'%s' is a folder; say which file in it to run", file);
  return CLI_EXIT_FILE;
}

const struct cli_command cli_script = {
    .name = "",
    .group = CLI_GROUP_RUN,
    .arguments = "FILE [ARGUMENT...]",
    .summary = "run the ES module FILE from beginning to end",
    .details =
        "A program touches nothing outside of its sandbox but what options\n"
        "allow. What it imports from its own folder, or below it, is part of\n"
        "it and needs no permission. It reads its arguments with args() of\n"
        "module torpor:script. FILE '-' is standard input: what that program\n"
        "imports is relative to the current folder and needs --allow-read.",
    .examples =
        "torpor app.mjs a b\n"
        "torpor --allow-read=data app.mjs\n"
        "torpor - < app.mjs\n",
    .options = options,
    .settings_size = sizeof(struct script_settings),
    .least = 1,
    .most = SIZE_MAX,
    .own = 1,
    .run = run,
};
