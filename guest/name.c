/* SPDX-License-Identifier: MIT */
/* name.c - the names of host functions, in control.functions.
 *
 * A JavaScript function that calls the host knows the index of a name. Each
 * name counts such functions; when the last one is gone the host is told, in
 * its own time (collected.c), and then the index is free for another name.
 *
 *   control.functions   | text, size | text, size | 0 | ...
 *   slots               | slot       | slot       |   | ...
 *   buckets             index + 1 of the first name with that hash
 *
 *  (1) A text is in the table once.
 *  (2) An index gets another name only after the host was told that it is free:
 *      until then the host may know it by the old one.
 *  (3) What is not in use is zero, but for the list of free indexes. When most
 *      of the table is free at its end it is cut. */

enum { NAMES_FIRST = 16 };

typedef struct name_slot {
  uint32_t references; /* functions that have the name */
  uint32_t hash;
  uint32_t next;   /* index + 1, of those with the same hash, or of free ones */
  uint32_t queued; /* index + 1 of the next that the host is to be told of */
  uint32_t waiting; /* 1: it is in that queue */
} name_slot;

static struct {
  name_slot *slots;
  uint32_t *buckets;
  uint32_t capacity;    /* of all three tables; a power of two */
  uint32_t live;        /* names */
  uint32_t unused;      /* the first free index + 1 */
  uint32_t first, last; /* of the queue; index + 1 */
  uint32_t waiting;     /* in the queue */
} names;

static torpor_abi_name *name_table(void) {
  return (torpor_abi_name *)(uintptr_t)torpor_control.functions;
}

static const char *name_text(uint32_t index) {
  return (const char *)(uintptr_t)name_table()[index].text;
}

/* FNV-1a. */
static uint32_t name_hash(const char *text, uint32_t size) {
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0; i < size; i++)
    hash = (hash ^ (uint8_t)text[i]) * 16777619u;
  return hash;
}

static uint32_t *name_bucket(uint32_t hash) {
  return &names.buckets[hash & (names.capacity - 1)];
}

/* The index of 'text', or -1. */
static int64_t name_find(const char *text, uint32_t size, uint32_t hash) {
  uint32_t at = names.capacity ? *name_bucket(hash) : 0;
  for (; at != 0; at = names.slots[at - 1].next) {
    uint32_t index = at - 1;
    if (names.slots[index].hash == hash && name_table()[index].size == size &&
        memcmp(name_text(index), text, size) == 0)
      return index;
  }
  return -1;
}

/* Puts all names into their buckets again, and lists the free indexes. */
static void names_arrange(void) {
  memset(names.buckets, 0, names.capacity * sizeof(*names.buckets));
  names.unused = 0;
  for (uint32_t i = torpor_control.function_count; i-- > 0;) {
    name_slot *slot = &names.slots[i];
    uint32_t *list =
        name_table()[i].text ? name_bucket(slot->hash) : &names.unused;
    slot->next = *list;
    *list = i + 1;
  }
}

/* Makes one of the tables 'count' long. False: no memory, it is as it was. */
static bool names_resize_one(void **table, uint32_t count, size_t size) {
  void *resized = js_realloc_rt(torpor__rt, *table, count * size);
  if (resized) *table = resized;
  return resized != NULL;
}

static bool names_resize(uint32_t capacity) {
  void *table = name_table(), *slots = names.slots, *buckets = names.buckets;
  bool fits = names_resize_one(&table, capacity, sizeof(torpor_abi_name));
  fits &= names_resize_one(&slots, capacity, sizeof(*names.slots));
  fits &= names_resize_one(&buckets, capacity, sizeof(*names.buckets));
  torpor_control.functions = (uint32_t)(uintptr_t)table;
  names.slots = slots;
  names.buckets = buckets;
  return fits;
}

/* False: thrown. */
static bool names_grow(void) {
  uint32_t capacity = names.capacity ? names.capacity * 2 : NAMES_FIRST;
  if (!names_resize(capacity)) {
    JS_ThrowOutOfMemory(torpor__ctx);
    return false;
  }
  names.capacity = capacity;
  names_arrange();
  return true;
}

/* An index that is free; -1: thrown. */
static int64_t name_place(void) {
  uint32_t index;
  if (names.unused == 0 && torpor_control.function_count == names.capacity &&
      !names_grow())
    return -1;
  if (names.unused == 0) return torpor_control.function_count++;
  index = names.unused - 1;
  names.unused = names.slots[index].next;
  names.slots[index].next = 0;
  return index;
}

static int64_t name_add(const char *text, uint32_t size, uint32_t hash) {
  char *copy = js_malloc(torpor__ctx, size ? size : 1);
  int64_t index = copy ? name_place() : -1;
  uint32_t *bucket;
  if (index < 0) {
    js_free(torpor__ctx, copy);
    return -1;
  }
  memcpy(copy, text, size);
  bucket = name_bucket(hash);
  name_table()[index] = (torpor_abi_name){(uint32_t)(uintptr_t)copy, size};
  names.slots[index] = (name_slot){.hash = hash, .next = *bucket};
  *bucket = (uint32_t)index + 1;
  names.live++;
  return index;
}

/* The host is told of 'index' when its turn comes. */
static void name_enqueue(uint32_t index) {
  name_slot *slot = &names.slots[index];
  if (slot->waiting) return;
  slot->waiting = 1;
  if (names.last)
    names.slots[names.last - 1].queued = index + 1;
  else
    names.first = index + 1;
  names.last = index + 1;
  names.waiting++;
}

/* The index of 'text', with a reference to it; -1: thrown. */
static int64_t torpor__name_take(const char *text, uint32_t size) {
  uint32_t hash = name_hash(text, size);
  int64_t index = name_find(text, size, hash);
  if (index < 0) index = name_add(text, size, hash);
  if (index >= 0) names.slots[index].references++;
  return index;
}

static void torpor__name_drop(uint32_t index) {
  if (--names.slots[index].references == 0) name_enqueue(index);
}

/* ---- Names that are free --------------------------------------------------*/

static void name_unlink(uint32_t index) {
  uint32_t *link = name_bucket(names.slots[index].hash);
  while (*link != index + 1) link = &names.slots[*link - 1].next;
  *link = names.slots[index].next;
}

/* Halves the tables when three quarters of them are free, and all of their end.
 * Those in the queue have their texts still, so they are not cut off. */
static void names_trim(void) {
  uint32_t count = torpor_control.function_count, capacity = names.capacity;
  if (capacity <= NAMES_FIRST || names.live > capacity / 4) return;
  while (count > 0 && name_table()[count - 1].text == 0) count--;
  if (count > capacity / 2) return;
  memset(names.slots + count, 0,
         (torpor_control.function_count - count) * sizeof(*names.slots));
  memset(names.buckets, 0, capacity * sizeof(*names.buckets));
  torpor_control.function_count = count;
  names.capacity = capacity / 2;
  names_resize(names.capacity); /* without memory they stay longer */
  names_arrange();
}

static void name_free(uint32_t index) {
  name_unlink(index);
  js_free_rt(torpor__rt, (void *)name_text(index));
  name_table()[index] = (torpor_abi_name){0};
  names.slots[index] = (name_slot){.next = names.unused};
  names.unused = index + 1;
  names.live--;
}

/* Takes the next name without functions out of the queue and frees it; its text
 * goes to the window. False: there is none. */
static bool torpor__name_collect(uint32_t *index, uint32_t *size) {
  while (names.first) {
    name_slot *slot = &names.slots[names.first - 1];
    *index = names.first - 1;
    names.first = slot->queued;
    if (names.first == 0) names.last = 0;
    slot->queued = 0;
    slot->waiting = 0;
    names.waiting--;
    if (slot->references > 0) continue; /* used again meanwhile */
    *size = name_table()[*index].size;
    if (*size > TORPOR_ABI_WINDOW) *size = TORPOR_ABI_WINDOW;
    memcpy(torpor_control.host.window, name_text(*index), *size);
    name_free(*index);
    names_trim();
    return true;
  }
  return false;
}
