/* SPDX-License-Identifier: MIT */
/* test_operation_table.c - the table of pending operations against a model: an
 * array of ids. Random histories of beginning, giving, settling and cancelling
 * at any place, of saving and waking; after each step both list the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/vm.h"

enum { MOST = 400 };

/* What is pending, in order of ids, the first 'given' of which the host was
 * given; which of them are timers of the program, that it may clear; and those
 * that were cancelled after they were given and are not reported yet. */
struct model {
  torpor_vm *vm;
  test_random random;
  uint64_t pending[MOST];
  bool timer[MOST];
  size_t count, given;
  uint64_t cancelled[MOST];
  size_t cancelled_count;
  unsigned reported; /* how often one was, in all */
};

static size_t below(struct model *model, size_t limit) {
  return (size_t)(test_random_next(&model->random) % limit);
}

/* A place in the table: often near one of its ends. */
static size_t pick(struct model *model) {
  size_t place = below(model, model->count);
  switch (below(model, 4)) {
  case 0:
    return place / 8;
  case 1:
    return model->count - 1 - place / 8;
  default:
    return place;
  }
}

static void drop(struct model *model, size_t place) {
  model->count--;
  memmove(&model->pending[place], &model->pending[place + 1],
          (model->count - place) * sizeof(*model->pending));
  memmove(&model->timer[place], &model->timer[place + 1],
          (model->count - place) * sizeof(*model->timer));
  if (place < model->given) model->given--;
}

static void begin(struct model *model) {
  if (model->count == MOST) return;
  test_ok(model->vm,
          torpor_operation_begin(model->vm, "test", torpor_null(), 0,
                                 &model->pending[model->count], NULL));
  model->timer[model->count++] = false;
}

static void give(struct model *model) {
  torpor_operation next = TORPOR_OPERATION_INIT;
  torpor_status status = torpor_operation_next(model->vm, &next);
  if (model->given == model->count) {
    assert_int_equal(status, TORPOR_NOT_FOUND);
    return;
  }
  test_ok(model->vm, status);
  assert_int_equal(next.id, model->pending[model->given]);
  model->given++;
}

static void settle(struct model *model) {
  if (model->count == 0) return;
  size_t place = pick(model);
  if (model->timer[place]) return;
  uint64_t id = model->pending[place];
  test_ok(model->vm, torpor_operation_settle(model->vm, id, TORPOR_RESOLVE,
                                             torpor_null()));
  test_status(
      model->vm,
      torpor_operation_settle(model->vm, id, TORPOR_RESOLVE, torpor_null()),
      TORPOR_NOT_FOUND);
  drop(model, place);
  test_run_jobs(model->vm);
}

static void begin_timer(struct model *model) {
  if (model->count == MOST) return;
  test_eval(model->vm, "timers.push(setTimeout(() => {}, 1e9)); 1");
  torpor_operation newest = TORPOR_OPERATION_INIT;
  test_ok(model->vm, torpor_operation_at(model->vm, model->count, &newest));
  model->pending[model->count] = newest.id;
  model->timer[model->count++] = true;
}

/* The program clears one of its timers, which it has in order of ids. */
static void cancel(struct model *model) {
  char source[64];
  size_t timers = 0;
  if (model->count == 0) return;
  size_t place = pick(model);
  if (!model->timer[place]) return;
  for (size_t i = 0; i < place; i++) timers += model->timer[i];
  snprintf(source, sizeof(source), "clearTimeout(timers.splice(%zu, 1)[0]); 1",
           timers);
  test_eval(model->vm, source);
  if (place < model->given && model->cancelled_count < MOST)
    model->cancelled[model->cancelled_count++] = model->pending[place];
  drop(model, place);
}

static void take_cancelled(struct model *model) {
  uint64_t id;
  torpor_status status = torpor_operation_take_cancelled(model->vm, &id);
  if (model->cancelled_count == 0) {
    assert_int_equal(status, TORPOR_NOT_FOUND);
    return;
  }
  test_ok(model->vm, status);
  assert_int_equal(id, model->cancelled[0]);
  model->reported++;
  model->cancelled_count--;
  memmove(model->cancelled, model->cancelled + 1,
          model->cancelled_count * sizeof(*model->cancelled));
}

/* All that is pending is given anew, and says that it was woken. */
static void sleep_and_wake(struct model *model) {
  torpor_operation first = TORPOR_OPERATION_INIT;
  torpor_bytes bytes = test_save(model->vm);
  torpor_vm_close(model->vm);
  model->vm = test_restore(&bytes, NULL);
  torpor_bytes_free(&bytes);
  model->given = model->cancelled_count = 0;
  if (model->count == 0) return;
  test_ok(model->vm, torpor_operation_at(model->vm, 0, &first));
  assert_true(first.woken);
}

static void compare(struct model *model) {
  assert_int_equal(torpor_operation_count(model->vm), model->count);
  for (size_t i = 0; i < model->count; i++) {
    torpor_operation found = TORPOR_OPERATION_INIT;
    test_ok(model->vm, torpor_operation_at(model->vm, i, &found));
    assert_int_equal(found.id, model->pending[i]);
  }
}

static void play(struct model *model, int steps) {
  static void (*const moves[])(struct model *) = {
      begin, begin_timer, begin_timer, give,   give,   give,
      give,  settle,      settle,      cancel, cancel, take_cancelled};
  size_t bias = 0; /* the table grows and shrinks in turn */
  for (int i = 0; i < steps; i++) {
    torpor_scope scope;
    if (i % 300 == 0) bias = below(model, 2);
    if (below(model, 400) == 0) sleep_and_wake(model);
    test_ok(model->vm, torpor_scope_open(model->vm, &scope));
    if (below(model, 4) == 0)
      (bias == 0 ? begin : settle)(model);
    else if (model->cancelled_count == MOST)
      take_cancelled(model);
    else
      moves[below(model, sizeof(moves) / sizeof(*moves))](model);
    test_ok(model->vm, torpor_scope_close(model->vm, scope));
    compare(model);
  }
}

static void random_histories_agree_with_the_model(void **state) {
  unsigned reported = 0;
  unsigned histories = test_count("TORPOR_HISTORIES", 8, 200);
  (void)state;
  for (unsigned i = 0; i < histories; i++) {
    struct model model = {.vm = test_vm_open(NULL), .random = {i + 1}};
    test_eval(model.vm, "globalThis.timers = []; 1");
    play(&model, 1500);
    reported += model.reported;
    torpor_vm_close(model.vm);
  }
  /* They come to it at all. */
  assert_true(reported > 10 * histories);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_histories_agree_with_the_model),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
