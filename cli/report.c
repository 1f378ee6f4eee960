/* SPDX-License-Identifier: MIT */
/* report.c - errors of programs, as people read them.
 *
 *   torpor: uncaught TypeError: cannot read property 'x' of undefined
 *      3 |   return order.item.x;
 *        |                     ^
 *       at total (/home/me/shop.mjs:3:21)
 *       at <anonymous> (/home/me/shop.mjs:9:1)
 *
 * A stack is text that the program may have made up. So source lines are shown
 * only of modules that the program was given, and nothing is shown of a line
 * but printable text, and no more of it than fits a terminal. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "report.h"

enum { CAUSES_MAX = 8, WIDTH = 72, NAME_MAX_SIZE = 4096 };

/* A place in a source: line and column count from 1; 0: not known. */
struct place {
  char name[NAME_MAX_SIZE];
  unsigned long line, column;
};

/* ---- Where it happened ---------------------------------------------------*/

/* Takes ":number" off the end of 'text', which is 'size' bytes; 0: none. */
static unsigned long cut_number(const char *text, size_t *size) {
  size_t at = *size;
  while (at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9') at--;
  if (at == *size || at < 2 || text[at - 1] != ':') return 0;
  *size = at - 1;
  return strtoul(text + at, NULL, 10);
}

/* Reads "    at function (name:line:column)" or "    at name:line:column". */
static bool read_frame(const char *frame, size_t size, struct place *out) {
  const char *open = memchr(frame, '(', size);
  if (size > 0 && frame[size - 1] == ')' && open != NULL) {
    size -= (size_t)(open + 1 - frame) + 1;
    frame = open + 1;
  } else {
    const char *at = strstr(frame, "at ");
    if (at == NULL || (size_t)(at - frame) + 3 > size) return false;
    size -= (size_t)(at + 3 - frame);
    frame = at + 3;
  }
  unsigned long last = cut_number(frame, &size);
  unsigned long before = cut_number(frame, &size);
  if (last == 0 || size == 0 || size >= sizeof(out->name)) return false;
  memcpy(out->name, frame, size);
  out->name[size] = '\0';
  out->line = before == 0 ? last : before;
  out->column = before == 0 ? 0 : last;
  return true;
}

/* Whether the source of 'name' may be shown. */
static bool is_shown(const struct cli_sources *sources, const char *name) {
  if (sources->name != NULL && strcmp(name, sources->name) == 0) return true;
  return sources->loader != NULL && torpor_loader_gave(sources->loader, name);
}

/* The first frame of 'stack' whose source may be shown. */
static bool find_place(const char *stack, const struct cli_sources *sources,
                       struct place *out) {
  while (*stack != '\0') {
    size_t size = strcspn(stack, "\n");
    if (read_frame(stack, size, out) && is_shown(sources, out->name))
      return true;
    stack += size;
    if (*stack == '\n') stack++;
  }
  return false;
}

/* ---- The line ------------------------------------------------------------*/

static const char *find_line(const char *code, size_t size, unsigned long line,
                             size_t *length) {
  const char *end = code + size;
  while (--line > 0) {
    const char *newline = memchr(code, '\n', (size_t)(end - code));
    if (newline == NULL) return NULL;
    code = newline + 1;
  }
  const char *newline = memchr(code, '\n', (size_t)(end - code));
  *length = (size_t)((newline == NULL ? end : newline) - code);
  return code;
}

/* Prints the part of a line of 'size' bytes that 'column' is in. */
static void print_line(const char *text, size_t size,
                       const struct place *place) {
  size_t column = place->column == 0 ? 0 : place->column - 1;
  size_t from = column > WIDTH / 2 && size > WIDTH ? column - WIDTH / 2 : 0;
  if (from > size) from = size;
  size_t shown = size - from < WIDTH ? size - from : WIDTH;
  /* Not in the middle of a character. */
  while (shown > 0 && from > 0 && (text[from] & 0xc0) == 0x80) from++, shown--;
  while (from + shown < size && shown > 0 &&
         ((unsigned char)text[from + shown] & 0xc0) == 0x80)
    shown--;
  cli_print(stderr, "%6lu | %.*s\n", place->line, (int)shown, text + from);
  if (place->column != 0 && column >= from && column <= from + shown)
    cli_print(stderr, "       | %*s^\n", (int)(column - from), "");
}

static void print_source(const char *stack, const struct cli_sources *sources) {
  struct place place;
  torpor_bytes read = {0};
  if (!find_place(stack, sources, &place)) return;
  const char *code = sources->code;
  size_t size = sources->size, length;
  if (sources->name == NULL || strcmp(place.name, sources->name) != 0) {
    if (torpor_loader_module(sources->loader, place.name, &read) != TORPOR_OK)
      return;
    code = (const char *)read.data;
    size = read.size;
  }
  const char *line = find_line(code, size, place.line, &length);
  if (line != NULL) print_line(line, length, &place);
  torpor_bytes_free(&read);
}

/* ---- The error -----------------------------------------------------------*/

static void print_stack(const char *stack) {
  while (*stack != '\0') {
    size_t size = strcspn(stack, "\n");
    cli_print(stderr, "%.*s\n", (int)(size < INT_MAX ? size : INT_MAX), stack);
    stack += size + (stack[size] == '\n');
  }
}

static void print_error(const torpor_error *error, const char *before,
                        const struct cli_sources *sources) {
  bool named = error->name[0] != '\0', said = error->message[0] != '\0';
  cli_complain("%s%s%s%s", before, error->name, named && said ? ": " : "",
               named || said ? error->message : "a value without a text");
  print_source(error->stack, sources);
  print_stack(error->stack);
}

void cli_report_error(torpor_vm *vm, torpor_value value,
                      const struct cli_sources *sources) {
  const char *before = "uncaught ";
  for (int i = 0; i < CAUSES_MAX; i++) {
    torpor_error error = TORPOR_ERROR_INIT;
    if (torpor_error_read(vm, value, &error) != TORPOR_OK) {
      cli_complain("%san error that cannot be read: %s", before,
                   torpor_last_error(vm));
      return;
    }
    print_error(&error, before, sources);
    value = error.cause;
    torpor_error_free(&error);
    if (torpor_value_type(value) == TORPOR_TYPE_UNDEFINED) return;
    before = "caused by ";
  }
}
