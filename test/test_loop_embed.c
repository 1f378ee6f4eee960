/* SPDX-License-Identifier: MIT */
/* ctest: thread */
/* test_loop_embed.c - a loop inside another one, several VMs on it, and
 * descriptors that it watches.
 *
 * The other loops are real ones, on poll and on epoll. That they wait, and do
 * not turn for nothing, is counted. Each test closes its loop, which asserts
 * that nothing is left on it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/file.h"
#include "support/vm.h"
#include "torpor-loop.h"

static torpor_loop *open_loop(void) {
  torpor_loop *loop;
  assert_int_equal(torpor_loop_open(NULL, &loop), TORPOR_OK);
  return loop;
}

/* ---- VMs -----------------------------------------------------------------*/

/* What VMs print, in order. */
struct printed {
  char text[1024];
  size_t size;
};

static void print(void *user, torpor_level level, const char *text,
                  size_t size) {
  struct printed *printed = user;
  (void)level;
  assert_true(printed->size + size + 2 < sizeof(printed->text));
  memcpy(printed->text + printed->size, text, size);
  printed->size += size;
  printed->text[printed->size++] = ' ';
  printed->text[printed->size] = '\0';
}

static torpor_vm *open_vm(torpor_loop *loop, struct printed *printed,
                          const torpor_access *access, const char *source) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  torpor_vm *vm;
  options.console = print;
  options.library = torpor_library_source;
  options.user = printed;
  options.memory_max = (uint64_t)64 << 20;
  assert_int_equal(torpor_vm_open(&options, &vm), TORPOR_OK);
  attachment.access = access;
  assert_int_equal(torpor_loop_attach(loop, vm, &attachment), TORPOR_OK);
  test_ok(vm,
          torpor_eval(vm, source, SIZE_MAX, "/main.mjs", TORPOR_MODULE, NULL));
  return vm;
}

/* ---- Other loops ---------------------------------------------------------*/

/* Waits as another loop would, with poll. Gives how many rounds it took until
 * nothing was pending any more, or the turn that ended otherwise. */
static torpor_status drive_with_poll(torpor_loop *loop, int *rounds) {
  for (*rounds = 0; *rounds < 100000; ++*rounds) {
    torpor_status status = torpor_loop_turn(loop, false);
    if (status != TORPOR_OK) return status;
    struct pollfd both = {.fd = torpor_loop_backend_descriptor(loop),
                          .events = POLLIN};
    int timeout = torpor_loop_timeout(loop);
    assert_in_range(timeout + 1, 0, 1 << 30);
    int ready = poll(&both, 1, timeout);
    assert_true(ready >= 0 || errno == EINTR);
  }
  fail_msg("it never ends");
  return TORPOR_OK;
}

static void timers_and_files_under_poll(void **state) {
  torpor_loop *loop = open_loop();
  struct printed printed = {{0}, 0};
  torpor_access *access;
  char path[] = "/tmp/torpor-embed-XXXXXX", source[512];
  int descriptor = mkstemp(path), rounds;
  (void)state;
  assert_true(descriptor >= 0);
  close(descriptor);
  assert_int_equal(torpor_access_open("/", &access), TORPOR_OK);
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, path), TORPOR_OK);
  assert_int_equal(torpor_access_allow(access, TORPOR_WRITE, path), TORPOR_OK);
  snprintf(source, sizeof(source),
           "import { readFile, writeFile } from 'torpor:fs';"
           "await writeFile('%s', 'content');"
           "console.log(await readFile('%s', 'utf8'));"
           "setTimeout(() => console.log('second'), 60);"
           "setTimeout(() => console.log('first'), 20);",
           path, path);
  torpor_vm *vm = open_vm(loop, &printed, access, source);
  assert_int_equal(torpor_loop_timeout(loop), 0);
  assert_int_equal(drive_with_poll(loop, &rounds), TORPOR_NOT_FOUND);
  assert_string_equal(printed.text, "content first second ");
  assert_in_range(rounds, 3, 60);
  torpor_loop_detach(loop, vm);
  torpor_vm_close(vm);
  torpor_loop_close(loop);
  torpor_access_close(access);
  unlink(path);
}

/* Two VMs and a timer of the host's own, in one epoll. */
static void two_vms_under_epoll(void **state) {
  static const char *const programs[] = {
      "for (const t of [10, 400]) setTimeout(() => console.log('a' + t), t)",
      "for (const t of [200, 600]) setTimeout(() => console.log('b' + t), t)",
  };
  torpor_loop *loop = open_loop();
  struct printed printed = {{0}, 0};
  torpor_vm *vms[2];
  int host = eventfd(0, EFD_NONBLOCK), both = epoll_create1(0), beats = 0;
  struct epoll_event event = {.events = EPOLLIN};
  (void)state;
  for (int i = 0; i < 2; i++)
    vms[i] = open_vm(loop, &printed, NULL, programs[i]);
  event.data.fd = torpor_loop_backend_descriptor(loop);
  assert_int_equal(epoll_ctl(both, EPOLL_CTL_ADD, event.data.fd, &event), 0);
  event.data.fd = host;
  assert_int_equal(epoll_ctl(both, EPOLL_CTL_ADD, host, &event), 0);
  assert_int_equal(eventfd_write(host, 1), 0);
  int rounds = 0;
  while (torpor_loop_turn(loop, false) == TORPOR_OK) {
    eventfd_t value;
    assert_in_range(rounds++, 0, 200);
    int ready = epoll_wait(both, &event, 1, torpor_loop_timeout(loop));
    assert_true(ready >= 0);
    if (ready == 1 && event.data.fd == host) {
      assert_int_equal(eventfd_read(host, &value), 0);
      beats++;
    }
  }
  assert_string_equal(printed.text, "a10 b200 a400 b600 ");
  assert_int_equal(beats, 1);
  for (int i = 0; i < 2; i++) {
    torpor_loop_detach(loop, vms[i]);
    torpor_vm_close(vms[i]);
  }
  close(host);
  close(both);
  torpor_loop_close(loop);
}

/* ---- Waking and stopping -------------------------------------------------*/

static bool is_readable(torpor_loop *loop) {
  struct pollfd both = {.fd = torpor_loop_backend_descriptor(loop),
                        .events = POLLIN};
  return poll(&both, 1, 0) == 1;
}

static void a_wake_of_an_idle_loop_is_taken(void **state) {
  torpor_loop *loop = open_loop();
  (void)state;
  while (torpor_loop_turn(loop, false) == TORPOR_OK) continue;
  assert_int_equal(torpor_loop_timeout(loop), -1);
  assert_false(is_readable(loop));
  torpor_loop_wake(loop);
  assert_true(is_readable(loop));
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_NOT_FOUND);
  assert_false(is_readable(loop));
  torpor_loop_close(loop);
}

static void *stop_soon(void *user) {
  usleep(30000);
  torpor_loop_stop(user);
  return NULL;
}

static void another_thread_stops_it(void **state) {
  torpor_loop *loop = open_loop();
  struct printed printed = {{0}, 0};
  pthread_t thread;
  int rounds;
  (void)state;
  torpor_vm *vm = open_vm(loop, &printed, NULL,
                          "setTimeout(() => console.log('late'), 60000)");
  pthread_create(&thread, NULL, stop_soon, loop);
  assert_int_equal(drive_with_poll(loop, &rounds), TORPOR_CANCELLED);
  pthread_join(thread, NULL);
  assert_in_range(rounds, 1, 50);
  pthread_create(&thread, NULL, stop_soon, loop);
  assert_int_equal(torpor_loop_run(loop), TORPOR_CANCELLED);
  pthread_join(thread, NULL);
  assert_string_equal(printed.text, "");
  torpor_loop_detach(loop, vm);
  torpor_vm_close(vm);
  torpor_loop_close(loop);
}

/* What the host does in a VM between two turns counts, too. */
static void timeout_sees_what_the_host_did(void **state) {
  torpor_loop *loop = open_loop();
  struct printed printed = {{0}, 0};
  (void)state;
  torpor_vm *vm = open_vm(loop, &printed, NULL, "");
  while (torpor_loop_turn(loop, false) == TORPOR_OK) continue;
  assert_int_equal(torpor_loop_timeout(loop), -1);
  test_eval(vm, "Promise.resolve().then(() => console.log('job'))");
  assert_int_equal(torpor_loop_timeout(loop), 0);
  while (torpor_loop_turn(loop, false) == TORPOR_OK) continue;
  assert_string_equal(printed.text, "job ");
  test_eval(vm, "setTimeout(() => console.log('timer'), 1000)");
  assert_int_equal(torpor_loop_timeout(loop), 0);
  assert_int_equal(torpor_loop_turn(loop, false), TORPOR_OK);
  assert_in_range(torpor_loop_timeout(loop), 500, 1001);
  torpor_loop_detach(loop, vm);
  torpor_vm_close(vm);
  torpor_loop_close(loop);
}

/* ---- Descriptors ---------------------------------------------------------*/

struct watched {
  torpor_loop *loop;
  torpor_poll *poll;
  int descriptor;
  int calls, ends;
  unsigned events; /* seen last */
  char text[64];
  size_t size;
};

/* Reads what there is; closes the poll at the end. */
static void take_text(void *user, unsigned events) {
  struct watched *watched = user;
  watched->calls++;
  watched->events = events;
  ssize_t size = read(watched->descriptor, watched->text + watched->size,
                      sizeof(watched->text) - watched->size);
  if (size > 0) watched->size += (size_t)size;
  if (size != 0) return;
  watched->ends++;
  torpor_poll_close(watched->poll);
  watched->poll = NULL;
}

static void *write_slowly(void *user) {
  int descriptor = *(int *)user;
  for (int i = 0; i < 3; i++) {
    usleep(5000);
    assert_int_equal(write(descriptor, "abc" + i, 1), 1);
  }
  close(descriptor);
  return NULL;
}

static void a_pipe_is_read(void **state) {
  struct watched watched = {.loop = open_loop()};
  pthread_t thread;
  int ends[2];
  (void)state;
  assert_int_equal(pipe(ends), 0);
  watched.descriptor = ends[0];
  assert_int_equal(torpor_poll_open(watched.loop, ends[0], TORPOR_POLL_READABLE,
                                    take_text, &watched, &watched.poll),
                   TORPOR_OK);
  torpor_poll *second;
  assert_int_equal(torpor_poll_open(watched.loop, ends[0], TORPOR_POLL_READABLE,
                                    take_text, &watched, &second),
                   TORPOR_EXISTS);
  assert_null(second);
  pthread_create(&thread, NULL, write_slowly, &ends[1]);
  assert_int_equal(torpor_loop_run(watched.loop), TORPOR_OK);
  pthread_join(thread, NULL);
  assert_memory_equal(watched.text, "abc", 4);
  assert_int_equal(watched.ends, 1);
  assert_in_range(watched.calls, 2, 4);
  close(ends[0]);
  torpor_loop_close(watched.loop);
}

static void count_ready(void *user, unsigned events) {
  struct watched *watched = user;
  watched->calls++;
  watched->events = events;
  torpor_poll_change(watched->poll, 0);
}

static void events_can_be_changed(void **state) {
  struct watched watched = {.loop = open_loop()};
  int pair[2];
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  assert_int_equal(torpor_poll_open(watched.loop, pair[0], 0, count_ready,
                                    &watched, &watched.poll),
                   TORPOR_OK);
  assert_int_equal(torpor_loop_run(watched.loop), TORPOR_OK);
  assert_int_equal(watched.calls, 0);
  assert_int_equal(torpor_poll_change(watched.poll, TORPOR_POLL_WRITABLE),
                   TORPOR_OK);
  assert_int_equal(torpor_loop_timeout(watched.loop), 0);
  assert_int_equal(torpor_loop_run(watched.loop), TORPOR_OK);
  assert_int_equal(watched.calls, 1);
  assert_int_equal(watched.events, TORPOR_POLL_WRITABLE);
  assert_int_equal(write(pair[1], "x", 1), 1);
  assert_int_equal(torpor_poll_change(watched.poll, TORPOR_POLL_READABLE |
                                                        TORPOR_POLL_WRITABLE),
                   TORPOR_OK);
  assert_int_equal(torpor_loop_run(watched.loop), TORPOR_OK);
  assert_int_equal(watched.events, TORPOR_POLL_READABLE | TORPOR_POLL_WRITABLE);
  assert_int_equal(torpor_poll_change(watched.poll, 8), TORPOR_MISUSE);
  torpor_poll_close(watched.poll);
  close(pair[0]);
  close(pair[1]);
  torpor_loop_close(watched.loop);
}

/* libuv gives up a descriptor with an error: that must not keep the loop. */
static void an_error_is_told_once(void **state) {
  struct watched watched = {.loop = open_loop()};
  int ends[2];
  (void)state;
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  assert_int_equal(torpor_poll_open(watched.loop, ends[1], TORPOR_POLL_WRITABLE,
                                    count_ready, &watched, &watched.poll),
                   TORPOR_OK);
  assert_int_equal(torpor_loop_run(watched.loop), TORPOR_OK);
  assert_int_equal(watched.calls, 1);
  assert_int_equal(watched.events, TORPOR_POLL_WRITABLE);
  torpor_poll_close(watched.poll);
  close(ends[1]);
  torpor_loop_close(watched.loop);
}

static void what_cannot_be_watched_is_refused(void **state) {
  torpor_loop *loop = open_loop();
  torpor_poll *poll;
  int file = open("/proc/self/exe", O_RDONLY), closed = dup(file);
  (void)state;
  close(closed);
  assert_int_equal(torpor_poll_open(loop, file, TORPOR_POLL_READABLE,
                                    count_ready, NULL, &poll),
                   TORPOR_UNSUPPORTED);
  assert_int_equal(torpor_poll_open(loop, closed, TORPOR_POLL_READABLE,
                                    count_ready, NULL, &poll),
                   TORPOR_IO);
  assert_int_equal(torpor_poll_open(loop, -1, TORPOR_POLL_READABLE, count_ready,
                                    NULL, &poll),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_poll_open(loop, file, 4, count_ready, NULL, &poll),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_poll_open(loop, file, 1, NULL, NULL, &poll),
                   TORPOR_MISUSE);
  assert_int_equal(torpor_poll_open(loop, file, 1, count_ready, NULL, NULL),
                   TORPOR_MISUSE);
  assert_null(poll);
  torpor_poll_close(NULL);
  close(file);
  torpor_loop_close(loop);
}

static void a_poll_outlives_its_loop(void **state) {
  struct watched watched = {.loop = open_loop()};
  int ends[2];
  (void)state;
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(torpor_poll_open(watched.loop, ends[0], TORPOR_POLL_READABLE,
                                    take_text, &watched, &watched.poll),
                   TORPOR_OK);
  torpor_loop_close(watched.loop);
  assert_int_equal(torpor_poll_change(watched.poll, 0), TORPOR_CANCELLED);
  torpor_poll_close(watched.poll);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(timers_and_files_under_poll),
      cmocka_unit_test(two_vms_under_epoll),
      cmocka_unit_test(a_wake_of_an_idle_loop_is_taken),
      cmocka_unit_test(another_thread_stops_it),
      cmocka_unit_test(timeout_sees_what_the_host_did),
      cmocka_unit_test(a_pipe_is_read),
      cmocka_unit_test(events_can_be_changed),
      cmocka_unit_test(an_error_is_told_once),
      cmocka_unit_test(what_cannot_be_watched_is_refused),
      cmocka_unit_test(a_poll_outlives_its_loop),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
