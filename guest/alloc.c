/* SPDX-License-Identifier: MIT */
/* alloc.c - the allocator of everything inside the sandbox.
 *
 * Blocks of up to 2 KiB come from slabs: pages cut into blocks of one size.
 * Larger ones are runs of pages. A block has no header; the descriptor of its
 * page (pages.c) tells its size.
 *
 *   slab:  | block | block | free --> free | never used ...      | rest |
 *                            (lists link by the first two bytes:
 *                             offset in the slab / 8 + 1, 0 ends)
 *
 * What is freed is cleared at once. So allocated memory is always zero
 * (calloc is malloc), a snapshot holds nothing that the program freed, and
 * equal histories give equal bytes without any work at the snapshot.
 *
 * What a program writes should lie in few of the system's pages, since each of
 * them is copied, compared and reset as a whole. So slabs are small while the
 * program is, and those that the bake filled (placement.c) are reused only when
 * it is not:
 *
 *   small, large   where programs allocate
 *   baked          where the bake did
 *
 * Blocks of the bake that programs are known to write lie closer still, in
 * *mixed* runs: block behind block, of any size. A map at the start has a bit
 * for each 8 bytes, set where a block starts and where the last one ends.
 * Nothing is reused there.
 *
 *   mixed: | map | block | block | block ... | never used |
 *
 *  (1) A free block is zero but for its link; a block never used is zero.
 *  (2) A slab is in the list for its size exactly while it has room.
 *  (3) An empty slab is given back at once.
 *
 * Runs on the VM's thread, like all of the guest. */
#include "guest.h"

/* Block sizes, and how many pages a small and a large slab of them has. */
/* clang-format off */
#define ALLOC_SIZES(X)                                                         \
  X(16, 1, 4) X(24, 1, 4) X(32, 1, 4) X(40, 1, 4) X(48, 1, 4) X(56, 1, 4)      \
  X(64, 1, 4) X(72, 1, 4) X(80, 1, 4) X(88, 1, 4) X(96, 1, 4) X(104, 1, 4)     \
  X(112, 1, 4) X(120, 1, 4) X(128, 1, 4) X(144, 1, 4) X(160, 1, 4)             \
  X(176, 1, 4) X(192, 1, 4) X(208, 1, 4) X(224, 1, 4) X(240, 1, 4)             \
  X(256, 1, 4) X(288, 1, 4) X(320, 1, 4) X(352, 2, 4) X(384, 2, 4)             \
  X(416, 2, 4) X(448, 2, 4) X(480, 2, 4) X(512, 2, 4) X(576, 4, 8)             \
  X(640, 4, 8) X(704, 4, 8) X(768, 4, 8) X(832, 4, 8) X(896, 4, 8)             \
  X(960, 4, 8) X(1024, 4, 8) X(1152, 8, 16) X(1280, 8, 16) X(1408, 8, 16)      \
  X(1536, 8, 16) X(1664, 8, 16) X(1792, 8, 16) X(1920, 8, 16) X(2048, 8, 16)
/* clang-format on */

#define SLAB(size, pages) {size, pages, (pages) * PAGE_BYTES / (size)},
#define SLAB_SMALL(size, small, large) SLAB(size, small)
#define SLAB_LARGE(size, small, large) SLAB(size, large)
/* By the class of a slab: a kind of slab and, added to it, a number of a size.
 */
static const struct {
  _Alignas(8) uint16_t size; /* so that finding one is a shift */
  uint16_t pages;
  uint16_t capacity;
} alloc_class[] = {ALLOC_SIZES(SLAB_SMALL) ALLOC_SIZES(SLAB_LARGE)
                       ALLOC_SIZES(SLAB_LARGE)};
#undef SLAB_LARGE
#undef SLAB_SMALL
#undef SLAB

#define COUNT_SIZE(size, small, large) +1
enum {
  ALLOC_SIZE_COUNT = 0 ALLOC_SIZES(COUNT_SIZE),
  ALLOC_SMALL = 2048,

  KIND_SMALL = 0,
  KIND_LARGE = ALLOC_SIZE_COUNT,
  KIND_BAKED = 2 * ALLOC_SIZE_COUNT,

  /* With so many pages behind those of the bake a heap is small. */
  SMALL_PAGES = 256,
};
#undef COUNT_SIZE

/* The first slab that has room, by size: small and large ones, baked ones. */
static uint32_t alloc_room[2][ALLOC_SIZE_COUNT];

static inline unsigned size_of(size_t size) {
  if (size <= 16) return 0;
  if (size <= 128) return (unsigned)(size + 7) / 8 - 2;
  if (size <= 256) return (unsigned)(size + 15) / 16 + 6;
  if (size <= 512) return (unsigned)(size + 31) / 32 + 14;
  if (size <= 1024) return (unsigned)(size + 63) / 64 + 22;
  return (unsigned)(size + 127) / 128 + 30;
}

static inline uint32_t *room_of(unsigned class) {
  return &alloc_room[class >= KIND_BAKED][class % ALLOC_SIZE_COUNT];
}

static void room_add(uint32_t slab) {
  page *head = &torpor__pages.table[slab];
  uint32_t *list = room_of(head->class);
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
    *room_of(head->class) = head->next;
  head->next = head->prev = 0;
}

/* Makes the run at 'slab', which may be 0, a slab. */
static uint32_t slab_start(uint32_t slab, unsigned class) {
  if (slab == 0) return 0;
  torpor__pages.table[slab] =
      (page){.kind = PAGE_SLAB, .class = (uint8_t)class};
  for (uint32_t i = 1; i < alloc_class[class].pages; i++)
    torpor__pages.table[slab + i] =
        (page){.kind = PAGE_SLAB_REST, .class = (uint8_t)class, .first = slab};
  room_add(slab);
  return slab;
}

static uint32_t slab_open(unsigned class) {
  return slab_start(torpor__pages_allocate(alloc_class[class].pages), class);
}

/* Gives an empty slab back, clearing the links in it. */
static void slab_close(uint32_t slab) {
  page *head = &torpor__pages.table[slab];
  uint8_t *base = torpor__page_address(slab);
  uint32_t count = alloc_class[head->class].pages;
  for (uint16_t link = head->free; link;) {
    uint16_t *block = (uint16_t *)(base + (size_t)(link - 1) * 8);
    link = *block;
    *block = 0;
  }
  room_remove(slab);
  for (uint32_t i = 1; i < count; i++)
    torpor__pages.table[slab + i] = (page){0};
  torpor__pages_free(slab, count);
}

/* A slab with room for blocks of 'size', when none is in use. */
static uint32_t room_open(unsigned size) {
  uint32_t baked = alloc_room[1][size];
  if (heap_is_small()) return slab_open(KIND_SMALL + size);
  if (baked == 0) return slab_open(KIND_LARGE + size);
  room_remove(baked);
  torpor__pages.table[baked].class = (uint8_t)(KIND_LARGE + size);
  room_add(baked);
  return baked;
}

/* A block of a slab that has room, whose blocks have 'size' bytes. */
static inline void *slab_take(uint32_t slab, size_t size) {
  page *head = &torpor__pages.table[slab];
  uint8_t *block = torpor__page_address(slab);
  if (head->free) {
    block += (size_t)(head->free - 1) * 8;
    head->free = *(uint16_t *)block;
    *(uint16_t *)block = 0;
  } else {
    block += (size_t)head->fresh * size;
    head->fresh++;
  }
  head->used++;
  if (head->used == alloc_class[head->class].capacity) room_remove(slab);
  torpor_control.heap_used += (uint32_t)size;
  return block;
}

static inline void *small_allocate(unsigned size) {
  uint32_t slab = alloc_room[0][size];
  if (slab == 0 && (slab = room_open(size)) == 0) return NULL;
  return slab_take(slab, alloc_class[size].size);
}

/* Clears a small block of whole words, at least two; the compiler is kept from
 * making it a call. */
static inline void small_clear(void *block, size_t size) {
  uint64_t *words = block, *last = words + size / 8 - 1;
  *last = 0;
  do {
    words[0] = words[1] = 0;
    __asm__ volatile("");
  } while ((words += 2) < last);
}

/* Frees a block of 'size' bytes of 'slab'. */
static inline void small_free(uint32_t slab, void *block, size_t size) {
  page *head = &torpor__pages.table[slab];
  if (size <= 256)
    small_clear(block, size);
  else
    memset(block, 0, size);
  *(uint16_t *)block = head->free;
  head->free =
      (uint16_t)(((uintptr_t)block - (uintptr_t)torpor__page_address(slab)) /
                     8 +
                 1);
  if (head->used == alloc_class[head->class].capacity) room_add(slab);
  head->used--;
  torpor_control.heap_used -= (uint32_t)size;
  if (head->used == 0) slab_close(slab);
}

/* ---- Mixed runs ----------------------------------------------------------*/

static inline uint32_t *mixed_map(uint32_t run) {
  return (uint32_t *)torpor__page_address(run);
}

/* Where 'address' lies in the run, in units of 8 bytes. */
static inline uint32_t mixed_unit(uint32_t run, const void *address) {
  return (uint32_t)((const uint8_t *)address - torpor__page_address(run)) / 8;
}

static inline bool mixed_starts(uint32_t run, uint32_t unit) {
  return mixed_map(run)[unit / 32] >> unit % 32 & 1;
}

static size_t mixed_size(uint32_t run, const void *block) {
  uint32_t start = mixed_unit(run, block), end = start + 1;
  while (!mixed_starts(run, end)) end++;
  return (size_t)(end - start) * 8;
}

static void mixed_free(uint32_t run, void *block) {
  size_t size = mixed_size(run, block);
  memset(block, 0, size);
  torpor_control.heap_used -= (uint32_t)size;
}

/* ---- Large blocks --------------------------------------------------------*/

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
  uint8_t kind = torpor__pages.table[number].kind;
  if (kind == PAGE_SLAB_REST || kind == PAGE_MIXED_REST)
    number = torpor__pages.table[number].first;
  return number;
}

static inline size_t block_size(const void *block) {
  uint32_t number = torpor__page_of(block);
  const page *head = &torpor__pages.table[number];
  if (head->kind == PAGE_SLAB || head->kind == PAGE_SLAB_REST)
    return alloc_class[head->class].size;
  if (head->kind == PAGE_RUN) return (size_t)head->count << PAGE_SHIFT;
  return mixed_size(block_page(block), block);
}

/* ---- The C library's names, which the engine uses too --------------------*/

static inline void *allocate(size_t size) {
  if (size <= ALLOC_SMALL) return small_allocate(size_of(size));
  return large_allocate(size);
}

/* An allocation that failed, tried again if it may use the reserve. */
static __attribute__((noinline)) void *allocate_served(size_t size,
                                                       bool grows) {
  void *block;
  if (!reserve_serves(size, grows)) return NULL;
  reserve.open = true;
  block = allocate(size);
  reserve.open = false;
  if (block == NULL) reserve_end();
  return block;
}

void *malloc(size_t size) {
  void *block = allocate(size);
  return block ? block : allocate_served(size, false);
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
    small_free(number, block,
               alloc_class[torpor__pages.table[number].class].size);
  else if (torpor__pages.table[number].kind == PAGE_RUN)
    large_free(number);
  else
    mixed_free(number, block);
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
  if (block == NULL) {
    moved = allocate(size);
    return moved ? moved : allocate_served(size, true);
  }
  old = block_size(block);
  if (old > ALLOC_SMALL) {
    if (size > ALLOC_SMALL && size <= UINT32_C(0xffff0000) &&
        large_resize(block_page(block), size))
      return block;
  } else if (size <= old && (size > old / 2 || old <= 32)) {
    memset((uint8_t *)block + size, 0, old - size);
    return block;
  }
  moved = allocate(size);
  if (moved == NULL && (moved = allocate_served(size, true)) == NULL)
    return NULL;
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
