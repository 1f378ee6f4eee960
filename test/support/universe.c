/* SPDX-License-Identifier: MIT */
/* universe.c - what must be true of the disk after each commit. See universe.h.
 *
 * One thread. */
#include "support/universe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct universe u;
struct totals totals;

_Noreturn void universe_broken(int promise, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "promise %d broken in universe %llu: ", promise,
          (unsigned long long)u.seed);
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
  va_end(args);
  exit(1);
}

/* ---- what the disk says -------------------------------------------------- */

const struct disk_run *committed(int64_t run) {
  return &u.disk.committed.runs[run - 1];
}

const struct disk_state *newest_state(const struct disk_run *run) {
  return run->state_count > 0 ? &run->states[run->state_count - 1] : NULL;
}

const struct disk_operation *find_operation(const struct disk_run *run,
                                            uint64_t id) {
  for (int i = 0; i < run->operation_count; i++)
    if (run->operations[i].id == id) return &run->operations[i];
  return NULL;
}

const struct disk_result *find_result(const struct disk_run *run, uint64_t id) {
  for (int i = 0; i < run->result_count; i++)
    if (run->results[i].operation == id) return &run->results[i];
  return NULL;
}

/* The program of a committed state; false when there is none. */
static bool read_program(const struct disk_run *run, struct program *program) {
  if (run->head.status == TORPOR__RUN_ACTIVE && run->state_count > 0) {
    memcpy(program, run->states[run->state_count - 1].snapshot,
           sizeof *program);
    return true;
  }
  if (!run->exited || run->exit_size != sizeof *program) return false;
  memcpy(program, run->exit, sizeof *program);
  return true;
}

static const struct program_pending *find_pending(const struct program *program,
                                                  uint64_t id) {
  for (int i = 0; i < program->pending_count; i++)
    if (program->pending[i].id == id) return &program->pending[i];
  return NULL;
}

/* Wherever the state has been since: key, branch and due time are those with
 * which the operation was begun. */
static void check_operation(const struct disk_run *run,
                            const struct program *program,
                            const struct disk_operation *row) {
  const struct program_pending *pending = find_pending(program, row->id);
  char key[TORPOR__KEY_MAX];
  PROMISE(1, pending != NULL,
          "%s: the store has operation %llu, the state has not", run->id,
          (unsigned long long)row->id);
  snprintf(key, sizeof key, "%s/%lld/%llu", committed(pending->run)->id,
           (long long)pending->branch, (unsigned long long)row->id);
  PROMISE(5, strcmp(row->key, key) == 0, "%s: key %s instead of %s", run->id,
          row->key, key);
  PROMISE(9, row->branch == pending->branch && row->due_ms == pending->due_ms,
          "%s: %s has moved", run->id, key);
  PROMISE(12, (row->policy == TORPOR__POLICY_REJECT) == (pending->kind == 'p'),
          "%s: %s is done twice, or never", run->id, key);
}

/* A state and what it waits for were written together. */
static void check_operations(const struct disk_run *run,
                             const struct program *program) {
  PROMISE(1, run->operation_count == program->pending_count,
          "%s: the state waits for %d operations, the store has %d", run->id,
          program->pending_count, run->operation_count);
  for (int i = 0; i < run->operation_count; i++)
    check_operation(run, program, &run->operations[i]);
  for (int i = 0; i < run->result_count; i++)
    PROMISE(1, find_operation(run, run->results[i].operation) != NULL,
            "%s: a result of an operation that is gone", run->id);
}

static uint64_t waiting_signals(const struct disk_run *run) {
  uint64_t waiting = 0;
  for (int i = 0; i < run->signal_count; i++) {
    uint32_t number;
    memcpy(&number, run->signals[i].value.data, sizeof number);
    waiting |= UINT64_C(1) << number;
  }
  return waiting;
}

/* Every signal that was sent is in the mailbox or consumed, never both. */
static void check_signals(int64_t number, const struct disk_run *run,
                          const struct program *program) {
  uint64_t waiting = waiting_signals(run);
  PROMISE(4, (waiting & program->messages) == 0, "%s: a signal came twice",
          run->id);
  PROMISE(4, (waiting | program->messages) == u.accounts[number - 1].sent,
          "%s: a signal was lost", run->id);
}

static void check_cancel(const struct disk_run *run,
                         const struct disk_run *before,
                         const struct program *program) {
  struct program earlier;
  if (before->head.cancel != TORPOR__CANCEL_ALL ||
      run->head.cancel > TORPOR__CANCEL_DELIVERED ||
      before->head.branch != run->head.branch ||
      !read_program(before, &earlier))
    return;
  PROMISE(10, program->cancelled > earlier.cancelled,
          "%s: cancel was forgotten, nothing was rejected", run->id);
}

static void check_head(int64_t number, const struct disk_run *run,
                       const struct disk_run *before,
                       struct memory_store *writer) {
  const struct torpor__head *head = &run->head;
  const struct torpor__head *old = &before->head;
  if (head->branch != old->branch) {
    PROMISE(5,
            head->branch == old->branch + 1 && writer == &u.client &&
                head->step <= old->step,
            "%s: a branch of nobody's making", run->id);
    PROMISE(6, head->fence > old->fence,
            "%s: rewound without raising the fence", run->id);
    return;
  }
  PROMISE(6, head->fence >= old->fence && head->step >= old->step,
          "%s: went back", run->id);
  PROMISE(6, head->step <= old->step + 1, "%s: two steps in a commit", run->id);
  PROMISE(10, head->cancel <= old->cancel || writer == &u.client,
          "%s: cancelled, and nobody asked for it", run->id);
  PROMISE(8, head->attempts <= ATTEMPTS_MAX, "%s: too many attempts", run->id);
  if (head->step == old->step) return;
  PROMISE(10, old->status == TORPOR__RUN_ACTIVE, "%s: a step after its end",
          run->id);
  PROMISE(6, writer == u.accounts[number - 1].owner,
          "%s: a step by a worker that had lost the run", run->id);
}

/* Each kept state has what it needs, and no more went than may. */
static void check_states(const struct disk_run *run,
                         const struct disk_run *before) {
  PROMISE(1, run->state_count <= KEEP + LINKS_MAX, "%s: old states are left",
          run->id);
  for (int i = 0; i < run->state_count; i++) {
    const struct disk_state *state = &run->states[i];
    PROMISE(1, i == 0 || state->step == state[-1].step + 1,
            "%s: a step between is missing", run->id);
    PROMISE(1,
            state->parent_step == 0 ||
                (i > 0 && state->parent_step == state[-1].step &&
                 state->branch == state[-1].branch),
            "%s: step %lld needs one that is gone", run->id,
            (long long)state->step);
  }
  if (before->state_count == 0 || run->state_count == 0 ||
      before->head.branch != run->head.branch)
    return;
  int64_t oldest = before->states[0].step;
  int64_t bound =
      newest_state(run)->step + 1 - (u.pruning > 0 ? u.pruning : KEEP);
  PROMISE(1, run->states[0].step <= (oldest > bound ? oldest : bound),
          "%s: a state is gone that was to be kept", run->id);
}

/* Rewound: the state is the one that was kept of this step. */
static void check_rewound(const struct disk_run *run,
                          const struct disk_run *before) {
  const struct disk_state *state = newest_state(run);
  PROMISE(1, run->head.status == TORPOR__RUN_ACTIVE && !run->exited,
          "%s: rewound, and still ended", run->id);
  if (run->head.step == 0) {
    PROMISE(1, run->operation_count + run->state_count == 0,
            "%s: begins anew with something left", run->id);
    return;
  }
  for (int i = 0; i < before->state_count; i++)
    if (before->states[i].step == state->step &&
        memcmp(before->states[i].snapshot, state->snapshot, state->size) == 0)
      return;
  universe_broken(1, "%s: went back to a state that was never kept", run->id);
}

/* A copy begins with nothing in its mailbox, and its signals are its own. */
static void check_forked(int64_t number) {
  const struct disk_run *run = committed(number);
  struct program program = {0};
  PROMISE(1, run->signal_count == 0 && run->head.fence == 0,
          "%s: more was copied than the state", run->id);
  if (run->state_count > 0) read_program(run, &program);
  u.accounts[number - 1].sent = program.messages;
  check_operations(run, &program);
}

/* When the run needs a worker, as the rows say. */
static int64_t find_due(const struct disk_run *run) {
  const struct torpor__head *head = &run->head;
  int64_t due = TORPOR__NEVER;
  if (head->attempts > 0 || head->step == 0 || head->runnable ||
      head->cancel != 0 || run->result_count > 0)
    return 0;
  for (int i = 0; i < run->operation_count; i++) {
    const struct disk_operation *operation = &run->operations[i];
    bool signal = operation->topic[0] != '\0';
    if (!signal && operation->policy != TORPOR__POLICY_REARM) return 0;
    for (int j = 0; signal && j < run->signal_count; j++)
      if (strcmp(run->signals[j].topic, operation->topic) == 0) return 0;
    if (operation->due_ms < due) due = operation->due_ms;
  }
  return due;
}

static void check_due(const struct disk_run *run) {
  int64_t due = find_due(run);
  PROMISE(13, run->head.due_ms <= due || run->news != 0,
          "%s: needs a worker at %lld, and is due at %lld", run->id,
          (long long)due, (long long)run->head.due_ms);
}

static void check_run(int64_t number, const struct disk_run *before,
                      struct memory_store *writer) {
  const struct disk_run *run = committed(number);
  struct program program;
  if (run->head.fence > before->head.fence)
    u.accounts[number - 1].owner = writer;
  if (writer == &u.client) u.accounts[number - 1].sent |= waiting_signals(run);
  bool rewound = run->head.branch != before->head.branch;
  check_head(number, run, before, writer);
  check_states(run, before);
  bool active = run->head.status == TORPOR__RUN_ACTIVE;
  if (active) check_due(run);
  if (active && run->head.step > 0)
    PROMISE(1,
            newest_state(run) != NULL &&
                newest_state(run)->step == run->head.step,
            "%s: no state of step %lld", run->id, (long long)run->head.step);
  if (rewound) check_rewound(run, before);
  if (rewound && run->head.step == 0)
    u.accounts[number - 1].sent = waiting_signals(run);
  if (!read_program(run, &program)) return;
  if (rewound) /* what was consumed since is not given again */
    u.accounts[number - 1].sent = waiting_signals(run) | program.messages;
  if (active) check_operations(run, &program);
  check_signals(number, run, &program);
  if (active) check_cancel(run, before, &program);
}

void universe_check(struct disk *disk, struct memory_store *writer,
                    const struct disk_content *before) {
  totals.commits++;
  for (int64_t run = 1; run <= disk->committed.run_count; run++)
    if (run <= before->run_count)
      check_run(run, &before->runs[run - 1], writer);
    else
      check_forked(run);
}

/* ---- reading states ------------------------------------------------------ */

/* The client as one who can read the states of programs. */
struct opened {
  struct program program;
  struct torpor__operation rows[PROGRAM_PENDING];
};

/* torpor__state_fn */
static torpor_status take_newest(void *data, const struct torpor__state *row) {
  struct torpor__checkpoint *out = data;
  struct opened *opened = out->block;
  memcpy(&opened->program, row->snapshot.data, sizeof opened->program);
  out->branch = row->branch;
  out->step = row->step;
  out->runnable = row->runnable;
  return TORPOR_CANCELLED;
}

static torpor_status open_state(void *user, int64_t run, int64_t step,
                                struct torpor__checkpoint *out) {
  static struct opened opened;
  (void)user;
  *out = (struct torpor__checkpoint){.block = &opened};
  torpor_status status = u.client.store.calls->state_each(
      &u.client.store, run, step, take_newest, out);
  if (status != TORPOR_CANCELLED) return TORPOR_NOT_FOUND;
  out->operations = opened.rows;
  out->operation_count = program_list(&opened.program, opened.rows);
  return TORPOR_OK;
}

static torpor_status seal_state(void *user, const char *id, int64_t branch,
                                struct torpor__checkpoint *checkpoint) {
  struct opened *opened = checkpoint->block;
  (void)user;
  (void)id;
  (void)branch;
  checkpoint->snapshot =
      (torpor_slice){.data = &opened->program, .size = sizeof opened->program};
  return TORPOR_OK;
}

static void close_state(void *user, struct torpor__checkpoint *checkpoint) {
  (void)user;
  (void)checkpoint;
}

const struct torpor__checkpoint_reader universe_reader = {
    .open = open_state, .seal = seal_state, .close = close_state};
