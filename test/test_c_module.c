/* SPDX-License-Identifier: MIT */
/* ctest: thread */
/* test_c_module.c - C modules that are linked in: what they export, promises,
 * descriptors, sleeping, ending.
 *
 * Modules in shared objects are in test_c_module_file.py. Each test ends with
 * no VM and no loop left, and every module that was started has been finalized.
 * Blocks of the heap are counted in test_c_module_alloc.c, and looked for by
 * the address sanitizer here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/module-host.h"

/* ---- Exports -------------------------------------------------------------*/

static void all_kinds_are_exported(void **state) {
  struct host *host = *state;
  open_host(host, true);
  run(host,
      "import plus, { add, answer, text, list, Box, promised } from 'probe';"
      "import * as all from 'probe';"
      "console.log(add(1, 2), plus(3, 4), answer, text, JSON.stringify(list));"
      "console.log(add.name, add.length, Box.name, new Box(7).id);"
      "console.log(await promised(20, 1), new Box(1) instanceof Box);"
      "try { Object.create(Box.prototype).id } catch (e) "
      "{ console.log(e.name) }"
      "console.log(Object.keys(all).length, all.Lasting !== Box);"
      "const again = await import('probe'); console.log(again.Box === Box);");
  assert_string_equal(host->text,
                      "3 7 42 gr\xc3\xbc\xc3\x9f\x65 [1,2,3]\n"
                      "add 2 Box 7\n21 true\nTypeError\n17 true\n"
                      "true\n");
  assert_int_equal(test_probe.started, 1);
  assert_int_equal(test_probe.made, 1);
  close_host(host);
  assert_int_equal(test_probe.finalized, 1);
}

/* Under whatever name it is imported, it is what it calls itself. */
static void two_names_are_one_module(void **state) {
  struct host *host = *state;
  assert_int_equal(
      torpor_module_register("other-name", torpor_module_init_probe),
      TORPOR_OK);
  open_host(host, true);
  begin(host,
        "import { Lasting, add } from 'other-name';"
        "import { Lasting as Same } from 'probe';"
        "const it = new Lasting(8);"
        "setTimeout(() => console.log(it.id, Same === Lasting, add(1, 2),"
        "  Object.prototype.toString.call(it)), 5)");
  assert_int_equal(test_probe.started, 1);
  sleep_and_wake(host);
  attach(host);
  test_ok(host->vm, torpor_loop_run(host->loop));
  assert_string_equal(host->text, "8 true 3 [object Lasting]\n");
  close_host(host);
}

static void two_vms_have_two_of_it(void **state) {
  struct host *host = *state, other;
  open_host(host, true);
  open_host(&other, true);
  run(host, "import { Box } from 'probe'; globalThis.box = new Box(1)");
  run(&other, "import { Box } from 'probe'; globalThis.box = new Box(2)");
  assert_int_equal(test_probe.started, 2);
  assert_int_equal(test_probe.boxes, 2);
  torpor_loop_close(other.loop);
  torpor_vm_close(other.vm);
  torpor_loader_close(other.loader);
  assert_int_equal(test_probe.finalized, 1);
  assert_int_equal(test_probe.boxes, 1);
  close_host(host);
}

/* Nobody gets a module by load() that was not imported. */
static void load_gives_only_what_was_imported(void **state) {
  struct host *host = *state;
  open_host(host, true);
  run(host,
      "import load from 'torpor-module:load';"
      "for (const name of ['probe', 1, '', '/tmp/x.so'])"
      "  try { load(name) } catch (e) { console.log(e.name) }"
      "try { load(Symbol()) } catch (e) { console.log(e.name) }"
      "await import('probe');"
      "console.log(load('probe').add(1, 1))");
  assert_string_equal(host->text,
                      "TypeError\nTypeError\nTypeError\nTypeError\n"
                      "TypeError\n2\n");
  close_host(host);
}

static void hostile_programs_hurt_themselves(void **state) {
  struct host *host = *state;
  open_host(host, true);
  test_turn_hostile(host->vm);
  test_eval_status(host->vm,
                   "Object.defineProperty(Object.prototype, 'add', {set() {"
                   "  globalThis.stolen = true }})");
  test_ok(host->vm, torpor_eval(host->vm,
                                "import { add } from 'probe';"
                                "globalThis.sum = add(1, 2)",
                                SIZE_MAX, "/main.mjs", TORPOR_MODULE, NULL));
  torpor_loop_run(host->loop);
  torpor_value sum = torpor_undefined();
  test_ok(host->vm,
          torpor_eval(host->vm, "sum", SIZE_MAX, "x", TORPOR_SCRIPT, &sum));
  assert_true(torpor_value_number(sum) == 3);
  close_host(host);
}

/* ---- Modules that do not start -------------------------------------------*/

static torpor_status fail_by_code(torpor_module *module) {
  (void)module;
  return TORPOR_IO;
}

static torpor_status check_exports(torpor_module *module) {
  torpor_value handle = {.bits = 0};
  char large[200];
  torpor_class_def class = TORPOR_CLASS_DEF_INIT;
  memset(large, 'x', sizeof(large));
  large[199] = '\0';
  assert_int_equal(torpor_module_add_function(module, "x", 0, test_probe_add),
                   TORPOR_OK);
  assert_int_equal(torpor_module_add_function(module, "x", 0, test_probe_add),
                   TORPOR_EXISTS);
  assert_int_equal(torpor_module_add_text(module, "x", "y", 1), TORPOR_EXISTS);
  for (const char *bad = "1;- \n"; *bad != '\0'; bad++) {
    char name[] = {*bad, 'a', '\0'};
    assert_int_equal(torpor_module_add_constant(module, name, torpor_null()),
                     TORPOR_MISUSE);
  }
  assert_int_equal(torpor_module_add_function(module, "", 0, test_probe_add),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_module_add_function(module, large, 0, test_probe_add),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_module_add_function(module, NULL, 0, test_probe_add),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_module_add_function(module, "f", -1, test_probe_add),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_module_add_function(module, "f", 0, NULL),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_module_add_functions(module, NULL, 1), TORPOR_MISUSE);
  assert_int_equal(torpor_module_add_text(module, "f", NULL, 0), TORPOR_MISUSE);
  assert_int_equal(torpor_module_add_value(module, "f", NULL), TORPOR_MISUSE);
  assert_int_equal(torpor_module_add_class(module, NULL), TORPOR_MISUSE);
  assert_int_equal(torpor_module_add_class(module, &class), TORPOR_MISUSE);
  class.name = "C";
  class.user = module;
  assert_int_equal(torpor_module_add_class(module, &class), TORPOR_MISUSE);
  assert_int_equal(torpor_string_new(torpor_module_vm(module), "x", 1, &handle),
                   TORPOR_BUSY);
  for (int i = 1; i < TORPOR_MODULE_EXPORTS_LARGEST; i++) {
    snprintf(large, sizeof(large), "$%d", i);
    if (torpor_module_add_constant(module, large, torpor_number(i)) !=
        TORPOR_OK)
      return TORPOR_MISUSE;
  }
  assert_int_equal(torpor_module_add_function(module, "f", 0, test_probe_add),
                   TORPOR_LIMIT);
  return TORPOR_OK;
}

static torpor_status throw_always(torpor_vm *vm, torpor_module *module,
                                  torpor_value *result) {
  (void)module, (void)result;
  return torpor_throw(vm, "RangeError", "no value today");
}

static torpor_module *kept;

static torpor_status keep_module(torpor_module *module) {
  kept = module;
  return torpor_module_add_value(module, "x", throw_always);
}

static void expect_failure(struct host *host, const char *words) {
  host->size = 0;
  run(host,
      "try { await import('other'); console.log('fine') }"
      "catch (e) { console.log(e.name + ': ' + e.message) }");
  if (strstr(host->text, words) == NULL)
    fail_msg("'%s' is not in: %s", words, host->text);
}

static void what_start_says_is_told(void **state) {
  struct host *host = *state;
  assert_int_equal(torpor_module_register("other", init_other), TORPOR_OK);
  open_host(host, true);
  start_other = fail_in_words;
  expect_failure(host, "starting C module 'other': there is no printer");
  start_other = fail_by_code;
  expect_failure(host, "reading or writing failed");
  start_other = check_exports;
  expect_failure(host, "fine");
  close_host(host);
  open_host(host, true);
  start_other = keep_module;
  expect_failure(host, "RangeError: no value today");
  assert_int_equal(torpor_module_add_function(kept, "late", 0, test_probe_add),
                   TORPOR_BUSY);
  close_host(host);
}

static const torpor_module_def *init_newer(void) {
  static const torpor_module_def def = {
      sizeof(def), TORPOR_MODULE_INTERFACE + 1, 0, "newer", test_probe_start};
  return &def;
}

static const torpor_module_def *init_nameless(void) {
  static const torpor_module_def def = {sizeof(def), TORPOR_MODULE_INTERFACE, 0,
                                        "no name", test_probe_start};
  return &def;
}

static const torpor_module_def *init_nothing(void) {
  return NULL;
}

static void only_modules_are_registered(void **state) {
  (void)state;
  assert_int_equal(torpor_module_register("newer", init_newer), TORPOR_NEWER);
  assert_int_equal(torpor_module_register("bad", init_nameless), TORPOR_FORMAT);
  assert_int_equal(torpor_module_register("bad", init_nothing), TORPOR_FORMAT);
  assert_int_equal(torpor_module_register("bad", NULL), TORPOR_MISUSE);
  assert_int_equal(torpor_module_register("./x", torpor_module_init_probe),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_module_register("", torpor_module_init_probe),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_module_register("probe", torpor_module_init_probe),
                   TORPOR_OK);
  assert_int_equal(torpor_module_register("probe", init_other), TORPOR_EXISTS);
}

/* ---- Promises ------------------------------------------------------------*/

static void promises_are_settled_on_the_loop(void **state) {
  struct host *host = *state;
  open_host(host, true);
  run(host,
      "import { later, settle, reject } from 'probe';"
      "const first = later(); setTimeout(() => settle({a: () => 5}), 1);"
      "console.log((await first).a());"
      "const second = later(); settle(6); console.log(await second);"
      "const third = later(); setTimeout(() => reject(new Error('no')));"
      "console.log(await third.catch(e => e.message));");
  assert_string_equal(host->text, "5\n6\nno\n");
  close_host(host);
}

static void threads_settle_promises(void **state) {
  struct host *host = *state;
  open_host(host, true);
  run(host,
      "import { squared } from 'probe';"
      "const all = await Promise.allSettled("
      "  Array.from({length: 40}, (_, i) => squared(i - 2)));"
      "console.log(all.map(one => one.value ?? one.reason.message).join(' '));"
      "console.log(all[0].reason.code, all[0].reason.name)");
  assert_non_null(strstr(host->text,
                         "less than zero less than zero the module "
                         "gave no answer: what it waited for was "
                         "given up 1 4 9 16 25 "));
  assert_non_null(strstr(host->text, "1369\nNEG RangeError\n"));
  close_host(host);
}

/* Whatever ends first. */
static void nobody_waits_any_more(void **state) {
  struct host *host = *state;
  open_host(host, true);
  begin(host,
        "import { never, later, squared } from 'probe';"
        "never(); never(); squared(3); squared(4); later()");
  torpor_loop_detach(host->loop, host->vm);
  assert_int_equal(test_probe.cancelled, 2);
  torpor_loop_close(host->loop);
  host->loop = NULL;
  test_probe_join(); /* they settle what nobody waits for */
  /* later() is settled by a function, which finds nobody. */
  torpor_value value;
  test_ok(host->vm,
          torpor_eval(host->vm,
                      "import('probe').then(m => { try { m.settle(1) } catch "
                      "(e) { console.log(e.message) }"
                      "try { m.never() } catch (e) { console.log(e.message) }"
                      "})",
                      SIZE_MAX, "x", TORPOR_SCRIPT, &value));
  test_run_jobs(host->vm);
  assert_string_equal(host->text,
                      "cancelled\nnever of module 'probe' needs a loop, "
                      "and its VM is attached to none\n");
  close_host(host);
}

static void begun_and_detached_at_once(void **state) {
  struct host *host = *state;
  open_host(host, true);
  test_ok(host->vm, torpor_eval(host->vm,
                                "import { never } from 'probe';"
                                "never().catch(e => console.log(e.code))",
                                SIZE_MAX, "/main.mjs", TORPOR_MODULE, NULL));
  torpor_loop_detach(host->loop, host->vm); /* no turn saw it */
  assert_int_equal(test_probe.cancelled, 1);
  attach(host);
  run(host, "import { add } from 'probe'; console.log(add(1, 1))");
  assert_string_equal(host->text, "2\nLOST\n");
  close_host(host);
}

/* What was settled already is not cancelled, though no turn has seen it. */
static void settled_and_detached_at_once(void **state) {
  struct host *host = *state;
  open_host(host, true);
  for (int number = 1; number < 4; number++) {
    char source[256];
    snprintf(source, sizeof(source),
             "import { squared } from 'probe'; squared(%d)", number);
    begin(host, source);
    test_probe_join();
    torpor_loop_detach(host->loop, host->vm);
    attach(host);
  }
  close_host(host);
  assert_int_equal(test_probe.given_up, 0);
}

/* ---- Descriptors ---------------------------------------------------------*/

static void a_descriptor_is_watched(void **state) {
  struct host *host = *state;
  char source[512];
  int ends[2];
  open_host(host, true);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "abc", 3), 3);
  snprintf(source, sizeof(source),
           "import { watch, take, unwatch } from 'probe';"
           "watch(%d, events => { const byte = take();"
           "  console.log(events, byte);"
           "  if (byte === 'b') throw new Error('not this one');"
           "  if (byte === 'c') unwatch() })",
           ends[0]);
  run(host, source);
  assert_string_equal(host->text,
                      "1 a\n1 b\nuncaught Error: not this one\n1 c\n");
  close(ends[0]);
  close(ends[1]);
  close_host(host);
}

static void a_descriptor_settles_a_promise(void **state) {
  struct host *host = *state;
  char source[1024];
  int ends[2];
  open_host(host, true);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "abc", 3), 3);
  snprintf(source, sizeof(source),
           "import { readable } from 'probe'; const fd = %d;"
           "const first = readable(fd, 0);"
           "try { readable(fd, 0) } catch (e) { console.log(e.message) }"
           "console.log(await first);"
           "for (const how of [1, 2]) try { await readable(fd, how) }"
           "  catch (e) { console.log(`${e}`) }"
           "for (const bad of [-1, 100000]) try { readable(bad, 0) }"
           "  catch (e) { console.log(`${e}`) }",
           ends[0]);
  run(host, source);
  assert_string_equal(host->text,
                      "readable: another promise waits for the same thing\n"
                      "a\nRangeError: not this: b\n"
                      "Error: reading or writing failed\n"
                      "Error: an argument is wrong; see torpor_last_error\n"
                      "Error: reading or writing failed\n");
  close(ends[0]);
  close(ends[1]);
  close_host(host);
}

static void a_watch_ends_with_the_attachment(void **state) {
  struct host *host = *state;
  char source[256];
  int ends[2];
  open_host(host, true);
  assert_int_equal(pipe(ends), 0);
  snprintf(source, sizeof(source),
           "import { watch } from 'probe'; watch(%d, () => console.log('no'))",
           ends[0]);
  begin(host, source);
  torpor_loop_detach(host->loop, host->vm);
  assert_int_equal(write(ends[1], "abc", 3), 3);
  assert_int_equal(torpor_loop_run(host->loop), TORPOR_OK);
  assert_string_equal(host->text, "");
  close(ends[0]);
  close(ends[1]);
  close_host(host);
}

/* ---- Without a loop ------------------------------------------------------*/

static void a_vm_without_a_loop_has_functions(void **state) {
  struct host *host = *state;
  open_host(host, false);
  assert_int_equal(torpor_loader_bind(host->loader, host->vm, 8),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_loader_bind(NULL, host->vm, 0), TORPOR_MISUSE);
  assert_int_equal(torpor_loader_bind(host->loader, NULL, 0), TORPOR_MISUSE);
  test_ok(host->vm, torpor_loader_bind(host->loader, host->vm, 0));
  test_eval_module(host->vm,
                   "import { add, later, squared, readable, Lasting }"
                   "  from 'probe';"
                   "globalThis.add = add;"
                   "globalThis.it = new Lasting(5);"
                   "console.log(add(1, 2));"
                   "for (const f of [later, squared, () => readable(0, 0)])"
                   "  try { f(1) } catch (e) { console.log(e.message) }");
  assert_string_equal(
      host->text,
      "3\n"
      "later of module 'probe' needs a loop, and its VM is attached to none\n"
      "squared of module 'probe' needs a loop, and its VM is attached to none\n"
      "watching a descriptor of module 'probe' needs a loop, and its VM is "
      "attached to none\n");
  sleep_and_wake(host);
  test_ok(host->vm, torpor_loader_bind(host->loader, host->vm, 0));
  test_eval_is(host->vm, "add(it.id, 2)", "7");
  close_host(host);
}

static void only_pure_ones_where_that_is_asked(void **state) {
  struct host *host = *state;
  open_host(host, false);
  test_ok(host->vm,
          torpor_loader_bind(host->loader, host->vm, TORPOR_MODULE_PURE));
  test_eval_module(host->vm,
                   "import('probe').catch(e =>"
                   "  console.log(e.code, e.message))");
  assert_non_null(strstr(host->text, "DENIED"));
  assert_non_null(strstr(host->text, "not declared TORPOR_MODULE_PURE"));
  assert_int_equal(test_probe.started, 0);
  close_host(host);
}

/* A host that says nothing of modules has none, and says so. */
static void a_host_that_gives_none(void **state) {
  struct host *host = *state;
  open_host(host, false);
  test_eval_module(host->vm,
                   "import('probe').catch(e =>"
                   "  console.log(e.message))");
  assert_non_null(strstr(host->text,
                         "this host gives its programs no C "
                         "modules"));
  close_host(host);
}

/* ---- Without a loader ----------------------------------------------------*/

static void a_host_opens_it_itself(void **state) {
  struct host *host = *state;
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  open_host(host, false);
  assert_int_equal(
      torpor_module_open(host->loop, host->vm, torpor_module_init_probe),
      TORPOR_MISUSE);
  test_ok(host->vm, torpor_loop_attach(host->loop, host->vm, &attachment));
  for (int i = 0; i < 2; i++)
    test_ok(host->vm,
            torpor_module_open(host->loop, host->vm, torpor_module_init_probe));
  assert_int_equal(torpor_module_open(host->loop, host->vm, init_newer),
                   TORPOR_NEWER);
  begin(host,
        "import { add, squared, Lasting } from 'probe';"
        "const it = new Lasting(2);"
        "setTimeout(async () => console.log(add(1, 1), it.id,"
        "  await squared(2)), 5)");
  sleep_and_wake(host);
  test_ok(host->vm, torpor_loop_attach(host->loop, host->vm, &attachment));
  test_ok(host->vm,
          torpor_module_open(host->loop, host->vm, torpor_module_init_probe));
  test_ok(host->vm, torpor_loop_run(host->loop));
  assert_string_equal(host->text, "2 2 4\n");
  assert_int_equal(test_probe.started, 2);
  assert_int_equal(test_probe.made, 1);
  close_host(host);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(only_modules_are_registered),
      TEST(all_kinds_are_exported),
      TEST(two_names_are_one_module),
      TEST(two_vms_have_two_of_it),
      TEST(load_gives_only_what_was_imported),
      TEST(hostile_programs_hurt_themselves),
      TEST(what_start_says_is_told),
      TEST(promises_are_settled_on_the_loop),
      TEST(threads_settle_promises),
      TEST(nobody_waits_any_more),
      TEST(begun_and_detached_at_once),
      TEST(settled_and_detached_at_once),
      TEST(a_descriptor_is_watched),
      TEST(a_descriptor_settles_a_promise),
      TEST(a_watch_ends_with_the_attachment),
      TEST(a_vm_without_a_loop_has_functions),
      TEST(only_pure_ones_where_that_is_asked),
      TEST(a_host_that_gives_none),
      TEST(a_host_opens_it_itself),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, NULL);
}
