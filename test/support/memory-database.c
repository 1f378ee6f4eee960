/* SPDX-License-Identifier: MIT */
/* memory-database.c - a store for simulations. See memory-database.h.
 *
 * Reads inside a transaction see what it wrote; others see what is committed.
 *
 * Not for more than one thread. */
#include "memory-database.h"

#include <stdio.h>
#include <string.h>

static struct memory_store *memory_of(struct torpor__database *database) {
  return (struct memory_store *)database;
}

static struct disk_run *run_of(struct torpor__database *database, int64_t run) {
  struct disk *disk = memory_of(database)->disk;
  bool writing = disk->writer == memory_of(database);
  return &(writing ? &disk->working : &disk->committed)->runs[run - 1];
}

static torpor_status limit(struct torpor__database *database,
                           const char *what) {
  return torpor__database_fail(database, TORPOR_LIMIT,
                               "the disk has no more %s", what);
}

static void put_bytes(struct disk_bytes *bytes, torpor_slice slice) {
  bytes->size = (uint32_t)(slice.size < DISK_BYTES ? slice.size : DISK_BYTES);
  if (bytes->size > 0) memcpy(bytes->data, slice.data, bytes->size);
}

static torpor_slice get_bytes(const struct disk_bytes *bytes) {
  return (torpor_slice){.data = bytes->data, .size = bytes->size};
}

/* Closes the gap that row 'index' of 'count' leaves. */
static void remove_row(void *rows, int index, int *count, size_t size) {
  char *row = (char *)rows + (size_t)index * size;
  --*count;
  memmove(row, row + size, (size_t)(*count - index) * size);
}

/* ---- transactions and locks ---------------------------------------------- */

static void close_store(struct torpor__database *database) {
  memory_store_crash(memory_of(database));
}

static torpor_status begin(struct torpor__database *database) {
  struct disk *disk = memory_of(database)->disk;
  if (disk->writer != NULL)
    return torpor__database_fail(database, TORPOR_LOCKED, NULL);
  disk->writer = memory_of(database);
  disk->working = disk->committed;
  return TORPOR_OK;
}

/* Nothing happens between two calls, so all is of one time anyway. */
static torpor_status view(struct torpor__database *database) {
  (void)database;
  return TORPOR_OK;
}

static void take_effect(struct disk *disk) {
  disk->saved = disk->committed;
  disk->committed = disk->working;
  if (disk->committed_hook != NULL)
    disk->committed_hook(disk, disk->writer, &disk->saved);
}

static torpor_status commit(struct torpor__database *database) {
  struct disk *disk = memory_of(database)->disk;
  torpor_status fail = disk->fail;
  disk->fail = TORPOR_OK;
  if (fail == TORPOR_OK || (fail == TORPOR_IO && disk->torn)) take_effect(disk);
  if (fail != TORPOR_OK) return torpor__database_fail(database, fail, NULL);
  disk->writer = NULL;
  return TORPOR_OK;
}

static void rollback(struct torpor__database *database) {
  struct disk *disk = memory_of(database)->disk;
  if (disk->writer == memory_of(database)) disk->writer = NULL;
}

static torpor_status savepoint(struct torpor__database *database) {
  memory_of(database)->disk->saved = memory_of(database)->disk->working;
  return TORPOR_OK;
}

static torpor_status release(struct torpor__database *database) {
  (void)database;
  return TORPOR_OK;
}

static torpor_status revert(struct torpor__database *database) {
  memory_of(database)->disk->working = memory_of(database)->disk->saved;
  return TORPOR_OK;
}

static torpor_status lock(struct torpor__database *database, int64_t run) {
  struct memory_store **holder = &memory_of(database)->disk->locks[run - 1];
  if (*holder != NULL && *holder != memory_of(database))
    return torpor__database_fail(database, TORPOR_LOCKED, NULL);
  *holder = memory_of(database);
  return TORPOR_OK;
}

static void unlock(struct torpor__database *database, int64_t run) {
  struct memory_store **holder = &memory_of(database)->disk->locks[run - 1];
  if (*holder == memory_of(database)) *holder = NULL;
}

static torpor_status locked(struct torpor__database *database, int64_t run,
                            bool *locked_out) {
  *locked_out = memory_of(database)->disk->locks[run - 1] != NULL;
  return TORPOR_OK;
}

/* ---- rows ---------------------------------------------------------------- */

static torpor_status run_add(struct torpor__database *database,
                             const struct torpor__run *row, int64_t *run) {
  struct disk_content *content = &memory_of(database)->disk->working;
  if (content->run_count == DISK_RUNS) return limit(database, "runs");
  *run = ++content->run_count;
  struct disk_run *added = run_of(database, *run);
  *added = (struct disk_run){.keep = row->keep};
  snprintf(added->id, DISK_TEXT, "%s", row->id);
  return TORPOR_OK;
}

static torpor_status run_get(struct torpor__database *database, int64_t run,
                             torpor__run_fn *visit, void *data) {
  struct disk_run *found = run_of(database, run);
  const struct torpor__run row = {
      .id = found->id, .program = "", .access = "", .keep = found->keep};
  return visit(data, run, &row, &found->head);
}

static torpor_status run_count(struct torpor__database *database, int64_t run,
                               struct torpor__counts *counts) {
  const struct disk_run *found = run_of(database, run);
  *counts = (struct torpor__counts){.operations = found->operation_count,
                                    .signals = found->signal_count};
  return TORPOR_OK;
}

static torpor_status head_get(struct torpor__database *database, int64_t run,
                              struct torpor__head *head) {
  *head = run_of(database, run)->head;
  return TORPOR_OK;
}

static torpor_status head_put(struct torpor__database *database, int64_t run,
                              const struct torpor__head *head) {
  run_of(database, run)->head = *head;
  return TORPOR_OK;
}

static torpor_status head_change(struct torpor__database *database, int64_t run,
                                 const struct torpor__head *from,
                                 const struct torpor__head *head) {
  struct torpor__head *row = &run_of(database, run)->head;
  if (row->status != from->status || row->step != from->step ||
      row->fence != from->fence || row->cancel != from->cancel)
    return torpor__database_fail(database, TORPOR_FENCED, NULL);
  *row = *head;
  return TORPOR_OK;
}

static torpor_status news_add(struct torpor__database *database, int64_t run) {
  run_of(database, run)->news++;
  return TORPOR_OK;
}

static torpor_status news_remove(struct torpor__database *database, int64_t run,
                                 int64_t number) {
  struct disk_run *found = run_of(database, run);
  if (number == 0 || number == found->news) found->news = 0;
  return TORPOR_OK;
}

static torpor_status exit_put(struct torpor__database *database, int64_t run,
                              const struct torpor__exit *row) {
  struct disk_run *found = run_of(database, run);
  if (row->value.size > DISK_SNAPSHOT)
    return limit(database, "room for an exit");
  found->exited = true;
  found->exit_size = (uint32_t)row->value.size;
  if (row->value.size > 0)
    memcpy(found->exit, row->value.data, row->value.size);
  return TORPOR_OK;
}

static torpor_status exit_remove(struct torpor__database *database,
                                 int64_t run) {
  run_of(database, run)->exited = false;
  return TORPOR_OK;
}

static torpor_status version_each(struct torpor__database *database,
                                  int64_t run, torpor__version_fn *visit,
                                  void *data) {
  const struct torpor__version first = {.program = ""};
  (void)database;
  (void)run;
  return visit(data, &first);
}

static torpor_status run_inherit(struct torpor__database *database,
                                 int64_t from, int64_t to) {
  const struct disk_run *old = run_of(database, from);
  struct disk_run *new = run_of(database, to);
  memcpy(new->kinds, old->kinds, sizeof new->kinds);
  new->kind_count = old->kind_count;
  return TORPOR_OK;
}

/* Order is that of writing, which is that of steps and branches. */
static torpor_status state_put(struct torpor__database *database, int64_t run,
                               const struct torpor__state *row) {
  struct disk_run *found = run_of(database, run);
  if (row->snapshot.size > DISK_SNAPSHOT) return limit(database, "big states");
  if (found->state_count == DISK_STATES) return limit(database, "states");
  struct disk_state *state = &found->states[found->state_count++];
  *state = (struct disk_state){.branch = row->branch,
                               .step = row->step,
                               .version = row->version,
                               .parent_step = row->parent_step,
                               .runnable = row->runnable,
                               .clone = row->clone,
                               .size = (uint32_t)row->snapshot.size};
  memcpy(state->snapshot, row->snapshot.data, row->snapshot.size);
  return TORPOR_OK;
}

static torpor_status state_prune(struct torpor__database *database, int64_t run,
                                 int64_t step) {
  struct disk_run *found = run_of(database, run);
  int whole = 0;
  for (int i = 0; i < found->state_count; i++)
    if (found->states[i].step <= step && found->states[i].parent_step == 0)
      whole = i;
  for (; whole > 0; whole--)
    remove_row(found->states, 0, &found->state_count, sizeof *found->states);
  return TORPOR_OK;
}

static torpor_status state_drop(struct torpor__database *database, int64_t run,
                                int64_t step) {
  struct disk_run *found = run_of(database, run);
  while (found->state_count > 0 && found->states[0].step < step)
    remove_row(found->states, 0, &found->state_count, sizeof *found->states);
  return TORPOR_OK;
}

static torpor_status state_cut(struct torpor__database *database, int64_t run,
                               int64_t step) {
  struct disk_run *found = run_of(database, run);
  while (found->state_count > 0 &&
         found->states[found->state_count - 1].step > step)
    found->state_count--;
  return TORPOR_OK;
}

static torpor_status state_each(struct torpor__database *database, int64_t run,
                                int64_t step, torpor__state_fn *visit,
                                void *data) {
  const struct disk_run *found = run_of(database, run);
  torpor_status status = TORPOR_OK;
  for (int i = found->state_count - 1; status == TORPOR_OK && i >= 0; i--) {
    const struct disk_state *from = &found->states[i];
    const struct torpor__state row = {
        .branch = from->branch,
        .step = from->step,
        .version = from->version,
        .parent_step = from->parent_step,
        .runnable = from->runnable,
        .clone = from->clone,
        .snapshot = {.data = from->snapshot, .size = from->size}};
    if (from->step <= step) status = visit(data, &row);
  }
  return status;
}

static torpor_status state_list(struct torpor__database *database, int64_t run,
                                torpor__state_fn *visit, void *data) {
  return state_each(database, run, INT64_MAX, visit, data);
}

static torpor_status branch_add(struct torpor__database *database, int64_t run,
                                const struct torpor__branch *row) {
  struct disk_run *found = run_of(database, run);
  if (found->branch_count == DISK_BRANCHES) return limit(database, "branches");
  struct disk_branch *branch = &found->branches[found->branch_count++];
  *branch = (struct disk_branch){.branch = row->branch,
                                 .parent = row->parent,
                                 .parent_step = row->parent_step,
                                 .first_operation = row->first_operation};
  snprintf(branch->origin, DISK_TEXT, "%s", row->origin);
  return TORPOR_OK;
}

static torpor_status branch_each(struct torpor__database *database, int64_t run,
                                 torpor__branch_fn *visit, void *data) {
  const struct disk_run *found = run_of(database, run);
  torpor_status status = TORPOR_OK;
  for (int i = 0; status == TORPOR_OK && i < found->branch_count; i++) {
    const struct disk_branch *from = &found->branches[i];
    const struct torpor__branch row = {.branch = from->branch,
                                       .parent = from->parent,
                                       .parent_step = from->parent_step,
                                       .first_operation = from->first_operation,
                                       .origin = from->origin};
    status = visit(data, &row);
  }
  return status;
}

static torpor_status kind_put(struct torpor__database *database, int64_t run,
                              const char *kind, enum torpor__policy policy) {
  struct disk_run *found = run_of(database, run);
  for (int i = 0; i < found->kind_count; i++)
    if (strcmp(found->kinds[i].kind, kind) == 0) return TORPOR_OK;
  if (found->kind_count == DISK_KINDS) return limit(database, "kinds");
  struct disk_kind *added = &found->kinds[found->kind_count++];
  snprintf(added->kind, DISK_TEXT, "%s", kind);
  added->policy = policy;
  return TORPOR_OK;
}

static torpor_status kind_each(struct torpor__database *database, int64_t run,
                               torpor__kind_fn *visit, void *data) {
  const struct disk_run *found = run_of(database, run);
  torpor_status status = TORPOR_OK;
  for (int i = 0; status == TORPOR_OK && i < found->kind_count; i++)
    status = visit(data, found->kinds[i].kind, found->kinds[i].policy);
  return status;
}

static torpor_status operation_add(struct torpor__database *database,
                                   int64_t run,
                                   const struct torpor__operation *row) {
  struct disk_run *found = run_of(database, run);
  if (found->operation_count == DISK_OPERATIONS)
    return limit(database, "operations");
  struct disk_operation *operation =
      &found->operations[found->operation_count++];
  *operation = (struct disk_operation){.branch = row->branch,
                                       .id = row->id,
                                       .due_ms = row->due_ms,
                                       .policy = row->policy,
                                       .begun_ms = row->begun_ms,
                                       .begun_step = row->begun_step};
  snprintf(operation->kind, DISK_TEXT, "%s", row->kind);
  snprintf(operation->topic, DISK_TEXT, "%s",
           row->topic != NULL ? row->topic : "");
  snprintf(operation->key, sizeof operation->key, "%s", row->key);
  put_bytes(&operation->request, row->request);
  return TORPOR_OK;
}

static torpor_status operation_remove(struct torpor__database *database,
                                      int64_t run, int64_t branch,
                                      uint64_t id) {
  struct disk_run *found = run_of(database, run);
  for (int i = found->operation_count - 1; i >= 0; i--)
    if (found->operations[i].branch == branch && found->operations[i].id == id)
      remove_row(found->operations, i, &found->operation_count,
                 sizeof *found->operations);
  return TORPOR_OK;
}

static torpor_status operation_clear(struct torpor__database *database,
                                     int64_t run) {
  run_of(database, run)->operation_count = 0;
  return TORPOR_OK;
}

/* All of them: nobody here asks for those after another one. */
static torpor_status operation_each(struct torpor__database *database,
                                    int64_t run, int64_t branch, uint64_t id,
                                    torpor__operation_fn *visit, void *data) {
  (void)branch;
  (void)id;
  const struct disk_run *found = run_of(database, run);
  torpor_status status = TORPOR_OK;
  for (int i = 0; status == TORPOR_OK && i < found->operation_count; i++) {
    const struct disk_operation *from = &found->operations[i];
    const struct torpor__operation row = {
        .branch = from->branch,
        .id = from->id,
        .kind = from->kind,
        .topic = from->topic[0] != '\0' ? from->topic : NULL,
        .request = get_bytes(&from->request),
        .due_ms = from->due_ms,
        .key = from->key,
        .policy = from->policy,
        .begun_ms = from->begun_ms,
        .begun_step = from->begun_step};
    status = visit(data, &row);
  }
  return status;
}

static torpor_status result_add(struct torpor__database *database, int64_t run,
                                const struct torpor__result *row,
                                int64_t *sequence) {
  struct disk_run *found = run_of(database, run);
  *sequence = 0;
  for (int i = 0; i < found->result_count; i++)
    if (found->results[i].branch == row->branch &&
        found->results[i].operation == row->operation)
      return TORPOR_OK;
  if (found->result_count == DISK_OPERATIONS) return limit(database, "results");
  struct disk_result *result = &found->results[found->result_count++];
  result->sequence = ++memory_of(database)->disk->working.sequence;
  result->branch = row->branch;
  result->operation = row->operation;
  result->outcome = row->outcome;
  put_bytes(&result->value, row->value);
  *sequence = result->sequence;
  return TORPOR_OK;
}

static torpor_status result_remove(struct torpor__database *database,
                                   int64_t run, int64_t branch,
                                   uint64_t operation) {
  struct disk_run *found = run_of(database, run);
  for (int i = found->result_count - 1; i >= 0; i--)
    if (found->results[i].branch == branch &&
        found->results[i].operation == operation)
      remove_row(found->results, i, &found->result_count,
                 sizeof *found->results);
  return TORPOR_OK;
}

static torpor_status result_clear(struct torpor__database *database,
                                  int64_t run) {
  run_of(database, run)->result_count = 0;
  return TORPOR_OK;
}

static torpor_status result_each(struct torpor__database *database, int64_t run,
                                 torpor__result_fn *visit, void *data) {
  const struct disk_run *found = run_of(database, run);
  torpor_status status = TORPOR_OK;
  for (int i = 0; status == TORPOR_OK && i < found->result_count; i++) {
    const struct disk_result *from = &found->results[i];
    const struct torpor__result row = {.sequence = from->sequence,
                                       .branch = from->branch,
                                       .operation = from->operation,
                                       .outcome = from->outcome,
                                       .value = get_bytes(&from->value)};
    status = visit(data, &row);
  }
  return status;
}

static torpor_status signal_add(struct torpor__database *database, int64_t run,
                                const struct torpor__signal *row) {
  struct disk_run *found = run_of(database, run);
  if (found->signal_count == DISK_SIGNALS) return limit(database, "signals");
  struct disk_signal *signal = &found->signals[found->signal_count++];
  signal->sequence = ++memory_of(database)->disk->working.sequence;
  snprintf(signal->topic, DISK_TEXT, "%s", row->topic);
  put_bytes(&signal->value, row->value);
  return TORPOR_OK;
}

static torpor_status signal_remove(struct torpor__database *database,
                                   int64_t run, int64_t sequence) {
  struct disk_run *found = run_of(database, run);
  for (int i = found->signal_count - 1; i >= 0; i--)
    if (found->signals[i].sequence == sequence)
      remove_row(found->signals, i, &found->signal_count,
                 sizeof *found->signals);
  return TORPOR_OK;
}

static torpor_status signal_each(struct torpor__database *database, int64_t run,
                                 int64_t after, torpor__signal_fn *visit,
                                 void *data) {
  const struct disk_run *found = run_of(database, run);
  torpor_status status = TORPOR_OK;
  for (int i = 0; status == TORPOR_OK && i < found->signal_count; i++) {
    const struct disk_signal *from = &found->signals[i];
    if (from->sequence <= after) continue;
    const struct torpor__signal row = {.sequence = from->sequence,
                                       .topic = from->topic,
                                       .value = get_bytes(&from->value)};
    status = visit(data, &row);
  }
  return status;
}

/* The ring drops the oldest, whatever is to be kept. */
static torpor_status line_add(struct torpor__database *database, int64_t run,
                              const struct torpor__line *rows, size_t count,
                              uint64_t keep) {
  struct disk_run *found = run_of(database, run);
  (void)keep;
  for (size_t i = 0; i < count; i++) {
    struct disk_line *line = &found->lines[found->line_count++ % DISK_LINES];
    *line = (struct disk_line){.branch = rows[i].branch,
                               .step = rows[i].step,
                               .number = rows[i].number};
    put_bytes(&line->text, rows[i].text);
  }
  return TORPOR_OK;
}

/* Only what protocol.c, signals.c, request.c, rewind.c and fork.c call. */
static const struct torpor__database_calls memory_calls = {
    .close = close_store,
    .begin = begin,
    .view = view,
    .commit = commit,
    .rollback = rollback,
    .savepoint = savepoint,
    .release = release,
    .revert = revert,
    .lock = lock,
    .unlock = unlock,
    .locked = locked,
    .run_add = run_add,
    .run_get = run_get,
    .run_count = run_count,
    .run_inherit = run_inherit,
    .version_each = version_each,
    .head_get = head_get,
    .head_put = head_put,
    .head_change = head_change,
    .news_add = news_add,
    .news_remove = news_remove,
    .exit_put = exit_put,
    .exit_remove = exit_remove,
    .state_put = state_put,
    .state_prune = state_prune,
    .state_drop = state_drop,
    .state_cut = state_cut,
    .state_each = state_each,
    .state_list = state_list,
    .branch_add = branch_add,
    .branch_each = branch_each,
    .kind_put = kind_put,
    .kind_each = kind_each,
    .operation_add = operation_add,
    .operation_remove = operation_remove,
    .operation_clear = operation_clear,
    .operation_each = operation_each,
    .result_add = result_add,
    .result_remove = result_remove,
    .result_clear = result_clear,
    .result_each = result_each,
    .signal_add = signal_add,
    .signal_remove = signal_remove,
    .signal_each = signal_each,
    .line_add = line_add,
};

static bool holds(const struct torpor__database *database, int64_t run) {
  const struct memory_store *store = (const struct memory_store *)database;
  return store->disk->locks[run - 1] == store;
}

static const struct torpor__database_facts facts = {.holds = holds};

void memory_store_open(struct memory_store *store, struct disk *disk) {
  *store =
      (struct memory_store){.store = {.calls = &memory_calls}, .disk = disk};
  torpor__database_check(&store->store, &facts);
}

void memory_store_crash(struct memory_store *store) {
  store->store.calls->rollback(&store->store);
  for (int i = 0; i < DISK_RUNS; i++)
    if (store->disk->locks[i] == store) store->disk->locks[i] = NULL;
}
