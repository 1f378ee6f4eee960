/* SPDX-License-Identifier: MIT */
/* worker-drivers.c - the drivers at work for one run. See worker-drivers.h.
 *
 * Signals need no driver: the run's mailbox matches them. Only the moment at
 * which the program gives up waiting is an alarm. */
#include "run/worker/worker-drivers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/search.h"

/* How long ago a driver began "lately". */
enum { LATELY_MS = 5000 };

struct torpor__worker_task {
  struct torpor__worker_drivers *drivers;
  int64_t branch;
  uint64_t id;
  torpor_task *task;   /* NULL for signals */
  torpor_alarm *alarm; /* NULL for the others */
  int64_t due_ms;
  bool busy; /* it does something, and does not only wait */
  /* Of one that has ended, but whose driver may get its result back. */
  char *kind; /* NULL: it has not ended, or the driver wants nothing back */
  void *request;
  size_t request_size;
};

/* ---- Tasks ---------------------------------------------------------------*/

/* torpor__compare_fn */
static int compare_task(const void *key, const void *item) {
  const struct torpor__worker_task *a = key;
  const struct torpor__worker_task *b =
      *(struct torpor__worker_task *const *)item;
  if (a->branch != b->branch) return a->branch < b->branch ? -1 : 1;
  return torpor__compare_u64(&a->id, &b->id);
}

static size_t find_task(const struct torpor__worker_drivers *drivers,
                        int64_t branch, uint64_t id) {
  const struct torpor__worker_task key = {.branch = branch, .id = id};
  return torpor__search(&key, drivers->tasks, drivers->task_count,
                        sizeof *drivers->tasks, compare_task);
}

static struct torpor__worker_task *
take_task(struct torpor__worker_drivers *drivers, int64_t branch, uint64_t id) {
  size_t at = find_task(drivers, branch, id);
  if (at == drivers->task_count || drivers->tasks[at]->id != id ||
      drivers->tasks[at]->branch != branch)
    return NULL;
  struct torpor__worker_task *task = drivers->tasks[at];
  drivers->task_count--;
  memmove(&drivers->tasks[at], &drivers->tasks[at + 1],
          (drivers->task_count - at) * sizeof(*drivers->tasks));
  return task;
}

static struct torpor__worker_task *
add_task(struct torpor__worker_drivers *drivers,
         const struct torpor__operation *operation) {
  struct torpor__worker_task *task = calloc(1, sizeof *task);
  if (task == NULL || !torpor__array_reserve(
                          &drivers->tasks, &drivers->task_capacity,
                          drivers->task_count + 1, sizeof(*drivers->tasks))) {
    free(task);
    return NULL;
  }
  *task = (struct torpor__worker_task){.drivers = drivers,
                                       .branch = operation->branch,
                                       .id = operation->id,
                                       .due_ms = operation->due_ms};
  size_t at = find_task(drivers, task->branch, task->id);
  memmove(&drivers->tasks[at + 1], &drivers->tasks[at],
          (drivers->task_count - at) * sizeof(*drivers->tasks));
  drivers->tasks[at] = task;
  drivers->task_count++;
  return task;
}

static void free_task(struct torpor__worker_task *task) {
  if (task == NULL) return;
  free(task->kind);
  free(task->request);
  free(task);
}

static void wake_run(const struct torpor__worker_drivers *drivers) {
  drivers->shared->wake(drivers->shared->worker, drivers->run);
}

/* Notes and reports that memory ran out for an operation. */
static void fail_memory(struct torpor__worker_drivers *drivers,
                        const char *what) {
  drivers->out_of_memory = true;
  wake_run(drivers);
  torpor__worker_report_error(drivers->shared, drivers->id,
                              torpor__protocol_head(drivers->protocol)->step,
                              what);
}

/* Hands the result of a driver to the protocol, and forgets its task. When
 * memory runs out it is as if the driver had not answered: the operation is
 * begun again when the run is claimed again. */
static void receive(struct torpor__worker_task *task,
                    enum torpor__outcome outcome, torpor_slice value) {
  struct torpor__worker_drivers *drivers = task->drivers;
  if (torpor__protocol_receive(drivers->protocol, task->branch, task->id,
                               outcome, value) != TORPOR_OK)
    fail_memory(drivers, "out of memory: a result was dropped");
  wake_run(drivers);
  if (task->kind == NULL) free_task(take_task(drivers, task->branch, task->id));
}

/* Keeps what 'operation' was, which has ended. When memory runs out, a result
 * that is given back later is lost. */
static void keep_operation(struct torpor__worker_task *task,
                           const torpor_operation *operation) {
  const torpor_driver *driver =
      torpor_loop_driver(task->drivers->shared->loop, operation->kind);
  task->task = NULL;
  if (driver == NULL || driver->drop == NULL) return;
  task->request =
      torpor__array_copy(operation->request, operation->request_size);
  task->request_size = operation->request_size;
  if (task->request != NULL) task->kind = strdup(operation->kind);
  task->due_ms = TORPOR__NEVER;
  task->busy = false;
}

static void task_done(void *user, torpor_task *done, torpor_outcome outcome,
                      const void *data, size_t size) {
  keep_operation(user, torpor_task_operation(done));
  receive(user,
          outcome == TORPOR_RESOLVE ? TORPOR__OUTCOME_FULFILLED
                                    : TORPOR__OUTCOME_REJECTED,
          (torpor_slice){.data = data, .size = size});
}

static void task_late(void *user) {
  receive(user, TORPOR__OUTCOME_TIMED_OUT, (torpor_slice){0});
}

static double clock_ms(const struct torpor__worker_drivers *drivers) {
  return torpor_loop_now(drivers->shared->loop, TORPOR_CLOCK_MONOTONIC);
}

static torpor_status start_task(struct torpor__worker_task *task,
                                const struct torpor__operation *operation,
                                bool woken) {
  struct torpor__worker_drivers *drivers = task->drivers;
  bool due = operation->due_ms != TORPOR__NEVER;
  if (operation->topic != NULL)
    return due ? torpor_alarm_open(drivers->shared->loop,
                                   (double)operation->due_ms, task_late, task,
                                   &task->alarm)
               : TORPOR_OK;
  task->busy = operation->policy == TORPOR__POLICY_REPEAT ||
               operation->policy == TORPOR__POLICY_REJECT;
  if (task->busy) drivers->busy_since_ms = clock_ms(drivers);
  const torpor_operation given = {.size = sizeof(torpor_operation),
                                  .id = operation->id,
                                  .kind = operation->kind,
                                  .request = operation->request.data,
                                  .request_size = operation->request.size,
                                  .due = due ? (double)operation->due_ms : 0,
                                  .begun = (double)operation->begun_ms,
                                  .woken = woken,
                                  .key = operation->key};
  return torpor_loop_start(drivers->shared->loop, &given, drivers->world,
                           task_done, task, &task->task);
}

/* Rejects an operation that no driver could be asked for: its kind comes from
 * guest memory. */
static void reject_task(struct torpor__worker_task *task) {
  torpor_bytes error = {0};
  if (torpor_cbor_error("Error", "an operation of no kind", "MISUSE", &error) !=
      TORPOR_OK) {
    fail_memory(task->drivers,
                "out of memory: an operation could not be started");
    free_task(take_task(task->drivers, task->branch, task->id));
    return;
  }
  receive(task, TORPOR__OUTCOME_REJECTED,
          (torpor_slice){.data = error.data, .size = error.size});
  torpor_bytes_free(&error);
}

/* torpor__drivers.start */
static void start_operation(void *data,
                            const struct torpor__operation *operation,
                            bool woken) {
  struct torpor__worker_drivers *drivers = data;
  struct torpor__worker_task *task = add_task(drivers, operation);
  torpor_status status =
      task == NULL ? TORPOR_NOMEM : start_task(task, operation, woken);
  if (status == TORPOR_MISUSE) {
    reject_task(task);
  } else if (status != TORPOR_OK) {
    fail_memory(drivers, "out of memory: an operation could not be started");
    if (task != NULL) free_task(take_task(drivers, task->branch, task->id));
  }
}

/* torpor__drivers.stop */
static void stop_operation(void *data, int64_t branch, uint64_t id) {
  struct torpor__worker_task *task = take_task(data, branch, id);
  if (task == NULL) return;
  torpor_task_cancel(task->task);
  torpor_alarm_close(task->alarm);
  free_task(task);
}

/* torpor__drivers.drop */
static void drop_result(void *data, int64_t branch, uint64_t id,
                        enum torpor__outcome outcome, torpor_slice value) {
  const struct torpor__worker_drivers *drivers = data;
  size_t at = find_task(drivers, branch, id);
  if (at == drivers->task_count || drivers->tasks[at]->id != id ||
      drivers->tasks[at]->branch != branch || drivers->tasks[at]->kind == NULL)
    return;
  const struct torpor__worker_task *task = drivers->tasks[at];
  const torpor_operation operation = {.size = sizeof(torpor_operation),
                                      .id = id,
                                      .kind = task->kind,
                                      .request = task->request,
                                      .request_size = task->request_size};
  torpor_loop_drop(drivers->shared->loop, &operation, drivers->world,
                   outcome == TORPOR__OUTCOME_FULFILLED ? TORPOR_RESOLVE
                                                        : TORPOR_REJECT,
                   value.data, value.size);
}

/* torpor__drivers.show */
static void show_line(void *data, const struct torpor__line *line) {
  const struct torpor__worker_drivers *drivers = data;
  char *text = malloc(line->text.size + 1);
  if (text == NULL) return;
  memcpy(text, line->text.data, line->text.size);
  text[line->text.size] = '\0';
  torpor__worker_report(drivers->shared, drivers->id,
                        (torpor_event){.kind = TORPOR_EVENT_LINE,
                                       .step = line->step,
                                       .level = line->level,
                                       .size = line->text.size,
                                       .text = text});
  free(text);
}

/* ---- For the run ---------------------------------------------------------*/

void torpor__worker_drivers_open(struct torpor__worker_drivers *drivers,
                                 const struct torpor__worker_shared *shared) {
  drivers->shared = shared;
  drivers->calls = (struct torpor__drivers){.start = start_operation,
                                            .drop = drop_result,
                                            .stop = stop_operation,
                                            .show = show_line,
                                            .data = drivers};
}

void torpor__worker_drivers_close(struct torpor__worker_drivers *drivers) {
  torpor_world_close(drivers->world);
  torpor_access_close(drivers->access);
  free(drivers->tasks);
}

bool torpor__worker_drivers_are_busy(
    const struct torpor__worker_drivers *drivers) {
  for (size_t i = 0; i < drivers->task_count; i++)
    if (drivers->tasks[i]->busy) return true;
  return false;
}

bool torpor__worker_drivers_began_lately(
    const struct torpor__worker_drivers *drivers) {
  return torpor__worker_drivers_are_busy(drivers) &&
         clock_ms(drivers) - drivers->busy_since_ms < LATELY_MS;
}

int64_t
torpor__worker_drivers_next_due(const struct torpor__worker_drivers *drivers) {
  int64_t due = TORPOR__NEVER;
  for (size_t i = 0; i < drivers->task_count; i++)
    if (drivers->tasks[i]->due_ms < due) due = drivers->tasks[i]->due_ms;
  return due == TORPOR__NEVER ? -1 : due;
}

#ifdef TORPOR_TESTING

void torpor__worker_drivers_check(
    const struct torpor__worker_drivers *drivers) {
  assert(drivers->task_count <= torpor__protocol_waiting(drivers->protocol));
  for (size_t i = 0; i < drivers->task_count; i++) {
    const struct torpor__worker_task *task = drivers->tasks[i];
    assert(task->drivers == drivers);
    assert(find_task(drivers, task->branch, task->id) == i);
  }
}

#endif
