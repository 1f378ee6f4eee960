/* SPDX-License-Identifier: MIT */
/* worker.c - programs that run beside a program, each in a thread of its own.
 *
 *   worker         {fd, module}    starts one; 'fd' is its port. 'module': an
 *                                  absolute path, or a name as "app:///a.js" of
 *                                  one that the host has (torpor_attachment)
 *   worker-post    {fd, message}   posts a message through a port
 *   worker-end     {fd}            undefined when the other side has ended; an
 *                                  error if that is why. The loop does not go
 *                                  on for its sake
 *   descriptor-next {fd}           the next message: {fd, message}, as it was
 *                                  posted; null at the end
 *
 * In a worker the port to its parent is descriptor TORPOR__PARENT_PORT.
 *
 *        parent's thread                       worker's thread
 *   VM -- loop -- world -- port ===channel=== port -- world -- loop -- VM
 *
 *  (1) The threads share the channel, which has a lock, the access, which
 *      nobody changes, and the stop of struct thread, which is under its lock.
 *  (2) A worker ends with its port: closing it stops its loop, interrupts its
 *      VM, and waits for the thread.
 *  (3) The limits of a worker are those of its parent's VM when it was started.
 *
 * Waking: TORPOR_LOST. A worker is not part of a snapshot.
 *
 * Runs on the thread of whose port it is; 'run_thread' and what it calls on the
 * worker's. */
#include <errno.h>
#include <stdio.h>

#include "loop/path.h"
#include "loop/process/channel.h"
#include "loop/task-end.h"
#include "loop/world.h"

/* Most workers of one program, and the number of the port to the parent. */
enum { WORKERS_MAX = 64 };
#define TORPOR__PARENT_PORT UINT64_C(4294967295)

/* ---- The thread ----------------------------------------------------------*/

struct thread {
  uv_thread_t id;
  uv_mutex_t lock;
  torpor_loop *loop; /* under the lock; NULL: there is none yet or any more */
  torpor_stop *stop; /* the same */
  bool stopping;     /* the same */

  struct torpor__channel *channel;
  const torpor_access *access;
  const torpor_attachment *parent;
  torpor_options options;
  char *module;
  char *engine, *omit; /* that 'options' points to */

  /* The worker's thread's own. */
  torpor_vm *vm;
  torpor_loader *loader;
  torpor_bytes error; /* what ended it, as CBOR */
  bool exited;        /* by std.exit */
};

static void keep_failure(struct thread *thread, const char *name,
                         const char *message) {
  if (thread->error.data == NULL)
    torpor_cbor_error(name, message, NULL, &thread->error);
}

/* Keeps 'reason' as what ended the worker; a sentence, if it is no data. */
static void keep_reason(struct thread *thread, torpor_value reason) {
  if (thread->error.data != NULL) return;
  if (torpor_cbor_encode(thread->vm, reason, &thread->error) == TORPOR_OK)
    return;
  thread->error = (torpor_bytes){0};
  keep_failure(thread, "Error", "a worker threw what cannot be copied");
}

/* torpor_attachment.rejected */
static void note_rejection(void *user, torpor_vm *vm, torpor_value reason) {
  struct thread *thread = user;
  (void)vm;
  keep_reason(thread, reason);
  torpor_loop_stop(thread->loop);
}

/* torpor_attachment.exit: it ends the worker alone. */
static void note_exit(void *user, int code) {
  struct thread *thread = user;
  (void)code;
  thread->exited = true;
  torpor_loop_stop(thread->loop);
}

/* torpor_options.interrupt */
static bool is_stopping(void *user) {
  const struct thread *thread = user;
  return thread->loop != NULL && torpor_loop_stopping(thread->loop);
}

/* torpor_options.console: stdio's lock keeps lines whole. */
static void write_console(void *user, torpor_level level, const char *text,
                          size_t size) {
  FILE *file = level >= TORPOR_LEVEL_WARN ? stderr : stdout;
  (void)user;
  if (file == stderr) fflush(stdout);
  flockfile(file);
  if (fwrite(text, 1, size, file) != size || fputc('\n', file) == EOF)
    clearerr(file);
  funlockfile(file);
}

/* torpor_attachment.worker_module, of the workers of a worker. */
static torpor_status load_for_worker(void *user,
                                     const torpor_module_request *request,
                                     torpor_module_answer *answer) {
  const torpor_attachment *parent = ((struct thread *)user)->parent;
  return parent->worker_module == NULL
             ? TORPOR_UNSUPPORTED
             : parent->worker_module(parent->user, request, answer);
}

/* torpor_options.module */
static torpor_status load_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  struct thread *thread = user;
  torpor_status status = load_for_worker(thread, request, answer);
  return status == TORPOR_UNSUPPORTED
             ? torpor_loader_source(thread->loader, request, answer)
             : status;
}

/* torpor_options.resolve, and of the workers of a worker. */
static torpor_status resolve_module(void *user, const char *specifier,
                                    const char *importer,
                                    torpor_module_answer *answer) {
  const torpor_attachment *parent = ((struct thread *)user)->parent;
  return parent->worker_resolve == NULL
             ? torpor_loader_resolve(NULL, specifier, importer, answer)
             : parent->worker_resolve(parent->user, specifier, importer,
                                      answer);
}

/* torpor_turned_fn */
static bool flush_output(void *user) {
  (void)user;
  fflush(stdout);
  return false;
}

static torpor_status open_vm(struct thread *thread) {
  torpor_bytes nothing;
  torpor_options *options = &thread->options;
  options->user = thread;
  options->console = write_console;
  options->module = load_module;
  options->resolve = resolve_module;
  options->interrupt = is_stopping;
  torpor_status status =
      torpor_loader_open(NULL, thread->access, &thread->loader, &nothing);
  if (status == TORPOR_OK) status = torpor_vm_open(options, &thread->vm);
  return status;
}

static bool add_port(torpor_world *world, uint64_t number,
                     struct thread *thread, struct torpor__channel *channel,
                     enum torpor__side side);

static torpor_status attach(struct thread *thread, torpor_loop *loop) {
  torpor_attachment world = TORPOR_ATTACHMENT_INIT;
  world.access = thread->access;
  world.standard = true;
  world.rejected = note_rejection;
  world.exit = note_exit;
  world.user = thread;
  world.worker_module = load_for_worker;
  world.worker_resolve = resolve_module;
  torpor_loop_on_turn(loop, flush_output, thread);
  torpor_status status = torpor_loop_attach(loop, thread->vm, &world);
  if (status != TORPOR_OK) return status;
  torpor_world *made = torpor__attached_world(loop, thread->vm);
  made->is_worker = true;
  return add_port(made, TORPOR__PARENT_PORT, NULL, thread->channel,
                  TORPOR__CHILD)
             ? TORPOR_OK
             : TORPOR_NOMEM;
}

/* Lets others stop it from here on, or no more. */
static void set_stop(struct thread *thread, torpor_loop *loop,
                     torpor_stop *stop) {
  uv_mutex_lock(&thread->lock);
  thread->loop = loop;
  thread->stop = stop;
  if (loop != NULL && thread->stopping) torpor_loop_stop(loop);
  uv_mutex_unlock(&thread->lock);
}

/* Begins to evaluate the file 'module': a promise. */
static torpor_status start_file(struct thread *thread, torpor_value *main) {
  torpor_bytes source;
  torpor_status status =
      torpor_loader_module(thread->loader, thread->module, &source);
  if (status != TORPOR_OK) {
    keep_failure(thread, status == TORPOR_DENIED ? "NotAllowedError" : "Error",
                 torpor_loader_error(thread->loader));
    return status;
  }
  status = torpor_eval(thread->vm, (char *)source.data, source.size,
                       thread->module, TORPOR_MODULE, main);
  torpor_bytes_free(&source);
  return status;
}

/* The same for a module that the host has: imports it. */
static torpor_status start_named(struct thread *thread, torpor_value *main) {
  torpor_value name, global, begin;
  torpor_status status =
      torpor_string_new(thread->vm, thread->module, SIZE_MAX, &name);
  if (status == TORPOR_OK)
    status = torpor_eval(thread->vm, "(name) => import(name)", SIZE_MAX, "",
                         TORPOR_SCRIPT, &begin);
  if (status == TORPOR_OK) status = torpor_global(thread->vm, &global);
  return status == TORPOR_OK
             ? torpor_call(thread->vm, begin, global, &name, 1, main)
             : status;
}

static void run_program(struct thread *thread, torpor_loop *loop) {
  torpor_value main;
  torpor_status status = thread->module[0] == '/' ? start_file(thread, &main)
                                                  : start_named(thread, &main);
  if (thread->error.data != NULL) return;
  torpor_loader_linked(thread->loader);
  if (status == TORPOR_OK)
    status = torpor_loop_finish(loop, thread->vm, main, NULL);
  if (status == TORPOR_THROWN)
    keep_reason(thread, torpor_exception(thread->vm));
  else if (status != TORPOR_OK && status != TORPOR_CANCELLED &&
           !torpor_loop_stopping(loop) && !thread->exited)
    keep_failure(thread, "Error",
                 status == TORPOR_DEADLOCK
                     ? "a worker waits for a promise that nothing can settle"
                     : torpor_last_error(thread->vm));
}

/* uv_thread_cb */
static void run_thread(void *user) {
  struct thread *thread = user;
  torpor_loop *loop = NULL;
  torpor_stop *stop = NULL;
  torpor_status status = torpor_loop_open(NULL, &loop);
  if (status == TORPOR_OK) status = open_vm(thread);
  if (status == TORPOR_OK) status = torpor_stop_open(thread->vm, &stop);
  if (status == TORPOR_OK) {
    set_stop(thread, loop, stop);
    status = attach(thread, loop);
  }
  if (status == TORPOR_OK)
    run_program(thread, loop);
  else
    keep_failure(thread, "Error", "a worker could not be opened");
  set_stop(thread, NULL, NULL);
  fflush(stdout);
  torpor_loop_close(loop);
  torpor_vm_close(thread->vm);
  torpor_stop_close(stop);
  torpor_loader_close(thread->loader);
  torpor__channel_leave(thread->channel, TORPOR__CHILD, &thread->error);
}

/* Ends the thread and frees what it had. */
static void end_thread(struct thread *thread) {
  uv_mutex_lock(&thread->lock);
  thread->stopping = true;
  if (thread->loop != NULL) torpor_loop_stop(thread->loop);
  if (thread->stop != NULL) torpor_stop_request(thread->stop);
  uv_mutex_unlock(&thread->lock);
  uv_thread_join(&thread->id);
  uv_mutex_destroy(&thread->lock);
  free(thread->module);
  free(thread->engine);
  free(thread->omit);
  free(thread);
}

/* ---- Ports ---------------------------------------------------------------*/

struct port {
  struct torpor__descriptor descriptor; /* first */
  struct torpor__channel *channel;
  enum torpor__side side;
  struct thread *thread; /* of the worker; NULL: this is the worker's own */
  torpor_task *reader, *watcher;
};

static struct port *of(struct torpor__descriptor *descriptor) {
  return (struct port *)descriptor;
}

/* Completes 'task' with the next message or the end; false: there is none yet.
 */
static bool give_message(const struct port *port, torpor_task *task) {
  torpor_bytes message;
  int found = torpor__channel_take(port->channel, port->side, &message);
  if (found == 0) return false;
  if (found > 0)
    torpor_task_complete(task, TORPOR_RESOLVE, message.data, message.size);
  else if (found == -EPIPE)
    torpor__task_finish_null(task);
  else
    torpor__task_fail_system(task, "taking a message", found);
  torpor_bytes_free(&message);
  return true;
}

static bool give_end(const struct port *port, torpor_task *task) {
  torpor_slice error;
  if (!torpor__channel_left(port->channel, port->side, &error)) return false;
  if (error.size > 0)
    torpor_task_complete(task, TORPOR_REJECT, error.data, error.size);
  else
    torpor__task_finish_empty(task);
  return true;
}

/* Something may have come. */
static void look(void *user) {
  struct port *port = user;
  if (port->reader != NULL && give_message(port, port->reader))
    port->reader = NULL;
  if (port->watcher != NULL && give_end(port, port->watcher))
    port->watcher = NULL;
}

static void next_message(struct torpor__descriptor *descriptor,
                         torpor_task *task) {
  struct port *port = of(descriptor);
  if (port->reader != NULL) {
    torpor_task_fail(task, "Error", "a message is being waited for already",
                     "EBUSY");
    return;
  }
  port->reader = task;
  /* With the end of messages comes why: nothing may be waited for after it. */
  look(port);
}

static void cancel_wait(struct torpor__descriptor *descriptor,
                        torpor_task *task) {
  struct port *port = of(descriptor);
  if (port->reader == task) port->reader = NULL;
  if (port->watcher == task) port->watcher = NULL;
}

static void close_port(struct torpor__descriptor *descriptor) {
  struct port *port = of(descriptor);
  if (port->reader != NULL) torpor__task_fail_closed(port->reader);
  if (port->watcher != NULL) torpor__task_fail_closed(port->watcher);
  torpor__channel_part(port->channel, port->side);
  if (port->thread != NULL) {
    end_thread(port->thread);
    torpor__channel_leave(port->channel, port->side, NULL);
  }
  free(port);
}

static const struct torpor__descriptor_type port_type = {
    .name = "a worker",
    .next = next_message,
    .cancel = cancel_wait,
    .close = close_port,
};

/* 'thread' NULL: the port of the worker itself, whose thread leaves the
 * channel. */
static bool add_port(torpor_world *world, uint64_t number,
                     struct thread *thread, struct torpor__channel *channel,
                     enum torpor__side side) {
  struct port *port = calloc(1, sizeof(*port));
  if (port == NULL) return false;
  *port = (struct port){.descriptor.type = &port_type,
                        .channel = channel,
                        .side = side,
                        .thread = thread};
  if (torpor__descriptor_add(world, number, &port->descriptor)) {
    if (torpor__channel_join(channel, side, world->loop, look, port))
      return true;
    port->thread = NULL;
    torpor__descriptor_close(&port->descriptor);
    return false;
  }
  free(port);
  return false;
}

/* ---- Starting ------------------------------------------------------------*/

static size_t count_workers(const torpor_world *world) {
  size_t count = 0;
  for (size_t i = 0; i < world->count; i++)
    count += world->descriptors[i]->type == &port_type &&
             world->descriptors[i]->number != TORPOR__PARENT_PORT;
  return count;
}

/* Copies the options of the parent's VM that are no functions of its host's. */
static bool copy_options(struct thread *thread, torpor_vm *vm) {
  torpor_options parent = TORPOR_OPTIONS_INIT;
  torpor_options own = TORPOR_OPTIONS_INIT;
  if (torpor_vm_options(vm, &parent) != TORPOR_OK) return false;
  own.memory_max = parent.memory_max;
  own.fuel = parent.fuel;
  own.deadline_ms = parent.deadline_ms;
  own.stack = parent.stack;
  own.collect = parent.collect;
  own.extensions = parent.extensions;
  own.library = parent.library;
  own.zone_is = parent.zone_is;
  own.zone_minutes = parent.zone_minutes;
  thread->engine = parent.engine == NULL ? NULL : strdup(parent.engine);
  thread->omit = parent.omit == NULL ? NULL : strdup(parent.omit);
  own.engine = thread->engine;
  own.omit = thread->omit;
  thread->options = own;
  return (parent.engine == NULL) == (thread->engine == NULL) &&
         (parent.omit == NULL) == (thread->omit == NULL);
}

static void free_thread(struct thread *thread) {
  free(thread->engine);
  free(thread->omit);
  free(thread);
}

/* How the parent's VM is attached. It is so until its world, and with that its
 * workers, are gone. */
static const torpor_attachment *find_parent(const torpor_world *world) {
  static const torpor_attachment none = TORPOR_ATTACHMENT_INIT;
  const struct attached *found = torpor__attached_find(world->loop, world->vm);
  return found == NULL ? &none : torpor__attached_options(found);
}

/* A thread that was not started, which takes 'module' over if there is one. */
static struct thread *make_thread(torpor_world *world, char *module) {
  struct thread *thread = calloc(1, sizeof(*thread));
  if (thread == NULL) return NULL;
  thread->access = torpor_world_access(world);
  thread->parent = find_parent(world);
  thread->channel = torpor__channel_new();
  if (thread->channel == NULL || !copy_options(thread, world->vm) ||
      uv_mutex_init(&thread->lock) != 0) {
    if (thread->channel != NULL) {
      torpor__channel_leave(thread->channel, TORPOR__CHILD, NULL);
      torpor__channel_leave(thread->channel, TORPOR__PARENT, NULL);
    }
    free_thread(thread);
    return NULL;
  }
  thread->module = module;
  return thread;
}

/* Starts the thread, which takes 'module' over in any case. 0 or what libuv
 * says. */
static int start_thread(torpor_world *world, uint64_t number, char *module) {
  const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                       .stack_size = (size_t)8 << 20};
  struct thread *thread = make_thread(world, module);
  if (thread == NULL) {
    free(module);
    return UV_ENOMEM;
  }
  int failure = uv_thread_create_ex(&thread->id, &options, run_thread, thread);
  if (failure != 0) {
    torpor__channel_leave(thread->channel, TORPOR__CHILD, NULL);
    torpor__channel_leave(thread->channel, TORPOR__PARENT, NULL);
    uv_mutex_destroy(&thread->lock);
    free(module);
    free_thread(thread);
    return failure;
  }
  struct torpor__channel *channel = thread->channel;
  if (add_port(world, number, thread, channel, TORPOR__PARENT)) return 0;
  end_thread(thread);
  torpor__channel_leave(channel, TORPOR__PARENT, NULL);
  return UV_EMFILE;
}

/* The absolute path 'text', or the name of a module with one behind
 * "scheme://", without "." and ".."; NULL: it is neither. */
static char *copy_name(const torpor_slice *text) {
  char *name = strndup(text->data, text->size), *made = NULL;
  const char *colon = name == NULL ? NULL : strstr(name, ":///");
  const char *path = colon == NULL ? name : colon + 3;
  if (path != NULL && path[0] == '/') {
    char *normal = torpor__path_normalise("/", path);
    size_t size = (size_t)(path - name);
    made = normal == NULL ? NULL : malloc(size + strlen(normal) + 1);
    if (made != NULL) {
      memcpy(made, name, size);
      strcpy(made + size, normal);
    }
    free(normal);
  }
  free(name);
  return made;
}

/* Reads {fd, module}; NULL in 'module': it has none. */
static bool read_request(const torpor_operation *operation, uint64_t *number,
                         char **module) {
  torpor_reader *reader = NULL;
  double fd = -1;
  *module = NULL;
  if (torpor_reader_open(operation->request, operation->request_size,
                         &reader) == TORPOR_OK &&
      torpor_reader_type(reader) == TORPOR_DATA_OBJECT) {
    torpor_reader_enter(reader);
    if (torpor_reader_find(reader, "fd", 2)) fd = torpor_reader_number(reader);
    if (torpor_reader_find(reader, "module", 6) &&
        torpor_reader_type(reader) == TORPOR_DATA_STRING) {
      torpor_slice text = torpor_reader_string(reader);
      if (memchr(text.data, '\0', text.size) == NULL)
        *module = copy_name(&text);
    }
  }
  torpor_reader_close(reader);
  *number = (uint64_t)fd;
  return fd >= 0 && fd <= 9007199254740991.0;
}

static void start_worker(torpor_task *task, void *user) {
  torpor_world *world = torpor_task_world(task);
  uint64_t number;
  char *module;
  (void)user;
  if (!read_request(torpor_task_operation(task), &number, &module) ||
      module == NULL || world == NULL || world->vm == NULL) {
    free(module);
    torpor_task_fail(
        task, "TypeError",
        "a worker is requested as { fd, module }, an absolute path or the "
        "name of a module that the host has",
        "EINVAL");
    return;
  }
  if (count_workers(world) >= WORKERS_MAX) {
    free(module);
    torpor_task_fail(task, "RangeError",
                     "a program may have 64 workers at once", "EAGAIN");
    return;
  }
  int failure = start_thread(world, number, module);
  if (failure == 0)
    torpor__task_finish_empty(task);
  else
    torpor__task_fail_system(task, "starting a worker", failure);
}

/* The port that the request of 'task' is about; NULL after failing it. */
static struct port *find_port(torpor_task *task) {
  uint64_t number;
  char *module;
  struct torpor__descriptor *found = NULL;
  if (read_request(torpor_task_operation(task), &number, &module))
    found = torpor__descriptor_find(torpor_task_world(task), number);
  free(module);
  if (found != NULL && found->type == &port_type) return of(found);
  torpor_task_fail(task, "LostError",
                   "the worker is not here: it was closed, or left behind when "
                   "the program slept",
                   "LOST");
  return NULL;
}

static void post(torpor_task *task, void *user) {
  const torpor_operation *operation = torpor_task_operation(task);
  struct port *port = find_port(task);
  (void)user;
  if (port == NULL) return;
  int failure = torpor__channel_post(
      port->channel, port->side, operation->request, operation->request_size);
  if (failure == 0 || failure == -EPIPE) /* nobody is there to take it */
    torpor__task_finish_empty(task);
  else
    torpor__task_fail_system(task, "posting a message", failure);
}

static void watch_end(torpor_task *task, void *user) {
  struct port *port = find_port(task);
  (void)user;
  if (port == NULL || give_end(port, task)) return;
  if (port->watcher != NULL) {
    torpor_task_fail(task, "Error", "the worker is being watched already",
                     "EBUSY");
    return;
  }
  port->watcher = task;
  torpor_task_set_state(task, port);
  torpor__task_background(task);
}

static void cancel_watch(torpor_task *task, void *user) {
  struct port *port = torpor_task_state(task);
  (void)user;
  if (port != NULL && port->watcher == task) port->watcher = NULL;
}

/* Starting and posting are complete when they were begun. */
static void cancel(torpor_task *task, void *user) {
  (void)task, (void)user;
}

torpor_status torpor__worker_add(torpor_loop *loop) {
  static const torpor_driver drivers[] = {
      {.size = sizeof(torpor_driver),
       .kind = "worker",
       .waking = TORPOR_LOST,
       .start = start_worker,
       .cancel = cancel},
      {.size = sizeof(torpor_driver),
       .kind = "worker-post",
       .waking = TORPOR_LOST,
       .start = post,
       .cancel = cancel},
      {.size = sizeof(torpor_driver),
       .kind = "worker-end",
       .waking = TORPOR_LOST,
       .start = watch_end,
       .cancel = cancel_watch},
  };
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
    if (status == TORPOR_OK) status = torpor_loop_add_driver(loop, &drivers[i]);
  return status;
}
