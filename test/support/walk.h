/* SPDX-License-Identifier: MIT */
/* walk.h - what test_walk.c calls functions with, and calls of those that want
 * more than their arguments: some put first, or what they gave freed. */
#ifndef TORPOR_TEST_WALK_H
#define TORPOR_TEST_WALK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/save.h"
#include "test/support/vm.h"
#include "torpor-engine.h"

/* What a function takes, and where it may be called. */
enum {
  VM = 1,          /* a VM, and answers a status */
  OUT1 = 2,        /* so many places for results that must be there */
  OUT2 = 4,        /* two */
  OUT3 = 8,        /* three */
  TEXT = 16,       /* a text that must be there */
  DATA = 32,       /* bytes, which may be missing when they are none */
  VALUE = 64,      /* a value, which may be a handle */
  SECOND = 128,    /* another one */
  ENTERS = 256,    /* not from a callback or a finalizer */
  IDLE = 512,      /* not while guest code is on the stack either */
  SILENT = 1024,   /* answers no status: it may only do no harm */
  DUE = 2048,      /* a time */
  FREE1 = 4096,    /* a place for a result that may be missing; */
  FREE2 = 8192,    /* two; */
  FREE3 = 16384,   /* three */
  RUNS = 32768,    /* may run code of the program */
  THROWS = 65536,  /* may answer THROWN */
  TABLE = 131072,  /* functions, which must be there */
  LENGTH = 262144, /* how much of something there is, which has a limit */
};

/* What a call is made with. */
typedef struct with {
  torpor_vm *vm;
  torpor_value value, second; /* for those that take two */
  torpor_value function;
  const char *text;
  const void *data;
  size_t size;   /* of data */
  size_t length; /* of text */
  size_t count;  /* of values and other things */
  void *out[3];
  double due;
  torpor_base *base;
  torpor_scope scope;
  const torpor_function_entry *table;
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

static void no_finalizer(void *user) {
  (void)user;
}

static torpor_status host(torpor_vm *vm, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  (void)vm, (void)arguments, (void)result, (void)user;
  return TORPOR_OK;
}

static const torpor_function_entry table[] = {{"entry", host, 0, 0}};

static const torpor_function_def *function_def(const with *w) {
  static torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
  def.name = w->text;
  def.function = host;
  def.captured = w->second;
  def.flags = TORPOR_FUNCTION_CAPTURES;
  return &def;
}

static const torpor_class_def *class_def(const with *w) {
  static torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  def.name = w->text;
  return &def;
}

static torpor_status visit_none(torpor_vm *vm, torpor_value value,
                                const torpor_instance *instance, void *user) {
  (void)vm, (void)value, (void)instance, (void)user;
  return TORPOR_OK;
}

static bool visit(void *user, const torpor_engine_info *info) {
  (void)user, (void)info;
  return false;
}

static torpor_status open_and_close(const with *w) {
  torpor_vm **out = w->out[0];
  torpor_status status = torpor_vm_open(NULL, out);
  if (status == TORPOR_OK) torpor_vm_close(*out);
  return status;
}

static torpor_status encode_with(const with *w) {
  torpor_cbor_options options = TORPOR_CBOR_OPTIONS_INIT;
  options.not_data = TORPOR_LEAVE_OUT;
  return keep_none(
      torpor_cbor_encode_with(w->vm, w->value, &options, w->out[0]), w);
}

/* As a live tree, and once more as data alone. */
static torpor_status decode_with(const with *w) {
  torpor_cbor_options options = TORPOR_CBOR_OPTIONS_INIT;
  torpor_status status;
  options.not_data = TORPOR_LIVE;
  status =
      torpor_cbor_decode_with(w->vm, w->data, w->size, &options, w->out[0]);
  if (status != TORPOR_OK) return status;
  return torpor_cbor_decode_with(w->vm, w->data, w->size, NULL, NULL);
}

static torpor_status open_writer(const with *w) {
  torpor_writer **out = w->out[0];
  torpor_status status = torpor_writer_open(NULL, 0, out);
  if (status == TORPOR_OK) torpor_writer_close(*out);
  return status;
}

static torpor_status open_reader(const with *w) {
  torpor_reader **out = w->out[0];
  torpor_status status = torpor_reader_open(w->data, w->size, out);
  if (status == TORPOR_OK) torpor_reader_close(*out);
  return status;
}

static torpor_status fork_and_close(const with *w) {
  torpor_vm **out = w->out[0];
  torpor_status status = torpor_vm_fork(w->vm, NULL, out);
  if (status == TORPOR_OK) torpor_vm_close(*out);
  return status;
}

static torpor_status restore_base(const with *w) {
  torpor_vm **out = w->out[0];
  torpor_status status = torpor_base_restore(NULL, NULL, 0, NULL, out);
  assert_int_equal(status, TORPOR_MISUSE);
  if (w->count > 1)
    return torpor_base_restore(w->base, &(torpor_slice){"", 0}, w->count, NULL,
                               out);
  status = torpor_base_restore(w->base, NULL, 0, NULL, out);
  if (status == TORPOR_OK) torpor_vm_close(*out);
  return status;
}

static torpor_status open_and_close_scope(const with *w) {
  torpor_scope scope = 0;
  torpor_scope_open(w->vm, &scope);
  return torpor_scope_close(w->vm, scope);
}

static torpor_status begin_and_settle_cbor(const with *w) {
  uint64_t id = 0;
  torpor_operation_begin(w->vm, "kind", torpor_null(), 0, &id, NULL);
  return torpor_operation_settle_cbor(w->vm, id, TORPOR_RESOLVE, w->data,
                                      w->size);
}

static torpor_status open_and_close_stop(const with *w) {
  torpor_stop **out = w->out[0];
  torpor_status status = torpor_stop_open(w->vm, out);
  if (status == TORPOR_OK) torpor_stop_close(*out);
  return status;
}

static torpor_status open_and_leave_scope(const with *w) {
  torpor_scope scope = 0;
  torpor_value value = w->value;
  torpor_status status;
  torpor_scope_open(w->vm, &scope);
  assert_int_equal(torpor_scope_leave(w->vm, scope, NULL), TORPOR_MISUSE);
  status = torpor_scope_leave(w->vm, scope, &value);
  if (status == TORPOR_STALE) torpor_scope_close(w->vm, scope);
  return status;
}

/* Of a class that is made before. */
static torpor_status new_instance(const with *w) {
  const torpor_instance instance = {1, NULL};
  torpor_status status =
      w->text ? torpor_class_add(w->vm, class_def(w)) : TORPOR_OK;
  if (status != TORPOR_OK && status != TORPOR_MISUSE) return status;
  return torpor_instance_new(w->vm, w->text, &instance, w->out[0]);
}

static torpor_status each_instance(const with *w) {
  torpor_status status =
      w->text ? torpor_class_add(w->vm, class_def(w)) : TORPOR_OK;
  if (status != TORPOR_OK && status != TORPOR_MISUSE) return status;
  return torpor_instance_each(w->vm, w->text, visit_none, NULL);
}

/* A key may be a text and a value. */
static torpor_status get_by_both(const with *w) {
  torpor_status status =
      torpor_get_key(w->vm, w->value, torpor_key_name(w->text), w->out[0]);
  return status == TORPOR_OK ? torpor_get_key(w->vm, w->value,
                                              torpor_key_value(w->second), NULL)
                             : status;
}

/* An object that is there, with the value as it is and as a getter. */
static torpor_status define_both(const with *w) {
  torpor_descriptor data = torpor_descriptor_data(w->second, 0);
  torpor_descriptor accessor =
      torpor_descriptor_accessor(torpor_undefined(), w->second, 0);
  torpor_status status =
      torpor_define(w->vm, w->value, torpor_key_name(w->text), &accessor);
  assert_int_equal(torpor_define(w->vm, w->value, torpor_key_name("x"), NULL),
                   TORPOR_MISUSE);
  return status == TORPOR_OK
             ? torpor_define(w->vm, w->value, torpor_key_name(w->text), &data)
             : status;
}

static torpor_status iterate(const with *w) {
  torpor_iterator iterator = {w->value, w->second, false};
  return torpor_iterator_next(w->vm, w->out[0] ? &iterator : NULL, NULL);
}

static torpor_status end_iteration(const with *w) {
  torpor_iterator iterator = {w->value, torpor_undefined(), false};
  return torpor_iterator_close(w->vm, w->out[0] ? &iterator : NULL, TORPOR_OK);
}

static torpor_status begin_and_settle(const with *w) {
  torpor_value promise;
  uint64_t id = 0;
  torpor_operation_begin(w->vm, "kind", torpor_null(), 0, &id, &promise);
  return torpor_operation_settle(w->vm, id, TORPOR_REJECT, w->value);
}

/* An answer that is a zero one, or none. */
static torpor_module_answer *answer_of(const with *w,
                                       torpor_module_answer *answer) {
  *answer = (torpor_module_answer){.size = sizeof(*answer)};
  return w->out[0] ? answer : NULL;
}

static torpor_status give_module(const with *w) {
  torpor_module_answer answer;
  torpor_status status =
      torpor_module_give(answer_of(w, &answer), w->data, w->size);
  free(answer.text.data);
  return status;
}

static torpor_status give_compiled(const with *w) {
  torpor_module_answer answer;
  torpor_status status =
      torpor_module_give_compiled(answer_of(w, &answer), w->data, w->size);
  free(answer.text.data);
  return status;
}

static torpor_status refuse_module(const with *w) {
  torpor_module_answer answer;
  torpor_status status =
      torpor_module_refuse(answer_of(w, &answer), TORPOR_DENIED, "%d", 1);
  free(answer.message);
  return status == TORPOR_DENIED ? TORPOR_OK : status;
}

static torpor_status answer_later(const with *w) {
  torpor_module_answer answer;
  torpor_module_request request = {.size = sizeof(request)};
  return torpor_module_later(NULL, &request, answer_of(w, &answer));
}

static torpor_status add_module(const with *w) {
  const torpor_module_export exports[] = {
      {.name = "x", .value = w->value},
      {.name = "f", .function = host},
  };
  return torpor_module_add(w->vm, w->text, exports, 2);
}

static torpor_status compile_and_run(const with *w) {
  torpor_bytes code = {NULL, 0};
  torpor_status status;
  if (!w->data) return torpor_bytecode_run(w->vm, NULL, w->size, w->out[0]);
  status = torpor_compile(w->vm, w->data, w->size, NULL, &code);
  if (status == TORPOR_OK)
    status = torpor_bytecode_run(w->vm, code.data, code.size, w->out[0]);
  torpor_bytes_free(&code);
  return status;
}

static torpor_status read_error(const with *w) {
  torpor_status status = torpor_error_read(w->vm, w->value, w->out[0]);
  if (status == TORPOR_OK) torpor_error_free(w->out[0]);
  return status;
}

static torpor_status start_and_finish(const with *w) {
  torpor_snapshot_job **job = w->out[0];
  torpor_status status = torpor_snapshot_save_start(w->vm, TEST_SAVE(0), job);
  if (status != TORPOR_OK) return status;
  assert_int_equal(torpor_snapshot_job_finish(*job, NULL), TORPOR_MISUSE);
  return TORPOR_OK;
}

static const uint8_t key[TORPOR_KEY_SIZE] = {1};

static torpor_status protect(const with *w) {
  assert_int_equal(
      torpor_snapshot_protect("x", 1, NULL, TORPOR_ENCRYPT, NULL, 0, w->out[0]),
      TORPOR_MISUSE);
  return keep_none(torpor_snapshot_protect(w->data, w->size, key,
                                           TORPOR_ENCRYPT, NULL, 0, w->out[0]),
                   w);
}

static torpor_status unprotect(const with *w) {
  assert_int_equal(torpor_snapshot_unprotect("x", 1, key, NULL, 4, w->out[0]),
                   TORPOR_MISUSE);
  return torpor_snapshot_unprotect(w->data, w->size, key, NULL, 0, w->out[0]);
}

#endif
