/* SPDX-License-Identifier: MIT */
/* placement.c - where the blocks of the bake lie.
 *
 * Programs write a few of the thousands of blocks that an engine begins with:
 * counts of references, ends of lists, tables that grow. engine/bake.mjs bakes
 * twice. The first time it learns which they are, by running programs; a block
 * is known by how manieth allocation of the bake it is, which is the same the
 * second time. Then those are *warm*: they get an area of their own, where
 * programs go on to allocate.
 *
 *   | descriptors | warm ... | where programs begin | baked ...
 *
 * During the bake the engine allocates through the functions here, afterwards
 * through the allocator itself. */

enum {
  WARM_AREA = 96,   /* pages, with room for what programs allocate first */
  WARM_SLABS = 512, /* larger blocks, of which there are few, are runs */
};

static struct {
  uint32_t *log;       /* gets the address and size of each; NULL: unwanted */
  const uint8_t *warm; /* whether it is; NULL: none is */
  uint32_t count;      /* of either */
  uint32_t next;       /* the number of the next allocation */
  uint32_t area, left; /* the first page of the area that is free, and how many
                          there are */
} placement;

static void placement_start(uint32_t *log, const uint8_t *warm,
                            uint32_t count) {
  placement.log = log;
  placement.warm = warm;
  placement.count = count;
  if (warm == NULL) return;
  placement.area = torpor__pages_allocate(WARM_AREA);
  if (placement.area) placement.left = WARM_AREA;
}

static uint32_t warm_pages(uint32_t count) {
  uint32_t first = placement.area;
  if (count > placement.left) return torpor__pages_allocate(count);
  placement.area += count;
  placement.left -= count;
  run_mark(first, count);
  if (placement.left) run_mark(placement.area, placement.left);
  return first;
}

static void *warm_run(size_t size) {
  uint32_t count = pages_for(size), run = warm_pages(count);
  if (run == 0) return NULL;
  torpor_control.heap_used += count << PAGE_SHIFT;
  return torpor__page_address(run);
}

static void *warm_allocate(size_t size) {
  unsigned class = KIND_WARM + size_of(size);
  uint32_t slab = *room_of(class);
  if (size > WARM_SLABS) return warm_run(size);
  if (slab == 0) slab = slab_start(warm_pages(alloc_class[class].pages), class);
  return slab ? slab_take(slab) : NULL;
}

static void *placed_malloc(void *opaque, size_t size) {
  uint32_t number = placement.next++;
  bool known = number < placement.count;
  bool warm = known && placement.warm && placement.warm[number];
  void *block = warm ? warm_allocate(size) : malloc(size);
  (void)opaque;
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

/* Ends the bake: where programs allocate first is what was warm, and the rest
 * of the area. */
static void placement_stop(void) {
  for (uint32_t i = 1; i < torpor__pages.top; i++) {
    page *head = &torpor__pages.table[i];
    if (head->kind != PAGE_SLAB) continue;
    if (head->class >= KIND_WARM)
      head->class -= KIND_WARM - KIND_SMALL;
    else
      head->class += KIND_BAKED - KIND_LARGE;
  }
  for (unsigned i = 0; i < ALLOC_SIZE_COUNT; i++) {
    uint32_t baked = alloc_room[i];
    alloc_room[i] = alloc_room[ALLOC_SIZE_COUNT + i];
    alloc_room[ALLOC_SIZE_COUNT + i] = baked;
  }
  park_free_runs();
  if (placement.left) torpor__pages_free(placement.area, placement.left);
  torpor__pages.small_end = torpor__pages.top + SMALL_PAGES;
  memset(&placement, 0, sizeof(placement));
}
