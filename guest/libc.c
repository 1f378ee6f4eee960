/* SPDX-License-Identifier: MIT */
/* libc.c - what the C library would ask of an operating system.
 *
 * The engine and wasi-libc want clocks, local time, randomness, a way to stop
 * and a place to print. All of it goes through the imports of guest/abi.h, so
 * that the module imports nothing else. A definition here takes the place of
 * the library's.
 *
 * Monotonic time is the host's plus an offset that is chosen when a VM is
 * opened or woken. It starts at 0 and never goes back. Waking sets it by the
 * wall clock, so that it has gone on meanwhile: a program that measures a wait
 * cannot tell whether it slept. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

#include "guest.h"

static double clock_opened; /* wall clock when the VM was opened */

enum { TIME_DAYS = 100000000 }; /* where Dates end, and so does all time */

/* What is not a time becomes the epoch: the host is not to be trusted to give
 * numbers that fit. */
static double torpor__time_sane(double ms) {
  return ms >= 0 && ms <= TIME_DAYS * 86400e3 ? ms : 0;
}

/* Lets monotonic time go on from where the wall clock says that it is, but not
 * before what the VM has seen. */
static void torpor__clock_rebase(void) {
  double wall = torpor__time_sane(torpor__host_clock(TORPOR_CLOCK_WALL));
  double now = wall - clock_opened;
  if (!(now > torpor_control.monotonic_last))
    now = torpor_control.monotonic_last;
  torpor_control.host.monotonic_offset =
      now - torpor__host_clock(TORPOR_CLOCK_MONOTONIC);
}

static void torpor__clock_open(void) {
  clock_opened = torpor__time_sane(torpor__host_clock(TORPOR_CLOCK_WALL));
  torpor__clock_rebase();
}

static double clock_monotonic(void) {
  double now = torpor__host_clock(TORPOR_CLOCK_MONOTONIC) +
               torpor_control.host.monotonic_offset;
  if (torpor__time_sane(now) > torpor_control.monotonic_last)
    torpor_control.monotonic_last = now;
  return torpor_control.monotonic_last;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  double ms = torpor__time_sane(clock == CLOCK_MONOTONIC
                                    ? clock_monotonic()
                                    : torpor__host_clock(TORPOR_CLOCK_WALL));
  torpor__look();
  int64_t us = (int64_t)(ms * 1000 + 0.5);
  out->tv_sec = us / 1000000;
  out->tv_nsec = (long)(us % 1000000) * 1000;
  return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = (suseconds_t)(now.tv_nsec / 1000);
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

/* The engine reads the offset from UTC and nothing else. It asks for a day more
 * than there are times: that has the offset of the end. */
struct tm *localtime_r(const time_t *restrict when, struct tm *restrict out) {
  const double end = TIME_DAYS * 86400e3;
  double ms = (double)*when * 1000;
  int32_t minutes = torpor__host_zone(ms > end ? end : ms < -end ? -end : ms);
  torpor__look();
  if (minutes < -24 * 60 || minutes > 24 * 60) minutes = 0;
  memset(out, 0, sizeof(*out));
  out->__tm_gmtoff = minutes * 60;
  return out;
}

int getentropy(void *out, size_t size) {
  torpor__host_random(out, (uint32_t)size);
  torpor__look();
  return 0;
}

_Noreturn void abort(void) {
  static const char text[] = "the engine aborted";
  torpor__host_trap(TORPOR_ABI_TRAP_ABORT, text, sizeof(text) - 1);
}

_Noreturn void __assert_fail(const char *what, const char *file, int line,
                             const char *function) {
  (void)file, (void)line, (void)function;
  torpor__host_trap(TORPOR_ABI_TRAP_ASSERT, what, (uint32_t)strlen(what));
}

/* ---- Printing ------------------------------------------------------------*/

/* There are no streams: writing to one does nothing. */
#undef stdout
#undef stderr
FILE *const stdout = NULL;
FILE *const stderr = NULL;

/* The engine prints only when it is about to abort, and in dumps that nobody
 * asks for. */
int printf(const char *restrict format, ...) {
  char text[256];
  va_list args;
  int size;
  va_start(args, format);
  size = vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  if (size > (int)sizeof(text) - 1) size = sizeof(text) - 1;
  if (size > 0) torpor__host_console(TORPOR_LEVEL_ERROR, text, (uint32_t)size);
  return size;
}

int puts(const char *text) {
  return printf("%s", text);
}

int putchar(int c) {
  return printf("%c", c);
}

int fprintf(FILE *restrict stream, const char *restrict format, ...) {
  (void)stream, (void)format;
  return 0;
}

int fputs(const char *restrict text, FILE *restrict stream) {
  (void)text, (void)stream;
  return 0;
}

int fputc(int c, FILE *stream) {
  (void)stream;
  return c;
}
