/* SPDX-License-Identifier: MIT */
/* native.c - a peer: QuickJS-NG compiled natively, with the same compiler as
 * the engine in the sandbox, as it was released (bench-native) or with our
 * patches (bench-patched).
 *
 *   bench-native program FILE
 *
 * Runs FILE once unmeasured and once measured, each time in a new runtime, and
 * prints the time in milliseconds, with what the program's last expression
 * gave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/probe.h"
#include "quickjs.h"

/* Runs the program; its result as text goes to 'check'. Returns how long it
 * took, in milliseconds. */
static double run_program(const char *source, size_t size, const char *file,
                          char *check, size_t check_size) {
  JSRuntime *runtime = JS_NewRuntime();
  JSContext *context = runtime == NULL ? NULL : JS_NewContext(runtime);
  if (context == NULL) probe_fail("out of memory");

  double start = probe_now();
  JSValue result = JS_Eval(context, source, size, file, JS_EVAL_TYPE_GLOBAL);
  double took = (probe_now() - start) / 1000;

  const char *text = JS_ToCString(context, result);
  if (JS_IsException(result) || text == NULL) probe_fail("%s threw", file);
  snprintf(check, check_size, "%s", text);
  JS_FreeCString(context, text);
  JS_FreeValue(context, result);
  JS_FreeContext(context);
  JS_FreeRuntime(runtime);
  return took;
}

int main(int count, char **args) {
  if (count != 3 || strcmp(args[1], "program") != 0)
    probe_fail("usage: bench-native program FILE");
  size_t size;
  char *source = probe_read(args[2], &size);
  char check[128];
  run_program(source, size, args[2], check, sizeof check);
  struct probe probe = {0};
  probe_add(&probe, run_program(source, size, args[2], check, sizeof check));
  free(source);
  return probe_print(&probe, "ms", check, JS_GetVersion());
}
