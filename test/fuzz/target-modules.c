/* SPDX-License-Identifier: MIT */
/* target-modules.c - graphs of modules whose sources come now, later or never,
 * in any order, with sleeps and forks in between.
 *
 * An input is read byte by byte; where it ends, zeros follow:
 *
 *     u8         how names are resolved
 *     u8         how many modules
 *     modules    u8 what it does, u8 how its source comes, u8 how many imports,
 *                and for each: u8 which, u8 in which way
 *     actions    u8 what, u8 of what, until the input ends
 *
 * (1) Modules do not break a VM, whatever they say and whoever gives them.
 * (2) All that happens is the same with and without sleeps.
 * (3) What was restored and not entered saves to the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "test/fuzz/target.h"

enum {
  MODULES_MOST = 8,
  IMPORTS_MOST = 4,
  ACTIONS_MOST = 60,
  SOURCE_MOST = 4096,
  LOG_LARGEST = 1 << 18,
  FOUND_MOST = 100,
  TURNS_MOST = 1000,
};

/* What a module does. */
enum { THROWS = 1, AWAITS = 2, NO_SYNTAX = 4, NO_EXPORT = 8 };

/* How its source comes. */
enum { AT_ONCE, LATER, REFUSED, BOTH, NOTHING, SECOND_TIME, WAYS };

typedef struct module {
  uint8_t does, comes, count;
  struct {
    uint8_t which, way;
  } imports[IMPORTS_MOST];
  unsigned asked;
} module;

static struct {
  const uint8_t *data, *at, *end;
  uint8_t resolves;
  unsigned count, found;
  module modules[MODULES_MOST];
  torpor__buffer log;
  bool sleeps;
} now;

static unsigned next_byte(void) {
  return now.at < now.end ? *now.at++ : 0;
}

/* ---- Modules -------------------------------------------------------------*/

static void read_graph(void) {
  now.resolves = (uint8_t)next_byte();
  now.count = 1 + next_byte() % MODULES_MOST;
  for (unsigned i = 0; i < now.count; i++) {
    module *m = &now.modules[i];
    m->does = (uint8_t)next_byte();
    m->comes = (uint8_t)(next_byte() % WAYS);
    m->count = (uint8_t)(next_byte() % (IMPORTS_MOST + 1));
    m->asked = 0;
    for (unsigned k = 0; k < m->count; k++) {
      m->imports[k].which = (uint8_t)next_byte();
      m->imports[k].way = (uint8_t)next_byte();
    }
  }
}

/* A specifier that leads to module 'which', or nowhere. */
static void write_name(unsigned which, char *out, size_t size) {
  static const char *const forms[][2] = {
      {"./m", ".js"},
      {"m", ""},
      {"../m", ".js"},
      {"/m", ".js"},
      {"./x/../m", ""},
      {"https://h/m", ".js?v#w"},
      {"file:///m", "%20"},
      {"torpor:m", ""},
      {"./m", ".js/"},
      {"torpor:run", ""},
      {"./\\u0000m", "\\ud800"},
  };
  unsigned form = which / 16 % (sizeof(forms) / sizeof(*forms));
  if (which < 128) form = 0;
  snprintf(out, size, "%s%u%s", forms[form][0], which % 16, forms[form][1]);
}

static size_t write_import(char *out, size_t size, unsigned number,
                           unsigned which, unsigned way) {
  static const char *const types[] = {"json", "text", "bytes", "css", ""};
  const char *type = types[way / 16 % (sizeof(types) / sizeof(*types))];
  char name[64];
  int length = 0;
  write_name(which, name, sizeof(name));
  switch (way % 12) {
  case 0:
  case 1:
    length = snprintf(out, size, "import '%s';", name);
    break;
  case 2:
    length = snprintf(out, size,
                      "import * as n%u from '%s'; log(Object.keys(n%u) + '');",
                      number, name, number);
    break;
  case 3:
    length = snprintf(out, size, "export * from '%s';", name);
    break;
  case 4:
    length =
        snprintf(out, size, "export { x as x%u } from '%s';", number, name);
    break;
  case 5:
    length =
        snprintf(out, size, "import { x as y%u } from '%s';", number, name);
    break;
  case 6:
  case 7:
    length = snprintf(out, size,
                      "import d%u from '%s' with { type: '%s' };"
                      "log(JSON.stringify(d%u));",
                      number, name, type, number);
    break;
  case 8:
    length = snprintf(out, size,
                      "try { await import('%s') } catch (e) { tell(e) }", name);
    break;
  case 9:
    length = snprintf(out, size,
                      "import('%s', { with: { type: '%s' } })"
                      ".then(() => log('came'), tell);",
                      name, type);
    break;
  case 10:
    length = snprintf(out, size,
                      "try { log(import.meta.resolve('%s')) }"
                      " catch (e) { tell(e) }",
                      name);
    break;
  default:
    length = snprintf(out, size,
                      "export * as n%u from '%s'; log(import.meta.url"
                      " + import.meta.main);",
                      number, name);
    break;
  }
  return (size_t)length;
}

static size_t write_source(unsigned index, char out[SOURCE_MOST]) {
  const module *m = &now.modules[index];
  size_t at = 0;
  for (unsigned k = 0; k < m->count; k++)
    at += write_import(out + at, SOURCE_MOST - at, k, m->imports[k].which,
                       m->imports[k].way);
  at += (size_t)snprintf(
      out + at, SOURCE_MOST - at, "log('%u');%s%s%s%slog('%u.');", index,
      m->does & NO_EXPORT ? "" : "export let x = 1; export default x;",
      m->does & AWAITS ? "await 0; await 0;" : "",
      m->does & THROWS ? "throw new TypeError('thrown');" : "",
      m->does & NO_SYNTAX ? "import {;" : "", index);
  fuzz_must(at < SOURCE_MOST);
  return at;
}

/* The module that a name stands for, to give its source; NULL: none. Names may
 * grow with each import, so that there would be no end of them. */
static module *find_module(const char *name) {
  const char *digits = strrchr(name, 'm');
  unsigned index = digits ? (unsigned)strtoul(digits + 1, NULL, 10) : 99;
  if (index >= now.count || now.found == FOUND_MOST) return NULL;
  now.found++;
  return &now.modules[index];
}

/* Source or data of 'm'; bytes of the input are the data. */
static torpor_slice make_content(const module *m, bool is_code,
                                 char room[SOURCE_MOST]) {
  size_t size = (size_t)(now.end - now.data);
  size_t from = m->does % (size + 1), count = m->comes * 5u;
  if (is_code)
    return (torpor_slice){room,
                          write_source((unsigned)(m - now.modules), room)};
  if (m->does & 16) return (torpor_slice){"{\"a\":[1,\"b\"]}", 13};
  return (torpor_slice){now.data + from,
                        count < size - from ? count : size - from};
}

/* ---- The host ------------------------------------------------------------*/

static torpor_status give(void *user, const torpor_module_request *request,
                          torpor_module_answer *answer) {
  module *m = find_module(request->name);
  char room[SOURCE_MOST];
  torpor_slice content;
  (void)user;
  fuzz_must(request->importer != NULL);
  if (!m) return TORPOR_NOT_FOUND;
  content = make_content(m, request->type == TORPOR_MODULE_CODE, room);
  switch (m->comes) {
  case LATER:
    return torpor_module_later(NULL, request, answer);
  case REFUSED:
    return torpor_module_refuse(answer, TORPOR_DENIED, "not %s", request->name);
  case BOTH:
    answer->later = true;
    break;
  case NOTHING:
    return TORPOR_OK;
  case SECOND_TIME:
    if (m->asked++ == 0) return TORPOR_IO;
    break;
  }
  return torpor_module_give(answer, content.data, content.size);
}

static torpor_status resolve(void *user, const char *specifier,
                             const char *importer,
                             torpor_module_answer *answer) {
  static char long_name[3000];
  (void)user, (void)importer;
  switch (now.resolves % 8) {
  case 1:
    return torpor_module_refuse(answer, TORPOR_DENIED, "no %s", specifier);
  case 2:
    memset(long_name, 'm', sizeof(long_name));
    return torpor_module_give(answer, long_name, sizeof(long_name));
  case 3:
    return torpor_module_give(answer, "\xff\xfem1", 4);
  case 4:
    return torpor_module_give(answer, "m0\0m1", 5);
  case 5:
    return torpor_module_give(answer, specifier, SIZE_MAX);
  case 6:
    answer->later = true;
    return TORPOR_OK;
  default:
    return TORPOR_OK;
  }
}

static void note(const char *text, size_t size) {
  if (now.log.size + size + 1 > LOG_LARGEST) return;
  torpor__buffer_add(&now.log, text, size);
  torpor__buffer_add(&now.log, "\n", 1);
}

static void hear(void *user, torpor_level level, const char *text,
                 size_t size) {
  (void)user, (void)level;
  note(text, size);
}

static torpor_options make_options(void) {
  torpor_options options = fuzz_options();
  options.module = give;
  options.console = hear;
  if (now.resolves % 8 != 0) options.resolve = resolve;
  return options;
}

/* ---- Actions -------------------------------------------------------------*/

/* Notes what a call that may fail answered. See (1). */
static void check(torpor_vm *vm, torpor_status status) {
  const char *name = torpor_status_name(status);
  if (!fuzz_succeeded(vm, status)) {
    const char *sentence = torpor_last_error(vm);
    note(sentence, strlen(sentence));
  }
  if (status == TORPOR_TRAPPED || status == TORPOR_BROKEN)
    fprintf(stderr, "%s\n", torpor_last_error(vm));
  fuzz_must(status != TORPOR_TRAPPED && status != TORPOR_BROKEN);
  note(name, strlen(name));
}

static bool text_is(torpor_vm *vm, torpor_value object, const char *key,
                    char *out, size_t size) {
  torpor_value value;
  torpor_bytes text;
  if (torpor_get(vm, object, key, &value) != TORPOR_OK ||
      torpor_string_read(vm, value, &text) != TORPOR_OK)
    return false;
  snprintf(out, size, "%s", (const char *)text.data);
  torpor_bytes_free(&text);
  return true;
}

/* Answers the operation at 'place' as 'how' says. */
static void answer(torpor_vm *vm, size_t place, unsigned how) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_value request, value = torpor_number(how);
  char name[128], type[16], room[SOURCE_MOST];
  torpor_slice content = {"", 0};
  const module *m;
  uint64_t id;
  fuzz_must(torpor_operation_at(vm, place, &operation) == TORPOR_OK);
  id = operation.id;
  fuzz_must(strcmp(operation.kind, "module") == 0);
  fuzz_must(torpor_cbor_decode(vm, operation.request, operation.request_size,
                               &request) == TORPOR_OK);
  if (!text_is(vm, request, "name", name, sizeof(name))) name[0] = 0;
  fuzz_must(text_is(vm, request, "type", type, sizeof(type)));
  m = find_module(name);
  if (m) content = make_content(m, strcmp(type, "javascript") == 0, room);
  if (how % 8 == 6) {
    check(vm, torpor_operation_settle_cbor(vm, id, TORPOR_RESOLVE, now.data,
                                           (size_t)(now.end - now.data)));
    return;
  }
  if (how % 8 != 7)
    check(vm, torpor_string_new(vm, content.data, content.size, &value));
  check(vm, torpor_operation_settle(
                vm, id, how % 8 == 5 ? TORPOR_REJECT : TORPOR_RESOLVE, value));
}

static void import(torpor_vm *vm, unsigned which, bool is_static) {
  char name[64], source[256];
  torpor_bytes code;
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  write_name(which, name, sizeof(name));
  options.file = which % 3 ? "main.js" : "/a/b/main.js";
  if (!is_static) {
    snprintf(source, sizeof(source),
             "import('%s').then((n) => log('done ' + Object.keys(n)), tell)",
             name);
    check(vm, torpor_eval_with(vm, source, SIZE_MAX, &options, NULL));
    return;
  }
  snprintf(source, sizeof(source),
           "import * as n from '%s'; log('main ' + Object.keys(n));", name);
  options.mode = TORPOR_MODULE;
  if (which & 64) {
    check(vm, torpor_compile(vm, source, SIZE_MAX, &options, &code));
    check(vm, torpor_bytecode_run(vm, code.data, code.size, NULL));
    torpor_bytes_free(&code);
  } else {
    check(vm, torpor_eval_with(vm, source, SIZE_MAX, &options, NULL));
  }
}

static void make_module(torpor_vm *vm, unsigned which) {
  torpor_value object = fuzz_eval(vm, "({ x: 2, default: () => 3, 'a b': 4 })");
  char name[64];
  write_name(which, name, sizeof(name));
  check(vm, torpor_module_new(vm, name, object));
}

/* See (3). */
static torpor_vm *sleep_and_wake(torpor_vm *vm) {
  torpor_options options = make_options();
  torpor_bytes saved, again;
  fuzz_must(torpor_snapshot_save(vm, &saved) == TORPOR_OK);
  torpor_vm_close(vm);
  fuzz_must(torpor_snapshot_restore(saved.data, saved.size, &options, &vm) ==
            TORPOR_OK);
  fuzz_must(torpor_snapshot_save(vm, &again) == TORPOR_OK);
  fuzz_must(saved.size == again.size &&
            memcmp(saved.data, again.data, saved.size) == 0);
  torpor_bytes_free(&saved);
  torpor_bytes_free(&again);
  return vm;
}

static torpor_vm *fork_and_close(torpor_vm *vm) {
  torpor_options options = make_options();
  torpor_vm *copy;
  fuzz_must(torpor_vm_fork(vm, &options, &copy) == TORPOR_OK);
  torpor_vm_close(vm);
  return copy;
}

static torpor_vm *act(torpor_vm *vm, unsigned what, unsigned of_what) {
  size_t waiting = torpor_operation_count(vm);
  switch (what % 8) {
  case 0:
  case 1:
    import(vm, of_what, what % 8);
    break;
  case 2:
    check(vm, torpor_job_run(vm, 1 + of_what % 3, NULL));
    break;
  case 3:
    check(vm, torpor_job_run(vm, 0, NULL));
    break;
  case 4:
  case 5:
    if (waiting > 0) answer(vm, of_what % waiting, of_what / 8);
    break;
  case 6:
    make_module(vm, of_what);
    break;
  default:
    if (now.sleeps && of_what % 4 == 0) return fork_and_close(vm);
    if (now.sleeps) return sleep_and_wake(vm);
    break;
  }
  return vm;
}

/* Answers all that is asked for, until nothing is left to do. */
static void finish(torpor_vm *vm) {
  for (unsigned i = 0; i < TURNS_MOST; i++) {
    check(vm, torpor_job_run(vm, 0, NULL));
    if (torpor_operation_count(vm) == 0) return;
    answer(vm, 0, 0);
  }
  fuzz_give_up("all modules come to an end", __FILE__, __LINE__);
}

/* Does all that the input says; gives what was heard. */
static torpor_bytes perform(const uint8_t *data, size_t size, bool sleeps) {
  torpor_options options;
  torpor_bytes log;
  torpor_vm *vm;
  now.data = now.at = data;
  now.end = data + size;
  now.sleeps = sleeps;
  now.found = 0;
  now.log = (torpor__buffer){0};
  read_graph();
  options = make_options();
  vm = fuzz_open(&options);
  fuzz_eval(vm,
            "globalThis.log = (text) => console.log(text);"
            "globalThis.tell = (e) => log(`${e} ${e.code}`); 0");
  for (unsigned i = 0; i < ACTIONS_MOST && now.at < now.end; i++) {
    unsigned what = next_byte();
    vm = act(vm, what, next_byte());
  }
  finish(vm);
  torpor_vm_close(vm);
  fuzz_must(torpor__buffer_finish(&now.log, &log) == TORPOR_OK);
  return log;
}

static bool run(const uint8_t *data, size_t size) {
  torpor_bytes awake = perform(data, size, false);
  torpor_bytes asleep = perform(data, size, true);
  bool came = strstr((const char *)awake.data, "done ") != NULL;
  if (awake.size != asleep.size ||
      memcmp(awake.data, asleep.data, awake.size) != 0)
    fprintf(stderr, "awake:\n%s\nasleep:\n%s\n", (const char *)awake.data,
            (const char *)asleep.data);
  fuzz_must(awake.size == asleep.size);
  fuzz_must(memcmp(awake.data, asleep.data, awake.size) == 0);
  torpor_bytes_free(&awake);
  torpor_bytes_free(&asleep);
  return came;
}

static void nothing(void) {
}

const fuzz_target fuzz_modules = {
    .name = "modules",
    .size_max = 200,
    .setup = nothing,
    .teardown = nothing,
    .run = run,
};
