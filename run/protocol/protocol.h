/* SPDX-License-Identifier: MIT */
/* protocol.h - the rules by which a run lives: what is written when, and what
 * may happen only after that.
 *
 * One 'struct torpor__protocol' is one run that one worker has claimed. The
 * worker does the work (runs the VM, performs operations); the protocol says
 * when. It knows no SQL and no clock, and does no I/O: store, time and drivers
 * are passed in, so that a simulation can run it millions of times.
 *
 *            open             flush: fence raised
 *   (none) ───────► CLAIMING ────────────────────► IDLE ◄────────────┐
 *                                                   │ prepare        │
 *                                                   ▼                │
 *            flush: parked, too often             COUNTING           │
 *   ENDED ◄───────────────────────────────────────  │ flush: attempt │ abandon
 *     ▲                                             ▼        durable │
 *     │                                          STEPPING ───────────┤
 *     │                                             │ stage          │
 *     │ flush: exit durable                         ▼                │
 *     └────────────────────────────────────────── STAGED ────────────┤
 *                                                   │ flush: state   │
 *                                                   │ durable, then  │
 *                                                   │ drivers told,  │
 *                                                   │ lines shown    │
 *                                                   └────────────────┘
 *
 *   COUNTING ── flush: the store had an earlier result ──► IDLE
 *   CLAIMING ── flush: the run has ended meanwhile ──► ENDED
 *   IDLE, COUNTING, STAGED ── flush, or refresh when IDLE, finds another fence,
 *     step, branch or status ──► LOST
 *   CLAIMING and these ── flush finds rows that cannot be used ──► ENDED,
 *     parked
 *   any ── close ──► (none), lock given up
 *
 * The function behind each arrow is 'torpor__protocol_' and the word on it.
 * 'prepare' goes straight to STEPPING when the last commit has already counted
 * the next delivery as an attempt. 'flush' writes what any number of runs have
 * ready in one transaction, with a savepoint each should one of them fail.
 *
 * What always holds, numbered as in the design, with the functions of
 * protocol.c and protocol-rows.c that see to it:
 *
 *  (1) A run is its newest committed state and what came in after it. As many
 *      older states stay as the run was made to keep; what neither these nor
 *      the newest one need is removed by the commit that brings a new one.
 *      write_state
 *  (2) Nothing leaves before the commit that contains it: drivers start and
 *      stop, and lines are shown, after it. What runs again after a crash
 *      runs from that state with the same keys.  tell_drivers, wake_drivers
 *  (3) A result is taken once; the first one wins, also against a timeout.
 *      Results of operations that must not be repeated are durable before
 *      they are delivered; others with the state that has consumed them.
 *      Delivered in store order, then in order of arrival. Only the worker
 *      that has claimed the run writes results.
 *      torpor__protocol_receive, write_results, choose_results
 *  (4) A signal is in the mailbox until a state has consumed it, and is
 *      matched in one place. One that the VM did not accept, because it
 *      cancelled the operation meanwhile, stays.
 *      choose_signals, write_accepted
 *  (5) The idempotency key is run, branch and operation; it is written when
 *      the operation begins and never changes.  torpor__protocol_key
 *  (6) Two workers never work one run: a lock, and a fencing number that
 *      every write checks, with the step it continues from.
 *      torpor__protocol_open, write_claim, torpor__protocol_read_head,
 *      write_unread
 *  (7) What is read to wake, and written to sleep, depends on the state, not
 *      on the number of steps behind it.  load_run
 *  (8) An attempt is counted in the store before a delivery, and before
 *      anything of the run is read. Too many attempts without a commit park
 *      the run with the reason. Runs whose attempts nobody took back were
 *      being worked when a worker died: they are suspects, and no two of them
 *      are worked at a time.
 *      write_attempt, torpor__request_count_attempts, worker-suspect.c
 *  (9) Due times are absolute and the same after each waking.  wake_drivers
 * (10) Cancelling rejects what is pending, once. The request stays until
 *      something was pending, and until all of that was rejected; what is
 *      begun meanwhile is spared. Killing ends the run by raising its fence.
 *      choose_cancelled, cancel_after; request.c
 * (11) is not here: effects that are not operations are refused where host
 *      functions are bound.
 * (12) An operation that must not be repeated is not started by a worker that
 *      did not begin it: it ends as LOST, unless its result came.  load_run
 * (13) A run that nobody works is found by the next one who should: it is due
 *      while a worker may have it in hand or it has something to do, and else
 *      at the time of its first timer or timeout; and what others write for it
 *      is news until a worker has read it, and has written when it is due
 *      then.  torpor__protocol_due, write_rows; request.c, signals.c
 *
 * Runs on the worker's thread. No function keeps a pointer that it is given,
 * but 'stage', whose step is borrowed until the flush that follows. */
#ifndef TORPOR_RUN_PROTOCOL_H
#define TORPOR_RUN_PROTOCOL_H

#include "run/database/database.h"

enum {
  TORPOR__OPERATIONS_MAX = 100000 /* pending in one run */
};

enum torpor__phase {
  TORPOR__PHASE_CLAIMING,
  TORPOR__PHASE_IDLE,
  TORPOR__PHASE_COUNTING,
  TORPOR__PHASE_STEPPING,
  TORPOR__PHASE_STAGED,
  TORPOR__PHASE_ENDED,
  TORPOR__PHASE_LOST
};

/* What performs operations and shows output; called by 'flush' after its
 * commit, never before. They may call 'receive' and nothing else of the
 * protocol. */
struct torpor__drivers {
  /* 'woken': the operation was begun earlier, perhaps by another process. */
  void (*start)(void *data, const struct torpor__operation *operation,
                bool woken);
  /* Its result was received, but not delivered: the VM has cancelled it. Comes
   * before 'stop'; may be NULL. */
  void (*drop)(void *data, int64_t branch, uint64_t operation,
               enum torpor__outcome outcome, torpor_slice value);
  /* No result of it is wanted any more. */
  void (*stop)(void *data, int64_t branch, uint64_t operation);
  void (*show)(void *data, const struct torpor__line *line);
  void *data;
};

/* What is to be delivered to the VM, in this order; jobs run after each. */
struct torpor__delivery {
  int64_t branch;
  uint64_t operation;
  enum torpor__outcome outcome;
  torpor_slice value;
  int64_t signal;   /* sequence of the message it is made of, or 0 */
  bool accepted;    /* set by the worker: the operation was pending in the VM */
  bool undelivered; /* the same: the step ended before it; it stays */
};

/* What a VM did in a step, as the worker found it afterwards. */
struct torpor__step {
  torpor_slice engine;
  torpor_slice snapshot; /* ignored when it ended */
  bool delta;    /* it is the difference from the state of the last commit */
  bool runnable; /* jobs are left */
  /* Begun, by rising id; 'branch', 'key', 'begun_ms' and 'begun_step' are the
   * protocol's to fill in. Those that were begun and cancelled again within
   * the step are in neither list. */
  struct torpor__operation *begun;
  size_t begun_count;
  const uint64_t *cancelled; /* by the program */
  size_t cancelled_count;
  struct torpor__line *lines; /* 'branch', 'step', 'number' are filled in */
  size_t line_count;
  /* ACTIVE, DONE or FAILED; the protocol makes DEADLOCKED of an ACTIVE one
   * that has nothing left to wait for. */
  enum torpor__run_status status;
  struct torpor__exit exit; /* when it ended */
};

struct torpor__protocol;

/* Begins to claim 'run': takes its lock, before anything of it is read.
 * 'drivers' must outlive the protocol; 'attempts_max' is at least 1. Returns
 * OK, LOCKED (another works it), NOMEM or what the store says; then '*protocol'
 * is NULL. The next flush claims it. */
torpor_status torpor__protocol_open(struct torpor__protocol **protocol,
                                    struct torpor__database *database,
                                    int64_t run,
                                    const struct torpor__drivers *drivers,
                                    int64_t attempts_max);

/* The same when the caller has the lock already, which then becomes the
 * protocol's, and the store counts an attempt: the next delivery is that one.
 * 'suspect': attempts were counted before, by workers that are gone. */
torpor_status torpor__protocol_adopt(struct torpor__protocol **protocol,
                                     struct torpor__database *database,
                                     int64_t run,
                                     const struct torpor__drivers *drivers,
                                     int64_t attempts_max, bool suspect);

/* Whether it may be this run that ended earlier workers: until a step of it is
 * durable. */
bool torpor__protocol_is_suspect(const struct torpor__protocol *protocol);

/* Lets go of the run: drivers are told to stop, the lock is given up. Writes
 * nothing; for a clean goodbye call 'return_attempt' and 'flush' before. NULL
 * is fine. */
void torpor__protocol_close(struct torpor__protocol *protocol);

/* A driver's result. Copies 'value'. OK also when it comes too late to count;
 * NOMEM. In any phase. */
torpor_status torpor__protocol_receive(struct torpor__protocol *protocol,
                                       int64_t branch, uint64_t operation,
                                       enum torpor__outcome outcome,
                                       torpor_slice value);

/* Reads what others wrote: results, signals, cancel, kill; in phase IDLE,
 * elsewhere as soon as that comes. 'news' is the number of the news that told
 * of it, which the flush after that removes; 0: there was none. OK, FENCED (now
 * LOST) or what the store says; OK also when what it reads cannot be used: the
 * next flush parks the run. */
torpor_status torpor__protocol_refresh(struct torpor__protocol *protocol,
                                       int64_t news);

/* Whether the run is this worker's still, read from the store without taking
 * anything in; in any phase. OK, FENCED, or what the store says. */
torpor_status torpor__protocol_check_fence(struct torpor__protocol *protocol);

/* Whether 'prepare' would find anything to do. */
bool torpor__protocol_ready(const struct torpor__protocol *protocol);

/* Chooses what to deliver next; when ready and IDLE the phase is COUNTING or
 * STEPPING afterwards. OK, NOMEM, or as 'refresh'. */
torpor_status torpor__protocol_prepare(struct torpor__protocol *protocol);

/* The chosen deliveries, in phase STEPPING. None is fine: the program starts,
 * or goes on with jobs that are left. */
struct torpor__delivery *
torpor__protocol_deliveries(struct torpor__protocol *protocol, size_t *count);

/* Whether earlier steps have delivered a cancel of which the next one has to
 * see what comes. */
bool torpor__protocol_is_cancelling(const struct torpor__protocol *protocol);

/* Hands over what the step did; phase STAGED. Returns OK, NOMEM, LIMIT (too
 * many operations) or MISUSE (what the step says does not fit the run: an
 * operation begun twice, an unknown one cancelled); the phase then stays. */
torpor_status torpor__protocol_stage(struct torpor__protocol *protocol,
                                     struct torpor__step *step);

/* Rolls back a step that failed (interrupted, trapped): back to the committed
 * state, which the worker has to load again. 'reason' is kept in case the run
 * is parked. From STEPPING and STAGED to IDLE. */
void torpor__protocol_abandon(struct torpor__protocol *protocol,
                              const char *reason);

/* After 'abandon', when that was not the run's doing: the attempt that was
 * counted for the abandoned step serves the next one. */
void torpor__protocol_keep_attempt(struct torpor__protocol *protocol);

/* Says that nothing will be delivered soon: the next flush takes back the
 * attempt that the last commit has counted in advance. In phase IDLE; also in
 * CLAIMING, then the run is claimed by the flush after that. */
void torpor__protocol_return_attempt(struct torpor__protocol *protocol);

/* Says that the run only waits, so that it was not what ended earlier workers:
 * the next flush forgets all its attempts. In phase IDLE. */
void torpor__protocol_forget_attempts(struct torpor__protocol *protocol);

/* Whether the run can be let go of, and nobody need come back to it before it
 * is due: it only waits, for timers and signals, and the store knows. */
bool torpor__protocol_rests(const struct torpor__protocol *protocol);

/* Whether it would, once the store knows: 'return_attempt' sees to that. */
bool torpor__protocol_can_rest(const struct torpor__protocol *protocol);

/* Whether nothing is to be done for it, or written, before it is told of a
 * result or of news. */
bool torpor__protocol_is_still(const struct torpor__protocol *protocol);

/* Whether a flush has anything to write for it. */
bool torpor__protocol_pending(const struct torpor__protocol *protocol);

/* Writes all that 'count' runs of one store have ready, in one transaction,
 * then starts drivers and shows lines. A run that turns out to be another's is
 * LOST, one whose rows are damaged or too large is parked; the others are not
 * concerned. On an error of the store nothing was
 * written, phases are as before, and the flush may be repeated. */
torpor_status torpor__protocol_flush(struct torpor__database *database,
                                     struct torpor__protocol *const *protocols,
                                     size_t count, int64_t now_ms);

/* Whether 'status' says that the rows of one run cannot be used, and nothing
 * about the store. */
bool torpor__protocol_is_own_fault(torpor_status status);

/* What the worker and its display want to know. */
enum torpor__phase torpor__protocol_phase(const struct torpor__protocol *p);
int64_t torpor__protocol_run(const struct torpor__protocol *p);
/* As of the last commit. */
const struct torpor__head *
torpor__protocol_head(const struct torpor__protocol *p);
size_t torpor__protocol_waiting(const struct torpor__protocol *p);

#endif
