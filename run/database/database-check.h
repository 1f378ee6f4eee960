/* SPDX-License-Identifier: MIT */
/* database-check.h - test builds assert what database.h promises.
 *
 * A layer between a database and its callers: the calls are passed on, and what
 * has to hold before and after each of them is asserted. Elsewhere there is no
 * such layer.
 *
 * On the thread of the database. */
#ifndef TORPOR_RUN_DATABASE_CHECK_H
#define TORPOR_RUN_DATABASE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct torpor__database;
struct torpor__database_calls;

/* What the layer asks the database below it. */
struct torpor__database_facts {
  /* Whether 'run' is locked by way of this database. */
  bool (*holds)(const struct torpor__database *database, int64_t run);
  /* Whether no statement is active, and a transaction is open or not as 'open'
   * says. NULL: not to be asked. */
  bool (*rests)(const struct torpor__database *database, bool open);
};

#ifdef TORPOR_TESTING

/* Part of each database. */
struct torpor__database_check {
  const struct torpor__database_calls *calls; /* of the database below */
  const struct torpor__database_facts *facts;
  bool open;     /* a transaction */
  bool viewing;  /* one that only reads */
  bool saved;    /* and a savepoint in it */
  bool failed;   /* only rolling back, or reverting, may follow */
  bool visiting; /* a visitor is running */
  int64_t made_first, made_last; /* runs that the transaction has made */
};

/* Puts the layer over a database that was just opened. */
void torpor__database_check(struct torpor__database *database,
                            const struct torpor__database_facts *facts);

/* Whether rows of a run may be written without its lock, by tests that are
 * about rows alone. For all threads; false at first. */
void torpor__database_check_unlocked(bool allowed);

#else

static inline void
torpor__database_check(struct torpor__database *database,
                       const struct torpor__database_facts *facts) {
  (void)database;
  (void)facts;
}

#endif

#endif
