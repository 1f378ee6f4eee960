/* SPDX-License-Identifier: MIT */
/* ctest: thread */
/* test_loop_worker.c - workers of module os: threads that start, talk, fail and
 * are ended at every moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/console.h"
#include "torpor-loop.h"

struct world {
  struct test_console console; /* first */
  torpor_loop *loop;
  torpor_access *access;
  torpor_vm *vm;
  char folder[64];
};

static void open_program(struct world *world) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  options.user = world;
  options.console = test_console_write;
  options.library = torpor_library_source;
  options.resolve = torpor_loader_resolve;
  attachment.access = world->access;
  attachment.rejected = test_console_reject;
  attachment.user = world;
  assert_int_equal(torpor_loop_open(NULL, &world->loop), TORPOR_OK);
  assert_int_equal(torpor_vm_open(&options, &world->vm), TORPOR_OK);
  assert_int_equal(torpor_loop_attach(world->loop, world->vm, &attachment),
                   TORPOR_OK);
}

static void close_program(struct world *world) {
  torpor_loop_close(world->loop);
  torpor_vm_close(world->vm);
}

static int set_up(void **state) {
  struct world *world = calloc(1, sizeof(*world));
  assert_non_null(world);
  strcpy(world->folder, "/tmp/torpor-worker-XXXXXX");
  assert_non_null(mkdtemp(world->folder));
  assert_int_equal(torpor_access_open(world->folder, &world->access),
                   TORPOR_OK);
  assert_int_equal(torpor_access_allow(world->access, TORPOR_READ, NULL),
                   TORPOR_OK);
  open_program(world);
  *state = world;
  return 0;
}

static int tear_down(void **state) {
  struct world *world = *state;
  char text[128];
  close_program(world);
  torpor_access_close(world->access);
  snprintf(text, sizeof(text), "%s/w.mjs", world->folder);
  unlink(text);
  rmdir(world->folder);
  free(world);
  return 0;
}

static void make_worker(const struct world *world, const char *source) {
  char path[128];
  snprintf(path, sizeof(path), "%s/w.mjs", world->folder);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("import * as os from 'os'; const parent = os.Worker.parent;", file);
  fputs(source, file);
  fclose(file);
}

static void begin(struct world *world, const char *source) {
  torpor_value value;
  char name[128];
  test_console_clear(&world->console);
  snprintf(name, sizeof(name), "%s/main.mjs", world->folder);
  torpor_status status = torpor_eval(world->vm, source, strlen(source), name,
                                     TORPOR_MODULE, &value);
  if (status != TORPOR_OK)
    fail_msg("eval: %s: %s", torpor_status_name(status),
             torpor_last_error(world->vm));
  assert_int_equal(torpor_job_run(world->vm, 0, NULL), TORPOR_OK);
}

#define IMPORT "import * as os from 'os';"

static void messages_in_order(void **state) {
  struct world *world = *state;
  make_worker(world,
              "parent.onmessage = ({ data }) => {"
              "  parent.postMessage(data * 2);"
              "  if (data === 99) parent.onmessage = null; };");
  begin(world, IMPORT
        "const sums = [0, 0];"
        "for (let k = 0; k < 2; k++) {"
        "  const w = new os.Worker('./w.mjs'); let next = 0;"
        "  for (let i = 0; i < 100; i++) w.postMessage(i);"
        "  w.onmessage = ({ data }) => {"
        "    if (data !== 2 * next++) console.log('order', data);"
        "    sums[k] += data;"
        "    if (next < 100) return;"
        "    w.onmessage = null; console.log(sums[k]); };"
        "}");
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  test_console_expect(&world->console, "9900\n9900\n");
}

static void an_error_is_told(void **state) {
  struct world *world = *state;
  make_worker(world,
              "parent.postMessage('last words');"
              "throw new RangeError('boom');");
  begin(world, IMPORT
        "const w = new os.Worker('./w.mjs');"
        "w.onmessage = ({ data }) => console.log(data);");
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  assert_non_null(strstr(world->console.text, "last words\n"));
  assert_non_null(strstr(world->console.text, "boom\n"));
}

/* torpor_driver.start: meanwhile the worker ends. */
static void nap(torpor_task *task, void *user) {
  (void)user;
  usleep(500 * 1000);
  torpor_task_complete(task, TORPOR_RESOLVE, NULL, 0);
}

/* torpor_driver.cancel: it was complete when it was begun. */
static void wake_up(torpor_task *task, void *user) {
  (void)task, (void)user;
}

/* torpor_host_fn */
static torpor_status begin_nap(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  uint64_t id;
  (void)arguments, (void)user;
  return torpor_operation_begin(vm, "nap", torpor_null(), 0, &id, result);
}

/* A worker that ends after its end was asked for and before its messages are:
 * when there is nothing else to wait for, its error comes with their end. */
static void an_error_comes_with_the_end(void **state) {
  struct world *world = *state;
  torpor_driver driver = TORPOR_DRIVER_INIT;
  driver.kind = "nap";
  driver.start = nap;
  driver.cancel = wake_up;
  assert_int_equal(torpor_loop_add_driver(world->loop, &driver), TORPOR_OK);
  assert_int_equal(torpor_function_add(world->vm, "nap", begin_nap, NULL),
                   TORPOR_OK);
  make_worker(world, "throw new RangeError('boom');");
  begin(world, IMPORT
        "const w = new os.Worker('./w.mjs');"
        "nap();"
        "w.onmessage = () => {};");
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
  assert_non_null(strstr(world->console.text, "boom\n"));
}

/* Whatever the worker is about when its parent ends. It ends within the test:
 * between a test and its tear-down the framework has the signals of faults, and
 * a worker that still runs would be taken for a test that crashed. */
static void ended_at_every_moment(void **state) {
  static const char *const bodies[] = {
      "for (;;);",
      "for (;;) parent.postMessage('x');",
      "os.sleep(100000);",
      "setTimeout(() => {}, 100000);",
      "parent.onmessage = () => parent.postMessage(1);",
      "",
      "throw 1;",
  };
  struct world *world = *state;
  for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
    make_worker(world, bodies[i]);
    for (unsigned wait = 0; wait < 30000; wait = wait * 4 + 100) {
      begin(world, IMPORT
            "const w = new os.Worker('./w.mjs');"
            "w.onmessage = () => w.postMessage(2);"
            "w.onerror = () => {}; w.postMessage(1);");
      usleep(wait);
      torpor_status status = torpor_loop_turn(world->loop, false);
      assert_true(status == TORPOR_OK || status == TORPOR_NOT_FOUND);
      close_program(world);
      open_program(world);
    }
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(messages_in_order),
      TEST(an_error_is_told),
      TEST(an_error_comes_with_the_end),
      TEST(ended_at_every_moment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
