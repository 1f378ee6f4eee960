/* SPDX-License-Identifier: MIT */
/* extension.c - native extensions: side modules that call the engine's C
 * interface.
 *
 * The host links them, since only it can make an instance of a module; here is
 * what it needs for that. Functions are given as indexes of the function table:
 * exporting each of them would make every instance of an engine slower to make.
 *
 *   torpor_extension_functions    what a side module imports, by number
 *   torpor_extension_memory       where its data goes; the host puts it there
 *   torpor_extension_start        its relocations, constructors and init
 *
 *  (1) All addresses come from this memory's heap and all indexes from the
 *      order of loading, so they are the same on every host. */
#include "torpor/extension-functions.h"

/* Called by code that counts its loops (as the engine's own polls, with the
 * same counter) when the counter has reached 0. C code cannot be unwound, so
 * what is to be interrupted traps. */
void torpor_extension_poll(void) {
  static const char text[] = "interrupted inside an extension";
  if (__js_poll_interrupts(torpor__ctx))
    torpor__host_trap(TORPOR_ABI_TRAP_INTERRUPTED, text, sizeof(text) - 1);
}

/* NULL: an older engine lacks it. */
#if QJS_VERSION_MAJOR == 0 && QJS_VERSION_MINOR < 17
#define JS_GetPropertyValue NULL
#define JS_NewPrivateSymbol NULL
#define JS_SetPropertyValue NULL
#endif

#define X(name) (void (*)(void)) name,
static void (*const extension_functions[])(void) = {
    TORPOR_EXTENSION_FUNCTIONS(X)};
#undef X
#undef JS_GetPropertyValue
#undef JS_NewPrivateSymbol
#undef JS_SetPropertyValue

EXPORT(torpor_extension_functions)
uint32_t torpor_extension_functions(void) {
  enum { COUNT = sizeof extension_functions / sizeof *extension_functions };
  uint64_t *result = torpor_control.host.result;
  result[0] = TORPOR_ABI_EXTENSION_INTERFACE;
  result[1] = COUNT;
  result[2] = (uint32_t)&torpor__ctx->interrupt_counter;
  return (uint32_t)extension_functions;
}

/* The block in front of aligned memory is forgotten: it is never freed. */
EXPORT(torpor_extension_memory)
torpor_status torpor_extension_memory(uint32_t size, uint32_t align) {
  uint32_t address = 0;
  torpor__enter();
  if (size != 0) {
    char *block = js_mallocz(torpor__ctx, (size_t)size + align - 1);
    if (block == NULL) return torpor__leave(torpor__thrown());
    address = ((uint32_t)block + align - 1) & ~(align - 1);
  }
  torpor_control.host.result[0] = address;
  return torpor__leave(TORPOR_OK);
}

EXPORT(torpor_extension_start)
torpor_status torpor_extension_start(uint32_t relocate, uint32_t construct,
                                     uint32_t init) {
  JSContext *ctx = torpor__ctx;
  int failed = 0;
  torpor__enter();
  if (relocate != 0) ((void (*)(void))relocate)();
  if (construct != 0) ((void (*)(void))construct)();
  if (init != 0)
    failed = ((int (*)(JSContext *, JSRuntime *))init)(ctx, torpor__rt);
  if (failed == 0) return torpor__leave(TORPOR_OK);
  if (!JS_HasException(ctx))
    JS_ThrowInternalError(ctx, "its init function gave %d", failed);
  return torpor__leave(torpor__thrown());
}
