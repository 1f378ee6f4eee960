/* SPDX-License-Identifier: MIT */
/* ctest: slow timeout=300 engine=golden */
/* test_golden.c - what slept in an engine of a release wakes in that engine.
 *
 * test/golden/ holds a folder for each engine that is kept: the engine itself,
 * and of each program in the list below what it was like asleep (NAME.0, and
 * the differences NAME.1 ... that go on from it) and what became of it (NAME.
 * txt). They are never made again; tools/make-golden adds those of a release.
 *
 *   test_golden                       wakes them all
 *   test_golden --make ENGINE FOLDER  makes those of an engine
 *
 * What is asked of a program is in its file, so that the list may change:
 *
 *   eval CODE      evaluates CODE and runs all jobs
 *   gives TEXT     String() of what the last eval gave
 *   settle JSON    settles the first pending operation, and runs all jobs
 *
 * The answers were given by the VM that went on without sleeping. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test/support/file.h"
#include "test/support/save.h"
#include "test/support/vm.h"

enum { PIECES = 8, ASKED = 8, LINE = 4096, EACH_LEAST = 8 };

struct program {
  const char *name;
  const char
      *begun[PIECES];       /* a save after each; differences from the second */
  const char *asked[ASKED]; /* "settle JSON", or code */
};

static const struct program programs[] = {
    {.name = "promise",
     .begun = {"globalThis.log = []; globalThis.wait = new Promise(r => "
               "globalThis.settle = r); (async () => { for (let i = 0; i < 2; "
               "i++) { log.push(await wait + i) } return log })().then(all => "
               "globalThis.all = all.join()); 0"},
     .asked = {"log.length", "settle('got'); 0", "all"}},
    {.name = "operation",
     .begun = {"globalThis.log = []; (async () => { try { log.push((await "
               "pending).name) } finally { log.push('end') } })(); 0"},
     .asked = {"log.join()", "settle {\"name\": \"Ada\"}", "log.join()"}},
    {.name = "generators",
     .begun = {"function* count() { let n = 0; try { while (true) { const by = "
               "yield n; n += by ?? 1 } } finally { globalThis.ended = n } } "
               "globalThis.it = count(); it.next(); it.next(5); "
               "globalThis.later = (async function* () { yield 1; yield 2 })();"
               "later.next(); 0"},
     .asked = {"it.next().value", "JSON.stringify(it.return(7)) + ended",
               "later.next().then(r => globalThis.got = r.value); 0", "got"}},
    {.name = "collections",
     .begun = {"globalThis.map = new Map(Array.from({length: 50}, (_, i) => "
               "['key' + i, {i}])); globalThis.keys = map.keys(); for (let i = "
               "0; i < 20; i++) keys.next(); map.delete('key25'); "
               "globalThis.weak = new WeakMap([[map.get('key1'), 'held']]); "
               "globalThis.ref = new WeakRef(map); 0"},
     .asked = {"keys.next().value", "[...keys].length",
               "weak.get(map.get('key1')) + (ref.deref() === map)"}},
    {.name = "objects",
     .begun =
         {"const key = Symbol('s'); class A { #x = 41; static s = key; get "
          "x() { return ++this.#x } [key]() { return 'symbol' } } class B "
          "extends A { y = super.x } globalThis.b = new B; globalThis.A = "
          "A; globalThis.proxy = new Proxy({}, {get: (_, k) => `got ${"
          "String(k)}`}); globalThis.frozen = Object.freeze({deep: [1n << "
          "70n, -0, NaN]}); globalThis.re = /\\d+/g; re.exec('12 34'); 0"},
     .asked = {"b.x", "b[A.s]()", "proxy.anything",
               "String(frozen.deep) + Object.is(frozen.deep[1], -0)",
               "re.exec('12 34')[0] + re.lastIndex"}},
    {.name = "binary",
     .begun = {"globalThis.buffer = new ArrayBuffer(256, {maxByteLength: "
               "1024}); globalThis.view = new Float64Array(buffer, 8); view[3] "
               "= Math.PI; globalThis.shared = new Int32Array(new "
               "SharedArrayBuffer(16)); Atomics.add(shared, 1, 7); 0"},
     .asked = {"buffer.resize(512); view.length", "view[3]",
               "Atomics.load(shared, 1)"}},
    {.name = "heap",
     .begun = {"globalThis.rows = Array.from({length: 4000}, (_, i) => ({id: "
               "i, name: `row ${i % 100}`, tags: [i % 7, i % 11]})); "
               "globalThis.text = 'torpor '.repeat(100000); 0"},
     .asked = {"rows.reduce((sum, row) => sum + row.id + row.tags[1], 0)",
               "rows[3999].name", "text.length",
               "rows.filter(row => row.tags[0] === 3).length"}},
    {.name = "chain",
     .begun =
         {"globalThis.all = new Array(3000).fill().map((_, i) => ({i})); "
          "globalThis.seen = []; 0",
          "all[17].i = 'one'; seen.push(1); 0",
          "all.push({i: 'new'}); seen.push(2); 0",
          "globalThis.next = (function* () { yield* seen })(); next.next();"
          "seen.push(3); 0",
          "all.length = 18; seen.push(4); 0"},
     .asked = {"all.length + all[17].i", "[...next].join()", "seen.join()"}},
    {.name = "errors",
     .begun = {"globalThis.caught = 'nothing'; function fail() { throw new "
               "RangeError('no', {cause: 'golden'}) } Promise.resolve().then("
               "() => fail()).catch(e => wait.then(() => globalThis.caught = "
               "e.name + e.message + e.cause)); globalThis.wait = new Promise("
               "r => globalThis.go = r); 0"},
     .asked = {"caught", "go(); 0", "caught"}},
};

#define PROGRAMS (sizeof(programs) / sizeof(*programs))

/* ---- Files ----------------------------------------------------------------*/

static void write_file(const char *folder, const char *name, unsigned piece,
                       const torpor_bytes *bytes) {
  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s/%s.%u", folder, name, piece);
  test_file_write(path, bytes->data, bytes->size);
}

/* ---- Asking ---------------------------------------------------------------*/

/* Settles the first pending operation. */
static void settle(torpor_vm *vm, const char *json) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_bytes cbor;
  test_ok(vm, torpor_operation_at(vm, 0, &operation));
  test_ok(NULL, torpor_json_to_cbor(json, strlen(json), &cbor));
  test_ok(vm, torpor_operation_settle_cbor(vm, operation.id, TORPOR_RESOLVE,
                                           cbor.data, cbor.size));
  torpor_bytes_free(&cbor);
  test_run_jobs(vm);
}

/* String(code), after all jobs. */
static void evaluate(torpor_vm *vm, const char *code, char *out, size_t size) {
  torpor_scope scope;
  torpor_bytes text;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_string_read(vm, test_eval(vm, code), &text));
  assert_true(text.size < size);
  memcpy(out, text.data, text.size);
  out[text.size] = 0;
  torpor_bytes_free(&text);
  test_ok(vm, torpor_scope_close(vm, scope));
  test_run_jobs(vm);
}

/* ---- Making ---------------------------------------------------------------*/

/* The promise that the program "operation" waits for. */
static void begin_operation(torpor_vm *vm) {
  torpor_value request, promise, global;
  torpor_scope scope;
  uint64_t id;
  test_ok(vm, torpor_scope_open(vm, &scope));
  test_ok(vm, torpor_string_new(vm, "golden", 6, &request));
  test_ok(vm, torpor_operation_begin(vm, "signal", request, 0, &id, &promise));
  test_ok(vm, torpor_global(vm, &global));
  test_ok(vm, torpor_set(vm, global, "pending", promise));
  test_ok(vm, torpor_scope_close(vm, scope));
}

static void write_answers(torpor_vm *vm, const struct program *program,
                          const char *folder) {
  char path[PATH_MAX], answer[LINE];
  snprintf(path, sizeof(path), "%s/%s.txt", folder, program->name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  for (unsigned i = 0; i < ASKED && program->asked[i]; i++) {
    const char *asked = program->asked[i];
    if (strncmp(asked, "settle ", 7) == 0) {
      settle(vm, asked + 7);
      fprintf(file, "%s\n", asked);
      continue;
    }
    evaluate(vm, asked, answer, sizeof(answer));
    fprintf(file, "eval %s\ngives %s\n", asked, answer);
  }
  assert_int_equal(fclose(file), 0);
}

static void make_one(const struct program *program, const char *engine,
                     const char *folder) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  char answer[LINE];
  options.engine = engine;
  torpor_vm *vm = test_vm_open(&options);
  if (strcmp(program->name, "operation") == 0) begin_operation(vm);
  for (unsigned i = 0; i < PIECES && program->begun[i]; i++) {
    torpor_bytes bytes;
    unsigned delta = i > 0 ? TORPOR_SAVE_DELTA : 0;
    evaluate(vm, program->begun[i], answer, sizeof(answer));
    test_ok(vm, torpor_snapshot_save_with(
                    vm, TEST_SAVE(TORPOR_SAVE_PARENT | delta), &bytes));
    write_file(folder, program->name, i, &bytes);
    torpor_bytes_free(&bytes);
  }
  write_answers(vm, program, folder);
  torpor_vm_close(vm);
}

/* ---- Waking ---------------------------------------------------------------*/

static torpor_vm *wake(const char *folder, const char *name,
                       const torpor_options *options) {
  torpor_slice chain[PIECES];
  torpor_vm *vm;
  size_t count = 0;
  for (; count < PIECES; count++) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s.%zu", folder, name, count);
    assert_true(length < (int)sizeof(path));
    torpor_bytes bytes = test_file_read(path);
    if (!bytes.data) break;
    chain[count] = (torpor_slice){bytes.data, bytes.size};
  }
  assert_true(count > 0);
  test_ok(NULL, torpor_snapshot_restore_chain(chain, count, options, &vm));
  while (count > 0) free((void *)chain[--count].data);
  return vm;
}

/* Goes through the lines of NAME.txt. */
static void ask(torpor_vm *vm, char *lines) {
  char answer[LINE] = "";
  unsigned given = 0;
  for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
    if (strncmp(line, "settle ", 7) == 0) {
      settle(vm, line + 7);
    } else if (strncmp(line, "eval ", 5) == 0) {
      evaluate(vm, line + 5, answer, sizeof(answer));
    } else {
      assert_int_equal(strncmp(line, "gives ", 6), 0);
      assert_string_equal(answer, line + 6);
      given++;
    }
  }
  assert_true(given > 0);
}

/* What this release asks of an engine in another way than its own did. */
static void ask_as_newer(torpor_vm *vm) {
  torpor_operation begun = TORPOR_OPERATION_INIT;
  torpor_promise_state found;
  torpor_value value;
  torpor_scope scope;
  torpor_token token;
  uint64_t id = 0, cancelled;
  test_ok(vm, torpor_scope_open(vm, &scope));
  value = test_eval(vm, "Promise.resolve({})");
  test_ok(vm, torpor_token_add(vm, value, &token));
  test_ok(vm, torpor_promise_look(vm, token, &found));
  assert_int_equal(found, TORPOR_FULFILLED);
  test_status(vm, torpor_promise_look(vm, token + 1, &found), TORPOR_NOT_FOUND);
  test_status(vm, torpor_rejection_take(vm, &value), TORPOR_NOT_FOUND);
  test_eval(vm,
            "Promise.reject(7); globalThis.late = setTimeout(() => 0, 1e9)");
  test_run_jobs(vm);
  test_ok(vm, torpor_rejection_take(vm, &value));
  assert_true(torpor_value_number(value) == 7);
  while (torpor_operation_next(vm, &begun) == TORPOR_OK) id = begun.id;
  test_status(vm, torpor_operation_take_cancelled(vm, &cancelled),
              TORPOR_NOT_FOUND);
  test_eval(vm, "clearTimeout(late)");
  test_ok(vm, torpor_operation_take_cancelled(vm, &cancelled));
  assert_int_equal(cancelled, id);
  test_status(vm, torpor_operation_take_cancelled(vm, &cancelled),
              TORPOR_NOT_FOUND);
  test_ok(vm, torpor_await(vm,
                           test_eval(vm,
                                     "(async () => {"
                                     "await 1; return {n: 8} })()"),
                           &value));
  test_ok(vm, torpor_scope_leave(vm, scope, &value));
  test_ok(vm, torpor_get(vm, value, "n", &value));
  assert_true(torpor_value_number(value) == 8);
  test_status(vm, torpor_await(vm, test_eval(vm, "Promise.reject(9)"), NULL),
              TORPOR_THROWN);
  assert_true(torpor_value_number(torpor_exception(vm)) == 9);
  test_status(vm, torpor_await(vm, test_eval(vm, "new Promise(() => 0)"), NULL),
              TORPOR_DEADLOCK);
  test_ok(vm, torpor_rejection_dropped(vm, &cancelled));
}

/* Options that an older engine does not know are refused, each time. */
static void refuse_newer(const char *folder, const char *name) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_vm *vm;
  options.omit = "eval";
  vm = wake(folder, name, &options);
  for (int i = 0; i < 2; i++)
    test_status(vm, test_eval_status(vm, "1"), TORPOR_UNSUPPORTED);
  torpor_vm_close(vm);
}

static void wake_one(const char *folder, const char *name) {
  char path[PATH_MAX];
  assert_true(snprintf(path, sizeof(path), "%s/%s.txt", folder, name) <
              (int)sizeof(path));
  torpor_bytes lines = test_file_read(path);
  assert_non_null(lines.data);
  print_message("%s\n", path);
  torpor_vm *vm = wake(folder, name, NULL);
  ask(vm, (char *)lines.data);
  ask_as_newer(vm);
  torpor_vm_close(vm);
  refuse_newer(folder, name);
  free(lines.data);
}

/* Wakes what lies in the folder of one engine. */
static unsigned wake_engine(const char *folder) {
  struct dirent **names;
  unsigned woken = 0;
  int count = scandir(folder, &names, NULL, alphasort);
  assert_true(count > 0);
  for (int i = 0; i < count; i++) {
    char *end = strrchr(names[i]->d_name, '.');
    if (end && strcmp(end, ".txt") == 0) {
      *end = 0;
      wake_one(folder, names[i]->d_name);
      woken++;
    }
    free(names[i]);
  }
  free(names);
  return woken;
}

static unsigned wake_all(void) {
  struct dirent **names;
  char folder[PATH_MAX];
  const char *source = getenv("TORPOR_SOURCE");
  unsigned engines = 0;
  assert_non_null(source);
  snprintf(folder, sizeof(folder), "%s/test/golden", source);
  int count = scandir(folder, &names, NULL, alphasort);
  assert_true(count > 0);
  for (int i = 0; i < count; i++) {
    char path[PATH_MAX];
    struct stat about;
    int length = snprintf(path, sizeof(path), "%s/test/golden/%s", source,
                          names[i]->d_name);
    assert_true(length < (int)sizeof(path));
    if (names[i]->d_name[0] != '.' && stat(path, &about) == 0 &&
        S_ISDIR(about.st_mode)) {
      assert_true(wake_engine(path) >= EACH_LEAST);
      engines++;
    }
    free(names[i]);
  }
  free(names);
  return engines;
}

static void test_everything_wakes(void **state) {
  (void)state;
  assert_true(wake_all() >= 2);
}

/* Loads the engines, and wakes everything once: images of engines stay, and are
 * not to be taken for leaks. */
static int setup(void **state) {
  char command[PATH_MAX], folder[PATH_MAX];
  snprintf(command, sizeof(command),
           "python3 %s/test/support/engines.py golden",
           getenv("TORPOR_SOURCE"));
  FILE *said = popen(command, "r");
  assert_non_null(said);
  assert_non_null(fgets(folder, sizeof(folder), said));
  assert_int_equal(pclose(said), 0);
  folder[strcspn(folder, "\n")] = 0;
  assert_int_equal(setenv("TORPOR_ENGINE_PATH", folder, 1), 0);
  wake_all();
  return test_vm_setup(state);
}

int main(int count, char **words) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_wakes)};
  if (count == 1) return cmocka_run_group_tests(tests, setup, test_vm_teardown);
  if (count != 4 || strcmp(words[1], "--make") != 0) {
    fprintf(stderr, "usage: %s [--make ENGINE FOLDER]\n", words[0]);
    return 2;
  }
  for (size_t i = 0; i < PROGRAMS; i++)
    make_one(&programs[i], words[2], words[3]);
  return 0;
}
