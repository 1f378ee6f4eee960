/* SPDX-License-Identifier: MIT */
/* when.c - moments and spans as people read them. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/text/when.h"

/* What is told: from 1970 to the end of 9999. What a damaged store says beyond
 * is told as the nearest. */
static const int64_t LATEST_MS = INT64_C(253402300799999);

static int64_t clip(int64_t ms) {
  return ms < 0 ? 0 : ms > LATEST_MS ? LATEST_MS : ms;
}

static int64_t read_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *cli_when_iso(int64_t ms, char *text) {
  struct tm parts;
  ms = clip(ms);
  time_t seconds = (time_t)(ms / 1000);
  gmtime_r(&seconds, &parts);
  size_t size = strftime(text, CLI_WHEN_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(text + size, CLI_WHEN_SIZE - size, ".%03dZ", (int)(ms % 1000));
  return text;
}

const char *cli_when_stamp(int64_t ms, char *text) {
  struct tm parts;
  time_t seconds = (time_t)(clip(ms) / 1000);
  localtime_r(&seconds, &parts);
  strftime(text, CLI_WHEN_SIZE, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

const char *cli_when_exact(uint64_t ms, char *text) {
  static const struct {
    uint64_t unit;
    const char *name;
  } units[] = {
      {86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
  size_t i = 0;
  while (ms % units[i].unit != 0) i++;
  snprintf(text, CLI_WHEN_SIZE, "%" PRIu64 " %s", ms / units[i].unit,
           units[i].name);
  return text;
}

/* "250 ms", "12 s", "3 min", "2 h", "5 days" */
static const char *describe_span(int64_t ms, char *text) {
  static const struct {
    int64_t least, unit;
    const char *name;
  } units[] = {{INT64_C(172800000), INT64_C(86400000), "days"},
               {7200000, 3600000, "h"},
               {120000, 60000, "min"},
               {1000, 1000, "s"},
               {0, 1, "ms"}};
  size_t i = 0;
  while (ms + units[i].unit / 2 < units[i].least) i++;
  snprintf(text, CLI_WHEN_SIZE, "%" PRId64 " %s",
           (ms + units[i].unit / 2) / units[i].unit, units[i].name);
  return text;
}

const char *cli_when_about(int64_t ms, char *text) {
  int64_t now = read_now();
  struct tm parts, today;
  char clock[24], span[CLI_WHEN_SIZE];
  ms = clip(ms);
  time_t seconds = (time_t)(ms / 1000), now_seconds = (time_t)(now / 1000);
  localtime_r(&seconds, &parts);
  localtime_r(&now_seconds, &today);
  bool same_day =
      parts.tm_yday == today.tm_yday && parts.tm_year == today.tm_year;
  strftime(clock, sizeof(clock), same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S",
           &parts);
  describe_span(ms > now ? ms - now : now - ms, span);
  snprintf(text, CLI_WHEN_SIZE, ms > now ? "%s (in %.24s)" : "%s (%.24s ago)",
           clock, span);
  return text;
}
