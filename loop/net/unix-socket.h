/* SPDX-License-Identifier: MIT */
/* unix-socket.h - sockets in the file system, without following links.
 *
 * The system has no calls that connect to or bind a name within a folder that
 * is open. /proc/self/fd/N does it: for connecting, N is the socket itself; for
 * binding, N is the folder. So what is reached is what was opened, and the
 * length of a path is no matter. */
#ifndef TORPOR_LOOP_UNIX_SOCKET_H
#define TORPOR_LOOP_UNIX_SOCKET_H

#include <sys/types.h>

/* Connects a new socket, which does not block, to the one at 'path', a resolved
 * one. A descriptor, or a negated errno; -EAGAIN: it has no room, try later. */
int torpor__unix_connect(const char *path);

/* A name in the file system at which a socket listens. */
struct torpor__unix_name {
  int folder; /* that it lies in, open; -1: none */
  char *name;
  dev_t device; /* what was made there */
  ino_t inode;
};

/* Binds a new socket, which does not block, to 'path'. A socket that lies there
 * and at which nobody listens any more is replaced. A descriptor, or a negated
 * errno. 'out' is to be removed in any case. */
int torpor__unix_bind(const char *path, struct torpor__unix_name *out);

/* Removes the name, if it is still that of our socket, and frees it. */
void torpor__unix_remove(struct torpor__unix_name *name);

#endif
