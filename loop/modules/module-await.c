/* SPDX-License-Identifier: MIT */
/* module-await.c - a promise that is settled when a descriptor is ready.
 *
 * The poll is made before the promise, so that there is no promise that nobody
 * settles.
 *
 * See module.h. */
#include "loop/modules/module.h"

struct awaited {
  torpor_module *module;
  torpor_deferred *deferred;
  torpor_poll *poll;
  torpor_module_answer_fn answer;
  void *user;
  void (*finalize)(void *user);
};

static void finalize(const struct awaited *awaited) {
  if (awaited->finalize != NULL) awaited->finalize(awaited->user);
}

/* Nobody waits any more. */
static void give_up(void *user) {
  struct awaited *awaited = user;
  torpor_poll_close(awaited->poll);
  torpor_deferred_close(awaited->deferred);
  finalize(awaited);
  free(awaited);
}

static void settle(const struct awaited *awaited, torpor_vm *vm) {
  torpor_value value = torpor_undefined();
  torpor_status status =
      awaited->answer(vm, awaited->module, &value, awaited->user);
  if (status == TORPOR_OK)
    torpor_deferred_resolve(awaited->deferred, value);
  else if (status == TORPOR_THROWN)
    torpor_deferred_reject(awaited->deferred, torpor_exception(vm));
  else
    torpor_deferred_fail(awaited->deferred, "Error", torpor_status_text(status),
                         NULL);
}

/* torpor_ready_fn */
static void be_ready(void *user, unsigned events) {
  const struct awaited awaited = *(struct awaited *)user;
  torpor_vm *vm = torpor_module_vm(awaited.module);
  torpor_scope scope;
  (void)events;
  torpor_poll_close(awaited.poll);
  torpor_deferred_on_cancel(awaited.deferred, NULL, NULL);
  free(user);
  if (torpor_scope_open(vm, &scope) == TORPOR_OK) {
    settle(&awaited, vm);
    torpor_scope_close(vm, scope);
  } else {
    torpor_deferred_close(awaited.deferred);
  }
  finalize(&awaited);
}

static torpor_status fail_watching(torpor_module *module, const char *what,
                                   torpor_status status) {
  if (status != TORPOR_EXISTS && status != TORPOR_UNSUPPORTED) return status;
  return torpor_throw(torpor_module_vm(module), "Error",
                      status == TORPOR_EXISTS
                          ? "%s: another promise waits for the same thing"
                          : "%s: a file cannot be waited for",
                      what);
}

torpor_status torpor_module_await(torpor_module *module, const char *what,
                                  int descriptor, unsigned events,
                                  torpor_module_answer_fn answer, void *user,
                                  void (*end)(void *user),
                                  torpor_value *promise) {
  if (module == NULL || what == NULL || answer == NULL || events == 0)
    return TORPOR_MISUSE;
  struct awaited *awaited = malloc(sizeof(*awaited));
  if (awaited == NULL) return TORPOR_NOMEM;
  *awaited = (struct awaited){
      .module = module, .answer = answer, .user = user, .finalize = end};
  torpor_status status = torpor_module_watch(module, descriptor, events,
                                             be_ready, awaited, &awaited->poll);
  if (status != TORPOR_OK) {
    free(awaited);
    return fail_watching(module, what, status);
  }
  status = torpor_deferred_open(module, what, promise, &awaited->deferred);
  if (status != TORPOR_OK) {
    torpor_poll_close(awaited->poll);
    free(awaited);
    return status;
  }
  torpor_deferred_on_cancel(awaited->deferred, give_up, awaited);
  return TORPOR_OK;
}
