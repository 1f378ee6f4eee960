/* SPDX-License-Identifier: MIT */
/* recipe.c - cooking: the steps of a recipe, done to drafts of snapshots. */
#include <assert.h>
#include <string.h>

#include "common/buffer.h"
#include "test/fuzz/draft.h"
#include "test/fuzz/recipe.h"
#include "test/fuzz/target.h"
#include "test/support/save.h"
#include "vm/engines/engine.h"
#include "vm/memory/image.h"

#define SEEDS_LARGEST 8
/* No bomb of ours unpacks to more: it is the claim that counts. */
#define BOMB_LARGEST ((size_t)3 << 20)

const uint8_t recipe_key[TORPOR_KEY_SIZE] = {7, 7, 7};

static draft seeds[SEEDS_LARGEST], deltas[SEEDS_LARGEST];
static size_t seed_count, delta_count;

/* ---- Seeds ----------------------------------------------------------------*/

static void evaluate(torpor_vm *vm, const char *source) {
  torpor_value value;
  torpor_status status =
      torpor_eval(vm, source, strlen(source), "seed.js", TORPOR_SCRIPT, &value);
  assert(status == TORPOR_OK);
  torpor_job_run(vm, 0, NULL);
  (void)status;
}

static torpor_vm *open_with(const char *source) {
  torpor_options options = fuzz_options();
  torpor_vm *vm;
  torpor_status status = torpor_vm_open(&options, &vm);
  assert(status == TORPOR_OK);
  (void)status;
  evaluate(vm, source);
  return vm;
}

/* Saves 'vm', with 'flags' of torpor_save, and takes the bytes apart. */
static void keep(torpor_vm *vm, unsigned flags, draft *out) {
  torpor_bytes bytes;
  torpor_status status;
  do /* looking where it waits has a deadline, and the system may be busy */
    status = torpor_snapshot_save_with(vm, TEST_PACK(flags, 1), &bytes);
  while (status == TORPOR_FORMAT);
  assert(status == TORPOR_OK);
  draft_read(out, bytes.data, bytes.size);
  torpor_bytes_free(&bytes);
}

static void add_seed(const char *source) {
  torpor_vm *vm = open_with(source);
  keep(vm, TORPOR_SAVE_WAITING, &seeds[seed_count++]);
  torpor_vm_close(vm);
}

/* A whole snapshot and three differences that follow it; the last one is of
 * memory that has grown. */
static void add_deltas(const char *source) {
  const unsigned flags = TORPOR_SAVE_PARENT | TORPOR_SAVE_DELTA;
  torpor_vm *vm = open_with(source);
  keep(vm, TORPOR_SAVE_PARENT, &seeds[seed_count++]);
  evaluate(vm, "list.push({more: 1}); 0");
  keep(vm, flags, &deltas[delta_count++]);
  evaluate(vm, "setTimeout(() => list.pop(), 5); list.shift(); 0");
  keep(vm, flags, &deltas[delta_count++]);
  evaluate(vm, "list.push(new Uint8Array(1500000)); 0");
  keep(vm, flags, &deltas[delta_count++]);
  torpor_vm_close(vm);
}

void recipe_setup(void) {
  add_deltas("globalThis.list = [1, {a: 2}, () => 3]; 0");
  add_seed("0");
  add_seed(
      "globalThis.list = []; globalThis.map = new Map; class K { #p = 1; get "
      "p() { return this.#p } } for (let i = 0; i < 30; i++) { list.push({i, "
      "s: 'text' + i, f: () => i, k: new K}); map.set(i, list[i]) } "
      "setTimeout(() => list.sort(), 1000); setInterval(() => map.clear(), "
      "10); (async () => { for await (const x of (async function* () { "
      "for (;;) yield await new Promise(r => globalThis.go = r) })()) "
      "list.push(x) })(); 0");
  add_seed("globalThis.list = [...Array(3000)].map((_, i) => ({i})); 0");
  add_seed("globalThis.list = [new Uint8Array(400000).fill(3)]; 0");
  add_seed("globalThis.list = [new Uint8Array(2200000).fill(3)]; 0");
}

void recipe_teardown(void) {
  for (size_t i = 0; i < seed_count; i++) draft_free(&seeds[i]);
  for (size_t i = 0; i < delta_count; i++) draft_free(&deltas[i]);
  seed_count = delta_count = 0;
}

/* ---- Steps ----------------------------------------------------------------*/

typedef struct step {
  recipe_kind kind;
  uint8_t which;
  uint16_t index;
  uint32_t value;
} step;

typedef struct kitchen {
  draft pieces[RECIPE_PIECES];
  size_t count;
  const uint8_t *at, *end; /* what is left of the recipe */
  bool is_spoiled;
} kitchen;

static step read_step(kitchen *k) {
  const uint8_t *at = k->at;
  step s = {(recipe_kind)(at[0] % RECIPE_KINDS), at[1],
            (uint16_t)(at[2] | at[3] << 8),
            (uint32_t)at[4] | (uint32_t)at[5] << 8 | (uint32_t)at[6] << 16 |
                (uint32_t)at[7] << 24};
  k->at += RECIPE_STEP;
  return s;
}

static void write_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++, value >>= 8) to[i] = (uint8_t)value;
}

static void add_piece(kitchen *k, const draft *from) {
  if (k->count < RECIPE_PIECES) draft_copy(&k->pieces[k->count++], from);
}

static void add_literal(kitchen *k, const step *s) {
  size_t left = (size_t)(k->end - k->at);
  size_t size = s->index < left ? s->index : left;
  draft literal = {.is_literal = true, .count = 1};
  torpor__buffer_add(&literal.sections[0].content, k->at, size);
  k->at += size;
  add_piece(k, &literal);
  draft_free(&literal);
}

/* Words that a guest may have where others belong. */
static uint32_t choose_word(const step *s) {
  const torpor__image *image = torpor__image_find(&torpor__engine_builtin);
  uint32_t control = image->engine->control;
  switch (s->which % 6) {
  case 0:
    return s->value & 0xff;
  case 1:
    return image->stack_size + s->value % (image->size - image->stack_size);
  case 2:
    return control + s->value % 128;
  case 3:
    return UINT32_MAX - (s->value & 0xffff);
  case 4:
    return image->size + s->value % (1 << 20);
  default:
    return s->value;
  }
}

static void patch_word(draft *d, uint32_t address, const step *s) {
  draft_section *memory = draft_find(d, DRAFT_MEMORY);
  uint8_t word[4];
  if (!memory) return;
  write_u32(word, choose_word(s));
  draft_patch(&memory->content, address & ~3u, word, sizeof(word));
}

/* Somewhere between the stack and the end of what small VMs use. */
static void scribble(draft *d, const step *s) {
  const torpor__image *image = torpor__image_find(&torpor__engine_builtin);
  uint32_t low = image->stack_size, high = image->size + (64 << 10);
  patch_word(d, low + s->index * 8u % (high - low), s);
}

static void scribble_control(draft *d, const step *s) {
  uint32_t words = offsetof(torpor_abi_control, host) / 4;
  patch_word(d, torpor__engine_builtin.control + s->index % words * 4, s);
}

/* The header by words, but for the magic only one and of ids only two. */
static void set_header(draft *d, const step *s) {
  static const uint8_t fields[] = {0, 8, 12, 16, 48, 76, 80, 84, 92};
  write_u32(d->header + fields[s->which % sizeof(fields)], s->value);
}

static uint64_t choose_lie(const step *s) {
  static const uint64_t factors[] = {
      1,    UINT64_MAX,       UINT64_C(1) << 32, UINT64_C(1) << 56,
      4096, UINT64_C(1) << 20};
  return s->value * factors[s->index % (sizeof(factors) / sizeof(*factors))];
}

static void drop_section(draft *d, size_t index) {
  draft_section_free(&d->sections[index]);
  d->count--;
  memmove(&d->sections[index], &d->sections[index + 1],
          (d->count - index) * sizeof(*d->sections));
}

static void copy_section(draft *d, size_t index) {
  if (d->count == DRAFT_SECTIONS) return;
  memmove(&d->sections[index + 1], &d->sections[index],
          (d->count - index) * sizeof(*d->sections));
  d->count++;
  draft_section_copy(&d->sections[index], &d->sections[index + 1]);
}

static void swap_sections(draft *d, size_t one, size_t other) {
  draft_section section = d->sections[one];
  d->sections[one] = d->sections[other];
  d->sections[other] = section;
}

/* Behind the last section of a smaller type. */
static void add_section(draft *d, const step *s) {
  uint32_t type = s->which % 4 == 0 ? s->value : s->value % 70;
  size_t index = 0;
  draft_section *section;
  if (d->count == DRAFT_SECTIONS) return;
  while (index < d->count && d->sections[index].type < type) index++;
  memmove(&d->sections[index + 1], &d->sections[index],
          (d->count - index) * sizeof(*d->sections));
  d->count++;
  section = &d->sections[index];
  *section = (draft_section){.type = type, .method = s->which % 2};
  for (unsigned i = 0; i < s->index % 64; i++)
    torpor__buffer_add(&section->content, &(uint8_t){(uint8_t)(s->which + i)},
                       1);
}

static void splice(draft *d, size_t index, const step *s) {
  const draft *from = &seeds[s->index % seed_count];
  draft_section *section = &d->sections[index];
  draft_section_free(section);
  draft_section_copy(section, &from->sections[s->which % from->count]);
}

static void add_bomb(draft *d, const step *s) {
  draft_section *memory = draft_find(d, DRAFT_MEMORY);
  size_t size = s->value % BOMB_LARGEST;
  if (!memory || memory->content.size > BOMB_LARGEST) return;
  torpor__buffer_reserve(&memory->content, size);
  memset(memory->content.data + memory->content.size, 0, size);
  memory->content.size += size;
  memory->method = 1;
}

static void change_section(draft *d, const step *s) {
  size_t index = s->which % d->count;
  draft_section *section = &d->sections[index];
  torpor__buffer *content = &section->content;
  switch (s->kind) {
  case RECIPE_TYPE:
    section->type = s->value;
    break;
  case RECIPE_METHOD:
    section->method = s->value % 4;
    break;
  case RECIPE_RAW:
    section->raw_lie = choose_lie(s);
    break;
  case RECIPE_STORED:
    section->stored_lie = choose_lie(s);
    break;
  case RECIPE_BYTE:
    if (content->size > 0)
      content->data[s->value % content->size] = (uint8_t)s->index;
    break;
  case RECIPE_CUT:
    content->size = s->value % (content->size + 1);
    break;
  case RECIPE_DROP:
    drop_section(d, index);
    break;
  case RECIPE_COPY:
    copy_section(d, index);
    break;
  case RECIPE_SWAP:
    swap_sections(d, index, s->index % d->count);
    break;
  default:
    splice(d, index, s);
    break;
  }
}

static void change_piece(draft *d, const step *s) {
  draft_section *memory = draft_find(d, DRAFT_MEMORY);
  switch (s->kind) {
  case RECIPE_WORD:
    scribble(d, s);
    break;
  case RECIPE_CONTROL:
    scribble_control(d, s);
    break;
  case RECIPE_HEADER:
    set_header(d, s);
    break;
  case RECIPE_ADD:
    add_section(d, s);
    break;
  case RECIPE_RUN:
    if (memory) draft_lie(&memory->content, s->index, s->which, s->value);
    break;
  case RECIPE_BOMB:
    add_bomb(d, s);
    break;
  case RECIPE_COUNT:
    d->count_lie = s->value;
    break;
  case RECIPE_UNLINK:
    d->is_unlinked = true;
    if (s->which % 2 == 0) write_u32(d->header + 48, s->value);
    break;
  case RECIPE_FLIP:
    d->flip = s->value;
    break;
  case RECIPE_TRUNCATE:
    d->truncate = s->value;
    break;
  case RECIPE_CHECKSUM:
    d->checksum_lie = s->which;
    break;
  case RECIPE_PROTECT:
    d->is_protected = true;
    d->protected_flip = s->value;
    break;
  default:
    if (d->count > 0 && !d->is_literal) change_section(d, s);
    break;
  }
}

static void do_step(kitchen *k, const step *s) {
  size_t last = k->count - 1;
  if (s->kind == RECIPE_SEED) {
    add_piece(k, &seeds[s->which % seed_count]);
  } else if (s->kind == RECIPE_DELTA) {
    if (delta_count > 0) add_piece(k, &deltas[s->which % delta_count]);
  } else if (s->kind == RECIPE_LITERAL) {
    add_literal(k, s);
  } else if (k->count == 0) {
    return;
  } else if (s->kind == RECIPE_REPEAT) {
    add_piece(k, &k->pieces[s->which % k->count]);
  } else if (s->kind == RECIPE_REORDER) {
    draft piece = k->pieces[last];
    k->pieces[last] = k->pieces[s->which % k->count];
    k->pieces[s->which % k->count] = piece;
  } else {
    change_piece(&k->pieces[last], s);
    k->is_spoiled = true;
  }
}

void recipe_cook(const uint8_t *data, size_t size, recipe_dish *out) {
  kitchen k = {.at = data, .end = data + size};
  *out = (recipe_dish){.count = 0};
  if (size < RECIPE_HEAD) return;
  memcpy(out->head, data, RECIPE_HEAD);
  k.at += RECIPE_HEAD;
  while (k.end - k.at >= RECIPE_STEP) {
    step s = read_step(&k);
    do_step(&k, &s);
  }
  out->is_spoiled = k.is_spoiled;
  for (; out->count < k.count; out->count++) {
    const torpor_bytes *before =
        out->count > 0 ? &out->pieces[out->count - 1] : NULL;
    out->pieces[out->count] = draft_write(&k.pieces[out->count], before);
    draft_free(&k.pieces[out->count]);
  }
}

void recipe_dish_free(recipe_dish *dish) {
  for (size_t i = 0; i < dish->count; i++) torpor_bytes_free(&dish->pieces[i]);
  dish->count = 0;
}
