/* SPDX-License-Identifier: MIT */
/* sqlite-database.h - a store in a folder of its own, under the system's one
 * for such things, with real files. */
#ifndef TORPOR_TEST_SQLITE_DATABASE_H
#define TORPOR_TEST_SQLITE_DATABASE_H

#include "run/database/database-sqlite-state.h"

extern char store_folder[64];
extern char store_path[96];
extern char store_message[TORPOR__DATABASE_MESSAGE_MAX]; /* of 'store_try' */

/* What goes around each test. */
int store_make_folder(void **state);
int store_remove_folder(void **state);

torpor_status store_try(struct torpor__database **database, int busy_ms);
/* Fails the test when it cannot be opened. */
struct torpor__database *store_open(void);
void store_close(struct torpor__database *database);

/* A run of two files, "main.mjs" with three bytes and "other.mjs" with none. */
torpor_status store_add_run(struct torpor__database *database, const char *id,
                            int64_t *run);

/* Begins a transaction that may write rows of 'run'; and ends it. */
void store_begin(struct torpor__database *database, int64_t run);
void store_commit(struct torpor__database *database, int64_t run);

/* Runs SQL on the file behind the store's back. */
void store_sql(const char *sql);

#define IN_FOLDER(test)                                                        \
  cmocka_unit_test_setup_teardown(test, store_make_folder, store_remove_folder)

#endif
