/* SPDX-License-Identifier: MIT */
/* simulated-program.h - a program, as the protocol sees one: it is told
 * results, begins and cancels operations, prints, ends; and its whole state is
 * a flat struct, which is its own snapshot.
 *
 * What it does next depends on nothing but that struct and what it is told, so
 * a run that goes back to a state and is told the same does the same. It keeps
 * account of what it was told, for the simulation to check.
 *
 * No I/O, no memory of its own. */
#ifndef TORPOR_TEST_SIMULATED_PROGRAM_H
#define TORPOR_TEST_SIMULATED_PROGRAM_H

#include "run/protocol/protocol.h"

enum {
  PROGRAM_PENDING = 10,
  PROGRAM_MESSAGES = 64, /* numbers of signals it can account for */
  PROGRAM_BEGUN = 8,
  PROGRAM_LINES = 8
};

struct program_pending {
  uint64_t id;
  char kind;  /* t timer, f fetch, p process, s signal */
  char topic; /* 'a' or 'b', of a signal */
  int64_t due_ms;
  int64_t run, branch; /* in which it was begun */
};

struct program {
  int64_t run, branch; /* in which it runs */
  uint64_t random;
  uint64_t next_id;
  int64_t settled;   /* operations, until now */
  int64_t limit;     /* ends when so many are */
  int64_t cancelled; /* of them with outcome CANCELLED */
  uint64_t messages; /* bit n: signal number n was consumed */
  int64_t lines;     /* printed */
  int32_t pending_count;
  struct program_pending pending[PROGRAM_PENDING];
};

/* What a step of it did, in the form in which the protocol takes it. */
struct program_step {
  struct torpor__step step;
  struct torpor__operation begun[PROGRAM_BEGUN];
  uint64_t cancelled[PROGRAM_PENDING];
  struct torpor__line lines[PROGRAM_LINES];
  int64_t line_numbers[PROGRAM_LINES];
  uint64_t first_id; /* ids from this one on were begun in the step */
};

void program_start(struct program *program, uint64_t seed, int64_t limit);

/* Begins a step: 'out' is empty. */
void program_enter(struct program *program, struct program_step *out);

/* Goes on without being told anything: at the start, or with jobs left. */
void program_continue(struct program *program, struct program_step *out,
                      int64_t now_ms);

/* Tells a result, and lets the program react. False when the operation is not
 * pending (any more). */
bool program_tell(struct program *program, struct program_step *out,
                  const struct torpor__delivery *delivery, int64_t now_ms);

/* Ends the step: the program waits, has jobs left, or has ended. */
void program_leave(struct program *program, struct program_step *out);

/* Writes what it waits for as rows, by rising id: id, kind, topic, due_ms. */
size_t program_list(const struct program *program,
                    struct torpor__operation rows[PROGRAM_PENDING]);

bool program_waits_for(const struct program *program, uint64_t id);

/* A number in 0 .. 'limit' - 1. */
uint64_t simulated_random(uint64_t *state, uint64_t limit);

#endif
