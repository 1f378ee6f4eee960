/* SPDX-License-Identifier: MIT */
/* test_vm.c - opening, evaluating, calling both ways, jobs, closing.
 * ctest: thread */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "test/support/vm.h"
#include "vm/pool.h"

static torpor_status eval(torpor_vm *vm, const char *source,
                          torpor_value *out) {
  return torpor_eval(vm, source, strlen(source), "app.js", TORPOR_SCRIPT, out);
}

static void assert_error_says(const torpor_vm *vm, const char *text) {
  if (!strstr(torpor_last_error(vm), text)) {
    print_error("'%s' lacks '%s'\n", torpor_last_error(vm), text);
    fail();
  }
}

/* ---- Opening and evaluating -----------------------------------------------*/

static void test_header_example(void **state) {
  torpor_vm *vm;
  torpor_value answer;
  (void)state;
  test_ok(NULL, torpor_vm_open(NULL, &vm));
  test_ok(vm, torpor_eval(vm, "6 * 7", 5, "answer.js", TORPOR_SCRIPT, &answer));
  assert_true(torpor_value_number(answer) == 42);
  torpor_vm_close(vm);
}

static void test_options(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.size = 1;
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_MISUSE);
  assert_error_says(NULL, "_INIT");
  options = (torpor_options)TORPOR_OPTIONS_INIT;
  options.memory_max = 65536;
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_LIMIT);
  assert_error_says(NULL, "memory_max");
  options.memory_max = UINT64_MAX;
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_MISUSE);
  options.memory_max = 0;
  options.engine = "../../etc/passwd";
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_ENGINE);
  options.engine =
      "0000000000000000000000000000000000000000000000000000000000000000";
  test_status(NULL, torpor_vm_open(&options, &vm), TORPOR_ENGINE);
  assert_error_says(NULL, "TORPOR_ENGINE_PATH");
  assert_null(vm);
  options.engine = torpor_engine_id();
  vm = test_vm_open(&options);
  assert_string_equal(torpor_vm_engine(vm), torpor_engine_id());
  torpor_vm_set_user(vm, &options);
  assert_ptr_equal(torpor_vm_user(vm), &options);
  torpor_vm_close(vm);
  torpor_vm_close(NULL);
}

static void test_each_has_its_own_world(void **state) {
  torpor_vm *first = test_vm_open(NULL), *second = test_vm_open(NULL);
  (void)state;
  test_eval(first, "globalThis.x = 'first'; Array.prototype.y = 1");
  test_eval_is(second, "typeof x + typeof [].y", "undefinedundefined");
  torpor_vm_close(first);
  first = test_vm_open(NULL);
  test_eval_is(first, "typeof x + typeof [].y", "undefinedundefined");
  torpor_vm_close(first);
  torpor_vm_close(second);
}

static void test_thrown(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value thrown;
  torpor_error error = TORPOR_ERROR_INIT;
  (void)state;
  test_status(vm, eval(vm, "\n  null.x", &thrown), TORPOR_THROWN);
  assert_error_says(vm, "TypeError: ");
  assert_error_says(vm, "(app.js:2:");
  assert_true(thrown.bits == torpor_undefined().bits);
  thrown = torpor_exception(vm);
  test_ok(vm, torpor_error_read(vm, thrown, &error));
  assert_string_equal(error.name, "TypeError");
  assert_non_null(strstr(error.stack, "app.js"));
  torpor_error_free(&error);

  test_status(vm, eval(vm, "let let = 1", &thrown), TORPOR_THROWN);
  assert_error_says(vm, "SyntaxError: ");
  assert_error_says(vm, "app.js:1:");
  test_status(vm, eval(vm, "throw 'text'", &thrown), TORPOR_THROWN);
  assert_string_equal(torpor_last_error(vm), "text");
  test_status(vm, eval(vm, "throw {get message() { throw 1 }}", &thrown),
              TORPOR_THROWN);
  test_status(
      vm, eval(vm, "throw new Error('a', {cause: new Error('b')})", &thrown),
      TORPOR_THROWN);
  test_ok(vm, torpor_error_read(vm, torpor_exception(vm), &error));
  assert_string_equal(error.message, "a");
  torpor_value cause = error.cause;
  torpor_error_free(&error);
  test_ok(vm, torpor_error_read(vm, cause, &error));
  assert_string_equal(error.message, "b");
  torpor_error_free(&error);
  test_status(vm, eval(vm, "throw new Error('x'.repeat(3000))", &thrown),
              TORPOR_THROWN);
  assert_true(strlen(torpor_last_error(vm)) > 3000);
  torpor_vm_close(vm);
}

static void test_large_source(void **state) {
  const size_t size = 3 << 20;
  char *source = malloc(size);
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value value;
  (void)state;
  memset(source, ' ', size);
  memcpy(source, "'begin';", 8);
  memcpy(source + size - 5, "'end'", 5);
  test_ok(vm, torpor_eval(vm, source, size, "large.js", TORPOR_SCRIPT, &value));
  assert_int_equal(torpor_value_type(value), TORPOR_TYPE_STRING);
  test_status(vm,
              torpor_eval(vm, source, TORPOR_SOURCE_LARGEST + 1, "large.js",
                          TORPOR_SCRIPT, &value),
              TORPOR_LIMIT);
  assert_error_says(vm, "large.js");
  free(source);
  torpor_vm_close(vm);
}

/* 50 MB of source work, or a limit that has a name refuses them. */
static void test_huge_source(void **state) {
  const size_t size = 50 << 20;
  char *source = malloc(size);
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_value value;
  (void)state;
  assert_non_null(source);
  memset(source, 'x', size);
  source[0] = '\'';
  memcpy(source + size - 8, "'.length", 8);
  vm = test_vm_open(NULL);
  test_ok(vm, torpor_eval(vm, source, size, "huge.js", TORPOR_SCRIPT, &value));
  assert_true(torpor_value_number(value) == size - 9);
  torpor_vm_close(vm);
  options.memory_max = 64 << 20;
  vm = test_vm_open(&options);
  test_status(vm,
              torpor_eval(vm, source, size, "huge.js", TORPOR_SCRIPT, &value),
              TORPOR_THROWN);
  assert_error_says(vm, "memory");
  torpor_vm_close(vm);
  options.memory_max = 16 << 20;
  vm = test_vm_open(&options);
  test_status(vm,
              torpor_eval(vm, source, size, "huge.js", TORPOR_SCRIPT, &value),
              TORPOR_LIMIT);
  assert_error_says(vm, "memory_max");
  torpor_vm_close(vm);
  free(source);
}

/* ---- Host functions -------------------------------------------------------*/

static torpor_status add(torpor_vm *vm, const torpor_arguments *arguments,
                         torpor_value *result, void *user) {
  double sum = 0;
  (void)vm;
  for (size_t i = 0; i < arguments->count; i++)
    sum += torpor_value_number(arguments->args[i]);
  if (user) *(int *)user += 1;
  *result = torpor_number(sum);
  return TORPOR_OK;
}

static torpor_status refuse(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)arguments, (void)result, (void)user;
  return torpor_throw(vm, "RangeError", "too %s", "far");
}

static torpor_status deny(torpor_vm *vm, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  (void)vm, (void)arguments, (void)result, (void)user;
  return TORPOR_DENIED;
}

/* Calls its first argument with the rest. */
static torpor_status apply(torpor_vm *vm, const torpor_arguments *arguments,
                           torpor_value *result, void *user) {
  (void)user;
  return torpor_call(vm, arguments->args[0], arguments->self,
                     arguments->args + 1, arguments->count - 1, result);
}

static void test_host_functions(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  int calls = 0;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "add", add, &calls));
  test_ok(vm, torpor_function_add(vm, "refuse", refuse, NULL));
  test_ok(vm, torpor_function_add(vm, "deny", deny, NULL));
  test_ok(vm, torpor_function_add(vm, "apply", apply, NULL));
  assert_true(test_eval_number(vm, "add(1, 2.5, -4)") == -0.5);
  assert_true(test_eval_number(vm, "add()") == 0);
  assert_true(test_eval_number(vm, "add(...Array(100).fill(3))") == 300);
  assert_true(test_eval_number(vm,
                               "let n = 0; for (let i = 0; i < 1000; i++) "
                               "n = add(n, i); n") == 499500);
  assert_int_equal(calls, 1003);
  test_eval_is(vm, "add.name", "add");
  test_eval_is(vm, "try { refuse() } catch (e) { e.name + e.message }",
               "RangeErrortoo far");
  test_eval_is(vm, "try { deny() } catch (e) { e.name }", "Error");
  test_eval_is(vm, "apply((a, b) => a + b, 'x', 'y')", "xy");
  test_eval_is(vm, "try { apply(() => { throw 'z' }) } catch (e) { e }", "z");
  test_eval_is(vm, "apply(apply, apply, apply, x => x * 2, 21)", "42");
  test_eval_is(vm, "apply.call('this', function () { return this + '' })",
               "this");
  torpor_vm_close(vm);
}

/* Fills the window and the slots, which the guest lent to its own caller. */
static torpor_status use_border(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  char text[6000];
  torpor_value args[TORPOR_ABI_SLOTS], function, out;
  torpor_bytes read = {NULL, 0};
  (void)arguments, (void)user;
  memset(text, 'z', sizeof(text));
  for (int i = 0; i < TORPOR_ABI_SLOTS; i++) args[i] = torpor_number(-1);
  test_ok(vm, torpor_string_new(vm, text, sizeof(text), &out));
  test_ok(vm, torpor_string_read(vm, out, &read));
  torpor_bytes_free(&read);
  test_ok(vm,
          torpor_eval(vm, "(() => 1)", 9, "z.js", TORPOR_SCRIPT, &function));
  test_ok(vm,
          torpor_call(vm, function, function, args, TORPOR_ABI_SLOTS, &out));
  *result = torpor_number(1);
  return TORPOR_OK;
}

/* What the host lends for a call is the guest's own before any code runs that
 * could call the host again. */
static void test_loans_nest(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value object, out, args[3], promise;
  torpor_operation operation = TORPOR_OPERATION_INIT;
  uint64_t id;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "border", use_border, NULL));
  test_eval_is(vm, "(() => { border(); return 'source' })()", "source");
  test_eval_is(vm, "border(); (function f() { /* text */ }).toString()",
               "function f() { /* text */ }");
  object = test_eval(vm,
                     "({get key() { border(); return 'got' }, set key(v) { "
                     "border(); this.was = v }, toString() { border(); "
                     "return 'text' }})");
  test_ok(vm, torpor_get(vm, object, "key", &out));
  test_ok(vm, torpor_set(vm, object, "key", torpor_number(5)));
  test_ok(vm, torpor_get(vm, object, "was", &out));
  assert_true(torpor_value_number(out) == 5);
  torpor_bytes text;
  test_ok(vm, torpor_string_read(vm, object, &text));
  assert_string_equal((const char *)text.data, "text");
  torpor_bytes_free(&text);
  for (int i = 0; i < 3; i++) args[i] = torpor_number(i + 1);
  test_ok(vm, torpor_call(vm,
                          test_eval(vm,
                                    "(function (a, b, c) { border(); "
                                    "return a * 100 + b * 10 + c })"),
                          object, args, 3, &out));
  assert_true(torpor_value_number(out) == 123);
  object = test_eval(vm, "({get key() { border(); return 'got' }})");
  test_ok(vm, torpor_operation_begin(vm, "kind", object, 0, &id, &promise));
  test_ok(vm, torpor_operation_next(vm, &operation));
  assert_string_equal(operation.kind, "kind");
  test_ok(vm, torpor_cbor_encode(vm, object, &text));
  torpor_bytes_free(&text);
  torpor_vm_close(vm);
}

static void test_unbound(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value function, out;
  (void)state;
  test_ok(vm, torpor_function_new(vm, "missing", 2, &function));
  test_status(vm, torpor_call(vm, function, torpor_undefined(), NULL, 0, &out),
              TORPOR_THROWN);
  assert_error_says(vm, "'missing' is not bound");
  test_status(vm, torpor_function_bind(vm, "", add, NULL, NULL), TORPOR_MISUSE);
  test_status(vm, torpor_function_bind(vm, "x", NULL, NULL, NULL),
              TORPOR_MISUSE);
  torpor_vm_close(vm);
}

static void count_end(void *user) {
  *(int *)user += 1;
}

/* Binds its own name to another function while it runs. */
static torpor_status rebind(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  int *ended = user;
  torpor_status status = torpor_function_bind(vm, "changing", add, NULL, NULL);
  (void)arguments;
  *result = torpor_number(*ended); /* not yet: this call is running */
  return status;
}

static void test_rebinding(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  int ended = 0;
  torpor_value function;
  (void)state;
  test_ok(vm, torpor_function_bind(vm, "changing", rebind, &ended, count_end));
  test_ok(vm, torpor_function_new(vm, "changing", 0, &function));
  torpor_value global;
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, "changing", function));
  test_eval_is(vm, "changing() + ' ' + changing(1, 2)", "0 3");
  assert_int_equal(ended, 1);
  test_ok(vm, torpor_function_bind(vm, "changing", add, &ended, count_end));
  torpor_vm_close(vm);
  assert_int_equal(ended, 2);
}

/* What is not allowed from inside a host function. */
static torpor_status misbehave(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  torpor_bytes bytes;
  (void)arguments, (void)user;
  assert_int_equal(torpor_job_run(vm, 0, NULL), TORPOR_BUSY);
  assert_int_equal(torpor_snapshot_save(vm, &bytes), TORPOR_BUSY);
  torpor_vm_close(vm);
  assert_int_equal(torpor_eval(vm, "1", 1, "x", TORPOR_SCRIPT, result),
                   TORPOR_BUSY);
  return TORPOR_OK;
}

static void test_close_inside(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  int ended = 0;
  size_t pooled = torpor__pool_count();
  (void)state;
  test_ok(vm, torpor_function_add(vm, "misbehave", misbehave, NULL));
  test_ok(vm, torpor_function_bind(vm, "other", add, &ended, count_end));
  assert_int_equal(test_eval_status(vm, "misbehave(); 1"), TORPOR_OK);
  assert_int_equal(ended, 1);
  assert_int_equal(torpor__pool_count(), pooled + 1);
}

/* ---- What a VM sees of the world ------------------------------------------*/

typedef struct world {
  torpor_vm *vm;
  double now;
  char said[200];
  torpor_status reentry;
} world;

static double world_clock(void *user, torpor_clock which) {
  world *w = user;
  return which == TORPOR_CLOCK_WALL ? w->now : w->now - 1e12;
}

static int world_zone(void *user, double ms) {
  (void)user, (void)ms;
  return 330;
}

static void world_console(void *user, torpor_level level, const char *text,
                          size_t size) {
  world *w = user;
  size_t used = strlen(w->said);
  torpor_value out;
  assert_true(used + size + 3 < sizeof(w->said));
  w->said[used++] = (char)('0' + level);
  memcpy(w->said + used, text, size);
  w->said[used + size] = '|';
  w->reentry = torpor_eval(w->vm, "1", 1, "x", TORPOR_SCRIPT, &out);
}

static torpor_status world_module(void *user,
                                  const torpor_module_request *request,
                                  torpor_module_answer *answer) {
  const char *text = NULL, *name = request->name;
  (void)user;
  if (strcmp(name, "lib/a.js") == 0)
    text = "import { b } from './b.js'; export const a = b + 1;";
  if (strcmp(name, "lib/b.js") == 0) text = "export const b = 41;";
  if (strcmp(name, "secret.js") == 0) return TORPOR_DENIED;
  if (!text) return TORPOR_NOT_FOUND;
  return torpor_module_give(answer, text, strlen(text));
}

static torpor_options world_options(world *w) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  memset(w, 0, sizeof(*w));
  w->now = 1700000000000.0;
  options.user = w;
  options.clock = world_clock;
  options.zone = world_zone;
  options.console = world_console;
  options.module = world_module;
  return options;
}

static void test_world(void **state) {
  world w;
  torpor_options options = world_options(&w);
  torpor_vm *vm = w.vm = test_vm_open(&options);
  (void)state;
  assert_true(test_eval_number(vm, "Date.now()") == 1700000000000.0);
  test_eval_is(vm, "new Date().getTimezoneOffset()", "-330");
  /* What an unpatched engine gives at that clock. */
  test_eval_is(vm, "[Math.random(), Math.random(), Math.random()].join()",
               "0.4250777419229457,0.7318575301997312,0.4407643123773133");
  w.now += 1500;
  test_eval_is(vm, "performance.now()", "1500");
  test_eval(vm, "console.log('a', 1); console.error('b')");
  assert_string_equal(w.said, "1a 1|4b|");
  assert_int_equal(w.reentry, TORPOR_BUSY);
  torpor_vm_close(vm);
}

/* The value of a module's export 'name', which must be there. */
static void assert_module(torpor_vm *vm, const char *source, const char *name,
                          double expected) {
  torpor_value promise, namespace, value;
  torpor_promise_state promise_state;
  test_ok(vm, torpor_eval(vm, source, strlen(source), "main.js", TORPOR_MODULE,
                          &promise));
  test_run_jobs(vm);
  test_ok(vm, torpor_promise_read(vm, promise, &promise_state, &namespace));
  assert_int_equal(promise_state, TORPOR_FULFILLED);
  test_ok(vm, torpor_get(vm, namespace, name, &value));
  assert_true(torpor_value_number(value) == expected);
}

static void assert_module_fails(torpor_vm *vm, const char *source,
                                const char *text) {
  torpor_value out;
  torpor_promise_state promise_state;
  torpor_status status =
      torpor_eval(vm, source, strlen(source), "main.js", TORPOR_MODULE, &out);
  if (status == TORPOR_OK) {
    torpor_value promise = out;
    torpor_error error = TORPOR_ERROR_INIT;
    test_run_jobs(vm);
    test_ok(vm, torpor_promise_read(vm, promise, &promise_state, &out));
    assert_int_equal(promise_state, TORPOR_REJECTED);
    test_ok(vm, torpor_error_read(vm, out, &error));
    assert_non_null(strstr(error.message, text));
    torpor_error_free(&error);
  } else {
    test_status(vm, status, TORPOR_THROWN);
    assert_error_says(vm, text);
  }
}

static void test_modules(void **state) {
  world w;
  torpor_options options = world_options(&w);
  torpor_vm *vm = w.vm = test_vm_open(&options);
  (void)state;
  assert_module(vm, "import { a } from './lib/a.js'; export const r = a;", "r",
                42);
  assert_module(vm, "export let x = await Promise.resolve(7);", "x", 7);
  assert_module(vm, "const m = await import('./lib/b.js'); export let y = m.b;",
                "y", 41);
  assert_module_fails(vm, "import './nowhere.js'", "nowhere.js");
  assert_module_fails(vm, "import './secret.js'", "secret.js");
  torpor_vm_close(vm);
  /* A host without modules. */
  vm = test_vm_open(NULL);
  assert_module_fails(vm, "import './lib/a.js'", "lib/a.js");
  torpor_vm_close(vm);
}

/* ---- Jobs and promises ----------------------------------------------------*/

static void test_jobs(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  uint32_t ran;
  (void)state;
  test_eval(vm,
            "globalThis.log = ''; Promise.resolve().then(() => log += 'a')"
            ".then(() => log += 'b'); queueMicrotask(() => log += 'c')");
  assert_true(torpor_job_pending(vm));
  test_ok(vm, torpor_job_run(vm, 1, &ran));
  assert_int_equal(ran, 1);
  test_eval_is(vm, "log", "a");
  assert_true(torpor_job_pending(vm));
  test_run_jobs(vm);
  test_eval_is(vm, "log", "acb");
  test_ok(vm, torpor_job_run(vm, 0, &ran));
  assert_int_equal(ran, 0);
  torpor_vm_close(vm);
}

static void test_promises(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value promise, resolve, reject, result;
  torpor_value argument = torpor_number(9);
  torpor_promise_state promise_state;
  (void)state;
  test_ok(vm, torpor_promise_new(vm, &promise, &resolve, &reject));
  test_ok(vm, torpor_promise_read(vm, promise, &promise_state, NULL));
  assert_int_equal(promise_state, TORPOR_PENDING);
  test_ok(vm,
          torpor_call(vm, resolve, torpor_undefined(), &argument, 1, &result));
  test_ok(vm, torpor_promise_read(vm, promise, &promise_state, &result));
  assert_int_equal(promise_state, TORPOR_FULFILLED);
  assert_true(torpor_value_number(result) == 9);
  test_status(vm, torpor_promise_read(vm, argument, &promise_state, NULL),
              TORPOR_WRONG_TYPE);
  torpor_vm_close(vm);
}

static void test_rejections(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value reason;
  torpor_error error = TORPOR_ERROR_INIT;
  (void)state;
  test_eval(vm,
            "Promise.reject(new Error('lost'));"
            "Promise.reject(1).catch(() => {}); 0");
  test_run_jobs(vm);
  test_ok(vm, torpor_rejection_take(vm, &reason));
  test_ok(vm, torpor_error_read(vm, reason, &error));
  assert_string_equal(error.message, "lost");
  torpor_error_free(&error);
  test_status(vm, torpor_rejection_take(vm, &reason), TORPOR_NOT_FOUND);
  torpor_vm_close(vm);
}

static void test_usage(void **state) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_usage before = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  (void)state;
  test_ok(vm, torpor_vm_usage(vm, &before));
  test_eval(vm, "globalThis.kept = new Uint8Array(5 << 20); 0");
  test_ok(vm, torpor_vm_usage(vm, &after));
  assert_true(after.heap_used >= before.heap_used + (5 << 20));
  assert_true(after.memory >= before.memory + (4 << 20));
  test_eval(vm, "kept = []; for (let i = 0; i < 20000; i++) kept.push({i}); 0");
  test_eval(vm, "kept = kept.filter((x, i) => i % 2); 0");
  test_ok(vm, torpor_vm_collect(vm));
  test_ok(vm, torpor_vm_usage(vm, &before));
  assert_true(before.heap_free > 0);
  torpor_vm_close(vm);
}

/* ---- Threads and memory ---------------------------------------------------*/

static void *work(void *user) {
  for (int i = 0; i < 20; i++) {
    torpor_vm *vm;
    torpor_value value;
    const char *source = "let n = 0; for (let i = 0; i < 1000; i++) n += i; n";
    if (torpor_vm_open(NULL, &vm) != TORPOR_OK) return NULL;
    if (torpor_eval(vm, source, strlen(source), "x.js", TORPOR_SCRIPT,
                    &value) == TORPOR_OK)
      *(double *)user += torpor_value_number(value);
    torpor_vm_close(vm);
  }
  return NULL;
}

static void test_threads(void **state) {
  pthread_t threads[4];
  double sums[4] = {0};
  (void)state;
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, work, &sums[i]), 0);
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], NULL);
    assert_true(sums[i] == 20 * 499500.0);
  }
}

/* Opens, calls both ways, evaluates, saves: whatever fails for lack of memory
 * says so, and nothing is left. */
static torpor_status do_everything(void) {
  torpor_bytes bytes = {NULL, 0};
  torpor_vm *vm = NULL, *copy = NULL;
  torpor_value value;
  torpor_status status = torpor_vm_open(NULL, &vm);
  if (status == TORPOR_OK) status = torpor_function_add(vm, "add", add, NULL);
  if (status == TORPOR_OK)
    status = eval(vm, "add(1, 2); throw new Error('x'.repeat(1000))", &value);
  if (status == TORPOR_THROWN)
    status = torpor_string_read(vm, torpor_exception(vm), &bytes);
  torpor_bytes_free(&bytes);
  if (status == TORPOR_OK) status = torpor_snapshot_save(vm, &bytes);
  if (status == TORPOR_OK)
    status = torpor_snapshot_restore(bytes.data, bytes.size, NULL, &copy);
  torpor_bytes_free(&bytes);
  torpor_vm_close(copy);
  torpor_vm_close(vm);
  return status;
}

static void test_out_of_memory(void **state) {
  long live;
  (void)state;
  torpor__pool_drain();
  live = torpor__alloc_live();
  for (long after = 0;; after++) {
    torpor_status status;
    long made;
    torpor__alloc_fail(after);
    status = do_everything();
    made = torpor__alloc_count();
    torpor__alloc_fail(-1);
    torpor__pool_drain();
    assert_true(status == TORPOR_OK || status == TORPOR_NOMEM);
    assert_int_equal(torpor__alloc_live(), live);
    if (made < after) break; /* none was asked for that failed */
    assert_true(after < 200);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_header_example),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_each_has_its_own_world),
      cmocka_unit_test(test_thrown),
      cmocka_unit_test(test_large_source),
      cmocka_unit_test(test_huge_source),
      cmocka_unit_test(test_host_functions),
      cmocka_unit_test(test_loans_nest),
      cmocka_unit_test(test_unbound),
      cmocka_unit_test(test_rebinding),
      cmocka_unit_test(test_close_inside),
      cmocka_unit_test(test_world),
      cmocka_unit_test(test_modules),
      cmocka_unit_test(test_jobs),
      cmocka_unit_test(test_promises),
      cmocka_unit_test(test_rejections),
      cmocka_unit_test(test_usage),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
