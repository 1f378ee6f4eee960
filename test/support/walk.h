/* SPDX-License-Identifier: MIT */
/* walk.h - what test_walk.c calls functions with, and calls of those about
 * values that take more than one. */
#ifndef TORPOR_TEST_WALK_H
#define TORPOR_TEST_WALK_H

#include "test/support/vm.h"

/* What a call is made with. */
typedef struct with {
  torpor_vm *vm;
  torpor_value value, second; /* for those that take two */
  torpor_value function;
  const char *text;
  const void *data;
  size_t size;
  void *out[3];
  double due;
  torpor_base *base;
  torpor_scope scope;
} with;

static torpor_status keep_none(torpor_status status, const with *w) {
  if (status == TORPOR_OK) torpor_bytes_free(w->out[0]);
  return status;
}

static torpor_status inspect_buffer(const with *w) {
  torpor_buffer_info info = TORPOR_BUFFER_INFO_INIT;
  return torpor_buffer_inspect(w->vm, w->value, &info);
}

static torpor_status read_object(const with *w) {
  torpor_object_info info = TORPOR_OBJECT_INFO_INIT;
  return torpor_object_read(w->vm, w->value, &info);
}

static torpor_status make_error(const with *w) {
  torpor_error_parts parts = TORPOR_ERROR_PARTS_INIT;
  assert_int_equal(torpor_error_new_with(w->vm, NULL, NULL), TORPOR_MISUSE);
  parts.name = w->text;
  return torpor_error_new_with(w->vm, &parts, w->out[0]);
}

/* Calls again, with what 'source' gives, when the value was of a wrong type. */
#define OR_OF(source, call)                                                    \
  do {                                                                         \
    torpor_value value = w->value;                                             \
    torpor_status status = (call);                                             \
    if (status != TORPOR_WRONG_TYPE) return status;                            \
    status =                                                                   \
        torpor_eval(w->vm, source, SIZE_MAX, "of.js", TORPOR_SCRIPT, &value);  \
    return status == TORPOR_OK ? (call) : status;                              \
  } while (0)

static torpor_status read_utf16(const with *w) {
  OR_OF("'x'.repeat(9000) + 'y'.repeat(9000)",
        keep_none(torpor_string_read_as(w->vm, value, TORPOR_UTF16, w->out[0]),
                  w));
}

static torpor_status look_at_string(const with *w) {
  OR_OF("'x'.repeat(9000) + 'y'.repeat(9000)",
        torpor_string_look(w->vm, value, w->out[0]));
}

static torpor_status read_regexp(const with *w) {
  OR_OF("/x/g", torpor_regexp_read(w->vm, value, w->out[0], w->out[1]));
}

static torpor_status view_buffer(const with *w) {
  OR_OF("new ArrayBuffer(8)",
        torpor_buffer_new_view(w->vm, TORPOR_BRAND_INT8_ARRAY, value, 0, 1,
                               w->out[0]));
}

static torpor_status put_entry(const with *w) {
  OR_OF("new Map", torpor_collection_put(w->vm, value, w->second, w->second));
}

#endif
