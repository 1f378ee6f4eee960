/* SPDX-License-Identifier: MIT */
/* blocks.c - the engine's blocks: how it allocates, counts and frees memory.
 *
 * quickjs.c includes this in place of its own arenas and of the functions that
 * call an embedder's allocator by pointers (engine/patches/own-blocks.patch).
 * Each block is one of alloc.c's and begins with the engine's header, where the
 * engine keeps a count of references and we the number of the block's size:
 *
 *   | header: size number, count of references .. | what the engine asked for |
 *
 * So neither counting nor freeing has to ask how large a block is. BLOCK_ASK
 * instead of a number says that its page must be asked: large blocks, and those
 * that placement.c puts where it likes.
 *
 * While the engine is baked, and while a test lets allocations fail, they go by
 * the table of functions that the engine was given (placement.c, failing.c).
 *
 *  (1) A number is that of the slab the block lies in. */

enum { BLOCK_ASK = 0xff };

_Static_assert(ALLOC_SIZE_COUNT < BLOCK_ASK, "size numbers are one byte");

static void *js_def_malloc(void *opaque, size_t size);

static JSContext *torpor__ctx;

static void js_arena_init(JSRuntime *rt) {
  (void)rt;
}

static void js_arena_free_all(JSRuntime *rt) {
  (void)rt;
}

static inline JSMallocBlockHeader *block_of(const void *data) {
  return js_rc(data);
}

/* The bytes behind the header of a block with this number. */
static inline size_t block_room(const JSMallocBlockHeader *block,
                                unsigned number) {
  size_t size =
      number != BLOCK_ASK ? alloc_class[number].size : block_size(block);
  return size - sizeof(*block);
}

static uint8_t block_number(const void *block) {
  const page *head = &torpor__pages.table[torpor__page_of(block)];
  if (head->kind != PAGE_SLAB && head->kind != PAGE_SLAB_REST) return BLOCK_ASK;
  return head->class % ALLOC_SIZE_COUNT;
}

static inline bool block_by_table(const JSRuntime *rt) {
  return unlikely(rt->mf.js_malloc != js_def_malloc);
}

/* Whether 'more' bytes would be beyond the limit; 0 as limit is none. */
static inline bool block_beyond(const JSMallocState *state, size_t more) {
  return state->malloc_size + more > state->malloc_limit - 1;
}

/* Marks a new block and counts it; gives the engine's part of it. */
static inline void *block_begin(JSMallocState *state,
                                JSMallocBlockHeader *block, uint8_t number) {
  block->block_size_idx = number;
  state->malloc_count++;
  state->malloc_size += block_room(block, number) + MALLOC_OVERHEAD;
  return block->user_data;
}

/* A program that takes large blocks is asked more often whether it may go on,
 * as it takes time to fill and to clear them. */
static inline void block_count(size_t total) {
  if (total > ALLOC_SMALL && torpor__ctx) js_count_work(torpor__ctx, total);
}

/* By the table, large ones, and when no slab has room. */
static no_inline void *block_open(JSRuntime *rt, size_t total) {
  JSMallocState *state = &rt->malloc_state;
  void *block;
  block_count(total);
  block = rt->mf.js_malloc(state->opaque, total);
  return block ? block_begin(state, block, block_number(block)) : NULL;
}

static inline void *block_allocate(JSRuntime *rt, size_t size) {
  size_t total = size + sizeof(JSMallocBlockHeader);
  if (unlikely(block_beyond(&rt->malloc_state, size) || total < size))
    return NULL;
  if (likely(total <= ALLOC_SMALL) && !block_by_table(rt)) {
    unsigned number = size_of(total);
    uint32_t slab = alloc_room[0][number];
    if (likely(slab != 0))
      return block_begin(&rt->malloc_state,
                         slab_take(slab, alloc_class[number].size),
                         (uint8_t)number);
  }
  return block_open(rt, total);
}

void *js_malloc_rt(JSRuntime *rt, size_t size) {
  if (unlikely(size == 0)) return NULL;
  return block_allocate(rt, size);
}

/* Allocated memory is zero: see alloc.c. */
void *js_calloc_rt(JSRuntime *rt, size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) return NULL;
  return block_allocate(rt, total);
}

void js_free_rt(JSRuntime *rt, void *data) {
  JSMallocState *state = &rt->malloc_state;
  JSMallocBlockHeader *block;
  unsigned number;
  if (data == NULL) return;
  block = block_of(data);
  number = block->block_size_idx;
  state->malloc_count--;
  state->malloc_size -= block_room(block, number) + MALLOC_OVERHEAD;
  if (likely(number != BLOCK_ASK))
    small_free(block_page(block), block, alloc_class[number].size);
  else
    free(block);
}

void *js_realloc_rt(JSRuntime *rt, void *data, size_t size) {
  JSMallocState *state = &rt->malloc_state;
  JSMallocBlockHeader *block, *moved;
  size_t total = size + sizeof(*block), old;
  if (data == NULL) return js_malloc_rt(rt, size);
  if (unlikely(size == 0)) {
    js_free_rt(rt, data);
    return NULL;
  }
  block = block_of(data);
  old = block_room(block, block->block_size_idx);
  if (unlikely(block_beyond(state, size - old) || total < size)) return NULL;
  block_count(total);
  moved = block_by_table(rt) ? rt->mf.js_realloc(state->opaque, block, total)
                             : realloc(block, total);
  if (unlikely(moved == NULL)) return NULL;
  if (moved != block) moved->block_size_idx = block_number(moved);
  state->malloc_size += block_room(moved, moved->block_size_idx) - old;
  return moved->user_data;
}

size_t js_malloc_usable_size_rt(JSRuntime *rt, const void *data) {
  JSMallocBlockHeader *block;
  (void)rt;
  if (data == NULL) return 0;
  block = block_of(data);
  return block_room(block, block->block_size_idx);
}
