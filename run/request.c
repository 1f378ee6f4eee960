/* SPDX-License-Identifier: MIT */
/* request.c - making, cancelling, killing, parking and unparking runs, and
 * counting attempts to work them.
 *
 * Each request reads the head, changes it and writes it back within one write
 * transaction, so that it never meets half of what a worker writes.
 *
 * On the thread of the database. */
#include "run/request.h"

#include <stdio.h>
#include <string.h>

#include "run/fault.h"

torpor_status torpor__request_check_id(struct torpor__database *database,
                                       const char *id) {
  if (!torpor__database_is_id(id))
    return torpor__database_fail(database, TORPOR_LIMIT,
                                 "a run's id has 1 to %d letters, digits, '.', "
                                 "'_' or '-'",
                                 TORPOR__RUN_ID_MAX);
  /* Stores that older versions wrote may have such ids. */
  if (id[0] == '-' || id[0] == '.')
    return torpor__database_fail(database, TORPOR_LIMIT,
                                 "a run's id does not begin with '%c', as "
                                 "%s do",
                                 id[0],
                                 id[0] == '-' ? "options" : "hidden files");
  return TORPOR_OK;
}

torpor_status torpor__request_add(struct torpor__database *database,
                                  const struct torpor__run *row,
                                  const struct torpor__file *files,
                                  size_t file_count, int64_t *run) {
  torpor_status status = torpor__request_check_id(database, row->id);
  if (status == TORPOR_OK)
    status = database->calls->run_add(database, row, run);
  for (size_t i = 0; status == TORPOR_OK && i < file_count; i++)
    status = database->calls->file_add(database, *run, 0, files[i].name,
                                       files[i].source);
  return status;
}

torpor_status torpor__request_create(struct torpor__database *database,
                                     const struct torpor__run *row,
                                     const struct torpor__file *files,
                                     size_t file_count, bool hold,
                                     int64_t *run) {
  bool held = false;
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = torpor__request_add(database, row, files, file_count, run);
  if (status == TORPOR_OK && hold) {
    status = database->calls->lock(database, *run);
    held = status == TORPOR_OK;
  }
  TORPOR__FAULT(CREATE_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  if (status != TORPOR_OK && held) database->calls->unlock(database, *run);
  if (status == TORPOR_OK) TORPOR__FAULT(CREATE_AFTER);
  return status;
}

torpor_status torpor__request_tell(struct torpor__database *database,
                                   int64_t run) {
  if (TORPOR__BROKEN(NEWS_FORGOTTEN)) return TORPOR_OK;
  return database->calls->news_add(database, run);
}

/* Changes 'head' and what belongs to it, within a transaction. */
typedef torpor_status change_fn(struct torpor__database *database, int64_t run,
                                struct torpor__head *head, const char *reason);

static torpor_status change_run(struct torpor__database *database, int64_t run,
                                int64_t now_ms, change_fn *change,
                                const char *reason) {
  struct torpor__head head;
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = database->calls->head_get(database, run, &head);
  if (status == TORPOR_OK && head.status != TORPOR__RUN_ACTIVE &&
      head.status != TORPOR__RUN_PARKED)
    status = torpor__database_fail(database, TORPOR_ENDED, NULL);
  if (status == TORPOR_OK) status = change(database, run, &head, reason);
  head.changed_ms = now_ms;
  if (status == TORPOR_OK)
    status = database->calls->head_put(database, run, &head);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  return status;
}

static torpor_status set_cancel(struct torpor__database *database, int64_t run,
                                struct torpor__head *head, const char *reason) {
  (void)reason;
  head->cancel = TORPOR__CANCEL_ALL;
  return torpor__request_tell(database, run);
}

static torpor_status put_reason(struct torpor__database *database, int64_t run,
                                const char *reason) {
  const struct torpor__exit row = {.reason = reason};
  torpor_status status = database->calls->exit_remove(database, run);
  if (status != TORPOR_OK) return status;
  return database->calls->exit_put(database, run, &row);
}

static torpor_status set_killed(struct torpor__database *database, int64_t run,
                                struct torpor__head *head, const char *reason) {
  if (!TORPOR__BROKEN(KILL_UNFENCED)) head->fence++;
  head->status = TORPOR__RUN_KILLED;
  head->cancel = 0;
  torpor_status status = database->calls->operation_clear(database, run);
  if (status == TORPOR_OK)
    status = database->calls->result_clear(database, run);
  if (status == TORPOR_OK) status = torpor__request_tell(database, run);
  return status == TORPOR_OK ? put_reason(database, run, reason) : status;
}

static torpor_status set_parked(struct torpor__database *database, int64_t run,
                                struct torpor__head *head, const char *reason) {
  if (head->status == TORPOR__RUN_PARKED) return TORPOR_OK;
  head->fence++;
  head->status = TORPOR__RUN_PARKED;
  return put_reason(database, run, reason);
}

static torpor_status set_active(struct torpor__database *database, int64_t run,
                                struct torpor__head *head, const char *reason) {
  (void)reason;
  if (head->status == TORPOR__RUN_ACTIVE) return TORPOR_OK;
  head->fence++;
  head->status = TORPOR__RUN_ACTIVE;
  head->attempts = 0;
  head->due_ms = 0;
  torpor_status status = torpor__request_tell(database, run);
  if (status != TORPOR_OK) return status;
  return database->calls->exit_remove(database, run);
}

torpor_status torpor__request_cancel(struct torpor__database *database,
                                     int64_t run, int64_t now_ms) {
  return change_run(database, run, now_ms, set_cancel, NULL);
}

torpor_status torpor__request_kill(struct torpor__database *database,
                                   int64_t run, int64_t now_ms) {
  return change_run(database, run, now_ms, set_killed, "killed by request");
}

torpor_status torpor__request_park(struct torpor__database *database,
                                   int64_t run, const char *reason,
                                   int64_t now_ms) {
  return change_run(database, run, now_ms, set_parked, reason);
}

torpor_status torpor__request_unpark(struct torpor__database *database,
                                     int64_t run, int64_t now_ms) {
  return change_run(database, run, now_ms, set_active, NULL);
}

/* ---- Before a run is worked ----------------------------------------------*/

/* A damaged head is no error here: reading the whole run will park it. */
static bool is_damage(torpor_status status) {
  return status == TORPOR_CORRUPT || status == TORPOR_FORMAT;
}

static torpor_status count_attempt(struct torpor__database *database,
                                   struct torpor__claim *claim, int64_t most,
                                   int64_t now_ms) {
  struct torpor__head head;
  char reason[96];
  claim->granted = true;
  claim->attempts = 0;
  torpor_status status = database->calls->head_get(database, claim->run, &head);
  if (status == TORPOR_NOT_FOUND) claim->granted = false;
  if (status == TORPOR_NOT_FOUND || is_damage(status))
    return database->calls->news_remove(database, claim->run, 0);
  if (status != TORPOR_OK) return status;
  claim->attempts = head.attempts;
  claim->due_ms = head.due_ms;
  claim->granted = head.status == TORPOR__RUN_ACTIVE && head.attempts < most;
  if (head.status != TORPOR__RUN_ACTIVE) /* what is new of it is history */
    return database->calls->news_remove(database, claim->run, 0);
  if (claim->granted) {
    head.attempts++;
    head.due_ms = 0;
  } else {
    head.changed_ms = now_ms;
    snprintf(reason, sizeof reason,
             "%lld attempts failed: each crashed its worker",
             (long long)head.attempts);
    status = set_parked(database, claim->run, &head, reason);
  }
  if (status != TORPOR_OK) return status;
  return database->calls->head_put(database, claim->run, &head);
}

torpor_status torpor__request_count_attempts(struct torpor__database *database,
                                             struct torpor__claim *claims,
                                             size_t count, int64_t most,
                                             int64_t now_ms) {
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  for (size_t i = 0; status == TORPOR_OK && i < count; i++)
    status = count_attempt(database, &claims[i], most, now_ms);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  return status;
}

static torpor_status return_attempt(struct torpor__database *database,
                                    const struct torpor__claim *claim) {
  struct torpor__head head;
  torpor_status status = database->calls->head_get(database, claim->run, &head);
  if (status != TORPOR_OK || head.status != TORPOR__RUN_ACTIVE) return status;
  if (head.attempts > 0) head.attempts--;
  head.due_ms = claim->due_ms;
  return database->calls->head_put(database, claim->run, &head);
}

torpor_status
torpor__request_return_attempt(struct torpor__database *database,
                               const struct torpor__claim *claim) {
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = return_attempt(database, claim);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  return status;
}
