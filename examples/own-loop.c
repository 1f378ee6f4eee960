/* SPDX-License-Identifier: MIT */
/* own-loop.c - asynchronous functions on an event loop of one's own.
 *
 * The loop is poll(2) on a pipe, with timers; no library. A program that awaits
 * something waits for an *operation*, a promise that the host settles. Here are
 * two kinds of them:
 *
 *   timer    what the library's setTimeout begins; 'due' says when to settle it
 *   square   square(n), ours: a thread computes it and writes it to the pipe
 *
 * Each round of the loop runs all jobs, begins what the program has asked for
 * since, and sleeps until something has come. It ends when the program waits
 * for nothing more. Compile and run:
 *
 *   cc own-loop.c -o own-loop $(pkg-config --cflags --libs torpor) -lpthread
 *   ./own-loop
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <torpor.h>
#include <unistd.h>

#define TIMERS 64

/* What a thread is given, and writes back with its answer. */
typedef struct work {
  int pipe; /* the end to write to */
  uint64_t id;
  double number;
} work;

typedef struct timer {
  uint64_t id;
  double due; /* milliseconds since 1970 */
} timer;

typedef struct loop {
  torpor_vm *vm;
  int pipe[2];
  size_t working; /* threads that have not answered */
  timer timers[TIMERS];
  size_t timer_count;
} loop;

static const char program[] =
    "const sleep = ms => new Promise(done => setTimeout(done, ms));\n"
    "async function slow(name, ms) {\n"
    "  await sleep(ms);\n"
    "  console.log(name, 'slept');\n"
    "}\n"
    "const never = setTimeout(() => console.log('never'), 60000);\n"
    "const squares = await Promise.all([square(3), square(4), square(-1)\n"
    "  .catch(error => error.message)]);\n"
    "console.log('squares:', ...squares);\n"
    "await Promise.all([slow('second', 60), slow('first', 20)]);\n"
    "clearTimeout(never);\n"
    "console.log('done');\n";

static void check(torpor_vm *vm, torpor_status status) {
  if (status == TORPOR_OK) return;
  fprintf(stderr, "%s\n", torpor_last_error(vm));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* ---- square(n) ------------------------------------------------------------*/

/* Only begins it: the loop finds the operation in its next round. */
static torpor_status square(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)user;
  return torpor_operation_begin(vm, "square", torpor_argument(arguments, 0), 0,
                                NULL, result);
}

/* A thread. It must not touch the VM, which belongs to the loop's. */
static void *compute(void *given) {
  work *done = given;
  done->number = done->number < 0 ? NAN : done->number * done->number;
  if (write(done->pipe, done, sizeof(*done)) != sizeof(*done)) abort();
  free(done);
  return NULL;
}

static void start_square(loop *l, const torpor_operation *operation) {
  work *task = malloc(sizeof(*task));
  pthread_t thread;
  torpor_reader *reader;
  if (task == NULL) exit(1);
  check(NULL, torpor_reader_open(operation->request, operation->request_size,
                                 &reader));
  task->pipe = l->pipe[1];
  task->id = operation->id;
  task->number = torpor_reader_number(reader);
  torpor_reader_close(reader);
  if (pthread_create(&thread, NULL, compute, task) != 0) exit(1);
  pthread_detach(thread);
  l->working++;
}

static void finish_square(loop *l) {
  work done;
  torpor_value answer;
  torpor_outcome outcome = TORPOR_RESOLVE;
  if (read(l->pipe[0], &done, sizeof(done)) != sizeof(done)) exit(1);
  l->working--;
  answer = torpor_number(done.number);
  if (isnan(done.number)) {
    outcome = TORPOR_REJECT;
    check(l->vm,
          torpor_error_new(l->vm, "RangeError", "less than zero", &answer));
  }
  check(l->vm, torpor_operation_settle(l->vm, done.id, outcome, answer));
}

/* ---- Timers ---------------------------------------------------------------*/

static void add_timer(loop *l, const torpor_operation *operation) {
  if (l->timer_count == TIMERS) exit(1);
  l->timers[l->timer_count++] = (timer){operation->id, operation->due};
}

static void remove_timer(loop *l, uint64_t id) {
  for (size_t i = 0; i < l->timer_count; i++)
    if (l->timers[i].id == id) l->timers[i--] = l->timers[--l->timer_count];
}

/* The one that is due first; NULL: there is none. */
static const timer *next_timer(const loop *l) {
  const timer *first = NULL;
  for (size_t i = 0; i < l->timer_count; i++)
    if (first == NULL || l->timers[i].due < first->due) first = &l->timers[i];
  return first;
}

static void settle_timers(loop *l) {
  const timer *first;
  while ((first = next_timer(l)) != NULL && first->due <= now()) {
    uint64_t id = first->id;
    remove_timer(l, id);
    check(l->vm, torpor_operation_settle(l->vm, id, TORPOR_RESOLVE,
                                         torpor_undefined()));
  }
}

/* ---- The loop -------------------------------------------------------------*/

/* Begins what the program asked for, and forgets what it cancelled. */
static void take_operations(loop *l) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  uint64_t id;
  while (torpor_operation_next(l->vm, &operation) == TORPOR_OK) {
    if (strcmp(operation.kind, "timer") == 0)
      add_timer(l, &operation);
    else if (strcmp(operation.kind, "square") == 0)
      start_square(l, &operation);
  }
  while (torpor_operation_take_cancelled(l->vm, &id) == TORPOR_OK)
    remove_timer(l, id);
}

/* Milliseconds until a timer is due, rounded up; -1: there is none. */
static int time_left(const loop *l) {
  const timer *first = next_timer(l);
  double left;
  if (first == NULL) return -1;
  left = first->due - now();
  return left > 0 ? (int)left + 1 : 0;
}

/* Sleeps until a timer is due or a thread has answered. */
static void wait(loop *l) {
  struct pollfd answers = {.fd = l->pipe[0], .events = POLLIN};
  if (poll(&answers, 1, time_left(l)) > 0) finish_square(l);
  settle_timers(l);
}

/* Returns when nothing is left to wait for. */
static void run_loop(loop *l) {
  for (;;) {
    check(l->vm, torpor_job_run(l->vm, 0, NULL));
    take_operations(l);
    if (l->timer_count == 0 && l->working == 0) return;
    wait(l);
  }
}

int main(void) {
  loop l = {0};
  torpor_value finished;
  if (pipe(l.pipe) != 0) return 1;
  check(NULL, torpor_vm_open(NULL, &l.vm));
  check(l.vm, torpor_function_add(l.vm, "square", square, NULL));
  check(l.vm, torpor_eval(l.vm, program, SIZE_MAX, "program.js", TORPOR_MODULE,
                          &finished));
  run_loop(&l);
  check(l.vm, torpor_await(l.vm, finished, NULL)); /* did it end well? */
  torpor_vm_close(l.vm);
  close(l.pipe[0]);
  close(l.pipe[1]);
  return 0;
}
