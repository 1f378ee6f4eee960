/* SPDX-License-Identifier: MIT */
/* placement.c - where the blocks of the bake lie.
 *
 * Programs write a few of the thousands of blocks that an engine begins with:
 * counts of references, ends of lists, tables that grow. engine/bake.mjs bakes
 * twice. The first time it learns which they are, by running programs; a block
 * is known by how manieth allocation of the bake it is, which is the same the
 * second time. Then they get areas of their own: the *hot* ones, which a
 * program writes at each step, and the *warm* ones, which it writes when it
 * begins.
 *
 *   | descriptors | hot ... | where programs allocate first | warm ... | baked
 *
 * During the bake the engine allocates through the functions here, afterwards
 * through the allocator itself. */

enum placement_heat { COLD, WARM, HOT };

enum {
  AREA_SLABS = 512, /* larger blocks, of which there are few, are runs */
};

/* Pages; that of the hot ones has room for what programs allocate first. */
static const uint32_t placement_area[] = {[WARM] = 64, [HOT] = 96};

static struct {
  uint32_t *log;       /* gets the address and size of each; NULL: unwanted */
  const uint8_t *heat; /* of each; NULL: all are cold */
  uint32_t count;      /* of either */
  uint32_t next;       /* the number of the next allocation */
  struct {
    uint32_t first, left; /* the pages that are free */
  } area[3];
} placement;

static void placement_start(uint32_t *log, const uint8_t *heat,
                            uint32_t count) {
  placement.log = log;
  placement.heat = heat;
  placement.count = count;
  if (heat == NULL) return;
  for (int i = HOT; i >= WARM; i--) {
    placement.area[i].first = torpor__pages_allocate(placement_area[i]);
    if (placement.area[i].first) placement.area[i].left = placement_area[i];
  }
}

static uint32_t area_pages(enum placement_heat heat, uint32_t count) {
  uint32_t first = placement.area[heat].first;
  if (count > placement.area[heat].left) return torpor__pages_allocate(count);
  placement.area[heat].first += count;
  placement.area[heat].left -= count;
  run_mark(first, count);
  return first;
}

static void *area_run(enum placement_heat heat, size_t size) {
  uint32_t count = pages_for(size), run = area_pages(heat, count);
  if (run == 0) return NULL;
  torpor_control.heap_used += count << PAGE_SHIFT;
  return torpor__page_address(run);
}

static void *area_allocate(enum placement_heat heat, size_t size) {
  unsigned class = (heat == HOT ? KIND_HOT : KIND_WARM) + size_of(size);
  uint32_t slab = *room_of(class);
  if (size > AREA_SLABS) return area_run(heat, size);
  if (slab == 0)
    slab = slab_start(area_pages(heat, alloc_class[class].pages), class);
  return slab ? slab_take(slab) : NULL;
}

static void *placed_malloc(void *opaque, size_t size) {
  uint32_t number = placement.next++;
  bool known = number < placement.count;
  enum placement_heat heat = COLD;
  void *block;
  (void)opaque;
  if (known && placement.heat) heat = placement.heat[number];
  block = heat == COLD ? malloc(size) : area_allocate(heat, size);
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

static void free_rest(enum placement_heat heat) {
  if (placement.area[heat].left)
    torpor__pages_free(placement.area[heat].first, placement.area[heat].left);
}

/* Ends the bake: programs allocate first where hot blocks are, and in what is
 * left of that area. */
static void placement_stop(void) {
  for (uint32_t i = 1; i < torpor__pages.top; i++) {
    page *head = &torpor__pages.table[i];
    if (head->kind != PAGE_SLAB) continue;
    if (head->class >= KIND_HOT)
      head->class -= KIND_HOT - KIND_SMALL;
    else if (head->class < KIND_WARM)
      head->class += KIND_BAKED - KIND_LARGE;
  }
  for (unsigned i = 0; i < ALLOC_SIZE_COUNT; i++) {
    uint32_t baked = alloc_room[0][i];
    alloc_room[0][i] = alloc_room[2][i];
    alloc_room[2][i] = baked;
  }
  free_rest(WARM);
  park_free_runs();
  free_rest(HOT);
  torpor__pages.small_end = torpor__pages.top + SMALL_PAGES;
  memset(&placement, 0, sizeof(placement));
}
