/* SPDX-License-Identifier: MIT */
/* alloc.c - the allocator of everything inside the sandbox.
 *
 * Blocks of up to 2 KiB come from slabs: one, two or four pages cut into blocks
 * of one size. Larger ones are runs of pages. A block has no header; the
 * descriptor of its page (pages.c) tells its size.
 *
 *   slab:  | block | block | free --> free | never used ...      | rest |
 *                            (lists link by the first two bytes:
 *                             offset in the slab / 8 + 1, 0 ends)
 *
 * What is freed is cleared at once. So allocated memory is always zero
 * (calloc is malloc), a snapshot holds nothing that the program freed, and
 * equal histories give equal bytes without any work at the snapshot.
 *
 *  (1) A free block is zero but for its link; a block never used is zero.
 *  (2) A slab is in its class's list exactly while it has room.
 *  (3) An empty slab is given back at once.
 *
 * Runs on the VM's thread, like all of the guest. */
#include "guest.h"

/* Block sizes, and how many pages a slab of them has. */
/* clang-format off */
#define ALLOC_CLASSES(X)                                                       \
  X(16, 1) X(24, 1) X(32, 1) X(40, 1) X(48, 1) X(56, 1) X(64, 1) X(72, 1)      \
  X(80, 1) X(88, 1) X(96, 1) X(104, 1) X(112, 1) X(120, 1) X(128, 1)           \
  X(144, 1) X(160, 1) X(176, 1) X(192, 1) X(208, 1) X(224, 1) X(240, 1)        \
  X(256, 1) X(288, 1) X(320, 1) X(352, 1) X(384, 1) X(416, 1) X(448, 1)        \
  X(480, 1) X(512, 1) X(576, 2) X(640, 2) X(704, 2) X(768, 2) X(832, 2)        \
  X(896, 2) X(960, 2) X(1024, 2) X(1152, 4) X(1280, 4) X(1408, 4) X(1536, 4)   \
  X(1664, 4) X(1792, 4) X(1920, 4) X(2048, 4)
/* clang-format on */

#define X(size, count) {size, count, (count) * PAGE_BYTES / (size)},
static const struct {
  uint16_t size;
  uint16_t pages;
  uint16_t capacity;
} alloc_class[] = {ALLOC_CLASSES(X)};
#undef X

enum {
  ALLOC_CLASS_COUNT = sizeof(alloc_class) / sizeof(alloc_class[0]),
  ALLOC_SMALL = 2048,
};

/* For each class the first slab that has room. */
static uint32_t alloc_room[ALLOC_CLASS_COUNT];

static inline unsigned class_of(size_t size) {
  if (size <= 16) return 0;
  if (size <= 128) return (unsigned)(size + 7) / 8 - 2;
  if (size <= 256) return (unsigned)(size + 15) / 16 + 6;
  if (size <= 512) return (unsigned)(size + 31) / 32 + 14;
  if (size <= 1024) return (unsigned)(size + 63) / 64 + 22;
  return (unsigned)(size + 127) / 128 + 30;
}

static void room_add(uint32_t slab) {
  page *head = &torpor__pages.table[slab];
  uint32_t *list = &alloc_room[head->class];
  head->prev = 0;
  head->next = *list;
  if (*list) torpor__pages.table[*list].prev = slab;
  *list = slab;
}

static void room_remove(uint32_t slab) {
  page *head = &torpor__pages.table[slab];
  if (head->next) torpor__pages.table[head->next].prev = head->prev;
  if (head->prev)
    torpor__pages.table[head->prev].next = head->next;
  else
    alloc_room[head->class] = head->next;
  head->next = head->prev = 0;
}

static uint32_t slab_open(unsigned class) {
  uint32_t count = alloc_class[class].pages;
  uint32_t slab = torpor__pages_allocate(count);
  if (slab == 0) return 0;
  torpor__pages.table[slab] =
      (page){.kind = PAGE_SLAB, .class = (uint8_t)class};
  for (uint32_t i = 1; i < count; i++)
    torpor__pages.table[slab + i] =
        (page){.kind = PAGE_SLAB_REST, .first = slab};
  room_add(slab);
  return slab;
}

/* Gives an empty slab back, clearing the links in it. */
static void slab_close(uint32_t slab) {
  page *head = &torpor__pages.table[slab];
  uint8_t *base = torpor__page_address(slab);
  for (uint16_t link = head->free; link;) {
    uint16_t *block = (uint16_t *)(base + (size_t)(link - 1) * 8);
    link = *block;
    *block = 0;
  }
  room_remove(slab);
  torpor__pages_free(slab, alloc_class[head->class].pages);
}

static void *small_allocate(unsigned class) {
  uint32_t slab = alloc_room[class];
  page *head;
  uint8_t *block;
  if (slab == 0 && (slab = slab_open(class)) == 0) return NULL;
  head = &torpor__pages.table[slab];
  block = torpor__page_address(slab);
  if (head->free) {
    block += (size_t)(head->free - 1) * 8;
    head->free = *(uint16_t *)block;
    *(uint16_t *)block = 0;
  } else {
    block += (size_t)head->fresh * alloc_class[class].size;
    head->fresh++;
  }
  head->used++;
  if (head->used == alloc_class[class].capacity) room_remove(slab);
  torpor_control.heap_used += alloc_class[class].size;
  return block;
}

/* Clears a small block; the compiler is kept from making it a call. */
static inline void small_clear(void *block, size_t size) {
  uint64_t *words = block;
  for (size_t i = 0; i < size / 8; i++) {
    words[i] = 0;
    __asm__ volatile("");
  }
}

static void small_free(uint32_t slab, void *block) {
  page *head = &torpor__pages.table[slab];
  unsigned class = head->class;
  size_t size = alloc_class[class].size;
  if (size <= 256)
    small_clear(block, size);
  else
    memset(block, 0, size);
  *(uint16_t *)block = head->free;
  head->free =
      (uint16_t)(((uintptr_t)block - (uintptr_t)torpor__page_address(slab)) /
                     8 +
                 1);
  if (head->used == alloc_class[class].capacity) room_add(slab);
  head->used--;
  torpor_control.heap_used -= (uint32_t)size;
  if (head->used == 0) slab_close(slab);
}

static inline uint32_t pages_for(size_t size) {
  return (uint32_t)((size + PAGE_BYTES - 1) >> PAGE_SHIFT);
}

static void *large_allocate(size_t size) {
  uint32_t count, run;
  if (size > UINT32_C(0xffff0000)) return NULL;
  count = pages_for(size);
  run = torpor__pages_allocate(count);
  if (run == 0) return NULL;
  torpor_control.heap_used += count << PAGE_SHIFT;
  return torpor__page_address(run);
}

static void large_free(uint32_t run) {
  uint32_t count = torpor__pages.table[run].count;
  memset(torpor__page_address(run), 0, (size_t)count << PAGE_SHIFT);
  torpor__pages_free(run, count);
  torpor_control.heap_used -= count << PAGE_SHIFT;
}

/* The first page of what 'block' lies in. */
static inline uint32_t block_page(const void *block) {
  uint32_t number = torpor__page_of(block);
  if (torpor__pages.table[number].kind == PAGE_SLAB_REST)
    number = torpor__pages.table[number].first;
  return number;
}

/* ---- The C library's names, which the engine uses too --------------------*/

void *malloc(size_t size) {
  if (size <= ALLOC_SMALL) return small_allocate(class_of(size));
  return large_allocate(size);
}

void *calloc(size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) return NULL;
  return malloc(total);
}

void free(void *block) {
  uint32_t number;
  if (block == NULL) return;
  number = block_page(block);
  if (torpor__pages.table[number].kind == PAGE_SLAB)
    small_free(number, block);
  else
    large_free(number);
}

static inline size_t block_size(const void *block) {
  const page *head = &torpor__pages.table[block_page(block)];
  if (head->kind == PAGE_SLAB) return alloc_class[head->class].size;
  return (size_t)head->count << PAGE_SHIFT;
}

size_t malloc_usable_size(void *block) {
  return block ? block_size(block) : 0;
}

/* Resizes a run where it lies if that is possible. */
static bool large_resize(uint32_t run, size_t size) {
  uint32_t old = torpor__pages.table[run].count, count = pages_for(size);
  uint8_t *base = torpor__page_address(run);
  if (count > old) {
    if (!torpor__run_extend(run, count)) return false;
  } else {
    memset(base + size, 0, ((size_t)old << PAGE_SHIFT) - size);
    if (count < old) torpor__run_shorten(run, count);
  }
  torpor_control.heap_used += (count << PAGE_SHIFT) - (old << PAGE_SHIFT);
  return true;
}

/* The bytes behind a block that shrinks are cleared, so that what was beyond
 * its end is gone, as with free. */
void *realloc(void *block, size_t size) {
  size_t old;
  void *moved;
  if (block == NULL) return malloc(size);
  old = block_size(block);
  if (old > ALLOC_SMALL) {
    if (size > ALLOC_SMALL && size <= UINT32_C(0xffff0000) &&
        large_resize(block_page(block), size))
      return block;
  } else if (size <= old && (size > old / 2 || old <= 32)) {
    memset((uint8_t *)block + size, 0, old - size);
    return block;
  }
  moved = malloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, old < size ? old : size);
  free(block);
  return moved;
}

/* ---- Listing what is free ------------------------------------------------*/

typedef struct free_ranges {
  uint32_t *out; /* pairs of address and size */
  uint32_t max, count;
} free_ranges;

static void ranges_add(free_ranges *ranges, const void *address, size_t size) {
  if (size == 0) return;
  if (ranges->count < ranges->max) {
    ranges->out[ranges->count * 2] = (uint32_t)(uintptr_t)address;
    ranges->out[ranges->count * 2 + 1] = (uint32_t)size;
  }
  ranges->count++;
}

static void ranges_add_slab(free_ranges *ranges, uint32_t slab) {
  const page *head = &torpor__pages.table[slab];
  size_t size = alloc_class[head->class].size;
  uint8_t *base = torpor__page_address(slab);
  for (uint16_t link = head->free; link;) {
    uint8_t *block = base + (size_t)(link - 1) * 8;
    ranges_add(ranges, block, size);
    link = *(uint16_t *)block;
  }
  ranges_add(ranges, base + head->fresh * size,
             ((size_t)alloc_class[head->class].pages << PAGE_SHIFT) -
                 head->fresh * size);
}

/* The first two bytes of a range may be a link; all others are zero. */
EXPORT(torpor_heap_free)
uint32_t export_heap_free(uint32_t *out, uint32_t max) {
  free_ranges ranges = {out, max, 0};
  for (uint32_t i = 1; i < torpor__pages.top; i++) {
    if (torpor__pages.table[i].kind == PAGE_SLAB) {
      ranges_add_slab(&ranges, i);
    } else if (torpor__pages.table[i].kind == PAGE_FREE) {
      uint32_t count = torpor__pages.table[i].count;
      ranges_add(&ranges, torpor__page_address(i), (size_t)count << PAGE_SHIFT);
      i += count - 1;
    }
  }
  return ranges.count;
}

EXPORT(torpor_allocate)
void *torpor_allocate(uint32_t size) {
  return malloc(size);
}

EXPORT(torpor_release)
torpor_status torpor_release(void *block) {
  free(block);
  return TORPOR_OK;
}
