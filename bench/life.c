/* SPDX-License-Identifier: MIT */
/* life.c - what a step and a wake cost in a run that has lived long, compared
 * with a young one.
 *
 *   bench-life STORE PROGRAM STEP SAMPLES
 *
 * Drives a run of PROGRAM, which must wait again and again, to step STEP, and
 * one in a store of its own to step 10, each in a process of its own. Then they
 * are measured in turns, SAMPLES each: wakes, each by a new worker, from adding
 * the run to the next step that is committed; and steps of one worker, in
 * blocks of a hundred.
 *
 * Prints microseconds a step of the old run (see probe.h), with "wake", the
 * median microseconds of a wake, and "store", the bytes of the store when it is
 * closed at the end; and the same of the young one: "early", "early_wake" and
 * "early_store". STORE should lie where syncing costs nothing: what is measured
 * is not the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* ---- Two processes --------------------------------------------------------*/

enum { WAKE = 'w', STEPS = 's', QUIT = 'q' };

struct outcome {
  double step, wake, store;
};

struct child {
  pid_t id;
  int socket;
};

/* Does what it is told to by a letter, and answers with it. */
static void serve(struct life *life, int socket) {
  char told;
  while (read(socket, &told, 1) == 1 && told != QUIT) {
    if (told == WAKE) wake(life);
    if (told == STEPS)
      drive(life, BLOCK + 1, &life->steps); /* the first is the wake */
    if (write(socket, &told, 1) != 1) probe_fail("nobody listens");
  }
  struct outcome outcome = {.step = probe_median(&life->steps),
                            .wake = probe_median(&life->wakes),
                            .store = end(life)};
  if (write(socket, &outcome, sizeof outcome) != (ssize_t)sizeof outcome)
    probe_fail("nobody listens");
}

/* A process with a run that is at 'step'. */
static struct child start(const char *path, const char *suffix,
                          const char *program, int64_t step) {
  static struct life life;
  int ends[2];
  struct child child;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) probe_fail("no socket");
  child = (struct child){.id = fork(), .socket = ends[0]};
  if (child.id < 0) probe_fail("a process could not be started");
  if (child.id > 0) {
    close(ends[1]);
    return child;
  }
  begin(&life, path, suffix, program, step);
  serve(&life, ends[1]);
  _exit(0);
}

static void tell(const struct child *child, char what) {
  char answer;
  if (write(child->socket, &what, 1) != 1 ||
      read(child->socket, &answer, 1) != 1 || answer != what)
    probe_fail("a process failed");
}

static struct outcome ask(const struct child *child) {
  static const char quit = QUIT;
  struct outcome outcome;
  int status;
  if (write(child->socket, &quit, 1) != 1 ||
      read(child->socket, &outcome, sizeof outcome) !=
          (ssize_t)sizeof outcome ||
      waitpid(child->id, &status, 0) < 0 || status != 0)
    probe_fail("a process failed");
  return outcome;
}

int main(int count, char **args) {
  struct probe probe = {0};
  if (count != 5) probe_fail("usage: bench-life STORE PROGRAM STEP SAMPLES");
  const int samples = atoi(args[4]);
  const struct child old =
      start(args[1], "", args[2], strtoll(args[3], NULL, 10));
  const struct child young = start(args[1], "-early", args[2], EARLY_STEP);
  for (int i = 0; i < samples; i++) {
    tell(&old, WAKE);
    tell(&young, WAKE);
  }
  for (int i = 0; i < samples; i += BLOCK) {
    tell(&old, STEPS);
    tell(&young, STEPS);
  }
  const struct outcome late = ask(&old), early = ask(&young);
  probe_add(&probe, late.step);
  probe_note(&probe, "wake", late.wake);
  probe_note(&probe, "store", late.store);
  probe_note(&probe, "early", early.step);
  probe_note(&probe, "early_wake", early.wake);
  probe_note(&probe, "early_store", early.store);
  return probe_print(&probe, "us", "1", torpor_version());
}
