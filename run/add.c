/* SPDX-License-Identifier: MIT */
/* add.c - making runs: one, or many of one program in one transaction.
 *
 * What is wrong with options, program or inputs is found before anything is
 * written.
 *
 * On the thread of the store. */
#define _GNU_SOURCE /* getrandom */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/sized.h"
#include "run/input-check.h"
#include "run/request.h"
#include "run/state/extension.h"
#include "run/state/program.h"
#include "run/store.h"

/* ---- Ids -----------------------------------------------------------------*/

/* A new id: ten characters that are easy to read aloud and to type. */
static torpor_status make_id(struct torpor__database *database, char *id) {
  static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 */
  uint8_t random[10];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return torpor__database_fail(database, TORPOR_IO,
                                 "no random bytes for an id");
  for (size_t i = 0; i < sizeof random; i++) id[i] = letters[random[i] % 32];
  id[sizeof random] = '\0';
  return TORPOR_OK;
}

torpor_status torpor__store_choose_id(torpor_store *store, const char *wanted,
                                      char *id) {
  if (wanted == NULL) return make_id(store->database, id);
  if (strlen(wanted) >= TORPOR_RUN_ID_SIZE)
    return torpor__database_fail(store->database, TORPOR_MISUSE,
                                 "a run's id has at most %d characters",
                                 TORPOR_RUN_ID_SIZE - 1);
  strcpy(id, wanted);
  return TORPOR_OK;
}

/* The id of number 'at' of a batch, which are called after 'wanted'. */
static torpor_status number_id(torpor_store *store, const char *wanted,
                               uint64_t number, char *id) {
  char numbered[TORPOR_RUN_ID_SIZE + 24];
  if (wanted == NULL) return make_id(store->database, id);
  int size = snprintf(numbered, sizeof numbered, "%.*s-%" PRIu64,
                      TORPOR_RUN_ID_SIZE, wanted, number);
  if (size < (int)sizeof numbered)
    return torpor__store_choose_id(store, numbered, id);
  return torpor__store_choose_id(store, wanted, id);
}

/* ---- What runs are made of -----------------------------------------------*/

/* Options that were taken in, with what they refer to. */
struct making {
  torpor_store *store;
  torpor_run_options given;
  torpor_access *access;
  struct torpor__program program;
  struct torpor__run row; /* but for id and input */
};

static void end_making(struct making *making) {
  torpor__program_free(&making->program);
  torpor_access_close(making->access);
}

static torpor_status read_access(struct making *making) {
  const char *text = making->given.access;
  if (text == NULL) return TORPOR_OK;
  torpor_status status =
      torpor_access_read(text, strlen(text), &making->access);
  return status == TORPOR_OK
             ? status
             : torpor__database_fail(making->store->database, status,
                                     "the access that is granted is damaged");
}

static torpor_status read_program(struct making *making) {
  const struct torpor__program *program = &making->program;
  struct torpor__program extensions = {0};
  torpor_status status =
      torpor__extension_read(making->store, making->given.extensions,
                             making->given.extension_count, &extensions);
  if (status != TORPOR_OK) return status;
  status = torpor__program_read(&making->program, making->given.file,
                                making->access, &extensions);
  torpor__program_free(&extensions);
  if (status == TORPOR_OK) return status;
  return torpor__database_pass_on(making->store->database, status,
                                  program->message, program->lacked_files);
}

static void fill_row(struct making *making) {
  const torpor_run_options *given = &making->given;
  const char *engine = torpor_engine_id();
  making->row = (struct torpor__run){
      .program = making->program.files[0].name,
      .access = given->access != NULL ? given->access : "",
      .engine = {.data = engine, .size = strlen(engine)},
      .memory_max = given->memory_max,
      .fuel = given->fuel,
      .deadline_ms = given->deadline_ms,
      .created_ms = torpor__store_now(),
      .keep = given->keep != 0 ? given->keep : TORPOR_RUN_KEEP,
      .keep_lines =
          given->keep_lines != 0 ? given->keep_lines : TORPOR_RUN_KEEP_LINES};
}

static torpor_status begin_making(struct making *making, torpor_store *store,
                                  const torpor_run_options *options) {
  *making = (struct making){.store = store, .given = TORPOR_RUN_OPTIONS_INIT};
  if (options == NULL ||
      !torpor__sized_take(&making->given, sizeof making->given, options))
    return torpor__store_refuse_options(store);
  if (making->given.file == NULL)
    return torpor__database_fail(store->database, TORPOR_MISUSE,
                                 "name the main module of the run");
  torpor_status status = read_access(making);
  if (status == TORPOR_OK) status = read_program(making);
  if (status == TORPOR_OK) fill_row(making);
  return status;
}

static torpor_status check_input(const struct making *making,
                                 torpor_slice input) {
  if (input.size == 0) return TORPOR_OK;
  return torpor__input_check(making->store->database, input,
                             making->given.memory_max, "the input");
}

/* ---- One -----------------------------------------------------------------*/

/* Only one is held: the one before is free from now on. */
static void hold_run(torpor_store *store, int64_t run) {
  struct torpor__database *database = store->database;
  if (store->held != 0) database->calls->unlock(database, store->held);
  store->held = run;
}

torpor_status torpor_run_add(torpor_store *store,
                             const torpor_run_options *options, char *id) {
  struct making making;
  int64_t run;
  torpor_status status = begin_making(&making, store, options);
  const torpor_slice input = {.data = making.given.input,
                              .size = making.given.input_size};
  if (status == TORPOR_OK)
    status = torpor__store_choose_id(store, making.given.id, id);
  if (status == TORPOR_OK) status = check_input(&making, input);
  if (status == TORPOR_OK) {
    making.row.id = id;
    making.row.input = input;
    status = torpor__request_create(store->database, &making.row,
                                    making.program.files, making.program.count,
                                    making.given.hold, &run);
  }
  if (status == TORPOR_OK && making.given.hold) hold_run(store, run);
  end_making(&making);
  return status;
}

/* ---- Many ----------------------------------------------------------------*/

typedef char run_id[TORPOR_RUN_ID_SIZE];

static torpor_status write_batch(struct making *making,
                                 const torpor_run_batch *batch, run_id *ids) {
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < batch->count; i++) {
    int64_t run;
    status =
        number_id(making->store, making->given.id, batch->first + i, ids[i]);
    making->row.id = ids[i];
    making->row.input = batch->inputs[i];
    if (status == TORPOR_OK)
      status = torpor__request_add(making->store->database, &making->row,
                                   making->program.files, making->program.count,
                                   &run);
  }
  return status;
}

static torpor_status make_batch(struct making *making,
                                const torpor_run_batch *batch, run_id *ids) {
  struct torpor__database *database = making->store->database;
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = write_batch(making, batch, ids);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  return status;
}

torpor_status torpor_run_add_many(torpor_store *store,
                                  const torpor_run_options *options,
                                  const torpor_run_batch *batch,
                                  torpor_run_made_fn made, void *user) {
  torpor_run_batch given = TORPOR_RUN_BATCH_INIT;
  struct making making;
  if (batch == NULL || !torpor__sized_take(&given, sizeof given, batch))
    return torpor__store_refuse_options(store);
  if (given.count > TORPOR_RUN_BATCH_LARGEST)
    return torpor__database_fail(store->database, TORPOR_LIMIT,
                                 "at most %d runs are made at once",
                                 TORPOR_RUN_BATCH_LARGEST);
  run_id *ids = malloc((given.count + 1) * sizeof *ids);
  if (ids == NULL)
    return torpor__database_fail(store->database, TORPOR_NOMEM, NULL);
  torpor_status status = begin_making(&making, store, options);
  for (size_t i = 0; status == TORPOR_OK && i < given.count; i++)
    status = check_input(&making, given.inputs[i]);
  if (status == TORPOR_OK) status = make_batch(&making, &given, ids);
  for (size_t i = 0; status == TORPOR_OK && made != NULL && i < given.count;
       i++)
    made(user, ids[i]);
  end_making(&making);
  free(ids);
  return status;
}
