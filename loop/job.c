/* SPDX-License-Identifier: MIT */
/* job.c - blocking work for tasks, on the threads of libuv's pool. See job.h.
 *
 * Runs on the loop's thread; 'perform' on a thread of the pool. */
#include "loop/job.h"

#include <assert.h>

#include "loop/room.h"

static void work_on_waiting(torpor_loop *loop);

/* uv_work_cb */
static void perform(uv_work_t *work) {
  struct torpor__job *job = work->data;
  job->failure = job->type->perform(job);
}

/* uv_after_work_cb */
static void finish(uv_work_t *work, int status) {
  struct torpor__job *job = work->data;
  torpor_loop *loop = job->loop;
  if (status != 0) job->failure = status;
  loop->jobs.working--;
  assert(job->working && (job->task == NULL) == atomic_load(&job->cancelled));
  if (job->task != NULL) job->type->complete(job);
  job->type->free(job);
  work_on_waiting(loop);
}

static void work_on(struct torpor__job *job) {
  if (job->type->prepare != NULL && !job->type->prepare(job)) {
    job->type->free(job);
    return;
  }
  job->failure = torpor__room_for_pool();
  if (job->failure != 0) {
    job->type->complete(job);
    job->type->free(job);
    return;
  }
  job->work.data = job;
  job->working = true;
  job->loop->jobs.working++;
  uv_queue_work(&job->loop->uv, &job->work, perform, finish);
}

static void work_on_waiting(torpor_loop *loop) {
  struct torpor__jobs *jobs = &loop->jobs;
  while (jobs->working < TORPOR__JOBS_MAX &&
         !torpor__list_empty(&jobs->waiting)) {
    struct torpor__job *job = (struct torpor__job *)jobs->waiting.next;
    torpor__link_remove(&job->link);
    work_on(job);
  }
}

#ifdef TORPOR_TESTING
void torpor__jobs_check(const torpor_loop *loop) {
  const struct torpor__jobs *jobs = &loop->jobs;
  assert(jobs->working <= TORPOR__JOBS_MAX);
  assert(jobs->working == TORPOR__JOBS_MAX ||
         torpor__list_empty(&jobs->waiting));
  for (const struct torpor__link *link = jobs->waiting.next;
       link != &jobs->waiting; link = link->next) {
    const struct torpor__job *job = (const struct torpor__job *)link;
    assert(!job->working && job->task != NULL && job->loop == loop);
  }
}
#endif

void torpor__job_start(struct torpor__job *job, torpor_task *task) {
  job->loop = torpor_task_loop(task);
  job->task = task;
  torpor_task_set_state(task, job);
  torpor__list_append(&job->loop->jobs.waiting, &job->link);
  work_on_waiting(job->loop);
}

void torpor__job_cancel(torpor_task *task, void *user) {
  struct torpor__job *job = torpor_task_state(task);
  (void)user;
  if (!job->working) {
    torpor__link_remove(&job->link);
    job->type->free(job);
    return;
  }
  job->task = NULL;
  atomic_store(&job->cancelled, true);
  uv_cancel((uv_req_t *)&job->work);
}
