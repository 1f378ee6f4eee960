/* SPDX-License-Identifier: MIT */
/* program-sleep.c - puts the program of a bundle to sleep where it has
 * evaluated its main module, so that an executable wakes it there. See
 * program-state.h. */
#include "cli/program/program-state.h"
#include "cli/text/output.h"

/* Turns the loop until 'promise' is settled and no job is left; what waits for
 * the outside goes on waiting. 'value': what it is settled with. */
static torpor_status settle(struct cli_program *program, torpor_value promise,
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
static int name_main(struct cli_program *program, torpor_value module,
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
  return cli_program_conclude(program, status);
}

static int sleep_program(struct cli_program *program, torpor_bytes *snapshot,
                         torpor_token *token) {
  torpor_value promise, module;
  int code = cli_program_start_main(program, &promise);
  if (code != CLI_EXIT_DONE) return code;
  code = cli_program_conclude(program, settle(program, promise, &module));
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
  return cli_program_conclude(program,
                              torpor_snapshot_save(program->vm, snapshot));
}

int cli_program_sleep(const struct cli_program_settings *settings,
                      torpor_bytes *snapshot, torpor_token *token) {
  struct cli_program program = {.settings = settings};
  torpor_bytes source = {0};
  int code = cli_program_open(&program, &source);
  if (code == CLI_EXIT_DONE) code = sleep_program(&program, snapshot, token);
  torpor_bytes_free(&source);
  cli_program_close(&program);
  return code;
}
