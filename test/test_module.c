/* SPDX-License-Identifier: MIT */
/* test_module.c - modules: where they come from, what they are imported as,
 * what is said when they fail; answers that come later, also after a sleep. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/heap.h"
#include "test/support/modules.h"

static const test_module shelf[] = {
    {"a.js",
     "import './b.js'; import { c } from './lib/c.js';"
     "export const a = 'a' + c;"},
    {"b.js", "(globalThis.order ||= []).push('b'); export const b = 'b';"},
    {"lib/c.js", "export { b as c } from '../b.js';"},
    {"data.json", "{\"list\": [1, 2], \"n\": null}"},
    {"mark.json", "\xef\xbb\xbf[7]"},
    {"bad.json", "{\"list\": "},
    {"text.txt", "gr\xc3\xbc\xc3\x9f dich"},
    {"broken.js", "let let = 1;"},
    {"wants-broken.js", "import './broken.js';"},
    {"wants-missing.js", "import './wants-missing-2.js';"},
    {"wants-missing-2.js", "import './nowhere.js';"},
    {"wants-name.js", "import { nothing } from './b.js';"},
    {"through-name.js", "import './wants-name.js';"},
    {"secret.js", NULL},
    {"meta.js",
     "export const url = import.meta.url, main = import.meta.main;"
     "export const other = import.meta.resolve('./lib/c.js');"},
    {"meta.txt", "x"},
    {"even.js",
     "import { odd } from './odd.js';"
     "export const even = (n) => n === 0 || odd(n - 1);"},
    {"odd.js",
     "import { even } from './even.js';"
     "export const odd = (n) => n !== 0 && even(n - 1);"},
    {"later/one.js",
     "import './two.js'; import { s } from '../later/three.js';"
     "(globalThis.order ||= []).push('one');"
     "export const one = 'one' + s;"},
    {"later/two.js", "await 0; (globalThis.order ||= []).push('two');"},
    {"later/three.js",
     "(globalThis.order ||= []).push('three');"
     "export const s = 3;"},
    {"later/data.json", "{\"x\": 5}"},
    {"later/broken.js", "let let"},
    {"later/missing-inside.js", "import './nowhere.js';"},
    {"later/main.js", "export { x } from './loop.js'; export const y = 2;"},
    {"later/loop.js",
     "import { y } from './main.js'; export const x = () => y;"},
    {"endless.js", "for (;;) ;"},
    {"awaits.js", "await 0; export const late = 7;"},
    {"again.js", "export { late as default } from './wants-awaits.js';"},
    {"wants-awaits.js", "export { late } from './awaits.js';"},
    {"https://host/lib/a.js?v=1", "export { u as r } from '../b.js?v=2';"},
    {"https://host/b.js?v=2", "export const u = import.meta.url;"},
    {"https://host/root.js", "export const u = import.meta.url;"},
    {"https://other/x.js", "export const u = import.meta.url;"},
    {"https://host/up.js",
     "import { u } from '../../root.js';"
     "import { u as v } from '/root.js';"
     "import { u as w } from '//other/x.js';"
     "export const r = [u, u === v, w].join();"},
    {NULL, NULL},
};

/* A VM whose host has the shelf. */
static torpor_vm *open_vm(test_modules *modules) {
  torpor_options options;
  *modules = (test_modules){.table = shelf};
  options = test_modules_options(modules);
  return test_vm_open(&options);
}

#define assert_runs(vm, modules, source, expected)                             \
  do {                                                                         \
    char text_[512];                                                           \
    test_modules_run((vm), (modules), (source), text_);                        \
    assert_string_equal(text_, (expected));                                    \
  } while (0)

/* Runs 'source' in a VM of its own. */
static void runs(const char *source, const char *expected) {
  test_modules modules;
  torpor_vm *vm = open_vm(&modules);
  assert_runs(vm, &modules, source, expected);
  torpor_vm_close(vm);
}

/* What import() of 'argument' fails with. */
static void rejects(const char *argument, const char *expected) {
  char source[512];
  snprintf(source, sizeof(source),
           "await import(%s).then(() => out = 'loaded', (e) => out = e.name + "
           "': ' + e.message + ' [' + e.code + ']');",
           argument);
  char with[600];
  snprintf(with, sizeof(with), "globalThis.out = ''; %s", source);
  runs(with, expected);
}

/* ---- Graphs ---------------------------------------------------------------*/

static void test_graphs(void **state) {
  (void)state;
  runs("import { a } from './a.js'; globalThis.out = a + order;", "abb");
  runs("import { even } from './even.js'; globalThis.out = even(10);", "true");
  runs(
      "globalThis.out = 1; import * as self from './main.js';"
      "export const x = 2; out += self.x;",
      "3");
  runs(
      "const [m, n] = await Promise.all([import('./b.js'), import('./b.js')]);"
      "globalThis.out = (m === n) + m.b + order;",
      "truebb");
  runs("globalThis.out = await import('./b.js').then(m => m.b)", "b");
}

static void test_import_in_eval(void **state) {
  test_modules modules;
  torpor_vm *vm = open_vm(&modules);
  (void)state;
  test_ok(vm, torpor_eval(vm,
                          "globalThis.out = 0;"
                          "eval(`import('./c.js').then(m => out = m.c)`); 0",
                          SIZE_MAX, "lib/script.js", TORPOR_SCRIPT,
                          &(torpor_value){0}));
  test_run_jobs(vm);
  test_eval_is(vm, "out", "b");
  test_eval(vm, "out = 0; 0");
  test_ok(vm,
          torpor_eval(vm,
                      "(0, eval)(`import('../lib/c.js').then(m => out = m.c)`);"
                      "new Function(`return import('./c.js')`)()"
                      ".then(m => out += m.c); 0",
                      SIZE_MAX, "lib/script.js", TORPOR_SCRIPT,
                      &(torpor_value){0}));
  test_run_jobs(vm);
  test_eval_is(vm, "out", "bb");
  torpor_vm_close(vm);
}

/* ---- Types ----------------------------------------------------------------*/

static void test_types(void **state) {
  (void)state;
  runs(
      "import d from './data.json' with { type: 'json' };"
      "d.list.push(3); globalThis.out = JSON.stringify(d)",
      "{\"list\":[1,2,3],\"n\":null}");
  runs(
      "import d from './mark.json' with { type: 'json' };"
      "globalThis.out = d[0]",
      "7");
  runs(
      "import t from './text.txt' with { type: 'text' };"
      "globalThis.out = t",
      "gr\xc3\xbc\xc3\x9f dich");
  runs(
      "import b from './text.txt' with { type: 'bytes' };"
      "try { b[0] = 1 } catch {}"
      "globalThis.out = [b.constructor.name, b.length, b[0],"
      "  b.buffer.immutable].join()",
      "Uint8Array,11,103,true");
  /* Each type is a module of its own. */
  runs(
      "import t from './data.json' with { type: 'text' };"
      "import d from './data.json' with { type: 'json' };"
      "const again = await import('./data.json', { with: { type: 'json' } });"
      "globalThis.out = [typeof t, typeof d, again.default === d].join()",
      "string,object,true");
  runs(
      "import t from './meta.js' with { type: 'text' };"
      "import { url } from './meta.js';"
      "globalThis.out = t.length > 20 && url",
      "meta.js");
}

static void test_types_fail(void **state) {
  (void)state;
  runs("import d from './b.js' with { type: 'css' };",
       "TypeError: an import attribute 'type' is \"json\", \"text\" or "
       "\"bytes\" [undefined]");
  runs("import d from './b.js' with { kind: 'json' };",
       "SyntaxError: there is no import attribute 'kind' [undefined]");
  rejects("'./b.js', { with: { kind: 'json' } }",
          "TypeError: there is no import attribute 'kind' [undefined]");
  rejects("'./bad.json', { with: { type: 'json' } }",
          "SyntaxError: Unexpected end of JSON input (imported by 'main.js') "
          "[undefined]");
  rejects("'torpor:run', { with: { type: 'json' } }",
          "TypeError: module 'torpor:run' is made by the library: it cannot be "
          "imported as json [undefined]");
}

/* ---- Failures -------------------------------------------------------------*/

static void test_failures(void **state) {
  (void)state;
  runs("import './wants-missing.js'",
       "ReferenceError: cannot load module 'nowhere.js' (imported by "
       "'wants-missing-2.js', imported by 'wants-missing.js', imported by "
       "'main.js'): there is no such module [NOT_FOUND]");
  runs("import './secret.js'",
       "ReferenceError: cannot load module 'secret.js' (imported by "
       "'main.js'): not granted: --allow-secret.js [DENIED]");
  rejects("'./secret.js'",
          "ReferenceError: cannot load module 'secret.js' (imported by "
          "'main.js'): not granted: --allow-secret.js [DENIED]");
  runs("import './wants-broken.js'",
       "SyntaxError: variable name expected (imported by "
       "'wants-broken.js', imported by 'main.js') [undefined]");
  runs("import './through-name.js'",
       "SyntaxError: Could not find export 'nothing' in module 'b.js' "
       "(imported by 'wants-name.js', imported by 'through-name.js', imported "
       "by 'main.js') [undefined]");
  runs("import 'torpor:nothing'",
       "ReferenceError: there is no library module 'torpor:nothing' (imported "
       "by 'main.js') [undefined]");
}

/* What failed is asked for again; what did not is kept. */
static void test_retry(void **state) {
  test_module table[] = {{"x.js", NULL}, {"y.js", "import './x.js';"}, {0}};
  test_modules modules = {.table = table};
  torpor_options options = test_modules_options(&modules);
  torpor_vm *vm = test_vm_open(&options);
  (void)state;
  for (int i = 0; i < 3; i++)
    assert_runs(vm, &modules,
                "globalThis.out = await import('./y.js').catch((e) => e.code)",
                "DENIED");
  assert_int_equal(modules.asked, 4); /* y once, x each time */
  table[0].source = "globalThis.out = 'at last';";
  assert_runs(vm, &modules, "import './y.js'", "at last");
  assert_runs(vm, &modules, "await import('./x.js'), await import('./y.js')",
              "at last");
  assert_int_equal(modules.asked, 5);
  torpor_vm_close(vm);
}

/* "N" imports "N-1", and so on. */
static torpor_status give_chain(void *user,
                                const torpor_module_request *request,
                                torpor_module_answer *answer) {
  char source[64];
  int number = atoi(request->name);
  (void)user;
  if (number == 0) return torpor_module_give(answer, "globalThis.out = 1", 18);
  snprintf(source, sizeof(source), "import '%d';", number - 1);
  return torpor_module_give(answer, source, SIZE_MAX);
}

/* What is too deep for the engine throws; it does not trap. */
static void test_chains(void **state) {
  test_modules none = {.table = shelf};
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.module = give_chain;
  vm = test_vm_open(&options);
  assert_runs(vm, &none, "import '300'", "1");
  assert_runs(vm, &none, "import '20000'",
              "RangeError: Maximum call stack size exceeded [undefined]");
  assert_runs(vm, &none, "import '300'", "1");
  torpor_vm_close(vm);
}

static void test_no_host(void **state) {
  test_modules none = {.table = shelf};
  torpor_vm *vm = test_vm_open(NULL);
  (void)state;
  assert_runs(vm, &none, "import './a.js'",
              "ReferenceError: cannot load module 'a.js' (imported by "
              "'main.js'): the host gives no modules [UNSUPPORTED]");
  torpor_vm_close(vm);
}

/* ---- Names ----------------------------------------------------------------*/

static void test_urls(void **state) {
  (void)state;
  runs("import { r } from 'https://host/lib/a.js?v=1'; globalThis.out = r",
       "https://host/b.js?v=2");
  runs("import { r } from 'https://host/up.js'; globalThis.out = r",
       "https://host/root.js,true,https://other/x.js");
}

static void test_meta(void **state) {
  test_modules modules;
  torpor_vm *vm = open_vm(&modules);
  torpor_value promise;
  (void)state;
  assert_runs(vm, &modules,
              "import { url, main, other } from './meta.js';"
              "globalThis.out = [url, main, other, import.meta.url,"
              " import.meta.main, import.meta.resolve('bare')].join()",
              "meta.js,false,lib/c.js,main.js,true,bare");
  /* Names that begin with a slash are files. */
  test_ok(vm, torpor_eval(vm,
                          "globalThis.out = import.meta.url + ' ' + "
                          "import.meta.resolve('../a?b.js')",
                          SIZE_MAX, "/home/a b/\xc3\xbc/m%.js", TORPOR_MODULE,
                          &promise));
  test_eval_is(vm, "out",
               "file:///home/a%20b/%C3%BC/m%25.js file:///home/a%20b/a%3Fb.js");
  torpor_vm_close(vm);
}

/* Resolves "@x" to "lib/x.js" and refuses what begins with a dot. */
static torpor_status resolve(void *user, const char *specifier,
                             const char *importer,
                             torpor_module_answer *answer) {
  char name[64];
  (void)user;
  assert_true(strlen(importer) > 0);
  if (specifier[0] == '.')
    return torpor_module_refuse(answer, TORPOR_DENIED, "no dots here");
  if (specifier[0] != '@') return TORPOR_OK;
  snprintf(name, sizeof(name), "lib/%s.js", specifier + 1);
  return torpor_module_give(answer, name, strlen(name));
}

static void test_resolve(void **state) {
  test_module table[] = {
      {"lib/x.js", "import p from 'plain'; export default p"},
      {"plain", "export default 'plain'"},
      {0}};
  test_modules modules = {.table = table};
  torpor_options options = test_modules_options(&modules);
  torpor_vm *vm;
  (void)state;
  options.resolve = resolve;
  vm = test_vm_open(&options);
  assert_runs(vm, &modules,
              "import x from '@x'; globalThis.out = x +"
              " (await import('@x')).default + import.meta.resolve('@y')",
              "plainplainlib/y.js");
  assert_int_equal(modules.asked, 2);
  assert_runs(vm, &modules, "import './x.js'",
              "ReferenceError: cannot load module './x.js' (imported by "
              "'main.js'): no dots here [DENIED]");
  torpor_vm_close(vm);
}

/* ---- Later ----------------------------------------------------------------*/

static void test_later(void **state) {
  (void)state;
  runs("import { one } from './later/one.js'; globalThis.out = one + order",
       "one3three,two,one");
  runs(
      "import d from './later/data.json' with { type: 'json' };"
      "globalThis.out = d.x",
      "5");
  runs(
      "const [a, b] = await Promise.all(["
      "import('./later/one.js'), import('./later/three.js')]);"
      "globalThis.out = [a.one, b.s, order].join()",
      "one3,3,three,two,one");
  runs("import { x } from './later/main.js'; globalThis.out = x()", "2");
  runs("import './later/nothing.js'",
       "ReferenceError: cannot load module 'later/nothing.js' (imported by "
       "'main.js'): it is not on the shelf [SHELF]");
  runs("import './later/missing-inside.js'",
       "ReferenceError: cannot load module 'later/nowhere.js' (imported by "
       "'later/missing-inside.js', imported by 'main.js'): it is not on the "
       "shelf [SHELF]");
  runs("import './later/broken.js'",
       "SyntaxError: variable name expected (imported by 'main.js') "
       "[undefined]");
}

/* A module that imported one that awaits, and is done, is imported again. */
static void test_awaited_before(void **state) {
  (void)state;
  runs(
      "await import('./wants-awaits.js');"
      "const { default: f } = await import('./again.js');"
      "globalThis.out = f",
      "7");
  runs(
      "await import('./again.js');"
      "globalThis.out = (await import('./wants-awaits.js')).late",
      "7");
}

/* What was interrupted while it was evaluated has failed for those that import
 * it later, by import() or a module of the host's. */
static void import_interrupted(bool import_first) {
  static const char source[] = "import './endless.js'";
  test_modules modules;
  torpor_vm *vm = open_vm(&modules);
  torpor_value promise;
  torpor_vm_set_fuel(vm, 50000);
  test_status(
      vm, torpor_eval(vm, source, SIZE_MAX, "first.js", TORPOR_MODULE, NULL),
      TORPOR_INTERRUPTED);
  torpor_vm_set_fuel(vm, 0);
  for (int i = 0; i < 2; i++) {
    if ((i == 0) == import_first) {
      test_eval(vm,
                "globalThis.out = ''; import('./endless.js')"
                "  .catch((e) => out += e.message); 0");
      test_run_jobs(vm);
      test_eval_is(vm, "out", "interrupted");
      continue;
    }
    test_ok(vm, torpor_eval(vm, source, SIZE_MAX, "second.js", TORPOR_MODULE,
                            &promise));
    test_status(vm, torpor_await(vm, promise, NULL), TORPOR_THROWN);
    assert_non_null(strstr(torpor_last_error(vm), "interrupted"));
  }
  torpor_vm_close(vm);
}

static void test_interrupted(void **state) {
  (void)state;
  import_interrupted(false);
  import_interrupted(true);
}

static torpor_value eval_main(torpor_vm *vm, const char *source) {
  torpor_value promise;
  test_ok(vm, torpor_eval(vm, source, strlen(source), "main.js", TORPOR_MODULE,
                          &promise));
  test_ok(vm, torpor_promise_handle(vm, promise));
  return promise;
}

/* One request for a module, however many want it; a VM that sleeps while it
 * waits goes on when it is woken. */
static void test_later_asleep(void **state) {
  test_modules modules;
  torpor_options options;
  torpor_vm *vm = open_vm(&modules);
  int turns = 0;
  (void)state;
  eval_main(vm,
            "globalThis.log = []; Promise.all(["
            "import('./later/three.js'), import('./later/three.js'),"
            "import('./later/one.js'), import('./later/one.js')])"
            ".then((all) => out = all.length + ':' + (all[2] === all[3]));"
            "globalThis.out = 'waits'");
  test_run_jobs(vm);
  assert_int_equal(modules.asked, 2);
  assert_int_equal(torpor_operation_count(vm), 2);
  options = test_modules_options(&modules);
  for (; torpor_operation_count(vm) > 0; turns++) {
    torpor_bytes asleep = test_save(vm);
    torpor_vm_close(vm);
    test_eval_is(vm = test_restore(&asleep, &options), "out", "waits");
    torpor_bytes_free(&asleep);
    test_modules_answer(vm, &modules, turns % 2);
    test_run_jobs(vm);
  }
  assert_int_equal(turns, 2); /* one imports two.js */
  test_eval_is(vm, "out + order", "4:truethree,two,one");
  assert_int_equal(modules.asked, 3);
  torpor_vm_close(vm);
}

/* Answers that are no source. */
static void test_later_wrong(void **state) {
  test_modules modules;
  torpor_vm *vm = open_vm(&modules);
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_value bytes;
  (void)state;
  eval_main(vm,
            "globalThis.out = []; for (const x of ['p', 'q', 'r'])"
            "  import('./later/' + x).then((m) => out.push(m.default),"
            "    (e) => out.push(e.message))");
  test_run_jobs(vm);
  test_ok(vm, torpor_operation_next(vm, &operation));
  test_ok(vm, torpor_operation_settle(vm, operation.id, TORPOR_RESOLVE,
                                      torpor_number(1)));
  test_ok(vm, torpor_operation_next(vm, &operation));
  test_ok(vm, torpor_operation_settle(vm, operation.id, TORPOR_REJECT,
                                      torpor_undefined()));
  test_ok(vm, torpor_operation_next(vm, &operation));
  test_ok(vm, torpor_buffer_new(vm, "export default 7", 16, &bytes));
  test_ok(vm, torpor_operation_settle(vm, operation.id, TORPOR_RESOLVE, bytes));
  test_run_jobs(vm);
  test_eval_is(vm, "out.join('|')",
               "module 'later/p': the host answered neither text nor bytes|"
               "cannot load module 'later/q' (imported by 'main.js'): the host "
               "could not give it|7");
  torpor_vm_close(vm);
}

/* ---- Inside a host function -----------------------------------------------*/

static torpor_status eval_inside(torpor_vm *vm,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  static const char source[] =
      "import { late } from './main.js'; globalThis.out = typeof late;"
      "export default 1";
  (void)arguments, (void)user;
  return torpor_eval(vm, source, sizeof(source) - 1, "inner.js", TORPOR_MODULE,
                     result);
}

/* A module that is evaluated while one that it imports is. */
static void test_nested(void **state) {
  test_modules modules;
  torpor_vm *vm = open_vm(&modules);
  (void)state;
  test_ok(vm, torpor_function_add(vm, "inside", eval_inside, NULL));
  assert_runs(vm, &modules,
              "import './b.js'; const promise = inside();"
              "export const late = 5; globalThis.out = 'first';"
              "promise.then((m) => out += m.default)",
              "number1");
  torpor_vm_close(vm);
}

/* ---- Modules made by the host ---------------------------------------------*/

static torpor_status greet(torpor_vm *vm, const torpor_arguments *arguments,
                           torpor_value *result, void *user) {
  char text[64];
  double n = torpor_value_number(torpor_argument(arguments, 0));
  int size =
      snprintf(text, sizeof(text), "hello %g from %s", n, (const char *)user);
  return torpor_string_new(vm, text, (size_t)size, result);
}

static void test_made(void **state) {
  char who[] = "C";
  test_modules modules;
  torpor_options options;
  torpor_vm *vm = open_vm(&modules);
  torpor_bytes asleep;
  torpor_value object;
  const torpor_module_export exports[] = {
      {.name = "greet", .function = greet, .length = 1, .user = who},
      {.name = "answer", .value = torpor_number(42)},
      {.name = "default", .value = torpor_boolean(true)},
  };
  (void)state;
  test_eval(vm,
            "Object.defineProperty(Object.prototype, 'greet',"
            "  {set() { throw new Error('caught') }, configurable: true})");
  test_ok(vm, torpor_module_add(vm, "app", exports, 3));
  test_eval(vm, "delete Object.prototype.greet");
  asleep = test_save(vm);
  torpor_vm_close(vm);
  options = test_modules_options(&modules);
  vm = test_restore(&asleep, &options);
  torpor_bytes_free(&asleep);
  strcpy(who, "D");
  test_ok(vm, torpor_module_add(vm, "app", exports, 3));
  assert_runs(vm, &modules,
              "import d, { greet, answer } from 'app';"
              "globalThis.out = [greet(7), greet.length, answer, d].join()",
              "hello 7 from D,1,42,true");
  test_ok(vm, torpor_object_new(vm, &object));
  test_status(vm, torpor_module_new(vm, "app", object), TORPOR_EXISTS);
  test_status(vm, torpor_module_new(vm, "torpor:app", object), TORPOR_MISUSE);
  test_status(vm, torpor_module_new(vm, "", object), TORPOR_MISUSE);
  test_status(vm, torpor_module_new(vm, "x", torpor_number(1)),
              TORPOR_WRONG_TYPE);
  /* Its traps would run while a graph is walked. */
  test_status(vm,
              torpor_module_new(vm, "x", test_eval(vm, "new Proxy({}, {})")),
              TORPOR_WRONG_TYPE);
  /* A name that was asked for in vain is free; one that is taken is not. */
  assert_runs(vm, &modules,
              "globalThis.out = await import('x').catch((e) => e.code)",
              "NOT_FOUND");
  test_ok(vm, torpor_set(vm, object, "y", torpor_number(9)));
  test_ok(vm, torpor_module_new(vm, "x", object));
  assert_runs(vm, &modules, "import { y } from 'x'; globalThis.out = y", "9");
  test_status(vm, torpor_module_add(vm, "main.js", exports, 1), TORPOR_EXISTS);
  torpor_vm_close(vm);
}

/* ---- Options of evaluation ------------------------------------------------*/

static void test_eval_options(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  torpor_promise_state promise_state;
  torpor_value out, value;
  (void)state;
  test_ok(vm, torpor_eval_with(vm, "1 + 1", SIZE_MAX, NULL, &out));
  assert_true(torpor_value_number(out) == 2);
  test_ok(vm, torpor_eval_with(vm, "var here = 1", SIZE_MAX, NULL, NULL));
  options.strict = true;
  test_status(vm, torpor_eval_with(vm, "nowhere = 1", SIZE_MAX, &options, NULL),
              TORPOR_THROWN);
  options.strict = false;
  options.file = "page.html";
  options.line = 40;
  test_status(
      vm,
      torpor_eval_with(vm, "\nthrow new Error('x')", SIZE_MAX, &options, NULL),
      TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "page.html:41"));
  options.async = true;
  test_ok(vm, torpor_eval_with(vm, "await 1; ({then: undefined, x: 2}).x",
                               SIZE_MAX, &options, &out));
  test_run_jobs(vm);
  test_ok(vm, torpor_promise_read(vm, out, &promise_state, &value));
  assert_int_equal(promise_state, TORPOR_FULFILLED);
  assert_true(torpor_value_number(value) == 2);
  test_ok(vm,
          torpor_eval_with(vm, "await 1; throw 3", SIZE_MAX, &options, &out));
  test_run_jobs(vm);
  test_ok(vm, torpor_promise_read(vm, out, &promise_state, &value));
  assert_int_equal(promise_state, TORPOR_REJECTED);
  assert_true(torpor_value_number(value) == 3);
  options.mode = 7;
  test_status(vm, torpor_eval_with(vm, "1", 1, &options, NULL), TORPOR_MISUSE);
  options.mode = TORPOR_SCRIPT;
  options.size = 9999;
  test_status(vm, torpor_eval_with(vm, "1", 1, &options, NULL), TORPOR_MISUSE);
  torpor_vm_close(vm);
}

/* ---- Bytecode -------------------------------------------------------------*/

static torpor_bytes compile(const char *source, const char *file,
                            torpor_mode mode) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  torpor_bytes code;
  options.file = file;
  options.mode = mode;
  test_ok(vm, torpor_compile(vm, source, SIZE_MAX, &options, &code));
  torpor_vm_close(vm);
  return code;
}

static void test_bytecode(void **state) {
  torpor_bytes code = compile("globalThis.n = (globalThis.n ?? 0) + 2; n * 3",
                              "code.js", TORPOR_SCRIPT);
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value out;
  (void)state;
  test_ok(vm, torpor_bytecode_run(vm, code.data, code.size, &out));
  assert_true(torpor_value_number(out) == 6);
  test_ok(vm, torpor_bytecode_run(vm, code.data, code.size, NULL));
  test_eval_is(vm, "n", "4");
  torpor_bytes_free(&code);
  code = compile("\n\nthrow new TypeError('far')", "place.js", TORPOR_SCRIPT);
  test_status(vm, torpor_bytecode_run(vm, code.data, code.size, &out),
              TORPOR_THROWN);
  assert_non_null(strstr(torpor_last_error(vm), "place.js:3"));
  torpor_bytes_free(&code);
  torpor_vm_close(vm);
}

static void test_bytecode_modules(void **state) {
  torpor_bytes code = compile(
      "import { a } from './a.js';"
      "import d from './later/data.json' with { type: 'json' };"
      "import t from './text.txt' with { type: 'text' };"
      "globalThis.out = [a, d.x, t.length, import.meta.main].join();"
      "await 0; export default 1",
      "main.js", TORPOR_MODULE);
  test_modules modules;
  torpor_vm *vm = open_vm(&modules);
  torpor_value promise;
  torpor_promise_state promise_state;
  (void)state;
  test_ok(vm, torpor_bytecode_run(vm, code.data, code.size, &promise));
  test_run_jobs(vm);
  assert_int_equal(test_modules_answer(vm, &modules, false), 1);
  test_run_jobs(vm);
  test_ok(vm, torpor_promise_read(vm, promise, &promise_state, NULL));
  assert_int_equal(promise_state, TORPOR_FULFILLED);
  test_eval_is(vm, "out", "ab,5,9,true");
  torpor_bytes_free(&code);
  torpor_vm_close(vm);
}

/* Compiling leaves nothing behind, so that a VM that compiles a module may
 * import one of that name; and what it freed is free. */
static void test_bytecode_leaves_nothing(void **state) {
  test_modules modules;
  torpor_vm *vm = open_vm(&modules);
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  torpor_bytes code;
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  (void)state;
  options.file = "b.js";
  options.mode = TORPOR_MODULE;
  for (int i = 0; i < 20; i++) {
    if (i == 10) test_ok(vm, torpor_vm_usage(vm, &before));
    test_ok(vm, torpor_compile(vm, "import './x.js'; import './y.js'", SIZE_MAX,
                               &options, &code));
    torpor_bytes_free(&code);
    test_heap_check(vm);
  }
  test_ok(vm, torpor_vm_usage(vm, &after));
  assert_int_equal(before.heap_used, after.heap_used);
  assert_runs(vm, &modules, "import { b } from './b.js'; globalThis.out = b",
              "b");
  torpor_vm_close(vm);
}

static void test_bytecode_refused(void **state) {
  static const struct {
    size_t at;
    uint8_t byte;
    torpor_status status;
  } changes[] = {
      {0, 'x', TORPOR_FORMAT},     {8, 2, TORPOR_NEWER},
      {8, 0, TORPOR_FORMAT},       {12, 0x80, TORPOR_FORMAT},
      {16, 1, TORPOR_FORMAT},      {30, 'x', TORPOR_ENGINE},
      {90, 0x5a, TORPOR_CHECKSUM}, {125, 0x5a, TORPOR_CHECKSUM},
  };
  torpor_bytes code = compile("1 + 1", "code.js", TORPOR_SCRIPT);
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value out;
  (void)state;
  for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
    uint8_t before = code.data[changes[i].at];
    code.data[changes[i].at] =
        before == changes[i].byte ? (uint8_t)~before : changes[i].byte;
    test_status(vm, torpor_bytecode_run(vm, code.data, code.size, &out),
                changes[i].status);
    code.data[changes[i].at] = before;
  }
  for (size_t size = 0; size < code.size; size++)
    test_status(vm, torpor_bytecode_run(vm, code.data, size, &out),
                TORPOR_FORMAT);
  test_ok(vm, torpor_bytecode_run(vm, code.data, code.size, &out));
  torpor_bytes_free(&code);
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_graphs),
      cmocka_unit_test(test_import_in_eval),
      cmocka_unit_test(test_types),
      cmocka_unit_test(test_types_fail),
      cmocka_unit_test(test_failures),
      cmocka_unit_test(test_retry),
      cmocka_unit_test(test_chains),
      cmocka_unit_test(test_no_host),
      cmocka_unit_test(test_urls),
      cmocka_unit_test(test_meta),
      cmocka_unit_test(test_resolve),
      cmocka_unit_test(test_later),
      cmocka_unit_test(test_awaited_before),
      cmocka_unit_test(test_interrupted),
      cmocka_unit_test(test_later_asleep),
      cmocka_unit_test(test_later_wrong),
      cmocka_unit_test(test_nested),
      cmocka_unit_test(test_made),
      cmocka_unit_test(test_eval_options),
      cmocka_unit_test(test_bytecode),
      cmocka_unit_test(test_bytecode_modules),
      cmocka_unit_test(test_bytecode_leaves_nothing),
      cmocka_unit_test(test_bytecode_refused),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
