/* SPDX-License-Identifier: MIT */
/* descriptor.c - the drivers of operations on descriptors. See descriptor.h.
 *
 * All of them are lost when a program sleeps: what they work on stays behind.
 * Only closing is repeated, which does nothing to what is not open.
 *
 * Runs on the loop's thread. */
#include "loop/descriptor.h"

#include <stdio.h>

#include "loop/field.h"
#include "loop/path.h"
#include "loop/task-end.h"

/* ---- Requests ------------------------------------------------------------*/

struct request {
  uint64_t number;
  size_t largest;
  torpor_slice data;
};

static uint64_t read_count(torpor_reader *reader, const char *key,
                           uint64_t otherwise) {
  if (!torpor_reader_find(reader, key, strlen(key))) return otherwise;
  double number = torpor_reader_number(reader);
  return number >= 0 && number <= 9007199254740991.0 ? (uint64_t)number
                                                     : UINT64_MAX;
}

static torpor_slice read_data(torpor_reader *reader) {
  torpor_slice data = {0};
  if (!torpor_reader_find(reader, "data", 4)) return data;
  if (torpor_reader_type(reader) == TORPOR_DATA_STRING)
    return torpor_reader_string(reader);
  torpor_view view;
  return torpor_reader_view(reader, &view);
}

/* Reads the request of 'task'; false: it is none. */
static bool parse_request(const torpor_task *task, struct request *out) {
  const torpor_operation *operation = torpor_task_operation(task);
  torpor_reader *reader;
  *out = (struct request){0};
  torpor_status status =
      torpor_reader_open(operation->request, operation->request_size, &reader);
  if (status == TORPOR_OK) {
    torpor_reader_enter(reader);
    out->number = read_count(reader, "fd", UINT64_MAX);
    out->largest = (size_t)read_count(reader, "largest", 65536);
    out->data = read_data(reader);
    torpor_reader_leave(reader);
    status = torpor_reader_status(reader);
    torpor_reader_close(reader);
  }
  if (out->largest < 1) out->largest = 1;
  if (out->largest > TORPOR__READ_LARGEST) out->largest = TORPOR__READ_LARGEST;
  return status == TORPOR_OK && out->number != UINT64_MAX;
}

/* The same; false after failing it. */
static bool read_request(torpor_task *task, struct request *out) {
  if (parse_request(task, out)) return true;
  torpor_task_fail(task, "TypeError",
                   "an operation on a descriptor is requested as { fd }",
                   "EINVAL");
  return false;
}

/* ---- The drivers ---------------------------------------------------------*/

enum verb { READ, WRITE, END, NEXT, CLOSE, VERBS };

/* The word in errors. */
static const char *const words[VERBS] = {[READ] = "read",
                                         [WRITE] = "written",
                                         [END] = "ended",
                                         [NEXT] = "waited for"};

static bool can(const struct torpor__descriptor_type *type, enum verb verb) {
  switch (verb) {
  case READ:
    return type->read != NULL;
  case WRITE:
    return type->write != NULL;
  case END:
    return type->end != NULL;
  default:
    return type->next != NULL;
  }
}

static void fail_type(torpor_task *task,
                      const struct torpor__descriptor_type *type,
                      enum verb verb) {
  char message[160];
  snprintf(message, sizeof(message), "%s cannot be %s", type->name,
           words[verb]);
  torpor_task_fail(task, "TypeError", message, "EINVAL");
}

static void start(torpor_task *task, enum verb verb) {
  struct request request;
  if (!read_request(task, &request)) return;
  struct torpor__descriptor *descriptor =
      torpor__descriptor_find(torpor_task_world(task), request.number);
  if (verb == CLOSE) {
    torpor__descriptor_close(descriptor);
    torpor__task_finish_empty(task);
    return;
  }
  if (descriptor == NULL) {
    torpor__task_fail_lost(task, request.number);
    return;
  }
  torpor_task_set_state(task, (void *)(uintptr_t)request.number);
  const struct torpor__descriptor_type *type = descriptor->type;
  if (!can(type, verb))
    fail_type(task, type, verb);
  else if (verb == READ)
    type->read(descriptor, task, request.largest);
  else if (verb == WRITE)
    type->write(descriptor, task, request.data);
  else if (verb == END)
    type->end(descriptor, task);
  else
    type->next(descriptor, task);
}

#define START(name, verb)                                                      \
  static void start_##name(torpor_task *task, void *user) {                    \
    (void)user;                                                                \
    start(task, verb);                                                         \
  }
START(read, READ)
START(write, WRITE)
START(end, END)
START(next, NEXT)
START(close, CLOSE)
#undef START

/* The descriptor that a task, which was started, works on. */
static struct torpor__descriptor *descriptor_of(const torpor_task *task) {
  return torpor__descriptor_find(torpor_task_world(task),
                                 (uintptr_t)torpor_task_state(task));
}

static void cancel(torpor_task *task, void *user) {
  (void)user;
  struct torpor__descriptor *descriptor = descriptor_of(task);
  if (descriptor != NULL) descriptor->type->cancel(descriptor, task);
}

/* torpor_driver.drop */
static void drop(torpor_task *task, void *user, torpor_outcome outcome,
                 const void *data, size_t size) {
  (void)user;
  struct request request;
  if (outcome != TORPOR_RESOLVE || !parse_request(task, &request)) return;
  struct torpor__descriptor *descriptor =
      torpor__descriptor_find(torpor_task_world(task), request.number);
  if (descriptor != NULL && descriptor->type->untake != NULL)
    descriptor->type->untake(descriptor, data, size);
}

void torpor__descriptor_drop(torpor_task *task, void *user,
                             torpor_outcome outcome, const void *data,
                             size_t size) {
  (void)user, (void)data, (void)size;
  uint64_t number =
      torpor__field_count(torpor_task_operation(task), "fd", UINT64_MAX);
  if (outcome == TORPOR_RESOLVE)
    torpor__descriptor_close(
        torpor__descriptor_find(torpor_task_world(task), number));
}

torpor_status torpor__descriptor_add_drivers(torpor_loop *loop) {
  static const struct {
    const char *kind;
    void (*start)(torpor_task *task, void *user);
    torpor_waking waking;
    bool takes; /* its result is something that must not be lost */
  } kinds[] = {{"descriptor-read", start_read, TORPOR_LOST, true},
               {"descriptor-write", start_write, TORPOR_LOST, false},
               {"descriptor-end", start_end, TORPOR_LOST, false},
               {"descriptor-next", start_next, TORPOR_LOST, true},
               {"descriptor-close", start_close, TORPOR_REPEAT, false}};
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
    torpor_driver driver = TORPOR_DRIVER_INIT;
    driver.kind = kinds[i].kind;
    driver.waking = kinds[i].waking;
    driver.start = kinds[i].start;
    driver.cancel = cancel;
    driver.drop = kinds[i].takes ? drop : NULL;
    if (status == TORPOR_OK) status = torpor_loop_add_driver(loop, &driver);
  }
  return status;
}
