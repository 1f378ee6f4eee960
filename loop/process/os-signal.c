/* SPDX-License-Identifier: MIT */
/* os-signal.c - the driver of kind "os-signal": signals that this process gets.
 *
 *   {fd, signal, ignore}   opens descriptor 'fd', whose next event is that the
 *                          signal came: a number, how often since the last.
 *                          With 'ignore' it does not come at all
 *
 * Only for a program whose process this is (world.options.standard), since
 * signals are the process's.
 *
 *  (1) Who waits for a signal does not keep the loop running.
 *  (2) Closing gives the signal back to whom it belonged before, unless
 *      somebody has taken it since.
 *  (3) A program has each signal once.
 *
 * Waking: TORPOR_LOST; the program asks for its signals again.
 *
 * Runs on the loop's thread. */
#include <errno.h>
#include <signal.h>

#include "loop/task-end.h"
#include "loop/world.h"

struct os_signal {
  struct torpor__descriptor descriptor; /* first */
  uv_signal_t handle;
  int number;
  bool ignored;
  uint64_t count;
  torpor_task *waiter;
  struct sigaction replaced, ours;
};

static struct os_signal *of(struct torpor__descriptor *descriptor) {
  return (struct os_signal *)descriptor;
}

static void tell(struct os_signal *signal, torpor_task *task) {
  torpor_writer *writer = NULL;
  torpor_writer_open(NULL, 0, &writer);
  torpor_writer_number(writer, (double)signal->count);
  signal->count = 0;
  torpor__task_finish_written(task, writer);
}

/* uv_signal_cb */
static void note(uv_signal_t *handle, int number) {
  struct os_signal *signal = handle->data;
  (void)number;
  signal->count++;
  if (signal->waiter != NULL) tell(signal, signal->waiter);
  signal->waiter = NULL;
}

static void wait_for_signal(struct torpor__descriptor *descriptor,
                            torpor_task *task) {
  struct os_signal *signal = of(descriptor);
  if (signal->count > 0) {
    tell(signal, task);
  } else if (signal->waiter != NULL) {
    torpor_task_fail(task, "Error", "the signal is being waited for already",
                     "EBUSY");
  } else {
    signal->waiter = task;
    torpor__task_background(task);
  }
}

static void cancel_wait(struct torpor__descriptor *descriptor,
                        torpor_task *task) {
  if (of(descriptor)->waiter == task) of(descriptor)->waiter = NULL;
}

static void free_signal(uv_handle_t *handle) {
  free(handle->data);
}

/* See (2). */
static void give_back(struct os_signal *signal) {
  struct sigaction now;
  bool ours = sigaction(signal->number, NULL, &now) == 0 &&
              now.sa_handler == signal->ours.sa_handler;
  if (!signal->ignored) uv_signal_stop(&signal->handle);
  if (ours) sigaction(signal->number, &signal->replaced, NULL);
}

static void close_signal(struct torpor__descriptor *descriptor) {
  struct os_signal *signal = of(descriptor);
  if (signal->waiter != NULL) torpor__task_fail_closed(signal->waiter);
  signal->waiter = NULL;
  give_back(signal);
  uv_close((uv_handle_t *)&signal->handle, free_signal);
}

static const struct torpor__descriptor_type signal_type = {
    .name = "a signal",
    .next = wait_for_signal,
    .cancel = cancel_wait,
    .close = close_signal,
};

/* ---- Beginning -----------------------------------------------------------*/

/* Signals that say that this program itself went wrong belong to the VM. */
static bool may_handle(int number) {
  static const int reserved[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
                                 SIGTRAP, SIGCHLD, SIGKILL, SIGSTOP};
  if (number < 1 || number >= 32) return false;
  for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
    if (reserved[i] == number) return false;
  return true;
}

static bool is_taken(const torpor_world *world, int number) {
  for (size_t i = 0; i < world->count; i++)
    if (world->descriptors[i]->type == &signal_type &&
        of(world->descriptors[i])->number == number)
      return true;
  return false;
}

/* Has libuv tell us, or nobody. 0, or what libuv says. */
static int take_signal(struct os_signal *signal) {
  int failure = 0;
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  if (sigaction(signal->number, NULL, &signal->replaced) != 0) return UV_EINVAL;
  if (signal->ignored)
    sigaction(signal->number, &ignore, NULL);
  else
    failure = uv_signal_start(&signal->handle, note, signal->number);
  sigaction(signal->number, NULL, &signal->ours);
  return failure;
}

static int open_signal(torpor_world *world, uint64_t fd, int number,
                       bool ignored) {
  struct os_signal *signal = calloc(1, sizeof(*signal));
  if (signal == NULL) return UV_ENOMEM;
  *signal = (struct os_signal){
      .descriptor.type = &signal_type, .number = number, .ignored = ignored};
  int failure = uv_signal_init(&world->loop->uv, &signal->handle);
  if (failure != 0) {
    free(signal);
    return failure;
  }
  signal->handle.data = signal;
  uv_unref((uv_handle_t *)&signal->handle);
  failure = take_signal(signal);
  if (failure == 0 && torpor__descriptor_add(world, fd, &signal->descriptor))
    return 0;
  close_signal(&signal->descriptor);
  return failure == 0 ? UV_EMFILE : failure;
}

struct request {
  double fd, signal;
  bool ignore;
};

static bool read_request(const torpor_operation *operation,
                         struct request *out) {
  torpor_reader *reader = NULL;
  *out = (struct request){-1, -1, false};
  if (torpor_reader_open(operation->request, operation->request_size,
                         &reader) == TORPOR_OK &&
      torpor_reader_type(reader) == TORPOR_DATA_OBJECT) {
    torpor_reader_enter(reader);
    if (torpor_reader_find(reader, "fd", 2))
      out->fd = torpor_reader_number(reader);
    if (torpor_reader_find(reader, "signal", 6))
      out->signal = torpor_reader_number(reader);
    if (torpor_reader_find(reader, "ignore", 6))
      out->ignore = torpor_reader_boolean(reader);
  }
  bool good = torpor_reader_status(reader) == TORPOR_OK;
  torpor_reader_close(reader);
  return good && out->fd >= 0 && out->fd <= 9007199254740991.0 &&
         out->signal >= 1 && out->signal < 64 &&
         out->signal == (int)out->signal;
}

static void start(torpor_task *task, void *user) {
  (void)user;
  struct request request;
  torpor_world *world = torpor_task_world(task);
  if (world == NULL || !world->options.standard || world->is_worker) {
    torpor_task_fail(task, "NotAllowedError",
                     "signals belong to the process, which is not this "
                     "program's alone",
                     "EPERM");
    return;
  }
  if (!read_request(torpor_task_operation(task), &request) ||
      !may_handle((int)request.signal)) {
    torpor_task_fail(task, "RangeError", "a program cannot handle this signal",
                     "EINVAL");
    return;
  }
  int failure = is_taken(world, (int)request.signal)
                    ? UV_EBUSY
                    : open_signal(world, (uint64_t)request.fd,
                                  (int)request.signal, request.ignore);
  if (failure == 0)
    torpor__task_finish_empty(task);
  else
    torpor__task_fail_system(task, "handling a signal", failure);
}

/* It is complete when it was started. */
static void cancel(torpor_task *task, void *user) {
  (void)task, (void)user;
}

torpor_status torpor__os_signal_add(torpor_loop *loop) {
  torpor_driver driver = TORPOR_DRIVER_INIT;
  driver.kind = "os-signal";
  driver.waking = TORPOR_LOST;
  driver.start = start;
  driver.cancel = cancel;
  return torpor_loop_add_driver(loop, &driver);
}
