/* SPDX-License-Identifier: MIT */
/* test_protocol_simulation.c - run/protocol/protocol.c against chance.
 *
 * ctest: full timeout=120
 *
 * A universe is a disk, two runs that may be forked, two workers and a client,
 * all made from one seed. In each step chance picks a worker and lets it do one
 * small thing: open a run, let go of one that only waits, flush, run a program
 * for a turn, lose its lock, die at a named point; or a driver finishes, twice,
 * late, or just when a timeout comes; or the client sends a signal, cancels,
 * kills, rewinds, forks, prunes. Time passes.
 *
 * After each commit what the disk says must make sense by itself
 * (support/universe.c); whenever a driver is started, a line shown or a program
 * told something, it must be allowed by what the disk says (on_start, on_show,
 * check_deliveries). In the end chance is switched off and all must come to an
 * end (settle).
 *
 * A broken promise ends the test with the seed of its universe; run it alone
 * with TORPOR_SEED. The environment:
 *
 *   TORPOR_TIER=full         20,000,000 steps instead of 1,000,000, and other
 *                            universes each time; it prints the first
 *   TORPOR_SIMULATION_STEPS  that many
 *   TORPOR_SEED_FIRST        the first universe, to see the same ones again
 *   TORPOR_SEED              this universe only
 *
 * One thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "run/fault.h"
#include "run/protocol/signals.h"
#include "run/request.h"
#include "support/universe.h"

static uint64_t draw(uint64_t limit) {
  return simulated_random(&u.random, limit);
}

/* ---- drivers ------------------------------------------------------------- */

static void on_start(void *data, const struct torpor__operation *operation,
                     bool woken) {
  struct hold *hold = data;
  struct worker *worker = hold->worker;
  const struct disk_run *run = committed(hold->run);
  const struct disk_operation *row = find_operation(run, operation->id);
  PROMISE(2, row != NULL && row->branch == operation->branch,
          "%s: operation %llu started before its commit", run->id,
          (unsigned long long)operation->id);
  PROMISE(5, strcmp(operation->key, row->key) == 0, "%s: key %s instead of %s",
          run->id, operation->key, row->key);
  PROMISE(9, operation->due_ms == row->due_ms, "%s: the due time moved",
          run->id);
  uint8_t *starts =
      &u.accounts[hold->run - 1].starts[operation->branch][operation->id];
  if (operation->policy == TORPOR__POLICY_REJECT)
    PROMISE(12, *starts == 0 && !woken, "%s: done twice: %s", run->id,
            row->key);
  *starts = 1;
  PROMISE(2, worker->task_count < TASKS, "%s: drivers are not stopped",
          run->id);
  worker->tasks[worker->task_count++] =
      (struct task){.run = hold->run,
                    .branch = operation->branch,
                    .operation = operation->id,
                    .due_ms = operation->due_ms,
                    .timer = strcmp(operation->kind, "timer") == 0};
}

static void on_stop(void *data, int64_t branch, uint64_t operation) {
  struct hold *hold = data;
  struct worker *worker = hold->worker;
  for (int i = worker->task_count - 1; i >= 0; i--)
    if (worker->tasks[i].run == hold->run &&
        worker->tasks[i].branch == branch &&
        worker->tasks[i].operation == operation)
      worker->tasks[i] = worker->tasks[--worker->task_count];
}

static void on_show(void *data, const struct torpor__line *line) {
  struct hold *hold = data;
  const struct disk_run *run = committed(hold->run);
  struct account *account = &u.accounts[hold->run - 1];
  bool found = false;
  for (int i = 0; i < DISK_LINES; i++)
    found |=
        run->lines[i].step == line->step &&
        run->lines[i].number == line->number &&
        memcmp(run->lines[i].text.data, line->text.data, sizeof(int64_t)) == 0;
  PROMISE(2, found, "%s: a line was shown before its commit", run->id);
  int64_t number;
  memcpy(&number, line->text.data, sizeof number);
  int64_t *shown = &account->lines_shown[line->branch];
  PROMISE(2, number > *shown, "%s: a line was shown twice", run->id);
  *shown = number;
}

/* ---- a worker's turn with one run ---------------------------------------- */

static enum torpor__phase phase_of(const struct hold *hold) {
  return torpor__protocol_phase(hold->protocol);
}

static void drop(struct hold *hold) {
  torpor__protocol_close(hold->protocol);
  hold->protocol = NULL;
  hold->loaded = false;
}

static void receive(struct hold *hold, int64_t branch, uint64_t operation,
                    enum torpor__outcome outcome) {
  uint32_t value = ++u.next_value;
  torpor__protocol_receive(
      hold->protocol, branch, operation, outcome,
      (torpor_slice){.data = &value, .size = sizeof value});
  if (hold->first_value[operation] == 0) hold->first_value[operation] = value;
}

static uint32_t value_of(torpor_slice slice) {
  uint32_t value = 0;
  if (slice.size == sizeof value) memcpy(&value, slice.data, sizeof value);
  return value;
}

/* How far back in the order of delivery one belongs. */
static int64_t place_of(const struct disk_run *run,
                        const struct torpor__delivery *delivery) {
  const struct disk_result *result = find_result(run, delivery->operation);
  if (delivery->outcome == TORPOR__OUTCOME_CANCELLED) return INT64_C(4) << 40;
  if (result != NULL) return (INT64_C(1) << 40) + result->sequence;
  if (delivery->signal != 0)
    return (INT64_C(2) << 40) + (int64_t)delivery->operation;
  return (INT64_C(3) << 40) + value_of(delivery->value);
}

static void check_value(const struct hold *hold, const struct disk_run *run,
                        const struct torpor__delivery *delivery) {
  const struct disk_result *result = find_result(run, delivery->operation);
  const struct disk_operation *row = find_operation(run, delivery->operation);
  uint32_t value = value_of(delivery->value);
  if (delivery->outcome == TORPOR__OUTCOME_CANCELLED) {
    PROMISE(3, result == NULL, "%s: cancelled what had a result", run->id);
    PROMISE(10, row->begun_step < run->head.cancel,
            "%s: cancelled what was begun after that was told", run->id);
  } else if (result != NULL) {
    PROMISE(3,
            value_of((torpor_slice){.data = result->value.data,
                                    .size = result->value.size}) == value,
            "%s: another result than the first one", run->id);
  } else if (delivery->signal == 0 &&
             delivery->outcome != TORPOR__OUTCOME_LOST) {
    PROMISE(3, row->policy != TORPOR__POLICY_REJECT,
            "%s: a result that cannot come again was not kept", run->id);
    PROMISE(3, value == hold->first_value[delivery->operation],
            "%s: another result than the first one", run->id);
  }
}

/* Messages of a topic go, oldest first, to the oldest that wait for it. */
static void check_match(const struct disk_run *run,
                        const struct torpor__delivery *deliveries,
                        size_t index) {
  const struct disk_operation *row =
      find_operation(run, deliveries[index].operation);
  int earlier = 0;
  for (size_t i = 0; i < index; i++) {
    const struct disk_operation *other =
        find_operation(run, deliveries[i].operation);
    if (deliveries[i].signal != 0 && strcmp(other->topic, row->topic) == 0)
      earlier++;
  }
  for (int i = 0; i < run->signal_count; i++) {
    if (strcmp(run->signals[i].topic, row->topic) != 0) continue;
    if (earlier-- > 0) continue;
    PROMISE(4, run->signals[i].sequence == deliveries[index].signal,
            "%s: not the oldest signal", run->id);
    return;
  }
  universe_broken(4, "%s: a signal that was not in the mailbox", run->id);
}

static void check_deliveries(const struct hold *hold,
                             const struct torpor__delivery *deliveries,
                             size_t count) {
  const struct disk_run *run = committed(hold->run);
  const struct torpor__head *mine = torpor__protocol_head(hold->protocol);
  if (run->head.fence != mine->fence) return; /* it will find out */
  PROMISE(8, run->head.attempts >= 1, "%s: an attempt was not counted",
          run->id);
  for (size_t i = 0; i < count; i++) {
    PROMISE(3, program_waits_for(&hold->program, deliveries[i].operation),
            "%s: told again what it was told before", run->id);
    PROMISE(10, find_operation(run, deliveries[i].operation) != NULL,
            "%s: told after its end", run->id);
    for (size_t j = 0; j < i; j++)
      PROMISE(3, deliveries[j].operation != deliveries[i].operation,
              "%s: told twice in a step", run->id);
    PROMISE(3,
            i == 0 || place_of(run, &deliveries[i - 1]) <=
                          place_of(run, &deliveries[i]),
            "%s: results in another order than they came", run->id);
    if (deliveries[i].signal != 0) check_match(run, deliveries, i);
    check_value(hold, run, &deliveries[i]);
  }
}

/* Makes 'program' the committed state. False when the store has another one
 * than the worker believes, since the run is not its own any more. */
static bool load(struct hold *hold) {
  const struct disk_run *run = committed(hold->run);
  const struct torpor__head *head = torpor__protocol_head(hold->protocol);
  const struct disk_state *newest = newest_state(run);
  if (hold->loaded) return true;
  if (head->step == 0)
    program_start(&hold->program, u.seed + (uint64_t)hold->run,
                  4 + (int64_t)(u.seed % 40));
  else if (newest == NULL || newest->step != head->step ||
           newest->branch != head->branch)
    return false;
  else
    memcpy(&hold->program, newest->snapshot, sizeof hold->program);
  hold->links = LINKS_MAX; /* a whole one first */
  hold->loaded = true;
  return true;
}

static void kill_worker(void) {
  longjmp(u.crash, 1);
}

static void give_up_turn(struct hold *hold) {
  torpor__protocol_abandon(hold->protocol, "interrupted");
  hold->loaded = false;
}

static void take_turn(struct hold *hold) {
  const struct torpor__head *head = torpor__protocol_head(hold->protocol);
  size_t count;
  struct torpor__delivery *deliveries =
      torpor__protocol_deliveries(hold->protocol, &count);
  if (!load(hold)) {
    give_up_turn(hold);
    return;
  }
  check_deliveries(hold, deliveries, count);
  if (u.accounts[hold->run - 1].poisoned && head->step == 2) kill_worker();
  hold->program.run = hold->run;
  hold->program.branch = head->branch;
  program_enter(&hold->program, &hold->turn);
  if (head->step == 0 || head->runnable)
    program_continue(&hold->program, &hold->turn, u.now_ms);
  size_t told = count > 1 && draw(6) == 0 ? 1 + draw(count - 1) : count;
  for (size_t i = 0; i < told; i++)
    deliveries[i].accepted =
        program_tell(&hold->program, &hold->turn, &deliveries[i], u.now_ms);
  for (size_t i = told; i < count; i++) deliveries[i].undelivered = true;
  program_leave(&hold->program, &hold->turn);
  if (told < count) hold->turn.step.runnable = true; /* its fuel is spent */
  hold->turn.step.delta =
      head->step > 0 && hold->links < LINKS_MAX && draw(3) > 0;
  hold->links = hold->turn.step.delta ? hold->links + 1 : 0;
  torpor_status status =
      torpor__protocol_stage(hold->protocol, &hold->turn.step);
  PROMISE(1, status == TORPOR_OK, "stage: %s",
          hold->worker->store.store.message);
}

static void flush(struct worker *worker) {
  struct torpor__protocol *protocols[DISK_RUNS];
  size_t count = 0;
  for (int i = 0; i < DISK_RUNS; i++)
    if (worker->holds[i].protocol != NULL)
      protocols[count++] = worker->holds[i].protocol;
  torpor_status status =
      torpor__protocol_flush(&worker->store.store, protocols, count, u.now_ms);
  PROMISE(1,
          status == TORPOR_OK || status == TORPOR_FULL || status == TORPOR_IO,
          "flush: %s", worker->store.store.message);
}

static void open_run(struct worker *worker, int64_t run) {
  struct hold *hold = &worker->holds[run - 1];
  memset(hold->first_value, 0, sizeof hold->first_value);
  hold->worker = worker;
  hold->run = run;
  hold->loaded = false;
  hold->drivers = (struct torpor__drivers){
      .start = on_start, .stop = on_stop, .show = on_show, .data = hold};
  torpor__protocol_open(&hold->protocol, &worker->store.store, run,
                        &hold->drivers, ATTEMPTS_MAX);
}

/* The next thing that a worker has to do for a run. */
static void work(struct hold *hold) {
  switch (phase_of(hold)) {
  case TORPOR__PHASE_IDLE:
    if (committed(hold->run)->news != 0)
      torpor__protocol_refresh(hold->protocol, committed(hold->run)->news);
    if (phase_of(hold) == TORPOR__PHASE_IDLE)
      torpor__protocol_prepare(hold->protocol);
    break;
  case TORPOR__PHASE_STEPPING:
    take_turn(hold);
    break;
  case TORPOR__PHASE_CLAIMING:
  case TORPOR__PHASE_COUNTING:
  case TORPOR__PHASE_STAGED:
    flush(hold->worker);
    break;
  case TORPOR__PHASE_LOST:
    totals.fenced++;
    drop(hold);
    break;
  case TORPOR__PHASE_ENDED:
    drop(hold);
    break;
  }
}

/* ---- dying --------------------------------------------------------------- */

static void on_fault(enum torpor__fault_point point) {
  if (point >= TORPOR__FAULT_REWIND_READ) return; /* test_run_kill.c */
  if (u.crash_in > 0 && --u.crash_in == 0) kill_worker();
}

static void bury(struct worker *worker) {
  u.crash_in = 0;
  totals.crashes++;
  memory_store_crash(&worker->store);
  memory_store_crash(&u.client);
  for (int i = 0; i < DISK_RUNS; i++)
    if (worker->holds[i].protocol != NULL) drop(&worker->holds[i]);
  worker->task_count = 0;
}

/* Does 'what' for 'worker', which may die of it. */
static void attempt(struct worker *worker, void (*what)(struct worker *)) {
  if (setjmp(u.crash) == 0)
    what(worker);
  else
    bury(worker);
}

/* ---- what chance does ---------------------------------------------------- */

static struct hold *any_hold(struct worker *worker) {
  return &worker->holds[draw((uint64_t)u.disk.committed.run_count)];
}

/* Whether a worker that looks for what needs one finds the run. */
static bool is_found(int64_t run) {
  const struct torpor__head *head = &committed(run)->head;
  return head->status == TORPOR__RUN_ACTIVE &&
         (head->due_ms <= u.now_ms || committed(run)->news != 0);
}

static void act_on_run(struct worker *worker) {
  struct hold *hold = any_hold(worker);
  int64_t run = (hold - worker->holds) + 1;
  if (hold->protocol != NULL)
    work(hold);
  else if (is_found(run) || draw(8) == 0)
    open_run(worker, run);
}

static void act_flush(struct worker *worker) {
  if (draw(12) == 0) {
    u.disk.fail = draw(2) == 0 ? TORPOR_FULL : TORPOR_IO;
    u.disk.torn = draw(2) == 0;
  }
  flush(worker);
  u.disk.fail = TORPOR_OK;
}

static void act_crash(struct worker *worker) {
  if (draw(4) == 0)
    kill_worker();
  else
    u.crash_in = 1 + (int)draw(12);
  act_on_run(worker);
}

static void act_abandon(struct worker *worker) {
  struct hold *hold = any_hold(worker);
  if (hold->protocol == NULL) return;
  if (phase_of(hold) == TORPOR__PHASE_STEPPING ||
      phase_of(hold) == TORPOR__PHASE_STAGED)
    give_up_turn(hold);
}

/* Lets go of what only waits, as far as the store knows that. */
static void act_rest(struct worker *worker) {
  for (int i = 0; i < DISK_RUNS; i++) {
    struct hold *hold = &worker->holds[i];
    if (hold->protocol == NULL) continue;
    if (torpor__protocol_rests(hold->protocol)) {
      totals.rested++;
      drop(hold);
    } else {
      torpor__protocol_return_attempt(hold->protocol);
    }
  }
  flush(worker);
}

/* One task ends; now and then it says so twice, with another value. */
static void act_complete(struct worker *worker) {
  if (worker->task_count == 0) return;
  struct task task = worker->tasks[draw((uint64_t)worker->task_count)];
  struct hold *hold = &worker->holds[task.run - 1];
  bool signal = !task.timer && task.due_ms != TORPOR__NEVER;
  if (hold->protocol == NULL || signal) return;
  const struct disk_operation *row =
      find_operation(committed(task.run), task.operation);
  if (row != NULL && row->topic[0] != '\0') return;
  if (task.timer && task.due_ms > u.now_ms) return;
  receive(hold, task.branch, task.operation, TORPOR__OUTCOME_FULFILLED);
  if (draw(4) == 0)
    receive(hold, task.branch, task.operation, TORPOR__OUTCOME_REJECTED);
}

/* Waiting for a signal ends at its due time, if none came. */
static void act_time_out(struct worker *worker) {
  for (int i = 0; i < worker->task_count; i++) {
    struct task task = worker->tasks[i];
    struct hold *hold = &worker->holds[task.run - 1];
    if (hold->protocol == NULL || task.due_ms > u.now_ms) continue;
    receive(hold, task.branch, task.operation,
            task.timer ? TORPOR__OUTCOME_FULFILLED : TORPOR__OUTCOME_TIMED_OUT);
  }
}

/* The lease ran out while the worker was away: somebody else may come. */
static void act_lose_lock(struct worker *worker) {
  for (int i = 0; i < DISK_RUNS; i++)
    if (u.disk.locks[i] == &worker->store) u.disk.locks[i] = NULL;
}

static void send_signal(int64_t run) {
  struct account *account = &u.accounts[run - 1];
  if (account->next_signal == PROGRAM_MESSAGES ||
      committed(run)->signal_count == DISK_SIGNALS)
    return;
  uint32_t number = account->next_signal++;
  torpor__signals_send(&u.client.store, run, draw(2) == 0 ? "a" : "b",
                       (torpor_slice){.data = &number, .size = sizeof number},
                       u.now_ms);
}

static void act_client(struct worker *worker) {
  int64_t run = 1 + (int64_t)draw((uint64_t)u.disk.committed.run_count);
  struct torpor__database *store = &u.client.store;
  (void)worker;
  uint64_t choice = draw(100);
  if (choice < 70)
    send_signal(run);
  else if (choice < 90)
    torpor__request_cancel(store, run, u.now_ms);
  else if (choice < 98)
    torpor__request_unpark(store, run, u.now_ms);
  else
    torpor__request_kill(store, run, u.now_ms);
}

static int64_t any_step(int64_t run) {
  const struct disk_state *newest = newest_state(committed(run));
  if (newest == NULL || draw(8) == 0) return 0;
  if (draw(3) == 0) return TORPOR__STEP_NEWEST;
  return newest->step - (int64_t)draw((uint64_t)newest->step);
}

static void fork_run(int64_t run) {
  static const char *const ids[] = {"", "", "third", "fourth"};
  int count = u.disk.committed.run_count;
  if (count == DISK_RUNS || draw(4) > 0) return;
  struct account *account = &u.accounts[count];
  account->next_signal = u.accounts[run - 1].next_signal;
  totals.forked +=
      torpor__branch_fork(&u.client.store, run, any_step(run), ids[count],
                          &universe_reader, u.now_ms) == TORPOR_OK;
}

static void prune_run(int64_t run) {
  struct torpor__database *store = &u.client.store;
  const struct disk_state *newest = newest_state(committed(run));
  if (newest == NULL || store->calls->begin(store) != TORPOR_OK) return;
  u.pruning = 1 + (int64_t)draw(KEEP);
  store->calls->state_prune(store, run, newest->step + 1 - u.pruning);
  if (store->calls->commit(store) != TORPOR_OK) store->calls->rollback(store);
  u.pruning = 0;
}

static void act_history(struct worker *worker) {
  int64_t run = 1 + (int64_t)draw((uint64_t)u.disk.committed.run_count);
  (void)worker;
  uint64_t choice = draw(10);
  if (choice < 3)
    fork_run(run);
  else if (choice < 6)
    prune_run(run);
  else if (committed(run)->head.branch < BRANCHES - 2)
    totals.rewound +=
        torpor__branch_rewind(&u.client.store, run, any_step(run),
                              &universe_reader, u.now_ms) == TORPOR_OK;
}

static const struct {
  void (*act)(struct worker *);
  int weight;
} acts[] = {
    {act_on_run, 43},  {act_history, 3}, {act_flush, 10}, {act_complete, 20},
    {act_time_out, 4}, {act_client, 10}, {act_crash, 2},  {act_lose_lock, 1},
    {act_abandon, 1},  {act_rest, 6},
};

static void step_universe(void) {
  int weight = (int)draw(100);
  size_t i = 0;
  while (weight >= acts[i].weight) weight -= acts[i++].weight;
  u.now_ms += (int64_t)draw(20);
  attempt(&u.workers[draw(WORKERS)], acts[i].act);
  totals.steps++;
}

/* ---- the end ------------------------------------------------------------- */

static bool has_message(const struct disk_run *run, const char *topic) {
  for (int i = 0; i < run->signal_count; i++)
    if (strcmp(run->signals[i].topic, topic) == 0) return true;
  return false;
}

/* Nothing can happen to a run any more but that a signal comes. */
static bool is_settled(int64_t number) {
  const struct disk_run *run = committed(number);
  if (run->head.status != TORPOR__RUN_ACTIVE) return true;
  if (run->head.step == 0 || run->head.runnable || run->head.cancel ||
      run->result_count > 0)
    return false;
  for (int i = 0; i < run->operation_count; i++) {
    const struct disk_operation *operation = &run->operations[i];
    if (operation->topic[0] == '\0' || operation->due_ms != TORPOR__NEVER ||
        has_message(run, operation->topic))
      return false;
  }
  return run->operation_count > 0;
}

static bool is_all_settled(void) {
  for (int run = 1; run <= u.disk.committed.run_count; run++)
    if (!is_settled(run)) return false;
  return true;
}

static void complete_all(struct worker *worker) {
  for (int i = 0; i < worker->task_count; i++) {
    struct task task = worker->tasks[i];
    struct hold *hold = &worker->holds[task.run - 1];
    const struct disk_operation *row =
        find_operation(committed(task.run), task.operation);
    if (hold->protocol == NULL || row == NULL) continue;
    if (row->topic[0] != '\0' && row->due_ms == TORPOR__NEVER) continue;
    receive(hold, task.branch, task.operation, TORPOR__OUTCOME_FULFILLED);
  }
}

static void act_settle(struct worker *worker) {
  for (int i = 0; i < u.disk.committed.run_count; i++) {
    struct hold *hold = &worker->holds[i];
    if (hold->protocol != NULL)
      work(hold);
    else if (is_found(i + 1))
      open_run(worker, i + 1);
  }
  complete_all(worker);
}

/* Chance is over: one worker lives on, which takes only runs that need one, and
 * all must come to an end. A poisoned run kills it each time, until it is
 * parked. */
static void settle(void) {
  u.now_ms += 1000;
  for (int i = 0; i < WORKERS; i++) bury(&u.workers[i]);
  for (int round = 0; round < SETTLE_ROUNDS; round++) {
    if (is_all_settled()) return;
    u.now_ms++;
    attempt(&u.workers[0], act_settle);
  }
  universe_broken(1, "something was forgotten: steps %lld and %lld",
                  (long long)committed(1)->head.step,
                  (long long)committed(2)->head.step);
}

static void check_end(int64_t number) {
  const struct disk_run *run = committed(number);
  totals.ended += run->head.status != TORPOR__RUN_ACTIVE;
  totals.parked += run->head.status == TORPOR__RUN_PARKED;
  if (u.accounts[number - 1].poisoned && run->head.step == 2 &&
      run->head.status == TORPOR__RUN_ACTIVE)
    PROMISE(8, is_settled(number), "%s: ends its workers for ever", run->id);
}

static void live(uint64_t seed) {
  memset(&u, 0, sizeof u);
  u.seed = u.random = seed;
  u.now_ms = 1000;
  memory_store_open(&u.client, &u.disk);
  for (int i = 0; i < WORKERS; i++)
    memory_store_open(&u.workers[i].store, &u.disk);
  for (int i = 0; i < FIRST_RUNS; i++) {
    const struct torpor__run row = {.id = i == 0 ? "first" : "second",
                                    .keep = KEEP};
    int64_t run;
    torpor__request_create(&u.client.store, &row, NULL, 0, false, &run);
    u.accounts[i].poisoned = draw(10) == 0;
  }
  u.disk.committed_hook = universe_check;
  for (int i = 0; i < STEPS_PER_UNIVERSE; i++) step_universe();
  settle();
  for (int i = 0; i < u.disk.committed.run_count; i++) check_end(i + 1);
  for (int i = 0; i < WORKERS; i++) bury(&u.workers[i]);
}

static int64_t steps_wanted(void) {
  const char *steps = getenv("TORPOR_SIMULATION_STEPS");
  const char *tier = getenv("TORPOR_TIER");
  if (steps != NULL) return strtoll(steps, NULL, 10);
  return tier != NULL && strcmp(tier, "full") == 0 ? 20000000 : 1000000;
}

/* The quick tier sees the same universes each time, the full one others. */
static uint64_t first_seed(void) {
  const char *first = getenv("TORPOR_SEED_FIRST");
  const char *tier = getenv("TORPOR_TIER");
  uint64_t random;
  if (first != NULL) return strtoull(first, NULL, 10);
  if (tier == NULL || strcmp(tier, "full") != 0) return 1;
  if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) abort();
  return random >> 16; /* short enough to be typed */
}

int main(void) {
  const char *seed = getenv("TORPOR_SEED");
  torpor__fault_hook = on_fault;
  torpor__database_check_unlocked(true); /* see 'act_lose_lock' */
  if (seed != NULL) {
    live(strtoull(seed, NULL, 10));
    return 0;
  }
  int64_t wanted = steps_wanted();
  uint64_t first = first_seed();
  printf("universes from %llu on\n", (unsigned long long)first);
  fflush(stdout);
  for (uint64_t i = first; totals.steps < wanted; i++) live(i);
  printf(
      "%lld steps: %lld commits, %lld crashes, %lld runs ended, %lld "
      "parked, %lld times fenced, %lld rewound, %lld forked, %lld let go\n",
      (long long)totals.steps, (long long)totals.commits,
      (long long)totals.crashes, (long long)totals.ended,
      (long long)totals.parked, (long long)totals.fenced,
      (long long)totals.rewound, (long long)totals.forked,
      (long long)totals.rested);
  bool lively = totals.commits > wanted / 10 && totals.crashes > wanted / 200 &&
                totals.fenced > 0 && totals.parked > 0 && totals.ended > 0 &&
                totals.rewound > wanted / 2000 &&
                totals.forked > wanted / 2000 && totals.rested > wanted / 2000;
  if (!lively) fprintf(stderr, "too little happened to prove anything\n");
  return lively ? 0 : 1;
}
