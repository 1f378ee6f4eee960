/* SPDX-License-Identifier: MIT */
/* test_c_module_alloc.c - every allocation of an import of a C module, of its
 * promises and of its waking fails once.
 *
 * ctest: nosanitize
 *
 * See failing-malloc.h. Each time nothing may crash, nothing may leak, and
 * every module that was started has to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failing-malloc.h"
#include "torpor-module.h"
#include "vm/pool.h"
#include "wasm/region.h"

static int started, ended, resolved;

/* ---- The module ----------------------------------------------------------*/

static torpor_status later(torpor_vm *vm, const torpor_arguments *arguments,
                           torpor_value *result, void *module) {
  torpor_deferred *deferred;
  (void)vm, (void)arguments;
  torpor_status status =
      torpor_deferred_open(module, "later", result, &deferred);
  if (status != TORPOR_OK) return status;
  if (torpor_value_type(arguments->args[0]) == TORPOR_TYPE_UNDEFINED)
    torpor_deferred_complete(deferred, TORPOR_RESOLVE, "\x07", 1);
  else if (torpor_value_number(arguments->args[0]) == 1)
    torpor_deferred_fail(deferred, "Error", "no", NULL);
  else
    return torpor_deferred_resolve(deferred, torpor_number(1));
  return TORPOR_OK;
}

static void close_poll(void *user, unsigned events) {
  torpor_poll **poll = user;
  (void)events;
  torpor_poll_close(*poll);
  *poll = NULL;
}

static torpor_status watch(torpor_vm *vm, const torpor_arguments *arguments,
                           torpor_value *result, void *module) {
  (void)vm, (void)result;
  return torpor_module_watch(
      module, (int)torpor_value_number(arguments->args[0]),
      TORPOR_POLL_READABLE, close_poll, torpor_module_user(module),
      torpor_module_user(module));
}

static torpor_status construct(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_instance *instance, void *user) {
  (void)vm, (void)arguments, (void)user;
  instance->id = 1;
  return TORPOR_OK;
}

static void end(void *user) {
  torpor_poll_close(*(torpor_poll **)user);
  free(user);
  ended++;
}

static torpor_status start(torpor_module *module) {
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  torpor_poll **poll = calloc(1, sizeof(*poll));
  if (poll == NULL) return torpor_module_fail(module, "no memory");
  started++;
  torpor_module_set_user(module, poll, end);
  def.name = "Thing";
  def.construct = construct;
  torpor_status status = torpor_module_add_function(module, "later", 1, later);
  if (status == TORPOR_OK)
    status = torpor_module_add_function(module, "watch", 1, watch);
  if (status == TORPOR_OK) status = torpor_module_add_class(module, &def);
  if (status == TORPOR_OK)
    status = torpor_module_add_text(module, "text", "some", SIZE_MAX);
  return status;
}

TORPOR_MODULE_DEFINE(scene, start, 0)

/* ---- The host ------------------------------------------------------------*/

static int ready[2]; /* a pipe with a byte in it */

static void forget(void *user, torpor_level level, const char *text,
                   size_t size) {
  (void)user, (void)level, (void)size;
  resolved += text[0] == '!';
}

static torpor_status give_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  return torpor_loader_source(user, request, answer);
}

/* The program's promise tells nothing that 'resolved' does not. */
static void play_in(torpor_loop *loop, torpor_loader *loader, torpor_vm *vm) {
  static const char source[] =
      "import { later, watch, Thing, text } from 'scene';"
      "watch(%d);"
      "globalThis.thing = new Thing();"
      "await later(); await later(2); await later(1).catch(() => 0);"
      "setTimeout(() => later().then(() => console.log('!')), 1);";
  char text[sizeof(source) + 16];
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  torpor_value main;
  attachment.loader = loader;
  snprintf(text, sizeof(text), source, ready[0]);
  if (torpor_loop_attach(loop, vm, &attachment) != TORPOR_OK) return;
  if (torpor_eval(vm, text, SIZE_MAX, "/main.mjs", TORPOR_MODULE, &main) ==
      TORPOR_OK)
    torpor_loop_finish(loop, vm, main, NULL);
  torpor_loop_detach(loop, vm);
}

/* A copy wakes like a VM that slept. */
static void play_copy(torpor_loop *loop, torpor_loader *loader, torpor_vm *vm) {
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *copy;
  options.module = give_module;
  options.user = loader;
  attachment.loader = loader;
  if (torpor_vm_fork(vm, &options, &copy) != TORPOR_OK) return;
  if (torpor_loop_attach(loop, copy, &attachment) == TORPOR_OK) {
    torpor_eval(copy, "import('scene').then(m => new m.Thing())", SIZE_MAX, "x",
                TORPOR_SCRIPT, NULL);
    torpor_loop_run(loop);
    torpor_loop_detach(loop, copy);
  }
  torpor_vm_close(copy);
}

static void play(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_loop *loop = NULL;
  torpor_loader *loader = NULL;
  torpor_vm *vm = NULL;
  torpor_bytes none;
  started = ended = resolved = 0;
  if (torpor_loop_open(NULL, &loop) == TORPOR_OK &&
      torpor_loader_open(NULL, NULL, &loader, &none) == TORPOR_OK) {
    options.module = give_module;
    options.console = forget;
    options.user = loader;
    if (torpor_vm_open(&options, &vm) == TORPOR_OK) {
      play_in(loop, loader, vm);
      play_copy(loop, loader, vm);
    }
  }
  torpor_loop_close(loop);
  torpor_vm_close(vm);
  torpor_loader_close(loader);
  torpor__pool_drain();
  torpor__region_drain();
}

static void every_failed_allocation_is_survived(void **state) {
  long failed = 0;
  (void)state;
  play(); /* what stays for all VMs is made */
  assert_int_equal(resolved, 1);
  do {
    begin_failing(failed);
    play();
    assert_nothing_is_left(failed);
    assert_int_equal(started, ended);
    failed++;
  } while (has_failed());
  assert_int_equal(resolved, 1);
  assert_true(failed > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_failed_allocation_is_survived),
  };
  if (!spare_libuv() || pipe(ready) != 0 || write(ready[1], "x", 1) != 1 ||
      torpor_module_register("scene", torpor_module_init_scene) != TORPOR_OK)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
