/* SPDX-License-Identifier: MIT */
/* probe.c - see probe.h. */
#include "probe.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double probe_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

void probe_fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("bench: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  exit(1);
}

void probe_add(struct probe *probe, double sample) {
  if (probe->count == probe->capacity) {
    probe->capacity = probe->capacity == 0 ? 64 : probe->capacity * 2;
    probe->samples =
        realloc(probe->samples, probe->capacity * sizeof *probe->samples);
    if (probe->samples == NULL) probe_fail("out of memory");
  }
  probe->samples[probe->count++] = sample;
}

bool probe_repeat(struct probe *probe, double ms, probe_work_fn *work,
                  void *data) {
  double end = probe_now() + ms * 500;
  do {
    if (!work(data)) return false;
  } while (probe_now() < end);

  double start = probe_now();
  end = start + ms * 1000;
  do {
    if (!work(data)) return false;
    double now = probe_now();
    probe_add(probe, now - start);
    start = probe_now();
  } while (start < end);
  return true;
}

static int compare_samples(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

double probe_median(struct probe *probe) {
  if (probe->count == 0) return 0;
  qsort(probe->samples, probe->count, sizeof *probe->samples, compare_samples);
  return probe->samples[probe->count / 2];
}

void probe_note(struct probe *probe, const char *name, double number) {
  assert(probe->note_count < sizeof probe->notes / sizeof probe->notes[0]);
  probe->notes[probe->note_count].name = name;
  probe->notes[probe->note_count++].number = number;
}

int probe_print(struct probe *probe, const char *unit, const char *check,
                const char *version) {
  printf("{\"unit\":\"%s\",\"check\":\"%s\",\"version\":\"%s\",\"samples\":[",
         unit, check, version);
  for (size_t i = 0; i < probe->count; i++)
    printf("%s%.9g", i == 0 ? "" : ",", probe->samples[i]);
  putchar(']');
  for (size_t i = 0; i < probe->note_count; i++)
    printf(",\"%s\":%.9g", probe->notes[i].name, probe->notes[i].number);
  puts("}");
  free(probe->samples);
  *probe = (struct probe){0};
  return fflush(stdout) == 0 ? 0 : 1;
}

char *probe_read(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0)
    probe_fail("%s cannot be read", path);
  long length = ftell(file);
  rewind(file);
  char *text = length < 0 ? NULL : malloc((size_t)length + 1);
  if (text == NULL || fread(text, 1, (size_t)length, file) != (size_t)length)
    probe_fail("%s cannot be read", path);
  fclose(file);
  text[length] = '\0';
  *size = (size_t)length;
  return text;
}

/* The sum of what the lines of 'path' that begin with one of 'names' say in
 * kilobytes, in bytes. */
static double sum_lines(const char *path, const char *const *names) {
  FILE *file = fopen(path, "r");
  if (file == NULL) probe_fail("there is no %s here", path);
  char line[256];
  double total = 0;
  while (fgets(line, sizeof line, file) != NULL)
    for (int i = 0; names[i] != NULL; i++)
      if (strncmp(line, names[i], strlen(names[i])) == 0)
        total += strtod(line + strlen(names[i]), NULL) * 1024;
  fclose(file);
  return total;
}

double probe_private_memory(void) {
  static const char *const names[] = {"Private_Clean:", "Private_Dirty:", NULL};
  return sum_lines("/proc/self/smaps_rollup", names);
}

double probe_resident_memory(void) {
  static const char *const shares[] = {"Pss:", NULL};
  static const char *const tables[] = {"VmPTE:", NULL};
  return sum_lines("/proc/self/smaps_rollup", shares) +
         sum_lines("/proc/self/status", tables);
}
