/* SPDX-License-Identifier: MIT */
/* counting-program.c - the programs of the runs in a model. See
 * counting-program.h. */
#include "test/support/counting-program.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/support/bench.h"
#include "test/support/file.h"

/* ---- Extensions ----------------------------------------------------------*/

enum { HEADERS, URL, COUNTER };

struct counting_module counting_modules[COUNTING_MODULES] = {
    [HEADERS] = {"extensions", "headers", "", ""},
    [URL] = {"extensions", "url", "", ""},
    [COUNTER] = {"test-extensions", "counter", "", ""},
};

/* Counts the objects that its extension has finalized. */
#define TALLY                                                                  \
  "{ at: new Counter(), get() { return this.at.finalized; },"                  \
  "  set(key, value) { while (this.get() < value) new Counter(); } }"

const struct counting_set counting_sets[COUNTING_SETS] = {
    {0, {0}, "new Map()", "new Map()"},
    {1, {HEADERS}, "new Headers()", "new Headers()"},
    {2, {URL, COUNTER}, "new URL('a:b').searchParams", TALLY},
    {2, {COUNTER, HEADERS}, "new Headers()", TALLY},
};

int counting_program_find_modules(void **state) {
  char path[512];
  (void)state;
  for (int i = 0; i < COUNTING_MODULES; i++) {
    torpor_extension_info info = TORPOR_EXTENSION_INFO_INIT;
    struct counting_module *module = &counting_modules[i];
    torpor_vm *vm;
    snprintf(module->path, sizeof module->path, "%s/%s/%s.wasm",
             getenv("TORPOR_BUILD"), module->folder, module->name);
    snprintf(path, sizeof path, "%s/%s/%s.so", getenv("TORPOR_BUILD"),
             module->folder, module->name);
    if (torpor_vm_open(NULL, &vm) != TORPOR_OK ||
        torpor_vm_load_extension(vm, path, NULL) != TORPOR_OK ||
        torpor_vm_extension_at(vm, 0, &info) != TORPOR_OK)
      return -1;
    torpor_vm_close(vm);
    snprintf(module->hash, sizeof module->hash, "%s", info.hash);
  }
  return 0;
}

/* ---- The program ---------------------------------------------------------*/

/* Says what it is made of: no run may get the source of another one. */
#define MAIN                                                                   \
  "import { signal, input, onUpgrade, exportState } from 'torpor:run';"        \
  "import { b } from './lib.mjs';"                                             \
  "const sums = %s, counts = %s;"                                              \
  "const put = (sum, count) => {"                                              \
  "  sums.set('sum', sum); counts.set('count', count); };"                     \
  "const sum = () => +sums.get('sum'), count = () => +counts.get('count');"    \
  "put(input() ?? 0, 0);"                                                      \
  "exportState(() => [sum(), count()]);"                                       \
  "onUpgrade((state) => put(...state));"                                       \
  "console.log(`%d${b} begins`);"                                              \
  "for (;;) {"                                                                 \
  "  const n = await signal('go');"                                            \
  "  if (n === 0) break;"                                                      \
  "  put(sum() + n, count() + 1);"                                             \
  "  for (let i = 0; i < n; i++) console.log(`%d${b} ${count()} ${i}`);"       \
  "}"                                                                          \
  "export default sum();"

static void name_lib(char path[128]) {
  snprintf(path, 128, "%s/lib.mjs", run_bench.folder);
}

void counting_program_write(int main, int lib, int extensions) {
  char text[2048], lib_file[128];
  const struct counting_set *set = &counting_sets[extensions];
  snprintf(text, sizeof text, MAIN, set->sums, set->counts, main, main);
  test_file_write_text(run_bench.file, text);
  name_lib(lib_file);
  snprintf(text, sizeof text, "export const b = %d;", lib);
  test_file_write_text(lib_file, text);
}

void counting_program_remove(void) {
  char lib_file[128];
  name_lib(lib_file);
  unlink(lib_file);
}
