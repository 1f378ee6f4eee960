/* SPDX-License-Identifier: MIT */
/* request.h - what can be done to a run without being its worker: making it,
 * cancelling, killing, parking and unparking it, and counting the attempts to
 * work it.
 *
 *  (1) Each is one transaction, durable when it returns OK; else nothing has
 *      changed.
 *  (2) None takes the run's lock: its worker is told by news, and notices by
 *      the fence (kill, park, unpark), or when it next reads the head
 *      (cancel).
 *
 * No SQL, no clock, no I/O but through the database. On its thread. */
#ifndef TORPOR_RUN_REQUEST_H
#define TORPOR_RUN_REQUEST_H

#include "run/database/database.h"

struct torpor__file {
  const char *name;
  torpor_slice source;
  torpor_slice hash; /* of the source; only where a database is read */
};

/* Whether a new run may have this id: OK, or LIMIT with a sentence. */
torpor_status torpor__request_check_id(struct torpor__database *database,
                                       const char *id);

/* Makes a run of 'row' and its program's files. OK, EXISTS, or LIMIT when the
 * id is empty, too long, or has other than letters, digits, '.', '_', '-'.
 * 'hold': it has the run's lock before others can see the run. */
torpor_status torpor__request_create(struct torpor__database *database,
                                     const struct torpor__run *row,
                                     const struct torpor__file *files,
                                     size_t file_count, bool hold,
                                     int64_t *run);

/* The same within a transaction of the caller's, who may make others in it. */
torpor_status torpor__request_add(struct torpor__database *database,
                                  const struct torpor__run *row,
                                  const struct torpor__file *files,
                                  size_t file_count, int64_t *run);

/* Adds news of a run, within the transaction that writes what it is about. */
torpor_status torpor__request_tell(struct torpor__database *database,
                                   int64_t run);

/* Asks its worker to reject what is pending. OK, NOT_FOUND, ENDED. */
torpor_status torpor__request_cancel(struct torpor__database *database,
                                     int64_t run, int64_t now_ms);

/* Ends the run, whatever its worker does. OK, NOT_FOUND, ENDED. */
torpor_status torpor__request_kill(struct torpor__database *database,
                                   int64_t run, int64_t now_ms);

/* Parks a run that cannot be worked, with the reason. OK, also for one that is
 * parked already; NOT_FOUND, ENDED. */
torpor_status torpor__request_park(struct torpor__database *database,
                                   int64_t run, const char *reason,
                                   int64_t now_ms);

/* A run that is to be worked. */
struct torpor__claim {
  int64_t run;
  int64_t attempts; /* counted before, by workers that are gone */
  int64_t due_ms;   /* before that, too */
  bool quiet;       /* nobody waits to hear how it ended */
  bool granted;     /* to be worked; else it is not active, or was parked now */
};

/* Counts an attempt for each of 'count' runs, whose locks are held, in one
 * transaction: before anything of them is read that might crash the worker. A
 * run with 'most' attempts is parked instead. Of one that is not active the
 * news goes. One whose head is damaged is passed over: reading it will park
 * it. */
torpor_status torpor__request_count_attempts(struct torpor__database *database,
                                             struct torpor__claim *claims,
                                             size_t count, int64_t most,
                                             int64_t now_ms);
/* Takes one back, for a run that cannot be worked here. OK, also when it is not
 * active any more. */
torpor_status torpor__request_return_attempt(struct torpor__database *database,
                                             const struct torpor__claim *claim);

/* Makes a parked run active again, with no attempts counted; OK also for one
 * that is active. OK, NOT_FOUND, ENDED. */
torpor_status torpor__request_unpark(struct torpor__database *database,
                                     int64_t run, int64_t now_ms);

#endif
