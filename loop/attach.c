/* SPDX-License-Identifier: MIT */
/* attach.c - a VM that lives on a loop.
 *
 * Pumping a VM empties its job queue, reports rejections that nobody handled,
 * cancels the tasks of operations that it cancelled, and starts what it began.
 * Each result settles one operation and is followed by a pump, so that programs
 * see results one at a time, as they would see events in a browser.
 *
 *  (1) 'tasks' is in order of operation ids; a task that is done or cancelled
 *      leaves a hole (NULL), and holes are closed when they are many and the
 *      majority.
 *  (2) A result that does not fit into the VM rejects its operation instead.
 *  (3) A VM that trapped stays attached and does nothing any more.
 *
 * Runs on the loop's thread, which is the VM's. */
#include <assert.h>
#include <stdio.h>

#include "common/array.h"
#include "common/search.h"
#include "common/sized.h"
#include "loop/loop.h"

struct entry {
  uint64_t id; /* first: entries are compared by it */
  torpor_task *task;
};

struct attached {
  struct torpor__link link; /* first: a link is its attachment */
  torpor_loop *loop;
  torpor_vm *vm;
  torpor_world *world;
  torpor_attachment options;
  struct entry *tasks;
  size_t count, capacity, holes;
  bool trapped;
  struct torpor__tenant *tenant; /* NULL: none */
};

/* ---- The table of tasks --------------------------------------------------*/

static struct entry *find_entry(struct attached *attached, uint64_t id) {
  return torpor__find(&id, attached->tasks, attached->count,
                      sizeof(*attached->tasks), torpor__compare_u64);
}

static void close_holes(struct attached *attached) {
  size_t kept = 0;
  for (size_t i = 0; i < attached->count; i++)
    if (attached->tasks[i].task != NULL)
      attached->tasks[kept++] = attached->tasks[i];
  attached->count = kept;
  attached->holes = 0;
}

/* Takes the task of operation 'id' out of the table; NULL: it has none. */
static torpor_task *take_task(struct attached *attached, uint64_t id) {
  struct entry *entry = find_entry(attached, id);
  if (entry == NULL || entry->task == NULL) return NULL;
  torpor_task *task = entry->task;
  entry->task = NULL;
  attached->holes++;
  if (attached->holes > 32 && attached->holes > attached->count / 2)
    close_holes(attached);
  return task;
}

/* Asserts (1) and (3). */
static void check_table(const struct attached *attached) {
#ifdef TORPOR_TESTING
  size_t holes = 0;
  for (size_t i = 0; i < attached->count; i++) {
    assert(i == 0 || attached->tasks[i - 1].id < attached->tasks[i].id);
    holes += attached->tasks[i].task == NULL;
  }
  assert(holes == attached->holes);
  assert(holes <= 32 || holes <= attached->count / 2);
  assert(!attached->trapped || attached->count == 0);
#endif
  (void)attached;
}

static void cancel_tasks(struct attached *attached) {
  for (size_t i = 0; i < attached->count; i++)
    torpor_task_cancel(attached->tasks[i].task);
  free(attached->tasks);
  attached->tasks = NULL;
  attached->count = attached->capacity = attached->holes = 0;
}

/* ---- Pumping -------------------------------------------------------------*/

/* So many in a turn, since what is told of one may cause another. */
static torpor_status report_rejections(struct attached *attached) {
  torpor_vm *vm = attached->vm;
  torpor_status status = TORPOR_OK;
  for (int i = 0; i < TORPOR_REJECTIONS_LARGEST && status == TORPOR_OK; i++) {
    if (torpor_loop_stopping(attached->loop)) break;
    torpor_scope scope;
    torpor_value reason;
    status = torpor_scope_open(vm, &scope);
    if (status != TORPOR_OK) break;
    status = torpor_rejection_take(vm, &reason);
    if (status == TORPOR_OK && attached->options.rejected != NULL)
      attached->options.rejected(attached->options.user, vm, reason);
    torpor_scope_close(vm, scope);
  }
  return status == TORPOR_NOT_FOUND ? TORPOR_OK : status;
}

static torpor_status cancel_abandoned(struct attached *attached) {
  torpor_status status;
  uint64_t id;
  while ((status = torpor_operation_take_cancelled(attached->vm, &id)) ==
         TORPOR_OK)
    torpor_task_cancel(take_task(attached, id));
  return status == TORPOR_NOT_FOUND ? TORPOR_OK : status;
}

static void settle(void *user, torpor_task *task, torpor_outcome outcome,
                   const void *data, size_t size);

static torpor_status start_begun(struct attached *attached) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_status status;
  while ((status = torpor_operation_next(attached->vm, &operation)) ==
         TORPOR_OK) {
    if (!torpor__array_reserve(&attached->tasks, &attached->capacity,
                               attached->count + 1, sizeof(*attached->tasks)))
      return TORPOR_NOMEM;
    struct entry *entry = &attached->tasks[attached->count];
    entry->id = operation.id;
    status = torpor_loop_start(attached->loop, &operation, attached->world,
                               settle, attached, &entry->task);
    if (status != TORPOR_OK) return status;
    attached->count++;
  }
  return status == TORPOR_NOT_FOUND ? TORPOR_OK : status;
}

static torpor_status pump(struct attached *attached) {
  torpor_status status;
  do {
    status = torpor_job_run(attached->vm, 0, NULL);
    if (status == TORPOR_OK) status = report_rejections(attached);
  } while (status == TORPOR_OK && torpor_job_pending(attached->vm) &&
           !torpor_loop_stopping(attached->loop));
  if (status == TORPOR_OK) status = cancel_abandoned(attached);
  if (status == TORPOR_OK) status = start_begun(attached);
  return status;
}

/* Makes 'status' the turn's verdict, see loop.h (5). */
static void keep_verdict(struct attached *attached, torpor_status status) {
  check_table(attached);
  if (status == TORPOR_OK) return;
  if (status == TORPOR_TRAPPED || status == TORPOR_BROKEN) {
    attached->trapped = true;
    cancel_tasks(attached);
  }
  if (attached->loop->failure == TORPOR_OK) attached->loop->failure = status;
}

void torpor__attached_pump(torpor_loop *loop) {
  struct torpor__link *link = loop->attached.next;
  while (link != &loop->attached && loop->failure == TORPOR_OK) {
    struct attached *attached = (struct attached *)link;
    link = link->next;
    if (attached->trapped) continue;
    keep_verdict(attached, pump(attached));
  }
}

/* ---- Settling ------------------------------------------------------------*/

/* Rejects 'operation', whose result the VM could not take. */
static torpor_status refuse_result(struct attached *attached,
                                   const torpor_operation *operation,
                                   size_t size) {
  char message[192];
  torpor_bytes error;
  snprintf(message, sizeof(message),
           "the result of '%s', %zu bytes, could not be taken in; give the "
           "program more memory",
           operation->kind, size);
  torpor_status status = torpor_cbor_error("RangeError", message, NULL, &error);
  if (status != TORPOR_OK) return status;
  status = torpor_operation_settle_cbor(attached->vm, operation->id,
                                        TORPOR_REJECT, error.data, error.size);
  torpor_bytes_free(&error);
  return status;
}

/* Whether a settling that failed with 'status' is the result's fault. */
static bool is_refusable(torpor_status status) {
  return status == TORPOR_THROWN || status == TORPOR_NOMEM ||
         status == TORPOR_LIMIT || status == TORPOR_FORMAT;
}

/* torpor_done_fn of all tasks of an attached VM. */
static void settle(void *user, torpor_task *task, torpor_outcome outcome,
                   const void *data, size_t size) {
  struct attached *attached = user;
  const torpor_operation *operation = torpor_task_operation(task);
  take_task(attached, operation->id);
  torpor_status status = torpor_operation_settle_cbor(
      attached->vm, operation->id, outcome, data, size);
  if (is_refusable(status)) status = refuse_result(attached, operation, size);
  if (status == TORPOR_NOT_FOUND) status = TORPOR_OK;
  if (status == TORPOR_OK) status = pump(attached);
  keep_verdict(attached, status);
}

/* ---- Attaching -----------------------------------------------------------*/

struct attached *torpor__attached_find(const torpor_loop *loop,
                                       const torpor_vm *vm) {
  struct torpor__link *link = loop->attached.next;
  for (; link != &loop->attached; link = link->next)
    if (((struct attached *)link)->vm == vm) return (struct attached *)link;
  return NULL;
}

static torpor_status open_world(struct attached *attached) {
  torpor_world_options options = TORPOR_WORLD_OPTIONS_INIT;
  options.access = attached->options.access;
  options.standard = attached->options.standard;
  options.user = attached->options.user;
  options.output = attached->options.output;
  options.exit = attached->options.exit;
  torpor_status status =
      torpor_world_open(attached->loop, &options, &attached->world);
  return status == TORPOR_OK ? torpor_world_bind(attached->world, attached->vm)
                             : status;
}

torpor_status torpor__attached_open(torpor_loop *loop, torpor_vm *vm,
                                    const torpor_attachment *options,
                                    struct attached **out) {
  if (vm == NULL) return TORPOR_MISUSE;
  torpor_attachment own = TORPOR_ATTACHMENT_INIT;
  if (options != NULL && !torpor__sized_take(&own, sizeof(own), options))
    return TORPOR_MISUSE;
  if (torpor__attached_find(loop, vm) != NULL) return TORPOR_EXISTS;
  struct attached *attached = calloc(1, sizeof(*attached));
  if (attached == NULL) return TORPOR_NOMEM;
  attached->loop = loop;
  attached->vm = vm;
  attached->options = own;
  loop->stirred = true;
  torpor_status status = open_world(attached);
  if (status != TORPOR_OK) {
    torpor_world_close(attached->world);
    free(attached);
    return status;
  }
  torpor__list_append(&loop->attached, &attached->link);
  *out = attached;
  return TORPOR_OK;
}

static void detach(struct attached *attached) {
  torpor__link_remove(&attached->link);
  cancel_tasks(attached);
  if (attached->tenant != NULL) attached->tenant->leave(attached->tenant);
  torpor_world_close(attached->world);
  free(attached);
}

void torpor_loop_detach(torpor_loop *loop, torpor_vm *vm) {
  struct attached *attached = torpor__attached_find(loop, vm);
  if (attached != NULL) detach(attached);
}

void torpor__attached_detach(torpor_loop *loop) {
  while (!torpor__list_empty(&loop->attached))
    detach((struct attached *)loop->attached.next);
}

/* ---- Tenants -------------------------------------------------------------*/

const torpor_attachment *
torpor__attached_options(const struct attached *attached) {
  return &attached->options;
}

torpor_loop *torpor__attached_loop(const struct attached *attached) {
  return attached->loop;
}

void torpor__attached_let(struct attached *attached,
                          struct torpor__tenant *tenant) {
  assert(attached->tenant == NULL || tenant == NULL);
  attached->tenant = tenant;
}

struct torpor__tenant *torpor__attached_tenant(const torpor_task *task) {
  struct attached *attached = torpor__task_user(task, settle);
  return attached == NULL ? NULL : attached->tenant;
}

void torpor__attached_drop(struct attached *attached, uint64_t id) {
  torpor_task_cancel(take_task(attached, id));
}

void torpor__attached_tell(struct attached *attached, torpor_status status) {
  attached->loop->stirred = true;
  if (status == TORPOR_THROWN && attached->options.rejected != NULL)
    attached->options.rejected(attached->options.user, attached->vm,
                               torpor_exception(attached->vm));
  else if (status == TORPOR_INTERRUPTED || status == TORPOR_TRAPPED ||
           status == TORPOR_BROKEN || status == TORPOR_NOMEM)
    keep_verdict(attached, status);
}

bool torpor__attached_waiting(const torpor_loop *loop) {
  struct torpor__link *link = loop->attached.next;
  for (; link != &loop->attached; link = link->next) {
    const struct attached *attached = (const struct attached *)link;
    if (attached->trapped) continue;
    if (torpor_job_pending(attached->vm) ||
        torpor_operation_count(attached->vm) !=
            attached->count - attached->holes)
      return true;
  }
  return false;
}

torpor_world *torpor__attached_world(const torpor_loop *loop,
                                     const torpor_vm *vm) {
  struct attached *attached = torpor__attached_find(loop, vm);
  return attached == NULL ? NULL : attached->world;
}
