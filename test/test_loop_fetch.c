/* SPDX-License-Identifier: MIT */
/* test_loop_fetch.c - the driver of kind "fetch": requests that no honest
 * program makes, and VMs that sleep while one is under way. */
#define _GNU_SOURCE /* accept4 */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/console.h"
#include "torpor-loop.h"

/* A server that answers when a test says so, and programs that ask it. */
struct world {
  struct test_console console; /* first */
  int listener, connection;
  char url[64];
  torpor_loop *loop;
  torpor_access *access;
  torpor_world *bare; /* for tasks without a VM */
  torpor_vm *vm;
  bool done; /* a task is */
  torpor_outcome outcome;
  char error[512]; /* its error: "name: message" */
};

static torpor_options vm_options(struct world *world) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = world;
  options.console = test_console_write;
  options.extensions = true;
  options.library = torpor_library_source;
  return options;
}

static int set_up(void **state) {
  struct world *world = calloc(1, sizeof(*world));
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof(address);
  assert_non_null(world);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  world->connection = -1;
  world->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(world->listener, (void *)&address, size), 0);
  assert_int_equal(listen(world->listener, 16), 0);
  getsockname(world->listener, (void *)&address, &size);
  snprintf(world->url, sizeof(world->url), "http://127.0.0.1:%d/",
           ntohs(address.sin_port));
  assert_int_equal(torpor_loop_open(NULL, &world->loop), TORPOR_OK);
  assert_int_equal(torpor_access_open("/", &world->access), TORPOR_OK);
  assert_int_equal(torpor_access_allow(world->access, TORPOR_NET, NULL),
                   TORPOR_OK);
  torpor_world_options options = TORPOR_WORLD_OPTIONS_INIT;
  options.access = world->access;
  assert_int_equal(torpor_world_open(world->loop, &options, &world->bare),
                   TORPOR_OK);
  *state = world;
  return 0;
}

static int tear_down(void **state) {
  struct world *world = *state;
  torpor_loop_close(world->loop);
  torpor_vm_close(world->vm);
  torpor_access_close(world->access);
  close(world->listener);
  if (world->connection >= 0) close(world->connection);
  free(world);
  return 0;
}

/* ---- Requests that are none ----------------------------------------------*/

static void keep_error(void *user, torpor_task *task, torpor_outcome outcome,
                       const void *data, size_t size) {
  struct world *world = user;
  torpor_reader *reader;
  (void)task;
  world->done = true;
  world->outcome = outcome;
  if (outcome == TORPOR_RESOLVE) return;
  assert_int_equal(torpor_reader_open(data, size, &reader), TORPOR_OK);
  torpor_reader_enter(reader);
  assert_true(torpor_reader_find(reader, "name", 4));
  torpor_slice name = torpor_reader_string(reader);
  assert_true(torpor_reader_find(reader, "message", 7));
  torpor_slice message = torpor_reader_string(reader);
  snprintf(world->error, sizeof(world->error), "%.*s: %.*s", (int)name.size,
           (const char *)name.data, (int)message.size,
           (const char *)message.data);
  torpor_reader_close(reader);
}

static torpor_task *ask(struct world *world, torpor_world *home,
                        const char *json, bool woken) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_bytes request;
  torpor_task *task;
  assert_int_equal(torpor_json_to_cbor(json, strlen(json), &request),
                   TORPOR_OK);
  operation.id = 1;
  operation.kind = "fetch";
  operation.request = request.data;
  operation.request_size = request.size;
  operation.woken = woken;
  world->done = false;
  assert_int_equal(torpor_loop_start(world->loop, &operation, home, keep_error,
                                     world, &task),
                   TORPOR_OK);
  torpor_bytes_free(&request);
  return task;
}

static void refuse(struct world *world, const char *json, const char *words) {
  ask(world, world->bare, json, false);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  assert_true(world->done);
  assert_int_equal(world->outcome, TORPOR_REJECT);
  if (strncmp(world->error, "TypeError: ", 11) != 0 ||
      strstr(world->error, words) == NULL)
    fail_msg("%s: %s", json, world->error);
  assert_int_equal(accept(world->listener, NULL, NULL), -1);
}

static void hostile_requests_are_refused(void **state) {
  static const struct {
    const char *json, *words;
  } requests[] = {
      {"null", "a request is"},
      {"[]", "a request is"},
      {"\"http://h/\"", "a request is"},
      {"{}", "URL"},
      {"{\"url\": 1}", "URL"},
      {"{\"url\": \"http://127.0.0.1/\\u0000\"}", "URL"},
      {"{\"url\": \"\"}", "http:"},
      {"{\"url\": \"/path\"}", "http:"},
      {"{\"url\": \"file:///etc/passwd\"}", "http:"},
      {"{\"url\": \"FILE:/etc/passwd\"}", "http:"},
      {"{\"url\": \"ftp://127.0.0.1/\"}", "http:"},
      {"{\"url\": \"gopher://127.0.0.1/_x\"}", "http:"},
      {"{\"url\": \"scp://127.0.0.1/x\"}", "http:"},
      {"{\"url\": \"http://u@127.0.0.1/\"}", "user name"},
      {"{\"url\": \"http://:p@127.0.0.1/\"}", "user name"},
      {"{\"url\": \"http://127.0.0.1:x/\"}", "http:"},
      {"{\"url\": \"http://a b/\"}", "http:"},
      {"{\"url\": \"http://a\\r\\nb/\"}", "http:"},
      {"{\"url\": \"http://h/\", \"method\": \"CONNECT\"}", "CONNECT"},
      {"{\"url\": \"http://h/\", \"method\": \"trace\"}", "TRACE"},
      {"{\"url\": \"http://h/\", \"method\": \"A B\"}", "method"},
      {"{\"url\": \"http://h/\", \"method\": \"A\\r\\nB\"}", "method"},
      {"{\"url\": \"http://h/\", \"method\": \"\"}", "method"},
      {"{\"url\": \"http://h/\", \"method\": 5}", "method"},
      {"{\"url\": \"http://h/\", \"redirect\": \"x\"}", "redirect"},
      {"{\"url\": \"http://h/\", \"headers\": {}}", "pairs"},
      {"{\"url\": \"http://h/\", \"headers\": [1]}", "pair"},
      {"{\"url\": \"http://h/\", \"headers\": [[\"a\"]]}", "pair"},
      {"{\"url\": \"http://h/\", \"headers\": [[\"a\", 1]]}", "pair"},
      {"{\"url\": \"http://h/\", \"headers\": [[\"\", \"x\"]]}", "pair"},
      {"{\"url\": \"http://h/\", \"headers\": [[\"a:b\", \"x\"]]}", "pair"},
      {"{\"url\": \"http://h/\", \"headers\": [[\"a\\u0000\", \"x\"]]}",
       "pair"},
      {"{\"url\": \"http://h/\", \"headers\": [[\"a\", \"x\\r\\ny: z\"]]}",
       "pair"},
      {"{\"url\": \"http://h/\", \"headers\": [[\"a\", \"\\u0100\"]]}", "pair"},
      {"{\"url\": \"http://h/\", \"headers\": [[\"Host\", \"x\"]]}", "host"},
      {"{\"url\": \"http://h/\", \"body\": \"x\"}", "no body"},
      {"{\"url\": \"http://h/\", \"method\": \"POST\", \"body\": 5}",
       "bytes or a text"},
      {"{\"url\": \"http://h/\", \"method\": \"HEAD\", \"upload\": 5}",
       "no body"},
  };
  for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
    refuse(*state, requests[i].json, requests[i].words);
}

static void nothing_is_reached_without_a_world(void **state) {
  struct world *world = *state;
  char json[128];
  snprintf(json, sizeof(json), "{\"url\": \"%s\"}", world->url);
  ask(world, NULL, json, false);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  assert_non_null(strstr(world->error, "NotAllowedError"));
  assert_non_null(strstr(world->error, "--allow-net=127.0.0.1"));
}

/* ---- Waking --------------------------------------------------------------*/

static void waking_depends_on_the_request(void **state) {
  struct world *world = *state;
  static const struct {
    const char *json;
    torpor_waking waking;
  } requests[] = {
      {"{\"method\": \"GET\"}", TORPOR_REPEAT},
      {"{}", TORPOR_REPEAT},
      {"{\"method\": \"HEAD\"}", TORPOR_REPEAT},
      {"{\"method\": \"OPTIONS\"}", TORPOR_REPEAT},
      {"{\"method\": \"get\"}", TORPOR_LOST},
      {"{\"method\": \"POST\"}", TORPOR_LOST},
      {"{\"method\": \"PUT\", \"repeat\": false}", TORPOR_LOST},
      {"{\"method\": \"POST\", \"repeat\": 1}", TORPOR_LOST},
      {"{\"method\": \"POST\", \"repeat\": true}", TORPOR_REPEAT},
      {"{\"method\": \"POST\", \"repeat\": true, \"upload\": 4}", TORPOR_LOST},
      {"[]", TORPOR_LOST},
  };
  for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
    torpor_operation operation = TORPOR_OPERATION_INIT;
    torpor_bytes request;
    torpor_json_to_cbor(requests[i].json, strlen(requests[i].json), &request);
    operation.kind = "fetch";
    operation.request = request.data;
    operation.request_size = request.size;
    if (torpor_loop_waking(world->loop, &operation) != requests[i].waking)
      fail_msg("%s", requests[i].json);
    torpor_bytes_free(&request);
  }
}

/* Turns until a request has come whole, and gives the value of a header, ""
 * for none. */
static void take_request(struct world *world, const char *header, char *value,
                         size_t room) {
  char text[4096] = "";
  size_t size = 0;
  while (strstr(text, "\r\n\r\n") == NULL) {
    assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_OK);
    if (world->connection < 0)
      world->connection = accept4(world->listener, NULL, NULL, SOCK_NONBLOCK);
    ssize_t more = world->connection < 0 ? 0
                                         : read(world->connection, text + size,
                                                sizeof(text) - size - 1);
    if (more > 0) size += (size_t)more;
    text[size] = '\0';
  }
  const char *found = strstr(text, header);
  value[0] = '\0';
  if (found != NULL)
    snprintf(value, room, "%.*s", (int)strcspn(found + strlen(header), "\r"),
             found + strlen(header));
}

static void answer(struct world *world, const char *text) {
  assert_int_equal(write(world->connection, text, strlen(text)), strlen(text));
  close(world->connection);
  world->connection = -1;
}

static void attach(struct world *world) {
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  attachment.access = world->access;
  assert_int_equal(torpor_loop_attach(world->loop, world->vm, &attachment),
                   TORPOR_OK);
}

/* Starts a program that has 'url'. */
static void begin(struct world *world, const char *source) {
  char text[1024];
  torpor_options options = vm_options(world);
  world->vm = test_vm_open(&options);
  attach(world);
  snprintf(text, sizeof(text), "const url = '%s'; %s", world->url, source);
  test_eval_module(world->vm, text);
}

/* Puts the program to sleep, and wakes it. */
static void sleep_and_wake(struct world *world) {
  torpor_options options = vm_options(world);
  torpor_loop_detach(world->loop, world->vm);
  torpor_bytes snapshot = test_save(world->vm);
  torpor_vm_close(world->vm);
  world->vm = test_restore(&snapshot, &options);
  torpor_bytes_free(&snapshot);
  if (world->connection >= 0) close(world->connection);
  world->connection = -1;
  attach(world);
}

static const char ANSWER[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

static void a_safe_request_is_repeated_with_its_key(void **state) {
  struct world *world = *state;
  char first[128], second[128];
  begin(world, "const r = await fetch(url); console.log(await r.text());");
  take_request(world, "Idempotency-Key: ", first, sizeof(first));
  assert_int_equal(strlen(first), 32);
  sleep_and_wake(world);
  take_request(world, "Idempotency-Key: ", second, sizeof(second));
  assert_string_equal(first, second);
  answer(world, ANSWER);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  test_console_expect(&world->console, "hello\n");
}

static void copies_of_a_program_use_other_keys(void **state) {
  struct world *world = *state;
  char keys[2][128];
  begin(world, "globalThis.go = () => fetch(url); await fetch('data:,');");
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  torpor_loop_detach(world->loop, world->vm);
  torpor_bytes snapshot = test_save(world->vm);
  for (int i = 0; i < 2; i++) {
    torpor_options options = vm_options(world);
    torpor_vm_close(world->vm);
    world->vm = test_restore(&snapshot, &options);
    attach(world);
    test_eval(world->vm, "void go()");
    take_request(world, "Idempotency-Key: ", keys[i], sizeof(keys[i]));
    answer(world, ANSWER);
    assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
    torpor_loop_detach(world->loop, world->vm);
  }
  torpor_bytes_free(&snapshot);
  assert_string_not_equal(keys[0], keys[1]);
}

static void an_unsafe_request_is_lost(void **state) {
  struct world *world = *state;
  char key[128];
  begin(world,
        "await fetch(url, { method: 'POST', body: 'b' })"
        ".catch((e) => console.log(e.name, e.code));");
  take_request(world, "Idempotency-Key: ", key, sizeof(key));
  assert_string_equal(key, "");
  sleep_and_wake(world);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  test_console_expect(&world->console, "LostError LOST\n");
  assert_int_equal(accept(world->listener, NULL, NULL), -1);
}

static void a_body_that_streams_is_lost(void **state) {
  struct world *world = *state;
  char value[128];
  begin(world,
        "const r = await fetch(url); console.log('head');"
        "await r.text().catch((e) => console.log(e.name, e.code));");
  take_request(world, "Host: ", value, sizeof(value));
  static const char part[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
  assert_int_equal(write(world->connection, part, strlen(part)), strlen(part));
  while (world->console.size == 0)
    assert_int_equal(torpor_loop_turn(world->loop, true), TORPOR_OK);
  sleep_and_wake(world);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  test_console_expect(&world->console, "head\nLostError LOST\n");
}

/* ---- Ending --------------------------------------------------------------*/

static void everything_can_be_given_up_at_any_time(void **state) {
  struct world *world = *state;
  char value[128];
  char json[256];
  snprintf(json, sizeof(json),
           "{\"url\": \"%s\", \"method\": \"POST\", \"upload\": 7, \"fd\": 8}",
           world->url);
  for (int turns = 0; turns < 12; turns++) {
    torpor_task *task = ask(world, world->bare, json, false);
    for (int i = 0; i < turns; i++)
      assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_OK);
    torpor_task_cancel(task);
    torpor_world_close(world->bare);
    torpor_world_options options = TORPOR_WORLD_OPTIONS_INIT;
    options.access = world->access;
    torpor_world_open(world->loop, &options, &world->bare);
  }
  begin(world, "const r = await fetch(url); await r.text();");
  take_request(world, "Host: ", value, sizeof(value));
  /* The rest is for tear_down: a program in the middle of a request. */
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define FETCH_TEST(name)                                                       \
  cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      FETCH_TEST(hostile_requests_are_refused),
      FETCH_TEST(nothing_is_reached_without_a_world),
      FETCH_TEST(waking_depends_on_the_request),
      FETCH_TEST(a_safe_request_is_repeated_with_its_key),
      FETCH_TEST(copies_of_a_program_use_other_keys),
      FETCH_TEST(an_unsafe_request_is_lost),
      FETCH_TEST(a_body_that_streams_is_lost),
      FETCH_TEST(everything_can_be_given_up_at_any_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
