/* SPDX-License-Identifier: MIT */
/* target-engine.c - what an engine's file says of itself: its table, where its
 * memory's data go, and its control block.
 *
 * The file is a shared object, which the dynamic linker reads; the code in it
 * is trusted, as all code is, and so are the table's pointers. What comes from
 * the engine.wasm that it was translated of are numbers, and those anyone may
 * have made. So an input is a list of changes to the numbers of the built-in
 * engine, of 8 bytes each:
 *
 *     u8 which number, u8 in which way, u16 which one of them, u32 value
 *
 * It is refused, or VMs of it run, fail or trap, and hurt only themselves. */
#include <string.h>

#include "test/fuzz/forged.h"
#include "test/fuzz/target.h"
#include "vm/life.h"
#include "vm/memory/image.h"
#include "vm/pool.h"

enum { STEP = 8, FUEL = 30000, DEADLINE_MS = 20 };

typedef struct step {
  unsigned number, way, index;
  uint32_t value;
} step;

static step read_step(const uint8_t *at) {
  return (step){at[0], at[1], (unsigned)at[2] | (unsigned)at[3] << 8,
                (uint32_t)at[4] | (uint32_t)at[5] << 8 | (uint32_t)at[6] << 16 |
                    (uint32_t)at[7] << 24};
}

static uint32_t alter(uint32_t number, const step *s) {
  static const uint32_t limits[] = {
      0,     1,          4095,       65535,      65536,
      65537, 0x7fffffff, 0x80000000, 0xfffffff0, UINT32_MAX};
  switch (s->way % 4) {
  case 0:
    return s->value;
  case 1:
    return number + s->value % 33 - 16;
  case 2:
    return limits[s->value % (sizeof(limits) / sizeof(*limits))];
  default:
    return number ^ UINT32_C(1) << s->value % 32;
  }
}

/* The text of the file's id or version changes, but ends where it is. */
static void alter_text(char *text, size_t size, const step *s) {
  text[s->index % (size - 1)] = (char)s->value;
}

static void change(struct forged *forged, const step *s) {
  torpor__engine *engine = &forged->engine;
  torpor__engine_segment *segment =
      &forged->segments[s->index % forged->engine.segment_count];
  uint32_t *words = (uint32_t *)forged->control;
  uint32_t word = s->index % (sizeof(torpor_abi_control) / sizeof(*words));
  uint32_t *const numbers[] = {&engine->table_version,
                               &engine->abi_version,
                               &engine->size,
                               &engine->soft_bounds,
                               &engine->control,
                               &engine->pages,
                               &engine->stack_pointer,
                               &segment->address,
                               &words[word],
                               &words[word],
                               &forged->control->stack_size};
  const unsigned count = sizeof(numbers) / sizeof(*numbers);
  unsigned number = s->number % (count + 4);
  if (number < count)
    *numbers[number] = alter(*numbers[number], s);
  else if (number == count)
    engine->instance_size = alter((uint32_t)engine->instance_size, s);
  else if (number == count + 1)
    alter_text(engine->id, sizeof(engine->id), s);
  else if (number == count + 2)
    alter_text(engine->quickjs, sizeof(engine->quickjs), s);
  else if (segment->size > 0) /* never more than there is */
    segment->size = s->value % segment->size;
}

static void use(torpor__image *image, torpor_memory memory) {
  static const char source[] =
      "globalThis.a = [1, 2, 3].map(String); setTimeout(() => 0, 5); a.join()";
  torpor_options options = fuzz_options();
  torpor_value value;
  torpor_bytes bytes;
  torpor_vm *vm;
  options.fuel = FUEL;
  options.deadline_ms = DEADLINE_MS;
  options.memory_max = TORPOR_MEMORY_LARGEST;
  options.memory = memory;
  if (!fuzz_succeeded(NULL, torpor__vm_take(image, &options, &vm))) return;
  fuzz_succeeded(
      vm, torpor_eval(vm, source, SIZE_MAX, "a.js", TORPOR_SCRIPT, &value));
  torpor_job_run(vm, 50, NULL);
  if (fuzz_succeeded(vm, torpor_snapshot_save(vm, &bytes)))
    torpor_bytes_free(&bytes);
  torpor_vm_collect(vm);
  torpor_vm_close(vm);
}

/* The engine as it would have been loaded. */
static bool try_engine(const torpor__engine *found, torpor_memory memory) {
  torpor__engine engine;
  torpor__image *image;
  const char *why = NULL;
  if (!torpor__engine_check(found, &why)) {
    fuzz_must(why && strlen(why) > 10);
    return false;
  }
  torpor__engine_copy(found, &engine);
  if (fuzz_succeeded(NULL, torpor__engine_baseline(&engine, &image)))
    for (int i = 0; i < 2; i++) use(image, memory);
  torpor__pool_drain();
  torpor__image_forget(&engine);
  fuzz_still_works();
  return true;
}

static bool run(const uint8_t *data, size_t size) {
  struct forged *forged = forged_new();
  bool accepted;
  for (size_t at = 0; at + STEP <= size; at += STEP) {
    step s = read_step(data + at);
    change(forged, &s);
  }
  accepted =
      try_engine(&forged->engine,
                 size / STEP % 2 ? TORPOR_MEMORY_POOLED : TORPOR_MEMORY_MAPPED);
  forged_free(forged);
  return accepted;
}

static void nothing(void) {
}

const fuzz_target fuzz_engine = {
    .name = "engine",
    .size_max = 10 * STEP,
    .setup = nothing,
    .teardown = nothing,
    .run = run,
};
