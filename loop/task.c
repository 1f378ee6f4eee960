/* SPDX-License-Identifier: MIT */
/* task.c - operations that are being performed, and who performs them.
 *
 * A task carries its own copy of the operation, so that the VM it came from may
 * go to sleep meanwhile. See loop.h for its life.
 *
 *  (1) A driver may complete a task from inside 'start': completing only moves
 *      it to the list of completed ones.
 *  (2) Delivering takes the tasks that were complete at its beginning, so a
 *      turn ends even if each result brings a new one.
 *
 * Runs on the loop's thread. */
#include <assert.h>
#include <stdio.h>

#include "common/array.h"
#include "common/sized.h"
#include "loop/loop.h"

enum task_phase { STARTED, COMPLETED, DELIVERING };

struct torpor_task {
  struct torpor__link link; /* first: a link is its task */
  torpor_loop *loop;
  const torpor_driver *driver; /* NULL: none for this kind */
  torpor_operation operation;  /* its bytes are in 'bytes' */
  torpor_world *world;
  torpor_done_fn done;
  void *user;
  void *state;
  enum task_phase phase;
  torpor_outcome outcome;
  struct torpor__result result;
  uint8_t bytes[]; /* kind and key, their zeros, request */
};

/* ---- Drivers -------------------------------------------------------------*/

const torpor_driver *torpor_loop_driver(const torpor_loop *loop,
                                        const char *kind) {
  for (size_t i = 0; i < loop->driver_count; i++)
    if (strcmp(loop->drivers[i]->kind, kind) == 0) return loop->drivers[i];
  return NULL;
}

static torpor_waking waking_of(const torpor_driver *driver,
                               const torpor_operation *operation) {
  return driver->waking_of == NULL ? driver->waking
                                   : driver->waking_of(operation, driver->user);
}

torpor_waking torpor_loop_waking(const torpor_loop *loop,
                                 const torpor_operation *operation) {
  const torpor_driver *driver = torpor_loop_driver(loop, operation->kind);
  return driver == NULL ? TORPOR_REPEAT : waking_of(driver, operation);
}

void torpor_loop_drop(torpor_loop *loop, const torpor_operation *operation,
                      torpor_world *world, torpor_outcome outcome,
                      const void *data, size_t size) {
  const torpor_driver *driver = torpor_loop_driver(loop, operation->kind);
  if (driver == NULL || driver->drop == NULL) return;
  torpor_task task = {.loop = loop,
                      .driver = driver,
                      .operation = *operation,
                      .world = world,
                      .phase = COMPLETED};
  driver->drop(&task, driver->user, outcome, data, size);
}

static bool is_kind(const char *kind) {
  return kind != NULL && kind[0] != '\0' &&
         strnlen(kind, TORPOR_KIND_LARGEST + 1) <= TORPOR_KIND_LARGEST;
}

torpor_status torpor_loop_add_driver(torpor_loop *loop,
                                     const torpor_driver *driver) {
  torpor_driver own = TORPOR_DRIVER_INIT;
  if (driver == NULL || !torpor__sized_take(&own, sizeof(own), driver) ||
      !is_kind(own.kind) || own.start == NULL || own.cancel == NULL)
    return TORPOR_MISUSE;
  if (torpor_loop_driver(loop, own.kind) != NULL) return TORPOR_EXISTS;
  if (!torpor__array_reserve(&loop->drivers, &loop->driver_capacity,
                             loop->driver_count + 1, sizeof(*loop->drivers)))
    return TORPOR_NOMEM;
  torpor_driver *copy = malloc(sizeof(*copy));
  if (copy == NULL) return TORPOR_NOMEM;
  *copy = own;
  loop->drivers[loop->driver_count++] = copy;
  return TORPOR_OK;
}

/* ---- Starting and ending -------------------------------------------------*/

/* A task with a copy of 'operation', in no list yet. */
static torpor_task *make_task(const torpor_operation *operation) {
  size_t kind_size = strlen(operation->kind) + 1;
  size_t key_size = operation->key == NULL ? 0 : strlen(operation->key) + 1;
  if (operation->request_size >
      SIZE_MAX - sizeof(torpor_task) - kind_size - key_size)
    return NULL;
  size_t size =
      sizeof(torpor_task) + kind_size + key_size + operation->request_size;
  torpor_task *task = malloc(size);
  if (task == NULL) return NULL;
  *task = (torpor_task){.operation = *operation};
  memcpy(task->bytes, operation->kind, kind_size);
  task->operation.kind = (const char *)task->bytes;
  if (key_size > 0) {
    memcpy(task->bytes + kind_size, operation->key, key_size);
    task->operation.key = (const char *)task->bytes + kind_size;
  }
  task->operation.request = task->bytes + kind_size + key_size;
  if (operation->request_size > 0)
    memcpy(task->bytes + kind_size + key_size, operation->request,
           operation->request_size);
  return task;
}

static void fail_without_driver(torpor_task *task) {
  char message[128 + TORPOR_KIND_LARGEST];
  snprintf(message, sizeof(message),
           "nothing here performs operations of kind '%s': add a driver for it",
           task->operation.kind);
  torpor_task_fail(task, "Error", message, "NO_DRIVER");
}

static void fail_lost(torpor_task *task) {
  char message[128 + TORPOR_KIND_LARGEST];
  snprintf(message, sizeof(message),
           "the operation '%s' was under way when the program slept: it may or "
           "may not have happened, and is not repeated",
           task->operation.kind);
  torpor_task_fail(task, "LostError", message, "LOST");
}

torpor_status torpor_loop_start(torpor_loop *loop,
                                const torpor_operation *operation,
                                torpor_world *world, torpor_done_fn done,
                                void *user, torpor_task **out) {
  torpor_operation own = TORPOR_OPERATION_INIT;
  if (operation == NULL || done == NULL || out == NULL ||
      !torpor__sized_take(&own, sizeof(own), operation) || !is_kind(own.kind))
    return TORPOR_MISUSE;
  torpor_task *task = make_task(&own);
  if (task == NULL) return TORPOR_NOMEM;
  task->loop = loop;
  task->driver = torpor_loop_driver(loop, own.kind);
  task->world = world;
  task->done = done;
  task->user = user;
  torpor__list_append(&loop->started, &task->link);
  loop->stirred |= !loop->turning;
  *out = task;
  if (task->driver == NULL) {
    fail_without_driver(task);
  } else if (own.woken && waking_of(task->driver, &own) == TORPOR_LOST) {
    fail_lost(task);
  } else {
    task->driver->start(task, task->driver->user);
  }
  return TORPOR_OK;
}

static void free_task(torpor_task *task) {
  free(task->result.memory);
  free(task);
}

void torpor_task_cancel(torpor_task *task) {
  if (task == NULL || task->phase == DELIVERING) return;
  torpor__link_remove(&task->link);
  const torpor_driver *driver = task->driver;
  if (task->phase == STARTED)
    driver->cancel(task, driver->user);
  else if (driver != NULL && driver->drop != NULL)
    driver->drop(task, driver->user, task->outcome, task->result.data,
                 task->result.size);
  free_task(task);
}

void torpor__tasks_cancel(torpor_loop *loop) {
  while (!torpor__list_empty(&loop->background))
    torpor_task_cancel((torpor_task *)loop->background.next);
  while (!torpor__list_empty(&loop->started))
    torpor_task_cancel((torpor_task *)loop->started.next);
  while (!torpor__list_empty(&loop->completed))
    torpor_task_cancel((torpor_task *)loop->completed.next);
}

bool torpor__task_take(torpor_task *task, torpor_outcome *outcome,
                       struct torpor__result *result) {
  if (task->phase != COMPLETED) return false;
  torpor__link_remove(&task->link);
  *outcome = task->outcome;
  *result = task->result;
  free(task);
  return true;
}

void torpor__task_background(torpor_task *task) {
  assert(task->phase == STARTED);
  torpor__link_remove(&task->link);
  torpor__list_append(&task->loop->background, &task->link);
}

/* ---- Completing ----------------------------------------------------------*/

void torpor__task_finish(torpor_task *task, torpor_outcome outcome,
                         struct torpor__result result) {
  assert(task->phase == STARTED);
  task->phase = COMPLETED;
  task->outcome = outcome;
  task->result = result;
  torpor__link_remove(&task->link);
  torpor__list_append(&task->loop->completed, &task->link);
}

/* Completes 'task' with the error that was put aside for this. */
static void finish_exhausted(torpor_task *task) {
  const torpor_bytes *error = &task->loop->exhausted;
  torpor__task_finish(
      task, TORPOR_REJECT,
      (struct torpor__result){.data = error->data, .size = error->size});
}

void torpor_task_complete(torpor_task *task, torpor_outcome outcome,
                          const void *data, size_t size) {
  uint8_t *copy = torpor__array_copy(data, size);
  if (copy == NULL) {
    finish_exhausted(task);
    return;
  }
  torpor__task_finish(
      task, outcome,
      (struct torpor__result){.memory = copy, .data = copy, .size = size});
}

void torpor_task_fail(torpor_task *task, const char *name, const char *message,
                      const char *code) {
  torpor_bytes error;
  if (torpor_cbor_error(name, message, code, &error) != TORPOR_OK) {
    finish_exhausted(task);
    return;
  }
  torpor_task_complete(task, TORPOR_REJECT, error.data, error.size);
  torpor_bytes_free(&error);
}

/* ---- Checking ------------------------------------------------------------*/

#ifdef TORPOR_TESTING

/* Asserts that the tasks of 'list' are in it, in that phase, and of 'loop'. */
static void check_list(const torpor_loop *loop, const struct torpor__link *list,
                       enum task_phase phase) {
  const struct torpor__link *link = list;
  do {
    assert(link->next->previous == link && link->previous->next == link);
    link = link->next;
    const torpor_task *task = (const torpor_task *)link;
    assert(link == list || (task->phase == phase && task->loop == loop));
    assert(link == list || task->driver != NULL || phase != STARTED);
  } while (link != list);
}

void torpor__tasks_check(const torpor_loop *loop) {
  check_list(loop, &loop->started, STARTED);
  check_list(loop, &loop->background, STARTED);
  check_list(loop, &loop->completed, COMPLETED);
}

#endif

/* ---- Delivering ----------------------------------------------------------*/

void torpor__tasks_deliver(torpor_loop *loop) {
  struct torpor__link ready;
  assert(loop->turning);
  if (torpor__list_empty(&loop->completed)) return;
  ready = loop->completed;
  ready.next->previous = ready.previous->next = &ready;
  torpor__list_init(&loop->completed);
  while (!torpor__list_empty(&ready) && loop->failure == TORPOR_OK &&
         !torpor_loop_stopping(loop)) {
    torpor_task *task = (torpor_task *)ready.next;
    torpor__link_remove(&task->link);
    task->phase = DELIVERING;
    task->done(task->user, task, task->outcome, task->result.data,
               task->result.size);
    free_task(task);
  }
  if (torpor__list_empty(&ready)) return;
  /* Those that are left go before what was completed meanwhile. */
  struct torpor__link *first = ready.next, *last = ready.previous;
  first->previous = &loop->completed;
  last->next = loop->completed.next;
  loop->completed.next->previous = last;
  loop->completed.next = first;
}

void *torpor__task_user(const torpor_task *task, torpor_done_fn done) {
  return task->done == done ? task->user : NULL;
}

/* ---- What drivers ask ----------------------------------------------------*/

torpor_loop *torpor_task_loop(const torpor_task *task) {
  return task->loop;
}

const torpor_operation *torpor_task_operation(const torpor_task *task) {
  return &task->operation;
}

const torpor_access *torpor_task_access(const torpor_task *task) {
  return torpor_world_access(task->world);
}

torpor_world *torpor_task_world(const torpor_task *task) {
  return task->world;
}

void torpor_task_set_state(torpor_task *task, void *state) {
  task->state = state;
}

void *torpor_task_state(const torpor_task *task) {
  return task->state;
}
