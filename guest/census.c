/* SPDX-License-Identifier: MIT */
/* census.c - what the heap is used for: sizes of things, by class.
 *
 * A thing's size is that of the blocks that are its own: an object with its
 * properties, elements, entries or bytes, but without what these refer to.
 * Objects are counted by their constructor, which is what a program means by a
 * class, as far as that can be read without running anything.
 *
 *  (1) Each block counts once; what belongs to nothing that is known is
 *      "(other)". */

enum { CLASSES_MOST = 200, LARGEST_MOST = 20 };

/* What has no constructor is known by a number: a node_kind, one of these and
 * what the collector calls it, or one of these and the name of its class. */
enum { CENSUS_COLLECTED = 16, CENSUS_CLASS = 64 };

typedef struct census_class {
  uint64_t bytes;
  uint32_t count;
  uint32_t first; /* a node of the class */
} census_class;

typedef struct census {
  pointers keys; /* what identifies a class */
  census_class *classes;
  uint32_t classes_room;
  struct {
    uint32_t node;
    uint64_t bytes;
  } largest[LARGEST_MOST];
  uint32_t largest_count;
} census;

/* ---- Sizes ---------------------------------------------------------------*/

/* The size of the block that 'address' lies at the start of; 0: it is none. */
static size_t block_bytes(const void *address) {
  uint32_t number;
  if ((uintptr_t)address < heap_start()) return 0;
  number = torpor__page_of(address);
  if (number >= torpor__pages.top) return 0;
  switch (torpor__pages.table[number].kind) {
  case PAGE_SLAB:
  case PAGE_SLAB_REST:
  case PAGE_RUN:
  case PAGE_MIXED:
  case PAGE_MIXED_REST:
    return block_size(address);
  default:
    return 0;
  }
}

static size_t map_bytes(const JSMapState *map) {
  size_t bytes = block_bytes(map);
  const struct list_head *link;
  if (map == NULL) return 0;
  bytes += block_bytes(map->hash_table);
  list_for_each(link, &map->records) bytes +=
      block_bytes(list_entry(link, JSMapRecord, link));
  return bytes;
}

static size_t promise_bytes(const JSPromiseData *promise) {
  size_t bytes = block_bytes(promise);
  const struct list_head *link;
  for (int i = 0; promise != NULL && i < 2; i++)
    list_for_each(link, &promise->promise_reactions[i]) bytes +=
        block_bytes(list_entry(link, JSPromiseReactionData, link));
  return bytes;
}

static size_t buffer_bytes(const JSArrayBuffer *buffer) {
  if (buffer == NULL) return 0;
  return block_bytes(buffer) + block_bytes(buffer->data);
}

static size_t generator_bytes(const JSGeneratorData *data) {
  if (data == NULL) return 0;
  return block_bytes(data) + block_bytes(data->func_state.frame.arg_buf);
}

static size_t async_generator_bytes(const JSAsyncGeneratorData *data) {
  if (data == NULL) return 0;
  return block_bytes(data) + block_bytes(data->func_state.frame.arg_buf);
}

/* Whether all that an object of this class has is one block. */
static bool class_is_one_block(JSClassID class) {
  switch (class) {
  case JS_CLASS_BOUND_FUNCTION:
  case JS_CLASS_C_FUNCTION_DATA:
  case JS_CLASS_FOR_IN_ITERATOR:
  case JS_CLASS_MAP_ITERATOR:
  case JS_CLASS_SET_ITERATOR:
  case JS_CLASS_ARRAY_ITERATOR:
  case JS_CLASS_STRING_ITERATOR:
  case JS_CLASS_REGEXP_STRING_ITERATOR:
  case JS_CLASS_PROXY:
  case JS_CLASS_PROMISE_RESOLVE_FUNCTION:
  case JS_CLASS_PROMISE_REJECT_FUNCTION:
    return true;
  default:
    return false;
  }
}

/* What an object of its class has beside its properties. */
static size_t class_bytes(const JSObject *object) {
  switch (object->class_id) {
  case JS_CLASS_ARRAY:
  case JS_CLASS_ARGUMENTS:
  case JS_CLASS_MAPPED_ARGUMENTS:
    return object->fast_array ? block_bytes(object->u.array.u.values) : 0;
  case JS_CLASS_ARRAY_BUFFER:
  case JS_CLASS_SHARED_ARRAY_BUFFER:
    return buffer_bytes(object->u.array_buffer);
  case JS_CLASS_MAP:
  case JS_CLASS_SET:
  case JS_CLASS_WEAKMAP:
  case JS_CLASS_WEAKSET:
    return map_bytes(object->u.map_state);
  case JS_CLASS_PROMISE:
    return promise_bytes(object->u.promise_data);
  case JS_CLASS_GENERATOR:
    return generator_bytes(object->u.generator_data);
  case JS_CLASS_ASYNC_GENERATOR:
    return async_generator_bytes(object->u.async_generator_data);
  case JS_CLASS_REGEXP:
    return block_bytes(object->u.regexp.bytecode);
  default:
    break;
  }
  if (class_is_one_block(object->class_id) ||
      object->class_id == function_class || object->class_id == instance_class)
    return block_bytes(object->u.opaque);
  if (js_class_has_bytecode(object->class_id))
    return block_bytes(object->u.func.var_refs);
  if (object->class_id >= JS_CLASS_UINT8C_ARRAY &&
      object->class_id <= JS_CLASS_DATAVIEW)
    return block_bytes(object->u.typed_array);
  return 0;
}

static size_t collected_bytes(const void *address) {
  const JSObject *object = address;
  const JSFunctionBytecode *code = address;
  const JSAsyncFunctionData *async = address;
  size_t bytes = block_bytes(address);
  switch (JS_GC_TYPE(address)) {
  case JS_GC_OBJ_TYPE_JS_OBJECT:
    return bytes + block_bytes(object->prop) + class_bytes(object);
  case JS_GC_OBJ_TYPE_FUNCTION_BYTECODE:
    return bytes + block_bytes(code->pc2line_buf) + block_bytes(code->source);
  case JS_GC_OBJ_TYPE_ASYNC_FUNCTION:
    if (!async->is_active) return bytes;
    return bytes + block_bytes(async->func_state.frame.arg_buf);
  case JS_GC_OBJ_TYPE_JS_CONTEXT:
    return bytes + block_bytes(torpor__ctx->class_proto);
  default:
    return bytes;
  }
}

static size_t node_bytes(const void *node) {
  if (node_kind(node) == NODE_OBJECT)
    return collected_bytes(node_address(node));
  return block_bytes(node_address(node));
}

/* ---- Classes -------------------------------------------------------------*/

static bool node_is_object(const void *node) {
  return node_kind(node) == NODE_OBJECT &&
         JS_GC_TYPE(node) == JS_GC_OBJ_TYPE_JS_OBJECT;
}

/* The value of an own property that is plain data, else undefined. */
static JSValueConst plain_property(JSObject *object, JSAtom name) {
  JSProperty *property;
  JSShapeProperty *found = find_own_property(&property, object, name);
  if (found == NULL || (found->flags & JS_PROP_TMASK) != JS_PROP_NORMAL)
    return JS_UNDEFINED;
  return property->u.value;
}

/* What made 'object': its prototype's constructor, which plain objects may
 * also inherit. NULL: that is not known, or its class says it better. */
static JSObject *object_constructor(JSObject *object) {
  JSObject *proto = object->shape->proto;
  int depth = object->class_id == JS_CLASS_OBJECT ? 8 : 1;
  if (object->class_id == JS_CLASS_PROXY ||
      JS_IsFunction(torpor__ctx, JS_MKPTR(JS_TAG_OBJECT, object)))
    return NULL;
  for (; proto != NULL && depth > 0; depth--, proto = proto->shape->proto) {
    JSValueConst constructor = plain_property(proto, JS_ATOM_constructor);
    if (JS_IsObject(constructor)) return JS_VALUE_GET_OBJ(constructor);
  }
  return NULL;
}

/* What identifies the class of a node: a constructor, or a small number. */
static const void *class_key(const void *node) {
  JSObject *object = (JSObject *)(uintptr_t)node, *constructor;
  uintptr_t number = node_kind(node);
  if (node_is_object(node)) {
    constructor = object_constructor(object);
    if (constructor != NULL) return constructor;
    number = CENSUS_CLASS +
             (object->class_id == JS_CLASS_PROXY
                  ? 0
                  : torpor__rt->class_array[object->class_id].class_name);
  } else if (number == NODE_OBJECT) {
    number = CENSUS_COLLECTED + JS_GC_TYPE(node);
  }
  return (void *)(number << 3);
}

static const char *other_class(const void *node) {
  static const char *const kinds[NODE_KINDS] = {
      [NODE_STRING] = "(string)",
      [NODE_ROPE] = "(string)",
      [NODE_BIGINT] = "(bigint)",
  };
  if (node_kind(node) != NODE_OBJECT) return kinds[node_kind(node)];
  switch (JS_GC_TYPE(node)) {
  case JS_GC_OBJ_TYPE_FUNCTION_BYTECODE:
    return "(code)";
  case JS_GC_OBJ_TYPE_VAR_REF:
    return "(variable)";
  case JS_GC_OBJ_TYPE_ASYNC_FUNCTION:
    return "(suspended)";
  case JS_GC_OBJ_TYPE_SHAPE:
    return "(shape)";
  default:
    return "(realm)";
  }
}

/* The name of the class of an object of JavaScript. */
static size_t object_class(JSObject *object, char *text) {
  JSObject *constructor = object_constructor(object);
  const char *ours = "(anonymous)";
  JSValueConst name = JS_UNDEFINED;
  if (constructor != NULL) {
    name = plain_property(constructor, JS_ATOM_name);
    if (JS_VALUE_GET_TAG(name) == JS_TAG_STRING)
      return report_utf8(JS_VALUE_GET_STRING(name), text, REPORT_TEXT_BYTES);
  } else if (object->class_id == JS_CLASS_PROXY) {
    ours = "Proxy";
  } else if (object->class_id == JS_CLASS_OBJECT) {
    ours = "(no constructor)";
  } else {
    return report_atom(torpor__rt->class_array[object->class_id].class_name,
                       text);
  }
  return (size_t)snprintf(text, REPORT_TEXT_BYTES, "%s", ours);
}

/* Writes the name of the class of 'node'. */
static void class_write(DynBuf *out, const void *node) {
  char text[REPORT_TEXT_BYTES];
  report_literal(out, "class");
  if (node_is_object(node))
    report_text(out, text, object_class((JSObject *)(uintptr_t)node, text));
  else
    report_literal(out, other_class(node));
}

/* ---- Counting ------------------------------------------------------------*/

static census_class *census_class_of(census *all, const void *node) {
  const void *key = class_key(node);
  if (!pointers_add(&all->keys, key)) return NULL;
  if (all->classes_room < all->keys.room) {
    uint32_t old = all->classes_room, room = all->keys.room;
    census_class *larger = realloc(all->classes, room * sizeof(*larger));
    if (larger == NULL) return NULL;
    memset(larger + old, 0, (room - old) * sizeof(*larger));
    all->classes = larger;
    all->classes_room = room;
  }
  return &all->classes[pointers_find(&all->keys, key)];
}

/* Keeps the largest, those found first before others of their size. */
static void census_rank(census *all, uint32_t number, uint64_t bytes) {
  uint32_t place = all->largest_count;
  while (place > 0 && all->largest[place - 1].bytes < bytes) place--;
  if (place == LARGEST_MOST) return;
  if (all->largest_count < LARGEST_MOST) all->largest_count++;
  for (uint32_t i = all->largest_count - 1; i > place; i--)
    all->largest[i] = all->largest[i - 1];
  all->largest[place].node = number;
  all->largest[place].bytes = bytes;
}

static bool is_library(const JSFunctionBytecode *code) {
  char file[REPORT_TEXT_BYTES];
  size_t size = report_atom(code->filename, file);
  return size > 7 && memcmp(file, "torpor:", 7) == 0;
}

/* Whether a node is to be among the largest: not what the engine keeps for
 * itself, nor the code of the library. */
static bool is_ranked(const void *node) {
  if (node_kind(node) != NODE_OBJECT) return true;
  switch (JS_GC_TYPE(node)) {
  case JS_GC_OBJ_TYPE_SHAPE:
  case JS_GC_OBJ_TYPE_JS_CONTEXT:
    return false;
  case JS_GC_OBJ_TYPE_FUNCTION_BYTECODE:
    return !is_library(node);
  default:
    return true;
  }
}

/* False: no memory. */
static bool census_take(census *all, const holders *from) {
  *all = (census){0};
  for (uint32_t i = 0; i < from->nodes.count; i++) {
    const void *node = from->nodes.items[i];
    uint64_t bytes = node_bytes(node);
    census_class *class = census_class_of(all, node);
    if (class == NULL) return false;
    if (class->count++ == 0) class->first = i;
    class->bytes += bytes;
    if (is_ranked(node)) census_rank(all, i, bytes);
  }
  return true;
}

static void census_free(census *all) {
  pointers_free(&all->keys);
  free(all->classes);
}

/* ---- Writing -------------------------------------------------------------*/

/* The class with the most bytes that was not written yet. */
static census_class *census_next(census *all) {
  census_class *next = NULL;
  for (uint32_t i = 0; i < all->keys.count; i++) {
    census_class *class = &all->classes[i];
    if (class->count > 0 && (next == NULL || class->bytes > next->bytes))
      next = class;
  }
  return next;
}

/* The names of properties, symbols and variables. */
static uint64_t names_bytes(uint32_t *count) {
  uint64_t bytes =
      block_bytes(torpor__rt->atom_array) + block_bytes(torpor__rt->atom_hash);
  *count = 0;
  for (int i = 0; i < torpor__rt->atom_size; i++) {
    if (atom_is_free(torpor__rt->atom_array[i])) continue;
    bytes += block_bytes(torpor__rt->atom_array[i]);
    ++*count;
  }
  return bytes;
}

static void class_write_named(DynBuf *out, const char *name, uint32_t count,
                              uint64_t bytes) {
  report_head(out, CBOR_MAP, 3);
  report_literal(out, "class");
  report_literal(out, name);
  report_number(out, "count", count);
  report_number(out, "bytes", bytes);
}

/* Writes the classes by size, and what is left of 'used' bytes. */
static void census_write_classes(census *all, const holders *from, DynBuf *out,
                                 uint64_t used) {
  uint32_t count = all->keys.count, names;
  uint64_t written = names_bytes(&names), of_names = written;
  if (count > CLASSES_MOST - 2) count = CLASSES_MOST - 2;
  report_head(out, CBOR_ARRAY, count + 2);
  for (uint32_t i = 0; i < count; i++) {
    census_class *class = census_next(all);
    report_head(out, CBOR_MAP, 3);
    class_write(out, from->nodes.items[class->first]);
    report_number(out, "count", class->count);
    report_number(out, "bytes", class->bytes);
    written += class->bytes;
    class->count = 0;
  }
  class_write_named(out, "(name)", names, of_names);
  class_write_named(out, "(other)", 0, used > written ? used - written : 0);
}

static void largest_write(const census *all, const holders *from, DynBuf *out) {
  report_head(out, CBOR_ARRAY, all->largest_count);
  for (uint32_t i = 0; i < all->largest_count; i++) {
    uint32_t number = all->largest[i].node;
    const void *node = from->nodes.items[number];
    char name[REPORT_TEXT_BYTES];
    size_t size = 0;
    if (node_is_object(node) &&
        js_class_has_bytecode(((JSObject *)node)->class_id))
      size = function_name((JSObject *)node, name);
    report_head(out, CBOR_MAP, size > 0 ? 4 : 3);
    class_write(out, node);
    if (size > 0) {
      report_literal(out, "name");
      report_text(out, name, size);
    }
    report_number(out, "bytes", all->largest[i].bytes);
    report_literal(out, "held_by");
    path_write(from, out, number);
  }
}
