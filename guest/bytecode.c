/* SPDX-License-Identifier: MIT */
/* bytecode.c - code that was compiled, as bytes, and running such bytes.
 *
 * The bytes are the engine's, for this very engine. It checks little of what it
 * reads: who gives other bytes than those that it wrote can damage this VM, and
 * nothing else. The host sees to it that the engine is the same and that the
 * bytes were not altered (vm/format/bytecode.c). */

/* Takes the module that was compiled last out of the list, with the empty ones
 * that were made for it and stand behind it. */
static void compiled_forget(JSModuleDef *module) {
  struct list_head *link = &module->link, *next;
  for (; link != &torpor__ctx->loaded_modules; link = next) {
    next = link->next;
    js_free_module_def(torpor__ctx, list_entry(link, JSModuleDef, link));
  }
}

/* Copies them out: what the engine allocates has a head before it, so that the
 * host cannot free it. */
static torpor_status bytes_give(uint8_t *bytes, size_t size) {
  uint8_t *place = torpor__text_place(size);
  if (place != NULL) memcpy(place, bytes, size);
  js_free(torpor__ctx, bytes);
  return place != NULL ? TORPOR_OK : TORPOR_LIMIT;
}

static torpor_status bytecode_compile(const char *source, uint32_t size,
                                      const char *file, uint32_t flags,
                                      uint32_t line) {
  JSContext *ctx = torpor__ctx;
  int write = JS_WRITE_OBJ_BYTECODE;
  JSValue compiled =
      source_compile(source, size, file, eval_flags(flags), line);
  uint8_t *bytes;
  size_t bytes_size;
  if (JS_IsException(compiled)) return torpor__thrown();
  if (flags & TORPOR_ABI_EVAL_STRIP)
    write |= JS_WRITE_OBJ_STRIP_SOURCE | JS_WRITE_OBJ_STRIP_DEBUG;
  bytes = JS_WriteObject(ctx, &bytes_size, compiled, write);
  JS_FreeValue(ctx, compiled);
  if (flags & TORPOR_ABI_EVAL_MODULE)
    compiled_forget(JS_VALUE_GET_PTR(compiled));
  return bytes ? bytes_give(bytes, bytes_size) : torpor__thrown();
}

/* (source address, size, file address, size, flags, line), text out. */
EXPORT(torpor_compile)
torpor_status export_compile(const char *source, uint32_t size,
                             const char *file, uint32_t file_size,
                             uint32_t flags, uint32_t line) {
  (void)file_size;
  torpor__enter();
  return torpor__leave_text(bytecode_compile(source, size, file, flags, line));
}

/* Reads a script or a module, as 'flags' say. */
static JSValue bytecode_read(const uint8_t *bytes, uint32_t size,
                             uint32_t flags) {
  bool module = flags & TORPOR_ABI_EVAL_MODULE;
  const struct list_head *last = modules_last();
  JSValue compiled =
      JS_ReadObject(torpor__ctx, bytes, size, JS_READ_OBJ_BYTECODE);
  if (JS_IsException(compiled)) {
    modules_cut(last);
    return compiled;
  }
  if (JS_VALUE_GET_TAG(compiled) ==
      (module ? JS_TAG_MODULE : JS_TAG_FUNCTION_BYTECODE)) {
    if (module) ((JSModuleDef *)JS_VALUE_GET_PTR(compiled))->resolved = true;
    return compiled;
  }
  JS_FreeValue(torpor__ctx, compiled);
  return JS_ThrowTypeError(torpor__ctx, "the bytes are no %s",
                           module ? "module" : "script");
}

static JSValue bytecode_run(const uint8_t *bytes, uint32_t size,
                            uint32_t flags) {
  JSValue compiled = bytecode_read(bytes, size, flags);
  return JS_IsException(compiled) ? compiled : compiled_run(compiled, flags);
}

EXPORT(torpor_bytecode_run)
torpor_status export_bytecode_run(const uint8_t *bytes, uint32_t size,
                                  uint32_t flags) {
  torpor__enter();
  return torpor__leave(torpor__give(bytecode_run(bytes, size, flags)));
}
