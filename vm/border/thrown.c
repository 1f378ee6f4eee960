/* SPDX-License-Identifier: MIT */
/* thrown.c - reading what JavaScript threw.
 *
 * An exception becomes the VM's sentence at once, while its handle is certainly
 * alive: "TypeError: x is not a function (app.js:3:7)". That looks at plain
 * data only: it runs no getter and no toString of the program. */
#include "vm/border/thrown.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/border/enter.h"
#include "vm/border/limit.h"
#include "vm/common/error.h"
#include "vm/memory/memory.h"
#include "vm/value.h"
#include "vm/vm.h"

/* ---- Reading an error -----------------------------------------------------*/

/* The texts lie behind three sizes: copies them into one block. */
static torpor_status split_error(const uint8_t *data, uint64_t total,
                                 torpor_error *out) {
  char **const texts[3] = {&out->name, &out->message, &out->stack};
  uint32_t sizes[3];
  uint64_t sum = sizeof(sizes);
  char *block;
  memcpy(sizes, data, sizeof(sizes));
  for (int i = 0; i < 3; i++) sum += sizes[i];
  if (sum > total) return TORPOR_TRAPPED;
  block = torpor__alloc((size_t)sum);
  if (!block) return TORPOR_NOMEM;
  data += sizeof(sizes);
  for (int i = 0; i < 3; i++) {
    *texts[i] = block;
    memcpy(block, data, sizes[i]);
    block[sizes[i]] = 0;
    block += sizes[i] + 1;
    data += sizes[i];
  }
  return TORPOR_OK;
}

torpor_error torpor__error_none(void) {
  const torpor_value none = torpor_undefined();
  return (torpor_error){.size = sizeof(torpor_error),
                        .cause = none,
                        .code = none,
                        .errors = none};
}

torpor_status torpor__error_take(torpor_vm *vm, torpor__export export,
                                 torpor_value value, torpor_error *out) {
  const uint64_t *result = vm->control->host.result;
  torpor_status status = torpor__enter(vm, export, &value.bits);
  uint64_t address = result[0], total = result[1];
  const uint8_t *data = NULL;
  bool owned = result[2] == 1;
  torpor_error values = {.cause = torpor__value_of(vm, result[3]),
                         .code = torpor_undefined(),
                         .errors = torpor_undefined()};
  if (export == TORPOR__EXPORT_torpor_error_read_all) {
    values.code = torpor__value_of(vm, vm->control->host.slots[0]);
    values.errors = torpor__value_of(vm, vm->control->host.slots[1]);
  }
  *out = torpor__error_none();
  if (status != TORPOR_OK) return status;
  if (vm->returned == TORPOR_INTERRUPTED) return TORPOR_INTERRUPTED;
  if (vm->returned != TORPOR_OK)
    return vm->returned == TORPOR_STALE   ? TORPOR_STALE
           : vm->returned == TORPOR_LIMIT ? TORPOR_LIMIT
                                          : TORPOR_WRONG_TYPE;
  if (address <= UINT32_MAX && total >= 3 * sizeof(uint32_t))
    data = torpor__memory_at(vm, (uint32_t)address, total);
  if (!data) return torpor__fail_damaged(vm, "the text of an error");
  status = split_error(data, total, out);
  if (owned) torpor__enter(vm, TORPOR__EXPORT_torpor_release, &address);
  if (status == TORPOR_TRAPPED)
    return torpor__fail_damaged(vm, "the text of an error");
  if (status != TORPOR_OK) {
    torpor__values_drop(
        vm, (torpor_value[]){values.cause, values.code, values.errors}, 3);
    return status;
  }
  out->cause = values.cause;
  out->code = values.code;
  out->errors = values.errors;
  return status;
}

void torpor_error_free(torpor_error *error) {
  if (!error) return;
  torpor__alloc_free(error->name);
  error->name = error->message = error->stack = NULL;
  error->cause = torpor_undefined();
}

/* ---- What was thrown ------------------------------------------------------*/

/* The same handle is thrown once more when a host function hands it on. */
void torpor__exception_put(torpor_vm *vm, torpor_value value, bool own) {
  const torpor_value before = vm->exception;
  const bool release = vm->exception_own;
  if (value.bits == before.bits && value.owner == before.owner) return;
  vm->exception = value;
  vm->exception_own = own && torpor__is_handle(value);
  if (release && !vm->broken)
    torpor__enter(vm, TORPOR__EXPORT_torpor_value_release, &before.bits);
}

typedef struct frame {
  const char *text;
  size_t size;
} frame;

/* The place in one line of a stack: "  at f (app.js:3:7)", "  at app.js:3:7".
 * Size 0 when it is code of the engine or of our own library. */
static frame frame_place(const char *line, size_t size) {
  const frame none = {NULL, 0};
  const char *end = line + size, *open = memchr(line, '(', size);
  const char *start = line;
  if (open) {
    start = open + 1;
    if (end > start && end[-1] == ')') end--;
  } else {
    while (start < end && *start == ' ') start++;
    if (end - start < 3 || memcmp(start, "at ", 3) != 0) return none;
    start += 3;
  }
  size = (size_t)(end - start);
  if (!memchr(start, ':', size)) return none;
  if (size > 7 && memcmp(start, "torpor:", 7) == 0) return none;
  return (frame){start, size};
}

/* The first place in 'stack' that is in the program. */
static frame stack_place(const char *stack) {
  frame found = {NULL, 0};
  while (*stack && found.size == 0) {
    size_t size = strcspn(stack, "\n");
    found = frame_place(stack, size);
    stack += size + (stack[size] == '\n');
  }
  return found;
}

static void describe(torpor_vm *vm, const torpor_error *error) {
  frame place = stack_place(error->stack);
  const char *message = error->name[0] || error->message[0]
                            ? error->message
                            : "what JavaScript threw has no text";
  const char *colon = error->name[0] && message[0] ? ": " : "";
  size_t size = strlen(error->name) + strlen(message) + place.size + 8;
  char *text;
  torpor__error_reset(vm);
  text = vm->error_short;
  if (size > sizeof(vm->error_short)) {
    text = torpor__alloc(size);
    if (!text) {
      text = vm->error_short;
      size = sizeof(vm->error_short);
    }
    vm->error = text;
  }
  if (place.size > 0)
    snprintf(text, size, "%s%s%s (%.*s)", error->name, colon, message,
             (int)place.size, place.text);
  else
    snprintf(text, size, "%s%s%s", error->name, colon, message);
}

/* An older engine cannot: it reads the error as the program would, and makes a
 * handle of its cause, which is dropped. */
static torpor_status look(torpor_vm *vm, torpor_error *out) {
  torpor_value thrown = vm->exception;
  torpor_status status;
  uint64_t scope;
  if (vm->engine->exports.torpor_error_look)
    return torpor__error_take(vm, TORPOR__EXPORT_torpor_error_look, thrown,
                              out);
  scope = torpor__scope_open(vm);
  status =
      torpor__error_take(vm, TORPOR__EXPORT_torpor_error_read, thrown, out);
  torpor__scope_close(vm, scope);
  return status;
}

void torpor__fail_thrown(torpor_vm *vm) {
  torpor_error error = TORPOR_ERROR_INIT;
  if (look(vm, &error) == TORPOR_OK) {
    describe(vm, &error);
    torpor_error_free(&error);
  } else if (!vm->broken) {
    torpor__fail(vm, TORPOR_THROWN,
                 "JavaScript threw a value that cannot be described");
  }
}

/* ---- What was interrupted -------------------------------------------------*/

/* Puts " (file:line:column)" into 'at', which has 'room' bytes, if the guest
 * left the stack of what ran and there is room. */
static void interrupted_place(torpor_vm *vm, char *at, size_t room) {
  const char *stack = (const char *)vm->control->host.window;
  frame place;
  at[0] = 0;
  if (!(vm->control->host.interrupted & TORPOR_ABI_INTERRUPTED_AT) ||
      !memchr(stack, 0, TORPOR_ABI_WINDOW))
    return;
  place = stack_place(stack);
  if (place.size > 0 && place.size + sizeof(" ()") <= room)
    snprintf(at, room, " (%.*s)", (int)place.size, place.text);
}

torpor_status torpor__fail_interrupted(torpor_vm *vm) {
  char at[512];
  interrupted_place(vm, at, sizeof(at));
  return torpor__limit_interrupted(vm, at);
}
