/* SPDX-License-Identifier: MIT */
/* sleepers.c - ten thousand programs that wait, in a few megabytes.
 *
 * A program is loaded once and becomes a *base*. Each customer gets a VM of it,
 * which runs until it waits for an answer, and is saved as its difference from
 * the base. What sleeps is those bytes: they need no VM, thread or file, and
 * could as well lie in a database. When an answer comes its VM is woken, told,
 * and goes on where it was. Compile and run:
 *
 *   cc sleepers.c -o sleepers $(pkg-config --cflags --libs torpor)
 *   ./sleepers
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <torpor.h>

#define SLEEPERS 10000
#define WOKEN 1000

static const char program[] =
    "const prices = Array.from({ length: 1000 }, (_, i) => i * 1.5);\n"
    "async function order(customer) {\n"
    "  const began = `customer ${customer}`;\n"
    "  const { item } = await ask(customer);\n"
    "  console.log(`${began} pays ${prices[item]}`);\n"
    "}\n";

static void check(torpor_vm *vm, torpor_status status) {
  if (status == TORPOR_OK) return;
  fprintf(stderr, "%s\n", torpor_last_error(vm));
  exit(1);
}

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* ask(customer): a promise that the host settles, some day. */
static torpor_status ask(torpor_vm *vm, const torpor_arguments *arguments,
                         torpor_value *result, void *user) {
  (void)user;
  return torpor_operation_begin(vm, "ask", torpor_argument(arguments, 0), 0,
                                NULL, result);
}

/* The program, loaded, as what all VMs start from. */
static torpor_base *make_base(void) {
  torpor_slice whole;
  torpor_bytes bytes;
  torpor_base *base;
  torpor_vm *vm;
  check(NULL, torpor_vm_open(NULL, &vm));
  check(vm, torpor_function_add(vm, "ask", ask, NULL));
  check(vm,
        torpor_eval(vm, program, SIZE_MAX, "order.js", TORPOR_SCRIPT, NULL));
  check(vm, torpor_snapshot_save(vm, &bytes));
  torpor_vm_close(vm);
  whole.data = bytes.data;
  whole.size = bytes.size;
  check(NULL, torpor_base_open(&whole, 1, NULL, &base));
  torpor_bytes_free(&bytes);
  return base;
}

/* Starts a program from the base and saves it where it waits. */
static void put_to_sleep(torpor_base *base, int customer, torpor_bytes *out) {
  torpor_save_options difference = TORPOR_SAVE_OPTIONS_INIT;
  torpor_value number = torpor_number(customer), global;
  torpor_vm *vm;
  difference.flags = TORPOR_SAVE_DELTA;
  check(NULL, torpor_base_restore(base, NULL, 0, NULL, &vm));
  check(vm, torpor_function_bind(vm, "ask", ask, NULL, NULL));
  check(vm, torpor_global(vm, &global));
  check(vm, torpor_call_method(vm, global, "order", &number, 1, NULL));
  check(vm, torpor_job_run(vm, 0, NULL));
  check(vm, torpor_snapshot_save_with(vm, &difference, out));
  torpor_vm_close(vm);
}

/* The console of those that are woken: shows some of the lines. */
static void print(void *user, torpor_level level, const char *text,
                  size_t size) {
  static int lines;
  (void)user, (void)level;
  if (lines++ % (WOKEN / 4) == 0) printf("%.*s\n", (int)size, text);
}

/* Wakes one, answers what it asked, and lets it go on to its end. */
static void wake(torpor_base *base, const torpor_bytes *asleep, int item) {
  torpor_operation asked = TORPOR_OPERATION_INIT;
  torpor_slice difference = {asleep->data, asleep->size};
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_value answer;
  torpor_vm *vm;
  options.console = print;
  check(NULL, torpor_base_restore(base, &difference, 1, &options, &vm));
  check(vm, torpor_operation_next(vm, &asked));
  uint64_t id = asked.id;
  check(vm, torpor_object_new(vm, &answer));
  check(vm, torpor_set(vm, answer, "item", torpor_number(item)));
  check(vm, torpor_operation_settle(vm, id, TORPOR_RESOLVE, answer));
  check(vm, torpor_job_run(vm, 0, NULL));
  torpor_vm_close(vm);
}

int main(void) {
  static torpor_bytes sleepers[SLEEPERS];
  torpor_base *base = make_base();
  size_t size = 0;
  double began = now_us(), slept, woken;
  for (int i = 0; i < SLEEPERS; i++) {
    put_to_sleep(base, i, &sleepers[i]);
    size += sleepers[i].size;
  }
  slept = now_us();
  for (int i = 0; i < SLEEPERS; i += SLEEPERS / WOKEN)
    wake(base, &sleepers[i], i / WOKEN);
  woken = now_us();
  printf("%d programs sleep in %.1f MB, %zu bytes each\n", SLEEPERS,
         (double)size / 1e6, size / SLEEPERS);
  printf("%.1f us to start one and put it to sleep\n",
         (slept - began) / SLEEPERS);
  printf("%.1f us to wake one and let it end\n", (woken - slept) / WOKEN);
  for (int i = 0; i < SLEEPERS; i++) torpor_bytes_free(&sleepers[i]);
  torpor_base_close(base);
  return 0;
}
