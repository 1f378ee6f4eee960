/* SPDX-License-Identifier: MIT */
/* listed.c - a page of runs, each with the first operations that it waits for.
 *
 * Who is shown a run or an operation may not call the store: so all of a page
 * is copied, then what each run of it waits for. */
#include "cli/store/listed.h"

#include <stdlib.h>
#include <string.h>

#include "cli/text/wait.h"
#include "common/array.h"

static char *copy_text(const char *text, bool *failed) {
  char *copy = text == NULL ? NULL : strdup(text);
  if (text != NULL && copy == NULL) *failed = true;
  return copy;
}

/* torpor_run_visit_fn */
static bool add_run(void *user, const torpor_run_info *info) {
  struct cli_listed_page *page = user;
  page->failed = !torpor__array_reserve(&page->runs, &page->capacity,
                                        page->count + 1, sizeof(*page->runs));
  if (page->failed) return false;
  struct cli_listed *run = &page->runs[page->count++];
  *run = (struct cli_listed){.info = *info};
  run->info.engine = run->info.access = run->info.parent = NULL;
  run->info.value = NULL;
  run->info.id = copy_text(info->id, &page->failed);
  run->info.file = copy_text(info->file, &page->failed);
  run->info.reason = copy_text(info->reason, &page->failed);
  return !page->failed;
}

struct adding {
  struct cli_listed *run;
  bool failed;
};

/* torpor_run_operation_fn */
static bool add_wait(void *user, const torpor_run_operation *operation) {
  struct adding *adding = user;
  struct cli_listed *run = adding->run;
  char text[CLI_WAIT_SIZE];
  struct cli_listed_wait *wait = &run->waits[run->wait_count++];
  wait->due_ms = operation->due_ms;
  wait->kind = copy_text(operation->kind, &adding->failed);
  wait->topic = copy_text(operation->topic, &adding->failed);
  wait->text = copy_text(cli_wait_short(operation, text), &adding->failed);
  return !adding->failed && run->wait_count < CLI_LISTED_WAITS;
}

/* A damaged run, or one that is gone, waits for nothing that is known. */
static torpor_status read_waits(torpor_store *store, struct cli_listed *run) {
  struct adding adding = {.run = run};
  if (run->info.operations == 0) return TORPOR_OK;
  torpor_status status =
      torpor_run_operations(store, run->info.id, add_wait, &adding);
  if (adding.failed) return TORPOR_NOMEM;
  return status == TORPOR_NOT_FOUND || status == TORPOR_CORRUPT ? TORPOR_OK
                                                                : status;
}

torpor_status cli_listed_read(torpor_store *store,
                              const torpor_run_list_options *options,
                              struct cli_listed_page *page) {
  torpor_status status = torpor_run_list(store, options, add_run, page);
  if (status == TORPOR_OK && page->failed) status = TORPOR_NOMEM;
  for (size_t i = 0; status == TORPOR_OK && i < page->count; i++)
    status = read_waits(store, &page->runs[i]);
  return status;
}

void cli_listed_free(struct cli_listed_page *page) {
  for (size_t i = 0; i < page->count; i++) {
    struct cli_listed *run = &page->runs[i];
    free((char *)run->info.id);
    free((char *)run->info.file);
    free((char *)run->info.reason);
    for (size_t j = 0; j < run->wait_count; j++) {
      free(run->waits[j].kind);
      free(run->waits[j].topic);
      free(run->waits[j].text);
    }
  }
  free(page->runs);
  *page = (struct cli_listed_page){0};
}
