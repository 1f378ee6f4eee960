/* SPDX-License-Identifier: MIT */
/* ctest: full */
/* test_loop_world.c - worlds under random histories: operations on descriptors
 * with honest and damaged requests, on numbers that are used twice, with real
 * processes; tasks that are cancelled in every order, also from callbacks;
 * worlds that are closed in the middle. Whatever happens, each task ends once
 * or was cancelled, and no descriptor and no process is left. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "torpor-loop.h"

enum { NUMBERS = 12, TASKS = 64, WORLDS = 2, ACTIONS = 300 };

struct play;

struct slot {
  struct play *play;
  torpor_task *task; /* NULL: free */
  size_t world;
};

struct play {
  uint64_t random;
  torpor_loop *loop;
  torpor_access *access;
  torpor_world *worlds[WORLDS];
  struct slot slots[TASKS];
  size_t ended, resolved;
};

static uint32_t draw(struct play *play, uint32_t below) {
  play->random = play->random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(play->random >> 33) % below;
}

/* ---- Requests ------------------------------------------------------------*/

static void put_number(struct play *play, torpor_writer *writer,
                       const char *key) {
  static const double hostile[] = {-1, 0.5, 1e300, 9007199254740992.0, 65536};
  torpor_writer_key(writer, key, SIZE_MAX);
  if (draw(play, 20) == 0)
    torpor_writer_number(writer, hostile[draw(play, 5)]);
  else
    torpor_writer_integer(writer, draw(play, NUMBERS));
}

static void put_text(torpor_writer *writer, const char *key, const char *text) {
  if (key != NULL) torpor_writer_key(writer, key, SIZE_MAX);
  torpor_writer_string(writer, text, SIZE_MAX);
}

static void put_stream(struct play *play, torpor_writer *writer) {
  switch (draw(play, 4)) {
  case 0:
    torpor_writer_string(writer, "null", SIZE_MAX);
    break;
  case 1:
    torpor_writer_object(writer, 1);
    put_number(play, writer, "fd");
    torpor_writer_end(writer);
    break;
  default:
    torpor_writer_integer(writer, draw(play, NUMBERS));
    break;
  }
}

static void put_process(struct play *play, torpor_writer *writer) {
  static const char *const commands[] = {"cat",
                                         "true",
                                         "exec yes",
                                         "exec sleep 100",
                                         "head -c 100000 /dev/zero",
                                         "kill -9 $$",
                                         "exec 0<&-; exec sleep 100",
                                         "echo out; echo err >&2; cat"};
  torpor_writer_object(writer, 5);
  put_number(play, writer, "fd");
  put_text(writer, "file", commands[draw(play, 8)]);
  torpor_writer_key(writer, "shell", SIZE_MAX);
  torpor_writer_boolean(writer, true);
  torpor_writer_key(writer, "group", SIZE_MAX);
  torpor_writer_boolean(writer, draw(play, 2) == 0);
  torpor_writer_key(writer, "stdio", SIZE_MAX);
  torpor_writer_array(writer, 3);
  for (int i = 0; i < 3; i++) put_stream(play, writer);
  torpor_writer_end(writer);
  torpor_writer_end(writer);
}

static void put_data(struct play *play, torpor_writer *writer) {
  static const size_t sizes[] = {0, 1, 100, 5000, 70000, 300000};
  size_t size = sizes[draw(play, 6)];
  char *text = malloc(size + 1);
  assert_non_null(text);
  memset(text, 'x', size);
  torpor_writer_object(writer, 2);
  put_number(play, writer, "fd");
  torpor_writer_key(writer, "data", SIZE_MAX);
  torpor_writer_string(writer, text, size);
  torpor_writer_end(writer);
  free(text);
}

static void put_plain(struct play *play, torpor_writer *writer,
                      const char *second) {
  torpor_writer_object(writer, second == NULL ? 1 : 2);
  put_number(play, writer, "fd");
  if (second != NULL) {
    torpor_writer_key(writer, second, SIZE_MAX);
    torpor_writer_integer(writer, draw(play, 100000));
  }
  torpor_writer_end(writer);
}

/* Begins a kind of operation; 'writer' gets its request. */
static const char *put_request(struct play *play, torpor_writer *writer) {
  uint32_t kind = draw(play, 12);
  if (kind < 3) {
    put_process(play, writer);
    return "process";
  }
  if (kind < 5) {
    put_plain(play, writer, draw(play, 4) == 0 ? NULL : "largest");
    return "descriptor-read";
  }
  if (kind < 7) {
    put_data(play, writer);
    return "descriptor-write";
  }
  put_plain(play, writer, kind == 11 ? "signal" : NULL);
  return kind == 7    ? "descriptor-end"
         : kind == 8  ? "descriptor-next"
         : kind == 9  ? "descriptor-close"
         : kind == 10 ? "descriptor-write"
                      : "process-signal";
}

/* ---- Actions -------------------------------------------------------------*/

static void cancel_some(struct play *play) {
  struct slot *slot = &play->slots[draw(play, TASKS)];
  torpor_task_cancel(slot->task);
  slot->task = NULL;
}

static void begin_some(struct play *play);

/* torpor_done_fn */
static void take_end(void *user, torpor_task *task, torpor_outcome outcome,
                     const void *data, size_t size) {
  struct slot *slot = user;
  struct play *play = slot->play;
  torpor_reader *reader;
  assert_ptr_equal(slot->task, task); /* once, and not after a cancel */
  slot->task = NULL;
  play->ended++;
  play->resolved += outcome == TORPOR_RESOLVE;
  assert_int_equal(torpor_reader_open(data, size, &reader), TORPOR_OK);
  torpor_reader_close(reader);
  if (draw(play, 8) == 0) cancel_some(play);
  if (draw(play, 8) == 0) begin_some(play);
}

static void begin_some(struct play *play) {
  struct slot *slot = &play->slots[draw(play, TASKS)];
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_writer *writer;
  torpor_slice request;
  if (slot->task != NULL) return;
  assert_int_equal(torpor_writer_open(NULL, 0, &writer), TORPOR_OK);
  operation.kind = put_request(play, writer);
  operation.woken = draw(play, 30) == 0;
  assert_int_equal(torpor_writer_finish(writer, &request), TORPOR_OK);
  uint8_t *copy = malloc(request.size + 1);
  assert_non_null(copy);
  memcpy(copy, request.data, request.size);
  if (draw(play, 10) == 0)
    copy[draw(play, (uint32_t)request.size)] = (uint8_t)draw(play, 256);
  operation.request = copy;
  operation.request_size =
      draw(play, 40) == 0 ? draw(play, (uint32_t)request.size) : request.size;
  slot->world = draw(play, WORLDS);
  assert_int_equal(torpor_loop_start(play->loop, &operation,
                                     play->worlds[slot->world], take_end, slot,
                                     &slot->task),
                   TORPOR_OK);
  free(copy);
  torpor_writer_close(writer);
}

static void open_world(struct play *play, size_t which) {
  torpor_world_options options = TORPOR_WORLD_OPTIONS_INIT;
  options.access = play->access;
  assert_int_equal(
      torpor_world_open(play->loop, &options, &play->worlds[which]), TORPOR_OK);
}

static void close_world(struct play *play, size_t which) {
  for (size_t i = 0; i < TASKS; i++) {
    if (play->slots[i].world != which) continue;
    torpor_task_cancel(play->slots[i].task);
    play->slots[i].task = NULL;
  }
  torpor_world_close(play->worlds[which]);
}

static void turn(struct play *play) {
  torpor_status status = torpor_loop_turn(play->loop, false);
  assert_true(status == TORPOR_OK || status == TORPOR_NOT_FOUND);
}

static void act(struct play *play) {
  uint32_t what = draw(play, 100);
  if (what < 50) {
    begin_some(play);
  } else if (what < 60) {
    cancel_some(play);
  } else if (what < 98) {
    turn(play);
    if (what < 70) usleep(500);
  } else {
    size_t which = draw(play, WORLDS);
    close_world(play, which);
    open_world(play, which);
  }
}

/* ---- Playing -------------------------------------------------------------*/

static size_t count_files(void) {
  DIR *folder = opendir("/proc/self/fd");
  size_t count = 0;
  assert_non_null(folder);
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

static void play_one(uint64_t seed, bool count) {
  struct play play = {.random = seed};
  size_t before = count_files();
  assert_int_equal(torpor_loop_open(NULL, &play.loop), TORPOR_OK);
  assert_int_equal(torpor_access_open(NULL, &play.access), TORPOR_OK);
  assert_int_equal(torpor_access_allow(play.access, TORPOR_RUN, NULL),
                   TORPOR_OK);
  for (size_t i = 0; i < TASKS; i++) play.slots[i].play = &play;
  for (size_t i = 0; i < WORLDS; i++) open_world(&play, i);
  for (int i = 0; i < ACTIONS; i++) act(&play);
  assert_true(play.ended > 10 && play.resolved > 0);
  if (draw(&play, 2) == 0)
    for (size_t i = 0; i < WORLDS; i++) close_world(&play, i);
  torpor_loop_close(play.loop);
  torpor_access_close(play.access);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  if (count) assert_int_equal(count_files(), before);
}

static void histories_end_well(void **state) {
  const char *tier = getenv("TORPOR_TIER"), *seed = getenv("TORPOR_SEED");
  int count = tier != NULL && strcmp(tier, "full") == 0 ? 1000 : 30;
  (void)state;
  play_one(0, false); /* libuv opens some files once and for all */
  if (seed != NULL) {
    play_one(strtoull(seed, NULL, 10), true);
    return;
  }
  for (int i = 0; i < count; i++) {
    printf("TORPOR_SEED=%d\n", i);
    fflush(stdout);
    play_one((uint64_t)i, true);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(histories_end_well)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
