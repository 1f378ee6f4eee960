/* SPDX-License-Identifier: MIT */
/* simulated-program.c - a program, as the protocol sees one. See the header.
 *
 * No I/O, no memory of its own. */
#include "support/simulated-program.h"

#include <string.h>

/* splitmix64 */
uint64_t simulated_random(uint64_t *state, uint64_t limit) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (z ^ (z >> 31)) % limit;
}

static uint64_t draw(struct program *program, uint64_t limit) {
  return simulated_random(&program->random, limit);
}

void program_start(struct program *program, uint64_t seed, int64_t limit) {
  memset(program, 0, sizeof *program);
  program->random = seed;
  program->next_id = 1;
  program->limit = limit;
}

void program_enter(struct program *program, struct program_step *out) {
  memset(out, 0, sizeof *out);
  out->step.begun = out->begun;
  out->step.cancelled = out->cancelled;
  out->step.lines = out->lines;
  out->first_id = program->next_id;
}

static const struct {
  char kind;
  const char *name;
  enum torpor__policy policy;
} kinds[] = {{'t', "timer", TORPOR__POLICY_REARM},
             {'f', "fetch", TORPOR__POLICY_REPEAT},
             {'p', "process", TORPOR__POLICY_REJECT},
             {'s', "signal", TORPOR__POLICY_REATTACH}};

static int find_pending(const struct program *program, uint64_t id) {
  for (int i = 0; i < program->pending_count; i++)
    if (program->pending[i].id == id) return i;
  return -1;
}

bool program_waits_for(const struct program *program, uint64_t id) {
  return find_pending(program, id) >= 0;
}

size_t program_list(const struct program *program,
                    struct torpor__operation rows[PROGRAM_PENDING]) {
  size_t count = (size_t)program->pending_count;
  for (size_t i = 0; i < count; i++) {
    const struct program_pending *pending = &program->pending[i];
    size_t kind = 0;
    while (kinds[kind].kind != pending->kind) kind++;
    rows[i] = (struct torpor__operation){
        .id = pending->id, .kind = kinds[kind].name, .due_ms = pending->due_ms};
    if (pending->kind == 's') rows[i].topic = pending->topic == 'b' ? "b" : "a";
  }
  return count;
}

static void remove_pending(struct program *program, int index) {
  program->pending_count--;
  memmove(&program->pending[index], &program->pending[index + 1],
          (size_t)(program->pending_count - index) * sizeof *program->pending);
  program->pending[program->pending_count] = (struct program_pending){0};
}

static void begin_operation(struct program *program, struct program_step *out,
                            int64_t now_ms) {
  if (program->pending_count == PROGRAM_PENDING ||
      out->step.begun_count == PROGRAM_BEGUN)
    return;
  size_t kind = draw(program, 4);
  bool second = draw(program, 2) == 1;
  bool due = kinds[kind].kind == 't' ||
             (kinds[kind].kind == 's' && draw(program, 2) == 1);
  int64_t wait_ms = (int64_t)draw(program, 400);
  uint64_t id = program->next_id++;
  program->pending[program->pending_count++] =
      (struct program_pending){.id = id,
                               .kind = kinds[kind].kind,
                               .topic = second ? 'b' : 'a',
                               .due_ms = due ? now_ms + wait_ms : TORPOR__NEVER,
                               .run = program->run,
                               .branch = program->branch};
  bool signal = kinds[kind].kind == 's';
  out->begun[out->step.begun_count++] = (struct torpor__operation){
      .id = id,
      .kind = kinds[kind].name,
      .topic = !signal  ? NULL
               : second ? "b"
                        : "a",
      .due_ms = due ? now_ms + wait_ms : TORPOR__NEVER,
      .policy = kinds[kind].policy};
}

static void forget_begun(struct program_step *out, uint64_t id) {
  size_t kept = 0;
  for (size_t i = 0; i < out->step.begun_count; i++)
    if (out->begun[i].id != id) out->begun[kept++] = out->begun[i];
  out->step.begun_count = kept;
}

static void cancel_operation(struct program *program,
                             struct program_step *out) {
  if (program->pending_count == 0) return;
  int index = (int)draw(program, (uint64_t)program->pending_count);
  uint64_t id = program->pending[index].id;
  remove_pending(program, index);
  if (id >= out->first_id)
    forget_begun(out, id);
  else
    out->cancelled[out->step.cancelled_count++] = id;
}

static void print_line(struct program *program, struct program_step *out) {
  if (out->step.line_count == PROGRAM_LINES) return;
  size_t index = out->step.line_count++;
  out->line_numbers[index] = ++program->lines;
  out->lines[index] = (struct torpor__line){
      .level = TORPOR_LEVEL_LOG,
      .text = {.data = &out->line_numbers[index], .size = sizeof(int64_t)}};
}

/* What the program does when it has been told something. */
static void react(struct program *program, struct program_step *out,
                  int64_t now_ms) {
  for (uint64_t i = draw(program, 3); i > 0; i--)
    begin_operation(program, out, now_ms);
  if (draw(program, 5) == 0) cancel_operation(program, out);
  if (draw(program, 3) == 0) print_line(program, out);
}

void program_continue(struct program *program, struct program_step *out,
                      int64_t now_ms) {
  begin_operation(program, out, now_ms);
  react(program, out, now_ms);
}

bool program_tell(struct program *program, struct program_step *out,
                  const struct torpor__delivery *delivery, int64_t now_ms) {
  int index = find_pending(program, delivery->operation);
  if (index < 0) return false;
  remove_pending(program, index);
  program->settled++;
  if (delivery->outcome == TORPOR__OUTCOME_CANCELLED) program->cancelled++;
  if (delivery->signal != 0) {
    uint32_t number;
    memcpy(&number, delivery->value.data, sizeof number);
    program->messages |= UINT64_C(1) << number;
  }
  react(program, out, now_ms);
  return true;
}

void program_leave(struct program *program, struct program_step *out) {
  bool nothing = program->pending_count == 0;
  out->step.runnable = draw(program, 8) == 0;
  if (program->settled >= program->limit ||
      (nothing && !out->step.runnable && draw(program, 2) == 0))
    out->step.status =
        draw(program, 4) == 0 ? TORPOR__RUN_FAILED : TORPOR__RUN_DONE;
  const torpor_slice bytes = {.data = program, .size = sizeof *program};
  out->step.snapshot = bytes;
  out->step.exit.value = bytes;
}
