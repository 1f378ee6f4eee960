/* SPDX-License-Identifier: MIT */
/* store.c - what anybody may do with a store: open it, look at what its runs
 * wait for and write, send them signals, ask them to end. Driving runs is
 * worker.c, making them add.c, listing them list.c.
 *
 * Each is one transaction, or only reads: workers, here or in other processes,
 * may run meanwhile.
 *
 * On the thread of the store. */
#define _GNU_SOURCE /* explicit_bzero */
#include "common/sized.h"
#include "run/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run/database/database-sqlite.h"
#include "run/input-check.h"
#include "run/protocol/protocol.h"
#include "run/protocol/signals.h"
#include "run/request.h"
#include "run/sweep.h"
#include "torpor-loop.h"

_Static_assert(TORPOR_RUN_ID_SIZE == TORPOR__RUN_ID_MAX + 1,
               "a run's id is as long for everybody");

static _Thread_local char open_error[TORPOR__DATABASE_MESSAGE_MAX];

int64_t torpor__store_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- The store -----------------------------------------------------------*/

static const char unknown_options[] =
    "the options have a size, or set a field, that this version does not know: "
    "start from their INIT macro";

torpor_status torpor__store_refuse_options(torpor_store *store) {
  return torpor__database_fail(store->database, TORPOR_MISUSE, "%s",
                               unknown_options);
}

torpor_status torpor_store_open(const char *path,
                                const torpor_store_options *options,
                                torpor_store **out) {
  torpor_store_options given = TORPOR_STORE_OPTIONS_INIT;
  *out = NULL;
  open_error[0] = '\0';
  if (options != NULL && !torpor__sized_take(&given, sizeof given, options)) {
    snprintf(open_error, sizeof open_error, "%s", unknown_options);
    return TORPOR_MISUSE;
  }
  torpor_store *store = calloc(1, sizeof *store);
  if (store == NULL) {
    snprintf(open_error, sizeof open_error, "out of memory");
    return TORPOR_NOMEM;
  }
  torpor_access_reserve(torpor_store_covers);
  store->keyed = given.key != NULL;
  if (store->keyed) memcpy(store->key, given.key, sizeof store->key);
  store->make_extension = given.make_extension;
  store->make_user = given.make_user;
  const struct torpor__database_options sqlite = {.path = path,
                                                  .vfs = given.vfs,
                                                  .read_only = given.read_only,
                                                  .must_exist =
                                                      given.must_exist,
                                                  .busy_ms = given.busy_ms};
  torpor_status status =
      torpor__sqlite_open(&sqlite, &store->database, open_error);
  if (status != TORPOR_OK) {
    free(store);
    return status;
  }
  if (!given.read_only) torpor__sweep_leftovers(store->database);
  store->path = strdup(torpor__sqlite_path(store->database));
  if (store->path == NULL) {
    torpor_store_close(store);
    snprintf(open_error, sizeof open_error, "out of memory");
    return TORPOR_NOMEM;
  }
  *out = store;
  return TORPOR_OK;
}

bool torpor_store_covers(const char *path) {
  return torpor__sqlite_covers(path);
}

void torpor_store_close(torpor_store *store) {
  if (store == NULL) return;
  store->database->calls->close(store->database);
  explicit_bzero(store->key, sizeof store->key);
  free(store->path);
  free(store);
}

const char *torpor_store_error(const torpor_store *store) {
  return store != NULL ? store->database->message : open_error;
}

bool torpor_store_exhausted(void) {
  return torpor__database_lacked_files();
}

/* ---- What a run is said to be --------------------------------------------*/

const char *torpor_run_state_name(torpor_run_state state) {
  static const char *const names[] = {
      [TORPOR_RUN_READY] = "ready",       [TORPOR_RUN_WAITING] = "waiting",
      [TORPOR_RUN_DONE] = "done",         [TORPOR_RUN_FAILED] = "failed",
      [TORPOR_RUN_DEADLOCK] = "deadlock", [TORPOR_RUN_KILLED] = "killed",
      [TORPOR_RUN_PARKED] = "parked",     [TORPOR_RUN_DAMAGED] = "damaged"};
  return (unsigned)state < sizeof names / sizeof names[0] ? names[state]
                                                          : "unknown";
}

torpor_run_state torpor__store_state(const struct torpor__head *head) {
  if (head->damaged) return TORPOR_RUN_DAMAGED;
  switch (head->status) {
  case TORPOR__RUN_DONE:
    return TORPOR_RUN_DONE;
  case TORPOR__RUN_FAILED:
    return TORPOR_RUN_FAILED;
  case TORPOR__RUN_DEADLOCKED:
    return TORPOR_RUN_DEADLOCK;
  case TORPOR__RUN_KILLED:
    return TORPOR_RUN_KILLED;
  case TORPOR__RUN_PARKED:
    return TORPOR_RUN_PARKED;
  default:
    return head->step == head->start || head->runnable ? TORPOR_RUN_READY
                                                       : TORPOR_RUN_WAITING;
  }
}

/* ---- Asking something of a run -------------------------------------------*/

torpor_status torpor_run_mail_drop(torpor_store *store, const char *id,
                                   int64_t number) {
  struct torpor__database *database = store->database;
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status == TORPOR_OK) status = database->calls->lock(database, run);
  if (status == TORPOR_LOCKED)
    return torpor__database_fail(
        database, status,
        "a worker drives the run, and may be handing the "
        "signal over; stop it first");
  if (status != TORPOR_OK) return status;
  status = torpor__signals_drop(database, run, number);
  database->calls->unlock(database, run);
  return status;
}

torpor_status torpor_run_signal(torpor_store *store, const char *id,
                                const char *name, const uint8_t *data,
                                size_t size) {
  static const uint8_t nothing[] = {0xf7}; /* CBOR: undefined */
  struct torpor__database *database = store->database;
  const torpor_slice value = {.data = data != NULL ? data : nothing,
                              .size = data != NULL ? size : 1};
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  status = torpor__input_check_name(database, name);
  if (status == TORPOR_OK && value.size <= TORPOR__SIGNAL_SIZE_MAX)
    status = torpor__input_check(database, value, 0, "the value of the signal");
  if (status != TORPOR_OK) return status;
  return torpor__signals_send(database, run, name, value, torpor__store_now());
}

torpor_status torpor_run_cancel(torpor_store *store, const char *id,
                                bool kill) {
  struct torpor__database *database = store->database;
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  return kill ? torpor__request_kill(database, run, torpor__store_now())
              : torpor__request_cancel(database, run, torpor__store_now());
}

torpor_status torpor_run_unpark(torpor_store *store, const char *id) {
  struct torpor__database *database = store->database;
  int64_t run;
  torpor_status status = database->calls->run_find(database, id, &run);
  if (status != TORPOR_OK) return status;
  return torpor__request_unpark(database, run, torpor__store_now());
}
