/* SPDX-License-Identifier: MIT */
/* base.c - snapshots that many VMs are opened from.
 *
 * A base is a snapshot that was read, checked and laid out as flat memory (an
 * image) once. Its VMs are mapped onto that memory, or are copies of it that
 * are recycled.
 *
 *  (1) A base never changes.
 *  (2) The image lives until the base and its last VM are closed. VMs of it
 *      that wait in the pool go with the base.
 *
 * Any thread. */
#include "common/alloc.h"
#include "vm/common/error.h"
#include "vm/memory/image.h"
#include "vm/pool.h"
#include "vm/restore.h"

struct torpor_base {
  torpor__image *image;
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
};

torpor_status torpor_base_open(const torpor_slice *chain, size_t count,
                               const torpor_options *options,
                               torpor_base **out) {
  torpor_base *base;
  torpor_status status;
  TORPOR__REQUIRE(NULL, out);
  *out = NULL;
  base = torpor__alloc(sizeof(*base));
  if (!base)
    return torpor__fail(NULL, TORPOR_NOMEM, "out of memory for a base");
  status = torpor__restore_image(chain, count, options, &base->image, base->id);
  if (status == TORPOR_OK)
    *out = base;
  else
    torpor__alloc_free(base);
  return status;
}

void torpor_base_close(torpor_base *base) {
  if (!base) return;
  base->image->retired = true;
  torpor__pool_drop(base->image);
  torpor__image_release(base->image);
  torpor__alloc_free(base);
}

torpor_status torpor_base_restore(torpor_base *base, const torpor_slice *deltas,
                                  size_t count, const torpor_options *options,
                                  torpor_vm **out) {
  TORPOR__REQUIRE(NULL, out);
  *out = NULL;
  TORPOR__REQUIRE(NULL, base);
  return torpor__restore_onto(base->image, base->id, deltas, count, options,
                              out);
}
