/* SPDX-License-Identifier: MIT */
/* placement.c - where the blocks of the bake lie.
 *
 * Programs write a few of the thousands of blocks that an engine begins with:
 * counts of references, ends of lists, tables that grow. engine/bake.mjs bakes
 * twice. The first time it learns which they are, by running programs; a block
 * is known by its number in the order of allocation, which is the same the
 * second time. Then they get areas of their own: the *hot* ones, which a
 * program writes at each step, and the *warm* ones, which it writes when it
 * begins. The *cold* ones, which programs only read, lie close together as
 * well: a new instance has to fill each page that is not empty. What is
 * *passing*, freed before the bake ends, leaves no holes between them.
 *
 *   | descriptors | hot .. | where programs begin | warm .. | cold .. | baked
 *
 * During the bake the engine allocates through the functions here, afterwards
 * through the allocator itself. */

enum placement_heat { PASSING, COLD, WARM, HOT };

/* Pages; that of the hot ones has room for what programs allocate first. */
static const uint32_t placement_pages[] = {
    [COLD] = 224, [WARM] = 64, [HOT] = 96};

typedef struct area {
  uint32_t first; /* the first page, of a mixed run; 0: there is none */
  uint32_t end;   /* behind the last page that is free */
  uint8_t *next;  /* where the next block lies */
} area;

static struct {
  uint32_t *log;       /* gets the address and size of each; NULL: unwanted */
  const uint8_t *heat; /* of each; NULL: all are passing */
  uint32_t count;      /* of either */
  uint32_t next;       /* the number of the next allocation */
  area areas[HOT + 1];
} placement;

static void area_open(area *area, uint32_t count) {
  uint32_t first = torpor__pages_allocate(count);
  if (first == 0) return;
  torpor__pages.table[first] = (page){.kind = PAGE_MIXED};
  for (uint32_t i = 1; i < count; i++)
    torpor__pages.table[first + i] =
        (page){.kind = PAGE_MIXED_REST, .first = first};
  area->first = first;
  area->end = first + count;
  area->next = torpor__page_address(first) + ((size_t)count << PAGE_SHIFT) / 64;
}

static void placement_start(uint32_t *log, const uint8_t *heat,
                            uint32_t count) {
  placement.log = log;
  placement.heat = heat;
  placement.count = count;
  if (heat == NULL) return;
  for (int i = HOT; i >= COLD; i--)
    area_open(&placement.areas[i], placement_pages[i]);
}

static size_t area_left(const area *area) {
  return (size_t)(torpor__page_address(area->end) - area->next);
}

static void area_mark(const area *area, const void *place) {
  uint32_t unit = mixed_unit(area->first, place);
  mixed_map(area->first)[unit / 32] |= UINT32_C(1) << unit % 32;
}

/* Large blocks are runs at the end of the area. */
static void *area_run(area *area, size_t size) {
  uint32_t count = pages_for(size);
  area->end -= count;
  for (uint32_t i = 0; i < count; i++)
    torpor__pages.table[area->end + i] = (page){0};
  run_mark(area->end, count);
  torpor_control.heap_used += count << PAGE_SHIFT;
  return torpor__page_address(area->end);
}

/* A block in 'area', or anywhere when it is full. */
static void *area_allocate(area *area, size_t size) {
  void *block = area->next;
  size = size > 0 ? (size + 7) & ~(size_t)7 : 8;
  if (area->first == 0 || size + PAGE_BYTES > area_left(area))
    return malloc(size);
  if (size > ALLOC_SMALL) return area_run(area, size);
  area_mark(area, block);
  area->next += size;
  area_mark(area, area->next);
  torpor_control.heap_used += (uint32_t)size;
  return block;
}

/* Frees the pages of 'area' in which nothing lies. */
static void area_close(const area *area) {
  uint32_t first;
  if (area->first == 0) return;
  first = torpor__page_of(area->next) + 1;
  for (uint32_t i = first; i < area->end; i++)
    torpor__pages.table[i] = (page){0};
  if (first < area->end) torpor__pages_free(first, area->end - first);
}

static void *placed_malloc(void *opaque, size_t size) {
  uint32_t number = placement.next++;
  bool known = number < placement.count;
  enum placement_heat heat = PASSING;
  void *block;
  (void)opaque;
  if (known && placement.heat) heat = placement.heat[number];
  block = heat == PASSING ? malloc(size)
                          : area_allocate(&placement.areas[heat], size);
  if (known && placement.log) {
    placement.log[number * 2] = (uint32_t)(uintptr_t)block;
    placement.log[number * 2 + 1] = (uint32_t)size;
  }
  return block;
}

static void *placed_calloc(void *opaque, size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) return NULL;
  return placed_malloc(opaque, total);
}

static void placed_free(void *opaque, void *block) {
  (void)opaque;
  free(block);
}

/* Always moves: where a block lies is what is chosen here. */
static void *placed_realloc(void *opaque, void *block, size_t size) {
  void *moved = placed_malloc(opaque, size);
  size_t old;
  if (moved == NULL || block == NULL) return moved;
  old = block_size(block);
  memcpy(moved, block, old < size ? old : size);
  free(block);
  return moved;
}

/* Ends the bake: programs allocate in what is left of the area of hot blocks,
 * then behind all that there is. */
static void placement_stop(void) {
  for (uint32_t i = 1; i < torpor__pages.top; i++)
    if (torpor__pages.table[i].kind == PAGE_SLAB)
      torpor__pages.table[i].class += KIND_BAKED - KIND_LARGE;
  memcpy(alloc_room[1], alloc_room[0], sizeof(alloc_room[1]));
  memset(alloc_room[0], 0, sizeof(alloc_room[0]));
  area_close(&placement.areas[COLD]);
  area_close(&placement.areas[WARM]);
  park_free_runs();
  area_close(&placement.areas[HOT]);
  torpor__pages.small_end = torpor__pages.top + SMALL_PAGES;
  memset(&placement, 0, sizeof(placement));
}
