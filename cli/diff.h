/* SPDX-License-Identifier: MIT */
/* diff.h - what 'torpor diff' found out: as words and as JSON. */
#ifndef TORPOR_CLI_DIFF_H
#define TORPOR_CLI_DIFF_H

#include "cli/inspect.h"

struct cli_list {
  struct cli_item *items;
  size_t count, capacity;
};

/* What a list has no longer, and what it has in addition. */
struct cli_change {
  bool known; /* both lists are */
  struct cli_list gone, come;
};

struct cli_difference {
  const struct cli_snapshot *a, *b;
  bool compared; /* 'pages' is known */
  struct cli_pages_difference pages;
  struct cli_change operations, waiting;
};

/* As JSON, and in words. What cli_diff_lines gives. */
torpor_status cli_diff_print(const struct cli_difference *difference);
torpor_status cli_diff_show(const struct cli_difference *difference);

/* A class of the heap, as it was and as it is. */
struct cli_class_change {
  struct cli_item name;
  int64_t count, bytes; /* b - a */
};

/* Calls 'visit' for every class that changed, in the order of b's report, then
 * those that are only in a. */
void cli_diff_classes(const struct cli_difference *difference,
                      void (*visit)(const struct cli_class_change *change,
                                    void *user),
                      void *user);

/* Calls 'visit' for each line that was written on the way from a to b, when
 * they are states of one run, b the later one. OK, or why the store of b could
 * not be read. */
torpor_status cli_diff_lines(const struct cli_difference *difference,
                             torpor_run_line_fn visit, void *user);

/* What the report's heap has under 'key', b - a; false: not known. */
bool cli_diff_heap(const struct cli_difference *difference, const char *key,
                   int64_t *out);

#endif
