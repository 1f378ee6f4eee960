/* SPDX-License-Identifier: MIT */
/* net-address.c - what a program connects to or listens at. See net-address.h.
 *
 * Runs on the loop's thread. */
#include "loop/net/net-address.h"

#include <stdio.h>
#include <string.h>

#include "loop/descriptor.h"
#include "loop/field.h"
#include "loop/path.h"
#include "loop/task-end.h"

void torpor__address_free(struct torpor__address *address) {
  free(address->host);
  free(address->path);
  free(address->text);
  *address = (struct torpor__address){0};
}

/* ---- Reading -------------------------------------------------------------*/

static bool refuse(torpor_task *task, const char *message) {
  torpor_task_fail(task, "TypeError", message, "EINVAL");
  return false;
}

/* 'asked' in the form in which it was checked; NULL after failing the task. */
static char *check(torpor_task *task, const char *asked) {
  torpor_bytes checked = {0};
  torpor_status status = torpor_access_check(torpor_task_access(task),
                                             TORPOR_NET, asked, &checked);
  if (status == TORPOR_OK) return (char *)checked.data;
  torpor__task_fail_access(task, status, &checked);
  torpor_bytes_free(&checked);
  return NULL;
}

/* Takes "host:port", which was checked, apart. */
static bool split(struct torpor__address *out) {
  char *colon = strrchr(out->text, ':');
  size_t size = (size_t)(colon - out->text);
  const char *host = out->text;
  if (size >= 2 && host[0] == '[' && host[size - 1] == ']') host++, size -= 2;
  out->host = strndup(host, size);
  snprintf(out->port, sizeof(out->port), "%s", colon + 1);
  return out->host != NULL;
}

static bool read_host(torpor_task *task, struct torpor__address *out) {
  const torpor_operation *operation = torpor_task_operation(task);
  char *host = torpor__field_text(operation, "host");
  uint64_t port = torpor__field_count(operation, "port", UINT64_MAX);
  torpor_bytes asked = {0};
  if (host == NULL || port > 65535) {
    free(host);
    return refuse(task,
                  "an address is { host, port }, a text and a number up to "
                  "65535, or { path }");
  }
  bool bare = strchr(host, ':') != NULL && host[0] != '[';
  torpor__format(&asked, "%s%s%s:%u", bare ? "[" : "", host, bare ? "]" : "",
                 (unsigned)port);
  free(host);
  if (asked.data != NULL) out->text = check(task, (char *)asked.data);
  if (asked.data == NULL)
    torpor__task_fail_system(task, "reading an address", UV_ENOMEM);
  torpor_bytes_free(&asked);
  if (out->text == NULL) return false;
  if (split(out)) return true;
  torpor__task_fail_system(task, "reading an address", UV_ENOMEM);
  return false;
}

static bool read_socket(torpor_task *task, char *path,
                        struct torpor__address *out) {
  torpor_bytes asked = {0};
  torpor__format(&asked, "unix:%s", path);
  free(path);
  if (asked.data != NULL) out->text = check(task, (char *)asked.data);
  if (asked.data == NULL)
    torpor__task_fail_system(task, "reading an address", UV_ENOMEM);
  torpor_bytes_free(&asked);
  if (out->text == NULL) return false;
  out->path = strdup(out->text + strlen("unix:"));
  if (out->path != NULL && torpor__access_reserved(out->path))
    return refuse(task, "a part of a store is no socket");
  if (out->path != NULL) return true;
  torpor__task_fail_system(task, "reading an address", UV_ENOMEM);
  return false;
}

bool torpor__address_read(torpor_task *task, struct torpor__address *out) {
  *out = (struct torpor__address){0};
  char *path = torpor__field_text(torpor_task_operation(task), "path");
  return path != NULL ? read_socket(task, path, out) : read_host(task, out);
}

/* ---- Writing -------------------------------------------------------------*/

static void write_host(torpor_writer *writer, const char *host, int port) {
  torpor_writer_object(writer, 2);
  torpor_writer_key(writer, "host", SIZE_MAX);
  torpor_writer_string(writer, host, SIZE_MAX);
  torpor_writer_key(writer, "port", SIZE_MAX);
  torpor_writer_integer(writer, port);
  torpor_writer_end(writer);
}

void torpor__address_write(torpor_writer *writer, const char *key,
                           const struct sockaddr *address) {
  char host[64] = "";
  torpor_writer_key(writer, key, SIZE_MAX);
  if (address != NULL && address->sa_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)address;
    uv_ip4_name(in, host, sizeof(host));
    write_host(writer, host, ntohs(in->sin_port));
  } else if (address != NULL && address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const void *)address;
    uv_ip6_name(in6, host, sizeof(host));
    write_host(writer, host, ntohs(in6->sin6_port));
  } else {
    torpor_writer_null(writer);
  }
}

void torpor__address_write_ends(torpor_writer *writer,
                                const uv_stream_t *stream) {
  struct sockaddr_storage local = {0}, remote = {0};
  int size = sizeof(local);
  if (stream->type == UV_TCP) {
    const uv_tcp_t *tcp = (const uv_tcp_t *)(const void *)stream;
    if (uv_tcp_getsockname(tcp, (struct sockaddr *)&local, &size) != 0)
      local.ss_family = AF_UNSPEC;
    size = sizeof(remote);
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&remote, &size) != 0)
      remote.ss_family = AF_UNSPEC;
  }
  torpor__address_write(writer, "local", (struct sockaddr *)&local);
  torpor__address_write(writer, "remote", (struct sockaddr *)&remote);
}

void torpor__address_fail(torpor_task *task, const char *doing,
                          const struct torpor__address *address, int failure) {
  torpor_bytes sentence;
  torpor__format(&sentence, "%s %s", doing, address->text);
  torpor__task_fail_system(
      task, sentence.data == NULL ? doing : (char *)sentence.data, failure);
  torpor_bytes_free(&sentence);
}
