/* SPDX-License-Identifier: MIT */
/* fault.c - dying or stopping at a named point, and breaking promises for a
 * test.
 *
 * Reads TORPOR_FAULT, TORPOR_PAUSE and TORPOR_BREAK once, when first asked.
 * See fault.h for what they mean. Empty where TORPOR_TESTING is not defined.
 *
 * Runs on the worker's thread. */
#include "run/fault.h"

#ifdef TORPOR_TESTING

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void (*torpor__fault_hook)(enum torpor__fault_point point);

static const char *const point_names[] = {
#define POINT_NAME(name, text) text,
    TORPOR__FAULT_POINTS(POINT_NAME)
#undef POINT_NAME
};

static const char *const break_names[] = {
#define BREAK_NAME(name, text) text,
    TORPOR__BREAKS(BREAK_NAME)
#undef BREAK_NAME
};

/* What happens at a point, and when. */
struct fault {
  int point;      /* or -1 */
  long countdown; /* passes of it that are left */
};

static struct {
  bool read;
  struct fault death, pause;
  bool broken[TORPOR__BREAK_COUNT];
} faults = {.death = {.point = -1}, .pause = {.point = -1}};

static int find_name(const char *const *names, int count, const char *name,
                     size_t size) {
  for (int i = 0; i < count; i++)
    if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0) return i;
  fprintf(stderr, "torpor: unknown fault or switch: %.*s\n", (int)size, name);
  _exit(2);
}

static void read_fault(const char *variable, struct fault *fault) {
  const char *text = getenv(variable);
  if (text == NULL || *text == '\0') return;
  size_t size = strcspn(text, ":");
  fault->point = find_name(point_names, TORPOR__FAULT_COUNT, text, size);
  fault->countdown = text[size] == ':' ? strtol(text + size + 1, NULL, 10) : 1;
}

static void read_breaks(const char *text) {
  while (*text != '\0') {
    size_t size = strcspn(text, ",");
    faults.broken[find_name(break_names, TORPOR__BREAK_COUNT, text, size)] =
        true;
    text += size;
    text += strspn(text, ",");
  }
}

static void read_environment(void) {
  const char *breaks = getenv("TORPOR_BREAK");
  faults.read = true;
  read_fault("TORPOR_FAULT", &faults.death);
  read_fault("TORPOR_PAUSE", &faults.pause);
  if (breaks != NULL) read_breaks(breaks);
}

static bool is_due(struct fault *fault, enum torpor__fault_point point) {
  return (int)point == fault->point && --fault->countdown == 0;
}

void torpor__fault_pass(enum torpor__fault_point point) {
  if (!faults.read) read_environment();
  if (torpor__fault_hook != NULL) torpor__fault_hook(point);
  if (is_due(&faults.death, point)) raise(SIGKILL);
  if (is_due(&faults.pause, point)) raise(SIGSTOP);
}

bool torpor__break_on(enum torpor__break which) {
  if (!faults.read) read_environment();
  return faults.broken[which];
}

#else

/* ISO C wants a declaration in every translation unit. */
typedef int torpor__fault_nothing;

#endif
