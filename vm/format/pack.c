/* SPDX-License-Identifier: MIT */
/* pack.c - compressing the content of a snapshot's section, with zstd.
 *
 *     content:  |    block    |    block    |  rest  |    blocks of 1 MiB
 *     stored:   | frame | frame | frame |                 one for each
 *
 * Each thread takes the next block until none is left, and makes its frame;
 * then the frames are put together. A single thread makes them where they are
 * to be. Content in pieces is gathered block by block, in room that stays in
 * the processor's cache: so packing it takes memory for what it makes, not for
 * what that is made of. A frame knows nothing of those before it, so the bytes
 * are the same whatever thread made them. Larger blocks would make them less
 * than a percent smaller.
 *
 * Any thread. */
#include "vm/format/pack.h"

#include <stdatomic.h>
#include <string.h>

#include <zstd.h>

#include "common/alloc.h"
#include "vm/common/threshold.h"
#include "wasm/os.h"

/* A smaller section is not worth the time. */
#define PACK_FROM ((size_t)32 << 10)
#define BLOCK ((size_t)1 << 20)
/* For content in pieces, room for 1/PACKED of it is made at once. */
#define PACKED 4

/* ---- Packing --------------------------------------------------------------*/

typedef struct frame {
  const torpor__buffer *in; /* NULL: it was not made */
  size_t at, size;
} frame;

/* What one thread has. */
typedef struct worker {
  ZSTD_CCtx *context;
  uint8_t *gathered;    /* a block, of content in pieces */
  torpor__buffer *made; /* where it puts its frames: */
  torpor__buffer own;
} worker;

/* Content that is being compressed. */
typedef struct packer {
  const uint8_t *data; /* NULL: it lies in pieces */
  const torpor__pieces *pieces;
  size_t size, count; /* bytes, blocks */
  int level;
  frame *frames; /* one for each block */
  worker *workers;
  unsigned threads;
  torpor__buffer *out; /* where a single worker puts its frames; NULL: the
                          content is there still */
  _Atomic unsigned started;
  _Atomic size_t next;
} packer;

static size_t block_size(size_t size, size_t block) {
  size_t left = size - block * BLOCK;
  return left < BLOCK ? left : BLOCK;
}

static const uint8_t *read_block(const packer *p, const worker *w,
                                 size_t block) {
  if (!p->pieces) return p->data + block * BLOCK;
  torpor__pieces_copy(p->pieces, block * BLOCK, block_size(p->size, block),
                      w->gathered);
  return w->gathered;
}

static void make_frame(packer *p, const worker *w, size_t block) {
  torpor__buffer *made = w->made;
  size_t content = block_size(p->size, block);
  size_t room = ZSTD_compressBound(content), size;
  if (!torpor__buffer_reserve(made, room)) return;
  size = ZSTD_compressCCtx(w->context, made->data + made->size, room,
                           read_block(p, w, block), content, p->level);
  if (ZSTD_isError(size)) return;
  p->frames[block] = (frame){made, made->size, size};
  made->size += size;
}

/* Makes frames of what no other thread has taken. */
static void work(void *user) {
  packer *p = user;
  worker *w = &p->workers[atomic_fetch_add(&p->started, 1)];
  w->made = p->threads == 1 && p->out ? p->out : &w->own;
  w->context = ZSTD_createCCtx();
  w->gathered = p->pieces ? torpor__alloc(block_size(p->size, 0)) : NULL;
  if (!w->context || (p->pieces && !w->gathered)) return;
  for (size_t block; (block = atomic_fetch_add(&p->next, 1)) < p->count;)
    make_frame(p, w, block);
}

static void *alloc_zero(size_t size) {
  void *block = torpor__alloc(size);
  return block ? memset(block, 0, size) : NULL;
}

/* Makes all frames. Gives the bytes that they have; SIZE_MAX: one was not made,
 * for lack of memory. */
static size_t run(packer *p, const torpor__packing *packing) {
  size_t sum = 0;
  p->level = packing->level;
  p->count = (p->size + BLOCK - 1) / BLOCK;
  p->threads =
      packing->threads < p->count ? packing->threads : (unsigned)p->count;
  p->frames = alloc_zero(p->count * sizeof(*p->frames));
  p->workers = alloc_zero(p->threads * sizeof(*p->workers));
  if (!p->frames || !p->workers) return SIZE_MAX;
  torpor__os_thread_together(p->threads, work, p);
  for (size_t i = 0; i < p->count; i++) {
    if (!p->frames[i].in) return SIZE_MAX;
    sum += p->frames[i].size;
  }
  return sum;
}

static void stop(packer *p) {
  for (unsigned i = 0; p->workers && i < p->threads; i++) {
    torpor__buffer_free(&p->workers[i].own);
    torpor__alloc_free(p->workers[i].gathered);
    ZSTD_freeCCtx(p->workers[i].context);
  }
  torpor__alloc_free(p->workers);
  torpor__alloc_free(p->frames);
}

static void put_together(const packer *p, torpor__buffer *out) {
  for (size_t i = 0; i < p->count; i++) {
    const frame *f = &p->frames[i];
    torpor__buffer_add(out, f->in->data + f->at, f->size);
  }
}

/* Puts the frames, of 'stored' bytes, behind the first 'start' bytes of 'out'
 * if they are smaller than what they were made of. */
static torpor__method take(packer *p, size_t stored, torpor__buffer *out,
                           size_t start) {
  bool smaller = stored < p->size;
  if (stored == SIZE_MAX) out->failed = true;
  if (smaller && p->frames[0].in != out) {
    out->size = start;
    if (torpor__buffer_reserve(out, stored)) put_together(p, out);
  }
  stop(p);
  if (!smaller) return TORPOR__METHOD_STORED;
  return p->count > 1 ? TORPOR__METHOD_FRAMES : TORPOR__METHOD_ZSTD;
}

static bool is_wanted(const torpor__packing *packing, size_t size) {
  return packing->packed && size >= PACK_FROM;
}

torpor__method torpor__pack_tail(torpor__buffer *out, size_t size,
                                 const torpor__packing *packing) {
  size_t start = out->size - size;
  packer p = {.data = out->data + start, .size = size};
  if (!is_wanted(packing, size)) return TORPOR__METHOD_STORED;
  return take(&p, run(&p, packing), out, start);
}

torpor__method torpor__pack_pieces(torpor__buffer *out,
                                   const torpor__pieces *pieces,
                                   const torpor__packing *packing) {
  size_t size = torpor__pieces_size(pieces), start = out->size;
  packer p = {.pieces = pieces, .size = size, .out = out};
  torpor__method method = TORPOR__METHOD_STORED;
  if (pieces->own.failed) out->failed = true;
  if (out->failed) return method;
  if (is_wanted(packing, size) && torpor__buffer_reserve(out, size / PACKED))
    method = take(&p, run(&p, packing), out, start);
  if (method != TORPOR__METHOD_STORED) return method;
  out->size = start;
  if (!torpor__buffer_reserve(out, size)) return method;
  torpor__pieces_copy(pieces, 0, size, out->data + start);
  out->size += size;
  return method;
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
