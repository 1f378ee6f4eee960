/* SPDX-License-Identifier: MIT */
/* case-run.c - running a case on virtual time.
 *
 * Time stands still while code runs. When nothing is left to do, the clock
 * moves to the next moment at which something is due: a signal of the case, or
 * the operation with the earliest due time (the older one of two).
 *
 * The host keeps nothing of the VM but its address: the result of the program
 * is named by a token, and all handles are gone between calls. So at each
 * boundary the VM may be replaced by one that was restored from its snapshot,
 * and the program must not notice.
 *
 *  (1) A boundary is where no guest code runs and a job, a signal or a result
 *      comes next.
 *  (2) Fuel is carried over: it counts what the program does, not the VM. */
#include "case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case-sleep.h"
#include "torpor-loop.h"

#define START 1700000000000.0
#define DAY 86400000.0

typedef struct run {
  const test_case *test;
  test_plan plan;
  test_result *result;
  torpor_vm *vm;
  test_sleeper sleeper;
  double now; /* wall-clock; monotonic is since the start */
  torpor_token main;
  size_t signals; /* how many arrived */
  bool *taken;    /* which of those were matched */
  const char *failure;
} run;

/* ---- The world of a case -------------------------------------------------*/

static double read_clock(void *user, torpor_clock which) {
  const run *r = user;
  return which == TORPOR_CLOCK_WALL ? r->now : r->now - START;
}

/* One hour ahead of UTC, two from April to October of 365-day years. */
static int read_zone(void *user, double ms) {
  (void)user;
  double day = fmod(fmod(floor(ms / DAY), 365) + 365, 365);
  return day >= 90 && day < 304 ? 120 : 60;
}

static void fill_random(void *user, void *data, size_t size) {
  (void)user;
  for (size_t i = 0; i < size; i++) ((uint8_t *)data)[i] = (uint8_t)(i + 1);
}

static void write_console(void *user, torpor_level level, const char *text,
                          size_t size) {
  static const char *const marks[] = {"[debug] ", "", "[info] ", "[warn] ",
                                      "[error] "};
  run *r = user;
  const char *mark = marks[level];
  test_text_add(&r->result->output, mark, strlen(mark));
  test_text_add(&r->result->output, text, size);
  test_text_add(&r->result->output, "\n", 1);
}

static torpor_status read_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  const run *r = user;
  const char *name = request->name;
  torpor_bytes *source = &answer->text;
  char path[1024];
  if (strstr(name, "..") != NULL || name[0] == '/') return TORPOR_DENIED;
  snprintf(path, sizeof(path), "%s/%s", r->test->folder, name);
  FILE *stream = fopen(path, "rb");
  if (stream == NULL) return TORPOR_NOT_FOUND;
  source->data = calloc(1, 65536);
  if (source->data != NULL)
    source->size = fread(source->data, 1, 65535, stream);
  fclose(stream);
  return source->data == NULL ? TORPOR_LIMIT : TORPOR_OK;
}

/* Of the library, the module that every host has. */
static torpor_status read_library(void *user, const char *name,
                                  torpor_module_answer *answer) {
  return strcmp(name, "torpor:fs") == 0
             ? torpor_library_source(user, name, answer)
             : TORPOR_NOT_FOUND;
}

/* ---- Host functions ------------------------------------------------------*/

static torpor_status host_echo(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)vm;
  (void)user;
  if (arguments->count > 0) *result = arguments->args[0];
  return TORPOR_OK;
}

/* Calls its first argument with the others. */
static torpor_status host_call(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)user;
  if (arguments->count == 0) return TORPOR_WRONG_TYPE;
  return torpor_call(vm, arguments->args[0], arguments->self,
                     arguments->args + 1, arguments->count - 1, result);
}

static torpor_status host_throw(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  (void)user, (void)result;
  if (arguments->count > 0) return torpor_throw_value(vm, arguments->args[0]);
  return torpor_throw(vm, "RangeError", "thrown by the host");
}

static torpor_status host_fail(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)vm;
  (void)arguments;
  (void)result;
  (void)user;
  return TORPOR_IO;
}

static torpor_status give_input(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  const run *r = user;
  torpor_bytes cbor;
  (void)arguments;
  if (r->test->input == NULL) return TORPOR_OK;
  torpor_status status =
      torpor_json_to_cbor(r->test->input, strlen(r->test->input), &cbor);
  if (status != TORPOR_OK) return status;
  status = torpor_cbor_decode(vm, cbor.data, cbor.size, result);
  torpor_bytes_free(&cbor);
  return status;
}

static torpor_status give_id(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_value *result, void *user) {
  (void)arguments;
  (void)user;
  return torpor_string_new(vm, "case", 4, result);
}

static torpor_status give_step(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)vm;
  (void)arguments;
  (void)user;
  *result = torpor_number(7);
  return TORPOR_OK;
}

static const struct {
  const char *name;
  torpor_host_fn function;
  bool is_global;
} FUNCTIONS[] = {
    {"hostEcho", host_echo, true},           {"hostCall", host_call, true},
    {"hostThrow", host_throw, true},         {"hostFail", host_fail, true},
    {"torpor:run.input", give_input, false}, {"torpor:run.id", give_id, false},
    {"torpor:run.step", give_step, false}};

/* Binds all; adds the globals when the VM is new. Also one that is never bound:
 * calling it must say so. */
static torpor_status bind_functions(run *r, bool is_new) {
  torpor_status status = TORPOR_OK;
  torpor_value function, global;
  for (size_t i = 0; i < sizeof(FUNCTIONS) / sizeof(*FUNCTIONS); i++) {
    if (status != TORPOR_OK) return status;
    status = is_new && FUNCTIONS[i].is_global
                 ? torpor_function_add(r->vm, FUNCTIONS[i].name,
                                       FUNCTIONS[i].function, r)
                 : torpor_function_bind(r->vm, FUNCTIONS[i].name,
                                        FUNCTIONS[i].function, r, NULL);
  }
  if (status != TORPOR_OK || !is_new) return status;
  status = torpor_function_new(r->vm, "hostMissing", 0, &function);
  if (status == TORPOR_OK) status = torpor_global(r->vm, &global);
  if (status == TORPOR_OK)
    status = torpor_set(r->vm, global, "hostMissing", function);
  return status;
}

/* ---- Sleeping and waking -------------------------------------------------*/

static torpor_options make_options(run *r, uint64_t fuel) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = r;
  options.clock = read_clock;
  options.zone = read_zone;
  options.random = fill_random;
  options.console = write_console;
  options.module = read_module;
  options.library = read_library;
  options.fuel = fuel;
  options.memory_max = r->test->memory;
  options.deadline_ms = r->test->deadline;
  return options;
}

static bool fail(run *r, const char *call, torpor_status status) {
  static char failure[512];
  if (status == TORPOR_OK) return false;
  snprintf(failure, sizeof(failure), "%s: %s: %s", call,
           torpor_status_name(status), torpor_last_error(r->vm));
  r->failure = failure;
  return true;
}

/* Puts the VM to sleep, and goes on with another one in its place. */
static void sleep_and_wake(run *r) {
  torpor_options options = make_options(r, torpor_vm_fuel(r->vm));
  r->failure = test_sleeper_sleep(&r->sleeper, &r->vm, &options);
  if (r->failure != NULL) return;
  fail(r, "torpor_function_bind", bind_functions(r, false));
}

static void pass_boundary(run *r) {
  uint64_t boundary = r->result->boundaries++;
  if (boundary == 0 && r->plan.sleep != TEST_SLEEP_NEVER)
    r->failure = test_sleeper_begin(&r->sleeper, r->vm);
  if (r->failure != NULL) return;
  if ((r->plan.sleep == TEST_SLEEP_EVERY && boundary % r->plan.boundary == 0) ||
      (r->plan.sleep == TEST_SLEEP_ONCE && r->plan.boundary == boundary))
    sleep_and_wake(r);
}

/* ---- How it ends ---------------------------------------------------------*/

/* "Name: message", and the stack when 'out' is for an error. */
static void describe_value(run *r, torpor_value value, test_text *out,
                           bool with_stack) {
  torpor_error error = TORPOR_ERROR_INIT;
  if (fail(r, "torpor_error_read", torpor_error_read(r->vm, value, &error)))
    return;
  const char *between = error.name[0] != 0 && error.message[0] != 0 ? ": " : "";
  test_text_add(out, error.name, strlen(error.name));
  test_text_add(out, between, strlen(between));
  test_text_add(out, error.message, strlen(error.message));
  test_text_add(out, "\n", 1);
  if (with_stack) test_text_add(out, error.stack, strlen(error.stack));
  torpor_error_free(&error);
}

/* Takes note of how a call ended that ran the program; true: it goes on. */
static bool note_end(run *r, torpor_status status, const char *call) {
  test_text *error = &r->result->error;
  if (status == TORPOR_OK) return true;
  if (status == TORPOR_THROWN) {
    r->result->exit = TEST_EXIT_THROWN;
    describe_value(r, torpor_exception(r->vm), error, true);
  } else if (status == TORPOR_INTERRUPTED || status == TORPOR_TRAPPED) {
    r->result->exit =
        status == TORPOR_TRAPPED ? TEST_EXIT_TRAPPED : TEST_EXIT_INTERRUPTED;
    const char *why = torpor_last_error(r->vm);
    test_text_add(error, why, strlen(why));
  } else {
    fail(r, call, status);
  }
  return false;
}

/* The main promise of a module, by its token; false for a script. */
static bool read_main(run *r, torpor_promise_state *state,
                      torpor_value *result) {
  torpor_value promise;
  if (!r->test->is_module) return false;
  return !fail(r, "torpor_token_value",
               torpor_token_value(r->vm, r->main, &promise)) &&
         !fail(r, "torpor_promise_read",
               torpor_promise_read(r->vm, promise, state, result));
}

/* Nothing is left to do: what has become of the program? */
static void finish(run *r) {
  torpor_promise_state state;
  torpor_value result;
  torpor_scope scope;
  if (fail(r, "torpor_scope_open", torpor_scope_open(r->vm, &scope))) return;
  if (read_main(r, &state, &result)) {
    if (state == TORPOR_PENDING)
      r->result->exit = TEST_EXIT_DEADLOCK;
    else if (state == TORPOR_REJECTED)
      note_end(r, torpor_throw_value(r->vm, result), "main");
    fail(r, "torpor_token_remove", torpor_token_remove(r->vm, r->main));
  }
  fail(r, "torpor_scope_close", torpor_scope_close(r->vm, scope));
}

/* ---- Pumping -------------------------------------------------------------*/

/* Reports rejections that nobody handled; that of the main promise is how the
 * program ends and no news. */
static void report_rejections(run *r) {
  torpor_value reason;
  torpor_promise_state state;
  torpor_value result = torpor_undefined();
  bool is_main = false;
  torpor_scope scope;
  if (fail(r, "torpor_scope_open", torpor_scope_open(r->vm, &scope))) return;
  if (read_main(r, &state, &result)) is_main = state == TORPOR_REJECTED;
  test_text main = {0}, text = {0};
  if (is_main) describe_value(r, result, &main, true);
  while (r->failure == NULL) {
    torpor_status status = torpor_rejection_take(r->vm, &reason);
    if (status == TORPOR_NOT_FOUND) break;
    if (fail(r, "torpor_rejection_take", status)) break;
    describe_value(r, reason, &text, true);
    if (!is_main || strcmp(text.data, main.data) != 0) {
      test_text_add(&r->result->output, "[unhandled] ", 12);
      describe_value(r, reason, &r->result->output, false);
    }
    test_text_free(&text);
  }
  test_text_free(&main);
  fail(r, "torpor_scope_close", torpor_scope_close(r->vm, scope));
}

/* Empties the job queue, one boundary before each job. */
static bool run_jobs(run *r) {
  while (r->failure == NULL && torpor_job_pending(r->vm)) {
    pass_boundary(r);
    if (r->failure != NULL) return false;
    torpor_status status = torpor_job_run(r->vm, 1, NULL);
    if (!note_end(r, status, "torpor_job_run")) return false;
  }
  report_rejections(r);
  return r->failure == NULL;
}

static bool settle_cbor(run *r, uint64_t id, torpor_outcome outcome,
                        const void *data, size_t size) {
  torpor_status status =
      torpor_operation_settle_cbor(r->vm, id, outcome, data, size);
  return note_end(r, status, "torpor_operation_settle");
}

static bool settle_undefined(run *r, uint64_t id) {
  return settle_cbor(r, id, TORPOR_RESOLVE, "\xf7", 1);
}

static bool settle_json(run *r, uint64_t id, const char *json) {
  torpor_bytes cbor;
  if (fail(r, "torpor_json_to_cbor",
           torpor_json_to_cbor(json, strlen(json), &cbor)))
    return false;
  bool goes_on = settle_cbor(r, id, TORPOR_RESOLVE, cbor.data, cbor.size);
  torpor_bytes_free(&cbor);
  return goes_on;
}

static bool settle_error(run *r, uint64_t id, const char *name,
                         const char *message, const char *code) {
  torpor_bytes cbor;
  if (fail(r, "torpor_cbor_error",
           torpor_cbor_error(name, message, code, &cbor)))
    return false;
  bool goes_on = settle_cbor(r, id, TORPOR_REJECT, cbor.data, cbor.size);
  torpor_bytes_free(&cbor);
  return goes_on;
}

/* A byte string of CBOR with a length of 32 bits. */
static bool settle_bytes(run *r, uint64_t id, const test_text *bytes) {
  test_text cbor = {0};
  char head[5] = {0x5a, (char)(bytes->size >> 24), (char)(bytes->size >> 16),
                  (char)(bytes->size >> 8), (char)bytes->size};
  test_text_add(&cbor, head, sizeof(head));
  test_text_add(&cbor, bytes->data, bytes->size);
  bool goes_on = settle_cbor(r, id, TORPOR_RESOLVE, cbor.data, cbor.size);
  test_text_free(&cbor);
  return goes_on;
}

/* ---- Drivers -------------------------------------------------------------*/

/* The request of 'operation' as JSON text. */
static test_text read_request(run *r, const torpor_operation *operation) {
  test_text text = {0};
  torpor_bytes json;
  if (fail(r, "torpor_cbor_to_json",
           torpor_cbor_to_json(operation->request, operation->request_size,
                               &json)))
    return text;
  test_text_add(&text, (const char *)json.data, json.size);
  torpor_bytes_free(&json);
  return text;
}

/* Is 'operation' of 'kind', requested as {"key":"value"}? */
static bool is_request(run *r, const torpor_operation *operation,
                       const char *kind, const char *key, const char *value) {
  test_text wanted = {0};
  if (strcmp(operation->kind, kind) != 0) return false;
  test_text request = read_request(r, operation);
  test_text_print(&wanted, "{\"%s\":\"%s\"}", key, value);
  bool is = request.data != NULL && strcmp(request.data, wanted.data) == 0;
  test_text_free(&request);
  test_text_free(&wanted);
  return is;
}

static bool read_virtual_file(run *r, const torpor_operation *operation) {
  uint64_t id = operation->id;
  for (size_t i = 0; i < r->test->file_count; i++)
    if (is_request(r, operation, "file-read", "path", r->test->files[i].path))
      return settle_bytes(r, id, &r->test->files[i].bytes);
  return settle_error(r, id, "Error", "no such file", "ENOENT");
}

static bool write_virtual_file(run *r, const torpor_operation *operation) {
  uint64_t id = operation->id;
  test_text request = read_request(r, operation);
  test_text_print(&r->result->output, "[write] %s\n", request.data);
  test_text_free(&request);
  return settle_undefined(r, id);
}

/* Performs the oldest operation on a file. True when there was one. */
static bool perform_file(run *r, bool *goes_on) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  for (size_t i = 0; torpor_operation_at(r->vm, i, &operation) == TORPOR_OK;
       i++) {
    if (strncmp(operation.kind, "file-", 5) != 0) continue;
    pass_boundary(r);
    *goes_on = r->failure == NULL &&
               torpor_operation_at(r->vm, i, &operation) == TORPOR_OK &&
               (strcmp(operation.kind, "file-read") == 0
                    ? read_virtual_file(r, &operation)
                    : write_virtual_file(r, &operation));
    return true;
  }
  return false;
}

/* Gives the oldest signal that somebody waits for. True when one was. */
static bool match_signal(run *r, bool *goes_on) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  for (size_t s = 0; s < r->signals; s++) {
    if (r->taken[s]) continue;
    for (size_t i = 0; torpor_operation_at(r->vm, i, &operation) == TORPOR_OK;
         i++) {
      if (!is_request(r, &operation, "signal", "name",
                      r->test->signals[s].name))
        continue;
      uint64_t id = operation.id;
      r->taken[s] = true;
      pass_boundary(r);
      *goes_on =
          r->failure == NULL && settle_json(r, id, r->test->signals[s].json);
      return true;
    }
  }
  return false;
}

/* The operation that is due first. */
typedef struct next_due {
  uint64_t id;
  double due;
  bool is_timer;
} next_due;

static bool find_due(run *r, next_due *out) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  bool found = false;
  for (size_t i = 0; torpor_operation_at(r->vm, i, &operation) == TORPOR_OK;
       i++) {
    if (operation.due == 0 || (found && operation.due >= out->due)) continue;
    *out = (next_due){operation.id, operation.due,
                      strcmp(operation.kind, "timer") == 0};
    found = true;
  }
  return found;
}

/* The next thing that happens in the world; false: nothing does. */
static bool step_world(run *r, bool *goes_on) {
  next_due next;
  const test_case *test = r->test;
  *goes_on = true;
  if (perform_file(r, goes_on) || match_signal(r, goes_on)) return true;
  bool is_due = find_due(r, &next);
  if (r->signals < test->signal_count) {
    double at = START + test->signals[r->signals].at;
    if (!is_due || at <= next.due) {
      if (at > r->now) r->now = at;
      r->signals++;
      return true;
    }
  }
  if (!is_due) return false;
  if (next.due > r->now) r->now = next.due;
  pass_boundary(r);
  if (r->failure != NULL)
    *goes_on = false;
  else if (next.is_timer)
    *goes_on = settle_undefined(r, next.id);
  else
    *goes_on = settle_error(r, next.id, "TimeoutError",
                            "the operation timed out", NULL);
  return true;
}

/* ---- A run ---------------------------------------------------------------*/

static bool start(run *r) {
  torpor_value result;
  torpor_scope scope;
  const test_case *test = r->test;
  torpor_options options = make_options(r, test->fuel);
  if (fail(r, "torpor_vm_open", torpor_vm_open(&options, &r->vm))) return false;
  if (fail(r, "torpor_scope_open", torpor_scope_open(r->vm, &scope)) ||
      fail(r, "torpor_function_add", bind_functions(r, true)))
    return false;
  torpor_status status =
      torpor_eval(r->vm, test->source.data, test->source.size, test->file,
                  test->is_module ? TORPOR_MODULE : TORPOR_SCRIPT, &result);
  bool goes_on = note_end(r, status, "torpor_eval");
  if (goes_on && test->is_module)
    goes_on =
        !fail(r, "torpor_token_add", torpor_token_add(r->vm, result, &r->main));
  if (status == TORPOR_TRAPPED) return false;
  return !fail(r, "torpor_scope_close", torpor_scope_close(r->vm, scope)) &&
         goes_on;
}

static void run_to_end(run *r) {
  bool goes_on = start(r);
  while (goes_on && run_jobs(r))
    if (!step_world(r, &goes_on)) {
      pass_boundary(r);
      if (r->failure == NULL) finish(r);
      return;
    }
}

const char *test_case_run(const test_case *test, test_plan plan,
                          test_result *out) {
  run r = {.test = test, .plan = plan, .result = out, .now = START};
  r.sleeper.way = plan.way;
  *out = (test_result){.exit = TEST_EXIT_DONE};
  r.taken = calloc(test->signal_count + 1, sizeof(*r.taken));
  if (r.taken == NULL) return "out of memory";
  run_to_end(&r);
  if (r.failure == NULL && out->exit != TEST_EXIT_TRAPPED)
    fail(&r, "torpor_snapshot_save", torpor_snapshot_save(r.vm, &out->final));
  torpor_vm_close(r.vm);
  test_sleeper_free(&r.sleeper);
  free(r.taken);
  return r.failure;
}

void test_result_free(test_result *result) {
  test_text_free(&result->output);
  test_text_free(&result->error);
  torpor_bytes_free(&result->final);
  *result = (test_result){0};
}
