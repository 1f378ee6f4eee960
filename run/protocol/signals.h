/* SPDX-License-Identifier: MIT */
/* signals.h - signals to runs: kept until someone waits for them.
 *
 *   send ──► row ──refresh──► free ──match──► held for what waits
 *                              ▲                 │         │
 *                              └───give_back─────┘       take ──► gone
 *
 * A message is in the database from when it was sent until the commit that
 * consumes it. A struct torpor__signals is what a worker knows of them: the
 * messages of one run, in the order in which the database got them.
 *
 *  (1) 'match' alone gives messages to operations that wait: to the one that
 *      asks, the oldest free message of its topic. protocol.c asks for the
 *      oldest operation first.
 *  (2) A message that is held for an operation which is then cancelled goes
 *      back to its old place in the order.
 *  (3) 'take' comes after a durable commit. A crash before that loses nothing:
 *      the database still has the message.
 *
 * No SQL, no clock, no I/O but through the database. */
#ifndef TORPOR_RUN_SIGNALS_H
#define TORPOR_RUN_SIGNALS_H

#include "run/database/database.h"

enum {
  TORPOR__SIGNAL_COUNT_MAX = 10000, /* messages waiting in one run */
  TORPOR__SIGNAL_SIZE_MAX = 1 << 20 /* bytes of one message's value */
};

struct torpor__message {
  int64_t sequence; /* first: messages are compared by it */
  void *value;
  size_t size;
};

struct torpor__queue; /* the messages of one topic */

/* Zeroed is empty. */
struct torpor__signals {
  struct torpor__queue **buckets; /* by the hash of their topics */
  size_t bucket_count;            /* a power of two, or 0 */
  size_t queue_count;
  size_t count; /* of messages */
  int64_t last; /* highest sequence ever put; 0: none */
};

/* Sends a message to an active run, durably; any process may. OK, NOT_FOUND,
 * ENDED, LIMIT (topic or value too long, too many messages) or what the
 * database says; then nothing was sent. */
torpor_status torpor__signals_send(struct torpor__database *database,
                                   int64_t run, const char *topic,
                                   torpor_slice value, int64_t now_ms);

/* Removes a message of a run whose lock the caller holds, so that no worker is
 * handing it over. OK, NOT_FOUND, or what the database says. */
torpor_status torpor__signals_drop(struct torpor__database *database,
                                   int64_t run, int64_t sequence);

/* Adds messages that are new in the database to 'signals'. OK, NOMEM or what
 * the database says; those read until then stay. */
torpor_status torpor__signals_refresh(struct torpor__signals *signals,
                                      struct torpor__database *database,
                                      int64_t run);

/* The oldest free message of 'topic', now held, or NULL. It is valid until
 * 'signals' changes, its value until it is taken. */
const struct torpor__message *
torpor__signals_match(struct torpor__signals *signals, const char *topic);

/* Whether 'match' would find one. */
bool torpor__signals_has(const struct torpor__signals *signals,
                         const char *topic);

/* Frees every message that is held, so that others may match it. */
void torpor__signals_give_back(struct torpor__signals *signals);

/* Forgets a message of 'topic' that a durable commit has consumed. */
void torpor__signals_take(struct torpor__signals *signals, const char *topic,
                          int64_t sequence);

/* Forgets everything. */
void torpor__signals_clear(struct torpor__signals *signals);

#ifdef TORPOR_TESTING
/* Asserts what signals.c promises; gives how many messages are held. */
size_t torpor__signals_check(const struct torpor__signals *signals);
#endif

#endif
