/* SPDX-License-Identifier: MIT */
/* report.c - errors of programs, as people read them.
 *
 *   torpor: uncaught TypeError: cannot read property 'x' of undefined
 *      3 |   return order.item.x;
 *        |                     ^
 *       at total (/home/me/shop.mjs:3:21)
 *       at <anonymous> (/home/me/shop.mjs:9:1)
 *       { order: 17 }
 *
 * A stack is text that the program may have made up. So source lines are shown
 * only of modules that the program was given, and nothing is shown of a line
 * but printable text, and no more of it than fits a terminal. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/text/output.h"
#include "cli/text/report.h"
#include "cli/text/utf8.h"

enum { ERRORS_MAX = 8, WIDTH = 72, NAME_MAX_SIZE = 4096 };

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
  if (place->column == 0 || column < from || column > from + shown) return;
  cli_print(stderr, "       | %*s",
            (int)cli_utf8_columns(text + from, column - from), "");
  cli_output_style(stderr, CLI_STYLE_ERROR);
  cli_print(stderr, "^");
  cli_output_style(stderr, CLI_STYLE_PLAIN);
  cli_print(stderr, "\n");
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

/* Prints what the error has besides, as " { code: 5 }". */
static void print_properties(torpor_vm *vm, torpor_value value) {
  torpor_bytes text = {NULL, 0};
  torpor_brand brand;
  if (torpor_value_brand(vm, value, &brand) == TORPOR_OK &&
      brand == TORPOR_BRAND_ERROR &&
      torpor_error_properties(vm, value, &text) == TORPOR_OK && text.size > 0)
    cli_print(stderr, "   %s\n", (const char *)text.data);
  torpor_bytes_free(&text);
}

/* How errors are printed that hang together. */
struct report {
  torpor_vm *vm;
  const struct cli_sources *sources;
  torpor_value shown[ERRORS_MAX];
  int count;
};

/* Whether 'value' is an object that was shown before. */
static bool is_repeated(const struct report *report, torpor_value value) {
  for (int i = 0; i < report->count; i++) {
    bool same;
    if (torpor_value_type(value) == TORPOR_TYPE_OBJECT &&
        torpor_value_same(report->vm, value, report->shown[i],
                          TORPOR_SAME_STRICT, &same) == TORPOR_OK &&
        same)
      return true;
  }
  return false;
}

/* Prints 'value' and gives its cause and errors; false: no more are shown. */
static bool print_error(struct report *report, torpor_value value,
                        const char *before, torpor_value *cause,
                        torpor_value *errors) {
  torpor_error error = TORPOR_ERROR_INIT;
  *cause = *errors = torpor_undefined();
  if (report->count == ERRORS_MAX || is_repeated(report, value)) {
    cli_complain("%s%s", before,
                 report->count == ERRORS_MAX
                     ? "further errors, which are not shown"
                     : "an error that is shown above");
    return false;
  }
  report->shown[report->count++] = value;
  if (torpor_error_read(report->vm, value, &error) != TORPOR_OK) {
    cli_complain("%san error that cannot be read: %s", before,
                 torpor_last_error(report->vm));
    return false;
  }
  bool named = error.name[0] != '\0', said = error.message[0] != '\0';
  cli_complain("%s%s%s%s", before, error.name, named && said ? ": " : "",
               named || said ? error.message : "a value without a text");
  print_source(error.stack, report->sources);
  cli_output_style(stderr, CLI_STYLE_FAINT);
  print_stack(error.stack);
  cli_output_style(stderr, CLI_STYLE_PLAIN);
  print_properties(report->vm, value);
  *cause = error.cause;
  *errors = error.errors;
  torpor_error_free(&error);
  return true;
}

/* Prints the elements of 'errors', of an AggregateError, with their causes but
 * not their errors. */
static void print_errors(struct report *report, torpor_value errors) {
  torpor_value size, value, unused;
  torpor_brand brand;
  char before[64];
  if (torpor_value_type(errors) != TORPOR_TYPE_OBJECT ||
      torpor_value_brand(report->vm, errors, &brand) != TORPOR_OK ||
      brand != TORPOR_BRAND_ARRAY ||
      torpor_get(report->vm, errors, "length", &size) != TORPOR_OK)
    return;
  const double count = torpor_value_number(size);
  for (uint32_t i = 0; i < count && report->count < ERRORS_MAX; i++) {
    snprintf(before, sizeof(before), "error %u of %.0f: ", i + 1, count);
    if (torpor_get_index(report->vm, errors, i, &value) != TORPOR_OK) return;
    while (print_error(report, value, before, &value, &unused) &&
           torpor_value_type(value) != TORPOR_TYPE_UNDEFINED)
      snprintf(before, sizeof(before), "caused by ");
  }
}

void cli_report_error(torpor_vm *vm, torpor_value value,
                      const struct cli_sources *sources) {
  struct report report = {.vm = vm, .sources = sources};
  const char *before = "uncaught ";
  torpor_value cause, errors;
  while (print_error(&report, value, before, &cause, &errors)) {
    print_errors(&report, errors);
    value = cause;
    if (torpor_value_type(value) == TORPOR_TYPE_UNDEFINED) return;
    before = "caused by ";
  }
}
