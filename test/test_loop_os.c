/* SPDX-License-Identifier: MIT */
/* test_loop_os.c - what sleep makes of the things that modules os and std open:
 * files, pipes, processes, signals, workers; and what a durable run may do with
 * them. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/console.h"
#include "torpor-loop.h"

struct world {
  struct test_console console; /* first */
  torpor_loop *loop;
  torpor_access *access;
  torpor_vm *vm;
  torpor_world *run; /* of a durable run; NULL: the VM is attached */
  char folder[64];
  int exit_code;
};

static void write_rejection(void *user, torpor_vm *vm, torpor_value reason) {
  torpor_error error = TORPOR_ERROR_INIT;
  assert_int_equal(torpor_error_read(vm, reason, &error), TORPOR_OK);
  test_console_write(user, TORPOR_LEVEL_ERROR, error.name, strlen(error.name));
  torpor_error_free(&error);
}

static bool write_output(void *user, int stream, const void *data,
                         size_t size) {
  char text[256];
  int length = snprintf(text, sizeof(text), "%d:%.*s", stream, (int)size,
                        (const char *)data);
  test_console_write(user, TORPOR_LEVEL_LOG, text, (size_t)length);
  return true;
}

static void note_exit(void *user, int code) {
  struct world *world = user;
  world->exit_code = code;
  torpor_loop_stop(world->loop);
}

static torpor_options vm_options(struct world *world) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = world;
  options.console = test_console_write;
  options.library = torpor_library_source;
  options.resolve = torpor_loader_resolve;
  return options;
}

static void open_loop(struct world *world) {
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  attachment.access = world->access;
  attachment.rejected = write_rejection;
  attachment.user = world;
  attachment.standard = true;
  attachment.output = write_output;
  attachment.exit = note_exit;
  assert_int_equal(torpor_loop_open(NULL, &world->loop), TORPOR_OK);
  assert_int_equal(torpor_loop_attach(world->loop, world->vm, &attachment),
                   TORPOR_OK);
}

static int set_up(void **state) {
  struct world *world = calloc(1, sizeof(*world));
  assert_non_null(world);
  strcpy(world->folder, "/tmp/torpor-loop-os-XXXXXX");
  assert_non_null(mkdtemp(world->folder));
  assert_int_equal(torpor_access_open(world->folder, &world->access),
                   TORPOR_OK);
  for (int i = 0; i < TORPOR_PERMISSION_COUNT; i++)
    assert_int_equal(
        torpor_access_allow(world->access, (torpor_permission)i, NULL),
        TORPOR_OK);
  torpor_options options = vm_options(world);
  assert_int_equal(torpor_vm_open(&options, &world->vm), TORPOR_OK);
  open_loop(world);
  world->exit_code = -1;
  *state = world;
  return 0;
}

static int tear_down(void **state) {
  struct world *world = *state;
  torpor_bytes command = {0};
  torpor_world_close(world->run);
  torpor_loop_close(world->loop);
  torpor_vm_close(world->vm);
  torpor_access_close(world->access);
  torpor_bytes_free(&command);
  char text[128];
  snprintf(text, sizeof(text), "rm -rf %s", world->folder);
  assert_int_equal(system(text), 0);
  free(world);
  return 0;
}

static void make_file(const struct world *world, const char *name,
                      const char *content) {
  char path[128];
  snprintf(path, sizeof(path), "%s/%s", world->folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(content, file);
  fclose(file);
}

/* Runs a module; what is pending stays so. */
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
  status = torpor_job_run(world->vm, 0, NULL);
  assert_int_equal(status, TORPOR_OK);
}

static void finish(struct world *world) {
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
}

/* Lets the program sleep, in which it loses its loop, and wakes it. */
static void sleep_and_wake(struct world *world) {
  torpor_bytes snapshot;
  torpor_options options = vm_options(world);
  torpor_status status = torpor_snapshot_save(world->vm, &snapshot);
  assert_int_equal(status, TORPOR_OK);
  torpor_loop_close(world->loop);
  torpor_vm_close(world->vm);
  assert_int_equal(torpor_snapshot_restore(snapshot.data, snapshot.size,
                                           &options, &world->vm),
                   TORPOR_OK);
  torpor_bytes_free(&snapshot);
  open_loop(world);
}

#define IMPORTS "import * as os from 'os'; import * as std from 'std';"
#define LATER "await os.sleepAsync(1);"
#define TRY(call)                                                              \
  "try { console.log(" call "); } catch (e) { console.log(e.name, e.code); }"

/* ---- Rows of the table of sleep ------------------------------------------*/

static void a_file_that_is_read_goes_on(void **state) {
  struct world *world = *state;
  make_file(world, "f", "one\ntwo\nthree\n");
  begin(world, IMPORTS
        "const fd = os.open('f', os.O_RDONLY);"
        "const b = new ArrayBuffer(4); os.read(fd, b, 0, 4);"
        "const f = std.open('f', 'r');"
        "console.log(f.getline());" LATER
        "os.read(fd, b, 0, 4);"
        "console.log(String.fromCharCode(...new Uint8Array(b)));"
        "console.log(f.getline(), f.tell());"
        "f.seek(0, 0); console.log(f.getline(), f.close());"
        "console.log(os.seek(fd, 0, 2), os.close(fd));");
  sleep_and_wake(world);
  finish(world);
  test_console_expect(&world->console, "one\ntwo\n\ntwo 8\none 0\n14 0\n");
}

static void a_file_that_is_gone_is_lost(void **state) {
  struct world *world = *state;
  char path[128];
  make_file(world, "f", "some text");
  make_file(world, "g", "some text");
  begin(
      world, IMPORTS
      "const a = os.open('f', 0), b = os.open('g', 0);"
      "const buffer = new ArrayBuffer(4); os.read(b, buffer, 0, 4);" LATER TRY(
          "os.read(a, buffer, 0, 4)") TRY("os.read(b, buffer, 0, 4)"));
  snprintf(path, sizeof(path), "%s/f", world->folder);
  assert_int_equal(unlink(path), 0);
  make_file(world, "g", "x");
  sleep_and_wake(world);
  finish(world);
  test_console_expect(&world->console, "LostError LOST\nLostError LOST\n");
}

static void a_file_that_is_written_is_lost(void **state) {
  struct world *world = *state;
  begin(world, IMPORTS
        "const f = std.open('f', 'w'); f.puts('x'); f.flush();"
        "const fd = os.open('f', os.O_RDWR);"
        "const b = new ArrayBuffer(1);" LATER TRY("os.write(fd, b, 0, 1)")
            TRY("os.read(fd, b, 0, 1)") TRY("(f.puts('y'), f.flush())")
                TRY("f.close()"));
  sleep_and_wake(world);
  finish(world);
  test_console_expect(&world->console,
                      "LostError LOST\nLostError LOST\n"
                      "LostError LOST\n0\n");
}

static void a_pipe_is_lost(void **state) {
  struct world *world = *state;
  begin(world, IMPORTS
        "const [from, to] = os.pipe(); const b = new ArrayBuffer(4);"
        "os.write(to, b, 0, 4);" LATER TRY("os.read(from, b, 0, 4)")
            TRY("os.write(to, b, 0, 4)") TRY("os.close(from)"));
  sleep_and_wake(world);
  finish(world);
  test_console_expect(&world->console, "LostError LOST\nLostError LOST\n0\n");
}

static void a_read_handler_hears_that_it_is_lost(void **state) {
  struct world *world = *state;
  begin(world, IMPORTS
        "const [from, to] = os.pipe();"
        "os.setReadHandler(from, () => {" TRY(
            "os.read(from, new ArrayBuffer(4), 0, 4)") //
        "os.setReadHandler(from, null); });"
        "await null; await null;");
  assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_OK);
  sleep_and_wake(world);
  finish(world);
  test_console_expect(&world->console, "LostError LOST\n");
}

static void a_process_is_lost(void **state) {
  struct world *world = *state;
  begin(world, IMPORTS
        "const pid = os.exec(['sleep', '60'], { block: false });"
        "const f = std.popen('exec sleep 60', 'r');" LATER
        "console.log(os.waitpid(pid)[0]);" TRY("f.getline()"));
  sleep_and_wake(world);
  finish(world);
  test_console_expect(&world->console, "-10\nLostError LOST\n");
}

static void a_signal_is_handled_again(void **state) {
  struct world *world = *state;
  begin(world, IMPORTS
        "os.signal(os.SIGUSR1, () => console.log('usr1'));"
        "os.signal(os.SIGUSR2, undefined);"
        "await os.sleepAsync(300); console.log('end');");
  assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_OK);
  sleep_and_wake(world);
  for (int i = 0; i < 3; i++)
    assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_OK);
  raise(SIGUSR1);
  raise(SIGUSR2);
  finish(world);
  test_console_expect(&world->console, "usr1\nend\n");
}

static void a_worker_is_lost(void **state) {
  struct world *world = *state;
  make_file(world, "w.mjs",
            "import { Worker } from 'os';"
            "Worker.parent.onmessage = () => {};");
  begin(world, IMPORTS
        "const w = new os.Worker('./w.mjs');"
        "w.onmessage = () => console.log('no');"
        "w.onerror = (e) => console.log('error', e.name);" LATER TRY(
            "w.postMessage(1)"));
  assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_OK);
  sleep_and_wake(world);
  finish(world);
  test_console_expect(&world->console, "error LostError\nLostError LOST\n");
}

static void the_environment_and_folder_stay(void **state) {
  struct world *world = *state;
  begin(world, IMPORTS
        "os.mkdir('d'); os.chdir('d'); std.setenv('A', 'b');"
        "const before = os.getcwd()[0];" LATER
        "console.log(std.getenv('A'),"
        " os.getcwd()[0] === before, os.readdir('.')[1]);");
  sleep_and_wake(world);
  finish(world);
  test_console_expect(&world->console, "b true 0\n");
}

static void standard_output_is_that_of_the_new_host(void **state) {
  struct world *world = *state;
  begin(world, IMPORTS "std.out.puts('a');" LATER
                       "std.out.puts('b'); std.err.puts('c');"
                       "std.exit(9); console.log('no');");
  sleep_and_wake(world);
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_INTERRUPTED);
  test_console_expect(&world->console, "1:a\n1:b\n2:c\n");
  assert_int_equal(world->exit_code, 9);
}

/* ---- Durable runs --------------------------------------------------------*/

/* Takes the VM off its loop and binds it as a run's. */
static void make_durable(struct world *world) {
  torpor_world_options options = TORPOR_WORLD_OPTIONS_INIT;
  options.access = world->access;
  options.durable = true;
  torpor_loop_detach(world->loop, world->vm);
  assert_int_equal(torpor_world_open(world->loop, &options, &world->run),
                   TORPOR_OK);
  assert_int_equal(torpor_world_bind(world->run, world->vm), TORPOR_OK);
}

static void a_run_may_look(void **state) {
  struct world *world = *state;
  make_durable(world);
  make_file(world, "f", "one\ntwo\n");
  begin(world, IMPORTS
        "const f = std.open('f', 'r'); console.log(f.getline(), f.getline(),"
        " f.getline()); f.seek(-4, 2); console.log(f.readAsString().trim());"
        "console.log(std.loadFile('f').length, os.stat('f')[0].size,"
        " os.readdir('.')[0].length, os.close(os.open('f', 0)));"
        "std.out.puts('a '); std.out.puts('line\\nand'); std.out.flush();"
        "std.err.puts('err\\n'); console.log(os.isatty(1), os.read(9,"
        " new ArrayBuffer(1), 0, 1));");
  test_console_expect(&world->console,
                      "one two null\ntwo\n8 8 3 0\na line\nand\n"
                      "err\nfalse -9\n");
}

/* What changes the world, or waits, at once: nothing of it happens. */
static void a_run_may_not_act_at_once(void **state) {
  static const char *const calls[] = {
      "os.open('x', os.O_WRONLY | os.O_CREAT)",
      "os.open('f', os.O_RDWR)",
      "os.remove('f')",
      "os.rename('f', 'g')",
      "os.mkdir('d')",
      "os.symlink('f', 'l')",
      "os.utimes('f', 0, 0)",
      "os.exec(['true'])",
      "os.exec(['true'], { block: false })",
      "os.kill(1, 0)",
      "os.pipe()",
      "os.sleep(1)",
      "os.signal(os.SIGINT, () => {})",
      "new os.Worker('/w.mjs')",
      "os.read(0, new ArrayBuffer(1), 0, 1)",
      "os.write(1, new ArrayBuffer(1), 0, 1)",
      "os.ttySetRaw(0)",
      "std.open('x', 'w')",
      "std.open('f', 'a')",
      "std.popen('true', 'r')",
      "std.tmpfile()",
      "std.in.getline()",
      "std.exit(1)",
  };
  struct world *world = *state;
  char source[512];
  struct dirent *entry;
  int files = 0;
  make_durable(world);
  make_file(world, "f", "kept");
  for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
    snprintf(source, sizeof(source),
             IMPORTS
             "try { %s; console.log('went through'); }"
             "catch (e) { console.log(e.name, e.code,"
             " /durable run/.test(e.message)); }",
             calls[i]);
    begin(world, source);
    if (strcmp(world->console.text, "NotSupportedError ENOTSUP true\n") != 0)
      fail_msg("%s: %s", calls[i], world->console.text);
  }
  DIR *folder = opendir(world->folder);
  while ((entry = readdir(folder)) != NULL) files += entry->d_name[0] != '.';
  closedir(folder);
  assert_int_equal(files, 1);
}

/* ---- Hosts ---------------------------------------------------------------*/

/* A host that gives no streams and no exit is not the program's to end. */
static void a_host_that_gives_nothing(void **state) {
  struct world *world = *state;
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  torpor_loop_detach(world->loop, world->vm);
  assert_int_equal(torpor_loop_attach(world->loop, world->vm, &attachment),
                   TORPOR_OK);
  begin(world,
        IMPORTS TRY("std.exit(0)") TRY("os.signal(os.SIGTERM, () => {})")
            TRY("std.in.getline()") TRY("os.isatty(0)")
                TRY("std.loadFile('/etc/passwd')") TRY("os.exec(['true'])"));
  test_console_expect(&world->console,
                      "NotSupportedError undefined\n"
                      "NotAllowedError EPERM\n"
                      "LostError LOST\nfalse\n"
                      "NotAllowedError EACCES\n"
                      "NotAllowedError EACCES\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_file_that_is_read_goes_on),
      TEST(a_file_that_is_gone_is_lost),
      TEST(a_file_that_is_written_is_lost),
      TEST(a_pipe_is_lost),
      TEST(a_read_handler_hears_that_it_is_lost),
      TEST(a_process_is_lost),
      TEST(a_signal_is_handled_again),
      TEST(a_worker_is_lost),
      TEST(the_environment_and_folder_stay),
      TEST(standard_output_is_that_of_the_new_host),
      TEST(a_run_may_look),
      TEST(a_run_may_not_act_at_once),
      TEST(a_host_that_gives_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
