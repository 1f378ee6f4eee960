/* SPDX-License-Identifier: MIT */
/* threads.c - how many VMs two threads of one process open, use and close, or
 * two processes do.
 *
 *   bench-threads threads|processes MILLISECONDS
 *
 * Each of the two has a core of its own. Prints VMs per second of both together
 * (see probe.h). */
#define _GNU_SOURCE /* sched_setaffinity */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/probe.h"
#include "bench/sleeper.h"

enum { WORKERS = 2 };

struct worker {
  int core; /* its number among those that may be used */
  double ms;
  double rate; /* VMs per second */
};

/* Leaves the calling thread one core. */
static void pin(int number) {
  cpu_set_t allowed, one;
  CPU_ZERO(&one);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  for (int core = 0; core < CPU_SETSIZE; core++)
    if (CPU_ISSET(core, &allowed) && number-- == 0) CPU_SET(core, &one);
  if (CPU_COUNT(&one) == 1) sched_setaffinity(0, sizeof one, &one);
}

static void open_and_close(void) {
  torpor_vm *vm = sleeper_open_vm(0);
  if (torpor_value_number(sleeper_eval(vm, "1+2", "sum.js")) != 3)
    probe_fail("1+2 is not 3");
  torpor_vm_close(vm);
}

static void *work(void *user) {
  struct worker *worker = user;
  long count = 0;
  pin(worker->core);
  for (double end = probe_now() + worker->ms * 500; probe_now() < end;)
    open_and_close();
  double start = probe_now(), now;
  do {
    open_and_close();
    count++;
    now = probe_now();
  } while (now < start + worker->ms * 1000);
  worker->rate = (double)count * 1e6 / (now - start);
  return NULL;
}

static void run_threads(struct worker *workers) {
  pthread_t threads[WORKERS];
  for (int i = 0; i < WORKERS; i++)
    if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
      probe_fail("a thread could not be started");
  for (int i = 0; i < WORKERS; i++) pthread_join(threads[i], NULL);
}

/* Runs a worker in a process of its own, which writes its rate to 'to'. */
static pid_t start_process(struct worker *worker, int to) {
  pid_t child = fork();
  if (child < 0) probe_fail("a process could not be started");
  if (child > 0) return child;
  work(worker);
  ssize_t size = write(to, &worker->rate, sizeof worker->rate);
  _exit(size == sizeof worker->rate ? 0 : 1);
}

static void run_processes(struct worker *workers) {
  int ends[WORKERS][2];
  pid_t children[WORKERS];
  for (int i = 0; i < WORKERS; i++) {
    if (pipe(ends[i]) != 0) probe_fail("no pipe");
    children[i] = start_process(&workers[i], ends[i][1]);
  }
  for (int i = 0; i < WORKERS; i++) {
    int status;
    if (read(ends[i][0], &workers[i].rate, sizeof workers[i].rate) !=
            sizeof workers[i].rate ||
        waitpid(children[i], &status, 0) < 0 || status != 0)
      probe_fail("a process failed");
  }
}

int main(int count, char **args) {
  struct worker workers[WORKERS] = {{0}};
  struct probe probe = {0};
  bool threads = count == 3 && strcmp(args[1], "threads") == 0;
  if (!threads && (count != 3 || strcmp(args[1], "processes") != 0))
    probe_fail("usage: bench-threads threads|processes MILLISECONDS");
  for (int i = 0; i < WORKERS; i++)
    workers[i] = (struct worker){.core = i, .ms = strtod(args[2], NULL)};
  if (threads)
    run_threads(workers);
  else
    run_processes(workers);
  probe_add(&probe, workers[0].rate + workers[1].rate);
  return probe_print(&probe, "VMs/s", "3", torpor_version());
}
