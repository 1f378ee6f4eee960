/* SPDX-License-Identifier: MIT */
/* input-check.c - data for a run is checked before the store keeps it. See
 * input-check.h. */
#include "run/input-check.h"

#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

enum { DEADLINE_MS = 10000 };

/* What the VM threw says what is wrong, or that memory is too small. */
static torpor_status explain(struct torpor__database *database, torpor_vm *vm,
                             const char *what) {
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_status status = torpor_error_read(vm, torpor_exception(vm), &error);
  if (status != TORPOR_OK)
    return torpor__database_fail(database, status, "%s: %.300s", what,
                                 torpor_last_error(vm));
  bool syntax = strcmp(error.name, "SyntaxError") == 0;
  status = torpor__database_fail(
      database, syntax ? TORPOR_FORMAT : TORPOR_LIMIT,
      "%s cannot be read by a program: %.300s", what, error.message);
  torpor_error_free(&error);
  return status;
}

torpor_status torpor__input_check(struct torpor__database *database,
                                  torpor_slice value, uint64_t memory_max,
                                  const char *what) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm = NULL;
  options.memory_max = memory_max;
  options.deadline_ms = DEADLINE_MS;
  torpor_status status = torpor_vm_open(&options, &vm);
  if (status == TORPOR_OK)
    status = torpor_cbor_decode(vm, value.data, value.size, NULL);
  if (status == TORPOR_THROWN)
    status = explain(database, vm, what);
  else if (status != TORPOR_OK)
    torpor__database_fail(database, status, "%s: %.300s", what,
                          torpor_last_error(vm));
  torpor_vm_close(vm);
  return status;
}

torpor_status torpor__input_check_name(struct torpor__database *database,
                                       const char *name) {
  size_t size = strlen(name);
  if (size == 0)
    return torpor__database_fail(database, TORPOR_MISUSE,
                                 "a signal has a name; this one is empty");
  if (size > TORPOR__TOPIC_MAX)
    return torpor__database_fail(database, TORPOR_LIMIT,
                                 "a signal's name has at most %d bytes",
                                 TORPOR__TOPIC_MAX);
  if (torpor__utf8_valid(name, size)) return TORPOR_OK;
  return torpor__database_fail(database, TORPOR_MISUSE,
                               "a signal's name is UTF-8; no program waits for "
                               "this one");
}
