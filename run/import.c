/* SPDX-License-Identifier: MIT */
/* import.c - making a run from a file that export.c wrote.
 *
 *  (1) The file is hostile. The snapshot is checked by restoring it, and saved
 *      again from the VM, which also says what it waits for. All that is used
 *      of the map is checked here.
 *  (2) An imported run may access what its importer grants, and nothing else.
 *      Its limits are at most the defaults, or what its importer says.
 *  (3) The map tells of an operation only where it was begun (its key), its
 *      policy, and its result if there is one. An operation that the map does
 *      not have is not repeated.
 *
 * On the thread of the store. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cbor.h"
#include "common/search.h"
#include "common/sized.h"
#include "run/checkpoint.h"
#include "run/fault.h"
#include "run/input-check.h"
#include "run/protocol/protocol.h"
#include "run/request.h"
#include "run/state/extension.h"
#include "run/state/operation.h"
#include "run/state/state-chain.h"
#include "run/upgrade-state.h"
#include "torpor-loop.h"

enum { FILES_MAX = 10000, NAME_MAX_BYTES = 4096 };

#define BRANCH_LARGEST INT64_C(0x7fffffff)
#define STEP_LARGEST (INT64_C(1) << 52)

/* ---- reading the map -----------------------------------------------------*/

struct known {
  int64_t id, branch; /* the id first: they are compared by it */
  char origin[TORPOR__RUN_ID_MAX + 1];
  enum torpor__policy policy;
  int64_t begun_step;
};

struct imported {
  torpor_store *store;
  torpor_bytes section;
  char *id, *program; /* owned */
  torpor_slice input, upgrade;
  int64_t version, created, step, branch, memory_max, fuel, deadline,
      keep_lines;
  bool runnable;
  struct torpor__file *files; /* names are owned */
  size_t file_count;
  struct known *known; /* by rising id */
  size_t known_count;
  struct torpor__result *results; /* 'branch' is that of the operation */
  size_t result_count;
  struct torpor__new_branch new; /* what is made of it */
  bool no_memory;
};

static void free_imported(struct imported *run) {
  torpor__branch_free(&run->new);
  for (size_t i = 0; i < run->file_count; i++) free((char *)run->files[i].name);
  free(run->files);
  free(run->known);
  free(run->results);
  free(run->id);
  free(run->program);
  torpor_bytes_free(&run->section);
}

/* A copy that ends with a zero byte; at most 'largest' bytes long. */
static char *take_text(struct imported *run, torpor__cbor_reader *reader,
                       size_t largest) {
  torpor_slice text = torpor__cbor_get_text(reader);
  if (text.size > largest) reader->bad = true;
  if (reader->bad) return NULL;
  char *copy = malloc(text.size + 1);
  if (copy == NULL) {
    run->no_memory = reader->bad = true;
    return NULL;
  }
  memcpy(copy, text.data, text.size);
  copy[text.size] = '\0';
  return copy;
}

static void take_again(struct imported *run, torpor__cbor_reader *reader,
                       size_t largest, char **text) {
  free(*text);
  *text = take_text(run, reader, largest);
}

static void take_files(struct imported *run, torpor__cbor_reader *reader) {
  size_t count = torpor__cbor_get_array(reader);
  if (count > FILES_MAX || run->files != NULL) reader->bad = true;
  if (reader->bad) return;
  run->files = calloc(count + 1, sizeof *run->files);
  if (run->files == NULL) {
    run->no_memory = reader->bad = true;
    return;
  }
  for (size_t i = 0; i < count && !reader->bad; i++) {
    if (torpor__cbor_get_array(reader) != 2) reader->bad = true;
    char *name = take_text(run, reader, NAME_MAX_BYTES);
    if (name == NULL) return;
    run->files[run->file_count++] = (struct torpor__file){
        .name = name, .source = torpor__cbor_get_bytes(reader)};
  }
}

static bool read_digits(const char **at, int64_t largest, int64_t *number) {
  const char *start = *at;
  *number = 0;
  for (; **at >= '0' && **at <= '9'; ++*at) {
    int digit = **at - '0';
    if (*number > (largest - digit) / 10) return false;
    *number = *number * 10 + digit;
  }
  return *at > start;
}

/* "run/branch/operation" */
static bool read_key(torpor_slice key, struct known *known) {
  char text[TORPOR__KEY_MAX];
  int64_t id;
  if (key.size >= sizeof text) return false;
  memcpy(text, key.data, key.size);
  text[key.size] = '\0';
  size_t origin = strcspn(text, "/");
  if (origin == 0 || origin > TORPOR__RUN_ID_MAX || text[origin] == '\0')
    return false;
  memcpy(known->origin, text, origin);
  known->origin[origin] = '\0';
  if (!torpor__database_is_id(known->origin)) return false;
  const char *at = text + origin + 1;
  return read_digits(&at, BRANCH_LARGEST, &known->branch) && *at++ == '/' &&
         read_digits(&at, INT64_MAX, &id) && *at == '\0' && id == known->id;
}

static void take_known(torpor__cbor_reader *reader, struct known *known) {
  torpor_slice key = {.data = "", .size = 0};
  size_t pairs = torpor__cbor_get_map(reader);
  int64_t policy = TORPOR__POLICY_COUNT;
  for (size_t i = 0; i < pairs && !reader->bad; i++) {
    torpor_slice name = torpor__cbor_get_text(reader);
    if (torpor__slice_is(name, "id"))
      known->id = torpor__cbor_get_integer(reader);
    else if (torpor__slice_is(name, "key"))
      key = torpor__cbor_get_text(reader);
    else if (torpor__slice_is(name, "policy"))
      policy = torpor__cbor_get_integer(reader);
    else if (torpor__slice_is(name, "begun_step"))
      known->begun_step = torpor__cbor_get_integer(reader);
    else
      torpor__cbor_get_past(reader);
  }
  if (reader->bad || policy < 0 || policy >= TORPOR__POLICY_COUNT ||
      known->id < 1 || known->begun_step < 1 || !read_key(key, known))
    reader->bad = true;
  else
    known->policy = (enum torpor__policy)policy;
}

static void take_operations(struct imported *run, torpor__cbor_reader *reader) {
  size_t count = torpor__cbor_get_array(reader);
  if (count > TORPOR__OPERATIONS_MAX || run->known != NULL) reader->bad = true;
  if (reader->bad) return;
  run->known = calloc(count + 1, sizeof *run->known);
  if (run->known == NULL) {
    run->no_memory = reader->bad = true;
    return;
  }
  for (size_t i = 0; i < count && !reader->bad; i++) {
    take_known(reader, &run->known[i]);
    if (i > 0 && run->known[i].id <= run->known[i - 1].id) reader->bad = true;
  }
  run->known_count = count;
}

static void take_result(torpor__cbor_reader *reader,
                        struct torpor__result *result) {
  size_t pairs = torpor__cbor_get_map(reader);
  int64_t id = 0, outcome = TORPOR__OUTCOME_COUNT;
  for (size_t i = 0; i < pairs && !reader->bad; i++) {
    torpor_slice name = torpor__cbor_get_text(reader);
    if (torpor__slice_is(name, "operation"))
      id = torpor__cbor_get_integer(reader);
    else if (torpor__slice_is(name, "outcome"))
      outcome = torpor__cbor_get_integer(reader);
    else if (torpor__slice_is(name, "value"))
      result->value = torpor__cbor_get_bytes(reader);
    else
      torpor__cbor_get_past(reader);
  }
  if (reader->bad || id < 1 || outcome < 0 || outcome >= TORPOR__OUTCOME_COUNT)
    reader->bad = true;
  else
    result->outcome = (enum torpor__outcome)outcome;
  result->operation = (uint64_t)id;
}

static void take_results(struct imported *run, torpor__cbor_reader *reader) {
  size_t count = torpor__cbor_get_array(reader);
  if (count > TORPOR__OPERATIONS_MAX || run->results != NULL)
    reader->bad = true;
  if (reader->bad) return;
  run->results = calloc(count + 1, sizeof *run->results);
  if (run->results == NULL) {
    run->no_memory = reader->bad = true;
    return;
  }
  for (size_t i = 0; i < count && !reader->bad; i++)
    take_result(reader, &run->results[i]);
  run->result_count = count;
}

static void take_pair(struct imported *run, torpor__cbor_reader *reader) {
  const struct {
    const char *name;
    int64_t *number;
  } numbers[] = {
      {"version", &run->version},   {"created", &run->created},
      {"step", &run->step},         {"branch", &run->branch},
      {"fuel", &run->fuel},         {"memory_max", &run->memory_max},
      {"deadline", &run->deadline}, {"keep_lines", &run->keep_lines}};
  torpor_slice name = torpor__cbor_get_text(reader);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    if (torpor__slice_is(name, numbers[i].name)) {
      *numbers[i].number = torpor__cbor_get_integer(reader);
      return;
    }
  if (torpor__slice_is(name, "id"))
    take_again(run, reader, TORPOR__RUN_ID_MAX, &run->id);
  else if (torpor__slice_is(name, "program"))
    take_again(run, reader, NAME_MAX_BYTES, &run->program);
  else if (torpor__slice_is(name, "input"))
    run->input = torpor__cbor_get_bytes(reader);
  else if (torpor__slice_is(name, "upgrade"))
    run->upgrade = torpor__cbor_get_bytes(reader);
  else if (torpor__slice_is(name, "runnable"))
    run->runnable = torpor__cbor_get_boolean(reader);
  else if (torpor__slice_is(name, "files"))
    take_files(run, reader);
  else if (torpor__slice_is(name, "operations"))
    take_operations(run, reader);
  else if (torpor__slice_is(name, "results"))
    take_results(run, reader);
  else
    torpor__cbor_get_past(reader);
}

static torpor_status fail_map(struct imported *run) {
  if (run->no_memory)
    return torpor__database_fail(run->store->database, TORPOR_NOMEM, NULL);
  return torpor__database_fail(
      run->store->database, TORPOR_FORMAT,
      "what the file says of its run is damaged; export "
      "it again");
}

static torpor_status read_map(struct imported *run) {
  torpor__cbor_reader reader =
      torpor__cbor_read(run->section.data, run->section.size);
  size_t pairs = torpor__cbor_get_map(&reader);
  for (size_t i = 0; i < pairs && !reader.bad; i++) take_pair(run, &reader);
  if (!reader.bad && run->version > TORPOR__EXPORT_VERSION)
    return torpor__database_fail(run->store->database, TORPOR_NEWER,
                                 "the run was exported by a newer Torpor; use "
                                 "that");
  bool whole = !reader.bad && reader.at == reader.end &&
               run->version == TORPOR__EXPORT_VERSION && run->id != NULL &&
               torpor__database_is_id(run->id) && run->program != NULL &&
               run->step >= 1 && run->step <= STEP_LARGEST &&
               run->branch >= 0 && run->branch <= BRANCH_LARGEST &&
               run->memory_max >= 0 && run->fuel >= 0 && run->deadline >= 0 &&
               run->keep_lines >= 0;
  return whole ? TORPOR_OK : fail_map(run);
}

/* ---- what it waits for ---------------------------------------------------*/

static const struct known *find_known(const struct imported *run, uint64_t id) {
  return torpor__find(&id, run->known, run->known_count, sizeof *run->known,
                      torpor__compare_u64);
}

/* The last of the branches that are known, or NULL. */
static const struct torpor__branch *last_branch(const struct imported *run) {
  const struct torpor__run_rows *rows = &run->new.rows;
  return rows->branch_count > 0 ? &rows->branches[rows->branch_count - 1]
                                : NULL;
}

static torpor_status explain(const struct imported *run, torpor_status status) {
  return status == TORPOR_NOMEM
             ? torpor__database_fail(run->store->database, status, NULL)
             : status;
}

static torpor_status add_branch(struct imported *run, int64_t branch,
                                uint64_t first, const char *origin) {
  const struct torpor__branch *last = last_branch(run);
  const struct torpor__branch row = {.branch = branch,
                                     .parent = last != NULL ? last->branch : -1,
                                     .first_operation = first,
                                     .origin = origin};
  return explain(run, torpor__run_rows_add_branch(&run->new.rows, &row));
}

/* Ids rise from branch to branch, and each branch is that of one run. */
static torpor_status place_operation(struct imported *run,
                                     struct torpor__operation *operation) {
  const struct known *known = find_known(run, operation->id);
  const struct torpor__branch *last = last_branch(run);
  operation->policy = TORPOR__POLICY_REJECT;
  operation->begun_step = run->step;
  if (known == NULL) {
    operation->branch = last != NULL ? last->branch : 0;
    return last != NULL ? TORPOR_OK
                        : add_branch(run, 0, operation->id, run->id);
  }
  operation->policy = known->policy;
  operation->begun_step =
      known->begun_step < run->step ? known->begun_step : run->step;
  operation->branch = known->branch;
  if (last == NULL || known->branch > last->branch)
    return add_branch(run, known->branch, operation->id, known->origin);
  if (known->branch == last->branch && strcmp(known->origin, last->origin) == 0)
    return TORPOR_OK;
  return fail_map(run);
}

/* Adds what the rows of a run of this store would say of it. */
static torpor_status add_operation(struct imported *run,
                                   struct torpor__operation *operation) {
  torpor_status status = place_operation(run, operation);
  if (status != TORPOR_OK) return status;
  const struct torpor__operation row = {.branch = operation->branch,
                                        .id = operation->id,
                                        .begun_step = operation->begun_step};
  status = torpor__run_rows_add_operation(&run->new.rows, &row);
  if (status == TORPOR_OK)
    status = torpor__run_rows_add_kind(&run->new.rows, operation->kind,
                                       operation->policy);
  return explain(run, status);
}

static torpor_status add_operations(struct imported *run) {
  struct torpor__checkpoint *checkpoint = &run->new.checkpoint;
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < checkpoint->operation_count;
       i++)
    status = add_operation(run, &checkpoint->operations[i]);
  const struct torpor__branch *last = last_branch(run);
  if (status == TORPOR_OK && (last == NULL || last->branch < run->branch))
    status = add_branch(run, run->branch, INT64_MAX, run->id);
  if (status != TORPOR_OK) return status;
  checkpoint->branch = run->new.head.branch = last_branch(run)->branch;
  return TORPOR_OK;
}

/* Results of what it does not wait for are left out when they are written. */
static torpor_status add_results(struct imported *run) {
  const struct torpor__checkpoint *checkpoint = &run->new.checkpoint;
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < run->result_count; i++) {
    struct torpor__result *result = &run->results[i];
    size_t at = torpor__search(
        &result->operation, checkpoint->operations, checkpoint->operation_count,
        sizeof *checkpoint->operations, torpor__operation_compare);
    if (at < checkpoint->operation_count)
      result->branch = checkpoint->operations[at].branch;
    status = torpor__run_rows_add_result(&run->new.rows, result);
  }
  return explain(run, status);
}

/* What an older program handed over, as this store keeps it. */
static torpor_status seal_upgrade(struct imported *run, torpor_bytes *out) {
  *out = (torpor_bytes){0};
  if (run->upgrade.size == 0) return TORPOR_OK;
  if (run->upgrade.size > TORPOR_RUN_HANDOVER_LARGEST ||
      torpor_snapshot_is_protected(run->upgrade.data, run->upgrade.size))
    return fail_map(run);
  out->data = torpor__array_copy(run->upgrade.data, run->upgrade.size);
  out->size = run->upgrade.size;
  if (out->data == NULL)
    return torpor__database_fail(run->store->database, TORPOR_NOMEM, NULL);
  return torpor__upgrade_state_seal(run->store, out);
}

/* ---- importing -----------------------------------------------------------*/

static torpor_status fail_snapshot(struct imported *run, torpor_status status) {
  return torpor__database_fail(run->store->database, status, "%.400s",
                               torpor_last_error(NULL));
}

static uint64_t choose_limit(uint64_t wanted, int64_t stated,
                             uint64_t largest) {
  if (wanted != 0) return wanted;
  return stated == 0 || (uint64_t)stated > largest ? largest : (uint64_t)stated;
}

static struct torpor__run
make_row(const struct imported *run, const torpor_run_import_options *options,
         const char *id, const struct torpor__checkpoint *checkpoint) {
  return (struct torpor__run){
      .id = id,
      .program = run->program,
      .access = options->access != NULL ? options->access : "",
      .input = run->input,
      .engine = checkpoint->engine,
      .memory_max = choose_limit(options->memory_max, run->memory_max,
                                 TORPOR_MEMORY_DEFAULT),
      .fuel = choose_limit(options->fuel, run->fuel, TORPOR_RUN_FUEL),
      .deadline_ms = choose_limit(options->deadline_ms, run->deadline,
                                  TORPOR_RUN_DEADLINE_MS),
      .created_ms = torpor__store_now(),
      .keep = options->keep != 0 ? options->keep : TORPOR_RUN_KEEP,
      .keep_lines = choose_limit(options->keep_lines, run->keep_lines,
                                 TORPOR_RUN_KEEP_LINES)};
}

/* Checks what the program will read. */
static torpor_status check_data(struct imported *run) {
  struct torpor__database *database = run->store->database;
  torpor_status status = TORPOR_OK;
  if (run->input.size > 0)
    status =
        torpor__input_check(database, run->input, 0, "the input of the run");
  if (status == TORPOR_OK && run->upgrade.size > 0)
    status = torpor__input_check(database, run->upgrade, 0,
                                 "what an older program handed over");
  for (size_t i = 0; status == TORPOR_OK && i < run->result_count; i++)
    if (run->results[i].value.size > 0)
      status = torpor__input_check(database, run->results[i].value, 0,
                                   "the result of an operation");
  return status;
}

static torpor_status write_rows(struct imported *run,
                                const struct torpor__run *row) {
  struct torpor__database *database = run->store->database;
  const struct torpor__database_calls *calls = database->calls;
  const struct torpor__run_rows *rows = &run->new.rows;
  torpor_status status = calls->run_add(database, row, &run->new.to);
  for (size_t i = 0; status == TORPOR_OK && i < run->file_count; i++)
    status = calls->file_add(database, run->new.to, 0, run->files[i].name,
                             run->files[i].source);
  for (size_t i = 0; status == TORPOR_OK && i < rows->kind_count; i++)
    status = calls->kind_put(database, run->new.to, rows->kinds[i].kind,
                             rows->kinds[i].policy);
  if (status == TORPOR_OK) status = torpor__branch_write_history(&run->new);
  if (status != TORPOR_OK) return status;
  return torpor__branch_write(&run->new, run->new.checkpoint.branch + 1, 0);
}

static torpor_status write_run(struct imported *run,
                               const struct torpor__run *row) {
  struct torpor__database *database = run->store->database;
  torpor_status status = torpor__request_check_id(database, row->id);
  if (status == TORPOR_OK)
    status =
        torpor__branch_seal(&run->new, row->id, run->new.checkpoint.branch + 1);
  if (status == TORPOR_OK) status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = write_rows(run, row);
  TORPOR__FAULT(IMPORT_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  if (status == TORPOR_OK) TORPOR__FAULT(IMPORT_AFTER);
  return status;
}

static torpor_status make_run(struct imported *run,
                              const torpor_run_import_options *options,
                              const char *id) {
  struct torpor__run row = make_row(run, options, id, &run->new.checkpoint);
  torpor_bytes handed = {0};
  run->new.now_ms = row.created_ms;
  torpor_status status = add_operations(run);
  if (status == TORPOR_OK) status = seal_upgrade(run, &handed);
  if (status == TORPOR_OK) status = add_results(run);
  row.handed = (torpor_slice){.data = handed.data, .size = handed.size};
  if (status == TORPOR_OK) status = write_run(run, &row);
  torpor_bytes_free(&handed);
  return status;
}

static bool has_file(const struct imported *run, const char *name) {
  for (size_t i = 0; i < run->file_count; i++)
    if (strcmp(run->files[i].name, name) == 0) return true;
  return false;
}

/* A run loads its extensions by number, from 1 on, as far as there are any. */
static torpor_status check_extensions(struct imported *run) {
  char name[TORPOR__EXTENSION_NAME];
  size_t count = 0;
  for (size_t i = 0; i < run->file_count; i++)
    count += torpor__extension_is(run->files[i].name);
  if (count > TORPOR__EXTENSIONS_MAX)
    return torpor__database_fail(
        run->store->database, TORPOR_LIMIT,
        "the run has %zu extensions; a run keeps at most %d", count,
        TORPOR__EXTENSIONS_MAX);
  for (size_t i = 0; i < count; i++)
    if (!has_file(run, torpor__extension_name(i, name))) return fail_map(run);
  return TORPOR_OK;
}

/* All extensions that the file brings have to have native code now, or to get
 * it if the caller says so: a worker makes it without asking (extension.h). */
static torpor_status prepare_extensions(struct imported *run, bool make) {
  torpor_status status = check_extensions(run);
  for (size_t i = 0; status == TORPOR_OK && i < run->file_count; i++)
    if (torpor__extension_is(run->files[i].name))
      status =
          torpor__extension_receive(run->store, run->id, &run->files[i], make);
  return status;
}

/* Restores the state, with no more memory than the run will have. */
static torpor_status open_state(struct imported *run, const void *data,
                                size_t size,
                                const torpor_run_import_options *options) {
  struct torpor__checkpoint *checkpoint = &run->new.checkpoint;
  torpor_options restore = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = NULL;
  restore.deadline_ms = TORPOR_RUN_DEADLINE_MS;
  restore.memory_max =
      choose_limit(options->memory_max, run->memory_max, TORPOR_MEMORY_DEFAULT);
  torpor_status status = torpor_snapshot_restore(data, size, &restore, &vm);
  if (status != TORPOR_OK) return fail_snapshot(run, status);
  status = torpor__checkpoint_take(run->store, vm, checkpoint);
  torpor_vm_close(vm);
  run->new.opened = status == TORPOR_OK;
  if (status != TORPOR_OK) return status;
  checkpoint->step = run->step;
  checkpoint->runnable = run->runnable;
  checkpoint->clone = true;
  return TORPOR_OK;
}

static torpor_status import_run(struct imported *run, const void *data,
                                size_t size,
                                const torpor_run_import_options *options,
                                char *out_id) {
  torpor_status status =
      torpor_snapshot_section(data, size, TORPOR_SECTION_RUN, &run->section);
  if (status == TORPOR_NOT_FOUND)
    return torpor__database_fail(run->store->database, TORPOR_FORMAT,
                                 "this is a snapshot, but not that of a run; "
                                 "export one");
  if (status != TORPOR_OK) return fail_snapshot(run, status);
  status = read_map(run);
  if (status == TORPOR_OK) status = check_data(run);
  if (status == TORPOR_OK)
    status = torpor__store_choose_id(
        run->store, options->id != NULL ? options->id : run->id, out_id);
  if (status == TORPOR_OK)
    status = torpor__state_chain_check(run->store, out_id);
  if (status == TORPOR_OK)
    status = prepare_extensions(run, options->make_extensions);
  if (status == TORPOR_OK) status = open_state(run, data, size, options);
  return status == TORPOR_OK ? make_run(run, options, out_id) : status;
}

torpor_status torpor_run_import(torpor_store *store, const void *data,
                                size_t size,
                                const torpor_run_import_options *options,
                                char *out_id) {
  torpor_run_import_options given = TORPOR_RUN_IMPORT_OPTIONS_INIT;
  const struct torpor__checkpoint_reader reader =
      torpor__checkpoint_reader(store);
  struct imported run = {
      .store = store, .new = {.database = store->database, .reader = &reader}};
  torpor_access *access = NULL;
  torpor_status status = TORPOR_OK;
  if (options != NULL && !torpor__sized_take(&given, sizeof given, options))
    return torpor__store_refuse_options(store);
  if (given.access != NULL)
    status = torpor_access_read(given.access, strlen(given.access), &access);
  torpor_access_close(access);
  if (status != TORPOR_OK)
    return torpor__database_fail(store->database, status,
                                 "the access that is granted is damaged");
  status = import_run(&run, data, size, &given, out_id);
  free_imported(&run);
  return status;
}
