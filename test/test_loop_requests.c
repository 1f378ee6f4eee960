/* SPDX-License-Identifier: MIT */
/* test_loop_requests.c - the drivers of files and connections are asked for
 * nonsense, cancelled at any moment, and leave nothing open. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "torpor-loop.h"

#include "test/support/file.h"

struct fixture {
  char folder[64];
  torpor_loop *loop;
  torpor_access *access;
  torpor_world *world;
  int files; /* that were open before */
  int started, done, resolved;
  char said[512]; /* the last error, as JSON */
};

static int open_files(void) {
  DIR *folder = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

static void open_world(struct fixture *fixture) {
  torpor_world_options options = TORPOR_WORLD_OPTIONS_INIT;
  options.access = fixture->access;
  assert_int_equal(torpor_loop_open(NULL, &fixture->loop), TORPOR_OK);
  assert_int_equal(torpor_world_open(fixture->loop, &options, &fixture->world),
                   TORPOR_OK);
}

static void close_world(struct fixture *fixture) {
  torpor_world_close(fixture->world);
  torpor_loop_close(fixture->loop);
}

static int set_up(void **state) {
  struct fixture *fixture = calloc(1, sizeof(*fixture));
  assert_non_null(fixture);
  strcpy(fixture->folder, "/tmp/torpor-requests-XXXXXX");
  assert_non_null(mkdtemp(fixture->folder));
  assert_int_equal(torpor_access_open(fixture->folder, &fixture->access),
                   TORPOR_OK);
  for (int i = 0; i < 2; i++)
    assert_int_equal(torpor_access_allow(fixture->access,
                                         i ? TORPOR_READ : TORPOR_WRITE,
                                         fixture->folder),
                     TORPOR_OK);
  assert_int_equal(
      torpor_access_allow(fixture->access, TORPOR_NET, "127.0.0.1"), TORPOR_OK);
  assert_int_equal(torpor_access_allow(fixture->access, TORPOR_NET, "unix:s"),
                   TORPOR_OK);
  /* libuv keeps a pipe for signals from its first loop on. */
  assert_int_equal(torpor_loop_open(NULL, &fixture->loop), TORPOR_OK);
  torpor_loop_close(fixture->loop);
  fixture->files = open_files();
  open_world(fixture);
  *state = fixture;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *fixture = *state;
  char command[128];
  close_world(fixture);
  assert_int_equal(open_files(), fixture->files);
  torpor_access_close(fixture->access);
  snprintf(command, sizeof(command), "rm -rf '%s'", fixture->folder);
  free(fixture);
  return system(command);
}

static void keep(void *user, torpor_task *task, torpor_outcome outcome,
                 const void *data, size_t size) {
  struct fixture *fixture = user;
  torpor_bytes json = {0};
  (void)task;
  fixture->done++;
  if (outcome == TORPOR_RESOLVE) fixture->resolved++;
  if (torpor_cbor_to_json(data, size, &json) == TORPOR_OK)
    snprintf(fixture->said, sizeof(fixture->said), "%s", (char *)json.data);
  torpor_bytes_free(&json);
}

static torpor_task *start_bytes(struct fixture *fixture, const char *kind,
                                const void *request, size_t size, bool woken) {
  torpor_operation operation = {.size = sizeof(torpor_operation),
                                .id = 1,
                                .kind = kind,
                                .request = request,
                                .request_size = size,
                                .woken = woken};
  torpor_task *task;
  assert_int_equal(torpor_loop_start(fixture->loop, &operation, fixture->world,
                                     keep, fixture, &task),
                   TORPOR_OK);
  fixture->started++;
  return task;
}

static torpor_task *start(struct fixture *fixture, const char *kind,
                          const char *json, bool woken) {
  torpor_bytes request;
  assert_int_equal(torpor_json_to_cbor(json, strlen(json), &request),
                   TORPOR_OK);
  torpor_task *task =
      start_bytes(fixture, kind, request.data, request.size, woken);
  torpor_bytes_free(&request);
  return task;
}

/* Whether it was resolved. */
static bool works(struct fixture *fixture, const char *kind, const char *json) {
  int resolved = fixture->resolved;
  start(fixture, kind, json, false);
  assert_int_equal(torpor_loop_run(fixture->loop), TORPOR_OK);
  assert_int_equal(fixture->done, fixture->started);
  return fixture->resolved > resolved;
}

static void fails(struct fixture *fixture, const char *kind, const char *json,
                  const char *text) {
  assert_false(works(fixture, kind, json));
  if (strstr(fixture->said, text) == NULL)
    fail_msg("%s %s: %s, not %s", kind, json, fixture->said, text);
}

/* A request of each kind that can be done; 'lost': not again after waking. */
static const struct {
  const char *kind, *json;
  bool lost;
} requests[] = {
    {"file-append", "{\"path\": \"a\", \"data\": \"xyz\"}", true},
    {"file-write", "{\"path\": \"a\", \"data\": \"xyz\"}", false},
    {"file-read", "{\"path\": \"a\"}", false},
    {"file-stat", "{\"path\": \"a\", \"link\": true}", false},
    {"file-list", "{\"path\": \".\", \"after\": \"b\", \"largest\": 3}", false},
    {"file-make-folder", "{\"path\": \"d/e\", \"recursive\": true}", false},
    {"file-make-folder", "{\"path\": \"e\", \"mode\": 448}", true},
    {"file-make-temporary", "{\"path\": \"d\", \"prefix\": \"p\"}", false},
    {"file-copy", "{\"path\": \"a\", \"to\": \"b\"}", false},
    {"file-rename", "{\"path\": \"b\", \"to\": \"c\"}", true},
    {"file-link", "{\"path\": \"a\", \"to\": \"l\"}", true},
    {"file-symlink", "{\"target\": \"a\", \"path\": \"s\"}", true},
    {"file-read-link", "{\"path\": \"s\"}", false},
    {"file-real-path", "{\"path\": \"s\"}", false},
    {"file-mode", "{\"path\": \"a\", \"mode\": 420}", false},
    {"file-times", "{\"path\": \"a\", \"accessed\": 1, \"modified\": -1}",
     false},
    {"file-open",
     "{\"fd\": 5, \"path\": \"a\", \"read\": true, \"write\": "
     "true, \"create\": true, \"mode\": 420}",
     false},
    {"file-open",
     "{\"fd\": 6, \"path\": \"x\", \"write\": true, \"exclusive\": true}",
     true},
    {"file-put", "{\"fd\": 5, \"at\": 1, \"data\": \"xyz\"}", true},
    {"file-get", "{\"fd\": 5, \"at\": 1, \"largest\": 2}", false},
    {"file-truncate", "{\"fd\": 5, \"size\": 2}", true},
    {"file-sync", "{\"fd\": 5}", true},
    {"file-look", "{\"fd\": 5}", false},
    {"watch", "{\"fd\": 7, \"path\": \".\"}", false},
    {"listen", "{\"fd\": 8, \"host\": \"127.0.0.1\", \"port\": 0}", false},
    {"listen", "{\"fd\": 9, \"path\": \"s.sock\"}", false},
    {"connect", "{\"fd\": 10, \"path\": \"s.sock\"}", false},
    {"descriptor-next", "{\"fd\": 9, \"connection\": 11}", true},
    {"socket-set", "{\"fd\": 10, \"noDelay\": 1, \"keepAlive\": 5}", false},
    {"descriptor-write", "{\"fd\": 10, \"data\": \"xyz\"}", true},
    {"descriptor-end", "{\"fd\": 10}", true},
    {"descriptor-read", "{\"fd\": 11, \"largest\": 2}", true},
    {"descriptor-close", "{\"fd\": 5}", false},
    {"file-remove", "{\"path\": \"d\", \"recursive\": true, \"force\": true}",
     false},
    {"file-remove", "{\"path\": \"l\"}", true},
};
enum { REQUESTS = sizeof(requests) / sizeof(*requests) };

static void each_works(void **state) {
  struct fixture *fixture = *state;
  assert_int_equal(
      torpor_access_allow(fixture->access, TORPOR_NET, "unix:s.sock"),
      TORPOR_OK);
  for (size_t i = 0; i < REQUESTS; i++)
    if (!works(fixture, requests[i].kind, requests[i].json))
      fail_msg("%s %s: %s", requests[i].kind, requests[i].json, fixture->said);
}

static void waking_is_as_documented(void **state) {
  struct fixture *fixture = *state;
  for (size_t i = 0; i < REQUESTS; i++) {
    torpor_bytes request;
    assert_int_equal(torpor_json_to_cbor(requests[i].json,
                                         strlen(requests[i].json), &request),
                     TORPOR_OK);
    torpor_operation operation = {.size = sizeof(torpor_operation),
                                  .id = 1,
                                  .kind = requests[i].kind,
                                  .request = request.data,
                                  .request_size = request.size,
                                  .woken = true};
    torpor_waking waking = torpor_loop_waking(fixture->loop, &operation);
    if ((waking == TORPOR_LOST) != requests[i].lost)
      fail_msg("%s %s", requests[i].kind, requests[i].json);
    torpor_bytes_free(&request);
    if (!requests[i].lost) continue;
    start(fixture, requests[i].kind, requests[i].json, true);
    assert_int_equal(torpor_loop_run(fixture->loop), TORPOR_OK);
    assert_non_null(strstr(fixture->said, "LOST"));
  }
  assert_int_equal(fixture->done, fixture->started);
  assert_int_equal(fixture->resolved, 0);
}

static void wrong_requests_are_refused(void **state) {
  struct fixture *fixture = *state;
  static const char *const wrong[] = {
      "null",
      "[]",
      "{}",
      "{\"path\": 1, \"fd\": \"x\"}",
      "{\"path\": \"\", \"to\": \"\"}",
      "{\"fd\": -1, \"host\": \"x\", \"port\": -1}",
      "{\"fd\": 1.5, \"host\": \"x\", \"port\": 1.5}",
      "{\"fd\": 9007199254740993, \"at\": 1e300}",
      "{\"path\": \"a\\u0000b\", \"to\": \"c\"}",
      "{\"fd\": 3, \"path\": \"/etc/passwd\", \"to\": \"/etc/passwd\", "
      "\"read\": true, \"target\": \"x\", \"data\": \"x\", \"mode\": 1, "
      "\"accessed\": 1, \"modified\": 1}",
  };
  for (size_t i = 0; i < REQUESTS; i++)
    for (size_t j = 0; j < sizeof(wrong) / sizeof(*wrong); j++) {
      bool resolved = works(fixture, requests[i].kind, wrong[j]);
      /* The folder for temporary files is not allowed; closing what is not open
       * is no failure. */
      if (resolved && strcmp(requests[i].kind, "descriptor-close") != 0)
        fail_msg("%s %s: %s", requests[i].kind, wrong[j], fixture->said);
    }
  fails(fixture, "file-mode", "{\"path\": \".\", \"mode\": 2048}", "0o777");
  fails(fixture, "file-make-temporary",
        "{\"path\": \".\", \"prefix\": \"a/b\"}", "slash");
  fails(fixture, "file-open", "{\"fd\": 3, \"path\": \"a\"}", "read or write");
  fails(fixture, "file-times",
        "{\"path\": \".\", \"accessed\": 1e20, \"modified\": 1}",
        "milliseconds");
}

static void a_number_is_used_once(void **state) {
  struct fixture *fixture = *state;
  assert_true(works(fixture, "file-open",
                    "{\"fd\": 3, \"path\": \"a\", \"write\": true, \"create\": "
                    "true}"));
  fails(fixture, "file-open", "{\"fd\": 3, \"path\": \"a\", \"read\": true}",
        "in use");
  fails(fixture, "watch", "{\"fd\": 3, \"path\": \".\"}", "in use");
  fails(fixture, "listen", "{\"fd\": 3, \"host\": \"127.0.0.1\", \"port\": 0}",
        "in use");
  fails(fixture, "descriptor-read", "{\"fd\": 3}", "cannot be read");
  fails(fixture, "descriptor-next", "{\"fd\": 3}", "cannot be waited for");
  fails(fixture, "socket-set", "{\"fd\": 3}", "LOST");
}

/* Requests with bytes changed by chance. */
static void damaged_requests_end(void **state) {
  struct fixture *fixture = *state;
  uint64_t random = 1;
  for (int round = 0; round < 6000; round++) {
    size_t which = (size_t)round % REQUESTS;
    torpor_bytes request;
    assert_int_equal(torpor_json_to_cbor(requests[which].json,
                                         strlen(requests[which].json),
                                         &request),
                     TORPOR_OK);
    for (int i = 0; i < 2; i++) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      request.data[(random >> 33) % request.size] = (uint8_t)(random >> 56);
    }
    torpor_task *task = start_bytes(fixture, requests[which].kind, request.data,
                                    request.size, false);
    int done = fixture->done;
    for (int i = 0; i < 50 && fixture->done == done; i++) {
      torpor_loop_turn(fixture->loop, false);
      if (fixture->done == done) usleep(100);
    }
    if (fixture->done == done) { /* it waits, as it may */
      torpor_task_cancel(task);
      fixture->done++;
    }
    torpor_bytes_free(&request);
  }
  assert_int_equal(fixture->done, fixture->started);
}

/* Each is cancelled 'turns' turns after its start, when it is under way, or
 * complete and not delivered. */
static void cancelling_leaves_nothing(void **state) {
  struct fixture *fixture = *state;
  for (int turns = 0; turns < 6; turns++) {
    for (size_t i = 0; i < REQUESTS; i++) {
      int done = fixture->done;
      torpor_task *task =
          start(fixture, requests[i].kind, requests[i].json, false);
      for (int turn = 0; turn < turns && fixture->done == done; turn++) {
        torpor_loop_turn(fixture->loop, false);
        usleep(50u << turn);
      }
      if (fixture->done == done) torpor_task_cancel(task);
    }
    close_world(fixture);
    assert_int_equal(open_files(), fixture->files);
    open_world(fixture);
  }
}

/* What was opened and told nobody, is closed. */
static void a_dropped_result_is_closed(void **state) {
  struct fixture *fixture = *state;
  int before = open_files();
  for (int i = 0; i < 10; i++) {
    torpor_task *task =
        start(fixture, "watch", "{\"fd\": 3, \"path\": \".\"}", false);
    torpor_task_cancel(task); /* it was complete at once */
  }
  torpor_loop_turn(fixture->loop, false);
  assert_int_equal(open_files(), before);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(each_works),
      TEST(waking_is_as_documented),
      TEST(wrong_requests_are_refused),
      TEST(a_number_is_used_once),
      TEST(damaged_requests_end),
      TEST(cancelling_leaves_nothing),
      TEST(a_dropped_result_is_closed),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
