/* SPDX-License-Identifier: MIT */
/* world.h - what one program has outside of its VM. See torpor-loop.h. */
#ifndef TORPOR_LOOP_WORLD_H
#define TORPOR_LOOP_WORLD_H

#include "loop/descriptor.h"

struct torpor_world {
  struct torpor__link link; /* first; in the loop's list */
  torpor_loop *loop;
  torpor_world_options options;
  struct torpor__descriptor **descriptors; /* in order of numbers */
  size_t count, capacity;
  torpor_vm *vm;   /* of the program, once it was bound; NULL */
  bool is_worker;  /* it runs in a thread of its own, see worker.c */
  unsigned closed; /* bits of standard streams, standard.c */
  struct torpor__terminal *changed; /* terminals to be set back, terminal.c */
  struct torpor__link bound; /* what functions of VMs are bound to: bind.c */
};

/* bind.c: functions that were bound to it throw a LostError from now on. */
void torpor__world_unbind(torpor_world *world);
/* Closes all worlds of the loop. */
void torpor__worlds_close(torpor_loop *loop);

#endif
