/* SPDX-License-Identifier: MIT */
/* protocol-state.h - what the two halves of the protocol share: protocol.c,
 * which decides, and protocol-rows.c below it, which puts decisions into rows.
 *
 *  (1) protocol-rows.c changes no field but 'next', 'lost', 'parked', what an
 *      arrival was written as, and what a claim loads. A rollback undoes all of
 *      it.
 *
 * Runs on the worker's thread. */
#ifndef TORPOR_RUN_PROTOCOL_STATE_H
#define TORPOR_RUN_PROTOCOL_STATE_H

#include "run/protocol/protocol.h"
#include "run/protocol/results.h"
#include "run/protocol/signals.h"

enum {
  TORPOR__REASON_MAX = 256,
  TORPOR__KINDS_MAX = 8 /* kinds that are remembered to be in the store */
};

struct torpor__protocol {
  struct torpor__database *database;
  int64_t run;
  char id[TORPOR__RUN_ID_MAX + 1];
  const struct torpor__drivers *drivers;
  int64_t attempts_max;
  uint64_t keep;       /* states that stay */
  uint64_t keep_lines; /* and console lines */
  int64_t whole; /* every state is whole from this step on; 0: not known */

  enum torpor__phase phase;
  struct torpor__head head; /* as committed */
  struct torpor__head next; /* as the open transaction will leave it */
  bool in_flush;            /* has written to that transaction */
  bool lost;                /* found out in it that it is another's */
  bool parked;              /* found out in it that its rows cannot be used */

  bool suspect;   /* it may be this run that ended earlier workers */
  bool counted;   /* the store counts the next delivery as an attempt already */
  bool returning; /* the next flush takes that attempt back */
  bool forgetting; /* and all attempts before it */
  bool stale;      /* the store has news, or another head */
  int64_t heard;   /* number of the news that was heard of; 0: none */
  int64_t noted;   /* the same, once it was read: the next flush removes it */
  bool unusable;   /* what the store has of it cannot be used: 'reason' */
  char reason[TORPOR__REASON_MAX]; /* why the last attempt failed */

  struct torpor__results results;
  struct torpor__signals signals;
  struct torpor__delivery *deliveries;
  size_t delivery_count;
  size_t delivery_capacity;

  struct torpor__step *step; /* in phase STAGED */
  char **topics;             /* copies for 'step->begun', owned */
  size_t topic_count;

  char kinds[TORPOR__KINDS_MAX][TORPOR_KIND_LARGEST + 1];
  size_t kind_count;

  struct torpor__operation *woken; /* to be started once claimed; 'kind' owns
                                      the block that holds the whole row */
  size_t woken_count;
  size_t woken_capacity;
};

/* The idempotency key of an operation that is begun now. */
void torpor__protocol_key(const struct torpor__protocol *p, uint64_t operation,
                          char key[TORPOR__KEY_MAX]);

/* After the commit of a step: its kinds need not be written again. */
void torpor__protocol_learn_kinds(struct torpor__protocol *p);

/* Forgets the rows that a claim has loaded to start their drivers. */
void torpor__protocol_forget_woken(struct torpor__protocol *p);

/* Reads the head into 'head'; FENCED when the run is not ours any more. */
torpor_status torpor__protocol_read_head(struct torpor__protocol *p,
                                         struct torpor__head *head);

/* Whether anything can be delivered that was received, or sent. */
bool torpor__protocol_has_arrivals(const struct torpor__protocol *p);

/* When the run needs a worker if 'head' is what the store has of it: 0 when it
 * has something to do, or is at work; TORPOR__NEVER when it only waits to be
 * told something. */
int64_t torpor__protocol_due(const struct torpor__protocol *p,
                             const struct torpor__head *head);

/* Takes in what is new in the store: results and signals. */
torpor_status torpor__protocol_read_arrivals(struct torpor__protocol *p);

/* Writes what the run has ready into the open transaction. When it is another's
 * or others have changed its head (FENCED), or its rows cannot be used, what
 * was written of it is there still: the transaction must be rolled back, and
 * written again with savepoints. */
torpor_status torpor__protocol_write_bare(struct torpor__protocol *p,
                                          int64_t now_ms);

/* The same in a savepoint of its own. OK also when it turned out to be
 * another's: then 'lost' is set and nothing of it is written; and when its rows
 * cannot be used: then 'parked' is set, and nothing but that is written. */
torpor_status torpor__protocol_write(struct torpor__protocol *p,
                                     int64_t now_ms);

#endif
