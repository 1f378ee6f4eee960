/* SPDX-License-Identifier: MIT */
/* net-address.h - what a program connects to or listens at: a host and a port,
 * or a socket in the file system.
 *
 * Access is checked for the text that the program gave, "host:port" or
 * "unix:PATH". Names are looked up after that, so a grant for a name is one for
 * whatever it leads to. */
#ifndef TORPOR_LOOP_NET_ADDRESS_H
#define TORPOR_LOOP_NET_ADDRESS_H

#include "loop/loop.h"

struct torpor__address {
  char *host; /* without brackets; NULL: it is a path */
  char port[8];
  char *path; /* resolved but for the last part */
  char *text; /* for sentences: "host:port" or the path */
};

/* Reads {host, port} or {path} of the task's request and checks it. False after
 * failing the task. Free it in any case. */
bool torpor__address_read(torpor_task *task, struct torpor__address *out);
void torpor__address_free(struct torpor__address *address);

/* Writes {host, port} of 'address' under 'key'; null, if it is none. */
void torpor__address_write(torpor_writer *writer, const char *key,
                           const struct sockaddr *address);
/* Writes those of the two ends of a connection, under "local" and "remote". */
void torpor__address_write_ends(torpor_writer *writer,
                                const uv_stream_t *stream);

/* Fails the task: "DOING TEXT: no such host", with the code. */
void torpor__address_fail(torpor_task *task, const char *doing,
                          const struct torpor__address *address, int failure);

#endif
