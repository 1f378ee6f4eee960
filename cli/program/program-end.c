/* SPDX-License-Identifier: MIT */
/* program-end.c - the end of a program. See program-state.h. */
#include <string.h>

#include "cli/program/program-state.h"
#include "cli/text/output.h"

torpor_status cli_program_finish(struct cli_program *program,
                                 torpor_value *value) {
  torpor_brand brand;
  torpor_status status = torpor_value_brand(program->vm, *value, &brand);
  if (status != TORPOR_OK) return status;
  if (brand == TORPOR_BRAND_PROMISE)
    return torpor_loop_finish(program->loop, program->vm, *value, value);
  return torpor_loop_run(program->loop);
}

/* Says what limit ended the program; what the library advises its callers to do
 * comes behind a semicolon and is of no use here. */
static void complain_limit(const struct cli_program *program) {
  const char *sentence = torpor_last_error(program->vm);
  cli_complain("%.*s; see --memory, --fuel and --deadline",
               (int)strcspn(sentence, ";"), sentence);
}

static void complain_deadlock(struct cli_program *program) {
  torpor_bytes places = {NULL, 0};
  bool known =
      torpor_vm_waiting(program->vm, &places) == TORPOR_OK && places.size > 0;
  cli_complain(
      "the program waits for a promise that nothing can settle any "
      "more: no timer, no file and no other operation is pending%s%s",
      known ? "; it waits at " : "", known ? (const char *)places.data : "");
  torpor_bytes_free(&places);
}

/* Whether it was a limit of time or work that broke the VM: in a built-in that
 * did not look, or in an extension, which cannot be unwound. */
static bool reached_limit(const struct cli_program *program) {
  return torpor_vm_timed_out(program->vm) ||
         (program->settings->sandbox->fuel > 0 &&
          torpor_vm_fuel(program->vm) == 0);
}

int cli_program_conclude(struct cli_program *program, torpor_status status) {
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
    return reached_limit(program) ? CLI_EXIT_INTERRUPTED : CLI_EXIT_TRAPPED;
  case TORPOR_DEADLOCK:
    complain_deadlock(program);
    return CLI_EXIT_DEADLOCK;
  default:
    cli_complain("%s", torpor_last_error(program->vm));
    return CLI_EXIT_HOST;
  }
}
