/* SPDX-License-Identifier: MIT */
/* steps.c - Torpor's side of the rows about durable steps.
 *
 *   bench-steps STORE PROGRAM RUNS MILLISECONDS
 *
 * Makes a store with RUNS runs of PROGRAM, which must wait again and again, and
 * drives them in one worker, as anybody would through torpor-run.h. Begins to
 * measure when every run has committed twice, and prints the steps committed
 * per second (see probe.h), with what bench-sqlite has to be told so that it
 * commits rows of the same sizes in the same batches: "bytes", the mean size of
 * a state, and "batch", the mean number of steps in one transaction. The
 * transactions are counted by SQLite itself, at its commits. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/probe.h"
#include "torpor-run.h"

static struct bench {
  torpor_worker *worker;
  double ms, start, end;
  long warm;                /* steps before measuring begins */
  long steps, transactions; /* while measuring */
  double bytes;             /* of all states written while measuring */
} bench;

static int count_transaction(void *user) {
  (void)user;
  bench.transactions++;
  return 0;
}

/* SQLite calls this for every connection that is opened in this process. */
static int watch_connection(sqlite3 *db, const char **error,
                            const struct sqlite3_api_routines *routines) {
  (void)error;
  (void)routines;
  sqlite3_commit_hook(db, count_transaction, NULL);
  return SQLITE_OK;
}

static void count_step(const torpor_event *event) {
  const double now = probe_now();
  if (bench.warm > 0) {
    if (--bench.warm > 0) return;
    bench.start = now;
    bench.transactions = 0;
    return;
  }
  if (bench.end > 0) return;
  bench.steps++;
  bench.bytes += (double)event->size;
  if (now - bench.start < bench.ms * 1000) return;
  bench.end = now;
  torpor_worker_stop(bench.worker);
}

static void on_event(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_COMMIT) count_step(event);
  if (event->kind == TORPOR_EVENT_ERROR)
    probe_fail("run %s: %s", event->run, event->text);
  if (event->kind == TORPOR_EVENT_ENDED)
    probe_fail("run %s ended: %s", event->run,
               torpor_run_state_name(event->state));
}

static void check_status(torpor_status status, torpor_store *store,
                         const char *what) {
  if (status != TORPOR_OK)
    probe_fail("%s: %s: %s", what, torpor_status_name(status),
               torpor_store_error(store));
}

static void remove_file(const char *path, const char *suffix) {
  char name[4096];
  snprintf(name, sizeof name, "%s%s", path, suffix);
  unlink(name);
}

static torpor_store *open_store(const char *path) {
  remove_file(path, "");
  remove_file(path, "-wal");
  remove_file(path, "-shm");
  sqlite3_auto_extension((void (*)(void))watch_connection);
  torpor_store *store = NULL;
  check_status(torpor_store_open(path, NULL, &store), NULL, path);
  return store;
}

static void add_runs(torpor_store *store, const char *program, int count) {
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  options.file = program;
  for (int i = 0; i < count; i++) {
    char id[TORPOR_RUN_ID_SIZE];
    check_status(torpor_run_add(store, &options, id), store, program);
    check_status(torpor_worker_add(bench.worker, id), store, id);
  }
}

int main(int count, char **args) {
  const int runs = count == 5 ? atoi(args[3]) : 0;
  if (runs < 1)
    probe_fail("usage: bench-steps STORE PROGRAM RUNS MILLISECONDS");
  bench.ms = strtod(args[4], NULL);
  bench.warm = 2L * runs;

  torpor_store *store = open_store(args[1]);
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = on_event;
  check_status(torpor_worker_open(store, &options, &bench.worker), store,
               "opening a worker");
  add_runs(store, args[2], runs);
  check_status(torpor_worker_run(bench.worker), store, "working");
  torpor_worker_close(bench.worker);
  torpor_store_close(store);

  if (bench.steps == 0 || bench.transactions == 0)
    probe_fail("nothing was committed");
  const double steps = (double)bench.steps;
  struct probe probe = {0};
  probe_add(&probe, steps * 1e6 / (bench.end - bench.start));
  probe_note(&probe, "bytes", bench.bytes / steps);
  probe_note(&probe, "batch", steps / (double)bench.transactions);
  return probe_print(&probe, "steps/s", "1", torpor_version());
}
