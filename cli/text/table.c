/* SPDX-License-Identifier: MIT */
/* table.c - lines in columns that are as wide as what is in them. */
#include "cli/text/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text/output.h"
#include "cli/text/utf8.h"
#include "common/array.h"

enum { GAP = 2 /* between columns */ };

static void widen(struct cli_table *table, size_t column, const char *text) {
  size_t width = cli_utf8_columns(text, strlen(text));
  if (width > table->widths[column]) table->widths[column] = width;
}

bool cli_table_add(struct cli_table *table, const char *const *cells) {
  size_t before = table->cell_count;
  if (!torpor__array_reserve(&table->cells, &table->capacity,
                             before + table->count, sizeof(*table->cells)))
    return false;
  for (size_t i = 0; i < table->count; i++) {
    char *copy = strdup(cells[i]);
    if (copy == NULL) {
      while (table->cell_count > before)
        free(table->cells[--table->cell_count]);
      return false;
    }
    table->cells[table->cell_count++] = copy;
  }
  for (size_t i = 0; i < table->count; i++) widen(table, i, cells[i]);
  return true;
}

/* Writes a cell within what is 'left' of the line, and blanks up to the next
 * one. What is left then; 0: no more fits. */
static size_t print_cell(const char *text, size_t width, bool right, bool last,
                         size_t left) {
  size_t blanks = width - cli_utf8_columns(text, strlen(text));
  if (right) {
    size_t before = blanks < left ? blanks : left;
    cli_print(stdout, "%*s", (int)before, "");
    left -= before;
  }
  left -= cli_output_cut(stdout, text, strlen(text), left);
  if (last) return left;
  size_t after = (right ? 0 : blanks) + GAP;
  if (after > left) after = left;
  cli_print(stdout, "%*s", (int)after, "");
  return left - after;
}

/* How the cell of column 'i' looks; the heads look all the same. */
static enum cli_style find_style(const struct cli_table *table, size_t i,
                                 const char *cell) {
  if (!table->headed) return CLI_STYLE_HEADING;
  return table->style != NULL && i == table->styled ? table->style(cell)
                                                    : CLI_STYLE_PLAIN;
}

static void print_line(const struct cli_table *table,
                       const char *const *cells) {
  size_t left = cli_output_width(stdout), count = table->count;
  while (count > 0 && cells[count - 1][0] == '\0') count--;
  for (size_t i = 0; i < count && left > 0; i++) {
    enum cli_style style = find_style(table, i, cells[i]);
    if (style != CLI_STYLE_PLAIN) cli_output_style(stdout, style);
    left = print_cell(cells[i], table->widths[i], table->columns[i].right,
                      i + 1 == count, left);
    if (style != CLI_STYLE_PLAIN) cli_output_style(stdout, CLI_STYLE_PLAIN);
  }
  cli_print(stdout, "\n");
}

static void print_heads(struct cli_table *table) {
  const char *heads[CLI_TABLE_COLUMNS];
  for (size_t i = 0; i < table->count; i++) {
    heads[i] = table->columns[i].head;
    widen(table, i, heads[i]);
  }
  print_line(table, heads);
  table->headed = true;
}

void cli_table_print(struct cli_table *table) {
  if (table->cell_count > 0 && !table->headed) print_heads(table);
  for (size_t i = 0; i < table->cell_count; i += table->count)
    print_line(table, (const char *const *)table->cells + i);
  for (size_t i = 0; i < table->cell_count; i++) free(table->cells[i]);
  free(table->cells);
  table->cells = NULL;
  table->cell_count = table->capacity = 0;
}
