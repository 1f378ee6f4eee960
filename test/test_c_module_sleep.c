/* SPDX-License-Identifier: MIT */
/* ctest: thread */
/* test_c_module_sleep.c - C modules in VMs that sleep and wake, are copied, or
 * change their loop. See test_c_module.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/module-host.h"

/* ---- Sleeping ------------------------------------------------------------*/

static void what_slept_is_bound_or_lost(void **state) {
  struct host *host = *state;
  open_host(host, true);
  begin(host,
        "import * as probe from 'probe';"
        "const box = new probe.Box(1), lasting = new probe.Lasting(9);"
        "const pending = probe.never().catch(e => `${e} ${e.code}`);"
        "setTimeout(async () => {"
        "  console.log(probe.add(2, 3), lasting.id, new probe.Box(4).id);"
        "  try { box.id } catch (e) { console.log(`${e}`) }"
        "  try { probe.take() } catch (e) { console.log(`${e}`, e.code) }"
        "  console.log(await pending);"
        "  console.log(await probe.squared(3));"
        "}, 10)");
  assert_int_equal(test_probe.boxes, 2);
  sleep_and_wake(host);
  assert_int_equal(test_probe.finalized, 1);
  assert_int_equal(test_probe.cancelled, 1);
  attach(host);
  test_ok(host->vm, torpor_loop_run(host->loop));
  assert_string_equal(
      host->text,
      "5 9 4\n"
      "LostError: what the host had for this object of class 'probe.Box' is "
      "lost since the program slept or moved: the class has no 'restore'\n"
      "LostError: the pipe is lost: module 'probe' has it no longer, since the "
      "program slept or moved; make a new one LOST\n"
      "LostError: probe.never was under way when the program slept or moved, "
      "and what it waited for is lost; call it again LOST\n"
      "9\n");
  assert_int_equal(test_probe.made, 1);
  close_host(host);
}

/* A pending promise that nobody handles is not silent. */
static void a_lost_promise_is_told(void **state) {
  struct host *host = *state;
  open_host(host, true);
  begin(host, "import { never } from 'probe'; await never()");
  sleep_and_wake(host);
  attach(host);
  test_ok(host->vm, torpor_loop_run(host->loop));
  assert_non_null(strstr(host->text, "uncaught LostError: probe.never was"));
  close_host(host);
}

/* A copy in the same process has nothing of the original's. */
static void a_fork_has_its_own(void **state) {
  struct host *host = *state;
  torpor_vm *original = host->vm, *copy;
  open_host(host, true);
  original = host->vm;
  begin(host,
        "import { later, settle, add } from 'probe';"
        "globalThis.settle = settle;"
        "later().then(v => console.log('got', v),"
        "             e => console.log('lost', e.code, add(1, 1)))");
  torpor_options options = vm_options(host);
  test_ok(host->vm, torpor_vm_fork(host->vm, &options, &copy));
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  torpor_loader *loader;
  torpor_bytes none;
  assert_int_equal(torpor_loader_open(NULL, NULL, &loader, &none), TORPOR_OK);
  attachment.loader = loader;
  test_ok(copy, torpor_loop_attach(host->loop, copy, &attachment));
  assert_int_equal(test_probe.started, 2);
  assert_int_equal(torpor_loop_turn(host->loop, false), TORPOR_OK);
  assert_int_equal(torpor_loop_turn(host->loop, false), TORPOR_OK);
  assert_string_equal(host->text, "lost LOST 2\n");
  test_eval(original, "settle(5)");
  test_ok(original, torpor_loop_run(host->loop));
  assert_string_equal(host->text, "lost LOST 2\ngot 5\n");
  torpor_loop_detach(host->loop, copy);
  torpor_vm_close(copy);
  torpor_loader_close(loader);
  close_host(host);
}

/* What a snapshot says of its modules is believed no more than a program. */
static void damaged_lists_are_refused(void **state) {
  static const struct {
    const char *list;
    torpor_status status;
  } lists[] = {
      {"5", TORPOR_FORMAT},
      {"'text'", TORPOR_FORMAT},
      {"[5]", TORPOR_FORMAT},
      {"[[]]", TORPOR_FORMAT},
      {"[['probe']]", TORPOR_FORMAT},
      {"[['probe', 5]]", TORPOR_FORMAT},
      {"[['probe', '', 5]]", TORPOR_FORMAT},
      {"[['a\\0b', '']]", TORPOR_FORMAT},
      {"[['../x', '']]", TORPOR_FORMAT},
      {"[['x'.repeat(64), '']]", TORPOR_FORMAT},
      {"Array(300).fill(0).map((_, i) => ['a' + i, ''])", TORPOR_FORMAT},
      {"[['a', '', ...Array(5000).fill('f')]]", TORPOR_FORMAT},
      {"[() => 5]", TORPOR_THROWN},
      {"new Proxy([], {})", TORPOR_THROWN},
      {"undefined", TORPOR_FORMAT},
      {"[]", TORPOR_OK},
      {"[['none', '', 'f', '', 'x'.repeat(300)]]", TORPOR_OK},
      {"[['none', 'relative'], ['nine', '/etc/passwd', 'g']]", TORPOR_OK},
      {"[['torpor:x', '']]", TORPOR_FORMAT},
  };
  struct host *host = *state;
  for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
    torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
    torpor_value class, list;
    open_host(host, true);
    run(host, "import { add } from 'probe'; globalThis.add = add");
    test_ok(host->vm,
            torpor_class_get(host->vm, "torpor-module.Modules", &class));
    list = test_eval(host->vm, lists[i].list);
    test_ok(host->vm, torpor_set(host->vm, class, "list", list));
    sleep_and_wake(host);
    attachment.loader = host->loader;
    torpor_status status =
        torpor_loop_attach(host->loop, host->vm, &attachment);
    if (status != lists[i].status)
      fail_msg("%s: %s", lists[i].list, torpor_status_name(status));
    close_host(host);
  }
}

/* A module that does not start again. */
static void a_module_that_is_gone_says_so(void **state) {
  struct host *host = *state;
  open_host(host, true);
  assert_int_equal(torpor_module_register("other", init_other), TORPOR_OK);
  start_other = test_probe_start;
  begin(host,
        "import { add } from 'other';"
        "setTimeout(() => { try { add(1, 2) } catch (e) {"
        "  console.log(`${e}`) } }, 1)");
  sleep_and_wake(host);
  start_other = fail_in_words;
  attach(host);
  test_ok(host->vm, torpor_loop_run(host->loop));
  assert_string_equal(host->text,
                      "LostError: C module 'other' is lost, which the program "
                      "had: starting C module 'other': there is no printer\n");
  close_host(host);
}

static void detached_and_attached_again(void **state) {
  struct host *host = *state;
  open_host(host, true);
  run(host, "import { Lasting } from 'probe'; globalThis.it = new Lasting(3)");
  torpor_loop_detach(host->loop, host->vm);
  attach(host);
  run(host,
      "import { squared } from 'probe';"
      "console.log(it.id, await squared(5))");
  assert_string_equal(host->text, "3 25\n");
  assert_int_equal(test_probe.started, 1);
  close_host(host);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(what_slept_is_bound_or_lost),
      TEST(a_lost_promise_is_told),
      TEST(a_fork_has_its_own),
      TEST(damaged_lists_are_refused),
      TEST(a_module_that_is_gone_says_so),
      TEST(detached_and_attached_again),
  };
  if (torpor_module_register("probe", torpor_module_init_probe) != TORPOR_OK)
    return 1;
  return cmocka_run_group_tests(tests, test_vm_setup, NULL);
}
