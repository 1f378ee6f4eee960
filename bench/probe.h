/* SPDX-License-Identifier: MIT */
/* probe.h - what the C programs of the benchmarks share: time, samples, and
 * the one line of JSON that they print.
 *
 *  (1) A probe prints its line only when everything it measured succeeded and
 *      gave the result that 'check' says; else it ends with a sentence on
 *      standard error and exit code 1. */
#ifndef TORPOR_BENCH_PROBE_H
#define TORPOR_BENCH_PROBE_H

#include <stdbool.h>
#include <stddef.h>

/* Samples of one thing, in one unit. Zero it before use. */
struct probe {
  double *samples;
  size_t count, capacity;
  struct {
    const char *name;
    double number;
  } notes[8];
  size_t note_count;
};

/* Does the measured thing once; false when it failed. */
typedef bool probe_work_fn(void *data);

/* Microseconds since some moment. */
double probe_now(void);

void probe_add(struct probe *probe, double sample);

/* Runs 'work' for half of 'ms' unmeasured, then for 'ms', a sample in
 * microseconds for each call, at least one. */
bool probe_repeat(struct probe *probe, double ms, probe_work_fn *work,
                  void *data);

/* The middle of the samples, which are sorted by this; 0: there are none. */
double probe_median(struct probe *probe);

/* Prints {"unit","check","version","samples"} and releases the samples. The
 * texts must need no escaping in JSON. Returns the exit code. */
int probe_print(struct probe *probe, const char *unit, const char *check,
                const char *version);

/* Adds a number to the line that probe_print will print; 'name' is borrowed
 * until then. */
void probe_note(struct probe *probe, const char *name, double number);

/* The bytes of a file, terminated by a zero that 'size' does not count, to be
 * freed by the caller. Ends the program when it cannot be read. */
char *probe_read(const char *path, size_t *size);

/* Memory of this process that no other shares, in bytes. Ends the program
 * where the system does not tell. */
double probe_private_memory(void);

/* The memory that this process takes, its page tables included, in bytes: what
 * lies at many of its addresses counts once. Ends the program where the system
 * does not tell. */
double probe_resident_memory(void);

/* Ends the program with exit code 1 and a sentence. */
_Noreturn void probe_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
