/* SPDX-License-Identifier: MIT */
/* trim.c - leaves out of the baseline what no program needs, at the bake.
 *
 * All of it would be in every engine file, and most of it in every VM. */

/* The library's texts, so that a program sees "[native code]", and where its
 * instructions stand in them: stack traces name its files without lines. */
static void trim_function(JSFunctionBytecode *function) {
  js_free(torpor__ctx, function->source);
  function->source = NULL;
  function->source_len = 0;
  js_free(torpor__ctx, function->pc2line_buf);
  function->pc2line_buf = NULL;
  function->pc2line_len = 0;
  function->line_num = function->col_num = 0;
}

static void trim_functions(void) {
  struct list_head *link;
  list_for_each(link, &torpor__rt->gc_obj_list) {
    JSGCObjectHeader *header = list_entry(link, JSGCObjectHeader, link);
    if (JS_GC_TYPE(header) == JS_GC_OBJ_TYPE_FUNCTION_BYTECODE)
      trim_function((JSFunctionBytecode *)header);
  }
}

/* The names that atoms were made of, which have them now. The compiler must
 * not know that they are constant. */
static void trim_names(void) {
  void *names = (void *)(uintptr_t)js_atom_init;
  __asm__("" : "+r"(names));
  memset(names, 0, sizeof(js_atom_init));
}

static void torpor__trim(void) {
  trim_functions();
  trim_names();
}
