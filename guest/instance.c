/* SPDX-License-Identifier: MIT */
/* instance.c - objects of classes that the host defines.
 *
 * Such an object carries the number of its class and what the host gave it, 64
 * bits. It has a serial number as well, by which the host knows it in this VM
 * and its copies.
 *
 *   made ──> known to the host ──> complete ──> collected, waits for the host
 *     └──> gone
 *
 *  (1) The mark of these objects is the engine's class: a program cannot give
 *      it to another object, nor take it away. A proxy does not have it.
 *  (2) An object that is collected runs nothing. Its record is put into a
 *      queue, which takes no memory, and the host takes it from there.
 *  (3) Serial numbers ascend and are not used twice.
 *  (4) A class stays as long as its VM. */

typedef struct instance {
  uint64_t id; /* the host's */
  uint64_t serial;
  uint32_t class;        /* its number */
  uint16_t known;        /* 1: the host was asked about it */
  uint16_t complete;     /* 1: 'id' is set */
  struct instance *next; /* in the queue */
} instance;

typedef struct host_class {
  JSValue prototype, constructor;
  uint32_t name;     /* index of the constructor's name */
  uint32_t complete; /* 1: it has all its members */
} host_class;

static struct {
  host_class *items;
  uint32_t count, capacity;
} classes;

static struct {
  uint64_t last;         /* serial number */
  instance *first, *end; /* of the queue */
  uint32_t waiting;      /* in it */
} instances;

static JSClassID instance_class; /* the engine's, of all such objects */

/* NULL: 'value' is no such object. */
static instance *instance_of(JSValueConst value) {
  return JS_GetOpaque(value, instance_class);
}

static void instance_finalize(JSRuntime *rt, JSValueConst value) {
  instance *gone = instance_of(value);
  if (gone == NULL) return;
  if (!gone->known) {
    js_free_rt(rt, gone);
    return;
  }
  if (instances.end)
    instances.end->next = gone;
  else
    instances.first = gone;
  instances.end = gone;
  instances.waiting++;
}

/* The oldest of those that were collected, to be freed; or NULL. */
static instance *instance_collect(void) {
  instance *first = instances.first;
  if (first == NULL) return NULL;
  instances.first = first->next;
  if (instances.first == NULL) instances.end = NULL;
  instances.waiting--;
  return first;
}

/* An object of class number 'class', which the host does not know yet. */
static JSValue instance_make(uint32_t class, JSValueConst prototype) {
  JSContext *ctx = torpor__ctx;
  JSValue value = JS_NewObjectProtoClass(ctx, prototype, instance_class);
  instance *made;
  if (JS_IsException(value)) return value;
  made = js_malloc(ctx, sizeof(*made));
  if (made == NULL) {
    JS_FreeValue(ctx, value);
    return JS_EXCEPTION;
  }
  made->class = class;
  made->serial = ++instances.last;
  JS_SetOpaque(value, made);
  return value;
}

static bool torpor__instances_start(void) {
  static const JSClassDef definition = {
      "Object",
      .finalizer = instance_finalize,
  };
  JS_NewClassID(torpor__rt, &instance_class);
  return JS_NewClass(torpor__rt, instance_class, &definition) == 0;
}

/* ---- Classes -------------------------------------------------------------*/

/* The part of a name that JavaScript sees: what follows the last dot, if that
 * is not its end. */
static const char *name_shown(const char *name, uint32_t *size) {
  uint32_t start = *size;
  while (start > 0 && name[start - 1] != '.') start--;
  if (start == *size) return name;
  *size -= start;
  return name + start;
}

/* The name of class number 'class' as programs see it. */
static void class_name(uint32_t class, char *out, size_t room) {
  uint32_t index = classes.items[class].name, size;
  const char *text = name_text(index);
  size = name_table()[index].size;
  text = name_shown(text, &size);
  if (size >= room) size = (uint32_t)room - 1;
  memcpy(out, text, size);
  out[size] = 0;
}

/* The class whose constructor has the name with index 'name', or NULL. */
static host_class *class_find(uint32_t name) {
  for (uint32_t i = 0; i < classes.count; i++)
    if (classes.items[i].name == name) return &classes.items[i];
  return NULL;
}
