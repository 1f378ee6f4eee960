/* SPDX-License-Identifier: MIT */
/* alarm.c - calls at a due time.
 *
 * One timer of libuv serves all alarms: it is set for the first of a heap. The
 * order is by due time, then by age.
 *
 * Due times are wall-clock times, yet nothing may be late because the clock was
 * set back, nor be missed because it was set forward or the machine slept. So
 * alarms ring by *steady time*: monotonic time plus an offset that follows the
 * wall clock forward only.
 *
 *   steady = monotonic + offset      never goes back, is never behind the wall
 *   behind = steady - wall           0, but for clocks that were set back
 *   moment = due + behind            in steady time, fixed when it is made
 *
 *  (1) The wall clock is read before the monotonic one: a thread that is held
 *      up between the two takes the wall to be early, never late, and so does
 *      not push the offset.
 *  (2) Steps back of less than CLOCK_STEP_MS are taken for jitter, so that
 *      equal due times stay equal moments.
 *  (3) The timer waits TORPOR_CLOCK_CHECK_MS at most, then the clocks are
 *      looked at again.
 *  (4) An alarm that is made while alarms ring waits for the next time: what
 *      always sets a new alarm for now cannot starve the loop's other work.
 *
 * Runs on the loop's thread. */
#include <assert.h>
#include <math.h>

#include "common/array.h"
#include "loop/loop.h"

static const double CLOCK_STEP_MS = 10;

struct torpor_alarm {
  torpor_loop *loop;
  double moment;     /* steady time at which it rings */
  uint64_t sequence; /* age: lower is older */
  size_t index;      /* in the heap */
  bool background;   /* the loop does not go on for its sake */
  torpor_ring_fn ring;
  void *user;
};

/* ---- Steady time ---------------------------------------------------------*/

void torpor__alarms_init(torpor_loop *loop) {
  double wall = torpor_loop_now(loop, TORPOR_CLOCK_WALL);
  loop->offset = wall - torpor_loop_now(loop, TORPOR_CLOCK_MONOTONIC);
}

/* Reads the clocks and gives steady time. */
static double read_steady_time(torpor_loop *loop) {
  double wall = torpor_loop_now(loop, TORPOR_CLOCK_WALL);
  double monotonic = torpor_loop_now(loop, TORPOR_CLOCK_MONOTONIC);
  if (wall > monotonic + loop->offset) loop->offset = wall - monotonic;
  double steady = monotonic + loop->offset;
  double behind = steady - wall;
  if (behind < CLOCK_STEP_MS) {
    loop->behind = 0;
  } else if (fabs(behind - loop->behind) >= CLOCK_STEP_MS) {
    loop->behind = behind;
  }
  return steady;
}

/* ---- The heap ------------------------------------------------------------*/

static bool rings_before(const torpor_alarm *a, const torpor_alarm *b) {
  if (a->moment != b->moment) return a->moment < b->moment;
  return a->sequence < b->sequence;
}

static void put_alarm(struct torpor__alarms *alarms, size_t index,
                      torpor_alarm *alarm) {
  alarms->heap[index] = alarm;
  alarm->index = index;
}

/* Puts 'alarm' at 'index' or above, where it belongs. */
static void sift_up(struct torpor__alarms *alarms, size_t index,
                    torpor_alarm *alarm) {
  while (index > 0) {
    size_t parent = (index - 1) / 2;
    if (!rings_before(alarm, alarms->heap[parent])) break;
    put_alarm(alarms, index, alarms->heap[parent]);
    index = parent;
  }
  put_alarm(alarms, index, alarm);
}

/* Puts 'alarm' at 'index' or below, where it belongs. */
static void sift_down(struct torpor__alarms *alarms, size_t index,
                      torpor_alarm *alarm) {
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= alarms->count) break;
    if (child + 1 < alarms->count &&
        rings_before(alarms->heap[child + 1], alarms->heap[child]))
      child++;
    if (!rings_before(alarms->heap[child], alarm)) break;
    put_alarm(alarms, index, alarms->heap[child]);
    index = child;
  }
  put_alarm(alarms, index, alarm);
}

/* Takes the alarm at 'index' out; the last one fills its place. */
static void take_alarm(struct torpor__alarms *alarms, size_t index) {
  torpor_alarm *last = alarms->heap[--alarms->count];
  if (index == alarms->count) return;
  if (index > 0 && rings_before(last, alarms->heap[(index - 1) / 2])) {
    sift_up(alarms, index, last);
  } else {
    sift_down(alarms, index, last);
  }
}

/* ---- Making and ringing --------------------------------------------------*/

torpor_status torpor_alarm_open(torpor_loop *loop, double due,
                                torpor_ring_fn ring, void *user,
                                torpor_alarm **out) {
  if (isnan(due) || ring == NULL || out == NULL) return TORPOR_MISUSE;
  struct torpor__alarms *alarms = &loop->alarms;
  if (!torpor__array_reserve(&alarms->heap, &alarms->capacity,
                             alarms->count + 1, sizeof(*alarms->heap)))
    return TORPOR_NOMEM;
  torpor_alarm *alarm = malloc(sizeof(*alarm));
  if (alarm == NULL) return TORPOR_NOMEM;
  read_steady_time(loop);
  *alarm = (torpor_alarm){.loop = loop,
                          .moment = due + loop->behind,
                          .sequence = ++alarms->made,
                          .ring = ring,
                          .user = user};
  sift_up(alarms, alarms->count++, alarm);
  *out = alarm;
  return TORPOR_OK;
}

void torpor_alarm_close(torpor_alarm *alarm) {
  if (alarm == NULL) return;
  struct torpor__alarms *alarms = &alarm->loop->alarms;
  assert(alarms->heap[alarm->index] == alarm);
  alarms->background -= alarm->background;
  take_alarm(alarms, alarm->index);
  free(alarm);
}

void torpor__alarm_background(torpor_alarm *alarm) {
  assert(!alarm->background);
  alarm->background = true;
  alarm->loop->alarms.background++;
}

/* Rings what is due, see (4). libuv may call this before it polls, and would
 * then wait although the turn has done something: uv_stop prevents that. */
static void ring_alarms(uv_timer_t *timer) {
  torpor_loop *loop = timer->data;
  uv_stop(&loop->uv);
  loop->stirred = true;
  struct torpor__alarms *alarms = &loop->alarms;
  uint64_t newest = alarms->made;
  double now = read_steady_time(loop);
  while (alarms->count > 0 && !torpor_loop_stopping(loop)) {
    torpor_alarm *first = alarms->heap[0];
    if (first->moment > now || first->sequence > newest) break;
    torpor_ring_fn ring = first->ring;
    void *user = first->user;
    torpor_alarm_close(first);
    ring(user);
  }
}

#ifdef TORPOR_TESTING
/* Asserts that the heap is one, and that each alarm knows its place. */
void torpor__alarms_check(const torpor_loop *loop) {
  const struct torpor__alarms *alarms = &loop->alarms;
  size_t background = 0;
  assert(alarms->count <= alarms->capacity);
  for (size_t i = 0; i < alarms->count; i++) {
    const torpor_alarm *alarm = alarms->heap[i];
    assert(alarm->index == i && alarm->loop == loop);
    assert(alarm->sequence <= alarms->made);
    assert(i == 0 || rings_before(alarms->heap[(i - 1) / 2], alarm));
    background += alarm->background;
  }
  assert(background == alarms->background);
}
#endif

void torpor__alarms_arm(torpor_loop *loop) {
  if (loop->alarms.count == 0) {
    uv_timer_stop(&loop->timer);
    return;
  }
  double wait = loop->alarms.heap[0]->moment - read_steady_time(loop);
  if (wait > TORPOR_CLOCK_CHECK_MS) wait = TORPOR_CLOCK_CHECK_MS;
  if (wait < 0) wait = 0;
  uv_update_time(&loop->uv);
  uv_timer_start(&loop->timer, ring_alarms, (uint64_t)ceil(wait), 0);
}

void torpor__alarms_free(torpor_loop *loop) {
  for (size_t i = 0; i < loop->alarms.count; i++) free(loop->alarms.heap[i]);
  free(loop->alarms.heap);
  loop->alarms = (struct torpor__alarms){0};
}
