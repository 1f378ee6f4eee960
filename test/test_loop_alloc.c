/* SPDX-License-Identifier: MIT */
/* test_loop_alloc.c - every allocation of the loop fails once.
 *
 * ctest: slow nosanitize
 *
 * See failing-malloc.h. Each time nothing may crash, nothing may leak, and what
 * reports success must have happened. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "support/failing-malloc.h"
#include "torpor-loop.h"

/* ---- The scene -----------------------------------------------------------*/

static char folder[] = "/tmp/torpor-alloc-XXXXXX";

struct stage {
  torpor_loop *loop;
  torpor_access *access;
  torpor_world *world;
  int started, done, rejected, rung;
};

static void count_done(void *user, torpor_task *task, torpor_outcome outcome,
                       const void *data, size_t size) {
  struct stage *stage = user;
  (void)task, (void)data, (void)size;
  stage->done++;
  if (outcome == TORPOR_REJECT) stage->rejected++;
}

static void count_ring(void *user) {
  ((struct stage *)user)->rung++;
}

static void start(struct stage *stage, const char *kind, const char *json) {
  torpor_bytes request = {0};
  torpor_task *task;
  if (torpor_json_to_cbor(json, strlen(json), &request) != TORPOR_OK) return;
  torpor_operation operation = {.size = sizeof(torpor_operation),
                                .id = 1,
                                .kind = kind,
                                .request = request.data,
                                .request_size = request.size};
  torpor_status status = torpor_loop_start(
      stage->loop, &operation, stage->world, count_done, stage, &task);
  assert_true(status == TORPOR_OK || status == TORPOR_NOMEM);
  if (status == TORPOR_OK) stage->started++;
  torpor_bytes_free(&request);
}

static void play_access(struct stage *stage) {
  torpor_bytes text;
  torpor_access *again;
  torpor_access_allow(stage->access, TORPOR_READ, folder);
  torpor_access_allow(stage->access, TORPOR_WRITE, NULL);
  torpor_access_allow(stage->access, TORPOR_RUN, "/bin/echo");
  torpor_access_allow(stage->access, TORPOR_NET, "127.0.0.1");
  torpor_access_allow(stage->access, TORPOR_NET, "unix:sock");
  if (torpor_access_write(stage->access, &text) != TORPOR_OK) return;
  if (torpor_access_read((char *)text.data, text.size, &again) == TORPOR_OK)
    torpor_access_close(again);
  torpor_bytes_free(&text);
}

/* A process that writes to a pipe, which is read. */
static void play_process(struct stage *stage) {
  start(stage, "process",
        "{\"fd\": 3, \"file\": \"/bin/echo\", \"args\": [\"x\"], \"env\": "
        "[\"A=1\"], \"stdio\": [\"null\", 4, \"null\"]}");
  assert_int_equal(torpor_loop_run(stage->loop), TORPOR_OK);
  start(stage, "descriptor-read", "{\"fd\": 4}");
  start(stage, "descriptor-next", "{\"fd\": 3}");
  assert_int_equal(torpor_loop_run(stage->loop), TORPOR_OK);
  start(stage, "descriptor-close", "{\"fd\": 3}");
  assert_int_equal(torpor_loop_run(stage->loop), TORPOR_OK);
}

/* Starts an operation and runs to its end; whether it was resolved. */
static bool works(struct stage *stage, const char *kind, const char *json) {
  int started = stage->started, rejected = stage->rejected;
  start(stage, kind, json);
  assert_int_equal(torpor_loop_run(stage->loop), TORPOR_OK);
  return stage->started > started && stage->rejected == rejected;
}

static void play_names(struct stage *stage) {
  works(stage, "file-append", "{\"path\": \"a\", \"data\": \"x\"}");
  works(stage, "file-stat", "{\"path\": \"a\"}");
  works(stage, "file-make-folder", "{\"path\": \"d/e\", \"recursive\": true}");
  works(stage, "file-make-temporary", "{\"path\": \"d\"}");
  works(stage, "file-copy", "{\"path\": \"a\", \"to\": \"d/c\"}");
  works(stage, "file-rename", "{\"path\": \"d/c\", \"to\": \"d/b\"}");
  works(stage, "file-link", "{\"path\": \"a\", \"to\": \"d/l\"}");
  works(stage, "file-symlink", "{\"target\": \"../a\", \"path\": \"d/s\"}");
  works(stage, "file-read-link", "{\"path\": \"d/s\"}");
  works(stage, "file-real-path", "{\"path\": \"d/s\"}");
  works(stage, "file-mode", "{\"path\": \"a\", \"mode\": 384}");
  works(stage, "file-times",
        "{\"path\": \"a\", \"accessed\": 1, \"modified\": 2}");
  works(stage, "file-list", "{\"path\": \"d\", \"largest\": 2}");
  works(stage, "file-stat", "{\"path\": \"none/../x\"}"); /* rejected */
  while (!works(stage, "file-remove",
                "{\"path\": \"d\", \"recursive\": true, \"force\": true}"))
    continue;
}

static void play_open_file(struct stage *stage) {
  works(stage, "file-open",
        "{\"fd\": 5, \"path\": \"a\", \"read\": true, \"write\": true}");
  works(stage, "file-put", "{\"fd\": 5, \"at\": 0, \"data\": \"xyz\"}");
  works(stage, "file-get", "{\"fd\": 5, \"at\": 1}");
  works(stage, "file-truncate", "{\"fd\": 5, \"size\": 1}");
  works(stage, "file-sync", "{\"fd\": 5}");
  works(stage, "file-look", "{\"fd\": 5}");
  works(stage, "descriptor-close", "{\"fd\": 5}");
  if (works(stage, "watch", "{\"fd\": 6, \"path\": \"a\"}") &&
      works(stage, "file-append", "{\"path\": \"a\", \"data\": \"x\"}"))
    works(stage, "descriptor-next", "{\"fd\": 6}");
}

static void play_net(struct stage *stage) {
  works(stage, "listen", "{\"fd\": 10, \"host\": \"127.0.0.1\", \"port\": 0}");
  works(stage, "connect",
        "{\"fd\": 11, \"host\": \"127.0.0.1\", \"port\": 1}"); /* rejected */
  if (works(stage, "listen", "{\"fd\": 7, \"path\": \"sock\"}") &&
      works(stage, "connect", "{\"fd\": 8, \"path\": \"sock\"}") &&
      works(stage, "descriptor-next", "{\"fd\": 7, \"connection\": 9}") &&
      works(stage, "descriptor-write", "{\"fd\": 8, \"data\": \"x\"}"))
    works(stage, "descriptor-read", "{\"fd\": 9}");
  works(stage, "socket-set", "{\"fd\": 8, \"noDelay\": 1}");
}

static void play_loop(struct stage *stage) {
  torpor_alarm *alarm;
  torpor_bytes source;
  torpor_loader *loader;
  int alarms = 0;
  start(stage, "file-write", "{\"path\": \"f\", \"data\": \"x\"}");
  start(stage, "timer", "null");
  start(stage, "teleport", "null");
  start(stage, "file-read", "{\"path\": \"/etc/passwd\"}");
  if (torpor_alarm_open(stage->loop, 0, count_ring, stage, &alarm) == TORPOR_OK)
    alarms++;
  assert_int_equal(torpor_loop_run(stage->loop), TORPOR_OK);
  start(stage, "file-read", "{\"path\": \"f\"}");
  assert_int_equal(torpor_loop_run(stage->loop), TORPOR_OK);
  assert_int_equal(stage->rung, alarms);
  torpor_status status =
      torpor_loader_open("f", stage->access, &loader, &source);
  if (status != TORPOR_NOMEM) assert_non_null(torpor_loader_error(loader));
  torpor_bytes_free(&source);
  torpor_loader_close(loader);
}

static void play_first(struct stage *stage) {
  play_loop(stage);
  play_process(stage);
}

typedef void (*scene)(struct stage *stage);

static void play(struct stage *stage, scene scene) {
  if (torpor_loop_open(NULL, &stage->loop) != TORPOR_OK) return;
  if (torpor_access_open(folder, &stage->access) == TORPOR_OK) {
    torpor_world_options options = TORPOR_WORLD_OPTIONS_INIT;
    options.access = stage->access;
    play_access(stage);
    if (torpor_world_open(stage->loop, &options, &stage->world) == TORPOR_OK)
      scene(stage);
    assert_int_equal(stage->done, stage->started);
  }
  torpor_world_close(stage->world);
  torpor_loop_close(stage->loop);
  torpor_access_close(stage->access);
}

/* Plays 'scene' with each allocation failing in turn, and then with none, when
 * so many tasks are started and rejected. */
static void fail_each(scene scene, int started, int rejected) {
  struct stage stage = {0};
  long failed = 0;
  play(&stage, scene); /* the threads of libuv's pool are made, and stay */
  do {
    stage = (struct stage){0};
    begin_failing(failed);
    play(&stage, scene);
    assert_nothing_is_left(failed);
    failed++;
  } while (has_failed());
  assert_true(failed > 40);
  assert_int_equal(stage.started, started);
  assert_int_equal(stage.rejected, rejected);
}

static void every_failed_allocation_is_survived(void **state) {
  (void)state;
  fail_each(play_first, 9, 2);
}

static void so_are_those_of_names(void **state) {
  (void)state;
  fail_each(play_names, 15, 1);
}

static void so_are_those_of_open_files(void **state) {
  (void)state;
  fail_each(play_open_file, 10, 0);
}

static void so_are_those_of_connections(void **state) {
  (void)state;
  fail_each(play_net, 8, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_failed_allocation_is_survived),
      cmocka_unit_test(so_are_those_of_names),
      cmocka_unit_test(so_are_those_of_open_files),
      cmocka_unit_test(so_are_those_of_connections),
  };
  if (!spare_libuv() || mkdtemp(folder) == NULL || chdir(folder) != 0) return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink("f");
  unlink("a");
  return chdir("/") != 0 || rmdir(folder) != 0 ? 1 : failed;
}
