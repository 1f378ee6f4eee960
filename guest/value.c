/* SPDX-License-Identifier: MIT */
/* value.c - values as the host sees them: numbers as they are, handles.
 *
 *   border value   0000..fff8  a double          fffc..ffff  handle:
 *   (bits 48..63)  fff9        undefined           bit  47     1: retained
 *                  fffa        null                bits 0..46  serial number
 *                  fffb        boolean
 *
 * Scoped handles are a stack, and a scope is a height of it. Retained handles
 * have a table of their own, in which those that were released leave holes.
 * Tokens name values for longer than the host lives: they are kept in ascending
 * order and never used twice.
 *
 *  (1) A serial number is never used twice, so a handle that has ended is never
 *      taken for another one. Both tables are in their order.
 *  (2) Both tables share one sequence of them, which belongs to the host, so
 *      that a snapshot does not depend on how many handles it made.
 *  (3) What lies behind the count is zero; the last slot is never a hole, and
 *      holes are closed when they are the majority.
 *  (4) While no handle lives, a table takes no space on the heap.
 *  (5) What entries give is scoped or retained, as host.retain says; an entry
 *      that fails in the end leaves none of it. */

#define HANDLE_RETAINED (UINT64_C(1) << 47)
#define HANDLE_SERIAL (HANDLE_RETAINED - 1)
#define HANDLE_BITS (HANDLE_RETAINED | HANDLE_SERIAL)
enum { HANDLE_FIRST = 32 /* slots before a table goes to the heap */ };

typedef struct handle {
  JSValue value; /* uninitialized: a hole */
  uint64_t serial;
} handle;

typedef struct handle_table {
  handle *slots;
  uint32_t count;    /* slots in use, and holes */
  uint32_t capacity; /* 0: 'slots' is 'first' */
  uint32_t live;
  handle first[HANDLE_FIRST];
} handle_table;

static handle_table scoped, retained;
static uint32_t scope_floor; /* what the running host function may not close */

static struct {
  struct token {
    JSValue value;
    torpor_token number;
  } *items;
  uint32_t count, capacity, last;
} tokens;

static handle *table_slots(handle_table *table) {
  return table->capacity ? table->slots : table->first;
}

static void holes_close(handle_table *table) {
  handle *slots = table_slots(table);
  uint32_t count = table->count, kept = 0;
  for (uint32_t i = 0; i < count; i++)
    if (!JS_IsUninitialized(slots[i].value)) slots[kept++] = slots[i];
  table->count = kept;
  memset(slots + kept, 0, (count - kept) * sizeof(*slots));
}

/* Makes room for one slot more. */
static bool table_grow(handle_table *table) {
  uint32_t old = table->capacity ? table->capacity : HANDLE_FIRST;
  handle *slots;
  if (table->count < old) return true;
  if (table->live < old - old / 8) {
    holes_close(table);
    return true;
  }
  if (old >= TORPOR_ABI_HANDLES) return false;
  slots = torpor_allocate(old * 2 * (uint32_t)sizeof(handle));
  if (slots == NULL) return false;
  memcpy(slots, table_slots(table), old * sizeof(handle));
  if (table->capacity)
    torpor_release(table->slots);
  else
    memset(table->first, 0, sizeof(table->first));
  table->slots = slots;
  table->capacity = old * 2;
  return true;
}

static void table_shrink(handle_table *table) {
  if (table->live != 0) return;
  if (table->capacity)
    torpor_release(table->slots);
  else
    memset(table->first, 0, sizeof(table->first));
  table->slots = NULL;
  table->count = table->capacity = 0;
}

static void handles_publish(void) {
  torpor_control.handles = scoped.live + retained.live;
}

static unsigned border_tag(int tag) {
  switch (tag) {
  case JS_TAG_STRING:
  case JS_TAG_STRING_ROPE:
    return TORPOR_TAG_STRING;
  case JS_TAG_SYMBOL:
    return TORPOR_TAG_SYMBOL;
  case JS_TAG_BIG_INT:
  case JS_TAG_SHORT_BIG_INT:
    return TORPOR_TAG_BIGINT;
  case JS_TAG_OBJECT:
    return TORPOR_TAG_OBJECT;
  default:
    return TORPOR_TAG_UNDEFINED;
  }
}

/* A number above all in 'table'; 0: there are no more. A copy of a VM that is
 * looked into has handles, but not the count of their host. */
static uint64_t serial_next(const handle_table *table, const handle *slots) {
  uint64_t *last = &torpor_control.host.generation;
  if (table->count > 0 && *last < slots[table->count - 1].serial)
    *last = slots[table->count - 1].serial;
  return *last < HANDLE_SERIAL ? ++*last : 0;
}

/* Puts 'value' into 'table'; takes the reference, also when there is no
 * memory. */
static bool handle_add(handle_table *table, JSValue value, uint64_t *out) {
  uint64_t serial = 0;
  handle *slots;
  if (table_grow(table)) {
    slots = table_slots(table);
    serial = serial_next(table, slots);
  }
  if (serial == 0) {
    JS_FreeValue(torpor__ctx, value);
    *out = torpor_undefined().bits;
    return false;
  }
  slots[table->count++] = (handle){value, serial};
  table->live++;
  handles_publish();
  *out = (uint64_t)border_tag(JS_VALUE_GET_TAG(value)) << 48 | serial;
  if (table == &retained) *out |= HANDLE_RETAINED;
  return true;
}

/* The border's form of 'value' if that is no handle. */
static inline bool border_plain(JSValueConst value, uint64_t *out) {
  int tag = JS_VALUE_GET_TAG(value);
  if (JS_TAG_IS_FLOAT64(tag))
    *out = torpor_number(JS_VALUE_GET_FLOAT64(value)).bits;
  else if (tag == JS_TAG_INT)
    *out = torpor_number(JS_VALUE_GET_INT(value)).bits;
  else if (tag == JS_TAG_BOOL)
    *out = torpor_boolean(JS_VALUE_GET_BOOL(value)).bits;
  else if (tag == JS_TAG_NULL)
    *out = torpor_null().bits;
  else if (border_tag(tag) == TORPOR_TAG_UNDEFINED)
    *out = torpor_undefined().bits;
  else
    return false;
  return true;
}

/* The border's form of 'value', whose reference it takes; a handle lies in
 * 'table'. False: no memory. */
static bool border_in(handle_table *table, JSValue value, uint64_t *out) {
  return border_plain(value, out) || handle_add(table, value, out);
}

/* The same for what a call of a host function is given, which is borrowed. */
static inline bool torpor__border_argument(JSValueConst value, uint64_t *out) {
  return border_plain(value, out) || handle_add(&scoped, js_dup(value), out);
}

/* The same for what an entry gives. */
static bool torpor__border(JSValue value, uint64_t *out) {
  if (!torpor_control.host.retain) return border_in(&scoped, value, out);
  if (!torpor__is_in_vain()) return border_in(&retained, value, out);
  JS_FreeValue(torpor__ctx, value);
  *out = torpor_undefined().bits;
  return true;
}

/* torpor__compare_fn */
static int handle_compare(const void *key, const void *item) {
  uint64_t serial = *(const uint64_t *)key;
  const handle *slot = item;
  return (serial > slot->serial) - (serial < slot->serial);
}

/* The slot of 'serial', or where it would be. Numbers ascend by one at least
 * from slot to slot, so it is not far from where it would be without gaps. */
static uint32_t handle_index(const handle_table *table, const handle *slots,
                             uint64_t serial) {
  uint32_t high = table->count, low = 0;
  uint64_t behind;
  if (high == 0 || serial > slots[high - 1].serial) return high;
  behind = slots[high - 1].serial - serial;
  if (behind < high) low = high - 1 - (uint32_t)behind;
  if (slots[low].serial == serial) return low;
  return low + (uint32_t)torpor__search(&serial, slots + low, high - low,
                                        sizeof(*slots), handle_compare);
}

/* The live slot that the lower 48 of 'bits' name, or NULL. */
static handle *handle_find_any(uint64_t bits) {
  handle_table *table = bits & HANDLE_RETAINED ? &retained : &scoped;
  handle *slots = table_slots(table);
  uint32_t index = handle_index(table, slots, bits & HANDLE_SERIAL);
  if (index == table->count || slots[index].serial != (bits & HANDLE_SERIAL) ||
      JS_IsUninitialized(slots[index].value))
    return NULL;
  return &slots[index];
}

/* The same, if the handle is of the kind that the upper bits say. */
static handle *handle_find(uint64_t bits) {
  handle *found = handle_find_any(bits);
  if (found == NULL) return NULL;
  return border_tag(JS_VALUE_GET_TAG(found->value)) == bits >> 48 ? found
                                                                  : NULL;
}

/* The engine's form of a border value that is no handle. */
static inline JSValue torpor__value_plain(uint64_t bits) {
  torpor_value value = {bits};
  if (torpor_value_type(value) == TORPOR_TYPE_NUMBER)
    return js_number(torpor_value_number(value));
  if (torpor_value_type(value) == TORPOR_TYPE_BOOLEAN) return js_bool(bits & 1);
  return bits >> 48 == TORPOR_TAG_NULL ? JS_NULL : JS_UNDEFINED;
}

static inline bool torpor__is_handle(uint64_t bits) {
  return bits >> 48 >= TORPOR_TAG_STRING;
}

/* The engine's form of a border value, borrowed from its handle. */
static torpor_status torpor__value(uint64_t bits, JSValue *out) {
  const handle *found;
  if (!torpor__is_handle(bits)) {
    *out = torpor__value_plain(bits);
    return TORPOR_OK;
  }
  found = handle_find(bits);
  *out = found ? found->value : JS_UNDEFINED;
  return found ? TORPOR_OK : TORPOR_STALE;
}

/* ---- Scopes --------------------------------------------------------------*/

static void scope_cut(uint32_t mark) {
  handle *slots = table_slots(&scoped);
  while (scoped.count > mark) {
    JSValue value = slots[--scoped.count].value;
    slots[scoped.count] = (handle){0};
    scoped.live--;
    JS_FreeValue(torpor__ctx, value);
  }
  table_shrink(&scoped);
  handles_publish();
}

EXPORT(torpor_scope_open)
uint32_t export_scope_open(void) {
  return scoped.count;
}

EXPORT(torpor_scope_close)
torpor_status export_scope_close(uint32_t mark) {
  if (mark > scoped.count || mark < scope_floor) return TORPOR_STALE;
  scope_cut(mark);
  torpor__publish();
  return TORPOR_OK;
}

/* The height that the handles up to number 'serial' have. */
static uint32_t scope_mark(uint64_t serial) {
  return handle_index(&scoped, table_slots(&scoped), serial + 1);
}

EXPORT(torpor_scope_end)
torpor_status export_scope_end(uint64_t serial) {
  return export_scope_close(scope_mark(serial));
}

/* A handle that leaves keeps its number: all below it have smaller ones. */
EXPORT(torpor_scope_leave)
torpor_status export_scope_leave(uint64_t bits, uint64_t serial) {
  handle *slots = table_slots(&scoped), *found = NULL, moved;
  uint32_t mark = scope_mark(serial);
  JSValue value;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  if (mark < scope_floor) return TORPOR_STALE;
  torpor_control.host.result[0] = bits;
  if (torpor__is_handle(bits) && !(bits & HANDLE_RETAINED))
    found = handle_find(bits);
  if (found && found >= slots + mark && torpor_control.host.retain) {
    if (!handle_add(&retained, js_dup(value), &torpor_control.host.result[0]))
      return TORPOR_LIMIT;
  } else if (found && found >= slots + mark) {
    moved = *found;
    *found = slots[mark];
    slots[mark++] = moved;
  }
  scope_cut(mark);
  torpor__publish();
  return TORPOR_OK;
}

/* The scope of a call to a host function, which cannot close those outside. */
typedef struct call_scope {
  uint32_t mark, floor;
} call_scope;

static call_scope torpor__scope_begin(void) {
  call_scope scope = {scoped.count, scope_floor};
  scope_floor = scope.mark;
  return scope;
}

static void torpor__scope_end(call_scope scope) {
  scope_floor = scope.floor;
  if (scoped.count > scope.mark) scope_cut(scope.mark);
}

/* ---- Retained handles ----------------------------------------------------*/

EXPORT(torpor_value_retain)
torpor_status export_value_retain(uint64_t bits) {
  JSValue value;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  torpor_control.host.result[0] = bits;
  if (border_tag(JS_VALUE_GET_TAG(value)) == TORPOR_TAG_UNDEFINED)
    return TORPOR_OK;
  return handle_add(&retained, js_dup(value), &torpor_control.host.result[0])
             ? TORPOR_OK
             : TORPOR_LIMIT;
}

/* Restores (3) after a slot became a hole. */
static void retained_trim(void) {
  handle *slots = table_slots(&retained);
  while (retained.count > 0 &&
         JS_IsUninitialized(slots[retained.count - 1].value))
    slots[--retained.count] = (handle){0};
  if (retained.count - retained.live > retained.live + HANDLE_FIRST)
    holes_close(&retained);
  table_shrink(&retained);
}

static void retained_end(handle *found) {
  JSValue value = found->value;
  found->value = JS_UNINITIALIZED;
  retained.live--;
  retained_trim();
  handles_publish();
  JS_FreeValue(torpor__ctx, value);
}

/* Immediates and scoped handles have nothing to release. */
EXPORT(torpor_value_release)
torpor_status export_value_release(uint64_t bits) {
  handle *found;
  if (bits >> 48 < TORPOR_TAG_STRING) return TORPOR_OK;
  found = handle_find(bits);
  if (found == NULL) return TORPOR_STALE;
  if (!(bits & HANDLE_RETAINED)) return TORPOR_OK;
  retained_end(found);
  torpor__publish();
  return TORPOR_OK;
}

/* Ends every handle: their host is gone. */
static void torpor__handles_release(void) {
  handle *slots = table_slots(&retained);
  scope_floor = 0;
  scope_cut(0);
  for (uint32_t i = 0; i < retained.count; i++) {
    JSValue value = slots[i].value;
    slots[i].value = JS_UNINITIALIZED;
    JS_FreeValue(torpor__ctx, value);
  }
  retained.live = 0;
  table_shrink(&retained);
  handles_publish();
}

/* ---- What is not wanted --------------------------------------------------*/

/* Ends a handle that nobody wants; a scoped one only if it is the newest, which
 * those below it are in no need of. */
static void handle_drop(uint64_t bits) {
  handle *found;
  if (bits >> 48 < TORPOR_TAG_STRING) return;
  found = handle_find(bits);
  if (found == NULL) return;
  if (bits & HANDLE_RETAINED)
    retained_end(found);
  else if (found == table_slots(&scoped) + scoped.count - 1 &&
           scoped.count > scope_floor)
    scope_cut(scoped.count - 1);
}

EXPORT(torpor_value_drop)
torpor_status export_value_drop(uint64_t bits) {
  handle_drop(bits);
  torpor__publish();
  return TORPOR_OK;
}

/* Gives 'count' values to the host at 'out', or none; takes the references. */
static torpor_status torpor__give_all(const JSValue *values, uint32_t count,
                                      uint64_t *out) {
  bool fits = true;
  for (uint32_t i = 0; i < count; i++)
    fits &= torpor__border(values[i], &out[i]);
  if (fits) return TORPOR_OK;
  while (count-- > 0) {
    handle_drop(out[count]);
    out[count] = torpor_undefined().bits;
  }
  return TORPOR_LIMIT;
}

/* ---- Tokens --------------------------------------------------------------*/

/* torpor__compare_fn */
static int token_compare(const void *key, const void *item) {
  torpor_token number = *(const torpor_token *)key;
  const struct token *token = item;
  return (number > token->number) - (number < token->number);
}

static struct token *token_find(torpor_token number) {
  return torpor__find(&number, tokens.items, tokens.count,
                      sizeof(*tokens.items), token_compare);
}

EXPORT(torpor_value_export)
torpor_status export_value_export(uint64_t bits) {
  JSValue value;
  torpor_status status = torpor__value(bits, &value);
  if (status) return status;
  if (tokens.last == UINT32_MAX) return TORPOR_LIMIT;
  if (js_resize_array(torpor__ctx, (void **)&tokens.items,
                      sizeof(tokens.items[0]), (int *)&tokens.capacity,
                      (int)tokens.count + 1))
    return torpor__thrown();
  tokens.items[tokens.count++] = (struct token){js_dup(value), ++tokens.last};
  return torpor__give_integer(tokens.last);
}

EXPORT(torpor_value_import)
torpor_status export_value_import(torpor_token number) {
  const struct token *found = token_find(number);
  if (found == NULL) return TORPOR_NOT_FOUND;
  return torpor__give(js_dup(found->value));
}

EXPORT(torpor_value_forget)
torpor_status export_value_forget(torpor_token number) {
  struct token *found = token_find(number);
  JSValue value;
  if (found == NULL) return TORPOR_NOT_FOUND;
  value = found->value;
  tokens.count--;
  memmove(
      found, found + 1,
      (size_t)((uint8_t *)(tokens.items + tokens.count) - (uint8_t *)found));
  memset(tokens.items + tokens.count, 0, sizeof(tokens.items[0]));
  JS_FreeValue(torpor__ctx, value);
  torpor__publish();
  return TORPOR_OK;
}
