/* SPDX-License-Identifier: MIT */
/* logs.c - torpor logs ID: what a run has written to its console. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli/store/store.h"
#include "cli/text/json.h"
#include "cli/text/output.h"

enum { FOLLOW_MS = 200 };

struct logs_settings {
  bool json, follow;
  uint64_t since;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct logs_settings, since, "since", 0, CLI_COUNT, "STEP",
               "only what later steps wrote"),
    CLI_OPTION(struct logs_settings, follow, "follow", 'f', CLI_FLAG, NULL,
               "go on until the run has ended"),
    CLI_OPTION(struct logs_settings, json, "json", 0, CLI_FLAG, NULL,
               "print one JSON object per line"),
    CLI_STORE_OPTION(struct logs_settings, store),
    {0},
};

struct printing {
  bool json;
  int64_t since;    /* lines of steps up to this one are not printed */
  uint64_t dropped; /* lines that are not there any more */
  bool ended;
};

/* torpor_run_line_fn */
static bool print_line(void *user, const torpor_run_line *line) {
  static const char *const levels[] = {"debug", "log", "info", "warn", "error"};
  const struct printing *printing = user;
  if (line->step <= printing->since) return true;
  if (!printing->json)
    return cli_output_line(line->level, line->text, line->size);
  cli_json_open(NULL, '{');
  cli_json_number("step", line->step);
  cli_json_number("branch", line->branch);
  cli_json_time("written", line->written_ms);
  cli_json_text("level", levels[line->level]);
  cli_json_string("text", line->text, line->size);
  cli_json_close('}');
  return true;
}

/* torpor_run_visit_fn */
static bool look_whether_ended(void *user, const torpor_run_info *info) {
  struct printing *printing = user;
  printing->ended = !cli_store_goes_on(info->state);
  printing->dropped = info->lines_dropped;
  return true;
}

/* Says that there were more, once. */
static void tell_dropped(const struct printing *printing) {
  if (printing->dropped > 0)
    cli_complain("%" PRIu64
                 " earlier line%s dropped; --keep-lines of 'torpor "
                 "run' says how many stay",
                 printing->dropped, printing->dropped == 1 ? " was" : "s were");
}

/* cli_run_work_fn
 *
 * What comes after the first round is new, whatever its step: a run that is
 * rewound writes lines of steps once more, on another branch. */
static torpor_status print_lines(torpor_store *store, const char *id,
                                 const void *data) {
  const struct logs_settings *settings = data;
  struct printing lines = {.json = settings->json,
                           .since = settings->since < INT64_MAX
                                        ? (int64_t)settings->since
                                        : INT64_MAX};
  torpor_run_mark mark = TORPOR_RUN_MARK_INIT;
  const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000L};
  for (bool first = true;; first = false) {
    /* Asked first: what ends after this is printed in the next round. */
    torpor_status status =
        torpor_run_each(store, id, look_whether_ended, &lines);
    if (status == TORPOR_OK && first && settings->since == 0)
      tell_dropped(&lines);
    if (status == TORPOR_OK)
      status = torpor_run_lines_since(store, id, &mark, print_line, &lines);
    if (status != TORPOR_OK || !settings->follow || lines.ended ||
        !cli_output_flush())
      return status;
    lines.since = INT64_MIN;
    nanosleep(&pause, NULL);
  }
}

static int run(const struct cli_call *call) {
  const struct logs_settings *settings = call->settings;
  return cli_store_with_run(&settings->store, CLI_STORE_LOOK,
                            call->arguments[0], print_lines, settings);
}

const struct cli_command cli_logs = {
    .name = "logs",
    .group = CLI_GROUP_LOOK,
    .arguments = "ID",
    .summary = "print what a run has written to its console",
    .examples =
        "torpor logs order-1 --follow\n"
        "torpor logs order-1 --since=2 --json\n",
    .options = options,
    .settings_size = sizeof(struct logs_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
