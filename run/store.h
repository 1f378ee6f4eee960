/* SPDX-License-Identifier: MIT */
/* store.h - what a torpor_store is: a database, and perhaps a key. */
#ifndef TORPOR_RUN_STORE_H
#define TORPOR_RUN_STORE_H

#include "run/database/database.h"
#include "torpor-run.h"

struct torpor_store {
  struct torpor__database *database;
  char *path;   /* where its file lies, links followed */
  int64_t held; /* a run that was made here and has its lock, for a worker of
                   this store; 0: none */
  torpor_make_extension_fn make_extension; /* may be NULL */
  void *make_user;
  bool keyed; /* states are encrypted with the key below */
  uint8_t key[TORPOR_KEY_SIZE];
};

/* Wall-clock milliseconds since 1970. */
int64_t torpor__store_now(void);

/* "re-arm", "repeat", "reattach" or "reject". */
const char *torpor__store_policy(enum torpor__policy policy);

/* Writes the id of a new run, TORPOR_RUN_ID_SIZE bytes: 'wanted', or one that
 * is made when that is NULL. OK, MISUSE (too long), IO. */
torpor_status torpor__store_choose_id(torpor_store *store, const char *wanted,
                                      char *id);

/* MISUSE, and the store's sentence: a struct of the caller's has a size, or
 * sets a field, that this version does not know. */
torpor_status torpor__store_refuse_options(torpor_store *store);

/* What a run with this head is said to be. */
torpor_run_state torpor__store_state(const struct torpor__head *head);

#endif
