/* SPDX-License-Identifier: MIT */
/* terminal.c - terminals of a program. See terminal.h.
 *
 *  (1) What a program changes is set back when its world closes, which a
 *      program that is stopped by a signal comes to as well.
 *
 * Runs on the loop's thread. */
#include "loop/terminal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "loop/world.h"

struct torpor__terminal {
  struct torpor__terminal *next;
  int file; /* ours */
  struct termios before;
};

int torpor__terminal_size(struct torpor__descriptor *descriptor, int *columns,
                          int *rows) {
  struct winsize size;
  int file = torpor__descriptor_file(descriptor);
  if (file < 0 || ioctl(file, TIOCGWINSZ, &size) != 0) return -ENOTTY;
  *columns = size.ws_col;
  *rows = size.ws_row;
  return size.ws_col > 0 && size.ws_row > 0 ? 0 : -ENOTTY;
}

/* Keeps how 'file' is set; false when that fails. */
static bool keep(torpor_world *world, int file, const struct termios *before) {
  struct torpor__terminal *kept = malloc(sizeof(*kept));
  if (kept == NULL) return false;
  *kept = (struct torpor__terminal){world->changed, dup(file), *before};
  if (kept->file < 0) {
    free(kept);
    return false;
  }
  world->changed = kept;
  return true;
}

int torpor__terminal_raw(struct torpor__descriptor *descriptor) {
  struct termios mode;
  int file = torpor__descriptor_file(descriptor);
  if (file < 0 || tcgetattr(file, &mode) != 0) return -ENOTTY;
  if ((mode.c_lflag & ICANON) == 0) return 0;
  if (!keep(descriptor->world, file, &mode)) return -ENOMEM;
  mode.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR |
                              IGNCR | ICRNL | IXON);
  mode.c_oflag |= OPOST;
  mode.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
  mode.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
  mode.c_cflag |= CS8;
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  return tcsetattr(file, TCSANOW, &mode) == 0 ? 0 : -errno;
}

/* The one that was changed first was changed from what it shall be. */
void torpor__terminals_restore(torpor_world *world) {
  while (world->changed != NULL) {
    struct torpor__terminal *kept = world->changed;
    world->changed = kept->next;
    tcsetattr(kept->file, TCSANOW, &kept->before);
    close(kept->file);
    free(kept);
  }
}
