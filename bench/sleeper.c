/* SPDX-License-Identifier: MIT */
/* sleeper.c - see sleeper.h. */
#include "bench/sleeper.h"

#include <stdio.h>
#include <string.h>

#include "bench/probe.h"

/* What a record takes, in the engine of either side. */
enum { RECORD_BYTES = 256 };
#define SMALL_HEAP (64.0 * 1024 * 1024)

static const char waiting[] =
    "(async () => {\n"
    "  const value = await new Promise((resolve) => {\n"
    "    globalThis.settle = resolve;\n"
    "  });\n"
    "  globalThis.answer = value + 1;\n"
    "})();\n";

static const char filling[] =
    "globalThis.records = [];\n"
    "for (let i = 0; i < %.0f; i++) {\n"
    "  const key = (Math.imul(i, 2654435761) >>> 0).toString(36);\n"
    "  records.push({ id: i, name: `record ${key}`, score: i / 8,\n"
    "    tags: [i & 7, i & 63] });\n"
    "}\n";

static const char changing[] =
    "globalThis.changes = (globalThis.changes ?? 0) + 1;\n"
    "if (globalThis.records)\n"
    "  records[(changes * 7919) % records.length].score = changes;\n";

void sleeper_check(torpor_status status, torpor_vm *vm, const char *what) {
  if (status != TORPOR_OK)
    probe_fail("%s: %s: %s", what, torpor_status_name(status),
               torpor_last_error(vm));
}

torpor_options sleeper_options(double bytes) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  if (bytes > SMALL_HEAP) options.memory_max = TORPOR_MEMORY_LARGEST;
  return options;
}

torpor_vm *sleeper_open_vm(double bytes) {
  torpor_options options = sleeper_options(bytes);
  torpor_vm *vm = NULL;
  sleeper_check(torpor_vm_open(&options, &vm), NULL, "opening a VM");
  return vm;
}

torpor_value sleeper_eval(torpor_vm *vm, const char *source, const char *file) {
  torpor_value result;
  sleeper_check(
      torpor_eval(vm, source, strlen(source), file, TORPOR_SCRIPT, &result), vm,
      file);
  return result;
}

torpor_vm *sleeper_open(double bytes) {
  char source[sizeof filling + 32];
  torpor_vm_close(sleeper_open_vm(0));
  torpor_vm *vm = sleeper_open_vm(bytes);
  if (bytes > 0) {
    snprintf(source, sizeof source, filling, bytes / RECORD_BYTES);
    sleeper_eval(vm, source, "filling.js");
  }
  sleeper_eval(vm, waiting, "waiting.js");
  sleeper_check(torpor_job_run(vm, 0, NULL), vm, "running jobs");
  return vm;
}

void sleeper_change(torpor_vm *vm) {
  sleeper_eval(vm, changing, "changing.js");
}

torpor_bytes sleeper_save(torpor_vm *vm, const torpor_save_options *options) {
  torpor_bytes bytes = {0};
  sleeper_check(torpor_snapshot_save_with(vm, options, &bytes), vm,
                "saving a snapshot");
  return bytes;
}

torpor_vm *sleeper_restore(const torpor_slice *chain, size_t count,
                           double bytes) {
  torpor_options options = sleeper_options(bytes);
  torpor_vm *vm = NULL;
  sleeper_check(
      count == 1
          ? torpor_snapshot_restore(chain->data, chain->size, &options, &vm)
          : torpor_snapshot_restore_chain(chain, count, &options, &vm),
      NULL, "restoring a snapshot");
  return vm;
}

bool sleeper_finish(torpor_vm *vm) {
  torpor_value global, settle, answer, ignored;
  torpor_value value = torpor_number(41);
  sleeper_check(torpor_global(vm, &global), vm, "global");
  sleeper_check(torpor_get(vm, global, "settle", &settle), vm, "settle");
  sleeper_check(
      torpor_call(vm, settle, torpor_undefined(), &value, 1, &ignored), vm,
      "settling");
  sleeper_check(torpor_job_run(vm, 0, NULL), vm, "running jobs");
  sleeper_check(torpor_get(vm, global, "answer", &answer), vm, "answer");
  torpor_vm_close(vm);
  return torpor_value_number(answer) == 42;
}
