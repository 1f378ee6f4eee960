/* SPDX-License-Identifier: MIT */
/* test_border.c - what keeps a host's mistakes from becoming another's data:
 * handles and scopes that have ended, VMs that were closed, finalizers,
 * arguments that are not there, exceptions that are handed on, options of other
 * versions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/one-vm.h"
#include "vm/vm.h"

static double number_of(torpor_vm *of, torpor_value object, const char *key) {
  torpor_value value;
  test_ok(of, torpor_get(of, object, key, &value));
  return torpor_value_number(value);
}

/* ---- Handles --------------------------------------------------------------*/

static void test_foreign(void **state) {
  torpor_vm *other = test_vm_open(NULL);
  torpor_value ours = test_eval(vm, "({n: 1})"), out;
  torpor_value theirs = test_eval(other, "({n: 2})");
  (void)state;
  assert_true(ours.bits == theirs.bits); /* nothing but the owner differs */
  test_status(other, torpor_get(other, ours, "n", &out), TORPOR_STALE);
  test_says(other, "another VM");
  assert_true(number_of(other, theirs, "n") == 2);
  torpor_vm_close(other);
  other = test_vm_open(NULL); /* the same memory again */
  test_eval(other, "({n: 3})");
  test_status(other, torpor_get(other, theirs, "n", &out), TORPOR_STALE);
  torpor_vm_close(other);
}

/* What a host function gives back is looked at, too. */
static torpor_status give_user(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)given, (void)arguments;
  *result = *(const torpor_value *)user;
  return TORPOR_OK;
}

static void test_foreign_result(void **state) {
  torpor_vm *other = test_vm_open(NULL);
  torpor_value ours = test_eval(vm, "({n: 1})");
  (void)state;
  test_ok(other, torpor_function_add(other, "give", give_user, &ours));
  test_eval(other, "globalThis.mine = {n: 2}; mine");
  test_eval_is(other, "try { give().n } catch (e) { e.message.slice(0, 33) }",
               "the value belongs to another VM, ");
  torpor_vm_close(other);
}

/* However many others were made since, in the same place. */
static void test_numbers_are_used_once(void **state) {
  torpor_scope scope;
  torpor_value first, second, out;
  (void)state;
  for (int bits = 8; bits <= 44; bits++) {
    test_ok(vm, torpor_scope_open(vm, &scope));
    first = test_eval(vm, "({n: 1})");
    test_ok(vm, torpor_scope_close(vm, scope));
    vm->control->host.generation += (UINT64_C(1) << bits) - 1;
    test_ok(vm, torpor_scope_open(vm, &scope));
    second = test_eval(vm, "({n: 2})");
    test_status(vm, torpor_get(vm, first, "n", &out), TORPOR_STALE);
    assert_true(number_of(vm, second, "n") == 2);
    test_ok(vm, torpor_scope_close(vm, scope));
  }
  vm->control->host.generation = (UINT64_C(1) << 47) - 2;
  second = test_eval(vm, "({n: 3})");
  test_status(vm, torpor_object_new(vm, &out), TORPOR_LIMIT);
  test_status(vm, torpor_value_retain(vm, second, &out), TORPOR_LIMIT);
  assert_true(number_of(vm, second, "n") == 3);
}

enum { KEPT = 300 };

typedef struct kept {
  torpor_value value;
  double number;
  int scope; /* the depth of the scope that it is in; -1: retained */
  bool live;
} kept;

static void assert_kept(const kept *of) {
  torpor_value out;
  torpor_status status = torpor_get(vm, of->value, "n", &out);
  test_status(vm, status, of->live ? TORPOR_OK : TORPOR_STALE);
  if (of->live) assert_true(torpor_value_number(out) == of->number);
}

static kept make_kept(int scope, double number) {
  torpor_scope own;
  kept made = {.number = number, .scope = scope, .live = true};
  torpor_value object;
  if (scope < 0) test_ok(vm, torpor_scope_open(vm, &own));
  test_ok(vm, torpor_object_new(vm, &object));
  test_ok(vm, torpor_set(vm, object, "n", torpor_number(number)));
  made.value = object;
  if (scope >= 0) return made;
  test_ok(vm, torpor_value_retain(vm, object, &made.value));
  test_ok(vm, torpor_scope_close(vm, own));
  return made;
}

/* Handles of both kinds, made and ended in random order, against a list. */
static void test_model(void **state) {
  unsigned rounds = test_count("TORPOR_BORDER_ROUNDS", 20000, 400000);
  test_random random = {11};
  torpor_scope scopes[8];
  kept all[KEPT] = {{.live = false}};
  int depth = 0;
  torpor_usage usage = TORPOR_USAGE_INIT;
  (void)state;
  for (int i = 0; i < KEPT; i++) all[i] = make_kept(-1, i);
  for (unsigned i = 0; i < rounds; i++) {
    uint64_t random_bits = test_random_next(&random);
    kept *of = &all[random_bits % KEPT];
    unsigned what = (unsigned)(random_bits >> 32) % 16;
    assert_kept(of);
    if (what == 0 && depth < 8) {
      test_ok(vm, torpor_scope_open(vm, &scopes[depth++]));
    } else if (what == 1 && depth > 0) {
      depth = (int)((random_bits >> 40) % (unsigned)depth);
      test_ok(vm, torpor_scope_close(vm, scopes[depth]));
      test_status(vm, torpor_scope_close(vm, scopes[depth]), TORPOR_STALE);
      for (int k = 0; k < KEPT; k++)
        if (all[k].scope > depth) all[k].live = false;
    } else if (of->live && of->scope < 0) {
      test_ok(vm, torpor_value_release(vm, of->value));
      of->live = false;
    } else if (!of->live) {
      /* Scope 0 has the handles that live until the VM is closed: none here. */
      *of = make_kept(what % 2 && depth > 0 ? depth : -1, i);
    }
  }
  if (depth > 0) test_ok(vm, torpor_scope_close(vm, scopes[0]));
  for (int i = 0; i < KEPT; i++) {
    if (all[i].scope > 0) all[i].live = false;
    assert_kept(&all[i]);
    if (all[i].live) test_ok(vm, torpor_value_release(vm, all[i].value));
  }
  test_ok(vm, torpor_vm_usage(vm, &usage));
  assert_int_equal(usage.handles, 0);
}

/* Without a scope they pile up; the sentence says so. */
static void test_too_many(void **state) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_value object, out;
  torpor_status status = TORPOR_OK;
  torpor_scope scope;
  (void)state;
  options.memory_max = 16 << 20;
  torpor_vm *small = test_vm_open(&options);
  object = test_eval(small, "({s: 'text', n: 1})");
  test_ok(small, torpor_scope_open(small, &scope));
  for (int i = 0; i < 5000000 && status == TORPOR_OK; i++)
    status = torpor_get(small, object, "s", &out);
  test_status(small, status, TORPOR_LIMIT);
  test_says(small, "handles are alive");
  test_says(small, "torpor_scope_open");
  test_ok(small, torpor_scope_close(small, scope));
  test_ok(small, torpor_get(small, object, "s", &out));
  torpor_vm_close(small);
}

/* ---- Scopes ---------------------------------------------------------------*/

static void test_scope_twice(void **state) {
  torpor_vm *other = test_vm_open(NULL);
  torpor_scope scope, theirs;
  torpor_value between, out;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(other, torpor_scope_open(other, &theirs));
  test_status(vm, torpor_scope_close(vm, theirs), TORPOR_STALE);
  test_ok(vm, torpor_scope_close(vm, scope));
  test_ok(vm, torpor_object_new(vm, &between));
  test_status(vm, torpor_scope_close(vm, scope), TORPOR_STALE);
  test_says(vm, "closed already");
  test_ok(vm, torpor_get(vm, between, "x", &out));
  torpor_vm_close(other);
}

/* A host function cannot close the scopes of its caller, and leaves none. */
static torpor_status close_outer(torpor_vm *given,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  torpor_scope inner;
  (void)arguments;
  torpor_status status = torpor_scope_close(given, *(torpor_scope *)user);
  test_ok(given, torpor_scope_open(given, &inner));
  *result = torpor_number(status);
  return TORPOR_OK;
}

static void test_scope_of_caller(void **state) {
  torpor_scope scope;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_function_add(vm, "close", close_outer, &scope));
  assert_true(test_eval_number(vm, "close() + close()") == 2 * TORPOR_STALE);
  assert_int_equal(vm->scope_count, 1);
  test_ok(vm, torpor_scope_close(vm, scope));
}

/* ---- Closing --------------------------------------------------------------*/

static void test_close_twice(void **state) {
  torpor_vm *first = test_vm_open(NULL), *a, *b;
  torpor_value out;
  (void)state;
  torpor_vm_close(first);
  torpor_vm_close(first);
  a = test_vm_open(NULL);
  torpor_vm_close(first); /* is no longer anybody's */
  b = test_vm_open(NULL);
  assert_ptr_not_equal(a, b);
  assert_ptr_not_equal(a->region, b->region);
  assert_ptr_not_equal(a, first);
  test_eval(a, "globalThis.secret = 'of a'");
  test_eval_is(b, "typeof secret", "undefined");
  for (int i = 0; i < 200; i++) {
    torpor_vm_close(test_vm_open(NULL));
    torpor_vm_close(first);
    test_status(first, torpor_global(first, &out), TORPOR_MISUSE);
    test_says(first, "was closed");
  }
  test_eval_is(a, "secret", "of a");
  torpor_vm_close(a);
  torpor_vm_close(b);
}

typedef struct finale {
  torpor_vm *vm;
  int runs;
} finale;

static torpor_status nothing(torpor_vm *given,
                             const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  (void)given, (void)arguments, (void)result, (void)user;
  return TORPOR_OK;
}

/* Tries all that could do harm to a VM that is being closed. */
static void finalize(void *user) {
  finale *f = user;
  torpor_value out;
  torpor_bytes bytes;
  torpor_vm *copy;
  f->runs++;
  test_status(f->vm, torpor_eval(f->vm, "h1()", 4, "f.js", TORPOR_SCRIPT, &out),
              TORPOR_BUSY);
  assert_true(*torpor_last_error(f->vm) != 0);
  test_status(f->vm, torpor_function_bind(f->vm, "h2", nothing, NULL, NULL),
              TORPOR_BUSY);
  test_status(f->vm, torpor_function_add(f->vm, "h3", nothing, NULL),
              TORPOR_BUSY);
  test_status(f->vm, torpor_snapshot_save(f->vm, &bytes), TORPOR_BUSY);
  test_status(f->vm, torpor_vm_fork(f->vm, NULL, &copy), TORPOR_BUSY);
  torpor_vm_close(f->vm);
}

static void test_finalizers_at_close(void **state) {
  finale f = {test_vm_open(NULL), 0};
  torpor_vm *a, *b;
  (void)state;
  test_ok(f.vm, torpor_function_add(f.vm, "h1", nothing, NULL));
  test_ok(f.vm, torpor_function_bind(f.vm, "h0", nothing, &f, finalize));
  test_ok(f.vm, torpor_function_bind(f.vm, "h4", nothing, &f, finalize));
  test_eval(f.vm, "h1()");
  torpor_vm_close(f.vm);
  assert_int_equal(f.runs, 2);
  a = test_vm_open(NULL);
  b = test_vm_open(NULL);
  assert_ptr_not_equal(a->region, b->region);
  torpor_vm_close(a);
  torpor_vm_close(b);
}

/* One that is replaced: the VM lives on, unless its finalizer closes it. */
static void test_finalizers_of_replaced(void **state) {
  finale f = {test_vm_open(NULL), 0};
  torpor_value out;
  (void)state;
  test_ok(f.vm, torpor_function_bind(f.vm, "h0", nothing, &f, finalize));
  test_ok(f.vm, torpor_function_bind(f.vm, "h0", nothing, NULL, NULL));
  assert_int_equal(f.runs, 1);
  test_status(f.vm, torpor_global(f.vm, &out), TORPOR_MISUSE); /* it did */
}

/* ---- Arguments ------------------------------------------------------------*/

static torpor_status look_beyond(torpor_vm *given,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  (void)given, (void)user;
  for (size_t i = arguments->count; i < TORPOR_ARGUMENTS_LEAST; i++)
    assert_int_equal(torpor_value_type(arguments->args[i]),
                     TORPOR_TYPE_UNDEFINED);
  for (size_t i = arguments->count; i < 100; i++)
    assert_int_equal(torpor_value_type(torpor_argument(arguments, i)),
                     TORPOR_TYPE_UNDEFINED);
  *result = torpor_argument(arguments, SIZE_MAX);
  if (arguments->count > 0)
    *result = torpor_argument(arguments, arguments->count - 1);
  return TORPOR_OK;
}

static void test_arguments_beyond(void **state) {
  (void)state;
  test_ok(vm, torpor_function_add(vm, "beyond", look_beyond, NULL));
  test_eval_is(vm, "beyond()", "undefined");
  assert_true(test_eval_number(vm,
                               "let s = 0; for (let i = 1; i < 40; i++) s += "
                               "beyond(...Array.from({length: i}, (_, k) => k))"
                               "; s") == 741);
}

/* The call has more arguments than fit into the slots. */
static void test_foreign_arguments(void **state) {
  torpor_vm *other = test_vm_open(NULL);
  torpor_value args[100], function = test_eval(vm, "((...a) => a.length)"), out;
  (void)state;
  for (int i = 0; i < 100; i++) args[i] = torpor_number(i);
  test_ok(vm, torpor_call(vm, function, torpor_null(), args, 100, &out));
  assert_true(torpor_value_number(out) == 100);
  for (size_t count = 64; count <= 65; count++) {
    args[count - 1] = test_eval(other, "({})");
    test_status(vm, torpor_call(vm, function, torpor_null(), args, count, &out),
                TORPOR_STALE);
    args[count - 1] = torpor_null();
  }
  torpor_vm_close(other);
}

/* ---- What is thrown -------------------------------------------------------*/

/* Hands on the failure of a call, as most host functions do; in a scope of its
 * own, which it leaves, and with something in 'result'. */
static torpor_status hand_on(torpor_vm *given,
                             const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  torpor_scope scope;
  torpor_status status;
  torpor_value out;
  (void)user;
  test_ok(given, torpor_scope_open(given, &scope));
  test_ok(given, torpor_object_new(given, result));
  status = torpor_call(given, torpor_argument(arguments, 0), torpor_undefined(),
                       NULL, 0, &out);
  test_ok(given, torpor_scope_close(given, scope));
  test_ok(given, torpor_object_new(given, &out));
  if (status == TORPOR_OK) *result = torpor_undefined();
  return status;
}

static torpor_status set_frozen(torpor_vm *given,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  torpor_status status = torpor_object_new(given, result);
  (void)user;
  if (status == TORPOR_OK)
    status = torpor_set(given, torpor_argument(arguments, 0), "mark", *result);
  return status;
}

static torpor_status throw_first(torpor_vm *given,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  (void)result, (void)user;
  return torpor_throw_value(given, torpor_argument(arguments, 0));
}

static torpor_status only_say_so(torpor_vm *given,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  (void)given, (void)arguments, (void)result, (void)user;
  return TORPOR_THROWN;
}

static void add_throwers(void) {
  test_ok(vm, torpor_function_add(vm, "handOn", hand_on, NULL));
  test_ok(vm, torpor_function_add(vm, "mark", set_frozen, NULL));
  test_ok(vm, torpor_function_add(vm, "throwIt", throw_first, NULL));
  test_ok(vm, torpor_function_add(vm, "sayOnly", only_say_so, NULL));
  test_eval(vm,
            "function caught(f) { try { f() } catch (e) { return e } "
            "return 'nothing' } 0");
}

static void test_same_is_thrown(void **state) {
  (void)state;
  add_throwers();
  test_eval_is(vm, "caught(() => mark(Object.freeze({}))).name", "TypeError");
  test_eval_is(vm,
               "const e = {}; caught(() => handOn(() => { throw e })) === e",
               "true");
  test_eval_is(vm, "caught(() => handOn(() => handOn(() => throwIt(e)))) === e",
               "true");
  test_eval_is(vm, "caught(() => throwIt())", "undefined");
  test_eval_is(vm, "caught(() => throwIt(5))", "5");
  test_eval_is(vm, "caught(() => sayOnly()).message.slice(0, 47)",
               "a host function answered TORPOR_THROWN, but not");
  /* What an inner function threw and the program caught is not the outer's. */
  test_eval_is(vm,
               "caught(() => handOn(() => { caught(() => throwIt(1)); "
               "sayOnly() })).name",
               "TypeError");
  test_eval_is(vm, "caught(() => handOn(() => caught(() => throwIt(1))))",
               "nothing");
}

/* What is thrown below an inner host function is not what the outer one sees;
 * the program catches it. */
static torpor_status see_own(torpor_vm *given,
                             const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  torpor_value inner = torpor_argument(arguments, 0), seen;
  torpor_status status;
  (void)result, (void)user;
  if (torpor_value_type(torpor_exception(given)) != TORPOR_TYPE_UNDEFINED)
    return TORPOR_MISUSE;
  status =
      torpor_eval(given, "throw 'mine'", SIZE_MAX, "x.js", TORPOR_SCRIPT, NULL);
  if (status != TORPOR_THROWN) return TORPOR_MISUSE;
  seen = torpor_exception(given);
  status = torpor_call(given, inner, torpor_undefined(), NULL, 0, NULL);
  if (status != TORPOR_OK) return status;
  return torpor_exception(given).bits == seen.bits ? TORPOR_THROWN
                                                   : TORPOR_MISUSE;
}

static void test_own_exception(void **state) {
  (void)state;
  add_throwers();
  test_ok(vm, torpor_function_add(vm, "seeOwn", see_own, NULL));
  test_eval_is(vm, "caught(() => seeOwn(() => { caught(() => throwIt(1)) }))",
               "mine");
}

static torpor_status throw_formatted(torpor_vm *given,
                                     const torpor_arguments *arguments,
                                     torpor_value *result, void *user) {
  (void)arguments, (void)result, (void)user;
  return torpor_throw(given, "RangeError", "%d of %s %*d", 3, "many", 2000, 1);
}

static void test_throw_formatted(void **state) {
  (void)state;
  add_throwers();
  test_ok(vm, torpor_function_add(vm, "format", throw_formatted, NULL));
  test_eval_is(vm,
               "const e = caught(format); [e instanceof RangeError, e.name, "
               "e.message.slice(0, 10), e.message.length].join()",
               "true,RangeError,3 of many ,2010");
  test_status(vm, torpor_throw(vm, "Own", "%s", "x"), TORPOR_THROWN);
  assert_string_equal(torpor_last_error(vm), "Own: x");
}

static void test_throw_outside(void **state) {
  torpor_value value = test_eval(vm, "new RangeError('far')"), out;
  (void)state;
  test_status(vm, torpor_throw_value(vm, value), TORPOR_THROWN);
  assert_string_equal(torpor_last_error(vm), "RangeError: far (test.js:1:5)");
  assert_true(torpor_exception(vm).bits == value.bits);
  test_status(vm, torpor_throw_value(vm, torpor_number(1)), TORPOR_THROWN);
  assert_string_equal(torpor_last_error(vm), "1");
  test_ok(vm, torpor_get(vm, value, "name", &out));
}

/* The sentence is made of what lies there, by no code of the program. */
static void test_sentence_runs_nothing(void **state) {
  static const struct {
    const char *thrown, *says;
  } cases[] = {
      {"{toString() { ran++; return 'x' }}",
       "{ toString: [Function: toString] }"},
      {"{[Symbol.toPrimitive]() { ran++; return 'x' }}",
       "{ [Symbol(Symbol.toPrimitive)]: [Function: "},
      {"{get message() { ran++; return 'x' }}", "{ message: [Getter] }"},
      {"{code: 5, msg: 'disk full'}", "{ code: 5, msg: 'disk full' }"},
      {"{name: 'Mine', message: 'plain'}", "Mine: plain"},
      {"{message: 7}", "7"},
      {"{message: null}", "{ message: null }"},
      {"Object.assign(new Error('m'), {name: undefined})", "m"},
      {"new Proxy(new Error('p'), {get() { ran++ }, getPrototypeOf() { ran++ "
       "}, getOwnPropertyDescriptor() { ran++ }})",
       "[Proxy]"},
      {"new (class Mine extends TypeError { get name() { ran++; return 'N' } "
       "get stack() { ran++ } })('m')",
       "TypeError: m"},
      {"Object.create(new Proxy({}, {get() { ran++ }}))",
       "[Object: null prototype] {}"},
      {"Object.defineProperty(new Error('m'), 'message', {get() { ran++ }})",
       "Error"},
      {"Object.assign(new Error('m'), {name: {toString() { ran++ }}})", "m"},
      {"new DOMException('dom', 'AbortError')", "AbortError: dom"},
      {"[1, {toString() { ran++ }}]",
       "[ 1, { toString: [Function: toString] } ]"},
      {"function f() {}", "[Function: f]"},
      {"new Map()", "Map(0) {}"},
      {"Symbol('s')", "Symbol(s)"},
      {"12n", "12"},
      {"'text'", "text"},
      {"null", "null"},
      {"undefined", "undefined"},
      {"-0.5", "-0.5"},
  };
  char source[512];
  (void)state;
  test_eval(vm,
            "var ran = 0; for (const k of ['name', 'message', 'stack', "
            "'toString', 'cause']) Object.defineProperty(Object.prototype, k, "
            "{get() { ran++ }, configurable: true}); 0");
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    snprintf(source, sizeof(source), "throw (%s)", cases[i].thrown);
    test_status(vm, test_eval_status(vm, source), TORPOR_THROWN);
    if (strncmp(torpor_last_error(vm), cases[i].says, strlen(cases[i].says)))
      print_error("%s: %s\n", source, torpor_last_error(vm));
    assert_int_equal(
        strncmp(torpor_last_error(vm), cases[i].says, strlen(cases[i].says)),
        0);
    assert_true(test_eval_number(vm, "ran") == 0);
  }
}

/* ---- Rejections -----------------------------------------------------------*/

static void test_rejections_are_told_once(void **state) {
  static const struct {
    const char *source;
    torpor_mode mode;
  } cases[] = {
      {"(async () => { await 1; throw 'why' })()", TORPOR_SCRIPT},
      {"(async () => { throw 'why' })()", TORPOR_SCRIPT},
      {"await 1; throw 'why'", TORPOR_MODULE},
      {"throw 'why'", TORPOR_MODULE},
  };
  torpor_value promise, reason;
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
    for (int handled = 0; handled < 3; handled++) {
      test_ok(vm, torpor_eval(vm, cases[i].source, strlen(cases[i].source),
                              "m.mjs", cases[i].mode, &promise));
      if (handled == 1) test_ok(vm, torpor_promise_handle(vm, promise));
      test_ok(vm, torpor_job_run(vm, 0, NULL));
      if (handled == 2) test_ok(vm, torpor_promise_handle(vm, promise));
      test_status(vm, torpor_rejection_take(vm, &reason),
                  handled ? TORPOR_NOT_FOUND : TORPOR_OK);
      test_status(vm, torpor_rejection_take(vm, &reason), TORPOR_NOT_FOUND);
      test_ok(vm, torpor_promise_handle(vm, promise));
    }
  test_status(vm, torpor_promise_handle(vm, torpor_null()), TORPOR_WRONG_TYPE);
}

/* ---- Small ones -----------------------------------------------------------*/

static void test_small(void **state) {
  torpor_value value, length;
  torpor_bytes text;
  (void)state;
  test_ok(vm, torpor_string_read(vm, test_eval(vm, "Symbol('q')"), &text));
  assert_string_equal((const char *)text.data, "Symbol(q)");
  torpor_bytes_free(&text);
  for (int i = 0; i < 70000; i = i * 3 + 1) {
    test_ok(vm, torpor_function_new(vm, "f", i, &value));
    test_ok(vm, torpor_get(vm, value, "length", &length));
    assert_true(torpor_value_number(length) == i);
  }
}

/* ---- Options --------------------------------------------------------------*/

static torpor_status open_with(const void *options) {
  torpor_vm *opened = NULL;
  torpor_status status = torpor_vm_open(options, &opened);
  assert_int_equal(status == TORPOR_OK, opened != NULL);
  if (opened) test_eval_is(opened, "1 + 1", "2");
  torpor_vm_close(opened);
  return status;
}

static void test_options_of_other_versions(void **state) {
  struct {
    torpor_options known;
    uint64_t unknown[3];
  } newer = {.known = TORPOR_OPTIONS_INIT};
  torpor_options older = TORPOR_OPTIONS_INIT;
  (void)state;
  newer.known.size = sizeof(newer);
  test_ok(NULL, open_with(&newer));
  newer.unknown[2] = 1;
  test_status(NULL, open_with(&newer), TORPOR_MISUSE);
  test_says(NULL, "does not know");
  newer.known.size = 1 << 20;
  test_status(NULL, open_with(&newer), TORPOR_MISUSE);
  /* What lies behind the size of an older host is not looked at. */
  older.engine = "no engine";
  older.wake = 12345;
  older.size = offsetof(torpor_options, engine);
  test_ok(NULL, open_with(&older));
  older.memory_max = 1;
  test_status(NULL, open_with(&older), TORPOR_LIMIT);
  older.size = offsetof(torpor_options, memory_max);
  test_ok(NULL, open_with(&older));
  older.size = 0;
  test_status(NULL, open_with(&older), TORPOR_MISUSE);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)
  const struct CMUnitTest tests[] = {
      TEST(test_foreign),
      TEST(test_foreign_result),
      TEST(test_numbers_are_used_once),
      TEST(test_model),
      TEST(test_too_many),
      TEST(test_scope_twice),
      TEST(test_scope_of_caller),
      TEST(test_close_twice),
      TEST(test_finalizers_at_close),
      TEST(test_finalizers_of_replaced),
      TEST(test_arguments_beyond),
      TEST(test_foreign_arguments),
      TEST(test_same_is_thrown),
      TEST(test_own_exception),
      TEST(test_throw_formatted),
      TEST(test_throw_outside),
      TEST(test_sentence_runs_nothing),
      TEST(test_rejections_are_told_once),
      TEST(test_small),
      TEST(test_options_of_other_versions),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
