/* SPDX-License-Identifier: MIT */
/* test_loop_file.c - reading and writing real files, through tasks. */
#define _GNU_SOURCE /* memmem, RENAME_EXCHANGE */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "torpor-loop.h"

#include "loop/request.h"
#include "test/support/file.h"

struct fixture {
  char folder[64];
  torpor_loop *loop;
  torpor_access *access;
  torpor_world *world;
};

static void open_world(struct fixture *fixture) {
  torpor_world_options options = TORPOR_WORLD_OPTIONS_INIT;
  options.access = fixture->access;
  assert_int_equal(torpor_world_open(fixture->loop, &options, &fixture->world),
                   TORPOR_OK);
}

static int set_up(void **state) {
  struct fixture *fixture = calloc(1, sizeof(*fixture));
  assert_non_null(fixture);
  strcpy(fixture->folder, "/tmp/torpor-file-XXXXXX");
  assert_non_null(mkdtemp(fixture->folder));
  assert_int_equal(torpor_loop_open(NULL, &fixture->loop), TORPOR_OK);
  assert_int_equal(torpor_access_open(fixture->folder, &fixture->access),
                   TORPOR_OK);
  assert_int_equal(
      torpor_access_allow(fixture->access, TORPOR_READ, fixture->folder),
      TORPOR_OK);
  assert_int_equal(
      torpor_access_allow(fixture->access, TORPOR_WRITE, fixture->folder),
      TORPOR_OK);
  open_world(fixture);
  *state = fixture;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *fixture = *state;
  char command[128];
  torpor_loop_close(fixture->loop);
  torpor_access_close(fixture->access);
  snprintf(command, sizeof(command), "rm -rf '%s'", fixture->folder);
  free(fixture);
  return system(command);
}

/* ---- Helpers -------------------------------------------------------------*/

struct outcome {
  int calls;
  torpor_outcome outcome;
  uint8_t *data;
  size_t size;
};

static void keep(void *user, torpor_task *task, torpor_outcome outcome,
                 const void *data, size_t size) {
  struct outcome *kept = user;
  (void)task;
  kept->calls++;
  kept->outcome = outcome;
  kept->data = malloc(size + 1);
  kept->size = size;
  memcpy(kept->data, data, size);
  kept->data[size] = 0;
}

static torpor_task *start_bytes(struct fixture *fixture, const char *kind,
                                const void *request, size_t size,
                                struct outcome *outcome) {
  torpor_operation operation = {.size = sizeof(torpor_operation),
                                .id = 1,
                                .kind = kind,
                                .request = request,
                                .request_size = size};
  torpor_task *task;
  assert_int_equal(torpor_loop_start(fixture->loop, &operation, fixture->world,
                                     keep, outcome, &task),
                   TORPOR_OK);
  return task;
}

/* Starts 'kind' with a request in JSON. */
static torpor_task *start(struct fixture *fixture, const char *kind,
                          const char *json, struct outcome *outcome) {
  torpor_bytes request;
  assert_int_equal(torpor_json_to_cbor(json, strlen(json), &request),
                   TORPOR_OK);
  torpor_task *task =
      start_bytes(fixture, kind, request.data, request.size, outcome);
  torpor_bytes_free(&request);
  return task;
}

static struct outcome perform(struct fixture *fixture, const char *kind,
                              const char *json) {
  struct outcome outcome = {0};
  start(fixture, kind, json, &outcome);
  assert_int_equal(outcome.calls, 0);
  assert_int_equal(torpor_loop_run(fixture->loop), TORPOR_OK);
  assert_int_equal(outcome.calls, 1);
  return outcome;
}

/* That the outcome is an error with these texts in it. */
static void expect_error(struct outcome outcome, const char *code,
                         const char *text) {
  torpor_bytes json;
  assert_int_equal(outcome.outcome, TORPOR_REJECT);
  assert_int_equal(torpor_cbor_to_json(outcome.data, outcome.size, &json),
                   TORPOR_OK);
  if (strstr((char *)json.data, code) == NULL ||
      strstr((char *)json.data, text) == NULL)
    fail_msg("%s: neither %s nor %s", (char *)json.data, code, text);
  torpor_bytes_free(&json);
  free(outcome.data);
}

/* That the outcome is a Uint8Array of these bytes. */
static void expect_bytes(struct outcome outcome, const void *data,
                         size_t size) {
  assert_int_equal(outcome.outcome, TORPOR_RESOLVE);
  assert_true(outcome.size >= size + 3);
  assert_memory_equal(outcome.data, "\xd8\x40", 2);
  assert_int_equal(outcome.data[2] >> 5, 2);
  assert_memory_equal(outcome.data + outcome.size - size, data, size);
  free(outcome.data);
}

static void expect_done(struct outcome outcome) {
  assert_int_equal(outcome.outcome, TORPOR_RESOLVE);
  assert_int_equal(outcome.size, 1);
  assert_int_equal(outcome.data[0], 0xf7);
  free(outcome.data);
}

static const char *path_of(const struct fixture *fixture, const char *name) {
  static char path[128];
  snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
  return path;
}

static size_t count_files(const struct fixture *fixture) {
  char command[128];
  size_t count = 0;
  snprintf(command, sizeof(command), "ls -A '%s' | wc -l", fixture->folder);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  assert_int_equal(fscanf(pipe, "%zu", &count), 1);
  pclose(pipe);
  return count;
}

/* ---- Reading and writing -------------------------------------------------*/

static void reads_what_was_written(void **state) {
  struct fixture *fixture = *state;
  expect_done(perform(fixture, "file-write",
                      "{\"path\": \"a.txt\", \"data\": \"h\\u00e9llo\"}"));
  expect_bytes(perform(fixture, "file-read", "{\"path\": \"a.txt\"}"),
               "h\xc3\xa9llo", 6);
  expect_done(perform(fixture, "file-write",
                      "{\"data\": \"\", \"other\": [1, {\"path\": 2}], "
                      "\"path\": \"a.txt\"}"));
  expect_bytes(perform(fixture, "file-read", "{\"path\": \"a.txt\"}"), "", 0);
  assert_int_equal(count_files(fixture), 1);
}

/* The head of a byte string has five lengths; one file for each. */
static void every_length_of_head_is_right(void **state) {
  struct fixture *fixture = *state;
  static const size_t sizes[] = {23, 24, 255, 256, 65535, 65536, 3000000};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
    char *bytes = malloc(sizes[i]);
    assert_non_null(bytes);
    for (size_t j = 0; j < sizes[i]; j++) bytes[j] = (char)(j * 7 + i);
    test_file_write(path_of(fixture, "big"), bytes, sizes[i]);
    struct outcome outcome =
        perform(fixture, "file-read", "{\"path\": \"big\"}");
    size_t length = 0, head = outcome.data[2] & 31;
    size_t extra = head < 24 ? 0 : (size_t)1 << (head - 24);
    if (extra == 0) length = head;
    for (size_t j = 0; j < extra; j++)
      length = length << 8 | outcome.data[3 + j];
    assert_int_equal(length, sizes[i]);
    assert_int_equal(outcome.size, 3 + extra + sizes[i]);
    expect_bytes(outcome, bytes, sizes[i]);
    free(bytes);
  }
}

static void writes_bytes_of_a_typed_array(void **state) {
  struct fixture *fixture = *state;
  /* {"path": "b", "data": 64(h'00ff80')} */
  static const char request[] =
      "\xa2\x64path\x61"
      "b\x64"
      "data\xd8\x40\x43\x00\xff\x80";
  struct outcome outcome = {0};
  start_bytes(fixture, "file-write", request, sizeof(request) - 1, &outcome);
  assert_int_equal(torpor_loop_run(fixture->loop), TORPOR_OK);
  expect_done(outcome);
  expect_bytes(perform(fixture, "file-read", "{\"path\": \"b\"}"),
               "\x00\xff\x80", 3);
}

static void files_that_grow_while_read_are_read_whole(void **state) {
  struct fixture *fixture = *state;
  assert_int_equal(torpor_access_allow(fixture->access, TORPOR_READ, "/proc"),
                   TORPOR_OK);
  struct outcome outcome =
      perform(fixture, "file-read", "{\"path\": \"/proc/cpuinfo\"}");
  assert_int_equal(outcome.outcome, TORPOR_RESOLVE);
  assert_true(outcome.size > 100);
  free(outcome.data);
}

static void a_replaced_file_keeps_its_mode(void **state) {
  struct fixture *fixture = *state;
  struct stat found;
  test_file_write_text(path_of(fixture, "m"), "");
  assert_int_equal(chmod(path_of(fixture, "m"), 0640), 0);
  expect_done(
      perform(fixture, "file-write", "{\"path\": \"m\", \"data\": \"1\"}"));
  assert_int_equal(stat(path_of(fixture, "m"), &found), 0);
  assert_int_equal(found.st_mode & 0777, 0640);
  expect_done(
      perform(fixture, "file-write", "{\"path\": \"n\", \"data\": \"1\"}"));
  mode_t mask = umask(0);
  umask(mask);
  assert_int_equal(stat(path_of(fixture, "n"), &found), 0);
  assert_int_equal(found.st_mode & 0777, 0666 & ~mask);
}

static void a_link_is_written_through(void **state) {
  struct fixture *fixture = *state;
  struct stat found;
  expect_done(perform(fixture, "file-write",
                      "{\"path\": \"target\", \"data\": \"old\"}"));
  assert_int_equal(symlink("target", path_of(fixture, "link")), 0);
  expect_done(perform(fixture, "file-write",
                      "{\"path\": \"link\", \"data\": \"new\"}"));
  expect_bytes(perform(fixture, "file-read", "{\"path\": \"target\"}"), "new",
               3);
  assert_int_equal(lstat(path_of(fixture, "link"), &found), 0);
  assert_true(S_ISLNK(found.st_mode));
}

/* ---- What goes wrong -----------------------------------------------------*/

static void errors_have_code_and_path(void **state) {
  struct fixture *fixture = *state;
  assert_int_equal(mkdir(path_of(fixture, "folder"), 0755), 0);
  assert_int_equal(mkfifo(path_of(fixture, "pipe"), 0644), 0);
  expect_error(perform(fixture, "file-read", "{\"path\": \"missing\"}"),
               "ENOENT", "missing");
  expect_error(perform(fixture, "file-read", "{\"path\": \"folder\"}"),
               "EISDIR", "folder");
  expect_error(perform(fixture, "file-read", "{\"path\": \"pipe\"}"), "EINVAL",
               "not a regular file");
  expect_error(perform(fixture, "file-read", "{\"path\": \"/etc/passwd\"}"),
               "NotAllowedError", "--allow-read=/etc/passwd");
  expect_error(perform(fixture, "file-write",
                       "{\"path\": \"/etc/torpor-test\", \"data\": \"\"}"),
               "NotAllowedError", "--allow-write=/etc/torpor-test");
  expect_error(
      perform(fixture, "file-write", "{\"path\": \"folder\", \"data\": \"\"}"),
      "EISDIR", "folder");
  expect_error(perform(fixture, "file-write",
                       "{\"path\": \"no/such/file\", \"data\": \"\"}"),
               "ENOENT", "no/such/file");
}

static void too_large_a_file_is_refused(void **state) {
  struct fixture *fixture = *state;
  int file = open(path_of(fixture, "huge"), O_CREAT | O_WRONLY, 0644);
  assert_true(file >= 0);
  if (ftruncate(file, ((off_t)1 << 30) + 1) != 0) skip();
  close(file);
  expect_error(perform(fixture, "file-read", "{\"path\": \"huge\"}"), "EFBIG",
               "1024 MiB");
}

/* Requests come from guest code: each of these is cut short, of a wrong type,
 * or lies about a length. */
static void wrong_requests_are_rejected(void **state) {
  struct fixture *fixture = *state;
  static const struct {
    const char *bytes;
    size_t size;
  } requests[] = {
      {"", 0},
      {"\xf6", 1},
      {"\xa0", 1},
      {"\xbf\xff", 2},
      {"\xa1\x64path\x01", 7},
      {"\xa1\x64path\x41x", 8},
      {"\xa1\x64path\x63x", 8},
      {"\xa1\x64path\x7b\xff\xff\xff\xff\xff\xff\xff\xff", 15},
      {"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x64path", 14},
      {"\xa1\x64path\x63x\0y", 10},
      {"\xa1\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
      {"\xa1\x64pat", 5},
      {"\xa1\xd8", 2},
  };
  for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
    struct outcome outcome = {0};
    start_bytes(fixture, "file-read", requests[i].bytes, requests[i].size,
                &outcome);
    assert_int_equal(torpor_loop_run(fixture->loop), TORPOR_OK);
    expect_error(outcome, "TypeError", "path");
  }
  expect_error(perform(fixture, "file-write", "{\"path\": \"x\"}"), "TypeError",
               "text or bytes");
  expect_error(
      perform(fixture, "file-write", "{\"path\": \"x\", \"data\": [1]}"),
      "TypeError", "text or bytes");
  assert_int_equal(count_files(fixture), 0);
}

/* Any bytes at all: rejected or performed, never more. */
static void random_requests_do_no_harm(void **state) {
  struct fixture *fixture = *state;
  uint32_t random = 12345;
  for (int i = 0; i < 2000; i++) {
    uint8_t request[24] =
        "\xa2\x64path\x61x\x64"
        "data\x61y";
    for (int j = 0; j < 3; j++) {
      random = random * 1664525 + 1013904223;
      request[(random >> 24) % 16] = (uint8_t)(random >> 8);
    }
    struct outcome outcome = {0};
    start_bytes(fixture, "file-write", request, random >> 30 ? 16 : 12,
                &outcome);
    assert_int_equal(torpor_loop_run(fixture->loop), TORPOR_OK);
    assert_int_equal(outcome.calls, 1);
    free(outcome.data);
  }
}

/* ---- Cancelling ----------------------------------------------------------*/

static void many_files_wait_their_turn(void **state) {
  struct fixture *fixture = *state;
  enum { COUNT = 100 };
  static struct outcome outcomes[COUNT];
  memset(outcomes, 0, sizeof(outcomes));
  torpor_task *tasks[COUNT];
  expect_done(
      perform(fixture, "file-write", "{\"path\": \"f\", \"data\": \"x\"}"));
  for (int i = 0; i < COUNT; i++)
    tasks[i] = start(fixture, "file-read", "{\"path\": \"f\"}", &outcomes[i]);
  for (int i = 0; i < COUNT; i += 2) torpor_task_cancel(tasks[i]);
  assert_int_equal(torpor_loop_run(fixture->loop), TORPOR_OK);
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal(outcomes[i].calls, i % 2);
    if (i % 2 == 1) expect_bytes(outcomes[i], "x", 1);
  }
}

/* A file is the old one or the new one, whenever a write is cancelled. */
static void a_cancelled_write_is_whole_or_nothing(void **state) {
  struct fixture *fixture = *state;
  enum { SIZE = 4 << 20 };
  char *json = malloc(SIZE + 64);
  assert_non_null(json);
  int start_size = sprintf(json, "{\"path\": \"w\", \"data\": \"");
  memset(json + start_size, 'n', SIZE);
  strcpy(json + start_size + SIZE, "\"}");
  for (int i = 0; i < 20; i++) {
    struct outcome outcome = {0};
    struct stat found;
    expect_done(
        perform(fixture, "file-write", "{\"path\": \"w\", \"data\": \"o\"}"));
    torpor_task *task = start(fixture, "file-write", json, &outcome);
    usleep((useconds_t)(i * 300));
    torpor_task_cancel(task);
    torpor_loop_close(fixture->loop);
    assert_int_equal(outcome.calls, 0);
    assert_int_equal(stat(path_of(fixture, "w"), &found), 0);
    assert_true(found.st_size == 1 || found.st_size == SIZE);
    assert_int_equal(count_files(fixture), 1);
    assert_int_equal(torpor_loop_open(NULL, &fixture->loop), TORPOR_OK);
    open_world(fixture);
  }
  free(json);
}

/* ---- Links that come and go ----------------------------------------------*/

/* Two names that are exchanged again and again by another thread. */
struct swapper {
  pthread_t thread;
  char one[128], other[128];
  atomic_bool stop;
};

static void *swap(void *argument) {
  struct swapper *swapper = argument;
  while (!atomic_load(&swapper->stop))
    if (syscall(SYS_renameat2, AT_FDCWD, swapper->one, AT_FDCWD, swapper->other,
                RENAME_EXCHANGE) != 0)
      abort();
  return NULL;
}

/* "sub" is a folder now, and now a link to a folder that was not granted. */
static void start_swapping(const struct fixture *fixture, const char *outside,
                           struct swapper *swapper) {
  char path[160];
  *swapper = (struct swapper){.stop = false};
  snprintf(swapper->one, sizeof(swapper->one), "%s/sub", fixture->folder);
  snprintf(swapper->other, sizeof(swapper->other), "%s/out", fixture->folder);
  assert_int_equal(mkdir(swapper->one, 0755), 0);
  assert_int_equal(symlink(outside, swapper->other), 0);
  snprintf(path, sizeof(path), "%s/file", swapper->one);
  test_file_write_text(path, "inside");
  assert_int_equal(pthread_create(&swapper->thread, NULL, swap, swapper), 0);
}

static void stop_swapping(struct swapper *swapper) {
  atomic_store(&swapper->stop, true);
  assert_int_equal(pthread_join(swapper->thread, NULL), 0);
}

static bool holds(const struct outcome *outcome, const char *text) {
  return memmem(outcome->data, outcome->size, text, strlen(text)) != NULL;
}

/* A folder that becomes a link after the check is not followed, whenever that
 * happens: neither is what lies outside read, nor anything written there. */
static void a_link_that_comes_after_the_check_leads_nowhere(void **state) {
  struct fixture *fixture = *state;
  char outside[] = "/tmp/torpor-outside-XXXXXX", secret[64];
  struct swapper swapper;
  int inside = 0, refused = 0;
  struct stat found;
  assert_non_null(mkdtemp(outside));
  snprintf(secret, sizeof(secret), "%s/file", outside);
  test_file_write_text(secret, "secret");
  start_swapping(fixture, outside, &swapper);
  for (int i = 0; i < 3000 || inside < 100 || refused < 100; i++) {
    assert_true(i < 1000000);
    bool write = i % 2 == 1;
    struct outcome outcome =
        perform(fixture, write ? "file-write" : "file-read",
                write ? "{\"path\": \"sub/file\", \"data\": \"inside\"}"
                      : "{\"path\": \"sub/file\"}");
    assert_false(holds(&outcome, "secret"));
    if (outcome.outcome == TORPOR_RESOLVE) inside++;
    if (outcome.outcome == TORPOR_REJECT) refused++;
    free(outcome.data);
  }
  stop_swapping(&swapper);
  assert_int_equal(stat(secret, &found), 0);
  assert_int_equal(found.st_size, 6);
  assert_int_equal(unlink(secret), 0);
  assert_int_equal(rmdir(outside), 0); /* nothing was written there */
}

/* What lies around a field may be of any kind, but not nested without end. */
static void deep_requests_are_refused(void **state) {
  static const uint8_t kinds[] = {0x81, 0xc1, 0x9f};
  (void)state;
  for (size_t i = 0; i < sizeof(kinds); i++)
    for (size_t extra = 0; extra < 2; extra++) {
      size_t depth = TORPOR__CBOR_DEPTH + extra;
      uint8_t request[2 * TORPOR__CBOR_DEPTH + 16], *at = request;
      struct torpor__field field;
      memcpy(at, "\xa2\x61x", 3);
      memset(at += 3, kinds[i], depth);
      *(at += depth) = 0;
      if (kinds[i] == 0x9f) memset(at + 1, 0xff, depth);
      at += kinds[i] == 0x9f ? depth + 1 : 1;
      memcpy(at, "\x61p\x61q", 4);
      bool found = torpor__request_field(request, (size_t)(at + 4 - request),
                                         "p", &field);
      assert_int_equal(found, extra == 0);
      if (found) assert_memory_equal(field.data, "q", 1);
    }
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      FILE_TEST(reads_what_was_written),
      FILE_TEST(every_length_of_head_is_right),
      FILE_TEST(writes_bytes_of_a_typed_array),
      FILE_TEST(files_that_grow_while_read_are_read_whole),
      FILE_TEST(a_replaced_file_keeps_its_mode),
      FILE_TEST(a_link_is_written_through),
      FILE_TEST(errors_have_code_and_path),
      FILE_TEST(too_large_a_file_is_refused),
      FILE_TEST(wrong_requests_are_rejected),
      FILE_TEST(random_requests_do_no_harm),
      cmocka_unit_test(deep_requests_are_refused),
      FILE_TEST(many_files_wait_their_turn),
      FILE_TEST(a_cancelled_write_is_whole_or_nothing),
      FILE_TEST(a_link_that_comes_after_the_check_leads_nowhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
