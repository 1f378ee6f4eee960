/* SPDX-License-Identifier: MIT */
/* bind.c - gives a VM the functions of bind.h.
 *
 * A VM may outlive its world, and its world the VM. What a function is bound to
 * is therefore neither, but a part of a block that both let go of:
 *
 *   VM --name--> bound[i] --> block --world--> world, or NULL once it is closed
 *
 *  (1) A block is freed when no function of its VM is bound to it any more;
 *      until its world is closed, it is in the world's list. */
#include "loop/at-once/bind.h"

#include <errno.h>
#include <math.h>

#include "loop/path.h"

struct block;

struct bound {
  torpor_host_fn function;
  struct block *block;
};

struct block {
  struct torpor__link link; /* first; in the world's list */
  torpor_world *world;      /* NULL: it was closed */
  size_t held;              /* how many functions are bound to it */
  struct bound bound[];
};

static const struct torpor__functions *const tables[] = {
    &torpor__environment_functions, &torpor__navigator_functions,
    &torpor__path_functions,        &torpor__file_functions,
    &torpor__std_functions,         &torpor__at_once_functions,
};
enum { TABLES = sizeof(tables) / sizeof(*tables) };

/* torpor_host_fn of all of them. */
static torpor_status call(torpor_vm *vm, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  const struct bound *bound = user;
  if (bound->block->world == NULL)
    return torpor_throw(vm, "LostError",
                        "this program has nothing outside: it was detached "
                        "from its loop");
  return bound->function(vm, arguments, result, bound->block->world);
}

static void release(struct block *block) {
  if (--block->held > 0) return;
  if (block->world != NULL) torpor__link_remove(&block->link);
  free(block);
}

/* The binding's finalizer. */
static void let_go(void *user) {
  release(((struct bound *)user)->block);
}

static struct block *new_block(torpor_world *world) {
  size_t count = 0;
  for (size_t i = 0; i < TABLES; i++) count += tables[i]->count;
  struct block *block = malloc(sizeof(*block) + count * sizeof(*block->bound));
  if (block == NULL) return NULL;
  block->world = world;
  block->held = 1; /* whoever makes it */
  torpor__list_append(&world->bound, &block->link);
  return block;
}

static torpor_status bind_one(torpor_vm *vm, const torpor_function_entry *entry,
                              struct bound *bound, struct block *block) {
  *bound = (struct bound){entry->function, block};
  torpor_status status =
      torpor_function_bind(vm, entry->name, call, bound, let_go);
  block->held += status == TORPOR_OK;
  return status;
}

torpor_status torpor_world_bind(torpor_world *world, torpor_vm *vm) {
  torpor_status status = TORPOR_OK;
  if (world == NULL || vm == NULL) return TORPOR_MISUSE;
  world->vm = vm;
  struct block *block = new_block(world);
  if (block == NULL) return TORPOR_NOMEM;
  struct bound *next = block->bound;
  for (size_t i = 0; i < TABLES; i++)
    for (size_t j = 0; status == TORPOR_OK && j < tables[i]->count; j++)
      status = bind_one(vm, &tables[i]->entries[j], next++, block);
  release(block);
  return status;
}

void torpor__world_unbind(torpor_world *world) {
  while (!torpor__list_empty(&world->bound)) {
    struct block *block = (struct block *)world->bound.next;
    torpor__link_remove(&block->link);
    block->world = NULL;
  }
}

/* Throws an error with a code. */
static torpor_status throw_coded(torpor_vm *vm, const char *name,
                                 const char *message, const char *code) {
  torpor_error_parts parts = TORPOR_ERROR_PARTS_INIT;
  torpor_value text, error;
  torpor_status status = torpor_string_new(vm, code, SIZE_MAX, &text);
  parts.name = name;
  parts.message = message;
  parts.code = &text;
  if (status == TORPOR_OK) status = torpor_error_new_with(vm, &parts, &error);
  return status == TORPOR_OK ? torpor_throw_value(vm, error) : status;
}

torpor_status torpor__throw_access(torpor_vm *vm, torpor_status status,
                                   torpor_bytes *sentence) {
  const char *message =
      sentence->data == NULL ? "out of memory" : (char *)sentence->data;
  bool denied = status == TORPOR_DENIED;
  status = throw_coded(vm, denied ? "NotAllowedError" : "Error", message,
                       denied                    ? "EACCES"
                       : status == TORPOR_MISUSE ? "EINVAL"
                                                 : "ENOENT");
  torpor_bytes_free(sentence);
  return status;
}

torpor_status torpor__throw_system(torpor_vm *vm, const char *doing,
                                   int failure) {
  torpor_bytes message;
  torpor_status status =
      torpor__format(&message, "%s: %s", doing, uv_strerror(failure));
  if (status == TORPOR_OK)
    status =
        throw_coded(vm, "Error", (char *)message.data, uv_err_name(failure));
  torpor_bytes_free(&message);
  return status;
}

torpor_status torpor__refuse_durable(torpor_vm *vm, const torpor_world *world,
                                     const char *what, const char *instead) {
  torpor_bytes message;
  if (!world->options.durable) return TORPOR_OK;
  torpor_status status = torpor__format(
      &message,
      "%s acts at once, and a durable run acts on the world when a "
      "step is committed: %s",
      what, instead);
  if (status == TORPOR_OK)
    status =
        throw_coded(vm, "NotSupportedError", (char *)message.data, "ENOTSUP");
  torpor_bytes_free(&message);
  return status;
}

torpor_status torpor__give_result(int64_t value, torpor_value *result) {
  if (value == -ECANCELED) return TORPOR_INTERRUPTED;
  *result = torpor_number((double)value);
  return TORPOR_OK;
}

/* ---- Arguments -----------------------------------------------------------*/

torpor_status torpor__take_text(torpor_vm *vm,
                                const torpor_arguments *arguments, size_t index,
                                char **out) {
  torpor_bytes text;
  *out = NULL;
  torpor_value value = torpor_argument(arguments, index);
  if (torpor_value_type(value) != TORPOR_TYPE_STRING)
    return torpor_throw(vm, "TypeError", "expected a text");
  torpor_status status = torpor_string_read(vm, value, &text);
  if (status != TORPOR_OK) return status;
  if (memchr(text.data, '\0', text.size) != NULL) {
    torpor_bytes_free(&text);
    return torpor_throw(vm, "TypeError", "expected a text without U+0000");
  }
  *out = (char *)text.data;
  return TORPOR_OK;
}

int64_t torpor__take_integer(const torpor_arguments *arguments, size_t index,
                             int64_t otherwise) {
  double number = torpor_value_number(torpor_argument(arguments, index));
  if (!(fabs(number) <= 9007199254740991.0) || number != trunc(number))
    return otherwise;
  return (int64_t)number;
}
