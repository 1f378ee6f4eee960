/* SPDX-License-Identifier: MIT */
/* connect.c - the drivers of kinds "connect" and "socket-set".
 *
 *   connect     {fd, host, port} or {fd, path}   a stream as descriptor 'fd';
 *               gives {local, remote}, each {host, port} or null
 *   socket-set  {fd, noDelay, keepAlive}   keepAlive: seconds, 0: off
 *
 *   looking up --> addresses --> attempts, one more every 250 ms or when one
 *                                failed --> the first that succeeds
 *
 * So an address that does not answer does not keep a program from the next one
 * (RFC 8305). A socket of Unix that has no room for the moment is tried again.
 *
 *  (1) 'connecting' lives until the look-up has answered, each attempt has, and
 *      the timer is closed. 'task' is NULL once it is decided.
 *
 * Waking: TORPOR_REPEAT: nothing was said over a connection that nobody got.
 *
 * Runs on the loop's thread. */
#include <errno.h>
#include <unistd.h>

#include "loop/field.h"
#include "loop/net/net-address.h"
#include "loop/net/unix-socket.h"
#include "loop/room.h"
#include "loop/stream.h"
#include "loop/task-end.h"

enum { ATTEMPTS_MAX = 16, STAGGER_MS = 250, AGAIN_MS = 10 };

struct attempt {
  struct connecting *of;
  struct torpor__stream *stream; /* NULL: it failed */
  uv_connect_t request;
};

struct connecting {
  torpor_loop *loop;
  torpor_task *task; /* NULL: decided */
  struct torpor__address address;
  uv_getaddrinfo_t lookup;
  struct addrinfo *found; /* what the look-up gave */
  const struct addrinfo *next;
  struct attempt attempts[ATTEMPTS_MAX];
  size_t begun, pending; /* attempts; those that have not answered */
  uv_timer_t timer;
  bool looking, closed;
  int failure; /* of the last attempt */
};

/* ---- The end -------------------------------------------------------------*/

static void free_if_over(struct connecting *connecting) {
  if (connecting->looking || connecting->pending > 0 || !connecting->closed)
    return;
  uv_freeaddrinfo(connecting->found);
  torpor__address_free(&connecting->address);
  free(connecting);
}

/* uv_close_cb */
static void close_timer(uv_handle_t *handle) {
  struct connecting *connecting = handle->data;
  connecting->closed = true;
  free_if_over(connecting);
}

/* It is decided: ends all attempts that are left. */
static torpor_task *decide(struct connecting *connecting) {
  torpor_task *task = connecting->task;
  connecting->task = NULL;
  for (size_t i = 0; i < connecting->begun; i++) {
    torpor__stream_discard(connecting->attempts[i].stream);
    connecting->attempts[i].stream = NULL;
  }
  if (connecting->looking) uv_cancel((uv_req_t *)&connecting->lookup);
  uv_close((uv_handle_t *)&connecting->timer, close_timer);
  return task;
}

static void fail(struct connecting *connecting, const char *doing,
                 int failure) {
  torpor_task *task = decide(connecting);
  torpor__address_fail(task, doing, &connecting->address, failure);
}

/* Gives 'stream' to the program. */
static void succeed(struct connecting *connecting,
                    struct torpor__stream *stream) {
  torpor_task *task = decide(connecting);
  torpor_writer *writer = NULL;
  uint64_t number =
      torpor__field_count(torpor_task_operation(task), "fd", UINT64_MAX);
  torpor_writer_open(NULL, 0, &writer);
  torpor_writer_object(writer, 2);
  torpor__address_write_ends(writer, torpor__stream_handle(stream));
  torpor_writer_end(writer);
  if (torpor__stream_add(stream, torpor_task_world(task), number)) {
    torpor__task_finish_written(task, writer);
    return;
  }
  torpor_writer_close(writer);
  torpor_task_fail(task, "TypeError",
                   "the number of a connection is in use, or the program has "
                   "too many descriptors",
                   "EINVAL");
}

/* ---- Attempts ------------------------------------------------------------*/

static void try_next(struct connecting *connecting);

/* uv_timer_cb */
static void try_another(uv_timer_t *timer) {
  try_next(timer->data);
}

/* uv_connect_cb */
static void end_attempt(uv_connect_t *request, int failure) {
  struct attempt *attempt = request->data;
  struct connecting *connecting = attempt->of;
  connecting->pending--;
  if (connecting->task == NULL) {
    free_if_over(connecting);
    return;
  }
  struct torpor__stream *stream = attempt->stream;
  attempt->stream = NULL;
  if (failure == 0) {
    succeed(connecting, stream);
    return;
  }
  torpor__stream_discard(stream);
  connecting->failure = failure;
  try_next(connecting);
}

/* Begins to connect to 'address'; 0, or what libuv says. */
static int attempt_address(struct connecting *connecting,
                           const struct sockaddr *address) {
  struct attempt *attempt = &connecting->attempts[connecting->begun];
  struct torpor__stream *stream = torpor__stream_new_tcp(connecting->loop);
  if (stream == NULL) return UV_ENOMEM;
  *attempt = (struct attempt){.of = connecting, .stream = stream};
  attempt->request.data = attempt;
  int failure = uv_tcp_connect(&attempt->request,
                               (uv_tcp_t *)torpor__stream_handle(stream),
                               address, end_attempt);
  if (failure != 0) {
    torpor__stream_discard(stream);
    return failure;
  }
  connecting->begun++;
  connecting->pending++;
  return 0;
}

/* Begins the next attempt; fails when there is none and nothing is pending. */
static void try_next(struct connecting *connecting) {
  uv_timer_stop(&connecting->timer);
  while (connecting->next != NULL && connecting->begun < ATTEMPTS_MAX) {
    const struct addrinfo *address = connecting->next;
    connecting->next = address->ai_next;
    int failure = attempt_address(connecting, address->ai_addr);
    if (failure == 0) {
      uv_timer_start(&connecting->timer, try_another, STAGGER_MS, 0);
      return;
    }
    connecting->failure = failure;
  }
  if (connecting->pending == 0)
    fail(connecting, "connecting to", connecting->failure);
}

/* uv_getaddrinfo_cb */
static void take_addresses(uv_getaddrinfo_t *request, int failure,
                           struct addrinfo *found) {
  struct connecting *connecting = request->data;
  connecting->looking = false;
  connecting->found = found;
  if (connecting->task == NULL) {
    free_if_over(connecting);
  } else if (failure != 0) {
    fail(connecting, "looking up", failure);
  } else {
    connecting->next = found;
    connecting->failure = UV_EAI_NODATA;
    try_next(connecting);
  }
}

static void look_up(struct connecting *connecting) {
  const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                 .ai_socktype = SOCK_STREAM};
  connecting->lookup.data = connecting;
  int failure = torpor__room_for_pool();
  if (failure == 0)
    failure = uv_getaddrinfo(&connecting->loop->uv, &connecting->lookup,
                             take_addresses, connecting->address.host,
                             connecting->address.port, &hints);
  connecting->looking = failure == 0;
  if (failure != 0) fail(connecting, "looking up", failure);
}

/* ---- Sockets of Unix -----------------------------------------------------*/

/* uv_timer_cb */
static void try_socket(uv_timer_t *timer) {
  struct connecting *connecting = timer->data;
  int fd = torpor__unix_connect(connecting->address.path), failure = fd;
  if (fd == -EAGAIN) {
    uv_timer_start(timer, try_socket, AGAIN_MS, 0);
    return;
  }
  struct torpor__stream *stream = NULL;
  if (fd >= 0) {
    stream = torpor__stream_of(connecting->loop, fd, &failure);
    if (stream == NULL) close(fd);
  }
  if (stream != NULL)
    succeed(connecting, stream);
  else
    fail(connecting, "connecting to", failure);
}

/* ---- The driver ----------------------------------------------------------*/

static void start(torpor_task *task, void *user) {
  (void)user;
  struct torpor__address address;
  struct connecting *connecting = NULL;
  if (torpor__address_read(task, &address)) {
    connecting = calloc(1, sizeof(*connecting));
    if (connecting == NULL)
      torpor__task_fail_system(task, "connecting", UV_ENOMEM);
  }
  if (connecting == NULL) {
    torpor__address_free(&address);
    return;
  }
  connecting->loop = torpor_task_loop(task);
  connecting->task = task;
  connecting->address = address;
  uv_timer_init(&connecting->loop->uv, &connecting->timer);
  connecting->timer.data = connecting;
  torpor_task_set_state(task, connecting);
  if (address.path != NULL)
    try_socket(&connecting->timer);
  else
    look_up(connecting);
}

static void cancel(torpor_task *task, void *user) {
  (void)user;
  decide(torpor_task_state(task));
}

/* ---- Settings ------------------------------------------------------------*/

/* 0, or what libuv says. */
static int set_socket(uv_tcp_t *tcp, const torpor_operation *operation) {
  double value;
  int failure = 0;
  if (torpor__field_number(operation, "keepAlive", &value)) {
    if (!(value >= 0 && value <= 32767)) return UV_EINVAL;
    failure = uv_tcp_keepalive(tcp, value > 0, (unsigned)value);
  }
  if (failure == 0 && torpor__field_number(operation, "noDelay", &value))
    failure = uv_tcp_nodelay(tcp, value != 0);
  return failure;
}

static void start_setting(torpor_task *task, void *user) {
  (void)user;
  const torpor_operation *operation = torpor_task_operation(task);
  uint64_t number = torpor__field_count(operation, "fd", UINT64_MAX);
  struct torpor__stream *stream =
      torpor__stream_find(torpor_task_world(task), number);
  if (stream == NULL) {
    torpor__task_fail_lost(task, number);
    return;
  }
  uv_stream_t *handle = torpor__stream_handle(stream);
  /* Sockets of Unix have no such settings: nothing is delayed on them. */
  int failure =
      handle->type == UV_TCP ? set_socket((uv_tcp_t *)handle, operation) : 0;
  if (failure == 0)
    torpor__task_finish_empty(task);
  else
    torpor__task_fail_system(task, "setting a socket", failure);
}

/* It is complete when it was started. */
static void cancel_nothing(torpor_task *task, void *user) {
  (void)task, (void)user;
}

torpor_status torpor__connect_add(torpor_loop *loop) {
  static const torpor_driver drivers[] = {
      {.size = sizeof(torpor_driver),
       .kind = "connect",
       .waking = TORPOR_REPEAT,
       .start = start,
       .cancel = cancel,
       .drop = torpor__descriptor_drop},
      {.size = sizeof(torpor_driver),
       .kind = "socket-set",
       .waking = TORPOR_REPEAT,
       .start = start_setting,
       .cancel = cancel_nothing},
  };
  torpor_status status = torpor_loop_add_driver(loop, &drivers[0]);
  if (status != TORPOR_OK) return status;
  return torpor_loop_add_driver(loop, &drivers[1]);
}
