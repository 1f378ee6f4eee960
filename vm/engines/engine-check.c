/* SPDX-License-Identifier: MIT */
/* engine-check.c - whether the numbers that an engine gives of itself add up.
 *
 * They come from an engine.wasm, which anyone may have made. Its code stays in
 * its sandbox; but the host lays out its memory and writes into its control
 * block by these numbers, so they are checked once, before.
 *
 *     0        stack_size          control            memory's end
 *     | stack  | data ...          | guest | host |   ... |
 *       zero                                 zero
 *
 * No state. */
#include <string.h>

#include "torpor.h"
#include "vm/common/bytes.h"
#include "vm/engines/engine.h"
#include "wasm/region.h"

#define ENGINE_PAGES_LARGEST                                                   \
  ((uint32_t)(TORPOR_MEMORY_LARGEST / TORPOR__WASM_PAGE))

static uint64_t memory_size(const torpor__engine *engine) {
  return (uint64_t)engine->pages * TORPOR__WASM_PAGE;
}

/* Ascending and disjoint, in memory; so none is laid out beyond it. */
static bool check_segments(const torpor__engine *engine) {
  uint64_t end = 0;
  for (size_t i = 0; i < engine->segment_count; i++) {
    const torpor__engine_segment *segment = &engine->segments[i];
    if (segment->address < end) return false;
    end = (uint64_t)segment->address + segment->size;
  }
  return end <= memory_size(engine);
}

/* What memory holds at 'start' before any code has run. */
static void read_baseline(const torpor__engine *engine, uint64_t start,
                          void *bytes, size_t size) {
  memset(bytes, 0, size);
  for (size_t i = 0; i < engine->segment_count; i++) {
    const torpor__engine_segment *segment = &engine->segments[i];
    uint64_t from = segment->address > start ? segment->address : start;
    uint64_t to = (uint64_t)segment->address + segment->size;
    if (to > start + size) to = start + size;
    if (from < to)
      memcpy((uint8_t *)bytes + (from - start),
             segment->data + (from - segment->address), (size_t)(to - from));
  }
}

static bool is_zero(const torpor__engine *engine, uint64_t start,
                    uint64_t end) {
  uint8_t page[TORPOR__PAGE];
  for (; start < end; start += sizeof(page)) {
    size_t size =
        end - start < sizeof(page) ? (size_t)(end - start) : sizeof(page);
    read_baseline(engine, start, page, size);
    if (!torpor__bytes_are_zero(page, size)) return false;
  }
  return true;
}

static bool check_control(const torpor__engine *engine) {
  const uint64_t host = engine->control + offsetof(torpor_abi_control, host);
  const uint64_t end = engine->control + sizeof(torpor_abi_control);
  return engine->control % _Alignof(torpor_abi_control) == 0 &&
         end <= memory_size(engine) && is_zero(engine, host, end);
}

/* The stack lies first, so that a stack overflow traps. */
static bool check_stack(const torpor__engine *engine) {
  torpor_abi_control control;
  read_baseline(engine, engine->control, &control, sizeof(control));
  return control.stack_size > 0 && control.stack_size <= engine->control &&
         engine->stack_pointer <= control.stack_size &&
         engine->stack_pointer % 16 == 0 &&
         is_zero(engine, 0, control.stack_size);
}

const char *torpor__engine_fault(const torpor__engine *engine) {
  if (engine->pages == 0 || engine->pages > ENGINE_PAGES_LARGEST)
    return "the size of its memory is impossible; its engine.wasm is damaged";
  if (engine->instance_size > TORPOR__INSTANCE_MAX)
    return "it has more globals and tables than an instance has room for; its "
           "engine.wasm is damaged";
  if (!check_segments(engine))
    return "its data does not fit into its memory; its engine.wasm is damaged";
  if (!check_control(engine))
    return "its control block does not lie in its memory, or is in use at the "
           "start; its engine.wasm is damaged";
  if (!check_stack(engine))
    return "its stack does not lie where its memory begins, or is in use at "
           "the start; its engine.wasm is damaged";
  return NULL;
}
