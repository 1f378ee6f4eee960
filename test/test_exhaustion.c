/* SPDX-License-Identifier: MIT */
/* test_exhaustion.c - running out of memory is always told.
 * ctest: timeout=120
 *
 * Each program of support/exhaustion.txt runs again and again; the n-th
 * allocation of its compilation, its modules, its execution and its jobs fails,
 * or all from the n-th on, for n = 0, 1, 2... until there are no more. Each
 * time one of these must come out, and soon:
 *
 *   the program's result, as if nothing had failed, or with what it caught
 *   "out of memory", thrown, or as a rejection
 *   a VM that was ended because memory ran out, and says so
 *
 * The programs are separated by lines "----"; one that begins with "import",
 * "export" or "//module" is a module. Each leaves its result in 'out'. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/file.h"
#include "test/support/heap.h"
#include "test/support/vm.h"
#include "vm/vm.h"

enum { TEXT_MAX = 2048, FAILURES_MOST = 20000 };

static const char oom[] = "out of memory";

static struct {
  const char *program;
  uint32_t n, more; /* see torpor_allocation_fail; n = UINT32_MAX: none */
} now;

static _Noreturn void complain(const char *what, const char *text) {
  print_error("%s: %s\nallocation %" PRIu32 "%s of:\n%.200s\n", what, text,
              now.n, now.more ? " and all others" : "", now.program);
  fail();
  abort();
}

/* ---- What the programs import ---------------------------------------------*/

static const char *const modules[][2] = {
    {"a.js",
     "import {b} from './b.js'; export const a = 1; export default class A { x "
     "= 1 } export {b as c}; export * from './b.js'; export * as ns from "
     "'./c.js'; import * as d from './c.js'; export let z = d"},
    {"b.js",
     "import {a} from './a.js'; export let b = () => a; export function bb() { "
     "return a }"},
    {"c.js", "export let s = await 1; export let [r, {q}] = [1, {q: 2}]"},
    {"d.json", "{\"list\": [1, 2, {\"deep\": \"text\"}], \"n\": null}"},
};

/* The source of a module; those below "later/" are the same. */
static const char *find_source(const char *name) {
  if (strncmp(name, "later/", 6) == 0) name += 6;
  for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
    if (strcmp(modules[i][0], name) == 0) return modules[i][1];
  return NULL;
}

static torpor_status give_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  const char *source = find_source(request->name);
  (void)user;
  if (strncmp(request->name, "later/", 6) == 0)
    return torpor_module_later(NULL, request, answer);
  if (!source) return TORPOR_NOT_FOUND;
  return torpor_module_give(answer, source, strlen(source));
}

/* Settles the oldest operation, which is for a module. */
static torpor_status answer_one(torpor_vm *vm) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_bytes json;
  uint8_t cbor[1024] = {0x79};
  char name[64];
  const char *source;
  size_t size;
  test_ok(vm, torpor_operation_at(vm, 0, &operation));
  test_ok(vm, torpor_cbor_to_json(operation.request, operation.request_size,
                                  &json));
  assert_int_equal(sscanf((char *)json.data, "{\"name\":\"%63[^\"]", name), 1);
  torpor_bytes_free(&json);
  source = find_source(name);
  assert_non_null(source);
  size = strlen(source);
  cbor[1] = (uint8_t)(size >> 8);
  cbor[2] = (uint8_t)size;
  memcpy(cbor + 3, source, size);
  return torpor_operation_settle_cbor(vm, operation.id, TORPOR_RESOLVE, cbor,
                                      size + 3);
}

/* Runs jobs, and answers what they ask for, until nothing is left. */
static torpor_status run_all(torpor_vm *vm) {
  torpor_status status = torpor_job_run(vm, 0, NULL);
  while (status == TORPOR_OK && torpor_operation_count(vm) > 0) {
    status = answer_one(vm);
    /* It stays pending when there is no memory for what came. */
    if (status == TORPOR_THROWN) status = answer_one(vm);
    if (status == TORPOR_OK) status = torpor_job_run(vm, 0, NULL);
  }
  return status;
}

/* ---- One run --------------------------------------------------------------*/

static void text_of(torpor_vm *vm, torpor_value value, char *text) {
  torpor_bytes bytes;
  torpor_error error = TORPOR_ERROR_INIT;
  if (torpor_value_type(value) == TORPOR_TYPE_OBJECT &&
      torpor_error_read(vm, value, &error) == TORPOR_OK) {
    snprintf(text, TEXT_MAX, "%s: %s", error.name, error.message);
    torpor_error_free(&error);
    return;
  }
  test_ok(vm, torpor_string_read(vm, value, &bytes));
  snprintf(text, TEXT_MAX, "%s", (const char *)bytes.data);
  torpor_bytes_free(&bytes);
}

static bool is_module(const char *program) {
  return strncmp(program, "import ", 7) == 0 ||
         strncmp(program, "export ", 7) == 0 ||
         strncmp(program, "//module", 8) == 0;
}

/* Whether a rejection that nobody handled says that memory ran out. Others may
 * come with it: of promises whose handlers could not be attached. */
static bool was_rejected(torpor_vm *vm) {
  char text[TEXT_MAX];
  torpor_value reason;
  bool found = false;
  while (torpor_rejection_take(vm, &reason) == TORPOR_OK) {
    text_of(vm, reason, text);
    found |= strstr(text, oom) != NULL;
  }
  return found;
}

/* What came out of a program that was not ended. */
static void look_at(torpor_vm *vm, torpor_value promise, char *text) {
  torpor_promise_state state = TORPOR_FULFILLED;
  torpor_value value;
  bool rejected = was_rejected(vm);
  if (is_module(now.program))
    test_ok(vm, torpor_promise_read(vm, promise, &state, &value));
  if (state == TORPOR_REJECTED)
    text_of(vm, value, text);
  else if (rejected)
    snprintf(text, TEXT_MAX, "%s", oom);
  else if (state == TORPOR_PENDING)
    complain("nothing came", "the module's promise is pending");
  else
    text_of(vm, test_eval(vm, "globalThis.out"), text);
}

/* Runs the program and leaves in 'text' what came out of it; gives how many
 * allocations there were. */
static uint32_t run_once(char *text) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_value value;
  torpor_status status;
  uint32_t count = 0;
  options.deadline_ms = 5000;
  options.module = give_module;
  vm = test_vm_open(&options);
  test_fail_allocations(vm, now.n, now.more);
  status = torpor_eval(vm, now.program, strlen(now.program), "test.js",
                       is_module(now.program) ? TORPOR_MODULE : TORPOR_SCRIPT,
                       &value);
  if (status == TORPOR_OK) status = run_all(vm);
  snprintf(text, TEXT_MAX, "%s", torpor_last_error(vm));
  if (status == TORPOR_TRAPPED && torpor_vm_exhausted(vm)) {
    torpor_vm_close(vm);
    return UINT32_MAX;
  }
  if (status != TORPOR_OK && status != TORPOR_THROWN)
    complain(torpor_status_name(status), text);
  count = test_fail_allocations(vm, UINT32_MAX, 0);
  if (status == TORPOR_OK) look_at(vm, value, text);
  test_eval_is(vm, "[1, 2].map(x => x * 2).join()", "2,4");
  torpor_vm_close(vm);
  return count;
}

/* ---- All of them ----------------------------------------------------------*/

static void run_program(const char *program, uint32_t more, unsigned *runs) {
  char expected[TEXT_MAX], text[TEXT_MAX];
  uint32_t count;
  now.program = program;
  now.more = more;
  now.n = UINT32_MAX - 1;
  count = run_once(expected);
  if (strstr(expected, oom)) complain("nothing failed", expected);
  for (now.n = 0; now.n < count; now.n++, ++*runs) {
    assert_true(now.n < FAILURES_MOST);
    run_once(text);
    if (strcmp(text, expected) != 0 && !strstr(text, oom))
      complain("a wrong result", text);
  }
}

static char *read_programs(void) {
  char path[1024];
  torpor_bytes text;
  snprintf(path, sizeof(path), "%s/test/support/exhaustion.txt",
           getenv("TORPOR_SOURCE"));
  text = test_file_read(path);
  assert_non_null(text.data);
  return (char *)text.data;
}

static void test_every_allocation_fails(void **state) {
  static const char border[] = "\n----\n";
  char *text = read_programs(), *program = text;
  unsigned programs = 0, runs = 0;
  (void)state;
  while (*program) {
    char *end = strstr(program, border);
    assert_non_null(end);
    *end = '\0';
    for (uint32_t more = 0; more < 2; more++) run_program(program, more, &runs);
    program = end + sizeof(border) - 1;
    programs++;
  }
  print_message("%u programs, %u runs\n", programs, runs);
  assert_true(programs > 30 && runs > 10000);
  free(text);
}

/* ---- A limit that is real -------------------------------------------------*/

/* The heap is full but for a few blocks more each time, while code is compiled;
 * 'kept' moves where its blocks lie. */
static torpor_status compile_when_full(const char *code, unsigned kept,
                                       char *text) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_value value;
  torpor_status status;
  char source[1024];
  options.memory_max = 2 << 20;
  options.deadline_ms = 5000;
  vm = test_vm_open(&options);
  snprintf(source, sizeof(source),
           "const kept = [], said = new Set, e = eval, code = `%s`;"
           "for (let i = 0; i < %u; i++) kept.push({i});"
           "const hog = new Array(20000).fill(null); let n = 262144, j = 0;"
           "while (n >= 1) {"
           "  try { hog[j] = new ArrayBuffer(n); j++ } catch { n >>= 1 }"
           "}"
           "for (let k = 0; k < 40; k++) {"
           "  try { e(code) } catch (error) { said.add(String(error)) }"
           "  hog[--j] = null"
           "}"
           "hog.length = 0; [...said].join()",
           code, kept);
  status =
      torpor_eval(vm, source, strlen(source), "test.js", TORPOR_SCRIPT, &value);
  if (status == TORPOR_OK)
    text_of(vm, value, text);
  else
    snprintf(text, TEXT_MAX, "%s", torpor_last_error(vm));
  if (status == TORPOR_TRAPPED && !torpor_vm_exhausted(vm))
    complain("ended for another reason", text);
  torpor_vm_close(vm);
  return status;
}

static void test_compiles_near_the_limit(void **state) {
  static const char *const codes[] = {
      "s=>s+s",
      "(function () { for (const [a, b] of []) { a.x ||= class { #b = a } } })",
      "if (0) { switch (x) { case 1: break; default: y() } }",
      "(async function* () { yield* [...x]; await 1; try { } finally { } })",
  };
  unsigned told = 0;
  (void)state;
  for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
    now.program = codes[i];
    for (unsigned kept = 0; kept < 60; kept++) {
      char text[TEXT_MAX];
      torpor_status status = compile_when_full(codes[i], kept, text);
      now.n = kept;
      told += strstr(text, oom) != NULL;
      if (strcmp(text, "InternalError: out of memory") != 0 &&
          !(status == TORPOR_OK && text[0] == '\0') &&
          !(status != TORPOR_OK && strstr(text, oom)))
        complain(torpor_status_name(status), text);
    }
  }
  assert_true(told > 100);
}

/* Errors that are kept use the reserve up; then there is no other value for
 * the program to catch, and no lost one. */
static void test_errors_use_the_reserve_up(void **state) {
  static const char source[] =
      "const hog = [], errors = new Array(5000).fill(0); let n = 65536;"
      "while (n >= 1) {"
      "  try { hog.push(new ArrayBuffer(n)) } catch { n >>= 1 }"
      "}"
      "for (let i = 0; i < 5000; i++) {"
      "  try { hog.push([{}, {}]) } catch (error) { errors[i] = error }"
      "  if (errors[i] !== 0 && !(errors[i] instanceof InternalError)) throw 1"
      "}";
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  (void)state;
  options.memory_max = 2 << 20;
  vm = test_vm_open(&options);
  test_status(vm, test_eval_status(vm, source), TORPOR_TRAPPED);
  assert_true(torpor_vm_exhausted(vm));
  assert_non_null(strstr(torpor_last_error(vm), oom));
  assert_non_null(strstr(torpor_last_error(vm), "memory_max"));
  torpor_vm_close(vm);
  vm = test_vm_open(NULL);
  assert_false(torpor_vm_exhausted(vm));
  torpor_vm_close(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_allocation_fails),
      cmocka_unit_test(test_compiles_near_the_limit),
      cmocka_unit_test(test_errors_use_the_reserve_up),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
