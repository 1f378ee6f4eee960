/* SPDX-License-Identifier: MIT */
/* process.c - a program that runs outside, as a descriptor of a world.
 *
 * Its next event, which it has once, is {code, signal}: how it ended.
 *
 *  (1) A process that was started ends with its world or before: it is killed
 *      then. If this process is killed, the system kills it. Neither is true of
 *      one that got another user's rights (setuid), which the system protects.
 *  (2) Each process is waited for, so that none stays a zombie: unless it could
 *      not be killed, its handle is closed when it has ended.
 *
 * Runs on the loop's thread. */
#include "loop/process/process.h"

#include <errno.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/block.h"
#include "loop/field.h"
#include "loop/task-end.h"
#include "loop/world.h"

struct process {
  struct torpor__descriptor descriptor; /* first */
  uv_process_t handle;
  torpor_task *waiter; /* NULL: nobody waits for its end */
  bool ended;
  bool group;  /* it leads a process group of its own */
  bool closed; /* its world is gone */
  int64_t code;
  int signal;
};

static struct process *of(struct torpor__descriptor *descriptor) {
  return (struct process *)descriptor;
}

/* ---- Its end --------------------------------------------------------------*/

static void tell_end(const struct process *process, torpor_task *task) {
  torpor_writer *writer = NULL;
  torpor_writer_open(NULL, 0, &writer);
  torpor_writer_object(writer, 2);
  torpor_writer_key(writer, "code", SIZE_MAX);
  torpor_writer_integer(writer, process->code);
  torpor_writer_key(writer, "signal", SIZE_MAX);
  torpor_writer_integer(writer, process->signal);
  torpor_writer_end(writer);
  torpor__task_finish_written(task, writer);
}

static void free_process(uv_handle_t *handle) {
  free(handle->data);
}

/* uv_exit_cb */
static void report_exit(uv_process_t *handle, int64_t code, int signal) {
  struct process *process = handle->data;
  process->ended = true;
  process->code = code;
  process->signal = signal;
  if (process->waiter != NULL) tell_end(process, process->waiter);
  process->waiter = NULL;
  if (process->closed) uv_close((uv_handle_t *)handle, free_process);
}

static void wait_for_end(struct torpor__descriptor *descriptor,
                         torpor_task *task) {
  struct process *process = of(descriptor);
  if (process->ended)
    tell_end(process, task);
  else if (process->waiter != NULL)
    torpor_task_fail(task, "Error", "the process is being waited for already",
                     "EBUSY");
  else
    process->waiter = task;
}

static void cancel_wait(struct torpor__descriptor *descriptor,
                        torpor_task *task) {
  struct process *process = of(descriptor);
  if (process->waiter == task) process->waiter = NULL;
}

/* 0, or what libuv says. */
static int send_signal(const struct process *process, int number) {
  if (process->ended) return UV_ESRCH;
  if (!process->group) return uv_kill(process->handle.pid, number);
  return kill(-process->handle.pid, number) == 0
             ? 0
             : uv_translate_sys_error(errno);
}

/* What libuv has not heard of yet it hears of in a later turn. */
static int wait_now(struct process *process, bool wait, int *code,
                    int *signal_number) {
  int status = 0;
  if (!process->ended) {
    int done = torpor__block_child(process->descriptor.world->loop,
                                   process->handle.pid, wait, &status);
    if (done <= 0) return done;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    *signal_number = WIFEXITED(status) ? 0 : WTERMSIG(status);
    return 1;
  }
  *code = (int)process->code;
  *signal_number = process->signal;
  return 1;
}

static void close_process(struct torpor__descriptor *descriptor) {
  struct process *process = of(descriptor);
  if (process->waiter != NULL) torpor__task_fail_closed(process->waiter);
  process->waiter = NULL;
  process->closed = true;
  /* One that we may not kill is left to itself: nobody waits for it. */
  if (process->ended || send_signal(process, SIGKILL) == UV_EPERM)
    uv_close((uv_handle_t *)&process->handle, free_process);
}

static const struct torpor__descriptor_type process_type = {
    .name = "a process",
    .next = wait_for_end,
    .cancel = cancel_wait,
    .close = close_process,
};

int torpor__process_wait(torpor_world *world, uint64_t number, bool wait,
                         int *code, int *signal_number) {
  struct torpor__descriptor *found = torpor__descriptor_find(world, number);
  if (found == NULL || found->type != &process_type) return -ECHILD;
  return wait_now(of(found), wait, code, signal_number);
}

/* ---- Its start ------------------------------------------------------------*/

static _Thread_local bool dies_with_us;
static _Thread_local pid_t us;

/* In the child, between fork and exec. Nothing that this process has open goes
 * along, but what libuv then puts in place for it: not every library opens its
 * files so that they are closed. Systems before Linux 5.11 keep to that. */
static void tie_child(void) {
  if (!dies_with_us) return;
#ifdef SYS_close_range
  syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
#endif
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != us) _exit(127);
}

static void prepare_forks(void) {
  pthread_atfork(NULL, NULL, tie_child);
}

/* 0, or what libuv says. */
static int spawn(torpor_loop *loop, uv_process_t *handle,
                 const uv_process_options_t *options) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, prepare_forks);
  fflush(stdout); /* what was said before comes before what it says */
  us = getpid();
  dies_with_us = true;
  int failure = uv_spawn(&loop->uv, handle, options);
  dies_with_us = false;
  return failure;
}

struct torpor__descriptor *torpor__process_open(torpor_loop *loop,
                                                uv_process_options_t *options,
                                                int *pid, int *failure) {
  struct process *process = calloc(1, sizeof(*process));
  *failure = UV_ENOMEM;
  if (process == NULL) return NULL;
  process->descriptor.type = &process_type;
  process->handle.data = process;
  process->group = (options->flags & UV_PROCESS_DETACHED) != 0;
  options->exit_cb = report_exit;
  *failure = spawn(loop, &process->handle, options);
  if (*failure == 0) {
    *pid = process->handle.pid;
    return &process->descriptor;
  }
  uv_close((uv_handle_t *)&process->handle, free_process);
  return NULL;
}

void torpor__process_discard(struct torpor__descriptor *process) {
  close_process(process);
}

/* ---- Signals --------------------------------------------------------------*/

void torpor__process_signal(torpor_task *task) {
  const torpor_operation *operation = torpor_task_operation(task);
  uint64_t signal = torpor__field_count(operation, "signal", UINT64_MAX);
  struct torpor__descriptor *found =
      torpor__descriptor_find(torpor_task_world(task),
                              torpor__field_count(operation, "fd", UINT64_MAX));
  if (found == NULL || found->type != &process_type) {
    torpor__task_fail_system(task, "sending a signal", UV_ESRCH);
    return;
  }
  int failure = signal < NSIG ? send_signal(of(found), (int)signal) : UV_EINVAL;
  if (failure == 0)
    torpor__task_finish_empty(task);
  else
    torpor__task_fail_system(task, "sending a signal", failure);
}
