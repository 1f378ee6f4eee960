/* SPDX-License-Identifier: MIT */
/* test_walk.c - every public function of torpor.h, called in every wrong way.
 *
 * The list below has each function once, with what it takes and where it may
 * not be called; test_api.py looks that none is missing. Each is called without
 * its VM, without each pointer that it needs, with values of another VM and
 * with values that have ended, and at wrong moments: in a host function, in a
 * callback, in a finalizer, after a trap, after the VM was closed. Each of
 * these is answered with a code and a sentence, and harms nobody. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/save.h"
#include "test/support/vm.h"
#include "test/support/walk.h"
#include "torpor-engine.h"
#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/vm.h"

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
  const torpor_function_entry *table;
} with;

/* What a function takes, and where it may be called. */
enum {
  VM = 1,         /* a VM, and answers a status */
  OUT1 = 2,       /* so many places for results that must be there */
  OUT2 = 4,       /* two */
  OUT3 = 8,       /* three */
  TEXT = 16,      /* a text that must be there */
  DATA = 32,      /* bytes, which may be missing when they are none */
  VALUE = 64,     /* a value, which may be a handle */
  SECOND = 128,   /* another one */
  ENTERS = 256,   /* not from a callback or a finalizer */
  IDLE = 512,     /* not while guest code is on the stack either */
  SILENT = 1024,  /* answers no status: it may only do no harm */
  DUE = 2048,     /* a time */
  FREE1 = 4096,   /* a place for a result that may be missing; */
  FREE2 = 8192,   /* two; */
  FREE3 = 16384,  /* three */
  RUNS = 32768,   /* may run code of the program */
  THROWS = 65536, /* may answer THROWN */
  TABLE = 131072, /* functions, which must be there */
};

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
  static torpor_function_def def = TORPOR_FUNCTION_INIT;
  def.name = w->text;
  def.function = host;
  def.captured = w->second;
  def.flags = TORPOR_FUNCTION_CAPTURES;
  return &def;
}

static const torpor_class_def *class_def(const with *w) {
  static torpor_class_def def = TORPOR_CLASS_INIT;
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

#define RETURNS(call) return call
#define DOES(call) return (void)(call), TORPOR_OK

/* X(name, flags, how to call it with 'w') */
#define FUNCTIONS(X)                                                           \
  X(torpor_version, SILENT, DOES(torpor_version()))                            \
  X(torpor_status_name, SILENT, DOES(torpor_status_name(12345)))               \
  X(torpor_status_text, SILENT, DOES(torpor_status_text(12345)))               \
  X(torpor_bytes_free, SILENT, (torpor_bytes_free(NULL)); return TORPOR_OK)    \
  X(torpor_vm_open, OUT1, RETURNS(open_and_close(w)))                          \
  X(torpor_vm_close, SILENT, (torpor_vm_close(NULL)); return TORPOR_OK)        \
  X(torpor_last_error, SILENT, DOES(torpor_last_error(w->vm)))                 \
  X(torpor_vm_engine, SILENT, DOES(torpor_vm_engine(w->vm)))                   \
  X(torpor_engine_id, SILENT, DOES(torpor_engine_id()))                        \
  X(torpor_vm_set_user, SILENT, (torpor_vm_set_user(w->vm, NULL));             \
    return TORPOR_OK)                                                          \
  X(torpor_vm_user, SILENT, DOES(torpor_vm_user(w->vm)))                       \
  X(torpor_vm_usage, VM | OUT1, RETURNS(torpor_vm_usage(w->vm, w->out[0])))    \
  X(torpor_vm_collect, VM | ENTERS, RETURNS(torpor_vm_collect(w->vm)))         \
  X(torpor_vm_set_fuel, SILENT, (torpor_vm_set_fuel(w->vm, 0));                \
    return TORPOR_OK)                                                          \
  X(torpor_vm_fuel, SILENT, DOES(torpor_vm_fuel(w->vm)))                       \
  X(torpor_vm_options, VM | OUT1,                                              \
    RETURNS(torpor_vm_options(w->vm, w->out[0])))                              \
  X(torpor_vm_exhausted, SILENT, DOES(torpor_vm_exhausted(w->vm)))             \
  X(torpor_pool_drain, SILENT, (torpor_pool_drain()); return TORPOR_OK)        \
  X(torpor_vm_set_deadline, SILENT, (torpor_vm_set_deadline(w->vm, 0));        \
    return TORPOR_OK)                                                          \
  X(torpor_vm_interrupt, SILENT,                                               \
    (torpor_vm_interrupt(w->vm && w->vm->closed ? w->vm : NULL));              \
    return TORPOR_OK)                                                          \
  X(torpor_stop_open, VM | OUT1, RETURNS(open_and_close_stop(w)))              \
  X(torpor_stop_request, SILENT, DOES(torpor_stop_request(NULL)))              \
  X(torpor_stop_close, SILENT, (torpor_stop_close(NULL)); return TORPOR_OK)    \
  X(torpor_scope_open, VM | OUT1 | ENTERS,                                     \
    RETURNS(torpor_scope_open(w->vm, w->out[0])))                              \
  X(torpor_scope_close, VM | ENTERS, RETURNS(open_and_close_scope(w)))         \
  X(torpor_scope_leave, VM | VALUE | ENTERS, RETURNS(open_and_leave_scope(w))) \
  X(torpor_value_retain, VM | OUT1 | VALUE,                                    \
    RETURNS(torpor_value_retain(w->vm, w->value, w->out[0])))                  \
  X(torpor_value_release, VM | VALUE,                                          \
    RETURNS(torpor_value_release(w->vm, w->value)))                            \
  X(torpor_token_add, VM | OUT1 | VALUE | ENTERS | THROWS,                     \
    RETURNS(torpor_token_add(w->vm, w->value, w->out[0])))                     \
  X(torpor_token_value, VM | FREE1 | ENTERS,                                   \
    RETURNS(torpor_token_value(w->vm, 1, w->out[0])))                          \
  X(torpor_token_remove, VM | ENTERS,                                          \
    RETURNS(torpor_token_remove(w->vm, 1234)))                                 \
  X(torpor_string_new, VM | FREE1 | DATA | ENTERS | THROWS,                    \
    RETURNS(torpor_string_new(w->vm, w->data, w->size, w->out[0])))            \
  X(torpor_string_read, VM | VALUE | ENTERS | THROWS | RUNS,                   \
    RETURNS(keep_none(torpor_string_read(w->vm, w->value, w->out[0]), w)))     \
  X(torpor_string_new_as, VM | FREE1 | DATA | ENTERS | THROWS,                 \
    RETURNS(torpor_string_new_as(w->vm, w->data, w->size, TORPOR_LATIN1,       \
                                 w->out[0])))                                  \
  X(torpor_string_read_as, VM | VALUE | ENTERS | THROWS,                       \
    RETURNS(read_utf16(w)))                                                    \
  X(torpor_string_look, VM | VALUE | ENTERS | THROWS,                          \
    RETURNS(look_at_string(w)))                                                \
  X(torpor_buffer_new, VM | FREE1 | DATA | ENTERS | THROWS,                    \
    RETURNS(torpor_buffer_new(w->vm, w->data, w->size, w->out[0])))            \
  X(torpor_buffer_new_as, VM | FREE1 | ENTERS | THROWS,                        \
    RETURNS(torpor_buffer_new_as(w->vm, TORPOR_BRAND_INT8_ARRAY, w->data,      \
                                 w->size, w->out[0])))                         \
  X(torpor_buffer_new_resizable, VM | FREE1 | ENTERS | THROWS,                 \
    RETURNS(torpor_buffer_new_resizable(w->vm, 1, 9, w->out[0])))              \
  X(torpor_buffer_new_view, VM | VALUE | ENTERS | THROWS,                      \
    RETURNS(view_buffer(w)))                                                   \
  X(torpor_buffer_look, VM | VALUE | ENTERS,                                   \
    RETURNS(torpor_buffer_look(w->vm, w->value, w->out[0])))                   \
  X(torpor_buffer_write, VM | VALUE | DATA | ENTERS,                           \
    RETURNS(torpor_buffer_write(w->vm, w->value, 0, w->data, w->size)))        \
  X(torpor_buffer_inspect, VM | VALUE | ENTERS, RETURNS(inspect_buffer(w)))    \
  X(torpor_buffer_viewed, VM | VALUE | ENTERS,                                 \
    RETURNS(torpor_buffer_viewed(w->vm, w->value, w->out[0])))                 \
  X(torpor_symbol_new, VM | FREE1 | ENTERS | THROWS,                           \
    RETURNS(torpor_symbol_new(w->vm, w->text, SIZE_MAX, w->out[0])))           \
  X(torpor_symbol_for, VM | FREE1 | TEXT | ENTERS | THROWS,                    \
    RETURNS(torpor_symbol_for(w->vm, w->text, SIZE_MAX, w->out[0])))           \
  X(torpor_symbol_known, VM | TEXT | ENTERS,                                   \
    RETURNS(torpor_symbol_known(w->vm, w->text, SIZE_MAX, w->out[0])))         \
  X(torpor_symbol_read, VM | VALUE | ENTERS,                                   \
    RETURNS(torpor_symbol_read(w->vm, w->value, w->out[0], w->out[1])))        \
  X(torpor_regexp_new, VM | FREE1 | TEXT | ENTERS | THROWS,                    \
    RETURNS(torpor_regexp_new(w->vm, w->text, SIZE_MAX, "g", 1, w->out[0])))   \
  X(torpor_regexp_read, VM | VALUE | ENTERS | THROWS, RETURNS(read_regexp(w))) \
  X(torpor_bigint_new_int64, VM | FREE1 | ENTERS | THROWS,                     \
    RETURNS(torpor_bigint_new_int64(w->vm, INT64_MIN, w->out[0])))             \
  X(torpor_bigint_new_uint64, VM | FREE1 | ENTERS | THROWS,                    \
    RETURNS(torpor_bigint_new_uint64(w->vm, UINT64_MAX, w->out[0])))           \
  X(torpor_bigint_new_words, VM | FREE1 | ENTERS | THROWS,                     \
    RETURNS(                                                                   \
        torpor_bigint_new_words(w->vm, true, outs[2].bytes, 3, w->out[0])))    \
  X(torpor_bigint_new_text, VM | FREE1 | DATA | ENTERS | THROWS,               \
    RETURNS(torpor_bigint_new_text(w->vm, w->data, w->size, w->out[0])))       \
  X(torpor_bigint_read_int64, VM | VALUE | ENTERS,                             \
    RETURNS(torpor_bigint_read_int64(w->vm, w->value, w->out[0])))             \
  X(torpor_bigint_read_uint64, VM | VALUE | ENTERS,                            \
    RETURNS(torpor_bigint_read_uint64(w->vm, w->value, w->out[0])))            \
  X(torpor_bigint_read_words, VM | VALUE | ENTERS,                             \
    RETURNS(                                                                   \
        torpor_bigint_read_words(w->vm, w->value, NULL, w->out[0], 9, NULL)))  \
  X(torpor_date_new, VM | FREE1 | ENTERS | THROWS,                             \
    RETURNS(torpor_date_new(w->vm, 1, w->out[0])))                             \
  X(torpor_date_read, VM | VALUE | ENTERS,                                     \
    RETURNS(torpor_date_read(w->vm, w->value, w->out[0])))                     \
  X(torpor_array_new_of, VM | FREE1 | VALUE | ENTERS | THROWS,                 \
    RETURNS(torpor_array_new_of(w->vm, &w->value, 1, w->out[0])))              \
  X(torpor_array_new_sized, VM | FREE1 | ENTERS | THROWS,                      \
    RETURNS(torpor_array_new_sized(w->vm, 9, w->out[0])))                      \
  X(torpor_array_length, VM | VALUE | ENTERS,                                  \
    RETURNS(torpor_array_length(w->vm, w->value, w->out[0])))                  \
  X(torpor_collection_new, VM | FREE1 | VALUE | ENTERS | THROWS,               \
    RETURNS(torpor_collection_new(w->vm, TORPOR_BRAND_SET, &w->value, 1,       \
                                  w->out[0])))                                 \
  X(torpor_collection_put, VM | VALUE | SECOND | ENTERS | THROWS,              \
    RETURNS(put_entry(w)))                                                     \
  X(torpor_collection_get, VM | VALUE | SECOND | ENTERS,                       \
    RETURNS(torpor_collection_get(w->vm, w->value, w->second, w->out[0])))     \
  X(torpor_collection_has, VM | VALUE | SECOND | ENTERS,                       \
    RETURNS(torpor_collection_has(w->vm, w->value, w->second, w->out[0])))     \
  X(torpor_collection_remove, VM | VALUE | SECOND | ENTERS,                    \
    RETURNS(torpor_collection_remove(w->vm, w->value, w->second, w->out[0])))  \
  X(torpor_collection_clear, VM | VALUE | ENTERS,                              \
    RETURNS(torpor_collection_clear(w->vm, w->value)))                         \
  X(torpor_collection_count, VM | VALUE | ENTERS,                              \
    RETURNS(torpor_collection_count(w->vm, w->value, w->out[0])))              \
  X(torpor_collection_read, VM | VALUE | ENTERS,                               \
    RETURNS(torpor_collection_read(w->vm, w->value, NULL, 0, w->out[0])))      \
  X(torpor_object_read, VM, RETURNS(read_object(w)))                           \
  X(torpor_object_class_name, VM | VALUE | ENTERS,                             \
    RETURNS(                                                                   \
        keep_none(torpor_object_class_name(w->vm, w->value, w->out[0]), w)))   \
  X(torpor_object_unbox, VM | VALUE | ENTERS,                                  \
    RETURNS(torpor_object_unbox(w->vm, w->value, w->out[0])))                  \
  X(torpor_proxy_read, VM | VALUE | ENTERS,                                    \
    RETURNS(torpor_proxy_read(w->vm, w->value, w->out[0], w->out[1])))         \
  X(torpor_value_describe, VM | VALUE | ENTERS | THROWS,                       \
    RETURNS(keep_none(torpor_value_describe(w->vm, w->value, w->out[0]), w)))  \
  X(torpor_value_same, VM | VALUE | SECOND | ENTERS,                           \
    RETURNS(torpor_value_same(w->vm, w->value, w->second, TORPOR_SAME_KEY,     \
                              w->out[0])))                                     \
  X(torpor_value_to_number, VM | VALUE | ENTERS | THROWS | RUNS,               \
    RETURNS(torpor_value_to_number(w->vm, w->value, w->out[0])))               \
  X(torpor_value_to_boolean, VM | VALUE | ENTERS,                              \
    RETURNS(torpor_value_to_boolean(w->vm, w->value, w->out[0])))              \
  X(torpor_value_to_string, VM | FREE1 | VALUE | ENTERS | THROWS | RUNS,       \
    RETURNS(torpor_value_to_string(w->vm, w->value, w->out[0])))               \
  X(torpor_error_new_with, VM | FREE1 | ENTERS | THROWS,                       \
    RETURNS(make_error(w)))                                                    \
  X(torpor_buffer_read, VM | VALUE | ENTERS,                                   \
    RETURNS(keep_none(torpor_buffer_read(w->vm, w->value, w->out[0]), w)))     \
  X(torpor_value_brand, VM | FREE1,                                            \
    RETURNS(torpor_value_brand(w->vm, w->value, w->out[0])))                   \
  X(torpor_global, VM | FREE1 | ENTERS,                                        \
    RETURNS(torpor_global(w->vm, w->out[0])))                                  \
  X(torpor_object_new, VM | FREE1 | ENTERS | THROWS,                           \
    RETURNS(torpor_object_new(w->vm, w->out[0])))                              \
  X(torpor_array_new, VM | FREE1 | ENTERS | THROWS,                            \
    RETURNS(torpor_array_new(w->vm, w->out[0])))                               \
  X(torpor_get, VM | FREE1 | VALUE | TEXT | ENTERS | THROWS | RUNS,            \
    RETURNS(torpor_get(w->vm, w->value, w->text, w->out[0])))                  \
  X(torpor_set, VM | VALUE | SECOND | TEXT | ENTERS | THROWS | RUNS,           \
    RETURNS(torpor_set(w->vm, w->value, w->text, w->second)))                  \
  X(torpor_get_index, VM | FREE1 | VALUE | ENTERS | THROWS | RUNS,             \
    RETURNS(torpor_get_index(w->vm, w->value, 1, w->out[0])))                  \
  X(torpor_set_index, VM | VALUE | SECOND | ENTERS | THROWS | RUNS,            \
    RETURNS(torpor_set_index(w->vm, w->value, 1, w->second)))                  \
  X(torpor_get_each, VM | OUT1 | VALUE | TEXT | ENTERS,                        \
    RETURNS(torpor_get_each(w->vm, w->value, &w->text, 1, w->out[0])))         \
  X(torpor_get_elements, VM | OUT1 | VALUE | ENTERS,                           \
    RETURNS(torpor_get_elements(w->vm, w->value, 1, 2, w->out[0])))            \
  X(torpor_length, VM | FREE1 | VALUE | ENTERS,                                \
    RETURNS(torpor_length(w->vm, w->value, w->out[0])))                        \
  X(torpor_get_key, VM | FREE1 | VALUE | SECOND | TEXT | ENTERS,               \
    RETURNS(get_by_both(w)))                                                   \
  X(torpor_set_key, VM | VALUE | SECOND | TEXT | ENTERS,                       \
    RETURNS(                                                                   \
        torpor_set_key(w->vm, w->value, torpor_key_name(w->text), w->second))) \
  X(torpor_has, VM | FREE1 | VALUE | TEXT | ENTERS,                            \
    RETURNS(torpor_has(w->vm, w->value, torpor_key_name(w->text), w->out[0]))) \
  X(torpor_has_own, VM | FREE1 | VALUE | TEXT | ENTERS,                        \
    RETURNS(                                                                   \
        torpor_has_own(w->vm, w->value, torpor_key_name(w->text), w->out[0]))) \
  X(torpor_delete, VM | FREE1 | VALUE | TEXT | ENTERS,                         \
    RETURNS(                                                                   \
        torpor_delete(w->vm, w->value, torpor_key_name(w->text), w->out[0])))  \
  X(torpor_define, VM | VALUE | SECOND | TEXT | ENTERS,                        \
    RETURNS(define_both(w)))                                                   \
  X(torpor_get_own, VM | OUT1 | VALUE | TEXT | ENTERS,                         \
    RETURNS(                                                                   \
        torpor_get_own(w->vm, w->value, torpor_key_name(w->text), w->out[0]))) \
  X(torpor_keys, VM | FREE1 | VALUE | ENTERS,                                  \
    RETURNS(torpor_keys(w->vm, w->value, TORPOR_KEYS_ALL, w->out[0])))         \
  X(torpor_prototype_get, VM | FREE1 | VALUE | ENTERS,                         \
    RETURNS(torpor_prototype_get(w->vm, w->value, w->out[0])))                 \
  X(torpor_prototype_set, VM | VALUE | SECOND | ENTERS,                        \
    RETURNS(torpor_prototype_set(w->vm, w->value, w->second)))                 \
  X(torpor_integrity_set, VM | VALUE | ENTERS,                                 \
    RETURNS(torpor_integrity_set(w->vm, w->value, TORPOR_FROZEN)))             \
  X(torpor_integrity_test, VM | FREE1 | VALUE | ENTERS,                        \
    RETURNS(torpor_integrity_test(w->vm, w->value, TORPOR_SEALED, w->out[0]))) \
  X(torpor_iterator_open, VM | OUT1 | VALUE | ENTERS,                          \
    RETURNS(torpor_iterator_open(w->vm, w->value, w->out[0])))                 \
  X(torpor_iterator_next, VM | OUT1 | VALUE | SECOND | ENTERS,                 \
    RETURNS(iterate(w)))                                                       \
  X(torpor_iterator_close, VM | OUT1 | VALUE | ENTERS,                         \
    RETURNS(end_iteration(w)))                                                 \
  X(torpor_call, VM | FREE1 | VALUE | SECOND | ENTERS,                         \
  X(torpor_call, VM | FREE1 | VALUE | SECOND | ENTERS | THROWS | RUNS,         \
    RETURNS(                                                                   \
        torpor_call(w->vm, w->function, w->second, &w->value, 1, w->out[0])))  \
  X(torpor_call_method, VM | FREE1 | VALUE | SECOND | TEXT | ENTERS,           \
    RETURNS(torpor_call_method(w->vm, w->value, w->text, &w->second, 1,        \
                               w->out[0])))                                    \
  X(torpor_construct, VM | FREE1 | VALUE | SECOND | ENTERS,                    \
    RETURNS(torpor_construct(w->vm, w->function, w->second, &w->value, 1,      \
                             w->out[0])))                                      \
  X(torpor_exception, SILENT, DOES(torpor_exception(w->vm)))                   \
  X(torpor_throw, VM | TEXT | ENTERS | THROWS,                                 \
    RETURNS(torpor_throw(w->vm, w->text, "%s", "why")))                        \
  X(torpor_throw_value, VM | VALUE | ENTERS | THROWS,                          \
    RETURNS(torpor_throw_value(w->vm, w->value)))                              \
  X(torpor_error_read, VM | OUT1 | VALUE | ENTERS | RUNS,                      \
    RETURNS(read_error(w)))                                                    \
  X(torpor_error_free, SILENT, (torpor_error_free(NULL)); return TORPOR_OK)    \
  X(torpor_error_new, VM | FREE1 | TEXT | ENTERS | THROWS,                     \
    RETURNS(torpor_error_new(w->vm, w->text, w->text, w->out[0])))             \
  X(torpor_function_bind, VM | TEXT | ENTERS,                                  \
    RETURNS(torpor_function_bind(w->vm, w->text, host, NULL, no_finalizer)))   \
  X(torpor_function_new, VM | FREE1 | TEXT | ENTERS | THROWS,                  \
    RETURNS(torpor_function_new(w->vm, w->text, 300, w->out[0])))              \
  X(torpor_function_add, VM | TEXT | ENTERS | THROWS,                          \
    RETURNS(torpor_function_add(w->vm, w->text, host, NULL)))                  \
  X(torpor_function_add_all, VM | VALUE | TABLE | ENTERS | THROWS | RUNS,      \
    RETURNS(torpor_function_add_all(w->vm, w->value, w->table, 1, NULL)))      \
  X(torpor_function_bind_all, VM | TABLE | ENTERS,                             \
    RETURNS(torpor_function_bind_all(w->vm, w->table, 1, NULL)))               \
  X(torpor_function_new_with, VM | FREE1 | TEXT | SECOND | ENTERS | THROWS,    \
    RETURNS(torpor_function_new_with(w->vm, function_def(w), w->out[0])))      \
  X(torpor_function_bind_with, VM | TEXT | ENTERS,                             \
    RETURNS(torpor_function_bind_with(w->vm, function_def(w))))                \
  X(torpor_class_add, VM | TEXT | ENTERS | THROWS,                             \
    RETURNS(torpor_class_add(w->vm, class_def(w))))                            \
  X(torpor_class_bind, VM | TEXT | ENTERS,                                     \
    RETURNS(torpor_class_bind(w->vm, class_def(w))))                           \
  X(torpor_class_get, VM | TEXT | ENTERS,                                      \
    RETURNS(torpor_class_get(w->vm, w->text, w->out[0])))                      \
  X(torpor_instance_new, VM | FREE1 | TEXT | ENTERS | THROWS,                  \
    RETURNS(new_instance(w)))                                                  \
  X(torpor_instance_read, VM | VALUE | TEXT | ENTERS,                          \
    RETURNS(torpor_instance_read(w->vm, w->value, w->text, w->out[0])))        \
  X(torpor_instance_each, VM | TEXT | ENTERS | THROWS,                         \
    RETURNS(each_instance(w)))                                                 \
  X(torpor_eval, VM | FREE1 | TEXT | DATA | ENTERS | THROWS | RUNS,            \
    RETURNS(torpor_eval(w->vm, w->data, w->size, w->text, TORPOR_SCRIPT,       \
                        w->out[0])))                                           \
  X(torpor_eval_with, VM | FREE1 | DATA | ENTERS | THROWS | RUNS,              \
    RETURNS(torpor_eval_with(w->vm, w->data, w->size, NULL, w->out[0])))       \
  X(torpor_compile, VM | OUT1 | DATA | ENTERS | THROWS,                        \
    RETURNS(keep_none(                                                         \
        torpor_compile(w->vm, w->data, w->size, NULL, w->out[0]), w)))         \
  X(torpor_bytecode_run, VM | FREE1 | DATA | ENTERS | THROWS | RUNS,           \
    RETURNS(compile_and_run(w)))                                               \
  X(torpor_module_give, OUT1 | DATA, RETURNS(give_module(w)))                  \
  X(torpor_module_refuse, OUT1, RETURNS(refuse_module(w)))                     \
  X(torpor_module_later, OUT1, RETURNS(answer_later(w)))                       \
  X(torpor_module_new, VM | VALUE | TEXT | ENTERS | THROWS,                    \
    RETURNS(torpor_module_new(w->vm, w->text, w->value)))                      \
  X(torpor_module_add, VM | TEXT | ENTERS | THROWS, RETURNS(add_module(w)))    \
  X(torpor_job_run, VM | ENTERS | IDLE | RUNS,                                 \
    RETURNS(torpor_job_run(w->vm, 0, NULL)))                                   \
  X(torpor_job_run_for, VM | ENTERS | IDLE | RUNS,                             \
    RETURNS(torpor_job_run_for(w->vm, 1000, NULL)))                            \
  X(torpor_await, VM | VALUE | ENTERS | IDLE | THROWS | RUNS | FREE1,          \
    RETURNS(torpor_await(w->vm, w->value, w->out[0])))                         \
  X(torpor_job_pending, SILENT, DOES(torpor_job_pending(w->vm)))               \
  X(torpor_promise_read, VM | FREE1 | VALUE | ENTERS,                          \
    RETURNS(torpor_promise_read(w->vm, w->value, w->out[0], NULL)))            \
  X(torpor_promise_look, VM | FREE1 | ENTERS,                                  \
    RETURNS(torpor_promise_look(w->vm, 1, w->out[0])))                         \
  X(torpor_promise_new, VM | FREE1 | FREE2 | FREE3 | ENTERS | THROWS,          \
    RETURNS(torpor_promise_new(w->vm, w->out[0], w->out[1], w->out[2])))       \
  X(torpor_promise_handle, VM | VALUE | ENTERS,                                \
    RETURNS(torpor_promise_handle(w->vm, w->value)))                           \
  X(torpor_rejection_dropped, VM | FREE1 | ENTERS,                             \
    RETURNS(torpor_rejection_dropped(w->vm, w->out[0])))                       \
  X(torpor_rejection_take, VM | FREE1 | ENTERS,                                \
    RETURNS(torpor_rejection_take(w->vm, w->out[0])))                          \
  X(torpor_cbor_encode, VM | OUT1 | VALUE | ENTERS | THROWS | RUNS,            \
    RETURNS(keep_none(torpor_cbor_encode(w->vm, w->value, w->out[0]), w)))     \
  X(torpor_cbor_decode, VM | FREE1 | DATA | ENTERS | THROWS,                   \
  X(torpor_cbor_encode, VM | FREE1 | VALUE | ENTERS,                           \
    RETURNS(keep_none(torpor_cbor_encode(w->vm, w->value, w->out[0]), w)))     \
  X(torpor_cbor_encode_with, VM | FREE1 | VALUE | ENTERS,                      \
    RETURNS(encode_with(w)))                                                   \
  X(torpor_json_encode, VM | FREE1 | VALUE | ENTERS,                           \
    RETURNS(keep_none(torpor_json_encode(w->vm, w->value, w->out[0]), w)))     \
  X(torpor_json_decode, VM | FREE1 | DATA | ENTERS,                            \
    RETURNS(torpor_json_decode(w->vm, w->data, w->size, w->out[0])))           \
  X(torpor_cbor_decode, VM | FREE1 | DATA | ENTERS,                            \
    RETURNS(torpor_cbor_decode(w->vm, w->data, w->size, w->out[0])))           \
  X(torpor_json_to_cbor, OUT1 | DATA,                                          \
    RETURNS(keep_none(torpor_json_to_cbor(w->data, w->size, w->out[0]), w)))   \
  X(torpor_cbor_to_json, OUT1 | DATA,                                          \
    RETURNS(keep_none(torpor_cbor_to_json(w->data, w->size, w->out[0]), w)))   \
  X(torpor_writer_open, OUT1, RETURNS(open_writer(w)))                         \
  X(torpor_writer_close, SILENT, (torpor_writer_close(NULL));                  \
    return TORPOR_OK)                                                          \
  X(torpor_writer_reset, SILENT, (torpor_writer_reset(NULL));                  \
    return TORPOR_OK)                                                          \
  X(torpor_writer_finish, 0, RETURNS(torpor_writer_finish(NULL, NULL)))        \
  X(torpor_writer_array, SILENT, (torpor_writer_array(NULL, 0));               \
    return TORPOR_OK)                                                          \
  X(torpor_writer_map, SILENT, (torpor_writer_map(NULL, 0)); return TORPOR_OK) \
  X(torpor_writer_collection, SILENT, (torpor_writer_collection(NULL, 0));     \
    return TORPOR_OK)                                                          \
  X(torpor_writer_set, SILENT, (torpor_writer_set(NULL, 0)); return TORPOR_OK) \
  X(torpor_writer_key, SILENT, (torpor_writer_key(NULL, NULL, 0));             \
    return TORPOR_OK)                                                          \
  X(torpor_writer_end, SILENT, (torpor_writer_end(NULL)); return TORPOR_OK)    \
  X(torpor_writer_hole, SILENT, (torpor_writer_hole(NULL)); return TORPOR_OK)  \
  X(torpor_writer_undefined, SILENT, (torpor_writer_undefined(NULL));          \
    return TORPOR_OK)                                                          \
  X(torpor_writer_null, SILENT, (torpor_writer_null(NULL)); return TORPOR_OK)  \
  X(torpor_writer_boolean, SILENT, (torpor_writer_boolean(NULL, true));        \
    return TORPOR_OK)                                                          \
  X(torpor_writer_number, SILENT, (torpor_writer_number(NULL, 1));             \
    return TORPOR_OK)                                                          \
  X(torpor_writer_integer, SILENT, (torpor_writer_integer(NULL, 1));           \
    return TORPOR_OK)                                                          \
  X(torpor_writer_bigint, SILENT, (torpor_writer_bigint(NULL, true, NULL, 5)); \
    return TORPOR_OK)                                                          \
  X(torpor_writer_string, SILENT,                                              \
    (torpor_writer_string(NULL, NULL, SIZE_MAX));                              \
    return TORPOR_OK)                                                          \
  X(torpor_writer_utf16, SILENT, (torpor_writer_utf16(NULL, NULL, 5));         \
    return TORPOR_OK)                                                          \
  X(torpor_writer_symbol, SILENT, (torpor_writer_symbol(NULL, NULL, 5));       \
    return TORPOR_OK)                                                          \
  X(torpor_writer_date, SILENT, (torpor_writer_date(NULL, 1));                 \
    return TORPOR_OK)                                                          \
  X(torpor_writer_regexp, SILENT, (torpor_writer_regexp(NULL, NULL, NULL));    \
    return TORPOR_OK)                                                          \
  X(torpor_writer_error, SILENT,                                               \
    (torpor_writer_error(NULL, NULL, NULL, NULL));                             \
    return TORPOR_OK)                                                          \
  X(torpor_writer_bytes, SILENT, (torpor_writer_bytes(NULL, NULL, 5));         \
    return TORPOR_OK)                                                          \
  X(torpor_writer_view, SILENT, (torpor_writer_view(NULL, 5, NULL, 5));        \
    return TORPOR_OK)                                                          \
  X(torpor_writer_share, SILENT, DOES(torpor_writer_share(NULL)))              \
  X(torpor_writer_reference, SILENT, (torpor_writer_reference(NULL, 5));       \
    return TORPOR_OK)                                                          \
  X(torpor_writer_tag, SILENT, (torpor_writer_tag(NULL, 5)); return TORPOR_OK) \
  X(torpor_reader_open, OUT1 | DATA, RETURNS(open_reader(w)))                  \
  X(torpor_reader_close, SILENT, (torpor_reader_close(NULL));                  \
    return TORPOR_OK)                                                          \
  X(torpor_reader_status, 0, RETURNS(torpor_reader_status(NULL)))              \
  X(torpor_reader_type, SILENT, DOES(torpor_reader_type(NULL)))                \
  X(torpor_reader_is_shared, SILENT,                                           \
    DOES(torpor_reader_is_shared(NULL, NULL)))                                 \
  X(torpor_reader_enter, SILENT, DOES(torpor_reader_enter(NULL)))              \
  X(torpor_reader_leave, SILENT, (torpor_reader_leave(NULL));                  \
    return TORPOR_OK)                                                          \
  X(torpor_reader_skip, SILENT, (torpor_reader_skip(NULL)); return TORPOR_OK)  \
  X(torpor_reader_find, SILENT, DOES(torpor_reader_find(NULL, NULL, 5)))       \
  X(torpor_reader_reference, SILENT, DOES(torpor_reader_reference(NULL)))      \
  X(torpor_reader_follow, SILENT, (torpor_reader_follow(NULL));                \
    return TORPOR_OK)                                                          \
  X(torpor_reader_tag, SILENT, DOES(torpor_reader_tag(NULL)))                  \
  X(torpor_reader_boolean, SILENT, DOES(torpor_reader_boolean(NULL)))          \
  X(torpor_reader_number, SILENT, DOES(torpor_reader_number(NULL)))            \
  X(torpor_reader_integer, SILENT, DOES(torpor_reader_integer(NULL)))          \
  X(torpor_reader_bigint, SILENT,                                              \
    DOES(torpor_reader_bigint(NULL, NULL, NULL, 5)))                           \
  X(torpor_reader_string, SILENT, DOES(torpor_reader_string(NULL)))            \
  X(torpor_reader_wtf8, SILENT, DOES(torpor_reader_wtf8(NULL)))                \
  X(torpor_reader_date, SILENT, DOES(torpor_reader_date(NULL)))                \
  X(torpor_reader_view, SILENT, DOES(torpor_reader_view(NULL, NULL)))          \
  X(torpor_operation_begin, VM | FREE1 | FREE2 | VALUE | TEXT | DUE | ENTERS,  \
  X(torpor_operation_begin,                                                    \
    VM | FREE1 | FREE2 | VALUE | TEXT | DUE | ENTERS | THROWS | RUNS,          \
    RETURNS(torpor_operation_begin(w->vm, w->text, w->value, w->due,           \
                                   w->out[0], w->out[1])))                     \
  X(torpor_operation_next, VM | OUT1,                                          \
    RETURNS(torpor_operation_next(w->vm, w->out[0])))                          \
  X(torpor_operation_take_cancelled, VM | OUT1,                                \
    RETURNS(torpor_operation_take_cancelled(w->vm, w->out[0])))                \
  X(torpor_operation_count, SILENT, DOES(torpor_operation_count(w->vm)))       \
  X(torpor_operation_at, VM | OUT1,                                            \
    RETURNS(torpor_operation_at(w->vm, 1000, w->out[0])))                      \
  X(torpor_operation_settle, VM | VALUE | ENTERS,                              \
    RETURNS(begin_and_settle(w)))                                              \
  X(torpor_operation_settle_cbor, VM | DATA | ENTERS | THROWS,                 \
    RETURNS(begin_and_settle_cbor(w)))                                         \
  X(torpor_cbor_error, OUT1 | TEXT,                                            \
    RETURNS(                                                                   \
        keep_none(torpor_cbor_error(w->text, w->text, NULL, w->out[0]), w)))   \
  X(torpor_snapshot_save, VM | OUT1 | ENTERS | IDLE,                           \
    RETURNS(keep_none(torpor_snapshot_save(w->vm, w->out[0]), w)))             \
  X(torpor_snapshot_save_with, VM | OUT1 | ENTERS | IDLE,                      \
    RETURNS(keep_none(                                                         \
        torpor_snapshot_save_with(w->vm, TEST_SAVE(0), w->out[0]), w)))        \
  X(torpor_snapshot_save_start, VM | OUT1 | ENTERS | IDLE,                     \
    RETURNS(start_and_finish(w)))                                              \
  X(torpor_snapshot_job_finish, 0,                                             \
    RETURNS(torpor_snapshot_job_finish(NULL, w->out[0])))                      \
  X(torpor_snapshot_job_free, SILENT, (torpor_snapshot_job_free(NULL));        \
    return TORPOR_OK)                                                          \
  X(torpor_snapshot_restore, OUT1 | DATA,                                      \
    RETURNS(torpor_snapshot_restore(w->data, w->size, NULL, w->out[0])))       \
  X(torpor_snapshot_restore_chain, OUT1 | DATA,                                \
    RETURNS(torpor_snapshot_restore_chain(                                     \
        w->data ? &(torpor_slice){w->data, w->size} : NULL, 1, NULL,           \
        w->out[0])))                                                           \
  X(torpor_snapshot_identify, OUT1 | DATA,                                     \
    RETURNS(torpor_snapshot_identify(w->data, w->size, w->out[0])))            \
  X(torpor_snapshot_read, OUT1 | DATA,                                         \
    RETURNS(torpor_snapshot_read(w->data, w->size, w->out[0], NULL)))          \
  X(torpor_snapshot_section, OUT1 | DATA,                                      \
    RETURNS(torpor_snapshot_section(w->data, w->size, TORPOR_SECTION_RUN,      \
                                    w->out[0])))                               \
  X(torpor_snapshot_attach, OUT1 | DATA,                                       \
    RETURNS(torpor_snapshot_attach(w->data, w->size, "\xa0", 1, w->out[0])))   \
  X(torpor_base_open, OUT1 | DATA,                                             \
    RETURNS(torpor_base_open(&(torpor_slice){w->data, w->size}, 1, NULL,       \
                             w->out[0])))                                      \
  X(torpor_base_close, SILENT, (torpor_base_close(NULL)); return TORPOR_OK)    \
  X(torpor_base_restore, OUT1, RETURNS(restore_base(w)))                       \
  X(torpor_vm_fork, VM | OUT1 | ENTERS | IDLE, RETURNS(fork_and_close(w)))     \
  X(torpor_vm_reseed, VM | ENTERS, RETURNS(torpor_vm_reseed(w->vm)))           \
  X(torpor_vm_inspect, VM | OUT1 | ENTERS | IDLE,                              \
    RETURNS(keep_none(torpor_vm_inspect(w->vm, w->out[0]), w)))                \
  X(torpor_vm_heap, VM | OUT1 | ENTERS,                                        \
    RETURNS(torpor_vm_heap(w->vm, w->out[0])))                                 \
  X(torpor_vm_waiting, VM | OUT1 | ENTERS | IDLE,                              \
    RETURNS(keep_none(torpor_vm_waiting(w->vm, w->out[0]), w)))                \
  X(torpor_state_hand_over, VM | FREE1 | ENTERS | THROWS | RUNS,               \
    RETURNS(torpor_state_hand_over(w->vm, w->out[0])))                         \
  X(torpor_snapshot_protect, OUT1 | DATA, RETURNS(protect(w)))                 \
  X(torpor_snapshot_unprotect, OUT1 | DATA, RETURNS(unprotect(w)))             \
  X(torpor_snapshot_is_protected, SILENT,                                      \
    DOES(torpor_snapshot_is_protected(NULL, 5)))                               \
  X(torpor_engine_each, SILENT, (torpor_engine_each(visit, NULL));             \
    return TORPOR_OK)                                                          \
  X(torpor_engine_of, SILENT,                                                  \
    DOES(w->vm ? torpor_engine_of(w->vm, w->out[0]) : TORPOR_OK))              \
  X(torpor_engine_read, OUT1 | TEXT,                                           \
    RETURNS(torpor_engine_read(w->text ? "/nowhere/x.so" : NULL, w->out[0])))  \
  X(torpor_engine_folder, OUT1, RETURNS(torpor_engine_folder(w->out[0], 0)))

/* ---- Calls that take more than one ----------------------------------------*/

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
    assert_int_equal(torpor_snapshot_protect("x", 1, NULL, TORPOR_ENCRYPT, NULL,
                                             0, w->out[0]),
                     TORPOR_MISUSE);
    return keep_none(torpor_snapshot_protect(w->data, w->size, key,
                                             TORPOR_ENCRYPT, NULL, 0,
                                             w->out[0]),
                     w);
}

static torpor_status unprotect(const with *w) {
    assert_int_equal(torpor_snapshot_unprotect("x", 1, key, NULL, 4, w->out[0]),
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
    return torpor_iterator_close(w->vm, w->out[0] ? &iterator : NULL,
                                 TORPOR_OK);
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

    static torpor_status begin_and_settle(const with *w) {
      torpor_value promise;
      uint64_t id = 0;
      torpor_operation_begin(w->vm, "kind", torpor_null(), 0, &id, &promise);
      return torpor_operation_settle(w->vm, id, TORPOR_REJECT, w->value);
    }

    static torpor_status read_error(const with *w) {
      torpor_status status = torpor_error_read(w->vm, w->value, w->out[0]);
      if (status == TORPOR_OK) torpor_error_free(w->out[0]);
      return status;
    }

    static torpor_status start_and_finish(const with *w) {
      torpor_snapshot_job **job = w->out[0];
      torpor_status status =
          torpor_snapshot_save_start(w->vm, TEST_SAVE(0), job);
      if (status != TORPOR_OK) return status;
      assert_int_equal(torpor_snapshot_job_finish(*job, NULL), TORPOR_MISUSE);
      return TORPOR_OK;
    }

    static const uint8_t key[TORPOR_KEY_SIZE] = {1};

    static torpor_status protect(const with *w) {
      assert_int_equal(torpor_snapshot_protect("x", 1, NULL, TORPOR_ENCRYPT,
                                               NULL, 0, w->out[0]),
                       TORPOR_MISUSE);
      return keep_none(torpor_snapshot_protect(w->data, w->size, key,
                                               TORPOR_ENCRYPT, NULL, 0,
                                               w->out[0]),
                       w);
    }

    static torpor_status unprotect(const with *w) {
      assert_int_equal(
          torpor_snapshot_unprotect("x", 1, key, NULL, 4, w->out[0]),
          TORPOR_MISUSE);
      return torpor_snapshot_unprotect(w->data, w->size, key, NULL, 0,
                                       w->out[0]);
    }

    /* Large enough for whatever one of them gives. */
    static union {
      uint64_t bytes[512];
      double align;
    } outs[3];

    typedef struct function {
      const char *name;
      unsigned flags;
      torpor_status (*call)(const with *w);
    } function;

#define X(name, flags, how)                                                    \
  static torpor_status call_##name(const with *w) {                            \
    (void)w;                                                                   \
    outs[0].bytes[0] = sizeof(outs[0]); /* where that is a struct's size */    \
    how;                                                                       \
  }
    FUNCTIONS(X)
#undef X

    static const function functions[] = {
#define X(name, flags, how) {#name, (flags), call_##name},
        FUNCTIONS(X)
#undef X
    };

#define FUNCTION_COUNT (sizeof(functions) / sizeof(*functions))

    /* ---- The walk -------------------------------------------------------------*/

    static torpor_base *base;

    static with good(torpor_vm * vm) {
      with w = {.vm = vm,
                .value = torpor_number(1),
                .second = torpor_number(2),
                .function = torpor_undefined(),
                .text = "text",
                .data = "1",
                .size = 1,
                .out = {&outs[0], &outs[1], &outs[2]},
                .base = base,
                .table = table};
      return w;
    }

    /* Calls 'f', which must refuse with 'status' (OK: with any) and a sentence. */
    static void refuse(const function *f, const with *w, torpor_status status,
                       const char *how) {
      torpor_vm *of = f->flags & VM ? w->vm : NULL;
      torpor_status got;
      if (!of || !of->broken) torpor__fail(of, TORPOR_OK, "%s", "");
      got = f->call(w);
      if (f->flags & SILENT) return;
      if (got == TORPOR_OK || (status != TORPOR_OK && got != status) ||
          !*torpor_last_error(of)) {
        print_error("%s, %s: %s '%s'\n", f->name, how, torpor_status_name(got),
                    torpor_last_error(of));
        fail();
      }
    }

    static void test_pointers(void **state) {
      torpor_vm *vm = test_vm_open(NULL);
      (void)state;
      for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        const function *f = &functions[i];
        with w = good(NULL);
        if (f->flags & (VM | SILENT)) refuse(f, &w, TORPOR_MISUSE, "no VM");
        for (unsigned k = 0; k < 3; k++) {
          w = good(vm);
          w.out[k] = NULL;
          if (f->flags & (OUT1 << k)) refuse(f, &w, TORPOR_MISUSE, "no out");
        }
        w = good(vm);
        w.text = NULL;
        if (f->flags & TEXT) refuse(f, &w, TORPOR_MISUSE, "no text");
        w = good(vm);
        w.table = NULL;
        if (f->flags & TABLE) refuse(f, &w, TORPOR_MISUSE, "no table");
        w = good(vm);
        w.data = NULL;
        w.size = 5;
        if (f->flags & DATA) refuse(f, &w, TORPOR_MISUSE, "no data");
        for (int k = 0; k < 4; k++) {
          const double times[] = {(double)NAN, (double)INFINITY,
                                  -(double)INFINITY, -1};
          w = good(vm);
          w.due = times[k];
          if (f->flags & DUE) refuse(f, &w, TORPOR_MISUSE, "no time");
        }
      }
      test_eval_is(vm, "'well'", "well");
      torpor_vm_close(vm);
    }

    /* Calls 'f' without places for its results: that leaves no handle, and changes
 * no answer. Whether that is OK. */
    static bool want_nothing(const function *f, torpor_vm *vm,
                             const char *source) {
      torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
      torpor_status status;
      with w = good(vm);
      w.value = test_eval(vm, source);
      w.function = test_eval(vm, "(function () { return {} })");
      w.second = torpor_undefined();
      w.text = "x";
      status = f->call(&w);
      test_ok(vm, torpor_vm_usage(vm, &before));
      w.out[0] = w.out[1] = w.out[2] = NULL;
      test_status(vm, f->call(&w), status);
      test_ok(vm, torpor_vm_usage(vm, &after));
      if (status != TORPOR_OK) return false;
      if (after.handles != before.handles)
        fail_msg("%s leaves a handle", f->name);
      return true;
    }

    static void test_unwanted(void **state) {
      torpor_vm *vm = test_vm_open(NULL);
      torpor_token token;
      (void)state;
      test_ok(vm,
              torpor_token_add(vm, test_eval(vm, "Promise.resolve()"), &token));
      assert_int_equal(token, 1);
      test_eval(vm, "for (let i = 0; i < 4; i++) Promise.reject({}); 0");
      test_run_jobs(vm);
      for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        const function *f = &functions[i];
        bool done;
        if (!(f->flags & FREE1)) continue;
        done = want_nothing(f, vm, "Promise.resolve({})");
        done |= want_nothing(f, vm, "({x: {}})");
        done |= want_nothing(f, vm, "({x: () => ({})})");
        if (!done && strcmp(f->name, "torpor_state_hand_over") != 0)
          fail_msg("%s was not tried", f->name);
      }
      test_eval_is(vm, "'well'", "well");
      torpor_vm_close(vm);
    }

    /* With 'bad' in each place where there is a value. */
    static void try_value(torpor_vm * vm, torpor_value bad, const char *how) {
      for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        const function *f = &functions[i];
        with w = good(vm);
        w.value = w.function = bad;
        if (f->flags & VALUE) refuse(f, &w, TORPOR_STALE, how);
        w = good(vm);
        w.value = test_eval(vm, "({})");
        w.function = test_eval(vm, "(() => 1)");
        w.second = bad;
        if (f->flags & SECOND) refuse(f, &w, TORPOR_STALE, how);
      }
    }

    static void test_values(void **state) {
      static const char *const sources[] = {"({})", "'text'", "Symbol()", "1n",
                                            "Promise.resolve()"};
      torpor_vm *vm = test_vm_open(NULL), *other = test_vm_open(NULL), *gone;
      torpor_scope scope;
      (void)state;
      for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
        torpor_value value;
        try_value(vm, test_eval(other, sources[i]), "of another VM");
        gone = test_vm_open(NULL);
        value = test_eval(gone, sources[i]);
        torpor_vm_close(gone);
        try_value(vm, value, "of a closed VM");
        test_ok(vm, torpor_scope_open(vm, &scope));
        value = test_eval(vm, sources[i]);
        test_ok(vm, torpor_scope_close(vm, scope));
        try_value(vm, value, "of a closed scope");
        test_ok(vm, torpor_value_retain(vm, test_eval(vm, sources[i]), &value));
        test_ok(vm, torpor_value_release(vm, value));
        try_value(vm, value, "released");
      }
      test_eval_is(vm, "'well'", "well");
      torpor_vm_close(vm);
      torpor_vm_close(other);
    }

    /* All that have one of 'flags', with good arguments. */
    static void try_all(torpor_vm * vm, unsigned flags, torpor_status status,
                        const char *how) {
      const with w = good(vm);
      for (size_t i = 0; i < FUNCTION_COUNT; i++)
        if (functions[i].flags & (flags | SILENT))
          refuse(&functions[i], &w, status, how);
    }

    static void test_unusable(void **state) {
      torpor_vm *vm = test_vm_open(NULL);
      (void)state;
      vm->broken = true;
      torpor__fail(vm, TORPOR_TRAPPED, "it trapped");
      try_all(vm, VM, TORPOR_BROKEN, "after a trap");
      torpor_vm_close(vm);
      try_all(vm, VM, TORPOR_MISUSE, "after it was closed");
      torpor_vm_close(vm);
    }

    /* Those that may be called here are not refused. */
    static torpor_status try_in_host(torpor_vm * vm,
                                     const torpor_arguments *arguments,
                                     torpor_value *result, void *user) {
      const with w = good(vm);
      (void)arguments, (void)result, (void)user;
      try_all(vm, IDLE, TORPOR_BUSY, "in a host function");
      for (size_t i = 0; i < FUNCTION_COUNT; i++)
        if (!(functions[i].flags & (IDLE | SILENT)) &&
            functions[i].call(&w) == TORPOR_BUSY)
          fail_msg("%s may not be called in a host function",
                   functions[i].name);
      return TORPOR_OK;
    }

    static void try_in_console(void *user, torpor_level level, const char *text,
                               size_t size) {
      (void)level, (void)text, (void)size;
      try_all(*(torpor_vm **)user, ENTERS, TORPOR_BUSY, "in a callback");
    }

    static void try_in_finalizer(void *user) {
      torpor_vm **vm = user;
      try_all(*vm, ENTERS, TORPOR_BUSY, "in a finalizer");
      torpor_vm_close(*vm);
    }

    static void test_moments(void **state) {
      torpor_options options = TORPOR_OPTIONS_INIT;
      torpor_vm *vm;
      (void)state;
      options.console = try_in_console;
      options.user = &vm;
      vm = test_vm_open(&options);
      test_ok(vm, torpor_function_add(vm, "inHost", try_in_host, NULL));
      test_eval_is(vm, "inHost(); 'well'", "well");
      test_eval_is(vm, "console.log('x'); 'well'", "well");
      test_ok(vm, torpor_function_bind(vm, "f", host, &vm, try_in_finalizer));
      torpor_vm_close(vm);
      vm = test_vm_open(NULL);
      test_ok(vm, torpor_function_bind(vm, "f", host, &vm, try_in_finalizer));
      test_ok(vm,
              torpor_function_bind(vm, "f", host, NULL, NULL)); /* closes it */
    }

    /* ---- What the tags say ----------------------------------------------------*/

#define STARVED_MOST 30 /* of the allocations of a call, one fails */

    /* Values whose use runs code of the program, which counts in 'ran' and throws.
 */
    static const char *const probes[] = {
        "new Proxy(function () {}, traps)",
        "({get x() { tell() }, toString() { tell() }, get message() { tell() },"
        " then: 1})",
        "Object.defineProperty([1, 2], 1, {get() { tell() }, set() { tell() }})",
        "Promise.resolve({get then() { tell() }})",
        "Promise.resolve().then(tell)",
    };

    static const char probe_tools[] =
        "globalThis.ran = 0; function tell() { ran++; throw new Error('told') }"
        "const traps = Object.fromEntries(Reflect.ownKeys(Reflect)"
        ".filter(k => typeof k === 'string').map(k => [k, tell]));"
        "Object.defineProperty(globalThis, 'x', {get: tell, set: tell}); 0";

    /* Of the allocations in the guest to come, 'n' succeed and the next one fails;
 * UINT32_MAX: none fails. */
    static void fail_allocation(torpor_vm * vm, uint32_t n) {
      test_ok(vm, torpor__begin(vm));
      test_ok(vm, torpor__end(vm, TORPOR__INVOKE(vm, allocation_fail, n, 0)));
    }

    /* Calls 'f' with a probe, when 'n' allocations succeed; gives whether that
 * threw, and whether it ran code. */
    static void probe(const function *f, const char *source, uint32_t n,
                      bool *threw, bool *ran) {
      torpor_vm *vm = test_vm_open(NULL);
      torpor_status status;
      torpor_token token;
      with w = good(vm);
      test_eval(vm, probe_tools);
      test_eval_module(vm,
                       "import { exportState } from 'torpor:run';"
                       "exportState(tell);");
      w.value = w.second = w.function = test_eval(vm, source);
      test_eval(vm, "Promise.resolve().then(tell); ran = 0; 0");
      test_ok(vm, torpor_token_add(vm, w.value, &token));
      w.text = "x";
      w.data = "ran++; throw 1";
      w.size = SIZE_MAX;
      if (strstr(f->name, "cbor")) w.data = "\x9f", w.size = 1;
      if (strstr(f->name, "buffer")) w.size = strlen(w.data);
      fail_allocation(vm, n);
      status = f->call(&w);
      *threw |= status == TORPOR_THROWN;
      if (!vm->broken) {
        fail_allocation(vm, UINT32_MAX);
        *ran |= test_eval_number(vm, "ran") > 0;
      }
      torpor_vm_close(vm);
    }

    static void test_tags(void **state) {
      (void)state;
      for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        const function *f = &functions[i];
        bool threw = false, ran = false;
        if (!(f->flags & VM)) continue;
        for (size_t k = 0; k < sizeof(probes) / sizeof(*probes); k++)
          probe(f, probes[k], UINT32_MAX, &threw, &ran);
        for (uint32_t n = 0; n < STARVED_MOST; n++)
          probe(f, "({})", n, &threw, &ran);
        if (threw != !!(f->flags & THROWS))
          fail_msg("%s %s", f->name, threw ? "threw" : "never threw");
        if (ran != !!(f->flags & RUNS))
          fail_msg("%s %s code", f->name, ran ? "ran" : "never ran");
      }
    }

    static int setup(void **state) {
      torpor_vm *vm;
      torpor_bytes bytes;
      int failed = test_vm_setup(state);
      vm = test_vm_open(NULL);
      bytes = test_save(vm);
      torpor_vm_close(vm);
      test_ok(NULL, torpor_base_open(&(torpor_slice){bytes.data, bytes.size}, 1,
                                     NULL, &base));
      torpor_bytes_free(&bytes);
      return failed;
    }

    static int teardown(void **state) {
      torpor_base_close(base);
      return test_vm_teardown(state);
    }

    int main(void) {
      const struct CMUnitTest tests[] = {
          cmocka_unit_test(test_pointers), cmocka_unit_test(test_unwanted),
          cmocka_unit_test(test_values),   cmocka_unit_test(test_unusable),
          cmocka_unit_test(test_moments),  cmocka_unit_test(test_tags),
      };
      return cmocka_run_group_tests(tests, setup, teardown);
    }
