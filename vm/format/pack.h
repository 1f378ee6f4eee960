/* SPDX-License-Identifier: MIT */
/* pack.h - compressing the content of a snapshot's section, with zstd.
 *
 * What is larger than a block is compressed block by block, each as a frame of
 * its own, so that several threads can do it. The bytes do not depend on how
 * many did. Content that lies in pieces is gathered block by block. */
#ifndef TORPOR_VM_PACK_H
#define TORPOR_VM_PACK_H

#include "common/buffer.h"
#include "vm/format/pieces.h"

/* How the content of a section is kept; numbers of the format. */
typedef enum torpor__method {
  TORPOR__METHOD_STORED,
  TORPOR__METHOD_ZSTD,   /* one frame */
  TORPOR__METHOD_FRAMES, /* a frame for each block */
  TORPOR__METHOD_END,
} torpor__method;

/* Whether, how thoroughly and on how many threads; 'level' is zstd's. */
typedef struct torpor__packing {
  bool packed;
  int level;
  unsigned threads;
} torpor__packing;

#define TORPOR__PACK_LEVEL 1
#define TORPOR__PACK_USUAL ((torpor__packing){true, TORPOR__PACK_LEVEL, 1})

/* Replaces the last 'size' bytes of 'out' by their compressed form, if they are
 * to be packed, many enough and smaller then. Gives the method. */
torpor__method torpor__pack_tail(torpor__buffer *out, size_t size,
                                 const torpor__packing *packing);
/* Adds 'pieces' to 'out': likewise. */
torpor__method torpor__pack_pieces(torpor__buffer *out,
                                   const torpor__pieces *pieces,
                                   const torpor__packing *packing);

/* Whether 'stored', of the two methods that compress, says that its content has
 * 'size' bytes. */
bool torpor__pack_has_size(torpor__method method, const uint8_t *stored,
                           size_t stored_size, uint64_t size);
/* Unpacks it to 'size' bytes at 'to'. false: it is not just that. */
bool torpor__pack_undo(torpor__method method, const uint8_t *stored,
                       size_t stored_size, uint8_t *to, size_t size);

#endif
