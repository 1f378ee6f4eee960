/* SPDX-License-Identifier: MIT */
/* torpor-extension.h - what an extension includes: C code inside a VM.
 *
 * An extension is a WebAssembly side module. It lives in the memory of the VM
 * that loads it, calls the engine's own C interface (QuickJS-NG's quickjs.h,
 * which this header includes) and adds classes, functions and globals. What it
 * makes sleeps and wakes with the VM.
 *
 *   #include <torpor-extension.h>
 *
 *   TORPOR_EXTENSION("answer", "1.0")
 *
 *   static JSValue answer(JSContext *ctx, JSValueConst self, int count,
 *                         JSValueConst *args) {
 *     return JS_NewInt32(ctx, 42);
 *   }
 *
 *   TORPOR_EXTENSION_INIT(answer) {
 *     JSValue global = JS_GetGlobalObject(ctx);
 *     int done = JS_SetPropertyStr(ctx, global, "answer",
 *                                  JS_NewCFunction(ctx, answer, "answer", 0));
 *     JS_FreeValue(ctx, global);
 *     return done < 0 ? -1 : 0;
 *   }
 *
 * 'torpor extension build' makes answer.wasm of it; docs/extensions.md tells
 * the rest. Code that includes quickjs.h alone works as well, when it has
 * a function int qjs_ext_answer_init(JSContext *, JSRuntime *).
 *
 * Which functions there are: torpor/extension-functions.h. What else an
 * extension uses of the C library is linked into it. */
#ifndef TORPOR_EXTENSION_H
#define TORPOR_EXTENSION_H

#include "quickjs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the interface that an extension is compiled for. A VM loads
 * extensions for its own version and for older ones. */
#define TORPOR_EXTENSION_INTERFACE 1

#define TORPOR_EXTENSION__TEXT_OF(text) #text
#define TORPOR_EXTENSION__TEXT(text) TORPOR_EXTENSION__TEXT_OF(text)

/* Says what the module is, in a section that hosts read before they load it.
 * 'name' and 'version' are string literals; the name has small letters, digits
 * and '-', the version is shown and never compared. */
#define TORPOR_EXTENSION(name, version)                                        \
  __asm__(".section .custom_section.torpor.extension,\"\",@\n"                 \
          ".ascii \"interface=" TORPOR_EXTENSION__TEXT(                        \
              TORPOR_EXTENSION_INTERFACE) "\\n"                                \
          "name=" name "\\n"                                                   \
          "version=" version "\\n\"\n"                                         \
          ".text\n");

#ifdef __cplusplus
#define TORPOR_EXTENSION__C extern "C"
#else
#define TORPOR_EXTENSION__C
#endif

/* Begins the function that is called once when a VM loads the extension, with
 * JSContext *ctx and JSRuntime *rt. Not 0: it failed, and loading throws what
 * is pending. 'name' is that of the extension with '_' for '-'. It is not
 * called when a VM wakes. */
#define TORPOR_EXTENSION_INIT(name)                                            \
  TORPOR_EXTENSION__C                                                          \
  __attribute__((visibility("default"), used)) int qjs_ext_##name##_init(      \
      JSContext *ctx, JSRuntime *rt);                                          \
  int qjs_ext_##name##_init(JSContext *ctx, JSRuntime *rt)

/* What instrumented code calls now and then, so that limits on fuel and time
 * hold inside its loops; code that is not instrumented may call it itself. Does
 * not return when the VM is to stop. */
void torpor_extension_poll(void);

#ifdef __cplusplus
}
#endif

#endif
