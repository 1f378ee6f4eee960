/* SPDX-License-Identifier: MIT */
/* list.c - torpor list: the runs of a store, or some of them, and what each
 * waits for.
 *
 * They are read and printed a page at a time, and what a page costs does not
 * depend on how many runs there are. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options/words.h"
#include "cli/show.h"
#include "cli/store/listed.h"
#include "cli/store/store.h"
#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/table.h"
#include "cli/text/wait.h"
#include "cli/text/when.h"

enum { LIMIT = 100 /* runs that are shown to people, if they do not say */ };

struct list_settings {
  const char *states, *program, *after;
  struct cli_keep limit;
  bool json;
  struct cli_store store;
};

static const struct cli_option options[] = {
    CLI_OPTION(struct list_settings, states, "state", 's', CLI_TEXT, "STATE",
               "only runs that are ready, waiting, done, failed, deadlock, "
               "killed, parked or damaged; several with commas"),
    CLI_OPTION(struct list_settings, program, "program", 'p', CLI_PATH, "FILE",
               "only runs of this program"),
    CLI_OPTION(struct list_settings, after, "after", 0, CLI_TEXT, "ID",
               "only runs that were made after the run ID"),
    CLI_OPTION(struct list_settings, limit, "limit", 'n', CLI_KEEP, "N|all",
               "at most N runs (100; with --json all)"),
    CLI_OPTION(struct list_settings, json, "json", 0, CLI_FLAG, NULL,
               "print a JSON array"),
    CLI_STORE_OPTION(struct list_settings, store),
    {0},
};

/* ---- Which ---------------------------------------------------------------*/

/* Adds the state that is called 'word' to 'states'. */
static int add_state(const char *word, uint32_t *states) {
  const char *names[TORPOR_RUN_DAMAGED + 1];
  for (int state = 0; state <= TORPOR_RUN_DAMAGED; state++) {
    names[state] = torpor_run_state_name((torpor_run_state)state);
    if (strcmp(names[state], word) == 0) {
      *states |= TORPOR_RUN_LISTED(state);
      return CLI_EXIT_DONE;
    }
  }
  const char *near = cli_suggest(word, names, TORPOR_RUN_DAMAGED + 1);
  cli_complain("a run is never '%s'; %s%s%s", word,
               near != NULL ? "did you mean '" : "'torpor list --help' says ",
               near != NULL ? near : "what it can be",
               near != NULL ? "'?" : "");
  return CLI_EXIT_USAGE;
}

static int read_states(const char *words, uint32_t *states) {
  int code = CLI_EXIT_DONE;
  if (words == NULL) return code;
  for (const char *at = words; code == CLI_EXIT_DONE;) {
    size_t size = strcspn(at, ",");
    char *word = strndup(at, size);
    code = word != NULL ? add_state(word, states) : CLI_EXIT_HOST;
    free(word);
    if (at[size] == '\0') break;
    at += size + 1;
  }
  return code;
}

/* The path that runs of the program 'file' have: without links, if the file is
 * still there. From malloc; NULL: no memory. */
static char *find_program(const char *file) {
  char folder[PATH_MAX], *path = realpath(file, NULL);
  if (path != NULL) return path;
  if (file[0] == '/' || getcwd(folder, sizeof(folder)) == NULL)
    return strdup(file);
  size_t size = strlen(folder) + strlen(file) + 2;
  path = malloc(size);
  if (path != NULL) snprintf(path, size, "%s/%s", folder, file);
  return path;
}

static int read_options(const struct list_settings *settings,
                        torpor_run_list_options *with, char **program) {
  *program = NULL;
  if (settings->limit.given && settings->limit.states == 0) {
    cli_complain("--limit is at least 1");
    return CLI_EXIT_USAGE;
  }
  int code = read_states(settings->states, &with->states);
  if (code != CLI_EXIT_DONE || settings->program == NULL) return code;
  *program = find_program(settings->program);
  with->program = *program;
  if (*program != NULL) return code;
  cli_complain("out of memory");
  return CLI_EXIT_HOST;
}

/* ---- For programs --------------------------------------------------------*/

static void print_run(const struct cli_listed *run) {
  cli_json_open(NULL, '{');
  cli_show_members(&run->info);
  cli_json_number("operations", (int64_t)run->info.operations);
  cli_json_open("waits", '[');
  for (size_t i = 0; i < run->wait_count; i++) {
    cli_json_open(NULL, '{');
    cli_json_text("kind", run->waits[i].kind);
    cli_json_text("topic", run->waits[i].topic);
    cli_json_time("due", run->waits[i].due_ms);
    cli_json_close('}');
  }
  cli_json_close(']');
  cli_json_close('}');
}

/* ---- For people ----------------------------------------------------------*/

static const struct cli_column columns[] = {
    {"RUN", false},      {"STATE", false},   {"STEP", true},
    {"BYTES", true},     {"CHANGED", false}, {"PROGRAM", false},
    {"WAITS FOR", false}};

enum {
  COLUMNS = sizeof(columns) / sizeof(*columns),
  STATE = 1, /* its column */
  WAITS_SIZE = 2048
};

/* "signal a until 2026-03-01 14:05:03, timer until ... and 2 more"; what is
 * ready waits for somebody who drives it. */
static const char *describe_waits(const struct cli_listed *run, char *text) {
  size_t at = 0;
  bool idle = run->info.state == TORPOR_RUN_READY && !run->info.worked;
  snprintf(text, WAITS_SIZE, "%s", idle ? "a worker" : "");
  if (idle) return text;
  for (size_t i = 0; i < run->wait_count; i++)
    at += (size_t)snprintf(text + at, WAITS_SIZE - at, "%s%s",
                           i == 0 ? "" : ", ", run->waits[i].text);
  if (run->info.operations > run->wait_count && run->wait_count > 0)
    snprintf(text + at, WAITS_SIZE - at, " and %" PRIu64 " more",
             run->info.operations - run->wait_count);
  return text;
}

static bool show_run(struct cli_table *table, const struct cli_listed *run) {
  const torpor_run_info *info = &run->info;
  const char *slash = strrchr(info->file, '/');
  char when[CLI_WHEN_SIZE], step[24], size[24], waits[WAITS_SIZE];
  snprintf(step, sizeof(step), "%" PRId64, info->step);
  snprintf(size, sizeof(size), "%" PRIu64, info->snapshot_size);
  return cli_table_add(table,
                       (const char *const[COLUMNS]){
                           info->id, torpor_run_state_name(info->state), step,
                           size, cli_when_stamp(info->changed_ms, when),
                           slash != NULL ? slash + 1 : info->file,
                           describe_waits(run, waits)});
}

/* cli_word_fn: such that a shell reads it as it was. */
static bool print_word(void *user, const char *word) {
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "-_./=,:@%+";
  (void)user;
  if (strspn(word, plain) == strlen(word)) {
    cli_print(stderr, " %s", word);
    return true;
  }
  cli_print(stderr, " '");
  for (;;) {
    size_t size = strcspn(word, "'");
    cli_print(stderr, "%.*s", (int)size, word);
    word += size;
    if (*word == '\0') break;
    cli_print(stderr, "'\\''");
    word++;
  }
  cli_print(stderr, "'");
  return true;
}

static void tell_more(const struct list_settings *settings, const char *last) {
  struct list_settings next = *settings;
  next.after = last;
  cli_output_flush();
  cli_print(stderr, "torpor: there are more: torpor list");
  cli_words_each(options, &next, print_word, NULL);
  cli_print(stderr, "\n");
}

/* ---- Page by page --------------------------------------------------------*/

enum { PAGE = 256 };

struct listing {
  torpor_store *store;
  const struct list_settings *settings;
  torpor_run_list_options with;
  struct cli_table table;
  uint64_t left;                 /* runs that may still be shown */
  char last[TORPOR_RUN_ID_SIZE]; /* the id of the last one; "": none yet */
};

/* torpor_run_visit_fn */
static bool note_any(void *user, const torpor_run_info *info) {
  (void)info;
  *(bool *)user = true;
  return false;
}

/* Says how to see more, if there are more. */
static torpor_status look_for_more(struct listing *listing) {
  bool more = false;
  listing->with.limit = 1;
  torpor_status status =
      torpor_run_list(listing->store, &listing->with, note_any, &more);
  if (more) tell_more(listing->settings, listing->last);
  return status;
}

static torpor_status show_page(struct listing *listing,
                               const struct cli_listed_page *page) {
  for (size_t i = 0; i < page->count; i++) {
    if (listing->settings->json)
      print_run(&page->runs[i]);
    else if (!show_run(&listing->table, &page->runs[i]))
      return TORPOR_NOMEM;
  }
  cli_table_print(&listing->table);
  listing->left -= page->count;
  if (page->count > 0)
    snprintf(listing->last, sizeof(listing->last), "%s",
             page->runs[page->count - 1].info.id);
  return TORPOR_OK;
}

/* Shows one run after the other until there are no more, or enough. */
static torpor_status show_pages(struct listing *listing) {
  torpor_status status = TORPOR_OK;
  bool ended = false;
  while (status == TORPOR_OK && !ended && listing->left > 0 &&
         cli_output_flush()) {
    struct cli_listed_page page = {0};
    listing->with.limit = listing->left < PAGE ? listing->left : PAGE;
    status = cli_listed_read(listing->store, &listing->with, &page);
    ended = page.count < listing->with.limit;
    if (status == TORPOR_OK) status = show_page(listing, &page);
    cli_listed_free(&page);
    if (listing->last[0] != '\0') listing->with.after = listing->last;
  }
  if (status == TORPOR_OK && !ended && !listing->settings->json)
    status = look_for_more(listing);
  return status;
}

static int list_runs(struct listing *listing) {
  const struct list_settings *settings = listing->settings;
  bool some = settings->states != NULL || settings->program != NULL ||
              settings->after != NULL;
  listing->with.after = settings->after;
  listing->left = settings->limit.given ? settings->limit.states
                  : settings->json      ? UINT64_MAX
                                        : LIMIT;
  cli_show_list_open(settings->json);
  torpor_status status = show_pages(listing);
  cli_show_list_close(settings->json, status, listing->last[0] != '\0',
                      some ? "no run of the store is such a one"
                           : "the store has no runs");
  if (status == TORPOR_NOT_FOUND)
    return cli_store_check_run(listing->store, status, settings->after);
  return cli_store_check(listing->store, status);
}

static int run(const struct cli_call *call) {
  struct listing listing = {.settings = call->settings,
                            .with = TORPOR_RUN_LIST_OPTIONS_INIT,
                            .table = {.columns = columns,
                                      .count = COLUMNS,
                                      .styled = STATE,
                                      .style = cli_store_style}};
  char *program;
  int code = read_options(listing.settings, &listing.with, &program);
  if (code == CLI_EXIT_DONE)
    code = cli_store_open(&listing.settings->store, CLI_STORE_LOOK,
                          &listing.store);
  if (code == CLI_EXIT_DONE) {
    code = list_runs(&listing);
    torpor_store_close(listing.store);
  }
  free(program);
  return code;
}

const struct cli_command cli_list = {
    .name = "list",
    .group = CLI_GROUP_LOOK,
    .arguments = "",
    .summary = "list the runs of a store",
    .details =
        "In the order in which they were made, with what each waits for and\n"
        "until when. If there are more than --limit, it says how to go on.",
    .examples =
        "torpor list --state=waiting,parked\n"
        "torpor list --program=order.mjs --limit=20\n"
        "torpor list --json\n",
    .options = options,
    .settings_size = sizeof(struct list_settings),
    .least = 0,
    .most = 0,
    .run = run,
};
