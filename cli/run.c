/* SPDX-License-Identifier: MIT */
/* run.c - torpor run FILE: starts a durable run and shows what it does. */
#include <stdio.h>

#include "cli/program/sandbox.h"
#include "cli/store/drive.h"
#include "cli/store/many.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/value.h"

enum { INPUT_LARGEST = 256 << 20 };

struct run_settings {
  const char *id, *input, *many;
  bool text, detach;
  struct cli_keep keep, keep_lines;
  struct cli_store store;
  struct cli_drive drive;
  struct cli_sandbox sandbox;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct run_settings, id, "id", 0, CLI_TEXT, "ID",
               "the run's id (a new one is made)"),
    CLI_OPTION(struct run_settings, input, "input", 'i', CLI_TEXT, "VALUE",
               "what input() gives the program: JSON; @FILE is what a file "
               "holds, - what standard input does"),
    CLI_VALUE_TEXT_OPTION(struct run_settings, text, "--input"),
    CLI_OPTION(struct run_settings, many, "many", 0, CLI_PATH, "FILE",
               "make a run of each line of FILE, the input of it as JSON (- is "
               "standard input); with --id they are ID-1, ID-2 and so on"),
    CLI_OPTION(struct run_settings, detach, "detach", 'd', CLI_FLAG, NULL,
               "only make the run, and print its id: 'torpor worker' or "
               "'torpor resume' drives it"),
    CLI_OPTION(struct run_settings, keep, "keep", 0, CLI_KEEP, "N|all",
               "how many states stay for rewind, fork and diff (10)"),
    CLI_KEEP_LINES_OPTION(struct run_settings, keep_lines),
    CLI_STORE_OPTION(struct run_settings, store),
    CLI_KEY_OPTION(struct run_settings, store),
    CLI_DRIVE_OPTIONS(struct run_settings, drive),
    CLI_ACCESS_OPTIONS(struct run_settings, sandbox),
    CLI_OPTION(struct run_settings, sandbox.extensions, "extension", 0,
               CLI_FILES, "NAME|FILE",
               "load an extension, the NAME of one that ships or a .wasm, and "
               "keep it with the run"),
    CLI_OPTION(struct run_settings, sandbox.fuel, "fuel", 0, CLI_COUNT, "COUNT",
               "work of a step after which it is committed between two jobs "
               "(10000000)"),
    CLI_OPTION(struct run_settings, sandbox.deadline, "deadline", 0,
               CLI_DURATION, "TIME",
               "longest time of a step, such as 5s; one that takes longer is "
               "rolled back (60s)"),
    {0},
};

static int read_input(const struct run_settings *settings, torpor_bytes *out) {
  const struct cli_value value = {
      .what = "--input", .largest = INPUT_LARGEST, .text = settings->text};
  if (settings->input != NULL)
    return cli_value_read(settings->input, &value, out);
  if (!settings->text) return CLI_EXIT_DONE;
  cli_complain("--text is for --input, and there is none");
  return CLI_EXIT_USAGE;
}

/* Fills in all but the input. 'grants' is the caller's to free. */
static int read_options(const struct run_settings *settings, const char *file,
                        torpor_run_options *options, torpor_bytes *grants) {
  torpor_options limits = TORPOR_OPTIONS_INIT;
  int code = cli_sandbox_limits(&settings->sandbox, &limits);
  if (code == CLI_EXIT_DONE) code = cli_store_keep(&settings->keep);
  if (code == CLI_EXIT_DONE) code = cli_store_keep_lines(&settings->keep_lines);
  if (code == CLI_EXIT_DONE)
    code = cli_sandbox_grants(&settings->sandbox, grants);
  options->file = file;
  options->id = settings->id;
  options->access = (const char *)grants->data;
  options->extensions = settings->sandbox.extensions.lists;
  options->extension_count = settings->sandbox.extensions.count;
  options->memory_max = limits.memory_max;
  options->fuel = limits.fuel;
  options->deadline_ms = limits.deadline_ms;
  options->keep = settings->keep.states;
  options->keep_lines = settings->keep_lines.states;
  return code;
}

/* Makes the run; 'id' receives its id. */
static int add_run(torpor_store *store, torpor_run_options *options,
                   const struct run_settings *settings, char *id) {
  torpor_bytes input = {0};
  int code = read_input(settings, &input);
  if (code == CLI_EXIT_DONE) {
    options->input = input.data;
    options->input_size = input.size;
    options->hold = !settings->detach;
    torpor_status status = torpor_run_add(store, options, id);
    code = cli_store_check(store, status);
    if (status == TORPOR_NOT_FOUND) code = CLI_EXIT_FILE; /* a module */
  }
  torpor_bytes_free(&input);
  return code;
}

static void print_made(const char *id, bool json) {
  if (!json) {
    cli_print(stdout, "%s\n", id);
    return;
  }
  cli_json_open(NULL, '{');
  cli_json_text("event", "made");
  cli_json_text("run", id);
  cli_json_number("step", 0);
  cli_json_close('}');
}

static int run_one(torpor_store *store, torpor_run_options *options,
                   const struct run_settings *settings) {
  char id[TORPOR_RUN_ID_SIZE];
  int code = add_run(store, options, settings, id);
  if (code == CLI_EXIT_DONE && settings->detach) {
    print_made(id, settings->drive.json);
  } else if (code == CLI_EXIT_DONE) {
    const char *ids[] = {id};
    const struct cli_driven driven = {
        .store = store, .place = &settings->store, .ids = ids, .count = 1};
    if (!settings->drive.json && !settings->drive.quiet)
      cli_print(stderr, "torpor: run %s in %s\n", id,
                cli_store_path(&settings->store));
    code = cli_drive(&driven, &settings->drive);
  }
  return code;
}

/* torpor_run_made_fn */
static void print_one_of_many(void *user, const char *id) {
  const struct run_settings *settings = user;
  print_made(id, settings->drive.json);
}

/* A worker of so many holds only those that need it: it drives the store. */
static int run_many(torpor_store *store, const torpor_run_options *options,
                    const struct run_settings *settings) {
  bool print = settings->detach || settings->drive.json;
  const struct cli_many many = {.path = settings->many,
                                .made = print ? print_one_of_many : NULL,
                                .user = (void *)settings};
  size_t count;
  int code = cli_many_make(store, options, &many, &count);
  if (code != CLI_EXIT_DONE || settings->detach) return code;
  const struct cli_driven driven = {
      .store = store, .place = &settings->store, .until_ended = true};
  struct cli_drive drive = settings->drive;
  if (!drive.json && !drive.quiet)
    cli_print(stderr,
              "torpor: %zu runs in %s; driving all that have not ended\n",
              count, cli_store_path(&settings->store));
  drive.quiet = true;
  return cli_drive(&driven, &drive);
}

static int run(const struct cli_call *call) {
  const struct run_settings *settings = call->settings;
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  torpor_bytes grants = {0};
  torpor_store *store;
  if (settings->many != NULL && (settings->input != NULL || settings->text)) {
    cli_complain("give --input for one run, or --many for many");
    return CLI_EXIT_USAGE;
  }
  int code = cli_store_open(&settings->store, CLI_STORE_MAKE, &store);
  if (code != CLI_EXIT_DONE) return code;
  code = read_options(settings, call->arguments[0], &options, &grants);
  if (code == CLI_EXIT_DONE)
    code = settings->many != NULL ? run_many(store, &options, settings)
                                  : run_one(store, &options, settings);
  torpor_bytes_free(&grants);
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_run = {
    .name = "run",
    .group = CLI_GROUP_RUN,
    .arguments = "FILE",
    .summary = "start a durable run of the ES module FILE",
    .details =
        "The run sleeps in a store whenever it waits, survives the death of\n"
        "this process, and ends when its module has. Its modules, its input\n"
        "and what the options allow are kept with it. Ctrl-C leaves it as it\n"
        "is, for 'torpor resume' or 'torpor worker'. With --many all runs of\n"
        "the store are driven then, until they have ended, unless --detach\n"
        "leaves that to a worker.",
    .examples =
        "torpor run order.mjs --id order-1 -i '{\"item\": \"tea\"}' -d\n"
        "torpor run order.mjs --many orders.jsonl --detach\n"
        "torpor run report.mjs --allow-read=data\n",
    .options = options,
    .settings_size = sizeof(struct run_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
