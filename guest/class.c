/* SPDX-License-Identifier: MIT */
/* class.c - making functions and classes of the host's, for the host.
 *
 * A class is made in steps: itself, its members one by one, and 'finish'. One
 * that was not finished is made anew the next time: so a failure half way
 * leaves nothing that a program could see.
 *
 * The constructor's name is that of the class; the host binds it like a
 * function. */

/* Names of symbols that a member may have. */
static const struct {
  const char *text;
  JSAtom atom;
} member_symbols[] = {
    {"[Symbol.asyncDispose]", JS_ATOM_Symbol_asyncDispose},
    {"[Symbol.asyncIterator]", JS_ATOM_Symbol_asyncIterator},
    {"[Symbol.dispose]", JS_ATOM_Symbol_dispose},
    {"[Symbol.hasInstance]", JS_ATOM_Symbol_hasInstance},
    {"[Symbol.iterator]", JS_ATOM_Symbol_iterator},
    {"[Symbol.toPrimitive]", JS_ATOM_Symbol_toPrimitive},
};

/* The key of a property; JS_ATOM_NULL: thrown. */
static JSAtom member_key(const char *text, uint32_t size) {
  for (size_t i = 0; i < countof(member_symbols); i++)
    if (strlen(member_symbols[i].text) == size &&
        memcmp(member_symbols[i].text, text, size) == 0)
      return JS_DupAtom(torpor__ctx, member_symbols[i].atom);
  return JS_NewAtomLen(torpor__ctx, text, size);
}

/* ---- Functions -----------------------------------------------------------*/

/* Sets 'function' as what 'from' says on 'target'; takes no reference. */
static bool function_place(const torpor_abi_function *from,
                           JSValueConst function, JSValueConst target) {
  JSContext *ctx = torpor__ctx;
  int flags = JS_PROP_HAS_CONFIGURABLE | JS_PROP_CONFIGURABLE |
              JS_PROP_HAS_ENUMERABLE | JS_PROP_THROW;
  JSAtom key =
      member_key((const char *)(uintptr_t)from->shown, from->shown_size);
  int done;
  if (key == JS_ATOM_NULL) return false;
  if (from->flags & TORPOR_ABI_FUNCTION_GETTER)
    done = JS_DefineProperty(ctx, target, key, JS_UNDEFINED, function,
                             JS_UNDEFINED, flags | JS_PROP_HAS_GET);
  else if (from->flags & TORPOR_ABI_FUNCTION_SETTER)
    done = JS_DefineProperty(ctx, target, key, JS_UNDEFINED, JS_UNDEFINED,
                             function, flags | JS_PROP_HAS_SET);
  else
    done = JS_DefineProperty(
        ctx, target, key, function, JS_UNDEFINED, JS_UNDEFINED,
        flags | JS_PROP_HAS_VALUE | JS_PROP_HAS_WRITABLE | JS_PROP_WRITABLE |
            (from->class ? 0 : JS_PROP_ENUMERABLE));
  JS_FreeAtom(ctx, key);
  return done >= 0;
}

static JSValue function_from(const torpor_abi_function *from,
                             JSValueConst captured) {
  const char *before = from->flags & TORPOR_ABI_FUNCTION_GETTER   ? "get "
                       : from->flags & TORPOR_ABI_FUNCTION_SETTER ? "set "
                                                                  : "";
  JSValue function =
      function_make((const char *)(uintptr_t)from->name, from->name_size,
                    captured, from->flags, from->class);
  if (JS_IsException(function)) return function;
  if (function_describe(function, before, (const char *)(uintptr_t)from->shown,
                        from->shown_size, from->length) &&
      (!(from->flags & TORPOR_ABI_FUNCTION_CONSTRUCTOR) ||
       function_add_prototype(function)))
    return function;
  JS_FreeValue(torpor__ctx, function);
  return JS_EXCEPTION;
}

/* What gets the function as a property. */
static torpor_status function_target(const torpor_abi_function *from,
                                     JSValue *out) {
  const host_class *class;
  if (from->class == 0) return torpor__value(from->target, out);
  if (from->class > classes.count) return TORPOR_NOT_FOUND;
  class = &classes.items[from->class - 1];
  *out = from->flags & TORPOR_ABI_FUNCTION_STATIC ? class->constructor
                                                  : class->prototype;
  return TORPOR_OK;
}

static torpor_status function_build(const torpor_abi_function *from) {
  JSValue captured, target, function;
  torpor_status status = torpor__value(from->captured, &captured);
  if (status == TORPOR_OK) status = function_target(from, &target);
  if (status) return status;
  if (!JS_IsUndefined(target) && !JS_IsObject(target)) return TORPOR_WRONG_TYPE;
  function = function_from(from, captured);
  if (JS_IsException(function)) return torpor__thrown();
  target = js_dup(target);
  if (JS_IsObject(target) && !function_place(from, function, target)) {
    JS_FreeValue(torpor__ctx, function);
    function = JS_EXCEPTION;
  }
  JS_FreeValue(torpor__ctx, target);
  return torpor__give(function);
}

/* A trap of a proxy may run. */
EXPORT(torpor_function_make)
torpor_status export_function_make(const torpor_abi_function *from) {
  torpor_abi_function copy = *from;
  torpor__enter();
  return torpor__leave(function_build(&copy));
}

/* ---- Classes -------------------------------------------------------------*/

/* The class's number; -1: thrown. Takes the references. */
static int64_t class_add(uint32_t name, JSValue prototype,
                         JSValue constructor) {
  JSContext *ctx = torpor__ctx;
  host_class *class = class_find(name);
  if (class) {
    JSValue before[] = {class->prototype, class->constructor};
    class->prototype = prototype;
    class->constructor = constructor;
    JS_FreeValue(ctx, before[0]);
    JS_FreeValue(ctx, before[1]);
    return class - classes.items;
  }
  if (js_resize_array(ctx, (void **)&classes.items, sizeof(*classes.items),
                      (int *)&classes.capacity, (int)classes.count + 1)) {
    JS_FreeValue(ctx, prototype);
    JS_FreeValue(ctx, constructor);
    return -1;
  }
  classes.items[classes.count] = (host_class){prototype, constructor, name, 0};
  return classes.count++;
}

/* The tag that Object.prototype.toString shows, and the constructor's names. */
static bool class_describe(JSValueConst prototype, JSValueConst constructor,
                           const char *name, uint32_t size, uint32_t length) {
  JSContext *ctx = torpor__ctx;
  const char *shown = name_shown(name, &size);
  JSValue tag = JS_NewStringLen(ctx, shown, size);
  if (JS_IsException(tag)) return false;
  JS_SetConstructorBit(ctx, constructor, true);
  return define_kept(prototype, JS_ATOM_Symbol_toStringTag, tag) >= 0 &&
         function_describe(constructor, "", shown, size, length) &&
         JS_SetConstructor2(ctx, constructor, prototype, 0,
                            JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) >= 0;
}

static int64_t class_build(const char *name, uint32_t size, uint32_t length) {
  JSContext *ctx = torpor__ctx;
  JSValue prototype = JS_NewObject(ctx), constructor = JS_EXCEPTION;
  host_function *function;
  int64_t number;
  if (!JS_IsException(prototype))
    constructor =
        function_make(name, size, JS_UNDEFINED, TORPOR_ABI_FUNCTION_CLASS, 0);
  if (JS_IsException(constructor) ||
      !class_describe(prototype, constructor, name, size, length)) {
    JS_FreeValue(ctx, prototype);
    JS_FreeValue(ctx, constructor);
    return -1;
  }
  function = function_of(constructor);
  number = class_add(function->index, prototype, constructor);
  if (number >= 0) function->class = (uint32_t)number + 1;
  return number;
}

static torpor_status class_give(uint32_t number) {
  uint64_t *result = torpor_control.host.result;
  const host_class *class = &classes.items[number];
  torpor_status status = torpor__give(js_dup(class->constructor));
  result[1] = number;
  result[2] = class->complete;
  return status;
}

static host_class *class_named(const char *name, uint32_t size) {
  int64_t index = name_find(name, size, name_hash(name, size));
  return index < 0 ? NULL : class_find((uint32_t)index);
}

EXPORT(torpor_class_find)
torpor_status export_class_find(const char *name, uint32_t size) {
  const host_class *class = class_named(name, size);
  if (class == NULL || !class->complete) return TORPOR_NOT_FOUND;
  return class_give((uint32_t)(class - classes.items));
}

EXPORT(torpor_class_make)
torpor_status export_class_make(const char *name, uint32_t size,
                                uint32_t length) {
  const host_class *class = class_named(name, size);
  int64_t number;
  if (class && class->complete)
    return class_give((uint32_t)(class - classes.items));
  number = class_build(name, size, length);
  if (torpor__made_in_part() || number < 0) return torpor__thrown();
  return class_give((uint32_t)number);
}

/* Makes 'class' a global, as the engine's own classes are. False: thrown. */
static bool class_publish(const host_class *class) {
  JSContext *ctx = torpor__ctx;
  uint32_t size = name_table()[class->name].size;
  const char *text = name_shown(name_text(class->name), &size);
  JSAtom key = JS_NewAtomLen(ctx, text, size);
  int done = -1;
  if (key != JS_ATOM_NULL)
    done = JS_DefinePropertyValue(
        ctx, ctx->global_obj, key, js_dup(class->constructor),
        JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE | JS_PROP_THROW);
  JS_FreeAtom(ctx, key);
  return done >= 0;
}

EXPORT(torpor_class_finish)
torpor_status export_class_finish(uint32_t number, uint32_t global) {
  if (number >= classes.count) return TORPOR_NOT_FOUND;
  if ((global && !class_publish(&classes.items[number])) ||
      torpor__made_in_part())
    return torpor__thrown();
  classes.items[number].complete = 1;
  return TORPOR_OK;
}

/* ---- Objects of them -----------------------------------------------------*/

EXPORT(torpor_instance_make)
torpor_status export_instance_make(uint64_t id, uint32_t number) {
  JSValue value;
  instance *made;
  torpor_status status;
  if (number >= classes.count || !classes.items[number].complete)
    return TORPOR_NOT_FOUND;
  value = instance_make(number, classes.items[number].prototype);
  if (torpor__made_in_part() || JS_IsException(value)) {
    JS_FreeValue(torpor__ctx, value);
    return torpor__thrown();
  }
  made = instance_of(value);
  made->id = id;
  made->complete = 1;
  torpor_control.host.result[1] = made->serial;
  status = torpor__give(js_dup(value));
  if (status == TORPOR_OK) made->known = 1;
  JS_FreeValue(torpor__ctx, value);
  return status;
}

EXPORT(torpor_instance_read)
torpor_status export_instance_read(uint64_t bits) {
  uint64_t *result = torpor_control.host.result;
  JSValue value;
  instance *found;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  found = instance_of(value);
  if (found == NULL || !found->complete) return TORPOR_WRONG_TYPE;
  found->known = 1;
  result[0] = found->serial;
  result[1] = found->id;
  result[2] = classes.items[found->class].name;
  return TORPOR_OK;
}

/* All live ones of a class. */
static JSValue instances_list(uint32_t number, uint32_t *count) {
  JSContext *ctx = torpor__ctx;
  JSValue list = JS_NewArray(ctx);
  struct list_head *link;
  *count = 0;
  if (JS_IsException(list)) return list;
  list_for_each(link, &torpor__rt->gc_obj_list) {
    JSGCObjectHeader *header = list_entry(link, JSGCObjectHeader, link);
    const instance *found;
    JSValue value;
    if (JS_GC_TYPE(header) != JS_GC_OBJ_TYPE_JS_OBJECT) continue;
    value = JS_MKPTR(JS_TAG_OBJECT, header);
    found = instance_of(value);
    if (found == NULL || !found->complete || found->class != number) continue;
    if (JS_DefinePropertyValueUint32(ctx, list, (*count)++, js_dup(value),
                                     JS_PROP_C_W_E) < 0) {
      JS_FreeValue(ctx, list);
      return JS_EXCEPTION;
    }
  }
  return list;
}

EXPORT(torpor_instance_list)
torpor_status export_instance_list(uint32_t number) {
  uint32_t count;
  torpor_status status;
  if (number >= classes.count) return TORPOR_NOT_FOUND;
  status = torpor__give_made(instances_list(number, &count));
  torpor_control.host.result[1] = count;
  return status;
}

/* ---- What was collected --------------------------------------------------*/

static uint32_t torpor__collected_count(void) {
  return names.waiting + instances.waiting;
}

EXPORT(torpor_collected_take)
torpor_status export_collected_take(void) {
  uint64_t *result = torpor_control.host.result;
  uint32_t index, size;
  instance *gone = instance_collect();
  torpor_status status = TORPOR_OK;
  if (gone) {
    result[0] = TORPOR_ABI_COLLECTED_INSTANCE;
    result[1] = gone->serial;
    js_free_rt(torpor__rt, gone);
  } else if (torpor__name_collect(&index, &size)) {
    result[0] = TORPOR_ABI_COLLECTED_NAME;
    result[1] = index;
    result[2] = (uint32_t)(uintptr_t)torpor_control.host.window;
    result[3] = size;
  } else {
    status = TORPOR_NOT_FOUND;
  }
  torpor__publish();
  return status;
}
