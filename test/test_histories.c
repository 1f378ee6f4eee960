/* SPDX-License-Identifier: MIT */
/* test_histories.c - random histories of saving, waking and forking, against a
 * simple model.
 *
 * A history is a list of moves, made from a seed. Two VMs live through it, each
 * with a *model*: a VM that does what the same program does and nothing else.
 * It is never saved, woken, forked or mapped. What the program of a VM did is a
 * list of moves, too, so that a model of any earlier state is made by doing
 * them again. After each move VM and model have the same memory, byte for byte,
 * and so has whatever is woken from what was saved.
 *
 * Each batch of seeds runs in a process of its own. When that ends badly, in
 * whatever way, the history is shrunk: moves are left out while what is left
 * still ends badly. What is printed can be run again:
 *
 *     TORPOR_HISTORIES   how many seeds (500, or 20,000 in the full tier)
 *     TORPOR_SEED        the first one (1)
 *     TORPOR_CHECKED     1: all is asserted at each operation of all of them
 * ctest: slow full timeout=300 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "test/support/heap.h"
#include "test/support/save.h"
#include "test/support/vm.h"
#include "vm/memory/check.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/pool.h"
#include "vm/vm.h"
#include "wasm/region.h"

#define MOVES_MOST 40
#define PIECES_MOST 40
#define HEAP_CHECKED 4 /* after one move of so many */
#define BATCH 20
#define SECONDS_MOST 120 /* of one process */

extern _Atomic uint32_t torpor__share_from, torpor__copy_most,
    torpor__restored_copied, torpor__written_kept, torpor__whole_from;

/* ---- Histories ------------------------------------------------------------*/

/* What can happen, and how often it does. */
#define KINDS(X)                                                               \
  X(ACT, 12)  /* the program does something */                                 \
  X(WHOLE, 4) /* a whole snapshot, which may be woken and lived on in */       \
  X(DIFFERENCE, 9)                                                             \
  X(REST, 2)      /* saved again and again, while nothing happens */           \
  X(REWIND, 3)    /* goes on from some piece of its chain */                   \
  X(BASE, 3)      /* from a base of some pieces, and differences from it */    \
  X(FROM_BASE, 2) /* once more from the base that was made last */             \
  X(FORK, 3)      /* the other VM becomes a copy of this one */                \
  X(FRESH, 1)     /* is closed; a new one takes its place */                   \
  X(PROTECT, 1)   /* a piece is protected and opened again */                  \
  X(WAY, 1)       /* what was written is found in another way from here on */  \
  X(FAILURE, 2)   /* memory of the host's runs out while it is saved */

typedef enum kind {
#define X(name, often) name,
  KINDS(X)
#undef X
      KIND_COUNT
} kind;

typedef struct move {
  kind kind;
  unsigned slot;        /* which VM */
  torpor_memory memory; /* of a VM that comes to be */
  bool remember, job, waiting, collect;
  unsigned number;       /* which piece, how often */
  unsigned op, at, byte; /* what the program does */
} move;

typedef struct history {
  unsigned seed;
  uint32_t share_from, copy_most, restored_copied, written_kept, whole_from;
  unsigned count;
  move moves[MOVES_MOST];
} history;

static unsigned pick(test_random *random, unsigned count) {
  return (unsigned)(test_random_next(random) >> 20) % count;
}

static kind pick_kind(test_random *random) {
  static const unsigned often[] = {
#define X(name, often) often,
      KINDS(X)
#undef X
  };
  unsigned sum = 0, at;
  for (unsigned i = 0; i < KIND_COUNT; i++) sum += often[i];
  at = pick(random, sum);
  for (unsigned i = 0;; i++) {
    if (at < often[i]) return (kind)i;
    at -= often[i];
  }
}

/* Most blocks are small; some are much. */
static unsigned pick_size(test_random *random) {
  static const unsigned most[] = {3000, 3000, 30000, 30000, 30000, 400000};
  return pick(random, most[pick(random, 6)]);
}

static void make_move(test_random *random, move *m) {
  *m = (move){.kind = pick_kind(random),
              .slot = pick(random, 3) == 0,
              .memory = (torpor_memory)pick(random, 3),
              .remember = pick(random, 4) != 0,
              .job = pick(random, 4) == 0,
              .waiting = pick(random, 4) == 0,
              .collect = pick(random, 3) == 0,
              .number = pick(random, 1000),
              .op = pick(random, 9),
              .at = pick_size(random),
              .byte = 1 + pick(random, 200)};
}

/* Small VMs go the ways of large ones where thresholds are low. */
static void make_history(history *h, unsigned seed) {
  static const uint32_t share[] = {128, 8, 1}, copy[] = {256, 2, 0},
                        copied[] = {1 << 20, 1 << 14, 0},
                        kept[] = {4 << 20, 1 << 16},
                        whole[] = {1 << 20, 1 << 16, 0};
  test_random random = {seed};
  *h = (history){.seed = seed,
                 .share_from = share[pick(&random, 3)],
                 .copy_most = copy[pick(&random, 3)],
                 .restored_copied = copied[pick(&random, 3)],
                 .written_kept = kept[pick(&random, 2)],
                 .whole_from = whole[seed % 3],
                 .count = MOVES_MOST};
  for (unsigned i = 0; i < h->count; i++) make_move(&random, &h->moves[i]);
}

static void print_history(const history *h) {
  static const char *const names[] = {
#define X(name, often) #name,
      KINDS(X)
#undef X
  };
  print_error(
      "seed %u: share_from %u, copy_most %u, restored_copied %u, "
      "written_kept %u, whole_from %u\n",
      h->seed, h->share_from, h->copy_most, h->restored_copied, h->written_kept,
      h->whole_from);
  for (unsigned i = 0; i < h->count; i++) {
    const move *m = &h->moves[i];
    print_error(
        "  %2u VM %u: %s, memory %d,%s%s%s%s number %u, op(%u, %u, %u)"
        "\n",
        i, m->slot, names[m->kind], m->memory, m->remember ? " remember," : "",
        m->job ? " job," : "", m->waiting ? " waiting," : "",
        m->collect ? " collect," : "", m->number, m->op, m->at, m->byte);
  }
}

/* ---- The world in which one is lived --------------------------------------*/

/* What the program of a VM did, as numbers of moves. */
typedef struct script {
  unsigned count;
  uint8_t moves[MOVES_MOST];
} script;

/* A snapshot and the state that it is of. */
typedef struct piece {
  torpor_bytes bytes;
  script done;
} piece;

typedef struct chain {
  unsigned count;
  piece pieces[PIECES_MOST];
} chain;

/* A VM, its model, and the snapshots up to the state that it remembers. */
typedef struct slot {
  torpor_vm *vm, *model;
  script done;
  chain saved;
} slot;

static const history *lived;
static unsigned now; /* the move that is made */
static slot slots[2];
static torpor_base *base;
static chain base_saved; /* what it was made of */

/* Ends the process of this history. */
_Noreturn static void end_badly(const char *what) {
  print_error("seed %u, move %u: %s\n", lived->seed, now, what);
  fflush(NULL);
  _exit(1);
}

static void must(torpor_vm *vm, torpor_status status) {
  if (status == TORPOR_OK) return;
  print_error("%s: %s\n", torpor_status_name(status), torpor_last_error(vm));
  end_badly("a call failed");
}

static double still_clock(void *user, torpor_clock which) {
  (void)user, (void)which;
  return 1700000000000.0;
}

static void still_random(void *user, void *data, size_t size) {
  (void)user;
  memset(data, 5, size);
}

static torpor_options options_of(torpor_memory memory) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.memory = memory;
  options.clock = still_clock;
  options.random = still_random;
  return options;
}

/* ---- Memory ---------------------------------------------------------------*/

/* Nothing is touched that was not before: to look must change nothing. */
static const uint8_t *look_at(const torpor_vm *vm, uint32_t page) {
  if (!torpor__chunk_is_committed(vm->region, page / CHUNK_PAGES))
    return torpor__zero_page;
  return vm->memory + (size_t)page * TORPOR__PAGE;
}

static bool is_same(const torpor_vm *a, const torpor_vm *b, uint32_t page,
                    uint32_t low, uint32_t high) {
  uint32_t start = page * TORPOR__PAGE, end = start + TORPOR__PAGE;
  uint32_t from = start < low ? low : start, to = end > high ? high : end;
  return from >= to ||
         memcmp(look_at(a, page) + (from - start),
                look_at(b, page) + (from - start), to - from) == 0;
}

/* All that sleeps with a VM, and the zeros behind the heap. */
static void compare(const torpor_vm *a, const torpor_vm *b, const char *what) {
  const torpor__image *image = a->image;
  uint32_t size = (uint32_t)torpor__memory_size(a);
  if (size != torpor__memory_size(b)) end_badly(what);
  for (uint32_t page = 0; page < size / TORPOR__PAGE; page++) {
    if (is_same(a, b, page, image->stack_size, image->host_start) &&
        is_same(a, b, page, image->host_end, size))
      continue;
    print_error("page %u differs; limits %u and %u\n", page,
                torpor__memory_limit(a), torpor__memory_limit(b));
    end_badly(what);
  }
}

static void compare_bytes(const torpor_bytes *a, const torpor_bytes *b,
                          const char *what) {
  if (a->size != b->size || memcmp(a->data, b->data, a->size) != 0)
    end_badly(what);
}

/* ---- What programs do -----------------------------------------------------*/

/* 'op' 1 and 2 make again just what there was before. */
static const char program[] =
    "globalThis.l = []; globalThis.last = null;"
    "globalThis.op = (kind, at, byte) => { switch (kind) {"
    "case 0: l.push(new Uint8Array(at).fill(byte)); break;"
    "case 1: l = l.length ? [] : Array.from({length: 20}, (_, i) =>"
    "  new Uint8Array(1 + i * 700).fill(i)); break;"
    "case 2: if (byte % 4 === 0) l.splice(at % (l.length + 1), 1);"
    "  else if (last) { l.push(new Uint8Array(last.size).fill(last.byte));"
    "    last = null }"
    "  else if (l.at(-1)?.fill) { const u = l.pop();"
    "    last = {size: u.length, byte: u[0]} } break;"
    "case 3: { const u = l[at % l.length];"
    "  if (u?.fill) u.fill(byte, 0, byte * 31 % u.length + 1); break }"
    "case 4: { const o = []; for (let i = 0; i < at % 900; i++)"
    "  o.push({i, s: 'k' + i + byte}); l.push(o); break }"
    "case 5: for (const u of l) if (u.fill)"
    "  for (let i = at % 4096; i < u.length; i += 4096 * (1 + byte % 3))"
    "    u[i] = byte; break;"
    "case 6: l.length = at % (l.length + 1); break;"
    "case 7: l = []; break;"
    "case 8: { const o = {byte};"
    "  setTimeout(() => l.push(o), 1e9); Promise.resolve(o).then(v => v.a = at)"
    "} } }; 0";

/* All that can be asserted is, after each operation on a VM; in the quick tier
 * for every fifth history, now and then in the others. */
static void check_all(bool now_on) {
  unsigned every = lived->seed % test_count("TORPOR_CHECKED", 5, 1) ? 20 : 1;
  torpor__check_set(
      (torpor__check_depth){.every = now_on ? every : 0, .guest = true});
}

/* These calls are one operation. */
static void evaluate(torpor_vm *vm, const char *source) {
  torpor_scope scope;
  torpor_value ignored;
  check_all(false);
  must(vm, torpor_scope_open(vm, &scope));
  must(vm, torpor_eval(vm, source, strlen(source), "history.js", TORPOR_SCRIPT,
                       &ignored));
  must(vm, torpor_job_run(vm, 0, NULL));
  check_all(true);
  must(vm, torpor_scope_close(vm, scope));
}

static void act(torpor_vm *vm, unsigned number) {
  const move *m = &lived->moves[number];
  char source[100];
  snprintf(source, sizeof(source), "op(%u, %u, %u); 0", m->op, m->at, m->byte);
  evaluate(vm, source);
  if (m->collect) must(vm, torpor_vm_collect(vm));
  if (lived->seed % 5 == 0 && number % HEAP_CHECKED == 0) test_heap_check(vm);
}

static torpor_vm *open_fresh(torpor_memory memory) {
  torpor_options options = options_of(memory);
  torpor_vm *vm;
  must(NULL, torpor_vm_open(&options, &vm));
  evaluate(vm, program);
  return vm;
}

static torpor_vm *open_model(const script *done) {
  torpor_vm *vm = open_fresh(TORPOR_MEMORY_POOLED);
  for (unsigned i = 0; i < done->count; i++) act(vm, done->moves[i]);
  return vm;
}

static bool is_same_script(const script *a, const script *b) {
  return a->count == b->count && memcmp(a->moves, b->moves, a->count) == 0;
}

/* Program and model do what this move says. */
static void act_both(slot *s) {
  act(s->vm, now);
  act(s->model, now);
  s->done.moves[s->done.count++] = (uint8_t)now;
}

/* 'vm' takes the place of the slot's, in the state 'done'. */
static void replace(slot *s, torpor_vm *vm, const script *done) {
  torpor_vm_close(s->vm);
  s->vm = vm;
  if (s->model && is_same_script(&s->done, done)) return;
  s->done = *done;
  torpor_vm_close(s->model);
  s->model = open_model(&s->done);
}

/* ---- Chains ---------------------------------------------------------------*/

static void chain_cut(chain *c, unsigned count) {
  while (c->count > count) free(c->pieces[--c->count].bytes.data);
}

/* Adds a copy, in a block of its own size: what is read beyond it is seen. */
static void chain_add(chain *c, const torpor_bytes *bytes, const script *done) {
  piece *p = &c->pieces[c->count++];
  p->bytes = (torpor_bytes){malloc(bytes->size), bytes->size};
  p->done = *done;
  if (!p->bytes.data) end_badly("no memory");
  memcpy(p->bytes.data, bytes->data, bytes->size);
}

static void chain_copy(chain *to, const chain *from) {
  chain_cut(to, 0);
  for (unsigned i = 0; i < from->count; i++)
    chain_add(to, &from->pieces[i].bytes, &from->pieces[i].done);
}

static void list(const chain *c, torpor_slice slices[PIECES_MOST]) {
  for (unsigned i = 0; i < c->count; i++)
    slices[i] =
        (torpor_slice){c->pieces[i].bytes.data, c->pieces[i].bytes.size};
}

static torpor_vm *wake(const chain *c, unsigned count, torpor_memory memory) {
  torpor_options options = options_of(memory);
  torpor_slice slices[PIECES_MOST];
  torpor_vm *vm;
  list(c, slices);
  must(NULL, torpor_snapshot_restore_chain(slices, count, &options, &vm));
  return vm;
}

/* From a base of 'first' pieces and the differences up to 'count'. */
static torpor_vm *wake_from_base(const chain *c, unsigned first, unsigned count,
                                 torpor_memory memory) {
  torpor_options options = options_of(memory);
  torpor_slice slices[PIECES_MOST];
  torpor_vm *vm;
  list(c, slices);
  torpor_base_close(base);
  must(NULL, torpor_base_open(slices, first, &options, &base));
  chain_copy(&base_saved, c);
  chain_cut(&base_saved, first);
  must(NULL,
       torpor_base_restore(base, slices + first, count - first, &options, &vm));
  return vm;
}

/* What the chain holds is the state that it says. */
static void check_chain(const slot *s, const chain *c, torpor_memory memory) {
  const script *done = &c->pieces[c->count - 1].done;
  torpor_vm *woken = wake(c, c->count, memory), *model = s->model;
  if (!is_same_script(done, &s->done)) model = open_model(done);
  compare(woken, model, "a chain wakes as something else");
  if (model != s->model) torpor_vm_close(model);
  torpor_vm_close(woken);
}

/* ---- Moves ----------------------------------------------------------------*/

/* Stored, or packed on some threads. */
static torpor_save_options way_of(const move *m, unsigned flags) {
  return m->at % 2 ? *TEST_SAVE(flags) : *TEST_PACK(flags, m->byte % 3);
}

/* Saves; as a job, its program goes on before the bytes are packed. */
static torpor_bytes save(slot *s, const move *m, unsigned flags) {
  torpor_save_options options = way_of(m, flags);
  torpor_snapshot_job *packing;
  torpor_bytes bytes;
  if (!m->job) {
    must(s->vm, torpor_snapshot_save_with(s->vm, &options, &bytes));
    return bytes;
  }
  must(s->vm, torpor_snapshot_save_start(s->vm, &options, &packing));
  act_both(s);
  must(NULL, torpor_snapshot_job_finish(packing, &bytes));
  return bytes;
}

static void save_whole(slot *s, const move *m) {
  script done = s->done;
  unsigned flags = (m->remember ? (unsigned)TORPOR_SAVE_PARENT : 0) |
                   (m->waiting ? (unsigned)TORPOR_SAVE_WAITING : 0);
  torpor_save_options options = way_of(m, flags & TORPOR_SAVE_WAITING);
  torpor_bytes expected = {NULL, 0}, bytes;
  chain alone = {.count = 0};
  must(s->model, torpor_snapshot_save_with(s->model, &options, &expected));
  bytes = save(s, m, flags);
  compare_bytes(&bytes, &expected, "a whole snapshot has other bytes");
  chain_add(&alone, &bytes, &done);
  check_chain(s, &alone, m->memory);
  if (m->remember) chain_copy(&s->saved, &alone);
  if (!m->remember && m->number % 2) { /* lives on in the copy */
    replace(s, wake(&alone, 1, m->memory), &done);
    chain_copy(&s->saved, &alone);
  }
  chain_cut(&alone, 0);
  torpor_bytes_free(&bytes);
  torpor_bytes_free(&expected);
}

static void save_difference(slot *s, const move *m) {
  unsigned flags = TORPOR_SAVE_DELTA |
                   (m->remember ? (unsigned)TORPOR_SAVE_PARENT : 0) |
                   (m->waiting ? (unsigned)TORPOR_SAVE_WAITING : 0);
  script done = s->done;
  torpor_bytes bytes;
  if (s->saved.count == PIECES_MOST) return;
  if (s->saved.count == 0) {
    if (torpor_snapshot_save_with(s->vm, TEST_SAVE(flags), &bytes) !=
        TORPOR_NOT_FOUND)
      end_badly("a difference from nothing");
    return;
  }
  bytes = save(s, m, flags);
  chain_add(&s->saved, &bytes, &done);
  check_chain(s, &s->saved, m->memory);
  if (!m->remember) chain_cut(&s->saved, s->saved.count - 1);
  torpor_bytes_free(&bytes);
}

/* Saving changes nothing, however often. */
static void save_again(slot *s, const move *m) {
  torpor_bytes first, again;
  must(s->model, torpor_snapshot_save(s->model, &first));
  for (unsigned i = 0; i <= m->number % 6; i++) {
    must(s->vm, torpor_snapshot_save(s->vm, &again));
    compare_bytes(&first, &again, "the same state has other bytes");
    torpor_bytes_free(&again);
  }
  torpor_bytes_free(&first);
}

static void rewind_chain(slot *s, const move *m) {
  unsigned count;
  if (s->saved.count == 0) return;
  count = m->number % s->saved.count + 1;
  chain_cut(&s->saved, count);
  replace(s, wake(&s->saved, count, m->memory),
          &s->saved.pieces[count - 1].done);
}

static void make_base(slot *s, const move *m) {
  unsigned first, count;
  if (s->saved.count == 0) return;
  first = m->number % s->saved.count + 1;
  count = first + m->at % (s->saved.count - first + 1);
  chain_cut(&s->saved, count);
  replace(s, wake_from_base(&s->saved, first, count, m->memory),
          &s->saved.pieces[count - 1].done);
}

static void use_base(slot *s, const move *m) {
  torpor_options options = options_of(m->memory);
  torpor_vm *vm;
  if (!base) return;
  must(NULL, torpor_base_restore(base, NULL, 0, &options, &vm));
  chain_copy(&s->saved, &base_saved);
  replace(s, vm, &base_saved.pieces[base_saved.count - 1].done);
}

static void make_fork(slot *s, const move *m) {
  slot *other = s == &slots[0] ? &slots[1] : &slots[0];
  torpor_options options = options_of(m->memory);
  torpor_vm *copy;
  must(s->vm, torpor_vm_fork(s->vm, &options, &copy));
  compare(copy, s->model, "a copy is something else");
  chain_cut(&other->saved, 0);
  replace(other, copy, &s->done);
}

static void begin_anew(slot *s, const move *m) {
  chain_cut(&s->saved, 0);
  torpor_vm_close(s->vm); /* which may be the one that is opened */
  s->vm = NULL;
  replace(s, open_fresh(m->memory), &(script){.count = 0});
}

static void protect(slot *s, const move *m) {
  static const uint8_t key[TORPOR_KEY_SIZE] = {1, 2, 3};
  torpor_protection how = m->job ? TORPOR_ENCRYPT : TORPOR_AUTHENTICATE;
  const torpor_bytes *plain;
  torpor_bytes bytes, opened;
  if (s->saved.count == 0) return;
  plain = &s->saved.pieces[m->number % s->saved.count].bytes;
  must(NULL, torpor_snapshot_protect(plain->data, plain->size, key, how, "h", 1,
                                     &bytes));
  must(NULL,
       torpor_snapshot_unprotect(bytes.data, bytes.size, key, "h", 1, &opened));
  compare_bytes(plain, &opened, "a protected piece opens as another");
  torpor_bytes_free(&opened);
  ((uint8_t *)bytes.data)[m->at % bytes.size] ^= (uint8_t)m->byte;
  if (torpor_snapshot_unprotect(bytes.data, bytes.size, key, "h", 1, &opened) ==
      TORPOR_OK)
    end_badly("a protected piece was changed");
  torpor_bytes_free(&bytes);
}

static void change_ways(const move *m) {
  torpor__finder_force(
      (torpor__finder)(m->number % (TORPOR__FINDER_EVERYTHING + 1)));
  torpor__image_refuse_files(m->job);
}

/* What fails does so without a trace: the VM remembers what it did, or nothing.
 * A fork that fails leaves the original alone. */
static void run_out(slot *s, const move *m) {
  torpor_options options = options_of(m->memory);
  unsigned flags =
      TORPOR_SAVE_PARENT | (s->saved.count ? (unsigned)TORPOR_SAVE_DELTA : 0);
  torpor_vm *copy = NULL;
  torpor_bytes bytes = {NULL, 0};
  torpor_status status;
  if (s->saved.count == PIECES_MOST) return;
  torpor__alloc_fail(m->number % 12);
  if (m->job)
    status = torpor_vm_fork(s->vm, &options, &copy);
  else
    status = torpor_snapshot_save_with(s->vm, TEST_SAVE(flags), &bytes);
  torpor__alloc_fail(-1);
  if (status != TORPOR_OK && status != TORPOR_NOMEM) must(s->vm, status);
  if (copy) compare(copy, s->model, "a copy is something else");
  torpor_vm_close(copy);
  if (!s->vm->remembered.known) chain_cut(&s->saved, 0);
  if (bytes.data) chain_add(&s->saved, &bytes, &s->done);
  torpor_bytes_free(&bytes);
}

static void make_move_of(slot *s, const move *m) {
  switch (m->kind) {
  case ACT:
    act_both(s);
    break;
  case WHOLE:
    save_whole(s, m);
    break;
  case DIFFERENCE:
    save_difference(s, m);
    break;
  case REST:
    save_again(s, m);
    break;
  case REWIND:
    rewind_chain(s, m);
    break;
  case BASE:
    make_base(s, m);
    break;
  case FROM_BASE:
    use_base(s, m);
    break;
  case FORK:
    make_fork(s, m);
    break;
  case FRESH:
    begin_anew(s, m);
    break;
  case PROTECT:
    protect(s, m);
    break;
  case WAY:
    change_ways(m);
    break;
  case FAILURE:
    run_out(s, m);
    break;
  case KIND_COUNT:
    break;
  }
}

/* ---- Living ---------------------------------------------------------------*/

static void begin(const history *h) {
  lived = h;
  torpor__share_from = h->share_from;
  torpor__copy_most = h->copy_most;
  torpor__restored_copied = h->restored_copied;
  torpor__written_kept = h->written_kept;
  torpor__whole_from = h->whole_from;
  torpor__finder_force(TORPOR__FINDER_BEST);
  torpor__image_refuse_files(false);
  check_all(true);
  for (now = 0; now < 2; now++)
    replace(&slots[now], open_fresh((torpor_memory)(h->seed % 3)),
            &(script){.count = 0});
}

static void end(void) {
  for (unsigned i = 0; i < 2; i++) {
    chain_cut(&slots[i].saved, 0);
    torpor_vm_close(slots[i].vm);
    torpor_vm_close(slots[i].model);
    slots[i] = (slot){0};
  }
  chain_cut(&base_saved, 0);
  torpor_base_close(base);
  base = NULL;
}

static void live(const history *h) {
  begin(h);
  for (now = 0; now < h->count; now++) {
    make_move_of(&slots[h->moves[now].slot], &h->moves[now]);
    for (unsigned i = 0; i < 2; i++)
      compare(slots[i].vm, slots[i].model, "a VM is something else");
  }
  end();
}

/* ---- Processes ------------------------------------------------------------*/

/* The seed that a process is at. */
static _Atomic unsigned *current;

/* What a process does: one history, or those of the seeds [from, to). */
static void live_all(const history *h, unsigned from, unsigned to) {
  static history made;
  if (h) live(h);
  for (; from < to; from++) {
    *current = from;
    make_history(&made, from);
    live(&made);
  }
}

/* Whether all went well. Says why not when it is 'loud'. */
static bool run(const history *h, unsigned from, unsigned to, bool loud) {
  pid_t child;
  int status;
  fflush(NULL);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    alarm(SECONDS_MOST);
    if (!loud && (!freopen("/dev/null", "w", stderr) ||
                  !freopen("/dev/null", "w", stdout)))
      _exit(1);
    live_all(h, from, to);
    torpor__pool_drain();
    torpor__region_drain();
    fflush(NULL);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void leave_out(history *h, unsigned first, unsigned count) {
  memmove(&h->moves[first], &h->moves[first + count],
          (h->count - first - count) * sizeof(move));
  h->count -= count;
}

/* Leaves out what is not needed for it to end badly. */
static void shrink(history *h) {
  for (unsigned size = h->count / 2; size > 0; size /= 2)
    for (unsigned at = h->count; at >= size; at--) {
      history less = *h;
      if (at > less.count) continue;
      leave_out(&less, at - size, size);
      if (!run(&less, 0, 0, false)) *h = less;
    }
}

static void show(unsigned seed) {
  history h;
  make_history(&h, seed);
  if (run(&h, 0, 0, true)) {
    print_error("seed %u alone ends well; so it needs what is before it\n",
                seed);
    return;
  }
  shrink(&h);
  print_history(&h);
  run(&h, 0, 0, true);
}

static void test_histories(void **state) {
  unsigned count = test_count("TORPOR_HISTORIES", 500, 20000);
  unsigned first = test_count("TORPOR_SEED", 1, 1);
  (void)state;
  current = mmap(NULL, sizeof(*current), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(current != MAP_FAILED);
  for (unsigned from = first; from < first + count; from += BATCH) {
    unsigned to = from + BATCH < first + count ? from + BATCH : first + count;
    if (run(NULL, from, to, true)) continue;
    show(*current);
    fail_msg("seed %u ends badly", *current);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_histories),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
