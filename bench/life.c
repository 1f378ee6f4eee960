/* SPDX-License-Identifier: MIT */
/* life.c - what a step and a wake cost a run that has lived for long.
 *
 *   bench-life STORE PROGRAM STEP SAMPLES
 *
 * Drives a run of PROGRAM, which must wait again and again, to step STEP. Then
 * it measures SAMPLES wakes, each by a new worker: from adding the run to the
 * next step that is committed. Then SAMPLES steps of one worker.
 *
 * Prints microseconds a step (see probe.h), with "wake", the median
 * microseconds of a wake, and "store", the bytes of the store when it is closed
 * at the end. STORE should lie where syncing costs nothing: what is measured is
 * not the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/probe.h"
#include "torpor-run.h"

static struct life {
  torpor_store *store;
  torpor_worker *worker;
  char id[TORPOR_RUN_ID_SIZE];
  int64_t until;       /* the step to stop at */
  struct probe *probe; /* gets the time of each step; NULL: none */
  double last;         /* when the last one was committed */
} life;

static void on_event(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_ERROR || event->kind == TORPOR_EVENT_ENDED)
    probe_fail("the run ended: %s", event->text != NULL ? event->text : "");
  if (event->kind != TORPOR_EVENT_COMMIT) return;
  double now = probe_now();
  if (life.probe != NULL && life.last > 0)
    probe_add(life.probe, now - life.last);
  life.last = now;
  if (event->step >= life.until) torpor_worker_stop(life.worker);
}

static void check_status(torpor_status status, const char *what) {
  if (status != TORPOR_OK)
    probe_fail("%s: %s: %s", what, torpor_status_name(status),
               life.store != NULL ? torpor_store_error(life.store) : "");
}

/* Drives the run by a new worker for 'steps' more. */
static void drive(int64_t steps, struct probe *probe) {
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = on_event;
  life.until += steps;
  life.probe = probe;
  life.last = 0;
  check_status(torpor_worker_open(life.store, &options, &life.worker),
               "opening a worker");
  check_status(torpor_worker_add(life.worker, life.id), "adding a run");
  check_status(torpor_worker_run(life.worker), "working");
  torpor_worker_close(life.worker);
}

static void measure_wakes(struct probe *probe, int samples) {
  for (int i = 0; i < samples; i++) {
    double start = probe_now();
    drive(1, NULL);
    probe_add(probe, life.last - start);
  }
}

static void remove_file(const char *path, const char *suffix) {
  char name[4096];
  snprintf(name, sizeof name, "%s%s", path, suffix);
  unlink(name);
}

static void remove_store(const char *path) {
  remove_file(path, "");
  remove_file(path, "-wal");
  remove_file(path, "-shm");
  remove_file(path, "-locks");
}

static double file_size(const char *path) {
  struct stat facts;
  if (stat(path, &facts) != 0) probe_fail("%s is not there", path);
  return (double)facts.st_size;
}

int main(int count, char **args) {
  if (count != 5) probe_fail("usage: bench-life STORE PROGRAM STEP SAMPLES");
  const int samples = atoi(args[4]);
  struct probe wakes = {0}, steps = {0};
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = args[2];
  remove_store(args[1]);
  check_status(torpor_store_open(args[1], NULL, &life.store), args[1]);
  check_status(torpor_run_add(life.store, &options, life.id), args[2]);
  drive(strtoll(args[3], NULL, 10), NULL);
  measure_wakes(&wakes, samples);
  drive(samples, &steps);
  torpor_store_close(life.store);

  probe_note(&steps, "wake", probe_median(&wakes));
  probe_note(&steps, "store", file_size(args[1]));
  remove_store(args[1]);
  free(wakes.samples);
  return probe_print(&steps, "us", "1", torpor_version());
}
