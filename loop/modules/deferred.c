/* SPDX-License-Identifier: MIT */
/* deferred.c - promises that C modules settle.
 *
 * Each is an operation of kind "module-call", whose request says what is under
 * way, so that the loop waits for it and the program can sleep meanwhile. The
 * driver of that kind finds the deferred that an operation belongs to:
 *
 *   torpor_deferred_open ──► begun ── the VM is pumped ──► started
 *                              │                             │
 *              resolve, reject │       resolve, reject, a letter arrives
 *                              ▼                             ▼
 *                            gone ◄──────────────────────── gone
 *
 * and one that finds none belonged to a VM that slept: it is lost. The driver
 * says so itself, since it knows what was under way; so it claims to reattach.
 *
 *  (1) A deferred is in a list of its home until nobody waits for it any more:
 *      the operation was settled, the VM detached, or closed. Then 'home' is
 *      NULL, and its owner still has it.
 *  (2) Settling it takes it from its owner: it is freed, or on its way in the
 *      mailbox of the loop.
 *  (3) A letter that arrives before the operation was started waits in the
 *      deferred.
 *
 * Runs on the VM's thread, but for torpor_deferred_complete, _fail and _close,
 * which touch nothing but the letter. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/array.h"
#include "loop/mail.h"
#include "loop/modules/module.h"

static const char KIND[] = "module-call";

struct torpor_deferred {
  struct torpor__letter letter; /* first: a letter is its deferred */
  struct torpor__link link;     /* in a list of its home */
  struct torpor__modules *home;
  struct torpor__mailbox *mailbox;
  uint64_t id;       /* of the operation */
  torpor_task *task; /* NULL until it is started */
  void (*cancel)(void *user);
  void *user;
  bool arrived; /* (3) */
  torpor_outcome outcome;
  torpor_bytes data; /* empty: memory ran out */
};

static torpor_deferred *deferred_of(struct torpor__link *link) {
  return (torpor_deferred *)((char *)link - offsetof(torpor_deferred, link));
}

static void free_deferred(torpor_deferred *deferred) {
  assert(deferred->home == NULL && deferred->task == NULL);
  torpor__mail_release(deferred->mailbox);
  torpor_bytes_free(&deferred->data);
  free(deferred);
}

/* Nobody waits for it any more. */
static void leave(torpor_deferred *deferred) {
  torpor__link_remove(&deferred->link);
  deferred->home = NULL;
  if (deferred->task != NULL) torpor_task_set_state(deferred->task, NULL);
  deferred->task = NULL;
}

/* The same, and its owner is told, who may end it in that call; if it still has
 * one. A letter that is on its way frees the deferred when it arrives. */
static void abandon(torpor_deferred *deferred) {
  bool posted = torpor__mail_is_posted(deferred->mailbox, &deferred->letter);
  bool arrived = deferred->arrived;
  leave(deferred);
  if (arrived)
    free_deferred(deferred);
  else if (!posted && deferred->cancel != NULL)
    deferred->cancel(deferred->user);
}

void torpor__deferreds_leave(struct torpor__modules *modules) {
  while (!torpor__list_empty(&modules->begun))
    abandon(deferred_of(modules->begun.next));
  while (!torpor__list_empty(&modules->started))
    abandon(deferred_of(modules->started.next));
}

/* ---- Beginning -----------------------------------------------------------*/

static void letter_arrived(struct torpor__letter *letter);

static torpor_deferred *new_deferred(struct torpor__modules *home,
                                     const torpor_loop *loop) {
  torpor_deferred *deferred = calloc(1, sizeof(*deferred));
  if (deferred == NULL) return NULL;
  deferred->letter.arrived = letter_arrived;
  torpor__list_init(&deferred->letter.link);
  torpor__list_append(&home->begun, &deferred->link);
  deferred->home = home;
  deferred->mailbox = torpor__mail_retain(loop->mailbox);
  return deferred;
}

/* Begins the operation, whose request is "MODULE.WHAT". */
static torpor_status begin(torpor_module *module, const char *what,
                           uint64_t *id, torpor_value *promise) {
  char text[TORPOR__MODULE_NAME_LARGEST + 66];
  torpor_value request;
  snprintf(text, sizeof(text), "%s.%.64s", module->name, what);
  torpor_status status =
      torpor_string_new(module->home->vm, text, SIZE_MAX, &request);
  if (status != TORPOR_OK) return status;
  return torpor_operation_begin(module->home->vm, KIND, request, 0, id,
                                promise);
}

torpor_status torpor_deferred_open(torpor_module *module, const char *what,
                                   torpor_value *promise,
                                   torpor_deferred **out) {
  if (out == NULL) return TORPOR_MISUSE;
  *out = NULL;
  if (module == NULL || what == NULL) return TORPOR_MISUSE;
  const torpor_loop *loop = torpor_module_loop(module);
  if (loop == NULL) return torpor__module_lacks_loop(module, what);
  torpor_deferred *deferred = new_deferred(module->home, loop);
  if (deferred == NULL) return TORPOR_NOMEM;
  torpor_status status = begin(module, what, &deferred->id, promise);
  if (status == TORPOR_OK) {
    *out = deferred;
    return TORPOR_OK;
  }
  leave(deferred);
  free_deferred(deferred);
  return status;
}

void torpor_deferred_on_cancel(torpor_deferred *deferred,
                               void (*cancel)(void *user), void *user) {
  deferred->cancel = cancel;
  deferred->user = user;
}

/* ---- Ending it on the VM's thread ----------------------------------------*/

/* Ends the operation with an error that is known to be at hand. */
static void fail_task(torpor_task *task, const char *message) {
  torpor_task_fail(task, "Error", message, NULL);
}

static torpor_status settle(torpor_deferred *deferred, torpor_outcome outcome,
                            torpor_value value) {
  struct torpor__modules *home = deferred->home;
  if (home == NULL) {
    free_deferred(deferred);
    return TORPOR_CANCELLED;
  }
  uint64_t id = deferred->id;
  torpor_task *task = deferred->task;
  leave(deferred);
  free_deferred(deferred);
  torpor_status status = torpor_operation_settle(home->vm, id, outcome, value);
  torpor__attached_loop(home->attached)->stirred = true;
  if (status == TORPOR_OK)
    torpor__attached_drop(home->attached, id);
  else if (task != NULL)
    fail_task(task, "the answer of a module could not be taken in");
  return status;
}

torpor_status torpor_deferred_resolve(torpor_deferred *deferred,
                                      torpor_value value) {
  return settle(deferred, TORPOR_RESOLVE, value);
}

torpor_status torpor_deferred_reject(torpor_deferred *deferred,
                                     torpor_value reason) {
  return settle(deferred, TORPOR_REJECT, reason);
}

/* ---- Ending it from any thread -------------------------------------------*/

/* The deferred has its answer. */
static void post(torpor_deferred *deferred) {
  struct torpor__mailbox *mailbox = torpor__mail_retain(deferred->mailbox);
  if (!torpor__mail_post(mailbox, &deferred->letter)) free_deferred(deferred);
  torpor__mail_release(mailbox);
}

void torpor_deferred_complete(torpor_deferred *deferred, torpor_outcome outcome,
                              const void *data, size_t size) {
  uint8_t *copy = torpor__array_copy(data, size);
  deferred->outcome = outcome;
  if (copy != NULL) deferred->data = (torpor_bytes){copy, size};
  post(deferred);
}

void torpor_deferred_fail(torpor_deferred *deferred, const char *name,
                          const char *message, const char *code) {
  deferred->outcome = TORPOR_REJECT;
  torpor_cbor_error(name, message, code, &deferred->data);
  post(deferred);
}

void torpor_deferred_close(torpor_deferred *deferred) {
  if (deferred == NULL) return;
  torpor_deferred_fail(deferred, "Error",
                       "the module gave no answer: what it waited for was "
                       "given up",
                       NULL);
}

/* ---- The driver ----------------------------------------------------------*/

/* Completes the task of 'deferred', which ends with that. */
static void finish(torpor_deferred *deferred) {
  torpor_task *task = deferred->task;
  torpor_bytes data = deferred->data;
  torpor_outcome outcome = deferred->outcome;
  deferred->data = (torpor_bytes){NULL, 0};
  leave(deferred);
  free_deferred(deferred);
  if (data.data == NULL)
    torpor_task_fail(task, "RangeError", "out of memory on the host", NULL);
  else
    torpor__task_finish(task, outcome,
                        (struct torpor__result){.memory = data.data,
                                                .data = data.data,
                                                .size = data.size});
}

static void letter_arrived(struct torpor__letter *letter) {
  torpor_deferred *deferred = (torpor_deferred *)letter;
  if (deferred->home == NULL) {
    free_deferred(deferred);
    return;
  }
  deferred->arrived = true;
  if (deferred->task != NULL) finish(deferred);
}

/* Loses an operation that no deferred of this process is for. */
static void lose(torpor_task *task) {
  const torpor_operation *operation = torpor_task_operation(task);
  torpor_reader *reader;
  char what[TORPOR__MODULE_NAME_LARGEST + 66] = "a function of a C module";
  if (torpor_reader_open(operation->request, operation->request_size,
                         &reader) == TORPOR_OK) {
    torpor_slice text = torpor_reader_string(reader);
    if (text.size > 0 && text.size < sizeof(what))
      snprintf(what, sizeof(what), "%.*s", (int)text.size,
               (const char *)text.data);
    torpor_reader_close(reader);
  }
  char message[256];
  snprintf(message, sizeof(message),
           "%s was under way when the program slept or moved, and what it "
           "waited for is lost; call it again",
           what);
  torpor_task_fail(task, "LostError", message, "LOST");
}

static void start(torpor_task *task, void *user) {
  struct torpor__tenant *tenant = torpor__attached_tenant(task);
  uint64_t id = torpor_task_operation(task)->id;
  (void)user;
  if (tenant == NULL) {
    lose(task);
    return;
  }
  struct torpor__modules *modules = (struct torpor__modules *)tenant;
  struct torpor__link *link = modules->begun.next;
  while (link != &modules->begun && deferred_of(link)->id != id)
    link = link->next;
  if (link == &modules->begun) {
    lose(task);
    return;
  }
  torpor_deferred *deferred = deferred_of(link);
  torpor__link_remove(link);
  torpor__list_append(&modules->started, link);
  deferred->task = task;
  torpor_task_set_state(task, deferred);
  if (deferred->arrived) finish(deferred);
}

static void cancel(torpor_task *task, void *user) {
  torpor_deferred *deferred = torpor_task_state(task);
  (void)user;
  if (deferred != NULL) abandon(deferred);
}

torpor_status torpor__deferred_add(torpor_loop *loop) {
  static const torpor_driver driver = {.size = sizeof(torpor_driver),
                                       .kind = KIND,
                                       .waking = TORPOR_REATTACH,
                                       .start = start,
                                       .cancel = cancel};
  return torpor_loop_add_driver(loop, &driver);
}
