/* SPDX-License-Identifier: MIT */
/* process-memory.c - how much memory a worker may take, and how much it takes.
 * See process-memory.h.
 *
 * /proc/self/cgroup has a line for each hierarchy: "0::/path" for version 2,
 * "4:memory:/path" for version 1. The limit may be that of any group from there
 * up to the root. In a container the path may be one that only the outside
 * knows: groups that do not exist are passed over. */
#define _GNU_SOURCE /* malloc_trim, sysconf */
#include "run/worker/process-memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_MOST = 4096 };

/* The number in a file; UINT64_MAX when there is no file, or no number
 * ("max"). */
static uint64_t read_limit(const char *path) {
  uint64_t limit = UINT64_MAX;
  FILE *file = fopen(path, "re");
  if (file == NULL) return UINT64_MAX;
  if (fscanf(file, "%" SCNu64, &limit) != 1) limit = UINT64_MAX;
  fclose(file);
  return limit;
}

/* The least limit of the groups from 'path' up. */
static uint64_t walk_up(const char *root, char *path, const char *name) {
  char full[PATH_MOST + 64];
  uint64_t least = UINT64_MAX;
  for (;;) {
    snprintf(full, sizeof full, "%s%s/%s", root, path, name);
    uint64_t limit = read_limit(full);
    if (limit < least) least = limit;
    char *end = strrchr(path, '/');
    if (end == NULL) return least;
    *end = '\0';
  }
}

/* Whether the list of controllers has the one for memory. */
static bool has_memory(const char *controllers) {
  for (const char *at = controllers; *at != '\0';) {
    size_t size = strcspn(at, ",");
    if (size == strlen("memory") && memcmp(at, "memory", size) == 0)
      return true;
    at += size + (at[size] == ',');
  }
  return false;
}

static uint64_t limit_of(char *line) {
  char *controllers = strchr(line, ':');
  char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
  if (path == NULL) return UINT64_MAX;
  *controllers++ = *path++ = '\0';
  path[strcspn(path, "\n")] = '\0';
  if (*controllers == '\0')
    return walk_up("/sys/fs/cgroup", path, "memory.max");
  if (!has_memory(controllers)) return UINT64_MAX;
  return walk_up("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
}

static uint64_t group_limit(void) {
  char line[PATH_MOST];
  uint64_t least = UINT64_MAX;
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (file == NULL) return least;
  while (fgets(line, sizeof line, file) != NULL) {
    uint64_t limit = limit_of(line);
    if (limit < least) least = limit;
  }
  fclose(file);
  return least;
}

uint64_t torpor__process_memory_default(void) {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  uint64_t machine =
      pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
  uint64_t limit = group_limit();
  return limit < machine ? limit - limit / 8 : machine - machine / 4;
}

uint64_t torpor__process_memory_used(void) {
  char text[128];
  uint64_t all = 0, resident = 0;
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  if (size <= 0) return 0;
  text[size] = '\0';
  if (sscanf(text, "%" SCNu64 " %" SCNu64, &all, &resident) != 2) return 0;
  return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void torpor__process_memory_trim(void) {
  malloc_trim(0);
}
