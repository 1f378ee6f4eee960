/* SPDX-License-Identifier: MIT */
/* world.c - what one program has outside of its VM: its access, and the table
 * of its descriptors.
 *
 *  (1) The table is in order of numbers, and each is in it once.
 *  (2) A world ends before its loop does, and after the tasks that use it.
 *
 * Runs on the loop's thread. */
#include "loop/world.h"

#include <assert.h>

#include "common/array.h"
#include "common/search.h"
#include "common/sized.h"
#include "loop/standard.h"
#include "loop/terminal.h"

/* torpor__compare_fn */
static int compare_number(const void *key, const void *item) {
  uint64_t number = *(const uint64_t *)key;
  const struct torpor__descriptor *other =
      *(struct torpor__descriptor *const *)item;
  return (number > other->number) - (number < other->number);
}

static size_t find_place(const torpor_world *world, uint64_t number) {
  return torpor__search(&number, world->descriptors, world->count,
                        sizeof(struct torpor__descriptor *), compare_number);
}

/* Asserts (1). */
static void check_table(const torpor_world *world) {
#ifdef TORPOR_TESTING
  for (size_t i = 0; i < world->count; i++) {
    assert(world->descriptors[i]->world == world);
    assert(i == 0 ||
           world->descriptors[i - 1]->number < world->descriptors[i]->number);
  }
#endif
  (void)world;
}

static bool is_open(const torpor_world *world, uint64_t number) {
  size_t at = find_place(world, number);
  return at < world->count && world->descriptors[at]->number == number;
}

struct torpor__descriptor *torpor__descriptor_find(torpor_world *world,
                                                   uint64_t number) {
  if (world == NULL) return NULL;
  if (is_open(world, number))
    return world->descriptors[find_place(world, number)];
  if (number >= TORPOR__STANDARD_COUNT || !world->options.standard ||
      (world->closed >> number & 1) != 0)
    return NULL;
  return torpor__standard_open(world, (int)number);
}

bool torpor__descriptor_add(torpor_world *world, uint64_t number,
                            struct torpor__descriptor *descriptor) {
  if (world == NULL || is_open(world, number) ||
      world->count >= TORPOR__DESCRIPTORS_MAX ||
      !torpor__array_reserve(&world->descriptors, &world->capacity,
                             world->count + 1, sizeof(*world->descriptors)))
    return false;
  size_t at = find_place(world, number);
  memmove(&world->descriptors[at + 1], &world->descriptors[at],
          (world->count - at) * sizeof(*world->descriptors));
  world->descriptors[at] = descriptor;
  world->count++;
  descriptor->world = world;
  descriptor->number = number;
  check_table(world);
  return true;
}

void torpor__descriptor_close(struct torpor__descriptor *descriptor) {
  if (descriptor == NULL) return;
  torpor_world *world = descriptor->world;
  size_t at = find_place(world, descriptor->number);
  assert(world->descriptors[at] == descriptor);
  world->count--;
  if (descriptor->number < TORPOR__STANDARD_COUNT)
    world->closed |= 1U << descriptor->number;
  memmove(&world->descriptors[at], &world->descriptors[at + 1],
          (world->count - at) * sizeof(*world->descriptors));
  check_table(world);
  descriptor->type->close(descriptor);
}

torpor_status torpor_world_open(torpor_loop *loop,
                                const torpor_world_options *options,
                                torpor_world **out) {
  torpor_world_options own = TORPOR_WORLD_OPTIONS_INIT;
  if (out == NULL) return TORPOR_MISUSE;
  *out = NULL;
  if (loop == NULL ||
      (options != NULL && !torpor__sized_take(&own, sizeof(own), options)))
    return TORPOR_MISUSE;
  torpor_world *world = calloc(1, sizeof(*world));
  if (world == NULL) return TORPOR_NOMEM;
  world->loop = loop;
  world->options = own;
  torpor__list_init(&world->bound);
  torpor__list_append(&loop->worlds, &world->link);
  *out = world;
  return TORPOR_OK;
}

void torpor_world_close(torpor_world *world) {
  if (world == NULL) return;
  torpor__terminals_restore(world);
  torpor__world_unbind(world);
  while (world->count > 0)
    torpor__descriptor_close(world->descriptors[world->count - 1]);
  torpor__link_remove(&world->link);
  free(world->descriptors);
  free(world);
}

const torpor_access *torpor_world_access(const torpor_world *world) {
  return world == NULL ? NULL : world->options.access;
}

void torpor__worlds_close(torpor_loop *loop) {
  while (!torpor__list_empty(&loop->worlds))
    torpor_world_close((torpor_world *)loop->worlds.next);
}
