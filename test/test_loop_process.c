/* SPDX-License-Identifier: MIT */
/* test_loop_process.c - worlds and descriptors, with real processes: what flows
 * through pipes, how processes end, what waking makes of them, what access
 * allows. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/descriptor.h"
#include "support/console.h"
#include "torpor-loop.h"

struct world {
  struct test_console console; /* first */
  torpor_loop *loop;
  torpor_access *access;
  torpor_vm *vm;
};

static torpor_options vm_options(struct world *world) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = world;
  options.console = test_console_write;
  options.library = torpor_library_source;
  options.resolve = torpor_loader_resolve;
  return options;
}

static void attach(struct world *world) {
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  attachment.access = world->access;
  attachment.rejected = test_console_reject;
  attachment.user = world;
  assert_int_equal(torpor_loop_attach(world->loop, world->vm, &attachment),
                   TORPOR_OK);
}

static int set_up(void **state) {
  struct world *world = calloc(1, sizeof(*world));
  assert_non_null(world);
  assert_int_equal(torpor_loop_open(NULL, &world->loop), TORPOR_OK);
  assert_int_equal(torpor_access_open(NULL, &world->access), TORPOR_OK);
  torpor_options options = vm_options(world);
  world->vm = test_vm_open(&options);
  attach(world);
  *state = world;
  return 0;
}

/* No child is left, neither running nor a zombie. */
static int tear_down(void **state) {
  struct world *world = *state;
  torpor_loop_close(world->loop);
  torpor_vm_close(world->vm);
  torpor_access_close(world->access);
  free(world);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  return 0;
}

static void allow_all(struct world *world) {
  assert_int_equal(torpor_access_allow(world->access, TORPOR_RUN, NULL),
                   TORPOR_OK);
}

/* Evaluates 'source' as a module that has imported spawn, exec, open, close and
 * os. */
static void begin(struct world *world, const char *source) {
  static const char imports[] =
      "import { spawn, exec, open, close } from 'process';"
      "import * as os from 'os'; const say = (...a) => console.log(...a);";
  size_t size = strlen(imports) + strlen(source) + 1;
  char *whole = malloc(size);
  assert_non_null(whole);
  snprintf(whole, size, "%s%s", imports, source);
  test_ok(world->vm, torpor_eval(world->vm, whole, SIZE_MAX, "main.mjs",
                                 TORPOR_MODULE, NULL));
  free(whole);
}

static void run(struct world *world) {
  assert_int_equal(torpor_loop_run(world->loop), TORPOR_OK);
}

/* Turns until the program has said something. */
static void run_until_said(struct world *world) {
  for (int i = 0; i < 5000 && world->console.size == 0; i++) {
    assert_int_equal(torpor_loop_turn(world->loop, false), TORPOR_OK);
    usleep(1000);
  }
}

static void program(struct world *world, const char *source,
                    const char *expected) {
  begin(world, source);
  run(world);
  test_console_expect(&world->console, expected);
}

/* ---- Streams and ends ----------------------------------------------------*/

static void output_is_read_and_the_status_told(void **state) {
  allow_all(*state);
  program(*state,
          "const fd = open('echo a; echo b; exit 7');"
          "const b = new Uint8Array(64);"
          "os.setReadHandler(fd, () => {"
          "  const n = os.read(fd, b.buffer, 0, 2);"
          "  if (n > 0) say(n, b[0]); else {"
          "    os.setReadHandler(fd, null); close(fd).then(say); } });"
          "say('first');",
          "first\n2 97\n2 98\n7\n");
}

static void input_is_written(void **state) {
  allow_all(*state);
  program(*state,
          "const c = spawn('cat', [], { stdin: 'pipe' });"
          "await c.stdin.write('one\\ntwo\\r\\n\\nlast');"
          "const ended = c.stdin.end();"
          "for await (const l of c.stdout.lines()) say(JSON.stringify(l));"
          "await ended; say((await c.status).code);",
          "\"one\"\n\"two\"\n\"\"\n\"last\"\n0\n");
}

static void ends_are_told_apart(void **state) {
  allow_all(*state);
  program(*state,
          "const s = async (c) => say(JSON.stringify(await c.status));"
          "await s(spawn('true')); await s(spawn('false'));"
          "const k = spawn('sleep', ['100']); say(await k.kill('SIGKILL'));"
          "await s(k); say(await k.kill());"
          "const t = spawn('sleep', ['100'], { timeout: 10 });"
          "await t.status.catch((e) => say(e.name));"
          "const a = new AbortController();"
          "const b = spawn('sleep', ['100'], { signal: a.signal });"
          "setTimeout(() => a.abort(new Error('why')), 5);"
          "await b.status.catch((e) => say(e.message));",
          "{\"code\":0,\"signal\":null,\"success\":true,\"status\":0}\n"
          "{\"code\":1,\"signal\":null,\"success\":false,\"status\":1}\n"
          "true\n"
          "{\"code\":null,\"signal\":\"SIGKILL\",\"success\":false,"
          "\"status\":137}\n"
          "false\nTimeoutError\nwhy\n");
}

static void environment_and_folder_are_given(void **state) {
  allow_all(*state);
  program(*state,
          "const o = { env: { A: 'x y' }, cwd: '/usr' };"
          "say((await exec('echo $A; pwd', o)).stdout);",
          "x y\n/usr\n\n");
}

/* 8 MB through a pipe whose reader is slow, and one that reads nothing. */
static void much_flows_and_slow_readers_wait(void **state) {
  allow_all(*state);
  program(*state,
          "const a = spawn('head', ['-c', '8000000', '/dev/zero']);"
          "const b = spawn('wc', ['-c'], { stdin: 'pipe' });"
          "for await (const c of a.stdout) await b.stdin.write(c);"
          "await b.stdin.end(); say((await b.stdout.text()).trim());"
          "const yes = spawn('yes'); const first = await yes.stdout.read(4);"
          "say(first.length); await yes.stdout.close();"
          "say((await yes.status).signal);",
          "8000000\n4\nSIGPIPE\n");
}

static void what_a_cancelled_read_brought_is_kept(void **state) {
  allow_all(*state);
  program(*state,
          "const c = spawn('cat', [], { stdin: 'pipe' });"
          "const fd = c.stdout.fd;"
          "os.setReadHandler(fd, () => say('early'));"
          "await null; await null; os.setReadHandler(fd, null);"
          "await c.stdin.write('kept'); await c.stdin.end();"
          "say(await c.stdout.text());",
          "kept\n");
}

/* A writer whose reader is gone is told, and lives. */
static void a_closed_reader_is_an_error(void **state) {
  allow_all(*state);
  program(*state,
          "const c = spawn('true', [], { stdin: 'pipe' }); await c.status;"
          "const big = new Uint8Array(1 << 20);"
          "try { await c.stdin.write(big); } catch (e) { say(e.code); }"
          "try { await c.stdin.close(); await c.stdin.write('x'); }"
          "catch (e) { say(e.name, e.code); }",
          "EPIPE\nError EBADF\n");
}

/* What the process has started may keep its output open, or its own standard
 * output may have no end: neither keeps exec() beyond its limits. */
static void limits_hold_whoever_has_the_streams(void **state) {
  allow_all(*state);
  double began =
      torpor_loop_now(((struct world *)*state)->loop, TORPOR_CLOCK_MONOTONIC);
  program(*state,
          "const t = (p) => p.then(say, (e) => say(e.name));"
          "await t(exec('sleep 9 & echo hi', { timeout: 100 }));"
          "await t(exec('sleep 9 & sleep 9', { timeout: 100 }));"
          "await t(exec('sh', ['-c', \"trap '' PIPE; (yes >&2); sleep 9\"],"
          "  { largest: 1000 }));"
          "await t(exec('sleep 9 & exec sleep 9', { timeout: 100,"
          "  input: 'x'.repeat(1e6), stdout: 'null', stderr: 'null' }));",
          "TimeoutError\nTimeoutError\nRangeError\nTimeoutError\n");
  assert_true(
      torpor_loop_now(((struct world *)*state)->loop, TORPOR_CLOCK_MONOTONIC) -
          began <
      8000);
}

/* What is wrong with an option is said before anything is started. */
static void options_are_checked_first(void **state) {
  allow_all(*state);
  program(*state,
          "for (const o of [{ timeout: NaN }, { killSignal: 'SIGNO' },"
          "                 { timeout: '1' }, { cwd: '' }])"
          "  try { spawn('sleep', ['20'], o); say('started'); }"
          "  catch (e) { say(e.name); }"
          "await exec('cat', [], { input: 'x', stdin: 'null' }).catch("
          "  (e) => say(e.name));",
          "TypeError\nTypeError\nTypeError\nTypeError\nTypeError\n");
}

/* A pipe that a process was given as well is written to and read without
 * blocking the loop. */
static void a_shared_pipe_does_not_block(void **state) {
  allow_all(*state);
  program(
      *state,
      "const reader = spawn('sleep', ['9'], { stdin: 'pipe' });"
      "const writer = spawn('echo', [], { stdout: reader.stdin.fd });"
      "say((await writer.status).code);"
      "reader.stdin.write(new Uint8Array(1e6)).then(say, (e) => say(e.code));"
      "const timer = spawn('sleep', ['0.1']); await timer.status;"
      "say('turned'); await reader.kill();",
      "0\nturned\nEPIPE\n");
  program(*state,
          "const from = spawn('sh', ['-c', 'read x; head -c 70000 /dev/zero;'"
          "  + 'exec sleep 9'], { stdin: 'pipe' });"
          "const thief = spawn('cat', [], { stdin: from.stdout.fd });"
          "await thief.pid; let size = 0;"
          "const count = async (s) => {"
          "  for await (const c of s) size += c.length; };"
          "count(from.stdout); count(thief.stdout);"
          "from.stdin.write('\\n');"
          "while (size < 70000) await spawn('sleep', ['0.02']).status;"
          "say(size); from.kill();",
          "70000\n");
}

/* A read that asks for nothing is a mistake, and takes nothing away. */
static void reads_ask_for_something(void **state) {
  allow_all(*state);
  program(
      *state,
      "const p = spawn('echo', ['out']);"
      "for (const n of [0, -1, NaN, '1', null])"
      "  await p.stdout.read(n).catch((e) => say(e.name));"
      "say((await p.stdout.read(2)).length, (await p.stdout.text()).length);",
      "TypeError\nTypeError\nTypeError\nTypeError\nTypeError\n2 2\n");
}

static void output_has_a_limit(void **state) {
  allow_all(*state);
  program(*state,
          "try { await exec('yes', [], { largest: 100000 }); }"
          "catch (e) { say(e.name); }",
          "RangeError\n");
}

/* ---- Access --------------------------------------------------------------*/

static void nothing_runs_without_a_grant(void **state) {
  program(*state,
          "for (const f of [() => spawn('true').status, () => exec('true', []),"
          "  () => exec('true'), () => close(open('true')),"
          "  () => spawn('true', [], { shell: true }).status])"
          "  await f().then(say, (e) => say(e.name, e.message));",
          "NotAllowedError running true is not allowed; run with "
          "--allow-run=true\n"
          "NotAllowedError running true is not allowed; run with "
          "--allow-run=true\n"
          "NotAllowedError running a command of the shell is not allowed; run "
          "with --allow-run, without the names of programs\n"
          "NotAllowedError running a command of the shell is not allowed; run "
          "with --allow-run, without the names of programs\n"
          "NotAllowedError running a command of the shell is not allowed; run "
          "with --allow-run, without the names of programs\n");
}

static void a_named_grant_is_for_that_program(void **state) {
  struct world *world = *state;
  char folder[] = "/tmp/torpor-process-XXXXXX", command[256], source[1536];
  assert_non_null(mkdtemp(folder));
  snprintf(command, sizeof(command),
           "cp /bin/echo %s/mine && ln -s mine %s/other && ln -s %s %s/in",
           folder, folder, folder, folder);
  assert_int_equal(system(command), 0);
  snprintf(command, sizeof(command), "%s/mine", folder);
  assert_int_equal(torpor_access_allow(world->access, TORPOR_RUN, command),
                   TORPOR_OK);
  snprintf(source, sizeof(source),
           "for (const p of ['mine', 'in/mine', '../%s/mine', 'other', 'none'])"
           "  await exec('%s/' + p, ['x']).then((r) => say(r.stdout.trim()),"
           "    (e) => say(e.name));"
           "await exec('sh', ['-c', 'echo out']).catch((e) => say(e.name));"
           "for (const env of [{ LD_PRELOAD: '/x' }, { GCONV_PATH: '/x' },"
           "                   { LD_TEST: '1' }, { LD_TEST: '2' }])"
           "  await exec('%s/mine', ['x'], { env }).then("
           "    (r) => say(r.stdout.trim()), (e) => say(e.code));"
           "const as = (name) => { try { return os.exec([name], {"
           "  file: '%s/mine' }); } catch (e) { return e.code; } };"
           "say(as('other') === 0, as('/else/mine') === 0);",
           folder + 5, folder, folder, folder);
  setenv("LD_TEST", "1", 1);
  program(world, source,
          "x\nx\nx\nNotAllowedError\nNotAllowedError\nNotAllowedError\n"
          "EACCES\nEACCES\nx\nEACCES\nfalse true\n");
  unsetenv("LD_TEST");
  snprintf(command, sizeof(command), "rm -r %s", folder);
  assert_int_equal(system(command), 0);
}

static void requests_are_checked(void **state) {
  struct world *world = *state;
  static const char *const requests[] = {
      "null",
      "{}",
      "{\"fd\": 5}",
      "{\"fd\": -1, \"file\": \"true\"}",
      "{\"fd\": 5, \"file\": 7}",
      "{\"fd\": 5, \"file\": \"true\"}",
      "{\"fd\": 5, \"file\": \"true\", \"stdio\": [1]}",
      "{\"fd\": 5, \"file\": \"true\", \"args\": 3, \"stdio\": []}",
      "{\"fd\": 5, \"file\": \"a\\u0000b\", \"stdio\": []}",
      "{\"fd\": 5, \"file\": \"true\", \"stdio\": [\"no\", 1, 2]}",
      "{\"fd\": 5, \"file\": \"true\", \"stdio\": [\"inherit\", 6, 7]}",
      "{\"fd\": 5, \"file\": \"true\", \"stdio\": [{\"fd\": 99}, 6, 7]}",
      "{\"fd\": 5, \"file\": \"true\", \"stdio\": [8, 8, \"null\"]}",
      "{\"fd\": 5, \"file\": \"true\", \"args\": [\"a\", {}], \"stdio\": []}",
  };
  allow_all(world);
  for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
    torpor_value request, promise;
    torpor_promise_state how;
    torpor_scope scope;
    test_ok(world->vm, torpor_scope_open(world->vm, &scope));
    test_ok(world->vm,
            torpor_json_decode(world->vm, requests[i], SIZE_MAX, &request));
    test_ok(world->vm, torpor_operation_begin(world->vm, "process", request, 0,
                                              NULL, &promise));
    test_ok(world->vm, torpor_promise_handle(world->vm, promise));
    run(world);
    torpor_value reason;
    test_ok(world->vm, torpor_promise_read(world->vm, promise, &how, &reason));
    if (how != TORPOR_REJECTED) fail_msg("%s was taken", requests[i]);
    test_ok(world->vm, torpor_scope_close(world->vm, scope));
  }
  /* What was begun of them is not left open. */
  struct torpor__descriptor *left =
      torpor__descriptor_find((torpor_world *)world->loop->worlds.next, 8);
  assert_null(left);
}

/* ---- Sleeping ------------------------------------------------------------*/

/* A process whose output is read, one that is written to, one that is about to
 * be started, and one that is waited for: all are lost, by name. */
static void processes_are_lost_when_the_program_sleeps(void **state) {
  struct world *world = *state;
  allow_all(world);
  begin(world,
        "globalThis.gone = (what) => (e) => say(what, e.name, e.code);"
        "const c = spawn('cat', [], { stdin: 'pipe' }); await c.pid;"
        "c.stdout.read().then(say, gone('read'));"
        "c.status.then(say, gone('status'));"
        "globalThis.write = () => c.stdin.write('x').then(say, gone('write'));"
        "spawn('true').status.then(say, gone('start'));"
        "say('asleep');");
  run_until_said(world);
  test_console_expect(&world->console, "asleep\n");
  torpor_bytes bytes = test_save(world->vm);
  torpor_loop_detach(world->loop, world->vm);
  torpor_vm_close(world->vm);
  torpor_options options = vm_options(world);
  world->vm = test_restore(&bytes, &options);
  torpor_bytes_free(&bytes);
  attach(world);
  run(world);
  test_console_expect(&world->console,
                      "status LostError LOST\nread LostError LOST\n"
                      "start LostError LOST\n");
  test_eval(world->vm, "write(); 1");
  run(world);
  test_console_expect(&world->console, "write LostError LOST\n");
}

/* Processes end with the world of their program. */
static void a_world_ends_its_processes(void **state) {
  struct world *world = *state;
  double pid;
  allow_all(world);
  begin(world,
        "const c = spawn('sleep', ['1000']);"
        "globalThis.pid = await c.pid; say('there');");
  run_until_said(world);
  pid = test_eval_number(world->vm, "pid");
  assert_int_equal(kill((pid_t)pid, 0), 0);
  torpor_loop_detach(world->loop, world->vm);
  /* It is dead; the loop waits for it when it closes. */
  siginfo_t info = {0};
  assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
  assert_int_equal(info.si_status, SIGKILL);
}

/* Functions that work at once outlive the world: they say that it is gone, and
 * work again in the next one. */
static void functions_outlive_their_world(void **state) {
  struct world *world = *state;
  torpor_value get, global;
  setenv("TORPOR_TEST_NAME", "value", 1);
  assert_int_equal(
      torpor_access_allow(world->access, TORPOR_ENV, "TORPOR_TEST_NAME"),
      TORPOR_OK);
  test_ok(world->vm, torpor_function_new(world->vm, "torpor:env.get", 1, &get));
  test_ok(world->vm, torpor_global(world->vm, &global));
  test_ok(world->vm, torpor_set(world->vm, global, "get", get));
  static const char look[] =
      "try { console.log(get('TORPOR_TEST_NAME')) }"
      "catch (e) { console.log(e.name) }";
  test_eval(world->vm, look);
  test_console_expect(&world->console, "value\n");
  torpor_loop_detach(world->loop, world->vm);
  test_eval(world->vm, look);
  test_console_expect(&world->console, "LostError\n");
  attach(world);
  test_eval(world->vm, look);
  test_console_expect(&world->console, "value\n");
  /* Of a loop that was closed with it, too. */
  torpor_loop_close(world->loop);
  assert_int_equal(torpor_loop_open(NULL, &world->loop), TORPOR_OK);
  test_eval(world->vm, look);
  test_console_expect(&world->console, "LostError\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(output_is_read_and_the_status_told),
      TEST(input_is_written),
      TEST(ends_are_told_apart),
      TEST(environment_and_folder_are_given),
      TEST(much_flows_and_slow_readers_wait),
      TEST(what_a_cancelled_read_brought_is_kept),
      TEST(a_closed_reader_is_an_error),
      TEST(output_has_a_limit),
      TEST(reads_ask_for_something),
      TEST(a_shared_pipe_does_not_block),
      TEST(limits_hold_whoever_has_the_streams),
      TEST(options_are_checked_first),
      TEST(nothing_runs_without_a_grant),
      TEST(a_named_grant_is_for_that_program),
      TEST(requests_are_checked),
      TEST(processes_are_lost_when_the_program_sleeps),
      TEST(a_world_ends_its_processes),
      TEST(functions_outlive_their_world),
  };
  signal(SIGPIPE, SIG_DFL); /* a test runner may have ignored it */
  /* Blocks are not counted: the loop has its own of malloc, which the address
   * sanitizer looks after. */
  return cmocka_run_group_tests(tests, test_vm_setup, NULL);
}
