/* SPDX-License-Identifier: MIT */
/* walk-table.h - every public function of torpor.h and torpor-engine.h, for
 * test_walk.c. test_api.py looks that none is missing, and that the flags are
 * what the headers' tags say. */
#ifndef TORPOR_TEST_WALK_TABLE_H
#define TORPOR_TEST_WALK_TABLE_H

#include "test/support/walk.h"

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
  X(torpor_vm_set_collect, VM | ENTERS,                                        \
    RETURNS(torpor_vm_set_collect(w->vm, 1)))                                  \
  X(torpor_vm_set_fuel, SILENT, (torpor_vm_set_fuel(w->vm, 0));                \
    return TORPOR_OK)                                                          \
  X(torpor_vm_fuel, SILENT, DOES(torpor_vm_fuel(w->vm)))                       \
  X(torpor_vm_options, VM | OUT1,                                              \
    RETURNS(torpor_vm_options(w->vm, w->out[0])))                              \
  X(torpor_vm_exhausted, SILENT, DOES(torpor_vm_exhausted(w->vm)))             \
  X(torpor_vm_timed_out, SILENT, DOES(torpor_vm_timed_out(w->vm)))             \
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
  X(torpor_string_new, VM | FREE1 | DATA | ENTERS | THROWS | LENGTH,           \
    RETURNS(torpor_string_new(w->vm, w->data, w->size, w->out[0])))            \
  X(torpor_string_read, VM | VALUE | ENTERS | THROWS | RUNS,                   \
    RETURNS(keep_none(torpor_string_read(w->vm, w->value, w->out[0]), w)))     \
  X(torpor_string_new_as, VM | FREE1 | DATA | ENTERS | THROWS | LENGTH,        \
    RETURNS(torpor_string_new_as(w->vm, w->data, w->size, TORPOR_LATIN1,       \
                                 w->out[0])))                                  \
  X(torpor_string_read_as, VM | VALUE | ENTERS | THROWS,                       \
    RETURNS(read_utf16(w)))                                                    \
  X(torpor_string_look, VM | VALUE | ENTERS | THROWS,                          \
    RETURNS(look_at_string(w)))                                                \
  X(torpor_buffer_new, VM | FREE1 | DATA | ENTERS | THROWS | LENGTH,           \
    RETURNS(torpor_buffer_new(w->vm, w->data, w->size, w->out[0])))            \
  X(torpor_buffer_new_as, VM | FREE1 | ENTERS | THROWS | LENGTH,               \
    RETURNS(torpor_buffer_new_as(w->vm, TORPOR_BRAND_INT8_ARRAY, w->data,      \
                                 w->size, w->out[0])))                         \
  X(torpor_buffer_new_resizable, VM | FREE1 | ENTERS | THROWS | LENGTH,        \
    RETURNS(torpor_buffer_new_resizable(w->vm, 1, w->count, w->out[0])))       \
  X(torpor_buffer_new_view, VM | VALUE | ENTERS | THROWS,                      \
    RETURNS(view_buffer(w)))                                                   \
  X(torpor_buffer_look, VM | VALUE | ENTERS,                                   \
    RETURNS(torpor_buffer_look(w->vm, w->value, w->out[0])))                   \
  X(torpor_buffer_write, VM | VALUE | DATA | ENTERS | LENGTH,                  \
    RETURNS(torpor_buffer_write(w->vm, w->value, 0, w->data, w->size)))        \
  X(torpor_buffer_inspect, VM | VALUE | ENTERS, RETURNS(inspect_buffer(w)))    \
  X(torpor_buffer_viewed, VM | VALUE | ENTERS,                                 \
    RETURNS(torpor_buffer_viewed(w->vm, w->value, w->out[0])))                 \
  X(torpor_symbol_new, VM | FREE1 | ENTERS | THROWS | LENGTH,                  \
    RETURNS(torpor_symbol_new(w->vm, w->text, w->length, w->out[0])))          \
  X(torpor_symbol_for, VM | FREE1 | TEXT | ENTERS | THROWS | LENGTH,           \
    RETURNS(torpor_symbol_for(w->vm, w->text, w->length, w->out[0])))          \
  X(torpor_symbol_known, VM | TEXT | ENTERS | LENGTH,                          \
    RETURNS(torpor_symbol_known(w->vm, w->text, w->length, w->out[0])))        \
  X(torpor_symbol_read, VM | VALUE | ENTERS,                                   \
    RETURNS(torpor_symbol_read(w->vm, w->value, w->out[0], w->out[1])))        \
  X(torpor_regexp_new, VM | FREE1 | TEXT | ENTERS | THROWS | LENGTH,           \
    RETURNS(torpor_regexp_new(w->vm, w->text, w->length, "g", 1, w->out[0])))  \
  X(torpor_regexp_read, VM | VALUE | ENTERS | THROWS, RETURNS(read_regexp(w))) \
  X(torpor_bigint_new_int64, VM | FREE1 | ENTERS | THROWS,                     \
    RETURNS(torpor_bigint_new_int64(w->vm, INT64_MIN, w->out[0])))             \
  X(torpor_bigint_new_uint64, VM | FREE1 | ENTERS | THROWS,                    \
    RETURNS(torpor_bigint_new_uint64(w->vm, UINT64_MAX, w->out[0])))           \
  X(torpor_bigint_new_words, VM | FREE1 | ENTERS | THROWS | LENGTH,            \
    RETURNS(torpor_bigint_new_words(w->vm, true, outs[2].bytes, w->count,      \
                                    w->out[0])))                               \
  X(torpor_bigint_new_text, VM | FREE1 | DATA | ENTERS | THROWS | LENGTH,      \
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
  X(torpor_array_new_of, VM | FREE1 | VALUE | ENTERS | THROWS | LENGTH,        \
    RETURNS(torpor_array_new_of(w->vm, &w->value, w->count, w->out[0])))       \
  X(torpor_array_new_sized, VM | FREE1 | ENTERS | THROWS,                      \
    RETURNS(torpor_array_new_sized(w->vm, 9, w->out[0])))                      \
  X(torpor_array_length, VM | VALUE | ENTERS,                                  \
    RETURNS(torpor_array_length(w->vm, w->value, w->out[0])))                  \
  X(torpor_collection_new, VM | FREE1 | VALUE | ENTERS | THROWS | LENGTH,      \
    RETURNS(torpor_collection_new(w->vm, TORPOR_BRAND_SET, &w->value,          \
                                  w->count, w->out[0])))                       \
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
  X(torpor_error_properties, VM | VALUE | ENTERS | THROWS,                     \
    RETURNS(                                                                   \
        keep_none(torpor_error_properties(w->vm, w->value, w->out[0]), w)))    \
  X(torpor_value_same, VM | VALUE | SECOND | ENTERS,                           \
    RETURNS(torpor_value_same(w->vm, w->value, w->second, TORPOR_SAME_KEY,     \
                              w->out[0])))                                     \
  X(torpor_value_identity, VM | VALUE | FREE1 | ENTERS,                        \
    RETURNS(torpor_value_identity(w->vm, w->value, w->out[0])))                \
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
  X(torpor_get_each,                                                           \
    VM | OUT1 | VALUE | TEXT | ENTERS | THROWS | RUNS | LENGTH,                \
    RETURNS(torpor_get_each(w->vm, w->value, &w->text, w->count, w->out[0])))  \
  X(torpor_get_elements, VM | OUT1 | VALUE | ENTERS | THROWS | RUNS | LENGTH,  \
    RETURNS(torpor_get_elements(w->vm, w->value, 1, w->count, w->out[0])))     \
  X(torpor_length, VM | FREE1 | VALUE | ENTERS | THROWS | RUNS,                \
    RETURNS(torpor_length(w->vm, w->value, w->out[0])))                        \
  X(torpor_get_key,                                                            \
    VM | FREE1 | VALUE | SECOND | TEXT | ENTERS | THROWS | RUNS,               \
    RETURNS(get_by_both(w)))                                                   \
  X(torpor_set_key, VM | VALUE | SECOND | TEXT | ENTERS | THROWS | RUNS,       \
    RETURNS(                                                                   \
        torpor_set_key(w->vm, w->value, torpor_key_name(w->text), w->second))) \
  X(torpor_has, VM | FREE1 | VALUE | TEXT | ENTERS | THROWS | RUNS,            \
    RETURNS(torpor_has(w->vm, w->value, torpor_key_name(w->text), w->out[0]))) \
  X(torpor_has_own, VM | FREE1 | VALUE | TEXT | ENTERS | THROWS | RUNS,        \
    RETURNS(                                                                   \
        torpor_has_own(w->vm, w->value, torpor_key_name(w->text), w->out[0]))) \
  X(torpor_delete, VM | FREE1 | VALUE | TEXT | ENTERS | THROWS | RUNS,         \
    RETURNS(                                                                   \
        torpor_delete(w->vm, w->value, torpor_key_name(w->text), w->out[0])))  \
  X(torpor_define, VM | VALUE | SECOND | TEXT | ENTERS | THROWS | RUNS,        \
    RETURNS(define_both(w)))                                                   \
  X(torpor_get_own, VM | OUT1 | VALUE | TEXT | ENTERS | THROWS | RUNS,         \
    RETURNS(                                                                   \
        torpor_get_own(w->vm, w->value, torpor_key_name(w->text), w->out[0]))) \
  X(torpor_keys, VM | FREE1 | VALUE | ENTERS | THROWS | RUNS,                  \
    RETURNS(torpor_keys(w->vm, w->value, TORPOR_KEYS_ALL, w->out[0])))         \
  X(torpor_prototype_get, VM | FREE1 | VALUE | ENTERS | THROWS | RUNS,         \
    RETURNS(torpor_prototype_get(w->vm, w->value, w->out[0])))                 \
  X(torpor_prototype_set, VM | VALUE | SECOND | ENTERS | THROWS | RUNS,        \
    RETURNS(torpor_prototype_set(w->vm, w->value, w->second)))                 \
  X(torpor_integrity_set, VM | VALUE | ENTERS | THROWS | RUNS,                 \
    RETURNS(torpor_integrity_set(w->vm, w->value, TORPOR_FROZEN)))             \
  X(torpor_integrity_test, VM | FREE1 | VALUE | ENTERS | THROWS | RUNS,        \
    RETURNS(torpor_integrity_test(w->vm, w->value, TORPOR_SEALED, w->out[0]))) \
  X(torpor_iterator_open, VM | OUT1 | VALUE | ENTERS | THROWS | RUNS,          \
    RETURNS(torpor_iterator_open(w->vm, w->value, w->out[0])))                 \
  X(torpor_iterator_next, VM | OUT1 | VALUE | SECOND | ENTERS | THROWS | RUNS, \
    RETURNS(iterate(w)))                                                       \
  X(torpor_iterator_close, VM | OUT1 | VALUE | ENTERS | THROWS | RUNS,         \
    RETURNS(end_iteration(w)))                                                 \
  X(torpor_call,                                                               \
    VM | FREE1 | VALUE | SECOND | ENTERS | THROWS | RUNS | LENGTH,             \
    RETURNS(torpor_call(w->vm, w->function, w->second, &w->value, w->count,    \
                        w->out[0])))                                           \
  X(torpor_call_method,                                                        \
    VM | FREE1 | VALUE | SECOND | TEXT | ENTERS | THROWS | RUNS | LENGTH,      \
    RETURNS(torpor_call_method(w->vm, w->value, w->text, &w->second, w->count, \
                               w->out[0])))                                    \
  X(torpor_construct,                                                          \
    VM | FREE1 | VALUE | SECOND | ENTERS | THROWS | RUNS | LENGTH,             \
    RETURNS(torpor_construct(w->vm, w->function, w->second, &w->value,         \
                             w->count, w->out[0])))                            \
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
  X(torpor_eval, VM | FREE1 | TEXT | DATA | ENTERS | THROWS | RUNS | LENGTH,   \
    RETURNS(torpor_eval(w->vm, w->data, w->size, w->text, TORPOR_SCRIPT,       \
                        w->out[0])))                                           \
  X(torpor_eval_with, VM | FREE1 | DATA | ENTERS | THROWS | RUNS | LENGTH,     \
    RETURNS(torpor_eval_with(w->vm, w->data, w->size, NULL, w->out[0])))       \
  X(torpor_compile, VM | OUT1 | DATA | ENTERS | THROWS | LENGTH,               \
    RETURNS(keep_none(                                                         \
        torpor_compile(w->vm, w->data, w->size, NULL, w->out[0]), w)))         \
  X(torpor_bytecode_run, VM | FREE1 | DATA | ENTERS | THROWS | RUNS | LENGTH,  \
    RETURNS(compile_and_run(w)))                                               \
  X(torpor_module_give, OUT1 | DATA | LENGTH, RETURNS(give_module(w)))         \
  X(torpor_module_give_compiled, OUT1 | DATA | LENGTH,                         \
    RETURNS(give_compiled(w)))                                                 \
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
  X(torpor_cbor_encode, VM | FREE1 | VALUE | ENTERS | THROWS | RUNS,           \
    RETURNS(keep_none(torpor_cbor_encode(w->vm, w->value, w->out[0]), w)))     \
  X(torpor_cbor_encode_with, VM | FREE1 | VALUE | ENTERS | THROWS | RUNS,      \
    RETURNS(encode_with(w)))                                                   \
  X(torpor_json_encode, VM | FREE1 | VALUE | ENTERS | THROWS | RUNS,           \
    RETURNS(keep_none(torpor_json_encode(w->vm, w->value, w->out[0]), w)))     \
  X(torpor_json_decode, VM | FREE1 | DATA | ENTERS | THROWS | LENGTH,          \
    RETURNS(torpor_json_decode(w->vm, w->data, w->size, w->out[0])))           \
  X(torpor_cbor_decode, VM | FREE1 | DATA | ENTERS | THROWS | LENGTH,          \
    RETURNS(torpor_cbor_decode(w->vm, w->data, w->size, w->out[0])))           \
  X(torpor_cbor_decode_with, VM | FREE1 | DATA | ENTERS | THROWS | LENGTH,     \
    RETURNS(decode_with(w)))                                                   \
  X(torpor_json_to_cbor, OUT1 | DATA | LENGTH,                                 \
    RETURNS(keep_none(torpor_json_to_cbor(w->data, w->size, w->out[0]), w)))   \
  X(torpor_cbor_to_json, OUT1 | DATA | LENGTH,                                 \
    RETURNS(keep_none(torpor_cbor_to_json(w->data, w->size, w->out[0]), w)))   \
  X(torpor_writer_open, OUT1, RETURNS(open_writer(w)))                         \
  X(torpor_writer_close, SILENT, (torpor_writer_close(NULL));                  \
    return TORPOR_OK)                                                          \
  X(torpor_writer_reset, SILENT, (torpor_writer_reset(NULL));                  \
    return TORPOR_OK)                                                          \
  X(torpor_writer_finish, 0, RETURNS(torpor_writer_finish(NULL, NULL)))        \
  X(torpor_writer_array, SILENT, (torpor_writer_array(NULL, 0));               \
    return TORPOR_OK)                                                          \
  X(torpor_writer_object, SILENT, (torpor_writer_object(NULL, 0));             \
    return TORPOR_OK)                                                          \
  X(torpor_writer_map, SILENT, (torpor_writer_map(NULL, 0)); return TORPOR_OK) \
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
  X(torpor_writer_value, SILENT, (torpor_writer_value(NULL, w->value));        \
    return TORPOR_OK)                                                          \
  X(torpor_writer_tag, SILENT, (torpor_writer_tag(NULL, 5)); return TORPOR_OK) \
  X(torpor_reader_open, OUT1 | DATA | LENGTH, RETURNS(open_reader(w)))         \
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
  X(torpor_reader_value, SILENT, DOES(torpor_reader_value(NULL, w->vm)))       \
  X(torpor_reader_view, SILENT, DOES(torpor_reader_view(NULL, NULL)))          \
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
  X(torpor_operation_settle_cbor, VM | DATA | ENTERS | THROWS | LENGTH,        \
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
  X(torpor_snapshot_restore, OUT1 | DATA | LENGTH,                             \
    RETURNS(torpor_snapshot_restore(w->data, w->size, NULL, w->out[0])))       \
  X(torpor_snapshot_restore_chain, OUT1 | DATA | LENGTH,                       \
    RETURNS(torpor_snapshot_restore_chain(                                     \
        w->data ? &(torpor_slice){w->data, w->size} : NULL, w->count, NULL,    \
        w->out[0])))                                                           \
  X(torpor_snapshot_identify, OUT1 | DATA,                                     \
    RETURNS(torpor_snapshot_identify(w->data, w->size, w->out[0])))            \
  X(torpor_snapshot_read, OUT1 | DATA | LENGTH,                                \
    RETURNS(torpor_snapshot_read(w->data, w->size, w->out[0], NULL)))          \
  X(torpor_snapshot_section, OUT1 | DATA | LENGTH,                             \
    RETURNS(torpor_snapshot_section(w->data, w->size, TORPOR_SECTION_RUN,      \
                                    w->out[0])))                               \
  X(torpor_snapshot_attach, OUT1 | DATA | LENGTH,                              \
    RETURNS(torpor_snapshot_attach(w->data, w->size, "\xa0", 1, w->out[0])))   \
  X(torpor_base_open, OUT1 | DATA | LENGTH,                                    \
    RETURNS(torpor_base_open(&(torpor_slice){w->data, w->size}, w->count,      \
                             NULL, w->out[0])))                                \
  X(torpor_base_close, SILENT, (torpor_base_close(NULL)); return TORPOR_OK)    \
  X(torpor_base_restore, OUT1 | LENGTH, RETURNS(restore_base(w)))              \
  X(torpor_vm_fork, VM | OUT1 | ENTERS | IDLE, RETURNS(fork_and_close(w)))     \
  X(torpor_vm_reseed, VM | ENTERS, RETURNS(torpor_vm_reseed(w->vm)))           \
  X(torpor_vm_load_extension, VM | TEXT | ENTERS | THROWS,                     \
    RETURNS(                                                                   \
        torpor_vm_load_extension(w->vm, w->text ? "headers" : NULL, NULL)))    \
  X(torpor_extension_find, OUT1 | TEXT,                                        \
    RETURNS(torpor_extension_find(w->text ? "headers" : NULL, w->out[0])))     \
  X(torpor_extension_module, OUT1 | TEXT,                                      \
    RETURNS(keep_none(                                                         \
        torpor_extension_module(w->text ? "headers" : NULL, w->out[0]), w)))   \
  X(torpor_vm_extension_count, SILENT, DOES(torpor_vm_extension_count(w->vm))) \
  X(torpor_vm_extension_at, VM | OUT1,                                         \
    RETURNS(torpor_vm_extension_at(w->vm, 0, w->out[0])))                      \
  X(torpor_vm_inspect, VM | OUT1 | ENTERS | IDLE,                              \
    RETURNS(keep_none(torpor_vm_inspect(w->vm, w->out[0]), w)))                \
  X(torpor_vm_heap, VM | OUT1 | ENTERS,                                        \
    RETURNS(torpor_vm_heap(w->vm, w->out[0])))                                 \
  X(torpor_vm_waiting, VM | OUT1 | ENTERS | IDLE,                              \
    RETURNS(keep_none(torpor_vm_waiting(w->vm, w->out[0]), w)))                \
  X(torpor_state_hand_over, VM | FREE1 | ENTERS | THROWS | RUNS,               \
    RETURNS(torpor_state_hand_over(w->vm, w->out[0])))                         \
  X(torpor_snapshot_protect, OUT1 | DATA, RETURNS(protect(w)))                 \
  X(torpor_snapshot_unprotect, OUT1 | DATA | LENGTH, RETURNS(unprotect(w)))    \
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

#endif
