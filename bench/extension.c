/* SPDX-License-Identifier: MIT */
/* extension.c - Torpor's side of the rows about native extensions.
 *
 *   bench-extension open|call FILE NAMES MILLISECONDS
 *
 * NAMES are those of extensions, separated by commas. 'open' opens a VM, loads
 * them and evaluates FILE, again and again. 'call' does that once; FILE gives a
 * function, which is called again and again and leaves its check in the global
 * 'answer'. extension.mjs does the same with npm packages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/probe.h"
#include "bench/sleeper.h"
#include "torpor.h"

struct work {
  const char *file, *names;
  char *source;
  torpor_vm *vm;
  torpor_value function;
  char check[256];
};

static void read_check(struct work *work, torpor_value value) {
  torpor_bytes text;
  sleeper_check(torpor_string_read(work->vm, value, &text), work->vm,
                "reading what it gave");
  snprintf(work->check, sizeof work->check, "%.*s", (int)text.size,
           (const char *)text.data);
  torpor_bytes_free(&text);
}

/* A VM with the extensions; what FILE gives. */
static torpor_value open_vm(struct work *work) {
  char names[256];
  snprintf(names, sizeof names, "%s", work->names);
  work->vm = sleeper_open_vm(0);
  for (char *name = strtok(names, ","); name; name = strtok(NULL, ","))
    sleeper_check(torpor_vm_load_extension(work->vm, name, NULL), work->vm,
                  name);
  return sleeper_eval(work->vm, work->source, work->file);
}

static bool open_once(void *user) {
  struct work *work = user;
  read_check(work, open_vm(work));
  torpor_vm_close(work->vm);
  return true;
}

static bool call_once(void *user) {
  struct work *work = user;
  torpor_scope scope;
  torpor_value ignored;
  return torpor_scope_open(work->vm, &scope) == TORPOR_OK &&
         torpor_call(work->vm, work->function, torpor_undefined(), NULL, 0,
                     &ignored) == TORPOR_OK &&
         torpor_job_run(work->vm, 0, NULL) == TORPOR_OK &&
         torpor_scope_close(work->vm, scope) == TORPOR_OK;
}

static int measure_opening(struct work *work, double ms) {
  struct probe probe = {0};
  probe_repeat(&probe, ms, open_once, work);
  return probe_print(&probe, "us", work->check, torpor_version());
}

static int measure_calls(struct work *work, double ms) {
  struct probe probe = {0};
  torpor_value global, answer;
  work->function = open_vm(work);
  if (!probe_repeat(&probe, ms, call_once, work))
    probe_fail("%s", torpor_last_error(work->vm));
  sleeper_check(torpor_global(work->vm, &global), work->vm, "global");
  sleeper_check(torpor_get(work->vm, global, "answer", &answer), work->vm,
                "answer");
  read_check(work, answer);
  torpor_vm_close(work->vm);
  for (size_t i = 0; i < probe.count; i++) probe.samples[i] /= 1000;
  return probe_print(&probe, "ms", work->check, torpor_version());
}

int main(int count, char **args) {
  struct work work = {0};
  size_t size;
  bool opens = count == 5 && strcmp(args[1], "open") == 0;
  if (!opens && (count != 5 || strcmp(args[1], "call") != 0))
    probe_fail("usage: bench-extension open|call FILE NAMES MILLISECONDS");
  work.file = args[2];
  work.names = args[3];
  work.source = probe_read(work.file, &size);
  double ms = strtod(args[4], NULL);
  int code = opens ? measure_opening(&work, ms) : measure_calls(&work, ms);
  free(work.source);
  return code;
}
