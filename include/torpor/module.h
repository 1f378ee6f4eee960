/* SPDX-License-Identifier: MIT */
/* module.h - running scripts and modules, and where modules come from. Included
 * by torpor.h. */
#ifndef TORPOR_PUBLIC_MODULE_H
#define TORPOR_PUBLIC_MODULE_H

#include "function.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Running code --------------------------------------------------------*/

typedef enum torpor_mode {
  TORPOR_SCRIPT, /* a script; the result is its completion value */
  TORPOR_MODULE, /* an ES module; the result is a promise of its namespace, to
                    be awaited or given to torpor_promise_handle */
} torpor_mode;

/* Evaluates 'source': UTF-8 of 'size' bytes, or of any size that ends with a
 * zero byte when 'size' is SIZE_MAX; at most TORPOR_SOURCE_LARGEST. 'file'
 * names it in stack traces, and its relative imports are resolved against it.
 * What a module imports is asked of the host (below); it is evaluated when all
 * of that is there, which may be after this returned.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_eval(torpor_vm *vm, const char *source,
                                     size_t size, const char *file,
                                     torpor_mode mode, torpor_value *out);
#define TORPOR_SOURCE_LARGEST ((size_t)256 << 20)

/* How code is evaluated. */
typedef struct torpor_eval_options {
  size_t size;      /* sizeof(torpor_eval_options) */
  const char *file; /* NULL: "<eval>" */
  uint32_t line;    /* the number of its first line; 0 counts as 1 */
  torpor_mode mode;
  bool strict;  /* a script in strict mode, even if it does not say so */
  bool async;   /* a script may use await; the result is a promise of its value,
                  and what it declares is its own */
  bool strip;   /* torpor_compile: leave out what stack traces and
                  Function.prototype.toString need */
  bool barrier; /* stacks of errors end with this code: what called it is not
                   shown */
} torpor_eval_options;
#define TORPOR_EVAL_OPTIONS_INIT TORPOR_INIT(torpor_eval_options)

/* torpor_eval with options, which may be NULL. 'size' SIZE_MAX: the source ends
 * with a zero byte.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_eval_with(torpor_vm *vm, const char *source,
                                          size_t size,
                                          const torpor_eval_options *options,
                                          torpor_value *out);

/* ---- Bytecode ------------------------------------------------------------*/

/* Compiles 'source' without running it, for torpor_bytecode_run: saves the
 * compiler's time where the same code is run in many VMs. What a module imports
 * is no part of it.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_compile(torpor_vm *vm, const char *source,
                                        size_t size,
                                        const torpor_eval_options *options,
                                        torpor_bytes *out);

/* Runs what torpor_compile gave, in any VM of the same engine, as
 * torpor_eval_with would have run the source. TORPOR_FORMAT: not bytecode;
 * TORPOR_NEWER, TORPOR_ENGINE: of another version of Torpor, of another engine;
 * TORPOR_CHECKSUM: the bytes were altered. The checksum finds accidents. Bytes
 * that somebody made on purpose can do to this VM whatever they like, and
 * nothing outside of it.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_bytecode_run(torpor_vm *vm, const void *data,
                                             size_t size, torpor_value *out);

/* ---- Where modules come from ---------------------------------------------*/

/* An import names a module. torpor_options.resolve says which one is meant;
 * without it, "./a.js" and "../a.js" are resolved against the importer's name
 * as paths, within the root of a URL ("https://host"), and other names stay as
 * they are. Then it is one of these:
 *
 *   "torpor:..."      the library's
 *   made by the host  torpor_module_new, torpor_module_add
 *   any other         torpor_options.module gives its source
 *
 * A source is asked for once for each name and type, and kept. One that failed
 * is asked for again when it is imported again. import.meta has 'url' (the
 * name; for a name that begins with a slash its file: URL), 'main' (true in a
 * module that the host ran) and 'resolve(specifier)', which gives a url. */

/* What a source is taken as, which the import attribute 'type' says. The same
 * name may be imported as several types: each is a module of its own. All but
 * CODE have one export, the default. */
typedef enum torpor_module_type {
  TORPOR_MODULE_CODE,  /* without attribute: an ES module */
  TORPOR_MODULE_JSON,  /* "json": what the text says, as JSON.parse gives it */
  TORPOR_MODULE_TEXT,  /* "text": a string */
  TORPOR_MODULE_BYTES, /* "bytes": a Uint8Array that cannot be changed */
} torpor_module_type;

/* A module whose source is wanted. */
struct torpor_module_request {
  size_t size;          /* of this struct in the library */
  const char *name;     /* resolved */
  const char *importer; /* of the first that wants it; "" if nobody */
  torpor_module_type type;
};

/* What a callback answers. It is zero when it is called, but for 'size'. */
struct torpor_module_answer {
  size_t size;       /* of this struct in the library */
  torpor_bytes text; /* module: the source. resolve: the name; empty: by the
                        rules above. From malloc; the VM frees it */
  char *message; /* the host's own words why there is none; from malloc, the VM
                        frees it */
  bool later;    /* module: it comes later */
  bool compiled; /* module: 'text' is what torpor_compile made of an ES module,
                    whose 'file' was the request's name */
};

/* The callbacks return TORPOR_OK with 'text', or with 'later' set; or why there
 * is no module, such as TORPOR_NOT_FOUND or TORPOR_DENIED: then the program
 * sees a ReferenceError with the name of the status as 'code', which says the
 * message, the module's name and who imports it.
 *
 * Later means: the program waits for an operation of kind "module" with the
 * request {name, type, importer}, type being "javascript", "json", "text" or
 * "bytes". Settle it with a string or bytes, or reject it. It may sleep
 * meanwhile. */

/* Answers with a copy of 'size' bytes. In a callback:
 * return torpor_module_give(answer, data, size);
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_module_give(torpor_module_answer *answer,
                                            const void *data, size_t size);
/* Answers 'status', which is not TORPOR_OK, with a message as of printf.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_module_refuse(torpor_module_answer *answer,
                                              torpor_status status,
                                              const char *format, ...)
    TORPOR_PRINTF(3, 4);
/* Answers with a copy of what torpor_compile made of an ES module. The name
 * that was its 'file' then must be the request's, whose type must be CODE; what
 * it imports is asked for in its turn. torpor_bytecode_run says which errors
 * the program is told otherwise. What comes later cannot be bytecode.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_module_give_compiled(
    torpor_module_answer *answer, const void *data, size_t size);
/* A function for torpor_options.module, which answers each request later.
 * [fails] [any thread] */
TORPOR_API torpor_status
torpor_module_later(void *user, const torpor_module_request *request,
                    torpor_module_answer *answer);

/* ---- Modules made by the host --------------------------------------------*/

/* Makes 'object' a module: its own enumerable properties, as they are when it
 * is first imported, are the exports. It belongs to the VM and sleeps with it.
 * TORPOR_EXISTS: there is a module of that name. TORPOR_WRONG_TYPE: 'object' is
 * none, or a proxy. 'name' does not begin with "torpor:".
 * [fails] [throws] */
TORPOR_API torpor_status torpor_module_new(torpor_vm *vm, const char *name,
                                           torpor_value object);

/* An export: a function of the host, or a value. */
typedef struct torpor_module_export {
  const char *name;
  torpor_host_fn function; /* NULL: 'value' counts */
  int length;
  void *user;
  torpor_value value;
} torpor_module_export;

/* Makes a module of 'count' exports. The functions are bound under the names
 * "MODULE.EXPORT". In a VM that has the module already, as one that was
 * restored, they are bound and nothing else happens.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_module_add(torpor_vm *vm, const char *name,
                                           const torpor_module_export *exports,
                                           size_t count);

#ifdef __cplusplus
}
#endif

#endif
