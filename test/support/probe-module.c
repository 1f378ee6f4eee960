/* SPDX-License-Identifier: MIT */
/* probe-module.c - a C module with one of everything. See probe-module.h. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe-module.h"

struct test_probe_counts test_probe;

/* ---- The module ----------------------------------------------------------*/

/* What one instance of the module has. */
struct probe {
  torpor_module *module;
  torpor_deferred *waiting; /* what later() gave */
  torpor_poll *poll;
  torpor_value listener;
  int descriptor;
};

static struct probe *probe_of(void *user) {
  return torpor_module_user(user);
}

torpor_status test_probe_add(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  (void)vm, (void)user;
  *result = torpor_number(torpor_value_number(arguments->args[0]) +
                          torpor_value_number(arguments->args[1]));
  return TORPOR_OK;
}

static torpor_status later(torpor_vm *vm, const torpor_arguments *arguments,
                           torpor_value *result, void *user) {
  (void)vm, (void)arguments;
  return torpor_deferred_open(user, "later", result, &probe_of(user)->waiting);
}

static void count_cancel(void *user) {
  test_probe.cancelled++;
  torpor_deferred_close(user);
}

static torpor_status never(torpor_vm *vm, const torpor_arguments *arguments,
                           torpor_value *result, void *user) {
  torpor_deferred *deferred;
  (void)vm, (void)arguments;
  torpor_status status = torpor_deferred_open(user, "never", result, &deferred);
  if (status == TORPOR_OK)
    torpor_deferred_on_cancel(deferred, count_cancel, deferred);
  return status;
}

/* settle(value), reject(reason): what later() waits for. */
static torpor_status settle(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)vm, (void)result;
  return torpor_deferred_resolve(probe_of(user)->waiting, arguments->args[0]);
}

static torpor_status reject(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)vm, (void)result;
  return torpor_deferred_reject(probe_of(user)->waiting, arguments->args[0]);
}

struct work {
  torpor_deferred *deferred;
  double number;
};

static void *square(void *user) {
  struct work *work = user;
  torpor_writer *writer;
  torpor_slice tree;
  usleep(2000);
  if (work->number < 0) {
    torpor_deferred_fail(work->deferred, "RangeError", "less than zero", "NEG");
  } else if (work->number == 0) {
    torpor_deferred_close(work->deferred);
  } else if (torpor_writer_open(NULL, 0, &writer) == TORPOR_OK) {
    torpor_writer_number(writer, work->number * work->number);
    torpor_writer_finish(writer, &tree);
    torpor_deferred_complete(work->deferred, TORPOR_RESOLVE, tree.data,
                             tree.size);
    torpor_writer_close(writer);
  }
  free(work);
  return NULL;
}

static pthread_t threads[64];
static size_t thread_count;

void test_probe_join(void) {
  for (size_t i = 0; i < thread_count; i++) pthread_join(threads[i], NULL);
  thread_count = 0;
}

static void count_given_up(void *user) {
  (void)user; /* the thread's */
  test_probe.given_up++;
}

/* squared(n): by a thread. */
static torpor_status squared(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  struct work *work = malloc(sizeof(*work));
  (void)vm;
  work->number = torpor_value_number(arguments->args[0]);
  torpor_status status =
      torpor_deferred_open(user, "squared", result, &work->deferred);
  if (status != TORPOR_OK) {
    free(work);
    return status;
  }
  torpor_deferred_on_cancel(work->deferred, count_given_up, NULL);
  pthread_create(&threads[thread_count++], NULL, square, work);
  return TORPOR_OK;
}

/* ---- Its descriptor ------------------------------------------------------*/

static void call_listener(void *user, unsigned events) {
  struct probe *probe = user;
  torpor_value number = torpor_number(events);
  torpor_module_call(probe->module, probe->listener, &number, 1);
}

/* watch(descriptor, function) */
static torpor_status watch(torpor_vm *vm, const torpor_arguments *arguments,
                           torpor_value *result, void *user) {
  struct probe *probe = probe_of(user);
  (void)result;
  probe->descriptor = (int)torpor_value_number(arguments->args[0]);
  torpor_status status =
      torpor_value_retain(vm, arguments->args[1], &probe->listener);
  if (status != TORPOR_OK) return status;
  return torpor_module_watch(user, probe->descriptor, TORPOR_POLL_READABLE,
                             call_listener, probe, &probe->poll);
}

/* take() reads a byte; unwatch() */
static torpor_status take(torpor_vm *vm, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  struct probe *probe = probe_of(user);
  char byte;
  (void)arguments;
  if (probe->descriptor == 0) return torpor_module_lost(user, "the pipe");
  if (read(probe->descriptor, &byte, 1) != 1) return TORPOR_OK;
  return torpor_string_new(vm, &byte, 1, result);
}

static torpor_status unwatch(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  struct probe *probe = probe_of(user);
  (void)arguments, (void)result;
  torpor_poll_close(probe->poll);
  probe->poll = NULL;
  return torpor_value_release(vm, probe->listener);
}

/* What readable() waits for, which its number says. */
static torpor_status give_byte(torpor_vm *vm, torpor_module *module,
                               torpor_value *result, void *user) {
  int *number = user, how = number[1];
  char byte = '?';
  assert_non_null(probe_of(module));
  if (read(number[0], &byte, 1) != 1) byte = '.';
  if (how == 1) return torpor_throw(vm, "RangeError", "not this: %c", byte);
  return how == 2 ? TORPOR_IO : torpor_string_new(vm, &byte, 1, result);
}

/* readable(descriptor, how) */
static torpor_status readable(torpor_vm *vm, const torpor_arguments *arguments,
                              torpor_value *result, void *user) {
  int *number = malloc(2 * sizeof(*number));
  (void)vm;
  number[0] = (int)torpor_value_number(arguments->args[0]);
  number[1] = (int)torpor_value_number(arguments->args[1]);
  torpor_status status =
      torpor_module_await(user, "readable", number[0], TORPOR_POLL_READABLE,
                          give_byte, number, free, result);
  if (status != TORPOR_OK) free(number);
  return status;
}

/* ---- Its classes ---------------------------------------------------------*/

static torpor_status construct(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_instance *instance, void *user) {
  (void)vm;
  assert_non_null(probe_of(user));
  instance->id = (uint64_t)torpor_value_number(arguments->args[0]);
  instance->data = malloc(1);
  test_probe.boxes++;
  return TORPOR_OK;
}

static void free_box(const torpor_instance *instance, void *user) {
  assert_non_null(probe_of(user)); /* the module is there still */
  free(instance->data);
  test_probe.boxes--;
}

static torpor_status restore_box(torpor_vm *vm, torpor_instance *instance,
                                 void *user) {
  (void)vm, (void)user;
  instance->data = malloc(1);
  test_probe.boxes++;
  return TORPOR_OK;
}

static torpor_status box_id(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)vm, (void)user;
  *result = torpor_number((double)arguments->instance.id);
  return TORPOR_OK;
}

static torpor_status make_list(torpor_vm *vm, torpor_module *module,
                               torpor_value *result) {
  test_probe.made++;
  assert_ptr_equal(torpor_module_vm(module), vm);
  return torpor_json_decode(vm, "[1,2,3]", SIZE_MAX, result);
}

static const torpor_function_entry functions[] = {
    {"add", test_probe_add, 2, 0},
    {"later", later, 0, 0},
    {"never", never, 0, 0},
    {"settle", settle, 1, 0},
    {"reject", reject, 1, 0},
    {"squared", squared, 1, 0},
    {"watch", watch, 2, 0},
    {"take", take, 0, 0},
    {"unwatch", unwatch, 0, 0},
    {"readable", readable, 2, 0},
    {"default", test_probe_add, 2, 0},
    {"promised", test_probe_add, 2, TORPOR_FUNCTION_ASYNC},
};

static void end_probe(void *user) {
  struct probe *probe = user;
  torpor_poll_close(probe->poll);
  free(probe);
  test_probe.finalized++;
}

static torpor_status
add_box(torpor_module *module, const char *name,
        torpor_status (*restore)(torpor_vm *, torpor_instance *, void *)) {
  static const torpor_function_entry members[] = {
      {"id", box_id, 0, TORPOR_FUNCTION_GETTER}};
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  def.name = name;
  def.construct = construct;
  def.finalize = free_box;
  def.restore = restore;
  def.members = members;
  def.member_count = 1;
  return torpor_module_add_class(module, &def);
}

torpor_status test_probe_start(torpor_module *module) {
  struct probe *probe = calloc(1, sizeof(*probe));
  probe->module = module;
  test_probe.started++;
  torpor_module_set_user(module, probe, end_probe);
  torpor_status status = torpor_module_add_functions(
      module, functions, sizeof(functions) / sizeof(*functions));
  if (status == TORPOR_OK) status = add_box(module, "Box", NULL);
  if (status == TORPOR_OK) status = add_box(module, "Lasting", restore_box);
  if (status == TORPOR_OK)
    status = torpor_module_add_constant(module, "answer", torpor_number(42));
  if (status == TORPOR_OK)
    status = torpor_module_add_text(module, "text", "gr\xc3\xbc\xc3\x9f\x65",
                                    SIZE_MAX);
  if (status == TORPOR_OK)
    status = torpor_module_add_value(module, "list", make_list);
  return status;
}

TORPOR_MODULE_DEFINE(probe, test_probe_start, 0)
