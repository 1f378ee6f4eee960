/* SPDX-License-Identifier: MIT */
/* test_module_compiled.c - imports that the host answers with bytecode: as with
 * source, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "test/support/vm.h"

enum { MODULES = 6 };

/* Modules by name, compiled in a VM of their own. */
static struct module {
  const char *name, *source;
  torpor_bytes code;
} modules[MODULES] = {
    {.name = "/lib/a.mjs",
     .source = "import { b } from './b.mjs'; export const a = b + 1;"
               "export const meta = [import.meta.url, import.meta.main];"},
    {.name = "/lib/b.mjs",
     .source = "export { twice } from '../circle.mjs'; export const b = 40;"},
    {.name = "/circle.mjs",
     .source = "import { a } from './lib/a.mjs';"
               "export const twice = () => 2 * a;"},
    {.name = "/waits.mjs",
     .source = "await 1; globalThis.waited = true; export const w = 1;"},
    {.name = "/throws.mjs", .source = "throw new RangeError('thrown')"},
    {.name = "/other.mjs", .source = "export default 1"},
};

static struct module *find(const char *name) {
  for (size_t i = 0; i < MODULES; i++)
    if (strcmp(modules[i].name, name) == 0) return &modules[i];
  return NULL;
}

static void compile(const char *source, const char *name, torpor_mode mode,
                    torpor_bytes *out) {
  torpor_vm *vm = test_vm_open(NULL);
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  options.file = name;
  options.mode = mode;
  test_ok(vm, torpor_compile(vm, source, SIZE_MAX, &options, out));
  torpor_vm_close(vm);
}

static torpor_status give_bytes(torpor_module_answer *answer,
                                const torpor_bytes *code) {
  return torpor_module_give_compiled(answer, code->data, code->size);
}

/* torpor_options.module */
static torpor_status give(void *user, const torpor_module_request *request,
                          torpor_module_answer *answer) {
  const torpor_bytes *wrong = user; /* NULL: what is right */
  const struct module *module = find(request->name);
  if (module == NULL) return TORPOR_NOT_FOUND;
  return give_bytes(answer, wrong != NULL ? wrong : &module->code);
}

static torpor_vm *open_with(const torpor_bytes *wrong) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.module = give;
  options.user = (void *)wrong;
  return test_vm_open(&options);
}

/* Asserts that importing 'name' is rejected with 'words' in the text. */
static void test_import_says(torpor_vm *vm, const char *name,
                             const char *words) {
  char source[300];
  snprintf(source, sizeof(source),
           "globalThis.said = ''; import('%s').catch((e) => said = '' + e)",
           name);
  test_eval(vm, source);
  test_run_jobs(vm);
  snprintf(source, sizeof(source), "said.includes(`%s`) || said", words);
  test_eval_is(vm, source, "true");
}

static void test_graph(void **state) {
  torpor_vm *vm = open_with(NULL);
  (void)state;
  test_eval_module(vm,
                   "import { a, meta } from '/lib/a.mjs';"
                   "import { twice } from '/lib/b.mjs';"
                   "globalThis.found = [a, twice(), ...meta].join()");
  test_eval_is(vm, "found", "41,82,file:///lib/a.mjs,false");
  test_eval_module(vm, "import { w } from '/waits.mjs'; globalThis.w = w");
  test_run_jobs(vm);
  test_eval_is(vm, "waited && w", "1");
  test_import_says(vm, "/throws.mjs", "RangeError: thrown");
  test_import_says(vm, "/none.mjs", "/none.mjs");
  torpor_vm_close(vm);
}

/* Code that came as bytecode sleeps as other code does. */
static void test_sleep(void **state) {
  torpor_vm *vm = open_with(NULL);
  (void)state;
  test_eval_module(vm,
                   "import { twice } from '/circle.mjs';"
                   "globalThis.f = twice");
  torpor_bytes asleep = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&asleep, NULL);
  test_eval_is(vm, "f()", "82");
  torpor_vm_close(vm);
  torpor_bytes_free(&asleep);
}

static void test_refused(void **state) {
  torpor_bytes script, other = modules[5].code, altered;
  (void)state;
  compile("1 + 1", "/waits.mjs", TORPOR_SCRIPT, &script);
  compile(modules[3].source, "/waits.mjs", TORPOR_MODULE, &altered);
  altered.data[altered.size - 1] ^= 1;
  const struct {
    torpor_bytes code;
    const char *words;
  } all[] = {
      {script, "of a script, not of a module"},
      {other, "of a module of another name"},
      {altered, "altered"},
      {{(uint8_t *)"export default 1", 16}, "no bytecode"},
      {{altered.data, altered.size - 1}, "cut short"},
  };
  for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
    torpor_vm *vm = open_with(&all[i].code);
    test_import_says(vm, "/waits.mjs", all[i].words);
    test_eval_is(vm, "6 * 7", "42");
    torpor_vm_close(vm);
  }
  torpor_bytes_free(&script);
  torpor_bytes_free(&altered);
}

/* Bytecode is code: as data it is a mistake of the host's. */
static void test_as_data(void **state) {
  torpor_vm *vm = open_with(NULL);
  (void)state;
  test_eval(vm,
            "globalThis.said = '';"
            "import('/other.mjs', { with: { type: 'json' } })"
            "  .catch((e) => said = e.code)");
  test_run_jobs(vm);
  test_eval_is(vm, "said", "MISUSE");
  torpor_vm_close(vm);
}

static int setup(void **state) {
  int failed = test_vm_setup(state);
  for (size_t i = 0; i < MODULES; i++)
    compile(modules[i].source, modules[i].name, TORPOR_MODULE,
            &modules[i].code);
  return failed;
}

static int teardown(void **state) {
  for (size_t i = 0; i < MODULES; i++) torpor_bytes_free(&modules[i].code);
  return test_vm_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_graph),
      cmocka_unit_test(test_sleep),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_as_data),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
