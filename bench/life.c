/* SPDX-License-Identifier: MIT */
/* life.c - what a step and a wake cost a run that has lived for long, beside a
 * young one.
 *
 *   bench-life STORE PROGRAM STEP SAMPLES
 *
 * Drives a run of PROGRAM, which must wait again and again, to step STEP, and
 * one in a store of its own to step 10. Then it measures by turns, SAMPLES
 * each: wakes, each by a new worker, from adding the run to the next step that
 * is committed; and steps of one worker, by the hundred.
 *
 * Prints microseconds a step of the old run (see probe.h), with "wake", the
 * median microseconds of a wake, and "store", the bytes of the store when it is
 * closed at the end; and the same of the young one: "early", "early_wake" and
 * "early_store". STORE should lie where syncing costs nothing: what is measured
 * is not the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/probe.h"
#include "torpor-run.h"

enum { EARLY_STEP = 10, BLOCK = 100, PATH_SIZE = 4096 };

struct life {
  char path[PATH_SIZE];
  torpor_store *store;
  torpor_worker *worker;
  char id[TORPOR_RUN_ID_SIZE];
  int64_t until;       /* the step to stop at */
  struct probe *probe; /* gets the time of each step; NULL: none */
  double last;         /* when the last one was committed */
  struct probe wakes, steps;
};

static void on_event(void *user, const torpor_event *event) {
  struct life *life = user;
  if (event->kind == TORPOR_EVENT_ERROR || event->kind == TORPOR_EVENT_ENDED)
    probe_fail("the run ended: %s", event->text != NULL ? event->text : "");
  if (event->kind != TORPOR_EVENT_COMMIT) return;
  double now = probe_now();
  if (life->probe != NULL && life->last > 0)
    probe_add(life->probe, now - life->last);
  life->last = now;
  if (event->step >= life->until) torpor_worker_stop(life->worker);
}

static void check_status(const struct life *life, torpor_status status,
                         const char *what) {
  if (status != TORPOR_OK)
    probe_fail("%s: %s: %s", what, torpor_status_name(status),
               life->store != NULL ? torpor_store_error(life->store) : "");
}

/* Drives the run by a new worker for 'steps' more. */
static void drive(struct life *life, int64_t steps, struct probe *probe) {
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = on_event;
  options.user = life;
  life->until += steps;
  life->probe = probe;
  life->last = 0;
  check_status(life, torpor_worker_open(life->store, &options, &life->worker),
               "opening a worker");
  check_status(life, torpor_worker_add(life->worker, life->id), "adding a run");
  check_status(life, torpor_worker_run(life->worker), "working");
  torpor_worker_close(life->worker);
}

static void wake(struct life *life) {
  double start = probe_now();
  drive(life, 1, NULL);
  probe_add(&life->wakes, life->last - start);
}

static void remove_file(const char *path, const char *suffix) {
  char name[PATH_SIZE + 16];
  snprintf(name, sizeof name, "%s%s", path, suffix);
  unlink(name);
}

static void remove_store(const char *path) {
  remove_file(path, "");
  remove_file(path, "-wal");
  remove_file(path, "-shm");
  remove_file(path, "-locks");
}

static void begin(struct life *life, const char *path, const char *suffix,
                  const char *program, int64_t step) {
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = program;
  snprintf(life->path, sizeof life->path, "%s%s", path, suffix);
  remove_store(life->path);
  check_status(life, torpor_store_open(life->path, NULL, &life->store), path);
  check_status(life, torpor_run_add(life->store, &options, life->id), program);
  drive(life, step, NULL);
}

/* The bytes of its store. */
static double end(struct life *life) {
  struct stat facts;
  torpor_store_close(life->store);
  if (stat(life->path, &facts) != 0) probe_fail("%s is not there", life->path);
  remove_store(life->path);
  return (double)facts.st_size;
}

int main(int count, char **args) {
  static struct life old, young;
  if (count != 5) probe_fail("usage: bench-life STORE PROGRAM STEP SAMPLES");
  const int samples = atoi(args[4]);
  begin(&old, args[1], "", args[2], strtoll(args[3], NULL, 10));
  begin(&young, args[1], "-early", args[2], EARLY_STEP);
  for (int i = 0; i < samples; i++) {
    wake(&old);
    wake(&young);
  }
  for (int i = 0; i < samples; i += BLOCK) {
    drive(&old, BLOCK + 1, &old.steps); /* the first is the wake */
    drive(&young, BLOCK + 1, &young.steps);
  }
  probe_note(&old.steps, "wake", probe_median(&old.wakes));
  probe_note(&old.steps, "store", end(&old));
  probe_note(&old.steps, "early", probe_median(&young.steps));
  probe_note(&old.steps, "early_wake", probe_median(&young.wakes));
  probe_note(&old.steps, "early_store", end(&young));
  free(old.wakes.samples);
  free(young.wakes.samples);
  free(young.steps.samples);
  return probe_print(&old.steps, "us", "1", torpor_version());
}
