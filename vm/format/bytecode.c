/* SPDX-License-Identifier: MIT */
/* bytecode.c - what is put around an engine's bytecode, so that no other engine
 * is given it, and none that was damaged:
 *
 *       0  8   "TORPORBC"
 *       8  4   version: 1
 *      12  4   how the code was compiled: TORPOR_ABI_EVAL_ flags
 *      16  8   size of the bytecode
 *      24 64   id of the engine, in hex
 *      88 32   SHA-256 of the bytes before this, and of the bytecode
 *     120      the bytecode
 *
 * Numbers are little-endian. The checksum is no signature. */
#include "vm/format/bytecode.h"

#include <string.h>

#include "common/alloc.h"
#include "vm/common/bytes.h"
#include "vm/common/error.h"

#define MAGIC "TORPORBC"
#define VERSION 1
enum { SUM_AT = 88, SUM_SIZE = TORPOR_SNAPSHOT_ID_SIZE, HEADER = 120 };
#define FLAGS_KNOWN                                                            \
  (TORPOR_ABI_EVAL_MODULE | TORPOR_ABI_EVAL_STRICT | TORPOR_ABI_EVAL_ASYNC |   \
   TORPOR_ABI_EVAL_STRIP | TORPOR_ABI_EVAL_BARRIER)

/* The checksum of the 'size' bytes at 'data', which has its place zero. */
static torpor_status sum(torpor_vm *vm, const uint8_t *data, size_t size,
                         uint8_t out[SUM_SIZE]) {
  if (torpor_snapshot_identify(data, size, out) == TORPOR_OK) return TORPOR_OK;
  return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
}

torpor_status torpor__bytecode_wrap(torpor_vm *vm, uint32_t flags,
                                    const torpor_bytes *inner,
                                    torpor_bytes *out) {
  size_t size = HEADER + inner->size;
  uint8_t *data = torpor__alloc(size + 1);
  torpor_status status;
  if (!data) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  memset(data, 0, HEADER);
  memcpy(data, MAGIC, 8);
  torpor__bytes_write(data + 8, VERSION, 4);
  torpor__bytes_write(data + 12, flags, 4);
  torpor__bytes_write(data + 16, inner->size, 8);
  memcpy(data + 24, vm->engine->id, 64);
  memcpy(data + HEADER, inner->data, inner->size);
  data[size] = 0;
  status = sum(vm, data, size, data + SUM_AT);
  if (status != TORPOR_OK) {
    torpor__alloc_free(data);
    return status;
  }
  *out = (torpor_bytes){data, size};
  return TORPOR_OK;
}

/* Whether the checksum is right. 'data' has HEADER bytes and more. */
static torpor_status check_sum(torpor_vm *vm, const uint8_t *data,
                               size_t size) {
  uint8_t found[SUM_SIZE], *copy = torpor__alloc(size);
  torpor_status status;
  if (!copy) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  memcpy(copy, data, size);
  memset(copy + SUM_AT, 0, SUM_SIZE);
  status = sum(vm, copy, size, found);
  torpor__alloc_free(copy);
  if (status != TORPOR_OK) return status;
  if (memcmp(found, data + SUM_AT, SUM_SIZE) != 0)
    return torpor__fail_as(
        vm, TORPOR_CHECKSUM,
        "the bytecode was altered; compile the source again");
  return TORPOR_OK;
}

torpor_status torpor__bytecode_open(torpor_vm *vm, const void *given,
                                    size_t size, uint32_t *flags,
                                    torpor_slice *inner) {
  const uint8_t *data = given;
  if (size < HEADER || memcmp(data, MAGIC, 8) != 0)
    return torpor__fail_as(vm, TORPOR_FORMAT,
                           "these bytes are no bytecode of torpor_compile");
  if (torpor__bytes_read_u32(data + 8) > VERSION)
    return torpor__fail_as(vm, TORPOR_NEWER,
                           "the bytecode was made by a newer version of "
                           "Torpor; compile the source again");
  if (torpor__bytes_read(data + 16, 8) != size - HEADER)
    return torpor__fail_as(vm, TORPOR_FORMAT, "the bytecode is cut short");
  if (memcmp(data + 24, vm->engine->id, 64) != 0)
    return torpor__fail(vm, TORPOR_ENGINE,
                        "the bytecode is of engine %.12s, this VM's is %.12s; "
                        "compile the source again",
                        (const char *)data + 24, vm->engine->id);
  *flags = torpor__bytes_read_u32(data + 12);
  *inner = (torpor_slice){data + HEADER, size - HEADER};
  if (torpor__bytes_read_u32(data + 8) == 0 || *flags & ~(unsigned)FLAGS_KNOWN)
    return torpor__fail_as(vm, TORPOR_FORMAT,
                           "the header of the bytecode makes no sense");
  return check_sum(vm, data, size);
}
