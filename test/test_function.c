/* SPDX-License-Identifier: MIT */
/* test_function.c - functions of the host: what they are told of a call, tables
 * of them, values that stay with them, and what becomes of their names.
 * ctest: timeout=120 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/utf8.h"
#include "test/support/heap.h"
#include "test/support/one-vm.h"
#include "vm/memory/image.h"
#include "vm/vm.h"

/* Answers how often it was called. */
static torpor_status count_calls(torpor_vm *given,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  int *calls = user;
  (void)given, (void)arguments;
  *result = torpor_number(++*calls);
  return TORPOR_OK;
}

static torpor_status first(torpor_vm *given, const torpor_arguments *arguments,
                           torpor_value *result, void *user) {
  (void)given, (void)user;
  *result = torpor_argument(arguments, 0);
  return TORPOR_OK;
}

static torpor_status second(torpor_vm *given, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)given, (void)user;
  *result = torpor_argument(arguments, 1);
  return TORPOR_OK;
}

static torpor_status throw_first(torpor_vm *given,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  (void)result, (void)user;
  return torpor_throw_value(given, torpor_argument(arguments, 0));
}

static torpor_status give_captured(torpor_vm *given,
                                   const torpor_arguments *arguments,
                                   torpor_value *result, void *user) {
  (void)given, (void)user;
  *result = arguments->captured;
  return TORPOR_OK;
}

static void set_global(const char *name, torpor_value value) {
  torpor_value global;
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, name, value));
}

static torpor_value add_object(const char *name) {
  torpor_value object;
  test_ok(vm, torpor_object_new(vm, &object));
  set_global(name, object);
  return object;
}

static uint32_t count_names(const torpor_vm *of) {
  const torpor_abi_name *table =
      (const void *)(of->memory + of->control->functions);
  uint32_t count = 0;
  for (uint32_t i = 0; i < of->control->function_count; i++)
    count += table[i].text != 0;
  return count;
}

/* ---- Failures -------------------------------------------------------------*/

/* fail(status, call): gives 'status', after calls that fail: 1: one with that
 * code, 2: the same, and then one that threw. */
static torpor_status fail_so(torpor_vm *given,
                             const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  double status = torpor_value_number(torpor_argument(arguments, 0));
  double calls = torpor_value_number(torpor_argument(arguments, 1));
  (void)result, (void)user;
  assert_int_equal(arguments->size, sizeof(*arguments));
  if (calls >= 1)
    test_status(given, torpor_symbol_known(given, "none", SIZE_MAX, NULL),
                TORPOR_NOT_FOUND);
  if (calls >= 2)
    test_status(given, torpor_throw(given, "Error", "thrown"), TORPOR_THROWN);
  return (torpor_status)status;
}

/* What a call in a host function said is what the program is told. */
static void test_says_why(void **state) {
  char source[200], sentence[200];
  (void)state;
  test_ok(vm, torpor_function_add(vm, "fail", fail_so, NULL));
  test_status(vm, torpor_symbol_known(vm, "none", SIZE_MAX, NULL),
              TORPOR_NOT_FOUND);
  snprintf(sentence, sizeof(sentence), "Error: %s", torpor_last_error(vm));
  assert_string_not_equal(sentence, "Error: there is no such thing");
  snprintf(source, sizeof(source), "try { fail(%d, 1) } catch (e) { `${e}` }",
           TORPOR_NOT_FOUND);
  test_eval_is(vm, source, sentence);
  /* Not what failed before the call, or is not what it gave. */
  test_status(vm, torpor_symbol_known(vm, "none", SIZE_MAX, NULL),
              TORPOR_NOT_FOUND);
  snprintf(source, sizeof(source),
           "const n = %d; [[n, 0], [n + 1, 1], [n, 2]].map(pair => {"
           "  try { fail(...pair) } catch (e) { return e.message } }).join()",
           TORPOR_NOT_FOUND);
  snprintf(sentence, sizeof(sentence), "%s,%s,%s",
           torpor_status_text(TORPOR_NOT_FOUND),
           torpor_status_text((torpor_status)(TORPOR_NOT_FOUND + 1)),
           torpor_status_text(TORPOR_NOT_FOUND));
  test_eval_is(vm, source, sentence);
}

/* outside(code, status): one call fails, then guest code runs; gives 'status'
 * or, without one, the status of that call. */
static torpor_status fail_outside(torpor_vm *given,
                                  const torpor_arguments *arguments,
                                  torpor_value *result, void *user) {
  torpor_value status = torpor_argument(arguments, 1);
  torpor_status failed = torpor_symbol_known(given, "outer", SIZE_MAX, NULL);
  torpor_bytes code;
  (void)result, (void)user;
  test_ok(given,
          torpor_string_read(given, torpor_argument(arguments, 0), &code));
  test_ok(given, torpor_eval(given, (char *)code.data, code.size, "in.js",
                             TORPOR_SCRIPT, NULL));
  torpor_bytes_free(&code);
  if (torpor_value_type(status) == TORPOR_TYPE_UNDEFINED) return failed;
  return (torpor_status)torpor_value_number(status);
}

/* What a host function further in failed with is not the outer one's. */
static void test_says_whose(void **state) {
  char source[300], sentence[200];
  (void)state;
  test_ok(vm, torpor_function_add(vm, "fail", fail_so, NULL));
  test_ok(vm, torpor_function_add(vm, "outside", fail_outside, NULL));
  test_eval(vm,
            "const said = (...list) => {"
            "  try { outside(...list) } catch (e) { return e.message } }");
  test_eval_is(vm, "said('1')", "there is no symbol Symbol.outer");
  test_eval_is(vm, "said('outside.name')", "there is no symbol Symbol.outer");
  snprintf(source, sizeof(source),
           "said('try { fail(%d, 1) } catch {}') + ',' +"
           "said('try { fail(%d, 1) } catch {}', %d)",
           TORPOR_NOT_FOUND, TORPOR_NOT_FOUND, TORPOR_NOT_FOUND);
  snprintf(sentence, sizeof(sentence), "%s,%s",
           torpor_status_text(TORPOR_NOT_FOUND),
           torpor_status_text(TORPOR_NOT_FOUND));
  test_eval_is(vm, source, sentence);
}

/* A long name is cut between two characters. */
static void test_says_it_in_utf8(void **state) {
  char name[100];
  (void)state;
  for (size_t before = 0; before < 4; before++) {
    memset(name, 'a', before);
    for (size_t at = before; at + 3 < sizeof(name); at += 3)
      memcpy(name + at, "\xe2\x82\xac", 4);
    test_status(vm, torpor_symbol_known(vm, name, SIZE_MAX, NULL),
                TORPOR_NOT_FOUND);
    assert_true(torpor__utf8_valid(torpor_last_error(vm),
                                   strlen(torpor_last_error(vm))));
  }
}

/* ---- Tables ---------------------------------------------------------------*/

static const torpor_function_entry storage[] = {
    {"db.read", first, 1, 0},
    {"db.write", second, 2, 0},
    {"db.size", first, 0, TORPOR_FUNCTION_GETTER},
};
static const torpor_function_entry files[] = {
    {"fs.read", second, 300, 0},
};

static void test_table(void **state) {
  torpor_value db = test_eval(vm, "globalThis.db = {}");
  torpor_value fs = test_eval(vm, "globalThis.fs = {}");
  (void)state;
  test_ok(vm, torpor_function_add_all(vm, db, storage, 3, NULL));
  test_ok(vm, torpor_function_add_all(vm, fs, files, 1, NULL));
  test_eval_is(vm, "Object.keys(db).join()", "read,write");
  test_eval_is(vm, "db.read.name + fs.read.name", "readread");
  test_eval_is(vm, "db.read(1, 2) + ' ' + fs.read(1, 2)", "1 2");
  test_eval_is(vm, "db.read.length + ' ' + fs.read.length", "1 300");
  test_eval_is(vm, "Object.getOwnPropertyDescriptor(db, 'size').get.name",
               "get size");
  test_eval_is(vm, "db.size + ''", "undefined");
  test_eval_is(vm, "String(db.read)",
               "function read() {\n    [native code]\n}");
  test_eval_is(vm, "typeof db.read", "function");
  test_eval_is(vm, "try { new db.read } catch (e) { e.name }", "TypeError");
  test_eval_is(vm, "'prototype' in db.read", "false");
  /* None of them, where one cannot be. */
  test_status(vm,
              torpor_function_add_all(vm, torpor_number(1), storage, 3, NULL),
              TORPOR_WRONG_TYPE);
  test_status(vm,
              torpor_function_add_all(vm, test_eval(vm, "Object.freeze({})"),
                                      storage, 3, NULL),
              TORPOR_THROWN);
}

/* Names beyond ASCII are what they are, whatever names the program has. */
static void test_names_beyond_ascii(void **state) {
  torpor_value object, out;
  const uint8_t cbor[] = {0xa1, 0x62, 0xc3, 0xa9, 0x07};
  (void)state;
  test_eval(vm,
            "globalThis.kept = {'gr\u00c3\u00b6sse': 1, '\u00c3\u00a9': "
            "1}");
  test_ok(vm, torpor_function_add(vm, "gr\xc3\xb6sse", count_calls, NULL));
  test_eval_is(vm, "typeof gr\u00f6sse + gr\u00f6sse.name",
               "functiongr\xc3\xb6sse");
  test_ok(vm, torpor_cbor_decode(vm, cbor, sizeof(cbor), &object));
  test_ok(vm, torpor_get(vm, object, "\xc3\xa9", &out));
  assert_true(torpor_value_number(out) == 7);
}

static void test_table_is_checked(void **state) {
  const torpor_function_entry bad[] = {
      {NULL, first, 0, 0},    {"", first, 0, 0},
      {"name", NULL, 0, 0},   {"name", first, -1, 0},
      {"name", first, 0, 64}, {"name", first, 0, TORPOR_FUNCTION_STATIC},
  };
  torpor_value object = test_eval(vm, "globalThis.o = {}");
  (void)state;
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    const torpor_function_entry table[] = {{"good", first, 0, 0}, bad[i]};
    test_status(vm, torpor_function_add_all(vm, object, table, 2, NULL),
                TORPOR_MISUSE);
    test_status(vm, torpor_function_bind_all(vm, table, 2, NULL),
                TORPOR_MISUSE);
  }
  test_eval_is(vm, "Object.keys(o).length + ''", "0");
  test_ok(vm, torpor_function_add_all(vm, object, NULL, 0, NULL));
}

enum { MANY = 10000 };

/* Adding and calling many is not quadratic, and each is itself. */
static void test_many(void **state) {
  torpor_value object = add_object("o");
  char (*names)[16] = malloc(sizeof(*names) * MANY);
  torpor_function_entry *table = malloc(sizeof(*table) * MANY);
  uint32_t before = count_names(vm);
  torpor_usage used = TORPOR_USAGE_INIT, full = used, after = used;
  int calls = 0;
  (void)state;
  for (int i = 0; i < MANY; i++) {
    snprintf(names[i], sizeof(names[i]), "f%d", i);
    table[i] = (torpor_function_entry){names[i], count_calls, 0, 0};
  }
  test_ok(vm, torpor_vm_usage(vm, &used));
  test_ok(vm, torpor_function_add_all(vm, object, table, MANY, &calls));
  test_ok(vm, torpor_vm_usage(vm, &full));
  test_eval_is(vm, "let s = 0; for (const k in o) s += o[k](); s + ''",
               "50005000");
  assert_int_equal(count_names(vm), before + MANY);
  test_eval(vm,
            "for (let i = 0; i < 10000; i++) if (i != 7777) delete o['f' + "
            "i]");
  assert_int_equal(count_names(vm), before + 1);
  test_eval_is(vm, "o.f7777() + ''", "10001");
  test_eval(vm, "delete o.f7777");
  assert_int_equal(count_names(vm), before);
  assert_true(vm->control->function_count < 64);
  test_eval(vm, "o = 0");
  test_ok(vm, torpor_vm_collect(vm));
  test_ok(vm, torpor_vm_usage(vm, &after));
  /* The engine's table of atoms stays as large as it was. */
  assert_true(after.heap_used - used.heap_used <
              (full.heap_used - used.heap_used) / 10);
  free(names);
  free(table);
}

/* ---- Values that stay with a function -------------------------------------*/

static torpor_value make_captured(const char *name, torpor_value captured) {
  torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
  torpor_value made;
  def.name = name;
  def.function = give_captured;
  def.captured = captured;
  def.flags = TORPOR_FUNCTION_CAPTURES;
  test_ok(vm, torpor_function_new_with(vm, &def, &made));
  return made;
}

static void test_captured(void **state) {
  torpor_bytes bytes;
  torpor_vm *woken;
  (void)state;
  set_global("one", make_captured("captured", test_eval(vm, "({n: 1})")));
  set_global("two", make_captured("captured", torpor_number(2)));
  set_global("none", make_captured("captured", torpor_undefined()));
  test_eval_is(vm, "one().n + two() + none()", "NaN");
  test_eval_is(vm, "one() === one() && one().n + two() === 3", "true");
  bytes = test_save(vm);
  woken = test_restore(&bytes, NULL);
  test_ok(woken,
          torpor_function_bind(woken, "captured", give_captured, NULL, NULL));
  test_eval_is(woken, "one().n + two() + ''", "3");
  torpor_vm_close(woken);
  torpor_bytes_free(&bytes);
}

/* A circle through the captured value is collected. */
static void test_captured_circle(void **state) {
  uint32_t before = count_names(vm);
  torpor_scope scope;
  torpor_value object;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &scope));
  object = test_eval(vm, "({})");
  test_ok(vm, torpor_set(vm, object, "f", make_captured("circle", object)));
  test_ok(vm, torpor_scope_close(vm, scope));
  assert_int_equal(count_names(vm), before + 1);
  test_ok(vm, torpor_vm_collect(vm));
  assert_int_equal(count_names(vm), before);
}

/* ---- Constructors ---------------------------------------------------------*/

/* Marks its object with what it was called by. */
static torpor_status construct(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  torpor_status status;
  (void)user;
  if (torpor_value_type(arguments->new_target) == TORPOR_TYPE_UNDEFINED) {
    *result = torpor_number(-1);
    return TORPOR_OK;
  }
  status = torpor_set(given, arguments->self, "target", arguments->new_target);
  if (status == TORPOR_OK)
    status =
        torpor_set(given, arguments->self, "x", torpor_argument(arguments, 0));
  if (arguments->count > 1) *result = arguments->args[1];
  return status;
}

static void test_constructor(void **state) {
  torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
  torpor_value made;
  (void)state;
  def.name = "Point";
  def.function = construct;
  def.length = 1;
  def.flags = TORPOR_FUNCTION_CONSTRUCTOR;
  test_ok(vm, torpor_function_new_with(vm, &def, &made));
  set_global("Point", made);
  test_eval_is(vm, "const p = new Point(5); p.x + ''", "5");
  test_eval_is(vm, "p instanceof Point && p.target === Point", "true");
  test_eval_is(vm, "p.constructor === Point", "true");
  test_eval_is(vm, "Point(1) + ''", "-1");
  test_eval_is(vm,
               "class Q extends Point { y = 2; sum() { return this.x + "
               "this.y } }; const q = new Q(3); q.sum() + ''",
               "5");
  test_eval_is(vm, "q instanceof Q && q instanceof Point && q.target === Q",
               "true");
  test_eval_is(vm, "new Point(1, {other: 7}).other + ''", "7");
  test_eval_is(vm, "new Point(1, 7).x + ''", "1");
  test_eval_is(vm, "Reflect.construct(Point, [4], Array) instanceof Array",
               "true");
  test_eval_is(vm,
               "function f() {} f.prototype = null; Object.getPrototypeOf("
               "Reflect.construct(Point, [4], f)) === Object.prototype",
               "true");
  test_eval_is(vm,
               "try { Reflect.construct(Point, [1], new Proxy(Point, {get() { "
               "throw 'trap' }})) } catch (e) { e }",
               "trap");
}

/* ---- Promises -------------------------------------------------------------*/

static torpor_status begin_fetch(torpor_vm *given,
                                 const torpor_arguments *arguments,
                                 torpor_value *result, void *user) {
  uint64_t id;
  (void)user;
  return torpor_operation_begin(given, "fetch", torpor_argument(arguments, 0),
                                0, &id, result);
}

static void test_async(void **state) {
  const torpor_function_entry table[] = {
      {"fetch", begin_fetch, 1, TORPOR_FUNCTION_ASYNC},
      {"fail", throw_first, 1, TORPOR_FUNCTION_ASYNC},
      {"plain", first, 1, TORPOR_FUNCTION_ASYNC},
  };
  torpor_value global;
  torpor_operation operation = TORPOR_OPERATION_INIT;
  (void)state;
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_function_add_all(vm, global, table, 3, NULL));
  test_eval(vm,
            "globalThis.log = []; const say = x => log.push(x);"
            "fetch('a').then(say); fail('no').catch(say); "
            "plain(3).then(say); plain({then(f) { f(4) }}).then(say);"
            "fetch(() => 1).catch(e => say(e.name));"
            "const odd = Promise.resolve(1); Object.defineProperty(odd, "
            "'constructor', {get() { throw 'odd' }}); plain(odd).catch(say);");
  test_run_jobs(vm);
  test_ok(vm, torpor_operation_next(vm, &operation));
  test_ok(vm, torpor_operation_settle(vm, operation.id, TORPOR_RESOLVE,
                                      torpor_number(9)));
  test_run_jobs(vm);
  test_eval_is(vm, "log.sort().join()", "3,4,9,TypeError,no,odd");
}

static torpor_status interrupt(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)given, (void)arguments, (void)result, (void)user;
  return TORPOR_INTERRUPTED;
}

static void test_async_interrupted(void **state) {
  const torpor_function_entry table[] = {
      {"stop", interrupt, 0, TORPOR_FUNCTION_ASYNC}};
  torpor_value global;
  (void)state;
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_function_add_all(vm, global, table, 1, NULL));
  test_status(vm, test_eval_status(vm, "stop(); for (;;);"),
              TORPOR_INTERRUPTED);
}

/* ---- Names ----------------------------------------------------------------*/

static void count_end(void *user) {
  ++*(int *)user;
}

static torpor_value make_temporary(torpor_vm *of, const char *name,
                                   int *ended) {
  torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
  torpor_value made;
  def.name = name;
  def.function = first;
  def.user = ended;
  def.finalize = count_end;
  def.flags = TORPOR_FUNCTION_UNBIND;
  test_ok(of, torpor_function_new_with(of, &def, &made));
  return made;
}

/* The host is told when the last function of a name is gone. */
static void test_told_of_the_last(void **state) {
  uint32_t before = count_names(vm);
  torpor_scope scope;
  torpor_value made;
  int ended = 0;
  (void)state;
  test_ok(vm, torpor_scope_open(vm, &scope));
  set_global("a", make_temporary(vm, "temporary", &ended));
  test_ok(vm, torpor_function_new(vm, "temporary", 0, &made));
  set_global("b", made);
  test_ok(vm, torpor_scope_close(vm, scope));
  test_eval(vm, "a = 1");
  assert_int_equal(ended, 0);
  test_eval_is(vm, "b(5) + ''", "5");
  test_eval(vm, "b = 1");
  assert_int_equal(ended, 1);
  assert_int_equal(count_names(vm), before);
  assert_int_equal(vm->binding_count, 0);
}

/* A binding without the flag stays. */
static void test_others_stay_bound(void **state) {
  int calls = 0;
  torpor_value made;
  torpor_scope scope;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "count", count_calls, &calls));
  test_eval_is(vm, "count() + ''", "1");
  test_eval(vm, "delete globalThis.count");
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_function_new(vm, "count", 0, &made));
  set_global("again", made);
  test_ok(vm, torpor_scope_close(vm, scope));
  test_eval_is(vm, "again() + ''", "2");
}

/* A name that is used again before its turn came is not freed. */
static torpor_status make_again(torpor_vm *given,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  (void)arguments;
  test_eval(given, "a = 1; b = 1;");
  *result = make_temporary(given, "temporary", user);
  return TORPOR_OK;
}

static void test_used_again(void **state) {
  torpor_scope scope;
  int ended = 0;
  (void)state;
  test_ok(vm, torpor_function_add(vm, "again", make_again, &ended));
  test_ok(vm, torpor_scope_open(vm, &scope));
  set_global("a", make_temporary(vm, "temporary", &ended));
  set_global("b", make_temporary(vm, "other", &ended));
  test_ok(vm, torpor_scope_close(vm, scope));
  test_eval_is(vm, "globalThis.c = again(); c(3) + ''", "3");
  assert_int_equal(ended, 2); /* the binding that was replaced, and 'other' */
  test_eval_is(vm, "c(4) + ''", "4");
  test_eval(vm, "c = 1");
  assert_int_equal(ended, 3);
}

/* An index that is given to another name calls what that is bound to. */
static void test_indexes_are_reused(void **state) {
  torpor_scope scope;
  int ended = 0, calls = 0;
  (void)state;
  for (int i = 0; i < 100; i++) {
    char name[16];
    torpor_value made;
    torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
    snprintf(name, sizeof(name), "name%d", i);
    def.name = name;
    def.function = i % 2 ? count_calls : first;
    def.user = &calls;
    def.flags = TORPOR_FUNCTION_UNBIND;
    test_ok(vm, torpor_scope_open(vm, &scope));
    test_ok(vm, torpor_function_new_with(vm, &def, &made));
    set_global("f", made);
    test_ok(vm, torpor_scope_close(vm, scope));
    test_eval_is(vm, "f(-7) + ''", i % 2 ? "1" : "-7");
    calls = 0;
  }
  assert_true(vm->control->function_count < 20);
  assert_int_equal(vm->binding_count, 1);
  (void)ended;
}

static void test_finalized_at_close(void **state) {
  torpor_vm *other = test_vm_open(NULL);
  int ended = 0;
  (void)state;
  make_temporary(other, "temporary", &ended);
  torpor_vm_close(other);
  assert_int_equal(ended, 1);
}

/* When it fails the user's data stays the caller's. */
static void test_failure_ends_nothing(void **state) {
  torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
  torpor_vm *other = test_vm_open(NULL);
  int ended = 0;
  (void)state;
  def.name = "f";
  def.function = first;
  def.user = &ended;
  def.finalize = count_end;
  def.captured = test_eval(other, "({})");
  def.flags = TORPOR_FUNCTION_CAPTURES;
  test_status(vm, torpor_function_new_with(vm, &def, NULL), TORPOR_STALE);
  def.captured = torpor_undefined();
  def.flags = TORPOR_FUNCTION_GETTER;
  test_status(vm, torpor_function_new_with(vm, &def, NULL), TORPOR_MISUSE);
  def.flags = 0;
  def.size = 3;
  test_status(vm, torpor_function_new_with(vm, &def, NULL), TORPOR_MISUSE);
  test_says(vm, "torpor_function_def");
  assert_int_equal(ended, 0);
  assert_int_equal(vm->binding_count, 0);
  torpor_vm_close(other);
}

/* Equal histories give equal bytes, whatever was freed between. */
static double stand_still(void *user, torpor_clock which) {
  (void)user, (void)which;
  return 1e12;
}

static torpor_bytes save_history(bool with_wake) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_bytes bytes, later;
  torpor_value global;
  torpor_scope scope;
  options.clock = stand_still;
  vm = test_vm_open(&options);
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_function_add_all(vm, global, storage, 3, NULL));
  set_global("kept", make_captured("kept", torpor_number(5)));
  test_ok(vm, torpor_scope_close(vm, scope));
  if (with_wake) {
    bytes = test_save(vm);
    torpor_vm_close(vm);
    vm = test_restore(&bytes, &options);
    torpor_bytes_free(&bytes);
  }
  test_eval(vm, "delete globalThis.read; delete globalThis.write");
  later = test_save(vm);
  torpor_vm_close(vm);
  vm = NULL;
  return later;
}

static void test_canonical(void **state) {
  torpor_bytes straight = save_history(false), woken = save_history(true);
  (void)state;
  assert_int_equal(straight.size, woken.size);
  assert_memory_equal(straight.data, woken.data, woken.size);
  torpor_bytes_free(&straight);
  torpor_bytes_free(&woken);
}

/* ---- Memory that runs out -------------------------------------------------*/

/* Everything a function can be, with the n-th allocation failing. */
static torpor_status use_all(void) {
  torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
  torpor_value global, made;
  torpor_status status = torpor_global(vm, &global);
  def.name = "all";
  def.function = give_captured;
  def.flags = TORPOR_FUNCTION_CONSTRUCTOR | TORPOR_FUNCTION_ASYNC |
              TORPOR_FUNCTION_CAPTURES;
  if (status == TORPOR_OK)
    status = torpor_function_add_all(vm, global, storage, 3, NULL);
  def.captured = global;
  if (status == TORPOR_OK) status = torpor_function_new_with(vm, &def, &made);
  if (status == TORPOR_OK) status = torpor_set(vm, global, "all", made);
  if (status == TORPOR_OK)
    status = test_eval_status(vm, "all(1); new all; read(read)");
  return status;
}

static void test_allocations_fail(void **state) {
  torpor_status status = TORPOR_THROWN;
  uint32_t n = 0;
  (void)state;
  for (; status != TORPOR_OK; n++) {
    torpor_vm_close(vm);
    vm = test_vm_open(NULL);
    test_fail_allocations(vm, n, 0);
    status = use_all();
    if (status == TORPOR_OK) break;
    if (status == TORPOR_TRAPPED && torpor_vm_exhausted(vm)) continue;
    if (status != TORPOR_THROWN && status != TORPOR_LIMIT)
      print_error("%s at %u\n", torpor_status_name(status), n);
    assert_true(status == TORPOR_THROWN || status == TORPOR_LIMIT);
    assert_true(n < 2000);
    test_fail_allocations(vm, UINT32_MAX, 0);
    test_ok(vm, use_all());
    test_eval_is(vm, "db = {}; read(5) + ''", "5");
    test_ok(vm, torpor_vm_collect(vm));
  }
  assert_true(n > 30);
}

static void test_host_memory_runs_out(void **state) {
  torpor_status status = TORPOR_NOMEM;
  long n = 0;
  (void)state;
  for (; status != TORPOR_OK; n++) {
    torpor_vm_close(vm);
    vm = test_vm_open(NULL);
    torpor__alloc_fail(n);
    status = use_all();
    torpor__alloc_fail(-1);
    if (status != TORPOR_OK && status != TORPOR_THROWN)
      assert_int_equal(status, TORPOR_NOMEM);
    test_ok(vm, use_all());
    assert_true(n < 200);
  }
  assert_true(n > 3);
}

/* ---- Older engines --------------------------------------------------------*/

/* One that has only torpor_function_new makes what it can. */
static void test_older_engine(void **state) {
  const torpor__engine *engine = vm->engine;
  torpor__engine older = *engine;
  torpor_function_def def = TORPOR_FUNCTION_DEF_INIT;
  torpor_value target = test_eval(vm, "globalThis.db = {}"), made;
  (void)state;
  older.exports.torpor_function_make = NULL;
  vm->engine = vm->image->engine = &older;
  test_ok(vm, torpor_function_add_all(vm, target, storage, 2, NULL));
  test_ok(vm, torpor_function_new(vm, "plain", 3, &made));
  def.name = "def";
  def.function = first;
  test_ok(vm, torpor_function_new_with(vm, &def, &made));
  def.flags = TORPOR_FUNCTION_CAPTURES;
  test_status(vm, torpor_function_new_with(vm, &def, &made),
              TORPOR_UNSUPPORTED);
  test_says(vm, "older");
  test_status(vm, torpor_function_add_all(vm, target, storage, 3, NULL),
              TORPOR_UNSUPPORTED);
  vm->engine = vm->image->engine = engine;
  test_eval_is(vm, "db.read(1, 2) + db.write(1, 2) + ''", "3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_says_why),
      TEST(test_says_whose),
      TEST(test_says_it_in_utf8),
      TEST(test_table),
      TEST(test_names_beyond_ascii),
      TEST(test_table_is_checked),
      TEST(test_many),
      TEST(test_captured),
      TEST(test_captured_circle),
      TEST(test_constructor),
      TEST(test_async),
      TEST(test_async_interrupted),
      TEST(test_told_of_the_last),
      TEST(test_others_stay_bound),
      TEST(test_used_again),
      TEST(test_indexes_are_reused),
      TEST(test_finalized_at_close),
      TEST(test_failure_ends_nothing),
      cmocka_unit_test(test_canonical),
      TEST(test_allocations_fail),
      TEST(test_host_memory_runs_out),
      TEST(test_older_engine),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
