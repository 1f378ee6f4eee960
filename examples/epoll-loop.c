/* SPDX-License-Identifier: MIT */
/* epoll-loop.c - a loop of Torpor's inside a loop of one's own.
 *
 * The host has an epoll loop with things of its own in it, here a timer that
 * beats. Two programs live on one loop of Torpor's, which has timers, files and
 * whatever else they await; the host's loop waits for that as for any other
 * descriptor:
 *
 *   torpor_loop_turn(loop, false)       goes on as far as it can, never waits
 *   torpor_loop_backend_descriptor      is readable when there is more to do
 *   torpor_loop_timeout                 for how long there is not
 *
 * A thread that has had enough stops the loop, from outside. Compile and run:
 *
 *   cc epoll-loop.c -o epoll-loop $(pkg-config --cflags --libs torpor-loop)
 *   ./epoll-loop
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <torpor-loop.h>
#include <unistd.h>

static const char *const programs[] = {
    "const sleep = ms => new Promise(done => setTimeout(done, ms));\n"
    "for (const word of ['one', 'two', 'three']) {\n"
    "  await sleep(100);\n"
    "  console.log('first program:', word);\n"
    "}\n",
    "setTimeout(() => console.log('second program: at 250 ms'), 250);\n"
    "setInterval(() => {}, 60000);\n" /* it would never end */
};

static void check(torpor_vm *vm, torpor_status status) {
  if (status == TORPOR_OK) return;
  fprintf(stderr, "%s\n",
          vm == NULL ? torpor_status_text(status) : torpor_last_error(vm));
  exit(1);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static torpor_vm *start_program(torpor_loop *loop, const char *source) {
  torpor_attachment attachment = TORPOR_ATTACHMENT_INIT;
  torpor_vm *vm;
  check(NULL, torpor_vm_open(NULL, &vm));
  check(vm, torpor_loop_attach(loop, vm, &attachment));
  check(vm,
        torpor_eval(vm, source, SIZE_MAX, "program.mjs", TORPOR_MODULE, NULL));
  return vm;
}

/* ---- What the host has of its own -----------------------------------------*/

static int open_beat(void) {
  const struct itimerspec often = {{0, 125000000}, {0, 125000000}};
  int beat = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (beat < 0 || timerfd_settime(beat, 0, &often, NULL) != 0) fail("timerfd");
  return beat;
}

static void take_beat(int beat) {
  uint64_t times;
  if (read(beat, &times, sizeof(times)) == sizeof(times))
    puts("the host's own");
}

static void *stop_later(void *loop) {
  usleep(450000);
  torpor_loop_stop(loop);
  return NULL;
}

/* ---- Its loop -------------------------------------------------------------*/

static void add_descriptor(int epoll, int descriptor) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
    fail("epoll_ctl");
}

/* Returns what the last turn of 'loop' did. */
static torpor_status run(torpor_loop *loop, int epoll, int beat) {
  struct epoll_event event;
  for (;;) {
    torpor_status status = torpor_loop_turn(loop, false);
    if (status != TORPOR_OK) return status;
    int count = epoll_wait(epoll, &event, 1, torpor_loop_timeout(loop));
    if (count == 1 && event.data.fd == beat) take_beat(beat);
  }
}

int main(void) {
  torpor_loop *loop;
  torpor_vm *vms[2];
  pthread_t thread;
  int beat = open_beat(), epoll = epoll_create1(EPOLL_CLOEXEC);
  check(NULL, torpor_loop_open(NULL, &loop));
  for (int i = 0; i < 2; i++) vms[i] = start_program(loop, programs[i]);
  add_descriptor(epoll, beat);
  add_descriptor(epoll, torpor_loop_backend_descriptor(loop));
  if (pthread_create(&thread, NULL, stop_later, loop) != 0) return 1;
  torpor_status status = run(loop, epoll, beat);
  pthread_join(thread, NULL);
  printf("ended: %s\n", torpor_status_name(status));
  torpor_loop_close(loop); /* detaches the VMs */
  for (int i = 0; i < 2; i++) torpor_vm_close(vms[i]);
  close(beat);
  close(epoll);
  return 0;
}
