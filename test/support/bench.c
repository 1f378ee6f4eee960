/* SPDX-License-Identifier: MIT */
/* bench.c - a store with runs and a worker. See bench.h. */
#include "support/bench.h"
#include "test/support/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct run_bench run_bench;

static struct {
  torpor_worker *worker;
  int64_t until;
} drive;

static struct {
  torpor_run_info info;
  char id[TORPOR_RUN_ID_SIZE], parent[TORPOR_RUN_ID_SIZE], reason[512];
  char access[512];
  char value[4096];
} seen;

static void need(torpor_status status) {
  if (status != TORPOR_OK)
    fail_msg("%s: %s", torpor_status_name(status),
             torpor_store_error(run_bench.store));
}

int run_bench_open(void **state) {
  (void)state;
  memset(&run_bench, 0, sizeof run_bench);
  snprintf(run_bench.folder, sizeof run_bench.folder,
           "/tmp/torpor-runs-XXXXXX");
  if (mkdtemp(run_bench.folder) == NULL) return -1;
  snprintf(run_bench.file, sizeof run_bench.file, "%s/main.mjs",
           run_bench.folder);
  snprintf(run_bench.path, sizeof run_bench.path, "%s/store", run_bench.folder);
  return torpor_store_open(run_bench.path, NULL, &run_bench.store) == TORPOR_OK
             ? 0
             : -1;
}

int run_bench_close(void **state) {
  (void)state;
  static const char *const ends[] = {"", "-wal", "-shm", "-locks"};
  torpor_store_close(run_bench.store);
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s%s", run_bench.path, ends[i]);
    unlink(path);
  }
  unlink(run_bench.file);
  return rmdir(run_bench.folder);
}

void run_bench_reopen(const uint8_t *key) {
  torpor_store_options options = TORPOR_STORE_OPTIONS_INIT;
  options.key = key;
  torpor_store_close(run_bench.store);
  assert_int_equal(
      torpor_store_open(run_bench.path, &options, &run_bench.store), TORPOR_OK);
}

void run_bench_add(const char *id, const char *source, uint64_t keep) {
  char out[TORPOR_RUN_ID_SIZE];
  torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
  test_file_write_text(run_bench.file, source);
  options.file = run_bench.file;
  options.id = id;
  options.keep = keep;
  need(torpor_run_add(run_bench.store, &options, out));
}

void run_bench_signals(const char *id, int first, int last) {
  for (int i = first; i <= last; i++) {
    char json[16];
    torpor_bytes cbor;
    int size = snprintf(json, sizeof json, "%d", i);
    assert_int_equal(torpor_json_to_cbor(json, (size_t)size, &cbor), TORPOR_OK);
    need(torpor_run_signal(run_bench.store, id, "go", cbor.data, cbor.size));
    torpor_bytes_free(&cbor);
  }
}

static void note(void *user, const torpor_event *event) {
  (void)user;
  if (event->kind == TORPOR_EVENT_ERROR) {
    run_bench.errors++;
    snprintf(run_bench.error, sizeof run_bench.error, "%s", event->text);
  }
  if (event->kind != TORPOR_EVENT_COMMIT) return;
  if (event->size > run_bench.largest) run_bench.largest = event->size;
  if (run_bench.smallest == 0 || event->size < run_bench.smallest)
    run_bench.smallest = event->size;
  if (drive.until > 0 && event->step >= drive.until)
    torpor_worker_stop(drive.worker);
}

void run_bench_drive(const char *id, int64_t until) {
  torpor_worker_options options = TORPOR_WORKER_OPTIONS_INIT;
  options.event = note;
  drive.until = until;
  need(torpor_worker_open(run_bench.store, &options, &drive.worker));
  need(torpor_worker_add(drive.worker, id));
  need(torpor_worker_run(drive.worker));
  torpor_worker_close(drive.worker);
}

static bool see(void *user, const torpor_run_info *info) {
  (void)user;
  seen.info = *info;
  snprintf(seen.id, sizeof seen.id, "%s", info->id);
  snprintf(seen.parent, sizeof seen.parent, "%s", info->parent);
  snprintf(seen.reason, sizeof seen.reason, "%s", info->reason);
  snprintf(seen.access, sizeof seen.access, "%s", info->access);
  seen.info.access = seen.access;
  seen.info.file = seen.info.engine = ""; /* not kept */
  seen.info.id = seen.id;
  seen.info.parent = seen.parent;
  seen.info.reason = seen.reason;
  seen.value[0] = '\0';
  torpor_bytes json;
  if (info->value != NULL &&
      torpor_cbor_to_json(info->value, info->value_size, &json) == TORPOR_OK) {
    snprintf(seen.value, sizeof seen.value, "%s", (char *)json.data);
    torpor_bytes_free(&json);
  }
  return true;
}

const torpor_run_info *run_bench_look(const char *id) {
  need(torpor_run_each(run_bench.store, id, see, NULL));
  return &seen.info;
}

const char *run_bench_value(const char *id) {
  run_bench_look(id);
  return seen.value;
}
