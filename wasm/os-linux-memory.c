/* SPDX-License-Identifier: MIT */
/* os-linux-memory.c - memory, files of it, and which of their pages a process
 * has written, on Linux.
 *
 * Reservations are private mappings without access, for which the kernel sets
 * nothing aside (MAP_NORESERVE). Files of memory are memfds. The pages that
 * were written of a private mapping of one are those that are not the file's
 * any more: the kernel tells by PAGEMAP_SCAN (from 6.7 on), or by an entry for
 * each page in /proc/self/pagemap. */
#define _GNU_SOURCE
#include "wasm/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define RESERVED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)
#define MAPPINGS_USUAL 65530
#define EXPECT_FROM ((size_t)4 << 20)

/* ---- Memory ---------------------------------------------------------------*/

size_t torpor__os_page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

static void *check_mapped(void *space) {
  return space == MAP_FAILED ? NULL : space;
}

void *torpor__os_reserve(size_t size) {
  if (torpor__os_is_refused()) return NULL;
  return check_mapped(mmap(NULL, size, PROT_NONE, RESERVED, -1, 0));
}

void torpor__os_release(void *space, size_t size) {
  munmap(space, size);
}

bool torpor__os_release_rest(void *space, size_t size, size_t kept) {
  if (torpor__os_is_refused()) return false;
  return kept == size || munmap((uint8_t *)space + kept, size - kept) == 0;
}

static int protection_of(torpor__os_access access) {
  if (access == TORPOR__OS_NONE) return PROT_NONE;
  return access == TORPOR__OS_READ ? PROT_READ : PROT_READ | PROT_WRITE;
}

bool torpor__os_protect(void *start, size_t size, torpor__os_access access) {
  if (torpor__os_is_refused()) {
    size_t page = torpor__os_page_size();
    mprotect(start, size / page / 2 * page, protection_of(access));
    return false;
  }
  return mprotect(start, size, protection_of(access)) == 0;
}

bool torpor__os_discard(void *start, size_t size) {
  if (torpor__os_is_refused()) {
    size_t page = torpor__os_page_size();
    madvise(start, size / page / 2 * page, MADV_DONTNEED);
    return false;
  }
  return madvise(start, size, MADV_DONTNEED) == 0;
}

/* Transparent huge pages, where the administrator lets programs choose. Small
 * blocks are left alone: they lie among others. */
void torpor__os_expect(void *start, size_t size) {
  uintptr_t page = torpor__os_page_size();
  uintptr_t first = ((uintptr_t)start + page - 1) & ~(page - 1);
  uintptr_t end = ((uintptr_t)start + size) & ~(page - 1);
  if (size >= EXPECT_FROM) madvise((void *)first, end - first, MADV_HUGEPAGE);
}

size_t torpor__os_mappings_most(void) {
  FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
  long count = MAPPINGS_USUAL;
  if (file == NULL) return MAPPINGS_USUAL;
  if (fscanf(file, "%ld", &count) != 1 || count <= 0) count = MAPPINGS_USUAL;
  fclose(file);
  return (size_t)count;
}

/* ---- Files of memory ------------------------------------------------------*/

/* A limit of the process's on the size of files holds for those of memory too,
 * and going over it is a signal. */
torpor__os_file torpor__os_file_open(uint64_t most) {
  struct rlimit limit;
  if (torpor__os_is_refused()) return TORPOR__OS_NO_FILE;
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur < most)
    return TORPOR__OS_NO_FILE;
  return memfd_create("torpor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

void torpor__os_file_close(torpor__os_file file) {
  close((int)file);
}

bool torpor__os_file_resize(torpor__os_file file, uint64_t size) {
  if (torpor__os_is_refused()) return false;
  return ftruncate((int)file, (off_t)size) == 0;
}

bool torpor__os_file_write(torpor__os_file file, uint64_t at, const void *bytes,
                           size_t size) {
  const uint8_t *from = bytes;
  bool refused = torpor__os_is_refused();
  if (refused) size /= 2;
  while (size > 0) {
    ssize_t done = pwrite((int)file, from, size, (off_t)at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    from += done;
    at += (uint64_t)done;
    size -= (size_t)done;
  }
  return !refused;
}

bool torpor__os_file_read(torpor__os_file file, uint64_t at, void *bytes,
                          size_t size) {
  uint8_t *to = bytes;
  if (torpor__os_is_refused()) return false;
  while (size > 0) {
    ssize_t done = pread((int)file, to, size, (off_t)at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    to += done;
    at += (uint64_t)done;
    size -= (size_t)done;
  }
  return true;
}

bool torpor__os_file_seal(torpor__os_file file) {
  if (torpor__os_is_refused()) return false;
  return fcntl((int)file, F_ADD_SEALS, SEALS) == 0;
}

void *torpor__os_file_view(torpor__os_file file, size_t size,
                           torpor__os_access access) {
  if (torpor__os_is_refused()) return NULL;
  return check_mapped(mmap(NULL, size, protection_of(access),
                           MAP_SHARED | MAP_NORESERVE, (int)file, 0));
}

bool torpor__os_file_map(torpor__os_file file, void *start, size_t size) {
  if (torpor__os_is_refused()) return false;
  return mmap(start, size, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, (int)file,
              0) != MAP_FAILED;
}

bool torpor__os_file_unmap(void *start, size_t size) {
  if (torpor__os_is_refused()) return false;
  return mmap(start, size, PROT_NONE, RESERVED | MAP_FIXED, -1, 0) !=
         MAP_FAILED;
}

/* ---- What was written -----------------------------------------------------*/

/* From linux/fs.h (6.7), which may be older here than the kernel is. */
struct scan_range {
  uint64_t start, end, categories;
};
struct scan_request {
  uint64_t size, flags, start, end, walk_end;
  uint64_t ranges, range_count, page_most;
  uint64_t inverted, wanted, wanted_any, returned;
};
#define SCAN_FILE (UINT64_C(1) << 2)
#define SCAN_PRESENT (UINT64_C(1) << 3)
#define SCAN_SWAPPED (UINT64_C(1) << 4)
#define SCAN_REQUEST _IOWR('f', 16, struct scan_request)
#define SCAN_RANGES 128u

/* Of an entry of pagemap. */
#define ENTRY_FILE (UINT64_C(1) << 61)
#define ENTRY_THERE (UINT64_C(3) << 62) /* present or swapped */
#define ENTRIES 512u

#ifdef TORPOR_TESTING
static _Atomic bool scan_refused;

void torpor__os_file_refuse_scan(bool refuse) {
  scan_refused = refuse;
}
#else
enum { scan_refused = false };
#endif

typedef struct search {
  int pagemap;
  uint64_t base, end; /* addresses */
  uint64_t page;      /* bytes */
  void (*visit)(void *user, size_t from, size_t to);
  void *user;
} search;

static void add_range(const search *s, uint64_t start, uint64_t end) {
  s->visit(s->user, (size_t)(start - s->base), (size_t)(end - s->base));
}

/* false: the kernel does not know how; nothing was added. */
static bool add_scanned(const search *s) {
  struct scan_range ranges[SCAN_RANGES];
  uint64_t start = s->base;
  while (start < s->end) {
    struct scan_request request = {
        .size = sizeof(request),
        .start = start,
        .end = s->end,
        .ranges = (uint64_t)(uintptr_t)ranges,
        .range_count = SCAN_RANGES,
        .inverted = SCAN_FILE,
        .wanted = SCAN_FILE,
        .wanted_any = SCAN_PRESENT | SCAN_SWAPPED,
        .returned = SCAN_PRESENT,
    };
    int count = ioctl(s->pagemap, SCAN_REQUEST, &request);
    if (count < 0 || request.walk_end <= start) {
      if (start == s->base) return false;
      add_range(s, start, s->end); /* unknown: counts as written */
      return true;
    }
    for (int i = 0; i < count; i++)
      add_range(s, ranges[i].start, ranges[i].end);
    start = request.walk_end;
  }
  return true;
}

/* Pages that cannot be asked about count as written. */
static void add_read(const search *s) {
  uint64_t entries[ENTRIES], start = s->base;
  while (start < s->end) {
    uint64_t count = (s->end - start) / s->page;
    if (count > ENTRIES) count = ENTRIES;
    if (pread(s->pagemap, entries, (size_t)count * 8,
              (off_t)(start / s->page * 8)) < (ssize_t)count * 8) {
      add_range(s, start, s->end);
      return;
    }
    for (uint64_t i = 0; i < count; i++, start += s->page)
      if (entries[i] & ENTRY_THERE && !(entries[i] & ENTRY_FILE))
        add_range(s, start, start + s->page);
  }
}

bool torpor__os_file_written(const void *start, size_t size,
                             void (*visit)(void *user, size_t from, size_t to),
                             void *user) {
  uint64_t base = (uint64_t)(uintptr_t)start;
  search s = {.base = base,
              .end = base + size,
              .page = torpor__os_page_size(),
              .visit = visit,
              .user = user};
  if (torpor__os_is_refused()) return false;
  s.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (s.pagemap < 0) return false;
  if (scan_refused || !add_scanned(&s)) add_read(&s);
  close(s.pagemap);
  return true;
}

/* ---- For tests ------------------------------------------------------------*/

#ifdef TORPOR_TESTING
static torpor__os_access access_of(const char *letters) {
  if (letters[1] == 'w') return TORPOR__OS_WRITE;
  return letters[0] == 'r' ? TORPOR__OS_READ : TORPOR__OS_NONE;
}

bool torpor__os_mappings_each(void (*visit)(void *user, uintptr_t start,
                                            uintptr_t end,
                                            torpor__os_access access),
                              void *user) {
  FILE *maps = fopen("/proc/self/maps", "re");
  char line[512], *at;
  if (maps == NULL) return false;
  while (fgets(line, sizeof(line), maps)) {
    uintptr_t start = strtoull(line, &at, 16);
    uintptr_t end = strtoull(at + 1, &at, 16);
    visit(user, start, end, access_of(at + 1));
  }
  fclose(maps);
  return true;
}
#endif
