/* SPDX-License-Identifier: MIT */
/* task-end.c - how tasks end. See task-end.h. */
#include "loop/task-end.h"

#include <stdio.h>

#include "loop/path.h"

void torpor__task_finish_empty(torpor_task *task) {
  static const uint8_t UNDEFINED = 0xf7;
  torpor_task_complete(task, TORPOR_RESOLVE, &UNDEFINED, 1);
}

void torpor__task_finish_null(torpor_task *task) {
  static const uint8_t NOTHING = 0xf6;
  torpor_task_complete(task, TORPOR_RESOLVE, &NOTHING, 1);
}

void torpor__task_finish_bytes(torpor_task *task, uint8_t *memory,
                               size_t size) {
  uint8_t *bytes = memory + TORPOR__RESULT_HEAD;
  uint8_t *head = torpor__result_head(bytes, size);
  torpor__task_finish(
      task, TORPOR_RESOLVE,
      (struct torpor__result){.memory = memory,
                              .data = head,
                              .size = (size_t)(bytes + size - head)});
}

void torpor__task_finish_written(torpor_task *task, torpor_writer *writer) {
  torpor_slice tree;
  if (torpor_writer_finish(writer, &tree) == TORPOR_OK)
    torpor_task_complete(task, TORPOR_RESOLVE, tree.data, tree.size);
  else
    torpor_task_fail(task, "RangeError", "out of memory on the host", NULL);
  torpor_writer_close(writer);
}

void torpor__task_fail_system(torpor_task *task, const char *doing,
                              int failure) {
  torpor_bytes message;
  torpor__format(&message, "%s: %s", doing, uv_strerror(failure));
  torpor_task_fail(task, "Error",
                   message.data == NULL ? doing : (char *)message.data,
                   uv_err_name(failure));
  torpor_bytes_free(&message);
}

void torpor__task_fail_closed(torpor_task *task) {
  torpor_task_fail(task, "Error", "the descriptor was closed", "EBADF");
}

void torpor__task_fail_access(torpor_task *task, torpor_status status,
                              const torpor_bytes *sentence) {
  const char *message =
      sentence->data == NULL ? "out of memory" : (char *)sentence->data;
  if (status == TORPOR_DENIED)
    torpor_task_fail(task, "NotAllowedError", message, "EACCES");
  else
    torpor_task_fail(task, "Error", message,
                     status == TORPOR_MISUSE ? "EINVAL" : "ENOENT");
}

void torpor__task_fail_lost(torpor_task *task, uint64_t number) {
  char message[160];
  snprintf(message, sizeof(message),
           "descriptor %llu is not open here: it was closed, or it was left "
           "behind when the program slept",
           (unsigned long long)number);
  torpor_task_fail(task, "LostError", message, "LOST");
}
