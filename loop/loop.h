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
 *  (1) A task is in exactly one of the lists, except while its 'done' runs.
 *  (2) 'done' is called by torpor_loop_turn only: never from inside a driver,
 *      nor from inside a callback of libuv.
 *  (3) The handles of libuv that a loop owns are in struct torpor_loop or with
 *      its fetcher and its worlds; what else is under way are file jobs, which
 *      hold no pointer to a task that is gone.
 *  (4) 'stirred' says that something has happened since attached VMs were
 *      pumped last: a callback of libuv's ran, or a handle was added.
 *  (5) 'failure' is the status that an attached VM ended with; the turn that
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

/* Moves all links of 'from' into 'to', which is empty. */
static inline void torpor__list_move(struct torpor__link *from,
                                     struct torpor__link *to) {
  if (torpor__list_empty(from)) return;
  *to = *from;
  to->next->previous = to->previous->next = to;
  torpor__list_init(from);
}

/* ---- The loop ------------------------------------------------------------*/

/* Waiting alarms as a heap: the parent of i is (i - 1) / 2 and rings first. */
struct torpor__alarms {
  torpor_alarm **heap;
  size_t count, capacity;
  size_t background; /* how many the loop does not go on for */
  uint64_t made;     /* sequence number of the newest */
};

/* The jobs of job.c. */
struct torpor__jobs {
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
  struct torpor__link background; /* the same: started, and not waited for */
  struct torpor__link attached;   /* of attachments, see attach.c */
  struct torpor__link worlds;     /* of worlds, see world.h */
  struct torpor__jobs jobs;
  struct torpor__fetcher *fetcher; /* NULL: nothing was fetched, see fetch.h */
  struct torpor__link polls;       /* of struct torpor_poll */
  size_t polling;                  /* those that watch for something */
  struct torpor__mailbox *mailbox;
  torpor_bytes exhausted; /* given to tasks when memory runs out */
  torpor_status failure;

  torpor_vm *awaited_vm; /* NULL: torpor_loop_finish waits for nothing */
  torpor_value awaited;  /* the promise of that VM that it waits for */

  torpor_turned_fn turned;
  void *turned_user;
  bool turning, stirred;
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
/* The loop does not go on for the sake of 'alarm'. */
void torpor__alarm_background(torpor_alarm *alarm);

/* task.c: calls 'done' for the tasks that are complete by now, one by one,
 * until the loop is stopping or has a failure; cancels all. */
void torpor__tasks_deliver(torpor_loop *loop);
void torpor__tasks_cancel(torpor_loop *loop);

/* What 'done' is called with, if it is that function; else NULL. */
void *torpor__task_user(const torpor_task *task, torpor_done_fn done);

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

/* Ends 'task', which nobody is told of, and gives its result, whose memory is
 * then the caller's. False: it is not complete. */
bool torpor__task_take(torpor_task *task, torpor_outcome *outcome,
                       struct torpor__result *result);

/* The loop does not go on for the sake of 'task', which was started. */
void torpor__task_background(torpor_task *task);

/* attach.c: lets every attached VM run, and starts what it began; detaches
 * all. */
void torpor__attached_pump(torpor_loop *loop);
/* Whether a VM has jobs, or began what is not started yet. */
bool torpor__attached_waiting(const torpor_loop *loop);

/* The attachment of 'vm', NULL: none; making one. */
struct attached;
struct attached *torpor__attached_find(const torpor_loop *loop,
                                       const torpor_vm *vm);
torpor_status torpor__attached_open(torpor_loop *loop, torpor_vm *vm,
                                    const torpor_attachment *options,
                                    struct attached **out);
const torpor_attachment *
torpor__attached_options(const struct attached *attached);
torpor_loop *torpor__attached_loop(const struct attached *attached);

/* What lives on an attachment besides its tasks; 'leave' is called when the VM
 * is detached, after its tasks were cancelled. One at a time. */
struct torpor__tenant {
  void (*leave)(struct torpor__tenant *tenant);
};
void torpor__attached_let(struct attached *attached,
                          struct torpor__tenant *tenant);
/* That of the VM whose task this is; NULL: none. */
struct torpor__tenant *torpor__attached_tenant(const torpor_task *task);
/* Ends the task of operation 'id', if it has one. */
void torpor__attached_drop(struct attached *attached, uint64_t id);
/* A callback entered the VM, with that result: tells what was thrown, and keeps
 * what ends the turn. */
void torpor__attached_tell(struct attached *attached, torpor_status status);
void torpor__attached_detach(torpor_loop *loop);
/* The world of an attached VM. */
torpor_world *torpor__attached_world(const torpor_loop *loop,
                                     const torpor_vm *vm);

/* poll.c: as torpor_poll_open, for an 'owner' (may be NULL); takes the polls of
 * 'owner', or all when it is NULL, from the loop. */
torpor_status torpor__poll_open(torpor_loop *loop, int descriptor,
                                unsigned events, torpor_ready_fn ready,
                                void *user, const void *owner,
                                torpor_poll **out);
void torpor__polls_cut(torpor_loop *loop, const void *owner);

/* watch.c: ends the watch; gives signals back. */
void torpor__watch_close(torpor_loop *loop);
void torpor__signals_restore(torpor_loop *loop);

/* access.c: what relative paths start from, NULL for NULL. Whether 'path', a
 * resolved one, is reserved; the sentence about that, which is a DENIED one. */
const char *torpor__access_folder(const torpor_access *access);
/* What is wanted of a path, flags. */
enum {
  TORPOR__MAY_READ = 1,
  TORPOR__MAY_WRITE = 2,
  TORPOR__ENTRY = 4 /* the name itself: a link that has it is not followed */
};
/* As torpor_access_check, for all that 'want' says, at least MAY_READ or
 * MAY_WRITE. */
torpor_status torpor__access_check_path(const torpor_access *access,
                                        const char *path, unsigned want,
                                        torpor_bytes *out);
bool torpor__access_reserved(const char *path);
torpor_status torpor__access_refuse(const char *doing, const char *path,
                                    torpor_bytes *out);

/* access.c: whether anything is granted by 'permission'. */
bool torpor__access_grants(const torpor_access *access,
                           torpor_permission permission);

#ifdef TORPOR_TESTING
/* Test builds assert what the top comments say of tasks (task.c), alarms
 * (alarm.c), jobs (job.h) and polls (poll.c), between turns. */
void torpor__tasks_check(const torpor_loop *loop);
void torpor__alarms_check(const torpor_loop *loop);
void torpor__jobs_check(const torpor_loop *loop);
void torpor__polls_check(const torpor_loop *loop);
#endif

/* The built-in drivers, in their own files. */
torpor_status torpor__timer_add(torpor_loop *loop);
torpor_status torpor__file_add(torpor_loop *loop);
torpor_status torpor__process_add(torpor_loop *loop);
torpor_status torpor__fetch_add(torpor_loop *loop);
torpor_status torpor__fs_add(torpor_loop *loop);
torpor_status torpor__open_file_add(torpor_loop *loop);
torpor_status torpor__watch_add(torpor_loop *loop);
torpor_status torpor__connect_add(torpor_loop *loop);
torpor_status torpor__listen_add(torpor_loop *loop);
torpor_status torpor__deferred_add(torpor_loop *loop);
torpor_status torpor__os_signal_add(torpor_loop *loop);
torpor_status torpor__writable_add(torpor_loop *loop);
torpor_status torpor__worker_add(torpor_loop *loop);

/* fetch-multi.c: gives libcurl's connections back. No transfer is left. */
void torpor__fetch_close(torpor_loop *loop);

#endif
