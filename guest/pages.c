/* SPDX-License-Identifier: MIT */
/* pages.c - the heap's pages: runs of 1 KiB between heap_base and the break.
 *
 * They are smaller than the system's, so that the few blocks of many sizes that
 * a small program has lie together in few of those. Every page has a
 * descriptor, so that blocks need no headers and an address alone tells what it
 * belongs to:
 *
 *   heap_base                                                   heap_break
 *   | descriptors | slab | run run run | free free free | slab |
 *   page 1 ...
 *
 * Free runs are kept in lists by the logarithm of their length and joined with
 * their neighbours at once. A free run at the end is given back by lowering
 * the break. The descriptors lie in a run of their own, which doubles, and
 * sinks when what was below it is gone.
 *
 *  (1) Free pages, and everything from the break on, are zero: who frees pages
 *      has cleared them.
 *  (2) No two free runs touch, and none ends at the break.
 *  (3) The same calls give the same addresses on every host.
 *  (4) Page 0 does not exist; 0 means none.
 *
 * The blocks inside slabs are alloc.c's. */
#include "guest.h"

enum page_kind {
  PAGE_NONE,
  PAGE_SLAB,      /* first page of a slab */
  PAGE_SLAB_REST, /* the others; 'first' is the slab's first page */
  PAGE_RUN,       /* first page of a run that is in use */
  PAGE_FREE,      /* first and last page of a free run */
  PAGE_MIXED,     /* first page of blocks of any size, see alloc.c */
  PAGE_MIXED_REST,
};

typedef struct page {
  uint8_t kind;
  uint8_t class; /* of a slab, on all its pages; see alloc.c */
  uint16_t used; /* blocks handed out */
  union {
    struct {
      uint16_t free;  /* first of the list of free blocks, see alloc.c */
      uint16_t fresh; /* blocks that have ever been handed out */
    };
    uint32_t count; /* pages in the run */
    uint32_t first;
  };
  uint32_t next, prev; /* in a list of free runs, or of slabs with room */
} page;

enum {
  PAGE_SHIFT = 10,
  PAGE_BYTES = 1 << PAGE_SHIFT,
  PAGES_MOST = 1 << 22, /* all of a memory */
  TABLE_FIRST = 1024,   /* descriptors at first: enough for the baseline */
  FREE_LISTS = 22,
};

static struct {
  page *table;               /* indexed by page number */
  uint32_t capacity;         /* entries in the table */
  uint32_t top;              /* the page that starts at the break */
  uint32_t free[FREE_LISTS]; /* free[n]: runs of 2^n .. 2^(n+1)-1 pages */
  uint32_t parked;    /* runs that are free once the heap is not small, linked
                         by 'next' */
  uint32_t small_end; /* a heap that ends below this page is small */
} torpor__pages;

static uintptr_t heap_start(void) {
  uintptr_t base = (uintptr_t)&__heap_base;
  return (base + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
}

static inline uint32_t torpor__page_of(const void *address) {
  return (uint32_t)(((uintptr_t)address - heap_start()) >> PAGE_SHIFT) + 1;
}

static inline uint8_t *torpor__page_address(uint32_t number) {
  return (uint8_t *)(heap_start() + ((uintptr_t)(number - 1) << PAGE_SHIFT));
}

static int free_list(uint32_t count) {
  int list = 31 - __builtin_clz(count);
  return list < FREE_LISTS ? list : FREE_LISTS - 1;
}

static void free_run_link(uint32_t first, uint32_t count) {
  page *head = &torpor__pages.table[first];
  uint32_t *list = &torpor__pages.free[free_list(count)];
  *head = (page){.kind = PAGE_FREE, .count = count, .next = *list};
  if (*list) torpor__pages.table[*list].prev = first;
  *list = first;
  if (count > 1)
    torpor__pages.table[first + count - 1] =
        (page){.kind = PAGE_FREE, .count = count};
}

/* Takes a free run out of its list; its descriptors are cleared. */
static void free_run_unlink(uint32_t first) {
  page run = torpor__pages.table[first];
  if (run.next) torpor__pages.table[run.next].prev = run.prev;
  if (run.prev)
    torpor__pages.table[run.prev].next = run.next;
  else
    torpor__pages.free[free_list(run.count)] = run.next;
  torpor__pages.table[first] = (page){0};
  torpor__pages.table[first + run.count - 1] = (page){0};
}

/* Makes the linear memory reach 'end', with room to spare. */
static bool memory_reach(uint64_t end) {
  uint64_t size = (uint64_t)__builtin_wasm_memory_size(0) << 16;
  uint64_t limit = torpor_control.host.memory_max;
  uint32_t need, more;
  if (limit == 0 || limit > UINT64_C(0xffff0000)) limit = 0xffff0000u;
  if (limit > RESERVE_BYTES && !reserve.open) limit -= RESERVE_BYTES;
  if (end > limit) return false;
  if (end <= size) return true;
  need = (uint32_t)((end - size + 0xffff) >> 16);
  more = (uint32_t)(size >> 18);
  if (((uint64_t)more << 16) + size > limit) more = 0;
  if (more > need && __builtin_wasm_memory_grow(0, more) != (size_t)-1)
    return true;
  return __builtin_wasm_memory_grow(0, need) != (size_t)-1;
}

/* Moves the break up by 'count' pages; the descriptors must reach already. */
static uint32_t break_raise(uint32_t count) {
  uint32_t first = torpor__pages.top;
  uint64_t end = (uint64_t)(uintptr_t)torpor__page_address(first) +
                 ((uint64_t)count << PAGE_SHIFT);
  if (!memory_reach(end)) return 0;
  torpor__pages.top += count;
  torpor_control.heap_break = (uint32_t)end;
  return first;
}

/* The descriptors of all but the first page of a run stay zero. */
static void run_mark(uint32_t first, uint32_t count) {
  torpor__pages.table[first] = (page){.kind = PAGE_RUN, .count = count};
}

/* How many pages a table of 'capacity' descriptors takes. */
static uint32_t table_pages(uint32_t capacity) {
  return (uint32_t)(capacity * sizeof(page) >> PAGE_SHIFT);
}

/* A smaller capacity that still leaves room, for a table that begins at
 * 'first' and ends the heap. */
static uint32_t table_fit(uint32_t first) {
  uint32_t capacity = torpor__pages.capacity;
  while (capacity > TABLE_FIRST &&
         capacity / 4 > first + table_pages(capacity / 2))
    capacity /= 2;
  return capacity;
}

/* Moves the table down, and makes it smaller, when it is all that holds the
 * break up: a long free run lies below it and nothing above. */
static void table_sink(void) {
  page *old = torpor__pages.table;
  uint32_t from = torpor__page_of(old), length = old[from].count;
  uint32_t first, count, capacity;
  if (from + length != torpor__pages.top) return;
  if (from == 1 || old[from - 1].kind != PAGE_FREE) return;
  count = old[from - 1].count;
  first = from - count;
  capacity = table_fit(first);
  if (count < table_pages(capacity) * 2) return;
  free_run_unlink(first);
  torpor__pages.table = (page *)torpor__page_address(first);
  memcpy(torpor__pages.table, old, first * sizeof(page));
  memset(old, 0, torpor__pages.capacity * sizeof(page));
  torpor__pages.capacity = capacity;
  run_mark(first, table_pages(capacity));
  torpor__pages.top = first + table_pages(capacity);
  torpor_control.heap_break =
      (uint32_t)(uintptr_t)torpor__page_address(torpor__pages.top);
}

/* Makes a run free, or lowers the break if it ends there. */
static void run_free(uint32_t first, uint32_t count) {
  torpor__pages.table[first] = (page){0};
  if (first > 1 && torpor__pages.table[first - 1].kind == PAGE_FREE) {
    uint32_t before = torpor__pages.table[first - 1].count;
    free_run_unlink(first - before);
    first -= before;
    count += before;
  }
  if (first + count < torpor__pages.top &&
      torpor__pages.table[first + count].kind == PAGE_FREE) {
    uint32_t after = torpor__pages.table[first + count].count;
    free_run_unlink(first + count);
    count += after;
  }
  if (first + count == torpor__pages.top) {
    torpor__pages.top = first;
    torpor_control.heap_break =
        (uint32_t)(uintptr_t)torpor__page_address(first);
  } else {
    free_run_link(first, count);
  }
}

/* Frees a run whose bytes are zero already, and all descriptors but the first
 * as well. */
static void torpor__pages_free(uint32_t first, uint32_t count) {
  run_free(first, count);
  table_sink();
}

/* Gives the table room for pages up to 'last', moving it to the break. */
static bool table_reach(uint64_t last) {
  page *old = torpor__pages.table;
  uint32_t old_pages, new_pages, first;
  uint64_t capacity = (uint64_t)torpor__pages.capacity * 2;
  if (last < torpor__pages.capacity) return true;
  while (capacity <= last + capacity * sizeof(page) / PAGE_BYTES + 1)
    capacity *= 2;
  if (capacity > PAGES_MOST) return false;
  new_pages = table_pages((uint32_t)capacity);
  first = break_raise(new_pages);
  if (first == 0) return false;
  torpor__pages.table = (page *)torpor__page_address(first);
  memcpy(torpor__pages.table, old, torpor__pages.capacity * sizeof(page));
  old_pages = table_pages(torpor__pages.capacity);
  memset(old, 0, torpor__pages.capacity * sizeof(page));
  torpor__pages.capacity = (uint32_t)capacity;
  run_mark(first, new_pages);
  run_free(torpor__page_of(old), old_pages);
  return true;
}

static void pages_start(void) {
  uint32_t count = table_pages(TABLE_FIRST);
  torpor__pages.table = (page *)heap_start();
  torpor__pages.capacity = TABLE_FIRST;
  torpor__pages.top = 1;
  torpor_control.heap_base = (uint32_t)heap_start();
  if (break_raise(count) == 0) __builtin_trap();
  run_mark(1, count);
}

/* Takes 'count' pages from a free run that is long enough; 0: there is none. */
static uint32_t free_run_take(uint32_t count) {
  for (int list = free_list(count); list < FREE_LISTS; list++) {
    for (uint32_t run = torpor__pages.free[list]; run;
         run = torpor__pages.table[run].next) {
      uint32_t length = torpor__pages.table[run].count;
      if (length < count) continue;
      free_run_unlink(run);
      if (length > count) free_run_link(run + count, length - count);
      return run;
    }
  }
  return 0;
}

static void park_free_runs(void) {
  for (int list = 0; list < FREE_LISTS; list++) {
    for (uint32_t run; (run = torpor__pages.free[list]) != 0;) {
      uint32_t count = torpor__pages.table[run].count;
      free_run_unlink(run);
      run_mark(run, count);
      torpor__pages.table[run].next = torpor__pages.parked;
      torpor__pages.parked = run;
    }
  }
}

static void unpark_free_runs(void) {
  while (torpor__pages.parked) {
    uint32_t run = torpor__pages.parked;
    torpor__pages.parked = torpor__pages.table[run].next;
    torpor__pages_free(run, torpor__pages.table[run].count);
  }
}

static inline bool heap_is_small(void) {
  return torpor__pages.top < torpor__pages.small_end;
}

/* 'count' zero pages as a run that is in use, or 0. */
static uint32_t torpor__pages_allocate(uint32_t count) {
  uint32_t first;
  if (torpor__pages.table == NULL) pages_start();
  if (torpor__pages.parked && !heap_is_small()) unpark_free_runs();
  first = free_run_take(count);
  if (first == 0) {
    if (!table_reach((uint64_t)torpor__pages.top + count)) return 0;
    first = break_raise(count);
    if (first == 0) return 0;
  }
  run_mark(first, count);
  return first;
}

/* Lengthens the run at 'first' where it lies; false when it cannot. */
static bool torpor__run_extend(uint32_t first, uint32_t count) {
  uint32_t old = torpor__pages.table[first].count, more = count - old;
  uint32_t behind = first + old;
  if (behind == torpor__pages.top) {
    if (!table_reach((uint64_t)torpor__pages.top + more)) return false;
    if (behind != torpor__pages.top || break_raise(more) == 0) return false;
  } else {
    page next = torpor__pages.table[behind];
    if (next.kind != PAGE_FREE || next.count < more) return false;
    free_run_unlink(behind);
    if (next.count > more) free_run_link(behind + more, next.count - more);
  }
  run_mark(first, count);
  return true;
}

/* Shortens the run at 'first'; its tail must be zero already. */
static void torpor__run_shorten(uint32_t first, uint32_t count) {
  uint32_t old = torpor__pages.table[first].count;
  torpor__pages.table[first].count = count;
  torpor__pages_free(first + count, old - count);
}
