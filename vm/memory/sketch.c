/* SPDX-License-Identifier: MIT */
/* sketch.c - a stored snapshot without the bytes of memory that it holds.
 *
 *     snapshot:  | before | gap n content | gap n content | ... | behind |
 *     sketch:    | before | gap n | gap n | ... | behind |
 *
 * Large snapshots are stored by whole pages, so their runs are long and few.
 * Any thread. */
#include "vm/memory/sketch.h"

#include <string.h>

#include "common/alloc.h"
#include "vm/format/identify.h"
#include "vm/memory/runs.h"

/* A larger one is not worth the memory that its VM takes for it. */
#define LARGEST ((size_t)128 << 10)

struct torpor__sketch {
  size_t before, outline, behind; /* bytes of each */
  size_t count;                   /* runs */
  uint8_t bytes[];
};

/* ---- Making ---------------------------------------------------------------*/

typedef struct outline {
  uint8_t *to; /* NULL: it is only measured */
  size_t size, count;
} outline;

/* Goes over the runs, which were found good. false: that is too large. */
static bool take_heads(outline *o, const uint8_t *runs, size_t size) {
  torpor__run_reader reader = {.at = runs, .end = runs + size};
  while (o->size <= LARGEST && torpor__runs_next(&reader)) {
    size_t head = (size_t)(reader.content - reader.head);
    if (o->to) memcpy(o->to + o->size, reader.head, head);
    o->size += head;
    o->count++;
  }
  return o->size <= LARGEST;
}

torpor__sketch *torpor__sketch_new(const torpor_slice *snapshot,
                                   const uint8_t *runs, size_t size) {
  const uint8_t *data = snapshot->data;
  size_t before = (size_t)(runs - data);
  size_t behind = snapshot->size - before - size;
  outline o = {0};
  torpor__sketch *sketch;
  if (before + behind > LARGEST || !take_heads(&o, runs, size)) return NULL;
  sketch = torpor__alloc(sizeof(*sketch) + before + o.size + behind);
  if (!sketch) return NULL;
  *sketch = (torpor__sketch){before, o.size, behind, o.count};
  memcpy(sketch->bytes, data, before);
  memcpy(sketch->bytes + before + o.size, runs + size, behind);
  o = (outline){.to = sketch->bytes + before};
  take_heads(&o, runs, size);
  return sketch;
}

/* ---- The id ---------------------------------------------------------------*/

/* The parts of the snapshot, in 'parts', which has room for two of each run and
 * two more. Gives how many there are. */
static size_t list_parts(const torpor__sketch *sketch, const uint8_t *memory,
                         torpor_slice *parts) {
  const uint8_t *heads = sketch->bytes + sketch->before;
  torpor__run_reader reader = {
      .at = heads, .end = heads + sketch->outline, .heads_alone = true};
  size_t count = 0;
  parts[count++] = (torpor_slice){sketch->bytes, sketch->before};
  while (torpor__runs_next(&reader)) {
    parts[count++] =
        (torpor_slice){reader.head, (size_t)(reader.content - reader.head)};
    if (!reader.is_zero)
      parts[count++] =
          (torpor_slice){memory + reader.address, (size_t)reader.length};
  }
  parts[count++] = (torpor_slice){heads + sketch->outline, sketch->behind};
  return count;
}

torpor_status torpor__sketch_identify(const torpor__sketch *sketch,
                                      const uint8_t *memory,
                                      uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]) {
  torpor_slice *parts = torpor__alloc((2 * sketch->count + 2) * sizeof(*parts));
  torpor_status status = TORPOR_NOMEM;
  if (parts)
    status =
        torpor__identify_parts(parts, list_parts(sketch, memory, parts), id);
  torpor__alloc_free(parts);
  return status;
}
