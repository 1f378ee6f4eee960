/* SPDX-License-Identifier: MIT */
/* drive.c - drives runs in the foreground and shows what they do.
 *
 * The program's output goes where it would go without a store; what happens to
 * the run goes to standard error, or everything as JSON to standard output. On
 * a terminal the last line of the display is replaced while a run only waits.
 *
 * Runs on the main thread; the signal handler only stops the worker. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/store/drive.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/when.h"

struct display {
  const struct cli_driven *driven;
  const struct cli_drive *settings;
  bool many;     /* runs: lines begin with the run's id */
  bool terminal; /* standard error is one */
  bool status;   /* its last line is to be replaced */
  bool held;     /* a run is another's */
  int code;      /* of the run that ended last */
};

static torpor_worker *_Atomic worker_to_stop;
static volatile sig_atomic_t stopped_by;

/* ---- For people ----------------------------------------------------------*/

static void clear_status(struct display *display) {
  if (display->status) fputs("\r\033[K", stderr);
  display->status = false;
}

static void begin_note(struct display *display, const torpor_event *event) {
  cli_output_flush();
  clear_status(display);
  fputs("torpor: ", stderr);
  if (display->many && event->run[0] != '\0')
    cli_print(stderr, "%s: ", event->run);
}

static void show_commit(struct display *display, const torpor_event *event) {
  char when[CLI_WHEN_SIZE];
  if (event->operations == 0) return;
  if (!display->terminal) return;
  begin_note(display, event);
  cli_print(stderr,
            "step %" PRId64 ", asleep in %" PRIu64 " bytes, waits for %" PRIu64
            " operation%s",
            event->step, event->size, event->operations,
            event->operations == 1 ? "" : "s");
  if (event->next_due_ms >= 0)
    cli_print(stderr, ", next %s", cli_when_about(event->next_due_ms, when));
  display->status = true;
}

static bool copy_reason(void *user, const torpor_run_info *info) {
  snprintf(user, TORPOR_RUN_ID_SIZE + 512, "%s", info->reason);
  return true;
}

static void show_end(struct display *display, const torpor_event *event) {
  char reason[TORPOR_RUN_ID_SIZE + 512] = "";
  torpor_run_each(display->driven->store, event->run, copy_reason, reason);
  begin_note(display, event);
  cli_print(stderr, "%s after %" PRId64 " step%s%s",
            torpor_run_state_name(event->state), event->step,
            event->step == 1 ? "" : "s", reason[0] ? ": " : "");
  cli_output_plain(stderr, reason);
  fputc('\n', stderr);
}

static void show_event(struct display *display, const torpor_event *event) {
  bool quiet = display->settings->quiet;
  switch (event->kind) {
  case TORPOR_EVENT_LINE:
    clear_status(display);
    cli_output_line(event->level, event->text, event->size);
    return;
  case TORPOR_EVENT_WOKEN:
    if (quiet) return;
    begin_note(display, event);
    cli_print(stderr,
              "woken at step %" PRId64 " in %.0f us from %" PRIu64 " bytes\n",
              event->step, event->us, event->size);
    return;
  case TORPOR_EVENT_COMMIT:
    if (!quiet) show_commit(display, event);
    return;
  case TORPOR_EVENT_ENDED:
    if (!quiet || event->state != TORPOR_RUN_DONE) show_end(display, event);
    return;
  case TORPOR_EVENT_HELD:
    begin_note(display, event);
    cli_print(stderr, "'%s' is driven by another process; waiting for it\n",
              event->run);
    return;
  case TORPOR_EVENT_ERROR:
  case TORPOR_EVENT_TAKEN:
    begin_note(display, event);
    cli_print(stderr, "%s\n", event->text);
    return;
  default:
    return;
  }
}

/* ---- For programs --------------------------------------------------------*/

static const char *level_name(torpor_level level) {
  static const char *const names[] = {"debug", "log", "info", "warn", "error"};
  return (unsigned)level < sizeof(names) / sizeof(*names) ? names[level]
                                                          : "log";
}

static bool print_reason(void *user, const torpor_run_info *info) {
  (void)user;
  cli_json_text("reason", info->reason);
  cli_json_data("value", info->value, info->value_size);
  return true;
}

static void print_event(struct display *display, const torpor_event *event) {
  static const char *const names[] = {
      [TORPOR_EVENT_WOKEN] = "woken",   [TORPOR_EVENT_STARTED] = "started",
      [TORPOR_EVENT_COMMIT] = "commit", [TORPOR_EVENT_LINE] = "line",
      [TORPOR_EVENT_ENDED] = "ended",   [TORPOR_EVENT_HELD] = "held",
      [TORPOR_EVENT_ERROR] = "error",   [TORPOR_EVENT_TAKEN] = "taken"};
  cli_json_open(NULL, '{');
  cli_json_text("event", names[event->kind]);
  cli_json_text("run", event->run);
  cli_json_number("step", event->step);
  switch (event->kind) {
  case TORPOR_EVENT_WOKEN:
    cli_json_decimal("us", event->us);
    cli_json_number("bytes", (int64_t)event->size);
    break;
  case TORPOR_EVENT_COMMIT:
    cli_json_number("bytes", (int64_t)event->size);
    cli_json_number("operations", (int64_t)event->operations);
    cli_json_time("next_due", event->next_due_ms);
    break;
  case TORPOR_EVENT_LINE:
    cli_json_text("level", level_name(event->level));
    cli_json_string("text", event->text, event->size);
    break;
  case TORPOR_EVENT_ENDED:
    cli_json_text("state", torpor_run_state_name(event->state));
    torpor_run_each(display->driven->store, event->run, print_reason, NULL);
    break;
  case TORPOR_EVENT_ERROR:
  case TORPOR_EVENT_TAKEN:
    cli_json_text("text", event->text);
    break;
  default:
    break;
  }
  cli_json_close('}');
}

/* ---- Driving -------------------------------------------------------------*/

/* torpor_event_fn */
static void on_event(void *user, const torpor_event *event) {
  struct display *display = user;
  if (event->kind == TORPOR_EVENT_ENDED)
    display->code = cli_store_exit(event->state);
  if (event->kind == TORPOR_EVENT_TAKEN) display->code = CLI_EXIT_TAKEN;
  if (display->settings->json)
    print_event(display, event);
  else
    show_event(display, event);
  bool waits = event->kind == TORPOR_EVENT_COMMIT && event->operations > 0;
  if (waits || display->settings->json)
    if (!cli_output_flush()) {
      torpor_worker *worker = worker_to_stop;
      if (worker != NULL) torpor_worker_stop(worker);
    }
}

static void stop_on_signal(int number) {
  torpor_worker *worker = worker_to_stop;
  stopped_by = number;
  if (worker != NULL) torpor_worker_stop(worker);
  signal(number, SIG_DFL); /* a second one ends the process */
}

/* With hangups ignored (nohup) it goes on when the terminal closes. */
static void handle_signals(void (*handler)(int)) {
  static const int stopping[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP};
  for (size_t i = 0; i < sizeof stopping / sizeof stopping[0]; i++) {
    void (*former)(int) = signal(stopping[i], handler);
    if (stopping[i] == SIGHUP && former == SIG_IGN) signal(SIGHUP, SIG_IGN);
  }
}

static void tell_how_to_resume(struct display *display) {
  const struct cli_driven *driven = display->driven;
  clear_status(display);
  if (driven->count != 1 || display->settings->json) return;
  cli_output_flush();
  cli_print(stderr, "torpor: '%s' stays as it was committed; go on with:\n",
            driven->ids[0]);
  cli_print(stderr, "  torpor resume %s --store %s\n", driven->ids[0],
            cli_store_path(driven->place));
}

static int add_runs(torpor_worker *worker, const struct cli_driven *driven) {
  if (driven->ids == NULL)
    return cli_store_check(driven->store, torpor_worker_add(worker, NULL));
  for (size_t i = 0; i < driven->count; i++) {
    torpor_status status = torpor_worker_add(worker, driven->ids[i]);
    int code = cli_store_check(driven->store, status);
    bool skipped = (status == TORPOR_ENGINE || status == TORPOR_EXTENSION) &&
                   driven->several;
    if (code != CLI_EXIT_DONE && !skipped) return code;
  }
  return CLI_EXIT_DONE;
}

static int run_worker(torpor_worker *worker, struct display *display) {
  const struct cli_driven *driven = display->driven;
  int code = add_runs(worker, driven);
  if (code != CLI_EXIT_DONE) return code;
  worker_to_stop = worker;
  handle_signals(stop_on_signal);
  torpor_status status = torpor_worker_run(worker);
  handle_signals(SIG_DFL);
  worker_to_stop = NULL;
  clear_status(display);
  if (status != TORPOR_OK) return cli_store_check(driven->store, status);
  if (stopped_by == 0) return display->many ? CLI_EXIT_DONE : display->code;
  tell_how_to_resume(display);
  return driven->ids == NULL && !driven->until_ended ? CLI_EXIT_DONE
                                                     : 128 + stopped_by;
}

int cli_drive(const struct cli_driven *driven,
              const struct cli_drive *settings) {
  struct display display = {.driven = driven,
                            .settings = settings,
                            .many = driven->several || driven->ids == NULL,
                            .terminal = isatty(STDERR_FILENO) == 1,
                            .code = CLI_EXIT_DONE};
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  torpor_worker *worker;
  int trusted = cli_trust(settings->ca);
  if (trusted != CLI_EXIT_DONE) return trusted;
  options.event = on_event;
  options.user = &display;
  options.memory_total = settings->memory_total;
  options.until_ended = driven->until_ended;
  torpor_status status = torpor_worker_open(driven->store, &options, &worker);
  if (status != TORPOR_OK) return cli_store_check(driven->store, status);
  int code = run_worker(worker, &display);
  torpor_worker_close(worker);
  return code;
}
