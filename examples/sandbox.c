/* SPDX-License-Identifier: MIT */
/* sandbox.c - code of strangers, within limits.
 *
 * Each script gets a VM of its own, with little memory, stack, time and output,
 * no modules, no eval; and another thread stops it when somebody loses
 * patience. A VM reaches nothing but what its host gives it, so the worst that
 * a script can do is not to end well:
 *
 *   thrown        it threw, or ran out of memory or stack, which it could catch
 *   interrupted   fuel, deadline, the other thread or the host's own bound on
 *                 output ended it, which it cannot catch; the VM can be used
 *   trapped       it ran too long inside a built-in that does not look at the
 *                 deadline, or no memory was left even for an error; the VM is
 *                 broken, the host is not
 *
 * Compile and run:
 *
 *   cc sandbox.c -o sandbox $(pkg-config --cflags --libs torpor) -lpthread
 *   ./sandbox
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <torpor.h>

#define OUTPUT_LARGEST 64

/* What one script has written. */
typedef struct output {
  char text[OUTPUT_LARGEST + 1];
  size_t size;
  bool full;
} output;

typedef struct hostile {
  const char *name;
  const char *source;
  bool impatient; /* the other thread stops it */
} hostile;

static const hostile scripts[] = {
    {"good", "console.log('hello'); 6 * 7", false},
    {"throws", "throw new TypeError('no')", false},
    {"eats memory", "const all = []; for (;;) all.push(new Uint8Array(1e6))",
     false},
    {"recurses", "const f = () => f() + 1; f()", false},
    {"catches that", "const g = () => g() + 1; try { g() } catch { 'caught' }",
     false},
    {"loops", "for (;;) try { for (;;); } catch {} finally { continue }",
     false},
    {"slow pattern", "/^(a+)+$/.test('a'.repeat(40) + 'b')", false},
    {"waits to be stopped", "for (;;);", true},
    {"floods", "for (;;) console.log('all work and no play')", false},
    {"searches long", "'a'.repeat(2e6).indexOf('a'.repeat(1e6) + 'b')", false},
    {"compiles", "eval('1')", false},
    {"compiles slyly", "(() => {}).constructor('return 1')()", false},
    {"looks around", "typeof require + typeof process + typeof fetch", false},
    {"imports", "import('fs').catch(e => console.log(e.name))", false},
    {"promises for ever", "const h = () => void Promise.resolve().then(h); h()",
     false},
};

/* The console's lines, up to a bound; the rest is dropped. */
static void print(void *user, torpor_level level, const char *text,
                  size_t size) {
  output *out = user;
  size_t room = OUTPUT_LARGEST - out->size;
  (void)level;
  if (size + 1 > room) {
    out->full = true;
    return;
  }
  memcpy(out->text + out->size, text, size);
  out->text[out->size + size] = '\n';
  out->size += size + 1;
}

/* Asked now and then by running code. */
static bool is_too_much(void *user) {
  return ((const output *)user)->full;
}

/* Another thread: stops a VM after 30 ms. The VM may be gone by then. */
static void *lose_patience(void *given) {
  nanosleep(&(struct timespec){0, 30 * 1000 * 1000}, NULL);
  torpor_stop_request(given);
  return NULL;
}

static torpor_options limits(output *out) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = out;
  options.console = print;
  options.interrupt = is_too_much;
  options.memory_max = (uint64_t)32 << 20;
  options.stack = 64 << 10;
  options.fuel = UINT64_C(10) * 1000 * 1000 * 1000; /* a deadline is sooner */
  options.deadline_ms = 1000;
  options.omit = "eval WebAssembly SharedArrayBuffer Atomics";
  return options;
}

/* Runs a script and the jobs that it leaves. */
static torpor_status run(torpor_vm *vm, const char *source,
                         torpor_bytes *shown) {
  torpor_value value;
  torpor_status status =
      torpor_eval(vm, source, SIZE_MAX, "script.js", TORPOR_SCRIPT, &value);
  if (status == TORPOR_OK) status = torpor_job_run(vm, 0, NULL);
  if (status == TORPOR_OK) status = torpor_value_describe(vm, value, shown);
  return status;
}

/* Tells the outcomes apart. */
static void report(torpor_vm *vm, torpor_status status,
                   const torpor_bytes *shown) {
  if (status == TORPOR_OK)
    printf("result %s\n", (const char *)shown->data);
  else if (status == TORPOR_THROWN)
    printf("thrown, %s\n", torpor_last_error(vm));
  else if (status == TORPOR_INTERRUPTED)
    printf("interrupted; the VM %s\n",
           torpor_eval(vm, "1", SIZE_MAX, "again.js", TORPOR_SCRIPT, NULL) ==
                   TORPOR_OK
               ? "goes on"
               : "does not go on");
  else if (status == TORPOR_TRAPPED)
    printf("trapped; the VM is broken\n");
  else
    printf("%s\n", torpor_last_error(vm));
}

static int try_script(const hostile *script) {
  output out = {.size = 0};
  torpor_options options = limits(&out);
  torpor_bytes shown = {NULL, 0};
  torpor_stop *stop;
  pthread_t thread;
  torpor_vm *vm;
  torpor_status status;
  if (torpor_vm_open(&options, &vm) != TORPOR_OK) return 1;
  if (torpor_stop_open(vm, &stop) != TORPOR_OK) return 1;
  if (script->impatient) {
    torpor_vm_set_deadline(vm, 10000);
    torpor_vm_set_fuel(vm, 0);
    if (pthread_create(&thread, NULL, lose_patience, stop) != 0) return 1;
  }
  status = run(vm, script->source, &shown);
  if (script->impatient) pthread_join(thread, NULL);
  printf("%s: ", script->name);
  out.full = false;
  report(vm, status, &shown);
  for (char *line = strtok(out.text, "\n"); line; line = strtok(NULL, "\n"))
    printf("  | %s\n", line);
  torpor_bytes_free(&shown);
  torpor_vm_close(vm);
  torpor_stop_close(stop);
  return 0;
}

int main(void) {
  for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
    if (try_script(&scripts[i]) != 0) {
      fprintf(stderr, "%s\n", torpor_last_error(NULL));
      return 1;
    }
  return 0;
}
