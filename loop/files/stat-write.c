/* SPDX-License-Identifier: MIT */
/* stat-write.c - what is known of a file, as the result of an operation. See
 * stat-write.h.
 *
 * No state; any thread. */
#include "loop/files/stat-write.h"

#include <errno.h>
#include <math.h>

static void write_number(torpor_writer *writer, const char *key, double value) {
  torpor_writer_key(writer, key, SIZE_MAX);
  torpor_writer_number(writer, value);
}

int torpor__stat_write(const struct torpor__disk_stat *stat,
                       torpor_writer **out) {
  if (torpor_writer_open(NULL, 0, out) != TORPOR_OK) return -ENOMEM;
  torpor_writer *writer = *out;
  torpor_writer_object(writer, 12);
  torpor_writer_key(writer, "kind", SIZE_MAX);
  torpor_writer_string(writer, torpor__disk_kind(stat->mode), SIZE_MAX);
  write_number(writer, "size", (double)stat->size);
  write_number(writer, "mode", stat->mode & 07777);
  write_number(writer, "uid", (double)stat->uid);
  write_number(writer, "gid", (double)stat->gid);
  write_number(writer, "links", (double)stat->links);
  write_number(writer, "inode", (double)stat->inode);
  write_number(writer, "device", (double)stat->device);
  write_number(writer, "accessed", stat->accessed);
  write_number(writer, "modified", stat->modified);
  write_number(writer, "changed", stat->changed);
  torpor_writer_key(writer, "created", SIZE_MAX);
  if (isnan(stat->created))
    torpor_writer_null(writer);
  else
    torpor_writer_number(writer, stat->created);
  torpor_writer_end(writer);
  return 0;
}
