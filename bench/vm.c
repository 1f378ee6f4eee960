/* SPDX-License-Identifier: MIT */
/* vm.c - Torpor's side of the rows about VMs.
 *
 *   bench-vm WORK MILLISECONDS
 *   bench-vm program FILE
 *
 * Each WORK does what the one of the same name in peer.mjs does, with the same
 * guest code, and prints the same line of JSON (see probe.h). It uses the
 * public header only, as any embedder would. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/probe.h"
#include "torpor.h"

static const char suspended[] =
    "(async () => {\n"
    "  const value = await new Promise((resolve) => {\n"
    "    globalThis.settle = resolve;\n"
    "  });\n"
    "  globalThis.answer = value + 1;\n"
    "})();\n";

enum { CALLS = 20000 };

static const char calling[] =
    "(function (count) {\n"
    "  let sum = 0;\n"
    "  for (let i = 0; i < count; i++) sum = add(sum);\n"
    "  return sum;\n"
    "})(20000)\n";

/* Ends the program unless 'status' is OK. */
static void check_status(torpor_status status, torpor_vm *vm,
                         const char *what) {
  if (status != TORPOR_OK)
    probe_fail("%s: %s: %s", what, torpor_status_name(status),
               torpor_last_error(vm));
}

static torpor_vm *open_vm(void) {
  torpor_vm *vm = NULL;
  check_status(torpor_vm_open(NULL, &vm), NULL, "opening a VM");
  return vm;
}

static torpor_value eval_text(torpor_vm *vm, const char *source, size_t size,
                              const char *file) {
  torpor_value result;
  check_status(torpor_eval(vm, source, size, file, TORPOR_SCRIPT, &result), vm,
               file);
  return result;
}

/* A VM whose program waits for a promise. Not the first of this process, as in
 * any host that has been running for a while. */
static torpor_vm *open_suspended(void) {
  torpor_vm_close(open_vm());
  torpor_vm *vm = open_vm();
  eval_text(vm, suspended, sizeof suspended - 1, "suspended.js");
  check_status(torpor_job_run(vm, 0, NULL), vm, "running jobs");
  return vm;
}

static torpor_bytes save_snapshot(torpor_vm *vm) {
  torpor_bytes bytes = {0};
  check_status(torpor_snapshot_save(vm, &bytes), vm, "saving a snapshot");
  return bytes;
}

/* What a program waits for arrives: wake it, settle, read, put it away. */
static bool wake(void *data) {
  const torpor_bytes *snapshot = data;
  torpor_vm *vm = NULL;
  torpor_value global, settle, answer, ignored;
  torpor_value value = torpor_number(41);
  check_status(
      torpor_snapshot_restore(snapshot->data, snapshot->size, NULL, &vm), NULL,
      "restoring a snapshot");
  check_status(torpor_global(vm, &global), vm, "global");
  check_status(torpor_get(vm, global, "settle", &settle), vm, "settle");
  check_status(torpor_call(vm, settle, torpor_undefined(), &value, 1, &ignored),
               vm, "settling");
  check_status(torpor_job_run(vm, 0, NULL), vm, "running jobs");
  check_status(torpor_get(vm, global, "answer", &answer), vm, "answer");
  torpor_vm_close(vm);
  return torpor_value_number(answer) == 42;
}

static bool create(void *data) {
  (void)data;
  torpor_vm *vm = open_vm();
  double sum = torpor_value_number(eval_text(vm, "1+2", 3, "sum.js"));
  torpor_vm_close(vm);
  return sum == 3;
}

static int measure_create(double ms) {
  struct probe probe = {0};
  if (!probe_repeat(&probe, ms, create, NULL)) probe_fail("1+2 is not 3");
  return probe_print(&probe, "us", "3", torpor_version());
}

static bool snapshot(void *data) {
  torpor_bytes bytes = save_snapshot(data);
  torpor_bytes_free(&bytes);
  return true;
}

/* Time or, with 'ms' 0, size of a snapshot that can be woken. */
static int measure_snapshot(double ms) {
  struct probe probe = {0};
  torpor_vm *vm = open_suspended();
  if (ms > 0) probe_repeat(&probe, ms, snapshot, vm);
  torpor_bytes bytes = save_snapshot(vm);
  if (ms <= 0) probe_add(&probe, (double)bytes.size);
  torpor_vm_close(vm);
  if (!wake(&bytes)) probe_fail("the snapshot did not give the answer");
  torpor_bytes_free(&bytes);
  return probe_print(&probe, ms > 0 ? "us" : "bytes", "42", torpor_version());
}

static int measure_snapshot_bytes(double ms) {
  (void)ms;
  return measure_snapshot(0);
}

static int measure_restore(double ms) {
  struct probe probe = {0};
  torpor_vm *vm = open_suspended();
  torpor_bytes bytes = save_snapshot(vm);
  torpor_vm_close(vm);
  if (!probe_repeat(&probe, ms, wake, &bytes))
    probe_fail("waking did not give the answer");
  torpor_bytes_free(&bytes);
  return probe_print(&probe, "us", "42", torpor_version());
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
  torpor_value sum = eval_text(data, calling, sizeof calling - 1, "calling.js");
  return torpor_value_number(sum) == CALLS;
}

static int measure_host_call(double ms) {
  struct probe probe = {0};
  char check[16];
  torpor_vm *vm = open_vm();
  check_status(torpor_function_add(vm, "add", add, NULL), vm, "add");
  if (!probe_repeat(&probe, ms, call_host, vm)) probe_fail("calls were lost");
  torpor_vm_close(vm);
  for (size_t i = 0; i < probe.count; i++) probe.samples[i] *= 1000.0 / CALLS;
  snprintf(check, sizeof check, "%d", CALLS);
  return probe_print(&probe, "ns", check, torpor_version());
}

static void open_idle(torpor_vm **vms, size_t count) {
  for (size_t i = 0; i < count; i++) {
    vms[i] = open_vm();
    eval_text(vms[i], "1+2", 3, "sum.js");
  }
}

/* Private memory of one VM that has run "1+2" and is kept: what each of 64 more
 * takes when a few are open already. */
static int measure_memory(double ms) {
  enum { FIRST = 8, COUNT = 64 };
  struct probe probe = {0};
  torpor_vm *vms[FIRST + COUNT];
  (void)ms;
  open_idle(vms, FIRST);
  double before = probe_private_memory();
  open_idle(vms + FIRST, COUNT);
  probe_add(&probe, (probe_private_memory() - before) / COUNT / 1024);
  for (size_t i = 0; i < FIRST + COUNT; i++) torpor_vm_close(vms[i]);
  return probe_print(&probe, "KB", "3", torpor_version());
}

/* Runs the program in a new VM; its result as text is 'check', to be released.
 * Returns how long it took, in milliseconds. */
static double run_program(const char *source, size_t size, const char *file,
                          torpor_bytes *check) {
  torpor_vm *vm = open_vm();
  double start = probe_now();
  torpor_value result = eval_text(vm, source, size, file);
  double took = (probe_now() - start) / 1000;
  check_status(torpor_string_read(vm, result, check), vm, "reading a result");
  torpor_vm_close(vm);
  return took;
}

/* The first run is not measured. */
static int measure_program(const char *file) {
  struct probe probe = {0};
  torpor_bytes check;
  size_t size;
  char *source = probe_read(file, &size);
  run_program(source, size, file, &check);
  torpor_bytes_free(&check);
  probe_add(&probe, run_program(source, size, file, &check));
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
    {"snapshot", measure_snapshot},
    {"snapshot-bytes", measure_snapshot_bytes},
    {"restore", measure_restore},
    {"host-call", measure_host_call},
    {"memory", measure_memory},
};

int main(int count, char **args) {
  if (count == 3 && strcmp(args[1], "program") == 0)
    return measure_program(args[2]);
  for (size_t i = 0; count == 3 && i < sizeof works / sizeof works[0]; i++)
    if (strcmp(args[1], works[i].name) == 0)
      return works[i].measure(strtod(args[2], NULL));
  probe_fail("usage: bench-vm WORK MILLISECONDS|FILE");
}
