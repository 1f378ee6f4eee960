/* SPDX-License-Identifier: MIT */
/* inspect.c - torpor inspect FILE|ID: what a snapshot is made of. */
#include <stdlib.h>

#include "cli/inspect.h"
#include "cli/snapshot/baseline.h"
#include "common/array.h"

struct inspect_settings {
  bool json, all;
  const char *step;
  struct cli_snapshot_settings snapshot;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct inspect_settings, all, "all", 'a', CLI_FLAG, NULL,
               "also what every VM has"),
    CLI_OPTION(struct inspect_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object"),
    CLI_OPTION(struct inspect_settings, step, "step", 0, CLI_TEXT, "STEP",
               "a state that the run keeps (the newest)"),
    CLI_SNAPSHOT_OPTIONS(struct inspect_settings, snapshot),
    {0},
};

/* ---- The chain of a run --------------------------------------------------*/

struct steps {
  torpor_run_step *steps;
  size_t count, capacity;
  bool failed;
};

/* torpor_run_step_fn */
static bool add_step(void *user, const torpor_run_step *step) {
  struct steps *steps = user;
  steps->failed = !torpor__array_reserve(
      &steps->steps, &steps->capacity, steps->count + 1, sizeof(*steps->steps));
  if (steps->failed) return false;
  steps->steps[steps->count] = *step;
  steps->steps[steps->count++].engine = NULL; /* was borrowed */
  return true;
}

static const torpor_run_step *find_step(const struct steps *steps,
                                        int64_t step) {
  for (size_t i = 0; i < steps->count; i++)
    if (steps->steps[i].step == step) return &steps->steps[i];
  return NULL;
}

/* Follows the parents from the state that is looked at. */
static void read_chain(const struct cli_snapshot *snapshot,
                       struct cli_inspected *out) {
  struct steps steps = {0};
  if (torpor_run_steps(snapshot->store, snapshot->id, add_step, &steps) ==
          TORPOR_OK &&
      !steps.failed)
    out->chain = calloc(steps.count + 1, sizeof(*out->chain));
  if (out->chain != NULL) {
    const torpor_run_step *step = find_step(&steps, snapshot->step);
    while (step != NULL && out->chain_count < steps.count) {
      out->chain[out->chain_count++] =
          (struct cli_link){step->step, step->size};
      step = find_step(&steps, step->parent_step);
    }
  }
  free(steps.steps);
}

/* ---- All of it -----------------------------------------------------------*/

static void gather(struct cli_snapshot *snapshot,
                   const struct inspect_settings *with,
                   struct cli_inspected *out) {
  const struct cli_snapshot_settings *settings = &with->snapshot;
  *out = (struct cli_inspected){.snapshot = snapshot};
  cli_snapshot_look(snapshot, settings);
  if (!with->all)
    cli_baseline_leave_out(snapshot->info.engine, &snapshot->report);
  torpor_bytes memory =
      cli_snapshot_section(snapshot, settings, TORPOR_SECTION_MEMORY);
  out->counted = memory.data != NULL && cli_pages_count(&memory, &out->pages);
  torpor_bytes_free(&memory);
  out->exported = cli_snapshot_section(snapshot, settings, TORPOR_SECTION_RUN);
  out->extensions =
      cli_snapshot_section(snapshot, settings, TORPOR_SECTION_EXTENSIONS);
  if (snapshot->store != NULL) read_chain(snapshot, out);
}

static int run(const struct cli_call *call) {
  const struct inspect_settings *settings = call->settings;
  struct cli_snapshot snapshot;
  struct cli_inspected inspected;
  int code = cli_snapshot_open(&settings->snapshot, call->arguments[0],
                               settings->step, &snapshot);
  if (code != CLI_EXIT_DONE) return code;
  gather(&snapshot, settings, &inspected);
  (settings->json ? cli_inspect_print : cli_inspect_show)(&inspected);
  free(inspected.chain);
  torpor_bytes_free(&inspected.exported);
  torpor_bytes_free(&inspected.extensions);
  cli_snapshot_close(&snapshot);
  return CLI_EXIT_DONE;
}

const struct cli_command cli_inspect = {
    .name = "inspect",
    .group = CLI_GROUP_LOOK,
    .arguments = "FILE|ID",
    .summary = "say what a snapshot or a run's state is made of",
    .details =
        "FILE is a snapshot ('-': standard input); ID a run of the store, or\n"
        "ID@STEP a state that it keeps. Sizes, what is waited for and the\n"
        "engine are read from the bytes; the heap needs the engine, and what\n"
        "every VM has is left out of it. No code of the program runs.",
    .examples =
        "torpor inspect order-1\n"
        "torpor inspect order-1@1 --json\n"
        "torpor inspect order-1.snap\n",
    .options = options,
    .settings_size = sizeof(struct inspect_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
