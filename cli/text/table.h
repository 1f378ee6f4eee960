/* SPDX-License-Identifier: MIT */
/* table.h - lines in columns that are as wide as what is in them.
 *
 *   static const struct cli_column columns[] = {{"NAME", false}, ...};
 *   struct cli_table table = {.columns = columns, .count = 2};
 *   cli_table_add(&table, (const char *const[]){name, number});
 *   cli_table_print(&table);
 *
 * On a terminal lines end at its edge; elsewhere they are whole. */
#ifndef TORPOR_CLI_TABLE_H
#define TORPOR_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/text/output.h"

enum { CLI_TABLE_COLUMNS = 8 };

struct cli_column {
  const char *head;
  bool right; /* numbers: they end below each other */
};

struct cli_table {
  const struct cli_column *columns;
  size_t count;  /* of columns, CLI_TABLE_COLUMNS at most */
  size_t styled; /* the column whose cells look as 'style' (may be NULL) says */
  enum cli_style (*style)(const char *cell);
  size_t widths[CLI_TABLE_COLUMNS];
  char **cells; /* owned: line after line */
  size_t cell_count, capacity;
  bool headed;
};

/* Adds a line: a text for each column, which is copied. What a program made up
 * is printed as cli_print does. False: no memory; the line is not there. */
bool cli_table_add(struct cli_table *table, const char *const *cells);

/* Prints the lines that were added, the first time with the heads, and forgets
 * them. What is added later is in columns that are no narrower. */
void cli_table_print(struct cli_table *table);

#endif
