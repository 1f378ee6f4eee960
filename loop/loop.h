/* SPDX-License-Identifier: MIT */
/* loop.h - what the files of the loop share.
 *
 *             torpor_loop_start              driver completes
 *   operation ------------------> started --------------------> completed
 *                                    |                              |
 *                 torpor_task_cancel |       torpor_task_cancel     | deliver
 *                                    v                              v
 *                                  gone <------------- 'done' has returned
 *
 *  (1) A task is in exactly one of the two lists, except while its 'done' runs.
 *  (2) 'done' is called by torpor_loop_turn only: never from inside a driver,
 *      nor from inside a callback of libuv.
 *  (3) The handles of libuv that a loop owns are in struct torpor_loop; what
 *      else is under way are file jobs, which hold no pointer to a task that
 *      is gone.
 *  (4) 'failure' is the status that an attached VM ended with; the turn that
 *      sees it returns it and clears it.
 *
 * Runs on the loop's thread, but for 'stopping', 'signal' and 'wake'. */
#ifndef TORPOR_LOOP_LOOP_H
#define TORPOR_LOOP_LOOP_H

#include <stdatomic.h>
#include <stdlib.h>

#include <uv.h>

#include "torpor-loop.h"

/* ---- Lists ---------------------------------------------------------------*/

/* A ring of links with the list's own as its end. */
struct torpor__link {
  struct torpor__link *previous, *next;
};

static inline void torpor__list_init(struct torpor__link *list) {
  list->previous = list->next = list;
}

static inline bool torpor__list_empty(const struct torpor__link *list) {
  return list->next == list;
}

static inline void torpor__link_remove(struct torpor__link *link) {
  link->previous->next = link->next;
  link->next->previous = link->previous;
  torpor__list_init(link);
}

/* Puts 'link', which is in no list, at the end of 'list'. */
static inline void torpor__list_append(struct torpor__link *list,
                                       struct torpor__link *link) {
  link->previous = list->previous;
  link->next = list;
  list->previous->next = link;
  list->previous = link;
}

/* ---- The loop ------------------------------------------------------------*/

/* Waiting alarms as a heap: the parent of i is (i - 1) / 2 and rings first. */
struct torpor__alarms {
  torpor_alarm **heap;
  size_t count, capacity;
  uint64_t made; /* sequence number of the newest */
};

/* The jobs of file.c. */
struct torpor__files {
  struct torpor__link waiting;
  size_t working;
};

/* What torpor_loop_stop_on replaced. */
struct torpor__handler {
  int signal;
  struct sigaction replaced;
};

enum { TORPOR__SIGNALS_MAX = 8 };

struct torpor_loop {
  uv_loop_t uv;
  uv_async_t wake;
  uv_timer_t timer;     /* for the alarm that rings first */
  uv_fs_event_t *watch; /* NULL: none; freed by its close callback */
  torpor_changed_fn changed;
  void *changed_user;

  double (*clock)(void *user, torpor_clock which);
  void *clock_user;
  double offset; /* steady time less monotonic time, see alarm.c */
  double behind; /* how far the wall clock was set back */
  struct torpor__alarms alarms;

  torpor_driver **drivers;
  size_t driver_count, driver_capacity;
  struct torpor__link started, completed; /* of struct torpor_task */
  struct torpor__link attached;           /* of attachments, see attach.c */
  struct torpor__files files;
  torpor_bytes exhausted; /* given to tasks when memory runs out */
  torpor_status failure;

  torpor_turned_fn turned;
  void *turned_user;
  bool turning;
  atomic_bool stopping;
  atomic_int signal;
  struct torpor__handler handlers[TORPOR__SIGNALS_MAX];
  size_t handler_count;
};

/* state.c */

/* 'signal' came for 'loop', in a signal handler. */
void torpor__loop_signalled(torpor_loop *loop, int signal);

/* ---- Parts of a loop -----------------------------------------------------*/

/* alarm.c: sets the clocks up; sets the timer for the first alarm, before
 * libuv waits; frees all alarms. */
void torpor__alarms_init(torpor_loop *loop);
void torpor__alarms_arm(torpor_loop *loop);
void torpor__alarms_free(torpor_loop *loop);

/* task.c: calls 'done' for the tasks that are complete by now, one by one,
 * until the loop is stopping or has a failure; cancels all. */
void torpor__tasks_deliver(torpor_loop *loop);
void torpor__tasks_cancel(torpor_loop *loop);

/* What completes a task: 'size' bytes at 'data' inside of 'memory', which comes
 * from malloc. */
struct torpor__result {
  void *memory;
  const uint8_t *data;
  size_t size;
};

/* As torpor_task_complete, but takes the memory over. */
void torpor__task_finish(torpor_task *task, torpor_outcome outcome,
                         struct torpor__result result);

/* attach.c: lets every attached VM run, and starts what it began; detaches
 * all. */
void torpor__attached_pump(torpor_loop *loop);
void torpor__attached_detach(torpor_loop *loop);

/* watch.c: ends the watch; gives signals back. */
void torpor__watch_close(torpor_loop *loop);
void torpor__signals_restore(torpor_loop *loop);

/* access.c: whether 'path', a resolved one, is reserved; the sentence about
 * that, which is a DENIED one. */
bool torpor__access_reserved(const char *path);
torpor_status torpor__access_refuse(const char *doing, const char *path,
                                    torpor_bytes *out);

#ifdef TORPOR_TESTING
/* Test builds assert what the top comments say of tasks (task.c), alarms
 * (alarm.c) and file jobs (file.c), between turns. */
void torpor__tasks_check(const torpor_loop *loop);
void torpor__alarms_check(const torpor_loop *loop);
void torpor__files_check(const torpor_loop *loop);
#endif

/* The built-in drivers, in their own files. */
torpor_status torpor__timer_add(torpor_loop *loop);
torpor_status torpor__file_add(torpor_loop *loop);

#endif
