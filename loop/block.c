/* SPDX-License-Identifier: MIT */
/* block.c - waiting at once. See block.h.
 *
 * Runs on the loop's thread. */
#include "loop/block.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 50, CHILD_MS = 5 };

/* Waits for events on 'file', or with -1 for the time, at most 'ms'. How many
 * there are; -ECANCELED. */
static int wait_ms(const torpor_loop *loop, int file, short events, int ms) {
  struct pollfd polled = {.fd = file, .events = events};
  if (torpor_loop_stopping(loop)) return -ECANCELED;
  int count = poll(&polled, 1, ms);
  if (torpor_loop_stopping(loop)) return -ECANCELED;
  return count > 0 ? 1 : 0;
}

int torpor__block_sleep(const torpor_loop *loop, double ms) {
  double end = (double)uv_hrtime() / 1e6 + ms, left = ms;
  while (left > 0) {
    int failure =
        wait_ms(loop, -1, 0, left < LOOK_MS ? (int)left + 1 : LOOK_MS);
    if (failure < 0) return failure;
    left = end - (double)uv_hrtime() / 1e6;
  }
  return 0;
}

int torpor__block_poll(const torpor_loop *loop, int file, short events) {
  int found;
  do {
    found = wait_ms(loop, file, events, LOOK_MS);
  } while (found == 0);
  return found < 0 ? found : 0;
}

int64_t torpor__block_read(const torpor_loop *loop, int file, void *data,
                           size_t size, bool wait) {
  for (;;) {
    /* A file that others share may be set to wait in read(2). */
    int ready = wait ? torpor__block_poll(loop, file, POLLIN)
                     : wait_ms(loop, file, POLLIN, 0);
    if (ready < 0) return ready;
    if (ready == 0 && !wait) return -EAGAIN;
    ssize_t got = read(file, data, size);
    if (got >= 0) return got;
    if (errno != EINTR && (errno != EAGAIN || !wait)) return -errno;
  }
}

int64_t torpor__block_write(const torpor_loop *loop, int file, const void *data,
                            size_t size, bool wait) {
  size_t done = 0;
  while (done < size) {
    int ready = wait ? torpor__block_poll(loop, file, POLLOUT)
                     : wait_ms(loop, file, POLLOUT, 0);
    if (ready < 0) return ready;
    if (ready == 0 && !wait) break;
    ssize_t put = write(file, (const char *)data + done, size - done);
    if (put > 0) done += (size_t)put;
    if (put >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return done > 0 ? (int64_t)done : -errno;
    if (!wait) break;
  }
  return done == 0 && size > 0 ? -EAGAIN : (int64_t)done;
}

/* What waitpid(2) would say. */
static int status_of(const siginfo_t *info) {
  return info->si_code == CLD_EXITED ? (info->si_status & 255) << 8
                                     : info->si_status & 127;
}

int torpor__block_child(const torpor_loop *loop, int process, bool wait,
                        int *status) {
  for (;;) {
    siginfo_t info = {0};
    int failed =
        waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT);
    if (failed != 0 && errno != EINTR) return -errno;
    if (failed == 0 && info.si_pid != 0) {
      *status = status_of(&info);
      return 1;
    }
    if (!wait) return 0;
    int failure = torpor__block_sleep(loop, CHILD_MS);
    if (failure < 0) return failure;
  }
}
