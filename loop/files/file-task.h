/* SPDX-License-Identifier: MIT */
/* file-task.h - what the drivers of files have in common: the paths and the
 * data that a request names, and how its task fails. Each function that fails
 * the task ends it, and says so by its result.
 *
 * Runs on the loop's thread. */
#ifndef TORPOR_LOOP_FILE_TASK_H
#define TORPOR_LOOP_FILE_TASK_H

#include "common/file.h"
#include "loop/loop.h"

/* 'path' resolved, from malloc, if the program may do with it what 'want' says,
 * of TORPOR__MAY_READ and the like; NULL after failing the task. */
char *torpor__file_task_check(torpor_task *task, const char *path,
                              unsigned want);

/* The same for the path that the request has under 'key'. */
char *torpor__file_task_path(torpor_task *task, const char *key, unsigned want);

/* Whether the request has text or bytes under "data"; false after failing the
 * task. */
bool torpor__file_task_has_data(torpor_task *task);

/* Copies them to 'out', from malloc. False after failing the task; 'doing' and
 * 'path' as below. */
bool torpor__file_task_data(torpor_task *task, const char *doing,
                            const char *path, struct torpor__file_bytes *out);

/* Fails 'task' because the request is wrong; false. */
bool torpor__file_task_refuse(torpor_task *task, const char *message);

/* Fails 'task': "DOING PATH: no such file or directory", with the code of
 * 'failure' (disk.h). */
void torpor__file_task_fail(torpor_task *task, const char *doing,
                            const char *path, int failure);

#endif
