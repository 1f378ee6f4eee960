/* SPDX-License-Identifier: MIT */
/* visit.c - showing a run's operations, console lines and signals to a function
 * of the caller's.
 *
 * That function may take as long as it likes: it may print into a pipe that
 * nobody empties. As long as anybody reads, SQLite cannot begin its log anew,
 * and the log grows with every commit of every worker. So a page of rows is
 * copied, the read is ended, and only then are they shown.
 *
 *  (1) The function is called while nothing of the store is being read.
 *  (2) A page has some PAGE_ROWS rows and PAGE_BYTES bytes at most, but at
 *      least one row, however large.
 *  (3) The next page begins after the last row of the one before: what is added
 *      or removed meanwhile does not make a row appear twice.
 *
 * On the thread of the store. */
#include "run/protocol/protocol.h"
#include "run/state/run-rows.h"
#include "run/store.h"

enum { PAGE_ROWS = 256, PAGE_BYTES = 1 << 20 };

/* What a walk that has filled its page ends with; nothing else gives it. */
#define PAGE_FULL TORPOR_CANCELLED

struct page {
  struct torpor__run_rows rows;
  size_t count, bytes;
};

/* Counts a row that was added to the page, or was not, as 'status' says. */
static torpor_status count_row(struct page *page, torpor_status status,
                               size_t size) {
  if (status != TORPOR_OK) return status;
  page->count++;
  page->bytes += size;
  return page->count < PAGE_ROWS && page->bytes < PAGE_BYTES ? TORPOR_OK
                                                             : PAGE_FULL;
}

/* What a walk with 'status' has left: more pages, or not. */
static torpor_status end_walk(torpor_store *store, torpor_status status,
                              bool *more) {
  *more = status == PAGE_FULL;
  if (status == TORPOR_NOMEM)
    return torpor__database_fail(store->database, status, NULL);
  return *more ? TORPOR_OK : status;
}

/* What was read before a damaged row is shown, too. */
static bool may_show(torpor_status status) {
  return status == TORPOR_OK || torpor__protocol_is_own_fault(status);
}

static void empty(struct page *page) {
  torpor__run_rows_free(&page->rows);
  page->count = page->bytes = 0;
}

/* ---- Operations ----------------------------------------------------------*/

/* torpor__operation_fn */
static torpor_status take_operation(void *data,
                                    const struct torpor__operation *row) {
  struct page *page = data;
  return count_row(page, torpor__run_rows_add_operation(&page->rows, row),
                   row->request.size);
}

const char *torpor__store_policy(enum torpor__policy policy) {
  switch (policy) {
  case TORPOR__POLICY_REARM:
    return "re-arm";
  case TORPOR__POLICY_REPEAT:
    return "repeat";
  case TORPOR__POLICY_REATTACH:
    return "reattach";
  default:
    return "reject";
  }
}

static bool show_operation(torpor_run_operation_fn visit, void *user,
                           const struct torpor__operation *row) {
  const torpor_run_operation operation = {
      .id = row->id,
      .kind = row->kind,
      .topic = row->topic,
      .request = row->request.data,
      .request_size = row->request.size,
      .begun_ms = row->begun_ms,
      .begun_step = row->begun_step,
      .due_ms = row->due_ms == TORPOR__NEVER ? -1 : row->due_ms,
      .key = row->key,
      .waking = torpor__store_policy(row->policy)};
  return visit(user, &operation);
}

torpor_status torpor_run_operations(torpor_store *store, const char *id,
                                    torpor_run_operation_fn visit, void *user) {
  struct torpor__database *database = store->database;
  struct page page = {0};
  int64_t run, branch = -1;
  uint64_t last = 0;
  bool more = true;
  torpor_status status = database->calls->run_find(database, id, &run);
  while (status == TORPOR_OK && more) {
    status = database->calls->operation_each(database, run, branch, last,
                                             take_operation, &page);
    status = end_walk(store, status, &more);
    bool go_on = may_show(status);
    for (size_t i = 0; go_on && i < page.rows.operation_count; i++) {
      branch = page.rows.operations[i].branch;
      last = page.rows.operations[i].id;
      go_on = show_operation(visit, user, &page.rows.operations[i]);
    }
    more = more && go_on;
    empty(&page);
  }
  return status;
}

/* ---- Console lines -------------------------------------------------------*/

/* torpor__line_fn */
static torpor_status take_line(void *data, const struct torpor__line *row) {
  struct page *page = data;
  return count_row(page, torpor__run_rows_add_line(&page->rows, row),
                   row->text.size);
}

static bool show_line(torpor_run_line_fn visit, void *user,
                      const struct torpor__line *row) {
  const torpor_run_line line = {.step = row->step,
                                .written_ms = row->written_ms,
                                .level = row->level,
                                .text = row->text.data,
                                .size = row->text.size,
                                .branch = row->branch,
                                .number = row->number};
  return visit(user, &line);
}

/* Shows those of steps after 'step' that come after '*last', which is moved to
 * the last one that was shown. */
static torpor_status show_lines(torpor_store *store, const char *id,
                                int64_t step, struct torpor__line *last,
                                torpor_run_line_fn visit, void *user) {
  struct torpor__database *database = store->database;
  struct page page = {0};
  int64_t run;
  bool more = true;
  torpor_status status = database->calls->run_find(database, id, &run);
  while (status == TORPOR_OK && more) {
    status =
        database->calls->line_each(database, run, step, last, take_line, &page);
    status = end_walk(store, status, &more);
    bool go_on = may_show(status);
    for (size_t i = 0; go_on && i < page.rows.line_count; i++) {
      *last = page.rows.lines[i];
      go_on = show_line(visit, user, last);
    }
    more = more && go_on;
    empty(&page);
  }
  return status;
}

torpor_status torpor_run_lines(torpor_store *store, const char *id,
                               int64_t after, torpor_run_line_fn visit,
                               void *user) {
  struct torpor__line last = {.branch = INT64_MIN};
  return show_lines(store, id, after, &last, visit, user);
}

torpor_status torpor_run_lines_since(torpor_store *store, const char *id,
                                     torpor_run_mark *mark,
                                     torpor_run_line_fn visit, void *user) {
  struct torpor__line last = {
      .branch = mark->branch, .step = mark->step, .number = mark->number};
  torpor_status status = show_lines(store, id, INT64_MIN, &last, visit, user);
  *mark = (torpor_run_mark){
      .branch = last.branch, .step = last.step, .number = last.number};
  return status;
}

/* ---- The mailbox ---------------------------------------------------------*/

/* torpor__signal_fn */
static torpor_status take_signal(void *data, const struct torpor__signal *row) {
  struct page *page = data;
  return count_row(page, torpor__run_rows_add_signal(&page->rows, row),
                   row->value.size);
}

static bool show_signal(torpor_run_mail_fn visit, void *user,
                        const struct torpor__signal *row) {
  const torpor_run_mail mail = {.number = row->sequence,
                                .name = row->topic,
                                .sent_ms = row->sent_ms,
                                .value = row->value.data,
                                .size = row->value.size};
  return visit(user, &mail);
}

torpor_status torpor_run_mailbox(torpor_store *store, const char *id,
                                 torpor_run_mail_fn visit, void *user) {
  struct torpor__database *database = store->database;
  struct page page = {0};
  int64_t run, last = 0;
  bool more = true;
  torpor_status status = database->calls->run_find(database, id, &run);
  while (status == TORPOR_OK && more) {
    status =
        database->calls->signal_each(database, run, last, take_signal, &page);
    status = end_walk(store, status, &more);
    bool go_on = may_show(status);
    for (size_t i = 0; go_on && i < page.rows.signal_count; i++) {
      last = page.rows.signals[i].sequence;
      go_on = show_signal(visit, user, &page.rows.signals[i]);
    }
    more = more && go_on;
    empty(&page);
  }
  return status;
}
