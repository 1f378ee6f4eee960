/* SPDX-License-Identifier: MIT */
/* test_class.c - classes of the host: what programs can do with them, what they
 * cannot, and what the host is told of their objects' lives.
 * ctest: timeout=120 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "test/support/heap.h"
#include "test/support/vm.h"
#include "vm/memory/image.h"
#include "vm/vm.h"

/* A counter of the host's. Those that live are counted. */
typedef struct counter {
  int value;
  uint64_t id;
} counter;

static int live;          /* counters */
static int finalized[64]; /* by id, how often */
static uint64_t order[64];
static int order_count;
static uint64_t last_id;
static int restored;

static torpor_vm *vm;

static void forget_all(void) {
  memset(finalized, 0, sizeof(finalized));
  order_count = 0;
  last_id = 0;
  restored = 0;
}

static torpor_status make_counter(torpor_instance *instance, int value) {
  counter *made = calloc(1, sizeof(*made));
  if (!made) return TORPOR_NOMEM;
  made->value = value;
  made->id = instance->id;
  instance->data = made;
  live++;
  return TORPOR_OK;
}

static torpor_status construct(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_instance *instance, void *user) {
  torpor_value start = torpor_argument(arguments, 0);
  (void)user;
  assert_int_equal(torpor_value_type(arguments->new_target),
                   TORPOR_TYPE_OBJECT);
  if (torpor_value_type(start) == TORPOR_TYPE_STRING)
    return torpor_throw_value(given, start);
  if (torpor_value_type(start) == TORPOR_TYPE_NULL) return TORPOR_DENIED;
  instance->id = ++last_id;
  return make_counter(instance, torpor_value_type(start) == TORPOR_TYPE_NUMBER
                                    ? (int)torpor_value_number(start)
                                    : 0);
}

static torpor_status restore(torpor_vm *given, torpor_instance *instance,
                             void *user) {
  (void)given, (void)user;
  if (instance->id == 13) return TORPOR_IO;
  restored++;
  return make_counter(instance, 100 * (int)instance->id);
}

static void finalize(const torpor_instance *instance, void *user) {
  counter *gone = instance->data;
  (void)user;
  assert_int_equal(gone->id, instance->id);
  if (instance->id < 64) finalized[instance->id]++;
  if (order_count < 64) order[order_count++] = instance->id;
  free(gone);
  live--;
}

static torpor_status add(torpor_vm *given, const torpor_arguments *arguments,
                         torpor_value *result, void *user) {
  counter *self = arguments->instance.data;
  (void)given, (void)user;
  assert_int_equal(self->id, arguments->instance.id);
  self->value += (int)torpor_value_number(torpor_argument(arguments, 0));
  *result = arguments->self;
  return TORPOR_OK;
}

static torpor_status get_value(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  const counter *self = arguments->instance.data;
  (void)given, (void)user;
  *result = torpor_number(self->value);
  return TORPOR_OK;
}

static torpor_status set_value(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  counter *self = arguments->instance.data;
  (void)given, (void)result, (void)user;
  self->value = (int)torpor_value_number(torpor_argument(arguments, 0));
  return TORPOR_OK;
}

/* A counter with the value that is given, made by the host. */
static torpor_status from(torpor_vm *given, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  torpor_instance instance = {.id = ++last_id};
  torpor_status status;
  (void)user;
  assert_null(arguments->instance.data);
  make_counter(&instance,
               (int)torpor_value_number(torpor_argument(arguments, 0)));
  status = torpor_instance_new(given, "Counter", &instance, result);
  if (status == TORPOR_OK) return status;
  free(instance.data);
  live--;
  return status;
}

static const torpor_function_entry members[] = {
    {"add", add, 1, 0},
    {"value", get_value, 0, TORPOR_FUNCTION_GETTER},
    {"value", set_value, 1, TORPOR_FUNCTION_SETTER},
    {"later", get_value, 0, TORPOR_FUNCTION_ASYNC},
    {"from", from, 1, TORPOR_FUNCTION_STATIC},
    {"last", from, 0, TORPOR_FUNCTION_STATIC | TORPOR_FUNCTION_GETTER},
    {"[Symbol.toPrimitive]", get_value, 0, 0},
};

/* Evaluates, and keeps no handle of the result. */
static void run(torpor_vm *of, const char *source) {
  torpor_scope scope;
  test_ok(of, torpor_scope_open(of, &scope));
  test_eval(of, source);
  test_ok(of, torpor_scope_close(of, scope));
}

static torpor_class_def counter_def(void) {
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  def.name = "Counter";
  def.construct = construct;
  def.length = 1;
  def.members = members;
  def.member_count = sizeof(members) / sizeof(*members);
  def.finalize = finalize;
  def.restore = restore;
  return def;
}

static torpor_vm *open_with_counter(void) {
  torpor_vm *opened = test_vm_open(NULL);
  torpor_class_def def = counter_def();
  test_ok(opened, torpor_class_add(opened, &def));
  return opened;
}

static int open_vm(void **state) {
  (void)state;
  forget_all();
  vm = open_with_counter();
  return 0;
}

static int close_vm(void **state) {
  (void)state;
  torpor_vm_close(vm);
  vm = NULL;
  assert_int_equal(live, 0);
  for (int i = 0; i < 64; i++) finalized[i] = 0;
  return 0;
}

/* ---- What programs see ----------------------------------------------------*/

static void test_looks_like_a_class(void **state) {
  (void)state;
  test_eval_is(vm, "const c = new Counter(5); c.add(2).add(3).value + ''",
               "10");
  test_eval_is(vm, "c.value = 7; c.value + ''", "7");
  test_eval_is(vm, "c + 1 + ''", "8");
  test_eval_is(vm, "Counter.from(3).value + ''", "3");
  test_eval_is(vm, "Counter.last instanceof Counter", "true");
  test_eval_is(vm, "c instanceof Counter && c.constructor === Counter", "true");
  test_eval_is(vm, "Object.prototype.toString.call(c)", "[object Counter]");
  test_eval_is(vm, "Counter.name + Counter.length + typeof Counter",
               "Counter1function");
  test_eval_is(vm, "Counter.prototype.add.name + Counter.prototype.add.length",
               "add1");
  test_eval_is(vm,
               "const d = Object.getOwnPropertyDescriptor(Counter.prototype, "
               "'value'); d.get.name + d.set.name",
               "get valueset value");
  test_eval_is(vm,
               "Object.keys(c).length + Object.keys(Counter.prototype)"
               ".length + ''",
               "0");
  test_eval_is(vm, "Object.keys(globalThis).includes('Counter')", "false");
  test_eval_is(vm, "try { Counter() } catch (e) { `${e}` }",
               "TypeError: the class 'Counter' needs new");
  test_eval_is(vm, "try { Counter.prototype = 1; 'sloppy' } catch { }",
               "sloppy");
  test_eval_is(vm, "c.own = 1; Object.freeze(c); c.add(1).value + ''", "8");
  test_eval(vm,
            "c.later().then(v => globalThis.seen = v);"
            "c.later.call(1).catch(e => globalThis.bad = e.name)");
  test_run_jobs(vm);
  test_eval_is(vm, "seen + bad", "8TypeError");
}

static void test_subclass(void **state) {
  (void)state;
  test_eval(vm,
            "class Double extends Counter { #n = 2; constructor(x) { "
            "super(x); this.y = 1 } add(x) { return super.add(x * this.#n) "
            "} static make() { return new this(4) } }");
  test_eval_is(vm, "const d = new Double(1); d.add(5).value + d.y + ''", "12");
  test_eval_is(vm, "d instanceof Double && d instanceof Counter", "true");
  test_eval_is(vm, "Double.make().add(1).value + ''", "6");
  test_eval_is(vm, "Double.from(9) instanceof Double", "false");
  test_eval_is(vm,
               "function F() {} F.prototype = 5; const r = Reflect.construct("
               "Counter, [2], F); Object.getPrototypeOf(r) === "
               "Counter.prototype && r.value === 2",
               "true");
}

/* Whoever is no object of the class is refused, whatever it looks like. */
static void test_wrong_receivers(void **state) {
  static const char *const wrong[] = {
      "undefined",
      "null",
      "5",
      "'text'",
      "Symbol()",
      "{}",
      "Counter",
      "Counter.prototype",
      "Object.create(Counter.prototype)",
      "Object.create(c)",
      "Object.setPrototypeOf({}, c)",
      "new Proxy(c, {})",
      "new (class extends Object { constructor() { return Object."
      "setPrototypeOf(super(), Counter.prototype) } })",
      "new Other",
      "new Map",
  };
  torpor_class_def other = TORPOR_CLASS_DEF_INIT;
  (void)state;
  other = counter_def();
  other.name = "Other";
  test_ok(vm, torpor_class_add(vm, &other));
  test_eval(vm, "globalThis.c = new Counter(1)");
  for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
    char source[512];
    torpor_value value;
    snprintf(source, sizeof(source),
             "let r = []; for (const f of [Counter.prototype.add, d.get, "
             "d.set]) try { f.call(%s, 1) } catch (e) { r.push(e.name) } "
             "r.join()",
             wrong[i]);
    test_eval(vm,
              "var d = Object.getOwnPropertyDescriptor(Counter.prototype, "
              "'value')");
    char block[600];
    snprintf(block, sizeof(block), "(() => { %s; return r.join() })()", source);
    test_eval_is(vm, block, "TypeError,TypeError,TypeError");
    snprintf(source, sizeof(source), "(%s)", wrong[i]);
    value = test_eval(vm, source);
    test_status(vm, torpor_instance_read(vm, value, "Counter", NULL),
                TORPOR_WRONG_TYPE);
  }
  test_eval_is(
      vm, "try { new Proxy(c, {}).add(1) } catch (e) { e.message }",
      "called on a value that is not an object of the class 'Counter'");
  /* A proxy's own trap can pass it on. */
  test_eval_is(
      vm, "new Proxy(c, {get: (t, k) => t[k].bind(t)}).add(1).value + ''", "2");
}

/* The object that is being made is no counter yet. */
static torpor_status leak_self(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_instance *instance, void *user) {
  torpor_value out, self = arguments->self;
  torpor_status status;
  (void)user;
  test_status(given, torpor_instance_read(given, self, "Early", NULL),
              TORPOR_WRONG_TYPE);
  instance->id = 40;
  make_counter(instance, 0);
  status = torpor_call(given, torpor_argument(arguments, 0), torpor_undefined(),
                       &self, 1, &out);
  if (status == TORPOR_OK) return status;
  free(instance->data);
  live--;
  return status;
}

static void test_not_complete_yet(void **state) {
  torpor_class_def def = counter_def();
  (void)state;
  def.name = "Early";
  def.construct = leak_self;
  test_ok(vm, torpor_class_add(vm, &def));
  test_eval_is(vm,
               "let seen; const e = new Early(s => { try { s.add(1) } catch "
               "(e) { seen = e.name } }); seen + e.add(2).value",
               "TypeError2");
  /* What the constructor put there is not kept when it throws. */
  test_eval_is(vm,
               "try { new Early(s => { globalThis.s = s; throw 'no' }) } "
               "catch (e) { e }",
               "no");
  test_eval_is(vm, "try { s.add(1) } catch (e) { e.name }", "TypeError");
}

static void test_constructor_fails(void **state) {
  (void)state;
  test_eval_is(vm, "try { new Counter('no') } catch (e) { e }", "no");
  test_eval_is(vm, "try { new Counter(null) } catch (e) { e.name }", "Error");
  assert_int_equal(live, 0);
  test_ok(vm, torpor_vm_collect(vm));
  assert_int_equal(vm->object_count, 0);
}

static void test_no_constructor(void **state) {
  torpor_class_def def = counter_def();
  torpor_instance instance = {.id = 3};
  torpor_value value;
  (void)state;
  def.name = "files.File";
  def.construct = NULL;
  def.flags = TORPOR_CLASS_HIDDEN;
  test_ok(vm, torpor_class_add(vm, &def));
  test_eval_is(vm, "typeof File", "undefined");
  make_counter(&instance, 8);
  test_ok(vm, torpor_instance_new(vm, "files.File", &instance, &value));
  torpor_value global;
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, "file", value));
  test_eval_is(vm, "file.add(1).value + file.constructor.name", "9File");
  test_eval_is(vm, "try { new file.constructor } catch (e) { e.name }",
               "TypeError");
  test_ok(vm, torpor_class_get(vm, "files.File", &value));
  assert_int_equal(torpor_value_type(value), TORPOR_TYPE_OBJECT);
  test_status(vm, torpor_class_get(vm, "File", &value), TORPOR_NOT_FOUND);
}

static void test_definitions_are_checked(void **state) {
  const torpor_function_entry bad[] = {
      {NULL, add, 0, 0},    {"", add, 0, 0},     {"name", NULL, 0, 0},
      {"name", add, -1, 0}, {"name", add, 0, 6}, {"name", add, 0, 1},
      {"name", add, 0, 12}, {"name", add, 0, 32}};
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  char name[300];
  (void)state;
  def.name = "Bad";
  def.member_count = 1;
  test_status(vm, torpor_class_add(vm, &def), TORPOR_MISUSE);
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    def.members = &bad[i];
    if (bad[i].flags == 6) continue; /* an async getter is fine */
    test_status(vm, torpor_class_add(vm, &def), TORPOR_MISUSE);
  }
  def.member_count = 0;
  def.flags = 2;
  test_status(vm, torpor_class_add(vm, &def), TORPOR_MISUSE);
  def.flags = 0;
  def.size = 5;
  test_status(vm, torpor_class_add(vm, &def), TORPOR_MISUSE);
  def.size = sizeof(def);
  memset(name, 'x', sizeof(name));
  name[299] = 0;
  def.name = name;
  test_status(vm, torpor_class_add(vm, &def), TORPOR_MISUSE);
  def = counter_def();
  test_status(vm, torpor_class_add(vm, &def), TORPOR_MISUSE); /* twice */
  test_status(vm, torpor_class_bind(vm, &def), TORPOR_MISUSE);
  test_status(vm, torpor_function_bind(vm, "Counter.add", add, NULL, NULL),
              TORPOR_MISUSE);
  test_status(vm, torpor_function_bind(vm, "Counter", add, NULL, NULL),
              TORPOR_MISUSE);
  test_eval_is(vm, "typeof Bad", "undefined");
}

/* ---- Lives ----------------------------------------------------------------*/

static void test_collected(void **state) {
  (void)state;
  run(vm,
      "globalThis.a = new Counter(1); globalThis.b = new Counter(2);"
      "globalThis.ring = new Counter(3); ring.me = ring;");
  assert_int_equal(live, 3);
  run(vm, "a = 0");
  assert_int_equal(finalized[1], 1);
  run(vm, "ring = 0");
  assert_int_equal(finalized[3], 0);
  test_ok(vm, torpor_vm_collect(vm));
  assert_int_equal(finalized[3], 1);
  assert_int_equal(finalized[2], 0);
  assert_int_equal(live, 1);
  assert_int_equal(vm->object_count, 1);
}

/* A collection while a host function runs tells nobody before it has ended. */
static torpor_status drop_and_collect(torpor_vm *given,
                                      const torpor_arguments *arguments,
                                      torpor_value *result, void *user) {
  torpor_instance instance;
  int before = live;
  (void)user;
  test_ok(given, torpor_instance_read(given, torpor_argument(arguments, 0),
                                      "Counter", &instance));
  run(given, "a = 0; ring.me = ring; ring = 0");
  test_ok(given, torpor_vm_collect(given));
  assert_int_equal(live, before);
  *result = torpor_number(((counter *)instance.data)->value);
  return TORPOR_OK;
}

static void test_collected_while_running(void **state) {
  (void)state;
  test_ok(vm, torpor_function_add(vm, "drop", drop_and_collect, NULL));
  run(vm, "globalThis.a = new Counter(5); globalThis.ring = new Counter(6)");
  test_eval_is(vm, "drop(a) + ''", "5");
  assert_int_equal(live, 0);
}

/* One call that makes very many does not keep them all. */
static void test_many_in_one_call(void **state) {
  (void)state;
  run(vm, "let most = 0; for (let i = 0; i < 100000; i++) new Counter(i)");
  assert_int_equal(live, 0);
  assert_true(vm->control->heap_break < (16 << 20));
}

static int seen_most;

static torpor_status note_live(torpor_vm *given,
                               const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)given, (void)arguments, (void)result, (void)user;
  if (live > seen_most) seen_most = live;
  return TORPOR_OK;
}

static void test_told_meanwhile(void **state) {
  (void)state;
  seen_most = 0;
  test_ok(vm, torpor_function_add(vm, "note", note_live, NULL));
  run(vm, "for (let i = 0; i < 5000; i++) { new Counter(i); note() }");
  assert_true(seen_most > 1 && seen_most < 1000);
}

static void test_order_at_close(void **state) {
  (void)state;
  run(vm, "globalThis.all = [1, 2, 3, 4].map(x => new Counter(x))");
  torpor_vm_close(vm);
  assert_int_equal(order_count, 4);
  for (int i = 0; i < 4; i++) assert_int_equal(order[i], 4 - i);
  vm = open_with_counter();
}

static void test_broken_is_finalized(void **state) {
  (void)state;
  run(vm, "globalThis.a = new Counter(1)");
  vm->broken = true;
  torpor_vm_close(vm);
  assert_int_equal(finalized[1], 1);
  vm = open_with_counter();
}

static void refuse_all(const torpor_instance *instance, void *user) {
  torpor_value out;
  torpor_vm *of = *(torpor_vm **)user;
  torpor_class_def def = counter_def();
  (void)instance;
  test_status(of, torpor_global(of, &out), TORPOR_BUSY);
  test_status(of, torpor_eval(of, "1", 1, "f.js", TORPOR_SCRIPT, &out),
              TORPOR_BUSY);
  test_status(of, torpor_class_add(of, &def), TORPOR_BUSY);
  test_status(of, torpor_instance_each(of, "Late", NULL, NULL), TORPOR_MISUSE);
  torpor_vm_close(of);
}

static torpor_status make_nothing(torpor_vm *given,
                                  const torpor_arguments *arguments,
                                  torpor_instance *instance, void *user) {
  (void)given, (void)arguments, (void)instance, (void)user;
  return TORPOR_OK;
}

static void test_finalizer_cannot_enter(void **state) {
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  torpor_vm *other;
  torpor_value out;
  (void)state;
  def.name = "Late";
  def.construct = make_nothing;
  def.finalize = refuse_all;
  def.user = &other;
  other = test_vm_open(NULL);
  test_ok(other, torpor_class_add(other, &def));
  test_eval(other, "new Late; 0");
  test_status(other, torpor_global(other, &out), TORPOR_MISUSE); /* closed */
  other = test_vm_open(NULL);
  test_ok(other, torpor_class_add(other, &def));
  run(other, "globalThis.l = new Late; 0");
  torpor_vm_close(other);
}

/* ---- Sleeping, copies -----------------------------------------------------*/

static const char three[] =
    "globalThis.a = new Counter(1); globalThis.b = new "
    "Counter(2); globalThis.c = new Counter(3); 0";

static void test_sleeps(void **state) {
  torpor_class_def def = counter_def();
  torpor_scope scope;
  torpor_value a;
  torpor_bytes bytes;
  torpor_vm *woken;
  (void)state;
  run(vm, three);
  bytes = test_save(vm);
  woken = test_restore(&bytes, NULL);
  test_eval_is(woken, "try { a.add(1) } catch (e) { e.message }",
               "the host function 'Counter.add' is not bound on this host");
  test_eval_is(woken, "try { new Counter } catch (e) { e.message }",
               "the host function 'Counter' is not bound on this host");
  test_ok(woken, torpor_scope_open(woken, &scope));
  a = test_eval(woken, "a");
  test_status(woken, torpor_instance_read(woken, a, "Counter", NULL),
              TORPOR_NOT_FOUND);
  test_ok(woken, torpor_scope_close(woken, scope));
  test_ok(woken, torpor_class_add(woken, &def));
  assert_int_equal(restored, 0);
  test_eval_is(woken, "a.add(1).value + ''", "101");
  assert_int_equal(restored, 1);
  test_eval_is(woken, "a.value + b.value + ''", "301");
  assert_int_equal(restored, 2);
  test_eval_is(woken, "a instanceof Counter && new Counter(4).value === 4",
               "true");
  /* Each is finalized in each VM that knows it. */
  run(woken, "a = 0; c = 0;");
  assert_int_equal(finalized[1], 1);
  assert_int_equal(finalized[3], 0);
  torpor_vm_close(woken);
  assert_int_equal(finalized[2], 1);
  assert_int_equal(finalized[3], 0);
  test_eval_is(vm, "a.value + b.value + c.value + ''", "6");
  torpor_bytes_free(&bytes);
}

static void test_binds_without_waking(void **state) {
  torpor_class_def def = counter_def();
  torpor_bytes bytes, again;
  torpor_vm *woken;
  (void)state;
  run(vm, three);
  bytes = test_save(vm);
  woken = test_restore(&bytes, NULL);
  test_ok(woken, torpor_class_bind(woken, &def));
  again = test_save(woken);
  assert_int_equal(bytes.size, again.size);
  assert_memory_equal(bytes.data, again.data, bytes.size);
  test_eval_is(woken, "b.value + ''", "200");
  torpor_vm_close(woken);
  torpor_bytes_free(&bytes);
  torpor_bytes_free(&again);
}

static void test_not_restored(void **state) {
  torpor_class_def def = counter_def();
  torpor_vm *copy;
  (void)state;
  last_id = 12;
  run(vm,
      "globalThis.bad = new Counter(1); globalThis.good = new "
      "Counter(2); 0");
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  test_ok(copy, torpor_class_bind(copy, &def));
  for (int i = 0; i < 2; i++)
    test_eval_is(copy, "try { bad.value } catch (e) { `${e}` }",
                 "Error: an object of the class 'Counter' was not restored: "
                 "reading or writing failed");
  test_eval_is(copy, "good.value + ''", "1400");
  torpor_vm_close(copy);
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  def.restore = NULL;
  test_ok(copy, torpor_class_bind(copy, &def));
  test_eval_is(
      copy, "try { good.value } catch (e) { `${e}` }",
      "LostError: what the host had for this object of class "
      "'Counter' is lost since the program slept or moved: the class has no "
      "'restore'");
  torpor_vm_close(copy);
}

static torpor_status count_visits(torpor_vm *given, torpor_value value,
                                  const torpor_instance *instance, void *user) {
  torpor_instance same;
  double *sum = user;
  test_ok(given, torpor_instance_read(given, value, "Counter", &same));
  assert_ptr_equal(same.data, instance->data);
  *sum += ((counter *)instance->data)->value;
  return *sum > 500 ? TORPOR_DENIED : TORPOR_OK;
}

static void test_each(void **state) {
  torpor_class_def def = counter_def();
  torpor_vm *copy;
  double sum = 0;
  torpor_usage usage = TORPOR_USAGE_INIT, after = TORPOR_USAGE_INIT;
  (void)state;
  run(vm, three);
  test_ok(vm, torpor_vm_usage(vm, &usage));
  test_ok(vm, torpor_instance_each(vm, "Counter", count_visits, &sum));
  test_ok(vm, torpor_vm_usage(vm, &after));
  assert_int_equal(usage.handles, after.handles);
  assert_true(sum == 6);
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  test_ok(copy, torpor_class_bind(copy, &def));
  sum = 0;
  test_status(copy, torpor_instance_each(copy, "Counter", count_visits, &sum),
              TORPOR_DENIED);
  torpor_vm_close(copy);
  assert_int_equal(live, 3);
}

/* The bytes do not tell when something was collected, and by whom. */
static double stand_still(void *user, torpor_clock which) {
  (void)user, (void)which;
  return 1e12;
}

static torpor_bytes save_history(bool with_wake) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_class_def def = counter_def();
  torpor_bytes bytes, later;
  torpor_vm *of;
  forget_all();
  options.clock = stand_still;
  of = test_vm_open(&options);
  test_ok(of, torpor_class_add(of, &def));
  run(of, three);
  run(of, "a = 0;");
  if (with_wake) {
    bytes = test_save(of);
    torpor_vm_close(of);
    of = test_restore(&bytes, &options);
    torpor_bytes_free(&bytes);
    test_ok(of, torpor_class_bind(of, &def));
  }
  run(of, "b = 0; globalThis.d = new Counter(1); d = 0;");
  later = test_save(of);
  torpor_vm_close(of);
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

static torpor_status use_all(torpor_vm *of) {
  torpor_class_def def = counter_def();
  torpor_status status = torpor_class_add(of, &def);
  if (status == TORPOR_OK)
    status = test_eval_status(of,
                              "globalThis.a = new Counter(1); a.add(1);"
                              "a.value = a.value + 1; Counter.from(2);");
  if (status != TORPOR_OK) return status;
  double sum = 0;
  return torpor_instance_each(of, "Counter", count_visits, &sum);
}

static void test_allocations_fail(void **state) {
  torpor_status status = TORPOR_THROWN;
  uint32_t n = 0;
  (void)state;
  for (; status != TORPOR_OK; n++) {
    torpor_vm *of = test_vm_open(NULL);
    test_fail_allocations(of, n, 0);
    status = use_all(of);
    if (status == TORPOR_THROWN || status == TORPOR_LIMIT) {
      test_fail_allocations(of, UINT32_MAX, 0);
      if (!of->classes) test_ok(of, use_all(of));
      test_eval_is(of, "new Counter(4).add(1).value + Counter.name",
                   "5Counter");
    } else if (status != TORPOR_OK) {
      assert_true(status == TORPOR_TRAPPED && torpor_vm_exhausted(of));
    }
    torpor_vm_close(of);
    assert_int_equal(live, 0);
    assert_true(n < 2000);
  }
  assert_true(n > 50);
}

/* The same for the host's memory: each n-th block and all after it. */
static void test_host_memory_runs_out(void **state) {
  torpor_class_def def = counter_def();
  torpor_status status = TORPOR_NOMEM;
  long n = 0;
  (void)state;
  for (; status != TORPOR_OK; n++) {
    torpor_vm *of = test_vm_open(NULL);
    torpor__alloc_fail(n);
    status = torpor_class_add(of, &def);
    if (status == TORPOR_OK)
      status = test_eval_status(of, "new Counter(1).add(2); Counter.from(5)");
    torpor__alloc_fail(-1);
    if (status != TORPOR_OK && of->classes == NULL)
      test_ok(of, torpor_class_add(of, &def));
    if (status != TORPOR_OK)
      assert_true(status == TORPOR_NOMEM || status == TORPOR_THROWN);
    test_eval_is(of, "new Counter(1).add(2).value + ''", "3");
    torpor_vm_close(of);
    assert_int_equal(live, 0);
    assert_true(n < 200);
  }
  assert_true(n > 5);
}

/* An engine that lacks all this says so, and its VMs go on. */
static void test_older_engine(void **state) {
  const torpor__engine *engine = vm->engine;
  torpor__engine older = *engine;
  torpor_class_def def = counter_def();
  torpor_instance instance = {0};
  torpor_value out;
  (void)state;
  older.exports.torpor_class_make = NULL;
  older.exports.torpor_class_find = NULL;
  older.exports.torpor_instance_read = NULL;
  vm->engine = vm->image->engine = &older;
  def.name = "Other";
  test_status(vm, torpor_class_add(vm, &def), TORPOR_UNSUPPORTED);
  assert_non_null(strstr(torpor_last_error(vm), "older"));
  test_ok(vm, torpor_class_bind(vm, &def));
  test_status(vm, torpor_class_get(vm, "Counter", &out), TORPOR_UNSUPPORTED);
  test_status(vm, torpor_instance_new(vm, "Other", &instance, &out),
              TORPOR_UNSUPPORTED);
  test_status(vm, torpor_instance_read(vm, torpor_null(), "Other", NULL),
              TORPOR_UNSUPPORTED);
  vm->engine = vm->image->engine = engine;
  test_eval_is(vm, "new Counter(2).value + ''", "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_vm, close_vm)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_looks_like_a_class),
      TEST(test_subclass),
      TEST(test_wrong_receivers),
      TEST(test_not_complete_yet),
      TEST(test_constructor_fails),
      TEST(test_no_constructor),
      TEST(test_definitions_are_checked),
      TEST(test_collected),
      TEST(test_collected_while_running),
      TEST(test_many_in_one_call),
      TEST(test_told_meanwhile),
      TEST(test_order_at_close),
      TEST(test_broken_is_finalized),
      TEST(test_finalizer_cannot_enter),
      TEST(test_sleeps),
      TEST(test_binds_without_waking),
      TEST(test_not_restored),
      TEST(test_each),
      TEST(test_canonical),
      TEST(test_allocations_fail),
      TEST(test_host_memory_runs_out),
      TEST(test_older_engine),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
