/* SPDX-License-Identifier: MIT */
/* list.c - the runs of a store: one, all, or those of a page.
 *
 * They are read in pages of rows, each by an index: what a page costs depends
 * on what is in it, not on how many runs there are. Inputs and states are not
 * read.
 *
 *     states asked for ──► statuses ──► the next rows of each, by number
 *                                            └──► merged, and shown
 *
 * On the thread of the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/search.h"
#include "common/sized.h"
#include "run/protocol/protocol.h"
#include "run/state/run-rows.h"
#include "run/store.h"

enum { PAGE = 64 /* runs that are read at once */ };

/* ---- One run -------------------------------------------------------------*/

/* The id of the run that one was forked from; "" when it is gone or damaged. */
static torpor_status find_parent(struct torpor__database *database,
                                 int64_t parent, char id[TORPOR_RUN_ID_SIZE]) {
  struct torpor__run_rows rows = {0};
  id[0] = '\0';
  if (parent <= 0) return TORPOR_OK;
  const struct torpor__page page = {.after = parent - 1, .limit = 1};
  torpor_status status = torpor__run_rows_list(&rows, database, &page);
  if (status == TORPOR_OK && rows.run_count == 1 &&
      rows.runs[0].number == parent && !rows.runs[0].head.damaged)
    snprintf(id, TORPOR_RUN_ID_SIZE, "%s", rows.runs[0].row.id);
  torpor__run_rows_free(&rows);
  return torpor__protocol_is_own_fault(status) ? TORPOR_OK : status;
}

/* What else there is of a run that is listed. */
static torpor_status read_listed(struct torpor__database *database,
                                 const struct torpor__run_row *listed,
                                 struct torpor__counts *counts,
                                 struct torpor__run_rows *rows, char *parent) {
  torpor_status status =
      database->calls->run_count(database, listed->number, counts);
  if (status == TORPOR_OK)
    status = find_parent(database, listed->row.parent, parent);
  if (status == TORPOR_OK)
    status = torpor__run_rows_read(rows, database, listed->number,
                                   TORPOR__ROWS_EXIT);
  if (status == TORPOR_OK && listed->head.damaged)
    status =
        torpor__database_fail(database, TORPOR_CORRUPT,
                              "its rows are damaged; restore the store from "
                              "a backup");
  return status;
}

/* 'damage' says what is wrong with a run whose rows are damaged; else NULL. */
static torpor_run_info describe(const struct torpor__run_row *listed,
                                const struct torpor__counts *counts,
                                const struct torpor__exit *end,
                                const char *damage) {
  return (torpor_run_info){
      .id = listed->row.id,
      .file = listed->row.program,
      .engine = (const char *)listed->row.engine.data,
      .access = listed->row.access,
      .state = damage != NULL ? TORPOR_RUN_DAMAGED
                              : torpor__store_state(&listed->head),
      .step = listed->head.step,
      .branch = listed->head.branch,
      .attempts = listed->head.attempts,
      .created_ms = listed->row.created_ms,
      .changed_ms = listed->head.changed_ms,
      .snapshot_size = (uint64_t)counts->snapshot_size,
      .operations = (uint64_t)counts->operations,
      .signals = (uint64_t)counts->signals,
      .cancelling = listed->head.cancel > TORPOR__CANCEL_DELIVERED,
      .reason = damage != NULL ? damage : end->reason,
      .value = end->value.size > 0 ? end->value.data : NULL,
      .value_size = end->value.size,
      .keep = listed->row.keep,
      .memory_max = listed->row.memory_max,
      .fuel = listed->row.fuel,
      .deadline_ms = listed->row.deadline_ms,
      .input = listed->row.input.size > 0 ? listed->row.input.data : NULL,
      .input_size = listed->row.input.size,
      .keep_lines = listed->row.keep_lines,
      .lines = (uint64_t)counts->lines,
      .lines_dropped = (uint64_t)counts->lines_dropped};
}

static torpor_status visit_listed(struct torpor__database *database,
                                  const struct torpor__run_row *listed,
                                  torpor_run_visit_fn visit, void *user,
                                  bool *go_on) {
  static const struct torpor__exit none = {.reason = ""};
  struct torpor__counts counts = {0};
  struct torpor__run_rows rows = {0};
  char parent[TORPOR_RUN_ID_SIZE] = "", damage[TORPOR__DATABASE_MESSAGE_MAX];
  bool worked = false;
  torpor_status status = read_listed(database, listed, &counts, &rows, parent);
  bool damaged = torpor__protocol_is_own_fault(status);
  if (damaged)
    memcpy(damage, database->message, sizeof damage);
  else if (status == TORPOR_OK)
    status = database->calls->locked(database, listed->number, &worked);
  if (damaged || status == TORPOR_OK) {
    torpor_run_info info =
        describe(listed, &counts, rows.exit_count > 0 ? rows.exits : &none,
                 damaged ? damage : NULL);
    info.parent = parent;
    info.worked = worked;
    *go_on = visit(user, &info);
    status = TORPOR_OK;
  }
  torpor__run_rows_free(&rows);
  return status;
}

/* ---- A page --------------------------------------------------------------*/

/* What is asked for, and how far the walk has come. */
struct list {
  torpor_store *store;
  torpor_run_visit_fn visit;
  void *user;
  const char *program;
  uint32_t states; /* a bit for each that counts */
  bool by_state;   /* an index finds these, and not all are looked at */
  uint64_t left;   /* runs that may still be visited */
  int64_t after;   /* the number of the last one that was looked at */
  bool ended;      /* there are no more, or the caller wants none */
};

#define DAMAGED TORPOR_RUN_LISTED(TORPOR_RUN_DAMAGED)
#define SOUND (DAMAGED - 1) /* all others */
#define ALL (DAMAGED | SOUND)

static bool has_state(const struct list *list, torpor_run_state state) {
  return list->states >> state & 1;
}

/* Which runs of a status are in the list. False: none. */
static bool choose_page(const struct list *list, enum torpor__run_status status,
                        struct torpor__page *page) {
  const struct torpor__head waiting = {.status = status, .step = 1};
  const struct torpor__head ready = {.status = status};
  bool has_waiting = has_state(list, torpor__store_state(&waiting));
  page->status = status;
  page->of = has_waiting ? TORPOR__PAGE_STATUS : TORPOR__PAGE_READY;
  return has_waiting || has_state(list, torpor__store_state(&ready));
}

/* Reads the next rows of each status that counts. What is damaged has none. */
static torpor_status read_statuses(const struct list *list,
                                   struct torpor__page page,
                                   struct torpor__run_rows *rows) {
  torpor_status status = TORPOR_OK;
  for (int i = 0; status == TORPOR_OK && i < TORPOR__RUN_STATUS_COUNT; i++)
    if (choose_page(list, (enum torpor__run_status)i, &page))
      status = torpor__run_rows_list(rows, list->store->database, &page);
  return status;
}

static int compare_runs(const void *first, const void *second) {
  const struct torpor__run_row *a = first, *b = second;
  return torpor__compare_i64(&a->number, &b->number);
}

/* Reads the next rows, in order, of which some need not count. */
static torpor_status read_page(struct list *list,
                               struct torpor__run_rows *rows) {
  const struct torpor__page page = {
      .after = list->after, .limit = PAGE, .program = list->program};
  torpor_status status =
      list->by_state
          ? read_statuses(list, page, rows)
          : torpor__run_rows_list(rows, list->store->database, &page);
  if (status != TORPOR_OK) return status;
  if (rows->run_count > 1)
    qsort(rows->runs, rows->run_count, sizeof *rows->runs, compare_runs);
  list->ended = rows->run_count < (size_t)page.limit;
  return TORPOR_OK;
}

static torpor_status visit_page(struct list *list) {
  struct torpor__run_rows rows = {0};
  torpor_status status = read_page(list, &rows);
  size_t most = rows.run_count < PAGE ? rows.run_count : PAGE;
  for (size_t i = 0; status == TORPOR_OK && i < most && list->left > 0; i++) {
    const struct torpor__run_row *run = &rows.runs[i];
    bool go_on = true;
    list->after = run->number;
    if (!has_state(list, torpor__store_state(&run->head)) ||
        (list->program != NULL && strcmp(list->program, run->row.program) != 0))
      continue;
    list->left--;
    status = visit_listed(list->store->database, run, list->visit, list->user,
                          &go_on);
    if (go_on) continue;
    list->ended = true;
    break;
  }
  torpor__run_rows_free(&rows);
  return status;
}

static torpor_status visit_list(struct list *list) {
  torpor_status status = TORPOR_OK;
  while (status == TORPOR_OK && list->left > 0 && !list->ended)
    status = visit_page(list);
  return status;
}

/* Finds out where to begin: "#" and a number is the name of a run whose id is
 * damaged. */
static torpor_status find_after(struct torpor__database *database,
                                const char *after, int64_t *number) {
  *number = 0;
  if (after == NULL) return TORPOR_OK;
  if (after[0] != '#')
    return database->calls->run_find(database, after, number);
  *number = strtoll(after + 1, NULL, 10);
  return TORPOR_OK;
}

torpor_status torpor_run_list(torpor_store *store,
                              const torpor_run_list_options *options,
                              torpor_run_visit_fn visit, void *user) {
  torpor_run_list_options given = TORPOR_RUN_LIST_OPTIONS_INIT;
  if (options != NULL && !torpor__sized_take(&given, sizeof given, options))
    return torpor__store_refuse_options(store);
  struct list list = {.store = store,
                      .visit = visit,
                      .user = user,
                      .program = given.program,
                      .states = given.states != 0 ? given.states : ALL,
                      .left = given.limit != 0 ? given.limit : UINT64_MAX};
  if (list.program != NULL)
    list.states &= ~DAMAGED; /* of which none is known */
  list.by_state = list.states != (list.program != NULL ? SOUND : ALL) &&
                  (list.states & DAMAGED) == 0;
  torpor_status status = find_after(store->database, given.after, &list.after);
  return status == TORPOR_OK ? visit_list(&list) : status;
}

torpor_status torpor_run_each(torpor_store *store, const char *id,
                              torpor_run_visit_fn visit, void *user) {
  struct torpor__database *database = store->database;
  struct torpor__run_rows rows = {0};
  int64_t run;
  bool go_on;
  if (id == NULL) return torpor_run_list(store, NULL, visit, user);
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status == TORPOR_OK)
    status = torpor__run_rows_read(&rows, database, run, TORPOR__ROWS_INPUT);
  if (status == TORPOR_OK)
    status = visit_listed(database, &rows.runs[0], visit, user, &go_on);
  torpor__run_rows_free(&rows);
  return status;
}

/* ---- The programs of one -------------------------------------------------*/

torpor_status torpor_run_versions(torpor_store *store, const char *id,
                                  torpor_run_version_fn visit, void *user) {
  struct torpor__database *database = store->database;
  struct torpor__run_rows rows = {0};
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status == TORPOR_OK)
    status = torpor__run_rows_read(&rows, database, run, TORPOR__ROWS_VERSIONS);
  for (size_t i = 0; status == TORPOR_OK && i < rows.version_count; i++) {
    const struct torpor__version *row = &rows.versions[i];
    const torpor_run_version version = {.number = row->number,
                                        .file = row->program,
                                        .engine =
                                            (const char *)row->engine.data,
                                        .start = row->start};
    if (!visit(user, &version)) break;
  }
  torpor__run_rows_free(&rows);
  return status;
}
