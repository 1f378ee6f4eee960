/* SPDX-License-Identifier: MIT */
/* module-host.h - a host with a loop, a loader and a VM, for tests of C
 * modules. What the program prints, and what it does not catch, is kept. */
#ifndef TORPOR_TEST_MODULE_HOST_H
#define TORPOR_TEST_MODULE_HOST_H

#include <stdio.h>
#include <string.h>

#include "probe-module.h"
#include "vm.h"

/* Not every test uses all of them. */
#define HELPER static __attribute__((unused))

struct host {
  torpor_loop *loop;
  torpor_loader *loader;
  torpor_vm *vm;
  char text[2048]; /* what the program printed */
  size_t size;
};

HELPER void print(void *user, torpor_level level, const char *text,
                  size_t size) {
  struct host *host = user;
  (void)level;
  assert_true(host->size + size + 2 < sizeof(host->text));
  memcpy(host->text + host->size, text, size);
  host->size += size;
  host->text[host->size++] = '\n';
  host->text[host->size] = '\0';
}

HELPER void tell_rejection(void *user, torpor_vm *vm, torpor_value reason) {
  torpor_error error = TORPOR_ERROR_INIT;
  test_ok(vm, torpor_error_read(vm, reason, &error));
  char line[512];
  snprintf(line, sizeof(line), "uncaught %s: %s", error.name, error.message);
  print(user, TORPOR_LEVEL_ERROR, line, strlen(line));
  torpor_error_free(&error);
}

HELPER torpor_status give_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  struct host *host = user;
  return torpor_loader_source(host->loader, request, answer);
}

HELPER torpor_options vm_options(struct host *host) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = host;
  options.console = print;
  options.module = give_module;
  options.memory_max = (uint64_t)64 << 20;
  return options;
}

HELPER void attach(struct host *host) {
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  attachment.rejected = tell_rejection;
  attachment.user = host;
  attachment.loader = host->loader;
  test_ok(host->vm, torpor_loop_attach(host->loop, host->vm, &attachment));
}

HELPER void open_host(struct host *host, bool loads) {
  torpor_bytes none;
  *host = (struct host){.size = 0};
  assert_int_equal(torpor_loop_open(NULL, &host->loop), TORPOR_OK);
  assert_int_equal(torpor_loader_open(NULL, NULL, &host->loader, &none),
                   TORPOR_OK);
  torpor_options options = vm_options(host);
  assert_int_equal(torpor_vm_open(&options, &host->vm), TORPOR_OK);
  if (loads) attach(host);
}

HELPER void close_host(struct host *host) {
  torpor_loop_close(host->loop);
  torpor_vm_close(host->vm);
  torpor_loader_close(host->loader);
  test_probe_join();
  assert_int_equal(test_probe.started, test_probe.finalized);
  assert_int_equal(test_probe.boxes, 0);
}

/* Runs a module to its end. */
HELPER void run(struct host *host, const char *source) {
  torpor_value main;
  test_ok(host->vm, torpor_eval(host->vm, source, SIZE_MAX, "/main.mjs",
                                TORPOR_MODULE, &main));
  test_ok(host->vm, torpor_loop_finish(host->loop, host->vm, main, NULL));
}

/* Runs it until the loop waits, or, if threads were fast, to its end. */
HELPER void begin(struct host *host, const char *source) {
  test_ok(host->vm, torpor_eval(host->vm, source, SIZE_MAX, "/main.mjs",
                                TORPOR_MODULE, NULL));
  torpor_status status = torpor_loop_turn(host->loop, false);
  assert_true(status == TORPOR_OK || status == TORPOR_NOT_FOUND);
}

/* Puts the VM to sleep and wakes it on another loop. */
HELPER void sleep_and_wake(struct host *host) {
  torpor_bytes snapshot = test_save(host->vm);
  torpor_options options = vm_options(host);
  torpor_loop_close(host->loop);
  torpor_vm_close(host->vm);
  assert_int_equal(torpor_loop_open(NULL, &host->loop), TORPOR_OK);
  host->vm = test_restore(&snapshot, &options);
  torpor_bytes_free(&snapshot);
}

/* ---- Each test ---------------------------------------------------------*/

HELPER int set_up(void **state) {
  test_probe = (struct test_probe_counts){.made = 0};
  *state = calloc(1, sizeof(struct host));
  return *state == NULL;
}

HELPER int tear_down(void **state) {
  free(*state);
  return 0;
}

/* ---- A module that starts as it is told ---------------------------------*/

HELPER torpor_status (*start_other)(torpor_module *module);

HELPER torpor_status start_as_told(torpor_module *module) {
  return start_other(module);
}

HELPER const torpor_module_def *init_other(void) {
  static const torpor_module_def def = {sizeof(def), TORPOR_MODULE_INTERFACE, 0,
                                        "other", start_as_told};
  return &def;
}

HELPER torpor_status fail_in_words(torpor_module *module) {
  torpor_module_fail(module, "first");
  return torpor_module_fail(module, "there is no %s", "printer");
}

#endif
