/* SPDX-License-Identifier: MIT */
/* standalone.c - running a program that is in this executable.
 *
 * All words behind the executable's name are the program's: nobody who starts
 * it can grant it more than who built it. */
#include "cli/program/standalone.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/program/payload.h"
#include "cli/text/output.h"
#include "torpor-standalone.h"

#define OWN "/proc/self/exe"

const struct cli_option cli_standalone_kept[] = {
    CLI_KEPT_OPTIONS(struct cli_standalone_settings, sandbox),
    {0},
};

static const struct cli_command kept = {
    .name = "build",
    .arguments = "",
    .options = cli_standalone_kept,
    .settings_size = sizeof(struct cli_standalone_settings),
};

int cli_standalone_options(const struct cli_bundle *bundle,
                           struct cli_standalone_settings *settings) {
  size_t count;
  const struct cli_entry *entries =
      cli_bundle_list(bundle, CLI_ENTRY_OPTION, &count);
  char **words = calloc(count + 1, sizeof(*words));
  struct cli_call call;
  bool help;
  int code = CLI_EXIT_FILE;
  if (words == NULL) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  for (size_t i = 0; i < count; i++) words[i] = (char *)entries[i].name;
  if (cli_parse(&kept, words, count, settings, &call, &help) && !help)
    code = CLI_EXIT_DONE;
  else
    cli_complain(
        "this executable was built with options that it cannot keep: "
        "build it again");
  free(words);
  return code;
}

/* The last part of the name that the executable was called by. */
static void set_speaker(int count, char **words) {
  const char *slash = count > 0 ? strrchr(words[0], '/') : NULL;
  const char *name = slash != NULL ? slash + 1 : count > 0 ? words[0] : "";
  if (name[0] != '\0') cli_output_speaker(name);
}

static int run_bundle(const struct cli_bundle *bundle, int count,
                      char **words) {
  struct cli_standalone_settings settings = {0};
  int code = cli_standalone_options(bundle, &settings);
  if (code != CLI_EXIT_DONE) return code;
  const struct cli_program_settings program = {
      .bundle = bundle,
      .arguments = words + 1,
      .count = count > 1 ? (size_t)count - 1 : 0,
      .sandbox = &settings.sandbox,
  };
  return cli_program_run(&program);
}

static int run_bytes(const void *data, size_t size, int count, char **words) {
  struct cli_bundle bundle;
  char room[160];
  set_speaker(count, words);
  const char *wrong = cli_bundle_open(&bundle, data, size, room);
  if (wrong != NULL) {
    cli_complain("the program in this executable %s", wrong);
    return CLI_EXIT_FILE;
  }
  int code = CLI_EXIT_FILE;
  if (strcmp(bundle.engine, torpor_engine_id()) == 0)
    code = run_bundle(&bundle, count, words);
  else
    cli_complain(
        "the program in this executable was built by Torpor %s for "
        "engine %.12s, and this is Torpor %s with engine %.12s: build "
        "it again",
        bundle.version, bundle.engine, torpor_version(), torpor_engine_id());
  cli_bundle_close(&bundle);
  return code;
}

int cli_standalone_own(int count, char **words) {
  torpor_bytes bytes;
  const char *wrong;
  int code = -1;
  switch (cli_payload_read(OWN, &bytes, &wrong)) {
  case CLI_PAYLOAD_NONE:
    return -1;
  case CLI_PAYLOAD_DAMAGED:
    cli_complain("this executable is damaged: %s; build it again", wrong);
    return CLI_EXIT_FILE;
  case CLI_PAYLOAD_FOUND:
    code = run_bytes(bytes.data, bytes.size, count, words);
    break;
  }
  torpor_bytes_free(&bytes);
  return code;
}

int torpor_standalone_main(const void *program, size_t size, int count,
                           char **words) {
  cli_output_prepare();
  int code = program != NULL ? run_bytes(program, size, count, words)
                             : cli_standalone_own(count, words);
  if (code < 0) {
    cli_complain(
        "this executable has no program: 'torpor build' puts one "
        "behind it, which strip takes away; /proc has to be there");
    code = CLI_EXIT_FILE;
  }
  return cli_output_finish(code);
}
