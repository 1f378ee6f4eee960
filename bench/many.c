/* SPDX-License-Identifier: MIT */
/* many.c - Torpor's side of the rows about a great number of sleeping runs.
 *
 *   bench-many STORE PROGRAM RUNS
 *
 * Makes a store with RUNS runs of PROGRAM (programs/many.mjs), a thousand in a
 * transaction, and lets one worker put all of them to sleep, as anybody would
 * through torpor-run.h. Then it wakes a tenth of them by signals; makes the
 * last tenth, which sleep until a time, and wakes those by it; each time in a
 * worker that has just been started. At last it lets a worker be killed, and
 * the next one answer a signal.
 *
 * Prints the runs made per second (see probe.h), and as notes: "sleep",
 * "signal", "wake" and "time", runs per second that were put to sleep, sent a
 * signal, woken by it, and by time; "memory", what the process takes once all
 * sleep, in KB; "bytes" of the store for each run; "takeover", milliseconds
 * from the start of a worker, after the one before was killed, to the first
 * commit. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/probe.h"
#include "torpor-run.h"

enum { BATCH = 1000, SHARE = 10 };

static struct bench {
  const char *path, *program;
  int runs;
  double at_ms; /* until when those that are made now sleep first; 0: not */
  torpor_store *store;
  torpor_worker *worker;
  long left;     /* commits until the worker is stopped */
  double memory; /* bytes of this process alone, then */
} bench;

static void check(torpor_status status, const char *what) {
  if (status != TORPOR_OK)
    probe_fail("%s: %s: %s", what, torpor_status_name(status),
               torpor_store_error(bench.store));
}

static double wall_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- The store -----------------------------------------------------------*/

static void remove_store(void) {
  static const char *const endings[] = {"", "-wal", "-shm", "-locks"};
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    char name[4096];
    snprintf(name, sizeof name, "%s%s", bench.path, endings[i]);
    unlink(name);
  }
}

static void open_store(void) {
  bench.store = NULL;
  check(torpor_store_open(bench.path, NULL, &bench.store), bench.path);
}

static void close_store(void) {
  torpor_store_close(bench.store);
  bench.store = NULL;
}

static torpor_bytes make_input(void) {
  char json[64];
  torpor_bytes cbor;
  int size = snprintf(json, sizeof json, "{\"at\": %.0f}", bench.at_ms);
  check(torpor_json_to_cbor(json, (size_t)size, &cbor), "an input");
  return cbor;
}

static void make_batch(const torpor_run_options *options, int first,
                       int count) {
  torpor_slice inputs[BATCH];
  torpor_bytes owned[BATCH];
  torpor_run_batch batch = TORPOR_RUN_BATCH_INIT;
  for (int i = 0; i < count; i++) {
    owned[i] = make_input();
    inputs[i] = (torpor_slice){.data = owned[i].data, .size = owned[i].size};
  }
  batch.inputs = inputs;
  batch.count = (size_t)count;
  batch.first = (uint64_t)first;
  check(torpor_run_add_many(bench.store, options, &batch, NULL, NULL),
        "making runs");
  for (int i = 0; i < count; i++) torpor_bytes_free(&owned[i]);
}

static void make_runs(int first, int last) {
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = bench.program;
  options.id = "r";
  for (; first <= last; first += BATCH) {
    int left = last - first + 1;
    make_batch(&options, first, left < BATCH ? left : BATCH);
  }
}

/* To some that have no time to sleep until. */
static void send_signals(int count) {
  for (int i = 0; i < count; i++) {
    char id[TORPOR_RUN_ID_SIZE];
    snprintf(id, sizeof id, "r-%d", i * (SHARE - 1) + 1);
    check(torpor_run_signal(bench.store, id, "go", NULL, 0), id);
  }
}

/* ---- Workers -------------------------------------------------------------*/

static void on_event(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_ERROR)
    probe_fail("run %s: %s", event->run, event->text);
  if (event->kind == TORPOR_EVENT_ENDED)
    probe_fail("run %s ended: %s", event->run,
               torpor_run_state_name(event->state));
  if (event->kind != TORPOR_EVENT_COMMIT || --bench.left != 0) return;
  bench.memory = probe_private_memory();
  torpor_worker_stop(bench.worker);
}

/* Drives the store until there were so many steps; microseconds. */
static double drive(long steps) {
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = on_event;
  bench.left = steps;
  const double start = probe_now();
  check(torpor_worker_open(bench.store, &options, &bench.worker), "a worker");
  check(torpor_worker_add(bench.worker, NULL), "a worker");
  check(torpor_worker_run(bench.worker), "working");
  const double end = probe_now();
  torpor_worker_close(bench.worker);
  return end - start;
}

/* A worker that answers one signal, and is killed while it waits for more. */
static void kill_worker(void) {
  close_store();
  pid_t child = fork();
  if (child == 0) {
    open_store();
    drive(2); /* the second never comes */
    _exit(0);
  }
  open_store();
  send_signals(1);
  sleep(1);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

static void wait_until_at(void) {
  while (wall_ms() < bench.at_ms) usleep(10000);
}

static double size_of_store(void) {
  struct stat found;
  if (stat(bench.path, &found) != 0) probe_fail("%s is gone", bench.path);
  return (double)found.st_size;
}

int main(int count, char **args) {
  bench.runs = count == 4 ? atoi(args[3]) : 0;
  if (bench.runs < SHARE * SHARE)
    probe_fail("usage: bench-many STORE PROGRAM RUNS");
  bench.path = args[1];
  bench.program = args[2];
  const int share = bench.runs / SHARE, first = bench.runs - share;
  struct probe probe = {0};

  remove_store();
  open_store();
  double start = probe_now();
  make_runs(1, first);
  probe_add(&probe, first * 1e6 / (probe_now() - start));
  probe_note(&probe, "sleep", first * 1e6 / drive(first));
  probe_note(&probe, "memory", bench.memory / 1024);
  close_store(); /* all of it goes to the file */
  probe_note(&probe, "bytes", size_of_store() / first);
  open_store();
  start = probe_now();
  send_signals(share);
  probe_note(&probe, "signal", share * 1e6 / (probe_now() - start));
  probe_note(&probe, "wake", share * 1e6 / drive(share));
  bench.at_ms = wall_ms() + 5e3 + 2.0 * share;
  make_runs(first + 1, bench.runs);
  drive(share);
  if (wall_ms() > bench.at_ms) probe_fail("this machine is too slow");
  wait_until_at();
  probe_note(&probe, "time", share * 1e6 / drive(share));
  kill_worker();
  send_signals(1);
  probe_note(&probe, "takeover", drive(1) / 1e3);
  close_store();
  remove_store();
  return probe_print(&probe, "runs/s", "1", torpor_version());
}
