/* SPDX-License-Identifier: MIT */
/* task-end.h - the results and errors that tasks of several drivers end with.
 *
 * Each completes its task, as torpor_task_complete does: once, and nothing may
 * be done with the task afterwards.
 *
 * Runs on the loop's thread. */
#ifndef TORPOR_LOOP_TASK_END_H
#define TORPOR_LOOP_TASK_END_H

#include "loop/loop.h"
#include "loop/request.h"

/* Completes 'task' with undefined. */
void torpor__task_finish_empty(torpor_task *task);
/* Completes 'task' with null: the end of what is read. */
void torpor__task_finish_null(torpor_task *task);
/* Completes 'task' with a Uint8Array of 'size' bytes, without a copy: they lie
 * TORPOR__RESULT_HEAD bytes behind the beginning of 'memory', which comes from
 * malloc and is taken over. */
void torpor__task_finish_bytes(torpor_task *task, uint8_t *memory, size_t size);
/* Completes 'task' with what was written, and closes the writer. */
void torpor__task_finish_written(torpor_task *task, torpor_writer *writer);

/* Fails 'task' because of what libuv or the system said: "DOING: no such file
 * or directory", with its code. */
void torpor__task_fail_system(torpor_task *task, const char *doing,
                              int failure);
/* Fails 'task', whose descriptor is not open any more. */
void torpor__task_fail_closed(torpor_task *task);
/* Fails 'task', whose descriptor 'number' is not open here, with a
 * LostError. */
void torpor__task_fail_lost(torpor_task *task, uint64_t number);
/* Fails 'task' as access says: 'sentence' is what a check gave with 'status'.
 */
void torpor__task_fail_access(torpor_task *task, torpor_status status,
                              const torpor_bytes *sentence);

#endif
