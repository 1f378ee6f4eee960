/* SPDX-License-Identifier: MIT */
/* listen.c - the driver of kind "listen".
 *
 *   {fd, host, port} or {fd, path}   a listener as descriptor 'fd'; gives
 *                                    {local}: {host, port}, or null
 *
 * Its next event, asked for as {fd, connection}, is a connection, which becomes
 * a stream of number 'connection': {connection, local, remote}.
 *
 *  (1) One connection is accepted ahead of who wants it, by libuv; the others
 *      wait in the system's queue, of BACKLOG, so a program that is slow to
 *      accept is not flooded.
 *  (2) The name of a socket of Unix is removed with its listener.
 *
 * Waking: TORPOR_REPEAT: it listens again. What had connected before is gone.
 *
 * Runs on the loop's thread. */
#include <unistd.h>

#include "loop/field.h"
#include "loop/net/net-address.h"
#include "loop/net/unix-socket.h"
#include "loop/room.h"
#include "loop/stream.h"
#include "loop/task-end.h"

enum { BACKLOG = 511 };

struct listener {
  struct torpor__descriptor descriptor; /* first */
  torpor_loop *loop;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  bool unix_socket;
  struct torpor__unix_name name;
  torpor_task *waiter; /* NULL: nobody accepts */
  bool pending;        /* a connection is there */
  int failure;         /* that nobody was told; 0: none */
};

static struct listener *of(struct torpor__descriptor *descriptor) {
  return (struct listener *)descriptor;
}

/* ---- Accepting -----------------------------------------------------------*/

static void tell_connection(torpor_task *task, uint64_t number,
                            const uv_stream_t *stream) {
  torpor_writer *writer = NULL;
  torpor_writer_open(NULL, 0, &writer);
  torpor_writer_object(writer, 3);
  torpor_writer_key(writer, "connection", SIZE_MAX);
  torpor_writer_number(writer, (double)number);
  torpor__address_write_ends(writer, stream);
  torpor_writer_end(writer);
  torpor__task_finish_written(task, writer);
}

/* Gives the connection that is there to 'task'. */
static void accept_for(struct listener *listener, torpor_task *task) {
  uint64_t number = torpor__field_count(torpor_task_operation(task),
                                        "connection", UINT64_MAX);
  struct torpor__stream *stream = listener->unix_socket
                                      ? torpor__stream_new_pipe(listener->loop)
                                      : torpor__stream_new_tcp(listener->loop);
  if (stream == NULL) {
    listener->pending = true; /* it stays there */
    torpor__task_fail_system(task, "accepting", UV_ENOMEM);
    return;
  }
  listener->pending = false;
  int failure = uv_accept(&listener->stream, torpor__stream_handle(stream));
  if (failure != 0) {
    torpor__stream_discard(stream);
    torpor__task_fail_system(task, "accepting", failure);
  } else if (torpor__stream_add(stream, listener->descriptor.world, number)) {
    tell_connection(task, number, torpor__stream_handle(stream));
  } else {
    torpor_task_fail(task, "TypeError",
                     "the number of a connection is in use, or the program has "
                     "too many descriptors",
                     "EINVAL");
  }
}

/* uv_connection_cb */
static void take_connection(uv_stream_t *stream, int failure) {
  struct listener *listener = stream->data;
  torpor_task *task = listener->waiter;
  if (failure == 0) listener->pending = true;
  if (task == NULL) {
    if (failure != 0) listener->failure = failure;
    return;
  }
  listener->waiter = NULL;
  if (failure == 0)
    accept_for(listener, task);
  else
    torpor__task_fail_system(task, "accepting", failure);
}

static void wait_for_connection(struct torpor__descriptor *descriptor,
                                torpor_task *task) {
  struct listener *listener = of(descriptor);
  if (listener->waiter != NULL) {
    torpor_task_fail(task, "Error", "the listener is being waited for already",
                     "EBUSY");
  } else if (listener->failure != 0) {
    torpor__task_fail_system(task, "accepting", listener->failure);
    listener->failure = 0;
  } else if (listener->pending) {
    accept_for(listener, task);
  } else {
    listener->waiter = task;
  }
}

/* A connection that nobody knows of is closed. */
static void untake(struct torpor__descriptor *descriptor, const void *data,
                   size_t size) {
  const torpor_operation told = {.request = data, .request_size = size};
  torpor__descriptor_close(torpor__descriptor_find(
      descriptor->world, torpor__field_count(&told, "connection", UINT64_MAX)));
}

static void cancel_wait(struct torpor__descriptor *descriptor,
                        torpor_task *task) {
  struct listener *listener = of(descriptor);
  if (listener->waiter == task) listener->waiter = NULL;
}

/* ---- Ending --------------------------------------------------------------*/

/* uv_close_cb */
static void free_listener(uv_handle_t *handle) {
  free(handle->data);
}

static void close_listener(struct torpor__descriptor *descriptor) {
  struct listener *listener = of(descriptor);
  if (listener->waiter != NULL) torpor__task_fail_closed(listener->waiter);
  listener->waiter = NULL;
  torpor__unix_remove(&listener->name);
  uv_close(&listener->handle, free_listener);
}

static const struct torpor__descriptor_type listener_type = {
    .name = "a listener",
    .next = wait_for_connection,
    .cancel = cancel_wait,
    .untake = untake,
    .close = close_listener,
};

/* ---- Beginning -----------------------------------------------------------*/

/* What is under way: a look-up of the address to listen at. */
struct starting {
  torpor_task *task; /* NULL: cancelled */
  torpor_loop *loop;
  struct torpor__address address;
  uv_getaddrinfo_t lookup;
};

static void free_starting(struct starting *starting) {
  torpor__address_free(&starting->address);
  free(starting);
}

static struct listener *make_listener(torpor_loop *loop, bool unix_socket) {
  struct listener *listener = calloc(1, sizeof(*listener));
  if (listener == NULL) return NULL;
  listener->descriptor.type = &listener_type;
  listener->loop = loop;
  listener->unix_socket = unix_socket;
  listener->name.folder = -1;
  int failure = unix_socket ? uv_pipe_init(&loop->uv, &listener->pipe, 0)
                            : uv_tcp_init(&loop->uv, &listener->tcp);
  if (failure == 0) {
    listener->handle.data = listener;
    return listener;
  }
  free(listener);
  return NULL;
}

static int bind_socket(struct listener *listener, const char *path) {
  int fd = torpor__unix_bind(path, &listener->name);
  if (fd < 0) return fd;
  int failure = uv_pipe_open(&listener->pipe, fd);
  if (failure != 0) close(fd);
  return failure;
}

/* Binds to the first of 'addresses' that can be. */
static int bind_address(struct listener *listener,
                        const struct addrinfo *addresses) {
  int failure = UV_EAI_NODATA;
  for (; addresses != NULL; addresses = addresses->ai_next) {
    failure = uv_tcp_bind(&listener->tcp, addresses->ai_addr, 0);
    if (failure == 0) return 0;
  }
  return failure;
}

static void tell_listening(torpor_task *task, const struct listener *listener) {
  struct sockaddr_storage local = {0};
  int size = sizeof(local);
  torpor_writer *writer = NULL;
  if (listener->unix_socket ||
      uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&local, &size) != 0)
    local.ss_family = AF_UNSPEC;
  torpor_writer_open(NULL, 0, &writer);
  torpor_writer_object(writer, 1);
  torpor__address_write(writer, "local", (struct sockaddr *)&local);
  torpor_writer_end(writer);
  torpor__task_finish_written(task, writer);
}

/* Has 'listener', which is bound unless there is a 'failure', listen, and gives
 * it to the program. */
static void listen_for(const struct starting *starting,
                       struct listener *listener, int failure) {
  torpor_task *task = starting->task;
  uint64_t number =
      torpor__field_count(torpor_task_operation(task), "fd", UINT64_MAX);
  if (failure == 0)
    failure = uv_listen(&listener->stream, BACKLOG, take_connection);
  if (failure != 0) {
    close_listener(&listener->descriptor);
    torpor__address_fail(task, "listening at", &starting->address, failure);
  } else if (torpor__descriptor_add(torpor_task_world(task), number,
                                    &listener->descriptor)) {
    tell_listening(task, listener);
  } else {
    close_listener(&listener->descriptor);
    torpor_task_fail(task, "TypeError",
                     "the number of a listener is in use, or the program has "
                     "too many descriptors",
                     "EINVAL");
  }
}

/* uv_getaddrinfo_cb */
static void take_addresses(uv_getaddrinfo_t *request, int failure,
                           struct addrinfo *found) {
  struct starting *starting = request->data;
  if (starting->task != NULL && failure != 0) {
    torpor__address_fail(starting->task, "looking up", &starting->address,
                         failure);
  } else if (starting->task != NULL) {
    struct listener *listener = make_listener(starting->loop, false);
    if (listener == NULL)
      torpor__task_fail_system(starting->task, "listening", UV_ENOMEM);
    else
      listen_for(starting, listener, bind_address(listener, found));
  }
  uv_freeaddrinfo(found);
  free_starting(starting);
}

static void start_socket(const struct starting *starting) {
  struct listener *listener = make_listener(starting->loop, true);
  if (listener == NULL)
    torpor__task_fail_system(starting->task, "listening", UV_ENOMEM);
  else
    listen_for(starting, listener,
               bind_socket(listener, starting->address.path));
}

static void start_address(struct starting *starting) {
  const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                 .ai_socktype = SOCK_STREAM,
                                 .ai_flags = AI_PASSIVE};
  starting->lookup.data = starting;
  int failure = torpor__room_for_pool();
  if (failure == 0)
    failure =
        uv_getaddrinfo(&starting->loop->uv, &starting->lookup, take_addresses,
                       starting->address.host, starting->address.port, &hints);
  if (failure == 0) {
    torpor_task_set_state(starting->task, starting);
    return;
  }
  torpor__address_fail(starting->task, "looking up", &starting->address,
                       failure);
  free_starting(starting);
}

/* ---- The driver ----------------------------------------------------------*/

static void start(torpor_task *task, void *user) {
  (void)user;
  struct torpor__address address;
  struct starting *starting = NULL;
  if (torpor__address_read(task, &address)) {
    starting = calloc(1, sizeof(*starting));
    if (starting == NULL)
      torpor__task_fail_system(task, "listening", UV_ENOMEM);
  }
  if (starting == NULL) {
    torpor__address_free(&address);
    return;
  }
  starting->loop = torpor_task_loop(task);
  starting->task = task;
  starting->address = address;
  if (address.path == NULL) {
    start_address(starting);
    return;
  }
  start_socket(starting);
  free_starting(starting);
}

static void cancel(torpor_task *task, void *user) {
  struct starting *starting = torpor_task_state(task);
  (void)user;
  starting->task = NULL;
  uv_cancel((uv_req_t *)&starting->lookup);
}

torpor_status torpor__listen_add(torpor_loop *loop) {
  static const torpor_driver driver = {.size = sizeof(torpor_driver),
                                       .kind = "listen",
                                       .waking = TORPOR_REPEAT,
                                       .start = start,
                                       .cancel = cancel,
                                       .drop = torpor__descriptor_drop};
  return torpor_loop_add_driver(loop, &driver);
}
