/* SPDX-License-Identifier: MIT */
/* pack.c - Zstandard for packed sections, as a wasm module.
 *
 * The library is included whole, so that what is not called is left out. The
 * host allocates places for what goes in and comes out, and believes only what
 * fits into them. */
#include <stdlib.h>

/* What the library asks in order to know that there are no threads. */
#define __EMSCRIPTEN__
#define ZSTD_STATIC_LINKING_ONLY
#include "zstd.c"

#include "helper.h"

EXPORT(allocate) void *allocate(uint32_t size) {
  return malloc(size);
}

EXPORT(release) void release(void *place) {
  free(place);
}

/* What a frame says of its content: -1: not known, -2: it is no frame. */
EXPORT(content_size) double content_size(const void *frame, uint32_t size) {
  unsigned long long content = ZSTD_getFrameContentSize(frame, size);
  if (content == ZSTD_CONTENTSIZE_UNKNOWN) return -1;
  if (content == ZSTD_CONTENTSIZE_ERROR) return -2;
  return (double)content;
}

/* How long the frame is that begins here; 0: it is none. */
EXPORT(frame_size) uint32_t frame_size(const void *bytes, uint32_t size) {
  size_t found = ZSTD_findFrameCompressedSize(bytes, size);
  return ZSTD_isError(found) ? 0 : (uint32_t)found;
}

/* 1: the frames gave exactly 'size' bytes. */
EXPORT(unpack)
int unpack(void *to, uint32_t size, const void *frames, uint32_t stored) {
  return ZSTD_decompress(to, size, frames, stored) == size;
}

EXPORT(bound) uint32_t bound(uint32_t size) {
  return (uint32_t)ZSTD_compressBound(size);
}

/* Gives the size of the frame; 0: there is no memory. The C library has SSE2,
 * with which zstd picks a match finder for some sizes that it would not pick
 * here; so it is named, and equal bytes come out. */
EXPORT(pack)
uint32_t pack(void *to, uint32_t room, const void *bytes, uint32_t size,
              int level) {
  ZSTD_CCtx *context = ZSTD_createCCtx();
  size_t packed;
  if (!context) return 0;
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_useRowMatchFinder, ZSTD_ps_enable);
  packed = ZSTD_compress2(context, to, room, bytes, size);
  ZSTD_freeCCtx(context);
  return ZSTD_isError(packed) ? 0 : (uint32_t)packed;
}
