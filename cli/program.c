/* SPDX-License-Identifier: MIT */
/* program.c - a program that runs from beginning to end in this process.
 *
 * One VM on one loop. A bundle brings its modules as bytecode, or a VM that
 * sleeps: then its function 'main' is called. The first error that nobody
 * catches ends the program, as do a reader of its output that goes away, and
 * Ctrl-C.
 *
 *  (1) 'code' is the exit code as soon as something went wrong that was said.
 *  (2) A signal ends the process as it would have without us, but only after
 *      what the program had written is out; a second one does so at once.
 *
 * Runs on the main thread. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "program.h"
#include "report.h"

/* What torpor_options.stack takes. */
enum { STACK_LEAST = 16384, STACK_MOST = 240 << 10 };

struct program {
  const struct cli_program_settings *settings;
  torpor_access *access;
  torpor_loader *loader;
  torpor_loop *loop;
  torpor_vm *vm;
  char name[PATH_MAX + 16]; /* of code */
  struct cli_sources sources;
  int code;
  bool lost;     /* nobody reads the output */
  bool exited;   /* the program has ended itself */
  int exit_code; /* with this */
};

/* ---- What the VM sees ----------------------------------------------------*/

/* Ends what the program runs and what it waits for. */
static void end_program(struct program *program) {
  torpor_loop_stop(program->loop);
  if (program->vm != NULL) torpor_vm_interrupt(program->vm);
}

static void write_console(void *user, torpor_level level, const char *text,
                          size_t size) {
  struct program *program = user;
  if (program->lost || cli_output_line(level, text, size)) return;
  program->lost = true;
  end_program(program);
}

/* torpor_attachment.output */
static bool write_bytes(void *user, int stream, const void *data, size_t size) {
  struct program *program = user;
  if (!program->lost && !cli_output_bytes(stream, data, size)) {
    program->lost = true;
    end_program(program);
  }
  return !program->lost;
}

/* torpor_attachment.exit */
static void note_exit(void *user, int code) {
  struct program *program = user;
  program->exited = true;
  program->exit_code = code;
  torpor_loop_stop(program->loop);
}

/* A module that is in the bundle. UNSUPPORTED: it cannot be, being a file. Any
 * thread: torpor_attachment.worker_module. */
static torpor_status load_bundled(void *user,
                                  const torpor_module_request *request,
                                  torpor_module_answer *answer) {
  const struct program *program = user;
  const struct cli_bundle *bundle = program->settings->bundle;
  if (bundle == NULL) return TORPOR_UNSUPPORTED;
  bool code = request->type == TORPOR_MODULE_CODE;
  const struct cli_entry *entry = cli_bundle_find(
      bundle, code ? CLI_ENTRY_CODE : CLI_ENTRY_DATA, request->name);
  if (entry != NULL)
    return (code ? torpor_module_give_compiled
                 : torpor_module_give)(answer, entry->data, entry->size);
  if (strncmp(request->name, CLI_BUNDLE_ROOT, strlen(CLI_BUNDLE_ROOT)) != 0)
    return TORPOR_UNSUPPORTED;
  return torpor_module_refuse(answer, TORPOR_NOT_FOUND,
                              "it is not in this executable: name it with "
                              "--include when you build");
}

static torpor_status load_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  struct program *program = user;
  torpor_status status = load_bundled(program, request, answer);
  return status == TORPOR_UNSUPPORTED
             ? torpor_loader_source(program->loader, request, answer)
             : status;
}

/* What was resolved when the bundle was made; else as files are. Any thread. */
static torpor_status resolve_module(void *user, const char *specifier,
                                    const char *importer,
                                    torpor_module_answer *answer) {
  const struct program *program = user;
  const struct cli_bundle *bundle = program->settings->bundle;
  const struct cli_entry *edge = NULL;
  if (bundle != NULL) {
    size_t size = strlen(importer) + strlen(specifier) + 2;
    char *key = malloc(size);
    if (key == NULL) return TORPOR_NOMEM;
    snprintf(key, size, "%s\n%s", importer, specifier);
    edge = cli_bundle_find(bundle, CLI_ENTRY_EDGE, key);
    free(key);
  }
  if (edge != NULL) return torpor_module_give(answer, edge->data, edge->size);
  /* A file of the machine, also for a module that is none; or a module in C,
   * also if the library has one of that name. */
  if (specifier[0] == '/' ||
      (bundle != NULL &&
       cli_bundle_find(bundle, CLI_ENTRY_EXTERN, specifier) != NULL))
    return torpor_module_give(answer, specifier, strlen(specifier));
  return torpor_loader_resolve(NULL, specifier, importer, answer);
}

static bool is_stopping(void *user) {
  const struct program *program = user;
  return program->loop != NULL && torpor_loop_stopping(program->loop);
}

/* Host function of args() in module torpor:script. */
static torpor_status give_arguments(torpor_vm *vm,
                                    const torpor_arguments *arguments,
                                    torpor_value *result, void *user) {
  const struct cli_program_settings *settings = user;
  (void)arguments;
  torpor_status status = torpor_array_new(vm, result);
  for (size_t i = 0; i < settings->count && status == TORPOR_OK; i++) {
    torpor_value text;
    const char *argument = settings->arguments[i];
    status = torpor_string_new(vm, argument, SIZE_MAX, &text);
    if (status == TORPOR_OK)
      status = torpor_set_index(vm, *result, (uint32_t)i, text);
  }
  return status;
}

static void report_rejection(void *user, torpor_vm *vm, torpor_value reason) {
  struct program *program = user;
  if (program->code == CLI_EXIT_DONE)
    cli_report_error(vm, reason, &program->sources);
  program->code = CLI_EXIT_THROWN;
  torpor_loop_stop(program->loop);
}

/* ---- Opening -------------------------------------------------------------*/

static int fail_on_host(const char *what, torpor_status status) {
  cli_complain("%s: %s", what,
               status == TORPOR_IO && errno != 0 ? strerror(errno)
                                                 : torpor_status_text(status));
  return CLI_EXIT_HOST;
}

/* Reads the file, or gives code a name in the current folder. */
static int open_source(struct program *program, torpor_bytes *source) {
  const struct cli_program_settings *settings = program->settings;
  torpor_status status = torpor_loader_open(settings->file, program->access,
                                            &program->loader, source);
  program->sources.loader = program->loader;
  if (status != TORPOR_OK) {
    cli_complain("%s", torpor_loader_error(program->loader));
    return status == TORPOR_NOMEM ? CLI_EXIT_HOST : CLI_EXIT_FILE;
  }
  if (settings->file != NULL || settings->bundle != NULL) return CLI_EXIT_DONE;
  char folder[PATH_MAX];
  if (getcwd(folder, sizeof(folder)) == NULL) strcpy(folder, "/");
  snprintf(program->name, sizeof(program->name), "%s/%s",
           strcmp(folder, "/") == 0 ? "" : folder, settings->title);
  program->sources.name = program->name;
  program->sources.code = settings->code;
  program->sources.size = settings->code_size;
  return CLI_EXIT_DONE;
}

/* The snapshot that the program begins with; NULL: none. */
static const struct cli_entry *find_asleep(const struct program *program) {
  const struct cli_bundle *bundle = program->settings->bundle;
  return bundle == NULL ? NULL : cli_bundle_find(bundle, CLI_ENTRY_SLEEP, "");
}

/* The guest's stack, in bytes, that the bundle asks for; 0: all. */
static uint32_t find_stack(const struct program *program) {
  const struct cli_bundle *bundle = program->settings->bundle;
  const struct cli_entry *entry =
      bundle == NULL ? NULL : cli_bundle_find(bundle, CLI_ENTRY_ABOUT, "stack");
  uint32_t size = 0;
  for (size_t i = 0; entry != NULL && i < entry->size && i < 6; i++)
    if (entry->data[i] >= '0' && entry->data[i] <= '9')
      size = size * 10 + (uint32_t)(entry->data[i] - '0');
  return size < STACK_LEAST || size > STACK_MOST ? 0 : size;
}

static int open_vm(struct program *program) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = program;
  options.console = write_console;
  options.module = load_module;
  options.resolve = resolve_module;
  options.interrupt = is_stopping;
  options.extensions = true;
  options.library = torpor_library_source;
  options.colors = cli_output_colors();
  int code = cli_sandbox_limits(program->settings->sandbox, &options);
  if (code != CLI_EXIT_DONE) return code;
  const struct cli_entry *asleep = find_asleep(program);
  options.wake = TORPOR_WAKE_CLONE | TORPOR_WAKE_RESEED;
  options.stack = find_stack(program);
  torpor_status status =
      asleep == NULL ? torpor_vm_open(&options, &program->vm)
                     : torpor_snapshot_restore(asleep->data, asleep->size,
                                               &options, &program->vm);
  if (status != TORPOR_OK) {
    cli_complain("%s", torpor_last_error(NULL));
    return CLI_EXIT_HOST;
  }
  status =
      torpor_function_bind(program->vm, "torpor:script.args", give_arguments,
                           (void *)program->settings, NULL);
  if (status != TORPOR_OK) return fail_on_host("opening a VM", status);
  return cli_sandbox_extend(program->settings->sandbox, program->vm);
}

static bool flush_output(void *user) {
  struct program *program = user;
  if (!cli_output_flush()) program->lost = true;
  return false;
}

static int open_loop(struct program *program) {
  torpor_attachment world = TORPOR_ATTACHMENT_INIT;
  world.access = program->access;
  world.standard = true;
  world.loader = program->loader;
  world.rejected = report_rejection;
  world.user = program;
  world.output = write_bytes;
  world.exit = note_exit;
  world.worker_module = load_bundled;
  world.worker_resolve = resolve_module;
  torpor_status status = torpor_loop_open(NULL, &program->loop);
  if (status != TORPOR_OK) return fail_on_host("opening a loop", status);
  torpor_loop_on_turn(program->loop, flush_output, program);
  torpor_loop_stop_on(program->loop, SIGINT);
  torpor_loop_stop_on(program->loop, SIGTERM);
  torpor_loop_stop_on(program->loop, SIGHUP);
  status = torpor_loop_attach(program->loop, program->vm, &world);
  return status == TORPOR_OK ? CLI_EXIT_DONE
                             : fail_on_host("attaching a VM", status);
}

static void close_program(struct program *program) {
  torpor_loop_close(program->loop);
  torpor_vm_close(program->vm);
  torpor_loader_close(program->loader);
  torpor_access_close(program->access);
}

/* ---- Running -------------------------------------------------------------*/

/* Says what limit ended the program; what the library advises its callers to do
 * comes behind a semicolon and is of no use here. */
static void complain_limit(const struct program *program) {
  const char *sentence = torpor_last_error(program->vm);
  cli_complain("%.*s; see --memory, --fuel and --deadline",
               (int)strcspn(sentence, ";"), sentence);
}

static void complain_deadlock(struct program *program) {
  torpor_bytes places = {NULL, 0};
  bool known =
      torpor_vm_waiting(program->vm, &places) == TORPOR_OK && places.size > 0;
  cli_complain(
      "the program waits for a promise that nothing can settle any "
      "more: no timer, no file and no other operation is pending%s%s",
      known ? "; it waits at " : "", known ? (const char *)places.data : "");
  torpor_bytes_free(&places);
}

/* What 'status' is as an exit code, said unless it was already. */
static int conclude(struct program *program, torpor_status status) {
  if (torpor_loop_signal(program->loop) != 0) return CLI_EXIT_STOPPED;
  if (program->lost) return CLI_EXIT_DONE; /* cli_output_finish knows why */
  if (program->exited) return program->exit_code;
  if (program->code != CLI_EXIT_DONE) return program->code;
  switch (status) {
  case TORPOR_OK:
    return CLI_EXIT_DONE;
  case TORPOR_THROWN:
    cli_report_error(program->vm, torpor_exception(program->vm),
                     &program->sources);
    return CLI_EXIT_THROWN;
  case TORPOR_INTERRUPTED:
    complain_limit(program);
    return CLI_EXIT_INTERRUPTED;
  case TORPOR_TRAPPED:
  case TORPOR_BROKEN:
    complain_limit(program);
    return torpor_vm_timed_out(program->vm) ? CLI_EXIT_INTERRUPTED
                                            : CLI_EXIT_TRAPPED;
  case TORPOR_DEADLOCK:
    complain_deadlock(program);
    return CLI_EXIT_DEADLOCK;
  default:
    cli_complain("%s", torpor_last_error(program->vm));
    return CLI_EXIT_HOST;
  }
}

/* Prints 'value' as the program's own console does. */
static torpor_status print_value(torpor_vm *vm, torpor_value value) {
  torpor_value global, console, log;
  torpor_status status = torpor_global(vm, &global);
  if (status == TORPOR_OK) status = torpor_get(vm, global, "console", &console);
  if (status == TORPOR_OK) status = torpor_get(vm, console, "log", &log);
  if (status == TORPOR_OK)
    status = torpor_call(vm, log, console, &value, 1, NULL);
  return status;
}

/* Waits for what 'value', the result of the evaluation, stands for. */
static torpor_status finish(struct program *program, torpor_value *value) {
  torpor_brand brand;
  torpor_status status = torpor_value_brand(program->vm, *value, &brand);
  if (status != TORPOR_OK) return status;
  if (brand == TORPOR_BRAND_PROMISE)
    return torpor_loop_finish(program->loop, program->vm, *value, value);
  return torpor_loop_run(program->loop);
}

/* Evaluates the file, or the code: a promise, of a module's namespace or of the
 * value of a script, which may await. */
static torpor_status begin(struct program *program, const torpor_bytes *source,
                           torpor_value *promise) {
  const struct cli_program_settings *settings = program->settings;
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  if (settings->file != NULL) {
    options.file = torpor_loader_name(program->loader);
    options.mode = TORPOR_MODULE;
    return torpor_eval_with(program->vm, (const char *)source->data,
                            source->size, &options, promise);
  }
  options.file = program->name;
  options.mode = settings->mode;
  options.async = settings->mode == TORPOR_SCRIPT;
  return torpor_eval_with(program->vm, settings->code, settings->code_size,
                          &options, promise);
}

static int evaluate(struct program *program, const torpor_bytes *source) {
  const struct cli_program_settings *settings = program->settings;
  torpor_vm *vm = program->vm;
  torpor_value value = torpor_undefined();
  bool script = settings->file == NULL && settings->mode == TORPOR_SCRIPT;
  torpor_status status = begin(program, source, &value);
  torpor_loader_linked(program->loader);
  if (status == TORPOR_OK) status = finish(program, &value);
  /* A script's value may be a promise itself. */
  if (status == TORPOR_OK && script) status = finish(program, &value);
  if (status == TORPOR_OK && settings->print) {
    if (!script) status = torpor_get(vm, value, "default", &value);
    if (status == TORPOR_OK) status = print_value(vm, value);
  }
  return conclude(program, status);
}

/* ---- Out of a bundle -----------------------------------------------------*/

/* What the bundle says under 'name', of at most 'room' - 1 bytes; false after
 * saying that it does not. */
static bool read_about(const struct program *program, const char *name,
                       char *out, size_t room) {
  const struct cli_entry *entry =
      cli_bundle_find(program->settings->bundle, CLI_ENTRY_ABOUT, name);
  if (entry == NULL || entry->size >= room ||
      memchr(entry->data, 0, entry->size) != NULL) {
    cli_complain(
        "the program in this executable does not say '%s': build it "
        "again",
        name);
    return false;
  }
  memcpy(out, entry->data, entry->size);
  out[entry->size] = '\0';
  return true;
}

/* Begins to evaluate the main module: a promise of its namespace. */
static int start_main(struct program *program, torpor_value *promise) {
  const struct cli_bundle *bundle = program->settings->bundle;
  char name[PATH_MAX + 16];
  if (!read_about(program, "main", name, sizeof(name))) return CLI_EXIT_FILE;
  const struct cli_entry *code = cli_bundle_find(bundle, CLI_ENTRY_CODE, name);
  if (code == NULL) {
    cli_complain(
        "the program in this executable has no module %s: build it "
        "again",
        name);
    return CLI_EXIT_FILE;
  }
  torpor_status status =
      torpor_bytecode_run(program->vm, code->data, code->size, promise);
  torpor_loader_linked(program->loader);
  return conclude(program, status);
}

/* Calls function main of a VM that slept with the program's arguments. */
static torpor_status call_main(struct program *program, torpor_token token,
                               torpor_value *result) {
  const struct cli_program_settings *settings = program->settings;
  torpor_value *values = calloc(settings->count + 1, sizeof(*values));
  torpor_value function;
  if (values == NULL) return TORPOR_NOMEM;
  torpor_status status = torpor_token_value(program->vm, token, &function);
  for (size_t i = 0; i < settings->count && status == TORPOR_OK; i++)
    status = torpor_string_new(program->vm, settings->arguments[i], SIZE_MAX,
                               &values[i]);
  if (status == TORPOR_OK)
    status = torpor_call(program->vm, function, torpor_undefined(), values,
                         settings->count, result);
  free(values);
  return status;
}

static int wake_main(struct program *program) {
  char text[24];
  torpor_value result;
  if (!read_about(program, "token", text, sizeof(text))) return CLI_EXIT_FILE;
  unsigned long token = strtoul(text, NULL, 10);
  torpor_loader_linked(program->loader);
  torpor_status status =
      call_main(program, token > UINT32_MAX ? 0 : (torpor_token)token, &result);
  if (status == TORPOR_NOT_FOUND) {
    cli_complain(
        "the program in this executable has no function main: build "
        "it again");
    return CLI_EXIT_FILE;
  }
  if (status == TORPOR_OK) status = finish(program, &result);
  return conclude(program, status);
}

static int run_bundle(struct program *program) {
  torpor_value value;
  if (find_asleep(program) != NULL) return wake_main(program);
  int code = start_main(program, &value);
  if (code != CLI_EXIT_DONE || program->exited || program->lost) return code;
  return conclude(program, finish(program, &value));
}

/* ---- Putting it to sleep -------------------------------------------------*/

/* Turns the loop until 'promise' is settled and no job is left; what waits for
 * the outside goes on waiting. 'value': what it is settled with. */
static torpor_status settle(struct program *program, torpor_value promise,
                            torpor_value *value) {
  torpor_promise_state state = TORPOR_PENDING;
  torpor_status status = torpor_promise_handle(program->vm, promise);
  bool idle = false;
  for (bool wait = false; status == TORPOR_OK; wait = true) {
    status = torpor_loop_turn(program->loop, wait);
    idle = status == TORPOR_NOT_FOUND;
    if (idle) status = TORPOR_OK;
    if (status == TORPOR_OK)
      status = torpor_promise_read(program->vm, promise, &state, value);
    if (status != TORPOR_OK || state != TORPOR_PENDING) break;
    if (idle) return TORPOR_DEADLOCK;
  }
  if (status != TORPOR_OK || state != TORPOR_REJECTED) return status;
  if (program->code == CLI_EXIT_DONE)
    cli_report_error(program->vm, *value, &program->sources);
  program->code = CLI_EXIT_THROWN;
  return TORPOR_OK;
}

static bool is_function(torpor_vm *vm, torpor_value value) {
  torpor_brand brand;
  return torpor_value_brand(vm, value, &brand) == TORPOR_OK &&
         (brand == TORPOR_BRAND_FUNCTION ||
          brand == TORPOR_BRAND_ASYNC_FUNCTION);
}

/* Names the function that the module exports as 'main'. */
static int name_main(struct program *program, torpor_value module,
                     torpor_token *token) {
  torpor_value function;
  torpor_status status = torpor_get(program->vm, module, "main", &function);
  if (status == TORPOR_OK && !is_function(program->vm, function)) {
    cli_complain(
        "a program that is built with --snapshot exports a function "
        "'main', which is called when it wakes; this one does not");
    return CLI_EXIT_FILE;
  }
  if (status == TORPOR_OK)
    status = torpor_token_add(program->vm, function, token);
  return conclude(program, status);
}

static int sleep_program(struct program *program, torpor_bytes *snapshot,
                         torpor_token *token) {
  torpor_value promise, module;
  int code = start_main(program, &promise);
  if (code != CLI_EXIT_DONE) return code;
  code = conclude(program, settle(program, promise, &module));
  if (code == CLI_EXIT_DONE && program->exited) {
    cli_complain(
        "the program ended itself while it was built: nothing is "
        "left to be kept asleep");
    code = CLI_EXIT_FILE;
  }
  if (code == CLI_EXIT_DONE) code = name_main(program, module, token);
  if (code != CLI_EXIT_DONE) return code;
  torpor_loop_detach(program->loop, program->vm);
  /* As it is: waking is twice as fast as from what is compressed. */
  return conclude(program, torpor_snapshot_save(program->vm, snapshot));
}

/* ---- From beginning to end -----------------------------------------------*/

/* Opens what the program needs; 'source': of its file. */
static int open_program(struct program *program, torpor_bytes *source) {
  const struct cli_sandbox *sandbox = program->settings->sandbox;
  int code = cli_trust(sandbox->ca);
  if (code == CLI_EXIT_DONE)
    code = cli_sandbox_access(sandbox, &program->access);
  if (code == CLI_EXIT_DONE) code = open_source(program, source);
  if (code == CLI_EXIT_DONE) code = open_vm(program);
  if (code == CLI_EXIT_DONE) code = open_loop(program);
  return code;
}

int cli_program_sleep(const struct cli_program_settings *settings,
                      torpor_bytes *snapshot, torpor_token *token) {
  struct program program = {.settings = settings};
  torpor_bytes source = {0};
  int code = open_program(&program, &source);
  if (code == CLI_EXIT_DONE) code = sleep_program(&program, snapshot, token);
  close_program(&program);
  return code;
}

int cli_program_run(const struct cli_program_settings *settings) {
  struct program program = {.settings = settings};
  torpor_bytes source = {0};
  int code = open_program(&program, &source);
  if (code == CLI_EXIT_DONE)
    code = settings->bundle != NULL ? run_bundle(&program)
                                    : evaluate(&program, &source);
  int signal = program.loop == NULL ? 0 : torpor_loop_signal(program.loop);
  torpor_bytes_free(&source);
  close_program(&program);
  if (signal != 0 && cli_output_flush()) raise(signal);
  return code;
}
