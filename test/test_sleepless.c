/* SPDX-License-Identifier: MIT */
/* test_sleepless.c - the same history, with sleep and without.
 *
 * A *life* is a list of steps that a host takes with three VMs, made from a
 * seed: scripts and modules, calls in both directions, a class of the host's,
 * promises and operations, tokens, plain data, and limits that are run into.
 * What comes of a step goes into a journal: the status, the value, the sentence
 * of a failure, what the console said, what is left of the fuel.
 *
 * Each life is led once plainly. Then two restless hosts lead it at the same
 * time, a thread of its own for every few steps. They put VMs to sleep between
 * steps, in every way that there is, and go on with what wakes. All three have
 * the same journal, and each VM is the same in the end, byte for byte.
 *
 *     TORPOR_LIVES   how many (20, or 1,000 in the full tier)
 *     TORPOR_SEED    the first one (1)
 * ctest: full thread timeout=240 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/life-scripts.h"
#include "test/support/save.h"
#include "test/support/vm.h"

#define STEPS 60u
#define VMS 3u
#define PIECES 8u  /* of a chain */
#define TOKENS 6u  /* that a host keeps of a VM */
#define RESTLESS 2 /* hosts */
#define AT_ONCE 7u /* steps on one thread */
#define MEMORY_MAX ((uint64_t)12 << 20)

extern _Atomic uint32_t torpor__share_from, torpor__copy_most,
    torpor__restored_copied, torpor__written_kept, torpor__whole_from;

/* ---- Lives ----------------------------------------------------------------*/

#define KINDS(X)                                                               \
  X(SCRIPT, 12)                                                                \
  X(MODULE, 2)                                                                 \
  X(CALL, 5)   /* the host calls a function of the program */                  \
  X(JOBS, 6)   /* a few, or most */                                            \
  X(SETTLE, 6) /* an operation, or it is looked for in vain */                 \
  X(FUEL, 3)                                                                   \
  X(GREED, 1) /* until there is no memory */                                   \
  X(TOKEN, 4)                                                                  \
  X(DATA, 2)                                                                   \
  X(BOX, 2) /* an object that the host makes */                                \
  X(COLLECT, 2)                                                                \
  X(REJECTION, 2)                                                              \
  X(FRESH, 1)

typedef enum kind {
#define X(name, often) name,
  KINDS(X)
#undef X
      KIND_COUNT
} kind;

static const char *const kind_names[] = {
#define X(name, often) #name,
    KINDS(X)
#undef X
};

typedef struct step {
  kind kind;
  unsigned slot, which, number;
} step;

typedef struct life {
  unsigned seed;
  step steps[STEPS];
} life;

static unsigned roll(test_random *dice, unsigned count) {
  return (unsigned)(test_random_next(dice) >> 20) % count;
}

static kind roll_kind(test_random *dice) {
  static const unsigned often[] = {
#define X(name, often) often,
      KINDS(X)
#undef X
  };
  unsigned sum = 0, at;
  for (unsigned i = 0; i < KIND_COUNT; i++) sum += often[i];
  at = roll(dice, sum);
  for (unsigned i = 0;; i++) {
    if (at < often[i]) return (kind)i;
    at -= often[i];
  }
}

static void make_life(life *l, unsigned seed) {
  test_random dice = {seed};
  l->seed = seed;
  for (unsigned i = 0; i < STEPS; i++)
    l->steps[i] = (step){.kind = roll_kind(&dice),
                         .slot = roll(&dice, VMS),
                         .which = roll(&dice, 1000),
                         .number = roll(&dice, 100)};
}

/* ---- Hosts ----------------------------------------------------------------*/

typedef struct slot {
  torpor_vm *vm;
  torpor_token tokens[TOKENS];
  unsigned token_count;
  torpor_bytes chain[PIECES]; /* up to what the VM remembers */
  unsigned chain_count;
} slot;

typedef struct host {
  const life *life;
  bool restless;
  test_random dice; /* of a restless one */
  unsigned now;     /* the step that is taken */
  slot slots[VMS];
  torpor_base *base; /* the last one, which outlives its use */
  char *journal;
  size_t size, room;
} host;

/* Ends the process: on these threads nothing can be asserted. */
_Noreturn static void end_badly(const host *h, const char *what) {
  const step *s = &h->life->steps[h->now < STEPS ? h->now : STEPS - 1];
  fprintf(stderr, "seed %u, step %u (%s %u %u on VM %u), %s: %s\n",
          h->life->seed, h->now, kind_names[s->kind], s->which, s->number,
          s->slot, h->restless ? "restless" : "plain", what);
  abort();
}

static void must(const host *h, torpor_vm *vm, torpor_status status) {
  if (status == TORPOR_OK) return;
  fprintf(stderr, "%s: ", torpor_status_name(status));
  end_badly(h, torpor_last_error(vm));
}

static void note_bytes(host *h, const void *bytes, size_t size) {
  if (h->size + size + 1 > h->room) {
    h->room = 2 * (h->size + size + 1);
    h->journal = realloc(h->journal, h->room);
    if (!h->journal) end_badly(h, "no memory");
  }
  memcpy(h->journal + h->size, bytes, size);
  h->size += size;
  h->journal[h->size] = 0;
}

static void note(host *h, const char *text) {
  note_bytes(h, text, strlen(text));
}

static void note_number(host *h, const char *what, double number) {
  char text[100];
  snprintf(text, sizeof(text), "%s%.17g", what, number);
  note(h, text);
}

/* ---- The world ------------------------------------------------------------*/

static double tell_time(void *user, torpor_clock which) {
  const host *h = user;
  return (which == TORPOR_CLOCK_WALL ? 1.7e12 : 5e6) + h->now * 1000.0;
}

static void give_zeros(void *user, void *data, size_t size) {
  (void)user;
  memset(data, 0, size);
}

static void listen(void *user, torpor_level level, const char *text,
                   size_t size) {
  (void)level;
  note(user, " says ");
  note_bytes(user, text, size);
}

static torpor_status give_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  char source[200];
  (void)user;
  if (strstr(request->name, "none"))
    return torpor_module_refuse(answer, TORPOR_NOT_FOUND, "not today");
  if (strstr(request->name, "later")) {
    answer->later = true;
    return TORPOR_OK;
  }
  snprintf(source, sizeof(source),
           "export const name = '%.40s'; export let count = state.n++;"
           "export function up() { return ++count }",
           request->name);
  return torpor_module_give(answer, source, strlen(source));
}

static torpor_options options_of(host *h) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.user = h;
  options.clock = tell_time;
  options.random = give_zeros;
  options.console = listen;
  options.module = give_module;
  options.memory_max = MEMORY_MAX;
  options.zone_is = TORPOR_ZONE_FIXED;
  options.zone_minutes = 90;
  if (h->restless) options.memory = (torpor_memory)roll(&h->dice, 3);
  return options;
}

/* ---- What programs call ---------------------------------------------------*/

static torpor_status make_many(torpor_vm *vm, double number,
                               torpor_value *result) {
  torpor_scope scope;
  torpor_status status = torpor_scope_open(vm, &scope);
  for (int i = 0; i < 60 && status == TORPOR_OK; i++)
    status = torpor_object_new(vm, result);
  if (status == TORPOR_OK)
    status = torpor_set(vm, *result, "made", torpor_number(number));
  if (status != TORPOR_OK) return status;
  return torpor_scope_leave(vm, scope, result);
}

/* host(kind, number, value) */
static torpor_status act(torpor_vm *vm, const torpor_arguments *arguments,
                         torpor_value *result, void *user) {
  const double number = torpor_value_number(torpor_argument(arguments, 1));
  const torpor_value value = torpor_argument(arguments, 2);
  char text[40];
  (void)user;
  switch ((int)torpor_value_number(torpor_argument(arguments, 0))) {
  case 0:
    *result = torpor_number(number * 2);
    return TORPOR_OK;
  case 1:
    snprintf(text, sizeof(text), "text %g \xc3\xa9", number);
    return torpor_string_new(vm, text, SIZE_MAX, result);
  case 2:
    return torpor_call(vm, value, arguments->self, &arguments->args[1], 1,
                       result);
  case 3:
    return torpor_operation_begin(vm, "ask", arguments->args[1], 0, NULL,
                                  result);
  case 4:
    return torpor_throw(vm, "RangeError", "not %g", number);
  case 5:
    return torpor_eval(vm, "state.n += 1; [state.n, new Error('here').stack]",
                       SIZE_MAX, "inner.js", TORPOR_SCRIPT, result);
  case 6:
    return make_many(vm, number, result);
  case 7:
    *result = value;
    return torpor_set(vm, value, "seen", torpor_number(number));
  case 8:
    return torpor_job_run(vm, 0, NULL); /* not here */
  case 9:
    return number > 70 ? TORPOR_INTERRUPTED : TORPOR_DENIED;
  default:
    *result = value;
    return TORPOR_OK;
  }
}

static torpor_status construct_box(torpor_vm *vm,
                                   const torpor_arguments *arguments,
                                   torpor_instance *instance, void *user) {
  const double number = torpor_value_number(torpor_argument(arguments, 0));
  (void)user;
  if (!(number >= 0)) return torpor_throw(vm, "TypeError", "a box of what?");
  instance->id = (uint64_t)number;
  instance->data = malloc(16);
  return instance->data ? TORPOR_OK : TORPOR_NOMEM;
}

static torpor_status restore_box(torpor_vm *vm, torpor_instance *instance,
                                 void *user) {
  (void)vm, (void)user;
  instance->data = malloc(16);
  return instance->data ? TORPOR_OK : TORPOR_NOMEM;
}

static void finalize_box(const torpor_instance *instance, void *user) {
  (void)user;
  free(instance->data);
}

static torpor_status box_id(torpor_vm *vm, const torpor_arguments *arguments,
                            torpor_value *result, void *user) {
  (void)vm, (void)user;
  memset(arguments->instance.data, 7, 16);
  *result = torpor_number((double)arguments->instance.id);
  return TORPOR_OK;
}

static const torpor_function_entry box_members[] = {
    {"id", box_id, 0, TORPOR_FUNCTION_GETTER}};

static torpor_class_def box_class(void) {
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  def.name = "Box";
  def.construct = construct_box;
  def.restore = restore_box;
  def.finalize = finalize_box;
  def.members = box_members;
  def.member_count = 1;
  return def;
}

static const torpor_function_entry functions[] = {
    {"host", act, 3, 0}, {"later", act, 3, TORPOR_FUNCTION_ASYNC}};

/* ---- Steps ----------------------------------------------------------------*/

#define PICK(table, which) (table)[(which) % (sizeof(table) / sizeof(*(table)))]

static void note_value(host *h, torpor_vm *vm, torpor_value value) {
  torpor_bytes text;
  torpor_status status = torpor_value_describe(vm, value, &text);
  note(h, " ");
  if (status != TORPOR_OK) {
    note(h, torpor_status_name(status));
    return;
  }
  note_bytes(h, text.data, text.size);
  torpor_bytes_free(&text);
}

static void note_outcome(host *h, slot *s, torpor_status status,
                         torpor_value value) {
  note(h, " ");
  note(h, torpor_status_name(status));
  if (status == TORPOR_OK)
    note_value(h, s->vm, value);
  else
    note(h, torpor_last_error(s->vm));
}

static void evaluate(host *h, slot *s, const char *format, unsigned number,
                     torpor_mode mode) {
  torpor_value value;
  torpor_status status;
  char source[800];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(source, sizeof(source), format, number);
#pragma GCC diagnostic pop
  status = torpor_eval(s->vm, source, SIZE_MAX, "life.js", mode, &value);
  note_outcome(h, s, status, value);
}

static void call_program(host *h, slot *s, const step *t) {
  torpor_value global, out = torpor_undefined();
  const torpor_value args[] = {torpor_number(t->which),
                               torpor_number(t->number)};
  torpor_status status = torpor_global(s->vm, &global);
  if (status == TORPOR_OK)
    status = torpor_call_method(s->vm, global, "work", args, 2, &out);
  note_outcome(h, s, status, out);
}

static void run_jobs(host *h, slot *s, const step *t) {
  uint32_t ran = 0;
  torpor_status status =
      torpor_job_run(s->vm, t->which % 2 ? 300 : t->number % 5 + 1, &ran);
  note_outcome(h, s, status, torpor_number(ran));
}

static void settle(host *h, slot *s, const step *t) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  size_t count = torpor_operation_count(s->vm);
  torpor_outcome outcome = t->number % 4 ? TORPOR_RESOLVE : TORPOR_REJECT;
  torpor_value value = torpor_number(t->number);
  torpor_status status;
  uint64_t id = 7777;
  note_number(h, " of ", (double)count);
  if (count > 0) {
    must(h, s->vm, torpor_operation_at(s->vm, t->which % count, &operation));
    note(h, operation.kind);
    id = operation.id;
  }
  if (t->number % 3 == 0)
    must(h, s->vm, torpor_error_new(s->vm, "Error", "settled", &value));
  status = torpor_operation_settle(s->vm, id, outcome, value);
  note_outcome(h, s, status, torpor_undefined());
}

/* The jobs that it leaves are run with what is left of the fuel. */
static void run_on_fuel(host *h, slot *s, const step *t) {
  torpor_status status;
  uint32_t ran = 0;
  torpor_vm_set_fuel(s->vm, 1 + t->number * t->number * 10);
  evaluate(h, s, PICK(life_long, t->which), t->number, TORPOR_SCRIPT);
  note_number(h, " left ", (double)torpor_vm_fuel(s->vm));
  status = torpor_job_run(s->vm, 500, &ran);
  note_outcome(h, s, status, torpor_number(ran));
  note_number(h, " left ", (double)torpor_vm_fuel(s->vm));
  torpor_vm_set_fuel(s->vm, 0);
}

static void use_token(host *h, slot *s, const step *t) {
  torpor_value value;
  torpor_status status;
  unsigned at = s->token_count ? t->which % s->token_count : 0;
  if (s->token_count < TOKENS && t->which % 3 == 0) {
    status = torpor_eval(
        s->vm, "[{t: state.n}, state.list, ask, 'text', 5n][state.n % 5]",
        SIZE_MAX, "token.js", TORPOR_SCRIPT, &value);
    if (status == TORPOR_OK)
      status = torpor_token_add(s->vm, value, &s->tokens[s->token_count]);
    note_outcome(h, s, status, torpor_undefined());
    if (status == TORPOR_OK) s->token_count++;
    return;
  }
  if (s->token_count == 0) return;
  status = torpor_token_value(s->vm, s->tokens[at], &value);
  note_outcome(h, s, status, value);
  if (t->which % 3 == 1) {
    must(h, s->vm, torpor_token_remove(s->vm, s->tokens[at]));
    s->tokens[at] = s->tokens[--s->token_count];
  }
}

/* Plain data out and in again. */
static void carry_data(host *h, slot *s) {
  torpor_value value, global;
  torpor_bytes tree;
  torpor_status status =
      torpor_eval(s->vm, "({list: state.list, map: state.map, n: state.n})",
                  SIZE_MAX, "data.js", TORPOR_SCRIPT, &value);
  if (status == TORPOR_OK) status = torpor_cbor_encode(s->vm, value, &tree);
  if (status == TORPOR_OK) {
    note_number(h, " bytes ", (double)tree.size);
    status = torpor_cbor_decode(s->vm, tree.data, tree.size, &value);
    torpor_bytes_free(&tree);
  }
  if (status == TORPOR_OK) status = torpor_global(s->vm, &global);
  if (status == TORPOR_OK) status = torpor_set(s->vm, global, "data", value);
  note_outcome(h, s, status, value);
}

static void give_box(host *h, slot *s, const step *t) {
  torpor_instance instance = {t->which, malloc(16)};
  torpor_value box, global;
  torpor_status status = torpor_instance_new(s->vm, "Box", &instance, &box);
  if (status != TORPOR_OK) free(instance.data);
  if (status == TORPOR_OK) status = torpor_global(s->vm, &global);
  if (status == TORPOR_OK) status = torpor_set(s->vm, global, "given", box);
  note_outcome(h, s, status, box);
}

static void take_rejections(host *h, slot *s) {
  torpor_value reason;
  torpor_status status = TORPOR_OK;
  for (int i = 0; i < 3 && status == TORPOR_OK; i++) {
    status = torpor_rejection_take(s->vm, &reason);
    note_outcome(h, s, status, reason);
  }
}

static void forget_chain(slot *s) {
  while (s->chain_count > 0) torpor_bytes_free(&s->chain[--s->chain_count]);
}

static void close_vm(slot *s) {
  torpor_vm_close(s->vm);
  s->vm = NULL;
  s->token_count = 0;
  forget_chain(s);
}

static void open_program(host *h, slot *s) {
  torpor_options options = options_of(h);
  const torpor_class_def box = box_class();
  torpor_scope scope;
  torpor_value global;
  must(h, NULL, torpor_vm_open(&options, &s->vm));
  must(h, s->vm, torpor_scope_open(s->vm, &scope));
  must(h, s->vm, torpor_global(s->vm, &global));
  must(h, s->vm, torpor_function_add_all(s->vm, global, functions, 2, NULL));
  must(h, s->vm, torpor_class_add(s->vm, &box));
  must(h, s->vm,
       torpor_eval(s->vm, life_program, SIZE_MAX, "program.js", TORPOR_SCRIPT,
                   NULL));
  must(h, s->vm, torpor_scope_close(s->vm, scope));
}

static void take_step_of(host *h, slot *s, const step *t) {
  switch (t->kind) {
  case SCRIPT:
    evaluate(h, s, PICK(life_scripts, t->which), t->number, TORPOR_SCRIPT);
    break;
  case MODULE:
    evaluate(h, s,
             "import {up, name} from 'lib%1$u'; state.log.push(up(), name);"
             "await ask(%1$u); export default 1",
             t->number, TORPOR_MODULE);
    break;
  case CALL:
    call_program(h, s, t);
    break;
  case JOBS:
    run_jobs(h, s, t);
    break;
  case SETTLE:
    settle(h, s, t);
    break;
  case FUEL:
    run_on_fuel(h, s, t);
    break;
  case GREED:
    evaluate(h, s, PICK(life_greedy, t->which), t->number + 1, TORPOR_SCRIPT);
    break;
  case TOKEN:
    use_token(h, s, t);
    break;
  case DATA:
    carry_data(h, s);
    break;
  case BOX:
    give_box(h, s, t);
    break;
  case COLLECT:
    note_outcome(h, s, torpor_vm_collect(s->vm), torpor_undefined());
    break;
  case REJECTION:
    take_rejections(h, s);
    break;
  case FRESH:
    close_vm(s);
    open_program(h, s);
    break;
  case KIND_COUNT:
    break;
  }
}

/* A VM that broke is replaced. */
static void take_step(host *h, const step *t) {
  slot *s = &h->slots[t->slot];
  torpor_scope scope;
  note_number(h, "\n", h->now);
  note(h, kind_names[t->kind]);
  must(h, s->vm, torpor_scope_open(s->vm, &scope));
  take_step_of(h, s, t);
  if (t->kind == FRESH || torpor_scope_close(s->vm, scope) == TORPOR_OK) return;
  note(h, " BROKEN");
  close_vm(s);
  open_program(h, s);
}

/* ---- Restlessness ---------------------------------------------------------*/

/* 'vm' takes the place of the slot's. */
static void go_on_with(host *h, slot *s, torpor_vm *vm) {
  const torpor_class_def box = box_class();
  torpor_vm_close(s->vm);
  s->vm = vm;
  must(h, vm, torpor_function_bind_all(vm, functions, 2, NULL));
  must(h, vm, torpor_class_bind(vm, &box));
}

static torpor_bytes save(host *h, slot *s, unsigned flags) {
  unsigned threads = roll(&h->dice, 4);
  torpor_save_options options =
      threads == 0 ? *TEST_SAVE(flags) : *TEST_PACK(flags, threads - 1);
  torpor_snapshot_job *job;
  torpor_bytes bytes;
  if (roll(&h->dice, 5) == 0) options.flags |= (unsigned)TORPOR_SAVE_WAITING;
  if (roll(&h->dice, 3) > 0) {
    must(h, s->vm, torpor_snapshot_save_with(s->vm, &options, &bytes));
  } else {
    must(h, s->vm, torpor_snapshot_save_start(s->vm, &options, &job));
    must(h, NULL, torpor_snapshot_job_finish(job, &bytes));
  }
  return bytes;
}

static void wake_whole(host *h, slot *s) {
  torpor_options options = options_of(h);
  torpor_bytes bytes = save(h, s, 0);
  torpor_vm *vm;
  must(h, NULL, torpor_snapshot_restore(bytes.data, bytes.size, &options, &vm));
  go_on_with(h, s, vm);
  forget_chain(s);
  torpor_bytes_free(&bytes);
}

/* Adds what there is now to the chain. */
static void lengthen(host *h, slot *s) {
  unsigned flags = TORPOR_SAVE_PARENT;
  if (s->chain_count == PIECES) forget_chain(s);
  if (s->chain_count > 0) flags |= (unsigned)TORPOR_SAVE_DELTA;
  s->chain[s->chain_count] = save(h, s, flags);
  s->chain_count++;
}

static unsigned list_chain(const slot *s, torpor_slice slices[PIECES]) {
  for (unsigned i = 0; i < s->chain_count; i++)
    slices[i] = (torpor_slice){s->chain[i].data, s->chain[i].size};
  return s->chain_count;
}

static void wake_chain(host *h, slot *s) {
  torpor_options options = options_of(h);
  torpor_slice slices[PIECES];
  torpor_vm *vm;
  lengthen(h, s);
  must(h, NULL,
       torpor_snapshot_restore_chain(slices, list_chain(s, slices), &options,
                                     &vm));
  go_on_with(h, s, vm);
}

static void wake_from_base(host *h, slot *s) {
  torpor_options options = options_of(h);
  torpor_slice slices[PIECES];
  unsigned first, count;
  torpor_vm *vm;
  lengthen(h, s);
  count = list_chain(s, slices);
  first = 1 + roll(&h->dice, count);
  torpor_base_close(h->base);
  must(h, NULL, torpor_base_open(slices, first, &options, &h->base));
  must(h, NULL,
       torpor_base_restore(h->base, slices + first, count - first, &options,
                           &vm));
  go_on_with(h, s, vm);
}

/* The copy lives on; or the original does, and the copy does something. */
static void fork_vm(host *h, slot *s) {
  torpor_options options = options_of(h);
  torpor_vm *copy;
  options.user = h;
  must(h, s->vm, torpor_vm_fork(s->vm, &options, &copy));
  if (roll(&h->dice, 2) == 0) {
    go_on_with(h, s, copy);
    forget_chain(s);
    return;
  }
  options.console = NULL;
  must(h, copy,
       torpor_eval(copy, "state.list = state.map = null; 1", SIZE_MAX, "c.js",
                   TORPOR_SCRIPT, NULL));
  torpor_vm_close(copy);
}

/* A VM that has nothing to do with it comes and goes. */
static void disturb(host *h) {
  torpor_vm *vm;
  must(h, NULL, torpor_vm_open(NULL, &vm));
  must(h, vm,
       torpor_eval(vm, "globalThis.a = new Array(9000).fill('b'); 1", SIZE_MAX,
                   "other.js", TORPOR_SCRIPT, NULL));
  torpor_vm_close(vm);
  if (roll(&h->dice, 4) == 0) torpor_pool_drain();
}

static void be_restless(host *h) {
  slot *s = &h->slots[roll(&h->dice, VMS)];
  switch (roll(&h->dice, 9)) {
  case 0:
  case 1:
    wake_whole(h, s);
    break;
  case 2:
    lengthen(h, s);
    break;
  case 3:
  case 4:
    wake_chain(h, s);
    break;
  case 5:
    wake_from_base(h, s);
    break;
  case 6:
    fork_vm(h, s);
    break;
  case 7:
    disturb(h);
    break;
  default:
    break;
  }
}

/* ---- Leading a life -------------------------------------------------------*/

/* What each VM is in the end goes into the journal, and all ends. */
static void end_life(host *h) {
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
  torpor_bytes bytes;
  for (unsigned i = 0; i < VMS; i++) {
    slot *s = &h->slots[i];
    note_number(h, "\nVM ", i);
    must(h, s->vm, torpor_snapshot_save(s->vm, &bytes));
    must(h, NULL, torpor_snapshot_identify(bytes.data, bytes.size, id));
    for (unsigned k = 0; k < 8; k++) note_number(h, " ", id[k]);
    note_number(h, " size ", (double)bytes.size);
    torpor_bytes_free(&bytes);
    close_vm(s);
  }
  torpor_base_close(h->base);
  h->base = NULL;
}

/* Some steps, from h->now on, and what is between them. */
static void *lead_on(void *user) {
  host *h = user;
  unsigned end = h->now + AT_ONCE;
  for (; h->now < end && h->now < STEPS; h->now++) {
    for (unsigned i = 0; h->now == 0 && i < VMS; i++)
      open_program(h, &h->slots[i]);
    if (h->restless) be_restless(h);
    take_step(h, &h->life->steps[h->now]);
  }
  if (h->now == STEPS) end_life(h);
  return NULL;
}

/* A restless host leads its life on one thread after the other. */
static void *lead(void *user) {
  host *h = user;
  while (h->now < STEPS) {
    pthread_t thread;
    if (!h->restless) {
      lead_on(h);
      continue;
    }
    if (pthread_create(&thread, NULL, lead_on, h) != 0 ||
        pthread_join(thread, NULL) != 0)
      end_badly(h, "no thread");
  }
  return NULL;
}

/* The line in which the journals differ. */
static void compare(const host *plain, const host *restless) {
  const char *a = plain->journal, *b = restless->journal;
  size_t at = 0, line = 0;
  if (plain->size == restless->size && memcmp(a, b, plain->size) == 0) return;
  while (a[at] && a[at] == b[at]) {
    if (a[at] == '\n') line = at + 1;
    at++;
  }
  print_error("seed %u\n   plain: %.*s\nrestless: %.*s\n", plain->life->seed,
              (int)strcspn(a + line, "\n"), a + line,
              (int)strcspn(b + line, "\n"), b + line);
  fail();
}

/* Small VMs go the ways of large ones where thresholds are low. */
static void choose_thresholds(unsigned seed) {
  bool low = seed % 2;
  torpor__share_from = low ? 1 : 128;
  torpor__copy_most = low ? seed % 3 : 256;
  torpor__restored_copied = low ? 0 : 1 << 20;
  torpor__written_kept = low ? 1 << 16 : 4 << 20;
  torpor__whole_from = low ? 0 : 1 << 20;
}

static void lead_life(unsigned seed) {
  life l;
  host hosts[1 + RESTLESS] = {{0}};
  pthread_t threads[1 + RESTLESS];
  make_life(&l, seed);
  choose_thresholds(seed);
  for (unsigned i = 0; i <= RESTLESS; i++) {
    hosts[i] = (host){.life = &l, .restless = i > 0, .dice = {seed * 3 + i}};
    if (i == 0)
      lead(&hosts[i]);
    else
      assert_int_equal(pthread_create(&threads[i], NULL, lead, &hosts[i]), 0);
  }
  for (unsigned i = 1; i <= RESTLESS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    compare(&hosts[0], &hosts[i]);
  }
  for (unsigned i = 0; i <= RESTLESS; i++) free(hosts[i].journal);
}

static void test_lives(void **state) {
  unsigned count = test_count("TORPOR_LIVES", 20, 1000);
  unsigned first = test_count("TORPOR_SEED", 1, 1);
  (void)state;
  for (unsigned seed = first; seed < first + count; seed++) lead_life(seed);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_lives)};
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
