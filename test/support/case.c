/* SPDX-License-Identifier: MIT */
/* case.c - reading a case: the directives in its first comment lines. */
#include "case.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Text ----------------------------------------------------------------*/

static void *require(void *memory) {
  if (memory == NULL) {
    fputs("out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

void test_text_add(test_text *text, const char *data, size_t size) {
  if (text->size + size + 1 > text->capacity) {
    text->capacity = 2 * (text->size + size) + 64;
    text->data = require(realloc(text->data, text->capacity));
  }
  if (size > 0) memcpy(text->data + text->size, data, size);
  text->size += size;
  text->data[text->size] = 0;
}

void test_text_print(test_text *text, const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  if (size < 0) return;
  test_text_add(text, line,
                (size_t)size < sizeof(line) ? (size_t)size : sizeof(line) - 1);
}

void test_text_free(test_text *text) {
  free(text->data);
  *text = (test_text){0};
}

const char *test_exit_name(test_exit exit) {
  static const char *const names[] = {
#define X(name, text) text,
      TEST_EXIT_LIST(X)
#undef X
  };
  return names[exit];
}

const char *test_way_name(test_way way) {
  static const char *const names[] = {
#define X(name, text) text,
      TEST_WAY_LIST(X)
#undef X
  };
  return names[way];
}

/* ---- Files ---------------------------------------------------------------*/

static const char *read_file(const char *folder, const char *file,
                             test_text *out) {
  char path[1024], part[4096];
  snprintf(path, sizeof(path), "%s/%s", folder, file);
  FILE *stream = fopen(path, "rb");
  if (stream == NULL) return "cannot be opened";
  size_t size;
  while ((size = fread(part, 1, sizeof(part), stream)) > 0)
    test_text_add(out, part, size);
  fclose(stream);
  return out->size == 0 ? "is empty" : NULL;
}

static char *copy_text(const char *text, size_t size) {
  char *copy = require(malloc(size + 1));
  memcpy(copy, text, size);
  copy[size] = 0;
  return copy;
}

/* ---- Directives ----------------------------------------------------------*/

static const char *set_exit(test_case *test, const char *value) {
  for (int i = TEST_EXIT_DONE; i <= TEST_EXIT_DEADLOCK; i++)
    if (strcmp(value, test_exit_name((test_exit)i)) == 0) {
      test->exit = (test_exit)i;
      return NULL;
    }
  return "exit: not a way to end";
}

static const char *set_number(uint64_t *number, const char *value) {
  char *end;
  *number = strtoull(value, &end, 10);
  return *value == 0 || *end != 0 ? "expected a number" : NULL;
}

/* "1000 approved {"ok":true}" */
static const char *add_signal(test_case *test, const char *value) {
  char *name;
  double at = strtod(value, &name);
  while (*name == ' ') name++;
  const char *json = strchr(name, ' ');
  if (name == value || json == NULL) return "signal: MS NAME JSON";
  if (test->signal_count > 0 && test->signals[test->signal_count - 1].at > at)
    return "signal: not in order of time";
  size_t size = (test->signal_count + 1) * sizeof(*test->signals);
  test->signals = require(realloc(test->signals, size));
  test->signals[test->signal_count++] =
      (test_signal){.at = at,
                    .name = copy_text(name, (size_t)(json - name)),
                    .json = copy_text(json + 1, strlen(json + 1))};
  return NULL;
}

/* "notes.txt 6869ff" */
static const char *add_file(test_case *test, const char *value) {
  const char *hex = strchr(value, ' ');
  if (hex == NULL) hex = value + strlen(value);
  size_t size = (test->file_count + 1) * sizeof(*test->files);
  test->files = require(realloc(test->files, size));
  test_file *file = &test->files[test->file_count++];
  *file = (test_file){.path = copy_text(value, (size_t)(hex - value))};
  unsigned byte;
  if (*hex == ' ') hex++;
  for (; hex[0] != 0 && hex[1] != 0 && sscanf(hex, "%2x", &byte) == 1;
       hex += 2) {
    char data = (char)byte;
    test_text_add(&file->bytes, &data, 1);
  }
  return *hex == 0 ? NULL : "file: expected pairs of hex digits";
}

static void add_line(test_text *text, const char *line) {
  test_text_add(text, line, strlen(line));
  test_text_add(text, "\n", 1);
}

static const char *apply_directive(test_case *test, const char *key,
                                   const char *value) {
  if (strcmp(key, "expect") == 0) {
    add_line(&test->expected, value);
  } else if (strcmp(key, "error") == 0) {
    add_line(&test->error, value);
  } else if (strcmp(key, "input") == 0) {
    free(test->input);
    test->input = copy_text(value, strlen(value));
  } else if (strcmp(key, "exit") == 0) {
    return set_exit(test, value);
  } else if (strcmp(key, "fuel") == 0) {
    return set_number(&test->fuel, value);
  } else if (strcmp(key, "memory") == 0) {
    return set_number(&test->memory, value);
  } else if (strcmp(key, "deadline") == 0) {
    test->is_exact = false;
    return set_number(&test->deadline, value);
  } else if (strcmp(key, "signal") == 0) {
    return add_signal(test, value);
  } else if (strcmp(key, "file") == 0) {
    return add_file(test, value);
  } else {
    return "unknown directive";
  }
  return NULL;
}

/* What follows "// " in a line: "key: value" with a key of small letters, or a
 * remark. */
static const char *read_line(test_case *test, const char *line, size_t size) {
  size_t length = strspn(line, "abcdefghijklmnopqrstuvwxyz");
  if (length == 0 || length >= size || line[length] != ':') return NULL;
  size_t from = length + 1;
  if (from < size && line[from] == ' ') from++;
  char *key = copy_text(line, length);
  char *value = copy_text(line + from, size - from);
  const char *wrong = apply_directive(test, key, value);
  free(value);
  free(key);
  return wrong;
}

static const char *read_directives(test_case *test) {
  const char *line = test->source.data;
  while (strncmp(line, "//", 2) == 0) {
    const char *end = strchr(line, '\n');
    if (end == NULL) return NULL;
    const char *text = line[2] == ' ' ? line + 3 : line + 2;
    const char *wrong = read_line(test, text, (size_t)(end - text));
    if (wrong != NULL) return wrong;
    line = end + 1;
  }
  return NULL;
}

const char *test_case_load(const char *folder, const char *file,
                           test_case *out) {
  size_t size = strlen(file);
  *out = (test_case){.is_exact = true};
  out->folder = copy_text(folder, strlen(folder));
  out->file = copy_text(file, size);
  out->is_module = size > 4 && strcmp(file + size - 4, ".mjs") == 0;
  const char *wrong = read_file(folder, file, &out->source);
  if (wrong == NULL) wrong = read_directives(out);
  if (wrong == NULL && out->expected.size == 0 && out->error.size == 0)
    wrong = "expects nothing, so it cannot fail";
  return wrong;
}

void test_case_free(test_case *test) {
  for (size_t i = 0; i < test->signal_count; i++) {
    free(test->signals[i].name);
    free(test->signals[i].json);
  }
  free(test->signals);
  for (size_t i = 0; i < test->file_count; i++) {
    free(test->files[i].path);
    test_text_free(&test->files[i].bytes);
  }
  free(test->files);
  free(test->input);
  free(test->folder);
  free(test->file);
  test_text_free(&test->source);
  test_text_free(&test->expected);
  test_text_free(&test->error);
  *test = (test_case){0};
}
