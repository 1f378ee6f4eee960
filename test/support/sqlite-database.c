/* SPDX-License-Identifier: MIT */
/* sqlite-database.c - a store in a folder of its own. See sqlite-database.h. */
#include "test/support/sqlite-database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/request.h"

char store_folder[64];
char store_path[96];
char store_message[TORPOR__DATABASE_MESSAGE_MAX];

int store_make_folder(void **state) {
  (void)state;
  strcpy(store_folder, "/tmp/torpor-store-XXXXXX");
  if (mkdtemp(store_folder) == NULL) return -1;
  snprintf(store_path, sizeof store_path, "%s/store.db", store_folder);
  return 0;
}

int store_remove_folder(void **state) {
  (void)state;
  DIR *files = opendir(store_folder);
  if (files == NULL) return -1;
  for (struct dirent *file; (file = readdir(files)) != NULL;)
    unlinkat(dirfd(files), file->d_name, 0);
  closedir(files);
  return rmdir(store_folder);
}

torpor_status store_try(struct torpor__database **database, int busy_ms) {
  const struct torpor__database_options options = {.path = store_path,
                                                   .busy_ms = busy_ms};
  return torpor__sqlite_open(&options, database, store_message);
}

struct torpor__database *store_open(void) {
  struct torpor__database *database;
  torpor_status status = store_try(&database, 0);
  if (status != TORPOR_OK) fail_msg("%s", store_message);
  return database;
}

void store_close(struct torpor__database *database) {
  database->calls->close(database);
}

torpor_status store_add_run(struct torpor__database *database, const char *id,
                            int64_t *run) {
  const struct torpor__run row = {.id = id,
                                  .program = "main.mjs",
                                  .access = "read=data",
                                  .input = {.data = "\x01", .size = 1},
                                  .engine = {.data = "engine", .size = 6},
                                  .memory_max = UINT64_MAX,
                                  .fuel = 2,
                                  .deadline_ms = 3,
                                  .created_ms = 4};
  const struct torpor__file files[] = {
      {.name = "main.mjs", .source = {.data = "1+2", .size = 3}},
      {.name = "other.mjs", .source = {.data = NULL, .size = 0}}};
  return torpor__request_create(database, &row, files, 2, false, run);
}

void store_begin(struct torpor__database *database, int64_t run) {
  assert_int_equal(database->calls->lock(database, run), TORPOR_OK);
  assert_int_equal(database->calls->begin(database), TORPOR_OK);
}

void store_commit(struct torpor__database *database, int64_t run) {
  assert_int_equal(database->calls->commit(database), TORPOR_OK);
  database->calls->unlock(database, run);
}

void store_sql(const char *sql) {
  char command[512];
  struct torpor__database *database = store_open();
  snprintf(command, sizeof command, "%s", sql);
  assert_int_equal(
      torpor__sqlite_exec((struct torpor__sqlite *)database, command),
      TORPOR_OK);
  store_close(database);
}
