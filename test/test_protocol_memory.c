/* SPDX-License-Identifier: MIT */
/* test_protocol_memory.c - the protocol when memory runs out.
 *
 * ctest: nosanitize
 *
 * A short life of a run is played again and again, each time with another
 * allocation failing. The call that is hit must say so and change nothing: the
 * worker calls again, and the run ends as it does when nothing fails. In the
 * end every block is free again.
 *
 * The allocator is that of glibc with a counter in front, so this test is not
 * built with sanitizers, which bring their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/protocol/protocol.h"
#include "run/protocol/signals.h"
#include "run/request.h"
#include "support/memory-database.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static struct {
  bool counting;
  int64_t made;    /* since the life began */
  int64_t fail_at; /* 0: none */
  int64_t blocks;  /* not yet freed */
} heap;

static bool is_failing(void) {
  return heap.counting && ++heap.made == heap.fail_at;
}

static void *note(void *block) {
  if (heap.counting && block != NULL) heap.blocks++;
  return block;
}

void *malloc(size_t size) {
  return is_failing() ? NULL : note(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
  return is_failing() ? NULL : note(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size) {
  if (is_failing()) return NULL;
  void *grown = __libc_realloc(block, size);
  return block == NULL ? note(grown) : grown;
}

void free(void *block) {
  if (heap.counting && block != NULL) heap.blocks--;
  __libc_free(block);
}

static struct disk disk;
static struct memory_store store;
static int failures;

static void start(void *data, const struct torpor__operation *operation,
                  bool woken) {
  (void)data;
  (void)operation;
  (void)woken;
}

static void stop(void *data, int64_t branch, uint64_t operation) {
  (void)data;
  (void)branch;
  (void)operation;
}

static void show(void *data, const struct torpor__line *line) {
  (void)data;
  (void)line;
}

static const struct torpor__drivers drivers = {
    .start = start, .stop = stop, .show = show};

/* Calls until memory suffices, which it does the second time. */
#define AGAIN(call)                                                            \
  do {                                                                         \
    torpor_status status_ = (call);                                            \
    if (status_ == TORPOR_OK) break;                                           \
    assert_int_equal(status_, TORPOR_NOMEM);                                   \
    failures++;                                                                \
  } while (true)

static struct torpor__protocol *claim(void) {
  struct torpor__protocol *protocol;
  AGAIN(torpor__protocol_open(&protocol, &store.store, 1, &drivers, 9));
  AGAIN(torpor__protocol_flush(&store.store, &protocol, 1, 1));
  return protocol;
}

static void step(struct torpor__protocol *protocol,
                 struct torpor__operation *begun, size_t begun_count) {
  size_t count;
  AGAIN(torpor__protocol_refresh(protocol, 0));
  AGAIN(torpor__protocol_prepare(protocol));
  if (torpor__protocol_phase(protocol) == TORPOR__PHASE_COUNTING)
    AGAIN(torpor__protocol_flush(&store.store, &protocol, 1, 1));
  struct torpor__delivery *deliveries =
      torpor__protocol_deliveries(protocol, &count);
  for (size_t i = 0; i < count; i++) deliveries[i].accepted = true;
  struct torpor__step step = {.begun = begun,
                              .begun_count = begun_count,
                              .snapshot = {.data = "s", .size = 1}};
  AGAIN(torpor__protocol_stage(protocol, &step));
  AGAIN(torpor__protocol_flush(&store.store, &protocol, 1, 1));
}

static struct torpor__operation operation(uint64_t id, const char *topic,
                                          enum torpor__policy policy) {
  return (struct torpor__operation){
      .id = id, .kind = "kind", .topic = topic, .policy = policy};
}

static void live(void) {
  const struct torpor__run row = {.id = "run"};
  const torpor_slice value = {.data = "v", .size = 1};
  int64_t run;
  torpor__request_create(&store.store, &row, NULL, 0, false, &run);
  struct torpor__protocol *protocol = claim();
  struct torpor__operation first[9];
  for (uint64_t i = 0; i < 9; i++)
    first[i] =
        operation(i + 1, i % 2 == 0 ? "go" : NULL,
                  i == 1 ? TORPOR__POLICY_REJECT : TORPOR__POLICY_REPEAT);
  step(protocol, first, 9);
  AGAIN(torpor__protocol_receive(protocol, 0, 2, TORPOR__OUTCOME_FULFILLED,
                                 value));
  AGAIN(torpor__protocol_flush(&store.store, &protocol, 1, 1));
  torpor__protocol_close(protocol);
  torpor__signals_send(&store.store, 1, "go", value, 1);
  protocol = claim();
  AGAIN(torpor__protocol_receive(protocol, 0, 4, TORPOR__OUTCOME_FULFILLED,
                                 value));
  struct torpor__operation second[] = {
      operation(10, "stop", TORPOR__POLICY_REATTACH)};
  step(protocol, second, 1);
  torpor__protocol_close(protocol);
}

static void play(int64_t fail_at) {
  disk = (struct disk){0};
  memory_store_open(&store, &disk);
  failures = 0;
  heap.made = heap.blocks = 0;
  heap.fail_at = fail_at;
  heap.counting = true;
  live();
  heap.counting = false;
}

static void every_allocation_in_turn(void **state) {
  (void)state;
  play(0);
  int64_t made = heap.made;
  struct disk_run whole = disk.committed.runs[0];
  assert_int_equal(whole.head.step, 2);
  assert_int_equal(whole.operation_count, 7); /* of 10, 3 are settled */
  assert_true(made > 30);
  for (int64_t i = 1; i <= made; i++) {
    play(i);
    assert_int_equal(failures, 1);
    assert_int_equal(heap.blocks, 0);
    assert_int_equal(disk.committed.runs[0].head.step, whole.head.step);
    assert_memory_equal(disk.committed.runs[0].operations, whole.operations,
                        sizeof whole.operations);
    assert_int_equal(disk.committed.runs[0].signal_count, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
