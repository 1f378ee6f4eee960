/* SPDX-License-Identifier: MIT */
/* run.c - torpor run FILE: starts a durable run and shows what it does. */
#include <stdio.h>
#include <string.h>

#include "drive.h"
#include "json.h"
#include "sandbox.h"
#include "output.h"

struct run_settings {
  const char *id, *input;
  bool detach;
  struct cli_keep keep;
  struct cli_store store;
  struct cli_drive drive;
  struct cli_sandbox sandbox;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct run_settings, id, "id", 0, CLI_TEXT, "ID",
               "the run's id (a new one is made)"),
    CLI_OPTION(struct run_settings, input, "input", 'i', CLI_TEXT, "JSON",
               "what input() gives the program"),
    CLI_OPTION(struct run_settings, detach, "detach", 'd', CLI_FLAG, NULL,
               "only make the run, and print its\nid: 'torpor worker' or "
               "'torpor\nresume' drives it"),
    CLI_OPTION(struct run_settings, keep, "keep", 0, CLI_KEEP, "N|all",
               "how many states stay for rewind,\nfork and diff (10)"),
    CLI_STORE_OPTION(struct run_settings, store),
    CLI_KEY_OPTION(struct run_settings, store),
    CLI_DRIVE_OPTIONS(struct run_settings, drive),
    CLI_ACCESS_OPTIONS(struct run_settings, sandbox),
    CLI_OPTION(struct run_settings, sandbox.fuel, "fuel", 0, CLI_COUNT, "COUNT",
               "work of a step after which it is\ncommitted between two jobs\n"
               "(10000000)"),
    CLI_OPTION(struct run_settings, sandbox.deadline, "deadline", 0,
               CLI_DURATION, "TIME",
               "longest time of a step, such as\n5s; one that takes longer is\n"
               "rolled back (60s)"),
    {0},
};

static int read_input(const char *json, torpor_bytes *out) {
  if (json == NULL) return CLI_EXIT_DONE;
  if (torpor_json_to_cbor(json, strlen(json), out) == TORPOR_OK)
    return CLI_EXIT_DONE;
  cli_complain("--input is not JSON: %s", torpor_last_error(NULL));
  return CLI_EXIT_USAGE;
}

/* Makes the run; 'id' receives its id. */
static int add_run(torpor_store *store, const char *file,
                   const struct run_settings *settings, char *id) {
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  torpor_options limits = TORPOR_OPTIONS_INIT;
  torpor_bytes input = {0}, grants = {0};
  int code = cli_sandbox_limits(&settings->sandbox, &limits);
  if (code == CLI_EXIT_DONE) code = cli_store_keep(&settings->keep);
  if (code == CLI_EXIT_DONE)
    code = cli_sandbox_grants(&settings->sandbox, &grants);
  if (code == CLI_EXIT_DONE) code = read_input(settings->input, &input);
  if (code == CLI_EXIT_DONE) {
    options.file = file;
    options.id = settings->id;
    options.input = input.data;
    options.input_size = input.size;
    options.access = (const char *)grants.data;
    options.memory_max = limits.memory_max;
    options.fuel = limits.fuel;
    options.deadline_ms = limits.deadline_ms;
    options.keep = settings->keep.states;
    torpor_status status = torpor_run_add(store, &options, id);
    code = cli_store_check(store, status);
    if (status == TORPOR_NOT_FOUND) code = CLI_EXIT_FILE; /* a module */
  }
  torpor_bytes_free(&grants);
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

static int run(const struct cli_call *call) {
  const struct run_settings *settings = call->settings;
  torpor_store *store;
  char id[TORPOR_RUN_ID_SIZE];
  int code = cli_store_open(&settings->store, CLI_STORE_MAKE, &store);
  if (code != CLI_EXIT_DONE) return code;
  code = add_run(store, call->arguments[0], settings, id);
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
  torpor_store_close(store);
  return code;
}

const struct cli_command cli_run = {
    .name = "run",
    .arguments = "FILE",
    .summary = "start a durable run of the ES module FILE",
    .details =
        "The run sleeps in a store whenever it waits, survives the death of\n"
        "this process, and ends when its module has. Its modules, its input\n"
        "and what the options allow are kept with it. Ctrl-C leaves it as it\n"
        "is, for 'torpor resume' or 'torpor worker'.",
    .options = options,
    .settings_size = sizeof(struct run_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
