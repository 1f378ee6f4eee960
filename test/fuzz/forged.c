/* SPDX-License-Identifier: MIT */
/* forged.c - a copy of the built-in engine whose numbers may be changed. */
#include "test/fuzz/forged.h"

#include <stdlib.h>
#include <string.h>

#include "test/fuzz/target.h"

/* The segment that the control block begins in, made to hold all of it. */
static void copy_control(struct forged *forged) {
  uint32_t at = forged->engine.control;
  for (size_t i = 0; i < forged->engine.segment_count; i++) {
    torpor__engine_segment *segment = &forged->segments[i];
    if (at < segment->address || at >= segment->address + segment->size)
      continue;
    size_t before = at - segment->address;
    size_t size = segment->size;
    uint8_t *data = calloc(1, before + size + sizeof(torpor_abi_control));
    fuzz_must(data != NULL);
    memcpy(data, segment->data, size);
    segment->data = data;
    forged->control = (torpor_abi_control *)(data + before);
    return;
  }
  fuzz_give_up("some data begins with the control block", __FILE__, __LINE__);
}

struct forged *forged_new(void) {
  struct forged *forged = calloc(1, sizeof(*forged));
  fuzz_must(forged != NULL);
  forged->engine = torpor__engine_builtin;
  fuzz_must(forged->engine.segment_count <= FORGED_SEGMENTS_MOST);
  memcpy(forged->segments, forged->engine.segments,
         forged->engine.segment_count * sizeof(*forged->segments));
  forged->engine.segments = forged->segments;
  copy_control(forged);
  return forged;
}

void forged_free(struct forged *forged) {
  for (size_t i = 0; i < forged->engine.segment_count; i++)
    if (forged->segments[i].data != torpor__engine_builtin.segments[i].data)
      free((void *)forged->segments[i].data);
  free(forged);
}
