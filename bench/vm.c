/* SPDX-License-Identifier: MIT */
/* vm.c - Torpor's side of the rows about VMs.
 *
 *   bench-vm WORK MILLISECONDS
 *   bench-vm program FILE
 *
 * Each WORK does what the one of the same name in peer.mjs does, with the same
 * guest code, and prints the same line of JSON (see probe.h). It uses the
 * public header only, as any program would that uses the library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/probe.h"
#include "bench/sleeper.h"
#include "torpor.h"

enum { CALLS = 20000 };

static const char calling[] =
    "(function (count) {\n"
    "  let sum = 0;\n"
    "  for (let i = 0; i < count; i++) sum = add(sum);\n"
    "  return sum;\n"
    "})(20000)\n";

static bool create(void *data) {
  (void)data;
  torpor_vm *vm = sleeper_open_vm(0);
  double sum = torpor_value_number(sleeper_eval(vm, "1+2", "sum.js"));
  torpor_vm_close(vm);
  return sum == 3;
}

static int measure_create(double ms) {
  struct probe probe = {0};
  if (!probe_repeat(&probe, ms, create, NULL)) probe_fail("1+2 is not 3");
  return probe_print(&probe, "us", "3", torpor_version());
}

static torpor_status add(torpor_vm *vm, const torpor_arguments *arguments,
                         torpor_value *result, void *user) {
  (void)vm;
  (void)user;
  if (arguments->count != 1) return TORPOR_MISUSE;
  *result = torpor_number(torpor_value_number(arguments->args[0]) + 1);
  return TORPOR_OK;
}

static bool call_host(void *data) {
  torpor_value sum = sleeper_eval(data, calling, "calling.js");
  return torpor_value_number(sum) == CALLS;
}

/* Repeats 'work', which makes CALLS calls. */
static int measure_calls(double ms, probe_work_fn *work, void *data) {
  struct probe probe = {0};
  char check[16];
  if (!probe_repeat(&probe, ms, work, data)) probe_fail("calls were lost");
  for (size_t i = 0; i < probe.count; i++) probe.samples[i] *= 1000.0 / CALLS;
  snprintf(check, sizeof check, "%d", CALLS);
  return probe_print(&probe, "ns", check, torpor_version());
}

static int measure_host_call(double ms) {
  torpor_vm *vm = sleeper_open_vm(0);
  int code;
  sleeper_check(torpor_function_add(vm, "add", add, NULL), vm, "add");
  code = measure_calls(ms, call_host, vm);
  torpor_vm_close(vm);
  return code;
}

/* ---- Calls with strings and objects ---------------------------------------*/

static const char calling_with_text[] =
    "(function (count) {\n"
    "  let sum = 0;\n"
    "  for (let i = 0; i < count; i++) sum += size('sixteen letters.');\n"
    "  return sum / 16;\n"
    "})(20000)\n";

static const char calling_with_object[] =
    "(function (count) {\n"
    "  const item = { id: 1, name: 'item' };\n"
    "  let sum = 0;\n"
    "  for (let i = 0; i < count; i++) sum += id(item);\n"
    "  return sum;\n"
    "})(20000)\n";

static torpor_status size(torpor_vm *vm, const torpor_arguments *arguments,
                          torpor_value *result, void *user) {
  torpor_bytes text;
  torpor_status status = torpor_string_read(vm, arguments->args[0], &text);
  (void)user;
  if (status != TORPOR_OK) return status;
  *result = torpor_number((double)text.size);
  torpor_bytes_free(&text);
  return TORPOR_OK;
}

static torpor_status id(torpor_vm *vm, const torpor_arguments *arguments,
                        torpor_value *result, void *user) {
  (void)user;
  return torpor_get(vm, arguments->args[0], "id", result);
}

static bool call_with_text(void *data) {
  torpor_value sum = sleeper_eval(data, calling_with_text, "calling.js");
  return torpor_value_number(sum) == CALLS;
}

static bool call_with_object(void *data) {
  torpor_value sum = sleeper_eval(data, calling_with_object, "calling.js");
  return torpor_value_number(sum) == CALLS;
}

static int measure_call_with(double ms, const char *name, torpor_host_fn host,
                             probe_work_fn *work) {
  torpor_vm *vm = sleeper_open_vm(0);
  int code;
  sleeper_check(torpor_function_add(vm, name, host, NULL), vm, name);
  code = measure_calls(ms, work, vm);
  torpor_vm_close(vm);
  return code;
}

static int measure_text_call(double ms) {
  return measure_call_with(ms, "size", size, call_with_text);
}

static int measure_object_call(double ms) {
  return measure_call_with(ms, "id", id, call_with_object);
}

/* ---- Properties and calls by the host -------------------------------------*/

struct border {
  torpor_vm *vm;
  torpor_value object, function;
};

static bool get_property(void *user) {
  struct border *border = user;
  double sum = 0;
  for (int i = 0; i < CALLS; i++) {
    torpor_value value;
    if (torpor_get(border->vm, border->object, "id", &value) != TORPOR_OK)
      return false;
    sum += torpor_value_number(value);
  }
  return sum == CALLS;
}

static bool set_property(void *user) {
  struct border *border = user;
  torpor_value value;
  for (int i = 1; i <= CALLS; i++)
    if (torpor_set(border->vm, border->object, "count", torpor_number(i)) !=
        TORPOR_OK)
      return false;
  return torpor_get(border->vm, border->object, "count", &value) == TORPOR_OK &&
         torpor_value_number(value) == CALLS;
}

static bool call_function(void *user) {
  struct border *border = user;
  torpor_value sum = torpor_number(0);
  for (int i = 0; i < CALLS; i++)
    if (torpor_call(border->vm, border->function, torpor_undefined(), &sum, 1,
                    &sum) != TORPOR_OK)
      return false;
  return torpor_value_number(sum) == CALLS;
}

static int measure_border(double ms, probe_work_fn *work) {
  struct border border = {.vm = sleeper_open_vm(0)};
  int code;
  border.object = sleeper_eval(border.vm, "({ id: 1, name: 'item', count: 0 })",
                               "object.js");
  border.function = sleeper_eval(border.vm, "((n) => n + 1)", "function.js");
  code = measure_calls(ms, work, &border);
  torpor_vm_close(border.vm);
  return code;
}

static int measure_get(double ms) {
  return measure_border(ms, get_property);
}

static int measure_set(double ms) {
  return measure_border(ms, set_property);
}

static int measure_call(double ms) {
  return measure_border(ms, call_function);
}

/* ---- Data -----------------------------------------------------------------*/

static const char listing[] =
    "globalThis.list = Array.from({ length: 10000 }, (_, i) =>\n"
    "  ({ id: i, name: `item ${i}`, done: i % 2 === 0 }));\n"
    "list\n";

/* The size of 'list' as JSON, as the program itself tells. */
static double count_json(torpor_vm *vm) {
  return torpor_value_number(
      sleeper_eval(vm, "JSON.stringify(list).length", "count.js"));
}

struct data {
  torpor_vm *vm;
  torpor_value list;
  torpor_bytes cbor;
};

static bool dump(void *user) {
  struct data *data = user;
  torpor_bytes_free(&data->cbor);
  return torpor_cbor_encode(data->vm, data->list, &data->cbor) == TORPOR_OK;
}

static bool build(void *user) {
  struct data *data = user;
  torpor_value list;
  torpor_scope scope;
  if (torpor_scope_open(data->vm, &scope) != TORPOR_OK ||
      torpor_cbor_decode(data->vm, data->cbor.data, data->cbor.size, &list) !=
          TORPOR_OK)
    return false;
  return torpor_scope_close(data->vm, scope) == TORPOR_OK;
}

/* What went out is what the program has, and what comes in again as well. */
static void check_data(struct data *data, char *check, size_t size) {
  torpor_bytes json;
  torpor_value global, list;
  double length = count_json(data->vm);
  sleeper_check(torpor_cbor_to_json(data->cbor.data, data->cbor.size, &json),
                NULL, "JSON");
  if ((double)json.size != length) probe_fail("what was dumped differs");
  torpor_bytes_free(&json);
  sleeper_check(
      torpor_cbor_decode(data->vm, data->cbor.data, data->cbor.size, &list),
      data->vm, "building");
  sleeper_check(torpor_global(data->vm, &global), data->vm, "global");
  sleeper_check(torpor_set(data->vm, global, "list", list), data->vm, "list");
  if (count_json(data->vm) != length) probe_fail("what was built differs");
  snprintf(check, size, "%.0f", length);
}

static int measure_data(double ms, probe_work_fn *work) {
  struct probe probe = {0};
  struct data data = {.vm = sleeper_open_vm(0)};
  char check[32];
  data.list = sleeper_eval(data.vm, listing, "listing.js");
  if (!dump(&data) || !probe_repeat(&probe, ms, work, &data))
    probe_fail("%s", torpor_last_error(data.vm));
  check_data(&data, check, sizeof check);
  torpor_bytes_free(&data.cbor);
  torpor_vm_close(data.vm);
  for (size_t i = 0; i < probe.count; i++) probe.samples[i] /= 1000;
  return probe_print(&probe, "ms", check, torpor_version());
}

static int measure_dump(double ms) {
  return measure_data(ms, dump);
}

static int measure_build(double ms) {
  return measure_data(ms, build);
}

/* ---- Strings --------------------------------------------------------------*/

enum { TEXT_SIZE = 1 << 20 };

struct text {
  torpor_vm *vm;
  torpor_value string;
  char *in;
  torpor_bytes out;
};

static bool string_in(void *user) {
  struct text *text = user;
  torpor_scope scope;
  torpor_value string;
  return torpor_scope_open(text->vm, &scope) == TORPOR_OK &&
         torpor_string_new(text->vm, text->in, TEXT_SIZE, &string) ==
             TORPOR_OK &&
         torpor_scope_close(text->vm, scope) == TORPOR_OK;
}

static bool string_out(void *user) {
  struct text *text = user;
  torpor_bytes_free(&text->out);
  return torpor_string_read(text->vm, text->string, &text->out) == TORPOR_OK;
}

/* A megabyte of ASCII, which the program has as well. */
static int measure_text(double ms, probe_work_fn *work) {
  struct probe probe = {0};
  struct text text = {.vm = sleeper_open_vm(0)};
  text.in = malloc(TEXT_SIZE);
  if (!text.in) probe_fail("out of memory");
  for (size_t i = 0; i < TEXT_SIZE; i++) text.in[i] = (char)('a' + i % 26);
  sleeper_check(torpor_string_new(text.vm, text.in, TEXT_SIZE, &text.string),
                text.vm, "a string");
  if (!string_out(&text) || !probe_repeat(&probe, ms, work, &text))
    probe_fail("%s", torpor_last_error(text.vm));
  if (text.out.size != TEXT_SIZE ||
      memcmp(text.out.data, text.in, TEXT_SIZE) != 0)
    probe_fail("the text differs");
  torpor_bytes_free(&text.out);
  free(text.in);
  torpor_vm_close(text.vm);
  return probe_print(&probe, "us", "1048576", torpor_version());
}

static int measure_string_in(double ms) {
  return measure_text(ms, string_in);
}

static int measure_string_out(double ms) {
  return measure_text(ms, string_out);
}

/* ---- Memory ---------------------------------------------------------------*/

static void open_idle(torpor_vm **vms, size_t count, torpor_memory memory) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.memory = memory;
  for (size_t i = 0; i < count; i++) {
    sleeper_check(torpor_vm_open(&options, &vms[i]), NULL, "opening a VM");
    sleeper_eval(vms[i], "1+2", "sum.js");
  }
}

/* Private memory of one mapped VM that has run "1+2" and is kept: what each of
 * 64 more takes when a few are open already. */
static int measure_memory(double ms) {
  enum { FIRST = 8, COUNT = 64 };
  struct probe probe = {0};
  torpor_vm *vms[FIRST + COUNT];
  (void)ms;
  open_idle(vms, FIRST, TORPOR_MEMORY_MAPPED);
  double before = probe_private_memory();
  open_idle(vms + FIRST, COUNT, TORPOR_MEMORY_MAPPED);
  probe_add(&probe, (probe_private_memory() - before) / COUNT / 1024);
  for (size_t i = 0; i < FIRST + COUNT; i++) torpor_vm_close(vms[i]);
  return probe_print(&probe, "KB", "3", torpor_version());
}

/* Memory of a process that keeps 5,000 VMs which have run "1+2", all of it, in
 * megabytes. */
static int measure_crowd(double ms) {
  enum { COUNT = 5000 };
  static torpor_vm *vms[COUNT];
  struct probe probe = {0};
  (void)ms;
  open_idle(vms, COUNT, TORPOR_MEMORY_AUTO);
  probe_add(&probe, probe_resident_memory() / (1 << 20));
  for (size_t i = 0; i < COUNT; i++) torpor_vm_close(vms[i]);
  return probe_print(&probe, "MB", "3", torpor_version());
}

/* ---- Programs -------------------------------------------------------------*/

/* Runs the program in a new VM; its result as text is 'check', to be released.
 * Returns how long it took, in milliseconds. */
static double run_program(const char *source, const char *file,
                          torpor_bytes *check) {
  torpor_vm *vm = sleeper_open_vm(0);
  double start = probe_now();
  torpor_value result = sleeper_eval(vm, source, file);
  double took = (probe_now() - start) / 1000;
  sleeper_check(torpor_string_read(vm, result, check), vm, "reading a result");
  torpor_vm_close(vm);
  return took;
}

/* The first run is not measured. */
static int measure_program(const char *file) {
  struct probe probe = {0};
  torpor_bytes check;
  size_t size;
  char *source = probe_read(file, &size);
  run_program(source, file, &check);
  torpor_bytes_free(&check);
  probe_add(&probe, run_program(source, file, &check));
  free(source);
  int code = probe_print(&probe, "ms", (char *)check.data, torpor_version());
  torpor_bytes_free(&check);
  return code;
}

static const struct {
  const char *name;
  int (*measure)(double ms);
} works[] = {
    {"create", measure_create},
    {"host-call", measure_host_call},
    {"text-call", measure_text_call},
    {"object-call", measure_object_call},
    {"get", measure_get},
    {"set", measure_set},
    {"call", measure_call},
    {"dump", measure_dump},
    {"build", measure_build},
    {"string-in", measure_string_in},
    {"string-out", measure_string_out},
    {"memory", measure_memory},
    {"crowd", measure_crowd},
};

int main(int count, char **args) {
  if (count == 3 && strcmp(args[1], "program") == 0)
    return measure_program(args[2]);
  for (size_t i = 0; count == 3 && i < sizeof works / sizeof works[0]; i++)
    if (strcmp(args[1], works[i].name) == 0)
      return works[i].measure(strtod(args[2], NULL));
  probe_fail("usage: bench-vm WORK MILLISECONDS|FILE");
}
