/* SPDX-License-Identifier: MIT */
/* test_builtin_ends.c - every function that a program can reach, called with
 * what makes built-ins long: each call ends by itself or is interrupted at its
 * deadline. None has to be ended by the watchdog, which JavaScript hosts lack.
 *
 * TORPOR_CALLS: how many; TORPOR_SEED: of the first.
 * ctest: slow nosanitize timeout=300 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/vm.h"

/* An expression for each function, by a walk from the global object. */
static const char list_functions[] =
    "(() => {"
    "  const found = [], seen = new Set();"
    "  const walk = (object, path, depth) => {"
    "    if (seen.has(object) || depth > 3) return;"
    "    seen.add(object);"
    "    for (const key of Reflect.ownKeys(object)) {"
    "      const name = typeof key === 'symbol'"
    "        ? key.description : JSON.stringify(key);"
    "      const all = Reflect.getOwnPropertyDescriptor(object, key);"
    "      for (const kind of ['value', 'get', 'set']) {"
    "        const it = all[kind];"
    "        if (Object(it) !== it) continue;"
    "        const here = kind === 'value' ? `${path}[${name}]` :"
    "          `Object.getOwnPropertyDescriptor(${path}, ${name}).${kind}`;"
    "        if (typeof it === 'function' && !seen.has(it)) found.push(here);"
    "        walk(it, here, depth + 1);"
    "      }"
    "    }"
    "    const above = Object.getPrototypeOf(object);"
    "    if (above) walk(above, `Object.getPrototypeOf(${path})`, depth + 1);"
    "  };"
    "  walk(globalThis, 'globalThis', 0);"
    "  for (const made of ['[].values()', 'new Map().keys()',"
    "                      \"''.matchAll(/a/g)\", '(function* () {})()',"
    "                      '[].values().map((a) => a)'])"
    "    walk((0, eval)(made), made, 1);"
    "  return found.join('\\n');"
    "})()";

/* Without an end, or so long that the square of it has none. */
static const char *const values[] = {
    "Array(4e9)",
    "({ length: 2 ** 53 - 1 })",
    "Array(4e9).values()",
    "2 ** 53",
    "'a'.repeat(5e5)",
    "'\\u0301\\u0323'.repeat(1e5)",
    "((1n << 1000000n) - 1n)",
    "new Uint8Array(5e5)",
    "new Float64Array(1e5)",
    "Array(1e5).fill(7)",
    "new Set(Array(3e4).keys())",
    "new Map(Array(3e4).entries())",
};

static const char *const arguments[] = {
    "",
    "x",
    "x, x",
    "1e9",
    "-1, 2 ** 53, 4e9",
    "(a) => a",
    "Array(4e9)",
    "{ length: 2 ** 53 - 1 }, 1",
    "'a'.repeat(2e5) + 'b'",
    "'aab', x",
    "/(?:a|b)+c/g, 'x'",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* These compile their arguments, see docs/embedding.md#limits. */
static bool compiles(const char *function) {
  return strstr(function, "Function\"]") || strstr(function, "constructor") ||
         strstr(function, "\"eval\"");
}

static char **functions;
static size_t function_count;

static void find_functions(void) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_value value;
  torpor_bytes text;
  test_ok(vm, torpor_eval(vm, list_functions, SIZE_MAX, "list.js",
                          TORPOR_SCRIPT, &value));
  test_ok(vm, torpor_string_read(vm, value, &text));
  functions = calloc(text.size, sizeof(*functions));
  assert_non_null(functions);
  for (char *line = strtok((char *)text.data, "\n"); line;
       line = strtok(NULL, "\n")) {
    if (compiles(line)) continue;
    functions[function_count] = strdup(line);
    assert_non_null(functions[function_count++]);
  }
  torpor_bytes_free(&text);
  torpor_vm_close(vm);
  assert_true(function_count > 500);
}

static void drop(void *user, torpor_level level, const char *text,
                 size_t size) {
  (void)user, (void)level, (void)text, (void)size;
}

/* How the call ended. */
static torpor_status call(const char *function, const char *value,
                          const char *given, bool constructs) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  torpor_status status;
  char source[1024];
  options.memory_max = 128 << 20;
  options.console = drop;
  vm = test_vm_open(&options);
  snprintf(source, sizeof(source), "globalThis.x = %s; globalThis.f = %s; 0",
           value, function);
  test_eval(vm, source);
  torpor_vm_set_deadline(vm, 30);
  snprintf(source, sizeof(source),
           constructs ? "new f(%s); 0" : "f.apply(x, [%s]); 0", given);
  status = torpor_eval(vm, source, SIZE_MAX, "call.js", TORPOR_SCRIPT, NULL);
  if (status == TORPOR_TRAPPED && torpor_vm_timed_out(vm)) {
    print_error("x = %s, f = %s: %s\n", value, function, source);
    fail();
  }
  torpor_vm_close(vm);
  return status;
}

static void test_all_end(void **state) {
  unsigned calls = test_count("TORPOR_CALLS", 3000, 60000), interrupted = 0;
  test_random random = {test_count("TORPOR_SEED", 1, 1)};
  (void)state;
  find_functions();
  for (unsigned i = 0; i < calls; i++) {
    uint64_t bits = test_random_next(&random);
    const char *function = functions[bits % function_count];
    const char *value = values[(bits >> 16) % COUNT(values)];
    const char *given = arguments[(bits >> 32) % COUNT(arguments)];
    if (call(function, value, given, bits >> 62 == 0) == TORPOR_INTERRUPTED)
      interrupted++;
  }
  print_message("%u of %u calls were interrupted\n", interrupted, calls);
  assert_true(interrupted > calls / 200);
  for (size_t i = 0; i < function_count; i++) free(functions[i]);
  free(functions);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_end)};
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
