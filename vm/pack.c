/* SPDX-License-Identifier: MIT */
/* pack.c - compressing the content of a snapshot's section, with zstd.
 *
 *     content:  |    block    |    block    |  rest  |    blocks of 1 MiB
 *     stored:   | frame | frame | frame |                 one for each
 *
 * Each thread takes the next block until none is left, makes its frame in room
 * of its own, and keeps a copy of it; then the frames are put together. So
 * packing takes memory for what it makes, not for what that is made of. A frame
 * knows nothing of those before it, so the bytes are the same whatever thread
 * made them. Larger blocks would make them less than a percent smaller.
 *
 * Any thread. */
#include "vm/pack.h"

#include <stdatomic.h>
#include <string.h>

#include <zstd.h>

#include "common/alloc.h"
#include "vm/threshold.h"
#include "wasm/os.h"

/* A smaller section is not worth the time. */
#define PACK_FROM ((size_t)32 << 10)
#define BLOCK ((size_t)1 << 20)

/* ---- Packing --------------------------------------------------------------*/

typedef struct frame {
  uint8_t *data; /* NULL: it was not made */
  size_t size;
} frame;

/* Blocks that are being compressed. */
typedef struct packer {
  const uint8_t *data;
  size_t size, count;
  int level;
  frame *frames; /* one for each block */
  _Atomic size_t next;
} packer;

static size_t block_size(size_t size, size_t block) {
  size_t left = size - block * BLOCK;
  return left < BLOCK ? left : BLOCK;
}

/* 'made' is room for any frame. */
static void pack_block(packer *p, ZSTD_CCtx *context, uint8_t *made,
                       size_t room, size_t block) {
  frame *f = &p->frames[block];
  size_t size = ZSTD_compressCCtx(context, made, room, p->data + block * BLOCK,
                                  block_size(p->size, block), p->level);
  if (ZSTD_isError(size)) return;
  f->data = torpor__alloc(size);
  if (!f->data) return;
  memcpy(f->data, made, size);
  f->size = size;
}

/* Packs what no other thread has taken. */
static void pack_blocks(void *user) {
  packer *p = user;
  size_t room = ZSTD_compressBound(block_size(p->size, 0)), block;
  ZSTD_CCtx *context = ZSTD_createCCtx();
  uint8_t *made = torpor__alloc(room);
  while (context && made && (block = atomic_fetch_add(&p->next, 1)) < p->count)
    pack_block(p, context, made, room, block);
  torpor__alloc_free(made);
  ZSTD_freeCCtx(context);
}

static bool start(packer *p, const uint8_t *data, size_t size, int level) {
  *p = (packer){.data = data, .size = size, .level = level};
  p->count = (size + BLOCK - 1) / BLOCK;
  p->frames = torpor__alloc(p->count * sizeof(*p->frames));
  if (p->frames) memset(p->frames, 0, p->count * sizeof(*p->frames));
  return p->frames != NULL;
}

static void stop(packer *p) {
  for (size_t i = 0; p->frames && i < p->count; i++)
    torpor__alloc_free(p->frames[i].data);
  torpor__alloc_free(p->frames);
}

static void run(packer *p, unsigned threads) {
  if (threads > p->count) threads = (unsigned)p->count;
  torpor__os_thread_together(threads, pack_blocks, p);
}

/* The bytes of all frames; SIZE_MAX: one was not made, for lack of memory. */
static size_t add_sizes(const packer *p) {
  size_t sum = 0;
  for (size_t i = 0; i < p->count; i++) {
    if (!p->frames[i].data) return SIZE_MAX;
    sum += p->frames[i].size;
  }
  return sum;
}

static void put_together(const packer *p, uint8_t *to) {
  for (size_t i = 0; i < p->count; i++) {
    memcpy(to, p->frames[i].data, p->frames[i].size);
    to += p->frames[i].size;
  }
}

torpor__method torpor__pack_tail(torpor__buffer *out, size_t size,
                                 const torpor__packing *packing) {
  uint8_t *tail = out->data + out->size - size;
  size_t stored = SIZE_MAX;
  packer p;
  if (!packing->packed || size < PACK_FROM) return TORPOR__METHOD_STORED;
  if (start(&p, tail, size, packing->level)) {
    run(&p, packing->threads);
    stored = add_sizes(&p);
  }
  if (stored < size) {
    put_together(&p, tail);
    out->size -= size - stored;
  }
  stop(&p);
  if (stored == SIZE_MAX) out->failed = true;
  if (stored >= size) return TORPOR__METHOD_STORED;
  return p.count > 1 ? TORPOR__METHOD_FRAMES : TORPOR__METHOD_ZSTD;
}

/* ---- Unpacking ------------------------------------------------------------*/

bool torpor__pack_has_size(torpor__method method, const uint8_t *stored,
                           size_t stored_size, uint64_t size) {
  uint64_t first = ZSTD_getFrameContentSize(stored, stored_size);
  if (method == TORPOR__METHOD_ZSTD) return first == size;
  return size > BLOCK && first == BLOCK;
}

/* Unpacks the frames of all blocks, which no other size may have. */
static bool unpack_frames(const uint8_t *stored, size_t stored_size,
                          uint8_t *to, size_t size) {
  for (size_t block = 0; block * BLOCK < size; block++) {
    size_t content = block_size(size, block);
    size_t frame = ZSTD_findFrameCompressedSize(stored, stored_size);
    if (ZSTD_isError(frame) ||
        ZSTD_getFrameContentSize(stored, frame) != content ||
        ZSTD_decompress(to + block * BLOCK, content, stored, frame) != content)
      return false;
    stored += frame;
    stored_size -= frame;
  }
  return stored_size == 0;
}

bool torpor__pack_undo(torpor__method method, const uint8_t *stored,
                       size_t stored_size, uint8_t *to, size_t size) {
  torpor__os_expect(to, size);
  if (method == TORPOR__METHOD_FRAMES)
    return unpack_frames(stored, stored_size, to, size);
  return ZSTD_decompress(to, size, stored, stored_size) == size;
}
