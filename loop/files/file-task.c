/* SPDX-License-Identifier: MIT */
/* file-task.c - paths and data of tasks about files. See file-task.h. */
#include "loop/files/file-task.h"

#include "common/array.h"
#include "loop/field.h"
#include "loop/files/disk.h"
#include "loop/path.h"
#include "loop/task-end.h"

bool torpor__file_task_refuse(torpor_task *task, const char *message) {
  torpor_task_fail(task, "TypeError", message, "EINVAL");
  return false;
}

void torpor__file_task_fail(torpor_task *task, const char *doing,
                            const char *path, int failure) {
  torpor_bytes message;
  torpor__format(&message, "%s %s: %s", doing, path,
                 torpor__disk_text(failure));
  torpor_task_fail(task, "Error",
                   message.data == NULL ? doing : (char *)message.data,
                   torpor__disk_code(failure));
  torpor_bytes_free(&message);
}

char *torpor__file_task_check(torpor_task *task, const char *path,
                              unsigned want) {
  torpor_bytes checked;
  torpor_status status =
      torpor__access_check_path(torpor_task_access(task), path, want, &checked);
  if (status == TORPOR_OK) return (char *)checked.data;
  torpor__task_fail_access(task, status, &checked);
  torpor_bytes_free(&checked);
  return NULL;
}

char *torpor__file_task_path(torpor_task *task, const char *key,
                             unsigned want) {
  char *path = torpor__field_text(torpor_task_operation(task), key);
  if (path == NULL) {
    torpor__file_task_refuse(
        task, "the path of a file must be a text without U+0000");
    return NULL;
  }
  char *resolved = torpor__file_task_check(task, path, want);
  free(path);
  return resolved;
}

static bool find_data(const torpor_task *task, struct torpor__field *out) {
  const torpor_operation *operation = torpor_task_operation(task);
  return torpor__request_field(operation->request, operation->request_size,
                               "data", out);
}

bool torpor__file_task_has_data(torpor_task *task) {
  struct torpor__field data;
  return find_data(task, &data) ||
         torpor__file_task_refuse(
             task, "what is written to a file must be text or bytes");
}

bool torpor__file_task_data(torpor_task *task, const char *doing,
                            const char *path, struct torpor__file_bytes *out) {
  struct torpor__field data;
  if (!torpor__file_task_has_data(task)) return false;
  find_data(task, &data);
  out->data = torpor__array_copy(data.data, data.size);
  out->size = data.size;
  if (out->data != NULL) return true;
  torpor__file_task_fail(task, doing, path, UV_ENOMEM);
  return false;
}
