/* SPDX-License-Identifier: MIT */
/* pack.c - in place of the half of zstd that compresses, 400 KB that a program
 * in an executable has no use for: snapshots are read here. Those that a
 * program in C takes are stored as they are: what is called compressed is as
 * large as it was, and so vm/format/pack.c keeps the bytes that it has. */
#include <zstd.h>

static char context_of_all;

ZSTD_CCtx *ZSTD_createCCtx(void) {
  return (ZSTD_CCtx *)(void *)&context_of_all;
}

size_t ZSTD_freeCCtx(ZSTD_CCtx *context) {
  (void)context;
  return 0;
}

size_t ZSTD_compressBound(size_t size) {
  return size;
}

size_t ZSTD_compressCCtx(ZSTD_CCtx *context, void *to, size_t room,
                         const void *from, size_t size, int level) {
  (void)context, (void)to, (void)from, (void)size, (void)level;
  return room;
}
