/* SPDX-License-Identifier: MIT */
/* error.c - status names, and the sentence about the last failure.
 *
 * Each VM keeps one sentence; failures that have no VM keep theirs with the
 * thread. What JavaScript threw is described at once, while its handle is
 * certainly alive: "TypeError: x is not a function (app.js:3:7)". That looks at
 * plain data only, so that an exception which nobody asked about runs no getter
 * and no toString of the program. */
#include "vm/error.h"

#include <stdio.h>
#include <string.h>

#include "vm/alloc.h"
#include "vm/enter.h"
#include "vm/thrown.h"
#include "vm/vm.h"

static _Thread_local char thread_error[TORPOR__ERROR_SIZE];

const char *torpor_version(void) {
  return TORPOR_VERSION;
}

const char *torpor_status_name(torpor_status status) {
  switch (status) {
#define X(number, name, text)                                                  \
  case TORPOR_##name:                                                          \
    return #name;
    TORPOR_STATUS_LIST(X)
#undef X
  }
  return "UNKNOWN";
}

const char *torpor_status_text(torpor_status status) {
  switch (status) {
#define X(number, name, text)                                                  \
  case TORPOR_##name:                                                          \
    return text;
    TORPOR_STATUS_LIST(X)
#undef X
  }
  return "unknown status";
}

void torpor__error_reset(torpor_vm *vm) {
  if (vm->error != vm->error_short) torpor__alloc_free(vm->error);
  vm->error = vm->error_short;
  vm->error_short[0] = 0;
}

torpor_status torpor__fail(torpor_vm *vm, torpor_status status,
                           const char *format, ...) {
  char *place = thread_error;
  va_list arguments;
  if (vm) {
    torpor__error_reset(vm);
    place = vm->error_short;
  }
  va_start(arguments, format);
  vsnprintf(place, TORPOR__ERROR_SIZE, format, arguments);
  va_end(arguments);
  return status;
}

torpor_status torpor__fail_as(torpor_vm *vm, torpor_status status,
                              const char *text) {
  size_t size = strnlen(text, TORPOR__ERROR_SIZE - 1);
  torpor__error_reset(vm);
  memcpy(vm->error_short, text, size);
  vm->error_short[size] = 0;
  return status;
}

torpor_status torpor__fail_damaged(torpor_vm *vm, const char *what) {
  vm->broken = true;
  return torpor__fail(vm, TORPOR_TRAPPED,
                      "the VM's memory is damaged (%s); close it or restore a "
                      "snapshot",
                      what);
}

const char *torpor_last_error(const torpor_vm *vm) {
  return vm ? vm->error : thread_error;
}

/* ---- What was thrown ------------------------------------------------------*/

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
  const char *colon = error->name[0] && error->message[0] ? ": " : "";
  size_t size = strlen(error->name) + strlen(error->message) + place.size + 8;
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
    snprintf(text, size, "%s%s%s (%.*s)", error->name, colon, error->message,
             (int)place.size, place.text);
  else
    snprintf(text, size, "%s%s%s", error->name, colon, error->message);
}

/* An engine that is older reads the error as the program sees it, and gives a
 * handle to its cause, which nobody asked for. */
static torpor_status look(torpor_vm *vm, torpor_error *out) {
  torpor_value thrown = vm->exception;
  torpor_status status;
  uint32_t scope;
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
  torpor_error error;
  if (look(vm, &error) == TORPOR_OK) {
    describe(vm, &error);
    torpor_error_free(&error);
  } else if (!vm->broken) {
    torpor__fail(vm, TORPOR_THROWN,
                 "JavaScript threw a value that cannot be described");
  }
}
